//! What ClassicLink connections carry, asked of the compiled world.
//!
//! For each pair of ends, a classic instance and something of the VPC at the other end of its link, a first packet and
//! its reply are judged by the functions that forward frames: one for each protocol and range of ports that the rules
//! of both ends tell apart. [`FarEnds`] lists what a VPC has at the far end, [`Way`] is the answer for one direction of
//! a pair, and [`warnings`] finds the links that nothing passes.

mod closed;
mod ends;
mod flow;
mod way;

pub(crate) use closed::warnings;
pub(crate) use ends::{FarEnds, LinkEnd, Near};
pub(crate) use flow::PassingPorts;
pub(crate) use way::Way;

#[cfg(test)]
mod tests;

//! Biplane: a packet-level simulator of the classic network, VPCs and ClassicLink.
pub mod compile;
pub mod datapath;
pub mod diag;
pub mod model;
pub mod net;
pub mod program;
pub mod report;
pub mod table;
pub mod time;
pub mod wire;

//! Biplane: a packet-level simulator of the classic network, VPCs and ClassicLink.
pub mod check;
pub mod diag;
pub mod explain;
pub mod model;
pub mod net;
pub mod report;
pub mod scenario;
pub mod time;

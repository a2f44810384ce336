//! Biplane: a packet-level simulator of the classic network, VPCs and ClassicLink.
pub mod capture;
pub mod diag;
pub mod model;
pub mod net;
pub mod time;

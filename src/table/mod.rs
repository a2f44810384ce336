//! Lookup structures: route tables, flow state, ordered access lists. They know addresses and ports, no clouds.

pub mod acl;
pub mod lpm;
pub mod session;

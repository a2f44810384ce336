//! Lookup structures: route tables, flow state, ordered access lists, and vectors and maps that clones share. They know
//! addresses and ports, no clouds.

pub mod acl;
pub mod lpm;
pub mod paged;
pub mod session;

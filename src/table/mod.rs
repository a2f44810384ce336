//! The lookup structures of the fast path: compiled once, read for every frame. They know addresses and ports,
//! and nothing of clouds.

pub mod acl;

//! Lookup structures: route tables, flow state, ordered access lists, maps that forget, and vectors and maps that clones
//! share. They know addresses and ports, no clouds.

pub mod acl;
pub mod expiring;
pub mod lpm;
mod memory;
pub mod paged;
mod random;
pub mod session;

pub use memory::{OutOfMemory, prefetch};
pub use random::Random;

//! Lookup structures: route tables, flow state, ordered access lists, maps that forget, and vectors and maps that clones
//! share. They know addresses and ports, no clouds.
//!
//! ```
//! use biplane::table::lpm::Tables;
//!
//! let mut tables = Tables::new();
//! let table = tables.add(&[("10.0.0.0/8".parse()?, 1), ("10.1.0.0/16".parse()?, 2)]);
//! assert_eq!(tables.lookup(table, "10.1.2.3".parse()?), Some(2));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[doc(hidden)]
pub mod acl;
#[doc(hidden)]
pub mod expiring;
pub mod lpm;
mod memory;
#[doc(hidden)]
pub mod paged;
mod random;
#[doc(hidden)]
pub mod session;

#[doc(hidden)]
pub use memory::{OutOfMemory, prefetch};
#[doc(hidden)]
pub use random::Random;

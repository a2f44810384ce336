//! Longest-prefix match over IPv4: many tables of routes behind one small interface.
//!
//! A route leads from a prefix to a next hop, a dense 32-bit id that means something to the caller alone.
//!
//! ```
//! use biplane::table::lpm::Tables;
//! let mut tables = Tables::new();
//! let table = tables.add(&[("10.0.0.0/8".parse().unwrap(), 1), ("10.1.0.0/16".parse().unwrap(), 2)]);
//! assert_eq!(tables.lookup(table, "10.1.2.3".parse().unwrap()), Some(2));
//! tables.remove(table, "10.1.0.0/16".parse().unwrap());
//! assert_eq!(tables.lookup(table, "10.1.2.3".parse().unwrap()), Some(1));
//! assert_eq!(tables.lookup(table, "11.0.0.0".parse().unwrap()), None);
//! ```

mod arena;
mod burst;
mod cell;
mod chunk;
mod counter;
mod deep;
mod flat;
pub mod golden;
mod large;
mod memory;
mod pages;
mod route;
mod set;
mod tables;
mod tree;

#[cfg(test)]
mod tests;

pub use tables::{MAX_NEXT_HOP, NO_ROUTE, TableId, Tables};

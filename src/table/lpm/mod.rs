//! Longest-prefix match over IPv4: many tables of routes behind one small interface, [`Tables`].
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
//!
//! Two designs stand behind it, and a third, [`golden`], is the obviously right one that tests hold them against. A
//! table of up to 4,096 routes is small: a search tree. One with more is large: cells. A table that grows or shrinks
//! changes over by itself, back only below 2,048 routes so that it does not do so all the time.
//!
//! # Small tables: search trees of cache lines
//!
//! The routes cut the address space into runs that one route decides. Only the last address of each run is kept,
//! sorted, in a tree whose nodes are cache lines; a step counts the keys below the address, with one or two vector
//! compares.
//!
//! ```text
//! root   | 12 keys                          | where the lines are, shape |   64 bytes, in pages of 256 roots
//!              |
//! inner  | 16 keys                                                      |   one level up to 2,873 runs, then two;
//!              |                                                            none up to 169
//! leaf   | 12 keys                          | 13 next hops of a byte    |   or 10 + 11 of two bytes, 7 + 8 of four
//! ```
//!
//! 10.0.0.0/8 to 1 and 10.1.0.0/16 to 2 make five runs:
//!
//! ```text
//! last address   9.255.255.255   10.0.255.255   10.1.255.255   10.255.255.255   255.255.255.255
//! next hop            none             1              2               1               none
//! ```
//!
//! Two last addresses are below 10.1.2.3, so the next hop with number 2, counted from 0, is the answer: 2.
//!
//! All trees share one arena. Behind its lines each tree has its routes, packed to about three bytes each, from which a
//! change builds the tree anew, in 2 to 5 microseconds for 256 routes. A block of the arena is never written while a
//! clone may read it: the changed tree is put elsewhere, and a slab that is mostly dead blocks is emptied.
//!
//! # Large tables: a cell for every /24
//!
//! ```text
//! 10.1.2.3 =   0000 1010 0000 | 0001 0000 0010 | 0000 0011
//!              chunk            cell             low byte
//!
//! chunks[0x0a0] -> page of 4,096 cells, on huge pages
//! cells[0x102]  =  code below 192  ->  next_hops[code]
//!                  code from 192   ->  slot of a divided /24:  | 31 last addresses | 32 codes |  or 256 codes
//! ```
//!
//! A cell is one byte where at most 191 next hops differ, so 16 MiB hold all /24s and a lookup is one read of them; two
//! bytes up to 65,471 next hops, four bytes beyond. Parts of the address space without longer routes than /12 share a
//! page, so a table that keeps to private space takes a few hundred kilobytes. With 10.0.0.0/8 to 1 and 10.1.2.0/30 to
//! 2, cell 0x102 names a divided /24 whose line has the last addresses 3, 255 and the codes of 2, 1: none is below the
//! low byte 3, so the answer is 2. In a burst, all cells are asked for before the first is read, and divided /24s are put off
//! to passes of their own without a branch. The default
//! route is what code 0 means, so changing it changes no cell.
//!
//! Each /12 keeps its routes sorted in blocks, and a change paints only what its prefix holds and no longer prefix
//! covers.
//!
//! # Readers on other threads
//!
//! A clone shares all pages, blocks and trees, and the first change to any of them copies that one. So a writer changes
//! its own `Tables`, puts a clone of it behind an [`Arc`](std::sync::Arc), and hands that out as the next epoch:
//! readers have the old table or the new one, whole, and no lock or counter is on the path of a lookup.
//!
//! # What they cost
//!
//! `cargo bench --bench lookup`, with `BIPLANE_ROUTES` naming a real BGP table, on one core of a server with AVX-512 and
//! 2 MiB of L2: nanoseconds per lookup in bursts, of one random read for each address over as many bytes as the table
//! takes, and of the best of prefix-trie, poptrie, ts_bart, ip_network_table and iptrie, one by one. Only ratios within
//! a line mean something.
//!
//! | | bursts | random reads | best crate |
//! |---|---|---|---|
//! | 1.07 M BGP routes, a host of a random route | 3.6 | 3.7 | 72 |
//! | same, uniform | 3.0 | 4.2 | 37 |
//! | same, Zipf | 2.8 | 3.5 | 62 |
//! | 1,000 VPC routes | 1.9 | 1.0 | 22 |
//! | 4,096 tables of 256 routes | 7.7 | 3.6 | 120 |
//!
//! `biplane bench lookup` measures a short version in half a minute. With its generated table, whose long prefixes lie
//! scattered, bursts were 0.8 times as fast as random reads for hosts of random routes, level for uniform addresses and
//! 1.1 times as fast for Zipf. A lookup by itself takes 10 ns and more in a large table: where /24s are divided, nobody
//! can foresee which cells are.
//!
//! Memory is counted by [`Tables::memory_bytes`]; times of building and changing are what that command and the bench
//! print: over thousands of random routes, from the best run to the worst.
//!
//! | | 1.07 M BGP routes | 256 VPC routes, in each of 4,096 tables |
//! |---|---|---|
//! | memory | 22 MiB, 21.8 bytes a route | 3.8 kB a table, 14.7 bytes a route |
//! | build | 0.02 to 0.05 s from sorted routes | 4 µs a table |
//! | insert or remove | 0.5 to 0.9 µs | 3.2 µs |
//! | the same, a clone made for readers before each | about 5 µs | 15 to 22 µs |
//!
//! A change builds a small table anew, so it takes 5 to 11 µs where there are 1,000 routes. A clone copies 8 bytes for 64
//! tables and counts a reference for 4,096, and the first change after it copies a page of 256 roots. The cells of a large table are paid for by the address space it spreads over, not by its routes: 10,000
//! routes spread over all of it take 14 MB.
//!
//! # Tried and dropped
//!
//! - Counting keys in plain Rust where vector code is at hand: 23 ns instead of 8.3 for a single lookup among 1,000
//!   routes. It stays as the code for other machines and as the twin that tests compare with.
//! - Passes over a whole burst, level by level, in one small table: 3.9 ns; one lookup after the other: 4.1; four side
//!   by side, which keeps their addresses and places in registers: 3.2. Passes do pay between tables, where lines are
//!   far.
//! - A branch between the two forms of a divided /24, and comparing 31 bytes instead of 32: 9.5 ns instead of 6.8 for
//!   hosts of random routes, as nobody can foresee which form comes next.
//! - Gathering the cells of a burst with AVX-512: 2.0 to 2.1 ns where prefetching them all before the first is read
//!   takes 2.1; prefetching serves every processor, and took it from 3.5.
//! - Routes of a small table packed and unpacked through copies of one to four bytes: a third of the time of a change.

mod arena;
mod burst;
mod cell;
mod chunk;
mod counter;
mod deep;
mod flat;
pub mod golden;
mod large;
use super::memory;
mod pages;
mod route;
pub mod sample;
mod set;
mod tables;
mod tree;

#[cfg(test)]
mod tests;

pub use tables::{MAX_NEXT_HOP, NO_ROUTE, TableId, Tables};

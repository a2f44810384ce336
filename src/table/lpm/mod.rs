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
//! Three designs stand behind it, and a fourth, [`golden`], is the obviously right one that tests hold them against. Which
//! one a table has follows from its routes, and changes with them:
//!
//! | design | for |
//! |---|---|
//! | tree | up to 4,096 routes |
//! | dense | from 512 routes on, where they lie so close together that they take 1 KiB each at most and 1 MiB in all; 16 tables at most |
//! | cells | all others |
//!
//! A dense table goes back below 256 routes or when it takes twice as much, one of cells below 2,048 routes, so that none
//! does so all the time.
//!
//! Many addresses for one table are best asked through [`Tables::table`], which chooses the table and its design once:
//!
//! ```
//! # use biplane::table::lpm::Tables;
//! # let mut tables = Tables::new();
//! # let id = tables.add(&[("10.0.0.0/8".parse().unwrap(), 1)]);
//! let table = tables.table(id);
//! assert_eq!(table.lookup("10.1.2.3".parse().unwrap()), Some(1));
//! ```
//!
//! # Trees of cache lines
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
//! # Dense tables: three reads
//!
//! ```text
//! 10.1.2.3 =   0000 1010 0000 | 0001 0000 0010 | 0000 0011
//!              root             /24              low byte
//!
//! root[0x0a0]             -> (place 4096, shift 8)
//! words[4096 + 0x102]     -> (place 8192, shift 2)     or a next hop's place, shift 8
//! words[8192 + 0x03 / 4]   = next hop
//! ```
//!
//! The first two reads give steps: a place, and by how much the rest of the address is shifted before it is added. Where a
//! /12 or a /24 has one next hop, the shift is all of the rest, and the place that of the next hop. So no lookup depends
//! on a comparison, and there is nothing that a processor could guess wrongly. Words are 32 bits; a /12 with longer routes
//! takes 16 KiB, a /24 as many words as its longest prefix makes of it. On Intel's processors from Sapphire Rapids on, bursts
//! read for sixteen addresses at once, since a processor gathers near words there faster than it reads them one by one.
//!
//! # Tables of cells: one for every /24
//!
//! ```text
//! 10.1.2.3 =   0000 1010 0000 | 0001 0000 0010 | 0000 0011
//!              chunk            cell             low byte
//!
//! pages[0x0a0] -> page of 4,096 cells and the starts of 64 groups, on huge pages
//! cells[0x102]  =  code below 192  ->  next_hops[code]
//!                  code from 192   ->  slot of a divided /24 in its group  ->  code
//! ```
//!
//! A cell is one byte where at most 191 next hops differ, so 16 MiB hold all /24s and a lookup is one read of them; two
//! bytes up to 65,471 next hops, four bytes beyond. Parts of the address space without longer routes than /12 share a
//! page. Divided /24s are kept by groups of 64, as one code for each block of addresses that the longest prefix of the
//! group makes, so that one read more answers. With 10.0.0.0/8 to 1 and 10.1.2.0/30 to 2, cell 0x102 names a slot of 64
//! codes, of which the first is that of 2. The default route is what code 0 means, so changing it changes no cell.
//!
//! In a burst, all cells are asked for before the first is read, and divided /24s are put off to passes of their own without
//! a branch. A lookup by itself does branch: it guesses wrongly where a /24 is divided, but needs half as many instructions,
//! so that twice as many lookups that follow one another wait for memory at once. Bursts of up to 48 are looked up so too.
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
//! `cargo bench --bench lookup` times all of this beside other crates and, where `BIPLANE_DPDK` names one, an installed
//! DPDK. The figures here are those of a driver that had the design before and this one in one process, in turns, on a
//! shared virtual machine (AMD EPYC of 2024, 1 MiB of L2, two cores with five builds beside it): nanoseconds of processor
//! time per lookup, lower quartiles. Rows moved by a quarter and more between two runs; only ratios within a line mean
//! something. `before` is the design without handles and dense tables; bursts of 32 in tables of cells went through passes then,
//! as those of 256 do.
//!
//! | | one by one, before | by a handle | bursts of 32, before | now | bursts of 256, before | now | random reads |
//! |---|---|---|---|---|---|---|---|
//! | 1.07 M BGP routes, a host of a random route | 21.4 | 7.1 | 11.8 | 8.2 | 3.2 | 2.4 | 7.8 |
//! | same, uniform | 27.3 | 9.2 | 9.4 | 7.7 | 1.8 | 2.4 | 8.6 |
//! | same, Zipf | 23.3 | 7.4 | 9.5 | 7.3 | 2.8 | 2.0 | 7.3 |
//! | same, of no route | 18.2 | 3.7 | 3.3 | 3.2 | 1.7 | 1.5 | 8.3 |
//! | 1,000 VPC routes, dense | 6.1 | 1.4 | 1.8 | 1.5 | 1.7 | 1.4 | 0.6 |
//!
//! `Tables::lookup`, which chooses the table each time, took 17, 20, 14, 13 and 2.1. Where each address depends on the
//! answer before, a dense table took 7.5 instead of 16, and a random read 3.3.
//!
//! Memory is counted by [`Tables::memory_bytes`]; times are those of the same machine, in microseconds, each of the best of
//! a few runs (inserting alone took up to 1.3 in others):
//!
//! | | 1.07 M BGP routes | 1,000 VPC routes, dense | 256 VPC routes |
//! |---|---|---|---|
//! | memory | 22 MiB, 22 bytes a route | 0.5 MB, 490 bytes a route | 3.8 kB, 14.7 bytes a route |
//! | insert, remove | 0.6, 0.8 (before: 1.0, 1.5) | 0.5 | 1.8, 1.4 |
//! | the same, a clone made for readers before each | 3.4, 4.2 (before: 4.2, 4.9) | 3.5 | 3.4, 3.3 |
//!
//! A change builds a tree anew, so it takes 5 to 11 µs where there are 1,000 routes. A clone copies 8 bytes for 64
//! tables and counts a reference for 4,096, and the first change after it copies a page of 256 roots. The cells of a large table are paid for by the address space it spreads over, not by its routes: 10,000
//! routes spread over all of it take 14 MB.
//!
//! # Tried and dropped
//!
//! The figures that follow are of another processor, with 2 MiB of L2, but for the first ones.
//!
//! - Second reads without a branch in single lookups of cells, the place chosen by a conditional move: 13 ns instead of 7
//!   for hosts of random routes, 22 instead of 9 for uniform addresses, as twice the instructions let half as many lookups
//!   wait for memory at once. In bursts of 32 in passes of 32, with four or eight second reads each whether needed or
//!   not: 8.5 instead of 4 to 7.
//! - Passes in bursts of 32 (Sapphire Rapids): 6.4 ns for hosts of random routes, 5.8 for uniform addresses and 4.7 for Zipf,
//!   instead of 4.6, 3.9 and 3.8 one after the other. With four, six or eight second reads each, whether needed or not, so that
//!   there is nothing to guess: 5.5 to 7.5. In bursts of 64 both ways are level; in bursts of 256 passes take 3.8 instead of 4.9.
//! - Asking for memory 16, 24 or 48 lookups ahead in one pass, instead of in a pass before: 3.3 to 5 ns instead of 2.4.
//! - Blocks of 256 routes instead of 512 behind the cells: no gain for changes.
//! - Counting keys in plain Rust where vector code is at hand: 23 ns instead of 8.3 for a single lookup among 1,000
//!   routes. It stays as the code for other machines and as the twin that tests compare with.
//! - Passes over a whole burst, level by level, in one small table: 3.9 ns; one lookup after the other: 4.1; four side
//!   by side, which keeps their addresses and places in registers: 3.2. Passes do pay between tables, where lines are
//!   far.
//! - A branch between the two forms of a divided /24, and comparing 31 bytes instead of 32: 9.5 ns instead of 6.8 for
//!   hosts of random routes, as which form comes next cannot be foreseen.
//! - Gathering the cells of a burst with AVX-512: 2.0 to 2.1 ns where prefetching them all before the first is read
//!   takes 2.1; prefetching serves every processor, and took it from 3.5. On Sapphire Rapids, with second reads gathered
//!   too, without a branch, and cells asked for ahead: 1.08 to 1.33 times as long in bursts of 32, 1.03 to 1.5 in bursts of 256.
//! - Routes of a small table packed and unpacked through copies of one to four bytes: a third of the time of a change.

mod arena;
mod burst;
mod cell;
mod chunk;
mod chunks;
mod counter;
mod deep;
mod dense;
mod direct;
mod flat;
#[cfg(target_arch = "x86_64")]
mod gather;
#[doc(hidden)]
pub mod golden;
use super::memory;
mod pages;
mod route;
#[doc(hidden)]
pub mod sample;
mod set;
mod table_ref;
mod tables;
mod tree;
mod words;

#[cfg(test)]
mod designs;
#[cfg(test)]
mod tests;

pub use table_ref::RouteTableRef;
pub use tables::{MAX_NEXT_HOP, NO_ROUTE, TableId, Tables};

//! Collections for a writer and many readers: a clone shares its pages, and a change copies the one page it touches.
//!
//! [`Paged`] is read as a vector is, [`PagedMap`] as a hash map, and [`PagedTable`] is a hash map whose keys stand
//! elsewhere. A writer changes its own and hands out a clone as the next snapshot, as it does with the
//! [`Tables`](super::lpm::Tables) of routes: readers keep the snapshot they have, whole, and a lookup meets no lock or
//! counter.
//!
//! A clone copies 8 bytes a page and counts one reference for 64 pages; the first change after it copies one page, of
//! up to 16 KiB or of 16 entries where those are larger, and the 64 references of its branch. Where entries own memory,
//! so that each is copied by itself, a page has 64 at most.

mod map;
mod table;
mod vector;

#[cfg(test)]
mod tests;

pub use map::PagedMap;
pub use table::PagedTable;
pub use vector::Paged;

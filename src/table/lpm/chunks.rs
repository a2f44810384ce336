//! The chunks of a large table in their order, as a tree whose clones share all branches: a change copies those on the
//! way to one chunk, and each has few references to count.

use std::sync::Arc;

use super::cell::Cell;
use super::chunk::{CHUNK, Chunk};

/// Chunks of the address space.
pub(super) const CHUNKS: usize = 1 << CHUNK;

/// Branches of a branch, and chunks of the lowest.
const FAN: usize = 16;
const _: () = assert!(FAN * FAN * FAN == CHUNKS);

type Lower<C> = Arc<[Arc<Chunk<C>>; FAN]>;
type Upper<C> = Arc<[Lower<C>; FAN]>;

/// The chunks.
#[derive(Clone, Debug)]
pub(super) struct Chunks<C: Copy>([Upper<C>; FAN]);

impl<C: Cell> Chunks<C> {
    /// All of them, each what `chunk` gives for its number, in order.
    pub(super) fn new(mut chunk: impl FnMut(usize) -> Arc<Chunk<C>>) -> Chunks<C> {
        let mut lower = |first: usize| Arc::new(std::array::from_fn(|at| chunk(first + at)));
        let mut upper = |first: usize| Arc::new(std::array::from_fn(|at| lower(first + at * FAN)));
        Chunks(std::array::from_fn(|at| upper(at * FAN * FAN)))
    }

    pub(super) fn get(&self, chunk: usize) -> &Arc<Chunk<C>> {
        &self.0[chunk / (FAN * FAN)][chunk / FAN % FAN][chunk % FAN]
    }

    /// A chunk to be put or changed, in branches that are no longer shared.
    pub(super) fn get_mut(&mut self, chunk: usize) -> &mut Arc<Chunk<C>> {
        let upper = Arc::make_mut(&mut self.0[chunk / (FAN * FAN)]);
        &mut Arc::make_mut(&mut upper[chunk / FAN % FAN])[chunk % FAN]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Chunk<C>>> {
        self.0.iter().flat_map(|upper| upper.iter()).flat_map(|lower| lower.iter())
    }

    /// Bytes of the branches.
    pub(super) fn bytes(&self) -> usize {
        (CHUNKS + CHUNKS / FAN + FAN) * size_of::<Arc<Chunk<C>>>() + (CHUNKS / FAN + FAN) * 16
    }
}

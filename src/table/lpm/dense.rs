//! The dense design, for hundreds or thousands of routes that are close together: three reads for each lookup, and no
//! comparison.
//!
//! ```text
//! root[address / 2^20]          = step  ->  a step for each /24 of the /12, or one for all of them
//! words[step.place + /24]       = step  ->  a next hop for each block of the /24, or one for all of it
//! words[step.place + block]     = next hop
//! ```
//!
//! A step is a place and a shift in 32 bits. It leads to its place plus the low bits of the address, shifted to the
//! right; one that shifts all of them out leads to its place whatever the address is. So there is nothing to foresee.

use super::NO_ROUTE;
use super::burst::opaque;
use super::chunk::{CHUNK, CHUNK_SHIFT, cell_of};
use super::chunks::CHUNKS;
use super::pages::CELLS;
use super::route::{Route, key, mask};
use super::set::{Set, Stored};
use super::words::{Step, Store, WordBlock};

/// Bits of an address below a /24.
pub(super) const LOW: u32 = 8;

/// A dense table.
#[derive(Clone, Debug)]
pub(super) struct Dense {
    /// For each /12.
    root: Box<[Step; CHUNKS]>,
    store: Store,
    /// The routes, with their next hops as codes.
    routes: Set<u32>,
    count: usize,
}

/// What lookups read of a [`Dense`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DenseView {
    pub(super) root: *const Step,
    pub(super) words: *const u32,
}

impl DenseView {
    /// The next hop for `address`, or `NO_ROUTE`.
    ///
    /// # Safety
    /// The table that gave the view is there and was not changed since.
    #[inline(always)]
    pub(super) unsafe fn lookup(self, address: u32) -> u32 {
        let address = opaque(address);
        // SAFETY: the root has 2^12 steps, which 12 bits cannot leave. Each leads to as many steps as its shift leaves
        // of 20 bits, and each of those to as many next hops as its shift leaves of 8, all of them written.
        unsafe {
            let step = *self.root.add((address >> CHUNK_SHIFT) as usize);
            let step = Step::of(*self.words.add(step.at(address % (1 << CHUNK_SHIFT))));
            *self.words.add(step.at(address % (1 << LOW)))
        }
    }

    /// Does nothing: what is dense is near.
    ///
    /// # Safety
    /// As for [`DenseView::lookup`], although nothing is read.
    #[inline(always)]
    pub(super) unsafe fn ask(self, _address: u32) {}

    /// Answers `addresses`, each with a next hop or `NO_ROUTE`.
    ///
    /// # Safety
    /// As for [`DenseView::lookup`].
    #[inline(always)]
    pub(super) unsafe fn burst(self, addresses: &[u32], out: &mut [u32]) {
        let out = &mut out[..addresses.len()];
        for (address, out) in addresses.iter().zip(out) {
            // SAFETY: handed through.
            *out = unsafe { self.lookup(*address) };
        }
    }
}

/// The store has no room left; a new one is to be made from the routes.
struct Full;

impl Dense {
    /// A table of sorted `routes`, which take [`Dense::words`] words, a third of 2^27 at most.
    pub(super) fn new(routes: &[Route]) -> Dense {
        Dense::in_store(Store::new(Dense::room(routes)), routes)
    }

    /// Words for the routes and for changes while clones are read: they are no memory before they are written to.
    fn room(routes: &[Route]) -> usize {
        3 * Dense::words(routes)
    }

    fn in_store(store: Store, routes: &[Route]) -> Dense {
        let stored = |route: &Route| Stored { network: route.network, length: route.length, code: route.next_hop };
        let mut dense = Dense {
            root: Box::new([Step::NOWHERE; CHUNKS]),
            store,
            routes: Set::new(&routes.iter().map(stored).collect::<Vec<_>>()),
            count: routes.len(),
        };
        assert!(dense.paint_short(0, 0).is_ok(), "room for all routes");
        dense
    }

    /// At most so many words does a table of sorted `routes` take.
    pub(super) fn words(routes: &[Route]) -> usize {
        let deep = routes.chunk_by(|left, right| left.network >> LOW == right.network >> LOW);
        let deep =
            deep.filter_map(|routes| routes.iter().map(|route| route.length).max().filter(|longest| *longest > 24));
        let groups: usize = deep.map(|longest| 1_usize << (longest - 24)).sum();
        let long = routes.iter().filter(|route| route.length > CHUNK).map(|route| route.network >> CHUNK_SHIFT);
        let (mut nodes, mut last) = (0, None);
        for chunk in long {
            nodes += usize::from(last.replace(chunk) != Some(chunk));
        }
        2 * (routes.len() + 1) + nodes * CELLS + groups
    }
}

impl Dense {
    /// What lookups read; good until the table is changed or goes.
    pub(super) fn view(&self) -> DenseView {
        DenseView { root: self.root.as_ptr(), words: self.store.start() }
    }

    /// Sets a route; gives the next hop it had.
    pub(super) fn insert(&mut self, route: Route) -> Option<u32> {
        let Route { network, length, next_hop } = route;
        let old = self.routes.insert(Stored { network, length, code: next_hop });
        self.count += usize::from(old.is_none());
        if old != Some(next_hop) {
            self.show(network, length);
        }
        old
    }

    /// Takes a route out; gives its next hop.
    pub(super) fn remove(&mut self, network: u32, length: u8) -> Option<u32> {
        let old = self.routes.remove(network, length)?;
        self.count -= 1;
        self.show(network, length);
        Some(old)
    }

    /// The next hop of exactly this prefix.
    pub(super) fn get(&self, network: u32, length: u8) -> Option<u32> {
        self.routes.get(network, length)
    }

    /// All routes in order.
    pub(super) fn routes(&self) -> impl Iterator<Item = Route> + '_ {
        self.routes.from(0).map(|stored| Route {
            network: stored.network,
            length: stored.length,
            next_hop: stored.code,
        })
    }

    /// How many routes there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Words that lookups may reach.
    pub(super) fn live(&self) -> usize {
        self.store.live()
    }

    /// Bytes, without words that are of no use to this table.
    pub(super) fn bytes(&self) -> usize {
        size_of::<[Step; CHUNKS]>() + self.store.bytes() + self.routes.bytes()
    }

    /// Brings what lookups read up to date with the routes of a prefix.
    fn show(&mut self, network: u32, length: u8) {
        let shown =
            if length > CHUNK { self.show_in_chunk(network, length) } else { self.paint_short(network, length) };
        if shown.is_err() {
            // The routes were changed before, and are what counts: what was painted up to here stays in the old store,
            // which goes with its last clone. A store for the routes as they are now has room for all of them.
            let routes: Vec<Route> = self.routes().collect();
            *self = Dense::in_store(self.store.renewed(Dense::room(&routes)), &routes);
        }
    }

    fn show_in_chunk(&mut self, network: u32, length: u8) -> Result<(), Full> {
        let chunk = network & mask(CHUNK);
        let first = self.routes.from(key(chunk, CHUNK + 1)).next();
        if first.is_none_or(|route| route.network & mask(CHUNK) != chunk) {
            let background = self.store.steps(self.cover(chunk, CHUNK + 1)).ok_or(Full)?;
            self.blank(chunk, background.of_12);
            return Ok(());
        }
        if length <= 24 {
            return self.paint(network, length);
        }
        let node = self.own_node(network)?;
        self.paint_24(node, network & mask(24), self.cover(network, 25))
    }

    /// Paints a prefix up to /12 and all inside of it.
    fn paint_short(&mut self, network: u32, length: u8) -> Result<(), Full> {
        let chunks = network >> CHUNK_SHIFT..=(network | !mask(length)) >> CHUNK_SHIFT;
        let outer = self.store.steps(self.cover(network, length + 1)).ok_or(Full)?;
        let mut steps = vec![outer.of_12; chunks.clone().count()];
        let mut busy = Vec::new();
        let place = |address: u32| ((address >> CHUNK_SHIFT) - chunks.start()) as usize;
        for route in self.routes.from(key(network, length) + 1) {
            if route.network & mask(length) != network {
                break;
            }
            if route.length <= CHUNK {
                let inner = self.store.steps(route.code).ok_or(Full)?;
                steps[place(route.network)..=place(route.last())].fill(inner.of_12);
            } else if busy.last() != Some(&(route.network >> CHUNK_SHIFT)) {
                busy.push(route.network >> CHUNK_SHIFT);
            }
        }
        let mut busy = busy.into_iter().peekable();
        for (chunk, step) in chunks.zip(steps) {
            match busy.next_if_eq(&chunk) {
                Some(chunk) => self.paint(chunk << CHUNK_SHIFT, CHUNK)?,
                None => self.blank(chunk << CHUNK_SHIFT, step),
            }
        }
        Ok(())
    }

    /// The next hop of the longest route around `network` that is shorter than `below`.
    fn cover(&self, network: u32, below: u8) -> u32 {
        self.routes.cover(network, below).map_or(NO_ROUTE, |route| route.code)
    }

    /// Shows one next hop for all of a /12.
    fn blank(&mut self, network: u32, step: Step) {
        let old = std::mem::replace(&mut self.root[(network >> CHUNK_SHIFT) as usize], step);
        if let Some(node) = node_of(old) {
            (0..CELLS).for_each(|cell| self.give_back_group(node, cell));
            self.store.give_back(node);
        }
    }

    /// The steps of the /24s of a /12, to be written to.
    fn own_node(&mut self, network: u32) -> Result<WordBlock, Full> {
        let chunk = (network >> CHUNK_SHIFT) as usize;
        let old = node_of(self.root[chunk]);
        if let Some(node) = old
            && self.store.is_alone()
        {
            return Ok(node);
        }
        let node = self.store.take(NODE_BITS).ok_or(Full)?;
        match old {
            Some(old) => {
                self.store.copy(old, node);
                // A clone may still read this block. Given back here, it is used again only while no clone shares the
                // words: see `Store::take`.
                self.store.give_back(old);
            }
            None => {
                let background = self.store.steps(self.cover(network & mask(CHUNK), CHUNK + 1)).ok_or(Full)?;
                self.store.fill(node, 0..CELLS, background.of_24.word());
            }
        }
        self.root[chunk] = Step::new(node.place, LOW);
        Ok(node)
    }

    /// Paints a prefix from /12 to /24 and all inside of it.
    fn paint(&mut self, network: u32, length: u8) -> Result<(), Full> {
        let node = self.own_node(network)?;
        let outer = self.store.steps(self.cover(network, length + 1)).ok_or(Full)?;
        let (first, last) = (cell_of(network), cell_of(network | !mask(length)));
        // Sorted: what lies inside of a route comes later and is painted over it.
        let inside = |route: &Stored<u32>| route.network & mask(length) == network;
        let mut divided = Vec::new();
        for route in self.routes.from(key(network, 25)).take_while(inside).filter(|route| route.length > 24) {
            if divided.last() != Some(&(route.network & mask(24))) {
                divided.push(route.network & mask(24));
            }
        }
        // Before the fill below, which overwrites the steps to these blocks: nothing else says where the blocks are,
        // and their words would stay in use until the store is made anew.
        divided.iter().for_each(|network| self.give_back_group(node, cell_of(*network)));
        self.store.fill(node, first..last + 1, outer.of_24.word());
        for route in self.routes.from(key(network, length) + 1).take_while(inside).filter(|route| route.length <= 24) {
            let steps = self.store.steps(route.code).ok_or(Full)?;
            self.store.fill(node, cell_of(route.network)..cell_of(route.last()) + 1, steps.of_24.word());
        }
        // Last, as what lies under a divided /24 is read from its step: by now that is the step of the longest prefix
        // up to /24 around it.
        divided.into_iter().try_for_each(|network| {
            let under = self.store.next_hop(Step::of(self.store.word(node, cell_of(network))));
            self.paint_24(node, network, under)
        })
    }

    /// Paints a /24: `under`, and over it its longer routes, if there are any.
    fn paint_24(&mut self, node: WordBlock, network: u32, under: u32) -> Result<(), Full> {
        let cell = cell_of(network);
        let inside = |route: &Stored<u32>| route.network & mask(24) == network;
        let longest = self.routes.from(key(network, 25)).take_while(inside).map(|route| route.length).max();
        self.give_back_group(node, cell);
        let Some(longest) = longest.filter(|longest| *longest > 24) else {
            let steps = self.store.steps(under).ok_or(Full)?;
            self.store.fill(node, cell..cell + 1, steps.of_24.word());
            return Ok(());
        };
        let shift = 32 - u32::from(longest);
        let group = self.store.take((LOW - shift) as usize).ok_or(Full)?;
        self.store.fill(group, 0..1 << group.bits, under);
        for route in self.routes.from(key(network, 25)).take_while(inside) {
            let block = |address: u32| ((address % (1 << LOW)) >> shift) as usize;
            self.store.fill(group, block(route.network)..block(route.last()) + 1, route.code);
        }
        self.store.fill(node, cell..cell + 1, Step::new(group.place, shift).word());
        Ok(())
    }

    /// Takes back the next hops of a divided /24, to whose cell nothing may lead before it is painted.
    fn give_back_group(&mut self, node: WordBlock, cell: usize) {
        let step = Step::of(self.store.word(node, cell));
        if step.shift() < LOW {
            self.store.give_back(WordBlock { place: step.place(), bits: (LOW - step.shift()) as usize });
        }
    }
}

/// As a power of two, how many steps the /24s of a /12 have.
const NODE_BITS: usize = CELLS.ilog2() as usize;

/// The steps of the /24s of a /12, unless all of it has one next hop.
fn node_of(step: Step) -> Option<WordBlock> {
    (step.shift() == LOW).then(|| WordBlock { place: step.place(), bits: NODE_BITS })
}

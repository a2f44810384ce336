//! The matrix of reachability: senders and receivers that behave alike are one row and one column.

use super::engine::{FlowRegion, RegionEnd, ReplyFate};
use super::flows::endpoints_of;
use super::headers::HeaderSet;
use super::interner::Interner;
use super::witness::{WitnessFlow, Witnesses};
use super::{Question, Reach};
use crate::net::{AddressCuts, AddressRange};
use crate::program::{EndpointId, FixedMap, Program};
use std::sync::Arc;

/// An endpoint, and the addresses that it stands for: its own, or some of those behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MatrixEnd {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// The addresses.
    pub range: AddressRange,
}

/// What passes from one end to another: headers, by what becomes of replies; `None` where it is not known whether they pass.
pub type MatrixCell = Vec<(Option<ReplyFate>, HeaderSet)>;

/// The matrix of reachability.
#[derive(Clone, Debug, Default)]
pub struct ReachMatrix {
    /// Senders that reach the same receivers in the same way.
    pub rows: Vec<Vec<MatrixEnd>>,
    /// Receivers that the same senders reach in the same way.
    pub columns: Vec<Vec<MatrixEnd>>,
    /// What passes, by row and column; pairs between which nothing passes are not there. Sorted.
    pub cells: Vec<([u32; 2], u32)>,
    /// The different contents of cells.
    pub contents: Vec<MatrixCell>,
    /// The number of groups of flows behind it.
    pub regions: usize,
}

impl Reach {
    /// Returns the matrix, folded. Each part of a cell has had a frame of one of its pairs pushed through the fabric.
    pub fn matrix(&self, question: &Question) -> ReachMatrix {
        let mut builder = MatrixBuilder::default();
        self.visit(&question.of_matrix(), &mut |region| {
            builder.add(region, region.reply_fate());
        });
        builder.finish(self.program())
    }
}

/// Ends of regions as they came: the endpoint of all addresses or the one of the first, and the addresses.
type EndSet = ((Option<EndpointId>, Option<EndpointId>), Vec<AddressRange>);

#[derive(Default)]
struct MatrixBuilder {
    ends: Interner<EndSet>,
    contents: Interner<MatrixCell>,
    /// Senders, receivers, content, and where the flows that stand for it begin.
    cells: Vec<([u32; 2], u32, u32)>,
    /// What is between the two ends that came last.
    open: Option<([u32; 2], MatrixCell, u32)>,
    flows: Vec<WitnessFlow>,
}

impl MatrixBuilder {
    fn add(&mut self, region: &FlowRegion<'_>, fate: Option<ReplyFate>) {
        let ends = [region.from, region.to].map(|end| {
            // The first of several owners says no more than the domain, which the others share.
            self.ends.number(((end.endpoint, end.first), end.ranges.to_vec()))
        });
        match &mut self.open {
            Some((open, cell, _)) if *open == ends => add_headers(cell, fate, region.headers),
            _ => {
                self.close();
                self.open = Some((ends, vec![(fate, region.headers.clone())], self.flows.len() as u32));
            }
        }
        self.flows.push(WitnessFlow::of(region));
    }

    fn close(&mut self) {
        if let Some((ends, cell, flows)) = self.open.take() {
            let content = self.contents.number(cell);
            self.cells.push((ends, content, flows));
        }
    }

    fn finish(mut self, program: &Arc<Program>) -> ReachMatrix {
        self.close();
        let pieces = self.pieces(program);
        let sum = |set: u32| pieces[set as usize].iter().map(Mixed::of_end).fold(Mixed::default(), Mixed::plus);
        let sums: Vec<Mixed> = (0..pieces.len() as u32).map(sum).collect();
        let fold = |side: usize| {
            let mut behaviour: FixedMap<MatrixEnd, Mixed> = FixedMap::default();
            for (ends, content, _) in &self.cells {
                let what = sums[ends[1 - side] as usize].times(Mixed::of_number(*content));
                for piece in &pieces[ends[side] as usize] {
                    let known = behaviour.entry(*piece).or_default();
                    *known = known.plus(what);
                }
            }
            Folded::new(behaviour)
        };
        let (rows, columns) = (fold(0), fold(1));
        let mut witnesses = Witnesses::new(Arc::clone(program));
        let ends_of_flows = self.cells.iter().skip(1).map(|cell| cell.2).chain([self.flows.len() as u32]);
        let mut found: FixedMap<[u32; 2], Vec<u32>> = FixedMap::default();
        for ((ends, content, flows), flows_end) in self.cells.iter().zip(ends_of_flows) {
            let classes = |side: usize, folded: &Folded| {
                let mut classes: Vec<u32> =
                    pieces[ends[side] as usize].iter().map(|piece| folded.class_of[piece]).collect();
                classes.sort_unstable();
                classes.dedup();
                classes
            };
            let across = classes(1, &columns);
            let mut is_new = false;
            for row in classes(0, &rows) {
                for column in &across {
                    let contents = found.entry([row, *column]).or_default();
                    if !contents.contains(content) {
                        contents.push(*content);
                        is_new = true;
                    }
                }
            }
            if is_new {
                self.flows[*flows as usize..flows_end as usize].iter().for_each(|flow| witnesses.confirm_flow(flow));
            }
        }
        let mut merged: Interner<MatrixCell> = Interner::default();
        let cell = |(place, contents): (&[u32; 2], &Vec<u32>)| {
            let mut cell = MatrixCell::new();
            for content in contents {
                for (fate, headers) in self.contents.value(*content) {
                    add_headers(&mut cell, *fate, headers);
                }
            }
            (*place, merged.number(cell))
        };
        let mut cells: Vec<([u32; 2], u32)> = found.iter().map(cell).collect();
        cells.sort_unstable();
        let mut order: FixedMap<u32, u32> = FixedMap::default();
        let mut contents = Vec::new();
        for (_, content) in &mut cells {
            // Numbered in the order of the cells, not of the map.
            *content = *order.entry(*content).or_insert_with(|| {
                contents.push(merged.value(*content).clone());
                contents.len() as u32 - 1
            });
        }
        ReachMatrix { rows: rows.classes, columns: columns.classes, cells, contents, regions: self.flows.len() }
    }

    /// Each set of ends as endpoints with addresses that no set divides.
    fn pieces(&self, program: &Program) -> Vec<Vec<MatrixEnd>> {
        let mut cuts: FixedMap<EndpointId, AddressCuts> = FixedMap::default();
        for ((endpoint, _), ranges) in self.ends.values() {
            if let Some(endpoint) = endpoint {
                let cuts = cuts.entry(*endpoint).or_default();
                ranges.iter().for_each(|range| cuts.add(*range));
            }
        }
        cuts.values_mut().for_each(AddressCuts::sort);
        let pieces = |(ends, ranges): &EndSet| match ends.0 {
            Some(endpoint) => {
                let parts = ranges.iter().flat_map(|range| cuts[&endpoint].parts(*range));
                parts.map(|range| MatrixEnd { endpoint, range }).collect()
            }
            None => {
                let own = |endpoint: EndpointId| AddressRange::one(program.endpoint(endpoint).address);
                let end = RegionEnd { endpoint: ends.0, first: ends.1, ranges };
                let endpoints = endpoints_of(program, end).into_iter();
                endpoints.map(|endpoint| MatrixEnd { endpoint, range: own(endpoint) }).collect()
            }
        };
        self.ends.values().iter().map(pieces).collect()
    }
}

fn add_headers(cell: &mut MatrixCell, fate: Option<ReplyFate>, headers: &HeaderSet) {
    match cell.iter_mut().find(|(known, _)| *known == fate) {
        Some((_, known)) => *known = known.union(headers),
        None => {
            cell.push((fate, headers.clone()));
            cell.sort_unstable_by_key(|(fate, _)| *fate);
        }
    }
}

/// Ends that behave alike.
struct Folded {
    classes: Vec<Vec<MatrixEnd>>,
    class_of: FixedMap<MatrixEnd, u32>,
}

impl Folded {
    fn new(behaviour: FixedMap<MatrixEnd, Mixed>) -> Folded {
        let mut ends: Vec<(MatrixEnd, Mixed)> = behaviour.into_iter().collect();
        ends.sort_unstable_by_key(|(end, _)| *end);
        let mut numbers: FixedMap<Mixed, u32> = FixedMap::default();
        let mut classes: Vec<Vec<MatrixEnd>> = Vec::new();
        let mut class_of = FixedMap::default();
        for (end, mixed) in ends {
            let class = *numbers.entry(mixed).or_insert_with(|| {
                classes.push(Vec::new());
                classes.len() as u32 - 1
            });
            class_of.insert(end, class);
            let members = &mut classes[class as usize];
            let open = members.last_mut().filter(|last| last.endpoint == end.endpoint);
            if !open.is_some_and(|last| last.range.extend_by(end.range)) {
                members.push(end);
            }
        }
        Folded { classes, class_of }
    }
}

/// A sum of well-mixed numbers: equal for equal sets, and for others as good as never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Mixed([u64; 2]);

impl Mixed {
    fn of_number(number: u32) -> Mixed {
        Mixed([0x9e37_79b9_7f4a_7c15, 0xd1b5_4a32_d192_ed03].map(|salt| mix(u64::from(number) ^ salt) | 1))
    }

    fn of_end(end: &MatrixEnd) -> Mixed {
        let range = u64::from(u32::from(end.range.first())) << 32 | u64::from(u32::from(end.range.last()));
        let endpoint = u64::from(end.endpoint.0);
        Mixed([1_u64, 2].map(|salt| mix(mix(range ^ salt.wrapping_mul(0xbf58_476d_1ce4_e5b9)) ^ endpoint)))
    }

    fn plus(self, other: Mixed) -> Mixed {
        Mixed([0, 1].map(|half| self.0[half].wrapping_add(other.0[half])))
    }

    fn times(self, other: Mixed) -> Mixed {
        Mixed([0, 1].map(|half| self.0[half].wrapping_mul(other.0[half])))
    }
}

/// The finalizer of splitmix64.
fn mix(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

//! The sources and destinations of one route, divided into blocks that the filters of both ends treat alike.

use super::classes::EndpointClasses;
use super::filters::{FilterList, FilterQuestion, Filters};
use super::routes::{Receiver, RouteMaps};
use crate::datapath::{SourceTraits, add_source_cuts, source_traits};
use crate::net::{AddressCuts, AddressRange};
use crate::program::{EndpointId, FixedMap, Program};
use std::net::Ipv4Addr;

/// A list that packets of a route, or replies to them, meet.
#[derive(Clone, Copy, Debug)]
pub(super) struct FilterStep {
    pub(super) list: FilterList,
    /// True where the source of the packet is on the list's own side.
    pub(super) owns_source: bool,
    /// True where replies meet it.
    pub(super) is_reply: bool,
    pub(super) sender: EndpointId,
    pub(super) receiver: EndpointId,
}

/// Sources, or destinations, that all steps treat alike.
pub(super) struct AddressBlock {
    pub(super) ranges: Vec<AddressRange>,
    /// What the block is told apart by. For each step, one after the other: the place among the own parts of its list, or
    /// the profiles for each own part of the other side. Behind them, of sources: the answers of the routes of the reply,
    /// by map; of destinations: the place of their map, where there is one.
    signature: Vec<u32>,
}

impl AddressBlock {
    pub(super) fn address(&self) -> Ipv4Addr {
        self.ranges[0].first()
    }
}

/// All blocks of a route.
pub(super) struct Blocks {
    pub(super) sources: Vec<AddressBlock>,
    pub(super) destinations: Vec<AddressBlock>,
    steps: Vec<FilterStep>,
    /// Where in the signatures of sources, and of destinations, the values of each step begin, and those of the reply.
    starts: [Vec<usize>; 2],
}

impl Blocks {
    pub(super) fn steps(&self) -> &[FilterStep] {
        &self.steps
    }

    /// The profiles that packets between two blocks meet, each with whether replies meet it.
    pub(super) fn profiles(&self, source: &AddressBlock, destination: &AddressBlock) -> Vec<(u32, bool)> {
        let values = [&source.signature, &destination.signature];
        let profile = |(place, step): (usize, &FilterStep)| {
            let [own, peer] = if step.owns_source { [0, 1] } else { [1, 0] };
            let own_part = values[own][self.starts[own][place]] as usize;
            (values[peer][self.starts[peer][place] + own_part], step.is_reply)
        };
        self.steps.iter().enumerate().map(profile).collect()
    }

    /// The answer of the routes of the reply.
    pub(super) fn reply(&self, source: &AddressBlock, destination: &AddressBlock) -> Option<u32> {
        let [in_source, in_destination] = [0, 1].map(|side| self.starts[side][self.steps.len()]);
        let map = *destination.signature.get(in_destination)?;
        Some(source.signature[in_source + map as usize]).filter(|answer| *answer != NO_ANSWER)
    }
}

const NO_ANSWER: u32 = u32::MAX;

/// Both ends of one route.
#[derive(Clone, Copy)]
pub(super) struct Ends<'a> {
    pub(super) sources: &'a [AddressRange],
    pub(super) destinations: &'a [AddressRange],
    /// What replies come from; `None` where there are none.
    pub(super) receiver: Option<Receiver>,
}

/// A step, and the parts into which its list divides its own side's addresses, each with one of them.
struct StepParts {
    step: FilterStep,
    owns: Vec<(usize, Ipv4Addr)>,
}

/// Divides what routes treat alike.
pub(super) struct Divider<'a, 'b> {
    pub(super) program: &'a Program,
    pub(super) classes: &'a EndpointClasses,
    pub(super) filters: &'b mut Filters<'a>,
    pub(super) maps: &'b mut RouteMaps<'a>,
}

impl Divider<'_, '_> {
    /// Divides both ends of a route by what `steps` say.
    pub(super) fn divide(&mut self, ends: Ends<'_>, steps: &[FilterStep]) -> Blocks {
        let parts = steps.iter().map(|step| StepParts { step: *step, owns: self.own_parts(ends, step) });
        let parts: Vec<StepParts> = parts.collect();
        let mut maps: Vec<u32> = Vec::new();
        let mut by_traits: FixedMap<SourceTraits, u32> = FixedMap::default();
        let starts = [true, false].map(|is_source| {
            let mut starts = vec![0];
            for StepParts { step, owns } in &parts {
                let length = if step.owns_source == is_source { 1 } else { owns.len() };
                starts.push(starts[starts.len() - 1] + length);
            }
            starts
        });
        let mut signature = Vec::new();
        let mut grouped = Grouped::default();
        for range in ends.destinations {
            for part in self.destination_parts(*range, ends, steps) {
                self.write_signature(&mut signature, part.first(), &parts, false);
                if let Some(receiver) = ends.receiver {
                    let map = self.reply_map(receiver, part.first(), &mut by_traits);
                    let place = maps.iter().position(|known| *known == map).unwrap_or_else(|| {
                        maps.push(map);
                        maps.len() - 1
                    });
                    signature.push(place as u32);
                }
                grouped.add(part, &signature);
            }
        }
        let destinations = grouped.blocks;
        let mut grouped = Grouped::default();
        for range in ends.sources {
            for part in self.source_parts(*range, &maps, steps) {
                self.write_signature(&mut signature, part.first(), &parts, true);
                let answer = |map: &u32| self.maps.map(*map).answer(part.first()).unwrap_or(NO_ANSWER);
                signature.extend(maps.iter().map(answer));
                grouped.add(part, &signature);
            }
        }
        Blocks { sources: grouped.blocks, destinations, steps: steps.to_vec(), starts }
    }

    /// The parts into which the list of a step divides its own side's addresses, each with one of them.
    fn own_parts(&mut self, ends: Ends<'_>, step: &FilterStep) -> Vec<(usize, Ipv4Addr)> {
        let ranges = if step.owns_source { ends.sources } else { ends.destinations };
        let mut parts: Vec<(usize, Ipv4Addr)> = Vec::new();
        for range in ranges {
            for part in self.filters.own_parts(step.list, *range) {
                let position = self.filters.own_part(step.list, part.first());
                if parts.iter().all(|(known, _)| *known != position) {
                    parts.push((position, part.first()));
                }
            }
        }
        parts
    }

    /// Writes what all steps say of an address.
    fn write_signature(&mut self, signature: &mut Vec<u32>, address: Ipv4Addr, parts: &[StepParts], is_source: bool) {
        signature.clear();
        for StepParts { step, owns } in parts {
            let FilterStep { list, owns_source, is_reply, sender, receiver } = *step;
            if owns_source == is_source {
                let position = self.filters.own_part(list, address);
                signature.push(owns.iter().position(|(known, _)| *known == position).unwrap_or(0) as u32);
            } else {
                signature.extend(owns.iter().map(|own| {
                    let question = FilterQuestion { list, sender, receiver, own: own.1, peer: address, is_reply };
                    self.filters.profile(&question)
                }));
            }
        }
    }

    fn list_parts(&mut self, range: AddressRange, steps: &[FilterStep], is_source: bool) -> AddressCuts {
        let mut cuts = AddressCuts::default();
        for step in steps {
            let parts = match step.owns_source == is_source {
                true => self.filters.own_parts(step.list, range),
                false => self.filters.peer_parts(step.list, range),
            };
            parts.into_iter().for_each(|part| cuts.add(part));
        }
        cuts
    }

    fn destination_parts(&mut self, range: AddressRange, ends: Ends<'_>, steps: &[FilterStep]) -> Vec<AddressRange> {
        if range.is_single() {
            return vec![range];
        }
        let mut cuts = self.list_parts(range, steps, false);
        if let Some(Receiver::One(to)) = ends.receiver {
            add_source_cuts(self.program, &self.classes.public, to, &mut cuts);
        }
        cuts.sort();
        cuts.parts(range).collect()
    }

    fn source_parts(&mut self, range: AddressRange, maps: &[u32], steps: &[FilterStep]) -> Vec<AddressRange> {
        if range.is_single() {
            return vec![range];
        }
        let mut cuts = self.list_parts(range, steps, true);
        maps.iter().for_each(|map| self.maps.map(*map).add_cuts(range, &mut cuts));
        cuts.sort();
        cuts.parts(range).collect()
    }

    /// The map of the replies that the receiver sends from `address`.
    fn reply_map(&mut self, receiver: Receiver, address: Ipv4Addr, by_traits: &mut FixedMap<SourceTraits, u32>) -> u32 {
        match receiver {
            Receiver::Owner(class) => {
                let class = &self.classes.all[class as usize];
                let sender = class.members[0];
                self.maps.number(&class.key.route, sender, self.program.endpoint(sender).address)
            }
            Receiver::One(to) => {
                let source = source_traits(self.program, to, address);
                if let Some(known) = by_traits.get(&source) {
                    return *known;
                }
                let Some(class) = self.classes.of(to) else { return 0 };
                let key = super::classes::RouteClass { source, ..self.classes.all[class as usize].key.route };
                let number = self.maps.number(&key, to, address);
                by_traits.insert(source, number);
                number
            }
        }
    }
}

/// Blocks in the order of their first addresses.
#[derive(Default)]
struct Grouped {
    places: FixedMap<Vec<u32>, usize>,
    blocks: Vec<AddressBlock>,
}

impl Grouped {
    fn add(&mut self, part: AddressRange, signature: &[u32]) {
        let place = match self.places.get(signature) {
            Some(place) => *place,
            None => {
                self.blocks.push(AddressBlock { ranges: Vec::new(), signature: signature.to_vec() });
                self.places.insert(signature.to_vec(), self.blocks.len() - 1);
                self.blocks.len() - 1
            }
        };
        part.append_to(&mut self.blocks[place].ranges);
    }
}

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
    /// By step: the place among the own parts of its list, or the profiles for each own part of the other side.
    by_step: Vec<Vec<u32>>,
    /// Of sources: the answers of the routes of the reply, by map. Of destinations: the place of their map.
    reply: Vec<u32>,
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
}

impl Blocks {
    pub(super) fn steps(&self) -> &[FilterStep] {
        &self.steps
    }

    /// The profiles that packets between two blocks meet, each with whether replies meet it.
    pub(super) fn profiles(&self, source: &AddressBlock, destination: &AddressBlock) -> Vec<(u32, bool)> {
        let profile = |(place, step): (usize, &FilterStep)| {
            let (own, peer) = if step.owns_source { (source, destination) } else { (destination, source) };
            (peer.by_step[place][own.by_step[place][0] as usize], step.is_reply)
        };
        self.steps.iter().enumerate().map(profile).collect()
    }

    /// The answer of the routes of the reply.
    pub(super) fn reply(source: &AddressBlock, destination: &AddressBlock) -> Option<u32> {
        Some(source.reply[*destination.reply.first()? as usize]).filter(|answer| *answer != NO_ANSWER)
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
        let owns: Vec<Vec<(usize, Ipv4Addr)>> = steps.iter().map(|step| self.own_parts(ends, step)).collect();
        let mut maps: Vec<u32> = Vec::new();
        let mut by_traits: FixedMap<SourceTraits, u32> = FixedMap::default();
        let mut grouped = Grouped::default();
        for range in ends.destinations {
            for part in self.destination_parts(*range, ends, steps) {
                let mut reply = Vec::new();
                if let Some(receiver) = ends.receiver {
                    let map = self.reply_map(receiver, part.first(), &mut by_traits);
                    let place = maps.iter().position(|known| *known == map).unwrap_or_else(|| {
                        maps.push(map);
                        maps.len() - 1
                    });
                    reply.push(place as u32);
                }
                let by_step = self.signature(part.first(), steps, &owns, false);
                grouped.add(part, (by_step, reply));
            }
        }
        let destinations = grouped.blocks;
        let mut grouped = Grouped::default();
        for range in ends.sources {
            for part in self.source_parts(*range, &maps, steps) {
                let answer = |map: &u32| self.maps.map(*map).answer(part.first()).unwrap_or(NO_ANSWER);
                let reply = maps.iter().map(answer).collect();
                let by_step = self.signature(part.first(), steps, &owns, true);
                grouped.add(part, (by_step, reply));
            }
        }
        Blocks { sources: grouped.blocks, destinations, steps: steps.to_vec() }
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

    /// What all steps say of an address.
    fn signature(
        &mut self,
        address: Ipv4Addr,
        steps: &[FilterStep],
        owns: &[Vec<(usize, Ipv4Addr)>],
        is_source: bool,
    ) -> Vec<Vec<u32>> {
        let mut signature = Vec::with_capacity(steps.len());
        for (step, owns) in steps.iter().zip(owns) {
            let FilterStep { list, owns_source, is_reply, sender, receiver } = *step;
            signature.push(if owns_source == is_source {
                let position = self.filters.own_part(list, address);
                vec![owns.iter().position(|(known, _)| *known == position).unwrap_or(0) as u32]
            } else {
                let ask = |own: &(usize, Ipv4Addr)| {
                    let question = FilterQuestion { list, sender, receiver, own: own.1, peer: address, is_reply };
                    self.filters.profile(&question)
                };
                owns.iter().map(ask).collect()
            });
        }
        signature
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
            add_source_cuts(self.program, to, &mut cuts);
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

/// What blocks are told apart by.
type Signature = (Vec<Vec<u32>>, Vec<u32>);

/// Blocks in the order of their first addresses.
#[derive(Default)]
struct Grouped {
    places: FixedMap<Signature, usize>,
    blocks: Vec<AddressBlock>,
}

impl Grouped {
    fn add(&mut self, part: AddressRange, signature: Signature) {
        let blocks = &mut self.blocks;
        let place = *self.places.entry(signature).or_insert_with_key(|(by_step, reply)| {
            blocks.push(AddressBlock { ranges: Vec::new(), by_step: by_step.clone(), reply: reply.clone() });
            blocks.len() - 1
        });
        part.append_to(&mut self.blocks[place].ranges);
    }
}

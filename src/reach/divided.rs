//! Answers in parts: what the senders of one share of the classes send, as it can be kept in a file, and all of it put
//! together again.
//!
//! Classes of senders are asked about one after the other, so every N-th of them is a share. What is kept of a region is
//! what it took long to find: its ends and headers. What becomes of it is asked again of the checks that forward frames.

use super::engine::{Engine, FlowRegion, RegionEnd};
use super::headers::{HeaderBox, HeaderPoint, HeaderSet};
use super::{Question, Reach, SenderShare};
use crate::datapath::{FirstPacket, MatchedRule};
use crate::net::{AddressRange, Protocol};
use crate::program::{CLOUD_SERVICES, EndpointId, Program};
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// The regions of a question that the senders of a share are in, by the place of their class.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptRegions {
    classes: Vec<(usize, Vec<KeptRegion>)>,
}

/// A region of flows.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptRegion {
    from: KeptEnd,
    to: KeptEnd,
    /// The class of protocols, source ports and destination ports.
    headers: Vec<(usize, [u16; 4])>,
    witness: (u8, [u16; 2]),
    deciders: [u64; 2],
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptEnd {
    endpoint: Option<u32>,
    first: Option<u32>,
    ranges: Vec<[Ipv4Addr; 2]>,
}

impl KeptEnd {
    fn of(end: &RegionEnd<'_>) -> KeptEnd {
        KeptEnd {
            endpoint: end.endpoint.map(|id| id.0),
            first: end.first.map(|id| id.0),
            ranges: end.ranges.iter().map(|range| [range.first(), range.last()]).collect(),
        }
    }

    /// Whether it can be one of `program`.
    fn is_of(&self, program: &Program) -> bool {
        let is_of = |id: &Option<u32>| id.is_none_or(|id| EndpointId(id).index() < program.endpoints.len());
        let are_ranges = self.ranges.iter().all(|[first, last]| first <= last) && !self.ranges.is_empty();
        is_of(&self.endpoint) && is_of(&self.first) && are_ranges
    }

    fn ranges(&self) -> Vec<AddressRange> {
        self.ranges.iter().filter_map(|[first, last]| AddressRange::new(*first, *last)).collect()
    }

    fn end<'a>(&self, ranges: &'a [AddressRange]) -> RegionEnd<'a> {
        RegionEnd { endpoint: self.endpoint.map(EndpointId), first: self.first.map(EndpointId), ranges }
    }
}

impl KeptRegion {
    fn of(region: &FlowRegion<'_>) -> KeptRegion {
        let boxes = region.headers.boxes().map(|header| {
            let HeaderBox { class, source_ports, destination_ports } = header;
            (class, [source_ports.0, source_ports.1, destination_ports.0, destination_ports.1])
        });
        KeptRegion {
            from: KeptEnd::of(&region.from),
            to: KeptEnd::of(&region.to),
            headers: boxes.collect(),
            witness: (region.witness.protocol.0, region.witness.ports),
            deciders: region.deciders.map(MatchedRule::to_word),
        }
    }

    /// Whether it can be one of `reach`, in a world with so many rules.
    fn is_of(&self, reach: &Reach, rules: usize) -> bool {
        let program: &Program = reach.program();
        let is_sound =
            |(class, [s0, s1, d0, d1]): &(usize, [u16; 4])| *class < reach.protocols().len() && s0 <= s1 && d0 <= d1;
        self.from.is_of(program)
            && self.to.is_of(program)
            && self.from.first.is_some()
            && self.headers.iter().all(is_sound)
            && self.deciders.iter().all(|word| MatchedRule::from_word(*word).is_of(program, rules))
    }

    fn visit(&self, program: &Program, visit: &mut dyn FnMut(&FlowRegion<'_>)) {
        let boxes = self.headers.iter().map(|(class, [s0, s1, d0, d1])| HeaderBox {
            class: *class,
            source_ports: (*s0, *s1),
            destination_ports: (*d0, *d1),
        });
        let headers = HeaderSet::of_boxes(&boxes.collect::<Vec<_>>());
        let (protocol, ports) = (Protocol(self.witness.0), self.witness.1);
        let [sources, destinations] = [&self.from, &self.to].map(KeptEnd::ranges);
        let packet = FirstPacket {
            sender: self.from.first.map_or(CLOUD_SERVICES, EndpointId),
            source: sources[0].first(),
            destination: destinations[0].first(),
            protocol,
            ports,
        };
        visit(&FlowRegion {
            from: self.from.end(&sources),
            to: self.to.end(&destinations),
            headers: &headers,
            witness: HeaderPoint { protocol, ports },
            outcome: packet.outcome(program),
            reply: packet.reply_outcome(program),
            deciders: self.deciders.map(MatchedRule::from_word),
        });
    }
}

impl KeptRegions {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.classes.iter().map(|(_, regions)| regions.len()).sum()
    }

    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// Those of all shares, in the order of one walk.
    pub fn joined(shares: Vec<KeptRegions>) -> KeptRegions {
        let mut classes: Vec<_> = shares.into_iter().flat_map(|share| share.classes).collect();
        classes.sort_by_key(|(place, _)| *place);
        KeptRegions { classes }
    }

    /// Whether all of them can be regions of `reach`, in a world with so many rules.
    pub fn are_of(&self, reach: &Reach, rules: usize) -> bool {
        self.classes.iter().flat_map(|(_, regions)| regions).all(|region| region.is_of(reach, rules))
    }

    /// Gives each region to `visit`.
    pub(super) fn visit(&self, program: &Program, visit: &mut dyn FnMut(&FlowRegion<'_>)) {
        self.classes.iter().flat_map(|(_, regions)| regions).for_each(|region| region.visit(program, visit));
    }
}

impl Reach {
    /// Finds the regions of the flows in question that the senders of a share are in, to be kept.
    pub fn kept(&self, question: &Question, share: SenderShare) -> KeptRegions {
        let mut kept = KeptRegions::default();
        Engine::new(self, question).run_share(share, &mut |place, region| {
            if kept.classes.last().is_none_or(|(last, _)| *last != place) {
                kept.classes.push((place, Vec::new()));
            }
            if let Some((_, regions)) = kept.classes.last_mut() {
                regions.push(KeptRegion::of(region));
            }
        });
        kept
    }
}

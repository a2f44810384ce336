//! Where the routes lead all that an endpoint sends, destination by destination.

use super::CutKind;
use super::classes::{EndpointClasses, RouteClass};
use super::interner::Interner;
use crate::datapath::{DestinationCuts, Ending, FirstPacket, Routed};
use crate::net::{AddressCuts, AddressRange, Protocol, ranges};
use crate::program::{DomainId, EndpointId, FixedMap, Program, RouteId};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// What the routes say of destinations that they treat alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum RouteAnswer {
    NotAdmitted(Ending),
    Refused(Ending),
    Forwarded(RouteTarget),
}

/// Where the routes lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct RouteTarget {
    pub(super) to: Receiver,
    pub(super) second: Option<DomainId>,
    is_leg: bool,
    by_next_hop: bool,
    needs_session: bool,
}

/// The receiver of destinations that the routes treat alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Receiver {
    /// Of each destination the endpoint that has the address; all are of this class.
    Owner(u32),
    /// One endpoint for all of them.
    One(EndpointId),
}

/// All destinations but martian ones, in order, each part with the number of its answer.
pub(super) struct RouteMap {
    pub(super) parts: Vec<(AddressRange, u32)>,
}

impl RouteMap {
    /// The answer for one destination.
    pub(super) fn answer(&self, destination: Ipv4Addr) -> Option<u32> {
        let after = self.parts.partition_point(|(range, _)| range.first() <= destination);
        let (range, answer) = self.parts[..after].last()?;
        range.contains(destination).then_some(*answer)
    }

    /// Adds the ends of parts as far as they lie inside of `range`.
    pub(super) fn add_cuts(&self, within: AddressRange, cuts: &mut AddressCuts) {
        let from = self.parts.partition_point(|(range, _)| range.last() < within.first());
        let inside = self.parts[from..].iter().map_while(|(range, _)| range.intersection(within));
        inside.for_each(|range| cuts.add(range));
    }
}

/// The maps that were asked for.
pub(super) struct RouteMaps<'a> {
    program: &'a Program,
    classes: &'a EndpointClasses,
    omitted: Option<CutKind>,
    known: FixedMap<RouteClass, u32>,
    maps: Vec<Rc<RouteMap>>,
    answers: Interner<RouteAnswer>,
    /// The entries that were looked up, where that is asked.
    lookups: Option<Vec<RouteId>>,
}

impl<'a> RouteMaps<'a> {
    pub(super) fn new(program: &'a Program, classes: &'a EndpointClasses, omitted: Option<CutKind>) -> RouteMaps<'a> {
        let (known, maps, answers) = (FixedMap::default(), Vec::new(), Interner::default());
        RouteMaps { program, classes, omitted, known, maps, answers, lookups: None }
    }

    /// Keeps the entries that are looked up from here on.
    pub(super) fn keep_lookups(&mut self) {
        self.lookups = Some(Vec::new());
    }

    /// The entries that were looked up since the last call, some more than once.
    pub(super) fn looked_up(&mut self) -> impl Iterator<Item = RouteId> + '_ {
        self.lookups.iter_mut().flat_map(|lookups| lookups.drain(..))
    }

    /// The number of the map of what `sender`, of which the routes know `key`, sends from `source`.
    pub(super) fn number(&mut self, key: &RouteClass, sender: EndpointId, source: Ipv4Addr) -> u32 {
        if let Some(known) = self.known.get(key) {
            return *known;
        }
        let map = self.ask(sender, source);
        let number = self.maps.len() as u32;
        self.maps.push(Rc::new(map));
        self.known.insert(*key, number);
        number
    }

    pub(super) fn map(&self, number: u32) -> Rc<RouteMap> {
        Rc::clone(&self.maps[number as usize])
    }

    pub(super) fn answer(&self, number: u32) -> RouteAnswer {
        *self.answers.value(number)
    }

    fn ask(&mut self, sender: EndpointId, source: Ipv4Addr) -> RouteMap {
        let mut cuts = AddressCuts::default();
        let keep = [CutKind::Routes, CutKind::GuestRoutes, CutKind::Hosts].map(|kind| self.omitted != Some(kind));
        DestinationCuts { program: self.program, hosts: &self.classes.hosts, keep }.add(sender, &mut cuts);
        cuts.sort();
        let mut parts: Vec<(AddressRange, u32)> = Vec::new();
        for range in cuts.parts(AddressRange::ALL).filter(|range| !ranges::is_martian(range.first())) {
            let destination = range.first();
            let (protocol, ports) = (Protocol::TCP, [0; 2]);
            let packet = FirstPacket { sender, source, destination, protocol, ports };
            if let Some(lookups) = &mut self.lookups {
                lookups.extend(packet.looked_up(self.program));
            }
            let answer = self.answers.number(self.abstracted(packet.routed(self.program)));
            let open = parts.last_mut().filter(|(_, known)| *known == answer);
            if !open.is_some_and(|(open, _)| open.extend_by(range)) {
                parts.push((range, answer));
            }
        }
        RouteMap { parts }
    }

    /// The same answer for all destinations that their owners receive.
    fn abstracted(&self, routed: Routed) -> RouteAnswer {
        match routed {
            Routed::NotAdmitted(ending) => RouteAnswer::NotAdmitted(ending),
            Routed::Refused(ending) => RouteAnswer::Refused(ending),
            Routed::Forwarded(routed) => {
                let owner = self.classes.of(routed.to).filter(|_| routed.is_owner);
                RouteAnswer::Forwarded(RouteTarget {
                    to: owner.map_or(Receiver::One(routed.to), Receiver::Owner),
                    second: routed.second,
                    is_leg: routed.is_leg,
                    by_next_hop: routed.by_next_hop,
                    needs_session: routed.needs_session,
                })
            }
        }
    }
}

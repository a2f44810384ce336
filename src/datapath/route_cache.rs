//! What stages 2 and 3 and the routes answered lately.
//!
//! The sender of a packet, whether it may send, and where the routes lead depends on the addresses, on what is known
//! about its entry, and on the epoch: nothing else. New flows mostly go between addresses that were looked up before, and
//! refused packets come again and again, so that one cache line replaces all of their lookups. What is not here is
//! looked up again: nothing depends on what the cache keeps, and a trace never reads it.

use super::context::CachedRoute;
use super::stages::ingress::Entry;
use crate::program::{Epoch, Program};
use crate::table::prefetch;
use crate::wire::Ipv4;
use std::net::Ipv4Addr;

/// All that the answer depends on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct RouteKey {
    pub(super) epoch: Epoch,
    pub(super) source: Ipv4Addr,
    pub(super) destination: Ipv4Addr,
    pub(super) entry: Entry,
}

impl RouteKey {
    #[inline]
    pub(super) fn new(program: &Program, entry: Entry, ipv4: &Ipv4) -> RouteKey {
        RouteKey { epoch: program.epoch, source: ipv4.source, destination: ipv4.destination, entry }
    }
}

/// A key and its answer.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct CachedLine {
    key: RouteKey,
    route: CachedRoute,
}

const _: () = assert!(size_of::<Option<CachedLine>>() == 64, "one cache line");

/// Lines at first, and how much more there are each time.
const FEWEST_LINES: usize = 1 << 8;
const GROWTH: usize = 1 << 3;
/// 8 MiB of lines.
const MAX_LINES: usize = 1 << 17;

/// Answers, each in the line that its key leads to, or in the one beside it.
#[derive(Clone, Default)]
pub(super) struct RouteCache {
    lines: Vec<Option<CachedLine>>,
    /// Answers that had to make room for others since there were more lines.
    displaced: usize,
}

impl RouteCache {
    #[inline]
    pub(super) fn get(&self, key: &RouteKey) -> Option<&CachedRoute> {
        let place = self.place(key);
        let line = |place: usize| self.lines.get(place)?.as_ref().filter(|line| line.key == *key);
        line(place).or_else(|| line(place ^ 1)).map(|line| &line.route)
    }

    /// Prefetches the line of a key that will be looked up soon.
    #[inline]
    pub(super) fn prefetch(&self, key: &RouteKey) {
        if let Some(line) = self.lines.get(self.place(key)) {
            prefetch(line);
        }
    }

    /// Keeps an answer. Where many had to make room there will be more lines, at first without answers.
    pub(super) fn put(&mut self, key: RouteKey, route: CachedRoute) {
        if self.lines.len() < MAX_LINES && self.displaced * 2 >= self.lines.len() {
            self.lines = vec![None; (self.lines.len() * GROWTH).max(FEWEST_LINES)];
            self.displaced = 0;
        }
        let place = self.place(&key);
        // The older answer moves over, and displaces the one that stood there.
        if let Some(older) = self.lines[place].replace(CachedLine { key, route }) {
            let displaced = self.lines[place ^ 1].replace(older);
            self.displaced += usize::from(displaced.is_some_and(|line| line.key.epoch == key.epoch));
        }
    }

    #[inline]
    fn place(&self, key: &RouteKey) -> usize {
        const SEED: u64 = 0x243f_6a88_85a3_08d3;
        const MULTIPLIER: u64 = 0xf39c_c060_5ced_c835;
        let addresses = u64::from(u32::from(key.source)) << 32 | u64::from(u32::from(key.destination));
        let entry = match key.entry {
            Entry::BySource => 0,
            Entry::CapturedAt(id) | Entry::Injected(id) => id.0,
        };
        let product = u128::from(addresses ^ SEED ^ u64::from(entry).rotate_left(13)) * u128::from(MULTIPLIER);
        ((product as u64) ^ (product >> 64) as u64) as usize & self.lines.len().wrapping_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datapath::context::Forwarding;
    use crate::datapath::{DropLocation, Fabric, Frame, MatchedRule, Options, Output, Steering, Verdict};
    use crate::diag::Reason;
    use crate::lab::Topology;
    use crate::program::{DomainId, EndpointId};
    use crate::time::SimTime;
    use crate::wire::build::udp;
    use std::sync::Arc;

    fn key(number: u32) -> RouteKey {
        let (source, destination) = (Ipv4Addr::from(0x0a2d_0000 + number / 100), (0xac10_0000 + number % 100).into());
        RouteKey { epoch: Epoch(1), source, destination, entry: Entry::BySource }
    }

    fn route(number: u32) -> CachedRoute {
        let (to, decider) = (EndpointId(number), MatchedRule::None);
        let forwarding = Forwarding { to, second: None, first_hops: 1, needs_session: false, is_leg: false, decider };
        CachedRoute { sender: EndpointId(1), domain: DomainId(0), forwarding: Ok(forwarding) }
    }

    fn leads_to(cache: &RouteCache, key: &RouteKey) -> Option<u32> {
        cache.get(key).map(|route| route.forwarding.expect("all of them are let through").to.0)
    }

    #[test]
    fn an_answer_is_that_of_its_own_addresses_entry_and_epoch_alone() {
        let mut cache = RouteCache::default();
        assert_eq!(leads_to(&cache, &key(7)), None);
        cache.put(key(7), route(7));
        assert_eq!(leads_to(&cache, &key(7)), Some(7));
        let (source, destination) = (key(7).destination, key(7).source);
        for other in [
            RouteKey { source, destination, ..key(7) },
            RouteKey { epoch: Epoch(2), ..key(7) },
            RouteKey { entry: Entry::CapturedAt(EndpointId(1)), ..key(7) },
            RouteKey { entry: Entry::Injected(EndpointId(1)), ..key(7) },
        ] {
            assert_eq!(leads_to(&cache, &other), None);
        }
    }

    #[test]
    fn there_are_more_lines_where_many_answers_make_room_and_no_more_than_the_most() {
        let mut cache = RouteCache::default();
        for round in 0..20 {
            for number in 0..25_000 {
                match leads_to(&cache, &key(number)) {
                    Some(found) => assert_eq!(found, number),
                    None => cache.put(key(number), route(number)),
                }
            }
            assert!(cache.lines.len() <= MAX_LINES, "round {round}");
        }
        let known = (0..25_000).filter(|number| leads_to(&cache, &key(*number)).is_some()).count();
        assert!(known > 23_000, "{known} of 25,000 in {} lines", cache.lines.len());
        let mut few = RouteCache::default();
        (0..100).for_each(|number| few.put(key(number), route(number)));
        assert_eq!(few.lines.len(), FEWEST_LINES);
    }

    const WORLD: &str = r#"
[vpc.shop]
cidr = "172.16.0.0/12"
[vswitch.vsw]
vpc = "shop"
cidr = "172.16.1.0/24"
[security_group.sg]
vpc = "shop"
ingress = [{ source = "0.0.0.0/0" }]
[instance.one]
vswitch = "vsw"
private_ip = "172.16.1.10"
security_groups = ["sg"]
[instance.two]
vswitch = "vsw"
private_ip = "172.16.1.11"
security_groups = ["sg"]
"#;

    /// Each packet is the first of its flow, all of one address pair; `one` is stopped before the last of them.
    #[test]
    fn a_changed_world_is_asked_anew() {
        let topology = Topology::from_toml("world.toml", WORLD).unwrap_or_else(|error| panic!("{error}"));
        let id = |name| topology.names.find_endpoint(name).expect("it is declared");
        let mut fabric = Fabric::new(Arc::clone(&topology.program), Options::default());
        let mut output = Output::default();
        let mut verdict = |fabric: &mut Fabric, addresses| {
            let bytes = udp(addresses).build();
            let shard =
                Steering::default().shard(&topology.program, &bytes, bytes.len(), Entry::BySource, SimTime::ZERO);
            let (wire_length, entry) = (bytes.len() as u32, Entry::BySource);
            let frame = Frame { bytes: &bytes, wire_length, time: SimTime::ZERO, entry, shard };
            fabric.process(&[frame], &mut output);
            output.outcomes[0].verdict
        };
        for ports in ["172.16.1.10:1 > 172.16.1.11:53", "172.16.1.10:2 > 172.16.1.11:53"] {
            assert_eq!(verdict(&mut fabric, ports), Verdict::Delivered { to: id("two") });
        }
        assert_eq!(fabric.routes.lines.iter().flatten().count(), 1, "the second packet was spared the lookups");
        let mut stopped = (*topology.program).clone();
        stopped.epoch = Epoch(topology.program.epoch.0 + 1);
        stopped.endpoints.get_mut(id("one").index()).running = false;
        fabric.set_program(Arc::new(stopped));
        let dropped = Verdict::Dropped { reason: Reason::InstanceStopped, at: DropLocation::Endpoint(id("one")) };
        assert_eq!(verdict(&mut fabric, "172.16.1.10:3 > 172.16.1.11:53"), dropped);
    }
}

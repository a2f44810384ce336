//! What stages 2 and 3 and the routes answered lately.
//!
//! Who sends a frame, whether it may, and where the routes lead depends on its addresses, on what is known about its
//! entry, and on the epoch: nothing else. New flows mostly go between addresses that have been asked about before, and
//! refused packets come again and again, so that one cache line spares all of their lookups. Whatever is not here is
//! asked again: nothing depends on what the cache keeps, and a listener is always shown the asking itself.

use super::ingress::Entry;
use super::outcome::Refusal;
use super::route::Way;
use crate::program::{DomainId, EndpointId, Epoch, Program};
use crate::table::prefetch;
use crate::wire::Ipv4;
use std::net::Ipv4Addr;

/// All that the answer depends on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) epoch: Epoch,
    pub(super) source: Ipv4Addr,
    pub(super) destination: Ipv4Addr,
    pub(super) entry: Entry,
}

impl Asked {
    #[inline]
    pub(super) fn new(program: &Program, entry: Entry, ipv4: &Ipv4) -> Asked {
        Asked { epoch: program.epoch, source: ipv4.source, destination: ipv4.destination, entry }
    }
}

/// Where a frame that may go on comes from, and where it goes.
#[derive(Clone, Copy)]
pub(super) struct Path {
    pub(super) sender: EndpointId,
    pub(super) domain: DomainId,
    /// Where the routes lead, whatever its TTL.
    pub(super) way: Result<Way, Refusal>,
}

/// A question and its answer.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line {
    asked: Asked,
    path: Path,
}

const _: () = assert!(size_of::<Option<Line>>() == 64, "one cache line");

/// Lines at first, and how much more there are each time.
const FEWEST: usize = 1 << 8;
const GROWTH: usize = 1 << 3;
/// 8 MiB of lines.
const MOST: usize = 1 << 17;

/// Answers, each in the line that its question leads to, or in the one beside it.
#[derive(Default)]
pub(super) struct RouteCache {
    lines: Vec<Option<Line>>,
    /// Answers that had to make room for others since there were more lines.
    displaced: usize,
}

impl RouteCache {
    #[inline]
    pub(super) fn get(&self, asked: &Asked) -> Option<&Path> {
        let place = self.place(asked);
        let line = |place: usize| self.lines.get(place)?.as_ref().filter(|line| line.asked == *asked);
        line(place).or_else(|| line(place ^ 1)).map(|line| &line.path)
    }

    /// Asks the machine to load the line of a question that will be asked soon.
    #[inline]
    pub(super) fn prefetch(&self, asked: &Asked) {
        if let Some(line) = self.lines.get(self.place(asked)) {
            prefetch(line);
        }
    }

    /// Keeps an answer. Where many had to make room there will be more lines, at first without answers.
    pub(super) fn put(&mut self, asked: Asked, path: Path) {
        if self.lines.len() < MOST && self.displaced * 2 >= self.lines.len() {
            self.lines = vec![None; (self.lines.len() * GROWTH).max(FEWEST)];
            self.displaced = 0;
        }
        let place = self.place(&asked);
        // The older answer moves over, and displaces the one that stood there.
        if let Some(older) = self.lines[place].replace(Line { asked, path }) {
            let displaced = self.lines[place ^ 1].replace(older);
            self.displaced += usize::from(displaced.is_some_and(|line| line.asked.epoch == asked.epoch));
        }
    }

    #[inline]
    fn place(&self, asked: &Asked) -> usize {
        const SEED: u64 = 0x243f_6a88_85a3_08d3;
        const MULTIPLIER: u64 = 0xf39c_c060_5ced_c835;
        let addresses = u64::from(u32::from(asked.source)) << 32 | u64::from(u32::from(asked.destination));
        let entry = match asked.entry {
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
    use crate::datapath::{At, Decider, Director, Fabric, Frame, Options, Output, Silent, Verdict};
    use crate::diag::Reason;
    use crate::lab::Topology;
    use crate::time::SimTime;
    use crate::wire::build::udp;
    use std::sync::Arc;

    fn asked(number: u32) -> Asked {
        let (source, destination) = (Ipv4Addr::from(0x0a2d_0000 + number / 100), (0xac10_0000 + number % 100).into());
        Asked { epoch: Epoch(1), source, destination, entry: Entry::BySource }
    }

    fn path(number: u32) -> Path {
        let way =
            Way { to: EndpointId(number), second: None, first_hops: 1, only_in_session: false, decider: Decider::None };
        Path { sender: EndpointId(1), domain: DomainId(0), way: Ok(way) }
    }

    fn leads_to(cache: &RouteCache, asked: &Asked) -> Option<u32> {
        cache.get(asked).map(|path| path.way.expect("all of them are let through").to.0)
    }

    #[test]
    fn an_answer_is_that_of_its_own_addresses_entry_and_epoch_alone() {
        let mut cache = RouteCache::default();
        assert_eq!(leads_to(&cache, &asked(7)), None);
        cache.put(asked(7), path(7));
        assert_eq!(leads_to(&cache, &asked(7)), Some(7));
        let (source, destination) = (asked(7).destination, asked(7).source);
        for other in [
            Asked { source, destination, ..asked(7) },
            Asked { epoch: Epoch(2), ..asked(7) },
            Asked { entry: Entry::CapturedAt(EndpointId(1)), ..asked(7) },
            Asked { entry: Entry::Injected(EndpointId(1)), ..asked(7) },
        ] {
            assert_eq!(leads_to(&cache, &other), None);
        }
    }

    #[test]
    fn there_are_more_lines_where_many_answers_make_room_and_no_more_than_the_most() {
        let mut cache = RouteCache::default();
        for round in 0..20 {
            for number in 0..25_000 {
                match leads_to(&cache, &asked(number)) {
                    Some(found) => assert_eq!(found, number),
                    None => cache.put(asked(number), path(number)),
                }
            }
            assert!(cache.lines.len() <= MOST, "round {round}");
        }
        let known = (0..25_000).filter(|number| leads_to(&cache, &asked(*number)).is_some()).count();
        assert!(known > 23_000, "{known} of 25,000 in {} lines", cache.lines.len());
        let mut few = RouteCache::default();
        (0..100).for_each(|number| few.put(asked(number), path(number)));
        assert_eq!(few.lines.len(), FEWEST);
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
                Director::default().shard(&topology.program, &bytes, bytes.len(), Entry::BySource, SimTime::ZERO);
            let (wire_length, entry) = (bytes.len() as u32, Entry::BySource);
            let frame = Frame { bytes: &bytes, wire_length, time: SimTime::ZERO, entry, shard };
            fabric.process(&[frame], &mut output, &mut Silent);
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
        let dropped = Verdict::Dropped { reason: Reason::InstanceStopped, at: At::Endpoint(id("one")) };
        assert_eq!(verdict(&mut fabric, "172.16.1.10:3 > 172.16.1.11:53"), dropped);
    }
}

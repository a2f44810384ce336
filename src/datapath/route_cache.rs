//! What stages 2 and 3 and the routes answered lately.
//!
//! The sender of a packet, whether it may send, and where the routes lead depends on the addresses, on what is known
//! about its entry, and on the epoch: nothing else. New flows mostly go between addresses that were looked up before,
//! so that one cache line replaces all of their lookups. A trace never reads it.

use super::answer_cache::{AnswerCache, CacheKey, CachedLine};
use super::context::CachedRoute;
use super::stages::ingress::Entry;
use crate::program::Epoch;

/// All that the answer depends on, in words that compare fast.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct RouteKey {
    source: u32,
    destination: u32,
    /// Its kind, and the endpoint or 0.
    entry: [u32; 2],
    epoch: Epoch,
}

/// Routes by [`RouteKey`].
pub(super) type RouteCache = AnswerCache<RouteKey, CachedRoute>;

const _: () = assert!(size_of::<Option<CachedLine<RouteKey, CachedRoute>>>() == 64, "one cache line");

impl RouteKey {
    #[inline]
    pub(super) fn new(epoch: Epoch, entry: Entry, source: u32, destination: u32) -> RouteKey {
        RouteKey { source, destination, entry: entry.to_numbers(), epoch }
    }

    /// A hash of all fields but the epoch, and of `more`.
    #[inline]
    pub(super) fn hash_with(&self, more: u32) -> u64 {
        const SEED: u64 = 0x243f_6a88_85a3_08d3;
        const MULTIPLIER: u64 = 0xf39c_c060_5ced_c835;
        // Without the epoch: after a change of the world a key leads to the two lines that may hold its stale answer,
        // and displaces what is there. Keys are compared whole, epoch included, so an equal hash gives no wrong answer.
        let addresses = u64::from(self.source) << 32 | u64::from(self.destination);
        let [kind, id] = self.entry;
        let rest = u64::from(more) << 32 | u64::from(id ^ kind << 30);
        // One multiplication is enough. Addresses can be chosen so that their keys collide, but then their lookups are
        // merely repeated, as if there were no cache.
        let product = u128::from(addresses ^ SEED) * u128::from(rest ^ MULTIPLIER);
        (product as u64) ^ (product >> 64) as u64
    }
}

impl CacheKey for RouteKey {
    #[inline]
    fn hash(&self) -> u64 {
        self.hash_with(0)
    }

    #[inline]
    fn epoch(&self) -> Epoch {
        self.epoch
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
        RouteKey::new(Epoch(1), Entry::BySource, 0x0a2d_0000 + number / 100, 0xac10_0000 + number % 100)
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
        (0..2).for_each(|_| cache.note_miss(key(7), || Some(route(7))));
        assert_eq!(leads_to(&cache, &key(7)), Some(7));
        let RouteKey { source, destination, .. } = key(7);
        for other in [
            RouteKey::new(Epoch(1), Entry::BySource, destination, source),
            RouteKey::new(Epoch(2), Entry::BySource, source, destination),
            RouteKey::new(Epoch(1), Entry::CapturedAt(EndpointId(0)), source, destination),
            RouteKey::new(Epoch(1), Entry::Injected(EndpointId(0)), source, destination),
        ] {
            assert_eq!(leads_to(&cache, &other), None);
        }
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
        assert_eq!(fabric.routes.len(), 1, "the second packet was spared the lookups");
        let mut stopped = (*topology.program).clone();
        stopped.epoch = Epoch(topology.program.epoch.0 + 1);
        stopped.endpoints.get_mut(id("one").index()).running = false;
        fabric.set_program(Arc::new(stopped));
        let dropped = Verdict::Dropped { reason: Reason::InstanceStopped, at: DropLocation::Endpoint(id("one")) };
        assert_eq!(verdict(&mut fabric, "172.16.1.10:3 > 172.16.1.11:53"), dropped);
    }
}

//! Which shard of the state a frame belongs to.
//!
//! The address pair decides, either way round; for an ICMP error the pair of the packet it quotes, so that it meets
//! the session it is about. Later fragments of such an error follow the first one of their sender, if it got past its
//! guest. The number of shards is fixed, so nothing depends on how many workers share them.

use super::checks;
use super::context::RouteContext;
use super::flow_state::FragmentKey;
use super::stages::ingress::{self, Entry};
use crate::net::Protocol;
use crate::program::{EndpointId, Program};
use crate::table::expiring::ExpiringMap;
use crate::time::{SimDuration, SimTime};
use crate::wire::field::ipv4;
use crate::wire::{self, Ipv4, Packet, Transport, parse, transport};
use std::net::Ipv4Addr;

/// How many shards the state of flows is kept in.
pub const SHARDS: usize = 64;

/// A shard: a [`Steering`] gives them out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShardId(u8);

impl ShardId {
    /// 0 to [`SHARDS`] − 1.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// The shard of this number, which a [`Steering`] has given out before; `None` of one that there is not.
    pub fn of_index(index: usize) -> Option<ShardId> {
        u8::try_from(index).ok().filter(|_| index < SHARDS).map(ShardId)
    }
}

/// How long a first fragment of an ICMP error is remembered at least; longer than any fragment timeout that makes sense.
const FRAGMENT_MEMORY: SimDuration = SimDuration::from_secs(600);

/// First fragments of ICMP errors that are remembered at most; the oldest makes room for a new one.
const FIRST_FRAGMENTS: usize = 65_536;

/// Gives frames to shards, in the order of the capture.
#[derive(Clone)]
pub struct Steering {
    /// First fragments of ICMP errors that meet another shard than their own address pair.
    errors: ExpiringMap<FragmentKey, ShardId>,
}

impl Default for Steering {
    fn default() -> Steering {
        Steering { errors: ExpiringMap::new(FIRST_FRAGMENTS) }
    }
}

fn shard_of_pair(a: Ipv4Addr, b: Ipv4Addr) -> ShardId {
    let (a, b) = (u32::from(a), u32::from(b));
    // Sum and XOR are the same either way round. Each of them alone is equal for many pairs of neighbouring addresses.
    // The highest 6 bits of the product depend on all bits of both, and 2^6 is `SHARDS`.
    let mixed = (u64::from(a.wrapping_add(b)) << 32 | u64::from(a ^ b)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ShardId((mixed >> 58) as u8)
}

impl Steering {
    /// The shard of a frame of `wire_length` bytes that enters `program` at `entry`; frames without addresses share one.
    #[inline]
    pub fn shard(
        &mut self,
        program: &Program,
        bytes: &[u8],
        wire_length: usize,
        entry: Entry,
        now: SimTime,
    ) -> ShardId {
        let Some(header) = wire::ipv4_header(bytes) else { return ShardId::default() };
        if Protocol(header[ipv4::PROTOCOL]) == Protocol::ICMP {
            return self.shard_of_icmp(bytes, wire_length, now, |ipv4| sender(program, entry, ipv4));
        }
        // The frame is not parsed here, since every frame would be parsed twice. An unsound one is refused in whichever
        // shard it comes to, and neither reads nor writes state there.
        let [source, destination] = wire::addresses(header);
        shard_of_pair(source, destination)
    }

    /// `sender` is asked of fragments alone.
    fn shard_of_icmp(
        &mut self,
        bytes: &[u8],
        wire_length: usize,
        now: SimTime,
        sender: impl Fn(&Ipv4) -> Option<EndpointId>,
    ) -> ShardId {
        let Ok(Packet::Ipv4(ipv4)) = parse(bytes, wire_length) else { return ShardId::default() };
        let pair = shard_of_pair(ipv4.source, ipv4.destination);
        if ipv4.is_later_fragment() {
            // The age of the entry is not tested. The shard has its own timeout for the first fragment, so a fragment
            // that comes too late is refused there as it would be in the shard of its pair.
            let first = || self.errors.get(&FragmentKey::new(sender(&ipv4)?, &ipv4));
            return first().map_or(pair, |(_, shard)| shard);
        }
        let shard = match transport(bytes, &ipv4) {
            Ok(Transport::Icmp(icmp)) => {
                icmp.quoted.map_or(pair, |quoted| shard_of_pair(quoted.source, quoted.destination))
            }
            _ => pair,
        };
        if ipv4.is_first_fragment()
            && let Some(sender) = sender(&ipv4)
        {
            self.remember(FragmentKey::new(sender, &ipv4), shard, pair, now);
        }
        shard
    }

    fn remember(&mut self, key: FragmentKey, shard: ShardId, pair: ShardId, now: SimTime) {
        if shard == pair {
            // Identifications repeat: with the entry of an older error the later fragments of this datagram would go to
            // another shard than its first one, and be dropped there.
            self.errors.remove(&key);
            return;
        }
        self.errors.insert(key, shard, now, FRAGMENT_MEMORY);
    }
}

/// The endpoint that an IPv4 frame comes from, where stages 1 to 3 let it through: what a guest sends out of its private
/// NIC. Nothing of ARP frames, which go no further than the guest's own virtual switch.
pub(crate) fn admitted_sender(program: &Program, entry: Entry, bytes: &[u8], wire_length: usize) -> Option<EndpointId> {
    match parse(bytes, wire_length) {
        Ok(Packet::Ipv4(ipv4)) => sender(program, entry, &ipv4),
        _ => None,
    }
}

/// The sender of a packet that stages 2 and 3 let through: other first fragments are not recorded.
fn sender(program: &Program, entry: Entry, ipv4: &Ipv4) -> Option<EndpointId> {
    let query = ingress::enter(program, entry, ipv4.source, ipv4.destination).ok()?;
    checks::admission(&RouteContext::resolve(program, query)).ok().map(|()| query.sender)
}

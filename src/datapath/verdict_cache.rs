//! What the checks said lately about packets that belong to no flow.
//!
//! While neither end has a record of a packet's flow, the checks read its addresses, what is known about its entry, its
//! protocol and destination port, and the world: all this is the [`VerdictKey`]. What else they can read is kept out of
//! it, since it would tell apart packets that nearly always fare alike: TTL, length and TCP flags are asked about first
//! ([`is_told_by_key`]), and what was decided by rules that name source ports is never kept. New flows are so
//! spared both ends' groups, and of a packet that was refused before, one cache line tells all there is to tell.
//!
//! Only what changes no state is kept: a verdict that is undetermined leaves doubtful records behind. Both the verdict
//! and what decided are those of the slow path, which a trace and the counting of entries always take.

use super::Options;
use super::answer_cache::{AnswerCache, CacheKey, CachedLine};
use super::context::PacketContext;
use super::finding::CheckRefusal;
use super::outcome::{MatchedRule, Outcome, Verdict};
use super::route_cache::RouteKey;
use super::stages::ingress::Entry;
use crate::net::Protocol;
use crate::program::{AclId, DomainId, EndpointId, Epoch, Program};
use crate::wire::FastHeaders;

/// All that a verdict about a packet without a flow depends on, where [`is_told_by_key`] holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct VerdictKey {
    route: RouteKey,
    /// The protocol, and its destination port or 0.
    service: u32,
}

/// Verdicts by [`VerdictKey`].
pub(super) type VerdictCache = AnswerCache<VerdictKey, KnownVerdict>;

const _: () = assert!(size_of::<Option<CachedLine<VerdictKey, KnownVerdict>>>() == 64, "one cache line");

impl VerdictKey {
    #[inline]
    pub(super) fn new(program: &Program, entry: Entry, headers: &FastHeaders) -> VerdictKey {
        let FastHeaders { source, destination, protocol, destination_port, .. } = *headers;
        let port = if protocol.has_ports() { destination_port } else { 0 };
        let service = u32::from(protocol.0) << 16 | u32::from(port);
        VerdictKey { route: RouteKey::new(program.epoch, entry, source, destination), service }
    }
}

impl CacheKey for VerdictKey {
    #[inline]
    fn hash(&self) -> u64 {
        self.route.hash_with(self.service)
    }

    #[inline]
    fn epoch(&self) -> Epoch {
        self.route.epoch()
    }
}

/// Routing domains that a packet can be in, each of which lowers its TTL by one at most.
const MAX_HOPS: u8 = 2;

/// True where no check can refuse a packet, while it belongs to no flow, for what its key leaves out.
#[inline]
pub(super) fn is_told_by_key(program: &Program, options: Options, headers: &FastHeaders) -> bool {
    let FastHeaders { protocol, flags, ttl, total_length, .. } = *headers;
    // The options are tested per packet and are no part of the key. The cache stays right when `strict_tcp` is
    // switched, since a packet that the option would refuse is never looked up.
    let may_begin = !options.strict_tcp || protocol != Protocol::TCP || flags.is_bare_syn();
    // This is stricter than the checks: a TTL of 2 lasts for one domain, and a longer packet without DF is fragmented.
    // The key has neither hops nor DF, and the slow path takes these few packets.
    ttl > MAX_HOPS && total_length <= options.mtu_in(program) && may_begin
}

/// What the checks say about a packet that belongs to no flow.
#[derive(Clone, Copy)]
pub(super) enum KnownVerdict {
    /// They let it through; this lets it in.
    Admitted(MatchedRule),
    /// One of them refuses it.
    Refused(Refused),
}

impl KnownVerdict {
    /// The verdict of all checks, where it can be kept; `outcome` is what became of the packet.
    pub(super) fn of_checks(
        packet: &PacketContext<'_>,
        verdict: &Result<MatchedRule, CheckRefusal>,
        outcome: &Outcome,
    ) -> Option<KnownVerdict> {
        if by_source_port(packet) {
            return None;
        }
        // The verdict of the checks is kept and not the outcome. Where the session table is full, the checks have let
        // the packet in all the same, and the next packet of the kind may find room.
        match verdict {
            Ok(decider) => Some(KnownVerdict::Admitted(*decider)),
            Err(_) => KnownVerdict::of_refusal(outcome),
        }
    }

    /// The outcome of a refusal, where it can be kept.
    pub(super) fn of_refusal(outcome: &Outcome) -> Option<KnownVerdict> {
        // An answer from the cache sends nothing and writes nothing. Refusals for TTL and MTU, which cause an ICMP
        // error, never come here: `is_told_by_key` leaves them out. Undetermined packets may leave doubtful records.
        matches!(outcome.verdict, Verdict::Dropped { .. } | Verdict::Outside)
            .then(|| KnownVerdict::Refused(Refused::new(outcome)))
    }
}

/// True where groups of either end were asked that have rules about source ports.
fn by_source_port(packet: &PacketContext<'_>) -> bool {
    let program = packet.program;
    let asks = |acl: Option<AclId>| acl.is_some_and(|acl| program.acl(acl).has_decided_by_source_port());
    let receiver = packet.forwarding.as_ref().ok().map(|forwarding| program.endpoint(forwarding.to));
    asks(program.endpoint(packet.sender).egress) || receiver.is_some_and(|receiver| asks(receiver.ingress))
}

/// The outcome of a refused packet, with [`NONE`] for ids that are not there: an [`Outcome`] is longer than what is left of
/// a cache line.
#[derive(Clone, Copy)]
pub(super) struct Refused {
    from: u32,
    domains: [u32; 2],
    receiver: u32,
    verdict: Verdict,
    decider: MatchedRule,
}

/// No id: there are fewer of a kind.
const NONE: u32 = u32::MAX;

impl Refused {
    fn new(outcome: &Outcome) -> Refused {
        let endpoint = |id: Option<EndpointId>| id.map_or(NONE, |id| id.0);
        Refused {
            from: endpoint(outcome.from),
            domains: outcome.domains.map(|domain| domain.map_or(NONE, |domain| domain.0)),
            receiver: endpoint(outcome.receiver),
            verdict: outcome.verdict,
            decider: outcome.decider,
        }
    }

    /// The outcome of another packet that fares so.
    #[inline]
    pub(super) fn outcome(&self) -> Outcome {
        let endpoint = |id: u32| (id != NONE).then_some(EndpointId(id));
        Outcome {
            domains: self.domains.map(|domain| (domain != NONE).then_some(DomainId(domain))),
            decider: self.decider,
            receiver: endpoint(self.receiver),
            ..Outcome::at_sender(endpoint(self.from), self.verdict)
        }
    }
}

#[cfg(test)]
mod tests;

//! Custom routes and security-group rules.

use super::about::bounded;
use super::references::Declared;
use crate::control::{PeerRequest, RuleRequest};
use crate::diag::{Diagnostic, Spanned};
use crate::model::limits::RULE_PRIORITIES;
use crate::model::{Direction, NicType, ObjectKind, Peer, Policy, Route, Rule, World};
use crate::net::{Ipv4Net, PortRange, Protocol};
use crate::scenario::decode::{Decoder, Item, What};
use crate::scenario::schema::{self, names};
use crate::scenario::values::{CidrProblem, cidr, cidr_problem};
use std::fmt;
use std::ops::RangeInclusive;

/// `accept` and `drop`.
pub(super) const POLICIES: [(&str, Policy); 2] = [("accept", Policy::Accept), ("drop", Policy::Drop)];

const NIC_TYPES: [(&str, NicType); 2] = [("intranet", NicType::Intranet), ("internet", NicType::Internet)];

const RULE_KEYS: [&str; schema::RULE.len()] = names(&schema::RULE);

/// The key of the far side and that of the own side.
const fn keys(direction: Direction) -> (&'static str, &'static str) {
    match direction {
        Direction::Ingress => ("source", "destination"),
        Direction::Egress => ("destination", "source"),
    }
}

const fn what(direction: Direction) -> &'static str {
    match direction {
        Direction::Ingress => "an ingress rule",
        Direction::Egress => "an egress rule",
    }
}

/// A custom route entry.
pub(super) fn route<'a>(
    decoder: &mut Decoder<'_>,
    item: Item<'a>,
    declared: &Declared<'a>,
    world: &World,
) -> Option<Route> {
    let fields = item.fields(decoder, What::The("a route"), &names(&schema::ROUTE))?;
    let destination = fields.require(decoder, "destination", "\"192.168.0.0/16\"").and_then(|item| item.cidr(decoder));
    let next_hop =
        fields.require(decoder, "next_hop", "\"ngw-out\"").and_then(|item| declared.next_hop(decoder, item, world));
    let description = fields.get("description").and_then(|item| bounded(decoder, item));
    Some(Route { span: item.span, destination: destination?, next_hop: next_hop?, description })
}

/// A rule of a security group. Ports with a protocol that has none are left to the checks.
pub(super) fn rule<'a>(
    decoder: &mut Decoder<'_>,
    item: Item<'a>,
    direction: Direction,
    declared: &Declared<'a>,
    world: &World,
) -> Option<Rule> {
    let find = |decoder: &mut Decoder<'_>, item| {
        Some(declared.resolve(decoder, item, ObjectKind::SecurityGroup, &world.security_groups)?.value)
    };
    let is_group = |id: &str| declared.has(ObjectKind::SecurityGroup, id);
    let (peer, written) = written_rule(decoder, item, direction, find, is_group)?;
    let peer_value = match peer.value {
        WrittenPeer::Cidr(net) => Peer::Cidr(net),
        WrittenPeer::Group(key) => Peer::Group(key),
    };
    Some(Rule { peer: Spanned::new(peer_value, peer.span), ..written })
}

/// A rule that an operation names, whose groups `find` finds.
pub(in crate::scenario) fn rule_request<'a>(
    decoder: &mut Decoder<'_>,
    item: Item<'a>,
    direction: Direction,
    find: impl FnOnce(&mut Decoder<'_>, Item<'a>) -> Option<String>,
    is_group: impl FnOnce(&str) -> bool,
) -> Option<RuleRequest> {
    let (peer, rule) = written_rule(decoder, item, direction, find, is_group)?;
    Some(RuleRequest {
        policy: rule.policy,
        priority: rule.priority,
        protocol: rule.protocol,
        port_range: rule.port_range,
        source_port_range: rule.source_port_range,
        peer: match peer.value {
            WrittenPeer::Cidr(net) => PeerRequest::Cidr(net),
            WrittenPeer::Group(id) => PeerRequest::Group(id),
        },
        own: rule.own.map(|own| own.value),
        nic_type: rule.nic_type,
        description: rule.description,
    })
}

/// Those of the vendor's own rules too, which a file imported from an account holds.
fn priorities() -> RangeInclusive<u64> {
    u64::from(*RULE_PRIORITIES.start())..=u64::from(*RULE_PRIORITIES.end())
}

/// The far side of a rule as it is written: a group is what `find` made of it.
enum WrittenPeer<G> {
    Cidr(Ipv4Net),
    Group(G),
}

/// The far side of a rule, and the rule with 0.0.0.0/0 in its place.
fn written_rule<'a, G>(
    decoder: &mut Decoder<'_>,
    item: Item<'a>,
    direction: Direction,
    find: impl FnOnce(&mut Decoder<'_>, Item<'a>) -> Option<G>,
    is_group: impl FnOnce(&str) -> bool,
) -> Option<(Spanned<WrittenPeer<G>>, Rule)> {
    let fields = item.fields(decoder, What::The(what(direction)), &RULE_KEYS)?;
    let (peer_key, own_key) = keys(direction);
    let policy = match fields.get("policy") {
        Some(item) => item.one_of(decoder, &POLICIES).map(|policy| policy.value),
        None => Some(Policy::Accept),
    };
    let priority = match fields.get("priority") {
        Some(item) => item.integer::<u8>(decoder, priorities()).map(|priority| priority.value),
        None => Some(1),
    };
    let protocol = match fields.get("protocol") {
        Some(item) => protocol(decoder, item),
        None => Some(None),
    };
    let mut ports = |key| match fields.get(key) {
        Some(item) => port_range(decoder, item),
        None => Some(PortRange::ALL),
    };
    let (port_range, source_port_range) = (ports("port_range"), ports("source_port_range"));
    let peer = fields.require(decoder, peer_key, "\"10.0.0.0/8\"").and_then(|item| peer(decoder, item, find));
    let own = match fields.get(own_key) {
        Some(item) => own_side(decoder, item, is_group).map(Some),
        None => Some(None),
    };
    let nic_type = match fields.get("nic_type") {
        Some(item) => item.one_of(decoder, &NIC_TYPES).map(|nic_type| nic_type.value),
        None => Some(NicType::Intranet),
    };
    let description = fields.get("description").and_then(|item| bounded(decoder, item));
    let rule = Rule {
        span: item.span,
        policy: policy?,
        priority: priority?,
        protocol: protocol?,
        port_range: port_range?,
        source_port_range: source_port_range?,
        peer: Spanned::unplaced(Peer::Cidr(Ipv4Net::default())),
        own: own?,
        nic_type: nic_type?,
        description,
    };
    Some((peer?, rule))
}

/// Destination or source ports.
pub(in crate::scenario) fn port_range(decoder: &mut Decoder<'_>, item: Item<'_>) -> Option<PortRange> {
    item.parse(decoder, str::parse::<PortRange>).map(|range| range.value)
}

/// What a rule's `protocol` can be, for the message.
struct RuleProtocolError;

impl fmt::Display for RuleProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected tcp, udp, icmp, gre, all or a number from 0 to 255")
    }
}

/// `None` for all protocols.
pub(in crate::scenario) fn protocol(decoder: &mut Decoder<'_>, item: Item<'_>) -> Option<Option<Protocol>> {
    if item.is_integer() {
        return item.integer::<u8>(decoder, 0..=255).map(|number| Some(Protocol(number.value)));
    }
    let read = |text: &str| match text {
        _ if text.eq_ignore_ascii_case("all") => Ok(None),
        _ => text.parse().map(Some).map_err(|_| RuleProtocolError),
    };
    item.parse(decoder, read).map(|protocol| protocol.value)
}

fn peer<'a, G>(
    decoder: &mut Decoder<'_>,
    item: Item<'a>,
    find: impl FnOnce(&mut Decoder<'_>, Item<'a>) -> Option<G>,
) -> Option<Spanned<WrittenPeer<G>>> {
    let text = item.string(decoder)?;
    let peer = match cidr(text) {
        Ok(cidr) => WrittenPeer::Cidr(cidr),
        Err(problem) if looks_like_an_address(text, &problem) => {
            decoder.report(cidr_problem(item.span, text, problem));
            return None;
        }
        Err(_) => WrittenPeer::Group(find(decoder, item)?),
    };
    Some(Spanned::new(peer, item.span))
}

/// True where the writer meant addresses rather than the id of a group.
fn looks_like_an_address(text: &str, problem: &CidrProblem) -> bool {
    matches!(problem, CidrProblem::HostBits(_))
        || text.bytes().all(|b| b.is_ascii_hexdigit() || b"./:".contains(&b)) && text.contains(['.', ':', '/'])
}

fn own_side(
    decoder: &mut Decoder<'_>,
    item: Item<'_>,
    is_group: impl FnOnce(&str) -> bool,
) -> Option<Spanned<Ipv4Net>> {
    let text = item.string(decoder)?;
    if cidr(text).is_err() && is_group(text) {
        decoder.report(
            Diagnostic::error("invalid-value", format!("`{}` cannot be a security group here", item.key))
                .at(item.span, "this is the members' own side: an address or a CIDR")
                .note("`source` of an ingress rule and `destination` of an egress rule name the peer; only they may be a group"),
        );
        return None;
    }
    item.cidr(decoder)
}

//! What a list means: its rules tried one by one; and the rule that came nearest to matching.

use super::{AclRule, AddressSets, Decision, Effect, Peer, Query};
use crate::net::{PortRange, Protocol};

/// A field of a rule that can fail to match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// Another protocol.
    Protocol,
    /// A source port outside the range, or a protocol without ports.
    SourcePort,
    /// A destination port outside the range, or a protocol without ports.
    DestinationPort,
    /// The far side's address.
    Peer,
    /// The own side's address.
    Own,
}

impl Field {
    /// All of them, in the order in which they are told.
    pub const ALL: [Field; 5] = [Field::Protocol, Field::SourcePort, Field::DestinationPort, Field::Peer, Field::Own];
}

/// The answer by trying one rule after the other: the definition of what a list means, and the oracle of
/// [`Acl`](super::Acl)'s tests.
pub fn walk(rules: &[AclRule], default: Effect, sets: &AddressSets, query: &Query) -> Decision {
    match rules.iter().find(|rule| Field::ALL.iter().all(|field| field_matches(*field, rule, sets, query))) {
        Some(rule) => Decision { effect: rule.effect, rule: Some(rule.id) },
        None => Decision { effect: default, rule: None },
    }
}

/// The rule that came nearest to matching: its id and the fields that differ, in the order of [`Field::ALL`]. Most equal
/// fields win, then the earlier rule; a field that is open to anything counts as equal. No fields differ where the rule
/// matches; `None` where there are no rules.
///
/// The rules may be any selection of a list's: to explain a refusal, those that accept.
pub fn nearest<'a>(
    rules: impl IntoIterator<Item = &'a AclRule>,
    sets: &AddressSets,
    query: &Query,
) -> Option<(u32, Vec<Field>)> {
    let difference = |rule: &AclRule| -> Vec<Field> {
        Field::ALL.into_iter().filter(|field| !field_matches(*field, rule, sets, query)).collect()
    };
    // `min_by_key` keeps the first of equals.
    rules.into_iter().map(|rule| (rule.id, difference(rule))).min_by_key(|(_, fields)| fields.len())
}

fn field_matches(field: Field, rule: &AclRule, sets: &AddressSets, query: &Query) -> bool {
    match field {
        Field::Protocol => rule.protocol.is_none_or(|protocol| protocol == query.protocol),
        Field::SourcePort => port_matches(rule.source_ports, query.protocol, query.source_port),
        Field::DestinationPort => port_matches(rule.destination_ports, query.protocol, query.destination_port),
        Field::Peer => match rule.peer {
            Peer::Prefix(prefix) => prefix.contains(&query.peer),
            Peer::Set(set) => sets.contains(set, query.peer),
        },
        Field::Own => rule.own.is_none_or(|prefix| prefix.contains(&query.own)),
    }
}

fn port_matches(range: PortRange, protocol: Protocol, port: u16) -> bool {
    range == PortRange::ALL || (protocol.has_ports() && range.contains(port))
}

//! Which rules of a list decide anything, and which decide in place of those that do not. Beside
//! [`walk`](super::walk), which compares the same fields.

use super::{AclRule, AddressSets, Peer};
use crate::net::{AddressCuts, AddressRange, PortRange, Protocol, overlap};
use std::net::Ipv4Addr;

/// What becomes of the packets that a rule matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleCoverage {
    /// True where the rule is the first to match some packet.
    pub decides: bool,
    /// Where it is not: the `id` of each rule before it that takes part of what it matches, in order of precedence. One
    /// alone where one takes all of it, and none that the others make needless where they are few.
    pub taken_by: Vec<u32>,
}

/// What is known of the members of sets.
#[derive(Clone, Copy, Debug)]
pub enum SetMembers<'a> {
    /// These, and no others.
    Known(&'a AddressSets),
    /// Nothing: an address may be a member of any set, or of none.
    Any,
}

/// Returns what becomes of the packets that rule `place` of `rules`, which are in order of precedence, matches. A packet
/// may have any header, and any address at the list's own side.
pub fn coverage(rules: &[AclRule], place: usize, members: SetMembers<'_>) -> RuleCoverage {
    let rule = &rules[place];
    let before: Vec<&AclRule> = rules[..place].iter().filter(|other| may_meet(other, rule)).collect();
    if takers(rule, &[], members).is_some() {
        // It matches nothing: a set without members, or ports of a protocol that has none.
        return RuleCoverage { decides: false, taken_by: Vec::new() };
    }
    // Asked before the exact question: where one rule takes everything, it alone is named, though rules before it may
    // take a part. It is also cheap, and true whatever the members of sets are.
    if let Some(whole) = before.iter().find(|other| holds(other, rule)) {
        return RuleCoverage { decides: false, taken_by: vec![whole.id] };
    }
    let Some(mut takers) = takers(rule, &before, members) else {
        return RuleCoverage { decides: true, taken_by: Vec::new() };
    };
    if takers.len() <= FEW_TAKERS {
        // From the last one on, so that of rules that make each other needless the earlier ones stay, and those that
        // are still to be tried keep their places. Each trial asks the whole question anew, hence the bound.
        for at in (0..takers.len()).rev() {
            let others: Vec<&AclRule> =
                takers.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, other)| *other).collect();
            if self::takers(rule, &others, members).is_some() {
                takers = others;
            }
        }
    }
    RuleCoverage { decides: false, taken_by: takers.iter().map(|taker| taker.id).collect() }
}

/// So many rules that take all of another one between them are tried for needless ones.
const FEW_TAKERS: usize = 16;

/// The rules of `before` that are the first to match some packet that `rule` matches too; `None` where they leave it some.
fn takers<'r>(rule: &AclRule, before: &[&'r AclRule], members: SetMembers<'_>) -> Option<Vec<&'r AclRule>> {
    let mut taken = vec![false; before.len()];
    // `any` ends at the first part of which something is left. What was taken up to there is not complete then, and is
    // not returned.
    let leaves_some = own_parts(rule, before).into_iter().any(|own| {
        let of_own = |other: &AclRule| other.own.is_none_or(|net| net.contains(&own));
        peer_parts(rule, before, members).into_iter().any(|peer| {
            let concerned = |at: &usize| of_own(before[*at]) && peer.is_in(before[*at].peer, members);
            let concerned: Vec<usize> = (0..before.len()).filter(concerned).collect();
            protocols(rule, before).into_iter().any(|protocol| {
                let mut left = Rectangle::of(rule, protocol).into_iter().collect::<Vec<_>>();
                // In order of precedence: a rule takes only what those before it leave. One that meets nothing of the
                // rest is not counted, even where it overlaps the rule.
                for at in &concerned {
                    let named = before[*at].protocol.is_none_or(|named| named == protocol);
                    let Some(takes) = Rectangle::of(before[*at], protocol).filter(|_| named) else { continue };
                    taken[*at] |= left.iter().any(|one| one.meets(takes));
                    left = left.into_iter().flat_map(|one| one.without(takes)).collect();
                }
                !left.is_empty()
            })
        })
    });
    let takers = before.iter().zip(taken).filter(|(_, taken)| *taken).map(|(other, _)| *other);
    (!leaves_some).then(|| takers.collect())
}

/// False where no packet matches both rules.
fn may_meet(one: &AclRule, other: &AclRule) -> bool {
    let ports_meet = |one: PortRange, other: PortRange| one.first() <= other.last() && other.first() <= one.last();
    let protocols_meet = match (one.protocol, other.protocol) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    let peers_meet = match (one.peer, other.peer) {
        (Peer::Prefix(one), Peer::Prefix(other)) => overlap(one, other),
        _ => true,
    };
    let owns_meet = match (one.own, other.own) {
        (Some(one), Some(other)) => overlap(one, other),
        _ => true,
    };
    protocols_meet
        && peers_meet
        && owns_meet
        && ports_meet(one.source_ports, other.source_ports)
        && ports_meet(one.destination_ports, other.destination_ports)
}

/// True where `wide` matches every packet that `narrow` does, whatever the members of sets.
fn holds(wide: &AclRule, narrow: &AclRule) -> bool {
    let ports = |wide: PortRange, narrow: PortRange| wide.first() <= narrow.first() && narrow.last() <= wide.last();
    (wide.protocol.is_none() || wide.protocol == narrow.protocol)
        && ports(wide.source_ports, narrow.source_ports)
        && ports(wide.destination_ports, narrow.destination_ports)
        && match (wide.peer, narrow.peer) {
            (Peer::Prefix(wide), Peer::Prefix(narrow)) => wide.contains(&narrow),
            (Peer::Prefix(wide), Peer::Set(_)) => wide.prefix_len() == 0,
            (Peer::Set(wide), Peer::Set(narrow)) => wide == narrow,
            (Peer::Set(_), Peer::Prefix(_)) => false,
        }
        && match (wide.own, narrow.own) {
            (None, _) => true,
            (Some(wide), Some(narrow)) => wide.contains(&narrow),
            (Some(_), None) => false,
        }
}

/// An address of each part of the own side that the rules tell apart, inside of what `rule` matches.
fn own_parts(rule: &AclRule, before: &[&AclRule]) -> Vec<Ipv4Addr> {
    let mut cuts = AddressCuts::default();
    before.iter().filter_map(|other| other.own).for_each(|net| cuts.add(net));
    cuts.sort();
    let whole = rule.own.map_or(AddressRange::ALL, AddressRange::from);
    cuts.parts(whole).map(AddressRange::first).collect()
}

/// Far sides that the rules do not tell apart.
#[derive(Clone, Copy)]
enum PeerPart {
    /// Like this address.
    Address(Ipv4Addr),
    /// A member of this set, of which nothing else is known.
    Member(usize),
}

impl PeerPart {
    fn is_in(self, peer: Peer, members: SetMembers<'_>) -> bool {
        match (self, peer) {
            (PeerPart::Address(address), Peer::Prefix(net)) => net.contains(&address),
            (PeerPart::Address(address), Peer::Set(set)) => match members {
                SetMembers::Known(sets) => sets.contains(set, address),
                // The address may or may not be a member, so that the set takes nothing for sure. A rule counts as idle
                // only where it is idle with any members.
                SetMembers::Any => false,
            },
            (PeerPart::Member(_), Peer::Prefix(net)) => net.prefix_len() == 0,
            (PeerPart::Member(one), Peer::Set(other)) => one == other,
        }
    }
}

/// The parts of the far side that the rules tell apart, inside of what `rule` matches.
fn peer_parts(rule: &AclRule, before: &[&AclRule], members: SetMembers<'_>) -> Vec<PeerPart> {
    let prefix = match (rule.peer, members) {
        (Peer::Prefix(prefix), _) => prefix,
        (Peer::Set(set), SetMembers::Any) => return vec![PeerPart::Member(set)],
        (Peer::Set(set), SetMembers::Known(sets)) => return sets.members(set).map(PeerPart::Address).collect(),
    };
    let mut cuts = AddressCuts::default();
    for other in before {
        match (other.peer, members) {
            (Peer::Prefix(net), _) => cuts.add(net),
            (Peer::Set(set), SetMembers::Known(sets)) => {
                sets.members(set).filter(|member| prefix.contains(member)).for_each(|member| cuts.add_address(member));
            }
            (Peer::Set(_), SetMembers::Any) => {}
        }
    }
    cuts.sort();
    cuts.parts(prefix.into()).map(|part| PeerPart::Address(part.first())).collect()
}

/// A protocol of each kind that the rules tell apart, of those that `rule` matches.
fn protocols(rule: &AclRule, before: &[&AclRule]) -> Vec<Protocol> {
    if let Some(protocol) = rule.protocol {
        return vec![protocol];
    }
    let named = before.iter().filter_map(|other| other.protocol);
    let mut protocols: Vec<Protocol> = named.chain([Protocol::TCP, Protocol::UDP]).collect();
    protocols.sort_unstable();
    protocols.dedup();
    // One protocol that no rule names stands for all such protocols. TCP and UDP are there in any case: restricted
    // ports match these two alone, so they differ from the others also where no rule names them.
    let other = (0..=u8::MAX).map(Protocol).find(|protocol| protocols.binary_search(protocol).is_err());
    protocols.extend(other);
    protocols
}

/// Source and destination ports: first and last of each.
#[derive(Clone, Copy)]
struct Rectangle([(u16, u16); 2]);

impl Rectangle {
    /// The ports that `rule` matches with `protocol`; `None` where it matches none. Protocols without ports have 0.
    fn of(rule: &AclRule, protocol: Protocol) -> Option<Rectangle> {
        let ranges = [rule.source_ports, rule.destination_ports];
        match protocol.has_ports() {
            true => Some(Rectangle(ranges.map(|range| (range.first(), range.last())))),
            false => ranges.iter().all(|range| *range == PortRange::ALL).then_some(Rectangle([(0, 0); 2])),
        }
    }

    fn meets(self, other: Rectangle) -> bool {
        self.0.iter().zip(other.0).all(|(one, other)| one.0 <= other.1 && other.0 <= one.1)
    }

    /// What is left of it: below and above `taken` by source port, and between these by destination port.
    fn without(self, taken: Rectangle) -> impl Iterator<Item = Rectangle> {
        let Rectangle([source, destination]) = self;
        let Rectangle([by_source, by_destination]) = taken;
        let meets = self.meets(taken);
        let below = |own: (u16, u16), other: (u16, u16)| {
            other.0.checked_sub(1).filter(|last| *last >= own.0).map(|last| (own.0, last))
        };
        let above = |own: (u16, u16), other: (u16, u16)| {
            other.1.checked_add(1).filter(|first| *first <= own.1).map(|first| (first, own.1))
        };
        let between = (source.0.max(by_source.0), source.1.min(by_source.1));
        let parts = [
            below(source, by_source).map(|ports| Rectangle([ports, destination])),
            above(source, by_source).map(|ports| Rectangle([ports, destination])),
            below(destination, by_destination).map(|ports| Rectangle([between, ports])),
            above(destination, by_destination).map(|ports| Rectangle([between, ports])),
        ];
        let untouched = (!meets).then_some(self);
        untouched.into_iter().chain(parts.into_iter().flatten().filter(move |_| meets))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Effect, Query, walk};
    use super::*;
    use crate::net::Ipv4Net;
    use crate::table::Random;

    const PORTS: u16 = 4;

    fn prefix(random: &mut Random) -> Ipv4Net {
        let address = Ipv4Addr::from(0x0a00_0000 | random.next() & 7);
        Ipv4Net::new(address, 29 + random.below(4) as u8).expect("a length").trunc()
    }

    fn ports(random: &mut Random) -> PortRange {
        match random.below(3) {
            0 => PortRange::ALL,
            1 => PortRange::new(random.below(usize::from(PORTS)) as u16, u16::MAX).expect("a range"),
            _ => PortRange::new(0, random.below(usize::from(PORTS)) as u16).expect("a range"),
        }
    }

    fn rule(random: &mut Random, id: u32) -> AclRule {
        let protocol = [None, None, Some(Protocol::TCP), Some(Protocol::GRE)][random.below(4)];
        let peer = match random.below(3) {
            0 => Peer::Set(random.below(3)),
            _ => Peer::Prefix(prefix(random)),
        };
        let own = (random.below(4) == 0).then(|| prefix(random));
        let effect = [Effect::Drop, Effect::Accept][random.below(2)];
        AclRule { effect, protocol, source_ports: ports(random), destination_ports: ports(random), peer, own, id }
    }

    /// A query for each header and pair of addresses that the rules of these tests may tell apart.
    fn queries() -> impl Iterator<Item = Query> {
        let protocols = [Protocol::TCP, Protocol::UDP, Protocol::GRE, Protocol(77)];
        let address = |low: u32| Ipv4Addr::from(0x0a00_0000 | low);
        protocols.into_iter().flat_map(move |protocol| {
            (0..=PORTS).flat_map(move |source_port| {
                (0..=PORTS).flat_map(move |destination_port| {
                    (0..9).flat_map(move |peer| {
                        (0..9).map(move |own| Query {
                            protocol,
                            source_port,
                            destination_port,
                            peer: address(peer),
                            own: address(own),
                        })
                    })
                })
            })
        })
    }

    #[test]
    fn a_rule_decides_where_the_walk_through_all_packets_says_so() {
        let mut random = Random::new(11);
        let mut idle = 0;
        for _ in 0..60 {
            let rules: Vec<AclRule> = (0..7).map(|id| rule(&mut random, id)).collect();
            let members: Vec<Vec<Ipv4Addr>> =
                (0..3).map(|_| (0..3).map(|_| Ipv4Addr::from(0x0a00_0000 | random.next() & 7)).collect()).collect();
            let sets = AddressSets::build(members);
            let mut decides = [false; 7];
            let mut takers: Vec<Vec<u32>> = vec![Vec::new(); 7];
            for query in queries() {
                let first = walk(&rules, Effect::Drop, &sets, &query).rule;
                first.into_iter().for_each(|id| decides[id as usize] = true);
                for (place, rule) in rules.iter().enumerate() {
                    let matches = walk(std::slice::from_ref(rule), Effect::Drop, &sets, &query).rule.is_some();
                    takers[place].extend(first.filter(|id| matches && *id as usize != place));
                }
            }
            for place in 0..rules.len() {
                let found = coverage(&rules, place, SetMembers::Known(&sets));
                assert_eq!(found.decides, decides[place], "rule {place} of {rules:#?}");
                idle += usize::from(!found.decides);
                if found.decides {
                    assert_eq!(found.taken_by, [0; 0]);
                    continue;
                }
                assert!(found.taken_by.iter().all(|id| takers[place].contains(id)), "rule {place} of {rules:#?}");
                // They alone take all of it, and without any one of them something is left.
                let alone = |ids: &[u32]| {
                    let mut list: Vec<AclRule> = ids.iter().map(|id| rules[*id as usize]).collect();
                    list.push(rules[place]);
                    coverage(&list, ids.len(), SetMembers::Known(&sets)).decides
                };
                assert!(!alone(&found.taken_by), "rule {place} of {rules:#?}");
                for left_out in &found.taken_by {
                    let others: Vec<u32> = found.taken_by.iter().copied().filter(|id| id != left_out).collect();
                    assert!(alone(&others), "rule {place} without {left_out} of {rules:#?}");
                }
            }
        }
        assert!(idle > 40, "{idle} rules that decide nothing");
    }

    #[test]
    fn what_members_a_set_has_counts_only_where_they_are_known() {
        let all = |peer, id| AclRule {
            effect: Effect::Accept,
            protocol: None,
            source_ports: PortRange::ALL,
            destination_ports: PortRange::ALL,
            peer,
            own: None,
            id,
        };
        let net = |text: &str| Peer::Prefix(text.parse().expect("a prefix"));
        let sets = AddressSets::build([vec![Ipv4Addr::new(10, 0, 0, 1)], vec![]]);
        let asked = |rules: [AclRule; 2], members| coverage(&rules, 1, members);
        let inside = [all(net("10.0.0.0/24"), 4), all(Peer::Set(0), 5)];
        assert_eq!(
            asked(inside, SetMembers::Known(&sets)),
            RuleCoverage { decides: false, taken_by: vec![4] },
            "its one member lies inside the prefix"
        );
        assert_eq!(asked(inside, SetMembers::Any), RuleCoverage { decides: true, taken_by: vec![] });
        let empty = [all(net("10.0.0.0/24"), 4), all(Peer::Set(1), 5)];
        assert_eq!(asked(empty, SetMembers::Known(&sets)), RuleCoverage { decides: false, taken_by: vec![] });
        for members in [SetMembers::Known(&sets), SetMembers::Any] {
            let twice = [all(Peer::Set(0), 4), all(Peer::Set(0), 5)];
            assert_eq!(asked(twice, members), RuleCoverage { decides: false, taken_by: vec![4] });
            let everywhere = [all(net("0.0.0.0/0"), 4), all(Peer::Set(0), 5)];
            assert_eq!(asked(everywhere, members), RuleCoverage { decides: false, taken_by: vec![4] });
            let member = [all(Peer::Set(0), 4), all(net("10.0.0.0/24"), 5)];
            assert!(asked(member, members).decides);
        }
    }

    #[test]
    fn several_rules_together_take_all_of_one() {
        let ports = |first, last, id| AclRule {
            effect: Effect::Drop,
            protocol: Some(Protocol::TCP),
            source_ports: PortRange::ALL,
            destination_ports: PortRange::new(first, last).expect("a range"),
            peer: Peer::Prefix(Ipv4Net::default()),
            own: None,
            id,
        };
        let together = [ports(80, 84, 1), ports(85, 90, 2), ports(82, 88, 3)];
        assert_eq!(coverage(&together, 2, SetMembers::Any), RuleCoverage { decides: false, taken_by: vec![1, 2] });
        let apart = [ports(80, 84, 1), ports(86, 90, 2), ports(82, 88, 3)];
        assert!(coverage(&apart, 2, SetMembers::Any).decides, "85 is left to it");
    }
}

//! Where the answers of a list of rules can change. Beside [`walk`](super::walk), which compares the same fields.

use super::{AclRule, AddressSets, Peer};
use crate::net::{AddressCuts, PortRange, Protocol};

/// The places at which the answers of a list of rules can change, by the fields of a query.
///
/// Two queries whose protocol is named by the same rules, and whose ports, addresses and sets no cut divides, get the
/// same answer.
#[derive(Clone, Debug, Default)]
pub struct RuleCuts {
    /// Of the far side's address: the ends of prefixes. The sets are beside them.
    pub peer: AddressCuts,
    /// Of the own side's address.
    pub own: AddressCuts,
    /// The sets that rules name, ascending and each once.
    pub sets: Vec<u32>,
    /// Protocol, source and destination ports of each rule, each combination once.
    headers: Vec<(Option<Protocol>, PortRange, PortRange)>,
}

impl RuleCuts {
    /// Gathers the cuts of `rules`.
    pub fn new<'a>(rules: impl IntoIterator<Item = &'a AclRule>) -> RuleCuts {
        let mut cuts = RuleCuts::default();
        for rule in rules {
            match rule.peer {
                Peer::Prefix(prefix) => cuts.peer.add(prefix),
                Peer::Set(set) => cuts.sets.extend(u32::try_from(set)),
            }
            rule.own.into_iter().for_each(|own| cuts.own.add(own));
            cuts.headers.push((rule.protocol, rule.source_ports, rule.destination_ports));
        }
        cuts.peer.sort();
        cuts.own.sort();
        cuts.sets.sort_unstable();
        cuts.sets.dedup();
        cuts.headers.sort_unstable_by_key(|(protocol, source, destination)| {
            (
                protocol.map(|protocol| protocol.0),
                source.first(),
                source.last(),
                destination.first(),
                destination.last(),
            )
        });
        cuts.headers.dedup();
        cuts
    }

    /// The protocols that rules name.
    pub fn protocols(&self) -> impl Iterator<Item = Protocol> + '_ {
        self.headers.iter().filter_map(|(protocol, ..)| *protocol)
    }

    /// The first ports of the ranges of source ports between which the answers for packets of `protocol` change.
    pub fn source_ports(&self, protocol: Protocol) -> Vec<u16> {
        starts(self.of_protocol(protocol).map(|(source, _)| source))
    }

    /// The same for destination ports.
    pub fn destination_ports(&self, protocol: Protocol) -> Vec<u16> {
        starts(self.of_protocol(protocol).map(|(_, destination)| destination))
    }

    fn of_protocol(&self, protocol: Protocol) -> impl Iterator<Item = (PortRange, PortRange)> + '_ {
        let concerned = move |named: Option<Protocol>| named.is_none_or(|named| named == protocol);
        let headers = self.headers.iter().filter(move |(named, ..)| concerned(*named));
        // For a protocol without ports a rule matches at all ports or at none, whatever ports the query carries: no cut
        // divides its answers.
        headers.map(|(_, source, destination)| (*source, *destination)).filter(move |_| protocol.has_ports())
    }
}

fn starts(ranges: impl Iterator<Item = PortRange>) -> Vec<u16> {
    let ends = ranges.flat_map(|range| [Some(range.first()), range.last().checked_add(1)]);
    let mut starts: Vec<u16> = ends.flatten().chain([0]).collect();
    starts.sort_unstable();
    starts.dedup();
    starts
}

impl AddressSets {
    /// The members of any of `sets`, ascending and each once.
    pub(crate) fn members_of_any(&self, sets: &[u32]) -> Vec<u32> {
        let members = sets.iter().flat_map(|set| self.members(*set as usize)).map(u32::from);
        let mut members: Vec<u32> = members.collect();
        members.sort_unstable();
        members.dedup();
        members
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Effect, Query, walk};
    use super::*;
    use crate::net::{AddressRange, Ipv4Net};
    use crate::table::Random;
    use std::net::Ipv4Addr;

    fn prefix(random: &mut Random) -> Ipv4Net {
        let address = Ipv4Addr::from(0x0a00_0000 | random.next() & 0x3f);
        Ipv4Net::new(address, 26 + random.below(7) as u8).expect("a length").trunc()
    }

    fn ports(random: &mut Random) -> PortRange {
        match random.below(3) {
            0 => PortRange::ALL,
            _ => {
                let [one, other] = [(); 2].map(|()| random.below(6) as u16);
                PortRange::new(one.min(other), one.max(other)).expect("a range")
            }
        }
    }

    fn rule(random: &mut Random, id: u32) -> AclRule {
        let protocol = [None, Some(Protocol::TCP), Some(Protocol::UDP), Some(Protocol::GRE)][random.below(4)];
        let peer = match random.below(3) {
            0 => Peer::Set(random.below(3)),
            _ => Peer::Prefix(prefix(random)),
        };
        let own = (random.below(3) == 0).then(|| prefix(random));
        let effect = [Effect::Drop, Effect::Unknown, Effect::Accept][random.below(3)];
        AclRule { effect, protocol, source_ports: ports(random), destination_ports: ports(random), peer, own, id }
    }

    /// What tells queries apart by the cuts alone.
    fn region(cuts: &RuleCuts, sets: &AddressSets, query: &Query) -> (Vec<usize>, Vec<bool>) {
        let place = |starts: &[u16], port: u16| starts.partition_point(|start| *start <= port);
        let ports = match query.protocol.has_ports() {
            true => [
                place(&cuts.source_ports(query.protocol), query.source_port),
                place(&cuts.destination_ports(query.protocol), query.destination_port),
            ],
            false => [0; 2],
        };
        let named = cuts.protocols().any(|protocol| protocol == query.protocol);
        let protocol = if named || query.protocol.has_ports() { usize::from(query.protocol.0) } else { 256 };
        let addresses = [cuts.peer.position(query.peer), cuts.own.position(query.own)];
        let holding = cuts.sets.iter().map(|set| sets.contains(*set as usize, query.peer)).collect();
        ([ports[0], ports[1], protocol, addresses[0], addresses[1]].into(), holding)
    }

    #[test]
    fn queries_that_no_cut_divides_get_the_same_answer() {
        let mut random = Random::new(3);
        let mut shared = 0;
        for _ in 0..300 {
            let rules: Vec<AclRule> = (0..5).map(|id| rule(&mut random, id)).collect();
            let members: Vec<Vec<Ipv4Addr>> =
                (0..3).map(|_| (0..3).map(|_| Ipv4Addr::from(0x0a00_0000 | random.next() & 0x3f)).collect()).collect();
            let sets = AddressSets::build(members);
            let cuts = RuleCuts::new(&rules);
            let mut answers = std::collections::HashMap::new();
            for _ in 0..200 {
                let protocol =
                    [Protocol::TCP, Protocol::UDP, Protocol::GRE, Protocol(50), Protocol(51)][random.below(5)];
                let [source_port, destination_port] = [(); 2].map(|()| random.below(7) as u16);
                let [peer, own] = [(); 2].map(|()| Ipv4Addr::from(0x0a00_0000 | random.next() & 0x7f));
                let query = Query { protocol, source_port, destination_port, peer, own };
                let answer = walk(&rules, Effect::Drop, &sets, &query);
                let known = answers.entry(region(&cuts, &sets, &query)).or_insert(answer);
                shared += usize::from(*known == answer);
                assert_eq!(*known, answer, "{query:?} of {rules:?}");
            }
        }
        assert!(shared > 10_000);
    }

    #[test]
    fn a_range_of_ports_cuts_at_both_ends_and_only_for_its_protocol() {
        let mut one = rule(&mut Random::new(1), 0);
        one.protocol = Some(Protocol::TCP);
        one.destination_ports = PortRange::new(80, 90).expect("a range");
        one.source_ports = PortRange::ALL;
        let cuts = RuleCuts::new([&one]);
        assert_eq!(cuts.destination_ports(Protocol::TCP), [0, 80, 91]);
        assert_eq!((cuts.destination_ports(Protocol::UDP), cuts.source_ports(Protocol::TCP)), (vec![0], vec![0]));
        assert!(cuts.peer.parts(AddressRange::ALL).count() <= 3);
    }
}

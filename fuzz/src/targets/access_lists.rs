//! Access lists against the walk over their rules, while members join and leave their address sets.

use super::input::Input;
use biplane::net::{Ipv4Net, PortRange, Protocol};
use biplane::table::acl::{Acl, AclRule, AddressSets, Effect, Peer, Query, nearest, walk};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

const PROTOCOLS: [Option<u8>; 8] = [None, Some(6), Some(17), Some(1), Some(47), Some(0), Some(255), Some(6)];
const PORTS: [u16; 8] = [0, 1, 79, 80, 81, 1024, 65_534, 65_535];
const LENGTHS: [u8; 8] = [0, 8, 16, 24, 30, 31, 32, 32];
const SETS: usize = 6;

/// Every kind of question costs two bytes and more; lists have up to 64 rules, each up to 64 times.
pub(crate) fn decide_as_the_walk(data: &[u8]) {
    let mut input = Input::new(data);
    let mut members: Vec<BTreeSet<Ipv4Addr>> = vec![BTreeSet::new(); SETS];
    for _ in 0..input.byte() % 32 {
        let (set, address) = (usize::from(input.byte()) % SETS, address(&mut input));
        members[set].insert(address);
    }
    let mut sets = AddressSets::build(members.clone());
    let mut rules = Vec::new();
    for _ in 0..input.byte() % 64 {
        let rule = rule(&mut input);
        let times = if input.byte() > 250 { 64 } else { 1 };
        rules.extend((0..times).map(|_| rule));
    }
    rules.iter_mut().zip(100..).for_each(|(rule, id)| rule.id = id);
    let default = *input.pick(&[Effect::Drop, Effect::Accept, Effect::Unknown]);
    let acl = Acl::build(&rules, default);
    while !input.is_empty() {
        match input.byte() % 8 {
            0 => {
                let (set, address) = (usize::from(input.byte()) % SETS, address(&mut input));
                assert_eq!(sets.insert(set, address), members[set].insert(address));
            }
            1 => {
                let (set, address) = (usize::from(input.byte()) % SETS, address(&mut input));
                assert_eq!(sets.remove(set, address), members[set].remove(&address));
            }
            _ => {
                let query = query(&mut input);
                let walked = walk(&rules, default, &sets, &query);
                assert_eq!(acl.decide(&sets, &query), walked, "{query:?} {rules:#?}");
                let near = nearest(&rules, &sets, &query);
                assert_eq!(near.as_ref().is_some_and(|(_, fields)| fields.is_empty()), walked.rule.is_some());
            }
        }
    }
    for (set, members) in members.iter().enumerate() {
        assert!(sets.members(set).eq(members.iter().copied()));
    }
}

fn address(input: &mut Input<'_>) -> Ipv4Addr {
    let base = *input.pick(&[0, 0x0a00_0000, 0x0a00_00ff, 0xac10_0000, 0xffff_ffff_u32]);
    base.wrapping_add((input.byte() % 8).into()).into()
}

fn range(input: &mut Input<'_>) -> PortRange {
    let (first, last) = (*input.pick(&PORTS), *input.pick(&PORTS));
    PortRange::new(first, last).unwrap_or(PortRange::ALL)
}

fn rule(input: &mut Input<'_>) -> AclRule {
    let effect = *input.pick(&[Effect::Drop, Effect::Accept, Effect::Unknown]);
    let protocol = input.pick(&PROTOCOLS).map(Protocol);
    let (source_ports, destination_ports) = (range(input), range(input));
    let prefix = |input: &mut Input<'_>| {
        let length = *input.pick(&LENGTHS);
        Ipv4Net::new_assert(address(input), length).trunc()
    };
    let peer = match input.byte() {
        byte @ ..64 => Peer::Set(usize::from(byte) % (SETS + 1)),
        _ => Peer::Prefix(prefix(input)),
    };
    let own = (input.byte() & 3 == 0).then(|| prefix(input));
    AclRule { effect, protocol, source_ports, destination_ports, peer, own, id: 0 }
}

fn query(input: &mut Input<'_>) -> Query {
    let protocol = Protocol(input.pick(&PROTOCOLS).unwrap_or(50));
    let (source_port, destination_port) = (*input.pick(&PORTS), *input.pick(&PORTS));
    Query { protocol, source_port, destination_port, peer: address(input), own: address(input) }
}

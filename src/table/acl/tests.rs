use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;

fn rule(id: u32) -> AclRule {
    AclRule {
        effect: Effect::Accept,
        protocol: None,
        source_ports: PortRange::ALL,
        destination_ports: PortRange::ALL,
        peer: Peer::Prefix("0.0.0.0/0".parse().unwrap()),
        own: None,
        id,
    }
}

fn tcp(peer: &str, destination_port: u16) -> Query {
    Query {
        protocol: Protocol::TCP,
        source_port: 40_000,
        destination_port,
        peer: peer.parse().unwrap(),
        own: Ipv4Addr::new(10, 0, 0, 1),
    }
}

fn ports(first: u16, last: u16) -> PortRange {
    PortRange::new(first, last).unwrap()
}

/// Asks the walk and the tables: they must agree.
fn decide(rules: &[AclRule], sets: &AddressSets, query: &Query) -> Decision {
    let walked = walk(rules, Effect::Drop, sets, query);
    assert_eq!(Acl::build(rules, Effect::Drop).decide(sets, query), walked);
    walked
}

#[test]
fn an_empty_list_answers_its_default() {
    let sets = AddressSets::default();
    let query = tcp("10.0.0.9", 80);
    assert_eq!(Acl::build(&[], Effect::Accept).decide(&sets, &query), Decision { effect: Effect::Accept, rule: None });
    assert_eq!(Acl::build(&[], Effect::Drop).decide(&sets, &query), Decision { effect: Effect::Drop, rule: None });
    assert_eq!(decide(&[], &sets, &query).rule, None);
    assert_eq!(nearest(&[], &sets, &query), None);
}

#[test]
fn the_first_of_two_matching_rules_decides() {
    let sets = AddressSets::default();
    let (drop, accept) = (AclRule { effect: Effect::Drop, ..rule(1) }, rule(2));
    let query = tcp("10.0.0.9", 80);
    assert_eq!(decide(&[drop, accept], &sets, &query), Decision { effect: Effect::Drop, rule: Some(1) });
    assert_eq!(decide(&[accept, drop], &sets, &query), Decision { effect: Effect::Accept, rule: Some(2) });
}

#[test]
fn a_port_range_matches_both_its_edges_and_not_their_neighbours() {
    let sets = AddressSets::default();
    let rules = [AclRule { destination_ports: ports(80, 90), ..rule(7) }];
    for (port, hit) in [(79, None), (80, Some(7)), (90, Some(7)), (91, None)] {
        assert_eq!(decide(&rules, &sets, &tcp("10.0.0.9", port)).rule, hit, "port {port}");
    }
}

#[test]
fn only_a_rule_open_to_all_ports_matches_a_protocol_without_ports() {
    let sets = AddressSets::default();
    let icmp = Query { protocol: Protocol::ICMP, destination_port: 80, ..tcp("10.0.0.9", 80) };
    let udp = Query { protocol: Protocol::UDP, ..icmp };
    for restricted in [
        AclRule { destination_ports: ports(1, 65535), ..rule(1) },
        AclRule { source_ports: ports(1, 65535), ..rule(1) },
    ] {
        assert_eq!(decide(&[restricted], &sets, &icmp).rule, None);
        assert_eq!(decide(&[restricted], &sets, &udp).rule, Some(1));
        let of_icmp = AclRule { protocol: Some(Protocol::ICMP), ..restricted };
        assert_eq!(decide(&[of_icmp], &sets, &icmp).rule, None);
    }
    assert_eq!(decide(&[rule(1)], &sets, &icmp).rule, Some(1));
}

#[test]
fn port_zero_is_inside_all_ports_and_outside_one_to_65535() {
    let sets = AddressSets::default();
    let rules = [AclRule { destination_ports: ports(1, 65535), ..rule(1) }, rule(2)];
    assert_eq!(decide(&rules, &sets, &tcp("10.0.0.9", 0)).rule, Some(2));
    assert_eq!(decide(&rules, &sets, &tcp("10.0.0.9", 1)).rule, Some(1));
}

#[test]
fn a_set_matches_its_members_and_an_unknown_set_nobody() {
    let sets = AddressSets::build([vec![Ipv4Addr::new(10, 0, 0, 9)]]);
    let of_set = |set| AclRule { peer: Peer::Set(set), ..rule(3) };
    assert_eq!(decide(&[of_set(0)], &sets, &tcp("10.0.0.9", 80)).rule, Some(3));
    assert_eq!(decide(&[of_set(0)], &sets, &tcp("10.0.0.8", 80)).rule, None);
    assert_eq!(decide(&[of_set(1)], &sets, &tcp("10.0.0.9", 80)).rule, None);
}

#[test]
fn an_own_side_prefix_restricts_the_own_address() {
    let sets = AddressSets::default();
    let rules = [AclRule { own: Some("10.0.0.0/31".parse().unwrap()), ..rule(4) }];
    let query = tcp("10.0.0.9", 80);
    assert_eq!(decide(&rules, &sets, &query).rule, Some(4));
    assert_eq!(decide(&rules, &sets, &Query { own: Ipv4Addr::new(10, 0, 0, 2), ..query }).rule, None);
}

#[test]
fn members_may_change_without_compiling_the_list_again() {
    let rules = [AclRule { peer: Peer::Set(0), ..rule(3) }];
    let acl = Acl::build(&rules, Effect::Drop);
    let (before, after) = (AddressSets::build([vec![]]), AddressSets::build([vec![Ipv4Addr::new(10, 0, 0, 9)]]));
    assert!(acl.decide(&before, &tcp("10.0.0.9", 80)).effect == Effect::Drop);
    assert!(acl.decide(&after, &tcp("10.0.0.9", 80)).effect == Effect::Accept);
}

#[test]
fn the_nearest_rule_has_most_fields_equal_and_stands_first() {
    let sets = AddressSets::build([vec![Ipv4Addr::new(10, 0, 0, 9)]]);
    let far = AclRule {
        protocol: Some(Protocol::UDP),
        destination_ports: ports(53, 53),
        peer: Peer::Prefix("192.168.0.0/16".parse().unwrap()),
        ..rule(1)
    };
    let near =
        AclRule { protocol: Some(Protocol::TCP), destination_ports: ports(3306, 3306), peer: Peer::Set(0), ..rule(2) };
    let as_near = AclRule { id: 3, destination_ports: ports(443, 443), ..near };
    let query = tcp("10.0.0.9", 22);
    assert_eq!(nearest(&[far, near, as_near], &sets, &query), Some((2, vec![Field::DestinationPort])));
    assert_eq!(nearest(&[far, as_near, near], &sets, &query), Some((3, vec![Field::DestinationPort])));
    assert_eq!(nearest(&[far], &sets, &query), Some((1, vec![Field::Protocol, Field::DestinationPort, Field::Peer])));
}

#[test]
fn every_field_that_differs_is_named_and_a_match_names_none() {
    let sets = AddressSets::default();
    let strict = AclRule {
        protocol: Some(Protocol::TCP),
        source_ports: ports(1, 1023),
        destination_ports: ports(80, 80),
        peer: Peer::Set(0),
        own: Some("10.9.0.0/16".parse().unwrap()),
        ..rule(5)
    };
    let icmp = Query { protocol: Protocol::ICMP, source_port: 80, ..tcp("10.0.0.9", 80) };
    assert_eq!(nearest(&[strict], &sets, &icmp), Some((5, Field::ALL.to_vec())));
    let own_and_peer = Query { source_port: 1023, ..tcp("10.0.0.9", 80) };
    assert_eq!(nearest(&[strict], &sets, &own_and_peer), Some((5, vec![Field::Peer, Field::Own])));
    assert_eq!(nearest(&[strict, rule(6)], &sets, &icmp), Some((6, vec![])));
}

#[test]
fn a_selection_of_the_rules_can_be_searched_for_the_nearest() {
    let sets = AddressSets::default();
    let rules = [AclRule { effect: Effect::Drop, ..rule(1) }, AclRule { destination_ports: ports(80, 80), ..rule(2) }];
    let accepting = rules.iter().filter(|rule| rule.effect == Effect::Accept);
    assert_eq!(nearest(accepting, &sets, &tcp("10.0.0.9", 22)), Some((2, vec![Field::DestinationPort])));
}

#[test]
fn an_address_in_more_sets_than_are_looked_at_together_meets_the_first_rule_of_all() {
    let member = Ipv4Addr::new(10, 0, 0, 9);
    let sets = AddressSets::build(vec![vec![member]; 40]);
    let all: Vec<AclRule> = (0..40).map(|set| AclRule { peer: Peer::Set(39 - set), ..rule(set as u32) }).collect();
    // The first rule of all names the last set; without it, the next one does.
    assert_eq!(decide(&all, &sets, &tcp("10.0.0.9", 80)).rule, Some(0));
    assert_eq!(decide(&all[1..], &sets, &tcp("10.0.0.9", 80)).rule, Some(1));
    assert_eq!(decide(&all, &sets, &tcp("10.0.0.8", 80)).rule, None);
}

#[test]
fn a_list_longer_than_a_block_asks_the_blocks_in_order() {
    let sets = AddressSets::default();
    let count = RuleBlock::RULES as u32 * 2 + 5;
    let of_port = |id: u32| {
        let port = (id % 5_000) as u16 + 1;
        AclRule { protocol: Some(Protocol::TCP), destination_ports: ports(port, port), ..rule(id) }
    };
    let rules: Vec<AclRule> = (0..count).map(of_port).collect();
    let acl = Acl::build(&rules, Effect::Drop);
    for (port, first) in [(1, Some(0)), (4_096, Some(4_095)), (4_097, Some(4_096)), (5_000, Some(4_999)), (5_001, None)]
    {
        assert_eq!(acl.decide(&sets, &tcp("10.0.0.9", port)).rule, first, "port {port}");
    }
}

#[test]
fn each_of_a_thousand_narrow_rules_is_found_at_its_edges_and_not_beside_them() {
    let sets = AddressSets::build((0..40_u32).map(|set| [Ipv4Addr::from(0x0a01_0000 + set * 4)]));
    let rules: Vec<AclRule> = (0..1_000)
        .map(|id| {
            let port = 1 + (id / 40) as u16 * 3;
            let peer = match id % 40 {
                place if id % 2 == 0 => Peer::Prefix(Ipv4Net::new((0x0a00_0000 + place * 8).into(), 30).unwrap()),
                place => Peer::Set(place as usize),
            };
            AclRule { protocol: Some(Protocol::TCP), destination_ports: ports(port, port + 1), peer, ..rule(id) }
        })
        .collect();
    let acl = Acl::build(&rules, Effect::Drop);
    for AclRule { id, destination_ports, peer, .. } in rules.iter().copied() {
        let [before, first, last, after] = match peer {
            Peer::Prefix(prefix) => edges(prefix),
            Peer::Set(set) => [-1, 0, 0, 1].map(|step| (0x0a01_0000 + set as u32 * 4).wrapping_add_signed(step)),
        };
        let ask = |peer: u32, port| acl.decide(&sets, &Query { peer: peer.into(), ..tcp("0.0.0.0", port) }).rule;
        let (low, high) = (destination_ports.first(), destination_ports.last());
        assert_eq!(
            [ask(first, low), ask(last, high), ask(before, low), ask(after, high)],
            [Some(id), Some(id), None, None]
        );
    }
}

/// Prefixes that nest and share edges.
fn prefixes() -> impl Strategy<Value = Ipv4Net> {
    let address = prop_oneof![
        Just(0),
        Just(u32::MAX),
        Just(0x0a00_0000),
        Just(0x0a00_00ff),
        Just(0x0a6f_0000),
        0x0a00_0000..0x0a00_0100_u32
    ];
    let length = prop_oneof![Just(0), Just(8), Just(31), Just(32), 0..=32_u8];
    (address, length).prop_map(|(address, length)| Ipv4Net::new(address.into(), length).unwrap())
}

fn port_ranges() -> impl Strategy<Value = PortRange> {
    let port = || prop_oneof![Just(0), Just(1), Just(65_535), Just(80), 78..84_u16];
    prop_oneof![
        Just(PortRange::ALL),
        port().prop_map(|port| ports(port, port)),
        (port(), port()).prop_map(|(a, b)| ports(a.min(b), a.max(b))),
    ]
}

fn protocols() -> impl Strategy<Value = Protocol> {
    prop_oneof![
        4 => Just(Protocol::TCP),
        2 => Just(Protocol::UDP),
        1 => Just(Protocol::ICMP),
        1 => prop::sample::select(vec![0, 5, 7, 16, 18, 255]).prop_map(Protocol),
    ]
}

fn rules() -> impl Strategy<Value = AclRule> {
    let peer = prop_oneof![3 => prefixes().prop_map(Peer::Prefix), 1 => (0..8_usize).prop_map(Peer::Set)];
    let fields = (
        prop::sample::select(vec![Effect::Drop, Effect::Unknown, Effect::Accept]),
        prop::option::weighted(0.8, protocols()),
        prop_oneof![3 => Just(PortRange::ALL), 1 => port_ranges()],
        port_ranges(),
        peer,
        prop::option::weighted(0.3, prefixes()),
    );
    fields.prop_map(|(effect, protocol, source_ports, destination_ports, peer, own)| AclRule {
        effect,
        protocol,
        source_ports,
        destination_ports,
        peer,
        own,
        id: 0,
    })
}

/// Up to `count` rules with doubles, the later a rule the greater its id.
fn lists(count: usize) -> impl Strategy<Value = Vec<AclRule>> {
    prop::collection::vec((rules(), 1..3_usize), 0..=count).prop_map(|rules| {
        let doubled = rules.into_iter().flat_map(|(rule, times)| std::iter::repeat_n(rule, times));
        doubled.zip(100..).map(|(rule, id)| AclRule { id, ..rule }).collect()
    })
}

/// Addresses at the edges of the rules' prefixes and beside them.
fn edges(prefix: Ipv4Net) -> [u32; 4] {
    let (first, last) = (prefix.network().to_bits(), prefix.broadcast().to_bits());
    [first.wrapping_sub(1), first, last, last.wrapping_add(1)]
}

/// A query put together from the edges of the rules that `picks` names, with one field from each.
fn query_at_edges(rules: &[AclRule], picks: [usize; 5], side: usize) -> Query {
    let rule = |pick: usize| rules[picks[pick] % rules.len()];
    let port = |range: PortRange| {
        [range.first().wrapping_sub(1), range.first(), range.last(), range.last().wrapping_add(1)][side % 4]
    };
    let peer = match rule(3).peer {
        Peer::Prefix(prefix) => edges(prefix)[side / 4 % 4],
        Peer::Set(set) => 0x0a00_0000 + (set as u32) * 3 + (side / 4 % 4) as u32,
    };
    Query {
        protocol: rule(0).protocol.unwrap_or(Protocol(side as u8)),
        source_port: port(rule(1).source_ports),
        destination_port: port(rule(2).destination_ports),
        peer: peer.into(),
        own: rule(4).own.map_or(side as u32, |own| edges(own)[side / 16 % 4]).into(),
    }
}

/// Set `n` holds some addresses from `3n` on; number 7 is not there.
fn overlapping_sets() -> AddressSets {
    AddressSets::build((0..7).map(|set| (0..set * 2).map(move |member| Ipv4Addr::from(0x0a00_0000 + set * 3 + member))))
}

fn check(rules: &[AclRule], queries: &[([usize; 5], usize)]) -> Result<(), TestCaseError> {
    let sets = overlapping_sets();
    let built = Acl::build(rules, Effect::Accept);
    for (picks, side) in queries.iter().filter(|_| !rules.is_empty()) {
        // All fields from one rule as well, so that queries hit.
        for picks in [*picks, [picks[0]; 5]] {
            let query = query_at_edges(rules, picks, *side);
            let walked = walk(rules, Effect::Accept, &sets, &query);
            prop_assert_eq!(built.decide(&sets, &query), walked, "{:?}", query);
        }
    }
    Ok(())
}

fn queries(count: usize) -> impl Strategy<Value = Vec<([usize; 5], usize)>> {
    prop::collection::vec((any::<[usize; 5]>(), any::<usize>()), count)
}

proptest! {
    #![proptest_config(crate::test_cases::cases(150))]

    #[test]
    fn short_lists_decide_as_the_walk_does(rules in lists(20), queries in queries(100)) {
        check(&rules, &queries)?;
    }

    #[test]
    fn the_nearest_rule_is_the_deciding_one_where_there_is_one(rules in lists(20), queries in queries(50)) {
        let sets = overlapping_sets();
        for (picks, side) in queries.iter().filter(|_| !rules.is_empty()) {
            let query = query_at_edges(&rules, *picks, *side);
            let (id, fields) = nearest(&rules, &sets, &query).unwrap();
            let decided = walk(&rules, Effect::Accept, &sets, &query).rule;
            prop_assert_eq!(fields.is_empty(), decided.is_some());
            prop_assert!(decided.is_none_or(|decided| decided == id));
        }
    }
}

proptest! {
    #![proptest_config(crate::test_cases::cases(12))]

    #[test]
    fn lists_of_hundreds_of_rules_decide_as_the_walk_does(rules in lists(600), queries in queries(300)) {
        check(&rules, &queries)?;
    }
}

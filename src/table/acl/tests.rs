use std::net::Ipv4Addr;

use super::*;

fn rule(id: u32) -> AclRule {
    AclRule {
        accept: true,
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

/// Asks the walk and the compiled list, which must agree.
fn decide(rules: &[AclRule], sets: &AddressSets, query: &Query) -> Decision {
    let walked = walk(rules, false, sets, query);
    assert_eq!(Acl::build(rules, false).decide(sets, query), walked);
    walked
}

#[test]
fn an_empty_list_answers_its_default() {
    let sets = AddressSets::default();
    let query = tcp("10.0.0.9", 80);
    assert_eq!(Acl::build(&[], true).decide(&sets, &query), Decision { accept: true, rule: None });
    assert_eq!(Acl::build(&[], false).decide(&sets, &query), Decision { accept: false, rule: None });
    assert_eq!(nearest(&[], &sets, &query), None);
}

#[test]
fn the_first_of_two_matching_rules_decides() {
    let sets = AddressSets::default();
    let (drop, accept) = (AclRule { accept: false, ..rule(1) }, rule(2));
    let query = tcp("10.0.0.9", 80);
    assert_eq!(decide(&[drop, accept], &sets, &query), Decision { accept: false, rule: Some(1) });
    assert_eq!(decide(&[accept, drop], &sets, &query), Decision { accept: true, rule: Some(2) });
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
    let acl = Acl::build(&[AclRule { peer: Peer::Set(0), ..rule(3) }], false);
    let (before, after) = (AddressSets::build([vec![]]), AddressSets::build([vec![Ipv4Addr::new(10, 0, 0, 9)]]));
    assert!(!acl.decide(&before, &tcp("10.0.0.9", 80)).accept);
    assert!(acl.decide(&after, &tcp("10.0.0.9", 80)).accept);
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
    let rules = [AclRule { accept: false, ..rule(1) }, AclRule { destination_ports: ports(80, 80), ..rule(2) }];
    let accepting = rules.iter().filter(|rule| rule.accept);
    assert_eq!(nearest(accepting, &sets, &tcp("10.0.0.9", 22)), Some((2, vec![Field::DestinationPort])));
}

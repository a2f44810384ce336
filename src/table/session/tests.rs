use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

const A: End = End { domain: 1, address: 0x0a2d_020a, port: 40000 };
const B: End = End { domain: 2, address: 0xac10_0114, port: 3306 };

fn session(last_used: u64) -> Session {
    Session {
        last_used: SimTime::from_nanos(last_used),
        epoch: 1,
        opener: 3,
        opened: Direction::Forth,
        phase: Phase::Stateless,
    }
}

fn flags(syn: bool, ack: bool, closes: bool) -> Flags {
    Flags { syn, ack, closes }
}

const SYN: Flags = Flags { syn: true, ack: false, closes: false };
const SYN_ACK: Flags = Flags { syn: true, ack: true, closes: false };
const ACK: Flags = Flags { syn: false, ack: true, closes: false };
const FIN: Flags = Flags { syn: false, ack: true, closes: true };

#[test]
fn a_slot_fills_one_cache_line() {
    assert_eq!(size_of::<Option<Slot>>(), 64);
    assert_eq!(align_of::<Option<Slot>>(), 64);
}

#[test]
fn both_directions_of_a_flow_share_a_key_and_another_domain_does_not() {
    let (forth, way) = FlowKey::new(Protocol::TCP, A, B);
    let (back, way_back) = FlowKey::new(Protocol::TCP, B, A);
    assert_eq!(forth, back);
    assert_ne!(way, way_back);
    assert_eq!(forth.ends(way), (A, B));
    assert_eq!(back.ends(way_back), (B, A));
    let elsewhere = End { domain: 3, ..B };
    assert_ne!(FlowKey::new(Protocol::TCP, A, elsewhere).0, forth);
    assert_ne!(FlowKey::new(Protocol::UDP, A, B).0, forth);
}

#[test]
fn an_echo_reply_has_the_key_of_its_request_and_a_request_the_other_way_its_own() {
    let (request, way) = FlowKey::icmp(8, 7, A, B);
    assert_eq!(FlowKey::icmp(0, 7, B, A), (request, Direction::Back));
    assert_eq!(way, Direction::Forth);
    assert_ne!(FlowKey::icmp(8, 7, B, A).0, request);
    assert_ne!(FlowKey::icmp(0, 8, B, A).0, request);
    assert_ne!(FlowKey::icmp(14, 7, B, A).0, request);
}

#[test]
fn icmp_that_asks_nothing_is_one_flow_both_ways_whatever_its_identifier() {
    assert_eq!(FlowKey::icmp(9, 1, A, B).0, FlowKey::icmp(9, 2, B, A).0);
    assert_ne!(FlowKey::icmp(9, 1, A, B).0, FlowKey::icmp(10, 1, A, B).0);
}

#[test]
fn a_session_is_alive_to_its_timeout_and_not_a_nanosecond_longer() {
    let timeout = SimDuration::from_nanos(10);
    assert!(session(5).is_alive(SimTime::from_nanos(15), timeout));
    assert!(!session(5).is_alive(SimTime::from_nanos(16), timeout));
    assert!(session(5).is_alive(SimTime::ZERO, timeout), "a clock that ran backwards counts as no time");
}

#[test]
fn the_opener_s_ack_after_the_other_side_s_syn_ack_establishes() {
    let answered = Phase::first(SYN).next(SYN_ACK, false);
    assert_eq!(answered.next(ACK, true), Phase::Established);
    assert_eq!(answered.next(ACK, false), answered, "the other side's ACK does not");
    assert_eq!(Phase::first(SYN).next(ACK, true), Phase::first(SYN), "nor does an ACK that nothing preceded");
    assert_eq!(Phase::first(SYN).next(SYN_ACK, true).next(ACK, true), Phase::first(SYN), "nor one's own SYN+ACK");
}

#[test]
fn when_both_open_at_once_either_handshake_establishes() {
    let crossed = Phase::first(SYN).next(SYN, false);
    assert_eq!(crossed.next(SYN_ACK, false).next(ACK, true), Phase::Established);
    assert_eq!(crossed.next(SYN_ACK, true).next(ACK, false), Phase::Established);
    assert_ne!(crossed.next(SYN_ACK, true).next(ACK, true), Phase::Established);
}

#[test]
fn a_flow_met_in_the_middle_is_established_and_one_that_begins_with_syn_ack_never_is() {
    assert_eq!(Phase::first(ACK), Phase::Established);
    assert_eq!(Phase::first(flags(false, false, false)), Phase::Established);
    let one_sided = Phase::first(SYN_ACK);
    assert_eq!(one_sided.next(SYN, false).next(SYN_ACK, true).next(ACK, false), one_sided);
}

#[test]
fn fin_or_rst_closes_for_good() {
    for phase in [Phase::first(SYN), Phase::Established, Phase::OneSided] {
        let closing = phase.next(FIN, false);
        assert_eq!(closing, Phase::Closing);
        assert_eq!(closing.next(ACK, true).next(SYN_ACK, false), Phase::Closing);
    }
    assert_eq!(Phase::first(FIN), Phase::Closing);
    assert_eq!(Phase::Stateless.next(FIN, true), Phase::Stateless);
}

#[test]
fn dead_sessions_make_room_before_the_table_grows() {
    let mut sessions = Sessions::default();
    for port in 0..10_000 {
        let (key, _) = FlowKey::new(Protocol::UDP, End { port, ..A }, B);
        let now = u64::from(port);
        if sessions.is_full() {
            sessions.make_room(|_, old| now - old.last_used.as_nanos() > 100);
        }
        sessions.insert(key.hash(), key, session(now));
    }
    assert!(sessions.len() < 500, "{} sessions are kept where about 100 are alive", sessions.len());
}

#[derive(Clone, Debug)]
enum Operation {
    Insert(u16),
    Remove(u16),
}

proptest! {
    /// Few ports and a small table: probe sequences run into each other and around the end.
    #[test]
    fn the_table_holds_what_a_map_holds(
        operations in prop::collection::vec(
            (0_u16..200, any::<bool>()).prop_map(|(port, insert)| if insert { Operation::Insert(port) } else { Operation::Remove(port) }),
            0..600,
        )
    ) {
        let mut sessions = Sessions::default();
        let mut map = BTreeMap::new();
        let key = |port: u16| FlowKey::new(Protocol::TCP, End { port, ..A }, B).0;
        for (now, operation) in operations.iter().enumerate() {
            match *operation {
                Operation::Insert(port) => {
                    let (key, value) = (key(port), session(now as u64));
                    match sessions.find(key.hash(), &key) {
                        Some(place) => *sessions.get_mut(place) = value,
                        None => sessions.insert(key.hash(), key, value),
                    }
                    map.insert(port, value);
                }
                Operation::Remove(port) => {
                    let key = key(port);
                    if let Some(place) = sessions.find(key.hash(), &key) {
                        sessions.remove(place);
                    }
                    map.remove(&port);
                }
            }
            prop_assert_eq!(sessions.len(), map.len());
        }
        for port in 0..200 {
            let key = key(port);
            sessions.prefetch(key.hash());
            let found = sessions.find(key.hash(), &key).map(|place| *sessions.get(place));
            prop_assert_eq!(found, map.get(&port).copied());
        }
    }
}

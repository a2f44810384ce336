use super::*;
use crate::net::Protocol;
use proptest::prelude::*;
use std::collections::BTreeMap;

const A: FlowEnd = FlowEnd { domain: 1, address: 0x0a2d_020a, port: 40000 };
const B: FlowEnd = FlowEnd { domain: 2, address: 0xac10_0114, port: 3306 };

fn session(last_used: u64) -> Session {
    Session {
        last_used: SimTime::from_nanos(last_used),
        epoch: 1,
        note: 5,
        ends: [3, 4],
        macs: [MacAddress::default(); 2],
        state: State::new(Direction::Forth, Phase::Stateless),
        known: [0; 2],
        marks: 0,
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
    assert_eq!(size_of::<Slot>(), 64);
    assert_eq!(align_of::<Slot>(), 64);
}

#[test]
fn both_directions_of_a_flow_share_a_key_and_another_domain_does_not() {
    let (forth, way) = FlowKey::new(Protocol::TCP, A, B);
    let (back, way_back) = FlowKey::new(Protocol::TCP, B, A);
    assert_eq!(forth, back);
    assert_ne!(way, way_back);
    assert_eq!(forth.ends(way), (A, B));
    assert_eq!(back.ends(way_back), (B, A));
    let elsewhere = FlowEnd { domain: 3, ..B };
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
fn flows_that_differ_in_their_domains_alone_have_one_hash_and_stand_apart() {
    let elsewhere = FlowEnd { domain: 3, ..B };
    let (here, there) = (FlowKey::new(Protocol::TCP, A, B).0, FlowKey::new(Protocol::TCP, A, elsewhere).0);
    assert_eq!(here.hash(), there.hash());
    assert_eq!(Tuple::new(Protocol::TCP, (A.address, A.port), (B.address, B.port)).0.hash(), here.hash());
    let mut sessions = Sessions::new(1, 10);
    assert!(sessions.insert(0, here.hash(), here, session(1), forever));
    assert!(sessions.find(0, here.hash(), &there).is_none());
    assert!(sessions.insert(0, here.hash(), there, session(2), forever));
    for (key, last_used) in [(here, 1), (there, 2)] {
        let place = sessions.find(0, key.hash(), &key).expect("it was put in");
        assert_eq!(*sessions.get(place).1, session(last_used));
    }
}

#[test]
fn twice_the_same_end_in_two_domains_is_one_flow_both_ways() {
    let twin = FlowEnd { domain: 2, ..A };
    let ((forth, way), (back, way_back)) = (FlowKey::new(Protocol::UDP, A, twin), FlowKey::new(Protocol::UDP, twin, A));
    assert_eq!(forth, back);
    assert_ne!(way, way_back);
    assert!(Tuple::new(Protocol::UDP, (A.address, A.port), (A.address, A.port)).0.has_equal_ends());
}

fn forever(_: &FlowKey, _: &Session) -> SimTime {
    FOREVER
}

/// Every session lives for 10 s.
fn ten_seconds(_: &FlowKey, session: &Session) -> SimTime {
    session.last_used + SimDuration::from_secs(10)
}

fn key(port: u16) -> FlowKey {
    FlowKey::new(Protocol::UDP, FlowEnd { port, ..A }, B).0
}

fn at(seconds: u64) -> Session {
    session(seconds * 1_000_000_000)
}

fn insert(sessions: &mut Sessions, port: u16, seconds: u64) -> bool {
    sessions.insert(0, key(port).hash(), key(port), at(seconds), ten_seconds)
}

fn holds(sessions: &Sessions, port: u16) -> bool {
    sessions.find(0, key(port).hash(), &key(port)).is_some()
}

#[test]
fn the_dead_make_room_before_a_shard_grows_and_the_living_stay() {
    let mut sessions = Sessions::new(1, usize::MAX);
    for port in 0..60_000 {
        assert!(insert(&mut sessions, port, u64::from(port)));
    }
    assert!(sessions.len() < 2_000, "{} sessions are kept where 10 are alive and 70 not dead for long", sessions.len());
    assert!((59_930..60_000).all(|port| holds(&sessions, port)));
}

#[test]
fn one_stamp_far_ahead_takes_no_session_with_it() {
    let mut sessions = Sessions::new(1, usize::MAX);
    for port in 0..60_000 {
        let far_ahead = u64::from(port % 50 == 0) * 1_000_000;
        assert!(insert(&mut sessions, port, far_ahead));
    }
    assert_eq!(sessions.len(), 60_000);
}

#[test]
fn a_full_shard_refuses_new_flows_until_one_of_its_own_is_dead() {
    let mut sessions = Sessions::new(2, 1_000);
    for port in 0..1_000 {
        assert!(insert(&mut sessions, port, u64::from(port) / 100));
    }
    assert!(!insert(&mut sessions, 1_000, 10), "the oldest is 10 s old, and alive");
    assert!(!holds(&sessions, 1_000));
    assert!(sessions.insert(1, key(0).hash(), key(0), at(10), ten_seconds), "another shard has room");
    // Those of the first second die together; a hundred new ones find room, and no more.
    let admitted = (1_000..1_200).filter(|port| insert(&mut sessions, *port, 11)).count();
    assert_eq!((admitted, sessions.len()), (100, 1_001));
    assert!(!(0..100).any(|port| holds(&sessions, port)));
    assert!((100..1_000).all(|port| holds(&sessions, port)), "the living go on");
}

#[test]
fn a_session_that_ends_earlier_than_it_did_makes_room_then() {
    let mut sessions = Sessions::new(1, 100);
    let expiry = |_: &FlowKey, session: &Session| {
        session.last_used + SimDuration::from_secs(if session.epoch == 1 { 900 } else { 10 })
    };
    for port in 0..100 {
        assert!(sessions.insert(0, key(port).hash(), key(port), at(0), expiry));
    }
    let new = |sessions: &mut Sessions| sessions.insert(0, key(500).hash(), key(500), at(20), expiry);
    assert!(!new(&mut sessions));
    let place = sessions.find(0, key(7).hash(), &key(7)).expect("it was put in");
    sessions.get_mut(place).1.epoch = 2;
    sessions.note_end(0, place, at(10).last_used);
    assert!(new(&mut sessions));
    assert!(!holds(&sessions, 7));
}

/// Sessions whose directory cannot tell more flows apart than two segments hold, as if all flows shared most of their
/// hash.
fn crowded(limit: usize) -> Sessions {
    let mut sessions = Sessions::new(1, limit);
    sessions.deepest = 1;
    sessions
}

#[test]
fn flows_made_to_collide_are_all_kept_and_found() {
    let mut sessions = crowded(usize::MAX);
    assert!((0..20_000).all(|port| insert(&mut sessions, port, 0)));
    assert_eq!(sessions.len(), 20_000);
    assert!((0..20_000).all(|port| holds(&sessions, port)));
    assert!(!holds(&sessions, 20_000));
    let visited = |sessions: &Sessions, port: u16| {
        let mut visited = 0;
        sessions.visit(0, key(port).tuple(), |place, found, _| {
            assert_eq!((found, sessions.get(place).0), (&key(port), &key(port)));
            visited += 1;
        });
        visited
    };
    assert!((0..20_000).step_by(97).all(|port| visited(&sessions, port) == 1));
    for port in (0..20_000).rev() {
        let place = sessions.find(0, key(port).hash(), &key(port)).expect("it is still there");
        sessions.remove(0, place);
    }
    assert!(sessions.is_empty());
    // Their places are taken again.
    let memory = sessions.segments.len();
    assert!((20_000..40_000).all(|port| insert(&mut sessions, port, 1_000)));
    assert!((20_000..40_000).all(|port| holds(&sessions, port)));
    assert_eq!(sessions.segments.len(), memory);
}

#[test]
fn one_5_tuple_in_a_thousand_domains_is_a_thousand_flows() {
    let mut sessions = Sessions::new(1, 1_000);
    let flow = |domain: u32| FlowKey::new(Protocol::TCP, FlowEnd { domain, ..A }, FlowEnd { domain, ..B }).0;
    for domain in 0..1_000 {
        assert!(sessions.insert(0, flow(domain).hash(), flow(domain), session(u64::from(domain)), forever), "{domain}");
    }
    assert!(!sessions.insert(0, flow(1_000).hash(), flow(1_000), session(0), forever), "the limit is reached");
    for domain in 0..1_000 {
        let place = sessions.find(0, flow(domain).hash(), &flow(domain)).expect("it was put in");
        assert_eq!(*sessions.get(place).1, session(u64::from(domain)));
    }
    let mut visited = 0;
    sessions.visit(0, flow(0).tuple(), |_, _, _| visited += 1);
    assert_eq!(visited, 1_000);
}

#[test]
fn at_the_limit_those_that_collide_make_room_when_they_are_dead_and_no_earlier() {
    let mut sessions = crowded(1_000);
    assert!((0..1_000).all(|port| insert(&mut sessions, port, u64::from(port) / 500)));
    assert!(!insert(&mut sessions, 1_000, 10), "those of the first second live through their last nanosecond");
    let admitted = (1_000..2_000).filter(|port| insert(&mut sessions, *port, 11)).count();
    assert_eq!((admitted, sessions.len()), (500, 1_000));
    assert!((500..1_500).all(|port| holds(&sessions, port)));
}

#[test]
fn those_that_collide_do_not_pile_up_when_they_are_dead() {
    let mut sessions = crowded(usize::MAX);
    for port in 0..60_000 {
        assert!(insert(&mut sessions, port, u64::from(port)));
    }
    assert!(sessions.len() < 2_000, "{} sessions are kept where 10 are alive and 70 not dead for long", sessions.len());
    assert!((59_930..60_000).all(|port| holds(&sessions, port)));
    let mut far_ahead = crowded(usize::MAX);
    for port in 0..5_000 {
        assert!(insert(&mut far_ahead, port, u64::from(port % 50 == 0) * 1_000_000));
    }
    assert!((0..5_000).filter(|port| port % 50 != 0).all(|port| holds(&far_ahead, port)), "one stamp kills none");
}

#[test]
fn a_session_lives_through_its_last_nanosecond_also_where_its_segment_is_full() {
    let last = SimDuration::from_secs(11).saturating_add(GRACE);
    for (late, kept) in [(0, true), (1, false)] {
        let mut sessions = Sessions::new(1, usize::MAX);
        let full = MAX_FILL as u16;
        // One is a second older than the others, so that the dead are looked for.
        assert!((0..full).all(|port| insert(&mut sessions, port, u64::from(port != 0))));
        assert_eq!(sessions.segments.len(), 2, "one for nothing, and one that is full");
        sessions.segments[1].since = Watermark::default();
        let now = Session { last_used: SimTime::ZERO + last + SimDuration::from_nanos(late), ..session(0) };
        assert!(sessions.insert(0, key(full).hash(), key(full), now, ten_seconds));
        assert!(!holds(&sessions, 0));
        assert_eq!(
            (1..full).map(|port| holds(&sessions, port)).collect::<Vec<_>>(),
            vec![kept; MAX_FILL - 1],
            "{late} ns late"
        );
        assert!(holds(&sessions, full));
    }
}

#[test]
fn a_shard_of_the_default_limit_takes_all_of_it() {
    let mut sessions = Sessions::new(1, 262_144);
    let flow = |number: u32| {
        FlowKey::new(Protocol::TCP, FlowEnd { port: number as u16, ..A }, FlowEnd { port: (number >> 16) as u16, ..B })
            .0
    };
    assert!((0..262_144).all(|number| sessions.insert(0, flow(number).hash(), flow(number), session(0), forever)));
    assert!(!sessions.insert(0, flow(262_144).hash(), flow(262_144), session(0), forever));
    assert!(sessions.shards[0].overflow.is_none(), "by chance none has to go there");
}

#[test]
fn a_key_of_one_end_is_told_from_that_of_a_pair_and_gives_back_its_parts() {
    let (pair, _) = FlowKey::new(Protocol::TCP, A, B);
    assert_eq!((pair.is_of_end(), pair.end()), (false, None));
    let mut keys = std::collections::HashSet::from([format!("{pair:?}")]);
    for side in [0, 1] {
        for end in [0, 7, (1 << 30) - 1] {
            for other in [None, Some(0), Some(3)] {
                let end = EndKey { side, end, other };
                let key = FlowKey::of_end(*pair.tuple(), end);
                assert_eq!((key.is_of_end(), key.end()), (true, Some(end)));
                assert_eq!(key.hash(), pair.hash());
                assert!(keys.insert(format!("{key:?}")), "{end:?}");
            }
        }
    }
}

#[test]
fn two_halves_count_as_one_session() {
    let mut sessions = Sessions::new(1, 2);
    let of_end = |side: usize| FlowKey::of_end(*key(1).tuple(), EndKey { side, end: 1, other: None });
    let half = Session { marks: Session::HALF, ..session(0) };
    assert!(!sessions.has_keys_of_ends(0));
    for side in [0, 1] {
        assert!(sessions.make_room(0, 1, SimTime::ZERO, forever));
        sessions.add(0, of_end(side), half, forever);
    }
    assert_eq!((sessions.len(), sessions.has_keys_of_ends(0)), (1, true));
    assert!(insert(&mut sessions, 2, 0));
    assert!(!sessions.make_room(0, 1, SimTime::ZERO, forever));
    for side in [0, 1] {
        let place = sessions.find(0, of_end(side).hash(), &of_end(side)).expect("it was put in");
        sessions.remove(0, place);
    }
    assert_eq!((sessions.len(), sessions.has_keys_of_ends(0)), (1, false));
}

#[test]
fn many_flows_in_many_shards_are_all_found_and_removed_one_by_one() {
    let mut sessions = Sessions::new(4, usize::MAX);
    let all = || (0..50_000_u16).map(|port| (usize::from(port % 4), key(port)));
    for (shard, key) in all() {
        assert!(sessions.insert(shard, key.hash(), key, session(key.hash() >> 1), forever));
    }
    for (shard, key) in all() {
        let place = sessions.find(shard, key.hash(), &key).expect("it was put in");
        assert_eq!(*sessions.get(place).1, session(key.hash() >> 1));
    }
    assert_eq!(sessions.len(), 50_000);
    for (shard, key) in all() {
        let place = sessions.find(shard, key.hash(), &key).expect("it is still there");
        sessions.remove(shard, place);
        assert!(sessions.find(shard, key.hash(), &key).is_none());
    }
    assert!(sessions.is_empty());
}

/// Flows that are first looked for in group `group` of a segment.
fn keys_of_group(group: usize) -> impl Iterator<Item = FlowKey> {
    (0..60_000).map(key).filter(move |key| home(key.hash()) == group)
}

#[test]
fn those_that_a_full_group_sent_on_are_found_whichever_is_removed_before_them() {
    // Of one group 40, which fill it, the next and half of the one after that, round the end of the segment; among
    // them 20 of the next group.
    let keys: Vec<FlowKey> = keys_of_group(7).take(40).chain(keys_of_group(0).take(20)).collect();
    for step in [1, 7, 11, 13, 59] {
        let order = |number: usize| &keys[number * step % keys.len()];
        let mut sessions = Sessions::new(1, usize::MAX);
        for number in 0..keys.len() {
            let key = order(number);
            assert!(sessions.insert(0, key.hash(), *key, session(number as u64), forever));
        }
        for number in 0..keys.len() {
            let key = order(number * 7);
            let place = sessions.find(0, key.hash(), key).expect("it is still there");
            sessions.remove(0, place);
            let left = keys.iter().filter(|key| sessions.find(0, key.hash(), key).is_some()).count();
            assert_eq!(left, keys.len() - number - 1, "step {step}, after {number} more");
        }
    }
}

#[test]
fn a_guess_is_where_a_flow_stands_or_will_stand() {
    let mut sessions = Sessions::new(1, usize::MAX);
    assert!(insert(&mut sessions, 0, 0));
    // Flows that share a tag may be taken for each other.
    let mut tags = std::collections::HashSet::from([tag(key(0).hash())]);
    for key in keys_of_group(3).filter(|key| tags.insert(tag(key.hash()))).take(15) {
        let guess = |sessions: &Sessions| sessions.guess(sessions.home(0, key.hash()), key.hash());
        let before = guess(&sessions);
        assert!(sessions.get(before).0.tuple().is_none());
        assert!(sessions.insert(0, key.hash(), key, session(1), forever));
        assert_eq!((sessions.get(before).0, sessions.get(guess(&sessions)).0), (&key, &key));
    }
}

#[derive(Clone, Debug)]
enum Operation {
    Insert(u16),
    Remove(u16),
}

proptest! {
    /// Segments fill up, are parted, leave flows to the overflow, and close the gaps that removals leave.
    #[test]
    fn the_table_holds_what_a_map_holds(
        operations in prop::collection::vec(
            (0_u16..400, prop::bool::weighted(0.7))
                .prop_map(|(port, insert)| if insert { Operation::Insert(port) } else { Operation::Remove(port) }),
            0..1_200,
        ),
        deepest in 0_u32..4,
    ) {
        let mut sessions = Sessions::new(1, 300);
        sessions.deepest = deepest;
        let mut map = BTreeMap::new();
        for (now, operation) in operations.iter().enumerate() {
            match *operation {
                Operation::Insert(port) => {
                    let (key, value) = (key(port), session(now as u64));
                    match sessions.find(0, key.hash(), &key) {
                        Some(place) => *sessions.get_mut(place).1 = value,
                        None => prop_assert_eq!(sessions.insert(0, key.hash(), key, value, forever), map.len() < 300),
                    }
                    if map.len() < 300 || map.contains_key(&port) {
                        map.insert(port, value);
                    }
                }
                Operation::Remove(port) => {
                    let key = key(port);
                    if let Some(place) = sessions.find(0, key.hash(), &key) {
                        sessions.remove(0, place);
                    }
                    map.remove(&port);
                }
            }
            prop_assert_eq!(sessions.len(), map.len());
        }
        for port in 0..400 {
            let key = key(port);
            let found = sessions.find(0, key.hash(), &key).map(|place| *sessions.get(place).1);
            prop_assert_eq!(found, map.get(&port).copied());
        }
    }
}

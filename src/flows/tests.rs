use super::pack::{pack, unpack};
use super::table::{CLOSED_LEAVE_FROM, CLOSED_STAY};
use super::{CountedFrame, Gatherer, PER_SHARD};
use crate::datapath::{
    Blocker, DropLocation, Entry, Fabric, Frame, MatchedRule, NotKnown, Options, Output, Steering, Verdict,
};
use crate::diag::Reason;
use crate::lab::Topology;
use crate::net::Protocol;
use crate::program::{AclId, DomainId, EndpointId, RouteId, RuleId, WhitelistId};
use crate::report::{Connection, ConnectionEnd, ConnectionFate, ConnectionTotals, FirstRefusal};
use crate::table::Random;
use crate::time::{SimDuration, SimTime};
use crate::wire::PacketBuilder;
use crate::wire::build::{icmp, icmp_echo, icmp_echo_reply, tcp, udp};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// A connection whose fields follow from its number, each verdict, place and decider in turn.
fn some_connection(number: u64) -> Connection {
    let mut random = Random::new(number);
    let mut next = || u64::from(random.next()) << 32 | u64::from(random.next());
    let id = |word: u64| (word >> 33) as u32;
    let at = |word: u64| match word % 3 {
        0 => DropLocation::Outside,
        1 => DropLocation::Endpoint(EndpointId(id(word))),
        _ => DropLocation::Domain(DomainId(id(word))),
    };
    let reason = |word: u64| Reason::ALL[(word >> 8) as usize % Reason::ALL.len()];
    let decider = |word: u64| match word % 6 {
        0 => MatchedRule::None,
        1 => MatchedRule::Session,
        2 => MatchedRule::Rule(RuleId(id(word))),
        3 => MatchedRule::GroupDefault(AclId(id(word))),
        4 => MatchedRule::Whitelist(WhitelistId(id(word))),
        _ => MatchedRule::Route(RouteId(id(word))),
    };
    let verdict = |word: u64| match word % 6 {
        0 => Verdict::Delivered { to: EndpointId(id(word)) },
        1 => Verdict::Answered,
        2 => Verdict::Outside,
        3 => Verdict::Undetermined(NotKnown::Bytes),
        4 => Verdict::Undetermined(NotKnown::Configuration { at: at(word >> 3) }),
        _ => Verdict::Dropped { reason: reason(word), at: at(word >> 3) },
    };
    let endpoint = |word: u64| (!word.is_multiple_of(3)).then_some(EndpointId(id(word)));
    let end = |word: u64, other: u64| ConnectionEnd {
        endpoint: endpoint(word),
        address: Ipv4Addr::from(other as u32),
        port: (other >> 32) as u16,
    };
    Connection {
        number,
        protocol: Protocol(next() as u8),
        opener: end(next(), next()),
        responder: end(next(), next()),
        frames: [next(), next()],
        bytes: [next(), next()],
        delivered: [next(), next()],
        first: SimTime::from_nanos(next()),
        last: SimTime::from_nanos(next()),
        verdict: verdict(next()),
        decider: decider(next()),
        refusal: (next() % 2 == 0).then(|| FirstRefusal {
            frame: 1 + next() % 1_000_000,
            is_of_responder: next() % 2 == 0,
            blocker: Blocker { reason: reason(next()), at: at(next()), decider: decider(next()) },
            frames: next(),
        }),
        followed: next(),
        other_drops: next(),
        undetermined: next(),
        outside: next(),
        misdelivered: next(),
        misdelivered_to: endpoint(next()),
    }
}

#[test]
fn a_connection_that_was_packed_comes_back() {
    for number in 1..5_000 {
        let connection = some_connection(number);
        assert_eq!(unpack(&pack(&connection)), connection);
    }
}

/// Two instances, one of which lets the other in at port 8080 alone.
const WORLD: &str = r#"
    [vpc.shop]
    cidr = "172.16.0.0/12"
    [vswitch.vsw]
    vpc = "shop"
    cidr = "172.16.0.0/20"
    [security_group.sg]
    vpc = "shop"
    intra_group = "drop"
    ingress = [{ protocol = "tcp", port_range = "8080", source = "172.16.0.1" }, { protocol = "icmp", source = "172.16.0.1" }]
    [instance.one]
    vswitch = "vsw"
    private_ip = "172.16.0.1"
    security_groups = ["sg"]
    [instance.other]
    vswitch = "vsw"
    private_ip = "172.16.0.2"
    security_groups = ["sg"]
"#;

/// The connections of `packets`, one a second, and what they come to.
fn gathered(packets: &[PacketBuilder]) -> (Vec<Connection>, ConnectionTotals) {
    let frames = (1..).zip(packets).map(|(second, packet)| (packet, packet.build().len() as u32, second));
    gathered_frames(frames)
}

/// The connections of packets, each with its bytes on the wire and the second of its stamp: gathered frame by frame from
/// their bytes, and in bursts from what was parsed, which must come to the same.
fn gathered_frames<'a>(
    packets: impl Iterator<Item = (&'a PacketBuilder, u32, u64)>,
) -> (Vec<Connection>, ConnectionTotals) {
    const BURST: usize = 50;
    let topology = Topology::from_toml("world.toml", WORLD).unwrap();
    let [mut single, mut burst] = [(), ()].map(|()| {
        let fabric = Fabric::new(Arc::clone(&topology.program), Options::default());
        (fabric, Output::default(), Gatherer::new(true))
    });
    let mut steering = Steering::default();
    let packets: Vec<(Vec<u8>, u32, u64)> =
        packets.map(|(packet, wire_length, second)| (packet.build(), wire_length, second)).collect();
    let frames = packets.iter().map(|(bytes, wire_length, second)| {
        let time = SimTime::ZERO + SimDuration::from_secs(*second);
        let shard = steering.shard(&topology.program, bytes, *wire_length as usize, Entry::BySource, time);
        Frame { bytes, wire_length: *wire_length, time, entry: Entry::BySource, shard }
    });
    let frames: Vec<Frame<'_>> = frames.collect();
    for (number, frame) in (1..).zip(&frames) {
        let (fabric, output, gatherer) = &mut single;
        fabric.process(&[*frame], output);
        gatherer.add(number, frame, &output.outcomes[0]);
    }
    for (first, frames) in (1..).step_by(BURST).zip(frames.chunks(BURST)) {
        let (fabric, output, gatherer) = &mut burst;
        fabric.process(frames, output);
        let known = fabric.parsed().iter().zip(&output.outcomes);
        gatherer.add_burst((first..).zip(frames.iter().zip(known)).map(|(number, (frame, (parsed, outcome)))| {
            CountedFrame { number, frame, parsed: parsed.as_ref(), outcome }
        }));
    }
    let [single, burst] = [single, burst].map(|(_, _, gatherer)| {
        let mut gathered = Gatherer::finish(vec![gatherer]).unwrap();
        let all: Vec<Connection> = gathered.in_order().unwrap().map(Result::unwrap).collect();
        (all, gathered.totals)
    });
    assert_eq!(single, burst);
    single
}

fn forth(port: u16) -> PacketBuilder {
    tcp(&format!("172.16.0.1:40000 > 172.16.0.2:{port}"))
}

fn back(port: u16) -> PacketBuilder {
    tcp(&format!("172.16.0.2:{port} > 172.16.0.1:40000"))
}

#[test]
fn both_directions_are_one_connection_of_the_end_that_opened_it() {
    let (all, totals) = gathered(&[forth(8080).syn(), back(8080).syn_ack(), forth(8080).ack(), forth(8080).push()]);
    let [connection] = &all[..] else { panic!("{all:?}") };
    assert_eq!((connection.number, connection.fate()), (1, ConnectionFate::TwoWay));
    assert_eq!((connection.opener.port, connection.responder.port), (40_000, 8080));
    assert_eq!((connection.frames, connection.bytes, connection.delivered), ([3, 1], [162, 54], [3, 1]));
    assert_eq!(connection.last.since(connection.first), SimDuration::from_secs(3));
    assert_eq!((totals.connections(), totals.frames, totals.beside), (1, 4, 0));
}

#[test]
fn bytes_beyond_32_bits_and_stamps_that_run_backwards_are_counted_whole() {
    let (syn, accepted, ack) = (forth(8080).syn(), back(8080).syn_ack(), forth(8080).ack());
    let long = u32::MAX - 7;
    let frames = [(&syn, 54, 9), (&accepted, long, 4), (&ack, long, 7), (&ack, long, 12), (&ack, long, 5)];
    let (all, totals) = gathered_frames(frames.into_iter());
    let [connection] = &all[..] else { panic!("{all:?}") };
    assert_eq!((connection.frames, connection.delivered), ([4, 1], [4, 1]));
    assert_eq!(connection.bytes, [54 + 3 * u64::from(long), long.into()]);
    assert_eq!(connection.first, SimTime::ZERO + SimDuration::from_secs(4));
    assert_eq!(connection.last, SimTime::ZERO + SimDuration::from_secs(12));
    assert_eq!((connection.fate(), totals.frames), (ConnectionFate::TwoWay, 5));
}

#[test]
fn what_is_seen_from_its_answer_on_was_opened_by_the_other_end() {
    let (all, _) = gathered(&[back(8080).syn_ack(), forth(8080).ack()]);
    let [connection] = &all[..] else { panic!("{all:?}") };
    assert_eq!((connection.opener.port, connection.frames), (40_000, [1, 1]));
    let (all, _) =
        gathered(&[icmp_echo_reply("172.16.0.2 > 172.16.0.1", 7, 1), icmp_echo("172.16.0.1 > 172.16.0.2", 7, 2)]);
    let [connection] = &all[..] else { panic!("{all:?}") };
    assert_eq!((connection.opener.address, connection.frames), ([172, 16, 0, 1].into(), [1, 1]));
    assert_eq!((connection.opener.port, connection.responder.port), (7, 8), "identifier and type");
    // A query the other way is a connection of its own, and a plain segment opens one.
    let (all, _) = gathered(&[icmp_echo("172.16.0.1 > 172.16.0.2", 7, 1), icmp_echo("172.16.0.2 > 172.16.0.1", 7, 1)]);
    assert_eq!(all.len(), 2);
    let (all, _) = gathered(&[back(8080).push(), forth(8080).ack()]);
    assert_eq!(all[0].opener.port, 8080);
}

#[test]
fn a_syn_behind_an_end_begins_another_connection_and_one_without_it_does_not() {
    let (all, _) = gathered(&[forth(8080).syn(), forth(8080).rst(), forth(8080).syn(), back(8080).syn_ack()]);
    assert_eq!(all.iter().map(|one| (one.number, one.frames)).collect::<Vec<_>>(), [(1, [2, 0]), (3, [1, 1])]);
    let (all, _) = gathered(&[forth(8080).syn(), forth(8080).syn(), back(8080).syn_ack()]);
    assert_eq!(all.iter().map(|one| (one.number, one.frames)).collect::<Vec<_>>(), [(1, [2, 1])]);
    // Segments that come late are still of the one that ended.
    let (all, _) = gathered(&[forth(8080).syn(), forth(8080).fin(), back(8080).ack(), forth(8080).ack()]);
    assert_eq!(all.len(), 1);
}

#[test]
fn drops_that_follow_are_told_from_their_cause_and_from_other_causes() {
    let too_long = || forth(22).payload(&[0; 1600]);
    let (all, totals) = gathered(&[
        forth(22).syn(),
        forth(22).syn(),
        // It was answered in truth; here its groups refuse the answer, since there is no session.
        back(22).syn_ack(),
        forth(22).ack(),
        too_long(),
    ]);
    let [connection] = &all[..] else { panic!("{all:?}") };
    let refusal = connection.refusal.unwrap();
    assert_eq!((refusal.blocker.reason, refusal.frame, refusal.frames), (Reason::SgIngressDeny, 1, 3));
    assert_eq!((connection.followed, connection.other_drops), (1, 1));
    assert_eq!(connection.fate(), ConnectionFate::Refused);
    assert_eq!((totals.first_drops, totals.followed, totals.other_drops), (3, 1, 1));
    // Where the first frame made a session, a drop has causes of its own.
    let (all, _) = gathered(&[forth(8080).syn(), forth(8080).payload(&[0; 1600]), back(8081).syn_ack()]);
    assert_eq!((all[0].fate(), all[0].followed, all[1].refusal.unwrap().frames), (ConnectionFate::Broken, 0, 1));
}

#[test]
fn what_is_of_no_connection_is_counted_beside() {
    let (all, totals) = gathered(&[
        udp("172.16.0.1:1 > 172.16.0.2:2").fragment(0, true).payload(&[0; 16]),
        udp("172.16.0.1:1 > 172.16.0.2:2").fragment(24, false).payload(&[0; 16]),
        icmp("172.16.0.1 > 172.16.0.2", 3, 1),
        crate::wire::build::arp_request("172.16.0.1 > 172.16.0.2"),
    ]);
    assert_eq!((all.len(), totals.frames, totals.beside), (1, 1, 3));
}

#[test]
fn connections_that_were_closed_long_ago_make_room_and_no_others_do() {
    let from = |port: u16| tcp(&format!("172.16.0.1:{port} > 172.16.0.2:8080"));
    let many = CLOSED_LEAVE_FROM as u16;
    for (is_closed, stay, told) in [(true, CLOSED_STAY, 2), (true, 0, 1), (false, CLOSED_STAY, 1)] {
        let mut packets: Vec<PacketBuilder> = (1..=many).map(|port| from(port).syn()).collect();
        if is_closed {
            packets.extend((1..=many).map(|port| from(port).rst()));
        }
        packets.extend((0..stay).map(|_| crate::wire::build::arp_request("172.16.0.1 > 172.16.0.2")));
        packets.push(from(many + 1).syn());
        packets.extend((1..=8).map(|port| from(port).ack()));
        let (all, totals) = gathered(&packets);
        let beyond = all.len() - usize::from(many) - 1;
        assert_eq!((beyond, totals.ended_early), (told - 1, 0), "closed: {is_closed}, {stay} frames later");
    }
}

#[test]
fn more_connections_at_one_time_than_are_remembered_are_ended_early_and_lose_no_frame() {
    let more = 300;
    let count = PER_SHARD as u16 + more;
    let syn = |port: u16| tcp(&format!("172.16.0.1:{port} > 172.16.0.2:8080")).syn();
    let mut packets: Vec<PacketBuilder> = (1..=count).map(syn).collect();
    // The last one is remembered, and some of all the others are told again.
    packets.extend([count].into_iter().chain(1..count).map(syn));
    let (all, totals) = gathered(&packets);
    assert_eq!(totals.frames, 2 * u64::from(count));
    let (ended_early, connections) = (totals.ended_early, totals.connections());
    assert_eq!(connections, PER_SHARD as u64 + ended_early);
    assert!(ended_early > u64::from(more), "{ended_early}");
    let frames_of =
        |port| all.iter().filter(|one| one.opener.port == port).map(|one| one.frames[0]).collect::<Vec<_>>();
    assert_eq!(frames_of(count), [2]);
    assert!(all.len() > usize::from(count));
    assert!(all.is_sorted_by_key(|one| one.number));
}

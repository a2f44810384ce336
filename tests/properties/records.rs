//! A slow oracle of what each end keeps: a list of records for each endpoint, straight from the rulings, against the
//! fabric, in worlds whose legs lead over forwarding instances and whose groups open and close.

use biplane::compile::compile;
use biplane::datapath::{Entry, Fabric, Frame, Options, Outcome, Output, Steering, Verdict};
use biplane::diag::Reason;
use biplane::lab::Topology;
use biplane::net::Protocol;
use biplane::program::{DomainId, EndpointId, Epoch, Program};
use biplane::table::session::{Flags, Phase};
use biplane::time::{SimDuration, SimTime};
use biplane::wire::build::{PacketBuilder, icmp_error, tcp, udp};
use biplane::wire::{IcmpError, TcpFlags};
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::HashMap;
use std::fmt::Write;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Instances with their VPC, vSwitch and address. `f` and `g` forward.
const INSTANCES: [(&str, &str, [u8; 4]); 5] = [
    ("v", "a", [172, 16, 1, 10]),
    ("t", "a", [172, 16, 1, 11]),
    ("f", "a-f", [172, 16, 2, 5]),
    ("w", "b", [172, 24, 1, 20]),
    ("g", "b", [172, 24, 1, 21]),
];

const V: Ipv4Addr = Ipv4Addr::new(172, 16, 1, 10);
const F: Ipv4Addr = Ipv4Addr::new(172, 16, 2, 5);
const W: Ipv4Addr = Ipv4Addr::new(172, 24, 1, 20);
const X: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 5);

/// Which endpoint sends, from which address, to which.
const WAYS: [(&str, Ipv4Addr, Ipv4Addr); 17] = [
    ("v", V, X),
    ("f", V, X),
    ("gw", X, V),
    ("f", X, V),
    ("v", W, V),
    ("v", V, W),
    ("f", V, W),
    ("w", W, V),
    ("f", W, V),
    ("g", W, V),
    ("gw", W, V),
    ("v", V, F),
    ("f", F, V),
    ("f", F, X),
    ("gw", X, F),
    ("t", Ipv4Addr::new(172, 16, 1, 11), V),
    ("cloud-services", Ipv4Addr::new(100, 64, 3, 4), V),
];

/// For each instance: whether its groups let things in, and out.
type Open = [[bool; 2]; 5];

/// The groups of the instances, as they are now.
#[derive(Clone, Copy)]
struct Groups {
    open: Open,
    /// For each instance: nothing is known of its rules.
    unknown: [bool; 5],
}

fn topology(groups: &Groups, direct: bool) -> String {
    let hop = if direct { "pcc" } else { "f" };
    let mut text = format!(
        r#"
[vpc.a]
cidr = "172.16.0.0/12"
routes = [{{ destination = "10.9.0.0/16", next_hop = "f" }}, {{ destination = "172.24.1.0/24", next_hop = "{hop}" }}]
[vswitch.a]
vpc = "a"
cidr = "172.16.1.0/24"
[vswitch.a-f]
vpc = "a"
cidr = "172.16.2.0/24"
route_table = "vtb"
[route_table.vtb]
vpc = "a"
routes = [{{ destination = "10.9.0.0/16", next_hop = "gw" }}, {{ destination = "172.24.1.0/24", next_hop = "pcc" }}]
[gateway.gw]
vpc = "a"
kind = "vpn"
remote_cidrs = ["10.9.0.0/16", "172.24.0.0/16"]
[vpc.b]
cidr = "172.24.0.0/16"
routes = [{{ destination = "172.16.1.0/24", next_hop = "pcc" }}]
[vswitch.b]
vpc = "b"
cidr = "172.24.1.0/24"
[peering.pcc]
vpcs = ["a", "b"]
"#
    );
    for (((name, vswitch, address), open), unknown) in INSTANCES.iter().zip(groups.open).zip(groups.unknown) {
        let vpc = &vswitch[..1];
        let address = Ipv4Addr::from(*address);
        let policy = open.map(|open| if open { "accept" } else { "drop" });
        let forwarding = matches!(*name, "f" | "g");
        let rules = match unknown {
            true => "rules = \"unknown\"\nintra_group = \"drop\"".to_owned(),
            false => format!(
                "ingress = [{{ policy = \"{}\", source = \"0.0.0.0/0\" }}]\n\
                 egress = [{{ policy = \"{}\", destination = \"0.0.0.0/0\" }}]",
                policy[0], policy[1],
            ),
        };
        writeln!(
            text,
            "[security_group.sg-{name}]\nvpc = \"{vpc}\"\n{rules}\n\
             [instance.{name}]\nvswitch = \"{vswitch}\"\nprivate_ip = \"{address}\"\nsecurity_groups = [\"sg-{name}\"]\n\
             forwarding = {forwarding}",
        )
        .unwrap();
    }
    text
}

#[derive(Clone, Copy, Debug)]
enum What {
    Tcp(u8),
    Udp,
    /// An error about the packet of the frame so many before.
    Error(usize),
    /// The groups change: the instance, and whether it is what they let in.
    Change(usize, bool),
    /// The rules of an instance's groups become unknown, or known again.
    Forget(usize),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    way: usize,
    what: What,
    port: u16,
    pause: u64,
}

pub(crate) fn events() -> impl Strategy<Value = Vec<Event>> {
    let what = prop_oneof![
        5 => select(&[0x02, 0x12, 0x10, 0x11, 0x04][..]).prop_map(What::Tcp),
        4 => Just(What::Udp),
        2 => (1..4_usize).prop_map(What::Error),
        1 => (0..5_usize, any::<bool>()).prop_map(|(instance, ingress)| What::Change(instance, ingress)),
        1 => (0..5_usize).prop_map(What::Forget),
    ];
    let pause = select(&[0, 0, 0, 1, 20, 45, 61][..]);
    let event = (0..WAYS.len(), what, select(&[80, 80, 81][..]), pause);
    prop::collection::vec(event.prop_map(|(way, what, port, pause)| Event { way, what, port, pause }), 1..60)
}

pub(crate) fn open() -> impl Strategy<Value = Open> {
    prop::array::uniform5([prop::bool::weighted(0.5), prop::bool::weighted(0.7)])
}

/// A packet as its ends see it: protocol, and address and port of the source and of the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    protocol: Protocol,
    source: (Ipv4Addr, u16),
    destination: (Ipv4Addr, u16),
}

/// The packet that made a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Maker {
    number: usize,
    sender: EndpointId,
    receiver: EndpointId,
    judged: [bool; 2],
}

#[derive(Clone, Copy, Debug)]
struct Record {
    /// The domain of the other end; `None` for the record of a leg.
    other: Option<DomainId>,
    last_used: SimTime,
    phase: Phase,
    /// The first packet left this end.
    began_here: bool,
    epoch: usize,
    maker: Maker,
    is_doubtful: bool,
}

/// What an answer is: of an end about a record, of groups about a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
    NotKnown,
}

/// Protocol, own address and port, those of the other end.
type Flow = (Protocol, (Ipv4Addr, u16), (Ipv4Addr, u16));

#[derive(Default)]
struct Oracle {
    records: HashMap<(EndpointId, Flow), Vec<Record>>,
    epoch: usize,
}

/// One end of a frame's way.
#[derive(Clone, Copy)]
struct End {
    id: EndpointId,
    flow: Flow,
    other: DomainId,
    leaves: bool,
}

fn timeout(protocol: Protocol, phase: Phase) -> SimDuration {
    SimDuration::from_secs(if protocol == Protocol::TCP && phase == Phase::Established { 910 } else { 60 })
}

impl Record {
    fn matches(&self, end: &End, leg: bool) -> bool {
        leg || self.other.is_none_or(|other| other == end.other)
    }

    /// Which of several counts.
    fn rank(&self, end: &End, leg: bool) -> (u8, u32) {
        match self.other {
            None if leg => (0, 0),
            Some(other) if other == end.other => (1, other.0),
            None => (2, 0),
            Some(other) => (3, other.0),
        }
    }
}

impl Oracle {
    /// Whether an end has a live record that spares a frame its groups: cut records and those that a SYN ends are gone
    /// afterwards.
    fn spares(&mut self, end: &End, leg: bool, frame: &Shot, passes: impl Fn(&Maker) -> Answer) -> Answer {
        let (epoch, now) = (self.epoch, frame.time);
        let records = self.records.entry((end.id, end.flow)).or_default();
        let alive = |record: &Record| now.since(record.last_used) <= timeout(end.flow.0, record.phase);
        let used = |record: &Record| record.matches(end, leg) && alive(record);
        let now_passes = |record: &Record| if record.epoch == epoch { Answer::Yes } else { passes(&record.maker) };
        let is_cut = |record: &Record| used(record) && now_passes(record) == Answer::No;
        let is_doubtful = |record: &Record| record.is_doubtful || now_passes(record) == Answer::NotKnown;
        let cut: Vec<Maker> = records.iter().filter(|record| is_cut(record)).map(|record| record.maker).collect();
        records.retain(|record| !is_cut(record));
        records.retain(|record| !(used(record) && frame.opens && record.phase == Phase::Closing));
        let mut answer = Answer::No;
        for (doubtful, found) in [(true, Answer::NotKnown), (false, Answer::Yes)] {
            let of_kind = records.iter_mut().filter(|record| used(record) && is_doubtful(record) == doubtful);
            if let Some(record) = of_kind.min_by_key(|record| record.rank(end, leg)) {
                (record.epoch, record.is_doubtful) = (epoch, doubtful);
                answer = found;
            }
        }
        for records in self.records.values_mut() {
            records.retain(|record| !cut.contains(&record.maker));
        }
        answer
    }

    /// What a frame leaves at its ends, of which it `found` these records: sure ones where it was delivered, doubtful ones
    /// where that is not known.
    fn leave(&mut self, ends: [End; 2], leg: bool, frame: &Shot, (maker, found): (Maker, [Answer; 2]), doubtful: bool) {
        for (end, found) in ends.iter().zip(found) {
            let records = self.records.entry((end.id, end.flow)).or_default();
            let refreshes = if doubtful { Answer::NotKnown } else { Answer::Yes };
            if doubtful && found == Answer::Yes {
                continue;
            }
            if found != refreshes {
                // A first packet replaces what is dead.
                records.retain(|record| !record.matches(end, leg));
                let phase = frame.flags.map_or(Phase::Stateless, Phase::first);
                records.push(Record {
                    other: (!leg).then_some(end.other),
                    last_used: frame.time,
                    phase,
                    began_here: end.leaves,
                    epoch: self.epoch,
                    maker,
                    is_doubtful: doubtful,
                });
                continue;
            }
            let alive = |record: &Record| frame.time.since(record.last_used) <= timeout(end.flow.0, record.phase);
            let of_kind = |record: &Record| record.is_doubtful == doubtful && record.matches(end, leg) && alive(record);
            let live = records.iter_mut().filter(|record| of_kind(record));
            let record = live.min_by_key(|record| record.rank(end, leg)).expect("it was found");
            record.last_used = record.last_used.max(frame.time);
            if let Some(flags) = frame.flags {
                record.phase = record.phase.next(flags, record.began_here == end.leaves);
            }
        }
    }
}

/// A frame, ready to enter.
#[derive(Clone)]
struct Shot {
    from: EndpointId,
    builder: PacketBuilder,
    seen: Seen,
    error_about: Option<Seen>,
    flags: Option<Flags>,
    opens: bool,
    time: SimTime,
}

fn shot(topology: &Topology, event: &Event, before: &[Shot], time: SimTime) -> Option<Shot> {
    let (from, source, destination) = WAYS[event.way];
    let from = topology.names.find_endpoint(from).expect("it is declared");
    // The port of the office, of `w` or of `f` is drawn; the other end has 5000.
    let port = |address: Ipv4Addr| if address == V { 5000 } else { event.port };
    let seen =
        |protocol| Seen { protocol, source: (source, port(source)), destination: (destination, port(destination)) };
    let text = format!("{source}:{} > {destination}:{}", port(source), port(destination));
    Some(match event.what {
        What::Tcp(flags) => {
            let bits = TcpFlags(flags);
            let flags = Flags { syn: bits.any(TcpFlags::SYN), ack: bits.any(TcpFlags::ACK), closes: bits.closes() };
            let (builder, opens) = (tcp(&text).flags(bits), bits.opens());
            Shot { from, builder, seen: seen(Protocol::TCP), error_about: None, flags: Some(flags), opens, time }
        }
        What::Error(back) => {
            let about = before.get(before.len().checked_sub(back)?)?;
            let about_error = about.error_about.is_some();
            let error = IcmpError::TimeExceeded;
            let builder = icmp_error(&format!("{source} > {destination}"), error, &about.builder);
            let quoted = Some(about.seen).filter(|quoted| !about_error && quoted.source.0 == destination);
            let plain = Seen { protocol: Protocol::ICMP, source: (source, 0), destination: (destination, 0) };
            Shot {
                from,
                builder,
                seen: plain,
                error_about: Some(quoted.unwrap_or(plain)),
                flags: None,
                opens: false,
                time,
            }
        }
        _ => Shot {
            from,
            builder: udp(&text),
            seen: seen(Protocol::UDP),
            error_about: None,
            flags: None,
            opens: false,
            time,
        },
    })
}

fn send(fabric: &mut Fabric, steering: &mut Steering, shot: &Shot) -> Outcome {
    let bytes = shot.builder.build();
    let entry = Entry::Injected(shot.from);
    let shard = steering.shard(fabric.program(), &bytes, bytes.len(), entry, shot.time);
    let wire_length = bytes.len() as u32;
    let mut output = Output::default();
    fabric.process(&[Frame { bytes: &bytes, wire_length, time: shot.time, entry, shard }], &mut output);
    output.outcomes[0]
}

/// Where a frame goes where all groups are open; `None` where no route leads it to an endpoint.
fn routed(open: &Arc<Program>, shot: &Shot) -> Option<(EndpointId, [DomainId; 2])> {
    let outcome = send(&mut Fabric::new(Arc::clone(open), Options::default()), &mut Steering::default(), shot);
    let Verdict::Delivered { to } = outcome.verdict else { return None };
    let [first, second] = outcome.domains;
    Some((to, [first?, second.or(first)?]))
}

pub(crate) fn are_kept_at_each_end(open: &Open, direct: bool, events: &[Event]) {
    let load = |groups: &Groups| {
        Topology::from_toml("world.toml", &topology(groups, direct)).unwrap_or_else(|e| panic!("{e}"))
    };
    let mut groups = Groups { open: *open, unknown: [false; 5] };
    let world = load(&groups);
    let all_open = load(&Groups { open: [[true; 2]; 5], unknown: [false; 5] }).program;
    let (mut fabric, mut steering) = (Fabric::new(Arc::clone(&world.program), Options::default()), Steering::default());
    let (mut oracle, mut shots, mut now) = (Oracle { epoch: 1, ..Oracle::default() }, Vec::new(), SimTime::ZERO);
    let index = |id: EndpointId| INSTANCES.iter().position(|(name, ..)| *name == world.names.endpoint(id));
    let owns = |id: EndpointId, address: Ipv4Addr| {
        index(id).is_none_or(|instance| Ipv4Addr::from(INSTANCES[instance].2) == address)
    };
    for (number, event) in events.iter().enumerate() {
        now = now + SimDuration::from_secs(event.pause);
        match event.what {
            What::Change(instance, ingress) => groups.open[instance][usize::from(!ingress)] ^= true,
            What::Forget(instance) => groups.unknown[instance] ^= true,
            What::Tcp(_) | What::Udp | What::Error(_) => {}
        }
        if matches!(event.what, What::Change(..) | What::Forget(_)) {
            oracle.epoch += 1;
            let epoch = Epoch(u32::try_from(oracle.epoch).unwrap());
            fabric.set_program(Arc::new(compile(&load(&groups).world, epoch).program));
            continue;
        }
        let Some(shot) = shot(&world, event, &shots, now) else { continue };
        shots.push(shot.clone());
        let outcome = send(&mut fabric, &mut steering, &shot);
        let Some((to, domains)) = routed(&all_open, &shot) else {
            assert!(!matches!(outcome.verdict, Verdict::Delivered { .. }), "{shot:?}", shot = shot.seen);
            continue;
        };
        // What an end sees of the flow: for an error, that of the packet it quotes, which went the other way.
        let is_error = shot.error_about.is_some();
        let Seen { protocol, source, destination } = shot.error_about.unwrap_or(shot.seen);
        let has_flow = protocol != Protocol::ICMP;
        let (near, far) = if is_error { (destination, source) } else { (source, destination) };
        let leg = !owns(shot.from, shot.seen.source.0) || !owns(to, shot.seen.destination.0);
        let ends = [
            End { id: shot.from, flow: (protocol, near, far), other: domains[1], leaves: true },
            End { id: to, flow: (protocol, far, near), other: domains[0], leaves: false },
        ];
        let says = |id: EndpointId, egress: bool| match index(id) {
            Some(instance) if groups.unknown[instance] => Answer::NotKnown,
            Some(instance) if !groups.open[instance][usize::from(egress)] => Answer::No,
            _ => Answer::Yes,
        };
        // What `cloud-services` sends is never filtered.
        let lets_in = |from: EndpointId, to: EndpointId| match world.names.endpoint(from) {
            "cloud-services" => Answer::Yes,
            _ => says(to, false),
        };
        let passes = |maker: &Maker| match maker.judged {
            [true, _] if says(maker.sender, true) != Answer::Yes => says(maker.sender, true),
            [_, true] => lets_in(maker.sender, maker.receiver),
            _ => Answer::Yes,
        };
        let mut found = [Answer::No; 2];
        if has_flow {
            found = ends.map(|end| oracle.spares(&end, leg, &shot, passes));
        }
        let told = format!("event {number} {event:?} {:?} found {found:?} leg {leg}", WAYS[event.way]);
        // The first end that refuses or cannot tell decides; of a doubtful record it is not known whether it spares.
        let judge = |found: Answer, says: Answer| match (found, says) {
            (Answer::Yes, _) => Answer::Yes,
            (Answer::NotKnown, Answer::No) => Answer::NotKnown,
            (_, says) => says,
        };
        let expected = match (judge(found[0], says(shot.from, true)), judge(found[1], lets_in(shot.from, to))) {
            (Answer::No, _) => Some(Reason::SgEgressDeny),
            (Answer::Yes, Answer::No) => Some(Reason::SgIngressDeny),
            (Answer::Yes, Answer::Yes) => None,
            (Answer::NotKnown, _) | (_, Answer::NotKnown) => Some(Reason::UnknownConfiguration),
        };
        match outcome.verdict {
            Verdict::Delivered { to: fact } => assert_eq!((None, fact), (expected, to), "{told}"),
            verdict => assert_eq!(verdict.refusal().map(|(reason, _)| reason), expected, "{told}"),
        }
        assert_eq!(outcome.by_session, found == [Answer::Yes; 2], "{told}");
        let is_doubtful = expected == Some(Reason::UnknownConfiguration);
        if (expected.is_none() || is_doubtful) && has_flow && !is_error {
            let judged = found.map(|found| found != Answer::Yes);
            let maker = Maker { number, sender: shot.from, receiver: to, judged };
            oracle.leave(ends, leg, &shot, (maker, found), is_doubtful);
        }
    }
}

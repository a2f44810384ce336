//! What is sent to find out how fast frames are forwarded, and what has to become of it: the same for
//! `biplane bench forward`, for `cargo bench --bench forward` and for the test that counts allocations.

mod frames;
mod subject;
mod world;

pub(crate) use frames::{Frames, Size};
pub(crate) use subject::{BURST, Subject};
pub(crate) use world::{Rules, topology};

use crate::datapath::{Outcome, Verdict};
use crate::diag::{Reason, Stage};
use crate::wire::{PacketBuilder, TcpFlags};
use std::net::SocketAddrV4;
use world::Pairs;

/// The port that the groups of the VPC let everybody linked in on, one that they do not, and one that the classic
/// groups let nothing out to.
const OPEN_PORT: u16 = 8080;
const CLOSED_PORT: u16 = 22;
const CLOSED_OUTWARDS: u16 = 23;

/// A frame from one end of a flow to the other, with this payload.
type Make = fn(SocketAddrV4, SocketAddrV4, &[u8]) -> Vec<u8>;

/// Frames of one kind, one for each of many flows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) fate: Fate,
    pairs: Pairs,
    port: u16,
    make: Make,
    /// Frames that have gone along the same flows before.
    opening: Option<Make>,
}

/// What becomes of every frame of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Delivered, let in by a live session.
    Established {
        /// How much the TTL falls.
        hops: u8,
    },
    /// Delivered, and a session is left behind.
    New,
    /// Refused.
    Dropped {
        /// By which stage; that of the reason, unless two stages give it.
        stage: Stage,
        /// Why.
        reason: Reason,
    },
}

impl Fate {
    pub(crate) fn is_that_of(self, outcome: &Outcome) -> bool {
        match (self, outcome.verdict) {
            (Fate::Established { hops }, Verdict::Delivered { .. }) => outcome.by_session && outcome.hops == hops,
            (Fate::New, Verdict::Delivered { .. }) => !outcome.by_session,
            (Fate::Dropped { reason, .. }, Verdict::Dropped { reason: given, .. }) => reason == given,
            _ => false,
        }
    }
}

/// TCP segments of live sessions across ClassicLink, from the classic side.
pub(crate) const CLASSIC_TO_VPC: Workload = established("classic-to-vpc", Pairs::ACROSS, 2);

/// All workloads of live sessions that know the way.
pub(crate) const ESTABLISHED: [Workload; 5] = [
    CLASSIC_TO_VPC,
    Workload { make: answer, ..established("vpc-to-classic", Pairs::ACROSS, 2) },
    established("classic-to-classic", Pairs::CLASSIC, 1),
    established("between-vswitches", Pairs::BETWEEN_VSWITCHES, 1),
    established("within-vswitch", Pairs::WITHIN_VSWITCH, 0),
];

/// Echo requests of live sessions across ClassicLink. Sessions know the way of TCP and UDP only.
pub(crate) const PINGS: Workload =
    Workload { make: ping, opening: Some(ping), ..established("pings", Pairs::ACROSS, 2) };

/// SYNs across ClassicLink that both ends' groups accept, each by a rule.
pub(crate) const NEW_FLOWS: Workload =
    Workload { name: "new-flows", fate: Fate::New, pairs: Pairs::ACROSS, port: OPEN_PORT, make: syn, opening: None };

/// SYNs across ClassicLink that no rule of the sender's groups refuses, and none of the receiver's accepts.
pub(crate) const DROPPED_BY_GROUP: Workload =
    Workload { port: CLOSED_PORT, ..dropped(Stage::Destination, Reason::SgIngressDeny, Pairs::ACROSS) };

/// The same from many senders behind a gateway, no two between the same addresses.
pub(crate) const FLOOD: Workload = Workload {
    name: "flood-from-outside",
    port: CLOSED_PORT,
    ..dropped(Stage::Destination, Reason::SgIngressDeny, Pairs::FROM_OUTSIDE)
};

/// Frames that each stage refuses, in the order of the stages.
pub(crate) const DROPPED: [Workload; 11] = [
    Workload { make: damaged, ..dropped(Stage::Parse, Reason::Ipv4Checksum, Pairs::ACROSS) },
    dropped(Stage::Ingress, Reason::UnknownSource, Pairs::FROM_NOBODY),
    dropped(Stage::Guest, Reason::GuestRoutePublicNic, Pairs::TO_UNSCRIPTED),
    Workload { make: later_fragment, ..dropped(Stage::Session, Reason::FragmentWithoutFirst, Pairs::ACROSS) },
    Workload { port: CLOSED_OUTWARDS, ..dropped(Stage::Egress, Reason::SgEgressDeny, Pairs::ACROSS) },
    dropped(Stage::Route, Reason::NoSuchAddress, Pairs::TO_NOBODY),
    dropped(Stage::Bridge, Reason::ClassiclinkNotLinked, Pairs::NOT_LINKED),
    dropped(Stage::Destination, Reason::InstanceStopped, Pairs::TO_STOPPED),
    DROPPED_BY_GROUP,
    FLOOD,
    Workload { make: last_hop, ..dropped(Stage::Deliver, Reason::TtlExceeded, Pairs::ACROSS) },
];

const fn established(name: &'static str, pairs: Pairs, hops: u8) -> Workload {
    let fate = Fate::Established { hops };
    Workload { name, fate, pairs, port: OPEN_PORT, make: data, opening: Some(data) }
}

const fn dropped(stage: Stage, reason: Reason, pairs: Pairs) -> Workload {
    let fate = Fate::Dropped { stage, reason };
    Workload { name: reason.id(), fate, pairs, port: OPEN_PORT, make: syn, opening: None }
}

fn data(client: SocketAddrV4, server: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    PacketBuilder::tcp(client, server).payload(payload).build()
}

fn answer(client: SocketAddrV4, server: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    data(server, client, payload)
}

fn syn(client: SocketAddrV4, server: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    PacketBuilder::tcp(client, server).flags(TcpFlags::SYN).payload(payload).build()
}

/// The client's port becomes the identifier.
fn ping(client: SocketAddrV4, server: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    PacketBuilder::icmp_echo(*client.ip(), *server.ip(), client.port(), 1).payload(payload).build()
}

/// The last bit of the header checksum is wrong.
fn damaged(client: SocketAddrV4, server: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    let mut frame = syn(client, server, payload);
    frame[25] ^= 1;
    frame
}

/// The end of a datagram whose beginning was not seen. The client's port becomes the identification.
fn later_fragment(client: SocketAddrV4, server: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    PacketBuilder::tcp(client, server).identification(client.port()).fragment(1_480, false).payload(payload).build()
}

fn last_hop(client: SocketAddrV4, server: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    PacketBuilder::tcp(client, server).flags(TcpFlags::SYN).ttl(1).payload(payload).build()
}

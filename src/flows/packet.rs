//! What a frame says about the connection that it is of.

use super::live::ConnectionKey;
use crate::datapath::{Outcome, ParsedFlow};
use crate::net::Protocol;
use crate::report::ConnectionEnd;
use crate::table::session::{Direction, FlowEnd, FlowKey, Tuple};
use crate::wire::{Icmp, ReadableTransport, TcpFlags, readable, readable_tcp_flags};
use std::net::Ipv4Addr;

/// A frame between two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EndToEnd {
    /// Both ends and the protocol, the same for both directions.
    pub(super) tuple: Tuple,
    direction: Direction,
    /// True for what answers, whichever end is seen first.
    pub(super) is_reply: bool,
    /// A SYN alone.
    pub(super) begins: bool,
    /// A FIN or RST.
    pub(super) closes: bool,
}

impl EndToEnd {
    /// Reads the captured bytes of a frame; `None` for what is of no connection.
    pub(super) fn read(bytes: &[u8]) -> Option<EndToEnd> {
        let packet = readable(bytes)?;
        let end = |address: Ipv4Addr, port| FlowEnd { domain: 0, address: u32::from(address), port };
        let protocol = Protocol(packet.protocol);
        let mut flags = TcpFlags::NONE;
        let mut is_reply = false;
        let (key, direction) = match packet.transport {
            ReadableTransport::Ports { source, destination } => {
                if protocol == Protocol::TCP {
                    flags = readable_tcp_flags(bytes).unwrap_or(TcpFlags::ACK);
                    is_reply = flags.is_syn_ack();
                }
                FlowKey::new(protocol, end(packet.source, source), end(packet.destination, destination))
            }
            ReadableTransport::Icmp { kind, .. } if Icmp::is_error_kind(kind) => return None,
            ReadableTransport::Icmp { kind, identifier, .. } => {
                let identifier = identifier.unwrap_or(0);
                let (source, destination) = (end(packet.source, 0), end(packet.destination, 0));
                let (key, direction) = FlowKey::icmp(kind, identifier, source, destination);
                is_reply = Icmp::query_kind(kind).is_some();
                (key, direction)
            }
            // Later fragments, and ports that were not captured.
            ReadableTransport::None
                if packet.is_later_fragment || protocol.has_ports() || protocol == Protocol::ICMP =>
            {
                return None;
            }
            ReadableTransport::None => FlowKey::new(protocol, end(packet.source, 0), end(packet.destination, 0)),
        };
        Some(EndToEnd::new(*key.tuple(), direction, is_reply, flags))
    }

    /// What [`EndToEnd::read`] says of a frame that was parsed before.
    #[inline(always)]
    pub(super) fn from_parsed(parsed: &ParsedFlow) -> EndToEnd {
        let flags = parsed.headers.flags;
        let is_reply = parsed.headers.echo().map_or(flags.is_syn_ack(), |echo| echo.is_reply);
        EndToEnd::new(parsed.tuple, parsed.direction, is_reply, flags)
    }

    #[inline(always)]
    fn new(tuple: Tuple, direction: Direction, is_reply: bool, flags: TcpFlags) -> EndToEnd {
        EndToEnd { tuple, direction, is_reply, begins: flags.is_bare_syn(), closes: flags.closes() }
    }

    /// Which end of the tuple the frame comes from: 0 or 1.
    pub(super) fn side(&self) -> usize {
        self.direction.source()
    }

    /// What leads to its connection, where `outcome` became of it.
    #[inline]
    pub(super) fn key(&self, outcome: &Outcome) -> ConnectionKey {
        match outcome.from {
            None => ConnectionKey::of_ends(self.tuple),
            Some(from) => ConnectionKey::of_endpoint(self.tuple, self.side(), from),
        }
    }

    pub(super) fn protocol(&self) -> Protocol {
        self.tuple.protocol()
    }

    /// Both ends, that of `side` first, as a connection tells them that was opened there.
    pub(super) fn ends(&self, side: usize) -> [ConnectionEnd; 2] {
        let ends = self.tuple.ends();
        let [(from, from_port), (to, to_port)] = [ends[side], ends[1 - side]];
        let end = |address: u32, port| ConnectionEnd { endpoint: None, address: address.into(), port };
        match self.protocol() {
            // The tuple has the type at the end that asks, and the identifier at the other one.
            Protocol::ICMP => {
                let [(_, kind), (_, identifier)] = ends;
                let is_query = u8::try_from(kind).is_ok_and(|kind| Icmp::reply_kind(kind).is_some());
                [end(from, if is_query { identifier } else { 0 }), end(to, kind)]
            }
            _ => [end(from, from_port), end(to, to_port)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datapath::{Entry, Frame, SHARDS, ShardId};
    use crate::table::session::Sessions;
    use crate::time::SimTime;
    use crate::wire::build::{icmp, icmp_echo, icmp_echo_reply, ip, tcp, udp};
    use crate::wire::{PacketBuilder, compute_header_checksum};
    use proptest::prelude::*;
    use proptest::sample::Index;

    fn samples() -> Vec<PacketBuilder> {
        vec![
            tcp("10.45.2.10:40000 > 172.16.2.20:3306").syn(),
            tcp("172.16.2.20:3306 > 10.45.2.10:40000").syn_ack(),
            tcp("10.45.2.10:22 > 10.45.2.10:22").fin(),
            tcp("10.45.2.10:40000 > 172.16.2.20:3306").rst(),
            udp("172.16.2.20:53 > 10.45.2.10:53").payload(&[1; 16]),
            udp("10.45.2.10:53 > 172.16.2.20:53").payload(&[1; 16]).fragment(0, true),
            icmp_echo("10.45.2.10 > 172.16.2.20", 7, 1),
            icmp_echo("172.16.2.20 > 10.45.2.10", 7, 1),
            icmp_echo_reply("10.45.2.10 > 172.16.2.20", 7, 1),
            icmp("10.45.2.10 > 172.16.2.20", 13, 0),
            ip(Protocol::GRE, "172.16.2.20 > 10.45.2.10").payload(&[1; 16]),
        ]
    }

    proptest! {
        #![proptest_config(crate::test_cases::cases(2_048))]

        #[test]
        fn a_frame_that_was_parsed_says_the_same_as_its_bytes(
            sample in any::<Index>(),
            changes in prop::collection::vec((14..60_usize, any::<u8>()), 0..3),
            padding in 0..20_usize,
            length in prop_oneof![2 => Just(usize::MAX), 1 => 34..80_usize],
        ) {
            let mut bytes = sample.get(&samples()).build();
            bytes.resize(bytes.len() + padding, 0);
            for (at, value) in changes {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = value;
                }
            }
            compute_header_checksum(&mut bytes);
            let wire_length = bytes.len() as u32;
            bytes.truncate(length);
            if let Some(parsed) = parsed(&bytes, wire_length) {
                prop_assert_eq!(Some(EndToEnd::from_parsed(&parsed)), EndToEnd::read(&bytes));
            }
        }
    }

    fn parsed(bytes: &[u8], wire_length: u32) -> Option<ParsedFlow> {
        let (time, entry) = (SimTime::ZERO, Entry::BySource);
        let frame = Frame { bytes, wire_length, time, entry, shard: ShardId::default() };
        ParsedFlow::new(&Sessions::new(SHARDS, 1), &frame)
    }

    #[test]
    fn most_samples_are_parsed() {
        let count = samples().iter().map(PacketBuilder::build).filter(|bytes| parsed(bytes, 0).is_some()).count();
        assert_eq!(count, samples().len() - 2, "all but a fragment and an ICMP query that is no echo");
    }
}

//! What a frame says about the connection that it is of.

use crate::net::Protocol;
use crate::report::ConnectionEnd;
use crate::table::session::{Direction, FlowEnd, FlowKey, Tuple};
use crate::wire::{Icmp, ReadableTransport, TcpFlags, readable, readable_tcp_flags};
use std::net::Ipv4Addr;

/// A frame between two ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct EndToEnd {
    key: FlowKey,
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
    #[inline(always)]
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
                    is_reply = flags.any(TcpFlags::SYN) && flags.any(TcpFlags::ACK);
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
        let closes = flags.any(TcpFlags::FIN) || flags.any(TcpFlags::RST);
        Some(EndToEnd { key, direction, is_reply, begins: flags.is_bare_syn(), closes })
    }

    /// Which end of the key the frame comes from: 0 or 1.
    pub(super) fn side(&self) -> usize {
        self.direction.source()
    }

    /// Both ends and the protocol, the same for both directions.
    pub(super) fn tuple(&self) -> Tuple {
        *self.key.tuple()
    }

    pub(super) fn protocol(&self) -> Protocol {
        self.key.protocol()
    }

    /// Both ends, that of `side` first, as a connection tells them that was opened there.
    pub(super) fn ends(&self, side: usize) -> [ConnectionEnd; 2] {
        let direction = if side == 0 { Direction::Forth } else { Direction::Back };
        let (from, to) = self.key.ends(direction);
        let end = |end: FlowEnd, port| ConnectionEnd { endpoint: None, address: Ipv4Addr::from(end.address), port };
        match self.protocol() {
            // The key has the type at the end that asks, and the identifier at the other one.
            Protocol::ICMP => {
                let (kind, identifier) = if side == 0 { (from.port, to.port) } else { (to.port, from.port) };
                let is_query = u8::try_from(kind).is_ok_and(|kind| Icmp::reply_kind(kind).is_some());
                [end(from, if is_query { identifier } else { 0 }), end(to, kind)]
            }
            _ => [end(from, from.port), end(to, to.port)],
        }
    }
}

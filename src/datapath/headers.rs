//! What security groups, whitelists and sessions look at.

use super::shortcut::Glance;
use crate::net::Protocol;
use crate::program::DomainId;
use crate::table::session::{Direction, End, FlowKey};
use crate::wire::{Ipv4, Transport};
use std::net::Ipv4Addr;

/// The 5-tuple of a packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Headers {
    pub(super) protocol: Protocol,
    pub(super) source: Ipv4Addr,
    pub(super) destination: Ipv4Addr,
    pub(super) source_port: u16,
    pub(super) destination_port: u16,
    pub(super) is_fragmentation_needed: bool,
}

impl Headers {
    pub(super) fn new(ipv4: &Ipv4, transport: &Transport) -> Headers {
        let (source_port, destination_port) = match *transport {
            Transport::Tcp { source_port, destination_port, .. } | Transport::Udp { source_port, destination_port } => {
                (source_port, destination_port)
            }
            Transport::Icmp(_) | Transport::Other => (0, 0),
        };
        Headers {
            protocol: ipv4.protocol,
            source: ipv4.source,
            destination: ipv4.destination,
            source_port,
            destination_port,
            is_fragmentation_needed: matches!(transport, Transport::Icmp(icmp) if icmp.is_fragmentation_needed()),
        }
    }

    /// The first packet of a session, as far as groups and whitelists care.
    pub(super) fn of_first_packet(key: &FlowKey, opened: Direction) -> Headers {
        let (source, destination) = key.ends(opened);
        let ports = key.protocol().has_ports();
        Headers {
            protocol: key.protocol(),
            source: source.address.into(),
            destination: destination.address.into(),
            source_port: if ports { source.port } else { 0 },
            destination_port: if ports { destination.port } else { 0 },
            is_fragmentation_needed: false,
        }
    }
}

/// The flow that a packet belongs to, or that an ICMP error is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    pub(super) key: FlowKey,
    pub(super) hash: u64,
    pub(super) direction: Direction,
    /// True for an ICMP error: it may use the session and leaves it as it is.
    pub(super) is_error: bool,
}

impl Flow {
    /// The flow of a plain packet that goes from domain `from` to domain `to`.
    #[inline]
    pub(super) fn of_plain(glance: &Glance, from: DomainId, to: DomainId) -> Flow {
        let (key, direction) = FlowKey::of_tuple((glance.tuple, glance.direction), from.0, to.0);
        Flow { key, hash: glance.hash, direction, is_error: false }
    }

    /// The flow of a packet that goes from domain `from` to domain `to`; `None` for an ICMP error about no flow of
    /// its receiver.
    pub(super) fn new(ipv4: &Ipv4, transport: &Transport, from: DomainId, to: DomainId) -> Option<Flow> {
        let end =
            |domain: DomainId, address: Ipv4Addr, port: u16| End { domain: domain.0, address: address.into(), port };
        let (source, destination) = (ipv4.source, ipv4.destination);
        let mut is_error = false;
        let (key, direction) = match *transport {
            Transport::Tcp { source_port, destination_port, .. } | Transport::Udp { source_port, destination_port } => {
                FlowKey::new(ipv4.protocol, end(from, source, source_port), end(to, destination, destination_port))
            }
            Transport::Other => FlowKey::new(ipv4.protocol, end(from, source, 0), end(to, destination, 0)),
            Transport::Icmp(icmp) if icmp.is_error() => {
                is_error = true;
                let quoted = icmp.quoted.filter(|quoted| quoted.source == destination)?;
                let (source, destination) = (end(to, quoted.source, 0), end(from, quoted.destination, 0));
                if quoted.protocol == Protocol::ICMP {
                    // The parser leaves the quoted type where other protocols have their first port.
                    FlowKey::icmp(quoted.source_port as u8, quoted.destination_port, source, destination)
                } else {
                    let source = End { port: quoted.source_port, ..source };
                    FlowKey::new(quoted.protocol, source, End { port: quoted.destination_port, ..destination })
                }
            }
            Transport::Icmp(icmp) => {
                FlowKey::icmp(icmp.kind, icmp.identifier, end(from, source, 0), end(to, destination, 0))
            }
        };
        Some(Flow { key, hash: key.hash(), direction, is_error })
    }
}

//! Interfaces, addresses, routes and neighbours of the present network namespace, set by netlink.

use super::nic::Nic;
use crate::net::Ipv4Net;
use crate::program::FABRIC_MAC;
use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_REPLACE, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::address::{AddressAttribute, AddressMessage, AddressScope};
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkMessage};
use netlink_packet_route::neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use std::io;
use std::net::{IpAddr, Ipv4Addr};

/// The loopback interface, the first of every namespace.
const LOOPBACK: u32 = 1;

/// The route table that holds what is delivered here.
const LOCAL_TABLE: u8 = 255;

/// A netlink socket of the namespace in which it was made.
pub(super) struct Netlink {
    socket: Socket,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Netlink {
    pub(super) fn new() -> io::Result<Netlink> {
        let socket = Socket::new(NETLINK_ROUTE)?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Netlink { socket, sequence: 0, buffer: Vec::new() })
    }

    /// Sets the loopback interface up.
    pub(super) fn set_loopback_up(&mut self) -> io::Result<()> {
        self.set_link(LOOPBACK, true, Vec::new())
    }

    /// Sets the interface with this index up as `nic` says.
    pub(super) fn set_up(&mut self, index: u32, nic: &Nic) -> io::Result<()> {
        let attributes = vec![LinkAttribute::Address(nic.mac.0.to_vec()), LinkAttribute::Mtu(nic.mtu.into())];
        self.set_link(index, nic.is_up, attributes)?;
        self.change_address(index, nic, true)?;
        if !nic.is_up {
            return Ok(());
        }
        if nic.is_point_to_point {
            self.add_neighbour(index, nic.next_hop)?;
        }
        for range in &nic.stands_for {
            self.add_local(*range)?;
        }
        for range in &nic.routes {
            self.add_route(index, *range, nic)?;
        }
        Ok(())
    }

    /// Takes back what [`Netlink::set_up`] did. A link that goes down takes the routes over it along.
    pub(super) fn take_down(&mut self, index: u32, nic: &Nic) -> io::Result<()> {
        self.set_link(index, false, Vec::new())?;
        self.change_address(index, nic, false)
    }

    fn set_link(&mut self, index: u32, up: bool, attributes: Vec<LinkAttribute>) -> io::Result<()> {
        let mut message = LinkMessage::default();
        message.header.index = index;
        message.header.flags = if up { LinkFlags::Up } else { LinkFlags::empty() };
        message.header.change_mask = LinkFlags::Up;
        message.attributes = attributes;
        self.request(RouteNetlinkMessage::SetLink(message), 0)
    }

    fn change_address(&mut self, index: u32, nic: &Nic, add: bool) -> io::Result<()> {
        let (address, length) = nic.address;
        let mut message = AddressMessage::default();
        message.header.family = AddressFamily::Inet;
        message.header.prefix_len = length;
        message.header.scope = AddressScope::Universe;
        message.header.index = index;
        message.attributes = vec![AddressAttribute::Local(IpAddr::V4(address))];
        match add {
            true => self.request(RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | NLM_F_REPLACE),
            false => self.request(RouteNetlinkMessage::DelAddress(message), 0),
        }
    }

    fn add_neighbour(&mut self, index: u32, address: Ipv4Addr) -> io::Result<()> {
        let mut message = NeighbourMessage::default();
        message.header.family = AddressFamily::Inet;
        message.header.ifindex = index;
        message.header.state = NeighbourState::Permanent;
        message.attributes = vec![
            NeighbourAttribute::Destination(NeighbourAddress::Inet(address)),
            NeighbourAttribute::LinkLayerAddress(FABRIC_MAC.0.to_vec()),
        ];
        self.request(RouteNetlinkMessage::NewNeighbour(message), NLM_F_CREATE | NLM_F_REPLACE)
    }

    /// Takes every address of `range` for one of this host.
    fn add_local(&mut self, range: Ipv4Net) -> io::Result<()> {
        let mut message = route(range);
        message.header.table = LOCAL_TABLE;
        message.header.scope = RouteScope::Host;
        message.header.kind = RouteType::Local;
        message.attributes.push(RouteAttribute::Oif(LOOPBACK));
        self.request(RouteNetlinkMessage::NewRoute(message), NLM_F_CREATE | NLM_F_REPLACE)
    }

    fn add_route(&mut self, index: u32, range: Ipv4Net, nic: &Nic) -> io::Result<()> {
        let mut message = route(range);
        if nic.is_point_to_point {
            message.header.flags = RouteFlags::Onlink;
        }
        message.attributes.extend([
            RouteAttribute::Oif(index),
            RouteAttribute::Gateway(RouteAddress::Inet(nic.next_hop)),
            RouteAttribute::PrefSource(RouteAddress::Inet(nic.address.0)),
        ]);
        self.request(RouteNetlinkMessage::NewRoute(message), NLM_F_CREATE | NLM_F_REPLACE)
    }

    /// Sends a request and waits for the kernel's answer to it.
    fn request(&mut self, message: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        self.sequence += 1;
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
        header.sequence_number = self.sequence;
        let mut request = NetlinkMessage::new(header, NetlinkPayload::from(message));
        request.finalize();
        self.buffer.resize(request.buffer_len(), 0);
        request.serialize(&mut self.buffer);
        self.socket.send(&self.buffer, 0)?;
        loop {
            let (answer, _) = self.socket.recv_from_full()?;
            let answer = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&answer)
                .map_err(|error| io::Error::other(format!("the kernel's netlink answer is not understood: {error}")))?;
            match answer.payload {
                NetlinkPayload::Error(error) if answer.header.sequence_number == self.sequence => {
                    return if error.code.is_none() { Ok(()) } else { Err(error.to_io()) };
                }
                _ => {}
            }
        }
    }
}

/// A route of the main table to `range`.
fn route(range: Ipv4Net) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = AddressFamily::Inet;
    message.header.destination_prefix_length = range.prefix_len();
    message.header.table = netlink_packet_route::route::RouteHeader::RT_TABLE_MAIN;
    message.header.protocol = RouteProtocol::Static;
    message.header.scope = RouteScope::Universe;
    message.header.kind = RouteType::Unicast;
    if range.prefix_len() != 0 {
        message.attributes.push(RouteAttribute::Destination(RouteAddress::Inet(range.network())));
    }
    message
}

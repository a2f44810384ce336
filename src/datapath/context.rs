//! Resolving: all that the tables say about a packet, looked up before anything is judged.
//!
//! Nothing here refuses. A [`RouteContext`] holds what depends on the addresses alone, a [`PacketContext`] what the
//! packet and the state of its flow add. The checks read them, in the order of [`order`](super::order).

use super::Options;
use super::finding::CheckRefusal;
use super::flow_state::lookup::SessionLookup;
use super::outcome::MatchedRule;
use super::parsed_flow::ParsedFlow;
use crate::net::{Protocol, ranges};
use crate::program::{Action, CLOUD_SERVICES, Domain, DomainId, EndpointId, EndpointKind, Program, RouteId, Vpc};
use crate::table::acl::Query;
use crate::table::lpm::TableId;
use crate::table::session::{Direction, FlowEnd, FlowKey};
use crate::wire::{Ipv4, Transport};
use std::net::Ipv4Addr;

/// A packet as routing sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RouteQuery {
    pub(super) sender: EndpointId,
    /// The routing domain it entered.
    pub(super) domain: DomainId,
    pub(super) source: Ipv4Addr,
    pub(super) destination: Ipv4Addr,
}

/// What one routing domain answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct RouteMatch {
    pub(super) domain: DomainId,
    /// The table; `None` where the destination is an address of the classic network, a /32 of its own.
    pub(super) table: Option<TableId>,
    /// The entry with the longest prefix that covers the destination.
    pub(super) entry: Option<(RouteId, Action)>,
    /// The endpoint that it leads to.
    pub(super) to: Option<EndpointId>,
}

/// How a packet leaves its first routing domain for a second one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bridge {
    /// From the classic network over the sender's link into a VPC.
    Link(DomainId),
    /// From a VPC into the classic network of its region.
    Classic(DomainId),
    /// From a VPC into its peer.
    Peer(DomainId),
}

/// All that the route tables say about a packet.
#[derive(Clone, Copy)]
pub(super) struct RouteContext<'a> {
    pub(super) program: &'a Program,
    pub(super) query: RouteQuery,
    pub(super) first: RouteMatch,
    pub(super) bridge: Option<Bridge>,
    /// What the domain beyond the bridge answered; `None` without a bridge.
    pub(super) second: Option<RouteMatch>,
}

impl<'a> RouteContext<'a> {
    /// Looks the destination up in the sender's domain and, where the route crosses the bridge, in the next one.
    pub(super) fn resolve(program: &'a Program, query: RouteQuery) -> RouteContext<'a> {
        let own = program.endpoint(query.sender).table;
        let first = match &program.domains[query.domain.index()] {
            Domain::Vpc(vpc) => RouteMatch::in_vpc(program, query.domain, own.unwrap_or(vpc.system), query.destination),
            Domain::Classic(classic) => {
                RouteMatch::in_classic(program, query.domain, own.unwrap_or(classic.services), query.destination)
            }
        };
        let bridge = match first.action() {
            Some(Action::Link(vpc)) => Some(Bridge::Link(vpc)),
            Some(Action::Peering(peer)) => Some(Bridge::Peer(peer)),
            Some(Action::ClassicLink) => program.vpc(query.domain).map(|vpc| Bridge::Classic(vpc.classic)),
            _ => None,
        };
        RouteContext { program, query, first, bridge: None, second: None }.over(bridge)
    }

    /// The same packet, over `bridge`.
    #[inline]
    pub(super) fn over(self, bridge: Option<Bridge>) -> RouteContext<'a> {
        let (program, destination) = (self.program, self.query.destination);
        let second = match bridge {
            None => None,
            Some(Bridge::Link(vpc)) => {
                program.vpc(vpc).map(|found| RouteMatch::in_vpc(program, vpc, found.over_link, destination))
            }
            // The whole system table, although a peering leads to vSwitches alone: `route::second` refuses any other
            // entry, and that refusal names the entry that covers the destination.
            Some(Bridge::Peer(peer)) => {
                program.vpc(peer).map(|found| RouteMatch::in_vpc(program, peer, found.system, destination))
            }
            Some(Bridge::Classic(classic)) => Some(RouteMatch::host(classic, program.host(classic, destination))),
        };
        RouteContext { bridge, second, ..self }
    }

    /// The domain beyond the bridge.
    pub(super) fn second_domain(&self) -> Option<DomainId> {
        self.second.map(|second| second.domain)
    }

    /// The VPC at the other end of the sender's link, where the packet takes it.
    pub(super) fn over_link(&self) -> Option<(DomainId, &'a Vpc)> {
        match self.bridge? {
            Bridge::Link(vpc) => Some((vpc, self.program.vpc(vpc)?)),
            Bridge::Classic(_) | Bridge::Peer(_) => None,
        }
    }

    /// The VPC that the packet leaves for the classic network.
    pub(super) fn vpc_into_classic(&self) -> Option<(DomainId, &'a Vpc)> {
        match self.bridge? {
            Bridge::Classic(_) => Some((self.query.domain, self.program.vpc(self.query.domain)?)),
            Bridge::Link(_) | Bridge::Peer(_) => None,
        }
    }

    /// The endpoint that the routes lead to.
    pub(super) fn to(&self) -> Option<EndpointId> {
        self.second.map_or(self.first.to, |second| second.to)
    }
}

impl RouteMatch {
    pub(super) fn in_vpc(program: &Program, domain: DomainId, table: TableId, destination: Ipv4Addr) -> RouteMatch {
        let entry = program.route(table, destination).map(|(route, entry)| (route, entry.action));
        let to = match entry {
            Some((_, Action::Local(_))) => program.host(domain, destination),
            Some((_, Action::NextHop(to))) => Some(to),
            Some((_, Action::CloudServices)) => Some(CLOUD_SERVICES),
            _ => None,
        };
        RouteMatch { domain, table: Some(table), entry, to }
    }

    /// Every address of the classic network that is in use is a /32 route, longer than any entry of a table.
    fn in_classic(program: &Program, domain: DomainId, table: TableId, destination: Ipv4Addr) -> RouteMatch {
        // Classic endpoints have addresses of the classic range alone.
        let host = if ranges::is_classic(destination) { program.host(domain, destination) } else { None };
        if host.is_some() {
            return RouteMatch::host(domain, host);
        }
        RouteMatch::in_vpc(program, domain, table, destination)
    }

    fn host(domain: DomainId, to: Option<EndpointId>) -> RouteMatch {
        RouteMatch { domain, table: None, entry: None, to }
    }

    pub(super) fn action(&self) -> Option<Action> {
        self.entry.map(|(_, action)| action)
    }

    pub(super) fn decider(&self) -> MatchedRule {
        self.entry.map_or(MatchedRule::None, |(route, _)| MatchedRule::Route(route))
    }
}

/// Where the routes lead a packet that no check on them refuses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Forwarding {
    pub(super) to: EndpointId,
    /// The domain beyond the bridge.
    pub(super) second: Option<DomainId>,
    /// How much the first domain lowers the TTL: 0 within a vSwitch, else 1. A second one always lowers it by 1.
    pub(super) first_hops: u8,
    /// True for a managed service that sends to the classic network: it may answer there, never open a session.
    pub(super) needs_session: bool,
    /// True where a forwarding instance sends or receives it for an address that is not its own.
    pub(super) is_leg: bool,
    pub(super) decider: MatchedRule,
}

/// False for an instance that stands for an address that is not its own. Gateways and `cloud-services` own what they take.
pub(super) fn owns(program: &Program, id: EndpointId, address: Ipv4Addr) -> bool {
    let endpoint = program.endpoint(id);
    matches!(endpoint.kind, EndpointKind::Gateway | EndpointKind::CloudServices) || endpoint.address == address
}

impl Forwarding {
    /// Where the routes lead, whatever the checks say; `None` where they lead to no endpoint.
    #[inline]
    pub(super) fn of(routes: &RouteContext<'_>) -> Option<Forwarding> {
        let RouteQuery { sender: from, source, destination, .. } = routes.query;
        let (to, sender) = (routes.to()?, routes.program.endpoint(from));
        let within_vswitch = matches!(routes.first.action(), Some(Action::Local(id)) if sender.vswitch == Some(id));
        let into_classic = matches!(routes.bridge, Some(Bridge::Classic(_)));
        // In the classic network the destination is found as a host, without an entry. There the entry that leads over
        // the bridge is what decides, and what a verdict names.
        let last = routes.second.filter(|_| !into_classic).unwrap_or(routes.first);
        let is_pair = owns(routes.program, from, source) && owns(routes.program, to, destination);
        Some(Forwarding {
            to,
            second: routes.second_domain(),
            first_hops: u8::from(!within_vswitch),
            needs_session: into_classic && matches!(sender.kind, EndpointKind::Service { .. }),
            is_leg: !is_pair,
            decider: last.decider(),
        })
    }

    pub(super) fn hops(&self) -> u8 {
        self.first_hops + u8::from(self.second.is_some())
    }
}

/// The sender of a packet, and where the routes lead it.
#[derive(Clone, Copy)]
pub(super) struct CachedRoute {
    pub(super) sender: EndpointId,
    pub(super) domain: DomainId,
    /// The first refusal of the checks on the routes, whatever the packet's TTL; where one was kept, of stages 2 and 3 too.
    pub(super) forwarding: Result<Forwarding, CheckRefusal>,
}

/// The flow that a packet belongs to, or that an ICMP error is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    /// Its key within the packet's pair of domains.
    pub(super) key: FlowKey,
    pub(super) hash: u64,
    /// The way of the packet, or of the one that the error is about.
    pub(super) direction: Direction,
    /// True for an ICMP error: it may use the session and leaves it as it is.
    pub(super) is_error: bool,
}

impl Flow {
    /// The flow of a packet between the domains `from` and `to`; `None` for an ICMP error about no flow of its receiver.
    pub(super) fn new(ipv4: &Ipv4, transport: &Transport, from: DomainId, to: DomainId) -> Option<Flow> {
        let end = |domain: DomainId, address: Ipv4Addr, port: u16| FlowEnd {
            domain: domain.0,
            address: address.into(),
            port,
        };
        let (source, destination) = (ipv4.source, ipv4.destination);
        let mut is_error = false;
        let (key, direction) = match *transport {
            Transport::Tcp { source_port, destination_port, .. } | Transport::Udp { source_port, destination_port } => {
                FlowKey::new(ipv4.protocol, end(from, source, source_port), end(to, destination, destination_port))
            }
            Transport::Other => FlowKey::new(ipv4.protocol, end(from, source, 0), end(to, destination, 0)),
            Transport::Icmp(icmp) if icmp.is_error() => {
                is_error = true;
                // An error may use the session of the packet that it quotes, and a quotation can be forged. One that
                // the receiver of the error has not sent belongs to no flow of that receiver, so its groups decide.
                let quoted = icmp.quoted.filter(|quoted| quoted.source == destination)?;
                let (source, destination) = (end(to, quoted.source, 0), end(from, quoted.destination, 0));
                if quoted.protocol == Protocol::ICMP {
                    // The parser leaves the quoted type where other protocols have their first port.
                    FlowKey::icmp(quoted.source_port as u8, quoted.destination_port, source, destination)
                } else {
                    let source = FlowEnd { port: quoted.source_port, ..source };
                    FlowKey::new(quoted.protocol, source, FlowEnd { port: quoted.destination_port, ..destination })
                }
            }
            Transport::Icmp(icmp) => {
                FlowKey::icmp(icmp.kind, icmp.identifier, end(from, source, 0), end(to, destination, 0))
            }
        };
        Some(Flow { key, hash: key.hash(), direction, is_error })
    }

    /// The side of the tuple at which the packet's sender stands; its receiver stands at the other one.
    pub(super) fn sender_side(&self) -> usize {
        if self.is_error { 1 - self.direction.source() } else { self.direction.source() }
    }

    /// The same for a packet whose tuple is known.
    #[inline]
    fn of_parsed(parsed: &ParsedFlow, from: DomainId, to: DomainId) -> Flow {
        let (key, direction) = FlowKey::of_tuple((parsed.tuple, parsed.direction), from.0, to.0);
        Flow { key, hash: parsed.hash, direction, is_error: false }
    }
}

/// Where the fields of layer 4 come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TransportSource {
    /// The packet itself.
    Packet,
    /// The first fragment of its datagram.
    FirstFragment,
    /// Nowhere: the first fragment of its datagram was not seen.
    NotSeen,
    /// Nowhere: the capture cut them off.
    CutOff,
}

/// All that is known of a packet and its flow before it is judged.
#[derive(Clone)]
pub(super) struct PacketContext<'a> {
    pub(super) program: &'a Program,
    pub(super) options: Options,
    pub(super) ipv4: Ipv4,
    pub(super) sender: EndpointId,
    pub(super) domain: DomainId,
    pub(super) forwarding: Result<Forwarding, CheckRefusal>,
    /// What layer 4 says; for a later fragment what its first fragment said. `Other` where nothing is known.
    pub(super) transport: Transport,
    pub(super) transport_source: TransportSource,
    /// `None` without a route, where layer 4 is not known, and for an ICMP error about no flow of its receiver.
    pub(super) flow: Option<Flow>,
    pub(super) session: SessionLookup,
}

impl<'a> PacketContext<'a> {
    /// What is known of a packet on its route before its layer 4 and its session are looked up.
    #[inline]
    pub(super) fn new(program: &'a Program, options: Options, ipv4: Ipv4, route: CachedRoute) -> PacketContext<'a> {
        PacketContext {
            program,
            options,
            ipv4,
            sender: route.sender,
            domain: route.domain,
            forwarding: route.forwarding,
            transport: Transport::Other,
            transport_source: TransportSource::CutOff,
            flow: None,
            session: SessionLookup::NONE,
        }
    }

    /// Notes what layer 4 says, and the flow that follows from it.
    #[inline]
    pub(super) fn set_transport(&mut self, transport: Transport, source: TransportSource) {
        (self.transport, self.transport_source) = (transport, source);
        let is_known = matches!(source, TransportSource::Packet | TransportSource::FirstFragment);
        if let Ok(forwarding) = &self.forwarding
            && is_known
        {
            let last = forwarding.second.unwrap_or(self.domain);
            self.flow = Flow::new(&self.ipv4, &transport, self.domain, last);
        }
    }

    /// The same for a packet that the fast path could read.
    #[inline]
    pub(super) fn set_parsed(&mut self, parsed: &ParsedFlow) {
        if parsed.tuple.has_equal_ends() {
            // With equal ends `FlowKey::of_tuple` takes the direction from the domains. An echo whose identifier equals
            // the number of its family has equal ends, too, but its type decides: `Flow::new` tests which of the two it
            // is.
            return self.set_transport(parsed.headers.transport(), TransportSource::Packet);
        }
        (self.transport, self.transport_source) = (parsed.headers.transport(), TransportSource::Packet);
        if let Ok(forwarding) = &self.forwarding {
            self.flow = Some(Flow::of_parsed(parsed, self.domain, forwarding.second.unwrap_or(self.domain)));
        }
    }

    /// Bytes of the longest IPv4 packet that is carried whole.
    #[inline]
    pub(super) fn mtu(&self) -> u16 {
        self.options.mtu_in(self.program)
    }

    /// True where neither end's groups and whitelist are asked, since both have a live record of the flow.
    #[inline]
    pub(super) fn in_session(&self) -> bool {
        self.session.sender.is_live() && self.session.receiver.is_live()
    }

    pub(super) fn is_fragmentation_needed(&self) -> bool {
        matches!(self.transport, Transport::Icmp(icmp) if icmp.is_fragmentation_needed())
    }

    /// The question that the packet puts to a list of rules about `peer`, for the endpoint with the address `own`.
    #[inline]
    pub(super) fn rule_query(&self, peer: Ipv4Addr, own: Ipv4Addr) -> Query {
        let (source_port, destination_port) = self.transport.ports();
        Query { protocol: self.ipv4.protocol, source_port, destination_port, peer, own }
    }
}

//! The compiled world: dense ids and built tables, everything a frame needs and nothing else.
//!
//! [`crate::compile`] writes a [`Program`], [`crate::datapath`] reads it, neither sees the other. A change of the
//! world is a new program with the next [`Epoch`]. What people call the things that ids stand for is kept apart, in
//! [`Names`]. Clones of both share what no change has touched, so the next epoch is a clone with a few entries changed.
//!
//! Program and names take some 300 bytes an endpoint in a world of thousands of VPCs with a group for every 50 to 600
//! endpoints, and the declared world 490, the text of its file apart (`cargo bench --bench load` counts them).

mod group_acl;

pub use group_acl::{GroupAcl, GroupRules};

use crate::diag::{Reason, Span};
use crate::net::{Ipv4Net, MacAddress, classic_gateway, classic_subnet, ranges};
use crate::table::acl::AddressSets;
use crate::table::lpm::{self, TableId, Tables};
use crate::table::paged::{Paged, PagedMap, PagedTable};
use crate::time::SimDuration;
use hashbrown::HashMap;
use std::hash::BuildHasher;
use std::net::Ipv4Addr;
use std::sync::Arc;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name(pub u32);

            impl $name {
                /// The id of position `index`.
                pub fn from_index(index: usize) -> $name {
                    $name(u32::try_from(index).expect("fewer than 2^32 of a kind"))
                }

                /// Position in the program's list.
                pub fn index(self) -> usize {
                    self.0 as usize
                }
            }
        )*
    };
}

ids! {
    /// An endpoint. Stays the same from epoch to epoch.
    EndpointId,
    /// A routing domain: the classic network of a region, or a VPC. Stays the same from epoch to epoch.
    DomainId,
    /// A vSwitch.
    VswitchId,
    /// An entry of some route table.
    RouteId,
    /// One direction of the merged rules of a set of security groups.
    AclId,
    /// A rule of a security group, or a group's inner access policy.
    RuleId,
    /// A whitelist.
    WhitelistId,
}

/// Number of a compiled snapshot of the world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u32);

/// The endpoint that stands for 100.64.0.0/10 in every domain.
pub const CLOUD_SERVICES: EndpointId = EndpointId(0);

/// The MAC address of the fabric: gateways, and the source of every delivered frame.
pub const FABRIC_MAC: MacAddress = MacAddress([0xee, 0xff, 0xff, 0xff, 0xff, 0xff]);

/// What kind of thing an endpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndpointKind {
    /// The vendor's own services at 100.64.0.0/10.
    CloudServices,
    /// An ECS instance.
    Instance,
    /// A managed service.
    Service {
        /// A load balancer, whose frames its back ends' ingress groups do not filter.
        balances_load: bool,
    },
    /// A VPN, NAT or other gateway.
    Gateway,
    /// What a released instance or service leaves behind: nothing enters or leaves by it.
    Released,
}

/// Whatever frames can enter or leave by: what forwarding reads of it for every frame.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint {
    /// What it is.
    pub kind: EndpointKind,
    /// The domain it lives in; for `cloud-services`, which is in all of them, the first.
    pub domain: DomainId,
    /// Its own address; 0.0.0.0 for gateways and `cloud-services`.
    pub address: Ipv4Addr,
    /// The public address of an instance; 0.0.0.0 without one.
    pub public_ip: Ipv4Addr,
    /// Where frames for it are sent.
    pub mac: MacAddress,
    /// True where the topology file gives the MAC address.
    pub mac_is_declared: bool,
    /// False for stopped instances.
    pub running: bool,
    /// True for an instance that forwards for others.
    pub forwarding: bool,
    /// The vSwitch of what lives in one.
    pub vswitch: Option<VswitchId>,
    /// The route table its frames meet; `None` for `cloud-services`, which has one per domain. Of a classic instance:
    /// the link table of the VPC that it is linked to, else the one for instances without a link.
    pub table: Option<TableId>,
    /// The routing table inside a classic instance.
    pub guest: Option<TableId>,
    /// The VPC a classic instance is linked to.
    pub link: Option<DomainId>,
    /// The merged egress rules of an instance.
    pub egress: Option<AclId>,
    /// The merged ingress rules of an instance.
    pub ingress: Option<AclId>,
    /// The whitelist of a service that has one.
    pub whitelist: Option<WhitelistId>,
}

/// A subnet and its gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// The range.
    pub range: Ipv4Net,
    /// The address that the fabric answers for.
    pub gateway: Ipv4Addr,
}

/// A routing domain.
#[derive(Clone, Debug)]
pub enum Domain {
    /// The classic network of a region.
    Classic(Classic),
    /// A VPC.
    Vpc(Vpc),
}

/// The route tables of a classic network, of the endpoints that no link leads out of it. They are asked once no host of
/// the region has the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classic {
    /// Of instances that are linked to no VPC.
    pub instances: TableId,
    /// Of managed services, and of what `cloud-services` sends.
    pub services: TableId,
}

/// A VPC as forwarding sees it.
#[derive(Clone, Debug)]
pub struct Vpc {
    /// The primary CIDR.
    pub primary: Ipv4Net,
    /// The secondary CIDRs.
    pub secondary: Vec<Ipv4Net>,
    /// Whether ClassicLink is enabled.
    pub classic_link: bool,
    /// The classic network of its region.
    pub classic: DomainId,
    /// The system route table.
    pub system: TableId,
    /// What a frame that crossed a link may use of the system table: vSwitches and custom entries inside the primary
    /// CIDR.
    pub over_link: TableId,
    /// The vSwitches alone.
    pub local: TableId,
    /// The link table: what a classic instance linked to this VPC looks its destinations up in once no host of its region
    /// has them. `None` until the first link.
    pub links: Option<TableId>,
    /// The gateway of the first vSwitch in file order, which speaks for the VPC where no other does.
    pub speaker: Ipv4Addr,
}

/// A vSwitch.
#[derive(Clone, Copy, Debug)]
pub struct Vswitch {
    /// Range and gateway.
    pub subnet: Subnet,
    /// Its VPC.
    pub domain: DomainId,
}

/// An entry of a route table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The prefix.
    pub prefix: Ipv4Net,
    /// What it does with a frame.
    pub action: Action,
}

/// What a route does with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Guest table: out of the private NIC.
    PrivateNic,
    /// Guest table: out of the public NIC, away from this fabric.
    PublicNic,
    /// Into a vSwitch.
    Local(VswitchId),
    /// To 100.64.0.0/10.
    CloudServices,
    /// To the classic instances linked to the VPC.
    ClassicLink,
    /// Custom entry: to an instance or gateway of the VPC.
    NextHop(EndpointId),
    /// Custom entry: to a peer VPC.
    Peering(DomainId),
    /// Classic table: an address of the classic range that no host of the region has.
    Classic,
    /// Link table: over the sender's link into this VPC.
    Link(DomainId),
    /// Nowhere, for this reason, as `ip route add prohibit`. With [`Reason::NoRoute`] the entry keeps a wider one from
    /// covering the destination, as `ip route add throw`.
    Prohibit(Reason),
}

/// The addresses that a service admits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whitelist {
    /// The entries, as far as they are known.
    pub entries: Vec<Ipv4Net>,
    /// False where there may be others.
    pub is_complete: bool,
}

/// The endpoints that may send from an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// One endpoint.
    One(EndpointId),
    /// Several; a frame must say which.
    Several,
}

/// Idle timeouts of sessions and fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP after the handshake.
    pub tcp_established: SimDuration,
    /// TCP before the handshake completes, and after FIN or RST.
    pub tcp_transient: SimDuration,
    /// UDP.
    pub udp: SimDuration,
    /// ICMP.
    pub icmp: SimDuration,
    /// Every other protocol.
    pub other: SimDuration,
    /// How long a first fragment lends its ports.
    pub fragment: SimDuration,
}

/// A hash map whose iteration order no caller may depend on, with the same hashes on every run.
pub type FixedMap<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// The compiled world.
#[derive(Clone)]
pub struct Program {
    /// Which snapshot this is.
    pub epoch: Epoch,
    /// All endpoints; [`CLOUD_SERVICES`] is the first. A released one keeps its place and owns nothing.
    pub endpoints: Paged<Endpoint>,
    /// All routing domains.
    pub domains: Paged<Domain>,
    /// The classic networks among the domains.
    pub classic_domains: Vec<DomainId>,
    /// All vSwitches.
    pub vswitches: Arc<[Vswitch]>,
    /// All entries of all route tables, guest tables included.
    pub routes: Paged<Route>,
    /// Lookup of routes: next hops are [`RouteId`]s.
    pub tables: Tables,
    /// Instances and services by domain and address.
    pub hosts: PagedMap<(DomainId, Ipv4Addr), EndpointId>,
    /// Instances and services by address alone.
    pub owners: PagedMap<Ipv4Addr, Owner>,
    /// Gateways by the remote CIDR that holds a source address; next hops are endpoint ids or [`TIED`].
    pub gateways: TableId,
    /// The source addresses that may enter by each gateway.
    pub remote_ranges: Arc<FixedMap<EndpointId, RemoteRange>>,
    /// Addresses that the fabric's own gateways have: of vSwitches, and of the subnets around classic endpoints. With
    /// the number of subnets and endpoints that each follows from.
    pub gateway_addresses: PagedMap<Ipv4Addr, u32>,
    /// Instances by their public address.
    pub public_ips: PagedMap<Ipv4Addr, EndpointId>,
    /// Merged rules of security groups.
    pub acls: Paged<Arc<GroupAcl>>,
    /// Members of the groups that rules name.
    pub address_sets: AddressSets,
    /// Whitelists of services.
    pub whitelists: Paged<Arc<Whitelist>>,
    /// Idle timeouts.
    pub timeouts: Timeouts,
    /// How many sessions are kept at most, all shards together.
    pub session_limit: u32,
    /// Largest IPv4 packet that is carried whole, in bytes.
    pub mtu: u16,
}

/// In the table of gateways: several gateways have this prefix.
pub const TIED: u32 = lpm::MAX_NEXT_HOP;

/// In the table of gateways: no gateway takes what this prefix covers, although one takes public addresses.
pub const NO_GATEWAY: u32 = lpm::MAX_NEXT_HOP - 1;

/// The source addresses that may enter by a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteRange {
    /// Those inside one of these.
    Cidrs(Vec<Ipv4Net>),
    /// All public ones. Counts as a prefix of length 0.
    Public,
}

impl RemoteRange {
    /// True where sources enter that nothing in the topology names: all addresses, or all public ones.
    pub fn takes_internet(&self) -> bool {
        match self {
            RemoteRange::Cidrs(cidrs) => cidrs.iter().any(|cidr| cidr.prefix_len() == 0),
            RemoteRange::Public => true,
        }
    }

    /// Returns the longest prefix that holds `source`.
    pub fn longest_prefix(&self, source: Ipv4Addr) -> Option<Ipv4Net> {
        match self {
            RemoteRange::Cidrs(cidrs) => {
                cidrs.iter().filter(|cidr| cidr.contains(&source)).max_by_key(|cidr| cidr.prefix_len()).copied()
            }
            RemoteRange::Public => ranges::is_public(source).then(Ipv4Net::default),
        }
    }
}

impl Program {
    /// The endpoint behind an id.
    #[inline]
    pub fn endpoint(&self, id: EndpointId) -> &Endpoint {
        &self.endpoints[id.index()]
    }

    /// The VPC behind a domain id; `None` for a classic network.
    #[inline]
    pub fn vpc(&self, id: DomainId) -> Option<&Vpc> {
        match &self.domains[id.index()] {
            Domain::Vpc(vpc) => Some(vpc),
            Domain::Classic(_) => None,
        }
    }

    /// The instance or service at `address` in `domain`.
    #[inline]
    pub fn host(&self, domain: DomainId, address: Ipv4Addr) -> Option<EndpointId> {
        self.hosts.get(&(domain, address)).copied()
    }

    /// The entry of `table` with the longest prefix that covers `address`.
    #[inline]
    pub fn route(&self, table: TableId, address: Ipv4Addr) -> Option<(RouteId, Route)> {
        let id = RouteId(self.tables.lookup(table, address)?);
        Some((id, self.routes[id.index()]))
    }

    /// The merged rules behind an id.
    pub fn acl(&self, id: AclId) -> &GroupAcl {
        &self.acls[id.index()]
    }

    /// The subnet that ARP requests of an endpoint may ask about: its vSwitch, or the /21 around a classic address.
    /// Gateways and `cloud-services` have none.
    pub fn subnet(&self, id: EndpointId) -> Option<Subnet> {
        let endpoint = self.endpoint(id);
        if let Some(vswitch) = endpoint.vswitch {
            return Some(self.vswitches[vswitch.index()].subnet);
        }
        if endpoint.address.is_unspecified() {
            return None;
        }
        Some(Subnet { range: classic_subnet(endpoint.address), gateway: classic_gateway(endpoint.address) })
    }

    /// The longest prefix around `source` of those that may enter by a gateway; `None` for anything else.
    pub fn remote_prefix(&self, id: EndpointId, source: Ipv4Addr) -> Option<Ipv4Net> {
        self.remote_ranges.get(&id)?.longest_prefix(source)
    }

    /// Every endpoint that may send from `source`: owners first, else the gateways with the longest prefix.
    pub fn candidates(&self, source: Ipv4Addr) -> Vec<EndpointId> {
        let domains = (0..self.domains.len()).map(DomainId::from_index);
        let mut candidates: Vec<EndpointId> = match self.owners.get(&source) {
            Some(Owner::One(owner)) => vec![*owner],
            Some(Owner::Several) => domains.filter_map(|domain| self.host(domain, source)).collect(),
            None => {
                let longest = |range: &RemoteRange| range.longest_prefix(source).map(|prefix| prefix.prefix_len());
                let best = self.remote_ranges.values().filter_map(longest).max();
                let gateways = self.remote_ranges.iter().filter(|(_, range)| best.is_some() && longest(range) == best);
                gateways.map(|(id, _)| *id).collect()
            }
        };
        candidates.sort_unstable();
        candidates
    }
}

/// A name and the place in the topology file that gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// What people call it.
    pub text: String,
    /// Where it is declared; [`Span::NONE`] for what the fabric adds by itself.
    pub span: Span,
}

/// From dense ids to names and places.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// By [`EndpointId`]. No change of the world touches them, so snapshots share the whole.
    pub endpoints: Arc<Paged<Name>>,
    /// By [`DomainId`].
    pub domains: Paged<Name>,
    /// By [`VswitchId`].
    pub vswitches: Arc<[Name]>,
    /// By [`RouteId`]: the table's name, and where the entry stands.
    pub routes: Paged<Name>,
    /// By [`RuleId`]: `sg-db ingress #3`, or `sg-db intra-group`.
    pub rules: Paged<Name>,
    /// By [`RuleId`]: the rule in words, `accepts tcp/3306 from sg-web`.
    pub rule_texts: Paged<String>,
    /// By [`AclId`]: `sg-web` or `sg-web + sg-admin`, and the place of the first group.
    pub acls: Paged<Name>,
    /// By [`WhitelistId`]: the service, and where its whitelist stands.
    pub whitelists: Paged<Name>,
    /// By the hash of their names.
    endpoint_ids: PagedTable<EndpointId>,
}

fn hash(name: &str) -> u64 {
    foldhash::fast::FixedState::default().hash_one(name)
}

impl Names {
    /// Names without any endpoint, with room for the names of `endpoints`.
    pub fn with_capacity(endpoints: usize) -> Names {
        Names { endpoint_ids: PagedTable::with_capacity(endpoints), ..Names::default() }
    }

    /// Adds the next endpoint. One without a name, which a released one leaves behind, is not found by it.
    pub fn add_endpoint(&mut self, name: Name) -> EndpointId {
        let id = EndpointId::from_index(self.endpoints.len());
        let hash_of = hash(&name.text);
        let named = !name.text.is_empty();
        Arc::make_mut(&mut self.endpoints).push(name);
        if named {
            let endpoints = &self.endpoints;
            self.endpoint_ids.add(hash_of, id, |id| hash(&endpoints[id.index()].text));
        }
        id
    }

    /// Takes over the endpoints of `others`, which has nothing else.
    pub fn take_endpoints(&mut self, others: Names) {
        self.endpoints = others.endpoints;
        self.endpoint_ids = others.endpoint_ids;
    }

    /// Lets the name of a released endpoint lead nowhere. What was counted under its id still finds the name.
    pub(crate) fn forget_endpoint(&mut self, id: EndpointId) {
        let endpoints = &self.endpoints;
        let hash_of = |id: &EndpointId| hash(&endpoints[id.index()].text);
        self.endpoint_ids.remove(hash_of(&id), |known| *known == id, hash_of);
    }

    /// The endpoint called `name`.
    pub fn find_endpoint(&self, name: &str) -> Option<EndpointId> {
        self.endpoint_ids.find(hash(name), |id| self.endpoint(*id) == name).copied()
    }

    /// What people call an endpoint.
    pub fn endpoint(&self, id: EndpointId) -> &str {
        &self.endpoints[id.index()].text
    }

    /// What people call a routing domain.
    pub fn domain(&self, id: DomainId) -> &str {
        &self.domains[id.index()].text
    }
}

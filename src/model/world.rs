//! The declared objects: VPCs and what lies in them, instances of both planes, services, gateways, links.

use super::{
    About, ClassicZone, Identified, Key, RateLimits, SecurityGroup, SharedText, Table, TimingSettings, limits,
};
use crate::diag::{Span, Spanned};
use crate::net::{Ipv4Net, MacAddress};
use crate::time::SimDuration;
use hashbrown::HashSet;
use std::fmt;
use std::net::Ipv4Addr;

/// Everything a topology file declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    /// `[defaults] region`.
    pub default_region: Spanned<SharedText>,
    /// `[defaults] account`.
    pub default_account: Spanned<SharedText>,
    /// The regions in the order of [`World::regions`], once an object that may have been the only one of its region was
    /// released; empty before. A region keeps its place among them.
    pub kept_regions: Vec<String>,
    /// The VPCs.
    pub vpcs: Table<Vpc>,
    /// The vSwitches of all VPCs.
    pub vswitches: Table<Vswitch>,
    /// The custom vSwitch route tables of all VPCs.
    pub route_tables: Table<RouteTable>,
    /// The peering connections.
    pub peerings: Table<Peering>,
    /// The gateways of all VPCs.
    pub gateways: Table<Gateway>,
    /// The security groups of both planes.
    pub security_groups: Table<SecurityGroup>,
    /// The ECS instances of both planes.
    pub instances: Table<Instance>,
    /// The managed services of both planes.
    pub services: Table<Service>,
    /// `[sessions]`.
    pub sessions: SessionTimeouts,
    /// `[sessions] limit`: how many sessions are kept at most, in 64 equal parts, rounded up.
    pub session_limit: Spanned<u32>,
    /// `[fabric] mtu`, in bytes of the IPv4 packet.
    pub mtu: Spanned<u16>,
    /// `[fabric] timing` and `latency_us`.
    pub timing: TimingSettings,
}

impl Default for World {
    fn default() -> World {
        World {
            default_region: Spanned::unplaced("cn-hangzhou".into()),
            default_account: Spanned::unplaced("main".into()),
            kept_regions: Vec::new(),
            vpcs: Table::default(),
            vswitches: Table::default(),
            route_tables: Table::default(),
            peerings: Table::default(),
            gateways: Table::default(),
            security_groups: Table::default(),
            instances: Table::default(),
            services: Table::default(),
            sessions: SessionTimeouts::default(),
            session_limit: Spanned::unplaced(limits::SESSION_LIMIT),
            mtu: Spanned::unplaced(limits::MTU),
            timing: TimingSettings::default(),
        }
    }
}

/// Region and account of an object, where the file gives them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// `region`.
    pub region: Option<Spanned<SharedText>>,
    /// `account`.
    pub account: Option<Spanned<SharedText>>,
}

/// The plane that something lives in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// The classic network of the object's region.
    Classic,
    /// A VPC.
    Vpc(Key<Vpc>),
}

/// Where an instance or service has its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// In the classic network of its region.
    Classic,
    /// In a vSwitch.
    Vswitch(Key<Vswitch>),
}

/// A VPC: one routing domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vpc {
    /// Its id.
    pub id: Spanned<String>,
    /// The primary CIDR, the only one that takes part in ClassicLink.
    pub cidr: Spanned<Ipv4Net>,
    /// Secondary CIDRs.
    pub secondary_cidrs: Vec<Spanned<Ipv4Net>>,
    /// Whether ClassicLink is enabled.
    pub classic_link: Spanned<bool>,
    /// Custom entries of the system route table.
    pub routes: Vec<Route>,
    /// Region and account, where given.
    pub placement: Placement,
    /// Its name, description and tags, where it has any.
    pub about: Option<Box<About>>,
}

/// A vSwitch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vswitch {
    /// Its id.
    pub id: Spanned<String>,
    /// The VPC it belongs to.
    pub vpc: Spanned<Key<Vpc>>,
    /// Its range.
    pub cidr: Spanned<Ipv4Net>,
    /// Its custom route table; the system table where `None`.
    pub route_table: Option<Spanned<Key<RouteTable>>>,
    /// The zone: it decides how long frames are on their way where timing is on, and nothing else.
    pub zone: Option<String>,
    /// Region and account, where given.
    pub placement: Placement,
    /// Its name, description and tags, where it has any.
    pub about: Option<Box<About>>,
}

/// A custom vSwitch route table: all system routes of its VPC and the entries given here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteTable {
    /// Its id.
    pub id: Spanned<String>,
    /// The VPC it belongs to.
    pub vpc: Spanned<Key<Vpc>>,
    /// Its custom entries.
    pub routes: Vec<Route>,
    /// Region and account, where given.
    pub placement: Placement,
    /// Its name, description and tags, where it has any.
    pub about: Option<Box<About>>,
}

/// A custom route entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The whole entry.
    pub span: Span,
    /// The prefix.
    pub destination: Spanned<Ipv4Net>,
    /// What frames are handed to.
    pub next_hop: Spanned<NextHop>,
    /// What the file says about it.
    pub description: Option<String>,
}

/// What a custom route can lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextHop {
    /// An instance of the VPC that forwards.
    Instance(Key<Instance>),
    /// A gateway of the VPC.
    Gateway(Key<Gateway>),
    /// A peering connection of the VPC.
    Peering(Key<Peering>),
}

/// A peering connection between two VPCs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peering {
    /// Its id.
    pub id: Spanned<String>,
    /// The two VPCs.
    pub vpcs: [Spanned<Key<Vpc>>; 2],
    /// Its name, description and tags, where it has any.
    pub about: Option<Box<About>>,
}

/// A VPN, NAT or other gateway of a VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// Its id.
    pub id: Spanned<String>,
    /// The VPC it belongs to.
    pub vpc: Spanned<Key<Vpc>>,
    /// `nat`, `vpn`, … : kept and shown, all behave alike.
    pub kind: Spanned<String>,
    /// Source addresses that may enter by it; 0.0.0.0/0 stands for the public ones where [`Self::takes_public`].
    pub remote_cidrs: Vec<Spanned<Ipv4Net>>,
    /// True where the file does not give `remote_cidrs`.
    pub remote_is_default: bool,
    /// Region and account, where given.
    pub placement: Placement,
    /// Its name, description and tags, where it has any.
    pub about: Option<Box<About>>,
}

impl Gateway {
    /// True where `kind` names a gateway to the Internet, which takes public addresses unless the file says otherwise.
    pub fn is_of_internet(kind: &str) -> bool {
        matches!(kind, "nat" | "internet")
    }

    /// True where all public addresses may enter by it, and no others.
    pub fn takes_public(&self) -> bool {
        self.remote_is_default && Gateway::is_of_internet(&self.kind)
    }
}

/// Whether an instance takes part in traffic: only a running one sends and receives. Its link stays in every state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceState {
    /// It sends and receives.
    Running,
    /// It is off.
    Stopped,
    /// It was made and was never on.
    Pending,
    /// On its way from stopped to running.
    Starting,
    /// On its way from running to stopped.
    Stopping,
}

impl InstanceState {
    /// Every state.
    pub const ALL: [InstanceState; 5] = [
        InstanceState::Running,
        InstanceState::Stopped,
        InstanceState::Pending,
        InstanceState::Starting,
        InstanceState::Stopping,
    ];

    /// The word in topology files.
    pub const fn name(self) -> &'static str {
        match self {
            InstanceState::Running => "running",
            InstanceState::Stopped => "stopped",
            InstanceState::Pending => "pending",
            InstanceState::Starting => "starting",
            InstanceState::Stopping => "stopping",
        }
    }
}

/// An ECS instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Its id.
    pub id: Spanned<String>,
    /// The plane or vSwitch it lives in.
    pub location: Spanned<Location>,
    /// Its private address.
    pub private_ip: Spanned<Ipv4Addr>,
    /// Its security groups.
    pub security_groups: Vec<Spanned<Key<SecurityGroup>>>,
    /// Running or stopped.
    pub state: Spanned<InstanceState>,
    /// The VPC a classic instance is linked to.
    pub linked_vpc: Option<Spanned<Key<Vpc>>>,
    /// Prefixes that a classic guest sends to its private NIC beyond the default ones.
    pub guest_routes: Vec<Spanned<Ipv4Net>>,
    /// Whether the guest forwards for others.
    pub forwarding: Spanned<bool>,
    /// The public address, shown only.
    pub public_ip: Option<Spanned<Ipv4Addr>>,
    /// The private NIC's MAC address; derived from the id where `None`.
    pub mac: Option<Spanned<MacAddress>>,
    /// What limits it where timing is on.
    pub limits: Option<Box<RateLimits>>,
    /// Where a classic instance stands.
    pub zone: ClassicZone,
    /// Region and account, where given.
    pub placement: Placement,
    /// Its name, description and tags, where it has any.
    pub about: Option<Box<About>>,
}

/// Kinds of managed service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServiceKind {
    /// ApsaraDB RDS.
    Rds,
    /// Server Load Balancer.
    Slb,
    /// ApsaraDB for Redis.
    Redis,
    /// ApsaraDB for MongoDB.
    Mongodb,
    /// Object Storage Service.
    Oss,
    /// Anything else.
    Other,
}

impl ServiceKind {
    /// Every kind.
    pub const ALL: [ServiceKind; 6] = [
        ServiceKind::Rds,
        ServiceKind::Slb,
        ServiceKind::Redis,
        ServiceKind::Mongodb,
        ServiceKind::Oss,
        ServiceKind::Other,
    ];

    /// The word in topology files.
    pub const fn name(self) -> &'static str {
        match self {
            ServiceKind::Rds => "rds",
            ServiceKind::Slb => "slb",
            ServiceKind::Redis => "redis",
            ServiceKind::Mongodb => "mongodb",
            ServiceKind::Oss => "oss",
            ServiceKind::Other => "other",
        }
    }

    /// True for the databases, whose whitelist admits no address until it is filled.
    /// Source: <https://www.alibabacloud.com/help/doc-detail/43185.htm>.
    pub const fn has_default_whitelist(self) -> bool {
        matches!(self, ServiceKind::Rds | ServiceKind::Redis | ServiceKind::Mongodb)
    }
}

impl fmt::Display for ServiceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A managed service: it answers, has no guest, no groups and no state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its id.
    pub id: Spanned<String>,
    /// The kind.
    pub kind: Spanned<ServiceKind>,
    /// The plane or vSwitch it lives in.
    pub location: Spanned<Location>,
    /// Its address.
    pub ip: Spanned<Ipv4Addr>,
    /// The whitelist where the file gives one; see [`Service::effective_whitelist`].
    pub whitelist: Option<Spanned<Vec<Spanned<Ipv4Net>>>>,
    /// True where the whitelist may have entries that the file does not hold: `whitelist = "unknown"`.
    pub whitelist_is_unknown: bool,
    /// What limits it where timing is on.
    pub limits: Option<Box<RateLimits>>,
    /// Where a classic service stands.
    pub zone: ClassicZone,
    /// Region and account, where given.
    pub placement: Placement,
    /// Its name, description and tags, where it has any.
    pub about: Option<Box<About>>,
}

macro_rules! identified {
    ($($kind:ident)*) => {
        $(impl Identified for $kind {
            fn id(&self) -> &str {
                &self.id.value
            }
        })*
    };
}

identified!(Vpc Vswitch RouteTable Peering Gateway SecurityGroup Instance Service);

impl Service {
    /// The entries in force, as far as they are known: `None` is open to all, the databases' default holds 127.0.0.1 only.
    pub fn effective_whitelist(&self) -> Option<Vec<Ipv4Net>> {
        match &self.whitelist {
            Some(entries) => Some(entries.iter().map(|entry| entry.value).collect()),
            None if self.kind.has_default_whitelist() => Some(vec![Ipv4Net::from(Ipv4Addr::LOCALHOST)]),
            None => None,
        }
    }
}

/// Idle timeouts of sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTimeouts {
    /// TCP after the handshake. 910 s is the vendor's documented maximum for a session
    /// (<https://www.alibabacloud.com/help/en/ecs/user-guide/security-group-rules>).
    pub tcp_established: Spanned<SimDuration>,
    /// TCP before the handshake completes, and after FIN or RST.
    pub tcp_transient: Spanned<SimDuration>,
    /// UDP.
    pub udp: Spanned<SimDuration>,
    /// ICMP.
    pub icmp: Spanned<SimDuration>,
    /// Every other protocol.
    pub other: Spanned<SimDuration>,
    /// How long a first fragment lends its ports to later ones.
    pub fragment: Spanned<SimDuration>,
}

impl Default for SessionTimeouts {
    fn default() -> SessionTimeouts {
        let seconds = |seconds| Spanned::unplaced(SimDuration::from_secs(seconds));
        SessionTimeouts {
            tcp_established: Spanned::unplaced(limits::SESSION_TIMEOUT),
            tcp_transient: seconds(60),
            udp: seconds(60),
            icmp: seconds(30),
            other: seconds(60),
            fragment: seconds(30),
        }
    }
}

fn pick<'a>(own: &'a Option<Spanned<SharedText>>, default: &'a Spanned<SharedText>) -> &'a Spanned<SharedText> {
    own.as_ref().unwrap_or(default)
}

impl World {
    /// The region of a VPC.
    pub fn vpc_region(&self, vpc: Key<Vpc>) -> &Spanned<SharedText> {
        pick(&self.vpcs[vpc].placement.region, &self.default_region)
    }

    /// The account of a VPC.
    pub fn vpc_account(&self, vpc: Key<Vpc>) -> &Spanned<SharedText> {
        pick(&self.vpcs[vpc].placement.account, &self.default_account)
    }

    /// The region of something in `network` with `placement`: its VPC's, or its own.
    pub fn region<'a>(&'a self, network: Network, placement: &'a Placement) -> &'a Spanned<SharedText> {
        match network {
            Network::Vpc(vpc) => self.vpc_region(vpc),
            Network::Classic => pick(&placement.region, &self.default_region),
        }
    }

    /// The account of something in `network` with `placement`: its VPC's, or its own.
    pub fn account<'a>(&'a self, network: Network, placement: &'a Placement) -> &'a Spanned<SharedText> {
        match network {
            Network::Vpc(vpc) => self.vpc_account(vpc),
            Network::Classic => pick(&placement.account, &self.default_account),
        }
    }

    /// The plane of `location`.
    pub fn network(&self, location: Location) -> Network {
        match location {
            Location::Classic => Network::Classic,
            Location::Vswitch(vswitch) => Network::Vpc(self.vswitches[vswitch].vpc.value),
        }
    }

    /// Every region, each once: the default one, then those of VPCs, instances and services as they are met. The order
    /// stays the same when objects are released.
    pub fn regions(&self) -> Vec<&str> {
        let of_vpcs = self.vpcs.iter().map(|(key, _)| self.vpc_region(key).as_str());
        let of_instances = self.instances.values().map(|instance| self.instance_region(instance));
        let of_services = self.services.values().map(|one| self.region(self.network(*one.location), &one.placement));
        let of_services = of_services.map(|region| region.as_str());
        let kept = self.kept_regions.iter().map(String::as_str).chain([self.default_region.as_str()]);
        let mut seen: HashSet<&str, foldhash::fast::FixedState> = HashSet::default();
        kept.chain(of_vpcs).chain(of_instances).chain(of_services).filter(|region| seen.insert(region)).collect()
    }

    /// The region of an instance.
    pub fn instance_region<'a>(&'a self, instance: &'a Instance) -> &'a str {
        self.region(self.network(*instance.location), &instance.placement)
    }

    /// The account of an instance.
    pub fn instance_account<'a>(&'a self, instance: &'a Instance) -> &'a str {
        self.account(self.network(*instance.location), &instance.placement)
    }

    /// True where an instance, service, gateway or peering has this id: they share one name space.
    pub fn has_endpoint_or_peering(&self, id: &str) -> bool {
        self.instances.find(id).is_some()
            || self.services.find(id).is_some()
            || self.gateways.find(id).is_some()
            || self.peerings.find(id).is_some()
    }
}

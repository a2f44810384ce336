//! From the declared world to the compiled one. Cannot fail: [`crate::check`] has looked before.
//!
//! Ids follow the order of the topology file: endpoints are `cloud-services`, then instances, services, gateways;
//! domains are the VPCs, then the classic network of each region. They stay the same from epoch to epoch. Ids of routes,
//! rules and merged lists do so too for as long as what they stand for is the same; those of what is gone are given
//! out again once 1,024 others are gone after them.
//!
//! There is one way to write an object, whatever the program has of it already: `change.rs`. [`compile`] writes all
//! objects into an empty program. [`recompile`] writes those that a change touched over a clone of program and names,
//! which shares the pages of all others. [`ProgramIndex`] remembers what a change has to find. A change takes 20 to 180 µs in a
//! world of a million endpoints; `change.rs` has the figures, and what they depend on.

mod change;
mod endpoints;
mod groups;
mod guests;
mod ids;
mod links;
mod routes;

use crate::check::Checked;
use crate::diag::Span;
use crate::model::{self, ChangeSet, Key, Network, Placement, World};
use crate::net::{Ipv4Net, from_last};
use crate::program::{
    Action, Domain, DomainId, EndpointId, Epoch, FixedMap, Name, Names, Program, Subnet, Timeouts, Vswitch, VswitchId,
};
use crate::table::acl::AddressSets;
use crate::table::lpm::{TableId, Tables};
use crate::table::paged::{Paged, PagedMap};
use crate::threads;
use groups::Groups;
use guests::Guests;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// A world, ready to forward, and what its ids are called.
pub struct Compiled {
    /// What forwarding reads.
    pub program: Program,
    /// What printing reads.
    pub names: Names,
    /// What [`recompile`] reads.
    pub index: ProgramIndex,
}

/// What a change of the world has to find in its program; belongs to one program and the names beside it. A clone shares
/// what no change has touched.
#[derive(Clone, Debug, Default)]
pub struct ProgramIndex {
    classic_domains: Arc<FixedMap<String, DomainId>>,
    /// By the index of the custom table in the world.
    custom_tables: Arc<Vec<Option<TableId>>>,
    routes: ids::Ids,
    guests: Guests,
    groups: Groups,
    /// Of an address that several have.
    several: PagedMap<Ipv4Addr, Owners>,
}

/// Endpoints that have the same address: as much of them as tells which is left when all others are gone.
#[derive(Clone, Copy, Debug, Default)]
struct Owners {
    count: u32,
    /// All ids, exclusive-or.
    ids: u32,
}

impl Owners {
    fn with(self, id: EndpointId) -> Owners {
        Owners { count: self.count + 1, ids: self.ids ^ id.0 }
    }

    fn without(self, id: EndpointId) -> Owners {
        Owners { count: self.count - 1, ids: self.ids ^ id.0 }
    }
}

/// Endpoints that are worth a thread of their own to be named by.
const WORTH_A_THREAD: usize = 20_000;

/// Compiles `world` as snapshot `epoch`.
pub fn compile(world: &Checked, epoch: Epoch) -> Compiled {
    if endpoint_count(world) < WORTH_A_THREAD {
        return compile_but_names(world, epoch).named(endpoints::names_of(world));
    }
    // What endpoints are called and what they are know nothing of each other.
    let (compiler, names) = threads::both(|| compile_but_names(world, epoch), || endpoints::names_of(world));
    compiler.named(names)
}

/// Everything but the names of endpoints.
fn compile_but_names(world: &Checked, epoch: Epoch) -> Compiler<'_> {
    let mut compiler = Compiler::new(world, epoch);
    compiler.add_domains();
    compiler.add_vswitches();
    compiler.add_cloud_services();
    compiler.write(&ChangeSet::everything(world));
    compiler.add_gateways();
    compiler.add_members();
    compiler
}

/// How many ids endpoints have.
fn endpoint_count(world: &World) -> usize {
    1 + world.instances.capacity() + world.services.capacity() + world.gateways.capacity()
}

/// The next snapshot of `world`, which was changed as `touched` tells since `index`, `program` and `names` were made.
/// `index` is brought up to date.
pub fn recompile(
    world: &Checked,
    touched: &ChangeSet,
    program: &Program,
    names: &Names,
    index: &mut ProgramIndex,
) -> (Program, Names) {
    let (program, names) = (program.clone(), names.clone());
    let mut compiler = Compiler { world, program, names, index: std::mem::take(index) };
    compiler.program.epoch.0 += 1;
    compiler.write(touched);
    let Compiled { program, names, index: next } = compiler.finish();
    *index = next;
    (program, names)
}

/// Third-last address: the vendor's guests use it as their gateway
/// (<https://github.com/kubeup/kube-aliyun/issues/3> shows a route dump).
const VSWITCH_GATEWAY_FROM_LAST: u32 = 2;

struct Compiler<'a> {
    world: &'a Checked,
    program: Program,
    names: Names,
    index: ProgramIndex,
}

/// An entry of a route table, before it has an id.
struct NamedRoute {
    prefix: Ipv4Net,
    action: Action,
    name: Name,
}

fn unnamed() -> Name {
    Name { text: String::new(), span: Span::NONE }
}

/// The gateway of a vSwitch. The one of the primary CIDR speaks for a VPC without vSwitches.
fn gateway_of(range: Ipv4Net) -> Ipv4Addr {
    from_last(range, VSWITCH_GATEWAY_FROM_LAST)
}

/// Puts an entry at the place of `index`, which is there or the next one.
fn put<T: Clone>(entries: &mut Paged<T>, index: usize, entry: T) {
    if index == entries.len() {
        entries.push(entry);
    } else {
        entries.replace(index, entry);
    }
}

impl<'a> Compiler<'a> {
    fn new(world: &'a Checked, epoch: Epoch) -> Compiler<'a> {
        let endpoints = endpoint_count(world);
        let mut tables = Tables::new();
        let gateways = tables.add(&[]);
        let program = Program {
            epoch,
            endpoints: Paged::new(),
            domains: Paged::new(),
            classic_domains: Vec::new(),
            vswitches: Arc::default(),
            routes: Paged::new(),
            tables,
            hosts: PagedMap::with_capacity(endpoints),
            owners: PagedMap::with_capacity(endpoints),
            gateways,
            remote_ranges: Arc::default(),
            gateway_addresses: PagedMap::default(),
            public_ips: PagedMap::default(),
            acls: Paged::new(),
            address_sets: AddressSets::default(),
            whitelists: Paged::filled(Arc::default(), world.services.capacity()),
            timeouts: Timeouts {
                tcp_established: world.sessions.tcp_established.value,
                tcp_transient: world.sessions.tcp_transient.value,
                udp: world.sessions.udp.value,
                icmp: world.sessions.icmp.value,
                other: world.sessions.other.value,
                fragment: world.sessions.fragment.value,
            },
            session_limit: world.session_limit.value,
            mtu: world.mtu.value,
        };
        let mut names = Names::default();
        names.whitelists = Paged::filled(unnamed(), world.services.capacity());
        let index = ProgramIndex {
            custom_tables: Arc::new(vec![None; world.route_tables.capacity()]),
            ..ProgramIndex::default()
        };
        Compiler { world, program, names, index }
    }

    fn vpc_domain(vpc: Key<model::Vpc>) -> DomainId {
        DomainId::from_index(vpc.index())
    }

    fn vswitch_id(vswitch: Key<model::Vswitch>) -> VswitchId {
        VswitchId::from_index(vswitch.index())
    }

    fn domain(&self, network: Network, placement: &Placement) -> DomainId {
        match network {
            Network::Vpc(vpc) => Self::vpc_domain(vpc),
            Network::Classic => self.classic_domain(self.world.region(network, placement)),
        }
    }

    fn classic_domain(&self, region: &str) -> DomainId {
        *self.index.classic_domains.get(region).expect("every region of the world has a classic domain")
    }

    /// Numbers the domains, so that everything else can name them. What a VPC is made of comes later.
    fn add_domains(&mut self) {
        let world = self.world;
        let mut domain_names = vec![unnamed(); world.vpcs.capacity()];
        for (key, vpc) in world.vpcs.iter() {
            domain_names[key.index()] = Name { text: vpc.id.value.clone(), span: vpc.id.span };
        }
        let classic_domains = Arc::make_mut(&mut self.index.classic_domains);
        for region in world.index().regions() {
            let id = DomainId::from_index(domain_names.len());
            classic_domains.insert(region.clone(), id);
            self.program.classic_domains.push(id);
            domain_names.push(Name { text: "classic".to_owned(), span: Span::NONE });
        }
        let classic = self.add_classic_tables();
        self.program.domains = domain_names.iter().map(|_| Domain::Classic(classic)).collect();
        self.names.domains = domain_names.into_iter().collect();
    }

    fn add_vswitches(&mut self) {
        let world = self.world;
        let nowhere = Subnet { range: Ipv4Net::default(), gateway: Ipv4Addr::UNSPECIFIED };
        let mut vswitches = vec![Vswitch { subnet: nowhere, domain: DomainId(0) }; world.vswitches.capacity()];
        let mut vswitch_names = vec![unnamed(); world.vswitches.capacity()];
        for (key, vswitch) in world.vswitches.iter() {
            let range = vswitch.cidr.value;
            let subnet = Subnet { range, gateway: gateway_of(range) };
            self.add_gateway_address(subnet.gateway);
            vswitches[key.index()] = Vswitch { subnet, domain: Self::vpc_domain(*vswitch.vpc) };
            vswitch_names[key.index()] = Name { text: vswitch.id.value.clone(), span: vswitch.id.span };
        }
        self.program.vswitches = vswitches.into();
        self.names.vswitches = vswitch_names.into();
    }

    /// Finishes a whole world, whose endpoints have `names`.
    fn named(mut self, names: Names) -> Compiled {
        self.names.take_endpoints(names);
        self.finish()
    }

    fn finish(self) -> Compiled {
        Compiled { program: self.program, names: self.names, index: self.index }
    }
}

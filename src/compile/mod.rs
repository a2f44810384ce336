//! From the declared world to the compiled one. Cannot fail: [`crate::check`] has looked before.
//!
//! Ids follow the order of the topology file and stay the same from epoch to epoch: endpoints are `cloud-services`,
//! then instances, services, gateways; domains are the VPCs, then the classic network of each region.

mod endpoints;
mod groups;
mod routes;

use crate::diag::Span;
use crate::model::{self, Key, Network, Placement, World};
use crate::net::{Ipv4Net, from_last};
use crate::program::{
    Domain, DomainId, Epoch, Name, Names, Program, Route, RouteId, Subnet, Timeouts, Vpc, Vswitch, VswitchId,
};
use crate::table::acl::AddressSets;
use crate::table::lpm::{TableId, Tables};
use crate::table::paged::Paged;
use groups::Groups;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// A world, ready to forward, and what its ids are called.
pub struct Compiled {
    /// What forwarding reads.
    pub program: Program,
    /// What printing reads.
    pub names: Names,
}

/// Compiles `world` as snapshot `epoch`.
pub fn compile(world: &World, epoch: Epoch) -> Compiled {
    let mut compiler = Compiler::new(world);
    compiler.add_domains();
    compiler.add_vpcs();
    compiler.add_endpoints();
    compiler.finish(epoch)
}

/// Third-last address: the vendor's guests use it as their gateway
/// (<https://github.com/kubeup/kube-aliyun/issues/3> shows a route dump).
const VSWITCH_GATEWAY_FROM_LAST: u32 = 2;

struct Compiler<'a> {
    world: &'a World,
    names: Names,
    domains: Vec<Option<Domain>>,
    classic_domains: Vec<(&'a str, DomainId)>,
    vswitches: Vec<Vswitch>,
    routes: Paged<Route>,
    tables: Tables,
    /// By the index of the VPC in the world.
    vswitches_of: Vec<Vec<Key<model::Vswitch>>>,
    /// By the index of the VPC in the world.
    tables_of: Vec<Vec<Key<model::RouteTable>>>,
    /// By the index of the custom table in the world.
    custom_tables: Vec<Option<TableId>>,
    groups: Groups<'a>,
    endpoints: endpoints::Endpoints,
}

impl<'a> Compiler<'a> {
    fn new(world: &'a World) -> Compiler<'a> {
        let endpoints = 1 + world.instances.capacity() + world.services.capacity() + world.gateways.capacity();
        Compiler {
            world,
            names: Names::with_capacity(endpoints),
            domains: Vec::new(),
            classic_domains: Vec::new(),
            vswitches: Vec::new(),
            routes: Paged::new(),
            tables: Tables::new(),
            vswitches_of: vec![Vec::new(); world.vpcs.capacity()],
            tables_of: vec![Vec::new(); world.vpcs.capacity()],
            custom_tables: vec![None; world.route_tables.capacity()],
            groups: Groups::new(world),
            endpoints: endpoints::Endpoints::with_capacity(endpoints),
        }
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
        let found = self.classic_domains.iter().find(|(name, _)| *name == region);
        found.expect("every region of the world has a classic domain").1
    }

    /// Numbers the domains and vSwitches, so that everything else can name them.
    fn add_domains(&mut self) {
        let world = self.world;
        let unnamed = || Name { text: String::new(), span: Span::NONE };
        self.domains.resize_with(world.vpcs.capacity(), || None);
        let mut domain_names = vec![unnamed(); world.vpcs.capacity()];
        for (key, vpc) in world.vpcs.iter() {
            domain_names[key.index()] = Name { text: vpc.id.value.clone(), span: vpc.id.span };
        }
        for region in world.regions() {
            let id = DomainId::from_index(self.domains.len());
            self.classic_domains.push((region, id));
            self.domains.push(Some(Domain::Classic));
            domain_names.push(Name { text: "classic".to_owned(), span: Span::NONE });
        }
        self.names.domains = domain_names.into_iter().collect();
        let nowhere = Subnet { range: Ipv4Net::default(), gateway: Ipv4Addr::UNSPECIFIED };
        self.vswitches.resize(world.vswitches.capacity(), Vswitch { subnet: nowhere, domain: DomainId(0) });
        let mut vswitch_names = vec![unnamed(); world.vswitches.capacity()];
        for (key, vswitch) in world.vswitches.iter() {
            let range = vswitch.cidr.value;
            let subnet = Subnet { range, gateway: from_last(range, VSWITCH_GATEWAY_FROM_LAST) };
            self.vswitches_of[vswitch.vpc.value.index()].push(key);
            self.vswitches[key.index()] = Vswitch { subnet, domain: Self::vpc_domain(*vswitch.vpc) };
            vswitch_names[key.index()] = Name { text: vswitch.id.value.clone(), span: vswitch.id.span };
        }
        self.names.vswitches = vswitch_names.into();
    }

    fn add_vpcs(&mut self) {
        for (key, table) in self.world.route_tables.iter() {
            self.tables_of[table.vpc.value.index()].push(key);
        }
        let world = self.world;
        for (key, vpc) in world.vpcs.iter() {
            let domain = Self::vpc_domain(key);
            let first_vswitch = self.vswitches_of[key.index()].first();
            let speaker = first_vswitch.map(|first| self.vswitches[first.index()].subnet.gateway);
            let tables = self.add_vpc_tables(key, vpc);
            self.domains[domain.index()] = Some(Domain::Vpc(Vpc {
                primary: vpc.cidr.value,
                secondary: vpc.secondary_cidrs.iter().map(|cidr| cidr.value).collect(),
                classic_link: vpc.classic_link.value,
                classic: self.classic_domain(world.vpc_region(key)),
                system: tables.system,
                over_link: tables.over_link,
                local: tables.local,
                speaker: speaker.unwrap_or_else(|| from_last(vpc.cidr.value, VSWITCH_GATEWAY_FROM_LAST)),
            }));
        }
    }

    fn finish(mut self, epoch: Epoch) -> Compiled {
        let world = self.world;
        let gateways = self.endpoints.gateway_table(&mut self.tables);
        let (acls, address_sets): (_, AddressSets) = self.groups.finish(&mut self.names);
        let released_vpc = || Domain::Classic;
        let program = Program {
            epoch,
            endpoints: self.endpoints.all,
            domains: self.domains.into_iter().map(|domain| domain.unwrap_or_else(released_vpc)).collect(),
            classic_domains: self.classic_domains.iter().map(|(_, id)| *id).collect(),
            vswitches: self.vswitches.into(),
            routes: self.routes,
            tables: self.tables,
            hosts: self.endpoints.hosts,
            owners: self.endpoints.owners,
            gateways,
            remote_cidrs: Arc::new(self.endpoints.remote_cidrs),
            acls,
            address_sets,
            whitelists: self.endpoints.whitelists,
            timeouts: Timeouts {
                tcp_established: world.sessions.tcp_established.value,
                tcp_transient: world.sessions.tcp_transient.value,
                udp: world.sessions.udp.value,
                icmp: world.sessions.icmp.value,
                other: world.sessions.other.value,
                fragment: world.sessions.fragment.value,
            },
            mtu: world.mtu.value,
        };
        Compiled { program, names: self.names }
    }

    fn add_route(&mut self, route: Route, name: Name) -> RouteId {
        let id = RouteId::from_index(self.routes.len());
        self.routes.push(route);
        self.names.routes.push(name);
        id
    }
}

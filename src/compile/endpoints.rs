//! Endpoints: instances, services and gateways, and who may send from which address.

use super::Compiler;
use crate::diag::Span;
use crate::model::{Gateway, Instance, InstanceState, Key, Location, Network, Service, ServiceKind, Vswitch, World};
use crate::net::{Ipv4Net, MacAddress};
use crate::program::{DomainId, Endpoint, EndpointId, EndpointKind, FixedMap, Name, Owner, TIED, WhitelistId};
use crate::table::lpm::{TableId, Tables};
use crate::table::paged::{Paged, PagedMap};
use std::net::Ipv4Addr;
use std::sync::Arc;

pub(super) struct Endpoints {
    pub(super) all: Paged<Endpoint>,
    pub(super) hosts: PagedMap<(DomainId, Ipv4Addr), EndpointId>,
    pub(super) owners: PagedMap<Ipv4Addr, Owner>,
    pub(super) whitelists: Paged<Arc<[Ipv4Net]>>,
    pub(super) default_guest_table: Option<TableId>,
    pub(super) remote_cidrs: FixedMap<EndpointId, Vec<Ipv4Net>>,
    gateways: FixedMap<Ipv4Net, u32>,
}

impl Endpoints {
    pub(super) fn with_capacity(count: usize) -> Endpoints {
        Endpoints {
            all: Paged::new(),
            hosts: PagedMap::with_capacity(count),
            owners: PagedMap::with_capacity(count),
            whitelists: Paged::new(),
            default_guest_table: None,
            remote_cidrs: FixedMap::default(),
            gateways: FixedMap::default(),
        }
    }

    pub(super) fn instance_id(&self, key: Key<Instance>) -> EndpointId {
        EndpointId::from_index(1 + key.index())
    }

    pub(super) fn gateway_id(&self, world: &World, key: Key<Gateway>) -> EndpointId {
        EndpointId::from_index(1 + world.instances.capacity() + world.services.capacity() + key.index())
    }

    fn own(&mut self, id: EndpointId, domain: DomainId, address: Ipv4Addr) {
        self.hosts.insert((domain, address), id);
        if self.owners.insert(address, Owner::One(id)).is_some() {
            self.owners.insert(address, Owner::Several);
        }
    }

    /// The longest-prefix table of remote CIDRs.
    pub(super) fn gateway_table(&self, tables: &mut Tables) -> TableId {
        let mut bound: Vec<(Ipv4Net, u32)> = self.gateways.iter().map(|(net, id)| (*net, *id)).collect();
        bound.sort_unstable();
        tables.add(&bound)
    }
}

/// An endpoint that owns nothing and does nothing: what a released one leaves behind.
fn blank(kind: EndpointKind, domain: DomainId) -> Endpoint {
    Endpoint {
        kind,
        domain,
        address: Ipv4Addr::UNSPECIFIED,
        mac: MacAddress::default(),
        running: true,
        forwarding: false,
        vswitch: None,
        table: None,
        guest: None,
        link: None,
        egress: None,
        ingress: None,
        whitelist: None,
    }
}

/// A locally administered address made of the id alone, so that it is the same in every run and every epoch.
fn derived_mac(id: &str) -> MacAddress {
    // FNV-1a, 64 bits.
    let hash = id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let [a, b, c, d, e, ..] = hash.to_be_bytes();
    MacAddress([0x02, a, b, c, d, e])
}

impl Compiler<'_> {
    pub(super) fn add_endpoints(&mut self) {
        let world = self.world;
        let nobody = || Name { text: String::new(), span: Span::NONE };
        let released = blank(EndpointKind::Service { balances_load: false }, DomainId(0));
        self.names.add_endpoint(Name { text: "cloud-services".to_owned(), span: Span::NONE });
        let mac = derived_mac("cloud-services");
        self.endpoints.all.push(Endpoint { mac, ..blank(EndpointKind::CloudServices, DomainId(0)) });

        let mut instances = world.instances.iter().peekable();
        for index in 0..world.instances.capacity() {
            match instances.next_if(|(key, _)| key.index() == index) {
                Some((_, instance)) => self.add_instance(instance),
                None => _ = self.add_endpoint(released, nobody()),
            }
        }
        let mut services = world.services.iter().peekable();
        for index in 0..world.services.capacity() {
            match services.next_if(|(key, _)| key.index() == index) {
                Some((_, service)) => self.add_service(service),
                None => _ = self.add_endpoint(released, nobody()),
            }
        }
        let mut gateways = world.gateways.iter().peekable();
        for index in 0..world.gateways.capacity() {
            match gateways.next_if(|(key, _)| key.index() == index) {
                Some((_, gateway)) => self.add_gateway(gateway),
                None => _ = self.add_endpoint(released, nobody()),
            }
        }
    }

    fn add_endpoint(&mut self, endpoint: Endpoint, name: Name) -> EndpointId {
        let id = self.names.add_endpoint(name);
        if !endpoint.address.is_unspecified() {
            self.endpoints.own(id, endpoint.domain, endpoint.address);
        }
        self.endpoints.all.push(endpoint);
        id
    }

    /// What instances and services have from where they live.
    fn placed(&self, kind: EndpointKind, location: Location, domain: DomainId, address: Ipv4Addr) -> Endpoint {
        let endpoint = Endpoint { address, ..blank(kind, domain) };
        match location {
            Location::Vswitch(key) => {
                Endpoint { vswitch: Some(Self::vswitch_id(key)), table: self.table_of(key), ..endpoint }
            }
            Location::Classic => endpoint,
        }
    }

    fn table_of(&self, vswitch: Key<Vswitch>) -> Option<TableId> {
        let declared = &self.world.vswitches[vswitch];
        match &declared.route_table {
            Some(table) => self.custom_tables[table.value.index()],
            None => self.system_table(Self::vpc_domain(declared.vpc.value)),
        }
    }

    fn system_table(&self, domain: DomainId) -> Option<TableId> {
        match &self.domains[domain.index()] {
            Some(crate::program::Domain::Vpc(vpc)) => Some(vpc.system),
            _ => None,
        }
    }

    fn add_instance(&mut self, instance: &Instance) {
        let network = self.world.network(*instance.location);
        let domain = self.domain(network, &instance.placement);
        let kind = EndpointKind::Instance;
        let (egress, ingress) = self.groups.acls(&instance.security_groups);
        let endpoint = Endpoint {
            mac: instance.mac.map_or_else(|| derived_mac(&instance.id), |mac| mac.value),
            running: instance.state.value == InstanceState::Running,
            // A classic instance does not forward for others: the classic network has no route that leads to one.
            forwarding: instance.forwarding.value && network != Network::Classic,
            guest: (network == Network::Classic).then(|| self.guest_table(instance)),
            link: instance.linked_vpc.map(|vpc| Self::vpc_domain(vpc.value)),
            egress: Some(egress),
            ingress: Some(ingress),
            ..self.placed(kind, *instance.location, domain, instance.private_ip.value)
        };
        self.add_endpoint(endpoint, Name { text: instance.id.value.clone(), span: instance.id.span });
    }

    fn add_service(&mut self, service: &Service) {
        let domain = self.domain(self.world.network(*service.location), &service.placement);
        let kind = EndpointKind::Service { balances_load: service.kind.value == ServiceKind::Slb };
        let whitelist = service.effective_whitelist().map(|entries| {
            let id = WhitelistId::from_index(self.endpoints.whitelists.len());
            self.endpoints.whitelists.push(entries.into());
            let span = service.whitelist.as_ref().map_or(service.id.span, |whitelist| whitelist.span);
            self.names.whitelists.push(Name { text: service.id.value.clone(), span });
            id
        });
        let mac = derived_mac(&service.id);
        let placed = self.placed(kind, *service.location, domain, service.ip.value);
        let name = Name { text: service.id.value.clone(), span: service.id.span };
        self.add_endpoint(Endpoint { mac, whitelist, ..placed }, name);
    }

    fn add_gateway(&mut self, gateway: &Gateway) {
        let domain = Self::vpc_domain(*gateway.vpc);
        let endpoint = Endpoint {
            mac: derived_mac(&gateway.id),
            table: self.system_table(domain),
            ..blank(EndpointKind::Gateway, domain)
        };
        let id = self.add_endpoint(endpoint, Name { text: gateway.id.value.clone(), span: gateway.id.span });
        let cidrs: Vec<Ipv4Net> = gateway.remote_cidrs.iter().map(|cidr| cidr.value).collect();
        for cidr in &cidrs {
            let other = |known: &mut u32| {
                if *known != id.0 {
                    *known = TIED;
                }
            };
            self.endpoints.gateways.entry(*cidr).and_modify(other).or_insert(id.0);
        }
        self.endpoints.remote_cidrs.insert(id, cidrs);
    }
}

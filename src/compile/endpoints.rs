//! Endpoints: instances, services and gateways, and which of them may send from which address.

use super::{Compiler, Owners, put};
use crate::diag::{Span, Spanned};
use crate::model::{
    Gateway, Instance, InstanceState, Key, Location, Network, Service, ServiceKind, Table, Vswitch, World,
};
use crate::net::{Ipv4Net, MacAddress, classic_gateway, ranges};
use crate::program::{
    Classic, Domain, DomainId, Endpoint, EndpointId, EndpointKind, FixedMap, NO_GATEWAY, Name, Names, Owner,
    RemoteRange, TIED, Whitelist, WhitelistId,
};
use crate::table::lpm::TableId;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// An endpoint that owns nothing and does nothing: what a released one leaves behind.
fn blank(kind: EndpointKind, domain: DomainId) -> Endpoint {
    Endpoint {
        kind,
        domain,
        address: Ipv4Addr::UNSPECIFIED,
        public_ip: Ipv4Addr::UNSPECIFIED,
        mac: MacAddress::default(),
        mac_is_declared: false,
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

/// What a released endpoint leaves behind.
fn released() -> Endpoint {
    blank(EndpointKind::Released, DomainId(0))
}

/// What instances and services have from where they live.
fn placed(kind: EndpointKind, location: Location, domain: DomainId, address: Ipv4Addr) -> Endpoint {
    let vswitch = match location {
        Location::Vswitch(key) => Some(Compiler::vswitch_id(key)),
        Location::Classic => None,
    };
    Endpoint { address, vswitch, ..blank(kind, domain) }
}

/// The names of all endpoints, in the order of their ids.
pub(super) fn names_of(world: &World) -> Names {
    let mut names = Names::with_capacity(super::endpoint_count(world));
    names.add_endpoint(Name { text: "cloud-services".to_owned(), span: Span::NONE });
    add_names(&mut names, &world.instances, |instance| &instance.id);
    add_names(&mut names, &world.services, |service| &service.id);
    add_names(&mut names, &world.gateways, |gateway| &gateway.id);
    names
}

fn add_names<T>(names: &mut Names, table: &Table<T>, id: impl Fn(&T) -> &Spanned<String>) {
    let mut named = table.iter().peekable();
    for index in 0..table.capacity() {
        let id = named.next_if(|(key, _)| key.index() == index).map(|(_, object)| id(object));
        names.add_endpoint(id.map_or_else(super::unnamed, |id| Name { text: id.value.clone(), span: id.span }));
    }
}

/// Lets a gateway take the sources that a prefix holds; two with one prefix tie.
fn take_prefix(by_prefix: &mut BTreeMap<Ipv4Net, u32>, prefix: Ipv4Net, id: EndpointId) {
    let tie = |known: &mut u32| *known = if *known == id.0 { id.0 } else { TIED };
    by_prefix.entry(prefix).and_modify(tie).or_insert(id.0);
}

/// Lets gateways take all public sources, as a prefix of length 0 would. What is not public stays with the prefix that
/// covered it before, if any.
fn take_public(by_prefix: &mut BTreeMap<Ipv4Net, u32>, gateways: &[EndpointId]) {
    if gateways.is_empty() {
        return;
    }
    let covering = |prefix: &Ipv4Net| {
        let around = by_prefix.iter().filter(|(other, _)| other.contains(prefix));
        around.max_by_key(|(other, _)| other.prefix_len()).map_or(NO_GATEWAY, |(_, taker)| *taker)
    };
    let kept: Vec<(Ipv4Net, u32)> = ranges::NOT_PUBLIC.iter().map(|prefix| (*prefix, covering(prefix))).collect();
    by_prefix.extend(kept);
    gateways.iter().for_each(|id| take_prefix(by_prefix, Ipv4Net::default(), *id));
}

impl Compiler<'_> {
    pub(super) fn instance_id(key: Key<Instance>) -> EndpointId {
        EndpointId::from_index(1 + key.index())
    }

    fn service_id(&self, key: Key<Service>) -> EndpointId {
        EndpointId::from_index(1 + self.world.instances.capacity() + key.index())
    }

    pub(super) fn gateway_id(&self, key: Key<Gateway>) -> EndpointId {
        let before = 1 + self.world.instances.capacity() + self.world.services.capacity();
        EndpointId::from_index(before + key.index())
    }

    pub(super) fn add_cloud_services(&mut self) {
        let mac = derived_mac("cloud-services");
        let cloud_services = Endpoint { mac, ..blank(EndpointKind::CloudServices, DomainId(0)) };
        self.program.endpoints.push(cloud_services);
    }

    /// Adds the gateways, which come after all other endpoints and stay as they are.
    pub(super) fn add_gateways(&mut self) {
        for key in self.world.gateways.all_keys() {
            let gateway = self.world.gateways.get(key);
            let endpoint = gateway.map_or_else(released, |gateway| self.gateway(gateway));
            self.program.endpoints.push(endpoint);
        }
        self.add_remote_cidrs();
    }

    /// The source addresses that may enter by gateways, and their longest-prefix table.
    fn add_remote_cidrs(&mut self) {
        let mut remote_ranges: FixedMap<EndpointId, RemoteRange> = FixedMap::default();
        let mut by_prefix: BTreeMap<Ipv4Net, u32> = BTreeMap::new();
        let mut takes_public = Vec::new();
        for (key, gateway) in self.world.gateways.iter() {
            let id = self.gateway_id(key);
            if gateway.takes_public() {
                takes_public.push(id);
                remote_ranges.insert(id, RemoteRange::Public);
                continue;
            }
            let cidrs: Vec<Ipv4Net> = gateway.remote_cidrs.iter().map(|cidr| cidr.value).collect();
            cidrs.iter().for_each(|cidr| take_prefix(&mut by_prefix, *cidr, id));
            remote_ranges.insert(id, RemoteRange::Cidrs(cidrs));
        }
        take_public(&mut by_prefix, &takes_public);
        let bound: Vec<(Ipv4Net, u32)> = by_prefix.into_iter().collect();
        self.program.gateways = self.program.tables.add(&bound);
        self.program.remote_ranges = Arc::new(remote_ranges);
    }

    fn table_of(&self, vswitch: Key<Vswitch>) -> Option<TableId> {
        let declared = &self.world.vswitches[vswitch];
        match &declared.route_table {
            Some(table) => self.index.custom_tables[table.value.index()],
            None => self.system_table(Self::vpc_domain(declared.vpc.value)),
        }
    }

    fn system_table(&self, domain: DomainId) -> Option<TableId> {
        match &self.program.domains[domain.index()] {
            Domain::Vpc(vpc) => Some(vpc.system),
            Domain::Classic(_) => None,
        }
    }

    fn classic_tables(&self, domain: DomainId) -> Option<Classic> {
        match &self.program.domains[domain.index()] {
            Domain::Vpc(_) => None,
            Domain::Classic(classic) => Some(*classic),
        }
    }

    /// An instance whose guest has the routing table `guest`. It counts as one more in its groups.
    pub(super) fn instance(&mut self, instance: &Instance, guest: Option<TableId>) -> Endpoint {
        let network = self.world.network(*instance.location);
        let domain = self.domain(network, &instance.placement);
        let (egress, ingress) = self.join(&instance.security_groups);
        let table = match *instance.location {
            Location::Vswitch(vswitch) => self.table_of(vswitch),
            Location::Classic => match instance.linked_vpc {
                Some(vpc) => self.link_table(vpc.value),
                None => self.classic_tables(domain).map(|tables| tables.instances),
            },
        };
        Endpoint {
            public_ip: instance.public_ip.map_or(Ipv4Addr::UNSPECIFIED, |address| address.value),
            mac: instance.mac.map_or_else(|| derived_mac(&instance.id), |mac| mac.value),
            mac_is_declared: instance.mac.is_some(),
            running: instance.state.value == InstanceState::Running,
            // A classic instance does not forward for others: the classic network has no route that leads to one.
            forwarding: instance.forwarding.value && network != Network::Classic,
            table,
            guest,
            link: instance.linked_vpc.map(|vpc| Self::vpc_domain(vpc.value)),
            egress: Some(egress),
            ingress: Some(ingress),
            ..placed(EndpointKind::Instance, *instance.location, domain, instance.private_ip.value)
        }
    }

    fn service(&mut self, key: Key<Service>, service: &Service) -> Endpoint {
        let domain = self.domain(self.world.network(*service.location), &service.placement);
        let kind = EndpointKind::Service { balances_load: service.kind.value == ServiceKind::Slb };
        let whitelist = service.effective_whitelist().map(|entries| {
            let whitelist = Whitelist { entries, is_complete: !service.whitelist_is_unknown };
            self.program.whitelists.replace(key.index(), Arc::new(whitelist));
            let span = service.whitelist.as_ref().map_or(service.id.span, |whitelist| whitelist.span);
            self.names.whitelists.replace(key.index(), Name { text: service.id.value.clone(), span });
            WhitelistId::from_index(key.index())
        });
        let table = match *service.location {
            Location::Vswitch(vswitch) => self.table_of(vswitch),
            Location::Classic => self.classic_tables(domain).map(|tables| tables.services),
        };
        let placed = placed(kind, *service.location, domain, service.ip.value);
        Endpoint { mac: derived_mac(&service.id), table, whitelist, ..placed }
    }

    fn gateway(&self, gateway: &Gateway) -> Endpoint {
        let domain = Self::vpc_domain(*gateway.vpc);
        let (mac, table) = (derived_mac(&gateway.id), self.system_table(domain));
        Endpoint { mac, table, ..blank(EndpointKind::Gateway, domain) }
    }

    /// Writes an instance, whatever the program has of it.
    pub(super) fn write_instance(&mut self, key: Key<Instance>) {
        let id = Self::instance_id(key);
        let old = self.program.endpoints.get(id.index()).copied();
        let instance = self.world.instances.get(key);
        let guest = self.write_guest(old.and_then(|old| old.guest), instance);
        let new = instance.map_or_else(released, |instance| self.instance(instance, guest));
        if let Some(old) = old {
            self.change_members(&old, &new, instance);
        }
        self.write_endpoint(id, old, new);
    }

    /// Takes an instance out of the groups that it was in, and into those that it is in now.
    fn change_members(&mut self, old: &Endpoint, new: &Endpoint, instance: Option<&Instance>) {
        let groups = old.egress.map(|egress| self.leave(egress)).unwrap_or_default();
        if (old.domain, old.address, old.egress) == (new.domain, new.address, new.egress) {
            return;
        }
        let sets = &mut self.program.address_sets;
        groups.iter().for_each(|group| _ = sets.remove(group.index(), old.address));
        for group in instance.into_iter().flat_map(|instance| &instance.security_groups) {
            sets.insert(group.index(), new.address);
        }
    }

    /// Writes a service.
    pub(super) fn write_service(&mut self, key: Key<Service>) {
        let id = self.service_id(key);
        let old = self.program.endpoints.get(id.index()).copied();
        let new = match self.world.services.get(key) {
            Some(service) => self.service(key, service),
            None => released(),
        };
        self.write_endpoint(id, old, new);
    }

    /// Puts an endpoint in the place of what the program has under its id, if anything, and moves the address.
    fn write_endpoint(&mut self, id: EndpointId, old: Option<Endpoint>, new: Endpoint) {
        let old_public_ip = old.map_or(Ipv4Addr::UNSPECIFIED, |old| old.public_ip);
        if old_public_ip != new.public_ip {
            self.program.public_ips.remove(&old_public_ip);
            if !new.public_ip.is_unspecified() {
                self.program.public_ips.insert(new.public_ip, id);
            }
        }
        let owned = |endpoint: &Endpoint| (endpoint.domain, endpoint.address);
        if old.as_ref().map(owned) != Some(owned(&new)) {
            old.into_iter().for_each(|old| self.disown(id, &old));
            self.own(id, &new);
        }
        if new.kind == EndpointKind::Released && old.is_some_and(|old| old.kind != EndpointKind::Released) {
            self.names.forget_endpoint(id);
        }
        put(&mut self.program.endpoints, id.index(), new);
    }

    /// Gives an endpoint its address.
    fn own(&mut self, id: EndpointId, endpoint: &Endpoint) {
        let address = endpoint.address;
        if address.is_unspecified() {
            return;
        }
        self.program.hosts.insert((endpoint.domain, address), id);
        if self.program.vpc(endpoint.domain).is_none() {
            self.add_gateway_address(classic_gateway(address));
        }
        match self.program.owners.insert(address, Owner::One(id)) {
            None => {}
            Some(Owner::One(first)) => {
                self.program.owners.insert(address, Owner::Several);
                self.index.several.insert(address, Owners::default().with(first).with(id));
            }
            Some(Owner::Several) => {
                self.program.owners.insert(address, Owner::Several);
                let known = self.index.several.get(&address).copied().unwrap_or_default();
                self.index.several.insert(address, known.with(id));
            }
        }
    }

    /// Counts one more subnet or endpoint whose gateway has `address`.
    pub(super) fn add_gateway_address(&mut self, address: Ipv4Addr) {
        let known = self.program.gateway_addresses.get(&address).copied().unwrap_or(0);
        self.program.gateway_addresses.insert(address, known + 1);
    }

    fn remove_gateway_address(&mut self, address: Ipv4Addr) {
        match self.program.gateway_addresses.get(&address).copied() {
            Some(known) if known > 1 => _ = self.program.gateway_addresses.insert(address, known - 1),
            _ => _ = self.program.gateway_addresses.remove(&address),
        }
    }

    /// Takes the address from an endpoint.
    fn disown(&mut self, id: EndpointId, endpoint: &Endpoint) {
        let address = endpoint.address;
        if address.is_unspecified() {
            return;
        }
        self.program.hosts.remove(&(endpoint.domain, address));
        if self.program.vpc(endpoint.domain).is_none() {
            self.remove_gateway_address(classic_gateway(address));
        }
        let Some(owners) = self.index.several.get(&address).map(|owners| owners.without(id)) else {
            self.program.owners.remove(&address);
            return;
        };
        if owners.count > 1 {
            self.index.several.insert(address, owners);
        } else {
            self.index.several.remove(&address);
            self.program.owners.insert(address, Owner::One(EndpointId(owners.ids)));
        }
    }
}

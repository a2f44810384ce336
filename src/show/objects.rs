//! Each kind of object: what it says, and what it is connected to.

use super::connections::{Connected, id, next_hop};
use super::object::{ShownField, ShownObject, ShownRow, ShownValue};
use crate::diag::{Span, Spanned, and_list};
use crate::lab::Topology;
use crate::model::{
    About, Direction, Gateway, GroupKind, Instance, Key, Location, Network, NicType, ObjectKind, Peer, Peering,
    PerDirection, Placement, Policy, RateLimits, Route, RouteTable, Rule, SecurityGroup, Service, UnknownRules, Vpc,
    Vswitch, World,
};
use crate::net::PortRange;
use std::collections::HashMap;
use std::fmt::Display;

/// Puts the objects of one topology into words.
pub(super) struct Shower<'a> {
    pub(super) topology: &'a Topology,
    pub(super) connected: &'a Connected<'a>,
}

/// Fields in the making.
#[derive(Default)]
struct Fields(Vec<ShownField>);

impl Fields {
    fn add(mut self, key: &'static str, value: ShownValue) -> Fields {
        self.0.push(ShownField { key, value });
        self
    }

    fn text(self, key: &'static str, text: &impl ToString) -> Fields {
        self.add(key, ShownValue::Text(text.to_string()))
    }

    fn flag(self, key: &'static str, flag: bool) -> Fields {
        self.add(key, ShownValue::Flag(flag))
    }

    fn optional(self, key: &'static str, text: Option<impl ToString>) -> Fields {
        match text {
            Some(text) => self.text(key, &text),
            None => self,
        }
    }

    fn number(self, key: &'static str, number: Option<u64>) -> Fields {
        match number {
            Some(number) => self.add(key, ShownValue::Number(number)),
            None => self,
        }
    }

    /// A number that holds both ways, or what is said of each.
    fn directions(self, key: &'static str, limit: PerDirection) -> Fields {
        let one = |name, limit: Option<u64>| limit.map(|limit| format!("{name} {limit}"));
        match limit.both() {
            Some(both) => self.number(key, Some(both)),
            None if limit.is_none() => self,
            None => self.text(key, &and_list([one("tx", limit.tx), one("rx", limit.rx)].into_iter().flatten())),
        }
    }

    fn limits(self, limits: Option<&RateLimits>) -> Fields {
        let Some(limits) = limits else { return self };
        self.directions("bandwidth_mbps", limits.bandwidth_mbps)
            .directions("pps", limits.pps)
            .number("burst_ms", limits.burst_ms)
            .number("queue_ms", limits.queue_ms)
            .number("queue_packets", limits.queue_packets)
    }

    fn list(self, key: &'static str, items: impl IntoIterator<Item: ToString>) -> Fields {
        self.add(key, ShownValue::List(items.into_iter().map(|item| item.to_string()).collect()))
    }

    fn pairs(self, key: &'static str, pairs: &[(String, String)]) -> Fields {
        if pairs.is_empty() { self } else { self.add(key, ShownValue::Pairs(pairs.to_vec())) }
    }

    fn rows(self, key: &'static str, rows: Vec<ShownRow>) -> Fields {
        self.add(key, ShownValue::Rows(rows))
    }
}

/// What an object is, and what it is called.
#[derive(Clone, Copy)]
struct ObjectHead<'a> {
    kind: ObjectKind,
    id: &'a Spanned<String>,
    about: &'a Option<Box<About>>,
}

impl<'a> ObjectHead<'a> {
    fn of(kind: ObjectKind, id: &'a Spanned<String>, about: &'a Option<Box<About>>) -> ObjectHead<'a> {
        ObjectHead { kind, id, about }
    }
}

impl Shower<'_> {
    /// All objects of a kind.
    pub(super) fn all(&self, kind: ObjectKind) -> Vec<ShownObject> {
        let world = self.world();
        match kind {
            ObjectKind::Vpc => world.vpcs.iter().map(|(key, vpc)| self.vpc(key, vpc)).collect(),
            ObjectKind::Vswitch => world.vswitches.iter().map(|(key, vswitch)| self.vswitch(key, vswitch)).collect(),
            ObjectKind::RouteTable => world.route_tables.iter().map(|(key, table)| self.table(key, table)).collect(),
            ObjectKind::Peering => world.peerings.values().map(|peering| self.peering(peering)).collect(),
            ObjectKind::Gateway => world.gateways.values().map(|gateway| self.gateway(gateway)).collect(),
            ObjectKind::SecurityGroup => world.security_groups.iter().map(|(key, one)| self.group(key, one)).collect(),
            ObjectKind::Instance => world.instances.values().map(|instance| self.instance(instance)).collect(),
            ObjectKind::Service => world.services.values().map(|service| self.service(service)).collect(),
        }
    }

    /// The object of a kind with this id.
    pub(super) fn find(&self, kind: ObjectKind, id: &str) -> Option<ShownObject> {
        let world = self.world();
        match kind {
            ObjectKind::Vpc => world.vpcs.find(id).map(|key| self.vpc(key, &world.vpcs[key])),
            ObjectKind::Vswitch => world.vswitches.find(id).map(|key| self.vswitch(key, &world.vswitches[key])),
            ObjectKind::RouteTable => world.route_tables.find(id).map(|key| self.table(key, &world.route_tables[key])),
            ObjectKind::Peering => world.peerings.find(id).map(|key| self.peering(&world.peerings[key])),
            ObjectKind::Gateway => world.gateways.find(id).map(|key| self.gateway(&world.gateways[key])),
            ObjectKind::SecurityGroup => {
                world.security_groups.find(id).map(|key| self.group(key, &world.security_groups[key]))
            }
            ObjectKind::Instance => world.instances.find(id).map(|key| self.instance(&world.instances[key])),
            ObjectKind::Service => world.services.find(id).map(|key| self.service(&world.services[key])),
        }
    }

    fn world(&self) -> &World {
        &self.topology.world
    }

    fn vpc(&self, key: Key<Vpc>, vpc: &Vpc) -> ShownObject {
        let (world, index) = (self.world(), self.topology.world.index());
        let fields = Fields::default()
            .text("region", &world.vpc_region(key).as_str())
            .text("account", &world.vpc_account(key).as_str())
            .text("cidr", &vpc.cidr.value)
            .list("secondary_cidrs", vpc.secondary_cidrs.iter().map(|cidr| cidr.value))
            .flag("classic_link", vpc.classic_link.value)
            .rows("routes", self.routes(&vpc.routes));
        let connected = Fields::default()
            .list("vswitches", index.vswitches(key).iter().map(|key| id(&world.vswitches, *key)))
            .list("route_tables", index.custom_tables(key).iter().map(|key| id(&world.route_tables, *key)))
            .list("gateways", ids(&self.connected.gateways_of_vpc, key))
            .list("peerings", ids(&self.connected.peerings_of_vpc, key))
            .list("security_groups", ids(&self.connected.groups_of_vpc, key))
            .list("linked_instances", index.linked(key).iter().map(|key| id(&world.instances, *key)));
        self.object(ObjectHead::of(ObjectKind::Vpc, &vpc.id, &vpc.about), fields, connected)
    }

    fn vswitch(&self, key: Key<Vswitch>, vswitch: &Vswitch) -> ShownObject {
        let world = self.world();
        let table = vswitch.route_table.as_ref().map(|table| id(&world.route_tables, table.value));
        let fields = self
            .placed(Network::Vpc(vswitch.vpc.value), &vswitch.placement)
            .text("vpc", &id(&world.vpcs, vswitch.vpc.value))
            .text("cidr", &vswitch.cidr.value)
            .optional("zone", vswitch.zone.as_deref())
            .text("route_table", &table.unwrap_or("system"));
        let connected = Fields::default()
            .list("instances", ids(&self.connected.instances_of_vswitch, key))
            .list("services", ids(&self.connected.services_of_vswitch, key));
        self.object(ObjectHead::of(ObjectKind::Vswitch, &vswitch.id, &vswitch.about), fields, connected)
    }

    fn table(&self, key: Key<RouteTable>, table: &RouteTable) -> ShownObject {
        let fields = self
            .placed(Network::Vpc(table.vpc.value), &table.placement)
            .text("vpc", &id(&self.world().vpcs, table.vpc.value))
            .rows("routes", self.routes(&table.routes));
        let connected = Fields::default().list("vswitches", ids(&self.connected.vswitches_of_table, key));
        self.object(ObjectHead::of(ObjectKind::RouteTable, &table.id, &table.about), fields, connected)
    }

    fn peering(&self, peering: &Peering) -> ShownObject {
        let vpcs = peering.vpcs.iter().map(|vpc| id(&self.world().vpcs, vpc.value));
        let fields = Fields::default().list("vpcs", vpcs);
        self.object(
            ObjectHead::of(ObjectKind::Peering, &peering.id, &peering.about),
            fields,
            self.routes_to(&peering.id),
        )
    }

    fn gateway(&self, gateway: &Gateway) -> ShownObject {
        let remote: Vec<String> = match gateway.takes_public() {
            true => vec!["public addresses (default)".to_owned()],
            false => gateway.remote_cidrs.iter().map(|cidr| cidr.value.to_string()).collect(),
        };
        let fields = self
            .placed(Network::Vpc(gateway.vpc.value), &gateway.placement)
            .text("vpc", &id(&self.world().vpcs, gateway.vpc.value))
            .text("kind", &gateway.kind.value)
            .list("remote_cidrs", remote);
        self.object(
            ObjectHead::of(ObjectKind::Gateway, &gateway.id, &gateway.about),
            fields,
            self.routes_to(&gateway.id),
        )
    }

    fn group(&self, key: Key<SecurityGroup>, group: &SecurityGroup) -> ShownObject {
        let world = self.world();
        let unknown = group.unknown_rules.map(|unknown| match unknown.value {
            UnknownRules::All => "all".to_owned(),
            UnknownRules::Count(count) => count.to_string(),
        });
        let kind = if *group.kind == GroupKind::Basic { "basic" } else { "enterprise" };
        let intra_group = if group.knows_intra_group() { policy(group.intra_group.value) } else { "unknown" };
        let fields = self
            .placed(group.network.value, &group.placement)
            .text("network", &self.network(group.network.value))
            .text("kind", &kind)
            .text("intra_group", &intra_group)
            .optional("unknown_rules", unknown)
            .rows("ingress", self.rules(group, Direction::Ingress))
            .rows("egress", self.rules(group, Direction::Egress));
        let members = self.topology.world.index().members(key);
        let connected = Fields::default()
            .list("members", members.iter().map(|key| id(&world.instances, *key)))
            .list("named_by", ids(&self.connected.groups_naming, key));
        self.object(ObjectHead::of(ObjectKind::SecurityGroup, &group.id, &group.about), fields, connected)
    }

    fn instance(&self, instance: &Instance) -> ShownObject {
        let world = self.world();
        let linked = instance.linked_vpc.as_ref().map(|vpc| id(&world.vpcs, vpc.value));
        let groups = instance.security_groups.iter().map(|group| id(&world.security_groups, group.value));
        let fields = self
            .located(instance.location.value, &instance.placement)
            .optional("zone", instance.zone.as_ref().map(|zone| zone.value.as_str()))
            .text("private_ip", &instance.private_ip.value)
            .optional("public_ip", instance.public_ip.as_ref().map(|address| address.value))
            .optional("mac", self.mac(instance))
            .list("security_groups", groups)
            .text("state", &instance.state.name())
            .optional("linked_vpc", linked)
            .list("guest_routes", instance.guest_routes.iter().map(|route| route.value))
            .flag("forwarding", instance.forwarding.value)
            .limits(instance.limits.as_deref());
        self.object(
            ObjectHead::of(ObjectKind::Instance, &instance.id, &instance.about),
            fields,
            self.routes_to(&instance.id),
        )
    }

    /// The MAC address in force, declared or derived.
    fn mac(&self, instance: &Instance) -> Option<impl Display> {
        let endpoint = self.topology.names.find_endpoint(&instance.id)?;
        Some(self.topology.program.endpoint(endpoint).mac)
    }

    fn service(&self, service: &Service) -> ShownObject {
        let mut whitelist: Option<Vec<String>> =
            service.effective_whitelist().map(|entries| entries.iter().map(ToString::to_string).collect());
        if service.whitelist_is_unknown {
            whitelist.get_or_insert_default().push("unknown".to_owned());
        }
        let fields = self
            .located(service.location.value, &service.placement)
            .optional("zone", service.zone.as_ref().map(|zone| zone.value.as_str()))
            .text("kind", &service.kind.value)
            .text("ip", &service.ip.value);
        let fields = match whitelist {
            Some(entries) => fields.list("whitelist", entries),
            None => fields.text("whitelist", &"open to all"),
        };
        let fields = fields.limits(service.limits.as_deref());
        self.object(ObjectHead::of(ObjectKind::Service, &service.id, &service.about), fields, Fields::default())
    }

    fn routes_to(&self, id: &str) -> Fields {
        Fields::default().list("routes", self.connected.routes_to.get(id).into_iter().flatten())
    }

    fn placed(&self, network: Network, placement: &Placement) -> Fields {
        let world = self.world();
        Fields::default()
            .text("region", &world.region(network, placement).as_str())
            .text("account", &world.account(network, placement).as_str())
    }

    fn located(&self, location: Location, placement: &Placement) -> Fields {
        let network = self.world().network(location);
        let fields = self.placed(network, placement).text("network", &self.network(network));
        match location {
            Location::Classic => fields,
            Location::Vswitch(vswitch) => fields.text("vswitch", &id(&self.world().vswitches, vswitch)),
        }
    }

    fn network(&self, network: Network) -> &str {
        match network {
            Network::Classic => "classic",
            Network::Vpc(vpc) => id(&self.world().vpcs, vpc),
        }
    }

    fn routes(&self, routes: &[Route]) -> Vec<ShownRow> {
        let row = |route: &Route| {
            let row = ShownRow::default()
                .with("destination", &route.destination.value)
                .with("next_hop", &next_hop(self.world(), route.next_hop.value));
            let row = match &route.description {
                Some(description) => row.with("description", description),
                None => row,
            };
            self.with_source(row, route.span)
        };
        routes.iter().map(row).collect()
    }

    fn rules(&self, group: &SecurityGroup, direction: Direction) -> Vec<ShownRow> {
        let peer_key = if direction == Direction::Ingress { "source" } else { "destination" };
        let own_key = if direction == Direction::Ingress { "destination" } else { "source" };
        let row = |(number, rule): (usize, &Rule)| {
            let peer = match rule.peer.value {
                Peer::Cidr(cidr) => cidr.to_string(),
                Peer::Group(group) => id(&self.world().security_groups, group).to_owned(),
            };
            let mut row = ShownRow::default()
                .with("rule", &format!("#{number}"))
                .with("policy", &policy(rule.policy))
                .with("priority", &rule.priority)
                .with("protocol", &rule.protocol.map_or_else(|| "all".to_owned(), |protocol| protocol.to_string()))
                .with("port_range", &rule.port_range)
                .with(peer_key, &peer);
            if rule.source_port_range != PortRange::ALL {
                row = row.with("source_port_range", &rule.source_port_range);
            }
            if let Some(own) = &rule.own {
                row = row.with(own_key, &own.value);
            }
            if rule.nic_type == NicType::Internet {
                row = row.with("nic_type", &"internet");
            }
            if let Some(description) = &rule.description {
                row = row.with("description", &description);
            }
            self.with_source(row, rule.span)
        };
        (1..).zip(group.rules(direction)).map(row).collect()
    }

    fn with_source(&self, row: ShownRow, span: Span) -> ShownRow {
        match self.topology.sources.locate(span) {
            Some(place) => row.with("line", &place),
            None => row,
        }
    }

    fn object(&self, named: ObjectHead<'_>, fields: Fields, connected: Fields) -> ShownObject {
        let ObjectHead { kind, id, about } = named;
        let about = about.as_deref();
        let fields = fields
            .optional("description", about.and_then(|about| about.description.as_ref()))
            .pairs("tags", about.map_or(&[], |about| &about.tags));
        ShownObject {
            kind,
            id: id.value.clone(),
            name: about.and_then(|about| about.name.clone()),
            source: self.topology.sources.locate(id.span).map(|place| place.to_string()),
            fields: fields.0,
            connected: connected.0,
        }
    }
}

fn policy(policy: Policy) -> &'static str {
    match policy {
        Policy::Accept => "accept",
        Policy::Drop => "drop",
    }
}

fn ids<'a, T>(map: &'a HashMap<usize, Vec<&'a str>>, key: Key<T>) -> impl Iterator<Item = &'a str> {
    map.get(&key.index()).into_iter().flatten().copied()
}

//! The objects of a topology file, one function a kind.
//!
//! An object is left out of the world where a value that it cannot do without is missing or wrong.

use super::about::about;
use super::references::Declared;
use super::rules::{POLICIES, route, rule};
use super::templates::Templates;
use super::timing;
use crate::diag::{Diagnostic, Spanned};
use crate::model::{
    ClassicZone, Direction, Gateway, GroupKind, Instance, InstanceState, Key, Location, Network, ObjectKind, Peering,
    Placement, Policy, RouteTable, SecurityGroup, Service, ServiceKind, SharedText, UnknownRules, Vpc, Vswitch, World,
};
use crate::net::{Ipv4Net, MacAddress};
use crate::scenario::decode::{Decoder, Fields, Item, What, invalid, misses_a_key};
use crate::scenario::schema::{self, names};
use hashbrown::HashSet;

/// Lists that name objects of later sections, kept until all objects are there. What is in the list of an object that
/// was left out is read for its mistakes.
#[derive(Default)]
pub(super) struct Pending<'a> {
    vpc_routes: Vec<(Option<Key<Vpc>>, Item<'a>)>,
    table_routes: Vec<(Option<Key<RouteTable>>, Item<'a>)>,
    rules: Vec<(Option<Key<SecurityGroup>>, Direction, Item<'a>)>,
}

/// What every object function works with.
pub(super) struct Objects<'a, 'd, 't> {
    pub(super) decoder: &'d mut Decoder<'t>,
    pub(super) declared: Declared<'a>,
    pub(super) world: World,
    pub(super) pending: Pending<'a>,
    pub(super) templates: Templates<'a>,
    /// Regions and accounts so far.
    pub(super) texts: HashSet<SharedText, foldhash::fast::FixedState>,
}

const NETWORKS: [(&str, ()); 1] = [("classic", ())];

impl<'a> Objects<'a, '_, '_> {
    /// Decodes every object of every kind.
    pub(super) fn decode(&mut self) {
        self.each(ObjectKind::Vpc, &names(&schema::VPC), Self::vpc);
        self.each(ObjectKind::RouteTable, &names(&schema::ROUTE_TABLE), Self::route_table);
        self.each(ObjectKind::Vswitch, &names(&schema::VSWITCH), Self::vswitch);
        self.each(ObjectKind::Peering, &names(&schema::PEERING), Self::peering);
        self.each(ObjectKind::Gateway, &names(&schema::GATEWAY), Self::gateway);
        self.each(ObjectKind::SecurityGroup, &names(&schema::SECURITY_GROUP), Self::security_group);
        self.each(ObjectKind::Instance, &names(&schema::INSTANCE), Self::instance);
        self.each(ObjectKind::Service, &names(&schema::SERVICE), Self::service);
        self.finish_pending();
    }

    fn each(
        &mut self,
        kind: ObjectKind,
        keys: &[&str],
        mut read: impl FnMut(&mut Self, Spanned<String>, Fields<'a>) -> Option<()>,
    ) {
        for (id, item) in self.declared.entries(kind) {
            self.declared.check_id(self.decoder, kind, id);
            if !item.is_table() {
                self.report_stray_value(kind, id, item);
                continue;
            }
            let what = What::Object(kind.name(), id.value);
            if let Some(fields) = item.fields(self.decoder, what, keys) {
                let _left_out = read(self, Spanned::new(id.value.to_owned(), id.span), fields);
            }
        }
    }

    fn report_stray_value(&mut self, kind: ObjectKind, key: Spanned<&str>, item: Item<'a>) {
        let section = kind.name();
        self.decoder.report(
            Diagnostic::error("wrong-type", format!("[{section}] holds one table an id, and `{}` is none", key.value))
                .at(key.span.min(item.span), format!("expected a table [{section}.ID]"))
                .help(format!("write [{section}.ID] above the keys of the {}", kind.noun())),
        );
    }

    fn finish_pending(&mut self) {
        let Pending { vpc_routes, table_routes, rules } = std::mem::take(&mut self.pending);
        let (decoder, declared) = (&mut *self.decoder, &self.declared);
        for (vpc, item) in vpc_routes {
            let routes = item.list_of(decoder, |decoder, item| route(decoder, item, declared, &self.world));
            if let Some(vpc) = vpc {
                self.world.vpcs[vpc].routes = routes.unwrap_or_default();
            }
        }
        for (table, item) in table_routes {
            let routes = item.list_of(decoder, |decoder, item| route(decoder, item, declared, &self.world));
            if let Some(table) = table {
                self.world.route_tables[table].routes = routes.unwrap_or_default();
            }
        }
        for (group, direction, item) in rules {
            let rules = item.list_of(decoder, |decoder, item| rule(decoder, item, direction, declared, &self.world));
            let Some(group) = group.map(|group| &mut self.world.security_groups[group]) else { continue };
            match direction {
                Direction::Ingress => group.ingress = rules.unwrap_or_default(),
                Direction::Egress => group.egress = rules.unwrap_or_default(),
            }
        }
    }

    fn placement(&mut self, fields: &Fields<'a>) -> Placement {
        let mut shared = |key| {
            let item = fields.get(key)?;
            let name = item.filled(self.decoder)?;
            Some(Spanned::new(self.texts.get_or_insert_with(name, |name| name.into()).clone(), item.span))
        };
        Placement { region: shared("region"), account: shared("account") }
    }

    fn required_cidr(&mut self, fields: &Fields<'a>, key: &'static str) -> Option<Spanned<Ipv4Net>> {
        fields.require(self.decoder, key, "\"172.16.0.0/12\"")?.cidr(self.decoder)
    }

    fn cidrs(&mut self, fields: &Fields<'a>, key: &'static str) -> Option<Vec<Spanned<Ipv4Net>>> {
        fields.get(key)?.list_of(self.decoder, |decoder, item| item.cidr(decoder))
    }

    fn flag(&mut self, fields: &Fields<'a>, key: &'static str) -> Spanned<bool> {
        let flag = fields.get(key).and_then(|item| item.boolean(self.decoder));
        flag.unwrap_or(Spanned::unplaced(false))
    }

    fn required_vpc(&mut self, fields: &Fields<'a>) -> Option<Spanned<Key<Vpc>>> {
        let item = fields.require(self.decoder, "vpc", "\"vpc-1\"")?;
        self.declared.resolve(self.decoder, item, ObjectKind::Vpc, &self.world.vpcs)
    }

    /// Exactly one of `network = "classic"` and the key `other`; true beside it for classic.
    fn network_or(&mut self, fields: &Fields<'a>, other: &'static str) -> Option<(Item<'a>, bool)> {
        let (key, item) = fields.one_key(self.decoder, &["network", other])?;
        let classic = key == "network";
        if classic {
            item.one_of(self.decoder, &NETWORKS)?;
        }
        Some((item, classic))
    }

    fn location(&mut self, fields: &Fields<'a>) -> Option<Spanned<Location>> {
        let (item, classic) = self.network_or(fields, "vswitch")?;
        if classic {
            return Some(Spanned::new(Location::Classic, item.span));
        }
        let vswitch = self.declared.resolve(self.decoder, item, ObjectKind::Vswitch, &self.world.vswitches)?;
        Some(Spanned::new(Location::Vswitch(vswitch.value), vswitch.span))
    }

    /// The zone of what is at `location`. In a VPC it is the vSwitch's.
    fn classic_zone(&mut self, fields: &Fields<'a>, location: Option<Spanned<Location>>) -> ClassicZone {
        let item = fields.get("zone")?;
        if let Some(Spanned { value: Location::Vswitch(_), span }) = location {
            fields.refuse_beside(self.decoder, &["zone"], "`vswitch`, which has a zone of its own", span);
            return None;
        }
        let zone = item.filled(self.decoder)?;
        Some(Spanned::new(self.texts.get_or_insert_with(zone, |zone| zone.into()).clone(), item.span))
    }

    fn vpc(&mut self, id: Spanned<String>, fields: Fields<'a>) -> Option<()> {
        let cidr = self.required_cidr(&fields, "cidr");
        let secondary_cidrs = self.cidrs(&fields, "secondary_cidrs").unwrap_or_default();
        let classic_link = self.flag(&fields, "classic_link");
        let placement = self.placement(&fields);
        let about = about(self.decoder, &fields);
        let vpc =
            cidr.map(|cidr| Vpc { id, cidr, secondary_cidrs, classic_link, routes: Vec::new(), placement, about });
        let key = vpc.and_then(|vpc| self.world.vpcs.insert(vpc).ok());
        if let Some(item) = fields.get("routes") {
            self.pending.vpc_routes.push((key, item));
        }
        Some(())
    }

    fn route_table(&mut self, id: Spanned<String>, fields: Fields<'a>) -> Option<()> {
        let vpc = self.required_vpc(&fields);
        let placement = self.placement(&fields);
        let about = about(self.decoder, &fields);
        let table = vpc.map(|vpc| RouteTable { id, vpc, routes: Vec::new(), placement, about });
        let key = table.and_then(|table| self.world.route_tables.insert(table).ok());
        if let Some(item) = fields.get("routes") {
            self.pending.table_routes.push((key, item));
        }
        Some(())
    }

    fn vswitch(&mut self, id: Spanned<String>, fields: Fields<'a>) -> Option<()> {
        let vpc = self.required_vpc(&fields);
        let cidr = self.required_cidr(&fields, "cidr");
        let route_table = match fields.get("route_table") {
            Some(item) => {
                self.declared.resolve(self.decoder, item, ObjectKind::RouteTable, &self.world.route_tables).map(Some)
            }
            None => Some(None),
        };
        let zone = fields.get("zone").and_then(|item| Some(item.text(self.decoder)?.value));
        let placement = self.placement(&fields);
        let about = about(self.decoder, &fields);
        let vswitch = Vswitch { id, vpc: vpc?, cidr: cidr?, route_table: route_table?, zone, placement, about };
        self.world.vswitches.insert(vswitch).ok().map(drop)
    }

    fn peering(&mut self, id: Spanned<String>, fields: Fields<'a>) -> Option<()> {
        let about = about(self.decoder, &fields);
        let item = fields.require(self.decoder, "vpcs", "[\"vpc-1\", \"vpc-2\"]")?;
        let items = item.list(self.decoder)?;
        let [first, second] = items[..] else {
            let found = items.len();
            self.decoder.report(invalid(
                item.span,
                "a peering connects two VPCs",
                format!("found {found}, expected 2"),
            ));
            return None;
        };
        let mut resolve = |item| self.declared.resolve(self.decoder, item, ObjectKind::Vpc, &self.world.vpcs);
        let (first, second) = (resolve(first), resolve(second));
        let peering = Peering { id, vpcs: [first?, second?], about };
        self.world.peerings.insert(peering).ok().map(drop)
    }

    /// `kind` is "nat" where the file does not give it. Without `remote_cidrs` a gateway to the Internet takes what is
    /// public, and one of another kind nothing.
    fn gateway(&mut self, id: Spanned<String>, fields: Fields<'a>) -> Option<()> {
        let vpc = self.required_vpc(&fields);
        let kind = fields.get("kind").and_then(|item| item.name(self.decoder));
        let remote_cidrs = self.cidrs(&fields, "remote_cidrs");
        let placement = self.placement(&fields);
        let about = about(self.decoder, &fields);
        let kind = kind.unwrap_or_else(|| Spanned::unplaced("nat".to_owned()));
        let remote_is_default = remote_cidrs.is_none();
        let everywhere = || Gateway::is_of_internet(&kind).then(|| Spanned::unplaced(Ipv4Net::default()));
        let gateway = Gateway {
            id,
            vpc: vpc?,
            remote_cidrs: remote_cidrs.unwrap_or_else(|| everywhere().into_iter().collect()),
            remote_is_default,
            kind,
            placement,
            about,
        };
        self.world.gateways.insert(gateway).ok().map(drop)
    }

    fn security_group(&mut self, id: Spanned<String>, fields: Fields<'a>) -> Option<()> {
        let network = self.network_or(&fields, "vpc").and_then(|(item, classic)| {
            if classic {
                return Some(Spanned::new(Network::Classic, item.span));
            }
            let vpc = self.declared.resolve(self.decoder, item, ObjectKind::Vpc, &self.world.vpcs)?;
            Some(Spanned::new(Network::Vpc(vpc.value), vpc.span))
        });
        let kinds = [("basic", GroupKind::Basic), ("enterprise", GroupKind::Enterprise)];
        let kind = fields.get("kind").and_then(|item| item.one_of(self.decoder, &kinds));
        let kind = kind.unwrap_or(Spanned::unplaced(GroupKind::Basic));
        let intra_group = fields.get("intra_group").and_then(|item| item.one_of(self.decoder, &POLICIES));
        let intra_group = intra_group.unwrap_or(Spanned::unplaced(match kind.value {
            GroupKind::Basic => Policy::Accept,
            GroupKind::Enterprise => Policy::Drop,
        }));
        let placement = self.placement(&fields);
        let about = about(self.decoder, &fields);
        let (ingress, egress) = (Vec::new(), Vec::new());
        let unknown_rules = self.unknown_rules(&fields);
        let group = network.map(|network| SecurityGroup {
            id,
            network,
            kind,
            intra_group,
            unknown_rules,
            ingress,
            egress,
            placement,
            about,
        });
        let key = group.and_then(|group| self.world.security_groups.insert(group).ok());
        for (direction, list) in [(Direction::Ingress, "ingress"), (Direction::Egress, "egress")] {
            if let Some(item) = fields.get(list) {
                self.pending.rules.push((key, direction, item));
            }
        }
        Some(())
    }

    /// What the file says is missing from the rules of a group.
    fn unknown_rules(&mut self, fields: &Fields<'a>) -> Option<Spanned<UnknownRules>> {
        let count = fields.get("unknown_rules").and_then(|item| item.integer(self.decoder, 1..=u32::MAX.into()));
        let count = count.map(|count| Spanned::new(UnknownRules::Count(count.value), count.span));
        let Some(rules) = fields.get("rules") else { return count };
        for other in ["ingress", "egress", "unknown_rules"] {
            if let Some(item) = fields.get(other) {
                let message = format!("`rules = \"unknown\"` and `{other}` stand in one group");
                let finding =
                    Diagnostic::error("conflicting-keys", message).at(rules.span, "nothing is known of its rules");
                let help =
                    "leave `rules` out; `unknown_rules = N` says how many are missing beside those that are given";
                self.decoder.report(finding.at(item.span, "and here something is").help(help));
            }
        }
        rules.one_of(self.decoder, &[("unknown", UnknownRules::All)]).or(count)
    }

    /// The one VPC of a link: the limit that a list would break is told here, where the list is.
    fn linked_vpc(&mut self, item: Item<'a>) -> Option<Spanned<Key<Vpc>>> {
        if item.is_list() {
            self.decoder.report(
                Diagnostic::error("wrong-type", "`linked_vpc` expects one VPC, found a list")
                    .at(item.span, "one link at most")
                    .note(
                        "a classic instance is associated with only one VPC \
                         (https://www.alibabacloud.com/help/en/virtual-private-cloud/latest/classiclink-overview)",
                    )
                    .help("keep the one it is linked to: `linked_vpc = \"ID\"`"),
            );
            return None;
        }
        self.declared.resolve(self.decoder, item, ObjectKind::Vpc, &self.world.vpcs)
    }

    fn instance(&mut self, id: Spanned<String>, fields: Fields<'a>) -> Option<()> {
        let whole = self.templates.apply(self.decoder, fields);
        let found = self.decoder.finding_count();
        let understood = self.whole_instance(id, whole.unwrap_or(fields));
        match whole {
            Some(fields) => self.templates.attribute(self.decoder, found, &fields),
            // What is not there may be in the template.
            None => self.decoder.retain_findings(found, |finding| !misses_a_key(finding)),
        }
        understood
    }

    /// How many groups an instance has is left to the checks.
    fn whole_instance(&mut self, id: Spanned<String>, fields: Fields<'a>) -> Option<()> {
        let location = self.location(&fields);
        let private_ip =
            fields.require(self.decoder, "private_ip", "\"10.24.1.5\"").and_then(|item| item.address(self.decoder));
        let (declared, groups) = (&self.declared, &self.world.security_groups);
        let security_groups = fields.get("security_groups").and_then(|item| {
            item.list_of(self.decoder, |decoder, item| {
                declared.resolve(decoder, item, ObjectKind::SecurityGroup, groups)
            })
        });
        let states = InstanceState::ALL.map(|state| (state.name(), state));
        let state = fields.get("state").and_then(|item| item.one_of(self.decoder, &states));
        let linked_vpc = fields.get("linked_vpc").and_then(|item| self.linked_vpc(item));
        let guest_routes = self.cidrs(&fields, "guest_routes").unwrap_or_default();
        let forwarding = self.flag(&fields, "forwarding");
        let public_ip = fields.get("public_ip").and_then(|item| item.address(self.decoder));
        let mac = fields.get("mac").and_then(|item| item.parse(self.decoder, str::parse::<MacAddress>));
        let limits = timing::limits(self.decoder, &fields);
        let zone = self.classic_zone(&fields, location);
        let placement = self.placement(&fields);
        let about = about(self.decoder, &fields);
        let instance = Instance {
            id,
            location: location?,
            private_ip: private_ip?,
            security_groups: security_groups.unwrap_or_default(),
            state: state.unwrap_or(Spanned::unplaced(InstanceState::Running)),
            linked_vpc,
            guest_routes,
            forwarding,
            public_ip,
            mac,
            limits,
            zone,
            placement,
            about,
        };
        self.world.instances.insert(instance).ok().map(drop)
    }

    fn service(&mut self, id: Spanned<String>, fields: Fields<'a>) -> Option<()> {
        let kinds = ServiceKind::ALL.map(|kind| (kind.name(), kind));
        let kind = fields.require(self.decoder, "kind", "\"rds\"").and_then(|item| item.one_of(self.decoder, &kinds));
        let location = self.location(&fields);
        let ip = fields.require(self.decoder, "ip", "\"10.24.1.6\"").and_then(|item| item.address(self.decoder));
        let listed = fields.get("whitelist");
        let whitelist_is_unknown = listed.as_ref().is_some_and(|item| item.as_string() == Some("unknown"));
        let whitelist = listed.and_then(|item| {
            if whitelist_is_unknown {
                return Some(Spanned::new(Vec::new(), item.span));
            }
            let entries = item.list_of(self.decoder, |decoder, item| item.cidr(decoder))?;
            Some(Spanned::new(entries, item.span))
        });
        let limits = timing::limits(self.decoder, &fields);
        let zone = self.classic_zone(&fields, location);
        let placement = self.placement(&fields);
        let about = about(self.decoder, &fields);
        let service = Service {
            id,
            kind: kind?,
            location: location?,
            ip: ip?,
            whitelist,
            whitelist_is_unknown,
            limits,
            zone,
            placement,
            about,
        };
        self.world.services.insert(service).ok().map(drop)
    }
}

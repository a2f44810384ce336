//! Route tables, their entries, and the gateways that entries lead to.

use super::{TopologyBuilder, is_ipv6};
use crate::check::limits::{CUSTOM_TABLES_PER_VPC, ROUTES_PER_TABLE};
use crate::import::calls;
use crate::import::draft::{DraftGateway, DraftRoute, DraftRoutes, DraftTable, Remarks, remarks_on};
use crate::import::facts::{HopFacts, RouteEntryFacts};
use crate::import::inventory::AnswerKind;
use crate::import::report::printable;
use crate::net::{Ipv4Net, ranges};
use std::collections::{BTreeMap, BTreeSet};

/// A next hop that is another VPC or something behind a gateway.
struct Beyond {
    id: String,
    kind: &'static str,
    /// What is behind it, where an answer says so; the destinations of its routes otherwise.
    remote: Option<Vec<Ipv4Net>>,
}

/// What an entry leads to.
enum HopTarget {
    /// An instance or peering of the topology.
    Known(String),
    Gateway(Beyond),
    /// Why the entry is left out, and whether the dump is at fault.
    Nowhere(String, bool),
}

impl TopologyBuilder<'_> {
    pub(super) fn routes(&mut self) {
        let tables = self.tables();
        for (table, vpc) in &tables {
            let Some(entries) = self.inventory.entries.get(table) else {
                let custom = self.draft.route_tables.contains_key(table);
                let what = if custom { "a custom route table" } else { "a system route table" };
                let region = self.draft.vpcs.get(vpc).and_then(|vpc| vpc.region.clone());
                let fix = calls::call(AnswerKind::RouteEntries, region.as_deref(), Some(table));
                self.report.miss(table, format!("the entries of {what} of {vpc}; taken as none"), Some(fix));
                continue;
            };
            let routes = self.entries(table, vpc, entries);
            self.compare_system_routes(table, vpc, entries);
            let place = match self.draft.route_tables.get_mut(table) {
                Some(custom) => Some(&mut custom.routes),
                None => self.draft.vpcs.get_mut(vpc).map(|vpc| &mut vpc.routes),
            };
            if let Some(place) = place {
                *place = routes;
            }
        }
        self.untold_tables(&tables);
        self.unused_gateways();
        for id in std::mem::take(&mut self.forwarders) {
            self.let_forward(&id);
        }
    }

    /// Every table of a VPC of the topology, with the VPC. Custom ones stand in the draft afterwards, bound to vSwitches.
    fn tables(&mut self) -> BTreeMap<String, String> {
        let mut tables = BTreeMap::new();
        let mut count: BTreeMap<String, usize> = BTreeMap::new();
        let router_of: BTreeMap<&str, &String> =
            self.inventory.vpcs.iter().filter_map(|(id, vpc)| Some((vpc.router.as_deref()?, id))).collect();
        let owner: BTreeMap<&String, &String> = (self.inventory.vpcs.iter())
            .flat_map(|(id, vpc)| vpc.route_tables.iter().flatten().map(move |table| (table, id)))
            .collect();
        for (id, facts) in &self.inventory.route_tables {
            let of_router = || facts.router.as_deref().and_then(|router| router_of.get(router).copied());
            let of_entries = || owner.get(id).copied();
            let Some(vpc) = facts.vpc.as_ref().or_else(of_router).or_else(of_entries) else {
                self.report.leave_out(id, "a route table of which no answer says the VPC");
                continue;
            };
            if !self.draft.vpcs.contains_key(vpc) {
                if !self.inventory.vpcs.contains_key(vpc) && self.wanted(facts.region.as_ref(), None) {
                    self.report.leave_out(id, format!("its VPC {vpc} is not in the dump"));
                }
                continue;
            }
            if facts.of_gateway == Some(true) {
                self.report.leave_out_by_design(id, "a route table of a gateway: not modelled");
                continue;
            }
            if facts.custom == Some(true) {
                let custom = count.entry(vpc.clone()).or_default();
                *custom += 1;
                if *custom > CUSTOM_TABLES_PER_VPC {
                    self.report.leave_out(
                        id,
                        format!("a topology takes {CUSTOM_TABLES_PER_VPC} custom route tables of a VPC"),
                    );
                    continue;
                }
                let remarks = remarks_on!(facts);
                let table = DraftTable { remarks, vpc: vpc.clone(), routes: DraftRoutes::default() };
                self.draft.route_tables.insert(id.clone(), table);
            }
            tables.insert(id.clone(), vpc.clone());
        }
        self.bind_tables();
        tables
    }

    /// Binds vSwitches to custom tables: the list of tables wins over what a vSwitch says of itself.
    fn bind_tables(&mut self) {
        let mut listed: BTreeMap<&String, &String> = BTreeMap::new();
        for (id, facts) in self.inventory.route_tables.iter().filter(|(_, facts)| facts.custom == Some(true)) {
            for vswitch in facts.vswitches.iter().flatten() {
                listed.insert(vswitch, id);
            }
        }
        let mut unknown: BTreeSet<(String, String)> = BTreeSet::new();
        for (id, vswitch) in &mut self.draft.vswitches {
            let facts = &self.inventory.vswitches[id];
            let own = facts.route_table.as_ref().filter(|_| facts.custom_table == Some(true));
            let of_list = listed.get(id).copied();
            if let (Some(own), Some(list)) = (own, of_list)
                && own != list
            {
                self.report.doubt(
                    id,
                    format!("it names the route table {own}, and the list of tables says {list}, which holds here"),
                );
            }
            let Some(table) = of_list.or(own) else { continue };
            match self.draft.route_tables.get(table) {
                Some(custom) if custom.vpc == vswitch.vpc => vswitch.route_table = Some(table.clone()),
                _ => {
                    vswitch.remarks.add(format!("uses the custom route table {table}, which is not in this file"));
                    unknown.insert((table.clone(), id.clone()));
                }
            }
        }
        for (table, vswitch) in unknown {
            let text = format!("the custom route table of {vswitch}; the system table is used for it");
            self.report.miss(&table, text, Some(calls::call(AnswerKind::RouteEntries, None, Some(&table))));
        }
    }

    /// Entries of tables that no answer describes, and VPCs without a system table.
    fn untold_tables(&mut self, tables: &BTreeMap<String, String>) {
        for (table, entries) in &self.inventory.entries {
            if !self.inventory.route_tables.contains_key(table) && !entries.is_empty() {
                self.report.leave_out(table, "the entries of a route table that no answer describes");
                self.report.miss(table, "the route table", Some(calls::call(AnswerKind::RouteTables, None, None)));
            }
        }
        let with_system: BTreeSet<&String> = tables
            .iter()
            .filter(|(table, _)| !self.draft.route_tables.contains_key(*table))
            .map(|(_, vpc)| vpc)
            .collect();
        for (id, vpc) in &self.draft.vpcs {
            if !with_system.contains(id) && !self.inventory.managed.contains(id) {
                let fix = calls::call(AnswerKind::RouteTables, vpc.region.as_deref(), Some(id));
                self.report.miss(id, "its system route table; taken as without custom entries", Some(fix));
            }
        }
    }

    fn entries(&mut self, table: &str, vpc: &str, entries: &[RouteEntryFacts]) -> DraftRoutes {
        let mut routes = DraftRoutes::default();
        let mut seen: BTreeMap<Ipv4Net, String> = BTreeMap::new();
        for entry in entries {
            if entry.kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("system")) {
                continue;
            }
            let text = entry.destination.as_deref().unwrap_or("");
            if is_ipv6(text) {
                self.report.leave_out_by_design(table, "a route for IPv6");
                continue;
            }
            let Some(destination) = self.prefix(table, text) else {
                self.report.leave_out(table, format!("an entry whose destination is no prefix: {}", printable(text)));
                continue;
            };
            let mut leave_out = |builder: &mut Self, why: &str, fault: bool| {
                let text = format!("the route to {destination}: {why}");
                routes.left_out.push(printable(&format!("left out: {destination}: {why}")));
                match fault {
                    true => builder.report.leave_out(table, text),
                    false => builder.report.leave_out_by_design(table, text),
                }
            };
            if let Some(status) = entry.status.as_deref().filter(|status| !status.eq_ignore_ascii_case("available")) {
                leave_out(self, &format!("it is {}", status.to_ascii_lowercase()), false);
                continue;
            }
            if ranges::CLOUD_SERVICES.contains(&destination) {
                leave_out(self, "inside 100.64.0.0/10, which is a system route", false);
                continue;
            }
            let Some(hop) = self.chosen_hop(table, destination, entry) else {
                leave_out(self, "it has no next hop", true);
                continue;
            };
            let next_hop = match self.target(vpc, destination, &hop) {
                HopTarget::Known(id) => id,
                HopTarget::Gateway(beyond) => self.gateway(vpc, destination, beyond),
                HopTarget::Nowhere(why, fault) => {
                    leave_out(self, &why, fault);
                    continue;
                }
            };
            if let Some(other) = seen.get(&destination) {
                let why = format!("a second route to it, to {next_hop}; the one to {other} stays");
                leave_out(self, &why, *other != next_hop);
                continue;
            }
            if seen.len() == ROUTES_PER_TABLE {
                leave_out(self, &format!("a topology takes {ROUTES_PER_TABLE} entries of a table"), true);
                continue;
            }
            seen.insert(destination, next_hop.clone());
            routes.entries.push(DraftRoute { destination, next_hop });
        }
        routes
    }

    /// The hop of an entry; of several with equal cost the enabled one of the greatest weight, which is reported.
    fn chosen_hop(&mut self, table: &str, destination: Ipv4Net, entry: &RouteEntryFacts) -> Option<HopFacts> {
        let hops = entry.hops.as_deref().unwrap_or(&[]);
        let enabled = hops.iter().filter(|hop| hop.enabled != Some(false));
        // The first of several with the same weight.
        let chosen = enabled.rev().max_by_key(|hop| hop.weight)?;
        if hops.len() > 1 {
            let id = chosen.id.as_deref().unwrap_or("");
            let text =
                format!("the route to {destination} has {} next hops; all its traffic goes to {id} here", hops.len());
            self.report.doubt(table, text);
        }
        Some(chosen.clone())
    }

    fn target(&mut self, vpc: &str, destination: Ipv4Net, hop: &HopFacts) -> HopTarget {
        let kind = hop.kind.as_deref().unwrap_or("").to_ascii_lowercase();
        let id = hop.id.clone().unwrap_or_default();
        let beyond = |kind: &'static str| HopTarget::Gateway(Beyond { id: id.clone(), kind, remote: None });
        if id.is_empty() && !matches!(kind.as_str(), "cenbasic" | "cen" | "local" | "service") {
            return HopTarget::Nowhere("no answer says the id of its next hop".to_owned(), true);
        }
        match kind.as_str() {
            "instance" | "ecs" => self.forwarder(vpc, &id, "instance"),
            "networkinterface" => self.interface_hop(vpc, &id),
            "natgateway" => HopTarget::Gateway(Beyond { id, kind: "nat", remote: Some(vec![Ipv4Net::default()]) }),
            "vpngateway" => beyond("vpn"),
            "ipv4gateway" => beyond("ipv4"),
            "attachment" | "transitrouter" => beyond("tr"),
            "cenbasic" | "cen" => beyond("cen"),
            "ecr" => beyond("ecr"),
            "gatewayendpoint" => beyond("endpoint"),
            "vpcpeer" => self.peering_hop(vpc, &id),
            "routerinterface" => self.router_interface_hop(&id),
            "havip" => HopTarget::Nowhere(
                format!("the next hop {id} is an HaVip: which instance has it is not in the dump"),
                true,
            ),
            "ipv6gateway" | "local" | "service" => HopTarget::Nowhere(format!("a next hop of the kind {kind}"), false),
            // Older answers leave the kind out; the id says it.
            "" => match id.split('-').next().unwrap_or("") {
                "i" => self.forwarder(vpc, &id, "instance"),
                "eni" => self.interface_hop(vpc, &id),
                "ngw" => HopTarget::Gateway(Beyond { id, kind: "nat", remote: Some(vec![Ipv4Net::default()]) }),
                "vpn" => beyond("vpn"),
                "pcc" => self.peering_hop(vpc, &id),
                "ri" => self.router_interface_hop(&id),
                _ => HopTarget::Nowhere("no answer says what its next hop is".to_owned(), true),
            },
            _ => {
                let text = format!("{id}: a next hop of a kind that this version does not know, taken as a gateway");
                self.report.doubt(vpc, format!("the route to {destination}: {text}"));
                beyond("other")
            }
        }
    }

    fn forwarder(&mut self, vpc: &str, id: &str, what: &str) -> HopTarget {
        let Some(instance) = self.draft.instances.get(id) else {
            return HopTarget::Nowhere(
                format!("the next hop {id} is an {what} that is not in the topology: released, or left out"),
                true,
            );
        };
        let home = instance.vswitch.as_ref().and_then(|vswitch| self.vpc_of(vswitch));
        if home.is_none_or(|home| home != vpc) {
            return HopTarget::Nowhere(format!("the next hop {id} is not in {vpc}"), true);
        }
        self.forwarders.insert(id.to_owned());
        HopTarget::Known(id.to_owned())
    }

    fn interface_hop(&mut self, vpc: &str, id: &str) -> HopTarget {
        let facts = self.inventory.interfaces.get(id);
        let owner = facts.filter(|facts| facts.primary == Some(true)).and_then(|facts| facts.instance.clone());
        let by_instance = || {
            let lists = |facts: &crate::import::facts::InstanceFacts| {
                facts.interfaces.iter().flatten().next().is_some_and(|first| first == id)
            };
            self.inventory.instances.iter().find(|(_, facts)| lists(facts)).map(|(id, _)| id.clone())
        };
        let owner = owner.or_else(|| if facts.is_none() { by_instance() } else { None });
        self.forwarder(vpc, owner.as_deref().unwrap_or(id), "interface")
    }

    fn peering_hop(&mut self, vpc: &str, id: &str) -> HopTarget {
        if self.draft.peerings.contains_key(id) {
            return HopTarget::Known(id.to_owned());
        }
        let Some(facts) = self.inventory.peerings.get(id) else {
            return HopTarget::Gateway(Beyond { id: id.to_owned(), kind: "peering", remote: None });
        };
        if facts.status.as_deref().is_some_and(|status| !status.eq_ignore_ascii_case("activated")) {
            return HopTarget::Nowhere(format!("the peering {id} is not activated"), false);
        }
        let other = if facts.vpc.as_deref() == Some(vpc) { &facts.accepting_cidrs } else { &facts.cidrs };
        let remote: Vec<Ipv4Net> =
            other.iter().flatten().filter_map(|text| super::parse_prefix(text)).map(|net| net.trunc()).collect();
        HopTarget::Gateway(Beyond {
            id: id.to_owned(),
            kind: "peering",
            remote: Some(remote).filter(|remote| !remote.is_empty()),
        })
    }

    fn router_interface_hop(&self, id: &str) -> HopTarget {
        if self.draft.peerings.contains_key(id) {
            return HopTarget::Known(id.to_owned());
        }
        let facts = self.inventory.router_interfaces.get(id);
        if let Some(opposite) =
            facts.and_then(|facts| facts.opposite.as_ref()).filter(|one| self.draft.peerings.contains_key(*one))
        {
            return HopTarget::Known(opposite.clone());
        }
        if facts.and_then(|facts| facts.status.as_deref()).is_some_and(|status| !status.eq_ignore_ascii_case("active"))
        {
            return HopTarget::Nowhere(format!("the router interface {id} is not active"), false);
        }
        let to_vpc = facts
            .and_then(|facts| facts.opposite_router_type.as_deref())
            .is_some_and(|kind| kind.eq_ignore_ascii_case("vrouter"));
        HopTarget::Gateway(Beyond { id: id.to_owned(), kind: if to_vpc { "peering" } else { "vbr" }, remote: None })
    }

    /// The gateway of a VPC with this id, made with the first route to it; the id to write. One that several VPCs have
    /// stands once for each.
    fn gateway(&mut self, vpc: &str, destination: Ipv4Net, beyond: Beyond) -> String {
        let Beyond { id, kind, remote } = beyond;
        let own = if id.is_empty() { format!("{kind}.{vpc}") } else { id.clone() };
        let own = match self.draft.gateways.get(&own) {
            Some(other) if other.vpc != vpc => format!("{own}.{vpc}"),
            _ => own,
        };
        let facts = self.inventory.gateways.get(&id);
        if let Some(home) = facts.and_then(|facts| facts.vpc.as_deref()).filter(|home| *home != vpc) {
            self.report.doubt(
                &own,
                format!("a route of {vpc} leads to it, and the list of gateways says that it is in {home}"),
            );
        }
        let gateway = self.draft.gateways.entry(own.clone()).or_insert_with(|| DraftGateway {
            remarks: facts.map_or_else(Remarks::default, |facts| remarks_on!(facts)),
            vpc: vpc.to_owned(),
            kind: kind.to_owned(),
            remote_cidrs: BTreeSet::new(),
        });
        let told = facts.and_then(|facts| facts.remote.as_ref()).map(|texts| {
            texts.iter().filter_map(|text| super::parse_prefix(text)).map(|net| net.trunc()).collect::<Vec<_>>()
        });
        match told.filter(|told| !told.is_empty()).or(remote) {
            Some(told) => gateway.remote_cidrs.extend(told),
            None => {
                gateway.remote_cidrs.insert(destination);
            }
        }
        if matches!(kind, "tr" | "cen") {
            self.report.leave_out_by_design(&own, "what is behind it: traffic ends at the gateway here");
        }
        own
    }

    /// Gateways of a list that no route leads to.
    fn unused_gateways(&mut self) {
        for (id, facts) in &self.inventory.gateways {
            let Some(vpc) = facts.vpc.as_ref().filter(|vpc| self.draft.vpcs.contains_key(*vpc)) else { continue };
            if self.draft.gateways.contains_key(id) {
                continue;
            }
            let remote_cidrs =
                facts.remote.iter().flatten().filter_map(|text| super::parse_prefix(text)).map(|net| net.trunc());
            let gateway = DraftGateway {
                remarks: remarks_on!(facts),
                vpc: vpc.clone(),
                kind: facts.kind.unwrap_or("other").to_owned(),
                remote_cidrs: remote_cidrs.collect(),
            };
            self.draft.gateways.insert(id.clone(), gateway);
        }
    }

    fn let_forward(&mut self, id: &str) {
        let Some(instance) = self.draft.instances.get_mut(id).filter(|instance| !instance.forwarding) else { return };
        if self.checks_source.contains(id) {
            self.report.doubt(id, "a route leads to it, and its source check is on: taken as not forwarding");
            return;
        }
        instance.forwarding = true;
        instance.remarks.add("forwarding: inferred from a route to it");
        self.report
            .doubt(id, "a route leads to it, and no answer says whether its source check is off: taken as forwarding");
    }

    /// Holds the system entries of a table against those that follow from the vSwitches.
    fn compare_system_routes(&mut self, table: &str, vpc: &str, entries: &[RouteEntryFacts]) {
        let told: BTreeSet<Ipv4Net> = (entries.iter())
            .filter(|entry| entry.kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("system")))
            .filter_map(|entry| super::parse_prefix(entry.destination.as_deref()?))
            .collect();
        if told.is_empty() {
            return;
        }
        let vswitches = self.draft.vswitches.values().filter(|vswitch| vswitch.vpc == vpc).map(|vswitch| vswitch.cidr);
        let derived: BTreeSet<Ipv4Net> = vswitches.chain([ranges::CLOUD_SERVICES]).collect();
        let checked = &mut self.report.system_routes;
        for net in &told {
            if derived.contains(net) {
                checked.same += 1;
            } else if *net != ranges::CLASSIC {
                checked
                    .different
                    .push(printable(&format!("{table} of {vpc} has {net}, which no vSwitch of the topology has")));
            }
        }
        for net in derived.difference(&told) {
            checked.different.push(printable(&format!(
                "{table} of {vpc} lacks {net}, which follows from a vSwitch of the topology"
            )));
        }
    }
}

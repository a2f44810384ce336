//! Route tables and their custom entries.

use super::limits::{CUSTOM_TABLES_PER_VPC, ROUTES_PER_TABLE};
use super::survey::{Survey, TableView, network_name, placed_or};
use crate::diag::{Diagnostic, ProblemKind, ProblemRecord, Reason, Severity, Span, citation};
use crate::model::{InstanceState, Key, Network, NextHop, Route, Vpc, World, ranges};
use crate::net::Ipv4Net;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

pub(super) static TABLE_COUNT: ProblemRecord = ProblemRecord {
    id: "route-table-limit",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "a VPC has more than 10 route tables",
    meaning: "a VPC has its system table and at most 9 custom ones for vSwitches",
    remedy: "let vSwitches with the same routes share a table",
    source: citation::ROUTE_TABLE,
    example: "`vpc-a` has 10 custom route tables, 1 more than the 9 it may have",
};

pub(super) static COUNT: ProblemRecord = ProblemRecord {
    id: "route-limit",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "a route table has more than 200 custom entries",
    meaning: "a table takes 200 custom entries; CreateRouteEntry answers QuotaExceeded",
    remedy: "merge neighbouring destinations, or move vSwitches to a second table",
    source: citation::ROUTE_ENTRY,
    example: "the system table of `vpc-a` has 201 custom routes, 1 more than the 200 it takes",
};

pub(super) static DUPLICATE: ProblemRecord = ProblemRecord {
    id: "route-duplicate",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "two custom routes of one table have the same destination",
    meaning: "a destination is unique in its table; CreateRouteEntry answers InvalidCIDRBlock.Duplicate",
    remedy: "remove one of the two",
    source: citation::ROUTE_ENTRY,
    example: "the system table of `vpc-a` has two routes to `192.168.7.0/24`",
};

pub(super) static CLOUD_SERVICES: ProblemRecord = ProblemRecord {
    id: "route-cloud-services",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "a custom route leads into 100.64.0.0/10",
    meaning: "100.64.0.0/10 is a system route to the vendor's services; no custom destination equals it or lies inside",
    remedy: "remove the route; a wider one, such as 0.0.0.0/0, is allowed",
    source: citation::ROUTE_ENTRY,
    example: "the system table of `vpc-a` has a route to `100.100.0.0/16`, inside 100.64.0.0/10",
};

pub(super) static INSIDE_VSWITCH: ProblemRecord = ProblemRecord {
    id: "route-inside-vswitch",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "a custom route leads to a vSwitch of its VPC, or into it",
    meaning: "a custom destination neither equals a vSwitch of its VPC nor lies inside one",
    remedy: "remove the route, or move its destination out of the vSwitch",
    source: citation::ROUTE_ENTRY,
    example: "the route to `172.16.1.64/26` in the system table of `vpc-a` lies inside `vsw-a`",
};

pub(super) static OTHER_VPC: ProblemRecord = ProblemRecord {
    id: "route-next-hop-other-vpc",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "the next hop of a custom route is not in the table's VPC",
    meaning: "the next hop is an instance, gateway or peering of the table's own VPC; CreateRouteEntry answers \
              OperationFailed.InstanceDismatchCurrentVpc",
    remedy: "name a next hop of this VPC, or a peering that includes it",
    source: citation::ROUTE_ENTRY,
    example: "the next hop `i-b` of a route in the system table of `vpc-a` is in `vpc-b`",
};

pub(super) static TABLE_OF_OTHER_VPC: ProblemRecord = ProblemRecord {
    id: "route-table-other-vpc",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "a vSwitch uses a route table of another VPC",
    meaning: "a route table is bound to vSwitches of its own VPC",
    remedy: "make the table in the vSwitch's VPC, or remove `route_table`",
    source: citation::ROUTE_TABLE,
    example: "`vsw-a` of `vpc-a` uses `vtb-b`, which is a table of `vpc-b`",
};

pub(super) static TABLE_UNUSED: ProblemRecord = ProblemRecord {
    id: "route-table-unused",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "a custom route table is used by no vSwitch",
    meaning: "a custom table holds for the vSwitches that are bound to it; every other vSwitch, and what comes over a \
              link, uses the system table of its VPC",
    remedy: "set `route_table` for the vSwitches that need it, or remove the table",
    source: citation::ROUTE_TABLE,
    example: "no vSwitch uses the route table `vtb-a`",
};

pub(super) static DOWN: ProblemRecord = ProblemRecord {
    id: Reason::NextHopDown.id(),
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "the next hop of a custom route is stopped",
    meaning: "the route stays while its next hop is stopped, and swallows what it attracts",
    remedy: "start the instance, or remove the route",
    source: citation::OWN_CHOICE,
    example: "the route to `192.168.7.0/24` in the system table of `vpc-a` leads to `i-a`, which is stopped",
};

pub(super) static NOT_FORWARDING: ProblemRecord = ProblemRecord {
    id: Reason::NextHopNotForwarding.id(),
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "the next hop of a custom route does not forward",
    meaning: "an instance passes frames on for others only where its guest forwards",
    remedy: "set `forwarding = true` for the instance, if its guest does; or remove the route",
    source: citation::OWN_CHOICE,
    example: "the route to `192.168.7.0/24` in the system table of `vpc-a` leads to `i-a`, which does not forward",
};

pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Diagnostic>) {
    let world = survey.world;
    for (key, vpc) in world.vpcs.iter() {
        let mut custom = survey.custom_tables(key);
        let count = custom.len();
        if let Some(excess) = custom.nth(CUSTOM_TABLES_PER_VPC) {
            let message = format!(
                "`{}` has {count} custom route tables, {} more than the {CUSTOM_TABLES_PER_VPC} it may have",
                *vpc.id,
                count - CUSTOM_TABLES_PER_VPC
            );
            let finding = TABLE_COUNT.found(message).at(excess.id.span, "with the system table the 11th");
            findings.push(finding.at(vpc.id.span, "of this VPC"));
        }
        for table in survey.tables(key) {
            entries(survey, key, &table, findings);
        }
    }
    let mut used = vec![false; world.route_tables.capacity()];
    for vswitch in world.vswitches.values() {
        let Some(reference) = &vswitch.route_table else { continue };
        used[reference.index()] = true;
        let table = &world.route_tables[reference.value];
        if table.vpc.value != vswitch.vpc.value {
            let (own, other) = (&world.vpcs[vswitch.vpc.value].id, &world.vpcs[table.vpc.value].id);
            let message =
                format!("`{}` of `{}` uses `{}`, which is a table of `{}`", *vswitch.id, **own, *table.id, **other);
            let finding = TABLE_OF_OTHER_VPC.found(message).at(reference.span, format!("not a table of `{}`", **own));
            findings.push(finding.at(table.vpc.span, format!("it belongs to `{}`", **other)));
        }
    }
    for (_, table) in world.route_tables.iter().filter(|(key, _)| !used[key.index()]) {
        let message = format!("no vSwitch uses the route table `{}`", *table.id);
        findings.push(TABLE_UNUSED.found(message).at(table.id.span, "its routes hold for nobody"));
    }
}

fn entries(survey: &Survey<'_>, vpc: Key<Vpc>, table: &TableView<'_>, findings: &mut Vec<Diagnostic>) {
    let name = &table.name;
    if let Some(excess) = table.routes.get(ROUTES_PER_TABLE) {
        let count = table.routes.len();
        let message = format!(
            "{name} has {count} custom routes, {} more than the {ROUTES_PER_TABLE} it takes",
            count - ROUTES_PER_TABLE
        );
        findings.push(COUNT.found(message).at(excess.span, "this is the 201st").at(table.span, "of this table"));
    }
    let mut seen: HashMap<Ipv4Net, Span, foldhash::fast::FixedState> = HashMap::default();
    for route in table.routes {
        let destination = route.destination.value;
        match seen.entry(destination) {
            Entry::Vacant(vacant) => {
                vacant.insert(route.destination.span);
            }
            Entry::Occupied(first) => {
                let message = format!("{name} has two routes to `{destination}`");
                let finding = DUPLICATE.found(message).at(route.destination.span, "the same destination");
                findings.push(finding.at(*first.get(), "as here"));
            }
        }
        if ranges::CLOUD_SERVICES.contains(&destination) {
            let message = format!("{name} has a route to `{destination}`, inside {}", ranges::CLOUD_SERVICES);
            findings.push(CLOUD_SERVICES.found(message).at(route.destination.span, "the vendor's own services"));
        }
        if let Some(vswitch) = survey.vswitch_around(vpc, destination) {
            let relation = if *vswitch.cidr == destination { "equals" } else { "lies inside" };
            let message = format!("the route to `{destination}` in {name} {relation} `{}`", *vswitch.id);
            let finding = INSIDE_VSWITCH.found(message).at(route.destination.span, "a custom route");
            findings.push(finding.at(vswitch.cidr.span, format!("to addresses of `{}`", *vswitch.id)));
        }
        next_hop(survey.world, vpc, name, route, findings);
    }
}

fn next_hop(world: &World, vpc: Key<Vpc>, table: &str, route: &Route, findings: &mut Vec<Diagnostic>) {
    let (id, home, home_span) = match route.next_hop.value {
        NextHop::Instance(key) => {
            let instance = &world.instances[key];
            (&instance.id, world.network(*instance.location), placed_or(instance.location.span, instance.id.span))
        }
        NextHop::Gateway(key) => {
            let gateway = &world.gateways[key];
            (&gateway.id, Network::Vpc(gateway.vpc.value), gateway.vpc.span)
        }
        NextHop::Peering(key) => {
            let peering = &world.peerings[key];
            if peering.vpcs.iter().all(|end| end.value != vpc) {
                let [one, two] = &peering.vpcs;
                let message = format!(
                    "the next hop `{}` of a route in {table} joins `{}` and `{}`",
                    *peering.id, *world.vpcs[one.value].id, *world.vpcs[two.value].id
                );
                let finding = OTHER_VPC.found(message).at(route.next_hop.span, "does not include this VPC");
                findings.push(finding.at(one.span, "the VPCs that it joins"));
            }
            return;
        }
    };
    if home != Network::Vpc(vpc) {
        let message = format!("the next hop `{}` of a route in {table} is in {}", **id, network_name(world, home));
        let finding = OTHER_VPC.found(message).at(route.next_hop.span, "not in this VPC");
        findings.push(finding.at(home_span, "it is here"));
        return;
    }
    let NextHop::Instance(key) = route.next_hop.value else { return };
    let instance = &world.instances[key];
    let leads = format!("the route to `{}` in {table} leads to `{}`", route.destination.value, *instance.id);
    if *instance.state != InstanceState::Running {
        let state = instance.state.name();
        let finding = DOWN.found(format!("{leads}, which is {state}")).at(route.next_hop.span, "swallows its traffic");
        findings.push(finding.at(placed_or(instance.state.span, instance.id.span), format!("{state} here")));
    }
    if !*instance.forwarding {
        let finding = NOT_FORWARDING.found(format!("{leads}, which does not forward"));
        let finding = finding.at(route.next_hop.span, "swallows its traffic");
        findings.push(finding.at(placed_or(instance.forwarding.span, instance.id.span), "this guest does not forward"));
    }
}

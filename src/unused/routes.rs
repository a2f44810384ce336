//! Entries of route tables, those inside guests included.

use super::{NAMED, Search, by_place};
use crate::check::unused::{ROUTE, ROUTE_NOT_HIT};
use crate::diag::{Diagnostic, Span, some_list};
use crate::model::{InstanceState, Key, Location, RouteTable};
use crate::net::{AddressCuts, AddressRange, Ipv4Net};
use crate::program::{DomainId, FixedMap, RouteId};
use crate::table::lpm::TableId;

/// An entry that is never used.
struct IdleRoute<'a> {
    prefix: Ipv4Net,
    span: Span,
    /// The table, in words: `` `vpc-a` ``.
    of: &'a str,
    /// `None` where nothing looks anything up in it.
    table: Option<TableId>,
    /// What would have to look something up.
    user: &'a str,
}

impl Search<'_> {
    pub(super) fn routes(&self) -> Vec<Diagnostic> {
        let (program, world) = (&self.topology.program, &self.topology.world);
        let ids = by_place(&self.topology.names.routes);
        let mut findings = Vec::new();
        for (key, vpc) in world.vpcs.iter() {
            let system = program.vpc(DomainId::from_index(key.index())).map(|vpc| vpc.system);
            for route in &vpc.routes {
                let (of, user) =
                    (format!("`{}`", *vpc.id), "nothing that runs in it, and nothing beyond, uses its table");
                let entry = IdleRoute { prefix: *route.destination, span: route.span, of: &of, table: system, user };
                findings.extend(self.unless_used(&ids, &entry));
            }
        }
        let tables = self.tables_in_use();
        for (key, table) in world.route_tables.iter() {
            let compiled = tables.get(&key).copied();
            for route in &table.routes {
                let (of, user) = (format!("`{}`", *table.id), "no vSwitch with an endpoint that runs uses the table");
                let entry = IdleRoute { prefix: *route.destination, span: route.span, of: &of, table: compiled, user };
                findings.extend(self.unless_used(&ids, &entry));
            }
        }
        for instance in world.instances.values().filter(|instance| *instance.location == Location::Classic) {
            let endpoint = self.topology.names.find_endpoint(&instance.id).map(|id| program.endpoint(id));
            let table = endpoint.and_then(|endpoint| endpoint.guest);
            for route in &instance.guest_routes {
                let (of, user) = (format!("the guest `{}`", *instance.id), "the instance does not run");
                let table = table.filter(|_| *instance.state == InstanceState::Running);
                let entry = IdleRoute { prefix: route.value, span: route.span, of: &of, table, user };
                findings.extend(self.unless_used(&ids, &entry));
            }
        }
        findings
    }

    /// The custom tables of vSwitches where something runs.
    fn tables_in_use(&self) -> FixedMap<Key<RouteTable>, TableId> {
        let running = self.topology.program.endpoints.iter().filter(|endpoint| endpoint.running);
        let used = running.filter_map(|endpoint| Some((endpoint.vswitch?.index(), endpoint.table?)));
        let of_vswitches: FixedMap<usize, TableId> = used.collect();
        let vswitches = self.topology.world.vswitches.iter();
        let bound = vswitches
            .filter_map(|(key, vswitch)| Some((vswitch.route_table.as_ref()?.value, *of_vswitches.get(&key.index())?)));
        bound.collect()
    }

    fn unless_used(&self, ids: &FixedMap<Span, usize>, entry: &IdleRoute<'_>) -> Option<Diagnostic> {
        let id = RouteId::from_index(*ids.get(&entry.span)?);
        let IdleRoute { prefix, span, of, table, user } = *entry;
        if self.reached.route(id) {
            let message = format!("the route to `{prefix}` of {of} was used by no frame of these captures");
            let finding = || ROUTE_NOT_HIT.found(message).at(span, "used by no frame");
            return self.unless_hit(|counts| counts.route(id), finding);
        }
        let longer = table.map(|table| self.longer(table, prefix)).unwrap_or_default();
        if longer.is_empty() {
            let finding = ROUTE.found(format!("the route to `{prefix}` of {of} is never used: {user}"));
            return Some(finding.at(span, "never used"));
        }
        let names = &self.topology.names;
        let message = format!("the route to `{prefix}` of {of} is never used: longer prefixes hold all of it");
        let prefixes = longer.iter().map(|id| format!("`{}`", self.topology.program.routes[id.index()].prefix));
        let hidden = format!("hidden by {}", some_list(prefixes, NAMED));
        let finding = ROUTE.found(message).at(span, hidden);
        let placed = longer.iter().take(NAMED).map(|id| &names.routes[id.index()]).filter(|name| !name.span.is_none());
        Some(placed.fold(finding, |finding, name| finding.at(name.span, "holds part of it")))
    }

    /// The entries with longer prefixes that together hold all of `prefix`; empty where they do not.
    fn longer(&self, table: TableId, prefix: Ipv4Net) -> Vec<RouteId> {
        let program = &self.topology.program;
        let mut cuts = AddressCuts::default();
        program.tables.add_cuts(table, &mut cuts);
        cuts.sort();
        let mut longer = Vec::new();
        for part in cuts.parts(AddressRange::from(prefix)) {
            match program.route(table, part.first()) {
                Some((id, route)) if route.prefix != prefix => longer.push(id),
                _ => return Vec::new(),
            }
        }
        longer.sort_unstable();
        longer.dedup();
        longer
    }
}

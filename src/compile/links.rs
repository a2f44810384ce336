//! Route tables of the classic side: what classic endpoints look up once no host of their region has the destination.
//!
//! Instances without a link share one table, managed services another. All instances linked to a VPC share its link
//! table, which holds what the link carries, and for everything else of the VPC the reason why it does not: the VPC has
//! ClassicLink off, the address is in a secondary CIDR or in no linkable range, or its vSwitch lies in the part of
//! 10.0.0.0/8 that is the classic network's own.

use super::{Compiler, NamedRoute};
use crate::diag::{Reason, Span};
use crate::model::{self, Key, Vswitch, ranges};
use crate::net::{Ipv4Net, overlap};
use crate::program::{Action, Classic, Domain, DomainId, Name};
use crate::table::lpm::TableId;

impl Compiler<'_> {
    /// Writes the tables of classic endpoints without a link, which are the same in every region.
    pub(super) fn add_classic_tables(&mut self) -> Classic {
        let mut table = |reason| {
            let mut routes: Vec<NamedRoute> =
                ranges::LINKABLE.map(|range| unplaced(range, Action::Prohibit(reason), NO_LINK)).into();
            routes.push(unplaced(ranges::CLASSIC, Action::Classic, CLASSIC));
            routes.push(unplaced(ranges::CLOUD_SERVICES, Action::CloudServices, CLOUD_SERVICES));
            let routes = self.number(Vec::new(), routes);
            self.write_table(None, routes)
        };
        let instances = table(Reason::ClassiclinkNotLinked);
        Classic { instances, services: table(Reason::ClassiclinkSourceNotEcs) }
    }

    /// Returns the link table of a VPC, and writes it for the first link. It stays when the last link goes.
    pub(super) fn link_table(&mut self, key: Key<model::Vpc>) -> Option<TableId> {
        let domain = Self::vpc_domain(key);
        if let Some(table) = self.program.vpc(domain)?.links {
            return Some(table);
        }
        let table = self.write_link_table(key, None);
        if let Domain::Vpc(vpc) = self.program.domains.get_mut(domain.index()) {
            vpc.links = Some(table);
        }
        Some(table)
    }

    /// Writes the link table of a VPC, which no other table shares entries with.
    pub(super) fn write_link_table(&mut self, key: Key<model::Vpc>, old: Option<TableId>) -> TableId {
        let known = self.bound(old).collect();
        let routes = self.number(known, self.link_routes(key));
        self.write_table(old, routes)
    }

    fn link_routes(&self, key: Key<model::Vpc>) -> Vec<NamedRoute> {
        let declared = self.world.index().vswitches(key).iter().map(|key| &self.world.vswitches[*key]);
        let in_classic_range = |cidr: Ipv4Net| overlap(cidr, ranges::CLASSIC) && !ranges::CARVE_OUT.contains(&cidr);
        let mut vswitches: Vec<&Vswitch> = declared.filter(|vswitch| in_classic_range(vswitch.cidr.value)).collect();
        vswitches.sort_unstable_by_key(|vswitch| vswitch.cidr.value);
        LinkRoutes { vpc: &self.world.vpcs[key], domain: Self::vpc_domain(key), vswitches }.all()
    }
}

const CLASSIC: &str = "classic";
const CLOUD_SERVICES: &str = "cloud-services";
const NO_LINK: &str = "no link";

fn unplaced(prefix: Ipv4Net, action: Action, text: &str) -> NamedRoute {
    NamedRoute { prefix, action, name: Name { text: text.to_owned(), span: Span::NONE } }
}

/// What the entries of a link table follow from.
struct LinkRoutes<'a> {
    vpc: &'a model::Vpc,
    domain: DomainId,
    /// The vSwitches in the classic range, or partly so, by address.
    vswitches: Vec<&'a Vswitch>,
}

impl LinkRoutes<'_> {
    /// One entry for each prefix that a rule of ClassicLink speaks of, but for those that would repeat the entry around
    /// them. All addresses whose longest prefix among these is the same are treated alike, so the prefix itself can be
    /// asked about.
    fn all(&self) -> Vec<NamedRoute> {
        let cidrs = std::iter::once(&self.vpc.cidr).chain(&self.vpc.secondary_cidrs).map(|cidr| cidr.trunc());
        let mut prefixes: Vec<Ipv4Net> = self.vswitches.iter().map(|vswitch| vswitch.cidr.value).chain(cidrs).collect();
        prefixes.extend(ranges::LINKABLE);
        prefixes.extend([ranges::CLASSIC, ranges::CLOUD_SERVICES]);
        // Outer prefixes before those in them.
        prefixes.sort_unstable();
        prefixes.dedup();
        let mut routes: Vec<NamedRoute> = Vec::new();
        // Positions of the entries around the prefix in question, the widest first.
        let mut around: Vec<usize> = Vec::new();
        for prefix in prefixes {
            around.retain(|position| routes[*position].prefix.contains(&prefix));
            let outer = around.last().map(|position| &routes[*position]);
            let route = match (self.route(prefix), outer) {
                (None, None) => continue,
                (None, Some(_)) => unplaced(prefix, Action::Prohibit(Reason::NoRoute), NO_LINK),
                (Some(route), _) => route,
            };
            if outer.is_none_or(|outer| (outer.action, &outer.name) != (route.action, &route.name)) {
                around.push(routes.len());
                routes.push(route);
            }
        }
        routes
    }

    /// The entry of one prefix that no CIDR, vSwitch or range divides. The order of the tests is that of the rulings: the
    /// classic network's own addresses, the CIDRs of the VPC, its switch, and then what a link carries.
    fn route(&self, prefix: Ipv4Net) -> Option<NamedRoute> {
        if ranges::CLOUD_SERVICES.contains(&prefix) {
            return Some(unplaced(prefix, Action::CloudServices, CLOUD_SERVICES));
        }
        let is_primary = self.vpc.cidr.contains(&prefix);
        let prohibit = |reason| match *self.vpc.classic_link {
            true => Action::Prohibit(reason),
            false => Action::Prohibit(Reason::ClassiclinkDisabled),
        };
        if ranges::CLASSIC.contains(&prefix) && !ranges::CARVE_OUT.contains(&prefix) {
            let Some(vswitch) = self.vswitch_around(prefix) else {
                return Some(unplaced(prefix, Action::Classic, CLASSIC));
            };
            let reason = match is_primary {
                true => Reason::ClassiclinkVswitchOutside10111,
                false => Reason::ClassiclinkSecondaryCidr,
            };
            let name = Name { text: vswitch.id.value.clone(), span: vswitch.cidr.span };
            return Some(NamedRoute { prefix, action: prohibit(reason), name });
        }
        let id = self.vpc.id.as_str();
        if !is_primary {
            let holding = self.vpc.secondary_cidrs.iter().filter(|cidr| cidr.contains(&prefix));
            let secondary = holding.max_by_key(|cidr| cidr.prefix_len())?;
            let name = Name { text: format!("secondary CIDR of {id}"), span: self.place(secondary.span) };
            return Some(NamedRoute { prefix, action: prohibit(Reason::ClassiclinkSecondaryCidr), name });
        }
        // Over a link that is switched off too: the bridge refuses, after this domain's TTL test.
        let action = match ranges::LINKABLE.iter().any(|range| range.contains(&prefix)) {
            true => Action::Link(self.domain),
            false => prohibit(Reason::ClassiclinkRangeNotLinkable),
        };
        let name = Name { text: format!("link to {id}"), span: self.place(self.vpc.cidr.span) };
        Some(NamedRoute { prefix, action, name })
    }

    /// The vSwitch that holds `prefix`. They do not overlap, so only the last one that begins before it can.
    fn vswitch_around(&self, prefix: Ipv4Net) -> Option<&Vswitch> {
        let after = self.vswitches.partition_point(|vswitch| vswitch.cidr.value <= prefix);
        self.vswitches[..after].last().copied().filter(|vswitch| vswitch.cidr.contains(&prefix))
    }

    /// Where an entry stands in the file: at the CIDR it follows from, or at the switch that turns all of them off.
    fn place(&self, cidr: Span) -> Span {
        let classic_link = &self.vpc.classic_link;
        match (**classic_link, classic_link.span.is_none()) {
            (true, _) => cidr,
            (false, true) => self.vpc.cidr.span,
            (false, false) => classic_link.span,
        }
    }
}

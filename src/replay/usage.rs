//! Which entries of a topology the frames of captures used: what was counted, by the names of the topology file.

use super::{ReplayOptions, Replayed, Sinks, run};
use crate::capture::Captures;
use crate::datapath::{MatchedRule, WhitelistEntryId};
use crate::diag::Span;
use crate::lab::Topology;
use crate::model::{Direction, Instance, NicType, Policy, SecurityGroup, Service};
use crate::program::{Action, Domain, FixedMap, RouteId, RuleId};
use crate::report::{EntryUse, Resolver, UsageCounts, UsageKind, UsageRecord};
use std::collections::HashSet;
use std::io;

/// What the entries of a topology were used for by captures, and all else that the replay came to.
pub struct RuleUsage {
    /// Each declared rule, route, whitelist entry and link, hit or not, and what the fabric adds by itself where it was
    /// hit; by kind, and then in the order of the topology.
    pub records: Vec<UsageRecord>,
    /// The replay; damage of a capture is told there.
    pub replayed: Replayed,
}

/// Replays captures and tells what each entry of the topology was used for.
///
/// ```
/// use biplane::capture::Captures;
/// use biplane::lab::Topology;
/// use biplane::replay::{ReplayOptions, rule_usage};
///
/// let topology = Topology::open("scenarios/topologies/shop.toml").unwrap();
/// let captures = Captures::open_paths(&["pcaps/shop-morning.pcap".into()]).unwrap();
/// let usage = rule_usage(&topology, captures, &ReplayOptions::default()).unwrap();
/// let unused = usage.records.iter().filter(|record| record.is_unused());
/// assert!(unused.clone().any(|record| record.label == "sg-batch ingress #1"), "{:?}", unused.collect::<Vec<_>>());
/// ```
///
/// # Errors
/// The sorting of connections, where they are gathered too, needs a temporary file that cannot be written.
pub fn rule_usage(
    topology: &Topology,
    captures: impl Into<Captures>,
    options: &ReplayOptions,
) -> io::Result<RuleUsage> {
    let options = ReplayOptions { usage: true, ..options.clone() };
    let replayed = run(topology, captures, &options, &mut Sinks::default())?;
    let records = replayed.usage.as_ref().map_or_else(Vec::new, |counts| usage_records(topology, counts));
    Ok(RuleUsage { records, replayed })
}

/// Returns what was counted in `topology`, by the names of its file: see [`RuleUsage::records`]. Rules for the public NIC
/// are left out: they are kept, and match nothing here.
pub fn usage_records(topology: &Topology, counts: &UsageCounts) -> Vec<UsageRecord> {
    let words = Resolver::new(&topology.program, &topology.names, &topology.sources);
    let named = Named { topology, counts, words };
    let mut records = named.rules();
    records.extend(named.routes());
    records.extend(topology.world.services.values().flat_map(|service| named.whitelist(service)));
    records.extend(topology.world.instances.values().filter_map(|instance| named.link(instance)));
    records
}

struct Named<'a> {
    topology: &'a Topology,
    counts: &'a UsageCounts,
    words: Resolver<'a>,
}

impl Named<'_> {
    fn rules(&self) -> Vec<UsageRecord> {
        let (world, names) = (&self.topology.world, &self.topology.names);
        let mut of_public_nic: HashSet<Span> = HashSet::new();
        let mut declared: HashSet<Span> = HashSet::new();
        for group in world.security_groups.values() {
            for rule in [Direction::Ingress, Direction::Egress].into_iter().flat_map(|side| group.rules(side)) {
                let spans = if rule.nic_type == NicType::Internet { &mut of_public_nic } else { &mut declared };
                spans.insert(rule.span);
            }
            declared.extend(intra_group_rule(group));
        }
        let rules = names.rules.iter().enumerate().filter(|(_, name)| !of_public_nic.contains(&name.span));
        let record = |(index, name): (usize, &crate::program::Name)| {
            let id = RuleId::from_index(index);
            let cause = self.words.cause_of(MatchedRule::Rule(id), None);
            UsageRecord {
                kind: UsageKind::Rule,
                // Ids hold no white space.
                owner: name.text.split(' ').next().unwrap_or_default().to_owned(),
                label: name.text.clone(),
                text: cause.and_then(|cause| cause.says()).unwrap_or_default().to_owned(),
                source: self.source(name.span),
                span: name.span,
                is_declared: declared.contains(&name.span) && !name.span.is_none(),
                used: self.counts.rule(id),
            }
        };
        rules.map(record).filter(is_told).collect()
    }

    fn routes(&self) -> Vec<UsageRecord> {
        let Topology { program, names, .. } = self.topology;
        let owners = self.route_owners();
        let record = |(index, name): (usize, &crate::program::Name)| {
            let id = RouteId::from_index(index);
            let route = &program.routes[index];
            let is_declared = match route.action {
                Action::NextHop(_) | Action::Peering(_) => true,
                Action::PrivateNic => !name.span.is_none(),
                _ => false,
            };
            let cause = self.words.cause_of(MatchedRule::Route(id), None);
            UsageRecord {
                kind: UsageKind::Route,
                owner: owners.get(&id).map_or_else(String::new, |owner| (*owner).to_owned()),
                label: cause.map_or_else(String::new, |cause| cause.to_string()),
                text: format!("-> {}", name.text),
                source: self.source(name.span),
                span: name.span,
                is_declared,
                used: self.counts.route(id),
            }
        };
        names.routes.iter().enumerate().map(record).filter(is_told).collect()
    }

    /// Whose the routes are: of custom and guest tables by the place of the entry, of others by their tables. What
    /// several tables share is the first one's.
    fn route_owners(&self) -> FixedMap<RouteId, &str> {
        let Topology { world, program, names, .. } = self.topology;
        let mut by_place: FixedMap<Span, &str> = FixedMap::default();
        for table in world.route_tables.values() {
            by_place.extend(table.routes.iter().map(|route| (route.span, table.id.as_str())));
        }
        for instance in world.instances.values() {
            by_place.extend(instance.guest_routes.iter().map(|route| (route.span, instance.id.as_str())));
        }
        // Routes that are in no file have no place, and all of them would share this key: each would belong to
        // whichever table was added last. Their owners are found below, by the tables they are in.
        by_place.remove(&Span::NONE);
        let mut owners: FixedMap<RouteId, &str> = FixedMap::default();
        for (index, name) in names.routes.iter().enumerate() {
            if let Some(owner) = by_place.get(&name.span) {
                owners.insert(RouteId::from_index(index), owner);
            }
        }
        for (index, domain) in program.domains.iter().enumerate() {
            let tables = match domain {
                Domain::Vpc(vpc) => [Some(vpc.system), vpc.links],
                Domain::Classic(classic) => [Some(classic.instances), Some(classic.services)],
            };
            let routes = tables.into_iter().flatten().flat_map(|table| program.tables.routes(table));
            for (_, id) in routes {
                owners.entry(RouteId(id)).or_insert(&names.domains[index].text);
            }
        }
        owners
    }

    fn whitelist<'s>(&'s self, service: &'s Service) -> impl Iterator<Item = UsageRecord> + 's {
        let id = self.topology.names.find_endpoint(&service.id);
        let whitelist = id.and_then(|id| self.topology.program.endpoint(id).whitelist);
        let declared = service.whitelist.iter().flat_map(|entries| entries.value.iter());
        declared.enumerate().filter_map(move |(entry, prefix)| {
            let used = self.counts.whitelist_entry(WhitelistEntryId { whitelist: whitelist?, entry });
            Some(UsageRecord {
                kind: UsageKind::Whitelist,
                owner: service.id.value.clone(),
                label: format!("{} whitelist #{}", service.id.value, entry + 1),
                text: format!("holds {}", prefix.value),
                source: self.source(prefix.span),
                span: prefix.span,
                is_declared: true,
                used,
            })
        })
    }

    fn link(&self, instance: &Instance) -> Option<UsageRecord> {
        let vpc = instance.linked_vpc.as_ref()?;
        let id = self.topology.names.find_endpoint(&instance.id)?;
        let vpc_id = &self.topology.world.vpcs[vpc.value].id.value;
        Some(UsageRecord {
            kind: UsageKind::Link,
            owner: instance.id.value.clone(),
            label: format!("{} link", instance.id.value),
            text: format!("-> {vpc_id}"),
            source: self.source(vpc.span),
            span: vpc.span,
            is_declared: true,
            used: self.counts.link(id),
        })
    }

    fn source(&self, span: Span) -> Option<String> {
        self.words.place(span).map(|place| place.to_string())
    }
}

/// Where a group's inner access policy stands, where it accepts and the file says so.
fn intra_group_rule(group: &SecurityGroup) -> Option<Span> {
    let policy = &group.intra_group;
    (policy.value == Policy::Accept && !policy.span.is_none()).then_some(policy.span)
}

/// What the file does not declare is told where it was used.
fn is_told(record: &UsageRecord) -> bool {
    record.is_declared || record.used != EntryUse::default()
}

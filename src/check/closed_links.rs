//! Links whose two ends let nothing through: no rule of a group accepts anything in either direction, and no whitelist
//! holds the instance.
//!
//! A link counts as open as soon as one accept rule that is not shadowed speaks of the other end's addresses. Rules are
//! not held against each other port by port, so that a million links are looked at in one walk; what is found closed is.

use super::shadowed::shadows;
use super::survey::{Survey, placed_or};
use crate::diag::{Diagnostic, ProblemKind, ProblemRecord, Severity, citation};
use crate::model::{
    GroupKind, Instance, Key, Location, NicType, Peer, Policy, Rule, SecurityGroup, Service, Vpc, World, ranges,
};
use crate::net::Ipv4Net;
use hashbrown::{HashMap, HashSet};
use std::net::Ipv4Addr;

pub(super) static CLOSED: ProblemRecord = ProblemRecord {
    id: "link-without-rule",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "nothing passes a link: no group at its two ends accepts anything from the other end",
    meaning: "a link joins routes and opens no group: basic and enterprise groups drop what comes in until a rule \
              accepts it, and databases admit their whitelist only",
    remedy: "add an ingress rule to a group of the VPC that names the classic group as `source`, or the other way \
             round",
    source: citation::GROUP_RULES,
    example: "nothing passes between `i-a` and `vpc-a`: no rule or whitelist at either end accepts anything from the other",
};

type FixedMap<K, V> = HashMap<K, V, foldhash::fast::FixedState>;
type FixedSet<K> = HashSet<K, foldhash::fast::FixedState>;

pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Diagnostic>) {
    let world = survey.world;
    let outlets = Outlets::of(world);
    let mut ends = FarEnd::gather(survey, &outlets);
    for (key, vpc) in world.vpcs.iter() {
        let Some(end) = ends[key.index()].take().filter(|end| !end.is_empty()) else { continue };
        let mut closed: Vec<(&Instance, usize)> = Vec::new();
        let mut same_groups: FixedMap<Vec<usize>, usize> = FixedMap::default();
        let mut accepted: FixedMap<Key<SecurityGroup>, bool> = FixedMap::default();
        for instance in survey.linked(key) {
            if end.admits(&outlets, instance) || end.is_admitted(world, instance, &mut accepted) {
                continue;
            }
            let groups: Vec<usize> = instance.security_groups.iter().map(|group| group.index()).collect();
            let at = *same_groups.entry(groups).or_insert_with(|| {
                closed.push((instance, 0));
                closed.len() - 1
            });
            closed[at].1 += 1;
        }
        findings.extend(closed.into_iter().filter_map(|(first, count)| found(world, vpc, &end, first, count)));
    }
}

/// A finding for `count` links of instances in the same groups.
fn found(world: &World, vpc: &Vpc, end: &FarEnd<'_>, first: &Instance, count: usize) -> Option<Diagnostic> {
    let who = match count {
        1 => format!("`{}`", *first.id),
        _ => format!("`{}` (and {} more of the same groups)", *first.id, count - 1),
    };
    let message = format!(
        "nothing passes between {who} and `{}`: no rule or whitelist at either end accepts anything from the other",
        *vpc.id
    );
    let finding = CLOSED.found(message).at(first.linked_vpc.as_ref()?.span, "this link carries nothing");
    let Some(group) = first.security_groups.first() else { return Some(finding) };
    let group = &world.security_groups[group.value];
    let finding = finding.at(group.id.span, format!("accepts nothing from `{}`", *vpc.id));
    let Some(far) = end.first_group.map(|far| &world.security_groups[far]) else {
        return Some(
            finding.help(format!("add {} to the `whitelist` of a service of `{}`", *first.private_ip, *vpc.id)),
        );
    };
    let place = placed_or(far.id.span, vpc.id.span);
    // Rules of enterprise groups name addresses only.
    let source = if *far.kind == GroupKind::Enterprise { first.private_ip.to_string() } else { (*group.id).clone() };
    let help = format!(
        "to let `{0}` in, add `{{ source = \"{source}\" }}` to `ingress` of `{1}`; for the other direction \
         `{{ source = \"{1}\" }}` to that of `{0}`",
        *group.id, *far.id
    );
    Some(finding.at(place, format!("accepts nothing from `{}`", *group.id)).help(help))
}

/// What a VPC has at the far end of its links, in its primary CIDR and a linkable range.
#[derive(Default)]
struct FarEnd<'w> {
    first_group: Option<Key<SecurityGroup>>,
    groups: FixedSet<Key<SecurityGroup>>,
    addresses: Vec<Ipv4Addr>,
    services: Vec<&'w Service>,
    /// Whom ingress rules and whitelists accept: disjoint and ascending.
    admitted: Vec<Ipv4Net>,
    admitted_groups: FixedSet<Key<SecurityGroup>>,
    /// True where the groups of some instance let anything out.
    sends: bool,
}

impl<'w> FarEnd<'w> {
    /// The far ends of all VPCs that have links and ClassicLink on.
    fn gather(survey: &Survey<'w>, outlets: &Outlets) -> Vec<Option<FarEnd<'w>>> {
        let world = survey.world;
        let mut ends: Vec<Option<FarEnd<'_>>> = (0..world.vpcs.capacity()).map(|_| None).collect();
        for (key, vpc) in world.vpcs.iter() {
            if *vpc.classic_link && survey.linked(key).len() > 0 {
                ends[key.index()] = Some(FarEnd::default());
            }
        }
        let carried = |location: Location, address: Ipv4Addr| match location {
            Location::Classic => None,
            Location::Vswitch(vswitch) => {
                let vpc = world.vswitches[vswitch].vpc.value;
                ranges::carried_by_links(*world.vpcs[vpc].cidr, address).is_ok().then_some(vpc)
            }
        };
        for instance in world.instances.values() {
            let vpc = carried(*instance.location, *instance.private_ip);
            if let Some(end) = vpc.and_then(|vpc| ends[vpc.index()].as_mut()) {
                end.add_instance(outlets, instance);
            }
        }
        for service in world.services.values() {
            let vpc = carried(*service.location, *service.ip);
            if let Some(end) = vpc.and_then(|vpc| ends[vpc.index()].as_mut()) {
                end.services.push(service);
            }
        }
        for end in ends.iter_mut().flatten() {
            end.gather_admitted(world);
        }
        ends
    }

    fn add_instance(&mut self, outlets: &Outlets, instance: &Instance) {
        self.addresses.push(*instance.private_ip);
        for group in &instance.security_groups {
            self.groups.insert(group.value);
            self.first_group.get_or_insert(group.value);
        }
        self.sends |= outlets.open_for(instance);
    }

    fn gather_admitted(&mut self, world: &World) {
        self.addresses.sort_unstable();
        let mut admitted = Vec::new();
        for group in &self.groups {
            for rule in accepting(&world.security_groups[*group].ingress) {
                match rule.peer.value {
                    Peer::Cidr(net) => admitted.push(net),
                    Peer::Group(peer) => _ = self.admitted_groups.insert(peer),
                }
            }
        }
        for service in &self.services {
            admitted.extend(service.effective_whitelist().unwrap_or_else(|| vec![Ipv4Net::default()]));
        }
        self.admitted = Ipv4Net::aggregate(&admitted);
    }

    fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.services.is_empty()
    }

    /// True where something here accepts what `instance` sends.
    fn admits(&self, outlets: &Outlets, instance: &Instance) -> bool {
        let address = *instance.private_ip;
        let after = self.admitted.partition_point(|net| net.network() <= address);
        let named = self.admitted[..after].last().is_some_and(|net| net.contains(&address))
            || instance.security_groups.iter().any(|group| self.admitted_groups.contains(&group.value));
        named && outlets.open_for(instance)
    }

    /// True where `instance` accepts what something here sends.
    fn is_admitted(
        &self,
        world: &World,
        instance: &Instance,
        accepted: &mut FixedMap<Key<SecurityGroup>, bool>,
    ) -> bool {
        let mut group_accepts = |group: Key<SecurityGroup>| {
            *accepted.entry(group).or_insert_with(|| {
                accepting(&world.security_groups[group].ingress).any(|rule| match rule.peer.value {
                    Peer::Group(peer) => self.groups.contains(&peer),
                    Peer::Cidr(net) => {
                        let start = self.addresses.partition_point(|address| *address < net.network());
                        self.addresses.get(start).is_some_and(|address| net.contains(address))
                    }
                })
            })
        };
        self.sends && instance.security_groups.iter().any(|group| group_accepts(group.value))
    }
}

/// The accept rules that decide something on the private NIC.
fn accepting(rules: &[Rule]) -> impl Iterator<Item = &Rule> {
    let shadowed: FixedSet<usize> = shadows(rules).into_iter().map(|shadow| shadow.rule).collect();
    rules.iter().enumerate().filter_map(move |(at, rule)| {
        let accepts = rule.policy == Policy::Accept && rule.nic_type == NicType::Intranet;
        (accepts && !shadowed.contains(&at)).then_some(rule)
    })
}

/// What the egress rules of each group let out.
struct Outlets(Vec<Outlet>);

#[derive(Clone, Copy, Default)]
struct Outlet {
    /// A rule, or the default of enterprise groups, drops everything.
    drops_all: bool,
    /// A rule accepts something.
    accepts_some: bool,
}

impl Outlets {
    fn of(world: &World) -> Outlets {
        let mut outlets = vec![Outlet::default(); world.security_groups.capacity()];
        for (key, group) in world.security_groups.iter() {
            let drops_all = |rule: &Rule| {
                rule.policy == Policy::Drop
                    && rule.nic_type == NicType::Intranet
                    && rule.protocol.is_none()
                    && rule.own.is_none()
                    && rule.peer.value == Peer::Cidr(Ipv4Net::default())
            };
            outlets[key.index()] = Outlet {
                drops_all: *group.kind == GroupKind::Enterprise || group.egress.iter().any(drops_all),
                accepts_some: accepting(&group.egress).next().is_some(),
            };
        }
        Outlets(outlets)
    }

    /// False where the groups of `instance` let nothing out: all is dropped, and no rule accepts any of it.
    fn open_for(&self, instance: &Instance) -> bool {
        let outlets = || instance.security_groups.iter().map(|group| self.0[group.index()]);
        !outlets().any(|outlet| outlet.drops_all) || outlets().any(|outlet| outlet.accepts_some)
    }
}

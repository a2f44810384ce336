//! Links that nothing passes, because the groups and whitelists at their two ends accept nothing from each other.

use super::ends::{Class, FarEnds, LinkEnd, Near};
use super::way::{Way, arrives};
use crate::check::{ClosedLinks, link_without_rule};
use crate::control::PeerRequest;
use crate::datapath::FirstPacket;
use crate::diag::Diagnostic;
use crate::model::{Direction, GroupKind, Instance, Key, Location, SecurityGroup, Vpc, World};
use crate::program::{DomainId, EndpointId, EndpointKind, FixedMap, Names, Program};
use crate::remedy;
use hashbrown::HashSet;

/// What may be spent on links that no packet before has shown to be open: a host costs 1, a pair that is asked about
/// [`PAIR`]. A world that would cost more has links of which nothing is said.
const MAX_EFFORT: usize = 4_000_000;

const PAIR: usize = 16;

/// Packets of other links that are tried first.
const HINTS: usize = 4;

/// Warns of links that nothing passes.
pub(crate) fn warnings(world: &World, program: &Program, names: &Names) -> Vec<Diagnostic> {
    let mut linked: Vec<(DomainId, Key<Vpc>, Key<Instance>)> = Vec::new();
    for (key, instance) in world.instances.iter() {
        let Some(vpc) = &instance.linked_vpc else { continue };
        if *instance.location == Location::Classic && *world.vpcs[vpc.value].classic_link {
            linked.push((DomainId::from_index(vpc.index()), vpc.value, key));
        }
    }
    linked.sort_by_key(|(domain, ..)| *domain);
    let ends = FarEnds::of(program, linked.iter().map(|(domain, ..)| *domain));
    let mut search = OpenSearch { program, hints: Vec::new(), effort: MAX_EFFORT };
    let mut findings = Vec::new();
    for links in linked.chunk_by(|one, other| one.0 == other.0) {
        let (domain, vpc, _) = links[0];
        let Some(far) = ends.get(&domain).filter(|far| !far.is_empty()) else { continue };
        search.hints.clear();
        let mut closed: Vec<(Key<Instance>, usize)> = Vec::new();
        let mut same_groups: FixedMap<Vec<usize>, usize> = FixedMap::default();
        for (.., key) in links {
            let instance = &world.instances[*key];
            let Some(near) = names.find_endpoint(&instance.id) else { continue };
            if search.is_open(near, far) {
                continue;
            }
            let groups: Vec<usize> = instance.security_groups.iter().map(|group| group.index()).collect();
            let at = *same_groups.entry(groups).or_insert_with(|| {
                closed.push((*key, 0));
                closed.len() - 1
            });
            closed[at].1 += 1;
        }
        let far_group = first_group(world, names, far);
        findings.extend(closed.into_iter().map(|(key, count)| {
            let first = &world.instances[key];
            let help = accepting(world, first, far_group);
            link_without_rule(world, &ClosedLinks { first, count, vpc, far_group, help })
        }));
    }
    findings
}

/// What lets both ends accept each other.
fn accepting(world: &World, first: &Instance, far_group: Option<Key<SecurityGroup>>) -> Option<String> {
    let own = &world.security_groups[first.security_groups.first()?.value];
    let far = &world.security_groups[far_group?];
    // Rules of enterprise groups name addresses only.
    let source = match *far.kind {
        GroupKind::Basic => PeerRequest::Group(own.id.value.clone()),
        GroupKind::Enterprise => PeerRequest::Cidr((*first.private_ip).into()),
    };
    let there = remedy::accepting(far, Direction::Ingress, source, world);
    let back = remedy::accepting(own, Direction::Ingress, PeerRequest::Group(far.id.value.clone()), world);
    Some(format!("{there}; for the other direction, {back}"))
}

/// The first group at the far end, where an instance is.
fn first_group(world: &World, names: &Names, far: &FarEnds) -> Option<Key<SecurityGroup>> {
    far.hosts.iter().find_map(|end| {
        let instance = world.instances.find(names.endpoint(end.id))?;
        Some(world.instances[instance].security_groups.first()?.value)
    })
}

/// The search for something that passes a link.
struct OpenSearch<'a> {
    program: &'a Program,
    /// What links of the same VPC before have shown to pass.
    hints: Vec<OpenPacket>,
    effort: usize,
}

impl OpenSearch<'_> {
    /// True where something passes the link of `near`, or would but for what is no matter of groups and whitelists.
    fn is_open(&mut self, near: EndpointId, far: &FarEnds) -> bool {
        let end = LinkEnd { id: near, address: self.program.endpoint(near).address };
        if self.hints.iter().any(|hint| hint.passes(self.program, end)) {
            return true;
        }
        if self.effort == 0 {
            return true;
        }
        let near = Near::of(self.program, near);
        let mut seen: HashSet<Class, foldhash::fast::FixedState> = HashSet::default();
        for host in &far.hosts {
            self.effort = self.effort.saturating_sub(1);
            if seen.insert(near.class(self.program, *host)) && self.is_open_between(near.end, *host) {
                return true;
            }
            if self.effort == 0 {
                return true;
            }
        }
        let clients = far.clients_of(self.program, &near);
        clients.into_iter().any(|client| self.is_open_between(near.end, client))
    }

    fn is_open_between(&mut self, near: LinkEnd, far: LinkEnd) -> bool {
        self.effort = self.effort.saturating_sub(PAIR);
        let out = Way::between(self.program, near, far);
        if out.accepted {
            self.hint(OpenPacket { packet: out.sample, far, outward: true });
            return true;
        }
        // A service answers a classic instance, and opens nothing to it.
        if matches!(self.program.endpoint(far.id).kind, EndpointKind::Service { .. }) {
            return false;
        }
        let back = Way::between(self.program, far, near);
        if back.accepted {
            self.hint(OpenPacket { packet: back.sample, far, outward: false });
        }
        back.accepted
    }

    fn hint(&mut self, hint: OpenPacket) {
        if self.hints.len() < HINTS {
            self.hints.push(hint);
        }
    }
}

/// A packet that passed a link, or would but for what is no matter of groups and whitelists.
struct OpenPacket {
    packet: FirstPacket,
    far: LinkEnd,
    outward: bool,
}

impl OpenPacket {
    /// True where the same packet passes the link of `near`.
    fn passes(&self, program: &Program, near: LinkEnd) -> bool {
        let OpenPacket { packet, far, outward } = *self;
        if outward {
            let packet = FirstPacket { sender: near.id, source: near.address, ..packet };
            return arrives(program, &packet, [near, far]);
        }
        arrives(program, &FirstPacket { destination: near.address, ..packet }, [far, near])
    }
}

//! Peering connections and the routes that lead to them.

use super::survey::Survey;
use crate::diag::{Diagnostic, ProblemKind, ProblemRecord, Reason, Severity, Span, Spanned, citation};
use crate::model::{Key, NextHop, Peering, Vpc, Vswitch, World, ranges};
use crate::net::{Ipv4Net, overlap};
use hashbrown::hash_map::Entry;
use hashbrown::{HashMap, HashSet};

pub(super) static SELF: ProblemRecord = ProblemRecord {
    id: "peering-self",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "a peering joins a VPC with itself",
    meaning: "a peering joins two VPCs",
    remedy: "name the other VPC, or remove the peering: the vSwitches of one VPC are joined already",
    source: citation::PEERING,
    example: "`pcc-a` joins `vpc-a` with itself",
};

pub(super) static TWICE: ProblemRecord = ProblemRecord {
    id: "peering-twice",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "two peerings join the same two VPCs",
    meaning: "the second peering reaches nothing that the first does not",
    remedy: "remove one of the two and let the routes name the other",
    source: citation::OWN_CHOICE,
    example: "`pcc-b` and `pcc-a` both join `vpc-a` and `vpc-b`",
};

pub(super) static CIDR_OVERLAP: ProblemRecord = ProblemRecord {
    id: "peering-cidr-overlap",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "CIDRs of the two VPCs of a peering share addresses",
    meaning: "VPCs that are connected have CIDRs that do not overlap: a route to the peer's CIDR covers addresses of the \
              own VPC, and a vSwitch that is made there later takes them away",
    remedy: "connect VPCs whose CIDRs do not overlap; move what must communicate into another VPC",
    source: citation::PEERING,
    example: "`172.16.0.0/16` of `vpc-b` and `172.16.0.0/16` of `vpc-a` overlap, on the two sides of `pcc-a`",
};

pub(super) static VSWITCH_OVERLAP: ProblemRecord = ProblemRecord {
    id: "peering-vswitch-overlap",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "vSwitches on both sides of a peering share addresses",
    meaning: "peered VPCs communicate between vSwitches that do not overlap; the own vSwitch always wins",
    remedy: "use other vSwitches for what must communicate",
    source: citation::PEERING,
    example: "`vsw-c` and `vsw-a` overlap, on the two sides of `pcc-a`",
};

pub(super) static NO_ROUTE: ProblemRecord = ProblemRecord {
    id: "peering-without-route",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "a VPC of a peering has no route to it",
    meaning: "a peering carries traffic where both VPCs have a route to it",
    remedy: "add a custom route to the other VPC's vSwitches with this peering as next hop",
    source: citation::PEERING,
    example: "no table of `vpc-b` has a route to `pcc-a`",
};

pub(super) static MISSES: ProblemRecord = ProblemRecord {
    id: Reason::PeeringNoTransit.id(),
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "a route to a peering leads to no vSwitch of the peer",
    meaning: "a peering reaches the vSwitches of the peer and nothing behind them",
    remedy: "peer with the VPC that has the destination, or correct the destination",
    source: citation::PEERING,
    example: "the route to `192.168.7.0/24` in the system table of `vpc-a` reaches no vSwitch of `vpc-b`",
};

pub(super) static NO_TRANSIT: ProblemRecord = ProblemRecord {
    id: Reason::ClassiclinkNoTransit.id(),
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "a route to a peering leads to classic addresses behind the peer",
    meaning: "a peering does not lead on to the classic instances linked to the peer",
    remedy: "link the classic instances to this VPC, or move what they must reach into the peer",
    source: citation::OWN_CHOICE,
    example: "the route to `10.24.0.0/16` in the system table of `vpc-a` reaches no classic instance through `vpc-b`",
};

pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Diagnostic>) {
    let world = survey.world;
    let mut joined: HashMap<(Key<Vpc>, Key<Vpc>), &Peering, foldhash::fast::FixedState> = HashMap::default();
    let routed = routes(survey, findings);
    for (key, peering) in world.peerings.iter() {
        let [one, two] = [peering.vpcs[0].value, peering.vpcs[1].value];
        let id = peering.id.as_str();
        if one == two {
            let finding = SELF.found(format!("`{id}` joins `{}` with itself", *world.vpcs[one].id));
            findings.push(finding.at(peering.vpcs[1].span, "the same VPC").at(peering.vpcs[0].span, "as here"));
            continue;
        }
        match joined.entry((one.min(two), one.max(two))) {
            Entry::Vacant(vacant) => {
                vacant.insert(peering);
            }
            Entry::Occupied(first) => {
                let message = format!(
                    "`{id}` and `{}` both join `{}` and `{}`",
                    *first.get().id,
                    *world.vpcs[one].id,
                    *world.vpcs[two].id
                );
                findings
                    .push(TWICE.found(message).at(peering.id.span, "adds nothing").at(first.get().id.span, "to this"));
            }
        }
        if let Some((later, earlier)) = shared_addresses(survey, one, two) {
            let message = format!("`{}` and `{}` overlap, on the two sides of `{id}`", *later.id, *earlier.id);
            let finding = VSWITCH_OVERLAP.found(message).at(later.cidr.span, "cannot reach");
            findings.push(finding.at(earlier.cidr.span, "this one").at(peering.id.span, "through this peering"));
        } else if let Some((later, earlier)) = shared_cidrs(world, one, two) {
            let [(cidr, owner), (other, of)] = [later, earlier];
            let message =
                format!("`{}` of `{owner}` and `{}` of `{of}` overlap, on the two sides of `{id}`", **cidr, **other);
            let finding = CIDR_OVERLAP.found(message).at(cidr.span, "shares addresses");
            findings.push(finding.at(other.span, "with this one").at(peering.id.span, "joined by this peering"));
        }
        for end in &peering.vpcs {
            if !routed.contains(&(end.value, key)) {
                let finding =
                    NO_ROUTE.found(format!("no table of `{}` has a route to `{id}`", *world.vpcs[end.value].id));
                findings.push(finding.at(end.span, "no route from here").at(peering.id.span, "to this peering"));
            }
        }
    }
}

type RoutedPeering = HashSet<(Key<Vpc>, Key<Peering>), foldhash::fast::FixedState>;

/// Checks the routes that lead to peerings, and gathers which VPC has any to which peering.
fn routes(survey: &Survey<'_>, findings: &mut Vec<Diagnostic>) -> RoutedPeering {
    let world = survey.world;
    let mut routed = RoutedPeering::default();
    for (vpc, _) in world.vpcs.iter() {
        for table in survey.tables(vpc) {
            for route in table.routes {
                let NextHop::Peering(key) = route.next_hop.value else { continue };
                routed.insert((vpc, key));
                let Some(peer) = other_end(&world.peerings[key], vpc) else { continue };
                let destination = route.destination.value;
                if survey.vswitch_touching(peer, destination).is_some() {
                    continue;
                }
                let peer_name = world.vpcs[peer].id.as_str();
                let behind = ranges::CLASSIC.contains(&destination) && !ranges::CARVE_OUT.contains(&destination);
                let transit = behind && *world.vpcs[peer].classic_link;
                let leads = format!("the route to `{destination}` in {} reaches no", table.name);
                let finding = if transit {
                    NO_TRANSIT.found(format!("{leads} classic instance through `{peer_name}`"))
                } else {
                    MISSES.found(format!("{leads} vSwitch of `{peer_name}`"))
                };
                let place = peer_place(world, key, peer);
                findings.push(finding.at(route.destination.span, "carries nothing").at(place, "the peer"));
            }
        }
    }
    routed
}

/// The VPC at the other end of `peering`, where `vpc` is at one of two.
fn other_end(peering: &Peering, vpc: Key<Vpc>) -> Option<Key<Vpc>> {
    let [one, two] = [peering.vpcs[0].value, peering.vpcs[1].value];
    match () {
        () if one == two => None,
        () if one == vpc => Some(two),
        () if two == vpc => Some(one),
        () => None,
    }
}

fn peer_place(world: &World, peering: Key<Peering>, peer: Key<Vpc>) -> Span {
    let ends = &world.peerings[peering].vpcs;
    ends.iter().find(|end| end.value == peer).map_or(Span::NONE, |end| end.span)
}

/// The first vSwitch of the smaller VPC that overlaps one of the other: the later one in the file, then the earlier.
fn shared_addresses<'w>(survey: &Survey<'w>, one: Key<Vpc>, two: Key<Vpc>) -> Option<(&'w Vswitch, &'w Vswitch)> {
    let (few, many) = if survey.vswitches(one).len() <= survey.vswitches(two).len() { (one, two) } else { (two, one) };
    let (a, b) = survey
        .vswitches(few)
        .iter()
        .find_map(|vswitch| Some((*vswitch, survey.vswitch_touching(many, *vswitch.cidr)?)))?;
    Some(if a.cidr.span > b.cidr.span { (a, b) } else { (b, a) })
}

/// A CIDR and the id of its VPC.
type OwnedCidr<'w> = (&'w Spanned<Ipv4Net>, &'w str);

/// The first CIDRs of two VPCs that overlap: the later one in the file, then the earlier.
fn shared_cidrs(world: &World, one: Key<Vpc>, two: Key<Vpc>) -> Option<(OwnedCidr<'_>, OwnedCidr<'_>)> {
    let owned = |key: Key<Vpc>| {
        let vpc = &world.vpcs[key];
        std::iter::once(&vpc.cidr).chain(&vpc.secondary_cidrs).map(|cidr| (cidr, vpc.id.as_str()))
    };
    let (a, b) = owned(one).find_map(|a| Some((a, owned(two).find(|b| overlap(a.0.value, b.0.value))?)))?;
    Some(if a.0.span > b.0.span { (a, b) } else { (b, a) })
}

//! Links, and VPCs with ClassicLink enabled.

use super::limits::LINKS_PER_VPC;
use super::survey::{Survey, placed_or};
use crate::diag::{Diagnostic, ProblemKind, ProblemRecord, Reason, Severity, Span, Spanned, citation};
use crate::model::{
    Instance, Key, Location, MissingGuestRoute, Placement, Route, SharedText, Vpc, Vswitch, World, ranges,
};
use crate::net::{GuestRoute, Ipv4Net, overlap};
use std::net::Ipv4Addr;

pub(super) static LINK_LIMIT: ProblemRecord = ProblemRecord {
    id: "classiclink-link-limit",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "more than 1000 classic instances are linked to one VPC",
    meaning: "a VPC takes at most 1000 linked classic instances; AttachClassicLinkVpc answers QuotaExceeded",
    remedy: "remove links, or link the others to a second VPC",
    source: citation::ATTACH,
    example: "1001 classic instances are linked to `vpc-a`, 1 more than the 1000 it takes",
};

pub(super) static LINK_REGION: ProblemRecord = ProblemRecord {
    id: "classiclink-region",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "a classic instance is linked to a VPC of another region",
    meaning: "a classic instance and the VPC it is linked to are in the same region",
    remedy: "migrate the instance into a VPC of its own region and connect the two VPCs",
    source: citation::ATTACH,
    example: "`i-a` in cn-beijing is linked to `vpc-a` in cn-hangzhou",
};

pub(super) static LINK_ACCOUNT: ProblemRecord = ProblemRecord {
    id: "classiclink-account",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "a classic instance is linked to a VPC of another account",
    meaning: "a classic instance and the VPC it is linked to belong to one account; AttachClassicLinkVpc answers \
              InvalidInstanceId.NotBelong",
    remedy: "transfer the instance to the VPC's account first, then link it",
    source: citation::CLASSIC_LINK,
    example: "`i-a` of account `partner` is linked to `vpc-a` of account `main`",
};

pub(super) static LINK_FROM_VPC: ProblemRecord = ProblemRecord {
    id: "classiclink-vpc-instance",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "an instance of a VPC has a link",
    meaning: "only classic instances are linked; AttachClassicLinkVpc answers InvalidInstanceId.MalFormed",
    remedy: "remove `linked_vpc`; VPCs are connected by a peering",
    source: citation::ATTACH,
    example: "`i-a` lives in `vsw-a` and cannot be linked to `vpc-a`",
};

pub(crate) static ROUTE_CONFLICT: ProblemRecord = ProblemRecord {
    id: "classiclink-route-conflict",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "a VPC with ClassicLink has a custom route to 10.0.0.0/8",
    meaning: "ClassicLink needs the destination 10.0.0.0/8 for itself in every table; the vendor answers \
              RouteConflict.AlreadyExist",
    remedy: "split the route into narrower ones for what it must reach, or turn ClassicLink off",
    source: citation::CLASSIC_LINK,
    example: "the system table of `vpc-a` has a route to 10.0.0.0/8, but ClassicLink is on",
};

pub(super) static DISABLED: ProblemRecord = ProblemRecord {
    id: Reason::ClassiclinkDisabled.id(),
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "a classic instance is linked to a VPC that has ClassicLink off",
    meaning: "a link carries nothing while ClassicLink is off for its VPC",
    remedy: "set `classic_link = true` for the VPC, or remove the link",
    source: citation::ATTACH,
    example: "`i-a` is linked to `vpc-a`, which has ClassicLink off",
};

pub(super) static RANGE: ProblemRecord = ProblemRecord {
    id: Reason::ClassiclinkRangeNotLinkable.id(),
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "a VPC with ClassicLink, or one of its vSwitches, lies outside the three ranges that can be linked",
    meaning: "only 10.111.0.0/16, 172.16.0.0/12 and 192.168.0.0/16 communicate with the classic network",
    remedy: "put what classic instances must reach into one of the three ranges",
    source: citation::CLASSIC_LINK,
    example: "ClassicLink is on for `vpc-a`, but no address of `10.20.0.0/16` can be linked",
};

pub(super) static VSWITCH_RANGE: ProblemRecord = ProblemRecord {
    id: Reason::ClassiclinkVswitchOutside10111.id(),
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "a vSwitch of a 10.0.0.0/8 VPC with ClassicLink lies outside 10.111.0.0/16",
    meaning: "in a 10.0.0.0/8 VPC only vSwitches inside 10.111.0.0/16 communicate with the classic network",
    remedy: "make a vSwitch inside 10.111.0.0/16 for what classic instances must reach",
    source: citation::CLASSIC_LINK,
    example: "`vsw-a` (`10.112.1.0/24`) cannot communicate with the classic instances linked to `vpc-a`",
};

pub(super) static SECONDARY: ProblemRecord = ProblemRecord {
    id: Reason::ClassiclinkSecondaryCidr.id(),
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "a vSwitch of a VPC with ClassicLink lies in a secondary CIDR",
    meaning: "only the primary CIDR takes part in ClassicLink",
    remedy: "put what classic instances must reach into a vSwitch of the primary CIDR",
    source: citation::CLASSIC_LINK,
    example: "`vsw-a` (`192.168.1.0/24`) cannot communicate with the classic instances linked to `vpc-a`",
};

pub(super) static GUEST_ROUTE: ProblemRecord = ProblemRecord {
    id: Reason::GuestRoutePublicNic.id(),
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "a classic instance linked to a VPC in 192.168.0.0/16 lacks the guest route to it",
    meaning: "a classic guest sends 192.168.0.0/16 to its public NIC until a route to the private one is added",
    remedy: "run the vendor's routing script, or add the route by hand",
    source: citation::CLASSIC_LINK,
    example: "`i-a` has no guest route to `192.168.0.0/16` of `vpc-a`",
};

pub(crate) static SHADOW: ProblemRecord = ProblemRecord {
    id: "classiclink-shadowed",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "a custom route or a vSwitch of a VPC with ClassicLink covers part of the classic network",
    meaning: "the longest prefix wins: what the VPC sends to these addresses, answers too, takes the custom route or \
              stays in the vSwitch, and never takes the link",
    remedy: "narrow the route until it leaves the linked instances out, or remove it; move what must talk to them into \
             a VPC without that vSwitch",
    source: citation::OWN_CHOICE,
    example: "the route to `10.20.0.0/16` in the system table of `vpc-a` hides classic addresses",
};

pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Diagnostic>) {
    let world = survey.world;
    for instance in world.instances.values() {
        if let Some(linked) = &instance.linked_vpc {
            link(world, instance, linked, findings);
        }
    }
    for (key, vpc) in world.vpcs.iter() {
        link_count(survey, key, vpc, findings);
        if *vpc.classic_link {
            enabled_vpc(survey, key, vpc, findings);
        }
    }
}

fn link(world: &World, instance: &Instance, linked: &Spanned<Key<Vpc>>, findings: &mut Vec<Diagnostic>) {
    let (id, vpc) = (instance.id.as_str(), &world.vpcs[linked.value]);
    if let Location::Vswitch(vswitch) = *instance.location {
        let home = &world.vswitches[vswitch].id;
        let message = format!("`{id}` lives in `{}` and cannot be linked to `{}`", **home, *vpc.id);
        let finding = LINK_FROM_VPC.found(message).at(linked.span, "a link");
        findings.push(finding.at(instance.location.span, "of an instance that is not classic"));
        return;
    }
    let (region, vpc_region) = (world.instance_region(instance), world.vpc_region(linked.value));
    if region != vpc_region.as_str() {
        let message = format!("`{id}` in {region} is linked to `{}` in {}", *vpc.id, **vpc_region);
        let vpc_place = place_of(&vpc.placement, |placement| &placement.region, vpc.id.span);
        let finding = LINK_REGION.found(message).at(linked.span, format!("from {region}"));
        findings.push(finding.at(vpc_place, format!("to {}", **vpc_region)));
    }
    let (account, vpc_account) = (world.instance_account(instance), world.vpc_account(linked.value));
    if account != vpc_account.as_str() {
        let message =
            format!("`{id}` of account `{account}` is linked to `{}` of account `{}`", *vpc.id, **vpc_account);
        let vpc_place = place_of(&vpc.placement, |placement| &placement.account, vpc.id.span);
        let mut finding = LINK_ACCOUNT.found(message).at(linked.span, format!("from account `{account}`"));
        if region != vpc_region.as_str() {
            // A transfer leaves the instance in its region: the vendor's scenario table has only migration for this.
            finding = finding.help("a transfer does not help across regions: migrate the instance into a VPC instead");
        }
        findings.push(finding.at(vpc_place, format!("to account `{}`", **vpc_account)));
    }
    if !*vpc.classic_link {
        let message = format!("`{id}` is linked to `{}`, which has ClassicLink off", *vpc.id);
        let switch = placed_or(vpc.classic_link.span, vpc.id.span);
        findings.push(DISABLED.found(message).at(linked.span, "this link").at(switch, "ClassicLink is off here"));
    }
    guest_route(instance, linked.span, vpc, findings);
}

fn place_of(placement: &Placement, key: impl Fn(&Placement) -> &Option<Spanned<SharedText>>, otherwise: Span) -> Span {
    key(placement).as_ref().map_or(otherwise, |value| value.span)
}

pub(super) fn guest_route(instance: &Instance, link: Span, vpc: &Vpc, findings: &mut Vec<Diagnostic>) {
    let Some(MissingGuestRoute { needed, only_part }) = instance.missing_guest_route(vpc) else { return };
    let id = instance.id.as_str();
    let message = if only_part {
        format!("the guest routes of `{id}` cover only a part of `{needed}` of `{}`", *vpc.id)
    } else {
        format!("`{id}` has no guest route to `{needed}` of `{}`", *vpc.id)
    };
    let route = GuestRoute::of(*instance.private_ip);
    let help = format!(
        "on the instance run `{}` (`biplane guest-route` prints what lasts), and here add `guest_routes = [\"{}\"]`",
        route.add_command(),
        route.destination()
    );
    let finding = GUEST_ROUTE.found(message).at(link, "what goes this way leaves by the public NIC");
    findings.push(finding.at(vpc.cidr.span, "a range that needs a guest route").help(help));
}

fn link_count(survey: &Survey<'_>, key: Key<Vpc>, vpc: &Vpc, findings: &mut Vec<Diagnostic>) {
    let mut linked = survey.linked(key);
    let count = linked.len();
    let Some(excess) = linked.nth(LINKS_PER_VPC).and_then(|instance| instance.linked_vpc.as_ref()) else { return };
    let message = format!(
        "{count} classic instances are linked to `{}`, {} more than the {LINKS_PER_VPC} it takes",
        *vpc.id,
        count - LINKS_PER_VPC
    );
    findings.push(LINK_LIMIT.found(message).at(excess.span, "this is the 1001st link").at(vpc.id.span, "to this VPC"));
}

/// True for the one destination that ClassicLink needs for itself.
pub(super) fn is_conflict(route: &Route) -> bool {
    route.destination.value == ranges::CLASSIC
}

/// True where a custom route wins over the link for some classic addresses.
pub(super) fn is_shadow(route: &Route) -> bool {
    let destination = route.destination.value;
    !is_conflict(route) && ranges::CLASSIC.contains(&destination) && !ranges::CARVE_OUT.contains(&destination)
}

fn enabled_vpc(survey: &Survey<'_>, key: Key<Vpc>, vpc: &Vpc, findings: &mut Vec<Diagnostic>) {
    let switch = placed_or(vpc.classic_link.span, vpc.id.span);
    let mut linked = None;
    for table in survey.tables(key) {
        for route in table.routes {
            if is_conflict(route) {
                let message =
                    format!("{} has a route to {}, but ClassicLink is on", table.name, route.destination.value);
                let finding = ROUTE_CONFLICT.found(message).at(route.destination.span, "a custom route to 10.0.0.0/8");
                findings.push(finding.at(switch, "ClassicLink is enabled here"));
            } else if is_shadow(route) {
                let linked = linked.get_or_insert_with(|| survey.linked_addresses(key));
                findings.push(shadow(&table.name, route, linked, switch));
            }
        }
    }
    let vswitches = survey.vswitches(key);
    for vswitch in vswitches.iter().filter(|vswitch| overlap(*vswitch.cidr, ranges::CLASSIC)) {
        let linked = linked.get_or_insert_with(|| survey.linked_addresses(key));
        findings.extend(hiding_vswitch(vswitch, vpc, within(linked, *vswitch.cidr)));
    }
    unreachable(vswitches, vpc, findings);
}

/// The parts of a VPC with these vSwitches that no link reaches, whether or not ClassicLink is on.
pub(super) fn unreachable(vswitches: &[&Vswitch], vpc: &Vpc, findings: &mut Vec<Diagnostic>) {
    let switch = placed_or(vpc.classic_link.span, vpc.id.span);
    let on = if *vpc.classic_link { "ClassicLink is enabled here" } else { "the VPC" };
    let linkable = ranges::LINKABLE.iter().any(|range| range.contains(&*vpc.cidr) || vpc.cidr.contains(range));
    if !linkable {
        let message = match *vpc.classic_link {
            true => format!("ClassicLink is on for `{}`, but no address of `{}` can be linked", *vpc.id, *vpc.cidr),
            false => format!("no address of `{}` of `{}` can be linked", *vpc.cidr, *vpc.id),
        };
        let finding = RANGE.found(message).at(vpc.cidr.span, "outside the three ranges");
        findings.push(finding.at(switch, on));
    }
    for vswitch in vswitches {
        if !vpc.cidr.contains(&*vswitch.cidr) {
            if let Some(secondary) = vpc.secondary_cidrs.iter().find(|cidr| cidr.contains(&*vswitch.cidr)) {
                let finding = vswitch_unreachable(&SECONDARY, vswitch, vpc, "in a secondary CIDR");
                findings.push(finding.at(secondary.span, "this one"));
            }
        } else if linkable && !ranges::LINKABLE.iter().any(|range| range.contains(&*vswitch.cidr)) {
            let (rule, place) = if ranges::CLASSIC.contains(&*vswitch.cidr) {
                (&VSWITCH_RANGE, "outside 10.111.0.0/16")
            } else {
                (&RANGE, "outside the three ranges")
            };
            findings.push(vswitch_unreachable(rule, vswitch, vpc, place).at(switch, on));
        }
    }
}

/// A custom route that wins over the link, and the linked instances among `linked`, ascending, that it hides.
fn shadow(table: &str, route: &Route, linked: &[(Ipv4Addr, &Instance)], switch: Span) -> Diagnostic {
    let destination = route.destination.value;
    let hidden = within(linked, destination);
    let leads = format!("the route to `{destination}` in {table} hides");
    let place = (route.destination.span, "wins over the link for these addresses");
    let Some((address, first)) = hidden.first() else {
        let finding = SHADOW.found(format!("{leads} classic addresses")).at(place.0, place.1);
        return finding.at(switch, "ClassicLink is enabled here");
    };
    let finding = SHADOW.found(format!("{leads} {}", counted(first, hidden.len()))).at(place.0, place.1);
    finding.at(first.private_ip.span, format!("{address} lies inside"))
}

/// A vSwitch that keeps what the VPC sends to the linked instances `hidden`, where there are any.
fn hiding_vswitch(vswitch: &Vswitch, vpc: &Vpc, hidden: &[(Ipv4Addr, &Instance)]) -> Option<Diagnostic> {
    let (address, first) = hidden.first()?;
    let (id, cidr) = (vswitch.id.as_str(), vswitch.cidr.value);
    let message = format!("`{id}` (`{cidr}`) of `{}` hides {}", *vpc.id, counted(first, hidden.len()));
    let finding = SHADOW.found(message).at(vswitch.cidr.span, "keeps what is sent to these addresses");
    Some(finding.at(first.private_ip.span, format!("{address} lies inside")))
}

fn within<'l, 'w>(linked: &'l [(Ipv4Addr, &'w Instance)], net: Ipv4Net) -> &'l [(Ipv4Addr, &'w Instance)] {
    let start = linked.partition_point(|(address, _)| *address < net.network());
    let end = linked.partition_point(|(address, _)| *address <= net.broadcast());
    &linked[start..end]
}

/// `count` linked instances of which `first` is the first.
fn counted(first: &Instance, count: usize) -> String {
    let id = first.id.as_str();
    match count {
        1 => format!("the linked instance `{id}`"),
        count => format!("`{id}` and {} more linked instance{}", count - 1, if count == 2 { "" } else { "s" }),
    }
}

fn vswitch_unreachable(rule: &ProblemRecord, vswitch: &Vswitch, vpc: &Vpc, place: &str) -> Diagnostic {
    let message = format!(
        "`{}` (`{}`) cannot communicate with the classic instances linked to `{}`",
        *vswitch.id, *vswitch.cidr, *vpc.id
    );
    rule.found(message).at(vswitch.cidr.span, place)
}

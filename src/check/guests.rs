//! The guests of instances: routes and forwarding that do nothing.

use super::survey::{Survey, placed_or};
use crate::diag::{Diagnostic, ProblemKind, ProblemRecord, Severity, Spanned, citation};
use crate::model::{Instance, Location, World, ranges};
use crate::net::{Ipv4Net, overlap};

pub(super) static IN_VPC: ProblemRecord = ProblemRecord {
    id: "guest-routes-in-vpc",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "an instance of a VPC has guest routes",
    meaning: "an instance of a VPC has one NIC and sends everything to its vSwitch's gateway",
    remedy: "remove `guest_routes`",
    source: citation::OWN_CHOICE,
    example: "the guest routes of `i-a` have no effect: it lives in `vsw-a`",
};

pub(super) static CLASSIC_FORWARDING: ProblemRecord = ProblemRecord {
    id: "classic-forwarding",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "a classic instance says that it forwards",
    meaning: "the classic network has no custom routes, so nothing is ever sent through a classic instance",
    remedy: "remove `forwarding`",
    source: citation::ECS,
    example: "`forwarding` of `i-a` has no effect: it is in the classic network",
};

pub(super) static USELESS_ROUTE: ProblemRecord = ProblemRecord {
    id: "guest-route-unused",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "a guest route of a classic instance does nothing",
    meaning: "10.0.0.0/8, 172.16.0.0/12 and 100.64.0.0/10 go to the private NIC without it, and beyond that NIC are \
              the classic network, those services, and the primary CIDR of the linked VPC",
    remedy: "remove the guest route",
    source: citation::CLASSIC_LINK,
    example: "the guest route to `172.16.0.0/16` of `i-a` adds nothing: `172.16.0.0/12` goes to the private NIC without it",
};

pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Diagnostic>) {
    for instance in survey.world.instances.values() {
        guest(survey, instance, findings);
    }
}

fn guest(survey: &Survey<'_>, instance: &Instance, findings: &mut Vec<Diagnostic>) {
    let id = instance.id.as_str();
    match *instance.location {
        Location::Vswitch(vswitch) => {
            let Some(first) = instance.guest_routes.first() else { return };
            let home = &survey.world.vswitches[vswitch].id;
            let message = format!("the guest routes of `{id}` have no effect: it lives in `{}`", **home);
            let finding = IN_VPC.found(message).at(first.span, "no effect");
            findings.push(finding.at(instance.location.span, "an instance of a VPC"));
        }
        Location::Classic if *instance.forwarding => {
            let message = format!("`forwarding` of `{id}` has no effect: it is in the classic network");
            let place = placed_or(instance.forwarding.span, instance.id.span);
            let finding = CLASSIC_FORWARDING.found(message).at(place, "no effect");
            findings.push(finding.at(instance.location.span, "a classic instance"));
        }
        Location::Classic => {}
    }
    if *instance.location == Location::Classic {
        for route in &instance.guest_routes {
            findings.extend(useless(survey.world, instance, route));
        }
    }
}

fn useless(world: &World, instance: &Instance, route: &Spanned<Ipv4Net>) -> Option<Diagnostic> {
    let id = instance.id.as_str();
    if let Some(default) = ranges::GUEST_PRIVATE.iter().find(|default| default.contains(&route.value)) {
        let message = format!(
            "the guest route to `{}` of `{id}` adds nothing: `{default}` goes to the private NIC without it",
            route.value
        );
        return Some(USELESS_ROUTE.found(message).at(route.span, "adds nothing"));
    }
    let leads = format!("the guest route to `{}` of `{id}` leads nowhere", route.value);
    let Some(link) = &instance.linked_vpc else {
        let finding = USELESS_ROUTE.found(format!("{leads}: it has no link"));
        return Some(finding.at(route.span, "nothing is there").at(instance.id.span, "no `linked_vpc`"));
    };
    let vpc = &world.vpcs[link.value];
    if overlap(vpc.cidr.value, route.value) {
        return None;
    }
    if let Some(second) = vpc.secondary_cidrs.iter().find(|cidr| overlap(cidr.value, route.value)) {
        let finding = USELESS_ROUTE.found(format!("{leads}: `{}` is a secondary CIDR of `{}`", second.value, *vpc.id));
        let place = format!("of `{}`, to which it is linked", *vpc.id);
        return Some(finding.at(route.span, "no part in ClassicLink").at(second.span, place));
    }
    let finding = USELESS_ROUTE.found(format!("{leads}: `{}` is `{}`", *vpc.id, *vpc.cidr));
    let place = format!("the primary CIDR of `{}`, to which it is linked", *vpc.id);
    Some(finding.at(route.span, "outside the linked VPC").at(vpc.cidr.span, place))
}

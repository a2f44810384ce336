//! The rules that speak of planned links: their records, and what they have in common with the rules for links that
//! exist. Planned links are looked at by [`crate::preflight`].

pub(crate) use super::classiclink::{ROUTE_CONFLICT, SHADOW};
pub(crate) use super::closed_links::CLOSED;
pub(crate) use super::whitelists::NOT_HELD;

use super::classiclink;
use crate::diag::{Diagnostic, ProblemKind, ProblemRecord, Reason, Severity, citation};
use crate::model::{Instance, Key, Route, Vpc, Vswitch, World};

/// Nothing in the VPC could be at the other end of a link.
pub(crate) static NOBODY: ProblemRecord = ProblemRecord {
    id: "link-without-endpoint",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "a planned link would reach nothing: nothing of the VPC has an address that links carry",
    meaning: "a link reaches addresses of the VPC's primary CIDR in 10.111.0.0/16, 172.16.0.0/12 or 192.168.0.0/16: \
              instances, services, and clients behind gateways and forwarding instances that a route inside the primary \
              CIDR leads to",
    remedy: "put what classic instances must reach into a vSwitch there",
    source: citation::OWN_CHOICE,
    example: "`vpc-a` has no instance, service or client that a link could reach",
};

/// The instance is off.
pub(crate) static STOPPED: ProblemRecord = ProblemRecord {
    id: Reason::InstanceStopped.id(),
    kind: ProblemKind::Rule(Severity::Error),
    summary: "the instance of a planned link is not running",
    meaning: "a link is made to a stopped instance too, and nothing passes it until the instance runs",
    remedy: "start the instance",
    source: citation::ATTACH,
    example: "`i-a` is stopped: nothing passes its link until it runs",
};

/// What is at the other end is off.
pub(crate) static FAR_STOPPED: ProblemRecord = ProblemRecord {
    id: "link-to-stopped",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "an instance at the other end of a planned link is not running",
    meaning: "an instance that is not running sends and receives nothing",
    remedy: "start the instance",
    source: citation::OWN_CHOICE,
    example: "`i-b` of `vpc-a` is stopped",
};

/// The rules that speak of planned links only.
pub static PREFLIGHT_RULES: &[&ProblemRecord] = &[&NOBODY, &STOPPED, &FAR_STOPPED, &NOT_HELD];

/// Returns what the guest of `instance` lacks to send to `vpc`.
pub(crate) fn guest_route(instance: &Instance, vpc: &Vpc) -> Option<Diagnostic> {
    let mut findings = Vec::new();
    classiclink::guest_route(instance, instance.id.span, vpc, &mut findings);
    findings.pop()
}

/// Returns findings about the parts of a VPC that no link reaches, whether or not ClassicLink is on.
pub(crate) fn unreachable(world: &World, vpc: Key<Vpc>) -> Vec<Diagnostic> {
    let mut vswitches: Vec<&Vswitch> = world.vswitches.values().filter(|vswitch| vswitch.vpc.value == vpc).collect();
    vswitches.sort_by_key(|vswitch| (*vswitch.cidr, vswitch.cidr.span));
    let mut findings = Vec::new();
    classiclink::unreachable(&vswitches, &world.vpcs[vpc], &mut findings);
    findings
}

/// Returns the custom routes of a VPC, each with the name of its table: those of the system table first.
pub(crate) fn custom_routes(world: &World, vpc: Key<Vpc>) -> impl Iterator<Item = (String, &Route)> {
    let owner = &world.vpcs[vpc];
    let system = owner.routes.iter().map(|route| (format!("the system table of `{}`", *owner.id), route));
    let tables = world.route_tables.values().filter(move |table| table.vpc.value == vpc);
    let custom = tables.flat_map(|table| table.routes.iter().map(|route| (format!("`{}`", *table.id), route)));
    system.chain(custom)
}

/// True for the one destination that ClassicLink needs for itself.
pub(crate) fn is_conflict(route: &Route) -> bool {
    classiclink::is_conflict(route)
}

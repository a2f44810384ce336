//! Before a link is made: every reason why it could not be, or would carry nothing, with what to do about it.
//!
//! A refusal bears the vendor's code as its id, and everything else the id of the rule of a finding about a link that
//! exists. What keeps the link from being made or from carrying anything is an error; what only keeps it from some
//! of the VPC is a warning.

mod carried;
mod flow;
mod refused;

use super::link;
use super::survey::Survey;
use super::whitelists::NOT_HELD;
use crate::diag::{Diagnostic, ProblemKind, ProblemRecord, Severity, citation};
use crate::model::{Instance, Key, Location, Vpc, World};

/// Nothing in the VPC could be at the other end of a link.
pub(super) static NOBODY: ProblemRecord = ProblemRecord {
    id: "link-without-endpoint",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "a planned link would reach nothing: no instance or service of the VPC has an address that links carry",
    meaning: "a link reaches addresses of the VPC's primary CIDR in 10.111.0.0/16, 172.16.0.0/12 or 192.168.0.0/16",
    remedy: "put what classic instances must reach into a vSwitch there",
    source: citation::OWN_CHOICE,
    example: "`vpc-a` has no instance or service that a link could reach",
};

/// The rules that speak of planned links only.
pub static PREFLIGHT_RULES: &[&ProblemRecord] = &[&NOBODY, &refused::STOPPED, &refused::FAR_STOPPED, &NOT_HELD];

/// What would become of a link.
#[derive(Clone, Debug)]
pub struct Preflight {
    /// False where AttachClassicLinkVpc would refuse it.
    pub can_be_made: bool,
    /// The endpoints of the VPC that the instance could open connections to, beside what would pass.
    pub reaches: Vec<(String, String)>,
    /// The instances of the VPC that could open connections to it, beside what would pass.
    pub reached_by: Vec<(String, String)>,
    /// Every reason against it: refusals first, then by place.
    pub findings: Vec<Diagnostic>,
}

impl Preflight {
    /// True where the link can be made and carries something.
    pub fn is_useful(&self) -> bool {
        self.can_be_made && self.carries()
    }

    /// True where something would pass, once the link is there.
    pub fn carries(&self) -> bool {
        !(self.reaches.is_empty() && self.reached_by.is_empty())
    }
}

/// Planned links, each looked at as if those before it had been made.
pub struct Planned<'w> {
    survey: Survey<'w>,
    made: Vec<(Key<Instance>, Key<Vpc>)>,
}

impl<'w> Planned<'w> {
    /// No plans yet.
    pub fn new(world: &'w World) -> Planned<'w> {
        Planned { survey: Survey::of(world), made: Vec::new() }
    }

    /// Looks at a link of `instance` to `vpc`.
    pub fn link(&mut self, instance: Key<Instance>, vpc: Key<Vpc>) -> Preflight {
        let world = self.survey.world;
        let (own, target) = (&world.instances[instance], &world.vpcs[vpc]);
        let made = |vpc| self.made.iter().filter(|(_, other)| *other == vpc).count();
        let mut refusals = link::refusals(world, &own.id, &target.id, |vpc| self.survey.linked(vpc).len() + made(vpc));
        if let Some((_, other)) = self.made.iter().find(|(other, _)| *other == instance) {
            let message = format!("`{}` would be linked to `{}` before", *own.id, *world.vpcs[*other].id);
            refusals.insert(0, link::LINKED.because(message));
        }
        let can_be_made = refusals.is_empty();
        let plan = Plan { survey: &self.survey, instance: own, vpc, target };
        let mut preflight =
            Preflight { can_be_made, reaches: Vec::new(), reached_by: Vec::new(), findings: Vec::new() };
        preflight.findings.extend(refusals.iter().map(|refusal| plan.refused(refusal)));
        if !*target.classic_link {
            plan.refused_to_enable(&mut preflight.findings);
        }
        if *own.location == Location::Classic {
            plan.look_at_traffic(&mut preflight);
        }
        if can_be_made {
            self.made.push((instance, vpc));
        }
        preflight
    }
}

/// A link that somebody thinks of.
struct Plan<'s, 'w> {
    survey: &'s Survey<'w>,
    instance: &'w Instance,
    vpc: Key<Vpc>,
    target: &'w Vpc,
}

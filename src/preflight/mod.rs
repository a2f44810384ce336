//! Before a link is made: every reason why it could not be, or would carry nothing, with what to do about it.
//!
//! The link is made on a copy of the world, whatever the vendor says against it, and the compiled copy is asked what it
//! carries. A refusal bears the vendor's code as its id, and everything else the id of the rule of a finding about a
//! link that exists, or of the reason for which packets would be dropped. What keeps the link from being made or from
//! carrying anything is an error; what only keeps it from some of the VPC is a warning.

mod carried;
mod refused;
#[cfg(test)]
mod tests;

use crate::check::link;
use crate::control;
use crate::diag::Diagnostic;
use crate::lab::Topology;
use crate::model::{Instance, Key, Location, Vpc, World};
use refused::Plan;

/// What would become of a link.
#[derive(Clone, Debug)]
pub struct Preflight {
    /// False where AttachClassicLinkVpc would refuse it.
    pub can_be_made: bool,
    /// The endpoints of the VPC that the instance could open connections to, beside what would pass; a gateway or a
    /// forwarding instance stands for the clients behind it.
    pub reaches: Vec<(String, String)>,
    /// The endpoints of the VPC that could open connections to it, beside what would pass.
    pub reached_by: Vec<(String, String)>,
    /// The endpoints of the VPC of which it is not known what they would exchange with the instance, or not all of it: rules
    /// or a whitelist at one end are not known.
    pub not_known: Vec<String>,
    /// Every reason against it: refusals first, then by place.
    pub findings: Vec<Diagnostic>,
    /// False where the link could not be made on a copy of the world, so that nothing is known of what it would carry.
    pub was_tried: bool,
}

impl Preflight {
    /// True where the link can be made and carries something, or may.
    pub fn is_useful(&self) -> bool {
        self.can_be_made && (self.carries() || !self.not_known.is_empty())
    }

    /// True where something would pass for sure, once the link is there.
    pub fn carries(&self) -> bool {
        !(self.reaches.is_empty() && self.reached_by.is_empty())
    }
}

/// Planned links, each looked at as if those before it had been made.
pub struct Planned {
    /// As declared: places and refusals are those of the file.
    world: World,
    /// A copy with the links made; `None` for a world with errors, which cannot be compiled.
    copy: Option<Topology>,
    /// How many links each VPC has, by its index.
    links: Vec<usize>,
    made: Vec<(Key<Instance>, Key<Vpc>)>,
}

impl Planned {
    /// No plans yet, in a world that breaks rules: links can be refused and not tried.
    pub fn in_broken_world(world: World) -> Planned {
        let mut links = vec![0; world.vpcs.capacity()];
        for linked in world.instances.values().filter_map(|instance| instance.linked_vpc.as_ref()) {
            links[linked.index()] += 1;
        }
        Planned { world, copy: None, links, made: Vec::new() }
    }

    /// No plans yet.
    pub fn new(topology: &Topology) -> Planned {
        Planned { copy: Some(topology.clone()), ..Planned::in_broken_world((**topology.world).clone()) }
    }

    /// Looks at a link of `instance` to `vpc`.
    pub fn link(&mut self, instance: Key<Instance>, vpc: Key<Vpc>) -> Preflight {
        let world = &self.world;
        let (own, target) = (&world.instances[instance], &world.vpcs[vpc]);
        let mut refusals = link::refusals(world, &own.id, &target.id, |vpc| self.links[vpc.index()]);
        if let Some((_, other)) = self.made.iter().find(|(other, _)| *other == instance) {
            let message = format!("`{}` would be linked to `{}` before", *own.id, *world.vpcs[*other].id);
            refusals.insert(0, link::LINKED.because(message));
        }
        let can_be_made = refusals.is_empty();
        let plan = Plan { world, instance: own, vpc, target };
        let mut findings: Vec<Diagnostic> = refusals.iter().map(|refusal| plan.refused(refusal)).collect();
        let conflicts = if *target.classic_link { Vec::new() } else { plan.refused_to_enable() };
        let may_be_tried = conflicts.is_empty()
            && *own.location == Location::Classic
            && world.instance_region(own) == world.vpc_region(vpc).as_str();
        findings.extend(conflicts);
        let mut preflight = Preflight {
            can_be_made,
            reaches: Vec::new(),
            reached_by: Vec::new(),
            not_known: Vec::new(),
            findings,
            was_tried: may_be_tried && self.copy.is_some(),
        };
        if let Some(topology) = self.copy.as_mut().filter(|_| may_be_tried) {
            let mut trial = topology.clone();
            trial.carry_out(control::link_in_any_case(&trial.world, instance, vpc));
            plan.look_at_traffic(&trial, &mut preflight);
            if can_be_made {
                *topology = trial;
            }
        }
        if can_be_made {
            self.links[vpc.index()] += 1;
            self.made.push((instance, vpc));
        }
        preflight
    }
}

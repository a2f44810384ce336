//! A trace: what was looked up about one frame and what each check said, in ids, in the order of the checks.
//!
//! A trace is data, made from the same contexts by the same checks that decide the frame's verdict.

use super::checks::{CHECKS, Check};
use super::context::{Bridge, Forwarding, PacketContext, RouteContext, RouteMatch};
use super::finding::{CheckRefusal, Finding};
use super::order::CheckId;
use super::outcome::{Blocker, DropLocation, MatchedRule, Outcome, Verdict};
use super::stages::bridge;
use super::step::Step;
use crate::diag::Reason;
use crate::net::ranges::{self, Unlinkable};
use crate::program::{Action, DomainId, EndpointKind, Program, Vpc};
use std::net::Ipv4Addr;

/// What was looked up about one frame, and what each check said about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// In the order of the checks. Behind a refusal the checks were asked as if the packet had been let through.
    pub steps: Vec<Step>,
}

impl Trace {
    /// The steps up to the refusal that is the frame's verdict.
    pub fn taken(&self) -> &[Step] {
        let refused = self.steps.iter().position(|step| matches!(step, Step::Refused { .. }));
        &self.steps[..refused.unwrap_or(self.steps.len())]
    }

    /// Everything that stands in the packet's way, in the order it is met; the first is what dropped it.
    pub fn blockers(&self) -> impl Iterator<Item = Blocker> + '_ {
        self.steps.iter().filter_map(|step| match step {
            Step::Refused { blocker, .. } => Some(*blocker),
            _ => None,
        })
    }
}

impl Trace {
    /// Notes the end of a frame for which no check could be asked.
    pub(super) fn end(&mut self, outcome: &Outcome) {
        self.refuse(outcome.verdict, outcome.decider, false);
    }

    /// Notes what the checks could not tell: that a delivered packet leaves in fragments, or found no room for its
    /// session.
    pub(super) fn conclude(&mut self, packet: &PacketContext<'_>, outcome: &Outcome) {
        match outcome.verdict {
            Verdict::Delivered { .. } if packet.ipv4.total_length > packet.mtu() => {
                self.steps.push(Step::Fragmented { mtu: packet.mtu() });
            }
            Verdict::Dropped { reason: Reason::SessionTableFull, .. } => self.end(outcome),
            _ => {}
        }
    }

    /// Notes a finding; false where nothing lies behind it.
    pub(super) fn note(&mut self, finding: &Finding) -> bool {
        self.steps.extend(finding.step);
        if let Some(refusal) = &finding.refusal {
            self.refuse(refusal.verdict, refusal.decider, !refusal.is_final);
            return !refusal.is_final;
        }
        true
    }

    fn refuse(&mut self, verdict: Verdict, decider: MatchedRule, goes_on: bool) {
        if let Some((reason, at)) = verdict.refusal() {
            let blocker = Blocker { reason, at, decider };
            // Of a packet to its own sender, groups of which nothing is known decide twice.
            if goes_on && self.blockers().any(|known| known == blocker) {
                return;
            }
            self.steps.push(Step::Refused { blocker, goes_on });
        }
    }

    /// Asks all checks about a packet, past every refusal behind which there is something to ask.
    pub(super) fn ask_all(&mut self, routes: &RouteContext<'_>, packet: &PacketContext<'_>) {
        let mut walk = Walk { routes: *routes, packet: packet.clone() };
        walk.follow_routes();
        for (id, check) in CHECKS {
            let mut finding = walk.ask(check);
            // What the routes prohibit was lifted: the first route is known to lead on, by another entry.
            if *id == CheckId::FirstRoute && finding.refusal.is_some() {
                walk.lift_prohibitions(&mut finding, self);
            }
            if !self.note(&finding) {
                return;
            }
        }
    }
}

/// A packet on its way past its refusals.
struct Walk<'a> {
    routes: RouteContext<'a>,
    packet: PacketContext<'a>,
}

impl Walk<'_> {
    fn ask(&self, check: &Check) -> Finding {
        match check {
            Check::Entry(ask) | Check::Route(ask) => ask(&self.routes),
            Check::Packet(ask) => ask(&self.packet),
        }
    }

    /// Takes the packet where the routes lead, whatever the checks on them say.
    fn follow_routes(&mut self) {
        if let Some(forwarding) = Forwarding::of(&self.routes) {
            self.packet.forwarding = Ok(forwarding);
        } else if let Some(refusal) = bridge::target(&self.routes).refusal {
            // No endpoint of the classic network has the destination. The refusal is kept with its check, by which
            // `bridge::service_in_session` recognises that a managed service sends there, and refuses that first.
            self.packet.forwarding = Err(CheckRefusal { check: CheckId::CrossingTarget, ..refusal });
        }
    }

    /// Goes on past a refusal of the first route, as if what ClassicLink lacks were there: each thing that it lacks is
    /// a refusal of its own.
    fn lift_prohibitions(&mut self, finding: &mut Finding, trace: &mut Trace) {
        let (Some(refusal), Some(bridge)) = (finding.refusal, missing_bridge(&self.routes)) else { return };
        trace.steps.extend(finding.step.take());
        let lacks = lacking(&self.routes, bridge);
        let first = refusal.reason();
        for reason in lacks {
            let decider = if Some(reason) == first { refusal.decider } else { MatchedRule::None };
            trace.refuse(
                Verdict::Dropped { reason, at: DropLocation::Domain(self.routes.query.domain) },
                decider,
                true,
            );
        }
        finding.refusal = None;
        self.routes = over_missing_link(self.routes, bridge);
        self.follow_routes();
        // No endpoint is there: what refuses the packet now is the bridge, which looks at the sender first.
        if let (Err(refusal), Bridge::Classic(_)) = (&mut self.packet.forwarding, bridge) {
            refusal.check = CheckId::CrossingTarget;
        }
    }
}

/// The bridge that a packet would take if nothing that ClassicLink needs were lacking; `None` where the routes lack
/// nothing of the kind, or where several VPCs could be meant.
fn missing_bridge(routes: &RouteContext<'_>) -> Option<Bridge> {
    let (program, query) = (routes.program, &routes.query);
    let reason = match (routes.first.entry, program.vpc(query.domain)) {
        (Some((_, Action::Prohibit(reason))), None) => reason,
        (None, Some(vpc)) if !vpc.classic_link && ranges::is_classic(query.destination) => {
            return Some(Bridge::Classic(vpc.classic));
        }
        _ => return None,
    };
    match reason {
        Reason::ClassiclinkNotLinked | Reason::ClassiclinkSourceNotEcs => {
            owner(program, query.domain, query.destination).map(Bridge::Link)
        }
        Reason::ClassiclinkDisabled
        | Reason::ClassiclinkSecondaryCidr
        | Reason::ClassiclinkRangeNotLinkable
        | Reason::ClassiclinkVswitchOutside10111 => program.endpoint(query.sender).link.map(Bridge::Link),
        _ => None,
    }
}

/// What ClassicLink lacks to take a packet over `bridge`, in the order of the rulings. That a VPC whose link would cover
/// the destination has it off is for [`bridge::link_enabled`] to say.
fn lacking(routes: &RouteContext<'_>, bridge: Bridge) -> Vec<Reason> {
    let Bridge::Link(id) = bridge else { return vec![Reason::ClassiclinkDisabled] };
    let sender = routes.program.endpoint(routes.query.sender);
    let Some(vpc) = routes.program.vpc(id) else { return Vec::new() };
    let unlinked = match sender.kind {
        EndpointKind::Instance => Reason::ClassiclinkNotLinked,
        _ => Reason::ClassiclinkSourceNotEcs,
    };
    let outside = match ranges::carried_by_links(vpc.primary, routes.query.destination) {
        Ok(()) => None,
        Err(Unlinkable::OutsidePrimary) => Some(Reason::ClassiclinkSecondaryCidr),
        Err(Unlinkable::Classic) => Some(Reason::ClassiclinkVswitchOutside10111),
        Err(Unlinkable::OutsideRanges) => Some(Reason::ClassiclinkRangeNotLinkable),
    };
    let off = (!vpc.classic_link && outside.is_some()).then_some(Reason::ClassiclinkDisabled);
    let unlinked = (sender.link != Some(id)).then_some(unlinked);
    [unlinked, off, outside].into_iter().flatten().collect()
}

/// The routes over a bridge that the packet may not take. Outside the primary CIDR the vSwitches alone can hold the
/// destination.
fn over_missing_link(routes: RouteContext<'_>, bridge: Bridge) -> RouteContext<'_> {
    // The entry that prohibits it decides nothing behind it.
    let first = RouteMatch { entry: None, ..routes.first };
    let lifted = RouteContext { first, ..routes }.over(Some(bridge));
    match lifted.over_link() {
        Some((id, vpc)) if !vpc.primary.contains(&routes.query.destination) => {
            let second = RouteMatch::in_vpc(routes.program, id, vpc.local, routes.query.destination);
            RouteContext { second: Some(second), ..lifted }
        }
        _ => lifted,
    }
}

/// The VPC that an unlinked sender must mean: the only one of the region with an endpoint at `destination`, else the only
/// one with a vSwitch around it, else with a CIDR. Forwarding itself never chooses a VPC by the destination.
fn owner(program: &Program, classic: DomainId, destination: Ipv4Addr) -> Option<DomainId> {
    let ids = (0..program.domains.len()).map(DomainId::from_index);
    let holds =
        |vpc: &Vpc| vpc.primary.contains(&destination) || vpc.secondary.iter().any(|cidr| cidr.contains(&destination));
    let of_region = ids.filter_map(|id| Some((id, program.vpc(id)?))).filter(|(_, vpc)| vpc.classic == classic);
    let holding: Vec<(DomainId, &Vpc)> = of_region.filter(|(_, vpc)| holds(vpc)).collect();
    let has_host = |(id, _): &&(DomainId, &Vpc)| program.host(*id, destination).is_some();
    let has_vswitch = |(_, vpc): &&(DomainId, &Vpc)| program.route(vpc.local, destination).is_some();
    let hosts: Vec<_> = holding.iter().filter(has_host).collect();
    let vswitches: Vec<_> = holding.iter().filter(has_vswitch).collect();
    match (&hosts[..], &vswitches[..], &holding[..]) {
        ([only], ..) | ([], [only], _) => Some(only.0),
        ([], [], [only]) => Some(only.0),
        _ => None,
    }
}

//! Which entries of the tables frames meet: rules, routes, entries of whitelists, links.
//!
//! What a frame met is read from the same steps as its trace has, up to the check that refused it. Counting costs a
//! frame of a live session its lookups again, which the fast path is there to spare; so it is asked for, and
//! [`Fabric::process`] knows nothing of it.

use super::checks;
use super::context::{PacketContext, RouteContext, RouteQuery};
use super::order::CheckId;
use super::outcome::{MatchedRule, Outcome};
use super::output::{Output, OutputWriter};
use super::parsed_flow::ParsedFlow;
use super::slow_path::packet_of;
use super::stages::{bridge, destination, egress, guest, ingress, route};
use super::step::{Crossing, Found, Step};
use super::{Fabric, Frame, fast_path};
use crate::program::{EndpointId, Program, RouteId, RuleId, WhitelistId};
use std::sync::Arc;

/// The entries that one frame met on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsedEntries {
    /// The route of the sender's guest.
    pub guest: Option<RouteId>,
    /// The routes of the routing domains, in order.
    pub routes: [Option<RouteId>; 2],
    /// The rule that decided among the sender's groups.
    pub egress: Option<RuleId>,
    /// The rule that decided among the receiver's.
    pub ingress: Option<RuleId>,
    /// The entry of the receiver's whitelist that holds the source.
    pub whitelist: Option<WhitelistEntryId>,
    /// The classic instance over whose link it went.
    pub link: Option<EndpointId>,
}

/// An entry of a whitelist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WhitelistEntryId {
    /// The list.
    pub whitelist: WhitelistId,
    /// The entry's place in it.
    pub entry: usize,
}

impl UsedEntries {
    /// Takes note of what a step of a trace looked at.
    pub fn note(&mut self, step: &Step) {
        match *step {
            Step::Guest { route, .. } => self.guest = Some(route),
            Step::Route { found: Found::Entry { route, .. }, .. } => {
                let place = usize::from(self.routes[0].is_some());
                self.routes[place] = Some(route);
            }
            Step::Groups { ingress: true, rule, .. } => self.ingress = rule,
            Step::Groups { ingress: false, rule, .. } => self.egress = rule,
            Step::Whitelist { whitelist, entry: Some(entry), .. } => {
                self.whitelist = Some(WhitelistEntryId { whitelist, entry });
            }
            Step::Bridge { by: Crossing::Link(instance), .. } => self.link = Some(instance),
            _ => {}
        }
    }

    fn note_step(&mut self, step: Option<Step>) {
        step.iter().for_each(|step| self.note(step));
    }
}

impl Fabric {
    /// Forwards a burst as [`Fabric::process`] does, and tells which entries each frame met. `output` and `used` are
    /// emptied first.
    pub fn process_used(&mut self, frames: &[Frame<'_>], output: &mut Output, used: &mut Vec<UsedEntries>) {
        output.clear();
        used.clear();
        let program = Arc::clone(&self.program);
        let mut parsed = std::mem::take(&mut self.parsed);
        self.parse_burst(frames, &mut parsed);
        for (index, (frame, known)) in frames.iter().zip(&parsed).enumerate() {
            self.prefetch_session_behind(index, &parsed);
            let mut entries = UsedEntries::default();
            let mut writer = output.writer(index);
            let forwarded = known.as_ref().and_then(|known| {
                let sessions = &mut self.flows.sessions;
                let outcome = fast_path::forward(&program, self.options, sessions, frame, known, &mut writer)?;
                note_routes_of_session(&program, &outcome, known, &mut entries);
                Some(outcome)
            });
            let outcome = forwarded
                .unwrap_or_else(|| self.process_slow_path_used(frame, known.as_ref(), &mut entries, &mut writer));
            output.outcomes.push(outcome);
            used.push(entries);
        }
        self.parsed = parsed;
    }

    fn process_slow_path_used(
        &mut self,
        frame: &Frame<'_>,
        parsed: Option<&ParsedFlow>,
        entries: &mut UsedEntries,
        writer: &mut OutputWriter<'_>,
    ) -> Outcome {
        let program = &Arc::clone(&self.program);
        if let Some(outcome) = ingress::rate_exceeded(program, frame.entry) {
            return outcome;
        }
        let ipv4 = match packet_of(program, frame, parsed, writer) {
            Ok(ipv4) => ipv4,
            Err(outcome) => return outcome,
        };
        let route = match self.find_route(program, frame.entry, &ipv4) {
            Ok(route) => route,
            Err(outcome) => {
                // Of what comes before the state of flows, the guest's routes alone are a table.
                if let MatchedRule::Route(route) = outcome.decider {
                    entries.guest = Some(route);
                }
                return outcome;
            }
        };
        let query = RouteQuery {
            sender: route.sender,
            domain: route.domain,
            source: ipv4.source,
            destination: ipv4.destination,
        };
        let mut packet = PacketContext::new(program, self.options, ipv4, route);
        self.look_up_flow(frame, parsed, &mut packet);
        let verdict = checks::verdict(&packet);
        let was_asked = |check| verdict.as_ref().err().is_none_or(|refusal| check <= refusal.check);
        // A route from the cache says where the packet ends and not which entries led there. So they are looked up
        // again, up to the check that refused the packet: entries behind that one were not used.
        note_routes(&RouteContext::resolve(program, query), was_asked, entries);
        if was_asked(CheckId::EgressGroups) {
            entries.note_step(egress::groups(&packet).step);
        }
        if was_asked(CheckId::IngressFilter) {
            entries.note_step(destination::filter(&packet).step);
        }
        self.conclude(frame, &mut packet, verdict, writer)
    }
}

/// Notes the routes of a packet that the fast path has delivered: it went past all of them.
fn note_routes_of_session(program: &Program, outcome: &Outcome, parsed: &ParsedFlow, entries: &mut UsedEntries) {
    let (Some(sender), Some(domain)) = (outcome.from, outcome.domains[0]) else { return };
    let ipv4 = parsed.headers.ipv4();
    let query = RouteQuery { sender, domain, source: ipv4.source, destination: ipv4.destination };
    note_routes(&RouteContext::resolve(program, query), |_| true, entries);
}

/// Notes the guest's route, and those of the routing domains as far as they were asked.
pub(super) fn note_routes(routes: &RouteContext<'_>, was_asked: impl Fn(CheckId) -> bool, entries: &mut UsedEntries) {
    entries.note_step(guest::private_nic(routes).step);
    if was_asked(CheckId::FirstRoute) {
        entries.note_step(route::first(routes).step);
    }
    if was_asked(CheckId::Crossing) {
        entries.note_step(bridge::crossing(routes).step);
    }
    if was_asked(CheckId::SecondRoute) {
        entries.note_step(route::second(routes).step);
    }
}

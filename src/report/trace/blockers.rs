//! All that stands in a packet's way, in order: which rule, where, and what to do about it.

use super::concern::{Case, entered};
use super::explain::cause_place;
use super::remedy::{Fix, Remedy, remedy};
use super::{StatedRemedy, Traced, packet};
use crate::datapath::{Blocker, Found, MatchedRule, NotKnown, Step, Verdict};
use crate::program::EndpointId;
use crate::report::because::because;
use crate::report::words::Resolver;
use serde_json::{Map, Value};
use std::iter;

/// One blocker in words.
pub(super) struct Account {
    blocker: Blocker,
    /// Where: an endpoint or a routing domain.
    at: Option<String>,
    /// What decided: `sg-db ingress #3`.
    rule: Option<String>,
    /// Why it refuses this packet.
    why: String,
    /// The line of what decided, or of what is concerned.
    place: Option<String>,
    /// What to do, where there is something.
    remedy: Option<String>,
    fix: Fix,
    /// The line to change.
    change: Option<String>,
}

/// Every blocker among `steps`; the one of the outcome where they are those of a plain trace.
pub(super) fn accounts(words: Resolver<'_>, traced: &Traced<'_>) -> Vec<Account> {
    let of_step = |step: &Step| match step {
        Step::Refused { blocker, .. } => Some(*blocker),
        _ => None,
    };
    let mut blockers: Vec<Blocker> = traced.steps.iter().filter_map(of_step).collect();
    if blockers.is_empty() {
        blockers.extend(traced.outcome.blocker());
    }
    let stated = traced.remedies.iter().map(Option::as_ref).chain(iter::repeat(None));
    blockers.into_iter().zip(stated).map(|(blocker, stated)| account(words, traced, blocker, stated)).collect()
}

fn account(words: Resolver<'_>, traced: &Traced<'_>, blocker: Blocker, stated: Option<&StatedRemedy>) -> Account {
    let (packet, entered) = (packet(traced.steps), entered(traced.steps));
    let case = Case { words, sender: traced.outcome.from, packet, entered, blocker };
    let place = |span| words.place(span).map(|place| place.to_string());
    let cause = words.cause_of(blocker.decider, Some(blocker.reason));
    let (mut why, mut stands) = (because(blocker.reason).to_owned(), None);
    if let Some((text, span)) = case.concern() {
        (why, stands) = (text, place(span));
    } else if let (MatchedRule::Whitelist(_), Some(packet)) = (blocker.decider, case.packet) {
        why = format!("no entry holds {}", packet.source);
    } else if let Some(says) = cause.and_then(|cause| cause.says()) {
        says.clone_into(&mut why);
    }
    let Remedy { told, fix } = remedy(case, traced.steps).unwrap_or(Remedy { told: None, fix: Fix::Never });
    let told = told.map(|(text, span)| (text, place(span)));
    let told = told.or_else(|| stated.map(|stated| (stated.text.clone(), stated.place.clone())));
    let (remedy, change) = told.unzip();
    Account {
        blocker,
        at: words.at(blocker.at).map(str::to_owned),
        rule: cause.map(|cause| cause.to_string()),
        why,
        place: stands.or_else(|| cause_place(words, &blocker)),
        remedy,
        fix,
        change: change.flatten(),
    }
}

impl Account {
    /// `sg-ingress-deny at db-1 by sg-db ingress #3: drops tcp/22 from 10.0.0.0/8`
    pub(super) fn text(&self) -> String {
        let at = self.at.as_ref().map_or_else(String::new, |at| format!(" at {at}"));
        let by = self.rule.as_ref().map_or_else(String::new, |rule| format!(" by {rule}"));
        format!("{}{at}{by}: {}", self.blocker.reason, self.why)
    }

    pub(super) fn place(&self) -> Option<&String> {
        self.place.as_ref()
    }

    pub(super) fn remedy(&self) -> Option<&str> {
        self.remedy.as_deref()
    }

    pub(super) fn fix(&self) -> &Fix {
        &self.fix
    }

    pub(super) fn change(&self) -> Option<&String> {
        self.change.as_ref()
    }

    pub(super) fn json(&self) -> Value {
        let mut fields = Map::new();
        let mut set = |key: &str, value: Option<&str>| value.map(|value| fields.insert(key.to_owned(), value.into()));
        set("reason", Some(self.blocker.reason.id()));
        set("at", self.at.as_deref());
        set("rule", self.rule.as_deref());
        set("why", Some(&self.why));
        set("source", self.place.as_deref());
        set("remedy", self.remedy.as_deref());
        set("change", self.change.as_deref());
        Value::Object(fields)
    }
}

/// Where a packet would arrive that nothing stood in the way of; `None` where something lies in the dark, or where that
/// is no endpoint.
pub(super) fn would_reach(traced: &Traced<'_>) -> Option<EndpointId> {
    let ended = |step: &Step| matches!(step, Step::Refused { goes_on: false, .. });
    if traced.outcome.verdict == Verdict::Undetermined(NotKnown::Bytes) || traced.steps.iter().any(ended) {
        return None;
    }
    last_target(traced.steps)
}

/// The endpoint that the last routes led to.
pub(super) fn last_target(steps: &[Step]) -> Option<EndpointId> {
    let found = steps.iter().rev().find_map(|step| match step {
        Step::Route { found, .. } => Some(*found),
        _ => None,
    })?;
    match found {
        Found::Entry { to, .. } => to,
        Found::Host(to) => Some(to),
        Found::Nothing { .. } => None,
    }
}

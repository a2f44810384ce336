//! Holds what happened to a frame against what a scenario claims.

use crate::datapath::{DropLocation, MatchedRule, Outcome, Sent, Verdict};
use crate::diag::{Span, Spanned};
use crate::program::Names;
use crate::report::{Resolver, Sentence, StepFailure};
use crate::scenario::{Claim, EmittedClaim, RuleClaim, VerdictClaim};
use crate::text::Shown;
use crate::time::SimDuration;
use crate::wire::{Packet, parse};

/// What became of a frame.
pub(super) struct JudgedFrame<'a> {
    pub(super) names: &'a Names,
    pub(super) words: Resolver<'a>,
    pub(super) outcome: &'a Outcome,
    /// The frame as it entered, as far as it was captured.
    pub(super) entered: &'a [u8],
    /// Its length on the wire.
    pub(super) wire_length: usize,
    /// When it was delivered after it was sent, where timing is on.
    pub(super) delay: Option<SimDuration>,
}

impl JudgedFrame<'_> {
    /// What became of the frame as a word: the reason where there is one, or the verdict.
    fn kind(&self) -> &'static str {
        let verdict = self.outcome.verdict;
        verdict.refusal().map_or(verdict.name(), |(reason, _)| reason.id())
    }

    fn failure(&self, claim: &str, fact: &str) -> StepFailure {
        // Claims and facts hold texts of files from elsewhere. They are printed to terminals and
        // into logs of CI, where a raw control character or line break could look like output of this program.
        let text = |text: &str| Shown(text).to_string();
        StepFailure { kind: self.kind().to_owned(), claim: text(claim), fact: text(fact), place: None }
    }
}

/// Every part of `claim` that does not hold.
pub(super) fn hold(happened: &JudgedFrame<'_>, claim: &Claim) -> Vec<StepFailure> {
    let mut failures = Vec::new();
    let words = happened.words;
    let outcome = happened.outcome;
    let mut check = |holds: bool, claim: String, fact: String| {
        if !holds {
            failures.push(happened.failure(&claim, &fact));
        }
    };
    let fact = || Sentence::new(words, outcome).to_string();
    match (&claim.verdict.value, outcome.verdict) {
        (VerdictClaim::Delivered { to, session, ttl, delay_ns }, Verdict::Delivered { to: reached }) => {
            check(to.value == words.endpoint(reached), format!("delivered to {}", to.value), fact());
            if let Some(session) = session {
                let text = |by: bool| if by { "by a live session" } else { "as a first packet" }.to_owned();
                check(session.value == outcome.by_session, text(session.value), text(outcome.by_session));
            }
            if let Some(ttl) = ttl {
                let arrived = entered_ttl(happened.entered, happened.wire_length)
                    .map(|entered| entered.saturating_sub(outcome.hops));
                let shown = arrived.map_or("no TTL".to_owned(), |ttl| format!("TTL {ttl} on arrival"));
                check(arrived == Some(ttl.value), format!("TTL {} on arrival", ttl.value), shown);
            }
            if let Some(delay) = delay_ns {
                let taken = happened.delay.map(SimDuration::as_nanos);
                let shown = taken.map_or("timing is off".to_owned(), |taken| format!("{taken} ns after it was sent"));
                check(taken == Some(delay.value), format!("{} ns after it was sent", delay.value), shown);
            }
        }
        (VerdictClaim::Answered, Verdict::Answered) | (VerdictClaim::Outside, Verdict::Outside) => {}
        (VerdictClaim::Undetermined { reason }, Verdict::Undetermined(_)) => {
            let given = outcome.verdict.refusal().map(|(reason, _)| reason);
            if let Some(reason) = reason {
                check(given == Some(reason.value), format!("undetermined for {}", reason.value), fact());
            }
        }
        (VerdictClaim::Dropped { reason, at, rule }, Verdict::Dropped { reason: given, at: place }) => {
            check(reason.value == given, format!("dropped for {}", reason.value), fact());
            if let Some(at) = at {
                let shown = match place {
                    DropLocation::Outside => "outside the fabric",
                    DropLocation::Endpoint(id) => words.endpoint(id),
                    DropLocation::Domain(id) => words.domain(id),
                };
                check(at.value == shown, format!("at {}", at.value), format!("at {shown}"));
            }
            if let Some(rule) = rule {
                let (holds, shown) = rule_holds(happened.names, outcome, &rule.value);
                check(holds, format!("by rule {}", rule.value), format!("by {shown}"));
            }
        }
        (claimed, _) => check(false, verdict_text(claimed), fact()),
    }
    if let Some(path) = &claim.path {
        let claimed: Vec<&str> = path.iter().map(|place| place.value.as_str()).collect();
        let shown: Vec<&str> = words.path(outcome).collect();
        check(claimed == shown, format!("path {}", claimed.join(" > ")), format!("path {}", shown.join(" > ")));
    }
    failures
}

fn verdict_text(claim: &VerdictClaim) -> String {
    match claim {
        VerdictClaim::Delivered { to, .. } => format!("delivered to {}", to.value),
        VerdictClaim::Answered => "answered".to_owned(),
        VerdictClaim::Dropped { reason, .. } => format!("dropped for {}", reason.value),
        VerdictClaim::Outside => "outside the two planes".to_owned(),
        VerdictClaim::Undetermined { .. } => "undetermined".to_owned(),
    }
}

fn rule_holds(names: &Names, outcome: &Outcome, claim: &RuleClaim) -> (bool, String) {
    match outcome.decider {
        MatchedRule::Rule(id) => {
            // Compared by the name that the file gives the rule. An id is of one compiled program, and each operation
            // of a scenario makes another one, in which the same rule may have another id.
            let text = &names.rules[id.index()].text;
            (*text == claim.to_string(), format!("rule {text}"))
        }
        MatchedRule::GroupDefault(_) => (*claim == RuleClaim::Default, "the group's default".to_owned()),
        _ => (false, "no rule of a security group".to_owned()),
    }
}

/// What holds of a frame, as a claim that says all there is to say.
pub(super) fn holding(happened: &JudgedFrame<'_>) -> Claim {
    let (words, outcome) = (happened.words, happened.outcome);
    let text = |text: &str| Spanned::unplaced(text.to_owned());
    let reason = outcome.verdict.refusal().map(|(reason, _)| Spanned::unplaced(reason));
    let verdict = match outcome.verdict {
        Verdict::Delivered { to } => {
            let ttl = entered_ttl(happened.entered, happened.wire_length);
            VerdictClaim::Delivered {
                to: text(words.endpoint(to)),
                session: Some(Spanned::unplaced(outcome.by_session)),
                ttl: ttl.map(|ttl| Spanned::unplaced(ttl.saturating_sub(outcome.hops))),
                delay_ns: happened.delay.map(|delay| Spanned::unplaced(delay.as_nanos())),
            }
        }
        Verdict::Answered => VerdictClaim::Answered,
        Verdict::Outside => VerdictClaim::Outside,
        Verdict::Undetermined(_) => VerdictClaim::Undetermined { reason },
        Verdict::Dropped { reason, at } => VerdictClaim::Dropped {
            reason: Spanned::unplaced(reason),
            at: words.at(at).map(text),
            rule: holding_rule(happened).map(Spanned::unplaced),
        },
    };
    let path = words.path(outcome).map(text).collect();
    Claim { verdict: Spanned::unplaced(verdict), path: Some(Spanned::unplaced(path)) }
}

/// The rule that decided, where it is one that a claim can name.
fn holding_rule(happened: &JudgedFrame<'_>) -> Option<RuleClaim> {
    match happened.outcome.decider {
        MatchedRule::Rule(id) => RuleClaim::parse(&happened.names.rules[id.index()].text),
        MatchedRule::GroupDefault(_) => Some(RuleClaim::Default),
        _ => None,
    }
}

/// The frames that the fabric made, as claims.
pub(super) fn emitted(happened: &JudgedFrame<'_>, sent: &[Sent]) -> Vec<EmittedClaim> {
    let words = happened.words;
    let claim = |sent: &Sent| {
        let emitted = sent.emitted?;
        Some(EmittedClaim {
            span: Span::NONE,
            to: Spanned::unplaced(words.endpoint(sent.to).to_owned()),
            by: Some(Spanned::unplaced(words.domain(emitted.by).to_owned())),
            kind: Spanned::unplaced(emitted.kind),
        })
    };
    sent.iter().filter_map(claim).collect()
}

fn entered_ttl(frame: &[u8], wire_length: usize) -> Option<u8> {
    match parse(frame, wire_length) {
        Ok(Packet::Ipv4(ipv4)) => Some(ipv4.ttl),
        _ => None,
    }
}

/// The frames that the fabric made, against those that are claimed: all of them, in order.
pub(super) fn hold_emitted(happened: &JudgedFrame<'_>, sent: &[Sent], claims: &[EmittedClaim]) -> Vec<StepFailure> {
    let words = happened.words;
    let facts: Vec<_> = sent.iter().filter_map(|sent| Some((sent.to, sent.emitted?))).collect();
    let told: Vec<String> = facts
        .iter()
        .map(|(to, emitted)| {
            format!("{} from {} to {}", emitted.kind.name(), words.domain(emitted.by), words.endpoint(*to))
        })
        .collect();
    let holds = facts.len() == claims.len()
        && facts.iter().zip(claims).all(|((to, emitted), claim)| {
            words.endpoint(*to) == claim.to.value
                && emitted.kind == claim.kind.value
                && claim.by.as_ref().is_none_or(|by| by.value == words.domain(emitted.by))
        });
    if holds {
        return Vec::new();
    }
    let claimed: Vec<String> = claims
        .iter()
        .map(|claim| {
            let by = claim.by.as_ref().map(|by| format!(" from {}", by.value)).unwrap_or_default();
            format!("{}{by} to {}", claim.kind.value.name(), claim.to.value)
        })
        .collect();
    let list = |items: &[String]| if items.is_empty() { "nothing".to_owned() } else { items.join(", ") };
    let claim = format!("the fabric emits {}", list(&claimed));
    vec![happened.failure(&claim, &format!("it emits {}", list(&told)))]
}

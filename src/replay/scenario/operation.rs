//! Steps that change the world, and whether the vendor's answer is the one that a scenario claims.

use super::{Stage, StepOutcome};
use crate::control::{LinkPage, Refusal};
use crate::diag::{Span, Spanned};
use crate::report::StepFailure;
use crate::scenario::{ApplyExpectation, ApplyStep, Expectation, Request};
use crate::text::Shown;

/// What the vendor answers.
enum OperationAnswer {
    Accepted,
    Links(LinkPage),
    Refused(Refusal),
}

impl Stage {
    /// Applies the operation, and tells in words what it was and what went otherwise than claimed.
    pub(super) fn apply(&mut self, apply: &ApplyStep, expectation: &ApplyExpectation) -> StepOutcome {
        let (what, answer) = match &apply.request {
            Request::Operation(operation) => {
                let result = self.lab.apply_at(operation, apply.span);
                (operation.to_string(), result.map(|_| OperationAnswer::Accepted))
            }
            Request::Describe(query) => (query.to_string(), self.lab.describe_links(query).map(OperationAnswer::Links)),
        };
        let answer = answer.unwrap_or_else(OperationAnswer::Refused);
        let holds = Some(Expectation::Apply(answer.holding(expectation)));
        let mut outcome = StepOutcome { holds, ..StepOutcome::default() };
        if let Some((claim, place)) = broken_claim(&what, &answer, expectation) {
            let mut fact = Shown(&fact(&answer)).to_string();
            if let OperationAnswer::Refused(refusal) = &answer {
                let record = refusal.record;
                fact += &format!("\n help: {}\nsource: {}", record.remedy, record.source);
            }
            let kind = answer.kind().to_owned();
            let place = self.place(place.unwrap_or(apply.span));
            outcome.failures.push(StepFailure { kind, claim: Shown(&claim).to_string(), fact, place });
        }
        StepOutcome { what, ..outcome }
    }
}

impl OperationAnswer {
    /// What it is as a word.
    fn kind(&self) -> &str {
        match self {
            OperationAnswer::Accepted => "accepted",
            OperationAnswer::Links(_) => "links",
            OperationAnswer::Refused(refusal) => refusal.record.code,
        }
    }

    /// What could be expected instead of `expectation`; all links with their number where that was asked for.
    fn holding(&self, expectation: &ApplyExpectation) -> ApplyExpectation {
        match self {
            OperationAnswer::Accepted => ApplyExpectation::Accepted,
            OperationAnswer::Refused(refusal) => {
                ApplyExpectation::Refused(Spanned::unplaced(refusal.record.code.to_owned()))
            }
            OperationAnswer::Links(page) => {
                let text = |text: &str| Spanned::unplaced(text.to_owned());
                // What holds may be written into the scenario in place of its claim. A total that the author did not
                // claim must not appear there.
                let has_total = matches!(expectation, ApplyExpectation::Links { total: Some(_), .. });
                let total = has_total.then(|| Spanned::unplaced(page.total_count));
                let links = pairs(page).into_iter().map(|(instance, vpc)| (text(instance), text(vpc))).collect();
                ApplyExpectation::Links { span: Span::NONE, links, total }
            }
        }
    }
}

/// What is claimed of the operation that is called `what`, and where, if it does not hold.
fn broken_claim(
    what: &str,
    answer: &OperationAnswer,
    expectation: &ApplyExpectation,
) -> Option<(String, Option<Span>)> {
    match (expectation, answer) {
        (ApplyExpectation::Accepted, OperationAnswer::Refused(_)) => Some((format!("{what} is accepted"), None)),
        (ApplyExpectation::Accepted, _) => None,
        (ApplyExpectation::Refused(code), OperationAnswer::Refused(refusal)) if refusal.record.is_called(code) => None,
        (ApplyExpectation::Refused(code), _) => {
            Some((format!("{what} is refused with {}", code.value), Some(code.span)))
        }
        (ApplyExpectation::Links { span, links, total }, _) => {
            let mut claimed: Vec<(&str, &str)> =
                links.iter().map(|(instance, vpc)| (instance.as_str(), vpc.as_str())).collect();
            claimed.sort_unstable();
            let holds = match answer {
                OperationAnswer::Links(page) => {
                    pairs(page) == claimed && total.is_none_or(|total| total.value == page.total_count)
                }
                _ => false,
            };
            let told = links_text(&claimed, total.map(|total| total.value));
            (!holds).then_some((told, Some(*span)))
        }
    }
}

fn fact(answer: &OperationAnswer) -> String {
    match answer {
        OperationAnswer::Accepted => "accepted".to_owned(),
        OperationAnswer::Links(page) => links_text(&pairs(page), Some(page.total_count)),
        OperationAnswer::Refused(refusal) => format!("refused with {refusal}"),
    }
}

/// The links of a page by id: which of them come first is no part of a claim.
fn pairs(page: &LinkPage) -> Vec<(&str, &str)> {
    let mut pairs: Vec<_> = page.links.iter().map(|link| (link.instance.as_str(), link.vpc.as_str())).collect();
    pairs.sort_unstable();
    pairs
}

/// `links web-1 to shop, web-2 to shop; 12 in all`.
fn links_text(links: &[(&str, &str)], total: Option<usize>) -> String {
    let told: Vec<String> = links.iter().map(|(instance, vpc)| format!("{instance} to {vpc}")).collect();
    let told = if told.is_empty() { "no links".to_owned() } else { format!("links {}", told.join(", ")) };
    match total {
        Some(total) => format!("{told}; {total} in all"),
        None => told,
    }
}

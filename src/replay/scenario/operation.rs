//! Steps that change the world, and whether the vendor's answer is the one that a scenario claims.

use super::Stage;
use crate::control::{LinkPage, Refusal};
use crate::diag::Span;
use crate::scenario::{ApplyExpectation, ApplyStep, Request};
use crate::text::Shown;

/// What the vendor answers.
enum OperationAnswer {
    Accepted,
    Links(LinkPage),
    Refused(Refusal),
}

impl Stage {
    /// Applies the operation, and tells in words what it was and what went otherwise than claimed.
    pub(super) fn apply(&mut self, apply: &ApplyStep, expectation: &ApplyExpectation) -> (String, Vec<String>) {
        let (what, answer) = match &apply.request {
            Request::Operation(operation) => {
                let result = self.lab.apply_at(operation, apply.span);
                (operation.to_string(), result.map(|_| OperationAnswer::Accepted))
            }
            Request::Describe(query) => (query.to_string(), self.lab.describe_links(query).map(OperationAnswer::Links)),
        };
        let answer = answer.unwrap_or_else(OperationAnswer::Refused);
        let Some((claim, place)) = broken_claim(&what, &answer, expectation) else { return (what, Vec::new()) };
        let mut failure = format!("claim: {}\n fact: {}", Shown(&claim), Shown(&fact(&answer)));
        if let OperationAnswer::Refused(refusal) = &answer {
            let record = refusal.record;
            failure += &format!("\n help: {}\nsource: {}", record.remedy, record.source);
        }
        self.add_place(&mut failure, place.unwrap_or(apply.span));
        (what, vec![failure])
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

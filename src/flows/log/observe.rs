//! What the model does with a packet at the ENI of a record, read from its outcome and trace.
//!
//! A record tells what became of packets at one ENI, never what became of them at the other end. So it is held against
//! what the sender's groups said to a packet that goes out, whatever refuses it behind them; and against what came of a
//! packet on its whole way in. A whitelist stands behind the ENI of its service: what it refuses has passed the ENI.

use crate::datapath::{DropLocation, FilterBypass, MatchedRule, NotKnown, Outcome, Step, Trace, Verdict};
use crate::diag::{Reason, Stage};
use crate::program::EndpointId;
use crate::report::{Judgement, ModelAnswer, SetApart};
use crate::table::acl::Effect;

/// What the model does with a packet that `at` sends.
pub(super) fn observe_out(at: EndpointId, outcome: &Outcome, trace: &Trace) -> Judgement {
    let asked = trace.taken().iter().find_map(|step| match step {
        Step::Groups { endpoint, ingress: false, acl, effect, rule, .. } if *endpoint == at => {
            Some((*effect, rule.map_or(MatchedRule::GroupDefault(*acl), MatchedRule::Rule)))
        }
        Step::FilterBypass { endpoint, ingress: false, why } if *endpoint == at => {
            let by = if *why == FilterBypass::Session { MatchedRule::Session } else { MatchedRule::None };
            Some((Effect::Accept, by))
        }
        _ => None,
    });
    match asked {
        Some((Effect::Accept, by)) => judged(passes(by, outcome)),
        Some((Effect::Drop | Effect::Unknown, _)) => match outcome.blocker() {
            Some(blocker) if matches!(outcome.verdict, Verdict::Dropped { .. }) => {
                judged(ModelAnswer::Refuses(blocker))
            }
            _ => Judgement::Undetermined { at: DropLocation::Endpoint(at) },
        },
        None => elsewhere(outcome),
    }
}

/// What the model does with a packet that is to reach `at`.
pub(super) fn observe_in(at: EndpointId, outcome: &Outcome) -> Judgement {
    match (outcome.verdict, outcome.blocker()) {
        (Verdict::Delivered { to }, _) if to == at => judged(passes(outcome.decider, outcome)),
        (Verdict::Delivered { to }, _) => judged(ModelAnswer::Misleads { to, by: outcome.decider }),
        (Verdict::Dropped { reason, at: place }, Some(blocker)) if place == DropLocation::Endpoint(at) => {
            match reason {
                Reason::SgIngressDeny => judged(ModelAnswer::Refuses(blocker)),
                Reason::WhitelistDeny => judged(passes(MatchedRule::None, outcome)),
                _ => elsewhere(outcome),
            }
        }
        _ => elsewhere(outcome),
    }
}

/// The answer of what let a packet pass; of a session what let it begin, where that is known.
fn passes(by: MatchedRule, outcome: &Outcome) -> ModelAnswer {
    let in_session = by == MatchedRule::Session;
    let by = if in_session && outcome.begun_by != MatchedRule::None { outcome.begun_by } else { by };
    ModelAnswer::Passes { by, in_session }
}

/// The judgement of a packet that the groups in question were not asked about.
fn elsewhere(outcome: &Outcome) -> Judgement {
    let (reason, blocker) = match (outcome.verdict, outcome.blocker()) {
        (Verdict::Undetermined(NotKnown::Configuration { at }), _) => return Judgement::Undetermined { at },
        (Verdict::Outside, _) => return Judgement::Apart(SetApart::OutsidePlanes),
        (Verdict::Dropped { reason, .. }, Some(blocker)) => (reason, blocker),
        _ => return Judgement::Apart(SetApart::NotForwarded),
    };
    match reason {
        Reason::UnknownSource | Reason::SourceIsGateway => Judgement::Apart(SetApart::UnknownSource),
        Reason::AmbiguousSource => Judgement::Apart(SetApart::AmbiguousSource),
        Reason::SourceSpoofed => Judgement::Apart(SetApart::NotOwnAddress),
        Reason::SessionTableFull => Judgement::Apart(SetApart::SessionTableFull),
        _ if reason.stage() == Stage::Parse => Judgement::Apart(SetApart::NotForwarded),
        _ => judged(ModelAnswer::Stops(blocker)),
    }
}

fn judged(answer: ModelAnswer) -> Judgement {
    Judgement::Judged { answer, cause: None }
}

//! Causes of disagreements: those that the log shows, and those that are likely.

use super::{LogAction, ModelAnswer};
use crate::diag::{Reason, Stage};

/// What the log itself shows to be the cause of a disagreement: neither the topology nor the model need be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogCause {
    /// The log does not tell which end opened the connection; as the answer of the other end, the packets pass.
    GuessedOpener,
    /// The packets come from 100.64.0.0/10: from SLB, SNAT or another service that the topology does not tell apart.
    CloudServices,
}

impl LogCause {
    /// All of them.
    pub const ALL: [LogCause; 2] = [LogCause::GuessedOpener, LogCause::CloudServices];

    /// The word for it in data.
    pub const fn id(self) -> &'static str {
        match self {
            LogCause::GuessedOpener => "guessed-opener",
            LogCause::CloudServices => "cloud-services",
        }
    }

    /// The same for people.
    pub const fn summary(self) -> &'static str {
        match self {
            LogCause::GuessedOpener => "the log does not tell which end opened the connection: these may be answers",
            LogCause::CloudServices => {
                "from 100.64.0.0/10: SLB, SNAT and other services, which the model never filters"
            }
        }
    }
}

/// What most often makes the model give `answer` where the cloud did `action`, and what to look at.
pub(super) fn likely_cause(action: LogAction, answer: ModelAnswer) -> &'static str {
    let reason = answer.refusal().map(|(reason, _)| reason);
    match (action, answer, reason) {
        (LogAction::Reject, ModelAnswer::Passes { .. }, _) => {
            "a network ACL of the vSwitch, which no topology holds; or the rule came after the log"
        }
        (_, ModelAnswer::Misleads { .. }, _) => "a custom route that came after the log, or that the topology lacks",
        (_, _, Some(Reason::InstanceStopped)) => "the instance ran then: the topology is of another time than the log",
        (_, _, Some(Reason::SgIngressDeny | Reason::SgEgressDeny)) => {
            "a rule, or a member of a group, that the topology lacks or that was taken away after the log"
        }
        (_, _, Some(Reason::GuestRoutePublicNic)) => {
            "`guest_routes` that the topology lacks: an instance knows them, no API"
        }
        (_, _, Some(reason)) if reason.stage() == Stage::Bridge => {
            "a ClassicLink connection that the topology lacks or that was removed after the log"
        }
        _ => "routes or endpoints that the topology lacks, or that changed after the log",
    }
}

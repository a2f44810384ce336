//! The answers of checks.

use super::order::CheckId;
use super::outcome::{DropLocation, MatchedRule, NotKnown, Outcome, Verdict};
use super::step::{SessionStep, Step};
use crate::diag::Reason;
use crate::program::{DomainId, EndpointId};

/// The answer of a check.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Finding {
    /// What was looked at.
    pub(super) step: Option<Step>,
    pub(super) refusal: Option<CheckRefusal>,
    /// What let the packet in, where this check decides that.
    pub(super) admitted_by: Option<MatchedRule>,
}

impl Finding {
    /// The answer of a check that the packet passes.
    pub(super) const PASS: Finding = Finding { step: None, refusal: None, admitted_by: None };

    pub(super) fn of_step(step: Step) -> Finding {
        Finding { step: Some(step), ..Finding::PASS }
    }

    pub(super) fn refuse(refusal: CheckRefusal) -> Finding {
        Finding { refusal: Some(refusal), ..Finding::PASS }
    }

    /// True for a refusal that is sure.
    pub(super) fn drops(&self) -> bool {
        self.refusal.is_some_and(|refusal| matches!(refusal.verdict, Verdict::Dropped { .. }))
    }

    /// Refuses where `holds` does not.
    pub(super) fn unless(holds: bool, refusal: CheckRefusal) -> Finding {
        Finding { refusal: (!holds).then_some(refusal), ..Finding::PASS }
    }
}

impl Finding {
    /// The same at the end of the routes, in `second` where they lead into a second domain.
    #[inline]
    pub(super) fn at_end(self, second: Option<DomainId>) -> Finding {
        Finding { refusal: self.refusal.map(|refusal| refusal.at_end(second)), ..self }
    }
}

impl From<Option<CheckRefusal>> for Finding {
    fn from(refusal: Option<CheckRefusal>) -> Finding {
        Finding { refusal, ..Finding::PASS }
    }
}

/// The answer of a check that does not let a packet through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CheckRefusal {
    pub(super) verdict: Verdict,
    pub(super) decider: MatchedRule,
    pub(super) progress: Progress,
    /// True where no later check could be asked as if this one had let the packet through.
    pub(super) is_final: bool,
    /// The check that refused, once the list of checks has noted it.
    pub(super) check: CheckId,
}

/// The routing domains that a refused packet was in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// None: it never left the sender.
    Sender,
    /// The one it entered.
    First,
    /// That one and a second.
    Second(DomainId),
}

impl CheckRefusal {
    /// The outcome of a frame from `sender`, in `domain`, that was refused.
    pub(super) fn outcome(&self, sender: EndpointId, domain: DomainId) -> Outcome {
        let domains = match self.progress {
            Progress::Sender => [None, None],
            Progress::First => [Some(domain), None],
            Progress::Second(second) => [Some(domain), Some(second)],
        };
        Outcome { domains, decider: self.decider, ..Outcome::at_sender(Some(sender), self.verdict) }
    }

    /// A refusal at the sender, or in the first domain.
    pub(super) fn new(reason: Reason, at: DropLocation) -> CheckRefusal {
        let progress = if matches!(at, DropLocation::Domain(_)) { Progress::First } else { Progress::Sender };
        let verdict = Verdict::Dropped { reason, at };
        CheckRefusal { verdict, decider: MatchedRule::None, progress, is_final: false, check: CheckId::SenderState }
    }

    /// The refusal of a packet of which the capture cut off what decides.
    pub(super) fn undetermined() -> CheckRefusal {
        let refusal = CheckRefusal::new(Reason::FrameTruncated, DropLocation::Outside);
        CheckRefusal { verdict: Verdict::Undetermined(NotKnown::Bytes), is_final: true, ..refusal }
    }

    /// What it takes to decide there is not known.
    pub(super) fn unknown(self) -> CheckRefusal {
        let verdict = match self.verdict.refusal() {
            Some((_, at)) => Verdict::Undetermined(NotKnown::Configuration { at }),
            None => self.verdict,
        };
        CheckRefusal { verdict, ..self }
    }

    /// The refusal of a packet for want of a live record, where `record` is what there is. Of a doubtful one it is not
    /// known whether it is there.
    #[inline]
    pub(super) fn for_want_of(self, record: SessionStep) -> CheckRefusal {
        match record {
            SessionStep::Doubtful => CheckRefusal { decider: MatchedRule::None, ..self.unknown() },
            _ => self,
        }
    }

    /// Not a refusal in truth: the packet leaves the two planes at its sender.
    pub(super) fn outside(decider: MatchedRule) -> CheckRefusal {
        let refusal = CheckRefusal::new(Reason::GuestRoutePublicNic, DropLocation::Outside).by(decider);
        CheckRefusal { verdict: Verdict::Outside, is_final: true, ..refusal }
    }

    pub(super) fn by(self, decider: MatchedRule) -> CheckRefusal {
        CheckRefusal { decider, ..self }
    }

    /// The packet had come to the end of its routes, in `second` where they lead into a second domain.
    pub(super) fn at_end(self, second: Option<DomainId>) -> CheckRefusal {
        CheckRefusal { progress: second.map_or(Progress::First, Progress::Second), ..self }
    }

    /// Nothing can be said about what lies behind it.
    pub(super) fn finally(self) -> CheckRefusal {
        CheckRefusal { is_final: true, ..self }
    }

    pub(super) fn reason(&self) -> Option<Reason> {
        match self.verdict {
            Verdict::Dropped { reason, .. } => Some(reason),
            _ => None,
        }
    }
}

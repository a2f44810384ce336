//! What flow logs recorded, and what a topology says about the same packets.

mod apart;
mod cause;
mod comparison;
mod json;
mod text;

pub use apart::SetApart;
pub use cause::LogCause;
pub use comparison::{Disagreement, DisagreementGroup, FlowComparison, LoggedAmount};
pub use json::{flow_comparison_json, logged_record_json};
pub use text::{flow_comparison_text, log_comment};

use crate::datapath::{Blocker, DropLocation, MatchedRule};
use crate::diag::Reason;
use crate::net::Protocol;
use crate::program::EndpointId;
use crate::time::SimTime;
use crate::wire::TcpFlags;
use std::net::SocketAddrV4;

/// What the cloud did with the packets of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogAction {
    /// They passed.
    Accept,
    /// The security groups of the ENI, or a network ACL of its vSwitch, refused them.
    Reject,
}

impl LogAction {
    /// Both.
    pub const ALL: [LogAction; 2] = [LogAction::Accept, LogAction::Reject];

    /// The word that a log has for it.
    pub const fn name(self) -> &'static str {
        match self {
            LogAction::Accept => "ACCEPT",
            LogAction::Reject => "REJECT",
        }
    }
}

/// Which way packets passed an ENI, as it sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogDirection {
    /// To it.
    In,
    /// From it.
    Out,
}

impl LogDirection {
    /// The word that a log has for it.
    pub const fn name(self) -> &'static str {
        match self {
            LogDirection::In => "in",
            LogDirection::Out => "out",
        }
    }
}

/// Where a record was made, and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogPlace {
    /// The endpoint whose ENI it is.
    pub at: EndpointId,
    /// Which way the packets passed.
    pub direction: LogDirection,
    /// What was done with them.
    pub action: LogAction,
}

/// One record of a flow log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// The file, by its place among those that were given, from 0.
    pub file: u32,
    /// The line where it begins, from 1.
    pub line: u64,
    /// When its first packet passed.
    pub start: SimTime,
    /// When its last packet passed, or its window ended.
    pub end: SimTime,
    /// Where the packets come from; port 0 without ports. 0.0.0.0 where the record does not say.
    pub source: SocketAddrV4,
    /// Where they go.
    pub destination: SocketAddrV4,
    /// The protocol.
    pub protocol: Protocol,
    /// The flags of all segments together, where they were logged.
    pub flags: Option<TcpFlags>,
    /// Packets.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Where it was made; or why it is not held against the model.
    pub place: Result<LogPlace, SetApart>,
}

/// What the model does with a packet at the place of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelAnswer {
    /// It lets the packet out of the endpoint, or delivers it there.
    Passes {
        /// By this; in a session, what let that begin.
        by: MatchedRule,
        /// True where a session spares it the groups.
        in_session: bool,
    },
    /// The endpoint's groups refuse it.
    Refuses(Blocker),
    /// It is refused before it comes there, or for another reason than groups.
    Stops(Blocker),
    /// It is delivered to another endpoint.
    Misleads {
        /// To this one.
        to: EndpointId,
        /// By this.
        by: MatchedRule,
    },
}

impl ModelAnswer {
    /// Whether a packet with which the cloud did `action` fares the same.
    pub const fn agrees_with(self, action: LogAction) -> bool {
        matches!(
            (action, self),
            (LogAction::Accept, ModelAnswer::Passes { .. }) | (LogAction::Reject, ModelAnswer::Refuses(_))
        )
    }

    /// Why and where the model refuses the packet, where it does.
    pub const fn refusal(self) -> Option<(Reason, DropLocation)> {
        match self {
            ModelAnswer::Refuses(Blocker { reason, at, .. }) | ModelAnswer::Stops(Blocker { reason, at, .. }) => {
                Some((reason, at))
            }
            ModelAnswer::Passes { .. } | ModelAnswer::Misleads { .. } => None,
        }
    }

    /// What decided.
    pub const fn decider(self) -> MatchedRule {
        match self {
            ModelAnswer::Passes { by, .. } | ModelAnswer::Misleads { by, .. } => by,
            ModelAnswer::Refuses(Blocker { decider, .. }) | ModelAnswer::Stops(Blocker { decider, .. }) => decider,
        }
    }
}

/// What came of holding a record against the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It was not.
    Apart(SetApart),
    /// The topology does not hold what decides.
    Undetermined {
        /// Where that would be asked.
        at: DropLocation,
    },
    /// The model has an answer.
    Judged {
        /// It.
        answer: ModelAnswer,
        /// What explains that it differs from the record, where something does.
        cause: Option<LogCause>,
    },
}

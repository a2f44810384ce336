//! The sums of a comparison of flow logs and a model.

use super::{Judgement, LogAction, LogCause, LogDirection, LogRecord, ModelAnswer, SetApart};
use crate::datapath::{DropLocation, MatchedRule};
use crate::diag::Reason;
use crate::program::EndpointId;
use crate::time::SimTime;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Addresses that are remembered of ENIs and of sources that the topology does not have.
const ADDRESSES: usize = 1_024;

/// How much some records stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoggedAmount {
    /// The records.
    pub records: u64,
    /// Packets that they count.
    pub packets: u64,
    /// Bytes that they count.
    pub bytes: u64,
}

impl LoggedAmount {
    fn add(&mut self, record: &LogRecord) {
        self.records += 1;
        self.packets = self.packets.saturating_add(record.packets);
        self.bytes = self.bytes.saturating_add(record.bytes);
    }
}

/// What the disagreements of a group have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Disagreement {
    /// What the cloud did.
    pub action: LogAction,
    /// Which way.
    pub direction: LogDirection,
    /// Why the model refuses, where it does.
    pub reason: Option<Reason>,
    /// What decided in the model.
    pub decider: MatchedRule,
    /// Where the model refuses, where no rule, route or list says that better.
    pub at: Option<DropLocation>,
    /// Which endpoint the model delivers to instead.
    pub to: Option<EndpointId>,
}

/// Records that disagree with the model in one way.
#[derive(Clone, Copy, Debug)]
pub struct DisagreementGroup {
    /// How many there are.
    pub amount: LoggedAmount,
    /// How many of them have each cause of [`LogCause::ALL`].
    pub explained: [u64; LogCause::ALL.len()],
    /// The first of those that no cause explains, else the first.
    pub example: LogRecord,
    /// What the model says about it.
    pub answer: ModelAnswer,
    /// What explains it.
    pub cause: Option<LogCause>,
}

impl DisagreementGroup {
    /// Records that no cause explains.
    pub fn unexplained(&self) -> u64 {
        self.amount.records - self.explained.iter().sum::<u64>()
    }
}

/// What flow logs and a model came to.
#[derive(Clone, Debug, Default)]
pub struct FlowComparison {
    /// The logs as they were named.
    pub files: Vec<String>,
    /// All records.
    pub total: LoggedAmount,
    /// The first and the last second with traffic, where there was any.
    pub span: Option<(SimTime, SimTime)>,
    matrix: [[LoggedAmount; 4]; 2],
    groups: BTreeMap<Disagreement, DisagreementGroup>,
    apart: BTreeMap<SetApart, (LoggedAmount, LogRecord)>,
    /// Records of packets that were accepted out of one ENI, for which another one that is logged has no record.
    pub unseen: u64,
    /// Synthetic frames between the first one of a record and the last that were left out, since too many were under way.
    pub left_out: u64,
    addresses: BTreeMap<(SetApart, Ipv4Addr), u64>,
}

/// The columns of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MatrixColumn {
    Passes,
    Refuses,
    Elsewhere,
    Undetermined,
}

impl MatrixColumn {
    pub(super) const ALL: [MatrixColumn; 4] =
        [MatrixColumn::Passes, MatrixColumn::Refuses, MatrixColumn::Elsewhere, MatrixColumn::Undetermined];

    pub(super) const fn of(answer: ModelAnswer) -> MatrixColumn {
        match answer {
            ModelAnswer::Passes { .. } => MatrixColumn::Passes,
            ModelAnswer::Refuses(_) => MatrixColumn::Refuses,
            ModelAnswer::Stops(_) | ModelAnswer::Misleads { .. } => MatrixColumn::Elsewhere,
        }
    }

    pub(super) const fn id(self) -> &'static str {
        match self {
            MatrixColumn::Passes => "passes",
            MatrixColumn::Refuses => "refuses",
            MatrixColumn::Elsewhere => "elsewhere",
            MatrixColumn::Undetermined => "undetermined",
        }
    }
}

impl FlowComparison {
    /// No record of these logs yet.
    pub fn of(files: Vec<String>) -> FlowComparison {
        FlowComparison { files, ..FlowComparison::default() }
    }

    /// Counts a record and what came of it.
    pub fn add(&mut self, record: &LogRecord, judgement: &Judgement) {
        self.total.add(record);
        let apart = match (record.place, *judgement) {
            (Err(apart), _) | (Ok(_), Judgement::Apart(apart)) => apart,
            (Ok(place), Judgement::Undetermined { .. }) => {
                self.count(record, place.action, MatrixColumn::Undetermined);
                return;
            }
            (Ok(place), Judgement::Judged { answer, cause }) => {
                self.count(record, place.action, MatrixColumn::of(answer));
                if !answer.agrees_with(place.action) {
                    self.disagree(record, answer, cause);
                }
                return;
            }
        };
        self.apart.entry(apart).or_insert((LoggedAmount::default(), *record)).0.add(record);
        if let Some(address) = address_of(record, apart) {
            let is_new = !self.addresses.contains_key(&(apart, address));
            if !is_new || self.addresses.len() < ADDRESSES {
                *self.addresses.entry((apart, address)).or_default() += 1;
            }
        }
    }

    fn count(&mut self, record: &LogRecord, action: LogAction, column: MatrixColumn) {
        self.matrix[action as usize][column as usize].add(record);
        let (first, last) = self.span.unwrap_or((record.start, record.start));
        self.span = Some((first.min(record.start), last.max(record.end)));
    }

    fn disagree(&mut self, record: &LogRecord, answer: ModelAnswer, cause: Option<LogCause>) {
        let Ok(place) = record.place else { return };
        let (decider, refusal) = (answer.decider(), answer.refusal());
        let disagreement = Disagreement {
            action: place.action,
            direction: place.direction,
            reason: refusal.map(|(reason, _)| reason),
            decider,
            at: refusal.map(|(_, at)| at).filter(|_| decider == MatchedRule::None),
            to: if let ModelAnswer::Misleads { to, .. } = answer { Some(to) } else { None },
        };
        let group = self.groups.entry(disagreement).or_insert(DisagreementGroup {
            amount: LoggedAmount::default(),
            explained: [0; LogCause::ALL.len()],
            example: *record,
            answer,
            cause,
        });
        if group.cause.is_some() && cause.is_none() {
            (group.example, group.answer, group.cause) = (*record, answer, None);
        }
        group.amount.add(record);
        if let Some(cause) = cause {
            group.explained[cause as usize] += 1;
        }
    }

    pub(super) fn cell(&self, action: LogAction, column: MatrixColumn) -> LoggedAmount {
        self.matrix[action as usize][column as usize]
    }

    /// Records that the model has an answer about.
    pub fn judged(&self) -> u64 {
        let columns = [MatrixColumn::Passes, MatrixColumn::Refuses, MatrixColumn::Elsewhere];
        LogAction::ALL.into_iter().flat_map(|action| columns.map(|column| self.cell(action, column).records)).sum()
    }

    /// Records that disagree with the model.
    pub fn disagreeing(&self) -> u64 {
        self.groups.values().map(|group| group.amount.records).sum()
    }

    /// Records that disagree with the model for no cause that the log shows.
    pub fn unexplained(&self) -> u64 {
        self.groups.values().map(DisagreementGroup::unexplained).sum()
    }

    /// True where no more than `percent` of the judged records disagree with the model for no cause.
    pub fn is_within(&self, percent: f64) -> bool {
        self.unexplained() as f64 * 100.0 <= percent * self.judged() as f64
    }

    /// The disagreements, those with the most unexplained records first.
    pub fn disagreements(&self) -> Vec<(&Disagreement, &DisagreementGroup)> {
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_by_key(|(_, group)| (Reverse(group.unexplained()), Reverse(group.amount.records)));
        groups
    }

    /// What was counted apart: how much, and the first record.
    pub fn apart(&self) -> impl Iterator<Item = (SetApart, LoggedAmount, &LogRecord)> {
        self.apart.iter().map(|(apart, (amount, first))| (*apart, *amount, first))
    }

    /// Records that were counted apart for one reason.
    pub fn set_apart(&self, apart: SetApart) -> u64 {
        self.apart.get(&apart).map_or(0, |(amount, _)| amount.records)
    }

    /// Addresses that the topology does not have, of some of what was counted apart, with records, most first.
    pub(super) fn addresses(&self, apart: SetApart) -> Vec<(Ipv4Addr, u64)> {
        let range = (apart, Ipv4Addr::UNSPECIFIED)..=(apart, Ipv4Addr::BROADCAST);
        let mut addresses: Vec<_> =
            self.addresses.range(range).map(|((_, address), records)| (*address, *records)).collect();
        addresses.sort_by_key(|(_, records)| Reverse(*records));
        addresses
    }
}

/// The address that a record is counted apart for, where it is an address.
fn address_of(record: &LogRecord, apart: SetApart) -> Option<Ipv4Addr> {
    match apart {
        SetApart::UnknownSource | SetApart::AmbiguousSource => Some(*record.source.ip()),
        _ => None,
    }
}

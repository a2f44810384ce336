//! The one-line verdict that texts, comments and JSON share.

use super::words::Resolver;
use crate::datapath::{MatchedRule, NotKnown, Outcome, Verdict};
use serde_json::{Map, Value};
use std::fmt;

/// What is said of a packet that leaves the two planes.
pub(super) const OUTSIDE: &str = "outside: it travels by a public address, beyond the two planes";

/// What is said of a packet of which the capture holds too little.
pub(super) const CUT_OFF: &str = "undetermined: the capture cut off bytes that decide";

/// What became of a frame, as one line of plain English without a full stop.
///
/// `dropped at db-1 by sg-db ingress #3 (shop.toml:19): drops tcp/22 from 10.0.0.0/8`
#[derive(Clone, Copy)]
pub struct Sentence<'a> {
    words: Resolver<'a>,
    outcome: Outcome,
}

impl<'a> Sentence<'a> {
    /// About `outcome`.
    pub fn new(words: Resolver<'a>, outcome: &Outcome) -> Sentence<'a> {
        Sentence { words, outcome: *outcome }
    }
}

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sentence { words, outcome } = *self;
        match outcome.verdict {
            Verdict::Answered => return f.write_str("answered by the fabric"),
            Verdict::Outside => return f.write_str(OUTSIDE),
            Verdict::Undetermined(NotKnown::Bytes) => return f.write_str(CUT_OFF),
            Verdict::Delivered { to } => write!(f, "delivered to {}", words.endpoint(to))?,
            Verdict::Dropped { .. } => f.write_str("dropped")?,
            Verdict::Undetermined(NotKnown::Configuration { .. }) => f.write_str("undetermined")?,
        }
        let refusal = outcome.verdict.refusal();
        if let Some(at) = refusal.and_then(|(_, at)| words.at(at)) {
            write!(f, " at {at}")?;
        }
        let mut why = match (refusal, outcome.decider) {
            (Some((reason, _)), _) => Some(reason.summary()),
            (None, MatchedRule::Whitelist(_)) => Some("it holds the source address"),
            (None, _) => None,
        };
        if let Some(cause) = words.cause(&outcome) {
            match outcome.decider {
                MatchedRule::Session => f.write_str(" by a live session")?,
                _ => write!(f, " by {}", cause.with_place())?,
            }
            why = cause.says().or(why);
        }
        match why {
            Some(why) => write!(f, ": {why}"),
            None => Ok(()),
        }
    }
}

/// What became of a frame, as the fields that its NDJSON line has between time and end.
pub fn outcome_fields(words: Resolver<'_>, outcome: &Outcome) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut set = |key: &str, value: Value| fields.insert(key.to_owned(), value);
    if let Some(from) = outcome.from {
        set("from", words.endpoint(from).into());
    }
    set("verdict", outcome.verdict.name().into());
    if let Verdict::Delivered { to } = outcome.verdict {
        set("to", words.endpoint(to).into());
    }
    if let Some((reason, at)) = outcome.verdict.refusal() {
        set("reason", reason.id().into());
        if let Some(at) = words.at(at) {
            set("at", at.into());
        }
    }
    if let Some(receiver) = outcome.receiver {
        set("to", words.endpoint(receiver).into());
    }
    let by_session = outcome.decider == MatchedRule::Session;
    if by_session {
        set("by", "session".into());
    }
    let decider = if by_session { outcome.begun_by } else { outcome.decider };
    if let Some(cause) = words.cause(&Outcome { decider, ..*outcome }) {
        set("rule", cause.to_string().into());
        if let Some(place) = cause.place() {
            set("source", place.to_string().into());
        }
    }
    let path: Vec<&str> = words.path(outcome).collect();
    if !path.is_empty() {
        set("path", path.into());
    }
    fields
}

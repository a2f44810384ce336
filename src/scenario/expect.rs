//! What a step claims will happen. Claims are exact: what is not listed must not happen.

use super::decode::{Decoder, Fields, Item, What, invalid};
use super::names::KnownNames;
use super::operation::ApplyExpectation;
use super::schema;
use crate::diag::{EmittedKind, Reason, Span, Spanned};
use crate::model::Direction;
use std::fmt;

/// What becomes of one frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The verdict.
    pub verdict: Spanned<VerdictClaim>,
    /// The endpoints and routing domains that the frame meets, in order.
    pub path: Option<Spanned<Vec<Spanned<String>>>>,
}

impl Claim {
    /// True where the frame is claimed to arrive somewhere.
    pub fn is_about_arrival(&self) -> bool {
        !matches!(self.verdict.value, VerdictClaim::Dropped { .. } | VerdictClaim::Undetermined { .. })
    }
}

/// What a step is expected to lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// A packet.
    Send(SendExpectation),
    /// A capture.
    Replay(ReplayExpectation),
    /// An operation.
    Apply(ApplyExpectation),
}

/// A verdict, and what is claimed about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerdictClaim {
    /// It reaches an endpoint.
    Delivered {
        /// The endpoint.
        to: Spanned<String>,
        /// Whether it belongs to a session that was there before.
        session: Option<Spanned<bool>>,
        /// Its TTL when it arrives.
        ttl: Option<Spanned<u8>>,
        /// How many nanoseconds after it was sent, where timing is on.
        delay_ns: Option<Spanned<u64>>,
    },
    /// The fabric answers it.
    Answered,
    /// It is dropped.
    Dropped {
        /// Why.
        reason: Spanned<Reason>,
        /// The endpoint or routing domain where it happens.
        at: Option<Spanned<String>>,
        /// The rule of a security group that decides.
        rule: Option<Spanned<RuleClaim>>,
    },
    /// It travels beyond the two planes.
    Outside,
    /// What decides is not known.
    Undetermined {
        /// Why: not bytes that the capture cut off, but this.
        reason: Option<Spanned<Reason>>,
    },
}

#[cfg(feature = "cli")]
impl VerdictClaim {
    /// The verdict as it is written.
    #[cfg(feature = "cli")]
    pub(super) fn word(&self) -> &'static str {
        match self {
            VerdictClaim::Delivered { .. } => "delivered",
            VerdictClaim::Answered => "answered",
            VerdictClaim::Dropped { .. } => "dropped",
            VerdictClaim::Outside => "outside",
            VerdictClaim::Undetermined { .. } => "undetermined",
        }
    }
}

/// Which rule of a security group decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleClaim {
    /// None matches, and the group's default decides.
    Default,
    /// A rule of the file.
    Rule {
        /// The group.
        group: String,
        /// The list.
        direction: Direction,
        /// Position in the list, counted from 1.
        number: usize,
    },
}

impl RuleClaim {
    /// Reads `default` or `sg-db ingress #2`.
    pub(crate) fn parse(text: &str) -> Option<RuleClaim> {
        if text == "default" {
            return Some(RuleClaim::Default);
        }
        let parts: Vec<&str> = text.split_whitespace().collect();
        let [group, list, number] = parts[..] else { return None };
        let direction = [Direction::Ingress, Direction::Egress].into_iter().find(|way| way.name() == list)?;
        let number = number.strip_prefix('#')?.parse().ok()?;
        Some(RuleClaim::Rule { group: group.to_owned(), direction, number })
    }
}

/// As in the file: `default`, `sg-db ingress #2`.
impl fmt::Display for RuleClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RuleClaim::Default => f.write_str("default"),
            RuleClaim::Rule { group, direction, number } => write!(f, "{group} {} #{number}", direction.name()),
        }
    }
}

/// What the expectations of a `send` step say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendExpectation {
    /// The whole `expect` table.
    pub span: Span,
    /// What becomes of the packet.
    pub claim: Claim,
    /// The frames that the fabric emits because of it, in order; none where not given.
    pub emitted: Vec<EmittedClaim>,
}

/// A frame that the fabric emits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmittedClaim {
    /// The whole entry.
    pub span: Span,
    /// The receiver.
    pub to: Spanned<String>,
    /// The routing domain that emits it.
    pub by: Option<Spanned<String>>,
    /// What it is.
    pub kind: Spanned<EmittedKind>,
}

/// How many frames of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count<T> {
    /// Which frames; its place is that of the key.
    pub of: Spanned<T>,
    /// How many.
    pub count: Spanned<u64>,
}

/// What the expectations of a `replay` step say; every count that is not given is 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayExpectation {
    /// The whole `expect` table.
    pub span: Span,
    /// Delivered frames by endpoint.
    pub delivered: Vec<Count<String>>,
    /// Dropped frames by reason.
    pub dropped: Vec<Count<Reason>>,
    /// Frames that the fabric answered.
    pub answered: Spanned<u64>,
    /// Frames that travel beyond the two planes.
    pub outside: Spanned<u64>,
    /// Frames that were cut off too early to tell.
    pub undetermined: Spanned<u64>,
    /// Frames that the fabric emitted.
    pub emitted: Spanned<u64>,
    /// What becomes of single frames; those not listed are only counted.
    pub frames: Vec<FrameClaim>,
}

/// What becomes of one frame of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameClaim {
    /// Number of the packet record, counted from 1.
    pub frame: Spanned<u64>,
    /// What becomes of it.
    pub claim: Claim,
}

const VERDICTS: [(&str, &str); 5] = [
    ("delivered", "delivered"),
    ("answered", "answered"),
    ("outside", "outside"),
    ("dropped", "dropped"),
    ("undetermined", "undetermined"),
];

/// The keys that do not go with a verdict.
pub(super) fn keys_beside(verdict: &str) -> &'static [&'static str] {
    match verdict {
        "delivered" => &["reason", "at", "rule"],
        "dropped" => &["to", "session", "ttl", "delay_ns"],
        "undetermined" => &["to", "session", "ttl", "delay_ns", "at", "rule", "path"],
        _ => &["to", "session", "ttl", "delay_ns", "reason", "at", "rule", "path"],
    }
}

fn claim<'a>(decoder: &mut Decoder<'_>, fields: &Fields<'a>, names: &KnownNames<'_>) -> Option<Claim> {
    let item = fields.require(decoder, "verdict", "\"delivered\"")?;
    let word = item.one_of(decoder, &VERDICTS)?;
    fields.refuse_beside(decoder, keys_beside(word.value), &format!("verdict \"{}\"", word.value), item.span);
    let path = fields.get("path").and_then(|item| {
        let places = item.list_of(decoder, |decoder, item| names.place(decoder, item))?;
        Some(Spanned::new(places, item.span))
    });
    let verdict = match word.value {
        "delivered" => {
            let to = fields.require(decoder, "to", "\"db-1\"").and_then(|item| names.endpoint(decoder, item));
            let session = fields.get("session").and_then(|item| item.boolean(decoder));
            let ttl = fields.get("ttl").and_then(|item| item.integer(decoder, 0..=255));
            let delay_ns = fields.get("delay_ns").and_then(|item| item.integer(decoder, 0..=u64::MAX));
            VerdictClaim::Delivered { to: to?, session, ttl, delay_ns }
        }
        "dropped" => {
            let reason = fields.require(decoder, "reason", "\"sg-ingress-deny\"");
            let reason = reason.and_then(|item| reason_of(decoder, item));
            let at = fields.get("at").and_then(|item| names.place(decoder, item));
            let rule = fields.get("rule").and_then(|item| rule(decoder, item, names));
            VerdictClaim::Dropped { reason: reason?, at, rule }
        }
        "answered" => VerdictClaim::Answered,
        "outside" => VerdictClaim::Outside,
        _ => {
            let reason = fields.get("reason").and_then(|item| reason_of(decoder, item));
            VerdictClaim::Undetermined { reason }
        }
    };
    Some(Claim { verdict: Spanned::new(verdict, item.span), path })
}

/// A reason by its id.
fn reason_of(decoder: &mut Decoder<'_>, item: Item<'_>) -> Option<Spanned<Reason>> {
    let id = item.string(decoder)?;
    reason(decoder, id, item.span)
}

fn reason(decoder: &mut Decoder<'_>, id: &str, span: Span) -> Option<Spanned<Reason>> {
    if let Ok(reason) = id.parse() {
        return Some(Spanned::new(reason, span));
    }
    let near = decoder.nearest(id, Reason::ALL.iter().map(|reason| reason.id()));
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`biplane explain` lists all reasons".to_owned(),
    };
    let message = format!("there is no reason `{id}`");
    decoder.report(invalid(span, message, "not a reason for which frames are dropped").help(help));
    None
}

fn rule(decoder: &mut Decoder<'_>, item: Item<'_>, names: &KnownNames<'_>) -> Option<Spanned<RuleClaim>> {
    let text = item.string(decoder)?;
    let Some(claim) = RuleClaim::parse(text) else {
        let expected = "expected \"default\" or a rule as \"sg-db ingress #2\"";
        decoder.report(invalid(item.span, format!("`rule` cannot be \"{text}\""), expected));
        return None;
    };
    if let RuleClaim::Rule { group, direction, number } = &claim {
        names.rule(decoder, item.span, group, *direction, *number)?;
    }
    Some(Spanned::new(claim, item.span))
}

/// The expectations of a `send` step.
pub(super) fn of_send(decoder: &mut Decoder<'_>, item: Item<'_>, names: &KnownNames<'_>) -> Option<SendExpectation> {
    const KEYS: [&str; schema::EXPECT_SEND.len()] = schema::names(&schema::EXPECT_SEND);
    let fields = item.fields(decoder, What::The("`expect` of a `send`"), &KEYS)?;
    let claim = claim(decoder, &fields, names);
    let emitted = fields.get("emitted").and_then(|item| {
        item.list_of(decoder, |decoder, item| {
            let fields = item.fields(decoder, What::The("an emitted frame"), &schema::names(&schema::EMITTED))?;
            let to = fields.require(decoder, "to", "\"web-1\"").and_then(|item| names.endpoint(decoder, item));
            let by = fields.get("by").and_then(|item| names.domain(decoder, item));
            let kinds = EmittedKind::ALL.map(|kind| (kind.name(), kind));
            let kind = fields.require(decoder, "kind", "\"time-exceeded\"");
            let kind = kind.and_then(|item| item.one_of(decoder, &kinds));
            Some(EmittedClaim { span: item.span, to: to?, by, kind: kind? })
        })
    });
    Some(SendExpectation { span: item.span, claim: claim?, emitted: emitted.unwrap_or_default() })
}

/// The expectations of a `replay` step.
pub(super) fn of_replay(
    decoder: &mut Decoder<'_>,
    item: Item<'_>,
    names: &KnownNames<'_>,
) -> Option<ReplayExpectation> {
    let fields = item.fields(decoder, What::The("`expect` of a `replay`"), &schema::names(&schema::EXPECT_REPLAY))?;
    let delivered = counts(decoder, &fields, "delivered", |decoder, key| {
        Some(Spanned::new(names.endpoint_id(decoder, key)?, key.span))
    });
    let dropped = counts(decoder, &fields, "dropped", |decoder, key| reason(decoder, key.value, key.span));
    let mut total = |key| {
        let count = fields.get(key).and_then(|item| item.integer(decoder, 0..=u64::MAX));
        count.unwrap_or(Spanned::unplaced(0))
    };
    let (answered, outside) = (total("answered"), total("outside"));
    let (undetermined, emitted) = (total("undetermined"), total("emitted"));
    let frames = fields.get("frames").and_then(|item| {
        item.list_of(decoder, |decoder, item| {
            const KEYS: [&str; schema::FRAME.len()] = schema::names(&schema::FRAME);
            let fields = item.fields(decoder, What::The("a frame"), &KEYS)?;
            let frame = fields.require(decoder, "frame", "1");
            let frame = frame.and_then(|item| item.integer(decoder, 1..=u64::MAX));
            let claim = claim(decoder, &fields, names);
            Some(FrameClaim { frame: frame?, claim: claim? })
        })
    });
    let frames = frames.unwrap_or_default();
    Some(ReplayExpectation { span: item.span, delivered, dropped, answered, outside, undetermined, emitted, frames })
}

fn counts<'a, T>(
    decoder: &mut Decoder<'_>,
    fields: &Fields<'a>,
    key: &'static str,
    mut read: impl FnMut(&mut Decoder<'_>, Spanned<&'a str>) -> Option<Spanned<T>>,
) -> Vec<Count<T>> {
    let table = fields.get(key).and_then(|item| item.table(decoder));
    let entries = table.map(Fields::entries).into_iter().flatten();
    let count = |(key, item): (Spanned<&'a str>, Item<'a>)| {
        let of = read(decoder, key);
        let count = item.integer(decoder, 0..=u64::MAX);
        Some(Count { of: of?, count: count? })
    };
    entries.filter_map(count).collect()
}

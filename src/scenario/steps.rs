//! Scenario files: a topology and the steps that are taken in it.

use super::decode::{Decoder, Fields, Item, What, invalid};
use super::expect::{self, Expectation, ReplayExpectation, SendExpectation};
use super::names::KnownNames;
use super::operation::{self, ApplyExpectation, ApplyStep};
use super::packet::{self, SendStep};
use super::schema::{self, names};
use super::values::parse_duration;
use crate::diag::{Diagnostic, Span, Spanned};
use crate::model::World;
use crate::time::SimDuration;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

/// A scenario file.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it shows, in a sentence.
    pub title: Spanned<String>,
    /// More about it.
    pub description: Option<String>,
    /// The world it plays in, not yet checked.
    pub topology: World,
    /// What is claimed of the topology as its file gives it, before any step: `FROM -> TO: nothing`.
    pub claims: Vec<Spanned<String>>,
    /// At least one step, unless there are claims.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The header of the step.
    pub span: Span,
    /// A few words.
    pub title: Option<String>,
    /// What is done, and what it is expected to lead to.
    pub action: Action,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Sends one packet.
    Send(SendStep, SendExpectation),
    /// Replays a capture.
    Replay(ReplayStep, ReplayExpectation),
    /// Applies an operation to the world, or asks about its links.
    Apply(ApplyStep, ApplyExpectation),
    /// Lets time pass.
    Wait(Spanned<SimDuration>),
}

/// A capture to be replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayStep {
    /// The capture; relative paths are already joined to the folder of the scenario file.
    pub capture: Spanned<PathBuf>,
    /// Source addresses and the endpoints that their frames enter by.
    pub inject: Vec<(Spanned<Ipv4Addr>, Spanned<String>)>,
    /// Addresses of the capture and those that replace them.
    pub map: Vec<(Spanned<Ipv4Addr>, Spanned<Ipv4Addr>)>,
    /// Whether a TCP flow must begin with a bare SYN; false where not given.
    pub strict_tcp: bool,
}

/// A step of a scenario, and what could be expected of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldingStep {
    /// Its place among the steps, from 0.
    pub step: usize,
    /// What happened.
    pub holds: Expectation,
}

/// The keys of a scenario file.
pub(super) const KEYS: [&str; schema::SCENARIO.len()] = names(&schema::SCENARIO);

/// The keys that say what a step does: exactly one of them is given.
const ACTIONS: [&str; 4] = ["send", "replay", "apply", "wait"];

const STEP_KEYS: [&str; schema::STEP.len()] = names(&schema::STEP);

/// Everything in the scenario file whose keys are `root`, with `topology`, which it names.
pub(super) fn decode<'a>(
    decoder: &mut Decoder<'_>,
    root: &Fields<'a>,
    folder: &Path,
    topology: Option<World>,
) -> Option<Scenario> {
    let names = &KnownNames::new(topology.as_ref());
    let title = root.require(decoder, "title", "\"A linked instance reaches its VPC\"");
    let title = title.and_then(|item| item.name(decoder));
    let description = root.get("description").and_then(|item| Some(item.text(decoder)?.value));
    let claims = root.get("claim").map_or_else(Vec::new, |item| item.list_of(decoder, claim).unwrap_or_default());
    let steps = if claims.is_empty() || root.has("step") {
        let item = root.require(decoder, "step", "[{ wait = \"1s\" }]")?;
        let items = item.list(decoder)?;
        if items.is_empty() {
            decoder.report(invalid(item.span, "a scenario needs at least one step", "no steps"));
        }
        items.into_iter().filter_map(|item| step(decoder, item, folder, names)).collect()
    } else {
        Vec::new()
    };
    Some(Scenario { title: title?, description, claims, steps, topology: topology? })
}

/// A claim about reachability, as text: what it says is read where the topology is compiled.
fn claim<'a>(decoder: &mut Decoder<'_>, item: Item<'a>) -> Option<Spanned<String>> {
    let fields = item.fields(decoder, What::The("a claim"), &["that"])?;
    fields.require(decoder, "that", "\"any -> rm-orders: only tcp/3306\"")?.name(decoder)
}

fn step<'a>(decoder: &mut Decoder<'_>, item: Item<'a>, folder: &Path, names: &KnownNames<'_>) -> Option<Step> {
    let fields = item.fields(decoder, What::The("a step"), &STEP_KEYS)?;
    let title = fields.get("title").and_then(|item| Some(item.text(decoder)?.value));
    let (key, action) = fields.one_key(decoder, &ACTIONS)?;
    let action = match key {
        "send" => {
            let send = send(decoder, action, names);
            let expected = expected(decoder, &fields, key, "{ verdict = \"delivered\", to = \"db-1\" }");
            let expected = expected.and_then(|item| expect::of_send(decoder, item, names));
            Action::Send(send?, expected?)
        }
        "replay" => {
            let replay = replay(decoder, action, folder, names);
            let expected = expected(decoder, &fields, key, "{ delivered = { db-1 = 7 } }");
            let expected = expected.and_then(|item| expect::of_replay(decoder, item, names));
            Action::Replay(replay?, expected?)
        }
        "apply" => {
            let (apply, expected) = operation::decode(decoder, &fields, action, names)?;
            Action::Apply(apply, expected)
        }
        _ => {
            fields.refuse_beside(decoder, &["expect"], "`wait`", action.span);
            Action::Wait(action.parse(decoder, parse_duration)?)
        }
    };
    Some(Step { span: item.span, title, action })
}

/// The `expect` of a step that needs one: a step that claims nothing tests nothing.
pub(super) fn expected<'a>(
    decoder: &mut Decoder<'_>,
    fields: &Fields<'a>,
    action: &str,
    example: &str,
) -> Option<Item<'a>> {
    if !fields.has("expect") {
        decoder.report(
            Diagnostic::error("missing-key", format!("a step with `{action}` needs the key `expect`"))
                .at(fields.span, "`expect` is missing")
                .note("a step that claims nothing tests nothing")
                .help(format!("add it, for example `expect = {example}`")),
        );
    }
    fields.get("expect")
}

fn send<'a>(decoder: &mut Decoder<'_>, item: Item<'a>, known: &KnownNames<'_>) -> Option<SendStep> {
    let fields = item.fields(decoder, What::The("`send`"), &names(&schema::SEND))?;
    let from = fields.require(decoder, "from", "\"web-1\"").and_then(|item| known.endpoint(decoder, item));
    let packet = packet::packet(decoder, &fields);
    Some(SendStep { span: item.span, from: from?, packet: packet? })
}

fn replay<'a>(decoder: &mut Decoder<'_>, item: Item<'a>, folder: &Path, known: &KnownNames<'_>) -> Option<ReplayStep> {
    let fields = item.fields(decoder, What::The("`replay`"), &names(&schema::REPLAY))?;
    let capture = fields.require(decoder, "capture", "\"../pcaps/mysql.pcap\"").and_then(|item| item.name(decoder));
    let inject = by_address(decoder, &fields, "inject", |decoder, item| known.endpoint(decoder, item));
    let map = by_address(decoder, &fields, "map", |decoder, item| item.address(decoder));
    let strict_tcp = fields.get("strict_tcp").and_then(|item| item.boolean(decoder));
    let capture = capture?;
    Some(ReplayStep {
        capture: Spanned::new(folder.join(&capture.value), capture.span),
        inject,
        map,
        strict_tcp: strict_tcp.is_some_and(|strict| strict.value),
    })
}

/// A table whose keys are addresses.
fn by_address<'a, T>(
    decoder: &mut Decoder<'_>,
    fields: &Fields<'a>,
    key: &'static str,
    mut read: impl FnMut(&mut Decoder<'_>, Item<'a>) -> Option<T>,
) -> Vec<(Spanned<Ipv4Addr>, T)> {
    let table = fields.get(key).and_then(|item| item.table(decoder));
    let entries = table.map(Fields::entries).into_iter().flatten();
    let mut pairs = Vec::new();
    for (address, item) in entries {
        let value = read(decoder, item);
        match address.parse() {
            Ok(parsed) => pairs.extend(value.map(|value| (Spanned::new(parsed, address.span), value))),
            Err(_) => {
                let problem = invalid(address.span, format!("\"{}\" is no IPv4 address", address.value), "");
                decoder.report(problem.help(format!("the keys of `{key}` are addresses in quotes")));
            }
        }
    }
    pairs
}

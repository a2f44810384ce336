//! Topology files: a TOML tree becomes a [`World`].

mod about;
mod ids;
mod objects;
mod references;
mod rules;
mod templates;
mod timing;

use super::decode::{Decoder, Fields, Item, What, invalid};
use super::notation::Notation;
use super::schema;
use crate::diag::{Diagnostic, Span, Spanned};
use crate::model::{SharedText, World, limits};
use crate::time::SimDuration;
use hashbrown::HashSet;
pub(crate) use ids::{is_allowed_in_ids, is_reserved_id};
use objects::{Objects, Pending};
use references::Declared;
pub(super) use rules::{port_range, protocol, rule_request};
use templates::Templates;

/// The sections of a topology file.
pub(super) const SECTIONS: [&str; schema::SECTIONS.len()] = schema::names(&schema::SECTIONS);

/// The largest limit of sessions: some 120 GB of them.
const MAX_SESSIONS: u64 = 1 << 30;

/// Reports a file that is something else than a topology.
pub(super) fn refuse_other_kinds(decoder: &mut Decoder<'_>, root: &Fields<'_>) {
    let refused = |message| Diagnostic::error("wrong-file-kind", message);
    let problem = if let Some(place) = ["step", "topology"].iter().find_map(|key| root.key_span(key)) {
        refused("this is a scenario file, not a topology file")
            .at(place, "only scenarios have this key")
            .help("give the topology file that it names, or run it with `biplane run`")
    } else if let Some(place) = foreign_key(decoder, root) {
        refused("this is a Terraform state or a dump, not a topology file")
            .at(place, "no topology has this key")
            .help("`biplane import FILE` makes a topology of dumps and Terraform states")
    } else {
        return;
    };
    decoder.report(problem);
}

/// The first key of a file without a section of a topology that is one of Terraform's or of the vendor's API, which
/// begin with capitals.
fn foreign_key(decoder: &Decoder<'_>, root: &Fields<'_>) -> Option<Span> {
    const TERRAFORM: [&str; 3] = ["version", "format_version", "terraform_version"];
    let is_foreign = |key: &str| TERRAFORM.contains(&key) || key.starts_with(|c: char| c.is_ascii_uppercase());
    let is_toml = decoder.notation(root.span.file) == Notation::Toml;
    if is_toml || SECTIONS.iter().any(|section| root.has(section)) {
        return None;
    }
    root.keys().find(|key| is_foreign(key.value)).map(|key| key.span)
}

/// Everything understandable in `roots`, the files of one topology, whose unknown keys are reported too.
pub(super) fn decode<'a>(decoder: &mut Decoder<'_>, roots: &[Fields<'a>]) -> World {
    for root in roots {
        root.refuse_unknown(decoder, &SECTIONS);
    }
    let declared = Declared::of(decoder, roots);
    let mut world = World::default();
    settings(decoder, roots, &mut world);
    let templates = Templates::of(decoder, roots);
    let (pending, texts) = (Pending::default(), HashSet::default());
    let mut objects = Objects { decoder, declared, world, pending, templates, texts };
    objects.decode();
    objects.world
}

fn settings(decoder: &mut Decoder<'_>, roots: &[Fields<'_>], world: &mut World) {
    let mut section = |name, what, keys: &[&str]| {
        let mut given = roots.iter().filter_map(|root| root.get(name));
        let first = given.next()?;
        for other in given {
            let problem = Diagnostic::error("conflicting-keys", format!("{what} stands in two files"));
            let problem = problem.at(other.span, "the second time here").at(first.span, "the first time here");
            decoder.report(problem.help("settings hold for the whole topology: put them into one file"));
        }
        first.fields(decoder, What::The(what), keys)
    };
    let defaults = section("defaults", "[defaults]", &schema::names(&schema::DEFAULTS));
    const TIMEOUTS: [&str; 6] = ["tcp_established", "tcp_transient", "udp", "icmp", "other", "fragment"];
    let sessions = section("sessions", "[sessions]", &schema::names(&schema::SESSIONS));
    let fabric = section("fabric", "[fabric]", &schema::names(&schema::FABRIC));
    if let Some(defaults) = defaults {
        if let Some(region) = defaults.get("region").and_then(|item| shared(decoder, item)) {
            world.default_region = region;
        }
        if let Some(account) = defaults.get("account").and_then(|item| shared(decoder, item)) {
            world.default_account = account;
        }
    }
    if let Some(sessions) = sessions {
        let timeouts = &mut world.sessions;
        let places = [
            &mut timeouts.tcp_established,
            &mut timeouts.tcp_transient,
            &mut timeouts.udp,
            &mut timeouts.icmp,
            &mut timeouts.other,
            &mut timeouts.fragment,
        ];
        for (key, place) in TIMEOUTS.into_iter().zip(places) {
            if let Some(timeout) = sessions.get(key).and_then(|item| seconds(decoder, item)) {
                *place = timeout;
            }
        }
        let limit = sessions.get("limit").and_then(|item| item.integer(decoder, 1..=MAX_SESSIONS));
        world.session_limit = limit.unwrap_or(world.session_limit);
    }
    if let Some(fabric) = fabric {
        let least = u64::from(limits::LEAST_MTU);
        let mtu = fabric.get("mtu").and_then(|item| item.integer(decoder, least..=65535));
        world.mtu = mtu.unwrap_or(world.mtu);
        world.timing = timing::settings(decoder, &fabric);
    }
}

/// A region or account.
fn shared(decoder: &mut Decoder<'_>, item: Item<'_>) -> Option<Spanned<SharedText>> {
    Some(Spanned::new(item.filled(decoder)?.into(), item.span))
}

/// Seconds, whole or not; 0 lets a session live within one instant only.
fn seconds(decoder: &mut Decoder<'_>, item: Item<'_>) -> Option<Spanned<SimDuration>> {
    let seconds = item.number(decoder)?;
    let nanos = (seconds * 1e9).round();
    if !(0.0..=u64::MAX as f64).contains(&nanos) {
        decoder.report(
            invalid(item.span, format!("`{}` is no timeout", item.key), "expected seconds, 0 or more")
                .note("session timeouts are idle times in seconds on the frames' own clock"),
        );
        return None;
    }
    Some(Spanned::new(SimDuration::from_nanos(nanos as u64), item.span))
}

//! Topology files: a TOML tree becomes a [`World`].

mod ids;
mod objects;
mod references;
mod rules;
mod timing;

use super::decode::{Decoder, Fields, Item, What, invalid};
use super::schema;
use crate::diag::Spanned;
use crate::model::{SharedText, World, limits};
use crate::time::SimDuration;
use hashbrown::HashSet;
pub(crate) use ids::{is_allowed_in_ids, is_reserved_id};
use objects::{Objects, Pending};
use references::Declared;
pub(super) use rules::{port_range, protocol, rule_request};

/// The sections of a topology file.
pub(super) const SECTIONS: [&str; schema::SECTIONS.len()] = schema::names(&schema::SECTIONS);

/// The largest limit of sessions: some 120 GB of them.
const MAX_SESSIONS: u64 = 1 << 30;

/// Everything understandable in `root`, whose unknown keys are reported too.
pub(super) fn decode<'a>(decoder: &mut Decoder<'_>, root: &Fields<'a>) -> World {
    root.refuse_unknown(decoder, &SECTIONS);
    let declared = Declared::of(decoder, root);
    let mut world = World::default();
    settings(decoder, root, &mut world);
    let mut objects = Objects { decoder, declared, world, pending: Pending::default(), texts: HashSet::default() };
    objects.decode();
    objects.world
}

fn settings(decoder: &mut Decoder<'_>, root: &Fields<'_>, world: &mut World) {
    let mut section = |name, what, keys: &[&str]| root.get(decoder, name)?.fields(decoder, What::The(what), keys);
    let defaults = section("defaults", "[defaults]", &schema::names(&schema::DEFAULTS));
    const TIMEOUTS: [&str; 6] = ["tcp_established", "tcp_transient", "udp", "icmp", "other", "fragment"];
    let sessions = section("sessions", "[sessions]", &schema::names(&schema::SESSIONS));
    let fabric = section("fabric", "[fabric]", &schema::names(&schema::FABRIC));
    if let Some(defaults) = defaults {
        if let Some(region) = defaults.get(decoder, "region").and_then(|item| shared(decoder, item)) {
            world.default_region = region;
        }
        if let Some(account) = defaults.get(decoder, "account").and_then(|item| shared(decoder, item)) {
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
            if let Some(timeout) = sessions.get(decoder, key).and_then(|item| seconds(decoder, item)) {
                *place = timeout;
            }
        }
        let limit = sessions.get(decoder, "limit").and_then(|item| item.integer(decoder, 1..=MAX_SESSIONS));
        world.session_limit = limit.unwrap_or(world.session_limit);
    }
    if let Some(fabric) = fabric {
        let least = u64::from(limits::LEAST_MTU);
        let mtu = fabric.get(decoder, "mtu").and_then(|item| item.integer(decoder, least..=65535));
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

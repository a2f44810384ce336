//! The keys of limits, zones and latency.

use crate::model::timing::{
    MAX_BANDWIDTH_MBPS, MAX_BURST_MS, MAX_LATENCY_US, MAX_PPS, MAX_QUEUE_MS, MAX_QUEUE_PACKETS,
};
use crate::model::{Latency, PerDirection, RateLimits, TimingSettings};
use crate::scenario::decode::{Decoder, Fields, Item, What, invalid};
use crate::scenario::schema::{self, names};
use crate::time::SimDuration;
use std::ops::RangeInclusive;

/// What limits an object; nothing where no key does.
pub(super) fn limits(decoder: &mut Decoder<'_>, fields: &Fields<'_>) -> Option<Box<RateLimits>> {
    let mut rate = |key, largest| {
        let item = fields.get(key)?;
        per_direction(decoder, item, 1..=largest)
    };
    let bandwidth_mbps = rate("bandwidth_mbps", MAX_BANDWIDTH_MBPS).unwrap_or_default();
    let pps = rate("pps", MAX_PPS).unwrap_or_default();
    let mut count = |key, largest| Some(fields.get(key)?.integer(decoder, 0..=largest)?.value);
    let burst_ms = count("burst_ms", MAX_BURST_MS);
    let queue_ms = count("queue_ms", MAX_QUEUE_MS);
    let queue_packets = count("queue_packets", MAX_QUEUE_PACKETS);
    let limits = RateLimits { bandwidth_mbps, pps, burst_ms, queue_ms, queue_packets };
    (limits != RateLimits::default()).then(|| Box::new(limits))
}

/// One number for both directions, or `{ tx = , rx = }`.
fn per_direction(decoder: &mut Decoder<'_>, item: Item<'_>, range: RangeInclusive<u64>) -> Option<PerDirection> {
    if !item.is_table() {
        let both = item.integer(decoder, range)?.value;
        return Some(PerDirection { tx: Some(both), rx: Some(both) });
    }
    let what = format!("`{}`", item.key);
    let fields = item.fields(decoder, What::The(&what), &names(&schema::BANDWIDTH))?;
    if !fields.has("tx") && !fields.has("rx") {
        let help = format!("write `{} = {{ tx = 100, rx = 200 }}`, or one number for both", item.key);
        let message = format!("`{}` limits nothing", item.key);
        decoder.report(invalid(item.span, message, "expected `tx`, `rx` or both").help(help));
    }
    let mut one = |key| Some(fields.get(key)?.integer(decoder, range.clone())?.value);
    Some(PerDirection { tx: one("tx"), rx: one("rx") })
}

/// `timing` and `latency_us` of `[fabric]`.
pub(super) fn settings(decoder: &mut Decoder<'_>, fabric: &Fields<'_>) -> TimingSettings {
    let is_on = fabric.get("timing").and_then(|item| item.boolean(decoder));
    let latency = fabric.get("latency_us").and_then(|item| latency(decoder, item));
    TimingSettings { is_on: is_on.is_some_and(|is_on| is_on.value), latency }
}

fn latency(decoder: &mut Decoder<'_>, item: Item<'_>) -> Option<Latency> {
    const KEYS: [&str; schema::LATENCY.len()] = names(&schema::LATENCY);
    let fields = item.fields(decoder, What::The("`latency_us`"), &KEYS)?;
    let mut nearer = 0;
    let mut spans = [SimDuration::default(); 3];
    for (key, span) in KEYS.into_iter().zip(&mut spans) {
        if let Some(own) = fields.get(key).and_then(|item| item.integer(decoder, 0..=MAX_LATENCY_US)) {
            nearer = own.value;
        }
        *span = SimDuration::from_nanos(nearer * 1000);
    }
    let [vswitch, zone, cross_zone] = spans;
    Some(Latency { vswitch, zone, cross_zone })
}

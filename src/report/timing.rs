//! What the rates of endpoints were used for, in a summary.

use super::layout::{Palette, Style, counted, percent, thousands};
use super::table::table_text;
use super::tally::Tally;
use super::words::Resolver;
use crate::program::EndpointId;
use crate::time::{SimDuration, SimTime};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt::Write;

/// When a frame left its sender, and when its receiver had it, where timing is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameTimes {
    /// When it left its sender; nothing where the sender's rate is exceeded.
    pub sent: Option<SimTime>,
    /// When it was delivered.
    pub received: Option<SimTime>,
}

/// What has passed the buckets of an endpoint in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateUse {
    /// Its limit in Mbit/s.
    pub bandwidth_mbps: Option<u64>,
    /// Its limit in packets per second.
    pub pps: Option<u64>,
    /// Packets that passed.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Frames that were dropped, since they would have waited too long.
    pub exceeded: u64,
    /// What half of those that passed waited at most; nothing where none passed.
    pub median_wait: Option<SimDuration>,
    /// What 99 of a hundred waited at most.
    pub long_wait: Option<SimDuration>,
}

/// The rates of an endpoint that is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndpointRates {
    /// Whose.
    pub endpoint: EndpointId,
    /// Of what it sends, where that is limited.
    pub tx: Option<RateUse>,
    /// Of what it receives.
    pub rx: Option<RateUse>,
}

impl RateUse {
    /// True where nothing has come to these buckets.
    pub fn is_idle(&self) -> bool {
        self.packets == 0 && self.exceeded == 0
    }

    /// Used and possible amounts over `span`, of the limit that was used more. What a full bucket and a queue at the end
    /// let pass beside the rate is not more than all.
    fn utilisation(&self, span: SimDuration) -> Option<(u64, u64)> {
        let nanos = u128::from(span.as_nanos());
        // Of what would have passed, in thousandths of a bit, and in thousand millionths of a packet.
        let bits = self.bandwidth_mbps.map(|limit| (u128::from(self.bytes) * 8000, u128::from(limit) * nanos));
        let packets = self.pps.map(|limit| (u128::from(self.packets) * 1_000_000_000, u128::from(limit) * nanos));
        let shares = [bits, packets].into_iter().flatten().filter(|(_, possible)| *possible != 0);
        // In millionths, which is more than is shown.
        shares.map(|(used, possible)| ((used * 1_000_000 / possible).min(1_000_000) as u64, 1_000_000)).max()
    }

    fn limit(&self) -> String {
        let bandwidth = self.bandwidth_mbps.map(|limit| format!("{} Mbit/s", thousands(limit)));
        let pps = self.pps.map(|limit| format!("{} pps", thousands(limit)));
        [bandwidth, pps].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn to_json(self, span: SimDuration) -> Value {
        let nanos = |span: Option<SimDuration>| span.map(SimDuration::as_nanos);
        json!({
            "bandwidth_mbps": self.bandwidth_mbps,
            "pps": self.pps,
            "packets": self.packets,
            "bytes": self.bytes,
            "rate_exceeded": self.exceeded,
            "utilisation": self.utilisation(span).map(|(used, of)| used as f64 / of as f64),
            "queueing_p50_ns": nanos(self.median_wait),
            "queueing_p99_ns": nanos(self.long_wait),
        })
    }
}

/// The columns of [`rate_rows`].
pub const RATE_COLUMNS: [&str; 8] =
    ["endpoint", "way", "limit", "packets", "used", "rate exceeded", "queueing p50", "queueing p99"];

/// A row for each direction of each endpoint that something has come to, for tables.
pub fn rate_rows(words: Resolver<'_>, tally: &Tally, rates: &[EndpointRates]) -> Vec<Vec<String>> {
    let span = tally.span().map(|(_, length)| length).unwrap_or_default();
    let both = rates.iter().flat_map(|one| [(one.endpoint, "tx", one.tx), (one.endpoint, "rx", one.rx)]);
    let used = both.filter_map(|(id, way, rate)| Some((id, way, rate.filter(|rate| !rate.is_idle())?)));
    let row = |(id, way, rate): (EndpointId, &str, RateUse)| {
        let wait = |span: Option<SimDuration>| span.map_or_else(String::new, milliseconds);
        vec![
            words.endpoint(id).to_owned(),
            way.to_owned(),
            rate.limit(),
            thousands(rate.packets),
            rate.utilisation(span).map_or_else(String::new, |(used, of)| percent(used, of)),
            thousands(rate.exceeded),
            wait(rate.median_wait),
            wait(rate.long_wait),
        ]
    };
    used.map(row).collect()
}

/// `1.25 ms`
fn milliseconds(span: SimDuration) -> String {
    let nanos = span.as_nanos();
    let decimals = format!("{:06}", nanos % 1_000_000);
    match decimals.trim_end_matches('0') {
        "" => format!("{} ms", nanos / 1_000_000),
        decimals => format!("{}.{decimals} ms", nanos / 1_000_000),
    }
}

/// Rows of a summary; the rest is counted.
const ROWS: usize = 20;

/// Writes [`rate_rows`].
pub(super) fn write_rates(out: &mut String, mut rows: Vec<Vec<String>>, palette: Palette) {
    let _ = writeln!(out, "\n{}", palette.paint(Style::Heading, "rates"));
    if rows.is_empty() {
        out.push_str("  no frame came to an endpoint with a limit\n");
        return;
    }
    let rest = rows.split_off(rows.len().min(ROWS));
    table_text(out, 2, &RATE_COLUMNS, &rows, palette);
    if !rest.is_empty() {
        let _ = writeln!(out, "  {}", counted(rest.len() as u64, "more row"));
    }
}

/// The same as JSON: each endpoint that is limited.
pub(super) fn rates_json(words: Resolver<'_>, tally: &Tally, rates: &[EndpointRates]) -> Value {
    let span = tally.span().map(|(_, length)| length).unwrap_or_default();
    let one = |rates: &EndpointRates| {
        let mut value = json!({ "endpoint": words.endpoint(rates.endpoint) });
        for (way, rate) in [("tx", rates.tx), ("rx", rates.rx)] {
            if let Some(rate) = rate {
                value[way] = rate.to_json(span);
            }
        }
        value
    };
    json!({ "endpoints": rates.iter().map(one).collect::<Vec<_>>() })
}

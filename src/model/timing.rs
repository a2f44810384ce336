//! What limits an endpoint, and how long frames are on their way: kept and shown, and in force where timing is on.
//!
//! Limits belong to instances and services, latency to pairs of places, and nothing to a link: over ClassicLink "both
//! the latency and bandwidth limit of the internal network remain unchanged" (vendor, "ClassicLink overview"). The
//! vendor publishes neither how bursts are treated nor any latency; keys and defaults are our own choice.

use super::SharedText;
use crate::diag::Spanned;
use crate::time::SimDuration;

/// The largest `bandwidth_mbps`: 10 Tbit/s.
pub const MAX_BANDWIDTH_MBPS: u64 = 10_000_000;
/// The largest `pps`.
pub const MAX_PPS: u64 = 10_000_000_000;
/// The largest `burst_ms`.
pub const MAX_BURST_MS: u64 = 60_000;
/// The largest `queue_ms`.
pub const MAX_QUEUE_MS: u64 = 10_000;
/// The largest `queue_packets`.
pub const MAX_QUEUE_PACKETS: u64 = 65_536;
/// The largest latency, in microseconds: 10 s.
pub const MAX_LATENCY_US: u64 = 10_000_000;

const DEFAULT_BURST_MS: u64 = 10;
const DEFAULT_QUEUE_MS: u64 = 50;

/// A limit of what an endpoint sends, and one of what it receives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerDirection {
    /// Of what it sends.
    pub tx: Option<u64>,
    /// Of what it receives.
    pub rx: Option<u64>,
}

impl PerDirection {
    /// Returns the one number that holds both ways, where it does.
    pub fn both(self) -> Option<u64> {
        self.tx.filter(|_| self.tx == self.rx)
    }

    /// True where nothing is limited.
    pub fn is_none(self) -> bool {
        self == PerDirection::default()
    }
}

/// What limits an instance or a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// Mbit/s of Ethernet frames.
    pub bandwidth_mbps: PerDirection,
    /// Packets per second.
    pub pps: PerDirection,
    /// How many milliseconds of the rate may pass at once; see [`RateLimits::burst`].
    pub burst_ms: Option<u64>,
    /// How long a packet waits at most; see [`RateLimits::queue`].
    pub queue_ms: Option<u64>,
    /// How many packets wait at most.
    pub queue_packets: Option<u64>,
}

impl RateLimits {
    /// Returns the time in which an empty bucket fills: 10 ms where the file does not say.
    pub fn burst(&self) -> SimDuration {
        milliseconds(self.burst_ms.unwrap_or(DEFAULT_BURST_MS))
    }

    /// Returns how long a packet waits at most: 50 ms where the file does not say.
    pub fn queue(&self) -> SimDuration {
        milliseconds(self.queue_ms.unwrap_or(DEFAULT_QUEUE_MS))
    }
}

fn milliseconds(count: u64) -> SimDuration {
    SimDuration::from_nanos(count.saturating_mul(1_000_000))
}

/// `[fabric] latency_us`: how long a frame is on its way between two places. One that is not given is that of the
/// nearer places; nothing where none is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// Within a vSwitch.
    pub vswitch: SimDuration,
    /// Within a zone, in whatever planes the two ends are.
    pub zone: SimDuration,
    /// Between two zones.
    pub cross_zone: SimDuration,
}

/// `[fabric] timing` and `latency_us`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimingSettings {
    /// Whether limits and latency act on every replay of the topology.
    pub is_on: bool,
    /// How long frames are on their way, where the file says so.
    pub latency: Option<Latency>,
}

/// The zone that a classic instance or service stands in, where the file says so; those of a VPC stand in the zone of
/// their vSwitch.
pub type ClassicZone = Option<Spanned<SharedText>>;

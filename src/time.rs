//! Simulated time: nanoseconds of the capture's own clock, never the system clock.
//!
//! ```
//! use biplane::time::{SimDuration, SimTime};
//! use std::time::Duration;
//!
//! let idle = SimDuration::from(Duration::from_millis(1_500));
//! assert_eq!((SimTime::ZERO + idle).since(SimTime::ZERO).to_string(), "1.5s");
//! ```

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A point on the frames' own clock, in nanoseconds since the epoch of the capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimTime(u64);

/// A span of simulated time, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SimDuration(u64);

impl SimTime {
    /// The start of the clock.
    pub const ZERO: SimTime = SimTime(0);

    /// A time from nanoseconds.
    pub const fn from_nanos(nanos: u64) -> SimTime {
        SimTime(nanos)
    }

    /// Nanoseconds since the start of the clock.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was; zero where the clock ran backwards.
    pub const fn since(self, earlier: SimTime) -> SimDuration {
        SimDuration(self.0.saturating_sub(earlier.0))
    }
}

impl SimDuration {
    /// A span from whole seconds; saturates at the end of the clock.
    pub const fn from_secs(seconds: u64) -> SimDuration {
        SimDuration(seconds.saturating_mul(1_000_000_000))
    }

    /// A span from nanoseconds.
    pub const fn from_nanos(nanos: u64) -> SimDuration {
        SimDuration(nanos)
    }

    /// The sum; stops at the end of the clock.
    #[must_use]
    pub const fn saturating_add(self, other: SimDuration) -> SimDuration {
        SimDuration(self.0.saturating_add(other.0))
    }

    /// The span in nanoseconds.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }
}

/// Saturates at the end of the clock, after 584 years.
impl From<Duration> for SimDuration {
    fn from(span: Duration) -> SimDuration {
        SimDuration(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl From<SimDuration> for Duration {
    fn from(span: SimDuration) -> Duration {
        Duration::from_nanos(span.0)
    }
}

impl Add<SimDuration> for SimTime {
    type Output = SimTime;

    fn add(self, span: SimDuration) -> SimTime {
        SimTime(self.0.saturating_add(span.0))
    }
}

/// Stops at the start of the clock.
impl Sub<SimDuration> for SimTime {
    type Output = SimTime;

    fn sub(self, span: SimDuration) -> SimTime {
        SimTime(self.0.saturating_sub(span.0))
    }
}

/// The lowest stamp since it was last read: what is dead by it is dead for every frame seen since, however far a
/// single stamp ran ahead.
#[derive(Clone, Copy, Debug, Default)]
#[doc(hidden)]
pub struct Watermark(Option<SimTime>);

impl Watermark {
    /// Notes a stamp.
    pub fn see(&mut self, time: SimTime) {
        self.0 = Some(self.0.map_or(time, |lowest| lowest.min(time)));
    }

    /// The lowest stamp since the last call, and begins anew.
    pub fn take(&mut self) -> SimTime {
        self.0.take().unwrap_or(SimTime::ZERO)
    }
}

/// Seconds with as many decimals as the value needs: `12.5s`.
impl fmt::Display for SimDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, nanos) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        if nanos == 0 {
            return write!(f, "{seconds}s");
        }
        let decimals = format!("{nanos:09}");
        write!(f, "{seconds}.{}s", decimals.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_runs_backwards_gives_no_idle_time() {
        let (early, late) = (SimTime::from_nanos(5), SimTime::from_nanos(9));
        assert_eq!(late.since(early), SimDuration::from_nanos(4));
        assert_eq!(early.since(late), SimDuration::default());
    }

    #[test]
    fn spans_of_the_standard_library_are_the_same_nanoseconds() {
        let span = Duration::new(3, 5);
        assert_eq!(SimDuration::from(span), SimDuration::from_nanos(3_000_000_005));
        assert_eq!(Duration::from(SimDuration::from(span)), span);
        assert_eq!(SimDuration::from(Duration::MAX), SimDuration::from_nanos(u64::MAX));
    }

    #[test]
    fn durations_show_seconds_without_idle_zeros() {
        assert_eq!(SimDuration::from_secs(910).to_string(), "910s");
        assert_eq!(SimDuration::from_nanos(1_500_000_000).to_string(), "1.5s");
    }
}

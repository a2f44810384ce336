//! Progress of long work, on standard error, where that is a terminal and the work takes over a second.

use crate::report::thousands;
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::fmt::Write;
use std::time::{Duration, Instant};

/// How long work goes on before it is worth a bar, and between two changes of it.
const PATIENCE: Duration = Duration::from_secs(1);
const PERIOD: Duration = Duration::from_millis(100);

/// A bar that appears when the work takes long.
pub(super) struct ProgressLine {
    started: Instant,
    /// When the bar changes next.
    due: Duration,
    bar: Option<ProgressBar>,
    /// What is counted: `frames`.
    what: &'static str,
    count: u64,
}

impl ProgressLine {
    /// Counts `what`, in the plural.
    pub(super) fn of(what: &'static str) -> ProgressLine {
        ProgressLine { started: now(), due: PATIENCE, bar: None, what, count: 0 }
    }

    /// `read` of `total` bytes are done, with so many more of what is counted.
    pub(super) fn advance(&mut self, read: u64, total: Option<u64>, more: u64) {
        self.count += more;
        let elapsed = now().duration_since(self.started);
        if elapsed < self.due {
            return;
        }
        self.due = elapsed + PERIOD;
        let message = self.message(read, total, elapsed);
        let bar = self.bar.get_or_insert_with(|| new_bar(total));
        bar.set_position(read);
        bar.set_message(message);
    }

    pub(super) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// What stands beside the bar: how many, how many a second, and how long the rest takes if it goes on like this.
    fn message(&self, read: u64, total: Option<u64>, elapsed: Duration) -> String {
        let rate = thousands((self.count as f64 / elapsed.as_secs_f64()) as u64);
        let mut message = format!("{} {}  {rate} a second", thousands(self.count), self.what);
        if let Some(total) = total.filter(|_| read != 0) {
            let left = elapsed.as_secs_f64() * total.saturating_sub(read) as f64 / read as f64;
            let _ = write!(message, "  {} left", HumanDuration(Duration::from_secs(left.ceil() as u64)));
        }
        message
    }
}

/// Tells how long work takes, for reports that say so.
pub(super) struct Stopwatch {
    started: Instant,
}

impl Stopwatch {
    /// Begins now.
    pub(super) fn start() -> Stopwatch {
        Stopwatch { started: now() }
    }

    /// The time since the start.
    pub(super) fn elapsed(&self) -> Duration {
        now().duration_since(self.started)
    }
}

#[expect(clippy::disallowed_methods, reason = "progress is about the time of the person who waits")]
fn now() -> Instant {
    Instant::now()
}

fn new_bar(total: Option<u64>) -> ProgressBar {
    let template = match total {
        Some(_) => "{bar:32} {percent:>3}%  {msg}",
        None => "{spinner} {bytes}  {msg}",
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(5));
    bar.set_style(style);
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_from_the_bytes_that_are_left() {
        let line = ProgressLine { count: 3_000_000, ..ProgressLine::of("frames") };
        let at = |read, total| line.message(read, total, Duration::from_secs(2));
        assert_eq!(at(250, Some(1000)), "3,000,000 frames  1,500,000 a second  6 seconds left");
        assert_eq!(at(1000, Some(1000)), "3,000,000 frames  1,500,000 a second  0 seconds left");
        assert_eq!(at(250, None), "3,000,000 frames  1,500,000 a second");
        assert_eq!(at(0, Some(1000)), "3,000,000 frames  1,500,000 a second");
    }
}

//! Progress of long work, on standard error, where that is a terminal and the work takes over a second.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::{Duration, Instant};

/// How long work goes on before it is worth a bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bar that appears when the work takes long.
pub(super) struct Progress {
    started: Instant,
    bar: Option<ProgressBar>,
    frames: u64,
}

impl Progress {
    pub(super) fn new() -> Progress {
        Progress { started: now(), bar: None, frames: 0 }
    }

    /// `read` of `total` bytes are done, with `frames` more frames.
    pub(super) fn advance(&mut self, read: u64, total: Option<u64>, frames: u64) {
        self.frames += frames;
        if self.bar.is_none() && now().duration_since(self.started) >= PATIENCE {
            self.bar = Some(new_bar(total));
        }
        if let Some(bar) = &self.bar {
            bar.set_position(read);
            let rate = self.frames as f64 / now().duration_since(self.started).as_secs_f64();
            bar.set_message(format!("{} frames, {rate:.0}/s", self.frames));
        }
    }

    pub(super) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "progress is about the time of the person who waits")]
fn now() -> Instant {
    Instant::now()
}

fn new_bar(total: Option<u64>) -> ProgressBar {
    let template = match total {
        Some(_) => "{bar:32} {percent:>3}%  {msg}  {eta} left",
        None => "{spinner} {bytes}  {msg}",
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(5));
    bar.set_style(style);
    bar
}

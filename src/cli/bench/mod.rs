//! `biplane bench`: what this machine makes of the parts that decide how fast frames go.

mod forward;
mod lookup;
mod print;
mod rounds;
mod workload;

use super::arguments::{Bench, BenchSubject, LookupBench};
use super::output::Terminal;
use super::{Outcome, SUCCESS};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

pub(super) fn bench(arguments: &Bench, terminal: &mut Terminal) -> Outcome {
    match &arguments.subject {
        Some(BenchSubject::Lookup(arguments)) => lookup::lookup(arguments, terminal),
        Some(BenchSubject::Forward { json }) => {
            let measured = measure_forwarding()?;
            terminal.print(&match json {
                true => format!("{:#}\n", forward::json(&measured)),
                false => forward::text(&measured, terminal.palette()),
            })?;
            Ok(SUCCESS)
        }
        None => both(arguments.json, terminal),
    }
}

fn both(json: bool, terminal: &mut Terminal) -> Outcome {
    let (tables, effort) = lookup::measure_all(&LookupBench::default())?;
    if !json {
        let text = print::text(&tables, effort, terminal.palette());
        terminal.print(&format!("{text}\n"))?;
        // The first part can be read while the second one is measured.
        terminal.flush()?;
    }
    let measured = measure_forwarding()?;
    terminal.print(&match json {
        true => {
            format!("{:#}\n", json!({ "lookup": print::json(&tables, effort), "forward": forward::json(&measured) }))
        }
        false => forward::text(&measured, terminal.palette()),
    })?;
    Ok(SUCCESS)
}

fn measure_forwarding() -> Result<forward::Measured, super::Failure> {
    let bar = bar(forward::ForwardEffort::of_build().steps());
    let measured = forward::measure(&bar);
    bar.finish_and_clear();
    measured
}

/// A bar on standard error, where that is a terminal. It moves between turns, never meanwhile.
fn bar(steps: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:32} {percent:>3}%  {msg}");
    let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::stderr_with_hz(5));
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

//! `biplane replay`.

use super::arguments::{Attribution, Replay, ReplayFormat};
use super::output::Terminal;
use super::progress::Progress;
use super::{Failure, Outcome, SUCCESS, UNABLE};
use crate::capture::Reader;
use crate::datapath::Options;
use crate::lab::Topology;
use crate::replay::{self, ReplayOptions, Replayed, Sinks};
use crate::report::{self, Words};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

pub(super) fn replay(arguments: &Replay, terminal: &mut Terminal) -> Outcome {
    let topology = terminal.open_topology(&arguments.topology)?;
    let options = ReplayOptions {
        workers: arguments.workers,
        ..options(&arguments.attribution, arguments.mtu, arguments.strict_tcp, &topology)?
    };
    let reader = Reader::open(&arguments.capture).map_err(|error| Failure::Message(error.to_string()))?;
    let mut capture = arguments.write.as_deref().map(create).transpose()?;
    let mut progress = Progress::new();
    let replayed = {
        let mut tell = |read, total, frames| {
            progress.advance(read, total, frames);
            true
        };
        let mut sinks = Sinks {
            lines: (arguments.format == ReplayFormat::Ndjson).then(|| terminal.out() as &mut dyn Write),
            capture: capture.as_mut().map(|file| file as &mut dyn Write),
            progress: Some(&mut tell),
        };
        replay::run(&topology, reader, &options, &mut sinks)?
    };
    progress.finish();
    if let Some(mut capture) = capture {
        capture.flush()?;
    }
    report(arguments, &topology, &replayed, terminal)?;
    match &replayed.damage {
        None => Ok(SUCCESS),
        Some(damage) => {
            terminal.flush()?;
            terminal.complain(&damage.to_string());
            Ok(UNABLE)
        }
    }
}

/// What the options shared by `replay` and `trace` mean in this topology.
pub(super) fn options(
    attribution: &Attribution,
    mtu: Option<u16>,
    strict_tcp: bool,
    topology: &Topology,
) -> Result<ReplayOptions, Failure> {
    let mut inject = Vec::new();
    for (address, name) in &attribution.inject {
        let endpoint = topology.names.find_endpoint(name);
        inject.push((*address, endpoint.ok_or_else(|| unknown_endpoint(name, topology))?));
    }
    Ok(ReplayOptions { inject, map: attribution.map.clone(), fabric: Options { mtu, strict_tcp }, workers: 1 })
}

/// The endpoint does not exist; names the nearest one that does.
pub(super) fn unknown_endpoint(name: &str, topology: &Topology) -> Failure {
    let names = topology.names.endpoints.iter().map(|name| name.text.as_str()).filter(|text| !text.is_empty());
    let near = names
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .filter(|(distance, known)| *distance <= known.len().max(name.len()) / 2)
        .min();
    let hint = near.map(|(_, known)| format!("; did you mean `{known}`?")).unwrap_or_default();
    Failure::Message(format!("the topology has no endpoint `{name}`{hint}"))
}

fn create(path: &Path) -> Result<BufWriter<File>, Failure> {
    match File::create(path) {
        Ok(file) => Ok(BufWriter::with_capacity(1 << 20, file)),
        Err(error) => Err(Failure::Message(format!("cannot write `{}`: {error}", path.display()))),
    }
}

fn report(
    arguments: &Replay,
    topology: &Topology,
    replayed: &Replayed,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let words = Words::new(&topology.program, &topology.names, &topology.sources);
    let capture = arguments.capture.to_string_lossy();
    let facts = report::Replayed {
        capture: &capture,
        ambiguous_sources: &replayed.ambiguous_sources,
        unknown_sources: &replayed.unknown_sources,
    };
    match arguments.format {
        ReplayFormat::Text => {
            let mut text = String::new();
            report::summary_text(&mut text, words, &replayed.tally, &facts, terminal.palette());
            terminal.print(&text)?;
        }
        ReplayFormat::Json => {
            let value = report::summary_json(words, &replayed.tally, &facts);
            terminal.print(&format!("{value:#}\n"))?;
        }
        ReplayFormat::Ndjson => {}
    }
    Ok(())
}

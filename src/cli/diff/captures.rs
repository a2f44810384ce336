//! `biplane diff --capture`: connections that fare otherwise.

use super::super::arguments::{Diff, Format};
use super::super::interrupt::Interrupt;
use super::super::output::{Terminal, capture_files_to_read};
use super::super::progress::ProgressLine;
use super::super::replay::options;
use super::super::{DIFFERENT, Failure, Outcome, SUCCESS, UNABLE};
use crate::capture::Captures;
use crate::lab::Topology;
use crate::reach::AllowedChanges;
use crate::replay::{self, ComparedConnections, ComparedSide, ReplayOptions};
use crate::report;
use crate::scenario::STANDARD_INPUT;
use std::path::Path;

pub(super) fn diff(
    arguments: &Diff,
    worlds: [&Topology; 2],
    allowed: &AllowedChanges,
    terminal: &mut Terminal,
) -> Outcome {
    if arguments.capture.iter().any(|path| path == Path::new(STANDARD_INPUT)) {
        let message = "`-` cannot be a capture here: it is replayed twice, and standard input is read once";
        return Err(Failure::Message(message.to_owned()));
    }
    let interrupt = Interrupt::new()?;
    let [old, mut new] = [side(arguments, worlds[0], &interrupt)?, side(arguments, worlds[1], &interrupt)?];
    new.options.map.extend_from_slice(&arguments.map_new);
    let files = capture_files_to_read(&arguments.capture)?;
    let captures = [Captures::open(files.clone(), interrupt.opener()?)?, Captures::open(files, interrupt.opener()?)?];
    interrupt.listen()?;
    let mut progress = ProgressLine::of("frames");
    let compared = replay::compare_connections(&[old, new], captures, &mut |read, total, frames| {
        progress.advance(read, total, frames);
    });
    progress.finish();
    let ComparedConnections { mut changes, connections, replayed } = compared?;
    if replayed.iter().any(|replayed| replayed.interrupted) {
        terminal.tell("interrupted: nothing is told of captures that were read in part");
        return Ok(interrupt.exit_code().unwrap_or(SUCCESS));
    }
    changes.retain(|(change, _)| !replay::is_allowed(allowed, change, worlds));
    match arguments.format {
        Format::Text => {
            let mut text = String::new();
            report::connection_changes_text(&mut text, &changes, connections, terminal.palette());
            terminal.print_text(&text)?;
        }
        Format::Json => {
            let objects = changes.iter().map(|(change, count)| report::connection_change_json(change, *count));
            terminal.print_json(&objects.collect())?;
        }
    }
    for address in &replayed[0].unused_maps {
        terminal.tell(&format!("note: --map {address}=… changed nothing: no frame has this address"));
    }
    for address in replayed[1].unused_maps.iter().filter(|address| !replayed[0].unused_maps.contains(address)) {
        terminal.tell(&format!("note: --map-new {address}=… changed nothing: no frame has this address"));
    }
    replayed[0].damage.iter().for_each(|damage| terminal.complain(&damage.to_string()));
    Ok(match (replayed[0].damage.is_empty(), changes.is_empty()) {
        (false, _) => UNABLE,
        (true, true) => SUCCESS,
        (true, false) => DIFFERENT,
    })
}

fn side<'a>(arguments: &Diff, topology: &'a Topology, interrupt: &Interrupt) -> Result<ComparedSide<'a>, Failure> {
    let options = options(&arguments.attribution, arguments.fabric.options(), topology)?;
    Ok(ComparedSide { topology, options: ReplayOptions { stop: Some(interrupt.flag()), ..options } })
}

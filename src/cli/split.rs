//! `biplane split`: captures cut into those of shards.

use super::arguments::{Format, Split};
use super::interrupt::Interrupt;
use super::merge::TOPOLOGY_READ_ONCE;
use super::output::Terminal;
use super::progress::ProgressLine;
use super::replay::options;
use super::{Failure, Outcome, SUCCESS};
use crate::capture::capture_files;
use crate::datapath::Options;
use crate::files::Inputs;
use crate::replay::ReplayOptions;
use crate::replay::shard::{ProgramIdentity, SplitJob, WrittenShard, WrittenSplit, write_split};
use crate::report::thousands;
use crate::scenario::STANDARD_INPUT;
use crate::text::shown_path;
use serde_json::{Value, json};
use std::path::Path;

pub(super) fn split(arguments: &Split, terminal: &mut Terminal) -> Outcome {
    if arguments.topology == Path::new(STANDARD_INPUT) {
        return Err(Failure::Message(TOPOLOGY_READ_ONCE.to_owned()));
    }
    let topology = terminal.open_topology(&arguments.topology)?;
    let interrupt = Interrupt::new()?;
    let options = ReplayOptions {
        timing: arguments.timing,
        stop: Some(interrupt.flag()),
        ..options(&arguments.attribution, Options::default(), &topology)?
    };
    let captures = capture_files(&arguments.captures)?;
    let mut inputs = Inputs::default();
    captures.iter().for_each(|file| inputs.add(&file.path, "capture"));
    topology.sources.paths().for_each(|path| inputs.add(path, "topology"));
    inputs.refuse_standard_output()?;
    let job = SplitJob {
        topology: &topology,
        captures,
        opener: interrupt.opener()?,
        options: &options,
        shards: arguments.shards as usize,
        folder: &arguments.output,
        program: &ProgramIdentity::of_this_program()?,
    };
    interrupt.listen()?;
    let mut progress = ProgressLine::of("frames");
    let written = write_split(job, Some(&mut |read, total, frames| progress.advance(read, total, frames)));
    progress.finish();
    let Some(split) = written? else {
        terminal.tell("interrupted: the captures were not split");
        return Ok(interrupt.exit_code().unwrap_or(SUCCESS));
    };
    split
        .damage
        .iter()
        .for_each(|damage| terminal.tell(&format!("note: {damage}; `biplane merge` exits with 2 for it")));
    match arguments.format {
        Format::Text => split.files.iter().for_each(|file| terminal.tell(&line(file, split.read))),
        Format::Json => terminal.print_json(&object(&split))?,
    }
    Ok(SUCCESS)
}

fn line(file: &WrittenShard, read: u64) -> String {
    let WrittenShard { shard, path, frames, .. } = file;
    format!("shard {shard}: {} of {} frames, in `{}`", thousands(*frames), thousands(read), shown_path(path))
}

fn object(split: &WrittenSplit) -> Value {
    let shard = |file: &WrittenShard| {
        let WrittenShard { shard, path, frames, bytes } = file;
        json!({ "shard": shard.index(), "file": path.display().to_string(), "frames": frames, "bytes": bytes })
    };
    let shards: Vec<Value> = split.files.iter().map(shard).collect();
    json!({ "frames": split.read, "shards": shards })
}

//! `biplane live`.

use super::arguments::{Live, LiveFormat};
use super::interrupt::{ENDED_BY_SIGNAL, Interrupt};
use super::output::Terminal;
use super::replay::{facts, one_standard_input, tell_hints, unknown_endpoint};
use super::{Failure, Outcome};
use crate::files::{Inputs, OutputFile};
use crate::lab::Topology;
use crate::live::{self, Interruption, LiveEvent, LiveOptions, MAX_ENDPOINTS, OperationLines};
use crate::replay::{Replayed, Sinks};
use crate::report::{self, ReplayedCapture, Resolver};
use crate::scenario::STANDARD_INPUT;
use crate::text::{Shown, shown_path};
use crate::time::{SimDuration, SimTime};
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Stdio;
use std::time::{Instant, SystemTime};

pub(super) fn live(arguments: &Live, terminal: &mut Terminal) -> Outcome {
    one_standard_input(&arguments.topology, arguments.apply_from.as_slice(), "the operations")?;
    let topology = terminal.open_topology(&arguments.topology)?;
    let endpoints = live::endpoints(&topology, &arguments.only).map_err(|name| match name {
        Some(name) => unknown_endpoint(name, &topology),
        None => Failure::Message(format!(
            "more than {MAX_ENDPOINTS} endpoints would become namespaces: --only says which are needed"
        )),
    })?;
    let interrupt = Interrupt::new()?;
    let mut capture = output_capture(arguments, &topology)?;
    let operations = arguments.apply_from.as_deref().map(OperationLines::open).transpose()?;
    let command = command(arguments);
    let clock = Clock::start();
    let options = LiveOptions {
        endpoints,
        fabric: arguments.fabric.options(),
        timing: arguments.timing,
        command,
        streams: streams(arguments)?,
        operations,
        clock: &|| clock.now(),
        interruption: Some(Interruption {
            watched: interrupt.watched(),
            signal: &|| interrupt.exit_code().map(|code| code - ENDED_BY_SIGNAL as u8),
        }),
    };
    let mut lines = io::BufWriter::new(io::stdout());
    let sinks = Sinks {
        lines: (arguments.format == LiveFormat::Ndjson).then_some(&mut lines as &mut dyn Write),
        capture: capture.as_mut().map(|file| file as &mut dyn Write),
        copies: arguments.copies.copies(),
        ..Sinks::default()
    };
    interrupt.listen_beside_a_command()?;
    let mut teller = Teller { arguments, terminal, waits: options.command.is_empty() };
    let ended = live::run(topology, options, sinks, &mut |event| teller.tell(event))?;
    capture.map(OutputFile::finish).transpose()?;
    teller.count(&ended.topology, &ended.counted, "");
    if ended.without_interface != 0 {
        let frames = report::counted(ended.without_interface, "frame");
        terminal.tell(&format!("note: {frames} came out at endpoints that --only leaves without a namespace"));
    }
    Ok(ended.code)
}

/// What is run: what was given, or the user's shell on a terminal.
fn command(arguments: &Live) -> Vec<OsString> {
    let gives_operations = arguments.apply_from.as_deref() == Some(Path::new(STANDARD_INPUT));
    if !arguments.command.is_empty() || gives_operations || !io::stdin().is_terminal() {
        return arguments.command.clone();
    }
    vec![live::user_shell()]
}

/// Standard input and output of the command.
fn streams(arguments: &Live) -> io::Result<(Stdio, Stdio)> {
    let gives_operations = arguments.apply_from.as_deref() == Some(Path::new(STANDARD_INPUT));
    let input = if gives_operations { Stdio::null() } else { Stdio::inherit() };
    let is_out_taken = arguments.format == LiveFormat::Ndjson
        || arguments.write.as_deref().is_some_and(OutputFile::is_standard_output);
    let output = if is_out_taken { Stdio::from(io::stderr().as_fd().try_clone_to_owned()?) } else { Stdio::inherit() };
    Ok((input, output))
}

/// The output capture, unless it would replace what is being read.
fn output_capture(arguments: &Live, topology: &Topology) -> Result<Option<OutputFile>, Failure> {
    let mut inputs = Inputs::default();
    topology.sources.paths().for_each(|path| inputs.add(path, "topology"));
    if let Some(operations) = &arguments.apply_from {
        inputs.add(operations, "file of operations");
    }
    inputs.refuse_standard_output()?;
    let Some(path) = arguments.write.as_deref() else { return Ok(None) };
    if OutputFile::is_standard_output(path) && arguments.format == LiveFormat::Ndjson {
        let message = "both -w and --format ndjson would write to standard output; give -w a file";
        return Err(Failure::Message(message.to_owned()));
    }
    Ok(Some(OutputFile::create(path, &inputs)?))
}

/// The time of day when it was started, and a clock that never runs backwards since.
struct Clock {
    base: SimTime,
    started: Instant,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "frames of real hosts come in real time")]
    fn start() -> Clock {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Clock { base: SimTime::from_nanos(since_epoch.as_nanos() as u64), started: Instant::now() }
    }

    fn now(&self) -> SimTime {
        self.base + SimDuration::from_nanos(self.started.elapsed().as_nanos() as u64)
    }
}

/// Tells what happens in the course of a run, on standard error.
struct Teller<'a> {
    arguments: &'a Live,
    terminal: &'a mut Terminal,
    /// True where nothing is run.
    waits: bool,
}

impl Teller<'_> {
    fn tell(&mut self, event: &LiveEvent<'_>) {
        match event {
            LiveEvent::Ready { interfaces } => self.greet(*interfaces),
            LiveEvent::Applied { words, before, counted } => {
                self.count(before, counted, &format!(", until `{words}`"));
                self.terminal.tell(&format!("applied: {}", Shown(words)));
            }
            LiveEvent::Refused { words, refusal } => {
                self.terminal.complain(&format!("`{words}` is refused: {refusal}"));
            }
            LiveEvent::Misread { findings, sources } => self.terminal.tell_findings(findings, sources),
        }
    }

    /// Says how to go on where a person is there to read it.
    fn greet(&mut self, interfaces: usize) {
        let what = report::counted(interfaces as u64, "endpoint");
        if self.waits {
            self.terminal.tell(&format!("{what}; Ctrl-C ends it"));
        } else if self.arguments.command.is_empty() {
            self.terminal.tell(&format!(
                "{what}; `at ENDPOINT COMMAND` runs a command there, `at --help` lists them, and `exit` ends it"
            ));
        }
    }

    /// Sums up frames that had `topology` as their world.
    fn count(&mut self, topology: &Topology, counted: &Replayed, until: &str) {
        let words = Resolver::new(&topology.program, &topology.names, &topology.sources);
        let name = format!("{}{until}", shown_path(&self.arguments.topology));
        let frames = counted.tally.frames();
        let all = [ReplayedCapture { name: &name, before: Some(0), frames, joined: 1, unreadable: 0 }];
        let facts = facts(&all, counted);
        match self.arguments.format {
            LiveFormat::Ndjson => tell_hints(words, counted, &facts, self.terminal),
            LiveFormat::Text if frames == 0 && !until.is_empty() => {}
            LiveFormat::Text => {
                let mut text = String::new();
                report::summary_text(&mut text, words, &counted.tally, &facts, self.terminal.error_palette());
                self.terminal.tell(text.trim_end());
            }
        }
    }
}

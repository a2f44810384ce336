//! The command line: arguments become library calls, results become text and an exit code.
//!
//! Data goes to standard output, everything else to standard error. Exit codes: 0 as expected; 1 an expectation
//! failed or a difference was found; 2 could not run; 130 or 143 interrupted by SIGINT or SIGTERM, as shells say it. A
//! closed pipe is no error. `live` ends with the exit code of its command.

mod advise;
mod arguments;
mod as_scenario;
mod bench;
mod check;
mod demo;
mod diff;
mod explain;
mod fit;
mod flows;
mod guest_route;
mod import;
mod interrupt;
#[cfg(target_os = "linux")]
mod live;
#[cfg(not(target_os = "linux"))]
#[path = "live_elsewhere.rs"]
mod live;
mod merge;
mod names;
mod output;
mod parquet;
mod preflight;
mod progress;
mod reach;
mod replay;
mod report;
mod run;
mod shell;
mod show;
mod split;
mod trace;

use crate::capture::CaptureError;
use crate::table::OutOfMemory;
use arguments::{Arguments, Command};
use clap::Parser;
use output::Terminal;
use std::fmt;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// As expected.
const SUCCESS: u8 = 0;
/// An expectation failed, or a difference was found.
const DIFFERENT: u8 = 1;
/// Could not run: usage, an invalid file, an unreadable or damaged capture.
const UNABLE: u8 = 2;

/// Why a command ends without a result.
enum Failure {
    /// Said already, on standard error.
    Said,
    /// To be said: one line, and what to do about it.
    Message(String),
    /// Standard output is gone: the reader has seen enough.
    ClosedPipe,
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Failure::ClosedPipe,
            // What wraps it says what could not be written.
            _ if error.get_ref().is_some() => Failure::Message(error.to_string()),
            _ => Failure::Message(format!("cannot write the output: {error}")),
        }
    }
}

impl From<CaptureError> for Failure {
    fn from(error: CaptureError) -> Failure {
        Failure::Message(error.to_string())
    }
}

/// What a command gives: its exit code.
type Outcome = Result<u8, Failure>;

/// Makes a refusal of memory for a table or a thread what it is for a user: an error, and no panic.
fn end_where_memory_ends() {
    let otherwise = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| match (panic.payload().downcast_ref(), panic.payload_as_str()) {
        (Some(OutOfMemory { bytes }), _) => end_without_memory(*bytes),
        // What a thread of the standard library says that has begun and is refused the stack for its signals.
        (None, Some(reason)) if reason.starts_with("failed to allocate an alternative stack") => {
            end_with(format_args!("cannot start a thread: {reason}"))
        }
        _ => otherwise(panic),
    }));
}

/// Ends the program after the system has refused `bytes` of memory, with an error. Asks for no memory itself.
pub fn end_without_memory(bytes: usize) -> ! {
    end_with(format_args!("out of memory: the system refuses {bytes} bytes"))
}

/// Ends the program with this error, and with no other where several threads come here at the same time.
fn end_with(error: fmt::Arguments<'_>) -> ! {
    static IS_ENDING: AtomicBool = AtomicBool::new(false);
    if IS_ENDING.swap(true, Ordering::Relaxed) {
        // The thread that came first ends this one with the program.
        loop {
            std::thread::sleep(Duration::from_secs(1));
        }
    }
    eprintln!("error: {error}");
    std::process::exit(UNABLE.into())
}

/// Runs the program with the process's own arguments.
pub fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    if let Some(code) = crate::live::other_program() {
        return code;
    }
    end_where_memory_ends();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(usage) => {
            let written = match usage.print() {
                Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => UNABLE,
                _ => SUCCESS,
            };
            return ExitCode::from(if usage.use_stderr() { UNABLE } else { written });
        }
    };
    let mut terminal = Terminal::new(arguments.color);
    let outcome = match &arguments.command {
        Command::Run(arguments) => run::run(arguments, &mut terminal),
        Command::Check(arguments) => check::check(arguments, &mut terminal),
        Command::Replay(arguments) => replay::replay(arguments, &mut terminal),
        Command::Split(arguments) => split::split(arguments, &mut terminal),
        Command::Merge(arguments) => merge::merge(arguments, &mut terminal),
        Command::Live(arguments) => live::live(arguments, &mut terminal),
        Command::Trace(arguments) => trace::trace(arguments, &mut terminal),
        Command::Flows(arguments) => flows::flows(arguments, &mut terminal),
        Command::Reach(arguments) => reach::reach(arguments, &mut terminal),
        Command::Diff(arguments) => diff::diff(arguments, &mut terminal),
        Command::Report(arguments) => report::report(arguments, &mut terminal),
        Command::Advise(arguments) => advise::advise(arguments, &mut terminal),
        Command::GuestRoute(arguments) => guest_route::guest_route(arguments, &mut terminal),
        Command::Show(arguments) => show::show(arguments, &mut terminal),
        Command::Import(arguments) => import::import(arguments, &mut terminal),
        Command::Explain(arguments) => explain::explain(arguments, &mut terminal),
        Command::Bench(arguments) => bench::bench(arguments, &mut terminal),
        Command::Demo => demo::demo(&mut terminal),
        Command::Schema(arguments) => shell::schema(arguments, &mut terminal),
        Command::Completions(arguments) => shell::completions(arguments, &mut terminal),
        Command::Man(arguments) => shell::man(arguments, &mut terminal),
    };
    let outcome = outcome.and_then(|code| terminal.flush().map(|()| code).map_err(Failure::from));
    ExitCode::from(match outcome {
        Ok(code) => code,
        Err(Failure::ClosedPipe) => SUCCESS,
        Err(Failure::Said) => UNABLE,
        Err(Failure::Message(message)) => {
            terminal.complain(&message);
            UNABLE
        }
    })
}

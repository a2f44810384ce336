//! Real hosts through the fabric: each endpoint is a network namespace with a TAP, all of them inside one user namespace
//! that needs no privileges. What their kernels send enters the fabric, and what the fabric sends enters their kernels.
//!
//! ```text
//!  this process                   |  the process namespace
//!    fabric <-- TAP of i-web      |    first process: ends with the fabric, and all others with it
//!      ^  `---- TAP of rm-orders  |      `-- the command, in a network of its own
//!      |                          |            `-- at i-web ping …, in the network of i-web
//!      operations, lines, capture |
//! ```
//!
//! Namespaces have no names: descriptors hold them, and they take their interfaces along, so nothing is left behind,
//! whichever process is killed.

mod at;
mod inside;
mod namespaces;
mod netlink;
mod nic;
mod operations;
mod refused;
mod switch;

pub use nic::Nic;
pub use operations::OperationLines;

use crate::control::{self, Refusal};
use crate::datapath;
use crate::diag::{Diagnostic, Sources, Span};
use crate::lab::Topology;
use crate::program::{EndpointId, EndpointKind};
use crate::replay::{FrameStream, Replayed, Sinks};
use crate::scenario;
use crate::time::SimTime;
use inside::{Inside, InsideEndpoint};
use namespaces::LiveInterface;
use nix::sys::signal::{SigSet, Signal};
use rustix::process::getpgrp;
use rustix::termios::{tcgetpgrp, tcsetpgrp};
use signal_hook::consts::SIGINT;
use std::ffi::OsString;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{ExitCode, Stdio};
use switch::{Pause, Present, Switch};

/// The most endpoints that get an interface.
pub const MAX_ENDPOINTS: usize = 4096;

/// How a fabric is run between real hosts.
pub struct LiveOptions<'a> {
    /// The endpoints that get an interface: see [`endpoints`].
    pub endpoints: Vec<EndpointId>,
    /// What the fabric does differently.
    pub fabric: datapath::Options,
    /// Whether rates and delays act, although the topology does not say so.
    pub timing: bool,
    /// What is run inside; nothing: all is there until a signal comes.
    pub command: Vec<OsString>,
    /// Standard input and output of the command.
    pub streams: (Stdio, Stdio),
    /// Where operations come from meanwhile.
    pub operations: Option<OperationLines>,
    /// The clock that stamps frames. It never runs backwards.
    pub clock: &'a dyn Fn() -> SimTime,
    /// How a signal is noticed.
    pub interruption: Option<Interruption<'a>>,
}

/// How a signal is noticed that asks for the end.
#[derive(Clone, Copy)]
pub struct Interruption<'a> {
    /// Becomes readable when one comes.
    pub watched: &'a UnixStream,
    /// Its number, once one has come.
    pub signal: &'a dyn Fn() -> Option<u8>,
}

/// What happens in the course of a run.
pub enum LiveEvent<'a> {
    /// The interfaces are there, and the command is about to be started.
    Ready {
        /// How many interfaces.
        interfaces: usize,
    },
    /// An operation was carried out.
    Applied {
        /// The operation as it came.
        words: &'a str,
        /// The world until then.
        before: &'a Topology,
        /// The frames since the change before, or since the beginning.
        counted: &'a Replayed,
    },
    /// The vendor would refuse an operation: nothing has changed.
    Refused {
        /// The operation as it came.
        words: &'a str,
        /// Why.
        refusal: &'a Refusal,
    },
    /// A line is no operation.
    Misread {
        /// What is wrong.
        findings: &'a [Diagnostic],
        /// The texts that findings point into.
        sources: &'a Sources,
    },
}

/// How a run ended.
pub struct Ended {
    /// The world as the operations have left it.
    pub topology: Topology,
    /// The frames since the last change of the world, or since the beginning.
    pub counted: Replayed,
    /// Frames that came out at endpoints without an interface.
    pub without_interface: u64,
    /// The exit code of the command, as shells have it; 0 without one.
    pub code: u8,
}

/// The endpoints that get an interface: those that `only` names, or all.
///
/// # Errors
/// One of `only`, which is given back, is none; or there are too many, and nothing is given back.
pub fn endpoints<'o>(topology: &Topology, only: &'o [String]) -> Result<Vec<EndpointId>, Option<&'o str>> {
    let is_there = |id: &EndpointId| topology.program.endpoint(*id).kind != EndpointKind::Released;
    let found: Vec<EndpointId> = match only {
        [] => (0..topology.program.endpoints.len()).map(EndpointId::from_index).filter(is_there).collect(),
        only => {
            let find = |name: &'o String| topology.names.find_endpoint(name).ok_or(Some(name.as_str()));
            let mut found = only.iter().map(find).collect::<Result<Vec<_>, _>>()?;
            found.sort_unstable();
            found.dedup();
            found
        }
    };
    if found.len() > MAX_ENDPOINTS { Err(None) } else { Ok(found) }
}

/// Runs one of the programs that this one is under another name, by which it was called: `at`, or the first process
/// inside. Nothing where it was called by its own.
pub fn other_program() -> Option<ExitCode> {
    let mut arguments = std::env::args_os();
    let called = arguments.next()?;
    let name = Path::new(&called).file_name()?;
    let arguments: Vec<OsString> = arguments.collect();
    if name == inside::NAME {
        Some(inside::main(&arguments))
    } else if name == at::NAME {
        Some(at::main(&arguments))
    } else {
        None
    }
}

/// The shell that the user has chosen.
pub fn user_shell() -> OsString {
    std::env::var_os("SHELL").filter(|shell| !shell.is_empty()).unwrap_or_else(|| "/bin/sh".into())
}

/// Runs a fabric between real hosts until the command ends, or a signal comes where there is none. The process must have
/// one thread alone; afterwards it is in other namespaces than before, and has little to do but to end.
///
/// # Errors
/// The system gives no namespaces or interfaces, in a sentence that names the setting; or a sink cannot be written to.
pub fn run(
    topology: Topology,
    options: LiveOptions<'_>,
    sinks: Sinks<'_>,
    tell: &mut dyn FnMut(&LiveEvent<'_>),
) -> io::Result<Ended> {
    let command_given = !options.command.is_empty();
    let fabric = options.fabric;
    let terminal = Foreground::of_process();
    let mut stream = FrameStream::begin(&topology, fabric, sinks)?;
    if options.timing || topology.world.timing.is_on {
        stream = stream.with_timing(&topology);
    }
    let (mut switch, mut inside) = prepare(&topology, options, tell).map_err(refused::anything)?;
    let mut run = LiveRun { topology, fabric, tell };
    let mut is_asked_to_end = false;
    let signal = loop {
        let present = Present { topology: &run.topology, format: &stream.format(&run.topology) };
        match switch.forward(&mut stream, present)? {
            Pause::Operation(words) => run.apply(&words, &mut switch, &mut stream)?,
            // A terminal has sent it to the command as well, which decides what it means, however often it comes.
            Pause::Signal(signal) if command_given && i32::from(signal) == SIGINT && terminal.is_ours() => {}
            Pause::Signal(signal) if command_given && !is_asked_to_end => {
                inside.send_signal(signal);
                is_asked_to_end = true;
            }
            Pause::Signal(signal) => break Some(signal).filter(|_| command_given),
            Pause::Ended => break None,
        }
    };
    let code = inside.end()?;
    terminal.take_back();
    let code = signal.map_or(code, |signal| inside::ENDED_BY_SIGNAL.saturating_add(signal));
    stream.settle(&stream.format(&run.topology))?;
    let counted = stream.go_on_in(&run.topology);
    Ok(Ended { topology: run.topology, counted, without_interface: switch.without_interface(), code })
}

/// Makes namespaces and interfaces, and starts what is inside.
fn prepare<'a>(
    topology: &Topology,
    options: LiveOptions<'a>,
    tell: &mut dyn FnMut(&LiveEvent<'_>),
) -> io::Result<(Switch<'a>, Inside)> {
    let LiveOptions { endpoints, fabric, command, streams, operations, clock, interruption, .. } = options;
    namespaces::permit_descriptors(endpoints.len())?;
    namespaces::enter_user_namespace()?;
    let mtu = fabric.mtu_in(&topology.program);
    let interface = |id| LiveInterface::new(id, Nic::of(topology, id, mtu));
    let interfaces = endpoints.into_iter().map(interface).collect::<io::Result<Vec<_>>>()?;
    tell(&LiveEvent::Ready { interfaces: interfaces.len() });
    // The command has a network of its own, from which nothing leads out.
    namespaces::enter_new_network()?;
    namespaces::begin_process_namespace()?;
    let mut switch = Switch::new(interfaces, operations, interruption, clock)?;
    let endpoints = switch.interfaces().iter().map(|interface| InsideEndpoint {
        namespace: &interface.namespace,
        address: topology.program.endpoint(interface.endpoint).address,
        id: topology.names.endpoint(interface.endpoint),
    });
    let inside = Inside::start(&command, &endpoints.collect::<Vec<_>>(), streams)?;
    switch.watch_end(inside.watched()?)?;
    Ok((switch, inside))
}

/// Whether the run has the terminal that it was started from, if it was.
struct Foreground {
    was_ours: bool,
}

impl Foreground {
    fn of_process() -> Foreground {
        Foreground { was_ours: is_in_foreground() }
    }

    /// True where what is typed reaches this process and the command alike.
    fn is_ours(&self) -> bool {
        self.was_ours && is_in_foreground()
    }

    /// Becomes what reads the terminal again, which a shell inside does not leave behind as it was: it cannot name
    /// processes outside.
    fn take_back(&self) {
        if self.was_ours && !is_in_foreground() {
            // Else a process in the background is stopped for that.
            let mut stops = SigSet::empty();
            stops.add(Signal::SIGTTOU);
            let _ = stops.thread_block();
            let _ = tcsetpgrp(io::stdin(), getpgrp());
        }
    }
}

fn is_in_foreground() -> bool {
    tcgetpgrp(io::stdin()).is_ok_and(|foreground| foreground == getpgrp())
}

/// The world while a fabric runs in it.
struct LiveRun<'t> {
    topology: Topology,
    fabric: datapath::Options,
    tell: &'t mut dyn FnMut(&LiveEvent<'_>),
}

impl LiveRun<'_> {
    /// Carries out the operation in `words`, if it is one and not refused.
    fn apply(&mut self, words: &str, switch: &mut Switch<'_>, stream: &mut FrameStream<'_>) -> io::Result<()> {
        let mut sources = Sources::new();
        let operation = match scenario::operation(&mut sources, &self.topology.world, words) {
            Ok(operation) => operation,
            Err(findings) => {
                (self.tell)(&LiveEvent::Misread { findings: &findings, sources: &sources });
                return Ok(());
            }
        };
        let change = match control::plan(&self.topology.world, &operation, Span::NONE) {
            Ok(change) => change,
            Err(refusal) => {
                (self.tell)(&LiveEvent::Refused { words, refusal: &refusal });
                return Ok(());
            }
        };
        stream.settle(&stream.format(&self.topology))?;
        let before = self.topology.clone();
        self.topology.carry_out(change);
        let counted = stream.go_on_in(&self.topology);
        switch.follow(&self.topology, self.fabric)?;
        (self.tell)(&LiveEvent::Applied { words, before: &before, counted: &counted });
        Ok(())
    }
}

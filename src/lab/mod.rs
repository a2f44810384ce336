//! The facade that tests use: open a topology, send frames, claim what became of them.
//!
//! ```
//! use biplane::lab::Lab;
//! use biplane::wire::build::tcp;
//!
//! let mut lab = Lab::open("scenarios/topologies/shop.toml").unwrap();
//! lab.send("i-web-1", tcp("10.45.2.10:40000 > 172.16.2.20:3306").syn())
//!     .delivered_to("rm-orders")
//!     .through(["classic", "vpc-shop"]);
//! lab.send("rm-orders", tcp("172.16.2.20:3306 > 10.45.2.10:40000").syn_ack()).delivered_to("i-web-1").by_session();
//! lab.send("i-web-2", tcp("10.45.2.11:40000 > 172.16.2.20:3306").syn()).dropped("whitelist-deny").at("rm-orders");
//! ```
//!
//! Claims are exclusive: `delivered_to` fails too where the fabric sent something else beside. One that does not hold
//! panics with the claim, the fact and the trace. [`Lab::from_toml`] takes the topology as text; time stands still
//! until [`Lab::wait`] moves it.

mod frame_result;
mod partial;
mod remedies;

pub use frame_result::{FrameResult, SentFrame};

use crate::check::{self, Checked};
use crate::compile::{self, Compiled, compile};
use crate::control::{self, Change, LinkPage, LinkQuery, Operation, Refusal};
use crate::datapath::{Entry, Fabric, Frame, Options, Output, Steering};
use crate::diag::{Diagnostic, Severity, Sources, Span};
use crate::links;
use crate::model::{ChangeSet, World};
use crate::program::{EndpointId, Epoch, Names, Program};
use crate::scenario;
use crate::time::{SimDuration, SimTime};
use crate::wire::PacketBuilder;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A topology that could not be opened.
#[derive(Debug)]
pub enum LabError {
    /// The file could not be read.
    Read(scenario::ReadError),
    /// The file is not a topology, or breaks a limit.
    Invalid {
        /// False where not all of the file could be read; what follows from the missing part alone is left out then.
        understood: bool,
        /// Everything found, in the order of the places at fault; warnings included where all was understood.
        diagnostics: Vec<Diagnostic>,
        /// The texts that the diagnostics point into.
        sources: Sources,
    },
}

impl fmt::Display for LabError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LabError::Read(error) => error.fmt(f),
            LabError::Invalid { diagnostics, sources, .. } => {
                let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
                for (index, error) in errors.enumerate() {
                    let separator = if index == 0 { "" } else { "\n" };
                    let place = error.labels.first().and_then(|label| sources.locate(label.span));
                    match place {
                        Some(at) => write!(f, "{separator}{}:{}:{}: ", at.file, at.line, at.column)?,
                        None => f.write_str(separator)?,
                    }
                    write!(f, "{} [{}]", error.message, error.id)?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for LabError {}

/// A world that was read, checked and compiled.
#[derive(Clone)]
pub struct Topology {
    /// The declared world.
    pub world: Arc<Checked>,
    /// The compiled world.
    pub program: Arc<Program>,
    /// What its ids are called.
    pub names: Arc<Names>,
    /// What the next change will have to find.
    index: Arc<compile::ProgramIndex>,
    /// The texts that spans point into.
    pub sources: Arc<Sources>,
    /// What the vendor allows, but carries no traffic.
    pub warnings: Arc<Vec<Diagnostic>>,
}

impl Topology {
    /// Reads, checks and compiles the topology file `path`.
    ///
    /// # Errors
    /// The file cannot be read, is not a topology, or breaks a limit.
    pub fn open(path: impl AsRef<Path>) -> Result<Topology, LabError> {
        let mut sources = Sources::new();
        let (world, findings) = scenario::load_topology(&mut sources, path.as_ref()).map_err(LabError::Read)?;
        Topology::build(world, findings, sources)
    }

    /// Reads, checks and compiles the topology in `text`; messages call it `name`.
    ///
    /// # Errors
    /// The text is not a topology, or breaks a limit.
    pub fn from_toml(name: &str, text: &str) -> Result<Topology, LabError> {
        let mut sources = Sources::new();
        let (world, findings) = scenario::topology(&mut sources, name, text);
        Topology::build(world, findings, sources)
    }

    /// Checks and compiles a world that was read with `findings` from `sources`.
    ///
    /// # Errors
    /// A finding is an error, or the world breaks a limit.
    pub fn build(world: World, mut findings: Vec<Diagnostic>, sources: Sources) -> Result<Topology, LabError> {
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            let broken = partial::independent(check::check(&world), &findings, &sources);
            findings.extend(broken);
            sort_by_place(&mut findings);
            return Err(LabError::Invalid { understood: false, diagnostics: findings, sources });
        }
        let (world, mut warnings) = match check::checked(world) {
            Ok(checked) => checked,
            Err(broken) => {
                findings.extend(broken);
                sort_by_place(&mut findings);
                return Err(LabError::Invalid { understood: true, diagnostics: findings, sources });
            }
        };
        let mut topology = Topology::compiled(world, Vec::new(), Arc::new(sources));
        warnings.extend(links::warnings(&topology.world, &topology.program, &topology.names));
        sort_by_place(&mut warnings);
        findings.extend(warnings);
        topology.warnings = Arc::new(findings);
        Ok(topology)
    }

    /// Another world beside the same texts, checked and compiled as a whole; all findings where one of them is an error.
    pub(crate) fn with_world(&self, world: World) -> Result<Topology, Vec<Diagnostic>> {
        let (world, warnings) = check::checked(world)?;
        Ok(Topology::compiled(world, warnings, Arc::clone(&self.sources)))
    }

    fn compiled(world: Checked, warnings: Vec<Diagnostic>, sources: Arc<Sources>) -> Topology {
        let Compiled { program, names, index } = compile(&world, Epoch(1));
        Topology {
            world: Arc::new(world),
            program: Arc::new(program),
            names: Arc::new(names),
            index: Arc::new(index),
            sources,
            warnings: Arc::new(warnings),
        }
    }

    /// Makes the next snapshot: carries out a change that was planned for this world. Clones keep the snapshot before.
    pub(crate) fn carry_out(&mut self, change: Change) -> ChangeSet {
        let touched = change.carry_out(Arc::make_mut(&mut self.world));
        if !touched.is_nothing() {
            self.recompile(&touched);
        }
        touched
    }

    fn recompile(&mut self, touched: &ChangeSet) {
        let index = Arc::make_mut(&mut self.index);
        let (program, names) = compile::recompile(&self.world, touched, &self.program, &self.names, index);
        self.program = Arc::new(program);
        self.names = Arc::new(names);
    }
}

fn sort_by_place(findings: &mut [Diagnostic]) {
    findings.sort_by_key(|finding| finding.labels.first().map_or(Span::NONE, |label| label.span));
}

/// A fabric with its state and its clock, one frame at a time.
pub struct Lab {
    topology: Arc<Topology>,
    fabric: Fabric,
    options: Options,
    steering: Steering,
    now: SimTime,
}

impl Lab {
    /// A lab on the topology file `path`; see [`Topology::open`].
    ///
    /// # Errors
    /// The file cannot be read, is not a topology, or breaks a limit.
    pub fn open(path: impl AsRef<Path>) -> Result<Lab, LabError> {
        Ok(Lab::new(Arc::new(Topology::open(path)?), Options::default()))
    }

    /// A lab on the topology in `text`; see [`Topology::from_toml`].
    ///
    /// # Errors
    /// The text is not a topology, or breaks a limit.
    pub fn from_toml(name: &str, text: &str) -> Result<Lab, LabError> {
        Ok(Lab::new(Arc::new(Topology::from_toml(name, text)?), Options::default()))
    }

    /// A lab on a topology that was opened before.
    pub fn new(topology: Arc<Topology>, options: Options) -> Lab {
        let fabric = Fabric::new(Arc::clone(&topology.program), options);
        Lab { topology, fabric, options, steering: Steering::default(), now: SimTime::ZERO }
    }

    /// The topology the lab stands on, as the operations so far have left it. Its warnings are those of its file.
    pub fn topology(&self) -> &Arc<Topology> {
        &self.topology
    }

    /// The endpoint called `name`.
    pub fn endpoint(&self, name: &str) -> Option<EndpointId> {
        self.topology.names.find_endpoint(name)
    }

    /// The lab's clock: it starts at zero, and only [`Lab::wait`] and replays move it.
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// Lets time pass.
    pub fn wait(&mut self, span: SimDuration) {
        self.now = self.now + span;
    }

    /// Sets the clock forward to `time`; a clock that is further on stays.
    pub fn advance_to(&mut self, time: SimTime) {
        self.now = self.now.max(time);
    }

    /// Sends `packet` from the endpoint called `from`.
    ///
    /// # Panics
    /// The topology has no such endpoint.
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "a packet is described where it is sent")]
    pub fn send(&mut self, from: &str, packet: PacketBuilder) -> FrameResult {
        let endpoint = self.endpoint(from).unwrap_or_else(|| panic!("the topology has no endpoint `{from}`"));
        let bytes = packet.build();
        let wire_length = bytes.len();
        self.send_frame(Entry::Injected(endpoint), &bytes, wire_length)
    }

    /// Sends an Ethernet frame now: `bytes` of its `wire_length` were captured.
    pub fn send_frame(&mut self, entry: Entry, bytes: &[u8], wire_length: usize) -> FrameResult {
        let shard = self.steering.shard(&self.topology.program, bytes, wire_length, entry, self.now);
        let wire_length = u32::try_from(wire_length).unwrap_or(u32::MAX);
        self.pass(&Frame { bytes, wire_length, time: self.now, entry, shard })
    }

    /// Sends a frame that a capture gave, at its own time and with the shard it was given to.
    pub fn pass(&mut self, frame: &Frame<'_>) -> FrameResult {
        let mut output = Output::default();
        let trace = self.fabric.trace(frame, &mut output);
        FrameResult::new(Arc::clone(&self.topology), frame, output, trace).under(self.options)
    }

    /// Applies an operation to the world, now. Sessions live on as long as their first packet would still be permitted;
    /// results keep the topology that their frames were sent in. What the operation adds has no place in a file.
    ///
    /// An operation costs in proportion to what it changes, whatever the size of the world and whoever holds on to the
    /// topology before it. Only the first move into a VPC gathers the addresses that are taken, once: 0.1 s with a million
    /// endpoints.
    ///
    /// ```
    /// use biplane::control::Operation;
    /// use biplane::lab::Lab;
    /// use biplane::wire::build::tcp;
    ///
    /// let mut lab = Lab::open("scenarios/topologies/shop.toml").unwrap();
    /// let (instance, vpc) = ("i-web-1".to_owned(), "vpc-shop".to_owned());
    /// lab.apply(&Operation::Detach { instance, vpc: vpc.clone() }).unwrap();
    /// lab.send("i-web-1", tcp("10.45.2.10:40000 > 172.16.2.20:3306").syn()).dropped("classiclink-not-linked");
    /// let refusal = lab.apply(&Operation::Disable { vpc }).unwrap_err();
    /// assert_eq!(refusal.to_string(), "InvalidAction (400): `i-web-2` is still linked to `vpc-shop`");
    /// ```
    ///
    /// # Errors
    /// The vendor would refuse it; the refusal bears the vendor's code, and nothing has changed.
    pub fn apply(&mut self, operation: &Operation) -> Result<ChangeSet, Refusal> {
        self.apply_at(operation, Span::NONE)
    }

    /// Applies an operation that stands at `place` in a file, as [`Lab::apply`] does: the place of what it adds.
    ///
    /// # Errors
    /// As [`Lab::apply`].
    pub fn apply_at(&mut self, operation: &Operation, place: Span) -> Result<ChangeSet, Refusal> {
        let change = control::plan(&self.topology.world, operation, place)?;
        let touched = Arc::make_mut(&mut self.topology).carry_out(change);
        if !touched.is_nothing() {
            self.fabric.set_program(Arc::clone(&self.topology.program));
        }
        Ok(touched)
    }

    /// Tells which instances are linked, as DescribeClassicLinkInstances does.
    ///
    /// # Errors
    /// The vendor would refuse the request; the refusal bears the vendor's code.
    pub fn describe_links(&mut self, query: &LinkQuery) -> Result<LinkPage, Refusal> {
        control::describe(&self.topology.world, query)
    }

    /// The moving parts, for whole captures.
    pub fn parts(&mut self) -> (&mut Fabric, &mut Steering) {
        (&mut self.fabric, &mut self.steering)
    }
}

//! The facade that tests use: open a topology, send frames, claim what became of them.
//!
//! ```
//! use biplane::lab::{Lab, Reason};
//! use biplane::wire::build::tcp;
//!
//! let mut lab = Lab::open("scenarios/topologies/shop.toml").unwrap();
//! lab.send("i-web-1", tcp("10.45.2.10:40000 > 172.16.2.20:3306").syn())
//!     .delivered_to("rm-orders")
//!     .through(["classic", "vpc-shop"]);
//! lab.send("rm-orders", tcp("172.16.2.20:3306 > 10.45.2.10:40000").syn_ack()).delivered_to("i-web-1").by_session();
//! lab.send("i-web-2", tcp("10.45.2.11:40000 > 172.16.2.20:3306").syn())
//!     .dropped(Reason::WhitelistDeny)
//!     .at("rm-orders")
//!     .decided_by("rm-orders whitelist");
//! ```
//!
//! Claims are exclusive: `delivered_to` fails too where the fabric sent something else beside. One that does not hold
//! panics with the claim, the fact, the trace, and what to do about it. [`Lab::from_toml`] takes the topology as text; time
//! stands still until [`Lab::wait`] moves it.

mod claims;
pub mod declare;
mod error;
mod exchange;
mod frame_result;
mod matrix;
mod naming;
mod partial;
mod remedies;
#[cfg(test)]
mod tests;
mod topology;

pub use crate::control::{Operation, Refusal};
#[doc(hidden)]
pub use crate::datapath::DropLocation;
pub use crate::datapath::{NotKnown, Options, Verdict};
pub use crate::diag::{EmittedKind, Reason};
pub use crate::program::EndpointId;
pub use error::LabError;
#[doc(hidden)]
pub use exchange::ProbeError;
pub use exchange::{Exchange, Probe};
pub use frame_result::{FrameResult, SentFrame};
pub use matrix::ReachTable;
pub use naming::{EndpointRef, SendError, UnknownName};
pub use topology::Topology;

use crate::control::{self, LinkPage, LinkQuery};
use crate::datapath::{Entry, Fabric, Frame, Output, Steering};
use crate::diag::{Sources, Span};
use crate::model::ChangeSet;
use crate::scenario;
use crate::time::{SimDuration, SimTime};
use crate::wire::PacketBuilder;
use std::path::Path;
use std::sync::Arc;

/// A fabric with its state and its clock, one frame at a time.
///
/// A clone has the same state and goes its own way from there.
#[derive(Clone)]
pub struct Lab {
    /// As it was opened.
    opened: Arc<Topology>,
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
        let opened = Arc::clone(&topology);
        Lab { opened, topology, fabric, options, steering: Steering::default(), now: SimTime::ZERO }
    }

    /// Goes back to the beginning: the topology as it was opened, no sessions, the clock at zero.
    pub fn reset(&mut self) {
        *self = Lab::new(Arc::clone(&self.opened), self.options);
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

    /// Lets time pass: a [`SimDuration`], or a [`Duration`](std::time::Duration) of the standard library.
    ///
    /// ```
    /// # use biplane::lab::Lab;
    /// # use std::time::Duration;
    /// # let mut lab = Lab::open("scenarios/topologies/shop.toml").unwrap();
    /// lab.wait(Duration::from_millis(2_500));
    /// assert_eq!(lab.now().as_nanos(), 2_500_000_000);
    /// ```
    pub fn wait(&mut self, span: impl Into<SimDuration>) {
        self.now = self.now + span.into();
    }

    /// Sets the clock forward to `time`; a clock that is further on stays.
    pub fn advance_to(&mut self, time: SimTime) {
        self.now = self.now.max(time);
    }

    /// Sends `packet` from an endpoint, whatever its source address.
    ///
    /// # Panics
    /// The topology has no such endpoint, or the packet cannot be built; [`Lab::try_send`] says so as an error.
    #[track_caller]
    pub fn send<'a>(&mut self, from: impl Into<EndpointRef<'a>>, packet: PacketBuilder) -> FrameResult {
        // No closure, here and below: the panic is to name the caller's line.
        match self.try_send(from, packet) {
            Ok(sent) => sent,
            Err(error) => panic!("{error}"),
        }
    }

    /// Sends `packet` from an endpoint, as [`Lab::send`] does.
    ///
    /// ```
    /// # use biplane::lab::Lab;
    /// # use biplane::wire::build::tcp;
    /// # let mut lab = Lab::open("scenarios/topologies/shop.toml").unwrap();
    /// let error = lab.try_send("i-wbe-1", tcp("10.45.2.10:40000 > 172.16.2.20:3306").syn()).unwrap_err();
    /// assert_eq!(error.to_string(), "the topology has no endpoint `i-wbe-1`; did you mean `i-web-1`?");
    /// ```
    ///
    /// # Errors
    /// The topology has no such endpoint, or a field of the packet cannot hold what was asked for.
    #[expect(clippy::needless_pass_by_value, reason = "a packet is described where it is sent")]
    pub fn try_send<'a>(
        &mut self,
        from: impl Into<EndpointRef<'a>>,
        packet: PacketBuilder,
    ) -> Result<FrameResult, SendError> {
        let endpoint = self.topology.find(from).map_err(SendError::Sender)?;
        let bytes = packet.try_build().map_err(SendError::Packet)?;
        Ok(self.send_frame(Entry::Injected(endpoint), &bytes, bytes.len()))
    }

    /// Sends an Ethernet frame byte for byte, broken or not.
    ///
    /// ```
    /// # use biplane::lab::{Lab, Reason};
    /// # use biplane::wire::build::tcp;
    /// # let mut lab = Lab::open("scenarios/topologies/shop.toml").unwrap();
    /// let mut frame = tcp("10.45.2.10:40000 > 172.16.2.20:3306").syn().build();
    /// frame[24] ^= 1;
    /// lab.send_bytes("i-web-1", &frame).dropped(Reason::Ipv4Checksum);
    /// ```
    ///
    /// # Panics
    /// The topology has no such endpoint.
    #[track_caller]
    pub fn send_bytes<'a>(&mut self, from: impl Into<EndpointRef<'a>>, bytes: &[u8]) -> FrameResult {
        self.send_cut(from, bytes, bytes.len())
    }

    /// Sends a frame of which a capture has cut something off: `bytes` are what is left of `wire_length`.
    ///
    /// # Panics
    /// The topology has no such endpoint.
    #[track_caller]
    pub fn send_cut<'a>(&mut self, from: impl Into<EndpointRef<'a>>, bytes: &[u8], wire_length: usize) -> FrameResult {
        match self.topology.find(from) {
            Ok(endpoint) => self.send_frame(Entry::Injected(endpoint), bytes, wire_length),
            Err(unknown) => panic!("{unknown}"),
        }
    }

    /// Sends `packet` as the frame of a capture enters: at the endpoint that owns its source address.
    ///
    /// # Panics
    /// The packet cannot be built.
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "a packet is described where it is sent")]
    pub fn send_by_source(&mut self, packet: PacketBuilder) -> FrameResult {
        let bytes = packet.build();
        self.send_frame(Entry::BySource, &bytes, bytes.len())
    }

    /// Sends an Ethernet frame now: `bytes` of its `wire_length` were captured.
    #[doc(hidden)]
    pub fn send_frame(&mut self, entry: Entry, bytes: &[u8], wire_length: usize) -> FrameResult {
        let shard = self.steering.shard(&self.topology.program, bytes, wire_length, entry, self.now);
        let wire_length = u32::try_from(wire_length).unwrap_or(u32::MAX);
        self.pass(&Frame { bytes, wire_length, time: self.now, entry, shard })
    }

    /// Sends a frame that a capture gave, at its own time and with the shard it was given to.
    #[doc(hidden)]
    pub fn pass(&mut self, frame: &Frame<'_>) -> FrameResult {
        let mut output = Output::default();
        let trace = self.fabric.trace(frame, &mut output);
        FrameResult::new(Arc::clone(&self.topology), frame, output, trace).under(self.options)
    }

    /// Applies an operation to the world, now. Sessions live on as long as their first packet would still be permitted;
    /// results keep the topology that their frames were sent in. What the operation adds has no place in a file.
    ///
    /// An operation costs in proportion to what it changes, whatever the size of the world and however many hold the
    /// topology before it. Only the first move into a VPC gathers the addresses that are taken, once: 0.1 s with a million
    /// endpoints.
    ///
    /// ```
    /// use biplane::lab::{Lab, Operation, Reason};
    /// use biplane::wire::build::tcp;
    ///
    /// let mut lab = Lab::open("scenarios/topologies/shop.toml").unwrap();
    /// let (instance, vpc) = ("i-web-1".to_owned(), "vpc-shop".to_owned());
    /// lab.apply(&Operation::Detach { instance, vpc: vpc.clone() }).unwrap();
    /// lab.send("i-web-1", tcp("10.45.2.10:40000 > 172.16.2.20:3306").syn()).dropped(Reason::ClassiclinkNotLinked);
    /// let refusal = lab.apply(&Operation::Disable { vpc }).unwrap_err();
    /// assert_eq!(refusal.to_string(), "InvalidAction (400): `i-web-2` is still linked to `vpc-shop`");
    /// ```
    ///
    /// # Errors
    /// The vendor would refuse it; the refusal bears the vendor's code, and nothing has changed.
    pub fn apply(&mut self, operation: &Operation) -> Result<(), Refusal> {
        self.apply_at(operation, Span::NONE).map(|_| ())
    }

    /// Applies an operation in words, as [`Lab::apply`] does: its name, then the values of the keys that it has in a
    /// scenario, in their order; or the keys themselves, as `{ operation = "detach", … }`.
    ///
    /// ```
    /// # use biplane::lab::Lab;
    /// # let mut lab = Lab::open("scenarios/topologies/shop.toml").unwrap();
    /// lab.apply_words("detach i-web-1 vpc-shop").unwrap();
    /// lab.apply_words(r#"authorize sg-app ingress={ protocol = "tcp", port_range = "80", source = "10.0.0.0/8" }"#).unwrap();
    /// let refusal = lab.apply_words("disable vpc-shop").unwrap_err();
    /// assert_eq!(refusal.code(), "InvalidAction");
    /// ```
    ///
    /// # Errors
    /// The vendor would refuse it.
    ///
    /// # Panics
    /// The words are no operation, or name what the topology does not have: a test would go on with the wrong world.
    #[track_caller]
    pub fn apply_words(&mut self, words: &str) -> Result<(), Refusal> {
        let mut sources = Sources::new();
        match scenario::operation(&mut sources, &self.topology.world, words) {
            Ok(operation) => self.apply(&operation),
            Err(findings) => panic!("{}", scenario::OperationError::new(words, &findings)),
        }
    }

    /// Applies an operation that stands at `place` in a file, as [`Lab::apply`] does: the place of what it adds.
    ///
    /// # Errors
    /// As [`Lab::apply`].
    #[doc(hidden)]
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
    #[doc(hidden)]
    pub fn describe_links(&mut self, query: &LinkQuery) -> Result<LinkPage, Refusal> {
        control::describe(&self.topology.world, query)
    }

    /// What the fabric does differently.
    pub(crate) fn options(&self) -> Options {
        self.options
    }

    /// The moving parts, for whole captures.
    #[doc(hidden)]
    pub fn parts(&mut self) -> (&mut Fabric, &mut Steering) {
        (&mut self.fabric, &mut self.steering)
    }
}

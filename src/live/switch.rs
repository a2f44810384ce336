//! The loop between interfaces and fabric: one thread, woken by whatever there is to do.

use super::namespaces::LiveInterface;
use super::operations::OperationLines;
use super::{Interruption, Nic};
use crate::datapath;
use crate::lab::Topology;
use crate::program::EndpointId;
use crate::replay::{FrameStream, OutputFormat};
use crate::time::SimTime;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};

/// Frames that one interface gives before the next one has its turn.
const TURN: usize = 64;

/// Events that are taken at once.
const EVENTS: usize = 256;

/// The longest frame of a TAP.
const LONGEST_FRAME: usize = 1 << 16;

/// What an event is about: the interface of this number, or one of these.
const INSIDE: u64 = u64::MAX;
const SIGNAL: u64 = u64::MAX - 1;
const OPERATIONS: u64 = u64::MAX - 2;

/// How often a plain file of operations is looked at.
const LOOK_AGAIN: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// The fabric between the interfaces, and all that it waits for.
pub(super) struct Switch<'a> {
    epoll: OwnedFd,
    ports: Ports,
    /// Kept open, since it is waited for.
    ended: Option<OwnedFd>,
    operations: Option<OperationLines>,
    interruption: Option<Interruption<'a>>,
    /// Operations that have been read.
    lines: VecDeque<String>,
    clock: &'a dyn Fn() -> SimTime,
    buffer: Vec<u8>,
}

/// The interfaces, by endpoint.
struct Ports {
    interfaces: Vec<LiveInterface>,
    /// The number of an endpoint's interface, if it has one.
    by_endpoint: Vec<Option<u32>>,
    /// Frames for endpoints without an interface.
    without_interface: u64,
}

impl Ports {
    fn deliver(&mut self, to: EndpointId, frame: &[u8]) {
        match self.by_endpoint.get(to.index()).copied().flatten() {
            // An interface that is down, or whose queue is full, loses it, as a network card does.
            Some(number) => _ = self.interfaces[number as usize].device.send(frame),
            None => self.without_interface += 1,
        }
    }
}

/// The world that frames are forwarded in, and how they are written meanwhile.
#[derive(Clone, Copy)]
pub(super) struct Present<'p> {
    pub(super) topology: &'p Topology,
    pub(super) format: &'p OutputFormat<'p>,
}

/// Why frames are not forwarded for the moment.
pub(super) enum Pause {
    /// An operation has come.
    Operation(String),
    /// A signal has come.
    Signal(u8),
    /// The command has ended.
    Ended,
}

impl<'a> Switch<'a> {
    pub(super) fn new(
        interfaces: Vec<LiveInterface>,
        operations: Option<OperationLines>,
        interruption: Option<Interruption<'a>>,
        clock: &'a dyn Fn() -> SimTime,
    ) -> io::Result<Switch<'a>> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let watch =
            |source: &dyn AsFd, data| epoll::add(&epoll, source.as_fd(), EventData::new_u64(data), EventFlags::IN);
        for (number, interface) in (0..).zip(&interfaces) {
            watch(&interface.device, number)?;
        }
        if let Some(watched) = operations.as_ref().and_then(OperationLines::watched) {
            watch(&watched, OPERATIONS)?;
        }
        if let Some(interruption) = &interruption {
            watch(&interruption.watched, SIGNAL)?;
        }
        let last = interfaces.iter().map(|interface| interface.endpoint.index() + 1).max().unwrap_or(0);
        let mut by_endpoint = vec![None; last];
        for (number, interface) in (0..).zip(&interfaces) {
            by_endpoint[interface.endpoint.index()] = Some(number);
        }
        Ok(Switch {
            epoll,
            ports: Ports { interfaces, by_endpoint, without_interface: 0 },
            ended: None,
            operations,
            interruption,
            lines: VecDeque::new(),
            clock,
            buffer: vec![0; LONGEST_FRAME],
        })
    }

    /// The interfaces.
    pub(super) fn interfaces(&self) -> &[LiveInterface] {
        &self.ports.interfaces
    }

    /// Frames that came out where there is no interface.
    pub(super) fn without_interface(&self) -> u64 {
        self.ports.without_interface
    }

    /// Notices the end of all inside, too: `ended` becomes readable then.
    pub(super) fn watch_end(&mut self, ended: OwnedFd) -> io::Result<()> {
        epoll::add(&self.epoll, &ended, EventData::new_u64(INSIDE), EventFlags::IN)?;
        self.ended = Some(ended);
        Ok(())
    }

    /// Makes the interfaces what `topology` says.
    pub(super) fn follow(&mut self, topology: &Topology, options: datapath::Options) -> io::Result<()> {
        let mtu = options.mtu_in(&topology.program);
        for interface in &mut self.ports.interfaces {
            interface.become_like(Nic::of(topology, interface.endpoint, mtu))?;
        }
        Ok(())
    }

    /// Forwards frames until there is something else to do.
    pub(super) fn forward(&mut self, stream: &mut FrameStream<'_>, present: Present<'_>) -> io::Result<Pause> {
        let mut events = Vec::with_capacity(EVENTS);
        let mut has_ended = false;
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Ok(Pause::Operation(line));
            }
            if has_ended {
                return Ok(Pause::Ended);
            }
            let looks_again = self.operations.as_ref().is_some_and(|operations| operations.watched().is_none());
            events.clear();
            match epoll::wait(
                &self.epoll,
                rustix::buffer::spare_capacity(&mut events),
                self.patience(stream, looks_again).as_ref(),
            ) {
                Err(Errno::INTR) => continue,
                waited => waited?,
            };
            let mut signal = None;
            for event in &events {
                let Event { data, .. } = *event;
                match data.u64() {
                    INSIDE => has_ended = true,
                    SIGNAL => signal = self.take_signal(),
                    OPERATIONS => self.read_operations()?,
                    number => self.take_frames(number as usize, stream, present)?,
                }
            }
            self.send(stream, present)?;
            if looks_again {
                self.read_operations()?;
            }
            if let Some(signal) = signal {
                return Ok(Pause::Signal(signal));
            }
        }
    }

    /// How long to wait for events: until frames are due, or a file of operations is looked at again.
    fn patience(&self, stream: &FrameStream<'_>, looks_again: bool) -> Option<Timespec> {
        let due = stream.next_time().map(|time| {
            let nanos = time.since((self.clock)()).as_nanos();
            Timespec { tv_sec: (nanos / 1_000_000_000) as i64, tv_nsec: (nanos % 1_000_000_000) as i64 }
        });
        [due, looks_again.then_some(LOOK_AGAIN)].into_iter().flatten().min_by_key(|span| (span.tv_sec, span.tv_nsec))
    }

    /// Takes what an interface gives, up to its turn's end.
    fn take_frames(&mut self, number: usize, stream: &mut FrameStream<'_>, present: Present<'_>) -> io::Result<()> {
        for _ in 0..TURN {
            let LiveInterface { device, endpoint, .. } = &self.ports.interfaces[number];
            // Else there is no more for now, or the interface is down.
            let Ok(length) = device.recv(&mut self.buffer) else { break };
            if stream.add(present.topology, *endpoint, (self.clock)(), &self.buffer[..length]) {
                self.send(stream, present)?;
            }
        }
        Ok(())
    }

    /// Forwards the frames that were taken.
    fn send(&mut self, stream: &mut FrameStream<'_>, present: Present<'_>) -> io::Result<()> {
        let now = (self.clock)();
        stream.forward(present.format, now, |to, frame| self.ports.deliver(to, frame))
    }

    fn read_operations(&mut self) -> io::Result<()> {
        let Some(operations) = &mut self.operations else { return Ok(()) };
        if !operations.read(&mut self.lines)? {
            if let Some(watched) = operations.watched() {
                epoll::delete(&self.epoll, watched)?;
            }
            self.operations = None;
        }
        Ok(())
    }

    fn take_signal(&mut self) -> Option<u8> {
        let interruption = self.interruption.as_ref()?;
        let mut watched = interruption.watched;
        let _ = watched.read(&mut [0; 64]);
        (interruption.signal)()
    }
}

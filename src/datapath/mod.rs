//! A frame's way through the fabric, one file per stage, in the order a frame meets them:
//!
//! | stage | file | refuses for |
//! |---|---|---|
//! | 1 parse | `parse` | what the bytes say; answers ARP |
//! | 2 ingress | `ingress` | no endpoint, a stopped one, a foreign source address |
//! | 3 guest route | `guest` | a destination behind the public NIC |
//! | 4 session | `session` | fragments without ports, TCP without SYN |
//! | 5 egress groups | `egress` | the sender's security groups |
//! | 6 route | `route` | no route, nobody there, a next hop that does not forward |
//! | 7 bridge | `bridge` | what ClassicLink and peerings do not carry |
//! | 8 destination | `destination` | a stopped receiver, its groups, its whitelist |
//! | 9 deliver | `deliver` | TTL and MTU; rewrites, fragments, emits |
//!
//! [`Fabric::process`] takes a burst. First all frames are read, and what is known of their sessions is asked for; then,
//! when it has come from memory, each frame is judged in order. Frames of live sessions mostly go the short way
//! (`shortcut`), the others all of the above, where what depends on addresses alone is remembered (`route_cache`). One
//! frame is a burst of one. Nothing is allocated for a frame that is delivered whole, or dropped; fragments and the
//! fabric's own messages are built in buffers of their own.

mod bridge;
mod deliver;
mod destination;
mod director;
mod egress;
mod guest;
mod headers;
mod ingress;
mod open;
mod outcome;
mod parse;
mod route;
mod route_cache;
mod session;
mod shortcut;
mod trace;

pub use deliver::{Emitted, Sent};
pub use director::{Director, SHARDS, ShardId};
pub use ingress::Entry;
pub use outcome::{At, Decider, Outcome, Verdict};
pub use trace::{Blocker, Crossing, Found, Record, RecordAll, SessionStep, Silent, Spared, Step, Trace};

use crate::diag::Reason;
use crate::program::Program;
use crate::table::prefetch;
use crate::table::session::{Place, Sessions};
use crate::time::SimTime;
use crate::wire::Transport;
use deliver::Sink;
use headers::Headers;
use open::Open;
use outcome::{Reached, Refusal};
use route::{Traveller, Way};
use route_cache::{Asked, RouteCache};
use session::{Fragments, Shard};
use shortcut::Glance;
use std::ops::Range;
use std::sync::Arc;
use trace::{Listener, Walk, unheard};

/// A frame on its way in.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The Ethernet frame as far as it was captured.
    pub bytes: &'a [u8],
    /// Its length on the wire.
    pub wire_length: u32,
    /// When it enters.
    pub time: SimTime,
    /// Where it enters.
    pub entry: Entry,
    /// The shard that [`Director::shard`] gave it.
    pub shard: ShardId,
}

/// How many frames are looked ahead at once, once one of them goes the whole way.
const AHEAD: usize = 16;

/// How far behind is the frame whose bytes are asked for while one is read.
const NEXT_BYTES: usize = 8;

/// What became of a burst.
#[derive(Debug, Default)]
pub struct Output {
    /// One for each frame, in order.
    pub outcomes: Vec<Outcome>,
    /// The frames that left, in order; several for one that was fragmented.
    pub sent: Vec<Sent>,
    /// The bytes of the frames that left.
    pub bytes: Vec<u8>,
}

impl Output {
    fn clear(&mut self) {
        self.outcomes.clear();
        self.sent.clear();
        self.bytes.clear();
    }
}

/// What a run may set differently from the topology.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Instead of the topology's MTU.
    pub mtu: Option<u16>,
    /// A TCP flow must begin with a SYN.
    pub strict_tcp: bool,
}

impl Options {
    /// The MTU in force in `program`, in bytes of the IPv4 packet.
    pub fn mtu_in(&self, program: &Program) -> u16 {
        self.mtu.unwrap_or(program.mtu)
    }
}

/// The virtual switches: a compiled world, and the state of flows.
pub struct Fabric {
    program: Arc<Program>,
    options: Options,
    sessions: Sessions,
    /// By shard.
    fragments: Vec<Fragments>,
    routes: RouteCache,
    /// What the frames of a burst say at first glance.
    glances: Vec<Option<Glance>>,
}

impl Fabric {
    /// A fabric without any flow yet.
    pub fn new(program: Arc<Program>, options: Options) -> Fabric {
        let sessions = Sessions::new(SHARDS, sessions_of_a_shard(&program));
        let fragments = std::iter::repeat_with(Fragments::default).take(SHARDS).collect();
        Fabric { program, options, sessions, fragments, routes: RouteCache::default(), glances: Vec::new() }
    }

    /// The compiled world that frames meet.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Swaps the world; flows are held against the new one when they are next used.
    pub fn set_program(&mut self, program: Arc<Program>) {
        self.sessions.set_limit(sessions_of_a_shard(&program));
        self.program = program;
    }

    /// From now on, a TCP flow must begin with a SYN, or need not.
    pub fn set_strict_tcp(&mut self, strict: bool) {
        self.options.strict_tcp = strict;
    }

    /// How many sessions are kept, dead ones that were not replaced yet included.
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// Forwards a burst. `output` is emptied first; `trace` hears every step.
    pub fn process<T: Trace>(&mut self, frames: &[Frame<'_>], output: &mut Output, trace: &mut T) {
        output.clear();
        let program = Arc::clone(&self.program);
        let mut glances = std::mem::take(&mut self.glances);
        if !T::LISTENS {
            self.glance_at(frames, &mut glances);
        }
        let mut looked_ahead = 0;
        for (index, frame) in frames.iter().enumerate() {
            let mut sink = Sink { bytes: &mut output.bytes, sent: &mut output.sent, frame: index };
            let glance = glances.get(index).and_then(Option::as_ref);
            let known = glance.and_then(|glance| {
                shortcut::take(&program, self.options, &mut self.sessions, frame, glance, &mut sink)
            });
            let outcome = match known {
                Some(outcome) => outcome,
                None => {
                    if index >= looked_ahead {
                        looked_ahead = index + AHEAD;
                        self.look_ahead(frames, &glances, index..looked_ahead);
                    }
                    self.pass_whole(&program, frame, glance, &mut Listener { trace, index }, &mut sink)
                }
            };
            output.outcomes.push(outcome);
        }
        glances.clear();
        self.glances = glances;
    }

    /// Reads what can be read at first glance, and asks for the sessions of all frames, each step for the whole burst.
    fn glance_at(&self, frames: &[Frame<'_>], glances: &mut Vec<Option<Glance>>) {
        glances.extend(frames.iter().enumerate().map(|(index, frame)| {
            if let Some(byte) = frames.get(index + NEXT_BYTES).and_then(|next| next.bytes.first()) {
                prefetch(byte);
            }
            Glance::new(&self.sessions, frame)
        }));
        glances.iter_mut().flatten().for_each(|glance| glance.refine(&self.sessions));
    }

    /// Asks for what the frames behind one that goes the whole way will need if they go it too.
    fn look_ahead(&self, frames: &[Frame<'_>], glances: &[Option<Glance>], range: Range<usize>) {
        for (frame, glance) in frames.iter().zip(glances).take(range.end).skip(range.start) {
            if let Some(glance) = glance {
                self.routes.prefetch(&Asked::new(&self.program, frame.entry, &glance.plain.ipv4()));
            }
        }
    }

    fn shard(&mut self, id: ShardId) -> Shard<'_> {
        let index = id.index();
        Shard { sessions: &mut self.sessions, index, fragments: &mut self.fragments[index] }
    }

    /// The whole way of a frame; `glance` is what is known of a plain one.
    fn pass_whole<T: Trace>(
        &mut self,
        program: &Program,
        frame: &Frame<'_>,
        glance: Option<&Glance>,
        listener: &mut Listener<'_, T>,
        sink: &mut Sink<'_>,
    ) -> Outcome {
        // Each step ends here where it decides, so that what is known of the packet is never moved.
        let ipv4 = match open::read(program, (frame, glance), listener, sink) {
            Ok(ipv4) => ipv4,
            Err(outcome) => return outcome,
        };
        let path = match open::find_path(program, &mut self.routes, frame.entry, &ipv4, listener) {
            Ok(path) => path,
            Err(outcome) => return outcome,
        };
        let mut open = Open::new(frame, glance, ipv4, &path);
        let options = self.options;
        let mut shard = self.shard(frame.shard);
        if T::GOES_ON
            && let Some(refused) = open.left_behind(program)
        {
            judge_beyond(program, options, &shard, frame, &mut open, listener);
            return refused;
        }
        judge(program, options, &mut shard, frame, &mut open, listener, sink)
    }
}

/// The limit of a world's sessions, in equal parts for all shards.
fn sessions_of_a_shard(program: &Program) -> usize {
    (program.session_limit as usize).div_ceil(SHARDS)
}

/// Stages 4 to 9.
fn judge<T: Trace>(
    program: &Program,
    options: Options,
    shard: &mut Shard<'_>,
    frame: &Frame<'_>,
    open: &mut Open,
    listener: &mut Listener<'_, T>,
    sink: &mut Sink<'_>,
) -> Outcome {
    if open.ipv4.is_first_fragment() {
        shard.lend(program.timeouts.fragment, open.sender, &open.ipv4, open.transport, frame.time);
    }
    let (transport, lent) = match session::find_transport(shard, program, frame, open) {
        Ok(found) => found,
        Err(Some(reason)) => {
            let refusal = Refusal::new(reason, At::Endpoint(open.sender));
            listener.ends(&refusal);
            return open.refused(&refusal);
        }
        Err(None) => return Outcome::at_sender(Some(open.sender), Verdict::Undetermined),
    };
    listener.hear(|| Step::Transport { transport, lent });
    let place = match &open.flow {
        Some(flow) => shard.look_up(program, flow, &transport, frame.time, listener),
        None => None,
    };
    let mtu = options.mtu_in(program);
    let mut passed = pass(program, options, open, &transport, place.is_some(), listener);
    if T::GOES_ON {
        // Who went on was let through everywhere; what becomes of the frame is for the first refusal to say.
        passed = unheard(|unheard| pass(program, options, open, &transport, place.is_some(), unheard));
    }
    let outcome = match passed {
        Err(refusal) => {
            if let Some(error) = deliver::told(&refusal, mtu) {
                deliver::tell_sender(program, frame, open, &transport, (&refusal, error), sink);
            }
            open.refused(&refusal)
        }
        Ok((way, _)) if !begins_or_goes_on(shard, program, frame, (open, place), &transport, &way) => {
            let refusal = Refusal::new(Reason::SessionTableFull, At::Endpoint(way.to)).at_end(way.second);
            listener.ends(&refusal);
            open.refused(&refusal)
        }
        Ok((way, decider)) => {
            if open.ipv4.total_length > mtu {
                listener.hear(|| Step::Fragmented { mtu });
            }
            sink.deliver(program, frame.bytes, &open.ipv4, &way, mtu);
            Outcome {
                domains: [Some(open.domain), way.second],
                decider,
                hops: way.hops(),
                ..Outcome::at_sender(Some(open.sender), Verdict::Delivered { to: way.to })
            }
        }
    };
    Outcome { by_session: place.is_some(), ..outcome }
}

/// Stages 4 to 9 of a packet that stage 2 or 3 has refused, for a listener that goes on. No flow hears of it.
fn judge_beyond<T: Trace>(
    program: &Program,
    options: Options,
    shard: &Shard<'_>,
    frame: &Frame<'_>,
    open: &mut Open,
    listener: &mut Listener<'_, T>,
) {
    let (transport, lent) = match session::find_transport(shard, program, frame, open) {
        Ok(found) => found,
        Err(reason) => {
            if let Some(reason) = reason {
                listener.ends(&Refusal::new(reason, At::Endpoint(open.sender)));
            }
            return;
        }
    };
    listener.hear(|| Step::Transport { transport, lent });
    let mut by_session = false;
    if let Some(flow) = &open.flow {
        let (step, _) = shard.ask(program, flow, &transport, frame.time);
        listener.hear(|| Step::Session(step));
        by_session = matches!(step, SessionStep::Live { .. } | SessionStep::LiveError { .. });
    }
    let _ = pass(program, options, open, &transport, by_session, listener);
}

/// Notes a packet that has been let in; false where it is a first one and there is no room for its session.
fn begins_or_goes_on(
    shard: &mut Shard<'_>,
    program: &Program,
    frame: &Frame<'_>,
    (open, place): (&Open, Option<Place>),
    transport: &Transport,
    way: &Way,
) -> bool {
    let Some(flow) = &open.flow else { return true };
    shard.note(program, (flow, place), transport, frame, (open.sender, way))
}

/// Stages 4 to 9 for a packet whose session is known: the first refusal, or where it goes and what let it in.
fn pass<T: Trace>(
    program: &Program,
    options: Options,
    open: &Open,
    transport: &Transport,
    by_session: bool,
    listener: &mut Listener<'_, T>,
) -> Result<(Way, Decider), Refusal> {
    let sender = open.sender;
    let headers = Headers::new(&open.ipv4, transport);
    if by_session {
        listener.hear(|| Step::Spared { endpoint: sender, ingress: false, why: Spared::Session });
    } else {
        session::may_begin(options.strict_tcp, transport, sender, listener)?;
        egress::judge(program, sender, &headers, listener)?;
    }
    let mut way =
        deliver::first_hop(open).and_then(|way| bridge::may_cross(&way, by_session, open.domain).map(|()| way));
    if T::LISTENS {
        way = walk(program, open, by_session, way, listener);
    }
    let way = way?;
    deliver::second_hop(open, &way, listener)?;
    if way.hops() == 0 || open.ipv4.ttl > way.hops() {
        listener.hear(|| Step::Ttl { ttl: open.ipv4.ttl, hops: way.hops() });
    }
    deliver::fits(open, &way, options.mtu_in(program), listener)?;
    let decider = destination::judge(program, sender, &way, &headers, by_session, listener)
        .map_err(|refusal| refusal.at_end(way.second))?;
    Ok((way, decider))
}

/// Follows the routes once more, for a listener: they were asked before the session was, and are heard of where they
/// count. Gives `way`, what was found then; for a listener that goes on, what lies behind its refusals.
fn walk<T: Trace>(
    program: &Program,
    open: &Open,
    by_session: bool,
    way: Result<Way, Refusal>,
    listener: &mut Listener<'_, T>,
) -> Result<Way, Refusal> {
    let index = listener.index;
    let crosses = way.map_or_else(|refusal| matches!(refusal.reached, Reached::Second(_)), |_| true);
    let spent = if T::GOES_ON { deliver::spent(open) } else { None };
    let walk = &mut Walk { trace: listener.trace, ends: !crosses && !T::GOES_ON, ended: false, spent };
    let traveller = Traveller { in_session: by_session, ..open.traveller() };
    let found = route::find(program, &traveller, &mut Listener { trace: walk, index });
    if !T::GOES_ON {
        return way;
    }
    match &found {
        Ok(found) if found.first_hops != 0 => walk.routed(index),
        Ok(_) => {}
        Err(refusal) => Listener { trace: walk, index }.ends(refusal),
    }
    found
}

//! Flow state: which flows were let through, in which direction they began, and until when they live.
//!
//! A flow is a 5-tuple within a pair of routing domains. [`Sessions`] is an open-addressing table of 64-byte slots,
//! one cache line each, with linear probing; a slot can be prefetched before it is looked at.

use crate::net::Protocol;
use crate::time::{SimDuration, SimTime};

/// One end of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    /// The routing domain, a dense id.
    pub domain: u32,
    /// The address.
    pub address: u32,
    /// The port; 0 for protocols without ports.
    pub port: u16,
}

/// A flow, the same for both of its directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowKey {
    first: End,
    second: End,
    protocol: Protocol,
}

/// Which way along a flow a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the key's first end to its second.
    Forth,
    /// From the second to the first.
    Back,
}

impl FlowKey {
    /// The key of a packet from `source` to `destination`, and which way along the flow it goes. Either direction
    /// of the flow gives the same key.
    pub fn new(protocol: Protocol, source: End, destination: End) -> (FlowKey, Direction) {
        if source <= destination {
            (FlowKey { first: source, second: destination, protocol }, Direction::Forth)
        } else {
            (FlowKey { first: destination, second: source, protocol }, Direction::Back)
        }
    }

    /// The key of ICMP message type `kind`. Queries and their replies share a key that depends on who asks, so that
    /// two hosts asking each other under one identifier keep two flows; the families are echo (8/0), timestamp
    /// (13/14), information (15/16) and address mask (17/18). Any other type is a family of its own, without
    /// identifier.
    pub fn icmp(kind: u8, identifier: u16, source: End, destination: End) -> (FlowKey, Direction) {
        let (family, is_reply) = match kind {
            8 => (8, false),
            0 => (8, true),
            13 | 15 | 17 => (kind, false),
            14 | 16 | 18 => (kind - 1, true),
            other => {
                let port = u16::from(other);
                return FlowKey::new(Protocol::ICMP, End { port, ..source }, End { port, ..destination });
            }
        };
        let (asker, asked) = if is_reply { (destination, source) } else { (source, destination) };
        let first = End { port: family.into(), ..asker };
        let second = End { port: identifier, ..asked };
        let direction = if is_reply { Direction::Back } else { Direction::Forth };
        (FlowKey { first, second, protocol: Protocol::ICMP }, direction)
    }

    /// The two ends as a packet going `direction` has them: source, then destination. ICMP ends carry the family
    /// and the identifier for ports.
    pub fn ends(&self, direction: Direction) -> (End, End) {
        match direction {
            Direction::Forth => (self.first, self.second),
            Direction::Back => (self.second, self.first),
        }
    }

    /// The protocol.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// A hash of all fields, equal on every machine.
    #[inline]
    pub fn hash(&self) -> u64 {
        const MULTIPLIER: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
        let fold = |a: u64, b: u64| {
            let product = u128::from(a ^ MULTIPLIER as u64) * u128::from(b ^ (MULTIPLIER >> 64) as u64);
            (product as u64) ^ ((product >> 64) as u64)
        };
        let addresses = u64::from(self.first.address) << 32 | u64::from(self.second.address);
        let ports = u64::from(self.first.port) << 16 | u64::from(self.second.port) | u64::from(self.protocol.0) << 32;
        let domains = u64::from(self.first.domain) << 32 | u64::from(self.second.domain);
        fold(fold(addresses, ports), domains.wrapping_add(0x2545_f491_4f6c_dd1d))
    }
}

/// How far the TCP handshake, or its end, was followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not TCP: any packet keeps the flow alive.
    Stateless,
    /// Began with a SYN.
    Opening {
        /// The other side sent a SYN too: both open at once.
        both: bool,
        /// The other side answered the opener's SYN with SYN and ACK.
        answered: bool,
        /// The opener answered the other side's SYN with SYN and ACK.
        answers: bool,
    },
    /// The handshake is complete, or the flow was met in the middle.
    Established,
    /// Began with SYN and ACK: never more than transient.
    OneSided,
    /// FIN or RST was seen.
    Closing,
}

/// What is kept about a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Stamp of the latest packet; never moves back.
    pub last_used: SimTime,
    /// The snapshot of the world in which the first packet was last judged.
    pub epoch: u32,
    /// The endpoint that sent the first packet.
    pub opener: u32,
    /// Which way the first packet went.
    pub opened: Direction,
    /// The state of the connection, for TCP.
    pub phase: Phase,
}

/// TCP flags as far as sessions follow them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// SYN.
    pub syn: bool,
    /// ACK.
    pub ack: bool,
    /// FIN or RST.
    pub closes: bool,
}

impl Phase {
    /// The phase after a first TCP packet.
    pub fn first(flags: Flags) -> Phase {
        match flags {
            Flags { closes: true, .. } => Phase::Closing,
            Flags { syn: true, ack: true, .. } => Phase::OneSided,
            Flags { syn: true, .. } => Phase::Opening { both: false, answered: false, answers: false },
            Flags { syn: false, .. } => Phase::Established,
        }
    }

    /// The phase after a further TCP packet; `from_opener` where it goes the way the first one went.
    #[must_use]
    pub fn next(self, flags: Flags, from_opener: bool) -> Phase {
        let Flags { syn, ack, closes } = flags;
        match self {
            Phase::Stateless => Phase::Stateless,
            _ if closes => Phase::Closing,
            Phase::Opening { both, answered, answers } => match (syn, ack, from_opener) {
                (true, false, false) => Phase::Opening { both: true, answered, answers },
                (true, true, false) => Phase::Opening { both, answered: true, answers },
                (true, true, true) => Phase::Opening { both, answered, answers: both || answers },
                (false, true, true) if answered => Phase::Established,
                (false, true, false) if answers => Phase::Established,
                _ => self,
            },
            Phase::Established | Phase::OneSided | Phase::Closing => self,
        }
    }
}

impl Session {
    /// True while the time since the last use is within `timeout`; a clock that ran backwards counts as no time.
    pub fn is_alive(&self, now: SimTime, timeout: SimDuration) -> bool {
        now.since(self.last_used) <= timeout
    }
}

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Slot {
    hash: u64,
    key: FlowKey,
    session: Session,
}

/// The flows of one shard.
#[derive(Default)]
pub struct Sessions {
    slots: Vec<Option<Slot>>,
    count: usize,
}

/// Slots of the first table that is allocated.
const SMALLEST: usize = 64;

/// Where a flow stands in [`Sessions`], until the next insertion or removal.
#[derive(Clone, Copy, Debug)]
pub struct Place(usize);

impl Sessions {
    /// How many flows there are, dead ones that were not replaced yet included.
    pub fn len(&self) -> usize {
        self.count
    }

    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn home(&self, hash: u64) -> usize {
        hash as usize & (self.slots.len() - 1)
    }

    /// Asks the machine to load the slot that `hash` leads to.
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        if self.slots.is_empty() {
            return;
        }
        #[cfg(target_arch = "x86_64")]
        {
            let slot = &raw const self.slots[self.home(hash)];
            // SAFETY: a prefetch has no effect on memory and faults on no address; this one is inside the table.
            unsafe { std::arch::x86_64::_mm_prefetch(slot.cast(), std::arch::x86_64::_MM_HINT_T0) };
        }
    }

    /// Finds a flow; `hash` is the key's own.
    #[inline]
    pub fn find(&self, hash: u64, key: &FlowKey) -> Option<Place> {
        if self.slots.is_empty() {
            return None;
        }
        let mut at = self.home(hash);
        loop {
            match &self.slots[at] {
                None => return None,
                Some(slot) if slot.hash == hash && slot.key == *key => return Some(Place(at)),
                Some(_) => at = (at + 1) & (self.slots.len() - 1),
            }
        }
    }

    /// The session at `place`.
    pub fn get(&self, place: Place) -> &Session {
        &self.slots[place.0].as_ref().expect("a place holds a session").session
    }

    /// The session at `place`.
    pub fn get_mut(&mut self, place: Place) -> &mut Session {
        &mut self.slots[place.0].as_mut().expect("a place holds a session").session
    }

    /// True where the next insertion makes the table grow; see [`Sessions::make_room`].
    pub fn is_full(&self) -> bool {
        (self.count + 1) * 4 > self.slots.len() * 3
    }

    /// Adds a flow that is not in the table.
    pub fn insert(&mut self, hash: u64, key: FlowKey, session: Session) {
        if self.is_full() {
            self.make_room(|_, _| false);
        }
        self.place(Slot { hash, key, session });
        self.count += 1;
    }

    fn place(&mut self, slot: Slot) {
        let mut at = self.home(slot.hash);
        while self.slots[at].is_some() {
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at] = Some(slot);
    }

    /// Lets go of the sessions that `is_dead` names, and gives those that are left room to double.
    #[cold]
    pub fn make_room(&mut self, is_dead: impl Fn(&FlowKey, &Session) -> bool) {
        let old = std::mem::take(&mut self.slots);
        let alive: Vec<Slot> =
            old.iter().flatten().filter(|slot| !is_dead(&slot.key, &slot.session)).copied().collect();
        let size = (alive.len() * 2 + 1).next_power_of_two().max(SMALLEST).max(old.len() / 2);
        drop(old);
        self.count = alive.len();
        self.slots = vec![None; size];
        for slot in alive {
            self.place(slot);
        }
    }

    /// Takes a flow out and closes the gap in its probe sequence.
    pub fn remove(&mut self, place: Place) {
        let mask = self.slots.len() - 1;
        let mut gap = place.0;
        let mut at = gap;
        self.slots[gap] = None;
        self.count -= 1;
        loop {
            at = (at + 1) & mask;
            let Some(slot) = &self.slots[at] else { return };
            let distance = |from: usize| at.wrapping_sub(from) & mask;
            if distance(self.home(slot.hash)) >= distance(gap) {
                self.slots[gap] = self.slots[at].take();
                gap = at;
            }
        }
    }
}

#[cfg(test)]
mod tests;

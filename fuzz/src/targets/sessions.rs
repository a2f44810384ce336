//! The session table against a map: while segments fill up and are parted, flows collide, and the clock goes either way.

use super::input::Input;
use biplane::net::{MacAddress, Protocol};
use biplane::table::session::{Direction, EndKey, FlowEnd, FlowKey, Phase, Session, Sessions, State};
use biplane::time::{SimDuration, SimTime};
use std::collections::BTreeMap;

const SHARDS: usize = 2;

/// How long a flow lives whose `epoch` is 0 to 3, in seconds.
const LIVES: [u64; 4] = [10, 60, 910, 0];

fn expiry(_: &FlowKey, session: &Session) -> SimTime {
    session.last_used + SimDuration::from_secs(LIVES[session.epoch as usize])
}

/// What a shard should hold.
#[derive(Clone, Copy)]
struct Kept {
    session: Session,
    /// It was dead when room was made, so it may be gone.
    was_dead: bool,
}

struct Tables {
    sessions: Sessions,
    kept: [BTreeMap<FlowKey, Kept>; SHARDS],
    limit: usize,
    now: SimTime,
}

/// The first byte chooses the limit of a shard; each step is a byte for what is done and what it needs.
pub(crate) fn kept_as_in_a_map(data: &[u8]) {
    let mut input = Input::new(data);
    let limit = *input.pick(&[300, 1, 40, 150, 1000]);
    let mut tables = Tables {
        sessions: Sessions::new(SHARDS, limit),
        kept: [BTreeMap::new(), BTreeMap::new()],
        limit,
        now: SimTime::ZERO + SimDuration::from_secs(10_000),
    };
    while !input.is_empty() {
        let step = input.byte();
        let shard = usize::from(step >> 7);
        match step % 8 {
            0 | 1 => tables.use_flow(shard, flow(&mut input), input.byte()),
            // Many at once, in a row of domains: they share a hash.
            2 => {
                let (tuple, first, kind) = (input.byte(), input.byte(), input.byte());
                for domain in 0..u32::from(input.byte() % 200) {
                    tables.use_flow(shard, of_domain(tuple, u32::from(first) + domain), kind);
                }
            }
            // Many at once, of different tuples.
            3 => {
                let (first, kind) = (input.byte(), input.byte());
                for tuple in 0..input.byte() % 200 {
                    tables.use_flow(shard, of_domain(first.wrapping_add(tuple), 1), kind);
                }
            }
            4 => tables.remove(shard, flow(&mut input)),
            5 => tables.now = tables.now + SimDuration::from_secs(u64::from(input.byte())),
            6 => {
                let back = SimDuration::from_secs(u64::from(input.byte() % 70)).as_nanos();
                tables.now = SimTime::from_nanos(tables.now.as_nanos().saturating_sub(back));
            }
            _ => tables.look(shard, flow(&mut input)),
        }
    }
    tables.look_at_all();
}

fn of_domain(tuple: u8, domain: u32) -> FlowKey {
    let end = |address, port| FlowEnd { domain, address, port };
    FlowKey::new(Protocol::TCP, end(0x0a2d_020a, u16::from(tuple)), end(0xac10_0114, 3306)).0
}

fn flow(input: &mut Input<'_>) -> FlowKey {
    let (tuple, number) = (input.byte(), input.byte());
    let of_domain = of_domain(tuple, u32::from(number));
    match number {
        ..200 => of_domain,
        _ => {
            let end = EndKey { side: usize::from(number & 1), end: u32::from(number), other: None };
            let end = if number & 2 == 0 { end } else { EndKey { other: Some(u32::from(number >> 4)), ..end } };
            FlowKey::of_end(*of_domain.tuple(), end)
        }
    }
}

impl Tables {
    fn find(&self, shard: usize, key: &FlowKey) -> Option<Session> {
        let found = self.sessions.find(shard, key.hash(), key).map(|place| self.sessions.get(place));
        found.map(|(found, session)| {
            assert_eq!(found, key);
            *session
        })
    }

    /// A packet of a flow: adds it, or refreshes it and perhaps makes it live shorter.
    fn use_flow(&mut self, shard: usize, key: FlowKey, kind: u8) {
        let epoch = u32::from(kind % 4);
        let place = self.sessions.find(shard, key.hash(), &key);
        let Some(place) = place else { return self.add(shard, key, kind) };
        let now = self.now;
        let (_, session) = self.sessions.get_mut(place);
        session.last_used = session.last_used.max(now);
        session.epoch = epoch;
        let session = *session;
        self.sessions.note_end(shard, place, expiry(&key, &session));
        let kept = self.kept[shard].get_mut(&key).expect("it was put in");
        *kept = Kept { session, was_dead: false };
    }

    fn add(&mut self, shard: usize, key: FlowKey, kind: u8) {
        assert!(self.kept[shard].get(&key).is_none_or(|kept| kept.was_dead), "{key:?} is lost");
        let session = Session {
            last_used: self.now,
            epoch: u32::from(kind % 4),
            note: u32::from(kind),
            ends: [3, 4],
            macs: [MacAddress::default(); 2],
            state: State::new(Direction::Forth, Phase::Stateless),
            known: [0; 2],
            marks: if kind & 4 == 0 { 0 } else { Session::HALF },
        };
        let halves = |session: &Session| if session.marks & Session::HALF == 0 { 2 } else { 1 };
        let room = 2 * self.limit;
        let known: usize = self.kept[shard].values().map(|kept| halves(&kept.session)).sum();
        // Who lives is asked only where it can matter.
        let living = || {
            let living = |(key, kept): &(&FlowKey, &Kept)| {
                expiry(key, &kept.session) >= self.now && self.find(shard, key).is_some()
            };
            self.kept[shard].iter().filter(living).map(|(_, kept)| halves(&kept.session)).sum::<usize>()
        };
        let has_room = known + halves(&session) <= room || living() + halves(&session) <= room;
        let is_added = self.sessions.insert(shard, key.hash(), key, session, expiry);
        for (key, kept) in &mut self.kept[shard] {
            kept.was_dead |= expiry(key, &kept.session) < self.now;
        }
        assert_eq!(is_added, has_room, "{known} halves are known");
        if is_added {
            self.kept[shard].insert(key, Kept { session, was_dead: false });
        }
    }

    fn remove(&mut self, shard: usize, key: FlowKey) {
        let place = self.sessions.find(shard, key.hash(), &key);
        let kept = self.kept[shard].remove(&key);
        match (place, kept) {
            (Some(place), Some(_)) => self.sessions.remove(shard, place),
            (None, kept) => assert!(kept.is_none_or(|kept| kept.was_dead), "{key:?} is lost"),
            (Some(_), None) => panic!("{key:?} was never put in"),
        }
        assert_eq!(self.find(shard, &key), None);
    }

    fn look(&self, shard: usize, key: FlowKey) {
        match (self.find(shard, &key), self.kept[shard].get(&key)) {
            (Some(found), Some(kept)) => assert_eq!(found, kept.session),
            (None, kept) => assert!(kept.is_none_or(|kept| kept.was_dead), "{key:?} is lost"),
            (Some(_), None) => panic!("{key:?} was never put in"),
        }
        let mut visited = Vec::new();
        self.sessions.visit(shard, key.tuple(), |_, key, session| visited.push((*key, *session)));
        visited.sort_by_key(|(key, _)| *key);
        let expected = self.kept[shard].iter().filter(|(other, _)| other.tuple() == key.tuple());
        let expected = expected.filter_map(|(key, _)| Some((*key, self.find(shard, key)?)));
        assert!(expected.eq(visited));
    }

    fn look_at_all(&self) {
        let mut halves = [0; SHARDS];
        for (shard, kept) in self.kept.iter().enumerate() {
            for key in kept.keys() {
                self.look(shard, *key);
                let found = self.find(shard, key);
                halves[shard] += found.map_or(0, |found| if found.marks & Session::HALF == 0 { 2 } else { 1 });
            }
            let of_ends = kept.keys().any(|key| key.is_of_end() && self.find(shard, key).is_some());
            assert_eq!(self.sessions.has_keys_of_ends(shard), of_ends);
        }
        assert_eq!(self.sessions.len(), halves.iter().sum::<usize>().div_ceil(2));
    }
}

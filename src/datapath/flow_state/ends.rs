//! What each end keeps for itself.
//!
//! A packet that a forwarding instance sends or takes for an address that is not its own is on a *leg*. The records of a
//! leg are apart: the reply may come another way, and what the instance sends on is a flow of its own. An end is an
//! endpoint; the gateways of a VPC are one, and so is `cloud-services` in a domain. Its records are told apart by the
//! 5-tuple and by the side of it on which the end stands, so that a reply finds the record of what it answers, and what a
//! forwarding instance sends on does not.
//!
//! The record of a leg matches whatever the other end's domain is, and a packet on a leg matches any record. Otherwise the
//! domains count, as they do in the one entry that stands for both ends. A packet that needs one half of such an entry
//! parts it, and from then on each end keeps its own record. Of several that are live, the one counts that a packet of
//! the same kind between the same domains would have made.

use super::{doubt, expiry, first_session, install, is_same_end, marks, refresh, renew, revalidate, step_of};
use crate::datapath::Frame;
use crate::datapath::context::{Flow, Forwarding, PacketContext};
use crate::datapath::flow_state::FlowTables;
use crate::datapath::flow_state::lookup::{Keeping, SessionLookup};
use crate::datapath::outcome::MatchedRule;
use crate::datapath::step::SessionStep;
use crate::program::{DomainId, EndpointId, EndpointKind, Program};
use crate::table::session::{EndKey, FlowKey, Session, SessionPlace};

/// Halves of a session that the records of one packet count.
const WHOLE: usize = 2;

/// One of the two ends of a packet's way.
struct PacketEnd {
    endpoint: EndpointId,
    domain: DomainId,
    /// The domain of the other end.
    other: DomainId,
    /// The key of the record that the packet would make there.
    key: EndKey,
}

/// Which of several records of one end counts: the least.
type Rank = (u8, u32, bool);

impl PacketEnd {
    /// The sender's end and the receiver's.
    fn both(packet: &PacketContext<'_>, flow: &Flow, forwarding: &Forwarding) -> [PacketEnd; 2] {
        let last = forwarding.second.unwrap_or(packet.domain);
        let end = |endpoint: EndpointId, domain: DomainId, other: DomainId, side: usize| PacketEnd {
            endpoint,
            domain,
            other,
            key: EndKey {
                side,
                end: number(packet.program, endpoint, domain),
                other: (!forwarding.is_leg).then_some(other.0),
            },
        };
        let side = flow.sender_side();
        [end(packet.sender, packet.domain, last, side), end(forwarding.to, last, packet.domain, 1 - side)]
    }

    fn is_of_leg(&self) -> bool {
        self.key.other.is_none()
    }

    /// The rank of an entry with the packet's 5-tuple; `None` where it is no record of this end, or of other domains.
    fn rank(&self, program: &Program, key: &FlowKey, session: &Session) -> Option<Rank> {
        let side = self.key.side;
        let other = match key.end() {
            Some(end) if (end.side, end.end) == (side, self.key.end) => end.other,
            Some(_) => return None,
            None => {
                let is_own =
                    key.domains()[side] == self.domain.0 && is_same_end(program, session.ends[side], self.endpoint);
                Some(key.domains()[1 - side]).filter(|_| is_own)?.into()
            }
        };
        // The least class is that of the record which a packet of the same kind between the same domains would have
        // made. Other records match only because they or the packet are on a leg, and must not displace it.
        let class = match other {
            None if self.is_of_leg() => 0,
            Some(other) if other == self.other.0 => 1,
            None => 2,
            Some(_) if self.is_of_leg() => 3,
            Some(_) => return None,
        };
        // The other domain and the kind of key make the order strict. Entries are visited in the order of their slots,
        // which depends on other flows of the segment, and no verdict may depend on that.
        Some((class, other.unwrap_or(0), key.is_of_end()))
    }
}

/// The number of an end: of an endpoint, of the gateways of a VPC, or of `cloud-services` in a domain.
fn number(program: &Program, endpoint: EndpointId, domain: DomainId) -> u32 {
    const KIND: u32 = 28;
    // A kind above 28 bits of id stays below 2^30, which is the room that the key of one end has. The gateways of a VPC
    // share a number, so that a reply finds the record of its request at whichever of them it arrives.
    match program.endpoint(endpoint).kind {
        EndpointKind::Gateway => 1 << KIND | domain.0,
        EndpointKind::CloudServices => 2 << KIND | domain.0,
        EndpointKind::Instance | EndpointKind::Service { .. } | EndpointKind::Released => endpoint.0,
    }
}

/// What of several answers is told: a live record before one that is no longer.
fn precedence(step: SessionStep) -> u8 {
    match step {
        SessionStep::Live { .. } | SessionStep::LiveError { .. } => 0,
        SessionStep::Reopened => 1,
        SessionStep::Doubtful => 2,
        SessionStep::Cut => 3,
        SessionStep::Expired => 4,
        SessionStep::None => 5,
    }
}

/// A record that an end has.
struct FoundRecord {
    place: SessionPlace,
    step: SessionStep,
    note: u32,
}

impl FlowTables {
    #[cold]
    pub(super) fn look_up_apart(&self, frame: &Frame<'_>, packet: &PacketContext<'_>) -> SessionLookup {
        let (Some(flow), Ok(forwarding)) = (&packet.flow, &packet.forwarding) else { return SessionLookup::NONE };
        let found = PacketEnd::both(packet, flow, forwarding).map(|end| self.find(frame, packet, &end, |_| true));
        let step = |found: &Option<FoundRecord>| found.as_ref().map_or(SessionStep::None, |found| found.step);
        let note = |found: &Option<FoundRecord>| found.as_ref().map_or(0, |found| found.note);
        let [sender, receiver] = &found;
        let steps = [step(sender), step(receiver)];
        SessionLookup { notes: [note(sender), note(receiver)], ..SessionLookup::of(steps, Keeping::Apart) }
    }

    /// The record of an end that counts, among those with an answer that is `wanted`.
    fn find(
        &self,
        frame: &Frame<'_>,
        packet: &PacketContext<'_>,
        end: &PacketEnd,
        wanted: impl Fn(SessionStep) -> bool,
    ) -> Option<FoundRecord> {
        let tuple = packet.flow.as_ref()?.key.tuple();
        let mut best: Option<((u8, Rank), FoundRecord)> = None;
        self.sessions.visit(frame.shard.index(), tuple, |place, key, session| {
            let Some(rank) = end.rank(packet.program, key, session) else { return };
            let (step, note) = step_of(frame, packet, key, session);
            let order = (precedence(step), rank);
            if wanted(step) && best.as_ref().is_none_or(|(least, _)| order < *least) {
                best = Some((order, FoundRecord { place, step, note }));
            }
        });
        best.map(|(_, found)| found)
    }

    #[cold]
    pub(super) fn settle_apart(&mut self, frame: &Frame<'_>, packet: &PacketContext<'_>) {
        let (Some(flow), Ok(forwarding)) = (&packet.flow, &packet.forwarding) else { return };
        let is_over = |step| matches!(step, SessionStep::Cut | SessionStep::Reopened);
        let is_doubtful = |step| step == SessionStep::Doubtful;
        for end in PacketEnd::both(packet, flow, forwarding) {
            // A removal may move other entries of the segment, so a place is good for one change. The records are
            // searched again after each, until none is left that is over.
            while let Some(FoundRecord { place, step, .. }) = self.find(frame, packet, &end, is_over) {
                // The SYN of a packet that is not between the entry's two ends ends one half of it alone.
                let is_half = !self.sessions.get(place).0.is_of_end() && !self.is_of_both_ends(place, packet);
                if is_half && step == SessionStep::Reopened {
                    self.part(frame, packet, place);
                } else {
                    let (key, session) = self.sessions.get(place);
                    let (key, session) = (*key, *session);
                    self.sessions.remove(frame.shard.index(), place);
                    if step == SessionStep::Cut {
                        self.cut_other_end(frame, packet, &key, &session);
                    }
                }
            }
            if let Some(FoundRecord { place, note, .. }) = self.find(frame, packet, &end, SessionStep::is_live) {
                renew(self.sessions.get_mut(place).1, packet.program, note);
            }
            if let Some(FoundRecord { place, .. }) = self.find(frame, packet, &end, is_doubtful) {
                doubt(self.sessions.get_mut(place).1, packet.program);
            }
        }
    }

    /// Removes what the packet that made a record of one end, which was cut, made at the other.
    fn cut_other_end(&mut self, frame: &Frame<'_>, packet: &PacketContext<'_>, key: &FlowKey, session: &Session) {
        let Some(EndKey { side, other, .. }) = key.end() else { return };
        let (program, shard) = (packet.program, frame.shard.index());
        let domains = revalidate::domains(program, key, session);
        let far = 1 - side;
        let end = number(program, EndpointId(session.ends[far]), domains[far]);
        let far_key = FlowKey::of_end(*key.tuple(), EndKey { side: far, end, other: other.map(|_| domains[side].0) });
        let made_by = |session: &Session| (session.ends, session.state.opened(), session.marks & !marks::DOUBTFUL);
        // A later packet may have made the record that is found there, and is judged by itself. Only a record with the
        // same ends, direction and marks is removed with the one that was cut. Doubt is not compared, since it may have
        // come later.
        if let Some(place) = self.sessions.find(shard, far_key.hash(), &far_key)
            && made_by(self.sessions.get(place).1) == made_by(session)
        {
            self.sessions.remove(shard, place);
        }
    }

    #[cold]
    pub(super) fn update_apart(&mut self, frame: &Frame<'_>, packet: &PacketContext<'_>, decider: MatchedRule) -> bool {
        let (Some(flow), Ok(forwarding)) = (&packet.flow, &packet.forwarding) else { return true };
        let (shard, timeouts) = (frame.shard.index(), &packet.program.timeouts);
        let expiry = |key: &FlowKey, session: &Session| expiry(timeouts, key, session);
        let ends = PacketEnd::both(packet, flow, forwarding);
        let is_live = [packet.session.sender.is_live(), packet.session.receiver.is_live()];
        let makes = is_live.iter().filter(|live| !**live).count();
        // A first packet replaces what is dead.
        for (end, _) in ends.iter().zip(is_live).filter(|(_, live)| !live) {
            while let Some(FoundRecord { place, .. }) = self.find(frame, packet, end, |_| true) {
                self.sessions.remove(shard, place);
            }
        }
        // Room is made before anything is added, so that a packet leaves both its records or neither. A single new
        // record takes the room of a whole session: no other record counts as its second half.
        if makes != 0 && !self.sessions.make_room(shard, WHOLE, frame.time, expiry) {
            return false;
        }
        let mut session = first_session(frame, packet, flow, decider);
        // No live record keeps the ends apart any longer, so the flow gets one entry again, which the fast path can
        // use. Where other endpoints have an entry with this key, each end gets its own.
        if makes == 2 && !forwarding.is_leg && self.sessions.find(shard, flow.hash, &flow.key).is_none() {
            install(frame, packet, &mut session);
            self.sessions.add(shard, flow.key, session, expiry);
            return true;
        }
        if makes == 2 {
            session.marks |= Session::HALF;
        }
        for (end, live) in ends.iter().zip(is_live) {
            if live {
                self.refresh_at(frame, packet, end, SessionStep::is_live);
            } else {
                self.sessions.add(shard, FlowKey::of_end(*flow.key.tuple(), end.key), session, expiry);
            }
        }
        true
    }

    /// Leaves a doubtful record at each end that has no sure one.
    #[cold]
    pub(super) fn leave_doubtful_apart(&mut self, frame: &Frame<'_>, packet: &PacketContext<'_>) {
        let (Some(flow), Ok(forwarding)) = (&packet.flow, &packet.forwarding) else { return };
        let (shard, timeouts) = (frame.shard.index(), &packet.program.timeouts);
        let expiry = |key: &FlowKey, session: &Session| expiry(timeouts, key, session);
        let mut made = first_session(frame, packet, flow, MatchedRule::None);
        made.marks |= marks::DOUBTFUL | Session::HALF;
        let found = [packet.session.sender, packet.session.receiver];
        for (end, found) in PacketEnd::both(packet, flow, forwarding).iter().zip(found) {
            if found.is_live() {
                continue;
            }
            if found == SessionStep::Doubtful {
                self.refresh_at(frame, packet, end, |step| step == SessionStep::Doubtful);
                continue;
            }
            while let Some(FoundRecord { place, .. }) = self.find(frame, packet, end, |_| true) {
                self.sessions.remove(shard, place);
            }
            if self.sessions.make_room(shard, 1, frame.time, expiry) {
                self.sessions.add(shard, FlowKey::of_end(*flow.key.tuple(), end.key), made, expiry);
            }
        }
    }

    /// Refreshes and advances the record of one end, of those with an answer that is `wanted`.
    fn refresh_at(
        &mut self,
        frame: &Frame<'_>,
        packet: &PacketContext<'_>,
        end: &PacketEnd,
        wanted: fn(SessionStep) -> bool,
    ) {
        let find = |tables: &FlowTables| tables.find(frame, packet, end, wanted).map(|found| found.place);
        let (Some(mut place), Some(flow)) = (find(self), &packet.flow) else { return };
        // The packet refreshes this end alone. An entry for both ends would keep the record of the other end alive, and
        // advance its connection by a packet that the other end has never sent or received.
        if !self.sessions.get(place).0.is_of_end() {
            self.part(frame, packet, place);
            place = find(self).expect("the entry was parted into one for each end");
        }
        let (key, session) = self.sessions.get_mut(place);
        refresh(session, frame, packet, flow);
        let ends = expiry(&packet.program.timeouts, key, session);
        self.sessions.note_end(frame.shard.index(), place, ends);
    }

    /// Parts an entry that stands for both ends into one for each.
    fn part(&mut self, frame: &Frame<'_>, packet: &PacketContext<'_>, place: SessionPlace) {
        let (shard, timeouts) = (frame.shard.index(), &packet.program.timeouts);
        let (key, session) = self.sessions.get(place);
        // An entry of one end must never match on the fast path, which takes every key for that of two domains and
        // every session for that of both ends. It cannot match without `known`.
        let (key, half) = (*key, Session { known: [0; 2], marks: session.marks | Session::HALF, ..*session });
        self.sessions.remove(shard, place);
        let domains = key.domains();
        for side in [0, 1] {
            let end = number(packet.program, EndpointId(half.ends[side]), DomainId(domains[side]));
            let own = FlowKey::of_end(*key.tuple(), EndKey { side, end, other: Some(domains[1 - side]) });
            self.sessions.add(shard, own, half, |key: &FlowKey, session: &Session| expiry(timeouts, key, session));
        }
    }
}

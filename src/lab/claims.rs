//! Claims about what became of a frame.

use super::{EndpointRef, FrameResult, UnknownName};
use crate::datapath::{DropLocation, MatchedRule, Outcome, Verdict};
use crate::diag::{EmittedKind, Reason};
use crate::net::MacAddress;
use crate::program::EndpointId;
use crate::report::{self, Palette};
use crate::wire::{self, PacketBuilder};
use std::fmt;

/// Each claim panics where it does not hold, with the claim, the fact, the trace, and what to do about a drop. Claims can be
/// chained.
impl FrameResult {
    /// The frame reached `endpoint` whole, and nothing else came out.
    #[track_caller]
    pub fn delivered_to<'a>(&self, endpoint: impl Into<EndpointRef<'a>>) -> &FrameResult {
        self.delivered_in_fragments_to(endpoint, 1)
    }

    /// The frame reached `endpoint` in `fragments` pieces, and nothing else came out.
    #[track_caller]
    pub fn delivered_in_fragments_to<'a>(
        &self,
        endpoint: impl Into<EndpointRef<'a>>,
        fragments: usize,
    ) -> &FrameResult {
        let to = known(self.topology().find(endpoint));
        let delivered = self.outcome().verdict == Verdict::Delivered { to };
        let is_piece = |id: EndpointId, emitted: bool| id == to && !emitted;
        let exclusive =
            self.sent().len() == fragments && self.sent().iter().all(|sent| is_piece(sent.to, sent.emitted.is_some()));
        let pieces = if fragments == 1 { String::new() } else { format!(" in {fragments} fragments") };
        let claim = format!("delivered to {}{pieces}, and nothing else", self.name_of(to));
        self.claim(delivered && exclusive, claim)
    }

    /// The frame was refused for `reason`, and nothing came out.
    #[track_caller]
    pub fn dropped(&self, reason: Reason) -> &FrameResult {
        let holds = self.is_dropped_for(reason) && self.sent().is_empty();
        self.claim(holds, format_args!("dropped for {reason}, and nothing came out"))
    }

    /// The frame was refused, for whatever reason. An ICMP error that tells its sender so may have come out, and nothing
    /// else.
    #[track_caller]
    pub fn dropped_for_any_reason(&self) -> &FrameResult {
        let told_at_most = self.sent().iter().all(|sent| sent.emitted.is_some());
        let dropped = matches!(self.outcome().verdict, Verdict::Dropped { .. });
        self.claim(dropped && told_at_most, "dropped, for whatever reason")
    }

    /// The frame was refused for `reason`, and the fabric told its sender by a frame of `kind`.
    #[track_caller]
    pub fn dropped_with_notice(&self, reason: Reason, kind: EmittedKind) -> &FrameResult {
        let holds = self.is_dropped_for(reason) && self.told_sender(kind);
        self.claim(holds, format_args!("dropped for {reason}, and its sender told by {}", kind.name()))
    }

    /// These reasons stand in the packet's way, in this order, and no others.
    #[track_caller]
    pub fn blocked_by(&self, reasons: impl IntoIterator<Item = Reason>) -> &FrameResult {
        let claimed: Vec<&str> = reasons.into_iter().map(Reason::id).collect();
        let fact: Vec<&str> = self.blockers().iter().map(|blocker| blocker.reason.id()).collect();
        if claimed != fact {
            self.fail(format_args!("blocked by {}", listed(&claimed)), format_args!("blocked by {}", listed(&fact)));
        }
        self
    }

    /// The fabric answered the frame, an ARP request, and nothing else came out.
    #[track_caller]
    pub fn answered(&self) -> &FrameResult {
        let holds = self.outcome().verdict == Verdict::Answered && self.told_sender(EmittedKind::ArpReply);
        self.claim(holds, "answered by the fabric")
    }

    /// The frame travels by an instance's public NIC or public address, beyond the two planes.
    #[track_caller]
    pub fn outside(&self) -> &FrameResult {
        let holds = self.outcome().verdict == Verdict::Outside && self.sent().is_empty();
        self.claim(holds, "outside the two planes")
    }

    /// What decides is not known: bytes that the capture cut off, or rules that the topology does not hold.
    #[track_caller]
    pub fn undetermined(&self) -> &FrameResult {
        let holds = matches!(self.outcome().verdict, Verdict::Undetermined(_)) && self.sent().is_empty();
        self.claim(holds, "undetermined")
    }

    /// What decides is not known, for `reason`, and nothing came out.
    #[track_caller]
    pub fn undetermined_for(&self, reason: Reason) -> &FrameResult {
        let verdict = self.outcome().verdict;
        let given = verdict.refusal().filter(|_| matches!(verdict, Verdict::Undetermined(_)));
        let holds = given.is_some_and(|(fact, _)| fact == reason) && self.sent().is_empty();
        self.claim(holds, format_args!("undetermined for {reason}, and nothing came out"))
    }

    /// The frame was in these routing domains, in this order, and in no other: `"classic"`, and ids of VPCs.
    #[track_caller]
    pub fn through<'a>(&self, domains: impl IntoIterator<Item = &'a str>) -> &FrameResult {
        let claimed: Vec<&str> = domains.into_iter().collect();
        for domain in &claimed {
            known(self.topology().require_domain(domain));
        }
        let fact: Vec<&str> = self.words().domains(self.outcome()).collect();
        if claimed != fact {
            self.fail(format_args!("through {}", listed(&claimed)), format_args!("through {}", listed(&fact)));
        }
        self
    }

    /// The frame was refused at this endpoint, or in this routing domain.
    #[track_caller]
    pub fn at(&self, place: &str) -> &FrameResult {
        known(self.topology().require_place(place));
        let refused_at = self.outcome().verdict.refusal().map(|(_, at)| at).filter(|at| *at != DropLocation::Outside);
        let fact = refused_at.and_then(|at| self.words().at(at));
        self.claim(fact == Some(place), format_args!("refused at {place}"))
    }

    /// This decided: a rule (`sg-db ingress #2`, `sg-db intra-group`), the default of groups (`sg-db ingress default`), a
    /// whitelist (`rm-orders whitelist`), a route (`route 172.16.0.0/12`) or a live session (`session`). What traces call
    /// it.
    #[track_caller]
    pub fn decided_by(&self, name: &str) -> &FrameResult {
        let fact = self.decider();
        if fact.as_deref() != Some(name) {
            let fact = match self.words().cause(self.outcome()) {
                Some(cause) => format!("decided by {}", cause.with_place()),
                None => "nothing that a topology could name decided".to_owned(),
            };
            self.fail(format_args!("decided by {name}"), fact);
        }
        self
    }

    /// A live session spared the frame both ends' groups and whitelists.
    #[track_caller]
    pub fn by_session(&self) -> &FrameResult {
        self.claim(self.outcome().by_session, "let through by a live session")
    }

    /// The frame that began the session which let this one in was itself let in by this; see
    /// [`FrameResult::decided_by`].
    #[track_caller]
    pub fn begun_by(&self, name: &str) -> &FrameResult {
        let begun = Outcome { decider: self.outcome().begun_by, ..*self.outcome() };
        let fact = match self.outcome().decider {
            MatchedRule::Session => self.words().cause(&begun).map(|cause| cause.to_string()),
            _ => None,
        };
        let fact = fact.unwrap_or_else(|| "nothing".to_owned());
        if fact != name {
            self.fail(format_args!("let in by a session that {name} began"), format_args!("{fact} began it"));
        }
        self
    }

    /// No session helped: the frame was judged as a first packet.
    #[track_caller]
    pub fn as_first_packet(&self) -> &FrameResult {
        self.claim(!self.outcome().by_session, "judged as a first packet")
    }

    /// What came out is `packet`, from its IPv4 header on; or the ARP packet. The Ethernet addresses are the fabric's.
    ///
    /// ```
    /// # use biplane::lab::Lab;
    /// # use biplane::wire::build::tcp;
    /// # let mut lab = Lab::open("scenarios/topologies/shop.toml").unwrap();
    /// let syn = tcp("10.45.2.10:40000 > 172.16.2.20:3306").syn();
    /// lab.send("i-web-1", syn.clone()).delivered_to("rm-orders").arrived_as(&syn.ttl(62));
    /// ```
    ///
    /// # Panics
    /// It is not: both stand side by side, field by field. Or not exactly one frame came out.
    #[track_caller]
    pub fn arrived_as(&self, packet: &PacketBuilder) -> &FrameResult {
        let fact = self.only_copy();
        let mut expected = packet.build();
        let addresses = 2 * size_of::<MacAddress>();
        expected[..addresses].copy_from_slice(&fact[..addresses]);
        self.compare_bytes(&expected, fact)
    }

    /// What came out are these bytes, Ethernet header included.
    ///
    /// # Panics
    /// As [`FrameResult::arrived_as`].
    #[track_caller]
    pub fn arrived_as_bytes(&self, expected: &[u8]) -> &FrameResult {
        let fact = self.only_copy();
        self.compare_bytes(expected, fact)
    }

    #[track_caller]
    fn only_copy(&self) -> &[u8] {
        match self.copies() {
            [copy] => &copy.bytes,
            copies => {
                self.fail("one frame came out", format_args!("{} frames came out: {}", copies.len(), self.fact()))
            }
        }
    }

    #[track_caller]
    fn compare_bytes(&self, expected: &[u8], fact: &[u8]) -> &FrameResult {
        if expected != fact {
            let told = wire::side_by_side(["expected", "arrived"], [expected, fact]);
            self.fail("it arrived as expected", format_args!("it differs in the marked fields\n\n{told}"));
        }
        self
    }

    fn is_dropped_for(&self, reason: Reason) -> bool {
        matches!(self.outcome().verdict, Verdict::Dropped { reason: fact, .. } if fact == reason)
    }

    fn told_sender(&self, kind: EmittedKind) -> bool {
        let [sent] = self.sent() else { return false };
        Some(sent.to) == self.outcome().from && sent.emitted.is_some_and(|emitted| emitted.kind == kind)
    }

    /// What became of the frame and all that came out, in words.
    pub(super) fn fact(&self) -> String {
        let mut fact = self.sentence();
        for sent in self.sent() {
            let what = sent.emitted.map_or("the frame", |emitted| emitted.kind.name());
            fact += &format!("; {what} came out at {}", self.name_of(sent.to));
        }
        fact
    }

    #[track_caller]
    fn claim(&self, holds: bool, claim: impl fmt::Display) -> &FrameResult {
        if !holds {
            self.fail(claim, self.fact());
        }
        self
    }

    #[track_caller]
    pub(super) fn fail(&self, claim: impl fmt::Display, fact: impl fmt::Display) -> ! {
        panic!("claim: {claim}\n fact: {fact}\n\n{}", self.explanation());
    }

    /// The trace, and what to do about everything that stands in the packet's way.
    pub(crate) fn explanation(&self) -> String {
        let mut text = self.trace();
        report::blockers_text(&mut text, self.words(), &self.remedied("", ""), Palette::Plain);
        text
    }
}

/// What a claim names must be there: one about a misspelt name would fail, or worse hold, for another cause.
#[track_caller]
pub(super) fn known<T>(found: Result<T, UnknownName>) -> T {
    // No closure: the panic is to name the caller's line.
    match found {
        Ok(found) => found,
        Err(unknown) => panic!("{unknown}"),
    }
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

//! Walks over all pairs of senders and routes, and asks once about each region.

use super::blocks::{AddressBlock, Blocks, Divider, Ends, FilterStep};
use super::classes::{EndpointClass, RouteClass};
use super::filters::{FilterList, Filters, Overlay};
use super::headers::{HeaderPoint, HeaderSet, Ports};
use super::reached::{Reached, ReachedBlocks};
use super::routes::{Receiver, RouteAnswer, RouteMaps, RouteTarget};
use super::{Question, Reach, Selector, SenderShare};
use crate::datapath::{
    FilterAnswer, Filtered, FirstPacket, MatchedRule, Outcome, SourceTraits, Verdict, add_source_cuts, source_traits,
};
use crate::net::{AddressCuts, AddressRange, Protocol, ranges};
use crate::program::{EndpointId, EndpointKind, FixedMap, Program};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// A region of flows: all of them fare alike.
#[derive(Clone, Debug)]
pub struct FlowRegion<'a> {
    /// The senders, and what they send from.
    pub from: RegionEnd<'a>,
    /// The destinations, and their receivers where the flows are permitted.
    pub to: RegionEnd<'a>,
    /// The headers.
    pub headers: &'a HeaderSet,
    /// One of the headers.
    pub witness: HeaderPoint,
    /// What becomes of its first packet.
    pub outcome: Outcome,
    /// What becomes of the reply; `None` where the first packet is not delivered.
    pub reply: Option<Outcome>,
    /// What the sender's groups and the receiver's groups or whitelist say; [`MatchedRule::None`] where neither was asked.
    pub deciders: [MatchedRule; 2],
}

/// One side of a region.
#[derive(Clone, Copy, Debug)]
pub struct RegionEnd<'a> {
    /// The endpoint of all addresses; `None` where each address is that of an endpoint of its own, or of none.
    pub endpoint: Option<EndpointId>,
    /// The addresses.
    pub ranges: &'a [AddressRange],
    /// The endpoint that stands for the first address, if any.
    pub first: Option<EndpointId>,
}

/// What becomes of the reply to a permitted flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReplyFate {
    /// It arrives where the first packet came from.
    Arrives,
    /// It arrives somewhere else.
    Misdelivered,
    /// It is refused.
    Refused,
    /// It leaves the two planes.
    Outside,
    /// Not known.
    Undetermined,
}

impl FlowRegion<'_> {
    /// True where the flows are permitted.
    pub fn is_permitted(&self) -> bool {
        matches!(self.outcome.verdict, Verdict::Delivered { .. })
    }

    /// What becomes of the replies; `None` where there are none.
    pub fn reply_fate(&self) -> Option<ReplyFate> {
        Some(match self.reply?.verdict {
            Verdict::Delivered { to } if Some(to) == self.outcome.from => ReplyFate::Arrives,
            Verdict::Delivered { .. } => ReplyFate::Misdelivered,
            Verdict::Outside | Verdict::Answered => ReplyFate::Outside,
            Verdict::Dropped { .. } => ReplyFate::Refused,
            Verdict::Undetermined(_) => ReplyFate::Undetermined,
        })
    }
}

/// Senders of one class with addresses that the routes treat alike.
struct Sender {
    key: RouteClass,
    /// One of them.
    endpoint: EndpointId,
    /// True where each of the addresses is the sender's own.
    sends_own: bool,
    sources: Vec<AddressRange>,
}

pub(super) struct Engine<'a> {
    reach: &'a Reach,
    program: &'a Program,
    question: &'a Question,
    filters: Filters<'a>,
    maps: RouteMaps<'a>,
    destination_cuts: AddressCuts,
    /// Where only that is asked: what decides. Regions are not told then.
    reached: Option<Reached>,
}

/// What a sender and its route have in common, while its blocks are asked about.
#[derive(Clone, Copy)]
struct EngineRoute<'a> {
    sender: &'a Sender,
    answer: RouteAnswer,
}

impl EngineRoute<'_> {
    fn target(&self) -> Option<RouteTarget> {
        match self.answer {
            RouteAnswer::Forwarded(target) => Some(target),
            RouteAnswer::NotAdmitted(_) | RouteAnswer::Refused(_) => None,
        }
    }
}

/// What a region is made of, before it is asked about.
#[derive(Clone, Copy)]
struct Part<'a> {
    sources: &'a [AddressRange],
    destinations: &'a [AddressRange],
    headers: &'a HeaderSet,
    deciders: [MatchedRule; 2],
}

/// A header for what does not depend on it.
const ANY_HEADER: HeaderPoint = HeaderPoint { protocol: Protocol::TCP, ports: [1, 2] };

type Visitor<'v> = dyn FnMut(&FlowRegion<'_>) + 'v;

impl<'a> Engine<'a> {
    pub(super) fn new(reach: &'a Reach, question: &'a Question) -> Engine<'a> {
        let program: &Program = &reach.program;
        let filters = Filters::new(program, &reach.protocols, question, reach.omitted);
        let maps = RouteMaps::new(program, &reach.classes, reach.omitted);
        let mut destination_cuts = AddressCuts::default();
        question.to.add_cuts(&mut destination_cuts);
        if question.refused && !matches!(question.to, Selector::Any) {
            // Which endpoint a refused packet is for depends on its destination alone.
            let selected = program.owners.iter().map(|(address, _)| *address);
            selected.for_each(|address| destination_cuts.add_address(address));
        }
        destination_cuts.sort();
        Engine { reach, program, question, filters, maps, destination_cuts, reached: None }
    }

    pub(super) fn run(mut self, visit: &mut Visitor<'_>) {
        self.walk(SenderShare::ALL, &mut |_, region| visit(region));
    }

    /// Tells of what the classes of a share send, with the place of each among all of them.
    #[cfg(feature = "cli")]
    pub(super) fn run_share(mut self, share: SenderShare, visit: &mut dyn FnMut(usize, &FlowRegion<'_>)) {
        self.walk(share, visit);
    }

    /// Notes in `reached` what decides, in place of telling of regions.
    pub(super) fn run_for(self, reached: Reached) -> Reached {
        let mut engine = Engine { reached: Some(reached), ..self };
        engine.maps.keep_lookups();
        engine.walk(SenderShare::ALL, &mut |_, _| {});
        engine.reached.expect("what was put there")
    }

    fn walk(&mut self, share: SenderShare, visit: &mut dyn FnMut(usize, &FlowRegion<'_>)) {
        let domain = |class: &&EndpointClass| class.key.route.domain;
        let mut classes: Vec<&EndpointClass> = self.reach.classes.all.iter().collect();
        classes.sort_by_key(domain);
        let mut place = 0;
        for of_domain in classes.chunk_by(|one, other| domain(one) == domain(other)) {
            // What was asked for one domain is of little use to the next one.
            if self.filters.is_large() {
                self.filters = Filters::new(self.program, &self.reach.protocols, self.question, self.reach.omitted);
                self.maps = RouteMaps::new(self.program, &self.reach.classes, self.reach.omitted);
                if let Some(reached) = &mut self.reached {
                    reached.forget_profiles();
                    self.maps.keep_lookups();
                }
            }
            for class in of_domain {
                let own = place;
                place += 1;
                if !share.holds(own) {
                    continue;
                }
                for sender in self.senders(class) {
                    self.send(&sender, &mut |region| visit(own, region));
                }
            }
        }
    }

    /// The ways in which the endpoints of a class send, as far as they are in question.
    fn senders(&self, class: &EndpointClass) -> Vec<Sender> {
        let first = class.members[0];
        let key = class.key.route;
        let mut senders = Vec::new();
        if !self.program.endpoint(first).address.is_unspecified() {
            let address = |id: &EndpointId| self.program.endpoint(*id).address;
            let chosen = class.members.iter().filter(|id| self.question.from.holds(Some(**id), address(id)));
            let mut own: Vec<(Ipv4Addr, EndpointId)> = chosen.map(|id| (address(id), *id)).collect();
            own.sort_unstable();
            if let Some((_, endpoint)) = own.first().copied() {
                let mut sources = Vec::new();
                own.iter().for_each(|(address, _)| AddressRange::one(*address).append_to(&mut sources));
                senders.push(Sender { key, endpoint, sends_own: true, sources });
            }
        }
        let stands_for_others = matches!(key.kind, EndpointKind::Gateway | EndpointKind::CloudServices)
            || self.program.endpoint(first).forwarding;
        if stands_for_others {
            senders.extend(self.senders_for_others(first, &key));
        }
        senders
    }

    /// The same for addresses that are not the sender's own, by what the routes read of them.
    fn senders_for_others(&self, endpoint: EndpointId, key: &RouteClass) -> Vec<Sender> {
        let mut cuts = AddressCuts::default();
        add_source_cuts(self.program, &self.reach.classes.public, endpoint, &mut cuts);
        self.question.from.add_cuts(&mut cuts);
        cuts.sort();
        let mut places: FixedMap<SourceTraits, usize> = FixedMap::default();
        let mut senders: Vec<Sender> = Vec::new();
        let own = self.program.endpoint(endpoint).address;
        for range in cuts.parts(AddressRange::ALL) {
            let source_address = range.first();
            let source = source_traits(self.program, endpoint, source_address);
            let is_own = range.is_single() && source_address == own;
            let counts = source.is_allowed() && !is_own && !ranges::is_martian(source_address);
            if !counts || !self.question.from.holds(Some(endpoint), source_address) {
                continue;
            }
            let place = *places.entry(source).or_insert_with(|| {
                let key = RouteClass { source, ..*key };
                senders.push(Sender { key, endpoint, sends_own: false, sources: Vec::new() });
                senders.len() - 1
            });
            range.append_to(&mut senders[place].sources);
        }
        senders
    }

    /// Asks about everything that one kind of senders sends.
    fn send(&mut self, sender: &Sender, visit: &mut Visitor<'_>) {
        let number = self.maps.number(&sender.key, sender.endpoint, sender.sources[0].first());
        let map = self.maps.map(number);
        let mut places: FixedMap<u32, usize> = FixedMap::default();
        let mut routes: Vec<(u32, Vec<AddressRange>)> = Vec::new();
        for (range, answer) in &map.parts {
            let route = EngineRoute { sender, answer: self.maps.answer(*answer) };
            for part in self.destination_cuts.parts(*range) {
                for part in self.in_question(route, part) {
                    let place = *places.entry(*answer).or_insert_with(|| {
                        routes.push((*answer, Vec::new()));
                        routes.len() - 1
                    });
                    part.append_to(&mut routes[place].1);
                }
            }
        }
        for (answer, destinations) in routes {
            let route = EngineRoute { sender, answer: self.maps.answer(answer) };
            self.follow(route, &destinations, visit);
        }
        if let Some(reached) = &mut self.reached {
            self.maps.looked_up().for_each(|route| reached.note_route(route));
        }
    }

    /// The destinations of `part`, which no cut of the question divides, that are in question.
    fn in_question(&self, route: EngineRoute<'_>, part: AddressRange) -> Vec<AddressRange> {
        let to = &self.question.to;
        match route.target() {
            None if !self.question.refused => Vec::new(),
            None => {
                let owners = if part.is_single() { self.program.candidates(part.first()) } else { Vec::new() };
                let is_host = |id: &&EndpointId| self.program.endpoint(**id).address == part.first();
                let mut hosts = owners.iter().filter(is_host).peekable();
                let holds = match hosts.peek() {
                    Some(_) => hosts.any(|id| to.holds(Some(*id), part.first())),
                    None => to.holds(None, part.first()),
                };
                holds.then_some(part).into_iter().collect()
            }
            Some(RouteTarget { to: Receiver::One(receiver), .. }) => {
                to.holds(Some(receiver), part.first()).then_some(part).into_iter().collect()
            }
            Some(target) if matches!(to, Selector::Any) => {
                debug_assert!(matches!(target.to, Receiver::Owner(_)));
                vec![part]
            }
            Some(target) => {
                let mut chosen = Vec::new();
                for address in u32::from(part.first())..=u32::from(part.last()) {
                    let address = Ipv4Addr::from(address);
                    if to.holds(self.owner(target.to, address), address) {
                        AddressRange::one(address).append_to(&mut chosen);
                    }
                }
                chosen
            }
        }
    }

    /// The endpoint that receives what is for `address`, over a route to owners.
    fn owner(&self, receiver: Receiver, address: Ipv4Addr) -> Option<EndpointId> {
        match receiver {
            Receiver::One(to) => Some(to),
            Receiver::Owner(class) => {
                let class = &self.reach.classes.all[class as usize];
                self.program.host(class.key.route.domain, address)
            }
        }
    }

    fn follow(&mut self, route: EngineRoute<'_>, destinations: &[AddressRange], visit: &mut Visitor<'_>) {
        let sender = route.sender;
        let sources = &sender.sources[..];
        if let RouteAnswer::NotAdmitted(_) = route.answer {
            let deciders = [MatchedRule::None; 2];
            let part = Part { sources, destinations, headers: &self.question.headers, deciders };
            return self.tell(route, part, visit);
        }
        let receiver = route.target().map(|target| self.receiver(sender, target, destinations[0].first()));
        // What decides is asked of no list that other checks keep all packets from.
        let packet = self.packet(sender, [sources[0].first(), destinations[0].first()], ANY_HEADER);
        let is_held_up = self.reached.is_some() && !packet.gets_to_filter(self.program, false);
        let receiver = receiver.filter(|_| !is_held_up);
        let steps = self.steps(sender.endpoint, receiver);
        let ends = Ends { sources, destinations, receiver: route.target().map(|target| target.to) };
        let blocks = self.divider().divide(ends, &steps);
        for source in &blocks.sources {
            for destination in &blocks.destinations {
                match is_held_up {
                    true => _ = self.overlay(&blocks, [source, destination]),
                    false => self.between(route, &blocks, [source, destination], visit),
                }
            }
        }
    }

    /// One of the receivers of a route.
    fn receiver(&self, sender: &Sender, target: RouteTarget, destination: Ipv4Addr) -> EndpointId {
        self.owner(target.to, destination).unwrap_or(sender.endpoint)
    }

    /// The lists that first packets meet.
    fn steps(&self, sender: EndpointId, receiver: Option<EndpointId>) -> Vec<FilterStep> {
        let list = FilterList::of_sender(self.program, sender);
        let egress =
            FilterStep { list, owns_source: true, is_reply: false, sender, receiver: receiver.unwrap_or(sender) };
        let ingress = receiver.map(|receiver| {
            let list = FilterList::of_receiver(self.program, receiver);
            FilterStep { list, owns_source: false, is_reply: false, sender, receiver }
        });
        std::iter::once(egress).chain(ingress).collect()
    }

    fn divider(&mut self) -> Divider<'a, '_> {
        Divider {
            program: self.program,
            classes: &self.reach.classes,
            filters: &mut self.filters,
            maps: &mut self.maps,
        }
    }

    /// Asks about everything between two blocks.
    fn between(&mut self, route: EngineRoute<'_>, blocks: &Blocks, ends: [&AddressBlock; 2], visit: &mut Visitor<'_>) {
        let [source, destination] = ends;
        let overlay = self.overlay(blocks, ends);
        let extra = match route.target() {
            Some(_) if overlay.iter().any(|(answers, _)| self.has_reply(answers)) => {
                self.reply_steps(route, blocks, ends)
            }
            _ => Vec::new(),
        };
        if extra.is_empty() {
            for (answers, headers) in overlay.iter().filter(|(answers, _)| self.question.refused || may_pass(answers)) {
                let deciders = deciders(answers);
                let part = Part { sources: &source.ranges, destinations: &destination.ranges, headers, deciders };
                self.tell(route, part, visit);
            }
            return;
        }
        // Something of the reply is not covered by what the first packet leaves behind: the lists that it meets count too.
        let receiver = route.target().map(|target| self.receiver(route.sender, target, destination.address()));
        let steps = [self.steps(route.sender.endpoint, receiver), extra].concat();
        let target = route.target().map(|target| target.to);
        let inner = Ends { sources: &source.ranges, destinations: &destination.ranges, receiver: target };
        let finer = self.divider().divide(inner, &steps);
        for source in &finer.sources {
            for destination in &finer.destinations {
                let overlay = self.overlay(&finer, [source, destination]);
                for (answers, headers) in
                    overlay.iter().filter(|(answers, _)| self.question.refused || may_pass(&answers[..2]))
                {
                    let deciders = deciders(&answers[..2]);
                    let part = Part { sources: &source.ranges, destinations: &destination.ranges, headers, deciders };
                    self.tell(route, part, visit);
                }
            }
        }
    }

    /// True where replies are asked about. What decides about a reply counts where there may be one.
    fn has_reply(&self, answers: &[Filtered]) -> bool {
        let may_arrive = |filtered: &Filtered| !matches!(filtered.answer, FilterAnswer::Refused(_));
        passes(answers) || (self.reached.is_some() && answers.iter().all(may_arrive))
    }

    /// What the lists between two blocks say together.
    fn overlay(&mut self, blocks: &Blocks, ends: [&AddressBlock; 2]) -> Rc<Overlay> {
        let profiles = blocks.profiles(ends[0], ends[1]);
        let overlay = self.filters.overlay(&profiles);
        if let Some(reached) = &mut self.reached {
            reached.note(ReachedBlocks { steps: blocks.steps(), ends, profiles, overlay: &overlay });
        }
        overlay
    }

    /// The lists that replies meet, where the records of the first packet do not cover them.
    fn reply_steps(&self, route: EngineRoute<'_>, blocks: &Blocks, ends: [&AddressBlock; 2]) -> Vec<FilterStep> {
        let (sender, Some(target)) = (route.sender, route.target()) else { return Vec::new() };
        let [source, destination] = ends;
        let Some(answer) = blocks.reply(source, destination) else { return Vec::new() };
        let to = self.receiver(sender, target, destination.address());
        let back = match self.maps.answer(answer) {
            RouteAnswer::NotAdmitted(_) => return Vec::new(),
            RouteAnswer::Refused(_) => None,
            RouteAnswer::Forwarded(back) => Some(back),
        };
        let packet = self.packet(sender, [source.address(), destination.address()], ANY_HEADER);
        let [at_sender, at_receiver] = packet.covers_reply_from(self.program, to);
        let receiver = back.and_then(|back| self.owner(back.to, source.address()));
        let mut steps = Vec::new();
        let is_reply = true;
        if !at_sender {
            let list = FilterList::of_sender(self.program, to);
            steps.push(FilterStep { list, owns_source: false, is_reply, sender: to, receiver: receiver.unwrap_or(to) });
        }
        // As with first packets, no list counts that other checks keep all replies from.
        let reply = FirstPacket { sender: to, source: packet.destination, destination: packet.source, ..packet };
        let is_held_up = self.reached.is_some() && !reply.gets_to_filter(self.program, at_sender);
        if let Some(receiver) = receiver.filter(|_| !at_receiver && !is_held_up) {
            let list = FilterList::of_receiver(self.program, receiver);
            steps.push(FilterStep { list, owns_source: true, is_reply, sender: to, receiver });
        }
        steps.retain(|step| step.list != FilterList::Open);
        steps
    }

    fn packet(&self, sender: &Sender, ends: [Ipv4Addr; 2], header: HeaderPoint) -> FirstPacket {
        let [source, destination] = ends;
        let own = self.program.host(sender.key.domain, source).filter(|_| sender.sends_own);
        let HeaderPoint { protocol, ports } = header;
        FirstPacket { sender: own.unwrap_or(sender.endpoint), source, destination, protocol, ports }
    }

    /// Asks about one region, and tells of it.
    fn tell(&self, route: EngineRoute<'_>, part: Part<'_>, visit: &mut Visitor<'_>) {
        let Part { sources, destinations, headers, deciders } = part;
        if self.reached.is_some() {
            return;
        }
        let witness = self.witness(headers);
        let packet = self.packet(route.sender, [sources[0].first(), destinations[0].first()], witness);
        let outcome = packet.outcome(self.program);
        let reply = packet.reply_outcome(self.program);
        let may_pass = reply.is_some() || matches!(outcome.verdict, Verdict::Undetermined(_));
        if !may_pass && !self.question.refused {
            return;
        }
        let receiver = route.target().and_then(|target| self.owner(target.to, packet.destination));
        let one = match route.target() {
            Some(RouteTarget { to: Receiver::One(to), .. }) => Some(to),
            _ => None,
        };
        let from = RegionEnd {
            endpoint: (!route.sender.sends_own).then_some(route.sender.endpoint),
            ranges: sources,
            first: Some(packet.sender),
        };
        let to = RegionEnd { endpoint: one, ranges: destinations, first: receiver };
        visit(&FlowRegion { from, to, headers, witness, outcome, reply, deciders });
    }

    /// One of the headers: with usual ports where there is a choice.
    fn witness(&self, headers: &HeaderSet) -> HeaderPoint {
        const USUAL_SOURCE: u16 = 40_000;
        let Some(header) = headers.boxes().next() else {
            return HeaderPoint { protocol: Protocol::TCP, ports: [USUAL_SOURCE, 1] };
        };
        let protocol = self.reach.protocols.representative(header.class);
        let pick = |(first, last): Ports, usual: u16| {
            if first <= usual && usual <= last { usual } else { first }
        };
        let destination = pick(header.destination_ports, header.destination_ports.0.max(1));
        let ports = if protocol.has_ports() { [pick(header.source_ports, USUAL_SOURCE), destination] } else { [0; 2] };
        HeaderPoint { protocol, ports }
    }
}

/// False where the first list that does not let packets through refuses them: where it cannot tell, they may pass.
fn may_pass(answers: &[Filtered]) -> bool {
    let first = answers.iter().find(|filtered| filtered.answer != FilterAnswer::Passed);
    first.is_none_or(|filtered| filtered.answer == FilterAnswer::Undetermined)
}

fn passes(answers: &[Filtered]) -> bool {
    answers.iter().all(|filtered| filtered.answer == FilterAnswer::Passed)
}

/// What the lists of both ends of a first packet say.
fn deciders(answers: &[Filtered]) -> [MatchedRule; 2] {
    [0, 1].map(|place| answers.get(place).map_or(MatchedRule::None, |filtered| filtered.decider))
}

//! What the groups and whitelists of endpoints say about all headers.
//!
//! A list divides addresses by its own cuts, and headers by its own cuts; what it says of each pair of both is asked of
//! the checks that forward, once, and remembered as a [`FilterProfile`].

use super::headers::{HeaderBox, HeaderPoint, HeaderSet, Ports, ProtocolClasses, meets};
use super::interner::Interner;
use super::profile::{AskedGrid, FilterProfile, HeaderGrid, Together, parts_between, smallest};
use super::{CutKind, Question};
use crate::datapath::{FilterAnswer, Filtered, FirstPacket, MatchedRule, sender_traits};
use crate::net::{AddressCuts, AddressRange, Ipv4Net, Protocol, ranges};
use crate::program::{AclId, EndpointId, FixedMap, Program, WhitelistId};
use crate::table::acl::RuleCuts;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// A list of one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum FilterList {
    /// None: everything passes.
    Open,
    Egress(AclId),
    Ingress(AclId),
    Whitelist(WhitelistId),
}

impl FilterList {
    pub(super) fn of_sender(program: &Program, id: EndpointId) -> FilterList {
        program.endpoint(id).egress.map_or(FilterList::Open, FilterList::Egress)
    }

    pub(super) fn of_receiver(program: &Program, id: EndpointId) -> FilterList {
        let endpoint = program.endpoint(id);
        match (endpoint.whitelist, endpoint.ingress) {
            (Some(whitelist), _) => FilterList::Whitelist(whitelist),
            (None, Some(acl)) => FilterList::Ingress(acl),
            (None, None) => FilterList::Open,
        }
    }
}

/// Where the answers of a list can change.
struct ListCuts {
    own: AddressCuts,
    peer: AddressCuts,
    sets: Vec<u32>,
    /// The members of the sets, asked for where a range of addresses is divided.
    members: Option<Vec<u32>>,
    /// For packets in question, and for replies to them, whose ports are the other way round.
    headers: [Vec<HeaderGrid>; 2],
    /// By the number that addresses of the same sets share: which of the sets that this list names they are in.
    by_run: FixedMap<u32, u32>,
    named: Interner<Vec<u32>>,
    peers: Interner<(usize, u32)>,
}

/// A question to a list: between which ends.
#[derive(Clone, Copy)]
pub(super) struct FilterQuestion {
    pub(super) list: FilterList,
    pub(super) sender: EndpointId,
    pub(super) receiver: EndpointId,
    /// The address on the list's own side.
    pub(super) own: Ipv4Addr,
    pub(super) peer: Ipv4Addr,
    /// True where it is about replies to the packets in question.
    pub(super) is_reply: bool,
}

impl FilterQuestion {
    /// What the list says about one header.
    fn answer(&self, program: &Program, header: HeaderPoint) -> Filtered {
        let HeaderPoint { protocol, ports } = header;
        let FilterQuestion { list, sender, receiver, own, peer, .. } = *self;
        let outgoing = FirstPacket { sender, source: own, destination: peer, protocol, ports };
        match list {
            FilterList::Open => Filtered { answer: FilterAnswer::Passed, decider: MatchedRule::None },
            FilterList::Egress(_) => outgoing.egress_answer(program),
            FilterList::Ingress(_) | FilterList::Whitelist(_) => {
                let incoming = FirstPacket { source: peer, destination: own, ..outgoing };
                incoming.ingress_answer(program, receiver)
            }
        }
    }
}

/// What each profile is known by: the list, where its addresses lie, and what else of the sender it looks at.
type ProfileKey = (FilterList, usize, u32, [bool; 3]);

/// All that was asked of lists.
pub(super) struct Filters<'a> {
    program: &'a Program,
    classes: &'a ProtocolClasses,
    /// The headers in question.
    within: HeaderSet,
    /// True where all headers are in question.
    is_whole: bool,
    by_rule: bool,
    omitted: Option<CutKind>,
    lists: FixedMap<FilterList, ListCuts>,
    known: FixedMap<ProfileKey, u32>,
    profiles: Interner<FilterProfile>,
    answers: Interner<Filtered>,
    overlays: FixedMap<Vec<(u32, bool)>, Rc<Overlay>>,
}

/// Headers for which several lists together say the same: the answer of each list, and the headers.
pub(super) type Overlay = Vec<(Vec<Filtered>, HeaderSet)>;

impl<'a> Filters<'a> {
    pub(super) fn new(
        program: &'a Program,
        classes: &'a ProtocolClasses,
        question: &Question,
        omitted: Option<CutKind>,
    ) -> Filters<'a> {
        Filters {
            program,
            classes,
            within: question.headers.clone(),
            is_whole: question.headers == HeaderSet::all(classes),
            by_rule: question.by_rule,
            omitted,
            lists: FixedMap::default(),
            known: FixedMap::default(),
            profiles: Interner::default(),
            answers: Interner::default(),
            overlays: FixedMap::default(),
        }
    }

    /// True where so much is remembered that it is better asked again.
    pub(super) fn is_large(&self) -> bool {
        const LARGE: usize = 4096;
        self.known.len() + self.overlays.len() > LARGE
    }

    /// Which part of its own side's addresses, as the list divides them, holds `address`.
    pub(super) fn own_part(&mut self, list: FilterList, address: Ipv4Addr) -> usize {
        self.list(list).own.position(address)
    }

    /// The parts of `range` that the list tells apart as addresses of its own side.
    pub(super) fn own_parts(&mut self, list: FilterList, range: AddressRange) -> Vec<AddressRange> {
        self.list(list).own.parts(range).collect()
    }

    /// The parts of `range` that the list tells apart as addresses of its far side.
    pub(super) fn peer_parts(&mut self, list: FilterList, range: AddressRange) -> Vec<AddressRange> {
        let (program, keeps_members) = (self.program, self.omitted != Some(CutKind::Members));
        let cuts = self.list(list);
        let mut all = AddressCuts::default();
        cuts.peer.parts(range).for_each(|part| all.add(part));
        if keeps_members {
            let sets = &cuts.sets;
            let members = cuts.members.get_or_insert_with(|| program.address_sets.members_of_any(sets));
            let from = members.partition_point(|member| Ipv4Addr::from(*member) < range.first());
            let inside = members[from..].iter().take_while(|member| Ipv4Addr::from(**member) <= range.last());
            inside.for_each(|member| all.add_address((*member).into()));
        }
        all.sort();
        all.parts(range).collect()
    }

    /// What a list says about all headers in question; equal numbers say the same.
    pub(super) fn profile(&mut self, question: &FilterQuestion) -> u32 {
        let FilterQuestion { list, sender, receiver, own, peer, is_reply } = *question;
        let program = self.program;
        let [is_cloud, balances_load] = match list {
            FilterList::Open | FilterList::Egress(_) => [false; 2],
            FilterList::Ingress(_) | FilterList::Whitelist(_) => sender_traits(program, sender, receiver),
        };
        let cuts = self.list(list);
        let key = (list, cuts.own.position(own), cuts.peer_part(program, peer), [is_cloud, balances_load, is_reply]);
        if let Some(profile) = self.known.get(&key) {
            return *profile;
        }
        let grids = self.list(list).headers[usize::from(is_reply)].clone();
        let grids = grids.into_iter().map(|grid| self.ask(&grid, question));
        let profile = FilterProfile { grids: grids.collect() };
        let number = self.profiles.number(profile);
        self.known.insert(key, number);
        number
    }

    /// Asks about each part of the headers of one class.
    fn ask(&mut self, grid: &HeaderGrid, question: &FilterQuestion) -> (HeaderGrid, Vec<u32>) {
        let protocol = self.classes.representative(grid.class.into());
        let mut answers = Vec::with_capacity(grid.source_ports.len() * grid.destination_ports.len());
        for (from, _) in &grid.source_ports {
            for (to, _) in &grid.destination_ports {
                let Filtered { answer, decider } =
                    question.answer(self.program, HeaderPoint { protocol, ports: [*from, *to] });
                let decider = if self.by_rule { decider } else { MatchedRule::None };
                let filtered = Filtered { answer, decider };
                answers.push(self.answers.number(filtered));
            }
        }
        smallest(grid, &answers)
    }

    /// What several lists say together; those marked are asked about the reply, whose ports are the other way round.
    pub(super) fn overlay(&mut self, profiles: &[(u32, bool)]) -> Rc<Overlay> {
        if let Some(known) = self.overlays.get(profiles) {
            return Rc::clone(known);
        }
        let mut together = Together::default();
        for class in 0..self.classes.len() {
            let grids = profiles.iter().map(|(profile, is_reply)| {
                let (grid, answers) = self.profiles.value(*profile).grid(class)?;
                let ports = [&grid.source_ports[..], &grid.destination_ports];
                let [source_ports, destination_ports] = if *is_reply { [ports[1], ports[0]] } else { ports };
                let columns = grid.destination_ports.len();
                Some(AskedGrid { source_ports, destination_ports, answers, columns, is_reply: *is_reply })
            });
            if let Some(grids) = grids.collect::<Option<Vec<AskedGrid<'_>>>>() {
                together.add(class, &grids);
            }
        }
        let mut overlay = Overlay::new();
        for (answers, boxes) in together.parts {
            let mut headers = HeaderSet::of_boxes(&boxes);
            if !self.is_whole {
                headers = headers.intersection(&self.within);
            }
            if !headers.is_empty() {
                let answers = answers[..profiles.len()].iter().map(|answer| *self.answers.value(*answer)).collect();
                overlay.push((answers, headers));
            }
        }
        let overlay = Rc::new(overlay);
        self.overlays.insert(profiles.to_vec(), Rc::clone(&overlay));
        overlay
    }

    fn list(&mut self, list: FilterList) -> &mut ListCuts {
        if !self.lists.contains_key(&list) {
            let cuts = self.cuts_of(list);
            self.lists.insert(list, cuts);
        }
        self.lists.get_mut(&list).expect("a list that was just put there")
    }

    fn cuts_of(&self, list: FilterList) -> ListCuts {
        let program = self.program;
        let mut rules = match list {
            FilterList::Egress(acl) | FilterList::Ingress(acl) => RuleCuts::new(program.acl(acl).rules()),
            FilterList::Open | FilterList::Whitelist(_) => RuleCuts::default(),
        };
        let keeps = |kind| self.omitted != Some(kind);
        let headers = [false, true].map(|is_reply| {
            let grids = (0..self.classes.len()).map(|class| self.grid(class, &rules, is_reply));
            grids.filter(|grid| !grid.source_ports.is_empty() && !grid.destination_ports.is_empty()).collect()
        });
        if let FilterList::Whitelist(whitelist) = list {
            let entries: &[Ipv4Net] = &program.whitelists[whitelist.index()].entries;
            entries.iter().filter(|_| keeps(CutKind::Whitelists)).for_each(|entry| rules.peer.add(*entry));
        }
        if !keeps(CutKind::Peers) {
            rules.peer = AddressCuts::default();
        }
        // Egress to this address is never filtered.
        rules.peer.add_address(ranges::METADATA);
        rules.peer.sort();
        ListCuts {
            own: rules.own,
            peer: rules.peer,
            sets: rules.sets,
            members: None,
            headers,
            by_run: FixedMap::default(),
            named: Interner::default(),
            peers: Interner::default(),
        }
    }

    /// The parts of the headers of one class that lie in question.
    fn grid(&self, class: usize, rules: &RuleCuts, is_reply: bool) -> HeaderGrid {
        let protocol = self.classes.representative(class);
        let within: Vec<HeaderBox> = self.within.boxes().filter(|header| header.class == class).collect();
        let ports = |starts: Vec<u16>, ends: fn(&HeaderBox) -> Ports| -> Vec<Ports> {
            // Only parts that meet what is in question are asked about.
            let whole = parts_between(starts);
            whole.into_iter().filter(|part| within.iter().any(|header| meets(ends(header), *part))).collect()
        };
        let ends: [fn(&HeaderBox) -> Ports; 2] = [|header| header.source_ports, |header| header.destination_ports];
        let [source, destination] = if is_reply { [ends[1], ends[0]] } else { ends };
        let keeps = |kind| self.omitted != Some(kind);
        let cut = |kind, starts: Vec<u16>| if keeps(kind) { starts } else { vec![0] };
        HeaderGrid {
            class: class as u16,
            source_ports: ports(cut(CutKind::SourcePorts, rules.source_ports(protocol)), source),
            destination_ports: ports(cut(CutKind::Ports, rules.destination_ports(protocol)), destination),
        }
    }
}

impl ListCuts {
    /// A number that addresses share which the list does not tell apart as its far side's.
    fn peer_part(&mut self, program: &Program, peer: Ipv4Addr) -> u32 {
        let position = self.peer.position(peer);
        let named = match program.address_sets.run_holding(peer) {
            None => self.named.number(Vec::new()),
            Some(run) => match self.by_run.get(&run) {
                Some(named) => *named,
                None => {
                    let holding = program.address_sets.numbers_holding(peer);
                    let named = holding.iter().copied().filter(|set| self.sets.binary_search(set).is_ok()).collect();
                    let number = self.named.number(named);
                    self.by_run.insert(run, number);
                    number
                }
            },
        };
        self.peers.number((position, named))
    }
}

/// The protocols that any rule of a program names.
pub fn named_protocols(program: &Program) -> Vec<Protocol> {
    let mut named = [false; 256];
    for acl in program.acls.iter() {
        acl.rules().iter().filter_map(|rule| rule.protocol).for_each(|protocol| named[usize::from(protocol.0)] = true);
    }
    (0..=u8::MAX).map(Protocol).filter(|protocol| named[usize::from(protocol.0)]).collect()
}

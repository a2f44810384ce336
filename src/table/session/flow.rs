//! What a flow is called: a 5-tuple within a pair of routing domains, or at one end alone.

use crate::net::Protocol;

/// One end of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowEnd {
    /// The routing domain, a dense id.
    pub domain: u32,
    /// The address.
    pub address: u32,
    /// The port; 0 for protocols without ports.
    pub port: u16,
}

/// Which way along a flow a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the key's first end to its second.
    Forth,
    /// From the second to the first.
    Back,
}

impl Direction {
    /// The place of the end that a packet of this direction comes from; the other one of 0 and 1 is where it goes.
    #[inline]
    pub const fn source(self) -> usize {
        self as usize
    }
}

/// A 5-tuple, the same for both directions of a flow. It can be told from the packet alone, before it is known which
/// routing domains the packet goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(C)]
pub struct Tuple {
    /// Address and port of the first end, the protocol above them, and [`TAKEN`].
    first: u64,
    /// Address and port of the second end.
    second: u64,
}

/// Set in every tuple, so that zeroed memory holds none.
const TAKEN: u64 = 1 << 63;

const PROTOCOL: u32 = 48;

/// What stands for the first port of ICMP echo: the type of a request.
const ECHO_FAMILY: u16 = 8;

fn pack(address: u32, port: u16) -> u64 {
    u64::from(address) << 16 | u64::from(port)
}

impl Tuple {
    /// What stands where no flow does.
    pub(super) const NONE: Tuple = Tuple { first: 0, second: 0 };

    /// The tuple of a packet from address and port `source` to `destination`, and which way along the flow it goes. With
    /// twice the same end it may be either way: the domains tell, see [`FlowKey::new`].
    #[inline]
    pub fn new(protocol: Protocol, source: (u32, u16), destination: (u32, u16)) -> (Tuple, Direction) {
        let (source, destination) = (pack(source.0, source.1), pack(destination.0, destination.1));
        // Minimum and maximum without a branch: in mixed traffic nothing could predict it.
        let (first, second) = (source.min(destination), source.max(destination));
        let direction = if source <= destination { Direction::Forth } else { Direction::Back };
        (Tuple::of(protocol, first, second), direction)
    }

    /// The tuple of an ICMP echo request or reply, whose first end is the one that asks: see [`FlowKey::icmp`].
    #[inline]
    pub fn of_echo(is_reply: bool, identifier: u16, source: u32, destination: u32) -> (Tuple, Direction) {
        let (asker, asked) = if is_reply { (destination, source) } else { (source, destination) };
        let tuple = Tuple::of(Protocol::ICMP, pack(asker, ECHO_FAMILY), pack(asked, identifier));
        (tuple, if is_reply { Direction::Back } else { Direction::Forth })
    }

    fn of(protocol: Protocol, first: u64, second: u64) -> Tuple {
        Tuple { first: TAKEN | u64::from(protocol.0) << PROTOCOL | first, second }
    }

    /// True where both ends have one address and one port.
    #[inline]
    pub fn has_equal_ends(&self) -> bool {
        self.first << 16 == self.second << 16
    }

    /// True for [`Tuple::NONE`].
    #[inline]
    pub(super) fn is_none(&self) -> bool {
        self.first == 0
    }

    /// The protocol.
    pub fn protocol(&self) -> Protocol {
        Protocol((self.first >> PROTOCOL) as u8)
    }

    /// Address and port of both ends. ICMP ends carry the family and the identifier for ports.
    pub fn ends(&self) -> [(u32, u16); 2] {
        [self.first, self.second].map(|end| ((end >> 16) as u32, end as u16))
    }

    /// A hash of all fields, equal on every machine.
    #[inline]
    pub fn hash(&self) -> u64 {
        const MULTIPLIER: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
        let fold = |a: u64, b: u64| {
            let product = u128::from(a) * u128::from(b);
            (product as u64) ^ ((product >> 64) as u64)
        };
        // A factor of 0 would give all flows with that end one hash. It cannot be chosen: bits 56 to 62 of the first
        // word and bits 48 to 63 of the second are 0 in every tuple, and those of the multipliers are not.
        let mixed = fold(self.first ^ MULTIPLIER as u64, self.second ^ (MULTIPLIER >> 64) as u64);
        fold(mixed ^ 0x2545_f491_4f6c_dd1d, MULTIPLIER as u64)
    }
}

/// A flow, the same for both of its directions: within a pair of routing domains, for both ends; or at one end alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(C)]
pub struct FlowKey {
    pub(super) tuple: Tuple,
    /// The domains; where one end alone is meant, that end and its side with [`OF_END`], and the domain of the other end.
    pub(super) domains: [u32; 2],
}

/// One end of a flow that has an entry of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndKey {
    /// Which end of the tuple it stands for: 0 or 1.
    pub side: usize,
    /// A number of the caller's, below 2^30.
    pub end: u32,
    /// The routing domain of the other end; `None` where it may be any.
    pub other: Option<u32>,
}

/// In the first word of the key of one end. Domains are fewer than 2^31.
const OF_END: u32 = 1 << 31;
/// Beside it: the second end of the tuple.
const SECOND: u32 = 1 << 30;
/// Stands for any domain.
const ANY: u32 = u32::MAX;

impl FlowKey {
    /// The key of a packet from `source` to `destination`, and which way along the flow it goes. Either direction
    /// of the flow gives the same key.
    pub fn new(protocol: Protocol, source: FlowEnd, destination: FlowEnd) -> (FlowKey, Direction) {
        let end = |end: FlowEnd| (end.address, end.port);
        let known = Tuple::new(protocol, end(source), end(destination));
        FlowKey::of_tuple(known, source.domain, destination.domain)
    }

    /// The same where the packet's own part is known: what [`Tuple::new`] gave, and the domains of source and
    /// destination.
    #[inline]
    pub fn of_tuple((tuple, direction): (Tuple, Direction), source: u32, destination: u32) -> (FlowKey, Direction) {
        // Where both ends have one address and one port, the packet alone does not show which way it goes: then the end
        // in the smaller domain is the first one, so that both directions give one key.
        let turns = direction == Direction::Back || (tuple.has_equal_ends() && source > destination);
        if turns {
            (FlowKey { tuple, domains: [destination, source] }, Direction::Back)
        } else {
            (FlowKey { tuple, domains: [source, destination] }, Direction::Forth)
        }
    }

    /// The key of ICMP message type `kind`. Queries and their replies share a key that depends on who asks, so that
    /// two hosts asking each other under one identifier keep two flows; the families are echo (8/0), timestamp
    /// (13/14), information (15/16) and address mask (17/18). Any other type is a family of its own, without
    /// identifier.
    pub fn icmp(kind: u8, identifier: u16, source: FlowEnd, destination: FlowEnd) -> (FlowKey, Direction) {
        let (family, is_reply) = match kind {
            8 => (8, false),
            0 => (8, true),
            13 | 15 | 17 => (kind, false),
            14 | 16 | 18 => (kind - 1, true),
            other => {
                // One port at both ends, so that the addresses alone decide which end is first, and both directions
                // share a key. The identifier is left out: only queries and their replies have one.
                let port = u16::from(other);
                return FlowKey::new(Protocol::ICMP, FlowEnd { port, ..source }, FlowEnd { port, ..destination });
            }
        };
        let (asker, asked) = if is_reply { (destination, source) } else { (source, destination) };
        let tuple = Tuple::of(Protocol::ICMP, pack(asker.address, family.into()), pack(asked.address, identifier));
        let direction = if is_reply { Direction::Back } else { Direction::Forth };
        (FlowKey { tuple, domains: [asker.domain, asked.domain] }, direction)
    }

    /// The key of one end alone of a flow with `tuple`.
    pub fn of_end(tuple: Tuple, EndKey { side, end, other }: EndKey) -> FlowKey {
        debug_assert!(end < SECOND, "a number below 2^30");
        let side = if side == 0 { 0 } else { SECOND };
        FlowKey { tuple, domains: [OF_END | side | end, other.unwrap_or(ANY)] }
    }

    /// True for the key of one end alone.
    #[inline]
    pub fn is_of_end(&self) -> bool {
        self.domains[0] & OF_END != 0
    }

    /// The end that the key is of; `None` for that of a pair of domains.
    pub fn end(&self) -> Option<EndKey> {
        let [end, other] = self.domains;
        let side = usize::from(end & SECOND != 0);
        let key = EndKey { side, end: end & (SECOND - 1), other: (other != ANY).then_some(other) };
        self.is_of_end().then_some(key)
    }

    /// The two ends as a packet going `direction` has them: source, then destination. ICMP ends carry the family
    /// and the identifier for ports. In the key of one end alone the domains mean nothing.
    pub fn ends(&self, direction: Direction) -> (FlowEnd, FlowEnd) {
        let ends = self.tuple.ends();
        let end = |place: usize| FlowEnd { domain: self.domains[place], address: ends[place].0, port: ends[place].1 };
        (end(direction.source()), end(1 - direction.source()))
    }

    /// The part that the packet alone tells.
    #[inline]
    pub fn tuple(&self) -> &Tuple {
        &self.tuple
    }

    /// The domains of the first and the second end, where the key is that of a pair.
    #[inline]
    pub fn domains(&self) -> [u32; 2] {
        self.domains
    }

    /// The protocol.
    pub fn protocol(&self) -> Protocol {
        self.tuple.protocol()
    }

    /// The hash of its tuple: flows that differ in their domains alone have one.
    #[inline]
    pub fn hash(&self) -> u64 {
        self.tuple.hash()
    }
}

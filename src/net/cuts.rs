//! Ranges of addresses, and where answers about addresses can change.

use super::Ipv4Net;
use std::fmt;
use std::net::Ipv4Addr;

/// The addresses from one to another, both inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AddressRange {
    first: u32,
    last: u32,
}

impl AddressRange {
    /// All addresses.
    pub const ALL: AddressRange = AddressRange { first: 0, last: u32::MAX };

    /// The addresses from `first` to `last`; `None` where they are the wrong way round.
    pub fn new(first: Ipv4Addr, last: Ipv4Addr) -> Option<AddressRange> {
        let (first, last) = (first.into(), last.into());
        (first <= last).then_some(AddressRange { first, last })
    }

    /// One address alone.
    pub fn one(address: Ipv4Addr) -> AddressRange {
        AddressRange { first: address.into(), last: address.into() }
    }

    /// The lowest address.
    pub fn first(self) -> Ipv4Addr {
        self.first.into()
    }

    /// The highest address.
    pub fn last(self) -> Ipv4Addr {
        self.last.into()
    }

    /// The number of addresses.
    pub fn count(self) -> u64 {
        u64::from(self.last) - u64::from(self.first) + 1
    }

    /// True for one address alone.
    pub fn is_single(self) -> bool {
        self.first == self.last
    }

    /// True where `address` lies in the range.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        (self.first..=self.last).contains(&address.into())
    }

    /// The addresses of both; `None` where they have none in common.
    pub fn intersection(self, other: AddressRange) -> Option<AddressRange> {
        let (first, last) = (self.first.max(other.first), self.last.min(other.last));
        (first <= last).then_some(AddressRange { first, last })
    }

    /// Makes the range end where `next` does, if `next` begins right after it; tells whether it does.
    pub fn extend_by(&mut self, next: AddressRange) -> bool {
        let touches = self.last.checked_add(1) == Some(next.first);
        if touches {
            self.last = next.last;
        }
        touches
    }

    /// Appends the range to `ranges`, which are sorted and end before it; as a part of the last one where they touch.
    pub fn append_to(self, ranges: &mut Vec<AddressRange>) {
        if !ranges.last_mut().is_some_and(|previous| previous.extend_by(self)) {
            ranges.push(self);
        }
    }

    /// The fewest prefixes that hold exactly the addresses of the range.
    pub fn prefixes(self) -> Vec<Ipv4Net> {
        let subnets = ipnet::Ipv4Subnets::new(self.first(), self.last(), 0);
        subnets.collect()
    }
}

impl From<Ipv4Net> for AddressRange {
    fn from(prefix: Ipv4Net) -> AddressRange {
        AddressRange { first: prefix.network().into(), last: prefix.broadcast().into() }
    }
}

/// An address, a prefix, or `first-last`.
impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefixes()[..] {
            _ if self.is_single() => write!(f, "{}", self.first()),
            [prefix] => write!(f, "{prefix}"),
            _ => write!(f, "{}-{}", self.first(), self.last()),
        }
    }
}

/// The places in the address space at which an answer can change: the first addresses of the ranges between them.
///
/// Each table that answers for addresses adds its own, so between two neighbours no answer of any of them changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressCuts {
    starts: Vec<u32>,
    is_sorted: bool,
}

impl AddressCuts {
    /// An answer is another one inside of `range`.
    pub fn add(&mut self, range: impl Into<AddressRange>) {
        let AddressRange { first, last } = range.into();
        self.starts.push(first);
        self.starts.extend(last.checked_add(1));
        self.is_sorted = false;
    }

    /// An answer is another one for `address`.
    pub fn add_address(&mut self, address: Ipv4Addr) {
        self.add(AddressRange::one(address));
    }

    /// Puts the cuts in order; to be called once all are there.
    pub fn sort(&mut self) {
        self.starts.sort_unstable();
        self.starts.dedup();
        self.is_sorted = true;
    }

    /// The number of cuts below and at `address`: equal for addresses that no cut divides.
    pub fn position(&self, address: Ipv4Addr) -> usize {
        debug_assert!(self.is_sorted || self.starts.is_empty());
        self.starts.partition_point(|start| *start <= u32::from(address))
    }

    /// The parts of `range` that no cut divides, in order.
    pub fn parts(&self, range: AddressRange) -> impl Iterator<Item = AddressRange> + '_ {
        let mut position = self.position(range.first());
        let mut next = Some(range.first);
        std::iter::from_fn(move || {
            let first = next?;
            let end = self.starts.get(position).copied().filter(|start| *start <= range.last);
            position += 1;
            next = end;
            Some(AddressRange { first, last: end.map_or(range.last, |start| start - 1) })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: &str, last: &str) -> AddressRange {
        AddressRange::new(first.parse().expect("an address"), last.parse().expect("an address")).expect("a range")
    }

    #[test]
    fn cuts_divide_a_range_before_and_behind_each_prefix() {
        let mut cuts = AddressCuts::default();
        cuts.add("10.0.0.0/30".parse::<Ipv4Net>().expect("a prefix"));
        cuts.add_address(Ipv4Addr::new(10, 0, 0, 2));
        cuts.add("240.0.0.0/4".parse::<Ipv4Net>().expect("a prefix"));
        cuts.sort();
        let parts: Vec<String> = cuts.parts(range("9.255.255.255", "10.0.0.9")).map(|part| part.to_string()).collect();
        assert_eq!(parts, ["9.255.255.255", "10.0.0.0/31", "10.0.0.2", "10.0.0.3", "10.0.0.4-10.0.0.9"]);
        assert_eq!(cuts.parts(AddressRange::ALL).map(AddressRange::count).sum::<u64>(), 1 << 32);
        assert_eq!(cuts.position(Ipv4Addr::new(10, 0, 0, 0)), cuts.position(Ipv4Addr::new(10, 0, 0, 1)));
        assert_ne!(cuts.position(Ipv4Addr::new(10, 0, 0, 1)), cuts.position(Ipv4Addr::new(10, 0, 0, 2)));
        assert_eq!(AddressCuts::default().parts(AddressRange::ALL).collect::<Vec<_>>(), [AddressRange::ALL]);
    }

    #[test]
    fn ranges_that_touch_become_one() {
        let mut ranges = Vec::new();
        for part in [range("10.0.0.0", "10.0.0.1"), range("10.0.0.2", "10.0.0.3"), range("10.0.0.5", "10.0.0.5")] {
            part.append_to(&mut ranges);
        }
        assert_eq!(ranges, [range("10.0.0.0", "10.0.0.3"), range("10.0.0.5", "10.0.0.5")]);
        assert_eq!(
            range("10.0.0.5", "10.0.0.9").intersection(range("10.0.0.9", "10.0.0.9")).map(AddressRange::count),
            Some(1)
        );
        assert_eq!(range("10.0.0.5", "10.0.0.8").intersection(range("10.0.0.9", "10.0.0.9")), None);
    }
}

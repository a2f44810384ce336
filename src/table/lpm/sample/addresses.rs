//! Addresses that suit a table.

use ipnet::Ipv4Net;

use crate::table::Random;

/// Which addresses are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A random host of a random route.
    Covered,
    /// Any address.
    Uniform,
    /// A random host of a route, whose rank among the routes, in random order, is drawn with frequency one over rank.
    Zipf,
    /// An address that no route covers.
    Missing,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 4] = [Kind::Covered, Kind::Uniform, Kind::Zipf, Kind::Missing];

    /// In small letters.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Covered => "covered",
            Kind::Uniform => "uniform",
            Kind::Zipf => "zipf",
            Kind::Missing => "missing",
        }
    }
}

/// Draws addresses to look up in one table.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// In random order.
    prefixes: Vec<Ipv4Net>,
    /// For each rank the sum of one over rank up to there.
    zipf: Vec<f64>,
    /// The runs of addresses that no route covers: how many addresses below it are covered, and how many up to its end
    /// are not.
    gaps: Vec<(u64, u64)>,
}

impl Addresses {
    /// For a table of `routes`, by network address and shorter prefixes first.
    pub fn new(routes: &[(Ipv4Net, u32)], random: &mut Random) -> Addresses {
        let (mut gaps, mut covered, mut uncovered) = (Vec::new(), 0_u64, 0_u64);
        let ends = routes.iter().map(|(prefix, _)| (prefix.network(), u64::from(u32::from(prefix.broadcast())) + 1));
        for (start, end) in ends.map(|(start, end)| (u64::from(u32::from(start)), end)).chain([(1 << 32, 0)]) {
            if start > covered {
                // The uncovered address number `draw`, counted from 0, is `draw` plus the covered addresses below it.
                // Those are the same for all addresses of a gap, so this one number per gap suffices.
                let covered_below = covered - uncovered;
                uncovered += start - covered;
                gaps.push((covered_below, uncovered));
            }
            covered = covered.max(end);
        }
        let mut prefixes: Vec<Ipv4Net> = routes.iter().map(|(prefix, _)| *prefix).collect();
        random.shuffle(&mut prefixes);
        let mut sum = 0.0;
        let sums = (1..=routes.len()).map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        });
        Addresses { prefixes, zipf: sums.collect(), gaps }
    }

    /// `count` addresses, as numbers in host order; none where there is no such address: all are missing in an empty
    /// table, and none where the default route is.
    pub fn draw(&self, kind: Kind, count: usize, random: &mut Random) -> Vec<u32> {
        (0..count).map_while(|_| self.one(kind, random)).collect()
    }

    fn one(&self, kind: Kind, random: &mut Random) -> Option<u32> {
        match kind {
            Kind::Covered => {
                let route = random.below(self.prefixes.len());
                Some(random.host(*self.prefixes.get(route)?))
            }
            Kind::Uniform => Some(random.next()),
            Kind::Zipf => {
                let draw = f64::from(random.next()) / (f64::from(u32::MAX) + 1.0) * self.zipf.last()?;
                let rank = self.zipf.partition_point(|sum| *sum <= draw);
                Some(random.host(self.prefixes[rank.min(self.prefixes.len() - 1)]))
            }
            Kind::Missing => {
                let draw = (u64::from(random.next()) * self.gaps.last()?.1) >> 32;
                let gap = self.gaps.partition_point(|(_, up_to)| *up_to <= draw);
                Some((self.gaps[gap].0 + draw) as u32)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Routes, bgp_like, vpc_like};
    use super::*;
    use crate::table::lpm::golden::Golden;
    use std::net::Ipv4Addr;

    fn net(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    #[test]
    fn covered_and_zipf_addresses_have_a_route_and_missing_ones_have_none() {
        let random = &mut Random::new(1);
        let routes = vpc_like(random, 300);
        let (golden, addresses) = (Golden::new(&routes), Addresses::new(&routes, random));
        for kind in Kind::ALL {
            let found: Vec<u32> = addresses.draw(kind, 2000, random);
            assert_eq!(found.len(), 2000);
            let answered = found.iter().filter(|address| golden.lookup((**address).into()).is_some()).count();
            match kind {
                Kind::Covered | Kind::Zipf => assert_eq!(answered, 2000, "{}", kind.name()),
                Kind::Missing => assert_eq!(answered, 0),
                Kind::Uniform => assert!(answered < 200, "{answered}"),
            }
        }
    }

    #[test]
    fn missing_addresses_come_from_every_gap_and_from_nowhere_where_there_is_none() {
        let random = &mut Random::new(1);
        // All but 0.0.0.0, 64.0.0.2, 64.0.0.3 and 255.255.255.255.
        let all = net("0.0.0.0/0");
        let holes = [net("0.0.0.0/32"), net("64.0.0.2/31"), net("255.255.255.255/32")];
        let inside = |prefix: &Ipv4Net| holes.iter().any(|hole| prefix.contains(hole));
        let (mut open, mut routes) = (vec![all], Routes::new());
        while let Some(prefix) = open.pop() {
            if inside(&prefix) && !holes.contains(&prefix) {
                open.extend(prefix.subnets(prefix.prefix_len() + 1).unwrap());
            } else if !holes.contains(&prefix) {
                routes.push((prefix, 1));
            }
        }
        routes.sort();
        let mut found = Addresses::new(&routes, random).draw(Kind::Missing, 200, random);
        found.sort();
        found.dedup();
        assert_eq!(found, [0, 0x4000_0002, 0x4000_0003, u32::MAX]);
        assert!(Addresses::new(&[(all, 1)], random).draw(Kind::Missing, 200, random).is_empty());
        assert!(Addresses::new(&[], random).draw(Kind::Covered, 200, random).is_empty());
        assert!(Addresses::new(&[], random).draw(Kind::Zipf, 200, random).is_empty());
        assert_eq!(Addresses::new(&[], random).draw(Kind::Missing, 200, random).len(), 200);
    }

    #[test]
    fn low_ranks_come_often_in_zipf_addresses() {
        let random = &mut Random::new(1);
        let addresses = Addresses::new(&bgp_like(random, 1000), random);
        let most_wanted = addresses.prefixes[0];
        let found = addresses.draw(Kind::Zipf, 10_000, random);
        let share = found.iter().filter(|address| most_wanted.contains(&Ipv4Addr::from(**address))).count();
        // One over the sum of 1/1 to 1/1000, and what other ranks add that cover the same place.
        assert!((1200..2000).contains(&share), "{share}");
    }
}

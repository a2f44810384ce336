//! The random numbers of generated tables, benches and tests.

use ipnet::Ipv4Net;

/// Numbers in no order, the same ones in every run (SplitMix64).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Returns the numbers of `seed`.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// Returns any number.
    #[expect(clippy::should_implement_trait, reason = "it never ends")]
    pub fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) as u32
    }

    /// Returns a number below `bound`, which is at most 2^32.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u64::from(self.next()) * bound as u64) >> 32) as usize
    }

    /// Returns an address of a prefix, as a number in host order.
    pub fn host(&mut self, prefix: Ipv4Net) -> u32 {
        u32::from(prefix.network()) | self.next() & u32::from(prefix.hostmask())
    }

    /// Puts `items` in random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_depend_on_the_seed_alone_and_keep_their_bound() {
        let draw = |seed| {
            let mut random = Random::new(seed);
            std::iter::repeat_with(move || random.below(10)).take(1000).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert!((0..10).all(|number| draw(1).contains(&number)));
        assert!(draw(1).iter().all(|number| *number < 10));
    }

    #[test]
    fn a_host_lies_in_its_prefix_and_a_shuffle_keeps_all_items() {
        let mut random = Random::new(1);
        let prefix: Ipv4Net = "10.1.2.0/23".parse().expect("a prefix");
        assert!((0..100).all(|_| prefix.contains(&std::net::Ipv4Addr::from(random.host(prefix)))));
        let mut items: Vec<u32> = (0..100).collect();
        random.shuffle(&mut items);
        assert!(!items.is_sorted());
        items.sort_unstable();
        assert!(items.into_iter().eq(0..100));
    }
}

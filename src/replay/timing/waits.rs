//! How long packets waited, in classes: few bytes however many packets, and each percentile within a hundredth.

use crate::time::SimDuration;
use std::collections::BTreeMap;

/// Classes between a power of two and the next, as a power of two: a class is never wider than 1/128 of its waits.
const FINENESS: u32 = 7;

/// Waits that are nearly alike.
#[derive(Clone, Copy, Debug, Default)]
struct WaitClass {
    count: u64,
    longest: u64,
}

/// Counts waits.
#[derive(Clone, Debug, Default)]
pub struct Waits {
    count: u64,
    /// By the largest wait that is possible in the class.
    classes: BTreeMap<u64, WaitClass>,
}

impl Waits {
    /// Counts one.
    pub fn add(&mut self, wait: SimDuration) {
        let nanos = wait.as_nanos();
        self.count += 1;
        // The longest wait that occurred is kept, not the bound of its class: a percentile is then a wait of some
        // packet, and never longer than the longest one.
        let class = self.classes.entry(class(nanos)).or_default();
        class.count += 1;
        class.longest = class.longest.max(nanos);
    }

    /// Returns the wait that `percent` of a hundred do not exceed, rounded up by less than a hundredth; nothing without
    /// any wait.
    pub fn percentile(&self, percent: u64) -> Option<SimDuration> {
        // The rank, from 1; counts are far from the end of 64 bits, their hundredfold is not.
        let rank = (u128::from(self.count) * u128::from(percent)).div_ceil(100).max(1);
        let mut passed = 0;
        let class = self.classes.values().find(|class| {
            passed += u128::from(class.count);
            passed >= rank
        });
        class.map(|class| SimDuration::from_nanos(class.longest))
    }
}

/// The largest wait of the class that `nanos` is in.
fn class(nanos: u64) -> u64 {
    // The width grows with the wait. Below 256 ns each wait is a class by itself, and there are at most 7,424 classes
    // up to the end of 64 bits, so memory is bounded however many packets wait. A wait of 0 has no logarithm and is
    // such a class.
    let width = 1 << nanos.checked_ilog2().unwrap_or(0).saturating_sub(FINENESS);
    nanos | (width - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_wait_is_counted_and_no_count_has_no_percentile() {
        assert_eq!(Waits::default().percentile(99), None);
        let mut waits = Waits::default();
        waits.add(SimDuration::default());
        assert_eq!(waits.percentile(50), Some(SimDuration::default()));
    }

    proptest! {
        #[test]
        fn a_percentile_is_that_of_the_sorted_list_or_up_to_a_hundredth_more(
            mut nanos in prop::collection::vec(0u64..20_000_000_000, 1..200),
            percent in 1u64..=100,
        ) {
            let mut waits = Waits::default();
            nanos.iter().for_each(|nanos| waits.add(SimDuration::from_nanos(*nanos)));
            nanos.sort_unstable();
            let exact = nanos[(nanos.len() as u64 * percent).div_ceil(100).max(1) as usize - 1];
            let told = waits.percentile(percent).unwrap().as_nanos();
            prop_assert!(told >= exact && told - exact <= exact / 100, "{told} for {exact}");
        }
    }
}

//! Which of the frames of a stream one process forwards.

use crate::datapath::SHARDS;
use std::fmt;
use std::str::FromStr;

/// One of so many equal selections of the shards that frames are steered to: those whose number leaves the remainder
/// `index` when it is divided by `count`. Together they are all frames, each once.
///
/// ```
/// use biplane::replay::ShardSelection;
///
/// let selection: ShardSelection = "3/8".parse()?;
/// assert_eq!((selection.index(), selection.count()), (3, 8));
/// assert!("8/8".parse::<ShardSelection>().is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShardSelection {
    index: usize,
    count: usize,
}

impl Default for ShardSelection {
    /// All shards.
    fn default() -> ShardSelection {
        ShardSelection { index: 0, count: 1 }
    }
}

impl ShardSelection {
    /// Selection `index` of `count`; `None` unless it is one of them and there are no more than shards.
    pub fn new(index: usize, count: usize) -> Option<ShardSelection> {
        (index < count && count <= SHARDS).then_some(ShardSelection { index, count })
    }

    /// Which it is, from 0.
    pub fn index(self) -> usize {
        self.index
    }

    /// How many there are.
    pub fn count(self) -> usize {
        self.count
    }

    /// How many shards it selects.
    pub(super) fn shards(self) -> usize {
        (SHARDS - self.index).div_ceil(self.count)
    }

    /// By shard, which of so many workers has it; none where it is not selected.
    pub(super) fn owners(self, workers: usize) -> [Option<u8>; SHARDS] {
        // The division numbers the selected shards one by one, so that workers get equal numbers of them. The remainder
        // of the shard itself would leave workers without a shard where `count` and `workers` have a common divisor.
        std::array::from_fn(|shard| (shard % self.count == self.index).then(|| (shard / self.count % workers) as u8))
    }
}

impl fmt::Display for ShardSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for ShardSelection {
    type Err = String;

    fn from_str(text: &str) -> Result<ShardSelection, String> {
        let numbers = text.split_once('/').and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
        let (index, count): (usize, usize) = numbers.ok_or("write I/N, as in 0/8: the shard and how many there are")?;
        if !(1..=SHARDS).contains(&count) {
            return Err(format!("there are 1 to {SHARDS} shards: frames are steered to {SHARDS}, the smallest unit"));
        }
        ShardSelection::new(index, count).ok_or_else(|| format!("the shards of {count} are 0 to {}", count - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selections_share_out_every_shard_once_and_evenly_among_their_workers() {
        for count in 1..=SHARDS {
            let selections = (0..count).map(|index| ShardSelection::new(index, count).unwrap());
            let mut times = [0; SHARDS];
            for selection in selections {
                let workers = selection.shards().min(3);
                let owners = selection.owners(workers);
                for (shard, owner) in owners.iter().enumerate() {
                    times[shard] += usize::from(owner.is_some());
                }
                let of = |worker| owners.iter().flatten().filter(|owner| **owner == worker as u8).count();
                let shares: Vec<usize> = (0..workers).map(of).collect();
                assert_eq!(shares.iter().sum::<usize>(), selection.shards());
                assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1, "{shares:?}");
            }
            assert_eq!(times, [1; SHARDS]);
        }
        assert_eq!(ShardSelection::new(0, SHARDS + 1), None);
    }

    #[test]
    fn a_selection_that_is_none_is_refused_with_what_there_is() {
        for (text, message) in [
            ("8/8", "the shards of 8 are 0 to 7"),
            ("0/0", "1 to 64"),
            ("0/65", "1 to 64"),
            ("-1/8", "write I/N"),
            ("3", "write I/N"),
        ] {
            let error = text.parse::<ShardSelection>().unwrap_err();
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}

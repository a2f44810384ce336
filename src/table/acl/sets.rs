//! Numbered sets of addresses, and which of them hold a given address.

use std::net::Ipv4Addr;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// Numbered sets of addresses, shared by many lists.
///
/// A decision asks the other way round: which sets hold this address? One hash lookup tells, however many sets a list
/// names and however many members they have. Memory: about 8 bytes a membership and 9 to 18
/// an address.
#[derive(Clone, Debug, Default)]
pub struct AddressSets {
    /// Sorted, without doubles, one after the other.
    members: Vec<u32>,
    /// Where each set ends in `members`.
    ends: Vec<usize>,
    /// By address: where the numbers of the sets that hold it stand in `runs`.
    runs_of: HashMap<u32, u32, FixedState>,
    /// Runs of set numbers, ascending, each after its length. Addresses of the same sets share one.
    runs: Vec<u32>,
}

impl AddressSets {
    /// The sets in the order given: the first one is number 0. Members may come in any order and more than once.
    pub fn build<S>(sets: impl IntoIterator<Item = S>) -> AddressSets
    where
        S: IntoIterator<Item = Ipv4Addr>,
    {
        let mut built = AddressSets::default();
        for set in sets {
            let mut addresses: Vec<u32> = set.into_iter().map(u32::from).collect();
            addresses.sort_unstable();
            addresses.dedup();
            built.members.append(&mut addresses);
            built.ends.push(built.members.len());
        }
        built.members.shrink_to_fit();
        built.index();
        built
    }

    /// How many sets there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True without any set.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// True where `address` is a member of set number `set`; false for a number outside the sets.
    pub fn contains(&self, set: usize, address: Ipv4Addr) -> bool {
        self.members_of(set).binary_search(&u32::from(address)).is_ok()
    }

    /// The members of set number `set`, ascending and each once; none for a number outside the sets.
    pub fn members(&self, set: usize) -> impl ExactSizeIterator<Item = Ipv4Addr> + Clone + '_ {
        self.members_of(set).iter().map(|address| Ipv4Addr::from(*address))
    }

    /// The numbers of the sets that hold `address`, ascending.
    pub(super) fn holding(&self, address: Ipv4Addr) -> &[u32] {
        match self.runs_of.get(&u32::from(address)) {
            Some(run) => {
                let start = *run as usize + 1;
                &self.runs[start..start + self.runs[*run as usize] as usize]
            }
            None => &[],
        }
    }

    /// Memory that the sets occupy, in bytes.
    pub fn memory_bytes(&self) -> usize {
        size_of::<AddressSets>()
            + (self.members.capacity() + self.runs.capacity()) * 4
            + self.ends.capacity() * size_of::<usize>()
            + self.runs_of.allocation_size()
    }

    fn index(&mut self) {
        let mut memberships: Vec<(u32, u32)> = Vec::with_capacity(self.members.len());
        for set in 0..self.ends.len() {
            memberships.extend(self.members_of(set).iter().map(|address| (*address, set as u32)));
        }
        memberships.sort_unstable();
        let mut known: HashMap<Vec<u32>, u32, FixedState> = HashMap::default();
        for group in memberships.chunk_by(|a, b| a.0 == b.0) {
            let numbers: Vec<u32> = group.iter().map(|(_, set)| *set).collect();
            let run = *known.entry(numbers).or_insert_with_key(|numbers| {
                let start = self.runs.len() as u32;
                self.runs.push(numbers.len() as u32);
                self.runs.extend_from_slice(numbers);
                start
            });
            self.runs_of.insert(group[0].0, run);
        }
        self.runs.shrink_to_fit();
    }

    fn members_of(&self, set: usize) -> &[u32] {
        let Some(end) = self.ends.get(set) else { return &[] };
        let start = if set == 0 { 0 } else { self.ends[set - 1] };
        &self.members[start..*end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Ipv4Addr {
        text.parse().unwrap()
    }

    #[test]
    fn a_set_holds_its_own_members_and_not_its_neighbours() {
        let sets = AddressSets::build([
            vec![address("10.0.0.2"), address("10.0.0.1"), address("10.0.0.2")],
            vec![],
            vec![address("255.255.255.255")],
        ]);
        assert_eq!(sets.len(), 3);
        assert!(sets.contains(0, address("10.0.0.1")));
        assert!(sets.contains(0, address("10.0.0.2")));
        assert!(!sets.contains(0, address("255.255.255.255")));
        assert!(!sets.contains(1, address("10.0.0.1")));
        assert!(sets.contains(2, address("255.255.255.255")));
        assert!(!sets.contains(3, address("10.0.0.1")));
    }

    #[test]
    fn an_address_knows_the_sets_that_hold_it() {
        let (one, two, three) = (address("10.0.0.1"), address("10.0.0.2"), address("0.0.0.0"));
        let sets = AddressSets::build([vec![two, one], vec![three], vec![one, two, one]]);
        assert_eq!(sets.holding(one), [0, 2]);
        assert_eq!(sets.holding(two), [0, 2]);
        assert_eq!(sets.holding(three), [1]);
        assert_eq!(sets.holding(address("10.0.0.3")), [0; 0]);
        // Two runs: one shared by two addresses.
        assert_eq!(sets.runs, [1, 1, 2, 0, 2]);
    }
}

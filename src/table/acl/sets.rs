//! Numbered sets of addresses, and which of them hold a given address.

use std::hash::BuildHasher;
use std::net::Ipv4Addr;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::table::paged::{Paged, PagedMap, PagedTable};

/// Numbered sets of addresses, shared by many lists.
///
/// A decision asks the other way round: which sets hold this address? One hash lookup tells, however many sets a list
/// names and however many members they have. Clones share what they can; a change costs as much as copying its set.
/// Memory: about 4 bytes a membership and 20 an address.
#[derive(Clone, Debug, Default)]
pub struct AddressSets {
    /// The members of each set: sorted, without doubles.
    members: Paged<Arc<Vec<u32>>>,
    /// By address: which of `runs` has the numbers of the sets that hold it.
    runs_of: PagedMap<u32, u32>,
    runs: Paged<SetRun>,
    /// By the hash of their numbers.
    known_runs: PagedTable<u32>,
    /// Runs without a user are a list: the first one, counted from 1, and 0 for none.
    first_unused: u32,
}

/// Set numbers, ascending. Addresses of the same sets share one.
#[derive(Clone, Debug, Default)]
pub(super) struct SetRun {
    pub(super) sets: Arc<[u32]>,
    /// The bit of each of them, so that most others are told apart at a glance.
    bits: u64,
    /// How many addresses share it; of an unused one, the next unused one as `first_unused` has it.
    users: u32,
}

impl SetRun {
    /// True where set number `set` is one of them.
    #[inline]
    pub(super) fn has(&self, set: u32) -> bool {
        self.bits & bit(set) != 0 && self.sets.contains(&set)
    }
}

#[inline]
fn bit(set: u32) -> u64 {
    1 << (set % u64::BITS)
}

fn hash(sets: &[u32]) -> u64 {
    FixedState::default().hash_one(sets)
}

impl AddressSets {
    /// The sets in the order given: the first one is number 0. Members may come in any order and more than once.
    pub fn build<S>(sets: impl IntoIterator<Item = S>) -> AddressSets
    where
        S: IntoIterator<Item = Ipv4Addr>,
    {
        let mut built = AddressSets::default();
        let mut memberships: Vec<(u32, u32)> = Vec::new();
        for (set, members) in sets.into_iter().enumerate() {
            let mut addresses: Vec<u32> = members.into_iter().map(u32::from).collect();
            addresses.sort_unstable();
            addresses.dedup();
            addresses.shrink_to_fit();
            memberships.extend(addresses.iter().map(|address| (*address, set as u32)));
            built.members.push(Arc::new(addresses));
        }
        // By address, then by set, so that the numbers of each address come out ascending. Runs are found by the hash
        // of their numbers: in another order the same sets would be another run.
        memberships.sort_unstable();
        built.runs_of = PagedMap::with_capacity(memberships.chunk_by(|a, b| a.0 == b.0).count());
        let mut numbers = Vec::new();
        for group in memberships.chunk_by(|a, b| a.0 == b.0) {
            numbers.clear();
            numbers.extend(group.iter().map(|(_, set)| *set));
            built.hold(group[0].0, &numbers);
        }
        built
    }

    /// How many sets there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// True without any set.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// True where `address` is a member of set number `set`; false for a number outside the sets.
    pub fn contains(&self, set: usize, address: Ipv4Addr) -> bool {
        self.members_of(set).binary_search(&u32::from(address)).is_ok()
    }

    /// The members of set number `set`, ascending and each once; none for a number outside the sets.
    pub fn members(&self, set: usize) -> impl ExactSizeIterator<Item = Ipv4Addr> + Clone + '_ {
        self.members_of(set).iter().map(|address| Ipv4Addr::from(*address))
    }

    /// Makes `address` a member of set number `set`; true where it was none. Panics for a number outside the sets.
    pub fn insert(&mut self, set: usize, address: Ipv4Addr) -> bool {
        let Err(place) = self.members_of(set).binary_search(&u32::from(address)) else { return false };
        Arc::make_mut(self.members.get_mut(set)).insert(place, address.into());
        let mut sets = self.numbers_holding(address).to_vec();
        let place = sets.partition_point(|other| (*other as usize) < set);
        sets.insert(place, set as u32);
        self.hold(address.into(), &sets);
        true
    }

    /// Takes `address` out of set number `set`; true where it was a member. Panics for a number outside the sets.
    pub fn remove(&mut self, set: usize, address: Ipv4Addr) -> bool {
        let Ok(place) = self.members_of(set).binary_search(&u32::from(address)) else { return false };
        Arc::make_mut(self.members.get_mut(set)).remove(place);
        let sets: Vec<u32> =
            self.numbers_holding(address).iter().copied().filter(|other| *other as usize != set).collect();
        self.hold(address.into(), &sets);
        true
    }

    /// The sets that hold `address`; `None` where there is none.
    #[inline]
    pub(super) fn holding(&self, address: Ipv4Addr) -> Option<&SetRun> {
        self.runs_of.get(&u32::from(address)).map(|run| &self.runs[*run as usize])
    }

    /// The numbers of the sets that hold `address`, ascending.
    pub(crate) fn numbers_holding(&self, address: Ipv4Addr) -> &[u32] {
        self.holding(address).map_or(&[], |run| &run.sets)
    }

    /// The number that `address` shares with all others of the same sets; `None` for one of no set.
    pub(crate) fn run_holding(&self, address: Ipv4Addr) -> Option<u32> {
        self.runs_of.get(&u32::from(address)).copied()
    }

    /// Memory that the sets occupy, in bytes.
    pub fn memory_bytes(&self) -> usize {
        let members: usize = self.members.iter().map(|members| members.capacity() * 4).sum();
        let runs: usize = self.runs.iter().map(|run| run.sets.len() * 4).sum();
        let tables = self.members.memory_bytes() + self.runs.memory_bytes();
        size_of::<AddressSets>()
            + members
            + runs
            + tables
            + self.runs_of.memory_bytes()
            + self.known_runs.memory_bytes()
    }

    /// Notes that `sets`, ascending, are those that hold `address`.
    fn hold(&mut self, address: u32, sets: &[u32]) {
        let old = if sets.is_empty() {
            self.runs_of.remove(&address)
        } else {
            let run = self.use_run(sets);
            self.runs_of.insert(address, run)
        };
        old.into_iter().for_each(|run| self.leave_run(run));
    }

    /// The run of `sets`, with one user more.
    fn use_run(&mut self, sets: &[u32]) -> u32 {
        let runs = &self.runs;
        let hash_of = |run: &u32| hash(&runs[*run as usize].sets);
        if let Some(run) = self.known_runs.find(hash(sets), |run| *runs[*run as usize].sets == *sets).copied() {
            self.runs.get_mut(run as usize).users += 1;
            return run;
        }
        let run = if self.first_unused == 0 { runs.len() as u32 } else { self.first_unused - 1 };
        // The run itself is not there yet. A table that has to grow asks for the hashes of the entries it has; that of
        // the new one is given.
        self.known_runs.add(hash(sets), run, hash_of);
        let bits = sets.iter().fold(0, |bits, set| bits | bit(*set));
        let new = SetRun { sets: sets.into(), bits, users: 1 };
        if self.first_unused == 0 {
            self.runs.push(new);
        } else {
            self.first_unused = self.runs.replace(run as usize, new).users;
        }
        run
    }

    /// One user less; a set without users is kept for later.
    fn leave_run(&mut self, run: u32) {
        let runs = &self.runs;
        if runs[run as usize].users > 1 {
            self.runs.get_mut(run as usize).users -= 1;
            return;
        }
        let hash_of = |run: &u32| hash(&runs[*run as usize].sets);
        // Taken out while the run still has its numbers: its hash is computed from them, and so are those of the
        // entries that move up behind it.
        self.known_runs.remove(hash_of(&run), |known| *known == run, hash_of);
        self.runs.replace(run as usize, SetRun { users: self.first_unused, ..SetRun::default() });
        self.first_unused = run + 1;
    }

    fn members_of(&self, set: usize) -> &[u32] {
        self.members.get(set).map_or(&[], |members| members.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Random;

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
        assert_eq!(sets.numbers_holding(one), [0, 2]);
        assert_eq!(sets.numbers_holding(two), [0, 2]);
        assert_eq!(sets.numbers_holding(three), [1]);
        assert_eq!(sets.numbers_holding(address("10.0.0.3")), [0; 0]);
        assert_eq!(sets.runs.len(), 2, "one is shared by two addresses");
    }

    #[test]
    fn members_come_and_go_as_if_the_sets_were_built_anew() {
        let addresses: Vec<Ipv4Addr> = (1..=9).map(|host| Ipv4Addr::new(10, 0, 0, host)).collect();
        let mut plain = vec![std::collections::BTreeSet::new(); 4];
        let mut sets = AddressSets::build(plain.clone());
        let before = sets.clone();
        let mut random = Random::new(1);
        for _ in 0..2000 {
            let (set, address) = (random.below(4), addresses[random.below(9)]);
            if random.below(2) == 0 {
                assert_eq!(sets.insert(set, address), plain[set].insert(address));
            } else {
                assert_eq!(sets.remove(set, address), plain[set].remove(&address));
            }
            let built = AddressSets::build(plain.clone());
            for (set, plain) in plain.iter().enumerate() {
                assert!(sets.members(set).eq(plain.iter().copied()));
            }
            addresses
                .iter()
                .for_each(|address| assert_eq!(sets.numbers_holding(*address), built.numbers_holding(*address)));
        }
        assert!(sets.runs.len() <= 16, "runs are used again: {}", sets.runs.len());
        assert!(addresses.iter().all(|address| before.numbers_holding(*address).is_empty()), "a clone stays as it was");
    }
}

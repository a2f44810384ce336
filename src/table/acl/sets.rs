use std::net::Ipv4Addr;

/// Numbered sets of addresses, shared by many lists.
#[derive(Clone, Debug, Default)]
pub struct AddressSets {
    /// Sorted, without doubles, one after the other.
    members: Vec<u32>,
    /// Where each set ends in `members`.
    ends: Vec<usize>,
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

    /// Memory that the sets occupy, in bytes.
    pub fn memory_bytes(&self) -> usize {
        size_of::<AddressSets>() + self.members.capacity() * 4 + self.ends.capacity() * size_of::<usize>()
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
}

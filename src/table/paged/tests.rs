//! Against the plain collections, with clones that must not see what comes after them.

use super::{Paged, PagedMap};
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

/// Entries of 2,000 bytes: 16 a page, so a branch is soon full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wide([u64; 250]);

fn wide(number: u64) -> Wide {
    Wide([number; 250])
}

#[derive(Clone, Debug)]
enum Change {
    Push(u64),
    Set(usize, u64),
    Snapshot,
    Drop(usize),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => any::<u64>().prop_map(Change::Push),
        4 => (any::<usize>(), any::<u64>()).prop_map(|(at, number)| Change::Set(at, number)),
        1 => Just(Change::Snapshot),
        1 => any::<usize>().prop_map(Change::Drop),
    ]
}

fn same(paged: &Paged<Wide>, plain: &[Wide]) {
    assert_eq!(paged.len(), plain.len());
    assert!(paged.iter().eq(plain));
    for (index, entry) in plain.iter().enumerate() {
        assert_eq!(paged[index], *entry);
    }
    assert_eq!(paged.get(plain.len()), None);
}

proptest! {
    #![proptest_config(crate::test_cases::cases(48))]

    #[test]
    fn a_vector_and_its_clones_are_what_plain_vectors_would_be(
        start in 0..1200_usize,
        changes in prop::collection::vec(change(), 0..120),
    ) {
        let mut plain: Vec<Wide> = (0..start as u64).map(wide).collect();
        let mut paged: Paged<Wide> = plain.iter().copied().collect();
        let mut snapshots = Vec::new();
        for change in changes {
            match change {
                Change::Push(number) => {
                    plain.push(wide(number));
                    paged.push(wide(number));
                }
                Change::Set(at, number) if !plain.is_empty() => {
                    let at = at % plain.len();
                    let old = std::mem::replace(&mut plain[at], wide(number));
                    prop_assert_eq!(paged.replace(at, wide(number)), old);
                }
                Change::Snapshot => snapshots.push((paged.clone(), plain.clone())),
                Change::Drop(at) if !snapshots.is_empty() => {
                    // The clone becomes the writer, and the writer a snapshot.
                    let at = at % snapshots.len();
                    let (clone, then) = std::mem::replace(&mut snapshots[at], (paged, plain));
                    (paged, plain) = (clone, then);
                }
                Change::Set(..) | Change::Drop(_) => {}
            }
        }
        same(&paged, &plain);
        for (paged, plain) in &snapshots {
            same(paged, plain);
        }
    }

    /// Few keys, so that they meet again; all in one row of places, so that they crowd.
    #[test]
    fn a_map_and_its_clones_are_what_plain_maps_would_be(
        room in 0..40_usize,
        changes in prop::collection::vec((0..60_u32, prop::option::of(any::<u32>()), any::<bool>()), 0..300),
    ) {
        let mut plain: HashMap<u32, u32> = HashMap::new();
        let mut paged: PagedMap<u32, u32> = PagedMap::with_capacity(room);
        let mut snapshots = Vec::new();
        for (key, value, snapshot) in changes {
            match value {
                Some(value) => prop_assert_eq!(paged.insert(key, value), plain.insert(key, value)),
                None => prop_assert_eq!(paged.remove(&key), plain.remove(&key)),
            }
            if snapshot && snapshots.len() < 8 {
                snapshots.push((paged.clone(), plain.clone()));
            }
        }
        snapshots.push((paged, plain));
        for (paged, plain) in &snapshots {
            prop_assert_eq!(paged.len(), plain.len());
            for key in 0..60 {
                prop_assert_eq!(paged.get(&key), plain.get(&key));
            }
            prop_assert_eq!(&paged.iter().copied().collect::<HashMap<_, _>>(), plain);
        }
    }
}

#[test]
fn a_change_after_a_clone_copies_the_page_it_touches_and_no_other() {
    let mut paged: Paged<Arc<usize>> = (0..1000).map(Arc::new).collect();
    let clone = paged.clone();
    *paged.get_mut(200) = Arc::new(0);
    let owners: Vec<usize> = clone.iter().map(Arc::strong_count).collect();
    assert!(owners.iter().enumerate().all(|(at, owners)| *owners == 1 + usize::from(at / 64 == 3 && at != 200)));
    assert_eq!((*clone[200], *paged[200], paged.len()), (200, 0, 1000));
}

#[test]
fn an_empty_map_answers() {
    let map: PagedMap<u32, u32> = PagedMap::default();
    assert_eq!((map.get(&1), map.len(), map.is_empty()), (None, 0, true));
}

#[test]
#[should_panic(expected = "entry 3 of 3")]
fn an_index_past_the_end_panics() {
    let paged: Paged<u32> = [1, 2, 3].into_iter().collect();
    let _ = paged[3];
}

#[test]
fn clones_are_read_on_other_threads_while_the_writer_goes_on() {
    let mut paged: Paged<u64> = (0..100_000).collect();
    std::thread::scope(|scope| {
        for round in 0..4_u64 {
            let snapshot = paged.clone();
            scope.spawn(move || {
                let sum: u64 = (0..snapshot.len()).map(|index| snapshot[index]).sum();
                assert_eq!(sum, (0..100_000).sum::<u64>() + round * 1000);
            });
            (0..1000).for_each(|index| *paged.get_mut(index * 99) += 1);
        }
    });
}

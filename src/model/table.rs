//! Objects of one kind in the order of the file, named by keys that outlive removals.

use crate::table::paged::{Paged, PagedTable};
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::ops::{Index, IndexMut};
use std::sync::Arc;

/// Names one object of a [`Table`]. Stays valid, and is never given to another object, when objects are removed.
pub struct Key<T> {
    index: u32,
    of: PhantomData<fn() -> T>,
}

impl<T> Key<T> {
    /// Position in the table, counted from 0.
    pub fn index(self) -> usize {
        self.index as usize
    }

    fn at(index: usize) -> Key<T> {
        Key { index: u32::try_from(index).expect("fewer than 2^32 objects of a kind"), of: PhantomData }
    }
}

impl<T> Clone for Key<T> {
    fn clone(&self) -> Key<T> {
        *self
    }
}

impl<T> Copy for Key<T> {}

impl<T> PartialEq for Key<T> {
    fn eq(&self, other: &Key<T>) -> bool {
        self.index == other.index
    }
}

impl<T> Eq for Key<T> {}

impl<T> PartialOrd for Key<T> {
    fn partial_cmp(&self, other: &Key<T>) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Key<T> {
    fn cmp(&self, other: &Key<T>) -> std::cmp::Ordering {
        self.index.cmp(&other.index)
    }
}

impl<T> Hash for Key<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.index.hash(state);
    }
}

impl<T> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.index)
    }
}

/// What a [`Table`] finds by id.
pub trait Identified {
    /// The object's id; it never changes.
    fn id(&self) -> &str;
}

/// Objects of one kind by id, in the order they were added. Removing one leaves the keys of the others as they are.
///
/// A clone shares its pages and objects with the original, so a world that is still held costs the next one only
/// what is changed in it.
#[derive(Clone, Debug)]
pub struct Table<T> {
    items: Paged<Option<Arc<T>>>,
    by_id: PagedTable<TablePlace>,
}

/// Where the object with an id stands; the hash spares most comparisons of ids, and reading them again in a table that
/// grows.
#[derive(Clone, Copy, Debug)]
struct TablePlace {
    /// The upper half of the id's hash.
    hash: u32,
    /// The key's index and 1.
    number: NonZeroU32,
}

impl TablePlace {
    fn index(self) -> usize {
        self.number.get() as usize - 1
    }

    fn hash(&self) -> u64 {
        u64::from(self.hash) << 32
    }
}

/// The upper half of the hash of an id.
fn hash(id: &str) -> u32 {
    (foldhash::fast::FixedState::default().hash_one(id) >> 32) as u32
}

impl<T> Default for Table<T> {
    fn default() -> Table<T> {
        Table { items: Paged::new(), by_id: PagedTable::default() }
    }
}

/// Equal where the same objects have the same keys.
impl<T: PartialEq> PartialEq for Table<T> {
    fn eq(&self, other: &Table<T>) -> bool {
        self.items.iter().eq(other.items.iter())
    }
}

impl<T: Eq> Eq for Table<T> {}

impl<T: Identified + Clone> Table<T> {
    /// Adds `object`; gives it back where its id is taken.
    pub fn insert(&mut self, object: T) -> Result<Key<T>, T> {
        if self.find(object.id()).is_some() {
            return Err(object);
        }
        let key = Key::at(self.items.len());
        let place = TablePlace { hash: hash(object.id()), number: NonZeroU32::MIN.saturating_add(key.index) };
        self.by_id.add(place.hash(), place, TablePlace::hash);
        self.items.push(Some(Arc::new(object)));
        Ok(key)
    }

    /// Takes the object called `id` out. Its key is not used again.
    pub fn remove(&mut self, id: &str) -> Option<T> {
        let key = self.find(id)?;
        let place = TablePlace { hash: hash(id), number: NonZeroU32::MIN.saturating_add(key.index) };
        self.by_id.remove(place.hash(), |known| known.number == place.number, TablePlace::hash);
        self.items.replace(key.index(), None).map(Arc::unwrap_or_clone)
    }
}

impl<T: Identified> Table<T> {
    /// The key of the object called `id`.
    pub fn find(&self, id: &str) -> Option<Key<T>> {
        let hash = hash(id);
        let is_it = |place: &TablePlace| {
            place.hash == hash && self.items[place.index()].as_ref().is_some_and(|object| object.id() == id)
        };
        self.by_id.find(u64::from(hash) << 32, is_it).map(|place| Key::at(place.index()))
    }

    /// The ids in the order of the objects.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.values().map(T::id)
    }
}

impl<T> Table<T> {
    /// The object, unless it was removed.
    pub fn get(&self, key: Key<T>) -> Option<&T> {
        self.items.get(key.index()).and_then(Option::as_deref)
    }

    /// The objects in file order.
    pub fn iter(&self) -> impl Iterator<Item = (Key<T>, &T)> {
        self.items.iter().enumerate().filter_map(|(index, item)| Some((Key::at(index), item.as_deref()?)))
    }

    /// The objects in file order.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.items.iter().filter_map(Option::as_deref)
    }

    /// Every key that was given out, in order; those of removed objects too.
    pub fn all_keys(&self) -> impl Iterator<Item = Key<T>> + use<T> {
        (0..self.items.len()).map(Key::at)
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// One more than the largest index a key of this table has.
    pub fn capacity(&self) -> usize {
        self.items.len()
    }
}

impl<T> Index<Key<T>> for Table<T> {
    type Output = T;

    /// Panics where the object was removed: a reference to it should have been removed first.
    fn index(&self, key: Key<T>) -> &T {
        self.items[key.index()].as_ref().expect("the object was not removed")
    }
}

impl<T: Clone> IndexMut<Key<T>> for Table<T> {
    fn index_mut(&mut self, key: Key<T>) -> &mut T {
        Arc::make_mut(self.items.get_mut(key.index()).as_mut().expect("the object was not removed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An id, and what else there is to tell.
    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Thing(String, usize);

    impl Identified for Thing {
        fn id(&self) -> &str {
            &self.0
        }
    }

    fn thing(id: &str, rest: usize) -> Thing {
        Thing(id.to_owned(), rest)
    }

    #[test]
    fn removing_an_object_keeps_the_keys_of_the_others() {
        let mut table = Table::default();
        let first = table.insert(thing("a", 1)).unwrap();
        let second = table.insert(thing("b", 2)).unwrap();
        assert_eq!(table.insert(thing("b", 3)), Err(thing("b", 3)));
        assert_eq!(table.remove("a"), Some(thing("a", 1)));
        assert_eq!((table.get(first), table[second].1, table.len()), (None, 2, 1));
        assert_eq!((table.find("a"), table.find("b"), table.remove("a")), (None, Some(second), None));
        let again = table.insert(thing("a", 4)).unwrap();
        assert_ne!(again, first);
        assert_eq!(table.ids().collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(table.values().map(|thing| thing.1).collect::<Vec<_>>(), [2, 4]);
    }

    #[test]
    fn a_clone_does_not_see_what_comes_after_it() {
        let mut table = Table::default();
        let keys: Vec<_> = (0..1000).map(|n| table.insert(thing(&format!("i-{n}"), n)).unwrap()).collect();
        let (before, same) = (table.clone(), table.clone());
        table[keys[500]].1 = 0;
        assert_eq!(table.remove("i-7"), Some(thing("i-7", 7)));
        table.insert(thing("i-new", 1)).unwrap();
        assert_eq!((before[keys[500]].1, before.find("i-7"), before.find("i-new")), (500, Some(keys[7]), None));
        assert!(before == same && before != table && before.len() == 1000);
        for (n, key) in keys.iter().enumerate() {
            let id = format!("i-{n}");
            assert_eq!(before.find(&id), Some(*key));
            assert_eq!(table.find(&id), (n != 7).then_some(*key));
        }
    }
}

//! Objects of one kind in the order of the file, named by keys that outlive removals.

use hashbrown::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

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

/// Objects of one kind by id, in the order they were added. Removing one leaves the keys of the others as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table<T> {
    items: Vec<Option<T>>,
    by_id: HashMap<String, u32, foldhash::fast::FixedState>,
}

impl<T> Default for Table<T> {
    fn default() -> Table<T> {
        Table { items: Vec::new(), by_id: HashMap::default() }
    }
}

impl<T> Table<T> {
    /// Adds `object` under `id`; gives the object back where the id is taken.
    pub fn insert(&mut self, id: &str, object: T) -> Result<Key<T>, T> {
        if self.by_id.contains_key(id) {
            return Err(object);
        }
        let key = Key::at(self.items.len());
        self.by_id.insert(id.to_owned(), key.index);
        self.items.push(Some(object));
        Ok(key)
    }

    /// The key of the object called `id`.
    pub fn find(&self, id: &str) -> Option<Key<T>> {
        self.by_id.get(id).map(|index| Key::at(*index as usize))
    }

    /// The object, unless it was removed.
    pub fn get(&self, key: Key<T>) -> Option<&T> {
        self.items.get(key.index()).and_then(Option::as_ref)
    }

    /// Takes the object called `id` out. Its key is not used again.
    pub fn remove(&mut self, id: &str) -> Option<T> {
        let index = self.by_id.remove(id)?;
        self.items[index as usize].take()
    }

    /// The objects in file order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Key<T>, &T)> {
        self.items.iter().enumerate().filter_map(|(index, item)| Some((Key::at(index), item.as_ref()?)))
    }

    /// The objects in file order.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.items.iter().filter_map(Option::as_ref)
    }

    /// The ids in no particular order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.by_id.keys().map(String::as_str)
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

impl<T> IndexMut<Key<T>> for Table<T> {
    fn index_mut(&mut self, key: Key<T>) -> &mut T {
        self.items[key.index()].as_mut().expect("the object was not removed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removing_an_object_keeps_the_keys_of_the_others() {
        let mut table = Table::default();
        let first = table.insert("a", 1).unwrap();
        let second = table.insert("b", 2).unwrap();
        assert_eq!(table.insert("b", 3), Err(3));
        assert_eq!(table.remove("a"), Some(1));
        assert_eq!((table.get(first), table[second], table.len()), (None, 2, 1));
        let again = table.insert("a", 4).unwrap();
        assert_ne!(again, first);
        assert_eq!(table.values().copied().collect::<Vec<_>>(), [2, 4]);
    }
}

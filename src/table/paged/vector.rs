//! The vector.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Index;
use std::ptr::NonNull;
use std::sync::Arc;

/// Pages in a branch.
const BRANCH: usize = 64;

/// Bytes of a page, at most.
const PAGE_BYTES: usize = 16 << 10;

/// Entries of a page, at most, where copying one is more than copying its bytes.
const OWNING: usize = 64;

type VectorPage<T> = Arc<Vec<T>>;

/// A vector whose clones share its pages. Reading an entry costs one read more than with a plain vector.
pub struct Paged<T> {
    /// Where each page starts: all that reading needs. The pages themselves are kept by `branches`.
    starts: Vec<NonNull<T>>,
    branches: Vec<Arc<Vec<VectorPage<T>>>>,
    len: usize,
    of: PhantomData<T>,
}

// SAFETY: the pointers lead into pages that `branches` owns through `Arc`s, and are only read through `&self`; so a
// `Paged` may go where those `Arc`s may.
unsafe impl<T: Send + Sync> Send for Paged<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Paged<T> {}

impl<T> Paged<T> {
    /// Entries of a page as a power of two.
    const BITS: u32 = {
        let size = if size_of::<T>() == 0 { 1 } else { size_of::<T>() };
        let fitting = PAGE_BYTES / size;
        let fitting = if std::mem::needs_drop::<T>() && fitting > OWNING { OWNING } else { fitting };
        if fitting <= 16 { 4 } else { fitting.ilog2() }
    };

    /// Entries of every page but the last.
    const PAGE: usize = 1 << Self::BITS;

    /// No entries.
    pub const fn new() -> Paged<T> {
        Paged { starts: Vec::new(), branches: Vec::new(), len: 0, of: PhantomData }
    }

    /// How many entries there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The entry at `index`.
    #[inline(always)]
    pub fn get(&self, index: usize) -> Option<&T> {
        if index >= self.len {
            return None;
        }
        // SAFETY: there are `len` entries, `PAGE` of them in every page but the last, and `starts` has the start of
        // each page. `branches` keeps the pages for as long as `self` lives, and while `self` is borrowed nothing
        // writes to them: `page_mut` writes to a page only where this is the last owner of it, and takes `&mut self`.
        Some(unsafe { self.starts.get_unchecked(index >> Self::BITS).add(index & (Self::PAGE - 1)).as_ref() })
    }

    /// The entries in their order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + Clone {
        self.branches.iter().flat_map(|branch| branch.iter()).flat_map(|page| page.iter())
    }

    /// Bytes of the pages and the way to them, without what the entries themselves own. What clones share counts in
    /// each of them.
    pub fn memory_bytes(&self) -> usize {
        let pages = self.branches.iter().flat_map(|branch| branch.iter());
        let page_bytes: usize = pages.map(|page| page.capacity() * size_of::<T>() + size_of::<Vec<T>>()).sum();
        page_bytes + self.starts.len() * 2 * size_of::<usize>()
    }
}

impl<T: Clone> Paged<T> {
    /// `len` times `entry`.
    pub fn filled(entry: T, len: usize) -> Paged<T> {
        std::iter::repeat_n(entry, len).collect()
    }

    /// The page, no longer shared with any clone.
    fn page_mut(&mut self, page: usize) -> &mut Vec<T> {
        Arc::make_mut(&mut Arc::make_mut(&mut self.branches[page / BRANCH])[page % BRANCH])
    }

    /// The entry at `index`, to be changed; clones keep what they have. Panics where there is none.
    pub fn get_mut(&mut self, index: usize) -> &mut T {
        assert!(index < self.len, "entry {index} of {}", self.len);
        let page = index >> Self::BITS;
        let entries = self.page_mut(page);
        let start = NonNull::from(entries.as_mut_slice()).cast();
        // Set at each change. The page may have been copied just now, so that the old start leads to a page of the
        // clones; and where it was not copied, a pointer from before is not valid beyond a mutable borrow of the page.
        self.starts[page] = start;
        // SAFETY: `start` leads to the page of `index`, which no clone owns any more, and `self` is borrowed.
        unsafe { start.add(index & (Self::PAGE - 1)).as_mut() }
    }

    /// Puts `entry` at `index` and gives the one that was there. Panics where there was none.
    pub fn replace(&mut self, index: usize, entry: T) -> T {
        std::mem::replace(self.get_mut(index), entry)
    }

    /// Adds an entry at the end.
    pub fn push(&mut self, entry: T) {
        let page = self.len >> Self::BITS;
        if page == self.starts.len() {
            if page.is_multiple_of(BRANCH) {
                self.branches.push(Arc::default());
            }
            let branch = self.branches.last_mut().expect("a branch was just added or has room");
            Arc::make_mut(branch).push(Arc::default());
            // Set below, once the entry is in. `len` grows last, so no `get` reads this pointer, also where a panic
            // ends the push before that.
            self.starts.push(NonNull::dangling());
        }
        let entries = self.page_mut(page);
        if entries.len() == entries.capacity() {
            // A small world does not pay for whole pages. A page that was copied from that of a clone is full, and gets
            // what it lacks and no more.
            let room = Self::PAGE - entries.len();
            entries.reserve_exact(if page == 0 { entries.len().max(4).min(room) } else { room });
        }
        entries.push(entry);
        let start = NonNull::from(entries.as_mut_slice()).cast();
        self.starts[page] = start;
        self.len += 1;
    }
}

impl<T> Default for Paged<T> {
    fn default() -> Paged<T> {
        Paged::new()
    }
}

impl<T> Clone for Paged<T> {
    fn clone(&self) -> Paged<T> {
        Paged { starts: self.starts.clone(), branches: self.branches.clone(), len: self.len, of: PhantomData }
    }
}

impl<T: Clone> Extend<T> for Paged<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, entries: I) {
        entries.into_iter().for_each(|entry| self.push(entry));
    }
}

impl<T: Clone> FromIterator<T> for Paged<T> {
    /// Full pages are filled one after the other, without looking whether they are shared.
    fn from_iter<I: IntoIterator<Item = T>>(entries: I) -> Paged<T> {
        let mut entries = entries.into_iter();
        let mut paged = Paged::new();
        let mut branch = Vec::new();
        loop {
            let mut page = Vec::new();
            if entries.size_hint().0 >= Self::PAGE {
                page.reserve_exact(Self::PAGE);
            }
            page.extend(entries.by_ref().take(Self::PAGE));
            if page.is_empty() {
                break;
            }
            paged.len += page.len();
            paged.starts.push(NonNull::from(page.as_slice()).cast());
            branch.push(Arc::new(page));
            if branch.len() == BRANCH {
                paged.branches.push(Arc::new(std::mem::take(&mut branch)));
            }
        }
        if !branch.is_empty() {
            paged.branches.push(Arc::new(branch));
        }
        paged
    }
}

impl<T> Index<usize> for Paged<T> {
    type Output = T;

    #[inline(always)]
    fn index(&self, index: usize) -> &T {
        match self.get(index) {
            Some(entry) => entry,
            None => outside(index, self.len),
        }
    }
}

#[cold]
#[inline(never)]
fn outside(index: usize, len: usize) -> ! {
    panic!("entry {index} of {len}")
}

impl<T: fmt::Debug> fmt::Debug for Paged<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

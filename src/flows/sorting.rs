//! Sorting more than fits into memory: runs in temporary files, merged where they are read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::vec;

/// Temporary files that are read at one time; more become one.
const MAX_RUNS: usize = 64;

/// What is sorted. No two have equal keys.
pub(super) trait Sorted: Copy {
    /// What it is sorted by.
    type Key: Ord + Copy;

    /// 64-bit words that it takes in a temporary file.
    const WORDS: usize;

    fn key(&self) -> Self::Key;

    /// Appends it as so many words.
    fn pack(&self, words: &mut Vec<u64>);

    /// The one that was packed.
    fn unpack(words: &[u64]) -> Self;
}

/// Takes things in any order.
pub(super) struct Sorter<T> {
    buffer: Vec<T>,
    /// How many are kept in memory before they go into a temporary file.
    limit: usize,
    runs: Vec<File>,
    /// The first error of a temporary file, after which nothing more is kept.
    error: Option<io::Error>,
}

impl<T: Sorted> Sorter<T> {
    pub(super) fn new(limit: usize) -> Sorter<T> {
        Sorter { buffer: Vec::new(), limit, runs: Vec::new(), error: None }
    }

    pub(super) fn add(&mut self, item: T) {
        self.buffer.push(item);
        if self.buffer.len() >= self.limit && self.error.is_none() {
            self.error = self.spill().err();
        }
        if self.error.is_some() {
            self.buffer.clear();
        }
    }

    /// Moves what is in memory to a temporary file.
    fn spill(&mut self) -> io::Result<()> {
        let run = std::mem::take(&mut self.buffer);
        let run = write_run(Merged::of(&mut [], vec![sorted(run)])?)?;
        self.runs.push(run);
        if self.runs.len() > MAX_RUNS {
            let merged = write_run(Merged::<T>::of(&mut self.runs, Vec::new())?)?;
            self.runs = vec![merged];
        }
        Ok(())
    }
}

fn sorted<T: Sorted>(mut items: Vec<T>) -> Vec<T> {
    items.sort_unstable_by_key(Sorted::key);
    items
}

fn write_run<T: Sorted>(merged: Merged<'_, T>) -> io::Result<File> {
    let mut to = BufWriter::new(tempfile::tempfile()?);
    let mut words = Vec::with_capacity(T::WORDS);
    for item in merged {
        words.clear();
        item?.pack(&mut words);
        debug_assert_eq!(words.len(), T::WORDS);
        for word in &words {
            to.write_all(&word.to_le_bytes())?;
        }
    }
    to.into_inner().map_err(io::IntoInnerError::into_error)
}

/// All that some sorters took, in order.
pub(super) struct SortedRuns<T> {
    runs: Vec<File>,
    buffers: Vec<Vec<T>>,
}

impl<T: Sorted> SortedRuns<T> {
    /// Puts together what `sorters` took.
    ///
    /// # Errors
    /// A temporary file could not be written.
    pub(super) fn of(sorters: impl IntoIterator<Item = Sorter<T>>) -> io::Result<SortedRuns<T>> {
        let mut all = SortedRuns { runs: Vec::new(), buffers: Vec::new() };
        for Sorter { buffer, runs, error, .. } in sorters {
            if let Some(error) = error {
                return Err(io::Error::new(error.kind(), format!("cannot write a temporary file: {error}")));
            }
            all.runs.extend(runs);
            all.buffers.push(sorted(buffer));
        }
        Ok(all)
    }

    /// Files of words, each in order.
    #[cfg(feature = "cli")]
    pub(super) fn of_files(runs: Vec<File>) -> SortedRuns<T> {
        SortedRuns { runs, buffers: Vec::new() }
    }

    /// Each of them, in order. May be asked again.
    ///
    /// # Errors
    /// A temporary file cannot be read.
    pub(super) fn merged(&mut self) -> io::Result<Merged<'_, T>> {
        Merged::of(&mut self.runs, self.buffers.clone())
    }
}

/// What is sorted, from one place.
enum SortedRun<'a, T> {
    Memory(vec::IntoIter<T>),
    File(BufReader<&'a mut File>),
}

impl<T: Sorted> SortedRun<'_, T> {
    fn next(&mut self, bytes: &mut [u8]) -> io::Result<Option<T>> {
        let from = match self {
            SortedRun::Memory(items) => return Ok(items.next()),
            SortedRun::File(from) => from,
        };
        match from.read_exact(bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let words: Vec<u64> = bytes.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
        Ok(Some(T::unpack(&words)))
    }
}

/// Runs merged into one.
pub(super) struct Merged<'a, T: Sorted> {
    runs: Vec<SortedRun<'a, T>>,
    /// The next one of each run.
    next: Vec<Option<T>>,
    order: BinaryHeap<Reverse<(T::Key, usize)>>,
    /// Room for one as bytes.
    bytes: Vec<u8>,
}

impl<'a, T: Sorted> Merged<'a, T> {
    fn of(files: &'a mut [File], buffers: Vec<Vec<T>>) -> io::Result<Merged<'a, T>> {
        let mut runs: Vec<SortedRun<'a, T>> =
            buffers.into_iter().map(|buffer| SortedRun::Memory(buffer.into_iter())).collect();
        for file in files {
            file.rewind()?;
            runs.push(SortedRun::File(BufReader::with_capacity(1 << 16, file)));
        }
        let next = vec![None; runs.len()];
        let mut merged = Merged { next, runs, order: BinaryHeap::new(), bytes: vec![0; T::WORDS * 8] };
        for index in 0..merged.runs.len() {
            merged.advance(index)?;
        }
        Ok(merged)
    }

    fn advance(&mut self, index: usize) -> io::Result<()> {
        self.next[index] = self.runs[index].next(&mut self.bytes)?;
        if let Some(item) = &self.next[index] {
            self.order.push(Reverse((item.key(), index)));
        }
        Ok(())
    }
}

impl<T: Sorted> Iterator for Merged<'_, T> {
    type Item = io::Result<T>;

    fn next(&mut self) -> Option<io::Result<T>> {
        let Reverse((_, index)) = self.order.pop()?;
        let item = self.next[index].take()?;
        Some(self.advance(index).map(|()| item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sorted by the first of the pair; the second follows from it.
    impl Sorted for (u64, u64) {
        type Key = u64;
        const WORDS: usize = 2;

        fn key(&self) -> u64 {
            self.0
        }

        fn pack(&self, words: &mut Vec<u64>) {
            words.extend([self.0, self.1]);
        }

        fn unpack(words: &[u64]) -> (u64, u64) {
            (words[0], words[1])
        }
    }

    #[test]
    fn things_come_back_in_order_from_any_number_of_files_and_sorters() {
        let sorters = (0..3).map(|which| {
            let mut sorter = Sorter::new(10);
            for index in 0..2_000_u64 {
                let key = 1 + (index * 7_919 % 2_000) * 3 + which;
                sorter.add((key, key * 31));
            }
            assert!(sorter.runs.len() <= MAX_RUNS && sorter.buffer.len() < 10);
            sorter
        });
        let mut all = SortedRuns::of(sorters.collect::<Vec<_>>()).unwrap();
        // Twice: the files are read from their beginning.
        for _ in 0..2 {
            let read: Vec<(u64, u64)> = all.merged().unwrap().map(Result::unwrap).collect();
            assert_eq!(read, (1..=6_000).map(|key| (key, key * 31)).collect::<Vec<_>>());
        }
    }
}

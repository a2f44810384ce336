//! Several captures as one stream, in the order given.

use super::batch::{Batch, Record};
use super::error::{CaptureError, CaptureProblem};
use super::folder::{CaptureFile, capture_files};
use super::interface::Interface;
use super::link::Unreadable;
use super::merging::{MAX_MERGED, MergedInputs};
use super::reader::Reader;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

/// Opens one of several captures.
pub type CaptureOpener = Box<dyn FnMut(&Path) -> Result<Reader, CaptureError> + Send>;

/// Several captures, read one behind the other, or [merged](Captures::merged). In the first case each is opened when the one
/// before it has come to its end. The numbers
/// of records run on. Damage ends the capture that it is in, and no other.
///
/// ```
/// use biplane::capture::Captures;
///
/// let captures = Captures::open_paths(&["pcaps/mysql.pcap".into(), "pcaps/shop-morning.pcap".into()])?;
/// assert_eq!(captures.count(), 2);
/// # Ok::<(), biplane::capture::CaptureError>(())
/// ```
pub struct Captures {
    current: Option<Reader>,
    /// Where the records of all captures come in the order of their stamps.
    merged: Option<MergedInputs>,
    opener: CaptureOpener,
    pending: VecDeque<CaptureFile>,
    /// How many there are in all.
    count: usize,
    /// Those that were begun.
    ranges: Vec<CaptureRange>,
    /// Records of those that have ended.
    records: u64,
    unreadable: BTreeMap<Unreadable, u64>,
    /// Bytes of those that have ended, and of all where that is known.
    bytes: (u64, Option<u64>),
    not_captures: Vec<String>,
    was_damaged: bool,
}

/// Where a record is from.
#[derive(Clone, Copy)]
pub(crate) struct RecordOrigin<'a> {
    /// Which of the captures that were begun, from 0.
    pub(crate) capture: usize,
    /// Its number in the capture, from 1.
    pub(crate) number: u64,
    /// The capture's interfaces so far.
    pub(crate) interfaces: &'a [Interface],
}

/// One of several captures, and its records among theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureRange {
    /// What it is called.
    pub name: String,
    /// Records of the captures before it: its first one has the next number. `None` where captures are merged.
    pub before: Option<u64>,
    /// Its own records, as far as it was read.
    pub records: u64,
    /// How many captures it turned out to be, each with its own header, one put behind the other.
    pub joined: u64,
    /// Its records that no frame could be read from.
    pub unreadable: u64,
    /// Where captures are merged: its records whose stamp is lower than that of one before them.
    pub late: u64,
}

impl CaptureRange {
    fn new(name: &str, before: Option<u64>) -> CaptureRange {
        CaptureRange { name: name.to_owned(), before, records: 0, joined: 1, unreadable: 0, late: 0 }
    }

    pub(super) fn update(&mut self, reader: &Reader) {
        self.records = reader.records();
        self.joined = reader.captures();
        self.unreadable = reader.unreadable().values().sum();
    }
}

impl From<Reader> for Captures {
    fn from(reader: Reader) -> Captures {
        let bytes = (0, reader.progress().1);
        let ranges = vec![CaptureRange::new(reader.name(), Some(0))];
        Captures { current: Some(reader), ranges, bytes, count: 1, ..Captures::new(Box::new(Reader::open), Vec::new()) }
    }
}

impl Captures {
    /// Opens what `paths` stand for: captures, and folders of captures. See [`capture_files`].
    ///
    /// # Errors
    /// A path cannot be read, or a folder is empty; where there is one capture, it cannot be opened.
    pub fn open_paths(paths: &[PathBuf]) -> Result<Captures, CaptureError> {
        Captures::open(capture_files(paths)?, Box::new(Reader::open))
    }

    /// Opens `files` by `opener`, each when its turn comes.
    ///
    /// # Errors
    /// There is one alone, and it cannot be opened. Of several, one that cannot is damage: see
    /// [`Captures::advance`].
    pub fn open(files: Vec<CaptureFile>, opener: CaptureOpener) -> Result<Captures, CaptureError> {
        let mut captures = Captures::new(opener, files);
        if captures.count == 1 {
            captures.advance()?;
        }
        Ok(captures)
    }

    fn new(opener: CaptureOpener, files: Vec<CaptureFile>) -> Captures {
        let length = |file: &CaptureFile| {
            let metadata = fs::metadata(&file.path).ok().filter(|_| file.path.as_os_str() != "-")?;
            metadata.is_file().then_some(metadata.len())
        };
        Captures {
            current: None,
            merged: None,
            opener,
            bytes: (0, files.iter().map(length).sum()),
            count: files.len(),
            pending: files.into(),
            ranges: Vec::new(),
            records: 0,
            unreadable: BTreeMap::new(),
            not_captures: Vec::new(),
            was_damaged: false,
        }
    }

    /// The same, whose records come in the order of their stamps, of equal ones in the order given: for captures that none of
    /// is read yet. One alone stays as it is.
    ///
    /// # Panics
    /// A capture was begun.
    #[must_use]
    pub fn merged(self) -> Captures {
        if self.count == 1 {
            return self;
        }
        assert!(self.ranges.is_empty() && self.current.is_none(), "captures are merged from their beginning");
        Captures { merged: Some(MergedInputs::default()), ..self }
    }

    /// Gives the next records to `each`, as [`Reader::next_records`] does: 0 at the end of the present capture.
    pub(crate) fn next_records(
        &mut self,
        batch: &mut Batch,
        mut each: impl FnMut(&mut Batch, &mut Record, RecordOrigin<'_>) -> bool,
    ) -> Result<usize, CaptureError> {
        if let Some(merged) = self.merged.as_mut().filter(|_| self.pending.is_empty()) {
            let read = merged.next_records(batch, each);
            self.was_damaged |= read.is_err();
            return read;
        }
        let Some(reader) = &mut self.current else { return Ok(0) };
        let (capture, before) = (self.ranges.len().saturating_sub(1), self.records);
        let read = reader.next_records(batch, |batch, record, interfaces| {
            each(batch, record, RecordOrigin { capture, number: record.number - before, interfaces })
        });
        self.was_damaged |= read.is_err();
        read
    }

    /// Goes on with the next capture once the present one has come to its end; false where there is none.
    ///
    /// # Errors
    /// It cannot be opened; the next call goes on behind it. Files of folders that are no captures are passed over, and
    /// an error where there is nothing else.
    pub fn advance(&mut self) -> Result<bool, CaptureError> {
        self.finish_current();
        if self.merged.is_some() && self.pending.len() > MAX_MERGED {
            self.pending.clear();
            let problem = CaptureProblem::TooManyToMerge { limit: MAX_MERGED };
            return Err(CaptureError::unopened("the captures".to_owned(), problem));
        }
        while let Some(file) = self.pending.pop_front() {
            match (self.opener)(&file.path) {
                Ok(reader) => {
                    let before = self.merged.is_none().then_some(self.records);
                    self.ranges.push(CaptureRange::new(reader.name(), before));
                    match &mut self.merged {
                        Some(merged) => merged.add(reader),
                        None => {
                            self.current = Some(reader.behind(self.records));
                            return Ok(true);
                        }
                    }
                }
                Err(error) if file.is_of_folder && error.is_no_capture() => {
                    self.not_captures.push(error.file);
                    let has_nothing = self.pending.is_empty() && self.ranges.is_empty() && !self.was_damaged;
                    let folder = file.path.parent().filter(|_| has_nothing);
                    if let Some(folder) = folder {
                        let name = folder.display().to_string();
                        return Err(CaptureError::unopened(name, CaptureProblem::NoCaptures));
                    }
                }
                Err(error) => {
                    self.was_damaged = true;
                    return Err(error);
                }
            }
        }
        Ok(self.merged.as_ref().is_some_and(MergedInputs::more_follow))
    }

    fn finish_current(&mut self) {
        let Some(reader) = self.current.take() else { return };
        if let Some(range) = self.ranges.last_mut() {
            range.update(&reader);
        }
        self.records += reader.records();
        self.bytes.0 += reader.progress().0;
        for (why, count) in reader.unreadable() {
            *self.unreadable.entry(*why).or_default() += count;
        }
    }

    /// How many captures there are, those not yet opened included.
    pub fn count(&self) -> usize {
        self.count
    }

    /// True where the present capture is not the last one.
    pub fn more_follow(&self) -> bool {
        !self.pending.is_empty() || self.merged.as_ref().is_some_and(MergedInputs::more_follow)
    }

    /// The captures that were begun, and their records so far.
    pub fn ranges(&self) -> Vec<CaptureRange> {
        let mut ranges = self.ranges.clone();
        if let (Some(range), Some(reader)) = (ranges.last_mut(), &self.current) {
            range.update(reader);
        }
        if let Some(merged) = &self.merged {
            merged.update(&mut ranges);
        }
        ranges
    }

    /// The captures that records may be of now, and which the first of them is of those that were begun.
    pub(crate) fn present(&self) -> (usize, &[CaptureRange]) {
        let first = if self.merged.is_some() { 0 } else { self.ranges.len().saturating_sub(1) };
        (first, &self.ranges[first..])
    }

    /// Files of folders that turned out to be no captures.
    pub fn not_captures(&self) -> &[String] {
        &self.not_captures
    }

    /// The packet records that were left out so far: see [`Reader::unreadable`].
    pub fn unreadable(&self) -> BTreeMap<Unreadable, u64> {
        let mut all = self.unreadable.clone();
        let merged = self.merged.iter().flat_map(MergedInputs::readers);
        for (why, count) in self.current.iter().chain(merged).flat_map(Reader::unreadable) {
            *all.entry(*why).or_default() += count;
        }
        all
    }

    /// Bytes read of all captures, and how many there are where that is known: see [`Reader::progress`].
    pub fn progress(&self) -> (u64, Option<u64>) {
        let (ended, total) = self.bytes;
        let merged = self.merged.iter().flat_map(MergedInputs::readers);
        let read: u64 = self.current.iter().chain(merged).map(|reader| reader.progress().0).sum();
        (ended + read, total)
    }
}

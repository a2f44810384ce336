//! Several captures as one stream, in the order given.

use super::batch::{Batch, Record};
use super::error::{CaptureError, CaptureProblem};
use super::folder::{CaptureFile, capture_files};
use super::interface::Interface;
use super::link::Unreadable;
use super::reader::Reader;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

/// Opens one of several captures.
pub type CaptureOpener = Box<dyn FnMut(&Path) -> Result<Reader, CaptureError> + Send>;

/// Several captures, read one behind the other: each is opened when the one before it has come to its end. The numbers
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

/// One of several captures, and its records among theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureRange {
    /// What it is called.
    pub name: String,
    /// Records of the captures before it: its first one has the next number.
    pub before: u64,
    /// Its own records, as far as it was read.
    pub records: u64,
    /// How many captures it turned out to be, each with its own header, one put behind the other.
    pub joined: u64,
    /// Its records that no frame could be read from.
    pub unreadable: u64,
}

impl CaptureRange {
    fn new(name: &str, before: u64) -> CaptureRange {
        CaptureRange { name: name.to_owned(), before, records: 0, joined: 1, unreadable: 0 }
    }

    fn update(&mut self, reader: &Reader) {
        self.records = reader.records();
        self.joined = reader.captures();
        self.unreadable = reader.unreadable().values().sum();
    }
}

impl From<Reader> for Captures {
    fn from(reader: Reader) -> Captures {
        let bytes = (0, reader.progress().1);
        let ranges = vec![CaptureRange::new(reader.name(), 0)];
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

    /// Gives the next records to `each`, as [`Reader::next_records`] does: 0 at the end of the present capture.
    pub(crate) fn next_records(
        &mut self,
        batch: &mut Batch,
        each: impl FnMut(&mut Batch, Record, &[Interface]) -> bool,
    ) -> Result<usize, CaptureError> {
        let Some(reader) = &mut self.current else { return Ok(0) };
        let read = reader.next_records(batch, each);
        self.was_damaged |= read.is_err();
        read
    }

    /// Goes on with the next capture once the present one has come to its end; false where there is none. Interfaces of
    /// records are counted anew then.
    ///
    /// # Errors
    /// It cannot be opened; the next call goes on behind it. Files of folders that are no captures are passed over, and
    /// an error where there is nothing else.
    pub fn advance(&mut self) -> Result<bool, CaptureError> {
        self.finish_current();
        while let Some(file) = self.pending.pop_front() {
            match (self.opener)(&file.path) {
                Ok(reader) => {
                    self.ranges.push(CaptureRange::new(reader.name(), self.records));
                    self.current = Some(reader.behind(self.records));
                    return Ok(true);
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
        Ok(false)
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
        !self.pending.is_empty()
    }

    /// The captures that were begun, and their records so far.
    pub fn ranges(&self) -> Vec<CaptureRange> {
        let mut ranges = self.ranges.clone();
        if let (Some(range), Some(reader)) = (ranges.last_mut(), &self.current) {
            range.update(reader);
        }
        ranges
    }

    /// The capture that was begun last.
    pub(crate) fn present(&self) -> Option<&CaptureRange> {
        self.ranges.last()
    }

    /// Files of folders that turned out to be no captures.
    pub fn not_captures(&self) -> &[String] {
        &self.not_captures
    }

    /// The packet records that were left out so far: see [`Reader::unreadable`].
    pub fn unreadable(&self) -> BTreeMap<Unreadable, u64> {
        let mut all = self.unreadable.clone();
        for (why, count) in self.current.iter().flat_map(Reader::unreadable) {
            *all.entry(*why).or_default() += count;
        }
        all
    }

    /// Bytes read of all captures, and how many there are where that is known: see [`Reader::progress`].
    pub fn progress(&self) -> (u64, Option<u64>) {
        let (ended, total) = self.bytes;
        (ended + self.current.as_ref().map_or(0, |reader| reader.progress().0), total)
    }
}

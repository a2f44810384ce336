//! Reading captures of every supported format.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use bytes::Bytes;

use super::batch::{Batch, RawRecord, Record};
use super::error::{CaptureError, CaptureProblem};
use super::input::Input;
use super::interface::Interface;
use super::pcap::{FILE_HEADER_LEN, Magic, Pcap};
use super::pcapng::{Pcapng, SECTION_HEADER};

/// What stands at the start of the unread data.
pub(super) enum Step {
    /// Something that takes at least so many bytes.
    Need(usize),
    /// So many bytes that hold no packet.
    Skip(usize),
    /// A packet record.
    Packet(RawRecord),
}

/// A capture being read from its start to its end.
///
/// The format is told by content: pcap (microseconds or nanoseconds, both byte orders) or pcapng, plain or compressed
/// with gzip or zstd. No allocation follows a length that is merely claimed: blocks of half a megabyte are read ahead,
/// and grow as data arrives to at most [`MAX_BLOCK_LEN`](super::MAX_BLOCK_LEN) where one pcapng block needs it.
pub struct Reader {
    file: String,
    input: Input,
    format: Format,
    interfaces: Vec<Interface>,
    good_records: u64,
    /// What ends the capture once the records before it have been handed out.
    pending: Option<CaptureError>,
    ended: bool,
}

enum Format {
    Pcap(Pcap),
    Pcapng(Box<Pcapng>),
}

impl Reader {
    /// Opens the capture at `path`; pipes do as well as files.
    ///
    /// Fails where the file cannot be read, is no capture, or is a pcap of an unsupported link type.
    pub fn open(path: &Path) -> Result<Reader, CaptureError> {
        let name = path.display().to_string();
        let open = || {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            Input::from_read(Box::new(file), metadata.is_file().then_some(metadata.len()))
        };
        Reader::start(name, open())
    }

    /// Reads a capture from a stream that holds `total` bytes, where that is known; `name` stands for the file in
    /// errors.
    pub fn from_read(
        name: impl Into<String>,
        read: Box<dyn Read + Send>,
        total: Option<u64>,
    ) -> Result<Reader, CaptureError> {
        Reader::start(name.into(), Input::from_read(read, total))
    }

    /// Reads a capture that is in memory; `name` stands for the file in errors.
    pub fn from_bytes(name: impl Into<String>, bytes: Bytes) -> Result<Reader, CaptureError> {
        Reader::start(name.into(), Input::from_bytes(bytes))
    }

    fn start(file: String, input: io::Result<Input>) -> Result<Reader, CaptureError> {
        let mut input = match input {
            Ok(input) => input,
            Err(error) => return Err(unopened(file, CaptureProblem::Io(error))),
        };
        let mut interfaces = Vec::new();
        match Format::detect(&mut input, &mut interfaces) {
            Ok(format) => Ok(Reader { file, input, format, interfaces, good_records: 0, pending: None, ended: false }),
            Err(problem) => Err(CaptureError { compression: input.compression(), ..unopened(file, problem) }),
        }
    }

    /// Replaces the content of `batch` by the next records, up to `max_records` (at least one), and tells how many.
    ///
    /// 0 is the clean end. A batch may hold fewer records than asked for, and more follow all the same. Where the
    /// capture is damaged, the good records before the damage are handed out first, then the error, once; after it
    /// the reader is at its end. Where compressed data is corrupt rather than cut, up to 16 KiB of decompressed data
    /// in front of the damage can be lost with it.
    pub fn next_batch(&mut self, batch: &mut Batch, max_records: usize) -> Result<usize, CaptureError> {
        self.next_records(batch, max_records, |batch, record, _| batch.push(record))
    }

    /// As [`Reader::next_batch`], for those who want to keep something else of a record than the record: `each` gets
    /// the batch, which holds the bytes, the record, and the interfaces met so far.
    pub(crate) fn next_records(
        &mut self,
        batch: &mut Batch,
        max_records: usize,
        each: impl FnMut(&mut Batch, Record, &[Interface]),
    ) -> Result<usize, CaptureError> {
        batch.clear();
        if let Some(error) = self.pending.take() {
            return Err(error);
        }
        if self.ended {
            return Ok(0);
        }
        batch.adopt(self.input.block());
        let good_before = self.good_records;
        let filled = self.fill(batch, good_before + max_records.max(1) as u64, each);
        let records = (self.good_records - good_before) as usize;
        if let Err(problem) = filled {
            self.ended = true;
            let error = CaptureError {
                file: self.file.clone(),
                offset: self.input.offset(),
                compression: self.input.compression(),
                good_records: self.good_records,
                problem,
            };
            if records == 0 {
                return Err(error);
            }
            self.pending = Some(error);
        }
        Ok(records)
    }

    /// Walks until there are `last` good records, or those of a block.
    fn fill(
        &mut self,
        batch: &mut Batch,
        last: u64,
        mut each: impl FnMut(&mut Batch, Record, &[Interface]),
    ) -> Result<(), CaptureProblem> {
        let Reader { input, format, interfaces, good_records, ended, .. } = self;
        let first = *good_records;
        while *good_records < last {
            let (unread, position) = (input.unread(), input.position());
            let mut walked = 0;
            let step = loop {
                let data = &unread[walked..];
                let step = match format {
                    Format::Pcap(pcap) => pcap.step(data),
                    Format::Pcapng(pcapng) => pcapng.step(data, interfaces),
                };
                match step {
                    Ok(Step::Packet(packet)) => {
                        *good_records += 1;
                        let record = batch.place(*good_records, position + walked, &packet);
                        each(batch, record, interfaces);
                        walked += packet.consumed;
                        if *good_records == last {
                            break Ok(None);
                        }
                    }
                    Ok(Step::Skip(length)) => walked += length,
                    Ok(Step::Need(needed)) => break Ok(Some(needed)),
                    Err(problem) => break Err(problem),
                }
            };
            input.consume(walked);
            match step? {
                // The records of a batch share one block, so the next block is the next batch's.
                Some(_) if *good_records > first => break,
                Some(needed) if !input.load(needed) => {
                    *ended = true;
                    return input.shortfall(needed);
                }
                Some(_) => batch.adopt(input.block()),
                None => break,
            }
        }
        Ok(())
    }

    /// The interfaces met so far, those of all sections; grows while a pcapng is read. Records index into it.
    pub fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    /// How many bytes of the file (as it is, so before decompression) have been read, and how many there are, where
    /// that is known.
    pub fn progress(&self) -> (u64, Option<u64>) {
        self.input.progress()
    }
}

impl Format {
    /// Tells the format by the first bytes, and walks over the header of a pcap file.
    fn detect(input: &mut Input, interfaces: &mut Vec<Interface>) -> Result<Format, CaptureProblem> {
        if !input.load(FILE_HEADER_LEN) && input.unread().is_empty() {
            input.shortfall(FILE_HEADER_LEN)?;
            return Err(CaptureProblem::Empty);
        }
        let data = input.unread();
        let magic = data.first_chunk().copied().unwrap_or_default();
        if u32::from_le_bytes(magic) == SECTION_HEADER {
            return Ok(Format::Pcapng(Box::new(Pcapng::new())));
        }
        match Magic::detect(magic) {
            Some(Magic::Pcap(order, nanos)) => {
                let Some(header) = data.first_chunk() else {
                    input.shortfall(FILE_HEADER_LEN)?;
                    return Err(CaptureProblem::Empty);
                };
                let (pcap, interface) = Pcap::open(order, nanos, header)?;
                interfaces.push(interface);
                input.consume(FILE_HEADER_LEN);
                Ok(Format::Pcap(pcap))
            }
            Some(Magic::Modified) => {
                Err(CaptureProblem::UnsupportedVariant { variant: "modified pcap (magic a1b2cd34)".to_owned() })
            }
            None => Err(CaptureProblem::NotACapture { first: data[..data.len().min(8)].to_vec() }),
        }
    }
}

/// A problem at the very start.
fn unopened(file: String, problem: CaptureProblem) -> CaptureError {
    CaptureError { file, offset: 0, compression: None, good_records: 0, problem }
}

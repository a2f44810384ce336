//! Reading captures of every supported format.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use bytes::Bytes;

use super::batch::{Batch, RawRecord, Record};
use super::error::{CaptureError, CaptureProblem};
use super::foreign::{Foreign, LOOKED_AT};
use super::input::Input;
use super::interface::{Interface, InterfaceTable};
use super::link::{Framing, Unreadable};
use super::pcap::{FILE_HEADER_LEN, Pcap, RecordLayout};
use super::pcapng::{Pcapng, SECTION_HEADER};

/// What stands at the start of the unread data.
pub(super) enum ReadStep {
    /// Something that takes at least so many bytes.
    Need(usize),
    /// So many bytes that hold no packet.
    Skip(usize),
    /// A packet record.
    Packet(RawRecord),
    /// The header of another capture that was put behind this one.
    Another,
}

/// A capture being read from its start to its end.
///
/// The format is told by content: pcap (microseconds or nanoseconds, both byte orders) or pcapng, plain or compressed
/// with gzip, zstd, bzip2 or lz4; several captures may stand one behind the other. No allocation follows a length that
/// is merely claimed: blocks of half a megabyte are read ahead, and grow as data arrives to at most
/// [`MAX_BLOCK_LEN`](super::MAX_BLOCK_LEN) where one pcapng block needs it.
pub struct Reader {
    file: String,
    input: Input,
    format: CaptureFormat,
    interfaces: InterfaceTable,
    good_records: u64,
    /// Records of the captures before this one: numbers run on.
    before: u64,
    /// Records that no Ethernet frame could be handed out for. Bounded by the number of link types.
    unreadable: BTreeMap<Unreadable, u64>,
    /// True once one could.
    has_frames: bool,
    /// Captures in the file, one behind the other.
    captures: u64,
    /// What ends the capture once the records before it have been handed out.
    pending: Option<CaptureError>,
    ended: bool,
}

enum CaptureFormat {
    Pcap(Pcap),
    PcapOf(RecordLayout, Pcap),
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
            Err(error) => return Err(CaptureError::unopened(file, CaptureProblem::Io(error))),
        };
        let mut interfaces = InterfaceTable::default();
        let opened = CaptureFormat::detect(&mut input, &mut interfaces).and_then(|format| match format {
            // All there is will be of this link type.
            CaptureFormat::Pcap(pcap) | CaptureFormat::PcapOf(_, pcap)
                if let Framing::Unsupported(link_type) = pcap.framing() =>
            {
                Err(CaptureProblem::UnsupportedLinkType { link_type })
            }
            format => Ok(format),
        });
        match opened {
            Ok(format) => Ok(Reader {
                file,
                input,
                format,
                interfaces,
                good_records: 0,
                before: 0,
                unreadable: BTreeMap::new(),
                has_frames: false,
                captures: 1,
                pending: None,
                ended: false,
            }),
            Err(problem) => {
                Err(CaptureError { compression: input.compression(), ..CaptureError::unopened(file, problem) })
            }
        }
    }

    /// Numbers its records behind `before` others.
    pub(super) fn behind(self, before: u64) -> Reader {
        Reader { before, ..self }
    }

    /// What messages call the capture.
    pub(super) fn name(&self) -> &str {
        &self.file
    }

    /// The packet records so far.
    pub(super) fn records(&self) -> u64 {
        self.good_records
    }

    /// Replaces the content of `batch` by the next records, up to `max_records` (at least one), and tells how many.
    ///
    /// 0 is the clean end. A batch may hold fewer records than asked for, and more follow all the same. Where the
    /// capture is damaged, the good records before the damage are handed out first, then the error, then 0. Records
    /// that hold no Ethernet frame and no packet are counted, and left out: see [`Reader::unreadable`]; a capture
    /// without any other record ends in an error where its link types are the cause.
    pub fn next_batch(&mut self, batch: &mut Batch, max_records: usize) -> Result<usize, CaptureError> {
        let max_records = max_records.max(1);
        self.next_records(batch, |batch, record, _| {
            batch.push(*record);
            batch.len() == max_records
        })
    }

    /// As [`Reader::next_batch`], for callers that keep something else of a record than the record: `each` gets
    /// the batch, which holds the bytes, the record, which it may change, and the interfaces met so far, and returns
    /// true where that was enough for one batch.
    pub(crate) fn next_records(
        &mut self,
        batch: &mut Batch,
        each: impl FnMut(&mut Batch, &mut Record, &[Interface]) -> bool,
    ) -> Result<usize, CaptureError> {
        batch.clear();
        if let Some(error) = self.pending.take() {
            return Err(error);
        }
        if self.ended {
            return Ok(0);
        }
        batch.adopt(self.input.block());
        let mut handed = 0;
        let filled = self.fill(batch, &mut handed, each);
        self.has_frames |= handed != 0;
        let filled = filled.and_then(|()| if self.ended { self.has_been_readable() } else { Ok(()) });
        if let Err(problem) = filled {
            self.ended = true;
            let is_unsupported = matches!(problem, CaptureProblem::UnsupportedLinkType { .. });
            let error = CaptureError {
                file: self.file.clone(),
                offset: self.input.offset(),
                compression: self.input.compression(),
                good_records: if is_unsupported { 0 } else { self.good_records },
                problem,
            };
            if handed == 0 {
                return Err(error);
            }
            self.pending = Some(error);
        }
        Ok(handed)
    }

    /// Walks until `each` has enough, or there are the records of a block; counts those `handed` out.
    fn fill(
        &mut self,
        batch: &mut Batch,
        handed: &mut usize,
        mut each: impl FnMut(&mut Batch, &mut Record, &[Interface]) -> bool,
    ) -> Result<(), CaptureProblem> {
        let Reader { input, format, interfaces, good_records, before, unreadable, captures, ended, .. } = self;
        loop {
            let (unread, position, before) = (input.unread(), input.position(), *before);
            let each = &mut each;
            let walk = BlockWalk { batch, interfaces, unreadable, good_records, before, position, handed, each };
            let (walked, stop) = match format {
                CaptureFormat::Pcap(pcap) => {
                    let pcap = *pcap;
                    walk.run(unread, |data, _| pcap.step(data))
                }
                CaptureFormat::Pcapng(pcapng) => walk.run(unread, |data, interfaces| pcapng.step(data, interfaces)),
                CaptureFormat::PcapOf(layout, pcap) => walk.run(unread, |data, _| pcap.step_of(*layout, data)),
            };
            input.consume(walked);
            match stop? {
                Stop::Enough => return Ok(()),
                // The records of a batch share one block, so the next block is the next batch's.
                Stop::Need(_) | Stop::Another if *handed > 0 => return Ok(()),
                Stop::Need(needed) if !input.load(needed) => {
                    *ended = true;
                    return input.shortfall(needed);
                }
                Stop::Need(_) => batch.adopt(input.block()),
                Stop::Another => {
                    *format = CaptureFormat::detect(input, interfaces)?;
                    *captures += 1;
                    batch.adopt(input.block());
                }
            }
        }
    }

    /// Why a capture that has come to its end gave nothing, where that is because of its link types.
    fn has_been_readable(&self) -> Result<(), CaptureProblem> {
        let unsupported = || {
            self.unreadable.keys().find_map(|why| match why {
                Unreadable::LinkType(link_type) => Some(*link_type),
                _ => None,
            })
        };
        match if self.has_frames { None } else { unsupported() } {
            Some(link_type) => Err(CaptureProblem::UnsupportedLinkType { link_type }),
            None => Ok(()),
        }
    }

    /// The interfaces met so far, those of all sections; grows while a pcapng is read, by no more than each section's
    /// [`MAX_INTERFACES`](super::MAX_INTERFACES). Records index into it.
    pub fn interfaces(&self) -> &[Interface] {
        self.interfaces.list()
    }

    /// The packet records that were left out so far because they hold no Ethernet frame and no packet: how many, by
    /// what they are. They count where records are numbered.
    pub fn unreadable(&self) -> &BTreeMap<Unreadable, u64> {
        &self.unreadable
    }

    /// How many captures the file turned out to be so far, each with its own header, one put behind the other.
    pub fn captures(&self) -> u64 {
        self.captures
    }

    /// How many bytes of the file (as it is, so before decompression) have been read, and how many there are, where
    /// that is known.
    pub fn progress(&self) -> (u64, Option<u64>) {
        self.input.progress()
    }
}

/// A walk over the records of one block, for one format, so that what is the same for all records of a format is decided once.
struct BlockWalk<'a, F> {
    batch: &'a mut Batch,
    interfaces: &'a mut InterfaceTable,
    unreadable: &'a mut BTreeMap<Unreadable, u64>,
    good_records: &'a mut u64,
    before: u64,
    /// Where the walk starts in the block.
    position: usize,
    handed: &'a mut usize,
    each: &'a mut F,
}

impl<F: FnMut(&mut Batch, &mut Record, &[Interface]) -> bool> BlockWalk<'_, F> {
    /// Walks over `unread` by `step`. Returns how far it came, and why it ended.
    #[inline(always)]
    fn run(
        self,
        unread: &[u8],
        mut step: impl FnMut(&[u8], &mut InterfaceTable) -> Result<ReadStep, CaptureProblem>,
    ) -> (usize, Result<Stop, CaptureProblem>) {
        let BlockWalk { batch, interfaces, unreadable, good_records, before, position, handed, each } = self;
        let mut walked = 0;
        let stop = loop {
            match step(&unread[walked..], interfaces) {
                Ok(ReadStep::Packet(packet)) => {
                    *good_records += 1;
                    let mut record = packet.record(before + *good_records, position + walked);
                    walked += packet.consumed;
                    if packet.framing != Framing::Ethernet
                        && let Err(why) = batch.synthesize(&mut record, packet.framing)
                    {
                        *unreadable.entry(why).or_default() += 1;
                        continue;
                    }
                    *handed += 1;
                    if each(batch, &mut record, interfaces.list()) {
                        break Ok(Stop::Enough);
                    }
                }
                Ok(ReadStep::Skip(length)) => walked += length,
                Ok(ReadStep::Need(needed)) => break Ok(Stop::Need(needed)),
                Ok(ReadStep::Another) => break Ok(Stop::Another),
                Err(problem) => break Err(problem),
            }
        };
        (walked, stop)
    }
}

/// Why a walk over a block ended.
enum Stop {
    /// There are as many records as were wanted.
    Enough,
    /// So many bytes are needed for what comes next.
    Need(usize),
    /// Another capture begins here.
    Another,
}

impl CaptureFormat {
    /// Tells the format by the first bytes, and walks over the header of a pcap file.
    fn detect(input: &mut Input, interfaces: &mut InterfaceTable) -> Result<CaptureFormat, CaptureProblem> {
        let is_there = input.unread().len() >= FILE_HEADER_LEN || input.load(FILE_HEADER_LEN);
        if !is_there && input.unread().is_empty() {
            input.shortfall(FILE_HEADER_LEN)?;
            return Err(CaptureProblem::Empty);
        }
        let data = input.unread();
        let magic = data.first_chunk().copied().unwrap_or_default();
        if u32::from_le_bytes(magic) == SECTION_HEADER {
            return Ok(CaptureFormat::Pcapng(Box::new(Pcapng::new())));
        }
        if !Pcap::is_magic(magic) {
            // What a file is may stand behind what a pipe has given so far.
            if data.len() < LOOKED_AT {
                input.load(LOOKED_AT);
            }
            let data = input.unread();
            return Err(match Foreign::detect(data) {
                Some(foreign) => CaptureProblem::Foreign { foreign },
                None => CaptureProblem::NotACapture { first: data[..data.len().min(8)].to_vec() },
            });
        }
        let Some(header) = data.first_chunk() else {
            input.shortfall(FILE_HEADER_LEN)?;
            return Err(CaptureProblem::Empty);
        };
        let (pcap, layout, interface) = Pcap::open(header)?;
        interfaces.begin_section();
        let pcap = pcap.with_interface(interfaces.add(interface)?);
        input.consume(FILE_HEADER_LEN);
        Ok(if layout == RecordLayout::Common { CaptureFormat::Pcap(pcap) } else { CaptureFormat::PcapOf(layout, pcap) })
    }
}

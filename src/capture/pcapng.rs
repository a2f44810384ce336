//! The block format (<https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/>): sections, each with its own byte
//! order and interfaces. Blocks and options that say nothing about packets are walked over.

use super::batch::RawRecord;
use super::error::CaptureProblem;
use super::interface::{Interface, InterfaceClock, InterfaceTable, Resolution};
use super::link::{Framing, LinkType};
use super::options::BlockOptions;
use super::order::ByteOrder;
use super::pcap::Pcap;
use super::reader::ReadStep;
use super::{MAX_BLOCK_LEN, MAX_CAPTURED_LEN};
use crate::time::SimTime;

/// Block type of a section header; reads the same in both byte orders.
pub(super) const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

const SHB_USER_APPLICATION: u16 = 4;
/// How the application of a section begins that this program wrote.
const OWN_APPLICATION: &[u8] = b"biplane ";
/// Directions of packets.
const INBOUND: u32 = 1;
const OUTBOUND: u32 = 2;

const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;

/// What the blocks walked so far say about the ones to come.
pub(super) struct Pcapng {
    order: ByteOrder,
    /// Of the current section, in the order of the file.
    section: Vec<Described>,
    /// True where this program wrote the current section.
    is_own: bool,
    /// Time of the last packet that had one.
    last: SimTime,
}

struct Described {
    clock: InterfaceClock,
    snaplen: u32,
    framing: Framing,
    /// Its number among the interfaces of the file.
    index: u32,
}

/// A block whose two lengths agree.
struct PcapngBlock<'a> {
    block_type: u32,
    length: usize,
    /// What stands between the two lengths.
    body: &'a [u8],
}

impl Pcapng {
    /// A walker in front of the first section.
    pub(super) fn new() -> Pcapng {
        Pcapng { order: ByteOrder::Little, section: Vec::new(), is_own: false, last: SimTime::ZERO }
    }

    /// The block at the start of `data`; an interface that it describes is added to `interfaces`.
    #[inline]
    pub(super) fn step(&mut self, data: &[u8], interfaces: &mut InterfaceTable) -> Result<ReadStep, CaptureProblem> {
        let Some(head) = data.first_chunk::<12>() else { return Ok(ReadStep::Need(12)) };
        let [t0, t1, t2, t3, l0, l1, l2, l3, magic @ ..] = *head;
        // The length of a section header is in the byte order that this header announces.
        let order = match self.order.u32([t0, t1, t2, t3]) {
            SECTION_HEADER => section_order(magic)?,
            _ => self.order,
        };
        let block_type = order.u32([t0, t1, t2, t3]);
        let claimed = order.u32([l0, l1, l2, l3]);
        if !(12..=MAX_BLOCK_LEN).contains(&claimed) || claimed % 4 != 0 {
            if let Some(step) = Pcap::behind_blocks(data) {
                return Ok(step);
            }
            return Err(CaptureProblem::BlockLength { block_type, claimed });
        }
        let length = claimed as usize;
        let Some((body, trailer)) = data.get(8..length).and_then(<[u8]>::split_last_chunk) else {
            return Ok(ReadStep::Need(length));
        };
        let trailing = order.u32(*trailer);
        if trailing != claimed {
            return Err(CaptureProblem::BlockTrailer { block_type, leading: claimed, trailing });
        }
        let block = PcapngBlock { block_type, length, body };
        match block_type {
            ENHANCED_PACKET => self.enhanced_packet(&block),
            SECTION_HEADER => self.section_header(&block, order, interfaces),
            INTERFACE_DESCRIPTION => self.interface_description(&block, interfaces),
            SIMPLE_PACKET => self.simple_packet(&block),
            OBSOLETE_PACKET => self.obsolete_packet(&block),
            _ => Ok(ReadStep::Skip(length)),
        }
    }

    /// Byte-order magic, major version, minor version (2 bytes each), section length (8), options.
    fn section_header(
        &mut self,
        block: &PcapngBlock<'_>,
        order: ByteOrder,
        interfaces: &mut InterfaceTable,
    ) -> Result<ReadStep, CaptureProblem> {
        let [_, _, _, _, a, b, c, d, ..] = *block.fields::<16>()?;
        let (major, minor) = (order.u16([a, b]), order.u16([c, d]));
        // Minor version 2 was written by some tools and means the same as 0.
        if major != 1 {
            return Err(CaptureProblem::UnsupportedVariant { variant: format!("pcapng version {major}.{minor}") });
        }
        self.order = order;
        self.section.clear();
        interfaces.begin_section();
        let options = BlockOptions { order, bytes: block.body.get(16..).unwrap_or_default() };
        self.is_own = options.value(SHB_USER_APPLICATION).is_some_and(|name| name.starts_with(OWN_APPLICATION));
        Ok(ReadStep::Skip(block.length))
    }

    /// Link type (2 bytes), reserved (2), snaplen (4), options.
    fn interface_description(
        &mut self,
        block: &PcapngBlock<'_>,
        interfaces: &mut InterfaceTable,
    ) -> Result<ReadStep, CaptureProblem> {
        let [l0, l1, _, _, s0, s1, s2, s3] = *block.fields()?;
        let link_type = LinkType(self.order.u16([l0, l1]));
        let snaplen = self.order.u32([s0, s1, s2, s3]);
        let mut interface = Interface { name: None, link_type, snaplen };
        let mut clock = InterfaceClock::DEFAULT;
        let mut rest = &block.body[8..];
        while let Some((&[c0, c1, n0, n1], tail)) = rest.split_first_chunk() {
            let (code, length) = (self.order.u16([c0, c1]), self.order.u16([n0, n1]));
            if code == 0 {
                break;
            }
            let broken = CaptureProblem::InterfaceOption { code, length };
            let Some(value) = tail.get(..length.into()) else { return Err(broken) };
            match (code, value) {
                (IF_NAME, name) => {
                    let name = String::from_utf8_lossy(name);
                    let name = name.trim_end_matches('\0');
                    interface.name = Some(name.to_owned()).filter(|name| !name.is_empty());
                }
                (IF_TSRESOL, &[resolution]) => clock.resolution = Resolution::from_option(resolution),
                (IF_TSOFFSET, &[a, b, c, d, e, f, g, h]) => clock.offset = self.order.i64([a, b, c, d, e, f, g, h]),
                // Wrong stamps without a word would be worse than no capture.
                (IF_TSRESOL | IF_TSOFFSET, _) => return Err(broken),
                _ => {}
            }
            rest = tail.get(value.len().next_multiple_of(4)..).unwrap_or_default();
        }
        let index = interfaces.add(interface)?;
        self.section.push(Described { clock, snaplen, framing: link_type.framing(), index });
        Ok(ReadStep::Skip(block.length))
    }

    /// Interface (4 bytes), stamp high and low (4 each), captured length (4), original length (4), data, options.
    #[inline]
    fn enhanced_packet(&mut self, block: &PcapngBlock<'_>) -> Result<ReadStep, CaptureProblem> {
        let fields = block.fields::<20>()?;
        let number = self.field(fields, 0);
        let ticks = (u64::from(self.field(fields, 4)) << 32) | u64::from(self.field(fields, 8));
        let captured = self.field(fields, 12);
        let step = self.stamped_packet(block, number, ticks, captured, self.field(fields, 16))?;
        // Past the data, which is padded; most captures have nothing there.
        let start = 20 + (captured as usize).next_multiple_of(4);
        let bytes = block.body.get(start..).unwrap_or_default();
        Ok(match step {
            ReadStep::Packet(packet) if !bytes.is_empty() => {
                let summary = BlockOptions { order: self.order, bytes }.summary();
                let has_comments = summary.has_comments || summary.is_annotated;
                let is_kept = has_comments || self.is_own && summary.has_queue;
                let options = is_kept.then_some((8 + start, bytes.len(), self.order));
                // Other programs that copy packets keep comments and flags, so it is the packet that tells of a copy
                // and not its section.
                let came_out = summary.is_annotated && summary.direction == OUTBOUND;
                let entered = self.is_own && summary.direction == INBOUND;
                let outbound = match summary.direction {
                    INBOUND => Some(false),
                    OUTBOUND => Some(true),
                    _ => None,
                };
                ReadStep::Packet(RawRecord { came_out, entered, outbound, options, ..packet })
            }
            step => step,
        })
    }

    /// As the enhanced one, but interface and count of drops share the first 4 bytes.
    fn obsolete_packet(&mut self, block: &PcapngBlock<'_>) -> Result<ReadStep, CaptureProblem> {
        let fields = block.fields::<20>()?;
        let number = u32::from(self.order.u16([fields[0], fields[1]]));
        let ticks = (u64::from(self.field(fields, 4)) << 32) | u64::from(self.field(fields, 8));
        self.stamped_packet(block, number, ticks, self.field(fields, 12), self.field(fields, 16))
    }

    /// Original length (4 bytes), data up to the first interface's snaplen. No time: that of the packet before it.
    fn simple_packet(&mut self, block: &PcapngBlock<'_>) -> Result<ReadStep, CaptureProblem> {
        let original = self.order.u32(*block.fields()?);
        let described = self.described(0)?;
        let snaplen = if described.snaplen == 0 { u32::MAX } else { described.snaplen };
        self.packet(block, 0, self.last, 4, original.min(snaplen), original)
    }

    #[inline]
    fn stamped_packet(
        &mut self,
        block: &PcapngBlock<'_>,
        number: u32,
        ticks: u64,
        captured: u32,
        original: u32,
    ) -> Result<ReadStep, CaptureProblem> {
        let time = self.described(number)?.clock.time(ticks);
        let step = self.packet(block, number, time, 20, captured, original)?;
        self.last = time;
        Ok(step)
    }

    /// A packet whose data follows `header_len` bytes of fields.
    #[inline]
    fn packet(
        &self,
        block: &PcapngBlock<'_>,
        number: u32,
        time: SimTime,
        header_len: usize,
        captured: u32,
        original: u32,
    ) -> Result<ReadStep, CaptureProblem> {
        let room = (block.body.len() - header_len) as u32;
        let limit = room.min(MAX_CAPTURED_LEN);
        if captured > limit {
            return Err(CaptureProblem::RecordLength { claimed: captured, limit });
        }
        let described = self.described(number)?;
        Ok(ReadStep::Packet(RawRecord {
            interface: described.index,
            time,
            start: 8 + header_len,
            captured,
            original,
            consumed: block.length,
            framing: described.framing,
            came_out: false,
            entered: false,
            outbound: None,
            options: None,
        }))
    }

    /// Interface `number` of the current section.
    #[inline]
    fn described(&self, number: u32) -> Result<&Described, CaptureProblem> {
        let unknown = CaptureProblem::UnknownInterface { interface: number, described: self.section.len() as u32 };
        self.section.get(number as usize).ok_or(unknown)
    }

    #[inline]
    fn field(&self, fields: &[u8; 20], at: usize) -> u32 {
        self.order.u32([fields[at], fields[at + 1], fields[at + 2], fields[at + 3]])
    }
}

impl PcapngBlock<'_> {
    /// The fields that every block of this type begins with.
    #[inline]
    fn fields<const LENGTH: usize>(&self) -> Result<&[u8; LENGTH], CaptureProblem> {
        let problem = CaptureProblem::BlockLength { block_type: self.block_type, claimed: self.length as u32 };
        self.body.first_chunk().ok_or(problem)
    }
}

/// The byte order of a section whose header has `magic` in it.
fn section_order(magic: [u8; 4]) -> Result<ByteOrder, CaptureProblem> {
    match magic {
        [0x4d, 0x3c, 0x2b, 0x1a] => Ok(ByteOrder::Little),
        [0x1a, 0x2b, 0x3c, 0x4d] => Ok(ByteOrder::Big),
        found => Err(CaptureProblem::ByteOrder { found }),
    }
}

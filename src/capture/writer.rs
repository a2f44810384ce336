//! Writing pcapng: one section, Ethernet interfaces with nanosecond stamps, packets with comments.
//!
//! Nothing but the arguments reaches the output, so the same calls give the same bytes.

use std::io::{self, Write};

use super::options::{EPB_SENT, EPB_TAKEN_FROM};
use super::{LinkType, MAX_CAPTURED_LEN};
use crate::time::SimTime;

/// Block type of a packet.
const ENHANCED_PACKET: u32 = 6;

/// Bytes of such a block before those of its packet.
const FIELDS: usize = 28;

/// Bytes of an option before its value.
const OPTION_HEADER: usize = 4;

/// Option code of a comment; may be repeated.
const OPT_COMMENT: u16 = 1;
const OPT_END: u16 = 0;

/// A pcapng capture being written to `W`, little endian.
///
/// Each packet is one small write, so give it a buffered writer unless whole buffers go to
/// [`Writer::write_encoded`].
pub struct Writer<W: Write> {
    to: W,
    interfaces: u32,
    /// The block being put together.
    block: Vec<u8>,
}

/// A packet to be written, as an Ethernet frame.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// What [`Writer::add_interface`] gave.
    pub interface: u32,
    /// When it passed the interface.
    pub time: SimTime,
    /// The frame; what lies beyond [`MAX_CAPTURED_LEN`] bytes is not written.
    pub bytes: &'a [u8],
    /// Length on the wire in bytes; taken as that of `bytes` where it is less.
    pub wire_len: u32,
    /// Which way it passed the interface.
    pub direction: PacketDirection,
    /// A number that copies of one packet share, on whatever interface they are.
    pub packet_id: Option<u64>,
    /// Comments that the packet had before, byte for byte; they stand in front.
    pub own_comments: &'a [&'a [u8]],
    /// Comments, in the order in which they are to be shown; each is cut at 65,535 bytes.
    pub comments: &'a [&'a str],
}

/// Which way a packet passed an interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PacketDirection {
    /// Not told.
    #[default]
    Unknown,
    /// From the interface into what captured.
    Inbound,
    /// From what captured out of the interface.
    Outbound,
}

impl<W: Write> Writer<W> {
    /// Begins a capture: writes the section header, which names this program and its version.
    pub fn new(to: W) -> io::Result<Writer<W>> {
        const SECTION_HEADER: u32 = 0x0a0d_0d0a;
        const USER_APPLICATION: u16 = 4;
        let mut writer = Writer { to, interfaces: 0, block: Vec::new() };
        let start = begin(&mut writer.block, SECTION_HEADER);
        put_u32(&mut writer.block, 0x1a2b_3c4d);
        put_u16(&mut writer.block, 1);
        put_u16(&mut writer.block, 0);
        // The length of the section is not told.
        writer.block.extend_from_slice(&(-1_i64).to_le_bytes());
        put_option(&mut writer.block, USER_APPLICATION, concat!("biplane ", env!("CARGO_PKG_VERSION")).as_bytes());
        put_option(&mut writer.block, OPT_END, &[]);
        end(&mut writer.block, start);
        writer.write_block()?;
        Ok(writer)
    }

    /// Describes an Ethernet interface with nanosecond stamps; its number is for [`Packet::interface`]. It may stand
    /// anywhere before its first packet.
    pub fn add_interface(&mut self, name: &str, description: Option<&str>) -> io::Result<u32> {
        const INTERFACE_DESCRIPTION: u32 = 1;
        const IF_NAME: u16 = 2;
        const IF_DESCRIPTION: u16 = 3;
        const IF_TSRESOL: u16 = 9;
        let start = begin(&mut self.block, INTERFACE_DESCRIPTION);
        put_u16(&mut self.block, LinkType::ETHERNET.0);
        put_u16(&mut self.block, 0);
        put_u32(&mut self.block, MAX_CAPTURED_LEN);
        put_option(&mut self.block, IF_NAME, cut(name));
        if let Some(description) = description {
            put_option(&mut self.block, IF_DESCRIPTION, cut(description));
        }
        put_option(&mut self.block, IF_TSRESOL, &[9]);
        put_option(&mut self.block, OPT_END, &[]);
        end(&mut self.block, start);
        self.write_block()?;
        self.interfaces += 1;
        Ok(self.interfaces - 1)
    }

    /// Writes one packet of an interface that has been added.
    pub fn write_packet(&mut self, packet: &Packet<'_>) -> io::Result<()> {
        encode_packet(&mut self.block, packet);
        self.write_block()
    }

    /// Writes packets that [`encode_packet`] put into `encoded`.
    pub fn write_encoded(&mut self, encoded: &[u8]) -> io::Result<()> {
        self.to.write_all(encoded)
    }

    /// Hands on what was written so far.
    pub fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }

    /// Flushes, and gives back what was written to.
    pub fn finish(mut self) -> io::Result<W> {
        self.to.flush()?;
        Ok(self.to)
    }

    fn write_block(&mut self) -> io::Result<()> {
        let result = self.to.write_all(&self.block);
        self.block.clear();
        result
    }
}

/// Appends `packet` to `out` as the block that [`Writer::write_encoded`] takes.
///
/// Several threads can encode into buffers of their own while one writes them in order.
pub fn encode_packet(out: &mut Vec<u8>, packet: &Packet<'_>) {
    let mut options = PacketOptions::default();
    options.set(packet);
    encode_packet_with(out, packet, &options);
}

/// The options of a packet, encoded once for copies that differ in their interface, their bytes and their direction.
#[derive(Clone, Debug, Default)]
pub struct PacketOptions {
    encoded: Vec<u8>,
    /// Where the value of the direction stands, for packets of which it is told.
    direction: Option<usize>,
}

impl PacketOptions {
    /// Adds an option to those that were set.
    fn add(&mut self, code: u16, value: &[u8]) {
        let end = self.encoded.len().saturating_sub(4);
        self.encoded.truncate(end);
        put_option(&mut self.encoded, code, value);
        put_option(&mut self.encoded, OPT_END, &[]);
    }

    /// Adds the queue of the packet.
    pub fn add_queue(&mut self, queue: u32) {
        const EPB_QUEUE: u16 = 6;
        self.add(EPB_QUEUE, &queue.to_le_bytes());
    }

    /// Adds which capture the packet was taken from, and its number there.
    pub fn add_taken_from(&mut self, capture: u32, number: u64) {
        let mut value = [0; 12];
        value[..4].copy_from_slice(&capture.to_le_bytes());
        value[4..].copy_from_slice(&number.to_le_bytes());
        self.add(EPB_TAKEN_FROM, &value);
    }

    /// Adds when the packet left its sender.
    pub fn add_sent(&mut self, time: SimTime) {
        self.add(EPB_SENT, &time.as_nanos().to_le_bytes());
    }

    /// Encodes the comments of `packet`, its number, and whether its direction is told.
    pub fn set(&mut self, packet: &Packet<'_>) {
        self.begin(packet.own_comments.iter().copied());
        for comment in packet.comments {
            self.add_comment(|text| text.extend_from_slice(comment.as_bytes()));
        }
        self.end(packet.direction, packet.packet_id);
    }

    /// Starts the options of another packet with the comments that it had before. [`PacketOptions::add_comment`] follows for
    /// each further one, then [`PacketOptions::end`].
    pub fn begin<'a>(&mut self, own_comments: impl IntoIterator<Item = &'a [u8]>) {
        self.encoded.clear();
        for comment in own_comments {
            put_comment(&mut self.encoded, comment);
        }
    }

    /// Adds a comment: the text that `write` appends, cut at 65,535 bytes.
    #[inline]
    pub fn add_comment(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let encoded = &mut self.encoded;
        let start = encoded.len() + OPTION_HEADER;
        encoded.extend_from_slice(&option_header(OPT_COMMENT, 0));
        write(encoded);
        let length = whole_characters(&encoded[start..]);
        encoded.truncate(start + length);
        encoded[start - OPTION_HEADER..start].copy_from_slice(&option_header(OPT_COMMENT, length));
        pad(encoded, length);
    }

    /// Ends them with whether the direction is told, and with the number of the packet.
    pub fn end(&mut self, direction: PacketDirection, packet_id: Option<u64>) {
        const EPB_FLAGS: u16 = 2;
        const EPB_PACKETID: u16 = 5;
        let encoded = &mut self.encoded;
        self.direction = None;
        if direction != PacketDirection::Unknown {
            put_whole_option(encoded, EPB_FLAGS, [0; 4]);
            self.direction = Some(encoded.len() - 4);
        }
        if let Some(id) = packet_id {
            put_whole_option(encoded, EPB_PACKETID, id.to_le_bytes());
        }
        if !encoded.is_empty() {
            put_whole_option(encoded, OPT_END, []);
        }
    }
}

/// Appends `packet` as [`encode_packet`] does, where `options` are [those](PacketOptions::set) of it or of a copy.
pub fn encode_packet_with(out: &mut Vec<u8>, packet: &Packet<'_>, options: &PacketOptions) {
    let bytes = &packet.bytes[..packet.bytes.len().min(MAX_CAPTURED_LEN as usize)];
    let nanos = packet.time.as_nanos();
    let wire_len = packet.wire_len.max(u32::try_from(packet.bytes.len()).unwrap_or(u32::MAX));
    let length = FIELDS + bytes.len().next_multiple_of(4) + options.encoded.len() + 4;
    let high = (nanos >> 32) as u32;
    let values = [ENHANCED_PACKET, length as u32, packet.interface, high, nanos as u32, bytes.len() as u32, wire_len];
    let mut fields = [0; FIELDS];
    for (field, value) in fields.as_chunks_mut().0.iter_mut().zip(values) {
        *field = value.to_le_bytes();
    }
    out.reserve(length);
    out.extend_from_slice(&fields);
    out.extend_from_slice(bytes);
    pad(out, bytes.len());
    let start = out.len();
    out.extend_from_slice(&options.encoded);
    if let Some(at) = options.direction {
        let flags: u32 = match packet.direction {
            PacketDirection::Unknown => 0,
            PacketDirection::Inbound => 1,
            PacketDirection::Outbound => 2,
        };
        out[start + at..][..4].copy_from_slice(&flags.to_le_bytes());
    }
    put_u32(out, length as u32);
}

fn option_header(code: u16, length: usize) -> [u8; OPTION_HEADER] {
    let [c0, c1] = code.to_le_bytes();
    let [l0, l1] = (length as u16).to_le_bytes();
    [c0, c1, l0, l1]
}

/// Where the last packet of `encoded` begins, some packets that [`encode_packet`] wrote; 0 without any.
pub fn last_packet(encoded: &[u8]) -> usize {
    let length = encoded.last_chunk().map_or(0, |length| u32::from_le_bytes(*length) as usize);
    encoded.len().saturating_sub(length)
}

/// The length and the interface of the first of `encoded`, which may be packets that [`encode_packet`] wrote; `None` where
/// it cannot be one.
pub fn packet_head(encoded: &[u8]) -> Option<(usize, u32)> {
    let word = |at: usize| encoded.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    let length = word(4)? as usize;
    let is_whole = length >= FIELDS + 4 && length.is_multiple_of(4) && word(length - 4)? as usize == length;
    (word(0)? == ENHANCED_PACKET && is_whole).then_some((length, word(8)?))
}

/// Changes the interface of the first of `packets` that [`encode_packet`] wrote.
///
/// # Panics
/// There is none.
pub fn set_interface(packets: &mut [u8], interface: u32) {
    packets[8..12].copy_from_slice(&interface.to_le_bytes());
}

/// Adds one more comment to `packet`, a single packet that [`encode_packet`] wrote.
///
/// # Panics
/// It is none.
pub fn add_comment(packet: &mut Vec<u8>, comment: &str) {
    const CAPTURED: std::ops::Range<usize> = 20..24;
    let captured = u32::from_le_bytes(packet[CAPTURED].try_into().expect("four bytes"));
    let options = 28 + (captured as usize).next_multiple_of(4);
    let end_of_options = if packet.len() == options + 4 { 4 } else { 8 };
    packet.truncate(packet.len() - end_of_options);
    put_option(packet, OPT_COMMENT, cut(comment));
    put_option(packet, OPT_END, &[]);
    end(packet, 0);
}

/// Begins a block and tells where; [`end`] fills in the length.
fn begin(out: &mut Vec<u8>, block_type: u32) -> usize {
    let start = out.len();
    put_u32(out, block_type);
    put_u32(out, 0);
    start
}

fn end(out: &mut Vec<u8>, start: usize) {
    let length = (out.len() - start + 4) as u32;
    put_u32(out, length);
    out[start + 4..start + 8].copy_from_slice(&length.to_le_bytes());
}

/// Appends a comment as an option of a packet; what no option has room for is left out.
pub(super) fn put_comment(out: &mut Vec<u8>, comment: &[u8]) {
    put_option(out, OPT_COMMENT, &comment[..comment.len().min(u16::MAX.into())]);
}

#[inline]
fn put_option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    out.extend_from_slice(&option_header(code, value.len()));
    out.extend_from_slice(value);
    pad(out, value.len());
}

/// Appends an option whose value needs no padding.
#[inline]
fn put_whole_option<const LENGTH: usize>(out: &mut Vec<u8>, code: u16, value: [u8; LENGTH]) {
    const { assert!(LENGTH.is_multiple_of(4)) };
    out.extend_from_slice(&option_header(code, LENGTH));
    out.extend_from_slice(&value);
}

fn put_u16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

/// Fills up to the next multiple of four after `length` bytes.
#[inline]
fn pad(out: &mut Vec<u8>, length: usize) {
    // Lengths cannot be foreseen. So three bytes are written without a branch, and those too many are taken off again.
    let end = out.len() + length.wrapping_neg() % 4;
    out.extend_from_slice(&[0; 3]);
    out.truncate(end);
}

/// As much of `text` as an option can hold, in whole characters.
fn cut(text: &str) -> &[u8] {
    &text.as_bytes()[..whole_characters(text.as_bytes())]
}

/// How many bytes of `text`, which is UTF-8, an option can hold, in whole characters.
#[inline]
fn whole_characters(text: &[u8]) -> usize {
    let is_inside = |at: usize| text.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    (0..=text.len().min(u16::MAX.into())).rev().find(|at| !is_inside(*at)).unwrap_or(0)
}

//! How a link type's header leads to an Ethernet frame.

use super::{LinkType, Unreadable, nflog, ppp, wifi};
use crate::net::ethertype;

/// What stands in front of the packets of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::capture) enum Framing {
    /// Nothing: the bytes are an Ethernet frame already.
    Ethernet,
    /// Nothing: bare IP, whose version nibble tells which.
    RawIp,
    /// Nothing: bare IPv4.
    Ipv4,
    /// Nothing: bare IPv6.
    Ipv6,
    /// Nothing: a bare MPLS label stack.
    Mpls,
    /// The 16-byte Linux cooked header.
    CookedV1,
    /// The 20-byte Linux cooked header.
    CookedV2,
    /// A 4-byte address family in the byte order of the machine that captured.
    Null,
    /// A 4-byte address family in network byte order.
    Loop,
    /// PPP, with HDLC's address and control or without.
    Ppp,
    /// PPP behind two bytes, the direction and HDLC's control.
    PppPppd,
    /// The 6-byte header of PPPoE, and PPP.
    PppOverEthernet,
    /// Cisco HDLC.
    CiscoHdlc,
    /// Frame Relay, of the IETF's kind or Cisco's.
    FrameRelay,
    /// A byte for the direction, and PPP.
    PppWithDirection,
    /// A byte for the direction, and Cisco HDLC.
    CiscoHdlcWithDirection,
    /// A byte for the direction, and Frame Relay.
    FrameRelayWithDirection,
    /// IEEE 802.2 LLC, mostly with SNAP.
    Llc,
    /// IEEE 802.11.
    Wifi,
    /// A radiotap header, and IEEE 802.11.
    WifiRadiotap,
    /// A Prism or AVS header, and IEEE 802.11.
    WifiPrism,
    /// A Per-Packet Information header, and the link type that it names.
    Ppi,
    /// Apple's header, and the link type that it names.
    Pktap,
    /// The attributes of Netfilter's log, the packet one of them.
    Nflog,
    /// A link type that is not read.
    Unsupported(LinkType),
}

/// What stands in an Ethernet frame in place of another link type's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::capture) struct SynthesizedFrame {
    /// The Ethernet header; only the first `header_len` bytes count.
    pub(in crate::capture) header: [u8; 14],
    /// 14; 12 where the bytes that would tell the EtherType were not captured; 0 where the packet is a whole frame.
    pub(in crate::capture) header_len: usize,
    /// How many captured bytes the other link type's header takes.
    pub(in crate::capture) stripped: usize,
    /// Where the captured bytes of the packet end.
    pub(in crate::capture) end: usize,
    /// Length of the Ethernet frame on the wire.
    pub(in crate::capture) wire_len: u32,
}

/// What is left of a packet record.
#[derive(Clone, Copy)]
pub(super) struct RecordPart<'a> {
    record: &'a [u8],
    start: usize,
    end: usize,
    /// Bytes on the wire, at least as many as there are here.
    pub(super) original: u32,
}

/// What a link header says.
#[derive(Clone, Copy)]
pub(super) struct LinkHeader {
    pub(super) destination: [u8; 6],
    pub(super) source: [u8; 6],
    pub(super) ethertype: u16,
}

/// What stands in a packet record.
pub(super) enum Decapsulated<'a> {
    /// An Ethernet frame.
    Ethernet(RecordPart<'a>),
    /// A packet behind a header that says this.
    Packet(LinkHeader, RecordPart<'a>),
    /// A packet whose header was not captured.
    Cut(RecordPart<'a>),
    /// A header that was incomplete on the wire already.
    Short,
}

const SOURCE: [u8; 6] = [2, 0, 0, 0, 0, 1];
const DESTINATION: [u8; 6] = [2, 0, 0, 0, 0, 2];

impl LinkHeader {
    /// A header that names no addresses.
    pub(super) const fn of(ethertype: u16) -> LinkHeader {
        LinkHeader { destination: DESTINATION, source: SOURCE, ethertype }
    }
}

impl<'a> RecordPart<'a> {
    /// What was captured of it.
    pub(super) fn bytes(&self) -> &'a [u8] {
        &self.record[self.start..self.end]
    }

    /// Whether less than `needed` bytes were captured, and there was more.
    pub(super) fn is_cut_before(&self, needed: usize) -> bool {
        let captured = self.end - self.start;
        captured < needed && captured < self.original as usize
    }

    /// What follows `length` bytes of header; `None` where it was shorter than that on the wire.
    pub(super) fn behind(self, length: usize) -> Option<RecordPart<'a>> {
        let original = self.original.checked_sub(u32::try_from(length).ok()?)?;
        Some(RecordPart { start: self.end.min(self.start + length), original, ..self })
    }

    /// It without `length` bytes at its end.
    pub(super) fn without_last(self, length: u32) -> RecordPart<'a> {
        self.first(self.original.saturating_sub(length))
    }

    /// Its first `length` bytes.
    pub(super) fn first(self, length: u32) -> RecordPart<'a> {
        let original = self.original.min(length);
        RecordPart { end: self.end.min(self.start + original as usize), original, ..self }
    }

    /// A packet behind `length` bytes of header that says this; `None` where the header was not captured.
    pub(super) fn packet(self, length: usize, header: Option<LinkHeader>) -> Decapsulated<'a> {
        match (self.behind(length), header) {
            (Some(payload), Some(header)) => Decapsulated::Packet(header, payload),
            (Some(payload), None) => Decapsulated::Cut(payload),
            (None, _) => Decapsulated::Short,
        }
    }

    /// A packet behind an LLC header: 8 bytes with SNAP. A frame of any other protocol keeps the header, and a length
    /// for an EtherType: it is no IP.
    pub(super) fn llc(self, addresses: LinkHeader) -> Decapsulated<'a> {
        let bytes = self.bytes();
        let other = LinkHeader { ethertype: self.original.min(0x5dc) as u16, ..addresses };
        match *bytes {
            [0xaa, 0xaa, 3, 0, 0, 0 | 0xf8, high, low, ..] => {
                self.packet(8, Some(LinkHeader { ethertype: u16::from_be_bytes([high, low]), ..addresses }))
            }
            _ if self.is_cut_before(8) && [0xaa, 0xaa, 3].starts_with(&bytes[..bytes.len().min(3)]) => {
                self.packet(8, None)
            }
            _ => Decapsulated::Packet(other, self),
        }
    }
}

/// The Ethernet frame for a packet of `framing`, of which `captured` was kept and `original` bytes were on the wire.
///
/// A link header that the snaplen cut leaves the EtherType open: the frame is then two addresses only, shorter than its
/// length on the wire. One that was incomplete on the wire already is a frame of two addresses.
pub(in crate::capture) fn synthesize(
    framing: Framing,
    captured: &[u8],
    original: u32,
) -> Result<SynthesizedFrame, Unreadable> {
    let record = RecordPart { record: captured, start: 0, end: captured.len(), original };
    let (header, header_len, part) = match decapsulate(framing, record)? {
        Decapsulated::Ethernet(frame) => (LinkHeader::of(0), 0, frame),
        Decapsulated::Packet(header, payload) => (header, 14, payload),
        Decapsulated::Cut(payload) => (LinkHeader::of(0), 12, payload),
        Decapsulated::Short => {
            let nothing = RecordPart { start: captured.len(), original: 0, ..record };
            return Ok(SynthesizedFrame { wire_len: 12, ..put_together(LinkHeader::of(0), 12, nothing) });
        }
    };
    Ok(put_together(header, header_len, part))
}

fn put_together(header: LinkHeader, header_len: usize, part: RecordPart<'_>) -> SynthesizedFrame {
    let LinkHeader { destination, source, ethertype } = header;
    let mut bytes = [0; 14];
    bytes[..6].copy_from_slice(&destination);
    bytes[6..12].copy_from_slice(&source);
    bytes[12..].copy_from_slice(&ethertype.to_be_bytes());
    let wire_len = if header_len == 0 { part.original } else { part.original.saturating_add(14) };
    SynthesizedFrame { header: bytes, header_len, stripped: part.start, end: part.end, wire_len }
}

fn decapsulate(framing: Framing, part: RecordPart<'_>) -> Result<Decapsulated<'_>, Unreadable> {
    let bytes = part.bytes();
    Ok(match framing {
        Framing::Ethernet => Decapsulated::Ethernet(part),
        Framing::Ipv4 => part.packet(0, Some(LinkHeader::of(ethertype::IPV4))),
        Framing::Ipv6 => part.packet(0, Some(LinkHeader::of(ethertype::IPV6))),
        Framing::Mpls => part.packet(0, Some(LinkHeader::of(ethertype::MPLS))),
        Framing::RawIp => part.packet(0, version(part).map(LinkHeader::of)),
        Framing::CookedV1 => part.packet(16, bytes.first_chunk().map(cooked_v1)),
        Framing::CookedV2 => part.packet(20, bytes.first_chunk().map(cooked_v2)),
        Framing::Null => part.packet(4, bytes.first_chunk().map(|family| LinkHeader::of(null_family(*family)))),
        Framing::Loop => part
            .packet(4, bytes.first_chunk().map(|family| LinkHeader::of(family_ethertype(u32::from_be_bytes(*family))))),
        Framing::Ppp => ppp::ppp(part),
        Framing::PppPppd => part.behind(2).map_or(Decapsulated::Short, ppp::ppp),
        Framing::PppOverEthernet => ppp::over_ethernet(part),
        Framing::CiscoHdlc => ppp::cisco_hdlc(part),
        Framing::FrameRelay => ppp::frame_relay(part),
        Framing::PppWithDirection => part.behind(1).map_or(Decapsulated::Short, ppp::ppp),
        Framing::CiscoHdlcWithDirection => part.behind(1).map_or(Decapsulated::Short, ppp::cisco_hdlc),
        Framing::FrameRelayWithDirection => part.behind(1).map_or(Decapsulated::Short, ppp::frame_relay),
        Framing::Llc => part.llc(LinkHeader::of(0)),
        Framing::Wifi => wifi::data(part)?,
        Framing::WifiRadiotap => wifi::radiotap(part)?,
        Framing::WifiPrism => wifi::prism(part)?,
        Framing::Ppi => within(LinkType::PPI, part)?,
        Framing::Pktap => within(LinkType::PKTAP, part)?,
        Framing::Nflog => nflog::packet(part)?,
        Framing::Unsupported(link_type) => return Err(Unreadable::LinkType(link_type)),
    })
}

/// A packet of another link type behind the header of `outer`, which is no such packet again.
fn within(outer: LinkType, part: RecordPart<'_>) -> Result<Decapsulated<'_>, Unreadable> {
    let damaged = Unreadable::LinkHeader(outer);
    let little = |at: usize| part.bytes().get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    // PPI: version and flags (1 byte each), length (2), link type (4). PKTAP: length, record type, link type (4 each).
    let (fixed, length, inner) = match outer {
        LinkType::PPI => (8, little(0).map(|word| word >> 16), little(4)),
        _ => (12, little(0), little(8)),
    };
    let (Some(length), Some(inner)) = (length, inner) else { return Ok(part.packet(fixed, None)) };
    if length < fixed as u32 {
        return Err(damaged);
    }
    let mut packet = part.behind(length as usize).ok_or(damaged)?;
    let inner = LinkType(u16::try_from(inner).map_err(|_| damaged)?);
    if outer == LinkType::PPI && inner == LinkType::IEEE802_11 && wifi::ppi_has_fcs(part.bytes()) {
        packet = packet.without_last(wifi::FCS);
    }
    match inner {
        LinkType::PPI | LinkType::PKTAP => Err(damaged),
        inner => decapsulate(inner.framing(), packet),
    }
}

/// The EtherType of bare IP; `None` where the byte that tells was on the wire but is not in the capture.
pub(super) fn version(part: RecordPart<'_>) -> Option<u16> {
    match part.bytes().first() {
        Some(first) if first >> 4 == 6 => Some(ethertype::IPV6),
        Some(_) => Some(ethertype::IPV4),
        None => (part.original == 0).then_some(ethertype::IPV4),
    }
}

/// Packet type, ARPHRD type, address length (2 bytes each), address (8), protocol (2).
fn cooked_v1(header: &[u8; 16]) -> LinkHeader {
    let [_, _, _, _, len_high, len_low, a, b, c, d, e, f, _, _, high, low] = *header;
    let known = u16::from_be_bytes([len_high, len_low]) == 6;
    let header = LinkHeader::of(u16::from_be_bytes([high, low]));
    if known { LinkHeader { source: [a, b, c, d, e, f], ..header } } else { header }
}

/// Protocol (2), reserved (2), interface index (4), ARPHRD type (2), packet type (1), address length (1), address (8).
fn cooked_v2(header: &[u8; 20]) -> LinkHeader {
    let [high, low, _, _, _, _, _, _, _, _, _, len, a, b, c, d, e, f, _, _] = *header;
    let header = LinkHeader::of(u16::from_be_bytes([high, low]));
    if len == 6 { LinkHeader { source: [a, b, c, d, e, f], ..header } } else { header }
}

/// Families are small numbers, so only one byte order can give a known one.
fn null_family(family: [u8; 4]) -> u16 {
    match family_ethertype(u32::from_le_bytes(family)) {
        0 => family_ethertype(u32::from_be_bytes(family)),
        known => known,
    }
}

/// AF_INET is 2 everywhere; AF_INET6 is 24, 28 or 30 depending on the system.
fn family_ethertype(family: u32) -> u16 {
    match family {
        2 => ethertype::IPV4,
        24 | 28 | 30 => ethertype::IPV6,
        _ => 0,
    }
}

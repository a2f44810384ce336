//! Link types, and the Ethernet header that is imagined in front of packets captured without one.

use std::fmt;

/// A link type as the capture formats number them
/// (<https://www.tcpdump.org/linktypes.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkType(pub u16);

/// How a supported link type leads to an Ethernet frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// The bytes are an Ethernet frame already.
    Ethernet,
    /// Bare IP; the version nibble tells which.
    RawIp,
    /// Bare IPv4.
    Ipv4,
    /// The 16-byte Linux cooked header.
    CookedV1,
    /// The 20-byte Linux cooked header.
    CookedV2,
    /// A 4-byte address family in the byte order of the machine that captured.
    Null,
    /// A 4-byte address family in network byte order.
    Loop,
}

impl LinkType {
    /// BSD loopback: a 4-byte address family in the capturing machine's byte order.
    pub const NULL: LinkType = LinkType(0);
    /// Ethernet.
    pub const ETHERNET: LinkType = LinkType(1);
    /// Bare IPv4 or IPv6, under the number that some systems write for it.
    pub const RAW_BSD: LinkType = LinkType(12);
    /// Bare IPv4 or IPv6.
    pub const RAW: LinkType = LinkType(101);
    /// OpenBSD loopback: a 4-byte address family in network byte order.
    pub const LOOP: LinkType = LinkType(108);
    /// Linux cooked capture, version 1.
    pub const LINUX_SLL: LinkType = LinkType(113);
    /// Bare IPv4.
    pub const IPV4: LinkType = LinkType(228);
    /// Linux cooked capture, version 2.
    pub const LINUX_SLL2: LinkType = LinkType(276);

    /// The supported link types, as messages list them.
    pub(super) const SUPPORTED: &'static str =
        "Ethernet (1), raw IP (12, 101, 228), Linux cooked (113, 276), null (0) and loop (108)";

    pub(super) fn framing(self) -> Option<Framing> {
        Some(match self {
            LinkType::ETHERNET => Framing::Ethernet,
            LinkType::RAW_BSD | LinkType::RAW => Framing::RawIp,
            LinkType::IPV4 => Framing::Ipv4,
            LinkType::LINUX_SLL => Framing::CookedV1,
            LinkType::LINUX_SLL2 => Framing::CookedV2,
            LinkType::NULL => Framing::Null,
            LinkType::LOOP => Framing::Loop,
            _ => return None,
        })
    }

    /// The registered name, without its `LINKTYPE_` prefix, of the types one is likely to meet.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "NULL",
            1 => "ETHERNET",
            3 => "AX25",
            6 => "IEEE802_5",
            8 => "SLIP",
            9 => "PPP",
            10 => "FDDI",
            12 | 101 => "RAW",
            50 => "PPP_HDLC",
            51 => "PPP_ETHER",
            100 => "ATM_RFC1483",
            104 => "C_HDLC",
            105 => "IEEE802_11",
            107 => "FRELAY",
            108 => "LOOP",
            113 => "LINUX_SLL",
            117 => "PFLOG",
            119 => "IEEE802_11_PRISM",
            122 => "IP_OVER_FC",
            127 => "IEEE802_11_RADIOTAP",
            138 => "APPLE_IP_OVER_IEEE1394",
            147..=162 => "USER0 to USER15",
            163 => "IEEE802_11_AVS",
            187 => "BLUETOOTH_HCI_H4",
            189 => "USB_LINUX",
            192 => "PPI",
            195 => "IEEE802_15_4_WITHFCS",
            201 => "BLUETOOTH_HCI_H4_WITH_PHDR",
            204 => "PPP_WITH_DIR",
            220 => "USB_LINUX_MMAPPED",
            227 => "CAN_SOCKETCAN",
            228 => "IPV4",
            229 => "IPV6",
            230 => "IEEE802_15_4_NOFCS",
            239 => "NFLOG",
            240 => "NETANALYZER",
            247 => "INFINIBAND",
            249 => "USBPCAP",
            251 => "BLUETOOTH_LE_LL",
            252 => "WIRESHARK_UPPER_PDU",
            253 => "NETLINK",
            254 => "BLUETOOTH_LINUX_MONITOR",
            256 => "BLUETOOTH_LE_LL_WITH_PHDR",
            258 => "PKTAP",
            271 => "VSOCK",
            274 => "ETHERNET_MPACKET",
            276 => "LINUX_SLL2",
            _ => return None,
        })
    }
}

/// The number, and the name where it is known: `239 (NFLOG)`.
impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} ({name})", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

/// What stands in an Ethernet frame in place of another link type's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ImaginedFrame {
    /// The imagined Ethernet header; only the first `header_len` bytes count.
    pub(super) header: [u8; 14],
    /// 14, or 12 where the bytes that would tell the EtherType were not captured.
    pub(super) header_len: usize,
    /// How many captured bytes the other link type's header takes.
    pub(super) stripped: usize,
    /// Length of the imagined frame on the wire.
    pub(super) wire_len: u32,
}

const SOURCE: [u8; 6] = [2, 0, 0, 0, 0, 1];
const DESTINATION: [u8; 6] = [2, 0, 0, 0, 0, 2];
const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;

/// The Ethernet header for a packet of `framing`, of which `captured` was kept and `original` bytes were on the wire.
///
/// `None` for Ethernet itself. A link header that the snaplen cut leaves the EtherType open: the frame is then the two
/// imagined addresses only, shorter than its length on the wire.
pub(super) fn imagine(framing: Framing, captured: &[u8], original: u32) -> Option<ImaginedFrame> {
    // The bytes of each header that matter, when all of it was captured: (length, EtherType, source).
    let (length, told) = match framing {
        Framing::Ethernet => return None,
        Framing::Ipv4 => (0, Some((ETHERTYPE_IPV4, SOURCE))),
        Framing::RawIp => (0, version(captured, original).map(|ethertype| (ethertype, SOURCE))),
        Framing::CookedV1 => (16, captured.first_chunk().map(cooked_v1)),
        Framing::CookedV2 => (20, captured.first_chunk().map(cooked_v2)),
        Framing::Null => (4, captured.first_chunk().map(|family| (null_family(*family), SOURCE))),
        Framing::Loop => {
            (4, captured.first_chunk().map(|family| (family_ethertype(u32::from_be_bytes(*family)), SOURCE)))
        }
    };
    let (ethertype, source) = told.unwrap_or((0, SOURCE));
    let header_len = if told.is_some() { 14 } else { 12 };
    let mut header = [0; 14];
    header[..6].copy_from_slice(&DESTINATION);
    header[6..12].copy_from_slice(&source);
    header[12..].copy_from_slice(&ethertype.to_be_bytes());
    // A packet whose link header was incomplete on the wire already has no EtherType there either.
    let wire_len = original.checked_sub(length).map_or(12, |payload| payload.saturating_add(14));
    Some(ImaginedFrame { header, header_len, stripped: (length as usize).min(captured.len()), wire_len })
}

/// The EtherType of bare IP; `None` where the byte that tells was on the wire but is not in the capture.
fn version(captured: &[u8], original: u32) -> Option<u16> {
    match captured.first() {
        Some(first) if first >> 4 == 6 => Some(ETHERTYPE_IPV6),
        Some(_) => Some(ETHERTYPE_IPV4),
        None => (original == 0).then_some(ETHERTYPE_IPV4),
    }
}

/// Packet type, ARPHRD type, address length (2 bytes each), address (8), protocol (2).
fn cooked_v1(header: &[u8; 16]) -> (u16, [u8; 6]) {
    let [_, _, _, _, len_high, len_low, a, b, c, d, e, f, _, _, high, low] = *header;
    let known = u16::from_be_bytes([len_high, len_low]) == 6;
    (u16::from_be_bytes([high, low]), if known { [a, b, c, d, e, f] } else { SOURCE })
}

/// Protocol (2), reserved (2), interface index (4), ARPHRD type (2), packet type (1), address length (1), address (8).
fn cooked_v2(header: &[u8; 20]) -> (u16, [u8; 6]) {
    let [high, low, _, _, _, _, _, _, _, _, _, len, a, b, c, d, e, f, _, _] = *header;
    (u16::from_be_bytes([high, low]), if len == 6 { [a, b, c, d, e, f] } else { SOURCE })
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
        2 => ETHERTYPE_IPV4,
        24 | 28 | 30 => ETHERTYPE_IPV6,
        _ => 0,
    }
}

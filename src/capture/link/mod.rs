//! Link types, and the Ethernet frame that is put together for packets captured without one.

mod framing;
mod names;
mod nflog;
mod ppp;
mod wifi;

pub(super) use framing::{Framing, synthesize};

use serde::{Deserialize, Serialize};
use std::fmt;

/// A link type as the capture formats number them
/// (<https://www.tcpdump.org/linktypes.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: a 4-byte address family in the capturing machine's byte order.
    pub const NULL: LinkType = LinkType(0);
    /// Ethernet.
    pub const ETHERNET: LinkType = LinkType(1);
    /// PPP, with or without the two bytes of HDLC framing in front.
    pub const PPP: LinkType = LinkType(9);
    /// Bare IPv4 or IPv6, under the number that some systems write for it.
    pub const RAW_BSD: LinkType = LinkType(12);
    /// Bare IPv4 or IPv6, under the number that OpenBSD writes for it.
    pub const RAW_OPENBSD: LinkType = LinkType(14);
    /// PPP in HDLC framing, or Cisco HDLC.
    pub const PPP_HDLC: LinkType = LinkType(50);
    /// PPPoE without the Ethernet header.
    pub const PPP_ETHER: LinkType = LinkType(51);
    /// An LLC header, mostly with SNAP.
    pub const ATM_RFC1483: LinkType = LinkType(100);
    /// Bare IPv4 or IPv6.
    pub const RAW: LinkType = LinkType(101);
    /// Cisco HDLC.
    pub const C_HDLC: LinkType = LinkType(104);
    /// IEEE 802.11.
    pub const IEEE802_11: LinkType = LinkType(105);
    /// Frame Relay.
    pub const FRELAY: LinkType = LinkType(107);
    /// OpenBSD loopback: a 4-byte address family in network byte order.
    pub const LOOP: LinkType = LinkType(108);
    /// Linux cooked capture, version 1.
    pub const LINUX_SLL: LinkType = LinkType(113);
    /// IEEE 802.11 behind a Prism header.
    pub const IEEE802_11_PRISM: LinkType = LinkType(119);
    /// IEEE 802.11 behind a radiotap header.
    pub const IEEE802_11_RADIOTAP: LinkType = LinkType(127);
    /// IEEE 802.11 behind an AVS header.
    pub const IEEE802_11_AVS: LinkType = LinkType(163);
    /// PPP whose first byte says the direction.
    pub const PPP_PPPD: LinkType = LinkType(166);
    /// Another link type behind a Per-Packet Information header.
    pub const PPI: LinkType = LinkType(192);
    /// PPP behind a byte that says the direction.
    pub const PPP_WITH_DIR: LinkType = LinkType(204);
    /// Cisco HDLC behind a byte that says the direction.
    pub const C_HDLC_WITH_DIR: LinkType = LinkType(205);
    /// Frame Relay behind a byte that says the direction.
    pub const FRELAY_WITH_DIR: LinkType = LinkType(206);
    /// An MPLS label stack.
    pub const MPLS: LinkType = LinkType(219);
    /// Bare IPv4.
    pub const IPV4: LinkType = LinkType(228);
    /// Bare IPv6.
    pub const IPV6: LinkType = LinkType(229);
    /// Netfilter's log.
    pub const NFLOG: LinkType = LinkType(239);
    /// Another link type behind Apple's header.
    pub const PKTAP: LinkType = LinkType(258);
    /// Linux cooked capture, version 2.
    pub const LINUX_SLL2: LinkType = LinkType(276);

    /// The supported link types, as messages list them.
    pub(super) const SUPPORTED: &'static str = "Ethernet (1), raw IP (12, 14, 101, 228, 229), Linux cooked (113, 276), \
        null (0) and loop (108), PPP and PPPoE (9, 50, 51, 166, 204), Cisco HDLC (104, 205), Frame Relay (107, 206), \
        802.11 (105, 119, 127, 163), ATM (100), MPLS (219), PPI (192), NFLOG (239), PKTAP (258)";

    pub(super) const fn framing(self) -> Framing {
        match self {
            LinkType::ETHERNET => Framing::Ethernet,
            LinkType::RAW_BSD | LinkType::RAW_OPENBSD | LinkType::RAW => Framing::RawIp,
            LinkType::IPV4 => Framing::Ipv4,
            LinkType::IPV6 => Framing::Ipv6,
            LinkType::MPLS => Framing::Mpls,
            LinkType::LINUX_SLL => Framing::CookedV1,
            LinkType::LINUX_SLL2 => Framing::CookedV2,
            LinkType::NULL => Framing::Null,
            LinkType::LOOP => Framing::Loop,
            LinkType::PPP | LinkType::PPP_HDLC => Framing::Ppp,
            LinkType::PPP_PPPD => Framing::PppPppd,
            LinkType::PPP_ETHER => Framing::PppOverEthernet,
            LinkType::C_HDLC => Framing::CiscoHdlc,
            LinkType::FRELAY => Framing::FrameRelay,
            LinkType::PPP_WITH_DIR => Framing::PppWithDirection,
            LinkType::C_HDLC_WITH_DIR => Framing::CiscoHdlcWithDirection,
            LinkType::FRELAY_WITH_DIR => Framing::FrameRelayWithDirection,
            LinkType::ATM_RFC1483 => Framing::Llc,
            LinkType::IEEE802_11 => Framing::Wifi,
            LinkType::IEEE802_11_RADIOTAP => Framing::WifiRadiotap,
            LinkType::IEEE802_11_PRISM | LinkType::IEEE802_11_AVS => Framing::WifiPrism,
            LinkType::PPI => Framing::Ppi,
            LinkType::PKTAP => Framing::Pktap,
            LinkType::NFLOG => Framing::Nflog,
            other => Framing::Unsupported(other),
        }
    }

    /// The registered name, without its `LINKTYPE_` prefix.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            LinkType::RAW_OPENBSD => Some("RAW"),
            LinkType(number) => names::name(number),
        }
    }
}

/// The number, and the name where it is registered: `189 (USB_LINUX)`.
impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} ({name})", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

/// Why there is no Ethernet frame for a packet record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Unreadable {
    /// Its link type is not read.
    LinkType(LinkType),
    /// An 802.11 management frame.
    WifiManagement,
    /// An 802.11 control frame.
    WifiControl,
    /// An 802.11 data frame without data: it tells of power saving, and the like.
    WifiWithoutData,
    /// An encrypted 802.11 data frame.
    WifiProtected,
    /// Several packets in one 802.11 data frame (A-MSDU).
    WifiAggregate,
    /// A fragment of an 802.11 data frame.
    WifiFragment,
    /// Its link header contradicts itself.
    LinkHeader(LinkType),
}

/// Completes "packets …": `of link type 189 (USB_LINUX)`.
impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreadable::LinkType(link_type) => write!(f, "of link type {link_type}"),
            Unreadable::WifiManagement => f.write_str("that are 802.11 management frames"),
            Unreadable::WifiControl => f.write_str("that are 802.11 control frames"),
            Unreadable::WifiWithoutData => f.write_str("that are 802.11 data frames without data"),
            Unreadable::WifiProtected => f.write_str("that are encrypted 802.11 data frames"),
            Unreadable::WifiAggregate => f.write_str("that are aggregates (A-MSDU) of 802.11"),
            Unreadable::WifiFragment => f.write_str("that are fragments of 802.11 data frames"),
            Unreadable::LinkHeader(link_type) => write!(f, "with a damaged header of link type {link_type}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_link_type_that_is_read_is_listed_with_its_number_and_has_a_name() {
        for number in 0..=u16::MAX {
            let link_type = LinkType(number);
            let listed = LinkType::SUPPORTED
                .split(|letter: char| !letter.is_ascii_digit() && letter != '.')
                .any(|word| word == number.to_string());
            let read = !matches!(link_type.framing(), Framing::Unsupported(_));
            assert_eq!(listed, read, "{link_type}");
            assert!(!read || link_type.name().is_some(), "{number}");
        }
    }

    #[test]
    fn names_are_the_registered_ones() {
        assert_eq!(LinkType(189).to_string(), "189 (USB_LINUX)");
        assert_eq!(LinkType(290).to_string(), "290 (ETW)");
        assert_eq!(LinkType(150).to_string(), "150 (USER0 to USER15)");
        assert_eq!(LinkType(40_000).to_string(), "40000");
    }
}

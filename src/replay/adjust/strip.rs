//! Takes tags and tunnels off, so that the packet inside is the one that enters.

use super::Encapsulation;
use crate::capture::{Batch, Record};
use crate::net::{Protocol, ethertype};
use crate::wire::field::{ipv4, ports, udp};
use crate::wire::{ETHERNET_HEADER, IPV4_HEADER, word};

/// Layers that are taken off at most: more are no network's.
const MAX_LAYERS: usize = 16;

const VXLAN_PORT: u16 = 4789;
const VXLAN_HEADER: usize = 8;

/// What is inside, so far.
#[derive(Clone, Copy)]
struct InnerFrame {
    macs: [u8; 12],
    ethertype: u16,
    /// Where what the EtherType names begins.
    start: usize,
}

/// Takes off what is `wanted` around the packet of `record`, which starts behind it then.
pub(super) fn strip(batch: &mut Batch, record: &mut Record, wanted: &[Encapsulation]) {
    let bytes = batch.bytes(record);
    let Some(outside) = InnerFrame::ethernet(bytes, 0) else { return };
    let mut inside = outside;
    for _ in 0..MAX_LAYERS {
        match inside.next(bytes, wanted) {
            Some(next) => inside = next,
            None => break,
        }
    }
    if inside.start == outside.start {
        return;
    }
    // Each layer is longer than nothing, so that the header fits in front of what is left.
    // Every step has read or checked the bytes up to its new start, so that lies within the frame. The header is
    // written over the end of what is removed, and nothing behind it has to move.
    let removed = inside.start - ETHERNET_HEADER;
    let bytes = batch.bytes_mut(record);
    bytes[removed..removed + 12].copy_from_slice(&inside.macs);
    bytes[removed + 12..inside.start].copy_from_slice(&inside.ethertype.to_be_bytes());
    record.remove_front(removed as u32);
}

/// The outermost tag or tunnel of an Ethernet frame.
pub(in crate::replay) fn encapsulation(bytes: &[u8]) -> Option<Encapsulation> {
    let outside = InnerFrame::ethernet(bytes, 0)?;
    Encapsulation::ALL.into_iter().find(|layer| outside.next(bytes, &[*layer]).is_some())
}

impl InnerFrame {
    /// The Ethernet frame at `start`.
    fn ethernet(bytes: &[u8], start: usize) -> Option<InnerFrame> {
        let macs = *bytes.get(start..)?.first_chunk()?;
        Some(InnerFrame { macs, ethertype: word(bytes, start + 12)?, start: start + ETHERNET_HEADER })
    }

    /// What is inside the outermost layer, where that is to be taken off and its header was captured.
    fn next(&self, bytes: &[u8], wanted: &[Encapsulation]) -> Option<InnerFrame> {
        let wants = |layer| wanted.contains(&layer);
        match self.ethertype {
            ethertype::VLAN | ethertype::SERVICE_VLAN | ethertype::DOUBLE_VLAN if wants(Encapsulation::Vlan) => {
                Some(InnerFrame { ethertype: word(bytes, self.start + 2)?, start: self.start + 4, ..*self })
            }
            ethertype::MPLS | ethertype::MPLS_UPSTREAM if wants(Encapsulation::Mpls) => self.behind_labels(bytes),
            ethertype::PPPOE_SESSION if wants(Encapsulation::Pppoe) => {
                let ethertype = match word(bytes, self.start + 6)? {
                    0x21 => ethertype::IPV4,
                    0x57 => ethertype::IPV6,
                    _ => return None,
                };
                Some(InnerFrame { ethertype, start: self.start + 8, ..*self })
            }
            ethertype::IPV4 => self.behind_ipv4(bytes, wanted),
            _ => None,
        }
    }

    /// Behind the label with the bottom flag: IP by its version, or Ethernet behind a control word.
    fn behind_labels(&self, bytes: &[u8]) -> Option<InnerFrame> {
        const LABEL: usize = 4;
        let labels = bytes.get(self.start..)?.as_chunks::<LABEL>().0;
        let bottom = labels.iter().take(MAX_LAYERS).position(|label| label[2] & 1 == 1)?;
        let start = self.start + (bottom + 1) * LABEL;
        match bytes.get(start)? >> 4 {
            4 => Some(InnerFrame { ethertype: ethertype::IPV4, start, ..*self }),
            6 => Some(InnerFrame { ethertype: ethertype::IPV6, start, ..*self }),
            // A pseudowire may begin with a control word, whose first four bits are 0 so that it is not taken for IP
            // (RFC 4385). One without it begins with a MAC address, which nothing distinguishes from IP for certain.
            0 => InnerFrame::ethernet(bytes, start + 4),
            _ => None,
        }
    }

    /// Inside an unfragmented packet of UDP or GRE.
    fn behind_ipv4(&self, bytes: &[u8], wanted: &[Encapsulation]) -> Option<InnerFrame> {
        let header = bytes.get(self.start..)?.first_chunk::<IPV4_HEADER>()?;
        let is_fragment = word(header, ipv4::FRAGMENT)? & (ipv4::MORE_FRAGMENTS | ipv4::FRAGMENT_OFFSET) != 0;
        let first = header[ipv4::VERSION_AND_LENGTH];
        let length = ipv4::header_length(first);
        // Of a tunnel's fragments the first alone has the inner headers, and none has the whole inner packet. So they
        // stay as they are.
        if ipv4::version(first) != 4 || length < IPV4_HEADER || is_fragment {
            return None;
        }
        let start = self.start + length;
        match Protocol(header[ipv4::PROTOCOL]) {
            Protocol::UDP if wanted.contains(&Encapsulation::Vxlan) => {
                let vxlan = start + udp::HEADER;
                let has_number = bytes.get(vxlan)? & 8 != 0;
                let is_vxlan = word(bytes, start + ports::DESTINATION)? == VXLAN_PORT && has_number;
                if is_vxlan { InnerFrame::ethernet(bytes, vxlan + VXLAN_HEADER) } else { None }
            }
            Protocol::GRE if wanted.contains(&Encapsulation::Gre) => self.behind_gre(bytes, start),
            _ => None,
        }
    }

    /// GRE (RFC 2784 and 2890): flags, EtherType (2 bytes each), then checksum, key and number (4 each) as the flags say.
    fn behind_gre(&self, bytes: &[u8], gre: usize) -> Option<InnerFrame> {
        const CHECKSUM: u16 = 0x8000;
        const KEY: u16 = 0x2000;
        const NUMBER: u16 = 0x1000;
        const VERSION: u16 = 7;
        let flags = word(bytes, gre)?;
        // Version 1 is the GRE of PPTP (RFC 2637): its fields mean something else, and what follows is PPP and no
        // frame.
        if flags & VERSION != 0 {
            return None;
        }
        let fields = [CHECKSUM, KEY, NUMBER].iter().filter(|flag| flags & **flag != 0).count();
        let start = gre + 4 + 4 * fields;
        match word(bytes, gre + 2)? {
            ethertype @ (ethertype::IPV4 | ethertype::IPV6 | ethertype::MPLS) => {
                Some(InnerFrame { ethertype, start, ..*self }).filter(|_| start <= bytes.len())
            }
            // Ethernet; ERSPAN, whose second kind has numbers and 8 bytes of its own; and its third with 12.
            0x6558 => InnerFrame::ethernet(bytes, start),
            0x88be if flags & NUMBER == 0 => InnerFrame::ethernet(bytes, start),
            0x88be => InnerFrame::ethernet(bytes, start + 8),
            0x22eb => InnerFrame::ethernet(bytes, start + 12),
            _ => None,
        }
    }
}

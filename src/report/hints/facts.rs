//! What was counted about a capture, beside verdicts.

use crate::diag::Reason;
use crate::program::EndpointId;
use crate::wire::ETHERNET_HEADER;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// Reasons of drops for a destination that is nowhere, or not there.
pub const MISSING_DESTINATION: [Reason; 3] = [Reason::NoRoute, Reason::NoSuchAddress, Reason::OtherRegion];

/// Frames that entered by a gateway because nothing else owns their source addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultEntries {
    /// The gateway, which takes all addresses or all public ones.
    pub gateway: EndpointId,
    /// How many frames.
    pub frames: u64,
    /// Their source addresses with their number of frames, most frames first, as far as they were remembered.
    pub sources: Vec<(Ipv4Addr, u64)>,
    /// Frames whose addresses were not.
    pub beyond: u64,
}

/// Counts of what says more about a capture than about the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaptureFacts {
    /// IPv4 packets larger than the MTU.
    pub over_mtu: u64,
    /// The total length of the largest of them.
    pub largest: u16,
    /// Frames above the MTU whose packet is not: four bytes follow it.
    pub with_check_sequence: u64,
    /// Packets dropped for a total length of 0, which are no larger than an IPv4 packet can be.
    pub lengths_missing: u64,
    /// Those of them whose header checksum is 0, too.
    pub lengths_and_checksums_missing: u64,
    /// The length of the largest of them by its frame.
    pub largest_by_frame: u16,
    /// Packets dropped for a header checksum of 0.
    pub checksums_missing: u64,
    /// Packets dropped for a total length past the end of a record that claims to be whole.
    pub original_lengths_missing: u64,
    /// Frames dropped for VLAN tags.
    pub vlan: u64,
    /// Frames dropped for MPLS labels.
    pub mpls: u64,
    /// Frames dropped for PPPoE.
    pub pppoe: u64,
    /// Packets dropped for their TTL.
    pub ttl_exceeded: u64,
    /// Frames of the sample: the first 1,024, and 256 of every further 16,384.
    pub sampled: u64,
    /// Sampled packets that came shortly before, too.
    pub duplicates: u64,
    /// Sampled packets that carry VXLAN.
    pub vxlan: u64,
    /// Sampled packets that carry GRE.
    pub gre: u64,
    /// Sampled packets whose TTL is one or two below what systems send with.
    pub lowered_ttls: u64,
    /// Captures in the file, one behind the other.
    pub captures: u64,
}

impl CaptureFacts {
    /// Counts an IPv4 packet in a frame that is longer than the MTU allows.
    pub fn add_long(&mut self, total_length: u16, wire_length: u32, mtu: u16) {
        const CHECK_SEQUENCE: u32 = 4;
        let packet_length = wire_length.saturating_sub(ETHERNET_HEADER as u32);
        if total_length > mtu && u32::from(total_length) <= packet_length {
            self.over_mtu += 1;
            self.largest = self.largest.max(total_length);
        } else if packet_length == u32::from(total_length) + CHECK_SEQUENCE {
            self.with_check_sequence += 1;
        }
    }

    /// The same without what samples show, which is the same wherever the whole stream was read.
    pub fn without_sample(self) -> CaptureFacts {
        CaptureFacts { sampled: 0, duplicates: 0, vxlan: 0, gre: 0, lowered_ttls: 0, ..self }
    }

    /// Adds what was counted elsewhere about other frames of the capture.
    pub fn merge(&mut self, other: &CaptureFacts) {
        self.over_mtu += other.over_mtu;
        self.largest = self.largest.max(other.largest);
        self.with_check_sequence += other.with_check_sequence;
        self.lengths_missing += other.lengths_missing;
        self.lengths_and_checksums_missing += other.lengths_and_checksums_missing;
        self.largest_by_frame = self.largest_by_frame.max(other.largest_by_frame);
        self.checksums_missing += other.checksums_missing;
        self.original_lengths_missing += other.original_lengths_missing;
        self.vlan += other.vlan;
        self.mpls += other.mpls;
        self.pppoe += other.pppoe;
        self.ttl_exceeded += other.ttl_exceeded;
        self.sampled += other.sampled;
        self.duplicates += other.duplicates;
        self.vxlan += other.vxlan;
        self.gre += other.gre;
        self.lowered_ttls += other.lowered_ttls;
        self.captures = self.captures.max(other.captures);
    }
}

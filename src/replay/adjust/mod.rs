//! What is changed in the frames of a capture before they enter: for captures that do not hold what was on the wire
//! between the sender and the fabric.

mod dedup;
mod fill_in;
mod strip;

pub(super) use dedup::SeenPackets;
pub(super) use strip::encapsulation;

use crate::capture::{Batch, Record};
use crate::time::SimDuration;
use crate::wire;
use serde::{Deserialize, Serialize};

/// What is changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adjustments {
    /// Headers around packets that are taken off.
    pub strip: Vec<Encapsulation>,
    /// What is missing and filled in.
    pub fill_in: Vec<Missing>,
    /// A packet that was in the capture so short a time before is left out.
    pub dedup: Option<SimDuration>,
    /// Where the capture was taken.
    pub taken_at: TakenAt,
}

/// A header around a packet, or a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encapsulation {
    /// Tags of 802.1Q and 802.1ad.
    Vlan,
    /// MPLS labels, and Ethernet behind them.
    Mpls,
    /// PPPoE.
    Pppoe,
    /// VXLAN: UDP to port 4789.
    Vxlan,
    /// GRE, and ERSPAN in it.
    Gre,
}

impl Encapsulation {
    /// All of them.
    pub const ALL: [Encapsulation; 5] =
        [Encapsulation::Vlan, Encapsulation::Mpls, Encapsulation::Pppoe, Encapsulation::Vxlan, Encapsulation::Gre];
}

/// What a captured frame may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// An IPv4 header checksum that is stored as 0 and should be another: the network card computes it behind the
    /// place where it was captured.
    HeaderChecksum,
    /// An IPv4 total length of 0: the network card cuts the packet to the size of the wire, and writes the lengths.
    TotalLength,
    /// The original length of a record that was cut: its record says no more than it holds, its IPv4 header does.
    OriginalLength,
}

impl Missing {
    /// All of them.
    pub const ALL: [Missing; 3] = [Missing::HeaderChecksum, Missing::TotalLength, Missing::OriginalLength];
}

/// Where a capture was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TakenAt {
    /// At the senders: the fabric is yet to come.
    #[default]
    Sender,
    /// At a receiver: the fabric has lowered the TTL already.
    Receiver,
}

/// The most hops that the fabric takes off a packet's TTL: one for each of two routing domains.
const MAX_HOPS: u8 = 2;

/// Packets that are remembered to find copies of them.
const REMEMBERED: usize = 1 << 16;

/// Changes frames as is wanted.
pub(super) struct Adjuster {
    wanted: Adjustments,
    recent: Option<SeenPackets>,
    duplicates: u64,
}

impl Adjuster {
    /// `None` where nothing is wanted.
    pub(super) fn new(wanted: &Adjustments) -> Option<Adjuster> {
        let recent = wanted.dedup.map(|window| SeenPackets::new(window, REMEMBERED));
        (*wanted != Adjustments::default()).then(|| Adjuster { wanted: wanted.clone(), recent, duplicates: 0 })
    }

    /// Packets that were left out so far.
    pub(super) fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Changes a frame; false where it is left out.
    pub(super) fn adjust(&mut self, batch: &mut Batch, record: &mut Record) -> bool {
        let Adjustments { strip, fill_in, taken_at, .. } = &self.wanted;
        // Headers come off first, because all that follows is about the packet that enters: a tunnel has an IPv4 header
        // of its own, in which nothing is to be filled in, and two copies of a packet may differ in a tag.
        if !strip.is_empty() {
            strip::strip(batch, record, strip);
        }
        if !fill_in.is_empty() {
            fill_in::fill_in(batch, record, fill_in);
        }
        // What went round as the fabric's own copy looks the same on both sides of it, but for the TTL.
        if let Some(recent) = &mut self.recent
            && recent.has_seen(batch.bytes(record), record.time)
        {
            self.duplicates += 1;
            return false;
        }
        if *taken_at == TakenAt::Receiver {
            wire::raise_ttl(batch.bytes_mut(record), MAX_HOPS);
        }
        true
    }
}

#[cfg(test)]
mod tests;

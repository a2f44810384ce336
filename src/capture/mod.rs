//! Captures in and out: pcap and pcapng. Knows records, not networks.
//!
//! [`Reader`] walks a capture block by block and hands out [`Batch`]es of Ethernet frames that point into those blocks;
//! only packets of other link types are copied, because an Ethernet header is imagined in front of them.
//! [`Writer`] writes annotated pcapng, [`PcapWriter`] plain pcap.

mod batch;
mod error;
#[cfg(test)]
mod fixture;
mod input;
mod interface;
mod link;
mod order;
mod pcap;
mod pcap_writer;
mod pcapng;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use batch::{Batch, Record};
pub use error::{CaptureError, CaptureProblem, Compression};
pub use interface::Interface;
pub use link::LinkType;
pub use pcap_writer::{PcapWriter, Precision};
pub use reader::Reader;
pub use writer::{Direction, Packet, Writer, encode_packet};

/// The most captured bytes a packet record may have; the limit that the common capture tools keep, too.
pub const MAX_CAPTURED_LEN: u32 = 262_144;

/// The most bytes a pcapng block may have.
pub const MAX_BLOCK_LEN: u32 = 16 << 20;

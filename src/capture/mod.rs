//! Captures in and out: pcap and pcapng. Knows records, not networks.
//!
//! [`Reader`] walks a capture block by block and hands out [`Batch`]es of Ethernet frames that point into those blocks;
//! only packets of other link types are copied, because an Ethernet header is put in front of them. What holds no
//! Ethernet frame and no packet is counted by what it is: [`Reader::unreadable`].
//! [`Captures`] reads several of them as one stream, and [`capture_files`] tells which a folder stands for.
//! [`Writer`] writes annotated pcapng, [`PcapWriter`] plain pcap.
//!
//! ```
//! use biplane::capture::{Batch, Packet, PacketDirection, Reader, Writer};
//! use biplane::time::SimTime;
//!
//! let mut writer = Writer::new(Vec::new())?;
//! let interface = writer.add_interface("i-web", None)?;
//! writer.write_packet(&Packet {
//!     interface,
//!     time: SimTime::from_nanos(1_500_000_000),
//!     bytes: &[0; 60],
//!     wire_len: 1514,
//!     direction: PacketDirection::Inbound,
//!     packet_id: Some(1),
//!     own_comments: &[],
//!     comments: &["biplane: verdict=delivered to=rm-orders"],
//! })?;
//!
//! let mut reader = Reader::from_bytes("in memory", writer.finish()?.into())?;
//! let mut batch = Batch::new();
//! while reader.next_batch(&mut batch, 256)? > 0 {
//!     for (record, bytes) in batch.iter() {
//!         let interface = &reader.interfaces()[record.interface as usize];
//!         assert_eq!(interface.name.as_deref(), Some("i-web"));
//!         assert_eq!((record.number, record.wire_len, bytes.len()), (1, 1514, 60));
//!         assert!(batch.comments_of(record).eq(["biplane: verdict=delivered to=rm-orders"]));
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod batch;
mod captures;
mod decompress;
mod error;
#[cfg(test)]
mod fixture;
mod folder;
mod foreign;
#[cfg(feature = "gzip")]
mod gzip;
mod input;
mod interface;
mod link;
mod merging;
mod options;
mod order;
mod pcap;
mod pcap_writer;
mod pcapng;
mod reader;
mod stream;
#[cfg(test)]
mod tests;
mod writer;

pub use batch::{Batch, Record};
pub(crate) use batch::{BatchOptions, Extent};
pub use captures::Captures;
pub(crate) use captures::RecordOrigin;
#[doc(hidden)]
pub use captures::{CaptureOpener, CaptureRange};
pub use error::CaptureError;
#[doc(hidden)]
pub use error::{CaptureProblem, Compression};
#[doc(hidden)]
pub use folder::{CaptureFile, SPLIT_MANIFEST, capture_files};
#[doc(hidden)]
pub use foreign::Foreign;
pub use interface::Interface;
#[doc(hidden)]
pub use interface::MAX_INTERFACES;
pub use link::LinkType;
#[doc(hidden)]
pub use link::Unreadable;
#[cfg(feature = "cli")]
pub(crate) use options::PacketLabel;
#[doc(hidden)]
pub use pcap_writer::{PcapWriter, Precision};
pub use reader::Reader;
#[doc(hidden)]
pub use stream::ByteStream;
pub use writer::{Packet, PacketDirection, Writer};
#[doc(hidden)]
pub use writer::{
    PacketOptions, add_comment, encode_packet, encode_packet_with, last_packet, packet_head, set_interface,
};

/// The most captured bytes a packet record may have; the limit that the common capture tools keep, too.
pub const MAX_CAPTURED_LEN: u32 = 262_144;

/// The most bytes a pcapng block may have.
#[doc(hidden)]
pub const MAX_BLOCK_LEN: u32 = 16 << 20;

//! Connections of a capture, gathered from its frames and what became of them; and [`log`], flow logs held against a
//! topology.
//!
//! A connection is the frames between two ends: addresses, protocol, and ports or the identifier of an ICMP query. Its
//! opener is the end that its first frame comes from, or goes to where that is a SYN with ACK or the reply to a query. Ends
//! with equal addresses in different VPCs are told apart by the endpoints that frames enter at; a frame that entered at
//! none joins the connection that was begun last. A SYN behind a FIN or RST begins another connection, and so does a query
//! against the direction of the first one; no pause does, however long. ARP, later fragments, ICMP errors and what cannot be
//! read belong to no connection, and are counted.
//!
//! Memory is bounded. A shard remembers [`PER_SHARD`] connections that may go on: 524,288 in all, some 200 MB. From 4,096
//! on, those that were closed long ago make room. Where there are more at one time, the one of a few that has been idle
//! longest is ended early, and counted; what it goes on with is another connection. Connections that ended are added up, or
//! where they are wanted one by one, sorted by their first frames in temporary files of 65,536 each. What is remembered
//! depends on the frames of a shard alone, so all numbers and rows are the same for any number of workers.
//!
//! Most of the time is waiting for memory. So what an ordinary frame changes fills one cache line, apart from the rest of
//! its connection; the index holds places of two bytes and no keys; and the line of a frame is asked for some frames ahead.

mod index;
mod live;
pub mod log;
mod pack;
mod packet;
#[cfg(feature = "cli")]
mod parts;
mod sorting;
mod spill;
mod table;
#[cfg(test)]
mod tests;

#[cfg(feature = "cli")]
pub use parts::{ConnectionPart, ConnectionSums};
pub use spill::GatheredConnections;
pub(crate) use table::CountedFrame;
pub use table::{Gatherer, PER_SHARD};

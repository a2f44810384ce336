//! The synthetic packets as a capture.

use crate::capture::{Packet, PacketDirection, Writer};
use crate::datapath::Outcome;
use crate::lab::Topology;
use crate::program::{EndpointId, FixedMap};
use crate::report::{Comments, LogRecord, Resolver, log_comment};
use crate::time::SimTime;
use std::io::{self, Write};

/// Writes packets on the interfaces of their senders, with what the log and the model say about them: what `replay`
/// reads so that each enters where it entered here.
pub(super) struct PacketWriter<'a> {
    words: Resolver<'a>,
    comments: Comments,
    files: &'a [String],
    to: Writer<&'a mut dyn Write>,
    /// By sender; `None` is the interface for packets of none.
    interfaces: FixedMap<Option<EndpointId>, u32>,
    frames: u64,
}

impl<'a> PacketWriter<'a> {
    pub(super) fn new(
        topology: &'a Topology,
        files: &'a [String],
        to: &'a mut dyn Write,
    ) -> io::Result<PacketWriter<'a>> {
        let words = Resolver::new(&topology.program, &topology.names, &topology.sources);
        Ok(PacketWriter {
            words,
            comments: Comments::new(words),
            files,
            to: Writer::new(to)?,
            interfaces: FixedMap::default(),
            frames: 0,
        })
    }

    /// Writes a packet of `record` and what became of it.
    pub(super) fn write(
        &mut self,
        record: &LogRecord,
        outcome: &Outcome,
        time: SimTime,
        bytes: &[u8],
    ) -> io::Result<()> {
        let interface = self.interface(outcome.from)?;
        self.frames += 1;
        let [short, readable] = self.comments.both(self.frames, outcome);
        let logged = log_comment(self.words, self.files, record);
        self.to.write_packet(&Packet {
            interface,
            time,
            bytes,
            wire_len: bytes.len() as u32,
            direction: PacketDirection::Inbound,
            packet_id: Some(self.frames),
            own_comments: &[logged.as_bytes()],
            comments: &[&short, &readable],
        })
    }

    fn interface(&mut self, from: Option<EndpointId>) -> io::Result<u32> {
        if let Some(interface) = self.interfaces.get(&from) {
            return Ok(*interface);
        }
        let number = match from {
            Some(from) => self.to.add_interface(self.words.endpoint(from), None)?,
            None => self.to.add_interface("drops", Some("frames without an endpoint that sent them"))?,
        };
        self.interfaces.insert(from, number);
        Ok(number)
    }

    pub(super) fn finish(self) -> io::Result<()> {
        self.to.finish().map(|_| ())
    }
}

//! Reading of captures: the same records whatever the pieces in which they are read, and once more when they are written.

use biplane::capture::{Batch, Packet, PacketDirection, Reader, Writer};
use biplane::time::SimTime;
use std::io::{self, Read};

/// All that a reader tells.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    records: Vec<Frame>,
    interfaces: String,
    unreadable: String,
    error: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
struct Frame {
    number: u64,
    time: SimTime,
    wire_len: u32,
    interface: u32,
    flags: (bool, bool, Option<bool>),
    bytes: Vec<u8>,
}

/// Frames of a capture that are looked at: a few bytes may be decompressed to millions.
const MOST: usize = 20_000;

pub(crate) fn read_alike_in_any_pieces(data: &[u8]) {
    let told = read(Reader::from_bytes("capture", data.to_vec().into()), 256);
    assert_eq!(told, read(Reader::from_bytes("capture", data.to_vec().into()), 1));
    let dribble = Box::new(Dribble { rest: data.to_vec(), next: 1 });
    assert_eq!(told, read(Reader::from_read("capture", dribble, None), 7));
    if told.records.len() < MOST {
        written_frames_are_read_again(&told);
    }
}

fn read(reader: Result<Reader, biplane::capture::CaptureError>, most: usize) -> Told {
    let mut told = Told { records: Vec::new(), interfaces: String::new(), unreadable: String::new(), error: None };
    let mut reader = match reader {
        Ok(reader) => reader,
        Err(error) => {
            told.error = Some(error.to_string());
            return told;
        }
    };
    let mut batch = Batch::new();
    loop {
        match reader.next_batch(&mut batch, most) {
            Ok(0) => break,
            Ok(count) => assert_eq!((count, count <= most), (batch.len(), true)),
            // After an error there is nothing more.
            Err(error) => told.error = Some(error.to_string()),
        }
        for (record, bytes) in batch.iter() {
            assert!((record.interface as usize) < reader.interfaces().len());
            assert_eq!(record.captured_len() as usize, bytes.len());
            assert!(record.captured_len() <= record.wire_len);
            let flags = (record.came_out, record.entered, record.outbound);
            let (number, time, wire_len, interface) = (record.number, record.time, record.wire_len, record.interface);
            told.records.push(Frame { number, time, wire_len, interface, flags, bytes: bytes.to_vec() });
        }
        if told.records.len() >= MOST {
            told.records.truncate(MOST);
            return told;
        }
    }
    told.interfaces = format!("{:?}", reader.interfaces());
    told.unreadable = format!("{:?}", reader.unreadable());
    told
}

/// A source that gives few bytes at a time, and now and then says that it was interrupted.
struct Dribble {
    rest: Vec<u8>,
    next: usize,
}

impl Read for Dribble {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.next = self.next * 5 % 61;
        if self.next == 3 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let count = self.next.min(buffer.len()).min(self.rest.len());
        buffer[..count].copy_from_slice(&self.rest[..count]);
        self.rest.drain(..count);
        Ok(count)
    }
}

fn written_frames_are_read_again(told: &Told) {
    let mut writer = Writer::new(Vec::new()).expect("memory can be written to");
    let interface = writer.add_interface("somewhere", None).expect("memory can be written to");
    for Frame { time, wire_len, bytes, .. } in &told.records {
        let direction = PacketDirection::Unknown;
        let (time, wire_len) = (*time, *wire_len);
        let packet = Packet {
            interface,
            time,
            bytes,
            wire_len,
            direction,
            packet_id: None,
            own_comments: &[],
            comments: &["c"],
        };
        writer.write_packet(&packet).expect("memory can be written to");
    }
    let written = writer.finish().expect("memory can be written to");
    let again = read(Reader::from_bytes("written", written.into()), 256);
    assert_eq!(again.error, None);
    let essence = |frame: &Frame| {
        let kept = frame.bytes.len().min(biplane::capture::MAX_CAPTURED_LEN as usize);
        (frame.time, frame.wire_len, frame.bytes[..kept].to_vec())
    };
    let (before, after): (Vec<_>, Vec<_>) =
        (told.records.iter().map(essence).collect(), again.records.iter().map(essence).collect());
    assert_eq!(before, after);
}

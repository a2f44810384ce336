//! Captures built by hand, in both byte orders, for tests.

use bytes::Bytes;

use super::order::ByteOrder::{self, Big, Little};
use super::{Batch, CaptureError, Reader};

/// A capture under construction.
pub(super) struct Built {
    order: ByteOrder,
    pub(super) bytes: Vec<u8>,
}

impl Built {
    /// Nothing yet.
    pub(super) fn new(order: ByteOrder) -> Built {
        Built { order, bytes: Vec::new() }
    }

    /// A pcap header with `magic`.
    pub(super) fn pcap(order: ByteOrder, magic: u32, link_type: u32) -> Built {
        Built::pcap_of(order, magic, 4, link_type)
    }

    /// A pcap header of version 2.`minor` with `magic`.
    pub(super) fn pcap_of(order: ByteOrder, magic: u32, minor: u16, link_type: u32) -> Built {
        Built::new(order).pcap_header(magic, minor, link_type)
    }

    /// The same, behind what there is.
    pub(super) fn pcap_header(self, magic: u32, minor: u16, link_type: u32) -> Built {
        self.u32(magic).u16(2).u16(minor).u32(0).u32(0).u32(65_535).u32(link_type)
    }

    /// From here on in this byte order.
    pub(super) fn in_order(self, order: ByteOrder) -> Built {
        Built { order, ..self }
    }

    /// A pcapng section header.
    pub(super) fn section(mut self, order: ByteOrder) -> Built {
        self.order = order;
        let body = Built::new(order).u32(0x1a2b_3c4d).u16(1).u16(0).u32(u32::MAX).u32(u32::MAX);
        self.block(0x0a0d_0d0a, &body.bytes)
    }

    /// A pcapng interface description; `options` as code and value.
    pub(super) fn interface(self, link_type: u16, snaplen: u32, options: &[(u16, &[u8])]) -> Built {
        let body = Built::new(self.order).u16(link_type).u16(0).u32(snaplen).options(options);
        self.block(1, &body.bytes)
    }

    /// An enhanced packet block.
    pub(super) fn enhanced(self, interface: u32, ticks: u64, data: &[u8], original: u32) -> Built {
        let body = Built::new(self.order).u32(interface).u32((ticks >> 32) as u32).u32(ticks as u32);
        let body = body.u32(data.len() as u32).u32(original).padded(data);
        self.block(6, &body.bytes)
    }

    /// Any pcapng block.
    pub(super) fn block(self, block_type: u32, body: &[u8]) -> Built {
        let length = body.len().next_multiple_of(4) as u32 + 12;
        self.u32(block_type).u32(length).padded(body).u32(length)
    }

    /// A pcap record whose stamp is `seconds` and `fraction`.
    pub(super) fn record(self, seconds: u32, fraction: u32, data: &[u8], original: u32) -> Built {
        self.u32(seconds).u32(fraction).u32(data.len() as u32).u32(original).raw(data)
    }

    pub(super) fn options(mut self, options: &[(u16, &[u8])]) -> Built {
        for (code, value) in options {
            self = self.u16(*code).u16(value.len() as u16).padded(value);
        }
        if options.is_empty() { self } else { self.u32(0) }
    }

    pub(super) fn padded(self, data: &[u8]) -> Built {
        let mut built = self.raw(data);
        built.bytes.resize(built.bytes.len() + data.len().next_multiple_of(4) - data.len(), 0);
        built
    }

    pub(super) fn raw(mut self, data: &[u8]) -> Built {
        self.bytes.extend_from_slice(data);
        self
    }

    pub(super) fn u16(self, value: u16) -> Built {
        let bytes = match self.order {
            Little => value.to_le_bytes(),
            Big => value.to_be_bytes(),
        };
        self.raw(&bytes)
    }

    pub(super) fn u32(self, value: u32) -> Built {
        let bytes = match self.order {
            Little => value.to_le_bytes(),
            Big => value.to_be_bytes(),
        };
        self.raw(&bytes)
    }
}

/// One record as the reader handed it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) number: u64,
    pub(super) nanos: u64,
    pub(super) wire_len: u32,
    pub(super) interface: u32,
    pub(super) bytes: Vec<u8>,
}

/// All frames of `reader`, in batches of `max_records`, and the error that ended them.
pub(super) fn drain(reader: &mut Reader, max_records: usize) -> (Vec<Frame>, Option<CaptureError>) {
    let (mut frames, mut batch) = (Vec::new(), Batch::new());
    loop {
        match reader.next_batch(&mut batch, max_records) {
            Ok(0) => return (frames, None),
            Ok(count) => assert_eq!(count, batch.len()),
            Err(error) => {
                assert!(batch.is_empty(), "an error comes without records");
                let unreadable: u64 = reader.unreadable().values().sum();
                // What is of an unsupported link type throughout has no good record.
                assert!([0, frames.len() as u64 + unreadable].contains(&error.good_records));
                assert_eq!(reader.next_batch(&mut batch, 1).unwrap(), 0, "after an error the reader is at its end");
                return (frames, Some(error));
            }
        }
        frames.extend(batch.iter().map(|(record, bytes)| {
            assert_eq!(bytes.len(), record.captured_len() as usize);
            assert!(record.captured_len() <= record.wire_len);
            assert!((record.interface as usize) < reader.interfaces().len());
            Frame {
                number: record.number,
                nanos: record.time.as_nanos(),
                wire_len: record.wire_len,
                interface: record.interface,
                bytes: bytes.to_vec(),
            }
        }));
    }
}

/// All frames of a capture in memory, and what is wrong with it.
pub(super) fn read(bytes: &[u8]) -> (Vec<Frame>, Option<CaptureError>) {
    match Reader::from_bytes("test.pcap", Bytes::copy_from_slice(bytes)) {
        Ok(mut reader) => drain(&mut reader, 3),
        Err(error) => (Vec::new(), Some(error)),
    }
}

/// All frames of a capture without damage.
pub(super) fn read_whole(bytes: &[u8]) -> Vec<Frame> {
    let (frames, error) = read(bytes);
    assert!(error.is_none(), "{}", error.unwrap());
    frames
}

//! What each format says is what comes out.

use std::io::Write;

use bytes::Bytes;

use crate::capture::fixture::{Built, Frame, drain, read, read_whole};
use crate::capture::order::ByteOrder::{Big, Little};
use crate::capture::{Batch, CaptureProblem, LinkType, MAX_CAPTURED_LEN, Reader};

const FRAME: &[u8] = b"fourteen bytes and more";

fn frame(number: u64, nanos: u64) -> Frame {
    Frame { number, nanos, wire_len: FRAME.len() as u32, interface: 0, bytes: FRAME.to_vec() }
}

#[test]
fn pcap_is_read_in_both_byte_orders_and_both_precisions() {
    for order in [Little, Big] {
        for (magic, nanos) in [(0xa1b2_c3d4, 7_000_005_000), (0xa1b2_3c4d, 7_000_000_005)] {
            let built = Built::pcap(order, magic, 1).record(7, 5, FRAME, FRAME.len() as u32);
            assert_eq!(read_whole(&built.bytes), [frame(1, nanos)], "{order:?} {magic:#x}");
        }
    }
}

#[test]
fn a_pcap_has_one_interface_without_a_name() {
    let reader = Reader::from_bytes("a", Built::pcap(Big, 0xa1b2_c3d4, 1).bytes.into()).unwrap();
    assert_eq!(reader.interfaces().len(), 1);
    assert_eq!(reader.interfaces()[0].name, None);
    assert_eq!(reader.interfaces()[0].link_type, LinkType::ETHERNET);
    assert_eq!(reader.interfaces()[0].snaplen, 65_535);
}

#[test]
fn a_pcap_that_announces_frame_checksums_is_still_ethernet() {
    let built = Built::pcap(Little, 0xa1b2_c3d4, 0x4400_0001).record(0, 0, FRAME, FRAME.len() as u32);
    assert_eq!(read_whole(&built.bytes), [frame(1, 0)]);
}

#[test]
fn lengths_on_the_wire_are_kept_and_never_below_what_was_captured() {
    let built = Built::pcap(Little, 0xa1b2_c3d4, 1).record(0, 0, FRAME, 1500).record(0, 0, FRAME, 0);
    let lengths: Vec<u32> = read_whole(&built.bytes).iter().map(|frame| frame.wire_len).collect();
    assert_eq!(lengths, [1500, FRAME.len() as u32]);
}

#[test]
fn variants_that_are_not_read_are_named() {
    let next = Built::new(Little).u32(0xa1b2_c3d4).u16(2).u16(5).u32(0).u32(0).u32(96).u32(1);
    assert_eq!(
        read(&next.bytes).1.unwrap().to_string(),
        "test.pcap: pcap version 2.5 is not supported; \
         supported: pcap 2.0 to 2.4 (microseconds or nanoseconds), pcapng 1"
    );
    let body = Built::new(Little).u32(0x1a2b_3c4d).u16(2).u16(0).u32(u32::MAX).u32(u32::MAX);
    let next = Built::new(Little).block(0x0a0d_0d0a, &body.bytes);
    assert!(read(&next.bytes).1.unwrap().to_string().contains("pcapng version 2.0 is not supported"));
}

#[test]
fn what_is_no_capture_is_shown_by_its_first_bytes() {
    let (_, error) = read(b"#!/bin/sh\necho a script that is longer than a header");
    let error = error.unwrap();
    assert!(!error.is_damage());
    assert_eq!(
        error.to_string(),
        "test.pcap: not a capture: starts with 23 21 2f 62 69 6e 2f 73; \
         expected pcap or pcapng, plain or compressed with gzip, zstd, bzip2 or lz4"
    );
    assert!(matches!(read(b"ab").1.unwrap().problem, CaptureProblem::NotACapture { first } if first == b"ab"));
    assert!(matches!(read(b"").1.unwrap().problem, CaptureProblem::Empty));
}

#[test]
fn a_file_that_is_not_there_is_told_by_name() {
    let error = Reader::open("no/such/file.pcap".as_ref()).err().unwrap();
    assert!(matches!(error.problem, CaptureProblem::Io(_)));
    assert!(!error.is_damage());
    assert!(error.to_string().starts_with("no/such/file.pcap: cannot be read: "), "{error}");
}

#[test]
fn pcapng_interfaces_have_names_clocks_and_offsets_of_their_own() {
    for order in [Little, Big] {
        let offset = match order {
            Little => 100_i64.to_le_bytes(),
            Big => 100_i64.to_be_bytes(),
        };
        let built = Built::new(order)
            .section(order)
            .interface(1, 0, &[(2, b"eth0"), (9, &[9])])
            .interface(1, 96, &[(0x8001, b"odd"), (9, &[0x80 | 1]), (14, &offset)])
            .interface(1, 0, &[])
            .enhanced(0, 1_500_000_001, FRAME, 23)
            .enhanced(1, 3, FRAME, 23)
            .enhanced(2, u64::from(u32::MAX) + 1, FRAME, 23);
        let mut reader = Reader::from_bytes("a", built.bytes.into()).unwrap();
        let (frames, error) = drain(&mut reader, 10);
        assert!(error.is_none());
        let stamps: Vec<(u32, u64)> = frames.iter().map(|frame| (frame.interface, frame.nanos)).collect();
        assert_eq!(stamps, [(0, 1_500_000_001), (1, 101_500_000_000), (2, (1 << 32) * 1000)], "{order:?}");
        let names: Vec<Option<&str>> = reader.interfaces().iter().map(|each| each.name.as_deref()).collect();
        assert_eq!(names, [Some("eth0"), None, None]);
        assert_eq!(reader.interfaces()[1].snaplen, 96);
    }
}

#[test]
fn each_section_has_its_own_byte_order_and_interfaces() {
    let built = Built::new(Little)
        .section(Little)
        .interface(1, 0, &[(2, b"first")])
        .enhanced(0, 1, FRAME, 23)
        .section(Big)
        .interface(1, 0, &[(2, b"second")])
        .enhanced(0, 2, FRAME, 23)
        .section(Little);
    let described = built.bytes.len();
    let built = built.enhanced(0, 3, FRAME, 23);
    let (frames, error) = read(&built.bytes);
    let interfaces: Vec<(u32, u64)> = frames.iter().map(|frame| (frame.interface, frame.nanos)).collect();
    assert_eq!(interfaces, [(0, 1000), (1, 2000)]);
    let error = error.unwrap();
    assert!(error.is_damage());
    assert_eq!(
        error.to_string(),
        format!(
            "test.pcap: record 3 at byte offset {described} is of interface 0; \
             its section describes 0, counted from 0 (2 good records before it)"
        )
    );
}

#[test]
fn simple_and_obsolete_packet_blocks_are_read_too() {
    for order in [Little, Big] {
        let simple = Built::new(order).u32(23).padded(FRAME);
        let cut = Built::new(order).u32(1500).padded(&FRAME[..20]);
        let obsolete = Built::new(order).u16(0).u16(9).u32(0).u32(4).u32(23).u32(99).padded(FRAME);
        let built = Built::new(order)
            .section(order)
            .interface(1, 20, &[])
            .block(3, &simple.bytes)
            .block(2, &obsolete.bytes)
            .block(3, &cut.bytes);
        let frames = read_whole(&built.bytes);
        let seen: Vec<(u64, usize, u32)> = frames.iter().map(|f| (f.nanos, f.bytes.len(), f.wire_len)).collect();
        // Simple packets end at the snaplen, and take the time of the packet before them.
        assert_eq!(seen, [(0, 20, 23), (4000, 23, 99), (4000, 20, 1500)], "{order:?}");
    }
}

#[test]
fn blocks_and_options_that_say_nothing_about_packets_are_walked_over() {
    let packet =
        Built::new(Little).u32(0).u32(0).u32(1).u32(23).u32(23).padded(FRAME).options(&[(1, b"comment"), (2988, b"x")]);
    let built = Built::new(Little)
        .section(Little)
        .block(0x8000_1234, b"private")
        .interface(1, 0, &[(1, b"a comment"), (2, b"eth0")])
        .block(4, b"names of hosts")
        .block(6, &packet.bytes)
        .block(5, &[0; 12])
        .block(0xbad, b"")
        .enhanced(0, 2, FRAME, 23);
    assert_eq!(read_whole(&built.bytes), [frame(1, 1000), frame(2, 2000)]);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 1).unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Longer than several blocks, and not in step with them.
fn long(records: u32) -> Vec<u8> {
    let mut built = Built::pcap(Little, 0xa1b2_c3d4, 1);
    for number in 0..records {
        let data = vec![number as u8; 60 + number as usize % 1400];
        built = built.record(number, 0, &data, data.len() as u32);
    }
    built.bytes
}

#[test]
fn compressed_captures_read_as_plain_ones_also_in_several_members() {
    let plain = long(5000);
    let expected = read_whole(&plain);
    assert_eq!(expected.len(), 5000);
    let (head, tail) = plain.split_at(plain.len() / 2);
    for compress in [gzip, zstd, bzip2, lz4] {
        assert!(read_whole(&compress(&plain)) == expected);
        assert!(read_whole(&[compress(head), compress(tail)].concat()) == expected);
    }
}

#[test]
fn a_file_reads_as_its_bytes_do_and_shows_its_progress() {
    let plain = long(3000);
    let expected = read_whole(&plain);
    for content in [plain.clone(), gzip(&plain)] {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &content).unwrap();
        let mut reader = Reader::open(file.path()).unwrap();
        let total = content.len() as u64;
        assert_eq!(reader.progress().1, Some(total));
        assert!(reader.progress().0 <= total);
        let (frames, error) = drain(&mut reader, 100);
        assert!(error.is_none());
        assert!(frames == expected);
        assert_eq!(reader.progress().0, total);
    }
}

#[test]
fn a_batch_keeps_its_bytes_while_the_reader_goes_on() {
    let plain = long(5000);
    let expected = read_whole(&plain);
    let mut reader = Reader::from_bytes("a", gzip(&plain).into()).unwrap();
    let mut held = Vec::new();
    loop {
        let mut batch = Batch::new();
        if reader.next_batch(&mut batch, 256).unwrap() == 0 {
            break;
        }
        held.push(batch);
    }
    let bytes = held.iter().flat_map(Batch::iter).map(|(_, bytes)| bytes);
    assert!(bytes.eq(expected.iter().map(|frame| &frame.bytes[..])));
}

#[test]
fn a_record_longer_than_a_block_is_read_and_one_above_the_limit_is_not() {
    let most = vec![7; MAX_CAPTURED_LEN as usize];
    let built = Built::pcap(Little, 0xa1b2_c3d4, 1).record(1, 0, &most, MAX_CAPTURED_LEN);
    assert!(read_whole(&gzip(&built.bytes))[0].bytes == most);
    let (frames, error) = read(&built.record(1, 0, &[&most[..], &[7]].concat(), 0).bytes);
    assert_eq!(frames.len(), 1);
    assert!(matches!(error.unwrap().problem, CaptureProblem::RecordLength { claimed: 262_145, limit: 262_144 }));
    // A block of ten megabytes that is no packet grows the buffer as it arrives.
    let built = Built::new(Big).section(Big).block(0xbad, &vec![1; 10 << 20]).interface(1, 0, &[]);
    assert_eq!(read_whole(&gzip(&built.enhanced(0, 1, FRAME, 23).bytes)), [frame(1, 1000)]);
}

#[test]
fn readers_and_batches_go_to_other_threads() {
    fn sent<T: Send>() {}
    sent::<Reader>();
    sent::<Batch>();
    assert_eq!(Reader::from_bytes("a", Bytes::from(long(1))).unwrap().next_batch(&mut Batch::new(), 0).unwrap(), 1);
}

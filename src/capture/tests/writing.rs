//! What is written reads back, byte for byte where the format is fixed.

use bytes::Bytes;

use crate::capture::fixture::{Frame, drain, read_whole};
use crate::capture::{
    Batch, LinkType, MAX_CAPTURED_LEN, Packet, PacketDirection, PcapWriter, Precision, Reader, Writer, add_comment,
    encode_packet, last_packet, set_interface,
};
use crate::time::SimTime;

const NANOS: u64 = 1_467_000_000_123_456_789;

fn packet<'a>(interface: u32, bytes: &'a [u8], comments: &'a [&'a str]) -> Packet<'a> {
    Packet {
        interface,
        time: SimTime::from_nanos(NANOS),
        bytes,
        wire_len: bytes.len() as u32,
        direction: PacketDirection::Outbound,
        packet_id: Some(0x0102_0304_0506_0708),
        own_comments: &[],
        comments,
    }
}

#[test]
fn written_pcapng_reads_back_with_interfaces_times_and_lengths() {
    let mut writer = Writer::new(Vec::new()).unwrap();
    assert_eq!(writer.add_interface("i-web", Some("classic instance")).unwrap(), 0);
    assert_eq!(writer.add_interface("drops", None).unwrap(), 1);
    writer.write_packet(&packet(1, b"a frame", &["one", "two, with \u{fc}mlaut"])).unwrap();
    let mut encoded = Vec::new();
    encode_packet(&mut encoded, &Packet { wire_len: 1500, ..packet(0, b"cut", &[]) });
    encode_packet(&mut encoded, &Packet { time: SimTime::from_nanos(u64::MAX), ..packet(0, b"", &[""]) });
    writer.write_encoded(&encoded).unwrap();
    let bytes = writer.finish().unwrap();

    let mut reader = Reader::from_bytes("a", Bytes::from(bytes)).unwrap();
    let (frames, error) = drain(&mut reader, 10);
    assert!(error.is_none());
    let frame = |number, nanos, wire_len, interface, bytes: &[u8]| Frame {
        number,
        nanos,
        wire_len,
        interface,
        bytes: bytes.to_vec(),
    };
    assert_eq!(
        frames,
        [frame(1, NANOS, 7, 1, b"a frame"), frame(2, NANOS, 1500, 0, b"cut"), frame(3, u64::MAX, 0, 0, b"")]
    );
    let names: Vec<Option<&str>> = reader.interfaces().iter().map(|each| each.name.as_deref()).collect();
    assert_eq!(names, [Some("i-web"), Some("drops")]);
}

#[test]
fn a_packet_block_holds_comments_direction_and_id_in_this_order() {
    let mut block = Vec::new();
    encode_packet(&mut block, &packet(3, b"abcde", &["hello"]));
    let hex: Vec<String> =
        block.chunks(4).map(|word| word.iter().map(|byte| format!("{byte:02x}")).collect()).collect();
    assert_eq!(
        hex.join(" "),
        "06000000 4c000000 03000000 bad45b14 154ddb44 05000000 05000000 61626364 65000000 \
         01000500 68656c6c 6f000000 02000400 02000000 05000800 08070605 04030201 00000000 4c000000"
    );
    let mut plain = Vec::new();
    let bare = Packet { direction: PacketDirection::Unknown, packet_id: None, ..packet(3, b"abcd", &[]) };
    encode_packet(&mut plain, &bare);
    assert_eq!(plain.len(), 36, "without options there is no end of options either");
    let mut inbound = Vec::new();
    encode_packet(&mut inbound, &Packet { direction: PacketDirection::Inbound, ..bare });
    assert_eq!(inbound[32..44], [2, 0, 4, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn what_no_reader_would_take_is_cut_when_written() {
    let jumbo = vec![1; MAX_CAPTURED_LEN as usize + 14];
    let comment = "\u{fc}".repeat(40_000);
    let mut writer = Writer::new(Vec::new()).unwrap();
    writer.add_interface(&comment, Some(&comment)).unwrap();
    writer.write_packet(&packet(0, &jumbo, &[&comment])).unwrap();
    let mut reader = Reader::from_bytes("a", Bytes::from(writer.finish().unwrap())).unwrap();
    let (frames, error) = drain(&mut reader, 10);
    assert!(error.is_none());
    assert_eq!(frames[0].bytes.len(), MAX_CAPTURED_LEN as usize);
    assert_eq!(frames[0].wire_len, MAX_CAPTURED_LEN + 14);
    assert_eq!(reader.interfaces()[0].name.as_ref().unwrap().chars().count(), 32_767);
    let (mut block, shorter) = (Vec::new(), "x".to_owned() + &comment);
    for (comment, kept) in [(&comment, 65_534), (&shorter, 65_535), (&shorter[..9].to_owned(), 9)] {
        block.clear();
        encode_packet(&mut block, &Packet { comments: &[comment, "next"], ..packet(0, b"abcd", &[]) });
        assert_eq!(usize::from(u16::from_le_bytes([block[34], block[35]])), kept);
        assert_eq!(&block[36..36 + kept], &comment.as_bytes()[..kept]);
        assert_eq!(&block[36 + kept.next_multiple_of(4)..][..8], b"\x01\0\x04\0next");
    }
}

#[test]
fn written_pcap_reads_back_at_its_precision() {
    for (precision, nanos) in [(Precision::Micros, NANOS - 789), (Precision::Nanos, NANOS)] {
        let mut writer = PcapWriter::new(Vec::new(), LinkType::IPV4, precision).unwrap();
        writer.write_record(SimTime::from_nanos(NANOS), b"E packet", 100).unwrap();
        let frames = read_whole(&writer.finish().unwrap());
        assert_eq!(frames.len(), 1);
        assert_eq!((frames[0].nanos, frames[0].wire_len), (nanos, 114));
        assert_eq!(frames[0].bytes[12..], *b"\x08\x00E packet");
    }
}

#[test]
fn the_pcap_header_is_the_documented_one() {
    let bytes = PcapWriter::new(Vec::new(), LinkType::LINUX_SLL2, Precision::Nanos).unwrap().finish().unwrap();
    assert_eq!(bytes, [0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0x14, 1, 0, 0]);
}

#[test]
fn comments_of_a_packet_are_kept_byte_for_byte_in_front_of_new_ones() {
    let mut written = Vec::new();
    let own: &[&[u8]] = &[b"g\xfcltig", b""];
    encode_packet(&mut written, &Packet { own_comments: own, ..packet(0, b"abcd", &["new"]) });
    assert_eq!(&written[32..48], b"\x01\0\x06\0g\xfcltig\0\0\x01\0\0\0");
    assert_eq!(&written[48..56], b"\x01\0\x03\0new\0");
}

/// What the reader says about packets with these directions and comments.
fn came_out(packets: &[(PacketDirection, &[&str])]) -> Vec<bool> {
    let mut writer = Writer::new(Vec::new()).unwrap();
    let interface = writer.add_interface("i-web", None).unwrap();
    for (direction, comments) in packets {
        writer.write_packet(&Packet { direction: *direction, ..packet(interface, b"odd", comments) }).unwrap();
    }
    let mut reader = Reader::from_bytes("a", writer.finish().unwrap().into()).unwrap();
    let mut batch = Batch::new();
    reader.next_batch(&mut batch, 100).unwrap();
    batch.records().iter().map(|record| record.came_out).collect()
}

#[test]
fn a_packet_came_out_where_one_of_its_comments_is_ours_and_it_is_outbound() {
    use PacketDirection::{Inbound, Outbound, Unknown};
    let own = &["biplane: verdict=delivered to=i-app", "frame 1 from i-web: delivered to i-app"];
    assert_eq!(came_out(&[(Inbound, own), (Outbound, own), (Unknown, own)]), [false, true, false]);
    assert_eq!(came_out(&[(Outbound, &["kept", "biplane: verdict=delivered"])]), [true]);
    let foreign: &[(PacketDirection, &[&str])] = &[(Outbound, &[]), (Outbound, &["mine"]), (Outbound, &["biplanes"])];
    assert_eq!(came_out(foreign), [false; 3]);
}

#[test]
fn an_interface_may_be_told_later_and_described_between_packets() {
    let mut writer = Writer::new(Vec::new()).unwrap();
    let mut encoded = Vec::new();
    encode_packet(&mut encoded, &packet(7, b"first", &["one"]));
    let second = encoded.len();
    encode_packet(&mut encoded, &packet(7, b"second", &[]));
    for (at, name) in [(0..second, "i-web"), (second..encoded.len(), "i-app")] {
        let number = writer.add_interface(name, None).unwrap();
        set_interface(&mut encoded[at.clone()], number);
        writer.write_encoded(&encoded[at]).unwrap();
    }
    let mut reader = Reader::from_bytes("a", writer.finish().unwrap().into()).unwrap();
    let (frames, error) = drain(&mut reader, 10);
    assert!(error.is_none());
    let names: Vec<_> = reader.interfaces().iter().map(|interface| interface.name.as_deref()).collect();
    assert_eq!(names, [Some("i-web"), Some("i-app")]);
    let read: Vec<_> = frames.iter().map(|frame| (frame.interface, &frame.bytes[..])).collect();
    assert_eq!(read, [(0, b"first".as_slice()), (1, b"second")]);
}

#[test]
fn a_comment_can_be_added_to_the_last_packet() {
    for comments in [&["one", "two"] as &[&str], &[]] {
        for direction in [PacketDirection::Outbound, PacketDirection::Unknown] {
            let plain = Packet { direction, packet_id: None, ..packet(2, b"a frame", comments) };
            let mut encoded = Vec::new();
            encode_packet(&mut encoded, &packet(1, b"before", &["three"]));
            let start = encoded.len();
            encode_packet(&mut encoded, &plain);
            assert_eq!(last_packet(&encoded), start);
            let mut last = encoded.split_off(start);
            add_comment(&mut last, "added");

            let mut block = Vec::new();
            encode_packet(&mut block, &Packet { comments: &[comments, &["added"]].concat(), ..plain });
            // As if it had been there from the beginning, but for its place among the options.
            assert_eq!(last.len(), block.len());
            let length = (last.len() as u32).to_le_bytes();
            assert_eq!((&last[4..8], &last[last.len() - 4..]), (&length[..], &length[..]));
            assert!(last.ends_with(&[b"\x01\0\x05\0added\0\0\0\0\0\0\0", &length[..]].concat()), "{last:x?}");
            let options = 28 + 8;
            assert_eq!(last[8..options], block[8..options]);
        }
    }
    assert_eq!(last_packet(&[]), 0);
}

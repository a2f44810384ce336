//! Older kinds of pcap, captures put together, and what bounds a reader's memory.

use std::io::Write;

use crate::capture::fixture::{Built, drain, read, read_whole};
use crate::capture::order::ByteOrder::{Big, Little};
use crate::capture::{CaptureProblem, MAX_INTERFACES, Reader, Unreadable};

const FRAME: &[u8] = b"fourteen bytes and more";
const COMMON: u32 = 0xa1b2_c3d4;

#[test]
fn older_versions_have_their_lengths_the_other_way_round() {
    for order in [Little, Big] {
        for minor in 0..=4 {
            let header = || Built::pcap_of(order, COMMON, minor, 1);
            let length = FRAME.len() as u32;
            let built = match minor {
                0..=2 => header().u32(7).u32(5).u32(1500).u32(length).raw(FRAME),
                _ => header().record(7, 5, FRAME, 1500),
            };
            let frames = read_whole(&built.bytes);
            assert_eq!((frames.len(), frames[0].wire_len, &frames[0].bytes[..]), (1, 1500, FRAME), "2.{minor}");
            assert_eq!(frames[0].nanos, 7_000_005_000);
        }
        // 2.3 was written in both ways: no packet has more captured bytes than bytes.
        let swapped = Built::pcap_of(order, COMMON, 3, 1).u32(7).u32(5).u32(1500).u32(FRAME.len() as u32).raw(FRAME);
        assert_eq!(read_whole(&swapped.bytes)[0].wire_len, 1500);
    }
}

#[test]
fn modified_pcap_has_longer_record_headers() {
    for order in [Little, Big] {
        let record = |built: Built| {
            let built = built.u32(7).u32(5).u32(FRAME.len() as u32).u32(1500);
            built.u32(3).u16(0x0800).raw(&[4, 0]).raw(FRAME)
        };
        let built = record(record(Built::pcap(order, 0xa1b2_cd34, 1)));
        let frames = read_whole(&built.bytes);
        assert_eq!(frames.len(), 2);
        assert!(frames.iter().all(|frame| (frame.wire_len, &frame.bytes[..]) == (1500, FRAME)));
        let (frames, error) = read(&built.bytes[..built.bytes.len() - 1]);
        assert_eq!(frames.len(), 1);
        assert!(matches!(error.unwrap().problem, CaptureProblem::Truncated { needed: 47, available: 46 }));
    }
}

#[test]
fn captures_put_together_are_read_one_after_the_other() {
    let section = |built: Built| built.section(Big).interface(101, 0, &[]).enhanced(0, 9, b"E packet", 8);
    let pcap = |built: Built, magic: u32| {
        built.in_order(Little).pcap_header(magic, 4, 1).record(7, 0, FRAME, 23).record(7, 0, b"", 0)
    };
    let built = pcap(section(pcap(pcap(Built::new(Little), COMMON), 0xa1b2_3c4d)), COMMON);
    let built = built.in_order(Big).pcap_header(COMMON, 2, 228).u32(7).u32(0).u32(900).u32(1).raw(b"E");
    let mut reader = Reader::from_bytes("a", built.bytes.clone().into()).unwrap();
    let (frames, error) = drain(&mut reader, 2);
    assert!(error.is_none());
    // A pcapng goes on in its own sections: only other headers make another capture.
    assert_eq!((frames.len(), reader.captures()), (8, 5));
    assert!(frames.iter().zip(1..).all(|(frame, number)| frame.number == number));
    assert_eq!((frames[7].wire_len, &frames[7].bytes[12..]), (914, &b"\x08\0E"[..]));
    let types: Vec<u16> = reader.interfaces().iter().map(|interface| interface.link_type.0).collect();
    assert_eq!(types, [1, 101, 228], "what is described alike is one interface");

    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&built.bytes).unwrap();
    assert_eq!(read_whole(&gzip.finish().unwrap()), frames);
}

#[test]
fn a_record_that_is_nearly_a_header_stays_a_record() {
    // An empty packet at the second that a magic number is, with another version, or with a length.
    for (fraction, original) in [(5_u32 << 16 | 2, 0), (4 << 16 | 1, 0), (4 << 16 | 2, 1)] {
        let built = Built::pcap(Little, COMMON, 1).record(COMMON, fraction, b"", original).record(1, 0, FRAME, 23);
        let mut reader = Reader::from_bytes("a", built.bytes.into()).unwrap();
        assert_eq!((drain(&mut reader, 9).0.len(), reader.captures()), (2, 1));
    }
}

#[test]
fn a_second_capture_of_another_link_type_is_left_out_and_one_cut_in_its_header_is_damage() {
    let built = Built::pcap(Little, COMMON, 1).record(1, 0, FRAME, 23);
    let other = Built::new(Little).raw(&built.bytes).pcap_header(COMMON, 4, 189).record(1, 0, FRAME, 23);
    let other = other.pcap_header(COMMON, 4, 1).record(1, 0, FRAME, 23);
    let mut reader = Reader::from_bytes("a", other.bytes.into()).unwrap();
    let (frames, error) = drain(&mut reader, 9);
    assert!(error.is_none());
    assert_eq!(frames.iter().map(|frame| frame.number).collect::<Vec<_>>(), [1, 3]);
    assert!(reader.unreadable().keys().all(|why| matches!(why, Unreadable::LinkType(link_type) if link_type.0 == 189)));

    let twice = [&built.bytes[..], &built.bytes[..20]].concat();
    let (frames, error) = read(&twice);
    assert_eq!(frames.len(), 1);
    assert!(matches!(error.unwrap().problem, CaptureProblem::Truncated { needed: 24, available: 20 }));
}

#[test]
fn gzip_may_end_in_zeros_and_in_nothing_else() {
    let built = Built::pcap(Little, COMMON, 1).record(1, 0, FRAME, 23).record(2, 0, FRAME, 23);
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let (head, tail) = built.bytes.split_at(30);
    for zeros in [0, 1, 511, 100_000] {
        let padded = [gzip(head), vec![0; zeros], gzip(tail), vec![0; zeros]].concat();
        assert_eq!(read_whole(&padded).len(), 2, "{zeros} zeros");
    }
    let (frames, error) = read(&[gzip(&built.bytes), vec![0, 0, 7, 0]].concat());
    assert_eq!((frames.len(), error.unwrap().is_damage()), (2, true));
}

#[test]
fn a_long_window_of_zstd_is_told_with_the_command_that_helps() {
    let built = Built::pcap(Little, COMMON, 1).record(1, 0, FRAME, 23);
    let compress = |window: u32| {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(window).unwrap();
        encoder.write_all(&built.bytes).unwrap();
        encoder.flush().unwrap();
        encoder.finish().unwrap()
    };
    assert_eq!(read_whole(&compress(27)).len(), 1);
    let (_, error) = read(&compress(28));
    let error = error.unwrap();
    assert!(!error.is_damage());
    assert_eq!(
        error.to_string(),
        "test.pcap: compressed by zstd with a window of more than 128 MiB (--long); decompress it first: \
         `zstd -dc --long=31 CAPTURE | biplane replay TOPOLOGY -`"
    );
}

/// A section whose interfaces have these names.
fn section(built: Built, names: impl Iterator<Item = String>) -> Built {
    names.fold(built.section(Little), |built, name| built.interface(1, 0, &[(2, name.as_bytes())]))
}

#[test]
fn a_section_may_describe_so_many_interfaces_and_no_more() {
    let names = |count: u32| (0..count).map(|number| format!("eth{number}"));
    let most = section(Built::new(Little), names(MAX_INTERFACES)).enhanced(MAX_INTERFACES - 1, 1, FRAME, 23);
    assert_eq!(read_whole(&most.bytes)[0].interface, MAX_INTERFACES - 1);
    let (frames, error) = read(&most.interface(1, 0, &[]).bytes);
    assert_eq!(frames.len(), 1);
    let error = error.unwrap();
    assert!(error.is_damage());
    assert!(error.to_string().contains("is one too many: a section may describe 65536 interfaces"), "{error}");
    // Long names count for several.
    let long = |count: usize| section(Built::new(Little), (0..count).map(|_| "n".repeat(60_000)));
    let fits = MAX_INTERFACES as usize / (1 + 60_000 / 256);
    assert!(read(&long(fits).bytes).1.is_none());
    assert!(matches!(read(&long(fits + 1).bytes).1.unwrap().problem, CaptureProblem::TooManyInterfaces { .. }));
}

#[test]
fn sections_that_describe_the_same_interfaces_share_them() {
    let names = || ["eth0", "eth1", ""].into_iter().map(str::to_owned);
    let mut built = Built::new(Little);
    for section_number in 0..100 {
        built = section(built, names()).enhanced(section_number % 3, 1, FRAME, 23);
    }
    let mut reader = Reader::from_bytes("a", built.bytes.into()).unwrap();
    let (frames, error) = drain(&mut reader, 7);
    assert!(error.is_none());
    assert_eq!((frames.len(), reader.interfaces().len()), (100, 3));
    assert!(frames.iter().zip(0..).all(|(frame, number)| frame.interface == number % 3));
}

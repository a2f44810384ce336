//! Damaged captures: everything before the damage comes out, then an error; nothing panics, hangs or is made up.

use std::io::Write;

use proptest::prelude::*;

use crate::capture::fixture::{Built, Frame, read, read_whole};
use crate::capture::order::ByteOrder::{self, Big, Little};
use crate::capture::{Batch, CaptureProblem, Compression, Reader};
use crate::table::Random;

/// A small capture of each format and byte order, with where each of its records ends.
fn samples() -> Vec<(Vec<u8>, Vec<usize>)> {
    let kinds = |order| [pcap(order, 1), pcap(order, 113), pcapng(order), modified(order), joined(order)];
    [Little, Big].into_iter().flat_map(kinds).collect()
}

/// How many there are.
const SAMPLES: usize = 10;

/// The kind with longer record headers.
fn modified(order: ByteOrder) -> (Vec<u8>, Vec<usize>) {
    let mut built = Built::pcap(order, 0xa1b2_cd34, 1);
    let mut ends = Vec::new();
    for length in [60, 0, 14] {
        let data = vec![length as u8; length as usize];
        built = built.u32(1).u32(length).u32(length).u32(length + 4).u32(3).u32(0).raw(&data);
        ends.push(built.bytes.len());
    }
    (built.bytes, ends)
}

/// A pcap, a pcapng behind it, and an old pcap behind that.
fn joined(order: ByteOrder) -> (Vec<u8>, Vec<usize>) {
    let mut ends = Vec::new();
    let mut built = Built::pcap(order, 0xa1b2_c3d4, 1).record(1, 2, b"in the first capture", 20);
    ends.push(built.bytes.len());
    built = built.section(order).interface(1, 0, &[]).enhanced(0, 9, b"in the second one", 17);
    ends.push(built.bytes.len());
    built = built.pcap_header(0xa1b2_c3d4, 2, 1).u32(1).u32(2).u32(20).u32(16).raw(b"in the third one");
    ends.push(built.bytes.len());
    (built.bytes, ends)
}

fn pcap(order: ByteOrder, link_type: u32) -> (Vec<u8>, Vec<usize>) {
    let mut built = Built::pcap(order, 0xa1b2_3c4d, link_type);
    let mut ends = Vec::new();
    for length in [60, 0, 14, 33] {
        built = built.record(1, length, &vec![length as u8; length as usize], length + 4);
        ends.push(built.bytes.len());
    }
    (built.bytes, ends)
}

fn pcapng(order: ByteOrder) -> (Vec<u8>, Vec<usize>) {
    let mut built = Built::new(order).section(order).interface(1, 0, &[(2, b"eth0"), (9, &[9])]).interface(276, 0, &[]);
    let mut ends = Vec::new();
    for length in [60_usize, 0, 14, 33] {
        let data = vec![length as u8; length];
        built = built.enhanced((length % 2) as u32, 7, &data, 90);
        ends.push(built.bytes.len());
        built = built.block(0xbad, b"not a packet");
    }
    let other = if order == Big { Little } else { Big };
    built = built.section(other).interface(1, 0, &[]).enhanced(0, 9, b"in the second section", 21);
    ends.push(built.bytes.len());
    (built.bytes, ends)
}

#[test]
fn a_capture_cut_at_any_byte_gives_the_records_before_the_cut_and_says_so() {
    for (whole, ends) in samples() {
        let all = read_whole(&whole);
        assert_eq!(all.len(), ends.len());
        for cut in 0..whole.len() {
            let (frames, error) = read(&whole[..cut]);
            let complete = ends.iter().filter(|&&end| end <= cut).count();
            assert_eq!(frames, all[..complete], "cut at {cut}");
            match error.map(|error| (error.is_damage(), error.problem)) {
                // Between two records or blocks nothing tells that there was more.
                None => assert!(cut >= 24),
                Some((true, CaptureProblem::Truncated { needed, available })) => {
                    assert!(needed > available && available > 0, "cut at {cut}: {needed} {available}");
                }
                Some((false, CaptureProblem::Empty)) => assert_eq!(cut, 0),
                Some((false, CaptureProblem::NotACapture { .. })) => assert!(cut < 4),
                Some((_, other)) => panic!("cut at {cut}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_cut_record_is_told_with_its_number_place_and_what_is_missing() {
    let (whole, ends) = pcap(Little, 1);
    let (_, error) = read(&whole[..ends[2] + 20]);
    assert_eq!(
        error.unwrap().to_string(),
        format!(
            "test.pcap: cut short: at byte offset {}, where record 4 was expected, \
             49 bytes are needed and 20 left (3 good records before it)",
            ends[2]
        )
    );
}

#[test]
fn block_lengths_that_cannot_be_are_refused_where_they_stand() {
    let good = Built::new(Little).section(Little).interface(1, 0, &[]).enhanced(0, 1, b"frame", 5);
    let at = good.bytes.len();
    for (claimed, body) in [(8_u32, 0), (13, 4), (0, 0), (u32::MAX - 3, 0), ((16 << 20) + 4, 8)] {
        let bad = Built::new(Little).raw(&good.bytes).u32(6).u32(claimed).raw(&vec![0; body]).u32(claimed);
        let (frames, error) = read(&bad.bytes);
        let error = error.unwrap();
        assert_eq!((frames.len(), error.offset, error.is_damage()), (1, at as u64, true));
        assert!(matches!(error.problem, CaptureProblem::BlockLength { block_type: 6, claimed: c } if c == claimed));
    }
    // Too short for the fields of its type.
    let short = Built::new(Little).raw(&good.bytes).block(6, &[0; 16]);
    let error = read(&short.bytes).1.unwrap();
    assert!(matches!(error.problem, CaptureProblem::BlockLength { block_type: 6, claimed: 28 }), "{error}");
}

#[test]
fn the_two_lengths_of_a_block_must_agree() {
    let mut bytes = Built::new(Big).section(Big).interface(1, 0, &[]).enhanced(0, 1, b"four", 4).bytes;
    assert_eq!(read_whole(&bytes).len(), 1);
    *bytes.last_mut().unwrap() += 4;
    let (frames, error) = read(&bytes);
    assert!(frames.is_empty());
    assert_eq!(
        error.unwrap().to_string(),
        "test.pcap: the block of type 0x6 at byte offset 48, where record 1 was expected, \
         is 36 bytes long by its start and 40 by its end (no good record before it)"
    );
}

#[test]
fn a_packet_longer_than_its_block_is_refused() {
    let fits = Built::new(Little).u32(0).u32(0).u32(0).u32(8).u32(8).raw(&[1; 8]);
    let longer = Built::new(Little).u32(0).u32(0).u32(0).u32(9).u32(9).raw(&[1; 8]);
    let file = || Built::new(Little).section(Little).interface(1, 0, &[]);
    assert_eq!(read_whole(&file().block(6, &fits.bytes).bytes).len(), 1);
    let error = read(&file().block(6, &longer.bytes).bytes).1.unwrap();
    assert!(matches!(error.problem, CaptureProblem::RecordLength { claimed: 9, limit: 8 }), "{error}");
    let simple = Built::new(Little).u32(9).raw(&[1; 8]);
    let error = read(&file().block(3, &simple.bytes).bytes).1.unwrap();
    assert!(matches!(error.problem, CaptureProblem::RecordLength { claimed: 9, limit: 8 }), "{error}");
}

#[test]
fn clocks_that_cannot_be_read_are_damage_and_unknown_options_are_not() {
    let file = |options: &[(u16, &[u8])]| Built::new(Big).section(Big).interface(1, 0, options).bytes;
    assert!(read(&file(&[(9, &[6]), (99, &[1, 2, 3])])).1.is_none());
    for (code, value) in [(9_u16, &[6_u8, 6][..]), (14, &[0; 4])] {
        let error = read(&file(&[(code, value)])).1.unwrap();
        assert!(matches!(error.problem, CaptureProblem::InterfaceOption { code: c, .. } if c == code), "{error}");
    }
    let past = Built::new(Big).u16(1).u16(0).u32(0).u16(99).u16(5).u32(0);
    let error = read(&Built::new(Big).section(Big).block(1, &past.bytes).bytes).1.unwrap();
    assert!(matches!(error.problem, CaptureProblem::InterfaceOption { code: 99, length: 5 }), "{error}");
}

#[test]
fn a_section_header_without_a_byte_order_is_damage() {
    let mut bytes = Built::new(Big).section(Big).interface(1, 0, &[]).enhanced(0, 1, b"four", 4).bytes;
    let second = bytes.len();
    bytes.extend_from_slice(&Built::new(Big).section(Big).bytes);
    assert_eq!(read_whole(&bytes).len(), 1);
    bytes[second + 8] ^= 1;
    let (frames, error) = read(&bytes);
    assert_eq!(frames.len(), 1);
    assert!(matches!(error.unwrap().problem, CaptureProblem::ByteOrder { found: [0x1b, 0x2b, 0x3c, 0x4d] }));
}

#[test]
fn damaged_compression_is_told_after_the_records_before_it() {
    let mut built = Built::pcap(Little, 0xa1b2_c3d4, 1);
    let mut random = Random::new(1);
    for _ in 0..4000 {
        let data: Vec<u8> = (0..64).map(|_| random.next() as u8).collect();
        built = built.record(0, 0, &data, 64);
    }
    let all = read_whole(&built.bytes);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&built.bytes).unwrap();
    let zstd = zstd::bulk::compress(&built.bytes, 3).unwrap();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(&built.bytes).unwrap();
    let blocks = lz4_flex::frame::FrameInfo::new().block_size(lz4_flex::frame::BlockSize::Max64KB);
    let mut lz4 = lz4_flex::frame::FrameEncoder::with_frame_info(blocks, Vec::new());
    lz4.write_all(&built.bytes).unwrap();
    let all_compressed = [
        (gzip.finish().unwrap(), Compression::Gzip),
        (zstd, Compression::Zstd),
        (bzip2.finish().unwrap(), Compression::Bzip2),
        (lz4.finish().unwrap(), Compression::Lz4),
    ];
    for (compressed, compression) in all_compressed {
        assert!(read(&compressed).1.is_none());
        let (frames, error) = read(&compressed[..compressed.len() / 2]);
        let error = error.unwrap();
        assert!(frames.len() > 1000, "{} records before the cut", frames.len());
        assert!(frames == all[..frames.len()]);
        assert_eq!((error.is_damage(), error.compression), (true, Some(compression)));
        assert!(error.to_string().contains(&format!("the {} data is damaged or cut: ", compression.name())), "{error}");
        let mut broken = compressed.clone();
        broken.truncate(compressed.len() - 4);
        let (frames, error) = read(&broken);
        assert!(frames.len() <= 4000 && error.unwrap().is_damage());
    }
}

/// What must hold of anything read from `length` bytes.
fn is_bounded(frames: &[Frame], length: usize) -> bool {
    // Each record takes at least 12 bytes beside its data, and at most 14 bytes of header are put in front of it.
    frames.iter().map(|frame| frame.bytes.len()).sum::<usize>() <= length + 2 * frames.len()
        && frames.is_sorted_by(|one, next| one.number < next.number)
}

#[test]
fn a_file_that_shrinks_while_it_is_read_is_an_error_after_its_last_whole_record() {
    let mut built = Built::pcap(Little, 0xa1b2_3c4d, 1);
    for second in 0..20_000 {
        built = built.record(second, 0, &[7; 64], 64);
    }
    let whole = built.bytes.len() as u64;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&built.bytes).unwrap();
    let mut reader = Reader::open(file.path()).unwrap();
    let mut batch = Batch::new();
    let mut records = reader.next_batch(&mut batch, 10).unwrap() as u64;
    file.as_file().set_len(whole - 100).unwrap();
    let error = loop {
        match reader.next_batch(&mut batch, 1000) {
            Ok(0) => panic!("it ends as if it were whole"),
            Ok(count) => records += count as u64,
            Err(error) => break error,
        }
    };
    // The last record is gone, and of the one before it the first 60 of its 16 + 64 bytes are left.
    assert_eq!((records, error.good_records, error.offset), (19_998, 19_998, 24 + 19_998 * 80));
    assert!(matches!(error.problem, CaptureProblem::Truncated { needed: 80, available: 60 }), "{error}");
}

proptest! {
    #![proptest_config(crate::test_cases::cases(300))]

    #[test]
    fn arbitrary_bytes_after_any_start_never_panic(start in 0..SAMPLES + 4, noise in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut bytes = match samples().get(start) {
            Some((sample, ends)) => sample[..ends[0]].to_vec(),
            None if start == SAMPLES => vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0],
            None if start == SAMPLES + 1 => vec![0x28, 0xb5, 0x2f, 0xfd],
            None if start == SAMPLES + 2 => b"BZh9".to_vec(),
            None => vec![0x04, 0x22, 0x4d, 0x18],
        };
        bytes.extend_from_slice(&noise);
        let (frames, _) = read(&bytes);
        if start < SAMPLES {
            prop_assert!(is_bounded(&frames, bytes.len()));
            prop_assert!(!frames.is_empty(), "the record before the noise is delivered");
        }
        read(&noise);
    }

    #[test]
    fn flipped_bits_harm_no_record_before_them(sample in 0..SAMPLES, flips in prop::collection::vec((0..1000_usize, 0..8_u32), 1..4)) {
        let (whole, ends) = samples().swap_remove(sample);
        let all = read_whole(&whole);
        let mut bytes = whole;
        let mut first = bytes.len();
        for (place, bit) in flips {
            let place = place % bytes.len();
            bytes[place] ^= 1 << bit;
            first = first.min(place);
        }
        let (frames, _) = read(&bytes);
        let untouched = ends.iter().filter(|&&end| end <= first).count();
        prop_assert!(is_bounded(&frames, bytes.len()));
        prop_assert!(frames.starts_with(&all[..untouched]));
    }

    /// Packets of every link type, most of whose bytes are those that lead somewhere.
    #[test]
    fn any_packet_of_any_link_type_is_a_frame_no_longer_than_it_or_is_named(
        link_type in 0..300_u32,
        bytes in prop::collection::vec(
            prop_oneof![any::<u8>(), prop::sample::select(&[0, 1, 2, 3, 8, 9, 0x21, 0x45, 0x88, 0xaa, 0xff][..])],
            0..60,
        ),
        more in 0..200_u32,
    ) {
        let original = bytes.len() as u32 + more;
        let built = Built::new(Big).section(Big).interface(link_type as u16, 0, &[]).interface(1, 0, &[]);
        let built = built.enhanced(0, 1, &bytes, original).enhanced(1, 2, b"Ethernet", 8);
        let (frames, error) = read(&built.bytes);
        prop_assert!(error.is_none());
        prop_assert!(matches!(frames.len(), 1 | 2));
        if let [frame, _] = &frames[..] {
            prop_assert!(frame.bytes.len() <= bytes.len() + 14 && frame.wire_len <= original + 14);
        }
    }

    #[test]
    fn flipped_bits_of_compressed_captures_never_panic(kind in 0..4, place in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let (whole, _) = pcapng(Little);
        let mut bytes = match kind {
            0 => zstd::bulk::compress(&whole, 1).unwrap(),
            1 => {
                let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
                bzip2.write_all(&whole).unwrap();
                bzip2.finish().unwrap()
            }
            2 => {
                let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
                lz4.write_all(&whole).unwrap();
                lz4.finish().unwrap()
            }
            _ => {
                let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                gzip.write_all(&whole).unwrap();
                gzip.finish().unwrap()
            }
        };
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        read(&bytes);
    }
}

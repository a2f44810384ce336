//! The captures of `pcaps/` are what `cargo run --example pcaps` writes, and are sound.

#[path = "../../examples/pcaps/captures/mod.rs"]
mod captures;

use biplane::capture::{Batch, Reader};
use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("pcaps")
}

#[test]
fn the_captures_are_those_that_the_generator_writes() {
    let written: BTreeSet<String> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let told: BTreeSet<String> = captures::all().into_iter().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(written, told);
    for (name, bytes) in captures::all() {
        let file = std::fs::read(folder().join(name)).unwrap();
        assert!(file == bytes, "{name} differs: run `cargo run --example pcaps`");
    }
}

#[test]
fn the_captures_stay_small() {
    let sizes: Vec<usize> = captures::all().iter().map(|(_, bytes)| bytes.len()).collect();
    assert!(sizes.iter().all(|size| *size < 40_000), "{sizes:?}");
    assert!(sizes.iter().sum::<usize>() < 250_000);
}

#[test]
fn every_whole_frame_has_right_lengths_and_checksums_and_time_never_runs_back() {
    for (name, _) in captures::all() {
        let mut reader = Reader::open(&folder().join(name)).unwrap();
        let mut batch = Batch::new();
        let mut last = 0;
        let mut frames = 0;
        while reader.next_batch(&mut batch, 64).unwrap() > 0 {
            for (record, bytes) in batch.iter() {
                frames += 1;
                assert!(record.time.as_nanos() >= last, "{name} #{}", record.number);
                last = record.time.as_nanos();
                if record.wire_len as usize == bytes.len() {
                    sound(bytes, &format!("{name} #{}", record.number));
                }
            }
        }
        assert!(frames > 0, "{name}");
    }
}

/// Lengths and checksums. Fragments are held against their IPv4 header alone.
fn sound(bytes: &[u8], place: &str) {
    let packet = SlicedPacket::from_ethernet(bytes).unwrap_or_else(|error| panic!("{place}: {error}"));
    let Some(NetSlice::Ipv4(ipv4)) = packet.net else { return };
    let header = ipv4.header().to_header();
    assert_eq!(header.header_checksum, header.calc_header_checksum(), "{place}");
    assert_eq!(usize::from(header.total_len), bytes.len() - 14, "{place}");
    match packet.transport {
        Some(TransportSlice::Tcp(tcp)) => {
            let wanted = tcp.to_header().calc_checksum_ipv4(&header, tcp.payload()).unwrap();
            assert_eq!(tcp.checksum(), wanted, "{place}");
        }
        Some(TransportSlice::Udp(udp)) => {
            let wanted = udp.to_header().calc_checksum_ipv4(&header, udp.payload()).unwrap();
            assert_eq!(udp.checksum(), wanted, "{place}");
        }
        Some(TransportSlice::Icmpv4(icmp)) => {
            assert_eq!(icmp.checksum(), icmp.icmp_type().calc_checksum(icmp.payload()), "{place}");
        }
        _ => {}
    }
}

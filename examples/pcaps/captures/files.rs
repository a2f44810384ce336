//! From frames to files.

use super::tap::{Record, Tap, mac};
use biplane::capture::{LinkType, Packet, PacketDirection, PcapWriter, Precision, Writer};
use std::io::Write;
use std::net::Ipv4Addr;

const WRITTEN: &str = "writing into memory does not fail";

/// Plain pcap with microseconds.
pub(crate) fn pcap(tap: &Tap) -> Vec<u8> {
    records(LinkType::ETHERNET, tap.records.iter().map(|record| (record, record.bytes.clone())))
}

/// Pcap of which at most `snaplen` bytes a frame were kept.
pub(crate) fn cut(tap: &Tap, snaplen: usize) -> Vec<u8> {
    let mut to = PcapWriter::new(Vec::new(), LinkType::ETHERNET, Precision::Micros).expect(WRITTEN);
    for Record { time, bytes, .. } in &tap.records {
        to.write_record(*time, &bytes[..bytes.len().min(snaplen)], bytes.len() as u32).expect(WRITTEN);
    }
    let mut file = to.finish().expect(WRITTEN);
    file[16..20].copy_from_slice(&(snaplen as u32).to_le_bytes());
    file
}

/// Linux cooked capture, version 1, as taken on all interfaces of the host `at`.
pub(crate) fn cooked(tap: &Tap, at: &str) -> Vec<u8> {
    let own = mac(at.parse::<Ipv4Addr>().expect("an address"));
    let cooked = |bytes: &[u8]| {
        const ETHERNET: u16 = 1;
        let sent_by_us = if bytes[6..12] == own { 4_u16 } else { 0 };
        let mut header = Vec::from(sent_by_us.to_be_bytes());
        header.extend(ETHERNET.to_be_bytes());
        header.extend(6_u16.to_be_bytes());
        header.extend(&bytes[6..12]);
        header.extend([0, 0]);
        header.extend(&bytes[12..]);
        header
    };
    records(LinkType::LINUX_SLL, tap.records.iter().map(|record| (record, cooked(&record.bytes))))
}

fn records<'a>(link_type: LinkType, records: impl Iterator<Item = (&'a Record, Vec<u8>)>) -> Vec<u8> {
    let mut to = PcapWriter::new(Vec::new(), link_type, Precision::Micros).expect(WRITTEN);
    for (record, bytes) in records {
        to.write_record(record.time, &bytes, bytes.len() as u32).expect(WRITTEN);
    }
    to.finish().expect(WRITTEN)
}

/// Pcapng with one interface a name.
pub(crate) fn pcapng(tap: &Tap, interfaces: &[&str]) -> Vec<u8> {
    let mut to = Writer::new(Vec::new()).expect(WRITTEN);
    for name in interfaces {
        to.add_interface(name, None).expect(WRITTEN);
    }
    for Record { time, interface, bytes } in &tap.records {
        let packet = Packet {
            interface: *interface,
            time: *time,
            bytes,
            wire_len: bytes.len() as u32,
            direction: PacketDirection::Unknown,
            packet_id: None,
            own_comments: &[],
            comments: &[],
        };
        to.write_packet(&packet).expect(WRITTEN);
    }
    to.finish().expect(WRITTEN)
}

/// `file` compressed; without name and time in the header.
pub(crate) fn gzip(file: &[u8]) -> Vec<u8> {
    let mut to = flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::best());
    to.write_all(file).expect(WRITTEN);
    to.finish().expect(WRITTEN)
}

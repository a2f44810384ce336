//! Real captures as they are read: link types, frames, damage; and written again.

use crate::folder;
use std::fs;

use biplane::capture::{Batch, CaptureError, CaptureProblem, LinkType, Packet, PacketDirection, Reader, Writer};
use bytes::Bytes;

/// File name, link type of its first interface, and how many frames it holds.
const WHOLE: [(&str, u16, u64); 17] = [
    ("01-nfs-inside-10.111.pcap", 1, 99),
    ("02-rdp-172.21-to-10.226.pcap", 1, 542),
    ("04-modbus-10.235-13k-frames.pcap", 1, 13_622),
    ("05-log4j-172.16-to-10.10-linux-sll.pcap", 113, 426),
    ("06-icmp-and-ssh-192.168.0.pcap", 1, 362),
    ("07-linux-sll2-192.168.1.pcap", 276, 5),
    ("08-raw-ip-10.0.0-hourly.pcap", 101, 20),
    ("09-linktype-ipv4-idle-timeout.pcap", 228, 15),
    ("11-nanosecond-big-endian.pcap", 1, 10),
    ("12-pcapng-comments-le.pcapng", 1, 2),
    ("14-udp-fragments-10.118.pcap", 1, 53),
    ("16-ipv4-options.pcap", 1, 7),
    ("17-vlan-and-qinq-icmp.pcap", 1, 26),
    ("18-nflog-unsupported-link.pcap", 239, 13),
    ("20-snaplen-96-tcp-192.168.1-to-192.168.2.pcap", 1, 878),
    ("22-ipv4-malformed-header.pcapng", 1, 2),
    // One good record, then damage.
    ("23-corrupt-record-length.pcap", 1, 1),
];

/// How many records a reader hands out, how many of them are cut, the time of the first, and what ended it.
struct Walked {
    records: u64,
    cut: u64,
    first_nanos: u64,
    error: Option<CaptureError>,
}

fn walk(reader: &mut Reader) -> Walked {
    let mut walked = Walked { records: 0, cut: 0, first_nanos: 0, error: None };
    let mut batch = Batch::new();
    loop {
        match reader.next_batch(&mut batch, 64) {
            Ok(0) => return walked,
            Ok(_) => {}
            Err(error) => {
                walked.error = Some(error);
                return walked;
            }
        }
        for (record, bytes) in batch.iter() {
            if walked.records == 0 {
                walked.first_nanos = record.time.as_nanos();
            }
            walked.records += 1;
            walked.cut += u64::from(record.is_cut());
            assert_eq!(record.number, walked.records);
            assert_eq!(bytes.len(), record.captured_len() as usize);
        }
    }
}

pub(crate) fn real_captures_hold_as_many_frames_as_their_index_says() {
    let folder = folder();
    for (name, link_type, frames) in WHOLE {
        let mut reader = Reader::open(&folder.join(name)).unwrap();
        let walked = walk(&mut reader);
        assert_eq!(walked.records, frames, "{name}");
        assert_eq!(reader.interfaces()[0].link_type, LinkType(link_type), "{name}");
        assert_eq!(walked.error.is_some(), name.starts_with("23-"), "{name}");
    }
}

pub(crate) fn a_big_endian_nanosecond_capture_keeps_its_first_stamp() {
    let folder = folder();
    let mut reader = Reader::open(&folder.join("11-nanosecond-big-endian.pcap")).unwrap();
    assert_eq!(walk(&mut reader).first_nanos % 60_000_000_000, 26_167_647_291);
}

pub(crate) fn frames_cut_by_the_snaplen_keep_their_length_on_the_wire() {
    let folder = folder();
    let mut reader = Reader::open(&folder.join("20-snaplen-96-tcp-192.168.1-to-192.168.2.pcap")).unwrap();
    assert_eq!(reader.interfaces()[0].snaplen, 262_144);
    assert_eq!(walk(&mut reader).cut, 691);
}

pub(crate) fn an_absurd_record_length_is_told_with_its_place_after_the_good_record() {
    let folder = folder();
    let mut reader = Reader::open(&folder.join("23-corrupt-record-length.pcap")).unwrap();
    let error = walk(&mut reader).error.unwrap();
    assert!(error.is_damage());
    assert_eq!(error.good_records, 1);
    assert_eq!(error.offset, 228);
    assert!(
        matches!(error.problem, CaptureProblem::RecordLength { claimed: 1_409_179_648, limit: 262_144 }),
        "{error}"
    );
}

pub(crate) fn real_captures_cut_anywhere_lose_only_what_follows_the_cut() {
    let folder = folder();
    for (name, _, frames) in WHOLE {
        let whole = Bytes::from(fs::read(folder.join(name)).unwrap());
        let mut last = 0;
        for cut in (0..whole.len()).step_by(whole.len() / 499 + 1).chain([whole.len() - 1]) {
            let Ok(mut reader) = Reader::from_bytes(name, whole.slice(..cut)) else { continue };
            let walked = walk(&mut reader);
            assert!(walked.records >= last && walked.records <= frames, "{name} cut at {cut}");
            assert!(walked.error.as_ref().is_none_or(CaptureError::is_damage), "{name} cut at {cut}");
            last = walked.records;
        }
        assert!(last + 1 >= frames, "{name}: {last} of {frames} with the last byte cut");
    }
}

pub(crate) fn real_captures_written_as_pcapng_read_back_the_same() {
    let folder = folder();
    for (name, _, frames) in WHOLE {
        let mut reader = Reader::open(&folder.join(name)).unwrap();
        let mut writer = Writer::new(Vec::new()).unwrap();
        writer.add_interface(name, None).unwrap();
        let (mut batch, mut written) = (Batch::new(), Vec::new());
        while reader.next_batch(&mut batch, 100).is_ok_and(|count| count > 0) {
            for (record, bytes) in batch.iter() {
                let packet = Packet {
                    interface: 0,
                    time: record.time,
                    bytes,
                    wire_len: record.wire_len,
                    direction: PacketDirection::Inbound,
                    packet_id: Some(record.number),
                    own_comments: &[],
                    comments: &["a comment"],
                };
                writer.write_packet(&packet).unwrap();
                written.push((record.time, record.wire_len, bytes.to_vec()));
            }
        }
        assert_eq!(written.len() as u64, frames, "{name}");
        let mut reader = Reader::from_bytes(name, writer.finish().unwrap().into()).unwrap();
        let mut read = Vec::new();
        while reader.next_batch(&mut batch, 100).unwrap() > 0 {
            read.extend(batch.iter().map(|(record, bytes)| (record.time, record.wire_len, bytes.to_vec())));
        }
        assert!(read == written, "{name}");
    }
}

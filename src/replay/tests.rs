//! What comes out does not depend on how the capture arrives, nor on which worker does what.

mod copies;

use super::{Copies, ReplayOptions, Sinks, run};
use crate::capture::{LinkType, PcapWriter, Precision, Reader};
use crate::lab::Topology;
use crate::time::SimTime;
use crate::wire::build::{tcp, udp};
use std::io::{self, Cursor, Read, Write};

/// Two instances in a VPC, and many beside them that the capture is not about.
fn topology() -> Topology {
    let mut text = r#"
        [vpc.shop]
        cidr = "172.16.0.0/12"
        [vswitch.vsw]
        vpc = "shop"
        cidr = "172.16.0.0/20"
        [security_group.sg]
        vpc = "shop"
        intra_group = "drop"
        ingress = [{ protocol = "tcp", port_range = "8080", source = "172.16.0.0/12" }]
    "#
    .to_owned();
    // More endpoints than are described at the beginning of a capture, so that each interface is described in front of
    // its first packet, and the numbers depend on the order in which packets are written.
    for index in 1..=1100 {
        let address = format!("172.16.{}.{}", index / 256, index % 256);
        text += &format!(
            "[instance.app-{index}]\nvswitch = \"vsw\"\nprivate_ip = \"{address}\"\nsecurity_groups = [\"sg\"]\n"
        );
    }
    Topology::from_toml("world.toml", &text).unwrap()
}

/// Connections between a few of the instances, longer and longer frames, one in five of them refused.
fn capture() -> Vec<u8> {
    let mut writer = PcapWriter::new(Vec::new(), LinkType::ETHERNET, Precision::Nanos).unwrap();
    for index in 0..10_000_u32 {
        let (from, to) = (2 + index / 3_000, 60 + index % 3);
        let payload = vec![0; index as usize % 200];
        let builder = match index % 5 {
            0 => udp(&format!("172.16.0.{from}:53 > 172.16.0.{to}:{}", 1024 + index % 50)),
            _ => tcp(&format!("172.16.0.{from}:{} > 172.16.0.{to}:8080", 1024 + index % 100)).syn(),
        };
        let frame = builder.payload(&payload).build();
        writer.write_record(SimTime::from_nanos(u64::from(index) * 1_000), &frame, frame.len() as u32).unwrap();
    }
    writer.finish().unwrap()
}

/// A stream that gives no more than so many bytes at a time.
struct Pieces(Cursor<Vec<u8>>, usize);

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.1);
        self.0.read(&mut buffer[..most])
    }
}

fn options(workers: usize) -> ReplayOptions {
    ReplayOptions { workers, ..ReplayOptions::default() }
}

#[test]
fn pieces_of_any_size_and_any_number_of_workers_give_the_same_bytes() {
    let (topology, capture) = (topology(), capture());
    let outputs = |workers: usize, piece: usize| {
        let (mut lines, mut annotated, mut told) = (Vec::new(), Vec::new(), 0);
        let read = Pieces(Cursor::new(capture.clone()), piece);
        let reader = Reader::from_read("capture", Box::new(read), None).unwrap();
        let mut progress = |_, _, frames| told += frames;
        let mut sinks = Sinks {
            lines: Some(&mut lines),
            capture: Some(&mut annotated),
            copies: Copies::Both,
            progress: Some(&mut progress),
            ..Sinks::default()
        };
        let replayed = run(&topology, reader, &options(workers), &mut sinks).unwrap();
        assert_eq!((replayed.tally.frames(), replayed.tally.dropped(), told), (10_000, 2_000, 10_000));
        (lines, annotated)
    };
    let whole = outputs(1, usize::MAX);
    let mut reader = Reader::from_bytes("annotated", whole.1.clone().into()).unwrap();
    let mut batch = crate::capture::Batch::new();
    while reader.next_batch(&mut batch, 1_000).unwrap() != 0 {}
    let names: Vec<_> = reader.interfaces().iter().filter_map(|interface| interface.name.as_deref()).collect();
    // Frame 1 is refused, frame 2 goes from 2 to 61; senders change, receivers do not.
    assert_eq!(names, ["drops", "app-2", "app-61", "app-62", "app-60", "app-3", "app-4", "app-5"]);
    for (workers, piece) in [(1, 1_000), (1, 70_000), (2, usize::MAX), (2, 1_000), (3, 70_000), (64, 30_000)] {
        assert!(outputs(workers, piece) == whole, "{workers} workers, {piece} bytes at a time");
    }
}

/// Takes so many bytes, then fails.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_sink_that_is_full_ends_all_threads() {
    let (topology, capture) = (topology(), capture());
    for workers in [1, 2, 5] {
        // The sink fails at another place each time, at the first batch or while others are under way. A thread that
        // did not end then would make this test hang.
        for room in (0..600_000).step_by(60_000) {
            let mut sink = Full(room);
            let mut sinks = Sinks { lines: Some(&mut sink), ..Sinks::default() };
            let reader = Reader::from_bytes("capture", capture.clone().into()).unwrap();
            let error = run(&topology, reader, &options(workers), &mut sinks).err().expect("it did not fit");
            assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{workers} workers");
        }
    }
}

mod in_a_lab {
    use crate::capture::{LinkType, PcapWriter, Precision, Reader};
    use crate::datapath;
    use crate::diag::Reason;
    use crate::lab::Lab;
    use crate::replay::ReplayOptions;
    use crate::report::ConnectionFate;
    use crate::time::SimTime;
    use crate::wire::build::tcp;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;

    fn lab() -> Lab {
        Lab::open("scenarios/topologies/shop.toml").unwrap()
    }

    fn failure(claim: impl FnOnce()) -> String {
        *catch_unwind(AssertUnwindSafe(claim)).unwrap_err().downcast().unwrap()
    }

    #[test]
    fn a_replay_comes_to_counts_that_are_compared_whole() {
        let mut lab = lab();
        let replayed = lab.replay("pcaps/shop-morning.pcap").unwrap();
        let text = replayed.to_string();
        replayed.is(&text);
        insta::assert_snapshot!(text);
        assert_eq!(replayed.delivered_to("nobody"), 0);
        let told =
            failure(|| _ = replayed.is(&text.replace(" dropped for whitelist-deny", "1 dropped for whitelist-deny")));
        insta::assert_snapshot!(told);
        let told = failure(|| _ = replayed.is("many delivered to i-web-1"));
        assert!(told.contains("`many delivered to i-web-1` is no count: expected a number"), "{told}");
        let told = failure(|| _ = replayed.is("1 answered\n1 answered"));
        assert!(told.contains("`answered` stands twice in the text"), "{told}");
    }

    #[test]
    fn connections_of_a_replay_have_ends_and_fates() {
        let mut lab = lab();
        let replayed = lab.replay("pcaps/shop-morning.pcap").unwrap();
        let frames: u64 = replayed.connections().iter().flat_map(|connection| connection.frames).sum();
        assert!(frames <= replayed.frames() && frames > 0);
        assert!(replayed.connections().iter().any(|connection| connection.fate() == ConnectionFate::TwoWay));
        assert_eq!(
            replayed.connections_text().lines().filter(|line| line.starts_with('#')).count(),
            replayed.connections().len()
        );
    }

    #[test]
    fn a_replay_goes_on_from_the_sessions_and_the_clock_of_the_lab() {
        let mut lab = lab();
        let first = lab.replay("pcaps/shop-morning.pcap").unwrap();
        let after = lab.now();
        assert!(after.as_nanos() > 0);
        lab.apply_words("stop i-web-1").unwrap();
        let second = lab.replay("pcaps/shop-morning.pcap").unwrap();
        assert!(lab.now() > after);
        assert_eq!(first.dropped_for(Reason::InstanceStopped), 0);
        assert!(second.dropped_for(Reason::InstanceStopped) > 0);
        let told = failure(|| _ = second.nothing_dropped());
        assert!(
            told.starts_with("claim: no frame of pcaps/shop-morning.pcap is dropped or undetermined\n fact:\n"),
            "{told}"
        );
        assert!(told.contains("the first frame dropped for "), "{told}");
    }

    #[test]
    fn a_strict_lab_is_strict_in_replays_and_another_one_where_their_options_say_so() {
        let frame = |port: u16| tcp(&format!("10.45.2.10:{port} > 172.16.2.20:3306")).ack();
        let capture = || {
            let mut writer = PcapWriter::new(Vec::new(), LinkType::ETHERNET, Precision::Nanos).unwrap();
            let bytes = frame(40_000).build();
            writer.write_record(SimTime::ZERO, &bytes, bytes.len() as u32).unwrap();
            Reader::from_bytes("ack.pcap", writer.finish().unwrap().into()).unwrap()
        };
        for (of_lab, of_options) in [(false, false), (true, false), (false, true)] {
            let strict = |strict_tcp| datapath::Options { strict_tcp, ..datapath::Options::default() };
            let mut lab = Lab::new(Arc::clone(lab().topology()), strict(of_lab));
            let options = ReplayOptions { fabric: strict(of_options), ..ReplayOptions::default() };
            let replayed = lab.replay_with(capture(), &options).unwrap();
            let expected = u64::from(of_lab || of_options);
            assert_eq!(replayed.dropped_for(Reason::TcpWithoutSyn), expected, "{of_lab} {of_options}");
            // What the options of a replay ask for ends with it: a packet that is sent afterwards meets the setting of
            // the lab.
            let afterwards = lab.send("i-web-1", frame(40_001));
            match of_lab {
                true => _ = afterwards.dropped(Reason::TcpWithoutSyn),
                false => _ = afterwards.delivered_to("rm-orders"),
            }
        }
    }

    #[test]
    fn a_capture_that_cannot_be_read_is_an_error() {
        let Err(error) = lab().replay("pcaps/no-such.pcap") else { panic!("there is none") };
        assert!(format!("{error:?}").contains("no-such.pcap"), "{error:?}");
        let Err(error) = lab().replay("scenarios/topologies/shop.toml") else { panic!("it is none") };
        assert!(format!("{error:?}").contains("shop.toml"), "{error:?}");
    }
}

//! Captures that are written, in the programs of Wireshark.

use crate::bench::{Bench, pcap, shop_frames};
use biplane::capture::{Batch, Reader};
use std::process::Command;

pub(crate) fn other_programs_take_what_is_written() {
    let bench = Bench::new().write("a.pcap", pcap(&shop_frames()));
    for copies in ["in", "out", "both"] {
        assert_eq!(bench.run(&["replay", "shop.toml", "a.pcap", "-w", "out.pcapng", "--copies", copies]).code, 0);
        let run = |program: &str, arguments: &[&str]| {
            let output = Command::new(program).args(arguments).current_dir(bench.path()).output().unwrap();
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{program}, {copies}: {error}");
            String::from_utf8(output.stdout).unwrap()
        };
        run("reordercap", &["out.pcapng", "ordered.pcapng"]);
        assert_eq!(packets(bench.read("ordered.pcapng")), packets(bench.read("out.pcapng")), "{copies}");
        let filter = "frame.comment contains \"verdict=delivered to=i-app\"";
        let shown = run("tshark", &["-r", "out.pcapng", "-Y", filter, "-T", "fields", "-e", "frame.interface_name"]);
        let expected = match copies {
            "in" => "i-web\ni-web\n",
            "out" => "i-app\ni-app\n",
            _ => "i-web\ni-app\ni-web\ni-app\n",
        };
        assert_eq!(shown, expected, "{copies}");
    }
}

fn packets(bytes: Vec<u8>) -> usize {
    let mut reader = Reader::from_bytes("written", bytes.into()).unwrap();
    let (mut batch, mut packets) = (Batch::new(), 0);
    while reader.next_batch(&mut batch, 1000).unwrap() > 0 {
        packets += batch.len();
    }
    packets
}

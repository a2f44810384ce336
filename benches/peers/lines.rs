//! The lines of `--format ndjson`, written by the project's own writer and by `serde_json`, which is given every name and
//! number ready to write.

use crate::sized;
use biplane::datapath::{Entry, Fabric, Frame, Options, Output, Steering};
use biplane::lab::Topology;
use biplane::report::{Lines, Resolver};
use biplane::time::SimTime;
use biplane::wire::PacketBuilder;
use criterion::{Criterion, Throughput};
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddrV4};

const WORLD: &str = r#"
[vpc.shop]
cidr = "172.16.0.0/12"
[vswitch.vsw-a]
vpc = "shop"
cidr = "172.16.0.0/16"
[security_group.sg-all]
vpc = "shop"
ingress = [{ protocol = "tcp", port_range = "8080", source = "0.0.0.0/0" }]
[instance.web]
vswitch = "vsw-a"
private_ip = "172.16.1.1"
security_groups = ["sg-all"]
[instance.app]
vswitch = "vsw-a"
private_ip = "172.16.1.2"
security_groups = ["sg-all"]
"#;

/// A line, field by field in the order of the format.
#[derive(Serialize, Deserialize)]
struct Line {
    frame: u64,
    time_ns: String,
    from: String,
    verdict: String,
    to: String,
    rule: String,
    source: String,
    path: Vec<String>,
    src: Ipv4Addr,
    dst: Ipv4Addr,
    proto: u8,
    sport: u16,
    dport: u16,
    length: u16,
}

pub(crate) fn lines(criterion: &mut Criterion) {
    let topology = Topology::from_toml("world.toml", WORLD).unwrap_or_else(|error| panic!("{error}"));
    let program = &topology.program;
    let count = sized(10_000);
    let frames: Vec<Vec<u8>> = (0..count).map(syn).collect();
    let mut steering = Steering::default();
    let entering: Vec<Frame<'_>> = frames
        .iter()
        .zip(0..)
        .map(|(bytes, index)| {
            let (time, entry) = (SimTime::from_nanos(1_600_000_000_000_000_000 + index), Entry::BySource);
            let shard = steering.shard(program, bytes, bytes.len(), entry, time);
            Frame { bytes, wire_length: bytes.len() as u32, time, entry, shard }
        })
        .collect();
    let mut output = Output::default();
    Fabric::new(program.clone(), Options::default()).process(&entering, &mut output);

    let writer = Lines::new(Resolver::new(program, &topology.names, &topology.sources));
    let write = |out: &mut Vec<u8>| {
        out.clear();
        for (number, (frame, outcome)) in (1..).zip(entering.iter().zip(&output.outcomes)) {
            writer.frame(out, number, frame, outcome);
        }
    };
    let mut written = Vec::new();
    write(&mut written);
    let values: Vec<Line> = written
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("a line with every field"))
        .collect();
    let serialize = |out: &mut Vec<u8>| {
        out.clear();
        for line in &values {
            serde_json::to_writer(&mut *out, line).expect("memory takes any write");
            out.push(b'\n');
        }
    };
    let mut serialized = Vec::new();
    serialize(&mut serialized);
    assert_eq!(String::from_utf8_lossy(&serialized), String::from_utf8_lossy(&written));
    assert_eq!(values.len(), count);

    let mut group = criterion.benchmark_group("lines");
    group.throughput(Throughput::Elements(count as u64));
    group.bench_function("ours", |bencher| bencher.iter(|| write(black_box(&mut written))));
    group.bench_function("serde_json", |bencher| bencher.iter(|| serialize(black_box(&mut serialized))));
}

/// A SYN that a rule accepts.
fn syn(index: usize) -> Vec<u8> {
    let end = |host, port| SocketAddrV4::new(Ipv4Addr::new(172, 16, 1, host), port);
    PacketBuilder::tcp(end(1, 10_000 + index as u16), end(2, 8080)).syn().build()
}

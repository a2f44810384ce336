//! Answers for all headers at three sizes, and over many VPCs: time, and the most memory that was in use beside the world.
//!
//! A world is one VPC with classic instances linked to it; endpoints are spread over groups of 200 rules, of which 20 name
//! groups, as many as the vendor allows, and the others prefixes from /16 to /32. One in ten rules drops.

#![expect(clippy::disallowed_methods, reason = "what is measured is the time of the machine")]

use biplane::lab::Topology;
use biplane::net::Protocol;
use biplane::reach::{HeaderSpec, Question, Reach, Selector, SelectorReader};
use biplane::table::Random;
use peak_alloc::PeakAlloc;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Instant;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// How large a world is.
struct Size {
    name: &'static str,
    linked: usize,
    endpoints: usize,
    groups: usize,
}

const SIZES: [Size; 3] = [
    Size { name: "1.1k", linked: 100, endpoints: 1_000, groups: 50 },
    Size { name: "3.3k", linked: 300, endpoints: 3_000, groups: 150 },
    Size { name: "11k", linked: 1_000, endpoints: 10_000, groups: 500 },
];

/// VPCs, and endpoints in each.
const MANY: [(usize, usize); 3] = [(10, 1_000), (100, 1_000), (1_000, 1_000)];

const RULES: usize = 200;
const EGRESS_RULES: usize = 10;
const GROUP_RULES: usize = 20;

fn main() {
    let smoke = std::env::args().any(|argument| argument == "--test");
    println!("world     question                  classes   groups of flows       time   memory");
    for size in &SIZES[..if smoke { 1 } else { SIZES.len() }] {
        let topology = opened(size.name, &world(size));
        measure(size.name, "matrix", &topology, |reach| {
            let matrix = reach.matrix(&reach.everything());
            (matrix.rows.len(), matrix.regions)
        });
        measure(size.name, "--to i-v-0 --tcp 443", &topology, |reach| {
            let reader = SelectorReader { world: &topology.world, program: &topology.program, names: &topology.names };
            let to = reader.selector("i-v-0").expect("an endpoint");
            let mut spec = HeaderSpec::default();
            spec.add_ports(Protocol::TCP, "443").expect("a port");
            let headers = spec.headers(reach.protocols());
            let question = Question { from: Selector::Any, to, headers, refused: false, by_rule: true };
            let flows = reach.flows(&question);
            (0, flows.len())
        });
    }
    for (vpcs, endpoints) in &MANY[..if smoke { 1 } else { MANY.len() }] {
        let name = format!("{vpcs} VPCs");
        let topology = opened(&name, &many(*vpcs, *endpoints));
        measure(&name, "all regions", &topology, |reach| {
            let mut regions = 0;
            reach.visit(&reach.everything(), &mut |_| regions += 1);
            (0, regions)
        });
    }
}

fn opened(name: &str, text: &str) -> Topology {
    Topology::from_toml(name, text).unwrap_or_else(|error| panic!("{error}"))
}

/// Prints what a question takes.
fn measure(name: &str, question: &str, topology: &Topology, ask: impl Fn(&Reach) -> (usize, usize)) {
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    let start = Instant::now();
    let reach = Reach::new(Arc::clone(&topology.program));
    let (classes, regions) = ask(&reach);
    let time = start.elapsed();
    let memory = (ALLOCATED.peak_usage() - before) as f64 / 1e6;
    println!(
        "{name:<9} {question:<25} {classes:>7} {regions:>17} {:>8.0} ms {memory:>5.0} MB",
        time.as_secs_f64() * 1e3
    );
}

/// One VPC of many groups, with linked classic instances.
fn world(size: &Size) -> String {
    let mut random = Random::new(7);
    let mut text = "[vpc.vpc-0]\ncidr = \"172.16.0.0/12\"\nclassic_link = true\n".to_owned();
    for vswitch in 0..16 {
        let _ = writeln!(text, "[vswitch.vsw-{vswitch}]\nvpc = \"vpc-0\"\ncidr = \"172.{}.0.0/16\"", 16 + vswitch);
    }
    let classic = size.groups / 10;
    for group in 0..size.groups {
        let network = if group < classic { "network = \"classic\"" } else { "vpc = \"vpc-0\"" };
        let _ = writeln!(text, "[security_group.sg-{group}]\n{network}");
        for (direction, peer, count) in
            [("ingress", "source", RULES - EGRESS_RULES), ("egress", "destination", EGRESS_RULES)]
        {
            let _ = writeln!(text, "{direction} = [");
            for rule in 0..count {
                let names_group = direction == "ingress" && rule < GROUP_RULES;
                let other = random.below(size.groups);
                let from = if names_group && other != group { format!("sg-{other}") } else { prefix(&mut random) };
                let policy = if random.below(10) == 0 { "drop" } else { "accept" };
                let (port, priority) = (8000 + 10 * random.below(40), 1 + random.below(100));
                let _ = writeln!(
                    text,
                    "{{ policy = \"{policy}\", priority = {priority}, protocol = \"tcp\", port_range = \"{port}/{}\", {peer} = \"{from}\" }},",
                    port + random.below(3)
                );
            }
            text += "]\n";
        }
    }
    for instance in 0..size.linked {
        let (group, host) = (instance % classic, instance + 1);
        let _ = writeln!(
            text,
            "[instance.i-c-{instance}]\nnetwork = \"classic\"\nprivate_ip = \"10.24.{}.{}\"\nsecurity_groups = [\"sg-{group}\"]\nlinked_vpc = \"vpc-0\"",
            host / 250,
            1 + host % 250
        );
    }
    let mut hosts = [0; 16];
    for instance in 0..size.endpoints {
        // All members of a group are in one vSwitch.
        let group = classic + instance % (size.groups - classic);
        let vswitch = group % 16;
        hosts[vswitch] += 1;
        let host = hosts[vswitch];
        let _ = writeln!(
            text,
            "[instance.i-v-{instance}]\nvswitch = \"vsw-{vswitch}\"\nprivate_ip = \"172.{}.{}.{}\"\nsecurity_groups = [\"sg-{group}\"]",
            16 + vswitch,
            host / 250,
            1 + host % 250
        );
    }
    text
}

/// A prefix of the world: wide ones, vSwitches' parts, and single hosts.
fn prefix(random: &mut Random) -> String {
    let (second, third, last) = (16 + random.below(16), random.below(4), 1 + random.below(250));
    match random.below(40) {
        0 => format!("172.{second}.{third}.{last}"),
        1 => format!("10.24.{third}.{last}"),
        2..10 => "10.24.0.0/16".to_owned(),
        _ => format!("172.{second}.0.0/16"),
    }
}

/// Many VPCs, each with ten groups of ten rules.
fn many(vpcs: usize, endpoints: usize) -> String {
    let mut text = String::new();
    for vpc in 0..vpcs {
        let _ = writeln!(
            text,
            "[vpc.vpc-{vpc}]\ncidr = \"172.16.0.0/12\"\n[vswitch.vsw-{vpc}]\nvpc = \"vpc-{vpc}\"\ncidr = \"172.16.0.0/16\""
        );
        for group in 0..10 {
            let rule = |rule: usize| {
                format!(
                    "{{ protocol = \"tcp\", port_range = \"{}\", source = \"172.16.{}.0/24\" }}",
                    8000 + rule,
                    (group + rule) % 4
                )
            };
            let rules: Vec<String> = (0..10).map(rule).collect();
            let _ = writeln!(
                text,
                "[security_group.sg-{vpc}-{group}]\nvpc = \"vpc-{vpc}\"\ningress = [{}]",
                rules.join(", ")
            );
        }
        for endpoint in 0..endpoints {
            let _ = writeln!(
                text,
                "[instance.i-{vpc}-{endpoint}]\nvswitch = \"vsw-{vpc}\"\nprivate_ip = \"172.16.{}.{}\"\nsecurity_groups = [\"sg-{vpc}-{}\"]",
                endpoint / 250,
                1 + endpoint % 250,
                endpoint % 10
            );
        }
    }
    text
}

use super::{CompareError, ComparedLogs, ComparisonSinks, FlowLogProblem, compare};
use crate::lab::Topology;
use crate::report::FlowComparison;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// `a` may not send to port 25; `b` takes tcp/80 and udp/53 of the VPC; `c` is linked, and takes tcp/80 of `a`; `d` is
/// not linked; of `u` no rules are known.
const WORLD: &str = r#"
    [vpc.shop]
    cidr = "172.16.0.0/12"
    classic_link = true
    routes = [{ destination = "192.168.7.0/24", next_hop = "vpn" }]
    [vpc.other]
    cidr = "172.16.0.0/12"
    [vswitch.vsw]
    vpc = "shop"
    cidr = "172.16.0.0/20"
    [vswitch.vsw-other]
    vpc = "other"
    cidr = "172.16.0.0/20"
    [gateway.vpn]
    vpc = "shop"
    kind = "vpn"
    remote_cidrs = ["192.168.7.0/24"]
    [security_group.sg-a]
    vpc = "shop"
    egress = [{ policy = "drop", protocol = "tcp", port_range = "25", destination = "0.0.0.0/0" }]
    [security_group.sg-b]
    vpc = "shop"
    ingress = [
      { protocol = "tcp", port_range = "80", source = "172.16.0.0/16" },
      { protocol = "udp", port_range = "53", source = "172.16.0.0/16" },
    ]
    [security_group.sg-c]
    network = "classic"
    ingress = [{ protocol = "tcp", port_range = "80", source = "172.16.0.1" }]
    [security_group.sg-u]
    vpc = "shop"
    rules = "unknown"
    [security_group.sg-other]
    vpc = "other"
    [instance.a]
    vswitch = "vsw"
    private_ip = "172.16.0.1"
    security_groups = ["sg-a"]
    [instance.b]
    vswitch = "vsw"
    private_ip = "172.16.0.2"
    security_groups = ["sg-b"]
    [instance.u]
    vswitch = "vsw"
    private_ip = "172.16.0.5"
    security_groups = ["sg-u"]
    [instance.i-bp1aaaaaaaaaaaaaaaa1]
    vswitch = "vsw"
    private_ip = "172.16.0.7"
    security_groups = ["sg-b"]
    [instance.twin]
    vswitch = "vsw-other"
    private_ip = "172.16.0.2"
    security_groups = ["sg-other"]
    [instance.c]
    network = "classic"
    private_ip = "10.24.1.5"
    security_groups = ["sg-c"]
    linked_vpc = "shop"
    [instance.d]
    network = "classic"
    private_ip = "10.24.1.6"
    security_groups = ["sg-c"]
    [service.rm]
    kind = "rds"
    vswitch = "vsw"
    ip = "172.16.0.20"
    whitelist = ["172.16.0.1"]
"#;

/// A record as SLS has it, of `SECOND DIRECTION ENDPOINT PROTOCOL SOURCE DESTINATION ACTION FLAGS`; an end is
/// `ADDRESS:PORT`, and flags are `-` where there are none.
fn record(text: &str) -> Value {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [second, direction, at, protocol, source, destination, action, flags] = words[..] else { panic!("{text}") };
    let (source, source_port) = source.split_once(':').unwrap();
    let (destination, destination_port) = destination.split_once(':').unwrap();
    let protocol = match protocol {
        "tcp" => "6",
        "udp" => "17",
        "icmp" => "1",
        number => number,
    };
    let second: u64 = second.parse().unwrap();
    json!({
        "version": "1", "vpc-id": "shop", "vswitch-id": "vsw", "vm-id": at, "direction": direction,
        "srcaddr": source, "srcport": source_port, "dstaddr": destination, "dstport": destination_port,
        "protocol": protocol, "action": action, "packets": "5", "bytes": "300", "tcp-flags": flags,
        "start": (1_589_245_200 + second).to_string(), "end": (1_589_245_201 + second).to_string(), "log-status": "OK",
    })
}

/// With other values for some fields; of `-` the field is left out.
fn with(text: &str, changes: &[(&str, &str)]) -> Value {
    let mut record = record(text);
    for (name, value) in changes {
        match *value {
            "-" => _ = record.as_object_mut().unwrap().remove(*name),
            value => record[*name] = value.into(),
        }
    }
    record
}

struct LogFolder {
    folder: TempDir,
    paths: Vec<PathBuf>,
}

impl LogFolder {
    fn of(logs: &[&[u8]]) -> LogFolder {
        let folder = tempfile::tempdir().unwrap();
        let paths = logs.iter().enumerate().map(|(index, log)| {
            let path = folder.path().join(format!("{index}.log"));
            std::fs::write(&path, log).unwrap();
            path
        });
        LogFolder { paths: paths.collect(), folder }
    }

    fn compared(&self, sinks: &mut ComparisonSinks<'_>) -> Result<ComparedLogs, CompareError> {
        assert!(self.folder.path().is_dir());
        let topology = Topology::from_toml("world.toml", WORLD).unwrap();
        compare(&Arc::new(topology), &self.paths, sinks)
    }
}

fn lines(records: &[Value]) -> Vec<u8> {
    records.iter().flat_map(|record| format!("{record}\n").into_bytes()).collect()
}

/// The sums, and in the order of the log what came of each record: `agrees passes sg-b ingress #1`.
fn judged(records: &[Value]) -> (FlowComparison, Vec<String>) {
    let mut told = Vec::new();
    let logs = LogFolder::of(&[&lines(records)]);
    let compared = logs.compared(&mut ComparisonSinks { lines: Some(&mut told), ..ComparisonSinks::default() });
    let comparison = compared.unwrap().comparison;
    let mut by_line: Vec<(u64, String)> = String::from_utf8(told)
        .unwrap()
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let number = line["record"].as_str().unwrap().rsplit_once(':').unwrap().1.parse().unwrap();
            let fields = ["judgement", "apart", "model", "reason", "rule", "by", "to", "cause"];
            (number, fields.iter().filter_map(|field| line[*field].as_str()).collect::<Vec<_>>().join(" "))
        })
        .collect();
    by_line.sort();
    assert_eq!(by_line.len() as u64, comparison.total.records);
    (comparison, by_line.into_iter().map(|(_, told)| told).collect())
}

fn told(records: &[&str]) -> Vec<String> {
    judged(&records.iter().map(|text| record(text)).collect::<Vec<_>>()).1
}

#[test]
fn each_contradiction_is_found_and_its_twin_is_none() {
    for (text, accept, reject) in [
        (
            "1 out a tcp 172.16.0.1:40000 203.0.113.9:25 ? 2",
            "disagrees refuses sg-egress-deny sg-a egress #1",
            "agrees refuses sg-egress-deny sg-a egress #1",
        ),
        (
            // Its receiver refuses it: of that the sender's record says nothing.
            "1 out a tcp 172.16.0.1:40000 172.16.0.2:81 ? 2",
            "agrees passes sg-a egress default",
            "disagrees passes sg-a egress default",
        ),
        (
            "1 in b tcp 172.16.0.1:40000 172.16.0.2:80 ? 2",
            "agrees passes sg-b ingress #1",
            "disagrees passes sg-b ingress #1",
        ),
        (
            "1 in b tcp 172.16.0.1:40000 172.16.0.2:81 ? 2",
            "disagrees refuses sg-ingress-deny sg-b ingress default",
            "agrees refuses sg-ingress-deny sg-b ingress default",
        ),
        (
            // It came there in truth: without a link it does not.
            "1 in b tcp 10.24.1.6:40000 172.16.0.2:80 ? 2",
            "disagrees elsewhere classiclink-not-linked route 172.16.0.0/12",
            "disagrees elsewhere classiclink-not-linked route 172.16.0.0/12",
        ),
        (
            "1 in b tcp 10.24.1.5:40000 172.16.0.2:80 ? 2",
            "disagrees refuses sg-ingress-deny sg-b ingress default",
            "agrees refuses sg-ingress-deny sg-b ingress default",
        ),
        (
            // The groups of its sender refuse it, and it came all the same.
            "1 in b tcp 172.16.0.1:40000 172.16.0.2:25 ? 2",
            "disagrees elsewhere sg-egress-deny sg-a egress #1",
            "disagrees elsewhere sg-egress-deny sg-a egress #1",
        ),
        (
            "1 in b tcp 192.168.7.9:40000 172.16.0.2:80 ? 2",
            "disagrees refuses sg-ingress-deny sg-b ingress default",
            "agrees refuses sg-ingress-deny sg-b ingress default",
        ),
        ("1 in u tcp 172.16.0.1:40000 172.16.0.5:80 ? 2", "undetermined", "undetermined"),
        ("1 out u tcp 172.16.0.5:40000 172.16.0.1:80 ? 2", "undetermined", "undetermined"),
        (
            // A whitelist stands behind the ENI, and what its own groups are is not known.
            "1 in rm tcp 172.16.0.2:40000 172.16.0.20:3306 ? 2",
            "agrees passes",
            "apart service-groups",
        ),
        (
            "1 in a tcp 100.64.0.9:40000 172.16.0.1:80 ? 2",
            "agrees passes route 172.16.0.0/20",
            "disagrees passes route 172.16.0.0/20 cloud-services",
        ),
        ("1 in b tcp 198.51.100.7:40000 172.16.0.2:80 ? 2", "apart unknown-source", "apart unknown-source"),
        ("1 out a udp 172.16.0.1:68 255.255.255.255:67 ? -", "apart not-forwarded", "apart not-forwarded"),
        ("1 in a tcp 10.24.1.5:40000 172.16.0.9:80 ? 2", "apart not-own-address", "apart not-own-address"),
        ("1 in c tcp 172.16.0.1:40000 10.24.1.5:80 ? 2", "apart classic-endpoint", "apart classic-endpoint"),
    ] {
        let of = |action: &str| told(&[&text.replace('?', action)]);
        assert_eq!(
            (&of("ACCEPT")[..], &of("REJECT")[..]),
            (&[accept.to_owned()][..], &[reject.to_owned()][..]),
            "{text}"
        );
    }
}

#[test]
fn answers_are_spared_the_groups_and_what_they_answer_is_told_once() {
    let conversation = |port: u16, far: &str, captured: bool| {
        let forth = |place: &str| format!("1 {place} tcp 172.16.0.1:40000 {far}:{port} ACCEPT 3");
        let back = |place: &str| format!("1 {place} tcp {far}:{port} 172.16.0.1:40000 ACCEPT 19");
        let at_far = [forth("in b"), back("out b")];
        let mut all = vec![back("in a"), forth("out a")];
        all.extend(at_far.into_iter().filter(|_| captured));
        told(&all.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let out = "agrees passes sg-a egress default";
    assert_eq!(
        conversation(80, "172.16.0.2", true),
        [
            "agrees passes sg-b ingress #1 session",
            out,
            // What the other ENI saw go out has begun the session.
            "agrees passes sg-b ingress #1 session",
            "agrees passes sg-b ingress #1 session"
        ]
    );
    assert_eq!(
        conversation(81, "172.16.0.2", true),
        [
            "apart answer",
            out,
            "disagrees refuses sg-ingress-deny sg-b ingress default",
            "agrees passes sg-b egress default"
        ]
    );
    // The far end has no records: the answer alone shows that it was reached.
    assert_eq!(conversation(80, "10.24.1.5", false), ["agrees passes sg-c ingress #1 session", out]);
    assert_eq!(conversation(81, "10.24.1.5", false), ["disagrees elsewhere sg-ingress-deny sg-c ingress default", out]);
    // What a route keeps from coming back is no matter of sessions.
    assert_eq!(
        conversation(80, "10.24.1.6", false),
        ["disagrees elsewhere classiclink-not-linked route 172.16.0.0/12", out]
    );
}

#[test]
fn where_the_log_does_not_tell_who_opened_a_connection_nothing_is_invented() {
    let back = "5 in a udp 172.16.0.2:53 172.16.0.1:40000 ACCEPT -";
    let forth = "5 out a udp 172.16.0.1:40000 172.16.0.2:53 ACCEPT -";
    let agrees = ["agrees passes sg-b ingress #2 session", "agrees passes sg-a egress default"];
    assert_eq!(told(&[back, forth]), agrees, "one second: the higher port");
    assert_eq!(told(&[&back.replacen('5', "6", 1), forth]), agrees, "the earlier");
    let (comparison, told_of_answer) = judged(&[record(back)]);
    assert_eq!(told_of_answer, ["disagrees refuses sg-ingress-deny sg-a ingress default guessed-opener"]);
    assert_eq!((comparison.disagreeing(), comparison.unexplained()), (1, 0));
    assert!(comparison.is_within(0.0));
    // Segments of a connection that is older than the log.
    let segments = "5 in a tcp 172.16.0.2:80 172.16.0.1:40000 ACCEPT ?";
    for flags in ["0", "16", "18", "1"] {
        assert_eq!(told(&[&segments.replace('?', flags)]), ["apart unseen-opening"], "{flags}");
    }
    // A refusal is never of an answer, and neither is a SYN.
    assert_eq!(told(&[&back.replace("ACCEPT", "REJECT")]), ["agrees refuses sg-ingress-deny sg-a ingress default"]);
    assert_eq!(told(&[&segments.replace('?', "2")]), ["disagrees refuses sg-ingress-deny sg-a ingress default"]);
    // An ICMP message may be an error about something else.
    let ping = "5 in b icmp 172.16.0.1:0 172.16.0.2:0 ACCEPT -";
    let guessed = "disagrees refuses sg-ingress-deny sg-b ingress default guessed-opener";
    assert_eq!(told(&[ping]), [guessed]);
    // What another ENI has recorded of the connection before is no guess: the message answers it.
    let answer = "6 in a icmp 172.16.0.2:0 172.16.0.1:0 ACCEPT -";
    assert_eq!(told(&[answer]), ["disagrees refuses sg-ingress-deny sg-a ingress default guessed-opener"]);
    assert_eq!(told(&[ping, answer]), [guessed, "apart unseen-opening"]);
    let long_after = answer.replacen('6', "2000", 1);
    assert_eq!(told(&[ping, &long_after])[1], told(&[answer])[0]);
}

#[test]
fn a_flow_goes_on_from_window_to_window_and_from_file_to_file() {
    let windows = |port: u16| {
        let out = |second: u64, flags: &str| {
            let text = format!("{second} out a tcp 172.16.0.1:40000 10.24.1.5:{port} ACCEPT {flags}");
            with(&text, &[("end", &(1_589_245_200 + second + 590).to_string()), ("packets", "90")])
        };
        let back = |second: u64, flags: &str| {
            record(&format!("{second} in a tcp 10.24.1.5:{port} 172.16.0.1:40000 ACCEPT {flags}"))
        };
        (vec![out(0, "2"), out(600, "0")], vec![back(1199, "0"), back(580, "0"), back(0, "18")])
    };
    let (forth, back) = windows(80);
    for logs in [[lines(&forth), lines(&back)], [lines(&back), lines(&forth)]] {
        let compared = LogFolder::of(&[&logs[0], &logs[1]]).compared(&mut ComparisonSinks::default()).unwrap();
        let comparison = compared.comparison;
        assert_eq!((comparison.judged(), comparison.disagreeing(), comparison.apart().count()), (5, 0, 0));
    }
    // The twin: the same answers on a connection that the model does not let be opened.
    let (forth, back) = windows(81);
    let (comparison, told) = judged(&[forth, back].concat());
    assert_eq!(comparison.disagreeing(), 3, "{told:?}");
    // After a long silence the other end opens a connection of its own.
    let late = record("3000 in a tcp 10.24.1.5:80 172.16.0.1:40000 ACCEPT -");
    let (forth, _) = windows(80);
    let told = judged(&[&forth[..], &[late]].concat()).1;
    assert_eq!(told[2], "disagrees refuses sg-ingress-deny sg-a ingress default guessed-opener");
}

#[test]
fn endpoints_are_found_by_ids_or_else_by_addresses() {
    let text = "1 in b tcp 172.16.0.1:40000 172.16.0.2:80 ACCEPT 2";
    let agrees = "agrees passes sg-b ingress #1";
    for (changes, expected) in [
        (&[("vm-id", "-")][..], agrees),
        (&[("vm-id", "-"), ("vpc-id", "-")], agrees),
        (&[("vm-id", "-"), ("vswitch-id", "-")], agrees),
        (&[("vm-id", "-"), ("eni-id", "b")], agrees),
        (&[("vm-id", "i-bp1zzzzzzzzzzzzzzzz9")], agrees),
        // The address is in two VPCs.
        (&[("vm-id", "-"), ("vpc-id", "-"), ("vswitch-id", "-")], "apart unknown-eni"),
        (&[("vm-id", "-"), ("vpc-id", "vpc-else"), ("vswitch-id", "-")], "apart unknown-eni"),
        (&[("vm-id", "-"), ("dstaddr", "172.16.0.99")], "apart unknown-eni"),
        // Which way is told by the instance, or by the only address that is there.
        (&[("direction", "-")], agrees),
        (&[("direction", "-"), ("vm-id", "-")], "apart unknown-direction"),
        (
            &[("direction", "-"), ("vm-id", "-"), ("srcaddr", "10.24.1.6")],
            "disagrees elsewhere classiclink-not-linked route 172.16.0.0/12",
        ),
        // Another instance had the address then.
        (&[("vm-id", "i-bp1zzzzzzzzzzzzzzzz9"), ("dstaddr", "172.16.0.7")], "apart other-instance"),
        (&[("vm-id", "i-bp1aaaaaaaaaaaaaaaa1"), ("dstaddr", "172.16.0.7")], agrees),
        (&[("vm-id", "a")], "apart not-own-address"),
        (&[("log-status", "NODATA"), ("srcaddr", "-")], "apart no-data"),
        (&[("log-status", "SKIPDATA")], "apart skipped-data"),
        (&[("srcaddr", "2001:db8::1"), ("dstaddr", "2001:db8::2")], "apart ipv6"),
        (&[("srcaddr", "172.16.0")], "apart unreadable"),
        (&[("dstport", "70000")], "apart unreadable"),
        (&[("start", "1589245200000")], "apart unreadable"),
        (&[("bytes", "-1")], "apart unreadable"),
        (&[("action", "MAYBE")], "apart unreadable"),
        (&[("action", "-")], "apart missing-fields"),
        (&[("dstport", "-")], "apart missing-fields"),
        (&[("start", "-"), ("end", "-")], "apart missing-fields"),
        (&[("start", "-")], agrees),
        (&[("packets", "-"), ("bytes", "-"), ("tcp-flags", "-"), ("log-status", "-")], agrees),
    ] {
        assert_eq!(judged(&[with(text, changes)]).1, [expected], "{changes:?}");
    }
}

#[test]
fn what_went_out_and_was_not_logged_where_it_arrived_is_counted_and_no_contradiction() {
    let out = "10 out a tcp 172.16.0.1:40000 172.16.0.2:80 ACCEPT 2";
    let elsewhere = "10 in b tcp 172.16.0.1:50000 172.16.0.2:80 ACCEPT 2";
    let there = "9 in b tcp 172.16.0.1:40000 172.16.0.2:80 ACCEPT 2";
    for (records, unseen) in [(vec![out], 0), (vec![out, elsewhere], 1), (vec![out, elsewhere, there], 0)] {
        let (comparison, _) = judged(&records.iter().map(|text| record(text)).collect::<Vec<_>>());
        assert_eq!((comparison.unseen, comparison.disagreeing()), (unseen, 0), "{records:?}");
    }
}

#[test]
fn every_form_of_a_log_gives_the_same() {
    let records = [
        record("1 out a tcp 172.16.0.1:40000 203.0.113.9:25 ACCEPT 2"),
        record("2 in b udp 172.16.0.1:40000 172.16.0.2:53 ACCEPT -"),
        with("3 in b tcp 172.16.0.1:40000 172.16.0.2:81 REJECT 2", &[("vm-id", "-")]),
    ];
    let pascal = |record: &Value| -> Value {
        let name = |name: &str| name.split('-').map(|part| part[..1].to_uppercase() + &part[1..]).collect::<String>();
        Value::Object(record.as_object().unwrap().iter().map(|(key, value)| (name(key), value.clone())).collect())
    };
    let pascal: Vec<Value> = records.iter().map(pascal).collect();
    let names: Vec<&String> = records[0].as_object().unwrap().keys().collect();
    let mut csv = names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(",") + "\r\n";
    for record in &records {
        let values = names.iter().map(|name| format!("\"{}\"", record[name.as_str()].as_str().unwrap_or("-")));
        csv += &(values.collect::<Vec<_>>().join(",") + "\r\n");
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(csv.as_bytes()).unwrap();
    let list = serde_json::to_string_pretty(&records).unwrap();
    let forms: [&[u8]; 8] = [
        &lines(&records),
        list.as_bytes(),
        &[b"\xef\xbb\xbf", csv.as_bytes()].concat(),
        &lines(&pascal),
        &gzip.finish().unwrap(),
        csv.as_bytes(),
        // However a file is cut into blocks, what stands in front says nothing.
        &[b"\n \r\n\n\n\t ", list.as_bytes()].concat(),
        &[b"\n\r\n\n\n\n", csv.as_bytes()].concat(),
    ];
    for (index, form) in forms.into_iter().enumerate() {
        let comparison = LogFolder::of(&[form]).compared(&mut ComparisonSinks::default()).unwrap().comparison;
        let sums = (comparison.judged(), comparison.disagreeing(), comparison.total.bytes, comparison.apart().count());
        assert_eq!(sums, (3, 1, 900, 0), "form {index}");
    }
}

#[test]
fn damage_is_told_with_its_line_and_what_stands_before_it_counts() {
    let good = lines(&[record("1 in b tcp 172.16.0.1:40000 172.16.0.2:80 ACCEPT 2")]);
    let damaged = [&good[..], b"{\"srcaddr\": \"172.16.0.1\",\n \"dstaddr\": }\n"].concat();
    let compared = LogFolder::of(&[&damaged, &good]).compared(&mut ComparisonSinks::default()).unwrap();
    assert_eq!(compared.comparison.judged(), 2);
    let [error] = &compared.damage[..] else { panic!("{:?}", compared.damage) };
    assert_eq!((error.line, error.good_records), (Some(3), 1));
    assert!(matches!(error.problem, FlowLogProblem::Json(_)), "{error}");
    // Lines are counted from the first of the file, in both forms.
    let far = [b"\n\n\n\n\n\n", &damaged[..]].concat();
    let compared = LogFolder::of(&[&far]).compared(&mut ComparisonSinks::default()).unwrap();
    assert_eq!(compared.damage[0].line, Some(9));
    let mut told = Vec::new();
    let csv = b"\n\n\n\n\nsrcaddr,dstaddr,action\n10.0.0.1,10.0.0.2,ACCEPT\n";
    let mut sinks = ComparisonSinks { lines: Some(&mut told), ..ComparisonSinks::default() };
    LogFolder::of(&[csv]).compared(&mut sinks).unwrap();
    assert!(String::from_utf8(told).unwrap().contains(":7\""));
    let cut = LogFolder::of(&[&damaged[..good.len() + 10]]).compared(&mut ComparisonSinks::default()).unwrap();
    assert!(matches!(cut.damage[0].problem, FlowLogProblem::CutShort));
    for (log, problem) in [
        (&b""[..], "Empty"),
        (b"{}", "OtherObject"),
        (b"{\"Vpcs\": []}", "OtherObject"),
        (b"hello\nworld\n", "NotALog"),
        (b"version account-id interface-id srcaddr dstaddr\n2 1 eni-1 10.0.0.1 10.0.0.2\n", "NotALog"),
        (b"\xff\xfe{\0}\0", "Utf16"),
        (b"[1, 2]", "Json"),
        (b"\n\n\n\n\n \r\n", "Empty"),
        (b"\n\r\r\n\x1c\0\0\0 a pcapng", "NotALog"),
        (b"\x1f\x8b\x08\0", "Io"),
    ] {
        match LogFolder::of(&[log]).compared(&mut ComparisonSinks::default()) {
            Err(CompareError::Log(error)) => assert!(format!("{:?}", error.problem).starts_with(problem), "{error}"),
            _ => panic!("{problem}"),
        }
    }
    let endless = [&b"srcaddr,dstaddr,action\n\"10.0.0.1"[..], &b"x\n".repeat(2 << 20)].concat();
    let error = LogFolder::of(&[&endless]).compared(&mut ComparisonSinks::default()).err().unwrap();
    assert!(matches!(error, CompareError::Log(error) if matches!(error.problem, FlowLogProblem::LongRecord { .. })));
    assert_eq!(LogFolder::of(&[b"[]"]).compared(&mut ComparisonSinks::default()).unwrap().comparison.total.records, 0);
}

#[test]
fn packets_are_written_in_the_order_of_time_and_the_same_each_time() {
    let udp =
        with("1 out a udp 172.16.0.1:40000 172.16.0.2:53 ACCEPT -", &[("end", "1589245801"), ("packets", "1000")]);
    let records = [record("300 out a tcp 172.16.0.1:40001 172.16.0.2:80 ACCEPT 3"), udp];
    let logs = LogFolder::of(&[&lines(&records)]);
    let written = || {
        let mut capture = Vec::new();
        let mut sinks = ComparisonSinks { capture: Some(&mut capture), ..ComparisonSinks::default() };
        logs.compared(&mut sinks).unwrap();
        capture
    };
    let capture = written();
    assert_eq!(capture, written());
    let mut reader = crate::capture::Reader::from_bytes("written", capture.into()).unwrap();
    let mut batch = crate::capture::Batch::new();
    let mut times = Vec::new();
    while reader.next_batch(&mut batch, 64).unwrap() > 0 {
        times.extend(batch.iter().map(|(record, _)| record.time.as_nanos() / 1_000_000_000 - 1_589_245_200));
    }
    // Every 50 seconds, so that a session of 60 lives on.
    assert_eq!(times, [1, 51, 101, 151, 201, 251, 300, 301, 301, 351, 401, 451, 501, 551, 601]);
}

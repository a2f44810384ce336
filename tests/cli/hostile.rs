//! Whatever a file holds, nothing of it is printed raw: no escape sequence, no line of its own, no text turned around.

use super::{Bench, Told, pcap, shop_frames};
use biplane::text::is_hostile;
use std::collections::HashSet;

/// What moves a cursor, begins a line, speaks to a build server, turns text around; as a TOML string.
const HOSTILE: &str = r#""x\u001b[2J\n::error::injected\r\n  ::warning::injected\u202e\u2066\u0085\u009b31m\u007f\u2028\t'$(id)`id`;id\\ \"q""#;

/// Two VPCs, one of them in another account, with hostile text wherever any text is allowed.
fn topology() -> String {
    r#"
[defaults]
region = H
account = H

[vpc.vpc-a]
cidr = "192.168.0.0/16"
classic_link = true

[vpc.vpc-b]
cidr = "172.16.0.0/12"
account = "other H"

[vswitch.vsw-a]
vpc = "vpc-a"
cidr = "192.168.1.0/24"
zone = H

[vswitch.vsw-b]
vpc = "vpc-b"
cidr = "172.16.1.0/24"

[gateway.ngw]
vpc = "vpc-b"
kind = H
remote_cidrs = ["203.0.113.0/24"]

[security_group.sg-c]
network = "classic"
ingress = [{ source = "10.0.0.0/8", description = H }]

[security_group.sg-far]
network = "classic"
region = "far H"

[security_group.sg-a]
vpc = "vpc-a"
egress = [{ destination = "10.0.0.0/8", protocol = "udp", policy = "drop", description = H }]

[security_group.sg-b]
vpc = "vpc-b"

[instance.i-c]
network = "classic"
private_ip = "10.24.1.5"
security_groups = ["sg-c"]

[instance.i-far]
network = "classic"
region = "far H"
private_ip = "10.24.1.6"
security_groups = ["sg-far"]

[instance.i-a]
vswitch = "vsw-a"
private_ip = "192.168.1.10"
security_groups = ["sg-a"]

[instance.i-b]
vswitch = "vsw-b"
private_ip = "172.16.1.10"
security_groups = ["sg-b"]

[service.rm]
kind = "rds"
vswitch = "vsw-a"
ip = "192.168.1.20"
whitelist = ["10.9.9.9"]
"#
    .replace("\"other H\"", &HOSTILE.replacen('x', "other", 1))
    .replace("\"far H\"", &HOSTILE.replacen('x', "far", 1))
    .replace("= H", &format!("= {HOSTILE}"))
}

fn scenario() -> String {
    r#"
title = H
description = H
topology = "hostile.toml"

[[step]]
title = H
send = { from = "i-c", tcp = "10.24.1.5:1 > 192.168.1.20:3306", payload = H }
expect = { verdict = "delivered", to = "rm" }

[[step]]
replay = { capture = H }
expect = { delivered = { rm = 1 } }

[[step]]
replay = { capture = "a.pcap" }
expect = { delivered = { rm = 1 } }

[[step]]
apply = { operation = "transfer", instance = "i-c", account = H, security_groups = ["sg-c"] }

[[step]]
apply = { operation = "stop", instance = "i-c" }
expect = { error = H }
"#
    .replace("= H", &format!("= {HOSTILE}"))
}

/// Nothing raw in what was said, wherever.
fn assert_harmless(told: &Told, arguments: &[&str]) {
    for text in [&told.out, &told.error] {
        let raw: HashSet<char> =
            text.chars().filter(|character| *character != '\n' && is_hostile(*character)).collect();
        assert!(raw.is_empty(), "{arguments:?}: {raw:?} in\n{}", text.escape_debug());
        let injected = |line: &&str| {
            let line = line.trim_start();
            line.starts_with("::error::") || line.starts_with("::warning::")
        };
        assert_eq!(text.lines().find(injected), None, "{arguments:?}");
    }
}

#[test]
fn nothing_of_a_file_is_printed_raw_by_any_command() {
    let bench = Bench::new().write("hostile.toml", topology()).write("scenario.toml", scenario());
    let bench = bench.write("a.pcap", pcap(&shop_frames()));
    let odd = "odd\u{1b}[2J\n::error::injected\u{202e}";
    let bench = bench.write(&format!("{odd}.toml"), topology()).write(&format!("{odd}.pcap"), "no capture");
    let bench = bench.write(&format!("{odd}/scenario.toml"), "title = 'no'\ntopology = 'gone'\n[[step]]\n");
    let (odd_topology, odd_capture) = (format!("{odd}.toml"), format!("{odd}.pcap"));
    let flow = "10.24.1.5:40000 > 192.168.1.10:80";
    let mut lines: Vec<Vec<&str>> = vec![
        vec!["check", "hostile.toml"],
        vec!["check", "hostile.toml", "--format", "json"],
        vec!["check", "hostile.toml", "--format", "github"],
        vec!["check", "scenario.toml", &odd_topology, "gone\u{1b}\n"],
        vec!["check", "hostile.toml", "--link", "i-c=vpc-a"],
        vec!["check", "hostile.toml", "--link", "i-far=vpc-b", "--format", "github"],
        vec!["check", &odd_topology, "--link", "i-c=vpc-b", "--format", "json"],
        vec!["run", "scenario.toml", "-v"],
        vec!["run", "scenario.toml", "--list"],
        vec!["run", "scenario.toml", "--junit", "-"],
        vec!["run", "scenario.toml", "--coverage", "--format", "github"],
        vec!["run", "scenario.toml", "--coverage", "--format", "json"],
        vec!["run", "scenario.toml", "--coverage", "--bless"],
        vec!["run", odd],
        vec!["run", odd, "--format", "github"],
        vec!["run", odd, "--format", "json"],
        vec!["run", &odd_topology],
        vec!["run", "gone\n::error::injected"],
        vec!["replay", "hostile.toml", "a.pcap"],
        vec!["replay", "hostile.toml", "a.pcap", "--format", "json"],
        vec!["replay", &odd_topology, "a.pcap", "--format", "ndjson"],
        vec!["replay", "hostile.toml", &odd_capture],
        vec!["replay", "hostile.toml", "a.pcap", "-w", "gone\u{1b}/\n"],
        vec!["trace", &odd_topology, "--tcp", flow, "--all"],
        vec!["trace", &odd_topology, "--tcp", flow, "--format", "json"],
        vec!["trace", "hostile.toml", "--capture", &odd_capture, "--frame", "1"],
        vec!["trace", "hostile.toml", "--capture", "a.pcap", "--frame", "9"],
        vec!["guest-route", "hostile.toml", "i-c"],
        vec!["guest-route", "hostile.toml", "i-c", "--vpc", "vpc-a"],
        vec!["guest-route", "hostile.toml", "i-c", "--vpc", "vpc-a", "--os", "windows"],
        vec!["guest-route", "hostile.toml", "i-far", "--vpc", "vpc-a", "--format", "json"],
        vec!["explain", "no\u{1b}\n"],
    ];
    for from in ["i-c", "i-far", "i-a", "i-b", "rm", "classic,account=y\u{1b}\nx"] {
        for to in ["i-c", "i-far", "i-a", "i-b", "rm", "ngw", "vpc,region=z\u{1b}\nx"] {
            lines.push(vec!["advise", &odd_topology, "--from", from, "--to", to]);
        }
    }
    lines.push(vec!["advise", "hostile.toml", "--from", "i-c", "--to", "rm", "--format", "json"]);
    for line in lines {
        assert_harmless(&bench.run(&line), &line);
    }
    assert_eq!(bench.run(&["check", "hostile.toml"]).code, 0, "the values themselves are allowed");
}

#[test]
fn mistakes_about_hostile_values_are_told_on_lines_of_their_own() {
    let values = ["region", "account"].map(|key| format!("[defaults]\n{key} = [{HOSTILE}]\n"));
    let ids = ["vpc", "instance", "service", "security_group", "peering", "gateway", "vswitch", "route_table"];
    let declared = ids.map(|kind| format!("[{kind}.{HOSTILE}]\n"));
    let named = [
        format!("[vswitch.a]\nvpc = {HOSTILE}\ncidr = \"10.0.0.0/8\"\n"),
        format!("[vswitch.a]\nvpc = \"v\"\ncidr = {HOSTILE}\n"),
        format!("[vpc.a]\n{HOSTILE} = 1\n"),
        format!("[{HOSTILE}]\n"),
        format!("[instance.a]\nnetwork = {HOSTILE}\nstate = {HOSTILE}\n"),
        format!("[service.a]\nkind = {HOSTILE}\nip = {HOSTILE}\nwhitelist = [{HOSTILE}]\n"),
        "# raw \u{1b}[2J\u{202e}\n[vpc.a\n\u{7f} = '\u{9b}'\n".to_owned(),
    ];
    for text in values.iter().chain(&declared).chain(&named) {
        let bench = Bench::new().write("odd.toml", text).write("odd-scenario.toml", format!("{text}[[step]]\n"));
        for format in ["text", "json", "github"] {
            let line = ["check", "odd.toml", "--format", format];
            let told = bench.run(&line);
            assert_harmless(&told, &line);
            assert!(told.code > 0, "{text}");
        }
        assert_harmless(&bench.run(&["run", "odd-scenario.toml"]), &["run", text]);
        assert_harmless(&bench.run(&["trace", "odd.toml", "--icmp", "10.0.0.1 > 10.0.0.2"]), &["trace", text]);
    }
}

#[test]
fn the_middle_of_a_very_long_value_is_left_out_but_in_json() {
    let network = "[vpc.v]\ncidr = \"172.16.0.0/12\"\n[vswitch.s]\nvpc = \"v\"\ncidr = \"172.16.0.0/16\"\n";
    for (value, is_cut) in [("é ".repeat(100_000), true), ("x".repeat(100_000), true), ("x".repeat(900), false)] {
        let instance = format!("[instance.i]\nvswitch = \"{value}\"\nprivate_ip = \"172.16.0.1\"\n");
        let bench = Bench::new().write("long.toml", network.to_owned() + &instance);
        for format in ["text", "github"] {
            let told = bench.run(&["check", "long.toml", "--format", format]);
            let lines = told.out.lines().chain(told.error.lines());
            assert!(told.code > 0 && lines.map(str::len).max() < Some(1_400), "{format}");
            assert_ne!(told.out.contains(&value) || told.error.contains(&value), is_cut, "{format}");
        }
        assert!(bench.run(&["check", "long.toml", "--format", "json"]).out.contains(&value));
    }
}

#[test]
fn a_shell_that_runs_the_commands_of_an_advice_runs_nothing_else() {
    let bench = Bench::new().write("hostile.toml", topology());
    for (from, to) in [("i-c", "i-a"), ("i-c", "rm"), ("i-far", "i-b"), ("i-a", "i-b"), ("i-b", "i-c")] {
        let told = bench.run(&["advise", "hostile.toml", "--from", from, "--to", to]);
        let commands: Vec<_> = told.out.lines().filter(|line| line.trim_start().starts_with("aliyun ")).collect();
        assert!(!commands.is_empty(), "{told}");
        // `aliyun` takes note of its words, and so would `id`.
        let script =
            format!("aliyun() {{ printf '[%s]\\n' \"$@\"; }}\nid() {{ echo EXECUTED; }}\n{}\n", commands.join("\n"));
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{script}");
        assert!(said.lines().all(|line| line.starts_with('[') && line.ends_with(']')), "{said}");
        let options = said.lines().filter(|line| line.starts_with("[--"));
        assert!(options.clone().count() > 1 && options.clone().all(|line| line.contains('=')), "{said}");
    }
}

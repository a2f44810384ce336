//! Topologies of several files, in every command that reads a topology.

use super::{Bench, SHOP, duplicated, frames, pcap, shop_frames};
use biplane::wire::build::tcp;
use insta::assert_snapshot;

/// The shop in three files, one of them YAML; `parts.toml` is the first.
fn parts(shop: &str) -> Bench {
    let (networks, rest) = shop.split_at(shop.find("[security_group").unwrap());
    let (groups, services) = rest.split_at(rest.find("[service").unwrap());
    let values: toml::Table = toml::from_str(services).unwrap();
    Bench::new()
        .write("parts.toml", format!("include = [\"nets/networks.toml\", \"services.yaml\"]\n\n{groups}"))
        .write("nets/networks.toml", networks)
        // JSON is YAML.
        .write("services.yaml", serde_json::to_string_pretty(&values).unwrap())
        .write("week.pcap", pcap(&shop_frames()))
}

/// What a command says of the shop in one file, and of that in several.
fn both(bench: &Bench, arguments: &[&str]) -> [String; 2] {
    let of = |name: &str| {
        let arguments: Vec<String> = arguments.iter().map(|argument| argument.replace("shop.toml", name)).collect();
        bench.tell(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    [of("shop.toml"), of("parts.toml")]
}

#[test]
fn every_command_reads_what_a_topology_includes() {
    let bench = parts(SHOP).write(
        "call.toml",
        "title = \"t\"\ntopology = \"shop.toml\"\n[[claim]]\nthat = \"i-web -> rm-orders: only tcp/3306\"\n",
    );
    for arguments in [
        &["replay", "shop.toml", "week.pcap", "--format", "json"][..],
        &["replay", "shop.toml", "week.pcap", "--by", "connection", "--format", "csv"],
        &["reach", "shop.toml", "--from", "i-web", "--tcp", "8080"],
        &["diff", "shop.toml", "--apply", "detach i-web vpc-shop", "--format", "json"],
        &["show", "shop.toml", "--format", "dot"],
        &["guest-route", "shop.toml", "i-web", "--vpc", "vpc-shop"],
    ] {
        let [one, several] = both(&bench, arguments);
        let without_places = |text: &str| {
            let words = text.split_whitespace().filter(|word| !word.contains(".toml:") && !word.contains(".yaml:"));
            words.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(without_places(&one), without_places(&several), "{arguments:?}");
    }
    assert_eq!(bench.run(&["diff", "shop.toml", "parts.toml"]).code, 0);
    assert_eq!(bench.run(&["check", "parts.toml"]).code, 0);
    assert_eq!(bench.run(&["report", "parts.toml", "week.pcap", "-o", "report.html"]).code, 0);
    let page = String::from_utf8(bench.read("report.html")).unwrap();
    assert!(page.contains("nets/networks.toml") && page.contains("services.yaml"));
}

#[test]
fn a_trace_names_the_file_of_what_decides() {
    let bench = parts(SHOP);
    let told = bench.run(&["trace", "parts.toml", "--from", "i-web", "--tcp", "10.24.1.5:4000 > 172.16.1.20:3306"]);
    assert!(told.out.contains("services.yaml:"), "{told}");
    let told = bench.run(&["trace", "parts.toml", "--from", "i-web", "--tcp", "10.24.1.5:4000 > 172.16.1.10:22"]);
    assert!(told.out.contains("parts.toml:"), "{told}");
}

#[test]
fn findings_of_the_rules_name_the_files_of_both_places() {
    let bench = parts(&duplicated());
    assert_snapshot!(bench.tell(&["check", "parts.toml"]), @r#"
    exit code: 1
    ----- stdout -----
    error[duplicate-address]: `rm-orders` and `i-app` both have `172.16.1.10` in `vpc-shop`
      --> services.yaml:4:13
       |
     4 |       "ip": "172.16.1.10",
       |             ^^^^^^^^^^^^^ the same address
       |
      ::: parts.toml:25:14
       |
    25 | private_ip = "172.16.1.10"
       |              ------------- as `i-app`
       |
       = note: a classic address is unique in its region, whoever owns it; a VPC address is unique in its VPC (https://github.com/AlibabaCloudDocs/ecs)
       = help: correct the address of one of the two

    1 error in services.yaml
    ----- stderr -----
    "#);
    let told = bench.run(&["check", "parts.toml", "--format", "github"]);
    assert!(told.out.contains("file=services.yaml,line="), "{told}");
}

#[test]
fn a_part_alone_is_a_file_like_any_other() {
    let bench = parts(SHOP);
    assert_eq!(bench.run(&["check", "nets/networks.toml"]).code, 0);
    let told = bench.run(&["check", "services.yaml"]);
    assert!(told.code == 2 && told.out.contains("no vSwitch is called `vsw-shop`"), "{told}");
}

#[test]
fn an_included_file_is_never_written_onto() {
    let bench = parts(SHOP);
    let networks = bench.read("nets/networks.toml");
    for arguments in [
        &["replay", "parts.toml", "week.pcap", "-w", "nets/networks.toml"][..],
        &["report", "parts.toml", "-o", "nets/networks.toml"],
        &["reach", "parts.toml", "--witnesses", "nets/networks.toml"],
        &["replay", "parts.toml", "week.pcap", "--as-scenario", "nets/networks.toml"],
    ] {
        let told = bench.run(arguments);
        assert!(told.code == 2, "{arguments:?}: {told}");
        assert_eq!(bench.read("nets/networks.toml"), networks, "{arguments:?}");
    }
}

#[test]
fn standard_input_includes_nothing() {
    let bench = parts(SHOP);
    let mut command = bench.command(&["check", "-"]);
    command.stdin(std::fs::File::open(bench.path().join("parts.toml")).unwrap());
    let told = super::Told::from(command.output().unwrap());
    assert_snapshot!(told, @r#"
    exit code: 2
    ----- stdout -----
    error[invalid-include]: nothing can be included here
     --> <stdin>:1:12
      |
    1 | include = ["nets/networks.toml", "services.yaml"]
      |            ^^^^^^^^^^^^^^^^^^^^ standard input has no folder to name a file from
      |
      = help: give the path of the file

    error[invalid-include]: nothing can be included here
     --> <stdin>:1:34
      |
    1 | include = ["nets/networks.toml", "services.yaml"]
      |                                  ^^^^^^^^^^^^^^^ standard input has no folder to name a file from
      |
      = help: give the path of the file

    2 errors in <stdin>
    ----- stderr -----
    "#);
}

#[test]
fn parts_of_a_replay_hold_all_files_of_the_topology() {
    let bench = parts(SHOP);
    for shard in ["0/2", "1/2"] {
        let told = bench.run(&[
            "replay",
            "parts.toml",
            "week.pcap",
            "--format",
            "ndjson",
            "--copies",
            "both",
            "--shard",
            shard,
            "--parts",
            "parts",
        ]);
        assert_eq!(told.code, 0, "{told}");
    }
    for arguments in [
        &["split", "parts.toml", "week.pcap", "--shards", "2", "-o", "cut"][..],
        &["replay", "parts.toml", "cut", "--shard", "0/2", "--parts", "of-cut"],
        &["replay", "parts.toml", "cut", "--shard", "1/2", "--parts", "of-cut"],
        &["merge", "of-cut"],
    ] {
        let told = bench.run(arguments);
        assert_eq!(told.code, 0, "{arguments:?}: {told}");
    }
    let whole = bench.tell(&["replay", "parts.toml", "week.pcap", "--format", "ndjson"]);
    std::fs::remove_file(bench.path().join("parts.toml")).unwrap();
    std::fs::remove_dir_all(bench.path().join("nets")).unwrap();
    assert_eq!(bench.tell(&["merge", "parts"]), whole);
    let told = bench.run(&["merge", "parts", "-w", "parts/shard-0-of-2.json"]);
    assert!(told.code == 2 && told.error.contains("would overwrite the part"), "{told}");
    let copies = std::fs::read_dir(bench.path().join("parts")).unwrap().map(|entry| entry.unwrap().path());
    let copy = copies.filter(|path| path.to_str().unwrap().contains("topology-")).last().unwrap();
    std::fs::write(&copy, "[vpc.x]\n").unwrap();
    let told = bench.run(&["merge", "parts"]);
    assert!(told.code == 2 && told.error.contains("topology-"), "{told}");
}

#[test]
fn hostile_names_and_texts_of_included_files_are_shown_escaped() {
    let bench = Bench::new()
        .write("main.toml", "include = [\"a\\u001b[2J.toml\", \"b.toml\"]\n")
        .write(
            "b.toml",
            "[vpc.a]\ncidr = \"172.16.0.0/12\"\nname = \"x\\u001b[2J\"\ntags = { \"k\\u202e\" = \"v\\n::error::\" }\n",
        )
        .write("c.toml", "include = [\"b.toml\"]\n")
        .write("week.pcap", pcap(&frames(&[tcp("10.24.1.5:1 > 10.24.1.6:2").syn()])));
    for arguments in [
        &["check", "main.toml"][..],
        &["check", "main.toml", "--format", "github"],
        &["show", "c.toml"],
        &["show", "c.toml", "a"],
    ] {
        let told = bench.tell(arguments);
        assert!(!told.contains(['\u{1b}', '\u{202e}']) && !told.contains("\n::error::"), "{told}");
    }
}

//! Which files are read: regular ones and standard input, each once, and TOML alone.

use super::{Bench, SHOP, Told, pcap, shop_frames};

/// A run with `input` on standard input.
fn piped(bench: &Bench, arguments: &[&str], input: &[u8]) -> Told {
    Told::from(assert_cmd::Command::from_std(bench.command(arguments)).write_stdin(input).output().unwrap())
}

const SCENARIO: &str = r#"title = "Nothing but time"
topology = "shop.toml"

[[step]]
wait = "1s"
"#;

fn bench() -> Bench {
    Bench::new().write("week.pcap", pcap(&shop_frames())).write("wait.toml", SCENARIO)
}

#[test]
fn a_topology_may_come_from_standard_input() {
    let bench = bench();
    let checked = piped(&bench, &["check", "-"], SHOP.as_bytes());
    assert_eq!((checked.code, checked.out.as_str()), (0, "<stdin>: no problems\n"));
    let wrong = piped(&bench, &["check", "-", "shop.toml"], b"[vpc.a]\ncidr = 1\n");
    assert!(wrong.out.contains("<stdin>:2:8") && wrong.out.contains("shop.toml: no problems"), "{}", wrong.out);
    let trace = ["--from", "i-web", "--tcp", "10.24.1.5:40000 > 172.16.1.10:8080"];
    let by_name = bench.run(&[&["trace", "shop.toml"], &trace[..]].concat());
    let traced = piped(&bench, &[&["trace", "-"], &trace[..]].concat(), SHOP.as_bytes());
    assert_eq!((traced.code, traced.out), (0, by_name.out.replace("shop.toml", "<stdin>")));
    let replayed = piped(&bench, &["replay", "-", "week.pcap", "--format", "ndjson"], SHOP.as_bytes());
    let by_name = bench.run(&["replay", "shop.toml", "week.pcap", "--format", "ndjson"]);
    assert_eq!((replayed.code, replayed.out), (0, by_name.out.replace("shop.toml", "<stdin>")));
}

#[test]
fn a_topology_in_json_or_yaml_is_taken_wherever_one_is() {
    let values: toml::Table = toml::from_str(SHOP).unwrap();
    let json = serde_json::to_string_pretty(&values).unwrap();
    // JSON is YAML.
    let bench = bench().write("shop.json", &json).write("shop.yml", format!("# the shop\n{json}"));
    let bench = bench.write("yaml.toml", SCENARIO.replace("shop.toml", "shop.yml"));
    for name in ["shop.json", "shop.yml"] {
        assert_eq!(bench.run(&["check", name]).out, format!("{name}: no problems\n"));
        let told = bench.run(&["diff", "shop.toml", name]);
        assert_eq!(told.code, 0, "{}", told.out + &told.error);
        let told = bench.run(&["replay", name, "week.pcap"]);
        assert_eq!(told.code, 0, "{}", told.out + &told.error);
    }
    let told = bench.run(&["run", "yaml.toml"]);
    assert_eq!(told.code, 0, "{}", told.out + &told.error);
    assert_eq!(piped(&bench, &["check", "-"], json.as_bytes()).out, "<stdin>: no problems\n");
    let wrong = json.replace("\"classic_link\"", "\"classic_linc\"");
    let told = piped(&bench, &["check", "-"], wrong.as_bytes());
    assert!(told.code == 2 && told.out.contains("did you mean `classic_link`?"), "{}", told.out);
    let told = bench.run(&["diff", "shop.toml", "missing.yaml"]);
    assert!(told.code == 2 && told.error.contains("cannot read `missing.yaml`"), "{}", told.error);
}

#[test]
fn standard_input_is_one_file() {
    let bench = bench();
    for arguments in
        [&["check", "-", "-"][..], &["replay", "-", "-"], &["trace", "-", "--capture", "-", "--frame", "1"]]
    {
        let told = piped(&bench, arguments, SHOP.as_bytes());
        assert_eq!(told.code, 2, "{arguments:?}");
        assert!(told.error.contains("standard input is one file"), "{}", told.error);
    }
    assert_eq!(piped(&bench, &["replay", "shop.toml", "-"], &pcap(&shop_frames())).code, 0);
}

#[test]
fn what_is_no_toml_is_recognised_with_the_command_that_helps() {
    let state = "{\"version\": 4}";
    let bench = bench().write("state.json", state).write("state.toml", state);
    let bench = bench.write("main.tf", "resource \"alicloud_vpc\" \"a\" {\n}\n");
    for (arguments, what, command) in [
        (&["check", "week.pcap"][..], "it is a capture (pcap)", "biplane replay TOPOLOGY CAPTURE"),
        (&["replay", "week.pcap", "shop.toml"], "it is a capture (pcap)", "biplane replay TOPOLOGY CAPTURE"),
        (&["run", "week.pcap"], "it is a capture (pcap)", "biplane replay TOPOLOGY CAPTURE"),
        (&["check", "state.json"], "this is a Terraform state or a dump", "biplane import FILE"),
        (&["check", "state.toml"], "it is JSON", "biplane import FILE"),
        (&["run", "state.json"], "it is JSON", "scenarios are TOML"),
        (&["check", "main.tf"], "it is Terraform", "biplane import state.json"),
        (&["check", "wait.toml"], "this is a scenario file", "biplane run"),
        (&["run", "shop.toml"], "this is a topology file", "biplane check"),
    ] {
        let told = bench.run(arguments);
        assert_eq!(told.code, 2, "{arguments:?}");
        let all = told.out + &told.error;
        assert!(all.contains(what) && all.contains(command), "{arguments:?}: {all}");
    }
}

/// It would be read for ever, or waited for.
#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_not_read() {
    let bench = bench().write("endless.toml", SCENARIO.replace("shop.toml", "/dev/zero"));
    let fifo = |name: &str| {
        let made = std::process::Command::new("mkfifo").arg(bench.path().join(name)).status().unwrap();
        assert!(made.success());
    };
    fifo("waiting.toml");
    for arguments in [
        &["check", "waiting.toml"][..],
        &["check", "/dev/zero"],
        &["run", "waiting.toml"],
        &["run", "endless.toml"],
        &["diff", "shop.toml", "shop.toml", "--allow", "/dev/zero"],
    ] {
        let told = bench.run(arguments);
        assert_eq!(told.code, 2, "{arguments:?}");
        assert!((told.out + &told.error).contains("it is no regular file"), "{arguments:?}");
    }
    std::fs::remove_file(bench.path().join("endless.toml")).unwrap();
    let told = bench.run(&["run", "."]);
    assert_eq!((told.code, told.error.as_str()), (0, ""), "a FIFO of a folder is passed over");
    assert!(told.out.ends_with("1 scenario, 1 step: 1 passed, 0 failed\n"), "{}", told.out);
}

#[cfg(unix)]
#[test]
fn each_scenario_of_a_folder_is_run_once_whatever_links_lead_to_it() {
    use std::os::unix::fs::symlink;
    let bench = bench().write("b/second.toml", SCENARIO.replace("shop.toml", "../shop.toml"));
    let link = |to: &str, name: &str| symlink(to, bench.path().join(name)).unwrap();
    link(".", "a");
    link("b", "alias");
    link("..", "b/up");
    link("wait.toml", "again.toml");
    let told = bench.run(&["run", "--list", "."]);
    let files: Vec<&str> = told.out.lines().map(|line| line.split("  ").next().unwrap()).collect();
    assert_eq!(files, ["./b/second.toml", "./wait.toml"]);
    let told = bench.run(&["run", ".", "wait.toml", "b"]);
    assert!(told.out.ends_with("2 scenarios, 2 steps: 2 passed, 0 failed\n"), "{}", told.out);
}

#[test]
fn of_many_findings_a_hundred_are_shown_and_the_others_counted() {
    let vpcs = |count: usize| (0..count).map(|n| format!("[vpc.v{n}]\ncidr = \"x\"\n")).collect::<String>();
    let bench = bench().write("hundred.toml", vpcs(100)).write("many.toml", vpcs(1_200));
    let shown = |told: &Told| told.out.matches("is no IPv4 CIDR").count();
    let hundred = bench.run(&["check", "hundred.toml"]);
    assert_eq!((hundred.code, shown(&hundred), hundred.out.contains("more")), (2, 100, false));
    let many = bench.run(&["check", "many.toml"]);
    assert_eq!((many.code, shown(&many)), (2, 100));
    let end = "and 1,100 more; `biplane check --format json` lists them\n\n1200 errors in many.toml\n";
    assert!(many.out.ends_with(end), "{}", &many.out[many.out.len() - 200..]);
    assert_eq!(shown(&bench.run(&["check", "--format", "json", "many.toml"])), 1_200);
    let github = bench.run(&["check", "--format", "github", "many.toml"]);
    assert!(
        shown(&github) == 100
            && github.out.ends_with("::notice::and 1,100 more; `biplane check --format json` lists them\n")
    );
}

/// The renderer looks at each byte of each line that it is given.
#[test]
fn of_a_line_as_long_as_a_file_the_place_alone_is_shown() {
    let rules = "{source=\"é\"},".repeat(5_000);
    let text = format!("[security_group.c]\nnetwork = \"classic\"\ningress = [{rules}]\n");
    let told = bench().write("line.toml", text).run(&["check", "line.toml"]);
    assert!(
        told.out.contains("--> line.toml:3:20\n") && told.out.contains("--> line.toml:3:33\n"),
        "{}",
        &told.out[..400]
    );
    assert!(told.out.len() < 40_000, "{}", told.out.len());
}

#[test]
fn standard_output_is_no_file_that_is_read() {
    let bench = bench();
    let packet = "10.24.1.5:40000 > 172.16.1.10:8080";
    for (file, arguments) in [
        ("shop.toml", &["check", "shop.toml"][..]),
        ("shop.toml", &["check", "shop.toml", "--unused"]),
        ("shop.toml", &["check", "shop.toml", "--link", "i-web=vpc-shop"]),
        ("shop.toml", &["show", "shop.toml"]),
        ("shop.toml", &["advise", "shop.toml", "--from", "i-web", "--to", "i-app"]),
        ("shop.toml", &["trace", "shop.toml", "--from", "i-web", "--tcp", packet]),
        ("shop.toml", &["diff", "shop.toml", "--apply", "detach i-web vpc-shop"]),
        ("shop.toml", &["guest-route", "shop.toml", "i-web", "--vpc", "vpc-shop"]),
        ("week.pcap", &["check", "shop.toml", "--unused", "--capture", "week.pcap"]),
        ("week.pcap", &["trace", "shop.toml", "--capture", "week.pcap", "--frame", "1"]),
        ("week.pcap", &["diff", "shop.toml", "shop.toml", "--capture", "week.pcap"]),
        ("shop.toml", &["run", "wait.toml"]),
        ("wait.toml", &["run", "wait.toml"]),
    ] {
        let before = bench.read(file);
        let stream = std::fs::OpenOptions::new().append(true).open(bench.path().join(file)).unwrap();
        let mut command = bench.command(arguments);
        let output = command.stdout(stream).stderr(std::process::Stdio::piped()).spawn().unwrap().wait_with_output();
        let output = output.unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && bench.read(file) == before, "{arguments:?}: {error}");
        assert!(error.contains("standard output would overwrite the "), "{arguments:?}: {error}");
        // Elsewhere it goes on.
        assert_ne!(bench.run(arguments).code, 2, "{arguments:?}");
    }
}

#[test]
fn a_comparison_reads_standard_input_once() {
    let told = piped(&bench(), &["diff", "-", "-"], SHOP.as_bytes());
    assert_eq!((told.code, told.error.as_str()), (2, "error: `-` is given twice: standard input is one file\n"));
    assert_eq!(piped(&bench(), &["diff", "-", "shop.toml"], SHOP.as_bytes()).code, 0);
}

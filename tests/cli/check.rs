//! `biplane check`: everything wrong with a file in one run, and an exit code that says how far it was understood.

use super::world::edit;
use super::{Bench, duplicated, frames, pcap};
use biplane::wire::build::tcp;
use insta::assert_snapshot;

/// Ten mistakes: of writing, of reference and against rules.
const TEN: &str = r#"[vpc.vpc-shop]
cidr = "172.16.0.0/12"
classic_link = true
routes = [{ destination = "10.0.0.0/8", next_hop = "i-app" }]

[vswitch.vsw-shop]
vpc = "vpc-sho"
zne = "b"
cidr = "172.16.1.0/24"

[vswitch.vsw-app]
vpc = "vpc-shop"
cidr = "172.32.2.0/24"

[security_group.sg-web]
network = "classic"
ingress = [{ protocol = "tpc", port_range = "443-443", source = "0.0.0.1/0", priority = 200 }]

[security_group.sg-app]
vpc = "vpc-shop"

[instance.i-web]
network = "classic"
private_ip = "11.24.1.5"
security_groups = ["sg-web"]

[instance.i-app]
vswitch = "vsw-app"
private_ip = "10.3.0.1"
security_groups = ["sg-app"]
"#;

#[test]
fn a_sound_topology_has_no_problems() {
    let bench = Bench::new().write("empty.toml", "");
    assert_snapshot!(bench.tell(&["check", "shop.toml", "empty.toml"]), @r"
    exit code: 0
    ----- stdout -----
    shop.toml: no problems
    empty.toml: no problems, and no endpoint that a frame could enter by
    ----- stderr -----
    ");
    assert_eq!(bench.run(&["check", "--format", "json", "shop.toml"]).out, "[]\n");
    assert_eq!(bench.run(&["check", "--format", "github", "shop.toml"]).out, "");
}

#[test]
fn ten_mistakes_are_reported_in_one_run_in_their_order() {
    let bench = Bench::new().write("ten.toml", TEN);
    let told = bench.run(&["check", "ten.toml"]);
    let titles = told.out.lines().filter(|line| line.starts_with("error") || line.ends_with(".toml"));
    assert_snapshot!(titles.collect::<Vec<_>>().join("\n"), @r#"
    error[classiclink-route-conflict]: the system table of `vpc-shop` has a route to 10.0.0.0/8, but ClassicLink is on
    error[unknown-id]: no VPC is called `vpc-sho`
    error[unknown-key]: vswitch `vsw-shop` has no key `zne`
    error[vswitch-outside-vpc]: `172.32.2.0/24` of `vsw-app` lies in no CIDR of `vpc-shop`
    error[invalid-value]: `protocol` cannot be "tpc"
    error[invalid-value]: `port_range` cannot be "443-443"
    error[invalid-value]: "0.0.0.1/0" has host bits set
    error[invalid-value]: `priority` is out of range
    error[address-not-classic]: `11.24.1.5` of `i-web` is no address of the classic network
    error[address-outside-vswitch]: `10.3.0.1` of `i-app` lies outside `vsw-app`, which is `172.32.2.0/24`
    10 errors in ten.toml
    "#);
    assert_eq!((told.code, told.error.as_str()), (2, ""));
}

#[test]
fn a_broken_rule_shows_both_places_why_and_what_to_do() {
    let bench = Bench::new().write("wrong.toml", duplicated());
    assert_snapshot!(bench.tell(&["check", "wrong.toml"]), @r#"
    exit code: 1
    ----- stdout -----
    error[duplicate-address]: `rm-orders` and `i-app` both have `172.16.1.10` in `vpc-shop`
      --> wrong.toml:54:6
       |
    43 | private_ip = "172.16.1.10"
       |              ------------- as `i-app`
    ...
    54 | ip = "172.16.1.10"
       |      ^^^^^^^^^^^^^ the same address
       |
       = note: a classic address is unique in its region, whoever owns it; a VPC address is unique in its VPC (https://github.com/AlibabaCloudDocs/ecs)
       = help: correct the address of one of the two

    1 error in wrong.toml
    ----- stderr -----
    "#);
    let line = bench.run(&["check", "--format", "github", "wrong.toml"]).out;
    assert!(line.starts_with("::error file=wrong.toml,line="), "{line}");
    let value: serde_json::Value =
        serde_json::from_str(&bench.run(&["check", "--format", "json", "wrong.toml"]).out).unwrap();
    assert_eq!((&value[0]["id"], value.as_array().unwrap().len()), (&"duplicate-address".into(), 1));
}

#[test]
fn the_worst_file_decides_the_exit_code() {
    let bench = Bench::new().write("broken.toml", duplicated()).write("odd.toml", "[vpc.a]\ncdr = \"10.0.0.0/8\"\n");
    let code = |files: &[&str]| bench.run(&[&["check"], files].concat()).code;
    assert_eq!((code(&["shop.toml"]), code(&["broken.toml"]), code(&["odd.toml"])), (0, 1, 2));
    assert_eq!((code(&["broken.toml", "shop.toml"]), code(&["odd.toml", "broken.toml", "shop.toml"])), (1, 2));
    assert_eq!((code(&["gone.toml", "broken.toml"]), code(&["broken.toml", "gone.toml"])), (2, 2));
}

#[test]
fn a_scenario_is_no_topology_and_a_topology_no_scenario() {
    let bench = Bench::new().write("s.toml", "title = \"x\"\ntopology = \"shop.toml\"\nstep = [{ wait = \"1s\" }]\n");
    assert_snapshot!(bench.tell(&["check", "s.toml"]), @r#"
    exit code: 2
    ----- stdout -----
    error[wrong-file-kind]: this is a scenario file, not a topology file
     --> s.toml:3:1
      |
    3 | step = [{ wait = "1s" }]
      | ^^^^ only scenarios have this key
      |
      = help: give the topology file that it names, or run it with `biplane run`

    1 error in s.toml
    ----- stderr -----
    "#);
    assert_snapshot!(bench.tell(&["run", "shop.toml"]), @r#"
    exit code: 2
    ----- stdout -----

    1 scenario, 0 steps: 0 passed, 0 failed, 1 could not be run
    ----- stderr -----
    error[wrong-file-kind]: this is a topology file, not a scenario file
     --> shop.toml:1:2
      |
    1 | [vpc.vpc-shop]
      |  ^^^ a section of a topology
      |
      = help: check it with `biplane check`, or name it in a scenario as `topology = "…"`
    "#);
}

#[test]
fn on_a_github_runner_findings_become_annotations() {
    let bench = Bench::new().write("odd.toml", "[vpc.a]\ncdr = \"10.0.0.0/8\"\n");
    let run = |value: &str| {
        let output = bench.command(&["check", "odd.toml"]).env("GITHUB_ACTIONS", value).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_snapshot!(run("true"), @r#"
    ::error file=odd.toml,line=1,col=1,title=missing-key::vpc `a` needs the key `cidr`%0Ahelp: add it, for example `cidr = "172.16.0.0/12"`
    ::error file=odd.toml,line=2,col=1,title=unknown-key::vpc `a` has no key `cdr`%0Ahelp: did you mean `cidr`?
    "#);
    assert!(run("false").starts_with("error["));
}

#[test]
fn what_decides_nothing_is_told_in_place_of_other_warnings() {
    let rules = "[security_group.sg-a]\nnetwork = \"classic\"\ningress = [\n  { source = \"10.24.0.0/16\" },\n  \
                 { source = \"10.24.1.5\", priority = 2 },\n]\n";
    let instance = |id: &str, address: &str| {
        format!("[instance.{id}]\nnetwork = \"classic\"\nprivate_ip = \"{address}\"\nsecurity_groups = [\"sg-a\"]\n")
    };
    let text =
        format!("{rules}intra_group = \"drop\"\n{}{}", instance("i-a", "10.24.1.5"), instance("i-b", "10.24.1.6"));
    let busy = edit(&text).set_rule(("sg-a", "ingress", 0), "source", "10.24.1.6");
    let bench = Bench::new().write("idle.toml", &text).write("busy.toml", busy.toml());
    let idle = bench.run(&["check", "--unused", "idle.toml", "--format", "json"]);
    assert_eq!((idle.code, idle.error.as_str()), (0, ""));
    let findings: serde_json::Value = serde_json::from_str(&idle.out).unwrap();
    assert_eq!(findings.as_array().unwrap().len(), 1, "{findings}");
    assert_eq!(findings[0]["id"], "group-rule-never-decides");
    assert_eq!(
        findings[0]["message"],
        "`sg-a ingress #2` decides nothing: `sg-a ingress #1` takes all that it matches"
    );
    assert_eq!(
        bench.tell(&["check", "--unused", "busy.toml"]),
        "exit code: 0\n----- stdout -----\nbusy.toml: nothing unused\n----- stderr -----\n"
    );
    let both = bench.run(&["check", "--unused", "busy.toml", "--link", "i-a=vpc-a"]);
    assert_eq!(both.code, 2);
    assert!(both.error.contains("cannot be used with"), "{}", both.error);
    let broken = bench.write("broken.toml", edit(&text).set("instance.i-b", "private_ip", "11.24.1.6").toml());
    assert_eq!(broken.run(&["check", "--unused", "broken.toml"]).code, 1);
}

#[test]
fn what_no_frame_of_captures_used_is_told_beside_what_decides_nothing() {
    let bench = Bench::new().write("shop.toml", include_str!("../../scenarios/topologies/shop.toml"));
    let bench = bench.write("morning.pcap", include_bytes!("../../pcaps/shop-morning.pcap"));
    let told = bench.run(&["check", "--unused", "shop.toml", "--capture", "morning.pcap", "--format", "json"]);
    assert_eq!((told.code, told.error.as_str()), (0, ""));
    let findings: serde_json::Value = serde_json::from_str(&told.out).unwrap();
    let messages: Vec<&str> = findings.as_array().unwrap().iter().map(|one| one["message"].as_str().unwrap()).collect();
    // sg-app ingress #1 let in the connection of frame 5, and nothing went to the batch group.
    assert!(messages.contains(&"`sg-batch ingress #1` decided about no frame of these captures"), "{messages:#?}");
    assert!(!messages.iter().any(|message| message.contains("`sg-app ingress #1`")), "{messages:#?}");
    assert!(
        messages.iter().any(|message| message.starts_with("`172.16.0.0/12` in the whitelist of `rm-legacy` admits"))
    );
    // A packet amid a connection uses the whitelist, unless flows have to begin with a SYN.
    let bench = bench.write("ack.pcap", pcap(&frames(&[tcp("10.45.2.10:40000 > 172.16.2.20:3306").ack()])));
    let unused = |options: &[&str]| {
        bench.run(&[&["check", "--unused", "shop.toml", "--capture", "ack.pcap"], options].concat()).to_string()
    };
    let (plain, strict) = (unused(&[]), unused(&["--strict-tcp"]));
    let added: Vec<&str> = strict.lines().filter(|line| !plain.contains(line)).collect();
    assert!(added.iter().any(|line| line.contains("whitelist of `rm-orders`")), "{added:?}");
    let cut = bench.write("cut.pcap", &include_bytes!("../../pcaps/shop-morning.pcap")[..500]);
    let damaged = cut.run(&["check", "--unused", "shop.toml", "--capture", "cut.pcap"]);
    assert!(damaged.code == 2 && damaged.error.contains("cut.pcap"), "{damaged}");
    for wrong in [
        &["check", "shop.toml", "--capture", "morning.pcap"][..],
        &["check", "shop.toml", "--map", "10.0.0.1=10.0.0.2"],
        &["check", "shop.toml", "--strict-tcp"],
    ] {
        assert_eq!(cut.run(wrong).code, 2, "{wrong:?}");
    }
}

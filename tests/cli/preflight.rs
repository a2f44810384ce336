//! `biplane check --link`: every reason against a link that does not exist yet, and remedies that help.

use super::world::{EditedWorld, edit, list, route};
use super::{Bench, SHOP, duplicated};
use insta::assert_snapshot;

/// Whatever can speak against a link of `i-web` to `vpc-shop` in one region and account does.
const BLOCKED: &str = r#"[vpc.vpc-shop]
cidr = "192.168.0.0/16"
secondary_cidrs = ["172.16.0.0/16"]
classic_link = false
routes = [
  { destination = "10.24.0.0/16", next_hop = "vpn" },
]

[vpc.vpc-old]
cidr = "172.31.0.0/16"
classic_link = true

[vswitch.vsw-app]
vpc = "vpc-shop"
cidr = "192.168.1.0/24"

[vswitch.vsw-second]
vpc = "vpc-shop"
cidr = "172.16.1.0/24"

[gateway.vpn]
vpc = "vpc-shop"
kind = "vpn"

[security_group.sg-web]
network = "classic"

[security_group.sg-app]
vpc = "vpc-shop"

[instance.i-web]
network = "classic"
private_ip = "10.24.1.5"
security_groups = ["sg-web"]
linked_vpc = "vpc-old"
state = "stopped"

[instance.i-app]
vswitch = "vsw-app"
private_ip = "192.168.1.10"
security_groups = ["sg-app"]

[service.rm-orders]
kind = "rds"
vswitch = "vsw-app"
ip = "192.168.1.20"
whitelist = ["192.168.1.10"]
"#;

const LINK: [&str; 2] = ["--link", "i-web=vpc-shop"];

fn run(bench: &Bench, more: &[&str]) -> super::Told {
    bench.run(&[&["check", "blocked.toml"], &LINK[..], more].concat())
}

/// The objects of `--format json`.
fn objects(bench: &Bench, arguments: &[&str]) -> serde_json::Value {
    let told = bench.run(&[&["check", "--format", "json"], arguments].concat());
    serde_json::from_str(&told.out).unwrap_or_else(|error| panic!("{error}: {told}"))
}

/// Severity and id of each finding of the first link.
fn findings(value: &serde_json::Value) -> Vec<String> {
    let findings = value[0]["findings"].as_array().unwrap().iter();
    findings.map(|one| format!("{} {}", one["severity"].as_str().unwrap(), one["id"].as_str().unwrap())).collect()
}

#[test]
fn every_reason_against_a_link_is_told_with_its_places_and_its_remedy() {
    let bench = Bench::new().write("blocked.toml", BLOCKED);
    assert_snapshot!(run(&bench, &[]), @r#"
    exit code: 1
    ----- stdout -----
    error[OperationDenied]: `i-web` is linked to `vpc-old`
      --> blocked.toml:35:14
       |
    35 | linked_vpc = "vpc-old"
       |              ^^^^^^^^^ its link
       |
       = note: AttachClassicLinkVpc answers OperationDenied (403): the instance is linked already, to this VPC or to another one (https://www.alibabacloud.com/help/doc-detail/59021.htm)
       = help: detach i-web from vpc-old, which ends what passes between them: remove `linked_vpc` from [instance.i-web]

    error[OperationDenied]: ClassicLink is off for `vpc-shop`
     --> blocked.toml:4:16
      |
    4 | classic_link = false
      |                ^^^^^ ClassicLink is off here
      |
      = note: AttachClassicLinkVpc answers OperationDenied (403): the VPC has ClassicLink off (https://www.alibabacloud.com/help/doc-detail/59021.htm)
      = help: enable ClassicLink for vpc-shop: `classic_link = true` in [vpc.vpc-shop]

    error[classiclink-shadowed]: the route to `10.24.0.0/16`, which `vsw-app` of `vpc-shop` uses, hides `i-web` from it
      --> blocked.toml:6:19
       |
     6 |   { destination = "10.24.0.0/16", next_hop = "vpn" },
       |                   ^^^^^^^^^^^^^^ wins over the link
    ...
    33 | private_ip = "10.24.1.5"
       |              ----------- this address lies inside
       |
       = note: the longest prefix wins: what the VPC sends to these addresses, answers too, takes the custom route or stays in the vSwitch, and never takes the link (biplane's own choice)
       = help: remove the route to `10.24.0.0/16`, or narrow it until it leaves 10.24.1.5 out

    warning[classiclink-secondary-cidr]: `vsw-second` (`172.16.1.0/24`) cannot communicate with the classic instances linked to `vpc-shop`
      --> blocked.toml:19:8
       |
     3 | secondary_cidrs = ["172.16.0.0/16"]
       |                    --------------- this one
    ...
    19 | cidr = "172.16.1.0/24"
       |        ^^^^^^^^^^^^^^^ in a secondary CIDR
       |
       = note: only the primary CIDR takes part in ClassicLink (https://www.alibabacloud.com/help/en/virtual-private-cloud/latest/classiclink-overview)
       = help: put what classic instances must reach into a vSwitch of the primary CIDR

    error[link-without-rule]: no rule lets anything through between `i-web` and `i-app`
      --> blocked.toml:28:17
       |
    25 | [security_group.sg-web]
       |                 ------ accepts nothing from 192.168.1.10
    ...
    28 | [security_group.sg-app]
       |                 ^^^^^^ accepts nothing from 10.24.1.5
       |
       = note: a link joins routes and opens no group: basic and enterprise groups drop what comes in until a rule accepts it, and databases admit their whitelist only (https://www.alibabacloud.com/help/en/ecs/user-guide/security-group-rules)
       = help: accept everything from sg-web in sg-app: `ingress = [{ source = "sg-web" }]` in [security_group.sg-app]; for connections from the VPC, accept everything from sg-app in sg-web: `ingress = [{ source = "sg-app" }]` in [security_group.sg-web]

    error[guest-route-public-nic]: `i-web` has no guest route to `192.168.0.0/16` of `vpc-shop`
      --> blocked.toml:31:11
       |
     2 | cidr = "192.168.0.0/16"
       |        ---------------- a range that needs a guest route
    ...
    31 | [instance.i-web]
       |           ^^^^^ what goes this way leaves by the public NIC
       |
       = note: a classic guest sends 192.168.0.0/16 to its public NIC until a route to the private one is added (https://www.alibabacloud.com/help/en/virtual-private-cloud/latest/classiclink-overview)
       = help: send 192.168.0.0/16 to the private NIC of i-web by the routing script: `guest_routes = ["192.168.0.0/16"]` in [instance.i-web]; the script is `ip route add 192.168.0.0/16 via 10.24.7.247 dev eth0` (`biplane guest-route` prints what lasts)

    error[instance-stopped]: `i-web` is stopped: nothing passes its link until it runs
      --> blocked.toml:36:9
       |
    36 | state = "stopped"
       |         ^^^^^^^^^ not running
       |
       = note: a link is made to a stopped instance too, and nothing passes it until the instance runs (https://www.alibabacloud.com/help/doc-detail/59021.htm)
       = help: start i-web: `state = "running"` in [instance.i-web]

    error[whitelist-deny]: the whitelist of `rm-orders` does not hold 10.24.1.5 of `i-web`
      --> blocked.toml:47:13
       |
    33 | private_ip = "10.24.1.5"
       |              ----------- the address that the service sees
    ...
    47 | whitelist = ["192.168.1.10"]
       |             ^^^^^^^^^^^^^^^^ not in here
       |
       = note: over a link a service sees the classic instance's own private address, and admits its whitelist only (https://www.alibabacloud.com/help/doc-detail/43185.htm)
       = help: admit 10.24.1.5 to the whitelist of rm-orders: `"10.24.1.5"` in `whitelist` of [service.rm-orders]

    `i-web` cannot be linked to `vpc-shop`, and nothing would pass
    ----- stderr -----
    "#);
}

#[test]
fn the_remedies_of_a_blocked_link_make_it_carry() {
    let mut text = BLOCKED.to_owned();
    for _ in 0..3 {
        let bench = Bench::new().write("blocked.toml", &text);
        let value = objects(&bench, &["blocked.toml", LINK[0], LINK[1]]);
        for finding in value[0]["findings"].as_array().unwrap() {
            let help = finding["help"].as_str().unwrap();
            if finding["severity"] == "error" {
                text = applied(&text, help);
            }
        }
    }
    let bench = Bench::new().write("blocked.toml", &text);
    let told = run(&bench, &[]);
    assert_eq!(told.code, 0, "{text}\n{told}");
    assert!(!told.out.contains("error["), "{told}");
    let verdict = told.out.lines().last().unwrap();
    assert_eq!(
        verdict,
        "`i-web` can be linked to `vpc-shop`: it would reach `i-app` (everything) and `rm-orders` (everything)"
    );
    // And made, the link is what the pre-flight said it would be.
    let bench = bench.write("blocked.toml", edit(&text).linked("i-web", "vpc-shop").toml());
    let flow = "10.24.1.5:40000 > 192.168.1.20:3306";
    let trace = bench.run(&["trace", "blocked.toml", "--from", "i-web", "--tcp", flow]);
    assert!(trace.out.contains("DELIVERED to rm-orders"), "{trace}");
}

/// The file after what a help says: what to write, add or remove under which header.
fn applied(text: &str, help: &str) -> String {
    if let Some(destination) = help.strip_prefix("remove the route to ").and_then(|rest| rest.split('`').nth(1)) {
        let keeps = |line: &&str| !line.contains(&format!("destination = \"{destination}\""));
        return text.lines().filter(keeps).map(|line| format!("{line}\n")).collect();
    }
    // `what: `edit` in [table]`, or `in `list` of [table]`.
    let (before_edit, rest) = help.split_once('`').unwrap_or_else(|| panic!("no edit in: {help}"));
    let (edit, rest) = rest.split_once('`').unwrap();
    let (way, rest) = rest.split_once('[').unwrap_or_else(|| panic!("no table in: {help}"));
    let header = format!("[{}]", rest.split_once(']').unwrap().0);
    let (before, rest) = text.split_once(&format!("{header}\n")).unwrap_or_else(|| panic!("no {header} in the file"));
    let end = rest.find("\n[").map_or(rest.len(), |at| at + 1);
    let (section, after) = rest.split_at(end);
    let mut lines: Vec<String> = section.trim_end().lines().map(str::to_owned).collect();
    let key = edit.split(' ').next().unwrap();
    match way.split('`').nth(1) {
        Some(list) => {
            let line = lines.iter_mut().find(|line| line.starts_with(&format!("{list} = ["))).unwrap();
            *line = line.replace(']', &format!(", {edit}]"));
        }
        None => {
            lines.retain(|line| !line.starts_with(&format!("{key} ")));
            if !before_edit.ends_with("remove ") {
                lines.push(edit.to_owned());
            }
        }
    }
    format!("{before}{header}\n{}\n\n{after}", lines.join("\n"))
}

#[test]
fn a_link_that_carries_something_passes_and_names_what() {
    let bench = Bench::new().write("blocked.toml", edit(SHOP).unlinked("i-web").toml());
    let told = run(&bench, &[]);
    assert_eq!((told.code, told.error.as_str()), (0, ""));
    assert_eq!(
        told.out,
        "`i-web` can be linked to `vpc-shop`: it would reach `i-app` (icmp, tcp/8080) and `rm-orders` (everything), and \
         be reached by `i-app` (tcp/443)\n"
    );
    // The other VPC has ClassicLink off, and nothing in it knows the instance.
    let told = bench.run(&["check", "blocked.toml", "--link", "i-web=vpc-lab"]);
    assert_eq!(told.code, 1);
    let value = objects(&bench, &["blocked.toml", "--link", "i-web=vpc-lab"]);
    assert_eq!(findings(&value), ["error OperationDenied"]);
    assert_eq!((&value[0]["can_be_made"], &value[0]["carries"]), (&false.into(), &true.into()));
    assert_eq!(value[0]["reached_by"][0], serde_json::json!({ "endpoint": "i-lab", "passes": "tcp/443" }));
}

#[test]
fn refusals_bear_the_codes_of_the_vendor() {
    let unlinked = || edit(SHOP).unlinked("i-web");
    let refused = |world: EditedWorld, link: &str| {
        let bench = Bench::new().write("blocked.toml", world.toml());
        findings(&objects(&bench, &["blocked.toml", "--link", link]))
    };
    assert_eq!(refused(unlinked(), "i-app=vpc-lab"), ["error InvalidInstanceId.MalFormed", "error OperationDenied"]);
    assert_eq!(
        refused(unlinked().add("instance.i-web", "state", "pending"), "i-web=vpc-shop"),
        ["error InvalidStatus.InstanceStatus", "error instance-stopped"]
    );
    let partner =
        unlinked().add("instance.i-web", "account", "partner").add("security_group.sg-web", "account", "partner");
    assert_eq!(refused(partner, "i-web=vpc-shop"), ["error InvalidInstanceId.NotBelong"]);
    let region = unlinked().extended("vpc.vpc-lab", "region = \"cn-beijing\"\nclassic_link = true\n");
    assert_eq!(refused(region, "i-web=vpc-lab"), ["error InvalidVpcId.Malformed"]);
    let conflict = unlinked().set("vpc.vpc-lab", "routes", list([route("10.0.0.0/8", "ngw-out")]));
    assert_eq!(refused(conflict, "i-web=vpc-lab"), ["error OperationDenied", "error classiclink-route-conflict"]);
}

#[test]
fn planned_links_use_up_the_quota_one_after_the_other() {
    use std::fmt::Write;
    let mut text = "[vpc.shop]\ncidr = \"172.16.0.0/12\"\nclassic_link = true\n[vswitch.vsw]\nvpc = \"shop\"\n\
                    cidr = \"172.16.1.0/24\"\n[service.slb]\nkind = \"slb\"\nvswitch = \"vsw\"\nip = \"172.16.1.9\"\n\
                    [security_group]\nsg-0 = { network = \"classic\" }\nsg-1 = { network = \"classic\" }\n[instance]\n"
        .to_owned();
    for number in 0..1001 {
        let link = if number < 999 { ", linked_vpc = \"shop\"" } else { "" };
        let (group, c, d) = (number % 2, number / 250, number % 250 + 1);
        writeln!(
            text,
            "i-{number} = {{ network = \"classic\", private_ip = \"10.45.{c}.{d}\", security_groups = [\"sg-{group}\"]{link} }}"
        )
        .unwrap();
    }
    let bench = Bench::new().write("many.toml", text);
    let code = |links: &[&str]| {
        let links: Vec<&str> = links.iter().flat_map(|link| ["--link", link]).collect();
        bench.run(&[&["check", "many.toml"], &links[..]].concat()).code
    };
    assert_eq!((code(&["i-999=shop"]), code(&["i-1000=shop"])), (0, 0));
    assert_eq!(code(&["i-999=shop", "i-1000=shop"]), 1);
    let value = objects(&bench, &["many.toml", "--link", "i-999=shop", "--link", "i-1000=shop"]);
    assert_eq!((&value[0]["can_be_made"], &value[1]["can_be_made"]), (&true.into(), &false.into()));
    assert_eq!(value[1]["findings"][0]["id"], "QuotaExceeded");
    assert_eq!(value[1]["findings"][0]["message"], "1000 classic instances are linked to `shop`, as many as it takes");
    // One instance has one link.
    let value = objects(&bench, &["many.toml", "--link", "i-999=shop", "--link", "i-999=shop"]);
    assert_eq!(value[1]["findings"][0]["id"], "OperationDenied");
}

#[test]
fn a_link_between_names_that_do_not_exist_cannot_be_looked_at() {
    let bench = Bench::new();
    let told = |link: &str| {
        let told = bench.run(&["check", "shop.toml", "--link", link]);
        (told.code, told.error)
    };
    assert_eq!(
        told("i-wbe=vpc-shop"),
        (2, "error: the topology has no instance `i-wbe`; did you mean `i-web`?\n".into())
    );
    assert_eq!(
        told("i-web=vpc-shpo"),
        (2, "error: the topology has no VPC `vpc-shpo`; did you mean `vpc-shop`?\n".into())
    );
    let service = "error: `rm-orders` is a managed service; only classic ECS instances are linked\n";
    assert_eq!(told("rm-orders=vpc-shop"), (2, service.into()));
    let (code, error) = told("i-web");
    assert_eq!(code, 2);
    assert!(error.contains("expected INSTANCE=VPC, as i-web=vpc-shop"), "{error}");
}

#[test]
fn a_file_with_errors_of_its_own_says_so_first() {
    let bench = Bench::new().write("blocked.toml", duplicated());
    let told = run(&bench, &[]);
    assert_eq!(told.code, 1);
    assert!(told.out.starts_with("error[duplicate-address]: "), "{told}");
    let value = objects(&bench, &["blocked.toml", LINK[0], LINK[1]]);
    assert_eq!(findings(&value)[..2], ["error duplicate-address", "error OperationDenied"]);
    let odd = Bench::new().write("blocked.toml", "[vpc.a]\ncdr = \"10.0.0.0/8\"\n");
    assert_eq!(run(&odd, &[]).code, 2);
}

#[test]
fn on_a_github_runner_the_reasons_are_annotations() {
    let bench = Bench::new().write("blocked.toml", BLOCKED);
    let told = run(&bench, &["--format", "github"]);
    assert_eq!(told.code, 1);
    let first: Vec<&str> = told.out.lines().take(2).collect();
    assert_snapshot!(first.join("\n"), @r#"
    ::error file=blocked.toml,line=35,col=14,title=OperationDenied::`i-web` is linked to `vpc-old`%0Anote: AttachClassicLinkVpc answers OperationDenied (403): the instance is linked already, to this VPC or to another one (https://www.alibabacloud.com/help/doc-detail/59021.htm)%0Ahelp: detach i-web from vpc-old, which ends what passes between them: remove `linked_vpc` from [instance.i-web]
    ::error file=blocked.toml,line=4,col=16,title=OperationDenied::ClassicLink is off for `vpc-shop`%0Anote: AttachClassicLinkVpc answers OperationDenied (403): the VPC has ClassicLink off (https://www.alibabacloud.com/help/doc-detail/59021.htm)%0Ahelp: enable ClassicLink for vpc-shop: `classic_link = true` in [vpc.vpc-shop]
    "#);
}

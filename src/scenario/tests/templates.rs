//! Templates: what an instance has from one, what it says itself, and what is told of both.

use super::notations::{as_yaml, values_of, without_places};
use super::{changed, topology_told};
use crate::diag::Sources;
use crate::scenario::{Notation, topology, topology_as};
use insta::assert_snapshot;

const FLEET: &str = r#"[vpc.vpc-a]
cidr = "172.16.0.0/12"
classic_link = true

[vswitch.vsw-a]
vpc = "vpc-a"
cidr = "172.16.1.0/24"

[security_group.sg-web]
network = "classic"

[security_group.sg-app]
vpc = "vpc-a"

[template.web]
network = "classic"
security_groups = ["sg-web"]
linked_vpc = "vpc-a"
guest_routes = ["192.168.0.0/16"]
bandwidth_mbps = { tx = 100, rx = 200 }
tags = { role = "web" }
description = "serves"

[instance.i-1]
template = "web"
private_ip = "10.45.2.10"

[instance.i-2]
template = "web"
private_ip = "10.45.2.11"
guest_routes = []
state = "stopped"
tags = { stage = "test" }
"#;

/// The same without a template.
const PLAIN: &str = r#"[vpc.vpc-a]
cidr = "172.16.0.0/12"
classic_link = true

[vswitch.vsw-a]
vpc = "vpc-a"
cidr = "172.16.1.0/24"

[security_group.sg-web]
network = "classic"

[security_group.sg-app]
vpc = "vpc-a"

[instance.i-1]
network = "classic"
private_ip = "10.45.2.10"
security_groups = ["sg-web"]
linked_vpc = "vpc-a"
guest_routes = ["192.168.0.0/16"]
bandwidth_mbps = { tx = 100, rx = 200 }
tags = { role = "web" }
description = "serves"

[instance.i-2]
network = "classic"
private_ip = "10.45.2.11"
security_groups = ["sg-web"]
linked_vpc = "vpc-a"
guest_routes = []
bandwidth_mbps = { tx = 100, rx = 200 }
state = "stopped"
tags = { stage = "test" }
description = "serves"
"#;

#[test]
fn an_instance_has_what_its_template_says_and_it_does_not() {
    let (expected, _) = topology(&mut Sources::new(), "a.toml", PLAIN);
    assert_eq!(expected.instances.len(), 2);
    let json = values_of(FLEET).to_string();
    for (text, notation) in [(FLEET, Notation::Toml), (&*json, Notation::Json), (&*as_yaml(FLEET), Notation::Yaml)] {
        let (world, findings) = topology_as(&mut Sources::new(), "a", text, notation);
        assert_eq!(findings, []);
        assert_eq!(without_places(&world), without_places(&expected));
    }
}

#[test]
fn an_instance_that_says_where_it_lives_leaves_the_place_of_its_template() {
    let text = changed(FLEET, "guest_routes = []", "vswitch = \"vsw-a\"\nsecurity_groups = [\"sg-app\"]");
    let (world, findings) = topology(&mut Sources::new(), "a.toml", &text);
    assert_eq!(findings, []);
    let key = world.instances.find("i-2").unwrap();
    assert_eq!(
        world.instances[key].location.value,
        crate::model::Location::Vswitch(world.vswitches.find("vsw-a").unwrap())
    );
}

/// Once, whatever the number of instances; with the first one that has the value.
#[test]
fn a_mistake_in_a_template_is_told_once_with_an_instance() {
    assert_eq!(topology_told(FLEET), "");
    assert_snapshot!(topology_told(&changed(FLEET, "linked_vpc = \"vpc-a\"", "linked_vpc = \"vpc-b\"")), @r#"
    unknown-id: no VPC is called `vpc-b`
      18:14 "vpc-b" -- declared nowhere in this file
      25:12 "web" -- used here
      help: did you mean `vpc-a`?
    "#);
    assert_snapshot!(topology_told(&changed(FLEET, "[\"sg-web\"]\nlinked", "[\"sg-web\", \"sg-wbe\"]\nlinked")), @r#"
    unknown-id: no security group is called `sg-wbe`
      17:30 "sg-wbe" -- declared nowhere in this file
      25:12 "web" -- used here
      help: did you mean `sg-web`?
    "#);
    assert_snapshot!(topology_told(&changed(FLEET, "\"192.168.0.0/16\"", "\"192.168.0.1/16\"")), @r#"
    invalid-value: "192.168.0.1/16" has host bits set
      19:17 "192.168.0.1/16" -- not a network address
      25:12 "web" -- used here
      note: a /16 covers 192.168.0.0/16; the bits after it must be zero
      help: write "192.168.0.0/16"
    "#);
    assert_snapshot!(topology_told(&changed(FLEET, "tx = 100", "tx = \"100\"")), @r#"
    wrong-type: `tx` expects an integer, found a string
      20:25 "100" -- expected an integer
      25:12 "web" -- used here
    "#);
    assert_snapshot!(topology_told(&changed(FLEET, "network = \"classic\"\nsecurity_groups", "security_groups")), @r"
    conflicting-keys: instance `i-1` needs one of `network`, `vswitch`
      23:1 [instance.i-1] -- none of them is here
    conflicting-keys: instance `i-2` needs one of `network`, `vswitch`
      27:1 [instance.i-2] -- none of them is here
    ");
    // What an instance replaces is read for those that have it.
    assert_snapshot!(topology_told(&changed(FLEET, "private_ip = \"10.45.2.10\"", "private_ip = \"10.45.2\"\nlinked_vpc = 1")), @r#"
    invalid-value: "10.45.2" is no IPv4 address
      26:14 "10.45.2" -- expected an address
    wrong-type: `linked_vpc` expects a string, found an integer
      27:14 1 -- expected a string
    "#);
}

#[test]
fn a_template_is_declared_once_and_has_no_addresses() {
    assert_snapshot!(topology_told(&FLEET.replace("template = \"web\"", "template = \"wbe\"")), @r#"
    unknown-id: no template is called `wbe`
      25:12 "wbe" -- declared nowhere
      help: did you mean `web`?
    unknown-id: no template is called `wbe`
      29:12 "wbe" -- declared nowhere
      help: did you mean `web`?
    "#);
    assert_snapshot!(topology_told("[instance.i-1]\ntemplate = \"web\"\nnetwork = \"classic\"\nprivate_ip = \"10.0.0.1\"\n"), @r#"
    unknown-id: no template is called `web`
      2:12 "web" -- declared nowhere
      help: declare it as [template.web]
    "#);
    assert_snapshot!(topology_told("[template.web]\nprivate_ip = \"10.0.0.1\"\nnetwrok = 1\n[template]\napp = 1\n[template.web]\n"), @r"
    unknown-key: template `web` has no key `private_ip`
      2:1 private_ip -- unknown key
      help: the keys of template `web` are `network`, `vswitch`, `security_groups`, `state`, `linked_vpc`, `guest_routes`, `forwarding`, `zone`, `region`, `account`, `bandwidth_mbps`, `pps`, `burst_ms`, `queue_ms`, `queue_packets`, `name`, `description`, `tags`
    unknown-key: template `web` has no key `netwrok`
      3:1 netwrok -- unknown key
      help: did you mean `network`?
    wrong-type: `app` expects a table, found an integer
      5:7 1 -- expected a table
    duplicate-id: `web` is declared twice
      6:11 web -- the second time here
      1:1 [template.web] -- the first time here
    ");
}

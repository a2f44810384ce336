//! Every way a scenario file can be wrong, one mistake at a time.

use super::{SHOP, scenario_told, slip};
use insta::assert_snapshot;

#[test]
fn a_scenario_needs_a_title_a_topology_and_steps() {
    assert_snapshot!(slip("title = \"A linked instance reaches its VPC\"\n", ""), @r#"
    missing-key: a scenario file needs the key `title`
      1:1  -- `title` is missing
      help: add it, for example `title = "A linked instance reaches its VPC"`
    "#);
    assert_snapshot!(scenario_told("title = \"x\"\nstep = []\n[topology]\n"), @r"
    invalid-value: a scenario needs at least one step
      2:8 [] -- no steps
    ");
    assert_snapshot!(scenario_told("title = \"x\"\n[topology]\n"), @r#"
    missing-key: a scenario file needs the key `step`
      1:1  -- `step` is missing
      help: add it, for example `step = [{ wait = "1s" }]`
    "#);
    assert_snapshot!(scenario_told("title = \"x\"\n[[step]]\nwait = \"1s\"\n"), @r#"
    missing-key: a scenario file needs the key `topology`
      1:1  -- `topology` is missing
      help: add it, for example `topology = "topologies/shop.toml"`
    "#);
    assert_snapshot!(slip("title = \"A", "tite = \"A"), @r#"
    missing-key: a scenario file needs the key `title`
      1:1  -- `title` is missing
      help: add it, for example `title = "A linked instance reaches its VPC"`
    unknown-key: a scenario file has no key `tite`
      1:1 tite -- unknown key
      help: did you mean `title`?
    "#);
}

#[test]
fn a_topology_file_is_no_scenario() {
    assert_snapshot!(scenario_told(SHOP), @r#"
    wrong-file-kind: this is a topology file, not a scenario file
      1:2 defaults -- a section of a topology
      help: check it with `biplane check`, or name it in a scenario as `topology = "…"`
    "#);
}

#[test]
fn a_topology_that_cannot_be_read_is_shown_where_it_is_named() {
    assert_snapshot!(scenario_told("title = \"x\"\ntopology = \"nowhere.toml\"\n[[step]]\nwait = \"1s\"\n"), @r#"
    unreadable-file: cannot read `scenarios/nowhere.toml`: No such file or directory (os error 2)
      2:12 "nowhere.toml" -- named here
    "#);
}

#[test]
fn mistakes_in_an_inline_topology_are_told_and_hide_no_others() {
    assert_snapshot!(slip("vpc = \"shop\"\ncidr", "vpc = \"shp\"\ncidr"), @r#"
    unknown-id: no VPC is called `shp`
      24:7 "shp" -- declared nowhere in this file
      help: did you mean `shop`?
    "#);
    assert_snapshot!(slip("port_range = \"3306\"", "port_range = \"3306-7\"").lines().take(2).collect::<Vec<_>>().join("\n"), @r#"
    invalid-value: `port_range` cannot be "3306-7"
      33:45 "3306-7" -- expected a port as "443", a range as "80/90", or "-1/-1" for all
    "#);
}

#[test]
fn a_step_does_one_thing_and_claims_something() {
    assert_snapshot!(slip("wait = \"61s\"", "wait = \"61s\"\nsend = { from = \"web-1\", icmp = \"10.45.2.10 > 10.45.2.11\" }"), @r"
    conflicting-keys: a step has both `wait` and `send`
      10:1 send -- remove this one or the other
      9:1 wait -- already given here
    ");
    assert_snapshot!(slip("wait = \"61s\"", "title = \"nothing\""), @r"
    conflicting-keys: a step needs one of `send`, `replay`, `apply`, `wait`
      8:1 [[step]] -- none of them is here
    ");
    assert_snapshot!(slip("wait = \"61s\"", "wait = \"61 seconds\""), @r#"
    invalid-value: `wait` cannot be "61 seconds"
      9:8 "61 seconds" -- expected a number and ns, us, ms, s, m or h, as in "61s"
    "#);
    assert_snapshot!(slip("wait = \"61s\"", "wait = \"61s\"\nexpect = { verdict = \"answered\" }"), @r#"
    conflicting-keys: `expect` does not go with `wait`
      10:1 expect -- remove this key
      9:8 "61s" -- because of `wait`
    "#);
    assert_snapshot!(slip("expect = { verdict = \"dropped\", reason = \"sg-ingress-deny\", at = \"web-1\", rule = \"sg-web ingress #1\" }", ""), @r#"
    missing-key: a step with `send` needs the key `expect`
      11:1 [[step]] -- `expect` is missing
      note: a step that claims nothing tests nothing
      help: add it, for example `expect = { verdict = "delivered", to = "db-1" }`
    "#);
    assert_snapshot!(slip("expect = { delivered = { db-1 = 7, web-1 = 6 }, dropped = { sg-ingress-deny = 3 }, answered = 1 }", ""), @r"
    missing-key: a step with `replay` needs the key `expect`
      15:1 [[step]] -- `expect` is missing
      note: a step that claims nothing tests nothing
      help: add it, for example `expect = { delivered = { db-1 = 7 } }`
    ");
}

#[test]
fn the_sender_and_the_packet_of_a_send_are_checked() {
    assert_snapshot!(slip("from = \"web-1\"", "from = \"web-2\""), @r#"
    unknown-id: no endpoint is called `web-2`
      5:17 "web-2" -- the topology declares none of this id
      help: did you mean `web-1`?
    "#);
    assert_snapshot!(slip("from = \"web-1\"", "from = \"shop\""), @r#"
    unknown-id: no endpoint is called `shop`
      5:17 "shop" -- this is a routing domain
      help: there are `cloud-services`, `db-1`, `web-1`
    "#);
    assert_snapshot!(slip("from = \"web-1\", ", ""), @r#"
    missing-key: `send` needs the key `from`
      5:8 { tcp = "10.45.2.10:40000 > 172.16.4.20:3306" } -- `from` is missing
      help: add it, for example `from = "web-1"`
    "#);
    assert_snapshot!(slip("40000 > 172.16.4.20:3306", "40000 > 172.16.4.20"), @r#"
    invalid-value: `tcp` cannot be "10.45.2.10:40000 > 172.16.4.20"
      5:52 172.16.4.20 -- a port is missing, as in 10.45.2.10:40000
    "#);
    assert_snapshot!(slip("40000 > 172.16.4.20:3306", "40000 > 172.16.4:3306"), @r#"
    invalid-value: `tcp` cannot be "10.45.2.10:40000 > 172.16.4:3306"
      5:52 172.16.4 -- not an IPv4 address
    "#);
    assert_snapshot!(slip("tcp = \"10.45.2.10:40000 > 172.16.4.20:3306\"", "udp = \"10.45.2.10:4 > 172.16.4.20:3\", flags = \"S\""), @r#"
    conflicting-keys: `flags` does not go with `udp`
      5:64 flags -- remove this key
      5:32 "10.45.2.10:4 > 172.16.4.20:3" -- because of `udp`
    "#);
    assert_snapshot!(slip("tcp = \"10.45.2.10:40000 > 172.16.4.20:3306\"", "tcp = \"10.45.2.10:4 > 172.16.4.20:3\", icmp = \"10.45.2.10 > 172.16.4.20\""), @r"
    conflicting-keys: `send` has both `tcp` and `icmp`
      5:64 icmp -- remove this one or the other
      5:26 tcp -- already given here
    ");
    assert_snapshot!(slip("tcp = \"10.45.2.10:40000 > 172.16.4.20:3306\"", "ttl = 3"), @r#"
    conflicting-keys: `send` needs one of `tcp`, `udp`, `icmp`, `ip`, `arp`, `hex`
      5:8 { from = "web-1", ttl = 3 } -- none of them is here
    "#);
    assert_snapshot!(slip("icmp = \"172.16.4.20 > 10.45.2.10\"", "icmp = \"172.16.4.20 > 10.45.2.10\", type = 256"), @r"
    invalid-value: `type` is out of range
      12:67 256 -- expected from 0 to 255
    ");
    assert_snapshot!(slip("icmp = \"172.16.4.20 > 10.45.2.10\"", "ip = \"172.16.4.20 > 10.45.2.10\""), @r#"
    missing-key: `send` needs the key `protocol`
      12:8 { from = "db-1", ip = "172.16.4.20 > 10.45.2.10" } -- `protocol` is missing
      help: add it, for example `protocol = 47`
    "#);
    assert_snapshot!(slip("icmp = \"172.16.4.20 > 10.45.2.10\"", "arp = \"172.16.4.20 > 10.45.2.10\", ttl = 3"), @r#"
    conflicting-keys: `ttl` does not go with `arp`
      12:59 ttl -- remove this key
      12:31 "172.16.4.20 > 10.45.2.10" -- because of `arp`
    "#);
    assert_snapshot!(slip("icmp = \"172.16.4.20 > 10.45.2.10\"", "hex = \"0016 3e0\""), @r#"
    invalid-value: `hex` cannot be "0016 3e0"
      12:32 0016 3e0 -- expected pairs of hexadecimal digits, as in "00163e00 0001"
    "#);
    assert_snapshot!(slip("icmp = \"172.16.4.20 > 10.45.2.10\"", "icmp = \"172.16.4.20 > 10.45.2.10\", fragment_offset = 1481"), @r"
    invalid-value: `fragment_offset` is in bytes and a multiple of 8
      12:78 1481 -- not a multiple of 8
      help: write 1480 or 1488
    ");
    assert_snapshot!(slip("icmp = \"172.16.4.20 > 10.45.2.10\"", "icmp = \"172.16.4.20 > 10.45.2.10\", payload = \"x\", length = 1"), @r"
    conflicting-keys: `send` has both `payload` and `length`
      12:75 length -- remove this one or the other
      12:60 payload -- already given here
    ");
    assert_snapshot!(slip("icmp = \"172.16.4.20 > 10.45.2.10\"", "icmp = \"172.16.4.20 > 10.45.2.10\", length = 65508"), @r"
    invalid-value: the packet would have 65536 bytes
      12:69 65508 -- too long
      note: an IPv4 packet has at most 65535 bytes
    ");
    assert_snapshot!(slip("icmp = \"172.16.4.20 > 10.45.2.10\"", "tcp = \"1.2.3.4:1 > 1.2.3.4:2\", flags = \"SYN\""), @r#"
    invalid-value: `flags` cannot be "SYN"
      12:64 "SYN" -- expected some of the letters F S R P A U E C, each once, as in "SA"; or "none"
    "#);
}

#[test]
fn the_claims_of_a_send_are_checked() {
    assert_snapshot!(slip("verdict = \"delivered\"", "verdict = \"deliverd\""), @r#"
    invalid-value: `verdict` cannot be "deliverd"
      6:22 "deliverd" -- did you mean "delivered"?
      help: expected one of `delivered`, `answered`, `outside`, `dropped`, `undetermined`
    "#);
    assert_snapshot!(slip("to = \"db-1\", ", ""), @r#"
    missing-key: `expect` of a `send` needs the key `to`
      6:10 { verdict = "delivered", path = ["web-1", "classic", "shop", "db-1"], session = false, ttl = 62 } -- `to` is missing
      help: add it, for example `to = "db-1"`
    "#);
    assert_snapshot!(slip("to = \"db-1\"", "to = \"db-2\""), @r#"
    unknown-id: no endpoint is called `db-2`
      6:40 "db-2" -- the topology declares none of this id
      help: did you mean `db-1`?
    "#);
    assert_snapshot!(slip("\"classic\", \"shop\"", "\"classic\", \"vpc-shop\""), @r#"
    unknown-id: no endpoint or routing domain is called `vpc-shop`
      6:76 "vpc-shop" -- the topology declares none of this id
      help: there are `classic`, `cloud-services`, `db-1`, `shop`, `web-1`
    "#);
    assert_snapshot!(slip("verdict = \"delivered\", ", "verdict = \"delivered\", reason = \"no-route\", "), @r#"
    conflicting-keys: `reason` does not go with verdict "delivered"
      6:35 reason -- remove this key
      6:22 "delivered" -- because of verdict "delivered"
    "#);
    assert_snapshot!(slip("reason = \"sg-ingress-deny\"", "reason = \"sg-ingres-deny\""), @r#"
    invalid-value: there is no reason `sg-ingres-deny`
      13:42 "sg-ingres-deny" -- not a reason for which frames are dropped
      help: did you mean `sg-ingress-deny`?
    "#);
    assert_snapshot!(slip("reason = \"sg-ingress-deny\", ", ""), @r#"
    missing-key: `expect` of a `send` needs the key `reason`
      13:10 { verdict = "dropped", at = "web-1", rule = "sg-web ingress #1" } -- `reason` is missing
      help: add it, for example `reason = "sg-ingress-deny"`
    "#);
    assert_snapshot!(slip("sg-web ingress #1", "sg-web ingress #2"), @r#"
    invalid-value: `sg-web` has no ingress rule #2
      13:82 "sg-web ingress #2" -- it has one ingress rule
      note: rules count from 1 in the order of the file
    "#);
    assert_snapshot!(slip("sg-web ingress #1", "sg-wbe ingress #1"), @r#"
    unknown-id: no security group is called `sg-wbe`
      13:82 "sg-wbe ingress #1" -- the topology declares none of this id
      help: did you mean `sg-web`?
    "#);
    assert_snapshot!(slip("sg-web ingress #1", "sg-web #1"), @r#"
    invalid-value: `rule` cannot be "sg-web #1"
      13:82 "sg-web #1" -- expected "default" or a rule as "sg-db ingress #2"
    "#);
    assert_snapshot!(slip("verdict = \"dropped\", reason", "verdict = \"answered\", reason"), @r#"
    conflicting-keys: `reason` does not go with verdict "answered"
      13:34 reason -- remove this key
      13:22 "answered" -- because of verdict "answered"
    conflicting-keys: `at` does not go with verdict "answered"
      13:62 at -- remove this key
      13:22 "answered" -- because of verdict "answered"
    conflicting-keys: `rule` does not go with verdict "answered"
      13:76 rule -- remove this key
      13:22 "answered" -- because of verdict "answered"
    "#);
    assert_snapshot!(slip("rule = \"sg-web ingress #1\" }", "emitted = [{ to = \"web-1\", by = \"db-1\", kind = \"arp\" }] }"), @r#"
    unknown-id: no routing domain is called `db-1`
      13:107 "db-1" -- this is an endpoint
      help: there are `classic`, `shop`
    invalid-value: `kind` cannot be "arp"
      13:122 "arp" -- 
      help: expected one of `time-exceeded`, `fragmentation-needed`, `arp-reply`
    "#);
    assert_snapshot!(slip("rule = \"sg-web ingress #1\" }", "emitted = [{ by = \"shop\" }] }"), @r#"
    missing-key: an emitted frame needs the key `to`
      13:86 { by = "shop" } -- `to` is missing
      help: add it, for example `to = "web-1"`
    missing-key: an emitted frame needs the key `kind`
      13:86 { by = "shop" } -- `kind` is missing
      help: add it, for example `kind = "time-exceeded"`
    "#);
}

#[test]
fn the_keys_and_claims_of_a_replay_are_checked() {
    assert_snapshot!(slip("capture = \"../pcaps/mysql.pcap\", ", ""), @r#"
    missing-key: `replay` needs the key `capture`
      16:10 { inject = { "10.45.2.10" = "web-1" }, map = { "1.2.3.4" = "10.45.2.10" } } -- `capture` is missing
      help: add it, for example `capture = "../pcaps/mysql.pcap"`
    "#);
    assert_snapshot!(slip("inject = { \"10.45.2.10\" = \"web-1\" }", "inject = { \"10.45.2\" = \"web-9\" }"), @r#"
    invalid-value: "10.45.2" is no IPv4 address
      16:56 "10.45.2" -- 
      help: the keys of `inject` are addresses in quotes
    unknown-id: no endpoint is called `web-9`
      16:68 "web-9" -- the topology declares none of this id
      help: did you mean `web-1`?
    "#);
    assert_snapshot!(slip("map = { \"1.2.3.4\" = \"10.45.2.10\" }", "map = { \"1.2.3.4\" = \"web-1\" }"), @r#"
    invalid-value: "web-1" is no IPv4 address
      16:102 "web-1" -- expected an address
    "#);
    assert_snapshot!(slip("delivered = { db-1 = 7", "delivered = { bd-1 = 7"), @r"
    unknown-id: no endpoint is called `bd-1`
      17:26 bd-1 -- the topology declares none of this id
      help: did you mean `db-1`?
    ");
    assert_snapshot!(slip("dropped = { sg-ingress-deny = 3 }", "dropped = { sg-deny = 3 }"), @r"
    invalid-value: there is no reason `sg-deny`
      17:61 sg-deny -- not a reason for which frames are dropped
      help: `biplane explain` lists all reasons
    ");
    assert_snapshot!(slip("web-1 = 6", "web-1 = -6"), @r"
    invalid-value: `web-1` is out of range
      17:44 -6 -- expected at least 0
    ");
    assert_snapshot!(slip("answered = 1", "answerd = 1"), @r"
    unknown-key: `expect` of a `replay` has no key `answerd`
      17:84 answerd -- unknown key
      help: did you mean `answered`?
    ");
    assert_snapshot!(slip("answered = 1", "frames = [{ frame = 0, verdict = \"answered\" }, { verdict = \"undetermined\" }]"), @r#"
    invalid-value: `frame` is out of range
      17:104 0 -- expected at least 1
    missing-key: a frame needs the key `frame`
      17:131 { verdict = "undetermined" } -- `frame` is missing
      help: add it, for example `frame = 1`
    "#);
}

//! Every way a scenario file can be wrong, one mistake at a time.

use super::{SHOP, scenario_told, slip};
use insta::assert_snapshot;

#[test]
fn a_scenario_needs_a_title_a_topology_and_steps() {
    assert_snapshot!(slip("title = \"A linked instance reaches its VPC\"\n", ""), @"");
    assert_snapshot!(scenario_told("title = \"x\"\nstep = []\n[topology]\n"), @"");
    assert_snapshot!(scenario_told("title = \"x\"\n[topology]\n"), @"");
    assert_snapshot!(scenario_told("title = \"x\"\n[[step]]\nwait = \"1s\"\n"), @"");
    assert_snapshot!(slip("title = \"A", "tite = \"A"), @"");
}

#[test]
fn a_topology_file_is_no_scenario() {
    assert_snapshot!(scenario_told(SHOP), @"");
}

#[test]
fn a_topology_that_cannot_be_read_is_shown_where_it_is_named() {
    assert_snapshot!(scenario_told("title = \"x\"\ntopology = \"nowhere.toml\"\n[[step]]\nwait = \"1s\"\n"), @"");
}

#[test]
fn mistakes_in_an_inline_topology_are_told_and_hide_no_others() {
    assert_snapshot!(slip("vpc = \"shop\"\ncidr", "vpc = \"shp\"\ncidr"), @"");
    assert_snapshot!(slip("port_range = \"3306\"", "port_range = \"3306-7\"").lines().take(2).collect::<Vec<_>>().join("\n"), @"");
}

#[test]
fn a_step_does_one_thing_and_claims_something() {
    assert_snapshot!(slip("wait = \"61s\"", "wait = \"61s\"\nsend = { from = \"web-1\", icmp = \"10.45.2.10 > 10.45.2.11\" }"), @"");
    assert_snapshot!(slip("wait = \"61s\"", "title = \"nothing\""), @"");
    assert_snapshot!(slip("wait = \"61s\"", "wait = \"61 seconds\""), @"");
    assert_snapshot!(slip("wait = \"61s\"", "wait = \"61s\"\nexpect = { verdict = \"answered\" }"), @"");
    assert_snapshot!(slip("expect = { verdict = \"dropped\", reason = \"sg-ingress-deny\", at = \"web-1\", rule = \"sg-web ingress #1\" }", ""), @"");
    assert_snapshot!(slip("expect = { delivered = { db-1 = 7, web-1 = 6 }, dropped = { sg-ingress-deny = 3 }, answered = 1 }", ""), @"");
}

#[test]
fn the_sender_and_the_packet_of_a_send_are_checked() {
    assert_snapshot!(slip("from = \"web-1\"", "from = \"web-2\""), @"");
    assert_snapshot!(slip("from = \"web-1\"", "from = \"shop\""), @"");
    assert_snapshot!(slip("from = \"web-1\", ", ""), @"");
    assert_snapshot!(slip("40000 > 172.16.4.20:3306", "40000 > 172.16.4.20"), @"");
    assert_snapshot!(slip("40000 > 172.16.4.20:3306", "40000 > 172.16.4:3306"), @"");
    assert_snapshot!(slip("tcp = \"10.45.2.10:40000 > 172.16.4.20:3306\"", "udp = \"10.45.2.10:4 > 172.16.4.20:3\", flags = \"S\""), @"");
    assert_snapshot!(slip("tcp = \"10.45.2.10:40000 > 172.16.4.20:3306\"", "tcp = \"10.45.2.10:4 > 172.16.4.20:3\", icmp = \"10.45.2.10 > 172.16.4.20\""), @"");
    assert_snapshot!(slip("tcp = \"10.45.2.10:40000 > 172.16.4.20:3306\"", "ttl = 3"), @"");
    assert_snapshot!(slip("icmp = \"172.16.4.20 > 10.45.2.10\"", "icmp = \"172.16.4.20 > 10.45.2.10\", type = 256"), @"");
    assert_snapshot!(slip("icmp = \"172.16.4.20 > 10.45.2.10\"", "ip = \"172.16.4.20 > 10.45.2.10\""), @"");
    assert_snapshot!(slip("icmp = \"172.16.4.20 > 10.45.2.10\"", "arp = \"172.16.4.20 > 10.45.2.10\", ttl = 3"), @"");
    assert_snapshot!(slip("icmp = \"172.16.4.20 > 10.45.2.10\"", "hex = \"0016 3e0\""), @"");
    assert_snapshot!(slip("icmp = \"172.16.4.20 > 10.45.2.10\"", "icmp = \"172.16.4.20 > 10.45.2.10\", fragment_offset = 1481"), @"");
    assert_snapshot!(slip("icmp = \"172.16.4.20 > 10.45.2.10\"", "icmp = \"172.16.4.20 > 10.45.2.10\", payload = \"x\", length = 1"), @"");
    assert_snapshot!(slip("icmp = \"172.16.4.20 > 10.45.2.10\"", "icmp = \"172.16.4.20 > 10.45.2.10\", length = 65508"), @"");
    assert_snapshot!(slip("icmp = \"172.16.4.20 > 10.45.2.10\"", "tcp = \"1.2.3.4:1 > 1.2.3.4:2\", flags = \"SYN\""), @"");
}

#[test]
fn the_claims_of_a_send_are_checked() {
    assert_snapshot!(slip("verdict = \"delivered\"", "verdict = \"deliverd\""), @"");
    assert_snapshot!(slip("to = \"db-1\", ", ""), @"");
    assert_snapshot!(slip("to = \"db-1\"", "to = \"db-2\""), @"");
    assert_snapshot!(slip("\"classic\", \"shop\"", "\"classic\", \"vpc-shop\""), @"");
    assert_snapshot!(slip("verdict = \"delivered\", ", "verdict = \"delivered\", reason = \"no-route\", "), @"");
    assert_snapshot!(slip("reason = \"sg-ingress-deny\"", "reason = \"sg-ingres-deny\""), @"");
    assert_snapshot!(slip("reason = \"sg-ingress-deny\", ", ""), @"");
    assert_snapshot!(slip("sg-web ingress #1", "sg-web ingress #2"), @"");
    assert_snapshot!(slip("sg-web ingress #1", "sg-wbe ingress #1"), @"");
    assert_snapshot!(slip("sg-web ingress #1", "sg-web #1"), @"");
    assert_snapshot!(slip("verdict = \"dropped\", reason", "verdict = \"answered\", reason"), @"");
    assert_snapshot!(slip("rule = \"sg-web ingress #1\" }", "emitted = [{ to = \"web-1\", by = \"db-1\", kind = \"arp\" }] }"), @"");
    assert_snapshot!(slip("rule = \"sg-web ingress #1\" }", "emitted = [{ by = \"shop\" }] }"), @"");
}

#[test]
fn the_keys_and_claims_of_a_replay_are_checked() {
    assert_snapshot!(slip("capture = \"../pcaps/mysql.pcap\", ", ""), @"");
    assert_snapshot!(slip("inject = { \"10.45.2.10\" = \"web-1\" }", "inject = { \"10.45.2\" = \"web-9\" }"), @"");
    assert_snapshot!(slip("map = { \"1.2.3.4\" = \"10.45.2.10\" }", "map = { \"1.2.3.4\" = \"web-1\" }"), @"");
    assert_snapshot!(slip("delivered = { db-1 = 7", "delivered = { bd-1 = 7"), @"");
    assert_snapshot!(slip("dropped = { sg-ingress-deny = 3 }", "dropped = { sg-deny = 3 }"), @"");
    assert_snapshot!(slip("web-1 = 6", "web-1 = -6"), @"");
    assert_snapshot!(slip("answered = 1", "answerd = 1"), @"");
    assert_snapshot!(slip("answered = 1", "frames = [{ frame = 0, verdict = \"answered\" }, { verdict = \"undetermined\" }]"), @"");
}

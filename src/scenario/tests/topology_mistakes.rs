//! Every way a topology file can be wrong, one mistake at a time.

use super::{CALL, mistake, topology_told};
use insta::assert_snapshot;

#[test]
fn an_unknown_key_suggests_the_near_one_or_lists_all() {
    assert_snapshot!(mistake("zone = \"b\"", "zne = \"b\""), @"");
    assert_snapshot!(mistake("mtu = 1400", "speed = 1400"), @"");
    assert_snapshot!(mistake("[fabric]", "[fabrik]"), @"");
    assert_snapshot!(mistake("priority = 100", "prio = 100"), @"");
}

#[test]
fn a_missing_key_is_named_with_an_example() {
    assert_snapshot!(mistake("cidr = \"172.16.1.0/24\"\n", ""), @"");
    assert_snapshot!(mistake("ip = \"172.16.1.20\"\n", ""), @"");
    assert_snapshot!(mistake("{ protocol = \"tcp\", port_range = \"443/443\", source = \"0.0.0.0/0\" }", "{ destination = \"10.0.0.0/8\" }"), @"");
    assert_snapshot!(mistake("{ destination = \"10.9.0.0/16\", next_hop = \"pcc-1\" }", "{}"), @"");
}

#[test]
fn a_value_of_the_wrong_type_is_refused() {
    assert_snapshot!(mistake("classic_link = true", "classic_link = \"yes\""), @"");
    assert_snapshot!(mistake("zone = \"b\"", "zone = 2"), @"");
    assert_snapshot!(mistake("security_groups = [\"sg-web\"]", "security_groups = \"sg-web\""), @"");
    assert_snapshot!(mistake("pps = 20000", "pps = 2.5"), @"");
    assert_snapshot!(mistake("udp = 61", "udp = \"61s\""), @"");
    assert_snapshot!(mistake("vpcs = [\"vpc-shop\", \"vpc-lab\"]", "vpcs = [1, 2020-01-01]"), @"");
    assert_snapshot!(mistake("routes = [{ destination = \"10.9.0.0/16\", next_hop = \"pcc-1\" }]", "routes = [\"10.9.0.0/16\"]"), @"");
    assert_snapshot!(mistake("[peering.pcc-1]\nvpcs", "[peering]\nvpcs"), @"");
}

#[test]
fn an_invalid_address_is_refused() {
    assert_snapshot!(mistake("private_ip = \"10.24.1.5\"", "private_ip = \"10.24.1.256\""), @"");
    assert_snapshot!(mistake("private_ip = \"10.24.1.5\"", "private_ip = \"10.24.1.5/32\""), @"");
    assert_snapshot!(mistake("private_ip = \"10.24.1.5\"", "private_ip = \"fe80::1\""), @"");
}

#[test]
fn an_invalid_cidr_is_refused_and_host_bits_name_the_network() {
    assert_snapshot!(mistake("cidr = \"172.16.1.0/24\"", "cidr = \"172.16.1.7/24\""), @"");
    assert_snapshot!(mistake("cidr = \"172.16.1.0/24\"", "cidr = \"172.16.1.0/33\""), @"");
    assert_snapshot!(mistake("source = \"10.9.0.0/16\"", "source = \"10.9.8.0/16\""), @"");
    assert_snapshot!(mistake("source = \"10.9.0.0/16\"", "source = \"10.9/16\""), @"");
}

#[test]
fn an_invalid_rule_is_refused() {
    assert_snapshot!(mistake("\"443/443\"", "\"443-444\""), @"");
    assert_snapshot!(mistake("\"1/1023\"", "\"1023/1\""), @"");
    assert_snapshot!(mistake("\"443/443\"", "\"0\""), @"");
    assert_snapshot!(mistake("\"443/443\"", "443"), @"");
    assert_snapshot!(mistake("protocol = \"tcp\"", "protocol = \"tpc\""), @"");
    assert_snapshot!(mistake("protocol = 6", "protocol = 256"), @"");
    assert_snapshot!(mistake("priority = 100", "priority = 101"), @"");
    assert_snapshot!(mistake("priority = 100", "priority = -1"), @"");
    assert_snapshot!(mistake("policy = \"drop\"", "policy = \"dorp\""), @"");
    assert_snapshot!(mistake("policy = \"drop\"", "policy = \"reject\""), @"");
    assert_snapshot!(mistake("nic_type = \"internet\"", "nic_type = \"public\""), @"");
}

#[test]
fn the_own_side_of_a_rule_is_no_group() {
    assert_snapshot!(mistake("destination = \"10.24.1.5\"", "destination = \"sg-db\""), @"");
    assert_snapshot!(mistake("source = \"10.24.0.0/16\"", "source = \"sg-nowhere\""), @"");
}

#[test]
fn settings_out_of_range_are_refused() {
    assert_snapshot!(mistake("mtu = 1400", "mtu = 67"), @"");
    assert_snapshot!(mistake("mtu = 1400", "mtu = 65536"), @"");
    assert_snapshot!(mistake("mtu = 1400", "mtu = 99999999999999999999"), @"");
    assert_snapshot!(mistake("icmp = 31", "icmp = -1"), @"");
    assert_snapshot!(mistake("icmp = 31", "icmp = nan"), @"");
    assert_snapshot!(mistake("icmp = 31", "icmp = 1e30"), @"");
    assert_snapshot!(mistake("mac = \"00:16:3e:00:00:01\"", "mac = \"00:16:3e:00:00\""), @"");
    assert_snapshot!(mistake("region = \"cn-beijing\"", "region = \" \""), @"");
    assert_snapshot!(mistake("kind = \"rds\"", "kind = \"rsd\""), @"");
}

#[test]
fn a_peering_has_two_ends() {
    assert_snapshot!(mistake("vpcs = [\"vpc-shop\", \"vpc-lab\"]", "vpcs = [\"vpc-shop\"]"), @"");
}

#[test]
fn an_id_is_declared_once_and_endpoints_share_one_name_space() {
    assert_snapshot!(mistake("[service.rm-orders]", "[service.i-web]"), @"");
    assert_snapshot!(mistake("[instance.i-router]", "[instance.i-web]"), @"");
    assert_snapshot!(mistake("[fabric]", "[sessions]"), @"");
    assert_snapshot!(mistake("[vpc.vpc-lab]", "[vpc.classic]").lines().take(3).collect::<Vec<_>>().join("\n"), @"");
    assert_snapshot!(mistake("[service.rm-orders]", "[service.cloud-services]"), @"");
    assert_snapshot!(mistake("[service.rm-orders]", "[service.\"rm orders\"]"), @"");
    assert_snapshot!(mistake("[security_group.sg-db]", "[security_group.classic]").lines().take(1).collect::<Vec<_>>().join("\n"), @"");
}

#[test]
fn a_dangling_reference_suggests_the_near_id_or_says_what_else_has_it() {
    assert_snapshot!(mistake("linked_vpc = \"vpc-shop\"", "linked_vpc = \"vpc-shp\""), @"");
    assert_snapshot!(mistake("linked_vpc = \"vpc-shop\"", "linked_vpc = \"vsw-db\""), @"");
    assert_snapshot!(mistake("linked_vpc = \"vpc-shop\"", "linked_vpc = \"production\""), @"");
    assert_snapshot!(mistake("route_table = \"vtb-x\"", "route_table = \"vtb-main\""), @"");
    assert_snapshot!(mistake("next_hop = \"ngw-out\"", "next_hop = \"rm-orders\""), @"");
    assert_snapshot!(mistake("next_hop = \"ngw-out\"", "next_hop = \"cloud-services\""), @"");
    assert_snapshot!(mistake("source = \"sg-db\"", "source = \"sg-bd\""), @"");
    assert_snapshot!(topology_told("[instance.a]\nvswitch = \"vsw\"\nprivate_ip = \"10.0.0.1\"\n"), @"");
}

#[test]
fn a_plane_is_given_exactly_once() {
    assert_snapshot!(mistake("kind = \"rds\"\n", "kind = \"rds\"\nnetwork = \"classic\"\n"), @"");
    assert_snapshot!(mistake("network = \"classic\"\nprivate_ip", "private_ip"), @"");
    assert_snapshot!(mistake("network = \"classic\"\nprivate_ip", "network = \"clasic\"\nprivate_ip"), @"");
}

#[test]
fn text_that_is_no_toml_is_shown_and_the_rest_is_still_read() {
    assert_snapshot!(mistake("zone = \"b\"", "zone \"b\""), @"");
    assert_snapshot!(mistake("cidr = \"172.16.1.0/24\"", "cidr ="), @"");
    assert_snapshot!(mistake("ip = \"172.16.1.20\"", "ip = \"172.16.1.20"), @"");
    assert_snapshot!(mistake("[fabric]", "[fabric"), @"");
    assert_snapshot!(mistake("private_ip = \"172.16.1.9\"", "vswitch = \"vsw-db\"\nprivate_ip = \"172.16.1\""), @"");
    assert_snapshot!(mistake("vpcs = [\"vpc-shop\", \"vpc-lab\"]", "vpcs = [\"vpc-shop\", \"vpc-lab\""), @"");
}

#[test]
fn a_scenario_file_is_no_topology() {
    assert_snapshot!(topology_told(CALL), @"");
}

//! What becomes of single things in a dump, each beside a twin that differs in one point.

use crate::{imported_files, told, world_of};
use biplane::import::{ImportOptions, Imported};
use biplane::model::{About, Peer, Policy};
use serde_json::{Value, json};

/// A VPC with a vSwitch and a system table, as one answer each.
fn network() -> Value {
    json!([
        {"VpcId": "vpc-1", "VpcName": "shop", "CidrBlock": "172.16.0.0/12", "RegionId": "cn-x", "OwnerId": 1_234_567_890_123_456_789u64, "ClassicLinkEnabled": true},
        {"VSwitchId": "vsw-1", "VpcId": "vpc-1", "CidrBlock": "172.16.1.0/24"},
        {"RouteTableId": "vtb-1", "VpcId": "vpc-1", "RouteTableType": "System", "RouteEntrys": {"RouteEntry": []}},
        {"Links": {"Link": []}},
    ])
}

fn group(id: &str, vpc: &str, rules: &Value) -> Value {
    json!([{"SecurityGroupId": id, "VpcId": vpc, "SecurityGroupType": "normal", "RegionId": "cn-x"},
        {"SecurityGroupId": id, "VpcId": vpc, "InnerAccessPolicy": "Accept", "RegionId": "cn-x", "Permissions": {"Permission": rules}}])
}

fn rule(changes: &Value) -> Value {
    let mut rule = json!({"Direction": "ingress", "IpProtocol": "TCP", "PortRange": "80/80", "Policy": "Accept", "Priority": 1, "SourceCidrIp": "10.0.0.0/8", "NicType": "intranet"});
    for (key, value) in changes.as_object().unwrap() {
        rule[key] = value.clone();
    }
    rule
}

fn instance(id: &str, ip: &str, changes: &Value) -> Value {
    let mut instance = json!({"InstanceId": id, "Status": "Running", "InstanceNetworkType": "vpc", "RegionId": "cn-x",
        "VpcAttributes": {"VpcId": "vpc-1", "VSwitchId": "vsw-1", "PrivateIpAddress": {"IpAddress": [ip]}}, "SecurityGroupIds": {"SecurityGroupId": ["sg-1"]}});
    for (key, value) in changes.as_object().unwrap() {
        instance[key] = value.clone();
    }
    instance
}

fn run(answers: &[Value]) -> Imported {
    let files: Vec<(String, String)> =
        answers.iter().enumerate().map(|(n, answer)| (format!("{n}.json"), answer.to_string())).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    imported_files(&files, &ImportOptions::default()).unwrap()
}

fn run_with(options: &ImportOptions, answers: &[Value]) -> Imported {
    imported_files(&[("a.json", &Value::from(answers.to_vec()).to_string())], options).unwrap()
}

fn says(imported: &Imported, part: &str) -> bool {
    told(imported).iter().any(|line| line.contains(part))
}

#[test]
fn an_account_without_any_classic_object_is_complete() {
    let rules = json!([rule(&json!({}))]);
    let imported = run(&[network(), group("sg-1", "vpc-1", &rules), instance("i-1", "172.16.1.10", &json!({}))]);
    assert!(imported.report.is_complete(), "{}", imported.report.text());
    let world = world_of(&imported.toml);
    assert_eq!(world.default_account.as_str(), "1234567890123456789");
    assert!(imported.toml.contains("name = \"shop\"\n"));
}

#[test]
fn names_descriptions_and_tags_come_along_in_any_form() {
    let said = |changes: &Value| {
        let rules = json!([rule(&json!({}))]);
        let imported = run(&[network(), group("sg-1", "vpc-1", &rules), instance("i-1", "172.16.1.10", changes)]);
        let world = world_of(&imported.toml);
        world.instances.values().next().unwrap().about.as_deref().cloned().unwrap_or_default()
    };
    let tags = vec![("a b".to_owned(), "1".to_owned()), ("env".to_owned(), String::new())];
    let expected =
        About { name: Some("web\"1\"\u{202e}".to_owned()), description: Some("first\nsecond".to_owned()), tags };
    for tags in [
        json!({"Tag": [{"TagKey": "env", "TagValue": ""}, {"TagKey": "a b", "TagValue": "1"}]}),
        json!({"Tag": [{"Key": "a b", "Value": "1"}, {"Key": "env"}]}),
        json!([{"Key": "env", "Value": ""}, {"Key": "a b", "Value": "1"}, {"Value": "no key"}, "x", null]),
        json!({"a b": "1", "env": "", "": "no key", "count": 5}),
    ] {
        let changes = json!({"InstanceName": "web\"1\"\u{202e}", "Description": "first\nsecond", "Tags": tags});
        assert_eq!(said(&changes), expected, "{tags}");
    }
    for none in [json!({}), json!([]), json!(null), json!({"Tag": []}), json!("x")] {
        assert_eq!(said(&json!({ "Tags": none })), About::default());
    }
}

#[test]
fn what_a_topology_is_too_small_for_is_cut_and_told() {
    let tags: Vec<_> =
        (0..150).map(|n| json!({"TagKey": format!("tag-{n:03}"), "TagValue": "x".repeat(5_000)})).collect();
    let rules = json!([rule(&json!({}))]);
    let changes = json!({"InstanceName": "n".repeat(5_000), "Tags": {"Tag": tags}});
    let imported = run(&[network(), group("sg-1", "vpc-1", &rules), instance("i-1", "172.16.1.10", &changes)]);
    let world = world_of(&imported.toml);
    let about = world.instances.values().next().unwrap().about.clone().unwrap();
    assert_eq!((about.name.map(|name| name.len()), about.tags.len()), (Some(1024), 100));
    assert!(imported.toml.contains("# 50 more tags are left out\n"), "{}", imported.toml);
    assert!(imported.toml.contains("# a text of more than 1024 characters is cut\n"));
}

#[test]
fn rules_that_are_not_in_the_dump_are_never_taken_for_none() {
    let known = run(&[network(), group("sg-1", "vpc-1", &json!([])), instance("i-1", "172.16.1.10", &json!({}))]);
    assert!(known.report.is_complete(), "{}", known.report.text());
    let unknown =
        json!({"SecurityGroupId": "sg-1", "VpcId": "vpc-1", "SecurityGroupType": "normal", "RegionId": "cn-x"});
    let unknown = run(&[network(), unknown, instance("i-1", "172.16.1.10", &json!({}))]);
    assert!(says(&unknown, "what its rules decide is undetermined") && unknown.toml.contains("\nrules = \"unknown\""));
    let call = "aliyun ecs DescribeSecurityGroupAttribute --RegionId cn-x --SecurityGroupId sg-1 --NicType intranet";
    assert!(unknown.report.missing.iter().any(|note| note.fix.as_deref() == Some(call)), "{}", unknown.report.json());
}

#[test]
fn a_classic_group_needs_the_rules_of_its_private_nic() {
    let instance = json!({"InstanceId": "i-1", "Status": "Running", "InstanceNetworkType": "classic", "InnerIpAddress": {"IpAddress": ["10.1.2.3"]},
        "VpcAttributes": {}, "EipAddress": {}, "SecurityGroupIds": {"SecurityGroupId": ["sg-1"]}, "RegionId": "cn-x"});
    let of_nic = |nic: &str| run(&[instance.clone(), group("sg-1", "", &json!([rule(&json!({"NicType": nic}))]))]);
    assert!(of_nic("intranet").report.is_complete());
    assert!(says(&of_nic("internet"), "only the rules of the public NIC"));
    // The answer of an empty group does not say of which NIC it is; the name of its file may.
    let empty = group("sg-1", "", &json!([])).to_string();
    let files = |name: &str| {
        imported_files(&[("i.json", &instance.to_string()), (name, &empty)], &ImportOptions::default()).unwrap()
    };
    assert!(!files("ecs.DescribeSecurityGroupAttribute.sg-1.1.json").report.is_complete());
    assert!(files("ecs.DescribeSecurityGroupAttribute@intranet.sg-1.1.json").report.is_complete());
}

#[test]
fn rules_keep_what_they_mean() {
    let rules = json!([
        rule(
            &json!({"Policy": "drop", "Priority": "100", "SourceCidrIp": "10.159.6.18/12", "IpProtocol": "ALL", "PortRange": "-1/-1"})
        ),
        rule(&json!({"SourceCidrIp": "10.0.1.114", "IpProtocol": "ICMP", "PortRange": "-1/-1", "SourcePortRange": ""})),
        rule(&json!({"Direction": "egress", "SourceCidrIp": "", "DestCidrIp": "0.0.0.0/0"})),
    ]);
    let imported = run(&[network(), group("sg-1", "vpc-1", &rules)]);
    let world = world_of(&imported.toml);
    let group = &world.security_groups[world.security_groups.find("sg-1").unwrap()];
    let net = |number: usize| match group.ingress[number].peer.value {
        Peer::Cidr(net) => net.to_string(),
        Peer::Group(_) => "a group".to_owned(),
    };
    assert_eq!(
        (group.ingress.len(), group.egress.len(), net(0), net(1)),
        (2, 1, "10.144.0.0/12".to_owned(), "10.0.1.114/32".to_owned())
    );
    assert_eq!((group.ingress[0].policy, group.ingress[0].priority), (Policy::Drop, 100));
    assert!(says(&imported, "host bits"));
}

#[test]
fn rules_that_cannot_be_written_are_counted_unless_they_are_for_ipv6() {
    let outcome = |changes: Value| {
        let imported = run(&[network(), group("sg-1", "vpc-1", &json!([rule(&changes)]))]);
        (imported.report.is_complete(), imported.toml.contains("\nunknown_rules = 1"))
    };
    assert_eq!(outcome(json!({})), (true, false));
    for ipv6 in [json!({"SourceCidrIp": "", "Ipv6SourceCidrIp": "::/0"}), json!({"IpProtocol": "ICMPv6"})] {
        assert_eq!(outcome(ipv6), (true, false));
    }
    for unknown in [
        json!({"SourceCidrIp": "", "SourceGroupId": "sg-foreign", "SourceGroupOwnerAccount": "2000"}),
        json!({"SourceCidrIp": "", "SourceGroupId": "sg-1"}),
        json!({"SourceCidrIp": "", "SourcePrefixListId": "pl-1"}),
        json!({"PortRangeListId": "prl-1"}),
        json!({"PortRange": "90/80"}),
        json!({"Policy": "Perhaps"}),
    ] {
        assert_eq!(outcome(unknown.clone()), (false, true), "{unknown}");
    }
}

#[test]
fn the_entries_of_a_prefix_list_become_rules() {
    let rules = json!([rule(&json!({"SourceCidrIp": "", "SourcePrefixListId": "pl-1"}))]);
    let list =
        json!({"PrefixListId": "pl-1", "Entries": {"Entry": [{"Cidr": "10.1.0.0/16"}, {"Cidr": "10.2.0.0/16"}]}});
    let imported = run(&[network(), group("sg-1", "vpc-1", &rules), list]);
    let world = world_of(&imported.toml);
    assert_eq!(world.security_groups.values().next().unwrap().ingress.len(), 2);
    assert!(imported.toml.contains("# of the prefix list pl-1"));
}

#[test]
fn a_priority_of_the_vendors_own_rules_is_kept() {
    let imported = run(&[network(), group("sg-1", "vpc-1", &json!([rule(&json!({"Priority": 110}))]))]);
    assert!(imported.toml.contains("priority = 110") && imported.toml.contains("# beyond 100: made by the vendor"));
    assert_eq!(world_of(&imported.toml).security_groups.values().next().unwrap().ingress[0].priority, 110);
}

#[test]
fn of_two_with_one_address_the_first_stays() {
    let answers = |second: &str| {
        run(&[
            network(),
            group("sg-1", "vpc-1", &json!([])),
            instance("i-a", "172.16.1.10", &json!({})),
            instance("i-b", second, &json!({})),
        ])
    };
    assert!(answers("172.16.1.11").report.is_complete());
    let imported = answers("172.16.1.10");
    assert!(says(&imported, "i-b: its address 172.16.1.10 is that of i-a already"));
    assert_eq!(world_of(&imported.toml).instances.ids().collect::<Vec<_>>(), ["i-a"]);
}

#[test]
fn a_page_that_is_not_there_is_told_and_the_same_page_twice_is_not() {
    let page = |number: u32, ids: [&str; 2], ips: [&str; 2]| json!({"Instances": {"Instance": [instance(ids[0], ips[0], &json!({})), instance(ids[1], ips[1], &json!({}))]}, "TotalCount": 4, "PageNumber": number, "PageSize": 2});
    let (one, two) =
        (page(1, ["i-1", "i-2"], ["172.16.1.1", "172.16.1.2"]), page(2, ["i-3", "i-4"], ["172.16.1.3", "172.16.1.4"]));
    let group = group("sg-1", "vpc-1", &json!([]));
    assert!(run(&[network(), group.clone(), one.clone(), two.clone()]).report.is_complete());
    assert!(run(&[network(), group.clone(), one.clone(), two, one.clone()]).report.is_complete());
    assert!(says(&run(&[network(), group, one.clone(), one]), "2 of 4: a page is missing"));
}

#[test]
fn a_token_on_the_last_page_says_that_more_follow() {
    let page = |token: &str| json!({"NetworkInterfaceSets": {"NetworkInterfaceSet": []}, "NextToken": token});
    assert!(run(&[network(), page("a"), page("")]).report.is_complete());
    assert!(says(&run(&[network(), page("a"), page("b")]), "more follow"));
}

#[test]
fn what_a_vpc_names_and_no_answer_describes_is_missing() {
    let mut answers = network();
    answers[0]["VSwitchIds"] = json!({"VSwitchId": ["vsw-1", "vsw-2"]});
    assert!(says(&run(&[answers]), "1 vSwitch of it that no answer describes, vsw-2 among them"));
    assert!(run(&[network()]).report.is_complete());
}

#[test]
fn members_are_counted_against_the_groups_own_number() {
    let with = |count: u32| {
        let mut group = group("sg-1", "vpc-1", &json!([]));
        group[0]["EcsCount"] = json!(count);
        run(&[network(), group, instance("i-1", "172.16.1.10", &json!({}))])
    };
    assert!(with(1).report.is_complete());
    assert!(says(&with(3), "it says that it has 3 members; the dump has 1"));
}

#[test]
fn instances_of_what_no_answer_describes_are_left_out_and_guessed_where_that_is_asked_for() {
    let vswitch = json!({"VSwitchId": "vsw-1", "VpcId": "vpc-1", "CidrBlock": "172.16.1.0/24"});
    let answers = [vswitch, group("sg-1", "vpc-1", &json!([])), instance("i-1", "172.16.1.10", &json!({}))];
    let imported = run_with(&ImportOptions::default(), &answers);
    assert!(world_of(&imported.toml).instances.is_empty() && says(&imported, "its VPC vpc-1 is not in the dump"));
    let mut options = ImportOptions::default();
    options.infer = true;
    let imported = run_with(&options, &answers);
    assert_eq!(world_of(&imported.toml).instances.len(), 1);
    assert!(says(&imported, "a guess: 172.16.1.0/24"), "{}", imported.report.text());
}

#[test]
fn links_are_taken_over_and_dangling_ones_told() {
    let classic = json!({"InstanceId": "i-1", "Status": "Running", "InstanceNetworkType": "classic", "InnerIpAddress": {"IpAddress": ["10.1.2.3"]},
        "SecurityGroupIds": {"SecurityGroupId": ["sg-c"]}, "RegionId": "cn-x", "VpcAttributes": {}});
    let links = |id: &str| {
        run(&[
            network(),
            classic.clone(),
            group("sg-c", "", &json!([rule(&json!({}))])),
            json!({"Links": {"Link": [{"InstanceId": id, "VpcId": "vpc-1"}]}}),
        ])
    };
    let imported = links("i-1");
    let world = world_of(&imported.toml);
    assert!(
        world.instances.values().next().unwrap().linked_vpc.is_some() && imported.report.is_complete(),
        "{}",
        imported.report.text()
    );
    assert!(says(&links("i-2"), "i-2: a link of an instance that is not in the dump"));
}

#[test]
fn a_service_with_two_endpoints_is_two_entries_and_its_whitelists_hold_for_their_plane() {
    let list = json!({"Items": {"DBInstance": [{"DBInstanceId": "rm-1", "Engine": "MySQL", "InstanceNetworkType": "VPC", "RegionId": "cn-x", "VpcId": "vpc-1", "VSwitchId": "vsw-1"}]}});
    let addresses = json!({"SecurityIPMode": "safety", "DBInstanceNetInfos": {"DBInstanceNetInfo": [
        {"IPAddress": "172.16.1.20", "IPType": "Private", "VPCId": "vpc-1", "VSwitchId": "vsw-1"}, {"IPAddress": "10.1.2.20", "IPType": "Inner"}]}});
    let whitelist = |entries: &str| {
        json!({"Items": {"DBInstanceIPArray": [{"DBInstanceIPArrayName": "default", "SecurityIPList": entries}]}})
            .to_string()
    };
    let imported = imported_files(
        &[
            ("n.json", &network().to_string()),
            ("rds.json", &list.to_string()),
            ("rds.DescribeDBInstanceNetInfo.rm-1.1.json", &addresses.to_string()),
            ("rds.DescribeDBInstanceIPArrayList@Classic.rm-1.1.json", &whitelist("10.1.2.3, 10.1.2.4")),
            ("rds.DescribeDBInstanceIPArrayList@VPC.rm-1.1.json", &whitelist("172.16.0.0/12")),
        ],
        &ImportOptions::default(),
    )
    .unwrap();
    let world = world_of(&imported.toml);
    let whitelist = |id: &str| world.services[world.services.find(id).unwrap()].effective_whitelist().unwrap().len();
    assert_eq!((whitelist("rm-1"), whitelist("rm-1.classic")), (1, 2), "{}", imported.toml);
    assert!(imported.report.is_complete(), "{}", imported.report.text());
}

#[test]
fn a_whitelist_that_is_not_in_the_dump_is_told() {
    let redis = json!({"Instances": {"KVStoreInstance": [{"InstanceId": "r-1", "PrivateIp": "172.16.1.21", "NetworkType": "VPC", "VpcId": "vpc-1", "VSwitchId": "vsw-1", "ConnectionDomain": "r"}]}});
    let imported = run(&[network(), redis]);
    assert!(imported.toml.contains("\nwhitelist = \"unknown\"") && says(&imported, "its whitelist is not known"));
    let fix = "aliyun r-kvstore DescribeSecurityIps --InstanceId r-1";
    assert!(imported.report.missing.iter().any(|note| note.fix.as_deref() == Some(fix)));
}

#[test]
fn a_load_balancer_of_the_vendors_own_range_is_built_in() {
    let slb = |address: &str| json!({"LoadBalancers": {"LoadBalancer": [{"LoadBalancerId": "lb-1", "Address": address, "AddressType": "intranet", "NetworkType": "classic"}]}});
    assert_eq!(world_of(&run(&[network(), slb("10.1.2.9")]).toml).services.len(), 1);
    let built_in = run(&[network(), slb("100.98.28.55")]);
    assert!(world_of(&built_in.toml).services.is_empty() && built_in.report.is_complete());
}

#[test]
fn routes_lead_to_gateways_peerings_and_second_interfaces() {
    let entry = |destination: &str, kind: &str, id: &str| json!({"DestinationCidrBlock": destination, "Type": "Custom", "Status": "Available", "RouteTableId": "vtb-1", "NextHops": {"NextHop": [{"NextHopType": kind, "NextHopId": id}]}});
    let entries = json!({"RouteEntrys": {"RouteEntry": [
        entry("0.0.0.0/0", "NatGateway", "ngw-1"), entry("10.8.0.0/16", "VpnGateway", "vpn-1"), entry("10.9.0.0/16", "Attachment", "tr-1"),
        entry("10.10.0.0/16", "NetworkInterface", "eni-2"), entry("10.11.0.0/16", "HaVip", "havip-1"), entry("fd00::/8", "IPv6Gateway", "ipv6gw-1"),
        entry("10.12.0.0/16", "Instance", "i-gone")]}});
    let interface = json!({"NetworkInterfaceId": "eni-2", "InstanceId": "i-1", "Type": "Secondary", "PrivateIpAddress": "172.16.1.30", "VSwitchId": "vsw-1", "VpcId": "vpc-1",
        "SecurityGroupIds": {"SecurityGroupId": ["sg-1"]}, "SourceDestCheck": false});
    let imported = run(&[
        network(),
        group("sg-1", "vpc-1", &json!([])),
        instance("i-1", "172.16.1.10", &json!({})),
        interface,
        entries,
    ]);
    let world = world_of(&imported.toml);
    let vpc = world.vpcs.values().next().unwrap();
    assert_eq!(vpc.routes.len(), 4, "{}", imported.toml);
    assert_eq!(world.gateways.ids().collect::<Vec<_>>(), ["ngw-1", "tr-1", "vpn-1"]);
    assert!(*world.instances[world.instances.find("eni-2").unwrap()].forwarding);
    assert!(says(&imported, "an HaVip") && says(&imported, "i-gone is an instance that is not in the topology"));
    assert!(imported.toml.contains("# left out: 10.11.0.0/16"));
}

#[test]
fn two_router_interfaces_that_lead_to_each_other_are_one_peering() {
    let other = json!([{"VpcId": "vpc-2", "CidrBlock": "192.168.0.0/16", "RegionId": "cn-x", "ClassicLinkEnabled": false},
        {"RouteTableId": "vtb-2", "VpcId": "vpc-2", "RouteTableType": "System", "RouteEntrys": {"RouteEntry": [
            {"DestinationCidrBlock": "172.16.0.0/12", "Type": "Custom", "NextHopType": "RouterInterface", "InstanceId": "ri-2"}]}}]);
    let interface = |id: &str, opposite: &str, vpc: &str, role: &str, status: &str| json!({"RouterInterfaceId": id, "OppositeInterfaceId": opposite, "VpcInstanceId": vpc, "Role": role, "Status": status, "RouterType": "VRouter", "OppositeRouterType": "VRouter"});
    let answers = |status: &str| {
        run(&[
            network(),
            other.clone(),
            interface("ri-1", "ri-2", "vpc-1", "InitiatingSide", "Active"),
            interface("ri-2", "ri-1", "vpc-2", "AcceptingSide", status),
        ])
    };
    let world = world_of(&answers("Active").toml);
    assert_eq!(world.peerings.ids().collect::<Vec<_>>(), ["ri-1"]);
    assert_eq!(world.vpcs[world.vpcs.find("vpc-2").unwrap()].routes.len(), 1);
    assert!(world_of(&answers("Inactive").toml).peerings.is_empty());
}

#[test]
fn a_network_acl_is_told_unless_it_accepts_everything() {
    let acl = |policy: &str| {
        let mut answers = network();
        answers[1]["NetworkAclId"] = json!("nacl-1");
        run(&[
            answers,
            json!({"NetworkAcls": {"NetworkAcl": [{"NetworkAclId": "nacl-1", "VpcId": "vpc-1", "IngressAclEntries": {"IngressAclEntry": [{"Policy": policy, "SourceCidrIp": "0.0.0.0/0"}]}}]}}),
        ])
    };
    assert!(acl("accept").report.is_complete(), "{}", acl("accept").report.text());
    let told = acl("drop").report.text();
    let first = told.lines().next().unwrap();
    assert_eq!(
        first,
        "network ACL vsw-1: its network ACL nacl-1 may refuse what the topology delivers: network ACLs are not modelled"
    );
}

#[test]
fn system_routes_are_held_against_the_vswitches() {
    let entries = |net: &str| {
        let entry = |net: &str| json!({"DestinationCidrBlock": net, "Type": "System", "RouteTableId": "vtb-1", "NextHopType": "local"});
        run(&[network(), json!({"RouteEntrys": {"RouteEntry": [entry("100.64.0.0/10"), entry(net)]}})])
    };
    assert_eq!(
        (entries("172.16.1.0/24").report.system_routes.same, entries("172.16.1.0/24").report.is_complete()),
        (2, true)
    );
    assert_eq!(entries("172.16.2.0/24").report.system_routes.different.len(), 2);
}

#[test]
fn ids_names_and_descriptions_of_any_kind_load() {
    let odd = "i \"odd\"\n[x]\u{7}";
    let mut one = instance(odd, "172.16.1.10", &json!({"InstanceName": "a\n# b\u{202e}"}));
    one["SecurityGroupIds"] = json!({"SecurityGroupId": ["classic"]});
    let group = group("classic", "vpc-1", &json!([rule(&json!({"Description": "\"\"\"\n\u{0}".repeat(400)}))]));
    let imported = run(&[network(), group, one]);
    let world = world_of(&imported.toml);
    assert_eq!((world.instances.len(), world.security_groups.len()), (1, 1));
    assert!(says(&imported, "a topology cannot have this id") && !imported.toml.contains('\u{202e}'));
}

#[test]
fn other_dumps_and_files_are_named_and_not_used() {
    let aws = json!({"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16", "DhcpOptionsId": "d"}]}).to_string();
    let error = imported_files(
        &[("Vpcs.json", &aws), ("Instances.json", "{\"Instances\": []}"), ("notes.json", "{\"a\": 1}")],
        &ImportOptions::default(),
    )
    .unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("Vpcs.json is a dump of AWS")
            && error.contains("Instances.json is a dump of AWS")
            && error.contains("notes.json is of no known kind"),
        "{error}"
    );
    let empty = json!({"Instances": {"Instance": []}, "TotalCount": 0}).to_string();
    assert!(
        imported_files(&[("a.json", &empty)], &ImportOptions::default())
            .unwrap_err()
            .to_string()
            .contains("nothing to import")
    );
}

#[test]
fn regions_and_accounts_are_chosen_and_mix_otherwise() {
    let vpc = |id: &str, region: &str, owner: &str| json!({"VpcId": id, "CidrBlock": "172.16.0.0/12", "RegionId": region, "OwnerId": owner, "ClassicLinkEnabled": false});
    let answers = [vpc("vpc-a", "cn-x", "1"), vpc("vpc-b", "cn-x", "2"), vpc("vpc-c", "cn-y", "1")];
    assert_eq!(world_of(&run(&answers).toml).vpcs.len(), 3);
    let mut options = ImportOptions::default();
    options.regions = vec!["cn-x".to_owned()];
    options.accounts = vec!["1".to_owned()];
    assert_eq!(world_of(&run_with(&options, &answers).toml).vpcs.ids().collect::<Vec<_>>(), ["vpc-a"]);
}

#[test]
fn the_time_of_a_dump_stands_at_its_top_and_two_days_are_told() {
    let with = |log: &str| {
        let answers = network().to_string();
        imported_files(&[("a.json", &answers), ("dump.log", log)], &ImportOptions::default()).unwrap()
    };
    let log = "2026-11-28T09:12:03Z start: 3.0.99 cn-x\n2026-11-28T09:14:40Z end: 39 new answers, 0 failed\n";
    let one_day = with(log);
    assert!(
        one_day.toml.contains("a dump of 2026-11-28T09:12:03Z to 2026-11-28T09:14:40Z") && one_day.report.is_complete()
    );
    assert!(says(&with(&log.replace("28T09:14", "29T09:14")), "it was made on different days"));
}

#[test]
fn groups_and_tables_beyond_the_limits_of_a_topology_are_cut_and_told() {
    let rules: Vec<Value> = (0..250).map(|n| rule(&json!({"PortRange": format!("{}/{}", n + 1, n + 1)}))).collect();
    let mut vpc = network();
    vpc[0]["SecondaryCidrBlocks"] = json!({"SecondaryCidrBlock": (1..=7).map(|n| format!("10.{n}.0.0/16")).chain(["10.1.8.0/24".to_owned()]).collect::<Vec<_>>()});
    let imported = run(&[vpc, group("sg-1", "vpc-1", &json!(rules))]);
    let world = world_of(&imported.toml);
    assert_eq!(world.security_groups.values().next().unwrap().ingress.len(), 200);
    assert_eq!(world.vpcs.values().next().unwrap().secondary_cidrs.len(), 5);
    assert!(says(&imported, "50 rules beyond the 200") && says(&imported, "10.1.8.0/24, which overlaps"));
    assert!(imported.toml.contains("\nunknown_rules = 50"));
}

#[test]
fn what_checks_refuse_is_left_out_and_the_rest_loads() {
    let mut network = network();
    let more = json!([{"VSwitchId": "vsw-2", "VpcId": "vpc-1", "CidrBlock": "172.16.1.128/25"}, {"VSwitchId": "vsw-3", "VpcId": "vpc-1", "CidrBlock": "172.16.3.0/30"}]);
    network.as_array_mut().unwrap().extend(more.as_array().unwrap().clone());
    let second = instance(
        "i-2",
        "172.16.1.130",
        &json!({"VpcAttributes": {"VpcId": "vpc-1", "VSwitchId": "vsw-2", "PrivateIpAddress": {"IpAddress": ["172.16.1.130"]}}}),
    );
    let imported =
        run(&[network, group("sg-1", "vpc-1", &json!([])), instance("i-1", "172.16.1.10", &json!({})), second]);
    let world = world_of(&imported.toml);
    assert_eq!(world.vswitches.ids().collect::<Vec<_>>(), ["vsw-1"]);
    assert_eq!(world.instances.ids().collect::<Vec<_>>(), ["i-1"]);
    for part in ["[vswitch-overlap]", "[vswitch-cidr-length]", "[unknown-id]"] {
        assert!(says(&imported, part), "{part}\n{}", imported.report.text());
    }
}

#[test]
fn ids_in_the_calls_of_a_report_are_single_words_of_a_shell() {
    let group = json!({"SecurityGroupId": "sg-1; touch x", "VpcId": "vpc-1", "SecurityGroupType": "normal"});
    let imported = run(&[network(), group]);
    let fix = imported.report.missing[0].fix.as_deref().unwrap();
    assert!(fix.contains("--SecurityGroupId 'sg-1; touch x' --NicType intranet"), "{fix}");
}

//! The raw answers of the vendor's API that an account with a given topology would give.

use biplane::model::{
    GroupKind, Location, Network, NextHop, NicType, Peer, Policy, Rule, SecurityGroup, Service, ServiceKind, World,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Answers by the path of their file below the folder of the dump.
pub(crate) type Dump = BTreeMap<String, Value>;

/// The answers for everything in `world`, `page` objects a page.
pub(crate) fn dump_of(world: &World, page: usize) -> Dump {
    let mut dump = Dump::new();
    let mut writer = Writer { world, page, dump: &mut dump };
    for account in writer.accounts() {
        writer.dump.insert(
            format!("{account}/sts.GetCallerIdentity.1.json"),
            json!({"AccountId": account, "Arn": "acs:ram::x:root"}),
        );
        for region in writer.regions() {
            writer.place(&account, &region);
        }
    }
    dump
}

/// Writes the files of a dump.
pub(crate) fn write(dump: &Dump, folder: &Path) {
    for (name, answer) in dump {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, serde_json::to_string_pretty(answer).unwrap()).unwrap();
    }
}

struct Writer<'w> {
    world: &'w World,
    page: usize,
    dump: &'w mut Dump,
}

impl Writer<'_> {
    fn accounts(&self) -> Vec<String> {
        let world = self.world;
        let of_vpcs = world.vpcs.iter().map(|(key, _)| world.vpc_account(key).to_string());
        let of_instances = world.instances.values().map(|one| world.instance_account(one).to_owned());
        let of_groups =
            world.security_groups.values().map(|one| world.account(*one.network, &one.placement).to_string());
        let of_services =
            world.services.values().map(|one| world.account(world.network(*one.location), &one.placement).to_string());
        let mut accounts: Vec<_> = of_vpcs.chain(of_instances).chain(of_groups).chain(of_services).collect();
        accounts.sort();
        accounts.dedup();
        accounts
    }

    fn regions(&self) -> Vec<String> {
        let mut regions: Vec<_> = self.world.regions().into_iter().map(str::to_owned).collect();
        let of_groups =
            self.world.security_groups.values().map(|one| self.world.region(*one.network, &one.placement).to_string());
        regions.extend(of_groups);
        regions.sort();
        regions.dedup();
        regions
    }

    /// The answers of one account in one region.
    fn place(&mut self, account: &str, region: &str) {
        let world = self.world;
        let here = |network: Network, placement: &biplane::model::Placement| {
            world.region(network, placement).as_str() == region && world.account(network, placement).as_str() == account
        };
        let stem = |call: &str| format!("{account}/{region}/{call}");
        let vpcs: Vec<_> = world.vpcs.iter().filter(|(key, vpc)| here(Network::Vpc(*key), &vpc.placement)).collect();
        let in_vpc = |key: biplane::model::Key<biplane::model::Vpc>| vpcs.iter().any(|(own, _)| *own == key);

        let instances = world
            .instances
            .values()
            .filter(|one| here(world.network(*one.location), &one.placement))
            .map(|one| self.instance(one, region))
            .collect();
        self.numbered(&stem("ecs.DescribeInstances"), ["Instances", "Instance"], instances);
        let interfaces = world.instances.values().filter(|one| matches!(world.network(*one.location), Network::Vpc(vpc) if in_vpc(vpc))).map(|one| {
            json!({"NetworkInterfaceId": format!("eni-{}", one.id.value), "InstanceId": one.id.value, "Type": "Primary", "SourceDestCheck": !one.forwarding.value,
                "PrivateIpAddress": one.private_ip.to_string(), "VSwitchId": vswitch_of(world, *one.location)})
        }).collect();
        self.chained(
            &stem("ecs.DescribeNetworkInterfaces"),
            ["NetworkInterfaceSets", "NetworkInterfaceSet"],
            interfaces,
        );
        let groups: Vec<_> = world.security_groups.values().filter(|one| here(*one.network, &one.placement)).collect();
        self.numbered(
            &stem("ecs.DescribeSecurityGroups"),
            ["SecurityGroups", "SecurityGroup"],
            groups.iter().map(|one| group(world, one)).collect(),
        );
        for one in groups {
            self.rules(&stem("ecs.DescribeSecurityGroupAttribute"), one, region);
        }

        self.numbered(&stem("vpc.DescribeVpcs"), ["Vpcs", "Vpc"], vpcs.iter().map(|(key, _)| self.vpc(*key)).collect());
        let vswitches = world.vswitches.values().filter(|one| in_vpc(one.vpc.value)).map(|one| {
            let table = match &one.route_table {
                Some(table) => json!({"RouteTableId": *world.route_tables[table.value].id, "RouteTableType": "Custom"}),
                None => json!({"RouteTableId": format!("vtb-{}", *world.vpcs[one.vpc.value].id), "RouteTableType": "System"}),
            };
            json!({"VSwitchId": *one.id, "VpcId": *world.vpcs[one.vpc.value].id, "CidrBlock": one.cidr.to_string(), "ZoneId": one.zone, "RouteTable": table})
        });
        self.numbered(&stem("vpc.DescribeVSwitches"), ["VSwitches", "VSwitch"], vswitches.collect());
        for (key, vpc) in &vpcs {
            let mut attribute = self.vpc(*key);
            attribute["ClassicLinkEnabled"] = json!(*vpc.classic_link);
            self.dump.insert(stem(&format!("vpc.DescribeVpcAttribute.{}.1.json", *vpc.id)), attribute);
            if *vpc.classic_link {
                let linked = world
                    .instances
                    .values()
                    .filter(|one| one.linked_vpc.as_ref().is_some_and(|link| link.value == *key));
                let links = linked.map(|one| json!({"InstanceId": *one.id, "VpcId": *vpc.id})).collect();
                self.numbered(
                    &stem(&format!("ecs.DescribeClassicLinkInstances.{}", *vpc.id)),
                    ["Links", "Link"],
                    links,
                );
            }
        }
        // A link stays while ClassicLink is off for its VPC; the call wants it on, so the answer is an older one.
        let off = world.instances.values().filter_map(|one| Some((one, one.linked_vpc.as_ref()?.value)));
        let off = off.filter(|(_, vpc)| in_vpc(*vpc) && !*world.vpcs[*vpc].classic_link);
        let off: Vec<_> = off.map(|(one, vpc)| json!({"InstanceId": *one.id, "VpcId": *world.vpcs[vpc].id})).collect();
        if !off.is_empty() {
            self.numbered(&stem("ecs.DescribeClassicLinkInstances"), ["Links", "Link"], off);
        }
        self.tables(&stem(""), &vpcs.iter().map(|(key, _)| *key).collect::<Vec<_>>());
        for (kind, call, list, id) in [
            ("nat", "vpc.DescribeNatGateways", ["NatGateways", "NatGateway"], "NatGatewayId"),
            ("vpn", "vpc.DescribeVpnGateways", ["VpnGateways", "VpnGateway"], "VpnGatewayId"),
        ] {
            let own = world.gateways.values().filter(|one| in_vpc(one.vpc.value) && *one.kind == *kind);
            let own = own.map(|one| json!({id: *one.id, "VpcId": *world.vpcs[one.vpc.value].id})).collect();
            self.numbered(&stem(call), list, own);
        }
        let peerings: Vec<_> = world
            .peerings
            .values()
            .filter(|one| in_vpc(one.vpcs[0].value))
            .map(|one| {
                let [own, other] = [one.vpcs[0].value, one.vpcs[1].value]
                    .map(|vpc| json!({"VpcId": *world.vpcs[vpc].id, "Ipv4Cidrs": [world.vpcs[vpc].cidr.to_string()]}));
                json!({"InstanceId": *one.id, "Vpc": own, "AcceptingVpc": other, "Status": "Activated"})
            })
            .collect();
        self.dump.insert(
            stem("vpcpeer.ListVpcPeerConnections.1.json"),
            json!({"VpcPeerConnects": peerings, "RegionId": region}),
        );
        let mut lists = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
        for service in world.services.values().filter(|one| here(world.network(*one.location), &one.placement)) {
            self.service(&stem(""), service, region, &mut lists);
        }
        let [rds, redis, mongodb, slb] = lists;
        self.numbered(&stem("rds.DescribeDBInstances"), ["Items", "DBInstance"], rds);
        self.numbered(&stem("r-kvstore.DescribeInstances"), ["Instances", "KVStoreInstance"], redis);
        self.numbered(&stem("dds.DescribeDBInstances"), ["DBInstances", "DBInstance"], mongodb);
        self.numbered(&stem("slb.DescribeLoadBalancers"), ["LoadBalancers", "LoadBalancer"], slb);
    }

    /// Pages with numbers and a total.
    fn numbered(&mut self, stem: &str, [outer, inner]: [&str; 2], items: Vec<Value>) {
        let total = items.len();
        let pages = chunks(items, self.page);
        for (page, items) in (1..).zip(pages) {
            let answer = json!({outer: {inner: items}, "TotalCount": total, "PageNumber": page, "PageSize": self.page, "RequestId": "x"});
            self.dump.insert(format!("{stem}.{page}.json"), answer);
        }
    }

    /// Pages with tokens.
    fn chained(&mut self, stem: &str, [outer, inner]: [&str; 2], items: Vec<Value>) {
        let pages = chunks(items, self.page);
        let last = pages.len();
        for (page, items) in (1..).zip(pages) {
            let token = if page < last { format!("token-{page}") } else { String::new() };
            self.dump.insert(format!("{stem}.{page}.json"), json!({outer: {inner: items}, "NextToken": token}));
        }
    }

    fn instance(&self, one: &biplane::model::Instance, region: &str) -> Value {
        let world = self.world;
        let status = one.state.name();
        let status = format!("{}{}", status[..1].to_ascii_uppercase(), &status[1..]);
        let groups: Vec<&str> =
            one.security_groups.iter().map(|group| world.security_groups[group.value].id.as_str()).collect();
        let ip = json!({"IpAddress": [one.private_ip.to_string()]});
        let mut answer = json!({"InstanceId": *one.id, "InstanceName": "masked", "Status": status, "RegionId": region,
            "SecurityGroupIds": {"SecurityGroupId": groups}, "OperationLocks": {"LockReason": []}});
        match *one.location {
            Location::Classic => {
                answer["InstanceNetworkType"] = json!("classic");
                answer["InnerIpAddress"] = ip;
                answer["VpcAttributes"] = json!({"PrivateIpAddress": {"IpAddress": []}});
            }
            Location::Vswitch(vswitch) => {
                answer["InstanceNetworkType"] = json!("vpc");
                answer["InnerIpAddress"] = json!({"IpAddress": []});
                let vpc = &world.vpcs[world.vswitches[vswitch].vpc.value];
                answer["VpcAttributes"] =
                    json!({"VpcId": *vpc.id, "VSwitchId": *world.vswitches[vswitch].id, "PrivateIpAddress": ip});
            }
        }
        if let Some(address) = &one.public_ip {
            answer["PublicIpAddress"] = json!({"IpAddress": [address.to_string()]});
        }
        if let Some(mac) = &one.mac {
            answer["NetworkInterfaces"] = json!({"NetworkInterface": [{"NetworkInterfaceId": format!("eni-{}", *one.id), "MacAddress": mac.to_string(), "Type": "Primary"}]});
        }
        if let Some(bandwidth) = one.limits.as_ref().and_then(|limits| limits.bandwidth_mbps.tx) {
            answer["InternetMaxBandwidthOut"] = json!(bandwidth);
        }
        answer
    }

    fn vpc(&self, key: biplane::model::Key<biplane::model::Vpc>) -> Value {
        let (world, vpc) = (self.world, &self.world.vpcs[key]);
        let secondary: Vec<_> = vpc.secondary_cidrs.iter().map(|cidr| cidr.to_string()).collect();
        let vswitches: Vec<&str> =
            world.vswitches.values().filter(|one| one.vpc.value == key).map(|one| one.id.as_str()).collect();
        json!({"VpcId": *vpc.id, "CidrBlock": vpc.cidr.to_string(), "SecondaryCidrBlocks": {"SecondaryCidrBlock": secondary}, "RegionId": world.vpc_region(key).as_str(),
            "OwnerId": world.vpc_account(key).as_str(), "VSwitchIds": {"VSwitchId": vswitches}, "UserCidrs": {"UserCidr": []}})
    }

    fn rules(&mut self, stem: &str, one: &SecurityGroup, region: &str) {
        let classic = *one.network == Network::Classic;
        for (variant, nic) in [("@intranet", NicType::Intranet), ("@internet", NicType::Internet)] {
            if !classic && nic == NicType::Internet {
                continue;
            }
            let of_nic = |rule: &&Rule| !classic || rule.nic_type == nic;
            let ingress = one.ingress.iter().filter(of_nic).map(|rule| self.rule(rule, false, classic));
            let egress = one.egress.iter().filter(of_nic).map(|rule| self.rule(rule, true, classic));
            let rules: Vec<Value> = ingress.chain(egress).collect();
            let answer = json!({"SecurityGroupId": *one.id, "VpcId": vpc_of(self.world, *one.network), "RegionId": region, "SecurityGroupName": "x",
                "InnerAccessPolicy": if *one.intra_group == Policy::Accept { "Accept" } else { "Drop" }, "Permissions": {"Permission": rules}});
            let variant = if classic { variant } else { "" };
            self.dump.insert(format!("{stem}{variant}.{}.1.json", *one.id), answer);
        }
    }

    fn rule(&self, rule: &Rule, egress: bool, classic: bool) -> Value {
        let (far, near, far_group) = if egress {
            ("DestCidrIp", "SourceCidrIp", "DestGroupId")
        } else {
            ("SourceCidrIp", "DestCidrIp", "SourceGroupId")
        };
        let mut answer = json!({"Direction": if egress { "egress" } else { "ingress" }, "Policy": if rule.policy == Policy::Accept { "Accept" } else { "Drop" },
            "Priority": rule.priority, "IpProtocol": rule.protocol.map_or("ALL".to_owned(), |protocol| match protocol.0 {
                1 | 6 | 17 | 47 => protocol.to_string().to_ascii_uppercase(), number => number.to_string() }),
            "PortRange": rule.port_range.to_string(), "SourcePortRange": rule.source_port_range.to_string(),
            "NicType": if rule.nic_type == NicType::Internet && classic { "internet" } else { "intranet" }, "Description": rule.description,
            "SourceCidrIp": "", "DestCidrIp": "", "SourceGroupId": "", "DestGroupId": "", "Ipv6SourceCidrIp": "", "Ipv6DestCidrIp": ""});
        match rule.peer.value {
            Peer::Cidr(net) => answer[far] = json!(net.to_string()),
            Peer::Group(group) => answer[far_group] = json!(*self.world.security_groups[group].id),
        }
        if let Some(own) = &rule.own {
            answer[near] = json!(own.to_string());
        }
        answer
    }

    fn tables(&mut self, stem: &str, vpcs: &[biplane::model::Key<biplane::model::Vpc>]) {
        let world = self.world;
        let mut list = Vec::new();
        let mut entries = Vec::new();
        for key in vpcs {
            let vpc = &world.vpcs[*key];
            let system = format!("vtb-{}", *vpc.id);
            list.push(json!({"RouteTableId": system, "VpcId": *vpc.id, "RouteTableType": "System", "AssociateType": "VSwitch", "VSwitchIds": {"VSwitchId": []}}));
            entries.push((system, *key, &vpc.routes));
        }
        for (key, table) in world.route_tables.iter().filter(|(_, table)| vpcs.contains(&table.vpc.value)) {
            let bound =
                world.vswitches.values().filter(|one| one.route_table.as_ref().is_some_and(|own| own.value == key));
            let bound: Vec<&str> = bound.map(|one| one.id.as_str()).collect();
            list.push(json!({"RouteTableId": *table.id, "VpcId": *world.vpcs[table.vpc.value].id, "RouteTableType": "Custom", "AssociateType": "VSwitch", "VSwitchIds": {"VSwitchId": bound}}));
            entries.push((table.id.value.clone(), table.vpc.value, &table.routes));
        }
        self.numbered(&format!("{stem}vpc.DescribeRouteTableList"), ["RouterTableList", "RouterTableListType"], list);
        for (table, vpc, routes) in entries {
            let local = world
                .vswitches
                .values()
                .filter(|one| one.vpc.value == vpc)
                .map(|one| one.cidr.to_string())
                .chain(["100.64.0.0/10".to_owned()]);
            let system = local.map(|net| json!({"RouteTableId": table, "DestinationCidrBlock": net, "Type": "System", "Status": "Available", "NextHops": {"NextHop": [{"NextHopType": "local", "NextHopId": ""}]}}));
            let custom = routes.iter().map(|route| {
                let (kind, id) = match route.next_hop.value {
                    NextHop::Instance(key) => ("Instance", world.instances[key].id.value.clone()),
                    NextHop::Gateway(key) if *world.gateways[key].kind == "vpn" => ("VpnGateway", world.gateways[key].id.value.clone()),
                    NextHop::Gateway(key) => ("NatGateway", world.gateways[key].id.value.clone()),
                    NextHop::Peering(key) => ("VpcPeer", world.peerings[key].id.value.clone()),
                };
                json!({"RouteTableId": table, "DestinationCidrBlock": route.destination.to_string(), "Type": "Custom", "Status": "Available", "IpVersion": "ipv4",
                    "NextHops": {"NextHop": [{"NextHopType": kind, "NextHopId": id, "Enabled": 1, "Weight": 0}]}})
            });
            let all = system.chain(custom).collect();
            self.chained(&format!("{stem}vpc.DescribeRouteEntryList.{table}"), ["RouteEntrys", "RouteEntry"], all);
        }
    }

    /// What is asked of one service; the service itself goes into the list of its product.
    fn service(&mut self, stem: &str, one: &Service, region: &str, [rds, redis, mongodb, slb]: &mut [Vec<Value>; 4]) {
        let world = self.world;
        let (id, ip) = (one.id.value.clone(), one.ip.to_string());
        let classic = *one.location == Location::Classic;
        let network = if classic { "Classic" } else { "VPC" };
        let vswitch = vswitch_of(world, *one.location);
        let vpc = vpc_of(world, world.network(*one.location));
        let list: Vec<String> = one.effective_whitelist().unwrap_or_default().iter().map(ToString::to_string).collect();
        let list = list.join(",");
        match *one.kind {
            ServiceKind::Rds => {
                let item = json!({"DBInstanceId": id, "Engine": "MySQL", "InstanceNetworkType": network, "VpcId": vpc, "VSwitchId": vswitch, "RegionId": region});
                rds.push(item);
                let address = json!({"IPAddress": ip, "IPType": if classic { "Inner" } else { "Private" }, "VPCId": vpc, "VSwitchId": vswitch, "Port": "3306"});
                self.dump.insert(format!("{stem}rds.DescribeDBInstanceNetInfo.{id}.1.json"), json!({"InstanceNetworkType": network, "SecurityIPMode": "normal", "DBInstanceNetInfos": {"DBInstanceNetInfo": [address]}}));
                self.dump.insert(format!("{stem}rds.DescribeDBInstanceIPArrayList.{id}.1.json"), json!({"Items": {"DBInstanceIPArray": [{"DBInstanceIPArrayName": "default", "SecurityIPList": list}]}}));
            }
            ServiceKind::Redis => {
                let item = json!({"InstanceId": id, "PrivateIp": ip, "NetworkType": network.to_ascii_uppercase(), "VpcId": vpc, "VSwitchId": vswitch, "ConnectionDomain": "r.example", "RegionId": region});
                redis.push(item);
                self.dump.insert(format!("{stem}r-kvstore.DescribeSecurityIps.{id}.1.json"), json!({"SecurityIpGroups": {"SecurityIpGroup": [{"SecurityIpGroupName": "default", "SecurityIpList": list}]}}));
            }
            ServiceKind::Mongodb => {
                let item = json!({"DBInstanceId": id, "Engine": "MongoDB", "NetworkType": network, "RegionId": region});
                mongodb.push(item);
                let address = json!({"IPAddress": ip, "NetworkType": network, "VPCId": vpc, "VswitchId": vswitch, "Role": "Primary"});
                self.dump.insert(
                    format!("{stem}dds.DescribeShardingNetworkAddress.{id}.1.json"),
                    json!({"NetworkAddresses": {"NetworkAddress": [address]}}),
                );
                self.dump.insert(
                    format!("{stem}dds.DescribeSecurityIps.{id}.1.json"),
                    json!({"SecurityIps": list, "SecurityIpGroups": {"SecurityIpGroup": []}}),
                );
            }
            ServiceKind::Slb => {
                let item = json!({"LoadBalancerId": id, "Address": ip, "AddressType": "intranet", "NetworkType": network.to_ascii_lowercase(), "VpcId": vpc, "VSwitchId": vswitch, "RegionId": region, "LoadBalancerStatus": "active"});
                slb.push(item);
            }
            // No call of the vendor's lists these.
            ServiceKind::Oss | ServiceKind::Other => {}
        }
    }
}

fn group(world: &World, one: &SecurityGroup) -> Value {
    let kind = if *one.kind == GroupKind::Enterprise { "enterprise" } else { "normal" };
    json!({"SecurityGroupId": *one.id, "SecurityGroupName": "x", "VpcId": vpc_of(world, *one.network), "SecurityGroupType": kind, "RuleCount": one.ingress.len() + one.egress.len(), "RegionId": world.region(*one.network, &one.placement).as_str()})
}

fn vpc_of(world: &World, network: Network) -> String {
    match network {
        Network::Vpc(vpc) => world.vpcs[vpc].id.value.clone(),
        Network::Classic => String::new(),
    }
}

fn vswitch_of(world: &World, location: Location) -> String {
    match location {
        Location::Vswitch(vswitch) => world.vswitches[vswitch].id.value.clone(),
        Location::Classic => String::new(),
    }
}

/// Pages of `size` items; one without items where there are none.
fn chunks(mut items: Vec<Value>, size: usize) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    while items.len() > size {
        let rest = items.split_off(size);
        pages.push(std::mem::replace(&mut items, rest));
    }
    pages.push(items);
    pages
}

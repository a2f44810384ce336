//! Resources become facts, as answers do.

use super::attributes::Attributes;
use super::document::Resource;
use super::references::References;
use crate::import::answers;
use crate::import::facts::*;
use crate::import::inventory::Inventory;
use crate::net::Ipv4Net;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// The first address of a vSwitch, counted from its network address, that is given to what has none yet.
const FIRST_GUESS: u32 = 10;

pub(super) struct Applier<'i> {
    inventory: &'i mut Inventory,
    references: &'i References<'i>,
    /// What will get an address from a vSwitch: instances, then services.
    without_address: [BTreeSet<String>; 2],
}

impl<'i> Applier<'i> {
    pub(super) fn new(inventory: &'i mut Inventory, references: &'i References<'i>) -> Applier<'i> {
        Applier { inventory, references, without_address: [BTreeSet::new(), BTreeSet::new()] }
    }

    /// Takes a resource in; an object that is known already becomes what the resource says.
    pub(super) fn put(&mut self, resource: &Resource<'_>) {
        let attributes = Attributes::of(resource, self.references);
        let id = attributes.id();
        match resource.kind.as_str() {
            "alicloud_vpc" => self.vpc(&attributes, &id),
            "alicloud_vpc_ipv4_cidr_block" => self.secondary_cidr(&attributes),
            "alicloud_vswitch" => self.vswitch(&attributes, &id),
            "alicloud_security_group" => self.group(&attributes, &id),
            "alicloud_security_group_rule" => self.rule(&attributes),
            "alicloud_instance" => self.instance(&attributes, &id),
            "alicloud_ecs_network_interface" | "alicloud_network_interface" => self.interface(&attributes, &id),
            "alicloud_ecs_network_interface_attachment" | "alicloud_network_interface_attachment" => {
                self.attach(&attributes);
            }
            "alicloud_route_table" => self.route_table(&attributes, &id),
            "alicloud_route_table_attachment" => self.bind_table(&attributes),
            "alicloud_route_entry" | "alicloud_vpc_route_entry" => self.route_entry(&attributes),
            "alicloud_vpc_peer_connection" => self.peering(&attributes, &id),
            "alicloud_router_interface" => self.router_interface(&attributes, &id),
            "alicloud_router_interface_connection" => self.join_router_interfaces(&attributes),
            "alicloud_nat_gateway" => self.gateway(&attributes, &id, "nat"),
            "alicloud_vpn_gateway" => self.gateway(&attributes, &id, "vpn"),
            "alicloud_vpn_connection" => self.vpn_connection(&attributes),
            "alicloud_db_instance" => self.service(&attributes, &id, "rds"),
            "alicloud_slb_load_balancer" | "alicloud_slb" => self.service(&attributes, &id, "slb"),
            "alicloud_kvstore_instance" => self.service(&attributes, &id, "redis"),
            "alicloud_mongodb_instance" | "alicloud_mongodb_sharding_instance" => {
                self.service(&attributes, &id, "mongodb");
            }
            "alicloud_network_acl" => self.network_acl(&attributes, &id),
            "alicloud_network_acl_attachment" => self.bind_network_acl(&attributes),
            "alicloud_ecs_prefix_list" | "alicloud_vpc_prefix_list" => {
                self.inventory.prefix_lists.insert(id, answers::prefix_list(attributes.node()));
            }
            other => *self.inventory.passed_over.entry(other.to_owned()).or_default() += 1,
        }
    }

    /// Gives addresses to what has none yet, and regions to VPCs whose vSwitches name a zone.
    pub(super) fn finish(mut self) {
        self.give_addresses();
        for facts in self.inventory.vswitches.values() {
            let (Some(vpc), Some(zone)) = (&facts.vpc, &facts.zone) else { continue };
            if let Some(vpc) = self.inventory.vpcs.get_mut(vpc).filter(|vpc| vpc.region.is_none()) {
                vpc.region = region_of_zone(zone);
            }
        }
        for facts in self.inventory.instances.values_mut().filter(|facts| facts.region.is_none()) {
            facts.region = facts.zone.as_deref().and_then(region_of_zone);
        }
    }

    fn guess(&mut self, id: &str, why: String) {
        self.inventory.guesses.push((id.to_owned(), why));
    }

    /// The system table of a VPC, which Terraform knows by name only once it exists.
    fn system_table(&self, vpc: &str) -> String {
        let own = |facts: &VpcFacts| facts.route_tables.as_ref()?.first().cloned();
        self.inventory.vpcs.get(vpc).and_then(own).unwrap_or_else(|| format!("{vpc}.system"))
    }

    fn vpc(&mut self, attributes: &Attributes<'_>, id: &str) {
        let mut facts = answers::vpc(attributes.node());
        facts.classic_link = Some(facts.classic_link.unwrap_or(false));
        let table = attributes.text(&["routetableid", "routertableid"]).unwrap_or_else(|| format!("{id}.system"));
        let vpc = self.inventory.vpcs.entry(id.to_owned()).or_default();
        let known = vpc.route_tables.clone();
        vpc.absorb(facts);
        let table = known.as_ref().and_then(|known| known.first().cloned()).unwrap_or(table);
        vpc.route_tables = known.or_else(|| Some(vec![table.clone()]));
        let system = RouteTableFacts { vpc: Some(id.to_owned()), custom: Some(false), ..RouteTableFacts::default() };
        self.inventory.route_tables.entry(table.clone()).or_insert(system);
        self.inventory.entries.entry(table).or_default();
        self.inventory.managed.insert(id.to_owned());
    }

    fn secondary_cidr(&mut self, attributes: &Attributes<'_>) {
        let (Some(vpc), Some(cidr)) = (attributes.reference(&["vpcid"]), attributes.text(&["secondarycidrblock"]))
        else {
            return;
        };
        let known = self.inventory.vpcs.entry(vpc).or_default().secondary_cidrs.get_or_insert_default();
        if !known.contains(&cidr) {
            known.push(cidr);
        }
    }

    fn vswitch(&mut self, attributes: &Attributes<'_>, id: &str) {
        let facts = VswitchFacts { vpc: attributes.reference(&["vpcid"]), ..answers::vswitch(attributes.node()) };
        self.inventory.vswitches.entry(id.to_owned()).or_default().absorb(facts);
    }

    fn group(&mut self, attributes: &Attributes<'_>, id: &str) {
        let vpc = Some(attributes.reference(&["vpcid"]).unwrap_or_default());
        let facts = GroupFacts { vpc, ..answers::group(attributes.node()) };
        self.inventory.groups.entry(id.to_owned()).or_default().absorb(facts);
        self.inventory.managed.insert(id.to_owned());
    }

    fn rule(&mut self, attributes: &Attributes<'_>) {
        let Some(group) = attributes.reference(&["securitygroupid"]) else {
            let address = attributes.resource.address.clone();
            return self.guess(&address, "a rule of which the plan does not say the group: left out".to_owned());
        };
        let rule = rule_facts(attributes);
        self.inventory.add_rules(&group, vec![rule], true);
    }

    fn instance(&mut self, attributes: &Attributes<'_>, id: &str) {
        let vswitch = attributes.reference(&["vswitchid"]);
        let ips = attributes.node().texts("privateip");
        let ips = if ips.is_empty() { attributes.node().texts("primaryipaddress") } else { ips };
        let classic = vswitch.is_none();
        if ips.is_empty() && !classic && attributes.is_new() {
            self.without_address[0].insert(id.to_owned());
        }
        self.inventory.managed.insert(id.to_owned());
        let (inner_ips, private_ips) = if classic { (Some(ips), None) } else { (None, Some(ips)) };
        let facts = InstanceFacts {
            name: attributes.text(&["instancename"]),
            network: Some(if classic { "classic" } else { "vpc" }.to_owned()),
            vpc: attributes.reference(&["vpcid"]),
            vswitch,
            inner_ips,
            private_ips: private_ips.filter(|ips| !ips.is_empty()),
            groups: Some(attributes.references(&["securitygroups", "securitygroupids"])),
            status: attributes.text(&["status"]),
            public_ip: attributes.text(&["publicip"]),
            bandwidth: attributes.node().number("internetmaxbandwidthout").filter(|bandwidth| *bandwidth > 0),
            zone: attributes.text(&["availabilityzone", "zoneid"]),
            ..InstanceFacts::default()
        };
        self.inventory.instances.entry(id.to_owned()).or_default().absorb(facts);
    }

    fn interface(&mut self, attributes: &Attributes<'_>, id: &str) {
        let facts = InterfaceFacts {
            ip: attributes.text(&["primaryipaddress", "privateip"]),
            vswitch: attributes.reference(&["vswitchid"]),
            groups: Some(attributes.references(&["securitygroupids", "securitygroups"])),
            primary: Some(false),
            ..answers::interface(attributes.node())
        };
        self.inventory.interfaces.entry(id.to_owned()).or_default().absorb(facts);
    }

    fn attach(&mut self, attributes: &Attributes<'_>) {
        if let Some(interface) = attributes.reference(&["networkinterfaceid"]) {
            self.inventory.interfaces.entry(interface).or_default().instance = attributes.reference(&["instanceid"]);
        }
    }

    fn route_table(&mut self, attributes: &Attributes<'_>, id: &str) {
        let node = attributes.node();
        let facts = RouteTableFacts {
            vpc: attributes.reference(&["vpcid"]),
            custom: Some(true),
            of_gateway: node.text_of("associatetype").map(|kind| kind.eq_ignore_ascii_case("gateway")),
            ..RouteTableFacts::default()
        };
        self.inventory.route_tables.entry(id.to_owned()).or_default().absorb(facts);
        self.inventory.entries.entry(id.to_owned()).or_default();
    }

    fn bind_table(&mut self, attributes: &Attributes<'_>) {
        let (Some(table), Some(vswitch)) =
            (attributes.reference(&["routetableid"]), attributes.reference(&["vswitchid"]))
        else {
            return;
        };
        let table = self.inventory.route_tables.entry(table).or_default();
        table.vswitches.get_or_insert_default().push(vswitch);
    }

    fn route_entry(&mut self, attributes: &Attributes<'_>) {
        let Some(table) = attributes.reference(&["routetableid"]) else {
            let address = attributes.resource.address.clone();
            return self.guess(&address, "a route of which the plan does not say the table: left out".to_owned());
        };
        // The table of a VPC that does not exist yet is named by the VPC.
        let table = if self.inventory.vpcs.contains_key(&table) { self.system_table(&table) } else { table };
        let mut entry = answers::route_entry(attributes.node());
        entry.kind = Some("Custom".to_owned());
        for hop in entry.hops.iter_mut().flatten().filter(|hop| hop.id.is_none()) {
            hop.id = attributes.reference(&["nexthopid"]);
        }
        let entries = self.inventory.entries.entry(table).or_default();
        entries.retain(|known| known.destination != entry.destination);
        entries.push(entry);
    }

    fn peering(&mut self, attributes: &Attributes<'_>, id: &str) {
        let mut facts = answers::peering(attributes.node());
        facts.vpc = attributes.reference(&["vpcid"]);
        facts.accepting_vpc = attributes.reference(&["acceptingvpcid"]);
        // One that does not exist yet will be activated.
        facts.status = facts.status.filter(|_| !attributes.is_new());
        self.inventory.peerings.entry(id.to_owned()).or_default().absorb(facts);
    }

    fn router_interface(&mut self, attributes: &Attributes<'_>, id: &str) {
        let facts = RouterInterfaceFacts {
            router: attributes.reference(&["routerid"]),
            ..answers::router_interface(attributes.node())
        };
        self.inventory.router_interfaces.entry(id.to_owned()).or_default().absorb(facts);
    }

    fn join_router_interfaces(&mut self, attributes: &Attributes<'_>) {
        let opposite = attributes.reference(&["oppositeinterfaceid"]);
        if let (Some(one), Some(opposite)) = (attributes.reference(&["routerinterfaceid", "interfaceid"]), opposite) {
            self.inventory.router_interfaces.entry(one).or_default().opposite = Some(opposite);
        }
    }

    fn gateway(&mut self, attributes: &Attributes<'_>, id: &str, kind: &'static str) {
        let mut facts = if kind == "nat" {
            answers::nat_gateway(attributes.node())
        } else {
            answers::vpn_gateway(attributes.node())
        };
        facts.vpc = attributes.reference(&["vpcid"]);
        self.inventory.gateways.entry(id.to_owned()).or_default().absorb(facts);
    }

    fn vpn_connection(&mut self, attributes: &Attributes<'_>) {
        let Some(gateway) = attributes.reference(&["vpngatewayid"]) else { return };
        let remote = self.inventory.gateways.entry(gateway).or_default().remote.get_or_insert_default();
        remote.extend(attributes.node().texts("remotesubnet"));
    }

    fn service(&mut self, attributes: &Attributes<'_>, id: &str, kind: &'static str) {
        let ip = attributes.text(&["privateipaddress", "privateip", "address"]);
        let facts = ServiceFacts {
            name: attributes.text(&["instancename", "loadbalancername", "dbinstancename", "name"]),
            kind: Some(kind),
            vswitch: attributes.reference(&["vswitchid"]),
            internet: attributes.text(&["addresstype"]).map(|kind| kind.eq_ignore_ascii_case("internet")),
            ip,
            status: None,
            ..answers::service(attributes.node(), kind)
        };
        if facts.ip.is_none() && facts.vswitch.is_some() && attributes.is_new() {
            self.without_address[1].insert(id.to_owned());
        }
        let ips = ["securityips", "securityiplist"]
            .into_iter()
            .flat_map(|key| attributes.node().texts(key))
            .collect::<Vec<_>>();
        if kind != "slb" && (!ips.is_empty() || attributes.is_new()) {
            // A database is made with the vendor's own list.
            let entries = if ips.is_empty() { vec!["127.0.0.1".to_owned()] } else { ips };
            self.inventory
                .whitelists
                .insert(id.to_owned(), vec![WhitelistFacts { entries: Some(entries), ..WhitelistFacts::default() }]);
        }
        let groups = attributes.references(&["securitygroupids", "securitygroupid"]);
        if kind != "slb" && !groups.is_empty() {
            self.inventory.admitted_groups.insert(id.to_owned(), groups);
        }
        self.inventory.services.entry(id.to_owned()).or_default().absorb(facts);
    }

    fn network_acl(&mut self, attributes: &Attributes<'_>, id: &str) {
        self.inventory.network_acls.entry(id.to_owned()).or_default().absorb(answers::network_acl(attributes.node()));
    }

    fn bind_network_acl(&mut self, attributes: &Attributes<'_>) {
        let Some(acl) = attributes.reference(&["networkaclid"]) else { return };
        let bound = attributes.node().items("resources").into_iter().filter_map(|one| one.owned("resourceid"));
        let bound: Vec<String> = bound.chain(attributes.reference(&["resourceid"])).collect();
        self.inventory.network_acls.entry(acl).or_default().vswitches.get_or_insert_default().extend(bound);
    }

    fn give_addresses(&mut self) {
        let mut taken: BTreeMap<String, BTreeSet<Ipv4Addr>> = BTreeMap::new();
        let mut take = |vswitch: Option<&String>, ips: &[String]| {
            let Some(vswitch) = vswitch else { return };
            taken.entry(vswitch.clone()).or_default().extend(ips.iter().filter_map(|ip| ip.parse::<Ipv4Addr>().ok()));
        };
        for facts in self.inventory.instances.values() {
            take(facts.vswitch.as_ref(), facts.private_ips.as_deref().unwrap_or(&[]));
        }
        for facts in self.inventory.interfaces.values() {
            take(facts.vswitch.as_ref(), facts.ip.as_slice());
        }
        for (id, facts) in &self.inventory.services {
            take(facts.vswitch.as_ref(), facts.ip.as_slice());
            for endpoint in self.inventory.endpoints.get(id).into_iter().flatten() {
                take(endpoint.vswitch.as_ref().or(facts.vswitch.as_ref()), endpoint.ip.as_slice());
            }
        }
        let [instances, services] = std::mem::take(&mut self.without_address);
        for (id, of_service) in
            instances.into_iter().map(|id| (id, false)).chain(services.into_iter().map(|id| (id, true)))
        {
            let vswitch = match of_service {
                true => self.inventory.services.get(&id).and_then(|facts| facts.vswitch.clone()),
                false => self.inventory.instances.get(&id).and_then(|facts| facts.vswitch.clone()),
            };
            let Some(vswitch) = vswitch else { continue };
            let cidr =
                self.inventory.vswitches.get(&vswitch).and_then(|facts| facts.cidr.as_deref()?.parse::<Ipv4Net>().ok());
            let Some(address) = cidr.and_then(|cidr| free_address(cidr, taken.entry(vswitch).or_default())) else {
                continue;
            };
            match of_service {
                true => {
                    if let Some(facts) = self.inventory.services.get_mut(&id) {
                        facts.ip = Some(address.to_string());
                    }
                }
                false => {
                    if let Some(facts) = self.inventory.instances.get_mut(&id) {
                        facts.private_ips = Some(vec![address.to_string()]);
                    }
                }
            }
            self.guess(&id, format!("its address is not known before the plan is applied; {address} is a guess"));
        }
    }
}

/// The rule that a resource stands for.
pub(super) fn rule_facts(attributes: &Attributes<'_>) -> RuleFacts {
    let node = attributes.node();
    let egress = node.text_of("type").is_some_and(|kind| kind.eq_ignore_ascii_case("egress"));
    let group = attributes.reference(&["sourcesecuritygroupid"]);
    let list = attributes.reference(&["prefixlistid"]);
    // Where a rule names a group, the provider keeps a CIDR of its own making beside it.
    let cidr = if group.is_some() || list.is_some() { None } else { node.owned("cidrip") };
    let ipv6 = node.owned("ipv6cidrip");
    let (source, destination) = if egress { (None, Some(())) } else { (Some(()), None) };
    RuleFacts {
        egress: Some(egress),
        nic_type: node.owned("nictype"),
        protocol: node.owned("ipprotocol"),
        port_range: node.owned("portrange"),
        policy: node.owned("policy"),
        priority: node.owned("priority"),
        source_cidr: source.and(cidr.clone()),
        source_group: source.and(group.clone()),
        source_list: source.and(list.clone()),
        source_ipv6: source.and(ipv6.clone()),
        destination_cidr: destination.and(cidr),
        destination_group: destination.and(group),
        destination_list: destination.and(list),
        destination_ipv6: destination.and(ipv6),
        group_account: node.owned("sourcegroupowneraccount"),
        description: node.owned("description"),
        ..RuleFacts::default()
    }
}

/// The next address of a vSwitch that nothing has, which is taken.
fn free_address(cidr: Ipv4Net, taken: &mut BTreeSet<Ipv4Addr>) -> Option<Ipv4Addr> {
    let (first, last) = (u32::from(cidr.network()), u32::from(cidr.broadcast()));
    let end = last.checked_sub(3)?;
    let start = first.checked_add(FIRST_GUESS).filter(|start| *start <= end).unwrap_or(first + 1);
    let from = |start: u32| (start..=end).map(Ipv4Addr::from);
    let address = from(start).chain(from(first + 1)).find(|address| !taken.contains(address))?;
    taken.insert(address);
    Some(address)
}

/// `cn-hangzhou` of `cn-hangzhou-b`, `ap-southeast-1` of `ap-southeast-1a`.
fn region_of_zone(zone: &str) -> Option<String> {
    let (region, last) = zone.rsplit_once('-')?;
    let letters =
        |text: &str| !text.is_empty() && text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_lowercase());
    if letters(last) && region.contains('-') {
        return Some(region.to_owned());
    }
    let number = last.trim_end_matches(|c: char| c.is_ascii_lowercase());
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then(|| format!("{region}-{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_lie_in_regions() {
        let region = |zone| region_of_zone(zone);
        assert_eq!(region("cn-hangzhou-b").as_deref(), Some("cn-hangzhou"));
        assert_eq!(region("ap-southeast-1a").as_deref(), Some("ap-southeast-1"));
        assert_eq!(region("b"), None);
    }

    #[test]
    fn free_addresses_come_from_the_tenth_on_and_leave_out_what_is_taken() {
        let mut taken = BTreeSet::from([Ipv4Addr::new(10, 0, 0, 10)]);
        let cidr = "10.0.0.0/29".parse().unwrap();
        let given: Vec<_> = std::iter::from_fn(|| free_address(cidr, &mut taken)).map(|ip| ip.octets()[3]).collect();
        assert_eq!(given, [1, 2, 3, 4]);
        let mut taken = BTreeSet::from([Ipv4Addr::new(10, 0, 0, 10)]);
        assert_eq!(free_address("10.0.0.0/24".parse().unwrap(), &mut taken), Some(Ipv4Addr::new(10, 0, 0, 11)));
    }
}

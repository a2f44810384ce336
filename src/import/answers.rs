//! One object of an answer becomes facts. The same functions read Terraform's attributes: keys are one in any style.

use super::facts::*;
use super::json::{JsonNode, split};

pub(super) fn vpc(node: &JsonNode<'_>) -> VpcFacts {
    let resources = node.items("cloudresources").into_iter();
    let resources = resources.filter_map(|one| Some((one.owned("resourcetype")?, one.number("resourcecount")?)));
    let cens = node.items("associatedcens").into_iter().filter_map(|cen| cen.owned("cenid"));
    let attached = node.text_of("censtatus").filter(|status| status.eq_ignore_ascii_case("attached"));
    VpcFacts {
        name: node.owned("vpcname").or_else(|| node.owned("name")),
        description: node.owned("description"),
        tags: node.tags(),
        cidr: node.owned("cidrblock"),
        secondary_cidrs: given(node, "secondarycidrblocks"),
        user_cidrs: given(node, "usercidrs"),
        classic_link: node.flag("classiclinkenabled").or_else(|| node.flag("enableclassiclink")),
        region: node.owned("regionid"),
        account: node.owned("ownerid"),
        router: node.owned("vrouterid").or_else(|| node.owned("routerid")),
        vswitches: given(node, "vswitchids"),
        route_tables: given(node, "routertableids"),
        nat_gateways: given(node, "natgatewayids"),
        resources: node.has("cloudresources").then(|| resources.collect()),
        cens: (node.has("associatedcens") || attached.is_some())
            .then(|| cens.chain(attached.map(|_| "a CEN".to_owned())).collect()),
    }
}

/// The texts under a key, where it is there: an empty list says something that a missing key does not.
fn given(node: &JsonNode<'_>, key: &str) -> Option<Vec<String>> {
    node.has(key).then(|| node.texts(key))
}

pub(super) fn vswitch(node: &JsonNode<'_>) -> VswitchFacts {
    let table = node.get("routetable");
    VswitchFacts {
        name: node.owned("vswitchname").or_else(|| node.owned("name")),
        description: node.owned("description"),
        tags: node.tags(),
        vpc: node.owned("vpcid"),
        cidr: node.owned("cidrblock"),
        zone: node.owned("zoneid").or_else(|| node.owned("availabilityzone")),
        route_table: table.and_then(|table| table.owned("routetableid")),
        custom_table: table.and_then(|table| table.text_of("routetabletype")).map(is_custom),
        network_acl: node.owned("networkaclid"),
        available: node.number("availableipaddresscount"),
        region: node.owned("regionid"),
        account: node.owned("ownerid"),
    }
}

fn is_custom(table_type: &str) -> bool {
    table_type.eq_ignore_ascii_case("custom")
}

pub(super) fn route_table(node: &JsonNode<'_>) -> RouteTableFacts {
    RouteTableFacts {
        name: node.owned("routetablename"),
        description: node.owned("description"),
        tags: node.tags(),
        vpc: node.owned("vpcid"),
        router: node.owned("vrouterid").or_else(|| node.owned("routerid")),
        custom: node.text_of("routetabletype").map(is_custom),
        of_gateway: node.text_of("associatetype").map(|kind| kind.eq_ignore_ascii_case("gateway")),
        vswitches: given(node, "vswitchids"),
        region: node.owned("regionid"),
    }
}

pub(super) fn route_entry(node: &JsonNode<'_>) -> RouteEntryFacts {
    let mut hops: Vec<HopFacts> = node.items("nexthops").into_iter().map(hop).collect();
    if hops.is_empty() {
        hops.push(hop(node));
    }
    RouteEntryFacts {
        destination: node.owned("destinationcidrblock"),
        kind: node.owned("type"),
        status: node.owned("status"),
        hops: Some(hops),
    }
}

fn hop(node: &JsonNode<'_>) -> HopFacts {
    HopFacts {
        kind: node.owned("nexthoptype"),
        id: node.owned("nexthopid").or_else(|| node.owned("instanceid")),
        weight: node.number("weight"),
        enabled: node.flag("enabled"),
    }
}

pub(super) fn nat_gateway(node: &JsonNode<'_>) -> GatewayFacts {
    let name = node.owned("natgatewayname").or_else(|| node.owned("name"));
    GatewayFacts { name, kind: Some("nat"), remote: Some(vec!["0.0.0.0/0".to_owned()]), ..gateway(node) }
}

pub(super) fn vpn_gateway(node: &JsonNode<'_>) -> GatewayFacts {
    let name = node.owned("vpngatewayname").or_else(|| node.owned("name"));
    GatewayFacts { name, kind: Some("vpn"), ..gateway(node) }
}

fn gateway(node: &JsonNode<'_>) -> GatewayFacts {
    GatewayFacts {
        description: node.owned("description"),
        tags: node.tags(),
        vpc: node.owned("vpcid"),
        region: node.owned("regionid"),
        ..GatewayFacts::default()
    }
}

pub(super) fn router_interface(node: &JsonNode<'_>) -> RouterInterfaceFacts {
    RouterInterfaceFacts {
        name: node.owned("name"),
        description: node.owned("description"),
        tags: node.tags(),
        status: node.owned("status"),
        router_type: node.owned("routertype"),
        opposite_router_type: node.owned("oppositeroutertype"),
        vpc: node.owned("vpcinstanceid"),
        router: node.owned("routerid"),
        opposite: node.owned("oppositeinterfaceid"),
        opposite_vpc: node.owned("oppositevpcinstanceid"),
        initiating: node.text_of("role").map(|role| role.eq_ignore_ascii_case("initiatingside")),
        region: node.owned("regionid"),
    }
}

pub(super) fn peering(node: &JsonNode<'_>) -> PeeringFacts {
    let side = |key: &str, flat: &str| {
        let side = node.get(key);
        (
            side.and_then(|side| side.owned("vpcid")).or_else(|| node.owned(flat)),
            side.map(|side| side.texts("ipv4cidrs")),
        )
    };
    let (vpc, cidrs) = side("vpc", "vpcid");
    let (accepting_vpc, accepting_cidrs) = side("acceptingvpc", "acceptingvpcid");
    let name = node.owned("name").or_else(|| node.owned("peerconnectionname"));
    let (status, region) = (node.owned("status"), node.owned("regionid"));
    let (description, tags) = (node.owned("description"), node.tags());
    PeeringFacts { name, description, tags, vpc, accepting_vpc, cidrs, accepting_cidrs, status, region }
}

pub(super) fn network_acl(node: &JsonNode<'_>) -> NetworkAclFacts {
    let entries = ["ingressaclentries", "egressaclentries", "ingressacl", "egressacl"].into_iter();
    let entries = entries.flat_map(|key| node.items(key)).filter(|entry| {
        !(entry.text_of("policy").is_some_and(|policy| policy.eq_ignore_ascii_case("accept"))
            && entry.text_of("cidr").or_else(|| entry.text_of("cidrip")).is_none_or(|cidr| cidr == "0.0.0.0/0"))
    });
    let bound = node.items("resources").into_iter();
    let bound = bound.filter_map(|one| one.owned("resourceid").or_else(|| one.owned("vswitchid")));
    NetworkAclFacts {
        name: node.owned("networkaclname").or_else(|| node.owned("name")),
        vpc: node.owned("vpcid"),
        entries: Some(entries.count() as u64),
        vswitches: node.has("resources").then(|| bound.collect()),
    }
}

pub(super) fn group(node: &JsonNode<'_>) -> GroupFacts {
    GroupFacts {
        name: node.owned("securitygroupname").or_else(|| node.owned("name")),
        description: node.owned("description"),
        tags: node.tags(),
        vpc: node.has("vpcid").then(|| node.owned("vpcid").unwrap_or_default()),
        kind: node.owned("securitygrouptype"),
        inner_access: node.owned("inneraccesspolicy").or_else(|| {
            node.flag("inneraccess").map(|inner| if inner { "Accept".to_owned() } else { "Drop".to_owned() })
        }),
        members: node.number("ecscount"),
        rule_count: node.number("rulecount"),
        region: node.owned("regionid"),
        account: node.owned("ownerid"),
        managed: node.flag("servicemanaged"),
    }
}

pub(super) fn rule(node: &JsonNode<'_>) -> RuleFacts {
    let egress = match node.text_of("direction") {
        Some(direction) => direction.eq_ignore_ascii_case("egress"),
        None => !node.has("sourcecidrip") && (node.get("destcidrip").is_some() || node.get("destgroupid").is_some()),
    };
    RuleFacts {
        id: node.owned("securitygroupruleid"),
        egress: Some(egress),
        nic_type: node.owned("nictype"),
        protocol: node.owned("ipprotocol"),
        port_range: node.owned("portrange"),
        source_port_range: node.owned("sourceportrange"),
        port_list: node.owned("portrangelistid"),
        policy: node.owned("policy"),
        priority: node.owned("priority"),
        source_cidr: node.owned("sourcecidrip"),
        source_group: node.owned("sourcegroupid"),
        source_list: node.owned("sourceprefixlistid"),
        source_ipv6: node.owned("ipv6sourcecidrip"),
        destination_cidr: node.owned("destcidrip"),
        destination_group: node.owned("destgroupid"),
        destination_list: node.owned("destprefixlistid"),
        destination_ipv6: node.owned("ipv6destcidrip"),
        group_account: node.owned("sourcegroupowneraccount").or_else(|| node.owned("destgroupowneraccount")),
        description: node.owned("description"),
    }
}

pub(super) fn prefix_list(node: &JsonNode<'_>) -> PrefixListFacts {
    let entries = node.items("entries").into_iter().filter_map(|entry| entry.owned("cidr"));
    PrefixListFacts { name: node.owned("prefixlistname"), entries: node.has("entries").then(|| entries.collect()) }
}

pub(super) fn instance(node: &JsonNode<'_>) -> InstanceFacts {
    let attributes = node.get("vpcattributes");
    let own = |key: &str| attributes.and_then(|attributes| attributes.owned(key));
    let eip = node.get("eipaddress").and_then(|eip| eip.owned("ipaddress"));
    let public = eip.or_else(|| node.texts("publicipaddress").into_iter().next()).or_else(|| own("natipaddress"));
    let interfaces = node.items("networkinterfaces");
    let mut primary =
        interfaces.iter().filter(|one| one.text_of("type").is_none_or(|kind| kind.eq_ignore_ascii_case("primary")));
    let primary = primary.next();
    let mut private_ips = attributes.map_or(Vec::new(), |attributes| attributes.texts("privateipaddress"));
    if private_ips.is_empty()
        && let Some(ip) = primary.and_then(|one| one.owned("primaryipaddress"))
    {
        private_ips.push(ip);
    }
    let locks = node.items("operationlocks").into_iter();
    let locks = locks.map(|lock| lock.text().or_else(|| lock.text_of("lockreason")).unwrap_or("locked").to_owned());
    InstanceFacts {
        name: node.owned("instancename"),
        description: node.owned("description"),
        tags: node.tags(),
        network: node.owned("instancenetworktype"),
        vpc: own("vpcid"),
        vswitch: own("vswitchid"),
        inner_ips: given(node, "inneripaddress"),
        private_ips: (!private_ips.is_empty()).then_some(private_ips),
        groups: given(node, "securitygroupids"),
        status: node.owned("status"),
        public_ip: public,
        mac: primary.and_then(|one| one.owned("macaddress")),
        // An instance without a public address has none.
        bandwidth: node.number("internetmaxbandwidthout").filter(|bandwidth| *bandwidth > 0),
        locks: Some(locks.collect()),
        region: node.owned("regionid"),
        zone: node.owned("zoneid"),
        account: node.owned("ownerid"),
        interfaces: Some(interfaces.iter().filter_map(|one| one.owned("networkinterfaceid")).collect()),
        forwarding: None,
    }
}

pub(super) fn interface(node: &JsonNode<'_>) -> InterfaceFacts {
    let (mut ip, mut secondary_ips) =
        (node.owned("privateipaddress").or_else(|| node.owned("primaryipaddress")), Vec::new());
    for one in node.items("privateipsets") {
        match (one.owned("privateipaddress"), one.flag("primary")) {
            (Some(address), Some(true)) => ip = Some(address),
            (Some(address), _) => secondary_ips.push(address),
            (None, _) => {}
        }
    }
    secondary_ips.retain(|address| Some(address) != ip.as_ref());
    let public = node.get("associatedpublicip").and_then(|one| one.owned("publicipaddress"));
    InterfaceFacts {
        name: node.owned("networkinterfacename"),
        description: node.owned("description"),
        tags: node.tags(),
        instance: node.owned("instanceid"),
        primary: node.text_of("type").map(|kind| kind.eq_ignore_ascii_case("primary")),
        ip,
        secondary_ips: Some(secondary_ips),
        groups: given(node, "securitygroupids"),
        vswitch: node.owned("vswitchid"),
        vpc: node.owned("vpcid"),
        mac: node.owned("macaddress").or_else(|| node.owned("mac")),
        managed: node.flag("servicemanaged"),
        source_check: node.flag("sourcedestcheck"),
        status: node.owned("status"),
        region: node.owned("regionid"),
        public_ip: public,
    }
}

/// A database, cache or document store in the list of its product.
pub(super) fn service(node: &JsonNode<'_>, kind: &'static str) -> ServiceFacts {
    ServiceFacts {
        name: ["dbinstancedescription", "instancename", "dbinstancename"].into_iter().find_map(|key| node.owned(key)),
        description: node.owned("description"),
        tags: node.tags(),
        kind: Some(kind),
        network: node.owned("instancenetworktype").or_else(|| node.owned("networktype")),
        vpc: node.owned("vpcid"),
        vswitch: node.owned("vswitchid"),
        ip: node.owned("privateip"),
        region: node.owned("regionid"),
        account: node.owned("ownerid"),
        ..ServiceFacts::default()
    }
}

pub(super) fn load_balancer(node: &JsonNode<'_>) -> ServiceFacts {
    ServiceFacts {
        name: node.owned("loadbalancername"),
        kind: Some("slb"),
        network: node.owned("networktype"),
        ip: node.owned("address"),
        internet: node.text_of("addresstype").map(|kind| kind.eq_ignore_ascii_case("internet")),
        status: node.owned("loadbalancerstatus").or_else(|| node.owned("status")),
        ..service(node, "slb")
    }
}

pub(super) fn endpoint(node: &JsonNode<'_>) -> EndpointFacts {
    let numbered = node.text_of("dbinstancenettype").map(|kind| match kind {
        "0" => "Public".to_owned(),
        "1" => "Inner".to_owned(),
        "2" => "Private".to_owned(),
        other => other.to_owned(),
    });
    let of_network = node.text_of("networktype").map(|network| match network.to_ascii_lowercase().as_str() {
        "classic" => "Inner".to_owned(),
        "vpc" => "Private".to_owned(),
        _ => "Public".to_owned(),
    });
    let node_id = node.owned("nodeid").or_else(|| node.owned("role"));
    EndpointFacts {
        kind: node.owned("iptype").or(numbered).or(of_network),
        ip: node.owned("ipaddress"),
        vpc: node.owned("vpcid"),
        vswitch: node.owned("vswitchid"),
        node: node_id,
        expires: node.owned("expiredtime"),
    }
}

pub(super) fn whitelist(node: &JsonNode<'_>) -> WhitelistFacts {
    let attribute = node.text_of("dbinstanceiparrayattribute").or_else(|| node.text_of("securityipgroupattribute"));
    WhitelistFacts {
        name: node.owned("dbinstanceiparrayname").or_else(|| node.owned("securityipgroupname")),
        entries: Some(
            node.text_of("securityiplist").map_or(Vec::new(), |list| split(list).map(str::to_owned).collect()),
        ),
        plane: node.owned("whitelistnetworktype"),
        hidden: attribute.map(|attribute| attribute.eq_ignore_ascii_case("hidden")),
    }
}

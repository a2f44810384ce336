//! What a plan deletes, taken out of what a dump says.

use super::apply::rule_facts;
use super::attributes::Attributes;
use super::document::Resource;
use super::references::References;
use crate::import::facts::RuleFacts;
use crate::import::inventory::Inventory;
use crate::net::Ipv4Net;

/// Takes an object, or the part of one that a resource stands for, out of the inventory.
pub(super) fn remove(inventory: &mut Inventory, resource: &Resource<'_>) {
    let references = References::of(None, &[]);
    let attributes = Attributes::of(resource, &references);
    match resource.kind.as_str() {
        "alicloud_security_group_rule" => remove_rule(inventory, &attributes),
        "alicloud_route_entry" | "alicloud_vpc_route_entry" => {
            let destination = attributes.text(&["destinationcidrblock"]);
            if let Some(entries) =
                attributes.text(&["routetableid"]).and_then(|table| inventory.entries.get_mut(&table))
            {
                let is_system =
                    |kind: &Option<String>| kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("system"));
                entries.retain(|entry| is_system(&entry.kind) || entry.destination != destination);
            }
        }
        "alicloud_route_table_attachment" => {
            let (table, vswitch) = (attributes.text(&["routetableid"]), attributes.text(&["vswitchid"]));
            if let Some(table) = table.and_then(|table| inventory.route_tables.get_mut(&table)) {
                table.vswitches.get_or_insert_default().retain(|bound| Some(bound) != vswitch.as_ref());
            }
            if let Some(vswitch) = vswitch.and_then(|vswitch| inventory.vswitches.get_mut(&vswitch)) {
                (vswitch.route_table, vswitch.custom_table) = (None, None);
            }
        }
        "alicloud_vpc_ipv4_cidr_block" => {
            let cidr = attributes.text(&["secondarycidrblock"]);
            if let Some(vpc) = attributes.text(&["vpcid"]).and_then(|vpc| inventory.vpcs.get_mut(&vpc)) {
                vpc.secondary_cidrs.get_or_insert_default().retain(|known| Some(known) != cidr.as_ref());
            }
        }
        "alicloud_ecs_network_interface_attachment" | "alicloud_network_interface_attachment" => {
            if let Some(interface) =
                attributes.text(&["networkinterfaceid"]).and_then(|id| inventory.interfaces.get_mut(&id))
            {
                interface.instance = None;
            }
        }
        _ => {
            if let Some(id) = resource.id() {
                remove_object(inventory, id);
            }
        }
    }
}

fn remove_object(inventory: &mut Inventory, id: &str) {
    inventory.vpcs.remove(id);
    inventory.vswitches.remove(id);
    inventory.route_tables.remove(id);
    inventory.entries.remove(id);
    inventory.gateways.remove(id);
    inventory.router_interfaces.remove(id);
    inventory.peerings.remove(id);
    inventory.network_acls.remove(id);
    inventory.groups.remove(id);
    inventory.rules.remove(id);
    inventory.prefix_lists.remove(id);
    inventory.instances.remove(id);
    inventory.interfaces.remove(id);
    inventory.interfaces.retain(|_, facts| facts.primary != Some(true) || facts.instance.as_deref() != Some(id));
    inventory.links.remove(id);
    inventory.services.remove(id);
    inventory.endpoints.remove(id);
    inventory.whitelists.remove(id);
    inventory.admitted_groups.remove(id);
    inventory.folders.remove(id);
    // The table that a VPC comes with goes with it.
    let of_vpc: Vec<String> = (inventory.route_tables.iter())
        .filter(|(_, facts)| facts.custom != Some(true) && facts.vpc.as_deref() == Some(id))
        .map(|(table, _)| table.clone())
        .collect();
    for table in of_vpc {
        inventory.route_tables.remove(&table);
        inventory.entries.remove(&table);
    }
}

fn remove_rule(inventory: &mut Inventory, attributes: &Attributes<'_>) {
    let Some(rules) = attributes.text(&["securitygroupid"]).and_then(|group| inventory.rules.get_mut(&group)) else {
        return;
    };
    let gone = meaning(&rule_facts(attributes));
    if let Some(place) = rules.rules.iter().position(|rule| meaning(rule) == gone) {
        rules.rules.remove(place);
    }
}

/// What makes two rules the same, whichever of the two writes it.
fn meaning(rule: &RuleFacts) -> Vec<String> {
    let own = |text: &Option<String>, otherwise: &str| text.as_deref().unwrap_or(otherwise).to_ascii_lowercase();
    let net = |text: &Option<String>| {
        let text = own(text, "");
        let net = text.parse::<std::net::Ipv4Addr>().map(Ipv4Net::from).or_else(|_| text.parse::<Ipv4Net>());
        net.map_or(text, |net| net.trunc().to_string())
    };
    vec![
        rule.egress.unwrap_or(false).to_string(),
        own(&rule.protocol, "all"),
        own(&rule.policy, "accept"),
        own(&rule.priority, "1"),
        own(&rule.port_range, "-1/-1"),
        net(&rule.source_cidr),
        net(&rule.destination_cidr),
        own(&rule.source_group, ""),
        own(&rule.destination_group, ""),
        own(&rule.source_list, ""),
        own(&rule.destination_list, ""),
        own(&rule.source_ipv6, ""),
        own(&rule.destination_ipv6, ""),
    ]
}

//! Which answer a JSON value is: told by the fields of its objects, whatever is wrapped around them.

mod objects;

use super::answers;
use super::input::NameHints;
use super::inventory::{AnswerKind, Inventory, PageFacts};
use super::json::JsonNode;
use std::collections::{BTreeMap, BTreeSet};

/// What a file turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    /// Answers of the vendor's API.
    Answers,
    /// A Terraform state or plan.
    Terraform,
    /// A dump of another vendor.
    Aws,
    /// A ROS template, whose parameters only the vendor's engine resolves.
    Ros,
    /// Nothing that is known.
    Unknown,
}

/// Takes everything known in `nodes`, the values of one file, into the inventory.
pub(super) fn take_in(inventory: &mut Inventory, nodes: &[JsonNode<'_>], hints: &NameHints, file: &str) -> FileKind {
    let mut reader = AnswerReader { inventory, hints, file, pages: vec![OpenPage::default()], kind: FileKind::Unknown };
    for node in nodes {
        if is_terraform(node) {
            return FileKind::Terraform;
        }
        reader.value(node, "");
    }
    let page = reader.pages.pop().unwrap_or_default();
    reader.close(page);
    reader.kind
}

fn is_terraform(node: &JsonNode<'_>) -> bool {
    let shown = node.has("formatversion")
        && ["values", "plannedvalues", "resourcechanges", "terraformversion"].iter().any(|key| node.has(key));
    shown || node.has("version") && (node.has("terraformversion") || node.has("lineage"))
}

fn is_aws(node: &JsonNode<'_>) -> bool {
    ["dhcpoptionsid", "instancetenancy", "subnetid", "reservations"].iter().any(|key| node.has(key))
        || node.has("groupid") && (node.has("vpcid") || node.has("ippermissions"))
}

/// What an object around a list says of it.
#[derive(Default)]
struct OpenPage {
    region: Option<String>,
    total: Option<u64>,
    token: Option<String>,
    items: BTreeMap<AnswerKind, Vec<String>>,
}

struct AnswerReader<'r> {
    inventory: &'r mut Inventory,
    hints: &'r NameHints,
    file: &'r str,
    /// The pages that surround what is read, the innermost last.
    pages: Vec<OpenPage>,
    kind: FileKind,
}

/// The answer whose items stand in a list of this name, for lists without items.
fn answer_of_list(key: &str) -> Option<AnswerKind> {
    Some(match key {
        "instance" => AnswerKind::Instances,
        "networkinterfaceset" => AnswerKind::Interfaces,
        "securitygroup" => AnswerKind::Groups,
        "link" => AnswerKind::Links,
        "vpc" => AnswerKind::Vpcs,
        "vswitch" => AnswerKind::Vswitches,
        "routertablelisttype" | "routetable" => AnswerKind::RouteTables,
        "routeentry" => AnswerKind::RouteEntries,
        "natgateway" => AnswerKind::NatGateways,
        "vpngateway" => AnswerKind::VpnGateways,
        "routerinterfacetype" => AnswerKind::RouterInterfaces,
        "networkacl" => AnswerKind::NetworkAcls,
        "vpcpeerconnects" => AnswerKind::Peerings,
        "loadbalancer" => AnswerKind::LoadBalancers,
        "kvstoreinstance" => AnswerKind::Redis,
        "dbinstance" => AnswerKind::Rds,
        "dbinstanceiparray" => AnswerKind::Whitelists,
        _ => return None,
    })
}

impl AnswerReader<'_> {
    fn value(&mut self, node: &JsonNode<'_>, key: &str) {
        match node {
            JsonNode::Object(entries) => {
                if !self.item(node, key) {
                    self.wrapper(node, entries);
                }
            }
            JsonNode::List(items) => {
                if items.is_empty() {
                    self.empty_list(key);
                }
                for item in items {
                    let known = answer_of_list(key).filter(|_| matches!(item, JsonNode::Object(_)));
                    match known.filter(|_| !self.item(item, key)) {
                        Some(answer) => self.inventory.unrecognised.push((answer, self.file.to_owned())),
                        None if known.is_some() => {}
                        None => self.value(item, key),
                    }
                }
            }
            JsonNode::Text(_) | JsonNode::Tags(_) | JsonNode::Null => {}
        }
    }

    fn empty_list(&mut self, key: &str) {
        if let Some(answer) = answer_of_list(key) {
            self.page().items.entry(answer).or_default();
            self.kind = FileKind::Answers;
        } else if matches!(key, "instances" | "vpcs" | "subnets" | "securitygroups") && self.kind == FileKind::Unknown {
            // The vendor's lists stand one level deeper; only AWS has them here.
            self.kind = FileKind::Aws;
        }
    }

    fn wrapper(&mut self, node: &JsonNode<'_>, entries: &[(&'static str, JsonNode<'_>)]) {
        if is_aws(node) {
            self.kind = FileKind::Aws;
            return;
        }
        if node.has("rostemplateformatversion") {
            self.kind = FileKind::Ros;
            return;
        }
        let total = node.number("totalcount").or_else(|| node.number("totalrecordcount"));
        let token = node.owned("nexttoken");
        let pages = total.is_some() || token.is_some() || node.has("pagenumber");
        if pages && self.kind == FileKind::Unknown {
            self.kind = FileKind::Answers;
        }
        let region = node.owned("regionid");
        if pages || region.is_some() {
            let region = region.or_else(|| self.page().region.clone());
            self.pages.push(OpenPage { region, total, token, ..OpenPage::default() });
        }
        self.whitelists_of(node);
        self.safety_mode(node);
        for (key, child) in entries {
            self.value(child, key);
        }
        if pages || node.owned("regionid").is_some() {
            let page = self.pages.pop().unwrap_or_default();
            self.close(page);
        }
    }

    fn page(&mut self) -> &mut OpenPage {
        self.pages.last_mut().expect("the outermost page stays")
    }

    fn close(&mut self, page: OpenPage) {
        for (answer, items) in page.items {
            self.inventory.pages.push(PageFacts {
                answer,
                folder: self.hints.folder.clone(),
                region: page.region.clone().or_else(|| self.hints.region.clone()),
                scope: self.hints.id.clone(),
                total: page.total,
                token: page.token.clone(),
                items,
            });
        }
    }

    fn region(&self) -> Option<String> {
        self.pages.last().and_then(|page| page.region.clone()).or_else(|| self.hints.region.clone())
    }

    /// Notes that an answer holds `id`.
    fn met(&mut self, answer: AnswerKind, id: &str) {
        self.kind = FileKind::Answers;
        self.page().items.entry(answer).or_default().push(id.to_owned());
        if !self.inventory.folders.contains_key(id) {
            self.inventory.folders.insert(id.to_owned(), self.hints.folder.clone());
        }
    }

    fn note_conflict(&mut self, id: &str, differ: Vec<&'static str>) {
        if !differ.is_empty() {
            self.inventory.conflicts.push((id.to_owned(), differ, self.file.to_owned()));
        }
    }

    /// Takes in an object of a known kind; false where it is none.
    fn item(&mut self, node: &JsonNode<'_>, key: &str) -> bool {
        let has = |key: &str| node.get(key).is_some();
        if is_aws(node) {
            return false;
        }
        let id = |key: &str| node.owned(key);
        if let Some(group) = id("securitygroupid").filter(|_| node.has("permissions")) {
            self.group_rules(node, &group);
        } else if has("destinationcidrblock") {
            self.route_entry(node, None);
        } else if let Some(id) = id("instanceid").filter(|_| node.get("acceptingvpc").is_some()) {
            self.peering(node, &id);
        } else if let Some(id) = id("loadbalancerid").filter(|_| has("address") || has("addresstype")) {
            self.service(node, &id, AnswerKind::LoadBalancers);
        } else if let Some(id) = id("routerinterfaceid") {
            self.router_interface(node, &id);
        } else if let Some(id) = id("natgatewayid") {
            self.gateway(node, &id, AnswerKind::NatGateways);
        } else if let Some(id) = id("vpngatewayid").filter(|_| has("vpcid")) {
            self.gateway(node, &id, AnswerKind::VpnGateways);
        } else if let Some(id) = id("prefixlistid") {
            self.prefix_list(node, &id);
        } else if let Some(id) = id("networkaclid").filter(|_| !has("vswitchid")) {
            self.network_acl(node, &id);
        } else if let Some(id) = id("networkinterfaceid").filter(|_| has("vswitchid") || has("privateipaddress")) {
            self.interface(node, &id);
        } else if let Some(id) =
            id("dbinstanceid").filter(|_| has("engine") || has("instancenetworktype") || has("networktype"))
        {
            let engine = node.text_of("engine").unwrap_or("");
            let documents = engine.eq_ignore_ascii_case("mongodb") || engine.is_empty() && id.starts_with("dds-");
            self.service(node, &id, if documents { AnswerKind::Mongodb } else { AnswerKind::Rds });
            self.endpoints_of(node, &id);
        } else if let Some(id) = id("instanceid").filter(|_| is_instance(node)) {
            self.instance(node, &id);
        } else if let Some(id) =
            id("instanceid").filter(|_| has("connectiondomain") || has("privateip") || key == "kvstoreinstance")
        {
            self.service(node, &id, AnswerKind::Redis);
        } else if let (Some(instance), Some(vpc), true) =
            (id("instanceid"), id("vpcid"), key == "link" || is_link(node))
        {
            self.met(AnswerKind::Links, &format!("{instance} {vpc}"));
            self.inventory.links.entry(instance).or_default().insert(vpc);
        } else {
            return self.smaller_item(node, key);
        }
        true
    }

    fn smaller_item(&mut self, node: &JsonNode<'_>, key: &str) -> bool {
        let has = |key: &str| node.get(key).is_some();
        let id = |key: &str| node.owned(key);
        if let Some(id) = id("routetableid")
            .filter(|_| ["routetabletype", "routeentrys", "associatetype", "vrouterid"].iter().any(|key| node.has(key)))
        {
            self.route_table(node, &id);
        } else if let Some(id) = id("vswitchid").filter(|_| has("cidrblock")) {
            self.vswitch(node, &id);
        } else if let Some(id) = id("vpcid").filter(|_| has("cidrblock") || node.has("classiclinkenabled")) {
            self.vpc(node, &id);
        } else if let Some(group) =
            id("securitygroupid").filter(|_| has("networktype") || key == "ecssecuritygrouprelation")
        {
            self.admitted_group(group);
        } else if let Some(id) = id("securitygroupid") {
            self.group(node, &id);
        } else if has("ipaddress")
            && ["iptype", "dbinstancenettype", "role", "nodeid", "networktype"].iter().any(|key| has(key))
        {
            self.endpoint(node, None);
        } else if node.has("securityiplist") {
            self.whitelist(answers::whitelist(node), None);
        } else if let Some(account) =
            id("accountid").filter(|_| ["arn", "identitytype", "userid"].iter().any(|key| node.has(key)))
        {
            self.kind = FileKind::Answers;
            self.inventory.identities.push((self.hints.folder.clone(), account));
        } else {
            return false;
        }
        true
    }
}

fn is_instance(node: &JsonNode<'_>) -> bool {
    ["vpcattributes", "inneripaddress", "securitygroupids", "hostname"].iter().any(|key| node.has(key))
        && !node.has("connectiondomain")
        || node.has("instancenetworktype") && !node.has("dbinstanceid") && !node.has("connectiondomain")
}

/// True for an object of an instance and a VPC and nothing else.
fn is_link(node: &JsonNode<'_>) -> bool {
    let JsonNode::Object(entries) = node else { return false };
    let keys: BTreeSet<&str> = entries.iter().map(|(key, _)| *key).collect();
    keys == BTreeSet::from(["instanceid", "vpcid"])
}

//! What is done with each object that was recognised: one function per kind.

use super::{AnswerReader, FileKind};
use crate::import::answers;
use crate::import::facts::{RouteEntryFacts, WhitelistFacts};
use crate::import::inventory::{AnswerKind, PageFacts};
use crate::import::json::JsonNode;

impl AnswerReader<'_> {
    pub(super) fn group_rules(&mut self, node: &JsonNode<'_>, id: &str) {
        let mut rules: Vec<_> = node.items("permissions").into_iter().map(answers::rule).collect();
        let told = |nic: &str| {
            rules.iter().any(|rule| rule.nic_type.as_deref().is_some_and(|of| of.eq_ignore_ascii_case(nic)))
        };
        let asked = self.hints.variant.as_deref().is_some_and(|variant| variant.eq_ignore_ascii_case("intranet"));
        let in_vpc = node.get("vpcid").is_some();
        let intranet = in_vpc || asked || told("intranet");
        // A call without a NIC type gives the rules of the public NIC.
        let nic = if in_vpc || asked { "intranet" } else { "internet" };
        rules.iter_mut().filter(|rule| rule.nic_type.is_none()).for_each(|rule| rule.nic_type = Some(nic.to_owned()));
        let known = self.inventory.groups.entry(id.to_owned()).or_default();
        let mut facts = answers::group(node);
        // This answer has the inner access policy and not the kind; both name the group.
        facts.region = facts.region.or_else(|| known.region.clone());
        let differ = known.absorb(facts);
        self.note_conflict(id, differ);
        let (token, nics) = (node.owned("nexttoken"), self.hints.variant.clone());
        self.inventory.add_rules(id, rules, intranet);
        self.met(AnswerKind::GroupRules, id);
        let scope = nics.map_or(id.to_owned(), |nic| format!("{id} {nic}"));
        self.page().items.remove(&AnswerKind::GroupRules);
        self.inventory.pages.push(PageFacts {
            answer: AnswerKind::GroupRules,
            folder: self.hints.folder.clone(),
            region: node.owned("regionid").or_else(|| self.region()),
            scope: Some(scope),
            total: None,
            token,
            items: Vec::new(),
        });
    }

    pub(super) fn route_entry(&mut self, node: &JsonNode<'_>, table: Option<&str>) {
        let table = node.owned("routetableid").or_else(|| table.map(str::to_owned)).or_else(|| self.hints.id.clone());
        let Some(table) = table else {
            self.inventory.nameless.push((AnswerKind::RouteEntries, self.file.to_owned()));
            return;
        };
        let entry = answers::route_entry(node);
        self.met(AnswerKind::RouteEntries, &format!("{table} {}", entry.destination.as_deref().unwrap_or("")));
        let entries = self.inventory.entries.entry(table).or_default();
        let same = |known: &&mut RouteEntryFacts| {
            known.destination == entry.destination && known.kind == entry.kind && known.hops == entry.hops
        };
        match entries.iter_mut().rev().take(512).find(same) {
            Some(known) => *known = entry,
            None => entries.push(entry),
        }
    }

    pub(super) fn route_table(&mut self, node: &JsonNode<'_>, id: &str) {
        let mut facts = answers::route_table(node);
        facts.region = facts.region.or_else(|| self.region());
        let differ = self.inventory.route_tables.entry(id.to_owned()).or_default().absorb(facts);
        self.note_conflict(id, differ);
        self.met(AnswerKind::RouteTables, id);
        for entry in node.items("routeentrys") {
            self.route_entry(entry, Some(id));
        }
        if node.has("routeentrys") {
            self.inventory.entries.entry(id.to_owned()).or_default();
        }
    }

    pub(super) fn vswitch(&mut self, node: &JsonNode<'_>, id: &str) {
        let mut facts = answers::vswitch(node);
        facts.region = facts.region.or_else(|| self.region());
        let differ = self.inventory.vswitches.entry(id.to_owned()).or_default().absorb(facts);
        self.note_conflict(id, differ);
        self.met(AnswerKind::Vswitches, id);
    }

    pub(super) fn vpc(&mut self, node: &JsonNode<'_>, id: &str) {
        let mut facts = answers::vpc(node);
        facts.region = facts.region.or_else(|| self.region());
        facts.account = facts.account.or_else(|| self.hints.account.clone());
        let answer = if node.has("classiclinkenabled") { AnswerKind::VpcAttributes } else { AnswerKind::Vpcs };
        let differ = self.inventory.vpcs.entry(id.to_owned()).or_default().absorb(facts);
        self.note_conflict(id, differ);
        self.met(answer, id);
    }

    pub(super) fn group(&mut self, node: &JsonNode<'_>, id: &str) {
        let mut facts = answers::group(node);
        facts.region = facts.region.or_else(|| self.region());
        facts.account = facts.account.or_else(|| self.hints.account.clone());
        // The list leaves the VPC out of classic groups in some versions.
        facts.vpc = Some(facts.vpc.unwrap_or_default());
        let differ = self.inventory.groups.entry(id.to_owned()).or_default().absorb(facts);
        self.note_conflict(id, differ);
        self.met(AnswerKind::Groups, id);
    }

    pub(super) fn instance(&mut self, node: &JsonNode<'_>, id: &str) {
        let mut facts = answers::instance(node);
        facts.region = facts.region.or_else(|| self.region());
        facts.account = facts.account.or_else(|| self.hints.account.clone());
        let differ = self.inventory.instances.entry(id.to_owned()).or_default().absorb(facts);
        self.note_conflict(id, differ);
        self.met(AnswerKind::Instances, id);
    }

    pub(super) fn interface(&mut self, node: &JsonNode<'_>, id: &str) {
        let mut facts = answers::interface(node);
        facts.region = facts.region.or_else(|| self.region());
        let differ = self.inventory.interfaces.entry(id.to_owned()).or_default().absorb(facts);
        self.note_conflict(id, differ);
        self.met(AnswerKind::Interfaces, id);
    }

    pub(super) fn gateway(&mut self, node: &JsonNode<'_>, id: &str, answer: AnswerKind) {
        let mut facts =
            if answer == AnswerKind::NatGateways { answers::nat_gateway(node) } else { answers::vpn_gateway(node) };
        facts.region = facts.region.or_else(|| self.region());
        let differ = self.inventory.gateways.entry(id.to_owned()).or_default().absorb(facts);
        self.note_conflict(id, differ);
        self.met(answer, id);
    }

    pub(super) fn router_interface(&mut self, node: &JsonNode<'_>, id: &str) {
        let mut facts = answers::router_interface(node);
        facts.region = facts.region.or_else(|| self.region());
        let differ = self.inventory.router_interfaces.entry(id.to_owned()).or_default().absorb(facts);
        self.note_conflict(id, differ);
        self.met(AnswerKind::RouterInterfaces, id);
    }

    pub(super) fn peering(&mut self, node: &JsonNode<'_>, id: &str) {
        let mut facts = answers::peering(node);
        facts.region = facts.region.or_else(|| self.region());
        let differ = self.inventory.peerings.entry(id.to_owned()).or_default().absorb(facts);
        self.note_conflict(id, differ);
        self.met(AnswerKind::Peerings, id);
    }

    pub(super) fn network_acl(&mut self, node: &JsonNode<'_>, id: &str) {
        let differ = self.inventory.network_acls.entry(id.to_owned()).or_default().absorb(answers::network_acl(node));
        self.note_conflict(id, differ);
        self.met(AnswerKind::NetworkAcls, id);
    }

    pub(super) fn prefix_list(&mut self, node: &JsonNode<'_>, id: &str) {
        let differ = self.inventory.prefix_lists.entry(id.to_owned()).or_default().absorb(answers::prefix_list(node));
        self.note_conflict(id, differ);
        self.met(AnswerKind::PrefixLists, id);
    }

    pub(super) fn service(&mut self, node: &JsonNode<'_>, id: &str, answer: AnswerKind) {
        let mut facts = match answer {
            AnswerKind::LoadBalancers => answers::load_balancer(node),
            AnswerKind::Redis => answers::service(node, "redis"),
            AnswerKind::Mongodb => answers::service(node, "mongodb"),
            _ => answers::service(node, "rds"),
        };
        facts.region = facts.region.or_else(|| self.region());
        facts.account = facts.account.or_else(|| self.hints.account.clone());
        let differ = self.inventory.services.entry(id.to_owned()).or_default().absorb(facts);
        self.note_conflict(id, differ);
        self.met(answer, id);
    }

    /// The service that an answer without an id is about.
    pub(super) fn service_id(&mut self, answer: AnswerKind) -> Option<String> {
        let id = self.hints.id.clone();
        if id.is_none() {
            self.inventory.nameless.push((answer, self.file.to_owned()));
        }
        self.kind = FileKind::Answers;
        id
    }

    pub(super) fn endpoints_of(&mut self, node: &JsonNode<'_>, id: &str) {
        for list in ["dbinstancenetinfos", "netinfoitems", "networkaddresses"] {
            for one in node.items(list) {
                self.endpoint(one, Some(id));
            }
        }
    }

    pub(super) fn endpoint(&mut self, node: &JsonNode<'_>, id: Option<&str>) {
        let Some(id) = id.map(str::to_owned).or_else(|| self.service_id(AnswerKind::Endpoints)) else { return };
        let facts = answers::endpoint(node);
        let known = self.inventory.endpoints.entry(id.clone()).or_default();
        if !known.contains(&facts) {
            known.push(facts);
        }
        self.page().items.entry(AnswerKind::Endpoints).or_default();
    }

    pub(super) fn whitelist(&mut self, mut facts: WhitelistFacts, id: Option<&str>) {
        let Some(id) = id.map(str::to_owned).or_else(|| self.service_id(AnswerKind::Whitelists)) else { return };
        let plane = |variant: &String| ["classic", "vpc", "mix"].contains(&variant.to_ascii_lowercase().as_str());
        facts.plane = facts.plane.or_else(|| self.hints.variant.clone().filter(plane));
        let known = self.inventory.whitelists.entry(id).or_default();
        if !known.contains(&facts) {
            known.push(facts);
        }
        self.page().items.entry(AnswerKind::Whitelists).or_default();
    }

    /// A whitelist in one text beside the groups of whitelists, which MongoDB's answer has.
    pub(super) fn whitelists_of(&mut self, node: &JsonNode<'_>) {
        if node.has("securityips") && node.has("securityipgroups") && node.items("securityipgroups").is_empty() {
            let entries = Some(node.texts("securityips"));
            self.whitelist(WhitelistFacts { entries, ..WhitelistFacts::default() }, None);
        }
    }

    pub(super) fn safety_mode(&mut self, node: &JsonNode<'_>) {
        let Some(id) = self.hints.id.clone() else { return };
        if let (Some(mode), true) = (node.text_of("securityipmode"), node.has("dbinstancenetinfos")) {
            let safety = mode.eq_ignore_ascii_case("safety");
            self.inventory.services.entry(id).or_default().safety_mode = Some(safety);
        }
    }

    pub(super) fn admitted_group(&mut self, group: String) {
        let Some(id) = self.service_id(AnswerKind::AdmittedGroups) else { return };
        let known = self.inventory.admitted_groups.entry(id).or_default();
        if !known.contains(&group) {
            known.push(group);
        }
    }
}

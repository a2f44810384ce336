//! A draft as TOML, and which of its parts stands where in the text.
//!
//! What the topology language has no key for yet is written as a comment, by one function each.

use super::draft::*;
use super::report::ImportReport;
use crate::model::About;
use crate::net::{Ipv4Net, PortRange};
use crate::scenario::{is_allowed_in_ids, is_reserved_id, toml_key};
use crate::text::quoted;
use std::borrow::Cow;
use std::fmt::{Display, Write};
use std::ops::Range;

/// A part of a draft that can be left out by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum DraftPart {
    Vpc(String),
    Vswitch(String),
    RouteTable(String),
    Peering(String),
    Gateway(String),
    Group(String),
    Instance(String),
    Service(String),
    /// An entry of the system table of a VPC, by its place.
    VpcRoute(String, usize),
    /// An entry of a custom table.
    TableRoute(String, usize),
    /// A rule for what members receive.
    Ingress(String, usize),
    /// A rule for what members send.
    Egress(String, usize),
    /// The link of an instance.
    Link(String),
    /// The custom table of a vSwitch.
    Binding(String),
}

/// The text of a topology.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) text: String,
    /// The parts by the bytes they stand in; a smaller part comes after the one around it.
    pub(super) parts: Vec<(Range<usize>, DraftPart)>,
}

/// Writes a draft below `header`, lines of comments.
pub(super) fn write(draft: &TopologyDraft, header: &[String]) -> Written {
    let mut writer = TomlWriter::default();
    for line in header {
        writer.comment("", line);
    }
    writer.defaults(draft);
    for (id, vpc) in &draft.vpcs {
        writer.object(DraftPart::Vpc(id.clone()), "vpc", id, &vpc.remarks, |writer| {
            writer.value("cidr", plain(vpc.cidr));
            if !vpc.secondary_cidrs.is_empty() {
                writer.value("secondary_cidrs", list(&vpc.secondary_cidrs));
            }
            if vpc.classic_link {
                writer.value("classic_link", "true");
            }
            writer.place(&vpc.region, &vpc.account);
            writer.routes(&vpc.routes, |place| DraftPart::VpcRoute(id.clone(), place));
        });
    }
    for (id, vswitch) in &draft.vswitches {
        writer.object(DraftPart::Vswitch(id.clone()), "vswitch", id, &vswitch.remarks, |writer| {
            writer.value("vpc", reference(&vswitch.vpc));
            writer.value("cidr", plain(vswitch.cidr));
            if let Some(table) = &vswitch.route_table {
                writer.part(DraftPart::Binding(id.clone()), |writer| writer.value("route_table", reference(table)));
            }
            if let Some(zone) = &vswitch.zone {
                writer.value("zone", quoted(zone));
            }
        });
    }
    for (id, table) in &draft.route_tables {
        writer.object(DraftPart::RouteTable(id.clone()), "route_table", id, &table.remarks, |writer| {
            writer.value("vpc", reference(&table.vpc));
            writer.routes(&table.routes, |place| DraftPart::TableRoute(id.clone(), place));
        });
    }
    for (id, peering) in &draft.peerings {
        writer.object(DraftPart::Peering(id.clone()), "peering", id, &peering.remarks, |writer| {
            let [one, two] = &peering.vpcs;
            writer.value("vpcs", format!("[{}, {}]", reference(one), reference(two)));
        });
    }
    for (id, gateway) in &draft.gateways {
        writer.object(DraftPart::Gateway(id.clone()), "gateway", id, &gateway.remarks, |writer| {
            writer.value("vpc", reference(&gateway.vpc));
            writer.value("kind", quoted(&gateway.kind));
            writer.value("remote_cidrs", list(&gateway.remote_cidrs));
        });
    }
    for (id, group) in &draft.groups {
        writer.object(DraftPart::Group(id.clone()), "security_group", id, &group.remarks, |writer| {
            writer.group(id, group);
        });
    }
    for (id, instance) in &draft.instances {
        writer.object(DraftPart::Instance(id.clone()), "instance", id, &instance.remarks, |writer| {
            writer.instance(id, instance);
        });
    }
    for (id, service) in &draft.services {
        writer
            .object(DraftPart::Service(id.clone()), "service", id, &service.remarks, |writer| writer.service(service));
    }
    writer.written
}

/// Says in the report which groups and whitelists are not known, and so what will be undetermined.
pub(super) fn doubt_what_is_unknown(draft: &TopologyDraft, report: &mut ImportReport) {
    for (id, group) in &draft.groups {
        if let Some(why) = &group.rules_unknown {
            report.doubt(id, format!("{why}; what its rules decide is undetermined"));
        } else if group.unknown_rules > 0 {
            let count = super::report::counted(group.unknown_rules, "rule");
            report
                .doubt(id, format!("{count} of it that may match are not known; what they may decide is undetermined"));
        }
    }
    for (id, service) in &draft.services {
        if let DraftWhitelist::Unknown(why) = &service.whitelist {
            report.doubt(id, format!("its whitelist is not known: {why}; what it decides is undetermined"));
        }
    }
}

#[derive(Default)]
struct TomlWriter {
    written: Written,
}

impl TomlWriter {
    fn line(&mut self, line: impl Display) {
        let _ = writeln!(self.written.text, "{line}");
    }

    fn comment(&mut self, indent: &str, text: &str) {
        self.line(format_args!("{indent}# {}", super::report::printable(text)));
    }

    fn value(&mut self, key: &str, value: impl Display) {
        self.line(format_args!("{key} = {value}"));
    }

    fn part(&mut self, part: DraftPart, write: impl FnOnce(&mut TomlWriter)) {
        let (start, place) = (self.written.text.len(), self.written.parts.len());
        self.written.parts.push((start..start, part));
        write(self);
        self.written.parts[place].0.end = self.written.text.len();
    }

    fn object(
        &mut self,
        part: DraftPart,
        section: &str,
        id: &str,
        remarks: &Remarks,
        write: impl FnOnce(&mut TomlWriter),
    ) {
        self.line("");
        self.part(part, |writer| {
            writer.heading(section, id, remarks);
            write(writer);
        });
    }

    fn heading(&mut self, section: &str, id: &str, remarks: &Remarks) {
        self.line(format_args!("[{section}.{}]", key(id)));
        for line in &remarks.lines {
            self.comment("", line);
        }
        let About { name, description, tags } = &remarks.about;
        for (key, text) in [("name", name), ("description", description)] {
            if let Some(text) = text {
                self.value(key, quoted(text));
            }
        }
        if !tags.is_empty() {
            let tags: Vec<String> =
                tags.iter().map(|(key, text)| format!("{} = {}", toml_key(key), quoted(text))).collect();
            self.value("tags", format_args!("{{ {} }}", tags.join(", ")));
        }
    }

    fn defaults(&mut self, draft: &TopologyDraft) {
        if draft.region.is_some() || draft.account.is_some() {
            self.line("");
            self.line("[defaults]");
            self.place(&draft.region, &draft.account);
        }
    }

    fn place(&mut self, region: &Option<String>, account: &Option<String>) {
        if let Some(region) = region {
            self.value("region", quoted(region));
        }
        if let Some(account) = account {
            self.value("account", quoted(account));
        }
    }

    fn routes(&mut self, routes: &DraftRoutes, part: impl Fn(usize) -> DraftPart) {
        if routes.entries.is_empty() && routes.left_out.is_empty() {
            return;
        }
        self.line("routes = [");
        for (place, route) in routes.entries.iter().enumerate() {
            self.part(part(place), |writer| {
                let (destination, next_hop) = (plain(route.destination), reference(&route.next_hop));
                writer.line(format_args!("  {{ destination = {destination}, next_hop = {next_hop} }},"));
            });
        }
        for line in &routes.left_out {
            self.comment("  ", line);
        }
        self.line("]");
    }

    fn group(&mut self, id: &str, group: &DraftGroup) {
        match &group.vpc {
            Some(vpc) => self.value("vpc", reference(vpc)),
            None => self.value("network", "\"classic\""),
        }
        if group.enterprise {
            self.value("kind", "\"enterprise\"");
        }
        if let Some(accept) = group.intra_group {
            self.value("intra_group", if accept { "\"accept\"" } else { "\"drop\"" });
        }
        if let Some(why) = &group.rules_unknown {
            self.comment("", why);
            self.value("rules", "\"unknown\"");
        } else {
            if group.unknown_rules > 0 {
                self.value("unknown_rules", group.unknown_rules);
            }
            let [ingress, egress] = &group.left_out;
            self.rules("ingress", &group.ingress, ingress, |place| DraftPart::Ingress(id.to_owned(), place));
            self.rules("egress", &group.egress, egress, |place| DraftPart::Egress(id.to_owned(), place));
        }
        self.place(&group.region, &group.account);
    }

    fn rules(&mut self, direction: &str, rules: &[DraftRule], left_out: &[String], part: impl Fn(usize) -> DraftPart) {
        if rules.is_empty() && left_out.is_empty() {
            return;
        }
        self.line(format_args!("{direction} = ["));
        for (place, rule) in rules.iter().enumerate() {
            self.part(part(place), |writer| writer.rule(direction, rule));
        }
        for line in left_out {
            self.comment("  ", line);
        }
        self.line("]");
    }

    fn rule(&mut self, direction: &str, rule: &DraftRule) {
        let mut keys = Vec::new();
        if !rule.accept {
            keys.push("policy = \"drop\"".to_owned());
        }
        if let Some(protocol) = rule.protocol {
            let name = match protocol.0 {
                1 | 6 | 17 | 47 => plain(protocol),
                number => number.to_string(),
            };
            keys.push(format!("protocol = {name}"));
        }
        for (key, range) in [("port_range", rule.port_range), ("source_port_range", rule.source_port_range)] {
            if range != PortRange::ALL {
                keys.push(format!("{key} = {}", plain(range)));
            }
        }
        let (far, near) = if direction == "ingress" { ("source", "destination") } else { ("destination", "source") };
        keys.push(match &rule.peer {
            DraftPeer::Cidr(net) => format!("{far} = {}", plain(net)),
            DraftPeer::Group(group) => format!("{far} = {}", reference(group)),
        });
        if let Some(own) = rule.own {
            keys.push(format!("{near} = {}", plain(own)));
        }
        if rule.priority != 1 {
            keys.push(format!("priority = {}", rule.priority));
        }
        if rule.internet {
            keys.push("nic_type = \"internet\"".to_owned());
        }
        if let Some(description) = &rule.description {
            keys.push(format!("description = {}", quoted(description)));
        }
        let remark =
            rule.remark.as_ref().map_or(String::new(), |remark| format!(" # {}", super::report::printable(remark)));
        self.line(format_args!("  {{ {} }},{remark}", keys.join(", ")));
    }

    fn instance(&mut self, id: &str, instance: &DraftInstance) {
        match &instance.vswitch {
            Some(vswitch) => self.value("vswitch", reference(vswitch)),
            None => self.value("network", "\"classic\""),
        }
        self.value("private_ip", plain(instance.private_ip));
        let groups: Vec<_> = instance.groups.iter().map(|group| reference(group)).collect();
        self.value("security_groups", format!("[{}]", groups.join(", ")));
        if instance.state != "running" {
            self.value("state", plain(instance.state));
        }
        if let Some(vpc) = &instance.linked_vpc {
            self.part(DraftPart::Link(id.to_owned()), |writer| writer.value("linked_vpc", reference(vpc)));
        }
        if instance.forwarding {
            self.value("forwarding", "true");
        }
        if let Some(address) = instance.public_ip {
            self.value("public_ip", plain(address));
        }
        if let Some(mac) = instance.mac {
            self.value("mac", plain(mac));
        }
        if let Some(bandwidth) = instance.bandwidth {
            self.value("bandwidth_mbps", bandwidth);
        }
        self.place(&instance.region, &instance.account);
    }

    fn service(&mut self, service: &DraftService) {
        self.value("kind", plain(service.kind));
        match &service.vswitch {
            Some(vswitch) => self.value("vswitch", reference(vswitch)),
            None => self.value("network", "\"classic\""),
        }
        self.value("ip", plain(service.ip));
        match &service.whitelist {
            DraftWhitelist::None => {}
            DraftWhitelist::Entries(entries) => self.value("whitelist", list(entries)),
            DraftWhitelist::Unknown(why) => {
                self.comment("", why);
                self.value("whitelist", "\"unknown\"");
            }
        }
        self.place(&service.region, &service.account);
    }
}

/// The id as topologies take it: what they refuse in one is written as `%` and its number, and `%` stands before a
/// reserved one, so that two ids never become one.
pub(super) fn safe_id(id: &str) -> Cow<'_, str> {
    if id.is_empty() || id.starts_with('-') || is_reserved_id(id) {
        return Cow::Owned(format!("%{}", escaped_id(id)));
    }
    if id.chars().all(|c| c != '%' && is_allowed_in_ids(c)) { Cow::Borrowed(id) } else { Cow::Owned(escaped_id(id)) }
}

fn escaped_id(id: &str) -> String {
    let mut safe = String::new();
    for c in id.chars() {
        let _ = match u32::from(c) {
            _ if c != '%' && is_allowed_in_ids(c) => write!(safe, "{c}"),
            number @ 0..=0xff => write!(safe, "%{number:02x}"),
            number => write!(safe, "%{{{number:x}}}"),
        };
    }
    safe
}

/// An id as a key.
fn key(id: &str) -> String {
    toml_key(&safe_id(id))
}

/// An id as a value.
fn reference(id: &str) -> String {
    quoted(&safe_id(id))
}

/// A value that needs no escapes, in quotes.
fn plain(value: impl Display) -> String {
    format!("\"{value}\"")
}

fn list<'n>(nets: impl IntoIterator<Item = &'n Ipv4Net>) -> String {
    let nets: Vec<_> =
        nets.into_iter().map(|net| if net.prefix_len() == 32 { plain(net.addr()) } else { plain(net) }).collect();
    format!("[{}]", nets.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_a_topology_refuses_are_changed_and_stay_apart() {
        assert_eq!(safe_id("i-bp1"), "i-bp1");
        assert_eq!(safe_id("web[\"a b\"]"), "web[%22a%20b%22]");
        assert_eq!([safe_id("a\u{202e}b"), safe_id("a 2eb"), safe_id("-a")], ["a%{202e}b", "a%202eb", "%-a"]);
        assert_eq!([safe_id("classic"), safe_id(""), safe_id("a%20b")], ["%classic", "%", "a%2520b"]);
        assert_eq!(key("alicloud_instance.web[x]"), "\"alicloud_instance.web[x]\"");
        assert_eq!(key("i-bp1_x"), "i-bp1_x");
    }
}

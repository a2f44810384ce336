//! Which findings of the rules can be believed where a file was understood in part.
//!
//! What could not be read is missing from the world, and what is missing breaks rules of its own: a vSwitch in a
//! misspelt secondary CIDR seems to lie outside its VPC. Such findings would send their reader to the wrong place.

use crate::diag::{Diagnostic, FileId, Severity, Sources, Span};
use std::ops::Range;

/// Errors that a missing value alone can cause: a CIDR, a switch, a region, an account, a kind, a group.
const OF_MISSING_VALUES: [&str; 9] = [
    VSWITCH_OUTSIDE,
    "instance-without-group",
    "classiclink-region",
    "classiclink-account",
    "placement-differs",
    "group-region",
    "group-kinds-mixed",
    "group-peer-region",
    "enterprise-group-peer",
];

/// The one of them that names everything it depends on.
const VSWITCH_OUTSIDE: &str = "vswitch-outside-vpc";

/// The errors among `broken`, what the rules found, that do not merely follow from `unread`, the mistakes of the same
/// file. Warnings can wait until the file is understood.
pub(super) fn independent(broken: Vec<Diagnostic>, unread: &[Diagnostic], sources: &Sources) -> Vec<Diagnostic> {
    let tables = BrokenTables::around(unread, sources);
    let follows = |finding: &Diagnostic| OF_MISSING_VALUES.contains(&finding.id) && tables.may_cause(finding);
    broken.into_iter().filter(|finding| finding.severity == Severity::Error && !follows(finding)).collect()
}

/// The tables with mistakes in them.
#[derive(Default)]
struct BrokenTables {
    /// By place.
    bytes: Vec<(FileId, Range<usize>)>,
    /// One of them is `[defaults]`, or what stands before the first header: every object may depend on it.
    has_defaults: bool,
    /// One of them is a VPC or a group: objects lean on it that no label leads to.
    has_support: bool,
}

impl BrokenTables {
    fn around(unread: &[Diagnostic], sources: &Sources) -> BrokenTables {
        let mut places: Vec<Span> =
            unread.iter().filter_map(|mistake| mistake.labels.first()).map(|label| label.span).collect();
        places.sort();
        let mut tables = BrokenTables::default();
        for in_file in places.chunk_by(|one, other| one.file == other.file) {
            let Some(text) = sources.text(in_file[0].file) else { continue };
            let starts: Vec<usize> =
                text.match_indices('[').map(|(start, _)| start).filter(|start| is_line_start(text, *start)).collect();
            for place in in_file {
                tables.add(*place, text, &starts);
            }
        }
        tables
    }

    /// Adds the table that `place` lies in, from its header to the next one; `starts` are the places of the headers.
    fn add(&mut self, place: Span, text: &str, starts: &[usize]) {
        let at = (place.start as usize).min(text.len());
        let after = starts.partition_point(|start| *start <= at);
        let start = after.checked_sub(1).map_or(0, |before| starts[before]);
        let end = starts.get(after).copied().unwrap_or(text.len());
        if self.bytes.last().is_some_and(|(file, bytes)| *file == place.file && bytes.start == start) {
            return;
        }
        self.bytes.push((place.file, start..end));
        match text[start..end].strip_prefix('[').map(|name| name.trim_start_matches([' ', '"', '\''])) {
            None => self.has_defaults = true,
            Some(name) if name.starts_with("defaults") => self.has_defaults = true,
            Some(name) => self.has_support |= name.starts_with("vpc") || name.starts_with("security_group"),
        }
    }

    fn may_cause(&self, finding: &Diagnostic) -> bool {
        self.has_defaults
            || self.has_support && finding.id != VSWITCH_OUTSIDE
            || finding.labels.iter().any(|label| self.hold(label.span))
    }

    fn hold(&self, place: Span) -> bool {
        let at = place.start as usize;
        let after = self.bytes.partition_point(|(file, bytes)| (*file, bytes.start) <= (place.file, at));
        after > 0 && self.bytes[after - 1].0 == place.file && self.bytes[after - 1].1.contains(&at)
    }
}

fn is_line_start(text: &str, at: usize) -> bool {
    at == 0 || text.as_bytes()[at - 1] == b'\n'
}

#[cfg(test)]
mod tests {
    use crate::check::RULES;
    use crate::diag::{Diagnostic, Severity};
    use crate::lab::{LabError, Topology};
    use crate::test_world::edit;

    /// Every kind of object, and in every table something that another table's rules depend on.
    const WHOLE: &str = r#"
[defaults]
region = "cn-beijing"
account = "shop"

[vpc.vpc-a]
cidr = "172.16.0.0/16"
secondary_cidrs = ["192.168.0.0/16", "172.20.0.0/16"]
classic_link = true
routes = [{ destination = "172.31.0.0/16", next_hop = "pcc" }]

[vpc.vpc-b]
cidr = "172.31.0.0/16"
region = "cn-hangzhou"
account = "lab"

[vswitch.vsw-a]
vpc = "vpc-a"
cidr = "172.16.1.0/24"
route_table = "vtb-a"

[vswitch.vsw-second]
vpc = "vpc-a"
cidr = "192.168.1.0/24"

[vswitch.vsw-b]
vpc = "vpc-b"
cidr = "172.31.1.0/24"
region = "cn-hangzhou"

[route_table.vtb-a]
vpc = "vpc-a"
routes = [{ destination = "172.31.0.0/16", next_hop = "pcc" }]

[peering.pcc]
vpcs = ["vpc-a", "vpc-b"]

[gateway.ngw]
vpc = "vpc-a"
remote_cidrs = ["10.0.0.0/8"]

[security_group.sg-classic]
network = "classic"
egress = [{ destination = "sg-a" }]

[security_group.sg-far]
network = "classic"
region = "cn-hangzhou"
account = "lab"

[security_group.sg-a]
vpc = "vpc-a"
ingress = [
  { source = "sg-classic" },
]

[security_group.sg-strict]
vpc = "vpc-a"
kind = "enterprise"

[security_group.sg-stricter]
vpc = "vpc-a"
kind = "enterprise"
ingress = [{ protocol = "tcp", port_range = "80", source = "10.0.0.0/8" }]

[instance.i-classic]
network = "classic"
private_ip = "10.24.1.5"
security_groups = ["sg-classic"]
linked_vpc = "vpc-a"
guest_routes = ["192.168.0.0/16"]

[instance.i-far]
network = "classic"
private_ip = "10.24.1.6"
security_groups = ["sg-far"]
region = "cn-hangzhou"
account = "lab"

[instance.i-a]
vswitch = "vsw-a"
private_ip = "172.16.1.10"
security_groups = ["sg-a"]

[instance.i-strict]
vswitch = "vsw-second"
private_ip = "192.168.1.10"
security_groups = ["sg-strict", "sg-stricter"]

[service.rds]
kind = "rds"
vswitch = "vsw-a"
ip = "172.16.1.20"
whitelist = ["10.24.1.5"]
"#;

    /// The errors in `text`, and whether it was understood.
    fn errors(text: &str) -> (Vec<Diagnostic>, bool) {
        match Topology::from_toml("whole.toml", text) {
            Ok(_) => (Vec::new(), true),
            Err(LabError::Invalid { understood, diagnostics, .. }) => (diagnostics, understood),
            Err(LabError::Read(_)) => unreachable!("a text needs no reading"),
        }
    }

    /// The ways in which a line may be mistyped.
    fn mistyped(line: &str) -> Vec<String> {
        let quoted = line.replacen('"', "\"?", 1);
        match line.split_once(" = ") {
            Some((key, value)) => vec![
                format!("x{line}"),
                format!("{key} = 5.5"),
                format!("{key} = [{{}}]"),
                format!("{key} {value}"),
                format!("{key} = {value}]"),
                quoted,
            ],
            None => vec![
                line.replace(['.', ']'], ""),
                line.replace(']', "x]"),
                line.replace('[', "[x"),
                format!("{line}{line}"),
            ],
        }
    }

    #[test]
    fn a_single_mistake_of_writing_breaks_no_rule() {
        let whole = errors(WHOLE);
        assert!(whole.1, "{:?}", whole.0);
        assert_eq!(whole.0, []);
        let mut tried = 0;
        for (index, line) in WHOLE.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
            for wrong in mistyped(line) {
                let lines = WHOLE.lines().enumerate().map(|(at, line)| if at == index { &wrong } else { line });
                let (found, understood) = errors(&lines.collect::<Vec<_>>().join("\n"));
                let rules = found.iter().filter(|one| RULES.iter().any(|rule| rule.id == one.id));
                let rules: Vec<_> = rules.map(|one| (one.id, one.message.as_str())).collect();
                if !understood {
                    assert_eq!(rules, [], "after `{wrong}` on line {}", index + 1);
                    tried += 1;
                }
            }
        }
        assert!(tried > 300, "{tried} files were not understood");
    }

    #[test]
    fn rules_are_held_against_what_could_be_read() {
        let outside = edit(WHOLE).set("instance.i-a", "private_ip", "172.17.1.10");
        let service = "service.rds";
        let misspelt = outside.clone().unset(service, "kind").add(service, "knd", "rds");
        let (found, understood) = errors(&misspelt.toml());
        let ids: Vec<_> = found.iter().map(|one| one.id).collect();
        assert_eq!((ids, understood), (vec!["address-outside-vswitch", "missing-key", "unknown-key"], false));
        let (found, understood) = errors(&outside.toml());
        assert!(understood && found.iter().any(|one| one.severity == Severity::Warning));
    }
}

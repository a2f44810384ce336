//! Every rule at its edge and one past it, from the text of topology files.

mod classiclink;
mod closed_links;
mod groups;
mod ranges;
mod routes;
mod scale;
mod services;

use super::{RULES, check, checked};
use crate::diag::{Diagnostic, OWN_CHOICE, ProblemRecord, Severity, Sources};
use crate::lab::{LabError, Topology};
use crate::model::World;
use crate::scenario;

/// A topology with a gap, what breaks a rule in the gap, and what keeps it there.
pub(super) struct Case {
    pub(super) rule: &'static ProblemRecord,
    /// The gap is `@@`.
    pub(super) topology: String,
    pub(super) breaks: String,
    pub(super) keeps: String,
    /// The texts under the labels, without quotes around them; [`LONG`] in place of long ones.
    pub(super) places: &'static [&'static str],
}

pub(super) fn case(
    rule: &'static ProblemRecord,
    topology: impl Into<String>,
    breaks: impl Into<String>,
    keeps: impl Into<String>,
    places: &'static [&'static str],
) -> Case {
    Case { rule, topology: topology.into(), breaks: breaks.into(), keeps: keeps.into(), places }
}

/// In place of a text that is too long to repeat.
pub(super) const LONG: &str = "(a long text)";

/// `172.16.0.0/12` with ClassicLink off.
pub(super) const VPC_A: &str = "[vpc.vpc-a]\ncidr = \"172.16.0.0/12\"\n";
/// The same range again.
pub(super) const VPC_B: &str = "[vpc.vpc-b]\ncidr = \"172.16.0.0/12\"\n";
/// `172.16.1.0/24` of `vpc-a`.
pub(super) const VSW_A: &str = "[vswitch.vsw-a]\nvpc = \"vpc-a\"\ncidr = \"172.16.1.0/24\"\n";
/// A classic group.
pub(super) const SG_CLASSIC: &str = "[security_group.sg-a]\nnetwork = \"classic\"\n";
/// A group of `vpc-a`.
pub(super) const SG_VPC: &str = "[security_group.sg-a]\nvpc = \"vpc-a\"\n";
/// A classic instance in [`SG_CLASSIC`].
pub(super) const CLASSIC_A: &str =
    "[instance.i-a]\nnetwork = \"classic\"\nprivate_ip = \"10.24.1.5\"\nsecurity_groups = [\"sg-a\"]\n";
/// An instance of [`VSW_A`] in [`SG_VPC`].
pub(super) const VPC_INSTANCE_A: &str =
    "[instance.i-a]\nvswitch = \"vsw-a\"\nprivate_ip = \"172.16.1.5\"\nsecurity_groups = [\"sg-a\"]\n";

/// A classic instance in a classic group, beside [`CLASSIC_A`].
pub(super) fn classic_instance(id: &str, group: &str) -> String {
    format!("[instance.{id}]\nnetwork = \"classic\"\nprivate_ip = \"10.24.1.5\"\nsecurity_groups = [\"{group}\"]\n")
}

/// An instance of [`VSW_A`] in a group of its VPC, beside [`VPC_INSTANCE_A`].
pub(super) fn vpc_instance(id: &str, group: &str) -> String {
    format!("[instance.{id}]\nvswitch = \"vsw-a\"\nprivate_ip = \"172.16.1.5\"\nsecurity_groups = [\"{group}\"]\n")
}

/// A group of a VPC, beside [`SG_VPC`].
pub(super) fn vpc_group(id: &str, vpc: &str) -> String {
    format!("[security_group.{id}]\nvpc = \"{vpc}\"\n")
}

#[track_caller]
pub(super) fn world(sources: &mut Sources, text: &str) -> World {
    let (world, problems) = scenario::topology(sources, "t.toml", text);
    assert_eq!(problems, [], "{text}");
    world
}

/// The text under each label of a finding.
fn places(sources: &Sources, finding: &Diagnostic) -> Vec<String> {
    let text = |span: crate::diag::Span| {
        let text = sources.text(span.file).expect("a place in the file");
        let text = text[span.start as usize..span.end as usize].trim_matches('"');
        if text.len() > 200 { LONG.to_owned() } else { text.to_owned() }
    };
    finding.labels.iter().map(|label| text(label.span)).collect()
}

/// Id, message and places of everything wrong with `text`.
#[track_caller]
pub(super) fn findings(text: &str) -> Vec<(&'static str, String, Vec<String>)> {
    let mut sources = Sources::new();
    let world = world(&mut sources, text);
    // Some warnings are those of the compiled world.
    let (all, sources) = match Topology::build(world, Vec::new(), sources) {
        Ok(topology) => (topology.warnings.to_vec(), Sources::clone(&topology.sources)),
        Err(LabError::Invalid { diagnostics, sources, .. }) => (diagnostics, sources),
        Err(LabError::Read(_)) => unreachable!("a text needs no reading"),
    };
    all.iter().map(|finding| (finding.id, finding.message.clone(), places(&sources, finding))).collect()
}

/// `text` breaks `rule` alone, with this message, at these places.
#[track_caller]
pub(super) fn breaks(text: &str, rule: &ProblemRecord, message: &str, places: &[&str]) {
    let places = places.iter().map(|place| (*place).to_owned()).collect();
    assert_eq!(findings(text), [(rule.id, message.to_owned(), places)], "{text}");
}

/// `text` breaks no rule.
#[track_caller]
pub(super) fn clean(text: &str) {
    assert_eq!(findings(text), [], "{text}");
}

fn all_cases() -> Vec<Case> {
    [ranges::cases(), classiclink::cases(), closed_links::cases(), groups::cases(), routes::cases(), services::cases()]
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn every_rule_is_broken_in_the_words_of_its_example_and_kept_by_its_twin() {
    for case in all_cases() {
        breaks(&case.topology.replace("@@", &case.breaks), case.rule, case.rule.example, case.places);
        clean(&case.topology.replace("@@", &case.keeps));
    }
}

#[test]
fn no_rule_goes_without_a_case() {
    let cases = all_cases();
    for rule in RULES {
        assert!(cases.iter().any(|case| case.rule == *rule), "{}", rule.id);
    }
}

#[test]
fn rule_ids_are_unique_kebab_case_and_say_all_they_should() {
    let all: Vec<&ProblemRecord> =
        RULES.iter().chain(super::preflight::PREFLIGHT_RULES).chain(super::unused::UNUSED_RULES).copied().collect();
    for (index, rule) in all.iter().enumerate() {
        assert!(all[..index].iter().all(|other| other.id != rule.id), "{}", rule.id);
        assert!(rule.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
        for text in [rule.summary, rule.meaning, rule.remedy, rule.example] {
            assert!(!text.is_empty() && !text.ends_with('.') && !text.contains('\n'), "{}: {text}", rule.id);
        }
        assert!(rule.source.starts_with("https://") || rule.source == OWN_CHOICE, "{}", rule.source);
    }
}

#[test]
fn a_world_with_errors_is_not_checked_and_one_with_warnings_is() {
    let mut sources = Sources::new();
    let warned = world(&mut sources, "[service.rm-a]\nnetwork = \"classic\"\nip = \"10.0.0.9\"\nkind = \"rds\"\n");
    let (held, warnings) = checked(warned).expect("no errors");
    assert_eq!(held.services.len(), 1);
    assert_eq!(warnings.iter().map(|finding| finding.id).collect::<Vec<_>>(), ["whitelist-admits-nobody"]);
    let mut broken = held.into_inner();
    broken.services.remove("rm-a");
    let refused = world(&mut sources, "[instance.i-a]\nnetwork = \"classic\"\nprivate_ip = \"11.0.0.9\"\n");
    let findings = checked(refused).expect_err("an error");
    assert_eq!(
        findings.iter().map(|finding| (finding.id, finding.severity)).collect::<Vec<_>>(),
        [("instance-without-group", Severity::Error), ("address-not-classic", Severity::Error)]
    );
    assert!(checked(broken).is_ok());
}

#[test]
fn findings_come_in_the_order_of_the_file_with_why_and_what_to_do() {
    let text = "[service.rm-a]\nnetwork = \"classic\"\nip = \"11.0.0.1\"\nkind = \"slb\"\n\
                [vpc.vpc-a]\ncidr = \"127.1.0.0/16\"\n";
    let mut sources = Sources::new();
    let world = world(&mut sources, text);
    let all = check(&world);
    assert_eq!(
        all.iter().map(|finding| finding.id).collect::<Vec<_>>(),
        ["address-not-classic", "cidr-forbidden-range"]
    );
    assert_eq!(all[0].labels[0].text, "outside 10.0.0.0/8");
    let note = all[0].note.as_deref().expect("a reason");
    assert!(note.starts_with("the classic network is 10.0.0.0/8 without 10.111.0.0/16 (https://"), "{note}");
    assert_eq!(all[1].help.as_deref(), Some("choose a range inside 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16"));
}

/// A plan that uses most of what a file can say, with two VPCs of one range and routes that only look suspicious.
const PLAN: &str = r#"
[vpc.vpc-shop]
cidr = "172.16.0.0/12"
secondary_cidrs = ["10.200.0.0/16"]
classic_link = true
routes = [
  { destination = "0.0.0.0/0", next_hop = "ngw-out" },
  { destination = "172.20.0.0/16", next_hop = "vpn-office" },
]
[vpc.vpc-lab]
cidr = "172.16.0.0/12"
routes = [{ destination = "10.0.0.0/8", next_hop = "i-router" }]
[vswitch.vsw-db]
vpc = "vpc-shop"
cidr = "172.16.1.0/24"
[vswitch.vsw-lab]
vpc = "vpc-lab"
cidr = "172.16.1.0/24"
[gateway.ngw-out]
vpc = "vpc-shop"
kind = "nat"
remote_cidrs = ["0.0.0.0/0"]
[gateway.vpn-office]
vpc = "vpc-shop"
kind = "vpn"
remote_cidrs = ["172.20.0.0/16"]
[security_group.sg-web]
network = "classic"
ingress = [
  { protocol = "tcp", port_range = "443/443", source = "0.0.0.0/0" },
  { policy = "drop", protocol = "all", source = "10.9.0.0/16", priority = 100 },
  { protocol = "tcp", port_range = "80", source = "0.0.0.0/0", nic_type = "internet" },
]
[security_group.sg-db]
vpc = "vpc-shop"
ingress = [{ protocol = "tcp", port_range = "3306/3306", source = "sg-web" }]
[security_group.sg-lab]
vpc = "vpc-lab"
kind = "enterprise"
[instance.i-web]
network = "classic"
private_ip = "10.24.1.5"
public_ip = "203.0.113.9"
security_groups = ["sg-web"]
linked_vpc = "vpc-shop"
[instance.i-db]
vswitch = "vsw-db"
private_ip = "172.16.1.21"
security_groups = ["sg-db"]
[instance.i-router]
vswitch = "vsw-lab"
private_ip = "172.16.1.21"
security_groups = ["sg-lab"]
forwarding = true
[service.rm-orders]
kind = "rds"
vswitch = "vsw-db"
ip = "172.16.1.20"
whitelist = ["10.24.1.5"]
"#;

#[test]
fn a_plan_that_the_vendor_would_accept_has_no_findings() {
    clean(PLAN);
}

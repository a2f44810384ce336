//! Limits of ClassicLink that are refused when a topology is loaded; each beside the greatest that is accepted.

use crate::world::edit;
use biplane::diag::{Diagnostic, Severity};
use biplane::lab::{LabError, Topology};
use std::fmt::Write;

/// One VPC with ClassicLink on, and room for what a test adds.
const VPC: &str = r#"
    [vpc.vpc-shop]
    cidr = "172.16.0.0/12"
    classic_link = true
"#;

/// Errors and warnings.
fn findings(text: &str) -> Vec<Diagnostic> {
    match Topology::from_toml("limits.toml", text) {
        Ok(topology) => std::sync::Arc::unwrap_or_clone(topology.warnings),
        Err(LabError::Invalid { diagnostics, .. }) => diagnostics,
        Err(error) => panic!("{error}"),
    }
}

/// The ids of the errors.
fn errors(text: &str) -> Vec<&'static str> {
    let findings = findings(text).into_iter();
    findings.filter(|finding| finding.severity == Severity::Error).map(|finding| finding.id).collect()
}

/// `count` classic instances, all linked to `vpc-shop`, in two groups because a classic group takes 1,000 members.
fn linked(count: usize) -> String {
    let mut text = VPC.to_owned();
    text += "[security_group]\nsg-0 = { network = \"classic\" }\nsg-1 = { network = \"classic\" }\n[instance]\n";
    for number in 0..count {
        let (group, c, d) = (number % 2, number / 250, number % 250 + 1);
        let _ = writeln!(
            text,
            "i-{number} = {{ network = \"classic\", private_ip = \"10.45.{c}.{d}\", security_groups = [\"sg-{group}\"], \
             linked_vpc = \"vpc-shop\" }}"
        );
    }
    text
}

#[test]
fn a_vpc_takes_a_thousand_links_and_not_one_more() {
    assert!(findings(&linked(1000)).is_empty());
    assert_eq!(errors(&linked(1001)), ["classiclink-link-limit"]);
}

#[test]
fn the_finding_points_at_the_link_that_is_one_too_many() {
    let findings = findings(&linked(1003));
    assert_eq!(findings[0].message, "1003 classic instances are linked to `vpc-shop`, 3 more than the 1000 it takes");
    assert_eq!(findings[0].labels[0].text, "this is the 1001st link");
}

/// A classic instance with the given lines of its own.
fn instance(lines: &str) -> String {
    format!(
        r#"{VPC}
        [vpc.vpc-other]
        cidr = "192.168.0.0/16"
        classic_link = true
        [security_group.sg-web]
        network = "classic"
        [instance.i-web]
        network = "classic"
        private_ip = "10.45.2.10"
        security_groups = ["sg-web"]
        {lines}"#
    )
}

#[test]
fn an_instance_is_linked_to_one_vpc() {
    assert!(errors(&instance("linked_vpc = \"vpc-shop\"")).is_empty());
    assert_eq!(errors(&instance("linked_vpc = [\"vpc-shop\", \"vpc-other\"]")), ["wrong-type"]);
    let findings = findings(&instance("linked_vpc = [\"vpc-shop\", \"vpc-other\"]"));
    assert_eq!(findings[0].message, "`linked_vpc` expects one VPC, found a list");
    assert!(findings[0].note.as_deref().unwrap().starts_with("a classic instance is associated with only one VPC"));
    assert_eq!(errors(&instance("linked_vpc = \"vpc-shop\"\nlinked_vpc = \"vpc-other\"")), ["toml-syntax"]);
}

#[test]
fn an_instance_is_linked_within_its_region_and_account() {
    let group =
        |keys: &str| edit(&instance("linked_vpc = \"vpc-shop\"")).extended("security_group.sg-web", keys).toml();
    assert!(errors(&group("account = \"main\"")).is_empty());
    let region = "region = \"cn-beijing\"";
    assert_eq!(errors(&(group(region) + "\n" + region)), ["classiclink-region"]);
    let account = "account = \"partner\"";
    assert_eq!(errors(&(group(account) + "\n" + account)), ["classiclink-account"]);
}

/// A VPC of `cidr` with a custom route to `destination`.
fn routed(cidr: &str, classic_link: bool, destination: &str) -> String {
    format!(
        r#"
        [vpc.vpc-shop]
        cidr = "{cidr}"
        classic_link = {classic_link}
        routes = [{{ destination = "{destination}", next_hop = "vpn" }}]
        [gateway.vpn]
        vpc = "vpc-shop"
        kind = "vpn"
        "#
    )
}

#[test]
fn a_vpc_with_classiclink_has_no_custom_route_to_10_0_0_0_8_whatever_its_range() {
    for cidr in ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"] {
        assert_eq!(errors(&routed(cidr, true, "10.0.0.0/8")), ["classiclink-route-conflict"], "{cidr}");
        assert!(errors(&routed(cidr, false, "10.0.0.0/8")).is_empty(), "{cidr}");
        assert!(errors(&routed(cidr, true, "10.0.0.0/9")).is_empty(), "{cidr}");
    }
}

#[test]
fn classic_addresses_are_those_of_10_0_0_0_8_without_10_111_0_0_16() {
    let at = |address: &str| edit(&instance("")).set("instance.i-web", "private_ip", address).toml();
    assert!(errors(&at("10.110.255.10")).is_empty());
    assert_eq!(errors(&at("10.111.0.10")), ["address-not-classic"]);
    assert!(errors(&at("10.112.0.10")).is_empty());
    assert_eq!(errors(&at("11.0.0.10")), ["address-not-classic"]);
}

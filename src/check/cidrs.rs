//! The ranges of VPCs and vSwitches.

use super::limits::{FORBIDDEN_CIDRS, SECONDARY_CIDRS_PER_VPC, VPC_CIDR_LENGTHS, VSWITCH_LENGTHS};
use super::survey::{Survey, overlapping};
use crate::diag::{Diagnostic, ProblemKind, ProblemRecord, Severity, Spanned, citation};
use crate::model::{Key, Vpc, Vswitch};
use crate::net::Ipv4Net;

pub(super) static LENGTH: ProblemRecord = ProblemRecord {
    id: "vpc-cidr-length",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "a CIDR of a VPC is shorter than /8 or longer than /28",
    meaning: "primary and secondary CIDRs of a VPC have prefix lengths from 8 to 28",
    remedy: "choose a prefix from /8 to /28",
    source: citation::VPC_CIDR,
    example: "`10.0.0.0/7` cannot be a CIDR of `vpc-a`: its length is outside /8 to /28",
};

pub(super) static FORBIDDEN: ProblemRecord = ProblemRecord {
    id: "cidr-forbidden-range",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "a CIDR of a VPC or vSwitch lies in a range that the vendor keeps free",
    meaning: "0.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16 and 224.0.0.0/4 and their subnets are refused",
    remedy: "choose a range inside 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16",
    source: citation::SECONDARY_CIDR,
    example: "`100.64.8.0/24` cannot be a CIDR of `vpc-a`: it lies in 100.64.0.0/10",
};

pub(super) static SECONDARY_COUNT: ProblemRecord = ProblemRecord {
    id: "secondary-cidr-limit",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "a VPC has more than 5 secondary CIDRs",
    meaning: "a VPC takes at most 5 secondary IPv4 CIDRs; the vendor answers QuotaExceeded.VpcMultiCidr",
    remedy: "merge neighbouring secondary CIDRs, or remove those without vSwitches",
    source: citation::SECONDARY_CIDR,
    example: "`vpc-a` has 6 secondary CIDRs, 1 more than the 5 it may have",
};

pub(super) static OVERLAP: ProblemRecord = ProblemRecord {
    id: "vpc-cidr-overlap",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "two CIDRs of one VPC share addresses",
    meaning: "a secondary CIDR may overlap neither the primary one nor another secondary one",
    remedy: "remove or move one of the two",
    source: citation::SECONDARY_CIDR,
    example: "CIDRs `192.168.8.0/24` and `192.168.0.0/16` of `vpc-a` overlap",
};

pub(super) static VSWITCH_LENGTH: ProblemRecord = ProblemRecord {
    id: "vswitch-cidr-length",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "a vSwitch is larger than /16 or smaller than /29",
    meaning: "the prefix length of a vSwitch goes from 16 to 29",
    remedy: "choose a prefix from /16 to /29",
    source: citation::VSWITCH,
    example: "`172.16.1.0/30` is no range for `vsw-a`: its length is outside /16 to /29",
};

pub(super) static VSWITCH_OUTSIDE: ProblemRecord = ProblemRecord {
    id: "vswitch-outside-vpc",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "a vSwitch lies outside the CIDRs of its VPC",
    meaning: "a vSwitch takes its range from the primary CIDR or one secondary CIDR of its VPC",
    remedy: "move the vSwitch into the VPC, or add a secondary CIDR around it",
    source: citation::VSWITCH,
    example: "`172.32.1.0/24` of `vsw-a` lies in no CIDR of `vpc-a`",
};

pub(super) static VSWITCH_OVERLAP: ProblemRecord = ProblemRecord {
    id: "vswitch-overlap",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "two vSwitches of one VPC share addresses",
    meaning: "the vSwitches of a VPC do not overlap; one as large as the VPC's CIDR is the only one in it",
    remedy: "give one of them a free range",
    source: citation::VSWITCH,
    example: "`172.16.1.128/25` of `vsw-b` overlaps `172.16.1.0/24` of `vsw-a`",
};

pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Diagnostic>) {
    for (key, vpc) in survey.world.vpcs.iter() {
        vpc_ranges(vpc, findings);
        vswitches(survey, key, vpc, findings);
    }
}

fn vpc_ranges(vpc: &Vpc, findings: &mut Vec<Diagnostic>) {
    let id = vpc.id.as_str();
    let mut cidrs: Vec<&Spanned<Ipv4Net>> = std::iter::once(&vpc.cidr).chain(&vpc.secondary_cidrs).collect();
    for cidr in &cidrs {
        let net = cidr.value;
        if !VPC_CIDR_LENGTHS.contains(&net.prefix_len()) {
            let message = format!("`{net}` cannot be a CIDR of `{id}`: its length is outside /8 to /28");
            findings.push(LENGTH.found(message).at(cidr.span, format!("/{}", net.prefix_len())));
        }
        if let Some(range) = forbidden_range(net) {
            let message = format!("`{net}` cannot be a CIDR of `{id}`: it lies in {range}");
            findings.push(FORBIDDEN.found(message).at(cidr.span, format!("inside {range}")));
        }
    }
    if let Some(excess) = vpc.secondary_cidrs.get(SECONDARY_CIDRS_PER_VPC) {
        let count = vpc.secondary_cidrs.len();
        let message = format!(
            "`{id}` has {count} secondary CIDRs, {} more than the {SECONDARY_CIDRS_PER_VPC} it may have",
            count - SECONDARY_CIDRS_PER_VPC
        );
        let finding = SECONDARY_COUNT.found(message).at(excess.span, "this is the 6th").at(vpc.id.span, "of this VPC");
        findings.push(finding);
    }
    cidrs.sort_by_key(|cidr| (cidr.value, cidr.span));
    for (later, earlier) in overlapping(&cidrs, |cidr| cidr) {
        let message = format!("CIDRs `{}` and `{}` of `{id}` overlap", later.value, earlier.value);
        findings.push(OVERLAP.found(message).at(later.span, "shares addresses").at(earlier.span, "with this one"));
    }
}

/// The range of those that the vendor keeps free in which `net` lies.
pub(crate) fn forbidden_range(net: Ipv4Net) -> Option<Ipv4Net> {
    FORBIDDEN_CIDRS.into_iter().find(|range| range.contains(&net))
}

fn vswitches(survey: &Survey<'_>, key: Key<Vpc>, vpc: &Vpc, findings: &mut Vec<Diagnostic>) {
    let siblings = survey.vswitches(key);
    for vswitch in siblings {
        vswitch_range(vpc, vswitch, findings);
    }
    for (later, earlier) in overlapping(siblings, |vswitch| &vswitch.cidr) {
        let message = format!("`{}` of `{}` overlaps `{}` of `{}`", *later.cidr, *later.id, *earlier.cidr, *earlier.id);
        let finding = VSWITCH_OVERLAP.found(message).at(later.cidr.span, "shares addresses");
        findings.push(finding.at(earlier.cidr.span, format!("with `{}`", *earlier.id)));
    }
}

fn vswitch_range(vpc: &Vpc, vswitch: &Vswitch, findings: &mut Vec<Diagnostic>) {
    let (id, net) = (vswitch.id.as_str(), *vswitch.cidr);
    if !VSWITCH_LENGTHS.contains(&net.prefix_len()) {
        let message = format!("`{net}` is no range for `{id}`: its length is outside /16 to /29");
        findings.push(VSWITCH_LENGTH.found(message).at(vswitch.cidr.span, format!("/{}", net.prefix_len())));
    }
    let around = std::iter::once(&vpc.cidr).chain(&vpc.secondary_cidrs).find(|cidr| cidr.contains(&net));
    let Some(around) = around else {
        let message = format!("`{net}` of `{id}` lies in no CIDR of `{}`", *vpc.id);
        let finding = VSWITCH_OUTSIDE.found(message).at(vswitch.cidr.span, "outside the VPC");
        findings.push(finding.at(vpc.cidr.span, format!("the primary CIDR of `{}`", *vpc.id)));
        return;
    };
    // A VPC whose own CIDR is forbidden has been told so already.
    if let Some(range) = forbidden_range(net).filter(|_| forbidden_range(around.value).is_none()) {
        let message = format!("`{net}` is no range for `{id}`: it lies in {range}");
        findings.push(FORBIDDEN.found(message).at(vswitch.cidr.span, format!("inside {range}")));
    }
}

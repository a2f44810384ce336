//! Gateways: what enters by them, and what is sent back.

use super::survey::Survey;
use crate::diag::{Diagnostic, ProblemKind, ProblemRecord, Severity, citation};
use crate::model::{Gateway, Key, NextHop};
use hashbrown::HashSet;

pub(super) static OVERLAP: ProblemRecord = ProblemRecord {
    id: "gateway-range-overlap",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "the remote range of a gateway covers addresses of a vSwitch of its VPC",
    meaning: "a remote site's range overlaps no vSwitch: answers to it stay inside the VPC",
    remedy: "narrow the remote range, or renumber the remote site",
    source: "https://github.com/AlibabaCloudDocs/vpn",
    example: "`172.16.1.128/25` behind `vpn-a` overlaps `vsw-a` (`172.16.1.0/24`)",
};

pub(super) static NO_ROUTE: ProblemRecord = ProblemRecord {
    id: "gateway-without-route",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "no route of its VPC leads to a gateway",
    meaning: "what enters by a gateway is answered where a custom route leads back to it",
    remedy: "add a custom route to what is behind the gateway, with the gateway as next hop",
    source: citation::OWN_CHOICE,
    example: "no table of `vpc-a` has a route to `vpn-a`",
};

pub(super) static NO_SOURCES: ProblemRecord = ProblemRecord {
    id: "gateway-without-sources",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "a gateway that is none to the Internet has no `remote_cidrs`",
    meaning: "only gateways of kind nat and internet have a default, the public addresses; what enters by any other one \
              is known from `remote_cidrs` alone",
    remedy: "list the address ranges behind it as `remote_cidrs`; `[]` says that nothing enters by it",
    source: citation::OWN_CHOICE,
    example: "`vpn-a` has no `remote_cidrs`, so nothing enters by it",
};

pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Diagnostic>) {
    let world = survey.world;
    let mut routed: HashSet<Key<Gateway>, foldhash::fast::FixedState> = HashSet::default();
    let entries = world.vpcs.values().flat_map(|vpc| &vpc.routes);
    for route in entries.chain(world.route_tables.values().flat_map(|table| &table.routes)) {
        if let NextHop::Gateway(gateway) = route.next_hop.value {
            routed.insert(gateway);
        }
    }
    for (key, gateway) in world.gateways.iter() {
        remote_ranges(survey, gateway, findings);
        if gateway.remote_is_default && !gateway.takes_public() {
            let message = format!("`{}` has no `remote_cidrs`, so nothing enters by it", *gateway.id);
            findings.push(NO_SOURCES.found(message).at(gateway.id.span, "a gateway of unknown sources"));
        }
        if !routed.contains(&key) {
            let message = format!("no table of `{}` has a route to `{}`", *world.vpcs[*gateway.vpc].id, *gateway.id);
            let finding = NO_ROUTE.found(message).at(gateway.id.span, "nothing is sent to this gateway");
            findings.push(finding.at(gateway.vpc.span, "by this VPC"));
        }
    }
}

fn remote_ranges(survey: &Survey<'_>, gateway: &Gateway, findings: &mut Vec<Diagnostic>) {
    for remote in &gateway.remote_cidrs {
        // 0.0.0.0/0 stands for everywhere else.
        if remote.prefix_len() == 0 {
            continue;
        }
        let Some(vswitch) = survey.vswitch_touching(gateway.vpc.value, remote.value) else { continue };
        let message =
            format!("`{}` behind `{}` overlaps `{}` (`{}`)", remote.value, *gateway.id, *vswitch.id, *vswitch.cidr);
        let finding = OVERLAP.found(message).at(remote.span, "a remote range");
        findings.push(finding.at(vswitch.cidr.span, "that covers addresses of this vSwitch"));
    }
}

//! Managed services, gateways, and the guests of instances.

use super::limits::WHITELIST_ENTRIES;
use super::rule::{OWN_CHOICE, RuleRecord};
use super::source;
use super::survey::{Survey, placed_or};
use crate::diag::{Diagnostic, Severity};
use crate::model::{Gateway, Instance, Location, Service};
use crate::net::Ipv4Net;
use std::net::Ipv4Addr;

pub(super) static WHITELIST_LIMIT: RuleRecord = RuleRecord {
    id: "whitelist-limit",
    severity: Severity::Error,
    summary: "a whitelist has more than 1000 entries",
    why: "the whitelists of one service have at most 1000 entries together",
    help: "merge neighbouring addresses into prefixes",
    source: source::WHITELIST,
    example: "the whitelist of `rm-a` has 1001 entries, 1 more than the 1000 it takes",
};

pub(super) static NOBODY: RuleRecord = RuleRecord {
    id: "whitelist-admits-nobody",
    severity: Severity::Warning,
    summary: "a whitelist admits nobody",
    why: "an empty whitelist, and the default of databases, which holds 127.0.0.1 only, admit nobody",
    help: "add the private addresses of the clients to `whitelist`; over a link they are the classic instances' own",
    source: source::WHITELIST,
    example: "the whitelist of `rm-a` admits nobody",
};

pub(super) static GATEWAY_OVERLAP: RuleRecord = RuleRecord {
    id: "gateway-range-overlap",
    severity: Severity::Warning,
    summary: "the remote range of a gateway covers addresses of a vSwitch of its VPC",
    why: "a remote site's range overlaps no vSwitch: answers to it stay inside the VPC",
    help: "narrow the remote range, or renumber the remote site",
    source: "https://github.com/AlibabaCloudDocs/vpn",
    example: "`172.16.1.128/25` behind `vpn-a` overlaps `vsw-a` (`172.16.1.0/24`)",
};

pub(super) static GUEST_ROUTES_IN_VPC: RuleRecord = RuleRecord {
    id: "guest-routes-in-vpc",
    severity: Severity::Warning,
    summary: "an instance of a VPC has guest routes",
    why: "an instance of a VPC has one NIC and sends everything to its vSwitch's gateway",
    help: "remove `guest_routes`",
    source: OWN_CHOICE,
    example: "the guest routes of `i-a` have no effect: it lives in `vsw-a`",
};

pub(super) static CLASSIC_FORWARDING: RuleRecord = RuleRecord {
    id: "classic-forwarding",
    severity: Severity::Warning,
    summary: "a classic instance says that it forwards",
    why: "the classic network has no custom routes, so nothing is ever sent through a classic instance",
    help: "remove `forwarding`",
    source: source::NETWORK_TYPES,
    example: "`forwarding` of `i-a` has no effect: it is in the classic network",
};

pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Diagnostic>) {
    let world = survey.world;
    for service in world.services.values() {
        whitelist(service, findings);
    }
    for gateway in world.gateways.values() {
        remote_ranges(survey, gateway, findings);
    }
    for instance in world.instances.values() {
        guest(survey, instance, findings);
    }
}

fn whitelist(service: &Service, findings: &mut Vec<Diagnostic>) {
    let id = service.id.as_str();
    if let Some(entries) = &service.whitelist
        && let Some(excess) = entries.get(WHITELIST_ENTRIES)
    {
        let count = entries.len();
        let message = format!(
            "the whitelist of `{id}` has {count} entries, {} more than the {WHITELIST_ENTRIES} it takes",
            count - WHITELIST_ENTRIES
        );
        findings.push(
            WHITELIST_LIMIT.found(message).at(excess.span, "this is the 1001st").at(service.id.span, "of this service"),
        );
    }
    let loopback = Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);
    let admits_nobody =
        service.effective_whitelist().is_some_and(|entries| entries.iter().all(|net| loopback.contains(net)));
    if admits_nobody {
        let finding = NOBODY.found(format!("the whitelist of `{id}` admits nobody"));
        findings.push(match &service.whitelist {
            Some(entries) => finding.at(entries.span, "nobody is on it").at(service.id.span, "the service"),
            None => finding
                .at(service.id.span, "no `whitelist`")
                .at(placed_or(service.kind.span, service.id.span), "so the default of this kind holds: 127.0.0.1"),
        });
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
        let finding = GATEWAY_OVERLAP.found(message).at(remote.span, "a remote range");
        findings.push(finding.at(vswitch.cidr.span, "that covers addresses of this vSwitch"));
    }
}

fn guest(survey: &Survey<'_>, instance: &Instance, findings: &mut Vec<Diagnostic>) {
    let id = instance.id.as_str();
    match *instance.location {
        Location::Vswitch(vswitch) => {
            let Some(first) = instance.guest_routes.first() else { return };
            let home = &survey.world.vswitches[vswitch].id;
            let message = format!("the guest routes of `{id}` have no effect: it lives in `{}`", **home);
            let finding = GUEST_ROUTES_IN_VPC.found(message).at(first.span, "no effect");
            findings.push(finding.at(instance.location.span, "an instance of a VPC"));
        }
        Location::Classic if *instance.forwarding => {
            let message = format!("`forwarding` of `{id}` has no effect: it is in the classic network");
            let place = placed_or(instance.forwarding.span, instance.id.span);
            let finding = CLASSIC_FORWARDING.found(message).at(place, "no effect");
            findings.push(finding.at(instance.location.span, "a classic instance"));
        }
        Location::Classic => {}
    }
}

//! Rules of security groups for addresses that nothing has.

use super::survey::{Survey, endpoints};
use crate::diag::{Diagnostic, ProblemKind, ProblemRecord, Severity, citation};
use crate::model::{NicType, Peer, Policy, Rule, SecurityGroup, World};
use crate::net::Ipv4Net;
use std::net::Ipv4Addr;

pub(super) static UNSPECIFIED: ProblemRecord = ProblemRecord {
    id: "group-rule-unspecified-address",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "a rule is for the address 0.0.0.0, which nothing has",
    meaning: "an address without a length is one address: 0.0.0.0 is 0.0.0.0/32, and 0.0.0.0/0 is every address",
    remedy: "write \"0.0.0.0/0\" where every address is meant; else remove the rule",
    source: citation::OWN_CHOICE,
    example: "`sg-a ingress #1` is for 0.0.0.0 alone, which nothing has",
};

pub(super) static UNUSED: ProblemRecord = ProblemRecord {
    id: "group-rule-source-unused",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "a rule accepts private addresses that nothing has",
    meaning: "a private source is that of an instance, a service, a vSwitch, a VPC or a gateway's remote CIDR of this file",
    remedy: "correct the source, declare what has it (a gateway's `remote_cidrs`, for clients behind it), or remove the rule",
    source: citation::OWN_CHOICE,
    example: "`sg-a ingress #1` accepts 10.9.8.0/24, where nothing has an address",
};

const PRIVATE: [Ipv4Net; 3] = [
    Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16),
];

/// How many rules of a group are shown.
const SHOWN: usize = 3;

pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Diagnostic>) {
    let world = survey.world;
    // What an instance sends on has the address of anything behind it.
    let knows_sources = !world.instances.values().any(|instance| *instance.forwarding);
    let mut owned: Option<Owned> = None;
    for (key, group) in world.security_groups.iter() {
        unspecified(group, findings);
        // A group without members decides nothing yet.
        if knows_sources && !survey.members(key).is_empty() {
            unused(group, &mut owned, world, findings);
        }
    }
}

fn unspecified(group: &SecurityGroup, findings: &mut Vec<Diagnostic>) {
    for (direction, rules) in [("ingress", &group.ingress), ("egress", &group.egress)] {
        for (number, rule) in (1..).zip(rules) {
            if private_nic_peer(rule) == Some(Ipv4Net::from(Ipv4Addr::UNSPECIFIED)) {
                let name = format!("{} {direction} #{number}", *group.id);
                let message = format!("`{name}` is for 0.0.0.0 alone, which nothing has");
                findings.push(UNSPECIFIED.found(message).at(rule.peer.span, "one address"));
            }
        }
    }
}

/// One finding a group, however many of its rules it is about. `owned` is found out for the first rule that asks.
fn unused(group: &SecurityGroup, owned: &mut Option<Owned>, world: &World, findings: &mut Vec<Diagnostic>) {
    let mut unused = Vec::new();
    for (number, rule) in (1..).zip(&group.ingress) {
        let net = private_nic_peer(rule).filter(|net| may_be_unused(rule, *net));
        let Some(net) = net else { continue };
        if !owned.get_or_insert_with(|| Owned::in_world(world)).touches(net) {
            unused.push((number, rule, net));
        }
    }
    let id = group.id.as_str();
    let finding = match unused[..] {
        [] => return,
        [(number, _, net)] if net.prefix_len() == 32 => {
            UNUSED.found(format!("`{id} ingress #{number}` accepts {}, an address that nothing has", net.addr()))
        }
        [(number, _, net)] => {
            UNUSED.found(format!("`{id} ingress #{number}` accepts {net}, where nothing has an address"))
        }
        _ => UNUSED.found(format!("{} rules of `{id}` accept addresses that nothing has", unused.len())),
    };
    let more = unused.len().saturating_sub(SHOWN);
    let shown = unused.iter().take(SHOWN).enumerate();
    findings.push(shown.fold(finding, |finding, (index, (number, rule, _))| {
        let more = if index + 1 == SHOWN && more > 0 { format!("; and {more} more") } else { String::new() };
        finding.at(rule.peer.span, format!("ingress #{number}: nothing has an address here{more}"))
    }));
}

fn private_nic_peer(rule: &Rule) -> Option<Ipv4Net> {
    match rule.peer.value {
        Peer::Cidr(net) if rule.nic_type == NicType::Intranet => Some(net),
        _ => None,
    }
}

/// Drops are precautions, a whole private range stands for all that will ever be in it, and public addresses come from
/// beyond what a file declares.
fn may_be_unused(rule: &Rule, net: Ipv4Net) -> bool {
    rule.policy == Policy::Accept && PRIVATE.iter().any(|private| private.contains(&net) && *private != net)
}

/// The addresses that something has or may have, as ranges in order that share nothing.
struct Owned(Vec<(u32, u32)>);

impl Owned {
    fn in_world(world: &World) -> Owned {
        let single = endpoints(world).map(|endpoint| Ipv4Net::from(endpoint.address.value));
        let vpcs = world.vpcs.values().flat_map(|vpc| std::iter::once(&vpc.cidr).chain(&vpc.secondary_cidrs));
        let remote = world.gateways.values().flat_map(|gateway| &gateway.remote_cidrs);
        let nets = single.chain(vpcs.chain(remote).map(|cidr| cidr.value));
        let mut ranges: Vec<(u32, u32)> = nets.map(range).collect();
        ranges.sort_unstable();
        ranges.dedup_by(|next, last| {
            let joins = next.0 <= last.1;
            if joins {
                last.1 = last.1.max(next.1);
            }
            joins
        });
        Owned(ranges)
    }

    fn touches(&self, net: Ipv4Net) -> bool {
        let (first, last) = range(net);
        let after = self.0.partition_point(|(start, _)| *start <= last);
        after > 0 && self.0[after - 1].1 >= first
    }
}

fn range(net: Ipv4Net) -> (u32, u32) {
    (net.network().into(), net.broadcast().into())
}

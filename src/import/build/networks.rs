//! VPCs, vSwitches, peerings, and what is said about networks that has no place in a topology.

use super::{TopologyBuilder, parse_prefix};
use crate::check::limits::SECONDARY_CIDRS_PER_VPC;
use crate::import::calls;
use crate::import::draft::{DraftPeering, DraftRoutes, DraftVpc, DraftVswitch, Remarks, remarks_on};
use crate::import::facts::VswitchFacts;
use crate::import::inventory::AnswerKind;
use crate::import::report::counted;
use crate::net::{Ipv4Net, overlap};
use std::collections::{BTreeMap, BTreeSet};

impl TopologyBuilder<'_> {
    pub(super) fn networks(&mut self) {
        self.vpcs();
        self.infer_vpcs();
        self.vswitches();
        self.peerings();
        self.network_acls();
    }

    fn vpcs(&mut self) {
        let linked: BTreeSet<&String> = self.inventory.links.values().flatten().collect();
        for (id, facts) in &self.inventory.vpcs {
            if !self.wanted(facts.region.as_ref(), facts.account.as_ref()) {
                continue;
            }
            let Some(cidr) = facts.cidr.as_deref().and_then(|cidr| self.prefix(id, cidr)) else {
                self.report.leave_out(id, "a VPC without a CIDR in the dump");
                continue;
            };
            let mut remarks = remarks_on!(facts);
            let secondary_cidrs = self.secondary_cidrs(id, cidr, facts.secondary_cidrs.as_deref().unwrap_or(&[]));
            let classic_link = facts.classic_link.unwrap_or_else(|| linked.contains(id));
            if facts.classic_link.is_none() && !classic_link {
                remarks.add("whether ClassicLink is on stands in no answer of the dump; taken as off");
                self.report.miss(
                    id,
                    "whether ClassicLink is on; taken as off",
                    Some(calls::call(AnswerKind::VpcAttributes, facts.region.as_deref(), Some(id))),
                );
            }
            for range in facts.user_cidrs.iter().flatten() {
                self.report.leave_out_by_design(
                    id,
                    format!("its user CIDR {range}: ranges routed privately are not modelled"),
                );
            }
            if facts.cens.as_ref().is_some_and(|cens| !cens.is_empty()) {
                self.report
                    .leave_out_by_design(id, "it is attached to a CEN, whose transit between VPCs is not modelled");
            }
            let vpc = DraftVpc {
                remarks,
                cidr,
                secondary_cidrs,
                classic_link,
                routes: DraftRoutes::default(),
                region: facts.region.clone(),
                account: facts.account.clone(),
            };
            self.draft.vpcs.insert(id.clone(), vpc);
        }
    }

    fn secondary_cidrs(&mut self, id: &str, primary: Ipv4Net, texts: &[String]) -> Vec<Ipv4Net> {
        let mut cidrs: Vec<Ipv4Net> = Vec::new();
        for text in texts {
            match self.prefix(id, text) {
                Some(net) if overlap(net, primary) || cidrs.iter().any(|other| overlap(net, *other)) => {
                    self.report.leave_out(id, format!("its secondary CIDR {net}, which overlaps another CIDR of it"));
                }
                Some(net) if cidrs.len() == SECONDARY_CIDRS_PER_VPC => {
                    let text = format!("its secondary CIDR {net}: a topology takes {SECONDARY_CIDRS_PER_VPC}");
                    self.report.leave_out(id, text);
                }
                Some(net) => cidrs.push(net),
                None => self.report.leave_out_by_design(id, "a secondary CIDR of IPv6"),
            }
        }
        cidrs
    }

    /// Guesses the VPCs that vSwitches name and no answer describes, where that is asked for.
    fn infer_vpcs(&mut self) {
        if !self.options.infer {
            return;
        }
        let mut parts: BTreeMap<&String, (Vec<Ipv4Net>, &VswitchFacts)> = BTreeMap::new();
        for facts in self.inventory.vswitches.values() {
            let Some(vpc) = facts.vpc.as_ref().filter(|vpc| !self.inventory.vpcs.contains_key(*vpc)) else { continue };
            let Some(net) = facts.cidr.as_deref().and_then(parse_prefix) else { continue };
            parts.entry(vpc).or_insert_with(|| (Vec::new(), facts)).0.push(net.trunc());
        }
        for (id, (nets, facts)) in parts {
            if !self.wanted(facts.region.as_ref(), facts.account.as_ref()) {
                continue;
            }
            let Some(cidr) = cover(&nets) else {
                self.report.leave_out(id, "no CIDR of a VPC covers its vSwitches");
                continue;
            };
            let mut remarks = Remarks::default();
            remarks.add(format!(
                "guessed: the dump has {} of this VPC and not the VPC; {cidr} covers them",
                counted(nets.len(), "vSwitch")
            ));
            self.report.doubt(id, format!("a guess: {cidr} covers its vSwitches, ClassicLink is off"));
            let vpc = DraftVpc {
                remarks,
                cidr,
                secondary_cidrs: Vec::new(),
                classic_link: self.inventory.links.values().flatten().any(|vpc| vpc == id),
                routes: DraftRoutes::default(),
                region: facts.region.clone(),
                account: facts.account.clone(),
            };
            self.draft.vpcs.insert(id.clone(), vpc);
        }
    }

    fn vswitches(&mut self) {
        for (id, facts) in &self.inventory.vswitches {
            let Some(vpc) = facts.vpc.as_ref() else {
                self.report.leave_out(id, "a vSwitch without a VPC in the dump");
                continue;
            };
            let Some(of_vpc) = self.draft.vpcs.get(vpc) else {
                if self.inventory.vpcs.contains_key(vpc) {
                    // It was left out or is not wanted: that is told of the VPC.
                    continue;
                }
                if self.wanted(facts.region.as_ref(), facts.account.as_ref()) {
                    let text = format!(
                        "its VPC {vpc} is not in the dump: it may belong to another account; --infer guesses it"
                    );
                    self.report.leave_out(id, text);
                    let fix = calls::call(AnswerKind::Vpcs, facts.region.as_deref(), Some(vpc));
                    self.report.miss(vpc, "a VPC that vSwitches name and no answer describes", Some(fix));
                }
                continue;
            };
            let ranges: Vec<Ipv4Net> =
                std::iter::once(of_vpc.cidr).chain(of_vpc.secondary_cidrs.iter().copied()).collect();
            let Some(cidr) = facts.cidr.as_deref().and_then(|cidr| self.prefix(id, cidr)) else {
                self.report.leave_out(id, "a vSwitch without a CIDR in the dump");
                continue;
            };
            if !ranges.iter().any(|range| range.contains(&cidr)) {
                self.report.leave_out(
                    id,
                    format!("its range {cidr} lies in no CIDR of {vpc}: a secondary CIDR is not in the dump"),
                );
                continue;
            }
            let remarks = remarks_on!(facts);
            let vswitch = DraftVswitch { remarks, vpc: vpc.clone(), cidr, zone: facts.zone.clone(), route_table: None };
            self.draft.vswitches.insert(id.clone(), vswitch);
        }
    }

    fn peerings(&mut self) {
        for (id, facts) in &self.inventory.peerings {
            let (Some(one), Some(two)) = (&facts.vpc, &facts.accepting_vpc) else {
                self.report.leave_out(id, "a peering without two VPCs in the dump");
                continue;
            };
            if facts.status.as_deref().is_some_and(|status| !status.eq_ignore_ascii_case("activated")) {
                self.report.leave_out_by_design(id, "a peering that is not activated carries nothing");
                continue;
            }
            // With one VPC in the dump it is a gateway, made with the first route to it.
            if self.draft.vpcs.contains_key(one) && self.draft.vpcs.contains_key(two) {
                let remarks = remarks_on!(facts);
                self.draft.peerings.insert(id.clone(), DraftPeering { remarks, vpcs: [one.clone(), two.clone()] });
            }
        }
        self.pairs_of_router_interfaces();
    }

    /// Two router interfaces that lead to each other are one peering.
    fn pairs_of_router_interfaces(&mut self) {
        for (id, facts) in &self.inventory.router_interfaces {
            let active = |status: Option<&String>| status.is_none_or(|status| status.eq_ignore_ascii_case("active"));
            if !active(facts.status.as_ref()) {
                self.report.leave_out_by_design(id, "a router interface that is not active carries nothing");
                continue;
            }
            let Some((opposite_id, opposite)) =
                facts.opposite.as_ref().and_then(|opposite| self.inventory.router_interfaces.get_key_value(opposite))
            else {
                continue;
            };
            let ends = (self.router_vpc(id), self.router_vpc(opposite_id));
            let first = if facts.initiating == opposite.initiating {
                id <= opposite_id
            } else {
                facts.initiating == Some(true)
            };
            if let (Some(one), Some(two), true, true) = (ends.0, ends.1, first, active(opposite.status.as_ref()))
                && self.draft.vpcs.contains_key(&one)
                && self.draft.vpcs.contains_key(&two)
            {
                let mut remarks = remarks_on!(facts);
                remarks.add(format!("a pair of router interfaces: {id} and {opposite_id}"));
                self.draft.peerings.insert(id.clone(), DraftPeering { remarks, vpcs: [one, two] });
            }
        }
    }

    /// The VPC whose virtual router has a router interface.
    pub(super) fn router_vpc(&self, interface: &str) -> Option<String> {
        let facts = self.inventory.router_interfaces.get(interface)?;
        if facts.router_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("vbr")) {
            return None;
        }
        facts.vpc.clone().or_else(|| self.vpc_of_router(facts.router.as_deref()?))
    }

    /// The VPC of a virtual router.
    pub(super) fn vpc_of_router(&self, router: &str) -> Option<String> {
        self.inventory.vpcs.iter().find(|(_, vpc)| vpc.router.as_deref() == Some(router)).map(|(id, _)| id.clone())
    }

    /// Network ACLs may refuse what the topology delivers.
    fn network_acls(&mut self) {
        let mut bound: BTreeMap<&String, &String> = BTreeMap::new();
        for (acl, facts) in &self.inventory.network_acls {
            for vswitch in facts.vswitches.iter().flatten() {
                bound.insert(vswitch, acl);
            }
        }
        for (vswitch, facts) in &self.inventory.vswitches {
            if let Some(acl) = &facts.network_acl {
                bound.insert(vswitch, acl);
            }
        }
        for (vswitch, acl) in bound {
            let entries = self.inventory.network_acls.get(acl).and_then(|facts| facts.entries);
            match entries {
                Some(0) => {
                    self.report.leave_out_by_design(vswitch, format!("its network ACL {acl} accepts everything"));
                }
                _ => self.report.network_acl(
                    vswitch,
                    format!(
                        "its network ACL {acl} may refuse what the topology delivers: network ACLs are not modelled"
                    ),
                ),
            }
            if let Some(vswitch) = self.draft.vswitches.get_mut(vswitch) {
                vswitch.remarks.add(format!("has the network ACL {acl}, which is not modelled"));
            }
        }
    }
}

/// The smallest CIDR that a VPC may have around `nets`.
fn cover(nets: &[Ipv4Net]) -> Option<Ipv4Net> {
    let mut cover = *nets.first()?;
    while !nets.iter().all(|net| cover.contains(net)) || cover.prefix_len() > 28 {
        cover = cover.supernet()?;
    }
    (cover.prefix_len() >= 8).then_some(cover)
}

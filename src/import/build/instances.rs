//! ECS instances, their links, and interfaces beside the first.

use super::{TopologyBuilder, classic_domain};
use crate::check::limits::{
    CLASSIC_GROUP_MEMBERS, ENTERPRISE_GROUP_MEMBERS, GROUPS_PER_INSTANCE, LINKS_PER_VPC, VPC_GROUP_MEMBERS,
};
use crate::import::calls;
use crate::import::draft::{DraftGroup, DraftInstance, Remarks, remarks_on};
use crate::import::facts::{InstanceFacts, InterfaceFacts};
use crate::import::inventory::AnswerKind;
use crate::import::report::printable;
use crate::net::ranges;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// Where an endpoint stands.
pub(super) struct Seat {
    pub(super) vswitch: Option<String>,
    /// The name of its routing domain.
    pub(super) domain: String,
    pub(super) address: Ipv4Addr,
}

impl<'b> TopologyBuilder<'b> {
    pub(super) fn instances(&mut self) {
        let interfaces = self.interfaces_by_instance();
        for (id, facts) in &self.inventory.instances {
            if !self.wanted(facts.region.as_ref(), facts.account.as_ref().or_else(|| self.account_of_vpc(facts))) {
                continue;
            }
            let own = interfaces.get(id.as_str()).map_or(&[][..], Vec::as_slice);
            if let Some(instance) = self.instance(id, facts, own) {
                self.draft.instances.insert(id.clone(), instance);
            }
        }
        self.second_interfaces();
        self.links();
    }

    fn account_of_vpc(&self, facts: &InstanceFacts) -> Option<&String> {
        self.inventory.vpcs.get(facts.vpc.as_ref()?)?.account.as_ref()
    }

    fn interfaces_by_instance(&self) -> BTreeMap<&'b str, Vec<&'b InterfaceFacts>> {
        let inventory = self.inventory;
        let mut by_instance: BTreeMap<&str, Vec<&InterfaceFacts>> = BTreeMap::new();
        for facts in inventory.interfaces.values() {
            if let Some(instance) = &facts.instance {
                by_instance.entry(instance).or_default().push(facts);
            }
        }
        by_instance
    }

    fn instance(&mut self, id: &str, facts: &InstanceFacts, interfaces: &[&InterfaceFacts]) -> Option<DraftInstance> {
        let primary = interfaces.iter().find(|one| one.primary == Some(true));
        let mut remarks = remarks_on!(facts);
        let seat =
            if is_classic(facts) { self.classic_seat(id, facts)? } else { self.vpc_seat(id, facts, primary.copied())? };
        let vpc = seat.vswitch.as_ref().and_then(|vswitch| self.vpc_of(vswitch).cloned());
        let groups = self.memberships(id, facts.groups.as_deref().unwrap_or(&[]), vpc.as_ref(), facts.region.as_ref());
        if !self.take_address(&seat.domain, seat.address, id) {
            return None;
        }
        for lock in facts.locks.iter().flatten() {
            remarks.add(format!("locked at the vendor's: {lock}"));
            self.report.doubt(id, "it is locked at the vendor's; here it answers as ever");
        }
        if primary.is_some_and(|one| one.source_check == Some(true)) {
            self.checks_source.insert(id.to_owned());
        }
        let forwards = primary.is_some_and(|one| one.source_check == Some(false)) || facts.forwarding == Some(true);
        Some(DraftInstance {
            remarks,
            vswitch: seat.vswitch,
            private_ip: seat.address,
            groups,
            state: self.state(id, facts),
            linked_vpc: None,
            forwarding: forwards,
            public_ip: facts.public_ip.as_deref().and_then(|text| text.parse().ok()),
            mac: facts
                .mac
                .as_deref()
                .or_else(|| primary.and_then(|one| one.mac.as_deref()))
                .and_then(|text| text.parse().ok()),
            bandwidth: facts.bandwidth,
            region: facts.region.clone(),
            account: facts.account.clone(),
        })
    }

    fn state(&mut self, id: &str, facts: &InstanceFacts) -> &'static str {
        let Some(status) = facts.status.as_deref() else {
            // Terraform's older states have none, and what does not exist yet will run.
            if !self.inventory.managed.contains(id) {
                self.report.doubt(id, "no answer says whether it runs; taken as running");
            }
            return "running";
        };
        let states = ["running", "stopped", "pending", "starting", "stopping"];
        states.into_iter().find(|state| state.eq_ignore_ascii_case(status)).unwrap_or_else(|| {
            self.report.doubt(id, format!("its status is {}; taken as running", printable(status)));
            "running"
        })
    }

    fn classic_seat(&mut self, id: &str, facts: &InstanceFacts) -> Option<Seat> {
        let inner: Vec<Ipv4Addr> = facts.inner_ips.iter().flatten().filter_map(|text| text.parse().ok()).collect();
        let Some(address) = inner.first().copied() else {
            self.report.leave_out(
                id,
                "a classic instance without a private address: being released, or stopped without charge",
            );
            return None;
        };
        if inner.len() > 1 {
            self.report.doubt(id, format!("it has {} private addresses; {address} alone is taken over", inner.len()));
        }
        if !ranges::is_classic(address) {
            self.report.leave_out(id, format!("its address {address} is none of the classic network"));
            return None;
        }
        Some(Seat { vswitch: None, domain: classic_domain(facts.region.as_ref()), address })
    }

    fn vpc_seat(&mut self, id: &str, facts: &InstanceFacts, primary: Option<&InterfaceFacts>) -> Option<Seat> {
        let ips = facts.private_ips.as_deref().unwrap_or(&[]);
        let ip = ips.first().or_else(|| primary.and_then(|one| one.ip.as_ref()));
        if ips.len() > 1 {
            self.report.doubt(id, format!("it has {} private addresses; the first alone is taken over", ips.len()));
        }
        let Some(address) = ip.and_then(|text| text.parse::<Ipv4Addr>().ok()) else {
            self.report.leave_out(id, "an instance without a private address in the dump");
            return None;
        };
        let vswitch = facts.vswitch.as_ref().or_else(|| primary.and_then(|one| one.vswitch.as_ref()));
        self.seat(id, vswitch, facts.vpc.as_ref(), address)
    }

    /// The seat of an address in a vSwitch of the topology; without a vSwitch, or with one that no answer describes, and
    /// where guesses are wanted, in the one whose range holds it.
    pub(super) fn seat(
        &mut self,
        id: &str,
        vswitch: Option<&String>,
        vpc: Option<&String>,
        address: Ipv4Addr,
    ) -> Option<Seat> {
        let known = vswitch.filter(|vswitch| self.draft.vswitches.contains_key(*vswitch)).cloned();
        let guessed = || {
            vpc.filter(|_| self.options.infer || vswitch.is_none()).and_then(|vpc| self.vswitch_around(vpc, address))
        };
        let Some(own) = known.clone().or_else(guessed) else {
            match vswitch {
                None => self.report.leave_out(id, "no answer says in which vSwitch it is"),
                // Why it is not there is told of the vSwitch.
                Some(vswitch) if self.inventory.vswitches.contains_key(vswitch) => {
                    self.report.leave_out(id, format!("its vSwitch {vswitch} is not in the topology"));
                }
                Some(vswitch) => {
                    self.report.leave_out(id, format!("its vSwitch {vswitch} is not in the dump"));
                    let fix = calls::call(AnswerKind::Vswitches, None, vpc.map(String::as_str));
                    self.report.miss(vswitch, "a vSwitch that others name and no answer describes", Some(fix));
                }
            }
            return None;
        };
        if known.is_none() {
            self.report.doubt(id, format!("that it is in {own} is a guess: {address} lies in its range"));
        }
        let (cidr, domain) = (self.draft.vswitches[&own].cidr, self.draft.vswitches[&own].vpc.clone());
        if !cidr.contains(&address) {
            self.report.leave_out(id, format!("its address {address} lies outside {own}, which is {cidr}"));
            return None;
        }
        let (first, last) = (u32::from(cidr.network()), u32::from(cidr.broadcast()));
        if u32::from(address) == first || last - u32::from(address) < 3 {
            self.report.leave_out(id, format!("its address {address} is one that the vendor keeps in {own}"));
            return None;
        }
        Some(Seat { vswitch: Some(own), domain, address })
    }

    /// The groups of an endpoint. One that is not in the topology, and where there is none, is stood in for by a group whose
    /// rules are not known.
    fn memberships(
        &mut self,
        id: &str,
        groups: &[String],
        vpc: Option<&String>,
        region: Option<&String>,
    ) -> Vec<String> {
        let most = *GROUPS_PER_INSTANCE.end();
        let mut kept: Vec<String> = Vec::new();
        for group in groups {
            if kept.contains(group) {
                continue;
            }
            if kept.len() == most {
                self.report.leave_out(id, format!("its groups beyond the first {most}, {group} among them"));
                break;
            }
            match self.draft.groups.get(group) {
                Some(known) if known.vpc.as_ref() == vpc => kept.push(group.clone()),
                Some(_) => self.report.leave_out(id, format!("its membership of {group}, which is in another network")),
                None => {
                    self.stand_in(group, vpc, region);
                    kept.push(group.clone());
                }
            }
        }
        let enterprise = kept.first().map(|first| self.draft.groups[first].enterprise);
        let draft = &self.draft;
        let (same, others): (Vec<String>, Vec<String>) = kept.into_iter().partition(|group| {
            Some(draft.groups[group].enterprise) == enterprise || draft.groups[group].rules_unknown.is_some()
        });
        for group in others {
            self.report.leave_out(id, format!("its membership of {group}: groups of both kinds on one instance"));
        }
        let same: Vec<String> = same.into_iter().filter(|group| self.join(id, group)).collect();
        if !same.is_empty() {
            return same;
        }
        let name = match vpc {
            Some(vpc) => format!("unknown-groups-of-{vpc}"),
            None => format!("unknown-groups-of-classic{}", region.map_or(String::new(), |region| format!("-{region}"))),
        };
        self.report.miss(
            id,
            "its security groups are not in the dump",
            Some(calls::call(AnswerKind::Instances, region.map(String::as_str), Some(id))),
        );
        self.stand_in(&name, vpc, region);
        vec![name]
    }

    /// Counts a member of a group. False where the group takes no more, which is reported.
    fn join(&mut self, id: &str, group: &str) -> bool {
        let most = match &self.draft.groups[group] {
            DraftGroup { vpc: None, .. } => CLASSIC_GROUP_MEMBERS,
            DraftGroup { enterprise: true, .. } => ENTERPRISE_GROUP_MEMBERS,
            _ => VPC_GROUP_MEMBERS,
        };
        let members = self.members.entry(group.to_owned()).or_default();
        *members += 1;
        let joins = *members <= most;
        if !joins {
            self.report.leave_out(id, format!("its membership of {group}, which takes {most} members in a topology"));
        }
        joins
    }

    /// A group that endpoints name and no answer describes.
    fn stand_in(&mut self, group: &str, vpc: Option<&String>, region: Option<&String>) {
        if self.draft.groups.contains_key(group) {
            return;
        }
        let why = "no answer describes it".to_owned();
        let mut remarks = Remarks::default();
        remarks.add("stands in for a group that instances name and no answer of the dump describes");
        if !group.starts_with("unknown-groups-of-") {
            let fix = calls::intranet_rules(region.map(String::as_str), group);
            self.report.miss(group, "a security group that instances are in and no answer describes", Some(fix));
        }
        let stand_in = DraftGroup {
            remarks,
            vpc: vpc.cloned(),
            enterprise: false,
            intra_group: None,
            ingress: Vec::new(),
            egress: Vec::new(),
            rules_unknown: Some(why),
            unknown_rules: 0,
            left_out: [Vec::new(), Vec::new()],
            region: region.cloned(),
            account: None,
        };
        self.draft.groups.insert(group.to_owned(), stand_in);
    }

    /// Interfaces that are not the first of an instance are entries of their own: each has an address, groups and a MAC
    /// address.
    fn second_interfaces(&mut self) {
        let mut hops: BTreeSet<&String> = BTreeSet::new();
        for entry in self.inventory.entries.values().flatten() {
            hops.extend(entry.hops.iter().flatten().filter_map(|hop| hop.id.as_ref()));
        }
        for (id, facts) in &self.inventory.interfaces {
            let own_entry = match (&facts.instance, facts.primary) {
                (_, Some(true)) => false,
                (Some(instance), _) => !self.is_address_of(instance, facts),
                (None, _) => hops.contains(id),
            };
            if !own_entry || !self.wanted(facts.region.as_ref(), None) && self.options.accounts.is_empty() {
                continue;
            }
            if let Some(entry) = self.interface_entry(id, facts) {
                self.draft.instances.insert(id.clone(), entry);
            }
        }
    }

    /// True for an interface without a type that has its instance's own address.
    fn is_address_of(&self, instance: &str, facts: &InterfaceFacts) -> bool {
        let address = self.draft.instances.get(instance).map(|instance| instance.private_ip.to_string());
        address.is_none() || address == facts.ip
    }

    fn interface_entry(&mut self, id: &str, facts: &InterfaceFacts) -> Option<DraftInstance> {
        let Some(address) = facts.ip.as_deref().and_then(|text| text.parse().ok()) else {
            self.report.leave_out(id, "an interface without a private address in the dump");
            return None;
        };
        let seat = self.seat(id, facts.vswitch.as_ref(), facts.vpc.as_ref(), address)?;
        let groups = self.memberships(id, facts.groups.as_deref().unwrap_or(&[]), Some(&seat.domain), None);
        if !self.take_address(&seat.domain, address, id) {
            return None;
        }
        let mut remarks = remarks_on!(facts);
        let owner = facts.instance.as_deref();
        match owner {
            Some(instance) => {
                remarks.add(format!("a second interface of {instance}"));
                self.report.doubt(id, format!("a second interface of {instance}, written as an instance of its own: which one the guest uses is not in any answer"));
            }
            None => remarks.add("an interface that the vendor manages"),
        }
        let state = owner.and_then(|owner| self.draft.instances.get(owner)).map_or("running", |owner| owner.state);
        Some(DraftInstance {
            remarks,
            vswitch: seat.vswitch,
            private_ip: address,
            groups,
            state,
            linked_vpc: None,
            forwarding: facts.source_check == Some(false),
            public_ip: facts.public_ip.as_deref().and_then(|text| text.parse().ok()),
            mac: facts.mac.as_deref().and_then(|text| text.parse().ok()),
            bandwidth: None,
            region: None,
            account: None,
        })
    }

    fn links(&mut self) {
        let mut count: BTreeMap<&String, usize> = BTreeMap::new();
        for (id, vpcs) in &self.inventory.links {
            let Some(instance) = self.draft.instances.get_mut(id) else {
                if !self.inventory.instances.contains_key(id)
                    && self.options.regions.is_empty()
                    && self.options.accounts.is_empty()
                {
                    self.report.leave_out(id, "a link of an instance that is not in the dump");
                }
                continue;
            };
            if instance.vswitch.is_some() {
                self.report.leave_out(id, "a link of an instance that is in a VPC by now");
                continue;
            }
            let known: Vec<&String> = vpcs.iter().filter(|vpc| self.draft.vpcs.contains_key(*vpc)).collect();
            let Some(vpc) = known.first().copied() else {
                let names: Vec<&str> = vpcs.iter().map(String::as_str).collect();
                self.report.leave_out(id, format!("its link to {}, which is not in the topology", names.join(", ")));
                continue;
            };
            if vpcs.len() > 1 {
                self.report
                    .doubt(id, format!("it is linked to {} VPCs, which no call allows; {vpc} is taken", vpcs.len()));
            }
            let linked = count.entry(vpc).or_default();
            *linked += 1;
            if *linked > LINKS_PER_VPC {
                self.report.leave_out(id, format!("its link to {vpc}, which takes {LINKS_PER_VPC}"));
                continue;
            }
            instance.linked_vpc = Some(vpc.clone());
            if ranges::SCRIPTED.contains(&self.draft.vpcs[vpc].cidr) {
                instance
                    .remarks
                    .add(format!("linked to {vpc} in 192.168.0.0/16: set guest_routes where the routing script ran"));
            }
        }
    }
}

/// True for an instance of the classic network: it says so, or it has an inner address and no VPC.
fn is_classic(facts: &InstanceFacts) -> bool {
    match facts.network.as_deref() {
        Some(network) => network.eq_ignore_ascii_case("classic"),
        None => {
            facts.vpc.is_none()
                && facts.vswitch.is_none()
                && facts.inner_ips.as_ref().is_some_and(|ips| !ips.is_empty())
        }
    }
}

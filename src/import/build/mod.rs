//! From what a dump says to a topology: one file a kind of object, in the order in which they need each other.

mod groups;
mod instances;
mod networks;
mod routes;
mod rules;
mod services;

use super::ImportOptions;
use super::draft::TopologyDraft;
use super::inventory::Inventory;
use super::report::ImportReport;
use crate::net::Ipv4Net;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// Makes the topology of an inventory; what has no place in it, or is in doubt, stands in the report afterwards.
pub(super) fn build(inventory: &Inventory, options: &ImportOptions, report: &mut ImportReport) -> TopologyDraft {
    let mut builder = TopologyBuilder {
        inventory,
        options,
        report,
        draft: TopologyDraft::default(),
        taken: BTreeMap::new(),
        forwarders: BTreeSet::new(),
        members: BTreeMap::new(),
        checks_source: BTreeSet::new(),
    };
    builder.networks();
    builder.groups();
    builder.instances();
    builder.services();
    builder.routes();
    builder.settle_places();
    builder.draft
}

struct TopologyBuilder<'b> {
    inventory: &'b Inventory,
    options: &'b ImportOptions,
    report: &'b mut ImportReport,
    draft: TopologyDraft,
    /// The endpoints by routing domain and address.
    taken: BTreeMap<(String, Ipv4Addr), String>,
    /// Next hops of routes: what they are, their guests forward.
    forwarders: BTreeSet<String>,
    /// How many endpoints are in a group.
    members: BTreeMap<String, usize>,
    /// Instances that send from their own address alone.
    checks_source: BTreeSet<String>,
}

impl TopologyBuilder<'_> {
    /// True for what the options ask for.
    fn wanted(&self, region: Option<&String>, account: Option<&String>) -> bool {
        let fits =
            |wanted: &[String], own: Option<&String>| wanted.is_empty() || own.is_some_and(|own| wanted.contains(own));
        fits(&self.options.regions, region) && fits(&self.options.accounts, account)
    }

    /// A prefix as topologies write it: without host bits, which are reported; `None` for IPv6 and for what is no prefix.
    fn prefix(&mut self, subject: &str, text: &str) -> Option<Ipv4Net> {
        let net = parse_prefix(text)?;
        if net.trunc() != net {
            self.report.doubt(subject, format!("{text} has host bits; {} is what it can mean", net.trunc()));
        }
        Some(net.trunc())
    }

    /// Takes an address of a routing domain for `id`. False where another endpoint has it, which is reported.
    fn take_address(&mut self, domain: &str, address: Ipv4Addr, id: &str) -> bool {
        let owner = self.taken.entry((domain.to_owned(), address)).or_insert_with(|| id.to_owned());
        if owner == id {
            return true;
        }
        let owner = owner.clone();
        self.report.leave_out(
            id,
            format!("its address {address} is that of {owner} already: released, or dumped at another time"),
        );
        false
    }

    /// Chooses the defaults, the most frequent ones, and takes the keys that say the same out again.
    fn settle_places(&mut self) {
        let draft = &mut self.draft;
        macro_rules! classic {
            ($table:ident, $plane:ident) => {
                draft.$table.values().filter(|one| one.$plane.is_none()).map(|one| (&one.region, &one.account))
            };
        }
        let of_vpcs = draft.vpcs.values().map(|vpc| (&vpc.region, &vpc.account));
        let places: Vec<_> = of_vpcs
            .chain(classic!(groups, vpc))
            .chain(classic!(instances, vswitch))
            .chain(classic!(services, vswitch))
            .collect();
        let region = most_frequent(places.iter().filter_map(|(region, _)| region.as_ref()));
        let account = most_frequent(places.iter().filter_map(|(_, account)| account.as_ref()));
        let settle = |region_of: &mut Option<String>, account_of: &mut Option<String>, own: bool| {
            if !own || *region_of == region {
                *region_of = None;
            }
            if !own || *account_of == account {
                *account_of = None;
            }
        };
        draft.vpcs.values_mut().for_each(|one| settle(&mut one.region, &mut one.account, true));
        draft.groups.values_mut().for_each(|one| settle(&mut one.region, &mut one.account, one.vpc.is_none()));
        draft.instances.values_mut().for_each(|one| settle(&mut one.region, &mut one.account, one.vswitch.is_none()));
        draft.services.values_mut().for_each(|one| settle(&mut one.region, &mut one.account, one.vswitch.is_none()));
        draft.region = region;
        draft.account = account;
    }

    /// The VPC of a vSwitch of the topology.
    fn vpc_of(&self, vswitch: &str) -> Option<&String> {
        self.draft.vswitches.get(vswitch).map(|vswitch| &vswitch.vpc)
    }

    /// The vSwitch of a VPC whose range holds an address.
    fn vswitch_around(&self, vpc: &str, address: Ipv4Addr) -> Option<String> {
        let mut around =
            self.draft.vswitches.iter().filter(|(_, vswitch)| vswitch.vpc == vpc && vswitch.cidr.contains(&address));
        around.next().map(|(id, _)| id.clone())
    }
}

/// `a.b.c.d/n` or an address, which is its /32; host bits are left as they are.
fn parse_prefix(text: &str) -> Option<Ipv4Net> {
    let text = text.trim();
    text.parse::<Ipv4Addr>().ok().map(Ipv4Net::from).or_else(|| text.parse().ok())
}

fn is_ipv6(text: &str) -> bool {
    text.contains(':')
}

/// The text that occurs most often; of several, the first in order.
fn most_frequent<'t>(texts: impl Iterator<Item = &'t String>) -> Option<String> {
    let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
    for text in texts {
        *counts.entry(text).or_default() += 1;
    }
    let most = counts.values().copied().max()?;
    counts.into_iter().find(|(_, count)| *count == most).map(|(text, _)| text.clone())
}

/// The name of the routing domain of a region's classic network: no VPC has a name with a blank.
fn classic_domain(region: Option<&String>) -> String {
    format!("classic {}", region.map_or("", String::as_str))
}

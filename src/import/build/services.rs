//! Managed services: their addresses in each plane, and their whitelists.

use super::{TopologyBuilder, classic_domain, is_ipv6, parse_prefix};
use crate::check::limits::WHITELIST_ENTRIES;
use crate::import::calls;
use crate::import::draft::{DraftService, DraftWhitelist, Remarks, remarks_on};
use crate::import::facts::{EndpointFacts, ServiceFacts};
use crate::import::report::printable;
use crate::net::{Ipv4Net, ranges};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// One private address of a service.
struct Address {
    /// The id to write.
    id: String,
    classic: bool,
    ip: Ipv4Addr,
    vswitch: Option<String>,
    vpc: Option<String>,
}

impl TopologyBuilder<'_> {
    pub(super) fn services(&mut self) {
        let mut members: BTreeMap<&String, Vec<Ipv4Addr>> = BTreeMap::new();
        for instance in self.draft.instances.values() {
            for group in &instance.groups {
                if let Some((group, _)) = self.inventory.groups.get_key_value(group) {
                    members.entry(group).or_default().push(instance.private_ip);
                }
            }
        }
        for (id, facts) in &self.inventory.services {
            let of_vpc = || self.inventory.vpcs.get(facts.vpc.as_ref()?)?.account.as_ref();
            if facts.kind.is_none() || !self.wanted(facts.region.as_ref(), facts.account.as_ref().or_else(of_vpc)) {
                continue;
            }
            let groups = self.inventory.admitted_groups.get(id).into_iter().flatten();
            let admitted: Vec<Ipv4Addr> = groups.filter_map(|group| members.get(group)).flatten().copied().collect();
            self.service(id, facts, &admitted);
        }
        for id in self.inventory.whitelists.keys().chain(self.inventory.endpoints.keys()).collect::<BTreeSet<_>>() {
            if self.inventory.services.get(id).is_none_or(|facts| facts.kind.is_none()) {
                self.report.leave_out(id, "addresses or a whitelist of a service that no list names");
            }
        }
    }

    fn service(&mut self, id: &str, facts: &ServiceFacts, admitted: &[Ipv4Addr]) {
        let kind = facts.kind.unwrap_or("other");
        let endpoints = self.inventory.endpoints.get(id).map_or(&[][..], Vec::as_slice);
        if facts.internet == Some(true) {
            self.report.leave_out_by_design(id, "a load balancer with a public address alone");
            return;
        }
        let addresses = self.addresses(id, facts, endpoints);
        if addresses.is_empty() {
            self.report.leave_out(id, format!("no answer holds a private address of this {kind} service"));
            self.report.miss(id, "its addresses", Some(calls::addresses(kind, id)));
            return;
        }
        for address in addresses {
            let mut remarks = remarks_on!(facts);
            if address.id != id {
                remarks.add(format!("one of several addresses of {id}"));
            }
            if facts.status.as_deref().is_some_and(|status| status.eq_ignore_ascii_case("inactive")) {
                remarks.add("inactive at the vendor's");
            }
            let whitelist = self.whitelist(id, facts, address.classic, &mut remarks);
            let whitelist = admit(whitelist, admitted);
            if let Some(service) = self.entry(&address, facts, kind) {
                self.draft.services.insert(address.id, DraftService { remarks, whitelist, ..service });
            }
        }
    }

    /// The private addresses that answers name, each once.
    fn addresses(&mut self, id: &str, facts: &ServiceFacts, endpoints: &[EndpointFacts]) -> Vec<Address> {
        let mut addresses: Vec<Address> = Vec::new();
        let by_node = endpoints.iter().filter(|one| one.node.is_some()).count() > 1;
        let classic_too = endpoints.iter().any(|one| one.is("Inner")) && endpoints.iter().any(|one| one.is("Private"));
        for one in endpoints {
            let Some(ip) = one.ip.as_deref().and_then(|text| text.parse::<Ipv4Addr>().ok()) else { continue };
            if one.is("Public") {
                self.report.leave_out_by_design(id, "a public address of a service");
                continue;
            }
            if addresses.iter().any(|known| known.ip == ip) {
                continue;
            }
            let classic = one.is("Inner");
            let own = match &one.node {
                Some(node) if by_node => format!("{id}.{}", node.to_ascii_lowercase()),
                _ if classic && classic_too => format!("{id}.classic"),
                _ => id.to_owned(),
            };
            let taken = |own: &str| addresses.iter().any(|known| known.id == own);
            let own = if taken(&own) {
                (2..).map(|n| format!("{own}.{n}")).find(|own| !taken(own)).expect("numbers do not end")
            } else {
                own
            };
            if one.expires.is_some() && classic && classic_too {
                self.report.doubt(id, "its classic address is kept for a time only: after that, it is gone");
            }
            let (vswitch, vpc) =
                (one.vswitch.clone().or_else(|| facts.vswitch.clone()), one.vpc.clone().or_else(|| facts.vpc.clone()));
            addresses.push(Address { id: own, classic, ip, vswitch, vpc });
        }
        if addresses.is_empty()
            && let Some(ip) = facts.ip.as_deref().and_then(|text| text.parse().ok())
        {
            let classic = match facts.network.as_deref() {
                Some(network) => network.eq_ignore_ascii_case("classic"),
                None => facts.vpc.is_none() && facts.vswitch.is_none(),
            };
            let (vswitch, vpc) = (facts.vswitch.clone(), facts.vpc.clone());
            addresses.push(Address { id: id.to_owned(), classic, ip, vswitch, vpc });
        }
        addresses
    }

    fn entry(&mut self, address: &Address, facts: &ServiceFacts, kind: &'static str) -> Option<DraftService> {
        let id = address.id.as_str();
        let (vswitch, domain) = if address.classic {
            if ranges::CLOUD_SERVICES.contains(&address.ip) {
                self.report.leave_out_by_design(
                    id,
                    format!("its address {} lies in 100.64.0.0/10, which is built in as cloud-services", address.ip),
                );
                return None;
            }
            if !ranges::is_classic(address.ip) {
                self.report.leave_out(id, format!("its address {} is none of the classic network", address.ip));
                return None;
            }
            (None, classic_domain(facts.region.as_ref()))
        } else {
            let seat = self.service_seat(id, address)?;
            (Some(seat.0), seat.1)
        };
        self.take_address(&domain, address.ip, id).then(|| DraftService {
            remarks: Remarks::default(),
            kind,
            vswitch,
            ip: address.ip,
            whitelist: DraftWhitelist::None,
            region: facts.region.clone(),
            account: facts.account.clone(),
        })
    }

    /// The vSwitch of a service and its VPC.
    fn service_seat(&mut self, id: &str, address: &Address) -> Option<(String, String)> {
        let seat = self.seat(id, address.vswitch.as_ref(), address.vpc.as_ref(), address.ip)?;
        Some((seat.vswitch?, seat.domain))
    }

    fn whitelist(&mut self, id: &str, facts: &ServiceFacts, classic: bool, remarks: &mut Remarks) -> DraftWhitelist {
        let kind = facts.kind.unwrap_or("other");
        let lists = self.inventory.whitelists.get(id).map_or(&[][..], Vec::as_slice);
        if lists.is_empty() {
            if !matches!(kind, "rds" | "redis" | "mongodb") {
                return DraftWhitelist::None;
            }
            let api = if kind == "rds" { "DescribeDBInstanceIPArrayList" } else { "DescribeSecurityIps" };
            let (why, fix) = self.explained(api, id, "it is not in the dump", calls::whitelist(kind, id));
            self.report.miss(id, format!("its whitelist: {why}"), Some(fix));
            return DraftWhitelist::Unknown(why);
        }
        if facts.safety_mode == Some(true) && lists.iter().all(|list| list.plane.is_none()) {
            self.report.doubt(id, "each plane has a whitelist of its own (SecurityIPMode safety), and no answer says which is whose: all hold for both");
        }
        let of_plane = |plane: &str| !plane.eq_ignore_ascii_case(if classic { "vpc" } else { "classic" });
        let mut entries: BTreeSet<Ipv4Net> = BTreeSet::new();
        let mut domains = 0;
        for list in lists.iter().filter(|list| list.plane.as_deref().is_none_or(of_plane)) {
            for text in list.entries.iter().flatten() {
                match parse_prefix(text) {
                    Some(net) => {
                        let host_bits = net.trunc() != net;
                        if host_bits {
                            self.report.doubt(
                                id,
                                format!("{text} of its whitelist has host bits; {} is what it can mean", net.trunc()),
                            );
                        }
                        entries.insert(net.trunc());
                    }
                    None if is_ipv6(text) => self.report.leave_out_by_design(id, "an IPv6 entry of its whitelist"),
                    None => {
                        domains += 1;
                        self.report.leave_out(
                            id,
                            format!("the entry {} of its whitelist, which is no address", printable(text)),
                        );
                    }
                }
            }
            if list.hidden == Some(true) {
                remarks.add(format!(
                    "its whitelist holds {}, put there by a service of the vendor",
                    list.name.as_deref().unwrap_or("a hidden list")
                ));
            }
        }
        if entries.len() > WHITELIST_ENTRIES {
            self.report.leave_out(
                id,
                format!("entries of its whitelist beyond the {WHITELIST_ENTRIES} that a topology takes"),
            );
        }
        if entries.is_empty()
            && domains == 0
            && lists.iter().all(|list| list.entries.as_ref().is_none_or(Vec::is_empty))
            && kind == "slb"
        {
            return DraftWhitelist::None;
        }
        DraftWhitelist::Entries(entries.into_iter().take(WHITELIST_ENTRIES).collect())
    }
}

impl EndpointFacts {
    fn is(&self, kind: &str) -> bool {
        self.kind.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(kind))
    }
}

/// The whitelist with the members of ECS groups that are admitted beside it.
fn admit(whitelist: DraftWhitelist, members: &[Ipv4Addr]) -> DraftWhitelist {
    match whitelist {
        DraftWhitelist::Entries(entries) if !members.is_empty() => {
            let all: BTreeSet<Ipv4Net> =
                entries.into_iter().chain(members.iter().copied().map(Ipv4Net::from)).collect();
            DraftWhitelist::Entries(all.into_iter().take(WHITELIST_ENTRIES).collect())
        }
        other => other,
    }
}

//! Rules of security groups.

use super::{TopologyBuilder, is_ipv6, parse_prefix};
use crate::check::limits::{DESCRIPTION_CHARACTERS, RULE_PRIORITIES};
use crate::import::calls;
use crate::import::draft::{DraftGroup, DraftPeer, DraftRule};
use crate::import::facts::RuleFacts;
use crate::import::inventory::AnswerKind;
use crate::import::report::printable;
use crate::net::{Ipv4Net, PortRange, Protocol};

/// The far sides that one rule names.
enum Peers {
    /// Addresses or a group of the topology; several where a prefix list has several entries.
    Known(Vec<DraftPeer>),
    /// It matches IPv6 alone, which no packet here is.
    Ipv6,
    /// Why it is not known what it matches.
    Unknown(String),
}

impl TopologyBuilder<'_> {
    /// Adds a rule to its group, or notes there why not.
    pub(super) fn rule(&mut self, id: &str, group: &mut DraftGroup, facts: &RuleFacts) {
        let egress = facts.egress == Some(true);
        let rule = match self.read_rule(id, group, facts) {
            Ok(Some(rule)) => rule,
            Ok(None) => {
                self.report.leave_out_by_design(id, "a rule for IPv6");
                return;
            }
            Err(why) => {
                group.unknown_rules += 1;
                let number = facts.id.as_deref().map_or(String::new(), |rule| format!(" {rule}"));
                group.left_out[usize::from(egress)].push(printable(&format!("left out: a rule{number}: {why}")));
                self.report.leave_out(id, format!("a rule{number}: {why}"));
                return;
            }
        };
        if egress { &mut group.egress } else { &mut group.ingress }.extend(rule);
    }

    /// The rules that one of the vendor's stands for; `None` where it is for IPv6.
    ///
    /// # Errors
    /// What it matches is not known.
    fn read_rule(&mut self, id: &str, group: &DraftGroup, facts: &RuleFacts) -> Result<Option<Vec<DraftRule>>, String> {
        let egress = facts.egress == Some(true);
        let silent = [("protocol", &facts.protocol), ("policy", &facts.policy), ("priority", &facts.priority)];
        for (name, _) in silent.into_iter().filter(|(_, value)| value.is_none()) {
            self.report.doubt(id, format!("a rule has no {name} in the dump; taken as the vendor's default"));
        }
        let written = facts.protocol.as_deref().unwrap_or("all").to_ascii_lowercase();
        let protocol = match written.as_str() {
            "icmpv6" | "ipv6-icmp" | "58" => return Ok(None),
            "all" | "-1" | "" => None,
            "igmp" => Some(Protocol(2)),
            other => Some(other.parse::<Protocol>().map_err(|_| format!("its protocol is {}", printable(other)))?),
        };
        let peers = match self.peers(id, group, facts) {
            Peers::Known(peers) => peers,
            Peers::Ipv6 => return Ok(None),
            Peers::Unknown(why) => return Err(why),
        };
        let own = if egress { &facts.source_cidr } else { &facts.destination_cidr };
        let own = match own.as_deref() {
            None => None,
            Some(text) if is_ipv6(text) => return Ok(None),
            Some(text) => Some(self.prefix(id, text).ok_or_else(|| format!("{text} is no prefix"))?),
        };
        if facts.port_list.is_some() {
            return Err("its ports are a port list, whose entries no answer holds".to_owned());
        }
        let accept = match facts.policy.as_deref().unwrap_or("accept").to_ascii_lowercase().as_str() {
            "accept" => true,
            "drop" | "reject" => false,
            other => return Err(format!("its policy is {}", printable(other))),
        };
        let ported = protocol.is_some_and(Protocol::has_ports);
        if ported && facts.port_range.is_none() {
            self.report.doubt(id, "a rule has no port range in the dump; taken as all ports");
        }
        let (priority, remark) = self.priority(id, facts);
        let rule = DraftRule {
            accept,
            priority,
            protocol,
            port_range: self.ports(id, facts.port_range.as_deref(), ported)?,
            source_port_range: self.ports(id, facts.source_port_range.as_deref(), ported)?,
            peer: DraftPeer::Cidr(Ipv4Net::default()),
            own,
            internet: group.vpc.is_none()
                && facts.nic_type.as_deref().is_some_and(|nic| nic.eq_ignore_ascii_case("internet")),
            description: facts.description.as_ref().map(|text| text.chars().take(DESCRIPTION_CHARACTERS).collect()),
            remark,
        };
        let list = if egress { &facts.destination_list } else { &facts.source_list };
        let rules = peers.into_iter().map(|peer| {
            let of_list = list.as_ref().map(|list| format!("of the prefix list {}", printable(list)));
            DraftRule { peer, remark: of_list.or_else(|| rule.remark.clone()), ..rule.clone() }
        });
        Ok(Some(rules.collect()))
    }

    fn peers(&mut self, id: &str, group: &DraftGroup, facts: &RuleFacts) -> Peers {
        let (cidr, peer, list, ipv6) = match facts.egress {
            Some(true) => {
                (&facts.destination_cidr, &facts.destination_group, &facts.destination_list, &facts.destination_ipv6)
            }
            _ => (&facts.source_cidr, &facts.source_group, &facts.source_list, &facts.source_ipv6),
        };
        if let Some(text) = cidr.as_deref() {
            return match self.prefix(id, text) {
                Some(net) => Peers::Known(vec![DraftPeer::Cidr(net)]),
                None if is_ipv6(text) => Peers::Ipv6,
                None => Peers::Unknown(format!("{} is no prefix", printable(text))),
            };
        }
        if let Some(peer) = peer {
            return match self.group_peer(id, group, peer, facts.group_account.as_deref()) {
                Ok(()) => Peers::Known(vec![DraftPeer::Group(peer.clone())]),
                Err(why) => Peers::Unknown(why),
            };
        }
        if let Some(list) = list {
            let entries = self.inventory.prefix_lists.get(list).and_then(|facts| facts.entries.as_ref());
            let Some(entries) = entries else {
                let region = group.region.as_deref();
                self.report.miss(
                    list,
                    "the entries of a prefix list that rules name",
                    Some(calls::call(AnswerKind::PrefixLists, region, Some(list))),
                );
                return Peers::Unknown(format!("the entries of the prefix list {list} are not in the dump"));
            };
            let nets: Vec<_> =
                entries.iter().filter_map(|text| parse_prefix(text)).map(|net| DraftPeer::Cidr(net.trunc())).collect();
            return if nets.is_empty() { Peers::Ipv6 } else { Peers::Known(nets) };
        }
        if ipv6.is_some() { Peers::Ipv6 } else { Peers::Unknown("it names neither addresses nor a group".to_owned()) }
    }

    /// Whether a rule of a group may name another one.
    fn group_peer(&self, id: &str, group: &DraftGroup, peer: &str, account: Option<&str>) -> Result<(), String> {
        if peer == id {
            return Err("it names its own group, which no call accepts: the inner access policy decides".to_owned());
        }
        let Some(other) = self.draft.groups.get(peer) else {
            let of = account.map_or(String::new(), |account| format!(" of account {account}"));
            return Err(format!("the members of {peer}{of} are not in the dump"));
        };
        if group.enterprise {
            return Err(format!("it names {peer}, and rules of enterprise groups name addresses only"));
        }
        match (&group.vpc, &other.vpc) {
            (Some(one), Some(two)) if one != two => Err(format!("{peer} is in another VPC, {two}")),
            _ => Ok(()),
        }
    }

    fn ports(&mut self, id: &str, text: Option<&str>, ported: bool) -> Result<PortRange, String> {
        let Some(text) = text else { return Ok(PortRange::ALL) };
        if ported {
            return text.parse().map_err(|_| format!("its port range is {}", printable(text)));
        }
        // Some answers give every protocol ports from 1 to 65535.
        if !["-1/-1", "-1", "1/65535", "0/65535", "0/0", "-1/0"].contains(&text) {
            self.report.doubt(id, "a rule has ports and a protocol without ports; the ports are passed over");
        }
        Ok(PortRange::ALL)
    }

    /// A priority that a topology takes; those beyond 100 are of rules that the vendor made.
    fn priority(&mut self, id: &str, facts: &RuleFacts) -> (u8, Option<String>) {
        let Some(text) = facts.priority.as_deref() else { return (1, None) };
        match text.parse::<u8>() {
            Ok(priority) if RULE_PRIORITIES.contains(&priority) => {
                let is_vendors = priority > 100;
                (priority, is_vendors.then(|| "beyond 100: made by the vendor".to_owned()))
            }
            _ => {
                self.report.doubt(id, "a rule has a priority that is none; taken as 1");
                (1, None)
            }
        }
    }
}

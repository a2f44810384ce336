//! The topology as it will be written: checked values, ids still as texts.

use super::report::printable;
use crate::model::About;
use crate::net::{Ipv4Net, MacAddress, PortRange, Protocol};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// A topology to be written, sorted by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TopologyDraft {
    pub(super) region: Option<String>,
    pub(super) account: Option<String>,
    pub(super) vpcs: BTreeMap<String, DraftVpc>,
    pub(super) vswitches: BTreeMap<String, DraftVswitch>,
    pub(super) route_tables: BTreeMap<String, DraftTable>,
    pub(super) peerings: BTreeMap<String, DraftPeering>,
    pub(super) gateways: BTreeMap<String, DraftGateway>,
    pub(super) groups: BTreeMap<String, DraftGroup>,
    pub(super) instances: BTreeMap<String, DraftInstance>,
    pub(super) services: BTreeMap<String, DraftService>,
}

/// What people read beside an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Remarks {
    pub(super) about: About,
    pub(super) lines: Vec<String>,
}

/// The remarks on an object, which begin with what its facts say.
macro_rules! remarks_on {
    ($facts:expr) => {
        crate::import::draft::Remarks::of(crate::model::About {
            name: $facts.name.clone(),
            description: $facts.description.clone(),
            tags: $facts.tags.clone().unwrap_or_default(),
        })
    };
}
pub(super) use remarks_on;

impl Remarks {
    /// What a topology is too small for is cut, and a remark says so.
    pub(super) fn of(mut about: About) -> Remarks {
        let mut remarks = Remarks::default();
        let too_many = about.tags.len().saturating_sub(About::MAX_TAGS);
        if too_many > 0 {
            about.tags.truncate(About::MAX_TAGS);
            remarks.add(format!("{too_many} more tags are left out"));
        }
        let of_tags = about.tags.iter_mut().flat_map(|(key, value)| [key, value]);
        for text in about.name.iter_mut().chain(&mut about.description).chain(of_tags) {
            if shorten(text) {
                remarks.add(format!("a text of more than {} characters is cut", About::MAX_CHARACTERS));
            }
        }
        // Keys that were cut may have become one.
        about.tags.dedup_by(|one, other| one.0 == other.0);
        remarks.about = about;
        remarks
    }

    pub(super) fn add(&mut self, line: impl AsRef<str>) {
        self.lines.push(printable(line.as_ref()));
    }
}

/// Cuts a text that is longer than topologies take; true where it was.
fn shorten(text: &mut String) -> bool {
    let end = text.char_indices().nth(About::MAX_CHARACTERS).map(|(end, _)| end);
    end.inspect(|end| text.truncate(*end)).is_some()
}

/// Custom entries of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DraftRoutes {
    pub(super) entries: Vec<DraftRoute>,
    /// What was left out, as comments.
    pub(super) left_out: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DraftRoute {
    pub(super) destination: Ipv4Net,
    pub(super) next_hop: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DraftVpc {
    pub(super) remarks: Remarks,
    pub(super) cidr: Ipv4Net,
    pub(super) secondary_cidrs: Vec<Ipv4Net>,
    pub(super) classic_link: bool,
    pub(super) routes: DraftRoutes,
    pub(super) region: Option<String>,
    pub(super) account: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DraftVswitch {
    pub(super) remarks: Remarks,
    pub(super) vpc: String,
    pub(super) cidr: Ipv4Net,
    pub(super) zone: Option<String>,
    pub(super) route_table: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DraftTable {
    pub(super) remarks: Remarks,
    pub(super) vpc: String,
    pub(super) routes: DraftRoutes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DraftPeering {
    pub(super) remarks: Remarks,
    pub(super) vpcs: [String; 2],
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DraftGateway {
    pub(super) remarks: Remarks,
    pub(super) vpc: String,
    pub(super) kind: String,
    pub(super) remote_cidrs: BTreeSet<Ipv4Net>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DraftGroup {
    pub(super) remarks: Remarks,
    /// `None` for a classic group.
    pub(super) vpc: Option<String>,
    pub(super) enterprise: bool,
    /// The inner access policy, where it is not that of the kind: true to accept.
    pub(super) intra_group: Option<bool>,
    pub(super) ingress: Vec<DraftRule>,
    pub(super) egress: Vec<DraftRule>,
    /// Why the rules are not known, where they are not.
    pub(super) rules_unknown: Option<String>,
    /// How many rules there are beside those written that may match IPv4 packets.
    pub(super) unknown_rules: usize,
    /// Rules left out, as comments: those for what members receive, then those for what they send.
    pub(super) left_out: [Vec<String>; 2],
    pub(super) region: Option<String>,
    pub(super) account: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DraftRule {
    pub(super) accept: bool,
    pub(super) priority: u8,
    pub(super) protocol: Option<Protocol>,
    pub(super) port_range: PortRange,
    pub(super) source_port_range: PortRange,
    pub(super) peer: DraftPeer,
    pub(super) own: Option<Ipv4Net>,
    pub(super) internet: bool,
    pub(super) description: Option<String>,
    /// Where it comes from, where that is not plain.
    pub(super) remark: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DraftPeer {
    Cidr(Ipv4Net),
    Group(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DraftInstance {
    pub(super) remarks: Remarks,
    /// `None` for a classic instance.
    pub(super) vswitch: Option<String>,
    pub(super) private_ip: Ipv4Addr,
    pub(super) groups: Vec<String>,
    pub(super) state: &'static str,
    pub(super) linked_vpc: Option<String>,
    pub(super) forwarding: bool,
    pub(super) public_ip: Option<Ipv4Addr>,
    pub(super) mac: Option<MacAddress>,
    pub(super) bandwidth: Option<u64>,
    pub(super) region: Option<String>,
    pub(super) account: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DraftService {
    pub(super) remarks: Remarks,
    pub(super) kind: &'static str,
    /// `None` for an address of the classic network.
    pub(super) vswitch: Option<String>,
    pub(super) ip: Ipv4Addr,
    pub(super) whitelist: DraftWhitelist,
    pub(super) region: Option<String>,
    pub(super) account: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DraftWhitelist {
    /// The service has none.
    None,
    Entries(Vec<Ipv4Net>),
    /// Why it is not known.
    Unknown(String),
}

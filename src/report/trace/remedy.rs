//! What would take a blocker out of the way: in this case where there is something to type, else as its page says.

use super::concern::{Case, Detail};
use super::explain::later_rule;
use crate::datapath::{DropLocation, MatchedRule, Step};
use crate::diag::{Reason, Span, and_list};
use crate::net::{Ipv4Net, ranges};
use crate::program::{AclId, DomainId, EndpointId, EndpointKind, RuleId, WhitelistId};
use crate::table::acl::{Effect, Query};
use std::net::Ipv4Addr;

/// What to do about a blocker, and what that comes to.
pub(super) struct Remedy {
    /// In words, with the place of what to change; `None` for changes of the topology, which are put into words where its
    /// world is known.
    pub(super) told: Option<Detail>,
    pub(super) fix: Fix,
}

/// What a remedy comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Fix {
    /// Changes of the topology, which can be tried.
    Change(Vec<TopologyChange>),
    /// Something else that may take the blocker away: another packet, or a change that no operation makes.
    Untried,
    /// Nothing takes the blocker away while packet and addresses are what they are.
    Never,
}

/// A change of the topology, in ids.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TopologyChange {
    /// ClassicLink is enabled for a VPC.
    Enable(DomainId),
    /// An instance is started.
    Start(EndpointId),
    /// A classic instance is linked to a VPC, and to no other.
    Link(EndpointId, DomainId),
    /// A guest sends a range to its private NIC.
    GuestRoute(EndpointId, Ipv4Net),
    /// A rule of a security group is taken out.
    TakeOut(RuleId),
    /// The first group of a list accepts what a query asks about, in its ingress or egress rules.
    Accept {
        /// The merged rules of the groups.
        groups: AclId,
        /// The direction.
        ingress: bool,
        /// The query.
        query: Query,
    },
    /// A whitelist takes an address.
    Admit(WhitelistId, Ipv4Addr),
}

/// What to do about the blocker of `case`; `None` where its page has nothing to say for the case. `steps` are all that
/// were taken, before the refusal and behind it.
pub(super) fn remedy(case: Case<'_>, steps: &[Step]) -> Option<Remedy> {
    let reason = case.blocker.reason;
    if let Some(changes) = changes(case, steps) {
        return Some(Remedy { told: None, fix: Fix::Change(changes) });
    }
    let told = match of_addresses(case) {
        Some(told) => told?,
        None => of_this_case(case, steps).unwrap_or_else(|| (as_clause(reason.record().remedy), Span::NONE)),
    };
    Some(Remedy { told: Some(told), fix: untried(reason) })
}

/// What the remedy of a reason comes to where it is no change that could be tried.
fn untried(reason: Reason) -> Fix {
    match reason {
        Reason::NoRoute
        | Reason::NoSuchAddress
        | Reason::OtherRegion
        | Reason::Broadcast
        | Reason::PeeringNoTransit
        | Reason::ClassiclinkNoTransit
        | Reason::ClassiclinkTargetNotEcs
        | Reason::ClassiclinkGatewayRange
        | Reason::ClassiclinkSecondaryCidr
        | Reason::ClassiclinkRangeNotLinkable
        | Reason::ClassiclinkVswitchOutside10111 => Fix::Never,
        _ => Fix::Untried,
    }
}

/// A sentence as one of several lines: without its capital and its full stop.
fn as_clause(sentence: &str) -> String {
    let mut letters = sentence.trim_end_matches('.').chars();
    let first = letters.next().into_iter();
    let is_name = letters.clone().next().is_some_and(char::is_uppercase);
    let first = first.map(|letter| if is_name { letter } else { letter.to_ascii_lowercase() });
    first.chain(letters).collect()
}

/// The changes of the topology that take the blocker away.
fn changes(case: Case<'_>, steps: &[Step]) -> Option<Vec<TopologyChange>> {
    let Case { blocker, .. } = case;
    let packet = case.packet?;
    let change = match blocker.reason {
        Reason::InstanceStopped => {
            let DropLocation::Endpoint(id) = blocker.at else { return None };
            TopologyChange::Start(id)
        }
        Reason::NextHopDown => TopologyChange::Start(case.next_hop()?),
        Reason::GuestRoutePublicNic => {
            let range = ranges::LINKABLE.into_iter().find(|range| range.contains(&packet.destination))?;
            TopologyChange::GuestRoute(case.sender?, range)
        }
        Reason::SgEgressDeny | Reason::SgIngressDeny => return of_groups(case, steps),
        Reason::WhitelistDeny => {
            let MatchedRule::Whitelist(id) = blocker.decider else { return None };
            TopologyChange::Admit(id, packet.source)
        }
        Reason::ClassiclinkDisabled => TopologyChange::Enable(case.vpc()?.0),
        Reason::ClassiclinkNotLinked => TopologyChange::Link(case.sender?, case.entered?),
        Reason::ClassiclinkTargetNotLinked => TopologyChange::Link(case.target()?, case.vpc()?.0),
        Reason::NoRoute => {
            let (sender, owner) = case.linked_elsewhere()?;
            TopologyChange::Link(sender, owner)
        }
        _ => return None,
    };
    Some(vec![change])
}

/// What to do where no endpoint is where the packet was sent; `Some(None)` where nothing that could be done is known.
fn of_addresses(case: Case<'_>) -> Option<Option<Detail>> {
    let Case { words, blocker, .. } = case;
    let destination = case.packet?.destination;
    if !matches!(blocker.reason, Reason::NoRoute | Reason::NoSuchAddress) {
        return None;
    }
    let DropLocation::Domain(domain) = blocker.at else { return None };
    let in_vpc = words.program.vpc(domain).is_some();
    let elsewhere = case.owners_elsewhere();
    let Some(owner) = elsewhere.first().copied() else {
        return Some(match (blocker.reason, in_vpc) {
            (Reason::NoRoute, true) => {
                let vpc = words.domain(domain);
                let text = format!("add a vSwitch of {vpc} that holds {destination}, or a route to it");
                Some((text, case.domain_place(domain)))
            }
            (Reason::NoRoute, false) => None,
            _ => Some((
                format!("give {destination} to an instance or service, or send to an address that somebody has"),
                Span::NONE,
            )),
        });
    };
    let names = case.sender.map(|sender| [words.endpoint(sender), words.endpoint(owner)]);
    let shadowed = in_vpc && words.program.endpoint(owner).link == Some(domain);
    Some(match names {
        _ if shadowed => {
            let text = format!(
                "move what must talk to {} into a VPC without a vSwitch or route around {destination}",
                words.endpoint(owner)
            );
            Some((text, case.place(owner)))
        }
        Some([from, to]) => {
            let file = words.place(case.place(owner)).map_or("TOPOLOGY", |place| place.file);
            Some((format!("`biplane advise {file} --from {from} --to {to}` tells what joins the two"), Span::NONE))
        }
        None => None,
    })
}

fn of_this_case(case: Case<'_>, steps: &[Step]) -> Option<Detail> {
    let Case { words, blocker, .. } = case;
    let packet = case.packet?;
    let unplaced = |text: String| Some((text, Span::NONE));
    match blocker.reason {
        Reason::AmbiguousSource if !ranges::CLOUD_SERVICES.contains(&packet.source) => {
            let candidates = words.program.candidates(packet.source).into_iter();
            let choices: Vec<String> = candidates.map(|id| format!("`--from {}`", words.endpoint(id))).collect();
            unplaced(format!("name the sender: {}", choices.join(" or ")))
        }
        Reason::UnknownSource if !ranges::CLOUD_SERVICES.contains(&packet.source) => {
            unplaced(format!("declare who has {}, or name the sender: `--from ID`", packet.source))
        }
        Reason::SourceSpoofed => match blocker.at {
            DropLocation::Endpoint(id) if words.program.endpoint(id).kind != EndpointKind::Gateway => {
                unplaced(format!("send from {}", words.program.endpoint(id).address))
            }
            DropLocation::Domain(id) => {
                let primary = words.program.vpc(id)?.primary;
                unplaced(format!("send from an address of {primary}, the primary CIDR of {}", words.domain(id)))
            }
            _ => None,
        },
        Reason::NextHopNotForwarding => {
            let id = case.next_hop()?;
            let name = words.endpoint(id);
            Some((format!("let {name} forward: `forwarding = true`, or lead the route elsewhere"), case.place(id)))
        }
        Reason::UnknownConfiguration => missing_configuration(case),
        Reason::ClassiclinkNotLinked => not_linked(case),
        Reason::TtlExceeded => {
            let crosses = steps.iter().any(|step| matches!(step, Step::Bridge { .. }));
            unplaced(format!("send it with a TTL of {} or more", if crosses { 3 } else { 2 }))
        }
        Reason::MtuExceeded => Some((
            format!("send packets of at most {} bytes, or clear DF so that they may be fragmented", words.mtu()),
            words.places.mtu,
        )),
        _ => None,
    }
}

/// The call of the vendor's API that gives what the topology does not hold.
fn missing_configuration(case: Case<'_>) -> Option<Detail> {
    let Case { words, blocker, .. } = case;
    match blocker.decider {
        MatchedRule::Rule(id) => {
            let name = &words.names.rules[id.index()];
            let group = name.text.split(' ').next().unwrap_or_default();
            let text =
                format!("write the rules of {group} and remove this key; DescribeSecurityGroupAttribute gives them");
            Some((text, name.span))
        }
        MatchedRule::Whitelist(id) => {
            let name = &words.names.whitelists[id.index()];
            let text = format!(
                "write the whitelist of {} and remove this key; DescribeDBInstanceIPArrayList gives that of an RDS instance, \
                 DescribeSecurityIps that of Redis and MongoDB",
                name.text
            );
            Some((text, name.span))
        }
        _ => Some(("trace the first packet of the flow: what decides about it is not known".to_owned(), Span::NONE)),
    }
}

/// The VPC to link an instance to, where it is not known which one is meant.
fn not_linked(case: Case<'_>) -> Option<Detail> {
    let words = case.words;
    let sender = case.sender?;
    let name = words.endpoint(sender);
    let destination = case.packet?.destination;
    let ids = (0..words.program.domains.len()).map(DomainId::from_index);
    let holding = ids.filter(|id| words.program.vpc(*id).is_some_and(|vpc| vpc.primary.contains(&destination)));
    let names: Vec<String> = holding.map(|id| words.domain(id).to_owned()).collect();
    let text = match &names[..] {
        [] => format!("no VPC has {destination}: declare the one that does, and link {name} to it"),
        _ => format!("link {name} to the one VPC that is meant, {} have {destination}", and_list(&names)),
    };
    Some((text, case.place(sender)))
}

/// Lets the groups of the blocker accept the packet: takes the rule out that drops it, and adds one unless another one
/// accepts it then.
fn of_groups(case: Case<'_>, steps: &[Step]) -> Option<Vec<TopologyChange>> {
    let Case { words, blocker, .. } = case;
    let ingress = blocker.reason == Reason::SgIngressDeny;
    let (acl, query) = steps.iter().find_map(|step| match step {
        Step::Groups { acl, ingress: direction, query, .. } if *direction == ingress => Some((*acl, *query)),
        _ => None,
    })?;
    let accept = TopologyChange::Accept { groups: acl, ingress, query };
    let MatchedRule::Rule(id) = blocker.decider else { return Some(vec![accept]) };
    let accepted_without =
        words.program.acl(acl).default_effect() == Effect::Accept || later_rule(words, acl, &query).is_some();
    let changes = [Some(TopologyChange::TakeOut(id)), (!accepted_without).then_some(accept)];
    Some(changes.into_iter().flatten().collect())
}

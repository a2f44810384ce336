//! What would take a blocker out of the way: in this case where there is something to type, else as its page says.

use super::concern::{Case, Concern};
use super::explain::listed;
use crate::datapath::{At, Decider, Step};
use crate::diag::{Reason, Span};
use crate::explain;
use crate::net::{Protocol, ranges};
use crate::program::{AclId, EndpointKind};
use crate::table::acl::Query;

/// What to do, and the place of what to change. `steps` are all that were taken, before the refusal and behind it.
pub(super) fn remedy(case: Case<'_>, steps: &[Step]) -> Concern {
    of_this_case(case, steps).unwrap_or_else(|| {
        let page = explain::page(case.blocker.reason.id());
        (page.map_or_else(String::new, |page| as_clause(page.remedy)), Span::NONE)
    })
}

/// A sentence as one of several lines: without its capital and its full stop.
fn as_clause(sentence: &str) -> String {
    let mut letters = sentence.trim_end_matches('.').chars();
    let first = letters.next().into_iter();
    let is_name = letters.clone().next().is_some_and(char::is_uppercase);
    let first = first.map(|letter| if is_name { letter } else { letter.to_ascii_lowercase() });
    first.chain(letters).collect()
}

fn of_this_case(case: Case<'_>, steps: &[Step]) -> Option<Concern> {
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
        Reason::InstanceStopped => match blocker.at {
            At::Endpoint(id) => Some((format!("start {}: `state = \"running\"`", words.endpoint(id)), case.place(id))),
            _ => None,
        },
        Reason::SourceSpoofed => match blocker.at {
            At::Endpoint(id) if words.program.endpoint(id).kind != EndpointKind::Gateway => {
                unplaced(format!("send from {}", words.program.endpoint(id).address))
            }
            At::Domain(id) => {
                let primary = words.program.vpc(id)?.primary;
                unplaced(format!("send from an address of {primary}, the primary CIDR of {}", words.domain(id)))
            }
            _ => None,
        },
        Reason::NextHopDown => {
            let id = case.next_hop()?;
            Some((format!("start {}, or lead the route elsewhere", words.endpoint(id)), case.place(id)))
        }
        Reason::NextHopNotForwarding => {
            let id = case.next_hop()?;
            let name = words.endpoint(id);
            Some((format!("let {name} forward: `forwarding = true`, or lead the route elsewhere"), case.place(id)))
        }
        Reason::GuestRoutePublicNic => {
            let sender = case.sender?;
            let name = words.endpoint(sender);
            let range = ranges::LINKABLE.into_iter().find(|range| range.contains(&packet.destination))?;
            let text = format!(
                "add `guest_routes = [\"{range}\"]` to {name}; `biplane guest-route` prints the commands to run on it"
            );
            Some((text, case.place(sender)))
        }
        Reason::SgEgressDeny | Reason::SgIngressDeny => of_groups(case, steps),
        Reason::WhitelistDeny => {
            let Decider::Whitelist(id) = blocker.decider else { return None };
            let name = &words.names.whitelists[id.index()];
            Some((format!("add \"{}\" to the whitelist of {}", packet.source, name.text), name.span))
        }
        Reason::NoRoute => {
            let At::Domain(id) = blocker.at else { return None };
            words.program.vpc(id)?;
            let (destination, vpc) = (packet.destination, words.domain(id));
            let text = format!("add a vSwitch of {vpc} that holds {destination}, or a route to it");
            Some((text, case.domain_place(id)))
        }
        Reason::NoSuchAddress => unplaced(format!(
            "give {} to an instance or service, or send to an address that somebody has",
            packet.destination
        )),
        Reason::ClassiclinkDisabled => {
            let id = case.vpc().map(|(id, _)| id)?;
            Some((format!("set `classic_link = true` for {}", words.domain(id)), case.domain_place(id)))
        }
        Reason::ClassiclinkNotLinked => not_linked(case),
        Reason::ClassiclinkTargetNotLinked => {
            let (id, _) = case.vpc()?;
            let target = case.target()?;
            let (name, vpc) = (words.endpoint(target), words.domain(id));
            let first = match words.program.endpoint(target).link {
                Some(other) => format!("detach {name} from {} first, then link it", words.domain(other)),
                None => format!("link {name}"),
            };
            Some((format!("{first}: `linked_vpc = \"{vpc}\"`"), case.place(target)))
        }
        Reason::TtlExceeded => {
            let crosses = steps.iter().any(|step| matches!(step, Step::Bridge { .. }));
            unplaced(format!("send it with a TTL of {} or more", if crosses { 3 } else { 2 }))
        }
        Reason::MtuExceeded => unplaced("send shorter packets, or clear DF so that they may be fragmented".to_owned()),
        _ => None,
    }
}

fn not_linked(case: Case<'_>) -> Option<Concern> {
    let words = case.words;
    let sender = case.sender?;
    let name = words.endpoint(sender);
    let text = if let Some(vpc) = case.entered {
        let vpc = words.domain(vpc);
        let file = words.place(case.place(sender)).map_or("TOPOLOGY", |place| place.file);
        format!(
            "link {name}: `linked_vpc = \"{vpc}\"`; `biplane check {file} --link {name}={vpc}` tells whether it can be"
        )
    } else {
        let destination = case.packet?.destination;
        let ids = (0..words.program.domains.len()).map(crate::program::DomainId::from_index);
        let holding = ids.filter(|id| words.program.vpc(*id).is_some_and(|vpc| vpc.primary.contains(&destination)));
        let names: Vec<String> = holding.map(|id| words.domain(id).to_owned()).collect();
        match &names[..] {
            [] => format!("no VPC has {destination}: declare the one that does, and link {name} to it"),
            _ => format!("link {name} to the one VPC that is meant, {} have {destination}", listed(&names)),
        }
    };
    Some((text, case.place(sender)))
}

fn of_groups(case: Case<'_>, steps: &[Step]) -> Option<Concern> {
    let Case { words, blocker, .. } = case;
    let ingress = blocker.reason == Reason::SgIngressDeny;
    match blocker.decider {
        Decider::Rule(id) => {
            let name = &words.names.rules[id.index()];
            Some((format!("take {} out or narrow it: it drops this packet", name.text), name.span))
        }
        Decider::GroupDefault(id) => {
            let query = steps.iter().find_map(|step| match step {
                Step::Groups { acl, ingress: direction, query, .. } if *acl == id && *direction == ingress => {
                    Some(query)
                }
                _ => None,
            })?;
            Some(admitting_rule(case, id, ingress, query))
        }
        _ => None,
    }
}

/// The rule that lets in exactly what was refused, for the first of the groups.
fn admitting_rule(case: Case<'_>, acl: AclId, ingress: bool, query: &Query) -> Concern {
    let groups = &case.words.names.acls[acl.index()];
    let group = groups.text.split(" + ").next().unwrap_or_default();
    let (list, peer) = if ingress { ("ingress", "source") } else { ("egress", "destination") };
    let protocol = match query.protocol {
        protocol @ (Protocol::TCP | Protocol::UDP | Protocol::ICMP | Protocol::GRE) => protocol.to_string(),
        Protocol(number) => number.to_string(),
    };
    let ports = match query.destination_port {
        port if query.protocol.has_ports() => format!(", port_range = \"{port}\""),
        _ => String::new(),
    };
    let rule = format!("{{ protocol = \"{protocol}\"{ports}, {peer} = \"{}\" }}", query.peer);
    (format!("add {rule} to `{list}` of {group}"), groups.span)
}

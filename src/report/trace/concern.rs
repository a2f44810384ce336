//! What a refusal is about in this packet's case: the endpoint, link or VPC concerned, and where it stands.

use crate::datapath::{Blocker, Crossing, DropLocation, MatchedRule, Step};
use crate::diag::{Reason, Span, and_list};
use crate::net::ranges;
use crate::program::{Action, DomainId, EndpointId, EndpointKind, Owner, Vpc};
use crate::report::words::Resolver;
use crate::wire::Ipv4;
use std::net::Ipv4Addr;

/// A packet, its sender, and what refused it.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) words: Resolver<'a>,
    pub(super) sender: Option<EndpointId>,
    pub(super) packet: Option<Ipv4>,
    /// The VPC that the packet enters over a link, had or assumed.
    pub(super) entered: Option<DomainId>,
    pub(super) blocker: Blocker,
}

/// The VPC that `steps` enter from the classic network.
pub(super) fn entered(steps: &[Step]) -> Option<DomainId> {
    steps.iter().find_map(|step| match step {
        Step::Bridge { to, by: Crossing::Link(_) | Crossing::MissingLink(_), .. } => Some(*to),
        _ => None,
    })
}

/// What is to be said, and the place of what it is about.
pub(super) type Detail = (String, Span);

impl<'a> Case<'a> {
    /// The reason with the names and values of this case, where they say more; and the place of what is concerned, where
    /// that is not the rule or route that decided.
    pub(super) fn concern(self) -> Option<Detail> {
        let Ipv4 { source, destination, ttl, total_length, .. } = self.packet?;
        let words = self.words;
        let from_services = ranges::CLOUD_SERVICES.contains(&source);
        let unplaced = |text: String| Some((text, Span::NONE));
        match self.blocker.reason {
            Reason::AmbiguousSource if from_services => {
                unplaced(format!("several endpoints own its destination {destination}"))
            }
            Reason::AmbiguousSource => {
                let candidates = words.program.candidates(source).into_iter();
                let names: Vec<String> = candidates.map(|id| words.endpoint(id).to_owned()).collect();
                unplaced(format!("{} may send from {source}", and_list(&names)))
            }
            Reason::UnknownSource if from_services => {
                unplaced(format!("no endpoint owns its destination {destination}"))
            }
            Reason::UnknownSource => unplaced(format!("no endpoint may send from {source}")),
            Reason::NoSuchAddress | Reason::NoRoute => self.absent(destination),
            Reason::TtlExceeded => unplaced(format!("{ttl} would reach 0")),
            Reason::MtuExceeded => {
                let mtu = words.mtu();
                let text = format!("{total_length} bytes are longer than the MTU of {mtu}, and DF is set");
                Some((text, words.places.mtu))
            }
            Reason::InstanceStopped => match self.blocker.at {
                DropLocation::Endpoint(id) => Some((format!("{} is stopped", words.endpoint(id)), self.place(id))),
                _ => None,
            },
            Reason::SourceSpoofed => self.spoofed(source),
            Reason::NextHopDown | Reason::NextHopNotForwarding | Reason::NextHopIsSender => {
                let next_hop = self.next_hop()?;
                let name = words.endpoint(next_hop);
                let text = match self.blocker.reason {
                    Reason::NextHopDown => format!("the next hop {name} is stopped"),
                    Reason::NextHopNotForwarding => format!("the next hop {name} does not forward"),
                    _ => format!("the next hop is {name}, the sender itself"),
                };
                Some((text, self.place(next_hop)))
            }
            _ => self.of_classiclink(),
        }
    }

    /// No endpoint has the destination where the packet was sent; one elsewhere may.
    fn absent(self, destination: Ipv4Addr) -> Option<Detail> {
        let words = self.words;
        let DropLocation::Domain(domain) = self.blocker.at else { return None };
        let elsewhere = self.owners_elsewhere();
        if elsewhere.is_empty() {
            let nobody = self.blocker.reason == Reason::NoSuchAddress;
            return nobody.then(|| (format!("no endpoint has {destination}"), Span::NONE));
        }
        let owners: Vec<String> = elsewhere.iter().map(|id| self.at_home(*id)).collect();
        let has = format!("{destination} is {}", and_list(&owners));
        let linked = self.sender.and_then(|sender| words.program.endpoint(sender).link);
        Some(match (linked, self.sender) {
            (Some(vpc), Some(sender)) if words.program.vpc(domain).is_none() => {
                (format!("{has}, and {} is linked to {}", words.endpoint(sender), words.domain(vpc)), words.places.link)
            }
            _ => (format!("{has}, and no endpoint in {} has it", words.domain(domain)), self.place(elsewhere[0])),
        })
    }

    /// `i-b of vpc-b`.
    fn at_home(self, id: EndpointId) -> String {
        let endpoint = self.words.program.endpoint(id);
        match self.words.program.vpc(endpoint.domain) {
            Some(_) => format!("{} of {}", self.words.endpoint(id), self.words.domain(endpoint.domain)),
            None => format!("{} of the classic network", self.words.endpoint(id)),
        }
    }

    /// The owners of the destination outside the domain that refused the packet.
    pub(super) fn owners_elsewhere(self) -> Vec<EndpointId> {
        let program = self.words.program;
        let (DropLocation::Domain(domain), Some(packet)) = (self.blocker.at, self.packet) else { return Vec::new() };
        let destination = packet.destination;
        let mut owners: Vec<EndpointId> = match program.owners.get(&destination) {
            None => Vec::new(),
            Some(Owner::One(id)) => vec![*id],
            Some(Owner::Several) => {
                let ids = (0..program.domains.len()).map(DomainId::from_index);
                ids.filter_map(|id| program.host(id, destination)).collect()
            }
        };
        owners.retain(|id| program.endpoint(*id).domain != domain);
        owners
    }

    /// A linked sender, and the only other VPC of its region that has the destination.
    pub(super) fn linked_elsewhere(self) -> Option<(EndpointId, DomainId)> {
        let program = self.words.program;
        let sender = self.sender?;
        let (linked, own) = (program.endpoint(sender).link?, program.endpoint(sender).domain);
        let homes = self.owners_elsewhere().into_iter().map(|id| program.endpoint(id).domain);
        let reachable = |id: &DomainId| *id != linked && program.vpc(*id).is_some_and(|vpc| vpc.classic == own);
        let mut homes = homes.filter(reachable);
        let home = homes.next()?;
        homes.next().is_none().then_some((sender, home))
    }

    fn spoofed(self, source: Ipv4Addr) -> Option<Detail> {
        let words = self.words;
        match self.blocker.at {
            DropLocation::Domain(vpc) => {
                Some((format!("{source} lies in no CIDR of {}", words.domain(vpc)), self.domain_place(vpc)))
            }
            DropLocation::Endpoint(id) => {
                let (name, endpoint) = (words.endpoint(id), words.program.endpoint(id));
                let text = match endpoint.kind {
                    EndpointKind::Gateway => format!("{source} lies in no remote CIDR of {name}"),
                    EndpointKind::CloudServices => format!("{source} lies outside {}", ranges::CLOUD_SERVICES),
                    _ => format!("{source} is not the address of {name}, which is {}", endpoint.address),
                };
                Some((text, self.place(id)))
            }
            DropLocation::Outside => None,
        }
    }

    fn of_classiclink(self) -> Option<Detail> {
        let words = self.words;
        let sender = self.sender?;
        let name = words.endpoint(sender);
        match self.blocker.reason {
            Reason::ClassiclinkDisabled => {
                let (id, _) = self.vpc()?;
                Some((format!("ClassicLink is off in {}", words.domain(id)), self.domain_place(id)))
            }
            Reason::ClassiclinkNotLinked => Some((format!("{name} is linked to no VPC"), self.place(sender))),
            Reason::ClassiclinkSourceNotEcs => {
                let text = format!("{name} is no ECS instance, and only those open sessions across the link");
                Some((text, self.place(sender)))
            }
            Reason::ClassiclinkTargetNotEcs => {
                let target = self.target()?;
                let text = format!("{} is a managed service of the classic network", words.endpoint(target));
                Some((text, self.place(target)))
            }
            Reason::ClassiclinkTargetNotLinked => {
                let target = self.target()?;
                let text = match words.program.endpoint(target).link {
                    Some(other) => {
                        let (id, _) = self.vpc()?;
                        let (target, other) = (words.endpoint(target), words.domain(other));
                        format!("{target} is linked to {other}, not to {}", words.domain(id))
                    }
                    None => format!("{} is linked to no VPC", words.endpoint(target)),
                };
                Some((text, self.place(target)))
            }
            Reason::ClassiclinkGatewayRange => {
                let (id, vpc) = self.vpc()?;
                let source = self.packet?.source;
                let range = words.program.remote_prefix(sender, source)?;
                let (primary, vpc) = (vpc.primary, words.domain(id));
                let text = format!("{range} behind {name} is not inside {primary}, the primary CIDR of {vpc}");
                Some((text, self.place(sender)))
            }
            Reason::ClassiclinkSecondaryCidr
            | Reason::ClassiclinkRangeNotLinkable
            | Reason::ClassiclinkVswitchOutside10111 => self.out_of_range(),
            _ => None,
        }
    }

    /// The end of the packet that lies in the VPC is out of ClassicLink's reach.
    fn out_of_range(self) -> Option<Detail> {
        let words = self.words;
        let (id, vpc) = self.vpc()?;
        let packet = self.packet?;
        let outward = words.program.vpc(words.program.endpoint(self.sender?).domain).is_none();
        let address = if outward { packet.destination } else { packet.source };
        let name = words.domain(id);
        let vswitch = words.program.route(vpc.local, address).map(|(route, _)| &words.names.routes[route.index()]);
        let place = vswitch.map_or_else(|| self.domain_place(id), |vswitch| vswitch.span);
        let text = match (self.blocker.reason, vswitch) {
            (Reason::ClassiclinkSecondaryCidr, _) => {
                let primary = vpc.primary;
                format!("{address} lies in a secondary CIDR of {name}, and only {primary}, the primary one, takes part")
            }
            (Reason::ClassiclinkVswitchOutside10111, Some(vswitch)) => {
                format!("{} lies outside {}, all that ClassicLink reaches of {name}", vswitch.text, ranges::CARVE_OUT)
            }
            (Reason::ClassiclinkVswitchOutside10111, None) => {
                format!("{address} lies outside {}, all that ClassicLink reaches of {name}", ranges::CARVE_OUT)
            }
            _ => {
                let [a, b, c] = ranges::LINKABLE;
                format!("{address} of {name} lies outside {a}, {b} and {c}")
            }
        };
        Some((text, place))
    }

    /// The VPC that ClassicLink joins in this case.
    pub(super) fn vpc(self) -> Option<(DomainId, &'a Vpc)> {
        let program = self.words.program;
        let sender = program.endpoint(self.sender?);
        let id = match self.blocker.at {
            DropLocation::Domain(id) if program.vpc(id).is_some() => id,
            _ => sender.link.or(self.entered)?,
        };
        Some((id, program.vpc(id)?))
    }

    /// The classic endpoint that a packet of a VPC is for.
    pub(super) fn target(self) -> Option<EndpointId> {
        let (_, vpc) = self.vpc()?;
        self.words.program.host(vpc.classic, self.packet?.destination)
    }

    /// The next hop of the route that decided.
    pub(super) fn next_hop(self) -> Option<EndpointId> {
        let MatchedRule::Route(route) = self.blocker.decider else { return None };
        match self.words.program.routes[route.index()].action {
            Action::NextHop(id) => Some(id),
            _ => None,
        }
    }

    pub(super) fn place(self, id: EndpointId) -> Span {
        self.words.names.endpoints[id.index()].span
    }

    pub(super) fn domain_place(self, id: DomainId) -> Span {
        self.words.names.domains[id.index()].span
    }
}

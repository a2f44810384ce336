//! What to do so that one endpoint reaches another: the vendor's scenario table made executable.
//!
//! [`mechanisms`] is the table: from the planes, regions and accounts of two sides to a mechanism, or to the two
//! alternatives A and B. For two endpoints of a topology [`advise`] carries each mechanism out on a copy of the world,
//! by the [operations](crate::control) that the vendor has, and sends a packet and its reply after every step: a plan
//! is what was missing on the way, and is verified by having arrived.
//!
//! Chosen where the vendor leaves it open:
//! - VPCs are connected by a peering with a route on each side, each to the narrowest range that does no harm;
//! - rules name the other side's group where the vendor allows it, otherwise its address; they have priority 1;
//! - an instance that is migrated gets a group of its own, and where no VPC of its account suits a VPC of its own;
//! - what is initiated by or opened to a managed service is answered as the vendor does: no VPC opens to the classic
//!   network's services, and a service opens nothing across planes.

mod connect;
mod groups;
mod guest_route;
mod making;
mod mechanism;
mod mend;
mod new_id;
mod opening;
mod probe;
mod relocate;
mod services;
mod side;
mod step;

pub use guest_route::{GuestRouteAdvice, guest_route};
pub use mechanism::{Mechanism, Migrated, mechanisms};
pub use opening::{Opening, opening};
pub use probe::Traffic;
pub use side::{Plane, Side};

use crate::control::Refusal;
use crate::diag::{Diagnostic, Reason};
use crate::lab::Topology;
use crate::model::{Instance, NicType, Policy, ServiceKind, World};
use crate::net::{PortRange, Protocol};
use crate::report::{Advice, AdvisedConflict, AdvisedPlan, AdvisedSide, AdvisedStep};
use mend::Mend;
use side::AdvisedSubject;
use std::fmt;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdviceQuestion<'a> {
    /// The opener of the connection: an endpoint, or a description as [`Side::read`] takes it.
    pub from: &'a str,
    /// To whom.
    pub to: &'a str,
    /// The protocol.
    pub protocol: Protocol,
    /// The destination port; where it is not given, the one that the receiver is likely to serve.
    pub port: Option<u16>,
}

/// Why there is no advice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdviseError {
    /// A description cannot be read.
    Description {
        /// The description.
        text: String,
        /// What is wrong with it.
        what: String,
    },
    /// A side is neither an endpoint nor a description.
    Unknown {
        /// What was given.
        text: String,
    },
    /// A side is the vendor's own range, which is part of every domain.
    CloudServices,
    /// Both sides are the same endpoint.
    SameEndpoint {
        /// Its id.
        id: String,
    },
    /// Nothing lies behind a gateway.
    NoAddress {
        /// Its id.
        id: String,
    },
    /// A port was given with a protocol that has none.
    Port {
        /// The protocol.
        protocol: Protocol,
    },
}

impl fmt::Display for AdviseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = "a description is `classic` or `vpc`, then `region=…`, `account=…` or, of a VPC, `id=…`";
        match self {
            AdviseError::Description { text, what } => write!(f, "`{text}`: {what}; {how}"),
            AdviseError::Unknown { text } => write!(f, "`{text}` is no endpoint and no description; {how}"),
            AdviseError::CloudServices => f.write_str(
                "`cloud-services` is in every domain, and nothing has to be connected; `biplane trace` tells whether a \
                 packet to 100.64.0.0/10 passes",
            ),
            AdviseError::SameEndpoint { id } => {
                write!(f, "`{id}` is both sides: what it sends to itself never leaves it")
            }
            AdviseError::NoAddress { id } => write!(f, "nothing lies behind `{id}`: give it `remote_cidrs`"),
            AdviseError::Port { protocol } => write!(f, "{protocol} has no ports"),
        }
    }
}

impl std::error::Error for AdviseError {}

/// What stands against a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Conflict {
    id: String,
    what: String,
    remedy: String,
}

impl Conflict {
    fn new(id: &str, what: impl Into<String>, remedy: impl Into<String>) -> Conflict {
        Conflict { id: id.to_owned(), what: what.into(), remedy: remedy.into() }
    }

    /// A drop that no step removes: the remedy is that of the reason's page.
    fn reason(reason: Reason, what: impl Into<String>) -> Conflict {
        Conflict::new(reason.id(), what, reason.record().remedy)
    }

    /// The vendor refuses a step.
    #[expect(clippy::needless_pass_by_value, reason = "given to map_err")]
    fn refused(refusal: Refusal) -> Conflict {
        Conflict::new(refusal.code(), refusal.message.as_str(), refusal.record.remedy)
    }

    /// A step would break a rule.
    fn found(finding: &Diagnostic) -> Conflict {
        Conflict::new(finding.id, finding.message.as_str(), finding.help.as_deref().unwrap_or_default())
    }

    fn told(self) -> AdvisedConflict {
        let Conflict { id, what, remedy } = self;
        AdvisedConflict { id, what, remedy }
    }
}

/// A side as it was asked for.
enum Party {
    Endpoint(AdvisedSubject, Side),
    Described(Side),
}

impl Party {
    fn find(text: &str, world: &World) -> Result<Party, AdviseError> {
        if let Some(subject) = AdvisedSubject::find(world, text) {
            return Ok(Party::Endpoint(subject, subject.side(world)));
        }
        match Side::read(text, world)? {
            Some(side) => Ok(Party::Described(side)),
            None if text == "cloud-services" => Err(AdviseError::CloudServices),
            None => Err(AdviseError::Unknown { text: text.to_owned() }),
        }
    }

    fn side(&self) -> &Side {
        match self {
            Party::Endpoint(_, side) | Party::Described(side) => side,
        }
    }

    fn told(&self, name: &str, world: &World) -> AdvisedSide {
        let Side { plane, region, account } = self.side();
        let place = match plane {
            Plane::Classic => format!("in the classic network of {region}"),
            Plane::Vpc(Some(id)) => format!("in {id}, {region}"),
            Plane::Vpc(None) => format!("in a VPC, {region}"),
        };
        let what = match self {
            Party::Endpoint(subject, _) => {
                let address = subject.address(world).map(|address| format!(" {address}")).unwrap_or_default();
                format!("{}{address} {place}, account {account}", subject.kind(world))
            }
            Party::Described(_) => format!("an instance {place}, account {account}"),
        };
        AdvisedSide { name: name.to_owned(), what, region: region.clone(), account: account.clone() }
    }
}

/// What to do so that traffic from one side reaches the other and is answered. Descriptions need no topology; between
/// them, and where one side is described, the answer is the table's alone.
///
/// # Errors
/// A side is neither an endpoint nor a description, both are the same, or a port does not go with the protocol.
pub fn advise(topology: Option<&Topology>, question: &AdviceQuestion<'_>) -> Result<Advice, AdviseError> {
    check_port(question)?;
    let nothing = World::default();
    let world: &World = topology.map_or(&nothing, |topology| &topology.world);
    let (from, to) = (Party::find(question.from, world)?, Party::find(question.to, world)?);
    let table = mechanisms(from.side(), to.side());
    let told = (from.told(question.from, world), to.told(question.to, world));
    let (Party::Endpoint(sender, _), Party::Endpoint(receiver, _), Some(topology)) = (&from, &to, topology) else {
        let plans: Vec<_> = table.into_iter().map(in_general).collect();
        return Ok(Advice {
            from: told.0,
            to: told.1,
            traffic: None,
            port_chosen: None,
            now: None,
            plans: lettered(plans),
        });
    };
    if sender == receiver {
        return Err(AdviseError::SameEndpoint { id: question.from.to_owned() });
    }
    let (traffic, why_this_port) = choose_traffic(world, question, *receiver)?;
    let why_this_port = why_this_port.map(|why| format!("{why}; --port asks about another"));
    let sides = [*sender, *receiver];
    let now = probe::send(topology, traffic, sides).map(|seen| mend::now(&seen));
    let passes = now.as_ref().is_some_and(|now| now.passes);
    let plans = match services::never(world, sides) {
        _ if passes => table.into_iter().take(1).map(in_place).collect(),
        Some(conflict) => vec![services::refusal(conflict)],
        None => {
            let mend = |mechanism| Mend::new(topology, sides, traffic, mechanism).plan();
            table.into_iter().map(mend).collect()
        }
    };
    let plans = lettered(plans);
    Ok(Advice { from: told.0, to: told.1, traffic: Some(traffic.text()), port_chosen: why_this_port, now, plans })
}

fn check_port(question: &AdviceQuestion<'_>) -> Result<(), AdviseError> {
    match question.port {
        Some(_) if !question.protocol.has_ports() => Err(AdviseError::Port { protocol: question.protocol }),
        _ => Ok(()),
    }
}

/// The traffic that is asked about, and why it goes to this port where the question names none.
fn choose_traffic(
    world: &World,
    question: &AdviceQuestion<'_>,
    receiver: AdvisedSubject,
) -> Result<(Traffic, Option<String>), AdviseError> {
    check_port(question)?;
    let protocol = question.protocol;
    let likely = likely_port(protocol, world, receiver).filter(|_| question.port.is_none());
    let traffic = Traffic { protocol, port: question.port.or(likely.map(|(port, _)| port)) };
    Ok((traffic, likely.map(|(port, why)| format!("{port}, {why}"))))
}

/// Names the alternatives, where there are two.
fn lettered(mut plans: Vec<AdvisedPlan>) -> Vec<AdvisedPlan> {
    if plans.len() > 1 {
        plans.iter_mut().zip('A'..).for_each(|(plan, letter)| plan.alternative = Some(letter));
    }
    plans
}

/// Nothing is missing.
fn in_place(mechanism: Mechanism) -> AdvisedPlan {
    AdvisedPlan { in_place: Some(true), ..untried(mechanism) }
}

/// A mechanism of which nothing is told but its name.
fn untried(mechanism: Mechanism) -> AdvisedPlan {
    AdvisedPlan {
        alternative: None,
        mechanism: mechanism.id(),
        title: mechanism.title().to_owned(),
        in_place: None,
        steps: Vec::new(),
        conflicts: Vec::new(),
        verified: None,
    }
}

/// The steps of a mechanism between sides that are only described.
fn in_general(mechanism: Mechanism) -> AdvisedPlan {
    let step =
        |what: &&str| AdvisedStep { what: (*what).to_owned(), operations: Vec::new(), topology: None, source: None };
    AdvisedPlan { steps: mechanism.steps().iter().map(step).collect(), ..untried(mechanism) }
}

/// The port that `receiver` is likely to serve, and why: of a database its usual one, of an instance the first that its
/// groups open, else 80.
fn likely_port(protocol: Protocol, world: &World, receiver: AdvisedSubject) -> Option<(u16, &'static str)> {
    const ANY: (u16, &str) = (80, "for want of a better one");
    protocol.has_ports().then_some(())?;
    Some(match receiver {
        AdvisedSubject::Service(key) => match *world.services[key].kind {
            ServiceKind::Rds => (3306, "the usual one of an rds service"),
            ServiceKind::Redis => (6379, "the usual one of a redis service"),
            ServiceKind::Mongodb => (3717, "the usual one of a mongodb service"),
            ServiceKind::Oss => (443, "the usual one of an oss service"),
            ServiceKind::Slb | ServiceKind::Other => ANY,
        },
        AdvisedSubject::Instance(key) => match opened(world, &world.instances[key], protocol) {
            Some(port) => (port, "the first that its groups open to somebody"),
            None => ANY,
        },
        AdvisedSubject::Gateway(_) => ANY,
    })
}

/// The first single port that the groups of `instance` open on the private NIC.
fn opened(world: &World, instance: &Instance, protocol: Protocol) -> Option<u16> {
    let groups = instance.security_groups.iter().map(|group| &world.security_groups[group.value]);
    let accepted = groups.flat_map(|group| &group.ingress).filter(|rule| {
        rule.policy == Policy::Accept && rule.protocol == Some(protocol) && rule.nic_type == NicType::Intranet
    });
    accepted.map(|rule| rule.port_range).find(|ports| ports.first() == ports.last()).map(PortRange::first)
}

#[cfg(test)]
mod tests;

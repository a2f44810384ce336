//! What no mechanism of the table does: the managed services of the classic network are reached from it alone, and a
//! managed service opens nothing across planes.

use super::Conflict;
use super::side::AdvisedSubject;
use crate::diag::Reason;
use crate::model::{Network, ServiceKind, World};
use crate::report::AdvisedPlan;

/// Why the second side is never reached from the first one, and what the vendor offers instead. `None` where the table
/// has an answer.
pub(super) fn never(world: &World, [from, to]: [AdvisedSubject; 2]) -> Option<Conflict> {
    let classic = |side: AdvisedSubject| side.network(world) == Network::Classic;
    let service =
        |side: AdvisedSubject| if let AdvisedSubject::Service(key) = side { Some(&world.services[key]) } else { None };
    let (from_id, to_id) = (from.id(world), to.id(world));
    match (service(from), service(to)) {
        (_, Some(target)) if classic(to) && !classic(from) => {
            let what = format!(
                "{to_id} is a classic {} service: ClassicLink leads from a VPC to ECS instances only",
                *target.kind
            );
            Some(Conflict::new(Reason::ClassiclinkTargetNotEcs.id(), what, instead(*target.kind)))
        }
        (Some(_), _) if classic(from) != classic(to) => {
            let what = format!("{from_id} is a managed service: it answers across planes, and opens nothing");
            let remedy = format!("let {to_id} open the connection to {from_id}");
            Some(Conflict::new(Reason::ClassiclinkSourceNotEcs.id(), what, remedy))
        }
        (sender, receiver) if classic(from) && classic(to) && region(world, from) != region(world, to) => {
            let service =
                receiver.map(|service| (to_id, *service.kind)).or(sender.map(|service| (from_id, *service.kind)));
            let (id, kind) = service?;
            let what = format!("{id} is a classic {kind} service, and classic networks of two regions are not joined");
            Some(Conflict::new(Reason::OtherRegion.id(), what, instead(kind)))
        }
        _ => None,
    }
}

fn region(world: &World, side: AdvisedSubject) -> String {
    side.side(world).region
}

/// What the vendor offers in place of a connection to a classic service.
/// Source: the vendor's documents on switching a database's network and on migration, of which
/// <https://github.com/ralphchen/vpc> has a copy of 2018.
fn instead(kind: ServiceKind) -> &'static str {
    match kind {
        ServiceKind::Rds => {
            "switch its network type to VPC; hybrid access keeps the classic endpoint beside the new one for 1 to 120 days, \
             so that classic instances still reach it"
        }
        ServiceKind::Redis | ServiceKind::Mongodb => {
            "switch its network type to VPC, and keep its classic endpoint for as long as classic instances use it"
        }
        ServiceKind::Slb => {
            "make an internal load balancer in the VPC: linked classic instances reach that one too, and the classic one \
             stays for the rest"
        }
        ServiceKind::Oss => "use its internal endpoint of the region, which every VPC reaches at 100.64.0.0/10",
        ServiceKind::Other => "move it into the VPC, where linked classic instances still reach it",
    }
}

/// A plan that is none.
pub(super) fn refusal(conflict: Conflict) -> AdvisedPlan {
    AdvisedPlan {
        alternative: None,
        mechanism: "none",
        title: "no mechanism of the vendor's does this".to_owned(),
        in_place: None,
        steps: Vec::new(),
        conflicts: vec![conflict.told()],
        verified: None,
    }
}

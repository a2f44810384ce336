//! Whether the guest of an instance needs the routing script.
//! Source: ClassicLink overview, "Limits", and its routing script
//! (<https://www.alibabacloud.com/help/en/virtual-private-cloud/latest/classiclink-overview>).

use crate::model::{Instance, Key, Location, MissingGuestRoute, Vpc, World, ranges};
use crate::net::GuestRoute;

/// Whether an instance's guest needs a route of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuestRouteAdvice {
    /// It does.
    Needed {
        /// The route.
        route: GuestRoute,
        /// Why.
        why: String,
        /// What else has to be done before anything passes, in order.
        also: Vec<String>,
    },
    /// It does not, for this reason.
    NotNeeded(String),
    /// No guest route makes this instance reach a VPC, for this reason.
    NoHelp(String),
}

/// Whether the guest of `instance` needs a route to `planned`, a link that does not exist yet, or to the VPC that it is
/// linked to.
pub fn guest_route(world: &World, instance: Key<Instance>, planned: Option<Key<Vpc>>) -> GuestRouteAdvice {
    let instance = &world.instances[instance];
    let id = instance.id.as_str();
    if let Location::Vswitch(vswitch) = *instance.location {
        let home = world.vswitches[vswitch].id.as_str();
        let why = format!("{id} lives in {home}, and the guest of a VPC sends everything to its vSwitch's gateway");
        return GuestRouteAdvice::NotNeeded(why);
    }
    let linked = instance.linked_vpc.as_ref().map(|linked| linked.value);
    let Some(key) = planned.or(linked) else {
        let why = format!("{id} is linked to no VPC, and without a link no route leads to one");
        return GuestRouteAdvice::NoHelp(why);
    };
    let vpc = &world.vpcs[key];
    let (region, vpc_region) = (world.instance_region(instance), world.vpc_region(key).as_str());
    if region != vpc_region {
        let why = format!("{id} is in {region} and cannot be linked to {}, which is in {vpc_region}", *vpc.id);
        return GuestRouteAdvice::NoHelp(why);
    }
    match instance.missing_guest_route(vpc) {
        Some(missing) => GuestRouteAdvice::Needed {
            route: GuestRoute::of(*instance.private_ip),
            why: why_needed(instance, vpc, missing),
            also: also(world, instance, key),
        },
        None => unneeded(instance, vpc),
    }
}

fn why_needed(instance: &Instance, vpc: &Vpc, missing: MissingGuestRoute) -> String {
    let MissingGuestRoute { needed, only_part } = missing;
    let some = if only_part { "a part of " } else { "" };
    format!("{} ({}) sends {some}{needed} of {} to its public NIC", *instance.id, *instance.private_ip, *vpc.id)
}

/// What the route alone does not do.
fn also(world: &World, instance: &Instance, key: Key<Vpc>) -> Vec<String> {
    let (id, vpc) = (instance.id.as_str(), &world.vpcs[key]);
    let mut also = Vec::new();
    let linked = instance.linked_vpc.as_ref().map(|linked| linked.value);
    if let Some(other) = linked.filter(|linked| *linked != key) {
        also.push(format!("detach {id} from {}: an instance is linked to one VPC", *world.vpcs[other].id));
    }
    let (account, vpc_account) = (world.instance_account(instance), world.vpc_account(key).as_str());
    if account != vpc_account {
        also.push(format!("transfer {id} from account {account} to {vpc_account}, the account of {}", *vpc.id));
    }
    if !*vpc.classic_link {
        also.push(format!("enable ClassicLink for {}", *vpc.id));
    }
    if linked != Some(key) {
        also.push(format!("link {id} to {}", *vpc.id));
    }
    also
}

fn unneeded(instance: &Instance, vpc: &Vpc) -> GuestRouteAdvice {
    let (id, name, cidr) = (instance.id.as_str(), vpc.id.as_str(), vpc.cidr.value);
    let linkable = ranges::LINKABLE.iter().any(|range| range.contains(&cidr) || cidr.contains(range));
    if !linkable {
        let why = format!("ClassicLink carries no address of {cidr} of {name}, whatever routes {id} has");
        return GuestRouteAdvice::NoHelp(why);
    }
    if vpc.scripted_part().is_some() {
        return GuestRouteAdvice::NotNeeded(format!("the guest routes of {id} cover {cidr} of {name} already"));
    }
    let secondary =
        vpc.secondary_cidrs.iter().find(|cidr| cidr.contains(&ranges::SCRIPTED) || ranges::SCRIPTED.contains(&***cidr));
    let aside = match secondary {
        Some(secondary) => format!("; {} is a secondary CIDR, which ClassicLink does not carry", **secondary),
        None => String::new(),
    };
    GuestRouteAdvice::NotNeeded(format!("a classic guest sends {cidr} of {name} to its private NIC by itself{aside}"))
}

#[cfg(test)]
mod tests;

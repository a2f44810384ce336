//! What two VPCs lack to be connected: a peering, and a route on each side.

use super::Conflict;
use super::mend::Mend;
use super::new_id::{fresh, stem};
use super::relocate::cidrs;
use super::side::AdvisedSubject;
use super::step::PlanStep;
use crate::control::Operation;
use crate::datapath::{MatchedRule, Outcome};
use crate::model::{Key, Location, Route, Vpc, Vswitch, World, ranges};
use crate::net::{self, Ipv4Net};
use crate::program::Program;
use std::net::Ipv4Addr;

impl Mend {
    /// Leads what `sender` sends to `receiver`, both in VPCs, over a peering.
    pub(super) fn route(
        &mut self,
        [sender, receiver]: [AdvisedSubject; 2],
        [own, peer]: [Key<Vpc>; 2],
        outcome: &Outcome,
        program: &Program,
    ) -> Result<(), Conflict> {
        let world = self.world();
        let Some(address) = receiver.address(world) else { return Err(unroutable(world, receiver)) };
        if let Some(vswitch) = vswitch_of(world, own, address) {
            return Err(overlap(world, vswitch, address, receiver));
        }
        if let Some([one, other]) = shared_cidrs(world, own, peer) {
            return Err(cidr_overlap(world, [(own, one), (peer, other)]));
        }
        let peering = self.peering(own, peer)?;
        let world = self.world();
        let (table, routes) = table_of(world, sender, own);
        let beaten = match outcome.decider {
            MatchedRule::Route(id) => program.routes[id.index()].prefix.prefix_len(),
            _ => 0,
        };
        let candidates = destinations(world, receiver, peer, address);
        let fits = |net: &Ipv4Net| {
            net.prefix_len() > beaten
                && routes.iter().all(|route| *route.destination != *net)
                && !inside_a_vswitch(world, own, *net)
        };
        let Some(destination) = candidates.into_iter().find(fits) else {
            let what =
                format!("{table} has a route for {address} already that leads elsewhere, and none can stand above it");
            return Err(Conflict::new("route-duplicate", what, "remove that route, or narrow it"));
        };
        self.take(PlanStep::Operate(Operation::AddRoute { table, destination, next_hop: peering }))
    }

    /// The id of a peering between the two VPCs, which is made where there is none.
    fn peering(&mut self, one: Key<Vpc>, two: Key<Vpc>) -> Result<String, Conflict> {
        let world = self.world();
        let joins = |vpc| move |ends: &[crate::diag::Spanned<Key<Vpc>>; 2]| ends.iter().any(|end| end.value == vpc);
        let found = world.peerings.values().find(|peering| joins(one)(&peering.vpcs) && joins(two)(&peering.vpcs));
        if let Some(peering) = found {
            return Ok(peering.id.value.clone());
        }
        let ids = [one, two].map(|vpc| world.vpcs[vpc].id.value.clone());
        let id = fresh(world, &format!("pcc-{}-{}", stem(&ids[0]), stem(&ids[1])));
        self.take(PlanStep::MakePeering { id: id.clone(), vpcs: ids })?;
        Ok(id)
    }
}

impl Mend {
    /// The route that leads to what lies behind a gateway, in the table that `sender` of the gateway's VPC meets, or in
    /// the system table, which what comes over a link meets. `None` where the table has it, or there is no gateway.
    pub(super) fn way_to_gateway(&self, sender: Option<AdvisedSubject>, receiver: AdvisedSubject) -> Option<Operation> {
        let world = self.world();
        let AdvisedSubject::Gateway(key) = receiver else { return None };
        let gateway = &world.gateways[key];
        let destination = gateway.remote_cidrs.first()?.value;
        let vpc = gateway.vpc.value;
        let (table, routes) = match sender {
            Some(sender) => table_of(world, sender, vpc),
            None => (world.vpcs[vpc].id.value.clone(), world.vpcs[vpc].routes.as_slice()),
        };
        let taken = routes.iter().any(|route| *route.destination == destination);
        (!taken).then(|| Operation::AddRoute { table, destination, next_hop: gateway.id.value.clone() })
    }
}

/// The table that what `sender` sends meets, by the name that operations give it, and its custom entries.
fn table_of(world: &World, sender: AdvisedSubject, own: Key<Vpc>) -> (String, &[Route]) {
    if let Some(Location::Vswitch(vswitch)) = sender.location(world)
        && let Some(table) = &world.vswitches[vswitch].route_table
    {
        let table = &world.route_tables[table.value];
        return (table.id.value.clone(), &table.routes);
    }
    (world.vpcs[own].id.value.clone(), &world.vpcs[own].routes)
}

/// What a route to `receiver` may have as its destination, widest first: a CIDR of its VPC, its vSwitch, its address.
fn destinations(world: &World, receiver: AdvisedSubject, peer: Key<Vpc>, address: Ipv4Addr) -> Vec<Ipv4Net> {
    let vpc = &world.vpcs[peer];
    let cidrs = std::iter::once(&vpc.cidr).chain(&vpc.secondary_cidrs).map(|cidr| cidr.value);
    let mut all: Vec<Ipv4Net> = cidrs.filter(|cidr| cidr.contains(&address)).collect();
    if let Some(Location::Vswitch(vswitch)) = receiver.location(world) {
        all.push(*world.vswitches[vswitch].cidr);
    }
    all.push(address.into());
    all
}

fn vswitch_of(world: &World, vpc: Key<Vpc>, address: Ipv4Addr) -> Option<&Vswitch> {
    world.vswitches.values().find(|vswitch| *vswitch.vpc == vpc && vswitch.cidr.contains(&address))
}

fn inside_a_vswitch(world: &World, vpc: Key<Vpc>, net: Ipv4Net) -> bool {
    world.vswitches.values().any(|vswitch| *vswitch.vpc == vpc && vswitch.cidr.contains(&net))
}

fn overlap(world: &World, vswitch: &Vswitch, address: Ipv4Addr, receiver: AdvisedSubject) -> Conflict {
    let what = format!(
        "{address} of {} lies in {} of {} too ({}): a VPC keeps what its own vSwitches hold",
        receiver.id(world),
        *vswitch.id,
        *world.vpcs[*vswitch.vpc].id,
        *vswitch.cidr
    );
    Conflict::new(
        "peering-vswitch-overlap",
        what,
        "move one of the two into a vSwitch whose range the other VPC does not use",
    )
}

/// The first CIDRs of two VPCs that overlap.
fn shared_cidrs(world: &World, one: Key<Vpc>, two: Key<Vpc>) -> Option<[Ipv4Net; 2]> {
    cidrs(world, one).find_map(|a| Some([a, cidrs(world, two).find(|b| net::overlap(a, *b))?]))
}

fn cidr_overlap(world: &World, [one, other]: [(Key<Vpc>, Ipv4Net); 2]) -> Conflict {
    let name = |(vpc, cidr): (Key<Vpc>, Ipv4Net)| format!("{cidr} of {}", *world.vpcs[vpc].id);
    let what = format!("{} and {} overlap, and VPCs that are connected have CIDRs that do not", name(one), name(other));
    Conflict::new("peering-cidr-overlap", what, "move one of the two into a VPC whose CIDRs the other VPC does not use")
}

/// What in `vpc` takes the packets that `other` sends to a classic instance at `classic`, before they reach the link: a
/// vSwitch, or a custom route that is longer than 10.0.0.0/8.
pub(super) fn shadow(world: &World, classic: Ipv4Addr, vpc: Key<Vpc>, other: AdvisedSubject) -> Option<Conflict> {
    let owner = world.vpcs[vpc].id.as_str();
    if let Some(vswitch) = vswitch_of(world, vpc, classic) {
        let what = format!("{classic} lies in {} of {owner} too ({}), which keeps it", *vswitch.id, *vswitch.cidr);
        return Some(Conflict::new(
            SHADOWED,
            what,
            "move what must talk to the classic instance into a VPC without that vSwitch",
        ));
    }
    let (table, routes) = table_of(world, other, vpc);
    let takes = |route: &&Route| {
        let net = *route.destination;
        net.contains(&classic) && ranges::CLASSIC.contains(&net) && net != ranges::CLASSIC
    };
    let route = routes.iter().find(takes)?;
    let what = format!("{table} has a custom route to {}, which takes what is sent to {classic}", *route.destination);
    Some(Conflict::new(SHADOWED, what, "narrow the route, so that it no longer covers the classic instance"))
}

/// The rule of `check` that foretells it.
const SHADOWED: &str = "classiclink-shadowed";

fn unroutable(world: &World, receiver: AdvisedSubject) -> Conflict {
    Conflict::new("no-such-address", format!("nothing lies behind {}", receiver.id(world)), "give it `remote_cidrs`")
}

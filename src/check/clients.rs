//! The possible clients of a service: the addresses that its routing domain holds or is joined to.

use super::survey::{Survey, SurveyedEndpoint, endpoints};
use crate::model::{Key, Location, Network, NextHop, Service, Vpc, ranges};
use crate::net::{Ipv4Net, overlap};
use hashbrown::HashMap;
use std::net::Ipv4Addr;

/// Addresses by place, gathered when the first service asks: most files are small, and some have a million instances
/// and no whitelist.
pub(super) struct Clients<'s, 'w> {
    survey: &'s Survey<'w>,
    addresses: Option<ClientAddresses<'w>>,
}

/// The classic addresses of a region, or those of a VPC, ascending.
type AddressOwners<'w> = Vec<(Ipv4Addr, SurveyedEndpoint<'w>)>;

#[derive(Default)]
struct ClientAddresses<'w> {
    vpcs: Vec<AddressOwners<'w>>,
    regions: HashMap<&'w str, AddressOwners<'w>, foldhash::fast::FixedState>,
    /// Of the classic instances linked to each VPC.
    linked: Vec<Vec<Ipv4Addr>>,
    /// What lies behind the gateways, forwarding instances and peerings of each VPC: disjoint and ascending.
    beyond: Vec<Vec<Ipv4Net>>,
}

impl<'s, 'w> Clients<'s, 'w> {
    pub(super) fn new(survey: &'s Survey<'w>) -> Clients<'s, 'w> {
        Clients { survey, addresses: None }
    }

    /// Why no address of `entry` can reach `service`; `None` where one can.
    pub(super) fn nobody_in(&mut self, service: &Service, entry: Ipv4Net) -> Option<String> {
        if entry.prefix_len() == 0 || overlap(ranges::CLOUD_SERVICES, entry) {
            return None;
        }
        let survey = self.survey;
        let addresses = self.addresses.get_or_insert_with(|| ClientAddresses::of(survey));
        let world = survey.world;
        let region = world.region(world.network(*service.location), &service.placement).as_str();
        let classic = addresses.regions.get(region).map_or(&[][..], |owners| within(owners, entry));
        let vpc = match world.network(*service.location) {
            Network::Classic if classic.is_empty() => {
                let of_a_vpc = ranges::LINKABLE.iter().any(|range| range.contains(&entry));
                let why = if of_a_vpc { "no VPC reaches a classic service" } else { nobody(entry) };
                return Some(why.to_owned());
            }
            Network::Classic => return None,
            Network::Vpc(vpc) => vpc,
        };
        // A prefix may speak of instances that the vSwitch will have one day; a single address has its owner.
        let in_vswitch = entry.prefix_len() < 32 && survey.vswitch_touching(vpc, entry).is_some();
        let alive = in_vswitch
            || !within(&addresses.vpcs[vpc.index()], entry).is_empty()
            || holds(&addresses.linked[vpc.index()], entry)
            || touches(&addresses.beyond[vpc.index()], entry);
        (!alive).then(|| unreached(survey, vpc, classic, entry))
    }
}

/// What to say of an entry that holds the addresses of `classic` at best.
fn unreached(
    survey: &Survey<'_>,
    vpc: Key<Vpc>,
    classic: &[(Ipv4Addr, SurveyedEndpoint<'_>)],
    entry: Ipv4Net,
) -> String {
    let vpc = survey.world.vpcs[vpc].id.as_str();
    match classic {
        [] => nobody(entry).to_owned(),
        [(_, one)] => format!("it is `{}`, which is not linked to `{vpc}`", **one.id),
        _ => format!("none of the {} classic instances inside is linked to `{vpc}`", classic.len()),
    }
}

const fn nobody(entry: Ipv4Net) -> &'static str {
    if entry.prefix_len() == 32 { "no endpoint has this address" } else { "no endpoint has an address in it" }
}

impl<'w> ClientAddresses<'w> {
    fn of(survey: &Survey<'w>) -> ClientAddresses<'w> {
        let world = survey.world;
        let count = world.vpcs.capacity();
        let mut addresses = ClientAddresses {
            vpcs: (0..count).map(|_| Vec::new()).collect(),
            beyond: vec![Vec::new(); count],
            ..ClientAddresses::default()
        };
        for endpoint in endpoints(world) {
            let owners = match endpoint.location {
                Location::Classic => addresses.regions.entry(endpoint.region).or_default(),
                Location::Vswitch(vswitch) => &mut addresses.vpcs[world.vswitches[vswitch].vpc.index()],
            };
            owners.push((endpoint.address.value, endpoint));
        }
        for owners in addresses.vpcs.iter_mut().chain(addresses.regions.values_mut()) {
            owners.sort_by_key(|(address, _)| *address);
        }
        addresses.linked = (0..count).map(|_| Vec::new()).collect();
        for (key, _) in world.vpcs.iter() {
            addresses.linked[key.index()] =
                survey.linked_addresses(key).into_iter().map(|(address, _)| address).collect();
        }
        for gateway in world.gateways.values() {
            let remote = gateway.remote_cidrs.iter().map(|remote| remote.value);
            addresses.beyond[gateway.vpc.index()].extend(remote);
        }
        for (vpc, _) in world.vpcs.iter() {
            for route in survey.tables(vpc).flat_map(|table| table.routes) {
                let NextHop::Instance(instance) = route.next_hop.value else { continue };
                if *world.instances[instance].forwarding {
                    addresses.beyond[vpc.index()].push(route.destination.value);
                }
            }
        }
        for peering in world.peerings.values() {
            let [one, two] = [peering.vpcs[0].value, peering.vpcs[1].value];
            for (own, peer) in [(one, two), (two, one)] {
                let ranges = survey.vswitches(peer).iter().map(|vswitch| vswitch.cidr.value);
                addresses.beyond[own.index()].extend(ranges);
            }
        }
        for beyond in &mut addresses.beyond {
            *beyond = Ipv4Net::aggregate(beyond);
        }
        addresses
    }
}

/// True where one of the disjoint, ascending `nets` shares addresses with `net`.
fn touches(nets: &[Ipv4Net], net: Ipv4Net) -> bool {
    let after = nets.partition_point(|other| other.network() <= net.broadcast());
    nets[..after].last().is_some_and(|other| overlap(*other, net))
}

/// The owners of addresses in `net`.
fn within<'o, 'w>(
    owners: &'o [(Ipv4Addr, SurveyedEndpoint<'w>)],
    net: Ipv4Net,
) -> &'o [(Ipv4Addr, SurveyedEndpoint<'w>)] {
    let start = owners.partition_point(|(address, _)| *address < net.network());
    let end = owners.partition_point(|(address, _)| *address <= net.broadcast());
    &owners[start..end]
}

/// True where one of the ascending `addresses` lies in `net`.
fn holds(addresses: &[Ipv4Addr], net: Ipv4Net) -> bool {
    let start = addresses.partition_point(|address| *address < net.network());
    addresses.get(start).is_some_and(|address| net.contains(address))
}

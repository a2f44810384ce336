//! Where endpoints stand, and how long a frame is on its way from one to another.

use crate::lab::Topology;
use crate::model::{ClassicZone, Latency, Location, Network, Placement};
use crate::program::EndpointId;
use crate::time::SimDuration;
use std::collections::HashMap;

/// How long frames are on their way.
///
/// An instance or service of a VPC stands in its vSwitch's zone, a classic one in its own `zone`. The link has no place
/// and costs nothing: between two ends only their vSwitch, zone and region count, whatever plane they are in. Two ends
/// are in different zones where both are known and differ, or their regions do; what the file does not say costs no more
/// than the way within a zone. Gateways and `cloud-services` stand in no zone that is known.
pub(super) struct EndpointPlaces {
    latency: Latency,
    /// By endpoint; empty where there is no latency.
    by_endpoint: Vec<Place>,
}

/// Texts and vSwitches by number.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Place {
    region: u32,
    zone: Option<u32>,
    vswitch: Option<u32>,
}

impl EndpointPlaces {
    pub(super) fn of(topology: &Topology) -> EndpointPlaces {
        let latency = topology.world.timing.latency.unwrap_or_default();
        if latency == Latency::default() {
            return EndpointPlaces { latency, by_endpoint: Vec::new() };
        }
        let mut survey = PlaceSurvey { topology, numbers: HashMap::new() };
        let names = &topology.names.endpoints;
        let by_endpoint = names.iter().map(|name| survey.place(&name.text).unwrap_or_default()).collect();
        EndpointPlaces { latency, by_endpoint }
    }

    /// How long a frame is on its way.
    pub(super) fn latency(&self, from: EndpointId, to: EndpointId) -> SimDuration {
        let place = |id: EndpointId| self.by_endpoint.get(id.index()).copied();
        let (Some(from), Some(to)) = (place(from), place(to)) else { return SimDuration::default() };
        let zones_differ = from.zone.zip(to.zone).is_some_and(|(from, to)| from != to);
        // Zones are compared by name, and two regions may have a zone of one name: regions that differ make the way one
        // between zones even where the names are equal.
        // A region of 0 is that of an endpoint without one.
        if zones_differ || (from.region != to.region && from.region != 0 && to.region != 0) {
            self.latency.cross_zone
        } else if from.vswitch.is_some() && from.vswitch == to.vswitch {
            self.latency.vswitch
        } else {
            self.latency.zone
        }
    }
}

/// Gives regions, zones and vSwitches their numbers, from 1.
struct PlaceSurvey<'a> {
    topology: &'a Topology,
    numbers: HashMap<&'a str, u32>,
}

impl<'a> PlaceSurvey<'a> {
    fn place(&mut self, id: &str) -> Option<Place> {
        let world = &self.topology.world;
        if let Some(key) = world.instances.find(id) {
            let instance = &world.instances[key];
            return Some(self.located(instance.location.value, &instance.zone, &instance.placement));
        }
        if let Some(key) = world.services.find(id) {
            let service = &world.services[key];
            return Some(self.located(service.location.value, &service.zone, &service.placement));
        }
        let gateway = &world.gateways[world.gateways.find(id)?];
        let region = self.number(&world.region(Network::Vpc(gateway.vpc.value), &gateway.placement).value);
        Some(Place { region, ..Place::default() })
    }

    fn located(&mut self, location: Location, classic_zone: &'a ClassicZone, placement: &'a Placement) -> Place {
        let world = &self.topology.world;
        let region = self.number(&world.region(world.network(location), placement).value);
        let (zone, vswitch) = match location {
            Location::Classic => (classic_zone.as_ref().map(|zone| zone.value.as_str()), None),
            Location::Vswitch(key) => {
                let vswitch = &world.vswitches[key];
                (vswitch.zone.as_deref(), Some(vswitch.id.value.as_str()))
            }
        };
        let mut number = |text: Option<&'a str>| text.map(|text| self.number(text));
        Place { region, zone: number(zone), vswitch: number(vswitch) }
    }

    fn number(&mut self, text: &'a str) -> u32 {
        // Regions, zones and vSwitches share one numbering, and a zone may get the number of a region of the same name.
        // That is harmless, since a number is only compared with one of the same kind.
        let next = self.numbers.len() as u32 + 1;
        *self.numbers.entry(text).or_insert(next)
    }
}

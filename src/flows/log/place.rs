//! Which endpoint of a topology a record was made at.

use super::fields::{LogField, RecordText};
use crate::lab::Topology;
use crate::program::{DomainId, EndpointId, FixedMap, Owner};
use crate::report::{LogDirection, SetApart};
use std::net::Ipv4Addr;

/// The letters and digits that the vendor puts behind the kind of an object in its id are at least so many.
const LEAST_ID: usize = 8;

/// Finds the endpoints of records.
pub(super) struct PlaceFinder<'a> {
    topology: &'a Topology,
    /// VPCs, and those of vSwitches, by id.
    domains: FixedMap<&'a str, DomainId>,
}

/// The ends of a record as it tells them.
pub(super) struct RecordEnds {
    pub(super) source: Ipv4Addr,
    pub(super) destination: Ipv4Addr,
    pub(super) direction: Option<LogDirection>,
}

impl RecordEnds {
    /// The address of the ENI.
    fn own(&self, direction: LogDirection) -> Ipv4Addr {
        match direction {
            LogDirection::In => self.destination,
            LogDirection::Out => self.source,
        }
    }

    /// The only way in which the ENI has an address that `is_own`.
    fn direction(&self, is_own: impl Fn(Ipv4Addr) -> bool) -> Option<LogDirection> {
        match (is_own(self.source), is_own(self.destination)) {
            (true, false) => Some(LogDirection::Out),
            (false, true) => Some(LogDirection::In),
            _ => None,
        }
    }
}

impl<'a> PlaceFinder<'a> {
    pub(super) fn new(topology: &'a Topology) -> PlaceFinder<'a> {
        let (program, names) = (&topology.program, &topology.names);
        let vpcs = (0..program.domains.len()).map(DomainId::from_index);
        let vpcs = vpcs.filter(|id| program.vpc(*id).is_some()).map(|id| (names.domain(id), id));
        let vswitches = program.vswitches.iter().zip(names.vswitches.iter());
        let vswitches = vswitches.map(|(vswitch, name)| (name.text.as_str(), vswitch.domain));
        PlaceFinder { topology, domains: vpcs.chain(vswitches).collect() }
    }

    /// The endpoint whose ENI made a record, and which way its packets went there.
    ///
    /// The ids of the ENI and of the instance come first, then the address in the vSwitch or VPC. A VPC or vSwitch that
    /// the topology does not have is another network, which may have the same addresses.
    pub(super) fn find(
        &self,
        record: &RecordText<'_>,
        ends: &RecordEnds,
    ) -> Result<(EndpointId, LogDirection), SetApart> {
        match self.named(record) {
            Some(endpoint) => self.of_endpoint(endpoint, ends),
            None => self.by_address(record, ends),
        }
    }

    fn named(&self, record: &RecordText<'_>) -> Option<EndpointId> {
        let ids = [LogField::EniId, LogField::VmId].into_iter().filter_map(|field| record.get(field));
        ids.into_iter().find_map(|id| self.topology.names.find_endpoint(id))
    }

    fn of_endpoint(&self, id: EndpointId, ends: &RecordEnds) -> Result<(EndpointId, LogDirection), SetApart> {
        let program = &self.topology.program;
        let endpoint = program.endpoint(id);
        if program.vpc(endpoint.domain).is_none() {
            return Err(SetApart::ClassicEndpoint);
        }
        let is_own = |address| address == endpoint.address;
        let direction = ends.direction.or_else(|| ends.direction(is_own));
        match direction {
            // What an instance passes on has addresses of others.
            Some(direction) if is_own(ends.own(direction)) || endpoint.forwarding => Ok((id, direction)),
            None if endpoint.forwarding || is_own(ends.source) => Err(SetApart::UnknownDirection),
            _ => Err(SetApart::NotOwnAddress),
        }
    }

    fn by_address(&self, record: &RecordText<'_>, ends: &RecordEnds) -> Result<(EndpointId, LogDirection), SetApart> {
        let networks = [LogField::VswitchId, LogField::VpcId].map(|field| record.get(field));
        let domain = networks.into_iter().flatten().find_map(|id| self.domains.get(id).copied());
        let is_of_other_network = domain.is_none() && networks.iter().any(Option::is_some);
        let host = |address| self.host(domain, address).filter(|_| !is_of_other_network);
        let is_host = |address| host(address).is_some();
        if ends.direction.is_none() && is_host(ends.source) && is_host(ends.destination) {
            return Err(SetApart::UnknownDirection);
        }
        let direction = ends.direction.or_else(|| ends.direction(is_host)).ok_or(SetApart::UnknownEni)?;
        let found = host(ends.own(direction)).ok_or(SetApart::UnknownEni)?;
        match record.get(LogField::VmId) {
            Some(other) if is_vendor_id(other) && is_vendor_id(self.topology.names.endpoint(found)) => {
                Err(SetApart::OtherInstance)
            }
            _ => Ok((found, direction)),
        }
    }

    /// The instance or service at `address` in a VPC: in `domain`, or the only one.
    fn host(&self, domain: Option<DomainId>, address: Ipv4Addr) -> Option<EndpointId> {
        let program = &self.topology.program;
        match (domain, program.owners.get(&address)) {
            (Some(domain), _) => program.host(domain, address),
            (None, Some(Owner::One(id))) => Some(*id).filter(|id| program.vpc(program.endpoint(*id).domain).is_some()),
            (None, _) => None,
        }
    }
}

/// True for an id of an instance as the vendor makes them. Where the log and the topology both have one, the ids say which
/// instance is meant; one written by hand calls its instances otherwise.
fn is_vendor_id(id: &str) -> bool {
    let Some(rest) = id.strip_prefix("i-") else { return false };
    let is_of_id = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    rest.len() >= LEAST_ID && rest.bytes().all(is_of_id) && rest.bytes().any(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::is_vendor_id;

    #[test]
    fn ids_of_the_vendor_are_told_from_names_that_somebody_gave() {
        assert!(is_vendor_id("i-bp67acfmxazb4ph0uq2z") && is_vendor_id("i-28n3c1qvy"));
        for given in ["i-web-1", "i-warehouse", "i-db1", "eni-bp67acfmxazb4ph0uq2z", "i-BP67ACFMXAZB"] {
            assert!(!is_vendor_id(given), "{given}");
        }
    }
}

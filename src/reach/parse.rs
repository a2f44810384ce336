//! Ends and headers as people write them.

use super::headers::{ALL_PORTS, HeaderBox, HeaderSet, Ports, ProtocolClasses};
use super::select::Selector;
use crate::diag::Suggestions;
use crate::model::World;
use crate::net::{Ipv4Net, Protocol};
use crate::program::{DomainId, EndpointId, EndpointKind, Names, Program};
use std::fmt;
use std::net::Ipv4Addr;

/// Why a text names no ends, no headers or no claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReachTextError(pub(super) String);

impl fmt::Display for ReachTextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ReachTextError {}

/// Reads which ends are meant, in one world.
#[derive(Clone, Copy)]
pub struct SelectorReader<'a> {
    /// The declared world.
    pub world: &'a World,
    /// The compiled one.
    pub program: &'a Program,
    /// What its ids are called.
    pub names: &'a Names,
}

impl SelectorReader<'_> {
    /// Reads ends: words, each an id of an endpoint, a VPC, a vSwitch or a security group, a CIDR or address, `classic`,
    /// `services` or `any`. Words beside each other, or with `and` between them, all hold; those after `without` do not.
    ///
    /// # Errors
    /// A word names nothing, or one is missing.
    pub fn selector(&self, text: &str) -> Result<Selector, ReachTextError> {
        let mut selected: Option<Selector> = None;
        let mut without = false;
        let mut joined = false;
        for word in text.split_whitespace() {
            match word {
                "and" if selected.is_some() && !without && !joined => joined = true,
                "without" if selected.is_some() && !without && !joined => without = true,
                "and" | "without" => return Err(misplaced(word)),
                word => {
                    let one = Box::new(self.one(word)?);
                    selected = Some(match selected.take().map(Box::new) {
                        None => *one,
                        Some(known) if without => Selector::Without(known, one),
                        Some(known) => Selector::Both(known, one),
                    });
                    (without, joined) = (false, false);
                }
            }
        }
        if without || joined {
            return Err(misplaced(if without { "without" } else { "and" }));
        }
        selected.ok_or_else(|| ReachTextError("no ends are named: `any` stands for all".to_owned()))
    }

    fn one(&self, word: &str) -> Result<Selector, ReachTextError> {
        if word == "any" {
            return Ok(Selector::Any);
        }
        if let Some(prefix) = prefix(word) {
            return Ok(Selector::Addresses(prefix));
        }
        let endpoints = self.endpoints(word).ok_or_else(|| self.unknown(word))?;
        let mut chosen = vec![false; self.program.endpoints.len()];
        endpoints.iter().for_each(|id| chosen[id.index()] = true);
        Ok(Selector::Endpoints(chosen.into()))
    }

    /// The endpoints that a word stands for.
    fn endpoints(&self, word: &str) -> Option<Vec<EndpointId>> {
        let program = self.program;
        let of_kind = |holds: &dyn Fn(EndpointId) -> bool| -> Vec<EndpointId> {
            let all = (0..program.endpoints.len()).map(EndpointId::from_index);
            all.filter(|id| program.endpoint(*id).kind != EndpointKind::Released && holds(*id)).collect()
        };
        if let Some(id) = self.names.find_endpoint(word) {
            return Some(vec![id]);
        }
        let is_cloud = |id: EndpointId| program.endpoint(id).kind == EndpointKind::CloudServices;
        match word {
            "classic" => {
                let is_classic = |id: EndpointId| program.vpc(program.endpoint(id).domain).is_none();
                return Some(of_kind(&|id| !is_cloud(id) && is_classic(id)));
            }
            "services" => {
                return Some(of_kind(&|id| matches!(program.endpoint(id).kind, EndpointKind::Service { .. })));
            }
            _ => {}
        }
        if let Some(vpc) = self.world.vpcs.find(word) {
            let domain = DomainId::from_index(vpc.index());
            return Some(of_kind(&|id| !is_cloud(id) && program.endpoint(id).domain == domain));
        }
        if let Some(vswitch) = self.world.vswitches.find(word) {
            let lives = |id: EndpointId| program.endpoint(id).vswitch.is_some_and(|at| at.index() == vswitch.index());
            return Some(of_kind(&lives));
        }
        let group = self.world.security_groups.find(word)?;
        let members = self
            .world
            .instances
            .values()
            .filter(|instance| instance.security_groups.iter().any(|known| known.value == group));
        Some(members.filter_map(|instance| self.names.find_endpoint(&instance.id.value)).collect())
    }

    fn unknown(&self, word: &str) -> ReachTextError {
        let endpoints = self.names.endpoints.iter().map(|name| name.text.as_str()).filter(|name| !name.is_empty());
        let others = self.world.vpcs.ids().chain(self.world.vswitches.ids()).chain(self.world.security_groups.ids());
        let known = endpoints.chain(others).chain(["classic", "services", "any"]);
        let near = Suggestions::default().nearest(word, known);
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        ReachTextError(format!("the topology has no endpoint, VPC, vSwitch or security group `{word}`{hint}"))
    }
}

fn misplaced(word: &str) -> ReachTextError {
    ReachTextError(format!("`{word}` stands between two names, as in `vpc-shop {word} services`"))
}

fn prefix(word: &str) -> Option<Ipv4Net> {
    let address = word.parse::<Ipv4Addr>().ok().map(Ipv4Net::from);
    address.or_else(|| word.parse::<Ipv4Net>().ok().filter(|prefix| prefix.trunc() == *prefix))
}

/// Headers as people write them: protocols, each with its destination ports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderSpec(Vec<(Protocol, Ports)>);

impl HeaderSpec {
    /// Adds all headers of a protocol.
    pub fn add_protocol(&mut self, protocol: Protocol) {
        self.0.push((protocol, ALL_PORTS));
    }

    /// Adds destination ports of a protocol: `443`, `80,443`, `1000-2000`, or `any`.
    ///
    /// # Errors
    /// The text says no ports.
    pub fn add_ports(&mut self, protocol: Protocol, text: &str) -> Result<(), ReachTextError> {
        for part in text.split(',') {
            let wrong = || ReachTextError(format!("expected ports as 443, 80,443, 1000-2000 or any, not `{text}`"));
            let port = |part: &str| part.trim().parse::<u16>().map_err(|_| wrong());
            let ports = match part.split_once('-') {
                _ if part.trim() == "any" => ALL_PORTS,
                Some((first, last)) => (port(first)?, port(last)?),
                None => (port(part)?, port(part)?),
            };
            if ports.0 > ports.1 {
                return Err(ReachTextError(format!("the first port is above the last in `{}`", part.trim())));
            }
            self.0.push((protocol, ports));
        }
        Ok(())
    }

    /// Reads headers: `tcp/3306`, `udp`, `icmp`, `tcp/80-90` or `47`, several with commas between them.
    ///
    /// # Errors
    /// A part names no protocol or no ports.
    pub fn parse(text: &str) -> Result<HeaderSpec, ReachTextError> {
        let mut spec = HeaderSpec::default();
        for part in text.split(',').map(str::trim) {
            let (name, ports) = part.split_once('/').map_or((part, None), |(name, ports)| (name, Some(ports)));
            let protocol: Protocol = name.trim().parse().map_err(|_| {
                ReachTextError(format!("`{part}` names no headers: expected for example tcp/3306, udp or icmp"))
            })?;
            match ports {
                None => spec.add_protocol(protocol),
                Some(_) if !protocol.has_ports() => return Err(ReachTextError(format!("{protocol} has no ports"))),
                Some(ports) => spec.add_ports(protocol, ports)?,
            }
        }
        Ok(spec)
    }

    /// True where nothing was said.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The protocols that it names.
    pub fn protocols(&self) -> impl Iterator<Item = Protocol> + '_ {
        self.0.iter().map(|(protocol, _)| *protocol)
    }

    /// The headers, where `classes` tells the protocols apart.
    pub fn headers(&self, classes: &ProtocolClasses) -> HeaderSet {
        let header = |(protocol, ports): &(Protocol, Ports)| HeaderBox {
            class: classes.of(*protocol),
            source_ports: ALL_PORTS,
            destination_ports: *ports,
        };
        HeaderSet::of_boxes(&self.0.iter().map(header).collect::<Vec<_>>())
    }
}

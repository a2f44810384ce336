//! Which ends a question is about.

use crate::net::{AddressCuts, Ipv4Net};
use crate::program::EndpointId;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// Ends of flows: endpoints together with the addresses that they stand for.
#[derive(Clone, Debug)]
pub enum Selector {
    /// All.
    Any,
    /// These endpoints, by id, with every address.
    Endpoints(Rc<[bool]>),
    /// Every endpoint, with the addresses of a prefix.
    Addresses(Ipv4Net),
    /// What both hold.
    Both(Box<Selector>, Box<Selector>),
    /// What the first holds and the second does not.
    Without(Box<Selector>, Box<Selector>),
}

impl Selector {
    /// True where `endpoint` as the end that stands for `address` is selected; `None` for an address that no endpoint
    /// stands for.
    pub fn holds(&self, endpoint: Option<EndpointId>, address: Ipv4Addr) -> bool {
        match self {
            Selector::Any => true,
            Selector::Endpoints(chosen) => endpoint.is_some_and(|id| chosen.get(id.index()).copied().unwrap_or(false)),
            Selector::Addresses(prefix) => prefix.contains(&address),
            Selector::Both(one, other) => one.holds(endpoint, address) && other.holds(endpoint, address),
            Selector::Without(one, other) => one.holds(endpoint, address) && !other.holds(endpoint, address),
        }
    }

    /// Adds the places at which the answer of [`Selector::holds`] for one endpoint can change.
    pub fn add_cuts(&self, cuts: &mut AddressCuts) {
        match self {
            Selector::Any | Selector::Endpoints(_) => {}
            Selector::Addresses(prefix) => cuts.add(*prefix),
            Selector::Both(one, other) | Selector::Without(one, other) => {
                one.add_cuts(cuts);
                other.add_cuts(cuts);
            }
        }
    }
}

//! The declared world: what the topology file says, with the place that says it.
//!
//! Objects stand in [`Table`]s in the order of the file and are named by [`Key`]s that stay valid when others are
//! released. Every reference is resolved; whether the world obeys the vendor's limits is the business of
//! [`crate::check`].

mod about;
mod change_set;
mod group;
mod guest;
mod index;
mod kind;
pub mod limits;
mod shared;
mod table;
pub mod timing;
mod world;

pub use crate::net::ranges;

pub use about::About;
pub use change_set::ChangeSet;
pub use group::{Direction, GroupKind, NicType, Peer, Policy, Rule, SecurityGroup, UnknownRules};
pub use guest::MissingGuestRoute;
pub use index::WorldIndex;
pub use kind::ObjectKind;
pub use shared::SharedText;
pub use table::{Identified, Key, Table};
pub use timing::{ClassicZone, Latency, PerDirection, RateLimits, TimingSettings};
pub use world::{
    Gateway, Instance, InstanceState, Location, Network, NextHop, Peering, Placement, Route, RouteTable, Service,
    ServiceKind, SessionTimeouts, Vpc, Vswitch, World,
};

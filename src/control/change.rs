//! What an accepted operation does to the world: decided against a world that nobody can change meanwhile, done
//! without a way to fail.

use super::census::Census;
use crate::check::Checked;
use crate::diag::{Span, Spanned};
use crate::model::{
    Direction, Instance, InstanceState, Key, Location, Route, RouteTable, Rule, SecurityGroup, Service, Touched, Vpc,
    Vswitch, World,
};
use crate::net::Ipv4Net;
use std::net::Ipv4Addr;

/// An operation that was accepted and is yet to be carried out.
#[derive(Debug)]
#[must_use = "the world is as it was until the change is carried out"]
pub struct Change {
    edits: Vec<Edit>,
    /// Where the operation stands in a file, if it stands in one: the place of what it adds.
    place: Span,
}

/// One step of a change.
#[derive(Debug)]
pub(super) enum Edit {
    Switch(Key<Vpc>, bool),
    Link(Key<Instance>, Key<Vpc>),
    Unlink(Key<Instance>),
    State(Key<Instance>, InstanceState),
    AddGuestRoute(Key<Instance>, Ipv4Net),
    ForgetGuestRoutes(Key<Instance>),
    Account(Key<Instance>, String),
    Groups(Key<Instance>, Vec<Key<SecurityGroup>>),
    Move(Key<Instance>, Key<Vswitch>, Ipv4Addr),
    Release(Key<Instance>),
    PrimaryCidr(Key<Vpc>, Ipv4Net),
    AddSecondaryCidr(Key<Vpc>, Ipv4Net),
    /// By position in the list.
    RemoveSecondaryCidr(Key<Vpc>, usize),
    AddRoute(TableKey, Route),
    /// By position in the table.
    RemoveRoute(TableKey, usize),
    AddRule(Key<SecurityGroup>, Direction, Rule),
    /// By position in the list.
    RemoveRule(Key<SecurityGroup>, Direction, usize),
    Whitelist(Key<Service>, Vec<Ipv4Net>),
}

/// A route table with custom entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TableKey {
    System(Key<Vpc>),
    Custom(Key<RouteTable>),
}

impl TableKey {
    /// The VPC of the table.
    pub(super) fn vpc(self, world: &World) -> Key<Vpc> {
        match self {
            TableKey::System(vpc) => vpc,
            TableKey::Custom(table) => world.route_tables[table].vpc.value,
        }
    }

    /// The custom entries of the table.
    pub(super) fn routes(self, world: &World) -> &[Route] {
        match self {
            TableKey::System(vpc) => &world.vpcs[vpc].routes,
            TableKey::Custom(table) => &world.route_tables[table].routes,
        }
    }

    fn routes_mut(self, world: &mut World) -> &mut Vec<Route> {
        match self {
            TableKey::System(vpc) => &mut world.vpcs[vpc].routes,
            TableKey::Custom(table) => &mut world.route_tables[table].routes,
        }
    }
}

impl Change {
    pub(super) fn new(edits: Vec<Edit>, place: Span) -> Change {
        Change { edits, place }
    }

    /// Changes `world`, which the operation was planned for, and the census of it; tells what was touched.
    pub fn carry_out(self, world: &mut Checked, census: &mut Census) -> Touched {
        let mut editor = Editor { world: world.world_mut(), census, place: self.place, touched: Touched::default() };
        for edit in self.edits {
            editor.carry_out(edit);
        }
        editor.touched.tidy();
        editor.touched
    }
}

struct Editor<'w> {
    world: &'w mut World,
    census: &'w mut Census,
    place: Span,
    touched: Touched,
}

impl Editor<'_> {
    fn carry_out(&mut self, edit: Edit) {
        let (world, census, place) = (&mut *self.world, &mut *self.census, self.place);
        match edit {
            Edit::Switch(vpc, on) => {
                world.vpcs[vpc].classic_link = Spanned::new(on, place);
                self.touched.vpcs.push(vpc);
            }
            Edit::Link(instance, vpc) => {
                world.instances[instance].linked_vpc = Some(Spanned::new(vpc, place));
                census.link(instance, vpc);
                self.touched.instances.push(instance);
            }
            Edit::Unlink(instance) => {
                if let Some(vpc) = world.instances[instance].linked_vpc.take() {
                    census.unlink(instance, vpc.value);
                }
                self.touched.instances.push(instance);
            }
            Edit::State(instance, state) => {
                world.instances[instance].state = Spanned::new(state, place);
                self.touched.instances.push(instance);
            }
            Edit::AddGuestRoute(instance, destination) => {
                world.instances[instance].guest_routes.push(Spanned::new(destination, place));
                self.touched.instances.push(instance);
            }
            Edit::ForgetGuestRoutes(instance) => {
                world.instances[instance].guest_routes.clear();
                self.touched.instances.push(instance);
            }
            Edit::Account(instance, account) => {
                world.instances[instance].placement.account = Some(Spanned::new(account.as_str().into(), place));
                self.touched.instances.push(instance);
            }
            Edit::Groups(instance, groups) => self.regroup(instance, &groups),
            Edit::Move(instance, vswitch, address) => {
                let own = &mut world.instances[instance];
                own.location = Spanned::new(Location::Vswitch(vswitch), place);
                own.private_ip = Spanned::new(address, place);
                census.take(world, Location::Vswitch(vswitch), address);
                self.touched.instances.push(instance);
            }
            Edit::Release(instance) => self.release(instance),
            Edit::PrimaryCidr(vpc, cidr) => {
                world.vpcs[vpc].cidr = Spanned::new(cidr, place);
                self.touched.vpcs.push(vpc);
            }
            Edit::AddSecondaryCidr(vpc, cidr) => {
                world.vpcs[vpc].secondary_cidrs.push(Spanned::new(cidr, place));
                self.touched.vpcs.push(vpc);
            }
            Edit::RemoveSecondaryCidr(vpc, position) => {
                world.vpcs[vpc].secondary_cidrs.remove(position);
                self.touched.vpcs.push(vpc);
            }
            Edit::AddRoute(table, route) => {
                census.add_route(&route);
                table.routes_mut(world).push(route);
                self.touched.vpcs.push(table.vpc(world));
            }
            Edit::RemoveRoute(table, position) => {
                census.remove_route(&table.routes_mut(world).remove(position));
                self.touched.vpcs.push(table.vpc(world));
            }
            Edit::AddRule(group, direction, rule) => {
                world.security_groups[group].rules_mut(direction).push(rule);
                self.touched.rules_of.push(group);
            }
            Edit::RemoveRule(group, direction, position) => {
                world.security_groups[group].rules_mut(direction).remove(position);
                self.touched.rules_of.push(group);
            }
            Edit::Whitelist(service, entries) => {
                let entries = entries.into_iter().map(|entry| Spanned::new(entry, place)).collect();
                world.services[service].whitelist = Some(Spanned::new(entries, place));
                self.touched.services.push(service);
            }
        }
    }

    /// Puts an instance into `groups` alone. A group it stays in keeps the place in the file that says so.
    fn regroup(&mut self, instance: Key<Instance>, groups: &[Key<SecurityGroup>]) {
        let place = self.place;
        let own = &mut self.world.instances[instance].security_groups;
        let named = |group: Key<SecurityGroup>| {
            own.iter().find(|old| old.value == group).copied().unwrap_or(Spanned::new(group, place))
        };
        let new: Vec<_> = groups.iter().map(|group| named(*group)).collect();
        let old = std::mem::replace(own, new);
        for group in old.iter().map(|group| group.value).filter(|group| !groups.contains(group)) {
            self.census.leave(group);
            self.touched.members_of.push(group);
        }
        for group in groups.iter().filter(|group| old.iter().all(|old| old.value != **group)) {
            self.census.join(*group);
            self.touched.members_of.push(*group);
        }
        self.touched.instances.push(instance);
    }

    fn release(&mut self, instance: Key<Instance>) {
        if self.world.kept_regions.is_empty() {
            self.world.kept_regions = self.census.regions().to_vec();
        }
        let id = self.world.instances[instance].id.value.clone();
        let Some(gone) = self.world.instances.remove(&id) else { return };
        self.census.give_back(self.world, *gone.location, *gone.private_ip);
        for group in &gone.security_groups {
            self.census.leave(group.value);
            self.touched.members_of.push(group.value);
        }
        if let Some(vpc) = &gone.linked_vpc {
            self.census.unlink(instance, vpc.value);
        }
        self.touched.instances.push(instance);
    }
}

//! What an accepted operation does to the world: decided against a world that cannot change meanwhile, done
//! without a way to fail.

use crate::check::Checked;
use crate::diag::{Span, Spanned};
use crate::model::{
    ChangeSet, Direction, Instance, InstanceState, Key, Location, Network, Route, RouteTable, Rule, SecurityGroup,
    Service, Vpc, Vswitch, World, WorldIndex,
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
    Whitelist {
        service: Key<Service>,
        entries: Vec<Ipv4Net>,
        is_unknown: bool,
    },
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

    /// Changes `world`, which the operation was planned for, and returns what was touched.
    pub fn carry_out(self, world: &mut Checked) -> ChangeSet {
        let (world, index) = world.parts_mut();
        let mut editor = Editor { world, index, place: self.place, touched: ChangeSet::default() };
        for edit in self.edits {
            editor.carry_out(edit);
        }
        editor.touched.tidy();
        editor.touched
    }
}

struct Editor<'w> {
    world: &'w mut World,
    index: &'w mut WorldIndex,
    place: Span,
    touched: ChangeSet,
}

impl Editor<'_> {
    fn carry_out(&mut self, edit: Edit) {
        let place = self.place;
        match edit {
            Edit::Switch(vpc, on) => self.vpc(vpc).classic_link = Spanned::new(on, place),
            Edit::Link(instance, vpc) => {
                self.instance(instance).linked_vpc = Some(Spanned::new(vpc, place));
                self.index.link(instance, vpc);
            }
            Edit::Unlink(instance) => {
                if let Some(vpc) = self.instance(instance).linked_vpc.take() {
                    self.index.unlink(instance, vpc.value);
                }
            }
            Edit::State(instance, state) => self.instance(instance).state = Spanned::new(state, place),
            Edit::AddGuestRoute(instance, destination) => {
                self.instance(instance).guest_routes.push(Spanned::new(destination, place));
            }
            Edit::ForgetGuestRoutes(instance) => self.instance(instance).guest_routes.clear(),
            Edit::Account(instance, account) => {
                self.instance(instance).placement.account = Some(Spanned::new(account.as_str().into(), place));
            }
            Edit::Groups(instance, groups) => self.regroup(instance, &groups),
            Edit::Move(instance, vswitch, address) => {
                let own = self.instance(instance);
                own.location = Spanned::new(Location::Vswitch(vswitch), place);
                own.private_ip = Spanned::new(address, place);
                let vpc = self.world.vswitches[vswitch].vpc.value;
                self.index.take_address(vpc, address);
            }
            Edit::Release(instance) => self.release(instance),
            Edit::PrimaryCidr(vpc, cidr) => self.vpc(vpc).cidr = Spanned::new(cidr, place),
            Edit::AddSecondaryCidr(vpc, cidr) => self.vpc(vpc).secondary_cidrs.push(Spanned::new(cidr, place)),
            Edit::RemoveSecondaryCidr(vpc, position) => _ = self.vpc(vpc).secondary_cidrs.remove(position),
            Edit::AddRoute(table, route) => {
                self.index.add_route(&route);
                self.routes(table).push(route);
            }
            Edit::RemoveRoute(table, position) => {
                let route = self.routes(table).remove(position);
                self.index.remove_route(&route);
            }
            Edit::AddRule(group, direction, rule) => self.rules(group, direction).push(rule),
            Edit::RemoveRule(group, direction, position) => _ = self.rules(group, direction).remove(position),
            Edit::Whitelist { service, entries, is_unknown } => {
                let entries = entries.into_iter().map(|entry| Spanned::new(entry, place)).collect();
                self.touched.services.push(service);
                let own = &mut self.world.services[service];
                (own.whitelist, own.whitelist_is_unknown) = (Some(Spanned::new(entries, place)), is_unknown);
            }
        }
    }

    /// An instance that is touched.
    fn instance(&mut self, key: Key<Instance>) -> &mut Instance {
        self.touched.instances.push(key);
        &mut self.world.instances[key]
    }

    /// A VPC that is touched.
    fn vpc(&mut self, key: Key<Vpc>) -> &mut Vpc {
        self.touched.vpcs.push(key);
        &mut self.world.vpcs[key]
    }

    /// A route table whose VPC is touched.
    fn routes(&mut self, table: TableKey) -> &mut Vec<Route> {
        self.touched.vpcs.push(table.vpc(self.world));
        table.routes_mut(self.world)
    }

    /// A list of rules whose group is touched.
    fn rules(&mut self, group: Key<SecurityGroup>, direction: Direction) -> &mut Vec<Rule> {
        self.touched.rules_of.push(group);
        self.world.security_groups[group].rules_mut(direction)
    }

    /// Puts an instance into `groups` alone. A group it stays in keeps the place in the file that says so.
    fn regroup(&mut self, instance: Key<Instance>, groups: &[Key<SecurityGroup>]) {
        let place = self.place;
        let own = &mut self.instance(instance).security_groups;
        let named = |group: Key<SecurityGroup>| {
            own.iter().find(|old| old.value == group).copied().unwrap_or(Spanned::new(group, place))
        };
        let new: Vec<_> = groups.iter().map(|group| named(*group)).collect();
        let old = std::mem::replace(own, new);
        for group in old.iter().map(|group| group.value).filter(|group| !groups.contains(group)) {
            self.index.leave(instance, group);
            self.touched.members_of.push(group);
        }
        for group in groups.iter().filter(|group| old.iter().all(|old| old.value != **group)) {
            self.index.join(instance, *group);
            self.touched.members_of.push(*group);
        }
    }

    fn release(&mut self, instance: Key<Instance>) {
        if self.world.kept_regions.is_empty() {
            self.world.kept_regions = self.index.regions().to_vec();
        }
        let id = self.world.instances[instance].id.value.clone();
        let Some(gone) = self.world.instances.remove(&id) else { return };
        if let Network::Vpc(vpc) = self.world.network(*gone.location) {
            self.index.free_address(vpc, *gone.private_ip);
        }
        for group in &gone.security_groups {
            self.index.leave(instance, group.value);
            self.touched.members_of.push(group.value);
        }
        if let Some(vpc) = &gone.linked_vpc {
            self.index.unlink(instance, vpc.value);
        }
        self.touched.instances.push(instance);
    }
}

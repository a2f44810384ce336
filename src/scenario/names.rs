//! The ids of the topology that a scenario can name.

use super::decode::{Decoder, FEW, Item, invalid};
use crate::diag::{Diagnostic, Span, Spanned, quoted_list};
use crate::model::{Direction, World};
use std::cell::Cell;

/// The built-in endpoint of 100.64.0.0/10.
const CLOUD_SERVICES: &str = "cloud-services";

/// The routing domain of the classic network.
const CLASSIC: &str = "classic";

/// The topology of a scenario; `None` where it could not be understood: then every id passes.
pub(super) struct KnownNames<'w> {
    world: Option<&'w World>,
    /// Whether a step so far changes the rules of groups: then their numbers are not known before the scenario runs.
    rules_change: Cell<bool>,
}

/// What an operation names.
#[derive(Clone, Copy)]
pub(super) enum Object {
    Instance,
    Service,
    Vpc,
    Vswitch,
    /// A custom route table, or a VPC for its system table.
    Table,
    SecurityGroup,
    /// What a custom route leads to.
    NextHop,
}

impl Object {
    const fn noun(self) -> &'static str {
        match self {
            Object::Instance => "instance",
            Object::Service => "service",
            Object::Vpc => "VPC",
            Object::Vswitch => "vSwitch",
            Object::Table => "route table or VPC",
            Object::SecurityGroup => "security group",
            Object::NextHop => "instance, gateway or peering",
        }
    }

    fn exists(self, world: &World, id: &str) -> bool {
        match self {
            Object::Instance => world.instances.find(id).is_some(),
            Object::Service => world.services.find(id).is_some(),
            Object::Vpc => world.vpcs.find(id).is_some(),
            Object::Vswitch => world.vswitches.find(id).is_some(),
            Object::Table => world.route_tables.find(id).is_some() || world.vpcs.find(id).is_some(),
            Object::SecurityGroup => world.security_groups.find(id).is_some(),
            Object::NextHop => world.has_endpoint_or_peering(id),
        }
    }

    fn all(self, world: &World) -> Vec<&str> {
        match self {
            Object::Instance => world.instances.ids().collect(),
            Object::Service => world.services.ids().collect(),
            Object::Vpc => world.vpcs.ids().collect(),
            Object::Vswitch => world.vswitches.ids().collect(),
            Object::Table => world.route_tables.ids().chain(world.vpcs.ids()).collect(),
            Object::SecurityGroup => world.security_groups.ids().collect(),
            Object::NextHop => world.instances.ids().chain(world.gateways.ids()).chain(world.peerings.ids()).collect(),
        }
    }
}

impl<'w> KnownNames<'w> {
    pub(super) fn new(world: Option<&'w World>) -> KnownNames<'w> {
        KnownNames { world, rules_change: Cell::new(false) }
    }

    /// From here on the rules of groups are not those of the topology.
    pub(super) fn let_rules_change(&self) {
        self.rules_change.set(true);
    }

    /// The id of what an operation names.
    pub(super) fn object(&self, decoder: &mut Decoder<'_>, item: Item<'_>, object: Object) -> Option<String> {
        let id = Spanned::new(item.string(decoder)?, item.span);
        self.known(decoder, id, object.noun(), |world, id| object.exists(world, id), |world| object.all(world))
    }

    /// True where the topology has such a security group.
    pub(super) fn is_group(&self, id: &str) -> bool {
        self.world.is_some_and(|world| world.security_groups.find(id).is_some())
    }

    /// An instance, service, gateway or `cloud-services`.
    pub(super) fn endpoint(&self, decoder: &mut Decoder<'_>, item: Item<'_>) -> Option<Spanned<String>> {
        let id = Spanned::new(item.string(decoder)?, item.span);
        Some(Spanned::new(self.endpoint_id(decoder, id)?, item.span))
    }

    /// An endpoint that stands as a key.
    pub(super) fn endpoint_id(&self, decoder: &mut Decoder<'_>, id: Spanned<&str>) -> Option<String> {
        self.known(decoder, id, "endpoint", is_endpoint, endpoints)
    }

    /// A routing domain: `classic` or a VPC.
    pub(super) fn domain(&self, decoder: &mut Decoder<'_>, item: Item<'_>) -> Option<Spanned<String>> {
        let id = Spanned::new(item.string(decoder)?, item.span);
        Some(Spanned::new(self.known(decoder, id, "routing domain", is_domain, domains)?, item.span))
    }

    /// An endpoint or a routing domain.
    pub(super) fn place(&self, decoder: &mut Decoder<'_>, item: Item<'_>) -> Option<Spanned<String>> {
        let id = Spanned::new(item.string(decoder)?, item.span);
        let is_place = |world: &World, id: &str| is_endpoint(world, id) || is_domain(world, id);
        let places = |world: &'w World| domains(world).into_iter().chain(endpoints(world)).collect();
        Some(Spanned::new(self.known(decoder, id, "endpoint or routing domain", is_place, places)?, item.span))
    }

    /// Reports where the group has no such rule.
    pub(super) fn rule(
        &self,
        decoder: &mut Decoder<'_>,
        span: Span,
        group: &str,
        direction: Direction,
        number: usize,
    ) -> Option<()> {
        let Some(world) = self.world else {
            return Some(());
        };
        let object = Object::SecurityGroup;
        let exists = |world: &World, id: &str| object.exists(world, id);
        self.known(decoder, Spanned::new(group, span), object.noun(), exists, |world| object.all(world))?;
        let group = &world.security_groups[world.security_groups.find(group)?];
        let rules = group.rules(direction);
        if number > 0 && (number <= rules.len() || self.rules_change.get()) {
            return Some(());
        }
        let message = format!("`{}` has no {} rule #{number}", group.id.value, direction.name());
        let count = match rules.len() {
            0 => format!("it has no {} rules", direction.name()),
            1 => format!("it has one {} rule", direction.name()),
            count => format!("it has {count} {} rules", direction.name()),
        };
        let problem = invalid(span, message, count);
        decoder.report(problem.note("rules count from 1 in the order of the file"));
        None
    }

    fn known(
        &self,
        decoder: &mut Decoder<'_>,
        id: Spanned<&str>,
        noun: &str,
        exists: impl FnOnce(&World, &str) -> bool,
        candidates: impl FnOnce(&'w World) -> Vec<&'w str>,
    ) -> Option<String> {
        let Some(world) = self.world.filter(|world| !exists(world, id.value)) else {
            return Some(id.value.to_owned());
        };
        let mut problem = Diagnostic::error("unknown-id", format!("no {noun} is called `{}`", id.value))
            .at(id.span, what_it_is(world, id.value).unwrap_or("the topology declares none of this id"));
        let mut candidates = if decoder.can_suggest() { candidates(world) } else { Vec::new() };
        if let Some(near) = decoder.nearest(id.value, candidates.iter().copied()) {
            problem = problem.help(format!("did you mean `{near}`?"));
        } else if (1..=FEW).contains(&candidates.len()) {
            candidates.sort_unstable();
            problem = problem.help(format!("there are {}", quoted_list(candidates)));
        }
        decoder.report(problem);
        None
    }
}

fn is_endpoint(world: &World, id: &str) -> bool {
    id == CLOUD_SERVICES
        || world.instances.find(id).is_some()
        || world.services.find(id).is_some()
        || world.gateways.find(id).is_some()
}

fn is_domain(world: &World, id: &str) -> bool {
    id == CLASSIC || world.vpcs.find(id).is_some()
}

fn endpoints(world: &World) -> Vec<&str> {
    let declared = world.instances.ids().chain(world.services.ids()).chain(world.gateways.ids());
    declared.chain([CLOUD_SERVICES]).collect()
}

fn domains(world: &World) -> Vec<&str> {
    world.vpcs.ids().chain([CLASSIC]).collect()
}

/// What else the topology calls `id`.
fn what_it_is(world: &World, id: &str) -> Option<&'static str> {
    let kinds = [
        (is_endpoint(world, id), "this is an endpoint"),
        (is_domain(world, id), "this is a routing domain"),
        (world.vswitches.find(id).is_some(), "this is a vSwitch"),
        (world.route_tables.find(id).is_some(), "this is a route table"),
        (world.peerings.find(id).is_some(), "this is a peering"),
        (world.security_groups.find(id).is_some(), "this is a security group"),
    ];
    kinds.into_iter().find(|(is, _)| *is).map(|(_, what)| what)
}

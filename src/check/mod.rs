//! Whether a declared world keeps the vendor's limits: one record per rule, and all findings of a world in one run.
//!
//! What no operation of the vendor could have produced is an error. What the vendor allows, but carries no traffic or
//! surprises its owner, is a warning. A warning that foretells a drop bears the id of the drop's
//! [`Reason`](crate::diag::Reason).

mod addresses;
mod cidrs;
mod classiclink;
mod clients;
mod closed_links;
mod gateways;
mod group_peers;
mod group_rules;
mod groups;
mod guests;
pub mod link;
mod peerings;
pub mod preflight;
mod refusal;
mod routes;
mod rule_sources;
mod settings;
mod shadowed;
mod survey;
#[cfg(test)]
mod tests;
pub mod unused;
mod whitelists;

pub use crate::model::limits;
pub(crate) use cidrs::forbidden_range;
pub(crate) use closed_links::{ClosedLinks, link_without_rule};
pub(crate) use groups::member_limit;
pub use refusal::{Refusal, RefusalRecord};

use crate::diag::{Diagnostic, ProblemRecord, Severity, Span};
use crate::model::{World, WorldIndex};
use crate::threads;
use std::borrow::Cow;
use std::ops::Deref;
use survey::Survey;

/// Every rule, by subject.
pub static RULES: &[&ProblemRecord] = &[
    &cidrs::LENGTH,
    &cidrs::FORBIDDEN,
    &cidrs::SECONDARY_COUNT,
    &cidrs::OVERLAP,
    &cidrs::VSWITCH_LENGTH,
    &cidrs::VSWITCH_OUTSIDE,
    &cidrs::VSWITCH_OVERLAP,
    &addresses::OUTSIDE_VSWITCH,
    &addresses::RESERVED,
    &addresses::NOT_CLASSIC,
    &addresses::DUPLICATE,
    &addresses::PLACEMENT,
    &classiclink::LINK_LIMIT,
    &classiclink::LINK_REGION,
    &classiclink::LINK_ACCOUNT,
    &classiclink::LINK_FROM_VPC,
    &classiclink::ROUTE_CONFLICT,
    &classiclink::DISABLED,
    &classiclink::RANGE,
    &classiclink::VSWITCH_RANGE,
    &classiclink::SECONDARY,
    &classiclink::GUEST_ROUTE,
    &classiclink::SHADOW,
    &closed_links::CLOSED,
    &groups::NO_GROUP,
    &groups::TOO_MANY,
    &groups::TWICE,
    &groups::NETWORK,
    &groups::REGION,
    &groups::ACCOUNT,
    &groups::MIXED,
    &groups::CAPACITY,
    &groups::PER_ACCOUNT,
    &groups::ENTERPRISE_CLASSIC,
    &groups::ENTERPRISE_INTRA,
    &group_rules::COUNT,
    &group_rules::PEER_COUNT,
    &group_rules::PORTS,
    &group_rules::DUPLICATE,
    &group_rules::NIC,
    &group_rules::DESCRIPTION,
    &shadowed::SHADOWED,
    &rule_sources::UNSPECIFIED,
    &rule_sources::UNUSED,
    &group_peers::ENTERPRISE_PEER,
    &group_peers::SELF_PEER,
    &group_peers::OTHER_VPC,
    &group_peers::OTHER_REGION,
    &group_peers::LINK_OFF,
    &group_peers::EMPTY,
    &group_peers::DEAD_LETTER,
    &routes::TABLE_COUNT,
    &routes::COUNT,
    &routes::DUPLICATE,
    &routes::CLOUD_SERVICES,
    &routes::INSIDE_VSWITCH,
    &routes::OTHER_VPC,
    &routes::TABLE_OF_OTHER_VPC,
    &routes::TABLE_UNUSED,
    &routes::DOWN,
    &routes::NOT_FORWARDING,
    &peerings::SELF,
    &peerings::TWICE,
    &peerings::CIDR_OVERLAP,
    &peerings::VSWITCH_OVERLAP,
    &peerings::NO_ROUTE,
    &peerings::MISSES,
    &peerings::NO_TRANSIT,
    &gateways::OVERLAP,
    &gateways::NO_ROUTE,
    &gateways::NO_SOURCES,
    &whitelists::LIMIT,
    &whitelists::NOBODY,
    &whitelists::DEAD_ENTRY,
    &guests::IN_VPC,
    &guests::USELESS_ROUTE,
    &guests::CLASSIC_FORWARDING,
    &settings::TIMEOUT,
    &settings::PACKET_SIZE,
];

/// Everything wrong with `world`, in the order of the places at fault.
pub fn check(world: &World) -> Vec<Diagnostic> {
    findings(&Survey::of(world))
}

fn findings(survey: &Survey<'_>) -> Vec<Diagnostic> {
    let world = survey.world;
    let (mut findings, second) = if world.instances.len() < WORTH_A_THREAD {
        (first_half(survey), second_half(survey))
    } else {
        threads::both(|| first_half(survey), || second_half(survey))
    };
    findings.extend(second);
    findings.sort_by_key(|finding| finding.labels.first().map_or(Span::NONE, |label| label.span));
    findings
}

/// Instances of a world that two threads look at.
const WORTH_A_THREAD: usize = 20_000;

/// About half of the work in a large world.
fn first_half(survey: &Survey<'_>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    cidrs::check(survey, &mut findings);
    addresses::check(survey, &mut findings);
    classiclink::check(survey, &mut findings);
    findings
}

fn second_half(survey: &Survey<'_>) -> Vec<Diagnostic> {
    let (world, mut findings) = (survey.world, Vec::new());
    groups::check(survey, &mut findings);
    group_rules::check(survey, &mut findings);
    group_peers::check(survey, &mut findings);
    shadowed::check(world, &mut findings);
    rule_sources::check(survey, &mut findings);
    routes::check(survey, &mut findings);
    peerings::check(survey, &mut findings);
    gateways::check(survey, &mut findings);
    whitelists::check(survey, &mut findings);
    guests::check(survey, &mut findings);
    settings::check(world, &mut findings);
    findings
}

/// A world without errors, and its index: what [`crate::compile`] takes.
#[derive(Clone, Debug)]
pub struct Checked {
    world: World,
    index: WorldIndex,
}

impl Checked {
    /// The world again, to be changed and checked anew.
    pub fn into_inner(self) -> World {
        self.world
    }

    /// What belongs to its VPCs and groups.
    pub fn index(&self) -> &WorldIndex {
        &self.index
    }

    /// A world that a test built by hand, whatever it breaks.
    #[cfg(test)]
    pub(crate) fn assumed(world: World) -> Checked {
        Checked { index: WorldIndex::of(&world), world }
    }

    /// The world and its index, for an operation whose preconditions keep the world free of errors.
    pub(crate) fn parts_mut(&mut self) -> (&mut World, &mut WorldIndex) {
        (&mut self.world, &mut self.index)
    }
}

impl Deref for Checked {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

/// `world` and its warnings, or all findings where one of them is an error.
pub fn checked(world: World) -> Result<(Checked, Vec<Diagnostic>), Vec<Diagnostic>> {
    let index = WorldIndex::of(&world);
    let findings = findings(&Survey::with(&world, Cow::Borrowed(&index)));
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(findings);
    }
    Ok((Checked { world, index }, findings))
}

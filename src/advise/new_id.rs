//! Ids of what has to be made.

use crate::model::World;

/// What is left of an id without its first syllable: `web-1` of `i-web-1`.
pub(super) fn stem(id: &str) -> &str {
    let known = ["i-", "vpc-"].iter().find_map(|prefix| id.strip_prefix(prefix));
    known.filter(|rest| !rest.is_empty()).unwrap_or(id)
}

/// `wanted`, or with a number behind it where something is called so.
pub(super) fn fresh(world: &World, wanted: &str) -> String {
    let taken = |id: &str| {
        world.vpcs.find(id).is_some()
            || world.vswitches.find(id).is_some()
            || world.security_groups.find(id).is_some()
            || world.has_endpoint_or_peering(id)
    };
    let numbered = (2..).map(|number| format!("{wanted}-{number}"));
    std::iter::once(wanted.to_owned()).chain(numbered).find(|id| !taken(id)).unwrap_or_default()
}

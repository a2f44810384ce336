//! Names that were typed and do not exist.

use super::Failure;
use crate::diag::Suggestions;
use crate::model::World;
use crate::text::shown_path;
use std::path::Path;

/// Nothing of this kind has the name; tells the nearest one that there is.
pub(super) fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Failure {
    unknown_of(what, name, Suggestions::default().nearest(name, known))
}

/// The same where the nearest one is known.
pub(super) fn unknown_of(what: &str, name: &str, nearest: Option<&str>) -> Failure {
    let hint = nearest.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Failure::Message(format!("the topology has no {what} `{name}`{hint}"))
}

/// Nothing is called as was typed: `why`, and the nearest of what is `known`.
pub(super) fn no_such<'a>(why: &str, typed: &Path, known: impl Iterator<Item = &'a str>) -> Failure {
    let nearest = Suggestions::default().nearest(&typed.to_string_lossy(), known);
    let hint = nearest.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Failure::Message(format!("{why} `{}`{hint}", shown_path(typed)))
}

/// No instance has the name; another endpoint may.
pub(super) fn unknown_instance(name: &str, world: &World) -> Failure {
    let other = match (world.services.find(name), world.gateways.find(name)) {
        (Some(_), _) => "a managed service",
        (_, Some(_)) => "a gateway",
        (None, None) => return unknown("instance", name, world.instances.ids()),
    };
    Failure::Message(format!("`{name}` is {other}; only ECS instances have a guest"))
}

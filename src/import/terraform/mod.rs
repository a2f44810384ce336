//! Terraform's states and plans, as `terraform show -json` prints them or as the state file has them.
//!
//! Attributes keep the names that the importer knows and no others, as answers do: a state holds passwords and keys in
//! clear.

mod apply;
mod attributes;
mod document;
mod references;
mod removal;

use super::PlanSide;
use super::inventory::Inventory;
use super::json::Malformed;
use apply::Applier;
use document::{Document, PlanAction, Resource};
use references::References;
use std::collections::BTreeSet;

/// The text of one state or plan.
#[derive(Debug)]
pub(super) struct Terraform {
    text: String,
}

/// Takes a state or plan, whose form is checked.
///
/// # Errors
/// It is of a version that is not read here, in a sentence that goes on after its name.
pub(super) fn read(text: &str) -> Result<Terraform, String> {
    let document: Document<'_> = serde_json::from_str(text).map_err(|error| Malformed::of(&error).to_string())?;
    if document.is_plan() || document.is_shown_state() || document.version() == Some("4") {
        return Ok(Terraform { text: text.to_owned() });
    }
    Err(match document.version() {
        Some(version) if version.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("is a Terraform state of version {version}; give what `terraform show -json` prints")
        }
        _ => "is of Terraform and holds neither a state nor a plan; give what `terraform show -json` prints".to_owned(),
    })
}

impl Terraform {
    /// Puts the state, or one side of the plan, over what is known already.
    pub(super) fn take_in(&self, inventory: &mut Inventory, side: PlanSide) {
        // It was read before.
        let Ok(document) = serde_json::from_str::<Document<'_>>(&self.text) else { return };
        let over_a_dump = !inventory.is_empty();
        if !document.is_plan() {
            let resources = document.state();
            let references = References::of(None, &resources);
            return put_all(inventory, &references, &resources, over_a_dump);
        }
        match side {
            PlanSide::Before => {
                let resources = document.before();
                let references = References::of(None, &resources);
                put_all(inventory, &references, &resources, over_a_dump);
            }
            PlanSide::After => {
                let resources = document.after();
                let references = References::of(document.configuration(), &resources);
                if over_a_dump {
                    put_changes(inventory, &references, &document, &resources);
                } else {
                    put_all(inventory, &references, &resources, false);
                }
            }
        }
    }
}

/// Puts every resource; over a dump only those that it does not have.
fn put_all(inventory: &mut Inventory, references: &References<'_>, resources: &[Resource<'_>], over_a_dump: bool) {
    let known: BTreeSet<String> =
        if over_a_dump { inventory.folders.keys().cloned().collect() } else { BTreeSet::new() };
    let mut applier = Applier::new(inventory, references);
    for resource in resources.iter().filter(|resource| resource.id().is_none_or(|id| !known.contains(id))) {
        if !(over_a_dump && resource.is_part_of_another()) {
            applier.put(resource);
        }
    }
    applier.finish();
}

/// Puts what the plan changes: what it deletes goes, what it creates or updates stands as it will be.
fn put_changes(
    inventory: &mut Inventory,
    references: &References<'_>,
    document: &Document<'_>,
    after: &[Resource<'_>],
) {
    for change in document.changes() {
        let gone = matches!(change.action, PlanAction::Delete | PlanAction::Replace);
        if gone || change.action == PlanAction::Update && change.resource.is_part_of_another() {
            removal::remove(inventory, &change.resource);
        }
    }
    let changed: BTreeSet<&str> = (document.changes().iter())
        .filter(|change| matches!(change.action, PlanAction::Create | PlanAction::Update | PlanAction::Replace))
        .map(|change| change.address)
        .collect();
    let known: BTreeSet<String> = inventory.folders.keys().cloned().collect();
    let mut applier = Applier::new(inventory, references);
    for resource in after {
        let new = !resource.is_part_of_another() && resource.id().is_some_and(|id| !known.contains(id));
        if changed.contains(resource.address.as_str()) || new {
            applier.put(resource);
        }
    }
    applier.finish();
}

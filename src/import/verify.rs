//! What is written loads: it is read back and checked, and what is refused is left out and reported until nothing is.

use super::draft::TopologyDraft;
use super::report::{ImportReport, printable};
use super::write::{DraftPart, Written};
use crate::check;
use crate::diag::{Diagnostic, Severity, Sources, Span};
use crate::scenario;
use std::collections::BTreeMap;

/// The errors of a topology, read and checked as every command does.
pub(super) fn errors(text: &str) -> Vec<Diagnostic> {
    let is_error = |finding: &Diagnostic| finding.severity == Severity::Error;
    let (world, findings) = scenario::topology(&mut Sources::new(), "import.toml", text);
    let errors: Vec<_> = findings.into_iter().filter(is_error).collect();
    if errors.is_empty() { check::check(&world).into_iter().filter(is_error).collect() } else { errors }
}

/// Takes the parts that `errors` are about out of the draft. False where an error is about none.
pub(super) fn leave_out(
    draft: &mut TopologyDraft,
    written: &Written,
    errors: &[Diagnostic],
    report: &mut ImportReport,
) -> bool {
    let mut parts: BTreeMap<DraftPart, String> = BTreeMap::new();
    for error in errors {
        let Some(place) = error.labels.first().map(|label| label.span) else { return false };
        let Some(part) = part_at(written, place) else { return false };
        parts.entry(part).or_insert_with(|| format!("a topology does not take it: {} [{}]", error.message, error.id));
    }
    // From the last place of a list to the first, so that the places before stay what they are.
    for (part, why) in parts.into_iter().rev() {
        report.leave_out(part.id(), printable(&why));
        remove(draft, &part);
    }
    true
}

/// The smallest part around a place.
fn part_at(written: &Written, place: Span) -> Option<DraftPart> {
    let at = place.start as usize;
    // Objects follow each other, and what is inside one stands after it.
    let after = written.parts.partition_point(|(range, _)| range.start <= at);
    written.parts[..after].iter().rev().find(|(range, _)| range.contains(&at)).map(|(_, part)| part.clone())
}

impl DraftPart {
    fn id(&self) -> &str {
        match self {
            DraftPart::Vpc(id)
            | DraftPart::Vswitch(id)
            | DraftPart::RouteTable(id)
            | DraftPart::Peering(id)
            | DraftPart::Gateway(id)
            | DraftPart::Group(id)
            | DraftPart::Instance(id)
            | DraftPart::Service(id)
            | DraftPart::VpcRoute(id, _)
            | DraftPart::TableRoute(id, _)
            | DraftPart::Ingress(id, _)
            | DraftPart::Egress(id, _)
            | DraftPart::Link(id)
            | DraftPart::Binding(id) => id,
        }
    }
}

fn remove(draft: &mut TopologyDraft, part: &DraftPart) {
    fn take<T>(list: &mut Vec<T>, place: usize) {
        if place < list.len() {
            list.remove(place);
        }
    }
    match part {
        DraftPart::Vpc(id) => drop(draft.vpcs.remove(id)),
        DraftPart::Vswitch(id) => drop(draft.vswitches.remove(id)),
        DraftPart::RouteTable(id) => drop(draft.route_tables.remove(id)),
        DraftPart::Peering(id) => drop(draft.peerings.remove(id)),
        DraftPart::Gateway(id) => drop(draft.gateways.remove(id)),
        DraftPart::Group(id) => drop(draft.groups.remove(id)),
        DraftPart::Instance(id) => drop(draft.instances.remove(id)),
        DraftPart::Service(id) => drop(draft.services.remove(id)),
        DraftPart::VpcRoute(id, place) => {
            if let Some(vpc) = draft.vpcs.get_mut(id) {
                take(&mut vpc.routes.entries, *place);
            }
        }
        DraftPart::TableRoute(id, place) => {
            if let Some(table) = draft.route_tables.get_mut(id) {
                take(&mut table.routes.entries, *place);
            }
        }
        DraftPart::Ingress(id, place) | DraftPart::Egress(id, place) => {
            if let Some(group) = draft.groups.get_mut(id) {
                take(
                    if matches!(part, DraftPart::Ingress(..)) { &mut group.ingress } else { &mut group.egress },
                    *place,
                );
                group.unknown_rules += 1;
            }
        }
        DraftPart::Link(id) => {
            if let Some(instance) = draft.instances.get_mut(id) {
                instance.linked_vpc = None;
            }
        }
        DraftPart::Binding(id) => {
            if let Some(vswitch) = draft.vswitches.get_mut(id) {
                vswitch.route_table = None;
            }
        }
    }
}

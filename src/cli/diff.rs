//! `biplane diff`: flows lost and gained between two topologies, or connections of captures that fare otherwise.

mod captures;

use super::arguments::{Diff, Format};
use super::output::{Terminal, one_topology_on_standard_input};
use super::replay::refuse_capture_options;
use super::{DIFFERENT, Failure, Outcome, SUCCESS};
use crate::datapath::Options;
use crate::diag::Sources;
use crate::lab::{Lab, Topology};
use crate::reach::{self, AllowedChanges, NamedReach, SelectorReader};
use crate::report::{self, DiffWords, Resolver};
use crate::scenario;
use crate::text::shown_path;
use std::sync::Arc;

pub(super) fn diff(arguments: &Diff, terminal: &mut Terminal) -> Outcome {
    one_topology_on_standard_input(std::iter::once(&arguments.old).chain(&arguments.new))?;
    let old = Arc::new(terminal.open_topology(&arguments.old)?);
    let new = match &arguments.new {
        Some(path) => Arc::new(terminal.open_topology(path)?),
        None => applied(arguments, &old, terminal)?,
    };
    let worlds = [&old, &new];
    let allowed = allowed(arguments, worlds.map(AsRef::as_ref))?;
    if !arguments.capture.is_empty() {
        return captures::diff(arguments, worlds.map(AsRef::as_ref), &allowed, terminal);
    }
    refuse_capture_options(&arguments.attribution, &arguments.fabric)?;
    let reaches = reach::comparable(worlds.map(|world| &world.program));
    let [before, after] = [0, 1].map(|side| NamedReach { reach: &reaches[side], names: &worlds[side].names });
    let classes = reaches[0].protocols();
    let mut differences = reach::differences(before, after);
    differences.retain(|difference| !allowed.allow(difference, [before.names, after.names], classes));
    let differences = reach::folded_differences(differences);
    let words = worlds.map(|world| Resolver::new(&world.program, &world.names, &world.sources));
    let words = DiffWords { words, protocols: classes };
    match arguments.format {
        Format::Text => {
            let mut text = String::new();
            report::reach_diff_text(&mut text, words, &differences, terminal.palette());
            terminal.print(&text)?;
        }
        Format::Json => terminal.print_json(&report::reach_diff_json(words, &differences))?,
    }
    Ok(if differences.is_empty() { SUCCESS } else { DIFFERENT })
}

/// The topology after the operations.
fn applied(arguments: &Diff, old: &Arc<Topology>, terminal: &mut Terminal) -> Result<Arc<Topology>, Failure> {
    let mut lab = Lab::new(Arc::clone(old), Options::default());
    for words in &arguments.apply {
        let mut sources = Sources::new();
        let operation = match scenario::operation(&mut sources, &lab.topology().world, words) {
            Ok(operation) => operation,
            Err(findings) => {
                terminal.tell_findings(&findings, &sources);
                return Err(Failure::Said);
            }
        };
        lab.apply(&operation).map_err(|refusal| Failure::Message(format!("`{words}` is refused: {refusal}")))?;
    }
    Ok(Arc::clone(lab.topology()))
}

/// The differences that are meant.
fn allowed(arguments: &Diff, worlds: [&Topology; 2]) -> Result<AllowedChanges, Failure> {
    let Some(path) = &arguments.allow else { return Ok(AllowedChanges::default()) };
    let name = shown_path(path);
    let text = scenario::read_text(path).map_err(|error| Failure::Message(error.to_string()))?;
    let readers =
        worlds.map(|world| SelectorReader { world: &world.world, program: &world.program, names: &world.names });
    let [old, new] = &readers;
    AllowedChanges::parse(&text, [old, new]).map_err(|error| Failure::Message(format!("`{name}`: {error}")))
}

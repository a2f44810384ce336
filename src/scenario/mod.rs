//! Topology and scenario files: TOML text, and JSON and YAML of topologies, becomes a [`World`] and steps, every value with its place in the text.
//!
//! The only module that knows these notations. It resolves references and types; whether the world obeys the vendor's limits is
//! the business of [`crate::check`]. One run reports all problems of a file.

#[cfg(feature = "cli")]
mod bless;
mod decode;
mod expect;
mod file;
mod include;
mod json;
mod names;
mod nested;
mod notation;
mod operation;
mod packet;
mod schema;
mod statement;
mod steps;
mod syntax;
mod topology;
mod tree;
mod values;
mod words;
mod written;
mod yaml;

pub use crate::model::Direction;
#[cfg(feature = "cli")]
pub use bless::with_expectations;
pub use expect::{
    Claim, Count, EmittedClaim, Expectation, FrameClaim, ReplayExpectation, RuleClaim, SendExpectation, VerdictClaim,
};
pub use file::{MAX_BYTES, ReadError, STANDARD_INPUT, read_text};
pub use operation::{ApplyExpectation, ApplyStep, Request};
pub use packet::{IcmpSpec, Ipv4Spec, PacketSpec, SendStep, Transport};
pub use schema::{scenario_schema, topology_schema};
pub use steps::{Action, HoldingStep, ReplayStep, Scenario, Step};
pub(crate) use topology::{is_allowed_in_ids, is_reserved_id};
pub use values::{DurationError, parse_duration};
pub use words::{OperationError, operation};
pub use written::ReplayScenario;
pub(crate) use written::toml_key;

use crate::diag::{Diagnostic, Severity, Sources};
use crate::model::World;
use decode::{Decoder, Fields, What};
use file::{read_scenario, read_topology};
use include::IncludedFiles;
pub(crate) use notation::Notation;
#[cfg(any(test, feature = "cli"))]
use std::collections::VecDeque;
use std::path::{Component, Path, PathBuf};
use tree::Tree;

/// Reads the topology in `text`, which diagnostics call `name`. The world holds whatever could be understood; it is
/// only to be used where no diagnostic is an error. Diagnostics come in the order of the text.
pub fn topology(sources: &mut Sources, name: &str, text: &str) -> (World, Vec<Diagnostic>) {
    topology_as(sources, name, text, Notation::Toml)
}

/// Reads the topology in `text`, which is written in `notation`.
pub(crate) fn topology_as(
    sources: &mut Sources,
    name: &str,
    text: &str,
    notation: Notation,
) -> (World, Vec<Diagnostic>) {
    let file = sources.add(name, text);
    include::read(sources, file, notation, IncludedFiles::Nowhere(include::IN_MEMORY))
}

/// Reads the topology whose files are `texts`, each with the name that says how it is written: the first one, and those
/// that are included in the order of [`Sources::texts`] of the topology that they are copies of.
#[cfg(any(test, feature = "cli"))]
pub(crate) fn topology_of_texts(
    sources: &mut Sources,
    texts: impl IntoIterator<Item = (String, String)>,
) -> (World, Vec<Diagnostic>) {
    let mut texts: VecDeque<(String, String)> = texts.into_iter().collect();
    let (name, text) = texts.pop_front().unwrap_or_default();
    let notation = Notation::of_copy(&name, &text);
    let file = sources.add(name, text);
    include::read(sources, file, notation, IncludedFiles::Given(texts))
}

/// Reads a topology that a program declared: its lines, each with what it is about.
pub(crate) fn declared(
    sources: &mut Sources,
    lines: impl IntoIterator<Item = (String, String)>,
) -> (World, Vec<Diagnostic>) {
    let file = sources.add_declared(lines);
    include::read(sources, file, Notation::Toml, IncludedFiles::Nowhere(include::IN_MEMORY))
}

/// Reads the topology file `path` and the files that it includes, as [`topology`](fn@topology) does; [`STANDARD_INPUT`] is
/// standard input. A file is JSON or YAML where its name ends in `.json`, `.yaml` or `.yml`, as is standard input that
/// begins with a brace, and else TOML.
///
/// # Errors
/// The file cannot be read, is no regular file, is larger than [`MAX_BYTES`], or is no text in such a notation. An
/// included file that cannot be read is a diagnostic.
pub fn load_topology(sources: &mut Sources, path: &Path) -> Result<(World, Vec<Diagnostic>), ReadError> {
    let (text, notation) = read_topology(path, MAX_BYTES)?;
    let file = sources.add(shown(path).to_string_lossy(), text);
    sources.set_path(file, path);
    Ok(include::read(sources, file, notation, IncludedFiles::OnDisk))
}

/// The path without detours such as `scenarios/../`, for people; a link on the way may make it another file's, so it is
/// not for opening.
fn shown(path: &Path) -> PathBuf {
    if path == Path::new(STANDARD_INPUT) {
        return PathBuf::from("<stdin>");
    }
    let mut shown = PathBuf::new();
    for component in path.components() {
        match (component, shown.components().next_back()) {
            (Component::ParentDir, Some(Component::Normal(_))) => _ = shown.pop(),
            _ => shown.push(component),
        }
    }
    shown
}

/// Reads the scenario in `text`, which diagnostics call `name`; the topology and captures that it names are looked for
/// from the folder of `name`. There is a scenario where no diagnostic is an error. Diagnostics come in the order of the
/// text, those of the topology file first.
pub fn scenario(sources: &mut Sources, name: &str, text: &str) -> (Option<Scenario>, Vec<Diagnostic>) {
    let file = sources.add(name, text);
    let read = syntax::read(file, text);
    let mut decoder = Decoder::new(file, text);
    let folder = Path::new(name).parent().unwrap_or(Path::new(""));
    let (scenario, mut diagnostics) = scenario_file(sources, &mut decoder, &read.tree, folder);
    diagnostics.extend(read.finish(decoder.into_findings()));
    (scenario.filter(|_| !has_errors(&diagnostics)), diagnostics)
}

/// The scenario as far as it is understood, and the diagnostics of a topology file of its own.
fn scenario_file<'a>(
    sources: &mut Sources,
    decoder: &mut Decoder<'_>,
    tree: &'a Tree<'a>,
    folder: &Path,
) -> (Option<Scenario>, Vec<Diagnostic>) {
    let root = Fields::of_file(tree, What::The("a scenario file"));
    let own = ["step", "topology"].iter().any(|key| root.has(key));
    if let Some(place) = topology::SECTIONS.iter().find_map(|key| root.key_span(key)).filter(|_| !own) {
        decoder.report(
            Diagnostic::error("wrong-file-kind", "this is a topology file, not a scenario file")
                .at(place, "a section of a topology")
                .help("check it with `biplane check`, or name it in a scenario as `topology = \"…\"`"),
        );
        return (None, Vec::new());
    }
    root.refuse_unknown(decoder, &steps::KEYS);
    let (world, diagnostics) = scenario_topology(sources, decoder, &root, folder);
    (steps::decode(decoder, &root, folder, world), diagnostics)
}

fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}

/// The world of a scenario where it could be understood, and the diagnostics of a topology file of its own.
fn scenario_topology<'a>(
    sources: &mut Sources,
    decoder: &mut Decoder<'_>,
    root: &Fields<'a>,
    folder: &Path,
) -> (Option<World>, Vec<Diagnostic>) {
    let Some(item) = root.require(decoder, "topology", "\"topologies/shop.toml\"") else {
        return (None, Vec::new());
    };
    if item.is_table() {
        let before = decoder.error_count();
        let world = item.table(decoder).map(|table| {
            let table = Fields::at(table, item.span, TOPOLOGY_TABLE);
            include::refuse(decoder, &table, include::IN_SCENARIO);
            topology::decode(decoder, &[table])
        });
        return (world.filter(|_| decoder.error_count() == before), Vec::new());
    }
    let Some(path) = item.name(decoder) else {
        return (None, Vec::new());
    };
    match load_topology(sources, &include::named_from(folder, &path.value)) {
        Ok((world, diagnostics)) => (Some(world).filter(|_| !has_errors(&diagnostics)), diagnostics),
        Err(error) => {
            decoder.report(error.diagnostic().at(item.span, "named here"));
            (None, Vec::new())
        }
    }
}

const TOPOLOGY_TABLE: What<'static> = What::The("`topology`");

/// Reads the scenario file `path` and the topology file that it names, as [`scenario`] does. A file that cannot be read
/// is a diagnostic too.
pub fn load_scenario(sources: &mut Sources, path: &Path) -> (Option<Scenario>, Vec<Diagnostic>) {
    match read_scenario(path) {
        Ok(text) => scenario(sources, &path.to_string_lossy(), &text),
        Err(error) => (None, vec![error.diagnostic()]),
    }
}

#[cfg(test)]
mod tests;

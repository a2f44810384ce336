//! Topology and scenario files: TOML text, and JSON and YAML of topologies, becomes a [`World`] and steps, every value with its place in the text.
//!
//! The only module that knows these notations. It resolves references and types; whether the world obeys the vendor's limits is
//! the business of [`crate::check`]. One run reports all problems of a file.

#[cfg(feature = "cli")]
mod bless;
mod decode;
mod expect;
mod file;
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

use crate::diag::{Diagnostic, FileId, Severity, Sources};
use crate::model::World;
use decode::{Decoder, Fields, What};
use file::{read_scenario, read_topology};
pub(crate) use notation::Notation;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use tree::Tree;

/// Reads the topology in `text`, which diagnostics call `name`. The world holds whatever could be understood; it is
/// only to be used where no diagnostic is an error. Diagnostics come in the order of the text.
pub fn topology(sources: &mut Sources, name: &str, text: &str) -> (World, Vec<Diagnostic>) {
    topology_as(sources, name, text, Notation::Toml)
}

/// Reads the topology in `text`, the content of a file that diagnostics call `name`: written as its name says.
pub(crate) fn topology_of_file(sources: &mut Sources, name: &str, text: &str) -> (World, Vec<Diagnostic>) {
    topology_as(sources, name, text, Notation::of_name(Path::new(name)))
}

/// Reads the topology in `text`, which is written in `notation`.
pub(crate) fn topology_as(
    sources: &mut Sources,
    name: &str,
    text: &str,
    notation: Notation,
) -> (World, Vec<Diagnostic>) {
    topology_in(sources.add(name, text), text, notation)
}

/// Reads a topology that a program declared: its lines, each with what it is about.
pub(crate) fn declared(
    sources: &mut Sources,
    lines: impl IntoIterator<Item = (String, String)>,
) -> (World, Vec<Diagnostic>) {
    let file = sources.add_declared(lines);
    topology_in(file, sources.text(file).expect("the text was just added"), Notation::Toml)
}

fn topology_in(file: FileId, text: &str, notation: Notation) -> (World, Vec<Diagnostic>) {
    let read = notation.read(file, text);
    let mut decoder = Decoder::new(file, text).in_notation(notation);
    let world = topology_file(&mut decoder, &read.tree);
    (world, read.finish(decoder.into_findings()))
}

fn topology_file<'a>(decoder: &mut Decoder<'_>, tree: &'a Tree<'a>) -> World {
    let root = Fields::root(tree.root(), decoder.span(0..0), What::The("a topology file"));
    match ["step", "topology"].iter().find_map(|key| root.key_span(decoder, key)) {
        Some(place) => {
            decoder.report(
                Diagnostic::error("wrong-file-kind", "this is a scenario file, not a topology file")
                    .at(place, "only scenarios have this key")
                    .help("give the topology file that it names, or run it with `biplane run`"),
            );
            World::default()
        }
        None => match foreign_key(decoder, tree).map(|key| decoder.span(key)) {
            Some(place) => {
                decoder.report(
                    Diagnostic::error("wrong-file-kind", "this is a Terraform state or a dump, not a topology file")
                        .at(place, "no topology has this key")
                        .help("`biplane import FILE` makes a topology of dumps and Terraform states"),
                );
                World::default()
            }
            None => topology::decode(decoder, &root),
        },
    }
}

/// The first key of a file without a section of a topology that is one of Terraform's or of the vendor's API, which
/// begin with capitals.
fn foreign_key(decoder: &Decoder<'_>, tree: &Tree<'_>) -> Option<Range<usize>> {
    const TERRAFORM: [&str; 3] = ["version", "format_version", "terraform_version"];
    let is_foreign = |key: &str| TERRAFORM.contains(&key) || key.starts_with(|c: char| c.is_ascii_uppercase());
    let is_toml = decoder.notation() == Notation::Toml;
    if is_toml || topology::SECTIONS.iter().any(|section| tree.root().get(section).is_some()) {
        return None;
    }
    tree.root().entries().find(|entry| is_foreign(entry.key())).map(|entry| entry.key_place())
}

/// Reads the topology file `path`, as [`topology`](fn@topology) does; [`STANDARD_INPUT`] is standard input. A file is
/// JSON or YAML where its name ends in `.json`, `.yaml` or `.yml`, as is standard input that begins with a brace, and
/// else TOML.
///
/// # Errors
/// The file cannot be read, is no regular file, is larger than [`MAX_BYTES`], or is no text in such a notation.
pub fn load_topology(sources: &mut Sources, path: &Path) -> Result<(World, Vec<Diagnostic>), ReadError> {
    let (text, notation) = read_topology(path)?;
    let file = sources.add(shown(path).to_string_lossy(), text);
    sources.set_path(file, path);
    Ok(topology_in(file, sources.text(file).expect("the text was just added"), notation))
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
    let root = Fields::root(tree.root(), decoder.span(0..0), What::The("a scenario file"));
    let own = ["step", "topology"].iter().any(|key| root.has(key));
    if let Some(place) = topology::SECTIONS.iter().find_map(|key| root.key_span(decoder, key)).filter(|_| !own) {
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
        let world =
            item.table(decoder).map(|table| topology::decode(decoder, &Fields::root(table, item.span, TOPOLOGY_TABLE)));
        return (world.filter(|_| decoder.error_count() == before), Vec::new());
    }
    let Some(path) = item.name(decoder) else {
        return (None, Vec::new());
    };
    // A file of this name, which is standard input for the command line alone.
    let path = if path.value == STANDARD_INPUT { format!("./{STANDARD_INPUT}") } else { path.value };
    match load_topology(sources, &folder.join(path)) {
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

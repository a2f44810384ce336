//! Topology and scenario files: TOML text becomes a [`World`] and steps, every value with its place in the text.
//!
//! The only module that knows TOML. It resolves references and types; whether the world obeys the vendor's limits is
//! the business of [`crate::check`]. One run reports all problems of a file.

mod decode;
mod suggest;
mod syntax;
mod topology;

use crate::diag::{Diagnostic, Sources};
use crate::model::World;
use decode::{Decoder, Fields, What};
use std::fmt;
use std::path::{Path, PathBuf};

/// A file could not be read.
#[derive(Debug)]
pub struct ReadError {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    pub error: std::io::Error,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read `{}`: {}", self.path.display(), self.error)
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

fn read(path: &Path) -> Result<String, ReadError> {
    std::fs::read_to_string(path).map_err(|error| ReadError { path: path.to_owned(), error })
}

/// Reads the topology in `text`, which diagnostics call `name`. The world holds whatever could be understood; it is
/// only to be used where no diagnostic is an error. Diagnostics come in the order of the text.
pub fn topology(sources: &mut Sources, name: &str, text: &str) -> (World, Vec<Diagnostic>) {
    let file = sources.add(name, text);
    let parsed = syntax::parse(file, text);
    let mut decoder = Decoder::new(file, text);
    let root = Fields::root(&parsed.root, decoder.span(0..0), What::The("a topology file"));
    let world = topology::decode(&mut decoder, &root);
    (world, parsed.finish(decoder.into_diagnostics()))
}

/// Reads the topology file `path`, as [`topology`] does.
///
/// # Errors
/// The file cannot be read or is not UTF-8.
pub fn load_topology(sources: &mut Sources, path: &Path) -> Result<(World, Vec<Diagnostic>), ReadError> {
    let text = read(path)?;
    Ok(topology(sources, &path.to_string_lossy(), &text))
}

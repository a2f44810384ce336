//! Parts of commands that divide a question: `run`, by its scenarios, and `reach`, by its senders.
//!
//! A part is its manifest and one file: what the command found, in the form in which it is told once all parts are there.

use super::compressing::Compressing;
use super::digest::DigestWriter;
use super::error::{Difference, PartsError, Place};
use super::manifest::{
    NamedDigest, ProgramIdentity, TopologyDigests, manifest_name, read_json, stem, topology_name, write_json,
};
use super::merge::{read_all, topology};
use super::part::make_folder;
use super::reading::{FileOwner, PartFile};
use crate::files::{Inputs, OutputFile};
use crate::lab::Topology;
use crate::replay::ShardSelection;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

/// The arrangement of such parts; another one is not read.
const LAYOUT: u32 = 1;

/// A command that divides its question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DividedCommand {
    /// Frames, by the shards that they are steered to.
    #[serde(rename = "part of a biplane replay")]
    Replay,
    /// Scenarios.
    #[serde(rename = "part of a biplane run")]
    Run,
    /// Senders.
    #[serde(rename = "part of a biplane reach")]
    Reach,
}

impl DividedCommand {
    /// The command whose parts are in `folder`; `None` where there is no part.
    ///
    /// # Errors
    /// The folder or a manifest cannot be read.
    pub fn of_folder(folder: &Path) -> Result<Option<DividedCommand>, PartsError> {
        #[derive(Deserialize)]
        struct Kind {
            kind: DividedCommand,
        }
        let Some(of) = super::merge::selections(folder)?.into_iter().next() else { return Ok(None) };
        // Unknown fields are allowed here, unlike where manifests are read: only the kind is read. It says which of two
        // types of manifest the file is, and the whole is read as that one afterwards.
        let Kind { kind } = read_json(&folder.join(manifest_name(of)), "a part")?;
        Ok(Some(kind))
    }

    /// How it is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            DividedCommand::Replay => "replay",
            DividedCommand::Run => "run",
            DividedCommand::Reach => "reach",
        }
    }
}

/// What a command was asked, and what it read to answer: the same for all of its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedCommand {
    /// Its options.
    options: Value,
    /// The files of the topology, where it is about one, in the order in which they are read: a copy of each lies beside
    /// the parts.
    topology: Vec<NamedDigest>,
    /// All other files, in order.
    inputs: Vec<NamedDigest>,
}

impl AskedCommand {
    /// With these options.
    pub fn new(options: Value) -> AskedCommand {
        AskedCommand { options, topology: Vec::new(), inputs: Vec::new() }
    }

    /// Takes note of a file with this text.
    pub fn add_text(&mut self, name: &str, text: &str) {
        self.inputs.push(NamedDigest::of_text(name, text));
    }

    /// Takes note of a file, which is read.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn add_file(&mut self, path: &Path) -> Result<(), PartsError> {
        self.inputs.push(NamedDigest::of_file(path, &|| false)?);
        Ok(())
    }
}

/// What a part was made of, and its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandManifest {
    kind: DividedCommand,
    layout: u32,
    shard: usize,
    shards: usize,
    program: ProgramIdentity,
    asked: AskedCommand,
    results: NamedDigest,
}

/// A part that is to be written.
pub struct CommandPart<'a> {
    /// Whose it is.
    pub command: DividedCommand,
    /// Which.
    pub shard: ShardSelection,
    /// Where it is written to; made where it is missing.
    pub folder: &'a Path,
    /// What is read, and must not be replaced.
    pub inputs: &'a Inputs,
    /// The program that makes it.
    pub program: &'a ProgramIdentity,
}

impl CommandPart<'_> {
    /// Writes what the command found of its share of what it was `asked`, about `topology` where it is about one; where its
    /// manifest is.
    ///
    /// # Errors
    /// A file cannot be written; the topology is of no file.
    pub fn write(
        &self,
        mut asked: AskedCommand,
        topology: Option<&Topology>,
        found: &impl Serialize,
    ) -> Result<PathBuf, PartsError> {
        make_folder(self.folder)?;
        if let Some(topology) = topology {
            let digests = TopologyDigests::of(topology)?;
            digests.write_copies(topology, self.folder, self.inputs)?;
            asked.topology = digests.files().cloned().collect();
        }
        let name = results_name(self.shard);
        let output = OutputFile::create(&self.folder.join(&name), self.inputs)?;
        let mut to = BufWriter::new(Compressing::new(DigestWriter::new(output))?);
        serde_json::to_writer(&mut to, found).map_err(io::Error::from)?;
        to.flush()?;
        let compressed = to.into_inner().map_err(io::IntoInnerError::into_error)?;
        let (output, digest) = compressed.finish()?.finish();
        output.finish()?;
        let manifest = CommandManifest {
            kind: self.command,
            layout: LAYOUT,
            shard: self.shard.index(),
            shards: self.shard.count(),
            program: self.program.clone(),
            asked,
            results: NamedDigest { name, digest },
        };
        // Last: where it is, all else is.
        let path = self.folder.join(manifest_name(self.shard));
        write_json(&path, self.inputs, &manifest)?;
        Ok(path)
    }
}

fn results_name(of: ShardSelection) -> String {
    format!("{}.results.zst", stem(of))
}

impl CommandManifest {
    fn read(folder: &Path, of: ShardSelection, command: DividedCommand) -> Result<CommandManifest, PartsError> {
        let path = folder.join(manifest_name(of));
        let manifest: CommandManifest = read_json(&path, "a part")?;
        let CommandManifest { kind, layout, shard, shards, results, .. } = &manifest;
        let why = if *kind != command || *layout != LAYOUT {
            format!("it is of another command or version: {}, layout {layout}", kind.name())
        } else if ShardSelection::new(*shard, *shards) != Some(of) {
            format!("it says that it is of shard {shard} of {shards}")
        } else if results.name != results_name(of) {
            "it names a file that is not of its part".to_owned()
        } else {
            return Ok(manifest);
        };
        Err(PartsError::NoManifest { path, what: "a part", why })
    }

    /// Whose part it is.
    fn selection(&self) -> ShardSelection {
        ShardSelection::new(self.shard, self.shards).expect("`read` refuses other numbers")
    }

    /// Where another part was made of something else.
    fn difference(&self, other: &CommandManifest) -> Option<Difference> {
        let of_all = |manifest: &CommandManifest| {
            // Results differ from part to part, and so do their digests. What the command was asked has to be the same,
            // with the names of its files: they stand in what is printed, and one process has one name for each.
            let CommandManifest { shards, program, asked, .. } = manifest;
            serde_json::json!({ "shards": shards, "program": program, "asked": asked })
        };
        let place = Place::of_difference(&of_all(self), &of_all(other))?;
        Some(Difference { shards: [self.shard, other.shard], place })
    }
}

/// All parts of a command, whole and of one making.
pub struct CommandParts {
    folder: PathBuf,
    /// By shard.
    manifests: Vec<CommandManifest>,
}

impl CommandParts {
    /// Opens the parts of `command` in `folder`, which `program` made.
    ///
    /// # Errors
    /// One is missing, damaged, or made of something else than the others.
    pub fn open(folder: &Path, command: DividedCommand, program: &ProgramIdentity) -> Result<CommandParts, PartsError> {
        let read = |of| CommandManifest::read(folder, of, command);
        let manifests = read_all(folder, command, read, CommandManifest::difference)?;
        manifests[0].program.check(program, "parts were")?;
        let parts = CommandParts { folder: folder.to_owned(), manifests };
        // All files are held against their digests here and not when they are read: a merge that is refused must not
        // have printed anything before.
        for manifest in &parts.manifests {
            parts.file(manifest).verify(&manifest.results)?;
        }
        Ok(parts)
    }

    fn asked(&self) -> &AskedCommand {
        &self.manifests[0].asked
    }

    /// The options of the command.
    ///
    /// # Errors
    /// They are not of this kind.
    pub fn options<T: DeserializeOwned>(&self) -> Result<T, PartsError> {
        serde_json::from_value(self.asked().options.clone()).map_err(|error| self.damaged(0, &error.to_string()))
    }

    /// The files that are read.
    pub fn paths(&self) -> impl Iterator<Item = PathBuf> {
        let of_part = |manifest: &CommandManifest| [manifest.results.name.clone(), manifest_name(manifest.selection())];
        let of_parts = self.manifests.iter().flat_map(of_part);
        of_parts.chain(self.asked().topology.iter().map(topology_name)).map(|name| self.folder.join(name))
    }

    /// The topology that the command was about, where it was about one.
    ///
    /// # Errors
    /// Its copy is missing or damaged.
    pub fn topology(&self) -> Result<Option<Topology>, PartsError> {
        let files: Vec<&NamedDigest> = self.asked().topology.iter().collect();
        if files.is_empty() { Ok(None) } else { topology(&self.folder, &files).map(Some) }
    }

    /// What the command found, by shard.
    ///
    /// # Errors
    /// A part holds something else.
    pub fn found<T: DeserializeOwned>(&self) -> Result<Vec<T>, PartsError> {
        let read = |manifest: &CommandManifest| {
            let file = self.file(manifest);
            let from = BufReader::new(file.decompressed()?);
            serde_json::from_reader(from).map_err(|error| file.damaged(error.to_string()))
        };
        self.manifests.iter().map(read).collect()
    }

    /// The error that the part of this shard holds something that cannot be.
    pub fn damaged(&self, shard: usize, why: &str) -> PartsError {
        self.file(&self.manifests[shard]).damaged(why)
    }

    fn file(&self, manifest: &CommandManifest) -> PartFile {
        PartFile::new(&self.folder, &manifest.results.name, FileOwner::Shard(manifest.shard))
    }
}

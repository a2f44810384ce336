//! What a split was made of, and the captures that it is.

use super::digest::FileDigest;
use super::error::{PartsError, Place};
use super::manifest::{NamedDigest, ProgramIdentity, StreamSummary, TopologyDigests, read_json, write_json};
use super::options::EntryOptions;
use super::split::file_name;
use crate::capture::SPLIT_MANIFEST;
use crate::files::Inputs;
use crate::lab::Topology;
use crate::replay::{ReplayOptions, ShardSelection};
use crate::report::CaptureFacts;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::io;
use std::path::Path;

/// What a manifest says that it is.
const KIND: &str = "split of captures for biplane";

/// The arrangement of its files; another one is not read.
const LAYOUT: u32 = 1;

/// What is known of a split before its captures are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SplitOf {
    pub(super) program: ProgramIdentity,
    pub(super) shards: usize,
    pub(super) topology: NamedDigest,
    /// The files that the topology includes, in the order in which they are read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) included: Vec<NamedDigest>,
    pub(super) entry: EntryOptions,
}

/// What a shard of a split is replayed with.
#[derive(Clone, Copy)]
pub(super) struct SplitUse<'a> {
    pub(super) topology: &'a Topology,
    pub(super) options: &'a ReplayOptions,
    pub(super) program: &'a ProgramIdentity,
}

/// The capture of a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SplitFile {
    #[serde(flatten)]
    pub(super) file: NamedDigest,
    pub(super) frames: u64,
}

/// What a split was made of, what is true of all its frames, and its captures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SplitManifest {
    kind: String,
    layout: u32,
    pub(super) of: SplitOf,
    pub(super) captures: Vec<NamedDigest>,
    pub(super) stream: StreamSummary,
    /// What samples of the frames show.
    pub(super) sampled: CaptureFacts,
    /// By shard.
    pub(super) files: Vec<SplitFile>,
}

impl SplitManifest {
    pub(super) fn new(
        of: SplitOf,
        captures: Vec<NamedDigest>,
        stream: StreamSummary,
        sampled: CaptureFacts,
        files: impl Iterator<Item = SplitFile>,
    ) -> SplitManifest {
        SplitManifest { kind: KIND.to_owned(), layout: LAYOUT, of, captures, stream, sampled, files: files.collect() }
    }

    pub(super) fn write(&self, folder: &Path, inputs: &Inputs) -> io::Result<()> {
        write_json(&folder.join(SPLIT_MANIFEST), inputs, self)
    }

    /// Reads the manifest in `folder`.
    pub(super) fn read(folder: &Path) -> Result<SplitManifest, PartsError> {
        let path = folder.join(SPLIT_MANIFEST);
        let no_manifest = |why: String| PartsError::NoManifest { path: path.clone(), what: "a split", why };
        let manifest: SplitManifest = read_json(&path, "a split")?;
        let SplitManifest { kind, layout, of, files, .. } = &manifest;
        if kind != KIND || *layout != LAYOUT {
            return Err(no_manifest(format!("it is of another kind or version: `{kind}`, layout {layout}")));
        }
        // The names are computed and compared, never joined to the folder as the manifest has them: `../shop.toml`
        // would lead out of it. They stand by shard, so callers may take the file of shard I as the one with index I.
        // An empty list of files equals the names of 0 shards, which is why 0 is refused by itself.
        let selections = (0..of.shards).map(|index| ShardSelection::new(index, of.shards));
        let names: Option<Vec<String>> = selections.map(|of| of.map(file_name)).collect();
        let is_of_shards = names.is_some_and(|names| names.iter().eq(files.iter().map(|file| &file.file.name)));
        if of.shards == 0 || !is_of_shards {
            return Err(no_manifest("its files are not one for each shard".to_owned()));
        }
        Ok(manifest)
    }

    /// The same, where there is one.
    pub(super) fn read_if_there(folder: &Path) -> Result<Option<SplitManifest>, PartsError> {
        if folder.join(SPLIT_MANIFEST).exists() { SplitManifest::read(folder).map(Some) } else { Ok(None) }
    }

    /// The options of a replay of one of its shards: frames enter as the split says. What else was asked for has to be the same.
    ///
    /// # Errors
    /// It is not, or this is a split of something else.
    pub(super) fn options(&self, folder: &Path, used: &SplitUse<'_>) -> Result<ReplayOptions, PartsError> {
        let SplitUse { topology, options, program } = *used;
        self.of.program.check(program, "split was")?;
        if options.shard.count() != self.of.shards {
            return Err(PartsError::SplitShards { folder: folder.to_owned(), count: self.of.shards });
        }
        // Program and number of shards are compared above, for messages of their own. `here` takes both from the
        // manifest, so that the comparison below names a difference of topology or options.
        let TopologyDigests { topology: named, included } = TopologyDigests::of(topology)?;
        let asked = EntryOptions::new(topology, options);
        let entry = asked.or_those_of(&self.of.entry);
        let here = SplitOf { topology: named, included, entry, ..self.of.clone() };
        // An option that is given again has to be the same as in the split: the frames in the files have entered with
        // the options of the split already, and another `--map` or `--dedup` could not act on them any more.
        self.check_made_of(folder, &here)?;
        let strange = || PartsError::NoManifest {
            path: folder.join(SPLIT_MANIFEST),
            what: "a split",
            why: "it names an endpoint that the topology does not have".to_owned(),
        };
        self.of.entry.put_into(options.clone(), topology).ok_or_else(strange)
    }

    /// Refuses a split in `folder` that was made of something else than `of`.
    pub(super) fn check_made_of(&self, folder: &Path, of: &SplitOf) -> Result<(), PartsError> {
        // A topology may have another name on another machine.
        let comparable = |of: &SplitOf| {
            let SplitOf { program, shards, topology, included, entry } = of;
            let included: Vec<&FileDigest> = included.iter().map(|file| &file.digest).collect();
            json!({
                "program": program,
                "shards": shards,
                "topology": topology.digest,
                "included": included,
                "entry": entry,
            })
        };
        refuse(folder, Place::of_difference(&comparable(&self.of), &comparable(of)))
    }

    /// Refuses to put another split in the place of this one.
    pub(super) fn check_same(&self, folder: &Path, other: &SplitManifest) -> Result<(), PartsError> {
        let value = |manifest: &SplitManifest| serde_json::to_value(manifest).unwrap_or_default();
        refuse(folder, Place::of_difference(&value(self), &value(other)))
    }
}

fn refuse(folder: &Path, place: Option<Place>) -> Result<(), PartsError> {
    match place {
        Some(place) => Err(PartsError::OtherSplit(folder.to_owned(), place)),
        None => Ok(()),
    }
}

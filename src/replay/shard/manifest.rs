//! What a part was made of, and the files that it is.

use super::digest::FileDigest;
use super::error::{Difference, PartsError, Place};
use super::options::PartOptions;
use crate::capture::{CaptureRange, Unreadable};
use crate::files::{Inputs, write};
use crate::lab::Topology;
use crate::program::EndpointId;
use crate::replay::{Replayed, ShardSelection};
use crate::report::{CaptureFacts, RateUse};
use crate::scenario::Notation;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;

/// What a manifest says that it is.
const KIND: &str = "part of a biplane replay";

/// The arrangement of a part's files; another one is not read.
const LAYOUT: u32 = 2;

/// The largest manifest that is read: a stream may be of many captures.
const MAX_BYTES: u64 = 1 << 28;

/// The program that makes parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramIdentity {
    version: String,
    sha256: String,
}

impl ProgramIdentity {
    /// Of the program that runs: its version, and the hash of its file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn of_this_program() -> io::Result<ProgramIdentity> {
        // The version does not suffice: two builds of one version may number rules and routes in another way, and a
        // part holds such numbers. Only the same file gives them the same meaning.
        let digest = std::env::current_exe().and_then(|path| FileDigest::of_file(&path, &|| false));
        let told = |error: io::Error| io::Error::other(format!("cannot read the program's own file: {error}"));
        Ok(ProgramIdentity::named(&digest.map_err(told)?.sha256))
    }

    /// Refuses what another program has made than `own`; `what` is what messages call it: `parts were`.
    pub(super) fn check(&self, own: &ProgramIdentity, what: &'static str) -> Result<(), PartsError> {
        if self == own {
            return Ok(());
        }
        Err(PartsError::OtherProgram { what, theirs: self.short(), own: own.short() })
    }

    /// The version, and the beginning of the hash.
    fn short(&self) -> String {
        let digits: String = self.sha256.chars().take(12).collect();
        format!("biplane {} (sha256 {digits}…)", self.version)
    }

    /// The same for what is known to be one program, whatever its file is.
    pub fn named(sha256: &str) -> ProgramIdentity {
        ProgramIdentity { version: env!("CARGO_PKG_VERSION").to_owned(), sha256: sha256.to_owned() }
    }
}

/// A file by its name and what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NamedDigest {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) digest: FileDigest,
}

impl NamedDigest {
    pub(super) fn of_text(name: &str, text: &str) -> NamedDigest {
        NamedDigest { name: name.to_owned(), digest: FileDigest::of_bytes(text.as_bytes()) }
    }

    /// Reads a file to its end, unless that is no longer wanted.
    pub(super) fn of_file(path: &Path, is_stopped: &dyn Fn() -> bool) -> Result<NamedDigest, PartsError> {
        let digest = FileDigest::of_file(path, is_stopped).map_err(|error| PartsError::unreadable(path, &error))?;
        Ok(NamedDigest { name: path.display().to_string(), digest })
    }
}

/// What is true of the whole stream, so of every part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamSummary {
    pub(super) frames: u64,
    pub(super) captures: Vec<CaptureRange>,
    pub(super) not_captures: Vec<String>,
    pub(super) copies: u64,
    pub(super) duplicates: u64,
    pub(super) unreadable: Vec<(Unreadable, u64)>,
    pub(super) damage: Vec<String>,
    pub(super) unused_injections: Vec<Ipv4Addr>,
    pub(super) unused_maps: Vec<Ipv4Addr>,
    /// Where rates act.
    pub(super) timing: Option<SentSummary>,
}

/// What is known of a stream with timing before any frame is received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SentSummary {
    /// What samples of the frames show.
    facts: CaptureFacts,
    /// What has passed the buckets of senders, by the number of the endpoint.
    rates: Vec<(u32, RateUse)>,
}

impl StreamSummary {
    /// Of a stream that was read; `timing` where rates act.
    pub(super) fn of(replayed: &Replayed, timing: Option<SentSummary>) -> StreamSummary {
        StreamSummary {
            frames: replayed.read,
            captures: replayed.captures.clone(),
            not_captures: replayed.not_captures.clone(),
            copies: replayed.copies,
            duplicates: replayed.duplicates,
            unreadable: replayed.unreadable.clone(),
            damage: replayed.damage.iter().map(ToString::to_string).collect(),
            unused_injections: replayed.unused_injections.clone(),
            unused_maps: replayed.unused_maps.clone(),
            timing,
        }
    }

    /// What was counted of all its frames, with what is known of the stream; nothing where these are not all.
    pub(super) fn replayed(&self, counted: Replayed) -> Option<Replayed> {
        // Every frame of the stream is counted in exactly one part, so the counts of all parts are those of the stream.
        // Parts that are consistent each by itself, and were changed so that frames are missing or counted twice, are
        // refused here.
        counted.tally.check(self.frames).ok()?;
        Some(counted.of_stream(self.facts(CaptureFacts::default())))
    }
}

impl SentSummary {
    pub(super) fn new(facts: CaptureFacts, rates: &[(EndpointId, RateUse)]) -> SentSummary {
        SentSummary { facts, rates: rates.iter().map(|(endpoint, rate_use)| (endpoint.0, *rate_use)).collect() }
    }

    pub(super) fn facts(&self) -> CaptureFacts {
        self.facts
    }

    /// What has passed the buckets of senders, less than so many endpoints; nothing where there are more.
    pub(super) fn rates(&self, endpoints: usize) -> Option<Vec<(EndpointId, RateUse)>> {
        let rates = self.rates.iter().map(|(id, rate_use)| (EndpointId(*id), *rate_use));
        // Where names are looked up by number, one that no endpoint has would panic: numbers of a file are checked
        // where they are read.
        rates.map(|of| (of.0.index() < endpoints).then_some(of)).collect()
    }
}

/// What a part was made of, and its other files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) kind: String,
    pub(super) layout: u32,
    pub(super) shard: usize,
    pub(super) shards: usize,
    pub(super) program: ProgramIdentity,
    pub(super) topology: NamedDigest,
    /// The files that the topology includes, in the order in which they are read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) included: Vec<NamedDigest>,
    pub(super) options: PartOptions,
    pub(super) captures: Vec<NamedDigest>,
    pub(super) stream: StreamSummary,
    /// By what they hold.
    pub(super) files: BTreeMap<PartFileKind, NamedDigest>,
}

/// What a file of a part holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum PartFileKind {
    Sums,
    Lines,
    Packets,
    Connections,
    Forwarded,
}

impl PartFileKind {
    /// The name of this file of a selection's part.
    pub(super) fn file_name(self, of: ShardSelection) -> String {
        let ending = match self {
            PartFileKind::Sums => "sums.json",
            PartFileKind::Lines => "lines.zst",
            PartFileKind::Packets => "packets.zst",
            PartFileKind::Connections => "connections.zst",
            PartFileKind::Forwarded => "forwarded.zst",
        };
        format!("{}.{ending}", stem(of))
    }
}

/// What the names of a part's files begin with.
pub(super) fn stem(of: ShardSelection) -> String {
    format!("shard-{}-of-{}", of.index(), of.count())
}

/// The name of the manifest of a selection.
pub(super) fn manifest_name(of: ShardSelection) -> String {
    format!("{}.json", stem(of))
}

/// Which selection has a manifest of this name; `None` of another file.
pub(super) fn selection_of(name: &str) -> Option<ShardSelection> {
    let numbers = name.strip_prefix("shard-")?.strip_suffix(".json")?;
    let (index, count) = numbers.split_once("-of-")?;
    let of = ShardSelection::new(index.parse().ok()?, count.parse().ok()?)?;
    // Numbers are parsed from other spellings as well: `shard-+1-of-4.json` and `shard-01-of-4.json` are no manifests,
    // and would stand for the file without the extra character, which need not be there.
    (manifest_name(of) == name).then_some(of)
}

/// The name of the copy of a topology, in the notation of its own name.
pub(super) fn topology_name(topology: &NamedDigest) -> String {
    // By content, so that parts of two topologies of one name in one folder do not replace each other's copy. A
    // manifest may hold any text in place of a hash, even a short one, so nothing is sliced without a check.
    let NamedDigest { name, digest } = topology;
    format!(
        "topology-{}.{}",
        digest.sha256.get(..16).unwrap_or_default(),
        Notation::of_name(Path::new(name)).extension()
    )
}

impl Manifest {
    pub(super) fn of(shard: ShardSelection, program: ProgramIdentity, made_of: MadeOf) -> Manifest {
        let MadeOf { topology: TopologyDigests { topology, included }, options, captures, stream } = made_of;
        Manifest {
            kind: KIND.to_owned(),
            layout: LAYOUT,
            shard: shard.index(),
            shards: shard.count(),
            program,
            topology,
            included,
            options,
            captures,
            stream,
            files: BTreeMap::new(),
        }
    }

    /// Whose part it is.
    pub(super) fn selection(&self) -> ShardSelection {
        // A manifest is made of a selection by `of`, or comes from `read`, which refuses one whose numbers are not
        // those of its name: a file cannot make this panic.
        ShardSelection::new(self.shard, self.shards).expect("a manifest is of a selection")
    }

    /// The files of the topology, in the order in which they are read.
    pub(super) fn topology_files(&self) -> impl Iterator<Item = &NamedDigest> {
        [&self.topology].into_iter().chain(&self.included)
    }

    pub(super) fn write(&self, folder: &Path, inputs: &Inputs) -> io::Result<()> {
        write_json(&folder.join(manifest_name(self.selection())), inputs, self)
    }

    /// Reads the manifest of a selection.
    pub(super) fn read(folder: &Path, of: ShardSelection) -> Result<Manifest, PartsError> {
        let path = folder.join(manifest_name(of));
        let what = "a part";
        let manifest: Manifest = read_json(&path, what)?;
        if manifest.kind != KIND || manifest.layout != LAYOUT {
            let why = format!("it is of another kind or version: `{}`, layout {}", manifest.kind, manifest.layout);
            return Err(PartsError::NoManifest { path, what, why });
        }
        // The name of a file is no proof of what it is: a manifest of shard 0 that was copied over that of shard 1
        // would count the frames of shard 0 twice.
        if ShardSelection::new(manifest.shard, manifest.shards) != Some(of) {
            let why = format!("it says that it is of shard {} of {}", manifest.shard, manifest.shards);
            return Err(PartsError::NoManifest { path, what, why });
        }
        // Names of files are read from the manifest but may only be the ones that its kinds have: any other name could
        // lead out of the folder, to a file that is then hashed and read.
        for (kind, file) in &manifest.files {
            if file.name != kind.file_name(of) {
                let why = "it names a file that is not of its part".to_owned();
                return Err(PartsError::NoManifest { path, what, why });
            }
        }
        Ok(manifest)
    }

    /// Where another part was made of something else, or says something else of the stream.
    pub(super) fn difference(&self, other: &Manifest) -> Option<Difference> {
        let of_all = |manifest: &Manifest| {
            let mut value = serde_json::to_value(manifest).unwrap_or_default();
            if let Value::Object(fields) = &mut value {
                // What belongs to one part alone is left out: its number and the digests of its files. The kinds of
                // files stay, since lines of some shards alone are not the lines of the stream. Names of topology and
                // captures are compared as well as digests, because they stand in lines and summaries, and one process
                // has one name for each.
                fields.shift_remove("shard");
                let files = fields.shift_remove("files").unwrap_or_default();
                let kinds = files.as_object().into_iter().flat_map(|files| files.keys().cloned());
                fields.insert("files".to_owned(), kinds.collect());
            }
            value
        };
        let place = Place::of_difference(&of_all(self), &of_all(other))?;
        Some(Difference { shards: [self.shard, other.shard], place })
    }
}

/// Writes a manifest.
pub(super) fn write_json(path: &Path, inputs: &Inputs, manifest: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_string_pretty(manifest).map_err(io::Error::other)?;
    text.push('\n');
    write(path, inputs, text.as_bytes())
}

/// Reads the manifest of what messages call `what`: `a part`.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path, what: &'static str) -> Result<T, PartsError> {
    let unreadable = |error: io::Error| PartsError::unreadable(path, &error);
    let no_manifest = |why: String| PartsError::NoManifest { path: path.to_owned(), what, why };
    // A manifest is read as a whole before anything is known of it. Without a bound a large file under its name would
    // fill the memory.
    if fs::metadata(path).map_err(unreadable)?.len() > MAX_BYTES {
        return Err(no_manifest("it is larger than a manifest can be".to_owned()));
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    serde_json::from_slice(&bytes).map_err(|error| no_manifest(error.to_string()))
}

/// What a part is made of.
pub(super) struct MadeOf {
    pub(super) topology: TopologyDigests,
    pub(super) options: PartOptions,
    pub(super) captures: Vec<NamedDigest>,
    pub(super) stream: StreamSummary,
}

/// The files of a topology: the one that was named, and those that it includes, in the order in which they are read.
pub(super) struct TopologyDigests {
    pub(super) topology: NamedDigest,
    pub(super) included: Vec<NamedDigest>,
}

impl TopologyDigests {
    /// Of the texts of a topology.
    pub(super) fn of(topology: &Topology) -> Result<TopologyDigests, PartsError> {
        let mut files = topology.sources.texts().map(|(name, text)| NamedDigest::of_text(name, text));
        let topology = files.next().ok_or(PartsError::NoText)?;
        Ok(TopologyDigests { topology, included: files.collect() })
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &NamedDigest> {
        [&self.topology].into_iter().chain(&self.included)
    }

    /// Puts copies of the files of `topology`, whose digests these are, into the folder of its parts. Every part writes
    /// them, although they are the same for all: each task may be the only one that is not killed.
    pub(super) fn write_copies(&self, topology: &Topology, folder: &Path, inputs: &Inputs) -> io::Result<()> {
        // Tasks that write them at the same time do no harm, since a file appears whole and with the same bytes.
        let mut copies = self.files().zip(topology.sources.texts());
        copies.try_for_each(|(file, (_, text))| write(&folder.join(topology_name(file)), inputs, text.as_bytes()))
    }
}

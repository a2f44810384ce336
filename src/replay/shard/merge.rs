//! All parts of a stream, put together: what one process gives, byte for byte.

use super::command::DividedCommand;
use super::error::{Difference, PartsError};
use super::manifest::{Manifest, NamedDigest, PartFileKind, ProgramIdentity};
use super::manifest::{manifest_name, selection_of, topology_name};
use super::options::PartContents;
use super::reading::{Decompressed, FileOwner, PartFile, merge_records};
use super::sums::{AddedSums, PartSums};
use crate::flows::{ConnectionPart, GatheredConnections};
use crate::lab::{LabError, Topology};
use crate::replay::writing::{EncodedBatch, OutputFormat, ReplayWriter};
use crate::replay::{Connections, ReplayOptions, Replayed, ShardSelection, Sinks};
use crate::report::CaptureLabel;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Bytes about frames that are written together.
const AT_ONCE: usize = 1 << 18;

/// All parts of a stream, whole and of one making.
pub struct Parts {
    folder: PathBuf,
    /// By shard.
    manifests: Vec<Manifest>,
    topology: Topology,
    options: ReplayOptions,
}

/// What a replay came to whose parts were merged.
pub struct MergedReplay {
    /// What one process gives, but for damage.
    pub replayed: Replayed,
    /// What ended captures early, in words.
    pub damage: Vec<String>,
}

impl Parts {
    /// Opens the parts in `folder`, which `program` made, and holds each of their files against its digest.
    ///
    /// # Errors
    /// One is missing, damaged, or made of something else than the others.
    pub fn open(folder: &Path, program: &ProgramIdentity) -> Result<Parts, PartsError> {
        let read = |of| Manifest::read(folder, of);
        let manifests = read_all(folder, DividedCommand::Replay, read, Manifest::difference)?;
        let first = &manifests[0];
        // All parts are of the same program here, since the comparison of their manifests includes it: the first stands
        // for all of them.
        first.program.check(program, "parts were")?;
        let topology = topology(folder, &first.topology_files().collect::<Vec<_>>())?;
        // Each file is read twice, here and when it is merged. One pass would find a damaged part only after lines of
        // others were printed, and a merge that is refused must not print anything.
        for manifest in &manifests {
            for digest in manifest.files.values() {
                PartFile::new(folder, &digest.name, FileOwner::Shard(manifest.shard)).verify(digest)?;
            }
        }
        let options = first.options.options(&topology).ok_or_else(|| of_other_topology(folder, first))?;
        Ok(Parts { folder: folder.to_owned(), manifests, topology, options })
    }

    /// The topology that the frames were forwarded in.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// How they were.
    pub fn options(&self) -> &ReplayOptions {
        &self.options
    }

    /// What the parts hold of single frames.
    pub fn contents(&self) -> PartContents {
        self.first().options.frames
    }

    /// Tells whether the parts hold the lines of frames, or their packets, where these are wanted.
    ///
    /// # Errors
    /// They do not.
    pub fn check_held(&self, lines: bool, packets: bool) -> Result<(), PartsError> {
        let held = self.contents();
        let message = if lines && !held.lines {
            "the parts hold no lines: make them with `--format ndjson`"
        } else if packets && held.packets.is_none() {
            "the parts hold no packets: make them with `--copies in`, `out` or `both`"
        } else {
            return Ok(());
        };
        Err(PartsError::NotHeld(message.to_owned()))
    }

    /// The files of the parts, which are read.
    pub fn paths(&self) -> impl Iterator<Item = PathBuf> {
        let of_parts = self.manifests.iter().flat_map(|manifest| {
            let files = manifest.files.values().map(|file| file.name.clone());
            files.chain([manifest_name(manifest.selection())])
        });
        let topology = self.manifests.first().into_iter().flat_map(Manifest::topology_files);
        of_parts.chain(topology.map(topology_name)).map(|name| self.folder.join(name))
    }

    /// Writes lines and packets of frames where `sinks` wants them, in the order of the stream, and adds the sums up.
    /// Memory does not grow with the parts.
    ///
    /// # Errors
    /// The parts do not hold what is wanted, or cannot be of this topology; a sink cannot be written to.
    pub fn merge(&self, sinks: &mut Sinks<'_>) -> Result<MergedReplay, PartsError> {
        self.check_held(sinks.lines.is_some(), sinks.capture.is_some())?;
        // The copies were chosen when the parts were made: parts with `in` hold nothing that came out, so what the
        // caller has set cannot be followed.
        sinks.copies = self.contents().packets.unwrap_or_default();
        let damage = self.first().stream.damage.clone();
        if let Some(timing) = &self.first().stream.timing {
            return Ok(MergedReplay { replayed: self.receive(timing, sinks)?, damage });
        }
        // Sums and connections come before the writer begins: parts whose sums do not add up to the stream are refused
        // with nothing printed.
        let mut replayed = self.replayed()?;
        replayed.connections = self.connections()?;
        let format = OutputFormat::new(&self.topology, sinks);
        let (has_lines, has_capture) = (sinks.lines.is_some(), sinks.capture.is_some());
        let mut writer = ReplayWriter::begin(&format, sinks)?;
        if has_lines {
            self.write_lines(&mut writer)?;
        }
        if has_capture {
            self.write_packets(&mut writer)?;
        }
        writer.end(false)?;
        Ok(MergedReplay { replayed, damage })
    }

    fn first(&self) -> &Manifest {
        &self.manifests[0]
    }

    /// The error that the manifest is not of this topology.
    pub(super) fn of_other_topology(&self) -> PartsError {
        of_other_topology(&self.folder, self.first())
    }

    /// The names of the captures of the stream, where there are several.
    pub(super) fn capture_labels(&self) -> Vec<CaptureLabel> {
        let Manifest { captures, stream, .. } = self.first();
        let named = stream.captures.iter().filter(|_| captures.len() > 1);
        named.map(|range| CaptureLabel::new(&range.name)).collect()
    }

    /// The files of this kind, of all parts.
    pub(super) fn files(&self, kind: PartFileKind) -> Result<Vec<PartFile>, PartsError> {
        let file = |manifest: &Manifest| {
            let missing = || {
                let file = PartFile::new(
                    &self.folder,
                    &kind.file_name(manifest.selection()),
                    FileOwner::Shard(manifest.shard),
                );
                file.damaged("its manifest does not name it")
            };
            let digest = manifest.files.get(&kind).ok_or_else(missing)?;
            Ok(PartFile::new(&self.folder, &digest.name, FileOwner::Shard(manifest.shard)))
        };
        self.manifests.iter().map(file).collect()
    }

    fn sums(&self) -> Result<Vec<(PartFile, PartSums)>, PartsError> {
        let read = |file: PartFile| {
            let bytes = fs::read(&file.path).map_err(|error| PartsError::unreadable(&file.path, &error))?;
            let sums = serde_json::from_slice(&bytes).map_err(|error| file.damaged(error.to_string()))?;
            Ok((file, sums))
        };
        self.files(PartFileKind::Sums)?.into_iter().map(read).collect()
    }

    fn replayed(&self) -> Result<Replayed, PartsError> {
        let mut added = AddedSums::new(&self.topology, &self.options);
        for (file, sums) in self.sums()? {
            added.add(&sums).ok_or_else(|| file.damaged("its sums are not of this topology and these options"))?;
        }
        self.of_stream(added.replayed())
    }

    /// What was counted of all frames, with what is known of the stream.
    pub(super) fn of_stream(&self, counted: Replayed) -> Result<Replayed, PartsError> {
        let lost = || {
            let message = "the frames of all parts are not those of the stream: they do not belong together";
            PartsError::NotHeld(message.to_owned())
        };
        self.first().stream.replayed(counted).ok_or_else(lost)
    }

    fn connections(&self) -> Result<Option<GatheredConnections>, PartsError> {
        let sums = self.sums()?;
        if sums.iter().all(|(_, sums)| sums.connections.is_none()) {
            return Ok(None);
        }
        let mut files: Vec<Decompressed> = match self.options.connections {
            Connections::Each => {
                let files = self.files(PartFileKind::Connections)?;
                files.iter().map(PartFile::decompressed).collect::<Result<_, _>>()?
            }
            Connections::None | Connections::Sums => Vec::new(),
        };
        let mut each = files.iter_mut();
        let parts = sums.iter().filter_map(|(_, sums)| {
            // Taken before the `?` below: a part without sums of connections has a file all the same, and the files of
            // all parts behind it would be read as those of their neighbours.
            let each = each.next().map(|file| file as &mut dyn io::Read);
            Some(ConnectionPart { sums: sums.connections.as_ref()?, each })
        });
        let Topology { program, names, .. } = &self.topology;
        let gathered = GatheredConnections::of_parts(parts, program, names.rules.len());
        let told =
            |error: io::Error| PartsError::NotHeld(format!("the connections of the parts cannot be read: {error}"));
        gathered.map(Some).map_err(told)
    }

    fn write_lines(&self, writer: &mut ReplayWriter<'_, '_>) -> Result<(), PartsError> {
        let mut encoded = EncodedBatch::default();
        merge_records(self.files(PartFileKind::Lines)?, |_, _, lines| {
            encoded.lines.extend_from_slice(lines);
            if encoded.lines.len() >= AT_ONCE {
                writer.print(&mut encoded)?;
                encoded.lines.clear();
            }
            Ok(())
        })?;
        Ok(writer.print(&mut encoded)?)
    }

    fn write_packets(&self, writer: &mut ReplayWriter<'_, '_>) -> Result<(), PartsError> {
        // One for each endpoint and one for `drops`, as the format of the writer numbers them. A record with a larger
        // number would index past the end of that list.
        let interfaces = self.topology.names.endpoints.len() as u32 + 1;
        let mut encoded = EncodedBatch::default();
        merge_records(self.files(PartFileKind::Packets)?, |file, _, packets| {
            let added = encoded.add_packets(packets, interfaces);
            added.ok_or_else(|| file.damaged("it holds something that is no packet"))?;
            if encoded.blocks.len() >= AT_ONCE {
                writer.print(&mut encoded)?;
                encoded.blocks.clear();
            }
            Ok(())
        })?;
        Ok(writer.print(&mut encoded)?)
    }
}

fn of_other_topology(folder: &Path, manifest: &Manifest) -> PartsError {
    let file = PartFile::new(folder, &manifest_name(manifest.selection()), FileOwner::Shard(manifest.shard));
    file.damaged("it names an endpoint that the topology does not have")
}

/// The parts that have manifests in `folder`.
pub(super) fn selections(folder: &Path) -> Result<BTreeSet<ShardSelection>, PartsError> {
    let unreadable = |error: io::Error| PartsError::unreadable(folder, &error);
    let mut selections = BTreeSet::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        // Other names are passed over and are no error: the files of the parts lie beside their manifests, and a task
        // that was killed may have left hidden ones.
        selections.extend(name.to_str().and_then(selection_of));
    }
    Ok(selections)
}

/// Reads the manifests of all parts of `command` in `folder`, by shard: one or more, and of one making.
pub(super) fn read_all<M>(
    folder: &Path,
    command: DividedCommand,
    read: impl Fn(ShardSelection) -> Result<M, PartsError>,
    difference: impl Fn(&M, &M) -> Option<Difference>,
) -> Result<Vec<M>, PartsError> {
    let count = shard_count(folder, command)?;
    let selections = (0..count).filter_map(|index| ShardSelection::new(index, count));
    let manifests = selections.map(read).collect::<Result<Vec<_>, _>>()?;
    let Some((first, others)) = manifests.split_first() else { return Err(PartsError::Empty(folder.to_owned())) };
    match others.iter().find_map(|other| difference(first, other)) {
        Some(difference) => Err(PartsError::Different(difference)),
        None => Ok(manifests),
    }
}

/// How many parts of `command` there are to be in `folder`; an error unless all of them have manifests.
fn shard_count(folder: &Path, command: DividedCommand) -> Result<usize, PartsError> {
    let selections = selections(folder)?;
    let counts: BTreeSet<usize> = selections.iter().map(|of| of.count()).collect();
    match counts.into_iter().collect::<Vec<_>>()[..] {
        [] => Err(PartsError::Empty(folder.to_owned())),
        [count] => {
            let is_missing = |index: &usize| !selections.iter().any(|of| of.index() == *index);
            let shards: Vec<usize> = (0..count).filter(is_missing).collect();
            if shards.is_empty() {
                return Ok(count);
            }
            Err(PartsError::Missing { folder: folder.to_owned(), command: command.name(), shards, count })
        }
        ref counts => Err(PartsError::Counts(folder.to_owned(), counts.to_vec())),
    }
}

/// The topology that parts were made with: each part has put a copy of its files beside itself.
pub(super) fn topology(folder: &Path, files: &[&NamedDigest]) -> Result<Topology, PartsError> {
    let copy = |named: &NamedDigest| PartFile::new(folder, &topology_name(named), FileOwner::All);
    let text = |named: &NamedDigest| {
        let file = copy(named);
        file.verify(named)?;
        let text = fs::read_to_string(&file.path).map_err(|error| PartsError::unreadable(&file.path, &error))?;
        Ok((named.name.clone(), text))
    };
    let texts = files.iter().map(|named| text(named)).collect::<Result<Vec<_>, PartsError>>()?;
    // The texts have the digests of the manifest, and this very program compiled them when the parts were made. A
    // topology that has errors now means a manifest that was changed, so the message is about the copy and not about
    // the topology.
    Topology::of_copies(texts).map_err(|error| match error {
        LabError::Read(error) => PartsError::Unreadable(error.to_string()),
        LabError::Invalid { .. } => copy(files[0]).damaged("it is not a topology without errors"),
    })
}

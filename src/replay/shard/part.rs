//! Writing a part: the stream is read whole, or what a split has put aside of it, and the frames of some shards are forwarded.

use super::compressing::Compressing;
use super::digest::DigestWriter;
use super::error::PartsError;
use super::late::{ForwardedStream, forward};
use super::manifest::{MadeOf, Manifest, NamedDigest, PartFileKind, ProgramIdentity, SentSummary, StreamSummary};
use super::manifest::{TopologyDigests, manifest_name};
use super::options::{PartContents, PartOptions};
use super::reading::{FileOwner, PartFile};
use super::split_manifest::{SplitManifest, SplitUse};
use super::sums::PartSums;
use crate::capture::{CaptureFile, CaptureOpener, Captures, SPLIT_MANIFEST};
use crate::files::{Inputs, OutputFile};
use crate::lab::Topology;
use crate::replay::feed::PreparedFeed;
use crate::replay::records::ForwardedRecords;
use crate::replay::{Connections, Feed, FrameRecords, FrameSource, ReplayOptions, Sinks, run_frames};
use crate::text::shown_path;
use crate::threads::both;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// A part that is to be written.
pub struct PartJob<'a> {
    /// The topology.
    pub topology: &'a Topology,
    /// Where the frames are read from.
    pub source: PartSource,
    /// Opens captures.
    pub opener: CaptureOpener,
    /// How they are replayed, and which shards of them.
    pub options: &'a ReplayOptions,
    /// What the part holds of single frames.
    pub contents: PartContents,
    /// Where it is written to; made where it is missing.
    pub folder: &'a Path,
    /// The program that makes it.
    pub program: &'a ProgramIdentity,
}

/// Where the frames of a part are read from.
pub enum PartSource {
    /// Captures, one stream in this order. They are files: every shard reads all of them.
    Captures(Vec<CaptureFile>),
    /// A folder with what [`write_split`](super::write_split) made of the captures, which says how frames enter too.
    Split(PathBuf),
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenPart {
    /// The manifest.
    pub manifest: PathBuf,
    /// Frames of the part.
    pub frames: u64,
    /// Frames of the stream.
    pub read: u64,
    /// What ended captures early; it is told of all parts together, too.
    pub damage: Vec<String>,
}

/// Replays the captures and writes the part of the shards that [`ReplayOptions::shard`] selects; `None` where
/// [`ReplayOptions::stop`] ended that, and nothing was written. `progress` is told as by [`Sinks::progress`].
///
/// # Errors
/// A capture cannot be opened, or is no file; a file cannot be written.
pub fn write_part(
    job: PartJob<'_>,
    progress: Option<&mut dyn FnMut(u64, Option<u64>, u64)>,
) -> Result<Option<WrittenPart>, PartsError> {
    let PartJob { topology, contents, folder, program, .. } = job;
    let of_topology = TopologyDigests::of(topology)?;
    make_folder(folder)?;
    let PartInput { frames, options, paths, digests, stream } = PartInput::open(job)?;
    let mut inputs = Inputs::default();
    paths.iter().for_each(|path| inputs.add(path, "capture"));
    topology.sources.paths().for_each(|path| inputs.add(path, "topology"));
    let options = &options;
    let files = PartFiles { folder, inputs: &inputs, options };
    let stop = options.stop.as_deref();
    let is_stopped = || stop.is_some_and(|stop| stop.load(Ordering::Relaxed));
    // What is read is hashed beside: there it is in the memory of the system already.
    let forward = || match options.has_timing(topology) {
        false => files.replay(topology, frames, contents, progress),
        true => files.forward(topology, frames, contents, progress),
    };
    let (forwarded, digests) = both(forward, || digests.compute(&is_stopped));
    // Asked before the digests are looked at: an interrupt ends the hashing too, with an error that names a file which
    // is in order.
    if matches!(forwarded, Ok(None)) {
        return Ok(None);
    }
    // Before the damage that reading has found: where the file of a split is not the one of its manifest, that is the
    // cause, and the damage follows from it.
    let digests = digests?;
    let Some(ForwardedPart { frames, stream: found, files: written }) = forwarded? else { return Ok(None) };
    // What ended captures early is part of the summary of a split, and its files are whole. Where reading one ends
    // early all the same, frames are missing, and a part made of it would look complete.
    if let (Some(_), [damage, ..]) = (&stream, &found.damage[..]) {
        return Err(PartsError::Unreadable(damage.clone()));
    }
    let read = found.frames;
    let made_of = MadeOf {
        topology: of_topology,
        options: PartOptions::new(topology, options, contents),
        captures: digests,
        stream: stream.unwrap_or(found),
    };
    made_of.topology.write_copies(topology, folder, &inputs)?;
    let mut manifest = Manifest::of(options.shard, program.clone(), made_of);
    // Until here no file of this part but the topology has its name: after an error or an interrupt above, a part that
    // stood in the folder is still there as it was.
    for WrittenFile { kind, file } in written {
        let (file, digest) = file.finish();
        file.finish()?;
        manifest.files.insert(kind, NamedDigest { name: kind.file_name(options.shard), digest });
    }
    // Last: where it is, all else is.
    manifest.write(folder, &inputs)?;
    Ok(Some(WrittenPart {
        manifest: folder.join(manifest_name(options.shard)),
        frames,
        read,
        damage: manifest.stream.damage,
    }))
}

/// What a part is made of, opened.
struct PartInput {
    frames: FrameSource,
    options: ReplayOptions,
    /// The files that are read.
    paths: Vec<PathBuf>,
    digests: InputDigests,
    /// Where it is known already: what is true of the whole stream.
    stream: Option<StreamSummary>,
}

/// The digests of what is read, which are computed while it is.
enum InputDigests {
    /// Of captures.
    Captures(Vec<CaptureFile>),
    /// The file of a shard is held against its digest, and those of the captures are known.
    Split(PartFile, NamedDigest, Vec<NamedDigest>),
}

impl PartInput {
    fn open(job: PartJob<'_>) -> Result<PartInput, PartsError> {
        let PartJob { topology, source, opener, options, folder, program, .. } = job;
        match source {
            PartSource::Captures(captures) => {
                check_files(&captures)?;
                if is_among(&captures, folder) {
                    return Err(PartsError::AmongCaptures(folder.to_owned()));
                }
                let opened = Captures::open(captures.clone(), opener)?;
                Ok(PartInput {
                    frames: FrameSource::Captures(Feed::new(opened, options).with_timing(topology, options)),
                    options: options.clone(),
                    paths: captures.iter().map(|file| file.path.clone()).collect(),
                    digests: InputDigests::Captures(captures),
                    stream: None,
                })
            }
            PartSource::Split(split) => {
                if is_same_folder(&split, folder) {
                    return Err(PartsError::AmongCaptures(folder.to_owned()));
                }
                let manifest = SplitManifest::read(&split)?;
                let options = manifest.options(&split, &SplitUse { topology, options, program })?;
                let SplitManifest { captures, stream, sampled, mut files, .. } = manifest;
                let file = files.swap_remove(options.shard.index()).file;
                let part_file = PartFile::new(&split, &file.name, FileOwner::Split);
                let path = part_file.path.clone();
                let opened = Captures::open(vec![CaptureFile { path: path.clone(), is_of_folder: false }], opener);
                // A file that was cut or replaced fails here, before it is hashed, and the error of the reader would
                // not say what to do. The error about its digest says that the captures have to be split again.
                let opened = opened.map_err(|error| part_file.verify(&file).err().unwrap_or(error.into()))?;
                let facts = stream.facts(sampled);
                let prepared = PreparedFeed::new(opened, &options, facts, captures.len() > 1);
                Ok(PartInput {
                    frames: FrameSource::Prepared(prepared),
                    options,
                    paths: vec![path, split.join(SPLIT_MANIFEST)],
                    digests: InputDigests::Split(part_file, file, captures),
                    stream: Some(stream),
                })
            }
        }
    }
}

impl InputDigests {
    /// Those of the captures.
    fn compute(&self, is_stopped: &dyn Fn() -> bool) -> Result<Vec<NamedDigest>, PartsError> {
        match self {
            InputDigests::Captures(captures) => capture_digests(captures, is_stopped),
            InputDigests::Split(file, expected, captures) => file.verify(expected).map(|()| captures.clone()),
        }
    }
}

/// Refuses captures that are no files: what is made of them is known by their hashes.
pub(super) fn check_files(captures: &[CaptureFile]) -> Result<(), PartsError> {
    let is_file = |path: &Path| fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
    match captures.iter().find(|file| !is_file(&file.path)) {
        Some(once) => Err(PartsError::ReadOnce(once.path.display().to_string())),
        None => Ok(()),
    }
}

/// Makes a folder for files, unless it is there.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    let unwritable = |error: io::Error| {
        io::Error::new(error.kind(), format!("cannot make the folder `{}`: {error}", shown_path(folder)))
    };
    fs::create_dir_all(folder).map_err(unwritable)
}

/// True where a folder that captures were found in is `folder`.
pub(super) fn is_among(captures: &[CaptureFile], folder: &Path) -> bool {
    // A file that was named by itself does not count: its folder is not read, so parts may stand beside it. Files of
    // one folder follow each other, so `dedup` leaves one path of each, and the system is asked once per folder.
    let of_folders = captures.iter().filter(|file| file.is_of_folder).filter_map(|file| file.path.parent());
    let mut parents: Vec<&Path> = of_folders.collect();
    parents.dedup();
    parents.into_iter().any(|parent| is_same_folder(parent, folder))
}

fn is_same_folder(one: &Path, other: &Path) -> bool {
    // Links and `./` lead to the same folder under other names. A folder that is not there has no canonical path, so
    // callers make theirs before they ask.
    fs::canonicalize(one).is_ok_and(|one| fs::canonicalize(other).is_ok_and(|other| one == other))
}

/// The digest of each capture. All of them are files.
pub(super) fn capture_digests(
    captures: &[CaptureFile],
    is_stopped: &dyn Fn() -> bool,
) -> Result<Vec<NamedDigest>, PartsError> {
    captures.iter().map(|file| NamedDigest::of_file(&file.path, is_stopped)).collect()
}

/// A file of a part that was written, but not put in its place.
struct WrittenFile {
    kind: PartFileKind,
    file: DigestWriter<OutputFile>,
}

/// A part whose frames were forwarded.
struct ForwardedPart {
    frames: u64,
    stream: StreamSummary,
    files: Vec<WrittenFile>,
}

/// Where the files of a part go.
struct PartFiles<'a> {
    folder: &'a Path,
    inputs: &'a Inputs,
    options: &'a ReplayOptions,
}

impl PartFiles<'_> {
    fn create(&self, kind: PartFileKind) -> io::Result<DigestWriter<OutputFile>> {
        let path = self.folder.join(kind.file_name(self.options.shard));
        OutputFile::create(&path, self.inputs).map(DigestWriter::new)
    }

    fn create_compressed(&self, kind: PartFileKind) -> io::Result<Compressing<DigestWriter<OutputFile>>> {
        Compressing::new(self.create(kind)?)
    }

    /// Replays the frames, and writes what the part holds of single frames, and the sums of all; `None` where that was
    /// interrupted.
    fn replay(
        &self,
        topology: &Topology,
        frames: FrameSource,
        contents: PartContents,
        progress: Option<&mut dyn FnMut(u64, Option<u64>, u64)>,
    ) -> io::Result<Option<ForwardedPart>> {
        let mut lines = contents.lines.then(|| self.create_compressed(PartFileKind::Lines)).transpose()?;
        let mut packets = contents.packets.map(|_| self.create_compressed(PartFileKind::Packets)).transpose()?;
        let records = FrameRecords {
            lines: lines.as_mut().map(|file| file as &mut dyn Write),
            packets: packets.as_mut().map(|file| file as &mut dyn Write),
            forwarded: None,
        };
        let copies = contents.packets.unwrap_or_default();
        // The cast changes no type but a lifetime: that of a trait object behind `&mut` is invariant, and the other
        // sinks live shorter.
        let progress = progress.map(|progress| progress as &mut dyn FnMut(u64, Option<u64>, u64));
        let mut sinks = Sinks { records: Some(records), copies, progress, ..Sinks::default() };
        let mut replayed = run_frames(topology, frames, self.options, &mut sinks)?;
        if replayed.interrupted {
            return Ok(None);
        }
        let mut files = Vec::new();
        for (kind, file) in [(PartFileKind::Lines, lines), (PartFileKind::Packets, packets)] {
            if let Some(file) = file {
                files.push(WrittenFile { kind, file: file.finish()? });
            }
        }
        if self.options.connections == Connections::Each
            && let Some(connections) = &mut replayed.connections
        {
            let mut to = self.create_compressed(PartFileKind::Connections)?;
            connections.write_each(&mut to)?;
            files.push(WrittenFile { kind: PartFileKind::Connections, file: to.finish()? });
        }
        let mut sums = self.create(PartFileKind::Sums)?;
        let mut json = serde_json::to_vec(&PartSums::of(&replayed)).map_err(io::Error::from)?;
        json.push(b'\n');
        sums.write_all(&json)?;
        files.push(WrittenFile { kind: PartFileKind::Sums, file: sums });
        Ok(Some(ForwardedPart { frames: replayed.tally.frames(), stream: StreamSummary::of(&replayed, None), files }))
    }

    /// Forwards frames on which rates act, and writes them as the stages left them: what their receivers' rates
    /// let pass is known where all parts are. `None` where that was interrupted.
    fn forward(
        &self,
        topology: &Topology,
        frames: FrameSource,
        contents: PartContents,
        progress: Option<&mut dyn FnMut(u64, Option<u64>, u64)>,
    ) -> io::Result<Option<ForwardedPart>> {
        let mut to = self.create_compressed(PartFileKind::Forwarded)?;
        let forwarded = Some(ForwardedRecords { to: &mut to, has_packets: contents.packets.is_some() });
        let records = FrameRecords { lines: None, packets: None, forwarded };
        let copies = contents.packets.unwrap_or_default();
        let progress = progress.map(|progress| progress as &mut dyn FnMut(u64, Option<u64>, u64));
        let mut sinks = Sinks { records: Some(records), copies, progress, ..Sinks::default() };
        let ForwardedStream { frames, replayed, sent } = forward(topology, frames, self.options, &mut sinks)?;
        if replayed.interrupted {
            return Ok(None);
        }
        let timing = SentSummary::new(replayed.facts, &sent);
        let files = vec![WrittenFile { kind: PartFileKind::Forwarded, file: to.finish()? }];
        Ok(Some(ForwardedPart { frames, stream: StreamSummary::of(&replayed, Some(timing)), files }))
    }
}

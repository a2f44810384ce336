//! Writing a part: the stream is read whole, and the frames of some shards are forwarded.

use super::compressing::Compressing;
use super::digest::{DigestWriter, FileDigest};
use super::error::PartsError;
use super::manifest::{MadeOf, Manifest, NamedDigest, PartFileKind, ProgramIdentity, StreamSummary};
use super::manifest::{manifest_name, topology_name};
use super::options::{PartContents, PartOptions};
use super::sums::PartSums;
use crate::capture::{CaptureFile, CaptureOpener, Captures};
use crate::files::{Inputs, OutputFile, write};
use crate::lab::Topology;
use crate::replay::{Connections, FrameRecords, ReplayOptions, Replayed, Sinks, run};
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
    /// The captures, one stream in this order. They are files: every shard reads all of them.
    pub captures: Vec<CaptureFile>,
    /// Opens them.
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
    let PartJob { topology, captures, opener, options, contents, folder, program } = job;
    if let Some(once) = captures.iter().find(|file| !fs::metadata(&file.path).is_ok_and(|metadata| metadata.is_file()))
    {
        return Err(PartsError::ReadOnce(once.path.display().to_string()));
    }
    if options.has_timing(topology) {
        return Err(PartsError::Timing);
    }
    let mut texts = topology.sources.texts();
    let (Some((name, text)), None) = (texts.next(), texts.next()) else { return Err(PartsError::SeveralSources) };
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    if is_among(&captures, folder) {
        return Err(PartsError::AmongCaptures(folder.to_owned()));
    }
    let mut inputs = Inputs::default();
    captures.iter().for_each(|file| inputs.add(&file.path, "capture"));
    topology.sources.paths().for_each(|path| inputs.add(path, "topology"));
    let files = PartFiles { folder, inputs: &inputs, options };
    let stop = options.stop.as_deref();
    let is_stopped = || stop.is_some_and(|stop| stop.load(Ordering::Relaxed));
    let opened = Captures::open(captures.clone(), opener)?;
    // The captures are hashed beside: what is read there is in the memory of the system already.
    let (replayed, digests) = both(
        || files.replay(topology, opened, contents, progress),
        || captures.iter().map(|file| digest_of(file, &is_stopped)).collect::<Result<Vec<_>, PartsError>>(),
    );
    let Some((mut replayed, mut written)) = replayed? else { return Ok(None) };
    let digests = digests?;
    if options.connections == Connections::Each
        && let Some(connections) = &mut replayed.connections
    {
        let mut to = files.create_compressed(PartFileKind::Connections)?;
        connections.write_each(&mut to)?;
        written.push(WrittenFile { kind: PartFileKind::Connections, file: to.finish()? });
    }
    let mut sums = files.create(PartFileKind::Sums)?;
    let mut json = serde_json::to_vec(&PartSums::of(&replayed)).map_err(io::Error::from)?;
    json.push(b'\n');
    sums.write_all(&json)?;
    written.push(WrittenFile { kind: PartFileKind::Sums, file: sums });
    let made_of = MadeOf {
        topology: NamedDigest { name: name.to_owned(), digest: FileDigest::of_bytes(text.as_bytes()) },
        options: PartOptions::new(topology, options, contents),
        captures: digests,
        stream: stream_summary(&replayed),
    };
    write(&folder.join(topology_name(&made_of.topology.digest)), &inputs, text.as_bytes())?;
    let mut manifest = Manifest::of(options.shard, program.clone(), made_of);
    for WrittenFile { kind, file } in written {
        let (file, digest) = file.finish();
        file.finish()?;
        manifest.files.insert(kind, NamedDigest { name: kind.file_name(options.shard), digest });
    }
    // Last: where it is, all else is.
    manifest.write(folder, &inputs)?;
    Ok(Some(WrittenPart {
        manifest: folder.join(manifest_name(options.shard)),
        frames: replayed.tally.frames(),
        read: replayed.read,
        damage: manifest.stream.damage,
    }))
}

/// True where a folder that captures were found in is `folder`.
fn is_among(captures: &[CaptureFile], folder: &Path) -> bool {
    let Ok(folder) = fs::canonicalize(folder) else { return false };
    let of_folders = captures.iter().filter(|file| file.is_of_folder).filter_map(|file| file.path.parent());
    of_folders.into_iter().any(|parent| fs::canonicalize(parent).is_ok_and(|parent| parent == folder))
}

fn digest_of(file: &CaptureFile, is_stopped: &dyn Fn() -> bool) -> Result<NamedDigest, PartsError> {
    let digest = FileDigest::of_file(&file.path, is_stopped);
    let digest = digest.map_err(|error| PartsError::unreadable(&file.path, &error))?;
    Ok(NamedDigest { name: file.path.display().to_string(), digest })
}

fn unwritable(folder: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot make the folder `{}`: {error}", shown_path(folder)))
}

fn stream_summary(replayed: &Replayed) -> StreamSummary {
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
    }
}

/// A file of a part that was written, but not put in its place.
struct WrittenFile {
    kind: PartFileKind,
    file: DigestWriter<OutputFile>,
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

    /// Replays the captures, and writes what the part holds of single frames; `None` where that was interrupted.
    fn replay(
        &self,
        topology: &Topology,
        captures: Captures,
        contents: PartContents,
        mut progress: Option<&mut dyn FnMut(u64, Option<u64>, u64)>,
    ) -> io::Result<Option<(Replayed, Vec<WrittenFile>)>> {
        let mut lines = contents.lines.then(|| self.create_compressed(PartFileKind::Lines)).transpose()?;
        let mut packets = contents.packets.map(|_| self.create_compressed(PartFileKind::Packets)).transpose()?;
        let mut tell = |read, total, frames| {
            if let Some(progress) = &mut progress {
                progress(read, total, frames);
            }
        };
        let records = FrameRecords {
            lines: lines.as_mut().map(|file| file as &mut dyn Write),
            packets: packets.as_mut().map(|file| file as &mut dyn Write),
        };
        let copies = contents.packets.unwrap_or_default();
        let mut sinks = Sinks { records: Some(records), copies, progress: Some(&mut tell), ..Sinks::default() };
        let replayed = run(topology, captures, self.options, &mut sinks)?;
        if replayed.interrupted {
            return Ok(None);
        }
        let mut written = Vec::new();
        for (kind, file) in [(PartFileKind::Lines, lines), (PartFileKind::Packets, packets)] {
            if let Some(file) = file {
                written.push(WrittenFile { kind, file: file.finish()? });
            }
        }
        Ok(Some((replayed, written)))
    }
}

//! Cutting captures once: each frame goes into the capture of its shard, with all that is found about it on the way.
//!
//! A shard of a replay then reads its own file alone. What depends on the frames before it, of whatever shard, is in that
//! file or in the manifest: numbers, copies that are left out, the steering of fragments, samples.
//!
//! | of a packet | what it says |
//! |---|---|
//! | interface | the endpoint that the frame was captured at or, flagged as inbound, entered at; `any` where its source decides |
//! | `epb_packetid` | the number of the frame in the stream |
//! | `epb_queue` | which of the 64 shards it belongs to |
//! | option 0x8b01 | where there are several captures: which it is of, from 0, and its number there |
//! | option 0x8b02 | with timing: when the frame left its sender; one without it never did |
//! | comments | its own |

use super::digest::{DigestWriter, FileDigest};
use super::error::PartsError;
use super::manifest::{NamedDigest, ProgramIdentity, SentSummary, StreamSummary, TopologyDigests, stem};
use super::options::EntryOptions;
use super::part::{capture_digests, check_files, is_among, make_folder};
use super::split_manifest::{SplitFile, SplitManifest, SplitOf};
use crate::capture::{
    CaptureFile, CaptureOpener, Captures, MAX_INTERFACES, Packet, PacketDirection, PacketOptions, Writer,
    encode_packet_with,
};
use crate::datapath::{Entry, Steering};
use crate::files::{Inputs, OutputFile};
use crate::lab::Topology;
use crate::program::{EndpointId, FixedMap, Names};
use crate::replay::feed::{BY_SOURCE, CapturePosition, StreamFacts};
use crate::replay::{Feed, FrameBatch, ReplayOptions, ShardSelection};
use crate::report::CaptureFacts;
use crate::threads::both;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// Bytes of a file that are collected before they are hashed and written.
const AT_ONCE: usize = 1 << 16;

/// Captures that are to be split.
pub struct SplitJob<'a> {
    /// The topology: where a frame enters, and so which shard it belongs to, depends on it.
    pub topology: &'a Topology,
    /// The captures, one stream in this order. They are files.
    pub captures: Vec<CaptureFile>,
    /// Opens them.
    pub opener: CaptureOpener,
    /// Which frames enter, and where. What becomes of them then is said where shards are replayed.
    pub options: &'a ReplayOptions,
    /// How many shards.
    pub shards: usize,
    /// Where their files are written to; made where it is missing.
    pub folder: &'a Path,
    /// The program that makes it.
    pub program: &'a ProgramIdentity,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenSplit {
    /// By shard.
    pub files: Vec<WrittenShard>,
    /// Frames of the stream.
    pub read: u64,
    /// What ended captures early; it is told of all parts together, too.
    pub damage: Vec<String>,
}

/// The frames of a shard, in a capture of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenShard {
    /// Which.
    pub shard: ShardSelection,
    /// The capture.
    pub path: PathBuf,
    /// Its frames.
    pub frames: u64,
    /// Its length.
    pub bytes: u64,
}

/// Reads the captures once and writes each frame into the capture of its shard; `None` where [`ReplayOptions::stop`] ended
/// that, and nothing was written. `progress` is told as by [`Sinks::progress`](crate::replay::Sinks::progress).
///
/// # Errors
/// A capture cannot be opened, or is no file; a file cannot be written; the folder holds a split of something else.
pub fn write_split(
    job: SplitJob<'_>,
    mut progress: Option<&mut dyn FnMut(u64, Option<u64>, u64)>,
) -> Result<Option<WrittenSplit>, PartsError> {
    let SplitJob { topology, captures, opener, options, shards, folder, program } = job;
    let TopologyDigests { topology: named, included } = TopologyDigests::of(topology)?;
    check_files(&captures)?;
    make_folder(folder)?;
    if is_among(&captures, folder) {
        return Err(PartsError::AmongCaptures(folder.to_owned()));
    }
    let of = SplitOf {
        program: program.clone(),
        shards,
        topology: named,
        included,
        entry: EntryOptions::new(topology, options),
    };
    // Asked before the captures are read, which may take hours: topology, options and number of shards are known now,
    // and a split that differs in one of them is refused at once.
    let before = SplitManifest::read_if_there(folder)?;
    if let Some(before) = &before {
        before.check_made_of(folder, &of)?;
    }
    let mut inputs = Inputs::default();
    captures.iter().for_each(|file| inputs.add(&file.path, "capture"));
    topology.sources.paths().for_each(|path| inputs.add(path, "topology"));
    let stop = options.stop.as_deref();
    let is_stopped = || stop.is_some_and(|stop| stop.load(Ordering::Relaxed));
    let opened = Captures::open(captures.clone(), opener)?;
    // Batches of one worker are not divided, so frames can be taken by their index. All shards are selected, whatever
    // the caller has set: each frame of the stream goes into some file.
    let options = ReplayOptions { workers: 1, shard: ShardSelection::default(), ..options.clone() };
    let mut splitting = Splitting {
        topology,
        feed: Feed::new(opened, &options).with_timing(topology, &options),
        files: shard_files(shards, folder, &inputs)?,
        damage: Vec::new(),
    };
    // The captures are hashed beside: what is read there is in the memory of the system already.
    let (is_whole, digests) =
        both(|| splitting.run(&is_stopped, &mut progress), || capture_digests(&captures, &is_stopped));
    if !is_whole? {
        return Ok(None);
    }
    let Splitting { mut feed, files, damage, .. } = splitting;
    let (sent, facts) = (feed.take_use(), feed.stream_facts());
    let timing = options.has_timing(topology).then(|| SentSummary::new(facts.sampled, &sent));
    let finished = files.into_iter().map(ShardFile::finish).collect::<io::Result<Vec<_>>>()?;
    let stream = StreamSummary { timing, ..StreamSummary::of_facts(&facts, damage.clone()) };
    let manifest = SplitManifest::new(of, digests?, stream, facts.sampled, finished.iter().map(Finished::described));
    // The whole manifest is compared, and before any file is put in its place: captures of the same names may have
    // other bytes by now, which only their hashes show. The split that is there is then left as it was.
    if let Some(before) = before {
        before.check_same(folder, &manifest)?;
    }
    let mut written = Vec::with_capacity(finished.len());
    for Finished { shard, output, digest, frames } in finished {
        output.finish()?;
        written.push(WrittenShard { shard, path: folder.join(file_name(shard)), frames, bytes: digest.bytes });
    }
    // Last: where it is, all else is.
    manifest.write(folder, &inputs)?;
    Ok(Some(WrittenSplit { files: written, read: facts.read, damage }))
}

/// The name of the capture of a selection.
pub(super) fn file_name(of: ShardSelection) -> String {
    format!("{}.pcapng", stem(of))
}

fn shard_files(shards: usize, folder: &Path, inputs: &Inputs) -> io::Result<Vec<ShardFile>> {
    let selections = (0..shards).filter_map(|index| ShardSelection::new(index, shards));
    selections.map(|shard| ShardFile::create(shard, folder, inputs)).collect()
}

/// A stream on its way into the files of its shards.
struct Splitting<'a> {
    topology: &'a Topology,
    feed: Feed,
    /// By shard.
    files: Vec<ShardFile>,
    damage: Vec<String>,
}

impl Splitting<'_> {
    /// Reads all of the stream; false where that was no longer wanted.
    fn run(
        &mut self,
        is_stopped: &dyn Fn() -> bool,
        progress: &mut Option<&mut dyn FnMut(u64, Option<u64>, u64)>,
    ) -> Result<bool, PartsError> {
        let mut steering = Steering::default();
        let mut batch = FrameBatch::default();
        loop {
            if is_stopped() {
                return Ok(false);
            }
            match self.feed.next(&mut batch, self.topology, &mut steering) {
                Ok(true) => {}
                Ok(false) => return Ok(true),
                // What opens captures may end a read with an error when the work is interrupted. That is no damage of
                // the capture, and the split is not written at all.
                Err(_) if is_stopped() => return Ok(false),
                Err(error) => {
                    self.damage.push(error.to_string());
                    if !self.feed.more_follow() {
                        return Ok(true);
                    }
                    continue;
                }
            }
            for index in 0..batch.len() {
                // The same remainder as in `ShardSelection`: the file with index I has to hold what `--shard I/N`
                // selects of the whole stream, or the two kinds of parts would differ.
                let shard = batch.frame(index).shard.index() % self.files.len();
                self.files[shard].write(&batch, index, &self.topology.names)?;
            }
            if let Some(progress) = progress {
                let (read, total) = self.feed.progress();
                progress(read, total, batch.len() as u64);
            }
        }
    }
}

/// The capture of a shard while it is written.
struct ShardFile {
    shard: ShardSelection,
    writer: Writer<DigestWriter<OutputFile>>,
    /// By endpoint; without one, that of frames whose source decides.
    interfaces: FixedMap<Option<EndpointId>, u32>,
    options: PacketOptions,
    encoded: Vec<u8>,
    frames: u64,
}

impl ShardFile {
    fn create(shard: ShardSelection, folder: &Path, inputs: &Inputs) -> io::Result<ShardFile> {
        let output = OutputFile::create(&folder.join(file_name(shard)), inputs)?;
        Ok(ShardFile {
            shard,
            writer: Writer::new(DigestWriter::new(output))?,
            interfaces: FixedMap::default(),
            options: PacketOptions::default(),
            encoded: Vec::with_capacity(AT_ONCE),
            frames: 0,
        })
    }

    /// Adds frame `index` of `batch`.
    fn write(&mut self, batch: &FrameBatch, index: usize, names: &Names) -> Result<(), PartsError> {
        let (number, frame) = (batch.number(index), batch.frame(index));
        let (endpoint, direction) = match frame.entry {
            Entry::BySource => (None, PacketDirection::Unknown),
            Entry::CapturedAt(endpoint) => (Some(endpoint), PacketDirection::Unknown),
            // Both are flagged as inbound. A frame that its sender's rate refuses has no departure time below, and with
            // timing that alone makes the difference when the file is read.
            Entry::Injected(endpoint) | Entry::RateExceeded(endpoint) => (Some(endpoint), PacketDirection::Inbound),
        };
        let own: Vec<&[u8]> = batch.comments(number).collect();
        let packet = Packet {
            interface: self.interface(endpoint, names)?,
            time: frame.time,
            bytes: frame.bytes,
            wire_len: frame.wire_length,
            direction,
            packet_id: Some(number),
            own_comments: &own,
            comments: &[],
        };
        self.options.set(&packet);
        self.options.add_queue(frame.shard.index() as u32);
        if let Some(CapturePosition { capture, number }) = batch.position(index) {
            self.options.add_taken_from(capture as u32, number);
        }
        if let Some(time) = batch.times(index).and_then(|times| times.sent) {
            self.options.add_sent(time);
        }
        encode_packet_with(&mut self.encoded, &packet, &self.options);
        self.frames += 1;
        if self.encoded.len() >= AT_ONCE {
            self.write_encoded()?;
        }
        Ok(())
    }

    /// The interface of frames that enter at `endpoint`, or by their source.
    fn interface(&mut self, endpoint: Option<EndpointId>, names: &Names) -> Result<u32, PartsError> {
        if let Some(interface) = self.interfaces.get(&endpoint) {
            return Ok(*interface);
        }
        // The reader refuses a section with more interfaces, so a file that describes more could be written, after
        // hours of reading, but never be replayed.
        if self.interfaces.len() >= MAX_INTERFACES as usize {
            return Err(PartsError::TooManyEntries(MAX_INTERFACES));
        }
        self.write_encoded()?;
        let (name, description) = match endpoint {
            Some(endpoint) => (names.endpoint(endpoint), None),
            None => (BY_SOURCE, Some("frames that enter at the endpoint that owns their source")),
        };
        let interface = self.writer.add_interface(name, description)?;
        self.interfaces.insert(endpoint, interface);
        Ok(interface)
    }

    fn write_encoded(&mut self) -> io::Result<()> {
        self.writer.write_encoded(&self.encoded)?;
        self.encoded.clear();
        Ok(())
    }

    /// Writes what is left.
    fn finish(mut self) -> io::Result<Finished> {
        self.write_encoded()?;
        let (output, digest) = self.writer.finish()?.finish();
        Ok(Finished { shard: self.shard, output, digest, frames: self.frames })
    }
}

/// A capture that was written, but not put in its place.
struct Finished {
    shard: ShardSelection,
    output: OutputFile,
    digest: FileDigest,
    frames: u64,
}

impl Finished {
    fn described(&self) -> SplitFile {
        let file = NamedDigest { name: file_name(self.shard), digest: self.digest.clone() };
        SplitFile { file, frames: self.frames }
    }
}

impl StreamSummary {
    /// What `facts` say, where captures were ended early by `damage`.
    pub(super) fn of_facts(facts: &StreamFacts, damage: Vec<String>) -> StreamSummary {
        StreamSummary {
            frames: facts.read,
            captures: facts.captures.clone(),
            not_captures: facts.not_captures.clone(),
            copies: facts.copies,
            duplicates: facts.duplicates,
            unreadable: facts.unreadable.clone(),
            damage,
            unused_injections: facts.unused_injections.clone(),
            unused_maps: facts.unused_maps.clone(),
            timing: None,
        }
    }

    /// The facts that it was made of, with what samples of the frames showed.
    pub(super) fn facts(&self, sampled: CaptureFacts) -> StreamFacts {
        StreamFacts {
            read: self.frames,
            captures: self.captures.clone(),
            not_captures: self.not_captures.clone(),
            copies: self.copies,
            duplicates: self.duplicates,
            unreadable: self.unreadable.clone(),
            unused_injections: self.unused_injections.clone(),
            unused_maps: self.unused_maps.clone(),
            sampled,
        }
    }
}

//! Frames as the stages left them, for parts of a replay with timing: all that their receivers' buckets ask, and all that is
//! counted and written about them afterwards. What is not written is not kept: of a frame that goes into no capture, the bytes
//! behind its headers, and those of what left because of it.
//!
//! Numbers are little endian, and an id that may be missing is one more than it is, or 0. Ids mean something in the program
//! alone in which the frame was forwarded.

use super::Copies;
use super::feed::{CapturePosition, FrameBatch};
use super::worker::FrameOutcome;
use super::writing::WrittenFrame;
#[cfg(feature = "cli")]
use crate::capture::MAX_BLOCK_LEN;
#[cfg(feature = "cli")]
use crate::datapath::{Emitted, Entry, Frame, MatchedRule, Outcome, ShardId, Verdict, WhitelistEntryId};
use crate::datapath::{Sent, UsedEntries};
#[cfg(feature = "cli")]
use crate::diag::EmittedKind;
#[cfg(feature = "cli")]
use crate::lab::Topology;
#[cfg(feature = "cli")]
use crate::program::{DomainId, EndpointId, RouteId, RuleId, WhitelistId};
#[cfg(feature = "cli")]
use crate::time::SimTime;

/// Bytes that are kept of a frame that goes into no capture: more than all headers that are looked at.
const HEADERS: usize = 128;

/// The most that all headers of a frame take that the fabric makes: of a fragment, or of an ICMP error with what it quotes.
#[cfg(feature = "cli")]
const MADE: usize = 128;

/// What is kept of frames beside what became of them.
#[derive(Clone, Copy)]
pub(super) struct ForwardedFormat {
    /// The copies that go into a capture, where one is to be written.
    pub(super) packets: Option<Copies>,
}

/// Bits of what a record says of a frame.
mod flag {
    pub(super) const SENT: u8 = 1;
    pub(super) const BY_SESSION: u8 = 2;
    pub(super) const USED: u8 = 4;
    /// The bytes of what left are there.
    pub(super) const COPIES: u8 = 8;
    /// The capture is told, and the number there.
    pub(super) const POSITION: u8 = 16;
}

impl ForwardedFormat {
    /// Appends a frame of `batch` and what became of it.
    pub(super) fn write(
        self,
        out: &mut Vec<u8>,
        batch: &FrameBatch,
        written: WrittenFrame<'_>,
        seen: &FrameOutcome<'_>,
    ) {
        let WrittenFrame { frame_ref, index, times, .. } = written;
        let FrameOutcome { outcome, sent, bytes, used } = *seen;
        let frame = batch.frame_of(frame_ref);
        let departs = times.and_then(|times| times.sent);
        let position = batch.position(index);
        let has_copies = matches!(self.packets, Some(Copies::Out | Copies::Both));
        let flags = [
            (departs.is_some(), flag::SENT),
            (outcome.by_session, flag::BY_SESSION),
            (used.is_some(), flag::USED),
            (has_copies, flag::COPIES),
            (position.is_some(), flag::POSITION),
        ];
        let flags = flags.into_iter().filter(|(is_set, _)| *is_set).fold(0, |flags, (_, flag)| flags | flag);
        let [entry, at] = frame.entry.to_numbers();
        out.extend_from_slice(&[flags, frame.shard.index() as u8, entry as u8, outcome.hops]);
        put(out, frame.time.as_nanos());
        if let Some(departs) = departs {
            put(out, departs.as_nanos());
        }
        if let Some(CapturePosition { capture, number }) = position {
            put(out, capture as u64);
            put(out, number);
        }
        put_ids(out, [at, frame.wire_length, frame.bytes.len() as u32]);
        put(out, outcome.verdict.to_word());
        put(out, outcome.decider.to_word());
        put(out, outcome.begun_by.to_word());
        let [first, second] = outcome.domains.map(|id| id.map(|id| id.0));
        put_ids(out, [outcome.from.map(|id| id.0), first, second, outcome.receiver.map(|id| id.0)].map(optional));
        if let Some(used) = used {
            put_used(out, used);
        }
        put_ids(out, [sent.len() as u32]);
        for sent in sent {
            put_sent(out, sent);
            if has_copies {
                out.extend_from_slice(&bytes[sent.range.clone()]);
            }
        }
        let comments: Vec<&[u8]> = match self.packets {
            Some(_) => batch.comments(frame_ref.number).collect(),
            None => Vec::new(),
        };
        put_ids(out, [comments.len() as u32]);
        for comment in comments {
            put_ids(out, [comment.len() as u32]);
            out.extend_from_slice(comment);
        }
        // The bytes stand last, without a length of their own: they are what is left of the record, and are held
        // against the captured length when it is read.
        let kept = if self.packets.is_some() { frame.bytes.len() } else { frame.bytes.len().min(HEADERS) };
        out.extend_from_slice(&frame.bytes[..kept]);
    }
}

fn put_sent(out: &mut Vec<u8>, sent: &Sent) {
    let (kind, by) = sent.emitted.map_or((0, 0), |emitted| (emitted.kind as u32 + 1, emitted.by.0));
    put_ids(out, [kind, by, sent.to.0, sent.wire_length, sent.range.len() as u32]);
}

fn put_used(out: &mut Vec<u8>, used: &UsedEntries) {
    let UsedEntries { guest, routes: [first, second], egress, ingress, whitelist, link } = used;
    let routes = [guest, first, second].map(|id| optional(id.map(|id| id.0)));
    let rules = [egress, ingress].map(|id| optional(id.map(|id| id.0)));
    put_ids(out, routes);
    put_ids(out, rules);
    let (list, place) = whitelist.map_or((None, 0), |entry| (Some(entry.whitelist.0), entry.entry as u32));
    put_ids(out, [optional(list), place, optional(link.map(|id| id.0))]);
}

fn optional(id: Option<u32>) -> u32 {
    id.map_or(0, |id| id + 1)
}

fn put(out: &mut Vec<u8>, word: u64) {
    out.extend_from_slice(&word.to_le_bytes());
}

fn put_ids<const N: usize>(out: &mut Vec<u8>, ids: [u32; N]) {
    ids.iter().for_each(|id| out.extend_from_slice(&id.to_le_bytes()));
}

/// A frame that the stages have forwarded, read from its record.
#[cfg(feature = "cli")]
pub(super) struct ForwardedFrame<'a> {
    time: SimTime,
    entry: Entry,
    shard: ShardId,
    wire_length: u32,
    /// As many as were captured; those that were not kept are 0.
    bytes: Vec<u8>,
    /// When it left its sender.
    pub(super) departs: Option<SimTime>,
    /// Where it stands in its capture, where there are several.
    pub(super) position: Option<CapturePosition>,
    pub(super) outcome: Outcome,
    pub(super) used: Option<UsedEntries>,
    /// What left because of it, with its bytes where they were kept.
    pub(super) sent: Vec<(Sent, &'a [u8])>,
    pub(super) comments: Vec<&'a [u8]>,
}

#[cfg(feature = "cli")]
impl<'a> ForwardedFrame<'a> {
    /// Reads a record; nothing where it cannot be of this topology.
    pub(super) fn read(record: &'a [u8], topology: &Topology) -> Option<ForwardedFrame<'a>> {
        let mut fields = Fields { rest: record, topology };
        let [flags, shard, entry, hops] = *fields.array()?;
        let time = SimTime::from_nanos(fields.word()?);
        let departs = if flags & flag::SENT == 0 { None } else { Some(SimTime::from_nanos(fields.word()?)) };
        let position = if flags & flag::POSITION == 0 { None } else { Some(fields.position()?) };
        let [at, wire_length, captured] = fields.numbers()?;
        let entry = match entry {
            0 => Entry::BySource,
            1 => Entry::CapturedAt(fields.endpoint(at)?),
            2 => Entry::Injected(fields.endpoint(at)?),
            3 => Entry::RateExceeded(fields.endpoint(at)?),
            _ => return None,
        };
        let verdict = Some(Verdict::from_word(fields.word()?)).filter(|verdict| verdict.is_of(&topology.program))?;
        let (decider, begun_by) = (fields.decider()?, fields.decider()?);
        let [from, first, second, receiver] = fields.numbers()?;
        let outcome = Outcome {
            from: fields.optional(from, Fields::endpoint)?,
            domains: [fields.optional(first, Fields::domain)?, fields.optional(second, Fields::domain)?],
            verdict,
            decider,
            receiver: fields.optional(receiver, Fields::endpoint)?,
            by_session: flags & flag::BY_SESSION != 0,
            begun_by,
            hops,
        };
        let used = if flags & flag::USED == 0 { None } else { Some(fields.used()?) };
        // The record may be damaged, and a count in it may be anything. Nothing is reserved by it: each element takes
        // bytes of the record, so the work is bounded by the record's length, and one that is missing ends it.
        let [count] = fields.numbers()?;
        let sent: Vec<(Sent, &[u8])> =
            (0..count).map(|_| fields.sent(flags & flag::COPIES != 0)).collect::<Option<_>>()?;
        let copied: usize = sent.iter().map(|(sent, _)| sent.range.len()).sum();
        let [count] = fields.numbers()?;
        let comments = (0..count).map(|_| fields.comment()).collect::<Option<_>>()?;
        let (kept, captured) = (fields.rest, captured as usize);
        // Bytes that were not kept are filled up with zeros, and without limits a short record could ask for gigabytes
        // of them. No frame is longer than the longest block of a capture, and what came out of a frame is no longer
        // than the frame, but for the headers that the fabric made.
        let is_bounded = captured <= MAX_BLOCK_LEN as usize && copied <= captured + sent.len() * MADE;
        if !is_bounded || kept.len() > captured || kept.len() < captured.min(HEADERS) {
            return None;
        }
        let mut bytes = Vec::with_capacity(captured);
        bytes.extend_from_slice(kept);
        // The frame gets its captured length back, though the zeros are not read. The limit of what is held goes by
        // lengths, and a merge has to take the same frames early as one process does.
        bytes.resize(captured, 0);
        let shard = ShardId::of_index(shard.into())?;
        Some(ForwardedFrame {
            time,
            entry,
            shard,
            wire_length,
            bytes,
            departs,
            position,
            outcome,
            used,
            sent,
            comments,
        })
    }

    /// The frame as it entered.
    pub(super) fn frame(&self) -> Frame<'_> {
        let ForwardedFrame { time, entry, shard, wire_length, bytes, .. } = self;
        Frame { bytes, wire_length: *wire_length, time: *time, entry: *entry, shard: *shard }
    }
}

/// What is left of a record.
#[cfg(feature = "cli")]
struct Fields<'a, 't> {
    rest: &'a [u8],
    topology: &'t Topology,
}

#[cfg(feature = "cli")]
impl<'a> Fields<'a, '_> {
    fn array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (array, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(array)
    }

    fn bytes(&mut self, length: u32) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(length as usize)?;
        self.rest = rest;
        Some(bytes)
    }

    fn word(&mut self) -> Option<u64> {
        self.array().map(|bytes| u64::from_le_bytes(*bytes))
    }

    fn numbers<const N: usize>(&mut self) -> Option<[u32; N]> {
        let mut numbers = [0; N];
        for number in &mut numbers {
            *number = u32::from_le_bytes(*self.array()?);
        }
        Some(numbers)
    }

    fn position(&mut self) -> Option<CapturePosition> {
        Some(CapturePosition { capture: usize::try_from(self.word()?).ok()?, number: self.word()? })
    }

    fn decider(&mut self) -> Option<MatchedRule> {
        let Topology { program, names, .. } = self.topology;
        Some(MatchedRule::from_word(self.word()?)).filter(|decider| decider.is_of(program, names.rules.len()))
    }

    /// What `id` reads where it is there; nothing where it is not of the topology.
    fn optional<T>(&self, number: u32, id: impl Fn(&Self, u32) -> Option<T>) -> Option<Option<T>> {
        match number.checked_sub(1) {
            Some(number) => id(self, number).map(Some),
            None => Some(None),
        }
    }

    fn endpoint(&self, id: u32) -> Option<EndpointId> {
        Some(EndpointId(id)).filter(|id| id.index() < self.topology.program.endpoints.len())
    }

    fn domain(&self, id: u32) -> Option<DomainId> {
        Some(DomainId(id)).filter(|id| id.index() < self.topology.program.domains.len())
    }

    fn route(&self, id: u32) -> Option<RouteId> {
        Some(RouteId(id)).filter(|id| id.index() < self.topology.program.routes.len())
    }

    fn rule(&self, id: u32) -> Option<RuleId> {
        Some(RuleId(id)).filter(|id| id.index() < self.topology.names.rules.len())
    }

    fn used(&mut self) -> Option<UsedEntries> {
        let [guest, first, second, egress, ingress, list, place, link] = self.numbers()?;
        let entry = |fields: &Self, list: u32| {
            let entry = WhitelistEntryId { whitelist: WhitelistId(list), entry: place as usize };
            let lists = &fields.topology.program.whitelists;
            lists.get(list as usize).filter(|list| entry.entry < list.entries.len()).map(|_| entry)
        };
        Some(UsedEntries {
            guest: self.optional(guest, Fields::route)?,
            routes: [self.optional(first, Fields::route)?, self.optional(second, Fields::route)?],
            egress: self.optional(egress, Fields::rule)?,
            ingress: self.optional(ingress, Fields::rule)?,
            whitelist: self.optional(list, entry)?,
            link: self.optional(link, Fields::endpoint)?,
        })
    }

    fn sent(&mut self, has_copies: bool) -> Option<(Sent, &'a [u8])> {
        let [kind, by, to, wire_length, length] = self.numbers()?;
        let emitted = match kind.checked_sub(1) {
            Some(kind) => Some(Emitted { by: self.domain(by)?, kind: *EmittedKind::ALL.get(kind as usize)? }),
            None => None,
        };
        let bytes = if has_copies { self.bytes(length)? } else { &[] };
        // Where it lies, and behind which frame, is known when it is put beside others.
        let sent = Sent { frame: 0, to: self.endpoint(to)?, emitted, range: 0..length as usize, wire_length };
        Some((sent, bytes))
    }

    fn comment(&mut self) -> Option<&'a [u8]> {
        let [length] = self.numbers()?;
        self.bytes(length).filter(|comment| comment.len() <= u16::MAX.into())
    }
}

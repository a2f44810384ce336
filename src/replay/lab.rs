//! Captures through a lab, for tests: what they come to, as text.

use super::passing::{PassedFrame, fabric_options, pass};
use super::scenario::violation;
use super::{CaptureError, ReplayOptions};
use crate::capture::Captures;
use crate::datapath::Verdict;
use crate::diag::{EmittedKind, Reason};
use crate::flows::Gatherer;
use crate::lab::{FrameResult, Lab, Topology};
use crate::program::EndpointId;
use crate::report::{Connection, ConnectionRows, Palette, Resolver, counted};
use crate::text::{Shown, shown_path};
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// What the replay of a capture in a [`Lab`] came to. Prints a line for each kind of result, with the number of frames.
#[must_use = "a replay says nothing until something is claimed about it"]
pub struct LabReplay {
    /// What messages call the capture.
    name: String,
    topology: Arc<Topology>,
    frames: u64,
    kinds: BTreeMap<ReplayedKind, KindCount>,
    connections: Vec<Connection>,
}

/// What became of frames, in the order in which they are listed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum ReplayedKind {
    Delivered(EndpointId),
    Answered,
    Outside,
    Dropped(Reason),
    Undetermined(Option<Reason>),
    /// What the fabric sent by itself, beside the frame that made it do so.
    Emitted(EmittedKind, EndpointId),
}

struct KindCount {
    frames: u64,
    /// The number of the first one, and what became of it.
    first: (u64, FrameResult),
}

impl Lab {
    /// Replays a capture, or the captures of a folder, from now on: the first frame enters at the present time, and the
    /// clock stands at the last one afterwards. Frames enter at the endpoints that own their source addresses, and meet
    /// the sessions of this lab.
    ///
    /// ```
    /// use biplane::lab::Lab;
    ///
    /// let mut lab = Lab::open("scenarios/topologies/shop.toml").unwrap();
    /// let replayed = lab.replay("pcaps/mysql.pcap").unwrap();
    /// replayed.is("
    ///     11 delivered to rm-orders
    ///      8 delivered to i-web-1
    /// ");
    /// ```
    ///
    /// Rates and delays act where `[fabric] timing` says so, or [`ReplayOptions::timing`], each time with full buckets.
    ///
    /// # Errors
    /// The capture cannot be read, or not to its end.
    pub fn replay(&mut self, capture: impl AsRef<Path>) -> Result<LabReplay, CaptureError> {
        let paths = [capture.as_ref().to_owned()];
        let captures = Captures::open_paths(&paths)?;
        let name = shown_path(&paths[0]).to_string();
        Ok(LabReplay { name, ..self.replay_with(captures, &ReplayOptions::default())? })
    }

    /// Replays captures as [`Lab::replay`] does, with other entries, addresses or adjustments. Workers, and what `options`
    /// gathers, do not matter here: connections are always gathered.
    ///
    /// # Errors
    /// A capture cannot be read to its end.
    pub fn replay_with(
        &mut self,
        captures: impl Into<Captures>,
        options: &ReplayOptions,
    ) -> Result<LabReplay, CaptureError> {
        let topology = Arc::clone(self.topology());
        let fabric = fabric_options(self, options);
        let (mut frames, mut kinds) = (0, BTreeMap::new());
        let mut connections = Gatherer::new(true);
        let damage = pass(self, captures.into(), options, |passed| {
            let PassedFrame { number, frame, output, trace, .. } = passed;
            frames += 1;
            connections.add(number, &frame, &output.outcomes[0]);
            let emitted = output.sent.iter().filter_map(|sent| Some((sent.emitted?.kind, sent.to)));
            let mut found: Vec<ReplayedKind> = emitted.map(|(kind, to)| ReplayedKind::Emitted(kind, to)).collect();
            found.push(ReplayedKind::of(output.outcomes[0].verdict));
            // Only the first frame of each kind is kept, with its trace: there are few kinds, so memory does not grow
            // with the capture. Taking the output away is safe, since the fabric fills a new one for the next frame.
            let is_first = found.iter().any(|kind| !kinds.contains_key(kind));
            let result = is_first
                .then(|| FrameResult::new(Arc::clone(&topology), &frame, std::mem::take(output), trace).under(fabric));
            for kind in found {
                match (kinds.get_mut(&kind), &result) {
                    (Some(KindCount { frames, .. }), _) => *frames += 1,
                    (None, Some(result)) => {
                        kinds.insert(kind, KindCount { frames: 1, first: (number, result.clone()) });
                    }
                    (None, None) => unreachable!("the first of a kind has a result"),
                }
            }
        });
        if let Some(error) = damage.into_iter().next() {
            return Err(error);
        }
        let connections = in_memory(connections).expect("a temporary file can be written and read");
        Ok(LabReplay { name: "the capture".to_owned(), topology, frames, kinds, connections })
    }
}

impl Lab {
    /// Holds a claim about every header there is, as `biplane reach --assert` does, against the topology as it is now; see
    /// the manual for what it can say.
    ///
    /// ```
    /// # use biplane::lab::Lab;
    /// # let lab = Lab::open("scenarios/topologies/shop.toml").unwrap();
    /// lab.claim("i-batch-1 -> vpc-shop: nothing");
    /// lab.claim("sg-web -> i-app-1: only tcp/8080, icmp");
    /// ```
    ///
    /// # Panics
    /// It does not hold: flows that it does not allow, what lets them through, and the trace of one packet. Or it is no
    /// claim.
    #[track_caller]
    pub fn claim(&self, text: &str) {
        match violation(self.topology(), text) {
            Ok(None) => {}
            Ok(Some(found)) => panic!("claim: {}\n fact: {}\n\n{}", Shown(text), found.fact, found.trace),
            Err(error) => panic!("{error}"),
        }
    }
}

fn in_memory(gatherer: Gatherer) -> io::Result<Vec<Connection>> {
    Gatherer::finish(vec![gatherer])?.in_order()?.collect()
}

impl ReplayedKind {
    fn of(verdict: Verdict) -> ReplayedKind {
        let reason = verdict.refusal().map(|(reason, _)| reason);
        match verdict {
            Verdict::Delivered { to } => ReplayedKind::Delivered(to),
            Verdict::Answered => ReplayedKind::Answered,
            Verdict::Outside => ReplayedKind::Outside,
            Verdict::Dropped { reason, .. } => ReplayedKind::Dropped(reason),
            Verdict::Undetermined(_) => ReplayedKind::Undetermined(reason),
        }
    }

    fn text(&self, topology: &Topology) -> String {
        match self {
            ReplayedKind::Delivered(to) => format!("delivered to {}", topology.name_of(*to)),
            ReplayedKind::Answered => "answered".to_owned(),
            ReplayedKind::Outside => "outside".to_owned(),
            ReplayedKind::Dropped(reason) => format!("dropped for {reason}"),
            ReplayedKind::Undetermined(Some(reason)) => format!("undetermined for {reason}"),
            ReplayedKind::Undetermined(None) => "undetermined".to_owned(),
            ReplayedKind::Emitted(kind, to) => format!("emitted {} to {}", kind.name(), topology.name_of(*to)),
        }
    }
}

impl LabReplay {
    /// The number of frames.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// The number of frames that reached an endpoint; 0 where the topology has none of this name.
    pub fn delivered_to(&self, endpoint: &str) -> u64 {
        self.topology.find(endpoint).map_or(0, |to| self.count(&ReplayedKind::Delivered(to)))
    }

    /// The number of frames that were dropped for a reason.
    pub fn dropped_for(&self, reason: Reason) -> u64 {
        self.count(&ReplayedKind::Dropped(reason))
    }

    fn count(&self, kind: &ReplayedKind) -> u64 {
        self.kinds.get(kind).map_or(0, |count| count.frames)
    }

    /// The connections between the frames, in the order of their first ones.
    pub fn connections(&self) -> &[Connection] {
        &self.connections
    }

    /// The connections as `biplane replay --by connection` lists them.
    pub fn connections_text(&self) -> String {
        let Topology { program, names, sources, .. } = &*self.topology;
        let mut rows = ConnectionRows::new(Resolver::new(program, names, sources), Palette::Plain);
        let mut text = String::new();
        self.connections.iter().for_each(|connection| rows.measure(connection));
        self.connections.iter().for_each(|connection| rows.write(&mut text, connection));
        text
    }

    /// No frame was dropped, and each has a verdict.
    ///
    /// # Panics
    /// One was: the first of them is traced, with what to do about it.
    #[track_caller]
    pub fn nothing_dropped(&self) -> &LabReplay {
        let lost = |kind: &&ReplayedKind| matches!(kind, ReplayedKind::Dropped(_) | ReplayedKind::Undetermined(_));
        if let Some(kind) = self.kinds.keys().find(lost) {
            let what = kind.text(&self.topology);
            panic!(
                "claim: no frame of {} is dropped or undetermined\n fact:\n{self}\n{}",
                self.name,
                self.first(&what)
            );
        }
        self
    }

    /// The counts are these and no others: a line for each kind of result, as this prints; in any order.
    ///
    /// # Panics
    /// They are not: both stand side by side, and the first frame of a kind that differs is traced, with what to do about
    /// it.
    #[track_caller]
    pub fn is(&self, written: &str) -> &LabReplay {
        if let Err(told) = self.compare(written) {
            panic!("claim: the replay of {} comes to what is written\n fact: {told}", self.name);
        }
        self
    }

    fn compare(&self, written: &str) -> Result<(), String> {
        let mut lines: BTreeMap<String, [u64; 2]> = BTreeMap::new();
        for line in written.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (count, what) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let Ok(count) = count.replace(',', "").parse() else {
                return Err(format!(
                    "`{line}` is no count: expected a number and a result, as in `12 delivered to db-1`"
                ));
            };
            if lines.insert(what.trim().to_owned(), [count, 0]).is_some() {
                return Err(format!("`{}` stands twice in the text", what.trim()));
            }
        }
        for (kind, count) in &self.kinds {
            lines.entry(kind.text(&self.topology)).or_default()[1] = count.frames;
        }
        let differ: Vec<&String> =
            lines.iter().filter(|(_, [one, other])| one != other).map(|(what, _)| what).collect();
        // A kind that was written and never occurred has no frame to trace. So a kind that occurred is preferred,
        // although another one may come first in the list.
        let Some(first) = differ.iter().find(|what| lines[**what][1] != 0).or(differ.first()) else { return Ok(()) };
        let mut told =
            format!("{} differ\n\n  {:>9}  {:>9}\n", counted(differ.len() as u64, "line"), "written", "replayed");
        for (what, [one, other]) in &lines {
            let mark = if one == other { ' ' } else { '*' };
            let _ = writeln!(told, "{mark} {one:>9}  {other:>9}  {what}");
        }
        told.push('\n');
        Err(told + &self.first(first))
    }

    /// The first frame of a kind, traced.
    fn first(&self, what: &str) -> String {
        let found = self.kinds.iter().find(|(kind, _)| kind.text(&self.topology) == what);
        found.map_or_else(String::new, |(_, count)| {
            let (number, result) = &count.first;
            format!("the first frame {what} is frame {number}:\n{}", result.explanation())
        })
    }
}

impl fmt::Display for LabReplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, count) in &self.kinds {
            writeln!(f, "{} {}", count.frames, kind.text(&self.topology))?;
        }
        Ok(())
    }
}

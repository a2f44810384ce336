//! Hints about the capture itself.

use super::CaptureFacts;
use crate::diag::{ProblemRecord, hint};
use crate::report::layout::{counted, percent, thousands};
use crate::report::summary::ReplayedCapture;
use crate::text::Shown;
use serde_json::{Value, json};

/// A hint about a capture.
pub(in crate::report) struct CaptureHint {
    pub(super) record: &'static ProblemRecord,
    pub(super) message: String,
    /// What is told beside the message, one a line.
    pub(super) lines: Vec<String>,
    /// The same for programs, and the numbers of the message.
    pub(super) fields: Vec<(&'static str, Value)>,
}

/// What `facts` about `frames` frames give reason to say, with the MTU in force.
pub(super) fn hints(facts: &CaptureFacts, unreadable: &[(String, u64)], frames: u64, mtu: u16) -> Vec<CaptureHint> {
    let all = [
        joined_captures(facts),
        unreadable_packets(unreadable),
        segmentation_offload(facts, frames, mtu),
        frame_check_sequence(facts, frames, mtu),
        total_length_missing(facts, frames, mtu),
        header_checksum_missing(facts, frames),
        original_length_missing(facts, frames),
        encapsulation(facts.vlan, frames, "VLAN tags", "vlan"),
        encapsulation(facts.mpls, frames, "MPLS labels", "mpls"),
        encapsulation(facts.pppoe, frames, "PPPoE", "pppoe"),
        tunnel(facts.vxlan, facts.sampled, "VXLAN", "vxlan"),
        tunnel(facts.gre, facts.sampled, "GRE", "gre"),
        duplicates(facts),
        captured_at_receiver(facts, frames),
    ];
    all.into_iter().flatten().collect()
}

/// One in a hundred is what no path of ordinary frames shows.
fn is_many(count: u64, of: u64) -> bool {
    count != 0 && count * 100 >= of
}

fn said(record: &'static ProblemRecord, frames: u64, message: String) -> CaptureHint {
    CaptureHint { record, message, lines: Vec::new(), fields: vec![("frames", frames.into())] }
}

/// A number of packets and its part of all frames.
fn packets(count: u64, of: u64) -> String {
    format!("{} ({})", counted(count, "IPv4 packet"), percent(count, of))
}

fn joined_captures(facts: &CaptureFacts) -> Option<CaptureHint> {
    let captures = thousands(facts.captures);
    let message =
        format!("the file is {captures} captures, one put behind the other; all of them were read, in this order");
    let fields = vec![("captures", facts.captures.into())];
    (facts.captures > 1).then_some(CaptureHint { record: &hint::JOINED_CAPTURES, message, lines: Vec::new(), fields })
}

/// Captures that are named below a hint.
const NAMED: usize = 10;

/// Names the captures that a hint is about, where there are several.
pub(super) fn name_captures(hint: &mut CaptureHint, captures: &[ReplayedCapture<'_>]) {
    if captures.len() < 2 {
        return;
    }
    let concerned: Vec<(&str, String)> = if hint.record.id == hint::JOINED_CAPTURES.id {
        let message =
            "these files are several captures each, one put behind the other; all of them were read, in this order:";
        message.clone_into(&mut hint.message);
        let joined = captures.iter().filter(|capture| capture.joined > 1);
        joined.map(|capture| (capture.name, counted(capture.joined, "capture"))).collect()
    } else if hint.record.id == hint::UNREADABLE.id {
        let unreadable = captures.iter().filter(|capture| capture.unreadable > 0);
        unreadable.map(|capture| (capture.name, counted(capture.unreadable, "packet"))).collect()
    } else {
        return;
    };
    hint.lines.extend(concerned.iter().take(NAMED).map(|(name, count)| format!("{}: {count}", Shown(name))));
    if concerned.len() > NAMED {
        hint.lines.push(format!("and {} more files", thousands((concerned.len() - NAMED) as u64)));
    }
    hint.fields.push(("files", concerned.iter().map(|(name, _)| Value::from(*name)).collect()));
}

fn unreadable_packets(unreadable: &[(String, u64)]) -> Option<CaptureHint> {
    let total: u64 = unreadable.iter().map(|(_, count)| count).sum();
    let were = if total == 1 { "was" } else { "were" };
    let message = format!(
        "{} {were} left out, because no frame can be read from {}:",
        counted(total, "packet"),
        if total == 1 { "it" } else { "them" }
    );
    let lines = unreadable.iter().map(|(what, count)| format!("{} {what}", counted(*count, "packet"))).collect();
    let kinds = unreadable.iter().map(|(what, count)| json!({ "what": what, "packets": count })).collect();
    let fields = vec![("packets", total.into()), ("kinds", kinds)];
    (total != 0).then_some(CaptureHint { record: &hint::UNREADABLE, message, lines, fields })
}

fn segmentation_offload(facts: &CaptureFacts, frames: u64, mtu: u16) -> Option<CaptureHint> {
    let CaptureFacts { over_mtu, largest, .. } = *facts;
    let message = format!(
        "{} larger than the MTU of {mtu} bytes: the capture was probably taken with segmentation offload; \
         --mtu {largest} carries all of them whole",
        packets(over_mtu, frames)
    );
    let mut hint = said(&hint::SEGMENTATION_OFFLOAD, over_mtu, message);
    hint.fields.push(("longest", largest.into()));
    is_many(over_mtu, frames).then_some(hint)
}

fn frame_check_sequence(facts: &CaptureFacts, frames: u64, mtu: u16) -> Option<CaptureHint> {
    let count = facts.with_check_sequence;
    let message = format!(
        "{} ({}) longer than the MTU of {mtu} bytes only by the four bytes behind their packet, which look like a frame \
         check sequence; they are not carried",
        counted(count, "frame"),
        percent(count, frames)
    );
    is_many(count, frames).then(|| said(&hint::FRAME_CHECK_SEQUENCE, count, message))
}

fn total_length_missing(facts: &CaptureFacts, frames: u64, mtu: u16) -> Option<CaptureHint> {
    let CaptureFacts { lengths_missing, lengths_and_checksums_missing, largest_by_frame, .. } = *facts;
    let checksum = if lengths_and_checksums_missing != 0 { ",header-checksum" } else { "" };
    let size = if largest_by_frame > mtu { format!(" --mtu {largest_by_frame}") } else { String::new() };
    let message = format!(
        "{} with a total length of 0: the capture was taken before the network card filled it in; \
         --fill-in total-length{checksum}{size} takes the frame's",
        packets(lengths_missing, frames)
    );
    is_many(lengths_missing, frames).then(|| said(&hint::TOTAL_LENGTH_MISSING, lengths_missing, message))
}

fn header_checksum_missing(facts: &CaptureFacts, frames: u64) -> Option<CaptureHint> {
    let count = facts.checksums_missing;
    let message = format!(
        "{} with a header checksum of 0: the capture was taken before the network card filled it in (checksum \
         offload); --fill-in header-checksum computes it",
        packets(count, frames)
    );
    is_many(count, frames).then(|| said(&hint::HEADER_CHECKSUM_MISSING, count, message))
}

fn original_length_missing(facts: &CaptureFacts, frames: u64) -> Option<CaptureHint> {
    let count = facts.original_lengths_missing;
    let message = format!(
        "{} longer than their records say they were: the capture was cut without keeping the original length; \
         --fill-in original-length takes it from the IPv4 header",
        packets(count, frames)
    );
    is_many(count, frames).then(|| said(&hint::ORIGINAL_LENGTH_MISSING, count, message))
}

fn encapsulation(count: u64, of: u64, what: &str, option: &str) -> Option<CaptureHint> {
    let message = format!(
        "{} ({}) dropped for {what}; --strip {option} takes them off",
        counted(count, "frame"),
        percent(count, of)
    );
    is_many(count, of).then(|| said(&hint::ENCAPSULATION, count, message))
}

fn tunnel(count: u64, of: u64, what: &str, option: &str) -> Option<CaptureHint> {
    let (carry, are_judged) = match count {
        1 => ("carries", "is judged by its"),
        _ => ("carry", "are judged by their"),
    };
    let message = format!(
        "{} of {} ({}) {carry} {what}, and {are_judged} outer header; --strip {option} looks inside",
        thousands(count),
        counted(of, "sampled packet"),
        percent(count, of)
    );
    is_many(count, of).then(|| said(&hint::ENCAPSULATION, count, message))
}

fn duplicates(facts: &CaptureFacts) -> Option<CaptureHint> {
    let CaptureFacts { duplicates, sampled, .. } = *facts;
    let (are_copies, them) = match duplicates {
        1 => ("is a copy of a packet", "it"),
        _ => ("are copies of packets", "them"),
    };
    let message = format!(
        "{} of {} ({}) {are_copies} within 1 ms before {them}; --dedup leaves copies out",
        thousands(duplicates),
        counted(sampled, "sampled packet"),
        percent(duplicates, sampled)
    );
    is_many(duplicates, sampled).then(|| said(&hint::DUPLICATES, duplicates, message))
}

fn captured_at_receiver(facts: &CaptureFacts, frames: u64) -> Option<CaptureHint> {
    let CaptureFacts { ttl_exceeded, lowered_ttls, .. } = *facts;
    let message = format!(
        "{} dropped for their TTL, and others have passed routers already: if the capture was taken at the receiver, \
         --captured-at receiver gives back the hops that the fabric takes",
        packets(ttl_exceeded, frames)
    );
    let is_likely = ttl_exceeded != 0 && lowered_ttls != 0;
    is_likely.then(|| said(&hint::CAPTURED_AT_RECEIVER, ttl_exceeded, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::hint::HINTS;

    /// Two frames in four have everything that can be counted.
    fn facts() -> CaptureFacts {
        CaptureFacts {
            over_mtu: 2,
            largest: 3040,
            with_check_sequence: 2,
            lengths_missing: 2,
            largest_by_frame: 2040,
            checksums_missing: 2,
            original_lengths_missing: 2,
            vlan: 2,
            ttl_exceeded: 2,
            sampled: 4,
            duplicates: 2,
            lowered_ttls: 1,
            captures: 2,
            ..CaptureFacts::default()
        }
    }

    #[test]
    fn every_hint_says_what_its_page_shows() {
        let unreadable = [("of link type 189 (USB_LINUX)".to_owned(), 2)];
        let said = hints(&facts(), &unreadable, 4, 1500);
        for record in HINTS {
            // The other two stand beside verdicts, not beside a capture.
            if [hint::UNDETERMINED.id, hint::OPEN_GATEWAY.id].contains(&record.id) {
                continue;
            }
            let message = said.iter().find(|hint| hint.record.id == record.id).map(|hint| hint.message.as_str());
            assert_eq!(message, Some(record.example), "{}", record.id);
        }
    }

    #[test]
    fn nothing_is_said_of_what_was_not_counted_or_is_rare() {
        assert!(hints(&CaptureFacts { captures: 1, sampled: 4, ..CaptureFacts::default() }, &[], 4, 1500).is_empty());
        let rare = hints(&CaptureFacts { captures: 1, sampled: 201, lowered_ttls: 0, ..facts() }, &[], 201, 1500);
        assert!(rare.is_empty(), "{:?}", rare.iter().map(|hint| &hint.message).collect::<Vec<_>>());
    }

    #[test]
    fn a_total_length_of_zero_names_all_that_it_takes() {
        let message = |facts: &CaptureFacts| hints(facts, &[], 2, 1500).remove(0).message;
        let small = CaptureFacts { lengths_missing: 1, largest_by_frame: 1500, ..CaptureFacts::default() };
        assert!(message(&small).contains("--fill-in total-length takes"), "{}", message(&small));
        let both = CaptureFacts { lengths_and_checksums_missing: 1, largest_by_frame: 1501, ..small };
        assert!(
            message(&both).contains("--fill-in total-length,header-checksum --mtu 1501 takes"),
            "{}",
            message(&both)
        );
    }

    #[test]
    fn a_packet_is_large_by_its_total_length_and_not_by_its_frame() {
        let counted = |total_length, wire_length| {
            let mut facts = CaptureFacts::default();
            facts.add_long(total_length, wire_length, 1500);
            (facts.over_mtu, facts.with_check_sequence)
        };
        assert_eq!(counted(1501, 1515), (1, 0));
        assert_eq!(counted(1500, 1518), (0, 1));
        assert_eq!(counted(1500, 1519), (0, 0), "five bytes are no check sequence");
        assert_eq!(counted(1502, 1515), (0, 0), "a total length past the frame is no packet");
    }
}

//! One JSON object a line for every frame, in the order of the capture.
//!
//! Names are escaped once, when [`Lines`] is made; a line is then a few copies of prepared bytes. The order of the
//! fields is fixed, and a field without value is left out.

use super::pieces::{CauseStrings, NameTables, append_decimal, append_start};
use super::timing::FrameTimes;
use super::words::{Cause, Resolver};
use crate::datapath::{Emitted, Frame, MatchedRule, Outcome, Verdict};
use crate::program::EndpointId;
use crate::text::quoted;
use crate::time::SimTime;
use crate::wire::{Readable, ReadableTransport, readable};
use std::net::Ipv4Addr;

/// Writes lines for the frames of one compiled world.
pub struct Lines {
    /// Quoted.
    names: NameTables,
    /// `,"rule":"…","source":"…"`
    causes: CauseStrings<64>,
}

/// The name of one of several captures, for the lines of its frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureLabel {
    /// As JSON.
    quoted: String,
}

impl CaptureLabel {
    /// Of the capture called `name`.
    pub fn new(name: &str) -> CaptureLabel {
        CaptureLabel { quoted: quoted(name) }
    }
}

/// Which of several captures a frame is of.
#[derive(Clone, Copy, Debug)]
pub struct FrameOrigin<'a> {
    /// The capture.
    pub capture: &'a CaptureLabel,
    /// The number of the frame there, from 1.
    pub number: u64,
}

/// The number of a frame, from 1, and where there are several captures the one that it is of.
#[derive(Clone, Copy, Debug)]
pub struct FrameNumber<'a> {
    /// Counted over all captures.
    pub number: u64,
    /// The capture.
    pub origin: Option<FrameOrigin<'a>>,
    /// When it left and arrived, where timing is on.
    pub times: Option<FrameTimes>,
}

impl From<u64> for FrameNumber<'_> {
    fn from(number: u64) -> Self {
        FrameNumber { number, origin: None, times: None }
    }
}

impl Lines {
    /// Prepares the names of a compiled world.
    pub fn new(words: Resolver<'_>) -> Lines {
        Lines {
            names: NameTables::new(words.names, push_quoted),
            causes: CauseStrings::new(words, ",\"by\":\"session\"", push_cause),
        }
    }

    /// Adds the line of `frame`, its newline included.
    pub fn frame<'n>(
        &self,
        out: &mut Vec<u8>,
        number: impl Into<FrameNumber<'n>>,
        frame: &Frame<'_>,
        outcome: &Outcome,
    ) {
        out.reserve(USUAL_LINE);
        begin(out, number.into(), frame.time);
        if let Some(from) = outcome.from {
            out.extend_from_slice(b",\"from\":");
            self.names.append_endpoint(out, from);
        }
        let mut to = None;
        match outcome.verdict {
            Verdict::Delivered { to: receiver } => {
                out.extend_from_slice(b",\"verdict\":\"delivered\",\"to\":");
                self.names.append_endpoint(out, receiver);
                to = Some(receiver);
            }
            Verdict::Answered => out.extend_from_slice(b",\"verdict\":\"answered\""),
            Verdict::Outside => out.extend_from_slice(b",\"verdict\":\"outside\""),
            Verdict::Undetermined(_) => out.extend_from_slice(b",\"verdict\":\"undetermined\""),
            Verdict::Dropped { .. } => out.extend_from_slice(b",\"verdict\":\"dropped\""),
        }
        if let Some((reason, at)) = outcome.verdict.refusal() {
            // The ids of reasons are kebab-case: nothing to escape.
            out.extend_from_slice(b",\"reason\":\"");
            out.extend_from_slice(reason.id().as_bytes());
            out.push(b'"');
            self.names.append_location(out, b",\"at\":", at);
        }
        if let Some(receiver) = outcome.receiver {
            out.extend_from_slice(b",\"to\":");
            self.names.append_endpoint(out, receiver);
        }
        self.causes.append(out, outcome.decider, &outcome.verdict);
        if outcome.decider == MatchedRule::Session {
            // The rule is the one that let the session in.
            self.causes.append(out, outcome.begun_by, &outcome.verdict);
        }
        self.push_path(out, outcome, to);
        if let Some(packet) = readable(frame.bytes) {
            push_packet(out, &packet);
        }
        out.extend_from_slice(b"}\n");
    }

    /// Adds the line of a frame that the fabric sent to `to` because of frame `frame`, its newline included.
    pub fn emitted<'n>(
        &self,
        out: &mut Vec<u8>,
        frame: impl Into<FrameNumber<'n>>,
        time: SimTime,
        emitted: Emitted,
        to: EndpointId,
    ) {
        begin(out, frame.into(), time);
        out.extend_from_slice(b",\"emitted_by\":");
        self.names.append_domain(out, emitted.by);
        out.extend_from_slice(b",\"kind\":\"");
        out.extend_from_slice(emitted.kind.name().as_bytes());
        out.extend_from_slice(b"\",\"to\":");
        self.names.append_endpoint(out, to);
        out.extend_from_slice(b"}\n");
    }

    fn push_path(&self, out: &mut Vec<u8>, outcome: &Outcome, to: Option<EndpointId>) {
        let Outcome { from, domains: [first, second], .. } = *outcome;
        if from.is_none() && first.is_none() && second.is_none() && to.is_none() {
            return;
        }
        out.extend_from_slice(b",\"path\":[");
        // A comma follows each name, and the bracket takes the place of the last one.
        if let Some(from) = from {
            self.names.append_endpoint(out, from);
            out.push(b',');
        }
        for domain in [first, second].into_iter().flatten() {
            self.names.append_domain(out, domain);
            out.push(b',');
        }
        if let Some(to) = to {
            self.names.append_endpoint(out, to);
            out.push(b',');
        }
        out.pop();
        out.push(b']');
    }
}

/// Room for a line of names that are not very long.
const USUAL_LINE: usize = 512;

fn begin(out: &mut Vec<u8>, FrameNumber { number, origin, times }: FrameNumber<'_>, time: SimTime) {
    out.extend_from_slice(b"{\"frame\":");
    append_decimal(out, number);
    if let Some(FrameOrigin { capture, number }) = origin {
        out.extend_from_slice(b",\"capture\":");
        out.extend_from_slice(capture.quoted.as_bytes());
        out.extend_from_slice(b",\"capture_frame\":");
        append_decimal(out, number);
    }
    // A string: most readers keep numbers as doubles, which do not hold nanoseconds of this century.
    out.extend_from_slice(b",\"time_ns\":\"");
    append_decimal(out, time.as_nanos());
    out.push(b'"');
    let FrameTimes { sent, received } = times.unwrap_or_default();
    for (key, time) in [(&b",\"sent_ns\":\""[..], sent), (&b",\"received_ns\":\""[..], received)] {
        if let Some(time) = time {
            out.extend_from_slice(key);
            append_decimal(out, time.as_nanos());
            out.push(b'"');
        }
    }
}

fn push_packet(out: &mut Vec<u8>, packet: &Readable) {
    push_address(out, b",\"src\":\"", packet.source);
    push_address(out, b"\",\"dst\":\"", packet.destination);
    push_number(out, b"\",\"proto\":", packet.protocol.into());
    match packet.transport {
        ReadableTransport::None => {}
        ReadableTransport::Ports { source, destination } => {
            push_number(out, b",\"sport\":", source);
            push_number(out, b",\"dport\":", destination);
        }
        ReadableTransport::Icmp { kind, code, identifier } => {
            push_number(out, b",\"icmp_type\":", kind.into());
            push_number(out, b",\"icmp_code\":", code.into());
            if let Some(identifier) = identifier {
                push_number(out, b",\"icmp_id\":", identifier);
            }
        }
    }
    push_number(out, b",\"length\":", packet.total_length);
}

fn push_number<const KEY: usize>(out: &mut Vec<u8>, key: &[u8; KEY], number: u16) {
    out.extend_from_slice(key);
    append_decimal(out, number.into());
}

fn push_address<const KEY: usize>(out: &mut Vec<u8>, key: &[u8; KEY], address: Ipv4Addr) {
    out.extend_from_slice(key);
    for octet in address.octets() {
        let (digits, length) = DECIMAL_OCTETS[usize::from(octet)];
        append_start(out, &digits, length.into());
    }
    // The last dot.
    out.pop();
}

/// Every octet in decimals, a dot behind it, and how long that is: addresses are a quarter of a line.
const DECIMAL_OCTETS: [([u8; 4], u8); 256] = {
    let mut table = [([b'.'; 4], 0); 256];
    let mut octet = 0;
    while octet < table.len() {
        let (hundreds, tens, ones) = (octet / 100, octet / 10 % 10, octet % 10);
        let digits = [b'0' + hundreds as u8, b'0' + tens as u8, b'0' + ones as u8];
        table[octet] = match octet {
            100.. => ([digits[0], digits[1], digits[2], b'.'], 4),
            10.. => ([digits[1], digits[2], b'.', b'.'], 3),
            _ => ([digits[2], b'.', b'.', b'.'], 2),
        };
        octet += 1;
    }
    table
};

fn push_cause(text: &mut String, cause: &Cause<'_>) {
    text.push_str(",\"rule\":");
    push_quoted(text, &cause.to_string());
    if let Some(place) = cause.place() {
        text.push_str(",\"source\":");
        push_quoted(text, &place.to_string());
    }
}

fn push_quoted(out: &mut String, text: &str) {
    out.push_str(&quoted(text));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{Fixture, parade};
    use crate::report::outcome_fields;
    use serde_json::{Map, Value};

    /// What a line has of the packet, whatever became of it.
    const PACKET_KEYS: [&str; 9] =
        ["src", "dst", "proto", "sport", "dport", "icmp_type", "icmp_code", "icmp_id", "length"];

    /// The lines of the parade, those of emitted frames after the frame that caused them.
    fn lines(fixture: &mut Fixture) -> String {
        let passed = parade(fixture);
        let lines = Lines::new(fixture.words());
        let mut out = Vec::new();
        for (frame, (_, passed)) in (1..).zip(&passed) {
            lines.frame(&mut out, frame, &passed.frame(), &passed.outcome);
            for sent in &passed.sent {
                if let Some(emitted) = sent.emitted {
                    lines.emitted(&mut out, frame, passed.time, emitted, sent.to);
                }
            }
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_verdict_has_a_line_that_names_what_decided() {
        insta::assert_snapshot!(lines(&mut Fixture::new()), @r#"
        {"frame":1,"time_ns":"0","from":"web-1","verdict":"delivered","to":"db-1","rule":"sg-db ingress #1","source":"shop.toml:28","path":["web-1","classic","shop","db-1"],"src":"10.24.1.5","dst":"172.16.1.10","proto":6,"sport":40000,"dport":3306,"length":40}
        {"frame":2,"time_ns":"0","from":"db-1","verdict":"delivered","to":"web-1","by":"session","rule":"sg-db ingress #1","source":"shop.toml:28","path":["db-1","shop","classic","web-1"],"src":"172.16.1.10","dst":"10.24.1.5","proto":6,"sport":3306,"dport":40000,"length":40}
        {"frame":3,"time_ns":"0","from":"web-1","verdict":"dropped","reason":"sg-ingress-deny","at":"db-1","to":"db-1","rule":"sg-db ingress #3","source":"shop.toml:30","path":["web-1","classic","shop"],"src":"10.24.1.5","dst":"172.16.1.10","proto":6,"sport":40000,"dport":22,"length":40}
        {"frame":4,"time_ns":"0","from":"web-1","verdict":"dropped","reason":"sg-ingress-deny","at":"db-1","to":"db-1","rule":"sg-db ingress default","source":"shop.toml:26","path":["web-1","classic","shop"],"src":"10.24.1.5","dst":"172.16.1.10","proto":6,"sport":40000,"dport":23,"length":40}
        {"frame":5,"time_ns":"0","from":"web-1","verdict":"dropped","reason":"sg-egress-deny","at":"web-1","to":"db-1","rule":"sg-web egress #1","source":"shop.toml:24","path":["web-1"],"src":"10.24.1.5","dst":"172.16.1.10","proto":17,"sport":40000,"dport":53,"length":38}
        {"frame":6,"time_ns":"0","from":"web-1","verdict":"delivered","to":"rm-orders","rule":"rm-orders whitelist","source":"shop.toml:40","path":["web-1","classic","shop","rm-orders"],"src":"10.24.1.5","dst":"172.16.1.20","proto":6,"sport":40000,"dport":3306,"length":40}
        {"frame":7,"time_ns":"0","from":"db-1","verdict":"dropped","reason":"whitelist-deny","at":"rm-orders","to":"rm-orders","rule":"rm-orders whitelist","source":"shop.toml:40","path":["db-1","shop"],"src":"172.16.1.10","dst":"172.16.1.20","proto":6,"sport":40000,"dport":3306,"length":40}
        {"frame":8,"time_ns":"0","from":"db-1","verdict":"delivered","to":"slb-front","rule":"route 172.16.1.0/24","source":"shop.toml:13","path":["db-1","shop","slb-front"],"src":"172.16.1.10","dst":"172.16.1.30","proto":6,"sport":40000,"dport":80,"length":40}
        {"frame":9,"time_ns":"0","from":"db-1","verdict":"dropped","reason":"no-such-address","at":"shop","rule":"route 172.16.1.0/24","source":"shop.toml:13","path":["db-1","shop"],"src":"172.16.1.10","dst":"172.16.1.99","proto":6,"sport":40000,"dport":80,"length":40}
        {"frame":10,"time_ns":"0","from":"web-1","verdict":"dropped","reason":"no-such-address","at":"classic","rule":"route 10.0.0.0/8","path":["web-1","classic"],"src":"10.24.1.5","dst":"10.24.1.99","proto":6,"sport":40000,"dport":80,"length":40}
        {"frame":11,"time_ns":"0","from":"web-1","verdict":"dropped","reason":"guest-route-public-nic","at":"web-1","rule":"route 0.0.0.0/0","path":["web-1"],"src":"10.24.1.5","dst":"192.168.1.10","proto":6,"sport":40000,"dport":80,"length":40}
        {"frame":12,"time_ns":"0","from":"web-1","verdict":"delivered","to":"cloud-services","rule":"route 100.64.0.0/10","path":["web-1","classic","cloud-services"],"src":"10.24.1.5","dst":"100.100.2.136","proto":6,"sport":40000,"dport":53,"length":40}
        {"frame":13,"time_ns":"0","from":"ngw-out","verdict":"delivered","to":"slb-front","rule":"route 172.16.1.0/24","source":"shop.toml:13","path":["ngw-out","shop","slb-front"],"src":"8.8.8.8","dst":"172.16.1.30","proto":6,"sport":40000,"dport":80,"length":40}
        {"frame":14,"time_ns":"0","verdict":"dropped","reason":"ambiguous-source","src":"172.16.2.10","dst":"172.16.1.10","proto":6,"sport":40000,"dport":80,"length":40}
        {"frame":15,"time_ns":"0","from":"web-1","verdict":"dropped","reason":"ttl-exceeded","at":"classic","to":"db-1","path":["web-1","classic"],"src":"10.24.1.5","dst":"172.16.1.10","proto":6,"sport":40000,"dport":3306,"length":40}
        {"frame":15,"time_ns":"0","emitted_by":"classic","kind":"time-exceeded","to":"web-1"}
        {"frame":16,"time_ns":"0","from":"db-1","verdict":"dropped","reason":"mtu-exceeded","at":"shop","to":"slb-front","path":["db-1","shop"],"src":"172.16.1.10","dst":"172.16.1.30","proto":17,"sport":40000,"dport":80,"length":1628}
        {"frame":16,"time_ns":"0","emitted_by":"shop","kind":"fragmentation-needed","to":"db-1"}
        {"frame":17,"time_ns":"0","from":"db-1","verdict":"answered","path":["db-1"]}
        {"frame":17,"time_ns":"0","emitted_by":"shop","kind":"arp-reply","to":"db-1"}
        {"frame":18,"time_ns":"0","verdict":"dropped","reason":"frame-truncated"}
        {"frame":19,"time_ns":"2500000000","from":"db-1","verdict":"undetermined","to":"slb-front","path":["db-1"],"src":"172.16.1.10","dst":"172.16.1.30","proto":6,"length":40}
        "#);
    }

    #[test]
    fn a_line_says_what_the_fields_of_the_outcome_say() {
        let mut fixture = Fixture::new();
        for (shows, passed) in parade(&mut fixture) {
            let mut out = Vec::new();
            let frame = Frame { time: SimTime::from_nanos(u64::MAX), ..passed.frame() };
            Lines::new(fixture.words()).frame(&mut out, u64::MAX, &frame, &passed.outcome);
            let mut line: Map<String, Value> = serde_json::from_slice(&out).unwrap();
            line.retain(|key, _| !PACKET_KEYS.contains(&key.as_str()));
            let mut expected = outcome_fields(fixture.words(), &passed.outcome);
            expected.insert("frame".to_owned(), u64::MAX.into());
            expected.insert("time_ns".to_owned(), "18446744073709551615".into());
            assert_eq!(line, expected, "{shows}");
        }
    }

    #[test]
    fn every_octet_of_an_address_is_written_as_the_library_writes_it() {
        for octet in 0..=255 {
            for address in [Ipv4Addr::new(octet, 0, 10, 255), Ipv4Addr::new(192, 168, 99, octet)] {
                let mut out = Vec::new();
                push_address(&mut out, b"", address);
                assert_eq!(String::from_utf8(out).unwrap(), address.to_string());
            }
        }
    }

    #[test]
    fn names_are_escaped() {
        let mut fixture = Fixture::new();
        let odd = "say \"hi\"\\\n\u{1b}é";
        let passed = parade(&mut fixture).remove(0).1;
        let names = &mut fixture.names;
        for names in [std::sync::Arc::make_mut(&mut names.endpoints), &mut names.domains, &mut names.rules] {
            (0..names.len()).for_each(|index| names.get_mut(index).text = odd.to_owned());
        }
        let mut out = Vec::new();
        Lines::new(fixture.words()).frame(&mut out, 1, &passed.frame(), &passed.outcome);
        assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 1);
        let line: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!((&line["from"], &line["to"], &line["rule"]), (&odd.into(), &odd.into(), &odd.into()));
        assert_eq!(line["path"], serde_json::json!([odd, odd, odd, odd]));
    }
}

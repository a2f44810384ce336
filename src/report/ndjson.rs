//! One JSON object a line for every frame, in the order of the capture.
//!
//! Names are escaped once, when [`Lines`] is made; a line is then a few copies of prepared bytes. The order of the
//! fields is fixed, and a field without value is left out.

use super::pieces::Pieces;
use super::words::Words;
use crate::datapath::{At, Decider, Emitted, Outcome, Verdict};
use crate::diag::Reason;
use crate::program::{AclId, DomainId, EndpointId, Names, RouteId, RuleId, WhitelistId};
use crate::time::SimTime;

/// Writes lines for the frames of one compiled world.
pub struct Lines {
    /// Quoted names.
    endpoints: Pieces,
    /// Quoted names.
    domains: Pieces,
    /// From here on: `,"rule":"…","source":"…"`.
    rules: Pieces,
    egress_defaults: Pieces,
    ingress_defaults: Pieces,
    whitelists: Pieces,
    routes: Pieces,
}

impl Pieces {
    fn of_names<'a>(names: impl Iterator<Item = &'a str>) -> Pieces {
        let mut pieces = Pieces::default();
        for name in names {
            push_quoted(&mut pieces.bytes, name);
            pieces.end_piece();
        }
        pieces
    }

    fn of_causes(words: Words<'_>, deciders: impl Iterator<Item = Decider>, reason: Option<Reason>) -> Pieces {
        let mut pieces = Pieces::default();
        for decider in deciders {
            let bytes = &mut pieces.bytes;
            if let Some(cause) = words.cause_of(decider, reason) {
                bytes.extend_from_slice(b",\"rule\":");
                push_quoted(bytes, &cause.to_string());
                if let Some(place) = cause.place() {
                    bytes.extend_from_slice(b",\"source\":");
                    push_quoted(bytes, &place.to_string());
                }
            }
            pieces.end_piece();
        }
        pieces
    }
}

impl Lines {
    /// Prepares the names of a compiled world.
    pub fn new(words: Words<'_>) -> Lines {
        let Names { endpoints, domains, rules, acls, whitelists, routes, .. } = words.names;
        let defaults = |reason| {
            let deciders = (0..acls.len()).map(|index| Decider::GroupDefault(AclId::from_index(index)));
            Pieces::of_causes(words, deciders, Some(reason))
        };
        let rule = |index| Decider::Rule(RuleId::from_index(index));
        let whitelist = |index| Decider::Whitelist(WhitelistId::from_index(index));
        let route = |index| Decider::Route(RouteId::from_index(index));
        Lines {
            endpoints: Pieces::of_names(endpoints.iter().map(|name| name.text.as_str())),
            domains: Pieces::of_names(domains.iter().map(|name| name.text.as_str())),
            rules: Pieces::of_causes(words, (0..rules.len()).map(rule), None),
            egress_defaults: defaults(Reason::SgEgressDeny),
            ingress_defaults: defaults(Reason::SgIngressDeny),
            whitelists: Pieces::of_causes(words, (0..whitelists.len()).map(whitelist), None),
            routes: Pieces::of_causes(words, (0..routes.len()).map(route), None),
        }
    }

    /// Adds the line of frame `frame` of the capture, counted from 1, its newline included.
    pub fn frame(&self, out: &mut Vec<u8>, frame: u64, time: SimTime, outcome: &Outcome) {
        begin(out, frame, time);
        if let Some(from) = outcome.from {
            out.extend_from_slice(b",\"from\":");
            out.extend_from_slice(self.endpoint(from));
        }
        let mut to = None;
        match outcome.verdict {
            Verdict::Delivered { to: receiver } => {
                out.extend_from_slice(b",\"verdict\":\"delivered\",\"to\":");
                out.extend_from_slice(self.endpoint(receiver));
                to = Some(receiver);
            }
            Verdict::Answered => out.extend_from_slice(b",\"verdict\":\"answered\""),
            Verdict::Undetermined => out.extend_from_slice(b",\"verdict\":\"undetermined\""),
            Verdict::Dropped { reason, at } => {
                // The ids of reasons are kebab-case: nothing to escape.
                out.extend_from_slice(b",\"verdict\":\"dropped\",\"reason\":\"");
                out.extend_from_slice(reason.id().as_bytes());
                out.push(b'"');
                self.push_at(out, at);
            }
        }
        out.extend_from_slice(self.cause(outcome));
        self.push_path(out, outcome, to);
        out.extend_from_slice(b"}\n");
    }

    /// Adds the line of a frame that the fabric sent to `to` because of frame `frame`, its newline included.
    pub fn emitted(&self, out: &mut Vec<u8>, frame: u64, time: SimTime, emitted: Emitted, to: EndpointId) {
        begin(out, frame, time);
        out.extend_from_slice(b",\"emitted_by\":");
        out.extend_from_slice(self.domain(emitted.by));
        out.extend_from_slice(b",\"kind\":\"");
        out.extend_from_slice(emitted.kind.name().as_bytes());
        out.extend_from_slice(b"\",\"to\":");
        out.extend_from_slice(self.endpoint(to));
        out.extend_from_slice(b"}\n");
    }

    fn endpoint(&self, id: EndpointId) -> &[u8] {
        self.endpoints.get(id.index())
    }

    fn domain(&self, id: DomainId) -> &[u8] {
        self.domains.get(id.index())
    }

    fn cause(&self, outcome: &Outcome) -> &[u8] {
        match outcome.decider {
            Decider::None => b"",
            Decider::Session => b",\"rule\":\"session\"",
            Decider::Rule(id) => self.rules.get(id.index()),
            Decider::GroupDefault(id) => {
                let egress = matches!(outcome.verdict, Verdict::Dropped { reason: Reason::SgEgressDeny, .. });
                if egress { self.egress_defaults.get(id.index()) } else { self.ingress_defaults.get(id.index()) }
            }
            Decider::Whitelist(id) => self.whitelists.get(id.index()),
            Decider::Route(id) => self.routes.get(id.index()),
        }
    }

    fn push_at(&self, out: &mut Vec<u8>, at: At) {
        let name = match at {
            At::Outside => return,
            At::Endpoint(id) => self.endpoint(id),
            At::Domain(id) => self.domain(id),
        };
        out.extend_from_slice(b",\"at\":");
        out.extend_from_slice(name);
    }

    fn push_path(&self, out: &mut Vec<u8>, outcome: &Outcome, to: Option<EndpointId>) {
        let from = outcome.from.map(|id| self.endpoint(id));
        let domains = outcome.domains.iter().flatten().map(|id| self.domain(*id));
        let mut before: &[u8] = b",\"path\":[";
        for name in from.into_iter().chain(domains).chain(to.map(|id| self.endpoint(id))) {
            out.extend_from_slice(before);
            out.extend_from_slice(name);
            before = b",";
        }
        if before == b"," {
            out.push(b']');
        }
    }
}

fn begin(out: &mut Vec<u8>, frame: u64, time: SimTime) {
    out.extend_from_slice(b"{\"frame\":");
    push_decimal(out, frame);
    // A string: most readers keep numbers as doubles, which do not hold nanoseconds of this century.
    out.extend_from_slice(b",\"time_ns\":\"");
    push_decimal(out, time.as_nanos());
    out.push(b'"');
}

fn push_quoted(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a string can be written to memory");
}

fn push_decimal(out: &mut Vec<u8>, number: u64) {
    // Two digits for each division: a stamp has nineteen.
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut rest = number;
    while rest >= 10 {
        start -= 2;
        let pair = (rest % 100) as usize * 2;
        digits[start..start + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
        rest /= 100;
    }
    if rest != 0 || number == 0 {
        start -= 1;
        digits[start] = b'0' + rest as u8;
    }
    out.extend_from_slice(&digits[start..]);
}

/// `00` to `99`.
const PAIRS: [u8; 200] = {
    let mut pairs = [0; 200];
    let mut number = 0;
    while number < 100 {
        pairs[number * 2] = b'0' + (number / 10) as u8;
        pairs[number * 2 + 1] = b'0' + (number % 10) as u8;
        number += 1;
    }
    pairs
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{Fixture, parade};
    use crate::report::outcome_fields;
    use serde_json::{Map, Value};

    /// The lines of the parade, those of emitted frames after the frame that caused them.
    fn lines(fixture: &mut Fixture) -> String {
        let passed = parade(fixture);
        let lines = Lines::new(fixture.words());
        let mut out = Vec::new();
        for (frame, (_, passed)) in (1..).zip(&passed) {
            lines.frame(&mut out, frame, passed.time, &passed.outcome);
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
        {"frame":1,"time_ns":"0","from":"web-1","verdict":"delivered","to":"db-1","rule":"sg-db ingress #1","source":"shop.toml:28","path":["web-1","classic","shop","db-1"]}
        {"frame":2,"time_ns":"0","from":"db-1","verdict":"delivered","to":"web-1","rule":"session","path":["db-1","shop","classic","web-1"]}
        {"frame":3,"time_ns":"0","from":"web-1","verdict":"dropped","reason":"sg-ingress-deny","at":"db-1","rule":"sg-db ingress #3","source":"shop.toml:30","path":["web-1","classic","shop"]}
        {"frame":4,"time_ns":"0","from":"web-1","verdict":"dropped","reason":"sg-ingress-deny","at":"db-1","rule":"sg-db ingress default","source":"shop.toml:26","path":["web-1","classic","shop"]}
        {"frame":5,"time_ns":"0","from":"web-1","verdict":"dropped","reason":"sg-egress-deny","at":"web-1","rule":"sg-web egress #1","source":"shop.toml:24","path":["web-1"]}
        {"frame":6,"time_ns":"0","from":"web-1","verdict":"delivered","to":"rm-orders","rule":"rm-orders whitelist","source":"shop.toml:40","path":["web-1","classic","shop","rm-orders"]}
        {"frame":7,"time_ns":"0","from":"db-1","verdict":"dropped","reason":"whitelist-deny","at":"rm-orders","rule":"rm-orders whitelist","source":"shop.toml:40","path":["db-1","shop"]}
        {"frame":8,"time_ns":"0","from":"db-1","verdict":"delivered","to":"slb-front","rule":"route 172.16.1.0/24","source":"shop.toml:13","path":["db-1","shop","slb-front"]}
        {"frame":9,"time_ns":"0","from":"db-1","verdict":"dropped","reason":"no-such-address","at":"shop","rule":"route 172.16.1.0/24","source":"shop.toml:13","path":["db-1","shop"]}
        {"frame":10,"time_ns":"0","from":"web-1","verdict":"dropped","reason":"no-such-address","at":"classic","path":["web-1","classic"]}
        {"frame":11,"time_ns":"0","from":"web-1","verdict":"dropped","reason":"guest-route-public-nic","at":"web-1","rule":"route 0.0.0.0/0","path":["web-1"]}
        {"frame":12,"time_ns":"0","from":"web-1","verdict":"delivered","to":"cloud-services","path":["web-1","classic","cloud-services"]}
        {"frame":13,"time_ns":"0","from":"ngw-out","verdict":"delivered","to":"slb-front","rule":"route 172.16.1.0/24","source":"shop.toml:13","path":["ngw-out","shop","slb-front"]}
        {"frame":14,"time_ns":"0","verdict":"dropped","reason":"ambiguous-source"}
        {"frame":15,"time_ns":"0","from":"web-1","verdict":"dropped","reason":"ttl-exceeded","at":"classic","path":["web-1","classic"]}
        {"frame":15,"time_ns":"0","emitted_by":"classic","kind":"time-exceeded","to":"web-1"}
        {"frame":16,"time_ns":"0","from":"db-1","verdict":"dropped","reason":"mtu-exceeded","at":"shop","path":["db-1","shop"]}
        {"frame":16,"time_ns":"0","emitted_by":"shop","kind":"fragmentation-needed","to":"db-1"}
        {"frame":17,"time_ns":"0","from":"db-1","verdict":"answered","path":["db-1"]}
        {"frame":17,"time_ns":"0","emitted_by":"shop","kind":"arp-reply","to":"db-1"}
        {"frame":18,"time_ns":"0","verdict":"dropped","reason":"frame-truncated"}
        {"frame":19,"time_ns":"2500000000","from":"db-1","verdict":"undetermined","path":["db-1"]}
        "#);
    }

    #[test]
    fn a_line_says_what_the_fields_of_the_outcome_say() {
        let mut fixture = Fixture::new();
        for (shows, passed) in parade(&mut fixture) {
            let mut out = Vec::new();
            Lines::new(fixture.words()).frame(&mut out, u64::MAX, SimTime::from_nanos(u64::MAX), &passed.outcome);
            let line: Map<String, Value> = serde_json::from_slice(&out).unwrap();
            let mut expected = outcome_fields(fixture.words(), &passed.outcome);
            expected.insert("frame".to_owned(), u64::MAX.into());
            expected.insert("time_ns".to_owned(), "18446744073709551615".into());
            assert_eq!(line, expected, "{shows}");
        }
    }

    #[test]
    fn names_are_escaped() {
        let mut fixture = Fixture::new();
        let odd = "say \"hi\"\\\n\u{1b}é";
        let passed = parade(&mut fixture).remove(0).1;
        for name in fixture.names.endpoints.iter_mut().chain(&mut fixture.names.domains) {
            name.text = odd.to_owned();
        }
        for name in &mut fixture.names.rules {
            name.text = odd.to_owned();
        }
        let mut out = Vec::new();
        Lines::new(fixture.words()).frame(&mut out, 1, passed.time, &passed.outcome);
        assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 1);
        let line: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!((&line["from"], &line["to"], &line["rule"]), (&odd.into(), &odd.into(), &odd.into()));
        assert_eq!(line["path"], serde_json::json!([odd, odd, odd, odd]));
    }

    #[test]
    fn decimals_are_written_whole() {
        for number in [0, 9, 10, 99, 100, 101, 999, 1000, 1_467_080_000_500_000_000, u64::MAX] {
            let mut out = Vec::new();
            push_decimal(&mut out, number);
            assert_eq!(out, number.to_string().as_bytes());
        }
    }
}

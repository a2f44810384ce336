//! The comments that every packet of an output capture carries: one to search for, one to read.

use super::pieces::{CauseStrings, NameTables, append_decimal};
use super::sentence::{CUT_OFF, OUTSIDE};
use super::words::{Cause, Resolver};
use crate::datapath::{DropLocation, Emitted, MatchedRule, NotKnown, Outcome, Verdict};
use crate::diag::Reason;
use crate::program::{EndpointId, Names};
use std::fmt::Write;

/// Writes comments about the frames of one compiled world. Names and causes are put into words once, when it is made.
pub struct Comments {
    /// As [`Comments::short`] has them.
    names: NameTables,
    /// As they are, where the name of an endpoint or domain had to be quoted.
    unquoted: Option<NameTables>,
    /// ` by sg-db ingress #3 (shop.toml:19): drops tcp/22 from 10.0.0.0/8`
    causes: CauseStrings<128>,
}

impl Comments {
    /// Prepares the names of a compiled world.
    pub fn new(words: Resolver<'_>) -> Comments {
        let Names { endpoints, domains, .. } = words.names;
        let is_quoted = endpoints.iter().chain(domains.iter()).any(|name| !is_plain(&name.text));
        Comments {
            names: NameTables::new(words.names, push_plain),
            unquoted: is_quoted.then(|| NameTables::new(words.names, String::push_str)),
            causes: CauseStrings::new(words, " by a live session", push_cause),
        }
    }

    /// Adds the comment to search for: `biplane: verdict=dropped reason=sg-ingress-deny at=rm-orders`. Names with
    /// white space, quotes or control characters are quoted as in JSON. Of what decided a delivered frame only the
    /// kind is told.
    pub fn short(&self, out: &mut Vec<u8>, outcome: &Outcome) {
        match outcome.verdict {
            Verdict::Delivered { to } => {
                out.extend_from_slice(b"biplane: verdict=delivered to=");
                self.names.append_endpoint(out, to);
                self.push_from(out, outcome);
                push_kind(out, outcome.decider);
            }
            Verdict::Dropped { reason, at } => self.push_refusal(out, "dropped", (reason, at)),
            Verdict::Answered => {
                out.extend_from_slice(b"biplane: verdict=answered");
                self.push_from(out, outcome);
            }
            Verdict::Outside => {
                out.extend_from_slice(b"biplane: verdict=outside");
                self.push_from(out, outcome);
            }
            Verdict::Undetermined(NotKnown::Bytes) => {
                out.extend_from_slice(b"biplane: verdict=undetermined");
                self.push_from(out, outcome);
            }
            Verdict::Undetermined(NotKnown::Configuration { at }) => {
                self.push_refusal(out, "undetermined", (Reason::UnknownConfiguration, at));
            }
        }
    }

    /// Adds the comment to read about frame `frame` of the capture, counted from 1, with what a
    /// [`Sentence`](super::Sentence) says:
    /// `frame 17 from web-1: dropped at db-1 by sg-db ingress #3 (shop.toml:19): drops tcp/22 from 10.0.0.0/8`.
    pub fn readable(&self, out: &mut Vec<u8>, frame: u64, outcome: &Outcome) {
        out.extend_from_slice(b"frame ");
        append_decimal(out, frame);
        if let Some(from) = outcome.from {
            out.extend_from_slice(b" from ");
            self.unquoted().append_endpoint(out, from);
        }
        out.extend_from_slice(b": ");
        match outcome.verdict {
            Verdict::Answered => out.extend_from_slice(b"answered by the fabric"),
            Verdict::Outside => out.extend_from_slice(OUTSIDE.as_bytes()),
            Verdict::Undetermined(NotKnown::Bytes) => out.extend_from_slice(CUT_OFF.as_bytes()),
            Verdict::Delivered { to } => {
                out.extend_from_slice(b"delivered to ");
                self.unquoted().append_endpoint(out, to);
                self.causes.append(out, outcome.decider, &outcome.verdict);
                if let MatchedRule::Whitelist(_) = outcome.decider {
                    out.extend_from_slice(b": it holds the source address");
                }
            }
            Verdict::Dropped { .. } => out.extend_from_slice(b"dropped"),
            Verdict::Undetermined(NotKnown::Configuration { .. }) => out.extend_from_slice(b"undetermined"),
        }
        // Of rules and defaults it is said what they say; of all else why.
        let Some((reason, at)) = outcome.verdict.refusal() else { return };
        self.unquoted().append_location(out, b" at ", at);
        self.causes.append(out, outcome.decider, &outcome.verdict);
        if !matches!(outcome.decider, MatchedRule::Rule(_) | MatchedRule::GroupDefault(_)) {
            out.extend_from_slice(b": ");
            out.extend_from_slice(reason.summary().as_bytes());
        }
    }

    /// Both comments about frame `frame`, as text.
    pub fn both(&self, frame: u64, outcome: &Outcome) -> [String; 2] {
        let (mut short, mut readable) = (Vec::new(), Vec::new());
        self.short(&mut short, outcome);
        self.readable(&mut readable, frame, outcome);
        [short, readable].map(|text| String::from_utf8(text).expect("all that is appended is text"))
    }

    /// Adds the comment to search for of a frame that the fabric sent to `to`:
    /// `biplane: emitted_by=vpc-shop kind=time-exceeded to=i-web`.
    pub fn short_emitted(&self, out: &mut Vec<u8>, emitted: Emitted, to: EndpointId) {
        out.extend_from_slice(b"biplane: emitted_by=");
        self.names.append_domain(out, emitted.by);
        out.extend_from_slice(b" kind=");
        out.extend_from_slice(emitted.kind.name().as_bytes());
        out.extend_from_slice(b" to=");
        self.names.append_endpoint(out, to);
    }

    /// Adds the comment to read of a frame that the fabric sent to `to` because of frame `frame`:
    /// `sent by vpc-shop to i-web because of frame 17: time-exceeded`.
    pub fn readable_emitted(&self, out: &mut Vec<u8>, frame: u64, emitted: Emitted, to: EndpointId) {
        out.extend_from_slice(b"sent by ");
        self.unquoted().append_domain(out, emitted.by);
        out.extend_from_slice(b" to ");
        self.unquoted().append_endpoint(out, to);
        out.extend_from_slice(b" because of frame ");
        append_decimal(out, frame);
        out.extend_from_slice(b": ");
        out.extend_from_slice(emitted.kind.name().as_bytes());
    }

    /// Names as they are.
    #[inline]
    fn unquoted(&self) -> &NameTables {
        self.unquoted.as_ref().unwrap_or(&self.names)
    }

    fn push_refusal(&self, out: &mut Vec<u8>, verdict: &str, (reason, at): (Reason, DropLocation)) {
        for text in ["biplane: verdict=", verdict, " reason=", reason.id()] {
            out.extend_from_slice(text.as_bytes());
        }
        self.names.append_location(out, b" at=", at);
    }

    #[inline]
    fn push_from(&self, out: &mut Vec<u8>, outcome: &Outcome) {
        if let Some(from) = outcome.from {
            out.extend_from_slice(b" from=");
            self.names.append_endpoint(out, from);
        }
    }
}

#[inline]
fn push_kind(out: &mut Vec<u8>, decider: MatchedRule) {
    match decider {
        MatchedRule::None => {}
        MatchedRule::Session => out.extend_from_slice(b" by=session"),
        MatchedRule::Rule(_) => out.extend_from_slice(b" by=rule"),
        MatchedRule::GroupDefault(_) => out.extend_from_slice(b" by=default"),
        MatchedRule::Whitelist(_) => out.extend_from_slice(b" by=whitelist"),
        MatchedRule::Route(_) => out.extend_from_slice(b" by=route"),
    }
}

fn push_cause(out: &mut String, cause: &Cause<'_>) {
    let _ = write!(out, " by {}", cause.with_place());
    if let Some(says) = cause.says() {
        let _ = write!(out, ": {says}");
    }
}

/// Whether a name can stand in a comment to search for as it is.
fn is_plain(name: &str) -> bool {
    let plain = |character: char| !character.is_whitespace() && !character.is_control() && character != '"';
    !name.is_empty() && name.chars().all(plain)
}

fn push_plain(out: &mut String, name: &str) {
    if is_plain(name) {
        out.push_str(name);
    } else {
        out.push_str(&serde_json::Value::from(name).to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Sentence;
    use crate::report::fixture::{Fixture, parade};

    #[test]
    fn every_verdict_has_a_comment_to_search_for_and_one_to_read() {
        let mut fixture = Fixture::new();
        let mut out = Vec::new();
        let passed = parade(&mut fixture);
        let comments = Comments::new(fixture.words());
        for (frame, (_, passed)) in (1..).zip(passed) {
            comments.short(&mut out, &passed.outcome);
            out.push(b'\n');
            comments.readable(&mut out, frame, &passed.outcome);
            out.push(b'\n');
            for (emitted, to) in passed.sent.iter().filter_map(|sent| Some((sent.emitted?, sent.to))) {
                comments.short_emitted(&mut out, emitted, to);
                out.push(b'\n');
                comments.readable_emitted(&mut out, frame, emitted, to);
                out.push(b'\n');
            }
        }
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @"
        biplane: verdict=delivered to=db-1 from=web-1 by=rule
        frame 1 from web-1: delivered to db-1 by sg-db ingress #1 (shop.toml:28): accepts tcp/3306 from sg-web
        biplane: verdict=delivered to=web-1 from=db-1 by=session
        frame 2 from db-1: delivered to web-1 by a live session
        biplane: verdict=dropped reason=sg-ingress-deny at=db-1
        frame 3 from web-1: dropped at db-1 by sg-db ingress #3 (shop.toml:30): drops tcp/22 from 10.0.0.0/8
        biplane: verdict=dropped reason=sg-ingress-deny at=db-1
        frame 4 from web-1: dropped at db-1 by sg-db ingress default (shop.toml:26): no rule matched
        biplane: verdict=dropped reason=sg-egress-deny at=web-1
        frame 5 from web-1: dropped at web-1 by sg-web egress #1 (shop.toml:24): drops udp to 172.16.0.0/12
        biplane: verdict=delivered to=rm-orders from=web-1 by=whitelist
        frame 6 from web-1: delivered to rm-orders by rm-orders whitelist (shop.toml:40): it holds the source address
        biplane: verdict=dropped reason=whitelist-deny at=rm-orders
        frame 7 from db-1: dropped at rm-orders by rm-orders whitelist (shop.toml:40): no entry holds the source address
        biplane: verdict=delivered to=slb-front from=db-1 by=route
        frame 8 from db-1: delivered to slb-front by route 172.16.1.0/24 (shop.toml:13)
        biplane: verdict=dropped reason=no-such-address at=shop
        frame 9 from db-1: dropped at shop by route 172.16.1.0/24 (shop.toml:13): a route covers the destination, and no endpoint has the address
        biplane: verdict=dropped reason=no-such-address at=classic
        frame 10 from web-1: dropped at classic by route 10.0.0.0/8: a route covers the destination, and no endpoint has the address
        biplane: verdict=dropped reason=guest-route-public-nic at=web-1
        frame 11 from web-1: dropped at web-1 by route 0.0.0.0/0: the guest's routing table sends it out of the public NIC
        biplane: verdict=delivered to=cloud-services from=web-1 by=route
        frame 12 from web-1: delivered to cloud-services by route 100.64.0.0/10
        biplane: verdict=delivered to=slb-front from=ngw-out by=route
        frame 13 from ngw-out: delivered to slb-front by route 172.16.1.0/24 (shop.toml:13)
        biplane: verdict=dropped reason=ambiguous-source
        frame 14: dropped: several endpoints may send from this address
        biplane: verdict=dropped reason=ttl-exceeded at=classic
        frame 15 from web-1: dropped at classic: the TTL would reach 0
        biplane: emitted_by=classic kind=time-exceeded to=web-1
        sent by classic to web-1 because of frame 15: time-exceeded
        biplane: verdict=dropped reason=mtu-exceeded at=shop
        frame 16 from db-1: dropped at shop: it is larger than the MTU and may not be fragmented
        biplane: emitted_by=shop kind=fragmentation-needed to=db-1
        sent by shop to db-1 because of frame 16: fragmentation-needed
        biplane: verdict=answered from=db-1
        frame 17 from db-1: answered by the fabric
        biplane: emitted_by=shop kind=arp-reply to=db-1
        sent by shop to db-1 because of frame 17: arp-reply
        biplane: verdict=dropped reason=frame-truncated
        frame 18: dropped: the frame is shorter than its headers
        biplane: verdict=undetermined from=db-1
        frame 19 from db-1: undetermined: the capture cut off bytes that decide
        ");
    }

    #[test]
    fn the_comment_to_read_says_what_the_sentence_says() {
        let mut fixture = Fixture::new();
        let passed = parade(&mut fixture);
        let comments = Comments::new(fixture.words());
        for (shows, passed) in passed {
            let [_, readable] = comments.both(17, &passed.outcome);
            let (_, said) = readable.split_once(": ").unwrap();
            assert_eq!(said, Sentence::new(fixture.words(), &passed.outcome).to_string(), "{shows}");
        }
    }

    #[test]
    fn a_name_that_would_break_a_search_is_quoted() {
        let mut fixture = Fixture::new();
        let passed = parade(&mut fixture).remove(0).1;
        for (name, pair) in [("web 1", "\"web 1\""), ("a\"b", "\"a\\\"b\""), ("a\nb", "\"a\\nb\""), ("é", "é")] {
            for index in 0..fixture.names.endpoints.len() {
                std::sync::Arc::make_mut(&mut fixture.names.endpoints).get_mut(index).text = name.to_owned();
            }
            let [short, readable] = Comments::new(fixture.words()).both(1, &passed.outcome);
            assert!(readable.starts_with(&format!("frame 1 from {name}: delivered to {name} by ")), "{readable}");
            assert_eq!(short, format!("biplane: verdict=delivered to={pair} from={pair} by=rule"));
        }
    }
    #[test]
    fn a_domain_is_quoted_where_it_is_searched_for_and_told_as_it_is() {
        let mut fixture = Fixture::new();
        let passed = parade(&mut fixture).into_iter().map(|(_, passed)| passed.outcome);
        let at_domain = |outcome: &Outcome| matches!(outcome.verdict.refusal(), Some((_, DropLocation::Domain(_))));
        let outcome = passed.into_iter().find(at_domain).unwrap();
        for index in 0..fixture.names.domains.len() {
            fixture.names.domains.get_mut(index).text = "my shop".to_owned();
        }
        let [short, readable] = Comments::new(fixture.words()).both(9, &outcome);
        assert_eq!(short, "biplane: verdict=dropped reason=no-such-address at=\"my shop\"");
        assert!(readable.starts_with("frame 9 from db-1: dropped at my shop by "), "{readable}");
    }
}

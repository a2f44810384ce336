//! The comments that every packet of an output capture carries: one to search for, one to read.

use super::sentence::Sentence;
use super::words::Words;
use crate::datapath::{Decider, Emitted, Outcome, Verdict};
use crate::program::EndpointId;
use std::fmt::Write;

/// Adds the comment to search for: `biplane: verdict=dropped reason=sg-ingress-deny at=rm-orders`. Names with white
/// space, quotes or control characters are quoted as in JSON. Of what decided a delivered frame only the kind is told.
pub fn short_comment(out: &mut String, words: Words<'_>, outcome: &Outcome) {
    match outcome.verdict {
        Verdict::Delivered { to } => {
            out.push_str("biplane: verdict=delivered");
            push_pair(out, "to", words.endpoint(to));
            push_from(out, words, outcome);
            if let Some(kind) = kind(outcome.decider) {
                push_pair(out, "by", kind);
            }
        }
        Verdict::Dropped { reason, at } => {
            out.push_str("biplane: verdict=dropped");
            push_pair(out, "reason", reason.id());
            if let Some(at) = words.at(at) {
                push_pair(out, "at", at);
            }
        }
        Verdict::Answered => {
            out.push_str("biplane: verdict=answered");
            push_from(out, words, outcome);
        }
        Verdict::Undetermined => {
            out.push_str("biplane: verdict=undetermined");
            push_from(out, words, outcome);
        }
    }
}

/// Adds the comment to read about frame `frame` of the capture, counted from 1:
/// `frame 17 from web-1: dropped at db-1 by sg-db ingress #3 (shop.toml:19): drops tcp/22 from 10.0.0.0/8`.
pub fn readable_comment(out: &mut String, words: Words<'_>, frame: u64, outcome: &Outcome) {
    let _ = write!(out, "frame {frame}");
    if let Some(from) = outcome.from {
        let _ = write!(out, " from {}", words.endpoint(from));
    }
    let _ = write!(out, ": {}", Sentence::new(words, outcome));
}

/// Adds the comment to search for of a frame that the fabric sent to `to`:
/// `biplane: emitted_by=vpc-shop kind=time-exceeded to=i-web`.
pub fn short_emitted_comment(out: &mut String, words: Words<'_>, emitted: Emitted, to: EndpointId) {
    out.push_str("biplane:");
    push_pair(out, "emitted_by", words.domain(emitted.by));
    push_pair(out, "kind", emitted.kind.name());
    push_pair(out, "to", words.endpoint(to));
}

/// Adds the comment to read of a frame that the fabric sent to `to` because of frame `frame`:
/// `sent by vpc-shop to i-web because of frame 17: time-exceeded`.
pub fn readable_emitted_comment(out: &mut String, words: Words<'_>, frame: u64, emitted: Emitted, to: EndpointId) {
    let (by, to, kind) = (words.domain(emitted.by), words.endpoint(to), emitted.kind.name());
    let _ = write!(out, "sent by {by} to {to} because of frame {frame}: {kind}");
}

const fn kind(decider: Decider) -> Option<&'static str> {
    Some(match decider {
        Decider::None => return None,
        Decider::Session => "session",
        Decider::Rule(_) => "rule",
        Decider::GroupDefault(_) => "default",
        Decider::Whitelist(_) => "whitelist",
        Decider::Route(_) => "route",
    })
}

fn push_from(out: &mut String, words: Words<'_>, outcome: &Outcome) {
    if let Some(from) = outcome.from {
        push_pair(out, "from", words.endpoint(from));
    }
}

fn push_pair(out: &mut String, key: &str, value: &str) {
    out.push(' ');
    out.push_str(key);
    out.push('=');
    let plain = |character: char| !character.is_whitespace() && !character.is_control() && character != '"';
    if !value.is_empty() && value.chars().all(plain) {
        out.push_str(value);
    } else {
        out.push_str(&serde_json::Value::from(value).to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{Fixture, parade};

    #[test]
    fn every_verdict_has_a_comment_to_search_for_and_one_to_read() {
        let mut fixture = Fixture::new();
        let mut out = String::new();
        for (frame, (_, passed)) in (1..).zip(parade(&mut fixture)) {
            short_comment(&mut out, fixture.words(), &passed.outcome);
            out.push('\n');
            readable_comment(&mut out, fixture.words(), frame, &passed.outcome);
            out.push('\n');
            for (emitted, to) in passed.sent.iter().filter_map(|sent| Some((sent.emitted?, sent.to))) {
                short_emitted_comment(&mut out, fixture.words(), emitted, to);
                out.push('\n');
                readable_emitted_comment(&mut out, fixture.words(), frame, emitted, to);
                out.push('\n');
            }
        }
        insta::assert_snapshot!(out, @"
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
        frame 9 from db-1: dropped at shop by route 172.16.1.0/24 (shop.toml:13): a route covers the destination, and nobody has the address
        biplane: verdict=dropped reason=no-such-address at=classic
        frame 10 from web-1: dropped at classic: a route covers the destination, and nobody has the address
        biplane: verdict=dropped reason=guest-route-public-nic at=web-1
        frame 11 from web-1: dropped at web-1 by route 0.0.0.0/0: the guest's routing table sends it out of the public NIC
        biplane: verdict=delivered to=cloud-services from=web-1
        frame 12 from web-1: delivered to cloud-services
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
    fn a_name_that_would_break_a_search_is_quoted() {
        let mut fixture = Fixture::new();
        let passed = parade(&mut fixture).remove(0).1;
        for (name, pair) in [("web 1", "\"web 1\""), ("a\"b", "\"a\\\"b\""), ("a\nb", "\"a\\nb\""), ("é", "é")] {
            for known in &mut fixture.names.endpoints {
                known.text = name.to_owned();
            }
            let mut out = String::new();
            short_comment(&mut out, fixture.words(), &passed.outcome);
            assert_eq!(out, format!("biplane: verdict=delivered to={pair} from={pair} by=rule"));
        }
    }
}

//! Answers for all headers: the matrix, the list, and what stands against a claim.

use super::layout::{Palette, Style, space, thousands, width, wrapped};
use super::words::{Cause, Resolver};
use crate::datapath::{MatchedRule, Outcome, Verdict};
use crate::diag::Reason;
use crate::net::{AddressCuts, AddressRange, ranges};
use crate::program::{AclId, EndpointId, EndpointKind, FixedMap};
use crate::reach::{FIXED, FlowGroup, FlowSide, HeaderSet, MatrixCell, MatrixEnd, ProtocolClasses};
use crate::reach::{ReachMatrix, ReplyFate};
use crate::text::Shown;
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// Puts ends and flows into words.
pub struct ReachWords<'a> {
    words: Resolver<'a>,
    protocols: &'a ProtocolClasses,
    /// How many instances are in each set of groups.
    members: FixedMap<AclId, usize>,
}

/// The most ids, or ranges, that stand in a row before the rest is a number.
const IN_A_ROW: usize = 3;

impl<'a> ReachWords<'a> {
    /// Prepares the names of groups.
    pub fn new(words: Resolver<'a>, protocols: &'a ProtocolClasses) -> ReachWords<'a> {
        let mut members: FixedMap<AclId, usize> = FixedMap::default();
        words.program.endpoints.iter().filter_map(|endpoint| endpoint.egress).for_each(|acl| {
            *members.entry(acl).or_default() += 1;
        });
        ReachWords { words, protocols, members }
    }

    /// Ends that behave alike: `rm-orders`, `sg-web (3)`, `sg-web (2 of 5), rm-a`, `ngw-out for 192.0.2.0/24`.
    fn ends(&self, ends: &[(EndpointId, Vec<AddressRange>)]) -> String {
        if let [(endpoint, ranges)] = ends {
            return self.end(*endpoint, ranges);
        }
        let mut groups: Vec<(AclId, usize)> = Vec::new();
        let mut others: Vec<String> = Vec::new();
        for (endpoint, ranges) in ends {
            // One instance that is alone in its groups goes by its own name.
            match self.group_of(*endpoint, ranges).filter(|acl| self.members[acl] > 1) {
                Some(acl) => match groups.iter_mut().find(|(known, _)| *known == acl) {
                    Some((_, count)) => *count += 1,
                    None => groups.push((acl, 1)),
                },
                None => others.push(self.end(*endpoint, ranges)),
            }
        }
        let group = |(acl, count): &(AclId, usize)| {
            let (name, all) = (&self.words.names.acls[acl.index()].text, self.members[acl]);
            if *count == all { format!("{name} ({count})") } else { format!("{name} ({count} of {all})") }
        };
        let mut parts: Vec<String> = groups.iter().map(group).collect();
        push_some(&mut parts, &others);
        parts.join(", ")
    }

    /// The set of groups of an instance that stands for itself.
    fn group_of(&self, endpoint: EndpointId, ranges: &[AddressRange]) -> Option<AclId> {
        let known = self.words.program.endpoint(endpoint);
        known.egress.filter(|_| ranges == [AddressRange::one(known.address)])
    }

    fn end(&self, endpoint: EndpointId, ranges: &[AddressRange]) -> String {
        let (name, known) = (self.words.endpoint(endpoint), self.words.program.endpoint(endpoint));
        let is_own = ranges == [AddressRange::one(known.address)];
        let is_all = known.kind == EndpointKind::CloudServices;
        if is_own || is_all { name.to_owned() } else { format!("{name} for {}", ranges_text(ranges)) }
    }

    /// The members of a class of the matrix.
    pub(super) fn matrix_ends(&self, ends: &[MatrixEnd]) -> String {
        let mut by_endpoint: Vec<(EndpointId, Vec<AddressRange>)> = Vec::new();
        for end in ends {
            match by_endpoint.last_mut().filter(|(known, _)| *known == end.endpoint) {
                Some((_, ranges)) => ranges.push(end.range),
                None => by_endpoint.push((end.endpoint, vec![end.range])),
            }
        }
        self.ends(&by_endpoint)
    }

    /// What passes between two classes: a line for each fate of replies.
    pub(super) fn cell_lines(&self, cell: &MatrixCell) -> Vec<String> {
        let line = |(fate, headers): &(Option<ReplyFate>, HeaderSet)| {
            let mut text = headers.text(self.protocols);
            match fate {
                Some(ReplyFate::Arrives) => {}
                Some(fate) => _ = write!(text, "; {}", fate_text(*fate)),
                None => text += "; undetermined: what decides is not known",
            }
            text
        };
        cell.iter().map(line).collect()
    }

    fn side(&self, side: &FlowSide) -> String {
        let program = self.words.program;
        let endpoints = side.endpoints(program);
        if let Some(endpoint) = side.endpoint {
            return self.end(endpoint, &side.ranges);
        }
        if endpoints.is_empty() {
            return ranges_text(&side.ranges);
        }
        let own = |id: EndpointId| (id, vec![AddressRange::one(program.endpoint(id).address)]);
        self.ends(&endpoints.into_iter().map(own).collect::<Vec<_>>())
    }

    /// The endpoints of one side, whatever addresses they stand for; `None` where there are none.
    pub(super) fn names(&self, side: &FlowSide) -> Option<String> {
        let program = self.words.program;
        let own = |id: EndpointId| (id, vec![AddressRange::one(program.endpoint(id).address)]);
        match side.endpoint {
            Some(endpoint) => Some(self.words.endpoint(endpoint).to_owned()),
            None => {
                let ends: Vec<_> = side.endpoints(program).into_iter().map(own).collect();
                (!ends.is_empty()).then(|| self.ends(&ends))
            }
        }
    }

    /// A set of headers in words.
    pub(super) fn headers(&self, headers: &HeaderSet) -> String {
        headers.text(self.protocols)
    }

    fn deciders(&self, flow: &FlowGroup) -> [Option<Cause<'a>>; 2] {
        deciders(self.words, flow.deciders)
    }
}

/// What lets a flow out of its sender and in at its receiver.
fn deciders<'a>(words: Resolver<'a>, [egress, ingress]: [MatchedRule; 2]) -> [Option<Cause<'a>>; 2] {
    [words.cause_of(egress, Some(Reason::SgEgressDeny)), words.cause_of(ingress, None)]
}

/// The same in words, for what there is: `out by sg-web egress default`, `in by sg-db ingress #1 (shop.toml:19)`.
pub(super) fn let_through(words: Resolver<'_>, these: [MatchedRule; 2]) -> Vec<String> {
    let told = ["out by", "in by"].into_iter().zip(deciders(words, these));
    told.filter_map(|(what, cause)| Some(format!("{what} {}", cause?.with_place()))).collect()
}

/// Adds some of `items`, and how many more there are.
fn push_some(parts: &mut Vec<String>, items: &[String]) {
    let shown = if items.len() == IN_A_ROW + 1 { items.len() } else { items.len().min(IN_A_ROW) };
    parts.extend_from_slice(&items[..shown]);
    if items.len() > shown {
        parts.push(format!("{} more", items.len() - shown));
    }
}

/// A few ranges; all public addresses by that name.
fn ranges_text(these: &[AddressRange]) -> String {
    let mut taken = AddressCuts::default();
    ranges::NOT_PUBLIC.into_iter().for_each(|range| taken.add(range));
    taken.sort();
    let public = taken.parts(AddressRange::ALL).filter(|part| ranges::is_public(part.first()));
    if public.eq(these.iter().copied()) {
        return "public addresses".to_owned();
    }
    let mut parts = Vec::new();
    push_some(&mut parts, &these.iter().map(ToString::to_string).collect::<Vec<_>>());
    parts.join(", ")
}

/// What becomes of replies, in a few words.
fn fate_text(fate: ReplyFate) -> &'static str {
    match fate {
        ReplyFate::Arrives => "reply arrives",
        ReplyFate::Misdelivered => "reply reaches somebody else",
        ReplyFate::Refused => "reply is refused",
        ReplyFate::Outside => "reply leaves the two planes",
        ReplyFate::Undetermined => "reply undetermined",
    }
}

fn fate_name(fate: ReplyFate) -> &'static str {
    match fate {
        ReplyFate::Arrives => "arrives",
        ReplyFate::Misdelivered => "misdelivered",
        ReplyFate::Refused => "refused",
        ReplyFate::Outside => "outside",
        ReplyFate::Undetermined => "undetermined",
    }
}

/// Writes the matrix: a letter for each pair of classes between which something passes, and what the letters mean.
pub fn reach_matrix_text(out: &mut String, reach: &ReachWords<'_>, matrix: &ReachMatrix, palette: Palette) {
    let rows: Vec<String> = matrix.rows.iter().map(|ends| reach.matrix_ends(ends)).collect();
    let _ = writeln!(out, "{}", palette.paint(Style::Heading, matrix_heading(matrix)));
    if matrix.cells.is_empty() {
        out.push_str("nothing is permitted\n");
        return;
    }
    out.push('\n');
    let label = rows.iter().map(|row| width(&Shown(row).to_string())).max().unwrap_or(0);
    let letters: Vec<String> = (0..matrix.contents.len()).map(letter).collect();
    let column = letters.last().map_or(1, String::len).max(matrix.columns.len().to_string().len());
    space(out, label);
    for number in 1..=matrix.columns.len() {
        let _ = write!(out, "  {number:>column$}");
    }
    out.push('\n');
    let mut cells = matrix.cells.iter().peekable();
    for (row, name) in rows.iter().enumerate() {
        let name = Shown(name).to_string();
        out.push_str(&name);
        space(out, label - width(&name));
        for place in 0..matrix.columns.len() {
            let cell = cells.next_if(|(at, _)| *at == [row as u32, place as u32]);
            let letter = cell.map_or(".", |(_, content)| &letters[*content as usize]);
            let _ = write!(out, "  {letter:>column$}");
        }
        out.push('\n');
    }
    out.push('\n');
    for (place, ends) in matrix.columns.iter().enumerate() {
        let _ = writeln!(out, "{:>column$}  {}", place + 1, Shown(&reach.matrix_ends(ends)));
    }
    out.push('\n');
    for (content, letter) in matrix.contents.iter().zip(&letters) {
        for (place, text) in reach.cell_lines(content).iter().enumerate() {
            let letter = if place == 0 { letter } else { "" };
            for (line, text) in wrapped(text, 96).into_iter().enumerate() {
                let letter = if line == 0 { letter } else { "" };
                let _ = writeln!(out, "{letter:>column$}  {text}");
            }
        }
    }
}

/// `3 classes of senders, 1 class of receivers`
pub(super) fn matrix_heading(matrix: &ReachMatrix) -> String {
    format!("{} of senders, {} of receivers", counted_classes(matrix.rows.len()), counted_classes(matrix.columns.len()))
}

fn counted_classes(count: usize) -> String {
    if count == 1 { "1 class".to_owned() } else { format!("{count} classes") }
}

/// `A`, `B`, … `Z`, `AA`, `AB`, …
pub(super) fn letter(number: usize) -> String {
    let last = char::from(b'A' + (number % 26) as u8);
    match number / 26 {
        0 => last.to_string(),
        before => letter(before - 1) + &last.to_string(),
    }
}

/// Writes each group of flows with what decides, in two lines.
pub fn reach_flows_text(out: &mut String, reach: &ReachWords<'_>, flows: &[FlowGroup], palette: Palette) {
    for flow in flows {
        let (word, style) = verdict_word(&flow.outcome);
        let ends = format!("{} -> {}", reach.side(&flow.from), reach.side(&flow.to));
        let headers = flow.headers.text(reach.protocols);
        let _ = writeln!(out, "{}  {}: {headers}", palette.paint(style, format!("{word:<9}")), Shown(&ends));
        for part in because(reach, flow) {
            let _ = writeln!(out, "           {}", Shown(&part));
        }
    }
}

fn verdict_word(outcome: &Outcome) -> (&'static str, Style) {
    match outcome.verdict {
        Verdict::Delivered { .. } => ("permitted", Style::Good),
        Verdict::Dropped { .. } => ("refused", Style::Bad),
        Verdict::Outside => ("outside", Style::Notice),
        Verdict::Answered | Verdict::Undetermined(_) => ("undetermined", Style::Notice),
    }
}

/// What decides about flows, and what becomes of replies: a line for each.
fn because(reach: &ReachWords<'_>, flow: &FlowGroup) -> Vec<String> {
    let by = |outcome: &Outcome| {
        let cause = reach.words.cause(outcome);
        cause.map_or(String::new(), |cause| format!(" by {}", cause.with_place()))
    };
    let mut lines = match flow.outcome.verdict {
        Verdict::Delivered { .. } => let_through(reach.words, flow.deciders),
        Verdict::Dropped { reason, .. } => vec![format!("{reason}{}", by(&flow.outcome))],
        _ => Vec::new(),
    };
    if let (Some(fate), Some(reply)) = (flow.reply_fate, &flow.reply) {
        lines.push(match reply.verdict {
            _ if fate == ReplyFate::Arrives => return lines,
            Verdict::Delivered { to } => format!("the reply reaches {} instead", reach.words.endpoint(to)),
            Verdict::Dropped { reason, .. } => format!("{}: {reason}{}", fate_text(fate), by(reply)),
            _ => fate_text(fate).to_owned(),
        });
    }
    lines
}

/// What answers are about.
pub(super) const FIXED_HEADING: &str =
    "for new flows of whole packets within the MTU, TTL above 2; of all other packets:";

/// Writes what no answer depends on.
pub fn reach_fixed_text(out: &mut String, palette: Palette) {
    let _ = writeln!(out, "{}", palette.paint(Style::Faint, FIXED_HEADING));
    for (packets, answer) in FIXED {
        let _ = writeln!(out, "{}", palette.paint(Style::Faint, format!("  {packets}: {answer}")));
    }
}

/// A group of flows as a JSON object.
pub fn reach_flow_json(reach: &ReachWords<'_>, flow: &FlowGroup) -> Value {
    let words = reach.words;
    let names = |side: &FlowSide| -> Vec<&str> {
        side.endpoints(words.program).into_iter().map(|id| words.endpoint(id)).collect()
    };
    let ranges = |side: &FlowSide| -> Vec<String> { side.ranges.iter().map(ToString::to_string).collect() };
    let mut fields = Map::new();
    let mut set = |key: &str, value: Value| fields.insert(key.to_owned(), value);
    set("from", names(&flow.from).into());
    set("sources", ranges(&flow.from).into());
    set("to", names(&flow.to).into());
    set("destinations", ranges(&flow.to).into());
    let headers = flow.headers.text(reach.protocols);
    set("headers", headers.split(", ").collect::<Vec<_>>().into());
    set("verdict", flow.outcome.verdict.name().into());
    if let Verdict::Dropped { reason, .. } = flow.outcome.verdict {
        set("reason", reason.id().into());
    }
    let decider = |cause: &Cause<'_>| {
        let source = cause.place().map(|place| place.to_string());
        json!({ "rule": cause.to_string(), "source": source })
    };
    let is_dropped = matches!(flow.outcome.verdict, Verdict::Dropped { .. });
    let deciders = match is_dropped {
        true => vec![("by", words.cause(&flow.outcome))],
        false => ["egress", "ingress"].into_iter().zip(reach.deciders(flow)).collect(),
    };
    for (key, cause) in deciders {
        if let Some(cause) = cause {
            set(key, decider(&cause));
        }
    }
    if let (Some(fate), Some(reply)) = (flow.reply_fate, &flow.reply) {
        let mut told = Map::new();
        told.insert("fate".to_owned(), fate_name(fate).into());
        if let Verdict::Dropped { reason, .. } = reply.verdict {
            told.insert("reason".to_owned(), reason.id().into());
        }
        if let (ReplyFate::Misdelivered, Verdict::Delivered { to }) = (fate, reply.verdict) {
            told.insert("to".to_owned(), words.endpoint(to).into());
        }
        let by = words.cause(reply).filter(|_| fate == ReplyFate::Refused && reply.decider != MatchedRule::None);
        if let Some(cause) = by {
            told.insert("by".to_owned(), decider(&cause));
        }
        set("reply", told.into());
    }
    let witness = &flow.witness;
    let ports = witness.protocol.has_ports().then_some(witness.ports);
    set(
        "witness",
        json!({
            "from": words.endpoint(witness.sender),
            "src": witness.source.to_string(),
            "dst": witness.destination.to_string(),
            "proto": witness.protocol.0,
            "sport": ports.map(|ports| ports[0]),
            "dport": ports.map(|ports| ports[1]),
        }),
    );
    fields.into()
}

/// The first line of a list of flows as comma-separated values.
pub const REACH_CSV_HEAD: &str = "from,sources,to,destinations,headers,verdict,reason,egress,ingress,reply\n";

/// A group of flows as a line of comma-separated values (RFC 4180); lists have blanks between their items.
pub fn reach_flow_csv(out: &mut String, reach: &ReachWords<'_>, flow: &FlowGroup) {
    let words = reach.words;
    let names = |side: &FlowSide| {
        side.endpoints(words.program).into_iter().map(|id| words.endpoint(id)).collect::<Vec<_>>().join(" ")
    };
    let ranges = |side: &FlowSide| side.ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let [egress, ingress] = reach.deciders(flow).map(|cause| cause.map_or(String::new(), |cause| cause.with_place()));
    let reason = match flow.outcome.verdict {
        Verdict::Dropped { reason, .. } => reason.id(),
        _ => "",
    };
    let fields = [
        names(&flow.from),
        ranges(&flow.from),
        names(&flow.to),
        ranges(&flow.to),
        flow.headers.text(reach.protocols),
        flow.outcome.verdict.name().to_owned(),
        reason.to_owned(),
        egress,
        ingress,
        flow.reply_fate.map_or("", fate_name).to_owned(),
    ];
    let fields: Vec<String> = fields.iter().map(|field| csv_field(field)).collect();
    out.push_str(&fields.join(","));
    out.push('\n');
}

fn csv_field(text: &str) -> String {
    let text = Shown(text).to_string();
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// Writes how many groups of flows a list has that is too long to be shown.
pub fn reach_unlisted_text(out: &mut String, count: usize) {
    let count = thousands(count as u64);
    let _ = writeln!(
        out,
        "{count} groups of flows are behind it: --from and --to list theirs with rules, --format csv all"
    );
}

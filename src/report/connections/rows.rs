//! Connections as lines for people.

use super::{Connection, ConnectionEnd, ConnectionFate};
use crate::net::Protocol;
use crate::report::layout::{Palette, calendar, counted, space, thousands, width};
use crate::report::words::Resolver;
use std::fmt::Write;

/// Writes connections in columns, each with what went wrong on lines of its own. Columns are as wide as the connections
/// that were [measured](ConnectionRows::measure).
pub struct ConnectionRows<'a> {
    words: Resolver<'a>,
    palette: Palette,
    widths: [usize; COLUMNS],
}

const COLUMNS: usize = 5;

const LONGEST_FATE: usize = ConnectionFate::Misdelivered.name().len();

impl<'a> ConnectionRows<'a> {
    /// Nothing measured yet.
    pub fn new(words: Resolver<'a>, palette: Palette) -> ConnectionRows<'a> {
        ConnectionRows { words, palette, widths: [0; COLUMNS] }
    }

    /// Makes the columns wide enough for `connection`.
    pub fn measure(&mut self, connection: &Connection) {
        let cells = self.cells(connection);
        for (widest, cell) in self.widths.iter_mut().zip(&cells) {
            *widest = width(cell).max(*widest);
        }
    }

    /// Writes `connection`, at least one line.
    pub fn write(&self, out: &mut String, connection: &Connection) {
        for (index, (cell, widest)) in self.cells(connection).iter().zip(self.widths).enumerate() {
            out.push_str(cell);
            space(out, widest.saturating_sub(width(cell)) + if index == 2 { 0 } else { 2 });
            if index == 2 {
                out.push_str(" > ");
            }
        }
        let fate = connection.fate();
        let _ = write!(out, "{}", self.palette.paint(fate.style(), fate.name()));
        space(out, LONGEST_FATE - fate.name().len());
        let _ = writeln!(out, "  {} from {}", connection.last.since(connection.first), calendar(connection.first));
        for line in self.asides(connection) {
            let _ = writeln!(out, "    {line}");
        }
    }

    fn cells(&self, connection: &Connection) -> [String; COLUMNS] {
        let Connection { number, frames, bytes, .. } = connection;
        let [protocol, opener, responder] = self.parties(connection);
        [
            format!("#{number}"),
            protocol,
            opener,
            responder,
            format!(
                "{} > {} frames, {} > {} bytes",
                thousands(frames[0]),
                thousands(frames[1]),
                thousands(bytes[0]),
                thousands(bytes[1])
            ),
        ]
    }

    /// The protocol, the opener and the responder.
    pub(in crate::report) fn parties(&self, connection: &Connection) -> [String; 3] {
        let Connection { protocol, opener, responder, .. } = connection;
        let icmp = format!("icmp type {}", responder.port);
        let protocol = if *protocol == Protocol::ICMP { icmp } else { protocol.to_string() };
        [protocol, self.end(connection, opener), self.end(connection, responder)]
    }

    fn end(&self, connection: &Connection, end: &ConnectionEnd) -> String {
        let name = end.endpoint.map(|id| format!("{} ", self.words.endpoint(id))).unwrap_or_default();
        let port = if connection.protocol.has_ports() { format!(":{}", end.port) } else { String::new() };
        format!("{name}{}{port}", end.address)
    }

    /// What went wrong.
    pub(in crate::report) fn asides(&self, connection: &Connection) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some((refusal, text)) = connection.refusal.zip(refusal_text(self.words, connection)) {
            let whose = if refusal.is_of_responder { "responder's" } else { "opener's" };
            let frames = match refusal.frames {
                1 => format!("frame {}", thousands(refusal.frame)),
                more => format!("frame {} and {} more", thousands(refusal.frame), thousands(more - 1)),
            };
            lines.push(format!("{text}: the {whose} {frames}"));
        }
        let mut count = |frames: u64, what: &str| {
            if frames != 0 {
                lines.push(format!("{} {what}", counted(frames, "frame")));
            }
        };
        count(connection.followed, "dropped only because of that");
        count(connection.other_drops, "dropped for other causes");
        count(connection.undetermined, "without a verdict");
        if let Some(reached) = connection.misdelivered_to {
            let asked = connection.opener.endpoint.map_or("the opener", |id| self.words.endpoint(id));
            let replies = counted_replies(connection.misdelivered);
            lines.push(format!("{replies} reached {}, not {asked}", self.words.endpoint(reached)));
        }
        lines
    }
}

/// What refused the first frame of a connection that was dropped: `sg-ingress-deny at i-app by sg-app ingress #2
/// (shop.toml:19)`.
pub(super) fn refusal_text(words: Resolver<'_>, connection: &Connection) -> Option<String> {
    let blocker = connection.refusal?.blocker;
    let at = words.at(blocker.at).map_or_else(String::new, |at| format!(" at {at}"));
    let mut text = format!("{}{at}", blocker.reason);
    if let Some(cause) = words.cause_of(blocker.decider, Some(blocker.reason)) {
        let _ = write!(text, " by {}", cause.with_place());
    }
    Some(text)
}

/// `1 reply`, `1,200 replies`
pub(super) fn counted_replies(replies: u64) -> String {
    match replies {
        1 => "1 reply".to_owned(),
        more => format!("{} replies", thousands(more)),
    }
}

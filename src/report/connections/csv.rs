//! Connections as comma-separated values, after RFC 4180.

use super::Connection;
use super::ndjson::icmp;
use crate::report::csv::CsvRow;
use crate::report::words::Resolver;

/// Writes connections as rows of comma-separated values.
#[derive(Clone, Copy)]
pub struct ConnectionCsv<'a> {
    words: Resolver<'a>,
}

impl<'a> ConnectionCsv<'a> {
    /// The names of the columns, with the end of their line.
    pub const HEADER: &'static str = "frame,proto,opener,src,sport,responder,dst,dport,icmp_type,icmp_id,frames_forth,\
        frames_back,bytes_forth,bytes_back,delivered_forth,delivered_back,first_ns,last_ns,fate,verdict,reason,\
        refused_frame,refused_of,refused_reason,refused_at,refused_rule,refused_source,refused_frames,followed,\
        other_drops,undetermined,outside,misdelivered,misdelivered_to\n";

    /// Rows with these names.
    pub fn new(words: Resolver<'a>) -> ConnectionCsv<'a> {
        ConnectionCsv { words }
    }

    /// Writes the row of `connection`, the end of its line included.
    pub fn write(&self, out: &mut String, connection: &Connection) {
        let mut row = CsvRow::new(out);
        row.cell(connection.number);
        row.cell(connection.protocol.0);
        for end in [&connection.opener, &connection.responder] {
            row.text(end.endpoint.map(|id| self.words.endpoint(id)));
            row.cell(end.address);
            row.optional(connection.protocol.has_ports().then_some(end.port));
        }
        let icmp = icmp(connection);
        row.optional(icmp.map(|(kind, _)| kind));
        row.optional(icmp.map(|(_, identifier)| identifier));
        for pair in [connection.frames, connection.bytes, connection.delivered] {
            pair.into_iter().for_each(|count| row.cell(count));
        }
        row.cell(connection.first.as_nanos());
        row.cell(connection.last.as_nanos());
        row.cell(connection.fate().name());
        row.cell(connection.verdict.name());
        row.optional(connection.verdict.refusal().map(|(reason, _)| reason));
        self.refusal(&mut row, connection);
        row.cell(connection.followed);
        row.cell(connection.other_drops);
        row.cell(connection.undetermined);
        row.cell(connection.outside);
        row.cell(connection.misdelivered);
        row.text(connection.misdelivered_to.map(|id| self.words.endpoint(id)));
        row.end();
    }

    fn refusal(&self, row: &mut CsvRow<'_>, connection: &Connection) {
        let Some(refusal) = connection.refusal else {
            (0..7).for_each(|_| row.text(None));
            return;
        };
        let reason = refusal.blocker.reason;
        let cause = self.words.cause_of(refusal.blocker.decider, Some(reason));
        row.cell(refusal.frame);
        row.cell(if refusal.is_of_responder { "responder" } else { "opener" });
        row.cell(reason);
        row.text(self.words.at(refusal.blocker.at));
        row.text(cause.map(|cause| cause.to_string()).as_deref());
        row.text(cause.and_then(|cause| cause.place()).map(|place| place.to_string()).as_deref());
        row.cell(refusal.frames);
    }
}

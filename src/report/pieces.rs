//! Prepared texts.

use super::words::{Cause, Resolver};
use crate::datapath::{MatchedRule, Verdict};
use crate::diag::Reason;
use crate::program::{AclId, Names, RouteId, RuleId, WhitelistId};

/// Texts that are found by their place, each in a record of `RECORD` bytes unless it is long: to append a short one takes a few
/// instructions and no call, since as many bytes are copied of each, and one line of memory.
#[derive(Debug)]
pub(super) struct StringTable<const RECORD: usize> {
    /// The last byte is the length of the text in front of it; or [`LONG`], and the text's place in `long` in front of it.
    records: Vec<[u8; RECORD]>,
    /// Texts that no record has room for, one behind the other.
    long: String,
}

/// Names: few are longer.
pub(super) type NameTable = StringTable<32>;

/// In place of a length.
const LONG: u8 = u8::MAX;

impl<const RECORD: usize> StringTable<RECORD> {
    /// The texts that `write` makes of `items`.
    pub(super) fn new<T>(items: impl Iterator<Item = T>, write: impl Fn(&mut String, T)) -> StringTable<RECORD> {
        const { assert!(RECORD > 2 * size_of::<u64>() && RECORD <= LONG as usize) };
        let mut table = StringTable { records: Vec::with_capacity(items.size_hint().0), long: String::new() };
        let mut text = String::new();
        for item in items {
            text.clear();
            write(&mut text, item);
            table.add(&text);
        }
        table
    }

    fn add(&mut self, text: &str) {
        let mut record = [0; RECORD];
        if text.len() < RECORD {
            record[..text.len()].copy_from_slice(text.as_bytes());
            record[RECORD - 1] = text.len() as u8;
        } else {
            let [start, end] =
                [self.long.len(), self.long.len() + text.len()].map(|place| (place as u64).to_le_bytes());
            self.long.push_str(text);
            record[..8].copy_from_slice(&start);
            record[8..16].copy_from_slice(&end);
            record[RECORD - 1] = LONG;
        }
        self.records.push(record);
    }

    /// Appends the text at `index`, counted from 0.
    #[inline]
    pub(super) fn append(&self, out: &mut Vec<u8>, index: usize) {
        let record = &self.records[index];
        let length = record[RECORD - 1];
        if length == LONG {
            return out.extend_from_slice(self.long_text(record).as_bytes());
        }
        // What does not belong to the text is taken off again.
        let end = out.len() + usize::from(length);
        out.extend_from_slice(record);
        out.truncate(end);
    }

    /// The text of a record that says where it is.
    #[cold]
    fn long_text(&self, record: &[u8; RECORD]) -> &str {
        let place = |at: usize| record[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes) as usize);
        &self.long[place(0)..place(8)]
    }
}

/// Causes: most of them fit.
type CauseTable = StringTable<64>;

/// What is said about whatever decides, prepared.
pub(super) struct CauseStrings {
    rules: CauseTable,
    egress_defaults: CauseTable,
    ingress_defaults: CauseTable,
    whitelists: CauseTable,
    routes: CauseTable,
    /// One piece.
    session: CauseTable,
}

impl CauseStrings {
    /// What `write` says, and `session` about live sessions.
    pub(super) fn new(words: Resolver<'_>, session: &'static str, write: fn(&mut String, &Cause<'_>)) -> CauseStrings {
        let Names { rules, acls, whitelists, routes, .. } = words.names;
        let pieces = |count: usize, reason, decider: fn(usize) -> MatchedRule| {
            CauseTable::new((0..count).filter_map(|index| words.cause_of(decider(index), reason)), |text, cause| {
                write(text, &cause);
            })
        };
        let default = |index| MatchedRule::GroupDefault(AclId::from_index(index));
        CauseStrings {
            rules: pieces(rules.len(), None, |index| MatchedRule::Rule(RuleId::from_index(index))),
            egress_defaults: pieces(acls.len(), Some(Reason::SgEgressDeny), default),
            ingress_defaults: pieces(acls.len(), Some(Reason::SgIngressDeny), default),
            whitelists: pieces(whitelists.len(), None, |index| MatchedRule::Whitelist(WhitelistId::from_index(index))),
            routes: pieces(routes.len(), None, |index| MatchedRule::Route(RouteId::from_index(index))),
            session: CauseTable::new(std::iter::once(session), String::push_str),
        }
    }

    /// Appends what is said about `decider`, which decided that `verdict` became of a frame; nothing where nothing did.
    #[inline]
    pub(super) fn append(&self, out: &mut Vec<u8>, decider: MatchedRule, verdict: &Verdict) {
        let (table, index) = match decider {
            MatchedRule::None => return,
            MatchedRule::Session => (&self.session, 0),
            MatchedRule::Rule(id) => (&self.rules, id.index()),
            MatchedRule::GroupDefault(id) => {
                let egress = matches!(verdict, Verdict::Dropped { reason: Reason::SgEgressDeny, .. });
                (if egress { &self.egress_defaults } else { &self.ingress_defaults }, id.index())
            }
            MatchedRule::Whitelist(id) => (&self.whitelists, id.index()),
            MatchedRule::Route(id) => (&self.routes, id.index()),
        };
        table.append(out, index);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_any_length_are_appended_whole_and_nothing_else() {
        let pieces: Vec<String> = [0, 1, 12, 15, 16, 17, 300, 0, 7].iter().map(|length| "é".repeat(*length)).collect();
        let table = NameTable::new(pieces.iter(), |text, piece| text.push_str(piece));
        let mut out = b"[".to_vec();
        for index in 0..pieces.len() {
            table.append(&mut out, index);
            out.push(b'|');
        }
        assert_eq!(String::from_utf8(out).unwrap(), format!("[{}|", pieces.join("|")));
    }
}

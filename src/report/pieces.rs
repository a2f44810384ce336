//! Prepared texts.

use super::words::{Cause, Resolver};
use crate::datapath::{DropLocation, MatchedRule, Verdict};
use crate::diag::Reason;
use crate::program::{AclId, DomainId, EndpointId, Names, RouteId, RuleId, WhitelistId};
use lexical_write_integer::{FormattedSize, ToLexical};

/// A table of prepared texts in records of a fixed size: a short text is [appended](append_start) from one record, a long one is
/// kept apart.
#[derive(Debug)]
pub(super) struct StringTable<const RECORD: usize> {
    /// The last byte is the length of the text in front of it; or [`LONG`], and the text's place in `long` in front of it.
    records: Vec<[u8; RECORD]>,
    /// Texts that no record has room for, one behind the other.
    long: String,
}

/// Names: few are longer.
type NameTable = StringTable<32>;

/// The names of endpoints and domains.
pub(super) struct NameTables {
    endpoints: NameTable,
    domains: NameTable,
}

impl NameTables {
    /// Each name as `write` adds it.
    pub(super) fn new(names: &Names, write: impl Fn(&mut String, &str)) -> NameTables {
        NameTables {
            endpoints: NameTable::new(names.endpoints.iter().map(|name| name.text.as_str()), &write),
            domains: NameTable::new(names.domains.iter().map(|name| name.text.as_str()), &write),
        }
    }

    #[inline]
    pub(super) fn append_endpoint(&self, out: &mut Vec<u8>, id: EndpointId) {
        self.endpoints.append(out, id.index());
    }

    #[inline]
    pub(super) fn append_domain(&self, out: &mut Vec<u8>, id: DomainId) {
        self.domains.append(out, id.index());
    }

    /// Appends `key` and the name of the place where a frame was refused; nothing outside of all places.
    pub(super) fn append_location(&self, out: &mut Vec<u8>, key: &[u8], at: DropLocation) {
        let (table, index) = match at {
            DropLocation::Outside => return,
            DropLocation::Endpoint(id) => (&self.endpoints, id.index()),
            DropLocation::Domain(id) => (&self.domains, id.index()),
        };
        out.extend_from_slice(key);
        table.append(out, index);
    }
}

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
        append_start(out, record, length.into());
    }

    /// The text of a record that says where it is.
    #[cold]
    fn long_text(&self, record: &[u8; RECORD]) -> &str {
        let place = |at: usize| record[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes) as usize);
        &self.long[place(0)..place(8)]
    }
}

/// Appends the first `length` bytes of `text`. All of it is copied, and what is too much taken off again: that takes a few
/// instructions, where a copy of a length that is not known before takes a call.
#[inline]
pub(super) fn append_start<const LENGTH: usize>(out: &mut Vec<u8>, text: &[u8; LENGTH], length: usize) {
    let end = out.len() + length;
    out.extend_from_slice(text);
    out.truncate(end);
}

/// Appends a number in decimal. Its digits are written where they stand: a copy of bytes right after they were written waits
/// until they have left the store buffer.
#[inline]
pub(super) fn append_decimal(out: &mut Vec<u8>, number: u64) {
    let start = out.len();
    out.extend_from_slice(&[0; u64::FORMATTED_SIZE_DECIMAL]);
    let length = number.to_lexical(&mut out[start..]).len();
    out.truncate(start + length);
}

/// What is said about whatever decides, prepared.
pub(super) struct CauseStrings<const RECORD: usize> {
    rules: StringTable<RECORD>,
    egress_defaults: StringTable<RECORD>,
    ingress_defaults: StringTable<RECORD>,
    whitelists: StringTable<RECORD>,
    routes: StringTable<RECORD>,
    /// One text.
    session: StringTable<RECORD>,
}

impl<const RECORD: usize> CauseStrings<RECORD> {
    /// What `write` says, and `session` about live sessions.
    pub(super) fn new(
        words: Resolver<'_>,
        session: &'static str,
        write: fn(&mut String, &Cause<'_>),
    ) -> CauseStrings<RECORD> {
        let Names { rules, acls, whitelists, routes, .. } = words.names;
        let texts = |count: usize, reason, decider: fn(usize) -> MatchedRule| {
            StringTable::new((0..count).filter_map(|index| words.cause_of(decider(index), reason)), |text, cause| {
                write(text, &cause);
            })
        };
        let default = |index| MatchedRule::GroupDefault(AclId::from_index(index));
        CauseStrings {
            rules: texts(rules.len(), None, |index| MatchedRule::Rule(RuleId::from_index(index))),
            egress_defaults: texts(acls.len(), Some(Reason::SgEgressDeny), default),
            ingress_defaults: texts(acls.len(), Some(Reason::SgIngressDeny), default),
            whitelists: texts(whitelists.len(), None, |index| MatchedRule::Whitelist(WhitelistId::from_index(index))),
            routes: texts(routes.len(), None, |index| MatchedRule::Route(RouteId::from_index(index))),
            session: StringTable::new(std::iter::once(session), String::push_str),
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
        let lengths = [0, 1, 12, 31, 32, 33, 63, 64, 65, 127, 128, 300, 0, 7];
        let texts: Vec<String> =
            lengths.iter().flat_map(|length| ["x".repeat(*length), "é".repeat(length / 2)]).collect();
        let expected = format!("[{}|", texts.join("|"));
        assert_eq!(appended::<32>(&texts), expected);
        assert_eq!(appended::<64>(&texts), expected);
        assert_eq!(appended::<128>(&texts), expected);
    }

    fn appended<const RECORD: usize>(texts: &[String]) -> String {
        let table = StringTable::<RECORD>::new(texts.iter(), |to, text| to.push_str(text));
        let mut out = b"[".to_vec();
        for index in 0..texts.len() {
            table.append(&mut out, index);
            out.push(b'|');
        }
        String::from_utf8(out).unwrap()
    }
}

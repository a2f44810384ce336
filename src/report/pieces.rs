//! Text in a row of pieces.

use super::words::{Cause, Resolver};
use crate::datapath::{MatchedRule, Outcome, Verdict};
use crate::diag::Reason;
use crate::program::{AclId, Names, RouteId, RuleId, WhitelistId};
use std::ops::Range;

/// Text, cut into pieces that are found by their place.
#[derive(Debug)]
pub(super) struct StringTable {
    /// All pieces, one after the other.
    text: String,
    /// Where each ends; before them a 0, where the first one begins.
    ends: Vec<usize>,
}

impl StringTable {
    /// The pieces that `write` adds for each of `items`.
    pub(super) fn new<T>(items: impl Iterator<Item = T>, write: impl Fn(&mut String, T)) -> StringTable {
        let mut pieces = StringTable { text: String::new(), ends: vec![0] };
        for item in items {
            write(&mut pieces.text, item);
            pieces.ends.push(pieces.text.len());
        }
        pieces
    }

    /// The piece at `index`, counted from 0.
    #[inline]
    pub(super) fn get(&self, index: usize) -> &str {
        &self.text[self.range(index)]
    }

    /// The same as bytes, without a look at where characters begin.
    #[inline]
    pub(super) fn bytes(&self, index: usize) -> &[u8] {
        &self.text.as_bytes()[self.range(index)]
    }

    #[inline]
    fn range(&self, index: usize) -> Range<usize> {
        self.ends[index]..self.ends[index + 1]
    }
}

/// What is said about whatever decides, prepared.
pub(super) struct CauseStrings {
    rules: StringTable,
    egress_defaults: StringTable,
    ingress_defaults: StringTable,
    whitelists: StringTable,
    routes: StringTable,
    session: &'static str,
}

impl CauseStrings {
    /// What `write` says, and `session` about live sessions.
    pub(super) fn new(words: Resolver<'_>, session: &'static str, write: fn(&mut String, &Cause<'_>)) -> CauseStrings {
        let Names { rules, acls, whitelists, routes, .. } = words.names;
        let pieces = |count: usize, reason, decider: fn(usize) -> MatchedRule| {
            StringTable::new((0..count).filter_map(|index| words.cause_of(decider(index), reason)), |text, cause| {
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
            session,
        }
    }

    /// What is said about that which decided; nothing where nothing did.
    #[inline]
    pub(super) fn get(&self, outcome: &Outcome) -> &str {
        match outcome.decider {
            MatchedRule::None => "",
            MatchedRule::Session => self.session,
            MatchedRule::Rule(id) => self.rules.get(id.index()),
            MatchedRule::GroupDefault(id) => {
                let egress = matches!(outcome.verdict, Verdict::Dropped { reason: Reason::SgEgressDeny, .. });
                if egress { self.egress_defaults.get(id.index()) } else { self.ingress_defaults.get(id.index()) }
            }
            MatchedRule::Whitelist(id) => self.whitelists.get(id.index()),
            MatchedRule::Route(id) => self.routes.get(id.index()),
        }
    }
}

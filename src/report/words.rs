//! From ids to what people call them, and to the line of the topology file.

use crate::datapath::{DropLocation, MatchedRule, Outcome, Verdict};
use crate::diag::{Reason, SourceLocation, Sources, Span};
use crate::program::{DomainId, EndpointId, Names, Program};
use std::fmt;

/// Looks names and places up. Cheap to make and to copy; good for the program whose names it was given.
#[derive(Clone, Copy)]
pub struct Resolver<'a> {
    pub(super) program: &'a Program,
    pub(super) names: &'a Names,
    pub(super) sources: &'a Sources,
    pub(super) places: Places,
}

/// Places and values that a program and its names do not hold; all of them may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places {
    /// The MTU in force, where it is not the program's.
    pub mtu_value: Option<u16>,
    /// Where the MTU stands.
    pub mtu: Span,
    /// Where the sender's link stands.
    pub link: Span,
}

impl Places {
    /// None known.
    pub const NONE: Places = Places { mtu_value: None, mtu: Span::NONE, link: Span::NONE };
}

/// What decided about a frame. Prints as its name: `sg-db ingress #3`, `sg-db ingress default`,
/// `rm-orders whitelist`, `route 10.0.0.0/8`, `session`.
#[derive(Clone, Copy)]
pub struct Cause<'a> {
    words: Resolver<'a>,
    decider: MatchedRule,
    egress: bool,
}

impl<'a> Resolver<'a> {
    /// The words for `program`.
    pub fn new(program: &'a Program, names: &'a Names, sources: &'a Sources) -> Resolver<'a> {
        Resolver { program, names, sources, places: Places::NONE }
    }

    /// The same, with more places.
    #[must_use]
    pub fn with(self, places: Places) -> Resolver<'a> {
        Resolver { places, ..self }
    }

    /// The MTU in force.
    pub(super) fn mtu(self) -> u16 {
        self.places.mtu_value.unwrap_or(self.program.mtu)
    }

    /// What an endpoint is called.
    pub fn endpoint(self, id: EndpointId) -> &'a str {
        self.names.endpoint(id)
    }

    /// What a routing domain is called.
    pub fn domain(self, id: DomainId) -> &'a str {
        self.names.domain(id)
    }

    /// What the place of a refusal is called; `None` for a frame that never got inside.
    pub fn at(self, at: DropLocation) -> Option<&'a str> {
        match at {
            DropLocation::Outside => None,
            DropLocation::Endpoint(id) => Some(self.endpoint(id)),
            DropLocation::Domain(id) => Some(self.domain(id)),
        }
    }

    /// The line where `span` begins; `None` for what no file declares.
    pub fn place(self, span: Span) -> Option<SourceLocation<'a>> {
        self.sources.locate(span)
    }

    /// What decided about a frame; `None` where nothing did that has a name.
    pub fn cause(self, outcome: &Outcome) -> Option<Cause<'a>> {
        self.cause_of(outcome.decider, outcome.verdict.refusal().map(|(reason, _)| reason))
    }

    /// What decided, where `reason` is why the frame was dropped. It tells the two directions of groups apart: what
    /// lets a delivered frame in is always the receiver's side.
    pub fn cause_of(self, decider: MatchedRule, reason: Option<Reason>) -> Option<Cause<'a>> {
        let egress = reason == Some(Reason::SgEgressDeny);
        (decider != MatchedRule::None).then_some(Cause { words: self, decider, egress })
    }

    /// The routing domains and endpoints a frame was at, in order: sender, domains, receiver.
    pub fn path(self, outcome: &Outcome) -> impl Iterator<Item = &'a str> {
        let to = match outcome.verdict {
            Verdict::Delivered { to } => Some(self.endpoint(to)),
            _ => None,
        };
        let from = outcome.from.map(|id| self.endpoint(id));
        from.into_iter().chain(self.domains(outcome)).chain(to)
    }

    /// The routing domains a frame was in, in order.
    pub fn domains(self, outcome: &Outcome) -> impl Iterator<Item = &'a str> {
        outcome.domains.into_iter().flatten().map(move |id| self.domain(id))
    }
}

impl<'a> Cause<'a> {
    /// The line that declares it; for the default of groups the first group.
    pub fn place(&self) -> Option<SourceLocation<'a>> {
        self.words.place(self.span())
    }

    /// Where it stands in the file.
    pub(super) fn span(&self) -> Span {
        let names = self.words.names;
        match self.decider {
            MatchedRule::None | MatchedRule::Session => Span::NONE,
            MatchedRule::Rule(id) => names.rules[id.index()].span,
            MatchedRule::GroupDefault(id) => names.acls[id.index()].span,
            MatchedRule::Whitelist(id) => names.whitelists[id.index()].span,
            MatchedRule::Route(id) => names.routes[id.index()].span,
        }
    }

    /// Its name with its place: `sg-web ingress #3 (shop.toml:19)`.
    pub fn with_place(&self) -> String {
        match self.place() {
            Some(place) => format!("{self} ({place})"),
            None => self.to_string(),
        }
    }

    /// What it says, where that does not depend on the frame: `drops tcp/22 from 10.0.0.0/8`.
    pub fn says(&self) -> Option<&'a str> {
        match self.decider {
            MatchedRule::Rule(id) => Some(&self.words.names.rule_texts[id.index()]),
            MatchedRule::GroupDefault(_) => Some("no rule matched"),
            _ => None,
        }
    }
}

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Resolver { program, names, .. } = self.words;
        match self.decider {
            MatchedRule::None => Ok(()),
            MatchedRule::Session => f.write_str("session"),
            MatchedRule::Rule(id) => f.write_str(&names.rules[id.index()].text),
            MatchedRule::GroupDefault(id) => {
                let direction = if self.egress { "egress" } else { "ingress" };
                write!(f, "{} {direction} default", names.acls[id.index()].text)
            }
            MatchedRule::Whitelist(id) => write!(f, "{} whitelist", names.whitelists[id.index()].text),
            MatchedRule::Route(id) => write!(f, "route {}", program.routes[id.index()].prefix),
        }
    }
}

//! What decides nothing: the records. What that is, [`crate::unused`] finds.

use crate::diag::{ProblemKind, ProblemRecord, Severity, citation};

/// No header gets to a rule.
pub(crate) static RULE: ProblemRecord = ProblemRecord {
    id: "group-rule-never-decides",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "no packet is decided by a rule, whatever its header",
    meaning: "asked of all headers: for every packet that opens a flow, and every reply, another rule decides before, or \
              nothing that the rule matches gets to an instance of its group",
    remedy: "remove the rule, or what keeps packets from it",
    source: citation::OWN_CHOICE,
    example: "`sg-a ingress #2` decides nothing: `sg-a ingress #1` takes all that it matches",
};

/// No destination is looked up to a route.
pub(crate) static ROUTE: ProblemRecord = ProblemRecord {
    id: "route-never-used",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "no packet is routed by an entry of a route table, whatever its destination",
    meaning: "the entry with the longest prefix decides: longer ones hold all that the entry covers, or nothing that \
              runs looks its destinations up in the table",
    remedy: "remove the entry, or the longer ones",
    source: citation::ROUTE_TABLE,
    example: "the route to `172.20.0.0/23` of `vpc-a` is never used: longer prefixes hold all of it",
};

/// No source that an entry of a whitelist admits gets to the service.
pub(crate) static WHITELIST_ENTRY: ProblemRecord = ProblemRecord {
    id: "whitelist-entry-never-admits",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "no packet is admitted by an entry of a whitelist alone",
    meaning: "asked of all headers: a wider entry of the same list admits all that the entry holds, or nothing from its \
              addresses gets to the service",
    remedy: "remove the entry, or what keeps packets from the service",
    source: citation::OWN_CHOICE,
    example: "`10.24.1.0/24` in the whitelist of `rm-a` admits nothing: `10.24.0.0/16` holds all of it",
};

/// No frame of some captures was decided by a rule.
pub(crate) static RULE_NOT_HIT: ProblemRecord = ProblemRecord {
    id: "group-rule-not-hit",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "a rule decided about no frame of the captures",
    meaning: "some header would get to the rule, and none in these captures did; nor do its sessions have frames there",
    remedy: "look at captures of a longer time; where it stays unused, remove the rule",
    source: citation::OWN_CHOICE,
    example: "`sg-a ingress #2` decided about no frame of these captures",
};

/// No frame of some captures used a route.
pub(crate) static ROUTE_NOT_HIT: ProblemRecord = ProblemRecord {
    id: "route-not-hit",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "an entry of a route table was used by no frame of the captures",
    meaning: "some destination would be looked up to the entry, and none in these captures was",
    remedy: "look at captures of a longer time; where it stays unused, remove the entry",
    source: citation::OWN_CHOICE,
    example: "the route to `172.20.0.0/16` of `vpc-a` was used by no frame of these captures",
};

/// No frame of some captures was admitted by an entry of a whitelist.
pub(crate) static WHITELIST_ENTRY_NOT_HIT: ProblemRecord = ProblemRecord {
    id: "whitelist-entry-not-hit",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "an entry of a whitelist admitted no frame of the captures",
    meaning: "something with an address of the entry would get to the service, and nothing in these captures did; nor do \
              its sessions have frames there",
    remedy: "look at captures of a longer time; where it stays unused, remove the entry",
    source: citation::OWN_CHOICE,
    example: "`10.24.1.6` in the whitelist of `rm-a` admitted no frame of these captures",
};

/// The rules that `check --unused` alone tells: of all headers, and with `--capture` of frames.
pub static UNUSED_RULES: &[&ProblemRecord] =
    &[&RULE, &ROUTE, &WHITELIST_ENTRY, &RULE_NOT_HIT, &ROUTE_NOT_HIT, &WHITELIST_ENTRY_NOT_HIT];

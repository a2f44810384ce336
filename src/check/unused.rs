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

/// The rules that `check --unused` alone tells.
pub static UNUSED_RULES: &[&ProblemRecord] = &[&RULE, &ROUTE, &WHITELIST_ENTRY];

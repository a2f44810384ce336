//! Whitelists of managed services: how long they are, and whom they admit.

use super::clients::Clients;
use super::limits::{ACCESS_LIST_ENTRIES, WHITELIST_ENTRIES};
use super::survey::{Survey, placed_or};
use crate::diag::{Diagnostic, ProblemKind, ProblemRecord, Reason, Severity, Spanned, citation};
use crate::model::{Service, ServiceKind};
use crate::net::{AddressRange, Ipv4Net, ranges};

pub(super) static LIMIT: ProblemRecord = ProblemRecord {
    id: "whitelist-limit",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "a whitelist has more entries than its service takes",
    meaning: "the whitelists of one database have at most 1000 entries together, the access control list of a load \
              balancer at most 300",
    remedy: "merge neighbouring addresses into prefixes",
    source: citation::WHITELIST,
    example: "the whitelist of `rm-a` has 1001 entries, 1 more than the 1000 it takes",
};

pub(super) static NOBODY: ProblemRecord = ProblemRecord {
    id: "whitelist-admits-nobody",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "a whitelist admits nobody",
    meaning: "an empty whitelist, and the default of databases, which holds 127.0.0.1 only, admit nobody; nor does one \
              whose addresses belong to nobody who could reach the service",
    remedy: "add the private addresses of the clients to `whitelist`; over a link they are the classic instances' own",
    source: citation::WHITELIST,
    example: "the whitelist of `rm-a` admits nobody",
};

pub(super) static DEAD_ENTRY: ProblemRecord = ProblemRecord {
    id: "whitelist-entry-unused",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "an entry of a whitelist holds no address that could reach the service",
    meaning: "a service is reached from its own network and, in a VPC, by linked classic instances, gateways, forwarding \
              instances and peerings; over a link it sees the classic instance's own private address",
    remedy: "remove the entry, correct the address, or link the instance that has it with `linked_vpc`",
    source: citation::OWN_CHOICE,
    example: "`10.24.1.6` in the whitelist of `rm-a` admits nobody: no endpoint has this address",
};

/// A service that a planned link would reach does not know the instance.
pub(crate) static NOT_HELD: ProblemRecord = ProblemRecord {
    id: Reason::WhitelistDeny.id(),
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "the whitelist of a service that a planned link would reach does not hold the instance",
    meaning: "over a link a service sees the classic instance's own private address, and admits its whitelist only",
    remedy: "add the private address of the instance to `whitelist`",
    source: citation::WHITELIST,
    example: "the whitelist of `rm-a` does not hold 10.24.1.5 of `i-a`",
};

/// Entries that are shown of a list with many dead ones.
const SHOWN: usize = 4;

pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Diagnostic>) {
    let world = survey.world;
    let mut clients = Clients::new(survey);
    for service in world.services.values() {
        match &service.whitelist {
            None => default_list(service, findings),
            Some(_) if service.whitelist_is_unknown => {}
            Some(entries) => {
                length(service, entries, findings);
                admitted(&mut clients, service, entries, findings);
            }
        }
    }
}

/// How many entries the whitelist of a kind takes.
const fn limit(kind: ServiceKind) -> usize {
    match kind {
        ServiceKind::Slb => ACCESS_LIST_ENTRIES,
        _ => WHITELIST_ENTRIES,
    }
}

fn length(service: &Service, entries: &[Spanned<Ipv4Net>], findings: &mut Vec<Diagnostic>) {
    let limit = limit(*service.kind);
    let Some(excess) = entries.get(limit) else { return };
    let (id, count) = (service.id.as_str(), entries.len());
    let message =
        format!("the whitelist of `{id}` has {count} entries, {} more than the {limit} it takes", count - limit);
    let place = format!("this is entry {}", limit + 1);
    let mut finding = LIMIT.found(message).at(excess.span, place).at(service.id.span, "of this service");
    if *service.kind == ServiceKind::Slb {
        finding = finding.note(format!("{} ({})", LIMIT.meaning, citation::ACCESS_LIST));
    }
    findings.push(finding);
}

fn nobody(service: &Service) -> Diagnostic {
    NOBODY.found(format!("the whitelist of `{}` admits nobody", *service.id))
}

fn default_list(service: &Service, findings: &mut Vec<Diagnostic>) {
    if service.kind.has_default_whitelist() {
        let kind = placed_or(service.kind.span, service.id.span);
        let finding = nobody(service).at(service.id.span, "no `whitelist`");
        findings.push(finding.at(kind, "so the default of this kind holds: 127.0.0.1"));
    }
}

/// Whom the entries admit. 127.0.0.1 beside others is what the vendor's default leaves behind, and no mistake.
fn admitted(
    clients: &mut Clients<'_, '_>,
    service: &Service,
    entries: &Spanned<Vec<Spanned<Ipv4Net>>>,
    findings: &mut Vec<Diagnostic>,
) {
    let mut dead: Vec<(&Spanned<Ipv4Net>, String)> = Vec::new();
    let mut alive = 0;
    for entry in entries.iter().filter(|entry| !ranges::LOOPBACK.contains(&entry.value)) {
        match clients.nobody_in(service, entry.value) {
            None => alive += 1,
            Some(cause) => dead.push((entry, cause)),
        }
    }
    let finding = match (&dead[..], alive) {
        ([], 0) => nobody(service).at(entries.span, "nobody is on it").at(service.id.span, "the service"),
        ([], _) => return,
        (_, 0) => nobody(service),
        ([(entry, cause)], _) => {
            let text = AddressRange::from(entry.value);
            DEAD_ENTRY.found(format!("`{text}` in the whitelist of `{}` admits nobody: {cause}", *service.id))
        }
        _ => {
            let count = dead.len();
            DEAD_ENTRY.found(format!("{count} entries in the whitelist of `{}` admit nobody", *service.id))
        }
    };
    let more = dead.len().saturating_sub(SHOWN);
    let shown = dead.into_iter().take(SHOWN).enumerate();
    findings.push(shown.fold(finding, |finding, (index, (entry, cause))| {
        let more = if index + 1 == SHOWN && more > 0 { format!("; and {more} more entries") } else { String::new() };
        finding.at(entry.span, format!("{cause}{more}"))
    }));
}

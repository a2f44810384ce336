//! Whitelists of managed services.
//!
//! Chosen where the vendor is silent:
//! - the codes are those of RDS for every kind of service;
//! - adding to or removing from a database's default whitelist works on the one entry it has, 127.0.0.1; adding to a
//!   service that is open to all makes a whitelist of the added entries alone;
//! - entries are compared as written: removing 10.0.0.0/8 leaves 10.1.0.0/16 in place.

use super::change::Edit;
use super::operation::WhitelistChange;
use super::{PlanDecision, Planner, Refusal, RefusalRecord};
use crate::check::limits::WHITELIST_ENTRIES;
use crate::diag::citation;
use crate::net::Ipv4Net;

static NO_SERVICE: RefusalRecord = RefusalRecord {
    code: "InvalidDBInstanceId.NotFound",
    status: Some(404),
    also: &[],
    summary: "no such service",
    remedy: "name a service of the topology",
    source: citation::MODIFY_WHITELIST,
};

static MALFORMED: RefusalRecord = RefusalRecord {
    code: "InvalidSecurityIps.MalFormed",
    status: Some(400),
    also: &[],
    summary: "an entry has host bits set",
    remedy: "write the network address",
    source: citation::MODIFY_WHITELIST,
};

static DUPLICATE: RefusalRecord = RefusalRecord {
    code: "InvalidSecurityIPList.Duplicate",
    status: Some(400),
    also: &[],
    summary: "the whitelist would have an entry twice",
    remedy: "name each entry once, and none that is there already",
    source: citation::MODIFY_WHITELIST,
};

static FULL: RefusalRecord = RefusalRecord {
    code: "InvalidSecurityIPListLength.Malformed",
    status: Some(400),
    also: &["InvalidInstanceIp.Duplicate"],
    summary: "the whitelist would have more than 1000 entries",
    remedy: "merge neighbouring addresses into prefixes",
    source: citation::MODIFY_WHITELIST,
};

static NO_ENTRY: RefusalRecord = RefusalRecord {
    code: "InvalidSecurityIPs.NotFound",
    status: Some(404),
    also: &[],
    summary: "the whitelist has no such entry",
    remedy: "name the entry exactly as the whitelist has it",
    source: citation::MODIFY_WHITELIST,
};

/// Every refusal of this file.
pub(super) static RECORDS: &[&RefusalRecord] = &[&NO_SERVICE, &MALFORMED, &DUPLICATE, &FULL, &NO_ENTRY];

impl Planner<'_> {
    pub(super) fn change_whitelist(&self, service: &str, change: &WhitelistChange) -> PlanDecision {
        let key = self.world.services.find(service);
        let key = key.ok_or_else(|| NO_SERVICE.because(format!("there is no service `{service}`")))?;
        let own = &self.world.services[key];
        let present = own.effective_whitelist().unwrap_or_default();
        let entries = match change {
            WhitelistChange::Replace(new) => extended(service, Vec::new(), new)?,
            WhitelistChange::Add(new) => extended(service, present, new)?,
            // What it may hold beside the entries that are known is not known either.
            WhitelistChange::Remove(gone) if own.whitelist_is_unknown => {
                present.into_iter().filter(|entry| !gone.contains(entry)).collect()
            }
            WhitelistChange::Remove(gone) => reduced(service, present, gone)?,
        };
        let old = own.whitelist.as_ref().map(|old| old.iter().map(|entry| entry.value));
        let is_unknown = own.whitelist_is_unknown && !matches!(change, WhitelistChange::Replace(_));
        let changed = own.whitelist_is_unknown != is_unknown || old.is_none_or(|old| old.ne(entries.iter().copied()));
        Ok(if changed { vec![Edit::Whitelist { service: key, entries, is_unknown }] } else { Vec::new() })
    }
}

fn extended(service: &str, mut entries: Vec<Ipv4Net>, new: &[Ipv4Net]) -> Result<Vec<Ipv4Net>, Refusal> {
    for entry in new {
        if entry.trunc() != *entry {
            let message = format!("`{entry}` has host bits set; the network is `{}`", entry.trunc());
            return Err(MALFORMED.because(message));
        }
        if entries.contains(entry) {
            return Err(DUPLICATE.because(format!("the whitelist of `{service}` would have `{entry}` twice")));
        }
        if entries.len() == WHITELIST_ENTRIES {
            let message = format!("the whitelist of `{service}` has {WHITELIST_ENTRIES} entries, as many as it takes");
            return Err(FULL.because(message));
        }
        entries.push(*entry);
    }
    Ok(entries)
}

fn reduced(service: &str, mut entries: Vec<Ipv4Net>, gone: &[Ipv4Net]) -> Result<Vec<Ipv4Net>, Refusal> {
    for entry in gone {
        let position = entries.iter().position(|present| present == entry);
        let position =
            position.ok_or_else(|| NO_ENTRY.because(format!("the whitelist of `{service}` has no entry `{entry}`")))?;
        entries.remove(position);
    }
    Ok(entries)
}

//! Entries of whitelists.

use super::{Sample, Search};
use crate::check::unused::{WHITELIST_ENTRY, WHITELIST_ENTRY_NOT_HIT};
use crate::datapath::WhitelistEntryId;
use crate::diag::Diagnostic;
use crate::model::Service;
use crate::net::{AddressRange, Ipv4Net, Protocol, ranges};
use crate::program::WhitelistId;

impl Search<'_> {
    pub(super) fn whitelist_entries(&self) -> Vec<Diagnostic> {
        let mut findings = Vec::new();
        for (key, service) in self.topology.world.services.iter() {
            let Some(entries) = &service.whitelist else { continue };
            let id = WhitelistId::from_index(key.index());
            for (place, entry) in entries.iter().enumerate() {
                if ranges::LOOPBACK.contains(&entry.value) {
                    continue;
                }
                if self.reached.whitelist_entry(id, place) {
                    let message = format!(
                        "`{}` in the whitelist of `{}` admitted no frame of these captures",
                        AddressRange::from(entry.value),
                        *service.id
                    );
                    let finding = || WHITELIST_ENTRY_NOT_HIT.found(message).at(entry.span, "admitted no frame");
                    let used = WhitelistEntryId { whitelist: id, entry: place };
                    findings.extend(self.unless_hit(|counts| counts.whitelist_entry(used), finding));
                    continue;
                }
                let wider = entries
                    .iter()
                    .enumerate()
                    .find(|(other, wide)| wide.contains(&entry.value) && (wide.value != entry.value || *other < place));
                let text = AddressRange::from(entry.value);
                let message =
                    |cause: String| format!("`{text}` in the whitelist of `{}` admits nothing: {cause}", *service.id);
                findings.push(match wider {
                    Some((_, wide)) if wide.value == entry.value => {
                        let finding = WHITELIST_ENTRY.found(message("the list has it twice".to_owned()));
                        finding.at(entry.span, "adds nothing").at(wide.span, "to this one")
                    }
                    Some((_, wide)) => {
                        let cause = format!("`{}` holds all of it", AddressRange::from(wide.value));
                        let finding = WHITELIST_ENTRY.found(message(cause));
                        finding.at(entry.span, "adds nothing").at(wide.span, "to this one")
                    }
                    None => WHITELIST_ENTRY
                        .found(message(self.nothing_arrives(service, entry.value)))
                        .at(entry.span, "admits nothing"),
                });
            }
        }
        findings
    }

    fn nothing_arrives(&self, service: &Service, entry: Ipv4Net) -> String {
        let sample = Sample {
            source: entry,
            destination: Ipv4Net::from(*service.ip),
            protocol: Protocol::TCP,
            ports: [40_000, 1],
        };
        let what = "nothing from its addresses gets to the service";
        match self.kept_away(sample) {
            Some(example) => format!("{what}; {example}"),
            None if self.hosts(entry).is_empty() => format!("{what}, and no endpoint has one"),
            None => what.to_owned(),
        }
    }
}

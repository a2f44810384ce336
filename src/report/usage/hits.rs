//! Counted hits as plain numbers, for a file.

use super::{EntryUse, UsageCounts};
use crate::program::EndpointId;
use serde::{Deserialize, Serialize};

/// The most that a number in the file of a part may be: no sum of so many overflows.
pub(crate) const MOST_IN_PARTS: u64 = 1 << 56;

/// What [`UsageCounts`] counted: each entry that was used by its number, with frames, bytes, first frame and frames of
/// sessions. Numbers mean something in the program alone in which it was counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageHits {
    rules: Vec<[u64; 5]>,
    routes: Vec<[u64; 5]>,
    whitelist_entries: Vec<[u64; 5]>,
    links: Vec<[u64; 5]>,
}

impl UsageCounts {
    /// What was counted, each list in the order of its entries.
    pub fn hits(&self) -> UsageHits {
        let of_list = |entries: &[EntryUse]| {
            let used = entries.iter().enumerate().filter(|(_, entry)| **entry != EntryUse::default());
            used.map(|(index, entry)| words(index as u64, entry)).collect()
        };
        let mut links: Vec<[u64; 5]> = self.links.iter().map(|(id, entry)| words(id.0.into(), entry)).collect();
        links.sort_unstable();
        UsageHits {
            rules: of_list(&self.rules),
            routes: of_list(&self.routes),
            whitelist_entries: of_list(&self.whitelist_entries),
            links,
        }
    }

    /// Adds what was counted in the same world; `None` where it cannot have been.
    pub fn add_hits(&mut self, hits: &UsageHits) -> Option<()> {
        let lists = [
            (&mut self.rules, &hits.rules),
            (&mut self.routes, &hits.routes),
            (&mut self.whitelist_entries, &hits.whitelist_entries),
        ];
        for (own, others) in lists {
            names_each_once(others)?;
            for words in others {
                own.get_mut(usize::try_from(words[0]).ok()?)?.merge(&entry(words)?);
            }
        }
        names_each_once(&hits.links)?;
        for words in &hits.links {
            let id = u32::try_from(words[0]).ok().filter(|id| (*id as usize) < self.program.endpoints.len())?;
            self.links.entry(EndpointId(id)).or_default().merge(&entry(words)?);
        }
        Some(())
    }
}

/// `None` for a list that is not in the order of its entries, or names one of them twice.
fn names_each_once(list: &[[u64; 5]]) -> Option<()> {
    list.is_sorted_by(|one, next| one[0] < next[0]).then_some(())
}

fn words(index: u64, entry: &EntryUse) -> [u64; 5] {
    let EntryUse { frames, bytes, first_frame, by_session } = *entry;
    [index, frames, bytes, first_frame, by_session]
}

fn entry(words: &[u64; 5]) -> Option<EntryUse> {
    let [_, frames, bytes, first_frame, by_session] = *words;
    let is_bounded = words.iter().all(|number| *number <= MOST_IN_PARTS);
    is_bounded.then_some(EntryUse { frames, bytes, first_frame, by_session })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::Topology;

    #[test]
    fn a_list_names_each_entry_once_and_in_order() {
        let world = "[vpc.one]\ncidr = \"172.16.0.0/12\"\n[vpc.two]\ncidr = \"172.16.0.0/12\"";
        let program = Topology::from_toml("world.toml", world).expect("a sound topology").program;
        let is_added = |entries: &[u64]| {
            let routes = entries.iter().map(|entry| [*entry, 1, 60, 1, 0]).collect();
            let hits = UsageHits { rules: Vec::new(), routes, whitelist_entries: Vec::new(), links: Vec::new() };
            UsageCounts::new(&program, 0).add_hits(&hits).is_some()
        };
        assert!(is_added(&[0, 1]));
        assert!(!is_added(&[0, 0]) && !is_added(&[1, 0]));
    }
}

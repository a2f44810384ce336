//! The pages of `biplane explain`: one for every reason, rule, file problem and hint, under the id that names it
//! everywhere, and one for every error code of the vendor's operations.
//!
//! ```
//! let page = biplane::explain::page("whitelist-deny").expect("every reason has a page");
//! assert_eq!(page.id, "whitelist-deny");
//! ```

mod codes;
mod files;
mod render;

pub use codes::{CodePage, code_page, codes};
#[doc(hidden)]
pub use render::{WIDTH, render, render_code, table};

use crate::check::RULES;
use crate::check::preflight::PREFLIGHT_RULES;
use crate::check::unused::UNUSED_RULES;
use crate::diag::hint::HINTS;
use crate::diag::{ProblemKind, ProblemRecord, Reason, Suggestions};

/// Returns the record of every page: reasons in the order a frame meets them, then rules by subject, then file
/// problems, then hints. A rule that foretells a drop stands on the page of the drop's reason.
pub fn all() -> impl Iterator<Item = &'static ProblemRecord> {
    let rules = rules().filter(|rule| rule.id.parse::<Reason>().is_err());
    Reason::ALL.iter().map(|reason| reason.record()).chain(rules).chain(files::RECORDS).chain(HINTS.iter().copied())
}

/// Returns the record of the page called `id`.
pub fn page(id: &str) -> Option<&'static ProblemRecord> {
    all().find(|page| page.id == id)
}

/// Returns the rule of the same id that foretells a drop when a topology is checked.
#[doc(hidden)]
pub fn foretold_by(page: &ProblemRecord) -> Option<&'static ProblemRecord> {
    let is_reason = matches!(page.kind, ProblemKind::Drop(_));
    rules().find(|rule| is_reason && rule.id == page.id)
}

/// Returns the id that was probably meant by `id`: one a few letters away, or the shortest that contains it.
#[doc(hidden)]
pub fn nearest(id: &str) -> Option<&'static str> {
    let wanted = id.trim().to_ascii_lowercase().replace(['_', ' '], "-");
    let codes = codes().into_iter().map(|page| page.code);
    let ids: Vec<&'static str> = all().map(|page| page.id).chain(codes).collect();
    Suggestions::default().nearest(&wanted, ids.iter().copied()).or_else(|| {
        let contains = |id: &&str| wanted.len() > 2 && id.to_ascii_lowercase().contains(&wanted);
        ids.iter().copied().filter(contains).min_by_key(|id| id.len())
    })
}

/// The rules of a topology, then those of planned links, then those of what decides nothing.
fn rules() -> impl Iterator<Item = &'static ProblemRecord> {
    RULES.iter().chain(PREFLIGHT_RULES).chain(UNUSED_RULES).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{OWN_CHOICE, Severity, Stage};

    #[test]
    fn every_reason_rule_and_file_problem_has_one_page_that_says_everything() {
        let pages: Vec<&ProblemRecord> = all().collect();
        let ids = Reason::ALL.iter().map(|reason| reason.id()).chain(rules().map(|rule| rule.id));
        let hints = HINTS.iter().map(|hint| hint.id);
        for id in ids.chain(files::RECORDS.iter().map(|page| page.id)).chain(hints) {
            assert_eq!(pages.iter().filter(|page| page.id == id).count(), 1, "{id}");
        }
        for page in all().chain(rules()) {
            assert!(page.source.starts_with("https://") || page.source == OWN_CHOICE, "{}: {}", page.id, page.source);
            assert!(page.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{}", page.id);
            assert!(page.summary.len() <= 110 && !page.summary.ends_with('.'), "{}", page.summary);
            for text in [page.summary, page.meaning, page.remedy, page.example] {
                assert!(!text.is_empty() && !text.contains("  ") && !text.contains('\n'), "{}: {text}", page.id);
            }
        }
    }

    #[test]
    fn no_two_records_say_the_same() {
        let all: Vec<&ProblemRecord> = all().chain(rules()).collect();
        for (index, record) in all.iter().enumerate() {
            let others = all[..index].iter().filter(|other| !std::ptr::eq(**other, *record));
            for other in others {
                assert_ne!(record.summary, other.summary, "{} and {}", record.id, other.id);
                assert_ne!(record.meaning, other.meaning, "{} and {}", record.id, other.id);
                assert_ne!(record.example, other.example, "{} and {}", record.id, other.id);
            }
        }
    }

    #[test]
    fn a_rule_that_foretells_a_drop_shares_its_page() {
        let page = page("guest-route-public-nic").expect("a page");
        assert_eq!(page.kind, ProblemKind::Drop(Stage::Guest));
        let foretold = foretold_by(page).expect("a rule");
        assert_eq!(foretold.kind, ProblemKind::Rule(Severity::Warning));
        assert_eq!(foretold_by(foretold), None);
        assert_eq!(foretold_by(Reason::SgEgressDeny.record()), None);
        assert_eq!(super::page("route-duplicate").expect("a page").kind, ProblemKind::Rule(Severity::Error));
    }

    #[test]
    fn an_id_is_found_by_a_near_spelling_or_a_part() {
        assert_eq!(page("sg-ingres-deny"), None);
        assert_eq!(nearest("sg-ingres-deny"), Some("sg-ingress-deny"));
        assert_eq!(nearest("SG_INGRESS_DENY"), Some("sg-ingress-deny"));
        assert_eq!(nearest("checksum"), Some("ipv4-checksum"));
        assert_eq!(nearest("QuotaExeeded"), Some("QuotaExceeded"));
        assert_eq!(nearest("multicidrdb"), None);
        assert_eq!(nearest("weather"), None);
        assert_eq!(nearest(""), None);
    }
}

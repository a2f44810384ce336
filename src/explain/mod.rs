//! The pages of `biplane explain`: one for every reason, rule and file problem, under the id that names it everywhere,
//! and one for every error code of the vendor's operations.

mod codes;
mod files;
mod reasons;
mod render;

pub use codes::{CodePage, code_page, codes};
pub use render::{render, render_code, table};

use crate::check::preflight::PREFLIGHT_RULES;
use crate::check::{RULES, RuleRecord};
use crate::diag::{Reason, Severity, Stage};
use std::fmt;

/// Where an id comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A frame is dropped for this reason, by this stage first.
    Drop(Stage),
    /// A topology breaks this rule.
    Rule(Severity),
    /// A file cannot be understood.
    File,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Drop(stage) => write!(f, "drop reason of stage {}", stage.name()),
            Kind::Rule(Severity::Error) => f.write_str("error of check"),
            Kind::Rule(Severity::Warning) => f.write_str("warning of check"),
            Kind::File => f.write_str("error in a file"),
        }
    }
}

/// What there is to say about one id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The kebab-case id.
    pub id: &'static str,
    /// One line, in lower case.
    pub title: &'static str,
    /// What it means and when it happens.
    pub meaning: &'static str,
    /// Where it comes from.
    pub kind: Kind,
    /// A public address, or the words for biplane's own choice.
    pub source: &'static str,
    /// A typical line of output.
    pub example: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
    /// The rule of the same id that foretells a drop when a topology is checked.
    pub foretold_by: Option<&'static RuleRecord>,
}

/// The rules of a topology, then those of planned links.
fn rules() -> impl Iterator<Item = &'static RuleRecord> {
    RULES.iter().chain(PREFLIGHT_RULES).copied()
}

fn of_reason(reason: Reason) -> Page {
    let text = reasons::text(reason);
    Page {
        id: reason.id(),
        title: text.title,
        meaning: text.meaning,
        kind: Kind::Drop(reason.stage()),
        source: text.source,
        example: text.example,
        remedy: text.remedy,
        foretold_by: rules().find(|rule| rule.id == reason.id()),
    }
}

fn of_rule(rule: &'static RuleRecord) -> Page {
    Page {
        id: rule.id,
        title: rule.summary,
        meaning: rule.why,
        kind: Kind::Rule(rule.severity),
        source: rule.source,
        example: rule.example,
        remedy: rule.help,
        foretold_by: None,
    }
}

/// Every page: reasons in the order a frame meets them, then rules by subject, then file problems.
pub fn all() -> impl Iterator<Item = Page> {
    let is_reason = |rule: &&RuleRecord| rule.id.parse::<Reason>().is_ok();
    let rules = rules().filter(move |rule| !is_reason(rule)).map(of_rule);
    Reason::ALL.iter().copied().map(of_reason).chain(rules).chain(files::PAGES.iter().copied())
}

/// The page called `id`.
pub fn page(id: &str) -> Option<Page> {
    all().find(|page| page.id == id)
}

/// The id that was probably meant by `id`: one that contains it, or one a few letters away.
pub fn nearest(id: &str) -> Option<&'static str> {
    let wanted = id.trim().to_ascii_lowercase().replace(['_', ' '], "-");
    if wanted.is_empty() {
        return None;
    }
    let codes = codes().into_iter().map(|page| page.code);
    let ids: Vec<&'static str> = all().map(|page| page.id).chain(codes).collect();
    let distance = |id: &str| strsim::damerau_levenshtein(&wanted, &id.to_ascii_lowercase());
    let spelled = ids.iter().copied().map(|id| (distance(id), id)).min()?;
    if spelled.0 <= 1 + wanted.len() / 6 {
        return Some(spelled.1);
    }
    let containing = ids.iter().copied().filter(|id| wanted.len() > 2 && id.to_ascii_lowercase().contains(&wanted));
    containing.min_by_key(|id| id.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_rule_and_file_problem_has_one_page_that_says_everything() {
        let pages: Vec<Page> = all().collect();
        let ids = Reason::ALL.iter().map(|reason| reason.id()).chain(rules().map(|rule| rule.id));
        for id in ids.chain(files::PAGES.iter().map(|page| page.id)) {
            assert_eq!(pages.iter().filter(|page| page.id == id).count(), 1, "{id}");
        }
        for page in pages {
            let public = page.source.starts_with("https://") || page.source == crate::check::OWN_CHOICE;
            assert!(public, "{}: {}", page.id, page.source);
            assert!(page.title.len() <= 110 && !page.title.ends_with('.'), "{}", page.title);
            for text in [page.title, page.meaning, page.example, page.remedy] {
                assert!(!text.is_empty() && !text.contains("  ") && !text.contains('\n'), "{}: {text}", page.id);
            }
        }
    }

    #[test]
    fn a_rule_that_foretells_a_drop_shares_its_page() {
        let page = page("guest-route-public-nic").expect("a page");
        assert_eq!(page.kind, Kind::Drop(Stage::Guest));
        assert_eq!(page.foretold_by.map(|rule| rule.severity), Some(Severity::Warning));
        assert_eq!(super::page("sg-egress-deny").expect("a page").foretold_by, None);
        assert_eq!(super::page("route-duplicate").expect("a page").kind, Kind::Rule(Severity::Error));
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

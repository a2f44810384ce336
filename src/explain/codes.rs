//! The pages of the vendor's error codes: one for each code that an operation can answer, with all its causes.

use crate::check::RefusalRecord;
use crate::control;

/// What there is to say about one error code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodePage {
    /// The code as the vendor spells it.
    pub code: &'static str,
    /// What it is answered for, those first that answer it by default.
    pub causes: Vec<&'static RefusalRecord>,
}

impl CodePage {
    /// One line: the first cause, and how many more there are.
    pub fn title(&self) -> String {
        let first = self.causes.first().map_or("", |record| record.summary);
        match self.causes.len() {
            0 | 1 => first.to_owned(),
            2 => format!("{first}; and another cause"),
            count => format!("{first}; and {} more causes", count - 1),
        }
    }
}

/// The page of every code, in alphabetical order.
pub fn codes() -> Vec<CodePage> {
    let records = || control::refusals().map(|record| (record.code, record));
    let others = control::refusals().flat_map(|record| record.also.iter().map(move |code| (*code, record)));
    let mut pages: Vec<CodePage> = Vec::new();
    for (code, record) in records().chain(others) {
        match pages.iter_mut().find(|page| page.code == code) {
            // The same cause stands on the pages of several operations.
            Some(page) if page.causes.iter().any(|cause| cause.summary == record.summary) => {}
            Some(page) => page.causes.push(record),
            None => pages.push(CodePage { code, causes: vec![record] }),
        }
    }
    pages.sort_by_key(|page| page.code);
    pages
}

/// The page of `code`, spelt as the vendor does or but for the case of its letters.
pub fn code_page(code: &str) -> Option<CodePage> {
    let mut pages = codes();
    let exact = pages.iter().position(|page| page.code == code);
    let at = exact.or_else(|| pages.iter().position(|page| page.code.eq_ignore_ascii_case(code)))?;
    Some(pages.swap_remove(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_every_operation_has_one_page_with_all_its_causes() {
        for record in control::refusals() {
            for code in record.also.iter().chain([&record.code]) {
                let page = code_page(code).expect("a page");
                assert_eq!(page.code, *code);
                assert!(page.causes.iter().any(|cause| cause.summary == record.summary), "{code}: {}", record.summary);
            }
        }
        let all = codes();
        assert!(all.is_sorted_by(|one, next| one.code < next.code));
        assert!(all.iter().all(|page| page.title().len() <= 130), "a line each in the table");
    }

    #[test]
    fn a_code_of_several_operations_has_the_causes_of_all() {
        let page = code_page("quotaexceeded").expect("a page");
        assert_eq!(page.code, "QuotaExceeded");
        assert!(page.causes.iter().any(|cause| cause.summary.contains("1000 links")));
        assert!(page.causes.iter().any(|cause| cause.summary.contains("200 custom entries")));
        assert_eq!(code_page("QuotaExceded"), None);
    }
}

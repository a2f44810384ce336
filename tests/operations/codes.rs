//! The records behind the error codes.

use biplane::control::refusals;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn every_refusal_is_listed_and_has_words_a_remedy_and_a_source() {
    let listed: BTreeSet<_> = refusals().map(|record| std::ptr::from_ref(record) as usize).collect();
    assert_eq!(listed.len(), refusals().count(), "a refusal is listed once");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let folder = fs::read_dir(source.join("control")).unwrap().map(|entry| entry.unwrap().path());
    let declared: usize = folder
        .chain([source.join("check/link.rs")])
        .map(|path| fs::read_to_string(path).unwrap().matches(": RefusalRecord =").count())
        .sum();
    assert_eq!(refusals().count(), declared, "every record is listed");
    for record in refusals() {
        assert!(!record.summary.is_empty() && !record.remedy.is_empty(), "{record:?}");
        assert!(record.source.starts_with("https://") || record.source == biplane::diag::OWN_CHOICE, "{record:?}");
        for code in record.also.iter().chain([&record.code]) {
            assert!(code.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '.'), "{code}");
        }
    }
}

#[test]
fn a_refusal_answers_to_the_codes_of_older_and_newer_pages() {
    let record = refusals().find(|record| record.code == "InvalidAction").unwrap();
    assert!(record.is_called("InvalidAction") && record.is_called("DependencyViolation.Instance"));
    assert!(!record.is_called("OperationDenied"));
}

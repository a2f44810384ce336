//! No text may panic, and what is said about it points into it.

use super::{CALL, SHOP};
use crate::diag::{Diagnostic, Sources};
use crate::scenario::{parse_duration, scenario, topology};
use crate::wire::{read_addresses, read_endpoints, read_hexadecimal};
use proptest::prelude::*;

fn points_into(diagnostics: &[Diagnostic], text: &str) {
    for label in diagnostics.iter().flat_map(|diagnostic| &diagnostic.labels) {
        let marked = text.get(label.span.start as usize..label.span.end as usize);
        assert!(marked.is_some(), "{label:?} lies outside of the text");
    }
}

fn both(text: &str) {
    let (_, diagnostics) = topology(&mut Sources::new(), "a.toml", text);
    points_into(&diagnostics, text);
    let (scenario, diagnostics) = scenario(&mut Sources::new(), "a.toml", text);
    points_into(&diagnostics, text);
    assert_eq!(scenario.is_none(), !diagnostics.is_empty());
}

/// `text` with some bytes cut out, doubled, or replaced; whole characters remain, as the texts are ASCII.
pub(super) fn mutated(text: &'static str) -> impl Strategy<Value = String> {
    let edit =
        (0..text.len(), 0..24usize, prop_oneof![Just(""), Just("["), Just("\""), Just("\n"), Just(" = "), Just("é")]);
    prop::collection::vec(edit, 1..5).prop_map(move |edits| {
        let mut mutant = text.to_owned();
        for (start, length, insert) in edits {
            let start = (0..=start.min(mutant.len())).rev().find(|at| mutant.is_char_boundary(*at)).unwrap_or(0);
            let end = (start + length).min(mutant.len());
            let end = (start..=end).rev().find(|at| mutant.is_char_boundary(*at)).unwrap_or(start);
            mutant.replace_range(start..end, insert);
        }
        mutant
    })
}

/// A line of `text` taken out, or put in a second time elsewhere.
pub(super) fn shuffled(text: &'static str) -> impl Strategy<Value = String> {
    let lines: Vec<&str> = text.lines().collect();
    let count = lines.len();
    (0..count, 0..count, any::<bool>()).prop_map(move |(from, to, keep)| {
        let mut lines = lines.clone();
        let line = if keep { lines[from] } else { lines.remove(from) };
        lines.insert(to.min(lines.len()), line);
        lines.join("\n")
    })
}

proptest! {
    #![proptest_config(crate::test_cases::cases(200))]

    #[test]
    fn arbitrary_text_never_panics(text in any::<String>(), toml in "[\\[\\]{}=\",.#a-c\\n 0-9]{0,80}") {
        both(&text);
        both(&toml);
        let _ = (read_endpoints(&text), read_addresses(&text), read_hexadecimal(&text), parse_duration(&text));
    }

    #[test]
    fn a_mutated_topology_never_panics(text in mutated(SHOP)) {
        both(&text);
    }

    #[test]
    fn a_mutated_scenario_never_panics(text in mutated(CALL)) {
        both(&text);
    }

    #[test]
    fn lines_in_another_place_never_panic(shop in shuffled(SHOP), call in shuffled(CALL)) {
        both(&shop);
        both(&call);
    }
}

#[test]
fn deep_nesting_is_an_error_and_not_a_crash() {
    let (_, diagnostics) = topology(&mut Sources::new(), "a.toml", &format!("vpc = {}", "[".repeat(100_000)));
    assert_eq!(diagnostics[0].id, "toml-syntax");
    let (_, diagnostics) = topology(&mut Sources::new(), "a.toml", &format!("{}x = 1", "a.".repeat(100_000)));
    assert_eq!(diagnostics[0].id, "toml-syntax");
}

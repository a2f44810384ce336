//! Near misses and lists of what would have been right.

use strsim::osa_distance;

/// The candidate nearest to `word`: at most a third of its letters away, or the same but for case, the first in alphabetical order among
/// equals. Each comparison costs one of `budget`; without budget there is no suggestion.
pub(super) fn nearest<'c>(
    word: &str,
    candidates: impl Iterator<Item = &'c str>,
    budget: &mut usize,
) -> Option<&'c str> {
    let length = word.chars().count();
    let most = (length / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        if *budget == 0 {
            return None;
        }
        *budget -= 1;
        if candidate.len().abs_diff(word.len()) > 4 * most {
            continue;
        }
        let distance = osa_distance(word, candidate);
        let near = distance <= most && distance < length || candidate.eq_ignore_ascii_case(word);
        if near && best.is_none_or(|(least, first)| (distance, candidate) < (least, first)) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// `` `a`, `b`, `c` ``.
pub(super) fn list<'c>(words: impl Iterator<Item = &'c str>) -> String {
    words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_near_and_another_word_is_not() {
        let keys = ["cidr", "classic_link", "routes"];
        let near = |word| nearest(word, keys.into_iter(), &mut 100);
        assert_eq!(near("cird"), Some("cidr"));
        assert_eq!(near("classiclink"), Some("classic_link"));
        assert_eq!(near("ROUTES"), Some("routes"));
        assert_eq!(near("mtu"), None);
    }

    #[test]
    fn nothing_is_suggested_once_the_budget_is_spent() {
        assert_eq!(nearest("dc", ["db"].into_iter(), &mut 1), Some("db"));
        assert_eq!(nearest("dc", ["db"].into_iter(), &mut 0), None);
    }
}

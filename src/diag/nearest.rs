//! The name that was probably meant by one that does not exist.

use strsim::osa_distance;

/// A search for near names that costs a fraction of a second at most, however many names are unknown: once its budget
/// is spent it finds nothing more, so a file with thousands of mistakes gets suggestions for the first ones.
#[derive(Debug)]
pub struct Suggestions {
    budget: usize,
}

/// What the suggestions for one file, or for one command line, may cost.
const BUDGET: usize = 500_000;

/// Bytes of the longest name that is compared; longer ones are not typed by hand.
const LONGEST: usize = 64;

/// Pairs of letters that cost one unit of the budget.
const PAIRS_PER_UNIT: usize = 128;

impl Default for Suggestions {
    fn default() -> Suggestions {
        Suggestions { budget: BUDGET }
    }
}

impl Suggestions {
    /// Returns the candidate nearest to `word`: at most a third of its letters away, upper and lower case being the
    /// same, and the first in alphabetical order among equals.
    pub fn nearest<'c>(&mut self, word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
        if word.len() > LONGEST {
            return None;
        }
        let folded = word.to_ascii_lowercase();
        let length = word.chars().count();
        let most = (length / 3).max(1);
        let mut best: Option<(usize, &str)> = None;
        for candidate in candidates {
            // A letter has at most four bytes.
            let comparable = candidate.len() <= LONGEST && candidate.len().abs_diff(word.len()) <= 4 * most;
            let pairs = if comparable { candidate.len() * word.len() } else { 0 };
            self.pay(1 + pairs / PAIRS_PER_UNIT)?;
            if !comparable {
                continue;
            }
            let distance = osa_distance(&folded, &candidate.to_ascii_lowercase());
            let near = distance <= most && distance < length;
            if near && best.is_none_or(|(least, first)| (distance, candidate) < (least, first)) {
                best = Some((distance, candidate));
            }
        }
        best.map(|(_, candidate)| candidate)
    }

    /// Returns true once nothing more will be found.
    pub fn are_spent(&self) -> bool {
        self.budget == 0
    }

    fn pay(&mut self, cost: usize) -> Option<()> {
        let left = self.budget.checked_sub(cost);
        self.budget = left.unwrap_or(0);
        left.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nearest<'c>(word: &str, candidates: &[&'c str]) -> Option<&'c str> {
        Suggestions::default().nearest(word, candidates.iter().copied())
    }

    #[test]
    fn a_slip_of_the_finger_is_near_and_another_word_is_not() {
        let keys = ["cidr", "classic_link", "routes"];
        assert_eq!(nearest("cird", &keys), Some("cidr"));
        assert_eq!(nearest("classiclink", &keys), Some("classic_link"));
        assert_eq!(nearest("ROUTES", &keys), Some("routes"));
        assert_eq!(nearest("mtu", &keys), None);
        assert_eq!(nearest("", &keys), None);
    }

    #[test]
    fn the_order_of_the_candidates_does_not_matter() {
        assert_eq!(nearest("db-3", &["db-2", "db-1"]), Some("db-1"));
        assert_eq!(nearest("db-3", &["db-1", "db-2"]), Some("db-1"));
    }

    #[test]
    fn nothing_is_suggested_once_the_budget_is_spent() {
        let mut suggestions = Suggestions { budget: 2 };
        assert_eq!(suggestions.nearest("dc", ["db"]), Some("db"));
        assert_eq!(suggestions.nearest("dc", ["db"]), Some("db"));
        assert!(suggestions.are_spent());
        assert_eq!(suggestions.nearest("dc", ["db"]), None);
        // What is left when a comparison is too dear is not kept for later names.
        let (long, mut suggestions) = ("a".repeat(LONGEST), Suggestions { budget: 5 });
        assert_eq!(suggestions.nearest(&long, [long.as_str()]), None);
        assert!(suggestions.are_spent());
    }

    #[test]
    fn a_name_longer_than_any_that_is_typed_costs_nothing() {
        let long = "a".repeat(LONGEST);
        let longer = format!("{long}a");
        let mut suggestions = Suggestions::default();
        assert_eq!(suggestions.nearest(&longer, [long.as_str()]), None);
        assert_eq!(suggestions.budget, BUDGET);
        assert_eq!(suggestions.nearest(&long[1..], [long.as_str()]), Some(long.as_str()));
        // What a comparison costs grows with both names.
        assert_eq!(suggestions.budget, BUDGET - 1 - (LONGEST - 1) * LONGEST / PAIRS_PER_UNIT);
    }
}

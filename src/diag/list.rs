//! Several things in one sentence.

use std::fmt::Display;

/// Returns `a`, `a and b`, or `a, b and c`; nothing for nothing.
pub fn and_list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    joined(items, "and")
}

/// Returns `a`, `a or b`, or `a, b or c`; nothing for nothing.
pub fn or_list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    joined(items, "or")
}

/// Returns the first `most` of `items` as [`and_list`] does, and how many others there are: `a, b and 7 more`.
pub fn some_list<T: Display>(items: impl ExactSizeIterator<Item = T>, most: usize) -> String {
    let more = items.len().saturating_sub(most);
    let others = (more > 0).then(|| format!("{more} more"));
    and_list(items.take(most).map(|item| item.to_string()).chain(others))
}

/// Returns `` `a`, `b`, `c` ``.
pub fn quoted_list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| format!("`{item}`")).collect::<Vec<_>>().join(", ")
}

fn joined<T: Display>(items: impl IntoIterator<Item = T>, word: &str) -> String {
    let mut items = items.into_iter().peekable();
    let mut text = items.next().map_or_else(String::new, |first| first.to_string());
    while let Some(item) = items.next() {
        text += &if items.peek().is_some() { format!(", {item}") } else { format!(" {word} {item}") };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_list_stands_behind_a_word_and_the_others_behind_commas() {
        assert_eq!(and_list([""; 0]), "");
        assert_eq!(and_list(["a"]), "a");
        assert_eq!(and_list(["a", "b"]), "a and b");
        assert_eq!(or_list(["a", "b", "c"]), "a, b or c");
        assert_eq!(and_list([1, 2, 3, 4]), "1, 2, 3 and 4");
        assert_eq!(some_list([1, 2, 3].into_iter(), 3), "1, 2 and 3");
        assert_eq!(some_list([1, 2, 3, 4, 5].into_iter(), 2), "1, 2 and 3 more");
    }

    #[test]
    fn a_list_of_names_has_each_between_backquotes() {
        assert_eq!(quoted_list(["a", "b"]), "`a`, `b`");
    }
}

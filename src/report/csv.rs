//! Comma-separated values, after RFC 4180.

use crate::text::shown;
use std::fmt::Display;

/// A row that is being written.
pub(super) struct CsvRow<'a> {
    out: &'a mut String,
    is_first: bool,
}

impl<'a> CsvRow<'a> {
    pub(super) fn new(out: &'a mut String) -> CsvRow<'a> {
        CsvRow { out, is_first: true }
    }

    pub(super) fn cell(&mut self, value: impl Display) {
        self.optional(Some(value));
    }

    /// An empty cell without a value.
    pub(super) fn optional(&mut self, value: Option<impl Display>) {
        let text = value.map(|value| value.to_string());
        self.text(text.as_deref());
    }

    /// What comes from a file is shown escaped, on one line.
    pub(super) fn text(&mut self, text: Option<&str>) {
        if !std::mem::take(&mut self.is_first) {
            self.out.push(',');
        }
        let Some(text) = text.map(shown) else { return };
        if text.contains([',', '"']) {
            self.out.extend(["\"", &text.replace('"', "\"\""), "\""]);
        } else {
            self.out.push_str(&text);
        }
    }

    /// Ends the line.
    pub(super) fn end(self) {
        self.out.push('\n');
    }
}

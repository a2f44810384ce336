//! What the program has to say, as data: places in source files, diagnostics, and the reasons a frame can be refused.
//!
//! Layout, colour and wording around these live in [`crate::report`].
//!
//! ```
//! use biplane::diag::Reason;
//!
//! assert_eq!("whitelist-deny".parse(), Ok(Reason::WhitelistDeny));
//! assert_eq!(Reason::WhitelistDeny.summary(), "no entry holds the source address");
//! assert_eq!(Reason::WhitelistDeny.stage().name(), "destination");
//! ```

pub(crate) mod citation;
mod emitted;
#[doc(hidden)]
pub mod hint;
mod list;
mod nearest;
mod reason;
mod record;
mod source;

#[doc(hidden)]
pub use citation::OWN_CHOICE;
pub use emitted::EmittedKind;
#[doc(hidden)]
pub use list::{and_list, or_list, quoted_list, some_list};
#[doc(hidden)]
pub use nearest::Suggestions;
pub use reason::{Reason, Stage};
#[doc(hidden)]
pub use record::{ProblemKind, ProblemRecord};
#[doc(hidden)]
pub use source::{FileId, SourceLocation, Sources, Span, Spanned};

use std::fmt;

/// How bad a finding is.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The vendor allows it, but it carries no traffic or surprises its owner.
    Warning,
    /// No operation of the vendor could have produced it, or the file cannot be understood.
    Error,
}

/// One place in a source file and what is to be said about it.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The text that is underlined.
    pub span: Span,
    /// A few words put beside the underlined text; may be empty.
    pub text: String,
}

/// One finding about a file: what is wrong, where, why, and what to do.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The kebab-case id of the rule, the page of `biplane explain ID`.
    pub id: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// One line: what is wrong.
    pub message: String,
    /// The place at fault first, then the places it conflicts with.
    pub labels: Vec<Label>,
    /// Why it is wrong: the rule and where it comes from.
    pub note: Option<String>,
    /// What to do about it; a command to run where there is one.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error called `id`, without places yet.
    pub fn error(id: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            id,
            severity: Severity::Error,
            message: message.into(),
            labels: Vec::new(),
            note: None,
            help: None,
        }
    }

    /// A warning called `id`, without places yet.
    pub fn warning(id: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(id, message) }
    }

    /// Adds a place; the first one added is the place at fault.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Says why.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Diagnostic {
        self.note = Some(note.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }
}

/// Without its places, which only the texts tell: the message, the id, and below them why and what to do.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.message, self.id)?;
        for (name, text) in [("note", &self.note), ("help", &self.help)] {
            if let Some(text) = text {
                write!(f, "\n  {name}: {text}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

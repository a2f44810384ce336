//! What keeps a topology from being opened, in sentences.

use crate::diag::{Diagnostic, Severity, Sources};
use crate::scenario;
use std::fmt;

/// A topology that could not be opened. Prints as one paragraph for each error: place, message, id, and what to do about
/// it; as debugging output too, so that `unwrap` and `expect` say what is wrong.
#[non_exhaustive]
pub enum LabError {
    /// The file could not be read.
    #[doc(hidden)]
    Read(scenario::ReadError),
    /// The file is not a topology, or breaks a limit.
    #[doc(hidden)]
    #[non_exhaustive]
    Invalid {
        /// False where not all of the file could be read; what follows from the missing part alone is left out then.
        understood: bool,
        /// Everything found, in the order of the places at fault; warnings included where all was understood.
        diagnostics: Vec<Diagnostic>,
        /// The texts that the diagnostics point into.
        sources: Sources,
    },
}

impl LabError {
    /// The ids of the errors, in the order of the places at fault; empty where the file could not be read.
    pub fn ids(&self) -> impl Iterator<Item = &'static str> {
        self.errors().map(|error| error.id)
    }

    fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        let diagnostics = match self {
            LabError::Read(_) => &[][..],
            LabError::Invalid { diagnostics, .. } => diagnostics,
        };
        diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

impl fmt::Display for LabError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sources = match self {
            LabError::Read(error) => return error.fmt(f),
            LabError::Invalid { sources, .. } => sources,
        };
        for (index, finding) in self.errors().enumerate() {
            f.write_str(if index == 0 { "" } else { "\n" })?;
            Located { finding, sources }.fmt(f)?;
        }
        Ok(())
    }
}

/// A finding behind its place.
pub(super) struct Located<'a> {
    pub(super) finding: &'a Diagnostic,
    /// The texts that it points into.
    pub(super) sources: &'a Sources,
}

impl fmt::Display for Located<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at) = self.finding.labels.first().and_then(|label| self.sources.locate(label.span)) {
            match at.object {
                Some(object) => write!(f, "{object}: ")?,
                None => write!(f, "{}:{}:{}: ", at.file, at.line, at.column)?,
            }
        }
        self.finding.fmt(f)
    }
}

crate::text::debug_as_display!(LabError);

impl std::error::Error for LabError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            LabError::Read(error) => Some(error),
            LabError::Invalid { .. } => None,
        }
    }
}

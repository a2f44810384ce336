//! The one record behind each id: pages, tables, findings and comments are rendered from it.

use super::{Diagnostic, Severity, Stage};
use std::fmt;

/// What an id stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// A reason for which frames are dropped, by this stage first.
    Drop(Stage),
    /// A reason for which frames have no verdict, by this stage first.
    Undetermined(Stage),
    /// A rule that a topology can break.
    Rule(Severity),
    /// A file that cannot be understood.
    File,
    /// What a replay says about its capture, rather than about the network.
    Hint,
}

impl ProblemKind {
    /// How bad a finding of this kind is.
    pub const fn severity(self) -> Severity {
        match self {
            ProblemKind::Rule(severity) => severity,
            ProblemKind::Drop(_) | ProblemKind::Undetermined(_) | ProblemKind::File => Severity::Error,
            ProblemKind::Hint => Severity::Warning,
        }
    }
}

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProblemKind::Drop(stage) => write!(f, "drop reason of stage {}", stage.name()),
            ProblemKind::Undetermined(stage) => write!(f, "undetermined at stage {}", stage.name()),
            ProblemKind::Rule(Severity::Error) => f.write_str("error of check"),
            ProblemKind::Rule(Severity::Warning) => f.write_str("warning of check"),
            ProblemKind::File => f.write_str("error in a file"),
            ProblemKind::Hint => f.write_str("hint of replay"),
        }
    }
}

/// What there is to say about one id, for every place that says it.
#[derive(Debug, PartialEq, Eq)]
pub struct ProblemRecord {
    /// The kebab-case id; a rule that foretells a drop bears the id of the drop's reason.
    pub id: &'static str,
    /// What the id stands for.
    pub kind: ProblemKind,
    /// What is wrong, in one line without capital and full stop; of a drop, what can stand after a colon.
    pub summary: &'static str,
    /// What it means and why it is wrong: the vendor's rule, or what the fabric does.
    pub meaning: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
    /// One of `diag::citation`.
    pub source: &'static str,
    /// A typical line: of a drop the comment in a capture, else the message of a finding or hint.
    pub example: &'static str,
}

impl ProblemRecord {
    /// Returns a finding of this rule, without places yet.
    pub fn found(&self, message: impl Into<String>) -> Diagnostic {
        let finding = Diagnostic { severity: self.kind.severity(), ..Diagnostic::error(self.id, message) };
        finding.note(format!("{} ({})", self.meaning, self.source)).help(self.remedy)
    }
}

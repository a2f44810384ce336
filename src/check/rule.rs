//! The record behind each rule: what findings and the pages of `biplane explain` are made of.

use crate::diag::{Diagnostic, Severity};

/// What one rule says, for its findings and for its page of `biplane explain`.
#[derive(Debug, PartialEq, Eq)]
pub struct RuleRecord {
    /// Kebab-case id; a rule that foretells a drop bears the id of the drop's reason.
    pub id: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub summary: &'static str,
    /// Why it is wrong: the vendor's rule, or what the fabric will do.
    pub why: &'static str,
    /// What to do about it.
    pub help: &'static str,
    /// A public address, or [`OWN_CHOICE`].
    pub source: &'static str,
    /// The message of a typical finding.
    pub example: &'static str,
}

/// The source of a rule or reason that the vendor does not document.
pub const OWN_CHOICE: &str = "biplane's own choice";

impl RuleRecord {
    /// A finding of this rule, without places yet.
    pub(super) fn found(&self, message: impl Into<String>) -> Diagnostic {
        let finding = match self.severity {
            Severity::Error => Diagnostic::error(self.id, message),
            Severity::Warning => Diagnostic::warning(self.id, message),
        };
        finding.note(format!("{} ({})", self.why, self.source)).help(self.help)
    }
}

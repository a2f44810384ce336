//! Tables that the records of the library fill.

use biplane::diag::{self, ProblemKind, ProblemRecord, Severity};
use biplane::explain;

/// The rows of the table called `name`.
pub(crate) fn rows(name: &str) -> String {
    let row: fn(&ProblemRecord) -> Option<String> = match name {
        "reasons" => reason,
        "rules" => rule,
        "hints" => hint,
        _ => panic!("there is no table {name}"),
    };
    explain::all().filter_map(row).collect()
}

fn reason(record: &ProblemRecord) -> Option<String> {
    let is_reason = matches!(record.kind, ProblemKind::Drop(_) | ProblemKind::Undetermined(_));
    is_reason.then(|| format!("| `{}` | {} | {} |\n", record.id, record.summary, source(record)))
}

fn rule(record: &ProblemRecord) -> Option<String> {
    let severity = match record.kind {
        ProblemKind::Rule(Severity::Error) | ProblemKind::File => "error",
        ProblemKind::Rule(Severity::Warning) => "warning",
        ProblemKind::Drop(_) | ProblemKind::Undetermined(_) | ProblemKind::Hint => return None,
    };
    Some(format!("| `{}` | {severity} | {} | {} |\n", record.id, record.summary, source(record)))
}

fn hint(record: &ProblemRecord) -> Option<String> {
    let is_hint = record.kind == ProblemKind::Hint;
    is_hint.then(|| format!("| `{}` | {} | {} |\n", record.id, record.summary, source(record)))
}

/// A link to the source of a record.
fn source(record: &ProblemRecord) -> String {
    let address = record.source.split_whitespace().next().unwrap();
    match record.source {
        diag::OWN_CHOICE => "own choice".to_owned(),
        _ if address.contains("rfc-editor") => format!("[RFC]({address})"),
        _ if address.contains("toml.io") => format!("[TOML]({address})"),
        _ if address.contains("yaml.org") => format!("[YAML]({address})"),
        _ => format!("[vendor]({address})"),
    }
}

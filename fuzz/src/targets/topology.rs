//! Topology files: read as the `toml` crate reads them, compiled, and every finding shown in every form.

use super::input::{assert_harmless, assert_harmless_json};
use biplane::diag::{Diagnostic, Severity, Sources};
use biplane::lab::{LabError, Topology};
use biplane::report::diagnostics::{self, FindingsStyle};

pub(crate) fn read_as_toml_and_shown(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let is_toml = toml::de::DeTable::parse(text).is_ok();
    match Topology::from_toml("fuzz.toml", text) {
        Ok(topology) => {
            assert!(is_toml, "accepted, and no TOML");
            assert_shown(&topology.warnings, &topology.sources);
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            let LabError::Invalid { diagnostics, sources, understood, .. } = &error else { panic!("{error}") };
            assert!(diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error));
            assert!(is_toml || !understood, "understood, and no TOML");
            assert_shown(diagnostics, sources);
        }
    }
}

/// Shows findings in all forms, and holds their places against the texts.
pub(crate) fn assert_shown(findings: &[Diagnostic], sources: &Sources) {
    for label in findings.iter().flat_map(|finding| &finding.labels).filter(|label| !label.span.is_none()) {
        assert!(sources.locate(label.span).is_some(), "{label:?}");
    }
    for width in [None, Some(20)] {
        assert_harmless(&diagnostics::text(findings, sources, FindingsStyle { coloured: false, width }));
    }
    assert_harmless_json(&diagnostics::json(findings, sources));
    assert_harmless_json(&diagnostics::ndjson(findings, sources));
    assert_harmless(&diagnostics::github(findings, sources));
}

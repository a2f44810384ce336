//! Topology files: read as the `toml` crate reads them, or in JSON and YAML alike; compiled, and every finding shown in
//! every form.

use super::input::{assert_harmless, assert_harmless_json};
use biplane::diag::{Diagnostic, Severity, Sources};
use biplane::lab::{LabError, Topology};
use biplane::report::diagnostics::{self, FindingsStyle};
use biplane::show::inventory;

pub(crate) fn read_as_toml_and_shown(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let is_toml = toml::de::DeTable::parse(text).is_ok();
    read_where(is_toml, Topology::from_toml("fuzz", text));
}

/// What is JSON reads as YAML as it does as JSON, where it is both.
pub(crate) fn read_as_json_and_yaml_and_shown(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let json = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(json).is_ok();
    let from_json = read_where(is_json, Topology::from_json("fuzz", text));
    let from_yaml = read_where(true, Topology::from_yaml("fuzz", text));
    if let (Some(from_json), Some(from_yaml)) = (from_json, from_yaml) {
        assert_eq!(inventory(&from_json).objects, inventory(&from_yaml).objects);
    }
}

/// Shows what is found in a topology, which is understood only where its text `is_right`; the topology, where it is one.
fn read_where(is_right: bool, read: Result<Topology, LabError>) -> Option<Topology> {
    match read {
        Ok(topology) => {
            assert!(is_right, "accepted, and written otherwise");
            assert_shown(&topology.warnings, &topology.sources);
            Some(topology)
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            let LabError::Invalid { diagnostics, sources, understood, .. } = &error else { panic!("{error}") };
            assert!(diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error));
            assert!(is_right || !understood, "understood, and written otherwise");
            assert_shown(diagnostics, sources);
            None
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

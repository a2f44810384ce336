//! How a topology is written: TOML, JSON or YAML. The one place where that is decided.

use super::file::{STANDARD_INPUT, is_object};
use super::syntax::{self, Text};
use super::{json, yaml};
use crate::diag::FileId;
use std::path::Path;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notation {
    /// TOML, which scenarios are always.
    Toml,
    /// JSON, RFC 8259.
    Json,
    /// YAML 1.2 with its core schema, without anchors, aliases and tags.
    Yaml,
}

impl Notation {
    /// The notation that the name of a file says; TOML where it says none.
    pub(crate) fn of_name(path: &Path) -> Notation {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        match extension.to_ascii_lowercase().as_str() {
            "json" => Notation::Json,
            "yaml" | "yml" => Notation::Yaml,
            _ => Notation::Toml,
        }
    }

    /// What the names of such files end in.
    #[cfg(feature = "cli")]
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Notation::Toml => "toml",
            Notation::Json => "json",
            Notation::Yaml => "yaml",
        }
    }

    /// The notation of `text`, which was read from `path`. Standard input has no name: an object is JSON, as TOML never
    /// begins with a brace. YAML cannot be told from broken TOML.
    pub(super) fn of(path: &Path, text: &str) -> Notation {
        if path == Path::new(STANDARD_INPUT) && is_object(text) { Notation::Json } else { Notation::of_name(path) }
    }

    /// The notation of `text`, which was read from a file called `name` or from standard input.
    #[cfg(any(test, feature = "cli"))]
    pub(super) fn of_copy(name: &str, text: &str) -> Notation {
        match Notation::of_name(Path::new(name)) {
            Notation::Toml if is_object(text) => Notation::Json,
            notation => notation,
        }
    }

    /// Reads `text`.
    pub(super) fn read(self, file: FileId, text: &str) -> Text<'_> {
        match self {
            Notation::Toml => syntax::read(file, text),
            Notation::Json => json::read(file, text),
            Notation::Yaml => yaml::read(file, text),
        }
    }

    /// A key with its value, as an example that can be copied.
    pub(super) fn pair(self, key: &str, value: &str) -> String {
        match self {
            Notation::Toml => format!("{key} = {value}"),
            Notation::Json => format!("\"{key}\": {value}"),
            Notation::Yaml => format!("{key}: {value}"),
        }
    }

    /// The id of what is wrong with the text itself.
    pub(super) fn syntax_id(self) -> &'static str {
        match self {
            Notation::Toml => "toml-syntax",
            Notation::Json => "json-syntax",
            Notation::Yaml => "yaml-syntax",
        }
    }

    /// What such a text is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Notation::Toml => "TOML",
            Notation::Json => "JSON",
            Notation::Yaml => "YAML",
        }
    }
}

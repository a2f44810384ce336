//! Diagnostics as text with the source underlined, as JSON, and as annotations of GitHub Actions.

use crate::diag::{Diagnostic, Severity, Sources, Span};
use crate::text;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write;

/// How many diagnostics are shown as text or annotations; JSON holds all.
const MAX_SHOWN: usize = 100;

/// Bytes of a message, a note or a help that are shown as text or in an annotation; JSON holds all. An id is as long as the
/// file wants it.
const MAX_TEXT: usize = 1000;

/// What a diagnostic says, escaped; in the place of the middle of a text that is too long there are three dots.
fn shown_text(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_TEXT {
        return text::shown(text);
    }
    let [start, end] = [text.floor_char_boundary(MAX_TEXT / 2), text.ceil_char_boundary(text.len() - MAX_TEXT / 2)];
    Cow::Owned(format!("{}...{}", text::shown(&text[..start]), text::shown(&text[end..])))
}

/// The first diagnostics in their order, errors before warnings where there are too many, and how many more there are.
fn shown(diagnostics: &[Diagnostic]) -> (Vec<&Diagnostic>, usize) {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    let (mut errors, mut warnings) = (errors.min(MAX_SHOWN), MAX_SHOWN.saturating_sub(errors));
    let takes = |left: &mut usize| *left > 0 && std::mem::replace(left, *left - 1) > 0;
    let shown = diagnostics.iter().filter(|diagnostic| match diagnostic.severity {
        Severity::Error => takes(&mut errors),
        Severity::Warning => takes(&mut warnings),
    });
    let shown: Vec<_> = shown.collect();
    let more = diagnostics.len() - shown.len();
    (shown, more)
}

/// `and 4,990 more`, of which JSON holds all.
fn and_more(more: usize) -> String {
    format!("and {} more; `biplane check --format json` lists them", super::thousands(more as u64))
}

/// How findings are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FindingsStyle {
    /// Whether they have ANSI colours.
    pub coloured: bool,
    /// Columns that lines of source are cut to; where there are none, to those of the renderer's own choice.
    pub width: Option<usize>,
}

/// The first hundred diagnostics with their source lines, one after the other: `error[unknown-key]: …`, the place
/// underlined, the places it conflicts with, a note and a help. No trailing blank line.
#[cfg(feature = "cli")]
pub fn text(diagnostics: &[Diagnostic], sources: &Sources, style: FindingsStyle) -> String {
    use annotate_snippets::Renderer;
    let renderer = if style.coloured { Renderer::styled() } else { Renderer::plain() };
    let renderer = style.width.map_or(renderer.clone(), |width| renderer.term_width(width));
    let mut text = String::new();
    let (shown, more) = shown(diagnostics);
    for diagnostic in shown {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&snippet::render(&renderer, diagnostic, sources));
        text.push('\n');
    }
    if more > 0 {
        text.extend(["\n", &and_more(more), "\n"]);
    }
    text
}

/// The counts and the files they are in: `3 errors, 1 warning in shop.toml`; `no problems` where there is none.
pub fn summary(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    let counts = [(errors, "error"), (diagnostics.len() - errors, "warning")];
    let counted = counts.iter().filter(|(count, _)| *count > 0).map(|(count, noun)| match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    });
    let mut text = counted.collect::<Vec<_>>().join(", ");
    if text.is_empty() {
        return "no problems".to_owned();
    }
    let first_label = |diagnostic: &Diagnostic| Some(diagnostic.labels.first()?.span.file);
    let files: BTreeSet<_> = diagnostics.iter().filter_map(first_label).collect();
    let names: Vec<&str> = files.iter().filter_map(|file| sources.name(*file)).collect();
    match names[..] {
        [] => {}
        [one] => text.extend([" in ", one]),
        [first, second] => text.extend([" in ", first, " and ", second]),
        _ => text.push_str(&format!(" in {} files", names.len())),
    }
    text
}

/// A diagnostic as JSON shows it; lines and columns count from 1, columns in characters, ends are exclusive.
#[derive(Serialize)]
struct JsonDiagnostic<'a> {
    id: &'a str,
    severity: &'static str,
    message: &'a str,
    #[serde(flatten)]
    place: Option<JsonPlace<'a>>,
    labels: Vec<JsonLabel<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
}

#[derive(Serialize)]
struct JsonPlace<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

#[derive(Serialize)]
struct JsonLabel<'a> {
    #[serde(flatten)]
    place: JsonPlace<'a>,
    text: &'a str,
}

fn place(span: Span, sources: &Sources) -> Option<JsonPlace<'_>> {
    let (start, end) = (sources.locate(span)?, sources.locate(Span { start: span.end, ..span })?);
    let (line, column) = (start.line, start.column);
    Some(JsonPlace { file: start.file, line, column, end_line: end.line, end_column: end.column })
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn json_object<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources) -> JsonDiagnostic<'a> {
    let label =
        |label: &'a crate::diag::Label| Some(JsonLabel { place: place(label.span, sources)?, text: &label.text });
    JsonDiagnostic {
        id: diagnostic.id,
        severity: word(diagnostic.severity),
        message: &diagnostic.message,
        place: diagnostic.labels.first().and_then(|label| place(label.span, sources)),
        labels: diagnostic.labels.iter().filter_map(label).collect(),
        note: diagnostic.note.as_deref(),
        help: diagnostic.help.as_deref(),
    }
}

/// One JSON array of objects `{id, severity, message, file, line, column, end_line, end_column, labels, note, help}`.
/// `file` to `end_column` are those of the first label and absent without one; so are `note` and `help`.
pub fn json(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let objects: Vec<_> = diagnostics.iter().map(|diagnostic| json_object(diagnostic, sources)).collect();
    let mut text = serde_json::to_string_pretty(&objects).expect("strings and numbers always serialise");
    text.push('\n');
    text
}

/// The objects of [`json`], one a line.
pub fn ndjson(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let line = |diagnostic| {
        let object = json_object(diagnostic, sources);
        serde_json::to_string(&object).expect("strings and numbers always serialise") + "\n"
    };
    diagnostics.iter().map(line).collect()
}

/// Workflow commands that GitHub Actions shows beside the line of a pull request, one a line.
/// Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>.
pub fn github(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let mut text = String::new();
    let (shown, more) = shown(diagnostics);
    for diagnostic in shown {
        let mut message = shown_text(&diagnostic.message).into_owned();
        for (word, more) in [("note", &diagnostic.note), ("help", &diagnostic.help)] {
            if let Some(more) = more {
                message.extend(["\n", word, ": ", &shown_text(more)]);
            }
        }
        let place = diagnostic.labels.first().and_then(|label| place(label.span, sources));
        let command = WorkflowCommand {
            level: word(diagnostic.severity),
            file: place.as_ref().map(|place| place.file),
            line: place.as_ref().map(|place| place.line),
            column: place.as_ref().map(|place| place.column),
            title: diagnostic.id,
            message: &message,
        };
        command.write(&mut text);
    }
    if more > 0 {
        text.extend(["::notice::", &and_more(more), "\n"]);
    }
    text
}

/// An annotation of GitHub Actions.
pub(super) struct WorkflowCommand<'a> {
    /// `error`, `warning` or `notice`.
    pub(super) level: &'a str,
    /// The file that it is about.
    pub(super) file: Option<&'a str>,
    /// The line of the file.
    pub(super) line: Option<usize>,
    /// The column of the line.
    pub(super) column: Option<usize>,
    /// A few words.
    pub(super) title: &'a str,
    /// All that is to be said, in any number of lines.
    pub(super) message: &'a str,
}

impl WorkflowCommand<'_> {
    /// Writes it as one line.
    pub(super) fn write(&self, out: &mut String) {
        out.extend(["::", self.level, " "]);
        if let Some(file) = self.file {
            out.extend(["file=", &escape(file, true), ","]);
        }
        for (key, number) in [("line", self.line), ("col", self.column)] {
            if let Some(number) = number {
                let _infallible = write!(out, "{key}={number},");
            }
        }
        out.extend(["title=", &escape(self.title, true), "::", &escape(self.message, false), "\n"]);
    }
}

/// The escapes of workflow commands; a property has two more than the message.
fn escape(text: &str, property: bool) -> String {
    let text = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    if property { text.replace(':', "%3A").replace(',', "%2C") } else { text }
}

#[cfg(feature = "cli")]
mod snippet {
    use super::shown_text;
    use crate::diag::{Diagnostic, FileId, Label, Severity, Sources, Span};
    use crate::text::is_hostile;
    use annotate_snippets::{AnnotationKind, Element, Level, Origin, Renderer, Snippet};
    use std::borrow::Cow;
    use std::ops::Range;

    /// One diagnostic, without a line break at its end.
    pub(super) fn render(renderer: &Renderer, diagnostic: &Diagnostic, sources: &Sources) -> String {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut files: Vec<FileId> = Vec::new();
        for label in &diagnostic.labels {
            if !files.contains(&label.span.file) {
                files.push(label.span.file);
            }
        }
        let title = level.primary_title(shown_text(&diagnostic.message)).id(diagnostic.id);
        let mut group = title.elements(files.into_iter().flat_map(|file| in_file(diagnostic, file, sources)));
        if let Some(note) = &diagnostic.note {
            group = group.element(Level::NOTE.message(shown_text(note)));
        }
        if let Some(help) = &diagnostic.help {
            group = group.element(Level::HELP.message(shown_text(help)));
        }
        renderer.render(&[group])
    }

    /// Bytes of source text that are shown around labels. The renderer looks at every line that it gets, so that labels
    /// far from each other, or on a line as long as a file, would make much of little.
    const MAX_SOURCE: usize = 16 << 10;

    /// The labels in one file, together where they are near to each other.
    fn in_file<'a>(diagnostic: &'a Diagnostic, file: FileId, sources: &'a Sources) -> Vec<Element<'a>> {
        let labels = diagnostic.labels.iter().enumerate().filter(|(_, label)| label.span.file == file);
        let labels: Vec<(usize, &Label)> = labels.collect();
        match snippet(&labels, file, sources) {
            Some(together) => vec![together],
            None => labels
                .iter()
                .filter_map(|label| snippet(&[*label], file, sources).or_else(|| origin(label.1, sources)))
                .collect(),
        }
    }

    /// The lines from the first label to the last one; `None` where they are too long.
    fn snippet<'a>(labels: &[(usize, &'a Label)], file: FileId, sources: &'a Sources) -> Option<Element<'a>> {
        let (name, text) = (sources.name(file)?, sources.text(file)?);
        let ranges = || labels.iter().map(|(_, label)| clamp(label, text));
        let start = ranges().map(|range| range.start).min()?;
        let end = ranges().map(|range| range.end).max()?;
        if end - start > MAX_SOURCE {
            return None;
        }
        let first = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let last = text[end..].find('\n').map_or(text.len(), |at| end + at);
        if last - first > MAX_SOURCE {
            return None;
        }
        let line = sources.locate(Span::new(file, first..first))?.line;
        let annotations = labels.iter().zip(ranges()).map(|((index, label), range)| {
            let kind = if *index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            let text = (!label.text.is_empty()).then(|| shown_text(&label.text));
            kind.span(range.start - first..range.end - first).label(text)
        });
        Some(
            Snippet::source(without_marks(&text[first..last]))
                .line_start(line)
                .path(name)
                .annotations(annotations)
                .into(),
        )
    }

    /// The place alone.
    fn origin<'a>(label: &Label, sources: &'a Sources) -> Option<Element<'a>> {
        let at = sources.locate(label.span)?;
        Some(Origin::path(at.file).line(at.line).char_column(at.column).into())
    }

    /// Source text without what the renderer would leave as it is: it shows the control characters of ASCII itself.
    /// What stands for another has as many bytes, so that the places of labels hold.
    fn without_marks(text: &str) -> Cow<'_, str> {
        let is_left = |character: char| !character.is_ascii() && is_hostile(character);
        if !text.contains(is_left) {
            return Cow::Borrowed(text);
        }
        let stand_in = |character: char| match character.len_utf8() {
            _ if !is_left(character) => character,
            2 => '\u{bf}',
            _ => char::REPLACEMENT_CHARACTER,
        };
        Cow::Owned(text.chars().map(stand_in).collect())
    }

    /// The label's bytes, held to the text and to whole characters.
    fn clamp(label: &Label, text: &str) -> Range<usize> {
        let floor = |offset: u32| {
            let mut offset = (offset as usize).min(text.len());
            while !text.is_char_boundary(offset) {
                offset -= 1;
            }
            offset
        };
        let (start, end) = (floor(label.span.start), floor(label.span.end));
        start..end.max(start)
    }
}

#[cfg(test)]
mod tests;

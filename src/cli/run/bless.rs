//! `biplane run --bless`: what happened becomes what is expected.

use super::Played;
use crate::cli::arguments::RunFormat;
use crate::cli::output::Terminal;
use crate::cli::{DIFFERENT, Failure, Outcome, SUCCESS, UNABLE};
use crate::diag::Sources;
use crate::files::{self, Inputs};
use crate::report::{ScenarioProgress, ScenarioResult, Style, counted};
use crate::scenario;
use crate::text::{Shown, shown_path};
use similar::{ChangeTag, TextDiff};
use std::path::Path;

/// Shows what would be different in each file, and writes it; what cannot be blessed is told. Where standard output is for
/// JSON, all of it goes to standard error.
pub(super) fn bless(done: &[Played], format: RunFormat, terminal: &mut Terminal) -> Outcome {
    if format == RunFormat::Json {
        terminal.flush()?;
        terminal.print_to_standard_error();
    }
    let mut code = SUCCESS;
    for played in done {
        let failed = played.result.steps().iter().filter(|step| !step.passed()).count();
        if matches!(played.result.progress, ScenarioProgress::Unable(_)) {
            code = UNABLE;
            continue;
        }
        if failed == 0 {
            continue;
        }
        let rest = failed - played.holds.len();
        if !played.holds.is_empty() {
            rewrite(played, terminal)?;
        }
        if rest > 0 {
            code = code.max(DIFFERENT);
            let what = counted(rest as u64, "failure");
            terminal.tell(&format!("{}: {what} cannot be blessed: {NOT_COUNTS}", Shown(&played.result.file)));
        }
        let is_missing = |result: &ScenarioResult| {
            let failures = result.steps().iter().flat_map(|step| &step.failures);
            failures.clone().any(|failure| failure.kind == "missing-frame")
        };
        if is_missing(&played.result) {
            code = code.max(DIFFERENT);
            let file = Shown(&played.result.file);
            terminal.tell(&format!("{file}: a claim about a frame that the capture does not have cannot be blessed"));
        }
    }
    Ok(code)
}

/// Why something cannot be blessed.
const NOT_COUNTS: &str = "a claim about all headers, or a step that could not be taken, is mended by hand";

/// Shows the difference, and writes it.
fn rewrite(played: &Played, terminal: &mut Terminal) -> Result<(), Failure> {
    let path = &played.path;
    let file = shown_path(path);
    let refuse = |why: &str| Failure::Message(format!("cannot bless `{file}`: {why}"));
    refuse_special(path).map_err(|why| refuse(&why))?;
    let text = scenario::read_text(path).map_err(|error| refuse(&error.error.to_string()))?;
    let blessed = scenario::with_expectations(&text, &played.holds).map_err(|why| refuse(&why))?;
    if scenario::scenario(&mut Sources::new(), &path.to_string_lossy(), &blessed).0.is_none() {
        return Err(refuse("what happened cannot be expected in words of a scenario"));
    }
    show_difference(&file, &text, &blessed, terminal)?;
    files::write(path, &Inputs::default(), blessed.as_bytes())?;
    let steps = counted(played.holds.len() as u64, "step");
    terminal.print_text(&format!("blessed {} of {}\n", steps, Shown(&file)))?;
    Ok(())
}

/// Refuses what is no plain file: a link would have what it leads to rewritten.
fn refuse_special(path: &Path) -> Result<(), String> {
    let metadata = std::fs::symlink_metadata(path).map_err(|error| error.to_string())?;
    if metadata.is_symlink() {
        return Err("it is a symbolic link; name the file that it leads to".to_owned());
    }
    if !metadata.is_file() {
        return Err("it is no regular file".to_owned());
    }
    Ok(())
}

/// The lines that are different, with three around them.
fn show_difference(file: &str, old: &str, new: &str, terminal: &mut Terminal) -> std::io::Result<()> {
    let palette = terminal.palette();
    let mut text = format!("\n{}\n", palette.paint(Style::Heading, format_args!("--- {file}\n+++ {file}, blessed")));
    for group in TextDiff::from_lines(old, new).grouped_ops(3) {
        let Some(first) = group.first() else { continue };
        text +=
            &format!("{}\n", palette.paint(Style::Faint, format_args!("@@ line {} @@", first.old_range().start + 1)));
        let diff = TextDiff::from_lines(old, new);
        for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
            let (sign, style) = match change.tag() {
                ChangeTag::Delete => ("-", Style::Bad),
                ChangeTag::Insert => ("+", Style::Good),
                ChangeTag::Equal => (" ", Style::Plain),
            };
            let line = change.value().trim_end_matches(['\r', '\n']);
            text += &format!("{}\n", palette.paint(style, format_args!("{sign}{}", Shown(line))));
        }
    }
    terminal.print(&text)
}

//! `biplane check`.

use super::arguments::{Check, CheckFormat};
use super::output::{Terminal, capture_files_to_read, one_topology_on_standard_input, refuse_standard_output};
use super::preflight;
use super::progress::ProgressLine;
use super::replay::{options, refuse_capture_options};
use super::{DIFFERENT, Failure, Outcome, SUCCESS, UNABLE};
use crate::capture::{Captures, Reader};
use crate::diag::{Diagnostic, Severity, Sources};
use crate::lab::{LabError, Topology};
use crate::replay::{self, ReplayOptions, Sinks};
use crate::report::diagnostics::{self, FindingsStyle};
use crate::scenario::STANDARD_INPUT;
use crate::text::shown_path;
use crate::unused;
use std::path::Path;
use std::sync::Arc;

pub(super) fn check(arguments: &Check, terminal: &mut Terminal) -> Outcome {
    let on_github = std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
    let format = arguments.format.unwrap_or(if on_github { CheckFormat::Github } else { CheckFormat::Text });
    one_topology_on_standard_input(&arguments.topologies)?;
    if arguments.capture.is_empty() {
        refuse_capture_options(&arguments.attribution, &arguments.fabric)?;
    }
    if !arguments.link.is_empty() {
        return preflight::preflight(arguments, format, terminal);
    }
    let mut code = SUCCESS;
    let mut objects = String::new();
    for path in &arguments.topologies {
        let Some(checked) = CheckedFile::open(path, arguments, terminal)? else {
            code = UNABLE;
            continue;
        };
        code = code.max(checked.code());
        match format {
            CheckFormat::Json => objects.push_str(&diagnostics::ndjson(&checked.findings, &checked.sources)),
            CheckFormat::Github => terminal.print(&diagnostics::github(&checked.findings, &checked.sources))?,
            CheckFormat::Text => terminal.print_text(&checked.text(path, terminal.findings_style()))?,
        }
    }
    if format == CheckFormat::Json {
        terminal.print_array(&objects)?;
    }
    Ok(code)
}

/// What decides nothing, or nothing about the frames of captures; and whether one of these ended early, which is told.
fn used_by_captures(
    arguments: &Check,
    topology: &Topology,
    terminal: &mut Terminal,
) -> Result<(Vec<Diagnostic>, bool), Failure> {
    let options = options(&arguments.attribution, arguments.fabric.options(), topology)?;
    let options = ReplayOptions { usage: true, ..options };
    let captures = Captures::open(capture_files_to_read(&arguments.capture)?, Box::new(Reader::open))?;
    let mut progress = ProgressLine::of("frames");
    let mut tell = |read, total, frames| progress.advance(read, total, frames);
    let replayed =
        replay::run(topology, captures, &options, &mut Sinks { progress: Some(&mut tell), ..Sinks::default() });
    progress.finish();
    let replayed = replayed?;
    replayed.damage.iter().for_each(|damage| terminal.complain(&damage.to_string()));
    let findings = replayed.usage.as_ref().map_or_else(Vec::new, |counts| unused::unused_by(topology, counts));
    Ok((findings, !replayed.damage.is_empty()))
}

/// What was found about a file.
struct CheckedFile {
    findings: Vec<Diagnostic>,
    sources: Arc<Sources>,
    /// False where the file is no topology.
    understood: bool,
    /// False where no frame can enter or leave anywhere.
    has_endpoints: bool,
    /// True where what decides nothing was asked for.
    asks_unused: bool,
    /// True where a capture ended early.
    is_damaged: bool,
}

impl CheckedFile {
    /// `None` where the file cannot be read, which is told.
    fn open(path: &Path, arguments: &Check, terminal: &mut Terminal) -> Result<Option<CheckedFile>, Failure> {
        let asks_unused = arguments.unused;
        match Topology::open(path) {
            Ok(topology) => {
                refuse_standard_output(&topology.sources)?;
                let world = &topology.world;
                let has_endpoints =
                    !(world.instances.is_empty() && world.services.is_empty() && world.gateways.is_empty());
                let sources = Arc::clone(&topology.sources);
                let (findings, is_damaged) = match (arguments.unused, arguments.capture.is_empty()) {
                    (false, _) => (topology.warnings.to_vec(), false),
                    (true, true) => (unused::unused(&topology), false),
                    (true, false) => used_by_captures(arguments, &topology, terminal)?,
                };
                // Freeing a large world takes a while, which the end of the process does not wait for.
                let _ = std::thread::Builder::new().spawn(move || drop(topology));
                Ok(Some(CheckedFile { findings, sources, understood: true, has_endpoints, asks_unused, is_damaged }))
            }
            Err(LabError::Invalid { understood, diagnostics, sources }) => {
                refuse_standard_output(&sources)?;
                let (findings, sources) = (diagnostics, Arc::new(sources));
                Ok(Some(CheckedFile {
                    findings,
                    sources,
                    understood,
                    has_endpoints: true,
                    asks_unused,
                    is_damaged: false,
                }))
            }
            Err(LabError::Read(error)) => {
                terminal.complain(&error.to_string());
                Ok(None)
            }
        }
    }

    fn code(&self) -> u8 {
        let broken = self.findings.iter().any(|finding| finding.severity == Severity::Error);
        match (self.understood, broken) {
            (false, _) => UNABLE,
            _ if self.is_damaged => UNABLE,
            (true, true) => DIFFERENT,
            (true, false) => SUCCESS,
        }
    }

    fn text(&self, path: &Path, style: FindingsStyle) -> String {
        if self.findings.is_empty() {
            let aside = if self.has_endpoints { "" } else { ", and no endpoint that a frame could enter by" };
            let name = if path == Path::new(STANDARD_INPUT) { Path::new("<stdin>") } else { path };
            let nothing = if self.asks_unused { "nothing unused" } else { "no problems" };
            return format!("{}: {nothing}{aside}\n", shown_path(name));
        }
        let findings = diagnostics::text(&self.findings, &self.sources, style);
        format!("{findings}\n{}\n", diagnostics::summary(&self.findings, &self.sources))
    }
}

//! Where the command line writes, in which colours, and how wide.

use super::Failure;
use super::arguments::When;
use super::fit::fit;
use crate::capture::{CaptureFile, capture_files};
use crate::diag::{Diagnostic, Severity, Sources};
use crate::files::Inputs;
use crate::lab::{LabError, Topology};
use crate::report::diagnostics::FindingsStyle;
use crate::report::{self, Palette};
use crate::scenario::STANDARD_INPUT;
use crate::text::{Shown, shown_json};
use serde_json::Value;
use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use terminal_size::{Width, terminal_size_of};

/// Standard output, buffered, and standard error.
pub(super) struct Terminal {
    out: io::BufWriter<io::Stdout>,
    /// True where standard output is for a file that was asked for.
    is_out_taken: bool,
    out_colored: bool,
    error_colored: bool,
    /// Columns, where it is a terminal.
    out_width: Option<usize>,
    error_width: Option<usize>,
}

impl Terminal {
    pub(super) fn new(when: When) -> Terminal {
        let wanted = |terminal: bool| match when {
            When::Always => true,
            When::Never => false,
            When::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        };
        let columns = |(Width(columns), _)| usize::from(columns);
        let out_width = terminal_size_of(io::stdout()).map(columns);
        let error_width = terminal_size_of(io::stderr()).map(columns);
        let out_colored = wanted(io::stdout().is_terminal());
        let error_colored = wanted(io::stderr().is_terminal());
        Terminal {
            out: io::BufWriter::with_capacity(1 << 16, io::stdout()),
            is_out_taken: false,
            out_colored,
            error_colored,
            out_width,
            error_width,
        }
    }

    /// The colours of standard output.
    pub(super) fn palette(&self) -> Palette {
        if self.out_colored { Palette::Ansi } else { Palette::Plain }
    }

    /// How findings look on standard output.
    pub(super) fn findings_style(&self) -> FindingsStyle {
        FindingsStyle { coloured: self.out_colored, width: self.out_width }
    }

    /// Columns of standard output, where it is a terminal.
    pub(super) fn width(&self) -> Option<usize> {
        self.out_width
    }

    /// Standard output.
    pub(super) fn out(&mut self) -> &mut impl Write {
        &mut self.out
    }

    /// From now on prints to standard error: standard output is for something else.
    pub(super) fn print_to_standard_error(&mut self) {
        self.is_out_taken = true;
        self.out_colored = self.error_colored;
        self.out_width = self.error_width;
    }

    /// Prints text that is read and not pasted: on a terminal within its width.
    pub(super) fn print_text(&mut self, text: &str) -> io::Result<()> {
        self.print(&within(text, self.out_width))
    }

    /// Prints data. A reader that has seen enough is no error: the work goes on for its exit code.
    pub(super) fn print(&mut self, text: &str) -> io::Result<()> {
        if self.is_out_taken {
            return unless_closed(io::stderr().write_all(text.as_bytes()));
        }
        unless_closed(self.out.write_all(text.as_bytes()))
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        unless_closed(self.out.flush())
    }

    /// Text on standard error, after what was printed before it.
    pub(super) fn tell(&mut self, line: &str) {
        self.tell_as_it_is(&within(line, self.error_width));
    }

    /// The same for lines that are pasted.
    pub(super) fn tell_as_it_is(&mut self, line: &str) {
        let _ = self.out.flush();
        // There is nowhere to complain about standard error.
        let _ = writeln!(io::stderr(), "{line}");
    }

    /// Prints a JSON value, laid out for people.
    pub(super) fn print_json(&mut self, value: &Value) -> io::Result<()> {
        self.print(&shown_json(&format!("{value:#}\n")))
    }

    /// JSON objects, one a line in `objects`, as one array.
    pub(super) fn print_array(&mut self, objects: &str) -> io::Result<()> {
        let objects: Vec<String> = objects.lines().map(|object| format!("  {object}")).collect();
        let array = if objects.is_empty() { "[]\n".to_owned() } else { format!("[\n{}\n]\n", objects.join(",\n")) };
        self.print(&shown_json(&array))
    }

    /// An error on standard error: one line.
    pub(super) fn complain(&mut self, message: &str) {
        self.alarm("error", message);
    }

    /// An expectation that does not hold, on standard error: one line.
    pub(super) fn fail(&mut self, message: &str) {
        self.alarm("failed", message);
    }

    fn alarm(&mut self, word: &str, message: &str) {
        let (start, end) = if self.error_colored { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
        self.tell(&format!("{start}{word}{end}: {}", Shown(message)));
    }

    /// The colours of standard error.
    pub(super) fn error_palette(&self) -> Palette {
        if self.error_colored { Palette::Ansi } else { Palette::Plain }
    }

    /// Findings about files, on standard error.
    pub(super) fn tell_findings(&mut self, findings: &[Diagnostic], sources: &Sources) {
        let style = FindingsStyle { coloured: self.error_colored, width: self.error_width };
        self.tell_block(&report::diagnostics::text(findings, sources, style));
    }

    /// Lines on standard error, after what was printed before them.
    pub(super) fn tell_block(&mut self, text: &str) {
        let _ = self.out.flush();
        let _ = io::stderr().write_all(within(text, self.error_width).as_bytes());
    }

    /// Opens a topology; what is wrong with it is told on standard error.
    pub(super) fn open_topology(&mut self, path: &Path) -> Result<Topology, Failure> {
        match Topology::open(path) {
            Ok(topology) => {
                refuse_standard_output(&topology.sources)?;
                Ok(topology)
            }
            Err(LabError::Read(error)) => Err(Failure::Message(error.to_string())),
            Err(LabError::Invalid { diagnostics, sources, .. }) => {
                let errors: Vec<_> =
                    diagnostics.into_iter().filter(|finding| finding.severity == Severity::Error).collect();
                self.tell_findings(&errors, &sources);
                Err(Failure::Said)
            }
        }
    }
}

/// Refuses standard input for more than one of these topologies.
pub(super) fn one_topology_on_standard_input<'a>(
    topologies: impl IntoIterator<Item = &'a PathBuf>,
) -> Result<(), Failure> {
    let inputs = topologies.into_iter().filter(|path| *path == Path::new(STANDARD_INPUT));
    match inputs.count() {
        0 | 1 => Ok(()),
        _ => Err(Failure::Message("`-` is given twice: standard input is one file".to_owned())),
    }
}

/// Refuses standard output where that is a file of the topology, which `>> shop.toml` would damage.
pub(super) fn refuse_standard_output(topology: &Sources) -> io::Result<()> {
    let mut inputs = Inputs::default();
    topology.paths().for_each(|path| inputs.add(path, "topology"));
    inputs.refuse_standard_output()
}

/// The files of captures, unless standard output is one of them.
pub(super) fn capture_files_to_read(captures: &[PathBuf]) -> Result<Vec<CaptureFile>, Failure> {
    let files = capture_files(captures)?;
    let mut inputs = Inputs::default();
    files.iter().for_each(|file| inputs.add(&file.path, "capture"));
    inputs.refuse_standard_output()?;
    Ok(files)
}

fn within(text: &str, width: Option<usize>) -> Cow<'_, str> {
    width.map_or(Cow::Borrowed(text), |width| Cow::Owned(fit(text, width)))
}

/// A closed pipe is no error.
fn unless_closed(written: io::Result<()>) -> io::Result<()> {
    written.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
}

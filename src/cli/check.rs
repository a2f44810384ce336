//! `biplane check`.

use super::arguments::{Check, CheckFormat};
use super::output::Terminal;
use super::{DIFFERENT, Failure, Outcome, SUCCESS, UNABLE};
use crate::diag::{Diagnostic, Severity, Sources};
use crate::lab::{LabError, Topology};
use crate::report::diagnostics;

pub(super) fn check(arguments: &Check, terminal: &mut Terminal) -> Outcome {
    let on_github = std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
    let format = arguments.format.unwrap_or(if on_github { CheckFormat::Github } else { CheckFormat::Text });
    let mut code = SUCCESS;
    let mut all = Vec::new();
    for path in &arguments.topologies {
        let (findings, sources) = match Topology::open(path) {
            Ok(topology) => (topology.warnings, (*topology.sources).clone()),
            Err(LabError::Invalid { diagnostics, sources }) => (diagnostics, sources),
            Err(LabError::Read(error)) => {
                terminal.complain(&error.to_string());
                code = UNABLE;
                continue;
            }
        };
        if code == SUCCESS && findings.iter().any(|finding| finding.severity == Severity::Error) {
            code = DIFFERENT;
        }
        all.push((findings, sources, path));
    }
    print(format, &all, terminal)?;
    Ok(code)
}

fn print(
    format: CheckFormat,
    files: &[(Vec<Diagnostic>, Sources, &std::path::PathBuf)],
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    if format == CheckFormat::Json {
        let objects: String =
            files.iter().map(|(findings, sources, _)| diagnostics::ndjson(findings, sources)).collect();
        let objects: Vec<String> = objects.lines().map(|object| format!("  {object}")).collect();
        terminal.print(&format!("[\n{}\n]\n", objects.join(",\n")))?;
        return Ok(());
    }
    for (findings, sources, path) in files {
        let text = match format {
            CheckFormat::Github => diagnostics::github(findings, sources),
            _ if findings.is_empty() => format!("{}: no problems\n", path.display()),
            _ => {
                let mut text = diagnostics::text(findings, sources, terminal.out_colored());
                text.push_str(&diagnostics::summary(findings, sources));
                text
            }
        };
        terminal.print(&text)?;
    }
    Ok(())
}

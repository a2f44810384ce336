//! `biplane check --link`: what speaks against links that do not exist yet.

use super::arguments::{Check, CheckFormat};
use super::names::unknown;
use super::output::{Terminal, refuse_standard_output};
use super::{DIFFERENT, Failure, Outcome, SUCCESS, UNABLE};
use crate::diag::{Diagnostic, Severity, Sources, some_list};
use crate::lab::{LabError, Topology};
use crate::model::{Instance, Key, Vpc, World};
use crate::preflight::{Planned, Preflight};
use crate::report::diagnostics::{self, FindingsStyle};
use crate::scenario;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// How many endpoints are named in one line.
const NAMED: usize = 3;

pub(super) fn preflight(arguments: &Check, format: CheckFormat, terminal: &mut Terminal) -> Outcome {
    let mut code = SUCCESS;
    let mut objects = String::new();
    for path in &arguments.topologies {
        let Some(file) = File::open(path, terminal) else {
            code = UNABLE;
            continue;
        };
        refuse_standard_output(&file.sources)?;
        match format {
            CheckFormat::Text => terminal.print_text(&file.text(&file.broken, terminal.findings_style()))?,
            CheckFormat::Github => terminal.print(&diagnostics::github(&file.broken, &file.sources))?,
            CheckFormat::Json => {}
        }
        let Some(world) = file.world.as_ref() else {
            objects.push_str(&diagnostics::ndjson(&file.broken, &file.sources));
            code = UNABLE;
            continue;
        };
        if !file.broken.is_empty() {
            code = code.max(DIFFERENT);
        }
        let links = arguments.link.iter().map(|(instance, vpc)| find(world, instance, vpc));
        let links = links.collect::<Result<Vec<_>, Failure>>()?;
        let mut planned = match &file.topology {
            Some(topology) => Planned::new(topology),
            None => Planned::in_broken_world(world.clone()),
        };
        for (instance, vpc) in links {
            let link = planned.link(instance, vpc);
            if !link.is_useful() {
                code = code.max(DIFFERENT);
            }
            let names = (world.instances[instance].id.as_str(), world.vpcs[vpc].id.as_str());
            match format {
                CheckFormat::Json => objects.push_str(&format!("{}\n", object(&file, names, &link))),
                CheckFormat::Github => terminal.print(&diagnostics::github(&link.findings, &file.sources))?,
                CheckFormat::Text => {
                    let findings = file.text(&link.findings, terminal.findings_style());
                    terminal.print_text(&format!("{findings}{}\n", verdict(names, &link)))?;
                }
            }
        }
    }
    if format == CheckFormat::Json {
        terminal.print_array(&objects)?;
    }
    Ok(code)
}

/// A topology file as far as it could be read.
struct File {
    /// `None` where it is no topology.
    world: Option<World>,
    /// `None` where it breaks rules.
    topology: Option<Topology>,
    /// What is wrong with the file itself.
    broken: Vec<Diagnostic>,
    sources: Arc<Sources>,
}

impl File {
    /// `None` where the file cannot be read, which is told.
    fn open(path: &Path, terminal: &mut Terminal) -> Option<File> {
        let mut sources = Sources::new();
        let (world, problems) = match scenario::load_topology(&mut sources, path) {
            Ok(read) => read,
            Err(error) => {
                terminal.complain(&error.to_string());
                return None;
            }
        };
        let is_error = |finding: &Diagnostic| finding.severity == Severity::Error;
        if problems.iter().any(is_error) {
            return Some(File { world: None, topology: None, broken: problems, sources: Arc::new(sources) });
        }
        Some(match Topology::build(world.clone(), problems, sources) {
            Ok(topology) => {
                let sources = Arc::clone(&topology.sources);
                File { world: Some(world), topology: Some(topology), broken: Vec::new(), sources }
            }
            Err(LabError::Invalid { diagnostics, sources, .. }) => {
                let broken = diagnostics.into_iter().filter(is_error).collect();
                File { world: Some(world), topology: None, broken, sources: Arc::new(sources) }
            }
            Err(LabError::Read(error)) => {
                terminal.complain(&error.to_string());
                return None;
            }
        })
    }

    /// Findings and a blank line behind them; nothing where there are none.
    fn text(&self, findings: &[Diagnostic], style: FindingsStyle) -> String {
        match findings {
            [] => String::new(),
            _ => format!("{}\n", diagnostics::text(findings, &self.sources, style)),
        }
    }
}

fn find(world: &World, instance: &str, vpc: &str) -> Result<(Key<Instance>, Key<Vpc>), Failure> {
    let no_instance = || {
        let other = match (world.services.find(instance), world.gateways.find(instance)) {
            (Some(_), _) => "a managed service",
            (_, Some(_)) => "a gateway",
            (None, None) => return unknown("instance", instance, world.instances.ids()),
        };
        Failure::Message(format!("`{instance}` is {other}; only classic ECS instances are linked"))
    };
    let instance = world.instances.find(instance).ok_or_else(no_instance)?;
    let vpc = world.vpcs.find(vpc).ok_or_else(|| unknown("VPC", vpc, world.vpcs.ids()))?;
    Ok((instance, vpc))
}

/// One line: whether the link can be made, and what passes.
fn verdict((instance, vpc): (&str, &str), link: &Preflight) -> String {
    let passes = match (&link.reaches[..], &link.reached_by[..]) {
        ([], []) if link.not_known.is_empty() => "nothing would pass".to_owned(),
        ([], []) => "it is not known whether anything would pass".to_owned(),
        (reaches, []) => format!("it would reach {}", named(reaches)),
        ([], by) => format!("it would be reached by {}", named(by)),
        (reaches, by) => format!("it would reach {}, and be reached by {}", named(reaches), named(by)),
    };
    let passes = match &link.not_known[..] {
        [] => passes,
        ids => format!("{passes}; of {} not all is known", some_list(ids.iter().map(|id| format!("`{id}`")), NAMED)),
    };
    match (link.can_be_made, link.carries()) {
        (true, true) => format!("`{instance}` can be linked to `{vpc}`: {passes}"),
        (true, false) if link.was_tried => format!("`{instance}` can be linked to `{vpc}`, but {passes}"),
        (true, false) => format!(
            "`{instance}` can be linked to `{vpc}`; what would pass is told once the file has no errors of its own"
        ),
        (false, true) => format!("`{instance}` cannot be linked to `{vpc}`; with a link {passes}"),
        (false, false) if link.was_tried => format!("`{instance}` cannot be linked to `{vpc}`, and {passes}"),
        (false, false) => format!("`{instance}` cannot be linked to `{vpc}`"),
    }
}

/// `` `i-db` (tcp/3306), `rm-orders` (everything) and 5 more``.
fn named(endpoints: &[(String, String)]) -> String {
    some_list(endpoints.iter().map(|(id, flow)| format!("`{id}` ({flow})")), NAMED)
}

/// A link as JSON shows it; errors of the file itself stand before its own findings.
fn object(file: &File, (instance, vpc): (&str, &str), link: &Preflight) -> Value {
    let endpoints = |list: &[(String, String)]| -> Vec<Value> {
        list.iter().map(|(endpoint, passes)| json!({ "endpoint": endpoint, "passes": passes })).collect()
    };
    let all: Vec<Diagnostic> = file.broken.iter().chain(&link.findings).cloned().collect();
    let findings: Value = serde_json::from_str(&diagnostics::json(&all, &file.sources)).unwrap_or_default();
    json!({
        "instance": instance,
        "vpc": vpc,
        "can_be_made": link.can_be_made,
        "carries": link.carries(),
        "reaches": endpoints(&link.reaches),
        "reached_by": endpoints(&link.reached_by),
        "not_known": link.not_known,
        "findings": findings,
    })
}

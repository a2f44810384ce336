//! Accounts that exist: dumps of the vendor's answers and Terraform's states and plans become a topology.
//!
//! What is not in a dump is reported, never made up; what has no place in a topology is reported too; and what is written
//! loads. The answers are recognised by what they hold, not by the names of files.

mod answers;
mod build;
mod calls;
mod complete;
mod draft;
mod facts;
mod input;
mod inventory;
mod json;
mod recognise;
mod report;
mod script;
mod terraform;
mod verify;
mod write;

pub use report::{FilesRead, ImportNote, ImportReport, SystemRoutes};
pub use script::{DUMP_SCRIPT, ram_policy};

use crate::diag::some_list;
use input::NameHints;
use inventory::{FailedCall, Inventory};
use json::JsonNode;
use recognise::FileKind;
use report::counted;
use std::fmt;
use std::path::{Path, PathBuf};

/// Which world of a Terraform plan is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlanSide {
    /// The one that is there.
    Before,
    /// The one that applying the plan makes.
    #[default]
    After,
}

/// What to import, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportOptions {
    /// Only these regions; all where empty.
    pub regions: Vec<String>,
    /// Only these accounts; all where empty.
    pub accounts: Vec<String>,
    /// Which world of a plan.
    pub plan: PlanSide,
    /// True to guess what can be guessed; every guess is reported.
    pub infer: bool,
}

/// A topology and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// The topology file.
    pub toml: String,
    /// What became of everything.
    pub report: ImportReport,
    /// The files that were read.
    pub files: Vec<PathBuf>,
}

/// There is nothing to import, or a path cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportError {
    message: String,
}

impl ImportError {
    fn new(message: impl Into<String>) -> ImportError {
        ImportError { message: report::printable(&message.into()) }
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ImportError {}

/// Makes a topology of the files and folders `paths`, whatever their order.
///
/// # Errors
/// A path cannot be read, or no file holds anything to import.
pub fn import(paths: &[PathBuf], options: &ImportOptions) -> Result<Imported, ImportError> {
    let (mut inventory, mut report) = (Inventory::default(), ImportReport::default());
    let mut plans = Vec::new();
    let files: Vec<PathBuf> = input::find(paths)?.into_iter().filter(|path| !is_passed_over(path)).collect();
    for path in &files {
        read_file(path, &mut inventory, &mut report, &mut plans);
    }
    for plan in &plans {
        plan.take_in(&mut inventory, options.plan);
    }
    inventory.settle_accounts();
    if inventory.is_empty() {
        return Err(nothing_to_import(&report, !plans.is_empty()));
    }
    let (toml, report) = topology(&inventory, options, report);
    Ok(Imported { toml, report, files })
}

fn topology(inventory: &Inventory, options: &ImportOptions, mut report: ImportReport) -> (String, ImportReport) {
    complete::prove(inventory, &mut report);
    for (id, why) in &inventory.guesses {
        report.doubt(id, why);
    }
    for (kind, count) in &inventory.passed_over {
        report.leave_out_by_design(kind, format!("{} of Terraform's: not modelled", counted(*count, "resource")));
    }
    let mut draft = build::build(inventory, options, &mut report);
    let mut written = write::write(&draft, &[]);
    loop {
        let errors = verify::errors(&written.text);
        if errors.is_empty() {
            break;
        }
        if !verify::leave_out(&mut draft, &written, &errors, &mut report) {
            // An error about no object cannot be mended by leaving one out.
            draft = draft::TopologyDraft::default();
            report.leave_out("the topology", "it does not load, for a reason that is about none of its objects");
        }
        written = write::write(&draft, &[]);
    }
    write::doubt_what_is_unknown(&draft, &mut report);
    count(&draft, &mut report);
    report_renamed(&draft, &mut report);
    report.settle();
    let toml = write::write(&draft, &header(inventory, &report)).text;
    (toml, report)
}

/// True for a file in a dump that is none of its answers.
fn is_passed_over(path: &Path) -> bool {
    match extension(path).as_str() {
        // What the script was writing when it was stopped.
        "part" | "toml" => true,
        // An error stays beside an answer that came later.
        "error" => path.with_extension("json").exists(),
        _ => false,
    }
}

/// The extension of a name, in lower case.
fn extension(path: &Path) -> String {
    path.extension().map_or(String::new(), |extension| extension.to_string_lossy().to_ascii_lowercase())
}

/// Reads one file. One that cannot be read or holds nothing known is no error: dumps lie beside other things.
fn read_file(path: &Path, inventory: &mut Inventory, report: &mut ImportReport, plans: &mut Vec<terraform::Terraform>) {
    let name = path.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
    let extension = extension(path);
    if name == "dump.log" {
        return inventory.note_times(&input::read(path).unwrap_or_default());
    }
    report.files.read += 1;
    let text = match input::read(path) {
        Ok(text) => text,
        Err(why) => return report.files.not_used.push(report::printable(&format!("{name} {why}"))),
    };
    let hints = NameHints::of(path);
    if extension == "error" || extension == "err" {
        let code = input::error_code(&text).map(str::to_owned);
        inventory.failed.push(FailedCall { file: name, call: hints.call, id: hints.id, region: hints.region, code });
        return;
    }
    let (nodes, stopped) = JsonNode::read_all(&text);
    if let Some(stopped) = &stopped {
        if nodes.is_empty() {
            return report.files.not_used.push(report::printable(&format!("{name} {stopped}")));
        }
        report.miss(&name, format!("the rest of the file: it {stopped}"), None);
    }
    match recognise::take_in(inventory, &nodes, &hints, &name) {
        FileKind::Answers => {}
        FileKind::Terraform => match terraform::read(&text) {
            Ok(read) => plans.push(read),
            Err(why) => report.files.not_used.push(report::printable(&format!("{name} {why}"))),
        },
        FileKind::Aws => report
            .files
            .not_used
            .push(report::printable(&format!("{name} is a dump of AWS, whose networks are others"))),
        FileKind::Ros => {
            let why = "is a ROS template: turn it into Terraform with `rostran`, and give the plan";
            report.files.not_used.push(report::printable(&format!("{name} {why}")));
        }
        FileKind::Unknown => report.files.not_used.push(report::printable(&format!("{name} is of no known kind"))),
    }
}

fn nothing_to_import(report: &ImportReport, with_terraform: bool) -> ImportError {
    let mut message = format!("nothing to import in {}", counted(report.files.read, "file"));
    if with_terraform {
        message.push_str("; the Terraform state holds no network, instance or service");
    }
    // One line: what is told of an error is.
    if !report.files.not_used.is_empty() {
        message.push_str(&format!(": {}", some_list(report.files.not_used.iter(), 5)));
    }
    message.push_str("; `biplane import --script` prints a script that makes a dump");
    ImportError { message }
}

fn count(draft: &draft::TopologyDraft, report: &mut ImportReport) {
    let entries = draft.vpcs.values().map(|vpc| vpc.routes.entries.len()).sum::<usize>();
    let entries = entries + draft.route_tables.values().map(|table| table.routes.entries.len()).sum::<usize>();
    let rules = draft.groups.values().map(|group| group.ingress.len() + group.egress.len()).sum();
    let links = draft.instances.values().filter(|instance| instance.linked_vpc.is_some()).count();
    let counts = [
        ("VPC", draft.vpcs.len()),
        ("vSwitch", draft.vswitches.len()),
        ("custom route table", draft.route_tables.len()),
        ("route", entries),
        ("peering", draft.peerings.len()),
        ("gateway", draft.gateways.len()),
        ("security group", draft.groups.len()),
        ("rule", rules),
        ("instance", draft.instances.len()),
        ("link", links),
        ("service", draft.services.len()),
    ];
    report.imported = counts.into_iter().map(|(noun, count)| (noun.to_owned(), count)).collect();
}

fn report_renamed(draft: &draft::TopologyDraft, report: &mut ImportReport) {
    macro_rules! ids {
        ($($table:ident)*) => { [].into_iter()$(.chain(draft.$table.keys()))* };
    }
    for id in ids!(vpcs vswitches route_tables peerings gateways groups instances services) {
        let safe = write::safe_id(id);
        if safe != *id {
            report.doubt(id, format!("a topology cannot have this id; it is called {safe} there"));
        }
    }
}

/// The report as the first lines of the topology.
fn header(inventory: &Inventory, report: &ImportReport) -> Vec<String> {
    let version = env!("CARGO_PKG_VERSION");
    let mut lines = vec![match &inventory.times {
        Some((first, last)) => format!("Imported by biplane {version} from a dump of {first} to {last}."),
        None => format!("Imported by biplane {version}."),
    }];
    lines.extend(report.text().lines().map(|line| line.trim_end().to_owned()));
    lines
}

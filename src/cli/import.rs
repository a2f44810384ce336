//! `biplane import`.

use super::arguments::{Format, Import};
use super::output::Terminal;
use super::{DIFFERENT, Failure, Outcome, SUCCESS};
use crate::files::{self, Inputs};
use crate::import::{self, DUMP_SCRIPT, ImportOptions, Imported, PlanSide};

pub(super) fn import(arguments: &Import, terminal: &mut Terminal) -> Outcome {
    if arguments.script {
        terminal.print(DUMP_SCRIPT)?;
        return Ok(SUCCESS);
    }
    if arguments.policy {
        terminal.print(&import::ram_policy())?;
        return Ok(SUCCESS);
    }
    let mut options = ImportOptions::default();
    options.regions.clone_from(&arguments.region);
    options.accounts.clone_from(&arguments.account);
    options.plan = if arguments.before { PlanSide::Before } else { PlanSide::After };
    options.infer = arguments.infer;
    let Imported { toml, report, files } =
        import::import(&arguments.paths, &options).map_err(|error| Failure::Message(error.to_string()))?;
    let mut inputs = Inputs::default();
    files.iter().for_each(|path| inputs.add(path, "dump"));
    match &arguments.output {
        Some(path) => files::write(path, &inputs, toml.as_bytes())?,
        None => {
            inputs.refuse_standard_output()?;
            terminal.print(&toml)?;
        }
    }
    let told = match arguments.format {
        Format::Text => report.text(),
        Format::Json => report.json(),
    };
    // It holds commands to run.
    terminal.tell_as_it_is(told.trim_end());
    Ok(if report.is_complete() { SUCCESS } else { DIFFERENT })
}

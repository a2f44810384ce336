//! `biplane advise`: which mechanism joins two sides, and what is missing of it.

use super::arguments::{Advise, Format};
use super::output::Terminal;
use super::{DIFFERENT, Failure, Outcome, SUCCESS};
use crate::advise::{self, AdviceQuestion, AdviseError};
use crate::diag::Suggestions;
use crate::lab::Topology;

pub(super) fn advise(arguments: &Advise, terminal: &mut Terminal) -> Outcome {
    let topology = arguments.topology.as_deref().map(|path| terminal.open_topology(path)).transpose()?;
    let question =
        AdviceQuestion { from: &arguments.from, to: &arguments.to, protocol: arguments.protocol, port: arguments.port };
    let advice = advise::advise(topology.as_ref(), &question).map_err(|error| failure(&error, topology.as_ref()))?;
    match arguments.format {
        Format::Text => terminal.print(&advice.text(terminal.palette()))?,
        Format::Json => {
            let value = serde_json::to_value(&advice).map_err(|error| Failure::Message(error.to_string()))?;
            terminal.print_json(&value)?;
        }
    }
    // Between descriptions nothing can be missing: there is nothing yet.
    let asked_of_endpoints = advice.traffic.is_some();
    Ok(if asked_of_endpoints && !advice.passes() { DIFFERENT } else { SUCCESS })
}

/// What cannot be advised about. A name that is not there may be near one that is.
fn failure(error: &AdviseError, topology: Option<&Topology>) -> Failure {
    match (error, topology) {
        (AdviseError::Unknown { text }, Some(topology)) => {
            let endpoints = topology.names.endpoints.iter().map(|name| name.text.as_str());
            let endpoints = endpoints.filter(|name| !name.is_empty() && *name != "cloud-services");
            match Suggestions::default().nearest(text, endpoints) {
                Some(near) => Failure::Message(format!("{error}; did you mean `{near}`?")),
                None => Failure::Message(error.to_string()),
            }
        }
        (AdviseError::Unknown { .. }, None) => Failure::Message(format!(
            "{error}; an endpoint needs its topology: `biplane advise TOPOLOGY --from … --to …`"
        )),
        _ => Failure::Message(error.to_string()),
    }
}

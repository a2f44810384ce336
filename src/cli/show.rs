//! `biplane show`.

use super::arguments::{Show, ShowFormat};
use super::names::unknown_of;
use super::output::Terminal;
use super::{Failure, Outcome, SUCCESS};
use crate::report::{diagram_dot, diagram_svg};
use crate::show::{self, Inventory};

pub(super) fn show(arguments: &Show, terminal: &mut Terminal) -> Outcome {
    let is_picture = matches!(arguments.format, ShowFormat::Dot | ShowFormat::Svg);
    if is_picture && (arguments.what.is_some() || !arguments.tag.is_empty()) {
        let message = "a picture is of the whole topology: ID, KIND and --tag go with --format text and json";
        return Err(Failure::Message(message.to_owned()));
    }
    let topology = terminal.open_topology(&arguments.topology)?;
    let inventory = || -> Result<Inventory, Failure> {
        let mut inventory = match &arguments.what {
            None => show::inventory(&topology),
            Some(name) => show::inventory_of(&topology, name)
                .map_err(|unknown| unknown_of("object or kind of object", &unknown.name, unknown.nearest.as_deref()))?,
        };
        if !arguments.tag.is_empty() {
            inventory.keep_tagged(&arguments.tag);
        }
        Ok(inventory)
    };
    match arguments.format {
        ShowFormat::Text => {
            let mut text = String::new();
            show::inventory_text(&mut text, &topology, &inventory()?, terminal.palette());
            terminal.print_text(&text)?;
        }
        ShowFormat::Json => terminal.print_json(&show::inventory_json(&inventory()?))?,
        ShowFormat::Dot => terminal.print(&diagram_dot(&show::topology_diagram(&topology)))?,
        ShowFormat::Svg => terminal.print(&diagram_svg(&show::topology_diagram(&topology)))?,
    }
    Ok(SUCCESS)
}

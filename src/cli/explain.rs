//! `biplane explain`.

use super::arguments::Explain;
use super::output::Terminal;
use super::{Failure, Outcome, SUCCESS};
use crate::explain;

pub(super) fn explain(arguments: &Explain, terminal: &mut Terminal) -> Outcome {
    let width = terminal.width().map_or(explain::WIDTH, |width| width.min(explain::WIDTH));
    let text = match &arguments.id {
        None => explain::table(),
        Some(id) => match (explain::page(id), explain::code_page(id)) {
            (Some(page), _) => explain::render(page, width),
            (None, Some(page)) => explain::render_code(&page, width),
            (None, None) => return Err(Failure::Message(unknown(id))),
        },
    };
    terminal.print_text(&text)?;
    Ok(SUCCESS)
}

fn unknown(id: &str) -> String {
    let hint = match explain::nearest(id) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`biplane explain` lists them all".to_owned(),
    };
    format!("no reason, rule or error code is called `{id}`; {hint}")
}

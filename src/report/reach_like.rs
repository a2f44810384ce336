//! The flows that fare as one packet does.

use super::layout::{Palette, Style, wrapped};
use super::reach::ReachWords;
use crate::reach::{FlowGroup, FlowSide, NoRegion};
use crate::text::Shown;
use std::fmt::Write;

/// Columns of what stands behind a label.
const WIDTH: usize = 96;

/// The most ranges of one side that are written out.
const RANGES: usize = 24;

/// Writes the flows for which an answer holds: senders, receivers and headers.
pub fn flows_like_text(
    out: &mut String,
    reach: &ReachWords<'_>,
    found: Result<&FlowGroup, NoRegion>,
    palette: Palette,
) {
    let flow = match found {
        Ok(flow) => flow,
        Err(why) => {
            let _ = writeln!(out, "no other flows are told: {why}");
            return;
        }
    };
    let heading = "this answer holds for every new flow of whole packets within the MTU, TTL above 2,";
    let _ = writeln!(out, "{}", palette.paint(Style::Heading, heading));
    let rows =
        [("from", side(reach, &flow.from)), ("to", side(reach, &flow.to)), ("with", reach.headers(&flow.headers))];
    for (label, text) in rows {
        for (line, text) in wrapped(&Shown(&text).to_string(), WIDTH).into_iter().enumerate() {
            let label = if line == 0 { label } else { "" };
            let _ = writeln!(out, "  {label:<4}  {text}");
        }
    }
}

/// The ends with their addresses: `sg-web (2): 10.45.2.10, 10.45.2.11`; addresses alone where no endpoint has them.
fn side(reach: &ReachWords<'_>, side: &FlowSide) -> String {
    let more = side.ranges.len().saturating_sub(RANGES);
    let mut ranges: Vec<String> = side.ranges.iter().take(RANGES).map(ToString::to_string).collect();
    ranges.extend((more > 0).then(|| format!("{more} more ranges")));
    let ranges = ranges.join(", ");
    match reach.names(side) {
        Some(names) => format!("{names}: {ranges}"),
        None => ranges,
    }
}

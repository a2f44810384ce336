//! What the rates of endpoints were used for, where timing is on.

use super::PageTraffic;
use crate::report::timing::{EndpointRates, RATE_COLUMNS, rate_rows};
use crate::report::words::Resolver;
use crate::text::Shown;
use maud::{Markup, html};

/// The most rows.
const LISTED: usize = 250;

pub(super) fn body(words: Resolver<'_>, traffic: &PageTraffic<'_>, rates: &[EndpointRates]) -> Markup {
    let rows = rate_rows(words, traffic.tally, rates);
    // What is told in words stands to the left, numbers to the right.
    let class = |column: usize| if column < 3 { "" } else { "number" };
    html! {
        p { "How much of their rates instances and services used, what was beyond them, and how long packets waited: the median, and what 99 of 100 did not exceed." }
        @if rows.is_empty() {
            p { "No frame came to an endpoint with a limit." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Rates of endpoints" {
                table.rows {
                    thead { tr {
                        @for (column, name) in RATE_COLUMNS.iter().enumerate() {
                            th class=(class(column)) scope="col" { (name) }
                        }
                    } }
                    tbody { @for row in rows.iter().take(LISTED) {
                        tr { @for (column, cell) in row.iter().enumerate() { td class=(class(column)) { (Shown(cell)) } } }
                    } }
                }
            }
            (super::left_out(rows.len().saturating_sub(LISTED) as u64, "biplane replay --timing --format json"))
        }
    }
}

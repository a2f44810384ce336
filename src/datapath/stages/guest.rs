//! Stage 3: the routing table inside a classic instance decides which of its two NICs a frame leaves by.
//!
//! The default table is what public copies of classic guest configurations show; that 192.168.0.0/16 needs the
//! routing script is documented:
//! <https://www.alibabacloud.com/help/en/virtual-private-cloud/latest/classiclink-overview>.

use crate::datapath::context::RouteContext;
use crate::datapath::finding::{CheckRefusal, Finding};
use crate::datapath::outcome::{DropLocation, MatchedRule};
use crate::datapath::step::Step;
use crate::diag::Reason;
use crate::net::ranges;
use crate::program::Action;

/// Whether the guest sends the packet out of its private NIC. By the public one a packet to a public address leaves the
/// two planes, and nothing else arrives anywhere.
#[inline]
pub(in crate::datapath) fn private_nic(routes: &RouteContext<'_>) -> Finding {
    let (program, sender, destination) = (routes.program, routes.query.sender, routes.query.destination);
    let Some(table) = program.endpoint(sender).guest else { return Finding::PASS };
    let Some((route, entry)) = program.route(table, destination) else { return Finding::PASS };
    let decider = MatchedRule::Route(route);
    let refusal = match ranges::is_public(destination) {
        true => CheckRefusal::outside(decider),
        false => CheckRefusal::new(Reason::GuestRoutePublicNic, DropLocation::Endpoint(sender)).by(decider),
    };
    let step = Step::Guest { route, table, destination };
    Finding { step: Some(step), ..Finding::unless(entry.action != Action::PublicNic, refusal) }
}

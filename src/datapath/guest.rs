//! Stage 3: the routing table inside a classic instance decides which of its two NICs a frame leaves by.
//!
//! The default table is what public copies of classic guest configurations show; that 192.168.0.0/16 needs the
//! routing script is documented:
//! <https://www.alibabacloud.com/help/en/virtual-private-cloud/latest/classiclink-overview>.

use super::outcome::{At, Decider, Refusal};
use super::trace::{Listener, Step, Trace};
use crate::diag::Reason;
use crate::program::{Action, EndpointId, Program};
use std::net::Ipv4Addr;

pub(super) fn leave<T: Trace>(
    program: &Program,
    id: EndpointId,
    destination: Ipv4Addr,
    listener: &mut Listener<'_, T>,
) -> Result<(), Refusal> {
    let Some(table) = program.endpoint(id).guest else { return Ok(()) };
    let Some((route, entry)) = program.route(table, destination) else { return Ok(()) };
    listener.hear(|| Step::Guest { route, table, destination });
    match entry.action {
        Action::PublicNic => {
            let refusal = Refusal::new(Reason::GuestRoutePublicNic, At::Endpoint(id));
            listener.refuse(refusal.by(Decider::Route(route)))
        }
        _ => Ok(()),
    }
}

//! Records after a change of the world.

use super::lookup::{Keeping, SessionLookup};
use super::marks;
use crate::datapath::checks;
use crate::datapath::context::{CachedRoute, PacketContext, RouteContext, RouteQuery, owns};
use crate::datapath::first_packet::FirstPacket;
use crate::datapath::outcome::{MatchedRule, Verdict};
use crate::datapath::stages::guest;
use crate::datapath::step::SessionStep;
use crate::program::{CLOUD_SERVICES, DomainId, EndpointId, EndpointKind, Program};
use crate::table::session::{FlowKey, Session};
use std::net::Ipv4Addr;

/// How the packet that made a record stands in the present epoch.
pub(super) enum Standing {
    /// It passes: this lets it in.
    Permitted(MatchedRule),
    /// Rules that decide are not known.
    Unknown,
    /// It no longer passes, or into another pair of domains, or an endpoint that the record belongs to is gone, or its
    /// sender is.
    Refused,
}

/// Judges the packet that made a record again, as then: by stages 3, 6 and 7, and by 5 or 8 at the ends that judged it.
///
/// Changed rules leave a session alone as long as the result is the same (2024 text of
/// <https://www.alibabacloud.com/help/doc-detail/271831.htm>).
pub(super) fn standing(program: &Program, key: &FlowKey, session: &Session) -> Standing {
    let opened = session.state.opened();
    let (from, to) = (opened.source(), 1 - opened.source());
    let domains = domains(program, key, session);
    let belongs_to = |side: usize| key.end().is_none_or(|end| end.side == side);
    let (source, target) = key.ends(opened);
    let (source, destination) = (source.address.into(), target.address.into());
    let is_there = |side: usize, address| is_there(program, EndpointId(session.ends[side]), domains[side], address);
    // The sender has to be there even for a record of the receiver's end, since the packet is judged again from where
    // it was sent. Whether the receiver is there counts only for records that are its own, too.
    if !is_there(from, source) || (belongs_to(to) && !is_there(to, destination)) {
        return Standing::Refused;
    }
    let query = RouteQuery { sender: EndpointId(session.ends[from]), domain: domains[from], source, destination };
    let routes = RouteContext::resolve(program, query);
    // Of stages 2 and 3 only the routes of the guest are asked again. A stopped sender keeps its records, and its
    // sessions go on once it is started.
    if guest::private_nic(&routes).refusal.is_some() {
        return Standing::Refused;
    }
    let packet = first_packet(program, checks::cached_route(&routes), key, session);
    // Where the routes lead into another domain now, the packet begins another flow with another key. The old record
    // would only admit packets on a way that is no longer taken.
    let last = packet.forwarding.as_ref().map(|forwarding| forwarding.second.unwrap_or(query.domain));
    if last.ok() != Some(domains[to]) {
        return Standing::Refused;
    }
    match checks::verdict(&packet).map_err(|refusal| refusal.verdict) {
        Ok(decider) => Standing::Permitted(decider),
        Err(Verdict::Undetermined(_)) => Standing::Unknown,
        Err(_) => Standing::Refused,
    }
}

/// The domains of a flow's two ends when the record was made. `cloud-services` is in all domains, and so in that of the
/// other end.
pub(super) fn domains(program: &Program, key: &FlowKey, session: &Session) -> [DomainId; 2] {
    if !key.is_of_end() {
        return key.domains().map(DomainId);
    }
    let ends = session.ends.map(EndpointId);
    let lives_with = |side: usize| if ends[side] == CLOUD_SERVICES { ends[1 - side] } else { ends[side] };
    [0, 1].map(|side| program.endpoint(lives_with(side)).domain)
}

/// False for an endpoint that was released, or that has moved away from its domain or its address.
fn is_there(program: &Program, id: EndpointId, domain: DomainId, address: Ipv4Addr) -> bool {
    let endpoint = program.endpoint(id);
    let is_at_home = endpoint.domain == domain && endpoint.kind != EndpointKind::Released;
    id == CLOUD_SERVICES || (is_at_home && (endpoint.forwarding || owns(program, id, address)))
}

/// The packet that made a record, as far as rules read it: whole, with all its TTL.
fn first_packet<'a>(program: &'a Program, route: CachedRoute, key: &FlowKey, session: &Session) -> PacketContext<'a> {
    let (source, target) = key.ends(session.state.opened());
    let first = FirstPacket {
        sender: route.sender,
        source: source.address.into(),
        destination: target.address.into(),
        protocol: key.protocol(),
        ports: [source.port, target.port],
    };
    let mut packet = first.context(program, route);
    // An end that did not judge it then had a live record.
    let live = SessionStep::Live { opener: EndpointId(session.opener()) };
    let found = |mark: u8| if session.marks & mark == 0 { live } else { SessionStep::None };
    let found = [found(marks::JUDGED_AT_SENDER), found(marks::JUDGED_AT_RECEIVER)];
    packet.session = SessionLookup::of(found, Keeping::Nowhere);
    packet
}

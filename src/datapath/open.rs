//! Stages 1 to 3, and the routes: all that is known about a frame before the state of its flow is.

use super::deliver::Sink;
use super::headers::Flow;
use super::outcome::{At, Outcome, Reached, Refusal, Verdict};
use super::route::{Traveller, Way};
use super::route_cache::{Asked, Path, RouteCache};
use super::shortcut::Glance;
use super::trace::{Listener, Step, Trace, unheard};
use super::{Entry, Frame, guest, ingress, parse, route};
use crate::program::{DomainId, EndpointId, Program};
use crate::wire::{Arp, Ipv4, Packet, Transport, transport};
use std::net::Ipv4Addr;

/// A frame that may go on.
pub(super) struct Open {
    pub(super) ipv4: Ipv4,
    pub(super) sender: EndpointId,
    pub(super) domain: DomainId,
    /// `None` for later fragments and where the capture cut it off.
    pub(super) transport: Option<Transport>,
    /// Where the routes lead, whatever its TTL.
    pub(super) way: Result<Way, Refusal>,
    /// `None` without a way, and for an ICMP error about no flow of its receiver.
    pub(super) flow: Option<Flow>,
}

impl Open {
    /// What is known of a packet on its path; `glance` says what a plain one holds.
    #[inline]
    pub(super) fn new(frame: &Frame<'_>, glance: Option<&Glance>, ipv4: Ipv4, path: &Path) -> Open {
        let Path { sender, domain, way } = *path;
        let transport = match glance {
            Some(glance) => Some(glance.plain.transport()),
            None if ipv4.is_later_fragment() => None,
            None => transport(frame.bytes, &ipv4).ok(),
        };
        let flow = match (&way, &transport) {
            (Ok(way), Some(transport)) => {
                let last = way.second.unwrap_or(domain);
                match glance {
                    Some(glance) => Some(Flow::of_plain(glance, domain, last)),
                    None => Flow::new(&ipv4, transport, domain, last),
                }
            }
            _ => None,
        };
        Open { ipv4, sender, domain, transport, way, flow }
    }

    /// What became of a packet that stage 2 or 3 has refused, though a listener went on.
    pub(super) fn left_behind(&self, program: &Program) -> Option<Outcome> {
        let Ipv4 { source, destination, .. } = self.ipv4;
        let left = unheard(|unheard| {
            ingress::admit(program, self.sender, source, unheard)?;
            guest::leave(program, self.sender, destination, unheard)
        });
        left.err().map(|refusal| refused_at(self.sender, &refusal))
    }

    pub(super) fn traveller(&self) -> Traveller {
        let Ipv4 { source, destination, .. } = self.ipv4;
        Traveller { sender: self.sender, domain: self.domain, source, destination, in_session: true }
    }

    /// Notes what a first fragment has lent.
    pub(super) fn set_transport(&mut self, transport: Transport) {
        self.transport = Some(transport);
        if let Ok(way) = &self.way {
            self.flow = Flow::new(&self.ipv4, &transport, self.domain, way.second.unwrap_or(self.domain));
        }
    }

    pub(super) fn refused(&self, refusal: &Refusal) -> Outcome {
        let domains = match refusal.reached {
            Reached::Sender => [None, None],
            Reached::First => [Some(self.domain), None],
            Reached::Second(second) => [Some(self.domain), Some(second)],
        };
        Outcome { domains, ..refused_at(self.sender, refusal) }
    }
}

/// What became of a frame that never left its sender.
fn refused_at(sender: EndpointId, refusal: &Refusal) -> Outcome {
    Outcome { decider: refusal.decider, ..Outcome::at_sender(Some(sender), refusal.verdict()) }
}

/// Stage 1, and all that becomes of ARP; `glance` says what a plain packet holds.
#[inline]
pub(super) fn read<T: Trace>(
    program: &Program,
    (frame, glance): (&Frame<'_>, Option<&Glance>),
    listener: &mut Listener<'_, T>,
    sink: &mut Sink<'_>,
) -> Result<Ipv4, Outcome> {
    match glance {
        Some(glance) => Ok(glance.plain.ipv4()),
        None => match parse::read(program, frame, listener)? {
            Packet::Ipv4(ipv4) => Ok(ipv4),
            Packet::Arp(arp) => Err(answer_arp(program, frame, &arp, listener, sink)),
        },
    }
}

/// Stages 2 and 3, and the routes; asked of `routes` first.
#[inline]
pub(super) fn find_path<T: Trace>(
    program: &Program,
    routes: &mut RouteCache,
    entry: Entry,
    ipv4: &Ipv4,
    listener: &mut Listener<'_, T>,
) -> Result<Path, Outcome> {
    let asked = Asked::new(program, entry, ipv4);
    if T::LISTENS {
        return ask_for_path(program, &asked, listener);
    }
    if let Some(path) = routes.get(&asked) {
        return Ok(*path);
    }
    let path = ask_for_path(program, &asked, listener)?;
    routes.put(asked, path);
    Ok(path)
}

fn ask_for_path<T: Trace>(program: &Program, asked: &Asked, listener: &mut Listener<'_, T>) -> Result<Path, Outcome> {
    let Asked { source, destination, entry, .. } = *asked;
    let (sender, domain) = enter(program, entry, (source, destination), listener)?;
    guest::leave(program, sender, destination, listener).map_err(|refusal| refused_at(sender, &refusal))?;
    let traveller = Traveller { sender, domain, source, destination, in_session: true };
    let way = unheard(|unheard| route::find(program, &traveller, unheard));
    Ok(Path { sender, domain, way })
}

/// Stage 2.
fn enter<T: Trace>(
    program: &Program,
    entry: Entry,
    (source, destination): (Ipv4Addr, Ipv4Addr),
    listener: &mut Listener<'_, T>,
) -> Result<(EndpointId, DomainId), Outcome> {
    let (sender, domain) = match ingress::attribute(program, entry, source, destination) {
        Ok(found) => found,
        Err(reason) => {
            listener.ends(&Refusal::new(reason, At::Outside));
            return Err(Outcome::at_sender(None, Verdict::Dropped { reason, at: At::Outside }));
        }
    };
    ingress::admit(program, sender, source, listener).map_err(|refusal| refused_at(sender, &refusal))?;
    listener.hear(|| Step::Entered { endpoint: sender, domain });
    Ok((sender, domain))
}

/// What becomes of a sound ARP packet.
fn answer_arp<T: Trace>(
    program: &Program,
    frame: &Frame<'_>,
    arp: &Arp,
    listener: &mut Listener<'_, T>,
    sink: &mut Sink<'_>,
) -> Outcome {
    let (sender, domain) = match enter(program, frame.entry, (arp.sender, arp.target), listener) {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    let mut answers = parse::answers_arp(program, arp, sender, listener);
    if T::GOES_ON {
        answers = unheard(|unheard| {
            ingress::admit(program, sender, arp.sender, unheard)?;
            parse::answers_arp(program, arp, sender, unheard)
        });
    }
    match answers {
        Ok(()) => {
            sink.answer_arp(frame.bytes, sender, domain);
            Outcome::at_sender(Some(sender), Verdict::Answered)
        }
        Err(refusal) => refused_at(sender, &refusal),
    }
}

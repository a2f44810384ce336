//! One packet there, and the first one back.

use super::{EndpointRef, FrameResult, Lab, claims::known};
use crate::datapath::Verdict;
use crate::net::Protocol;
use crate::program::{EndpointId, EndpointKind};
use crate::wire::PacketBuilder;
use std::fmt;
use std::net::SocketAddrV4;
use std::str::FromStr;

/// What is asked of an endpoint: a port of TCP or UDP, or an echo. Read from `tcp/3306`, `udp/53` or `icmp`, as claims about
/// reachability write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Probe {
    /// A SYN to this port.
    Tcp(u16),
    /// A datagram to this port.
    Udp(u16),
    /// An ICMP echo request.
    Ping,
}

/// A text that is no [`Probe`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeError(String);

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is nothing to ask for: expected `tcp/PORT`, `udp/PORT` or `icmp`", crate::text::shown(&self.0))
    }
}

impl std::error::Error for ProbeError {}

impl FromStr for Probe {
    type Err = ProbeError;

    fn from_str(text: &str) -> Result<Probe, ProbeError> {
        let probe = match text.split_once('/') {
            Some(("tcp", port)) => port.parse().ok().map(Probe::Tcp),
            Some(("udp", port)) => port.parse().ok().map(Probe::Udp),
            None if text == "icmp" => Some(Probe::Ping),
            _ => None,
        };
        probe.ok_or_else(|| ProbeError(text.to_owned()))
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Probe::Tcp(port) => write!(f, "{}/{port}", Protocol::TCP),
            Probe::Udp(port) => write!(f, "{}/{port}", Protocol::UDP),
            Probe::Ping => write!(f, "{}", Protocol::ICMP),
        }
    }
}

/// What became of a request and of the reply to it.
#[must_use = "an exchange says nothing until something is claimed about it"]
#[non_exhaustive]
pub struct Exchange {
    asked: EndpointId,
    /// The request.
    pub request: FrameResult,
    /// What the receiver answered; `None` where nothing arrived.
    pub reply: Option<FrameResult>,
}

impl Exchange {
    /// True where the request reached the endpoint that was asked, and not another one with its address.
    pub fn arrives(&self) -> bool {
        self.request.outcome().verdict == Verdict::Delivered { to: self.asked }
    }

    /// True where the reply came back to the endpoint that asked.
    pub fn returns(&self) -> bool {
        let back = self.reply.as_ref().map(|reply| reply.outcome().verdict);
        self.arrives() && self.request.outcome().from.is_some_and(|to| back == Some(Verdict::Delivered { to }))
    }

    /// Request and reply arrived, each at the other end.
    #[track_caller]
    pub fn goes_both_ways(&self) -> &Exchange {
        self.request.delivered_to(self.asked);
        match (&self.reply, self.request.outcome().from) {
            (Some(reply), Some(from)) => _ = reply.delivered_to(from),
            _ => panic!("claim: the request is answered\n fact: nobody answers it"),
        }
        self
    }

    /// The frame that decides: the reply where the request arrived, else the request.
    pub(super) fn deciding(&self) -> &FrameResult {
        if self.arrives() { self.reply.as_ref().unwrap_or(&self.request) } else { &self.request }
    }
}

/// The port that requests come from: a client's, and not the one that is asked.
fn client_port(asked: u16) -> u16 {
    const CLIENT: u16 = 40_000;
    if asked == CLIENT { CLIENT + 1 } else { CLIENT }
}

impl Lab {
    /// Asks an endpoint for something, from the address of another one, and sends its first answer back: a SYN and what
    /// answers it, two datagrams, or an echo.
    ///
    /// ```
    /// # use biplane::lab::{Lab, Reason};
    /// # let mut lab = Lab::open("scenarios/topologies/shop.toml").unwrap();
    /// lab.connect("i-web-1", "rm-orders", "tcp/3306").goes_both_ways();
    /// lab.connect("i-web-2", "rm-orders", "tcp/3306").request.dropped(Reason::WhitelistDeny);
    /// ```
    ///
    /// # Panics
    /// The topology has no such endpoint, one of them has no address of its own, or `probe` cannot be read.
    #[track_caller]
    pub fn connect<'a>(
        &mut self,
        from: impl Into<EndpointRef<'a>>,
        to: impl Into<EndpointRef<'a>>,
        probe: &str,
    ) -> Exchange {
        let (from, to) = (known(self.topology().find(from)), known(self.topology().find(to)));
        for end in [from, to] {
            if !self.has_address(end) {
                panic!("`{}` has no address of its own: send a packet with `Lab::send`", self.topology().name_of(end));
            }
        }
        match probe.parse() {
            Ok(probe) => self.exchange(from, to, probe),
            Err(error) => panic!("{error}"),
        }
    }

    /// True for instances and services that are still there.
    pub(super) fn has_address(&self, id: EndpointId) -> bool {
        let kind = self.topology().program.endpoint(id).kind;
        matches!(kind, EndpointKind::Instance | EndpointKind::Service { .. })
    }

    pub(super) fn exchange(&mut self, from: EndpointId, to: EndpointId, probe: Probe) -> Exchange {
        let [source, destination] = [from, to].map(|id| self.topology().program.endpoint(id).address);
        let ends = |port| (SocketAddrV4::new(source, client_port(port)), SocketAddrV4::new(destination, port));
        let packet = match probe {
            Probe::Tcp(port) => PacketBuilder::tcp(ends(port).0, ends(port).1).syn(),
            Probe::Udp(port) => PacketBuilder::udp(ends(port).0, ends(port).1),
            Probe::Ping => PacketBuilder::icmp_echo(source, destination, 1, 1),
        };
        let request = self.send(from, packet);
        let reply = request.reply().map(|(receiver, packet)| self.send(receiver, packet));
        Exchange { asked: to, request, reply }
    }
}

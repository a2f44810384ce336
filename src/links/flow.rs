//! What passes from one end to another: ranges of destination ports, protocol by protocol.

use crate::net::Protocol;
use std::fmt;

/// What passes, for every protocol that is told apart; `None` stands for those that no rule names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PassingPorts(Vec<(Option<Protocol>, OpenPorts)>);

/// Disjoint and ascending, with a gap between each and the next.
type OpenPorts = Vec<(u16, u16)>;

/// What stands for all that protocols without ports carry, too.
pub(super) const EVERY_PORT: (u16, u16) = (0, u16::MAX);

impl PassingPorts {
    /// Adds a protocol that was asked about; nothing of it passes yet.
    pub(super) fn add_protocol(&mut self, protocol: Option<Protocol>) {
        self.0.push((protocol, Vec::new()));
    }

    /// Lets ports of the last protocol pass that lie above those which do.
    pub(super) fn open(&mut self, (first, last): (u16, u16)) {
        let Some((_, ports)) = self.0.last_mut() else { return };
        match ports.last_mut() {
            Some(open) if u32::from(first) == u32::from(open.1) + 1 => open.1 = last,
            _ => ports.push((first, last)),
        }
    }

    /// Lets pass what passes in `other`, too: the same protocols were asked about, or others.
    pub(crate) fn join(&mut self, other: &PassingPorts) {
        for (protocol, ports) in &other.0 {
            match self.0.iter_mut().find(|(known, _)| known == protocol) {
                Some((_, known)) => *known = joined([&known[..], ports].concat()),
                None => self.0.push((*protocol, ports.clone())),
            }
        }
        // Those that no rule names come last.
        self.0.sort_by_key(|(protocol, _)| (protocol.is_none(), *protocol));
    }

    /// True where nothing passes.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|(_, ports)| ports.is_empty())
    }
}

fn joined(mut ports: OpenPorts) -> OpenPorts {
    ports.sort_unstable();
    let mut joined: OpenPorts = Vec::with_capacity(ports.len());
    for (first, last) in ports {
        match joined.last_mut() {
            Some(open) if u32::from(first) <= u32::from(open.1) + 1 => open.1 = open.1.max(last),
            _ => joined.push((first, last)),
        }
    }
    joined
}

/// `everything`, or `tcp/443, icmp`.
impl fmt::Display for PassingPorts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.is_empty() && self.0.iter().all(|(_, ports)| ports[..] == [EVERY_PORT]) {
            return f.write_str("everything");
        }
        let mut separator = "";
        for (protocol, ports) in &self.0 {
            let name = protocol.map_or("other protocols".to_owned(), |protocol| protocol.to_string());
            for (first, last) in ports {
                match (*first, *last) {
                    EVERY_PORT => write!(f, "{separator}{name}")?,
                    (first, last) if first == last => write!(f, "{separator}{name}/{first}")?,
                    (first, last) => write!(f, "{separator}{name}/{first}-{last}")?,
                }
                separator = ", ";
            }
        }
        Ok(())
    }
}

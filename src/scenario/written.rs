//! A scenario file of one replay, as text.

use super::expect::{Count, ReplayExpectation};
use crate::text::quoted;
use std::fmt::{Display, Write};
use std::net::Ipv4Addr;

/// A scenario that replays one capture and expects what is known to happen.
pub struct ReplayScenario<'a> {
    /// What it shows.
    pub title: &'a str,
    /// The topology file, from the folder of the scenario.
    pub topology: &'a str,
    /// The capture, or a folder of captures, from there.
    pub capture: &'a str,
    /// Source addresses and the endpoints that their frames enter by.
    pub inject: &'a [(Ipv4Addr, String)],
    /// Addresses of the capture and those that replace them.
    pub map: &'a [(Ipv4Addr, Ipv4Addr)],
    /// Whether a TCP flow must begin with a bare SYN.
    pub strict_tcp: bool,
    /// What is expected.
    pub holds: &'a ReplayExpectation,
}

impl ReplayScenario<'_> {
    /// The text of the file.
    pub fn text(&self) -> String {
        let mut text = format!("title = {}\ntopology = {}\n", quoted(self.title), quoted(self.topology));
        let mut replay = format!("capture = {}", quoted(self.capture));
        let addresses = |pairs: &mut dyn Iterator<Item = (Ipv4Addr, String)>| {
            let entries: Vec<String> =
                pairs.map(|(address, value)| format!("\"{address}\" = {}", quoted(&value))).collect();
            entries.join(", ")
        };
        if !self.inject.is_empty() {
            let _ = write!(replay, ", inject = {{ {} }}", addresses(&mut self.inject.iter().cloned()));
        }
        if !self.map.is_empty() {
            let mut map = self.map.iter().map(|(from, to)| (*from, to.to_string()));
            let _ = write!(replay, ", map = {{ {} }}", addresses(&mut map));
        }
        if self.strict_tcp {
            replay += ", strict_tcp = true";
        }
        let _ = write!(text, "\n[[step]]\nreplay = {{ {replay} }}\n");
        let ReplayExpectation { delivered, dropped, answered, outside, undetermined, emitted, .. } = self.holds;
        // An `expect` has to be there, and says more where it is empty than where it is not.
        let _ = writeln!(text, "expect.delivered = {}", counts(delivered));
        let _ = writeln!(text, "expect.dropped = {}", counts(dropped));
        let totals =
            [("answered", answered), ("outside", outside), ("undetermined", undetermined), ("emitted", emitted)];
        for (key, count) in totals.into_iter().filter(|(_, count)| count.value != 0) {
            let _ = writeln!(text, "expect.{key} = {}", count.value);
        }
        text
    }
}

fn counts<T: Display>(counts: &[Count<T>]) -> String {
    let entry = |count: &Count<T>| format!("{} = {}", toml_key(&count.of.value.to_string()), count.count.value);
    match counts {
        [] => "{}".to_owned(),
        _ => format!("{{ {} }}", counts.iter().map(entry).collect::<Vec<_>>().join(", ")),
    }
}

/// Returns an id as a key of TOML, in quotes where it has to be.
pub(crate) fn toml_key(id: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !id.is_empty() && id.bytes().all(is_bare) { id.to_owned() } else { quoted(id) }
}

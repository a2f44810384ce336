//! The keys of topology and scenario files: what the reader knows, and the JSON Schemas that editors read.
//!
//! Each table of a file has one list of its keys here. The reader refuses what is not in the list, and the schema is
//! made of it, so that the two cannot name different keys. What a value must be is held against the reader by a test,
//! which gives each key a value of each type.

mod generate;
mod scenario;
#[cfg(test)]
mod tests;
mod topology;

pub use generate::{scenario_schema, topology_schema};
#[cfg(test)]
use scenario::CLAIM;
pub(super) use scenario::{EMITTED, EXPECT_REPLAY, EXPECT_SEND, FRAME, REPLAY, SCENARIO, SEND, STEP};
pub(super) use topology::{
    ABOUT, BANDWIDTH, DEFAULTS, FABRIC, GATEWAY, INSTANCE, LATENCY, PEERING, ROUTE, ROUTE_TABLE, RULE, SECTIONS,
    SECURITY_GROUP, SERVICE, SESSIONS, TEMPLATE, VPC, VSWITCH,
};

/// A key of a table.
#[derive(Clone, Copy)]
pub(super) struct KeySpec {
    pub(super) name: &'static str,
    shape: Shape,
    is_required: bool,
    /// What it means, in a sentence for editors.
    says: &'static str,
}

/// What a value is.
#[derive(Clone, Copy)]
enum Shape {
    /// Any string.
    Text,
    /// A string that is not empty.
    Name,
    /// A string of this form.
    Form(&'static str),
    /// One of a few words.
    Words(fn() -> Vec<&'static str>),
    Boolean,
    Integer {
        least: u64,
        most: u64,
    },
    /// A number, whole or not, 0 or more.
    Amount,
    List(&'static Shape),
    /// A list of two.
    Pair(&'static Shape),
    /// A table with these keys.
    Table(&'static [KeySpec]),
    /// A table with keys of its own for values of one kind.
    ById(&'static Shape),
    /// Any of these.
    Either(&'static [Shape]),
    /// A whole topology.
    Topology,
    /// One step of a scenario.
    Step,
    /// A change of the world, or a question about it.
    Operation,
    /// What becomes of one frame of a capture.
    Frame,
    /// Rules, which need the key of their peer: `source` or `destination`.
    Rules(&'static str),
}

/// The names of keys, in their order.
pub(super) const fn names<const N: usize>(keys: &[KeySpec; N]) -> [&'static str; N] {
    let mut names = [""; N];
    let mut at = 0;
    while at < N {
        names[at] = keys[at].name;
        at += 1;
    }
    names
}

/// Two lists as one.
const fn joined<const N: usize, const M: usize, const L: usize>(
    some: [KeySpec; N],
    more: [KeySpec; M],
) -> [KeySpec; L] {
    assert!(L == N + M, "all of both");
    let mut all = [some[0]; L];
    let mut at = 0;
    while at < L {
        all[at] = if at < N { some[at] } else { more[at - N] };
        at += 1;
    }
    all
}

/// A key that may be left out.
const fn optional(name: &'static str, shape: Shape, says: &'static str) -> KeySpec {
    KeySpec { name, shape, is_required: false, says }
}

/// A key that must be there.
const fn required(name: &'static str, shape: Shape, says: &'static str) -> KeySpec {
    KeySpec { name, shape, is_required: true, says }
}

const ADDRESS: Shape = Shape::Form(r"^[0-9]{1,3}(\.[0-9]{1,3}){3}$");

/// An address or a CIDR.
const CIDR: Shape = Shape::Form(r"^[0-9]{1,3}(\.[0-9]{1,3}){3}(/[0-9]{1,2})?$");

const CIDRS: Shape = Shape::List(&CIDR);

const PORTS: Shape = Shape::Form(r"^(-1(/-1)?|[0-9]{1,5}(/[0-9]{1,5})?)$");

const PROTOCOL: Shape = Shape::Either(&[Shape::Text, Shape::Integer { least: 0, most: 255 }]);

/// The id of an object.
const ID: Shape = Shape::Text;

const IDS: Shape = Shape::List(&ID);

const COUNT: Shape = Shape::Integer { least: 0, most: u64::MAX };

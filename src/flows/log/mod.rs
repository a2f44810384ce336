//! Flow logs held against a topology: what the cloud recorded at the ENIs of a VPC, and what the model says about the same
//! packets.
//!
//! [`compare`](fn@compare) reads logs of SLS, JSON or CSV, told apart by content, plain or compressed. A record becomes synthetic
//! packets: one when it starts, one when it ends where it counts more than one, and as many between as keep a session of
//! its protocol. A fabric forwards them in the order of time. A record is judged by its first packet, at the ENI that made
//! it.
//!
//! | record | the model must |
//! |---|---|
//! | out, REJECT | refuse the packet by the egress groups of the ENI's endpoint |
//! | out, ACCEPT | let it out, whatever becomes of it then |
//! | in, ACCEPT | deliver it there; a whitelist stands behind the ENI |
//! | in, REJECT | refuse it by the ingress groups of the ENI's endpoint, and bring it there |
//!
//! An answer that the cloud let pass is spared the groups, as a session does; where the model refuses what it answers, that
//! is told once: at the record of the opening, or of the answer where the far end has no records. Which end opened a connection
//! is told by TCP flags, earlier records, refusals and ports; a disagreement that rests on a guess is told as explained.
//!
//! Memory is bounded, whatever the size and order of the logs. Records are sorted by time in temporary files of 65,536
//! each. 262,144 flows are remembered from one record to the next, and as many records may be under way at one time:
//! packets of others between their first and last are left out, and counted.
//!
//! Our choices, where nothing is documented: flows are known for 910 seconds after their last packet, the vendor's longest
//! timeout. A record without `start` begins at its `end`, and one without `packets` counts one. Stamps are seconds.

mod compare;
mod error;
mod fields;
mod frame;
mod input;
mod judge;
mod objects;
mod observe;
mod opener;
mod place;
mod record;
#[cfg(test)]
mod tests;
mod written;

pub use compare::{CompareError, ComparedLogs, ComparisonSinks, compare};
pub use error::{FlowLogError, FlowLogProblem};

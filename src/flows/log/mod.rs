//! Flow logs held against a topology.

mod error;
mod fields;
mod input;
mod objects;
mod place;
mod record;

pub use error::{FlowLogError, FlowLogProblem};

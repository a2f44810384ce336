//! Flow logs held against a topology.

mod error;
mod fields;
mod input;
mod objects;

pub use error::{FlowLogError, FlowLogProblem};

//! Flow logs held against a topology.

mod error;
mod fields;
mod frame;
mod input;
mod objects;
mod observe;
mod opener;
mod place;
mod record;

pub use error::{FlowLogError, FlowLogProblem};

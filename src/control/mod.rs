//! The vendor's operations on the world: their preconditions, their error codes, and what they change.
//!
//! An operation is planned and then carried out. [`plan`] holds every precondition against a world that it cannot
//! change, in the order of the vendor's table of errors, and gives the first refusal or a [`Change`];
//! [`Change::carry_out`] cannot fail, keeps the world free of errors of [`crate::check`], and tells what it
//! [touched](crate::model::Touched). So an operation that is refused leaves everything as it was. What preconditions
//! have to count stands in a [`Census`], so that an operation costs in proportion to what it changes, not to the
//! world.
//!
//! Operations take effect at once: no instance is ever seen starting or stopping because of one.

mod census;
mod change;
mod classiclink;
mod instances;
mod operation;
mod source;

pub use crate::check::{Refusal, RefusalRecord};
pub use census::Census;
pub use change::Change;
pub use operation::Operation;

use crate::diag::Span;
use crate::model::World;
use change::Edit;

/// Decides `operation` in `world`, of which `census` was made. `place` is where the operation stands in a file, or
/// [`Span::NONE`]: the place of what it adds.
///
/// # Errors
/// A precondition fails; the refusal bears the vendor's code.
pub fn plan(world: &World, census: &Census, operation: &Operation, place: Span) -> Result<Change, Refusal> {
    let desk = Desk { world, census };
    let edits = match operation {
        Operation::Enable { vpc } => desk.enable(vpc)?,
        Operation::Disable { vpc } => desk.disable(vpc)?,
        Operation::Attach { instance, vpc } => desk.attach(instance, vpc)?,
        Operation::Detach { instance, vpc } => desk.detach(instance, vpc)?,
        Operation::Start { instance } => desk.start(instance)?,
        Operation::Stop { instance } => desk.stop(instance)?,
    };
    Ok(Change::new(edits, place))
}

/// Where operations are decided: each of its methods tests the preconditions of one.
struct Desk<'w> {
    world: &'w World,
    census: &'w Census,
}

/// What one operation comes to.
type Decision = Result<Vec<Edit>, Refusal>;

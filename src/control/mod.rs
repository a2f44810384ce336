//! The vendor's operations on the world: their preconditions, their error codes, and what they change.
//!
//! An operation is planned and then carried out. [`plan`] holds every precondition against a world that it cannot
//! change, in the order of the vendor's table of errors, and gives the first refusal or a [`Change`];
//! [`Change::carry_out`] cannot fail, keeps the world free of errors of [`crate::check`], and tells what it
//! [touched](crate::model::ChangeSet). So an operation that is refused leaves everything as it was. What preconditions
//! have to count stands in a [`WorldIndex`], so that an operation costs in proportion to what it changes, not to the
//! world.
//!
//! Operations take effect at once: no instance is ever seen starting or stopping because of one.
//!
//! ```
//! use biplane::control::Operation;
//! use biplane::lab::Lab;
//!
//! let mut lab = Lab::open("scenarios/topologies/shop.toml")?;
//! lab.apply(&Operation::Stop { instance: "i-web-1".to_owned() })?;
//! let again: Operation = "stop i-web-1".parse()?;
//! assert_eq!(lab.apply(&again).unwrap_err().code(), "IncorrectInstanceStatus");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod change;
mod cidrs;
mod classiclink;
mod describe;
mod groups;
mod instances;
mod into_vpc;
mod operation;
mod routes;
mod rules;
mod services;

pub use crate::check::Refusal;
#[doc(hidden)]
pub use crate::check::RefusalRecord;
#[doc(hidden)]
pub use crate::model::{Direction, NicType, Policy};
#[doc(hidden)]
pub use change::Change;
pub(crate) use classiclink::link_in_any_case;
#[doc(hidden)]
pub use describe::describe;
#[doc(hidden)]
pub use describe::{Link, LinkPage, LinkQuery};
pub use operation::Operation;
#[doc(hidden)]
pub use operation::{ClassicLinkMode, ClassicLinkRule, PeerRequest, RuleRequest, WhitelistChange};

use crate::check::{Checked, link};
use crate::diag::Span;
use crate::model::{World, WorldIndex};
use change::Edit;

/// Every way in which an operation can be refused, a code as often as it has causes.
pub fn refusals() -> impl Iterator<Item = &'static RefusalRecord> {
    let by_file: [&[&RefusalRecord]; 10] = [
        link::RECORDS,
        classiclink::RECORDS,
        describe::RECORDS,
        instances::RECORDS,
        into_vpc::RECORDS,
        cidrs::RECORDS,
        routes::RECORDS,
        rules::RECORDS,
        groups::RECORDS,
        services::RECORDS,
    ];
    by_file.into_iter().flatten().copied()
}

/// Decides `operation` in `world`. `place` is where the operation stands in a file, or
/// [`Span::NONE`]: the place of what it adds.
///
/// # Errors
/// A precondition fails; the refusal bears the vendor's code.
#[doc(hidden)]
pub fn plan(world: &Checked, operation: &Operation, place: Span) -> Result<Change, Refusal> {
    let planner = Planner { world, index: world.index(), place };
    let edits = match operation {
        Operation::Enable { vpc } => planner.enable(vpc),
        Operation::Disable { vpc } => planner.disable(vpc),
        Operation::Attach { instance, vpc } => planner.attach(instance, vpc),
        Operation::Detach { instance, vpc } => planner.detach(instance, vpc),
        Operation::Start { instance } => planner.start(instance),
        Operation::Stop { instance } => planner.stop(instance),
        Operation::Restart { instance } | Operation::HotMigrate { instance } => planner.keep_running(instance),
        Operation::ColdMigrate { instance } => planner.cold_migrate(instance),
        Operation::ReplaceSystemDisk { instance } => planner.replace_system_disk(instance),
        Operation::AddGuestRoute { instance, destination } => planner.add_guest_route(instance, *destination),
        Operation::Transfer { instance, account, security_groups } => {
            planner.transfer(instance, account, security_groups)
        }
        Operation::Release { instance, force } => planner.release(instance, *force),
        Operation::MigrateIntoVpc { instance, vswitch, private_ip, security_groups } => {
            planner.migrate_into_vpc(instance, vswitch, *private_ip, security_groups)
        }
        Operation::ModifyPrimaryCidr { vpc, cidr } => planner.modify_primary_cidr(vpc, *cidr),
        Operation::AssociateSecondaryCidr { vpc, cidr } => planner.associate_secondary_cidr(vpc, *cidr),
        Operation::UnassociateSecondaryCidr { vpc, cidr } => planner.unassociate_secondary_cidr(vpc, *cidr),
        Operation::AddRoute { table, destination, next_hop } => planner.add_route(table, *destination, next_hop),
        Operation::RemoveRoute { table, destination } => planner.remove_route(table, *destination),
        Operation::Authorize { group, direction, rule } => planner.authorize(group, *direction, rule),
        Operation::Revoke { group, direction, rule } => planner.revoke(group, *direction, rule),
        Operation::AuthorizeClassicLink(rule) => planner.authorize_classic_link(rule),
        Operation::Join { instance, group } => planner.join(instance, group),
        Operation::Leave { instance, group } => planner.leave(instance, group),
        Operation::ChangeWhitelist { service, change } => planner.change_whitelist(service, change),
    }?;
    Ok(Change::new(edits, place))
}

/// Where operations are decided: each of its methods tests the preconditions of one.
struct Planner<'w> {
    world: &'w World,
    index: &'w WorldIndex,
    /// The place of what the operation adds.
    place: Span,
}

/// What one operation comes to.
type PlanDecision = Result<Vec<Edit>, Refusal>;

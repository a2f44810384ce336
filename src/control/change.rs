//! What an accepted operation does to the world: decided against a world that nobody can change meanwhile, done
//! without a way to fail.

use super::census::Census;
use crate::check::Checked;
use crate::diag::{Span, Spanned};
use crate::model::{Instance, InstanceState, Key, Touched, Vpc};

/// An operation that was accepted and is yet to be carried out.
#[derive(Debug)]
#[must_use = "the world is as it was until the change is carried out"]
pub struct Change {
    edits: Vec<Edit>,
    /// Where the operation stands in a file, if it stands in one: the place of what it adds.
    place: Span,
}

/// One step of a change.
#[derive(Debug)]
pub(super) enum Edit {
    Switch(Key<Vpc>, bool),
    Link(Key<Instance>, Key<Vpc>),
    Unlink(Key<Instance>),
    State(Key<Instance>, InstanceState),
}

impl Change {
    pub(super) fn new(edits: Vec<Edit>, place: Span) -> Change {
        Change { edits, place }
    }

    /// Changes `world`, which the operation was planned for, and the census of it; tells what was touched.
    pub fn carry_out(self, world: &mut Checked, census: &mut Census) -> Touched {
        let mut touched = Touched::default();
        let place = self.place;
        let world = world.world_mut();
        for edit in self.edits {
            match edit {
                Edit::Switch(vpc, on) => {
                    world.vpcs[vpc].classic_link = Spanned::new(on, place);
                    touched.vpcs.push(vpc);
                }
                Edit::Link(instance, vpc) => {
                    world.instances[instance].linked_vpc = Some(Spanned::new(vpc, place));
                    census.link(instance, vpc);
                    touched.instances.push(instance);
                }
                Edit::Unlink(instance) => {
                    if let Some(vpc) = world.instances[instance].linked_vpc.take() {
                        census.unlink(instance, vpc.value);
                    }
                    touched.instances.push(instance);
                }
                Edit::State(instance, state) => {
                    world.instances[instance].state = Spanned::new(state, place);
                    touched.instances.push(instance);
                }
            }
        }
        touched
    }
}

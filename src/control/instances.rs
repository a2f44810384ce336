//! The life of an instance. Whatever happens to it here, its link stays.

use super::change::Edit;
use super::{Decision, Desk, Refusal, RefusalRecord, source};
use crate::model::{Instance, InstanceState, Key};

static NO_INSTANCE: RefusalRecord = RefusalRecord {
    code: "InvalidInstanceId.NotFound",
    status: Some(404),
    also: &[],
    summary: "no such instance",
    help: "name an instance of the topology that was not released",
    source: source::START,
};

static STATUS: RefusalRecord = RefusalRecord {
    code: "IncorrectInstanceStatus",
    status: Some(403),
    also: &[],
    summary: "the instance's state does not allow the operation",
    help: "start or stop the instance first, as the operation needs it",
    source: source::START,
};

impl Desk<'_> {
    fn ecs(&self, id: &str) -> Result<(Key<Instance>, &Instance), Refusal> {
        let key = self.world.instances.find(id);
        let key = key.ok_or_else(|| NO_INSTANCE.because(format!("there is no instance `{id}`")))?;
        Ok((key, &self.world.instances[key]))
    }

    /// An instance in the one state that the operation takes.
    fn in_state(&self, id: &str, state: InstanceState) -> Result<Key<Instance>, Refusal> {
        let (key, instance) = self.ecs(id)?;
        if *instance.state == state {
            return Ok(key);
        }
        let message = format!("`{id}` is {}, not {}", instance.state.name(), state.name());
        Err(STATUS.because(message))
    }

    pub(super) fn start(&self, instance: &str) -> Decision {
        let key = self.in_state(instance, InstanceState::Stopped)?;
        Ok(vec![Edit::State(key, InstanceState::Running)])
    }

    pub(super) fn stop(&self, instance: &str) -> Decision {
        let key = self.in_state(instance, InstanceState::Running)?;
        Ok(vec![Edit::State(key, InstanceState::Stopped)])
    }
}

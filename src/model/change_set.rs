//! What a change of the world touched, so that what was built from the world need not be built anew as a whole.

use super::{Instance, Key, SecurityGroup, Service, Vpc, World};

/// The objects that one change of the world touched. Objects not named here are as they were. A key whose object is no
/// longer in the world's table is that of an object that was released.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeSet {
    /// Instances whose state, link, guest routes, groups, place, address or account changed.
    pub instances: Vec<Key<Instance>>,
    /// Services whose whitelist changed.
    pub services: Vec<Key<Service>>,
    /// VPCs whose ClassicLink switch or CIDRs, or whose routes in any of their tables, changed.
    pub vpcs: Vec<Key<Vpc>>,
    /// Groups whose rules changed.
    pub rules_of: Vec<Key<SecurityGroup>>,
    /// Groups whose members, or the addresses of their members, changed.
    pub members_of: Vec<Key<SecurityGroup>>,
}

impl ChangeSet {
    /// Names every object that `world` has or had.
    pub fn everything(world: &World) -> ChangeSet {
        ChangeSet {
            instances: world.instances.all_keys().collect(),
            services: world.services.all_keys().collect(),
            vpcs: world.vpcs.all_keys().collect(),
            rules_of: world.security_groups.all_keys().collect(),
            members_of: world.security_groups.all_keys().collect(),
        }
    }

    /// Names each object once, in the order of the world's tables.
    pub(crate) fn tidy(&mut self) {
        fn tidy<T>(keys: &mut Vec<Key<T>>) {
            keys.sort_unstable();
            keys.dedup();
        }
        tidy(&mut self.instances);
        tidy(&mut self.services);
        tidy(&mut self.vpcs);
        tidy(&mut self.rules_of);
        tidy(&mut self.members_of);
    }

    /// True where the world is as it was.
    pub fn is_nothing(&self) -> bool {
        *self == ChangeSet::default()
    }
}

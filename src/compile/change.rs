//! The next snapshot: what a change touched is derived from the world anew and written over what was there.

use super::Compiler;
use crate::model::{Key, Touched, Vpc};
use crate::program::Domain;

impl Compiler<'_> {
    /// Brings everything up to date that `touched` names. Members of groups follow from their instances.
    pub(super) fn change(&mut self, touched: &Touched) {
        for key in &touched.vpcs {
            self.change_vpc(*key);
        }
        for key in &touched.rules_of {
            self.change_rules(*key);
        }
        for key in &touched.instances {
            self.change_instance(*key);
        }
        for key in &touched.services {
            self.change_service(*key);
        }
    }

    fn change_vpc(&mut self, key: Key<Vpc>) {
        self.change_routes(key);
        let on = self.world.vpcs[key].classic_link.value;
        if let Domain::Vpc(vpc) = self.program.domains.get_mut(Self::vpc_domain(key).index()) {
            vpc.classic_link = on;
        }
    }
}

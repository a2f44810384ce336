//! The next snapshot: what a change touched is derived from the world anew and written over what was there.

use super::Compiler;
use crate::model::{Key, Touched, Vpc};
use crate::program::Domain;
use std::net::Ipv4Addr;

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

    /// What links reach comes first: it follows from the primary CIDR that the program still has.
    fn change_vpc(&mut self, key: Key<Vpc>) {
        self.change_reach_of_links(key);
        self.change_routes(key);
        let vpc = &self.world.vpcs[key];
        let without_vswitches = self.speaker_without_vswitches(key);
        if let Domain::Vpc(compiled) = self.program.domains.get_mut(Self::vpc_domain(key).index()) {
            compiled.classic_link = vpc.classic_link.value;
            compiled.primary = vpc.cidr.value;
            compiled.secondary = super::secondary_cidrs(vpc);
            compiled.speaker = without_vswitches.unwrap_or(compiled.speaker);
        }
    }

    /// What a VPC speaks as where none of its vSwitches does: an address of its primary CIDR.
    fn speaker_without_vswitches(&self, key: Key<Vpc>) -> Option<Ipv4Addr> {
        let local = self.program.vpc(Self::vpc_domain(key))?.local;
        let has_vswitches = self.program.tables.routes(local).next().is_some();
        (!has_vswitches).then(|| super::speaker_of(self.world.vpcs[key].cidr.value))
    }
}

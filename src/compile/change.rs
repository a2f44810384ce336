//! The next snapshot: what a change touched is derived from the world anew and written over what was there.
//!
//! # What a change costs
//!
//! The clones of program and names that a snapshot begins with copy 8 bytes for each page of entries, and what is
//! touched copies its page, so a change costs in proportion to what it touches. `cargo bench --bench world` on one core
//! of a server, with a reader on the snapshot before and without one; memory is what each snapshot that is kept adds:
//!
//! | | 10,000 endpoints | 1,000,000 endpoints | kept |
//! |---|---|---|---|
//! | a link, the state of an instance | 4 to 15 µs | 20 to 50 µs | 0.35 MB |
//! | a rule of a group | 10 to 50 µs | 30 to 70 µs | 0.4 MB |
//! | a rule of a group that is in 60 sets of groups | 30 to 70 µs | 70 to 140 µs | 0.4 MB |
//! | a route in a table of 200 | 40 to 60 µs | 70 to 130 µs | 0.4 MB |
//! | joining or leaving a group of 65,000, of 650 in the smaller world | 20 to 40 µs | 90 to 180 µs | 0.8 MB |
//! | release of an instance | 6 µs | 28 µs | |
//!
//! What grows with something all the same:
//! - the bytes copied for pages: a third of a megabyte with a million endpoints;
//! - a rule, with the rules of its list, 200 at most, and with the sets of groups that hold its group, a tenth of a
//!   microsecond each. The merged list is compiled by the first packet that asks: 0.15 ms for 200 rules, 0.6 ms for
//!   1,000 (see [`GroupAcl`](crate::program::GroupAcl));
//! - a route, with the custom entries of all tables of its VPC, 2,000 at most;
//! - a membership, with the members of its group, which stand in one row;
//! - after some thousands of changed route tables, the one change that empties a mostly dead slab of them looks at
//!   every table.

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
        self.change_link_table(key);
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

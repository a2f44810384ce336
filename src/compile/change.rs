//! Writing objects: what is touched is derived from the world anew and written over what the program has of it. The
//! first snapshot touches everything.
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
use crate::model::ChangeSet;

impl Compiler<'_> {
    /// Writes every object that `touched` names, as the world has it now, over what the program has of it, if anything.
    /// VPCs come first, as their tables are looked up by what lives in them; members of groups follow from their
    /// instances. In an empty program, endpoints get the next ids in turn, so `touched` names all.
    pub(super) fn write(&mut self, touched: &ChangeSet) {
        for key in &touched.vpcs {
            self.write_vpc(*key);
        }
        for key in &touched.rules_of {
            self.write_rules(*key);
        }
        for key in &touched.instances {
            self.write_instance(*key);
        }
        for key in &touched.services {
            self.write_service(*key);
        }
    }
}

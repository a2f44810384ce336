//! Stage by stage: every reason a frame can be dropped for, beside a twin that differs in one thing and passes; what
//! delivered frames look like; which of two causes is the reason.

mod beyond;
mod blockers;
mod breakages;
mod bridge;
mod deliver;
mod destination;
#[expect(dead_code, reason = "these tests need some edits only")]
#[path = "../support/world.rs"]
mod edited;
mod fragments;
mod ingress;
mod isolation;
mod legs;
mod order;
mod order_beyond;
mod parse;
mod route;
mod sessions;
mod unknown;
mod vendor_vectors;
mod world;

use biplane::diag::Reason;
use std::fs;
use std::path::Path;

#[test]
fn every_reason_is_tripped_by_a_test_of_this_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stages");
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        text += &fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    for reason in Reason::ALL {
        let name = format!("Reason::{reason:?}");
        let is_whole = |(at, _)| !text[at + name.len()..].starts_with(char::is_alphanumeric);
        assert!(text.match_indices(&name).any(is_whole), "{reason}");
    }
}

//! Every target of `fuzz/` over its seeds: what the fuzzer begins with, and what it once found.

#[path = "../../fuzz/src/targets/mod.rs"]
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use targets::{find, seeds};

/// Runs a target over its seeds; at a failure the seed is named.
fn over_its_seeds(name: &str) {
    let target = find(name).expect("a target of that name");
    let seeds = seeds(target);
    assert!(!seeds.is_empty(), "{name} has no seeds");
    for seed in seeds {
        let tried = catch_unwind(AssertUnwindSafe(|| (target.run)(&seed.bytes)));
        assert!(tried.is_ok(), "{name} fails over {}", seed.path.display());
    }
}

/// A test for each target, by its name.
macro_rules! targets {
    ($($test:ident $name:literal)*) => {
        $(#[test]
        fn $test() {
            over_its_seeds($name);
        })*

        #[test]
        fn every_target_has_a_test() {
            let tested = [$($name),*];
            assert!(targets::TARGETS.iter().map(|target| target.name).eq(tested));
        }
    };
}

targets! {
    access_lists_decide_as_the_walk "access-lists"
    captures_are_read_alike_in_any_pieces "capture"
    packets_of_any_link_type_become_ethernet "framings"
    what_is_imported_always_loads "import"
    frames_one_by_one_in_bursts_and_traced_are_the_same "lab"
    topologies_in_json_and_yaml_are_read_alike_and_shown "notations"
    claims_are_read_and_held "reach"
    replays_are_alike_for_any_workers "replay"
    routes_are_found_as_in_the_golden_table "routes"
    scenarios_are_read_and_run "scenario"
    sessions_are_kept_as_in_a_map "sessions"
    topologies_are_read_as_toml_and_shown "topology"
    frames_are_parsed_as_another_parser_does "wire"
    words_are_read_and_shown "words"
}

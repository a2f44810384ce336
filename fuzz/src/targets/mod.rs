//! What is fuzzed: one function for each target, which panics where the library does something wrong. The fuzzer and
//! `cargo test` call the same ones; README.md says how.

mod access_lists;
mod capture;
mod framings;
mod import;
mod input;
mod lab;
mod reach;
mod replay;
mod routes;
mod scenario;
mod seeds;
mod sessions;
mod topology;
mod wire;
mod words;

pub(crate) use seeds::seeds;

/// One thing that is fuzzed.
pub(crate) struct Target {
    /// What it is called: its program, and its folder of seeds.
    pub(crate) name: &'static str,
    /// Tries one input.
    pub(crate) run: fn(&[u8]),
    /// Folders of the repository whose files are seeds too.
    pub(crate) also: &'static [&'static str],
}

const fn target(name: &'static str, run: fn(&[u8]), also: &'static [&'static str]) -> Target {
    Target { name, run, also }
}

/// All of them, by name.
pub(crate) const TARGETS: [Target; 14] = [
    target("access-lists", access_lists::decide_as_the_walk, &[]),
    target("capture", capture::read_alike_in_any_pieces, &["pcaps"]),
    target("framings", framings::become_ethernet, &[]),
    target("import", import::always_loads, &[]),
    target("lab", lab::one_by_one_in_bursts_and_traced, &[]),
    target("notations", topology::read_as_json_and_yaml_and_shown, &[]),
    target("reach", reach::read_claims_and_hold_them, &[]),
    target("replay", replay::alike_for_any_workers, &["pcaps"]),
    target("routes", routes::found_as_in_the_golden_table, &[]),
    target("scenario", scenario::read_and_run, &["scenarios"]),
    target("sessions", sessions::kept_as_in_a_map, &[]),
    target("topology", topology::read_as_toml_and_shown, &["scenarios/topologies"]),
    target("wire", wire::parsed_as_another_parser_does, &[]),
    target("words", words::read_and_shown, &[]),
];

/// The target called `name`.
pub(crate) fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

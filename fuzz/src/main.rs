//! The fuzzer: libFuzzer around the target that the environment variable TARGET names.

#![no_main]

mod targets;

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use std::sync::OnceLock;
use std::{env, fs, process};
use targets::{TARGETS, Target, find, seeds};

static TARGET: OnceLock<&'static Target> = OnceLock::new();

fuzz_target!(init: choose(), |data: &[u8]| {
    if let Some(target) = TARGET.get() {
        (target.run)(data);
    }
});

/// Finds the target, and writes its seeds into its corpus.
fn choose() {
    let name = env::var("TARGET").unwrap_or_default();
    let Some(target) = find(&name) else {
        let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!("set TARGET to one of {}", names.join(", "));
        process::exit(2);
    };
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
    fs::create_dir_all(&corpus).expect("a folder for the corpus");
    for seed in seeds(target) {
        let name = seed.path.file_name().expect("a seed is a file");
        fs::write(corpus.join(name), seed.bytes).expect("room for a seed");
    }
    TARGET.get_or_init(|| target);
}

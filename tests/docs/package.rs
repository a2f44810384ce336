//! What `Cargo.toml` promises.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::workspace::root;

/// A version of Rust as numbers that compare: `1.92` and `1.92.0` are one.
fn numbers(version: &str) -> Vec<u32> {
    let mut numbers: Vec<u32> = version.split('.').map(|number| number.parse().unwrap()).collect();
    numbers.resize(3, 0);
    numbers
}

fn packages() -> Vec<Value> {
    let mut cargo = Command::new(env!("CARGO"));
    // What other systems need was not fetched.
    cargo.args([
        "metadata",
        "--format-version",
        "1",
        "--locked",
        "--offline",
        "--filter-platform",
        "x86_64-unknown-linux-gnu",
    ]);
    let output = cargo.current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array_mut().unwrap().drain(..).collect()
}

#[test]
fn the_oldest_rust_is_enough_for_every_package_that_the_tests_build() {
    let oldest = env!("CARGO_PKG_RUST_VERSION");
    for package in packages() {
        if let Some(needed) = package["rust_version"].as_str() {
            let fits = numbers(needed) <= numbers(oldest);
            assert!(fits, "{} {} needs Rust {needed}, Cargo.toml says {oldest}", package["name"], package["version"]);
        }
    }
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains(&format!("\nRust {oldest} or newer")), "the README says another version than {oldest}");
}

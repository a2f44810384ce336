//! How many inputs a property draws.

use proptest::test_runner::Config;

/// So many, or as many as `PROPTEST_CASES` asks for.
pub(crate) fn cases(usual: u32) -> Config {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => Config::default(),
        None => Config::with_cases(usual),
    }
}

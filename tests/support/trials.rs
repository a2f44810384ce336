//! Tests that need something of the machine. What is missing is found before such a test, which is then shown as ignored
//! with the reason.

use libtest_mimic::{Arguments, Completion, Trial};
use std::path::PathBuf;
use std::process::Command;

/// The trials of these modules and functions. Behind `needs` stands what keeps those of the line from running, if anything
/// does.
macro_rules! trials {
    ($($module:ident needs $missing:expr => $($name:ident),+;)+) => {
        vec![$($(crate::trials::trial(
            concat!(stringify!($module), "::", stringify!($name)).to_owned(),
            || $missing,
            $module::$name,
        )),+),+]
    };
}

/// A test that is ignored where something is missing.
pub(crate) fn trial(
    name: String,
    missing: impl FnOnce() -> Option<String> + Send + 'static,
    test: impl FnOnce() + Send + 'static,
) -> Trial {
    let run = || match missing() {
        Some(reason) => Ok(Completion::ignored_with(reason)),
        None => {
            test();
            Ok(Completion::Completed)
        }
    };
    Trial::ignorable_test(name, run)
}

/// Runs what the arguments of the command line choose.
pub(crate) fn run(trials: Vec<Trial>) {
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// What is said of the first of these programs that is not there.
pub(crate) fn programs(names: &[&str]) -> Option<String> {
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    let missing = names.iter().find(|name| !folders.iter().any(|folder| folder.join(name).is_file()))?;
    Some(format!("there is no `{missing}` on this machine"))
}

/// A variable that names a folder.
pub(crate) fn folder(variable: &str) -> Option<String> {
    std::env::var_os(variable).is_none().then(|| format!("{variable} is not set"))
}

/// The Python of these tests: BIPLANE_PYTHON, or `python3`.
pub(crate) fn python() -> Command {
    Command::new(std::env::var_os("BIPLANE_PYTHON").unwrap_or_else(|| "python3".into()))
}

/// What is said of the first of these packages of Python that is not there, or of Python itself.
pub(crate) fn packages(names: &[&str]) -> Option<String> {
    let script = "import importlib.util, sys\n\
                  print(*[name for name in sys.argv[1:] if importlib.util.find_spec(name) is None][:1])";
    let Ok(output) = python().args(["-c", script]).args(names).output() else {
        return Some("there is no Python on this machine: BIPLANE_PYTHON names one".to_owned());
    };
    let missing = String::from_utf8_lossy(&output.stdout);
    let missing = missing.trim();
    (!missing.is_empty() || !output.status.success())
        .then(|| format!("Python has no package `{missing}` on this machine: BIPLANE_PYTHON names another one"))
}

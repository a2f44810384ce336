//! The command line: see [`biplane::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    biplane::cli::main()
}

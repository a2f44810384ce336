//! What can be typed after `schema`, `completions` and `man`.

use clap::{Args, ValueEnum};
use clap_complete::Shell;
use std::path::PathBuf;

pub(in crate::cli) const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  biplane completions bash > ~/.local/share/bash-completion/completions/biplane
  biplane completions zsh > ~/.zfunc/_biplane
  biplane completions fish > ~/.config/fish/completions/biplane.fish
  biplane completions powershell >> $PROFILE";

#[derive(Debug, Args)]
pub(in crate::cli) struct Completions {
    /// The shell.
    pub(in crate::cli) shell: Shell,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Schema {
    /// The kind of file.
    #[arg(value_enum)]
    pub(in crate::cli) of: SchemaOf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum SchemaOf {
    /// Topology files.
    Topology,
    /// Scenario files.
    Scenario,
}

pub(in crate::cli) const SCHEMA_EXAMPLES: &str = "\
Examples:
  biplane schema topology > topology.schema.json
  biplane schema scenario > scenario.schema.json";

pub(in crate::cli) const MAN_EXAMPLES: &str = "\
Examples:
  biplane man | man -l -
  biplane man replay | man -l -
  biplane man ~/.local/share/man/man1";

#[derive(Debug, Args)]
pub(in crate::cli) struct Man {
    /// A command, whose page is printed; or a folder, where the pages of all commands
    /// are written. The page of the program is printed without it.
    #[arg(value_name = "COMMAND|DIR")]
    pub(in crate::cli) what: Option<PathBuf>,
}

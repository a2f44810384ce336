//! What can be typed after `import`.

use super::Format;
use clap::Args;
use std::path::PathBuf;

pub(in crate::cli) const IMPORT_EXAMPLES: &str = "\
Reads raw answers of the vendor's API in any folder, Terraform states and plans
(`terraform show -json`), and a plan over a dump. The topology goes to standard
output, the report to standard error. Exit code: 0 where everything was taken
over or has no place in a topology; 1 where something is missing, in doubt or
was left out; 2 where there is nothing to import.

Examples:
  biplane import --script > dump.sh && sh dump.sh biplane-dump cn-hangzhou
  biplane import biplane-dump -o account.toml
  terraform show -json tfplan > plan.json
  biplane import biplane-dump plan.json --before -o before.toml";

#[derive(Debug, Args)]
pub(in crate::cli) struct Import {
    /// Files of a dump or of Terraform, and folders to search for them.
    #[arg(value_name = "PATH", required_unless_present_any = ["script", "policy"])]
    pub(in crate::cli) paths: Vec<PathBuf>,
    /// Write the topology to this file.
    #[arg(short, long, value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,
    /// Only this region. May be repeated.
    #[arg(long, value_name = "REGION")]
    pub(in crate::cli) region: Vec<String>,
    /// Only this account. May be repeated.
    #[arg(long, value_name = "ACCOUNT")]
    pub(in crate::cli) account: Vec<String>,
    /// Of a Terraform plan: the world that is there.
    #[arg(long, conflicts_with = "after")]
    pub(in crate::cli) before: bool,
    /// Of a Terraform plan: the world that applying it makes, which is the default.
    #[arg(long)]
    pub(in crate::cli) after: bool,
    /// Guess what is missing where it can be guessed; every guess is reported.
    #[arg(long)]
    pub(in crate::cli) infer: bool,
    /// How to print the report.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(in crate::cli) format: Format,
    /// Print a shell script that makes a dump with the vendor's CLI.
    #[arg(long, conflicts_with_all = ["paths", "policy", "output", "region", "account", "before", "after", "infer", "format"])]
    pub(in crate::cli) script: bool,
    /// Print the RAM policy that the script needs.
    #[arg(long, conflicts_with_all = ["paths", "output", "region", "account", "before", "after", "infer", "format"])]
    pub(in crate::cli) policy: bool,
}

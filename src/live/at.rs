//! `at ENDPOINT COMMAND…`: runs a command in the namespace of an endpoint.

use super::inside::{self, ENDPOINTS, FOLDER};
use super::namespaces::enter_network;
use crate::diag::Suggestions;
use crate::text::{Shown, shown};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

/// What it is called.
pub(super) const NAME: &str = "at";

/// The endpoint in whose namespace a command runs, for prompts and scripts.
const ENDPOINT: &str = "BIPLANE_AT";

/// Could not run.
const UNABLE: u8 = 2;

/// Runs `at` with its own arguments. Where it succeeds, it becomes the command.
pub(super) fn main(arguments: &[OsString]) -> ExitCode {
    match run(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(UNABLE)
        }
    }
}

fn run(arguments: &[OsString]) -> io::Result<u8> {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return Err(io::Error::other("`at` works inside of `biplane live` alone"));
    };
    let listed = fs::read_to_string(Path::new(&folder).join(ENDPOINTS))
        .map_err(|error| io::Error::new(error.kind(), format!("`biplane live` has ended: {error}")))?;
    let endpoints: Vec<(&str, &str)> = listed.lines().filter_map(|line| line.split_once('\t')).collect();
    let [endpoint, command @ ..] = arguments else {
        eprintln!("{}", usage(&endpoints));
        return Ok(UNABLE);
    };
    let name = endpoint.to_string_lossy();
    if matches!(&*name, "-h" | "--help") {
        println!("{}", usage(&endpoints));
        return Ok(0);
    }
    let Some((namespace, _)) = endpoints.iter().find(|(_, id)| *id == name) else {
        let near = Suggestions::default().nearest(&name, endpoints.iter().map(|(_, id)| *id));
        let hint = near.map(|near| format!("; did you mean `{}`?", Shown(near))).unwrap_or_default();
        return Err(io::Error::other(format!("no endpoint `{}` has a namespace here{hint}", Shown(&name))));
    };
    enter_network(&File::open(namespace)?)?;
    let shell = [super::user_shell()];
    let command = if command.is_empty() { &shell[..] } else { command };
    let error = Command::new(&command[0]).args(&command[1..]).env(ENDPOINT, endpoint).exec();
    Ok(inside::complain(&command[0], &error))
}

fn usage(endpoints: &[(&str, &str)]) -> String {
    let ids: Vec<&str> = endpoints.iter().map(|(_, id)| *id).collect();
    format!("usage: at ENDPOINT [COMMAND…]; without a command, a shell\nendpoints: {}", shown(&ids.join(" ")))
}

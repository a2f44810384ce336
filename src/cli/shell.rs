//! `biplane schema`, `biplane completions` and `biplane man`: what editors, shells and `man` know about the program, made of
//! the keys that it reads and of its arguments.

use super::arguments::{Arguments, Completions, Man, Schema, SchemaOf};
use super::names::no_such;
use super::output::Terminal;
use super::{Failure, Outcome, SUCCESS};
use crate::files::{self, Inputs};
use crate::report::counted;
use crate::scenario;
use crate::text::shown_path;
use clap::{Command, CommandFactory};
use clap_mangen::roff::{Roff, roman};
use std::io;
use std::path::Path;

pub(super) fn schema(arguments: &Schema, terminal: &mut Terminal) -> Outcome {
    let schema = match arguments.of {
        SchemaOf::Topology => scenario::topology_schema(),
        SchemaOf::Scenario => scenario::scenario_schema(),
    };
    terminal.print_json(&schema)?;
    Ok(SUCCESS)
}

pub(super) fn completions(arguments: &Completions, terminal: &mut Terminal) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), NAME, &mut script);
    terminal.print(&String::from_utf8_lossy(&script))?;
    Ok(SUCCESS)
}

pub(super) fn man(arguments: &Man, terminal: &mut Terminal) -> Outcome {
    let pages = pages()?;
    let Some(what) = &arguments.what else {
        terminal.print(&pages[0].text)?;
        return Ok(SUCCESS);
    };
    let name = what.to_str().map(|words| format!("{NAME}-{}", words.trim().replace(' ', "-")));
    if let Some(page) = pages.iter().find(|page| name.as_ref() == Some(&page.name)) {
        terminal.print(&page.text)?;
        return Ok(SUCCESS);
    }
    if !what.is_dir() {
        let commands = pages.iter().filter_map(|page| page.name.strip_prefix(NAME)?.strip_prefix('-'));
        return Err(no_such("there is no command and no folder", what, commands));
    }
    write_pages(&pages, what)?;
    terminal.tell(&format!("{} in `{}`", counted(pages.len() as u64, "page"), shown_path(what)));
    Ok(SUCCESS)
}

const NAME: &str = "biplane";

/// A page of the manual of the system.
struct ManPage {
    /// `biplane-bench-lookup`.
    name: String,
    /// In the language of `man`.
    text: String,
}

/// The page of the program, and that of each command behind it.
fn pages() -> io::Result<Vec<ManPage>> {
    // Each command has a page of its own; `help` says nothing that `--help` does not.
    let mut program = Arguments::command().disable_help_subcommand(true);
    program.build();
    let mut pages = Vec::new();
    let mut open = vec![program];
    while let Some(command) = open.pop() {
        let name = command.get_display_name().unwrap_or(NAME).to_owned();
        open.extend(command.get_subcommands().filter(|command| !command.is_hide_set()).cloned());
        pages.push(ManPage { text: page(&command)?, name });
    }
    pages.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(pages)
}

/// A page: what stands behind the options in `--help` is laid out as it is there.
fn page(command: &Command) -> io::Result<String> {
    let man = clap_mangen::Man::new(command.clone()).source(format!("{NAME} {}", env!("CARGO_PKG_VERSION")));
    let man = man.manual("User Commands");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    if let Some(notes) = command.get_after_help() {
        let mut section = Roff::new();
        section.control("SH", ["NOTES"]).control("nf", []);
        for line in notes.to_string().lines() {
            section.text([roman(line)]);
        }
        section.control("fi", []);
        section.to_writer(&mut text)?;
    }
    let mut portable = String::new();
    for character in String::from_utf8_lossy(&text).chars() {
        match character {
            character if character.is_ascii() => portable.push(character),
            // Not every `troff` takes UTF-8.
            character => portable += &format!("\\[u{:04X}]", u32::from(character)),
        }
    }
    Ok(portable)
}

fn write_pages(pages: &[ManPage], folder: &Path) -> Result<(), Failure> {
    for page in pages {
        files::write(&folder.join(format!("{}.1", page.name)), &Inputs::default(), page.text.as_bytes())?;
    }
    Ok(())
}

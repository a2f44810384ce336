//! Draws nanoseconds per lookup over the size of the table, from what `cargo bench --bench lookup -- sizes/` measured:
//! `cargo run --example lookup_plot > docs/lookup.svg`, `… --example lookup_plot -- DIRECTORY` for another directory
//! than `target/criterion`.

mod figures;
mod svg;

use figures::read_figures;
use std::io::{self, Write};
use std::path::PathBuf;

fn main() -> io::Result<()> {
    let directory = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("target/criterion"), PathBuf::from);
    let lines = read_figures(&directory)?;
    if lines.is_empty() {
        let what = "no groups `sizes_…`; `cargo bench --bench lookup -- sizes/` writes them";
        return Err(io::Error::other(format!("{}: {what}", directory.display())));
    }
    io::stdout().write_all(svg::plot(&lines).as_bytes())
}

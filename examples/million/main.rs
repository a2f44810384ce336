//! Writes a topology of 1,000,000 endpoints, or of as many as are asked for, to standard output:
//! `cargo run --release --example million > million.toml`, `… --example million -- 100000`.

mod plan;

use plan::Plan;
use std::io::{self, Write};

fn main() -> io::Result<()> {
    let plan = match std::env::args().nth(1) {
        None => Plan::MILLION,
        Some(count) => Plan::of(count.parse().map_err(|_| io::Error::other(format!("`{count}` is no number")))?),
    };
    io::stdout().write_all(plan.topology().as_bytes())
}

//! Writes the captures of `pcaps/`, byte for byte the same on every machine: `cargo run --example pcaps`.

mod captures;

use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("pcaps");
    std::fs::create_dir_all(&folder)?;
    for (name, bytes) in captures::all() {
        std::fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}

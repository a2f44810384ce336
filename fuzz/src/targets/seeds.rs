//! Inputs to begin with.

use super::Target;
use std::fs;
use std::path::{Path, PathBuf};

/// An input that is kept.
pub(crate) struct Seed {
    /// Its file.
    pub(crate) path: PathBuf,
    /// The input.
    pub(crate) bytes: Vec<u8>,
}

/// The seeds of a target by path: the files of its own folder, of which those that end in `.hex` hold hexadecimal
/// digits and comments after `#`, and all files of the other folders that it names.
pub(crate) fn seeds(target: &Target) -> Vec<Seed> {
    let root = repository();
    let own = root.join("fuzz/seeds").join(target.name);
    let folders = [own].into_iter().chain(target.also.iter().map(|folder| root.join(folder)));
    let mut paths: Vec<PathBuf> = folders.flat_map(|folder| files_of(&folder)).collect();
    paths.sort();
    paths.into_iter().map(|path| Seed { bytes: read(&path), path }).collect()
}

/// The folder of the repository, whether this is part of a program of the repository or of its folder `fuzz`.
fn repository() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().find(|folder| folder.join("fuzz/seeds").is_dir()).expect("this stands in the repository")
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.expect("the folder can be read").path()).filter(|path| path.is_file()).collect()
}

fn read(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if path.extension().is_none_or(|extension| extension != "hex") {
        return bytes;
    }
    let text = String::from_utf8(bytes).expect("a .hex file is text");
    let digits: String = text.lines().map(|line| line.split('#').next().unwrap_or_default()).collect();
    biplane::wire::read_hexadecimal(&digits).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

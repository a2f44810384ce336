//! Which files are scenarios.

use crate::cli::Failure;
use crate::files::Inputs;
use crate::scenario;
use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};

/// The scenario files among `paths`, folders searched, in the order of their names, each once.
pub(super) fn find(paths: &[PathBuf], inputs: &mut Inputs) -> Result<Vec<PathBuf>, Failure> {
    let mut search = ScenarioSearch::default();
    for path in paths {
        if path.is_dir() {
            search.folder(path)?;
        } else if path.exists() {
            search.add(path.clone());
        } else {
            let hint = if path == Path::new("scenarios") { "; `biplane demo` needs no file" } else { "" };
            return Err(Failure::Message(format!("there is no file or folder `{}`{hint}", path.display())));
        }
    }
    search.read.iter().for_each(|file| inputs.add(file, "file"));
    search.files.iter().for_each(|file| inputs.add(file, "scenario"));
    Ok(search.files)
}

/// What was found so far.
#[derive(Default)]
struct ScenarioSearch {
    files: Vec<PathBuf>,
    /// Files that were looked into.
    read: Vec<PathBuf>,
    /// Files and folders without the links that lead to them: a link may lead back to a folder around it.
    seen: HashSet<PathBuf>,
}

impl ScenarioSearch {
    /// True at the first time.
    fn is_new(&mut self, path: &Path) -> bool {
        // What cannot be resolved is told when it is read.
        path.canonicalize().map_or(true, |real| self.seen.insert(real))
    }

    fn add(&mut self, file: PathBuf) {
        if self.is_new(&file) {
            self.files.push(file);
        }
    }

    /// Adds what is in a folder and in the folders below it. Links to folders come last, so that what they lead to goes
    /// by its own name where it has been searched for.
    fn folder(&mut self, folder: &Path) -> Result<(), Failure> {
        let before = self.files.len();
        let mut open = VecDeque::from([folder.to_owned()]);
        while let Some(folder) = open.pop_front() {
            if !self.is_new(&folder) {
                continue;
            }
            let unreadable = |error| Failure::Message(format!("cannot read `{}`: {error}", folder.display()));
            let mut links = Vec::new();
            for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
                let path = entry.map_err(unreadable)?.path();
                if path.extension().is_some_and(|extension| extension == "toml") {
                    self.read.push(path.clone());
                }
                match (path.is_dir(), path.is_symlink()) {
                    (true, false) => open.push_front(path),
                    (true, true) => open.push_back(path),
                    (false, true) => links.push(path),
                    (false, false) if is_scenario(&path) => self.add(path),
                    (false, false) => {}
                }
            }
            links.retain(|link| is_scenario(link));
            links.sort();
            links.into_iter().for_each(|link| self.add(link));
        }
        self.files[before..].sort();
        Ok(())
    }
}

/// True for a file of a folder that is a scenario. Folders hold topologies too: a file counts where a line begins its
/// steps or claims. One that cannot be read counts, so that it is not passed over in silence; what is no file does not.
fn is_scenario(path: &Path) -> bool {
    if path.extension().is_none_or(|extension| extension != "toml") {
        return false;
    }
    match path.metadata() {
        Ok(metadata) if !metadata.is_file() => return false,
        Ok(metadata) if metadata.len() > scenario::MAX_BYTES => return true,
        _ => {}
    }
    let Ok(bytes) = std::fs::read(path) else { return true };
    let text = String::from_utf8_lossy(&bytes);
    let begins =
        |line: &str| ["[[step]]", "[[claim]]", "step"].iter().any(|start| line.trim_start().starts_with(start));
    text.lines().any(begins)
}

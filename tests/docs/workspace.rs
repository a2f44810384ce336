//! A folder in which the commands of one page are run, one after the other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Programs that pages name and that a machine need not have: their lines are shown, not run.
const NOT_RUN: &[&str] = &[
    "aliyun",
    "cargo",
    "cp",
    "examples/cluster/build-static.sh",
    "examples/cluster/parallel.sh",
    "git",
    "job=$(sbatch",
    "kubectl",
    "mdbook",
    "mkdir",
    "podman",
    "python3",
    "sbatch",
    "spark-submit",
    "taskset",
    "terraform",
    "tshark",
    "wireshark",
    "INSTA_UPDATE=always",
    "MERGE='--format",
    "PARALLEL='--sshloginfile",
    "UPDATE_DOCS=1",
];

/// The topologies, the captures and the files of `docs/` side by side, and beside them the folders of the first two as
/// they are in the repository.
pub(crate) struct Workspace {
    folder: TempDir,
    now_in: PathBuf,
    code: i32,
    from_repository: BTreeSet<PathBuf>,
}

impl Workspace {
    pub(crate) fn new() -> Workspace {
        let folder = tempfile::tempdir().unwrap();
        for name in ["scenarios/topologies", "pcaps", "docs"] {
            copy(&root().join(name), folder.path());
        }
        for name in ["scenarios", "pcaps"] {
            copy(&root().join(name), &folder.path().join(name));
        }
        let from_repository = files_in(folder.path()).into_iter().collect();
        Workspace { now_in: folder.path().to_owned(), folder, code: 0, from_repository }
    }

    /// Puts a file of the page where its commands are run; one that is there already must be the same.
    pub(crate) fn put(&self, name: &str, text: &str) {
        let path = self.now_in.join(name);
        match fs::read_to_string(&path) {
            Ok(stands) => assert_eq!(stands, text, "{name} is shown otherwise than it is"),
            Err(_) => fs::write(path, text).unwrap(),
        }
    }

    /// What `command` prints: standard output, then standard error. `cd FOLDER` and `echo $?` are understood too.
    pub(crate) fn run(&mut self, command: &str) -> String {
        if let Some(folder) = command.strip_prefix("cd ") {
            self.now_in.push(folder);
            return String::new();
        }
        if command == "echo $?" {
            return format!("{}\n", self.code);
        }
        let program = Path::new(env!("CARGO_BIN_EXE_biplane")).parent().unwrap();
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("sh");
        for variable in ["NO_COLOR", "GITHUB_ACTIONS", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "RUST_BACKTRACE"] {
            shell.env_remove(variable);
        }
        shell.args(["-c", command]).env("PATH", path).current_dir(&self.now_in);
        let output = assert_cmd::Command::from_std(shell).output().unwrap();
        self.code = output.status.code().unwrap();
        assert!(self.code < 126, "{command}: exit code {}", self.code);
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    }

    /// Runs a line of a shell block, which must be able to run, unless it calls what a machine need not have.
    pub(crate) fn run_line(&mut self, line: &str) {
        if let Some(arguments) = line.strip_prefix("sh dump.sh ") {
            return self.dump(arguments);
        }
        // Namespaces are refused on some machines; what they do is shown by sessions.
        if line.starts_with("biplane live ") {
            return;
        }
        let first = line.split_whitespace().next();
        if first.is_none_or(|program| program.starts_with('#') || program == "cd" || NOT_RUN.contains(&program)) {
            return;
        }
        let printed = self.run(line);
        assert!(self.code < 2, "{line}\n{printed}");
    }

    /// Stands for the script that asks the cloud: the dump is the one of the manual.
    fn dump(&self, arguments: &str) {
        let folder = arguments.split_whitespace().next().unwrap();
        copy(&root().join("docs/account"), &self.now_in.join(folder));
    }

    /// The bytes of every file that the commands have written.
    pub(crate) fn written(&self) -> Vec<u8> {
        let files = files_in(self.folder.path());
        let written = files.iter().filter(|path| !self.from_repository.contains(*path));
        written.flat_map(|path| fs::read(path).unwrap()).collect()
    }
}

/// The folder of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `folder`, in order of their names.
pub(crate) fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_in(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn copy(from: &Path, to: &Path) {
    for path in files_in(from) {
        let target = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&path, target).unwrap();
    }
}

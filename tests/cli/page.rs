//! Pages of `docs/` that show commands with what they print.

use assert_cmd::Command;
use std::fs;
use std::path::Path;

/// Runs the program in `folder`: exit code, standard output, standard error.
pub(crate) fn run_in(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut program = Command::cargo_bin("biplane").unwrap();
    let output = program.args(arguments).current_dir(folder).env_remove("GITHUB_ACTIONS").output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Holds the page `name` of `docs/` against its commands, which are run in `folder`; `UPDATE_DOCS=1` writes it anew.
pub(crate) fn holds(name: &str, folder: &Path) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    let page = fs::read_to_string(&path).unwrap();
    let now = walked_through(&page, folder);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path, &now).unwrap();
        return;
    }
    assert!(page == now, "docs/{name} is not what its commands print now; UPDATE_DOCS=1 writes it anew:\n{now}");
}

/// The page with the output of every command in it as it is now.
fn walked_through(page: &str, folder: &Path) -> String {
    let mut now = String::new();
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        now.push_str(line);
        now.push('\n');
        let Some(command) = line.strip_prefix("$ biplane ") else { continue };
        let arguments = words(command);
        let (_, out, report) = run_in(folder, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
        now.push_str(&out);
        now.push_str(&report);
        while lines.peek().is_some_and(|line| !line.starts_with("```") && !line.starts_with("$ ")) {
            lines.next();
        }
    }
    now
}

/// The words of a command; quotes keep blanks together.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in command.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words
}

/// Copies a folder and all in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}

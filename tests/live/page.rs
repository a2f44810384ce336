//! The session that the manual shows. Where it has changed for good, `UPDATE_DOCS=1 cargo test --test live` writes it anew.

use crate::Bench;
use std::fs::{self, File};
use std::path::Path;

const OPENING: &str = "```session\n";

/// A session without what differs from run to run: times and dates.
fn without_times(session: &str) -> String {
    let kept = |line: &str| {
        let ends = ["time=", ", time ", "rtt ", " bytes on the wire, "];
        let cut = ends.iter().filter_map(|end| line.find(end).map(|at| at + end.len())).min();
        format!("{}\n", &line[..cut.unwrap_or(line.len())])
    };
    session.lines().map(kept).collect()
}

/// The commands of a session as a script that shows them before it runs them. One that asks for an operation waits until
/// it is carried out.
fn script(commands: &[&str]) -> String {
    let mut script = String::new();
    for command in commands {
        script += &format!("echo '$ {command}'\n{command}\n");
        if let Some(operation) = command.strip_prefix("echo ").and_then(|rest| rest.split(" >>").next()) {
            script += &format!("until grep -q 'applied: {operation}' told; do sleep 0.05; done\n");
        }
    }
    script
}

pub(crate) fn the_session_of_the_manual_is_what_happens() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let topology = fs::read_to_string(root.join("scenarios/topologies/shop.toml")).unwrap();
    let bench = Bench::new(&topology);
    let page = fs::read_to_string(root.join("docs/live.md")).unwrap();
    let (before, rest) = page.split_once(OPENING).unwrap();
    let (stands, after) = rest.split_once("```").unwrap();
    let commands: Vec<&str> = stands.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
    assert!(commands.len() > 4 && commands.last() == Some(&"exit"), "{commands:?}");

    fs::write(bench.path().join("operations.txt"), "").unwrap();
    let told = File::options().create(true).append(true).open(bench.path().join("told")).unwrap();
    let script = script(&commands);
    let mut live = bench.command(&["--apply-from", "operations.txt", "--", "sh", "-c", &script]);
    live.stdout(told.try_clone().unwrap()).stderr(told).status().unwrap();
    let happened = fs::read_to_string(bench.path().join("told")).unwrap();

    if std::env::var_os("UPDATE_DOCS").is_some() && without_times(&happened) != without_times(stands) {
        fs::write(root.join("docs/live.md"), format!("{before}{OPENING}{happened}```{after}")).unwrap();
        return;
    }
    assert_eq!(without_times(stands), without_times(&happened));
}

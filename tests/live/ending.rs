//! How runs end, and that nothing is left of them.

use crate::{Bench, SHOP, text};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::time::Duration;

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Reads the first line that a script prints, and gives what is still to come.
fn first_line(child: &mut Child) -> (String, impl Read + use<>) {
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    (line, output)
}

pub(crate) fn the_exit_code_is_that_of_the_command() {
    let bench = Bench::new(SHOP);
    let code = |script: &str| bench.run(&["--only", "web"], script).status.code();
    assert_eq!(code("exit 0"), Some(0));
    assert_eq!(code("exit 7"), Some(7));
    assert_eq!(code("at web sh -c 'exit 9'"), Some(9));
    assert_eq!(code("kill -KILL $$"), Some(137));
    let code = |command: &[&str]| bench.command(&[&["--only", "web", "--"], command].concat()).output().unwrap();
    let missing = code(&["no-such-program"]);
    assert_eq!(missing.status.code(), Some(127));
    assert!(text(&missing.stderr).starts_with("error: cannot start `no-such-program`: "), "{}", text(&missing.stderr));
    assert_eq!(code(&["/dev/null"]).status.code(), Some(126));
    assert_eq!(code(&["at", "web", "no-such-program"]).status.code(), Some(127));
}

pub(crate) fn an_unknown_endpoint_is_named_with_the_nearest_one() {
    let bench = Bench::new(SHOP);
    let output = bench.command(&["--only", "web", "--", "at", "wep", "true"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(told.starts_with("error: no endpoint `wep` has a namespace here; did you mean `web`?"), "{told}");
    let output = bench.command(&["--only", "wep", "--", "true"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stderr), "error: the topology has no endpoint `wep`; did you mean `web`?\n");
}

pub(crate) fn when_it_is_killed_everything_inside_is_gone() {
    let bench = Bench::new(SHOP);
    for _ in 0..5 {
        let mut live = bench.start(&[], "setsid sleep 1000 & at app sleep 1000 & echo $$; sleep 1000");
        let (line, mut output) = first_line(&mut live);
        // Numbers of a process namespace of its own.
        assert!(line.trim().parse::<u32>().unwrap() < 10, "{line}");
        signal(&live, Signal::KILL);
        live.wait().unwrap();
        // This ends once no process has the output open any more.
        assert_eq!(output.read_to_end(&mut Vec::new()).unwrap(), 0);
    }
    let left: Vec<_> = std::fs::read_dir(bench.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["shop.toml"]);
}

/// From before the namespaces are there until the command runs.
pub(crate) fn killed_at_any_moment_nothing_is_left_of_it() {
    let bench = Bench::new(SHOP);
    for moment in 0..40 {
        let mut live = bench.start(&["--format", "ndjson"], "at web sleep 1000 & at app sleep 1000 & sleep 1000");
        std::thread::sleep(Duration::from_millis(moment * 3));
        signal(&live, Signal::KILL);
        live.wait().unwrap();
        // These end once no process has them open any more. The shell may have complained before it was ended, too.
        live.stdout.take().unwrap().read_to_end(&mut Vec::new()).unwrap();
        live.stderr.take().unwrap().read_to_end(&mut Vec::new()).unwrap();
    }
    let left: Vec<_> = std::fs::read_dir(bench.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["shop.toml"]);
}

pub(crate) fn what_the_command_leaves_behind_ends_with_it() {
    let bench = Bench::new(SHOP);
    let mut live = bench.start(&[], "setsid sleep 1000 & echo; exit 4");
    let (_, mut output) = first_line(&mut live);
    assert_eq!(output.read_to_end(&mut Vec::new()).unwrap(), 0);
    assert_eq!(live.wait().unwrap().code(), Some(4));
}

pub(crate) fn a_signal_reaches_the_command_and_a_second_one_ends_all() {
    let bench = Bench::new(SHOP);
    for (number, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let mut live = bench.start(&["--only", "web"], "echo; exec sleep 1000");
        let _output = first_line(&mut live);
        signal(&live, number);
        assert_eq!(live.wait().unwrap().code(), Some(code));
        let mut live =
            bench.start(&["--only", "web"], "trap 'echo caught' TERM INT; echo; while :; do sleep 0.05; done");
        let (_, output) = first_line(&mut live);
        let mut output = BufReader::new(output);
        signal(&live, number);
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "caught\n");
        signal(&live, number);
        assert_eq!(live.wait().unwrap().code(), Some(code));
        output.read_to_string(&mut line).unwrap();
    }
}

pub(crate) fn without_a_command_it_stays_until_a_signal_comes() {
    let bench = Bench::new(SHOP);
    let mut live = bench.command(&["--only", "web,app"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(live.stderr.take().unwrap());
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    assert_eq!(line, "2 endpoints; Ctrl-C ends it\n");
    signal(&live, Signal::INT);
    assert_eq!(live.wait().unwrap().code(), Some(0));
    told.read_to_string(&mut line).unwrap();
    assert!(line.contains("shop.toml: 0 frames"), "{line}");
}

pub(crate) fn two_hundred_endpoints_reach_each_other() {
    let mut topology = SHOP.to_owned();
    for host in 1..=200 {
        topology += &format!(
            "[instance.i-{host}]\nvswitch = \"data\"\nprivate_ip = \"172.16.2.{}\"\nsecurity_groups = [\"sg-app\"]\n",
            host + 30
        );
    }
    let bench = Bench::new(&topology);
    let printed = bench.script(&[], "at i-1 ping -c 1 -W 5 i-200; at i-200 ping -c 1 -W 5 app");
    assert_eq!(printed.matches("1 received").count(), 2, "{printed}");
}

//! The scripts and pages of `biplane completions` and `biplane man`, in the programs that they are for.

use crate::bench::Bench;
use std::io::Write;
use std::process::{Command, Stdio};

/// What a program says about `text`, and whether it is content with it.
fn ask(program: &str, arguments: &[&str], text: &str) -> (bool, String) {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&told).into_owned())
}

pub(crate) fn bash_completes_commands_and_their_options() {
    let script = Bench::new().run(&["completions", "bash"]).out;
    let try_it = "\nCOMP_WORDS=(biplane re); COMP_CWORD=1; _biplane biplane re biplane; echo \"${COMPREPLY[@]}\"\n\
                  COMP_WORDS=(biplane run --f); COMP_CWORD=2; _biplane biplane --f run; echo \"${COMPREPLY[@]}\"\n";
    let (done, told) = ask("bash", &["--noprofile", "--norc"], &format!("{script}{try_it}"));
    assert!(done, "{told}");
    assert_eq!(told, "replay reach report\n--fail-fast --format\n");
}

fn reads(shell: &str) {
    let script = Bench::new().run(&["completions", shell]).out;
    let (fine, told) = ask(shell, &["-n"], &script);
    assert!(fine, "{told}");
}

pub(crate) fn zsh_reads_its_script() {
    reads("zsh");
}

pub(crate) fn fish_reads_its_script() {
    reads("fish");
}

pub(crate) fn groff_finds_no_fault_in_a_page() {
    let bench = Bench::new().write("pages/keep", "");
    assert_eq!(bench.run(&["man", "pages"]).code, 0);
    let pages = std::fs::read_dir(bench.path().join("pages")).unwrap().map(|entry| entry.unwrap().path());
    let pages: Vec<_> = pages.filter(|path| !path.ends_with("keep")).collect();
    assert!(pages.len() > 15, "{pages:?}");
    for path in pages {
        let page = std::fs::read_to_string(&path).unwrap();
        let (fine, told) = ask("groff", &["-man", "-ww", "-Tutf8", "-z"], &page);
        assert!(fine && told.is_empty(), "{}: {told}", path.display());
    }
}

//! What a terminal of 80 columns shows. In a pipe nothing is broken.

use crate::bench::{Bench, SHOP, pcap, shop_frames};
use crate::trials::python;
use crate::world::{edit, names};

/// Runs the rest of its arguments on a terminal of as many columns as the first one says.
const ON_A_TERMINAL: &str = "\
import fcntl, os, pty, struct, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 24, int(sys.argv[1]), 0, 0))
    os.execv(sys.argv[2], sys.argv[2:])
shown = b''
while True:
    try:
        read = os.read(terminal, 65536)
    except OSError:
        break
    if not read:
        break
    shown += read
os.waitpid(pid, 0)
sys.stdout.buffer.write(shown)
";

/// What the program shows on a terminal of `columns`, without colours.
fn shown(bench: &Bench, columns: usize, arguments: &[&str]) -> String {
    let program = bench.command(&[]);
    let mut command = python();
    command.args(["-c", ON_A_TERMINAL, &columns.to_string()]).arg(program.get_program()).args(arguments);
    let output = command.current_dir(bench.path()).env("NO_COLOR", "1").env("TERM", "xterm").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().replace("\r\n", "\n")
}

pub(crate) fn lines_keep_to_the_terminal_and_places_stay_whole() {
    let bench = Bench::new().write("a.pcap", pcap(&shop_frames()));
    let commands: &[&[&str]] = &[
        &["trace", "shop.toml", "--from", "i-web", "--to", "i-app"],
        &["trace", "shop.toml", "--from", "i-web", "--to", "i-app", "--port", "22", "--all"],
        &["trace", "shop.toml", "--from", "i-web", "--to", "i-app", "--port", "22", "--expect", "delivered"],
        &["replay", "shop.toml", "a.pcap"],
        &["explain", "classiclink-not-linked"],
        &["explain"],
    ];
    for arguments in commands {
        let piped = bench.run(arguments);
        for columns in [60, 80] {
            let shown = shown(&bench, columns, arguments);
            for line in shown.lines() {
                let is_one_word = line.split_whitespace().count() == 1;
                assert!(line.chars().count() <= columns || is_one_word, "{arguments:?}: {line}");
            }
            // The same words in the same order.
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            if piped.error.is_empty() {
                assert_eq!(words(&shown), words(&piped.out), "{arguments:?}");
            }
            let places = |text: &str| text.matches("shop.toml:").count();
            assert_eq!(places(&shown), places(&piped.out) + places(&piped.error), "{arguments:?}");
        }
    }
}

pub(crate) fn a_caret_stands_under_what_it_points_to() {
    let whitelist = names(["10.24.1.5", "10.24.1.6", "10.24.1.7", "10.24.1.8", "10.24.1.9", "10.24.1.500"]);
    let topology = edit(SHOP).set("service.rm-orders", "whitelist", whitelist);
    let bench = Bench::new().write("shop.toml", topology.toml());
    let shown = shown(&bench, 80, &["check", "shop.toml"]);
    let lines: Vec<&str> = shown.lines().collect();
    let caret = lines.iter().position(|line| line.contains("^^^")).unwrap_or_else(|| panic!("{shown}"));
    let (start, end) = (lines[caret].find('^').unwrap(), lines[caret].rfind('^').unwrap() + 1);
    assert!(lines[caret - 1][start..end].contains("10.24.1.500"), "{shown}");
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{shown}");
}

pub(crate) fn what_is_pasted_is_not_broken() {
    let bench = Bench::new();
    let json = ["trace", "shop.toml", "--from", "i-web", "--to", "i-app", "--port", "8080", "--format", "json"];
    let shown = shown(&bench, 40, &json);
    let object = shown.rsplit_once("note: ").map_or(shown.as_str(), |(object, _)| object);
    assert_eq!(object, bench.run(&json).out);
}

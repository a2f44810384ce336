//! DPDK's route tables, in a program of their own that is built where `BIPLANE_DPDK` names an installed DPDK.
//!
//! Both processes answer in turns, so that figures of one run may be compared; the other one times itself.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use biplane::table::lpm::sample::Routes;
use tempfile::TempDir;

/// The tables, as `dpdk.c` names them, and what the rows are called.
pub(crate) const BULK: [(&str, &str); 5] = [
    ("fib1-avx512", "rte_fib of 1 byte, AVX-512"),
    ("fib2-avx512", "rte_fib of 2 bytes, AVX-512"),
    ("fib1-scalar", "rte_fib of 1 byte, scalar"),
    ("fib2-scalar", "rte_fib of 2 bytes, scalar"),
    ("lpm-bulk", "rte_lpm"),
];

/// The same for one address after the other.
pub(crate) const SINGLE: [(&str, &str); 3] = [
    ("fib1-scalar", "rte_fib of 1 byte, scalar"),
    ("fib2-scalar", "rte_fib of 2 bytes, scalar"),
    ("lpm-inlined", "rte_lpm"),
];

/// The program, with the routes of one table.
pub(crate) struct Dpdk {
    process: Child,
    /// What is asked, and what it says.
    pipes: RefCell<(ChildStdin, BufReader<ChildStdout>)>,
    directory: TempDir,
}

impl Dpdk {
    /// None where `BIPLANE_DPDK` is not set. Panics where it names no DPDK that can be built with and run.
    pub(crate) fn start(routes: &Routes) -> Option<Dpdk> {
        let prefix = PathBuf::from(std::env::var_os("BIPLANE_DPDK")?);
        let directory = tempfile::tempdir().expect("a directory for the program of DPDK");
        let program = build(&prefix, directory.path());
        let file = directory.path().join("routes");
        let numbers = routes.iter().flat_map(|(prefix, next_hop)| {
            [u32::from(prefix.network()), u32::from(prefix.prefix_len()), *next_hop].map(u32::to_ne_bytes)
        });
        std::fs::write(&file, numbers.flatten().collect::<Vec<u8>>()).expect("room for the routes");
        let mut process = Command::new(program)
            .arg(file)
            .arg(first_core())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program of DPDK was built");
        let pipes = (process.stdin.take(), process.stdout.take().map(BufReader::new));
        let (Some(asked), Some(said)) = pipes else { panic!("the program of DPDK has pipes") };
        let dpdk = Dpdk { process, pipes: RefCell::new((asked, said)), directory };
        while dpdk.line() != "ready" {}
        Some(dpdk)
    }

    /// The addresses that are asked for from now on.
    pub(crate) fn ask_for(&self, addresses: impl Iterator<Item = u32>) {
        let file = self.directory.path().join("addresses");
        std::fs::write(&file, addresses.flat_map(u32::to_ne_bytes).collect::<Vec<u8>>()).expect("room for addresses");
        let said = self.ask(&format!("addresses {}", file.display()));
        assert!(said.starts_with("ok "), "{said}");
    }

    /// The answers to all addresses; none where the table cannot hold these routes or the machine lacks what it needs.
    pub(crate) fn answers(&self, how: &str, burst: usize) -> Option<Vec<u32>> {
        let file = self.directory.path().join("answers");
        if self.ask(&format!("answers {how} {burst} {}", file.display())) != "ok" {
            return None;
        }
        let bytes = std::fs::read(file).expect("the answers of DPDK");
        Some(bytes.as_chunks().0.iter().map(|number| u32::from_ne_bytes(*number)).collect())
    }

    /// How long it takes to answer `count` addresses from `first` on.
    pub(crate) fn time(&self, how: &str, burst: usize, first: usize, count: usize) -> Duration {
        let said = self.ask(&format!("time {how} {burst} {first} {count}"));
        Duration::from_nanos(said.parse().unwrap_or_else(|_| panic!("the program of DPDK said `{said}`")))
    }

    fn ask(&self, line: &str) -> String {
        {
            let (asked, _) = &mut *self.pipes.borrow_mut();
            writeln!(asked, "{line}").and_then(|()| asked.flush()).expect("the program of DPDK listens");
        }
        self.line()
    }

    fn line(&self) -> String {
        let mut line = String::new();
        let read = self.pipes.borrow_mut().1.read_line(&mut line).expect("the program of DPDK answers");
        assert!(read > 0, "the program of DPDK has ended; what it said is above");
        line.trim_end().to_owned()
    }
}

impl Drop for Dpdk {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Compiles `dpdk.c` with the libraries under `prefix`.
fn build(prefix: &Path, directory: &Path) -> PathBuf {
    let below = std::fs::read_dir(prefix.join("lib")).into_iter().flatten().flatten().map(|entry| entry.path());
    let places = below.chain([prefix.join("lib"), prefix.join("lib64")]).map(|place| place.join("pkgconfig"));
    let places = places.filter(|place| place.join("libdpdk.pc").is_file());
    let search = std::env::join_paths(places).expect("paths without a colon");
    assert!(
        !search.is_empty(),
        "BIPLANE_DPDK: no `libdpdk.pc` below {}; it names where DPDK is installed, as /usr",
        prefix.display()
    );
    let said =
        Command::new("pkg-config").args(["--cflags", "--libs", "libdpdk"]).env("PKG_CONFIG_PATH", search).output();
    let said = said.expect("BIPLANE_DPDK needs `pkg-config`");
    assert!(said.status.success(), "pkg-config: {}", String::from_utf8_lossy(&said.stderr));
    let program = directory.join("dpdk");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/lookup/dpdk.c");
    let mut compiler = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
    compiler.args(["-O3", "-march=native", "-o"]).arg(&program).arg(source);
    let status = compiler.args(String::from_utf8_lossy(&said.stdout).split_whitespace()).status();
    assert!(
        status.expect("BIPLANE_DPDK needs a C compiler, `cc` or what CC names").success(),
        "dpdk.c does not compile"
    );
    program
}

/// The first core that this process may run on: DPDK pins itself to one.
fn first_core() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let digits = allowed.unwrap_or("0").trim().chars().take_while(char::is_ascii_digit);
    digits.collect()
}

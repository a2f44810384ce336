//! The drivers, manifests and scripts of `examples/cluster`, each of which gives what one process does.

use crate::bench::{Bench, SHOP, Told, frames, pcap, shop_frames};
use crate::trials;
use biplane::wire::build::tcp;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Stands in for the program and passes on to it, but for the first run of shard 1 and of shard 2: these are killed while
/// they write, the former together with its worker. Each run is noted.
const KILLED: &str = r#"#!/bin/sh
case " $* " in
    *" --shard 1/"*) shard=1 ;;
    *" --shard 2/"*) shard=2 ;;
    *) exec PROGRAM "$@" ;;
esac
echo run >> runs-$shard
mkdir killed-$shard 2> /dev/null || exec PROGRAM "$@"
PROGRAM "$@" &
until [ ! -e /proc/$!/exe ] || readlink /proc/$!/fd/* | grep -q '\.part$\|parts/#'; do sleep 0.01; done
kill -9 $!
[ $shard = 2 ] || kill -9 $PPID
kill -9 $$
"#;

const CAPTURES: [&str; 2] = ["the shop.toml", "week"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/cluster")
}

fn read(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap()
}

/// Two captures, the second long enough for a run to be killed in its midst, and the topology under a name with a blank.
fn bench() -> Bench {
    let many: Vec<_> = (0..20_000_u32)
        .map(|index| tcp(&format!("203.0.{}.{}:40000 > 172.16.1.10:8080", index % 50, index % 40)).syn())
        .collect();
    Bench::new()
        .write("the shop.toml", SHOP)
        .write("week/1.pcap", pcap(&shop_frames()))
        .write("week/2.pcap", pcap(&frames(&many)))
}

/// What one process prints.
fn whole(bench: &Bench, options: &[&str]) -> String {
    let told = bench.run(&[&["replay"], &CAPTURES[..], options].concat());
    assert_eq!(told.code, 0, "{}", told.error);
    told.out
}

/// Runs a command in the folder, which is its home too, with the program under `PROGRAM` and among the programs.
fn run(bench: &Bench, mut command: Command) -> Told {
    let program = Path::new(env!("CARGO_BIN_EXE_biplane"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    if !command.get_envs().any(|(name, _)| name == "PROGRAM") {
        command.env("PROGRAM", program);
    }
    command.current_dir(bench.path()).env("PATH", path);
    command.envs([("HOME", bench.path()), ("RAY_TMPDIR", bench.path())]);
    Told::from(command.output().unwrap())
}

fn python(script: &str, arguments: &[&str]) -> Command {
    let mut command = trials::python();
    // Nothing is written beside the scripts.
    command.arg("-B").arg(folder().join(script)).args(arguments);
    command
}

fn with_killed_program(bench: Bench) -> Bench {
    let text = KILLED.replace("PROGRAM", &format!("'{}'", env!("CARGO_BIN_EXE_biplane")));
    let bench = bench.write("killed.sh", text);
    fs::set_permissions(bench.path().join("killed.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    bench
}

fn assert_gives_the_bytes_of_one_process(script: &str) {
    let bench = with_killed_program(bench());
    let engine = ["--workers", "2", "--shards", "3", "--program", "./killed.sh", "--"];
    let told = run(&bench, python(script, &[&engine, &CAPTURES[..], &["--format", "ndjson"]].concat()));
    assert_eq!(told.code, 0, "{}", told.error);
    assert!(told.out == whole(&bench, &["--format", "ndjson"]), "{script}: other bytes\n{}", told.error);
    for runs in ["runs-1", "runs-2"] {
        assert_eq!(bench.read(runs), b"run\nrun\n", "{script}: killed once, run once more\n{}", told.error);
    }
}

fn assert_tells_what_the_program_refuses(script: &str) {
    let bench = bench();
    let told = run(&bench, python(script, &["--workers", "1", "--shards", "2", "--", "nowhere.toml", "week"]));
    assert_eq!((told.code, told.out.as_str()), (2, ""), "{}", told.error);
    assert!(told.error.contains("error: cannot read `nowhere.toml`"), "{}", told.error);
    assert!(!bench.path().join("parts").exists(), "nothing is merged");
}

pub(crate) fn ray_gives_the_bytes_of_one_process_though_a_worker_and_a_program_are_killed() {
    assert_gives_the_bytes_of_one_process("ray_driver.py");
}

pub(crate) fn dask_gives_the_bytes_of_one_process_though_a_worker_and_a_program_are_killed() {
    assert_gives_the_bytes_of_one_process("dask_driver.py");
    assert_tells_what_the_program_refuses("dask_driver.py");
}

pub(crate) fn gnu_parallel_gives_the_bytes_of_one_process_and_again_over_parts_that_are_there() {
    let bench = bench();
    let script = |arguments: &[&str]| {
        let mut command = Command::new(folder().join("parallel.sh"));
        command.args(arguments);
        command
    };
    let arguments = [&["4", "all parts"], &CAPTURES[..], &["--map", "192.0.2.1=10.24.1.5"]].concat();
    for _ in 0..2 {
        let told = run(&bench, script(&arguments));
        assert_eq!((told.code, told.out), (0, whole(&bench, &["--map", "192.0.2.1=10.24.1.5"])), "{}", told.error);
    }
    let split = ["split", CAPTURES[0], CAPTURES[1], "--map", "192.0.2.1=10.24.1.5", "--shards", "4", "-o", "split"];
    assert_eq!(bench.run(&split).code, 0);
    let told = run(&bench, script(&["4", "parts of the split", CAPTURES[0], "split"]));
    assert_eq!((told.code, told.out), (0, whole(&bench, &["--map", "192.0.2.1=10.24.1.5"])), "{}", told.error);
    let mut as_json = script(&arguments);
    as_json.env("MERGE", "--format json");
    assert_eq!(run(&bench, as_json).out, whole(&bench, &["--map", "192.0.2.1=10.24.1.5", "--format", "json"]));
    let bench = with_killed_program(bench);
    fs::create_dir(bench.path().join("killed-1")).unwrap();
    let mut killed = script(&[&["3", "parts"], &CAPTURES[..]].concat());
    killed.env("PROGRAM", "./killed.sh");
    let told = run(&bench, killed);
    assert_eq!((told.code, told.out), (0, whole(&bench, &[])), "{}", told.error);
    assert_eq!(bench.read("runs-2"), b"run\nrun\n", "killed once, run once more\n{}", told.error);
    let told = run(&bench, script(&["2", "other", "nowhere.toml", "week"]));
    assert!(told.code != 0 && told.out.is_empty() && told.error.contains("cannot read `nowhere.toml`"), "{told}");
    let told = run(&bench, script(&["2", "other"]));
    assert_eq!((told.code, told.out.as_str()), (2, ""));
    assert!(told.error.starts_with("usage: parallel.sh SHARDS PARTS"), "{}", told.error);
}

pub(crate) fn a_task_of_slurm_is_the_shard_of_its_index_and_the_ones_that_failed_can_be_run_again() {
    let bench = bench();
    let task = |index: &str| {
        let mut command = Command::new("bash");
        command.arg(folder().join("slurm.sh")).arg("parts").args(CAPTURES).args(["--by", "connection"]);
        // An array of those that are run again has fewer tasks than there are shards.
        command.envs([("SLURM_ARRAY_TASK_ID", index), ("SLURM_ARRAY_TASK_COUNT", "1"), ("SHARDS", "3")]);
        run(&bench, command)
    };
    for index in ["0", "2", "2"] {
        assert_eq!(task(index).code, 0);
    }
    let told = bench.run(&["merge", "parts"]);
    assert_eq!((told.code, told.out.as_str()), (2, ""));
    assert!(told.error.starts_with("error: shard 1 of 3 is missing from `parts`"), "{}", told.error);
    assert_eq!(task("1").code, 0);
    assert_eq!(bench.run(&["merge", "parts"]).out, whole(&bench, &["--by", "connection"]));
}

pub(crate) fn an_array_of_slurm_has_the_shards_that_its_tasks_count_to() {
    let script = read("slurm.sh");
    assert!(script.contains("#SBATCH --array=0-63\n") && script.contains("/${SHARDS:-64}\""), "{script}");
    // Slurm reads options up to the first command alone.
    let (head, body) = script.split_once("\nset -eu\n").unwrap();
    assert!(head.lines().all(|line| line.starts_with('#')) && !body.contains("#SBATCH"), "{script}");
    let told = run(&bench(), {
        let mut command = Command::new("bash");
        command.arg(folder().join("slurm.sh")).args(["parts", "shop.toml", "week"]).env_remove("SLURM_ARRAY_TASK_ID");
        command
    });
    assert!(told.code != 0 && told.error.contains("is set by Slurm: start this with sbatch"), "{told}");
}

pub(crate) fn python_reads_the_scripts() {
    for name in ["ray_driver.py", "dask_driver.py", "shards.py", "spark_verdicts.py"] {
        let mut command = Command::new("python3");
        command.args(["-B", "-c", "import ast, sys; ast.parse(sys.stdin.read())"]);
        command.stdin(fs::File::open(folder().join(name)).unwrap());
        let told = run(&Bench::new(), command);
        assert_eq!(told.code, 0, "{name}: {told}");
    }
}

/// A manifest, read by Python.
fn manifest(bench: &Bench, name: &str) -> Value {
    let mut command = trials::python();
    command.args(["-c", "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))"]);
    command.stdin(fs::File::open(folder().join(name)).unwrap());
    let told = run(bench, command);
    assert_eq!(told.code, 0, "{}", told.error);
    serde_json::from_str(&told.out).unwrap()
}

/// The arguments of a job's container, as the pod of `index` has them.
fn arguments(job: &Value, index: u64) -> Vec<String> {
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    let text = |argument: &Value| argument.as_str().unwrap().replace("$(JOB_COMPLETION_INDEX)", &index.to_string());
    container["args"].as_array().unwrap().iter().map(text).collect()
}

pub(crate) fn the_pods_of_the_indexed_job_are_all_shards_and_the_job_behind_them_merges_their_parts() {
    let bench = bench();
    let (job, merge) = (manifest(&bench, "job.yaml"), manifest(&bench, "merge.yaml"));
    assert_eq!(job["spec"]["completionMode"], "Indexed");
    assert!(job["spec"]["backoffLimitPerIndex"].as_u64().is_some_and(|limit| limit > 0));
    for job in [&job, &merge] {
        let pod = &job["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
        assert!(container["resources"]["requests"]["memory"].is_string());
        assert!(container.get("command").is_none(), "the image has an entry point and no shell");
    }
    // The volumes lie in the folder of the test, and there are three shards of the many.
    let count = job["spec"]["completions"].as_u64().unwrap();
    let here = |argument: String| {
        let argument = argument.replace("/topology/shop.toml", "shop.toml").replace("captures", "week");
        argument.replace(&format!("/{count}"), "/3")
    };
    assert!(arguments(&job, 7).contains(&format!("--shard=7/{count}")), "{job}");
    for index in 0..3 {
        let arguments: Vec<String> = arguments(&job, index).into_iter().map(here).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        assert_eq!(bench.run(&arguments).code, 0, "{arguments:?}");
    }
    let arguments = arguments(&merge, 0);
    let told = bench.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let one = bench.run(&["replay", "shop.toml", "week", "--format", "json", "--write", "one.pcapng"]);
    assert_eq!((told.code, told.out), (0, one.out), "{}", told.error);
    assert!(bench.read("verdicts.pcapng") == bench.read("one.pcapng"));
}

pub(crate) fn the_manifests_are_those_of_the_schema_of_kubernetes() {
    let validate = |text: &str| {
        let bench = Bench::new().write("job.yaml", text);
        let script = "from kubernetes_validate.__main__ import main; import sys; sys.exit(main())";
        let mut command = trials::python();
        command.args(["-c", script, "--strict", "job.yaml"]);
        run(&bench, command)
    };
    for name in ["job.yaml", "merge.yaml"] {
        let told = validate(&read(name));
        assert_eq!(told.code, 0, "{name}: {told}");
    }
    let wrong = read("job.yaml").replace("backoffLimitPerIndex", "backoffLimitPerPod");
    assert_ne!(validate(&wrong).code, 0, "a key that is not in the schema");
}

pub(crate) fn bash_reads_the_scripts_which_can_be_run() {
    for name in ["build-static.sh", "parallel.sh", "slurm.sh"] {
        let told = run(&Bench::new(), {
            let mut command = Command::new("bash");
            command.arg("-n").arg(folder().join(name));
            command
        });
        assert_eq!(told.code, 0, "{told}");
        assert_ne!(fs::metadata(folder().join(name)).unwrap().permissions().mode() & 0o100, 0, "{name} can be run");
    }
}

pub(crate) fn shellcheck_finds_no_fault_in_the_scripts() {
    let mut command = Command::new("shellcheck");
    command.args(["build-static.sh", "parallel.sh", "slurm.sh"].map(|name| folder().join(name)));
    let told = run(&Bench::new(), command);
    assert_eq!(told.code, 0, "{told}");
}

pub(crate) fn the_image_holds_the_program_alone_for_a_user_without_rights() {
    let file = read("Containerfile");
    let lines: Vec<&str> = file.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    let last = lines.iter().rposition(|line| line.starts_with("FROM ")).unwrap();
    assert_eq!(lines[last], "FROM scratch");
    assert!(!lines[last..].iter().any(|line| line.starts_with("RUN ")), "there is no shell");
    let user = lines[last..].iter().find_map(|line| line.strip_prefix("USER ")).unwrap();
    assert!(user.split(':').all(|id| id.parse::<u32>().is_ok_and(|id| id > 0)), "Kubernetes asks for a number: {user}");
    let built =
        lines[..last].iter().find_map(|line| line.strip_prefix("RUN examples/cluster/build-static.sh ")).unwrap();
    let entry = lines[last..].iter().find_map(|line| line.strip_prefix("ENTRYPOINT ")).unwrap();
    let program = built.split_whitespace().next().unwrap().strip_prefix("/image").unwrap();
    assert_eq!(entry, format!("[\"{program}\"]"), "the program is where it was put");
    let rust = lines[0].split_once("rust:").unwrap().1;
    assert!(rust.starts_with(env!("CARGO_PKG_RUST_VERSION")), "built with the oldest Rust of Cargo.toml, not {rust}");
    // What the build reads is not left out.
    let ignored = read("Containerfile.dockerignore");
    for read in ["Cargo.toml", "Cargo.lock", "src", "benches", "examples", "tests", "scenarios"] {
        assert!(ignored.lines().any(|line| line == format!("!{read}")), "{read}");
    }
}

/// GNU parallel, for which another program of that name is no stand-in.
pub(crate) fn gnu_parallel() -> Option<String> {
    let is_gnu = |output: std::process::Output| String::from_utf8_lossy(&output.stdout).starts_with("GNU parallel");
    let told = Command::new("parallel").arg("--version").output();
    (!told.is_ok_and(is_gnu)).then(|| "there is no GNU parallel on this machine".to_owned())
}

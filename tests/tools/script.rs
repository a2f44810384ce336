//! The dump script against a mock of the vendor's CLI, under several shells.

use crate::accounts::{import_from, world, world_of};
use crate::answers::{self, dump_of};
use crate::facts;
use crate::trials::{self, trial};
use biplane::import::DUMP_SCRIPT;
use libtest_mimic::Trial;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Answers out of a folder of prepared ones: the file of the call, its object and its page. Calls are written to `calls`;
/// a file `fail` names a call that is refused, a file `throttle` one that is refused once.
const MOCK: &str = r#"#!/bin/sh
here=$(dirname "$0")
[ "$1" = version ] && { echo 3.0.99; exit 0; }
product=$1 api=$2
shift 2
id= page=1 nic= token= region= plane=
while [ $# -gt 0 ]; do
    case $1 in
        --SecurityGroupId|--VpcId|--RouteTableId|--PrefixListId|--DBInstanceId|--InstanceId) id=.$2 ;;
        --PageNumber) page=$2 ;;
        --NicType|--NetworkType) nic=@$2 ;;
        --WhitelistNetworkType|--DBInstanceType) plane=@$2 ;;
        --NextToken) token=${2#token-}; page=$((token + 1)) ;;
        --RegionId) region=$2/ ;;
    esac
    shift 2
done
call=$product.$api$nic$plane$id
echo "$call.$page" >>"$here/calls"
if [ -f "$here/fail" ] && grep -qx "$call" "$here/fail"; then
    printf 'ERROR: SDK.ServerError\nErrorCode: Forbidden.RAM\nMessage: no\n' >&2
    exit 1
fi
if [ -f "$here/throttle" ] && grep -qx "$call" "$here/throttle"; then
    rm "$here/throttle"
    printf 'ERROR: SDK.ServerError\nErrorCode: Throttling.User\n' >&2
    exit 1
fi
for file in "$here/answers/$region$call.$page.json" "$here/answers/$region$product.$api$id.$page.json"; do
    if [ -f "$file" ]; then cat "$file"; exit 0; fi
done
echo '{"TotalCount": 0}'
"#;

/// A program, and its arguments.
type Shell = &'static [&'static str];

const SHELLS: [Shell; 3] = [&["dash"], &["bash", "--posix"], &["busybox", "sh"]];

/// Functions with their names.
macro_rules! named {
    ($($name:ident),+ $(,)?) => {
        [$((stringify!($name), $name as fn(Shell))),+]
    };
}

/// Every test of this file under every shell.
pub(crate) fn all() -> Vec<Trial> {
    let tests = named![
        a_dump_imports_as_the_account_it_is_of,
        a_second_run_asks_for_nothing_that_is_there,
        a_refused_call_is_kept_beside_the_answers_and_told_by_the_import,
        throttled_calls_are_made_again,
        without_arguments_or_the_cli_it_says_what_to_do,
    ];
    let under = |shell: Shell| {
        tests.map(|(name, test)| {
            trial(format!("script::{}::{name}", shell[0]), || trials::programs(&shell[..1]), move || test(shell))
        })
    };
    SHELLS.into_iter().flat_map(under).collect()
}

struct Stage {
    folder: tempfile::TempDir,
    shell: Shell,
}

impl Stage {
    fn new(shell: Shell) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::create_dir_all(path.join("bin/answers")).unwrap();
        fs::write(path.join("bin/aliyun"), MOCK).unwrap();
        fs::set_permissions(path.join("bin/aliyun"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(path.join("dump.sh"), DUMP_SCRIPT).unwrap();
        // One account and one region: their folders are the script's own.
        let dump = dump_of(&world("shop.toml"), 100);
        let dump =
            dump.into_iter().map(|(name, answer)| (name.split_once('/').unwrap().1.to_owned(), answer)).collect();
        answers::write(&dump, &path.join("bin/answers"));
        Stage { folder, shell }
    }

    fn run(&self) -> Output {
        let (program, arguments) = self.shell.split_first().unwrap();
        let path = format!("{}:{}", self.folder.path().join("bin").display(), std::env::var("PATH").unwrap());
        Command::new(program)
            .args(arguments)
            .args(["dump.sh", "out", "cn-hangzhou"])
            .current_dir(self.folder.path())
            .env("PATH", path)
            .env("BIPLANE_WAITS", "0 0")
            .output()
            .unwrap()
    }

    fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.folder.path().join("bin/calls")).unwrap_or_default();
        let _ = fs::remove_file(self.folder.path().join("bin/calls"));
        calls.lines().map(str::to_owned).collect()
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }
}

fn errors_in(folder: &Path) -> Vec<String> {
    let mut errors = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            errors.extend(errors_in(&path));
        } else if path.extension().is_some_and(|extension| extension == "error") {
            errors.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    errors
}

fn a_dump_imports_as_the_account_it_is_of(shell: Shell) {
    let stage = Stage::new(shell);
    let output = stage.run();
    assert!(output.status.success(), "{shell:?}: {}", String::from_utf8_lossy(&output.stderr));
    let imported = import_from(&stage.out()).unwrap();
    let (found, expected) = (facts::lines(&world_of(&imported.toml)), facts::lines(&world("shop.toml")));
    assert_eq!(found, expected, "{shell:?}\n{}", imported.report.text());
    let reads = |call: &String| {
        ["Describe", "List", "Get"].iter().any(|verb| call.split('.').nth(1).unwrap().starts_with(verb))
    };
    let calls = stage.calls();
    assert!(calls.len() > 30 && calls.iter().all(reads), "{calls:?}");
}

fn a_second_run_asks_for_nothing_that_is_there(shell: Shell) {
    let stage = Stage::new(shell);
    stage.run();
    stage.calls();
    let removed = stage.out().join("cn-hangzhou/vpc.DescribeVSwitches.1.json");
    fs::remove_file(&removed).unwrap();
    fs::write(stage.out().join("cn-hangzhou/vpc.DescribeVpcs.1.json.part"), "{\"Vpc").unwrap();
    assert!(stage.run().status.success());
    assert_eq!(stage.calls(), ["vpc.DescribeVSwitches.1"], "{shell:?}");
    assert!(removed.exists());
}

fn a_refused_call_is_kept_beside_the_answers_and_told_by_the_import(shell: Shell) {
    let stage = Stage::new(shell);
    let group = world("shop.toml").security_groups.ids().next().unwrap().to_owned();
    fs::write(stage.folder.path().join("bin/fail"), format!("ecs.DescribeSecurityGroupAttribute@intranet.{group}\n"))
        .unwrap();
    let output = stage.run();
    assert_eq!(output.status.code(), Some(1), "{shell:?}");
    assert_eq!(errors_in(&stage.out()).len(), 1, "{shell:?}");
    let imported = import_from(&stage.out()).unwrap();
    assert!(!imported.report.is_complete());
    assert!(imported.report.text().contains("Forbidden.RAM"), "{}", imported.report.text());
    // The permission is given, and the script goes on where it was stopped.
    fs::remove_file(stage.folder.path().join("bin/fail")).unwrap();
    stage.calls();
    assert!(stage.run().status.success());
    assert_eq!(stage.calls().len(), 1);
    assert!(errors_in(&stage.out()).is_empty());
}

fn throttled_calls_are_made_again(shell: Shell) {
    let stage = Stage::new(shell);
    fs::write(stage.folder.path().join("bin/throttle"), "vpc.DescribeVpcs\n").unwrap();
    assert!(stage.run().status.success(), "{shell:?}");
    assert!(errors_in(&stage.out()).is_empty());
    assert_eq!(stage.calls().iter().filter(|call| *call == "vpc.DescribeVpcs.1").count(), 2);
}

fn without_arguments_or_the_cli_it_says_what_to_do(shell: Shell) {
    let stage = Stage::new(shell);
    let (program, arguments) = shell.split_first().unwrap();
    let run = |more: &[&str]| {
        Command::new(program)
            .args(arguments)
            .arg("dump.sh")
            .args(more)
            .current_dir(stage.folder.path())
            .env("BIPLANE_WAITS", "")
            .output()
            .unwrap()
    };
    let usage = run(&[]);
    assert!(usage.status.code() == Some(2) && String::from_utf8_lossy(&usage.stderr).contains("usage:"), "{shell:?}");
    let no_cli = run(&["out", "cn-hangzhou"]);
    assert!(
        no_cli.status.code() == Some(2) && String::from_utf8_lossy(&no_cli.stderr).contains("is not installed"),
        "{shell:?}"
    );
}

//! A user without any privilege can do all this.

use crate::{Bench, SHOP, bench, text};
use rustix::process::geteuid;
use std::process::Command;

/// As root, gives the rights up first; a user of `/dev/net/tun` is who may open it, which is every user on most systems,
/// so it is replaced by such a one where only this process sees it.
const WITHOUT_RIGHTS: &str = "mount -t tmpfs none /mnt && cp \"$1\" shop.toml /mnt && mknod /mnt/tun c 10 200 && \
    chmod 666 /mnt/tun /mnt/shop.toml && mount --bind /mnt/tun /dev/net/tun && chmod 755 /mnt && cd /mnt && \
    exec setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all --no-new-privs \
    /mnt/biplane live shop.toml -- sh -c 'id -u; at web ping -c 1 -W 5 app'";

/// What keeps root from giving its rights up.
pub(crate) fn missing() -> Option<String> {
    if !geteuid().is_root() {
        return Some("all other tests of this program run without privileges already".to_owned());
    }
    let try_it = "mount -t tmpfs none /mnt && mknod /mnt/tun c 10 200 && mount --bind /mnt/tun /dev/net/tun";
    let missing = bench::missing(&["ping", "unshare", "setpriv", "mknod"]);
    missing.or_else(|| {
        let output = Command::new("unshare").args(["--mount", "sh", "-c", try_it]).output().unwrap();
        (!output.status.success())
            .then(|| format!("this root may not make devices: {}", text(&output.stderr).trim_end()))
    })
}

pub(crate) fn a_user_without_privileges_can_run_it() {
    let bench = Bench::new(SHOP);
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", WITHOUT_RIGHTS, "sh", env!("CARGO_BIN_EXE_biplane")]);
    let output = command.current_dir(bench.path()).output().unwrap();
    let (printed, told) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{printed}\n{told}");
    // Root inside, with no right outside.
    assert!(printed.starts_with("0\n") && printed.contains("ttl=62"), "{printed}\n{told}");
}

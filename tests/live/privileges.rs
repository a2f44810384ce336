//! A user without any privilege can do all this.

use crate::{Bench, SHOP, text};
use rustix::process::geteuid;
use std::process::Command;

/// As root, gives the rights up first; a user of `/dev/net/tun` is who may open it, which is every user on most systems,
/// so it is replaced by such a one where only this process sees it.
const WITHOUT_RIGHTS: &str = "mount -t tmpfs none /mnt && cp \"$1\" shop.toml /mnt && mknod /mnt/tun c 10 200 && \
    chmod 666 /mnt/tun /mnt/shop.toml && mount --bind /mnt/tun /dev/net/tun && chmod 755 /mnt && cd /mnt && \
    exec setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all --no-new-privs \
    /mnt/biplane live shop.toml -- sh -c 'id -u; at web ping -c 1 -W 5 app'";

pub(crate) fn a_user_without_privileges_can_run_it() {
    let bench = Bench::new(SHOP);
    if !geteuid().is_root() {
        println!("skipped: all other tests of this program run without privileges already");
        return;
    }
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", WITHOUT_RIGHTS, "sh", env!("CARGO_BIN_EXE_biplane")]);
    let output = command.current_dir(bench.path()).output().unwrap();
    let (printed, told) = (text(&output.stdout), text(&output.stderr));
    if told.contains("mknod") || told.contains("mount") {
        println!("skipped: this root may not make devices: {told}");
        return;
    }
    assert!(output.status.success(), "{printed}\n{told}");
    // Root inside, with no right outside.
    assert!(printed.starts_with("0\n") && printed.contains("ttl=62"), "{printed}\n{told}");
}

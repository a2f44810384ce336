//! What is in the way where a system gives no namespaces, as a sentence with the setting.

use std::fs;
use std::io;
use std::path::Path;

/// The device of TAPs.
pub(super) const TUN: &str = "/dev/net/tun";

/// A setting of the kernel, as a number.
fn setting(name: &str) -> Option<u64> {
    fs::read_to_string(Path::new("/proc/sys").join(name)).ok()?.trim().parse().ok()
}

/// The system gives no user namespace, or one without rights.
pub(super) fn user_namespace(error: &io::Error) -> io::Error {
    let in_the_way = if setting("kernel/apparmor_restrict_unprivileged_userns") == Some(1) {
        "AppArmor restricts them to programs with a profile: \
         `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0` lifts that"
    } else if setting("kernel/unprivileged_userns_clone") == Some(0) {
        "`sudo sysctl kernel.unprivileged_userns_clone=1` permits them"
    } else if setting("user/max_user_namespaces") == Some(0) {
        "`sudo sysctl user.max_user_namespaces=15000` permits them"
    } else {
        match error.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
            Some(rustix::io::Errno::NOSPC) => "as many as `sysctl user.max_user_namespaces` permits are there already",
            Some(rustix::io::Errno::PERM | rustix::io::Errno::ACCESS) => {
                "in a container, they need `--security-opt seccomp=unconfined --security-opt apparmor=unconfined` and \
                 `--device /dev/net/tun` of Docker or Podman; a chroot gives none"
            }
            _ => "the kernel needs CONFIG_USER_NS and CONFIG_NET_NS",
        }
    };
    sentence(error, &format!("this system refuses user namespaces ({error}): {in_the_way}"))
}

/// The system gives no more network namespaces.
pub(super) fn network_namespace(error: &io::Error) -> io::Error {
    match error.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
        Some(rustix::io::Errno::NOSPC) => sentence(
            error,
            "this system gives no more network namespaces: `sysctl user.max_net_namespaces` says how many; \
             --only gives fewer endpoints one",
        ),
        _ => user_namespace(error),
    }
}

/// No TAP can be made.
pub(super) fn tap(error: &io::Error) -> io::Error {
    let in_the_way = match error.kind() {
        io::ErrorKind::NotFound => {
            format!("there is no {TUN}: `sudo modprobe tun` loads it; in a container, `--device {TUN}` gives it")
        }
        io::ErrorKind::PermissionDenied => {
            format!("{TUN} may not be opened ({error}): `sudo chmod 0666 {TUN}` lets every user, as most systems do")
        }
        _ => format!("a TAP cannot be made: {error}"),
    };
    sentence(error, &in_the_way)
}

/// There may not be so many open files.
pub(super) fn descriptors(needed: u64) -> io::Error {
    io::Error::other(format!(
        "{needed} open files are needed, and `ulimit -Hn` permits fewer; --only gives fewer endpoints an interface"
    ))
}

/// Whatever else the system refuses, unless it is a sentence already.
pub(super) fn anything(error: io::Error) -> io::Error {
    if error.get_ref().is_some() {
        error
    } else {
        sentence(&error, &format!("the namespaces cannot be set up: {error}"))
    }
}

fn sentence(error: &io::Error, text: &str) -> io::Error {
    io::Error::new(error.kind(), text.to_owned())
}

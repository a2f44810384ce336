//! The commands that add a route to a classic guest, and those that take it out again.

use super::layout::wrapped;
use crate::net::GuestRoute;
use crate::text::shown;
use std::fmt::Write;

/// What configures the network of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuestSystem {
    /// Any Linux: the commands find out which of the others it is.
    Linux,
    /// network-scripts: CentOS and RHEL up to 7, Alibaba Cloud Linux 2.
    NetworkScripts,
    /// NetworkManager: CentOS and RHEL 8, Alibaba Cloud Linux 3.
    NetworkManager,
    /// ifupdown: Debian, and Ubuntu before 17.10.
    Ifupdown,
    /// Netplan: Ubuntu from 17.10.
    Netplan,
    /// wicked: SLES and openSUSE.
    Wicked,
    /// Windows Server.
    Windows,
}

use GuestSystem::{Ifupdown, Linux, Netplan, NetworkManager, NetworkScripts, Wicked, Windows};

/// The Linux systems in the order in which a guest is asked for them. NetworkManager comes before network-scripts,
/// whose files it reads and writes itself where it runs.
const LINUX: [(GuestSystem, &str); 5] = [
    (Netplan, "ls /etc/netplan/*.yaml >/dev/null 2>&1"),
    (NetworkManager, "nmcli -t -f GENERAL.CONNECTION device show eth0 2>/dev/null | grep -q ':.'"),
    (NetworkScripts, "test -d /etc/sysconfig/network-scripts"),
    (Wicked, "test -d /etc/sysconfig/network"),
    (Ifupdown, "test -f /etc/network/interfaces"),
];

/// What the commands of one system are put together from. They stand in files of their own, in the shell's language.
macro_rules! commands {
    ($name:literal) => {
        (
            include_str!(concat!("guest_route/", $name, ".add.sh")),
            include_str!(concat!("guest_route/", $name, ".undo.sh")),
        )
    };
}

/// Functions of the shell, by the names that commands call them by.
const FUNCTIONS: [(&str, &str); 4] = [
    ("fail ", include_str!("guest_route/fail.sh")),
    ("end_line ", include_str!("guest_route/end_line.sh")),
    ("rewrite ", include_str!("guest_route/rewrite.sh")),
    ("$(interfaces_files)", include_str!("guest_route/interfaces_files.sh")),
];

impl GuestSystem {
    /// What begins a comment in the shell that the commands are for.
    pub fn comment(self) -> &'static str {
        if self == Windows { "rem" } else { "#" }
    }

    fn is_found_on(self) -> &'static str {
        match self {
            Linux => "any Linux",
            NetworkScripts => "network-scripts: CentOS and RHEL up to 7, Alibaba Cloud Linux 2",
            NetworkManager => "NetworkManager: CentOS and RHEL 8, Alibaba Cloud Linux 3",
            Ifupdown => "ifupdown: Debian, Ubuntu before 17.10",
            Netplan => "Netplan: Ubuntu from 17.10",
            Wicked => "SLES and openSUSE",
            Windows => "Windows Server",
        }
    }
}

/// Appends `text` as comment lines of at most 100 columns.
pub fn guest_route_comment(out: &mut String, system: GuestSystem, text: &str) {
    const COLUMNS: usize = 100;
    let mark = system.comment();
    let mut text = shown(text).into_owned();
    if system == Windows {
        // Of the first four `rem` is not sure to hold its hands off, a last `^` takes the next line into the comment.
        text = text.replace(['&', '|', '<', '>', '^', '%'], "?");
    }
    for line in wrapped(&text, COLUMNS - 1 - mark.len()) {
        let _ = writeln!(out, "{mark} {line}");
    }
}

/// Whether a route is added or taken out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum GuestFileChange {
    Add,
    Undo,
}

/// The commands that add `route` to a guest of `system`, now and at every boot: they paste into a shell, may be run
/// again, and change nothing where they do not understand what they find.
pub fn guest_route_commands(route: GuestRoute, system: GuestSystem) -> String {
    script(route, system, GuestFileChange::Add)
}

/// The commands that take out what [`guest_route_commands`] adds.
pub fn guest_route_undo(route: GuestRoute, system: GuestSystem) -> String {
    script(route, system, GuestFileChange::Undo)
}

fn script(route: GuestRoute, system: GuestSystem, change: GuestFileChange) -> String {
    if system == Windows {
        return windows(route, change);
    }
    let lasting = match system {
        Linux => any_linux(change),
        _ => format!("# at every boot ({})\n{}", system.is_found_on(), commands_of(system, change)),
    };
    // What lasts comes first: it may refuse. A shell of its own may end without the one that this is pasted into.
    let functions = FUNCTIONS.iter().filter(|(call, _)| lasting.contains(call)).map(|(_, function)| *function);
    let mut body = String::from("set -eu\n");
    body.extend(functions);
    let _ = write!(body, "\n{lasting}\n# until the next boot\n{}\n", at_once(route, change));
    let mut text = String::from("(\n");
    indent(&mut text, &filled_in(&body, route));
    text.push_str(")\n");
    text
}

fn at_once(route: GuestRoute, change: GuestFileChange) -> String {
    match change {
        GuestFileChange::Add => format!("ip route replace {route}"),
        // It may be gone already.
        GuestFileChange::Undo => format!("{} || :", route.delete_command()),
    }
}

fn any_linux(change: GuestFileChange) -> String {
    let mut text = String::from("# at every boot, by whatever configures the network of this guest\n");
    for (index, (system, test)) in LINUX.iter().enumerate() {
        let word = if index == 0 { "if" } else { "elif" };
        let _ = writeln!(text, "{word} {test}; then\n    # {}", system.is_found_on());
        indent(&mut text, commands_of(*system, change));
    }
    text.push_str("else\n    fail 'nothing known configures the network here'\nfi\n");
    text
}

fn commands_of(system: GuestSystem, change: GuestFileChange) -> &'static str {
    let (add, undo) = match system {
        NetworkScripts => commands!("network-scripts"),
        NetworkManager => commands!("network-manager"),
        Wicked => commands!("wicked"),
        Ifupdown => commands!("ifupdown"),
        Netplan => commands!("netplan"),
        Linux | Windows => ("", ""),
    };
    if change == GuestFileChange::Add { add } else { undo }
}

/// `commands` with the parts of the route in the places of their names.
fn filled_in(commands: &str, route: GuestRoute) -> String {
    let (to, gateway) = (route.destination(), route.gateway());
    let parts = [
        ("@up_line@", up_line(route)),
        ("@to@", to.to_string()),
        ("@net@", to.network().to_string()),
        ("@mask@", to.netmask().to_string()),
        ("@gateway@", gateway.to_string()),
    ];
    parts.iter().fold(commands.to_owned(), |text, (name, part)| text.replace(name, part))
}

fn windows(route: GuestRoute, change: GuestFileChange) -> String {
    let (to, gateway) = (route.destination(), route.gateway());
    let (net, mask) = (to.network(), to.netmask());
    match change {
        GuestFileChange::Add => {
            format!("route print {net} | find \"{gateway}\" >nul || route -p add {net} mask {mask} {gateway}\n")
        }
        GuestFileChange::Undo => format!("route delete {net} mask {mask} {gateway}\n"),
    }
}

/// Appends commands of a branch. What stands between the lines of a here-document stays at the margin.
fn indent(text: &mut String, commands: &str) {
    let mut in_document = false;
    for line in commands.lines() {
        let _ = writeln!(text, "{}{line}", if in_document || line.is_empty() { "" } else { "    " });
        in_document = line.ends_with("<<'END'") || in_document && line != "END";
    }
}

/// The line of an interfaces file, in the words of the vendor's images.
fn up_line(route: GuestRoute) -> String {
    let to = route.destination();
    format!("up route add -net {} netmask {} gw {} dev eth0", to.network(), to.netmask(), route.gateway())
}

#[cfg(test)]
mod tests;

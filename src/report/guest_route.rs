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

const NETPLAN_FILE: &str = "/etc/netplan/90-classiclink.yaml";
const ROUTE_FILE: &str = "/etc/sysconfig/network-scripts/route-eth0";
const WICKED_FILE: &str = "/etc/sysconfig/network/ifroute-eth0";
const INTERFACES_FILE: &str = "/etc/network/interfaces";

/// The connection that NetworkManager has on the private NIC.
const CONNECTION: &str = r#""$(nmcli -t -f GENERAL.CONNECTION device show eth0 | cut -d: -f2-)""#;

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

/// The commands that add `route` to a guest of `system`, now and at every boot: they paste into a shell.
pub fn guest_route_commands(route: GuestRoute, system: GuestSystem) -> String {
    script(system, "add", &route.add_command(), |system| add(route, system))
}

/// The commands that take out what [`guest_route_commands`] adds.
pub fn guest_route_undo(route: GuestRoute, system: GuestSystem) -> String {
    script(system, "take out", &route.delete_command(), |system| remove(route, system))
}

fn script(system: GuestSystem, what: &str, at_once: &str, lasting: impl Fn(GuestSystem) -> String) -> String {
    if system == Windows {
        return lasting(Windows);
    }
    let mut text = format!("# until the next boot\n{at_once}\n\n");
    if system != Linux {
        let _ = write!(text, "# at every boot ({})\n{}", system.is_found_on(), lasting(system));
        return text;
    }
    text.push_str("# at every boot, by whatever configures the network of this guest\n");
    for (index, (system, test)) in LINUX.iter().enumerate() {
        let word = if index == 0 { "if" } else { "elif" };
        let _ = writeln!(text, "{word} {test}; then\n    # {}", system.is_found_on());
        indent(&mut text, &lasting(*system));
    }
    let _ =
        writeln!(text, "else\n    echo 'nothing known configures the network here: {what} the route by hand' >&2\nfi");
    text
}

/// Appends commands of a branch. What stands between the lines of a here-document stays at the margin.
fn indent(text: &mut String, commands: &str) {
    let mut in_document = false;
    for line in commands.lines() {
        let _ = writeln!(text, "{}{line}", if in_document { "" } else { "    " });
        in_document = line.ends_with("<<'END'") || in_document && line != "END";
    }
}

fn add(route: GuestRoute, system: GuestSystem) -> String {
    let (to, gateway) = (route.destination(), route.gateway());
    let append = |line: &str, file: &str| {
        format!("line='{line}' file={file}\ngrep -qxF \"$line\" $file 2>/dev/null || echo \"$line\" >> $file\n")
    };
    match system {
        NetworkScripts => {
            "# a file with lines ADDRESS0=, NETMASK0=, GATEWAY0= wants three more of that form instead\n".to_owned()
                + &append(&route.to_string(), ROUTE_FILE)
        }
        NetworkManager => format!("nmcli connection modify {CONNECTION} +ipv4.routes '{to} {gateway}'\n"),
        Wicked => append(&format!("{to} {gateway} - eth0"), WICKED_FILE),
        Ifupdown => format!(
            "line='{}' file={INTERFACES_FILE}\n\
             grep -qF \"$line\" $file || sed -i \"/^iface eth0 inet /a\\    $line\" $file\n",
            up_line(route)
        ),
        Netplan => format!(
            "cat > {NETPLAN_FILE} <<'END'\n\
             network:\n  version: 2\n  ethernets:\n    eth0:\n      routes:\n        - to: {to}\n          via: {gateway}\n\
             END\n\
             chmod 600 {NETPLAN_FILE}\n"
        ),
        Windows => format!("route -p add {} mask {} {gateway}\n", to.network(), to.netmask()),
        Linux => String::new(),
    }
}

fn remove(route: GuestRoute, system: GuestSystem) -> String {
    let (to, gateway) = (route.destination(), route.gateway());
    let delete = |line: &str, file: &str| format!("sed -i '\\|^{line}$|d' {file}\n");
    match system {
        NetworkScripts => delete(&route.to_string(), ROUTE_FILE),
        NetworkManager => format!("nmcli connection modify {CONNECTION} -ipv4.routes '{to} {gateway}'\n"),
        Wicked => delete(&format!("{to} {gateway} - eth0"), WICKED_FILE),
        Ifupdown => delete(&format!(" *{}", up_line(route)), INTERFACES_FILE),
        Netplan => format!("rm -f {NETPLAN_FILE}\n"),
        Windows => format!("route delete {} mask {} {gateway}\n", to.network(), to.netmask()),
        Linux => String::new(),
    }
}

/// The line of an interfaces file, in the words of the vendor's images.
fn up_line(route: GuestRoute) -> String {
    let to = route.destination();
    format!("up route add -net {} netmask {} gw {} dev eth0", to.network(), to.netmask(), route.gateway())
}

#[cfg(test)]
#[path = "guest_route_tests.rs"]
mod tests;

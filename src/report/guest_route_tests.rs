use super::*;
use std::net::Ipv4Addr;

fn route() -> GuestRoute {
    GuestRoute::of(Ipv4Addr::new(10, 165, 52, 142))
}

const LASTING: [GuestSystem; 6] = [NetworkScripts, NetworkManager, Ifupdown, Netplan, Wicked, Windows];

#[test]
fn every_system_has_its_command_and_its_way_back() {
    let expected = [
        ("route-eth0", "192.168.0.0/16 via 10.165.55.247 dev eth0"),
        ("nmcli connection modify", "+ipv4.routes '192.168.0.0/16 10.165.55.247'"),
        ("/etc/network/interfaces", "up route add -net 192.168.0.0 netmask 255.255.0.0 gw 10.165.55.247 dev eth0"),
        ("/etc/netplan/", "- to: 192.168.0.0/16\n          via: 10.165.55.247\n"),
        ("ifroute-eth0", "192.168.0.0/16 10.165.55.247 - eth0"),
        ("", "route -p add 192.168.0.0 mask 255.255.0.0 10.165.55.247"),
    ];
    for (system, (place, line)) in LASTING.into_iter().zip(expected) {
        let (commands, undo) = (guest_route_commands(route(), system), guest_route_undo(route(), system));
        assert!(commands.contains(place) && commands.contains(line), "{commands}");
        assert!(undo.contains(place) && undo != commands, "{undo}");
        let at_once = commands.contains("ip route add 192.168.0.0/16 via 10.165.55.247 dev eth0\n");
        assert_eq!(at_once, system != Windows, "{commands}");
    }
}

#[test]
fn an_explanation_never_leaves_its_comment() {
    let mut text = String::new();
    guest_route_comment(&mut text, Linux, "an id\nrm -rf / \r with line breaks");
    guest_route_comment(&mut text, Windows, &"word ".repeat(30));
    assert!(text.starts_with("# an id\\nrm -rf / \\r with line breaks\nrem word"), "{text}");
    assert!(text.lines().skip(1).all(|line| line.starts_with("rem word") && line.len() <= 100), "{text}");
}

/// The commands run by a shell, with a folder for `/etc` and stand-ins for `ip` and `nmcli`, which note what they are
/// asked.
#[cfg(unix)]
mod in_a_shell {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;
    use std::process::Command;
    use tempfile::TempDir;

    struct Guest {
        folder: TempDir,
    }

    impl Guest {
        /// A guest with these files, below `/etc`. `connection` is what NetworkManager has on the NIC.
        fn with(files: &[(&str, &str)], connection: &str) -> Guest {
            let guest = Guest { folder: TempDir::new().unwrap() };
            for (name, text) in files {
                let path = guest.path(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            let note = |name: &str| format!("echo {name} \"$@\" >> {}\n", guest.path("asked").display());
            guest.tool("ip", &note("ip"));
            let show =
                format!("case \"$*\" in *show*) echo 'GENERAL.CONNECTION:{connection}';; *) {} esac\n", note("nmcli"));
            guest.tool("nmcli", &show);
            guest
        }

        fn tool(&self, name: &str, body: &str) {
            let path = self.folder.path().join("bin").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, format!("#!/bin/sh\n{body}")).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join("etc").join(name)
        }

        fn read(&self, name: &str) -> String {
            fs::read_to_string(self.path(name)).unwrap_or_default()
        }

        /// Runs `commands`, and gives what was asked of the tools.
        fn run(&self, commands: &str) -> String {
            let commands = commands.replace("/etc/", &format!("{}/", self.path("").display()));
            let tools = self.folder.path().join("bin");
            let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
            let _ = fs::create_dir_all(self.path(""));
            let _ = fs::remove_file(self.path("asked"));
            let output = Command::new("sh").args(["-euc", &commands]).env("PATH", path).output().unwrap();
            let complaint = String::from_utf8(output.stderr).unwrap();
            assert!(output.status.success() && complaint.is_empty(), "{commands}\n{complaint}");
            self.read("asked")
        }
    }

    const ADDED: &str = "ip route add 192.168.0.0/16 via 10.165.55.247 dev eth0\n";
    const DELETED: &str = "ip route del 192.168.0.0/16 via 10.165.55.247 dev eth0\n";

    /// Adds twice, which must change nothing more than once, and undoes it; gives `file` after the adding.
    fn added_and_undone(guest: &Guest, system: GuestSystem, file: &str) -> String {
        let before = guest.read(file);
        let commands = guest_route_commands(route(), system);
        assert_eq!(guest.run(&commands), ADDED);
        let after = guest.read(file);
        guest.run(&commands);
        assert_eq!(guest.read(file), after, "{system:?}, twice");
        assert_eq!(guest.run(&guest_route_undo(route(), system)), DELETED);
        assert_eq!(guest.read(file), before, "{system:?}, undone");
        after
    }

    #[test]
    fn network_scripts_get_a_line_of_route_eth0() {
        let file = "sysconfig/network-scripts/route-eth0";
        let before = "10.0.0.0/8 via 10.165.55.247 dev eth0\n";
        for system in [NetworkScripts, Linux] {
            let guest = Guest::with(&[(file, before), ("sysconfig/network", "NETWORKING=yes\n")], "");
            let after = added_and_undone(&guest, system, file);
            assert_eq!(after, format!("{before}192.168.0.0/16 via 10.165.55.247 dev eth0\n"));
        }
    }

    #[test]
    fn wicked_gets_a_line_of_ifroute_eth0() {
        let file = "sysconfig/network/ifroute-eth0";
        for system in [Wicked, Linux] {
            let guest = Guest::with(&[(file, "10.0.0.0/8 10.165.55.247 - eth0\n")], "");
            let after = added_and_undone(&guest, system, file);
            assert_eq!(after.lines().last(), Some("192.168.0.0/16 10.165.55.247 - eth0"));
        }
    }

    #[test]
    fn ifupdown_gets_a_line_in_the_stanza_of_the_private_nic() {
        let file = "network/interfaces";
        let before = "auto eth0\niface eth0 inet static\n    address 10.165.52.142\n\niface eth1 inet static\n";
        for system in [Ifupdown, Linux] {
            let guest = Guest::with(&[(file, before)], "");
            let after = added_and_undone(&guest, system, file);
            let line = "    up route add -net 192.168.0.0 netmask 255.255.0.0 gw 10.165.55.247 dev eth0";
            assert_eq!(after.lines().nth(2), Some(line), "{after}");
        }
    }

    #[test]
    fn netplan_gets_a_file_of_its_own() {
        let file = "netplan/90-classiclink.yaml";
        for system in [Netplan, Linux] {
            let guest = Guest::with(&[("netplan/50-cloud-init.yaml", ""), ("network/interfaces", "")], "");
            let after = added_and_undone(&guest, system, file);
            assert!(
                after.starts_with("network:\n  version: 2\n") && after.ends_with("via: 10.165.55.247\n"),
                "{after}"
            );
            assert_eq!(guest.read("network/interfaces"), "");
        }
    }

    #[test]
    fn network_manager_is_asked_to_change_the_connection_of_the_private_nic() {
        let file = "sysconfig/network-scripts/route-eth0";
        let guest = Guest::with(&[(file, "")], "System eth0");
        let route = "ipv4.routes 192.168.0.0/16 10.165.55.247";
        for system in [NetworkManager, Linux] {
            let asked = guest.run(&guest_route_commands(super::route(), system));
            assert_eq!(asked, format!("{ADDED}nmcli connection modify System eth0 +{route}\n"));
            let asked = guest.run(&guest_route_undo(super::route(), system));
            assert_eq!(asked, format!("{DELETED}nmcli connection modify System eth0 -{route}\n"));
        }
        assert_eq!(guest.read(file), "");
    }
}

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
        ("nmcli connection modify id", "+ipv4.routes '192.168.0.0/16 10.165.55.247'"),
        ("/etc/network", "up route add -net 192.168.0.0 netmask 255.255.0.0 gw 10.165.55.247 dev eth0"),
        ("/etc/netplan/", "- to: 192.168.0.0/16\n          via: 10.165.55.247\nEND\n"),
        ("ifroute-eth0", "192.168.0.0/16 10.165.55.247 - eth0"),
        ("", "route -p add 192.168.0.0 mask 255.255.0.0 10.165.55.247"),
    ];
    for (system, (place, line)) in LASTING.into_iter().zip(expected) {
        let (commands, undo) = (guest_route_commands(route(), system), guest_route_undo(route(), system));
        assert!(commands.contains(place) && commands.contains(line), "{commands}");
        assert!(undo.contains(place) && undo != commands, "{undo}");
        let at_once = commands.contains("ip route replace 192.168.0.0/16 via 10.165.55.247 dev eth0\n");
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
            let show = format!(
                "case \"$*\" in *connection\\ show*) cat {} 2>/dev/null || :;; *show*) echo 'GENERAL.CONNECTION:{connection}';; *) {} esac\n",
                guest.path("routes").display(),
                note("nmcli")
            );
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
            match self.try_run(commands) {
                Ok(asked) => asked,
                Err(complaint) => panic!("{commands}\n{complaint}"),
            }
        }

        /// Runs `commands`; what was asked of the tools, or the complaint where they failed.
        fn try_run(&self, commands: &str) -> Result<String, String> {
            let commands = commands.replace("/etc/", &format!("{}/", self.path("").display()));
            let tools = self.folder.path().join("bin");
            let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
            let _ = fs::create_dir_all(self.path(""));
            let _ = fs::remove_file(self.path("asked"));
            let output = Command::new("sh").args(["-euc", &commands]).env("PATH", path).output().unwrap();
            let complaint = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.success(), complaint.is_empty(), "{commands}\n{complaint}");
            if output.status.success() { Ok(self.read("asked")) } else { Err(complaint) }
        }
    }

    const ADDED: &str = "ip route replace 192.168.0.0/16 via 10.165.55.247 dev eth0\n";
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
            let cloud_init = "network:\n  ethernets:\n    eth0:\n      dhcp4: true\n";
            let files = [("netplan/50-cloud-init.yaml", cloud_init), ("network/interfaces", "")];
            let guest = Guest::with(&files, "");
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
            assert_eq!(asked, format!("nmcli connection modify id System eth0 +{route}\n{ADDED}"));
            fs::write(guest.path("routes"), "ipv4.routes:10.0.0.0/8 10.165.55.247, 192.168.0.0/16 10.165.55.247\n")
                .unwrap();
            assert_eq!(guest.run(&guest_route_commands(super::route(), system)), ADDED, "it is there");
            let asked = guest.run(&guest_route_undo(super::route(), system));
            assert_eq!(asked, format!("nmcli connection modify id System eth0 -{route}\n{DELETED}"));
            fs::write(guest.path("routes"), "ipv4.routes:{ ip = 192.168.0.0/16, nh = 10.165.55.247 }\n").unwrap();
            assert_eq!(guest.run(&guest_route_commands(super::route(), system)), ADDED, "it is there");
            fs::write(guest.path("routes"), "ipv4.routes:192.168.0.0/16 10.9.9.9\n").unwrap();
            let complaint = guest.try_run(&guest_route_commands(super::route(), system)).unwrap_err();
            assert!(complaint.contains("another route to 192.168.0.0/16: nothing was changed"), "{complaint}");
            fs::write(guest.path("routes"), "").unwrap();
        }
        assert_eq!(guest.read(file), "");
    }

    /// What the commands make of a file, run twice; the complaint where they leave it alone.
    fn made_of(system: GuestSystem, file: &str, before: &str) -> Result<String, String> {
        let guest = Guest::with(&[(file, before)], "");
        let commands = guest_route_commands(route(), system);
        let first = guest.try_run(&commands);
        if let Err(complaint) = first {
            assert_eq!((guest.read(file).as_str(), guest.read("asked").as_str()), (before, ""), "{complaint}");
            assert!(complaint.ends_with(": nothing was changed\n"), "{complaint}");
            return Err(complaint);
        }
        let after = guest.read(file);
        assert_eq!((guest.run(&commands).as_str(), &guest.read(file)), (ADDED, &after), "twice: {before:?}");
        guest.run(&guest_route_undo(route(), system));
        let undone = guest.read(file);
        assert!(after == before || undone.trim_end() == before.trim_end(), "undone: {before:?} {undone:?}");
        guest.run(&guest_route_undo(route(), system));
        assert_eq!(guest.read(file), undone, "undone twice");
        Ok(after)
    }

    #[test]
    fn every_form_of_route_eth0_is_understood_or_left_alone() {
        let made = |before: &str| made_of(NetworkScripts, "sysconfig/network-scripts/route-eth0", before);
        let line = "192.168.0.0/16 via 10.165.55.247 dev eth0\n";
        let added = |before: &str, expected: &str| assert_eq!(made(before), Ok(expected.to_owned()));
        added("", line);
        added("10.0.0.0/8 via 10.165.55.247 dev eth0", &format!("10.0.0.0/8 via 10.165.55.247 dev eth0\n{line}"));
        added("192.168.0.0/24 via 10.9.9.9\n", &format!("192.168.0.0/24 via 10.9.9.9\n{line}"));
        added("# 192.168.0.0/16 via 10.165.55.247\n", &format!("# 192.168.0.0/16 via 10.165.55.247\n{line}"));
        for there in ["192.168.0.0/16  via\t10.165.55.247", "  to 192.168.0.0/16 via 10.165.55.247 dev eth0 \n"] {
            added(there, there);
        }
        let numbered = |number: u32, net: &str, mask: &str| {
            format!("ADDRESS{number}={net}\nNETMASK{number}={mask}\nGATEWAY{number}=10.165.55.247\n")
        };
        let (ten, own) = (numbered(0, "10.0.0.0", "255.0.0.0"), numbered(1, "192.168.0.0", "255.255.0.0"));
        added(&ten, &format!("{ten}{own}"));
        added(ten.trim_end(), &format!("{ten}{own}"));
        let narrow = numbered(0, "192.168.0.0", "255.255.255.0");
        added(&narrow, &format!("{narrow}{own}"));
        let quoted = "ADDRESS0=\"192.168.0.0\"\nNETMASK0='255.255.0.0'\nGATEWAY0=10.165.55.247\n";
        added(quoted, quoted);
        for odd in [
            "192.168.0.0/16 via 10.9.9.9\n",
            "192.168.0.0/16 via 10.165.55.247 dev eth1\n",
            &format!("{ten}172.16.0.0/12 via 10.165.55.247\n"),
            &numbered(1, "10.0.0.0", "255.0.0.0"),
            &numbered(0, "192.168.0.0", "255.255.0.0").replace("10.165.55.247", "10.9.9.9"),
        ] {
            assert!(made(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn a_numbered_route_that_goes_leaves_no_gap() {
        let file = "sysconfig/network-scripts/route-eth0";
        let numbered = |number: u32, net: &str, mask: &str| {
            format!("ADDRESS{number}={net}\nNETMASK{number}={mask}\nGATEWAY{number}=10.165.55.247\n")
        };
        let (ten, own) = (numbered(0, "10.0.0.0", "255.0.0.0"), numbered(1, "192.168.0.0", "255.255.0.0"));
        let last = |number| numbered(number, "172.16.0.0", "255.240.0.0");
        let guest = Guest::with(&[(file, &format!("{ten}{own}{}", last(2)))], "");
        guest.run(&guest_route_undo(route(), NetworkScripts));
        assert_eq!(guest.read(file), format!("{ten}{}", last(1)));
    }

    #[test]
    fn every_form_of_ifroute_eth0_is_understood_or_left_alone() {
        let made = |before: &str| made_of(Wicked, "sysconfig/network/ifroute-eth0", before);
        let line = "192.168.0.0/16 10.165.55.247 - eth0\n";
        assert_eq!(made("default 10.165.55.247"), Ok(format!("default 10.165.55.247\n{line}")));
        for there in ["192.168.0.0 10.165.55.247 255.255.0.0 eth0", "192.168.0.0/16\t10.165.55.247\n"] {
            assert_eq!(made(there), Ok(there.to_owned()));
        }
        for odd in ["192.168.0.0/16 10.9.9.9 - eth0\n", "192.168.0.0/16 10.165.55.247 - eth1\n"] {
            assert!(made(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn every_form_of_interfaces_is_understood_or_left_alone() {
        let made = |before: &str| made_of(Ifupdown, "network/interfaces", before);
        let line = "    up route add -net 192.168.0.0 netmask 255.255.0.0 gw 10.165.55.247 dev eth0\n";
        for head in [
            "iface eth0 inet static\n",
            "auto eth0\niface  eth0  inet static\n",
            "\tiface\teth0\tinet\tdhcp\n",
            "iface eth0 \\\n  inet static\n",
            "iface eth0 inet6 auto\n    up ip route add 192.168.0.0/16 via 10.9.9.9\niface eth0 inet manual\n",
            "iface eth1 inet dhcp\n    up ip route add 192.168.0.0/16 via 10.9.9.9\n\niface eth0 inet dhcp\n",
        ] {
            let rest = "    address 10.165.52.142\n\nallow-hotplug eth1\n";
            assert_eq!(made(&format!("{head}{rest}")), Ok(format!("{head}{line}{rest}")));
            assert_eq!(made(head.trim_end()), Ok(format!("{head}{line}")), "without a line end");
        }
        for there in [
            "post-up  route add -net 192.168.0.0 netmask 255.255.0.0 gw 10.165.55.247",
            "up /sbin/ip route add 192.168.0.0/16 via 10.165.55.247 dev eth0 || true",
            "up ip route add 192.168.0.0/16 \\\n via 10.165.55.247",
        ] {
            let before = format!("iface eth0 inet dhcp\n  {there}\n");
            assert_eq!(made(&before), Ok(before.clone()));
        }
        for odd in [
            "",
            "auto eth0\n",
            "iface eth0 inet6 auto\n",
            "# iface eth0 inet static\n",
            "iface eth0:1 inet static\n",
            "iface eth0 inet dhcp\n  up ip route add 192.168.0.0/16 via 10.9.9.9\n",
            "iface eth0 inet dhcp\n  up route add -net 192.168.0.0 netmask 255.255.0.0 gw 10.9.9.9\n",
        ] {
            assert!(made(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn an_interface_may_stand_in_a_file_that_interfaces_names() {
        for source in ["source interfaces.d/*.cfg", "source-directory interfaces.d"] {
            let sourced = "network/interfaces.d/50-cloud-init.cfg";
            let before = "iface eth0 inet dhcp\n";
            let guest = Guest::with(&[("network/interfaces", source), (sourced, before)], "");
            let after = added_and_undone(&guest, Ifupdown, sourced);
            assert!(after.starts_with(before) && after.len() > before.len(), "{after}");
            assert_eq!(guest.read("network/interfaces"), source);
        }
    }

    #[test]
    fn netplan_without_such_a_nic_is_left_alone() {
        let made = |other: &str| {
            let guest = Guest::with(&[("netplan/01.yaml", other)], "");
            let commands = guest_route_commands(route(), Netplan);
            guest.try_run(&commands).map(|_| guest.read("netplan/90-classiclink.yaml"))
        };
        for other in ["network: {ethernets: {eth0: {dhcp4: true}}}\n", "network:\n  ethernets:\n    \"eth0\":\n"] {
            assert!(made(other).unwrap().contains("via: 10.165.55.247"), "{other}");
        }
        for other in [
            "",
            "network:\n  ethernets:\n    id0:\n      set-name: eth0\n",
            "# eth0: here\n",
            "network:\n  ethernets:\n    eth0:\n      routes:\n        - to: 192.168.0.0/16\n          via: 10.9.9.9\n",
        ] {
            assert!(made(other).is_err(), "{other}");
        }
        let guest = Guest::with(&[("netplan/90-classiclink.yaml", "eth0: mine\n")], "");
        assert!(guest.try_run(&guest_route_commands(route(), Netplan)).is_err());
        assert_eq!(guest.read("netplan/90-classiclink.yaml"), "eth0: mine\n");
    }

    #[test]
    fn a_guest_of_no_known_system_is_left_alone() {
        let guest = Guest::with(&[], "");
        let complaint = guest.try_run(&guest_route_commands(route(), Linux)).unwrap_err();
        assert_eq!(complaint, "nothing known configures the network here: nothing was changed\n");
        assert_eq!(guest.read("asked"), "");
    }
}

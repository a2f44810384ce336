//! `biplane guest-route`: what pastes into a shell, and why there is nothing to paste.

use super::{Bench, SHOP};
use insta::assert_snapshot;

fn bench() -> Bench {
    let warehouse = SHOP.replace("172.16.", "192.168.").replace("192.168.0.0/12", "192.168.0.0/16");
    Bench::new().write("warehouse.toml", warehouse)
}

#[test]
fn the_commands_for_any_linux() {
    assert_snapshot!(bench().tell(&["guest-route", "warehouse.toml", "i-web"]), @r#"
    exit code: 0
    ----- stdout -----
    # i-web (10.24.1.5) sends 192.168.0.0/16 of vpc-shop to its public NIC
    # run this there as root; --os has other systems

    # until the next boot
    ip route add 192.168.0.0/16 via 10.24.7.247 dev eth0

    # at every boot, by whatever configures the network of this guest
    if ls /etc/netplan/*.yaml >/dev/null 2>&1; then
        # Netplan: Ubuntu from 17.10
        cat > /etc/netplan/90-classiclink.yaml <<'END'
    network:
      version: 2
      ethernets:
        eth0:
          routes:
            - to: 192.168.0.0/16
              via: 10.24.7.247
    END
        chmod 600 /etc/netplan/90-classiclink.yaml
    elif nmcli -t -f GENERAL.CONNECTION device show eth0 2>/dev/null | grep -q ':.'; then
        # NetworkManager: CentOS and RHEL 8, Alibaba Cloud Linux 3
        nmcli connection modify "$(nmcli -t -f GENERAL.CONNECTION device show eth0 | cut -d: -f2-)" +ipv4.routes '192.168.0.0/16 10.24.7.247'
    elif test -d /etc/sysconfig/network-scripts; then
        # network-scripts: CentOS and RHEL up to 7, Alibaba Cloud Linux 2
        # a file with lines ADDRESS0=, NETMASK0=, GATEWAY0= wants three more of that form instead
        line='192.168.0.0/16 via 10.24.7.247 dev eth0' file=/etc/sysconfig/network-scripts/route-eth0
        grep -qxF "$line" $file 2>/dev/null || echo "$line" >> $file
    elif test -d /etc/sysconfig/network; then
        # SLES and openSUSE
        line='192.168.0.0/16 10.24.7.247 - eth0' file=/etc/sysconfig/network/ifroute-eth0
        grep -qxF "$line" $file 2>/dev/null || echo "$line" >> $file
    elif test -f /etc/network/interfaces; then
        # ifupdown: Debian, Ubuntu before 17.10
        line='up route add -net 192.168.0.0 netmask 255.255.0.0 gw 10.24.7.247 dev eth0' file=/etc/network/interfaces
        grep -qF "$line" $file || sed -i "/^iface eth0 inet /a\    $line" $file
    else
        echo 'nothing known configures the network here: add the route by hand' >&2
    fi

    # in the topology add `guest_routes = ["192.168.0.0/16"]`; --undo prints the way back
    ----- stderr -----
    "#);
}

#[test]
fn the_commands_for_windows() {
    assert_snapshot!(bench().tell(&["guest-route", "warehouse.toml", "i-web", "--os", "windows"]), @r#"
    exit code: 0
    ----- stdout -----
    rem i-web (10.24.1.5) sends 192.168.0.0/16 of vpc-shop to its public NIC
    rem run this there as Administrator, in cmd.exe

    route -p add 192.168.0.0 mask 255.255.0.0 10.24.7.247

    rem in the topology add `guest_routes = ["192.168.0.0/16"]`; --undo prints the way back
    ----- stderr -----
    "#);
    assert_snapshot!(bench().tell(&["guest-route", "warehouse.toml", "i-web", "--os", "windows", "--undo"]), @r"
    exit code: 0
    ----- stdout -----
    rem i-web (10.24.1.5) goes back to its public NIC for 192.168.0.0/16
    rem run this there as Administrator, in cmd.exe

    route delete 192.168.0.0 mask 255.255.0.0 10.24.7.247

    rem it is linked to vpc-shop, and will neither reach nor answer 192.168.0.0/16 there
    ----- stderr -----
    ");
}

#[test]
fn why_there_is_none() {
    assert_snapshot!(bench().tell(&["guest-route", "shop.toml", "i-web"]), @r"
    exit code: 0
    ----- stdout -----
    # nothing to do: a classic guest sends 172.16.0.0/12 of vpc-shop to its private NIC by itself
    ----- stderr -----
    ");
    assert_snapshot!(bench().tell(&["guest-route", "warehouse.toml", "i-app"]), @r"
    exit code: 0
    ----- stdout -----
    # nothing to do: i-app lives in vsw-shop, and the guest of a VPC sends everything to its vSwitch's
    # gateway
    ----- stderr -----
    ");
    let unlinked = SHOP.replace("linked_vpc = \"vpc-shop\"\n", "");
    let bench = bench().write("unlinked.toml", unlinked);
    assert_snapshot!(bench.tell(&["guest-route", "unlinked.toml", "i-web"]), @r"
    exit code: 1
    ----- stdout -----
    # a guest route cannot help: i-web is linked to no VPC, and without a link no route leads to one;
    # `--vpc ID` names a planned link
    ----- stderr -----
    ");
}

#[test]
fn a_planned_link_says_what_else_it_takes() {
    let told = bench().tell(&["guest-route", "warehouse.toml", "i-web", "--os", "suse", "--vpc", "vpc-lab"]);
    assert_snapshot!(told, @r#"
    exit code: 0
    ----- stdout -----
    # i-web (10.24.1.5) sends 192.168.0.0/16 of vpc-lab to its public NIC
    # run this there as root; --os has other systems

    # until the next boot
    ip route add 192.168.0.0/16 via 10.24.7.247 dev eth0

    # at every boot (SLES and openSUSE)
    line='192.168.0.0/16 10.24.7.247 - eth0' file=/etc/sysconfig/network/ifroute-eth0
    grep -qxF "$line" $file 2>/dev/null || echo "$line" >> $file

    # before anything passes: detach i-web from vpc-shop: an instance is linked to one VPC; enable
    # ClassicLink for vpc-lab; link i-web to vpc-lab
    # in the topology add `guest_routes = ["192.168.0.0/16"]`; --undo prints the way back
    ----- stderr -----
    "#);
}

#[test]
fn json_has_the_same() {
    assert_snapshot!(bench().tell(&["guest-route", "warehouse.toml", "i-web", "--os", "ubuntu", "--format", "json"]), @r##"
    exit code: 0
    ----- stdout -----
    {
      "instance": "i-web",
      "needed": true,
      "helps": true,
      "why": "i-web (10.24.1.5) sends 192.168.0.0/16 of vpc-shop to its public NIC",
      "remarks": [
        "in the topology add `guest_routes = [\"192.168.0.0/16\"]`; --undo prints the way back"
      ],
      "destination": "192.168.0.0/16",
      "gateway": "10.24.7.247",
      "nic": "eth0",
      "commands": "# until the next boot\nip route add 192.168.0.0/16 via 10.24.7.247 dev eth0\n\n# at every boot (Netplan: Ubuntu from 17.10)\ncat > /etc/netplan/90-classiclink.yaml <<'END'\nnetwork:\n  version: 2\n  ethernets:\n    eth0:\n      routes:\n        - to: 192.168.0.0/16\n          via: 10.24.7.247\nEND\nchmod 600 /etc/netplan/90-classiclink.yaml\n"
    }
    ----- stderr -----
    "##);
    assert_snapshot!(bench().tell(&["guest-route", "shop.toml", "i-web", "--format", "json"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "instance": "i-web",
      "needed": false,
      "helps": true,
      "why": "nothing to do: a classic guest sends 172.16.0.0/12 of vpc-shop to its private NIC by itself",
      "remarks": []
    }
    ----- stderr -----
    "#);
}

#[test]
fn what_is_no_instance_is_named() {
    let error = |arguments: &[&str]| {
        let told = bench().run(&[&["guest-route", "warehouse.toml"], arguments].concat());
        assert_eq!((told.code, told.out.as_str()), (2, ""));
        told.error
    };
    assert_eq!(error(&["i-wbe"]), "error: the topology has no instance `i-wbe`; did you mean `i-web`?\n");
    assert_eq!(error(&["rm-orders"]), "error: `rm-orders` is a managed service; only ECS instances have a guest\n");
    assert_eq!(
        error(&["i-web", "--vpc", "vpc-shp"]),
        "error: the topology has no VPC `vpc-shp`; did you mean `vpc-shop`?\n"
    );
}

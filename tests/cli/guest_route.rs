//! `biplane guest-route`: what pastes into a shell, and why there is nothing to paste.

use super::world::{EditedWorld, edit};
use super::{Bench, SHOP};
use insta::assert_snapshot;

fn bench() -> Bench {
    let moved = |world: EditedWorld, site: &str| {
        world.set(&format!("vpc.vpc-{site}"), "cidr", "192.168.0.0/16").set(
            &format!("vswitch.vsw-{site}"),
            "cidr",
            "192.168.1.0/24",
        )
    };
    let warehouse = moved(moved(edit(SHOP), "shop"), "lab")
        .set("instance.i-app", "private_ip", "192.168.1.10")
        .set("instance.i-lab", "private_ip", "192.168.1.10")
        .set("service.rm-orders", "ip", "192.168.1.20");
    Bench::new().write("warehouse.toml", warehouse.toml())
}

#[test]
fn the_commands_for_any_linux() {
    assert_snapshot!(bench().tell(&["guest-route", "warehouse.toml", "i-web"]), @r#"
    exit code: 0
    ----- stdout -----
    # i-web (10.24.1.5) sends 192.168.0.0/16 of vpc-shop to its public NIC
    # run this there as root; --os has other systems

    (
        set -eu
        fail() { echo "$*: nothing was changed" >&2; exit 1; }
        end_line() { [ -z "$(tail -c 1 "$1" 2>/dev/null)" ] || echo >> "$1"; }
        rewrite() {
            old=$1 new=$(mktemp); shift
            awk "$@" "$old" > "$new"
            [ "$(cat "$new")" = "$(cat "$old")" ] || cat "$new" > "$old"
            rm -f "$new"
        }
        interfaces_files() (
            cd /etc/network
            for file in interfaces $(awk '$1 == "source" { print $2 } $1 == "source-directory" { print $2 "/*" }' interfaces); do
                case $file in /*) ;; *) file=$PWD/$file ;; esac
                echo "$file"
            done
        )

        # at every boot, by whatever configures the network of this guest
        if ls /etc/netplan/*.yaml >/dev/null 2>&1; then
            # Netplan: Ubuntu from 17.10
            file=/etc/netplan/90-classiclink.yaml
            wanted=$(cat <<'END'
    network:
      version: 2
      ethernets:
        eth0:
          routes:
            - to: 192.168.0.0/16
              via: 10.24.7.247
    END
            )
            if [ ! -f "$file" ]; then
                # Beside a NIC of another name it would be a second one for the same device, without its addresses.
                cat /etc/netplan/*.yaml | grep -Eq "^[^#]*(^|[[:space:]{,])[\"']?eth0[\"']?[[:space:]]*:" ||
                    fail "/etc/netplan has no NIC called eth0 to add a route to"
                ! cat /etc/netplan/*.yaml | grep -Eq "^[^#]*to:[[:space:]]*[\"']?192.168.0.0/16" ||
                    fail "/etc/netplan has another route to 192.168.0.0/16"
                (umask 077 && echo "$wanted" > "$file")
            elif [ "$(cat "$file")" != "$wanted" ]; then
                fail "$file says something else"
            fi
        elif nmcli -t -f GENERAL.CONNECTION device show eth0 2>/dev/null | grep -q ':.'; then
            # NetworkManager: CentOS and RHEL 8, Alibaba Cloud Linux 3
            connection=$(nmcli -t -e no -f GENERAL.CONNECTION device show eth0 | cut -d: -f2-)
            case $connection in '' | --) fail 'NetworkManager has no connection on eth0' ;; esac
            case $(nmcli -t -e no -f ipv4.routes connection show id "$connection") in
                *'192.168.0.0/16 10.24.7.247'* | *'ip = 192.168.0.0/16, nh = 10.24.7.247'*) ;;
                *'192.168.0.0/16'*) fail "the connection $connection has another route to 192.168.0.0/16" ;;
                *) nmcli connection modify id "$connection" +ipv4.routes '192.168.0.0/16 10.24.7.247' ;;
            esac
        elif test -d /etc/sysconfig/network-scripts; then
            # network-scripts: CentOS and RHEL up to 7, Alibaba Cloud Linux 2
            file=/etc/sysconfig/network-scripts/route-eth0
            state=$(cat "$file" 2>/dev/null | awk -v to=192.168.0.0/16 -v net=192.168.0.0 -v mask=255.255.0.0 -v gateway=10.24.7.247 '
                { sub(/#.*/, "") }
                NF == 0 { next }
                /^[ \t]*(ADDRESS|NETMASK|GATEWAY)[0-9]+=/ {
                    split($1, part, "="); number = part[1]; gsub(/[A-Z]/, "", number); gsub(/[0-9]/, "", part[1])
                    gsub(/[^0-9.]/, "", part[2]); value[part[1], number] = part[2]; count += part[1] == "ADDRESS"; next
                }
                {
                    $1 = $1; sub(/^to /, ""); lines++
                    if ($0 == to " via " gateway || $0 == to " via " gateway " dev eth0") found = 1
                    else if ($1 == to || $1 == net || $1 == net "/" mask) odd = "has another route to " to
                }
                END {
                    for (n = 0; ("ADDRESS", n) in value; n++) if (value["ADDRESS", n] == net && value["NETMASK", n] == mask) {
                        if (value["GATEWAY", n] == gateway) found = 1; else odd = "has another route to " to
                    }
                    if (count && (lines || n != count)) odd = "has numbered routes and others, or a number is missing"
                    print odd ? odd : found ? "present" : count ? n : "absent"
                }')
            case $state in
                present) ;;
                absent) end_line "$file"; echo '192.168.0.0/16 via 10.24.7.247 dev eth0' >> "$file" ;;
                [0-9]*) end_line "$file"; printf 'ADDRESS%s=192.168.0.0\nNETMASK%s=255.255.0.0\nGATEWAY%s=10.24.7.247\n' "$state" "$state" "$state" >> "$file" ;;
                *) fail "$file $state" ;;
            esac
        elif test -d /etc/sysconfig/network; then
            # SLES and openSUSE
            file=/etc/sysconfig/network/ifroute-eth0
            state=$(cat "$file" 2>/dev/null | awk -v to=192.168.0.0/16 -v net=192.168.0.0 -v mask=255.255.0.0 -v gateway=10.24.7.247 '
                { sub(/#.*/, "") }
                $1 == to || ($1 == net && $3 == mask) {
                    if ($2 == gateway && ($4 == "" || $4 == "-" || $4 == "eth0") && NF <= 4) found = 1
                    else odd = "has another route to " to
                }
                END { print odd ? odd : found ? "present" : "absent" }')
            case $state in
                present) ;;
                absent) end_line "$file"; echo '192.168.0.0/16 10.24.7.247 - eth0' >> "$file" ;;
                *) fail "$file $state" ;;
            esac
        elif test -f /etc/network/interfaces; then
            # ifupdown: Debian, Ubuntu before 17.10
            target='' place='' present=''
            for file in $(interfaces_files); do
                [ -f "$file" ] || continue
                state=$(awk -v to=192.168.0.0/16 -v net=192.168.0.0 -v gateway=10.24.7.247 -v own='up route add -net 192.168.0.0 netmask 255.255.0.0 gw 10.24.7.247 dev eth0' '
                    {
                        line = $0
                        while (line ~ /\\$/ && (getline more) > 0) { sub(/\\$/, " ", line); line = line more }
                        gsub(/[ \t]+/, " ", line); sub(/^ /, "", line); sub(/ $/, "", line)
                        split(line, word, " ")
                    }
                    line == "" || line ~ /^#/ { next }
                    word[1] == "iface" { inside = word[2] == "eth0" && word[3] == "inet"; if (inside && !place) place = FNR; next }
                    word[1] ~ /^(auto|mapping|template|source|source-directory|no-auto-down|no-scripts|allow-.*)$/ { inside = 0 }
                    inside && word[1] ~ /^(up|post-up)$/ {
                        sub(/^(post-)?up /, "", line); sub(/^(\/usr)?\/s?bin\//, "", line); sub(/ \|\| (true|:)$/, "", line)
                        known = "up " line
                        if (known == own || known " dev eth0" == own || line == "ip route add " to " via " gateway \
                            || line == "ip route add " to " via " gateway " dev eth0") found = 1
                        else if (index(" " line " ", " " to " ") || index(" " line " ", " " net " ")) odd = "has another route to " to
                    }
                    END { print odd ? odd : found ? "present" : place ? place : "none" }' "$file")
                case $state in
                    present) present=yes ;;
                    none) ;;
                    [0-9]*) [ -n "$target" ] || { target=$file place=$state; } ;;
                    *) fail "$file $state" ;;
                esac
            done
            if [ -z "$present" ]; then
                [ -n "$target" ] || fail "/etc/network/interfaces has no \`iface eth0 inet\`, nor has a file that it names"
                rewrite "$target" -v place="$place" -v line='    up route add -net 192.168.0.0 netmask 255.255.0.0 gw 10.24.7.247 dev eth0' '{ print } FNR == place { print line }'
            fi
        else
            fail 'nothing known configures the network here'
        fi

        # until the next boot
        ip route replace 192.168.0.0/16 via 10.24.7.247 dev eth0
    )

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

    route print 192.168.0.0 | find "10.24.7.247" >nul || route -p add 192.168.0.0 mask 255.255.0.0 10.24.7.247

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
    let bench = bench().write("unlinked.toml", edit(SHOP).unlinked("i-web").toml());
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

    (
        set -eu
        fail() { echo "$*: nothing was changed" >&2; exit 1; }
        end_line() { [ -z "$(tail -c 1 "$1" 2>/dev/null)" ] || echo >> "$1"; }

        # at every boot (SLES and openSUSE)
        file=/etc/sysconfig/network/ifroute-eth0
        state=$(cat "$file" 2>/dev/null | awk -v to=192.168.0.0/16 -v net=192.168.0.0 -v mask=255.255.0.0 -v gateway=10.24.7.247 '
            { sub(/#.*/, "") }
            $1 == to || ($1 == net && $3 == mask) {
                if ($2 == gateway && ($4 == "" || $4 == "-" || $4 == "eth0") && NF <= 4) found = 1
                else odd = "has another route to " to
            }
            END { print odd ? odd : found ? "present" : "absent" }')
        case $state in
            present) ;;
            absent) end_line "$file"; echo '192.168.0.0/16 10.24.7.247 - eth0' >> "$file" ;;
            *) fail "$file $state" ;;
        esac

        # until the next boot
        ip route replace 192.168.0.0/16 via 10.24.7.247 dev eth0
    )

    # before anything passes: detach i-web from vpc-shop: an instance is linked to one VPC; enable
    # ClassicLink for vpc-lab; link i-web to vpc-lab
    # in the topology add `guest_routes = ["192.168.0.0/16"]`; --undo prints the way back
    ----- stderr -----
    "#);
}

#[test]
fn json_has_the_same() {
    assert_snapshot!(bench().tell(&["guest-route", "warehouse.toml", "i-web", "--os", "ubuntu", "--format", "json"]), @r#"
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
      "commands": "(\n    set -eu\n    fail() { echo \"$*: nothing was changed\" >&2; exit 1; }\n\n    # at every boot (Netplan: Ubuntu from 17.10)\n    file=/etc/netplan/90-classiclink.yaml\n    wanted=$(cat <<'END'\nnetwork:\n  version: 2\n  ethernets:\n    eth0:\n      routes:\n        - to: 192.168.0.0/16\n          via: 10.24.7.247\nEND\n    )\n    if [ ! -f \"$file\" ]; then\n        # Beside a NIC of another name it would be a second one for the same device, without its addresses.\n        cat /etc/netplan/*.yaml | grep -Eq \"^[^#]*(^|[[:space:]{,])[\\\"']?eth0[\\\"']?[[:space:]]*:\" ||\n            fail \"/etc/netplan has no NIC called eth0 to add a route to\"\n        ! cat /etc/netplan/*.yaml | grep -Eq \"^[^#]*to:[[:space:]]*[\\\"']?192.168.0.0/16\" ||\n            fail \"/etc/netplan has another route to 192.168.0.0/16\"\n        (umask 077 && echo \"$wanted\" > \"$file\")\n    elif [ \"$(cat \"$file\")\" != \"$wanted\" ]; then\n        fail \"$file says something else\"\n    fi\n\n    # until the next boot\n    ip route replace 192.168.0.0/16 via 10.24.7.247 dev eth0\n)\n"
    }
    ----- stderr -----
    "#);
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

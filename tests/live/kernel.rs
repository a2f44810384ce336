//! What kernels say about the frames of the fabric.

use crate::{Bench, SHOP};

/// The part of `line` behind `key`, up to the next space.
fn field<'a>(line: &'a str, key: &str) -> &'a str {
    let at = line.find(key).unwrap_or_else(|| panic!("no `{key}` in {line}")) + key.len();
    line[at..].split_whitespace().next().unwrap()
}

/// A counter of `/proc/net/snmp`: the line of names stands in front of that of values.
fn counter(snmp: &str, protocol: &str, name: &str) -> u64 {
    let mut lines = snmp.lines().filter(|line| line.starts_with(&format!("{protocol}:")));
    let names = lines.next().unwrap().split_whitespace();
    let values = lines.next().unwrap().split_whitespace();
    let (_, value) = names.zip(values).find(|(known, _)| *known == name).unwrap();
    value.parse().unwrap()
}

pub(crate) fn the_ttl_of_a_reply_tells_how_many_domains_routed_it() {
    let bench = Bench::new(SHOP);
    let printed = bench.script(
        &[],
        "at web ping -c 1 -W 5 app; at app ping -c 1 -W 5 app-2; at app ping -c 1 -W 5 data; at web ping -c 1 -W 5 batch",
    );
    let replies: Vec<&str> =
        printed.lines().filter(|line| line.contains("bytes from")).map(|line| field(line, "ttl=")).collect();
    // Across ClassicLink, within a vSwitch, between two, within the classic network.
    assert_eq!(replies, ["62", "64", "63", "63"]);
}

pub(crate) fn a_packet_whose_ttl_ends_is_answered_by_the_gateway_of_its_sender() {
    let bench = Bench::new(SHOP);
    let printed = bench.script(&[], "! at web ping -c 1 -W 5 -t 1 app; ! at web ping -c 1 -W 5 -t 2 app");
    let answers: Vec<&str> = printed.lines().filter(|line| line.contains("Time to live exceeded")).collect();
    assert_eq!(answers.len(), 2, "{printed}");
    assert!(answers[0].contains("10.24.7.247"), "{printed}");
    assert!(answers[1].contains("172.16.1.253"), "{printed}");
}

pub(crate) fn a_kernel_finds_the_path_mtu_out_and_keeps_to_it() {
    let bench = Bench::new(SHOP);
    let printed = bench.script(
        &["--mtu", "1400"],
        "! at web ping -M do -c 1 -W 5 -s 1400 app; ! at web ping -M do -c 1 -W 5 -s 1400 app 2>&1; \
         at web ping -M do -c 1 -W 5 -s 1372 app",
    );
    // The last router of the way tells it.
    assert!(printed.contains("From 172.16.1.253 icmp_seq=1 Frag needed and DF set (mtu = 1400)"), "{printed}");
    // The second one does not leave any more: the kernel has a route with that MTU.
    assert!(printed.contains("message too long, mtu=1400"), "{printed}");
    assert!(printed.contains("1380 bytes from"), "{printed}");
}

pub(crate) fn fragments_of_a_kernel_and_of_the_fabric_are_put_together_again() {
    let bench = Bench::new(SHOP);
    for options in [&[][..], &["--mtu", "700"]] {
        // Without DF: packets of up to 1,500 bytes are fragments of the guest, smaller ones of the fabric.
        let printed = bench.script(
            options,
            "at web ping -M dont -c 2 -W 5 -s 4000 app; at web cat /proc/net/snmp; echo; at app cat /proc/net/snmp",
        );
        assert!(printed.contains("4008 bytes from"), "{printed}");
        let (web, app) = printed.split_once("\n\n").and_then(|(_, rest)| rest.split_once("\n\n")).unwrap();
        for snmp in [&web[web.find("Ip:").unwrap()..], app] {
            assert_eq!(counter(snmp, "Ip", "ReasmOKs"), 2, "{snmp}");
            assert_eq!(counter(snmp, "Ip", "ReasmFails"), 0, "{snmp}");
        }
    }
}

pub(crate) fn an_arp_request_for_a_gateway_or_neighbour_is_answered_with_the_address_of_the_fabric() {
    let bench = Bench::new(SHOP);
    let printed =
        bench.script(&[], "at app ping -c 1 -W 5 app-2; at app ping -c 1 -W 5 data; at app cat /proc/net/arp");
    for neighbour in ["172.16.1.11", "172.16.1.253"] {
        let known = |line: &&str| line.starts_with(neighbour) && line.contains("ee:ff:ff:ff:ff:ff");
        assert!(printed.lines().any(|line| known(&line)), "{printed}");
    }
}

/// Serves files at a port of `app`, and waits until it does.
pub(crate) const SERVER: &str = "at app python3 -m http.server 8080 >/dev/null 2>&1 & \
    until at app curl -s -o /dev/null http://127.0.0.1:8080/; do sleep 0.05; done;";

pub(crate) fn a_connection_is_made_refused_or_silently_dropped_as_rules_and_programs_say() {
    let bench = Bench::new(SHOP);
    let script = format!(
        "{SERVER} at web curl -s -o /dev/null -w '%{{http_code}}\\n' -m 20 http://app:8080/shop.toml; set +e; \
         at web curl -s -m 20 http://app:8081/; echo refused $?; \
         at web curl -s -m 1 http://app:22/; echo dropped $?; \
         at batch curl -s -m 1 http://app:8080/; echo not linked $?; exit 0"
    );
    let output = bench.run(&[], &script);
    // 8081 is permitted and nobody listens: the kernel of `app` says so. 22 is not permitted: silence.
    assert_eq!(crate::text(&output.stdout), "200\nrefused 7\ndropped 28\nnot linked 28\n");
    let summary = crate::text(&output.stderr);
    for told in ["sg-app ingress default at app", "classiclink-not-linked"] {
        assert!(summary.contains(told), "{summary}");
    }
}

pub(crate) fn no_kernel_finds_a_wrong_checksum_or_header() {
    let bench = Bench::new(SHOP);
    let large = vec![b'x'; 3 << 20];
    std::fs::write(bench.path().join("large"), &large).unwrap();
    let script = format!(
        "{SERVER} at web curl -s -m 60 http://app:8080/large | cmp - large; \
         at web python3 -c \"import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x' * 3000, ('172.16.2.10', 9))\"; \
         at app cat /proc/net/snmp; echo; at web cat /proc/net/snmp; echo; at data cat /proc/net/snmp"
    );
    let printed = bench.script(&[], &script);
    for snmp in printed.split("\n\n") {
        assert_eq!(counter(snmp, "Ip", "InHdrErrors"), 0, "{snmp}");
        assert_eq!(counter(snmp, "Ip", "InAddrErrors"), 0, "{snmp}");
        for (protocol, name) in [("Tcp", "InCsumErrors"), ("Udp", "InCsumErrors"), ("Icmp", "InCsumErrors")] {
            assert_eq!(counter(snmp, protocol, name), 0, "{snmp}");
        }
    }
    // The datagram arrived whole, where nobody listens.
    assert_eq!(counter(printed.rsplit("\n\n").next().unwrap(), "Udp", "NoPorts"), 1, "{printed}");
}

pub(crate) fn a_gateway_answers_for_the_addresses_behind_it_and_ids_are_host_names() {
    let bench = Bench::new(SHOP);
    let printed = bench.script(&[], "at app ping -c 1 -W 5 192.0.2.77; at vpn ping -c 1 -W 5 app");
    assert!(printed.contains("64 bytes from 192.0.2.77"), "{printed}");
    assert!(printed.contains("PING app (172.16.1.10) "), "{printed}");
}

pub(crate) fn ten_thousand_pings_arrive() {
    let bench = Bench::new(SHOP);
    let printed = bench.script(&[], "at web ping -q -f -c 10000 app");
    assert!(printed.contains("10000 packets transmitted, 10000 received"), "{printed}");
}

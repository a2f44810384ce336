use super::{LinkEnd, Way};
use crate::lab::Topology;

/// What passes from `i-a` to `i-b` with these egress and ingress rules.
fn passes(egress: &str, ingress: &str) -> String {
    let text = format!(
        "[security_group.sg-a]\nnetwork = \"classic\"\negress = [{egress}]\n\
         [security_group.sg-b]\nnetwork = \"classic\"\ningress = [{ingress}]\n\
         [instance.i-a]\nnetwork = \"classic\"\nprivate_ip = \"10.1.0.1\"\nsecurity_groups = [\"sg-a\"]\n\
         [instance.i-b]\nnetwork = \"classic\"\nprivate_ip = \"10.1.0.2\"\nsecurity_groups = [\"sg-b\"]\n"
    );
    let topology = Topology::from_toml("t.toml", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let program = &topology.program;
    let [from, to] = ["i-a", "i-b"].map(|name| {
        let id = topology.names.find_endpoint(name).unwrap();
        LinkEnd { id, address: program.endpoint(id).address }
    });
    let way = Way::between(program, from, to);
    assert_eq!(way.accepted, !way.passes.is_empty());
    if way.passes.is_empty() { "nothing".to_owned() } else { way.passes.to_string() }
}

#[test]
fn what_passes_is_what_both_ends_accept() {
    assert_eq!(passes("", ""), "nothing");
    assert_eq!(passes("", "{ source = \"sg-a\" }"), "everything");
    assert_eq!(passes("", "{ source = \"10.1.0.9\" }"), "nothing");
    let tcp = "{ source = \"10.1.0.0/16\", protocol = \"tcp\", port_range = \"80/90\" }";
    assert_eq!(passes("", tcp), "tcp/80-90");
    assert_eq!(passes("", &format!("{tcp}, {{ source = \"10.1.0.1\", protocol = \"icmp\" }}")), "icmp, tcp/80-90");
    let no = |protocol: &str, ports: &str| {
        format!(
            "{{ destination = \"0.0.0.0/0\", policy = \"drop\", protocol = \"{protocol}\", port_range = \"{ports}\" }}"
        )
    };
    assert_eq!(passes(&no("tcp", "85"), tcp), "tcp/80-84, tcp/86-90");
    assert_eq!(passes(&no("tcp", "80/90"), tcp), "nothing");
    assert_eq!(passes(&no("udp", "85"), tcp), "tcp/80-90");
}

#[test]
fn the_smaller_priority_decides_and_drop_before_accept() {
    let rules = |accept: u8, drop: &str| {
        format!("{{ source = \"sg-a\", priority = {accept} }}, {{ source = \"10.1.0.1\", policy = \"drop\", {drop} }}")
    };
    assert_eq!(passes("", &rules(1, "priority = 1")), "nothing");
    assert_eq!(passes("", &rules(1, "priority = 2")), "everything");
    // Another source port escapes a drop rule for one of them.
    let some = rules(1, "priority = 1, protocol = \"tcp\", source_port_range = \"53\"");
    assert_eq!(passes("", &some), "everything");
    let two = "{ source = \"sg-a\", protocol = 47 }, { source = \"sg-a\", protocol = 50 }";
    assert_eq!(passes("", two), "gre, protocol 50");
    let no_tcp = "{ source = \"sg-a\", policy = \"drop\", protocol = \"tcp\" }, { source = \"sg-a\", priority = 2 }";
    assert_eq!(passes("", no_tcp), "icmp, udp, other protocols");
}

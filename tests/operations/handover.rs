//! Sessions whose opener is gone: they belong to addresses and domains, so who has its address now is asked.

use crate::world::accepted;
use biplane::control::Operation;
use biplane::lab::Lab;
use biplane::wire::build::udp;

/// `old` opens a flow to `dns`; `heir` is migrated onto its address. `fw` sends for others; `own` has an address of its
/// own. Everybody may send but members of `sg-mute`. Where nobody is left to have sent the first packet, nothing of a
/// released endpoint may stand in for it, whatever the number of its domain: so each test runs with another VPC in front
/// of this one, too.
const WORLD: &str = r#"
[vpc.shop]
cidr = "172.16.0.0/16"
[vswitch.vsw]
vpc = "shop"
cidr = "172.16.1.0/24"
[security_group.sg-classic]
network = "classic"
[security_group.sg]
vpc = "shop"
[security_group.sg-mute]
vpc = "shop"
egress = [{ policy = "drop", destination = "0.0.0.0/0" }]
[security_group.sg-dns]
vpc = "shop"
ingress = [{ protocol = "udp", port_range = "53", source = "0.0.0.0/0" }]
[instance.old]
vswitch = "vsw"
private_ip = "172.16.1.1"
security_groups = ["sg"]
[instance.fw]
vswitch = "vsw"
private_ip = "172.16.1.2"
security_groups = ["sg"]
forwarding = true
[instance.own]
vswitch = "vsw"
private_ip = "172.16.1.3"
security_groups = ["sg"]
[instance.own-mute]
vswitch = "vsw"
private_ip = "172.16.1.4"
security_groups = ["sg-mute"]
[instance.dns]
vswitch = "vsw"
private_ip = "172.16.1.53"
security_groups = ["sg-dns"]
[instance.heir]
network = "classic"
private_ip = "10.24.1.5"
security_groups = ["sg-classic"]
"#;

fn in_both_worlds(holds: impl Fn(&mut Lab)) {
    for before in ["", "[vpc.before]\ncidr = \"192.168.0.0/16\"\n"] {
        let text = format!("{before}{WORLD}");
        holds(&mut Lab::from_toml("world.toml", &text).unwrap_or_else(|error| panic!("{error}")));
    }
}

fn release(lab: &mut Lab, instance: &str) {
    accepted(lab, &Operation::Release { instance: instance.to_owned(), force: true });
}

/// `old` opens a flow and is released; `heir` gets its address and is in `group`.
fn handed_over(lab: &mut Lab, group: &str) {
    lab.send("old", udp("172.16.1.1:40000 > 172.16.1.53:53")).delivered_to("dns").as_first_packet();
    release(lab, "old");
    let (instance, vswitch) = ("heir".to_owned(), "vsw".to_owned());
    let (private_ip, security_groups) = ("172.16.1.1".parse().unwrap(), vec![group.to_owned()]);
    accepted(lab, &Operation::MigrateIntoVpc { instance, vswitch, private_ip, security_groups });
}

#[test]
fn a_session_lives_on_for_the_heir_of_an_address_who_may_send_the_same_and_is_cut_for_one_who_may_not() {
    in_both_worlds(|lab| {
        handed_over(lab, "sg");
        lab.send("dns", udp("172.16.1.53:53 > 172.16.1.1:40000")).delivered_to("heir").by_session();
    });
    in_both_worlds(|lab| {
        handed_over(lab, "sg-mute");
        lab.send("dns", udp("172.16.1.53:53 > 172.16.1.1:40000")).dropped("sg-ingress-deny").at("heir");
    });
}

#[test]
fn a_session_of_a_released_forwarder_is_judged_by_whoever_has_the_address_it_sent_from() {
    for (address, own) in [("172.16.1.3", Ok("own")), ("172.16.1.4", Err("own-mute"))] {
        in_both_worlds(|lab| {
            let request = udp(&format!("{address}:40000 > 172.16.1.53:53"));
            lab.send("fw", request).delivered_to("dns").as_first_packet();
            release(lab, "fw");
            let answer = lab.send("dns", udp(&format!("172.16.1.53:53 > {address}:40000")));
            match own {
                Ok(own) => answer.delivered_to(own).by_session(),
                Err(own) => answer.dropped("sg-ingress-deny").at(own),
            };
        });
    }
}

#[test]
fn a_session_ends_with_the_last_owner_of_its_address() {
    in_both_worlds(|lab| {
        lab.send("old", udp("172.16.1.1:40000 > 172.16.1.53:53")).delivered_to("dns");
        release(lab, "old");
        lab.send("dns", udp("172.16.1.53:53 > 172.16.1.1:40000")).dropped("no-such-address");
    });
}

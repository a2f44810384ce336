//! Sessions whose opener is gone: they belong to endpoints, and not to the addresses that these had.

use crate::world::accepted;
use biplane::control::Operation;
use biplane::datapath::{SessionStep, Step};
use biplane::diag::Reason;
use biplane::lab::{FrameResult, Lab};
use biplane::wire::build::udp;

/// `old` opens a flow to `dns`; `heir` is migrated onto its address. `fw` sends for others; `own` has an address of its
/// own. All may send but members of `sg-mute`. Nothing of a released endpoint may stand in for the sender of a first
/// packet, whatever the number of its domain: so each test runs with another VPC in front of this one, too.
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

/// What the sender and the receiver of an answer had kept.
fn kept(answer: &FrameResult) -> Option<[SessionStep; 2]> {
    answer.steps().iter().find_map(|step| match step {
        Step::Session(step) => Some([*step; 2]),
        Step::SessionOfEachEnd(ends) => Some(ends.map(|(_, step)| step)),
        _ => None,
    })
}

#[test]
fn a_session_is_not_handed_over_with_the_address() {
    let answer = || udp("172.16.1.53:53 > 172.16.1.1:40000");
    in_both_worlds(|lab| {
        lab.send("old", udp("172.16.1.1:40000 > 172.16.1.53:53")).delivered_to("dns");
        release(lab, "own");
        lab.send("dns", answer()).delivered_to("old").by_session();
    });
    for group in ["sg", "sg-mute"] {
        in_both_worlds(|lab| {
            handed_over(lab, group);
            let refused = lab.send("dns", answer());
            refused.dropped(Reason::SgIngressDeny).at("heir");
            assert_eq!(kept(&refused), Some([SessionStep::Cut, SessionStep::None]));
        });
    }
    // A call of its own begins anew.
    in_both_worlds(|lab| {
        handed_over(lab, "sg");
        lab.send("heir", udp("172.16.1.1:40000 > 172.16.1.53:53")).delivered_to("dns").as_first_packet();
        lab.send("dns", answer()).delivered_to("heir").by_session();
    });
}

#[test]
fn what_a_released_forwarder_left_at_its_receiver_is_gone_with_it() {
    let request = || udp("172.16.1.3:40000 > 172.16.1.53:53");
    let answer = || udp("172.16.1.53:53 > 172.16.1.3:40000");
    in_both_worlds(|lab| {
        lab.send("fw", request()).delivered_to("dns").as_first_packet();
        release(lab, "old");
        let refused = lab.send("dns", answer());
        refused.dropped(Reason::SgIngressDeny).at("own");
        assert!(matches!(kept(&refused), Some([SessionStep::Live { .. }, SessionStep::None])));
        release(lab, "fw");
        let refused = lab.send("dns", answer());
        refused.dropped(Reason::SgIngressDeny).at("own");
        assert_eq!(kept(&refused), Some([SessionStep::Cut, SessionStep::None]));
    });
}

#[test]
fn a_session_ends_with_the_last_owner_of_its_address() {
    in_both_worlds(|lab| {
        lab.send("old", udp("172.16.1.1:40000 > 172.16.1.53:53")).delivered_to("dns");
        release(lab, "old");
        lab.send("dns", udp("172.16.1.53:53 > 172.16.1.1:40000")).dropped(Reason::NoSuchAddress);
    });
}

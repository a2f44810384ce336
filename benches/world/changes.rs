//! The changes: each with the one that takes it back, and a frame whose answer depends on it.

use crate::build::{
    self, LARGEST, OPEN_PORT, Size, classic_address, classic_group_id, classic_id, first_vpc, instance_address,
    instance_id, largest_address, largest_id, vpc_id,
};
use biplane::control::{Operation, PeerRequest, RuleRequest};
use biplane::model::Direction;
use biplane::net::{PortRange, Protocol};
use std::net::Ipv4Addr;

/// The first frame of a flow.
pub(crate) struct Probe {
    pub(crate) from: String,
    pub(crate) source: Ipv4Addr,
    pub(crate) target: Ipv4Addr,
    pub(crate) port: u16,
}

pub(crate) struct Change {
    pub(crate) name: &'static str,
    /// What the two operations are called.
    pub(crate) ways: [&'static str; 2],
    /// The change, and the one back.
    pub(crate) operations: [Operation; 2],
    pub(crate) probe: Probe,
    /// Before the change, and after it.
    pub(crate) answers: [String; 2],
}

/// A port that no group opens.
const CLOSED_PORT: u16 = 22;
/// What lies behind gateways.
const BEHIND: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);

pub(crate) fn all(size: &Size) -> Vec<Change> {
    let (mixed, short, last) = (build::MIXED, size.vpcs - 2, size.vpcs - 1);
    let behind = |vpc: u32, target| Probe { from: format!("gw-{vpc}"), source: BEHIND, target, port: CLOSED_PORT };
    let classic = Probe {
        from: instance_id(0, 0),
        source: instance_address(0, 0),
        target: classic_address(0, 0),
        port: CLOSED_PORT,
    };
    vec![
        link(),
        rule("rule-of-3", format!("sg-{short}"), behind(short, instance_address(short, 0)), &instance_id(short, 0)),
        rule("rule-of-200-for-1000-members", classic_group_id(0), classic, &classic_id(0, 0)),
        rule("rule-of-200-for-all-members", LARGEST.to_owned(), behind(last, largest_address(1)), &largest_id(1)),
        rule(
            "rule-of-200-in-60-sets",
            format!("sg-{mixed}"),
            behind(mixed, instance_address(mixed, 0)),
            &instance_id(mixed, 0),
        ),
        member(last),
        route(),
        state(),
    ]
}

/// A classic instance's link.
pub(crate) fn link() -> Change {
    let (instance, vpc) = (classic_id(0, 0), vpc_id(first_vpc(0)));
    let probe = Probe {
        from: instance.clone(),
        source: classic_address(0, 0),
        target: instance_address(0, 0),
        port: OPEN_PORT,
    };
    Change {
        name: "link",
        ways: ["detach", "attach"],
        operations: [
            Operation::Detach { instance: instance.clone(), vpc: vpc.clone() },
            Operation::Attach { instance, vpc },
        ],
        probe,
        answers: [delivered(&instance_id(0, 0)), "classiclink-not-linked".to_owned()],
    }
}

fn delivered(to: &str) -> String {
    format!("delivered to {to}")
}

/// A rule more in `group`.
fn rule(name: &'static str, group: String, probe: Probe, receiver: &str) -> Change {
    let rule = RuleRequest {
        protocol: Some(Protocol::TCP),
        port_range: PortRange::new(CLOSED_PORT, CLOSED_PORT).expect("one port"),
        ..RuleRequest::accept(PeerRequest::Cidr(probe.source.into()))
    };
    let direction = Direction::Ingress;
    Change {
        name,
        ways: ["authorize", "revoke"],
        operations: [
            Operation::Authorize { group: group.clone(), direction, rule: rule.clone() },
            Operation::Revoke { group, direction, rule },
        ],
        probe,
        answers: ["sg-ingress-deny".to_owned(), delivered(receiver)],
    }
}

/// A member of the largest group.
fn member(vpc: u32) -> Change {
    let (instance, group) = (largest_id(0), LARGEST.to_owned());
    Change {
        name: "member-of-the-largest-group",
        ways: ["leave", "join"],
        operations: [
            Operation::Leave { instance: instance.clone(), group: group.clone() },
            Operation::Join { instance: instance.clone(), group },
        ],
        probe: Probe { from: format!("gw-{vpc}"), source: BEHIND, target: largest_address(0), port: OPEN_PORT },
        answers: [delivered(&instance), "sg-ingress-deny".to_owned()],
    }
}

/// The 200th entry of a route table.
fn route() -> Change {
    let (table, destination) = (vpc_id(first_vpc(0)), "192.168.199.0/24".parse().expect("a prefix"));
    Change {
        name: "route-of-200",
        ways: ["add", "remove"],
        operations: [
            Operation::AddRoute { table: table.clone(), destination, next_hop: "gw-0".to_owned() },
            Operation::RemoveRoute { table, destination },
        ],
        probe: Probe {
            from: instance_id(0, 0),
            source: instance_address(0, 0),
            target: Ipv4Addr::new(192, 168, 199, 1),
            port: OPEN_PORT,
        },
        answers: ["no-route".to_owned(), delivered("gw-0")],
    }
}

fn state() -> Change {
    let instance = instance_id(0, 0);
    Change {
        name: "state",
        ways: ["stop", "start"],
        operations: [Operation::Stop { instance: instance.clone() }, Operation::Start { instance: instance.clone() }],
        probe: Probe {
            from: classic_id(0, 0),
            source: classic_address(0, 0),
            target: instance_address(0, 0),
            port: OPEN_PORT,
        },
        answers: [delivered(&instance), "instance-stopped".to_owned()],
    }
}

/// Instances to be released: two VPCs' full of them at most.
pub(crate) fn releases(size: &Size) -> impl Iterator<Item = Operation> {
    let (first, last) = (size.vpcs / 2, size.vpcs / 2 + 10);
    (first..last)
        .flat_map(|vpc| (0..30).map(move |n| Operation::Release { instance: instance_id(vpc, n), force: true }))
}

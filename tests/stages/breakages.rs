//! Breakages of a topology that works, one at a time: each is found by a packet that arrived before, or by the rule that
//! keeps the topology from being opened.

use crate::edited::{EditedWorld, edit, list, names, route};
use biplane::diag::Reason;
use biplane::lab::{FrameResult, Lab, Verdict};
use biplane::wire::PacketBuilder;
use biplane::wire::build::{tcp, udp};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a breakage leads to.
enum Failure {
    /// The packet is dropped, here, by this.
    Dropped(Reason, &'static str, &'static str),
    /// What decides about the packet is not known.
    Undetermined(Reason),
    /// The topology cannot be opened.
    Refused(&'static str),
}
use Failure::{Dropped, Refused, Undetermined};

struct Breakage {
    what: &'static str,
    edit: fn(EditedWorld) -> EditedWorld,
    sender: &'static str,
    packet: fn() -> PacketBuilder,
    failure: Failure,
}

fn to_orders() -> PacketBuilder {
    tcp("10.45.2.10:40000 > 172.16.2.20:3306").syn()
}

fn to_app() -> PacketBuilder {
    tcp("10.45.2.10:40000 > 172.16.1.10:8080").syn()
}

fn to_replica() -> PacketBuilder {
    tcp("172.16.1.10:40000 > 172.16.2.10:3306").syn()
}

fn callback() -> PacketBuilder {
    tcp("172.16.1.10:40000 > 10.45.2.10:80").syn()
}

fn among_apps() -> PacketBuilder {
    tcp("172.16.1.10:40000 > 172.16.1.11:9999").syn()
}

fn name_query() -> PacketBuilder {
    udp("10.45.2.10:5353 > 172.16.2.10:53").payload(&[0; 400])
}

const WEB: &str = "i-web-1";
const APP: &str = "i-app-1";

const BREAKAGES: &[Breakage] = &[
    Breakage {
        what: "the link is gone",
        edit: |world| world.unlinked(WEB),
        sender: WEB,
        packet: to_orders,
        failure: Dropped(Reason::ClassiclinkNotLinked, "classic", "route 172.16.0.0/12"),
    },
    Breakage {
        what: "the link is gone, for callbacks",
        edit: |world| world.unlinked(WEB),
        sender: APP,
        packet: callback,
        failure: Dropped(Reason::ClassiclinkTargetNotLinked, "vpc-shop", "route 10.0.0.0/8"),
    },
    Breakage {
        what: "the link leads to the VPC beside",
        edit: |world| world.set("instance.i-web-1", "linked_vpc", "vpc-staging"),
        sender: WEB,
        packet: to_orders,
        failure: Dropped(Reason::NoSuchAddress, "vpc-staging", "route 172.16.2.0/24"),
    },
    Breakage {
        what: "ClassicLink is off under links",
        edit: |world| world.without_classic_link("vpc-shop"),
        sender: WEB,
        packet: to_orders,
        failure: Dropped(Reason::ClassiclinkDisabled, "classic", "route 172.16.0.0/12"),
    },
    Breakage {
        what: "the whitelist forgets the web server",
        edit: |world| world.set("service.rm-orders", "whitelist", names(["172.16.1.0/24"])),
        sender: WEB,
        packet: to_orders,
        failure: Dropped(Reason::WhitelistDeny, "rm-orders", "rm-orders whitelist"),
    },
    Breakage {
        what: "the whitelist is not known",
        edit: |world| world.set("service.rm-orders", "whitelist", "unknown"),
        sender: WEB,
        packet: to_orders,
        failure: Undetermined(Reason::UnknownConfiguration),
    },
    Breakage {
        what: "the sender is stopped",
        edit: |world| world.stopped(WEB),
        sender: WEB,
        packet: to_orders,
        failure: Dropped(Reason::InstanceStopped, WEB, ""),
    },
    Breakage {
        what: "the receiver is stopped",
        edit: |world| world.stopped(APP),
        sender: WEB,
        packet: to_app,
        failure: Dropped(Reason::InstanceStopped, APP, ""),
    },
    Breakage {
        what: "a rule drops instead of accepting",
        edit: |world| world.set_rule(("sg-app", "ingress", 0), "policy", "drop"),
        sender: WEB,
        packet: to_app,
        failure: Dropped(Reason::SgIngressDeny, APP, "sg-app ingress #1"),
    },
    Breakage {
        what: "a rule is missing",
        edit: |world| world.without_rule("sg-app", "ingress", 0),
        sender: WEB,
        packet: to_app,
        failure: Dropped(Reason::SgIngressDeny, APP, "sg-app ingress default"),
    },
    Breakage {
        what: "a drop of the same priority wins",
        edit: |world| {
            let accept = r#"{ protocol = "tcp", port_range = "8080", source = "sg-web" }"#;
            let drop = r#"{ policy = "drop", protocol = "tcp", port_range = "8000/9000", source = "10.0.0.0/8" }"#;
            world.admitting("sg-app", [accept, drop])
        },
        sender: WEB,
        packet: to_app,
        failure: Dropped(Reason::SgIngressDeny, APP, "sg-app ingress #2"),
    },
    Breakage {
        what: "a rule names another port",
        edit: |world| world.set_rule(("sg-db", "ingress", 0), "port_range", "3307/3307"),
        sender: APP,
        packet: to_replica,
        failure: Dropped(Reason::SgIngressDeny, "i-db-1", "sg-db ingress default"),
    },
    Breakage {
        what: "a rule names another protocol",
        edit: |world| world.set_rule(("sg-db", "ingress", 2), "protocol", "tcp"),
        sender: WEB,
        packet: name_query,
        failure: Dropped(Reason::SgIngressDeny, "i-db-1", "sg-db ingress default"),
    },
    Breakage {
        what: "a rule of callbacks names another group",
        edit: |world| world.set_rule(("sg-web", "ingress", 1), "source", "sg-db"),
        sender: APP,
        packet: callback,
        failure: Dropped(Reason::SgIngressDeny, WEB, "sg-web ingress default"),
    },
    Breakage {
        what: "an egress rule keeps packets in",
        edit: |world| {
            let drop = r#"{ policy = "drop", protocol = "tcp", destination = "172.16.2.0/24" }"#;
            world.add("security_group.sg-web", "egress", list([drop]))
        },
        sender: WEB,
        packet: to_orders,
        failure: Dropped(Reason::SgEgressDeny, WEB, "sg-web egress #1"),
    },
    Breakage {
        what: "the members of a group do not trust each other",
        edit: |world| world.add("security_group.sg-app", "intra_group", "drop"),
        sender: APP,
        packet: among_apps,
        failure: Dropped(Reason::SgIngressDeny, "i-app-2", "sg-app ingress default"),
    },
    Breakage {
        what: "an instance is in another group",
        edit: |world| world.set("instance.i-app-2", "security_groups", names(["sg-db"])),
        sender: APP,
        packet: among_apps,
        failure: Dropped(Reason::SgIngressDeny, "i-app-2", "sg-db ingress default"),
    },
    Breakage {
        what: "the rules of a group are not known",
        edit: |world| world.unset("security_group.sg-db", "ingress").add("security_group.sg-db", "rules", "unknown"),
        sender: APP,
        packet: to_replica,
        failure: Undetermined(Reason::UnknownConfiguration),
    },
    Breakage {
        what: "the receiver has another address",
        edit: |world| world.set("instance.i-db-1", "private_ip", "172.16.2.11"),
        sender: APP,
        packet: to_replica,
        failure: Dropped(Reason::NoSuchAddress, "vpc-shop", "route 172.16.2.0/24"),
    },
    Breakage {
        what: "the sender has another address",
        edit: |world| world.set("instance.i-app-1", "private_ip", "172.16.1.12"),
        sender: APP,
        packet: to_replica,
        failure: Dropped(Reason::SourceSpoofed, APP, ""),
    },
    Breakage {
        what: "the MTU is smaller",
        edit: |world| world.with("[fabric]\nmtu = 400"),
        sender: WEB,
        packet: name_query,
        failure: Dropped(Reason::MtuExceeded, "vpc-shop", ""),
    },
    Breakage {
        what: "a custom route takes the way to the classic network",
        edit: |world| world.add("vpc.vpc-shop", "routes", list([route("10.45.2.0/24", "i-app-2")])),
        sender: APP,
        packet: callback,
        failure: Dropped(Reason::NextHopNotForwarding, "vpc-shop", "route 10.45.2.0/24"),
    },
    Breakage {
        what: "a custom route is exactly 10.0.0.0/8",
        edit: |world| world.add("vpc.vpc-shop", "routes", list([route("10.0.0.0/8", "i-app-2")])),
        sender: APP,
        packet: callback,
        failure: Refused("classiclink-route-conflict"),
    },
    Breakage {
        what: "two instances have one address",
        edit: |world| world.set("instance.i-app-2", "private_ip", "172.16.1.10"),
        sender: WEB,
        packet: to_app,
        failure: Refused("duplicate-address"),
    },
    Breakage {
        what: "an address lies outside its vSwitch",
        edit: |world| world.set("instance.i-app-1", "private_ip", "172.16.2.40"),
        sender: WEB,
        packet: to_app,
        failure: Refused("address-outside-vswitch"),
    },
    Breakage {
        what: "a classic group stands in a VPC",
        edit: |world| world.set("instance.i-app-1", "security_groups", names(["sg-web"])),
        sender: WEB,
        packet: to_app,
        failure: Refused("group-network"),
    },
    Breakage {
        what: "an instance is in no group",
        edit: |world| world.set("instance.i-app-1", "security_groups", names([])),
        sender: WEB,
        packet: to_app,
        failure: Refused("instance-without-group"),
    },
    Breakage {
        what: "the VPC is in another account",
        edit: |world| world.add("vpc.vpc-staging", "account", "other"),
        sender: WEB,
        packet: to_app,
        failure: Refused("classiclink-account"),
    },
];

fn shop() -> EditedWorld {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/topologies/shop.toml");
    edit(&std::fs::read_to_string(path).unwrap())
}

/// What the claim of a test author that the packet arrives says, where it does not hold.
fn refusal(sent: &FrameResult) -> Option<String> {
    let receiver = sent.reply().map(|(receiver, _)| receiver);
    let claim = AssertUnwindSafe(|| match receiver {
        Some(receiver) => _ = sent.delivered_to(receiver),
        None => _ = sent.delivered_to("i-batch-1"),
    });
    catch_unwind(claim).err().and_then(|told| told.downcast::<String>().ok()).map(|told| *told)
}

impl Breakage {
    /// What became of the packet, and what the claim says; else the ids of what keeps the topology from being opened.
    fn fact(&self) -> Result<(FrameResult, String), Vec<&'static str>> {
        let lab = Lab::from_toml("shop.toml", &(self.edit)(shop()).toml());
        let mut lab = lab.map_err(|error| error.ids().collect::<Vec<_>>())?;
        let sent = lab.send(self.sender, (self.packet)());
        let told = refusal(&sent).unwrap_or_default();
        Ok((sent, told))
    }

    /// What is not as it should be.
    fn wrong(&self) -> Option<String> {
        let mut whole = Lab::from_toml("shop.toml", &shop().toml()).unwrap();
        if let Some(told) = refusal(&whole.send(self.sender, (self.packet)())) {
            return Some(format!("it does not work before: {told}"));
        }
        match (self.fact(), &self.failure) {
            (Err(ids), Refused(id)) if ids == [*id] => None,
            (Err(ids), _) => Some(format!("refused for {ids:?}")),
            (Ok((sent, told)), Dropped(reason, place, decider)) => {
                let names_it = told.contains(reason.id()) && told.contains(decider) && told.contains("-> ");
                let holds = sent.reason() == Some(*reason)
                    && sent.decider().unwrap_or_default() == *decider
                    && catch_unwind(AssertUnwindSafe(|| _ = sent.at(place))).is_ok();
                (!holds || !names_it).then(|| format!("{:?} by {:?}: {told}", sent.reason(), sent.decider()))
            }
            (Ok((sent, told)), Undetermined(reason)) => {
                let holds = matches!(sent.verdict(), Verdict::Undetermined(_)) && sent.reason() == Some(*reason);
                (!holds).then_some(told)
            }
            (Ok((sent, _)), Refused(_)) => Some(format!("it is opened: {sent:?}")),
        }
    }
}

#[test]
fn each_breakage_fails_with_the_rule_that_is_behind_it() {
    assert!(BREAKAGES.len() > 20);
    let wrong: Vec<String> = BREAKAGES
        .iter()
        .filter_map(|breakage| breakage.wrong().map(|wrong| format!("{}: {wrong}", breakage.what)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

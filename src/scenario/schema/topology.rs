//! The keys of topology files.

use super::{ADDRESS, CIDR, CIDRS, ID, IDS, KeySpec, PORTS, PROTOCOL, Shape, joined, optional, required};
use crate::model::limits::{LEAST_MTU, RULE_PRIORITIES};
use crate::model::timing::{
    MAX_BANDWIDTH_MBPS, MAX_BURST_MS, MAX_LATENCY_US, MAX_PPS, MAX_QUEUE_MS, MAX_QUEUE_PACKETS,
};
use crate::model::{InstanceState, ServiceKind};

const NETWORK: KeySpec = optional("network", Shape::Words(|| vec!["classic"]), "The classic network of the region.");
const REGION: KeySpec = optional("region", Shape::Name, "Default: that of [defaults].");
const ACCOUNT: KeySpec = optional("account", Shape::Name, "The account that owns it. Default: that of [defaults].");
const ROUTES: KeySpec = optional("routes", Shape::List(&Shape::Table(&ROUTE)), "Custom entries. Default: none.");

/// What people call an object and say about it.
pub(in crate::scenario) const ABOUT: [KeySpec; 3] = [
    optional("name", Shape::Text, "What people call it; references are ids. Kept and shown."),
    optional("description", Shape::Text, "Kept and shown."),
    optional("tags", Shape::ById(&Shape::Text), "Keys and values. Kept and shown."),
];

/// The keys of a topology file: the files that it includes, and its sections.
pub(in crate::scenario) const SECTIONS: [KeySpec; 13] = [
    optional("include", Shape::List(&Shape::Name), "More files of the topology, named from the folder of this one."),
    optional("defaults", Shape::Table(&DEFAULTS), "What objects have that do not say otherwise."),
    optional("vpc", Shape::ById(&Shape::Table(&VPC)), "VPCs, by id."),
    optional("vswitch", Shape::ById(&Shape::Table(&VSWITCH)), "Subnets of VPCs, by id."),
    optional("route_table", Shape::ById(&Shape::Table(&ROUTE_TABLE)), "Custom route tables of vSwitches, by id."),
    optional("peering", Shape::ById(&Shape::Table(&PEERING)), "Peerings of two VPCs, by id."),
    optional("gateway", Shape::ById(&Shape::Table(&GATEWAY)), "Gateways of VPCs, by id."),
    optional("security_group", Shape::ById(&Shape::Table(&SECURITY_GROUP)), "Security groups, by id."),
    optional("template", Shape::ById(&Shape::Table(&TEMPLATE)), "What several instances have in common, by name."),
    optional("instance", Shape::ById(&Shape::Table(&INSTANCE)), "ECS instances, by id."),
    optional("service", Shape::ById(&Shape::Table(&SERVICE)), "Managed services, by id."),
    optional("sessions", Shape::Table(&SESSIONS), "How long sessions live idle, in seconds, and how many there are."),
    optional("fabric", Shape::Table(&FABRIC), "What holds of all networks."),
];

pub(in crate::scenario) const DEFAULTS: [KeySpec; 2] =
    [optional("region", Shape::Name, "Default: cn-hangzhou."), optional("account", Shape::Name, "Default: main.")];

pub(in crate::scenario) const VPC: [KeySpec; 9] = joined(
    [
        required("cidr", CIDR, "The primary CIDR, the only one that takes part in ClassicLink."),
        optional("secondary_cidrs", CIDRS, "Secondary CIDRs. Default: none."),
        optional("classic_link", Shape::Boolean, "Whether ClassicLink is enabled. Default: false."),
        ROUTES,
        REGION,
        ACCOUNT,
    ],
    ABOUT,
);

pub(in crate::scenario) const ROUTE: [KeySpec; 3] = [
    required("destination", CIDR, "Where packets go that take the route."),
    required("next_hop", ID, "A gateway, a peering, or an instance with `forwarding = true`."),
    optional("description", Shape::Text, "Kept and shown."),
];

pub(in crate::scenario) const ROUTE_TABLE: [KeySpec; 7] =
    joined([required("vpc", ID, "The VPC that it belongs to."), ROUTES, REGION, ACCOUNT], ABOUT);

pub(in crate::scenario) const VSWITCH: [KeySpec; 9] = joined(
    [
        required("vpc", ID, "The VPC that it belongs to."),
        required("cidr", CIDR, "A part of a CIDR of the VPC."),
        optional("route_table", ID, "A custom route table. Default: the system table of the VPC."),
        optional("zone", Shape::Text, "Kept and shown."),
        REGION,
        ACCOUNT,
    ],
    ABOUT,
);

pub(in crate::scenario) const PEERING: [KeySpec; 4] =
    joined([required("vpcs", Shape::Pair(&ID), "The two VPCs.")], ABOUT);

pub(in crate::scenario) const GATEWAY: [KeySpec; 8] = joined(
    [
        required("vpc", ID, "The VPC that it belongs to."),
        optional("kind", Shape::Name, "nat, vpn, router-interface, internet or any other word. Default: nat."),
        optional("remote_cidrs", CIDRS, "Source addresses that may enter by it."),
        REGION,
        ACCOUNT,
    ],
    ABOUT,
);

pub(in crate::scenario) const SECURITY_GROUP: [KeySpec; 13] = joined(
    [
        NETWORK,
        optional("vpc", ID, "The VPC that it belongs to, unless it is one of the classic network."),
        optional("kind", Shape::Words(|| vec!["basic", "enterprise"]), "Default: basic."),
        optional(
            "intra_group",
            Shape::Words(policies),
            "What members may send each other. Default: accept for basic groups.",
        ),
        optional("ingress", Shape::Rules("source"), "Rules for what members receive. Default: none."),
        optional("egress", Shape::Rules("destination"), "Rules for what members send. Default: none."),
        optional(
            "rules",
            Shape::Words(|| vec!["unknown"]),
            "That the rules are not known: what they decide is undetermined.",
        ),
        optional(
            "unknown_rules",
            Shape::Integer { least: 1, most: u32::MAX as u64 },
            "How many more rules are not known.",
        ),
        REGION,
        ACCOUNT,
    ],
    ABOUT,
);

fn policies() -> Vec<&'static str> {
    vec!["accept", "drop"]
}

pub(in crate::scenario) const RULE: [KeySpec; 9] = [
    optional("policy", Shape::Words(policies), "Default: accept."),
    optional(
        "priority",
        Shape::Integer { least: *RULE_PRIORITIES.start() as u64, most: *RULE_PRIORITIES.end() as u64 },
        "1, the default, is asked first; 100 last.",
    ),
    optional("protocol", PROTOCOL, "tcp, udp, icmp, gre, all or a number. Default: all."),
    optional("port_range", PORTS, "Destination ports: \"443\", \"8000/8080\", or \"-1/-1\" for all, the default."),
    optional("source_port_range", PORTS, "Source ports. Default: all."),
    optional("source", Shape::Text, "An address or CIDR; of ingress rules the peer, which may be a security group."),
    optional(
        "destination",
        Shape::Text,
        "An address or CIDR; of egress rules the peer, which may be a security group.",
    ),
    optional(
        "nic_type",
        Shape::Words(|| vec!["intranet", "internet"]),
        "Default: intranet. Others match nothing here.",
    ),
    optional("description", Shape::Text, "Kept and shown."),
];

pub(in crate::scenario) const INSTANCE: [KeySpec; 22] = joined(
    [
        optional("template", ID, "What it has where it says nothing itself."),
        required("private_ip", ADDRESS, "Its address."),
        optional("public_ip", ADDRESS, "Kept and shown."),
        optional("mac", Shape::Form("^[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}$"), "Default: a stable one is derived."),
    ],
    TEMPLATE,
);

/// What instances can have in common.
pub(in crate::scenario) const TEMPLATE: [KeySpec; 18] = joined(
    [
        NETWORK,
        optional("vswitch", ID, "The vSwitch, unless it is in the classic network."),
        optional("security_groups", IDS, "One to five."),
        optional("state", Shape::Words(|| InstanceState::ALL.map(InstanceState::name).into()), "Default: running."),
        optional("linked_vpc", ID, "The VPC that a classic instance is linked to by ClassicLink. Default: none."),
        optional("guest_routes", CIDRS, "What the guest sends to its private NIC beside what it does by itself."),
        optional("forwarding", Shape::Boolean, "Whether it may be the next hop of a route. Default: false."),
        optional("zone", Shape::Text, "Of classic ones, others have that of their vSwitch; it decides latency."),
        REGION,
        ACCOUNT,
    ],
    LIMITS_AND_ABOUT,
);

pub(in crate::scenario) const SERVICE: [KeySpec; 16] = joined(
    [
        required("kind", Shape::Words(|| ServiceKind::ALL.map(ServiceKind::name).into()), "What it is."),
        NETWORK,
        optional("vswitch", ID, "The vSwitch, unless it is in the classic network."),
        required("ip", ADDRESS, "Its address."),
        optional(
            "whitelist",
            Shape::Either(&[CIDRS, Shape::Words(|| vec!["unknown"])]),
            "Addresses of clients. Default: 127.0.0.1 for rds, redis and mongodb; others are open.",
        ),
        optional("zone", Shape::Text, "Of classic ones, others have that of their vSwitch; it decides latency."),
        REGION,
        ACCOUNT,
    ],
    LIMITS_AND_ABOUT,
);

/// What limits an instance or a service.
const LIMITS: [KeySpec; 5] = [
    optional("bandwidth_mbps", Shape::Either(&[upto(1, MAX_BANDWIDTH_MBPS), Shape::Table(&BANDWIDTH)]), LIMIT),
    optional("pps", Shape::Either(&[upto(1, MAX_PPS), Shape::Table(&PPS)]), LIMIT),
    optional("burst_ms", upto(0, MAX_BURST_MS), "How much may pass at once, in milliseconds of the limit."),
    optional("queue_ms", upto(0, MAX_QUEUE_MS), "How long packets wait at most, in milliseconds."),
    optional("queue_packets", upto(0, MAX_QUEUE_PACKETS), "How many packets wait at most."),
];

const LIMITS_AND_ABOUT: [KeySpec; 8] = joined(LIMITS, ABOUT);

const LIMIT: &str = "Acts where timing is on: one number for both directions, or { tx = , rx = }. Default: no limit.";

pub(in crate::scenario) const BANDWIDTH: [KeySpec; 2] = per_direction(MAX_BANDWIDTH_MBPS);

const PPS: [KeySpec; 2] = per_direction(MAX_PPS);

const fn per_direction(most: u64) -> [KeySpec; 2] {
    [optional("tx", upto(1, most), "What it sends."), optional("rx", upto(1, most), "What it receives.")]
}

const fn upto(least: u64, most: u64) -> Shape {
    Shape::Integer { least, most }
}

pub(in crate::scenario) const SESSIONS: [KeySpec; 7] = [
    optional("tcp_established", Shape::Amount, "Default: 910."),
    optional("tcp_transient", Shape::Amount, "Before the handshake is complete, and after FIN or RST. Default: 60."),
    optional("udp", Shape::Amount, "Default: 60."),
    optional("icmp", Shape::Amount, "Default: 30."),
    optional("other", Shape::Amount, "Default: 60."),
    optional("fragment", Shape::Amount, "How long the ports of a first fragment are kept. Default: 30."),
    optional("limit", Shape::Integer { least: 1, most: 1 << 30 }, "Sessions kept at most. Default: 16777216."),
];

pub(in crate::scenario) const FABRIC: [KeySpec; 3] = [
    optional("mtu", upto(LEAST_MTU as u64, 65535), "Default: 1500."),
    optional("timing", Shape::Boolean, "Whether limits and latency act on every capture. Default: false."),
    optional("latency_us", Shape::Table(&LATENCY), "How long packets take, in microseconds. Default: no time."),
];

pub(in crate::scenario) const LATENCY: [KeySpec; 3] = [
    optional("vswitch", upto(0, MAX_LATENCY_US), "Within a vSwitch. Default: 0."),
    optional("zone", upto(0, MAX_LATENCY_US), "Within a zone. Default: as within a vSwitch."),
    optional("cross_zone", upto(0, MAX_LATENCY_US), "Between zones. Default: as within a zone."),
];

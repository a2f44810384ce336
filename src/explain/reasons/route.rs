//! Reasons of the middle stages: guest route, session, egress groups, route tables and peerings.

use super::Text;
use crate::check::OWN_CHOICE;
use crate::diag::Reason;

const CLASSIC_LINK: &str = "https://www.alibabacloud.com/help/en/virtual-private-cloud/latest/classiclink-overview";
const GROUP_RULES: &str = "https://www.alibabacloud.com/help/en/ecs/user-guide/security-group-rules";
const NETWORK_TYPES: &str = "https://github.com/AlibabaCloudDocs/ecs (Network types)";
const PEERING: &str = "https://www.alibabacloud.com/help/en/vpc/frequently-asked-questions";
const ROUTE_ENTRY: &str = "https://help.aliyun.com/en/vpc/developer-reference/api-vpc-2016-04-28-createrouteentry";

/// The guest, the session, the sender's groups, and the routes of one domain.
pub(super) const TEXTS: &[Text] = &[
    Text {
        reason: Reason::GuestRoutePublicNic,
        title: "the classic guest sends this destination to its public NIC",
        meaning: "A classic instance has two NICs, and its own routing table chooses one: 10.0.0.0/8, 172.16.0.0/12 and \
                  100.64.0.0/10 go to the private NIC, everything else to the public one. A VPC in 192.168.0.0/16 \
                  therefore stays unreached, and requests from it unanswered, until the vendor's routing script or a \
                  route made by hand sends that range to the private NIC.",
        source: CLASSIC_LINK,
        example: "frame 1 from i-scan-2: dropped at i-scan-2 by route 0.0.0.0/0: the guest's routing table sends it out of the public NIC",
        remedy: "Run `ip route add 192.168.0.0/16 via GATEWAY dev eth0` on the instance, where GATEWAY is eight below \
                 the last address of its /21, make it permanent, and add `guest_routes = [\"192.168.0.0/16\"]` here.",
    },
    Text {
        reason: Reason::FragmentWithoutFirst,
        title: "the first fragment of this datagram was not seen",
        meaning: "Only the first fragment has the ports that groups and sessions need. Later ones inherit them from a \
                  first fragment of the same sender, addresses, protocol and identification seen before them, within \
                  30 seconds by default. Fragments that overtake their first one, and those whose first one was cut \
                  before the ports, are dropped.",
        source: OWN_CHOICE,
        example: "frame 1 from i-web-1: dropped at i-web-1: its first fragment was not seen",
        remedy: "Start the capture earlier, lengthen its snaplen, or raise `[sessions] fragment`.",
    },
    Text {
        reason: Reason::TcpWithoutSyn,
        title: "the first packet of a TCP flow is no bare SYN",
        meaning: "Only with `--strict-tcp`. Without it a flow may begin in its middle, since captures usually do.",
        source: OWN_CHOICE,
        example: "frame 1 from i-web-1: dropped at i-web-1: the first packet of a TCP flow is no bare SYN",
        remedy: "Leave `--strict-tcp` out, or start the capture before the connection.",
    },
    Text {
        reason: Reason::SgEgressDeny,
        title: "the sender's security groups refuse the packet",
        meaning: "All groups of the sender are taken together: same-group accept first, then rules by priority with \
                  drop before accept, then the default. The default of basic groups accepts what goes out, that of \
                  enterprise groups drops it. The drop is silent.",
        source: GROUP_RULES,
        example: "frame 1 from i-quiet-1: dropped at i-quiet-1 by sg-quiet egress #2 (rules.toml:50): drops all to 0.0.0.0/0",
        remedy: "Add an egress rule for the destination and port with a smaller priority, or correct the rule shown.",
    },
    Text {
        reason: Reason::NoRoute,
        title: "no route covers the destination",
        meaning: "Neither a system route nor a custom entry of the sender's table covers the address. Inside a VPC's \
                  CIDR that is an address of no vSwitch; on the classic plane one outside the linked VPC.",
        source: ROUTE_ENTRY,
        example: "frame 1 from i-app-1: dropped at vpc-fw: no route covers the destination",
        remedy: "Add a custom route, or a vSwitch around the address.",
    },
    Text {
        reason: Reason::NoSuchAddress,
        title: "a route covers the destination, and nobody has the address",
        meaning: "The packet reached the vSwitch or the classic network that the address belongs to, and no instance \
                  or service there has it. Pings to the gateway of a vSwitch end here too.",
        source: OWN_CHOICE,
        example: "frame 1 from i-app-1: dropped at vpc-shop by route 10.0.0.0/8 (shop.toml:18): a route covers the destination, and nobody has the address",
        remedy: "Correct the address, or declare the instance that has it.",
    },
    Text {
        reason: Reason::OtherRegion,
        title: "only the classic network of another region has the address",
        meaning: "Each region's classic network is a plane of its own; there is no internal path between two of them.",
        source: NETWORK_TYPES,
        example: "frame 1 from i-shop-1: dropped at classic: only another region's classic network has the address",
        remedy: "Migrate both instances into VPCs and connect those, or use public addresses.",
    },
    Text {
        reason: Reason::NextHopDown,
        title: "the next hop of the custom route is stopped",
        meaning: "A route stays in its table while its next hop is down, and swallows what it attracts; a shorter \
                  prefix is not tried.",
        source: OWN_CHOICE,
        example: "frame 1 from i-app-1: dropped at vpc-fw by route 203.0.113.0/24 (firewall.toml:11): the next hop is stopped",
        remedy: "Start the next hop, or remove the route.",
    },
    Text {
        reason: Reason::NextHopNotForwarding,
        title: "the next hop of the custom route does not forward",
        meaning: "The route leads to an instance whose guest does not pass packets on for others.",
        source: OWN_CHOICE,
        example: "frame 1 from i-fw-1: dropped at vpc-fw by route 192.0.2.0/24 (firewall.toml:12): the next hop does not forward",
        remedy: "Set `net.ipv4.ip_forward = 1` in the guest and `forwarding = true` here, or correct the route.",
    },
    Text {
        reason: Reason::NextHopIsSender,
        title: "the custom route leads back to the sender",
        meaning: "An instance that is the next hop of a route, and whose own vSwitch uses the same table, gets its own \
                  packets back: a loop, cut at the first turn.",
        source: OWN_CHOICE,
        example: "frame 1 from i-fw-1: dropped at vpc-fw by route 198.51.100.0/24 (firewall.toml:10): the next hop is the sender itself",
        remedy: "Put the forwarding instance into a vSwitch of its own with a custom route table.",
    },
    Text {
        reason: Reason::PeeringNoTransit,
        title: "a peering reaches the vSwitches of the peer and nothing behind them",
        meaning: "Through a peering only the peer's vSwitches are reached, by the peer's system table. Its custom \
                  entries are not used, and what entered the VPC by a gateway, a link or another peering is not passed \
                  on.",
        source: PEERING,
        example: "frame 1 from i-edge-1: dropped at vpc-core by route 172.18.0.0/16 (peering.toml:11): a peering carries only what goes from vSwitch to vSwitch",
        remedy: "Peer with the VPC that has the destination, or connect the VPCs by a transit router.",
    },
    Text {
        reason: Reason::ClassiclinkNoTransit,
        title: "a peering does not lead on to the peer's classic instances",
        meaning: "The packet came by a peering, and in the peer only the route of ClassicLink, 10.0.0.0/8, covers its \
                  destination. A VPC reaches the classic instances linked to itself and no others.",
        source: OWN_CHOICE,
        example: "frame 1 from i-edge-1: dropped at vpc-core by route 10.0.0.0/8 (peering.toml:8): a peering does not lead on to the peer's classic instances",
        remedy: "Link the classic instance to the sender's VPC, or migrate it into a VPC.",
    },
];

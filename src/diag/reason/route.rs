//! Reasons of stages 3 to 6: the guest, the session, the sender's groups, and the routes of one domain.

/// Appends these reasons to those `$before` them, and hands all to `$next`.
macro_rules! route {
    ([$($before:tt)*] $next:ident $($then:ident)*) => { $next! { [$($before)*

    GuestRoutePublicNic = "guest-route-public-nic" @ Drop(Guest) {
        summary: "the guest's routing table sends it out of the public NIC",
        meaning: "A classic instance has two NICs, and its own routing table chooses one: 10.0.0.0/8, 172.16.0.0/12 \
                  and 100.64.0.0/10 go to the private NIC, everything else to the public one. A VPC in 192.168.0.0/16 \
                  therefore stays unreached, and requests from it unanswered, until the vendor's routing script or a \
                  route made by hand sends that range to the private NIC.",
        remedy: "Run `ip route add 192.168.0.0/16 via GATEWAY dev eth0` on the instance, where GATEWAY is eight below \
                 the last address of its /21, make it permanent, and add `guest_routes = [\"192.168.0.0/16\"]` here.",
        source: CLASSIC_LINK,
        example: "frame 1 from i-scan-2: dropped at i-scan-2 by route 0.0.0.0/0: the guest's routing table sends it out of the public NIC",
    }
    FragmentWithoutFirst = "fragment-without-first" @ Drop(Session) {
        summary: "its first fragment was not seen",
        meaning: "Only the first fragment has the ports that groups and sessions need. Later ones inherit them from a \
                  first fragment of the same sender, addresses, protocol and identification seen before them, within \
                  30 seconds by default. Fragments that overtake their first one, and those whose first one was cut \
                  before the ports, are dropped.",
        remedy: "Start the capture earlier, lengthen its snaplen, or raise `[sessions] fragment`.",
        source: OWN_CHOICE,
        example: "frame 1 from i-web-1: dropped at i-web-1: its first fragment was not seen",
    }
    TcpWithoutSyn = "tcp-without-syn" @ Drop(Session) {
        summary: "the first packet of a TCP flow is no bare SYN",
        meaning: "Only with `--strict-tcp`. Without it a flow may begin in its middle, since captures usually do.",
        remedy: "Leave `--strict-tcp` out, or start the capture before the connection.",
        source: OWN_CHOICE,
        example: "frame 1 from i-web-1: dropped at i-web-1: the first packet of a TCP flow is no bare SYN",
    }
    UnknownConfiguration = "unknown-configuration" @ Undetermined(Egress) {
        summary: "the rules or the whitelist that decide are not known",
        meaning: "The topology says that it does not hold all: `rules = \"unknown\"`, `unknown_rules = N` or \
                  `whitelist = \"unknown\"` stands where this packet is judged. Egress rules decide at stage 5, ingress \
                  rules and whitelists at stage 8. Only a same-group accept and, behind it, a drop of priority 1 are \
                  stronger than rules of which nothing is known. Such a packet may have made a session or not, so what is \
                  refused for want of one is undetermined too.",
        remedy: "Write the rules or the whitelist into the topology and remove the key. DescribeSecurityGroupAttribute \
                 gives the rules of a group, DescribeDBInstanceIPArrayList the whitelist of an RDS instance, and \
                 DescribeSecurityIps that of Redis and MongoDB.",
        source: OWN_CHOICE,
        example: "frame 1 from i-web-1: undetermined at i-app-1 by sg-app unknown rules (imported.toml:19): nothing is known of them",
    }
    SgEgressDeny = "sg-egress-deny" @ Drop(Egress) {
        summary: "the sender's security groups refuse it",
        meaning: "All groups of the sender are taken together: same-group accept first, then rules by priority with \
                  drop before accept, then the default. The default of basic groups accepts what goes out, that of \
                  enterprise groups drops it. The drop is silent.",
        remedy: "Add an egress rule for the destination and port with a smaller priority, or correct the rule shown.",
        source: GROUP_RULES,
        example: "frame 1 from i-quiet-1: dropped at i-quiet-1 by sg-quiet egress #2 (rules.toml:50): drops all to 0.0.0.0/0",
    }
    NoRoute = "no-route" @ Drop(Route) {
        summary: "no route covers the destination",
        meaning: "Neither a system route nor a custom entry of the sender's table covers the address. Inside a VPC's \
                  CIDR that is an address of no vSwitch; on the classic plane one outside the linked VPC.",
        remedy: "Add a custom route, or a vSwitch around the address.",
        source: ROUTE_ENTRY,
        example: "frame 1 from i-app-1: dropped at vpc-fw: no route covers the destination",
    }
    NoSuchAddress = "no-such-address" @ Drop(Route) {
        summary: "a route covers the destination, and no endpoint has the address",
        meaning: "The packet reached the vSwitch or the classic network that the address belongs to, and no instance \
                  or service there has it. Pings to the gateway of a vSwitch end here too.",
        remedy: "Correct the address, or declare the instance that has it.",
        source: OWN_CHOICE,
        example: "frame 1 from i-app-1: dropped at vpc-shop by route 10.0.0.0/8 (shop.toml:18): a route covers the destination, and no endpoint has the address",
    }
    OtherRegion = "other-region" @ Drop(Route) {
        summary: "only another region's classic network has the address",
        meaning: "Each region's classic network is a plane of its own; there is no internal path between two of them.",
        remedy: "Migrate both instances into VPCs and connect those, or use public addresses.",
        source: NETWORK_TYPES,
        example: "frame 1 from i-shop-1: dropped at classic by route 10.0.0.0/8: only another region's classic network has the address",
    }
    NextHopDown = "next-hop-down" @ Drop(Route) {
        summary: "the next hop is stopped",
        meaning: "A route stays in its table while its next hop is down, and swallows what it attracts; a shorter \
                  prefix is not tried.",
        remedy: "Start the next hop, or remove the route.",
        source: OWN_CHOICE,
        example: "frame 1 from i-app-1: dropped at vpc-fw by route 203.0.113.0/24 (firewall.toml:11): the next hop is stopped",
    }
    NextHopNotForwarding = "next-hop-not-forwarding" @ Drop(Route) {
        summary: "the next hop does not forward",
        meaning: "The route leads to an instance whose guest does not pass packets on for others.",
        remedy: "Set `net.ipv4.ip_forward = 1` in the guest and `forwarding = true` here, or correct the route.",
        source: OWN_CHOICE,
        example: "frame 1 from i-fw-1: dropped at vpc-fw by route 192.0.2.0/24 (firewall.toml:12): the next hop does not forward",
    }
    NextHopIsSender = "next-hop-is-sender" @ Drop(Route) {
        summary: "the next hop is the sender itself",
        meaning: "An instance that is the next hop of a route, and whose own vSwitch uses the same table, gets its own \
                  packets back: a loop, cut at the first turn.",
        remedy: "Put the forwarding instance into a vSwitch of its own with a custom route table.",
        source: OWN_CHOICE,
        example: "frame 1 from i-fw-1: dropped at vpc-fw by route 198.51.100.0/24 (firewall.toml:10): the next hop is the sender itself",
    }
    PeeringNoTransit = "peering-no-transit" @ Drop(Route) {
        summary: "a peering carries only what goes from vSwitch to vSwitch",
        meaning: "Through a peering only the peer's vSwitches are reached, by the peer's system table. Its custom \
                  entries are not used, and what entered the VPC by a gateway, a link or another peering is not passed \
                  on.",
        remedy: "Peer with the VPC that has the destination, or connect the VPCs by a transit router.",
        source: PEERING_FAQ,
        example: "frame 1 from i-edge-1: dropped at vpc-core by route 172.18.0.0/16 (peering.toml:11): a peering carries only what goes from vSwitch to vSwitch",
    }
    ClassiclinkNoTransit = "classiclink-no-transit" @ Drop(Route) {
        summary: "a peering does not lead on to the peer's classic instances",
        meaning: "The packet came by a peering, and in the peer only the route of ClassicLink, 10.0.0.0/8, covers its \
                  destination. A VPC reaches the classic instances linked to itself and no others.",
        remedy: "Link the classic instance to the sender's VPC, or migrate it into a VPC.",
        source: OWN_CHOICE,
        example: "frame 1 from i-edge-1: dropped at vpc-core by route 10.0.0.0/8 (peering.toml:8): a peering does not lead on to the peer's classic instances",
    }

    ] $($then)* } };
}

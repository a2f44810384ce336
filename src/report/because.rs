//! Each reason in a few words, for lines that have no room for a page.

use crate::diag::Reason;

/// A reason in a few words, to stand after a colon: `no route covers the destination`.
pub const fn because(reason: Reason) -> &'static str {
    match reason {
        Reason::FrameTruncated => "the frame is shorter than its headers",
        Reason::VlanTagged => "the frame carries a VLAN tag",
        Reason::Ipv6 => "IPv6 is not carried",
        Reason::ArpMalformed => "the ARP packet is too short or not IPv4 over Ethernet",
        Reason::NotIpv4 => "neither IPv4 nor ARP",
        Reason::Ipv4Version => "the version field is not 4",
        Reason::Ipv4HeaderLength => "the header length is under 20 bytes or past the frame's end",
        Reason::Ipv4TotalLength => "the total length is under the header's or past the frame's end",
        Reason::Ipv4Checksum => "the IPv4 header checksum is wrong",
        Reason::Ipv4SourceRoute => "source routing options are refused",
        Reason::Broadcast => "broadcasts are not carried",
        Reason::Multicast => "multicasts are not carried",
        Reason::L4Truncated => "the packet is too short for its TCP, UDP or ICMP header",
        Reason::UnknownSource => "no endpoint may send from this address",
        Reason::AmbiguousSource => "several endpoints may send from this address",
        Reason::InstanceStopped => "the instance is stopped",
        Reason::SourceSpoofed => "the source address is not the sender's own",
        Reason::ArpNotRequest => "only ARP requests are answered",
        Reason::ArpGratuitous => "the ARP request asks for the sender's own address",
        Reason::ArpTargetNotLocal => "the ARP request asks for an address outside the sender's subnet",
        Reason::GuestRoutePublicNic => "the guest's routing table sends it out of the public NIC",
        Reason::FragmentWithoutFirst => "its first fragment was not seen",
        Reason::TcpWithoutSyn => "the first packet of a TCP flow is no bare SYN",
        Reason::SgEgressDeny => "the sender's security groups refuse it",
        Reason::NoRoute => "no route covers the destination",
        Reason::NoSuchAddress => "a route covers the destination, and nobody has the address",
        Reason::OtherRegion => "only another region's classic network has the address",
        Reason::NextHopDown => "the next hop is stopped",
        Reason::NextHopNotForwarding => "the next hop does not forward",
        Reason::NextHopIsSender => "the next hop is the sender itself",
        Reason::PeeringNoTransit => "a peering carries only what goes from vSwitch to vSwitch",
        Reason::ClassiclinkNoTransit => "a peering does not lead on to the peer's classic instances",
        Reason::ClassiclinkDisabled => "ClassicLink is off in the VPC",
        Reason::ClassiclinkNotLinked => "the classic sender is linked to no VPC",
        Reason::ClassiclinkSecondaryCidr => "a secondary CIDR takes no part in ClassicLink",
        Reason::ClassiclinkRangeNotLinkable => {
            "the address lies outside 10.111.0.0/16, 172.16.0.0/12 and 192.168.0.0/16"
        }
        Reason::ClassiclinkVswitchOutside10111 => "the vSwitch lies outside 10.111.0.0/16",
        Reason::ClassiclinkSourceNotEcs => "only ECS instances open sessions across the link",
        Reason::ClassiclinkGatewayRange => "the gateway's remote CIDR is not inside the VPC's primary CIDR",
        Reason::ClassiclinkTargetNotEcs => "the classic address belongs to a managed service",
        Reason::ClassiclinkTargetNotLinked => "the classic instance is not linked to this VPC",
        Reason::SgIngressDeny => "the receiver's security groups refuse it",
        Reason::WhitelistDeny => "no entry holds the source address",
        Reason::TtlExceeded => "the TTL would reach 0",
        Reason::MtuExceeded => "it is larger than the MTU and may not be fragmented",
        Reason::SessionTableFull => "no room is left for the session it would begin",
    }
}

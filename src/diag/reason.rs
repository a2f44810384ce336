//! The reasons a frame is dropped for, and the stages that give them.

use std::fmt;
use std::str::FromStr;

/// The steps a frame goes through, in the order it meets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Reading the frame: Ethernet, IPv4, the first bytes of layer 4; and answering ARP.
    Parse,
    /// Finding the endpoint the frame enters at, and holding its source address against it.
    Ingress,
    /// The routing table inside a classic instance.
    Guest,
    /// Fragments and sessions.
    Session,
    /// The sender's security groups.
    Egress,
    /// The route table of a routing domain.
    Route,
    /// The way between the classic network and a VPC.
    Bridge,
    /// The receiver's state, security groups and whitelist.
    Destination,
    /// TTL, MTU, room for a session, rewriting.
    Deliver,
}

impl Stage {
    /// The stage's name in traces and documents.
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Parse => "parse",
            Stage::Ingress => "ingress",
            Stage::Guest => "guest",
            Stage::Session => "session",
            Stage::Egress => "egress",
            Stage::Route => "route",
            Stage::Bridge => "bridge",
            Stage::Destination => "destination",
            Stage::Deliver => "deliver",
        }
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $id:literal @ $stage:ident,)*) => {
        /// Why a frame was dropped: one kebab-case id per cause, the same in text, JSON, captures, counters and
        /// `biplane explain`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Reason {
            $($(#[$doc])* $name,)*
        }

        impl Reason {
            /// Every reason, in the order a frame meets them.
            pub const ALL: &'static [Reason] = &[$(Reason::$name),*];

            /// The kebab-case id.
            pub const fn id(self) -> &'static str {
                match self { $(Reason::$name => $id,)* }
            }

            /// The stage that gives this reason; the first one where two do.
            pub const fn stage(self) -> Stage {
                match self { $(Reason::$name => Stage::$stage,)* }
            }
        }
    };
}

reasons! {
    /// Fewer than 14 bytes, or fewer than 34 under EtherType IPv4.
    FrameTruncated = "frame-truncated" @ Parse,
    /// An 802.1Q, 802.1ad or 0x9100 tag.
    VlanTagged = "vlan-tagged" @ Parse,
    /// EtherType IPv6.
    Ipv6 = "ipv6" @ Parse,
    /// An ARP packet that is too short or not Ethernet over IPv4.
    ArpMalformed = "arp-malformed" @ Parse,
    /// Any other EtherType, or an 802.3 length.
    NotIpv4 = "not-ipv4" @ Parse,
    /// The version field is not 4.
    Ipv4Version = "ipv4-version" @ Parse,
    /// The header length is under 20 bytes or past the frame's end.
    Ipv4HeaderLength = "ipv4-header-length" @ Parse,
    /// The total length is under the header length or past the frame's end.
    Ipv4TotalLength = "ipv4-total-length" @ Parse,
    /// The header checksum is wrong.
    Ipv4Checksum = "ipv4-checksum" @ Parse,
    /// A loose or strict source routing option.
    Ipv4SourceRoute = "ipv4-source-route" @ Parse,
    /// Sent to 255.255.255.255, the broadcast MAC address, or the last address of a vSwitch.
    Broadcast = "broadcast" @ Parse,
    /// Sent to 224.0.0.0/4 or a multicast MAC address.
    Multicast = "multicast" @ Parse,
    /// Too few bytes for the TCP, UDP or ICMP header.
    L4Truncated = "l4-truncated" @ Parse,
    /// No endpoint may send from this address.
    UnknownSource = "unknown-source" @ Ingress,
    /// Several endpoints own this address.
    AmbiguousSource = "ambiguous-source" @ Ingress,
    /// The sender or the receiver is stopped.
    InstanceStopped = "instance-stopped" @ Ingress,
    /// The address is not the sender's own.
    SourceSpoofed = "source-spoofed" @ Ingress,
    /// An ARP packet that is no request.
    ArpNotRequest = "arp-not-request" @ Ingress,
    /// An ARP request for the sender's own address.
    ArpGratuitous = "arp-gratuitous" @ Ingress,
    /// An ARP request for an address outside the sender's subnet.
    ArpTargetNotLocal = "arp-target-not-local" @ Ingress,
    /// The classic guest's own table sends this destination to the public NIC.
    GuestRoutePublicNic = "guest-route-public-nic" @ Guest,
    /// A later fragment whose first one was not seen.
    FragmentWithoutFirst = "fragment-without-first" @ Session,
    /// Under `--strict-tcp`: the first packet of a flow is no bare SYN.
    TcpWithoutSyn = "tcp-without-syn" @ Session,
    /// The sender's security groups refuse it.
    SgEgressDeny = "sg-egress-deny" @ Egress,
    /// No route covers the destination.
    NoRoute = "no-route" @ Route,
    /// A route covers the destination and nobody has the address.
    NoSuchAddress = "no-such-address" @ Route,
    /// Only the classic network of another region has the address.
    OtherRegion = "other-region" @ Route,
    /// The next hop of the custom route is stopped.
    NextHopDown = "next-hop-down" @ Route,
    /// The next hop of the custom route does not forward.
    NextHopNotForwarding = "next-hop-not-forwarding" @ Route,
    /// The next hop of the custom route is the sender itself.
    NextHopIsSender = "next-hop-is-sender" @ Route,
    /// A peering reaches the peer's vSwitches only, and only from the VPC's own vSwitches.
    PeeringNoTransit = "peering-no-transit" @ Route,
    /// A peering does not lead on to the peer's classic instances.
    ClassiclinkNoTransit = "classiclink-no-transit" @ Route,
    /// The VPC has ClassicLink off.
    ClassiclinkDisabled = "classiclink-disabled" @ Bridge,
    /// The classic sender is linked to no VPC.
    ClassiclinkNotLinked = "classiclink-not-linked" @ Bridge,
    /// A secondary CIDR takes no part in ClassicLink.
    ClassiclinkSecondaryCidr = "classiclink-secondary-cidr" @ Bridge,
    /// The address lies outside the three ranges that ClassicLink knows.
    ClassiclinkRangeNotLinkable = "classiclink-range-not-linkable" @ Bridge,
    /// The vSwitch of a 10.0.0.0/8 VPC lies outside 10.111.0.0/16.
    ClassiclinkVswitchOutside10111 = "classiclink-vswitch-outside-10-111" @ Bridge,
    /// Only ECS instances and some gateways open sessions across the link.
    ClassiclinkSourceNotEcs = "classiclink-source-not-ecs" @ Bridge,
    /// The gateway's remote CIDR is not inside the VPC's primary CIDR.
    ClassiclinkGatewayRange = "classiclink-gateway-range" @ Bridge,
    /// The classic address belongs to a managed service.
    ClassiclinkTargetNotEcs = "classiclink-target-not-ecs" @ Bridge,
    /// The classic instance is not linked to this VPC.
    ClassiclinkTargetNotLinked = "classiclink-target-not-linked" @ Bridge,
    /// The receiver's security groups refuse it.
    SgIngressDeny = "sg-ingress-deny" @ Destination,
    /// The service's whitelist does not hold the source.
    WhitelistDeny = "whitelist-deny" @ Destination,
    /// The TTL would reach 0.
    TtlExceeded = "ttl-exceeded" @ Deliver,
    /// Larger than the MTU, and fragmenting is forbidden.
    MtuExceeded = "mtu-exceeded" @ Deliver,
    /// A first packet that everybody lets in, and no room for its session.
    SessionTableFull = "session-table-full" @ Deliver,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// The text is the id of no reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownReason;

impl FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(id: &str) -> Result<Reason, UnknownReason> {
        Reason::ALL.iter().copied().find(|reason| reason.id() == id).ok_or(UnknownReason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_kebab_case_and_read_back() {
        for (index, reason) in Reason::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, index);
            assert_eq!(reason.id().parse(), Ok(*reason));
            assert!(reason.id().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
        }
        assert_eq!("sg-deny".parse::<Reason>(), Err(UnknownReason));
    }
}

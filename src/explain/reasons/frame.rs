//! Reasons of the first stages: the bytes of a frame, and where it enters.

use super::Text;
use crate::check::OWN_CHOICE;
use crate::diag::Reason;

const RFC_791: &str = "https://www.rfc-editor.org/rfc/rfc791";
const RFC_826: &str = "https://www.rfc-editor.org/rfc/rfc826";
const NETWORK_TYPES: &str = "https://github.com/AlibabaCloudDocs/ecs (Network types)";

/// Reading the frame, and finding the endpoint it enters at.
pub(super) const TEXTS: &[Text] = &[
    Text {
        reason: Reason::FrameTruncated,
        title: "the frame is too short to hold its headers",
        meaning: "The frame had fewer than 14 bytes on the wire, or fewer than 34 although its EtherType says IPv4: an \
                  Ethernet header and the shortest IPv4 header need that many. Lengths are those on the wire. A frame \
                  that only the capture cut short is undetermined instead.",
        source: OWN_CHOICE,
        example: "frame 1: dropped: the frame is shorter than its headers",
        remedy: "Such frames come from fuzzers and broken tools. Look at what wrote the capture.",
    },
    Text {
        reason: Reason::VlanTagged,
        title: "the frame carries a VLAN tag",
        meaning: "The EtherType is 802.1Q (0x8100), 802.1ad (0x88a8) or 0x9100. Instances of both planes send \
                  untagged Ethernet; a tag shows that the capture was taken elsewhere, on a trunk for example.",
        source: OWN_CHOICE,
        example: "frame 1: dropped: the frame carries a VLAN tag",
        remedy: "Strip the tags from the capture before replaying it.",
    },
    Text {
        reason: Reason::Ipv6,
        title: "the frame is IPv6",
        meaning: "The EtherType is 0x86dd. ClassicLink and the classic network are IPv4 only, and so is this fabric.",
        source: "https://www.alibabacloud.com/help/doc-detail/100380.htm",
        example: "frame 1: dropped: IPv6 is not carried",
        remedy: "Nothing to repair where these are neighbour discovery. Applications must use IPv4 over a link.",
    },
    Text {
        reason: Reason::ArpMalformed,
        title: "the ARP packet is too short or not Ethernet over IPv4",
        meaning: "An ARP frame needs 42 bytes, hardware type 1, protocol type 0x0800, and address lengths 6 and 4.",
        source: RFC_826,
        example: "frame 1: dropped: the ARP packet is too short or not IPv4 over Ethernet",
        remedy: "Look at what wrote the capture.",
    },
    Text {
        reason: Reason::NotIpv4,
        title: "the frame is neither IPv4 nor ARP",
        meaning: "The EtherType is another one, or the field is an 802.3 length. The fabric forwards IPv4 only.",
        source: OWN_CHOICE,
        example: "frame 1: dropped: neither IPv4 nor ARP",
        remedy: "Nothing to repair: such frames do not leave the host in the cloud.",
    },
    Text {
        reason: Reason::Ipv4Version,
        title: "the version field of the IPv4 header is not 4",
        meaning: "The EtherType says IPv4 and the first four bits of the packet say something else.",
        source: RFC_791,
        example: "frame 1: dropped: the version field is not 4",
        remedy: "Look at what wrote the capture; an offset of a few bytes is the usual cause.",
    },
    Text {
        reason: Reason::Ipv4HeaderLength,
        title: "the length of the IPv4 header is impossible",
        meaning: "The header length field is under 20 bytes, or the header would end after the frame does.",
        source: RFC_791,
        example: "frame 1 from i-web-1: dropped: the header length is under 20 bytes or past the frame's end",
        remedy: "Look at what wrote the capture.",
    },
    Text {
        reason: Reason::Ipv4TotalLength,
        title: "the total length of the IPv4 packet is impossible",
        meaning: "The total length field is smaller than the header, or the packet would end after the frame does. \
                  Captures taken with segmentation offload may show a total length of 0.",
        source: RFC_791,
        example: "frame 1 from i-web-1: dropped: the total length is under the header's or past the frame's end",
        remedy: "Take the capture with offloads off: `ethtool -K eth0 tso off gso off gro off`.",
    },
    Text {
        reason: Reason::Ipv4Checksum,
        title: "the checksum of the IPv4 header is wrong",
        meaning: "A router drops a packet whose header checksum does not add up. In captures taken on the sending host \
                  the checksum is often not yet filled in, because the NIC does that.",
        source: RFC_791,
        example: "frame 1 from i-web-1: dropped: the IPv4 header checksum is wrong",
        remedy: "Take the capture with transmit checksum offload off (`ethtool -K eth0 tx off`), or on the receiving \
                 side.",
    },
    Text {
        reason: Reason::Ipv4SourceRoute,
        title: "the packet carries a source routing option",
        meaning: "Loose or strict source routing lets the sender choose the routers, past the route tables and the \
                  planes' separation. The fabric refuses it; other IPv4 options are carried.",
        source: OWN_CHOICE,
        example: "frame 1 from i-web-1: dropped: source routing options are refused",
        remedy: "Send without the option.",
    },
    Text {
        reason: Reason::Broadcast,
        title: "the frame is a broadcast",
        meaning: "Sent to 255.255.255.255, to the broadcast MAC address around a unicast packet, or to the last \
                  address of a vSwitch. Neither plane carries broadcasts. ARP requests are answered by the fabric.",
        source: NETWORK_TYPES,
        example: "frame 1 from i-web-1: dropped: broadcasts are not carried",
        remedy: "Nothing to repair for DHCP. Applications that discover each other by broadcast need a list of \
                 addresses.",
    },
    Text {
        reason: Reason::Multicast,
        title: "the frame is a multicast",
        meaning: "Sent to 224.0.0.0/4, or to a group MAC address around a unicast packet. Neither plane carries \
                  multicast.",
        source: NETWORK_TYPES,
        example: "frame 1 from i-web-1: dropped: multicasts are not carried",
        remedy: "Use unicast: VRRP and cluster software have a mode for it.",
    },
    Text {
        reason: Reason::L4Truncated,
        title: "the packet ends before its TCP, UDP or ICMP header does",
        meaning: "By total length fewer than 20 bytes follow the IP header for TCP, or fewer than 8 for UDP or ICMP, in \
                  an unfragmented packet or a first fragment. Ports cannot be trusted then.",
        source: OWN_CHOICE,
        example: "frame 1 from i-web-1: dropped: the packet is too short for its TCP, UDP or ICMP header",
        remedy: "Such packets are crafted. A capture cut by its snaplen gives undetermined instead.",
    },
    Text {
        reason: Reason::UnknownSource,
        title: "no endpoint may send from this address",
        meaning: "The source is the address of no instance or service, and no gateway has a remote CIDR that holds it. \
                  An address owned in another topology, or before a renumbering, ends here.",
        source: OWN_CHOICE,
        example: "frame 1: dropped: no endpoint may send from this address",
        remedy: "Declare the instance, add the range to a gateway's `remote_cidrs`, rename the address with `--map`, or \
                 say where it enters with `--inject 192.0.2.7=ENDPOINT`.",
    },
    Text {
        reason: Reason::AmbiguousSource,
        title: "several endpoints own this source address",
        meaning: "VPCs may use the same addresses, so an address alone does not always say where a frame enters. The \
                  same happens where two gateways have equally long remote CIDRs around it.",
        source: OWN_CHOICE,
        example: "frame 1: dropped: several endpoints may send from this address",
        remedy: "Choose with `--inject 172.16.1.5=ENDPOINT`, or name the interfaces of a pcapng after endpoints.",
    },
    Text {
        reason: Reason::InstanceStopped,
        title: "the sender or the receiver is stopped",
        meaning: "A stopped instance sends and receives nothing. Its link, its groups and its address stay.",
        source: "https://www.alibabacloud.com/help/en/virtual-private-cloud/latest/classiclink-overview",
        example: "frame 1 from i-web-2: dropped at i-web-2: the instance is stopped",
        remedy: "Start the instance: `state = \"running\"`.",
    },
    Text {
        reason: Reason::SourceSpoofed,
        title: "the source address is not the sender's own",
        meaning: "An instance sends from its private address only; one that forwards may send any address inside its \
                  VPC, and is held to the VPC's ranges where the frame crosses the bridge. `--inject` does not lift \
                  this.",
        source: OWN_CHOICE,
        example: "frame 1 from i-app-1: dropped at i-app-1: the source address is not the sender's own",
        remedy: "Correct the address, or set `forwarding = true` for a VPC instance that passes frames on.",
    },
    Text {
        reason: Reason::ArpNotRequest,
        title: "the ARP packet is no request",
        meaning: "The fabric answers ARP itself and delivers no ARP packets. Replies have nowhere to go.",
        source: OWN_CHOICE,
        example: "frame 1 from i-app-1: dropped at i-app-1: only ARP requests are answered",
        remedy: "Nothing to repair.",
    },
    Text {
        reason: Reason::ArpGratuitous,
        title: "the ARP request asks for the sender's own address",
        meaning: "Guests announce themselves this way. The fabric knows where every address is and needs no \
                  announcement; an address does not move because a guest says so.",
        source: OWN_CHOICE,
        example: "frame 1 from i-app-1: dropped at i-app-1: the ARP request asks for the sender's own address",
        remedy: "Nothing to repair. Failover by gratuitous ARP does not work on either plane.",
    },
    Text {
        reason: Reason::ArpTargetNotLocal,
        title: "the ARP request asks for an address outside the sender's subnet",
        meaning: "A guest asks for addresses of its own subnet: the vSwitch, or for a classic instance the /21 around \
                  its address. Another target shows a wrong netmask or an on-link route in the guest.",
        source: OWN_CHOICE,
        example: "frame 1 from i-web-1: dropped at i-web-1: the ARP request asks for an address outside the sender's subnet",
        remedy: "Correct the guest's netmask, or route the destination through the gateway.",
    },
];

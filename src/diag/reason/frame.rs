//! Reasons of stage 1: the bytes of a frame.

/// Appends these reasons to those `$before` them, and hands all to `$next`.
macro_rules! frame {
    ([$($before:tt)*] $next:ident $($then:ident)*) => { $next! { [$($before)*

    FrameTruncated = "frame-truncated" @ Drop(Parse) {
        summary: "the frame is shorter than its headers",
        meaning: "The frame had fewer than 14 bytes on the wire, or fewer than 34 although its EtherType says IPv4: an \
                  Ethernet header and the shortest IPv4 header need that many. Lengths are those on the wire. A frame \
                  that only the capture cut short is undetermined instead.",
        remedy: "Such frames come from fuzzers and broken tools. Look at what wrote the capture.",
        source: OWN_CHOICE,
        example: "frame 1: dropped: the frame is shorter than its headers",
    }
    VlanTagged = "vlan-tagged" @ Drop(Parse) {
        summary: "the frame carries a VLAN tag",
        meaning: "The EtherType is 802.1Q (0x8100), 802.1ad (0x88a8) or 0x9100. Instances of both planes send untagged \
                  Ethernet; a tag shows that the capture was taken elsewhere, on a trunk for example.",
        remedy: "Strip the tags from the capture before replaying it.",
        source: OWN_CHOICE,
        example: "frame 1: dropped: the frame carries a VLAN tag",
    }
    Ipv6 = "ipv6" @ Drop(Parse) {
        summary: "IPv6 is not carried",
        meaning: "The EtherType is 0x86dd. ClassicLink and the classic network are IPv4 only, and so is this fabric.",
        remedy: "Nothing to repair where these are neighbour discovery. Applications must use IPv4 over a link.",
        source: LINK_LIMITS,
        example: "frame 1: dropped: IPv6 is not carried",
    }
    ArpMalformed = "arp-malformed" @ Drop(Parse) {
        summary: "the ARP packet is too short or not IPv4 over Ethernet",
        meaning: "An ARP frame needs 42 bytes, hardware type 1, protocol type 0x0800, and address lengths 6 and 4.",
        remedy: "Look at what wrote the capture.",
        source: RFC_826,
        example: "frame 1: dropped: the ARP packet is too short or not IPv4 over Ethernet",
    }
    ArpProbe = "arp-probe" @ Drop(Parse) {
        summary: "the ARP request asks whether an address is in use",
        meaning: "An ARP request from exactly 0.0.0.0 is a probe (RFC 5227): a guest asks whether another one has the \
                  address that it is about to use. No endpoint owns 0.0.0.0, and the fabric gives no address twice, \
                  so it leaves probes unanswered, which tells the guest that the address is free.",
        remedy: "Nothing to repair.",
        source: OWN_CHOICE,
        example: "frame 1: dropped: the ARP request asks whether an address is in use",
    }
    NotIpv4 = "not-ipv4" @ Drop(Parse) {
        summary: "neither IPv4 nor ARP",
        meaning: "The EtherType is another one, or the field is an 802.3 length. The fabric forwards IPv4 only.",
        remedy: "Nothing to repair: such frames do not leave the host in the cloud.",
        source: OWN_CHOICE,
        example: "frame 1: dropped: neither IPv4 nor ARP",
    }
    Ipv4Version = "ipv4-version" @ Drop(Parse) {
        summary: "the version field is not 4",
        meaning: "The EtherType says IPv4 and the first four bits of the packet say something else.",
        remedy: "Look at what wrote the capture; an offset of a few bytes is the usual cause.",
        source: RFC_791,
        example: "frame 1: dropped: the version field is not 4",
    }
    Ipv4HeaderLength = "ipv4-header-length" @ Drop(Parse) {
        summary: "the header length is under 20 bytes or past the frame's end",
        meaning: "The header length field is under 20 bytes, or the header would end after the frame does.",
        remedy: "Look at what wrote the capture.",
        source: RFC_791,
        example: "frame 1 from i-web-1: dropped: the header length is under 20 bytes or past the frame's end",
    }
    Ipv4TotalLength = "ipv4-total-length" @ Drop(Parse) {
        summary: "the total length is under the header's or past the frame's end",
        meaning: "The total length field is smaller than the header, or the packet would end after the frame does. \
                  Captures taken with segmentation offload may show a total length of 0.",
        remedy: "Take the capture with offloads off: `ethtool -K eth0 tso off gso off gro off`.",
        source: RFC_791,
        example: "frame 1 from i-web-1: dropped: the total length is under the header's or past the frame's end",
    }
    Ipv4Checksum = "ipv4-checksum" @ Drop(Parse) {
        summary: "the IPv4 header checksum is wrong",
        meaning: "A router drops a packet whose header checksum does not add up. In captures taken on the sending host \
                  the checksum is often not yet filled in, because the NIC does that.",
        remedy: "Take the capture with transmit checksum offload off (`ethtool -K eth0 tx off`), or on the receiving \
                 side.",
        source: RFC_791,
        example: "frame 1 from i-web-1: dropped: the IPv4 header checksum is wrong",
    }
    Ipv4SourceRoute = "ipv4-source-route" @ Drop(Parse) {
        summary: "source routing options are refused",
        meaning: "Loose or strict source routing lets the sender choose the routers, past the route tables and the \
                  planes' separation. The fabric refuses it; other IPv4 options are carried.",
        remedy: "Send without the option.",
        source: OWN_CHOICE,
        example: "frame 1 from i-web-1: dropped: source routing options are refused",
    }
    Broadcast = "broadcast" @ Drop(Parse) {
        summary: "broadcasts are not carried",
        meaning: "Sent to 255.255.255.255, to the broadcast MAC address around a unicast packet, or to the last \
                  address of a vSwitch. Neither plane carries broadcasts. ARP requests are answered by the fabric.",
        remedy: "Nothing to repair for DHCP. Applications that discover each other by broadcast need a list of \
                 addresses.",
        source: NETWORK_TYPES,
        example: "frame 1 from i-web-1: dropped: broadcasts are not carried",
    }
    Multicast = "multicast" @ Drop(Parse) {
        summary: "multicasts are not carried",
        meaning: "Sent to 224.0.0.0/4, or to a group MAC address around a unicast packet. Neither plane carries \
                  multicast.",
        remedy: "Use unicast: VRRP and cluster software have a mode for it.",
        source: NETWORK_TYPES,
        example: "frame 1 from i-web-1: dropped: multicasts are not carried",
    }
    SourceMartian = "source-martian" @ Drop(Parse) {
        summary: "no host may send from this address",
        meaning: "The source lies in 0.0.0.0/8, 127.0.0.0/8, 224.0.0.0/4 or 240.0.0.0/4. A router drops such packets and \
                  sends no ICMP error about them. A DHCP request from 0.0.0.0 is a broadcast, and told as one.",
        remedy: "Correct what sends from the address. DHCP clients that renew a lease they lost are harmless.",
        source: RFC_1812,
        example: "frame 1: dropped: no host may send from this address",
    }
    DestinationMartian = "destination-martian" @ Drop(Parse) {
        summary: "no packet on the wire may be sent to this address",
        meaning: "The destination lies in 0.0.0.0/8, 127.0.0.0/8 or 240.0.0.0/4 and is not 255.255.255.255. A router drops \
                  such packets and sends no ICMP error about them.",
        remedy: "Correct the address. Packets to 127.0.0.0/8 that leave a guest show a wrong route or NAT rule in it.",
        source: RFC_1812,
        example: "frame 1 from i-web-1: dropped: no packet on the wire may be sent to this address",
    }
    FragmentPastEnd = "fragment-past-end" @ Drop(Parse) {
        summary: "the fragment ends past the 65535 bytes that a datagram can have",
        meaning: "The fragment's offset and its total length add up to more than 65535 bytes. No receiver can put such a \
                  datagram together.",
        remedy: "Such fragments are crafted, as in the ping of death.",
        source: RFC_791,
        example: "frame 1 from i-web-1: dropped: the fragment ends past the 65535 bytes that a datagram can have",
    }
    L4Truncated = "l4-truncated" @ Drop(Parse) {
        summary: "the packet is too short for its TCP, UDP or ICMP header",
        meaning: "By total length fewer than 20 bytes follow the IP header for TCP, or fewer than 8 for UDP or ICMP, \
                  in an unfragmented packet or a first fragment. Ports cannot be trusted then.",
        remedy: "Such packets are crafted. A capture cut by its snaplen gives undetermined instead.",
        source: OWN_CHOICE,
        example: "frame 1 from i-web-1: dropped: the packet is too short for its TCP, UDP or ICMP header",
    }

    ] $($then)* } };
}

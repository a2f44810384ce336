//! Reasons of the stage between the planes: ClassicLink.

use super::Text;
use crate::diag::Reason;

const CLASSIC_LINK: &str = "https://www.alibabacloud.com/help/en/virtual-private-cloud/latest/classiclink-overview";
const ATTACH: &str = "https://www.alibabacloud.com/help/doc-detail/59021.htm";
const OVERVIEW_2018: &str = "https://github.com/ralphchen/vpc (ClassicLink overview, 2018)";

/// The way between the classic network and a VPC.
pub(super) const TEXTS: &[Text] = &[
    Text {
        reason: Reason::ClassiclinkDisabled,
        title: "the VPC has ClassicLink off",
        meaning: "The classic instance is linked to the VPC, or the VPC sends to a classic address, and the VPC's \
                  ClassicLink switch is off. No link carries anything then.",
        source: ATTACH,
        example: "frame 1 from i-web-off: dropped at classic: ClassicLink is off in the VPC",
        remedy: "Set `classic_link = true` for the VPC.",
    },
    Text {
        reason: Reason::ClassiclinkNotLinked,
        title: "the classic sender is linked to no VPC",
        meaning: "The destination lies in a range that ClassicLink carries, and the sender has no link. The VPC is \
                  chosen by the sender's link, never by the destination: two VPCs may have the same addresses.",
        source: CLASSIC_LINK,
        example: "frame 1 from i-batch-1: dropped at classic: the classic sender is linked to no VPC",
        remedy: "Link the instance: `linked_vpc = \"VPC\"`.",
    },
    Text {
        reason: Reason::ClassiclinkSecondaryCidr,
        title: "a secondary CIDR takes no part in ClassicLink",
        meaning: "Classic instances communicate with the primary CIDR of the VPC only. It holds for both directions: \
                  an instance of the VPC with an address in a secondary CIDR does not reach the classic plane either.",
        source: CLASSIC_LINK,
        example: "frame 1 from i-web-1: dropped at classic: a secondary CIDR takes no part in ClassicLink",
        remedy: "Move what must be reached into a vSwitch of the primary CIDR.",
    },
    Text {
        reason: Reason::ClassiclinkRangeNotLinkable,
        title: "the address lies outside the three ranges that ClassicLink knows",
        meaning: "Only addresses in 10.111.0.0/16, 172.16.0.0/12 and 192.168.0.0/16 are reached over a link, whatever \
                  the CIDR of the VPC.",
        source: CLASSIC_LINK,
        example: "frame 1 from i-web-odd: dropped at classic: the address lies outside 10.111.0.0/16, 172.16.0.0/12 and 192.168.0.0/16",
        remedy: "Use a VPC whose CIDR lies in one of the three ranges.",
    },
    Text {
        reason: Reason::ClassiclinkVswitchOutside10111,
        title: "the vSwitch of a 10.0.0.0/8 VPC lies outside 10.111.0.0/16",
        meaning: "The rest of 10.0.0.0/8 belongs to the classic network. A classic guest that sends to 10.112.1.9 means \
                  a classic address, and a VPC address like that is no source that classic could answer.",
        source: CLASSIC_LINK,
        example: "frame 1 from i-feed-1: dropped at classic by route 10.45.2.0/24 (analytics.toml:20): the vSwitch lies outside 10.111.0.0/16",
        remedy: "Make a vSwitch inside 10.111.0.0/16 for what classic instances must reach.",
    },
    Text {
        reason: Reason::ClassiclinkSourceNotEcs,
        title: "only ECS instances and some gateways open sessions across the link",
        meaning: "A managed service of a VPC answers classic clients and never opens a session to them; a classic \
                  service never enters a VPC. ClassicLink is one-way for managed services.",
        source: "https://github.com/AlibabaCloudDocs/elasticsearch",
        example: "frame 1 from lb-legacy: dropped at classic: only ECS instances open sessions across the link",
        remedy: "Let the classic instance open the connection, or pull the data from an ECS instance of the VPC.",
    },
    Text {
        reason: Reason::ClassiclinkGatewayRange,
        title: "the gateway's remote range is not inside the VPC's primary CIDR",
        meaning: "A remote site behind a VPN gateway reaches linked classic instances when its range lies inside the \
                  primary CIDR of the VPC and overlaps no vSwitch: the link covers the primary CIDR and nothing else.",
        source: "https://github.com/AlibabaCloudDocs/vpn (Use IPsec-VPN in the classic network)",
        example: "frame 1 from ngw-out: dropped at vpc-office by route 10.0.0.0/8 (office.toml:8): the gateway's remote CIDR is not inside the VPC's primary CIDR",
        remedy: "Renumber the remote site, or its client pool, into a free part of the primary CIDR.",
    },
    Text {
        reason: Reason::ClassiclinkTargetNotEcs,
        title: "the classic address belongs to a managed service",
        meaning: "Instances of a VPC reach classic ECS instances over the link, not the RDS, SLB or other services of \
                  the classic network.",
        source: CLASSIC_LINK,
        example: "frame 1 from i-app-1: dropped at vpc-shop by route 10.0.0.0/8 (shop.toml:18): the classic address belongs to a managed service",
        remedy: "Give the service an endpoint in the VPC (hybrid access), or move it there.",
    },
    Text {
        reason: Reason::ClassiclinkTargetNotLinked,
        title: "the classic instance is not linked to this VPC",
        meaning: "A VPC reaches the classic instances that are linked to it, not all of the classic network, and not \
                  those linked to another VPC.",
        source: OVERVIEW_2018,
        example: "frame 1 from i-app-1: dropped at vpc-shop by route 10.0.0.0/8 (shop.toml:18): the classic instance is not linked to this VPC",
        remedy: "Link the instance to the VPC: `linked_vpc = \"VPC\"`. An instance has one link at most.",
    },
];

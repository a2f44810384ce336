//! Reasons of stage 7: the way between the classic network and a VPC.

/// Appends these reasons to those `$before` them, and hands all to `$next`.
macro_rules! bridge {
    ([$($before:tt)*] $next:ident $($then:ident)*) => { $next! { [$($before)*

    ClassiclinkDisabled = "classiclink-disabled" @ Drop(Bridge) {
        summary: "ClassicLink is off in the VPC",
        meaning: "The classic instance is linked to the VPC, or the VPC sends to a classic address, and the VPC's \
                  ClassicLink switch is off. No link carries anything then.",
        remedy: "Set `classic_link = true` for the VPC.",
        source: ATTACH,
        example: "frame 1 from i-web-off: dropped at classic by route 172.18.0.0/16 (loose-ends.toml:16): ClassicLink is off in the VPC",
    }
    ClassiclinkNotLinked = "classiclink-not-linked" @ Drop(Bridge) {
        summary: "the classic sender is linked to no VPC",
        meaning: "The destination lies in a range that ClassicLink carries, and the sender has no link. The VPC is \
                  chosen by the sender's link, never by the destination: two VPCs may have the same addresses.",
        remedy: "Link the instance: `linked_vpc = \"VPC\"`.",
        source: CLASSIC_LINK,
        example: "frame 1 from i-batch-1: dropped at classic by route 172.16.0.0/12: the classic sender is linked to no VPC",
    }
    ClassiclinkSecondaryCidr = "classiclink-secondary-cidr" @ Drop(Bridge) {
        summary: "a secondary CIDR takes no part in ClassicLink",
        meaning: "Classic instances communicate with the primary CIDR of the VPC only. It holds for both directions: \
                  an instance of the VPC with an address in a secondary CIDR does not reach the classic plane either.",
        remedy: "Move what must be reached into a vSwitch of the primary CIDR.",
        source: CLASSIC_LINK,
        example: "frame 1 from i-web-1: dropped at classic by route 172.17.0.0/16 (loose-ends.toml:8): a secondary CIDR takes no part in ClassicLink",
    }
    ClassiclinkRangeNotLinkable = "classiclink-range-not-linkable" @ Drop(Bridge) {
        summary: "the address lies outside 10.111.0.0/16, 172.16.0.0/12 and 192.168.0.0/16",
        meaning: "Only addresses in 10.111.0.0/16, 172.16.0.0/12 and 192.168.0.0/16 are reached over a link, whatever \
                  the CIDR of the VPC.",
        remedy: "Use a VPC whose CIDR lies in one of the three ranges.",
        source: CLASSIC_LINK,
        example: "frame 1 from i-web-odd: dropped at classic by route 11.0.0.0/8 (loose-ends.toml:12): the address lies outside 10.111.0.0/16, 172.16.0.0/12 and 192.168.0.0/16",
    }
    ClassiclinkVswitchOutside10111 = "classiclink-vswitch-outside-10-111" @ Drop(Bridge) {
        summary: "the vSwitch lies outside 10.111.0.0/16",
        meaning: "The rest of 10.0.0.0/8 belongs to the classic network. A classic guest that sends to 10.112.1.9 \
                  means a classic address, and a VPC address like that is no source that classic could answer.",
        remedy: "Make a vSwitch inside 10.111.0.0/16 for what classic instances must reach.",
        source: CLASSIC_LINK,
        example: "frame 1 from i-feed-1: dropped at classic by route 10.45.2.0/24 (analytics.toml:20): the vSwitch lies outside 10.111.0.0/16",
    }
    ClassiclinkSourceNotEcs = "classiclink-source-not-ecs" @ Drop(Bridge) {
        summary: "only ECS instances open sessions across the link",
        meaning: "A managed service of a VPC answers classic clients and never opens a session to them; a classic \
                  service never enters a VPC. ClassicLink is one-way for managed services.",
        remedy: "Let the classic instance open the connection, or pull the data from an ECS instance of the VPC.",
        source: ELASTICSEARCH,
        example: "frame 1 from lb-legacy: dropped at classic by route 172.16.0.0/12: only ECS instances open sessions across the link",
    }
    ClassiclinkGatewayRange = "classiclink-gateway-range" @ Drop(Bridge) {
        summary: "the gateway's remote CIDR is not inside the VPC's primary CIDR",
        meaning: "A remote site behind a VPN gateway reaches linked classic instances when its range lies inside the \
                  primary CIDR of the VPC and overlaps no vSwitch: the link covers the primary CIDR and nothing else.",
        remedy: "Renumber the remote site, or its client pool, into a free part of the primary CIDR.",
        source: VPN_IN_CLASSIC,
        example: "frame 1 from ngw-out: dropped at vpc-office by route 10.0.0.0/8 (office.toml:8): the gateway's remote CIDR is not inside the VPC's primary CIDR",
    }
    ClassiclinkTargetNotEcs = "classiclink-target-not-ecs" @ Drop(Bridge) {
        summary: "the classic address belongs to a managed service",
        meaning: "Instances of a VPC reach classic ECS instances over the link, not the RDS, SLB or other services of \
                  the classic network.",
        remedy: "Give the service an endpoint in the VPC (hybrid access), or move it there.",
        source: CLASSIC_LINK,
        example: "frame 1 from i-app-1: dropped at vpc-shop by route 10.0.0.0/8 (shop.toml:18): the classic address belongs to a managed service",
    }
    ClassiclinkTargetNotLinked = "classiclink-target-not-linked" @ Drop(Bridge) {
        summary: "the classic instance is not linked to this VPC",
        meaning: "A VPC reaches the classic instances that are linked to it, not all of the classic network, and not \
                  those linked to another VPC.",
        remedy: "Link the instance to the VPC: `linked_vpc = \"VPC\"`. An instance has one link at most.",
        source: OVERVIEW_2018,
        example: "frame 1 from i-app-1: dropped at vpc-shop by route 10.0.0.0/8 (shop.toml:18): the classic instance is not linked to this VPC",
    }

    ] $($then)* } };
}

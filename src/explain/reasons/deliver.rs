//! Reasons of the last stages: the receiver, TTL and MTU, room for a session.

use super::Text;
use crate::check::OWN_CHOICE;
use crate::diag::Reason;

/// The receiver, and the last steps before delivery.
pub(super) const TEXTS: &[Text] = &[
    Text {
        reason: Reason::SgIngressDeny,
        title: "the receiver's security groups refuse the packet",
        meaning: "All groups of the receiver are taken together: same-group accept first, then rules by priority with \
                  drop before accept, then the default, which drops what comes in. Ports are destination ports. A group \
                  as source stands for its members' private addresses. Replies of a live session pass without rules. \
                  The drop is silent: no RST, no ICMP.",
        source: "https://www.alibabacloud.com/help/en/ecs/user-guide/security-group-rules",
        example: "frame 1 from i-alone-1: dropped at i-shop-2 by sg-shop ingress #3 (classic.toml:16): drops tcp/22 from 10.0.0.0/8",
        remedy: "Add an ingress rule for the source and port. Over a link the source is the classic instance's private \
                 address, or its group while ClassicLink is on.",
    },
    Text {
        reason: Reason::WhitelistDeny,
        title: "the service's whitelist does not hold the source",
        meaning: "Databases admit the addresses of their whitelist only; the default holds 127.0.0.1, which is nobody. \
                  Over a link the service sees the classic instance's own private address. How the service refuses is \
                  not documented; here the packet is dropped. The whitelist is asked for every protocol.",
        source: "https://www.alibabacloud.com/help/doc-detail/43185.htm",
        example: "frame 1 from i-web-2: dropped at rm-orders by rm-orders whitelist (shop.toml:147): no entry holds the source address",
        remedy: "Add the client's private address to `whitelist`.",
    },
    Text {
        reason: Reason::TtlExceeded,
        title: "the packet's time to live ran out",
        meaning: "Every routing domain that routes a packet takes one from its TTL: none inside a vSwitch, one between \
                  vSwitches or in the classic network, two across ClassicLink. Where it would reach 0 the packet is \
                  dropped and the domain's gateway answers with ICMP time exceeded. The vendor documents no TTL \
                  behaviour; these counts are biplane's own choice.",
        source: "https://www.rfc-editor.org/rfc/rfc1812",
        example: "frame 1 from i-web-1: dropped at classic: the TTL would reach 0",
        remedy: "Send with a larger TTL. Traceroute causes these on purpose.",
    },
    Text {
        reason: Reason::MtuExceeded,
        title: "the packet is larger than the MTU, and must not be fragmented",
        meaning: "The packet exceeds the path MTU, 1500 bytes by default, and has the DF bit. The fabric answers with \
                  ICMP fragmentation needed, which security groups let pass. Without DF it would be fragmented. Captures \
                  taken on a host with segmentation offload show packets that never were on the wire.",
        source: "https://www.alibabacloud.com/help/en/ecs/user-guide/mtus/",
        example: "frame 1 from i-web-1: dropped at classic: it is larger than the MTU and may not be fragmented",
        remedy: "Lower the guest's MTU, or replay with `--mtu 65535` where the capture was taken with offloads on.",
    },
    Text {
        reason: Reason::SessionTableFull,
        title: "there is no room for the session that the packet would begin",
        meaning: "`[sessions] limit` is how many sessions are kept at most, 4194304 by default, in 64 equal parts: the two \
                  addresses of a packet decide which part its session belongs to, so nothing depends on the number of \
                  workers. Where a part is full, sessions past their idle timeout make room first. Where none is, the \
                  new flow is refused once everybody has let it in, and the live ones go on. The vendor limits \
                  sessions by instance type and documents no such table; this one is biplane's own.",
        source: OWN_CHOICE,
        example: "frame 1 from i-web-1: dropped at i-dns-1: no room is left for the session it would begin",
        remedy: "Raise `limit` in `[sessions]`, or shorten the timeouts. A session takes about 120 bytes.",
    },
];

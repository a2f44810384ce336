//! Reasons of stages 8 and 9: the receiver, TTL and MTU, and room for a session.

/// Appends these reasons to those `$before` them, and hands all to `$next`.
macro_rules! deliver {
    ([$($before:tt)*] $next:ident $($then:ident)*) => { $next! { [$($before)*

    SgIngressDeny = "sg-ingress-deny" @ Drop(Destination) {
        summary: "the receiver's security groups refuse it",
        meaning: "All groups of the receiver are taken together: same-group accept first, then rules by priority with \
                  drop before accept, then the default, which drops what comes in. Ports are destination ports. A \
                  group as source stands for its members' private addresses. Replies of a live session pass without \
                  rules. The drop is silent: no RST, no ICMP.",
        remedy: "Add an ingress rule for the source and port. Over a link the source is the classic instance's private \
                 address, or its group while ClassicLink is on.",
        source: GROUP_RULES,
        example: "frame 1 from i-alone-1: dropped at i-shop-2 by sg-shop ingress #3 (classic.toml:16): drops tcp/22 from 10.0.0.0/8",
    }
    WhitelistDeny = "whitelist-deny" @ Drop(Destination) {
        summary: "no entry holds the source address",
        meaning: "Databases admit the addresses of their whitelist only; the default holds 127.0.0.1, which is nobody. \
                  Over a link the service sees the classic instance's own private address. How the service refuses is \
                  not documented; here the packet is dropped. The whitelist is asked for every protocol.",
        remedy: "Add the client's private address to `whitelist`.",
        source: WHITELIST,
        example: "frame 1 from i-web-2: dropped at rm-orders by rm-orders whitelist (shop.toml:147): no entry holds the source address",
    }
    TtlExceeded = "ttl-exceeded" @ Drop(Deliver) {
        summary: "the TTL would reach 0",
        meaning: "Every routing domain that routes a packet takes one from its TTL: none inside a vSwitch, one between \
                  vSwitches or in the classic network, two across ClassicLink. Where it would reach 0 the packet is \
                  dropped and the domain's gateway answers with ICMP time exceeded. The vendor documents no TTL \
                  behaviour; these counts are biplane's own choice.",
        remedy: "Send with a larger TTL. Traceroute causes these on purpose.",
        source: RFC_1812,
        example: "frame 1 from i-web-1: dropped at classic: the TTL would reach 0",
    }
    MtuExceeded = "mtu-exceeded" @ Drop(Deliver) {
        summary: "it is larger than the MTU and may not be fragmented",
        meaning: "The packet exceeds the path MTU, 1500 bytes by default, and has the DF bit. The fabric answers with \
                  ICMP fragmentation needed, which security groups let pass. Without DF it would be fragmented. \
                  Captures taken on a host with segmentation offload show packets that never were on the wire.",
        remedy: "Lower the guest's MTU, or replay with `--mtu 65535` where the capture was taken with offloads on.",
        source: MTU,
        example: "frame 1 from i-web-1: dropped at classic: it is larger than the MTU and may not be fragmented",
    }
    SessionTableFull = "session-table-full" @ Drop(Deliver) {
        summary: "no room is left for the session it would begin",
        meaning: "`[sessions] limit` is how many sessions are kept at most, 16777216 by default, in 64 equal parts of \
                  262144: the two addresses of a packet decide which part its session belongs to, so nothing depends on \
                  the number of workers. What a packet leaves at both its ends counts as one session. Where a part is \
                  full, sessions past their idle timeout make room first. Where none is, the new flow is refused once \
                  everybody has let it in, and the live ones go on. The vendor limits sessions by instance type and \
                  documents no such table; this one is biplane's own.",
        remedy: "Raise `limit` in `[sessions]`, or shorten the timeouts. A session takes about 120 bytes, twice \
                 that where a forwarding instance is in the way: all parts together take 2 GB when they are full.",
        source: OWN_CHOICE,
        example: "frame 1 from i-web-1: dropped at i-dns-1: no room is left for the session it would begin",
    }
    RateExceededRx = "rate-exceeded-rx" @ Drop(Deliver) {
        summary: "the receiver's rate is used up, and its queue is full",
        meaning: "With `--timing`, or `timing = true` in `[fabric]`, an instance or service receives no more than its \
                  `bandwidth_mbps` and `pps` allow, whoever sends: packets are taken in the order in which they \
                  arrive, and one that would wait longer than `queue_ms` is dropped. Everybody has let it in by then, \
                  so the session that it began, or belongs to, lives on.",
        remedy: "Send less to it, share the load among more instances, or choose an instance type with a higher rate.",
        source: INSTANCE_RATES,
        example: "frame 23 from i-app-3: dropped at i-web-1: the receiver's rate is used up, and its queue is full",
    }

    ] $($then)* } };
}

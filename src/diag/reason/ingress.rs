//! Reasons of stage 2: the endpoint a frame enters at.

/// Appends these reasons to those `$before` them, and hands all to `$next`.
macro_rules! ingress {
    ([$($before:tt)*] $next:ident $($then:ident)*) => { $next! { [$($before)*

    AmbiguousSource = "ambiguous-source" @ Drop(Ingress) {
        summary: "several endpoints may send from this address",
        meaning: "VPCs may use the same addresses, so an address alone does not always say where a frame enters. The \
                  same happens where two gateways have equally long remote CIDRs around it.",
        remedy: "Choose with `--inject 172.16.1.5=ENDPOINT`, or name the interfaces of a pcapng after endpoints.",
        source: OWN_CHOICE,
        example: "frame 1: dropped: several endpoints may send from this address",
    }
    SourceIsGateway = "source-is-gateway" @ Drop(Ingress) {
        summary: "the source is the gateway of a subnet, which is part of the fabric",
        meaning: "The source is the gateway address of a vSwitch, the third-last one, or of the /21 around a classic \
                  endpoint, eight below its broadcast address. Captures taken inside the cloud hold ICMP errors that \
                  routers sent from there. The fabric sends its own, so those of the capture enter nowhere.",
        remedy: "Nothing to declare: no instance can have the address. The errors that the fabric sends are told beside \
                 the frames that cause them.",
        source: OWN_CHOICE,
        example: "frame 1: dropped: the source is the gateway of a subnet, which is part of the fabric",
    }
    UnknownSource = "unknown-source" @ Drop(Ingress) {
        summary: "no endpoint may send from this address",
        meaning: "The source is the address of no instance or service, and no gateway has a remote CIDR that holds it. \
                  An address owned in another topology, or before a renumbering, ends here.",
        remedy: "Declare the instance, add the range to a gateway's `remote_cidrs`, rename the address with `--map`, \
                 or say where it enters with `--inject 192.0.2.7=ENDPOINT`.",
        source: OWN_CHOICE,
        example: "frame 1: dropped: no endpoint may send from this address",
    }
    InstanceStopped = "instance-stopped" @ Drop(Ingress) {
        summary: "the instance is stopped",
        meaning: "A stopped instance sends and receives nothing. Its link, its groups and its address stay.",
        remedy: "Start the instance: `state = \"running\"`.",
        source: CLASSIC_LINK,
        example: "frame 1 from i-web-2: dropped at i-web-2: the instance is stopped",
    }
    SourceSpoofed = "source-spoofed" @ Drop(Ingress) {
        summary: "the source address is not the sender's own",
        meaning: "An instance sends from its private address only; one that forwards may send any address inside its \
                  VPC, and is held to the VPC's ranges where the frame crosses the bridge. `--inject` does not lift \
                  this.",
        remedy: "Correct the address, or set `forwarding = true` for a VPC instance that passes frames on.",
        source: OWN_CHOICE,
        example: "frame 1 from i-app-1: dropped at i-app-1: the source address is not the sender's own",
    }
    RateExceededTx = "rate-exceeded-tx" @ Drop(Ingress) {
        summary: "the sender's rate is used up, and its queue is full",
        meaning: "With `--timing`, or `timing = true` in `[fabric]`, an instance or service sends no more than its \
                  `bandwidth_mbps` and `pps` allow: a bucket that holds `burst_ms` of the rate, before which a packet \
                  waits `queue_ms` at most. What would wait longer is dropped before any other test, and begins no \
                  session. What stages 1 to 3 refuse never leaves by the private NIC, and uses nothing up.",
        remedy: "Send less, or choose an instance type with a higher rate. `queue_ms` lets more wait; `burst_ms` lets \
                 more pass at once.",
        source: INSTANCE_RATES,
        example: "frame 7 from i-web-1: dropped at i-web-1: the sender's rate is used up, and its queue is full",
    }
    ArpNotRequest = "arp-not-request" @ Drop(Ingress) {
        summary: "only ARP requests are answered",
        meaning: "The fabric answers ARP itself and delivers no ARP packets. Replies have nowhere to go.",
        remedy: "Nothing to repair.",
        source: OWN_CHOICE,
        example: "frame 1 from i-app-1: dropped at i-app-1: only ARP requests are answered",
    }
    ArpGratuitous = "arp-gratuitous" @ Drop(Ingress) {
        summary: "the ARP request asks for the sender's own address",
        meaning: "Guests announce themselves this way. The fabric knows where every address is and needs no \
                  announcement; an address does not move because a guest says so.",
        remedy: "Nothing to repair. Failover by gratuitous ARP does not work on either plane.",
        source: OWN_CHOICE,
        example: "frame 1 from i-app-1: dropped at i-app-1: the ARP request asks for the sender's own address",
    }
    ArpTargetNotLocal = "arp-target-not-local" @ Drop(Ingress) {
        summary: "the ARP request asks for an address outside the sender's subnet",
        meaning: "A guest asks for addresses of its own subnet: the vSwitch, or for a classic instance the /21 around \
                  its address. Another target shows a wrong netmask or an on-link route in the guest.",
        remedy: "Correct the guest's netmask, or route the destination through the gateway.",
        source: OWN_CHOICE,
        example: "frame 1 from i-web-1: dropped at i-web-1: the ARP request asks for an address outside the sender's subnet",
    }

    ] $($then)* } };
}

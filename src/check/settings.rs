//! `[sessions]` and `[fabric]`: settings that make the fabric kinder than the vendor's.

use super::limits::{MTU, SESSION_TIMEOUT};
use crate::diag::{Diagnostic, ProblemKind, ProblemRecord, Severity, citation};
use crate::model::World;

pub(super) static TIMEOUT: ProblemRecord = ProblemRecord {
    id: "session-timeout-limit",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "a session timeout is longer than the vendor's 910 seconds",
    meaning: "the vendor holds a session for 910 seconds at most: what passes here after a longer pause is dropped \
              there",
    remedy: "set it to 910 or less",
    source: citation::GROUP_RULES,
    example: "`tcp_established` is 911s, longer than the 910s that the vendor holds a session",
};

pub(super) static PACKET_SIZE: ProblemRecord = ProblemRecord {
    id: "fabric-mtu-limit",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "the MTU of the fabric is larger than the vendor's 1500 bytes",
    meaning: "packets over 1500 bytes are carried between some instances of one VPC only, and never over a link",
    remedy: "set `mtu = 1500`; for a capture taken with segmentation offload give `--mtu` to `biplane replay` instead",
    source: citation::MTU,
    example: "`mtu` is 1501, larger than the 1500 bytes that every path carries",
};

pub(super) fn check(world: &World, findings: &mut Vec<Diagnostic>) {
    let sessions = &world.sessions;
    let timeouts = [
        ("tcp_established", sessions.tcp_established),
        ("tcp_transient", sessions.tcp_transient),
        ("udp", sessions.udp),
        ("icmp", sessions.icmp),
        ("other", sessions.other),
    ];
    for (key, timeout) in timeouts {
        if timeout.value > SESSION_TIMEOUT {
            let message = format!(
                "`{key}` is {}, longer than the {SESSION_TIMEOUT} that the vendor holds a session",
                timeout.value
            );
            findings.push(TIMEOUT.found(message).at(timeout.span, "too long"));
        }
    }
    if *world.mtu > MTU {
        let message = format!("`mtu` is {}, larger than the {MTU} bytes that every path carries", *world.mtu);
        findings.push(PACKET_SIZE.found(message).at(world.mtu.span, "too large"));
    }
}

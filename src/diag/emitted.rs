//! What the fabric sends by itself, by name.

/// What the fabric sends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum EmittedKind {
    /// ICMP time exceeded.
    TimeExceeded,
    /// ICMP destination unreachable, fragmentation needed.
    FragmentationNeeded,
    /// The answer to an ARP request.
    ArpReply,
}

impl EmittedKind {
    /// Every kind.
    pub const ALL: [EmittedKind; 3] =
        [EmittedKind::TimeExceeded, EmittedKind::FragmentationNeeded, EmittedKind::ArpReply];

    /// The kind's name in files and reports.
    pub const fn name(self) -> &'static str {
        match self {
            EmittedKind::TimeExceeded => "time-exceeded",
            EmittedKind::FragmentationNeeded => "fragmentation-needed",
            EmittedKind::ArpReply => "arp-reply",
        }
    }
}

//! Shares of the senders, for answers in parts.

/// Which of so many equal shares of the senders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderShare {
    /// Which, from 0.
    pub index: usize,
    /// Of how many.
    pub count: usize,
}

impl SenderShare {
    /// All senders.
    pub(super) const ALL: SenderShare = SenderShare { index: 0, count: 1 };

    /// Whether the class at this place is in it.
    pub(super) fn holds(self, place: usize) -> bool {
        place % self.count == self.index
    }
}

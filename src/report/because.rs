//! Each reason in a few words, for lines that have no room for a page.

use crate::diag::Reason;

/// Returns a reason in a few words, to stand after a colon: `no route covers the destination`.
pub const fn because(reason: Reason) -> &'static str {
    reason.summary()
}

//! How the vendor refuses an operation: the record behind each code, and one refusal.

use std::fmt;

/// One way in which the vendor refuses an operation.
#[derive(Debug, PartialEq, Eq)]
pub struct RefusalRecord {
    /// The vendor's error code.
    pub code: &'static str,
    /// The HTTP status that comes with it, where the vendor documents one.
    pub status: Option<u16>,
    /// Other codes that the vendor's pages, newer or older ones, give for the same cause.
    pub also: &'static [&'static str],
    /// What is wrong, in one line.
    pub summary: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
    /// A public address, or [`OWN_CHOICE`](crate::diag::OWN_CHOICE) where only the code's choice is ours.
    pub source: &'static str,
}

impl RefusalRecord {
    /// A refusal for this cause; `message` names the objects.
    pub fn because(&'static self, message: impl Into<String>) -> Refusal {
        Refusal { record: self, message: message.into() }
    }

    /// The same cause as another page of the vendor's has it.
    pub(crate) const fn on_page(&self, source: &'static str) -> RefusalRecord {
        let RefusalRecord { code, status, also, summary, remedy, .. } = *self;
        RefusalRecord { code, status, also, summary, remedy, source }
    }

    /// True for the code and for the other codes of the same cause.
    pub fn is_called(&self, code: &str) -> bool {
        self.code == code || self.also.contains(&code)
    }
}

/// An operation was refused, and the world is as it was.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The code and its cause.
    #[doc(hidden)]
    pub record: &'static RefusalRecord,
    /// One sentence that names the objects.
    pub message: String,
}

impl Refusal {
    /// The vendor's error code.
    pub fn code(&self) -> &'static str {
        self.record.code
    }
}

/// `QuotaExceeded (403): 1000 classic instances are linked to `vpc-a`, as many as it takes`.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.record.code)?;
        if let Some(status) = self.record.status {
            write!(f, " ({status})")?;
        }
        write!(f, ": {}", self.message)
    }
}

crate::text::debug_as_display!(Refusal);

impl std::error::Error for Refusal {}

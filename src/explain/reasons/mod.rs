//! The text of the pages of drop reasons, by the stages that give them.

mod bridge;
mod deliver;
mod frame;
mod route;

use crate::diag::Reason;

/// What there is to say about one reason.
pub(super) struct Text {
    pub(super) reason: Reason,
    pub(super) title: &'static str,
    pub(super) meaning: &'static str,
    pub(super) source: &'static str,
    pub(super) example: &'static str,
    pub(super) remedy: &'static str,
}

const TEXTS: [&[Text]; 4] = [frame::TEXTS, route::TEXTS, bridge::TEXTS, deliver::TEXTS];

/// The text of `reason`.
pub(super) fn text(reason: Reason) -> &'static Text {
    let mut texts = TEXTS.into_iter().flatten();
    texts.find(|text| text.reason == reason).expect("every reason has a text, and a test holds it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_one_text() {
        for reason in Reason::ALL {
            let count = TEXTS.into_iter().flatten().filter(|text| text.reason == *reason).count();
            assert_eq!(count, 1, "{reason}");
        }
    }
}

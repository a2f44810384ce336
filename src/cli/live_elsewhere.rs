//! `biplane live` where there are no network namespaces.

use super::arguments::Live;
use super::output::Terminal;
use super::{Failure, Outcome};

pub(super) fn live(_: &Live, _: &mut Terminal) -> Outcome {
    let message =
        "`biplane live` needs network namespaces, which Linux alone has; in a virtual machine with Linux it works";
    Err(Failure::Message(message.to_owned()))
}

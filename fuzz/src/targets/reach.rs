//! Claims about who reaches whom, a line each: read, held, and every violation confirmed by a packet.

use super::input::assert_harmless;
use biplane::lab::Topology;
use biplane::reach::{HeaderSpec, Reach, ReachClaim, SelectorReader};
use biplane::text::shown;
use std::sync::{Arc, LazyLock};

static TOPOLOGY: LazyLock<Topology> = LazyLock::new(|| {
    let text = include_str!("../../../scenarios/topologies/office.toml");
    Topology::from_toml("office.toml", text).unwrap_or_else(|error| panic!("{error}"))
});

pub(crate) fn read_claims_and_hold_them(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Topology { world, program, names, .. } = &*TOPOLOGY;
    let reader = SelectorReader { world, program, names };
    for line in text.lines().take(8) {
        for error in [HeaderSpec::parse(line).err(), reader.selector(line).err()].into_iter().flatten() {
            assert_harmless(&shown(&error.to_string()));
        }
        let claim = match ReachClaim::parse(line, &reader) {
            Ok(claim) => claim,
            Err(error) => {
                assert_harmless(&shown(&error.to_string()));
                continue;
            }
        };
        let reach = Reach::telling_apart(Arc::clone(program), claim.allowed().protocols());
        let allowed = claim.allowed().headers(reach.protocols());
        for flows in claim.violations(&reach) {
            assert!(!flows.headers.is_empty());
            assert!(flows.headers.intersection(&allowed).is_empty(), "{line}: {flows:?}");
        }
    }
}

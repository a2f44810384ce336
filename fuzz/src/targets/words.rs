//! What people write in a few words: packets, flags, operations; and texts of files as they are shown.

use super::input::{assert_harmless, assert_harmless_json};
use biplane::diag::Sources;
use biplane::lab::{Lab, Topology};
use biplane::report::diagnostics;
use biplane::scenario;
use biplane::text::{quoted, shown, shown_lines};
use biplane::wire::{read_addresses, read_endpoints, read_hexadecimal};
use std::sync::{Arc, LazyLock};

static TOPOLOGY: LazyLock<Arc<Topology>> = LazyLock::new(|| {
    let text = include_str!("../../../scenarios/topologies/shop.toml");
    Arc::new(Topology::from_toml("shop.toml", text).unwrap_or_else(|error| panic!("{error}")))
});

pub(crate) fn read_and_shown(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for error in [read_addresses(text).err(), read_endpoints(text).err(), read_hexadecimal(text).err()] {
        let Some(error) = error else { continue };
        assert!(text.get(error.range.clone()).is_some(), "{:?} of {text:?}", error.range);
        assert_harmless(&error.to_string());
    }
    if let Ok((source, destination)) = read_endpoints(text) {
        assert_eq!(read_endpoints(&format!("{source} > {destination}")), Ok((source, destination)));
    }
    for shown in [shown(text), shown_lines(text)] {
        assert_harmless(&shown);
    }
    assert!(!shown(text).contains('\n'));
    assert_harmless_json(&serde_json::Value::from(text).to_string());
    assert_harmless(&quoted(text));
    let mut sources = Sources::new();
    match scenario::operation(&mut sources, &TOPOLOGY.world, text) {
        Ok(operation) => {
            let refusal = Lab::new(Arc::clone(&TOPOLOGY), Default::default()).apply(&operation).err();
            assert_harmless(&shown(&operation.to_string()));
            refusal.iter().for_each(|refusal| assert_harmless(&shown(&refusal.to_string())));
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            assert_harmless_json(&diagnostics::json(&problems, &sources));
            assert_harmless(&diagnostics::text(&problems, &sources, Default::default()));
        }
    }
}

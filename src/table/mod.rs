//! Lookup structures of the data plane: routes, sessions, rule sets. They speak of addresses and ids, never of clouds.

pub mod lpm;

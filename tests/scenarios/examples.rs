//! The examples run, and what they claim holds: each has a test of its own at its end.

#[path = "../../examples/ask_reach.rs"]
mod ask_reach;
#[path = "../../examples/assert_delivery.rs"]
mod assert_delivery;
#[expect(dead_code, reason = "the tests give no arguments")]
#[path = "../../examples/bench_routes.rs"]
mod bench_routes;
#[path = "../../examples/build_topology.rs"]
mod build_topology;
#[expect(dead_code, reason = "the tests give no arguments")]
#[path = "../../examples/replay_and_count.rs"]
mod replay_and_count;

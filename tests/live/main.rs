//! Real hosts through the fabric: kernels, ping and curl are the judges of what it sends.
//!
//! Tests are ignored, with a sentence, where the system gives no namespaces, or a program is missing.

#[cfg(target_os = "linux")]
mod bench;
#[cfg(target_os = "linux")]
mod ending;
#[cfg(target_os = "linux")]
mod kernel;
#[cfg(target_os = "linux")]
mod operations;
#[cfg(target_os = "linux")]
mod page;
#[cfg(target_os = "linux")]
mod privileges;
#[cfg(target_os = "linux")]
mod replayed;
#[cfg(target_os = "linux")]
mod timing;
#[cfg(target_os = "linux")]
#[expect(dead_code, reason = "these tests need programs alone")]
#[macro_use]
#[path = "../support/trials.rs"]
mod trials;
#[cfg(target_os = "linux")]
#[expect(dead_code, reason = "these tests need some edits only")]
#[path = "../support/world.rs"]
mod world;

#[cfg(target_os = "linux")]
pub(crate) use bench::{Bench, SHOP, text};

/// There is nothing to run elsewhere.
#[cfg(not(target_os = "linux"))]
fn main() {}

/// A function that is missing here is dead code.
#[cfg(target_os = "linux")]
fn main() {
    let trials = trials! {
        ending needs bench::missing(&[]) =>
            the_exit_code_is_that_of_the_command,
            an_unknown_endpoint_is_named_with_the_nearest_one,
            killed_at_any_moment_nothing_is_left_of_it,
            a_signal_reaches_the_command_and_a_second_one_ends_all,
            without_a_command_it_stays_until_a_signal_comes;
        ending needs bench::missing(&["setsid"]) =>
            when_it_is_killed_everything_inside_is_gone,
            what_the_command_leaves_behind_ends_with_it;
        ending needs bench::missing(&["ping"]) =>
            two_hundred_endpoints_reach_each_other;
        kernel needs bench::missing(&["ping"]) =>
            the_ttl_of_a_reply_tells_how_many_domains_routed_it,
            a_packet_whose_ttl_ends_is_answered_by_the_gateway_of_its_sender,
            a_kernel_finds_the_path_mtu_out_and_keeps_to_it,
            fragments_of_a_kernel_and_of_the_fabric_are_put_together_again,
            an_arp_request_for_a_gateway_or_neighbour_is_answered_with_the_address_of_the_fabric,
            a_gateway_answers_for_the_addresses_behind_it_and_ids_are_host_names,
            ten_thousand_pings_arrive;
        kernel needs bench::missing(&["curl", "python3"]) =>
            a_connection_is_made_refused_or_silently_dropped_as_rules_and_programs_say;
        kernel needs bench::missing(&["curl", "python3", "ping"]) =>
            no_kernel_finds_a_wrong_checksum_or_header;
        operations needs bench::missing(&["ping"]) =>
            a_link_that_is_detached_carries_nothing_any_more_until_it_is_attached;
        operations needs bench::missing(&["ping", "mkfifo"]) =>
            an_instance_that_is_stopped_loses_its_network_until_it_is_started;
        operations needs bench::missing(&[]) =>
            a_guest_route_that_is_added_stands_in_the_table_of_the_guest;
        page needs bench::missing(&["ping", "grep"]) =>
            the_session_of_the_manual_is_what_happens;
        privileges needs privileges::missing() =>
            a_user_without_privileges_can_run_it;
        replayed needs bench::missing(&["ping"]) =>
            a_capture_of_a_run_gives_the_same_verdicts_when_it_is_replayed,
            a_capture_can_be_read_while_it_is_written_and_its_reader_may_leave,
            a_frame_for_an_endpoint_without_namespace_has_its_verdict_and_is_told;
        timing needs bench::missing(&["ping"]) =>
            a_flood_is_held_to_the_rate_of_its_sender_and_a_replay_gives_the_same,
            a_receiver_takes_no_more_than_its_rate_and_the_other_way_is_free,
            a_ping_takes_the_latency_both_ways_at_least,
            limits_follow_operations_and_nothing_under_way_is_lost;
        timing needs bench::missing(&["curl", "python3"]) =>
            a_tcp_transfer_through_a_limit_arrives_whole_and_no_faster_than_its_rate;
    };
    trials::run(trials);
}

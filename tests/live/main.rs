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
    let trials = vec![
        trial("ending::the_exit_code_is_that_of_the_command", &[], ending::the_exit_code_is_that_of_the_command),
        trial(
            "ending::an_unknown_endpoint_is_named_with_the_nearest_one",
            &[],
            ending::an_unknown_endpoint_is_named_with_the_nearest_one,
        ),
        trial(
            "ending::when_it_is_killed_everything_inside_is_gone",
            &["setsid"],
            ending::when_it_is_killed_everything_inside_is_gone,
        ),
        trial(
            "ending::killed_at_any_moment_nothing_is_left_of_it",
            &[],
            ending::killed_at_any_moment_nothing_is_left_of_it,
        ),
        trial(
            "ending::what_the_command_leaves_behind_ends_with_it",
            &["setsid"],
            ending::what_the_command_leaves_behind_ends_with_it,
        ),
        trial(
            "ending::a_signal_reaches_the_command_and_a_second_one_ends_all",
            &[],
            ending::a_signal_reaches_the_command_and_a_second_one_ends_all,
        ),
        trial(
            "ending::without_a_command_it_stays_until_a_signal_comes",
            &[],
            ending::without_a_command_it_stays_until_a_signal_comes,
        ),
        trial(
            "ending::two_hundred_endpoints_reach_each_other",
            &["ping"],
            ending::two_hundred_endpoints_reach_each_other,
        ),
        trial(
            "kernel::the_ttl_of_a_reply_tells_how_many_domains_routed_it",
            &["ping"],
            kernel::the_ttl_of_a_reply_tells_how_many_domains_routed_it,
        ),
        trial(
            "kernel::a_packet_whose_ttl_ends_is_answered_by_the_gateway_of_its_sender",
            &["ping"],
            kernel::a_packet_whose_ttl_ends_is_answered_by_the_gateway_of_its_sender,
        ),
        trial(
            "kernel::a_kernel_finds_the_path_mtu_out_and_keeps_to_it",
            &["ping"],
            kernel::a_kernel_finds_the_path_mtu_out_and_keeps_to_it,
        ),
        trial(
            "kernel::fragments_of_a_kernel_and_of_the_fabric_are_put_together_again",
            &["ping"],
            kernel::fragments_of_a_kernel_and_of_the_fabric_are_put_together_again,
        ),
        trial(
            "kernel::an_arp_request_for_a_gateway_or_neighbour_is_answered_with_the_address_of_the_fabric",
            &["ping"],
            kernel::an_arp_request_for_a_gateway_or_neighbour_is_answered_with_the_address_of_the_fabric,
        ),
        trial(
            "kernel::a_connection_is_made_refused_or_silently_dropped_as_rules_and_programs_say",
            &["curl", "python3"],
            kernel::a_connection_is_made_refused_or_silently_dropped_as_rules_and_programs_say,
        ),
        trial(
            "kernel::no_kernel_finds_a_wrong_checksum_or_header",
            &["curl", "python3", "ping"],
            kernel::no_kernel_finds_a_wrong_checksum_or_header,
        ),
        trial(
            "kernel::a_gateway_answers_for_the_addresses_behind_it_and_ids_are_host_names",
            &["ping"],
            kernel::a_gateway_answers_for_the_addresses_behind_it_and_ids_are_host_names,
        ),
        trial("kernel::ten_thousand_pings_arrive", &["ping"], kernel::ten_thousand_pings_arrive),
        trial(
            "operations::a_link_that_is_detached_carries_nothing_any_more_until_it_is_attached",
            &["ping"],
            operations::a_link_that_is_detached_carries_nothing_any_more_until_it_is_attached,
        ),
        trial(
            "operations::an_instance_that_is_stopped_loses_its_network_until_it_is_started",
            &["ping", "mkfifo"],
            operations::an_instance_that_is_stopped_loses_its_network_until_it_is_started,
        ),
        trial(
            "operations::a_guest_route_that_is_added_stands_in_the_table_of_the_guest",
            &[],
            operations::a_guest_route_that_is_added_stands_in_the_table_of_the_guest,
        ),
        trial(
            "page::the_session_of_the_manual_is_what_happens",
            &["ping", "grep"],
            page::the_session_of_the_manual_is_what_happens,
        ),
        trial(
            "privileges::a_user_without_privileges_can_run_it",
            &["ping", "unshare", "setpriv", "mknod"],
            privileges::a_user_without_privileges_can_run_it,
        ),
        trial(
            "replayed::a_capture_of_a_run_gives_the_same_verdicts_when_it_is_replayed",
            &["ping"],
            replayed::a_capture_of_a_run_gives_the_same_verdicts_when_it_is_replayed,
        ),
        trial(
            "replayed::a_capture_can_be_read_while_it_is_written_and_its_reader_may_leave",
            &["ping"],
            replayed::a_capture_can_be_read_while_it_is_written_and_its_reader_may_leave,
        ),
        trial(
            "replayed::a_frame_for_an_endpoint_without_namespace_has_its_verdict_and_is_told",
            &["ping"],
            replayed::a_frame_for_an_endpoint_without_namespace_has_its_verdict_and_is_told,
        ),
        trial(
            "timing::a_flood_is_held_to_the_rate_of_its_sender_and_a_replay_gives_the_same",
            &["ping"],
            timing::a_flood_is_held_to_the_rate_of_its_sender_and_a_replay_gives_the_same,
        ),
        trial(
            "timing::a_receiver_takes_no_more_than_its_rate_and_the_other_way_is_free",
            &["ping"],
            timing::a_receiver_takes_no_more_than_its_rate_and_the_other_way_is_free,
        ),
        trial(
            "timing::a_ping_takes_the_latency_both_ways_at_least",
            &["ping"],
            timing::a_ping_takes_the_latency_both_ways_at_least,
        ),
        trial(
            "timing::limits_follow_operations_and_nothing_under_way_is_lost",
            &["ping"],
            timing::limits_follow_operations_and_nothing_under_way_is_lost,
        ),
    ];
    libtest_mimic::run(&libtest_mimic::Arguments::from_args(), trials).exit();
}

/// A test, and the programs that it runs inside.
#[cfg(target_os = "linux")]
fn trial(name: &str, programs: &[&str], test: fn()) -> libtest_mimic::Trial {
    let missing = || {
        let program = programs.iter().find(|program| !bench::has_program(program))?;
        Some(format!("there is no `{program}` on this machine"))
    };
    let obstacle = bench::refusal().map(str::to_owned).or_else(missing);
    if let Some(obstacle) = &obstacle {
        eprintln!("skipped: {name}: {}", obstacle.trim_end());
    }
    let run = move || {
        test();
        Ok(())
    };
    libtest_mimic::Trial::test(name, run).with_ignored_flag(obstacle.is_some())
}

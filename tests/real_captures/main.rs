//! Real captures, which are not part of this repository, replayed through topologies written for them; the folder that
//! holds them is named by `BIPLANE_CAPTURES`. What each one holds was counted by other programs than this one.

mod damage;
mod planes;
mod reading;
#[expect(dead_code, reason = "these tests need a folder alone")]
#[macro_use]
#[path = "../support/trials.rs"]
mod trials;
mod vpc;
mod workers;
#[expect(dead_code, reason = "these tests need some edits only")]
#[path = "../support/world.rs"]
mod world;

use biplane::capture::Reader;
use biplane::datapath::DropLocation;
use biplane::lab::Topology;
use biplane::replay::{ReplayOptions, Replayed, Sinks, run};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// Captures and topologies for them: what is replayed in more than one way.
const WORLDS: [(&str, &str); 14] = [
    ("01-", vpc::NFS),
    ("02-", planes::RDP),
    ("04-", planes::MODBUS),
    ("05-", planes::LOG4J),
    ("06-", vpc::SSH),
    ("07-", vpc::HTTP),
    ("08-", planes::HOURLY),
    ("09-", vpc::PINGS),
    ("14-", planes::FRAGMENTS),
    ("16-", planes::OPTIONS),
    ("17-", planes::OPTIONS),
    ("20-", vpc::TRANSFER),
    ("22-", vpc::HTTP),
    ("23-", vpc::HTTP),
];

/// A function that is missing here is dead code.
fn main() {
    let trials = trials! {
        damage needs trials::folder(FOLDER) =>
            every_frame_of_a_damaged_capture_is_counted;
        planes needs trials::folder(FOLDER) =>
            rdp_from_a_vpc_to_a_linked_classic_server_passes_whole,
            rdp_without_the_link_fails_both_ways_on_the_bridge,
            rdp_with_classiclink_off_fails_both_ways_for_that,
            rdp_without_the_group_rule_opens_no_session_for_the_answers_either,
            rdp_from_a_client_that_may_not_send_fails_at_the_client,
            rdp_to_a_stopped_server_fails_at_the_server_both_ways,
            rdp_to_a_server_that_is_in_no_topology_finds_nobody,
            rdp_to_a_server_of_another_region_is_told_so,
            rdp_over_a_small_mtu_is_refused_with_a_notice_for_each_large_frame,
            modbus_met_in_midstream_passes_from_the_first_request_on,
            modbus_let_in_by_the_panel_passes_but_for_broken_headers,
            modbus_under_strict_tcp_is_refused_for_its_missing_handshakes,
            log4j_over_the_link_passes_whole,
            log4j_loses_the_link_alone_where_the_link_is_lost,
            hourly_syns_are_first_packets_all,
            fragments_follow_the_ports_of_their_first_one,
            options_are_carried_but_for_source_routes,
            tagged_frames_and_other_protocols_are_refused_at_once;
        reading needs trials::folder(FOLDER) =>
            real_captures_hold_as_many_frames_as_their_index_says,
            a_big_endian_nanosecond_capture_keeps_its_first_stamp,
            frames_cut_by_the_snaplen_keep_their_length_on_the_wire,
            an_absurd_record_length_is_told_with_its_place_after_the_good_record,
            real_captures_cut_anywhere_lose_only_what_follows_the_cut,
            real_captures_written_as_pcapng_read_back_the_same;
        vpc needs trials::folder(FOLDER) =>
            nfs_inside_the_carve_out_passes_whole,
            nfs_loses_what_its_rule_named_and_no_more,
            ssh_and_pings_pass_but_for_the_one_frame_over_the_mtu,
            pings_without_a_route_out_are_lost_and_so_are_their_answers,
            http_in_cooked_form_passes_whole,
            malformed_headers_are_told_apart,
            the_record_before_the_damage_is_judged_and_the_damage_is_told,
            pings_keep_their_session_while_they_idle_within_its_timeout,
            frames_cut_by_the_snaplen_have_a_verdict_and_their_length_on_the_wire,
            a_transfer_between_two_vpcs_needs_a_peering_and_routes_on_both_sides;
        workers needs trials::folder(FOLDER) =>
            lines_capture_and_sums_do_not_depend_on_the_number_of_workers;
    };
    trials::run(trials);
}

/// The variable that names the folder of captures.
const FOLDER: &str = "BIPLANE_CAPTURES";

fn folder() -> PathBuf {
    std::env::var_os(FOLDER).map(PathBuf::from).unwrap_or_else(|| panic!("{FOLDER} is not set"))
}

/// The bytes of the capture whose name begins with `prefix`.
fn capture(prefix: &str) -> Bytes {
    let folder = folder();
    let mut paths = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let begins = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix));
    let path = paths.find(begins).unwrap_or_else(|| panic!("no capture {prefix} in {}", folder.display()));
    fs::read(path).unwrap().into()
}

#[track_caller]
fn topology(text: &str) -> Topology {
    Topology::from_toml("capture.toml", text).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn replay(bytes: &Bytes, topology: &Topology, options: &ReplayOptions) -> Replayed {
    let reader = Reader::from_bytes("capture", bytes.clone()).unwrap();
    run(topology, reader, options, &mut Sinks::default()).unwrap()
}

/// One line for each endpoint that was delivered to and each reason and place, in a fixed order.
fn counts(topology: &Topology, replayed: &Replayed) -> Vec<String> {
    let tally = &replayed.tally;
    tally.check(tally.frames()).unwrap();
    let mut lines = Vec::new();
    for (endpoint, delivered) in tally.delivered_by_endpoint() {
        let name = topology.names.endpoint(endpoint);
        lines.push(format!("{name}: {} delivered, {} by session", delivered.frames, delivered.by_session));
    }
    let mut dropped = BTreeMap::new();
    for reason in tally.dropped_by_reason() {
        for cause in reason.causes {
            let place = match cause.at {
                DropLocation::Outside => String::new(),
                DropLocation::Endpoint(id) => format!(" at {}", topology.names.endpoint(id)),
                DropLocation::Domain(id) => format!(" in {}", topology.names.domain(id)),
            };
            *dropped.entry(format!("{}{place}", reason.reason)).or_insert(0) += cause.frames;
        }
    }
    lines.extend(dropped.into_iter().map(|(cause, frames)| format!("{cause}: {frames}")));
    for (verdict, frames) in [("answered", tally.answered()), ("undetermined", tally.undetermined())] {
        if frames != 0 {
            lines.push(format!("{verdict}: {frames}"));
        }
    }
    lines.extend(tally.emitted().map(|(kind, frames)| format!("sent {}: {frames}", kind.name())));
    lines.sort();
    lines
}

/// Replays the capture `prefix` in the world of `text`, and holds the counts against `expected`; their sum is `frames`.
#[track_caller]
fn expect(prefix: &str, text: &str, frames: u64, expected: &[&str]) {
    expect_with(prefix, text, &ReplayOptions::default(), frames, expected);
}

#[track_caller]
fn expect_with(prefix: &str, text: &str, options: &ReplayOptions, frames: u64, expected: &[&str]) {
    let bytes = capture(prefix);
    let topology = topology(text);
    let replayed = replay(&bytes, &topology, options);
    assert_eq!(counts(&topology, &replayed), expected);
    assert_eq!(replayed.tally.frames(), frames);
}

//! What needs programs that a machine need not have: a browser, Python and its packages, shells, Wireshark. Tests whose
//! programs are missing are shown as ignored.

#[path = "../support/accounts.rs"]
mod accounts;
#[cfg(unix)]
#[path = "../support/answers.rs"]
mod answers;
#[expect(dead_code, reason = "these tests take no snapshots")]
#[path = "../support/bench.rs"]
mod bench;
mod browser;
#[cfg(unix)]
mod cluster;
#[cfg(unix)]
#[path = "../support/facts.rs"]
mod facts;
#[path = "../support/pages.rs"]
mod pages;
#[cfg(feature = "parquet")]
mod parquet;
mod report;
mod samples;
mod schema;
#[path = "../support/schemas.rs"]
mod schemas;
#[cfg(unix)]
mod script;
mod shell;
#[macro_use]
#[path = "../support/trials.rs"]
mod trials;
mod width;
#[expect(dead_code, reason = "these tests need some edits only")]
#[path = "../support/world.rs"]
mod world;
mod written;

use trials::{folder, packages, programs};

/// A function that is missing here is dead code.
fn main() {
    let mut trials = trials! {
        report needs browser::missing() =>
            a_browser_shows_ten_endpoints_and_ten_thousand,
            a_browser_runs_nothing_that_a_file_holds;
        samples needs folder(samples::FOLDER) =>
            real_answers_together_and_each_alone_load;
        schema needs packages(&["jsonschema"]) =>
            another_validator_agrees;
        shell needs programs(&["bash"]) =>
            bash_completes_commands_and_their_options;
        shell needs programs(&["zsh"]) =>
            zsh_reads_its_script;
        shell needs programs(&["fish"]) =>
            fish_reads_its_script;
        shell needs programs(&["groff"]) =>
            groff_finds_no_fault_in_a_page;
        width needs packages(&["pty"]) =>
            lines_keep_to_the_terminal_and_places_stay_whole,
            a_caret_stands_under_what_it_points_to,
            what_is_pasted_is_not_broken;
        written needs programs(&["reordercap", "tshark"]) =>
            other_programs_take_what_is_written;
    };
    #[cfg(feature = "parquet")]
    trials.extend(trials! {
        parquet needs packages(&["duckdb", "polars"]) =>
            duckdb_and_polars_read_what_the_lines_say_without_a_quoted_name,
            connections_are_a_table_too,
            the_query_of_the_manual_runs;
        parquet needs packages(&["pyspark"]) =>
            spark_sums_up_what_was_dropped;
        parquet needs None =>
            merged_parts_give_the_same_file;
    });
    #[cfg(unix)]
    trials.extend(trials! {
        cluster needs packages(&["ray"]) =>
            ray_gives_the_bytes_of_one_process_though_a_worker_and_a_program_are_killed;
        cluster needs packages(&["distributed"]) =>
            dask_gives_the_bytes_of_one_process_though_a_worker_and_a_program_are_killed;
        cluster needs cluster::gnu_parallel() =>
            gnu_parallel_gives_the_bytes_of_one_process_and_again_over_parts_that_are_there;
        cluster needs packages(&["yaml"]) =>
            the_pods_of_the_indexed_job_are_all_shards_and_the_job_behind_them_merges_their_parts;
        cluster needs packages(&["kubernetes_validate"]) =>
            the_manifests_are_those_of_the_schema_of_kubernetes;
        cluster needs programs(&["bash"]) =>
            a_task_of_slurm_is_the_shard_of_its_index_and_the_ones_that_failed_can_be_run_again,
            an_array_of_slurm_has_the_shards_that_its_tasks_count_to,
            bash_reads_the_scripts_which_can_be_run;
        cluster needs programs(&["python3"]) =>
            python_reads_the_scripts;
        cluster needs programs(&["shellcheck"]) =>
            shellcheck_finds_no_fault_in_the_scripts;
        cluster needs None =>
            the_image_holds_the_program_alone_for_a_user_without_rights;
    });
    #[cfg(unix)]
    trials.extend(script::all());
    trials::run(trials);
}

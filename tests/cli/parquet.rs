//! Verdicts and connections as Parquet: what is no table, and a program without it. `tests/tools` reads them back.

use super::{Bench, pcap, shop_frames};

fn bench() -> Bench {
    Bench::new().write("a.pcap", pcap(&shop_frames()))
}

#[test]
fn rules_are_no_table() {
    let told = bench().run(&["replay", "shop.toml", "a.pcap", "--by", "rule", "--format", "parquet"]);
    let message = "error: --by rule has the forms text, csv, ndjson and json\n";
    assert_eq!((told.code, told.out.as_str(), told.error.as_str()), (2, "", message));
}

#[cfg(not(feature = "parquet"))]
#[test]
fn a_program_without_parquet_says_how_to_build_one() {
    let told = bench().run(&["replay", "shop.toml", "a.pcap", "--format", "parquet"]);
    let message =
        "error: this program was built without Parquet: build it with `cargo build --release --features parquet`\n";
    assert_eq!((told.code, told.out.as_str(), told.error.as_str()), (2, "", message));
}

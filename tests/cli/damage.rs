//! Damaged captures: what came before the damage counts, the summary is printed, and then the damage is told.

use super::{Bench, pcap, shop_frames};
use insta::assert_snapshot;

/// The capture with its last record cut short, and one whose third record claims to be enormous.
fn damaged() -> Bench {
    let whole = pcap(&shop_frames());
    let mut corrupt = whole.clone();
    let third = 24 + 2 * (16 + 54);
    corrupt[third + 8..third + 12].copy_from_slice(&0x00ff_0000_u32.to_le_bytes());
    Bench::new().write("cut.pcap", &whole[..whole.len() - 1]).write("corrupt.pcap", corrupt).write("whole.pcap", whole)
}

#[test]
fn the_summary_of_the_good_records_comes_before_the_error() {
    let bench = damaged();
    assert_snapshot!(bench.tell(&["replay", "shop.toml", "corrupt.pcap"]), @"
    exit code: 2
    ----- stdout -----
    corrupt.pcap: 2 frames, 108 bytes on the wire, 0.001s from 2017-07-14 02:40:00 UTC

    delivered                            1   50.0%
      i-app                              1   50.0%
    answered                             0    0.0%
    dropped                              1   50.0%
      sg-ingress-deny                    1   50.0%  the receiver's security groups refuse it
        sg-app ingress default at i-app  1   50.0%  shop.toml:25  no rule matched
    outside                              0    0.0%
    undetermined                         0    0.0%

    connections  2
      one-way    1   50.0%  frames of one end arrived, and the other end sent none
      refused    1   50.0%  the first frame was dropped

    connections that went wrong
      #2  tcp  i-web 10.24.1.5:40000 > i-app 172.16.1.10:22  1 > 0 frames, 54 > 0 bytes  refused       0s from 2017-07-14 02:40:00.001 UTC
          sg-ingress-deny at i-app by sg-app ingress default (shop.toml:25): the opener's frame 2
    ----- stderr -----
    error: corrupt.pcap: record 3 at byte offset 164 claims 16711680 captured bytes; at most 262144 are possible (2 good records before it)
    ");
    assert_snapshot!(bench.tell(&["replay", "shop.toml", "cut.pcap", "--format", "json"]).lines().last().unwrap(), @"error: cut.pcap: cut short: at byte offset 374, where record 6 was expected, 70 bytes are needed and 69 left (5 good records before it)");
}

#[test]
fn good_records_are_written_and_told_one_by_one() {
    let bench = damaged();
    for (capture, good) in [("corrupt.pcap", 2), ("cut.pcap", 5)] {
        let told = bench.run(&["replay", "shop.toml", capture, "--format", "ndjson", "-w", "out.pcapng"]);
        assert_eq!((told.code, told.out.lines().count()), (2, good), "{capture}");
        assert!(told.error.lines().last().unwrap().starts_with("error: "), "{}", told.error);
        let again = bench.run(&["replay", "shop.toml", "out.pcapng", "--format", "json"]);
        assert_eq!(again.code, 0, "the output of {capture} is whole: {}", again.error);
    }
}

#[test]
fn any_cut_gives_a_verdict_on_the_rest_and_never_a_panic() {
    let whole = pcap(&shop_frames()[..2]);
    for length in (0..whole.len()).step_by(7) {
        let bench = Bench::new().write("cut.pcap", &whole[..length]);
        let told = bench.run(&["replay", "shop.toml", "cut.pcap", "--workers", "2"]);
        let between_records = length >= 24 && (length - 24) % 70 == 0;
        assert_eq!(told.code, if between_records { 0 } else { 2 }, "cut at {length}: {}", told.error);
        assert!(!told.error.contains("panicked"), "{}", told.error);
    }
}

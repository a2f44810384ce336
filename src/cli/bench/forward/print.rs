//! What was measured, for people and for programs.

use super::super::print::rounded;
use super::captures::{ByWorkers, Captured};
use super::workloads::Fate;
use super::{BURST, Baselines, ForwardRow, ForwardTimes, Kinds, Measured, Rules, Workload};
use crate::diag::Stage;
use crate::report::{Palette, Style, thousands};
use serde_json::{Value, json};
use std::fmt::{Result, Write};

const FORWARDING: [&str; 2] = [
    "                    -------------- million frames a second -------------   established costs",
    "           sessions  established  new flows  dropped  copying  parsing   x copying  x parsing",
];

const KINDS: [&str; 2] = [
    "                                                rules at   million       one costs",
    "                                                each end  a second  x copying  x parsing",
];

const CAPTURES: [&str; 2] = [
    "                    -- million frames a second --   two against   one costs",
    "                    one worker        two workers           one   x reading",
];

/// Tables for people, and under them what they mean.
pub(in super::super) fn text(measured: &Measured, palette: Palette) -> String {
    let mut text = String::new();
    let heading = |text: &mut String, heading: &str, rest: &str| {
        writeln!(text, "{}: {rest}", palette.paint(Style::Heading, heading))
    };
    let _ = heading(&mut text, "forwarding", &format!("bursts of {BURST} frames from memory to memory, one core"))
        .and_then(|()| rows(&mut text, &measured.rows));
    let rest = format!("frames of 64 bytes along {} flows, one core", thousands(measured.kinds.flows as u64));
    let _ = heading(&mut text, "way by way", &rest).and_then(|()| kinds(&mut text, &measured.kinds));
    let Captured { connections, frames, .. } = measured.captured;
    let (frames, connections) = (thousands(frames as u64), thousands(connections as u64));
    let rest = format!("a capture in memory, {frames} frames of 64 bytes along {connections} connections");
    let _ = heading(&mut text, "replaying", &rest).and_then(|()| captures(&mut text, &measured.captured));
    let (rounds, replays) = (measured.effort.rounds, measured.effort.replays);
    text += &format!(
        "\
Every delivered frame goes from a classic instance across ClassicLink to an instance of a VPC, through
all that is documented of it: header checks with checksum, guest routes, session, security groups, routes
on both sides, the link, TTL and checksum, MAC addresses; and all verdicts are counted by endpoint, rule
and reason. Groups have 31 rules at each end, or 1,000: five groups of 200, as many as there may be.

established  frames of live sessions: no group is asked. Sessions know the way of TCP and UDP; pings go the
             whole way each time
new flows    first packets: both ends' groups are asked, and each leaves a session
dropped      frames that one stage refuses; in the first table, first packets that the receiver's groups refuse.
             A stage costs about what its row takes longer than the one before it. The flood is refused by
             groups too, each packet of it between other addresses. Routes are looked up before the session is,
             and who sends a packet whose TTL runs out is told so: the fabric makes that message
copying      the bytes of the same frames from one place to another: what any forwarding pays
parsing      reading and checking the headers of the same frames, without looking anything up
IMIX         seven frames of 64, four of 590 and one of 1514 bytes, again and again
x copying    the time of one frame divided by that of copying it; x parsing likewise

verdicts     the whole replay, sums only: reading, attribution, forwarding, counting
ndjson       with a line of JSON for each frame, written to nowhere
pcapng       with the annotated capture, every frame as it went in and as it came out, to nowhere
reading      the records of the capture, without looking at the frames
two workers  two threads that share reading, forwarding and writing: on fewer than two free cores this says
             nothing

Every verdict was what it had to be before anything was timed. Each figure of the first table is the median
of {rounds} rounds, as of the second, of the third that of {replays}; all that one table compares has its turn in each.
Only ratios within one run mean something: other work on the machine and the place of things in memory change
all times by 10 to 25 %.
"
    );
    if cfg!(debug_assertions) {
        text += "\nThis program was built without optimisation: a sketch of the above, whose figures mean nothing.\n";
    }
    text
}

/// Millions a second, of nanoseconds for one.
fn millions(nanoseconds: f64) -> f64 {
    1e3 / nanoseconds
}

fn rows(text: &mut String, rows: &[ForwardRow]) -> Result {
    FORWARDING.iter().try_for_each(|line| writeln!(text, "{line}"))?;
    for ForwardRow { size, sessions, times } in rows {
        let ForwardTimes { established, new_flows, dropped, baselines: Baselines { copying, parsing } } = *times;
        let [rate, new_flows, dropped, copies, parses] =
            [established, new_flows, dropped, copying, parsing].map(millions);
        write!(text, "  {:<7}{:>10}{rate:>13.1}{new_flows:>11.1}", size.name(), thousands(*sessions as u64))?;
        write!(text, "{dropped:>9.1}{copies:>9.1}{parses:>9.1}")?;
        writeln!(text, "{:>11.1}x{:>10.1}x", established / copying, established / parsing)?;
    }
    text.push('\n');
    Ok(())
}

/// Rules at each end, where groups are asked.
fn rules_asked(workload: &Workload, rules: Rules) -> Option<u32> {
    match workload.fate {
        Fate::Established { .. } => None,
        Fate::New => Some(rules.count()),
        Fate::Dropped { stage, .. } => (stage >= Stage::Egress).then(|| rules.count()),
    }
}

fn kinds(text: &mut String, kinds: &Kinds) -> Result {
    KINDS.iter().try_for_each(|line| writeln!(text, "{line}"))?;
    let Baselines { copying, parsing } = kinds.baselines;
    for (workload, rules, time) in &kinds.times {
        let words = workload.name.replace('-', " ").replace("vpc", "VPC").replace("vsw", "vSw");
        let what = match workload.fate {
            Fate::Established { .. } => format!("established, {words}"),
            Fate::New => words,
            Fate::Dropped { stage, .. } => format!("dropped at {:<12}{}", stage.name(), workload.name),
        };
        let rules = rules_asked(workload, *rules).map_or("-".to_owned(), |rules| thousands(rules.into()));
        write!(text, "  {what:<46}{rules:>8}{:>10.1}", millions(*time))?;
        writeln!(text, "{:>10.1}x{:>10.1}x", time / copying, time / parsing)?;
    }
    text.push('\n');
    Ok(())
}

fn captures(text: &mut String, captured: &Captured) -> Result {
    CAPTURES.iter().try_for_each(|line| writeln!(text, "{line}"))?;
    for (made, ByWorkers { one, two }) in &captured.made {
        write!(text, "  to {:<15}{:>10.1}{:>19.1}", made.name(), millions(*one), millions(*two))?;
        writeln!(text, "{:>13.2}x{:>11.1}x", one / two, one / captured.reading)?;
    }
    writeln!(text, "  {:<18}{:>10.1}\n", "reading", millions(captured.reading))
}

/// One object. Times are nanoseconds for one frame.
pub(in super::super) fn json(measured: &Measured) -> Value {
    let row = |ForwardRow { size, sessions, times }: &ForwardRow| {
        let ForwardTimes { established, new_flows, dropped, baselines: Baselines { copying, parsing } } = *times;
        json!({
            "frames": size.name(),
            "sessions": sessions,
            "established_ns": rounded(established),
            "new_flows_ns": rounded(new_flows),
            "dropped_ns": rounded(dropped),
            "copying_ns": rounded(copying),
            "parsing_ns": rounded(parsing),
            "established_times_copying": rounded(established / copying),
            "established_times_parsing": rounded(established / parsing),
        })
    };
    let Kinds { flows, baselines: Baselines { copying, parsing }, times } = &measured.kinds;
    let kind = |(workload, rules, time): &(Workload, Rules, f64)| {
        let (fate, stage, reason) = match workload.fate {
            Fate::Established { .. } => ("established", None, None),
            Fate::New => ("new", None, None),
            Fate::Dropped { stage, reason } => ("dropped", Some(stage.name()), Some(reason.id())),
        };
        json!({
            "name": workload.name,
            "fate": fate,
            "stage": stage,
            "reason": reason,
            "rules_at_each_end": rules_asked(workload, *rules),
            "ns": rounded(*time),
            "times_copying": rounded(time / copying),
            "times_parsing": rounded(time / parsing),
        })
    };
    let Captured { connections, frames, reading, made } = &measured.captured;
    let replay = |(made, ByWorkers { one, two }): &(super::captures::Made, ByWorkers)| {
        json!({
            "to": made.name(),
            "one_worker_ns": rounded(*one),
            "two_workers_ns": rounded(*two),
            "two_workers_times_as_fast": rounded(one / two),
        })
    };
    json!({
        "optimized": !cfg!(debug_assertions),
        "burst": BURST,
        "rounds": measured.effort.rounds,
        "forwarding": measured.rows.iter().map(row).collect::<Vec<_>>(),
        "by_kind": {
            "frames": "64 B",
            "flows": flows,
            "copying_ns": rounded(*copying),
            "parsing_ns": rounded(*parsing),
            "kinds": times.iter().map(kind).collect::<Vec<_>>(),
        },
        "capture": {
            "frames": frames,
            "connections": connections,
            "rounds": measured.effort.replays,
            "reading_ns": rounded(*reading),
            "replays": made.iter().map(replay).collect::<Vec<_>>(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::captures::Made;
    use super::super::{DROPPED, ESTABLISHED, ForwardEffort, NEW_FLOWS, Size};
    use super::*;

    fn sample() -> Measured {
        let baselines = Baselines { copying: 10.0, parsing: 16.0 };
        let times = ForwardTimes { established: 40.0, new_flows: 125.0, dropped: 50.0, baselines };
        let by_kind =
            vec![(ESTABLISHED[4], Rules::FEW, 40.0), (NEW_FLOWS, Rules::MOST, 160.0), (DROPPED[0], Rules::FEW, 20.0)];
        let made = [Made::Verdicts, Made::Ndjson, Made::Pcapng].map(|made| (made, ByWorkers { one: 80.0, two: 50.0 }));
        Measured {
            rows: vec![ForwardRow { size: Size::Imix, sessions: 100_000, times }],
            kinds: Kinds { flows: 100_000, baselines, times: by_kind },
            captured: Captured { connections: 100_000, frames: 1_000_000, reading: 10.0, made },
            effort: ForwardEffort::FULL,
        }
    }

    #[test]
    fn columns_stand_under_their_names() {
        let text = text(&sample(), Palette::Plain);
        let expected = "\
forwarding: bursts of 256 frames from memory to memory, one core
                    -------------- million frames a second -------------   established costs
           sessions  established  new flows  dropped  copying  parsing   x copying  x parsing
  IMIX      100,000         25.0        8.0     20.0    100.0     62.5        4.0x       2.5x

way by way: frames of 64 bytes along 100,000 flows, one core
                                                rules at   million       one costs
                                                each end  a second  x copying  x parsing
  established, within vSwitch                          -      25.0       4.0x       2.5x
  new flows                                        1,000       6.2      16.0x      10.0x
  dropped at parse       ipv4-checksum                 -      50.0       2.0x       1.2x

replaying: a capture in memory, 1,000,000 frames of 64 bytes along 100,000 connections
                    -- million frames a second --   two against   one costs
                    one worker        two workers           one   x reading
  to verdicts             12.5               20.0         1.60x        8.0x
";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.contains("\n  reading                100.0\n\nEvery delivered frame goes"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 112), "{text}");
    }

    #[test]
    fn the_object_says_the_same() {
        let value = json(&sample());
        let row = &value["forwarding"][0];
        assert_eq!((&row["frames"], &row["established_ns"]), (&"IMIX".into(), &json!(40.0)));
        assert_eq!((&row["established_times_copying"], &row["established_times_parsing"]), (&json!(4.0), &json!(2.5)));
        let kinds = &value["by_kind"]["kinds"];
        assert_eq!((&kinds[0]["name"], &kinds[0]["fate"]), (&"within-vswitch".into(), &"established".into()));
        assert_eq!(kinds[0]["rules_at_each_end"], Value::Null);
        assert_eq!((&kinds[1]["name"], &kinds[1]["fate"]), (&"new-flows".into(), &"new".into()));
        assert_eq!((&kinds[1]["rules_at_each_end"], &kinds[1]["ns"]), (&1_000.into(), &json!(160.0)));
        assert_eq!((&kinds[2]["name"], &kinds[2]["fate"]), (&"ipv4-checksum".into(), &"dropped".into()));
        assert_eq!((&kinds[2]["stage"], &kinds[2]["reason"]), (&"parse".into(), &"ipv4-checksum".into()));
        assert_eq!(kinds[2]["times_parsing"], json!(1.25));
        let replay = &value["capture"]["replays"][2];
        assert_eq!((&replay["to"], &replay["two_workers_times_as_fast"]), (&"pcapng".into(), &json!(1.6)));
    }
}

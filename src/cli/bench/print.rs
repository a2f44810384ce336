//! What was measured, for people and for programs.

use super::rounds::{Effort, Times};
use super::workload::BURST;
use crate::report::{Palette, Style, thousands};
use crate::table::lpm::sample::Kind;
use serde_json::{Value, json};
use std::fmt::Write;

/// What one table, or many of them together, have shown.
pub(super) struct MeasuredRow {
    pub(super) name: String,
    /// Where its routes come from.
    pub(super) about: &'static str,
    /// How many tables there are.
    pub(super) tables: usize,
    /// In all tables together, as all that follows.
    pub(super) routes: usize,
    pub(super) bytes: usize,
    pub(super) build_seconds: f64,
    /// Nanoseconds for one route.
    pub(super) insert: f64,
    /// Nanoseconds for one route.
    pub(super) remove: f64,
    /// Kinds of addresses that do not exist are left out.
    pub(super) rows: Vec<(Kind, Times)>,
}

impl MeasuredRow {
    fn bytes_per_route(&self) -> f64 {
        self.bytes as f64 / self.routes as f64
    }
}

impl Times {
    /// How many times as fast as raw reads, and as the golden table, lookups in bursts are.
    fn ratios(&self) -> (f64, f64) {
        (self.raw_reads / self.bursts, self.golden / self.bursts)
    }
}

const COLUMNS: [&str; 2] = [
    "             ---------------------- ns per lookup ----------------------    times as fast as",
    "             bursts  one by one  dependent  empty loop  raw reads  golden  raw reads  golden",
];

/// Tables for people, and under them what they mean.
pub(super) fn text(measured: &[MeasuredRow], effort: Effort, palette: Palette) -> String {
    let mut text = String::new();
    for measured in measured {
        let _ = heading(&mut text, measured, palette).and_then(|()| rows(&mut text, measured));
    }
    let rounds = effort.rounds;
    text += &format!(
        "\
bursts       {BURST} addresses asked for at once
one by one   one call for each address; the next one may begin before the last one has ended
dependent    each address depends on the last answer: the time until an answer is there
empty loop   the loop alone, without a lookup
raw reads    one read of a random place for each address, in as many bytes as the tables take, huge
             pages included: what the memory of this machine allows
golden       one by one in an ordered map, asked for every prefix length: slow and obviously right
times as fast as   the time of raw reads, or of golden, divided by that of bursts

covered      a random host of a random route
uniform      any of the 2^32 addresses
zipf         a random host of a route; few routes get most of the addresses
missing      an address without a route; no such row where the default route covers all

All answers were those of golden before anything was timed. Each figure is the median of {rounds} rounds, in
each of which every column has its turn. Only ratios within one run mean something: other work on the
machine and the place of things in memory change all times by 10 to 25 % from one run to the next.
"
    );
    if cfg!(debug_assertions) {
        text += "\nThis program was built without optimisation: a sketch of the above, whose figures mean nothing.\n";
    }
    text
}

fn heading(text: &mut String, measured: &MeasuredRow, palette: Palette) -> std::fmt::Result {
    let number = |count: usize| thousands(count as u64);
    let MeasuredRow { tables, routes, .. } = *measured;
    write!(text, "{}: ", palette.paint(Style::Heading, &measured.name))?;
    if tables > 1 {
        write!(text, "{} tables of {} routes", number(tables), number(routes / tables))?;
    } else {
        write!(text, "{} route{}", number(routes), if routes == 1 { "" } else { "s" })?;
    }
    writeln!(text, ", {}", measured.about)?;
    let (bytes, each) = (number(measured.bytes), measured.bytes_per_route());
    let (build, insert, remove) = (measured.build_seconds * 1e3, measured.insert / 1e3, measured.remove / 1e3);
    write!(text, "  {bytes} bytes, {each:.1} a route; built in {build:.1} ms; ")?;
    writeln!(text, "one insert {insert:.2} µs, one remove {remove:.2} µs")
}

fn rows(text: &mut String, measured: &MeasuredRow) -> std::fmt::Result {
    COLUMNS.iter().try_for_each(|line| writeln!(text, "{line}"))?;
    for (kind, times) in &measured.rows {
        let Times { bursts, one_by_one, dependent, empty_loop, raw_reads, golden } = times;
        let (raw, gold) = times.ratios();
        write!(text, "  {:<9}{bursts:>8.1}{one_by_one:>12.1}{dependent:>11.1}", kind.name())?;
        writeln!(text, "{empty_loop:>12.1}{raw_reads:>11.1}{golden:>8.0}{raw:>10.2}x{gold:>7.0}x")?;
    }
    text.push('\n');
    Ok(())
}

/// One object. Times of lookups are nanoseconds.
pub(super) fn json(measured: &[MeasuredRow], effort: Effort) -> Value {
    let row = |(kind, times): &(Kind, Times)| {
        let (raw_reads, golden) = times.ratios();
        json!({
            "addresses": kind.name(),
            "bursts_ns": rounded(times.bursts),
            "one_by_one_ns": rounded(times.one_by_one),
            "dependent_ns": rounded(times.dependent),
            "empty_loop_ns": rounded(times.empty_loop),
            "raw_reads_ns": rounded(times.raw_reads),
            "golden_ns": rounded(times.golden),
            "times_as_fast_as_raw_reads": rounded(raw_reads),
            "times_as_fast_as_golden": rounded(golden),
        })
    };
    let table = |measured: &MeasuredRow| {
        json!({
            "name": measured.name,
            "about": measured.about,
            "tables": measured.tables,
            "routes": measured.routes,
            "bytes": measured.bytes,
            "bytes_per_route": rounded(measured.bytes_per_route()),
            "build_ms": rounded(measured.build_seconds * 1e3),
            "insert_us": rounded(measured.insert / 1e3),
            "remove_us": rounded(measured.remove / 1e3),
            "lookups": measured.rows.iter().map(row).collect::<Vec<_>>(),
        })
    };
    json!({
        "optimized": !cfg!(debug_assertions),
        "burst": BURST,
        "rounds": effort.rounds,
        "tables": measured.iter().map(table).collect::<Vec<_>>(),
    })
}

/// To three decimals.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> MeasuredRow {
        let times =
            Times { bursts: 8.0, one_by_one: 11.24, dependent: 95.0, empty_loop: 0.4, raw_reads: 7.6, golden: 2400.0 };
        MeasuredRow {
            name: "mine.txt".to_owned(),
            about: "routes of your own",
            tables: 1,
            routes: 1000,
            bytes: 10_240,
            build_seconds: 0.0005,
            insert: 11_000.0,
            remove: 9500.0,
            rows: vec![(Kind::Covered, times)],
        }
    }

    #[test]
    fn columns_stand_under_their_names_and_ratios_are_those_of_bursts() {
        let text = text(&[sample()], Effort::FULL, Palette::Plain);
        let expected = "\
mine.txt: 1,000 routes, routes of your own
  10,240 bytes, 10.2 a route; built in 0.5 ms; one insert 11.00 µs, one remove 9.50 µs
             ---------------------- ns per lookup ----------------------    times as fast as
             bursts  one by one  dependent  empty loop  raw reads  golden  raw reads  golden
  covered       8.0        11.2       95.0         0.4        7.6    2400      0.95x    300x

bursts       256 addresses asked for at once
";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.contains("the median of 9 rounds"));
        assert!(text.lines().all(|line| line.chars().count() <= 105), "{text}");
    }

    #[test]
    fn many_tables_are_told_as_such() {
        let many = MeasuredRow { tables: 4, ..sample() };
        let text = text(&[many], Effort::FULL, Palette::Plain);
        assert!(text.starts_with("mine.txt: 4 tables of 250 routes, routes of your own\n"), "{text}");
    }

    #[test]
    fn the_object_says_the_same() {
        let value = json(&[sample()], Effort::FULL);
        let table = &value["tables"][0];
        assert_eq!((&table["routes"], &table["bytes_per_route"]), (&json!(1000), &json!(10.24)));
        assert_eq!((&table["build_ms"], &table["insert_us"]), (&json!(0.5), &json!(11.0)));
        let row = &table["lookups"][0];
        assert_eq!((&row["addresses"], &row["one_by_one_ns"]), (&json!("covered"), &json!(11.24)));
        assert_eq!(row["times_as_fast_as_raw_reads"], json!(0.95));
        assert_eq!(row["times_as_fast_as_golden"], json!(300.0));
    }
}

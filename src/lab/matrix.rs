//! Who reaches whom, as text.

use super::{EndpointRef, Exchange, Lab, Probe, claims::known};
use crate::datapath::Verdict;
use crate::diag::{and_list, quoted_list};
use crate::program::{EndpointId, EndpointKind};
use std::fmt::{self, Write};
use std::sync::Arc;

/// Who reaches whom with one kind of request, tried with packets: each pair in a fabric without sessions.
///
/// A row is who asks, a column who is asked. `x`: the request arrives, and its reply comes back. `>`: it arrives, and the
/// reply does not come back. `.`: it does not arrive. `?`: what decides is not known. `-`: an endpoint and itself.
pub struct ReachTable {
    lab: Lab,
    probe: Probe,
    rows: Vec<EndpointId>,
    columns: Vec<EndpointId>,
}

const ITSELF: char = '-';

/// The marks that a cell may have, and what they say.
const MARKS: [(char, &str); 5] = [
    ('x', "reaches, and the reply comes back"),
    ('>', "reaches, and the reply does not come back"),
    ('.', "does not reach"),
    ('?', "is not known"),
    (ITSELF, "an endpoint and itself"),
];

impl Lab {
    /// Tries who reaches whom, from each instance to each instance and service, in the topology as it is now. Sessions of
    /// this lab do not count.
    ///
    /// ```
    /// # use biplane::lab::Lab;
    /// # let lab = Lab::open("scenarios/topologies/shop.toml").unwrap();
    /// lab.reach("tcp/3306").from(["i-web-1", "i-web-2", "i-batch-1"]).to(["rm-orders", "i-db-1"]).is("
    ///                rm-orders  i-db-1
    ///     i-web-1    x          x
    ///     i-web-2    .          .
    ///     i-batch-1  .          .
    /// ");
    /// ```
    ///
    /// # Panics
    /// `probe` is none of `tcp/PORT`, `udp/PORT` and `icmp`.
    #[track_caller]
    pub fn reach(&self, probe: &str) -> ReachTable {
        let probe = match probe.parse() {
            Ok(probe) => probe,
            Err(error) => panic!("{error}"),
        };
        let program = &self.topology().program;
        let ids = || (0..program.endpoints.len()).map(EndpointId::from_index);
        let rows = ids().filter(|id| program.endpoint(*id).kind == EndpointKind::Instance).collect();
        let columns = ids().filter(|id| self.has_address(*id)).collect();
        ReachTable { lab: Lab::new(Arc::clone(self.topology()), self.options), probe, rows, columns }
    }
}

impl ReachTable {
    /// Only from these, in this order.
    ///
    /// # Panics
    /// The topology has no such endpoint, or it has no address of its own.
    #[track_caller]
    #[must_use]
    pub fn from<'a, N: Into<EndpointRef<'a>>>(self, endpoints: impl IntoIterator<Item = N>) -> ReachTable {
        ReachTable { rows: self.found(endpoints), ..self }
    }

    /// Only to these, in this order.
    ///
    /// # Panics
    /// As [`ReachTable::from`].
    #[track_caller]
    #[must_use]
    pub fn to<'a, N: Into<EndpointRef<'a>>>(self, endpoints: impl IntoIterator<Item = N>) -> ReachTable {
        ReachTable { columns: self.found(endpoints), ..self }
    }

    #[track_caller]
    fn found<'a, N: Into<EndpointRef<'a>>>(&self, endpoints: impl IntoIterator<Item = N>) -> Vec<EndpointId> {
        let mut found = Vec::new();
        for endpoint in endpoints {
            let id = known(self.lab.topology().find(endpoint));
            if !self.lab.has_address(id) {
                panic!("`{}` has no address of its own", self.name(id));
            }
            found.push(id);
        }
        found
    }

    /// Holds the table against one that is written: the same rows, columns and marks, in any order.
    ///
    /// # Panics
    /// They differ. Both stand side by side with the differing cells in brackets; below them the trace of the first one,
    /// and what to do about it.
    #[track_caller]
    pub fn is(&self, written: &str) {
        if let Err(told) = self.compare(written) {
            panic!("claim: who reaches whom with {} is as written\n fact: {told}", self.probe);
        }
    }

    fn compare(&self, written: &str) -> Result<(), String> {
        let written = WrittenTable::read(written)?;
        for (what, names, ids) in
            [("row", &written.row_names(), &self.rows), ("column", &written.columns, &self.columns)]
        {
            self.compare_names(what, names, ids)?;
        }
        let tried = self.marks();
        let mut different = 0;
        let (mut left, mut right) = (Vec::new(), Vec::new());
        let mut first = None;
        for (row, marks) in self.rows.iter().zip(&tried) {
            let mut cells = [Vec::new(), Vec::new()];
            for (column, mark) in self.columns.iter().zip(marks) {
                let claimed = written.mark(self.name(*row), self.name(*column));
                let bracketed = |shown: char| if claimed == *mark { shown.to_string() } else { format!("[{shown}]") };
                cells[0].push(bracketed(claimed));
                cells[1].push(bracketed(*mark));
                if claimed != *mark {
                    different += 1;
                    first.get_or_insert((*row, *column, claimed, *mark));
                }
            }
            let [claimed, fact] = cells;
            left.push(claimed);
            right.push(fact);
        }
        let Some((row, column, claimed, mark)) = first else { return Ok(()) };
        let cells = self.rows.len() * self.columns.len();
        let mut told = format!("{different} of {cells} cells differ; the first is {}", self.meaning(row, column, mark));
        let (left, right) = (self.layout(&left), self.layout(&right));
        let width = left.lines().map(|line| line.chars().count()).max().unwrap_or(0).max("as written".len());
        let _ = write!(told, "\n\n{:width$}    as tried\n", "as written");
        for (left, right) in left.lines().zip(right.lines()) {
            let _ = writeln!(told, "{left:width$}    {right}");
        }
        let _ = write!(told, "\nwritten: {}\n\n", self.meaning(row, column, claimed));
        told += &self.tried(row, column).deciding().explanation();
        Err(told)
    }

    /// Fails unless the names are those of the ids.
    fn compare_names(&self, what: &str, names: &[String], ids: &[EndpointId]) -> Result<(), String> {
        for name in names {
            match self.lab.topology().find(name) {
                Err(unknown) => return Err(unknown.to_string()),
                Ok(id) if !ids.contains(&id) => return Err(format!("`{name}` is no {what} here{}", self.all_of(what))),
                Ok(_) => {}
            }
        }
        let missing = ids.iter().map(|id| self.name(*id)).filter(|name| !names.iter().any(|known| known == name));
        let missing: Vec<&str> = missing.collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(format!("the text has no {what} for {}\n\nas tried:\n{self}", quoted_list(missing)))
    }

    fn all_of(&self, what: &str) -> String {
        let ids = if what == "row" { &self.rows } else { &self.columns };
        format!("; the {what}s are {}", quoted_list(ids.iter().map(|id| self.name(*id))))
    }

    /// A mark in words.
    fn meaning(&self, row: EndpointId, column: EndpointId, mark: char) -> String {
        let meaning = MARKS.iter().find(|(known, _)| *known == mark).map_or("", |(_, meaning)| meaning);
        format!("{} to {}: {meaning} ({mark})", self.name(row), self.name(column))
    }

    fn name(&self, id: EndpointId) -> &str {
        self.lab.topology().name_of(id)
    }

    fn tried(&self, row: EndpointId, column: EndpointId) -> Exchange {
        let mut lab = Lab::new(Arc::clone(self.lab.topology()), self.lab.options);
        lab.exchange(row, column, self.probe)
    }

    fn marks(&self) -> Vec<Vec<char>> {
        let mark = |row: EndpointId, column: EndpointId| {
            if row == column {
                return ITSELF;
            }
            let exchange = self.tried(row, column);
            match exchange.deciding().outcome().verdict {
                Verdict::Undetermined(_) => '?',
                _ if exchange.returns() => 'x',
                _ if exchange.arrives() => '>',
                _ => '.',
            }
        };
        self.rows.iter().map(|row| self.columns.iter().map(|column| mark(*row, *column)).collect()).collect()
    }

    /// The table with these cells.
    fn layout(&self, cells: &[Vec<String>]) -> String {
        let names: Vec<&str> = self.columns.iter().map(|id| self.name(*id)).collect();
        let first = self.rows.iter().map(|id| self.name(*id).chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        let mut line = |name: &str, cells: &mut dyn Iterator<Item = &str>| {
            let mut line = format!("{name:first$}");
            for (cell, column) in cells.zip(&names) {
                let width = column.chars().count();
                let _ = write!(line, "  {cell:width$}");
            }
            text += line.trim_end();
            text.push('\n');
        };
        line("", &mut names.iter().copied());
        for (row, cells) in self.rows.iter().zip(cells) {
            line(self.name(*row), &mut cells.iter().map(String::as_str));
        }
        text
    }
}

/// As [`ReachTable::is`] reads it.
impl fmt::Display for ReachTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let marks = self.marks();
        let cells: Vec<Vec<String>> =
            marks.iter().map(|row| row.iter().map(char::to_string).collect::<Vec<_>>()).collect();
        f.write_str(&self.layout(&cells))
    }
}

/// A table as a test has it.
struct WrittenTable {
    columns: Vec<String>,
    rows: Vec<(String, Vec<char>)>,
}

impl WrittenTable {
    /// Reads the names of the columns, and below them a line for each row: its name, and a mark for each column.
    fn read(text: &str) -> Result<WrittenTable, String> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let columns: Vec<String> = lines.next().unwrap_or_default().split_whitespace().map(str::to_owned).collect();
        let mut table = WrittenTable { columns, rows: Vec::new() };
        for line in lines {
            let mut words = line.split_whitespace();
            let name = words.next().unwrap_or_default().to_owned();
            let marks = words.map(|word| mark(&name, word)).collect::<Result<Vec<char>, String>>()?;
            if marks.len() != table.columns.len() {
                let (marks, columns) = (marks.len(), table.columns.len());
                return Err(format!("the row `{name}` has {marks} marks for {columns} columns: `{line}`"));
            }
            table.rows.push((name, marks));
        }
        for names in [&table.columns, &table.row_names()] {
            if let Some(twice) = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name)) {
                return Err(format!("`{}` stands twice in the text", twice.1));
            }
        }
        Ok(table)
    }

    fn row_names(&self) -> Vec<String> {
        self.rows.iter().map(|(name, _)| name.clone()).collect()
    }

    fn mark(&self, row: &str, column: &str) -> char {
        let column = self.columns.iter().position(|name| name == column);
        let row = self.rows.iter().find(|(name, _)| name == row);
        row.zip(column).map_or(ITSELF, |((_, marks), column)| marks[column])
    }
}

fn mark(row: &str, word: &str) -> Result<char, String> {
    let known = MARKS.iter().map(|(mark, _)| *mark).find(|mark| word.chars().eq([*mark]));
    known.ok_or_else(|| {
        let all = and_list(MARKS.iter().map(|(mark, meaning)| format!("`{mark}` ({meaning})")));
        format!("`{word}` in the row `{row}` is no mark; there are {all}")
    })
}

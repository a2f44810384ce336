//! What lists say about all headers, and several of them together.

use super::headers::{ALL_PORTS, HeaderBox, Ports};
use crate::program::FixedMap;

/// The parts of the headers of one class of protocols.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct HeaderGrid {
    pub(super) class: u16,
    pub(super) source_ports: Vec<Ports>,
    pub(super) destination_ports: Vec<Ports>,
}

/// What a list says about all headers of packets between two addresses: answers by rows of source ports.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct FilterProfile {
    pub(super) grids: Vec<(HeaderGrid, Vec<u32>)>,
}

impl FilterProfile {
    /// The answers about one class of protocols.
    pub(super) fn grid(&self, class: usize) -> Option<&(HeaderGrid, Vec<u32>)> {
        self.grids.iter().find(|(grid, _)| usize::from(grid.class) == class)
    }
}

/// The answers of one list about one class of protocols, with ports as those of first packets.
pub(super) struct AskedGrid<'a> {
    pub(super) source_ports: &'a [Ports],
    pub(super) destination_ports: &'a [Ports],
    pub(super) answers: &'a [u32],
    pub(super) columns: usize,
    pub(super) is_reply: bool,
}

impl AskedGrid<'_> {
    fn answer(&self, source: usize, destination: usize) -> u32 {
        let [row, column] = if self.is_reply { [destination, source] } else { [source, destination] };
        self.answers[row * self.columns + column]
    }
}

/// The most lists that a packet and its reply meet.
pub(super) const MAX_LISTS: usize = 4;

/// Headers by what all lists say of them.
#[derive(Default)]
pub(super) struct Together {
    places: FixedMap<[u32; MAX_LISTS], usize>,
    pub(super) parts: Vec<([u32; MAX_LISTS], Vec<HeaderBox>)>,
}

impl Together {
    /// Adds what lists say about one class of protocols.
    pub(super) fn add(&mut self, class: usize, grids: &[AskedGrid<'_>]) {
        let sources = boundaries(grids.iter().map(|grid| grid.source_ports));
        let destinations = boundaries(grids.iter().map(|grid| grid.destination_ports));
        let place = |parts: &[Ports], port: u16| {
            let after = parts.partition_point(|part| part.0 <= port);
            after.checked_sub(1).filter(|at| port <= parts[*at].1)
        };
        let columns: Vec<Vec<Option<usize>>> = grids
            .iter()
            .map(|grid| destinations.iter().map(|ports| place(grid.destination_ports, ports.0)).collect())
            .collect();
        for source in sources {
            let rows: Option<Vec<usize>> = grids.iter().map(|grid| place(grid.source_ports, source.0)).collect();
            let Some(rows) = rows else { continue };
            let mut open: Option<([u32; MAX_LISTS], Ports)> = None;
            for (at, destination) in destinations.iter().enumerate() {
                let mut answers = [u32::MAX; MAX_LISTS];
                let is_asked = grids.iter().enumerate().all(|(list, grid)| {
                    let Some(column) = columns[list][at] else { return false };
                    answers[list] = grid.answer(rows[list], column);
                    true
                });
                match &mut open {
                    Some((known, ports))
                        if is_asked && *known == answers && ports.1.wrapping_add(1) == destination.0 =>
                    {
                        ports.1 = destination.1;
                    }
                    _ => {
                        self.close(class, source, open.take());
                        open = is_asked.then_some((answers, *destination));
                    }
                }
            }
            self.close(class, source, open);
        }
    }

    fn close(&mut self, class: usize, source_ports: Ports, open: Option<([u32; MAX_LISTS], Ports)>) {
        let Some((answers, destination_ports)) = open else { return };
        let parts = &mut self.parts;
        let place = *self.places.entry(answers).or_insert_with(|| {
            parts.push((answers, Vec::new()));
            parts.len() - 1
        });
        parts[place].1.push(HeaderBox { class, source_ports, destination_ports });
    }
}

/// The ranges that begin at `starts`, which are sorted and begin with 0.
pub(super) fn parts_between(starts: Vec<u16>) -> Vec<Ports> {
    let ends = starts.iter().skip(1).map(|next| next - 1).chain([u16::MAX]).collect::<Vec<_>>();
    starts.into_iter().zip(ends).collect()
}

/// The same answers without the cuts at which none of them changes.
pub(super) fn smallest(grid: &HeaderGrid, answers: &[u32]) -> (HeaderGrid, Vec<u32>) {
    let columns = grid.destination_ports.len();
    let rows: Vec<&[u32]> = answers.chunks(columns).collect();
    let (source_ports, kept_rows) = joined(&grid.source_ports, |one, other| rows[one] == rows[other]);
    let same_column = |one: usize, other: usize| rows.iter().all(|row| row[one] == row[other]);
    let (destination_ports, kept_columns) = joined(&grid.destination_ports, same_column);
    let kept = kept_rows.iter().flat_map(|row| kept_columns.iter().map(|column| rows[*row][*column]));
    let answers = kept.collect();
    (HeaderGrid { class: grid.class, source_ports, destination_ports }, answers)
}

/// Neighbouring parts that are the same as one, and the place of the first of each.
fn joined(parts: &[Ports], is_same: impl Fn(usize, usize) -> bool) -> (Vec<Ports>, Vec<usize>) {
    let mut wide: Vec<Ports> = Vec::new();
    let mut firsts: Vec<usize> = Vec::new();
    for (place, part) in parts.iter().enumerate() {
        match (wide.last_mut(), firsts.last()) {
            (Some(open), Some(first)) if u32::from(open.1) + 1 == u32::from(part.0) && is_same(*first, place) => {
                open.1 = part.1;
            }
            _ => {
                wide.push(*part);
                firsts.push(place);
            }
        }
    }
    (wide, firsts)
}

/// The parts into which several divisions of the ports together divide them.
fn boundaries<'p>(divisions: impl Iterator<Item = &'p [Ports]>) -> Vec<Ports> {
    let mut starts: Vec<u16> = vec![ALL_PORTS.0];
    for (first, last) in divisions.flatten() {
        starts.push(*first);
        starts.extend(last.checked_add(1));
    }
    starts.sort_unstable();
    starts.dedup();
    parts_between(starts)
}

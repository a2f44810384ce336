//! Several captures as one stream in the order of their stamps.
//!
//! Each capture stays in its own order: what is next of it competes with what is next of the others, and the lowest stamp
//! goes first, of equal ones the capture that was given first. A record behind a later one of its own capture is late, and
//! counted. Some records of each capture wait at a time, so memory does not grow with them.

use super::batch::{Batch, Record};
use super::captures::{CaptureRange, RecordOrigin};
use super::error::CaptureError;
use super::reader::Reader;
use crate::time::SimTime;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Captures that are merged at most: all of them are open.
pub(super) const MAX_MERGED: usize = 512;

/// Records of each capture that wait at most.
const AHEAD: usize = 64;

/// Bytes of records that are handed out together.
const AT_ONCE: usize = 1 << 19;

/// Captures that are open, and in which order their records come.
#[derive(Default)]
pub(super) struct MergedInputs {
    inputs: Vec<MergedInput>,
    /// By stamp, and then in the order given.
    order: BinaryHeap<Reverse<(SimTime, usize)>>,
    /// Records so far, those that no frame could be read from included.
    records: u64,
    /// What ended a capture once the records before it have been handed out.
    damage: Vec<CaptureError>,
}

struct MergedInput {
    reader: Reader,
    /// Records that wait, and which is next.
    waiting: Batch,
    next: usize,
    /// The number and the stamp of the last one that was handed out.
    last: Option<(u64, SimTime)>,
    late: u64,
}

impl MergedInput {
    fn peek(&self) -> Option<Record> {
        self.waiting.records().get(self.next).copied()
    }

    /// The stamp of the next record; `None` at the end.
    fn next_time(&mut self) -> Result<Option<SimTime>, CaptureError> {
        if self.peek().is_none() {
            self.next = 0;
            self.reader.next_batch(&mut self.waiting, AHEAD)?;
        }
        Ok(self.peek().map(|record| record.time))
    }
}

impl MergedInputs {
    /// Adds a capture behind those that were given before it.
    pub(super) fn add(&mut self, reader: Reader) {
        let index = self.inputs.len();
        self.inputs.push(MergedInput { reader, waiting: Batch::new(), next: 0, last: None, late: 0 });
        self.queue(index);
    }

    /// Puts what is next of a capture where its stamp says.
    fn queue(&mut self, index: usize) {
        match self.inputs[index].next_time() {
            Ok(Some(time)) => self.order.push(Reverse((time, index))),
            Ok(None) => {}
            Err(error) => self.damage.push(error),
        }
    }

    /// True where records or damage are to come.
    pub(super) fn more_follow(&self) -> bool {
        !self.order.is_empty() || !self.damage.is_empty()
    }

    /// Gives the next records to `each`; 0 at the end of all captures.
    pub(super) fn next_records(
        &mut self,
        batch: &mut Batch,
        mut each: impl FnMut(&mut Batch, &mut Record, RecordOrigin<'_>) -> bool,
    ) -> Result<usize, CaptureError> {
        batch.clear();
        let (mut handed, mut bytes) = (0, 0);
        while self.damage.is_empty()
            && bytes < AT_ONCE
            && let Some(Reverse((time, index))) = self.order.pop()
        {
            let input = &mut self.inputs[index];
            let Some(record) = input.peek() else { continue };
            let (before, latest) = input.last.unwrap_or((0, time));
            input.late += u64::from(time < latest);
            input.last = Some((record.number, time.max(latest)));
            input.next += 1;
            // Records that no frame could be read from count with the one behind them.
            self.records += record.number - before;
            bytes += record.captured_len() as usize;
            let mut copy = batch.adopt_record(&input.waiting, &record, self.records);
            let interfaces = input.reader.interfaces();
            handed += 1;
            let is_enough = each(batch, &mut copy, RecordOrigin { capture: index, number: record.number, interfaces });
            self.queue(index);
            if is_enough {
                break;
            }
        }
        if handed == 0 && !self.damage.is_empty() {
            return Err(self.damage.remove(0));
        }
        Ok(handed)
    }

    /// Updates what is told of each capture.
    pub(super) fn update(&self, ranges: &mut [CaptureRange]) {
        for (range, input) in ranges.iter_mut().zip(&self.inputs) {
            range.update(&input.reader);
            range.late = input.late;
        }
    }

    /// The captures, in the order given.
    pub(super) fn readers(&self) -> impl Iterator<Item = &Reader> {
        self.inputs.iter().map(|input| &input.reader)
    }
}

//! Bytes in a row of pieces.

/// Bytes, cut into pieces that are found by their place.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    /// All pieces, one after the other. What is added belongs to the piece that is open.
    pub(crate) bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Pieces {
    /// Ends the open piece; the next one begins.
    pub(crate) fn end_piece(&mut self) {
        self.ends.push(self.bytes.len());
    }

    /// The piece at `index`, counted from 0.
    pub(crate) fn get(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[index]]
    }

    /// No pieces; the memory stays.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

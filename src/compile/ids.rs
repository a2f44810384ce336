//! Numbers of routes, rules and lists: given out, taken back, and given out again much later.

use std::collections::VecDeque;

/// How many numbers wait before the first of them is given out again. Until then, what was counted or recorded under a
/// number still finds its name.
pub(super) const WAITING: usize = 1024;

/// Gives out numbers from 0 on. Over any sequence of changes it gives out no more different ones than were in use at
/// once, and [`WAITING`].
#[derive(Clone, Debug, Default)]
pub(super) struct Ids {
    next: usize,
    /// Given back, the oldest first.
    waiting: VecDeque<usize>,
}

impl Ids {
    /// A number that nothing has: one more than all before, or one that waited long enough.
    pub(super) fn take(&mut self) -> usize {
        if self.waiting.len() >= WAITING
            && let Some(id) = self.waiting.pop_front()
        {
            return id;
        }
        self.next += 1;
        self.next - 1
    }

    /// Takes a number back.
    pub(super) fn give_back(&mut self, id: usize) {
        self.waiting.push_back(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_given_out_again_after_many_others_were_given_back() {
        let mut ids = Ids::default();
        let first = ids.take();
        ids.give_back(first);
        for round in 1..WAITING {
            let id = ids.take();
            assert_eq!(id, round);
            ids.give_back(id);
        }
        assert_eq!(ids.take(), first);
    }
}

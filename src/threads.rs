//! Threads that a system may refuse.

use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Builder, Scope, ScopedJoinHandle};

/// What both functions give; `second` runs in a thread of its own meanwhile, or afterwards where there is none to have.
///
/// ```
/// assert_eq!(biplane::threads::both(|| 1, || "two"), (1, "two"));
/// ```
pub fn both<A, B: Send>(first: impl FnOnce() -> A, second: impl Fn() -> B + Sync) -> (A, B) {
    thread::scope(|scope| match spawn(scope, &second) {
        Ok(thread) => {
            let first = first();
            (first, thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
        }
        Err(_) => (first(), second()),
    })
}

/// Starts a thread of `scope`.
///
/// # Errors
/// The system refuses it: too many threads, or no room for a stack.
pub fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> io::Result<ScopedJoinHandle<'scope, T>> {
    let spawned = Builder::new().spawn_scoped(scope, work);
    spawned.map_err(|error| io::Error::new(error.kind(), format!("cannot start a thread: {error}")))
}

/// Does `work` on each of `items` in up to `threads` threads, and gives the results to `take` in the order of the items,
/// each as soon as those before it are there. Where `take` breaks, what is left is not begun, and its results are not
/// given: what `take` sees does not depend on the number of threads.
///
/// ```
/// use std::ops::ControlFlow;
///
/// let mut taken = Vec::new();
/// biplane::threads::in_order(3, vec![1, 2, 3, 4, 5], |number| number * number, |square| {
///     taken.push(square);
///     if square == 9 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
/// });
/// assert_eq!(taken, [1, 4, 9]);
/// ```
pub fn in_order<T: Send, R: Send>(
    threads: usize,
    items: Vec<T>,
    work: impl Fn(T) -> R + Sync,
    mut take: impl FnMut(R) -> ControlFlow<()>,
) {
    // One thread more than the one that takes would only hand its results over.
    let threads = if threads > 1 { threads.min(items.len()) } else { 0 };
    let left = Mutex::new(items.into_iter().enumerate());
    let stopped = AtomicBool::new(false);
    let next = || {
        let is_open = !stopped.load(Ordering::Relaxed);
        // Nothing that holds the lock can panic.
        is_open.then(|| left.lock().unwrap_or_else(PoisonError::into_inner).next()).flatten()
    };
    thread::scope(|scope| {
        let (sender, results) = mpsc::channel();
        let mut started = 0;
        for _ in 0..threads {
            let (sender, next, work) = (sender.clone(), &next, &work);
            let drain = move || {
                while let Some((place, item)) = next() {
                    // Where results are no longer taken, nothing is left to do.
                    let _ = sender.send((place, work(item)));
                }
            };
            started += usize::from(spawn(scope, drain).is_ok());
        }
        drop(sender);
        if started == 0 {
            while let Some((_, item)) = next() {
                if take(work(item)).is_break() {
                    return;
                }
            }
            return;
        }
        let (mut early, mut due) = (BTreeMap::new(), 0);
        for (place, result) in results {
            early.insert(place, result);
            while let Some(result) = early.remove(&due) {
                due += 1;
                if take(result).is_break() {
                    stopped.store(true, Ordering::Relaxed);
                    return;
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items_for_any_number_of_threads() {
        for threads in [0, 1, 2, 7, 200] {
            for end in [0, 1, 50, 99, 1000] {
                let mut taken = Vec::new();
                let slow = |number: u64| (0..number % 7 * 1000).fold(number, |sum, _| std::hint::black_box(sum));
                in_order(threads, (0..100).collect(), slow, |number| {
                    taken.push(number);
                    if number == end { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                });
                assert_eq!(taken, (0..=end.min(99)).collect::<Vec<_>>(), "{threads} threads, to {end}");
            }
        }
    }
}

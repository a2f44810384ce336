//! Threads that a system may refuse.

use std::io;
use std::panic::resume_unwind;
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

//! Parts that are the project's own although there are libraries for them, each beside the libraries, on the same input
//! and in the same run: reading captures, writing lines of JSON, finding sessions, collections that snapshots share.
//! Every answer is compared before it is timed.

use criterion::{Criterion, criterion_group, criterion_main};
use std::sync::LazyLock;
use std::time::Duration;

mod captures;
mod lines;
mod sessions;
mod snapshots;

/// True for `-- --test`: everything once, untimed. Whether it still runs can be told from less.
static IS_SMOKE: LazyLock<bool> = LazyLock::new(|| std::env::args().any(|argument| argument == "--test"));

/// `count`, or a few of them where nothing is timed.
fn sized(count: usize) -> usize {
    if *IS_SMOKE { count.min(2_000) } else { count }
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1))
        .sample_size(20);
    targets = captures::captures, lines::lines, sessions::sessions, snapshots::snapshots
}
criterion_main!(benches);

//! Several workers, each in a thread of its own, and the thread that reads for them.

use super::Source;
use super::feed::Load;
use super::worker::{Share, Worker};
use super::writing::{Page, Press, Scribe, Writing};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::thread;

/// Loads that are being forwarded at once, and as many that are being written about.
const DEPTH: usize = 4;

/// What a worker is asked to do. Buffers travel in a circle.
enum Task {
    /// To forward its part of a load.
    Forward(Arc<Load>, Share),
    /// To write about all of a load that everybody has forwarded.
    Write(Arc<Load>, Vec<Share>, Page),
}

/// A worker in its thread, and the ways to and from it. The channels hold all that can be under way, so no thread
/// waits for room in one.
struct Hand<'scope> {
    tasks: Sender<Task>,
    shares: Receiver<Share>,
    pages: Receiver<(Vec<Share>, Page)>,
    thread: thread::ScopedJoinHandle<'scope, Worker>,
    /// Buffers that wait for their next load.
    idle: Vec<Share>,
}

/// Replays `source` with these workers, and gives them back.
pub(super) fn run(
    source: &mut Source<'_>,
    workers: Vec<Worker>,
    writing: &Writing<'_>,
    press: &mut Press<'_, '_>,
) -> io::Result<Vec<Worker>> {
    thread::scope(|scope| {
        let hire = |(own, worker)| Hand::hire(scope, own, worker, writing);
        let mut crew = Crew {
            hands: workers.into_iter().enumerate().map(hire).collect(),
            forwarding: VecDeque::new(),
            writing: VecDeque::new(),
            turn: 0,
            is_writing_wanted: writing.is_wanted(),
            loads: Vec::new(),
            pages: Vec::new(),
        };
        crew.run(source, press)?;
        Ok(crew.hands.into_iter().map(Hand::dismiss).collect())
    })
}

impl<'scope> Hand<'scope> {
    fn hire<'env: 'scope>(
        scope: &'scope thread::Scope<'scope, 'env>,
        own: usize,
        mut worker: Worker,
        writing: &'env Writing<'env>,
    ) -> Hand<'scope> {
        let (tasks, arriving) = bounded(2 * DEPTH + 2);
        let (done, shares) = bounded(DEPTH + 1);
        let (written, pages) = bounded(DEPTH + 1);
        let thread = scope.spawn(move || {
            let mut scribe = Scribe::new(writing);
            for task in arriving {
                let heard = match task {
                    Task::Forward(load, mut share) => {
                        worker.forward(&load, own, &mut share);
                        // Before the answer: whoever has all answers may use the load again.
                        drop(load);
                        done.send(share).is_ok()
                    }
                    Task::Write(load, shares, mut page) => {
                        scribe.write(&load, &shares, &mut page);
                        drop(load);
                        written.send((shares, page)).is_ok()
                    }
                };
                if !heard {
                    break;
                }
            }
            worker
        });
        Hand { tasks, shares, pages, thread, idle: Vec::new() }
    }

    /// A worker hangs up only when it panics, and joining it later passes the panic on.
    fn ask(&self, task: Task) {
        let _ = self.tasks.send(task);
    }

    fn dismiss(self) -> Worker {
        drop(self.tasks);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

struct Crew<'scope> {
    hands: Vec<Hand<'scope>>,
    /// Loads that are being forwarded, oldest first.
    forwarding: VecDeque<Arc<Load>>,
    /// Loads that are being written about, oldest first, and by whom.
    writing: VecDeque<(Arc<Load>, usize)>,
    /// Who writes next.
    turn: usize,
    is_writing_wanted: bool,
    /// Buffers that wait for their next use.
    loads: Vec<Load>,
    pages: Vec<Page>,
}

impl Crew<'_> {
    fn run(&mut self, source: &mut Source<'_>, press: &mut Press<'_, '_>) -> io::Result<()> {
        loop {
            let mut load = self.loads.pop().unwrap_or_default();
            let more = source.next(&mut load);
            if more {
                self.begin(Arc::new(load));
            }
            if self.forwarding.len() > DEPTH || !more {
                self.end_forwarding(source, press);
            }
            if self.writing.len() > DEPTH || !more {
                self.end_writing(source, press)?;
            }
            if !more && self.forwarding.is_empty() && self.writing.is_empty() {
                return Ok(());
            }
        }
    }

    fn begin(&mut self, load: Arc<Load>) {
        for hand in &mut self.hands {
            let share = hand.idle.pop().unwrap_or_default();
            hand.ask(Task::Forward(Arc::clone(&load), share));
        }
        self.forwarding.push_back(load);
    }

    /// Waits until the oldest load is forwarded.
    fn end_forwarding(&mut self, source: &Source<'_>, press: &mut Press<'_, '_>) {
        let Some(load) = self.forwarding.pop_front() else { return };
        let shares: Vec<Share> = self.hands.iter().filter_map(|hand| hand.shares.recv().ok()).collect();
        if shares.len() < self.hands.len() {
            return;
        }
        if self.is_writing_wanted {
            let page = self.pages.pop().unwrap_or_default();
            self.hands[self.turn].ask(Task::Write(Arc::clone(&load), shares, page));
            self.writing.push_back((load, self.turn));
            self.turn = (self.turn + 1) % self.hands.len();
        } else {
            self.retire(load, shares, source, press);
        }
    }

    /// Waits until what is to be said about the oldest load is written, and hands it on.
    fn end_writing(&mut self, source: &mut Source<'_>, press: &mut Press<'_, '_>) -> io::Result<()> {
        let Some((load, scribe)) = self.writing.pop_front() else { return Ok(()) };
        let Ok((shares, page)) = self.hands[scribe].pages.recv() else { return Ok(()) };
        press.print(&page)?;
        self.pages.push(page);
        self.retire(load, shares, source, press);
        Ok(())
    }

    fn retire(&mut self, load: Arc<Load>, shares: Vec<Share>, source: &Source<'_>, press: &mut Press<'_, '_>) {
        press.tell(source.feed.progress(), &load);
        self.loads.extend(Arc::try_unwrap(load));
        for (hand, share) in self.hands.iter_mut().zip(shares) {
            hand.idle.push(share);
        }
    }
}

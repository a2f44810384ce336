//! The threads of a replay. All are alike, the calling one included: each owns shards of the fabric from beginning to
//! end, and each takes turns at whatever does not depend on who does it.
//!
//! ```text
//!           read           forward              write          print
//!  spare ----------> queue of every hand ----> unwritten ----> written ----> spare
//!         one at a     each its own part,       anybody        the calling thread,
//!           time       in order; the last                      in order
//!                      one passes it on
//! ```
//!
//! Loads travel in a circle, and there are few of them, so memory is bounded; no channel holds more than there are
//! loads, so no thread ever waits for room in one. A hand that has little waiting for it reads ahead, where there is a
//! spare load and nobody else reads; else it forwards what waits for it alone; else it writes. So reading and writing
//! fall to whoever has less to forward, and no core is idle because frames are shared out unevenly. With one worker
//! there are one hand and one load, and nothing waits for anything.

use super::Source;
use super::feed::Load;
use super::worker::{Share, Worker};
use super::writing::{Page, Press, Scribe, Writing};
use crate::threads::spawn;
use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded, never, select};
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;

/// Loads that may wait for a hand before it leaves reading to the others. Fewer, and a hand that has caught up finds
/// nothing to do while another one reads; more than there are, and a hand that is behind goes on reading, while those
/// who are not have nothing to do.
const READ_AHEAD: usize = 6;

/// Loads under way, beside one for each hand, where there are several.
const MORE_LOADS: usize = 5;

/// A load on its way, and what becomes of it.
#[derive(Default)]
struct Job {
    /// Its place in the capture.
    number: u64,
    load: Load,
    /// By hand, which is the only one to touch its share until all have forwarded their parts.
    shares: Vec<Mutex<Share>>,
    /// Hands that have.
    forwarded: AtomicUsize,
    page: Page,
    /// How far the capture was read with it.
    progress: (u64, Option<u64>),
}

impl Job {
    fn is_forwarded(&self) -> bool {
        self.forwarded.load(Ordering::Relaxed) == self.shares.len()
    }
}

/// Where the capture is read, by one hand at a time.
struct Desk<'a, 's> {
    source: &'a mut Source<'s>,
    /// True where reading may wait for more to come, however long: a pipe. Nothing that was read waits meanwhile.
    is_live: bool,
    /// To each hand; none once there is nothing more to read.
    queues: Vec<Sender<Arc<Job>>>,
    /// Loads that were read.
    count: u64,
}

impl Desk<'_, '_> {
    /// Reads the next load for all hands.
    fn read(&mut self, mut job: Job) {
        if self.queues.is_empty() || !self.source.next(&mut job.load) {
            return self.close();
        }
        job.number = self.count;
        job.forwarded = AtomicUsize::new(0);
        job.progress = self.source.feed.progress();
        self.count += 1;
        let job = Arc::new(job);
        let Some((last, others)) = self.queues.split_last() else { return };
        // Who has hung up has closed the desk or is about to.
        for queue in others {
            let _ = queue.send(Arc::clone(&job));
        }
        // Nothing is kept here: the last one to let go of a load passes it on.
        let _ = last.send(job);
    }

    fn close(&mut self) {
        self.queues.clear();
    }
}

/// Closes the desk when its hand leaves, be it by a panic or because nothing can be printed any more: the other hands
/// end when they have done what was read.
struct Leaving<'d, 'a, 's>(&'d Mutex<Desk<'a, 's>>);

impl Drop for Leaving<'_, '_, '_> {
    fn drop(&mut self) {
        lock(self.0).close();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// One of the threads: what it owns, and its ways to the others.
struct Hand<'d, 'a, 's> {
    own: usize,
    worker: Worker,
    scribe: Scribe<'d>,
    desk: &'d Mutex<Desk<'a, 's>>,
    spare: Receiver<Job>,
    queue: Receiver<Arc<Job>>,
    to_write: Sender<Job>,
    unwritten: Receiver<Job>,
    to_print: Sender<Job>,
}

impl Hand<'_, '_, '_> {
    /// Does all there is to do, and gives the worker back. The one thread that prints has a `printer`.
    fn work(mut self, mut printer: Option<Printer<'_, '_, '_>>) -> io::Result<Worker> {
        let _leaving = Leaving(self.desk);
        while self.take_turn(printer.as_mut())? {}
        let Hand { worker, mut scribe, to_write, unwritten, to_print, .. } = self;
        // Others may still forward what they then find nobody else to write about.
        drop(to_write);
        for job in unwritten {
            write(&mut scribe, job, &to_print);
        }
        drop(to_print);
        if let Some(mut printer) = printer {
            printer.print_all()?;
        }
        Ok(worker)
    }

    /// Does the most urgent thing there is to do, or waits for one; false once everything is read and forwarded here.
    fn take_turn(&mut self, mut printer: Option<&mut Printer<'_, '_, '_>>) -> io::Result<bool> {
        if let Some(printer) = &mut printer {
            printer.print_ready()?;
        }
        if let Some(mut desk) = try_lock(self.desk)
            && self.may_read(&desk, printer.as_deref())
            && let Ok(job) = self.spare.try_recv()
        {
            desk.read(job);
            return Ok(true);
        }
        match self.queue.try_recv() {
            Ok(job) => {
                self.forward(job);
                return Ok(true);
            }
            Err(TryRecvError::Disconnected) => return Ok(false),
            Err(TryRecvError::Empty) => {}
        }
        if let Ok(job) = self.unwritten.try_recv() {
            write(&mut self.scribe, job, &self.to_print);
            return Ok(true);
        }
        // Whoever reads will send something; and it may take a while, so nobody waits for the desk itself.
        let may_read = try_lock(self.desk).is_some_and(|desk| self.may_read(&desk, printer.as_deref()));
        let nothing = never();
        let spare = if may_read { &self.spare } else { &nothing };
        select! {
            recv(self.queue) -> job => match job {
                Ok(job) => self.forward(job),
                Err(_) => return Ok(false),
            },
            recv(self.unwritten) -> job => job.into_iter().for_each(|job| write(&mut self.scribe, job, &self.to_print)),
            recv(spare) -> job => match job {
                Ok(job) => self.read(job, printer.as_deref()),
                // Nobody prints any more.
                Err(_) => return Ok(false),
            },
            recv(printer.as_ref().map_or(&nothing, |printer| &printer.written)) -> job => {
                if let (Some(printer), Ok(job)) = (printer, job) {
                    printer.take(job)?;
                }
            }
        }
        Ok(true)
    }

    /// Whether this hand is free to read ahead. From a pipe it reads only when everything it has to do is done.
    fn may_read(&self, desk: &Desk<'_, '_>, printer: Option<&Printer<'_, '_, '_>>) -> bool {
        match desk.is_live {
            true => self.queue.is_empty() && printer.is_none_or(|printer| printer.next == desk.count),
            false => self.queue.len() < READ_AHEAD,
        }
    }

    /// Reads into `job`, which was waited for: another hand may have read since.
    fn read(&mut self, job: Job, printer: Option<&Printer<'_, '_, '_>>) {
        let mut desk = lock(self.desk);
        if desk.is_live {
            // Whoever has the desk gets no more work.
            while let Ok(job) = self.queue.try_recv() {
                self.forward(job);
            }
            if let Some(printer) = printer.filter(|printer| printer.next != desk.count) {
                let _ = printer.spare.send(job);
                return;
            }
        }
        desk.read(job);
    }

    fn forward(&mut self, job: Arc<Job>) {
        self.worker.forward(&job.load, self.own, &mut lock(&job.shares[self.own]));
        job.forwarded.fetch_add(1, Ordering::Relaxed);
        // Only the last one to let go of it gets it. A hand that has left early has let go without forwarding.
        if let Some(job) = Arc::into_inner(job).filter(Job::is_forwarded) {
            let next = if self.scribe.is_wanted() { &self.to_write } else { &self.to_print };
            let _ = next.send(job);
        }
    }
}

fn write(scribe: &mut Scribe<'_>, mut job: Job, to_print: &Sender<Job>) {
    let shares: Vec<_> = job.shares.iter().map(lock).collect();
    scribe.write(&job.load, shares.iter().map(|share| &**share), &mut job.page);
    drop(shares);
    let _ = to_print.send(job);
}

/// The calling thread's part: what was written leaves in the order of the capture.
struct Printer<'p, 's, 'a> {
    press: &'p mut Press<'s, 'a>,
    written: Receiver<Job>,
    spare: Sender<Job>,
    /// Jobs whose predecessors are under way.
    early: BTreeMap<u64, Job>,
    /// Which is next.
    next: u64,
}

impl Printer<'_, '_, '_> {
    fn print_ready(&mut self) -> io::Result<()> {
        while let Ok(job) = self.written.try_recv() {
            self.take(job)?;
        }
        Ok(())
    }

    /// Waits until all others have left.
    fn print_all(&mut self) -> io::Result<()> {
        while let Ok(job) = self.written.recv() {
            self.take(job)?;
        }
        Ok(())
    }

    fn take(&mut self, job: Job) -> io::Result<()> {
        self.early.insert(job.number, job);
        while let Some(mut job) = self.early.remove(&self.next) {
            self.press.print(&mut job.page)?;
            self.press.tell(job.progress, &job.load);
            self.next += 1;
            // At the end nobody reads any more.
            let _ = self.spare.send(job);
        }
        Ok(())
    }
}

/// Replays `source` with these workers, the first in this thread and each other in one of its own, and gives them back.
pub(super) fn run(
    source: &mut Source<'_>,
    workers: Vec<Worker>,
    writing: &Writing<'_>,
    press: &mut Press<'_, '_>,
) -> io::Result<Vec<Worker>> {
    let hands = workers.len();
    let loads = if hands == 1 { 1 } else { hands + MORE_LOADS };
    let (returned, spare) = bounded(loads);
    for _ in 0..loads {
        let shares = std::iter::repeat_with(Mutex::default).take(hands).collect();
        let _ = returned.send(Job { shares, ..Job::default() });
    }
    let (to_write, unwritten) = bounded(loads);
    let (to_print, written) = bounded(loads);
    let (queues, arriving): (Vec<_>, Vec<_>) = workers.iter().map(|_| bounded(loads)).unzip();
    let is_live = source.feed.progress().1.is_none();
    let desk = Mutex::new(Desk { source, is_live, queues, count: 0 });
    let hire = |(own, (worker, queue))| Hand {
        own,
        worker,
        scribe: Scribe::new(writing),
        desk: &desk,
        spare: spare.clone(),
        queue,
        to_write: to_write.clone(),
        unwritten: unwritten.clone(),
        to_print: to_print.clone(),
    };
    let mut crew: Vec<Hand<'_, '_, '_>> = workers.into_iter().zip(arriving).enumerate().map(hire).collect();
    // From here on these are open as long as a hand may send something.
    drop((to_write, to_print));
    thread::scope(|scope| {
        let others = crew.split_off(1.min(hands));
        // Nobody reads before all are there: without one of them no load would ever be whole.
        let mut closed = lock(&desk);
        let mut threads = Vec::with_capacity(others.len());
        for hand in others {
            match spawn(scope, move || hand.work(None)) {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    closed.close();
                    return Err(error);
                }
            }
        }
        drop(closed);
        let mut printer = Some(Printer { press, written, spare: returned, early: BTreeMap::new(), next: 0 });
        let here: io::Result<Vec<Worker>> = crew.into_iter().map(|hand| hand.work(printer.take())).collect();
        let mut workers = here?;
        for thread in threads {
            workers.push(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(workers)
    })
}

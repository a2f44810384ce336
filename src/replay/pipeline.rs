//! The threads of a replay. All are alike, the calling one included: each owns shards of the fabric from beginning to
//! end, and each takes turns at reading and writing, which do not depend on the thread.
//!
//! ```text
//!           read           forward              write            print
//!  spare ----------> queue of every  ----> unwritten ----> written ----> spare
//!         one at a   thread, each           any thread       the calling thread,
//!           time     its own part                            in order
//! ```
//!
//! Batches travel in a circle, and there are few of them, so memory is bounded; no channel holds more than there are
//! batches, so no thread ever waits for room in one. The last thread to forward its part of a batch passes it on. A thread
//! with little in its queue reads ahead, where there is a spare batch and no other thread reads; else it forwards what
//! waits for it alone; else it writes. So the thread with the least to forward reads and writes, and no core is idle
//! because frames are shared out unevenly. With one worker there are one thread and one batch, and nothing waits.
//!
//! Where timing is on, forwarded batches go to the calling thread straight away: see `late`.

use super::Source;
use super::feed::FrameBatch;
use super::late::LateJobs;
use super::timing::Receiving;
use super::worker::{BurstOutput, Counters, Worker};
use super::writing::{EncodedBatch, OutputFormat, ReplayWriter};
use crate::threads::spawn;
use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded, never, select};
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;

/// Batches that may wait for a thread before it leaves reading to the others. Fewer, and a thread that has caught up finds
/// nothing to do while another one reads; more than there are, and a thread that is behind goes on reading, while the
/// others have nothing to do.
const READ_AHEAD: usize = 6;

/// Batches under way, beside one for each thread, where there are several.
const MORE_BATCHES: usize = 5;

/// A batch on its way, and what becomes of it.
#[derive(Default)]
pub(super) struct Job {
    /// Its place in the capture.
    number: u64,
    pub(super) batch: FrameBatch,
    /// One per thread, which is the only one to touch it until all have forwarded their parts.
    pub(super) outputs: Vec<Mutex<BurstOutput>>,
    /// How many threads have.
    forwarded: AtomicUsize,
    pub(super) encoded: EncodedBatch,
    /// How far the capture was read with it.
    progress: (u64, Option<u64>),
}

impl Job {
    /// An empty one for so many threads.
    pub(super) fn of_threads(count: usize) -> Job {
        Job { outputs: std::iter::repeat_with(Mutex::default).take(count).collect(), ..Job::default() }
    }

    fn is_forwarded(&self) -> bool {
        // This is read by the one thread that has dropped the job last. That drop is ordered behind the drops of all
        // other threads, and each of these counted itself before it dropped the job, so `Relaxed` is enough.
        self.forwarded.load(Ordering::Relaxed) == self.outputs.len()
    }
}

/// Where the capture is read, by one thread at a time.
struct InputStage<'a, 's> {
    source: &'a mut Source<'s>,
    /// True where reading may wait for more to come, however long: a pipe. Nothing that was read waits meanwhile.
    is_live: bool,
    /// To each thread; none once there is nothing more to read.
    queues: Vec<Sender<Arc<Job>>>,
    /// Batches that were read.
    count: u64,
}

impl InputStage<'_, '_> {
    /// Reads the next batch for all threads.
    fn read(&mut self, mut job: Job) {
        if self.queues.is_empty() || !self.source.next(&mut job.batch) {
            return self.close();
        }
        job.number = self.count;
        job.forwarded = AtomicUsize::new(0);
        job.progress = self.source.feed.progress();
        self.count += 1;
        let job = Arc::new(job);
        let Some((last, others)) = self.queues.split_last() else { return };
        // A thread that has hung up has closed the input or is about to.
        for queue in others {
            let _ = queue.send(Arc::clone(&job));
        }
        // Nothing is kept here: the last thread to drop a batch passes it on.
        let _ = last.send(job);
    }

    fn close(&mut self) {
        self.queues.clear();
    }
}

/// Closes the input when its thread leaves, by a panic or because nothing can be printed any more: the other threads
/// end when they have done what was read.
struct Leaving<'d, 'a, 's>(&'d Mutex<InputStage<'a, 's>>);

impl Drop for Leaving<'_, '_, '_> {
    fn drop(&mut self) {
        lock(self.0).close();
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A poisoned lock is taken all the same. `Leaving` locks the input while its thread unwinds, and a second panic
    // there would abort the process. The first one is passed on where the thread is joined.
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
struct WorkerThread<'d, 'a, 's> {
    own: usize,
    worker: Worker,
    writing: &'d OutputFormat<'d>,
    /// Whether something is written about frames, and as soon as they are forwarded.
    writes_at_once: bool,
    input: &'d Mutex<InputStage<'a, 's>>,
    spare: Receiver<Job>,
    queue: Receiver<Arc<Job>>,
    to_write: Sender<Job>,
    unwritten: Receiver<Job>,
    to_print: Sender<Job>,
}

impl WorkerThread<'_, '_, '_> {
    /// Does all there is to do, and gives the worker back. The one thread that prints has a `printer`.
    fn work(mut self, mut printer: Option<Reorderer<'_, '_, '_>>) -> io::Result<Worker> {
        let _leaving = Leaving(self.input);
        while self.take_turn(printer.as_mut())? {}
        let WorkerThread { worker, writing, to_write, unwritten, to_print, .. } = self;
        // Other threads may still forward what then only they can write.
        // The loop below ends once no thread can send to it any more, this one included. With its own sender open it
        // would wait for ever. The same is true of `to_print` and `print_all`.
        drop(to_write);
        for job in unwritten {
            write(writing, job, &to_print);
        }
        drop(to_print);
        if let Some(mut printer) = printer {
            printer.print_all()?;
        }
        Ok(worker)
    }

    /// Does the most urgent thing there is to do, or waits for one; false once everything is read and forwarded here.
    fn take_turn(&mut self, mut printer: Option<&mut Reorderer<'_, '_, '_>>) -> io::Result<bool> {
        if let Some(printer) = &mut printer {
            // Printing comes before all else, because it gives batches back: where no batch is spare, no thread can
            // read, and soon none has anything to forward.
            printer.print_ready()?;
        }
        // Only tried: the thread that reads holds the lock for as long as reading takes, which may be for ever where it
        // reads a pipe. A thread that waited for the lock would leave its own queue unforwarded meanwhile.
        if let Some(mut input) = try_lock(self.input)
            && self.may_read(&input, printer.as_deref())
            && let Ok(job) = self.spare.try_recv()
        {
            input.read(job);
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
            write(self.writing, job, &self.to_print);
            return Ok(true);
        }
        // The thread that reads will send something; that may take a while, so no thread waits for the input itself.
        let may_read = try_lock(self.input).is_some_and(|input| self.may_read(&input, printer.as_deref()));
        let nothing = never();
        let spare = if may_read { &self.spare } else { &nothing };
        select! {
            recv(self.queue) -> job => match job {
                Ok(job) => self.forward(job),
                Err(_) => return Ok(false),
            },
            recv(self.unwritten) -> job => job.into_iter().for_each(|job| write(self.writing, job, &self.to_print)),
            recv(spare) -> job => match job {
                Ok(job) => self.read(job, printer.as_deref()),
                // Nothing is printed any more.
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

    /// Whether this thread is free to read ahead. From a pipe it reads only when everything it has to do is done.
    fn may_read(&self, input: &InputStage<'_, '_>, printer: Option<&Reorderer<'_, '_, '_>>) -> bool {
        match input.is_live {
            // A thread may be inside the read of a pipe for ever. No other thread can forward what is in its queue, and
            // only the calling thread prints, so both have to be done before. What waits to be written does not count:
            // any other thread can write it, and with one worker all is printed before anything is read.
            true => self.queue.is_empty() && printer.is_none_or(|printer| printer.next == input.count),
            false => self.queue.len() < READ_AHEAD,
        }
    }

    /// Reads into `job`, which was waited for: another thread may have read since.
    fn read(&mut self, job: Job, printer: Option<&Reorderer<'_, '_, '_>>) {
        let mut input = lock(self.input);
        if input.is_live {
            // The thread that holds the input gets no more work.
            while let Ok(job) = self.queue.try_recv() {
                self.forward(job);
            }
            if let Some(printer) = printer.filter(|printer| printer.next != input.count) {
                let _ = printer.spare.send(job);
                return;
            }
        }
        input.read(job);
    }

    fn forward(&mut self, job: Arc<Job>) {
        // No thread ever waits for this lock: each output has one thread until all parts are forwarded, and the
        // thread that gets the job then has it alone. It is needed because the job is shared, and is taken once per batch.
        self.worker.forward(&job.batch, self.own, &mut lock(&job.outputs[self.own]));
        job.forwarded.fetch_add(1, Ordering::Relaxed);
        // Only the last thread to drop it gets it. A thread that has left early has dropped it without forwarding.
        if let Some(job) = Arc::into_inner(job).filter(Job::is_forwarded) {
            let next = if self.writes_at_once { &self.to_write } else { &self.to_print };
            let _ = next.send(job);
        }
    }
}

fn write(writing: &OutputFormat<'_>, mut job: Job, to_print: &Sender<Job>) {
    encode(writing, &mut job);
    let _ = to_print.send(job);
}

/// Writes about the frames of a job.
pub(super) fn encode(writing: &OutputFormat<'_>, job: &mut Job) {
    let outputs: Vec<_> = job.outputs.iter().map(lock).collect();
    writing.write(&job.batch, outputs.iter().map(|output| &**output), &mut job.encoded);
}

/// The calling thread's part: what was written leaves in the order of the capture.
struct Reorderer<'p, 's, 'a> {
    writer: &'p mut ReplayWriter<'s, 'a>,
    written: Receiver<Job>,
    spare: Sender<Job>,
    /// Jobs whose predecessors are under way.
    early: BTreeMap<u64, Job>,
    /// Which is next.
    next: u64,
    /// Where timing is on: the receivers, who decide what is written.
    late: Option<LateJobs<'p>>,
}

impl Reorderer<'_, '_, '_> {
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
        if let Some(late) = &mut self.late {
            // Only here is it certain that no further frame arrives before those under way. Earlier, while another
            // thread could still send a job, a bucket might take two frames in the wrong order.
            late.receive_all();
            while let Some(mut job) = late.next_certain() {
                print(self.writer, &mut job)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, job: Job) -> io::Result<()> {
        // Jobs come in the order in which they were finished. Those that wait here cannot grow in number: a job counts
        // as one of the few batches until it is printed, and the job that is missing is among those under way.
        self.early.insert(job.number, job);
        while let Some(mut job) = self.early.remove(&self.next) {
            self.next += 1;
            let Some(late) = &mut self.late else {
                print(self.writer, &mut job)?;
                // At the end nothing is read any more.
                let _ = self.spare.send(job);
                continue;
            };
            // Another job goes on in its place, since it may be held for longer than there are jobs.
            let _ = self.spare.send(late.take(job));
            while let Some(mut job) = late.next_certain() {
                print(self.writer, &mut job)?;
                late.put_back(job);
            }
        }
        Ok(())
    }
}

fn print(writer: &mut ReplayWriter<'_, '_>, job: &mut Job) -> io::Result<()> {
    writer.print(&mut job.encoded)?;
    writer.tell(job.progress, &job.batch);
    Ok(())
}

/// Who forwards and who counts.
pub(super) struct Crew<'r> {
    pub(super) workers: Vec<Worker>,
    /// Where timing is on: the receivers' side of it, and what counts the frames then.
    pub(super) late: Option<(&'r mut Receiving, &'r mut Counters)>,
}

/// Replays `source` with these workers, the first in this thread and each other in one of its own, and gives them back.
pub(super) fn run(
    source: &mut Source<'_>,
    Crew { workers, late }: Crew<'_>,
    writing: &OutputFormat<'_>,
    writer: &mut ReplayWriter<'_, '_>,
) -> io::Result<Vec<Worker>> {
    let count = workers.len();
    let writes_at_once = writing.is_wanted() && late.is_none();
    let late = late.map(|(receiving, counters)| LateJobs::new(receiving, counters, writing));
    // With one worker nothing happens at the same time: a second batch would save no time, and would take room in the
    // cache.
    let batches = if count == 1 { 1 } else { count + MORE_BATCHES };
    let (returned, spare) = bounded(batches);
    for _ in 0..batches {
        let _ = returned.send(Job::of_threads(count));
    }
    let (to_write, unwritten) = bounded(batches);
    let (to_print, written) = bounded(batches);
    let (queues, arriving): (Vec<_>, Vec<_>) = workers.iter().map(|_| bounded(batches)).unzip();
    // An input of unknown length may pause at any place, as a pipe does. Taking a file for a pipe only costs time,
    // while taking a pipe for a file would hold back lines that are ready to be printed.
    let is_live = source.feed.progress().1.is_none();
    let input = Mutex::new(InputStage { source, is_live, queues, count: 0 });
    let thread_of = |(own, (worker, queue))| WorkerThread {
        own,
        worker,
        writing,
        writes_at_once,
        input: &input,
        spare: spare.clone(),
        queue,
        to_write: to_write.clone(),
        unwritten: unwritten.clone(),
        to_print: to_print.clone(),
    };
    let mut threads_here: Vec<WorkerThread<'_, '_, '_>> =
        workers.into_iter().zip(arriving).enumerate().map(thread_of).collect();
    // From here on these are open as long as a thread may send something.
    drop((to_write, to_print));
    thread::scope(|scope| {
        let others = threads_here.split_off(1.min(count));
        // No thread reads before all are there: without one of them no batch would ever be whole.
        let mut closed = lock(&input);
        let mut threads = Vec::with_capacity(others.len());
        for worker_thread in others {
            match spawn(scope, move || worker_thread.work(None)) {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    // No frame has been read so far, and none is from now on: the threads that have started find their
                    // queues closed and end, and the scope can return the error instead of waiting for them for ever.
                    closed.close();
                    return Err(error);
                }
            }
        }
        drop(closed);
        let mut printer = Some(Reorderer { writer, written, spare: returned, early: BTreeMap::new(), next: 0, late });
        let here: io::Result<Vec<Worker>> =
            threads_here.into_iter().map(|worker_thread| worker_thread.work(printer.take())).collect();
        let mut workers = here?;
        for thread in threads {
            workers.push(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(workers)
    })
}

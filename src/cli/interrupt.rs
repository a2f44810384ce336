//! Ctrl-C and SIGTERM: the first one ends the work cleanly, the second one at once.

use crate::capture::{CaptureOpener, Reader};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What a process that a signal ends gives as its exit code, less the number of the signal.
pub(super) const ENDED_BY_SIGNAL: i32 = 128;

/// Whether the work is to end.
pub(super) struct Interrupt {
    stop: Arc<AtomicBool>,
    signal: Arc<AtomicUsize>,
    #[cfg(unix)]
    wake: waiting::Wake,
}

impl Interrupt {
    /// Does not listen yet: until then, a signal ends the process as it always does.
    pub(super) fn new() -> io::Result<Interrupt> {
        Ok(Interrupt {
            stop: Arc::default(),
            signal: Arc::default(),
            #[cfg(unix)]
            wake: waiting::Wake::new()?,
        })
    }

    /// Listens from now on, to the end of the process.
    pub(super) fn listen(&self) -> io::Result<()> {
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds the flag unset and sets it, the second one finds it set.
            flag::register_conditional_shutdown(signal, ENDED_BY_SIGNAL + signal, Arc::clone(&self.stop))?;
            self.note(signal)?;
        }
        Ok(())
    }

    /// Listens from now on while a command runs that a terminal's Ctrl-C reaches, too: that ends nothing at once, however
    /// often it comes.
    #[cfg(target_os = "linux")]
    pub(super) fn listen_beside_a_command(&self) -> io::Result<()> {
        flag::register_conditional_shutdown(SIGTERM, ENDED_BY_SIGNAL + SIGTERM, Arc::clone(&self.stop))?;
        self.note(SIGTERM)?;
        self.note(SIGINT)
    }

    /// Takes note of each such signal.
    fn note(&self, signal: i32) -> io::Result<()> {
        flag::register_usize(signal, Arc::clone(&self.signal), signal.unsigned_abs() as usize)?;
        flag::register(signal, Arc::clone(&self.stop))?;
        #[cfg(unix)]
        self.wake.register(signal)?;
        Ok(())
    }

    /// Set by the first signal.
    pub(super) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// The exit code of a process that ended because of the signal that came; nothing without any.
    pub(super) fn exit_code(&self) -> Option<u8> {
        let signal = self.signal.load(Ordering::Relaxed);
        (signal != 0).then_some(ENDED_BY_SIGNAL as u8 + signal as u8)
    }

    /// Becomes readable when a signal comes.
    #[cfg(target_os = "linux")]
    pub(super) fn watched(&self) -> &std::os::unix::net::UnixStream {
        self.wake.watched()
    }

    /// Opens captures so that a signal ends the waiting for more of one, where it is no file; `-` is standard input.
    #[cfg(unix)]
    pub(super) fn opener(&self) -> io::Result<CaptureOpener> {
        let wake = self.wake.watcher()?;
        Ok(Box::new(move |path| match waiting::open(path, &wake) {
            Some(patient) => Reader::from_read(path.display().to_string(), Box::new(patient), None),
            // What is wrong with the file, a reader says best.
            None => Reader::open(path),
        }))
    }

    /// Opens captures.
    #[cfg(not(unix))]
    pub(super) fn opener(&self) -> io::Result<CaptureOpener> {
        Ok(Box::new(Reader::open))
    }
}

#[cfg(unix)]
mod waiting {
    use rustix::event::{PollFd, PollFlags, poll};
    use signal_hook::low_level::pipe;
    use std::fs::File;
    use std::io::{self, Read};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::path::Path;

    /// Two ends: a signal writes to the one, and what waits watches the other.
    pub(super) struct Wake {
        signal: UnixStream,
        watched: UnixStream,
    }

    impl Wake {
        pub(super) fn new() -> io::Result<Wake> {
            let (signal, watched) = UnixStream::pair()?;
            Ok(Wake { signal, watched })
        }

        /// Another end to watch.
        pub(super) fn watcher(&self) -> io::Result<UnixStream> {
            self.watched.try_clone()
        }

        #[cfg(target_os = "linux")]
        pub(super) fn watched(&self) -> &UnixStream {
            &self.watched
        }

        pub(super) fn register(&self, signal: i32) -> io::Result<()> {
            pipe::register(signal, self.signal.try_clone()?).map(|_| ())
        }
    }

    /// A pipe, socket or terminal.
    pub(super) struct Patient {
        source: File,
        watched: UnixStream,
    }

    /// What is at `path`, where it is neither a plain file nor missing.
    pub(super) fn open(path: &Path, watched: &UnixStream) -> Option<Patient> {
        let source = if path.as_os_str() == "-" {
            File::from(io::stdin().as_fd().try_clone_to_owned().ok()?)
        } else if std::fs::metadata(path).ok()?.is_file() {
            return None;
        } else {
            File::open(path).ok()?
        };
        Some(Patient { source, watched: watched.try_clone().ok()? })
    }

    impl Read for Patient {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let mut watched = [PollFd::new(&self.watched, PollFlags::IN), PollFd::new(&self.source, PollFlags::IN)];
            poll(&mut watched, None)?;
            if !watched[0].revents().is_empty() {
                return Err(io::Error::other("interrupted"));
            }
            self.source.read(buffer)
        }
    }
}

//! The first process of the process namespace: it starts the command, and everything inside ends with it.
//!
//! It is this program again, under another name. The fabric stays outside and holds the write end of a pipe, through
//! which come signals for the command. The pipe closes when the fabric ends, by whatever cause,
//! and then this process ends, too; and with the first process of a namespace the kernel kills all others.

use crate::text::shown;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{CWD, MemfdFlags, Mode, OFlags, memfd_create, openat, symlinkat};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind, unmount};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, kill_process, pidfd_open, set_parent_process_death_signal, wait,
};
use signal_hook::consts::SIGCHLD;
use signal_hook::low_level::pipe as signal_pipe;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

/// What this process is called.
pub(super) const NAME: &str = "biplane-inside";

/// The folder of a run, for [`super::at`].
pub(super) const FOLDER: &str = "BIPLANE_LIVE";

/// The file in it that lists endpoints: descriptor of the first process, and id.
pub(super) const ENDPOINTS: &str = "endpoints";

/// A command that is not there, and one that cannot be run, as shells say it.
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

/// What a process that a signal ends gives as its exit code, less the number of the signal.
pub(super) const ENDED_BY_SIGNAL: u8 = 128;

/// An endpoint as the first process is told of it.
pub(super) struct InsideEndpoint<'a> {
    pub(super) namespace: &'a File,
    pub(super) address: Ipv4Addr,
    pub(super) id: &'a str,
}

/// The first process, as the fabric sees it.
pub(super) struct Inside {
    process: Child,
    control: io::PipeWriter,
    /// What the first process opens by the numbers that it is given.
    _opened: (File, io::PipeReader),
}

impl Inside {
    /// Starts it in the namespaces that the present process is in or has prepared, with `command`; without one it waits.
    ///
    /// # Errors
    /// The system refuses it.
    pub(super) fn start(
        command: &[OsString],
        endpoints: &[InsideEndpoint<'_>],
        (stdin, stdout): (Stdio, Stdio),
    ) -> io::Result<Inside> {
        let mut told = String::new();
        for InsideEndpoint { namespace, address, id } in endpoints {
            let _ = writeln!(told, "{}\t{address}\t{id}", namespace.as_raw_fd());
        }
        let mut list = File::from(memfd_create("biplane-endpoints", MemfdFlags::CLOEXEC)?);
        list.write_all(told.as_bytes())?;
        let (reader, control) = io::pipe()?;
        let process = Command::new("/proc/self/exe")
            .arg0(NAME)
            .args([std::process::id().to_string(), list.as_raw_fd().to_string(), reader.as_raw_fd().to_string()])
            .args(command)
            .stdin(stdin)
            .stdout(stdout)
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("no process can be started inside: {error}")))?;
        Ok(Inside { process, control, _opened: (list, reader) })
    }

    /// A descriptor that becomes readable when the first process ends.
    pub(super) fn watched(&self) -> io::Result<OwnedFd> {
        Ok(pidfd_open(Pid::from_child(&self.process), PidfdFlags::empty())?)
    }

    /// Hands a signal on to the command.
    pub(super) fn send_signal(&mut self, number: u8) {
        // A process that has ended needs none.
        let _ = self.control.write_all(&[number]);
    }

    /// Ends all inside, if it has not ended, and gives the exit code of the command.
    pub(super) fn end(self) -> io::Result<u8> {
        let Inside { mut process, control, .. } = self;
        drop(control);
        let status = process.wait()?;
        Ok(exit_code(status.code(), status.signal()))
    }
}

fn exit_code(code: Option<i32>, signal: Option<i32>) -> u8 {
    let signal = signal.map(|signal| ENDED_BY_SIGNAL.wrapping_add(signal as u8));
    code.map(|code| code as u8).or(signal).unwrap_or(1)
}

/// Runs the first process with its own arguments.
pub(super) fn main(arguments: &[OsString]) -> ExitCode {
    match run(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// An endpoint as the first process knows it.
struct KnownEndpoint {
    namespace: File,
    address: Ipv4Addr,
    id: String,
}

fn run(arguments: &[OsString]) -> io::Result<u8> {
    let [fabric, list, control, command @ ..] = arguments else {
        return Err(io::Error::other(format!("`{NAME}` is a part of `biplane live`, and is not started alone")));
    };
    // Should the fabric have ended before, the pipe is closed.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let descriptors = Path::new("/proc").join(fabric).join("fd");
    let control = File::open(descriptors.join(control))?;
    let endpoints = read_endpoints(&descriptors, list)?;
    let folder = prepare_folder(&endpoints)?;
    let (woken, wake) = UnixStream::pair()?;
    signal_pipe::register(SIGCHLD, wake)?;
    let command = match start(command, &folder) {
        Ok(command) => command,
        Err(code) => return Ok(code),
    };
    supervise(command, &woken, &control)
}

/// Reads which endpoints there are; their namespaces are descriptors of the fabric.
fn read_endpoints(descriptors: &Path, list: &OsStr) -> io::Result<Vec<KnownEndpoint>> {
    let listed = std::fs::read_to_string(descriptors.join(list))?;
    let read = |line: &str| {
        let mut fields = line.splitn(3, '\t');
        let mut next = || fields.next().unwrap_or_default();
        let (namespace, address, id) = (next(), next(), next());
        let namespace = File::open(descriptors.join(namespace))?;
        let address = address.parse().unwrap_or(Ipv4Addr::UNSPECIFIED);
        Ok(KnownEndpoint { namespace, address, id: id.to_owned() })
    };
    listed.lines().map(read).collect()
}

/// The folder of the run, in memory: `at`, and the endpoints that it knows.
struct RunFolder {
    path: PathBuf,
    _descriptor: OwnedFd,
}

/// Mounts what only processes inside see: the folder, the names of endpoints, and `/proc` of the namespace.
fn prepare_folder(endpoints: &[KnownEndpoint]) -> io::Result<RunFolder> {
    let outer_number = std::fs::read_link("/proc/self")?;
    let cannot = |error: Errno| io::Error::other(format!("a folder in memory cannot be mounted: {error}"));
    // Under `/proc`, which is mounted anew above it: so it covers nothing that is needed, and no name leads to it but
    // a descriptor's.
    let safe = MountFlags::NOSUID | MountFlags::NODEV;
    mount("biplane", "/proc", "tmpfs", safe, Some(c"mode=0755")).map_err(cannot)?;
    let descriptor = openat(CWD, "/proc", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    write_names(endpoints)?;
    let is_own = mount("proc", "/proc", "proc", safe | MountFlags::NOEXEC, None).is_ok();
    if !is_own {
        // A container may forbid it. Then processes go by their numbers outside.
        unmount("/proc", UnmountFlags::DETACH).map_err(cannot)?;
    }
    let number = if is_own { PathBuf::from(std::process::id().to_string()) } else { outer_number };
    let own = Path::new("/proc").join(number);
    let mut listed = String::new();
    for KnownEndpoint { namespace, id, .. } in endpoints {
        let _ = writeln!(listed, "{}\t{id}", own.join("fd").join(namespace.as_raw_fd().to_string()).display());
    }
    let mode = Mode::RUSR | Mode::RGRP | Mode::ROTH;
    let file = openat(descriptor.as_fd(), ENDPOINTS, OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC, mode)?;
    File::from(file).write_all(listed.as_bytes())?;
    symlinkat(own.join("exe"), descriptor.as_fd(), super::at::NAME)?;
    let path = own.join("fd").join(descriptor.as_raw_fd().to_string());
    Ok(RunFolder { path, _descriptor: descriptor })
}

/// Lets the ids of endpoints be host names, and no other name cost a question to a name server. Best effort.
fn write_names(endpoints: &[KnownEndpoint]) -> io::Result<()> {
    let mut hosts = "127.0.0.1 localhost\n".to_owned();
    for KnownEndpoint { address, id, .. } in endpoints {
        let is_name = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.');
        if is_name && !address.is_unspecified() {
            let _ = writeln!(hosts, "{address} {id}");
        }
    }
    for (file, text) in [("hosts", hosts.as_str()), ("resolv.conf", "")] {
        let source = Path::new("/proc").join(file);
        std::fs::write(&source, text)?;
        let _ = mount_bind(&source, Path::new("/etc").join(file));
    }
    Ok(())
}

/// Starts the command with `at` in front of its path; its exit code where it cannot be started. Nothing without any.
fn start(command: &[OsString], folder: &RunFolder) -> Result<Option<Pid>, u8> {
    let [program, arguments @ ..] = command else { return Ok(None) };
    let mut path = folder.path.clone().into_os_string();
    if let Some(others) = std::env::var_os("PATH") {
        path.push(":");
        path.push(others);
    }
    let started = Command::new(program).args(arguments).env("PATH", path).env(FOLDER, &folder.path).spawn();
    started.map(|child| Pid::from_child(&child).into()).map_err(|error| complain(program, &error))
}

/// Says why a program cannot be started, and gives the exit code that shells have for it.
pub(super) fn complain(program: &OsStr, error: &io::Error) -> u8 {
    eprintln!("error: cannot start `{}`: {error}", shown(&program.to_string_lossy()));
    if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE }
}

/// Waits for the end of the command, or of the fabric, and takes the exit codes of all processes whose parents have
/// ended before them.
fn supervise(command: Option<Pid>, woken: &UnixStream, control: &File) -> io::Result<u8> {
    woken.set_nonblocking(true)?;
    loop {
        while let Some((pid, status)) = reap() {
            if Some(pid) == command {
                return Ok(exit_code(status.exit_status(), status.terminating_signal()));
            }
        }
        let mut watched = [PollFd::new(control, PollFlags::IN), PollFd::new(woken, PollFlags::IN)];
        match poll(&mut watched, None) {
            Err(Errno::INTR) => continue,
            polled => polled?,
        };
        let [is_told, is_woken] = [0, 1].map(|index: usize| !watched[index].revents().is_empty());
        if is_woken {
            let _ = { woken }.read(&mut [0; 64]);
        }
        if is_told {
            let mut signal = [0];
            if { control }.read(&mut signal)? == 0 {
                return Ok(0);
            }
            if let (Some(pid), Some(signal)) = (command, Signal::from_named_raw(signal[0].into())) {
                let _ = kill_process(pid, signal);
            }
        }
    }
}

/// A process that has ended, if there is one.
fn reap() -> Option<(Pid, WaitStatus)> {
    loop {
        match wait(WaitOptions::NOHANG) {
            Err(Errno::INTR) => {}
            ended => return ended.ok().flatten(),
        }
    }
}

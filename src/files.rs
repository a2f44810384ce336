//! Files that are written: each appears whole or not at all, and never in the place of a file that is read.
//!
//! A file is written beside its target and renamed once it is complete and on the disk. Until then it has no name, where the
//! file system has such files, so that nothing is left of a program that is killed; elsewhere its name is hidden. Devices,
//! pipes and descriptors cannot be replaced and are written directly. Files are told apart by device and inode, not by name:
//! a hard link, a symbolic link and `/dev/fd/3` all lead to the same one.

use crate::text::shown_path;
use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

/// Most symbolic links that are followed to a target; the limit of Linux.
const MAX_LINKS: usize = 40;

/// Bytes that are collected before the system gets them.
const BUFFER: usize = 1 << 16;

/// The files that a command reads.
#[derive(Debug, Default)]
pub struct Inputs {
    files: Vec<(identity::Identity, &'static str)>,
}

impl Inputs {
    /// Takes note of the file at `path`, where there is one; `-` is standard input. `what` is what messages call it:
    /// `capture`.
    pub fn add(&mut self, path: &Path, what: &'static str) {
        let identity = if path.as_os_str() == "-" { identity::of_standard_input() } else { identity::of_file(path) };
        self.files.extend(identity.map(|identity| (identity, what)));
    }

    /// Refuses standard output where that is one of these files.
    ///
    /// # Errors
    /// It is: what is printed would be read, or replace what is read.
    pub fn refuse_standard_output(&self) -> io::Result<()> {
        self.refuse(identity::of_standard_output(), "standard output")
    }

    fn refuse(&self, target: Option<identity::Identity>, name: &str) -> io::Result<()> {
        match self.files.iter().find(|(input, _)| Some(input) == target.as_ref()) {
            Some((_, what)) => Err(io::Error::other(format!("{name} would overwrite the {what} that is being read"))),
            None => Ok(()),
        }
    }
}

/// Files, each known by what it is and not by its name.
#[derive(Debug, Default)]
pub(crate) struct FileSet {
    files: HashSet<identity::Identity>,
}

impl FileSet {
    /// Takes note of the file at `path`; false where a path before led to the same one. What is no file and no block
    /// device is never the same.
    pub(crate) fn insert(&mut self, path: &Path) -> bool {
        identity::of_file(path).is_none_or(|identity| self.files.insert(identity))
    }
}

/// A file that is being written. Dropped before [`OutputFile::finish`], it leaves its target as it was.
pub struct OutputFile {
    to: BufWriter<Box<dyn Write + Send>>,
    /// What messages call it.
    name: String,
    /// Where it is put together, and where it belongs.
    part: Option<PartFile>,
}

struct PartFile {
    file: File,
    /// How it gets a name, where it has none yet.
    unnamed: Option<unnamed::Descriptors>,
    /// Its hidden name, where it has one.
    path: Option<PathBuf>,
    target: PathBuf,
}

/// Where a path leads.
enum Target {
    StandardOutput,
    /// A descriptor of this or another process.
    Descriptor(PathBuf),
    /// Anything else, with links followed.
    File(PathBuf),
}

impl OutputFile {
    /// Begins to write to `path`; `-` is standard output.
    ///
    /// # Errors
    /// The path leads to one of `inputs`, or cannot be written to.
    pub fn create(path: &Path, inputs: &Inputs) -> io::Result<OutputFile> {
        let quoted = format!("`{}`", shown_path(path));
        let unwritable = |error| unwritable(&quoted, &error);
        let target = follow(path).map_err(unwritable)?;
        let target = match target {
            Target::StandardOutput => {
                inputs.refuse(identity::of_standard_output(), &quoted)?;
                return Ok(OutputFile::direct(Box::new(standard_output()?), quoted.clone()));
            }
            Target::Descriptor(path) => {
                inputs.refuse(identity::of_file(&path), &quoted)?;
                // Behind what stands there: another process may have written some of it.
                let file = OpenOptions::new().append(true).open(path).map_err(unwritable)?;
                return Ok(OutputFile::direct(Box::new(file), quoted.clone()));
            }
            Target::File(target) => target,
        };
        inputs.refuse(identity::of_file(&target), &quoted)?;
        let existing = match fs::metadata(&target) {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(unwritable(error)),
        };
        if let Some(metadata) = &existing {
            // A rename would replace a file that may not be written to.
            let file = OpenOptions::new().write(true).open(&target).map_err(unwritable)?;
            if !metadata.is_file() {
                return Ok(OutputFile::direct(Box::new(file), quoted.clone()));
            }
        }
        let part = PartFile::beside(&target).map_err(unwritable)?;
        if let Some(metadata) = &existing {
            // Best effort: a file system without permissions has none to keep.
            let _ = part.file.set_permissions(metadata.permissions());
        }
        let file = part.file.try_clone().map_err(unwritable)?;
        Ok(OutputFile { part: Some(part), ..OutputFile::direct(Box::new(file), quoted.clone()) })
    }

    /// True where `path` is standard output under any of its names.
    pub fn is_standard_output(path: &Path) -> bool {
        matches!(follow(path), Ok(Target::StandardOutput))
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// Something cannot be written; the target is then as it was.
    pub fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        let Some(part) = self.part.take() else { return Ok(()) };
        part.put_in_place().map_err(|error| unwritable(&self.name, &error))
    }

    fn direct(to: Box<dyn Write + Send>, name: String) -> OutputFile {
        OutputFile { to: BufWriter::with_capacity(BUFFER, to), name, part: None }
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write(bytes).map_err(|error| unwritable(&self.name, &error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush().map_err(|error| unwritable(&self.name, &error))
    }
}

/// Writes `bytes` to `path` as [`OutputFile`] does.
///
/// # Errors
/// The path leads to one of `inputs`, or cannot be written to.
pub fn write(path: &Path, inputs: &Inputs, bytes: &[u8]) -> io::Result<()> {
    let mut file = OutputFile::create(path, inputs)?;
    file.write_all(bytes)?;
    file.finish()
}

impl PartFile {
    /// A new file in the folder of `target`, so that a rename suffices.
    fn beside(target: &Path) -> io::Result<PartFile> {
        match unnamed::create(folder_of(target)) {
            Some((file, unnamed)) => {
                Ok(PartFile { file, unnamed: Some(unnamed), path: None, target: target.to_owned() })
            }
            None => PartFile::named(target),
        }
    }

    fn named(target: &Path) -> io::Result<PartFile> {
        let create = |path: &Path| OpenOptions::new().write(true).create_new(true).open(path);
        let (path, file) = with_hidden_name(target, create)?;
        Ok(PartFile { file, unnamed: None, path: Some(path), target: target.to_owned() })
    }

    fn put_in_place(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        if let Some(unnamed) = self.unnamed.take() {
            // A link cannot replace what has the name; a rename can.
            match with_hidden_name(&self.target, |path| unnamed.link(&self.file, path)) {
                Ok((path, ())) => self.path = Some(path),
                // The system may refuse the link although it gave the file, and what was written must not be lost.
                Err(_) => return self.copied()?.put_in_place(),
            }
        }
        if let Some(path) = &self.path {
            fs::rename(path, &self.target)?;
        }
        // The rename itself. Not every system opens folders.
        let _ = File::open(folder_of(&self.target)).and_then(|folder| folder.sync_all());
        Ok(())
    }

    /// The same bytes in a file that has a hidden name.
    fn copied(mut self) -> io::Result<PartFile> {
        let mut named = PartFile::named(&self.target)?;
        let _ = named.file.set_permissions(self.file.metadata()?.permissions());
        self.file.rewind()?;
        io::copy(&mut self.file, &mut named.file)?;
        Ok(named)
    }
}

impl Drop for PartFile {
    /// After a rename there is nothing left to remove.
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}

/// Gives `make` hidden names beside `target` until one is free.
fn with_hidden_name<T>(target: &Path, make: impl Fn(&Path) -> io::Result<T>) -> io::Result<(PathBuf, T)> {
    let mut number = 0;
    loop {
        // Not after the target: its name may be as long as names can be.
        let path = folder_of(target).join(format!(".biplane-{}-{number}.part", std::process::id()));
        match make(&path) {
            Ok(made) => return Ok((path, made)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 1000 => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Files without a name, which are gone with the last descriptor of them.
#[cfg(all(target_os = "linux", feature = "cli"))]
mod unnamed {
    use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, open, readlinkat};
    use std::fs::File;
    use std::io;
    use std::os::fd::{AsRawFd, OwnedFd};
    use std::path::Path;

    /// The folder in which the system names the descriptors of this process. It is opened while that name leads there:
    /// `live` mounts another `/proc` before its capture is complete, and this process has no number in that one.
    pub(super) struct Descriptors(OwnedFd);

    /// A new one in `folder`; nothing where the file system has none, or where it could not be given a name.
    pub(super) fn create(folder: &Path) -> Option<(File, Descriptors)> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let file = File::from(open(folder, flags, Mode::from_raw_mode(0o666)).ok()?);
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let descriptors = open("/proc/self/fd", flags, Mode::empty()).ok()?;
        readlinkat(&descriptors, name_of(&file), Vec::new()).ok()?;
        Some((file, Descriptors(descriptors)))
    }

    impl Descriptors {
        /// Gives a file the name `path`, which nothing else may have.
        pub(super) fn link(&self, file: &File, path: &Path) -> io::Result<()> {
            Ok(linkat(&self.0, name_of(file), CWD, path, AtFlags::SYMLINK_FOLLOW)?)
        }
    }

    fn name_of(file: &File) -> String {
        file.as_raw_fd().to_string()
    }
}

#[cfg(not(all(target_os = "linux", feature = "cli")))]
mod unnamed {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    pub(super) enum Descriptors {}

    pub(super) fn create(_: &Path) -> Option<(File, Descriptors)> {
        None
    }

    impl Descriptors {
        pub(super) fn link(&self, _: &File, _: &Path) -> io::Result<()> {
            match *self {}
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Follows the links at `path`, but not those by which a system names descriptors: what is open may have no name, and
/// opening its name would begin at its start.
fn follow(path: &Path) -> io::Result<Target> {
    if path.as_os_str() == "-" {
        return Ok(Target::StandardOutput);
    }
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        if let Some(target) = descriptor(&path) {
            return Ok(target);
        }
        match fs::read_link(&path) {
            Ok(link) => path = folder_of(&path).join(link),
            // No link, or nothing there.
            Err(_) => return Ok(Target::File(path)),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

/// The descriptor that `path` names: `/dev/fd/3`, `/proc/self/fd/3`.
fn descriptor(path: &Path) -> Option<Target> {
    let number: u32 = path.file_name()?.to_str()?.parse().ok()?;
    let folder = fs::canonicalize(folder_of(path)).ok()?;
    let own = Path::new("/proc").join(std::process::id().to_string());
    let is_own = folder == Path::new("/dev/fd") || folder.starts_with(own);
    let is_any = is_own || (folder.starts_with("/proc") && folder.ends_with("fd"));
    match is_any {
        true if is_own && number == 1 => Some(Target::StandardOutput),
        true => Some(Target::Descriptor(path.to_owned())),
        false => None,
    }
}

fn unwritable(name: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot write {name}: {error}"))
}

#[cfg(unix)]
fn standard_output() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

#[cfg(not(unix))]
fn standard_output() -> io::Result<io::Stdout> {
    Ok(io::stdout())
}

/// What tells whether two paths lead to one file. Devices, pipes and terminals have none: they may be read and written.
#[cfg(unix)]
mod identity {
    use std::fs::{File, Metadata};
    use std::io;
    use std::os::fd::{AsFd, BorrowedFd};
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    use std::path::Path;

    /// Device and inode.
    pub(super) type Identity = (u64, u64);

    pub(super) fn of_file(path: &Path) -> Option<Identity> {
        of(&std::fs::metadata(path).ok()?)
    }

    pub(super) fn of_standard_input() -> Option<Identity> {
        of_descriptor(io::stdin().as_fd())
    }

    pub(super) fn of_standard_output() -> Option<Identity> {
        of_descriptor(io::stdout().as_fd())
    }

    fn of_descriptor(descriptor: BorrowedFd<'_>) -> Option<Identity> {
        of(&File::from(descriptor.try_clone_to_owned().ok()?).metadata().ok()?)
    }

    fn of(metadata: &Metadata) -> Option<Identity> {
        let is_kept = metadata.is_file() || metadata.file_type().is_block_device();
        is_kept.then(|| (metadata.dev(), metadata.ino()))
    }
}

#[cfg(not(unix))]
mod identity {
    use std::path::{Path, PathBuf};

    /// The path without links.
    pub(super) type Identity = PathBuf;

    pub(super) fn of_file(path: &Path) -> Option<Identity> {
        path.canonicalize().ok().filter(|path| path.is_file())
    }

    pub(super) fn of_standard_input() -> Option<Identity> {
        None
    }

    pub(super) fn of_standard_output() -> Option<Identity> {
        None
    }
}

#[cfg(test)]
mod tests;

//! Operations that come while the fabric runs: lines of a file that grows, of a named pipe, or of standard input.

use crate::scenario::STANDARD_INPUT;
use crate::text::shown_path;
use rustix::fs::{FileType, fstat};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// Bytes of the longest line; what is longer is no operation.
const LONGEST_LINE: usize = 4096;

/// Where operations come from.
pub struct OperationLines {
    file: File,
    /// What came behind the last whole line.
    rest: Vec<u8>,
    /// True until the end of a line that is too long.
    skips: bool,
    /// True for a plain file, which has to be looked at from time to time: it may grow.
    is_plain: bool,
}

impl OperationLines {
    /// Opens `path`; `-` is standard input. A file is followed as it grows, a named pipe from writer to writer.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(path: &Path) -> io::Result<OperationLines> {
        let unreadable =
            |error: io::Error| io::Error::new(error.kind(), format!("cannot read `{}`: {error}", shown_path(path)));
        let file = if path == Path::new(STANDARD_INPUT) {
            File::from(io::stdin().as_fd().try_clone_to_owned()?)
        } else {
            let is_pipe = fs::metadata(path).map_err(unreadable)?.file_type().is_fifo();
            // With a writer of its own a pipe has no end, and opening it does not wait.
            OpenOptions::new().read(true).write(is_pipe).open(path).map_err(unreadable)?
        };
        let kind = FileType::from_raw_mode(fstat(&file)?.st_mode);
        if kind == FileType::Directory {
            return Err(unreadable(Errno::ISDIR.into()));
        }
        Ok(OperationLines { file, rest: Vec::new(), skips: false, is_plain: kind == FileType::RegularFile })
    }

    /// What becomes readable when a line comes; nothing for a plain file.
    pub(super) fn watched(&self) -> Option<BorrowedFd<'_>> {
        (!self.is_plain).then(|| self.file.as_fd())
    }

    /// Adds the lines that have come to `lines`, without empty ones and comments. False at the end of what cannot grow.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn read(&mut self, lines: &mut VecDeque<String>) -> io::Result<bool> {
        let mut chunk = [0; LONGEST_LINE];
        loop {
            let count = match self.file.read(&mut chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            self.rest.extend_from_slice(&chunk[..count]);
            while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                if !std::mem::take(&mut self.skips) {
                    lines.extend(read_line(&self.rest[..end]));
                }
                self.rest.drain(..=end);
            }
            let is_over = count == 0 && !self.is_plain;
            // The last line of a pipe or terminal may lack its end.
            if is_over || self.rest.len() > LONGEST_LINE {
                if !self.skips {
                    lines.extend(read_line(&self.rest));
                }
                self.skips = !is_over;
                self.rest.clear();
            }
            // Of a plain file there may be more; anything else says so.
            if count == 0 || !self.is_plain {
                return Ok(!is_over);
            }
        }
    }
}

/// The operation of a line, if it may hold one. One that is too long becomes what is none, so that it is told.
fn read_line(bytes: &[u8]) -> Option<String> {
    let line = String::from_utf8_lossy(bytes);
    let line = line.trim();
    let shown: String = line.chars().take(40).collect();
    match line {
        "" => None,
        comment if comment.starts_with('#') => None,
        long if long.len() > LONGEST_LINE => Some(format!("{shown}…")),
        line => Some(line.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn lines(operations: &mut OperationLines) -> Vec<String> {
        let mut lines = VecDeque::new();
        operations.read(&mut lines).unwrap();
        lines.into()
    }

    #[test]
    fn a_file_gives_whole_lines_as_it_grows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("operations");
        let mut file = File::create(&path).unwrap();
        file.write_all(b"# nothing yet\n\nstop i-web\nstart i-").unwrap();
        let mut operations = OperationLines::open(&path).unwrap();
        assert_eq!(lines(&mut operations), ["stop i-web"]);
        assert_eq!(lines(&mut operations), [""; 0]);
        file.write_all(b"web\n").unwrap();
        assert_eq!(lines(&mut operations), ["start i-web"]);
    }

    #[test]
    fn a_line_that_is_too_long_is_none_to_its_end_and_the_next_one_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("operations");
        let long = "stop i-web ".repeat(LONGEST_LINE);
        fs::write(&path, format!("{long}\n#{long}\nstart i-web\n")).unwrap();
        let mut operations = OperationLines::open(&path).unwrap();
        let lines = lines(&mut operations);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].ends_with('…') && lines[0].len() < 100, "{lines:?}");
        assert_eq!(lines[1], "start i-web");
        assert!(operations.rest.len() <= LONGEST_LINE);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let error = OperationLines::open(Path::new("no/such/file")).err().unwrap();
        assert!(error.to_string().starts_with("cannot read `no/such/file`: "), "{error}");
    }
}

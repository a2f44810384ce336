//! Which captures a list of files and folders stands for, and in which order.
//!
//! A folder stands for its regular files, each once, in the order of their names with numbers compared as numbers: as
//! `tcpdump -C` and `-W` (`x.pcap`, `x.pcap1`, `x.pcap10`) and `dumpcap -b` (`x_00001_20260101.pcapng`) name what they
//! write one after the other. Neither hidden files nor links nor folders in it count. By their names and not by their
//! first stamps: so the order can be seen without reading a byte, and a damaged file has a place too.

use super::error::{CaptureError, CaptureProblem};
use crate::files::FileSet;
use std::cmp::Ordering;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The name of the file that tells that a folder holds captures of shards, cut once from other captures: each of them is read
/// by its shard.
pub const SPLIT_MANIFEST: &str = "split.json";

/// A file that is to be read as a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureFile {
    /// Where it is; `-` is standard input.
    pub path: PathBuf,
    /// True where a folder stood for it: it may turn out to be no capture.
    pub is_of_folder: bool,
}

/// Returns the files that `paths` stand for, in order. A file that is given by itself stands where it was given, and a
/// folder around it does not repeat it.
///
/// # Errors
/// A path leads nowhere or may not be read, or a folder has no file in it.
pub fn capture_files(paths: &[PathBuf]) -> Result<Vec<CaptureFile>, CaptureError> {
    let mut known = FileSet::default();
    let mut are_folders = Vec::with_capacity(paths.len());
    for path in paths {
        let is_folder = is_folder(path).map_err(|error| unreadable(path, error))?;
        if !is_folder {
            known.insert(path);
        }
        are_folders.push(is_folder);
    }
    let mut files = Vec::new();
    for (path, is_folder) in paths.iter().zip(are_folders) {
        if !is_folder {
            files.push(CaptureFile { path: path.clone(), is_of_folder: false });
            continue;
        }
        if path.join(SPLIT_MANIFEST).exists() {
            return Err(CaptureError::unopened(path.display().to_string(), CaptureProblem::Split));
        }
        let inside = regular_files(path).map_err(|error| unreadable(path, error))?;
        if inside.is_empty() {
            return Err(CaptureError::unopened(path.display().to_string(), CaptureProblem::NoCaptures));
        }
        let new = inside.into_iter().filter(|path| known.insert(path));
        files.extend(new.map(|path| CaptureFile { path, is_of_folder: true }));
    }
    Ok(files)
}

fn unreadable(path: &Path, error: io::Error) -> CaptureError {
    CaptureError::unopened(path.display().to_string(), CaptureProblem::Io(error))
}

/// Whether `path` is a folder; an error where it cannot be read. Only plain files are opened for that: to open a pipe
/// is to wait for its other end.
fn is_folder(path: &Path) -> io::Result<bool> {
    if path.as_os_str() == "-" {
        return Ok(false);
    }
    let metadata = fs::metadata(path)?;
    if metadata.is_file() {
        File::open(path)?;
    }
    Ok(metadata.is_dir())
}

/// The visible regular files of `folder`, in order.
fn regular_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !is_hidden && entry.file_type()?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort_by(|one, other| by_number(name(one), name(other)));
    Ok(files)
}

fn name(path: &Path) -> &[u8] {
    path.file_name().unwrap_or_default().as_encoded_bytes()
}

/// Compares names, numbers in them as numbers: `x9` stands before `x10`. Names that differ in zeros before a number
/// alone are compared byte by byte.
fn by_number(one: &[u8], other: &[u8]) -> Ordering {
    let (mut left, mut right) = (one, other);
    loop {
        let order = match (left.first(), right.first()) {
            (Some(a), Some(b)) if a.is_ascii_digit() && b.is_ascii_digit() => {
                let (a, b) = (take_number(&mut left), take_number(&mut right));
                a.len().cmp(&b.len()).then(a.cmp(b))
            }
            (Some(a), Some(b)) => {
                (left, right) = (&left[1..], &right[1..]);
                a.cmp(b)
            }
            (None, None) => return one.cmp(other),
            (a, b) => return a.cmp(&b),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Takes the digits at the start of `text`, and returns them without zeros in front.
fn take_number<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    *text = rest;
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    &digits[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use tempfile::TempDir;

    fn folder(names: &[&str]) -> TempDir {
        let folder = TempDir::new().unwrap();
        for name in names {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            File::create(path).unwrap().write_all(name.as_bytes()).unwrap();
        }
        folder
    }

    fn names(files: &[CaptureFile]) -> Vec<&str> {
        files.iter().map(|file| file.path.file_name().unwrap().to_str().unwrap()).collect()
    }

    #[test]
    fn rotated_files_stand_in_the_order_they_were_written_in() {
        for expected in [
            &["x.pcap", "x.pcap1", "x.pcap2", "x.pcap10", "x.pcap100"][..],
            &["x.pcap.gz", "x.pcap1.gz", "x.pcap9.gz", "x.pcap10.gz"],
            &["x_00001_20260101120000.pcapng", "x_00002_20260101110000.pcapng", "x_00010_20260101100000.pcapng"],
            &["x0998.pcap", "x999.pcap", "x1000.pcap", "x18446744073709551615.pcap", "x18446744073709551616.pcap"],
            &["x01", "x1", "x01a", "x2"],
        ] {
            let folder = folder(expected);
            let files = capture_files(&[folder.path().to_owned()]).unwrap();
            assert_eq!(names(&files), expected);
        }
    }

    #[test]
    fn a_folder_has_each_visible_regular_file_of_its_own_once() {
        let folder = folder(&["b.pcap", "a.pcap", ".biplane-1-0.part", "below/c.pcap"]);
        let path = |name: &str| folder.path().join(name);
        #[cfg(unix)]
        std::os::unix::fs::symlink(path("a.pcap"), path("latest.pcap")).unwrap();
        fs::hard_link(path("b.pcap"), path("z.pcap")).unwrap();
        let files = capture_files(&[folder.path().to_owned(), folder.path().join(".")]).unwrap();
        assert_eq!(names(&files), ["a.pcap", "b.pcap"]);
        assert!(files.iter().all(|file| file.is_of_folder));
        // What is given by itself stands there, as often as it is given.
        let given = [path("b.pcap"), folder.path().to_owned(), path("b.pcap")];
        assert_eq!(names(&capture_files(&given).unwrap()), ["b.pcap", "a.pcap", "b.pcap"]);
    }

    #[test]
    fn what_cannot_be_read_is_told_before_anything_is() {
        let folder = folder(&["a.pcap", "below/c.pcap"]);
        let missing = folder.path().join("missing.pcap");
        let error = capture_files(&[folder.path().join("a.pcap"), missing]).unwrap_err();
        assert!(error.to_string().contains("missing.pcap: cannot be read: "), "{error}");
        fs::remove_file(folder.path().join("a.pcap")).unwrap();
        let error = capture_files(&[folder.path().to_owned()]).unwrap_err();
        assert!(error.to_string().ends_with(": a folder without any capture; those in its folders do not count"));
    }
}

//! Texts of files, places in them, and values that remember theirs.

use crate::text::shown;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A file among [`Sources`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileId(u32);

/// A range of bytes in a source file. [`Span::NONE`] is no place at all: what a program built or a default gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Span {
    /// No place in any file.
    pub const NONE: Span = Span { file: FileId(u32::MAX), start: 0, end: 0 };

    /// The bytes `range` of `file`. Files over 4 GiB are cut at that offset.
    pub fn new(file: FileId, range: Range<usize>) -> Span {
        let offset = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { file, start: offset(range.start), end: offset(range.end) }
    }

    /// True where there is no place to show.
    pub fn is_none(self) -> bool {
        self == Span::NONE
    }
}

/// A value and the place in a file that gave it.
#[derive(Clone, Copy, Debug)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands; [`Span::NONE`] for a default.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// `value`, found at `span`.
    pub const fn new(value: T, span: Span) -> Spanned<T> {
        Spanned { value, span }
    }

    /// `value`, which no file gave.
    pub const fn unplaced(value: T) -> Spanned<T> {
        Spanned { value, span: Span::NONE }
    }
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// Equal where the values are: two files may say the same in different places.
impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Spanned<T>) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Spanned<T> {}

/// A place as a person names it: lines and columns count from 1, columns in characters. Printed as `shop.toml:19`, the
/// file as it was opened; or as `[vpc.shop] cidr` where a program declared the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceLocation<'a> {
    /// The file's name as it was opened.
    pub file: &'a str,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
    /// The object and its key, where no file has them.
    pub object: Option<&'a str>,
}

impl fmt::Display for SourceLocation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.object {
            Some(object) => f.write_str(object),
            None => write!(f, "{}:{}", self.file, self.line),
        }
    }
}

#[derive(Clone, Debug)]
struct SourceFile {
    name: String,
    /// Where it was read from; `None` for text in memory.
    path: Option<PathBuf>,
    text: String,
    /// What each line is about, of a text that stands for objects that a program declared.
    objects: Vec<String>,
    /// Found when the first place is asked for: most large files are never shown.
    line_starts: OnceLock<Vec<usize>>,
    /// How many characters begin before each [`BLOCK`] bytes: a line may be as long as the file, and be asked about
    /// once for each of its bytes.
    characters: OnceLock<Vec<usize>>,
}

const BLOCK: usize = 1024;

impl SourceFile {
    fn line_starts(&self) -> &[usize] {
        let find = || std::iter::once(0).chain(self.text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        self.line_starts.get_or_init(find)
    }

    /// How many characters begin before `offset`.
    fn characters_before(&self, offset: usize) -> usize {
        let count = |bytes: &[u8]| bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        let bytes = self.text.as_bytes();
        let sums = self.characters.get_or_init(|| {
            let sums = bytes.chunks(BLOCK).scan(0, |sum, block| {
                *sum += count(block);
                Some(*sum)
            });
            std::iter::once(0).chain(sums).collect()
        });
        let block = offset / BLOCK;
        sums[block] + count(&bytes[block * BLOCK..offset])
    }
}

/// The texts that spans point into.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    /// No files yet.
    pub fn new() -> Sources {
        Sources::default()
    }

    /// Takes `text`, opened as `name`; the name is shown escaped wherever it is.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        let (line_starts, characters) = (OnceLock::new(), OnceLock::new());
        self.files.push(SourceFile {
            name: shown(&name.into()).into_owned(),
            path: None,
            text: text.into(),
            objects: Vec::new(),
            line_starts,
            characters,
        });
        FileId(u32::try_from(self.files.len() - 1).expect("fewer than 2^32 files"))
    }

    /// Takes lines that stand for objects which a program declared, each with what it is about: places in them are named so.
    pub fn add_declared(&mut self, lines: impl IntoIterator<Item = (String, String)>) -> FileId {
        let (objects, lines): (Vec<String>, Vec<String>) = lines.into_iter().unzip();
        let file = self.add("declared in Rust", lines.join("\n"));
        if let Some(file) = self.files.last_mut() {
            file.objects = objects.iter().map(|object| shown(object).into_owned()).collect();
        }
        file
    }

    fn file(&self, file: FileId) -> Option<&SourceFile> {
        self.files.get(file.0 as usize)
    }

    /// The name of `file` as it was opened; `None` for a span without place.
    pub fn name(&self, file: FileId) -> Option<&str> {
        self.file(file).map(|file| file.name.as_str())
    }

    /// Remembers where `file` was read from: its name is for people.
    pub fn set_path(&mut self, file: FileId, path: &Path) {
        if let Some(file) = self.files.get_mut(file.0 as usize) {
            file.path = Some(path.to_owned());
        }
    }

    /// Where `file` was read from; `None` for text in memory.
    pub(crate) fn path(&self, file: FileId) -> Option<&Path> {
        self.file(file)?.path.as_deref()
    }

    /// Takes the text of `file` out, for as long as more files are added while it is read.
    pub(crate) fn take_text(&mut self, file: FileId) -> String {
        self.files.get_mut(file.0 as usize).map(|file| std::mem::take(&mut file.text)).unwrap_or_default()
    }

    /// Puts the text of `file` back.
    pub(crate) fn put_text(&mut self, file: FileId, text: String) {
        if let Some(file) = self.files.get_mut(file.0 as usize) {
            file.text = text;
        }
    }

    /// The paths that texts were read from.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().filter_map(|file| file.path.as_deref())
    }

    /// The name and the whole text of each file.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|file| (file.name.as_str(), file.text.as_str()))
    }

    /// The whole text of `file`.
    pub fn text(&self, file: FileId) -> Option<&str> {
        self.file(file).map(|file| file.text.as_str())
    }

    /// Where `span` begins; `None` for [`Span::NONE`].
    pub fn locate(&self, span: Span) -> Option<SourceLocation<'_>> {
        let file = self.file(span.file)?;
        let start = (span.start as usize).min(file.text.len());
        let line_starts = file.line_starts();
        let line = line_starts.partition_point(|line_start| *line_start <= start) - 1;
        let column = file.characters_before(start) - file.characters_before(line_starts[line]);
        let object = file.objects.get(line).map(String::as_str);
        Some(SourceLocation { file: &file.name, line: line + 1, column: column + 1, object })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_located_by_line_and_character() {
        let mut sources = Sources::new();
        let file = sources.add("a.toml", "first\né = 1\n");
        let at = sources.locate(Span::new(file, 9..10)).unwrap();
        assert_eq!((at.file, at.line, at.column), ("a.toml", 2, 3));
        assert_eq!(at.to_string(), "a.toml:2");
        assert_eq!(sources.locate(Span::NONE), None);
    }

    #[test]
    fn columns_of_long_lines_are_counted_in_characters() {
        let mut sources = Sources::new();
        let text = format!("{}\n{}", "é".repeat(BLOCK), "aé".repeat(2 * BLOCK));
        let file = sources.add("a.toml", text.as_str());
        for start in [0, 2 * BLOCK - 2, 2 * BLOCK, 2 * BLOCK + 1, 3 * BLOCK + 1, 4 * BLOCK + 2, text.len()] {
            let at = sources.locate(Span::new(file, start..start)).unwrap();
            let line = text[..start].rsplit('\n').next().unwrap();
            assert_eq!(at.column, line.chars().count() + 1, "{start}");
        }
    }
}

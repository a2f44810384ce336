//! The files of one topology: the one that is named, and those that it and they include.
//!
//! Each file is read once, the included ones behind the one that includes them. Nothing is decoded unless all of them
//! could be read: what a missing file declares would be missed wherever it is named.

use super::decode::{Decoder, Fields, What};
use super::file::{MAX_BYTES, STANDARD_INPUT, read_topology};
use super::notation::Notation;
use super::syntax::Text;
use super::{shown, topology};
use crate::diag::{Diagnostic, FileId, Sources, Span, Spanned};
use crate::model::World;
use crate::text::shown_path;
use std::cell::OnceCell;
#[cfg(any(test, feature = "cli"))]
use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

/// How many files a topology is made of at most.
pub(super) const MAX_FILES: usize = 1024;

/// The key of the list of files.
const KEY: &str = "include";

/// Where the texts of included files come from.
pub(crate) enum IncludedFiles {
    /// They are files, named from the folder of the file that includes them.
    OnDisk,
    /// They are at hand, name and text, in the order in which they are asked for.
    #[cfg(any(test, feature = "cli"))]
    Given(VecDeque<(String, String)>),
    /// Nowhere: why.
    Nowhere(&'static str),
}

/// Why the text of a program includes nothing.
pub(super) const IN_MEMORY: &str = "this text is in memory, and has no folder to name a file from";

/// Why the topology in a scenario includes nothing.
pub(super) const IN_SCENARIO: &str = "the topology stands in a scenario";

/// Why what is piped in includes nothing.
const ON_STANDARD_INPUT: &str = "standard input has no folder to name a file from";

/// Reads the topology that begins in `first`, one of `sources`.
pub(super) fn read(
    sources: &mut Sources,
    first: FileId,
    notation: Notation,
    included: IncludedFiles,
) -> (World, Vec<Diagnostic>) {
    let included = match sources.path(first) {
        Some(path) if path == Path::new(STANDARD_INPUT) => IncludedFiles::Nowhere(ON_STANDARD_INPUT),
        _ => included,
    };
    // Texts stay where they are while trees point into them and more files are added.
    let texts: Vec<OnceCell<String>> = (0..MAX_FILES).map(|_| OnceCell::new()).collect();
    let mut set = FileSetReader { sources, texts: &texts, included, decoder: Decoder::default(), files: Vec::new() };
    set.add(first, notation, None);
    let is_whole = set.follow();
    let FileSetReader { mut decoder, files, .. } = set;
    let world = if is_whole { decode(&mut decoder, &files) } else { World::default() };
    let ids: Vec<FileId> = files.iter().map(|file| file.id).collect();
    let findings = Text::finish_all(files.into_iter().map(|file| file.text).collect(), decoder.into_findings());
    for (id, text) in ids.into_iter().zip(texts) {
        sources.put_text(id, text.into_inner().unwrap_or_default());
    }
    (world, findings)
}

/// The path of a file that is named from `folder`: never standard input, whatever it is called.
pub(super) fn named_from(folder: &Path, name: &str) -> PathBuf {
    folder.join(if name == STANDARD_INPUT { format!("./{STANDARD_INPUT}") } else { name.to_owned() })
}

/// Reports an `include` in a table that is no file.
pub(super) fn refuse(decoder: &mut Decoder<'_>, table: &Fields<'_>, why: &'static str) {
    if let Some(place) = table.key_span(KEY) {
        decoder.report(nothing_to_include(place, why));
    }
}

/// Refuses a path by which a file from elsewhere could show what stands elsewhere on this machine: findings show the
/// lines that they are about.
fn refuse_path(name: &str) -> Result<(), Diagnostic> {
    let path = Path::new(name);
    if path.is_relative() && !path.has_root() { refuse_ending(path, name) } else { Err(not_to_be_included(name)) }
}

/// Refuses a path that does not end as those of topologies do.
fn refuse_ending(path: &Path, name: &str) -> Result<(), Diagnostic> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    let is_right = ending.is_some_and(|ending| ["toml", "json", "yaml", "yml"].contains(&&*ending));
    if is_right { Ok(()) } else { Err(not_to_be_included(name)) }
}

fn not_to_be_included(name: &str) -> Diagnostic {
    let problem = Diagnostic::error("invalid-include", format!("`{name}` cannot be included"));
    problem.help("give the path from the folder of this file, to a file that ends in .toml, .json, .yaml or .yml")
}

fn nothing_to_include(place: Span, why: &'static str) -> Diagnostic {
    let help = match why {
        IN_SCENARIO => "name a topology file, which may include others: `topology = \"shop.toml\"`",
        ON_STANDARD_INPUT => "give the path of the file",
        _ => "open the file by its path, or put the texts together",
    };
    Diagnostic::error("invalid-include", "nothing can be included here").at(place, why).help(help)
}

/// A file of a topology that was read.
struct TopologyFile<'t> {
    id: FileId,
    text: Text<'t>,
    /// Where it was read from, and the same without links; `None` for text in memory.
    path: Option<(PathBuf, PathBuf)>,
    /// The file that includes it, by its place among the files, and where.
    included_by: Option<(usize, Span)>,
}

impl TopologyFile<'_> {
    fn fields(&self) -> Fields<'_> {
        Fields::of_file(&self.text.tree, What::The("a topology file"))
    }
}

struct FileSetReader<'s, 't> {
    sources: &'s mut Sources,
    texts: &'t [OnceCell<String>],
    included: IncludedFiles,
    decoder: Decoder<'t>,
    files: Vec<TopologyFile<'t>>,
}

impl<'t> FileSetReader<'_, 't> {
    /// Reads a file of the sources.
    fn add(&mut self, id: FileId, notation: Notation, included_by: Option<(usize, Span)>) {
        let own = self.sources.take_text(id);
        let text = self.texts[self.files.len()].get_or_init(|| own);
        self.decoder.add_file(id, text, notation);
        let path = self.sources.path(id).map(|path| (path.to_owned(), without_links(path)));
        self.files.push(TopologyFile { id, text: notation.read(id, text), path, included_by });
    }

    /// Reads the files that those so far include, and what these include; false where something is missing.
    fn follow(&mut self) -> bool {
        let mut at = 0;
        while let Some(file) = self.files.get(at) {
            let fields = file.fields();
            topology::refuse_other_kinds(&mut self.decoder, &fields);
            let list = fields.get(KEY);
            let named = list.and_then(|list| list.list_of(&mut self.decoder, |decoder, item| item.name(decoder)));
            for name in named.unwrap_or_default() {
                let is_last = self.files.len() == MAX_FILES;
                if let Err(problem) = self.include(at, &name) {
                    self.decoder.report(problem);
                }
                if is_last {
                    return false;
                }
            }
            at += 1;
        }
        self.decoder.error_count() == 0 && self.files.iter().all(|file| !file.text.is_cut())
    }

    /// Reads the file that the one at `at` names.
    fn include(&mut self, at: usize, name: &Spanned<String>) -> Result<(), Diagnostic> {
        let refused = |message: String| Diagnostic::error("invalid-include", message);
        if self.files.len() == MAX_FILES {
            let message = format!("a topology is made of more than {MAX_FILES} files");
            return Err(refused(message).at(name.span, "one file too many").help("put some of them together"));
        }
        let (text, notation, path) = match &mut self.included {
            IncludedFiles::Nowhere(why) => return Err(nothing_to_include(name.span, why)),
            #[cfg(any(test, feature = "cli"))]
            IncludedFiles::Given(texts) => {
                let (name, text) = texts.pop_front().ok_or_else(|| {
                    refused(format!("the text of `{}` is not among those given", name.value))
                        .at(name.span, "named here")
                })?;
                (text, Notation::of_name(Path::new(&name)), PathBuf::from(name))
            }
            IncludedFiles::OnDisk => {
                refuse_path(&name.value).map_err(|problem| problem.at(name.span, "no file of a topology"))?;
                let including = self.files[at].path.as_ref().map_or(Path::new(""), |(path, _)| path);
                let path = named_from(including.parent().unwrap_or(Path::new("")), &name.value);
                // What a link leads to counts: a repository may hold links, too.
                let own = without_links(&path);
                refuse_ending(&own, &name.value)
                    .map_err(|problem| problem.at(name.span, "a link to no file of a topology"))?;
                self.refuse_again(at, (&path, &own), name.span)?;
                let rest =
                    MAX_BYTES - self.texts.iter().filter_map(OnceCell::get).map(|text| text.len() as u64).sum::<u64>();
                let (text, notation) =
                    read_topology(&path, rest).map_err(|error| error.diagnostic().at(name.span, "named here"))?;
                (text, notation, path)
            }
        };
        let id = self.sources.add(shown(&path).to_string_lossy(), text);
        if matches!(self.included, IncludedFiles::OnDisk) {
            self.sources.set_path(id, &path);
        }
        self.add(id, notation, Some((at, name.span)));
        Ok(())
    }

    /// Refuses a file that is read already; `own` is its path without links.
    fn refuse_again(&self, at: usize, (path, own): (&Path, &Path), place: Span) -> Result<(), Diagnostic> {
        let is_it = |file: &TopologyFile<'_>| file.path.as_ref().is_some_and(|(_, path)| path == own);
        let Some(earlier) = self.files.iter().position(is_it) else { return Ok(()) };
        let name = shown_path(&shown(path));
        let refused = |message: String| Diagnostic::error("invalid-include", message);
        let mut above = Some(at);
        while let Some(file) = above.filter(|above| *above != earlier) {
            above = self.files[file].included_by.map(|(by, _)| by);
        }
        let problem = match (above, self.files[earlier].included_by) {
            (Some(_), _) if earlier == at => {
                refused(format!("`{name}` includes itself")).at(place, "this is the file itself")
            }
            (Some(_), _) => {
                let problem = refused(format!("`{name}` includes itself by way of other files"));
                let by = self.files[at].included_by.map(|(_, span)| span);
                let problem = problem.at(place, "included again here");
                by.into_iter().fold(problem, |problem, span| problem.at(span, "in a file that is included here"))
            }
            (None, Some((_, first))) => refused(format!("`{name}` is included twice"))
                .at(place, "the second time here")
                .at(first, "the first time here"),
            (None, None) => refused(format!("`{name}` is included twice")).at(place, "it is read already"),
        };
        Err(problem.help("each file is a part of the topology once: leave this one out"))
    }
}

/// The path without links, which is the same for one file however it is named.
fn without_links(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

fn decode(decoder: &mut Decoder<'_>, files: &[TopologyFile<'_>]) -> World {
    let roots: Vec<Fields<'_>> = files.iter().map(TopologyFile::fields).collect();
    topology::decode(decoder, &roots)
}

//! Why parts cannot be merged, or a part not be written.

use super::reading::FileOwner;
use crate::capture::CaptureError;
use crate::diag::{and_list, some_list};
use crate::text::{Shown, shown_path};
use serde_json::Value;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Shards that a message names.
const NAMED: usize = 8;

/// Why parts cannot be merged, or a part not be written.
#[derive(Debug)]
pub enum PartsError {
    /// A capture cannot be opened.
    Capture(CaptureError),
    /// Something that every shard has to read can be read once only.
    ReadOnce(String),
    /// The parts would lie in a folder that captures are read from.
    AmongCaptures(PathBuf),
    /// The topology was read from no text that could go with a part.
    NoText,
    /// A file cannot be written, or none that is needed beside.
    Output(io::Error),
    /// A file or folder cannot be read.
    Unreadable(String),
    /// There is no part.
    Empty(PathBuf),
    /// Parts of different numbers of shards.
    Counts(PathBuf, Vec<usize>),
    /// Parts that are not there.
    Missing {
        /// Where they were looked for.
        folder: PathBuf,
        /// The command that makes them.
        command: &'static str,
        /// Which.
        shards: Vec<usize>,
        /// Of how many.
        count: usize,
    },
    /// A file that should be a manifest and is none.
    NoManifest {
        /// The file.
        path: PathBuf,
        /// What it should be the manifest of: `a part`.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A folder that holds a split of something else, and the first thing that tells.
    OtherSplit(PathBuf, Place),
    /// A split that was made for another number of shards.
    SplitShards {
        /// The split.
        folder: PathBuf,
        /// Its number of shards.
        count: usize,
    },
    /// A shard of more endpoints that frames enter at than one capture may describe.
    TooManyEntries(u32),
    /// Parts that were made of different things.
    Different(Difference),
    /// Parts that another program made.
    OtherProgram {
        /// What, with its verb: `parts were`.
        what: &'static str,
        /// Its version, and the beginning of its hash.
        theirs: String,
        /// The same of this one.
        own: String,
    },
    /// A file of a part that is not what its manifest says.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// Whose it is.
        of: FileOwner,
    },
    /// The parts hold no such thing.
    NotHeld(String),
}

/// Two parts that do not belong together, and the first thing that tells.
#[derive(Debug)]
pub struct Difference {
    pub(super) shards: [usize; 2],
    pub(super) place: Place,
}

/// A place in two manifests, with both values.
#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    path: String,
    values: [String; 2],
}

impl PartsError {
    pub(super) fn unreadable(path: &Path, error: &io::Error) -> PartsError {
        PartsError::Unreadable(format!("cannot read `{}`: {error}", shown_path(path)))
    }
}

impl fmt::Display for PartsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PartsError::Capture(error) => error.fmt(f),
            PartsError::ReadOnce(name) => {
                write!(
                    f,
                    "`{}` is no regular file, and its hash tells what is made of it: write it to a file first",
                    Shown(name)
                )
            }
            PartsError::AmongCaptures(folder) => write!(
                f,
                "captures are read from `{}`, and what is put there would be read, too: give another folder",
                shown_path(folder)
            ),
            PartsError::NoText => f.write_str("the topology was read from no text that could go with a part"),
            PartsError::Output(error) => error.fmt(f),
            PartsError::Unreadable(message) | PartsError::NotHeld(message) => f.write_str(message),
            PartsError::Empty(folder) => write!(
                f,
                "`{}` holds no part: `biplane replay … --shard 0/N --parts DIR` writes one for each shard",
                shown_path(folder)
            ),
            PartsError::Counts(folder, counts) => write!(
                f,
                "`{}` holds parts of {} shards: merge those of one number, from a folder of their own",
                shown_path(folder),
                and_list(counts)
            ),
            PartsError::Missing { folder, command, shards, count } => {
                let (what, are) = if shards.len() == 1 { ("shard", "is") } else { ("shards", "are") };
                let names = some_list(shards.iter(), NAMED);
                write!(f, "{what} {names} of {count} {are} missing from `{}`", shown_path(folder))?;
                match shards[..] {
                    [shard] => write!(f, ": run `biplane {command} … --shard {shard}/{count} --parts DIR`"),
                    _ => write!(f, ": run `biplane {command} … --shard I/{count} --parts DIR` for each of them"),
                }
            }
            PartsError::NoManifest { path, what, why } => {
                write!(f, "`{}` is not the manifest of {what}: {}", shown_path(path), Shown(why))
            }
            PartsError::OtherSplit(folder, Place { path, values: [there, here] }) => write!(
                f,
                "`{}` is a split of something else: {} is {} there and {} here; give what it was made of, or split \
                 into another folder",
                shown_path(folder),
                Shown(path),
                Shown(there),
                Shown(here)
            ),
            PartsError::SplitShards { folder, count } => write!(
                f,
                "`{}` is a split into {count}: replay it with `--shard I/{count} --parts DIR`",
                shown_path(folder)
            ),
            PartsError::TooManyEntries(limit) => write!(
                f,
                "the frames of a shard enter at more than {limit} endpoints, and one capture describes no more: split \
                 into more shards"
            ),
            PartsError::Different(difference) => difference.fmt(f),
            PartsError::OtherProgram { what, theirs, own } => write!(
                f,
                "the {what} made by another program: by {}, and this is {own}; go on with the one that it was made by",
                Shown(theirs)
            ),
            PartsError::Damaged { path, why, of } => {
                write!(f, "`{}` is damaged: {}", shown_path(path), Shown(why))?;
                match of {
                    FileOwner::Shard(shard) => write!(f, "; run shard {shard} again"),
                    FileOwner::Split => f.write_str("; split the captures again"),
                    FileOwner::All => Ok(()),
                }
            }
        }
    }
}

impl std::error::Error for PartsError {}

impl From<CaptureError> for PartsError {
    fn from(error: CaptureError) -> PartsError {
        PartsError::Capture(error)
    }
}

impl From<io::Error> for PartsError {
    fn from(error: io::Error) -> PartsError {
        PartsError::Output(error)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { shards: [one, other], place: Place { path, values: [first, second] } } = self;
        write!(
            f,
            "shards {one} and {other} do not belong together: {} is {} for shard {one} and {} for shard {other}; make all \
             parts of the same files with the same options",
            Shown(path),
            Shown(first),
            Shown(second)
        )
    }
}

/// Characters of a value that are shown.
const SHOWN: usize = 60;

impl Place {
    /// The first place where two values differ; `None` where they do not.
    pub(super) fn of_difference(one: &Value, other: &Value) -> Option<Place> {
        if one == other {
            return None;
        }
        let at = |key: String, one: &Value, other: &Value| {
            let Place { path, values } = Place::of_difference(one, other)?;
            let path = if path.is_empty() { key } else { format!("{key}.{path}") };
            Some(Place { path, values })
        };
        match (one, other) {
            (Value::Object(fields), Value::Object(others)) => {
                // Keys of either side count, in the order in which a manifest is written, so the message names the
                // first difference that a reader of the two files would meet. A key that one side lacks is compared as
                // null, which messages call `none`.
                let keys = fields.keys().chain(others.keys().filter(|key| !fields.contains_key(*key)));
                let value =
                    |fields: &serde_json::Map<String, Value>, key: &str| fields.get(key).cloned().unwrap_or_default();
                keys.into_iter().find_map(|key| at(key.clone(), &value(fields, key), &value(others, key)))
            }
            // Only lists of one length are compared item by item. In lists of different lengths every item behind a
            // missing one would be compared with its neighbour, and the message would name a capture that is the same
            // on both sides.
            (Value::Array(items), Value::Array(others)) if items.len() == others.len() => {
                let mut pairs = items.iter().zip(others).enumerate();
                pairs.find_map(|(index, (one, other))| at((index + 1).to_string(), one, other))
            }
            _ => Some(Place { path: String::new(), values: [one, other].map(short) }),
        }
    }
}

/// A value as a message has it.
fn short(value: &Value) -> String {
    let text = match value {
        Value::Null => return "none".to_owned(),
        Value::Array(items) if items.len() > 3 || items.iter().any(Value::is_object) => {
            return format!("a list of {}", items.len());
        }
        value => value.to_string(),
    };
    // Cut by characters: a manifest may hold any text as a name, and a slice that ends within a character would panic
    // while the message is made.
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

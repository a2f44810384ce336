//! The files of a dump: found in any folder, read as text, and what their names say.

use super::ImportError;
use std::fs;
use std::path::{Path, PathBuf};

/// How deep folders are searched: deeper ones are most often a loop of links.
const MAX_DEPTH: usize = 32;

/// The files below `paths`, each once, in the order of their names, whatever the order of the arguments.
pub(super) fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, ImportError> {
    let mut files = Vec::new();
    for path in paths {
        if !path.exists() {
            return Err(ImportError::new(format!("there is no file or folder `{}`", path.display())));
        }
        search(path, &mut files, 0)?;
    }
    files.sort();
    files.dedup();
    Ok(files)
}

fn search(path: &Path, files: &mut Vec<PathBuf>, depth: usize) -> Result<(), ImportError> {
    // In a folder regular files alone: a pipe may have no writer, and a device no end. One that is named is meant.
    if !path.is_dir() {
        if depth == 0 || path.is_file() {
            files.push(path.to_owned());
        }
        return Ok(());
    }
    let unreadable = |error| ImportError::new(format!("cannot read `{}`: {error}", path.display()));
    if depth == MAX_DEPTH {
        return Err(ImportError::new(format!("`{}` is more than {MAX_DEPTH} folders deep", path.display())));
    }
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let below = entry.map_err(unreadable)?.path();
        let hidden = below.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden {
            search(&below, files, depth + 1)?;
        }
    }
    Ok(())
}

/// The text of a file, or why it is none.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    decode(bytes)
}

/// UTF-8 with or without a byte order mark, or UTF-16 with one, which PowerShell's `>` writes.
fn decode(bytes: Vec<u8>) -> Result<String, String> {
    let units = |bytes: &[u8], unit: fn([u8; 2]) -> u16| -> Result<String, String> {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16(&units).map_err(|_| "is UTF-16 with damaged characters".to_owned())
    };
    match bytes[..] {
        [0xff, 0xfe, ref rest @ ..] => units(rest, u16::from_le_bytes),
        [0xfe, 0xff, ref rest @ ..] => units(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, ref rest @ ..] => String::from_utf8(rest.to_vec()).map_err(|_| "is not UTF-8".to_owned()),
        _ => String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned()),
    }
}

/// What the place of a file says about the answers in it. Only what an answer itself does not say is taken from here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NameHints {
    /// `ecs.DescribeInstances`, where the name begins with a call.
    pub(super) call: Option<String>,
    /// What stands behind `@`: `intranet`, `Classic`.
    pub(super) variant: Option<String>,
    /// The id of the object that the call was about.
    pub(super) id: Option<String>,
    /// A folder named like a region.
    pub(super) region: Option<String>,
    /// A folder named like an account.
    pub(super) account: Option<String>,
    /// The folder.
    pub(super) folder: PathBuf,
}

impl NameHints {
    /// Reads `REGION/PRODUCT.API[@VARIANT][.ID].PAGE.json`, or what of it a path has.
    pub(super) fn of(path: &Path) -> NameHints {
        let stem = path.file_stem().map_or(String::new(), |stem| stem.to_string_lossy().into_owned());
        let mut hints = NameHints { folder: path.parent().unwrap_or(Path::new("")).to_owned(), ..NameHints::default() };
        for part in hints.folder.clone().iter().rev().map(|part| part.to_string_lossy()) {
            if hints.region.is_none() && is_region(&part) {
                hints.region = Some(part.clone().into_owned());
            }
            if hints.account.is_none() && is_account(&part) {
                hints.account = Some(part.into_owned());
            }
        }
        let mut parts: Vec<&str> = stem.split('.').collect();
        if parts.len() > 1 && parts.last().is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit())) {
            parts.pop();
        }
        let (api, variant) = match parts.get(1).and_then(|api| api.split_once('@')) {
            Some((api, variant)) => (api, Some(variant)),
            None => (parts.get(1).copied().unwrap_or(""), None),
        };
        if ["Describe", "List", "Get"].iter().any(|verb| api.starts_with(verb)) {
            hints.call = Some(format!("{}.{api}", parts[0]));
            hints.variant = variant.map(str::to_owned);
            hints.id = Some(parts[2..].join(".")).filter(|id| !id.is_empty());
        } else {
            hints.id = stem.split(['.', '@', '_', ' ', '=']).find(|part| is_id(part)).map(str::to_owned);
            hints.variant = ["intranet", "internet", "classic"]
                .into_iter()
                .find(|word| stem.to_ascii_lowercase().contains(word))
                .map(str::to_owned);
        }
        hints
    }
}

fn is_region(text: &str) -> bool {
    let (area, rest) = text.split_once('-').unwrap_or(("", ""));
    let areas = ["cn", "ap", "us", "eu", "me", "na", "sa", "rus", "af"];
    areas.contains(&area)
        && !rest.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_account(text: &str) -> bool {
    (15..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// True for ids of what answers without an id are about.
fn is_id(text: &str) -> bool {
    let kinds = ["rm", "rr", "r", "dds", "sg", "vtb", "vpc", "pl", "lb", "pc"];
    text.split_once('-').is_some_and(|(kind, rest)| kinds.contains(&kind) && !rest.is_empty())
}

/// The error code in what a failed call left behind. Nothing else of it is shown: the rest may hold anything.
pub(super) fn error_code(text: &str) -> Option<&str> {
    let after =
        |key: &str| text.find(key).map(|at| text[at + key.len()..].trim_start_matches([':', '"', ' ', '=', '\\']));
    let rest = after("ErrorCode").or_else(|| after("\"Code\"")).or_else(|| after("Code"))?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(rest.len());
    let code = &rest[..end.min(64)];
    code.starts_with(|c: char| c.is_ascii_uppercase()).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hints(path: &str) -> NameHints {
        NameHints::of(Path::new(path))
    }

    #[test]
    fn names_of_a_dump_say_call_variant_id_and_region() {
        let read = hints("dump/cn-hangzhou/ecs.DescribeSecurityGroupAttribute@intranet.sg-bp1.2.json");
        assert_eq!(read.call.as_deref(), Some("ecs.DescribeSecurityGroupAttribute"));
        assert_eq!((read.variant.as_deref(), read.id.as_deref()), (Some("intranet"), Some("sg-bp1")));
        assert_eq!((read.region.as_deref(), read.account), (Some("cn-hangzhou"), None));
        let read = hints("1234567890123456/us-west-1/ecs.DescribeInstances.1.json");
        assert_eq!((read.id, read.account.as_deref()), (None, Some("1234567890123456")));
    }

    #[test]
    fn other_names_may_hold_an_id_and_need_not() {
        assert_eq!(hints("whitelists/rm-bp1x.json").id.as_deref(), Some("rm-bp1x"));
        assert_eq!(hints("all.json").id, None);
        assert_eq!(hints("region-one/notes.json").region, None);
    }

    #[test]
    fn texts_of_every_encoding_are_read_and_damaged_ones_named() {
        let utf16: Vec<u8> = [0xfeffu16].into_iter().chain("{}".encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(utf16), Ok("{}".to_owned()));
        assert_eq!(decode(b"\xef\xbb\xbf{}".to_vec()), Ok("{}".to_owned()));
        assert_eq!(decode(b"{\xff}".to_vec()), Err("is not UTF-8".to_owned()));
    }

    #[test]
    fn of_an_error_only_its_code_is_shown() {
        assert_eq!(
            error_code("ERROR: SDK.ServerError\nErrorCode: Forbidden.RAM\nMessage: hunter2"),
            Some("Forbidden.RAM")
        );
        assert_eq!(error_code("{\"Code\": \"Throttling.User\", \"Message\": \"hunter2\"}"), Some("Throttling.User"));
        assert_eq!(error_code("connection reset by hunter2"), None);
    }
}

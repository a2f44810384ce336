//! What an import says about itself: data, and the text and JSON made of it.

use serde::Serialize;
use std::fmt::Write;

/// What became of everything in a dump.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ImportReport {
    /// Network ACLs, which the topology does not have and which may refuse what it delivers.
    pub network_acls: Vec<ImportNote>,
    /// How many objects of each kind stand in the topology: the noun, in the singular, and the number.
    pub imported: Vec<(String, usize)>,
    /// What the dump holds and the topology does not.
    pub left_out: Vec<ImportNote>,
    /// What the dump does not hold.
    pub missing: Vec<ImportNote>,
    /// What may be otherwise than the topology says.
    pub doubtful: Vec<ImportNote>,
    /// The system routes of the dump beside those that follow from its vSwitches.
    pub system_routes: SystemRoutes,
    /// The files that were read.
    pub files: FilesRead,
}

/// One thing that the report says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct ImportNote {
    /// The id of the object, or the call.
    pub subject: String,
    /// What is to be said about it.
    pub text: String,
    /// How to get or mend it: a call of the vendor's CLI, most often.
    pub fix: Option<String>,
    /// True for what has no place in a topology: the dump is not at fault.
    pub by_design: bool,
}

/// System routes compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SystemRoutes {
    /// How many are as derived.
    pub same: usize,
    /// Those that differ, each in a sentence.
    pub different: Vec<String>,
}

/// Files of a dump.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FilesRead {
    /// How many there are.
    pub read: usize,
    /// Those that were not used, each with the reason.
    pub not_used: Vec<String>,
}

/// The most lines of each part in the text.
const SHOWN: usize = 10;

impl ImportReport {
    /// True where all there was is in the topology or has no place in one.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
            && self.doubtful.is_empty()
            && self.network_acls.is_empty()
            && self.system_routes.different.is_empty()
            && self.left_out.iter().all(|note| note.by_design)
    }

    /// How many objects stand in the topology.
    pub fn object_count(&self) -> usize {
        self.imported.iter().map(|(_, count)| count).sum()
    }

    /// The report for people.
    pub fn text(&self) -> String {
        let counts: Vec<_> =
            self.imported.iter().filter(|(_, count)| *count > 0).map(|(noun, count)| counted(*count, noun)).collect();
        let mut text = String::new();
        // What may make any verdict about its vSwitch wrong comes first.
        if !self.network_acls.is_empty() {
            part(&mut text, "network ACL", &grouped(&self.network_acls));
        }
        let imported = if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") };
        part(&mut text, "imported", &[imported]);
        for (title, notes) in [("left out", &self.left_out), ("missing", &self.missing), ("doubtful", &self.doubtful)] {
            if !notes.is_empty() {
                part(&mut text, title, &grouped(notes));
            }
        }
        let SystemRoutes { same, different } = &self.system_routes;
        if same + different.len() > 0 {
            let mut lines =
                vec![format!("{} as derived, {} different", counted(*same, "system route"), different.len())];
            lines.extend(different.iter().cloned());
            part(&mut text, "self-check", &lines);
        }
        let mut lines = vec![format!("{} read", counted(self.files.read, "file"))];
        lines.extend(self.files.not_used.iter().cloned());
        part(&mut text, "files", &lines);
        text
    }

    /// The report as one JSON object, with everything in it.
    pub fn json(&self) -> String {
        let mut json = serde_json::to_string_pretty(self).expect("texts, numbers and lists are JSON");
        json.push('\n');
        json
    }

    pub(super) fn leave_out(&mut self, subject: &str, text: impl AsRef<str>) {
        self.left_out.push(note(subject, text.as_ref(), None, false));
    }

    /// Notes what has no place in a topology.
    pub(super) fn leave_out_by_design(&mut self, subject: &str, text: impl AsRef<str>) {
        self.left_out.push(note(subject, text.as_ref(), None, true));
    }

    pub(super) fn miss(&mut self, subject: &str, text: impl AsRef<str>, fix: Option<String>) {
        self.missing.push(note(subject, text.as_ref(), fix, false));
    }

    pub(super) fn doubt(&mut self, subject: &str, text: impl AsRef<str>) {
        self.doubtful.push(note(subject, text.as_ref(), None, false));
    }

    /// Notes a network ACL of a vSwitch.
    pub(super) fn network_acl(&mut self, vswitch: &str, text: impl AsRef<str>) {
        self.network_acls.push(note(vswitch, text.as_ref(), None, false));
    }

    /// Puts everything in the order of ids, each once.
    pub(super) fn settle(&mut self) {
        for notes in [&mut self.network_acls, &mut self.left_out, &mut self.missing, &mut self.doubtful] {
            notes.sort();
            notes.dedup();
        }
        self.system_routes.different.sort();
        self.files.not_used.sort();
    }
}

fn note(subject: &str, text: &str, fix: Option<String>, by_design: bool) -> ImportNote {
    ImportNote { subject: printable(subject), text: printable(text), fix: fix.map(|fix| printable(&fix)), by_design }
}

/// A text of a dump as it is shown: names and descriptions may hold any character.
pub(super) fn printable(text: &str) -> String {
    crate::text::shown(text).into_owned()
}

pub(super) fn counted(count: usize, noun: &str) -> String {
    let ending = match count {
        1 => "",
        _ if noun.ends_with("ch") => "es",
        _ => "s",
    };
    format!("{count} {noun}{ending}")
}

/// One line per note; notes that say the same of several objects share a line, and show how to mend the first.
fn grouped(notes: &[ImportNote]) -> Vec<String> {
    let mut groups: Vec<(&ImportNote, Vec<&str>)> = Vec::new();
    let mut places: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for note in notes {
        let place = *places.entry(&note.text).or_insert_with(|| {
            groups.push((note, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(&note.subject);
    }
    groups.sort_by_key(|(note, _)| note.by_design);
    let line = |(note, subjects): &(&ImportNote, Vec<&str>)| {
        let who = match &subjects[..] {
            [one] => (*one).to_owned(),
            [one, two] => format!("{one}, {two}"),
            [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
            [] => String::new(),
        };
        match &note.fix {
            Some(fix) => format!("{who}: {}\n  fix: {fix}", note.text),
            None => format!("{who}: {}", note.text),
        }
    };
    groups.iter().map(line).collect()
}

fn part(text: &mut String, title: &str, lines: &[String]) {
    let mut title = title;
    for line in lines.iter().take(SHOWN) {
        for line in line.lines() {
            let _ = writeln!(text, "{title:<11} {line}");
            title = "";
        }
    }
    if lines.len() > SHOWN {
        let _ = writeln!(text, "{:<11} and {} more: --format json shows all", "", lines.len() - SHOWN);
    }
}

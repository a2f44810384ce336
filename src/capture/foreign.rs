//! Files that are given as captures and are something else: what they are, and the command that helps.

/// A kind of file that is no capture, or none that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// What Git keeps in place of a large file.
    GitLfsPointer,
    /// Compressed with a program whose format is not read.
    Compressed {
        /// The format.
        name: &'static str,
        /// The command that writes the decompressed data to standard output.
        command: &'static str,
    },
    /// An archive of several files.
    Archive {
        /// The format.
        name: &'static str,
        /// The command that unpacks it.
        command: &'static str,
    },
    /// A capture in a format that other programs convert.
    Capture {
        /// The format.
        name: &'static str,
    },
    /// A topology or scenario, given where the capture belongs.
    Topology,
    /// Terraform's configuration.
    Terraform,
    /// JSON, whatever it holds.
    Json,
    /// A web page, mostly one that says why a download did not work.
    WebPage,
}

/// Starts of files that are told by their first bytes.
const MAGIC: &[(&[u8], Foreign)] = &[
    (b"version https://git-lfs.github.com/", Foreign::GitLfsPointer),
    (b"\xfd7zXZ\0", Foreign::Compressed { name: "xz", command: "xz -dc" }),
    (b"\x5d\0\0", Foreign::Compressed { name: "lzma", command: "lzma -dc" }),
    (b"LZIP", Foreign::Compressed { name: "lzip", command: "lzip -dc" }),
    (b"\x1f\x9d", Foreign::Compressed { name: "compress", command: "zcat" }),
    (b"\x02\x21\x4c\x18", Foreign::Compressed { name: "lz4's legacy format", command: "lz4 -dc" }),
    (b"PK\x03\x04", Foreign::Archive { name: "zip", command: "unzip" }),
    (b"7z\xbc\xaf\x27\x1c", Foreign::Archive { name: "7z", command: "7z x" }),
    (b"snoop\0\0\0", Foreign::Capture { name: "snoop" }),
    (b"GMBU", Foreign::Capture { name: "Network Monitor" }),
    (b"RTSS", Foreign::Capture { name: "Network Monitor" }),
    (b"TRSNIFF data    \x1a", Foreign::Capture { name: "Sniffer" }),
    (b"XCP\0", Foreign::Capture { name: "NetXRay" }),
    (b"iptrace ", Foreign::Capture { name: "AIX iptrace" }),
    (b"\x1c\0\x01\xac", Foreign::Capture { name: "IXIA lcap" }),
    (b"\xac\x01\0\x1c", Foreign::Capture { name: "IXIA lcap" }),
];

/// What the lines of a topology or scenario may begin with.
const TABLES: [&str; 12] = [
    "[fabric",
    "[vpc",
    "[vswitch",
    "[instance",
    "[service",
    "[gateway",
    "[security_group",
    "[route_table",
    "[peering",
    "[sessions",
    "[scenario",
    "[[step",
];

/// How much of a text is looked at.
pub(super) const LOOKED_AT: usize = 4096;

impl Foreign {
    /// What `data`, the start of a file that is no capture, says about the file.
    pub(super) fn detect(data: &[u8]) -> Option<Foreign> {
        if let Some((_, foreign)) = MAGIC.iter().find(|(magic, _)| data.starts_with(magic)) {
            return Some(*foreign);
        }
        if data.get(257..262) == Some(b"ustar") {
            return Some(Foreign::Archive { name: "tar", command: "tar -xf" });
        }
        // What is cut off may cut a character in two.
        let text = data.get(..LOOKED_AT).unwrap_or(data).utf8_chunks().next()?.valid().trim_start_matches('\u{feff}');
        let start = text.trim_start();
        let lines = || start.lines().map(str::trim_start);
        let is_page = |line: &str| {
            line.len() >= 5 && line.is_char_boundary(5) && {
                let first = line[..5].to_ascii_lowercase();
                first == "<!doc" || first == "<html"
            }
        };
        if is_page(start) {
            return Some(Foreign::WebPage);
        }
        let begins = |starts: &'static [&str]| move |line: &str| starts.iter().any(|start| line.starts_with(start));
        if lines().any(begins(&["resource \"", "provider \"", "terraform {", "module \"", "variable \"", "data \""])) {
            return Some(Foreign::Terraform);
        }
        if lines().any(begins(&TABLES)) {
            return Some(Foreign::Topology);
        }
        let mut letters = start.chars();
        match (letters.next(), letters.find(|letter| !letter.is_whitespace())) {
            (Some('{'), Some('"' | '}')) | (Some('['), Some('{' | '[' | '"' | ']' | '0'..='9')) => Some(Foreign::Json),
            _ => None,
        }
    }
}

/// What the file is and what to do, after its name and a colon.
impl std::fmt::Display for Foreign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Foreign::GitLfsPointer => {
                f.write_str("a Git LFS pointer in place of the capture; `git lfs pull` fetches the capture")
            }
            Foreign::Compressed { name, command } => write!(
                f,
                "compressed with {name}, which is not read; decompress it first: \
                 `{command} CAPTURE | biplane replay TOPOLOGY -`"
            ),
            Foreign::Archive { name, command } => {
                write!(f, "a {name} archive; unpack it first: `{command} ARCHIVE`")
            }
            Foreign::Capture { name } => write!(
                f,
                "a capture of the format {name}, which is not read; Wireshark's `editcap -F pcapng CAPTURE OUT.pcapng` \
                 converts it"
            ),
            Foreign::Topology => f.write_str(
                "a topology or scenario in place of a capture; the topology comes first: \
                 `biplane replay TOPOLOGY CAPTURE`",
            ),
            Foreign::Terraform => {
                f.write_str("a Terraform configuration in place of a capture; expected pcap or pcapng")
            }
            Foreign::Json => f.write_str("JSON in place of a capture; expected pcap or pcapng"),
            Foreign::WebPage => {
                f.write_str("a web page in place of a capture, as a download that failed leaves it; download it again")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_capture_is_known_by_its_start() {
        let named: [(&[u8], &str); 12] = [
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 7\n", "`git lfs pull`"),
            (b"\xfd7zXZ\0\0\x04", "`xz -dc CAPTURE | biplane replay TOPOLOGY -`"),
            (b"snoop\0\0\0\0\0\0\x02\0\0\0\x04", "`editcap -F pcapng CAPTURE OUT.pcapng`"),
            (b"PK\x03\x04\x14\0", "a zip archive"),
            (b"# a shop\n\n[vpc.vpc-shop]\ncidr = \"10.0.0.0/8\"\n", "`biplane replay TOPOLOGY CAPTURE`"),
            (b"[[step]]\nsend = 1\n", "a topology or scenario"),
            (b"resource \"alicloud_vpc\" \"main\" {\n}\n", "a Terraform configuration"),
            (b"\xef\xbb\xbf{\n  \"Vpcs\": []\n}", "JSON"),
            (b"[\n  {\"_index\": 1}\n]", "JSON"),
            (b"\n<!DOCTYPE html>\n<html>", "a web page"),
            (b"<HTML>", "a web page"),
            (b"\x02\x21\x4c\x18\0", "`lz4 -dc CAPTURE"),
        ];
        for (start, words) in named {
            let told = Foreign::detect(start).map(|foreign| foreign.to_string()).unwrap_or_default();
            assert!(told.contains(words), "{words}: {told}");
        }
    }

    #[test]
    fn near_misses_are_nothing_in_particular() {
        let near: [&[u8]; 7] = [
            b"version https://example.com/spec/v1",
            b"\xfd7zXY\0",
            b"snoopy",
            b"#!/bin/sh\necho hello\n",
            b"[section]\nkey = 1\n",
            b"{ some text }",
            b"<\xc3\xa9\xc3\xa9\xc3\xa9>",
        ];
        for start in near {
            assert_eq!(Foreign::detect(start), None, "{}", String::from_utf8_lossy(start));
        }
        assert_eq!(Foreign::detect(b""), None);
    }
}

//! The pages of what can be wrong with a file before its meaning is looked at.

use crate::diag::{ProblemKind, ProblemRecord, citation};

/// What can be wrong with a topology or scenario file before its meaning is looked at.
pub(super) static RECORDS: &[ProblemRecord] = &[
    ProblemRecord {
        id: "toml-syntax",
        kind: ProblemKind::File,
        summary: "the file is not TOML",
        meaning: "The text breaks a rule of TOML: a quote or bracket is missing, a key stands twice in a table, or a \
                  table is declared twice.",
        remedy: "Correct the text at the place shown; everything that could be read before it has been checked too.",
        source: citation::TOML,
        example: r#"invalid basic string, expected `"`"#,
    },
    ProblemRecord {
        id: "json-syntax",
        kind: ProblemKind::File,
        summary: "the file is not JSON, or no table",
        meaning: "The text breaks a rule of JSON, which has no comments and no comma behind the last value, or a key \
                  stands twice in a table. A topology is one table of sections.",
        remedy: "Correct the text at the place shown. Where it is the rules that are in the way, write YAML or TOML.",
        source: citation::JSON,
        example: "the text ends while parsing an object",
    },
    ProblemRecord {
        id: "yaml-syntax",
        kind: ProblemKind::File,
        summary: "the file is not YAML, or has what topologies do without",
        meaning: "The text breaks a rule of YAML 1.2, or a key stands twice in a table, or it has anchors, aliases, merge \
                  keys, tags, directives or a second document. A topology needs none of these, and a few lines of \
                  aliases stand for gigabytes.",
        remedy: "Correct the text at the place shown; write out what an alias stands for.",
        source: citation::YAML,
        example: "aliases are not read",
    },
    ProblemRecord {
        id: "unknown-key",
        kind: ProblemKind::File,
        summary: "a key is not known here",
        meaning: "Files are read strictly: a key that means nothing is an error rather than ignored, so that a \
                  misspelt `linked_vpc` cannot pass as an instance without a link.",
        remedy: "Correct the spelling; the nearest known key is suggested where there is one.",
        source: citation::OWN_CHOICE,
        example: "instance `i-a` has no key `linked_vcp`",
    },
    ProblemRecord {
        id: "missing-key",
        kind: ProblemKind::File,
        summary: "a key that has no default is missing",
        meaning: "Most keys have a default; addresses, CIDRs, the VPC of a vSwitch and the like must be given.",
        remedy: "Add the key.",
        source: citation::OWN_CHOICE,
        example: "vswitch `vsw-a` needs the key `cidr`",
    },
    ProblemRecord {
        id: "wrong-type",
        kind: ProblemKind::File,
        summary: "a value has the wrong type",
        meaning: "A string, number, boolean, list or table stands where another of these is expected: `priority = \
                  \"1\"` in place of `priority = 1` for example.",
        remedy: "Write the value in the expected type.",
        source: citation::OWN_CHOICE,
        example: "`mtu` expects an integer, found a string",
    },
    ProblemRecord {
        id: "invalid-value",
        kind: ProblemKind::File,
        summary: "a value has the right type and cannot be understood",
        meaning: "An address, CIDR, port range, protocol, MAC address or word of a fixed list is malformed or out of \
                  range. A CIDR with bits set behind its length, as in 10.24.1.5/16, is among them.",
        remedy: "Write one of the values that the message lists.",
        source: citation::OWN_CHOICE,
        example: r#""10.24.1.5/16" has host bits set"#,
    },
    ProblemRecord {
        id: "duplicate-id",
        kind: ProblemKind::File,
        summary: "an id is taken or reserved",
        meaning: "Ids of instances, services, gateways and peerings are unique together, because frames are attributed \
                  to them by name. `classic`, `cloud-services`, `drops`, `services`, `any`, `nothing`, `and` and \
                  `without` are taken: they stand for something of their own wherever an id does.",
        remedy: "Rename one of the two, and the references to it.",
        source: citation::OWN_CHOICE,
        example: "two objects are called `nat-1`",
    },
    ProblemRecord {
        id: "unknown-id",
        kind: ProblemKind::File,
        summary: "a reference names nothing in the topology",
        meaning: "Every VPC, vSwitch, route table, group, template and next hop that is named must be declared in the same \
                  topology, as the right kind of object.",
        remedy: "Correct the spelling, or declare the object; the nearest id is suggested where there is one.",
        source: citation::OWN_CHOICE,
        example: "no VPC is called `vpc-shpo`",
    },
    ProblemRecord {
        id: "conflicting-keys",
        kind: ProblemKind::File,
        summary: "of two keys exactly one is expected",
        meaning: "An object lives in the classic network or in a VPC: `network = \"classic\"` or `vswitch`, `vpc`, but \
                  not both and not neither. Other pairs that exclude each other are told in the same way.",
        remedy: "Keep the one that is meant.",
        source: citation::OWN_CHOICE,
        example: "security_group `sg-a` has both `vpc` and `network`",
    },
    ProblemRecord {
        id: "unreadable-file",
        kind: ProblemKind::File,
        summary: "a file cannot be read",
        meaning: "The file does not exist, may not be opened, is no regular file, is larger than 1 GiB, is not UTF-8 \
                  text, or is something else by its content: a capture, JSON, Terraform.",
        remedy: "Correct the path or the permissions.",
        source: citation::OWN_CHOICE,
        example: "cannot read `shop.toml`: No such file or directory (os error 2)",
    },
    ProblemRecord {
        id: "invalid-include",
        kind: ProblemKind::File,
        summary: "a file cannot be a part of the topology",
        meaning: "The files that `include` names are named from the folder of the file that names them, end in .toml, .json, \
                  .yaml or .yml, and are a part of the topology once each. A path of another form, a file that is included twice or includes itself, a list in a text that has no folder, \
                  and more than 1,024 files are refused.",
        remedy: "Leave the second mention out; give the path of the first file.",
        source: citation::OWN_CHOICE,
        example: "nothing can be included here",
    },
    ProblemRecord {
        id: "too-many-problems",
        kind: ProblemKind::File,
        summary: "a file has more problems than are listed",
        meaning: "The first 10,000 problems of a file are kept, and the others are counted.",
        remedy: "Mend those listed first; so many mostly have one cause, such as a list or quote that is never closed.",
        source: citation::OWN_CHOICE,
        example: "4,990 more problems are not listed",
    },
    ProblemRecord {
        id: "wrong-file-kind",
        kind: ProblemKind::File,
        summary: "a topology stands where a scenario is expected, or the other way round",
        meaning: "A topology declares the network; a scenario names a topology and lists steps. The two kinds of file \
                  are told apart by their top-level keys.",
        remedy: "Give topologies to `biplane check`, `replay` and `trace`, and scenarios to `biplane run`.",
        source: citation::OWN_CHOICE,
        example: "this is a scenario file, not a topology file",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Sources;
    use crate::scenario::{self, Notation};

    #[test]
    fn examples_are_what_the_decoder_says() {
        let cases = [
            ("toml-syntax", "x = \"a"),
            ("json-syntax", "{"),
            ("yaml-syntax", "vpc: *all"),
            ("unknown-key", "[instance.i-a]\nnetwork = \"classic\"\nprivate_ip = \"10.0.0.1\"\nlinked_vcp = \"x\""),
            ("missing-key", "[vpc.vpc-a]\ncidr = \"10.0.0.0/8\"\n[vswitch.vsw-a]\nvpc = \"vpc-a\""),
            ("wrong-type", "[fabric]\nmtu = \"1500\""),
            ("invalid-value", "[vpc.vpc-a]\ncidr = \"10.24.1.5/16\""),
            (
                "duplicate-id",
                "[vpc.v]\ncidr = \"10.0.0.0/8\"\n[vpc.w]\ncidr = \"10.0.0.0/8\"\n\
                 [peering.nat-1]\nvpcs = [\"v\", \"w\"]\n[gateway.nat-1]\nvpc = \"v\"",
            ),
            ("unknown-id", "[vpc.vpc-shop]\ncidr = \"10.0.0.0/8\"\n[gateway.g]\nvpc = \"vpc-shpo\""),
            (
                "conflicting-keys",
                "[vpc.v]\ncidr = \"10.0.0.0/8\"\n[security_group.sg-a]\nvpc = \"v\"\nnetwork = \"classic\"",
            ),
            ("invalid-include", "include = [\"a.toml\"]"),
            ("wrong-file-kind", "[[step]]"),
        ];
        for (id, text) in cases {
            let notation = match id {
                "json-syntax" => Notation::Json,
                "yaml-syntax" => Notation::Yaml,
                _ => Notation::Toml,
            };
            let (_, problems) = scenario::topology_as(&mut Sources::new(), "t", text, notation);
            let page = RECORDS.iter().find(|page| page.id == id).expect("a page");
            let said: Vec<(&str, &str)> = problems.iter().map(|found| (found.id, found.message.as_str())).collect();
            assert_eq!(said, [(id, page.example)]);
        }
    }
}

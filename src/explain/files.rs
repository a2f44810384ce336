//! The pages of what can be wrong with a file before its meaning is looked at.

use super::{Kind, Page};
use crate::check::OWN_CHOICE;

const fn page(
    id: &'static str,
    title: &'static str,
    meaning: &'static str,
    example: &'static str,
    remedy: &'static str,
) -> Page {
    Page { id, title, meaning, kind: Kind::File, source: OWN_CHOICE, example, remedy, foretold_by: None }
}

/// What can be wrong with a topology or scenario file before its meaning is looked at.
pub(super) const PAGES: &[Page] = &[
    Page {
        source: "https://toml.io/en/v1.0.0",
        ..page(
            "toml-syntax",
            "the file is not TOML",
            "The text breaks a rule of TOML: a quote or bracket is missing, a key stands twice in a table, or a table \
             is declared twice.",
            r#"invalid basic string, expected `"`"#,
            "Correct the text at the place shown; everything that could be read before it has been checked too.",
        )
    },
    page(
        "unknown-key",
        "a key is not known here",
        "Files are read strictly: a key that means nothing is an error rather than ignored, so that a misspelt \
         `linked_vpc` cannot pass as an instance without a link.",
        "instance `i-a` has no key `linked_vcp`",
        "Correct the spelling; the nearest known key is suggested where there is one.",
    ),
    page(
        "missing-key",
        "a key that has no default is missing",
        "Most keys have a default; addresses, CIDRs, the VPC of a vSwitch and the like must be given.",
        "vswitch `vsw-a` needs the key `cidr`",
        "Add the key.",
    ),
    page(
        "wrong-type",
        "a value has the wrong type",
        "A string, number, boolean, list or table stands where another of these is expected: `priority = \"1\"` in \
         place of `priority = 1` for example.",
        "`mtu` expects an integer, found a string",
        "Write the value in the expected type.",
    ),
    page(
        "invalid-value",
        "a value has the right type and cannot be understood",
        "An address, CIDR, port range, protocol, MAC address or word of a fixed list is malformed or out of range. A \
         CIDR with bits set behind its length, as in 10.24.1.5/16, is among them.",
        r#""10.24.1.5/16" has host bits set"#,
        "Write one of the values that the message lists.",
    ),
    page(
        "duplicate-id",
        "an id is taken or reserved",
        "Ids of instances, services, gateways and peerings are unique together, because frames are attributed to them \
         by name. `classic` and `cloud-services`, the built-in endpoint of 100.64.0.0/10, are taken.",
        "two objects are called `nat-1`",
        "Rename one of the two, and the references to it.",
    ),
    page(
        "unknown-id",
        "a reference names nothing in the file",
        "Every VPC, vSwitch, route table, group and next hop that is named must be declared in the same file, as the \
         right kind of object.",
        "no VPC is called `vpc-shpo`",
        "Correct the spelling, or declare the object; the nearest id is suggested where there is one.",
    ),
    page(
        "conflicting-keys",
        "of two keys exactly one is expected",
        "An object lives in the classic network or in a VPC: `network = \"classic\"` or `vswitch`, `vpc`, but not both \
         and not neither. Other pairs that exclude each other are told in the same way.",
        "security_group `sg-a` has both `vpc` and `network`",
        "Keep the one that is meant.",
    ),
    page(
        "unreadable-file",
        "a file cannot be read",
        "The file does not exist, may not be opened, or is not UTF-8 text.",
        "cannot read `shop.toml`: No such file or directory (os error 2)",
        "Correct the path or the permissions.",
    ),
    page(
        "wrong-file-kind",
        "a topology stands where a scenario is expected, or the other way round",
        "A topology declares the network; a scenario names a topology and lists steps. The two kinds of file are told \
         apart by their top-level keys.",
        "this is a scenario file, not a topology file",
        "Give topologies to `biplane check`, `replay` and `trace`, and scenarios to `biplane run`.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Sources;
    use crate::scenario;

    #[test]
    fn examples_are_what_the_decoder_says() {
        let cases = [
            ("toml-syntax", "x = \"a"),
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
            ("wrong-file-kind", "[[step]]"),
        ];
        for (id, text) in cases {
            let (_, problems) = scenario::topology(&mut Sources::new(), "t.toml", text);
            let page = PAGES.iter().find(|page| page.id == id).expect("a page");
            let said: Vec<(&str, &str)> = problems.iter().map(|found| (found.id, found.message.as_str())).collect();
            assert_eq!(said, [(id, page.example)]);
        }
    }
}

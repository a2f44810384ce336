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
            "error[toml-syntax]: missing closing quote",
            "Correct the text at the place shown; everything that could be read before it has been checked too.",
        )
    },
    page(
        "unknown-key",
        "a key is not known here",
        "Files are read strictly: a key that means nothing is an error rather than ignored, so that a misspelt \
         `linked_vpc` cannot pass as an instance without a link.",
        "error[unknown-key]: `linked_vcp` is no key of an instance",
        "Correct the spelling; the nearest known key is suggested where there is one.",
    ),
    page(
        "missing-key",
        "a key that has no default is missing",
        "Most keys have a default; addresses, CIDRs, the VPC of a vSwitch and the like must be given.",
        "error[missing-key]: vswitch `vsw-a` has no `cidr`",
        "Add the key.",
    ),
    page(
        "wrong-type",
        "a value has the wrong type",
        "A string, number, boolean, list or table stands where another of these is expected: `priority = \"1\"` in \
         place of `priority = 1` for example.",
        "error[wrong-type]: `priority` is an integer, not a string",
        "Write the value in the expected type.",
    ),
    page(
        "invalid-value",
        "a value has the right type and cannot be understood",
        "An address, CIDR, port range, protocol, MAC address or word of a fixed list is malformed or out of range. A \
         CIDR with bits set behind its length, as in 10.24.1.5/16, is among them.",
        "error[invalid-value]: `10.24.1.5/16` has host bits set",
        "Write one of the values that the message lists.",
    ),
    page(
        "duplicate-id",
        "an id is taken or reserved",
        "Ids of instances, services, gateways and peerings are unique together, because frames are attributed to them \
         by name. `classic` and `cloud-services`, the built-in endpoint of 100.64.0.0/10, are taken.",
        "error[duplicate-id]: two objects are called `nat-1`",
        "Rename one of the two, and the references to it.",
    ),
    page(
        "unknown-id",
        "a reference names nothing in the file",
        "Every VPC, vSwitch, route table, group and next hop that is named must be declared in the same file, as the \
         right kind of object.",
        "error[unknown-id]: no VPC is called `vpc-shpo`",
        "Correct the spelling, or declare the object; the nearest id is suggested where there is one.",
    ),
    page(
        "conflicting-keys",
        "of two keys exactly one is expected",
        "An object lives in the classic network or in a VPC: `network = \"classic\"` or `vswitch`, `vpc`, but not both \
         and not neither. Other pairs that exclude each other are told in the same way.",
        "error[conflicting-keys]: instance `i-a` has both `network` and `vswitch`",
        "Keep the one that is meant.",
    ),
];

//! The script that makes a dump, and the permissions that it needs.

use std::collections::BTreeSet;

/// A POSIX shell script that makes a dump with the vendor's CLI: it only reads, goes on where it was stopped, and keeps
/// what failed beside the answers.
pub const DUMP_SCRIPT: &str = include_str!("dump.sh");

/// The RAM policy that lets a user run [`DUMP_SCRIPT`], as JSON: every call of the script, and nothing else.
pub fn ram_policy() -> String {
    let actions: Vec<String> =
        calls().into_iter().map(|(product, api)| format!("        {:?}", ram_action(product, api))).collect();
    format!(
        "{{\n  \"Version\": \"1\",\n  \"Statement\": [\n    {{\n      \"Effect\": \"Allow\",\n      \"Action\": [\n{}\n      ],\n      \
         \"Resource\": \"*\"\n    }}\n  ]\n}}\n",
        actions.join(",\n")
    )
}

/// The action that RAM knows a call of the CLI by.
pub(super) fn ram_action(product: &str, api: &str) -> String {
    let service = match product {
        "r-kvstore" => "kvstore",
        "vpcpeer" => "vpc",
        other => other,
    };
    format!("{service}:{api}")
}

/// The product and the name of every call in the script.
fn calls() -> BTreeSet<(&'static str, &'static str)> {
    let reads = |word: &str| {
        ["Describe", "List", "Get"].iter().any(|verb| word.starts_with(verb))
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let mut calls = BTreeSet::new();
    for line in DUMP_SCRIPT.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        calls.extend(words.windows(2).filter(|pair| reads(pair[1])).map(|pair| (pair[0], pair[1])));
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_json_and_allows_reading_alone() {
        let policy: serde_json::Value = serde_json::from_str(&ram_policy()).unwrap();
        let actions = policy["Statement"][0]["Action"].as_array().unwrap();
        assert!(actions.len() >= 25, "{actions:?}");
        for action in actions {
            let (_, api) = action.as_str().unwrap().split_once(':').unwrap();
            assert!(["Describe", "List", "Get"].iter().any(|verb| api.starts_with(verb)), "{action}");
        }
        assert!(actions.iter().any(|action| action == "kvstore:DescribeSecurityIps"));
    }

    #[test]
    fn calls_whose_answers_hold_secrets_are_not_made() {
        for api in ["DescribeVpnConnections", "DescribeUserData", "DescribeInstanceVncPasswd"] {
            assert!(!DUMP_SCRIPT.contains(api), "{api}");
        }
    }
}

//! Where a statement that is no TOML ends, and what is still read behind it.

use super::{SHOP, changed, mistake, topology_told};
use insta::assert_snapshot;

/// The first line of what is said about each problem.
fn first_lines(text: &str) -> Vec<String> {
    topology_told(text).lines().filter(|line| !line.starts_with(' ')).map(str::to_owned).collect()
}

#[test]
fn a_list_that_is_never_closed_ends_before_the_next_statement() {
    assert_snapshot!(mistake("security_groups = [\"sg-web\"]\nstate = \"stopped\"", "security_groups = [\"sg-web\"\nstate = \"stoped\""), @r#"
    toml-syntax: unclosed array, expected `]`
      63:28  -- this is no TOML
    invalid-value: `state` cannot be "stoped"
      64:9 "stoped" -- did you mean "stopped"?
      help: expected one of `running`, `stopped`, `pending`, `starting`, `stopping`
    "#);
    assert_snapshot!(mistake("security_groups = [\"sg-web\"]\nstate = \"stopped\"", "security_groups = [\"sg-web]\nstate = \"stoped\""), @r#"
    toml-syntax: invalid basic string, expected `"`
      63:28  -- this is no TOML
    invalid-value: `state` cannot be "stoped"
      64:9 "stoped" -- did you mean "stopped"?
      help: expected one of `running`, `stopped`, `pending`, `starting`, `stopping`
    "#);
    assert_snapshot!(mistake("zone = \"b\"\nregion", "zone = \"\"\"b\nregion"), @r#"
    toml-syntax: invalid multi-line basic string, expected `"`
      21:1  -- this is no TOML
    "#);
}

#[test]
fn one_wrong_line_of_a_list_hides_no_other_line() {
    assert_snapshot!(mistake(
        "  { policy = \"drop\", protocol = \"all\", source = \"10.9.0.0/16\", priority = 100 },\n",
        "  { policy = \"drop\" protocol = \"all\", source = \"10.9.0.0/16\" },\n  { source = \"sg-bd\" },\n"
    ), @r#"
    toml-syntax: missing comma between key-value pairs, expected `,`
      49:21  -- this is no TOML
    unknown-id: no security group is called `sg-bd`
      50:14 "sg-bd" -- declared nowhere in this file
      help: did you mean `sg-db`?
    "#);
    assert_snapshot!(topology_told("[vpc.a]\ncidr = \"172.16.0.0/12\"\nsecondary_cidrs = [\n[1 2],\n[3, 4],\n]\nroutes = 1\n"), @r"
    toml-syntax: string values must be quoted, expected literal string
      4:2 1 2 -- this is no TOML
    wrong-type: `secondary_cidrs` expects a string, found a list
      5:1 [3, 4] -- expected a string
    wrong-type: `routes` expects a list, found an integer
      7:10 1 -- expected a list
    ");
}

/// As a scenario in a heredoc may be.
#[test]
fn an_indented_file_is_read_on_at_its_own_indentation() {
    let indented: String = SHOP.lines().map(|line| format!("    {line}\n")).collect();
    assert_eq!(first_lines(&indented), [""; 0]);
    let broken = changed(&indented, "private_ip = \"172.16.1.9\"", "private_ip = [\"172.16.1.9\"");
    let broken = changed(&broken, "mtu = 1400", "mtu = 14");
    assert_eq!(
        first_lines(&broken),
        ["toml-syntax: unclosed array, expected `]`", "invalid-value: `mtu` is out of range"]
    );
}

#[test]
fn what_a_broken_header_opens_is_not_judged_but_can_be_named() {
    let broken = changed(SHOP, "[vpc.vpc-lab]\ncidr", "[vpc.vpc-lab\ncidrs");
    assert_eq!(first_lines(&broken), ["toml-syntax: unclosed table, expected `]`"]);
    let gone = changed(SHOP, "[vpc.vpc-lab]\ncidr", "[vpc.]\ncidrs");
    assert_eq!(first_lines(&gone).len(), 2, "the header, and the peering with what has no name");
}

#[test]
fn an_object_is_not_said_to_miss_what_could_not_be_read() {
    let broken = changed(SHOP, "cidr = \"10.0.0.0/8\"", "cidr \"10.0.0.0/8\"");
    assert_eq!(first_lines(&broken), ["toml-syntax: key with no value, expected `=`"]);
    let twin = changed(SHOP, "cidr = \"10.0.0.0/8\"", "");
    assert_eq!(first_lines(&twin), ["missing-key: vpc `vpc-lab` needs the key `cidr`"]);
    // Nor is a rule before the line at fault spared.
    let both = changed(SHOP, "egress = [{ destination = \"10.1.2.3\", ", "egres \negress = [{ ");
    assert_eq!(first_lines(&both).len(), 2, "{both}");
}

/// Each is read once more than a right one, not once for each that follows.
#[test]
fn many_broken_statements_take_no_longer_than_their_number() {
    for statement in ["x = [\n", "x = { y = \"\"\"\n", "[a\n", "x\r", "x = [1 2,\n3]\n", "x = '''\n", "[[x]\n"] {
        let text = statement.repeat(20_000);
        let mut sources = crate::diag::Sources::new();
        let (_, diagnostics) = crate::scenario::topology(&mut sources, "a.toml", &text);
        assert!(!diagnostics.is_empty(), "{statement}");
    }
}

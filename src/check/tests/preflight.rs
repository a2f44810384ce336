use super::{CLASSIC_A, SG_CLASSIC, VPC_A, VSW_A, world};
use crate::check::preflight::{PREFLIGHT_RULES, Planned, Preflight};
use crate::diag::Sources;

/// What is said about a link of `i-a` to `vpc-a`.
fn planned(text: &str) -> Preflight {
    let world = world(&mut Sources::new(), text);
    let (instance, vpc) = (world.instances.find("i-a").unwrap(), world.vpcs.find("vpc-a").unwrap());
    Planned::new(&world).link(instance, vpc)
}

/// `i-a`, and `i-b` and `rm-a` at the other end, which let it in.
fn both_ends(of_a: &str, of_b: &str, whitelist: &str) -> String {
    format!(
        "{VPC_A}classic_link = true\n{VSW_A}{SG_CLASSIC}{CLASSIC_A}{of_a}\n\
         [security_group.sg-b]\nvpc = \"vpc-a\"\ningress = [{{ source = \"sg-a\" }}]\n\
         [instance.i-b]\nvswitch = \"vsw-a\"\nprivate_ip = \"172.16.1.5\"\nsecurity_groups = [\"sg-b\"]\n{of_b}\n\
         [service.rm-a]\nkind = \"rds\"\nvswitch = \"vsw-a\"\nip = \"172.16.1.9\"\nwhitelist = [\"{whitelist}\"]\n"
    )
}

#[test]
fn every_rule_of_planned_links_is_broken_in_the_words_of_its_example_and_kept_by_its_twin() {
    let on = format!("{VPC_A}classic_link = true\n{VSW_A}{SG_CLASSIC}{CLASSIC_A}");
    let balancer = "[service.lb]\nkind = \"slb\"\nvswitch = \"vsw-a\"\nip = \"172.16.1.9\"\n";
    let cases = [
        ("link-without-endpoint", on.clone(), on + balancer),
        (
            "instance-stopped",
            both_ends("state = \"stopped\"", "", "10.24.1.5"),
            both_ends("state = \"running\"", "", "10.24.1.5"),
        ),
        (
            "link-to-stopped",
            both_ends("", "state = \"stopped\"", "10.24.1.5"),
            both_ends("", "state = \"running\"", "10.24.1.5"),
        ),
        ("whitelist-deny", both_ends("", "", "10.24.1.6"), both_ends("", "", "10.24.1.5")),
    ];
    let ids: Vec<&str> = PREFLIGHT_RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(cases.each_ref().map(|case| case.0).to_vec(), ids);
    for ((id, broken, kept), rule) in cases.iter().zip(PREFLIGHT_RULES) {
        let found: Vec<(&str, String)> =
            planned(broken).findings.into_iter().map(|finding| (finding.id, finding.message)).collect();
        assert_eq!(found, [(*id, rule.example.to_owned())]);
        let kept = planned(kept);
        assert_eq!(kept.findings, []);
        assert!(kept.is_useful());
    }
}

#[test]
fn whoever_is_kept_out_of_a_link_that_carries_something_is_a_warning() {
    use crate::diag::Severity;
    let severities = |text: &str| {
        let planned = planned(text);
        let severities: Vec<Severity> = planned.findings.iter().map(|finding| finding.severity).collect();
        (severities, planned.is_useful())
    };
    assert_eq!(severities(&both_ends("", "", "10.24.1.6")), (vec![Severity::Warning], true));
    let stopped = both_ends("state = \"stopped\"", "", "10.24.1.6");
    assert_eq!(severities(&stopped), (vec![Severity::Error; 2], false));
}

#[test]
fn ranges_that_no_link_carries_are_told_before_the_link_exists() {
    let ten = both_ends("", "", "10.24.1.5").replace("172.16.0.0/12", "10.0.0.0/8").replace("172.16.1.", "10.112.1.");
    let found = |text: &str| planned(text).findings.iter().map(|finding| finding.id).collect::<Vec<_>>();
    assert_eq!(found(&ten), ["link-without-endpoint", "classiclink-vswitch-outside-10-111"]);
    assert_eq!(found(&ten.replace("10.112.1.", "10.111.1.")), [""; 0]);
    let odd = both_ends("", "", "10.24.1.5").replace("172.16.0.0/12", "11.0.0.0/8").replace("172.16.1.", "11.0.1.");
    let expected = ["classiclink-range-not-linkable", "link-without-endpoint"];
    let mut told = found(&odd);
    told.sort_unstable();
    assert_eq!(told, expected);
}

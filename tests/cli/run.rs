//! `biplane run` and `biplane demo`.

use super::Bench;
use insta::assert_snapshot;

const REACH: &str = r#"title = "The linked server reaches its application"
topology = "../shop.toml"

[[step]]
title = "one port is open"
send = { from = "i-web", tcp = "10.24.1.5:40000 > 172.16.1.10:8080" }
expect = { verdict = "delivered", to = "i-app", path = ["i-web", "classic", "vpc-shop", "i-app"] }

[[step]]
send = { from = "i-web", tcp = "10.24.1.5:40000 > 172.16.1.10:22" }
expect = { verdict = "dropped", reason = "sg-ingress-deny", at = "i-app", rule = "default" }
"#;

fn bench() -> Bench {
    Bench::new().write("scenarios/reach.toml", REACH)
}

#[test]
fn scenarios_are_found_in_the_folder_and_summed_up() {
    let bench = bench();
    assert_snapshot!(bench.tell(&["run"]), @r"
    exit code: 0
    ----- stdout -----
    ok   The linked server reaches its application  scenarios/reach.toml

    1 scenario, 2 steps: 1 passed, 0 failed
    ----- stderr -----
    ");
    assert_snapshot!(bench.tell(&["run", "-v"]), @r"
    exit code: 0
    ----- stdout -----
    ok   The linked server reaches its application  scenarios/reach.toml
         passed step 1: one port is open (scenarios/reach.toml:4)
         passed step 2: 54 bytes  tcp 10.24.1.5:40000 > 172.16.1.10:22 [S] from i-web (scenarios/reach.toml:9)

    1 scenario, 2 steps: 1 passed, 0 failed
    ----- stderr -----
    ");
    assert_snapshot!(bench.tell(&["run", "--list"]), @r"
    exit code: 0
    ----- stdout -----
    scenarios/reach.toml  The linked server reaches its application
    ----- stderr -----
    ");
    assert_snapshot!(bench.tell(&["run", "-k", "nothing"]), @r"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: no scenario in `scenarios` matches `nothing`
    ");
    assert_eq!(bench.run(&["run", "-k", "linked server"]).code, 0);
}

#[test]
fn a_failed_expectation_shows_claim_fact_and_trace() {
    let bench = bench().write("scenarios/wrong.toml", REACH.replace("at = \"i-app\"", "at = \"i-web\""));
    assert_snapshot!(bench.tell(&["run", "scenarios/wrong.toml"]), @"
    exit code: 1
    ----- stdout -----
    FAIL The linked server reaches its application  scenarios/wrong.toml
         failed step 2: 54 bytes  tcp 10.24.1.5:40000 > 172.16.1.10:22 [S] from i-web (scenarios/wrong.toml:9)
           claim: at i-web  (scenarios/wrong.toml:11)
            fact: at i-app
           frame    54 bytes  tcp 10.24.1.5:40000 > 172.16.1.10:22 [S]  enters at i-web  t=0
           classic
             parse    40 bytes of IPv4, ttl 64, DF
             ingress  10.24.1.5 is i-web's own address
             guest    172.16.0.0/12 -> private NIC
             session  none: a first packet
             group    sg-web egress: no rule matched, default accept                     shop.toml:21
             route    172.16.0.0/12 -> link to vpc-shop                                  shop.toml:2
           bridge
             link     i-web is linked to vpc-shop; 172.16.1.10 lies in its primary CIDR  shop.toml:35
           vpc-shop
             route    172.16.1.0/24 -> vsw-shop -> i-app                                 shop.toml:11
             group    sg-app ingress: no rule matched, default drop                      shop.toml:25
                        nearest: #1 accepts tcp/8080 from sg-web; port 22 differs        shop.toml:28
           DROPPED  sg-ingress-deny at i-app

    1 scenario, 2 steps: 0 passed, 1 failed
    ----- stderr -----
    ");
}

/// Each step is wrong about what the vendor answers.
const OPERATIONS: &str = r#"
title = "Operations"
topology = "../shop.toml"
[[step]]
apply = { operation = "detach", instance = "i-web", vpc = "vpc-shop" }
expect = { error = "OperationDenied" }
[[step]]
title = "the link is there"
apply = { operation = "detach", instance = "i-web", vpc = "vpc-shop" }
[[step]]
apply = { operation = "stop", instance = "i-gone" }
expect = { error = "InvalidVpcId.NotFound" }
[[step]]
apply = { operation = "describe", vpc = "vpc-shop" }
expect = { links = { i-web = "vpc-shop" } }
[[step]]
apply = { operation = "describe", vpc = "vpc-shop", page_size = 0 }
expect = { links = {}, total = 0 }
"#;

#[test]
fn an_operation_that_goes_otherwise_than_claimed_shows_code_and_sentence() {
    let bench = bench().write("scenarios/wrong.toml", OPERATIONS);
    assert_snapshot!(bench.tell(&["run", "scenarios/wrong.toml"]), @r"
    exit code: 1
    ----- stdout -----
    FAIL Operations  scenarios/wrong.toml
         failed step 1: detach i-web from vpc-shop (scenarios/wrong.toml:4)
           claim: detach i-web from vpc-shop is refused with OperationDenied  (scenarios/wrong.toml:6)
            fact: accepted
         failed step 2: the link is there (scenarios/wrong.toml:7)
           claim: detach i-web from vpc-shop is accepted  (scenarios/wrong.toml:9)
            fact: refused with OperationDenied (403): `i-web` is linked to no VPC
            help: name the VPC that the instance is linked to
           source: https://github.com/AlibabaCloudDocs/ecs
         failed step 3: stop i-gone (scenarios/wrong.toml:10)
           claim: stop i-gone is refused with InvalidVpcId.NotFound  (scenarios/wrong.toml:12)
            fact: refused with InvalidInstanceId.NotFound (404): there is no instance `i-gone`
            help: name an instance of the topology that was not released
           source: https://github.com/AlibabaCloudDocs/ecs
         failed step 4: describe the links to vpc-shop (scenarios/wrong.toml:13)
           claim: links i-web to vpc-shop  (scenarios/wrong.toml:15)
            fact: no links; 0 in all
         failed step 5: describe the links to vpc-shop (scenarios/wrong.toml:16)
           claim: no links; 0 in all  (scenarios/wrong.toml:18)
            fact: refused with InvalidParameter.PageSize (403): a page of 0 links is asked for
            help: choose a size from 1 to 100
           source: https://www.alibabacloud.com/help/pt-br/ecs/developer-reference/api-ecs-2014-05-26-describeclassiclinkinstances

    1 scenario, 5 steps: 0 passed, 1 failed
    ----- stderr -----
    ");
}

#[test]
fn a_scenario_that_cannot_be_run_is_counted_and_reported() {
    let bench = bench().write(
        "scenarios/odd.toml",
        REACH.replace("expect = { verdict = \"delivered\"", "expct = { verdict = \"delivered\""),
    );
    assert_snapshot!(bench.tell(&["run", "--junit", "junit.xml"]), @r#"
    exit code: 2
    ----- stdout -----
    ok   The linked server reaches its application  scenarios/reach.toml

    2 scenarios, 2 steps: 1 passed, 0 failed, 1 could not be run
    ----- stderr -----
    error[missing-key]: a step with `send` needs the key `expect`
     --> scenarios/odd.toml:4:1
      |
    4 | [[step]]
      | ^^^^^^^^ `expect` is missing
      |
      = note: a step that claims nothing tests nothing
      = help: add it, for example `expect = { verdict = "delivered", to = "db-1" }`

    error[unknown-key]: a step has no key `expct`
     --> scenarios/odd.toml:7:1
      |
    7 | expct = { verdict = "delivered", to = "i-app", path = ["i-web", "classic", "vpc-shop", "i-app"] }
      | ^^^^^ unknown key
      |
      = help: did you mean `expect`?
    "#);
    assert_snapshot!(String::from_utf8(bench.read("junit.xml")).unwrap(), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="biplane" tests="3" skipped="0" failures="1" errors="0">
        <testsuite name="The linked server reaches its application" tests="2" skipped="0" errors="0" failures="0" file="scenarios/reach.toml">
            <testcase name="step 1: one port is open (scenarios/reach.toml:4)" classname="The linked server reaches its application"/>
            <testcase name="step 2: 54 bytes  tcp 10.24.1.5:40000 &gt; 172.16.1.10:22 [S] from i-web (scenarios/reach.toml:9)" classname="The linked server reaches its application"/>
        </testsuite>
        <testsuite name="scenarios/odd.toml" tests="1" skipped="0" errors="0" failures="1" file="scenarios/odd.toml">
            <testcase name="the scenario can be run" classname="scenarios/odd.toml">
                <failure message="scenarios/odd.toml cannot be run: see the errors on standard error">scenarios/odd.toml cannot be run: see the errors on standard error</failure>
            </testcase>
        </testsuite>
    </testsuites>
    "#);
}

#[test]
fn an_invalid_topology_is_shown_with_the_scenario_that_names_it() {
    let bench = Bench::new()
        .write("shop.toml", super::SHOP.replace("ip = \"172.16.1.20\"", "ip = \"172.16.1.10\""))
        .write("scenarios/reach.toml", REACH);
    let told = bench.run(&["run"]);
    assert_eq!((told.code, told.out.trim()), (2, "1 scenario, 0 steps: 0 passed, 0 failed, 1 could not be run"));
    assert!(told.error.starts_with("error[duplicate-address]"), "{}", told.error);
}

#[test]
fn a_report_that_cannot_be_written_is_an_error_after_the_results() {
    let told = bench().run(&["run", "--junit", "gone/junit.xml"]);
    assert_eq!((told.code, told.out.lines().count()), (2, 3));
    assert_snapshot!(told.error, @"error: cannot write `gone/junit.xml`: No such file or directory (os error 2)");
}

#[test]
fn the_demo_needs_no_file() {
    let told = Bench::new().run(&["demo"]);
    assert_eq!((told.code, told.error.as_str()), (0, ""));
    let steps = told.out.lines().filter(|line| line.starts_with("step ")).count();
    let verdicts = told.out.lines().filter(|line| line.starts_with("DELIVERED") || line.starts_with("DROPPED")).count();
    assert_eq!((steps, verdicts), (8, 8));
}

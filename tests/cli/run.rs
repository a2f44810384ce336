//! `biplane run` and `biplane demo`.

use super::world::edit;
use super::{Bench, SHOP, duplicated, pcap, shop_frames};
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
    for more in [&["--junit", "x.xml"][..], &["--format", "json"]] {
        let told = bench.run(&[&["run", "--list"], more].concat());
        assert!(told.code == 2 && told.error.contains("cannot be used with"), "{more:?}: {told}");
    }
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
    assert_snapshot!(without_times(&bench.read("junit.xml")), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="biplane" tests="3" skipped="0" failures="0" errors="1">
        <testsuite name="scenarios/odd.toml" tests="1" skipped="0" errors="1" failures="0" time="0" file="scenarios/odd.toml">
            <testcase name="the scenario can be run" classname="scenarios/odd.toml">
                <error message="scenarios/odd.toml cannot be run" type="cannot-be-run">error[missing-key]: a step with `send` needs the key `expect`
     --&gt; scenarios/odd.toml:4:1
      |
    4 | [[step]]
      | ^^^^^^^^ `expect` is missing
      |
      = note: a step that claims nothing tests nothing
      = help: add it, for example `expect = { verdict = &quot;delivered&quot;, to = &quot;db-1&quot; }`

    error[unknown-key]: a step has no key `expct`
     --&gt; scenarios/odd.toml:7:1
      |
    7 | expct = { verdict = &quot;delivered&quot;, to = &quot;i-app&quot;, path = [&quot;i-web&quot;, &quot;classic&quot;, &quot;vpc-shop&quot;, &quot;i-app&quot;] }
      | ^^^^^ unknown key
      |
      = help: did you mean `expect`?</error>
            </testcase>
        </testsuite>
        <testsuite name="The linked server reaches its application" tests="2" skipped="0" errors="0" failures="0" time="0" file="scenarios/reach.toml">
            <testcase name="step 1: one port is open" classname="The linked server reaches its application" file="scenarios/reach.toml" line="4"/>
            <testcase name="step 2: 54 bytes  tcp 10.24.1.5:40000 &gt; 172.16.1.10:22 [S] from i-web" classname="The linked server reaches its application" file="scenarios/reach.toml" line="9"/>
        </testsuite>
    </testsuites>
    "#);
}

/// A JUnit report with 0 for each time.
fn without_times(xml: &[u8]) -> String {
    let xml = String::from_utf8(xml.to_vec()).unwrap();
    let mut parts = xml.split(" time=\"");
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|part| {
        let (time, rest) = part.split_once('"').unwrap();
        let seconds: f64 = time.parse().unwrap();
        assert!((0.0..60.0).contains(&seconds), "{time}");
        format!(" time=\"0\"{rest}")
    });
    first + &rest.collect::<String>()
}

#[test]
fn an_invalid_topology_is_shown_with_the_scenario_that_names_it() {
    let bench = Bench::new().write("shop.toml", duplicated()).write("scenarios/reach.toml", REACH);
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

/// Two scenarios that fail, between two that pass.
fn four() -> Bench {
    let wrong = REACH.replace("reason = \"sg-ingress-deny\"", "reason = \"no-route\"");
    let twice =
        wrong.replace("to = \"i-app\", path = [\"i-web\", \"classic\", \"vpc-shop\", \"i-app\"]", "to = \"i-web\"");
    Bench::new().write("s/a.toml", REACH).write("s/b.toml", &wrong).write("s/c.toml", twice).write("s/d.toml", REACH)
}

#[test]
fn the_output_is_the_same_for_any_number_of_jobs() {
    let bench = four();
    for format in ["text", "github", "json"] {
        let told = |jobs: &str| bench.tell(&["run", "s", "-v", "--coverage", "--format", format, "--jobs", jobs]);
        let one = told("1");
        for jobs in ["2", "3", "64"] {
            assert_eq!(told(jobs), one, "{format}");
        }
    }
    let told = bench.run(&["run", "s", "--jobs", "0"]);
    assert!(told.code == 2 && told.error.contains("expected a number from 1 to 64"), "{told}");
}

#[test]
fn fail_fast_ends_with_the_first_failed_step_whatever_the_number_of_jobs() {
    let bench = four();
    for jobs in ["1", "4"] {
        let told = bench.run(&["run", "s", "--fail-fast", "--jobs", jobs, "--junit", "junit.xml"]);
        assert_eq!(told.code, 1);
        let last = told.out.lines().last().unwrap();
        assert_eq!(last, "4 scenarios, 4 steps: 1 passed, 1 failed, 2 not run");
        assert!(!told.out.contains("s/c.toml"), "{}", told.out);
        let xml = String::from_utf8(bench.read("junit.xml")).unwrap();
        assert!(xml.contains("tests=\"6\" skipped=\"2\" failures=\"1\" errors=\"0\""), "{xml}");
    }
    assert!(bench.run(&["run", "s"]).out.ends_with("4 scenarios, 8 steps: 2 passed, 2 failed\n"));
}

#[test]
fn a_step_that_could_have_arrived_says_what_to_do_in_every_form() {
    let wrong = REACH.replace(
        "expect = { verdict = \"dropped\", reason = \"sg-ingress-deny\", at = \"i-app\", rule = \"default\" }",
        "expect = { verdict = \"delivered\", to = \"i-app\" }",
    );
    let bench = Bench::new().write("s/a.toml", wrong);
    assert_snapshot!(bench.tell(&["run", "s", "--format", "github"]), @r#"
    exit code: 1
    ----- stdout -----
    ::error file=s/a.toml,line=11,col=10,title=The linked server reaches its application%3A step 2%3A 54 bytes  tcp 10.24.1.5%3A40000 > 172.16.1.10%3A22 [S] from i-web::claim: delivered to i-app  (s/a.toml:11)%0A fact: dropped at i-app by sg-app ingress default (shop.toml:25): no rule matched%0Aframe    54 bytes  tcp 10.24.1.5:40000 > 172.16.1.10:22 [S]  enters at i-web  t=0%0Aclassic%0A  parse    40 bytes of IPv4, ttl 64, DF%0A  ingress  10.24.1.5 is i-web's own address%0A  guest    172.16.0.0/12 -> private NIC%0A  session  none: a first packet%0A  group    sg-web egress: no rule matched, default accept                     shop.toml:21%0A  route    172.16.0.0/12 -> link to vpc-shop                                  shop.toml:2%0Abridge%0A  link     i-web is linked to vpc-shop; 172.16.1.10 lies in its primary CIDR  shop.toml:35%0Avpc-shop%0A  route    172.16.1.0/24 -> vsw-shop -> i-app                                 shop.toml:11%0A  group    sg-app ingress: no rule matched, default drop                      shop.toml:25%0A             nearest: #1 accepts tcp/8080 from sg-web; port 22 differs        shop.toml:28%0ADROPPED  sg-ingress-deny at i-app%0Aremedy   accept tcp/22 from 10.24.1.5 in sg-app: `{ protocol = "tcp", port_range = "22", source = "10.24.1.5" }` in `ingress` of [security_group.sg-app]  shop.toml:25

    1 scenario, 2 steps: 0 passed, 1 failed
    ----- stderr -----
    "#);
    assert_snapshot!(bench.tell(&["run", "s", "--format", "json"]), @r#"
    exit code: 1
    ----- stdout -----
    {
      "scenarios": [
        {
          "file": "s/a.toml",
          "title": "The linked server reaches its application",
          "result": "failed",
          "steps": [
            {
              "title": "step 1: one port is open",
              "result": "passed",
              "source": "s/a.toml:4",
              "column": 1
            },
            {
              "title": "step 2: 54 bytes  tcp 10.24.1.5:40000 > 172.16.1.10:22 [S] from i-web",
              "result": "failed",
              "source": "s/a.toml:9",
              "column": 1,
              "failures": [
                {
                  "type": "sg-ingress-deny",
                  "claim": "delivered to i-app",
                  "fact": "dropped at i-app by sg-app ingress default (shop.toml:25): no rule matched",
                  "source": "s/a.toml:11",
                  "column": 10
                }
              ],
              "trace": "frame    54 bytes  tcp 10.24.1.5:40000 > 172.16.1.10:22 [S]  enters at i-web  t=0\nclassic\n  parse    40 bytes of IPv4, ttl 64, DF\n  ingress  10.24.1.5 is i-web's own address\n  guest    172.16.0.0/12 -> private NIC\n  session  none: a first packet\n  group    sg-web egress: no rule matched, default accept                     shop.toml:21\n  route    172.16.0.0/12 -> link to vpc-shop                                  shop.toml:2\nbridge\n  link     i-web is linked to vpc-shop; 172.16.1.10 lies in its primary CIDR  shop.toml:35\nvpc-shop\n  route    172.16.1.0/24 -> vsw-shop -> i-app                                 shop.toml:11\n  group    sg-app ingress: no rule matched, default drop                      shop.toml:25\n             nearest: #1 accepts tcp/8080 from sg-web; port 22 differs        shop.toml:28\nDROPPED  sg-ingress-deny at i-app\n",
              "remedy": "accept tcp/22 from 10.24.1.5 in sg-app: `{ protocol = \"tcp\", port_range = \"22\", source = \"10.24.1.5\" }` in `ingress` of [security_group.sg-app]  shop.toml:25"
            }
          ]
        }
      ],
      "passed": 0,
      "failed": 1,
      "unable": 0,
      "skipped": 0
    }
    ----- stderr -----
    "#);
    bench.run(&["run", "s", "--junit", "junit.xml"]);
    assert_snapshot!(without_times(&bench.read("junit.xml")), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="biplane" tests="2" skipped="0" failures="1" errors="0">
        <testsuite name="The linked server reaches its application" tests="2" skipped="0" errors="0" failures="1" time="0" file="s/a.toml">
            <testcase name="step 1: one port is open" classname="The linked server reaches its application" file="s/a.toml" line="4"/>
            <testcase name="step 2: 54 bytes  tcp 10.24.1.5:40000 &gt; 172.16.1.10:22 [S] from i-web" classname="The linked server reaches its application" file="s/a.toml" line="9">
                <failure message="claim: delivered to i-app; fact: dropped at i-app by sg-app ingress default (shop.toml:25): no rule matched" type="sg-ingress-deny">claim: delivered to i-app  (s/a.toml:11)
     fact: dropped at i-app by sg-app ingress default (shop.toml:25): no rule matched
    frame    54 bytes  tcp 10.24.1.5:40000 &gt; 172.16.1.10:22 [S]  enters at i-web  t=0
    classic
      parse    40 bytes of IPv4, ttl 64, DF
      ingress  10.24.1.5 is i-web&apos;s own address
      guest    172.16.0.0/12 -&gt; private NIC
      session  none: a first packet
      group    sg-web egress: no rule matched, default accept                     shop.toml:21
      route    172.16.0.0/12 -&gt; link to vpc-shop                                  shop.toml:2
    bridge
      link     i-web is linked to vpc-shop; 172.16.1.10 lies in its primary CIDR  shop.toml:35
    vpc-shop
      route    172.16.1.0/24 -&gt; vsw-shop -&gt; i-app                                 shop.toml:11
      group    sg-app ingress: no rule matched, default drop                      shop.toml:25
                 nearest: #1 accepts tcp/8080 from sg-web; port 22 differs        shop.toml:28
    DROPPED  sg-ingress-deny at i-app
    remedy   accept tcp/22 from 10.24.1.5 in sg-app: `{ protocol = &quot;tcp&quot;, port_range = &quot;22&quot;, source = &quot;10.24.1.5&quot; }` in `ingress` of [security_group.sg-app]  shop.toml:25</failure>
            </testcase>
        </testsuite>
    </testsuites>
    "#);
}

#[test]
fn github_finds_the_file_of_a_path_from_the_root_and_of_one_that_cannot_be_read() {
    let bench = four().write("s/odd.toml", "title = 1\n");
    let path = bench.path().join("s").canonicalize().unwrap();
    let told = bench.run(&["run", path.to_str().unwrap(), "--format", "github"]);
    assert!(told.out.contains("::error file=s/b.toml,line=11,col=10,title="), "{}", told.out);
    let odd = "::error file=s/odd.toml,line=1,col=9,title=wrong-type::`title` expects a string, found an integer\n";
    let found = bench.run(&["run", "./s/odd.toml", "--format", "github"]);
    assert!(found.code == 2 && found.out.contains(odd), "{found}");
    let runner = bench.command(&["run", "s/b.toml"]).env("GITHUB_ACTIONS", "true").output().unwrap();
    assert!(runner.stdout.starts_with(b"::error "), "{runner:?}");
}

/// A capture with two frames that are dropped, and what a step claims about it.
fn replayed(expect: &str) -> Bench {
    let bench = Bench::new().write("a.pcap", pcap(&shop_frames()));
    let step = "[[step]]\nreplay = { capture = \"a.pcap\", inject = { \"172.16.1.10\" = \"i-app\" } }\n";
    bench.write("a.toml", format!("title = \"a capture\"\ntopology = \"shop.toml\"\n\n{step}{expect}\n"))
}

#[test]
fn a_failed_replay_says_what_differs_and_shows_one_trace() {
    let bench =
        replayed("expect = { delivered = { i-app = 4, i-web = 1 }, frames = [{ frame = 2, verdict = \"answered\" }] }");
    assert_snapshot!(bench.tell(&["run", "a.toml"]), @r#"
    exit code: 1
    ----- stdout -----
    FAIL a capture  a.toml
         failed step 1: replay a.pcap (a.toml:4)
           claim: frame 2 is answered  (a.toml:6)
            fact: dropped at i-app by sg-app ingress default (shop.toml:25): no rule matched
           claim: 0 frames dropped for sg-ingress-deny  (a.toml:6)
            fact: 2, the first of them frame 2: 54 bytes  tcp 10.24.1.5:40000 > 172.16.1.10:22 [S]: dropped at i-app by sg-app ingress default (shop.toml:25): no rule matched
           claim: 0 frames dropped for unknown-source  (a.toml:6)
            fact: 1, the first of them frame 6: 54 bytes  tcp 100.64.9.9:5000 > 172.16.9.9:443 [S]: dropped: no endpoint may send from this address
           claim: 4 frames delivered to i-app  (a.toml:6)
            fact: 2
           #2       54 bytes  tcp 10.24.1.5:40000 > 172.16.1.10:22 [S]  enters at i-web  t=0.001
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
           remedy   accept tcp/22 from 10.24.1.5 in sg-app: `{ protocol = "tcp", port_range = "22", source = "10.24.1.5" }` in `ingress` of [security_group.sg-app]  shop.toml:25

    1 scenario, 1 step: 0 passed, 1 failed
    ----- stderr -----
    "#);
}

#[test]
fn a_claim_about_a_frame_that_fails_alone_shows_the_trace_of_that_frame() {
    // All counts hold, and the frame is the first of its kind, or it is not.
    for frame in [2, 3] {
        let bench = replayed(&format!(
            "expect = {{ delivered = {{ i-app = 2, i-web = 1 }}, dropped = {{ sg-ingress-deny = 2, unknown-source = 1 }}, \
             frames = [{{ frame = {frame}, verdict = \"answered\" }}] }}"
        ));
        let told = bench.run(&["run", "a.toml"]);
        assert_eq!(told.code, 1, "{}", told.out);
        let claims = told.out.lines().filter(|line| line.trim_start().starts_with("claim: "));
        assert_eq!(claims.count(), 1, "{}", told.out);
        let traces: Vec<&str> = told.out.lines().filter(|line| line.contains(" bytes  tcp ")).collect();
        assert!(traces[0].trim_start().starts_with(&format!("#{frame} ")) && traces.len() == 1, "{}", told.out);
        assert_eq!(
            told.out.matches("remedy   accept tcp/22 from 10.24.1.5 in sg-app").count(),
            usize::from(frame == 2)
        );
    }
}

#[test]
fn blessing_rewrites_what_is_expected_and_nothing_else() {
    let bench = replayed(
        "# what arrives\nexpect = { delivered = { i-app = 4, i-web = 1 }, dropped = { no-route = 0 }, # by reason\n  \
         outside = 1 }\n\n[[step]]  # the twin\nsend = { from = \"i-web\", tcp = \"10.24.1.5:40000 > 172.16.1.10:22\" }\n\
         expect.verdict = \"delivered\"   # why not\nexpect.to = \"i-app\"\n\n[[step]]\n\
         apply = { operation = \"detach\", instance = \"i-web\", vpc = \"vpc-shop\" }\nexpect = { error = \"OperationDenied\" }",
    );
    assert_snapshot!(bench.tell(&["run", "a.toml", "--bless"]), @r#"
    exit code: 0
    ----- stdout -----
    FAIL a capture  a.toml
         failed step 1: replay a.pcap (a.toml:4)
           claim: 0 frames dropped for sg-ingress-deny  (a.toml:7)
            fact: 2, the first of them frame 2: 54 bytes  tcp 10.24.1.5:40000 > 172.16.1.10:22 [S]: dropped at i-app by sg-app ingress default (shop.toml:25): no rule matched
           claim: 0 frames dropped for unknown-source  (a.toml:7)
            fact: 1, the first of them frame 6: 54 bytes  tcp 100.64.9.9:5000 > 172.16.9.9:443 [S]: dropped: no endpoint may send from this address
           claim: 4 frames delivered to i-app  (a.toml:7)
            fact: 2
           claim: 1 frame outside the two planes  (a.toml:8)
            fact: 0
           #2       54 bytes  tcp 10.24.1.5:40000 > 172.16.1.10:22 [S]  enters at i-web  t=0.001
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
           remedy   accept tcp/22 from 10.24.1.5 in sg-app: `{ protocol = "tcp", port_range = "22", source = "10.24.1.5" }` in `ingress` of [security_group.sg-app]  shop.toml:25
         failed step 2: 54 bytes  tcp 10.24.1.5:40000 > 172.16.1.10:22 [S] from i-web (a.toml:10)
           claim: delivered to i-app  (a.toml:12)
            fact: dropped at i-app by sg-app ingress default (shop.toml:25): no rule matched
           frame    54 bytes  tcp 10.24.1.5:40000 > 172.16.1.10:22 [S]  enters at i-web  t=0.005
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
           remedy   accept tcp/22 from 10.24.1.5 in sg-app: `{ protocol = "tcp", port_range = "22", source = "10.24.1.5" }` in `ingress` of [security_group.sg-app]  shop.toml:25
         failed step 3: detach i-web from vpc-shop (a.toml:15)
           claim: detach i-web from vpc-shop is refused with OperationDenied  (a.toml:17)
            fact: accepted

    1 scenario, 3 steps: 0 passed, 1 failed

    --- a.toml
    +++ a.toml, blessed
    @@ line 4 @@
     [[step]]
     replay = { capture = "a.pcap", inject = { "172.16.1.10" = "i-app" } }
     # what arrives
    -expect = { delivered = { i-app = 4, i-web = 1 }, dropped = { no-route = 0 }, # by reason
    -  outside = 1 }
    +expect = { delivered = { i-app = 2, i-web = 1 }, dropped = { no-route = 0, unknown-source = 1, sg-ingress-deny = 2 }, # by reason
    +  outside = 0 }
     
     [[step]]  # the twin
     send = { from = "i-web", tcp = "10.24.1.5:40000 > 172.16.1.10:22" }
    -expect.verdict = "delivered"   # why not
    -expect.to = "i-app"
    +expect.verdict = "dropped"   # why not
    +expect.reason = "sg-ingress-deny"
     
     [[step]]
     apply = { operation = "detach", instance = "i-web", vpc = "vpc-shop" }
    -expect = { error = "OperationDenied" }
    blessed 3 steps of a.toml
    ----- stderr -----
    "#);
    assert_eq!(bench.run(&["run", "a.toml"]).code, 0);
    assert_eq!(
        bench.run(&["run", "a.toml", "--bless"]).out,
        "ok   a capture  a.toml\n\n1 scenario, 3 steps: 1 passed, 0 failed\n"
    );
}

#[test]
fn blessing_leaves_standard_output_to_json_where_that_is_asked_for() {
    let bench = replayed("expect = { delivered = { i-app = 1 } }");
    let told = bench.run(&["run", "a.toml", "--bless", "--format", "json"]);
    assert_eq!(told.code, 0, "{told}");
    let value: serde_json::Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(value["failed"], 1);
    assert!(told.error.contains("+++ a.toml, blessed") && told.error.ends_with("blessed 1 step of a.toml\n"), "{told}");
}

#[test]
fn blessing_keeps_the_ends_of_lines_and_refuses_what_is_no_plain_file() {
    let bench = replayed("expect = { delivered = { i-app = 1 } }");
    let text = String::from_utf8(bench.read("a.toml")).unwrap();
    let bench = bench.write("a.toml", text.replace('\n', "\r\n"));
    assert_eq!(bench.run(&["run", "a.toml", "--bless"]).code, 0);
    let blessed = String::from_utf8(bench.read("a.toml")).unwrap();
    assert_eq!(blessed.matches('\n').count(), blessed.matches("\r\n").count(), "{blessed:?}");
    assert_eq!(bench.run(&["run", "a.toml"]).code, 0);

    let bench = bench.write("mixed.toml", format!("# a\r\n{text}"));
    let told = bench.run(&["run", "mixed.toml", "--bless"]);
    assert_eq!((told.code, told.error.as_str()), (2, "error: cannot bless `mixed.toml`: its lines end in two ways\n"));
    #[cfg(unix)]
    {
        let bench = bench.write("real.toml", &text);
        std::os::unix::fs::symlink("real.toml", bench.path().join("link.toml")).unwrap();
        let told = bench.run(&["run", "link.toml", "--bless"]);
        let why = "error: cannot bless `link.toml`: it is a symbolic link; name the file that it leads to\n";
        assert_eq!((told.code, told.error.as_str()), (2, why));
        assert_eq!(bench.read("real.toml"), text.as_bytes());
    }
}

#[test]
fn what_cannot_be_blessed_still_fails() {
    let claim = "[[claim]]\nthat = \"i-web -> i-app: nothing\"\n\n";
    let bench = Bench::new().write(
        "a.toml",
        REACH.replace("../shop.toml", "shop.toml").replacen("[[step]]", &format!("{claim}[[step]]"), 1),
    );
    let told = bench.run(&["run", "a.toml", "--bless"]);
    assert_eq!(told.code, 1);
    let why = "a.toml: 1 failure cannot be blessed: a claim about all headers, or a step that could not be taken, is mended by hand\n";
    assert_eq!(told.error, why);
    let missing = replayed(
        "expect = { delivered = { i-app = 3, i-web = 1 }, frames = [{ frame = 99, verdict = \"answered\" }] }",
    );
    let told = missing.run(&["run", "a.toml", "--bless"]);
    assert_eq!(told.code, 1, "{told}");
    assert!(told.error.contains("a claim about a frame that the capture does not have cannot be blessed"), "{told}");
}

#[test]
fn coverage_tells_what_no_packet_met() {
    let bench = bench();
    let told = bench.run(&["run", "--coverage"]);
    assert_eq!(told.code, 0);
    let (entries, reasons) = told.out.split_once("coverage of reasons: ").unwrap();
    assert_snapshot!(entries, @r"
    ok   The linked server reaches its application  scenarios/reach.toml

    1 scenario, 2 steps: 1 passed, 0 failed

    coverage of shop.toml
      rules             1 of 3 met
      routes            0 of 1 met
      whitelist entries 0 of 1 met
      links             1 of 1 met
      never met                   line          what it says
      route 0.0.0.0/0 of vpc-lab  shop.toml:7   -> ngw-out
      sg-web ingress #1           shop.toml:23  accepts tcp/443 from 0.0.0.0/0
      sg-app ingress #2           shop.toml:29  accepts icmp from 10.0.0.0/8
      rm-orders whitelist #1      shop.toml:55  holds 10.24.1.5/32
    ");
    assert!(
        reasons.starts_with("1 of ") && reasons.contains(" no-route ") && !reasons.contains("sg-ingress-deny"),
        "{reasons}"
    );
    let json = bench.run(&["run", "--coverage", "--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let topology = &value["coverage"]["topologies"][0];
    assert_eq!((topology["file"].as_str(), topology["link"]["met"].as_u64()), (Some("shop.toml"), Some(1)));
    let never = topology["never_met"].as_array().unwrap();
    assert!(never.iter().any(|entry| entry["rule"] == "sg-app ingress #2"), "{topology:#}");
    assert!(!never.iter().any(|entry| entry["rule"] == "sg-app ingress #1"), "{topology:#}");
}

/// Rules that an operation takes away or adds do not blur what was met before and after it.
#[test]
fn coverage_knows_an_entry_by_its_line_whatever_operations_do_to_its_number() {
    let revoke = "[[step]]\napply = { operation = \"revoke\", security_group = \"sg-app\", ingress = { protocol = \"tcp\", \
                  port_range = \"8080/8080\", source = \"sg-web\" } }\n[[step]]\n\
                  send = { from = \"i-web\", icmp = \"10.24.1.5 > 172.16.1.10\" }\n\
                  expect = { verdict = \"delivered\", to = \"i-app\" }\n";
    let bench = Bench::new().write("scenarios/reach.toml", format!("{REACH}{revoke}"));
    let told = bench.run(&["run", "--coverage"]);
    assert_eq!(told.code, 0, "{told}");
    assert!(!told.out.contains("sg-app ingress #"), "{}", told.out);
}

#[test]
fn a_scenario_made_of_a_replay_passes_and_fails_where_the_topology_changes() {
    let bench = Bench::new().write("week/a.pcap", pcap(&shop_frames())).write("tests/keep.txt", "");
    let replay =
        ["replay", "shop.toml", "week/a.pcap", "--inject", "172.16.1.10=i-app", "--as-scenario", "tests/week.toml"];
    let told = bench.run(&replay);
    assert_eq!(told.code, 0, "{told}");
    assert!(
        told.error
            .ends_with("`tests/week.toml` expects what became of 6 frames: `biplane run tests/week.toml` holds it\n"),
        "{told}"
    );
    assert_snapshot!(String::from_utf8(bench.read("tests/week.toml")).unwrap(), @r#"
    title = "../week/a.pcap in ../shop.toml"
    topology = "../shop.toml"

    [[step]]
    replay = { capture = "../week/a.pcap", inject = { "172.16.1.10" = "i-app" } }
    expect.delivered = { i-app = 2, i-web = 1 }
    expect.dropped = { unknown-source = 1, sg-ingress-deny = 2 }
    "#);
    let ran = bench.run(&["run", "tests/week.toml"]);
    assert_eq!(ran.code, 0, "{ran}");
    let closed = edit(SHOP).set_rule(("sg-app", "ingress", 0), "port_range", "8081/8081");
    let bench = bench.write("shop.toml", closed.toml());
    assert_eq!(bench.run(&["run", "tests/week.toml"]).code, 1);
}

#[test]
fn a_scenario_made_of_a_replay_overwrites_no_input_and_says_what_it_cannot_hold() {
    let bench = Bench::new().write("a.pcap", pcap(&shop_frames())).write("b.pcap", pcap(&shop_frames()));
    let refused = |arguments: &[&str]| {
        let told = bench.run(&[&["replay", "shop.toml"], arguments].concat());
        assert_eq!(told.code, 2, "{told}");
        told.error
    };
    assert_snapshot!(refused(&["a.pcap", "--as-scenario", "shop.toml"]), @"error: `shop.toml` would overwrite the topology that is being read");
    assert_snapshot!(refused(&["a.pcap", "--as-scenario", "a.pcap"]), @"error: `a.pcap` would overwrite the capture that is being read");
    assert_snapshot!(refused(&["a.pcap", "b.pcap", "--as-scenario", "new.toml"]), @"error: cannot write a scenario: a step of a scenario replays one capture, or one folder of captures");
    assert_snapshot!(refused(&["a.pcap", "--mtu", "1000", "--as-scenario", "new.toml"]), @"error: cannot write a scenario: a scenario has --inject, --map and --strict-tcp, and neither --mtu nor options about what a capture holds; the MTU is a key of the topology");
    assert_snapshot!(refused(&["-", "--as-scenario", "new.toml"]), @"error: -: empty; expected a pcap or pcapng capture");
    assert_snapshot!(refused(&["a.pcap", "--as-scenario", "-"]), @"error: cannot write a scenario: a scenario names its files from its own folder: give --as-scenario a file");
    let cut = &pcap(&shop_frames())[..200];
    let bench = Bench::new().write("cut.pcap", cut);
    let told = bench.run(&["replay", "shop.toml", "cut.pcap", "--as-scenario", "new.toml"]);
    assert!(told.code == 2 && told.error.contains("note: `new.toml` was not written"), "{told}");
    assert!(!bench.path().join("new.toml").exists());
}

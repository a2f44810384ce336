//! Results of scenarios as JUnit XML, which build servers read.

use super::{ScenarioProgress, ScenarioResult, StepResult};
use crate::text::{shown, shown_lines};
use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

/// The XML text: a suite for each scenario with the time that it took, a case for each claim and step. A failure has what
/// happened as its type, claim and fact as its message, and trace and remedy in its body. Control characters, which XML
/// cannot hold, are shown escaped.
pub fn junit_xml(results: &[ScenarioResult]) -> Result<String, SerializeError> {
    let mut report = Report::new("biplane");
    for result in results {
        let mut suite = TestSuite::new(&*shown(&result.name));
        suite.extra.insert("file".into(), (&*shown(&result.file)).into());
        suite.set_time(result.elapsed);
        let whole = |status| TestCase::new("the scenario can be run", status);
        let cases: Vec<TestCase> = match &result.progress {
            ScenarioProgress::Ran(steps) => steps.iter().map(case).collect(),
            ScenarioProgress::Unable(why) => vec![whole(unable(result, why))],
            ScenarioProgress::Skipped => vec![whole(skipped())],
        };
        for mut case in cases {
            case.set_classname(&*shown(&result.name));
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    report.to_string()
}

fn case(step: &StepResult) -> TestCase {
    let mut case = TestCase::new(&*shown(&step.title), status(step));
    if let Some(place) = &step.place {
        case.extra.insert("file".into(), (&*shown(&place.file)).into());
        case.extra.insert("line".into(), place.line.to_string().into());
    }
    case
}

fn status(step: &StepResult) -> TestCaseStatus {
    let Some(first) = step.failures.first() else { return TestCaseStatus::success() };
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type(&*shown(&first.kind));
    let fact = first.fact.lines().next().unwrap_or_default();
    status.set_message(&*shown(&format!("claim: {}; fact: {fact}", first.claim)));
    status.set_description(&*shown_lines(step.message().trim_end()));
    status
}

fn unable(result: &ScenarioResult, why: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type("cannot-be-run");
    status.set_message(&*shown(&format!("{} cannot be run", result.file)));
    status.set_description(&*shown_lines(why.trim_end()));
    status
}

fn skipped() -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message("not run: an earlier scenario failed, and --fail-fast was given");
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::results::fixture::results;

    #[test]
    fn a_failed_step_is_a_failure_with_its_message_and_a_passed_one_is_not() {
        let xml = junit_xml(&results()).unwrap();
        assert_eq!(xml, junit_xml(&results()).unwrap());
        insta::assert_snapshot!(xml, @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="biplane" tests="4" skipped="1" failures="1" errors="1">
            <testsuite name="a linked instance: reaches, its database" tests="2" skipped="0" errors="0" failures="1" time="0.012" file="scenarios/shop.toml">
                <testcase name="step 1: tcp 10.24.1.5:40000 &gt; 172.16.1.10:3306" classname="a linked instance: reaches, its database" file="scenarios/shop.toml" line="4"/>
                <testcase name="step 2: tcp 10.24.1.5:40000 &gt; 172.16.1.10:22" classname="a linked instance: reaches, its database" file="scenarios/shop.toml" line="9">
                    <failure message="claim: delivered to &lt;db-1&gt;; fact: DROPPED, 100% &amp; \u{1b}[31mgone" type="sg-ingress-deny">claim: delivered to &lt;db-1&gt;  (scenarios/shop.toml:11)
         fact: DROPPED, 100% &amp; \u{1b}[31mgone
        and 2 claims fail beside these
        frame    54 bytes
        DROPPED  sg-ingress-deny at db-1
        remedy   accept tcp/22  shop.toml:9</failure>
                </testcase>
            </testsuite>
            <testsuite name="scenarios/odd.toml" tests="1" skipped="0" errors="1" failures="0" time="0.012" file="scenarios/shop.toml">
                <testcase name="the scenario can be run" classname="scenarios/odd.toml">
                    <error message="scenarios/shop.toml cannot be run" type="cannot-be-run">error[unknown-key]: a step has no key `expct`</error>
                </testcase>
            </testsuite>
            <testsuite name="later" tests="1" skipped="1" errors="0" failures="0" time="0.012" file="scenarios/shop.toml">
                <testcase name="the scenario can be run" classname="later">
                    <skipped message="not run: an earlier scenario failed, and --fail-fast was given"/>
                </testcase>
            </testsuite>
        </testsuites>
        "#);
    }
}

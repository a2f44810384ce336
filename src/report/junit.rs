//! Results of scenarios as JUnit XML, which build servers read. No times: the same run gives the same bytes.

use super::results::{ScenarioResult, StepResult};
use crate::text::{shown, shown_lines};
use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

/// The XML text: a suite for each scenario, a case for each step. Control characters, which XML cannot hold, are shown escaped.
pub fn junit_xml(results: &[ScenarioResult]) -> Result<String, SerializeError> {
    let mut report = Report::new("biplane");
    for result in results {
        let mut suite = TestSuite::new(&*shown(&result.name));
        suite.extra.insert("file".into(), (&*shown(&result.file)).into());
        for step in &result.steps {
            let mut case = TestCase::new(&*shown(&step.title), status(step));
            case.set_classname(&*shown(&result.name));
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    report.to_string()
}

fn status(step: &StepResult) -> TestCaseStatus {
    if step.passed {
        return TestCaseStatus::success();
    }
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    let message = shown_lines(&step.message);
    status.set_message(message.lines().next().unwrap_or_default());
    status.set_description(&*message);
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_is_a_failure_with_its_message_and_a_passed_one_is_not() {
        let step =
            |title: &str, passed, message: &str| StepResult { title: title.into(), passed, message: message.into() };
        let results = [
            ScenarioResult {
                name: "a linked instance reaches its database".into(),
                file: "scenarios/shop.toml".into(),
                steps: vec![
                    step("tcp 10.24.1.5:40000 > 172.16.1.10:3306", true, ""),
                    step(
                        "tcp 10.24.1.5:40000 > 172.16.1.10:22",
                        false,
                        "expected <delivered> to \"db-1\"\nDROPPED & \u{1b}[31mgone",
                    ),
                ],
            },
            ScenarioResult { name: "empty".into(), file: "scenarios/empty.toml".into(), steps: Vec::new() },
        ];
        assert_eq!(results.each_ref().map(ScenarioResult::passed), [false, true]);
        let xml = junit_xml(&results).unwrap();
        assert_eq!(xml, junit_xml(&results).unwrap());
        insta::assert_snapshot!(xml, @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="biplane" tests="2" skipped="0" failures="1" errors="0">
            <testsuite name="a linked instance reaches its database" tests="2" skipped="0" errors="0" failures="1" file="scenarios/shop.toml">
                <testcase name="tcp 10.24.1.5:40000 &gt; 172.16.1.10:3306" classname="a linked instance reaches its database"/>
                <testcase name="tcp 10.24.1.5:40000 &gt; 172.16.1.10:22" classname="a linked instance reaches its database">
                    <failure message="expected &lt;delivered&gt; to &quot;db-1&quot;">expected &lt;delivered&gt; to &quot;db-1&quot;
        DROPPED &amp; \u{1b}[31mgone</failure>
                </testcase>
            </testsuite>
            <testsuite name="empty" tests="0" skipped="0" errors="0" failures="0" file="scenarios/empty.toml"/>
        </testsuites>
        "#);
    }
}

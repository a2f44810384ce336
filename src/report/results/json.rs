//! Results of scenarios as JSON.

use super::{ResultPlace, ScenarioProgress, ScenarioResult, StepResult};
use serde_json::{Value, json};

/// The results as one object. No times: the same run gives the same bytes.
pub fn scenarios_json(results: &[ScenarioResult]) -> Value {
    let count = |word: &str| results.iter().filter(|result| word_for(result) == word).count();
    json!({
        "scenarios": results.iter().map(scenario).collect::<Vec<_>>(),
        "passed": count("passed"),
        "failed": count("failed"),
        "unable": count("unable"),
        "skipped": count("skipped"),
    })
}

fn word_for(result: &ScenarioResult) -> &'static str {
    match result.progress {
        ScenarioProgress::Ran(_) if result.passed() => "passed",
        ScenarioProgress::Ran(_) => "failed",
        ScenarioProgress::Unable(_) => "unable",
        ScenarioProgress::Skipped => "skipped",
    }
}

fn scenario(result: &ScenarioResult) -> Value {
    let mut value = json!({ "file": result.file, "title": result.name, "result": word_for(result) });
    match &result.progress {
        ScenarioProgress::Ran(steps) => value["steps"] = steps.iter().map(step).collect(),
        ScenarioProgress::Unable(why) => value["message"] = why.as_str().into(),
        ScenarioProgress::Skipped => {}
    }
    value
}

fn step(step: &StepResult) -> Value {
    let mut value = json!({ "title": step.title, "result": if step.passed() { "passed" } else { "failed" } });
    add_place(&mut value, step.place.as_ref());
    if step.passed() {
        return value;
    }
    let failures = step.failures.iter().map(|failure| {
        let mut value = json!({ "type": failure.kind, "claim": failure.claim, "fact": failure.fact });
        add_place(&mut value, failure.place.as_ref());
        value
    });
    value["failures"] = failures.collect();
    if step.more > 0 {
        value["more"] = step.more.into();
    }
    if !step.trace.is_empty() {
        value["trace"] = step.trace.as_str().into();
    }
    if let Some(remedy) = &step.remedy {
        value["remedy"] = remedy.as_str().into();
    }
    value
}

fn add_place(value: &mut Value, place: Option<&ResultPlace>) {
    if let Some(place) = place {
        value["source"] = place.to_string().into();
        value["column"] = place.column.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::results::fixture::results;

    #[test]
    fn an_object_says_of_each_scenario_what_became_of_it() {
        let value = scenarios_json(&results());
        let words: Vec<&str> =
            value["scenarios"].as_array().unwrap().iter().map(|one| one["result"].as_str().unwrap()).collect();
        assert_eq!(words, ["failed", "unable", "skipped"]);
        let counts = ["passed", "failed", "unable", "skipped"].map(|word| value[word].as_u64().unwrap());
        assert_eq!(counts, [0, 1, 1, 1]);
        let step = &value["scenarios"][0]["steps"][1];
        assert_eq!((step["source"].as_str(), step["more"].as_u64()), (Some("scenarios/shop.toml:9"), Some(2)));
        let failure = &step["failures"][0];
        assert_eq!((failure["type"].as_str(), failure["column"].as_u64()), (Some("sg-ingress-deny"), Some(1)));
        assert_eq!(value["scenarios"][0]["steps"][0].get("failures"), None);
    }
}

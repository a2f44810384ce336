//! Results of scenarios, as reports take them.

/// What became of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioResult {
    /// Its name.
    pub name: String,
    /// The file it stands in, as it was opened.
    pub file: String,
    /// Its steps in order; those after the one that ended it are missing.
    pub steps: Vec<StepResult>,
}

/// What became of a step of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepResult {
    /// What the step does or expects, in a few words.
    pub title: String,
    /// Whether it went as expected.
    pub passed: bool,
    /// For a failed step the claim, the fact and the trace, the first line the shortest; may be empty.
    pub message: String,
}

impl ScenarioResult {
    /// True where every step went as expected.
    pub fn passed(&self) -> bool {
        self.steps.iter().all(|step| step.passed)
    }
}

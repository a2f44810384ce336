//! Results of scenarios: as text for people, as annotations of GitHub Actions, as JSON, and as JUnit XML.

#[cfg(feature = "cli")]
mod annotations;
mod json;
#[cfg(feature = "cli")]
mod junit;
mod text;

#[cfg(feature = "cli")]
pub use annotations::scenario_annotations;
pub use json::scenarios_json;
#[cfg(feature = "cli")]
pub use junit::junit_xml;
pub use text::{scenario_text, scenarios_summary};

use super::layout::counted;
use crate::diag::SourceLocation;
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::time::Duration;

/// What became of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioResult {
    /// Its title; the file where it could not be read.
    pub name: String,
    /// The file it stands in, as it was opened.
    pub file: String,
    /// How far it got.
    pub progress: ScenarioProgress,
    /// How long it took, by the clock of the caller: no output but JUnit tells it. Parts do not hold it, so that a part which
    /// is made again is the same.
    #[serde(skip)]
    pub elapsed: Duration,
}

/// How far a scenario got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScenarioProgress {
    /// It ran: its claims and steps in order. Those behind a step that ended it are missing.
    Ran(Vec<StepResult>),
    /// It could not be run, and why.
    Unable(String),
    /// It was not run, because an earlier one had failed.
    Skipped,
}

impl ScenarioResult {
    /// Its claims and steps as far as they were taken.
    pub fn steps(&self) -> &[StepResult] {
        match &self.progress {
            ScenarioProgress::Ran(steps) => steps,
            ScenarioProgress::Unable(_) | ScenarioProgress::Skipped => &[],
        }
    }

    /// True where it ran and every step went as expected.
    pub fn passed(&self) -> bool {
        matches!(&self.progress, ScenarioProgress::Ran(steps) if steps.iter().all(StepResult::passed))
    }

    /// True where it ran and a step did not go as expected.
    pub fn failed(&self) -> bool {
        matches!(&self.progress, ScenarioProgress::Ran(steps) if !steps.iter().all(StepResult::passed))
    }
}

/// A place in a file, as [`SourceLocation`] tells it, that outlives the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultPlace {
    /// The file's name as it was opened.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl From<SourceLocation<'_>> for ResultPlace {
    fn from(place: SourceLocation<'_>) -> ResultPlace {
        ResultPlace { file: place.file.to_owned(), line: place.line, column: place.column }
    }
}

impl std::fmt::Display for ResultPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// What became of a claim or step of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepResult {
    /// What it does or claims, in a few words: `step 2: detach i-web-1 from vpc-shop`.
    pub title: String,
    /// Where it stands.
    pub place: Option<ResultPlace>,
    /// What does not hold; nothing where all went as expected. The first ones, where there are many.
    pub failures: Vec<StepFailure>,
    /// How many more there were.
    pub more: usize,
    /// The trace of the first packet that went otherwise, or what else shows how; may be empty.
    pub trace: String,
    /// What to do about it, where a change of the topology would help.
    pub remedy: Option<String>,
}

/// One thing that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFailure {
    /// What happened instead, as a word: the reason of a drop, a verdict, the vendor's error code.
    pub kind: String,
    /// What is claimed.
    pub claim: String,
    /// What happened. Further lines explain it.
    pub fact: String,
    /// Where the claim stands.
    pub place: Option<ResultPlace>,
}

impl StepResult {
    /// True where all went as expected.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }

    /// The place in brackets behind what comes before it, and nothing where there is none.
    pub fn place_text(&self) -> String {
        self.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default()
    }

    /// Claim and fact of each failure, the trace, and what to do about it; empty where all went as expected.
    pub fn message(&self) -> String {
        let mut text = String::new();
        for failure in &self.failures {
            let place = failure.place.as_ref().map(|place| format!("  ({place})")).unwrap_or_default();
            let _ = writeln!(text, "claim: {}{place}\n fact: {}", failure.claim, failure.fact);
        }
        if self.more > 0 {
            let _ = writeln!(text, "and {} fail beside these", counted(self.more as u64, "claim"));
        }
        text += &self.trace;
        if !self.trace.is_empty() && !self.trace.ends_with('\n') {
            text.push('\n');
        }
        if let Some(remedy) = &self.remedy {
            let _ = writeln!(text, "remedy   {remedy}");
        }
        text
    }
}

#[cfg(test)]
pub(super) mod fixture {
    use super::*;

    /// A scenario with a step that passed and one that failed, one that could not be run, and one that was not.
    pub(crate) fn results() -> [ScenarioResult; 3] {
        let place = |line| Some(ResultPlace { file: "scenarios/shop.toml".to_owned(), line, column: 1 });
        let passed = StepResult {
            title: "step 1: tcp 10.24.1.5:40000 > 172.16.1.10:3306".to_owned(),
            place: place(4),
            failures: Vec::new(),
            more: 0,
            trace: String::new(),
            remedy: None,
        };
        let failure = StepFailure {
            kind: "sg-ingress-deny".to_owned(),
            claim: "delivered to <db-1>".to_owned(),
            fact: "DROPPED, 100% & \u{1b}[31mgone".to_owned(),
            place: place(11),
        };
        let failed = StepResult {
            title: "step 2: tcp 10.24.1.5:40000 > 172.16.1.10:22".to_owned(),
            place: place(9),
            failures: vec![failure],
            more: 2,
            trace: "frame    54 bytes\nDROPPED  sg-ingress-deny at db-1\n".to_owned(),
            remedy: Some("accept tcp/22  shop.toml:9".to_owned()),
        };
        let result = |name: &str, progress| ScenarioResult {
            name: name.to_owned(),
            file: "scenarios/shop.toml".to_owned(),
            progress,
            elapsed: Duration::from_millis(12),
        };
        let why = "error[unknown-key]: a step has no key `expct`".to_owned();
        [
            result("a linked instance: reaches, its database", ScenarioProgress::Ran(vec![passed, failed])),
            result("scenarios/odd.toml", ScenarioProgress::Unable(why)),
            result("later", ScenarioProgress::Skipped),
        ]
    }
}

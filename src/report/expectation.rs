//! What a caller expects of a packet or of a whole replay, in a word: `delivered`, `sg-ingress-deny`, `no-route=0`.

use super::layout::{counted, thousands};
use super::tally::Tally;
use crate::datapath::{Outcome, Verdict};
use crate::diag::{Reason, Suggestions, and_list};
use crate::program::EndpointId;
use std::fmt;
use std::str::FromStr;

/// A verdict that is expected of one packet. Read from `VERDICT`, `dropped:REASON` or the reason alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedVerdict {
    /// It reaches an endpoint.
    Delivered,
    /// The fabric answers it.
    Answered,
    /// It leaves the two planes.
    Outside,
    /// It is dropped, for this reason where one is given.
    Dropped(Option<Reason>),
    /// What decides is not known.
    Undetermined,
    /// Rules or a whitelist that decide are not known.
    UnknownConfiguration,
}

const VERDICTS: [&str; 5] = ["delivered", "answered", "outside", "dropped", "undetermined"];

impl FromStr for ExpectedVerdict {
    type Err = String;

    fn from_str(text: &str) -> Result<ExpectedVerdict, String> {
        let (verdict, reason) = match text.split_once(':') {
            Some((verdict, reason)) => (verdict, Some(reason)),
            None => (text, None),
        };
        match (verdict, reason) {
            ("dropped" | "undetermined", Some(reason)) => match ExpectedVerdict::of_reason(reason_called(reason)?) {
                expected if expected.verdict() == verdict => Ok(expected),
                expected => Err(format!("`{reason}` makes a packet {}, not {verdict}", expected.verdict())),
            },
            ("dropped", None) => Ok(ExpectedVerdict::Dropped(None)),
            ("delivered", None) => Ok(ExpectedVerdict::Delivered),
            ("answered", None) => Ok(ExpectedVerdict::Answered),
            ("outside", None) => Ok(ExpectedVerdict::Outside),
            ("undetermined", None) => Ok(ExpectedVerdict::Undetermined),
            (word, Some(_)) if VERDICTS.contains(&word) => Err(format!("`{word}` has no reason")),
            (word, Some(_)) => Err(unknown("verdict", word, &VERDICTS)),
            (word, None) => verdict_or_reason(word).map(ExpectedVerdict::of_reason),
        }
    }
}

fn reason_called(id: &str) -> Result<Reason, String> {
    let ids: Vec<&str> = Reason::ALL.iter().map(|reason| reason.id()).collect();
    id.parse().map_err(|_| unknown("reason", id, &ids))
}

/// A reason where a verdict could have stood too.
fn verdict_or_reason(word: &str) -> Result<Reason, String> {
    let words: Vec<&str> = VERDICTS.into_iter().chain(Reason::ALL.iter().map(|reason| reason.id())).collect();
    word.parse().map_err(|_| unknown("verdict or reason", word, &words))
}

fn unknown(what: &str, word: &str, known: &[&str]) -> String {
    let hint = match Suggestions::default().nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if what == "verdict" => format!("the verdicts are {}", and_list(known)),
        None => "`biplane explain` lists all reasons".to_owned(),
    };
    format!("there is no {what} `{word}`; {hint}")
}

impl ExpectedVerdict {
    /// The verdict of a packet for which `reason` is given.
    fn of_reason(reason: Reason) -> ExpectedVerdict {
        match reason {
            Reason::UnknownConfiguration => ExpectedVerdict::UnknownConfiguration,
            _ => ExpectedVerdict::Dropped(Some(reason)),
        }
    }

    /// The verdict alone.
    fn verdict(self) -> &'static str {
        match self {
            ExpectedVerdict::Delivered => "delivered",
            ExpectedVerdict::Answered => "answered",
            ExpectedVerdict::Outside => "outside",
            ExpectedVerdict::Dropped(_) => "dropped",
            ExpectedVerdict::Undetermined | ExpectedVerdict::UnknownConfiguration => "undetermined",
        }
    }

    /// Whether it is what became of a packet; a packet that is meant `to` an endpoint is not delivered elsewhere.
    pub fn holds(self, outcome: &Outcome, to: Option<EndpointId>) -> bool {
        match (self, outcome.verdict) {
            (ExpectedVerdict::Delivered, Verdict::Delivered { to: reached }) => to.is_none_or(|to| to == reached),
            (ExpectedVerdict::Answered, Verdict::Answered)
            | (ExpectedVerdict::Outside, Verdict::Outside)
            | (ExpectedVerdict::Dropped(None), Verdict::Dropped { .. })
            | (ExpectedVerdict::Undetermined, Verdict::Undetermined(_)) => true,
            (expected, verdict) => {
                verdict.refusal().is_some_and(|(reason, _)| ExpectedVerdict::of_reason(reason) == expected)
            }
        }
    }
}

/// As it is read.
impl fmt::Display for ExpectedVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.verdict())?;
        match self {
            ExpectedVerdict::Dropped(Some(reason)) => write!(f, ":{reason}"),
            ExpectedVerdict::UnknownConfiguration => write!(f, ":{}", Reason::UnknownConfiguration),
            _ => Ok(()),
        }
    }
}

/// How many frames of a replay are expected to have a verdict. Read from `VERDICT=N` or `REASON=N`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedCount {
    /// The verdict.
    pub verdict: ExpectedVerdict,
    /// How many.
    pub frames: u64,
}

impl FromStr for ExpectedCount {
    type Err = String;

    fn from_str(text: &str) -> Result<ExpectedCount, String> {
        let (verdict, frames) =
            text.split_once('=').ok_or("expected VERDICT=N or REASON=N, as in delivered=12 or sg-ingress-deny=0")?;
        let frames = frames.parse().map_err(|_| format!("`{frames}` is no number of frames"))?;
        Ok(ExpectedCount { verdict: verdict.parse()?, frames })
    }
}

impl ExpectedCount {
    /// Holds it against what was counted.
    ///
    /// # Errors
    /// It does not hold: claim and fact, in one sentence.
    pub fn check(self, tally: &Tally) -> Result<(), String> {
        let frames = match self.verdict {
            ExpectedVerdict::Delivered => tally.delivered().frames,
            ExpectedVerdict::Answered => tally.answered(),
            ExpectedVerdict::Outside => tally.outside(),
            ExpectedVerdict::Dropped(None) => tally.dropped(),
            ExpectedVerdict::Dropped(Some(reason)) => tally.dropped_for(reason),
            ExpectedVerdict::Undetermined => tally.undetermined(),
            ExpectedVerdict::UnknownConfiguration => tally.undetermined() - tally.cut_off(),
        };
        if frames == self.frames {
            return Ok(());
        }
        let (claim, fact) = (counted(self.frames, "frame"), thousands(frames));
        Err(format!("expected {claim} to be {}, but {fact} {}", self.verdict, verb(frames)))
    }
}

fn verb(frames: u64) -> &'static str {
    if frames == 1 { "was" } else { "were" }
}

/// Claims that no frame of a replay was dropped, that each has a verdict, and that no reply was `misdelivered`: reached
/// another endpoint than the one that asked.
///
/// # Errors
/// The claim does not hold: claim and fact, in one sentence.
pub fn none_dropped(tally: &Tally, misdelivered: u64) -> Result<(), String> {
    let (dropped, undetermined) = (tally.dropped(), tally.undetermined());
    if dropped + undetermined + misdelivered == 0 {
        return Ok(());
    }
    let reasons = tally.dropped_by_reason();
    let by_reason: Vec<String> =
        reasons.iter().map(|dropped| format!("{} for {}", thousands(dropped.frames), dropped.reason)).collect();
    let aside = if by_reason.is_empty() { String::new() } else { format!(" ({})", and_list(by_reason)) };
    let mut facts = Vec::new();
    if dropped != 0 {
        facts.push(format!("{} {} dropped{aside}", thousands(dropped), verb(dropped)));
    }
    if undetermined != 0 {
        facts.push(format!("{} {} undetermined", thousands(undetermined), verb(undetermined)));
    }
    if misdelivered != 0 {
        facts.push(format!("{} {} misdelivered", thousands(misdelivered), verb(misdelivered)));
    }
    Err(format!(
        "expected no frame to be dropped, undetermined or misdelivered, but of {}, {}",
        counted(tally.frames(), "frame"),
        and_list(facts)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        text.parse::<ExpectedVerdict>().map(|verdict| verdict.to_string())
    }

    #[test]
    fn a_verdict_is_read_with_or_without_its_reason_and_shown_as_it_is_read() {
        let unknown = "undetermined:unknown-configuration";
        for text in ["delivered", "answered", "outside", "dropped", "dropped:no-route", "undetermined", unknown] {
            assert_eq!(read(text), Ok(text.to_owned()));
        }
        for reason in Reason::ALL {
            assert_eq!(reason.id().parse(), Ok(ExpectedVerdict::of_reason(*reason)));
        }
        let other = "`no-route` makes a packet dropped, not undetermined";
        assert_eq!(read("undetermined:no-route"), Err(other.to_owned()));
    }

    #[test]
    fn a_misspelt_word_is_answered_with_the_nearest_one() {
        let wrong = |text| read(text).unwrap_err();
        assert_eq!(
            wrong("sg-ingres-deny"),
            "there is no verdict or reason `sg-ingres-deny`; did you mean `sg-ingress-deny`?"
        );
        assert_eq!(wrong("deliverd"), "there is no verdict or reason `deliverd`; did you mean `delivered`?");
        assert_eq!(wrong("dropped:no-ruote"), "there is no reason `no-ruote`; did you mean `no-route`?");
        assert_eq!(wrong("droped:no-route"), "there is no verdict `droped`; did you mean `dropped`?");
        assert_eq!(wrong("weather"), "there is no verdict or reason `weather`; `biplane explain` lists all reasons");
        assert_eq!(wrong("delivered:no-route"), "`delivered` has no reason");
    }

    #[test]
    fn a_count_is_a_word_and_a_number() {
        let expected = ExpectedCount { verdict: ExpectedVerdict::Dropped(Some(Reason::NoRoute)), frames: 3 };
        assert_eq!("no-route=3".parse(), Ok(expected));
        assert_eq!("dropped:no-route=3".parse(), Ok(expected));
        assert_eq!("no-route=many".parse::<ExpectedCount>(), Err("`many` is no number of frames".to_owned()));
        assert!("no-route".parse::<ExpectedCount>().unwrap_err().starts_with("expected VERDICT=N"));
    }
}

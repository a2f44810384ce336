//! Claims about reachability.

use super::flows::FlowGroup;
use super::headers::HeaderSet;
use super::parse::{HeaderSpec, ReachTextError, SelectorReader};
use super::{Question, Reach, Selector};

/// A claim: `vpc-shop -> classic services: nothing`, `any -> rm-orders: only tcp/3306`.
#[derive(Clone, Debug)]
pub struct ReachClaim {
    text: String,
    from: Selector,
    to: Selector,
    only: HeaderSpec,
}

impl ReachClaim {
    /// Reads a claim: ends, `->`, ends, a colon, and `nothing` or `only` with headers.
    ///
    /// # Errors
    /// The text is none.
    pub fn parse(text: &str, reader: &SelectorReader<'_>) -> Result<ReachClaim, ReachTextError> {
        let form = "expected `FROM -> TO: nothing` or `FROM -> TO: only tcp/3306`";
        let wrong = || ReachTextError(format!("`{text}` is no claim: {form}"));
        let (from, rest) = text.split_once("->").ok_or_else(wrong)?;
        let (to, what) = rest.rsplit_once(':').ok_or_else(wrong)?;
        let only = match what.trim() {
            "nothing" => HeaderSpec::default(),
            what => HeaderSpec::parse(what.strip_prefix("only ").ok_or_else(wrong)?)?,
        };
        let (from, to) = (reader.selector(from)?, reader.selector(to)?);
        Ok(ReachClaim { text: text.trim().to_owned(), from, to, only })
    }

    /// The claim as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The headers that it allows.
    pub fn allowed(&self) -> &HeaderSpec {
        &self.only
    }

    /// Flows that are permitted against the claim, and those of which it is not known; none where it holds. `reach` tells the protocols of the claim apart.
    pub fn violations(&self, reach: &Reach) -> Vec<FlowGroup> {
        reach.flows(&self.question(reach))
    }

    /// The question about the flows against the claim.
    pub fn question(&self, reach: &Reach) -> Question {
        let allowed = self.only.headers(reach.protocols());
        let headers = HeaderSet::all(reach.protocols()).difference(&allowed);
        Question { from: self.from.clone(), to: self.to.clone(), headers, refused: false, by_rule: true }
    }
}

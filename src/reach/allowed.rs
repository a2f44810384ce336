//! Differences that are meant.

use super::difference::{FlowChange, FlowDifference};
use super::headers::{HeaderSet, ProtocolClasses};
use super::parse::{HeaderSpec, ReachTextError, SelectorReader};
use super::select::Selector;
use crate::net::{AddressCuts, AddressRange};
use crate::program::{EndpointId, Names};

/// Differences that a file allows: a line for each kind, `- FROM -> TO: HEADERS` for flows that may be lost, `+` for gained
/// ones and `~` for those that may fare otherwise. `everything` stands for all headers; what follows `#` is a comment.
#[derive(Debug, Default)]
pub struct AllowedChanges(Vec<AllowedChange>);

#[derive(Debug)]
struct AllowedChange {
    change: FlowChange,
    from: Selector,
    to: Selector,
    headers: Option<HeaderSpec>,
}

impl AllowedChanges {
    /// Reads the lines of a file. Ends of lost flows are those of the old world, all others of the new one.
    ///
    /// # Errors
    /// A line is none; tells its number.
    pub fn parse(text: &str, worlds: [&SelectorReader<'_>; 2]) -> Result<AllowedChanges, ReachTextError> {
        let mut allowed = AllowedChanges::default();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split('#').next().unwrap_or("").trim();
            if line.is_empty() {
                continue;
            }
            let told = |error: ReachTextError| ReachTextError(format!("line {number}: {error}"));
            allowed.0.push(AllowedChange::parse(line, worlds).map_err(told)?);
        }
        Ok(allowed)
    }

    /// True where one line allows all of a difference. `names` are those of the old and of the new world.
    pub fn allow(&self, difference: &FlowDifference, names: [&Names; 2], protocols: &ProtocolClasses) -> bool {
        let names = names[usize::from(difference.change != FlowChange::Lost)];
        self.0.iter().any(|line| {
            let all = || HeaderSet::all(protocols);
            let headers = line.headers.as_ref().map_or_else(all, |headers| headers.headers(protocols));
            line.change == difference.change
                && difference.headers.difference(&headers).is_empty()
                && difference
                    .from
                    .iter()
                    .all(|(sender, sources)| holds_all(&line.from, names.find_endpoint(sender), sources))
                && difference.to.iter().all(|to| holds_all(&line.to, names.find_endpoint(to), &difference.destinations))
        })
    }
}

impl AllowedChange {
    fn parse(line: &str, worlds: [&SelectorReader<'_>; 2]) -> Result<AllowedChange, ReachTextError> {
        let form = "expected `- FROM -> TO: tcp/443`, beginning with -, + or ~";
        let wrong = || ReachTextError(format!("`{line}` allows nothing: {form}"));
        let change = match line.chars().next() {
            Some('-') => FlowChange::Lost,
            Some('+') => FlowChange::Gained,
            Some('~') => FlowChange::Redirected,
            _ => return Err(wrong()),
        };
        let (from, rest) = line[1..].split_once("->").ok_or_else(wrong)?;
        let (to, headers) = rest.rsplit_once(':').ok_or_else(wrong)?;
        let headers = match headers.trim() {
            "everything" => None,
            headers => Some(HeaderSpec::parse(headers)?),
        };
        let reader = worlds[usize::from(change != FlowChange::Lost)];
        Ok(AllowedChange { change, from: reader.selector(from)?, to: reader.selector(to)?, headers })
    }
}

/// Whether an endpoint with all of these addresses is selected.
fn holds_all(selector: &Selector, id: Option<EndpointId>, ranges: &[AddressRange]) -> bool {
    let mut cuts = AddressCuts::default();
    selector.add_cuts(&mut cuts);
    cuts.sort();
    let mut parts = ranges.iter().flat_map(|range| cuts.parts(*range));
    id.is_some() && parts.all(|part| selector.holds(id, part.first()))
}

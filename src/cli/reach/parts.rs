//! `reach --shard`, and what `merge` tells of its parts.

use super::{Asking, LISTED, tell};
use crate::cli::arguments::{Merge, MergeFormat, Reach, ReachFormat};
use crate::cli::merge::{TOPOLOGY_READ_ONCE, part_inputs};
use crate::cli::output::Terminal;
use crate::cli::{Failure, Outcome, SUCCESS};
use crate::files::Inputs;
use crate::lab::Topology;
use crate::reach::{KeptRegions, SenderShare};
use crate::replay::ShardSelection;
use crate::replay::shard::{AskedCommand, CommandPart, CommandParts, DividedCommand, ProgramIdentity};
use crate::report::counted;
use crate::scenario::STANDARD_INPUT;
use crate::text::shown_path;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Options of `reach`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReachAsked {
    from: Option<String>,
    to: Option<String>,
    tcp: Option<String>,
    udp: Option<String>,
    icmp: bool,
    refused: bool,
    claims: Vec<String>,
    format: ReachFormat,
}

impl ReachAsked {
    fn of(arguments: &Reach) -> ReachAsked {
        let Reach { from, to, tcp, udp, icmp, refused, claims, format, .. } = arguments;
        let [from, to, tcp, udp] = [from, to, tcp, udp].map(Clone::clone);
        ReachAsked { from, to, tcp, udp, icmp: *icmp, refused: *refused, claims: claims.clone(), format: *format }
    }

    fn arguments(self, witnesses: Option<PathBuf>) -> Reach {
        let ReachAsked { from, to, tcp, udp, icmp, refused, claims, format } = self;
        let (topology, shard, parts) = (PathBuf::new(), None, None);
        Reach { topology, from, to, tcp, udp, icmp, refused, claims, format, shard, parts, witnesses }
    }
}

/// Asks about the senders of a share, and writes its part.
pub(super) fn write_part(
    asking: &Asking<'_>,
    inputs: &Inputs,
    (shard, folder): (ShardSelection, &Path),
    terminal: &mut Terminal,
) -> Outcome {
    if asking.arguments.topology == Path::new(STANDARD_INPUT) {
        return Err(Failure::Message(TOPOLOGY_READ_ONCE.to_owned()));
    }
    let kept = questions(asking, SenderShare { index: shard.index(), count: shard.count() })?;
    let options = serde_json::to_value(ReachAsked::of(asking.arguments)).map_err(std::io::Error::from)?;
    let program = ProgramIdentity::of_this_program()?;
    let part = CommandPart { command: DividedCommand::Reach, shard, folder, inputs, program: &program };
    let manifest = part.write(AskedCommand::new(options), Some(&**asking.topology), &kept)?;
    let groups = counted(kept.iter().map(KeptRegions::len).sum::<usize>() as u64, "group");
    terminal.tell(&format!("shard {shard}: {groups} of flows, in `{}`", shown_path(&manifest)));
    Ok(SUCCESS)
}

/// The regions of each question that telling the answer asks, in order.
fn questions(asking: &Asking<'_>, share: SenderShare) -> Result<Vec<KeptRegions>, Failure> {
    if !asking.arguments.claims.is_empty() {
        let of_claim = |text: &String| {
            let (reach, claim) = asking.claim(text)?;
            Ok(reach.kept(&claim.question(&reach), share))
        };
        return asking.arguments.claims.iter().map(of_claim).collect();
    }
    let (reach, question) = asking.question()?;
    if asking.arguments.format != ReachFormat::Text {
        return Ok(vec![reach.kept(&question, share)]);
    }
    let of_matrix = reach.kept(&question.of_matrix(), share);
    // Of more flows than are listed, none is.
    let is_listed = asking.is_narrow() || of_matrix.len() <= LISTED;
    let of_flows = if is_listed { reach.kept(&question, share) } else { KeptRegions::default() };
    Ok(vec![of_matrix, of_flows])
}

/// Tells the answer of all shares.
pub(in crate::cli) fn merge(arguments: &Merge, terminal: &mut Terminal) -> Outcome {
    let parts = CommandParts::open(&arguments.parts, DividedCommand::Reach, &ProgramIdentity::of_this_program()?)?;
    let asked: ReachAsked = parts.options()?;
    let asked = ReachAsked { format: form(arguments, &asked)?, ..asked };
    let topology = Arc::new(parts.topology()?.ok_or_else(|| parts.damaged(0, "it is about no topology"))?);
    let reached = asked.arguments(arguments.write.clone());
    let asking = Asking { arguments: &reached, topology: &topology };
    let kept = joined(&parts, &asking, &topology)?;
    if reached.witnesses.is_some() && reached.claims.is_empty() && reached.format == ReachFormat::Text {
        let has_all = asking.is_narrow() || kept[0].len() <= LISTED;
        if !has_all {
            let message = "the parts hold no single flows, since there are many: make them with `--format ndjson`";
            return Err(Failure::Message(message.to_owned()));
        }
    }
    let inputs = part_inputs(parts.paths())?;
    tell(&asking, &inputs, kept, terminal)
}

/// The form that is asked for; an error where something is asked for that the parts do not have.
fn form(arguments: &Merge, asked: &ReachAsked) -> Result<ReachFormat, Failure> {
    let message = if arguments.junit.is_some() {
        "--junit is about scenarios, and the parts are of `reach`"
    } else if !arguments.expected.expect.is_empty() || arguments.expected.fail_on_drop {
        "the parts are of `reach`, and count no frames: --assert of `reach` holds a claim"
    } else {
        let is_text = |format: ReachFormat| format == ReachFormat::Text && asked.claims.is_empty();
        match arguments.format.map(MergeFormat::of_reach) {
            None => return Ok(asked.format),
            Some(None) => "the parts are of `reach`, which has the forms text, json, ndjson and csv",
            Some(Some(format)) if is_text(format) != is_text(asked.format) => {
                "the parts hold either the matrix or flows: make them with the `--format` that is wanted"
            }
            Some(Some(format)) => return Ok(format),
        }
    };
    Err(Failure::Message(message.to_owned()))
}

/// The regions of each question, of all shares.
fn joined(parts: &CommandParts, asking: &Asking<'_>, topology: &Topology) -> Result<Vec<KeptRegions>, Failure> {
    let found: Vec<Vec<KeptRegions>> = parts.found()?;
    let claims = &asking.arguments.claims;
    let count = match claims.len() {
        0 if asking.arguments.format == ReachFormat::Text => 2,
        0 => 1,
        count => count,
    };
    let rules = topology.names.rules.len();
    for (shard, visits) in found.iter().enumerate() {
        let mut are_sound = visits.len() == count;
        for (place, kept) in visits.iter().enumerate().filter(|_| visits.len() == count) {
            let reach = match claims.get(place) {
                Some(text) => asking.claim(text)?.0,
                None => asking.question()?.0,
            };
            are_sound &= kept.are_of(&reach, rules);
        }
        if !are_sound {
            return Err(parts.damaged(shard, "it holds something that is no answer about its topology").into());
        }
    }
    let mut shares: Vec<_> = found.into_iter().map(Vec::into_iter).collect();
    let next = |_| KeptRegions::joined(shares.iter_mut().filter_map(Iterator::next).collect());
    Ok((0..count).map(next).collect())
}

//! Claims about reachability, and what stands against them.

use super::StepOutcome;
use crate::datapath::{Entry, Options};
use crate::lab::{Lab, Topology};
use crate::reach::{FlowGroup, ProtocolClasses, Reach, ReachClaim, ReachTextError, SelectorReader};
use crate::report::{self, Palette, ReachWords, Resolver, StepFailure};
use crate::text::Shown;
use crate::wire::PacketBuilder;
use std::sync::Arc;

/// The most groups of flows that are told of one claim.
const TOLD: usize = 5;

/// What stands against a claim: flows that it does not allow, what lets them through, and the trace of one packet.
pub fn claim_failure(topology: &Arc<Topology>, protocols: &ProtocolClasses, flows: &[FlowGroup]) -> String {
    let words = ReachWords::new(Resolver::new(&topology.program, &topology.names, &topology.sources), protocols);
    let mut text = String::new();
    report::reach_flows_text(&mut text, &words, &flows[..flows.len().min(TOLD)], Palette::Plain);
    if flows.len() > TOLD {
        text += &format!("and {} more\n", report::thousands((flows.len() - TOLD) as u64));
    }
    if let Some(flow) = flows.first() {
        // A lab of its own, without sessions: in the lab of the scenario this packet would begin a session, and the
        // steps behind the claim would meet it.
        let mut lab = Lab::new(Arc::clone(topology), Options::default());
        let sender = flow.witness.sender;
        let frame: PacketBuilder = flow.witness.packet();
        let bytes = frame.macs(topology.program.endpoint(sender).mac, crate::program::FABRIC_MAC).build();
        text += &lab.send_frame(Entry::Injected(sender), &bytes, bytes.len()).trace();
    }
    text
}

/// What stands against a claim.
pub(crate) struct ClaimViolation {
    pub(crate) fact: String,
    /// The flows that it does not allow, what lets them through, and the trace of one packet.
    pub(crate) trace: String,
}

/// Holds a claim against a topology; nothing where it holds.
///
/// # Errors
/// The text is no claim.
pub(crate) fn violation(topology: &Arc<Topology>, text: &str) -> Result<Option<ClaimViolation>, ReachTextError> {
    let reader = SelectorReader { world: &topology.world, program: &topology.program, names: &topology.names };
    let claim = ReachClaim::parse(text, &reader)?;
    // Protocols that no rule names are answered as one group. A claim may name one of them, so its protocols get
    // classes of their own; otherwise the answer for the group would stand for a protocol that is allowed and for
    // others that are not.
    let reach = Reach::telling_apart(Arc::clone(&topology.program), claim.allowed().protocols());
    let flows = claim.violations(&reach);
    let fact = match flows.len() {
        0 => return Ok(None),
        1 => "a group of flows passes that it does not allow".to_owned(),
        groups => format!("{} groups of flows pass that it does not allow", report::thousands(groups as u64)),
    };
    Ok(Some(ClaimViolation { fact, trace: claim_failure(topology, reach.protocols(), &flows) }))
}

/// Holds a claim of a scenario.
pub(super) fn hold(topology: &Arc<Topology>, text: &str) -> StepOutcome {
    match violation(topology, text) {
        Err(error) => StepOutcome::impossible(String::new(), "invalid-claim", &error.to_string()),
        Ok(None) => StepOutcome::default(),
        Ok(Some(ClaimViolation { fact, trace })) => {
            let failure = StepFailure { kind: "reach".to_owned(), claim: Shown(text).to_string(), fact, place: None };
            StepOutcome { failures: vec![failure], trace, ..StepOutcome::default() }
        }
    }
}

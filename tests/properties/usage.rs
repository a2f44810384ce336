//! What frames met is what their traces show, and counting changes nothing.

use super::{Draw, World, process, results, trace_with};
use crate::traffic::{frames, shots};
use biplane::datapath::{Fabric, Options, Output, UsedEntries};
use biplane::report::{UsageCounts, UsedFrame};
use std::sync::Arc;

/// Processes frames in bursts of `burst`, and holds what each met against the steps of its trace.
pub(crate) fn is_what_traces_show(world: &World, draws: &[Draw], burst: usize) {
    let topology = world.topology();
    let shots = shots(world, draws);
    let frames = frames(&topology, &shots);
    let (traced, _) = trace_with(Options::default(), &topology.program, &frames);
    let mut fabric = Fabric::new(Arc::clone(&topology.program), Options::default());
    let (mut output, mut used) = (Output::default(), Vec::new());
    let (mut became, mut met) = (Vec::new(), Vec::new());
    for frames in frames.chunks(burst) {
        fabric.process_used(frames, &mut output, &mut used);
        became.extend(results(&output));
        met.append(&mut used);
    }
    assert_eq!((became, fabric.session_count()), process(&topology.program, &frames, &[]));
    for ((became, trace), met) in traced.iter().zip(&met) {
        let mut shown = UsedEntries::default();
        trace.taken().iter().for_each(|step| shown.note(step));
        assert_eq!(&shown, met, "{:?}: {:?}", became.outcome, trace.taken());
    }
    // Counted in two parts, in either order, hits are those of one.
    let rules = topology.names.rules.len();
    let count = |keep: &dyn Fn(usize) -> bool| {
        let mut counts = UsageCounts::new(&topology.program, rules);
        for (index, ((frame, (became, _)), entries)) in frames.iter().zip(&traced).zip(&met).enumerate() {
            if keep(index) {
                counts.add(&UsedFrame { number: index as u64 + 1, frame, outcome: &became.outcome, entries });
            }
        }
        counts
    };
    let (all, mut even, mut odd) = (count(&|_| true), count(&|index| index % 2 == 0), count(&|index| index % 2 == 1));
    let halves = (even.clone(), odd.clone());
    even.merge(&halves.1);
    odd.merge(&halves.0);
    for route in (0..topology.program.routes.len()).map(biplane::program::RouteId::from_index) {
        assert_eq!((even.route(route), odd.route(route)), (all.route(route), all.route(route)));
    }
    for rule in (0..rules).map(biplane::program::RuleId::from_index) {
        assert_eq!((even.rule(rule), odd.rule(rule)), (all.rule(rule), all.rule(rule)));
    }
}

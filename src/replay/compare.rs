//! One capture in two topologies: the connections that fare otherwise.

use super::{Connections, ReplayOptions, Replayed, Sinks, run};
use crate::capture::Captures;
use crate::lab::Topology;
use crate::net::AddressRange;
use crate::program::FixedMap;
use crate::reach::{ALL_PORTS, AllowedChanges, FlowChange, FlowDifference, HeaderBox, HeaderSet, ProtocolClasses};
use crate::report::{Connection, ConnectionChange, ConnectionChangeCount, Resolver};
use std::cmp::Reverse;
use std::io;

/// How the connections of a capture fare otherwise in a new topology than in the old one.
pub struct ComparedConnections {
    /// The ways in which they do, most connections first.
    pub changes: Vec<(ConnectionChange, ConnectionChangeCount)>,
    /// How many connections the capture has.
    pub connections: u64,
    /// Both replays, the old one first.
    pub replayed: [Replayed; 2],
}

/// A topology, and how a capture is replayed in it.
pub struct ComparedSide<'a> {
    /// The topology.
    pub topology: &'a Topology,
    /// How the capture is replayed; what is gathered of connections is not looked at.
    pub options: ReplayOptions,
}

/// Replays `captures`, the same ones opened twice, in the old topology and in the new one, and holds the connections with
/// the same first frame against each other. `progress` is told as by [`Sinks::progress`].
///
/// # Errors
/// The sorting of connections needs a temporary file that cannot be written.
pub fn compare_connections(
    sides: &[ComparedSide<'_>; 2],
    captures: [Captures; 2],
    progress: &mut dyn FnMut(u64, Option<u64>, u64),
) -> io::Result<ComparedConnections> {
    let mut replay = |side: &ComparedSide<'_>, captures: Captures| {
        let options = ReplayOptions { connections: Connections::Each, ..side.options.clone() };
        let mut progress = |read, total, frames| progress(read, total, frames);
        run(side.topology, captures, &options, &mut Sinks { progress: Some(&mut progress), ..Sinks::default() })
    };
    let [old, new] = captures;
    let mut replayed = [replay(&sides[0], old)?, replay(&sides[1], new)?];
    let words = [0, 1].map(|side| {
        let Topology { program, names, sources, .. } = sides[side].topology;
        Resolver::new(program, names, sources)
    });
    let mut counts: FixedMap<ConnectionChange, ConnectionChangeCount> = FixedMap::default();
    let mut connections = 0;
    in_pairs(&mut replayed, |pair| {
        connections += 1;
        // Ends that only one of the topologies tells apart make a connection there that the other one has as a part.
        let [Some(old), Some(new)] = pair else { return };
        if let Some(change) = ConnectionChange::between(words, [old, new]) {
            let count = counts
                .entry(change)
                .or_insert_with(|| ConnectionChangeCount { first: old.number, ..ConnectionChangeCount::default() });
            count.connections += 1;
            count.frames += old.frames.iter().sum::<u64>();
        }
    })?;
    let mut changes: Vec<(ConnectionChange, ConnectionChangeCount)> = counts.into_iter().collect();
    // Changes with equally many connections are listed by their first frame, and then by what they are. The order of
    // the map is arbitrary, and would differ between two captures for no reason that a reader can see.
    changes.sort_by(|one, other| {
        let key = |(_, count): &(ConnectionChange, ConnectionChangeCount)| (Reverse(count.connections), count.first);
        key(one).cmp(&key(other)).then_with(|| one.0.cmp(&other.0))
    });
    Ok(ComparedConnections { changes, connections, replayed })
}

/// Gives the connections of both replays that begin with the same frame to `visit` together.
fn in_pairs(replayed: &mut [Replayed; 2], mut visit: impl FnMut([Option<&Connection>; 2])) -> io::Result<()> {
    let [old, new] = replayed;
    let (Some(old), Some(new)) = (&mut old.connections, &mut new.connections) else { return Ok(()) };
    let mut sides = [old, new].map(|side| side.in_order());
    let [Ok(old), Ok(new)] = &mut sides else {
        return sides.into_iter().try_for_each(|side| side.map(drop));
    };
    let mut next = [old.next().transpose()?, new.next().transpose()?];
    loop {
        // Both sides are sorted by their first frames, so one connection of each is held at a time. A map of all
        // connections by that number would take memory by the length of the capture.
        let first = next.iter().flatten().map(|connection| connection.number).min();
        let Some(first) = first else { return Ok(()) };
        let is_first = |connection: &&Connection| connection.number == first;
        let pair = [0, 1].map(|side| next[side].as_ref().filter(is_first));
        let taken = pair.map(|connection| connection.is_some());
        visit(pair);
        if taken[0] {
            next[0] = old.next().transpose()?;
        }
        if taken[1] {
            next[1] = new.next().transpose()?;
        }
    }
}

/// True where one line of a file of allowed changes allows all of a change. `worlds` are the old and the new topology.
pub fn is_allowed(allowed: &AllowedChanges, change: &ConnectionChange, worlds: [&Topology; 2]) -> bool {
    let (Ok(from), Ok(to)) = (&change.opener, &change.responder) else { return false };
    // A lost flow existed in the old topology, and its ends may be gone from the new one. The ends of any other change
    // are looked up in the new one, where the flow is permitted.
    let world = worlds[usize::from(change.change != FlowChange::Lost)];
    let own = |name: &str| {
        let endpoint = world.names.find_endpoint(name).map(|id| world.program.endpoint(id).address);
        endpoint.map(AddressRange::one).into_iter().collect::<Vec<_>>()
    };
    let protocols = ProtocolClasses::new([change.protocol]);
    let destination_ports = if change.protocol.has_ports() { (change.port, change.port) } else { ALL_PORTS };
    let class = protocols.of(change.protocol);
    let headers = HeaderSet::of_boxes(&[HeaderBox { class, source_ports: ALL_PORTS, destination_ports }]);
    let difference = FlowDifference {
        change: change.change,
        from: vec![(from.clone(), own(from))],
        to: vec![to.clone()],
        destinations: own(to),
        headers,
        fates: [None, None],
    };
    allowed.allow(&difference, worlds.map(|world| &*world.names), &protocols)
}

//! The picture of the planes, with the traffic of captures in it.

use crate::lab::Topology;
use crate::report::html::{Place, PlaceCounts, PlaceTraffic};
use crate::report::{Diagram, DiagramBox, DiagramEdge, EdgeClass, thousands};
use crate::show;
use std::collections::HashSet;

/// The most pairs of places whose traffic is drawn: more lines hide each other.
const PAIRS: usize = 12;

/// Returns the picture of `topology`, and in it where most connections go and how they end.
pub(super) fn picture(topology: &Topology, places: Option<&PlaceTraffic>) -> Diagram {
    let mut diagram = show::topology_diagram(topology);
    let Some(places) = places else { return diagram };
    let mut keys = HashSet::new();
    diagram.left.iter().chain(&diagram.right).for_each(|outer| add_keys(&mut keys, outer));
    let mut edges = Vec::new();
    let mut pairs = 0;
    for (pair, counts) in places.ordered() {
        let Some([from, to]) = drawn(topology, &keys, pair) else { continue };
        edges.extend(lines(&from, &to, counts));
        pairs += 1;
        if pairs == PAIRS {
            break;
        }
    }
    diagram.edges.extend(edges);
    diagram
}

fn add_keys<'a>(keys: &mut HashSet<&'a str>, of: &'a DiagramBox) {
    keys.insert(&of.key);
    keys.extend(of.nodes.iter().map(|node| node.key.as_str()));
    of.boxes.iter().for_each(|inner| add_keys(keys, inner));
}

/// The two ends of a line, where both are drawn and are not the same.
fn drawn(topology: &Topology, keys: &HashSet<&str>, pair: [Place; 2]) -> Option<[String; 2]> {
    let [from, to] = pair.map(|place| key_of(topology, place).filter(|key| keys.contains(key.as_str())));
    let ends = [from?, to?];
    (ends[0] != ends[1]).then_some(ends)
}

fn key_of(topology: &Topology, place: Place) -> Option<String> {
    let Topology { program, names, world, .. } = topology;
    Some(match place {
        Place::Classic(domain) => {
            // Regions and their domains are in one order.
            let index = program.classic_domains.iter().position(|known| *known == domain)?;
            show::classic_key(world.index().regions().get(index)?)
        }
        Place::Vswitch(id) => show::vswitch_key(&names.vswitches[id.index()].text),
        Place::Endpoint(id) => show::endpoint_key(names.endpoint(id)),
        Place::Nobody => return None,
    })
}

/// A line for connections that arrive, and one for those that do not.
fn lines(from: &str, to: &str, counts: PlaceCounts) -> impl Iterator<Item = DiagramEdge> {
    let PlaceCounts { connections, troubled, .. } = counts;
    let classes = [(connections - troubled, EdgeClass::Delivered, ""), (troubled, EdgeClass::Dropped, "× ")];
    classes.into_iter().filter(|(count, ..)| *count != 0).map(|(count, class, sign)| DiagramEdge {
        from: from.to_owned(),
        to: to.to_owned(),
        label: format!("{sign}{}", thousands(count)),
        note: "connections".to_owned(),
        class,
    })
}

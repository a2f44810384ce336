//! A topology as a picture: planes as boxes, vSwitches in VPCs, endpoints in both, links and peerings as lines.
//!
//! However large the topology, the picture stays readable: where a box has more endpoints than it shows, they are folded
//! into one node for each of the commonest sets of security groups, and VPCs and vSwitches beyond a few are counted.

use super::connections::id;
use crate::diag::and_list;
use crate::lab::Topology;
use crate::model::{About, Instance, Key, Location, Vpc, Vswitch, World};
use crate::report::{BoxClass, Diagram, DiagramBox, DiagramEdge, DiagramNode, EdgeClass, NodeClass, thousands};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

/// What is shown one by one at most: VPCs, vSwitches of a VPC, endpoints of a box, and lines.
const VPCS: usize = 24;
const VSWITCHES: usize = 8;
const NODES: usize = 12;
const EDGES: usize = 80;

/// The key of the box for VPCs that are not shown.
const OTHER_VPCS: &str = "other VPCs";

/// Returns the picture of a topology.
pub fn topology_diagram(topology: &Topology) -> Diagram {
    let mut drawing = Drawing::new(&topology.world);
    let left = drawing.classic_networks(topology.world.index().regions());
    let right = drawing.vpcs();
    let mut edges = drawing.edges();
    let more = edges.len().saturating_sub(EDGES);
    edges.truncate(EDGES);
    Diagram { title: "Network planes".to_owned(), description: drawing.description(more), left, right, edges }
}

/// An endpoint to be drawn.
struct Drawn<'a> {
    class: NodeClass,
    id: &'a str,
    note: String,
    /// What it is folded by.
    group: String,
    linked: Option<Key<Vpc>>,
}

struct Drawing<'a> {
    world: &'a World,
    in_vswitch: HashMap<usize, Vec<Drawn<'a>>>,
    /// By region.
    in_classic: HashMap<&'a str, Vec<Drawn<'a>>>,
    /// How many links go from a node to a VPC.
    links: BTreeMap<(String, usize), u64>,
    is_folded: bool,
}

impl<'a> Drawing<'a> {
    fn new(world: &'a World) -> Drawing<'a> {
        let mut in_vswitch: HashMap<usize, Vec<Drawn<'a>>> = HashMap::new();
        let mut in_classic: HashMap<&str, Vec<Drawn<'a>>> = HashMap::new();
        let instances =
            world.instances.values().map(|one| (one.location.value, world.instance_region(one), instance(world, one)));
        let services = world.services.values().map(|one| {
            let region = world.region(world.network(one.location.value), &one.placement).as_str();
            let group = format!("{} services", one.kind.value);
            let note = with_name(&one.about, format!("{} at {}", one.kind.value, one.ip.value));
            let drawn = Drawn { class: NodeClass::Service, id: &one.id.value, note, group, linked: None };
            (one.location.value, region, drawn)
        });
        for (location, region, drawn) in instances.chain(services) {
            match location {
                Location::Classic => in_classic.entry(region).or_default().push(drawn),
                Location::Vswitch(vswitch) => in_vswitch.entry(vswitch.index()).or_default().push(drawn),
            }
        }
        Drawing { world, in_vswitch, in_classic, links: BTreeMap::new(), is_folded: false }
    }

    fn classic_networks(&mut self, regions: &[String]) -> Vec<DiagramBox> {
        let mut boxes = Vec::new();
        for region in regions {
            let Some(endpoints) = self.in_classic.remove(region.as_str()) else { continue };
            let key = classic_key(region);
            let note = count(endpoints.len(), "endpoint");
            let nodes = self.nodes(&key, endpoints);
            let title = format!("classic network, {region}");
            boxes.push(DiagramBox { key, title, note, class: BoxClass::Classic, boxes: Vec::new(), nodes });
        }
        boxes
    }

    fn vpcs(&mut self) -> Vec<DiagramBox> {
        let world = self.world;
        let mut vswitches: HashMap<usize, Vec<(Key<Vswitch>, &Vswitch)>> = HashMap::new();
        for (key, vswitch) in world.vswitches.iter() {
            vswitches.entry(vswitch.vpc.value.index()).or_default().push((key, vswitch));
        }
        let mut gateways: HashMap<usize, Vec<Drawn<'a>>> = HashMap::new();
        for gateway in world.gateways.values() {
            let (kind, group) = (&gateway.kind.value, format!("{} gateways", gateway.kind.value));
            let note = with_name(&gateway.about, format!("{kind} gateway"));
            let drawn = Drawn { class: NodeClass::Gateway, id: &gateway.id.value, note, group, linked: None };
            gateways.entry(gateway.vpc.value.index()).or_default().push(drawn);
        }
        let mut boxes = Vec::new();
        for (key, vpc) in world.vpcs.iter().take(VPCS) {
            let id = vpc.id.value.clone();
            let region = world.vpc_region(key).as_str();
            let link = if vpc.classic_link.value { "ClassicLink on" } else { "ClassicLink off" };
            let gateways = gateways.remove(&key.index()).unwrap_or_default();
            boxes.push(DiagramBox {
                key: vpc_key(&id),
                note: format!("{}, {region}, {link}", vpc.cidr.value),
                class: BoxClass::Vpc,
                nodes: self.nodes(&vpc_key(&id), gateways),
                boxes: self.vswitches(&id, vswitches.remove(&key.index()).unwrap_or_default()),
                title: id,
            });
        }
        if world.vpcs.len() > VPCS {
            self.is_folded = true;
            let more = world.vpcs.len() - VPCS;
            let of_them =
                vswitches.values().flatten().map(|(key, _)| self.in_vswitch.get(&key.index()).map_or(0, Vec::len));
            let note = count(of_them.sum(), "endpoint");
            let title = format!("{} more", count(more, "VPC"));
            let key = OTHER_VPCS.to_owned();
            boxes.push(DiagramBox { key, title, note, class: BoxClass::Folded, ..DiagramBox::default() });
        }
        boxes
    }

    fn vswitches(&mut self, vpc: &str, vswitches: Vec<(Key<Vswitch>, &Vswitch)>) -> Vec<DiagramBox> {
        let mut boxes = Vec::new();
        let (mut more, mut beyond) = (0, 0);
        for (place, (key, vswitch)) in vswitches.into_iter().enumerate() {
            let endpoints = self.in_vswitch.remove(&key.index()).unwrap_or_default();
            if place >= VSWITCHES {
                more += 1;
                beyond += endpoints.len();
                continue;
            }
            let title = vswitch.id.value.clone();
            let key = vswitch_key(&title);
            let zone = vswitch.zone.as_ref().map_or_else(String::new, |zone| format!(", zone {zone}"));
            let note = format!("{}{zone}", vswitch.cidr.value);
            let nodes = self.nodes(&key, endpoints);
            boxes.push(DiagramBox { key, title, note, class: BoxClass::Vswitch, boxes: Vec::new(), nodes });
        }
        if more > 0 {
            self.is_folded = true;
            let key = format!("other vSwitches of {vpc}");
            let title = format!("{} more vSwitch{}", thousands(more), if more == 1 { "" } else { "es" });
            let note = count(beyond, "endpoint");
            boxes.push(DiagramBox { key, title, note, class: BoxClass::Folded, ..DiagramBox::default() });
        }
        boxes
    }

    /// The nodes of a box: each endpoint, or where there are many, one node for each of the largest groups of them.
    fn nodes(&mut self, of: &str, endpoints: Vec<Drawn<'a>>) -> Vec<DiagramNode> {
        if endpoints.len() <= NODES {
            return endpoints.into_iter().map(|endpoint| self.node(endpoint)).collect();
        }
        self.is_folded = true;
        let mut groups: BTreeMap<(NodeClass, String), Vec<Drawn<'a>>> = BTreeMap::new();
        for endpoint in endpoints {
            groups.entry((endpoint.class, endpoint.group.clone())).or_default().push(endpoint);
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by_key(|(key, endpoints)| (Reverse(endpoints.len()), key.clone()));
        let rest: Vec<_> = if groups.len() > NODES { groups.split_off(NODES - 1) } else { Vec::new() };
        let mut nodes = Vec::new();
        for ((_, group), mut endpoints) in groups {
            if endpoints.len() == 1 {
                nodes.extend(endpoints.pop().map(|endpoint| self.node(endpoint)));
                continue;
            }
            let label = format!("{} × {group}", thousands(endpoints.len() as u64));
            nodes.push(self.folded(format!("{of} {group}"), label, &endpoints));
        }
        if !rest.is_empty() {
            let endpoints: Vec<Drawn<'a>> = rest.into_iter().flat_map(|(_, endpoints)| endpoints).collect();
            let label = format!("{} more", thousands(endpoints.len() as u64));
            nodes.push(self.folded(format!("{of} and others"), label, &endpoints));
        }
        nodes
    }

    fn node(&mut self, endpoint: Drawn<'a>) -> DiagramNode {
        let key = endpoint_key(endpoint.id);
        if let Some(vpc) = endpoint.linked {
            *self.links.entry((key.clone(), vpc.index())).or_default() += 1;
        }
        DiagramNode { key, label: endpoint.id.to_owned(), note: endpoint.note, class: endpoint.class }
    }

    fn folded(&mut self, key: String, label: String, endpoints: &[Drawn<'a>]) -> DiagramNode {
        for vpc in endpoints.iter().filter_map(|endpoint| endpoint.linked) {
            *self.links.entry((key.clone(), vpc.index())).or_default() += 1;
        }
        let mut named: Vec<&str> = endpoints.iter().take(3).map(|endpoint| endpoint.id).collect();
        let more = format!("{} more", thousands((endpoints.len() - named.len()) as u64));
        named.extend((endpoints.len() > named.len()).then_some(more.as_str()));
        DiagramNode { key, label, note: and_list(named), class: NodeClass::Folded }
    }

    /// Links and peerings, those that stand for most first.
    fn edges(&self) -> Vec<DiagramEdge> {
        let world = self.world;
        let shown: HashMap<usize, &str> =
            world.vpcs.iter().take(VPCS).map(|(key, vpc)| (key.index(), vpc.id.as_str())).collect();
        let key_of = |index: usize| shown.get(&index).map_or_else(|| OTHER_VPCS.to_owned(), |id| vpc_key(id));
        let enabled: HashMap<usize, bool> =
            world.vpcs.iter().map(|(key, vpc)| (key.index(), vpc.classic_link.value)).collect();
        let mut counts: BTreeMap<(String, String, EdgeClass), u64> = BTreeMap::new();
        for ((from, vpc), count) in &self.links {
            let class = if enabled.get(vpc) == Some(&false) { EdgeClass::DisabledLink } else { EdgeClass::Link };
            *counts.entry((from.clone(), key_of(*vpc), class)).or_default() += count;
        }
        for peering in world.peerings.values() {
            let [from, to] = [0, 1].map(|end| key_of(peering.vpcs[end].value.index()));
            if from != to {
                *counts.entry((from, to, EdgeClass::Peering)).or_default() += 1;
            }
        }
        let mut edges: Vec<((String, String, EdgeClass), u64)> = counts.into_iter().collect();
        edges.sort_by_key(|(_, count)| Reverse(*count));
        let edge = |((from, to, class), number): ((String, String, EdgeClass), u64)| {
            let label = if number == 1 { String::new() } else { thousands(number) };
            DiagramEdge { from, to, label, note: class.words().to_owned(), class }
        };
        edges.into_iter().map(edge).collect()
    }

    fn description(&self, more_edges: usize) -> String {
        let world = self.world;
        let links = self.links.values().sum::<u64>() as usize;
        let endpoints = world.instances.len() + world.services.len() + world.gateways.len();
        let counts = [
            count(world.vpcs.len(), "VPC"),
            count(endpoints, "endpoint"),
            count(links, "ClassicLink connection"),
            count(world.peerings.len(), "peering"),
        ];
        let mut text = and_list(counts);
        if self.is_folded {
            text.push_str("; endpoints, vSwitches and VPCs beyond a few are folded");
        }
        if more_edges > 0 {
            text.push_str(&format!("; {} more lines are not drawn", thousands(more_edges as u64)));
        }
        text
    }
}

fn instance<'a>(world: &'a World, one: &'a Instance) -> Drawn<'a> {
    let groups: Vec<&str> = one.security_groups.iter().map(|group| id(&world.security_groups, group.value)).collect();
    let linked = one.linked_vpc.as_ref().map(|vpc| vpc.value);
    let note = format!("{}, {}, {}", one.private_ip.value, one.state.name(), and_list(&groups));
    let note = with_name(&one.about, note);
    let group = groups.join(" + ");
    Drawn { class: NodeClass::Instance, id: &one.id.value, note, group, linked }
}

/// Returns the key of the box for the classic network of `region`.
pub fn classic_key(region: &str) -> String {
    format!("classic {region}")
}

/// Returns the key of the box for a vSwitch, where it is drawn.
pub fn vswitch_key(id: &str) -> String {
    format!("vswitch {id}")
}

/// Returns the key of the node for an endpoint, where it is not folded.
pub fn endpoint_key(id: &str) -> String {
    format!("endpoint {id}")
}

fn vpc_key(id: &str) -> String {
    format!("vpc {id}")
}

/// `1 VPC`, `2,000 endpoints`.
fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", thousands(number as u64))
}

/// What a pointer over an endpoint shows, behind its name.
fn with_name(about: &Option<Box<About>>, note: String) -> String {
    match about.as_ref().and_then(|about| about.name.as_ref()) {
        Some(name) => format!("{name}: {note}"),
        None => note,
    }
}

//! What the groups at two ends let through from one to the other, protocol by protocol and port by port.
//!
//! A rule for certain source ports lets something through where it accepts, and takes nothing away where it drops: a
//! sender may choose another port. So what is found closed is closed.

use crate::model::{GroupKind, Instance, NicType, Peer, Policy, Rule, World};
use crate::net::{PortRange, Protocol};

/// What is let through: ranges of destination ports, disjoint and ascending, for each protocol that is told apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Flow(Vec<(Option<Protocol>, Ports)>);

type Ports = Vec<(u16, u16)>;

const EVERY_PORT: (u16, u16) = (0, u16::MAX);

impl Flow {
    /// What passes the egress groups of `sender` and, where it has any, the ingress groups of `receiver`.
    pub(super) fn between(world: &World, sender: Side<'_>, receiver: Side<'_>) -> Flow {
        let lists: Vec<List<'_>> = [(sender, receiver, Direction::Egress), (receiver, sender, Direction::Ingress)]
            .into_iter()
            .filter_map(|(own, far, direction)| List::of(world, own, far, direction))
            .collect();
        let named = lists.iter().flat_map(|list| list.rules.iter().filter_map(|rule| rule.protocol));
        let mut protocols: Vec<Option<Protocol>> =
            [Protocol::TCP, Protocol::UDP, Protocol::ICMP].into_iter().chain(named).map(Some).collect();
        protocols.sort_unstable();
        protocols.dedup();
        // Whatever no rule names.
        protocols.push(None);
        let open = |protocol: &Option<Protocol>| {
            lists.iter().fold(vec![EVERY_PORT], |open, list| intersection(&open, &list.accepted(*protocol)))
        };
        Flow(
            protocols
                .into_iter()
                .map(|protocol| (protocol, open(&protocol)))
                .filter(|(_, open)| !open.is_empty())
                .collect(),
        )
    }

    /// True where nothing passes.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// An end of a flow.
#[derive(Clone, Copy)]
pub(super) enum Side<'w> {
    /// An instance and its groups.
    Instance(&'w Instance),
    /// A service: it has no groups.
    Service(std::net::Ipv4Addr),
}

impl Side<'_> {
    fn address(self) -> std::net::Ipv4Addr {
        match self {
            Side::Instance(instance) => *instance.private_ip,
            Side::Service(address) => address,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Egress,
    Ingress,
}

/// The merged rules of one instance that speak of the other end, in the order in which they decide.
struct List<'w> {
    rules: Vec<&'w Rule>,
    default_accept: bool,
}

impl<'w> List<'w> {
    fn of(world: &'w World, own: Side<'w>, far: Side<'_>, direction: Direction) -> Option<List<'w>> {
        let Side::Instance(instance) = own else { return None };
        let groups = || instance.security_groups.iter().map(|group| &world.security_groups[group.value]);
        let speaks_of_far = |rule: &&Rule| {
            let of_peer = match (rule.peer.value, far) {
                (Peer::Cidr(net), _) => net.contains(&far.address()),
                (Peer::Group(group), Side::Instance(far)) => far.security_groups.iter().any(|own| own.value == group),
                (Peer::Group(_), Side::Service(_)) => false,
            };
            of_peer
                && rule.nic_type == NicType::Intranet
                && rule.own.as_ref().is_none_or(|net| net.contains(&own.address()))
        };
        let mut rules: Vec<&Rule> = groups()
            .flat_map(|group| if direction == Direction::Egress { &group.egress } else { &group.ingress })
            .filter(speaks_of_far)
            .collect();
        rules.sort_by_key(|rule| (rule.priority, rule.policy == Policy::Accept));
        let basic = groups().all(|group| *group.kind == GroupKind::Basic);
        Some(List { rules, default_accept: basic && direction == Direction::Egress })
    }

    /// The destination ports that are accepted with `protocol`; `None` is any that no rule names.
    fn accepted(&self, protocol: Option<Protocol>) -> Ports {
        let has_ports = protocol.is_some_and(Protocol::has_ports);
        let mut accepted = Vec::new();
        let mut undecided = vec![EVERY_PORT];
        for rule in &self.rules {
            let any_ports = rule.port_range == PortRange::ALL && rule.source_port_range == PortRange::ALL;
            if rule.protocol.is_some() && rule.protocol != protocol || !has_ports && !any_ports {
                continue;
            }
            let range = (rule.port_range.first(), rule.port_range.last());
            if rule.policy == Policy::Accept {
                accepted.extend(intersection(&undecided, &[range]));
            }
            if rule.source_port_range == PortRange::ALL {
                undecided = without(&undecided, range);
            }
        }
        if self.default_accept {
            accepted.extend(undecided);
        }
        joined(accepted)
    }
}

fn intersection(one: &[(u16, u16)], other: &[(u16, u16)]) -> Ports {
    let common = |a: &(u16, u16), b: &(u16, u16)| Some((a.0.max(b.0), a.1.min(b.1))).filter(|(low, high)| low <= high);
    one.iter().flat_map(|a| other.iter().filter_map(move |b| common(a, b))).collect()
}

fn without(ports: &[(u16, u16)], gap: (u16, u16)) -> Ports {
    let below = gap.0.checked_sub(1).map(|last| (0, last));
    let above = gap.1.checked_add(1).map(|first| (first, u16::MAX));
    let rest: Ports = below.into_iter().chain(above).collect();
    intersection(ports, &rest)
}

/// Ascending, with overlapping and neighbouring ranges made one.
fn joined(mut ports: Ports) -> Ports {
    ports.sort_unstable();
    let mut joined: Ports = Vec::with_capacity(ports.len());
    for (first, last) in ports {
        match joined.last_mut() {
            Some(open) if u32::from(first) <= u32::from(open.1) + 1 => open.1 = open.1.max(last),
            _ => joined.push((first, last)),
        }
    }
    joined
}

/// `everything`, or `tcp/443, icmp`.
impl std::fmt::Display for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let others = self.0.iter().any(|(protocol, _)| protocol.is_none());
        if others && self.0.iter().all(|(_, ports)| ports[..] == [EVERY_PORT]) {
            return f.write_str("everything");
        }
        let mut separator = "";
        for (protocol, ports) in &self.0 {
            let name = protocol.map_or("other protocols".to_owned(), |protocol| protocol.to_string());
            for (first, last) in ports {
                match (*first, *last) {
                    EVERY_PORT => write!(f, "{separator}{name}")?,
                    (first, last) if first == last => write!(f, "{separator}{name}/{first}")?,
                    (first, last) => write!(f, "{separator}{name}/{first}-{last}")?,
                }
                separator = ", ";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Sources;
    use crate::scenario;

    /// What passes from `i-a` to `i-b` with these egress and ingress rules.
    fn passes(egress: &str, ingress: &str) -> String {
        let text = format!(
            "[security_group.sg-a]\nnetwork = \"classic\"\negress = [{egress}]\n\
             [security_group.sg-b]\nnetwork = \"classic\"\ningress = [{ingress}]\n\
             [instance.i-a]\nnetwork = \"classic\"\nprivate_ip = \"10.1.0.1\"\nsecurity_groups = [\"sg-a\"]\n\
             [instance.i-b]\nnetwork = \"classic\"\nprivate_ip = \"10.1.0.2\"\nsecurity_groups = [\"sg-b\"]\n"
        );
        let (world, problems) = scenario::topology(&mut Sources::new(), "t.toml", &text);
        assert_eq!(problems, [], "{text}");
        let instance = |id| Side::Instance(&world.instances[world.instances.find(id).unwrap()]);
        let flow = Flow::between(&world, instance("i-a"), instance("i-b"));
        if flow.is_empty() { "nothing".to_owned() } else { flow.to_string() }
    }

    #[test]
    fn a_flow_is_what_both_ends_accept() {
        assert_eq!(passes("", ""), "nothing");
        assert_eq!(passes("", "{ source = \"sg-a\" }"), "everything");
        assert_eq!(passes("", "{ source = \"10.1.0.9\" }"), "nothing");
        let tcp = "{ source = \"10.1.0.0/16\", protocol = \"tcp\", port_range = \"80/90\" }";
        assert_eq!(passes("", tcp), "tcp/80-90");
        assert_eq!(passes("", &format!("{tcp}, {{ source = \"10.1.0.1\", protocol = \"icmp\" }}")), "icmp, tcp/80-90");
        let no_85 = "{ destination = \"0.0.0.0/0\", policy = \"drop\", protocol = \"tcp\", port_range = \"85\" }";
        assert_eq!(passes(no_85, tcp), "tcp/80-84, tcp/86-90");
        assert_eq!(passes(&no_85.replace("85", "80/90"), tcp), "nothing");
        assert_eq!(passes(&no_85.replace("tcp", "udp"), tcp), "tcp/80-90");
    }

    #[test]
    fn the_smaller_priority_decides_and_drop_before_accept() {
        let rules = |drop: u8, accept: u8| {
            format!(
                "{{ source = \"sg-a\", priority = {accept} }}, \
                 {{ source = \"10.1.0.1\", policy = \"drop\", priority = {drop} }}"
            )
        };
        assert_eq!(passes("", &rules(1, 1)), "nothing");
        assert_eq!(passes("", &rules(2, 1)), "everything");
        // Another source port escapes a drop rule for one of them.
        let some = rules(1, 1).replace("policy", "protocol = \"tcp\", source_port_range = \"53\", policy");
        assert_eq!(passes("", &some), "everything");
        assert_eq!(
            passes("", "{ source = \"sg-a\", protocol = 47 }, { source = \"sg-a\", protocol = 50 }"),
            "gre, protocol 50"
        );
    }
}

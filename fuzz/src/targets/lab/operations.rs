//! Operations on a world, most of whose objects are of that world.

use super::super::input::Input;
use biplane::control::{ClassicLinkMode, ClassicLinkRule, Operation, PeerRequest, RuleRequest, WhitelistChange};
use biplane::model::{Direction, NicType, Policy, World};
use biplane::net::{Ipv4Net, PortRange, Protocol};

const NETS: [&str; 16] = [
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.45.0.0/16",
    "10.45.2.10/32",
    "10.111.0.0/16",
    "10.1.2.3/8",
    "172.16.0.0/12",
    "172.16.0.0/16",
    "172.16.1.0/24",
    "172.16.9.0/24",
    "172.16.0.0/30",
    "172.17.0.0/16",
    "192.168.0.0/16",
    "192.168.64.0/18",
    "100.64.0.0/16",
    "203.0.113.0/24",
];

/// One of `ids`, or none of them.
fn one_of<'a>(input: &mut Input<'_>, ids: impl Iterator<Item = &'a str>) -> String {
    let ids: Vec<&str> = ids.collect();
    ids.get(usize::from(input.byte()) % (ids.len() + 1)).copied().unwrap_or("nobody").to_owned()
}

fn net(input: &mut Input<'_>) -> Ipv4Net {
    input.pick(&NETS).parse().expect("a prefix")
}

struct Named<'w> {
    world: &'w World,
}

impl Named<'_> {
    fn instance(&self, input: &mut Input<'_>) -> String {
        one_of(input, self.world.instances.ids())
    }

    fn vpc(&self, input: &mut Input<'_>) -> String {
        one_of(input, self.world.vpcs.ids())
    }

    fn group(&self, input: &mut Input<'_>) -> String {
        one_of(input, self.world.security_groups.ids())
    }

    fn groups(&self, input: &mut Input<'_>) -> Vec<String> {
        (0..input.byte() % 3).map(|_| self.group(input)).collect()
    }

    fn table(&self, input: &mut Input<'_>) -> String {
        one_of(input, self.world.route_tables.ids().chain(self.world.vpcs.ids()))
    }

    fn next_hop(&self, input: &mut Input<'_>) -> String {
        let World { instances, gateways, peerings, .. } = self.world;
        one_of(input, instances.ids().chain(gateways.ids()).chain(peerings.ids()))
    }

    fn rule(&self, input: &mut Input<'_>) -> RuleRequest {
        let peer = match input.byte() & 1 {
            0 => PeerRequest::Cidr(net(input)),
            _ => PeerRequest::Group(self.group(input)),
        };
        let port_range = input.pick(&["-1/-1", "80/80", "1/65535", "3306/3306"]);
        RuleRequest {
            policy: *input.pick(&[Policy::Accept, Policy::Drop]),
            priority: input.byte() % 4,
            protocol: *input.pick(&[None, Some(Protocol::TCP), Some(Protocol::UDP), Some(Protocol::ICMP)]),
            port_range: port_range.parse::<PortRange>().expect("ports"),
            nic_type: *input.pick(&[NicType::Intranet, NicType::Intranet, NicType::Intranet, NicType::Internet]),
            own: input.byte().is_multiple_of(8).then(|| net(input)),
            ..RuleRequest::accept(peer)
        }
    }

    /// A rule that a group has, where it has one.
    fn declared(&self, input: &mut Input<'_>, group: &str) -> RuleRequest {
        let any = self.rule(input);
        let Some(key) = self.world.security_groups.find(group) else { return any };
        let rules = &self.world.security_groups[key].ingress;
        let Some(rule) = rules.get(usize::from(input.byte()) % rules.len().max(1)) else { return any };
        RuleRequest::of(self.world, rule)
    }
}

/// The operation that the next bytes stand for.
pub(super) fn operation(input: &mut Input<'_>, world: &World) -> Operation {
    let named = Named { world };
    let kind = input.byte() % 25;
    match kind {
        0 => Operation::Enable { vpc: named.vpc(input) },
        1 => Operation::Disable { vpc: named.vpc(input) },
        2 => Operation::Attach { instance: named.instance(input), vpc: named.vpc(input) },
        3 => Operation::Detach { instance: named.instance(input), vpc: named.vpc(input) },
        4 => Operation::Start { instance: named.instance(input) },
        5 => Operation::Stop { instance: named.instance(input) },
        6 => Operation::Restart { instance: named.instance(input) },
        7 => Operation::HotMigrate { instance: named.instance(input) },
        8 => Operation::ColdMigrate { instance: named.instance(input) },
        9 => Operation::ReplaceSystemDisk { instance: named.instance(input) },
        10 => Operation::AddGuestRoute { instance: named.instance(input), destination: net(input) },
        11 => Operation::Transfer {
            instance: named.instance(input),
            account: input.pick(&["main", "partner"]).to_string(),
            security_groups: named.groups(input),
        },
        12 => Operation::Release { instance: named.instance(input), force: input.byte() & 1 == 1 },
        13 => {
            let instance = named.instance(input);
            let vswitch = one_of(input, world.vswitches.ids());
            let cidr = world.vswitches.find(&vswitch).map(|key| world.vswitches[key].cidr.value);
            let network = cidr.map_or(0, |cidr| u32::from(cidr.network()));
            let private_ip = network.wrapping_add(u32::from(input.byte() % 32)).into();
            Operation::MigrateIntoVpc { instance, vswitch, private_ip, security_groups: named.groups(input) }
        }
        14 => Operation::ModifyPrimaryCidr { vpc: named.vpc(input), cidr: net(input) },
        15 => Operation::AssociateSecondaryCidr { vpc: named.vpc(input), cidr: net(input) },
        16 => Operation::UnassociateSecondaryCidr { vpc: named.vpc(input), cidr: net(input) },
        17 => {
            Operation::AddRoute { table: named.table(input), destination: net(input), next_hop: named.next_hop(input) }
        }
        18 => Operation::RemoveRoute { table: named.table(input), destination: net(input) },
        19 => Operation::Authorize {
            group: named.group(input),
            direction: *input.pick(&[Direction::Ingress, Direction::Egress]),
            rule: named.rule(input),
        },
        20 => {
            let group = named.group(input);
            let rule = named.declared(input, &group);
            Operation::Revoke { group, direction: Direction::Ingress, rule }
        }
        21 => Operation::AuthorizeClassicLink(ClassicLinkRule {
            group: named.group(input),
            vpc: named.vpc(input),
            vpc_groups: named.groups(input),
            mode: *input.pick(&ClassicLinkMode::ALL),
            protocol: *input.pick(&[None, Some(Protocol::TCP)]),
            port_range: PortRange::ALL,
            priority: input.byte() % 4,
            description: None,
        }),
        22 => Operation::Join { instance: named.instance(input), group: named.group(input) },
        23 => Operation::Leave { instance: named.instance(input), group: named.group(input) },
        _ => {
            let service = one_of(input, world.services.ids());
            let entries = (0..=input.byte() % 2).map(|_| net(input)).collect();
            let change = match input.byte() % 3 {
                0 => WhitelistChange::Replace(entries),
                1 => WhitelistChange::Add(entries),
                _ => WhitelistChange::Remove(entries),
            };
            Operation::ChangeWhitelist { service, change }
        }
    }
}

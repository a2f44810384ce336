//! A remedy in words: what to do, with which of the vendor's operations, and what to write into the topology file.
//!
//! `trace`, `check` and `advise` name a change of the world in these words and in no others. Operations are given as
//! commands of the vendor's command line `aliyun`, by the names of the API; what has no API is done in the console, and
//! says so.

mod rules;

use crate::control::{Operation, PeerRequest, RuleRequest, WhitelistChange};
use crate::diag::{Sources, Span};
use crate::model::{Direction, SecurityGroup, ServiceKind, World};
use crate::net::{GuestRoute, Ipv4Net};
use crate::report::{AdvisedStep, TopologyEdit};
use crate::text::{quoted, sh_word};

/// Says what `operation` does to `world`, to which it was not yet applied.
pub(crate) fn describe(operation: &Operation, world: &World, sources: &Sources) -> AdvisedStep {
    RemedyWriter { world, sources }.operation(operation)
}

/// Says the same in one line: what to do, and what to write into the topology file.
pub(crate) fn sentence(operation: &Operation, world: &World) -> String {
    describe(operation, world, &Sources::new()).sentence()
}

/// Says what lets `group` accept all that `peer` sends, in one line.
pub(crate) fn accepting(group: &SecurityGroup, direction: Direction, peer: PeerRequest, world: &World) -> String {
    let rule = RuleRequest::accept(peer);
    sentence(&Operation::Authorize { group: group.id.value.clone(), direction, rule }, world)
}

/// The header of a table, without brackets.
pub(crate) fn table(kind: &str, id: &str) -> String {
    let bare = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if bare { format!("{kind}.{id}") } else { format!("{kind}.{}", quoted(id)) }
}

fn list<'a>(items: impl IntoIterator<Item = &'a String>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| quoted(item)).collect();
    format!("[{}]", items.join(", "))
}

/// The region of a VPC; empty where there is none of that id.
pub(crate) fn vpc_region<'w>(world: &'w World, id: &str) -> &'w str {
    world.vpcs.find(id).map_or("", |key| world.vpc_region(key).as_str())
}

/// `aliyun ecs StartInstance --InstanceId i-web`.
pub(crate) fn call(action: &str, parameters: &[(&str, &str)]) -> String {
    let mut text = format!("aliyun {action}");
    for (name, value) in parameters {
        text.extend([" --", name, "=", &sh_word(value)]);
    }
    text
}

pub(crate) fn set(table: String, keys: &[(&str, String)], without: &[&'static str]) -> TopologyEdit {
    let keys = keys.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    TopologyEdit::Set { table, keys, without: without.to_vec() }
}

struct RemedyWriter<'w> {
    world: &'w World,
    sources: &'w Sources,
}

impl RemedyWriter<'_> {
    fn place(&self, span: Span) -> Option<String> {
        self.sources.locate(span).map(|place| place.to_string())
    }

    fn of_instance(&self, id: &str) -> Option<String> {
        let key = self.world.instances.find(id)?;
        self.place(self.world.instances[key].id.span)
    }

    fn of_vpc(&self, id: &str) -> Option<String> {
        let key = self.world.vpcs.find(id)?;
        self.place(self.world.vpcs[key].id.span)
    }

    fn instance_region(&self, id: &str) -> &str {
        self.world.instances.find(id).map_or("", |key| self.world.instance_region(&self.world.instances[key]))
    }

    fn operation(&self, operation: &Operation) -> AdvisedStep {
        match operation {
            Operation::Enable { vpc } => AdvisedStep {
                what: format!("enable ClassicLink for {vpc}"),
                operations: vec![call(
                    "vpc EnableVpcClassicLink",
                    &[("RegionId", vpc_region(self.world, vpc)), ("VpcId", vpc)],
                )],
                topology: Some(set(table("vpc", vpc), &[("classic_link", "true".to_owned())], &[])),
                source: self.of_vpc(vpc),
            },
            Operation::Attach { instance, vpc } => AdvisedStep {
                what: format!("link {instance} to {vpc}"),
                operations: vec![self.link_call("AttachClassicLinkVpc", instance, vpc)],
                topology: Some(set(table("instance", instance), &[("linked_vpc", quoted(vpc))], &[])),
                source: self.of_instance(instance),
            },
            Operation::Detach { instance, vpc } => AdvisedStep {
                what: format!("detach {instance} from {vpc}, which ends what passes between them"),
                operations: vec![self.link_call("DetachClassicLinkVpc", instance, vpc)],
                topology: Some(set(table("instance", instance), &[], &["linked_vpc"])),
                source: self.of_instance(instance),
            },
            Operation::Start { instance } => AdvisedStep {
                what: format!("start {instance}"),
                operations: vec![call("ecs StartInstance", &[("InstanceId", instance)])],
                topology: Some(set(table("instance", instance), &[("state", quoted("running"))], &[])),
                source: self.of_instance(instance),
            },
            Operation::AddGuestRoute { instance, destination } => self.guest_route(instance, *destination),
            Operation::Authorize { group, direction, rule } => self.authorize(group, *direction, rule),
            Operation::Revoke { group, direction, rule } => self.revoke(group, *direction, rule),
            Operation::ChangeWhitelist { service, change: WhitelistChange::Add(entries) } => {
                self.admit(service, entries)
            }
            Operation::AddRoute { table, destination, next_hop } => self.route(table, *destination, next_hop),
            Operation::Transfer { instance, account, security_groups } => AdvisedStep {
                what: format!("transfer {instance} to account {account}, into {}", security_groups.join(", ")),
                operations: vec![format!(
                    "# console: transfer {instance} to account {account}, and move it into the group there"
                )],
                topology: Some(set(
                    table("instance", instance),
                    &[("account", quoted(account)), ("security_groups", list(security_groups))],
                    &[],
                )),
                source: self.of_instance(instance),
            },
            Operation::MigrateIntoVpc { instance, vswitch, private_ip, security_groups } => AdvisedStep {
                what: format!(
                    "migrate {instance} into {vswitch}: its address becomes {private_ip}, and what names the old one must follow"
                ),
                operations: vec![format!(
                    "# ECS console: a migration plan for {instance} into {vswitch}, private address {private_ip}"
                )],
                topology: Some(set(
                    table("instance", instance),
                    &[
                        ("vswitch", quoted(vswitch)),
                        ("private_ip", quoted(&private_ip.to_string())),
                        ("security_groups", list(security_groups)),
                    ],
                    &["network", "guest_routes", "region", "account"],
                )),
                source: self.of_instance(instance),
            },
            other => {
                AdvisedStep { what: other.name().to_owned(), operations: Vec::new(), topology: None, source: None }
            }
        }
    }

    fn link_call(&self, action: &str, instance: &str, vpc: &str) -> String {
        let region = self.instance_region(instance);
        call(&format!("ecs {action}"), &[("RegionId", region), ("InstanceId", instance), ("VpcId", vpc)])
    }

    fn guest_route(&self, instance: &str, destination: Ipv4Net) -> AdvisedStep {
        let own = self.world.instances.find(instance).map(|key| &self.world.instances[key]);
        let entry = quoted(&destination.to_string());
        AdvisedStep {
            what: format!("send {destination} to the private NIC of {instance} by the routing script"),
            operations: own
                .map(|own| {
                    let command = GuestRoute::of(*own.private_ip).add_command();
                    vec![format!("{command}   # on {instance}; `biplane guest-route` prints what lasts")]
                })
                .unwrap_or_default(),
            topology: Some(TopologyEdit::Append {
                table: table("instance", instance),
                key: "guest_routes",
                entry,
                fresh: own.is_none_or(|own| own.guest_routes.is_empty()),
            }),
            source: self.of_instance(instance),
        }
    }

    fn admit(&self, service: &str, entries: &[Ipv4Net]) -> AdvisedStep {
        let own = self.world.services.find(service).map(|key| &self.world.services[key]);
        let address = entries.first().map(|entry| entry.addr().to_string()).unwrap_or_default();
        let kind = own.map_or(ServiceKind::Other, |own| *own.kind);
        let change = |product: &str, id: &str| {
            call(
                &format!("{product} ModifySecurityIps"),
                &[(id, service), ("SecurityIps", &address), ("ModifyMode", "Append")],
            )
        };
        let operation = match kind {
            ServiceKind::Rds => change("rds", "DBInstanceId"),
            ServiceKind::Redis => change("r-kvstore", "InstanceId"),
            ServiceKind::Mongodb => change("dds", "DBInstanceId"),
            _ => format!("# console of {service}: add {address} to its access control list"),
        };
        AdvisedStep {
            what: format!("admit {address} to the whitelist of {service}"),
            operations: vec![operation],
            topology: Some(TopologyEdit::Append {
                table: table("service", service),
                key: "whitelist",
                entry: quoted(&address),
                fresh: own.is_none_or(|own| own.whitelist.is_none()),
            }),
            source: own.and_then(|own| self.place(own.id.span)),
        }
    }

    fn route(&self, of: &str, destination: Ipv4Net, next_hop: &str) -> AdvisedStep {
        let world = self.world;
        let custom = world.route_tables.find(of).map(|key| &world.route_tables[key]);
        let vpc = world.vpcs.find(of).map(|key| &world.vpcs[key]);
        let (name, header, fresh, span) = match (custom, vpc) {
            (Some(custom), _) => (of.to_owned(), table("route_table", of), custom.routes.is_empty(), custom.id.span),
            (None, Some(vpc)) => {
                (format!("the system table of {of}"), table("vpc", of), vpc.routes.is_empty(), vpc.id.span)
            }
            (None, None) => (of.to_owned(), table("vpc", of), true, Span::NONE),
        };
        let id = if custom.is_some() { of.to_owned() } else { format!("SYSTEM-TABLE-OF-{of}") };
        AdvisedStep {
            what: format!("route {destination} to {next_hop} in {name}"),
            operations: vec![call(
                "vpc CreateRouteEntry",
                &[
                    ("RouteTableId", &id),
                    ("DestinationCidrBlock", &destination.to_string()),
                    ("NextHopType", self.next_hop_type(next_hop)),
                    ("NextHopId", next_hop),
                ],
            )],
            topology: Some(TopologyEdit::Append {
                table: header,
                key: "routes",
                entry: format!("{{ destination = \"{destination}\", next_hop = {} }}", quoted(next_hop)),
                fresh,
            }),
            source: self.place(span),
        }
    }

    /// The vendor's word for the kind of a next hop (CreateRouteEntry).
    fn next_hop_type(&self, id: &str) -> &'static str {
        match self.world.gateways.find(id).map(|key| self.world.gateways[key].kind.as_str()) {
            None => "VpcPeer",
            Some("nat") => "NatGateway",
            Some("vpn") => "VpnGateway",
            Some("internet") => "Ipv4Gateway",
            Some(_) => "RouterInterface",
        }
    }
}

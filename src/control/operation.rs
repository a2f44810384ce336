//! The operations as data: what is asked of the world, by id.

use crate::model::{Direction, NicType, Peer, Policy, Rule, World};
use crate::net::{Ipv4Net, PortRange, Protocol};
use std::fmt;
use std::net::Ipv4Addr;

/// One operation on the world. Objects are named by id, as the vendor's calls name them.
///
/// Those whose variants have strings, addresses and prefixes alone can be built so; all of them are read from words, or from
/// the keys of a scenario file:
///
/// ```
/// use biplane::control::Operation;
///
/// let words: Operation = r#"authorize sg-app ingress={ protocol = "tcp", port_range = "80", source = "10.0.0.0/8" }"#.parse()?;
/// assert_eq!(words.to_string(), "authorize an ingress rule in sg-app");
/// assert_eq!("stop i-web-1".parse(), Ok(Operation::Stop { instance: "i-web-1".to_owned() }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// EnableVpcClassicLink.
    Enable {
        /// The VPC.
        vpc: String,
    },
    /// DisableVpcClassicLink.
    Disable {
        /// The VPC.
        vpc: String,
    },
    /// AttachClassicLinkVpc.
    Attach {
        /// The classic instance.
        instance: String,
        /// The VPC.
        vpc: String,
    },
    /// DetachClassicLinkVpc.
    Detach {
        /// The classic instance.
        instance: String,
        /// The VPC it is linked to.
        vpc: String,
    },
    /// StartInstance.
    Start {
        /// A stopped instance.
        instance: String,
    },
    /// StopInstance.
    Stop {
        /// A running instance.
        instance: String,
    },
    /// RebootInstance.
    Restart {
        /// A running instance.
        instance: String,
    },
    /// Live migration to another host.
    HotMigrate {
        /// A running instance.
        instance: String,
    },
    /// Migration to another host by way of a stop.
    ColdMigrate {
        /// A running or stopped instance; it ends in the state in which it began.
        instance: String,
    },
    /// ReplaceSystemDisk: the guest's own routes are gone, the link stays.
    ReplaceSystemDisk {
        /// A stopped instance.
        instance: String,
    },
    /// The routing script, or the same by hand: the guest sends this destination to its private NIC.
    AddGuestRoute {
        /// A running classic instance.
        instance: String,
        /// The prefix.
        destination: Ipv4Net,
    },
    /// Transfer of a classic instance to another account.
    Transfer {
        /// A classic instance without a link.
        instance: String,
        /// The account.
        account: String,
        /// Groups of that account that replace its present ones; it keeps those where there is none here.
        security_groups: Vec<String>,
    },
    /// DeleteInstance.
    Release {
        /// A stopped instance, or any other with `force`.
        instance: String,
        /// Whether a running one may be released.
        force: bool,
    },
    /// Migration of a classic instance into a VPC.
    MigrateIntoVpc {
        /// A classic instance without a link.
        instance: String,
        /// A vSwitch of the VPC.
        vswitch: String,
        /// A free address of the vSwitch.
        private_ip: Ipv4Addr,
        /// Groups of the VPC, which replace the classic ones.
        security_groups: Vec<String>,
    },
    /// ModifyVpcAttribute, of which only the primary CIDR.
    ModifyPrimaryCidr {
        /// A VPC with ClassicLink off.
        vpc: String,
        /// Its new primary CIDR.
        cidr: Ipv4Net,
    },
    /// AssociateVpcCidrBlock.
    AssociateSecondaryCidr {
        /// The VPC.
        vpc: String,
        /// A CIDR that comes to those it has.
        cidr: Ipv4Net,
    },
    /// UnassociateVpcCidrBlock.
    UnassociateSecondaryCidr {
        /// The VPC.
        vpc: String,
        /// A secondary CIDR without vSwitches.
        cidr: Ipv4Net,
    },
    /// CreateRouteEntry.
    AddRoute {
        /// A custom route table; or a VPC, for its system table.
        table: String,
        /// The prefix.
        destination: Ipv4Net,
        /// An instance, gateway or peering.
        next_hop: String,
    },
    /// DeleteRouteEntry.
    RemoveRoute {
        /// A custom route table; or a VPC, for its system table.
        table: String,
        /// The prefix.
        destination: Ipv4Net,
    },
    /// AuthorizeSecurityGroup, AuthorizeSecurityGroupEgress.
    #[doc(hidden)]
    Authorize {
        /// The group.
        group: String,
        /// Which of its lists.
        direction: Direction,
        /// The rule to be added at the end of the list.
        rule: RuleRequest,
    },
    /// RevokeSecurityGroup, RevokeSecurityGroupEgress.
    #[doc(hidden)]
    Revoke {
        /// The group.
        group: String,
        /// Which of its lists.
        direction: Direction,
        /// The rule to be removed; its description does not matter.
        rule: RuleRequest,
    },
    /// The console's "Add ClassicLink rule".
    #[doc(hidden)]
    AuthorizeClassicLink(ClassicLinkRule),
    /// JoinSecurityGroup.
    Join {
        /// The instance.
        instance: String,
        /// The group.
        group: String,
    },
    /// LeaveSecurityGroup.
    Leave {
        /// The instance.
        instance: String,
        /// The group.
        group: String,
    },
    /// ModifySecurityIps, and the same for services other than RDS.
    #[doc(hidden)]
    ChangeWhitelist {
        /// The service.
        service: String,
        /// What becomes of its entries.
        change: WhitelistChange,
    },
}

impl Operation {
    /// The word in scenario files.
    pub const fn name(&self) -> &'static str {
        match self {
            Operation::Enable { .. } => "enable",
            Operation::Disable { .. } => "disable",
            Operation::Attach { .. } => "attach",
            Operation::Detach { .. } => "detach",
            Operation::Start { .. } => "start",
            Operation::Stop { .. } => "stop",
            Operation::Restart { .. } => "restart",
            Operation::HotMigrate { .. } => "hot-migrate",
            Operation::ColdMigrate { .. } => "cold-migrate",
            Operation::ReplaceSystemDisk { .. } => "replace-system-disk",
            Operation::AddGuestRoute { .. } => "add-guest-route",
            Operation::Transfer { .. } => "transfer",
            Operation::Release { .. } => "release",
            Operation::MigrateIntoVpc { .. } => "migrate-into-vpc",
            Operation::ModifyPrimaryCidr { .. } => "modify-primary-cidr",
            Operation::AssociateSecondaryCidr { .. } => "associate-secondary-cidr",
            Operation::UnassociateSecondaryCidr { .. } => "unassociate-secondary-cidr",
            Operation::AddRoute { .. } => "add-route",
            Operation::RemoveRoute { .. } => "remove-route",
            Operation::Authorize { .. } => "authorize",
            Operation::Revoke { .. } => "revoke",
            Operation::AuthorizeClassicLink(_) => "authorize-classic-link",
            Operation::Join { .. } => "join",
            Operation::Leave { .. } => "leave",
            Operation::ChangeWhitelist { .. } => "change-whitelist",
        }
    }
}

/// In a few words: `attach web-1 to shop`.
impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operation::Enable { vpc } | Operation::Disable { vpc } => {
                write!(f, "{} ClassicLink for {vpc}", self.name())
            }
            Operation::Attach { instance, vpc } => write!(f, "attach {instance} to {vpc}"),
            Operation::Detach { instance, vpc } => write!(f, "detach {instance} from {vpc}"),
            Operation::Start { instance }
            | Operation::Stop { instance }
            | Operation::Restart { instance }
            | Operation::HotMigrate { instance }
            | Operation::ColdMigrate { instance }
            | Operation::Release { instance, .. } => write!(f, "{} {instance}", self.name()),
            Operation::ReplaceSystemDisk { instance } => write!(f, "replace the system disk of {instance}"),
            Operation::AddGuestRoute { instance, destination } => {
                write!(f, "add a guest route to {destination} on {instance}")
            }
            Operation::Transfer { instance, account, .. } => write!(f, "transfer {instance} to account {account}"),
            Operation::MigrateIntoVpc { instance, vswitch, private_ip, .. } => {
                write!(f, "migrate {instance} into {vswitch} as {private_ip}")
            }
            Operation::ModifyPrimaryCidr { vpc, cidr } => write!(f, "modify the primary CIDR of {vpc} to {cidr}"),
            Operation::AssociateSecondaryCidr { vpc, cidr } => {
                write!(f, "associate the secondary CIDR {cidr} with {vpc}")
            }
            Operation::UnassociateSecondaryCidr { vpc, cidr } => {
                write!(f, "unassociate the secondary CIDR {cidr} from {vpc}")
            }
            Operation::AddRoute { table, destination, next_hop } => {
                write!(f, "add a route to {destination} by {next_hop} in {table}")
            }
            Operation::RemoveRoute { table, destination } => {
                write!(f, "remove the route to {destination} from {table}")
            }
            Operation::Authorize { group, direction, .. } => {
                write!(f, "authorize an {} rule in {group}", direction.name())
            }
            Operation::Revoke { group, direction, .. } => write!(f, "revoke an {} rule of {group}", direction.name()),
            Operation::AuthorizeClassicLink(rule) => {
                let ClassicLinkRule { group, vpc, mode, .. } = rule;
                write!(f, "authorize {} between {group} and groups of {vpc}", mode.name())
            }
            Operation::Join { instance, group } => write!(f, "{instance} joins {group}"),
            Operation::Leave { instance, group } => write!(f, "{instance} leaves {group}"),
            Operation::ChangeWhitelist { service, change } => {
                let verb = match change {
                    WhitelistChange::Replace(_) => "replace the whitelist of",
                    WhitelistChange::Add(_) => "add to the whitelist of",
                    WhitelistChange::Remove(_) => "remove from the whitelist of",
                };
                write!(f, "{verb} {service}")
            }
        }
    }
}

/// A rule as operations name it: groups by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRequest {
    /// Accept or drop.
    pub policy: Policy,
    /// 1 to 100; the smaller one wins.
    pub priority: u8,
    /// `None` for all protocols.
    pub protocol: Option<Protocol>,
    /// Destination ports.
    pub port_range: PortRange,
    /// Source ports.
    pub source_port_range: PortRange,
    /// The far side.
    pub peer: PeerRequest,
    /// The own side.
    pub own: Option<Ipv4Net>,
    /// Which NIC the rule is for.
    pub nic_type: NicType,
    /// Free text.
    pub description: Option<String>,
}

impl RuleRequest {
    /// Accepts every protocol and port from or to `peer` at priority 1: what a rule in a topology file is where only
    /// its peer is given.
    pub fn accept(peer: PeerRequest) -> RuleRequest {
        RuleRequest {
            policy: Policy::Accept,
            priority: 1,
            protocol: None,
            port_range: PortRange::ALL,
            source_port_range: PortRange::ALL,
            peer,
            own: None,
            nic_type: NicType::Intranet,
            description: None,
        }
    }

    /// A declared rule as operations name it.
    pub fn of(world: &World, rule: &Rule) -> RuleRequest {
        let peer = match rule.peer.value {
            Peer::Cidr(net) => PeerRequest::Cidr(net),
            Peer::Group(group) => PeerRequest::Group(world.security_groups[group].id.value.clone()),
        };
        RuleRequest {
            policy: rule.policy,
            priority: rule.priority,
            protocol: rule.protocol,
            port_range: rule.port_range,
            source_port_range: rule.source_port_range,
            peer,
            own: rule.own.as_ref().map(|own| own.value),
            nic_type: rule.nic_type,
            description: rule.description.clone(),
        }
    }
}

/// The far side of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerRequest {
    /// Addresses.
    Cidr(Ipv4Net),
    /// A group.
    Group(String),
}

/// What "Add ClassicLink rule" asks for: rules between a classic group and groups of a VPC, each naming the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassicLinkRule {
    /// The classic group.
    pub group: String,
    /// The VPC.
    pub vpc: String,
    /// One to five groups of the VPC.
    pub vpc_groups: Vec<String>,
    /// Whether a service answers alone, or opens connections too.
    pub mode: ClassicLinkMode,
    /// `None` for all protocols.
    pub protocol: Option<Protocol>,
    /// Destination ports.
    pub port_range: PortRange,
    /// 1 to 100; the smaller one wins.
    pub priority: u8,
    /// Free text.
    pub description: Option<String>,
}

/// The three modes of a ClassicLink rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassicLinkMode {
    /// `classic <=> VPC`.
    BothWays,
    /// `classic => VPC`.
    ClassicToVpc,
    /// `VPC => classic`.
    VpcToClassic,
}

impl ClassicLinkMode {
    /// Every mode.
    pub const ALL: [ClassicLinkMode; 3] =
        [ClassicLinkMode::BothWays, ClassicLinkMode::ClassicToVpc, ClassicLinkMode::VpcToClassic];

    /// As the vendor's console and scenario files write it.
    pub const fn name(self) -> &'static str {
        match self {
            ClassicLinkMode::BothWays => "classic <=> VPC",
            ClassicLinkMode::ClassicToVpc => "classic => VPC",
            ClassicLinkMode::VpcToClassic => "VPC => classic",
        }
    }
}

/// What becomes of the entries of a whitelist: the vendor's Cover, Append and Delete.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhitelistChange {
    /// These are all there are from now on.
    Replace(Vec<Ipv4Net>),
    /// These come to those that are there.
    Add(Vec<Ipv4Net>),
    /// These go.
    Remove(Vec<Ipv4Net>),
}

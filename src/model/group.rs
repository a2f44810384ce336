//! Security groups and their rules, as declared.

use super::{About, Key, Network, Placement};
use crate::diag::{Span, Spanned};
use crate::net::{Ipv4Net, PortRange, Protocol};
use crate::table::acl::{self, AclRule, Effect};

/// Accept or drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Policy {
    /// The packet passes.
    Accept,
    /// The packet is dropped silently.
    Drop,
}

/// The two kinds of security group (ECS documentation, "Basic security groups and advanced security groups").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupKind {
    /// Default: ingress drop, egress accept.
    Basic,
    /// VPC only. Default: drop both ways.
    Enterprise,
}

/// The NIC of a classic instance that a rule speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NicType {
    /// The private NIC: the only one this fabric has.
    Intranet,
    /// The public NIC: such rules are kept and never match here.
    Internet,
}

/// The direction that a rule of a security group is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// What members receive.
    Ingress,
    /// What members send.
    Egress,
}

impl Direction {
    /// The word in reports and the key of the list.
    pub const fn name(self) -> &'static str {
        match self {
            Direction::Ingress => "ingress",
            Direction::Egress => "egress",
        }
    }
}

/// The far side of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Addresses.
    Cidr(Ipv4Net),
    /// The private addresses of a group's members, in whichever plane and account they are.
    Group(Key<SecurityGroup>),
}

/// One rule of a security group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The whole entry.
    pub span: Span,
    /// Accept or drop.
    pub policy: Policy,
    /// 1 to 100; the smaller one wins.
    pub priority: u8,
    /// `None` for all protocols.
    pub protocol: Option<Protocol>,
    /// Destination ports, with TCP and UDP only; [`PortRange::ALL`] without restriction.
    pub port_range: PortRange,
    /// Source ports, with TCP and UDP only; [`PortRange::ALL`] without restriction.
    pub source_port_range: PortRange,
    /// `source` of an ingress rule, `destination` of an egress rule.
    pub peer: Spanned<Peer>,
    /// The own side: `destination` of an ingress rule, `source` of an egress rule.
    pub own: Option<Spanned<Ipv4Net>>,
    /// Which NIC the rule is for.
    pub nic_type: NicType,
    /// Free text.
    pub description: Option<String>,
}

impl Rule {
    /// True where both say the same: everything but their places and descriptions is equal.
    pub fn means_the_same_as(&self, other: &Rule) -> bool {
        let meaning = |rule: &Rule| {
            let ports = (rule.port_range, rule.source_port_range);
            (
                rule.policy,
                rule.priority,
                rule.protocol,
                ports,
                rule.peer.value,
                rule.own.map(|own| own.value),
                rule.nic_type,
            )
        };
        meaning(self) == meaning(other)
    }

    /// The rule as access lists take it, under this `id`; groups are sets by their index.
    pub fn as_acl_rule(&self, id: u32) -> AclRule {
        AclRule {
            effect: if self.policy == Policy::Accept { Effect::Accept } else { Effect::Drop },
            protocol: self.protocol,
            source_ports: self.source_port_range,
            destination_ports: self.port_range,
            peer: match self.peer.value {
                Peer::Cidr(prefix) => acl::Peer::Prefix(prefix),
                Peer::Group(group) => acl::Peer::Set(group.index()),
            },
            own: self.own.map(|own| own.value),
            id,
        }
    }
}

/// How many rules of a security group are not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownRules {
    /// All of them: `rules = "unknown"`.
    All,
    /// So many, beside those that are: `unknown_rules = 2`.
    Count(u32),
}

/// A security group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroup {
    /// Its id.
    pub id: Spanned<String>,
    /// The plane it lives in.
    pub network: Spanned<Network>,
    /// Basic or enterprise.
    pub kind: Spanned<GroupKind>,
    /// The inner access policy: what members may do to each other. See [`SecurityGroup::knows_intra_group`].
    pub intra_group: Spanned<Policy>,
    /// Rules of both directions that the file does not hold.
    pub unknown_rules: Option<Spanned<UnknownRules>>,
    /// Rules for what members receive, in file order.
    pub ingress: Vec<Rule>,
    /// Rules for what members send, in file order.
    pub egress: Vec<Rule>,
    /// Region and account, where given.
    pub placement: Placement,
    /// Its name, description and tags, where it has any.
    pub about: Option<Box<About>>,
}

impl SecurityGroup {
    /// False where nothing is known of the rules of a basic group and the file does not give its inner access policy either.
    /// Members of enterprise groups never accept each other by default.
    pub fn knows_intra_group(&self) -> bool {
        let is_given = !self.intra_group.span.is_none() || *self.kind == GroupKind::Enterprise;
        is_given || self.unknown_rules.is_none_or(|unknown| unknown.value != UnknownRules::All)
    }

    /// The rules of one direction, in file order.
    pub fn rules(&self, direction: Direction) -> &Vec<Rule> {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }

    /// The rules of one direction, to be changed.
    pub fn rules_mut(&mut self, direction: Direction) -> &mut Vec<Rule> {
        match direction {
            Direction::Ingress => &mut self.ingress,
            Direction::Egress => &mut self.egress,
        }
    }
}

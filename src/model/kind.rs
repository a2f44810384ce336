//! The kinds of object that have ids.

/// What an object of a topology is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// `[vpc.ID]`
    Vpc,
    /// `[vswitch.ID]`
    Vswitch,
    /// `[route_table.ID]`
    RouteTable,
    /// `[peering.ID]`
    Peering,
    /// `[gateway.ID]`
    Gateway,
    /// `[security_group.ID]`
    SecurityGroup,
    /// `[instance.ID]`
    Instance,
    /// `[service.ID]`
    Service,
}

impl ObjectKind {
    /// Every kind, in the order of the file format.
    pub const ALL: [ObjectKind; 8] = [
        ObjectKind::Vpc,
        ObjectKind::Vswitch,
        ObjectKind::RouteTable,
        ObjectKind::Peering,
        ObjectKind::Gateway,
        ObjectKind::SecurityGroup,
        ObjectKind::Instance,
        ObjectKind::Service,
    ];

    /// The word in topology files.
    pub const fn name(self) -> &'static str {
        match self {
            ObjectKind::Vpc => "vpc",
            ObjectKind::Vswitch => "vswitch",
            ObjectKind::RouteTable => "route_table",
            ObjectKind::Peering => "peering",
            ObjectKind::Gateway => "gateway",
            ObjectKind::SecurityGroup => "security_group",
            ObjectKind::Instance => "instance",
            ObjectKind::Service => "service",
        }
    }

    /// What one of them is called.
    pub const fn noun(self) -> &'static str {
        match self {
            ObjectKind::Vpc => "VPC",
            ObjectKind::Vswitch => "vSwitch",
            ObjectKind::RouteTable => "route table",
            ObjectKind::Peering => "peering",
            ObjectKind::Gateway => "gateway",
            ObjectKind::SecurityGroup => "security group",
            ObjectKind::Instance => "instance",
            ObjectKind::Service => "service",
        }
    }

    /// What several are called.
    pub const fn plural(self) -> &'static str {
        match self {
            ObjectKind::Vpc => "VPCs",
            ObjectKind::Vswitch => "vSwitches",
            ObjectKind::RouteTable => "route tables",
            ObjectKind::Peering => "peerings",
            ObjectKind::Gateway => "gateways",
            ObjectKind::SecurityGroup => "security groups",
            ObjectKind::Instance => "instances",
            ObjectKind::Service => "services",
        }
    }

    /// The kind that `word` means: `vpc`, `VPCs`, `route_table`, `route-tables`, `security group`.
    pub fn of_word(word: &str) -> Option<ObjectKind> {
        let folded = word.to_ascii_lowercase().replace(['-', ' '], "_");
        ObjectKind::ALL.into_iter().find(|kind| {
            let plural = kind.plural().to_ascii_lowercase().replace(' ', "_");
            folded == kind.name() || folded == plural
        })
    }
}

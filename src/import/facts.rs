//! What a dump says of each object, before anything is made of it.
//!
//! Every value is as the vendor wrote it, and `None` where no answer that was read says anything: a value that is not
//! known stays apart from one that is empty.

/// Declares a struct of optional facts.
macro_rules! parts {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, Default, PartialEq, Eq)]
            pub(super) struct $name {
                $($(#[$field_doc])* pub(super) $field: Option<$type>,)*
            }
        )*
    };
}

/// Declares a struct of optional facts, and how a later answer about the same object is taken in.
macro_rules! facts {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            parts! { $(#[$doc])* $name { $($(#[$field_doc])* $field: $type,)* } }

            impl $name {
                /// Takes in what `newer` says, which wins; tells which values differ.
                pub(super) fn absorb(&mut self, newer: $name) -> Vec<&'static str> {
                    let mut differ = Vec::new();
                    $(
                        if let Some(value) = newer.$field {
                            if self.$field.as_ref().is_some_and(|known| *known != value) {
                                differ.push(stringify!($field));
                            }
                            self.$field = Some(value);
                        }
                    )*
                    differ
                }
            }
        )*
    };
}

facts! {
    /// A VPC.
    VpcFacts {
        name: String,
        description: String,
        tags: Vec<(String, String)>,
        cidr: String,
        secondary_cidrs: Vec<String>,
        /// Source ranges that are routed privately.
        user_cidrs: Vec<String>,
        classic_link: bool,
        region: String,
        account: String,
        /// Its virtual router, by which older answers name it.
        router: String,
        vswitches: Vec<String>,
        route_tables: Vec<String>,
        nat_gateways: Vec<String>,
        /// Kinds of resources in it and how many there are.
        resources: Vec<(String, u64)>,
        /// The CENs it is attached to.
        cens: Vec<String>,
    }

    /// A vSwitch.
    VswitchFacts {
        name: String,
        description: String,
        tags: Vec<(String, String)>,
        vpc: String,
        cidr: String,
        zone: String,
        /// The route table that it names itself.
        route_table: String,
        /// True where that table is a custom one.
        custom_table: bool,
        network_acl: String,
        /// Addresses that nothing has taken.
        available: u64,
        region: String,
        account: String,
    }

    /// A route table.
    RouteTableFacts {
        name: String,
        description: String,
        tags: Vec<(String, String)>,
        vpc: String,
        router: String,
        /// True for a table made by the user.
        custom: bool,
        /// True for a table of a gateway.
        of_gateway: bool,
        vswitches: Vec<String>,
        region: String,
    }

    /// A NAT, VPN or other gateway that a list names.
    GatewayFacts {
        name: String,
        description: String,
        tags: Vec<(String, String)>,
        vpc: String,
        kind: &'static str,
        /// Ranges behind it, where something names them.
        remote: Vec<String>,
        region: String,
    }

    /// A router interface.
    RouterInterfaceFacts {
        name: String,
        description: String,
        tags: Vec<(String, String)>,
        status: String,
        /// `VRouter` or `VBR`.
        router_type: String,
        opposite_router_type: String,
        vpc: String,
        router: String,
        opposite: String,
        opposite_vpc: String,
        initiating: bool,
        region: String,
    }

    /// A peering.
    PeeringFacts {
        name: String,
        description: String,
        tags: Vec<(String, String)>,
        vpc: String,
        accepting_vpc: String,
        cidrs: Vec<String>,
        accepting_cidrs: Vec<String>,
        status: String,
        region: String,
    }

    /// A network ACL.
    NetworkAclFacts {
        name: String,
        vpc: String,
        /// Entries other than one that accepts everything.
        entries: u64,
        vswitches: Vec<String>,
    }

    /// A security group, without its rules.
    GroupFacts {
        name: String,
        description: String,
        tags: Vec<(String, String)>,
        /// Empty for a classic group.
        vpc: String,
        kind: String,
        inner_access: String,
        /// The number of its members.
        members: u64,
        rule_count: u64,
        region: String,
        account: String,
        managed: bool,
    }

    /// A prefix list.
    PrefixListFacts {
        name: String,
        entries: Vec<String>,
    }

    /// An ECS instance.
    InstanceFacts {
        name: String,
        description: String,
        tags: Vec<(String, String)>,
        /// `classic` or `vpc`.
        network: String,
        vpc: String,
        vswitch: String,
        inner_ips: Vec<String>,
        private_ips: Vec<String>,
        groups: Vec<String>,
        status: String,
        public_ip: String,
        mac: String,
        bandwidth: u64,
        locks: Vec<String>,
        region: String,
        zone: String,
        account: String,
        /// Its interfaces as it names them itself.
        interfaces: Vec<String>,
        forwarding: bool,
    }

    /// An elastic network interface.
    InterfaceFacts {
        name: String,
        description: String,
        tags: Vec<(String, String)>,
        instance: String,
        primary: bool,
        ip: String,
        secondary_ips: Vec<String>,
        groups: Vec<String>,
        vswitch: String,
        vpc: String,
        mac: String,
        managed: bool,
        /// False where it may send from addresses that are not its own.
        source_check: bool,
        status: String,
        region: String,
        /// Its public address.
        public_ip: String,
    }

    /// A managed service.
    ServiceFacts {
        name: String,
        description: String,
        tags: Vec<(String, String)>,
        kind: &'static str,
        /// `Classic` or `VPC`.
        network: String,
        vpc: String,
        vswitch: String,
        ip: String,
        /// True for the address of the public side.
        internet: bool,
        status: String,
        /// True where each plane has a whitelist of its own.
        safety_mode: bool,
        region: String,
        account: String,
    }

}

parts! {
    /// A route entry.
    RouteEntryFacts {
        destination: String,
        /// `System`, `Custom`, `BGP`, `CEN`, `ECR`.
        kind: String,
        status: String,
        hops: Vec<HopFacts>,
    }

    /// What a route entry leads to.
    HopFacts {
        kind: String,
        id: String,
        weight: u64,
        enabled: bool,
    }

    /// A rule of a security group.
    RuleFacts {
        id: String,
        egress: bool,
        nic_type: String,
        protocol: String,
        port_range: String,
        source_port_range: String,
        port_list: String,
        policy: String,
        priority: String,
        source_cidr: String,
        source_group: String,
        source_list: String,
        source_ipv6: String,
        destination_cidr: String,
        destination_group: String,
        destination_list: String,
        destination_ipv6: String,
        group_account: String,
        description: String,
    }

    /// An address of a managed service, where another answer than the list of services names it.
    EndpointFacts {
        /// `Inner`, `Private` or `Public`.
        kind: String,
        ip: String,
        vpc: String,
        vswitch: String,
        /// What is behind it: a role or a node.
        node: String,
        expires: String,
    }

    /// A whitelist of a managed service.
    WhitelistFacts {
        name: String,
        entries: Vec<String>,
        /// `Classic`, `VPC` or `MIX`, where each plane has one.
        plane: String,
        hidden: bool,
    }
}

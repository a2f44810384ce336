//! Topologies built in Rust, with the words of topology files.
//!
//! ```
//! use biplane::lab::Reason;
//! use biplane::lab::declare::{TopologyBuilder, instance, rule, security_group, service, vpc, vswitch};
//!
//! let mut lab = TopologyBuilder::new()
//!     .with(vpc("shop").cidr("172.16.0.0/12").classic_link(true))
//!     .with(vswitch("vsw-db").vpc("shop").cidr("172.16.2.0/24"))
//!     .with(service("orders").kind("rds").vswitch("vsw-db").ip("172.16.2.20").whitelist(["10.45.2.10"]))
//!     .with(
//!         security_group("sg-web")
//!             .network("classic")
//!             .ingress([rule().protocol("tcp").port_range("80/80").source("0.0.0.0/0")]),
//!     )
//!     .with(instance("web").network("classic").private_ip("10.45.2.10").security_groups(["sg-web"]).linked_vpc("shop"))
//!     .with(instance("job").network("classic").private_ip("10.45.2.11").security_groups(["sg-web"]))
//!     .lab()?;
//! lab.connect("web", "orders", "tcp/3306").goes_both_ways();
//! lab.connect("job", "orders", "tcp/3306").request.dropped(Reason::ClassiclinkNotLinked);
//! # Ok::<(), biplane::lab::LabError>(())
//! ```
//!
//! A builder has the objects and keys of a file, and goes through the same checks. Where a file would be named with a line,
//! messages and traces name the object and the key: `[service.orders] whitelist`. [`TopologyBuilder::to_toml`] shows the
//! file that says the same.

use super::{Lab, LabError, Topology};
use crate::datapath::Options;
use crate::diag::Sources;
use crate::scenario;
use crate::text::quoted;
use std::fmt::{self, Write};
use std::sync::Arc;

/// A topology under construction.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct TopologyBuilder {
    tables: Vec<Declaration>,
}

/// An object of a topology with its keys.
#[derive(Clone, Debug)]
#[must_use = "an object counts once it is added to a `TopologyBuilder`"]
pub struct Declaration {
    section: &'static str,
    id: Option<String>,
    keys: Vec<(String, KeyValue)>,
}

/// A value as it is written in TOML.
#[derive(Clone, Debug)]
enum KeyValue {
    One(String),
    List(Vec<String>),
    /// Keys and values of a table in one line.
    Table(Vec<(String, String)>),
}

impl TopologyBuilder {
    /// Nothing declared yet.
    pub fn new() -> TopologyBuilder {
        TopologyBuilder::default()
    }

    /// Adds an object, or a section of settings.
    pub fn with(mut self, object: impl Into<Declaration>) -> TopologyBuilder {
        self.tables.push(object.into());
        self
    }

    /// The file that says the same.
    pub fn to_toml(&self) -> String {
        self.lines().map(|(_, line)| line + "\n").collect()
    }

    /// Checks and compiles the topology.
    ///
    /// # Errors
    /// An object is not understood, or the topology breaks a limit. Messages name objects: `[vpc.shop] cidr: …`.
    pub fn build(&self) -> Result<Topology, LabError> {
        let mut sources = Sources::new();
        let (world, findings) = scenario::declared(&mut sources, self.lines());
        Topology::build(world, findings, sources)
    }

    /// A lab on the topology.
    ///
    /// # Errors
    /// As [`TopologyBuilder::build`].
    pub fn lab(&self) -> Result<Lab, LabError> {
        Ok(Lab::new(Arc::new(self.build()?), Options::default()))
    }

    /// The lines of the file, each with what it is about.
    fn lines(&self) -> impl Iterator<Item = (String, String)> {
        self.tables.iter().flat_map(Declaration::lines)
    }
}

impl Declaration {
    fn new(section: &'static str, id: Option<String>) -> Declaration {
        Declaration { section, id, keys: Vec::new() }
    }

    /// Sets a key; a value that it had before is replaced.
    fn set(mut self, key: &str, value: KeyValue) -> Declaration {
        match self.keys.iter_mut().find(|(known, _)| known == key) {
            Some((_, known)) => *known = value,
            None => self.keys.push((key.to_owned(), value)),
        }
        self
    }

    /// Adds an element to a list.
    fn push(mut self, key: &str, element: String) -> Declaration {
        match self.keys.iter_mut().find(|(known, _)| known == key) {
            Some((_, KeyValue::List(list))) => list.push(element),
            Some((_, known)) => *known = KeyValue::List(vec![element]),
            None => self.keys.push((key.to_owned(), KeyValue::List(vec![element]))),
        }
        self
    }

    /// Sets a key of a table.
    fn enter(mut self, key: &str, entry: (String, String)) -> Declaration {
        match self.keys.iter_mut().find(|(known, _)| known == key) {
            Some((_, KeyValue::Table(table))) => {
                table.retain(|(known, _)| *known != entry.0);
                table.push(entry);
            }
            Some((_, known)) => *known = KeyValue::Table(vec![entry]),
            None => self.keys.push((key.to_owned(), KeyValue::Table(vec![entry]))),
        }
        self
    }

    fn header(&self) -> String {
        match &self.id {
            Some(id) => format!("[{}.{}]", self.section, scenario::toml_key(id)),
            None => format!("[{}]", self.section),
        }
    }

    fn lines(&self) -> Vec<(String, String)> {
        let header = self.header();
        let mut lines = vec![(header.clone(), header.clone())];
        for (key, value) in &self.keys {
            let about = format!("{header} {key}");
            match value {
                KeyValue::One(value) => lines.push((about, format!("{key} = {value}"))),
                KeyValue::Table(entries) => {
                    let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{key} = {value}")).collect();
                    lines.push((about, format!("{key} = {{ {} }}", entries.join(", "))));
                }
                KeyValue::List(list) => {
                    lines.push((about.clone(), format!("{key} = [")));
                    let elements = list.iter().enumerate();
                    lines.extend(elements.map(|(index, one)| (format!("{about} #{}", index + 1), format!("  {one},"))));
                    lines.push((about, "]".to_owned()));
                }
            }
        }
        lines.push((header, String::new()));
        lines
    }
}

fn text(value: impl fmt::Display) -> String {
    quoted(&value.to_string())
}

/// Makes the method of a key: what it takes, and how that is written.
macro_rules! key {
    ($(#[$doc:meta])* $key:ident: text) => {
        $(#[$doc])*
        pub fn $key(self, value: impl fmt::Display) -> Self {
            Self(self.0.set(stringify!($key), KeyValue::One(text(value))))
        }
    };
    ($(#[$doc:meta])* $key:ident: texts) => {
        $(#[$doc])*
        pub fn $key<T: fmt::Display>(self, values: impl IntoIterator<Item = T>) -> Self {
            Self(self.0.set(stringify!($key), KeyValue::List(values.into_iter().map(text).collect())))
        }
    };
    ($(#[$doc:meta])* $key:ident: rules) => {
        $(#[$doc])*
        pub fn $key(self, rules: impl IntoIterator<Item = RuleKeys>) -> Self {
            let rules = rules.into_iter().map(|rule| rule.to_toml()).collect();
            Self(self.0.set(stringify!($key), KeyValue::List(rules)))
        }
    };
    ($(#[$doc:meta])* $key:ident: value $kind:ty) => {
        $(#[$doc])*
        pub fn $key(self, value: $kind) -> Self {
            Self(self.0.set(stringify!($key), KeyValue::One(value.to_string())))
        }
    };
}

/// Makes the type of a section with a method for each of its keys.
macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($(#[$key_doc:meta])* $key:ident: $shape:ident $($kind:ty)?;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        #[must_use = "an object counts once it is added to a `TopologyBuilder`"]
        pub struct $name(Declaration);

        impl $name {
            $(key! { $(#[$key_doc])* $key: $shape $($kind)? })*

            /// Sets a key that has no method, its value written as in TOML.
            pub fn key(self, key: &str, value: impl fmt::Display) -> Self {
                Self(self.0.set(key, KeyValue::One(value.to_string())))
            }
        }

        impl From<$name> for Declaration {
            fn from(object: $name) -> Declaration {
                object.0
            }
        }
    };
}

section! {
    /// The keys of `[vpc.ID]`.
    VpcKeys {
        /// Sets the primary CIDR.
        cidr: text;
        /// Sets the secondary CIDRs.
        secondary_cidrs: texts;
        /// Switches ClassicLink on or off; off where not given.
        classic_link: value bool;
        /// Sets the region.
        region: text;
        /// Sets the account.
        account: text;
    }
}

section! {
    /// The keys of `[vswitch.ID]`.
    VswitchKeys {
        /// Sets the VPC.
        vpc: text;
        /// Sets the range.
        cidr: text;
        /// Sets the route table; the system table where not given.
        route_table: text;
        /// Sets the zone.
        zone: text;
    }
}

section! {
    /// The keys of `[route_table.ID]`.
    RouteTableKeys {
        /// Sets the VPC.
        vpc: text;
    }
}

section! {
    /// The keys of `[peering.ID]`.
    PeeringKeys {
        /// Sets the two VPCs.
        vpcs: texts;
    }
}

section! {
    /// The keys of `[gateway.ID]`.
    GatewayKeys {
        /// Sets the VPC.
        vpc: text;
        /// Sets the kind: `nat`, `vpn`, `router-interface`, `internet` …
        kind: text;
        /// Sets the source addresses that may enter by it.
        remote_cidrs: texts;
    }
}

section! {
    /// The keys of `[security_group.ID]`.
    SecurityGroupKeys {
        /// Sets the network, which is `classic`; or else see `vpc`.
        network: text;
        /// Sets the VPC.
        vpc: text;
        /// Sets the kind: `basic` or `enterprise`.
        kind: text;
        /// Sets the inner access policy: `accept` or `drop`.
        intra_group: text;
        /// Sets the ingress rules.
        ingress: rules;
        /// Sets the egress rules.
        egress: rules;
        /// Says `unknown`: nothing is known of the rules.
        rules: text;
        /// Sets the region.
        region: text;
        /// Sets the account.
        account: text;
    }
}

section! {
    /// The keys of `[instance.ID]`, and of `[template.NAME]`.
    InstanceKeys {
        /// Sets the template: what the instance has where it says nothing itself.
        template: text;
        /// Sets the network, which is `classic`; or else see `vswitch`.
        network: text;
        /// Sets the vSwitch.
        vswitch: text;
        /// Sets the address.
        private_ip: text;
        /// Sets the groups, 1 to 5.
        security_groups: texts;
        /// Sets the state: `running` or `stopped`.
        state: text;
        /// Links the instance to a VPC.
        linked_vpc: text;
        /// Sets the prefixes that the guest sends to its private NIC beside those it has by itself.
        guest_routes: texts;
        /// Lets the instance be the next hop of a custom route.
        forwarding: value bool;
        /// Sets the public address.
        public_ip: text;
        /// Sets the MAC address.
        mac: text;
        /// Sets the region.
        region: text;
        /// Sets the account.
        account: text;
    }
}

section! {
    /// The keys of `[service.ID]`.
    ServiceKeys {
        /// Sets the kind: `rds`, `slb`, `redis`, `mongodb`, `oss` or `other`.
        kind: text;
        /// Sets the network, which is `classic`; or else see `vswitch`.
        network: text;
        /// Sets the vSwitch.
        vswitch: text;
        /// Sets the address.
        ip: text;
        /// Sets the addresses and CIDRs that are admitted.
        whitelist: texts;
        /// Sets the region.
        region: text;
        /// Sets the account.
        account: text;
    }
}

section! {
    /// The keys of a section of settings: `[defaults]`, `[sessions]` or `[fabric]`.
    SettingKeys {
        /// Sets the region of what names none, of `[defaults]`.
        region: text;
        /// Sets the account of what names none, of `[defaults]`.
        account: text;
        /// Sets the MTU, of `[fabric]`.
        mtu: value u16;
    }
}

impl VpcKeys {
    /// Adds a custom entry to the system route table.
    pub fn route(self, destination: impl fmt::Display, next_hop: impl fmt::Display) -> VpcKeys {
        VpcKeys(self.0.push("routes", route(destination, next_hop)))
    }
}

impl RouteTableKeys {
    /// Adds a custom entry.
    pub fn route(self, destination: impl fmt::Display, next_hop: impl fmt::Display) -> RouteTableKeys {
        RouteTableKeys(self.0.push("routes", route(destination, next_hop)))
    }
}

fn route(destination: impl fmt::Display, next_hop: impl fmt::Display) -> String {
    format!("{{ destination = {}, next_hop = {} }}", text(destination), text(next_hop))
}

/// The keys of a rule of a security group.
#[derive(Clone, Debug, Default)]
#[must_use = "a rule counts once it is in a group"]
pub struct RuleKeys(Vec<(&'static str, String)>);

impl RuleKeys {
    fn set(mut self, key: &'static str, value: String) -> RuleKeys {
        self.0.retain(|(known, _)| *known != key);
        self.0.push((key, value));
        self
    }

    /// Sets the policy: `accept`, which it is where not given, or `drop`.
    pub fn policy(self, policy: impl fmt::Display) -> RuleKeys {
        self.set("policy", text(policy))
    }

    /// Sets the priority, 1 to 100; the smaller one wins.
    pub fn priority(self, priority: u8) -> RuleKeys {
        self.set("priority", priority.to_string())
    }

    /// Sets the protocol: `tcp`, `udp`, `icmp`, `gre`, `all`, or a number as text.
    pub fn protocol(self, protocol: impl fmt::Display) -> RuleKeys {
        self.set("protocol", text(protocol))
    }

    /// Sets the destination ports: `80`, `8000/8100`.
    pub fn port_range(self, ports: impl fmt::Display) -> RuleKeys {
        self.set("port_range", text(ports))
    }

    /// Sets the source ports.
    pub fn source_port_range(self, ports: impl fmt::Display) -> RuleKeys {
        self.set("source_port_range", text(ports))
    }

    /// Sets the source: a CIDR, an address, or a group.
    pub fn source(self, source: impl fmt::Display) -> RuleKeys {
        self.set("source", text(source))
    }

    /// Sets the destination: a CIDR, an address, or a group.
    pub fn destination(self, destination: impl fmt::Display) -> RuleKeys {
        self.set("destination", text(destination))
    }

    /// Sets the NIC that the rule is for: `intranet` or `internet`.
    pub fn nic_type(self, nic: impl fmt::Display) -> RuleKeys {
        self.set("nic_type", text(nic))
    }

    /// Sets the description.
    pub fn description(self, description: impl fmt::Display) -> RuleKeys {
        self.set("description", text(description))
    }

    fn to_toml(&self) -> String {
        let mut keys = String::new();
        for (index, (key, value)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(keys, "{comma} {key} = {value}");
        }
        format!("{{{keys} }}")
    }
}

/// Begins a rule of a security group.
pub fn rule() -> RuleKeys {
    RuleKeys::default()
}

/// Makes the functions that begin an object, and the keys that all objects have.
macro_rules! objects {
    ($($(#[$doc:meta])* $function:ident: $name:ident, $section:literal;)*) => {$(
        impl $name {
            key! {
                /// Sets what people call the object; ids are what refers to it.
                name: text
            }
            key! {
                /// Sets the description.
                description: text
            }

            /// Adds a tag.
            pub fn tag(self, key: impl fmt::Display, value: impl fmt::Display) -> Self {
                Self(self.0.enter("tags", (text(key), text(value))))
            }
        }

        $(#[$doc])*
        pub fn $function(id: impl fmt::Display) -> $name {
            $name(Declaration::new($section, Some(id.to_string())))
        }
    )*};
}

objects! {
    /// Begins a VPC.
    vpc: VpcKeys, "vpc";
    /// Begins a vSwitch.
    vswitch: VswitchKeys, "vswitch";
    /// Begins a custom route table.
    route_table: RouteTableKeys, "route_table";
    /// Begins a peering of two VPCs.
    peering: PeeringKeys, "peering";
    /// Begins a gateway.
    gateway: GatewayKeys, "gateway";
    /// Begins a security group.
    security_group: SecurityGroupKeys, "security_group";
    /// Begins an instance.
    instance: InstanceKeys, "instance";
    /// Begins a managed service.
    service: ServiceKeys, "service";
}

/// Begins a template: what several instances have in common. Addresses are not.
pub fn template(name: impl fmt::Display) -> InstanceKeys {
    InstanceKeys(Declaration::new("template", Some(name.to_string())))
}

/// Begins the defaults: region and account of what names none.
pub fn defaults() -> SettingKeys {
    SettingKeys(Declaration::new("defaults", None))
}

/// Begins the settings of sessions: idle timeouts in seconds, set by [`SettingKeys::key`].
pub fn sessions() -> SettingKeys {
    SettingKeys(Declaration::new("sessions", None))
}

/// Begins the settings of the fabric.
pub fn fabric() -> SettingKeys {
    SettingKeys(Declaration::new("fabric", None))
}

//! A large world as a topology file: as many tenants as are asked for, each with a share of the classic network, VPCs,
//! and, every second one, a VPC with links. It is within every quota and without warnings.

use std::fmt::{self, Write};
use std::net::Ipv4Addr;

/// Regions that the classic network has, and what ids call them.
const REGIONS: [(&str, &str); 10] = [
    ("cn-hangzhou", "hangzhou"),
    ("cn-shanghai", "shanghai"),
    ("cn-qingdao", "qingdao"),
    ("cn-beijing", "beijing"),
    ("cn-shenzhen", "shenzhen"),
    ("cn-hongkong", "hongkong"),
    ("ap-southeast-1", "singapore"),
    ("us-west-1", "california"),
    ("us-east-1", "virginia"),
    ("eu-central-1", "frankfurt"),
];

/// The classic groups of a tenant; its instances are spread over them.
const CLASSIC_GROUPS: [&str; 4] = ["web", "app", "batch", "admin"];

/// Those of them whose members are linked.
const LINKED_GROUPS: usize = 2;

/// Rules of a classic group and of that of a tenant's first VPC, ingress and egress together: as many as a group takes.
const RULES: usize = 200;
const EGRESS_RULES: usize = 40;

/// Rules of these that name each group they may name.
const RULES_FOR_A_GROUP: usize = 5;

/// What lives in a VPC: instances in two vSwitches, and a database.
const VPC_INSTANCES: usize = 49;

/// How many tenants there are, and what each has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Accounts with something in one region.
    pub(crate) tenants: usize,
    /// VPCs of each, with 50 endpoints in each.
    pub(crate) vpcs: usize,
    /// Classic instances of each. Two in five of every second tenant are linked to its first VPC.
    pub(crate) classic: usize,
}

impl Plan {
    /// 1,000,000 endpoints, 10,000 VPCs, 1,000 links in each of 100, 1,000 groups of 200 rules.
    pub(crate) const MILLION: Plan = Plan { tenants: 200, vpcs: 50, classic: 2_500 };

    /// Tenants of the same size, as many as have `endpoints`.
    pub(crate) fn of(endpoints: usize) -> Plan {
        Plan { tenants: endpoints.div_ceil(5_000), ..Plan::MILLION }
    }

    /// The topology file.
    pub(crate) fn topology(&self) -> String {
        let mut text = String::new();
        for index in 0..self.tenants {
            Tenant { plan: *self, index }.write(&mut text).expect("a string takes all");
        }
        text
    }
}

/// What one account has in one region.
struct Tenant {
    plan: Plan,
    index: usize,
}

impl Tenant {
    fn region(&self) -> (&'static str, &'static str) {
        REGIONS[self.index % REGIONS.len()]
    }

    fn account(&self) -> usize {
        self.index / REGIONS.len()
    }

    /// `hangzhou-07`.
    fn name(&self) -> String {
        format!("{}-{:02}", self.region().1, self.account())
    }

    fn is_linked(&self) -> bool {
        self.index.is_multiple_of(2)
    }

    fn links(&self) -> usize {
        if self.is_linked() { self.plan.classic * 2 / 5 } else { 0 }
    }

    /// The address of a classic instance: 10.40.0.0 and on, 16 times 250 addresses an account.
    fn classic_address(&self, instance: usize) -> Ipv4Addr {
        let block = self.account() * 16 + instance / 250;
        let [_, _, high, low] = (block as u32).to_be_bytes();
        Ipv4Addr::new(10, 40 + high, low, 1 + (instance % 250) as u8)
    }

    /// The two fixed parts of the addresses of a VPC.
    fn vpc_range(vpc: usize) -> String {
        format!("172.{}", 16 + vpc % 16)
    }

    fn write(&self, text: &mut String) -> fmt::Result {
        for vpc in 0..self.plan.vpcs {
            self.write_vpc(text, vpc)?;
        }
        for group in 0..CLASSIC_GROUPS.len() {
            self.write_classic_group(text, group)?;
        }
        for instance in 0..self.plan.classic {
            self.write_classic_instance(text, instance)?;
        }
        Ok(())
    }

    fn write_vpc(&self, text: &mut String, vpc: usize) -> fmt::Result {
        let (name, range, region) = (self.name(), Self::vpc_range(vpc), self.region().0);
        writeln!(text, "[vpc.vpc-{name}-{vpc:02}]\ncidr = \"{range}.0.0/16\"\nregion = \"{region}\"")?;
        writeln!(text, "account = \"account-{:02}\"", self.account())?;
        if vpc == 0 && self.is_linked() {
            writeln!(text, "classic_link = true")?;
        }
        for (zone, third) in [("a", 1), ("b", 2)] {
            writeln!(text, "[vswitch.vsw-{name}-{vpc:02}-{zone}]\nvpc = \"vpc-{name}-{vpc:02}\"")?;
            writeln!(text, "cidr = \"{range}.{third}.0/24\"\nzone = \"{region}-{zone}\"")?;
        }
        writeln!(text, "[security_group.sg-{name}-{vpc:02}]\nvpc = \"vpc-{name}-{vpc:02}\"")?;
        if vpc == 0 {
            let linked = &CLASSIC_GROUPS[..if self.is_linked() { LINKED_GROUPS } else { 0 }];
            self.write_rules(text, linked)?;
        } else {
            writeln!(text, "ingress = [")?;
            for port in ["22", "443", "8080/8089"] {
                writeln!(text, "  {{ protocol = \"tcp\", port_range = \"{port}\", source = \"{range}.0.0/16\" }},")?;
            }
            writeln!(text, "]")?;
        }
        writeln!(text, "[service.rm-{name}-{vpc:02}]\nkind = \"rds\"\nvswitch = \"vsw-{name}-{vpc:02}-a\"")?;
        writeln!(text, "ip = \"{range}.1.200\"\nwhitelist = [\"{range}.0.0/16\"]")?;
        for instance in 0..VPC_INSTANCES {
            let (zone, third) = if instance % 2 == 0 { ("a", 1) } else { ("b", 2) };
            writeln!(text, "[instance.i-{name}-{vpc:02}-{instance:02}]\nvswitch = \"vsw-{name}-{vpc:02}-{zone}\"")?;
            writeln!(text, "private_ip = \"{range}.{third}.{}\"", 10 + instance)?;
            writeln!(text, "security_groups = [\"sg-{name}-{vpc:02}\"]")?;
        }
        Ok(())
    }

    fn write_classic_group(&self, text: &mut String, group: usize) -> fmt::Result {
        writeln!(text, "[security_group.sg-{}-{}]\nnetwork = \"classic\"", self.name(), CLASSIC_GROUPS[group])?;
        writeln!(text, "region = \"{}\"\naccount = \"account-{:02}\"", self.region().0, self.account())?;
        let mut others = CLASSIC_GROUPS.to_vec();
        others.remove(group);
        if self.is_linked() && group < LINKED_GROUPS {
            others.push("00");
        }
        self.write_rules(text, &others)
    }

    /// As many rules as a group takes, none of which another one shadows; the first ones name the groups `peers`.
    fn write_rules(&self, text: &mut String, peers: &[&str]) -> fmt::Result {
        writeln!(text, "ingress = [")?;
        for rule in 0..RULES - EGRESS_RULES {
            let source = match peers.get(rule / RULES_FOR_A_GROUP) {
                Some(peer) => format!("sg-{}-{peer}", self.name()),
                None => format!("172.{}.{}.0/24", 16 + rule % 7, rule),
            };
            let protocol = if rule % 3 == 2 { "udp" } else { "tcp" };
            let policy = if rule % 20 == 19 { "policy = \"drop\", " } else { "" };
            let (first, last) = (1_000 + 50 * rule, 1_049 + 50 * rule);
            write!(text, "  {{ {policy}protocol = \"{protocol}\", port_range = \"{first}/{last}\", ")?;
            writeln!(text, "source = \"{source}\" }},")?;
        }
        writeln!(text, "]\negress = [")?;
        for rule in 0..EGRESS_RULES {
            write!(text, "  {{ policy = \"drop\", protocol = \"tcp\", port_range = \"{}\", ", 20_000 + rule)?;
            writeln!(text, "destination = \"10.{}.0.0/16\", priority = 2 }},", 60 + rule)?;
        }
        writeln!(text, "]")
    }

    fn write_classic_instance(&self, text: &mut String, instance: usize) -> fmt::Result {
        let name = self.name();
        let group = CLASSIC_GROUPS[instance * CLASSIC_GROUPS.len() / self.plan.classic];
        writeln!(text, "[instance.i-{name}-classic-{instance:04}]\nnetwork = \"classic\"")?;
        writeln!(text, "region = \"{}\"\naccount = \"account-{:02}\"", self.region().0, self.account())?;
        writeln!(text, "private_ip = \"{}\"", self.classic_address(instance))?;
        writeln!(text, "security_groups = [\"sg-{name}-{group}\"]")?;
        if instance < self.links() {
            writeln!(text, "linked_vpc = \"vpc-{name}-00\"")?;
        }
        Ok(())
    }
}

//! The world that frames are forwarded in: one VPC with ClassicLink on, and classic instances.

use super::{CLOSED_OUTWARDS, OPEN_PORT};
use crate::lab::{LabError, Topology};
use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddrV4};

/// Consecutive addresses.
#[derive(Clone, Copy, Debug)]
struct Hosts {
    first: Ipv4Addr,
    count: u32,
}

impl Hosts {
    const fn new(first: [u8; 4], count: u32) -> Hosts {
        let [a, b, c, d] = first;
        Hosts { first: Ipv4Addr::new(a, b, c, d), count }
    }

    fn address(self, index: u32) -> Ipv4Addr {
        (u32::from(self.first) + index % self.count).into()
    }
}

/// Classic instances, linked to the VPC.
const WEBS: Hosts = Hosts::new([10, 45, 0, 1], 200);
/// The same, as servers of other classic instances.
const CACHES: Hosts = Hosts::new([10, 45, 1, 1], 100);
/// Classic instances without a link.
const LONERS: Hosts = Hosts::new([10, 45, 2, 1], 50);
/// Instances of the VPC: in one vSwitch, in the same as their servers, and in another.
const APPS: Hosts = Hosts::new([172, 16, 0, 1], 100);
const WORKERS: Hosts = Hosts::new([172, 16, 1, 1], 50);
const DATABASES: Hosts = Hosts::new([172, 16, 16, 1], 50);
const STOPPED: Hosts = Hosts::new([172, 16, 17, 1], 50);
/// Addresses behind a gateway of the VPC.
const OUTSIDE: Hosts = Hosts::new([198, 18, 0, 0], 1 << 17);
/// Addresses that no endpoint has: classic ones, and ones that no guest sends to its private NIC.
const NOBODY: Hosts = Hosts::new([10, 46, 0, 1], 200);
const UNSCRIPTED: Hosts = Hosts::new([192, 168, 200, 1], 100);

/// Who sends to whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pairs {
    clients: Hosts,
    servers: Hosts,
}

impl Pairs {
    pub(super) const ACROSS: Pairs = Pairs { clients: WEBS, servers: APPS };
    pub(super) const CLASSIC: Pairs = Pairs { clients: WEBS, servers: CACHES };
    pub(super) const BETWEEN_VSWITCHES: Pairs = Pairs { clients: APPS, servers: DATABASES };
    pub(super) const WITHIN_VSWITCH: Pairs = Pairs { clients: APPS, servers: WORKERS };
    pub(super) const FROM_NOBODY: Pairs = Pairs { clients: NOBODY, servers: APPS };
    pub(super) const TO_NOBODY: Pairs = Pairs { clients: WEBS, servers: NOBODY };
    pub(super) const TO_UNSCRIPTED: Pairs = Pairs { clients: WEBS, servers: UNSCRIPTED };
    pub(super) const NOT_LINKED: Pairs = Pairs { clients: LONERS, servers: APPS };
    pub(super) const FROM_OUTSIDE: Pairs = Pairs { clients: OUTSIDE, servers: APPS };
    pub(super) const TO_STOPPED: Pairs = Pairs { clients: WEBS, servers: STOPPED };

    /// Flow number `index`: client and server. All pairs are used before one of them opens a second port.
    pub(super) fn flow(&self, index: u32, port: u16) -> (SocketAddrV4, SocketAddrV4) {
        let Pairs { clients, servers } = self;
        let round = index / (clients.count * servers.count);
        let client = SocketAddrV4::new(clients.address(index), 20_000 + round as u16);
        (client, SocketAddrV4::new(servers.address(index / clients.count), port))
    }
}

/// The rules at either end of a flow across the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Groups of each instance.
    groups: u32,
    /// Rules of each group: egress of the classic ones, ingress of those of the VPC.
    of_each: u32,
}

impl Rules {
    pub(crate) const FEW: Rules = Rules { groups: 1, of_each: 31 };
    /// As many as the vendor allows.
    pub(crate) const MOST: Rules = Rules { groups: 5, of_each: 200 };

    /// At each end.
    pub(crate) const fn count(self) -> u32 {
        self.groups * self.of_each
    }
}

/// The world, with so many rules at each end of a flow across the link. Nearly all of them are about something else: that
/// the flow may leave and enter, and that another may not leave, stands in the last one of the groups, behind them.
pub(crate) fn topology(rules: Rules) -> Result<Topology, LabError> {
    let mut text = "[vpc.shop]\ncidr = \"172.16.0.0/12\"\nclassic_link = true\n\
                    [vswitch.vsw-app]\nvpc = \"shop\"\ncidr = \"172.16.0.0/20\"\n\
                    [vswitch.vsw-data]\nvpc = \"shop\"\ncidr = \"172.16.16.0/20\"\n\
                    [gateway.igw]\nvpc = \"shop\"\nkind = \"internet\"\nremote_cidrs = [\"198.18.0.0/15\"]\n"
        .to_owned();
    let open = format!("protocol = \"tcp\", port_range = \"{OPEN_PORT}\"");
    let outwards = [
        format!("{open}, destination = \"sg-app-0\", priority = 50"),
        format!(
            "protocol = \"tcp\", port_range = \"{CLOSED_OUTWARDS}\", destination = \"0.0.0.0/0\", policy = \"drop\", priority = 100"
        ),
    ];
    let inwards = [
        format!("{open}, source = \"sg-web-0\", priority = 50"),
        "protocol = \"icmp\", source = \"sg-web-0\", priority = 50".to_owned(),
    ];
    for group in 0..rules.groups {
        let is_last = group + 1 == rules.groups;
        let (outwards, inwards) = if is_last { (&outwards[..], &inwards[..]) } else { (&[][..], &[][..]) };
        let head = format!("[security_group.sg-web-{group}]\nnetwork = \"classic\"\negress = [\n");
        write_group(&mut text, &head, (rules, group), ("destination", "sg-app", [172, 16]), outwards);
        let head = format!("[security_group.sg-app-{group}]\nvpc = \"shop\"\ningress = [\n");
        write_group(&mut text, &head, (rules, group), ("source", "sg-web", [10, 40]), inwards);
    }
    for (kind, hosts, place) in [
        ("web", WEBS, "network = \"classic\"\nlinked_vpc = \"shop\""),
        ("web-cache", CACHES, "network = \"classic\"\nlinked_vpc = \"shop\""),
        ("web-loner", LONERS, "network = \"classic\""),
        ("app", APPS, "vswitch = \"vsw-app\""),
        ("app-worker", WORKERS, "vswitch = \"vsw-app\""),
        ("app-database", DATABASES, "vswitch = \"vsw-data\""),
        ("app-stopped", STOPPED, "vswitch = \"vsw-data\"\nstate = \"stopped\""),
    ] {
        let family = &kind[..3];
        let groups: Vec<String> = (0..rules.groups).map(|group| format!("\"sg-{family}-{group}\"")).collect();
        let groups = groups.join(", ");
        for index in 0..hosts.count {
            let address = hosts.address(index);
            let _ = write!(
                text,
                "[instance.{kind}-{index}]\n{place}\nprivate_ip = \"{address}\"\nsecurity_groups = [{groups}]\n"
            );
        }
    }
    Topology::from_toml("bench.toml", &text)
}

/// A group whose last rules are those given, behind rules about other ports: most for one of sixteen prefixes of the far
/// side, which begin with these bytes, some for one of its groups, some for several ports, some that drop.
fn write_group(
    text: &mut String,
    head: &str,
    (rules, group): (Rules, u32),
    (peer, family, [first, second]): (&str, &str, [u32; 2]),
    last: &[String],
) {
    *text += head;
    for index in 0..rules.of_each - last.len() as u32 {
        let number = group * rules.of_each + index;
        let protocol = if number % 4 == 3 { "udp" } else { "tcp" };
        let policy = if number % 7 == 6 { "drop" } else { "accept" };
        let (from, to) = (9_000 + number, 9_000 + number + if number % 5 == 4 { 20 } else { 0 });
        let address = match number % 11 {
            0 => format!("{family}-{}", number % rules.groups),
            _ => format!("{first}.{}.0.0/16", second + number % 16),
        };
        let priority = 1 + number % 40;
        let _ = writeln!(
            text,
            "{{ protocol = \"{protocol}\", port_range = \"{from}/{to}\", {peer} = \"{address}\", \
             policy = \"{policy}\", priority = {priority} }},"
        );
    }
    for rule in last {
        let _ = writeln!(text, "{{ {rule} }},");
    }
    *text += "]\n";
}

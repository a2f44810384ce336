//! What can be typed after `advise` and `guest-route`.

use crate::net::Protocol;
use crate::report::GuestSystem;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

pub(in crate::cli) const ADVISE_EXAMPLES: &str = "\
A side is an endpoint of the topology, or a description: `classic` or `vpc`,
then any of `region=…`, `account=…` and, of a VPC, `id=…`. Between descriptions
the answer is the vendor's scenario table, and the topology may be left out.
Exit code: 0 where the traffic passes already, or a side is only described; 1
where steps are missing; 2 wrong usage.

Examples:
  biplane advise shop.toml --from i-batch-1 --to i-app-1 --port 8080
  biplane advise shop.toml --from i-app-1 --to i-web-1 --protocol icmp
  biplane advise --from classic,account=partner --to vpc";

#[derive(Debug, Args)]
pub(in crate::cli) struct Advise {
    /// The topology file; not needed where both sides are described.
    pub(in crate::cli) topology: Option<PathBuf>,
    /// Who opens the connection.
    #[arg(long, value_name = "SIDE")]
    pub(in crate::cli) from: String,
    /// To whom.
    #[arg(long, value_name = "SIDE")]
    pub(in crate::cli) to: String,
    /// tcp, udp, icmp, gre or a number.
    #[arg(long, value_name = "PROTOCOL", default_value = "tcp")]
    pub(in crate::cli) protocol: Protocol,
    /// The destination port; by default the usual one of a database, or the first that an instance's groups open, or 80.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(in crate::cli) port: Option<u16>,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(in crate::cli) format: Format,
}

pub(in crate::cli) const GUEST_ROUTE_EXAMPLES: &str = "\
Examples:
  biplane guest-route warehouse.toml i-scan-2 > on-i-scan-2.sh
  biplane guest-route warehouse.toml i-scan-2 --os windows
  biplane guest-route shop.toml i-web-1 --vpc vpc-warehouse";

#[derive(Debug, Args)]
pub(in crate::cli) struct GuestRoute {
    /// The topology file.
    pub(in crate::cli) topology: PathBuf,
    /// The classic instance.
    pub(in crate::cli) instance: String,
    /// A VPC that the instance is yet to be linked to, instead of the one it is linked to.
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) vpc: Option<String>,
    /// What runs on the instance.
    #[arg(long, value_enum, default_value_t = GuestOs::Linux)]
    pub(in crate::cli) os: GuestOs,
    /// Print the commands that take the route out again.
    #[arg(long, conflicts_with = "vpc")]
    pub(in crate::cli) undo: bool,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(in crate::cli) format: Format,
}

/// What runs on an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum GuestOs {
    /// Any Linux: the commands find out which of those below it is.
    Linux,
    /// CentOS and RHEL up to 7, Alibaba Cloud Linux 2: network-scripts.
    #[value(alias = "centos", alias = "network-scripts")]
    Rhel,
    /// CentOS and RHEL 8, Alibaba Cloud Linux 3, or wherever NetworkManager runs.
    #[value(name = "networkmanager", alias = "nmcli")]
    NetworkManager,
    /// Debian, Ubuntu before 17.10: ifupdown.
    #[value(alias = "ifupdown")]
    Debian,
    /// Ubuntu from 17.10: Netplan.
    #[value(alias = "netplan")]
    Ubuntu,
    /// SLES and openSUSE.
    #[value(alias = "sles", alias = "opensuse")]
    Suse,
    /// Windows Server.
    Windows,
}

impl GuestOs {
    pub(in crate::cli) fn system(self) -> GuestSystem {
        match self {
            GuestOs::Linux => GuestSystem::Linux,
            GuestOs::Rhel => GuestSystem::NetworkScripts,
            GuestOs::NetworkManager => GuestSystem::NetworkManager,
            GuestOs::Debian => GuestSystem::Ifupdown,
            GuestOs::Ubuntu => GuestSystem::Netplan,
            GuestOs::Suse => GuestSystem::Wicked,
            GuestOs::Windows => GuestSystem::Windows,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Format {
    /// For people.
    Text,
    /// One JSON object.
    Json,
}

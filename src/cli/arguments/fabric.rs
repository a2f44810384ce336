//! What the fabric does differently from what the topology says.

use crate::datapath::Options;
use crate::model::limits::LEAST_MTU;
use clap::Args;

#[derive(Debug, Args)]
pub(in crate::cli) struct FabricOptions {
    /// Largest IPv4 packet carried whole, instead of the topology's.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u16).range(i64::from(LEAST_MTU)..))]
    pub(in crate::cli) mtu: Option<u16>,
    /// A TCP flow must begin with a SYN.
    #[arg(long)]
    pub(in crate::cli) strict_tcp: bool,
}

impl FabricOptions {
    /// The same as the fabric takes it.
    pub(in crate::cli) fn options(&self) -> Options {
        Options { mtu: self.mtu, strict_tcp: self.strict_tcp }
    }
}

//! Options about the frames of a capture: what is changed in them before they enter.

use crate::replay::{Adjustments, Encapsulation, Missing, TakenAt};
use crate::time::SimDuration;
use clap::{Args, ValueEnum};

/// Options for captures that do not hold what was on the wire between sender and fabric.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Captures that hold something else than the wire")]
pub(in crate::cli) struct FrameOptions {
    /// Take tags and tunnels off, so that the packet inside is judged.
    #[arg(long, value_name = "WHAT", value_enum, value_delimiter = ',')]
    strip: Vec<Strip>,
    /// Fill in what the network card had not written yet, or a program cut without saying so; in the output, too.
    #[arg(long, value_name = "WHAT", value_enum, value_delimiter = ',')]
    fill_in: Vec<FillIn>,
    /// Leave out packets that were in the capture within so many milliseconds before (1): the same bytes but for MAC
    /// addresses, a lower TTL, checksum and padding.
    #[arg(
        long,
        value_name = "MS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1",
        value_parser = clap::value_parser!(u64).range(0..=86_400_000)
    )]
    dedup: Option<u64>,
    /// Where the capture was taken; what arrived at a receiver has lost the hops of the fabric already.
    #[arg(long, value_name = "WHERE", value_enum, default_value_t = CapturedAt::Sender)]
    captured_at: CapturedAt,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Strip {
    /// Tags of 802.1Q and 802.1ad.
    Vlan,
    /// MPLS labels, and Ethernet behind them.
    Mpls,
    /// PPPoE.
    Pppoe,
    /// VXLAN: UDP to port 4789.
    Vxlan,
    /// GRE, and ERSPAN in it.
    Gre,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FillIn {
    /// The IPv4 header checksum where it is stored as 0 (checksum offload).
    HeaderChecksum,
    /// The IPv4 total length where it is 0, by the frame's length (segmentation offload).
    TotalLength,
    /// The length on the wire where a record holds less than its IPv4 header says, and claims to be whole.
    OriginalLength,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CapturedAt {
    /// Before the fabric.
    Sender,
    /// Behind it: each packet's TTL is raised by 2, the most that the fabric takes.
    Receiver,
}

impl FrameOptions {
    /// What the options say.
    pub(in crate::cli) fn adjustments(&self) -> Adjustments {
        let strip = self.strip.iter().map(|what| match what {
            Strip::Vlan => Encapsulation::Vlan,
            Strip::Mpls => Encapsulation::Mpls,
            Strip::Pppoe => Encapsulation::Pppoe,
            Strip::Vxlan => Encapsulation::Vxlan,
            Strip::Gre => Encapsulation::Gre,
        });
        let fill_in = self.fill_in.iter().map(|what| match what {
            FillIn::HeaderChecksum => Missing::HeaderChecksum,
            FillIn::TotalLength => Missing::TotalLength,
            FillIn::OriginalLength => Missing::OriginalLength,
        });
        Adjustments {
            strip: strip.collect(),
            fill_in: fill_in.collect(),
            dedup: self.dedup.map(|milliseconds| SimDuration::from_nanos(milliseconds * 1_000_000)),
            taken_at: match self.captured_at {
                CapturedAt::Sender => TakenAt::Sender,
                CapturedAt::Receiver => TakenAt::Receiver,
            },
        }
    }
}

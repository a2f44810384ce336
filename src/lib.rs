//! A packet-level simulator of two network planes of Alibaba Cloud, the classic network and VPCs, joined by
//! ClassicLink. For every IPv4 frame it names the endpoint that the frame reached, or the rule, route or link that
//! refused it, and the line of the topology file that says so.
//!
//! Tests start at [`lab`]: open a topology, send frames, assert what becomes of them.
//!
//! ```
//! use biplane::lab::Lab;
//! use biplane::wire::build::tcp;
//!
//! let mut lab = Lab::from_toml("one.toml", r#"
//!     [vpc.shop]
//!     cidr = "172.16.0.0/12"
//!     classic_link = true
//!     [vswitch.vsw-db]
//!     vpc = "shop"
//!     cidr = "172.16.2.0/24"
//!     [service.orders]
//!     kind = "rds"
//!     vswitch = "vsw-db"
//!     ip = "172.16.2.20"
//!     whitelist = ["10.45.2.10"]
//!     [security_group.sg-web]
//!     network = "classic"
//!     [instance.web]
//!     network = "classic"
//!     private_ip = "10.45.2.10"
//!     security_groups = ["sg-web"]
//!     linked_vpc = "shop"
//! "#)?;
//! let syn = tcp("10.45.2.10:40000 > 172.16.2.20:3306").syn();
//! lab.send("web", syn).delivered_to("orders").through(["classic", "shop"]);
//! # Ok::<(), biplane::lab::LabError>(())
//! ```
//!
//! # A frame's life, from bytes to report
//!
//! Modules with a link are for users: labs, packets, operations, captures, route tables and what was counted. The others serve
//! them, the command line and the tests of this repository; they are hidden from this documentation, and may change with any
//! version.
//!
//! | module | what it is for |
//! |---|---|
//! | [`capture`] | pcap and pcapng in and out: records and stamps, no networks |
//! | `text` | names and messages from files, shown so that they cannot do anything |
//! | `threads` | threads that a system may refuse |
//! | `files` | output files: whole or not at all, never onto an input |
//! | [`wire`] | one frame as bytes: parse, build, rewrite, fragment |
//! | [`net`], [`time`] | small checked values: prefixes, protocols, MAC addresses; nanoseconds of the frames' own clock |
//! | `scenario` | topology and scenario files, the only place that knows TOML: text to model and steps |
//! | `model` | the declared world: VPCs, vSwitches, instances, groups, links, each with its place in the file |
//! | `check` | the vendor's limits, one record per rule: model to checked model, or diagnostics |
//! | [`control`] | the vendor's operations on the world, with their preconditions and error codes |
//! | `compile` | checked model to program; cannot fail |
//! | `program` | the compiled world: dense ids and built tables; what ids are called stands beside it |
//! | [`table`] | lookup structures without cloud words: routes, sessions, access lists |
//! | `datapath` | the forwarding itself, one file per stage, in the order a frame meets them |
//! | [`diag`] | reasons, diagnostics and places in files, as data |
//! | [`report`] | text, JSON, JUnit and capture comments: alone owns layout, colour and names |
//! | `explain` | the page of every reason and rule |
//! | `remedy` | what to do about a refusal, in words |
//! | `links` | what ClassicLink connections carry, asked of the compiled world |
//! | [`lab`] | the facade: load, check, compile, hold state and time |
//! | `flows` | the connections of a capture, gathered from its frames and their verdicts; flow logs of the cloud, held against a lab |
//! | `preflight` | every reason against a link before it is made |
//! | `reach` | answers for all headers: which flows are permitted, and whether their replies arrive |
//! | `unused` | rules, routes and whitelist entries that decide nothing, whatever the header |
//! | `advise` | what to do so that one endpoint reaches another |
//! | `show` | what a topology holds: tables, one object with all that it is connected to, pictures |
//! | `import` | dumps of accounts, Terraform states and plans to a topology, and a report of what is not in it |
//! | [`replay`] | captures and scenarios through a lab: attribution, workers, order, expectations |
#![cfg_attr(
    all(feature = "cli", target_os = "linux"),
    doc = "| `live` | real hosts through the fabric: namespaces and TAPs of this machine |"
)]
#![cfg_attr(
    feature = "cli",
    doc = "| `overview` | a topology, and what captures make of it, gathered for a page that is read from top to bottom |"
)]
#![cfg_attr(feature = "cli", doc = "| `cli` | the command line: arguments to library calls to exit codes |")]
//!
//! # Features
//!
//! Without any, the library takes no C compiler, no memory mapping and no system beyond `std`, and reads captures that are not
//! compressed.
//!
//! | feature | what it adds |
//! |---|---|
//! | `cli`, the default | the command line, and all that follows but `parquet` |
//! | `gzip`, `bzip2`, `lz4`, `zstd`; `compression` for all four | captures that are compressed; `zstd` needs a C compiler |
//! | `huge-pages` | large tables on huge pages, by memory mapping: random reads are a quarter to a third faster |
//! | `parquet` | verdicts and connections as Parquet, with the command line |
//!
//! # What holds it together
//!
//! `compile` writes a program, `datapath` reads it, and neither sees the other: no name, string or ordered map can
//! reach the code that runs for every frame, and a change of the world is a new program, swapped whole. A drop is a
//! verdict and never an `Err`; no bytes make the library panic; and nothing depends on the system clock, the number
//! of threads or the order of a hash map.

#[doc(hidden)]
pub mod advise;
pub mod capture;
#[doc(hidden)]
pub mod check;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod compile;
pub mod control;
#[doc(hidden)]
pub mod datapath;
pub mod diag;
#[doc(hidden)]
pub mod explain;
#[doc(hidden)]
pub mod files;
#[doc(hidden)]
pub mod flows;
#[doc(hidden)]
pub mod import;
pub mod lab;
mod links;
#[cfg(all(feature = "cli", target_os = "linux"))]
#[doc(hidden)]
pub mod live;
#[doc(hidden)]
pub mod model;
pub mod net;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod overview;
#[doc(hidden)]
pub mod preflight;
#[doc(hidden)]
pub mod program;
#[doc(hidden)]
pub mod reach;
mod remedy;
pub mod replay;
pub mod report;
#[doc(hidden)]
pub mod scenario;
#[doc(hidden)]
pub mod show;
pub mod table;
#[doc(hidden)]
pub mod text;
#[doc(hidden)]
pub mod threads;
pub mod time;
#[doc(hidden)]
pub mod unused;
pub mod wire;

/// Shared with the tests beside the library.
#[cfg(test)]
#[path = "../tests/support/cases.rs"]
mod test_cases;
/// Shared with the tests beside the library.
#[cfg(test)]
#[expect(dead_code, reason = "unit tests need some edits only")]
#[path = "../tests/support/world.rs"]
mod test_world;

//! The command line as its users meet it: exit code, standard output and standard error of whole runs.

mod advise;
#[path = "../support/bench.rs"]
mod bench;
mod captures;
mod check;
mod connections;
mod damage;
mod divided;
mod expectations;
mod files;
mod flows;
mod guest_route;
mod hostile;
mod import;
mod includes;
#[cfg(unix)]
mod interrupt;
mod messages;
mod output;
#[path = "../support/pages.rs"]
mod pages;
mod parquet;
mod preflight;
mod reach;
mod replay;
mod report;
mod run;
mod schema;
#[path = "../support/schemas.rs"]
mod schemas;
mod several;
mod shards;
mod shell;
mod show;
mod trace;
mod usage;
mod workspace;
#[expect(dead_code, reason = "these tests need some edits only")]
#[path = "../support/world.rs"]
mod world;
#[cfg(unix)]
mod written;

use bench::{Bench, SHOP, Told, frames, pcap, shop_frames};
use world::{edit, names};

/// The shop, where the database has the address of `i-app`, which is an error.
fn duplicated() -> String {
    edit(SHOP).set("service.rm-orders", "ip", "172.16.1.10").toml()
}

/// The shop, where replies to `i-web` reach an instance of the VPC with the same address.
fn shadowed() -> String {
    let twin = r#"[vswitch.vsw-old]
vpc = "vpc-shop"
cidr = "10.24.1.0/24"

[security_group.sg-old]
vpc = "vpc-shop"
ingress = [{ source = "0.0.0.0/0" }]

[instance.i-twin]
vswitch = "vsw-old"
private_ip = "10.24.1.5"
security_groups = ["sg-old"]
"#;
    edit(SHOP).add("vpc.vpc-shop", "secondary_cidrs", names(["10.24.0.0/16"])).with(twin).toml()
}

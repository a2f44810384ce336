//! A topology built in Rust: `cargo run --example build_topology`.

use biplane::lab::declare::{TopologyBuilder, instance, rule, security_group, service, vpc, vswitch};
use biplane::lab::{LabError, Reason};

/// A web server of the classic network, and the database that it is moving to; `whitelist` admits whom it names.
fn shop(whitelist: &[&str]) -> TopologyBuilder {
    let http = rule().protocol("tcp").port_range("80/80").source("0.0.0.0/0");
    TopologyBuilder::new()
        .with(vpc("shop").cidr("172.16.0.0/12").classic_link(true))
        .with(vswitch("vsw-db").vpc("shop").cidr("172.16.2.0/24"))
        .with(service("orders").kind("rds").vswitch("vsw-db").ip("172.16.2.20").whitelist(whitelist))
        .with(security_group("sg-web").network("classic").ingress([http]))
        .with(
            instance("web").network("classic").private_ip("10.45.2.10").security_groups(["sg-web"]).linked_vpc("shop"),
        )
}

fn main() -> Result<(), LabError> {
    let mut lab = shop(&["10.45.2.10"]).lab()?;
    lab.connect("web", "orders", "tcp/3306").goes_both_ways();

    // The same world with one difference.
    let mut lab = shop(&["10.45.2.99"]).lab()?;
    lab.connect("web", "orders", "tcp/3306").request.dropped(Reason::WhitelistDeny).decided_by("orders whitelist");

    // What breaks a limit is refused as in a file; messages name the object in place of a line.
    let broken = shop(&[]).with(vswitch("vsw-far").vpc("shop").cidr("10.1.0.0/16"));
    let Err(error) = broken.build() else { panic!("it lies outside of the VPC") };
    println!("{error}");

    println!("\n{}", shop(&["10.45.2.10"]).to_toml());
    Ok(())
}

#[test]
fn runs() {
    main().unwrap();
}

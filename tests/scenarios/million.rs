//! The large world of `cargo run --example million`, on a small scale: it breaks no rule, and its links carry packets.

#[path = "../../examples/million/plan.rs"]
mod plan;

use biplane::diag::Reason;
use biplane::lab::{Lab, Topology};
use biplane::wire::build::tcp;
use plan::Plan;
use std::sync::Arc;

/// Hangzhou has links, Shanghai none: 500 classic instances and 10 VPCs of 50 endpoints each.
const TWO_TENANTS: Plan = Plan { tenants: 2, vpcs: 10, classic: 500 };

fn open() -> Topology {
    Topology::from_toml("million.toml", &TWO_TENANTS.topology()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_small_twin_of_the_large_world_is_clean() {
    let topology = open();
    assert_eq!(*topology.warnings, []);
    let world = &topology.world;
    assert_eq!(world.instances.len() + world.services.len(), 2_000);
    assert_eq!((world.vpcs.len(), world.vswitches.len()), (20, 40));
    assert_eq!(world.instances.values().filter(|instance| instance.linked_vpc.is_some()).count(), 200);
    let rules = world.security_groups.values().map(|group| group.ingress.len() + group.egress.len());
    assert_eq!(rules.filter(|rules| *rules == 200).count(), 10);
}

/// The plan of a million has as many of each kind as its name says; its text is not made here.
#[test]
fn the_plan_of_a_million_adds_up() {
    let Plan { tenants, vpcs, classic } = Plan::MILLION;
    assert_eq!(tenants * (vpcs * 50 + classic), 1_000_000);
    assert_eq!((tenants * vpcs, tenants / 2, classic * 2 / 5, tenants * 5), (10_000, 100, 1_000, 1_000));
    assert_eq!(Plan::of(100_000).tenants, 20);
}

/// Enough endpoints for several threads to read, check and name them.
#[test]
fn what_threads_read_and_name_side_by_side_belongs_together() {
    let text = Plan::of(25_000).topology();
    let topology = Topology::from_toml("million.toml", &text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(*topology.warnings, []);
    let (world, names) = (&topology.world, &topology.names);
    let mut ids = text.lines().filter_map(|line| line.strip_prefix("[instance.")?.strip_suffix(']'));
    for instance in world.instances.values() {
        assert_eq!(ids.next(), Some(instance.id.as_str()), "in the order of the file");
        let endpoint = names.find_endpoint(&instance.id).unwrap();
        assert_eq!(topology.program.endpoint(endpoint).address, instance.private_ip.value);
        assert_eq!(names.endpoint(endpoint), instance.id.as_str());
    }
    assert_eq!((ids.next(), world.instances.len()), (None, 24_750));

    let broken = text.replacen("private_ip = \"10.40.0.7\"", "private_ip = \"10.40.0.256\"", 1);
    let error = Topology::from_toml("million.toml", &broken).err().unwrap().to_string();
    assert!(
        error.starts_with("million.toml:") && error.ends_with("\"10.40.0.256\" is no IPv4 address [invalid-value]"),
        "{error}"
    );
    assert_eq!(error.lines().count(), 1, "{error}");
}

/// The first group of the VPC takes in `web` by name on ports 1000 to 1249. Instances 125 to 199 are linked as well, but
/// in `app`; those from 200 on are in it too, and have no link.
#[test]
fn a_link_of_the_twin_carries_what_the_groups_accept_and_nothing_else() {
    let mut lab = Lab::new(Arc::new(open()), Default::default());
    let (web, app) = ("i-hangzhou-00-classic-0000", "i-hangzhou-00-classic-0199");
    lab.send(web, tcp("10.40.0.1:40000 > 172.16.1.10:1000").syn())
        .delivered_to("i-hangzhou-00-00-00")
        .through(["classic", "vpc-hangzhou-00-00"]);
    lab.send(app, tcp("10.40.0.200:40000 > 172.16.1.10:1300").syn()).delivered_to("i-hangzhou-00-00-00");
    lab.send(web, tcp("10.40.0.1:40000 > 172.16.1.10:1300").syn())
        .dropped(Reason::SgIngressDeny)
        .at("i-hangzhou-00-00-00");
    let unlinked = "i-hangzhou-00-classic-0200";
    lab.send(unlinked, tcp("10.40.0.201:40000 > 172.16.1.10:1300").syn()).dropped(Reason::ClassiclinkNotLinked);
    let elsewhere = "i-shanghai-00-classic-0000";
    lab.send(elsewhere, tcp("10.40.0.1:40000 > 172.16.1.10:1000").syn()).dropped(Reason::ClassiclinkNotLinked);
}

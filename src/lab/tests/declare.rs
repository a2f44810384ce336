//! Topologies built in Rust.

use crate::lab::declare::*;
use crate::lab::{Lab, Reason, Topology};

fn shop() -> TopologyBuilder {
    TopologyBuilder::new()
        .with(defaults().region("cn-beijing").account("shop"))
        .with(sessions().key("udp", 5))
        .with(fabric().mtu(1400))
        .with(
            vpc("shop")
                .cidr("172.16.0.0/12")
                .secondary_cidrs(["192.168.0.0/24"])
                .classic_link(true)
                .route("10.9.0.0/16", "gw"),
        )
        .with(vpc("lab").cidr("192.168.16.0/20"))
        .with(peering("pcc").vpcs(["shop", "lab"]))
        .with(gateway("gw").vpc("shop").kind("vpn").remote_cidrs(["10.9.0.0/16"]))
        .with(route_table("vtb").vpc("shop").route("192.168.16.0/20", "pcc"))
        .with(vswitch("vsw").vpc("shop").cidr("172.16.1.0/24").route_table("vtb").zone("b"))
        .with(security_group("sg-web").network("classic").intra_group("drop"))
        .with(security_group("sg-app").vpc("shop").kind("basic").ingress([
            rule().protocol("tcp").port_range("80/80").source("sg-web").priority(2).description("a \"web\" tier"),
            rule().policy("drop").protocol("all").source("10.0.0.0/8").nic_type("intranet"),
        ]))
        .with(
            instance("web")
                .network("classic")
                .private_ip("10.45.2.10")
                .security_groups(["sg-web"])
                .linked_vpc("shop")
                .guest_routes(["192.168.0.0/16"])
                .state("running"),
        )
        .with(instance("app").vswitch("vsw").private_ip("172.16.1.10").security_groups(["sg-app"]).forwarding(false))
        .with(service("orders").kind("rds").vswitch("vsw").ip("172.16.1.20").whitelist(["10.45.2.10"]))
}

#[test]
fn a_builder_and_the_file_that_says_the_same_make_one_world() {
    let (built, read) = (shop().build().unwrap(), Topology::from_toml("same.toml", &shop().to_toml()).unwrap());
    assert_eq!(format!("{:?}", built.program.endpoints), format!("{:?}", read.program.endpoints));
    assert_eq!(built.warnings().count(), read.warnings().count());
    assert!(read.warnings().all(|warning| warning.starts_with("same.toml:")), "a warning stands behind its place");
    let reach = |topology: Topology| Lab::new(topology.into(), Default::default()).reach("tcp/80").to_string();
    assert_eq!(reach(built), reach(read));
}

#[test]
fn traces_and_mistakes_name_the_object_and_its_key() {
    let mut lab = shop().lab().unwrap();
    let sent = lab.connect("web", "app", "tcp/80").request;
    sent.dropped(Reason::SgIngressDeny).decided_by("sg-app ingress #2");
    assert!(sent.trace().contains("  [security_group.sg-app] ingress #2\n"), "{}", sent.trace());
    assert!(!sent.trace().contains("declared in Rust"), "{}", sent.trace());
    let wrong = |builder: TopologyBuilder| {
        let Err(error) = builder.build() else { panic!("it is right") };
        error.to_string()
    };
    let told = wrong(shop().with(vswitch("far").vpc("shop").cidr("10.1.0.0/16")));
    assert!(told.starts_with("[vswitch.far] cidr: ") && told.contains("[vswitch-outside-vpc]"), "{told}");
    let told = wrong(shop().with(vswitch("other").vpc("shp").cidr("172.16.9.0/24")));
    assert!(told.starts_with("[vswitch.other] vpc: no VPC is called `shp`"), "{told}");
    let told = wrong(shop().with(vpc("bare")));
    assert!(told.starts_with("[vpc.bare]: vpc `bare` needs the key `cidr`"), "{told}");
    let told = wrong(shop().with(vpc("shop").cidr("10.0.0.0/8")));
    assert!(told.starts_with("[vpc.shop]: "), "{told}");
    let odd = security_group("odd").network("classic").ingress([rule().protocol("tpc").source("0.0.0.0/0")]);
    let told = wrong(shop().with(odd));
    assert!(told.starts_with("[security_group.odd] ingress #1: `protocol` cannot be \"tpc\""), "{told}");
}

#[test]
fn names_tags_and_templates_go_into_the_file() {
    let builder = shop()
        .with(template("spare").network("classic").security_groups(["sg-web"]).tag("role", "web").tag("role", "spare"))
        .with(
            instance("spare-1").template("spare").private_ip("10.45.2.21").name("the \"first\"").description("a spare"),
        )
        .with(instance("spare-2").template("spare").private_ip("10.45.2.22").tag("a b", 1).tag("c", ""));
    let (built, read) = (builder.build().unwrap(), Topology::from_toml("same.toml", &builder.to_toml()).unwrap());
    let abouts = |topology: &Topology| -> Vec<_> {
        topology.world.instances.values().map(|instance| instance.about.as_deref().cloned()).collect()
    };
    assert_eq!(abouts(&built), abouts(&read));
    let [.., Some(first), Some(second)] = &abouts(&built)[..] else { panic!("{}", builder.to_toml()) };
    assert_eq!((first.name.as_deref(), first.description.as_deref()), (Some("the \"first\""), Some("a spare")));
    let tags =
        |tags: &[(&str, &str)]| tags.iter().map(|(key, tag)| (key.to_string(), tag.to_string())).collect::<Vec<_>>();
    assert_eq!((&first.tags, &second.tags), (&tags(&[("role", "spare")]), &tags(&[("a b", "1"), ("c", "")])));
    let wrong = builder.with(instance("x").template("spar").private_ip("10.1.1.1"));
    let Err(error) = wrong.build() else { panic!("it is right") };
    assert!(error.to_string().starts_with("[instance.x] template: no template is called `spar`"), "{error}");
}

#[test]
fn a_key_that_is_set_again_is_replaced_and_any_text_is_written_safely() {
    let object = instance("web").network("classic").private_ip("10.45.2.10").security_groups(["sg"]).linked_vpc("a");
    let text =
        TopologyBuilder::new().with(object.linked_vpc("b\"]\n[vpc.x]")).with(vpc("a b").key("cidr", 5)).to_toml();
    assert_eq!(text.matches("linked_vpc").count(), 1);
    assert!(
        text.contains("linked_vpc = \"b\\\"]\\n[vpc.x]\"\n") && text.contains("[vpc.\"a b\"]\ncidr = 5\n"),
        "{text}"
    );
}

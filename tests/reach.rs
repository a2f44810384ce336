//! Answers for all headers: what ClassicLink promises, claims, and the matrix.

#[expect(dead_code, reason = "these tests need some edits only")]
#[path = "support/world.rs"]
mod world;

use biplane::datapath::Verdict;
use biplane::diag::Reason;
use biplane::lab::Topology;
use biplane::model::{Instance, Location, World};
use biplane::net::Protocol;
use biplane::reach::{
    FlowChange, FlowGroup, HeaderSpec, NamedReach, Question, Reach, ReachClaim, ReplyFate, Selector, SelectorReader,
    differences, folded_differences,
};
use biplane::report::{Palette, ReachWords, Resolver, reach_flows_text, reach_matrix_text};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use world::edit;

fn topologies() -> Vec<Topology> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/topologies");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|path| Topology::open(path).unwrap_or_else(|error| panic!("{error}"))).collect()
}

fn opened(text: &str) -> Topology {
    Topology::from_toml("t.toml", text).unwrap_or_else(|error| panic!("{error}"))
}

fn reader(topology: &Topology) -> SelectorReader<'_> {
    SelectorReader { world: &topology.world, program: &topology.program, names: &topology.names }
}

/// What is permitted against a claim.
fn against(topology: &Topology, claim: &str) -> Vec<FlowGroup> {
    let claim = ReachClaim::parse(claim, &reader(topology)).unwrap_or_else(|error| panic!("{error}"));
    let reach = Reach::telling_apart(Arc::clone(&topology.program), claim.allowed().protocols());
    claim.violations(&reach)
}

/// All that the founding text promises about a topology, as claims. What it says of linked instances is what is allowed,
/// and no claim.
fn promises(world: &World) -> Vec<String> {
    let is_classic = |instance: &&Instance| instance.location.value == Location::Classic;
    let mut claims = Vec::new();
    for (key, vpc) in world.vpcs.iter() {
        let id = &vpc.id.value;
        // Instances in the VPC reach classic instances linked to it, and nothing else of the classic network.
        claims.push(format!("{id} -> classic services: nothing"));
        // What is managed in the VPC answers, and opens nothing.
        claims.push(format!("{id} services -> classic: nothing"));
        // Secondary CIDRs take no part, either way.
        for cidr in &vpc.secondary_cidrs {
            claims.push(format!("classic -> {id} {}: nothing", cidr.value));
            claims.push(format!("{id} {} -> classic: nothing", cidr.value));
        }
        for instance in world.instances.values().filter(is_classic) {
            if instance.linked_vpc.is_none_or(|linked| linked.value != key) || !vpc.classic_link.value {
                let classic = &instance.id.value;
                claims.push(format!("{classic} -> {id}: nothing"));
                claims.push(format!("{id} -> {classic}: nothing"));
            }
        }
        // Classic services have no link.
        claims.push(format!("classic services -> {id}: nothing"));
    }
    claims
}

#[test]
fn every_topology_keeps_what_classiclink_promises() {
    let mut count = 0;
    for topology in topologies() {
        for claim in promises(&topology.world) {
            let flows = against(&topology, &claim);
            assert!(flows.is_empty(), "{claim}: {}", text(&topology, &flows));
            count += 1;
        }
    }
    assert!(count > 80, "{count} claims");
}

/// Where a link is what a promise is about, the same claim fails once the link is there.
#[test]
fn a_link_breaks_the_claim_that_there_is_none() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/topologies/shop.toml");
    let topology = Topology::open(path).unwrap();
    assert!(!against(&topology, "i-web-1 -> vpc-shop: nothing").is_empty());
    assert!(!against(&topology, "vpc-shop -> i-web-1: nothing").is_empty());
    assert!(against(&topology, "i-batch-1 -> vpc-shop: nothing").is_empty());
}

const WORLD: &str = "
    [vpc.shop]
    cidr = \"172.16.0.0/12\"
    classic_link = true
    routes = [{ destination = \"0.0.0.0/0\", next_hop = \"ngw\" }]
    [vswitch.vsw]
    vpc = \"shop\"
    cidr = \"172.16.1.0/24\"
    [gateway.ngw]
    vpc = \"shop\"
    [security_group.sg-web]
    network = \"classic\"
    [security_group.sg-app]
    vpc = \"shop\"
    ingress = [
      { protocol = \"tcp\", port_range = \"8080/8090\", source = \"sg-web\" },
      { policy = \"drop\", protocol = \"tcp\", port_range = \"8085/8085\", source = \"10.24.1.6\" },
    ]
    [instance.web-1]
    network = \"classic\"
    private_ip = \"10.24.1.5\"
    security_groups = [\"sg-web\"]
    linked_vpc = \"shop\"
    [instance.web-2]
    network = \"classic\"
    private_ip = \"10.24.1.6\"
    security_groups = [\"sg-web\"]
    linked_vpc = \"shop\"
    [instance.alone]
    network = \"classic\"
    private_ip = \"10.24.1.7\"
    security_groups = [\"sg-web\"]
    [instance.app]
    vswitch = \"vsw\"
    private_ip = \"172.16.1.10\"
    security_groups = [\"sg-app\"]
    [service.orders]
    kind = \"rds\"
    vswitch = \"vsw\"
    ip = \"172.16.1.20\"
    whitelist = [\"172.16.1.0/24\"]
";

fn flows(topology: &Topology, [from, to]: [&str; 2], headers: &str) -> Vec<FlowGroup> {
    let reach = Reach::new(Arc::clone(&topology.program));
    let reader = reader(topology);
    let [from, to] = [from, to].map(|ends| reader.selector(ends).unwrap());
    let headers = HeaderSpec::parse(headers).unwrap().headers(reach.protocols());
    reach.flows(&Question { from, to, headers, refused: true, by_rule: true })
}

fn text(topology: &Topology, flows: &[FlowGroup]) -> String {
    let reach = Reach::new(Arc::clone(&topology.program));
    let words = Resolver::new(&topology.program, &topology.names, &topology.sources);
    let mut text = String::new();
    reach_flows_text(&mut text, &ReachWords::new(words, reach.protocols()), flows, Palette::Plain);
    text
}

#[test]
fn flows_are_told_with_the_rules_of_both_ends_and_refused_ones_with_their_reason() {
    let topology = opened(WORLD);
    insta::assert_snapshot!(text(&topology, &flows(&topology, ["web-1", "app"], "tcp/8080-8100")), @r#"
    permitted  web-1 -> app: tcp/8080-8090
               out by sg-web egress default (t.toml:11)
               in by sg-app ingress #1 (t.toml:16)
    refused    web-1 -> app: tcp/8091-8100
               sg-ingress-deny by sg-app ingress default (t.toml:13)
    "#);
    insta::assert_snapshot!(text(&topology, &flows(&topology, ["web-2", "app"], "tcp/8080-8100")), @r#"
    permitted  web-2 -> app: tcp/8080-8084, tcp/8086-8090
               out by sg-web egress default (t.toml:11)
               in by sg-app ingress #1 (t.toml:16)
    refused    web-2 -> app: tcp/8085
               sg-ingress-deny by sg-app ingress #2 (t.toml:17)
    refused    web-2 -> app: tcp/8091-8100
               sg-ingress-deny by sg-app ingress default (t.toml:13)
    "#);
    insta::assert_snapshot!(text(&topology, &flows(&topology, ["alone", "app"], "tcp/8080")), @r#"
    refused    alone -> 172.16.1.10: tcp/8080
               classiclink-not-linked by route 172.16.0.0/12
    "#);
    insta::assert_snapshot!(text(&topology, &flows(&topology, ["app", "web-1"], "icmp")), @r#"
    refused    app -> web-1: icmp
               sg-ingress-deny by sg-web ingress default (t.toml:11)
    "#);
}

#[test]
fn the_matrix_folds_what_behaves_alike_and_counts_every_address_once() {
    let topology = opened(WORLD);
    let reach = Reach::new(Arc::clone(&topology.program));
    let matrix = reach.matrix(&reach.everything());
    let words = Resolver::new(&topology.program, &topology.names, &topology.sources);
    let mut text = String::new();
    reach_matrix_text(&mut text, &ReachWords::new(words, reach.protocols()), &matrix, Palette::Plain);
    insta::assert_snapshot!(text, @r#"
    7 classes of senders, 5 classes of receivers

                              1  2  3  4  5
    cloud-services            .  A  A  .  .
    web-1                     A  A  B  .  .
    web-2                     A  A  C  .  .
    alone                     A  A  .  .  .
    app                       A  .  A  A  D
    orders                    A  .  .  A  D
    ngw for public addresses  D  .  .  .  .

    1  cloud-services
    2  sg-web (3)
    3  app
    4  orders, ngw for public addresses
    5  ngw for 169.254.0.0/16, 172.16.0.0/24, 172.16.2.0-172.31.255.255, 192.168.0.0/16

    A  everything
    B  tcp/8080-8090
    C  tcp/8080-8084, tcp/8086-8090
    D  everything; reply is refused
    "#);
    for ends in [&matrix.rows, &matrix.columns] {
        let mut all: Vec<_> = ends.iter().flatten().collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}

#[test]
fn a_claim_holds_or_names_the_flow_that_breaks_it() {
    let topology = opened(WORLD);
    assert!(against(&topology, "any -> app: only tcp/8080-8090").iter().all(|flow| {
        // Nothing but what is managed for the vendor, and instances of its own group, is ever past a group's rules.
        flow.witness.sender == biplane::program::CLOUD_SERVICES || topology.names.endpoint(flow.witness.sender) == "app"
    }));
    assert!(against(&topology, "classic -> app: only tcp/8080-8090").is_empty());
    let broken = against(&topology, "classic -> app: only tcp/8080");
    assert_eq!(broken.len(), 2, "{}", text(&topology, &broken));
    let flow = &broken[0];
    assert!(matches!(flow.outcome.verdict, Verdict::Delivered { .. }));
    assert_eq!(flow.reply_fate, Some(ReplyFate::Arrives));
    assert_eq!(flow.frames.len(), 2, "the witness and its reply went through the fabric");
    assert_eq!(flow.witness.ports[1], 8081);
}

#[test]
fn refused_flows_are_all_there_with_their_first_reason() {
    let topology = opened(WORLD);
    let refused = flows(&topology, ["alone", "orders"], "tcp/3306");
    assert_eq!(refused.len(), 1);
    let Verdict::Dropped { reason, .. } = refused[0].outcome.verdict else { panic!("{:?}", refused[0].outcome) };
    assert_eq!(reason, Reason::ClassiclinkNotLinked);
}

#[test]
fn ends_that_are_none_are_told_with_what_is_near() {
    let topology = opened(WORLD);
    let told = |text: &str| reader(&topology).selector(text).map(|_| ()).unwrap_err().to_string();
    insta::assert_snapshot!(told("web-3"), @r#"the topology has no endpoint, VPC, vSwitch or security group `web-3`; did you mean `web-1`?"#);
    insta::assert_snapshot!(told("web-1 without"), @r#"`without` stands between two names, as in `vpc-shop without services`"#);
    insta::assert_snapshot!(told("and web-1"), @r#"`and` stands between two names, as in `vpc-shop and services`"#);
    insta::assert_snapshot!(told(""), @r#"no ends are named: `any` stands for all"#);
    let claim = |text: &str| ReachClaim::parse(text, &reader(&topology)).map(|_| ()).unwrap_err().to_string();
    insta::assert_snapshot!(claim("web-1 -> app"), @r#"`web-1 -> app` is no claim: expected `FROM -> TO: nothing` or `FROM -> TO: only tcp/3306`"#);
    insta::assert_snapshot!(claim("web-1 -> app: some"), @r#"`web-1 -> app: some` is no claim: expected `FROM -> TO: nothing` or `FROM -> TO: only tcp/3306`"#);
    insta::assert_snapshot!(claim("web-1 -> app: only tpc/80"), @r#"`tpc/80` names no headers: expected for example tcp/3306, udp or icmp"#);
    insta::assert_snapshot!(claim("web-1 -> app: only icmp/80"), @r#"icmp has no ports"#);
    insta::assert_snapshot!(claim("web-1 -> app: only tcp/90-80"), @r#"the first port is above the last in `90-80`"#);
}

#[test]
fn words_of_ends_narrow_each_other_down() {
    let topology = opened(WORLD);
    let count = |ends: &str| {
        let selector = reader(&topology).selector(ends).unwrap();
        let program = &topology.program;
        let all = (0..program.endpoints.len()).map(biplane::program::EndpointId::from_index);
        all.filter(|id| selector.holds(Some(*id), program.endpoint(*id).address)).count()
    };
    assert_eq!((count("any"), count("classic"), count("services"), count("shop")), (7, 3, 1, 3));
    assert_eq!(
        (count("sg-web"), count("sg-web without alone"), count("vsw"), count("shop and services")),
        (3, 2, 2, 1)
    );
    assert_eq!((count("10.24.1.5"), count("classic 10.24.1.6/31"), count("shop services without orders")), (1, 2, 0));
    assert!(matches!(reader(&topology).selector("any").unwrap(), Selector::Any));
}

#[test]
fn a_header_specification_reads_ports_and_protocols() {
    let spec = |text: &str| HeaderSpec::parse(text).map(|spec| spec.protocols().collect::<Vec<_>>());
    assert_eq!(spec("tcp/80-90, udp, 47").unwrap(), [Protocol::TCP, Protocol::UDP, Protocol::GRE]);
    assert!(spec("tcp/").is_err() && spec("").is_err() && spec("tcp/80-").is_err());
}

/// `x` forwards for the other VPC's addresses before, and has one of them itself afterwards.
const FORWARDS: &str = r#"
[vpc]
vpc-a = { cidr = "172.16.0.0/16" }
vpc-b = { cidr = "10.1.0.0/16" }

[vswitch]
vsw-a = { vpc = "vpc-a", cidr = "172.16.1.0/24", route_table = "rt-a" }
vsw-b = { vpc = "vpc-b", cidr = "10.1.0.0/24", route_table = "rt-b" }

[route_table]
rt-a = { vpc = "vpc-a", routes = [{ destination = "10.1.0.0/24", next_hop = "x" }] }
rt-b = { vpc = "vpc-b", routes = [{ destination = "172.16.0.0/16", next_hop = "pcc" }] }

[peering]
pcc = { vpcs = ["vpc-a", "vpc-b"] }

[security_group]
sg-a = { vpc = "vpc-a", ingress = [{ source = "0.0.0.0/0" }] }
sg-b = { vpc = "vpc-b", ingress = [{ source = "0.0.0.0/0" }] }

[instance]
s = { vswitch = "vsw-a", private_ip = "172.16.1.20", security_groups = ["sg-a"] }
y = { vswitch = "vsw-b", private_ip = "10.1.0.3", security_groups = ["sg-b"] }
"#;

/// Destinations whose flows from `s` arrive in both topologies, and fare otherwise.
fn redirected(texts: [&str; 2]) -> Vec<(Vec<String>, String)> {
    let worlds = texts.map(opened);
    let reaches = worlds.each_ref().map(|world| Reach::new(Arc::clone(&world.program)));
    let [old, new] = [0, 1].map(|side| NamedReach { reach: &reaches[side], names: &worlds[side].names });
    let found = folded_differences(differences(old, new));
    let of_s = found.into_iter().filter(|difference| {
        difference.change == FlowChange::Redirected && difference.from.iter().any(|(sender, _)| sender == "s")
    });
    let told = of_s.map(|difference| {
        let destinations: Vec<String> = difference.destinations.iter().map(ToString::to_string).collect();
        (difference.to, destinations.join(" "))
    });
    told.collect()
}

#[test]
fn an_address_that_one_endpoint_took_with_others_is_compared_for_itself() {
    let forwards =
        "x = { vswitch = \"vsw-a\", private_ip = \"172.16.1.10\", security_groups = [\"sg-a\"], forwarding = true }\n";
    let owns = "x = { vswitch = \"vsw-b\", private_ip = \"10.1.0.2\", security_groups = [\"sg-b\"] }\n";
    let peered = edit(FORWARDS)
        .unrouted("route_table.rt-a", "10.1.0.0/24")
        .routed("route_table.rt-a", "10.1.0.0/24", "pcc")
        .toml();
    let [before, after] = [format!("{FORWARDS}{forwards}"), format!("{peered}{owns}")];
    // What was for 10.1.0.2 reaches `x` as before; what was for 10.1.0.3 does not, though one route takes both.
    assert_eq!(redirected([&before, &after]), [(vec!["x".to_owned()], "10.1.0.3".to_owned())]);
    assert_eq!(redirected([&after, &before]), [(vec!["y".to_owned()], "10.1.0.3".to_owned())]);
    assert_eq!(redirected([&before, &before]), []);
}

//! What holds for every sequence of operations.

use super::world::WORLD;
use biplane::check::{Checked, check};
use biplane::compile::compile;
use biplane::control::{ClassicLinkMode, ClassicLinkRule, Operation, PeerRequest, RuleRequest, WhitelistChange, plan};
use biplane::diag::{Severity, Span};
use biplane::lab::Topology;
use biplane::model::{ChangeSet, Direction, Key, NicType, Policy, Table, World, WorldIndex};
use biplane::net::{Ipv4Net, PortRange, Protocol};
use biplane::program::Epoch;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

fn one_of(ids: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(ids).prop_map(str::to_owned)
}

fn instance() -> impl Strategy<Value = String> {
    one_of(&["c-web", "c-new", "c-far", "c-other", "c-odd", "db", "own-db", "store-db", "nobody"])
}

fn vpc() -> impl Strategy<Value = String> {
    one_of(&["shop", "store", "plan", "routed", "quiet", "remote", "nowhere"])
}

fn group() -> impl Strategy<Value = String> {
    one_of(&["sg-classic", "sg-spare", "sg-far", "sg-other", "sg-shop", "sg-store", "sg-strict", "sg-quiet", "sg-none"])
}

fn groups() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(group(), 0..3)
}

fn net() -> impl Strategy<Value = Ipv4Net> {
    let nets = &[
        "10.0.0.0/8",
        "10.24.1.5/32",
        "172.16.1.0/24",
        "172.16.9.0/24",
        "192.168.0.0/16",
        "100.64.0.0/16",
        "10.1.2.3/8",
    ];
    select(&nets[..]).prop_map(|net| net.parse().unwrap())
}

fn rule() -> impl Strategy<Value = RuleRequest> {
    let peer = prop_oneof![net().prop_map(PeerRequest::Cidr), group().prop_map(PeerRequest::Group)];
    let protocol = select(&[None, Some(Protocol::TCP), Some(Protocol::ICMP)][..]);
    let ports = select(&["-1/-1", "80/80"][..]).prop_map(|ports| ports.parse::<PortRange>().unwrap());
    let policy = select(&[Policy::Accept, Policy::Drop][..]);
    let nic_type = prop_oneof![5 => Just(NicType::Intranet), 1 => Just(NicType::Internet)];
    (peer, protocol, ports, policy, 0..3_u8, nic_type).prop_map(
        |(peer, protocol, port_range, policy, priority, nic_type)| RuleRequest {
            policy,
            priority,
            protocol,
            port_range,
            nic_type,
            ..RuleRequest::accept(peer)
        },
    )
}

fn on_a_link() -> impl Strategy<Value = Operation> {
    prop_oneof![
        vpc().prop_map(|vpc| Operation::Enable { vpc }),
        vpc().prop_map(|vpc| Operation::Disable { vpc }),
        (instance(), vpc()).prop_map(|(instance, vpc)| Operation::Attach { instance, vpc }),
        (instance(), vpc()).prop_map(|(instance, vpc)| Operation::Detach { instance, vpc }),
    ]
}

fn on_a_cidr() -> impl Strategy<Value = Operation> {
    let cidrs = &[
        "172.16.0.0/12",
        "172.16.0.0/16",
        "172.16.0.0/20",
        "172.16.1.0/24",
        "192.168.0.0/16",
        "192.168.64.0/18",
        "10.0.0.0/8",
        "10.111.0.0/16",
        "100.64.0.0/16",
        "172.16.0.0/30",
    ];
    let cidr = || select(&cidrs[..]).prop_map(|cidr| cidr.parse::<Ipv4Net>().unwrap());
    prop_oneof![
        (vpc(), cidr()).prop_map(|(vpc, cidr)| Operation::ModifyPrimaryCidr { vpc, cidr }),
        (vpc(), cidr()).prop_map(|(vpc, cidr)| Operation::AssociateSecondaryCidr { vpc, cidr }),
        (vpc(), cidr()).prop_map(|(vpc, cidr)| Operation::UnassociateSecondaryCidr { vpc, cidr }),
    ]
}

fn on_an_instance() -> impl Strategy<Value = Operation> {
    let account = || one_of(&["main", "partner"]);
    let vswitch = || one_of(&["vsw-shop", "vsw-own", "vsw-store", "vsw-none"]);
    let address = select(&["172.16.1.20", "172.16.1.30", "172.16.1.253", "172.16.2.30", "192.168.1.30"][..]);
    let address = address.prop_map(|address| address.parse::<Ipv4Addr>().unwrap());
    prop_oneof![
        instance().prop_map(|instance| Operation::Start { instance }),
        instance().prop_map(|instance| Operation::Stop { instance }),
        instance().prop_map(|instance| Operation::Restart { instance }),
        instance().prop_map(|instance| Operation::HotMigrate { instance }),
        instance().prop_map(|instance| Operation::ColdMigrate { instance }),
        instance().prop_map(|instance| Operation::ReplaceSystemDisk { instance }),
        (instance(), net()).prop_map(|(instance, destination)| Operation::AddGuestRoute { instance, destination }),
        (instance(), account(), groups()).prop_map(|(instance, account, security_groups)| Operation::Transfer {
            instance,
            account,
            security_groups
        }),
        (instance(), any::<bool>()).prop_map(|(instance, force)| Operation::Release { instance, force }),
        (instance(), vswitch(), address, groups()).prop_map(|(instance, vswitch, private_ip, security_groups)| {
            Operation::MigrateIntoVpc { instance, vswitch, private_ip, security_groups }
        }),
    ]
}

fn on_tables_and_groups() -> impl Strategy<Value = Operation> {
    let table = || one_of(&["shop", "store", "routed", "quiet", "vtb-own", "vtb-routed", "vtb-none"]);
    let hop = one_of(&["ngw", "vpn", "pcc", "db", "own-db", "store-db", "c-web", "rm", "nothing"]);
    let direction = || select(&[Direction::Ingress, Direction::Egress][..]);
    let change = (net(), 0..3_u8).prop_map(|(entry, kind)| match kind {
        0 => WhitelistChange::Replace(vec![entry]),
        1 => WhitelistChange::Add(vec![entry]),
        _ => WhitelistChange::Remove(vec![entry]),
    });
    let classic_link = (group(), vpc(), groups(), select(&ClassicLinkMode::ALL[..]), 0..3_u8);
    prop_oneof![
        2 => (table(), net(), hop).prop_map(|(table, destination, next_hop)| Operation::AddRoute { table, destination, next_hop }),
        1 => (table(), net()).prop_map(|(table, destination)| Operation::RemoveRoute { table, destination }),
        3 => (group(), direction(), rule()).prop_map(|(group, direction, rule)| Operation::Authorize { group, direction, rule }),
        2 => (group(), direction(), rule()).prop_map(|(group, direction, rule)| Operation::Revoke { group, direction, rule }),
        2 => (instance(), group()).prop_map(|(instance, group)| Operation::Join { instance, group }),
        1 => (instance(), group()).prop_map(|(instance, group)| Operation::Leave { instance, group }),
        1 => (one_of(&["rm", "none"]), change).prop_map(|(service, change)| Operation::ChangeWhitelist { service, change }),
        1 => classic_link.prop_map(|(group, vpc, vpc_groups, mode, priority)| {
            let (protocol, port_range) = (Some(Protocol::TCP), PortRange::ALL);
            let description = None;
            let rule = ClassicLinkRule { group, vpc, vpc_groups, mode, protocol, port_range, priority, description };
            Operation::AuthorizeClassicLink(rule)
        }),
    ]
}

/// Operations that stand a chance: their objects go together.
fn likely() -> impl Strategy<Value = Operation> {
    let classic = || one_of(&["c-web", "c-new"]);
    let classic_group = || one_of(&["sg-classic", "sg-spare"]);
    let home = select(&[("vsw-shop", "172.16.1.30", "sg-shop"), ("vsw-store", "192.168.1.30", "sg-store")][..]);
    let into_vpc = (classic(), home).prop_map(|(instance, (vswitch, address, group))| Operation::MigrateIntoVpc {
        instance,
        vswitch: vswitch.to_owned(),
        private_ip: address.parse().unwrap(),
        security_groups: vec![group.to_owned()],
    });
    let classic_link = (classic_group(), select(&ClassicLinkMode::ALL[..])).prop_map(|(group, mode)| ClassicLinkRule {
        group,
        vpc: "shop".to_owned(),
        vpc_groups: vec!["sg-shop".to_owned()],
        mode,
        protocol: None,
        port_range: PortRange::ALL,
        priority: 1,
        description: None,
    });
    let declared = RuleRequest {
        protocol: Some(Protocol::TCP),
        port_range: "3306".parse().unwrap(),
        ..RuleRequest::accept(PeerRequest::Group("sg-classic".to_owned()))
    };
    let revoke = one_of(&["sg-shop", "sg-store"]).prop_map(move |group| Operation::Revoke {
        group,
        direction: Direction::Ingress,
        rule: declared.clone(),
    });
    let remove_route = one_of(&["vtb-routed", "vtb-own"])
        .prop_map(|table| Operation::RemoveRoute { table, destination: "10.0.0.0/8".parse().unwrap() });
    let secondary = (one_of(&["shop", "plan"]), any::<bool>()).prop_map(|(vpc, comes)| {
        let cidr = "192.168.128.0/18".parse().unwrap();
        if comes {
            Operation::AssociateSecondaryCidr { vpc, cidr }
        } else {
            Operation::UnassociateSecondaryCidr { vpc, cidr }
        }
    });
    prop_oneof![
        (classic(), one_of(&["shop", "store"])).prop_map(|(instance, vpc)| Operation::Detach { instance, vpc }),
        (classic(), classic_group()).prop_map(|(instance, group)| Operation::Join { instance, group }),
        (classic(), classic_group()).prop_map(|(instance, group)| Operation::Leave { instance, group }),
        classic().prop_map(|instance| Operation::Stop { instance }),
        classic().prop_map(|instance| Operation::Start { instance }),
        classic().prop_map(|instance| Operation::ReplaceSystemDisk { instance }),
        into_vpc,
        classic_link.prop_map(Operation::AuthorizeClassicLink),
        revoke,
        remove_route,
        secondary,
    ]
}

pub(super) fn operations() -> impl Strategy<Value = Vec<Operation>> {
    prop::collection::vec(
        prop_oneof![2 => on_a_link(), 1 => on_a_cidr(), 2 => on_an_instance(), 3 => on_tables_and_groups(), 2 => likely()],
        1..60,
    )
}

/// The keys whose objects differ, those that are in one world only included.
fn differing<T: PartialEq>(before: &Table<T>, after: &Table<T>) -> BTreeSet<Key<T>> {
    let keys = before.iter().chain(after.iter()).map(|(key, _)| key);
    keys.filter(|key| before.get(*key) != after.get(*key)).collect()
}

/// Everything that differs is named in `touched`.
fn tells_all(before: &World, after: &World, touched: &ChangeSet) {
    assert!(differing(&before.instances, &after.instances).iter().all(|key| touched.instances.contains(key)));
    assert!(differing(&before.services, &after.services).iter().all(|key| touched.services.contains(key)));
    assert!(differing(&before.vpcs, &after.vpcs).iter().all(|key| touched.vpcs.contains(key)));
    let tables = differing(&before.route_tables, &after.route_tables);
    assert!(tables.iter().all(|key| touched.vpcs.contains(&before.route_tables[*key].vpc.value)));
    let groups = differing(&before.security_groups, &after.security_groups);
    assert!(groups.iter().all(|key| touched.rules_of.contains(key)));
    let members = |world: &World, group| -> BTreeSet<Ipv4Addr> {
        let members = world.instances.values().filter(|one| one.security_groups.iter().any(|own| own.value == group));
        members.map(|member| *member.private_ip).collect()
    };
    for (key, _) in before.security_groups.iter() {
        assert!(members(before, key) == members(after, key) || touched.members_of.contains(&key));
    }
}

fn applied(world: &mut Checked, operation: &Operation) -> bool {
    let before = World::clone(world);
    let change = match plan(world, operation, Span::NONE) {
        Ok(change) => change,
        Err(refusal) => {
            assert!(!refusal.code().is_empty() && !refusal.message.is_empty());
            return false;
        }
    };
    let touched = change.carry_out(world);
    let errors: Vec<_> = check(world).into_iter().filter(|finding| finding.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{operation:?} was accepted and left {errors:?}");
    let fresh = WorldIndex::of(world);
    // Both are asked once, so that what is taken is compared too.
    let taken = |index: &WorldIndex| index.is_taken(world, world.vpcs.find("shop").unwrap(), Ipv4Addr::UNSPECIFIED);
    assert!(!taken(world.index()) && !taken(&fresh) && *world.index() == fresh, "{operation:?}");
    tells_all(&before, world, &touched);
    assert_eq!(touched.is_nothing(), before == **world);
    let compiled = compile(world, Epoch(2));
    assert_eq!(compiled.program.endpoints.len(), compiled.names.endpoints.len());
    true
}

/// Applies `operations` to the world of these tests; tells which were accepted.
fn applied_in_turn(operations: &[Operation]) -> Vec<bool> {
    let topology = Topology::from_toml("world.toml", WORLD).unwrap();
    let mut world = Checked::clone(&topology.world);
    operations.iter().map(|operation| applied(&mut world, operation)).collect()
}

proptest! {
    #![proptest_config(crate::cases::cases(64))]

    /// A refused operation cannot change the world: `plan` takes it as it is. This holds what accepted ones leave.
    #[test]
    fn an_accepted_operation_leaves_a_sound_world_and_tells_what_it_touched(operations in operations()) {
        applied_in_turn(&operations);
    }
}

#[test]
fn every_operation_is_accepted_in_some_of_these_worlds_and_refused_in_others() {
    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    for _ in 0..64 {
        let operations = operations().new_tree(&mut runner).unwrap().current();
        let names = operations.iter().map(Operation::name);
        seen.extend(names.zip(applied_in_turn(&operations)));
    }
    assert_eq!(seen.len(), 2 * 25, "{seen:?}");
}

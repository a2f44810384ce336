//! The snapshot that a change makes is the one that compiling the changed world as a whole would give, but for the
//! numbers of what it holds.

use super::properties::operations;
use super::world::WORLD;
use biplane::check::Checked;
use biplane::compile::{Compiled, compile, recompile};
use biplane::control::{Operation, plan};
use biplane::datapath::{DropLocation, Entry, Fabric, Frame, MatchedRule, Options, Outcome, Output, ShardId, Verdict};
use biplane::diag::Span;
use biplane::lab::Topology;
use biplane::net::Ipv4Net;
use biplane::program::{
    AclId, Action, Domain, DomainId, EndpointId, EndpointKind, Epoch, Name, Names, Owner, Program, RouteId, RuleId,
    VswitchId,
};
use biplane::table::lpm::TableId;
use biplane::time::SimTime;
use biplane::wire::PacketBuilder;
use proptest::prelude::*;
use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

/// A program with all its numbers read out.
struct Shown<'a> {
    program: &'a Program,
    names: &'a Names,
}

impl Shown<'_> {
    fn name(name: &Name) -> String {
        format!("{} at {:?}", name.text, name.span)
    }

    fn domain(&self, id: DomainId) -> String {
        let of_region = self.program.classic_domains.iter().position(|domain| *domain == id);
        format!("{} {of_region:?}", Self::name(&self.names.domains[id.index()]))
    }

    fn action(&self, action: Action) -> String {
        match action {
            Action::Local(VswitchId(vswitch)) => self.names.vswitches[vswitch as usize].text.clone(),
            Action::NextHop(hop) => self.names.endpoint(hop).to_owned(),
            Action::Peering(far) => self.domain(far),
            Action::Link(vpc) => format!("link into {}", self.domain(vpc)),
            other => format!("{other:?}"),
        }
    }

    fn table(&self, table: TableId) -> String {
        let route = |(prefix, id): (Ipv4Net, u32)| {
            let route = self.program.routes[RouteId(id).index()];
            assert_eq!(route.prefix, prefix);
            let longest = self.program.tables.lookup_prefix(table, prefix.addr());
            assert!(longest.is_some_and(|(longest, _)| prefix.contains(&longest)), "{prefix} in {longest:?}");
            format!("{prefix} {} {}", self.action(route.action), Self::name(&self.names.routes[RouteId(id).index()]))
        };
        self.program.tables.routes(table).map(route).collect::<Vec<_>>().join(", ")
    }

    fn rule(&self, rule: RuleId) -> String {
        let name = Self::name(&self.names.rules[rule.index()]);
        format!("{name}: {}", self.names.rule_texts[rule.index()])
    }

    fn acl(&self, id: AclId) -> String {
        let acl = self.program.acl(id);
        let mut text = format!("{} default {:?}:", Self::name(&self.names.acls[id.index()]), acl.default_effect());
        for rule in acl.rules() {
            let mut plain = *rule;
            plain.id = 0;
            let _ = write!(text, "\n    {plain:?} {}", self.rule(RuleId(rule.id)));
        }
        text
    }

    fn endpoint(&self, id: EndpointId) -> String {
        let endpoint = self.program.endpoint(id);
        let list = endpoint.whitelist.map(|id| {
            let entries = &self.program.whitelists[id.index()];
            format!("{entries:?} {}", Self::name(&self.names.whitelists[id.index()]))
        });
        let mut text = format!(
            "{:?} in {} at {} {} running {} forwarding {} {:?} link {:?} whitelist {list:?}",
            endpoint.kind,
            self.domain(endpoint.domain),
            endpoint.address,
            endpoint.mac,
            endpoint.running,
            endpoint.forwarding,
            self.program.subnet(id),
            endpoint.link.map(|vpc| self.domain(vpc)),
        );
        for (what, table) in [("table", endpoint.table), ("guest", endpoint.guest)] {
            let _ = write!(text, "\n  {what} {:?}", table.map(|table| self.table(table)));
        }
        for acl in [endpoint.egress, endpoint.ingress].into_iter().flatten() {
            let _ = write!(text, "\n  {}", self.acl(acl));
        }
        text
    }

    /// Link tables are shown with the instances that have them: one that no instance has any more may stay.
    fn vpc(&self, domain: &Domain) -> String {
        let vpc = match domain {
            Domain::Classic(classic) => {
                return [classic.instances, classic.services].map(|table| self.table(table)).join("\n  ");
            }
            Domain::Vpc(vpc) => vpc,
        };
        let tables = [vpc.system, vpc.over_link, vpc.local].map(|table| self.table(table)).join("\n  ");
        format!("{} {:?} {} {}\n  {tables}", vpc.primary, vpc.secondary, vpc.classic_link, vpc.speaker)
    }

    fn all(&self) -> String {
        let Shown { program, names } = self;
        let mut text = String::new();
        for (domain, name) in program.domains.iter().zip(names.domains.iter()) {
            let _ = writeln!(text, "{}: {}", Self::name(name), self.vpc(domain));
        }
        for index in 0..program.endpoints.len() {
            let id = EndpointId::from_index(index);
            // A released endpoint's name is still readable, but leads nowhere.
            let name = Some(names.endpoint(id)).filter(|name| names.find_endpoint(name) == Some(id));
            let _ = writeln!(text, "{name:?} {}", self.endpoint(id));
        }
        let mut owners: Vec<_> =
            program.owners.iter().map(|(address, owner)| (*address, *owner == Owner::Several)).collect();
        owners.sort_unstable();
        for (address, several) in owners {
            let _ = writeln!(text, "{address} {several} {:?}", program.candidates(address));
        }
        let mut hosts: Vec<_> = program.hosts.iter().collect();
        hosts.sort_unstable();
        let _ = writeln!(text, "{hosts:?}");
        for set in 0..program.address_sets.len() {
            let _ = writeln!(text, "{:?}", program.address_sets.members(set).collect::<Vec<_>>());
        }
        text
    }

    /// What became of a frame, in words.
    fn outcome(&self, outcome: &Outcome) -> String {
        let place = |at: DropLocation| match at {
            DropLocation::Endpoint(id) => self.names.endpoint(id).to_owned(),
            DropLocation::Domain(id) => self.domain(id),
            DropLocation::Outside => "outside".to_owned(),
        };
        let verdict = match outcome.verdict {
            Verdict::Delivered { to } => format!("delivered to {}", self.names.endpoint(to)),
            Verdict::Dropped { reason, at } => format!("{} at {}", reason.id(), place(at)),
            other => format!("{other:?}"),
        };
        let decider = match outcome.decider {
            MatchedRule::Rule(rule) => self.rule(rule),
            MatchedRule::GroupDefault(acl) => Self::name(&self.names.acls[acl.index()]),
            MatchedRule::Whitelist(id) => Self::name(&self.names.whitelists[id.index()]),
            MatchedRule::Route(route) => Self::name(&self.names.routes[route.index()]),
            other => format!("{other:?}"),
        };
        format!("{verdict} by {decider}, {} hops", outcome.hops)
    }
}

/// Applies an operation and makes the next snapshot; false where the operation is refused.
fn next(world: &mut Checked, operation: &Operation, compiled: &mut Compiled) -> bool {
    let Ok(change) = plan(world, operation, Span::NONE) else { return false };
    let touched = change.carry_out(world);
    let (program, names) = recompile(world, &touched, &compiled.program, &compiled.names, &mut compiled.index);
    assert_eq!(program.epoch.0, compiled.program.epoch.0 + 1);
    (compiled.program, compiled.names) = (program, names);
    true
}

/// The same, with a look at the snapshot before.
fn change(world: &mut Checked, operation: &Operation, compiled: &mut Compiled) -> bool {
    let (program, names) = (compiled.program.clone(), compiled.names.clone());
    let shown = Shown { program: &program, names: &names }.all();
    let accepted = next(world, operation, compiled);
    assert_eq!(Shown { program: &program, names: &names }.all(), shown, "the snapshot before stays as it was");
    accepted
}

/// Every endpoint that was not released sends to every address that somebody has, and to some that nobody has.
fn verdicts(program: &Program, names: &Names, ports: &[u16]) -> Vec<String> {
    let shown = Shown { program, names };
    let mut fabric = Fabric::new(Arc::new(program.clone()), Options::default());
    let mut output = Output::default();
    let mut targets: Vec<Ipv4Addr> = program.owners.iter().map(|(address, _)| *address).collect();
    targets.extend([[8, 8, 8, 8], [10, 200, 0, 1], [172, 16, 9, 9], [100, 64, 0, 1]].map(Ipv4Addr::from));
    targets.sort_unstable();
    let mut verdicts = Vec::new();
    let ids = (0..program.endpoints.len()).map(EndpointId::from_index);
    for from in ids.filter(|id| program.endpoint(*id).kind != EndpointKind::Released) {
        let (index, source) = (from.index(), program.endpoint(from).address);
        for (target, port) in targets.iter().flat_map(|target| ports.iter().map(move |port| (*target, *port))) {
            let packet = PacketBuilder::tcp(SocketAddrV4::new(source, 40000), SocketAddrV4::new(target, port)).syn();
            let bytes = packet.build();
            let (time, wire_length) = (SimTime::ZERO, bytes.len() as u32);
            let frame =
                Frame { bytes: &bytes, wire_length, time, entry: Entry::Injected(from), shard: ShardId::default() };
            fabric.process(&[frame], &mut output);
            verdicts.push(format!("{index} > {target}:{port} {}", shown.outcome(&output.outcomes[0])));
        }
    }
    verdicts
}

fn opened() -> (Checked, Compiled) {
    let topology = Topology::from_toml("world.toml", WORLD).unwrap();
    let world = Checked::clone(&topology.world);
    let compiled = compile(&world, Epoch(1));
    (world, compiled)
}

fn same(world: &Checked, compiled: &Compiled) {
    let whole = compile(world, compiled.program.epoch);
    let changed = Shown { program: &compiled.program, names: &compiled.names }.all();
    assert_eq!(changed, Shown { program: &whole.program, names: &whole.names }.all());
}

proptest! {
    #![proptest_config(crate::cases::cases(48))]

    #[test]
    fn changes_one_by_one_come_to_the_program_of_the_world_they_left(
        operations in operations(),
        ports in prop::collection::vec(prop::sample::select(&[22_u16, 80, 3306][..]), 1..3),
    ) {
        let (mut world, mut compiled) = opened();
        for operation in &operations {
            if change(&mut world, operation, &mut compiled) {
                same(&world, &compiled);
            }
        }
        let whole = compile(&world, compiled.program.epoch);
        let changed = verdicts(&compiled.program, &compiled.names, &ports);
        prop_assert_eq!(changed, verdicts(&whole.program, &whole.names, &ports));
    }
}

proptest! {
    #![proptest_config(crate::cases::cases(24))]

    /// Lists of rules, for one, are merged when they are first asked: here, after all changes.
    #[test]
    fn a_snapshot_and_its_world_stay_what_they_were_for_whoever_holds_them(operations in operations()) {
        let (mut world, mut compiled) = opened();
        let mut held = Vec::new();
        for operation in &operations {
            held.push((world.clone(), format!("{world:?}"), compiled.program.clone(), compiled.names.clone()));
            next(&mut world, operation, &mut compiled);
        }
        for (world, text, program, names) in &held {
            prop_assert_eq!(&format!("{world:?}"), text);
            let whole = compile(world, program.epoch);
            let shown = Shown { program, names }.all();
            prop_assert_eq!(shown, Shown { program: &whole.program, names: &whole.names }.all());
        }
    }

    #[test]
    fn two_ways_on_from_one_snapshot_do_not_meet(operations in operations(), fork in 0..8_usize) {
        let (mut world, mut compiled) = opened();
        let (first, rest) = operations.split_at(fork.min(operations.len()));
        first.iter().for_each(|operation| _ = next(&mut world, operation, &mut compiled));
        let mut other_world = world.clone();
        let (program, names, index) = (compiled.program.clone(), compiled.names.clone(), compiled.index.clone());
        let mut other = Compiled { program, names, index };
        for (one, last) in rest.iter().zip(rest.iter().rev()) {
            next(&mut world, one, &mut compiled);
            next(&mut other_world, last, &mut other);
        }
        same(&world, &compiled);
        same(&other_world, &other);
    }
}

#[test]
fn a_rule_changes_the_lists_of_the_sets_that_hold_its_group_and_shares_the_others() {
    let (mut world, mut compiled) = opened();
    let group = "sg-shop".to_owned();
    let peer = biplane::control::PeerRequest::Cidr("10.9.0.0/16".parse().unwrap());
    let (direction, rule) = (biplane::model::Direction::Ingress, biplane::control::RuleRequest::accept(peer));
    let before = compiled.program.clone();
    assert!(next(&mut world, &Operation::Authorize { group, direction, rule }, &mut compiled));
    let lists = before.acls.iter().zip(compiled.program.acls.iter()).zip(compiled.names.acls.iter());
    let mut changed = 0;
    for (index, ((old, new), name)) in lists.enumerate() {
        // Egress lists have even numbers.
        let concerned = index % 2 == 1 && name.text.split(" + ").any(|group| group == "sg-shop");
        assert_eq!(!Arc::ptr_eq(old, new), concerned, "{}", name.text);
        assert_eq!(new.rules().len() - old.rules().len(), usize::from(concerned));
        changed += usize::from(concerned);
    }
    assert!(changed > 0 && changed < before.acls.len() / 2, "{changed} of {}", before.acls.len());
}

/// What a program holds of each kind of thing.
fn sizes(compiled: &Compiled) -> [usize; 5] {
    let Compiled { program, names, .. } = compiled;
    [program.routes.len(), names.rules.len(), program.acls.len(), program.tables.len(), program.endpoints.len()]
}

/// 1,024 numbers of each kind wait before they are used again; beyond those nothing grows.
#[test]
fn a_long_run_of_changes_leaves_no_more_behind_than_is_stated() {
    let (mut world, mut compiled) = opened();
    let name = str::to_owned;
    let rule =
        biplane::control::RuleRequest::accept(biplane::control::PeerRequest::Cidr("10.9.0.0/16".parse().unwrap()));
    let direction = biplane::model::Direction::Ingress;
    let round = [
        Operation::AddRoute {
            table: name("shop"),
            destination: "172.31.0.0/16".parse().unwrap(),
            next_hop: name("ngw"),
        },
        Operation::RemoveRoute { table: name("shop"), destination: "172.31.0.0/16".parse().unwrap() },
        Operation::Authorize { group: name("sg-shop"), direction, rule: rule.clone() },
        Operation::Revoke { group: name("sg-shop"), direction, rule },
        Operation::AddGuestRoute { instance: name("c-new"), destination: "192.168.0.0/16".parse().unwrap() },
        Operation::ReplaceSystemDisk { instance: name("c-new") },
        Operation::Start { instance: name("c-new") },
        Operation::Stop { instance: name("c-new") },
        Operation::Join { instance: name("c-new"), group: name("sg-spare") },
        Operation::Leave { instance: name("c-new"), group: name("sg-spare") },
    ];
    let before = sizes(&compiled);
    let mut accepted = [0_usize; 10];
    for _ in 0..1100 {
        for (operation, accepted) in round.iter().zip(&mut accepted) {
            let Ok(change) = plan(&world, operation, Span::NONE) else { continue };
            let touched = change.carry_out(&mut world);
            let (program, names) = recompile(&world, &touched, &compiled.program, &compiled.names, &mut compiled.index);
            (compiled.program, compiled.names) = (program, names);
            *accepted += 1;
        }
    }
    assert!(accepted.iter().filter(|count| **count >= 1099).count() >= 8, "{accepted:?}");
    let grown = sizes(&compiled);
    for ((kind, before), grown) in ["routes", "rules", "lists", "tables", "endpoints"].iter().zip(before).zip(grown) {
        // Lists come in pairs, and each kind has a few in use at once.
        assert!(grown <= before + 2 * 1024 + 8, "{kind}: {before} before, {grown} after");
    }
    assert!(grown[3] <= before[3] + 2 && grown[4] == before[4], "{grown:?}");
    same(&world, &compiled);
}

//! The steps of a plan, and the copy of the world that they are applied to.

use super::Conflict;
use crate::control::{self, Operation};
use crate::diag::{Diagnostic, Severity, Span, Spanned};
use crate::lab::Topology;
use crate::model::{GroupKind, Network, Peering, Placement, Policy, SecurityGroup, Vpc, Vswitch, World};
use crate::net::Ipv4Net;

/// One step. Objects are named by id, as operations name them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PlanStep {
    /// An operation of the vendor's on what there is.
    Operate(Operation),
    /// A VPC is made.
    MakeVpc { id: String, cidr: Ipv4Net, region: String, account: String },
    /// A vSwitch is made.
    MakeVswitch { id: String, vpc: String, cidr: Ipv4Net },
    /// A basic security group is made.
    MakeGroup { id: String, home: GroupHome },
    /// A peering connection is made, and accepted.
    MakePeering { id: String, vpcs: [String; 2] },
}

/// Where a new group lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum GroupHome {
    Vpc(String),
    Classic { region: String, account: String },
}

/// A copy of the topology, to be changed.
pub(super) struct WorldDraft {
    topology: Topology,
}

impl WorldDraft {
    pub(super) fn of(topology: &Topology) -> WorldDraft {
        WorldDraft { topology: topology.clone() }
    }

    pub(super) fn world(&self) -> &World {
        &self.topology.world
    }

    pub(super) fn topology(&self) -> &Topology {
        &self.topology
    }

    /// Applies `step`: an operation as the vendor does, with its preconditions; what is made as the rules of
    /// [`crate::check`] allow. A step that is refused changes nothing.
    pub(super) fn apply(&mut self, step: &PlanStep) -> Result<(), Conflict> {
        if let PlanStep::Operate(operation) = step {
            let change = control::plan(&self.topology.world, operation, Span::NONE).map_err(Conflict::refused)?;
            self.topology.carry_out(change);
            return Ok(());
        }
        let mut world = self.world().clone();
        make(&mut world, step);
        // No operation makes an object, so the world is compiled as a whole.
        self.topology = self.topology.with_world(world).map_err(|findings| broken(&findings))?;
        Ok(())
    }
}

/// The first rule that a step would break.
fn broken(findings: &[Diagnostic]) -> Conflict {
    let error = findings.iter().find(|finding| finding.severity == Severity::Error);
    Conflict::found(error.unwrap_or(&findings[0]))
}

/// Adds what a step makes. The names in it were looked up when it was planned.
fn make(world: &mut World, step: &PlanStep) {
    match step {
        PlanStep::Operate(_) => {}
        PlanStep::MakeVpc { id, cidr, region, account } => {
            let vpc = Vpc {
                id: unplaced(id),
                cidr: Spanned::unplaced(*cidr),
                secondary_cidrs: Vec::new(),
                classic_link: Spanned::unplaced(false),
                routes: Vec::new(),
                placement: placement(region, account),
                about: None,
            };
            let _ = world.vpcs.insert(vpc);
        }
        PlanStep::MakeVswitch { id, vpc, cidr } => {
            let Some(vpc) = world.vpcs.find(vpc) else { return };
            let vswitch = Vswitch {
                id: unplaced(id),
                vpc: Spanned::unplaced(vpc),
                cidr: Spanned::unplaced(*cidr),
                route_table: None,
                zone: None,
                placement: Placement::default(),
                about: None,
            };
            let _ = world.vswitches.insert(vswitch);
        }
        PlanStep::MakeGroup { id, home } => {
            let (network, placement) = match home {
                GroupHome::Vpc(vpc) => (world.vpcs.find(vpc).map(Network::Vpc), Placement::default()),
                GroupHome::Classic { region, account } => (Some(Network::Classic), placement(region, account)),
            };
            let Some(network) = network else { return };
            let group = SecurityGroup {
                id: unplaced(id),
                network: Spanned::unplaced(network),
                kind: Spanned::unplaced(GroupKind::Basic),
                intra_group: Spanned::unplaced(Policy::Accept),
                unknown_rules: None,
                ingress: Vec::new(),
                egress: Vec::new(),
                placement,
                about: None,
            };
            let _ = world.security_groups.insert(group);
        }
        PlanStep::MakePeering { id, vpcs: [one, two] } => {
            let (Some(one), Some(two)) = (world.vpcs.find(one), world.vpcs.find(two)) else { return };
            let peering = Peering { id: unplaced(id), vpcs: [one, two].map(Spanned::unplaced), about: None };
            let _ = world.peerings.insert(peering);
        }
    }
}

fn unplaced(id: &str) -> Spanned<String> {
    Spanned::unplaced(id.to_owned())
}

fn placement(region: &str, account: &str) -> Placement {
    let shared = |text: &str| Some(Spanned::unplaced(text.into()));
    Placement { region: shared(region), account: shared(account) }
}

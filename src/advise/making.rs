//! Steps in words: operations as every remedy names them, and what is made beside them, VPCs, vSwitches, groups and
//! peerings.

use super::step::{GroupHome, PlanStep};
use crate::diag::Sources;
use crate::model::World;
use crate::remedy::{self, call, set, table, vpc_region};
use crate::report::{AdvisedStep, TopologyEdit};
use crate::text::quoted;

/// Says what `step` does to `world`, to which it was not yet applied.
pub(super) fn describe(step: &PlanStep, world: &World, sources: &Sources) -> AdvisedStep {
    Maker { world, sources }.step(step)
}

struct Maker<'w> {
    world: &'w World,
    sources: &'w Sources,
}

impl Maker<'_> {
    fn step(&self, step: &PlanStep) -> AdvisedStep {
        let (what, operations, topology) = match step {
            PlanStep::Operate(operation) => return remedy::describe(operation, self.world, self.sources),
            PlanStep::MakeVpc { id, cidr, region, account } => (
                format!("make a VPC of account {account} in {region}: {id}, {cidr}"),
                vec![call("vpc CreateVpc", &[("RegionId", region), ("VpcName", id), ("CidrBlock", &cidr.to_string())])],
                set(
                    table("vpc", id),
                    &[("cidr", quoted(&cidr.to_string())), ("region", quoted(region)), ("account", quoted(account))],
                    &[],
                ),
            ),
            PlanStep::MakeVswitch { id, vpc, cidr } => (
                format!("make a vSwitch in {vpc}: {id}, {cidr}"),
                vec![call(
                    "vpc CreateVSwitch",
                    &[("VpcId", vpc), ("VSwitchName", id), ("CidrBlock", &cidr.to_string()), ("ZoneId", "ZONE")],
                )],
                set(table("vswitch", id), &[("vpc", quoted(vpc)), ("cidr", quoted(&cidr.to_string()))], &[]),
            ),
            PlanStep::MakeGroup { id, home } => self.making_group(id, home),
            PlanStep::MakePeering { id, vpcs: [one, two] } => self.making_peering(id, one, two),
        };
        AdvisedStep { what, operations, topology: Some(topology), source: None }
    }

    fn making_group(&self, id: &str, home: &GroupHome) -> (String, Vec<String>, TopologyEdit) {
        let header = table("security_group", id);
        match home {
            GroupHome::Vpc(vpc) => (
                format!("make a security group in {vpc}, for what its instance needs: {id}"),
                vec![call(
                    "ecs CreateSecurityGroup",
                    &[("RegionId", vpc_region(self.world, vpc)), ("VpcId", vpc), ("SecurityGroupName", id)],
                )],
                set(header, &[("vpc", quoted(vpc))], &[]),
            ),
            GroupHome::Classic { region, account } => (
                format!("make a classic security group of account {account} in {region}: {id}"),
                vec![call("ecs CreateSecurityGroup", &[("RegionId", region), ("SecurityGroupName", id)])],
                set(
                    header,
                    &[("network", quoted("classic")), ("region", quoted(region)), ("account", quoted(account))],
                    &[],
                ),
            ),
        }
    }

    fn making_peering(&self, id: &str, one: &str, two: &str) -> (String, Vec<String>, TopologyEdit) {
        let account = |vpc: &str| self.world.vpcs.find(vpc).map_or("", |key| self.world.vpc_account(key).as_str());
        let mut parameters = vec![
            ("RegionId", vpc_region(self.world, one)),
            ("VpcId", one),
            ("AcceptingRegionId", vpc_region(self.world, two)),
            ("AcceptingVpcId", two),
        ];
        let mut operations = Vec::new();
        if account(one) == account(two) {
            operations.push(call("vpcpeer CreateVpcPeerConnection", &parameters));
        } else {
            parameters.push(("AcceptingAliUid", account(two)));
            operations.push(call("vpcpeer CreateVpcPeerConnection", &parameters));
            let accept = call("vpcpeer AcceptVpcPeerConnection", &[("InstanceId", id)]);
            operations.push(format!("{accept}   # as account {}", account(two)));
        }
        let vpcs = format!("[{}, {}]", quoted(one), quoted(two));
        (
            format!("connect {one} and {two} by a peering: {id}"),
            operations,
            set(table("peering", id), &[("vpcs", vpcs)], &[]),
        )
    }
}

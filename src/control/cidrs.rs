//! The CIDRs of a VPC: the primary one is modified, secondary ones are associated and unassociated.
//!
//! Tests of ModifyVpcAttribute: the VPC, its ClassicLink, the CIDR itself, the secondary CIDRs, the vSwitches. Of
//! AssociateVpcCidrBlock in the order of the vendor's table: the VPC, the CIDR itself, the CIDRs that the VPC has, its
//! routes, the quota. Of UnassociateVpcCidrBlock: the VPC, that the CIDR is a secondary one of it, its vSwitches.
//!
//! Chosen where the vendor is silent or two pages differ:
//! - that ClassicLink freezes the primary CIDR is documented without a code: it is `IncorrectVpcStatus`, which
//!   ModifyVpcAttribute shares with EnableVpcClassicLink and DisableVpcClassicLink;
//! - all else that is wrong with a new primary CIDR is `InvalidCidrBlock.Malformed`, the only code about CIDRs in that
//!   table; "larger or smaller" is taken to mean any CIDR that leaves no vSwitch outside;
//! - a secondary CIDR conflicts with a route whose destination it equals or contains, as a vSwitch does, system routes
//!   included; it may lie inside a wider destination;
//! - ClassicLink leaves secondary CIDRs free: they take no part in it;
//! - UnassociateVpcCidrBlock asks that the vSwitches be deleted first
//!   (<https://alibabacloud.com/help/en/vpc/api-unassociatevpccidrblock>) and has no codes here: a CIDR with a vSwitch is
//!   `DependencyViolation.VSwitch`, as in DeleteVpc; the others are as in AssociateVpcCidrBlock.

use super::change::{Edit, TableKey};
use super::{PlanDecision, Planner, Refusal, RefusalRecord};
use crate::check::forbidden_range;
use crate::check::limits::{SECONDARY_CIDRS_PER_VPC, VPC_CIDR_LENGTHS};
use crate::diag::citation;
use crate::model::{Key, Vpc, Vswitch, ranges};
use crate::net::{Ipv4Net, overlap};

const fn modify(code: &'static str, summary: &'static str, remedy: &'static str) -> RefusalRecord {
    RefusalRecord { code, status: Some(400), also: &[], summary, remedy, source: citation::MODIFY_VPC }
}

const fn associate(code: &'static str, summary: &'static str, remedy: &'static str) -> RefusalRecord {
    RefusalRecord { code, status: Some(400), also: &[], summary, remedy, source: citation::SECONDARY_CIDR }
}

const fn unassociate(code: &'static str, summary: &'static str, remedy: &'static str) -> RefusalRecord {
    RefusalRecord { code, status: Some(400), also: &[], summary, remedy, source: citation::OWN_CHOICE }
}

static MODIFY_NO_VPC: RefusalRecord =
    RefusalRecord { status: Some(404), ..modify("InvalidVpcId.NotFound", "no such VPC", "name a VPC of the topology") };

static FROZEN: RefusalRecord = modify(
    "IncorrectVpcStatus",
    "the primary CIDR of a VPC with ClassicLink on cannot be modified",
    "detach every instance that is linked to the VPC, disable ClassicLink, modify the CIDR, then link them again",
);

static PRIMARY_RANGE: RefusalRecord = modify(
    "InvalidCidrBlock.Malformed",
    "the primary CIDR cannot be that of a VPC",
    "write a network address of /8 to /28 inside 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16",
);

static PRIMARY_OVERLAP: RefusalRecord = modify(
    "InvalidCidrBlock.Malformed",
    "the primary CIDR overlaps a secondary one",
    "choose a CIDR beside the secondary ones, or unassociate the one in its way",
);

static LEFT_OUTSIDE: RefusalRecord = modify(
    "InvalidCidrBlock.Malformed",
    "the primary CIDR leaves a vSwitch outside",
    "choose a CIDR around every vSwitch that is not in a secondary one",
);

static ASSOCIATE_NO_VPC: RefusalRecord = associate("InvalidVpc.NotFound", "no such VPC", "name a VPC of the topology");

static MALFORMED: RefusalRecord =
    associate("InvalidCidrBlock.Malformed", "the secondary CIDR has host bits set", "write the network address");

static SECONDARY_RANGE: RefusalRecord = associate(
    "IllegalParam.SecondaryCidrBlock",
    "the secondary CIDR cannot be that of a VPC",
    "choose a prefix from /8 to /28 outside 0.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16 and 224.0.0.0/4",
);

static SECONDARY_OVERLAP: RefusalRecord = associate(
    "Duplicated.SecondaryCidrBlock",
    "the secondary CIDR overlaps another CIDR of the VPC",
    "choose a CIDR beside those that the VPC has",
);

static ROUTE_CONFLICT: RefusalRecord = associate(
    "OperationFailed.ConflictWithEntry",
    "the secondary CIDR equals or contains the destination of a route of the VPC",
    "remove the route, or choose a CIDR that contains no destination; one inside a wider destination is allowed",
);

static QUOTA: RefusalRecord = associate(
    "QuotaExceeded.VpcMultiCidr",
    "the VPC has 5 secondary CIDRs, as many as it takes",
    "unassociate a secondary CIDR that has no vSwitches",
);

static UNASSOCIATE_NO_VPC: RefusalRecord = ASSOCIATE_NO_VPC.on_page(citation::OWN_CHOICE);

static NOT_SECONDARY: RefusalRecord = unassociate(
    "IllegalParam.SecondaryCidrBlock",
    "the VPC has no such secondary CIDR",
    "name a secondary CIDR exactly as the VPC has it",
);

static IN_USE: RefusalRecord = unassociate(
    "DependencyViolation.VSwitch",
    "a vSwitch lies in the secondary CIDR",
    "take the vSwitches in the secondary CIDR out of the topology first",
);

/// Every refusal of this file.
pub(super) static RECORDS: &[&RefusalRecord] = &[
    &MODIFY_NO_VPC,
    &FROZEN,
    &PRIMARY_RANGE,
    &PRIMARY_OVERLAP,
    &LEFT_OUTSIDE,
    &ASSOCIATE_NO_VPC,
    &MALFORMED,
    &SECONDARY_RANGE,
    &SECONDARY_OVERLAP,
    &ROUTE_CONFLICT,
    &QUOTA,
    &UNASSOCIATE_NO_VPC,
    &NOT_SECONDARY,
    &IN_USE,
];

impl Planner<'_> {
    pub(super) fn modify_primary_cidr(&self, vpc: &str, cidr: Ipv4Net) -> PlanDecision {
        let (key, owner) = self.vpc_or(&MODIFY_NO_VPC, vpc)?;
        if *owner.classic_link {
            let message = format!("ClassicLink is on for `{vpc}`: its primary CIDR stays `{}`", *owner.cidr);
            return Err(FROZEN.because(message));
        }
        if let Some(message) = host_bits(cidr).or_else(|| out_of_range(cidr)) {
            return Err(PRIMARY_RANGE.because(message));
        }
        if let Some(other) = owner.secondary_cidrs.iter().find(|other| overlap(other.value, cidr)) {
            let message = format!("`{cidr}` overlaps `{}`, a secondary CIDR of `{vpc}`", other.value);
            return Err(PRIMARY_OVERLAP.because(message));
        }
        let in_secondary = |vswitch: &Vswitch| owner.secondary_cidrs.iter().any(|other| other.contains(&*vswitch.cidr));
        let mut outside =
            self.vswitches(key).filter(|vswitch| !cidr.contains(&*vswitch.cidr) && !in_secondary(vswitch));
        if let Some(vswitch) = outside.next() {
            let message = format!("`{}` (`{}`) would lie outside `{cidr}`", *vswitch.id, *vswitch.cidr);
            return Err(LEFT_OUTSIDE.because(message));
        }
        Ok(if *owner.cidr == cidr { Vec::new() } else { vec![Edit::PrimaryCidr(key, cidr)] })
    }

    pub(super) fn associate_secondary_cidr(&self, vpc: &str, cidr: Ipv4Net) -> PlanDecision {
        let (key, owner) = self.vpc_or(&ASSOCIATE_NO_VPC, vpc)?;
        if let Some(message) = host_bits(cidr) {
            return Err(MALFORMED.because(message));
        }
        if let Some(message) = out_of_range(cidr) {
            return Err(SECONDARY_RANGE.because(message));
        }
        let mut others = std::iter::once(&owner.cidr).chain(&owner.secondary_cidrs);
        if let Some(other) = others.find(|other| overlap(other.value, cidr)) {
            return Err(SECONDARY_OVERLAP.because(format!("`{cidr}` overlaps `{}` of `{vpc}`", other.value)));
        }
        if let Some((table, destination)) = self.route_inside(key, cidr) {
            let message = format!("{table} has a route to `{destination}`, which `{cidr}` covers");
            return Err(ROUTE_CONFLICT.because(message));
        }
        let count = owner.secondary_cidrs.len();
        if count >= SECONDARY_CIDRS_PER_VPC {
            return Err(QUOTA.because(format!("`{vpc}` has {count} secondary CIDRs, as many as it takes")));
        }
        Ok(vec![Edit::AddSecondaryCidr(key, cidr)])
    }

    pub(super) fn unassociate_secondary_cidr(&self, vpc: &str, cidr: Ipv4Net) -> PlanDecision {
        let (key, owner) = self.vpc_or(&UNASSOCIATE_NO_VPC, vpc)?;
        let Some(position) = owner.secondary_cidrs.iter().position(|other| other.value == cidr) else {
            return Err(NOT_SECONDARY.because(format!("`{cidr}` is no secondary CIDR of `{vpc}`")));
        };
        if let Some(vswitch) = self.vswitches(key).find(|vswitch| cidr.contains(&*vswitch.cidr)) {
            return Err(IN_USE.because(format!("`{}` (`{}`) lies in `{cidr}`", *vswitch.id, *vswitch.cidr)));
        }
        Ok(vec![Edit::RemoveSecondaryCidr(key, position)])
    }

    fn vpc_or(&self, missing: &'static RefusalRecord, id: &str) -> Result<(Key<Vpc>, &Vpc), Refusal> {
        let key = self.world.vpcs.find(id).ok_or_else(|| missing.because(format!("there is no VPC `{id}`")))?;
        Ok((key, &self.world.vpcs[key]))
    }

    fn vswitches(&self, vpc: Key<Vpc>) -> impl Iterator<Item = &Vswitch> {
        self.index.vswitches(vpc).iter().map(|key| &self.world.vswitches[*key])
    }

    /// A route of `vpc` to `cidr` or into it, as the name of its table and its destination. Those of vSwitches lie in
    /// CIDRs that the VPC has.
    fn route_inside(&self, vpc: Key<Vpc>, cidr: Ipv4Net) -> Option<(String, Ipv4Net)> {
        let classic_link = self.world.vpcs[vpc].classic_link.then_some(ranges::CLASSIC);
        let mut system = std::iter::once(ranges::CLOUD_SERVICES).chain(classic_link);
        if let Some(destination) = system.find(|destination| cidr.contains(destination)) {
            return Some((self.table_name(TableKey::System(vpc)), destination));
        }
        let custom = self.index.custom_tables(vpc).iter().map(|key| TableKey::Custom(*key));
        std::iter::once(TableKey::System(vpc)).chain(custom).find_map(|table| {
            let destinations = table.routes(self.world).iter().map(|route| *route.destination);
            let inside = destinations.into_iter().find(|destination| cidr.contains(destination))?;
            Some((self.table_name(table), inside))
        })
    }
}

/// What is wrong with a prefix that is no network address.
pub(super) fn host_bits(net: Ipv4Net) -> Option<String> {
    (net.trunc() != net).then(|| format!("`{net}` has host bits set; the network is `{}`", net.trunc()))
}

/// What is wrong with a prefix that no VPC may have, whatever else is in it.
fn out_of_range(cidr: Ipv4Net) -> Option<String> {
    if !VPC_CIDR_LENGTHS.contains(&cidr.prefix_len()) {
        return Some(format!("the length of `{cidr}` is outside /8 to /28"));
    }
    forbidden_range(cidr).map(|range| format!("`{cidr}` lies in {range}"))
}

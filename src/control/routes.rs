//! Custom route entries.
//!
//! Tests of CreateRouteEntry in the order of the vendor's table: the table, its quota, the destination, its uniqueness,
//! the next hop and its kind, that it is in the table's VPC. Of DeleteRouteEntry: the table, that the entry is a custom
//! one, that it exists.
//!
//! Chosen where the vendor is silent or two pages differ:
//! - 10.0.0.0/8 in a VPC with ClassicLink on is a duplicate of the route that ClassicLink added:
//!   `InvalidCIDRBlock.Duplicate`; the same table of errors also has `RouteConflict.AlreadyExist`;
//! - the destination of a vSwitch is a duplicate too; one inside a vSwitch or inside 100.64.0.0/10 is `InvalidCidrBlock`;
//! - an instance outside the VPC is `OperationFailed.InstanceDismatchCurrentVpc`, a gateway or peering `InvalidNexthop`;
//! - a next hop that is stopped or does not forward is accepted: the route swallows its traffic.

use super::change::{Edit, TableKey};
use super::cidrs::host_bits;
use super::{PlanDecision, Planner, Refusal, RefusalRecord};
use crate::check::limits::ROUTES_PER_TABLE;
use crate::diag::{Spanned, citation};
use crate::model::{Key, Network, NextHop, Route, Vpc, ranges};
use crate::net::Ipv4Net;

static NO_TABLE: RefusalRecord = RefusalRecord {
    code: "InvalidRouteTableId.NotFound",
    status: Some(404),
    also: &[],
    summary: "no such route table",
    remedy: "name a custom route table, or a VPC for its system table",
    source: citation::ROUTE_ENTRY,
};

static QUOTA: RefusalRecord = RefusalRecord {
    code: "QuotaExceeded",
    status: Some(400),
    also: &[],
    summary: "the table has 200 custom entries, as many as it takes",
    remedy: "merge neighbouring destinations, or use another table",
    source: citation::ROUTE_ENTRY,
};

static MALFORMED: RefusalRecord = RefusalRecord {
    code: "InvalidCidrBlock.Malformed",
    status: Some(400),
    also: &[],
    summary: "the destination has host bits set",
    remedy: "write the network address",
    source: citation::ROUTE_ENTRY,
};

static DESTINATION: RefusalRecord = RefusalRecord {
    code: "InvalidCidrBlock",
    status: Some(400),
    also: &[],
    summary: "the destination lies inside a vSwitch or inside 100.64.0.0/10",
    remedy: "choose a destination outside the VPC's vSwitches and 100.64.0.0/10; a wider one is allowed",
    source: citation::ROUTE_ENTRY,
};

static DUPLICATE: RefusalRecord = RefusalRecord {
    code: "InvalidCIDRBlock.Duplicate",
    status: Some(400),
    also: &["InvalidRouteEntry.Duplicate"],
    summary: "the table has a route to this destination",
    remedy: "remove the other route first",
    source: citation::ROUTE_ENTRY,
};

static CLASSIC_DUPLICATE: RefusalRecord = RefusalRecord {
    code: "InvalidCIDRBlock.Duplicate",
    status: Some(400),
    also: &["RouteConflict.AlreadyExist"],
    summary: "the destination is that of the route which ClassicLink added",
    remedy: "use narrower destinations, or disable ClassicLink for the VPC",
    source: citation::ROUTE_ENTRY,
};

static NO_HOP: RefusalRecord = RefusalRecord {
    code: "InvalidNextHop.NotFound",
    status: Some(404),
    also: &[],
    summary: "no such next hop",
    remedy: "name an instance, gateway or peering of the table's VPC",
    source: citation::ROUTE_ENTRY,
};

static HOP: RefusalRecord = RefusalRecord {
    code: "InvalidNexthop",
    status: Some(400),
    also: &[],
    summary: "the gateway or peering is not one of the table's VPC",
    remedy: "name a gateway of this VPC, or a peering that includes it",
    source: citation::ROUTE_ENTRY,
};

static HOP_TYPE: RefusalRecord = RefusalRecord {
    code: "InvalidNextHopType",
    status: Some(400),
    also: &[],
    summary: "a managed service cannot be a next hop",
    remedy: "name an instance, gateway or peering of the table's VPC",
    source: citation::ROUTE_ENTRY,
};

static HOP_ELSEWHERE: RefusalRecord = RefusalRecord {
    code: "OperationFailed.InstanceDismatchCurrentVpc",
    status: Some(400),
    also: &[],
    summary: "the instance is not in the table's VPC",
    remedy: "name an instance of this VPC",
    source: citation::ROUTE_ENTRY,
};

static NO_ENTRY: RefusalRecord = RefusalRecord {
    code: "InvalidRouteEntry.NotFound",
    status: Some(400),
    also: &[],
    summary: "the table has no custom route to this destination",
    remedy: "name the destination exactly as the route has it",
    source: citation::DELETE_ROUTE,
};

static SYSTEM_ENTRY: RefusalRecord = RefusalRecord {
    code: "OperationDenied",
    status: Some(400),
    also: &[],
    summary: "system routes are not removed",
    remedy: "they go with what they belong to: a vSwitch, ClassicLink, the VPC",
    source: citation::DELETE_ROUTE,
};

/// Every refusal of this file.
pub(super) static RECORDS: &[&RefusalRecord] = &[
    &NO_TABLE,
    &QUOTA,
    &MALFORMED,
    &DESTINATION,
    &DUPLICATE,
    &CLASSIC_DUPLICATE,
    &NO_HOP,
    &HOP,
    &HOP_TYPE,
    &HOP_ELSEWHERE,
    &NO_ENTRY,
    &SYSTEM_ENTRY,
];

impl Planner<'_> {
    fn table(&self, id: &str) -> Result<TableKey, Refusal> {
        let custom = self.world.route_tables.find(id).map(TableKey::Custom);
        let found = custom.or_else(|| self.world.vpcs.find(id).map(TableKey::System));
        found.ok_or_else(|| NO_TABLE.because(format!("there is no route table and no VPC `{id}`")))
    }

    pub(super) fn table_name(&self, table: TableKey) -> String {
        match table {
            TableKey::System(vpc) => format!("the system table of `{}`", *self.world.vpcs[vpc].id),
            TableKey::Custom(table) => format!("`{}`", *self.world.route_tables[table].id),
        }
    }

    /// The system route of `vpc` to exactly `destination`, in words.
    fn system_route(&self, vpc: Key<Vpc>, destination: Ipv4Net) -> Option<String> {
        let vswitches = || self.index.vswitches(vpc).iter().map(|key| &self.world.vswitches[*key]);
        if destination == ranges::CLOUD_SERVICES {
            Some("the cloud's own services".to_owned())
        } else if destination == ranges::CLASSIC && *self.world.vpcs[vpc].classic_link {
            Some("ClassicLink".to_owned())
        } else {
            vswitches().find(|vswitch| *vswitch.cidr == destination).map(|vswitch| format!("`{}`", *vswitch.id))
        }
    }

    pub(super) fn add_route(&self, table: &str, destination: Ipv4Net, next_hop: &str) -> PlanDecision {
        let key = self.table(table)?;
        let (vpc, name) = (key.vpc(self.world), self.table_name(key));
        let count = key.routes(self.world).len();
        if count >= ROUTES_PER_TABLE {
            return Err(QUOTA.because(format!("{name} has {count} custom routes, as many as it takes")));
        }
        self.destination(key, vpc, destination, &name)?;
        let next_hop = self.next_hop(vpc, next_hop)?;
        let route = Route {
            span: self.place,
            destination: Spanned::new(destination, self.place),
            next_hop: Spanned::new(next_hop, self.place),
            description: None,
        };
        Ok(vec![Edit::AddRoute(key, route)])
    }

    fn destination(&self, table: TableKey, vpc: Key<Vpc>, destination: Ipv4Net, name: &str) -> Result<(), Refusal> {
        if let Some(message) = host_bits(destination) {
            return Err(MALFORMED.because(message));
        }
        if ranges::CLOUD_SERVICES.contains(&destination) {
            let message = format!("`{destination}` lies inside {}, the cloud's own services", ranges::CLOUD_SERVICES);
            return Err(DESTINATION.because(message));
        }
        let vswitches = self.index.vswitches(vpc).iter().map(|key| &self.world.vswitches[*key]);
        let mut around = vswitches.filter(|vswitch| vswitch.cidr.contains(&destination));
        if let Some(vswitch) = around.find(|vswitch| *vswitch.cidr != destination) {
            let message = format!("`{destination}` lies inside `{}` (`{}`)", *vswitch.id, *vswitch.cidr);
            return Err(DESTINATION.because(message));
        }
        if let Some(of) = self.system_route(vpc, destination) {
            let record = if destination == ranges::CLASSIC { &CLASSIC_DUPLICATE } else { &DUPLICATE };
            return Err(record.because(format!("{name} has a system route to `{destination}`: that of {of}")));
        }
        if table.routes(self.world).iter().any(|route| *route.destination == destination) {
            return Err(DUPLICATE.because(format!("{name} has a custom route to `{destination}` already")));
        }
        Ok(())
    }

    fn next_hop(&self, vpc: Key<Vpc>, id: &str) -> Result<NextHop, Refusal> {
        let world = self.world;
        let home = &world.vpcs[vpc].id;
        if let Some(key) = world.instances.find(id) {
            let network = world.network(*world.instances[key].location);
            if network != Network::Vpc(vpc) {
                let network = self.network_name(network);
                return Err(HOP_ELSEWHERE.because(format!("`{id}` is in {network}, not in `{}`", **home)));
            }
            return Ok(NextHop::Instance(key));
        }
        if let Some(key) = world.gateways.find(id) {
            let owner = world.gateways[key].vpc.value;
            if owner != vpc {
                return Err(
                    HOP.because(format!("`{id}` is a gateway of `{}`, not of `{}`", *world.vpcs[owner].id, **home))
                );
            }
            return Ok(NextHop::Gateway(key));
        }
        if let Some(key) = world.peerings.find(id) {
            if world.peerings[key].vpcs.iter().all(|end| end.value != vpc) {
                return Err(HOP.because(format!("the peering `{id}` does not include `{}`", **home)));
            }
            return Ok(NextHop::Peering(key));
        }
        if world.services.find(id).is_some() {
            return Err(HOP_TYPE.because(format!("`{id}` is a managed service")));
        }
        Err(NO_HOP.because(format!("there is no instance, gateway or peering `{id}`")))
    }

    pub(super) fn remove_route(&self, table: &str, destination: Ipv4Net) -> PlanDecision {
        let key = self.table(table)?;
        let name = self.table_name(key);
        let position = key.routes(self.world).iter().position(|route| *route.destination == destination);
        if let Some(position) = position {
            return Ok(vec![Edit::RemoveRoute(key, position)]);
        }
        if let Some(of) = self.system_route(key.vpc(self.world), destination) {
            return Err(SYSTEM_ENTRY.because(format!("the route to `{destination}` in {name} is that of {of}")));
        }
        Err(NO_ENTRY.because(format!("{name} has no custom route to `{destination}`")))
    }
}

//! The vendor's scenario table: which mechanism joins which two sides.
//! Source: ClassicLink overview, "Scenarios"
//! (<https://www.alibabacloud.com/help/en/virtual-private-cloud/latest/classiclink-overview>); the cells that this page
//! has lost stand in <https://github.com/ralphchen/vpc>, a copy of the vendor's documents of 2018.

use super::side::{Plane, Side};

/// A cell of the scenario table, or one of two alternatives in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// Both sides are in one VPC, where everything is routed.
    SameVpc,
    /// Both sides are classic instances of one region: groups decide.
    Authorize {
        /// True where the sides belong to two accounts.
        across_accounts: bool,
    },
    /// The classic side is linked to the VPC of the other.
    ClassicLink,
    /// The classic side is transferred to the account of the VPC, then linked to it.
    TransferThenLink,
    /// Classic sides are migrated into VPCs, then the VPCs are connected.
    MigrateThenConnect(Migrated),
    /// The two VPCs are connected.
    Connect,
}

/// Which sides are migrated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Migrated {
    /// The one that opens the connection.
    Initiator,
    /// The one that it is opened to.
    Receiver,
    /// Both.
    Both,
}

impl Migrated {
    /// True where the initiator is migrated.
    pub fn initiator(self) -> bool {
        self != Migrated::Receiver
    }

    /// True where the receiver is migrated.
    pub fn receiver(self) -> bool {
        self != Migrated::Initiator
    }
}

impl Mechanism {
    /// The word for it in JSON.
    pub fn id(self) -> &'static str {
        match self {
            Mechanism::SameVpc => "same-vpc",
            Mechanism::Authorize { across_accounts: false } => "authorize",
            Mechanism::Authorize { across_accounts: true } => "authorize-across-accounts",
            Mechanism::ClassicLink => "classiclink",
            Mechanism::TransferThenLink => "transfer-then-classiclink",
            Mechanism::MigrateThenConnect(_) => "migrate-then-connect",
            Mechanism::Connect => "connect",
        }
    }

    /// What to do, in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Mechanism::SameVpc => "one VPC: nothing but security groups and routes",
            Mechanism::Authorize { across_accounts: false } => "authorize in security groups, within the account",
            Mechanism::Authorize { across_accounts: true } => "authorize in security groups, across accounts",
            Mechanism::ClassicLink => "make a ClassicLink",
            Mechanism::TransferThenLink => {
                "transfer the classic instance to the VPC's account, then make a ClassicLink"
            }
            Mechanism::MigrateThenConnect(Migrated::Initiator) => {
                "migrate the initiator into a VPC, then connect the VPCs"
            }
            Mechanism::MigrateThenConnect(Migrated::Receiver) => {
                "migrate the receiver into a VPC, then connect the VPCs"
            }
            Mechanism::MigrateThenConnect(Migrated::Both) => "migrate both into VPCs, then connect the VPCs",
            Mechanism::Connect => "connect the VPCs",
        }
    }

    /// What it takes between any two sides, in order.
    pub fn steps(self) -> &'static [&'static str] {
        const PERMIT: &str = "accept the traffic in the receiver's security group, from the initiator's group or address \
                              (AuthorizeSecurityGroup); a database has its whitelist instead";
        const ENABLE: &str = "enable ClassicLink for the VPC: its primary CIDR lies in 10.0.0.0/8, 172.16.0.0/12 or \
                              192.168.0.0/16, and no route table has a custom route to 10.0.0.0/8 (EnableVpcClassicLink)";
        const LINK: &str = "link the classic instance to the VPC (AttachClassicLinkVpc)";
        const SCRIPT: &str =
            "in a VPC of 192.168.0.0/16 run the routing script on the classic instance (`biplane guest-route`)";
        const CROSS: &str = "let the groups of the two planes name each other (the console's \"Add ClassicLink rule\")";
        const MIGRATE: &str = "migrate each classic side into a VPC of its account and region whose CIDR does not overlap the \
                               other side's (ECS console, migration plan)";
        const PEER: &str = "connect the two VPCs by a peering, Cloud Enterprise Network or Express Connect \
                            (CreateVpcPeerConnection)";
        const ROUTE: &str = "route each VPC's range to the connection in the other (CreateRouteEntry)";
        match self {
            Mechanism::SameVpc | Mechanism::Authorize { across_accounts: false } => &[PERMIT],
            Mechanism::Authorize { across_accounts: true } => &[
                "accept the traffic in the receiver's security group, from the initiator's group by its id and account \
                 (AuthorizeSecurityGroup with SourceGroupOwnerAccount)",
            ],
            Mechanism::ClassicLink => &[ENABLE, LINK, SCRIPT, CROSS],
            Mechanism::TransferThenLink => &[
                "transfer the classic instance to the account of the VPC, after its link is taken away (console)",
                ENABLE,
                LINK,
                SCRIPT,
                CROSS,
            ],
            Mechanism::MigrateThenConnect(_) => &[MIGRATE, PEER, ROUTE, PERMIT],
            Mechanism::Connect => &[PEER, ROUTE, PERMIT],
        }
    }
}

/// What the table says about traffic that `initiator` opens to `receiver`: one mechanism, or the alternatives A and B.
pub fn mechanisms(initiator: &Side, receiver: &Side) -> Vec<Mechanism> {
    let same_region = initiator.region == receiver.region;
    let same_account = initiator.account == receiver.account;
    match (&initiator.plane, &receiver.plane) {
        (Plane::Classic, Plane::Classic) if same_region => {
            vec![Mechanism::Authorize { across_accounts: !same_account }]
        }
        (Plane::Classic, Plane::Classic) => vec![Mechanism::MigrateThenConnect(Migrated::Both)],
        (Plane::Vpc(Some(one)), Plane::Vpc(Some(two))) if one == two => vec![Mechanism::SameVpc],
        (Plane::Vpc(_), Plane::Vpc(_)) => vec![Mechanism::Connect],
        _ if same_region && same_account => vec![Mechanism::ClassicLink],
        _ => {
            let migrated = if initiator.is_classic() { Migrated::Initiator } else { Migrated::Receiver };
            let migrate = Mechanism::MigrateThenConnect(migrated);
            if same_region { vec![migrate, Mechanism::TransferThenLink] } else { vec![migrate] }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table as the vendor prints it: a row for each of the initiator's relations, a column for the receiver's plane.
    const TABLE: &[(&str, &str, &str, &str)] = &[
        ("classic", "same region, same account", "authorize", "classiclink"),
        (
            "classic",
            "same region, other account",
            "authorize-across-accounts",
            "migrate-then-connect initiator | transfer-then-classiclink",
        ),
        ("classic", "other region, same account", "migrate-then-connect both", "migrate-then-connect initiator"),
        ("classic", "other region, other account", "migrate-then-connect both", "migrate-then-connect initiator"),
        ("vpc", "same region, same account", "classiclink", "connect"),
        ("vpc", "same region, other account", "migrate-then-connect receiver | transfer-then-classiclink", "connect"),
        ("vpc", "other region, same account", "migrate-then-connect receiver", "connect"),
        ("vpc", "other region, other account", "migrate-then-connect receiver", "connect"),
    ];

    fn side(plane: &str, relation: &str) -> Side {
        let own =
            |other: &str, own: &str, foreign: &str| if relation.contains(other) { foreign } else { own }.to_owned();
        Side {
            plane: if plane == "vpc" { Plane::Vpc(None) } else { Plane::Classic },
            region: own("other region", "cn-hangzhou", "cn-beijing"),
            account: own("other account", "main", "partner"),
        }
    }

    fn text(mechanisms: &[Mechanism]) -> String {
        let one = |mechanism: &Mechanism| match mechanism {
            Mechanism::MigrateThenConnect(migrated) => {
                format!("{} {}", mechanism.id(), format!("{migrated:?}").to_lowercase())
            }
            _ => mechanism.id().to_owned(),
        };
        mechanisms.iter().map(one).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn all_sixteen_cells_are_the_vendors() {
        for (initiator, relation, classic, vpc) in TABLE {
            for (receiver, expected) in [("classic", classic), ("vpc", vpc)] {
                let found = mechanisms(&side(initiator, ""), &side(receiver, relation));
                assert_eq!(text(&found), **expected, "{initiator} to {receiver}, {relation}");
                // Who is called the other does not matter.
                assert_eq!(mechanisms(&side(initiator, relation), &side(receiver, "")), found);
            }
        }
    }

    #[test]
    fn one_vpc_needs_no_connection_and_its_twin_does() {
        let vpc = |id: &str| Side { plane: Plane::Vpc(Some(id.to_owned())), ..side("vpc", "") };
        assert_eq!(mechanisms(&vpc("a"), &vpc("a")), [Mechanism::SameVpc]);
        assert_eq!(mechanisms(&vpc("a"), &vpc("b")), [Mechanism::Connect]);
    }
}

//! The vendor's numbers, which [`crate::check`] holds a world against and [`crate::control`] an operation, and those
//! that a world has where its file gives none.

use crate::net::{Ipv4Net, ranges};
use crate::time::SimDuration;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

/// Classic instances linked to one VPC (<https://www.alibabacloud.com/help/doc-detail/59021.htm>, `QuotaExceeded`).
pub const LINKS_PER_VPC: usize = 1000;

/// Custom entries of one route table
/// (<https://help.aliyun.com/en/vpc/developer-reference/api-vpc-2016-04-28-createrouteentry>).
pub const ROUTES_PER_TABLE: usize = 200;

/// Custom vSwitch route tables of one VPC, beside the system table
/// (<https://help.aliyun.com/zh/vpc/user-guide/route-table-overview>).
pub const CUSTOM_TABLES_PER_VPC: usize = 9;

/// Secondary CIDRs of one VPC (<https://alibabacloud.com/help/en/vpc/api-associatevpccidrblock>).
pub const SECONDARY_CIDRS_PER_VPC: usize = 5;

/// Prefix lengths of primary and secondary CIDRs.
pub const VPC_CIDR_LENGTHS: RangeInclusive<u8> = 8..=28;

/// Prefix lengths of vSwitches.
pub const VSWITCH_LENGTHS: RangeInclusive<u8> = 16..=29;

/// Addresses at the beginning and at the end of a vSwitch that the vendor keeps for itself: .0, .253, .254 and .255 of
/// a /24, which leaves 252.
pub const VSWITCH_RESERVED: (u32, u32) = (1, 3);

/// Security groups of one instance.
pub const GROUPS_PER_INSTANCE: RangeInclusive<usize> = 1..=5;

/// Priorities of rules: the smaller one is asked first. A user can give 1 to 100
/// (<https://alibabacloud.com/help/en/ecs/api-authorizesecuritygroup>); those beyond are of rules that the vendor made.
pub const RULE_PRIORITIES: RangeInclusive<u8> = 1..=110;

/// Rules of one security group, ingress and egress together
/// (<https://alibabacloud.com/help/en/ecs/api-authorizesecuritygroup>).
pub const RULES_PER_GROUP: usize = 200;

/// Rules of one basic group that name other groups, since 2024.
pub const GROUP_PEERS_PER_GROUP: usize = 20;

/// Security groups of one account in one region.
pub const GROUPS_PER_ACCOUNT: usize = 100;

/// Members of a classic group.
pub const CLASSIC_GROUP_MEMBERS: usize = 1000;

/// Members of a basic group of a VPC: today's figure; it was 2000 private addresses in 2021.
pub const VPC_GROUP_MEMBERS: usize = 6000;

/// Members of an enterprise group.
pub const ENTERPRISE_GROUP_MEMBERS: usize = 65_536;

/// Entries of all whitelists of one database (<https://www.alibabacloud.com/help/doc-detail/43185.htm>).
pub const WHITELIST_ENTRIES: usize = 1000;

/// Entries of the access control list of a load balancer (<https://github.com/AlibabaCloudDocs/slb>).
pub const ACCESS_LIST_ENTRIES: usize = 300;

/// Characters of a rule's description (<https://alibabacloud.com/help/en/ecs/api-authorizesecuritygroup>).
pub const DESCRIPTION_CHARACTERS: usize = 512;

/// How long the vendor holds a session (<https://www.alibabacloud.com/help/en/ecs/user-guide/security-group-rules>).
pub const SESSION_TIMEOUT: SimDuration = SimDuration::from_secs(910);

/// Bytes of the largest IPv4 packet that every path of the vendor carries
/// (<https://www.alibabacloud.com/help/en/ecs/user-guide/mtus/>).
pub const MTU: u16 = 1500;

/// Bytes of the smallest MTU: what every IPv4 host must carry unfragmented (<https://www.rfc-editor.org/rfc/rfc791>).
pub const LEAST_MTU: u16 = 68;

/// Sessions that are kept at most, in 64 parts, where the file does not say; biplane's own choice.
pub const SESSION_LIMIT: u32 = 64 * 262_144;

const fn net(a: u8, b: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, 0, 0), length)
}

/// Ranges that no CIDR of a VPC may be or lie in
/// (<https://alibabacloud.com/help/en/vpc/api-associatevpccidrblock>).
pub const FORBIDDEN_CIDRS: [Ipv4Net; 5] =
    [net(0, 0, 8), ranges::CLOUD_SERVICES, net(127, 0, 8), net(169, 254, 16), net(224, 0, 4)];

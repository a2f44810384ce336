//! Public addresses of the vendor's pages that more than one rule rests on.

pub(super) const CLASSIC_LINK: &str =
    "https://www.alibabacloud.com/help/en/virtual-private-cloud/latest/classiclink-overview";
pub(super) const ATTACH: &str = "https://www.alibabacloud.com/help/doc-detail/59021.htm";
pub(super) const NETWORK_TYPES: &str = "https://github.com/AlibabaCloudDocs/ecs";
pub(super) const VPC_CIDR: &str = "https://www.alibabacloud.com/help/doc-detail/185311.htm";
pub(super) const SECONDARY_CIDR: &str = "https://alibabacloud.com/help/en/vpc/api-associatevpccidrblock";
pub(super) const VSWITCH: &str = "https://github.com/ralphchen/vpc";
pub(super) const ROUTE_TABLE: &str = "https://help.aliyun.com/zh/vpc/user-guide/route-table-overview";
pub(super) const ROUTE_ENTRY: &str =
    "https://help.aliyun.com/en/vpc/developer-reference/api-vpc-2016-04-28-createrouteentry";
pub(super) const PEERING: &str =
    "https://www.alibabacloud.com/help/en/vpc/user-guide/vpc-peering-connection-configuration-example";
pub(super) const GROUP_RULES: &str = "https://www.alibabacloud.com/help/en/ecs/user-guide/security-group-rules";
pub(super) const GROUP_KINDS: &str =
    "https://help.aliyun.com/en/ecs/user-guide/basic-security-groups-and-advanced-security-groups";
pub(super) const GROUP_POLICY: &str = "https://alibabacloud.com/help/en/ecs/api-modifysecuritygrouppolicy";
pub(super) const AUTHORIZE: &str = "https://alibabacloud.com/help/en/ecs/api-authorizesecuritygroup";
pub(super) const WHITELIST: &str = "https://www.alibabacloud.com/help/doc-detail/43185.htm";
pub(super) const ACCESS_LIST: &str = "https://github.com/AlibabaCloudDocs/slb";
pub(super) const MTU: &str = "https://www.alibabacloud.com/help/en/ecs/user-guide/mtus/";

//! What reasons, rules and refusals rest on: public addresses, some with the title of the page meant.

/// What the vendor does not document.
pub const OWN_CHOICE: &str = "biplane's own choice";

// ClassicLink.
pub(crate) const CLASSIC_LINK: &str =
    "https://www.alibabacloud.com/help/en/virtual-private-cloud/latest/classiclink-overview";
pub(crate) const OVERVIEW_2018: &str = "https://github.com/ralphchen/vpc (ClassicLink overview, 2018)";
pub(crate) const LINK_LIMITS: &str = "https://www.alibabacloud.com/help/doc-detail/100380.htm";
pub(crate) const ENABLE: &str = "https://help.aliyun.com/document_detail/126745.htm";
pub(crate) const DISABLE: &str = "https://www.alibabacloud.com/help/zh/doc-detail/126744.htm";
pub(crate) const ATTACH: &str = "https://www.alibabacloud.com/help/doc-detail/59021.htm";
pub(crate) const DESCRIBE: &str =
    "https://www.alibabacloud.com/help/pt-br/ecs/developer-reference/api-ecs-2014-05-26-describeclassiclinkinstances";
pub(crate) const VPN_IN_CLASSIC: &str =
    "https://github.com/AlibabaCloudDocs/vpn (Use IPsec-VPN in the classic network)";

// VPCs, their CIDRs, routes and peerings.
pub(crate) const VPC_CIDR: &str = "https://www.alibabacloud.com/help/doc-detail/185311.htm";
pub(crate) const MODIFY_VPC: &str =
    "https://alibabacloud.com/help/en/vpc/developer-reference/api-vpc-2016-04-28-modifyvpcattribute";
pub(crate) const SECONDARY_CIDR: &str = "https://alibabacloud.com/help/en/vpc/api-associatevpccidrblock";
pub(crate) const VSWITCH: &str = "https://github.com/ralphchen/vpc";
pub(crate) const ROUTE_TABLE: &str = "https://help.aliyun.com/zh/vpc/user-guide/route-table-overview";
pub(crate) const ROUTE_ENTRY: &str =
    "https://help.aliyun.com/en/vpc/developer-reference/api-vpc-2016-04-28-createrouteentry";
pub(crate) const DELETE_ROUTE: &str = "https://help.aliyun.com/document_detail/36013.html";
pub(crate) const PEERING: &str =
    "https://www.alibabacloud.com/help/en/vpc/user-guide/vpc-peering-connection-configuration-example";
pub(crate) const PEERING_FAQ: &str = "https://www.alibabacloud.com/help/en/vpc/frequently-asked-questions";

// Instances and their security groups.
/// The vendor's documents of 2021: DetachClassicLinkVpc, the life of an instance, joining and leaving groups, rules.
pub(crate) const ECS: &str = "https://github.com/AlibabaCloudDocs/ecs";
pub(crate) const NETWORK_TYPES: &str = "https://github.com/AlibabaCloudDocs/ecs (Network types)";
pub(crate) const REPLACE_DISK: &str = "https://alibabacloud.com/help/en/ecs/api-replacesystemdisk";
pub(crate) const RELEASE: &str = "https://help.aliyun.com/document_detail/25507.html";
pub(crate) const MTU: &str = "https://www.alibabacloud.com/help/en/ecs/user-guide/mtus/";
pub(crate) const GROUP_RULES: &str = "https://www.alibabacloud.com/help/en/ecs/user-guide/security-group-rules";
pub(crate) const GROUP_KINDS: &str =
    "https://help.aliyun.com/en/ecs/user-guide/basic-security-groups-and-advanced-security-groups";
pub(crate) const GROUP_POLICY: &str = "https://alibabacloud.com/help/en/ecs/api-modifysecuritygrouppolicy";
pub(crate) const INSTANCE_RATES: &str = "https://github.com/AlibabaCloudDocs/ecs (Instance families)";
pub(crate) const AUTHORIZE: &str = "https://alibabacloud.com/help/en/ecs/api-authorizesecuritygroup";
pub(crate) const REVOKE: &str = "https://alibabacloud.com/help/en/ecs/api-revokesecuritygroup";

// Managed services.
pub(crate) const ELASTICSEARCH: &str = "https://github.com/AlibabaCloudDocs/elasticsearch";
pub(crate) const WHITELIST: &str = "https://www.alibabacloud.com/help/doc-detail/43185.htm";
pub(crate) const MODIFY_WHITELIST: &str = "https://alibabacloud.com/help/en/rds/api-modify-ip-address-whitelist";
pub(crate) const ACCESS_LIST: &str = "https://github.com/AlibabaCloudDocs/slb";

// Standards.
pub(crate) const RFC_791: &str = "https://www.rfc-editor.org/rfc/rfc791";
pub(crate) const RFC_826: &str = "https://www.rfc-editor.org/rfc/rfc826";
pub(crate) const RFC_1812: &str = "https://www.rfc-editor.org/rfc/rfc1812";
pub(crate) const JSON: &str = "https://www.rfc-editor.org/rfc/rfc8259";
pub(crate) const YAML: &str = "https://yaml.org/spec/1.2.2/";
pub(crate) const TOML: &str = "https://toml.io/en/v1.0.0";

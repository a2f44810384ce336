//! Public addresses of the vendor's pages whose error tables the operations follow.

pub(super) const ENABLE: &str = "https://help.aliyun.com/document_detail/126745.htm";
pub(super) const DISABLE: &str = "https://www.alibabacloud.com/help/zh/doc-detail/126744.htm";
/// The vendor's documents of 2021: DetachClassicLinkVpc, the life of an instance, joining and leaving groups, rules.
pub(super) const ECS: &str = "https://github.com/AlibabaCloudDocs/ecs";
pub(super) const DESCRIBE: &str =
    "https://www.alibabacloud.com/help/pt-br/ecs/developer-reference/api-ecs-2014-05-26-describeclassiclinkinstances";
pub(super) const REPLACE_DISK: &str = "https://alibabacloud.com/help/en/ecs/api-replacesystemdisk";
pub(super) const RELEASE: &str = "https://help.aliyun.com/document_detail/25507.html";
pub(super) const REVOKE: &str = "https://alibabacloud.com/help/en/ecs/api-revokesecuritygroup";
pub(super) const AUTHORIZE: &str = "https://alibabacloud.com/help/en/ecs/api-authorizesecuritygroup";
pub(super) const MODIFY_VPC: &str =
    "https://alibabacloud.com/help/en/vpc/developer-reference/api-vpc-2016-04-28-modifyvpcattribute";
pub(super) const ASSOCIATE_CIDR: &str = "https://alibabacloud.com/help/en/vpc/api-associatevpccidrblock";
pub(super) const CREATE_ROUTE: &str =
    "https://help.aliyun.com/en/vpc/developer-reference/api-vpc-2016-04-28-createrouteentry";
pub(super) const DELETE_ROUTE: &str = "https://help.aliyun.com/document_detail/36013.html";
pub(super) const WHITELIST: &str = "https://alibabacloud.com/help/en/rds/api-modify-ip-address-whitelist";
pub(super) const CLASSIC_LINK: &str =
    "https://www.alibabacloud.com/help/en/virtual-private-cloud/latest/classiclink-overview";

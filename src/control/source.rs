//! Public addresses of the vendor's pages whose error tables the operations follow.

pub(super) const ENABLE: &str = "https://help.aliyun.com/document_detail/126745.htm";
pub(super) const DISABLE: &str = "https://www.alibabacloud.com/help/zh/doc-detail/126744.htm";
pub(super) const DETACH: &str = "https://github.com/AlibabaCloudDocs/ecs";
pub(super) const START: &str = "https://github.com/AlibabaCloudDocs/ecs";

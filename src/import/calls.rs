//! The calls of the vendor's CLI that fill a gap.

use super::inventory::AnswerKind;
use crate::text::sh_word;

/// The call that gives an answer, in a region where it is known.
pub(super) fn call(answer: AnswerKind, region: Option<&str>, about: Option<&str>) -> String {
    let mut text = format!("aliyun {}", answer.call());
    if let Some(region) = region {
        text.push_str(" --RegionId ");
        text.push_str(&sh_word(region));
    }
    let parameter = match answer {
        AnswerKind::GroupRules => "--SecurityGroupId",
        AnswerKind::Links
        | AnswerKind::VpcAttributes
        | AnswerKind::Vpcs
        | AnswerKind::Vswitches
        | AnswerKind::RouteTables => "--VpcId",
        AnswerKind::RouteEntries => "--RouteTableId",
        AnswerKind::PrefixLists => "--PrefixListId",
        AnswerKind::Endpoints | AnswerKind::Whitelists | AnswerKind::AdmittedGroups => "--DBInstanceId",
        AnswerKind::Instances => "--InstanceIds",
        _ => return text,
    };
    if let Some(about) = about {
        // This parameter is a list.
        let list = matches!(answer, AnswerKind::Instances);
        let word = if list { sh_word(&format!("[\"{about}\"]")) } else { sh_word(about) };
        text.push_str(&format!(" {parameter} {word}"));
    }
    text
}

/// The call for the rules of a group's private NIC.
pub(super) fn intranet_rules(region: Option<&str>, group: &str) -> String {
    format!("{} --NicType intranet", call(AnswerKind::GroupRules, region, Some(group)))
}

/// The call for the whitelist of a service, by its kind.
pub(super) fn whitelist(kind: &str, id: &str) -> String {
    match kind {
        "redis" => format!("aliyun r-kvstore DescribeSecurityIps --InstanceId {}", sh_word(id)),
        "mongodb" => format!("aliyun dds DescribeSecurityIps --DBInstanceId {}", sh_word(id)),
        _ => call(AnswerKind::Whitelists, None, Some(id)),
    }
}

/// The call for the addresses of a service, by its kind.
pub(super) fn addresses(kind: &str, id: &str) -> String {
    match kind {
        "redis" => format!("aliyun r-kvstore DescribeDBInstanceNetInfo --InstanceId {}", sh_word(id)),
        "mongodb" => format!("aliyun dds DescribeShardingNetworkAddress --DBInstanceId {}", sh_word(id)),
        _ => call(AnswerKind::Endpoints, None, Some(id)),
    }
}

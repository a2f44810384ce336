//! The calls of the vendor's CLI that fill a gap.

use super::inventory::Answer;

/// The call that gives an answer, in a region where it is known.
pub(super) fn call(answer: Answer, region: Option<&str>, about: Option<&str>) -> String {
    let mut text = format!("aliyun {}", answer.call());
    if let Some(region) = region {
        text.push_str(" --RegionId ");
        text.push_str(region);
    }
    let parameter = match answer {
        Answer::GroupRules => "--SecurityGroupId",
        Answer::Links | Answer::VpcAttributes | Answer::Vswitches | Answer::RouteTables => "--VpcId",
        Answer::RouteEntries => "--RouteTableId",
        Answer::PrefixLists => "--PrefixListId",
        Answer::Endpoints | Answer::Whitelists | Answer::AdmittedGroups => "--DBInstanceId",
        Answer::Instances => "--InstanceIds",
        Answer::Vpcs => "--VpcId",
        _ => return text,
    };
    if let Some(about) = about {
        let quoted = matches!(answer, Answer::Instances);
        text.push_str(&if quoted { format!(" {parameter} '[\"{about}\"]'") } else { format!(" {parameter} {about}") });
    }
    text
}

/// The call for the rules of a group's private NIC.
pub(super) fn intranet_rules(region: Option<&str>, group: &str) -> String {
    format!("{} --NicType intranet", call(Answer::GroupRules, region, Some(group)))
}

/// The call for the whitelist of a service, by its kind.
pub(super) fn whitelist(kind: &str, id: &str) -> String {
    match kind {
        "redis" => format!("aliyun r-kvstore DescribeSecurityIps --InstanceId {id}"),
        "mongodb" => format!("aliyun dds DescribeSecurityIps --DBInstanceId {id}"),
        _ => call(Answer::Whitelists, None, Some(id)),
    }
}

/// The call for the addresses of a service, by its kind.
pub(super) fn addresses(kind: &str, id: &str) -> String {
    match kind {
        "redis" => format!("aliyun r-kvstore DescribeDBInstanceNetInfo --InstanceId {id}"),
        "mongodb" => format!("aliyun dds DescribeShardingNetworkAddress --DBInstanceId {id}"),
        _ => call(Answer::Endpoints, None, Some(id)),
    }
}

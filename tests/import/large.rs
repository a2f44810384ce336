//! Large dumps.

use crate::{import_from, world_of};
use serde_json::json;
use std::fs;
use std::time::Instant;

/// Writes answers of some 20 KB for each of `count` instances: real ones are mostly what the importer does not need.
fn write(folder: &std::path::Path, count: usize) -> u64 {
    let filler = "x".repeat(300);
    let options: Vec<_> = (0..50).map(|n| json!({"OptionKey": format!("option-{n}"), "OptionValue": filler})).collect();
    let mut bytes = 0;
    let groups: Vec<_> = (0..count.div_ceil(500))
        .map(|n| json!({"SecurityGroupId": format!("sg-{n}"), "VpcId": "vpc-1", "SecurityGroupType": "normal"}))
        .collect();
    let network = json!({"Vpcs": {"Vpc": [{"VpcId": "vpc-1", "CidrBlock": "172.16.0.0/12", "RegionId": "cn-x"}]},
        "VSwitches": {"VSwitch": [{"VSwitchId": "vsw-1", "VpcId": "vpc-1", "CidrBlock": "172.16.0.0/16"}]}, "SecurityGroups": {"SecurityGroup": groups}});
    fs::write(folder.join("networks.json"), network.to_string()).unwrap();
    for page in 0..count.div_ceil(100) {
        let instances: Vec<_> = (page * 100..(page * 100 + 100).min(count)).map(|n| {
            let ip = std::net::Ipv4Addr::from(0xac10_0010 + n as u32);
            json!({"InstanceId": format!("i-{n:06}"), "Status": "Running", "InstanceNetworkType": "vpc", "ImageOptions": {"Option": options},
                "VpcAttributes": {"VpcId": "vpc-1", "VSwitchId": "vsw-1", "PrivateIpAddress": {"IpAddress": [ip.to_string()]}},
                "SecurityGroupIds": {"SecurityGroupId": [format!("sg-{}", n / 500)]}})
        }).collect();
        let text =
            json!({"Instances": {"Instance": instances}, "TotalCount": count, "PageNumber": page + 1}).to_string();
        bytes += text.len() as u64;
        fs::write(folder.join(format!("ecs.DescribeInstances.{}.json", page + 1)), text).unwrap();
    }
    bytes
}

#[test]
#[expect(clippy::disallowed_methods, reason = "what is measured is the time of the machine")]
fn a_hundred_megabytes_are_imported_in_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = write(folder.path(), 5_000);
    assert!(bytes > 80_000_000, "{bytes}");
    let start = Instant::now();
    let imported = import_from(folder.path()).unwrap();
    let took = start.elapsed();
    assert_eq!(world_of(&imported.toml).instances.len(), 5_000);
    eprintln!("{} MB in {took:?}", bytes / 1_000_000);
}

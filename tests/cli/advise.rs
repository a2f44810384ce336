//! `biplane advise`: the mechanism between two sides, what is missing of it, and the exit code that says whether anything
//! is.

use super::world::edit;
use super::{Bench, SHOP};
use insta::assert_snapshot;

/// The shop, and a second classic instance without a link.
fn bench() -> Bench {
    let batch =
        "\n[instance.i-batch]\nnetwork = \"classic\"\nprivate_ip = \"10.24.1.6\"\nsecurity_groups = [\"sg-web\"]\n";
    Bench::new().write("batch.toml", format!("{SHOP}{batch}"))
}

#[test]
fn what_passes_already_needs_nothing() {
    assert_snapshot!(bench().tell(&["advise", "batch.toml", "--from", "i-web", "--to", "rm-orders"]), @r"
    exit code: 0
    ----- stdout -----
    from  i-web: ECS instance 10.24.1.5 in the classic network of cn-hangzhou, account main
    to    rm-orders: rds service 172.16.1.20 in vpc-shop, cn-hangzhou, account main
    port  3306, the usual one of an rds service; --port asks about another
    now   tcp/3306 delivered to rm-orders by rm-orders whitelist (batch.toml:55): it holds the source address; the reply too

    make a ClassicLink: in place
    ----- stderr -----
    ");
}

#[test]
fn missing_steps_are_given_as_operations_and_as_toml_and_verified() {
    assert_snapshot!(bench().tell(&["advise", "batch.toml", "--from", "i-batch", "--to", "i-app", "--port", "22"]), @r#"
    exit code: 1
    ----- stdout -----
    from  i-batch: ECS instance 10.24.1.6 in the classic network of cn-hangzhou, account main
    to    i-app: ECS instance 172.16.1.10 in vpc-shop, cn-hangzhou, account main
    now   tcp/22 dropped at classic by route 172.16.0.0/12: the classic sender is linked to no VPC [classiclink-not-linked]

    make a ClassicLink: not in place
      1. link i-batch to vpc-shop
           aliyun ecs AttachClassicLinkVpc --RegionId=cn-hangzhou --InstanceId=i-batch --VpcId=vpc-shop
           [instance.i-batch]  # batch.toml:57
           linked_vpc = "vpc-shop"
      2. accept tcp/22 from sg-web in sg-app
           aliyun ecs AuthorizeSecurityGroup --RegionId=cn-hangzhou --SecurityGroupId=sg-app --IpProtocol=tcp --PortRange=22/22 --NicType=intranet --Policy=accept --Priority=1 --SourceGroupId=sg-web
           [security_group.sg-app]  # batch.toml:25
           # one more entry of ingress:
           { protocol = "tcp", port_range = "22", source = "sg-web" },
      verified: delivered to i-app by sg-app ingress #3: accepts tcp/22 from sg-web; the reply too
    ----- stderr -----
    "#);
}

#[test]
fn json_has_the_same() {
    let arguments = ["advise", "batch.toml", "--from", "i-batch", "--to", "rm-orders", "--format", "json"];
    assert_snapshot!(bench().tell(&arguments), @r#"
    exit code: 1
    ----- stdout -----
    {
      "from": {
        "name": "i-batch",
        "what": "ECS instance 10.24.1.6 in the classic network of cn-hangzhou, account main",
        "region": "cn-hangzhou",
        "account": "main"
      },
      "to": {
        "name": "rm-orders",
        "what": "rds service 172.16.1.20 in vpc-shop, cn-hangzhou, account main",
        "region": "cn-hangzhou",
        "account": "main"
      },
      "traffic": "tcp/3306",
      "port_chosen": "3306, the usual one of an rds service; --port asks about another",
      "now": {
        "passes": false,
        "outcome": "dropped at classic by route 172.16.0.0/12: the classic sender is linked to no VPC [classiclink-not-linked]",
        "reason": "classiclink-not-linked"
      },
      "plans": [
        {
          "mechanism": "classiclink",
          "title": "make a ClassicLink",
          "in_place": false,
          "steps": [
            {
              "what": "link i-batch to vpc-shop",
              "operations": [
                "aliyun ecs AttachClassicLinkVpc --RegionId=cn-hangzhou --InstanceId=i-batch --VpcId=vpc-shop"
              ],
              "topology": {
                "set": {
                  "table": "instance.i-batch",
                  "keys": [
                    [
                      "linked_vpc",
                      "\"vpc-shop\""
                    ]
                  ],
                  "without": []
                }
              },
              "source": "batch.toml:57"
            },
            {
              "what": "admit 10.24.1.6 to the whitelist of rm-orders",
              "operations": [
                "aliyun rds ModifySecurityIps --DBInstanceId=rm-orders --SecurityIps=10.24.1.6 --ModifyMode=Append"
              ],
              "topology": {
                "append": {
                  "table": "service.rm-orders",
                  "key": "whitelist",
                  "entry": "\"10.24.1.6\"",
                  "fresh": false
                }
              },
              "source": "batch.toml:51"
            }
          ],
          "conflicts": [],
          "verified": {
            "passes": true,
            "outcome": "delivered to rm-orders by rm-orders whitelist: it holds the source address; the reply too"
          }
        }
      ]
    }
    ----- stderr -----
    "#);
}

#[test]
fn what_the_vendor_does_not_do_is_said_with_what_it_offers_instead() {
    let overlap = edit(SHOP).set("instance.i-lab", "private_ip", "172.16.1.11");
    let bench = bench().write("overlap.toml", overlap.toml());
    assert_snapshot!(bench.tell(&["advise", "batch.toml", "--from", "rm-orders", "--to", "i-web"]), @r"
    exit code: 1
    ----- stdout -----
    from  rm-orders: rds service 172.16.1.20 in vpc-shop, cn-hangzhou, account main
    to    i-web: ECS instance 10.24.1.5 in the classic network of cn-hangzhou, account main
    port  443, the first that its groups open to somebody; --port asks about another
    now   tcp/443 dropped at vpc-shop by route 10.0.0.0/8 (batch.toml:3): only ECS instances open sessions across the link [classiclink-source-not-ecs]

    no mechanism of the vendor's does this
      conflict [classiclink-source-not-ecs]
           rm-orders is a managed service: it answers across planes, and opens nothing
           remedy: let i-web open the connection to rm-orders
    ----- stderr -----
    ");
    assert_snapshot!(bench.tell(&["advise", "overlap.toml", "--from", "i-app", "--to", "i-lab"]), @r"
    exit code: 1
    ----- stdout -----
    from  i-app: ECS instance 172.16.1.10 in vpc-shop, cn-hangzhou, account main
    to    i-lab: ECS instance 172.16.1.11 in vpc-lab, cn-hangzhou, account main
    port  80, for want of a better one; --port asks about another
    now   tcp/80 dropped at vpc-shop by route 172.16.1.0/24 (overlap.toml:11): a route covers the destination, and no endpoint has the address [no-such-address]

    connect the VPCs: not in place
      conflict [peering-vswitch-overlap]
           172.16.1.11 of i-lab lies in vsw-shop of vpc-shop too (172.16.1.0/24): a VPC keeps what its
           own vSwitches hold
           remedy: move one of the two into a vSwitch whose range the other VPC does not use
    ----- stderr -----
    ");
}

#[test]
fn descriptions_need_no_topology() {
    assert_snapshot!(bench().tell(&["advise", "--from", "classic,account=partner", "--to", "vpc"]), @r#"
    exit code: 0
    ----- stdout -----
    from  classic,account=partner: an instance in the classic network of cn-hangzhou, account partner
    to    vpc: an instance in a VPC, cn-hangzhou, account main

    A: migrate the initiator into a VPC, then connect the VPCs
      1. migrate each classic side into a VPC of its account and region whose CIDR does not overlap the
         other side's (ECS console, migration plan)
      2. connect the two VPCs by a peering, Cloud Enterprise Network or Express Connect
         (CreateVpcPeerConnection)
      3. route each VPC's range to the connection in the other (CreateRouteEntry)
      4. accept the traffic in the receiver's security group, from the initiator's group or address
         (AuthorizeSecurityGroup); a database has its whitelist instead

    B: transfer the classic instance to the VPC's account, then make a ClassicLink
      1. transfer the classic instance to the account of the VPC, after its link is taken away (console)
      2. enable ClassicLink for the VPC: its primary CIDR lies in 10.0.0.0/8, 172.16.0.0/12 or
         192.168.0.0/16, and no route table has a custom route to 10.0.0.0/8 (EnableVpcClassicLink)
      3. link the classic instance to the VPC (AttachClassicLinkVpc)
      4. in a VPC of 192.168.0.0/16 run the routing script on the classic instance (`biplane
         guest-route`)
      5. let the groups of the two planes name each other (the console's "Add ClassicLink rule")
    ----- stderr -----
    "#);
    assert_snapshot!(bench().tell(&["advise", "batch.toml", "--from", "classic,region=cn-beijing", "--to", "i-batch"]), @r"
    exit code: 0
    ----- stdout -----
    from  classic,region=cn-beijing: an instance in the classic network of cn-beijing, account main
    to    i-batch: ECS instance 10.24.1.6 in the classic network of cn-hangzhou, account main

    migrate both into VPCs, then connect the VPCs
      1. migrate each classic side into a VPC of its account and region whose CIDR does not overlap the
         other side's (ECS console, migration plan)
      2. connect the two VPCs by a peering, Cloud Enterprise Network or Express Connect
         (CreateVpcPeerConnection)
      3. route each VPC's range to the connection in the other (CreateRouteEntry)
      4. accept the traffic in the receiver's security group, from the initiator's group or address
         (AuthorizeSecurityGroup); a database has its whitelist instead
    ----- stderr -----
    ");
}

#[test]
fn a_wrong_side_is_named_with_what_could_have_been_meant() {
    let error = |arguments: &[&str]| {
        let told = bench().run(&[&["advise"], arguments].concat());
        assert_eq!((told.code, told.out.as_str()), (2, ""));
        told.error
    };
    let how = "is no endpoint and no description; a description is `classic` or `vpc`, then `region=…`, `account=…` or, of a \
               VPC, `id=…`";
    assert_eq!(
        error(&["batch.toml", "--from", "i-bath", "--to", "i-app"]),
        format!("error: `i-bath` {how}; did you mean `i-batch`?\n")
    );
    assert_eq!(
        error(&["--from", "i-batch", "--to", "vpc"]),
        format!("error: `i-batch` {how}; an endpoint needs its topology: `biplane advise TOPOLOGY --from … --to …`\n")
    );
    assert_eq!(
        error(&["batch.toml", "--from", "i-app", "--to", "i-app"]),
        "error: `i-app` is both sides: what it sends to itself never leaves it\n"
    );
    assert_eq!(
        error(&["batch.toml", "--from", "i-app", "--to", "i-web", "--protocol", "icmp", "--port", "8"]),
        "error: icmp has no ports\n"
    );
}

#!/bin/sh
# Makes a dump of the networks of an Alibaba Cloud account for `biplane import`.
#
#   sh dump.sh FOLDER REGION...        for example: sh dump.sh biplane-dump cn-hangzhou cn-beijing
#
# It calls the vendor's CLI, `aliyun`, which has to be there and logged in: Cloud Shell has it. Every call only reads:
# Describe…, List… and Get…; `biplane import --policy` prints the permissions. What was answered is kept, so running it
# again asks for the rest alone. A call that fails leaves its message in a file .error beside the answers.
set -fu
umask 077
LC_ALL=C
export LC_ALL

if [ $# -lt 2 ]; then
    echo "usage: sh dump.sh FOLDER REGION..." >&2
    exit 2
fi
out=$1
shift
if ! command -v aliyun >/dev/null 2>&1; then
    echo "aliyun, the vendor's CLI, is not installed: see https://github.com/aliyun/aliyun-cli, or use Cloud Shell" >&2
    exit 2
fi
mkdir -p "$out" || exit 2
# How long to wait before the second, third and fourth attempt, in seconds.
waits=${BIPLANE_WAITS-"1 4 16"}
answers=0
failures=0

log() {
    echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $*" >>"$out/dump.log"
}

# One call: ask STEM PRODUCT API PARAMETERS... The answer stands in $file afterwards.
ask() {
    file=$dir/$1.json
    error=$dir/$1.error
    shift
    if [ -s "$file" ]; then
        return 0
    fi
    for wait in 0 $waits; do
        if [ "$wait" != 0 ]; then
            sleep "$wait"
        fi
        if aliyun "$@" $place >"$file.part" 2>"$error.part" && grep -q '{' "$file.part"; then
            mv "$file.part" "$file"
            rm -f "$error" "$error.part"
            answers=$((answers + 1))
            return 0
        fi
        cat "$file.part" >>"$error.part"
        rm -f "$file.part"
        if ! grep -Eiq 'throttling|timeout|timed out|ServiceUnavailable|connection reset|EOF' "$error.part"; then
            break
        fi
    done
    # Tables of gateways have a call of their own, and gateways are not modelled.
    if grep -q 'UseGatewayRouteEntryQueryInterface' "$error.part"; then
        rm -f "$error.part"
        return 1
    fi
    mv "$error.part" "$error"
    failures=$((failures + 1))
    log "failed: $*"
    return 1
}

# The last value of a key in $file.
value() {
    tr '{,' '\n\n' <"$file" | sed -n "s/^[[:space:]]*\"$1\"[[:space:]]*:[[:space:]]*\"\{0,1\}\([^\"},]*\).*/\1/p" | sed 's/[[:space:]]*$//' | tail -n 1
}

# The different values of a key in all answers whose names begin with a stem: ids KEY STEM.
ids() {
    find "$dir" -type f -name "$2.*json" -exec cat {} + | tr '{,[' '\n\n\n' |
        sed -n "s/^[[:space:]]*\"$1\"[[:space:]]*:[[:space:]]*\"\([A-Za-z0-9][A-Za-z0-9._-]*\)\".*/\1/p" | sort -u
}

# All pages of a call that counts pages: numbered SIZE STEM PRODUCT API PARAMETERS...
numbered() {
    size=$1
    stem=$2
    shift 2
    page=1
    while ask "$stem.$page" "$@" --PageNumber "$page" --PageSize "$size"; do
        total=$(value TotalCount)
        case $total in '' | *[!0-9]*) break ;; esac
        if [ $((page * size)) -ge "$total" ]; then
            break
        fi
        page=$((page + 1))
    done
}

# All pages of a call that hands out tokens: chained PARAMETER SIZE STEM PRODUCT API PARAMETERS...
chained() {
    parameter=$1
    size=$2
    stem=$3
    shift 3
    restarted=no
    page=1
    token=
    while :; do
        if [ -n "$token" ]; then
            ask "$stem.$page" "$@" "$parameter" "$size" --NextToken "$token"
        else
            ask "$stem.$page" "$@" "$parameter" "$size"
        fi || {
            # A token of an earlier run may be dead: the pages before it are asked for anew, once.
            if [ $restarted = no ] && [ -f "$error" ] && grep -q 'NextToken' "$error"; then
                find "$dir" -type f \( -name "$stem.[0-9]*.json" -o -name "$stem.[0-9]*.error" \) -exec rm -f {} +
                failures=$((failures - 1))
                restarted=yes
                page=1
                token=
                continue
            fi
            return
        }
        token=$(value NextToken)
        if [ -z "$token" ]; then
            return
        fi
        page=$((page + 1))
    done
}

servers() {
    chained --MaxResults 100 ecs.DescribeInstances ecs DescribeInstances
    chained --MaxResults 100 ecs.DescribeNetworkInterfaces ecs DescribeNetworkInterfaces
    chained --MaxResults 100 ecs.DescribeSecurityGroups ecs DescribeSecurityGroups --IsQueryEcsCount true
    chained --MaxResults 100 ecs.DescribeSecurityGroups@classic ecs DescribeSecurityGroups --NetworkType classic
    for group in $(ids SecurityGroupId ecs.DescribeSecurityGroups); do
        chained --MaxResults 1000 "ecs.DescribeSecurityGroupAttribute@intranet.$group" \
            ecs DescribeSecurityGroupAttribute --SecurityGroupId "$group" --NicType intranet
    done
    # Classic groups have a second set of rules, for the public NIC.
    for group in $(ids SecurityGroupId ecs.DescribeSecurityGroups@classic); do
        chained --MaxResults 1000 "ecs.DescribeSecurityGroupAttribute@internet.$group" \
            ecs DescribeSecurityGroupAttribute --SecurityGroupId "$group" --NicType internet
    done
    for list in $(ids SourcePrefixListId ecs.DescribeSecurityGroupAttribute; ids DestPrefixListId ecs.DescribeSecurityGroupAttribute); do
        ask "ecs.DescribePrefixListAttributes.$list.1" ecs DescribePrefixListAttributes --PrefixListId "$list"
    done
}

networks() {
    numbered 50 vpc.DescribeVpcs vpc DescribeVpcs
    numbered 50 vpc.DescribeVSwitches vpc DescribeVSwitches
    numbered 50 vpc.DescribeRouteTableList vpc DescribeRouteTableList
    numbered 50 vpc.DescribeNatGateways vpc DescribeNatGateways
    numbered 50 vpc.DescribeVpnGateways vpc DescribeVpnGateways
    numbered 50 vpc.DescribeRouterInterfaces vpc DescribeRouterInterfaces
    numbered 50 vpc.DescribeNetworkAcls vpc DescribeNetworkAcls
    chained --MaxResults 100 vpcpeer.ListVpcPeerConnections vpcpeer ListVpcPeerConnections
    for vpc in $(ids VpcId vpc.DescribeVpcs); do
        ask "vpc.DescribeVpcAttribute.$vpc.1" vpc DescribeVpcAttribute --VpcId "$vpc" || continue
        if [ "$(value ClassicLinkEnabled)" = true ]; then
            numbered 100 "ecs.DescribeClassicLinkInstances.$vpc" ecs DescribeClassicLinkInstances --VpcId "$vpc"
        fi
    done
    for table in $(ids RouteTableId vpc.DescribeRouteTableList); do
        chained --MaxResult 100 "vpc.DescribeRouteEntryList.$table" vpc DescribeRouteEntryList --RouteTableId "$table"
    done
}

databases() {
    chained --MaxResults 100 rds.DescribeDBInstances rds DescribeDBInstances
    for id in $(ids DBInstanceId rds.DescribeDBInstances); do
        ask "rds.DescribeSecurityGroupConfiguration.$id.1" rds DescribeSecurityGroupConfiguration --DBInstanceId "$id"
        ask "rds.DescribeDBInstanceNetInfo.$id.1" rds DescribeDBInstanceNetInfo --DBInstanceId "$id"
        # In this mode each plane has a whitelist of its own.
        if [ -s "$file" ] && [ "$(value SecurityIPMode)" = safety ]; then
            for plane in Classic VPC; do
                ask "rds.DescribeDBInstanceIPArrayList@$plane.$id.1" \
                    rds DescribeDBInstanceIPArrayList --DBInstanceId "$id" --WhitelistNetworkType "$plane"
            done
        else
            ask "rds.DescribeDBInstanceIPArrayList.$id.1" rds DescribeDBInstanceIPArrayList --DBInstanceId "$id"
        fi
    done
    numbered 100 slb.DescribeLoadBalancers slb DescribeLoadBalancers
    numbered 50 r-kvstore.DescribeInstances r-kvstore DescribeInstances
    for id in $(ids InstanceId r-kvstore.DescribeInstances); do
        ask "r-kvstore.DescribeDBInstanceNetInfo.$id.1" r-kvstore DescribeDBInstanceNetInfo --InstanceId "$id"
        ask "r-kvstore.DescribeSecurityIps.$id.1" r-kvstore DescribeSecurityIps --InstanceId "$id"
    done
    for kind in replicate sharding; do
        numbered 100 "dds.DescribeDBInstances@$kind" dds DescribeDBInstances --DBInstanceType "$kind"
    done
    for id in $(ids DBInstanceId dds.DescribeDBInstances@replicate; ids DBInstanceId dds.DescribeDBInstances@sharding); do
        ask "dds.DescribeShardingNetworkAddress.$id.1" dds DescribeShardingNetworkAddress --DBInstanceId "$id"
        ask "dds.DescribeSecurityIps.$id.1" dds DescribeSecurityIps --DBInstanceId "$id"
    done
}

log "start: $(aliyun version 2>/dev/null | head -n 1) $*"
dir=$out
place=
ask sts.GetCallerIdentity.1 sts GetCallerIdentity
for region in "$@"; do
    case $region in *[!a-z0-9-]* | '')
        echo "not the name of a region: $region" >&2
        exit 2
        ;;
    esac
    dir=$out/$region
    mkdir -p "$dir" || exit 2
    place="--region $region --RegionId $region"
    servers
    networks
    databases
done
log "end: $answers new answers, $failures failed"
echo "$answers new answers in $out, $failures calls failed" >&2
echo "The answers hold names of instances, descriptions of rules, public addresses and the account's id: share them with care." >&2
[ "$failures" = 0 ]

//! Everything that a dump says, merged by id.

use super::facts::*;
use super::script::ram_action;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// A kind of answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum AnswerKind {
    Instances,
    Interfaces,
    Groups,
    GroupRules,
    Links,
    PrefixLists,
    Vpcs,
    VpcAttributes,
    Vswitches,
    RouteTables,
    RouteEntries,
    NatGateways,
    VpnGateways,
    RouterInterfaces,
    NetworkAcls,
    Peerings,
    Rds,
    LoadBalancers,
    Redis,
    Mongodb,
    Endpoints,
    Whitelists,
    AdmittedGroups,
}

impl AnswerKind {
    /// The call of the vendor's CLI that gives it.
    pub(super) const fn call(self) -> &'static str {
        match self {
            AnswerKind::Instances => "ecs DescribeInstances",
            AnswerKind::Interfaces => "ecs DescribeNetworkInterfaces",
            AnswerKind::Groups => "ecs DescribeSecurityGroups",
            AnswerKind::GroupRules => "ecs DescribeSecurityGroupAttribute",
            AnswerKind::Links => "ecs DescribeClassicLinkInstances",
            AnswerKind::PrefixLists => "ecs DescribePrefixListAttributes",
            AnswerKind::Vpcs => "vpc DescribeVpcs",
            AnswerKind::VpcAttributes => "vpc DescribeVpcAttribute",
            AnswerKind::Vswitches => "vpc DescribeVSwitches",
            AnswerKind::RouteTables => "vpc DescribeRouteTableList",
            AnswerKind::RouteEntries => "vpc DescribeRouteEntryList",
            AnswerKind::NatGateways => "vpc DescribeNatGateways",
            AnswerKind::VpnGateways => "vpc DescribeVpnGateways",
            AnswerKind::RouterInterfaces => "vpc DescribeRouterInterfaces",
            AnswerKind::NetworkAcls => "vpc DescribeNetworkAcls",
            AnswerKind::Peerings => "vpcpeer ListVpcPeerConnections",
            AnswerKind::Rds => "rds DescribeDBInstances",
            AnswerKind::LoadBalancers => "slb DescribeLoadBalancers",
            AnswerKind::Redis => "r-kvstore DescribeInstances",
            AnswerKind::Mongodb => "dds DescribeDBInstances",
            AnswerKind::Endpoints => "rds DescribeDBInstanceNetInfo",
            AnswerKind::Whitelists => "rds DescribeDBInstanceIPArrayList",
            AnswerKind::AdmittedGroups => "rds DescribeSecurityGroupConfiguration",
        }
    }
}

/// One page of an answer: what it says of how complete it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PageFacts {
    pub(super) answer: AnswerKind,
    pub(super) folder: PathBuf,
    pub(super) region: Option<String>,
    /// The id of what the call was about.
    pub(super) scope: Option<String>,
    pub(super) total: Option<u64>,
    pub(super) token: Option<String>,
    /// The ids of its items.
    pub(super) items: Vec<String>,
}

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FailedCall {
    pub(super) file: String,
    /// `ecs.DescribeInstances`.
    pub(super) call: Option<String>,
    pub(super) id: Option<String>,
    pub(super) region: Option<String>,
    pub(super) code: Option<String>,
}

impl FailedCall {
    /// True for a call of `api` about `id`.
    pub(super) fn is(&self, api: &str, id: &str) -> bool {
        self.id.as_deref() == Some(id) && self.call.as_deref().is_some_and(|call| call.ends_with(api))
    }

    /// The RAM action without which it failed, where that was the reason.
    pub(super) fn missing_permission(&self) -> Option<String> {
        let code = self.code.as_deref()?;
        let (product, api) = self.call.as_deref()?.split_once('.')?;
        (code.starts_with("Forbidden") || code.contains("NoPermission")).then(|| ram_action(product, api))
    }
}

/// The rules of a group, and of which NICs they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct KnownRules {
    pub(super) rules: Vec<RuleFacts>,
    /// True where an answer held the rules of the private NIC.
    pub(super) intranet: bool,
}

/// What all answers say together.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    pub(super) vpcs: BTreeMap<String, VpcFacts>,
    pub(super) vswitches: BTreeMap<String, VswitchFacts>,
    pub(super) route_tables: BTreeMap<String, RouteTableFacts>,
    /// The entries by route table.
    pub(super) entries: BTreeMap<String, Vec<RouteEntryFacts>>,
    pub(super) gateways: BTreeMap<String, GatewayFacts>,
    pub(super) router_interfaces: BTreeMap<String, RouterInterfaceFacts>,
    pub(super) peerings: BTreeMap<String, PeeringFacts>,
    pub(super) network_acls: BTreeMap<String, NetworkAclFacts>,
    pub(super) groups: BTreeMap<String, GroupFacts>,
    /// The rules by group.
    pub(super) rules: BTreeMap<String, KnownRules>,
    pub(super) prefix_lists: BTreeMap<String, PrefixListFacts>,
    pub(super) instances: BTreeMap<String, InstanceFacts>,
    pub(super) interfaces: BTreeMap<String, InterfaceFacts>,
    /// The VPCs that an instance is linked to.
    pub(super) links: BTreeMap<String, BTreeSet<String>>,
    pub(super) services: BTreeMap<String, ServiceFacts>,
    /// The addresses by service.
    pub(super) endpoints: BTreeMap<String, Vec<EndpointFacts>>,
    /// The whitelists by service.
    pub(super) whitelists: BTreeMap<String, Vec<WhitelistFacts>>,
    /// The ECS groups whose members a database admits.
    pub(super) admitted_groups: BTreeMap<String, Vec<String>>,
    /// Accounts that the caller of a folder's answers was in.
    pub(super) identities: Vec<(PathBuf, String)>,
    /// The folder that an object was found in.
    pub(super) folders: BTreeMap<String, PathBuf>,
    /// When the first and the last line of the script's logs were written.
    pub(super) times: Option<(String, String)>,
    pub(super) pages: Vec<PageFacts>,
    pub(super) failed: Vec<FailedCall>,
    /// Values that two answers give differently: of which object, which ones, and the file that was followed.
    pub(super) conflicts: Vec<(String, Vec<&'static str>, String)>,
    /// Answers about something whose id stands nowhere.
    pub(super) nameless: Vec<(AnswerKind, String)>,
    /// Objects in lists of a known answer that lack what makes them one, and the file.
    pub(super) unrecognised: Vec<(AnswerKind, String)>,
    /// Objects of which Terraform knows everything.
    pub(super) managed: BTreeSet<String>,
    /// What a plan leaves to guess: the object and why.
    pub(super) guesses: Vec<(String, String)>,
    /// Kinds of Terraform resources that were passed over, and how many there were.
    pub(super) passed_over: BTreeMap<String, usize>,
}

impl Inventory {
    /// Fills in the account of what lies in the folder of a caller's identity, the nearest one above it.
    pub(super) fn settle_accounts(&mut self) {
        self.identities.sort_by_key(|(folder, _)| std::cmp::Reverse(folder.components().count()));
        let (identities, folders) = (&self.identities, &self.folders);
        let account = |id: &str| {
            let folder = folders.get(id)?;
            identities.iter().find(|(of, _)| folder.starts_with(of)).map(|(_, account)| account.clone())
        };
        macro_rules! settle {
            ($($table:ident)*) => {$(
                for (id, facts) in self.$table.iter_mut().filter(|(_, facts)| facts.account.is_none()) {
                    facts.account = account(id);
                }
            )*};
        }
        settle!(vpcs groups instances services);
    }

    /// Takes the times out of a log of the script: each line begins with one.
    pub(super) fn note_times(&mut self, log: &str) {
        let is_time =
            |word: &&str| word.len() == 20 && word.bytes().all(|byte| byte.is_ascii_digit() || b"-:TZ".contains(&byte));
        for time in log.lines().filter_map(|line| line.split(' ').next()).filter(is_time) {
            let (first, last) = self.times.get_or_insert_with(|| (time.to_owned(), time.to_owned()));
            if time < first.as_str() {
                time.clone_into(first);
            }
            if time > last.as_str() {
                time.clone_into(last);
            }
        }
    }

    /// True where no answer named any object.
    pub(super) fn is_empty(&self) -> bool {
        self.vpcs.is_empty()
            && self.vswitches.is_empty()
            && self.groups.is_empty()
            && self.instances.is_empty()
            && self.services.is_empty()
            && self.interfaces.is_empty()
            && self.route_tables.is_empty()
    }

    /// Adds rules that one file holds of a group. A rule that another file held already is the same page twice.
    pub(super) fn add_rules(&mut self, group: &str, rules: Vec<RuleFacts>, intranet: bool) {
        let known = self.rules.entry(group.to_owned()).or_default();
        known.intranet |= intranet;
        let mut left: Vec<bool> = vec![true; known.rules.len()];
        let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (place, rule) in known.rules.iter().enumerate() {
            places.entry(format!("{rule:?}")).or_default().push(place);
        }
        for rule in rules {
            let same = places.get(&format!("{rule:?}")).into_iter().flatten();
            match same.copied().find(|place| left[*place]) {
                Some(place) => left[place] = false,
                None => known.rules.push(rule),
            }
        }
    }
}

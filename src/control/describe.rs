//! DescribeClassicLinkInstances: which instances are linked to which VPC, page by page.
//!
//! Tests in the order of the vendor's table: each instance exists, there are no more than 100, a VPC or an instance is
//! named at all, the VPC, the number of the page, its size.
//!
//! Chosen where the vendor is silent: links come in the order of the topology file; where a VPC and instances are named,
//! those of the instances that are linked to the VPC; an instance without a link is left out; a VPC that does not exist
//! belongs to no account, which is `InvalidVpc.NotBelong`.

use super::{Refusal, RefusalRecord};
use crate::check::Checked;
use crate::diag::citation;
use crate::model::{Instance, Key, Vpc};
use std::fmt;

/// The instances that one request may name.
const MAX_INSTANCES: usize = 100;

/// The links on one page.
const MAX_LINKS: usize = 100;

const fn denied(code: &'static str, summary: &'static str, remedy: &'static str) -> RefusalRecord {
    RefusalRecord { code, status: Some(403), also: &[], summary, remedy, source: citation::DESCRIBE }
}

static NO_INSTANCE: RefusalRecord =
    denied("InvalidInstanceId.NotFound", "no such instance", "name instances of the topology that were not released");

static TOO_MANY: RefusalRecord = denied(
    "InvalidParameter.ToManyInstanceIds",
    "more than 100 instances are named",
    "name 100 instances at most, or the VPC",
);

static NOTHING_NAMED: RefusalRecord = denied(
    "InvalidParameter.InvalidInstanceIdAndVpcId",
    "neither a VPC nor an instance is named",
    "name the VPC, instances, or both",
);

static NO_VPC: RefusalRecord = denied("InvalidVpc.NotBelong", "no such VPC", "name a VPC of the topology");

static PAGE_NUMBER: RefusalRecord =
    denied("InvalidParameter.PageNumber", "the number of the page is 0", "pages count from 1");

static PAGE_SIZE: RefusalRecord =
    denied("InvalidParameter.PageSize", "the size of a page is not 1 to 100", "choose a size from 1 to 100");

/// Every refusal of this file.
pub(super) static RECORDS: &[&RefusalRecord] =
    &[&NO_INSTANCE, &TOO_MANY, &NOTHING_NAMED, &NO_VPC, &PAGE_NUMBER, &PAGE_SIZE];

/// Which links are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkQuery {
    /// Only links to this VPC.
    pub vpc: Option<String>,
    /// Only links of these instances; of all where none is named.
    pub instances: Vec<String>,
    /// The page, counted from 1.
    pub page_number: usize,
    /// How many links a page has.
    pub page_size: usize,
}

/// Page 1, ten links: the vendor's defaults.
impl Default for LinkQuery {
    fn default() -> LinkQuery {
        LinkQuery { vpc: None, instances: Vec::new(), page_number: 1, page_size: 10 }
    }
}

/// In a few words: `describe the links to shop`.
impl fmt::Display for LinkQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("describe the links")?;
        if !self.instances.is_empty() {
            write!(f, " of {}", self.instances.join(", "))?;
        }
        if let Some(vpc) = &self.vpc {
            write!(f, " to {vpc}")?;
        }
        Ok(())
    }
}

/// One page of links.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkPage {
    /// How many links there are on all pages.
    pub total_count: usize,
    /// Those of this page.
    pub links: Vec<Link>,
}

/// A ClassicLink connection, by ids.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Link {
    /// The classic instance.
    pub instance: String,
    /// The VPC.
    pub vpc: String,
}

/// Answers `query` about `world`.
///
/// # Errors
/// The vendor would refuse the request; the refusal bears the vendor's code.
pub fn describe(world: &Checked, query: &LinkQuery) -> Result<LinkPage, Refusal> {
    let find = |id: &String| {
        world.instances.find(id).ok_or_else(|| NO_INSTANCE.because(format!("there is no instance `{id}`")))
    };
    let mut named = query.instances.iter().map(find).collect::<Result<Vec<Key<Instance>>, Refusal>>()?;
    if query.instances.len() > MAX_INSTANCES {
        return Err(TOO_MANY.because(format!("{} instances are named", query.instances.len())));
    }
    if query.vpc.is_none() && named.is_empty() {
        return Err(NOTHING_NAMED.because("the request names neither a VPC nor an instance"));
    }
    let vpc = match &query.vpc {
        Some(id) => Some(world.vpcs.find(id).ok_or_else(|| NO_VPC.because(format!("there is no VPC `{id}`")))?),
        None => None,
    };
    if query.page_number == 0 {
        return Err(PAGE_NUMBER.because("there is no page 0"));
    }
    if !(1..=MAX_LINKS).contains(&query.page_size) {
        return Err(PAGE_SIZE.because(format!("a page of {} links is asked for", query.page_size)));
    }
    named.sort_unstable();
    named.dedup();
    let linked: Vec<(Key<Instance>, Key<Vpc>)> = match vpc {
        Some(vpc) if named.is_empty() => world.index().linked(vpc).iter().map(|instance| (*instance, vpc)).collect(),
        _ => named
            .into_iter()
            .filter_map(|instance| Some((instance, world.instances[instance].linked_vpc?.value)))
            .filter(|(_, linked)| vpc.is_none_or(|vpc| vpc == *linked))
            .collect(),
    };
    let page = linked.iter().skip((query.page_number - 1).saturating_mul(query.page_size)).take(query.page_size);
    let link = |(instance, vpc): &(Key<Instance>, Key<Vpc>)| Link {
        instance: world.instances[*instance].id.value.clone(),
        vpc: world.vpcs[*vpc].id.value.clone(),
    };
    Ok(LinkPage { total_count: linked.len(), links: page.map(link).collect() })
}

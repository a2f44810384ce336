//! DescribeClassicLinkInstances.

use super::world::*;
use biplane::control::LinkQuery;
use biplane::lab::Lab;

fn query(vpc: Option<&str>, instances: &[&str]) -> LinkQuery {
    let instances = instances.iter().map(|id| (*id).to_owned()).collect();
    LinkQuery { vpc: vpc.map(str::to_owned), instances, ..LinkQuery::default() }
}

#[track_caller]
fn told(lab: &mut Lab, query: &LinkQuery) -> String {
    match lab.describe_links(query) {
        Ok(page) => {
            let links: Vec<String> =
                page.links.iter().map(|link| format!("{} to {}", link.instance, link.vpc)).collect();
            format!("{} of {}: {}", links.len(), page.total_count, links.join(", "))
        }
        Err(refusal) => refusal.to_string(),
    }
}

#[test]
fn links_are_told_by_vpc_by_instance_or_by_both() {
    let mut lab = lab();
    accepted(&mut lab, &attach("c-new", "store"));
    assert_eq!(told(&mut lab, &query(Some("shop"), &[])), "1 of 1: c-web to shop");
    assert_eq!(told(&mut lab, &query(None, &["c-new", "c-odd", "c-web"])), "2 of 2: c-web to shop, c-new to store");
    assert_eq!(told(&mut lab, &query(Some("store"), &["c-new", "c-web"])), "1 of 1: c-new to store");
    accepted(&mut lab, &detach("c-web", "shop"));
    accepted(&mut lab, &attach("c-web", "store"));
    assert_eq!(told(&mut lab, &query(Some("shop"), &[])), "0 of 0: ");
    assert_eq!(told(&mut lab, &query(Some("store"), &[])), "2 of 2: c-web to store, c-new to store");
}

#[test]
fn links_come_in_pages() {
    let mut lab = lab();
    accepted(&mut lab, &attach("c-new", "shop"));
    let page = |page_number, page_size| LinkQuery { page_number, page_size, ..query(Some("shop"), &[]) };
    assert_eq!(told(&mut lab, &page(1, 1)), "1 of 2: c-web to shop");
    assert_eq!(told(&mut lab, &page(2, 1)), "1 of 2: c-new to shop");
    assert_eq!(told(&mut lab, &page(3, 1)), "0 of 2: ");
    assert_eq!(told(&mut lab, &page(usize::MAX, 100)), "0 of 2: ");
    assert_eq!(told(&mut lab, &page(0, 1)), "InvalidParameter.PageNumber (403): there is no page 0");
    assert_eq!(told(&mut lab, &page(1, 0)), "InvalidParameter.PageSize (403): a page of 0 links is asked for");
    assert_eq!(told(&mut lab, &page(1, 101)), "InvalidParameter.PageSize (403): a page of 101 links is asked for");
}

#[test]
fn a_request_names_what_exists_and_no_more_than_100_of_it() {
    let mut lab = lab();
    let nobody = "InvalidInstanceId.NotFound (403): there is no instance `nobody`";
    assert_eq!(told(&mut lab, &query(None, &["c-web", "nobody"])), nobody);
    assert_eq!(told(&mut lab, &query(Some("nowhere"), &[])), "InvalidVpc.NotBelong (403): there is no VPC `nowhere`");
    let nothing = "InvalidParameter.InvalidInstanceIdAndVpcId (403): the request names neither a VPC nor an instance";
    assert_eq!(told(&mut lab, &query(None, &[])), nothing);
    assert_eq!(told(&mut lab, &query(None, &["c-web"; 100])), "1 of 1: c-web to shop");
    let many = "InvalidParameter.ToManyInstanceIds (403): 101 instances are named";
    assert_eq!(told(&mut lab, &query(None, &["c-web"; 101])), many);
}

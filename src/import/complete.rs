//! Whether a dump holds everything: told from totals, tokens, counts and ids that are used and not described.

use super::calls;
use super::inventory::{AnswerKind, Inventory, PageFacts};
use super::report::{ImportReport, counted};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Notes what the dump lacks.
pub(super) fn prove(inventory: &Inventory, report: &mut ImportReport) {
    pages(inventory, report);
    failures(inventory, report);
    members(inventory, report);
    lists_of_vpcs(inventory, report);
    empty_lists(inventory, report);
    links(inventory, report);
    if let Some((first, last)) = inventory.times.as_ref().filter(|(first, last)| first.get(..10) != last.get(..10)) {
        report.doubt("the dump", format!("it was made on different days, from {first} to {last}"));
    }
    for (answer, file) in &inventory.nameless {
        report.leave_out(
            file,
            format!("the answer of {} names no object, and neither does the name of the file", answer.call()),
        );
    }
    for (answer, file) in &inventory.unrecognised {
        report.leave_out(file, format!("an object of {} that lacks its id or its range", answer.call()));
    }
    for (id, fields, file) in &inventory.conflicts {
        report.doubt(id, format!("two answers differ in {}; {file} is followed", fields.join(", ")));
    }
}

/// One call: what was asked for, and where.
type Call<'p> = (AnswerKind, Option<&'p str>, Option<&'p str>);

/// The pages of one call, by the folder they lie in.
type PagesByFolder<'p> = BTreeMap<&'p PathBuf, Vec<&'p PageFacts>>;

fn pages(inventory: &Inventory, report: &mut ImportReport) {
    let mut calls_made: BTreeMap<Call<'_>, PagesByFolder<'_>> = BTreeMap::new();
    for page in &inventory.pages {
        let call = (page.answer, page.region.as_deref(), page.scope.as_deref());
        calls_made.entry(call).or_default().entry(&page.folder).or_default().push(page);
    }
    for ((answer, region, scope), folders) in calls_made {
        let all: Vec<&PageFacts> = folders.values().flatten().copied().collect();
        for pages in folders.values() {
            // Pages of one call may lie in several folders: they count together where that makes them complete.
            let Some(gap) = gap(pages).filter(|_| folders.len() == 1 || gap(&all).is_some()) else { continue };
            let subject = answer.call().replace(' ', ".");
            let about = scope.map_or(String::new(), |scope| format!(" of {scope}"));
            let fix = calls::call(answer, region, scope.and_then(|scope| scope.split(' ').next()));
            report.miss(&subject, format!("{gap}{about}"), Some(fix));
        }
    }
}

/// What pages of one call lack.
fn gap(pages: &[&PageFacts]) -> Option<String> {
    let total = pages.iter().filter_map(|page| page.total).max();
    let items: BTreeSet<&String> = pages.iter().flat_map(|page| &page.items).collect();
    if let Some(total) = total {
        let found = items.len() as u64;
        return (found < total).then(|| format!("{found} of {total}: a page is missing"));
    }
    // A chain of pages has one without a token: the last.
    let ends = pages.iter().any(|page| page.token.is_none());
    (!ends).then(|| format!("{}, and the last one says that more follow", counted(pages.len(), "page")))
}

fn failures(inventory: &Inventory, report: &mut ImportReport) {
    for failed in &inventory.failed {
        // What is missing of a group or a service is told of it.
        let told_there = failed.id.as_ref().is_some_and(|id| {
            inventory.groups.contains_key(id) && failed.is("DescribeSecurityGroupAttribute", id)
                || inventory.services.contains_key(id)
                    && (failed.is("DescribeDBInstanceIPArrayList", id) || failed.is("DescribeSecurityIps", id))
        });
        if told_there {
            continue;
        }
        let code =
            failed.code.as_deref().map_or("the call failed".to_owned(), |code| format!("the call failed: {code}"));
        let fix = match failed.missing_permission() {
            Some(action) => format!("allow the RAM action {action} and run the script again"),
            None => "run the script again: it asks for what is not there".to_owned(),
        };
        report.miss(&failed.file, code, Some(fix));
    }
}

/// Members of groups against the number that the group says.
fn members(inventory: &Inventory, report: &mut ImportReport) {
    let mut members: BTreeMap<&String, u64> = BTreeMap::new();
    for instance in inventory.instances.values() {
        for group in instance.groups.iter().flatten() {
            *members.entry(group).or_default() += 1;
        }
    }
    for (id, facts) in &inventory.groups {
        let rules = inventory.rules.get(id).map(|known| known.rules.len() as u64);
        if let (Some(told), Some(found)) = (facts.rule_count, rules)
            && told > found
        {
            report.doubt(id, format!("it says that it has {}; the dump has {found}", counted(told as usize, "rule")));
        }
        let found = members.get(id).copied().unwrap_or(0);
        if let Some(told) = facts.members.filter(|told| *told > found) {
            let fix = calls::call(AnswerKind::Instances, facts.region.as_deref(), None);
            report.miss(id, format!("it says that it has {told} members; the dump has {found}"), Some(fix));
        }
    }
}

/// What a VPC says is in it against the lists.
fn lists_of_vpcs(inventory: &Inventory, report: &mut ImportReport) {
    let mut vswitches: BTreeMap<&String, u64> = BTreeMap::new();
    for vpc in inventory.vswitches.values().filter_map(|facts| facts.vpc.as_ref()) {
        *vswitches.entry(vpc).or_default() += 1;
    }
    for (id, facts) in &inventory.vpcs {
        let region = facts.region.as_deref();
        let lists = [
            (&facts.vswitches, AnswerKind::Vswitches, "vSwitch"),
            (&facts.route_tables, AnswerKind::RouteTables, "route table"),
            (&facts.nat_gateways, AnswerKind::NatGateways, "NAT gateway"),
        ];
        for (listed, answer, noun) in lists {
            let described = |one: &&String| match answer {
                AnswerKind::Vswitches => inventory.vswitches.contains_key(*one),
                AnswerKind::RouteTables => {
                    inventory.route_tables.contains_key(*one) || inventory.entries.contains_key(*one)
                }
                _ => inventory.gateways.contains_key(*one),
            };
            let unknown: Vec<&String> = listed.iter().flatten().filter(|one| !described(one)).collect();
            if let Some(first) = unknown.first() {
                let text =
                    format!("{} of it that no answer describes, {first} among them", counted(unknown.len(), noun));
                report.miss(id, text, Some(calls::call(answer, region, Some(id))));
            }
        }
        let told = facts.resources.iter().flatten().find(|(kind, _)| kind.eq_ignore_ascii_case("vswitch"));
        let found = vswitches.get(id).copied().unwrap_or(0);
        if let Some((_, told)) =
            told.filter(|(_, told)| *told > found && facts.vswitches.as_ref().is_none_or(Vec::is_empty))
        {
            let fix = calls::call(AnswerKind::Vswitches, region, Some(id));
            report.miss(
                id,
                format!("it says that it has {}; the dump has {found}", counted(*told as usize, "vSwitch")),
                Some(fix),
            );
        }
    }
}

/// A user without permission gets an empty list and no error.
fn empty_lists(inventory: &Inventory, report: &mut ImportReport) {
    let empty = |answer: AnswerKind| {
        let mut of = inventory.pages.iter().filter(|page| page.answer == answer).peekable();
        of.peek().is_some() && of.all(|page| page.items.is_empty())
    };
    let used = |facts: &super::facts::VswitchFacts| {
        let net: crate::net::Ipv4Net = facts.cidr.as_deref()?.parse().ok()?;
        let size = 1u64 << (32 - net.prefix_len()).min(31);
        Some(size.saturating_sub(4) > facts.available?)
    };
    if empty(AnswerKind::Instances) && inventory.vswitches.values().any(|facts| used(facts) == Some(true)) {
        report.doubt(
            "ecs.DescribeInstances",
            "it is empty, yet vSwitches have addresses in use: a user without permission sees this",
        );
    }
    if empty(AnswerKind::Groups) && !inventory.instances.is_empty() {
        report.doubt(
            "ecs.DescribeSecurityGroups",
            "it is empty, yet there are instances: a user without permission sees this",
        );
    }
    if empty(AnswerKind::Vpcs) && !inventory.vswitches.is_empty() {
        report.doubt("vpc.DescribeVpcs", "it is empty, yet there are vSwitches: a user without permission sees this");
    }
}

/// A VPC with ClassicLink whose links no answer holds.
fn links(inventory: &Inventory, report: &mut ImportReport) {
    let of_links = |page: &&PageFacts| page.answer == AnswerKind::Links;
    // Where no file is named after its VPC, one list may hold the links of all.
    let nameless = inventory.pages.iter().filter(of_links).any(|page| page.scope.is_none());
    let asked: BTreeSet<&str> = (inventory.pages.iter().filter(of_links))
        .flat_map(|page| {
            page.scope.as_deref().into_iter().chain(page.items.iter().filter_map(|item| item.split(' ').nth(1)))
        })
        .collect();
    for (id, facts) in &inventory.vpcs {
        if facts.classic_link == Some(true) && !asked.contains(id.as_str()) && !nameless {
            let fix = calls::call(AnswerKind::Links, facts.region.as_deref(), Some(id));
            report.miss(id, "ClassicLink is on, and no answer holds its links; taken as none", Some(fix));
        }
    }
}

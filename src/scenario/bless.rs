//! Scenario files with other expectations: what happened in place of what was expected, and all else as it stands.

use super::expect::{Claim, EmittedClaim, Expectation, ReplayExpectation, SendExpectation, VerdictClaim, keys_beside};
use super::operation::ApplyExpectation;
use super::steps::HoldingStep;
use crate::diag::Spanned;
use std::collections::BTreeSet;
use std::fmt::Display;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value};

/// Why a file stays as it is.
const OTHER_LAYOUT: &str = "its text cannot be rewritten without changing its layout";

/// Returns the text of a scenario that expects what `steps` say of these steps. Comments, layout, and everything that
/// holds already stay as they are.
///
/// # Errors
/// The text is no scenario that could be rewritten: why, in words.
pub fn with_expectations(text: &str, steps: &[HoldingStep]) -> Result<String, String> {
    let lines = text.replace("\r\n", "\n");
    let has_returns = lines.len() != text.len();
    if has_returns && lines.matches('\n').count() != text.len() - lines.len() {
        return Err("its lines end in two ways".to_owned());
    }
    let mut document: DocumentMut = lines.parse().map_err(|_| OTHER_LAYOUT.to_owned())?;
    if document.to_string() != lines {
        return Err(OTHER_LAYOUT.to_owned());
    }
    for HoldingStep { step, holds } in steps {
        let table = document.get_mut("step").and_then(|item| step_table(item, *step));
        rewrite_step(table.ok_or_else(|| OTHER_LAYOUT.to_owned())?, holds);
    }
    let blessed = document.to_string();
    Ok(if has_returns { blessed.replace('\n', "\r\n") } else { blessed })
}

/// The keys of a step, whether it stands under a header or in a list.
fn step_table(steps: &mut Item, step: usize) -> Option<&mut dyn TableLike> {
    match steps {
        Item::ArrayOfTables(tables) => tables.get_mut(step).map(|table| table as &mut dyn TableLike),
        Item::Value(Value::Array(tables)) => {
            tables.get_mut(step)?.as_inline_table_mut().map(|table| table as &mut dyn TableLike)
        }
        _ => None,
    }
}

fn rewrite_step(step: &mut dyn TableLike, holds: &Expectation) {
    if matches!(holds, Expectation::Apply(ApplyExpectation::Accepted)) {
        step.remove("expect");
        return;
    }
    if !step.contains_key("expect") {
        step.insert("expect", Item::Value(Value::InlineTable(InlineTable::new())));
    }
    let Some(expect) = step.get_mut("expect") else { return };
    let Some(table) = expect.as_table_like_mut() else { return };
    match holds {
        Expectation::Send(expectation) => rewrite_send(table, expectation),
        Expectation::Replay(expectation) => rewrite_replay(table, expectation),
        Expectation::Apply(expectation) => rewrite_apply(table, expectation),
    }
    tidy(expect);
}

fn rewrite_send(table: &mut dyn TableLike, holds: &SendExpectation) {
    rewrite_claim(table, &holds.claim);
    if emitted_holds(table.get("emitted"), &holds.emitted) {
        return;
    }
    if holds.emitted.is_empty() {
        table.remove("emitted");
        return;
    }
    let entries = holds.emitted.iter().map(|claim| {
        let mut entry = InlineTable::new();
        entry.insert("to", claim.to.value.as_str().into());
        if let Some(by) = &claim.by {
            entry.insert("by", by.value.as_str().into());
        }
        entry.insert("kind", claim.kind.value.name().into());
        Value::InlineTable(entry)
    });
    set(table, "emitted", Value::Array(entries.collect()));
}

/// True where a list of emitted frames says just what came out.
fn emitted_holds(claimed: Option<&Item>, emitted: &[EmittedClaim]) -> bool {
    let Some(claimed) = claimed else { return emitted.is_empty() };
    let tables: Vec<&dyn TableLike> = match claimed {
        Item::Value(Value::Array(list)) => {
            list.iter().filter_map(|entry| Some(entry.as_inline_table()? as _)).collect()
        }
        Item::ArrayOfTables(tables) => tables.iter().map(|table| table as _).collect(),
        _ => return false,
    };
    let says = |table: &dyn TableLike, key: &str| table.get(key).and_then(Item::as_str).map(str::to_owned);
    tables.len() == emitted.len()
        && tables.iter().zip(emitted).all(|(table, fact)| {
            says(*table, "to").as_deref() == Some(fact.to.as_str())
                && says(*table, "kind").as_deref() == Some(fact.kind.value.name())
                && says(*table, "by").is_none_or(|by| fact.by.as_ref().is_some_and(|fact| *fact.value == by))
        })
}

/// Rewrites what is claimed about one frame: the verdict and what it needs, and of the rest what is claimed already.
fn rewrite_claim(table: &mut dyn TableLike, holds: &Claim) {
    let word = holds.verdict.value.word();
    set(table, "verdict", word.into());
    for key in keys_beside(word) {
        table.remove(key);
    }
    match &holds.verdict.value {
        VerdictClaim::Delivered { to, session, ttl, delay_ns } => {
            set(table, "to", to.value.as_str().into());
            update(table, "session", session.as_ref().map(|session| session.value.into()));
            update(table, "ttl", ttl.as_ref().map(|ttl| i64::from(ttl.value).into()));
            update(table, "delay_ns", delay_ns.as_ref().map(|delay| number(delay.value)));
        }
        VerdictClaim::Dropped { reason, at, rule } => {
            set(table, "reason", reason.value.id().into());
            update(table, "at", at.as_ref().map(|at| at.value.as_str().into()));
            update(table, "rule", rule.as_ref().map(|rule| rule.value.to_string().into()));
        }
        VerdictClaim::Undetermined { reason } => {
            update(table, "reason", reason.as_ref().map(|reason| reason.value.id().into()));
        }
        VerdictClaim::Answered | VerdictClaim::Outside => {}
    }
    let places = holds.path.as_ref().map(|path| path.iter().map(|place| place.value.as_str()).collect::<Array>());
    update(table, "path", places.map(Value::Array));
}

fn rewrite_replay(table: &mut dyn TableLike, holds: &ReplayExpectation) {
    let of = |of: &dyn Display, count: &Spanned<u64>| (of.to_string(), count.value);
    rewrite_counts(table, "delivered", holds.delivered.iter().map(|count| of(&count.of.value, &count.count)).collect());
    rewrite_counts(table, "dropped", holds.dropped.iter().map(|count| of(&count.of.value, &count.count)).collect());
    let totals = [
        ("answered", &holds.answered),
        ("outside", &holds.outside),
        ("undetermined", &holds.undetermined),
        ("emitted", &holds.emitted),
    ];
    for (key, count) in totals {
        if count.value != 0 || table.contains_key(key) {
            set(table, key, number(count.value));
        }
    }
    let Some(frames) = table.get_mut("frames") else { return };
    for place in 0..holds_many(frames) {
        let Some(frame) = step_table(frames, place) else { continue };
        let claimed = frame.get("frame").and_then(Item::as_integer).and_then(|frame| u64::try_from(frame).ok());
        if let Some(fact) = holds.frames.iter().find(|fact| Some(fact.frame.value) == claimed) {
            rewrite_claim(frame, &fact.claim);
        }
        if let Item::Value(Value::Array(list)) = frames
            && let Some(Value::InlineTable(frame)) = list.get_mut(place)
        {
            tidy_inline(frame);
        }
    }
}

fn holds_many(list: &Item) -> usize {
    match list {
        Item::ArrayOfTables(tables) => tables.len(),
        Item::Value(Value::Array(values)) => values.len(),
        _ => 0,
    }
}

/// Rewrites counts by name. A count of 0 that stands in the file stays.
fn rewrite_counts(table: &mut dyn TableLike, key: &str, facts: Vec<(String, u64)>) {
    if !table.contains_key(key) {
        if facts.is_empty() {
            return;
        }
        table.insert(key, Item::Value(Value::InlineTable(InlineTable::new())));
    }
    let Some(item) = table.get_mut(key) else { return };
    let Some(counts) = item.as_table_like_mut() else { return };
    let known: BTreeSet<&str> = facts.iter().map(|(name, _)| name.as_str()).collect();
    let is_gone = |name: &str, count: &Item| !known.contains(name) && count.as_integer() != Some(0);
    let gone: Vec<String> =
        counts.iter().filter(|(name, count)| is_gone(name, count)).map(|(name, _)| name.to_owned()).collect();
    for name in gone {
        counts.remove(&name);
    }
    for (name, count) in facts {
        set(counts, &name, number(count));
    }
    tidy(item);
}

fn number(count: u64) -> Value {
    i64::try_from(count).unwrap_or(i64::MAX).into()
}

fn rewrite_apply(table: &mut dyn TableLike, holds: &ApplyExpectation) {
    match holds {
        ApplyExpectation::Accepted => {}
        ApplyExpectation::Refused(code) => {
            table.remove("links");
            table.remove("total");
            set(table, "error", code.value.as_str().into());
        }
        ApplyExpectation::Links { links, total, .. } => {
            table.remove("error");
            let mut facts = InlineTable::new();
            for (instance, vpc) in links {
                facts.insert(instance.value.as_str(), vpc.value.as_str().into());
            }
            set(table, "links", Value::InlineTable(facts));
            update(table, "total", total.as_ref().map(|total| number(total.value as u64)));
        }
    }
}

/// Sets a value that is claimed already; takes it out where nothing holds.
fn update(table: &mut dyn TableLike, key: &str, holds: Option<Value>) {
    if !table.contains_key(key) {
        return;
    }
    match holds {
        Some(value) => set(table, key, value),
        None => _ = table.remove(key),
    }
}

/// Sets a value in its place, with the blanks and comments around it; one that says the same stays as it is written.
fn set(table: &mut dyn TableLike, key: &str, mut value: Value) {
    let Some(Item::Value(stands)) = table.get_mut(key) else {
        table.insert(key, Item::Value(value));
        return;
    };
    if says(stands) != says(&value) {
        *value.decor_mut() = stands.decor().clone();
        *stands = value;
    }
}

/// What a value says, however it is written.
fn says(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{:?}", text.value()),
        Value::Integer(number) => number.value().to_string(),
        Value::Boolean(flag) => flag.value().to_string(),
        Value::Array(list) => format!("[{}]", list.iter().map(says).collect::<Vec<_>>().join(",")),
        Value::InlineTable(table) => {
            let mut entries: Vec<String> =
                table.iter().map(|(key, value)| format!("{key:?}={}", says(value))).collect();
            entries.sort();
            format!("{{{}}}", entries.join(","))
        }
        Value::Float(_) | Value::Datetime(_) => value.to_string(),
    }
}

fn tidy(item: &mut Item) {
    match item {
        Item::Value(Value::InlineTable(table)) => tidy_inline(table),
        // Dotted keys and headers stand on lines of their own.
        Item::Table(Table { .. }) | Item::Value(_) | Item::ArrayOfTables(_) | Item::None => {}
    }
}

/// Puts the blank before the closing brace behind the value that is the last one now.
fn tidy_inline(table: &mut InlineTable) {
    let last = table.len().saturating_sub(1);
    for (place, (_, value)) in table.iter_mut().enumerate() {
        let suffix = value.decor().suffix().and_then(|suffix| suffix.as_str()).unwrap_or_default();
        let is_blank = suffix.chars().all(|c| c == ' ');
        if is_blank {
            value.decor_mut().set_suffix(if place == last { " " } else { "" });
        }
    }
}

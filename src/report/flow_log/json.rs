//! Flow logs and the model, for programs. A field without value is left out; stamps are strings of nanoseconds.

use super::comparison::MatrixColumn;
use super::text::{cause_of, place_of};
use super::{
    Disagreement, DisagreementGroup, FlowComparison, Judgement, LogAction, LogCause, LogDirection, LogRecord,
    LoggedAmount, ModelAnswer,
};
use crate::report::words::Resolver;
use serde_json::{Map, Value, json};

/// Returns the sums as one object.
pub fn flow_comparison_json(words: Resolver<'_>, comparison: &FlowComparison) -> Value {
    let row = |action: LogAction| -> Map<String, Value> {
        MatrixColumn::ALL
            .iter()
            .map(|column| (column.id().to_owned(), amount(comparison.cell(action, *column))))
            .collect()
    };
    let matrix: Map<String, Value> =
        LogAction::ALL.iter().map(|action| (action.name().to_owned(), row(*action).into())).collect();
    let groups = comparison.disagreements();
    let groups: Vec<Value> = groups.iter().map(|(key, group)| group_json(words, comparison, key, group)).collect();
    let apart = comparison.apart().map(|(apart, counted, first)| {
        let addresses: Map<String, Value> = comparison
            .addresses(apart)
            .into_iter()
            .map(|(address, records)| (address.to_string(), records.into()))
            .collect();
        let mut value = amount(counted);
        value["first"] = place_of(&comparison.files, first).into();
        if !addresses.is_empty() {
            value["addresses"] = addresses.into();
        }
        (apart.id().to_owned(), value)
    });
    json!({
        "files": comparison.files,
        "total": amount(comparison.total),
        "first_ns": comparison.span.map(|(first, _)| first.as_nanos().to_string()),
        "last_ns": comparison.span.map(|(_, last)| last.as_nanos().to_string()),
        "matrix": matrix,
        "judged": comparison.judged(),
        "disagreeing": comparison.disagreeing(),
        "unexplained": comparison.unexplained(),
        "disagreements": groups,
        "apart": apart.collect::<Map<String, Value>>(),
        "not_logged_at_receiver": comparison.unseen,
        "frames_left_out": comparison.left_out,
    })
}

fn amount(amount: LoggedAmount) -> Value {
    json!({ "records": amount.records, "packets": amount.packets, "bytes": amount.bytes })
}

fn group_json(
    words: Resolver<'_>,
    comparison: &FlowComparison,
    disagreement: &Disagreement,
    group: &DisagreementGroup,
) -> Value {
    let mut fields = Map::new();
    fields.insert("action".to_owned(), disagreement.action.name().into());
    fields.insert("direction".to_owned(), disagreement.direction.name().into());
    push_answer(&mut fields, words, disagreement.direction, group.answer);
    // Several places share what decides; that of the example stands in the example.
    fields.remove("where");
    if let Some(at) = disagreement.at.and_then(|at| words.at(at)) {
        fields.insert("where".to_owned(), at.into());
    }
    let mut value = Value::Object(fields);
    value["amount"] = amount(group.amount);
    value["unexplained"] = group.unexplained().into();
    let causes = LogCause::ALL.iter().zip(group.explained).filter(|(_, records)| *records != 0);
    value["causes"] =
        causes.map(|(cause, records)| (cause.id().to_owned(), records.into())).collect::<Map<_, _>>().into();
    let judgement = Judgement::Judged { answer: group.answer, cause: group.cause };
    value["example"] = logged_record_json(words, &comparison.files, &group.example, &judgement);
    value
}

/// Returns a record and what came of it as one object.
pub fn logged_record_json(words: Resolver<'_>, files: &[String], record: &LogRecord, judgement: &Judgement) -> Value {
    let mut fields = Map::new();
    let mut set = |key: &str, value: Value| _ = fields.insert(key.to_owned(), value);
    set("record", place_of(files, record).into());
    if record.start.as_nanos() != 0 {
        set("start_ns", record.start.as_nanos().to_string().into());
        set("end_ns", record.end.as_nanos().to_string().into());
    }
    if let Ok(place) = record.place {
        set("at", words.endpoint(place.at).into());
        set("direction", place.direction.name().into());
        set("action", place.action.name().into());
    }
    if !record.source.ip().is_unspecified() || !record.destination.ip().is_unspecified() {
        set("src", record.source.ip().to_string().into());
        set("dst", record.destination.ip().to_string().into());
        set("proto", record.protocol.0.into());
        if record.protocol.has_ports() {
            set("sport", record.source.port().into());
            set("dport", record.destination.port().into());
        }
        set("packets", record.packets.into());
        set("bytes", record.bytes.into());
    }
    let (judged, apart) = match (record.place, *judgement) {
        (Err(apart), _) | (Ok(_), Judgement::Apart(apart)) => ("apart", Some(apart)),
        (Ok(_), Judgement::Undetermined { .. }) => ("undetermined", None),
        (Ok(place), Judgement::Judged { answer, .. }) if answer.agrees_with(place.action) => ("agrees", None),
        (Ok(_), Judgement::Judged { .. }) => ("disagrees", None),
    };
    set("judgement", judged.into());
    if let Some(apart) = apart {
        set("apart", apart.id().into());
    }
    match (record.place, *judgement) {
        (Ok(_), Judgement::Undetermined { at }) => {
            if let Some(at) = words.at(at) {
                set("where", at.into());
            }
        }
        (Ok(place), Judgement::Judged { answer, cause }) => {
            if let Some(cause) = cause {
                set("cause", cause.id().into());
            }
            push_answer(&mut fields, words, place.direction, answer);
        }
        _ => {}
    }
    Value::Object(fields)
}

/// Adds what the model does, where, and what decides.
fn push_answer(fields: &mut Map<String, Value>, words: Resolver<'_>, direction: LogDirection, answer: ModelAnswer) {
    let mut set = |key: &str, value: Value| _ = fields.insert(key.to_owned(), value);
    set("model", MatrixColumn::of(answer).id().into());
    if let Some((reason, at)) = answer.refusal() {
        set("reason", reason.id().into());
        if let Some(at) = words.at(at) {
            set("where", at.into());
        }
    }
    if let ModelAnswer::Passes { in_session: true, .. } = answer {
        set("by", "session".into());
    }
    if let ModelAnswer::Misleads { to, .. } = answer {
        set("to", words.endpoint(to).into());
    }
    if let Some(cause) = cause_of(words, direction, answer) {
        set("rule", cause.to_string().into());
        if let Some(place) = cause.place() {
            set("source", place.to_string().into());
        }
    }
}

//! The inventory as JSON.

use super::Inventory;
use super::object::{ShownField, ShownObject, ShownRow, ShownValue};
use serde_json::{Map, Value, json};

/// The objects as an array. Each has `kind`, `id`, `name` and `source` where there are any, its own keys as topology
/// files have them, and under `connected` the ids of what refers to it.
pub fn inventory_json(inventory: &Inventory) -> Value {
    inventory.objects.iter().map(object).collect()
}

fn object(object: &ShownObject) -> Value {
    let mut value = Map::new();
    value.insert("kind".to_owned(), object.kind.name().into());
    value.insert("id".to_owned(), object.id.as_str().into());
    let optional = [("name", &object.name), ("source", &object.source)];
    for (key, text) in optional {
        value.extend(text.iter().map(|text| (key.to_owned(), text.as_str().into())));
    }
    // A gateway and a service have a `kind` of their own.
    value.extend(object.fields.iter().map(|field| {
        let key = if field.key == "kind" { format!("{}_kind", object.kind.name()) } else { field.key.to_owned() };
        (key, value_of(&field.value))
    }));
    let connected: Map<String, Value> =
        object.connected.iter().map(|ShownField { key, value }| ((*key).to_owned(), value_of(value))).collect();
    value.insert("connected".to_owned(), connected.into());
    value.into()
}

fn value_of(value: &ShownValue) -> Value {
    match value {
        ShownValue::Text(text) => text.as_str().into(),
        ShownValue::Number(number) => (*number).into(),
        ShownValue::Flag(flag) => (*flag).into(),
        ShownValue::List(items) => json!(items),
        ShownValue::Pairs(pairs) => {
            pairs.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect::<Map<_, _>>().into()
        }
        ShownValue::Rows(rows) => rows.iter().map(row).collect(),
    }
}

fn row(row: &ShownRow) -> Value {
    row.cells.iter().map(|cell| (cell.key.to_owned(), Value::from(cell.text.as_str()))).collect::<Map<_, _>>().into()
}

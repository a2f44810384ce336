//! Changes of a topology file carried out on its text.

use crate::report::TopologyEdit;
use toml::{Table, Value};

/// `text` with the changes made.
pub(super) fn apply<'a>(text: &str, edits: impl Iterator<Item = &'a TopologyEdit>) -> String {
    let mut world: Table = text.parse().unwrap();
    for edit in edits {
        match edit {
            TopologyEdit::Set { table, keys, without } => {
                let own = find(&mut world, table);
                for key in without {
                    own.remove(*key);
                }
                for (key, value) in keys {
                    own.insert(key.clone(), read(value));
                }
            }
            TopologyEdit::Append { table, key, entry, fresh } => {
                let own = find(&mut world, table);
                let array = own.entry(*key).or_insert_with(|| Value::Array(Vec::new())).as_array_mut().unwrap();
                assert_eq!(array.is_empty(), *fresh, "{key} of {table}");
                array.push(read(entry));
            }
            TopologyEdit::Remove { table, key, number } => {
                find(&mut world, table)[*key].as_array_mut().unwrap().remove(number - 1);
            }
        }
    }
    world.to_string()
}

fn read(value: &str) -> Value {
    let document: Table = format!("value = {value}").parse().unwrap_or_else(|error| panic!("{value}: {error}"));
    document["value"].clone()
}

/// The table with this header, which may be new.
fn find<'w>(world: &'w mut Table, header: &str) -> &'w mut Table {
    let path: Table = format!("[{header}]").parse().unwrap();
    let (kind, ids) = path.iter().next().unwrap();
    let id = ids.as_table().unwrap().keys().next().unwrap();
    let mut inner = world;
    for part in [kind, id] {
        inner = inner.entry(part).or_insert_with(|| Value::Table(Table::new())).as_table_mut().unwrap();
    }
    inner
}

//! The shape of what is shown, the same for text and JSON.

use crate::model::ObjectKind;

/// An object of a topology.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownObject {
    /// What it is.
    pub kind: ObjectKind,
    /// Its id.
    pub id: String,
    /// Its name, where the file gives one.
    pub name: Option<String>,
    /// Its line: `shop.toml:19`.
    pub source: Option<String>,
    /// What it says, defaults included, in the order of the file format. What may be absent, and is, is left out.
    pub fields: Vec<ShownField>,
    /// The ids of what refers to it and what lies in it. Nothing is left out.
    pub connected: Vec<ShownField>,
}

impl ShownObject {
    /// What it says under `key`, or what it is connected to.
    pub fn value(&self, key: &str) -> Option<&ShownValue> {
        let field = self.fields.iter().chain(&self.connected).find(|field| field.key == key);
        field.map(|field| &field.value)
    }

    /// True where it has this tag.
    pub fn has_tag(&self, key: &str, value: &str) -> bool {
        let Some(ShownValue::Pairs(tags)) = self.value("tags") else { return false };
        tags.iter().any(|(known, own)| known == key && own == value)
    }
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownField {
    /// The key, as topology files have it.
    pub key: &'static str,
    /// The value.
    pub value: ShownValue,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShownValue {
    /// A word, address or sentence.
    Text(String),
    /// A number.
    Number(u64),
    /// Yes or no.
    Flag(bool),
    /// Several, each of a word or two.
    List(Vec<String>),
    /// Tags, each a key and a value.
    Pairs(Vec<(String, String)>),
    /// Rules or routes.
    Rows(Vec<ShownRow>),
}

/// A rule or a route: what it says, and its `line`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShownRow {
    /// Keys and what stands there.
    pub cells: Vec<ShownCell>,
}

/// A key of a rule or route, and what stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownCell {
    /// The key.
    pub key: &'static str,
    /// The text.
    pub text: String,
}

impl ShownRow {
    /// The same with one more cell.
    #[must_use]
    pub(super) fn with(mut self, key: &'static str, text: &impl ToString) -> ShownRow {
        self.cells.push(ShownCell { key, text: text.to_string() });
        self
    }
}

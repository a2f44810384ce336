//! The attributes of a resource: those that are known, and of the others the ids that they will hold.

use super::document::Resource;
use super::references::References;
use crate::import::json::JsonNode;

/// A resource and where what it does not know yet comes from.
pub(super) struct Attributes<'r> {
    pub(super) resource: &'r Resource<'r>,
    references: &'r References<'r>,
}

impl<'r> Attributes<'r> {
    pub(super) fn of(resource: &'r Resource<'r>, references: &'r References<'r>) -> Attributes<'r> {
        Attributes { resource, references }
    }

    pub(super) fn node(&self) -> &JsonNode<'r> {
        self.resource.attributes
    }

    /// The id at the vendor's, or the address of what does not exist yet.
    pub(super) fn id(&self) -> String {
        self.resource.name()
    }

    /// True for what does not exist yet.
    pub(super) fn is_new(&self) -> bool {
        self.resource.id().is_none()
    }

    /// The text of the first of several attributes that has one.
    pub(super) fn text(&self, keys: &[&str]) -> Option<String> {
        keys.iter().find_map(|key| self.node().owned(key))
    }

    /// The id that an attribute holds or will hold.
    pub(super) fn reference(&self, keys: &[&str]) -> Option<String> {
        self.text(keys)
            .or_else(|| keys.iter().find_map(|key| self.references.ids(&self.resource.address, key).into_iter().next()))
    }

    /// The ids that a list holds or will hold.
    pub(super) fn references(&self, keys: &[&str]) -> Vec<String> {
        for key in keys {
            let texts = self.node().texts(key);
            if !texts.is_empty() {
                return texts;
            }
        }
        keys.iter()
            .map(|key| self.references.ids(&self.resource.address, key))
            .find(|ids| !ids.is_empty())
            .unwrap_or_default()
    }
}

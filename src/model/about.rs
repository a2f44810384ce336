//! What people call an object, and what they say about it.

/// The name, description and tags of an object: kept and shown, and no verdict depends on them. An id is what identifies
/// an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// What it is called.
    pub name: Option<String>,
    /// A sentence.
    pub description: Option<String>,
    /// Keys and values, in the order of the file.
    pub tags: Vec<(String, String)>,
}

impl About {
    /// How many characters a name, a description, or the key or value of a tag has at most.
    pub const MAX_CHARACTERS: usize = 1024;
    /// How many tags an object has at most.
    pub const MAX_TAGS: usize = 100;
}

//! The keys that every object has: what people call it, and what they say about it.

use crate::model::About;
use crate::scenario::decode::{Decoder, Fields, Item, invalid};
use crate::scenario::schema::{ABOUT, names};

const KEYS: [&str; 3] = names(&ABOUT);

/// What the file says about an object; nothing where no key does.
pub(super) fn about(decoder: &mut Decoder<'_>, fields: &Fields<'_>) -> Option<Box<About>> {
    // Most objects of a large file have none of the keys, and this is asked of each object.
    if !fields.keys().any(|key| KEYS.contains(&key.value)) {
        return None;
    }
    let [name, description, tags] = KEYS.map(|key| fields.get(key));
    let mut text = |item: Option<Item<'_>>| item.and_then(|item| bounded(decoder, item));
    let (name, description) = (text(name), text(description));
    let tags = tags.and_then(|item| self::tags(decoder, item)).unwrap_or_default();
    Some(Box::new(About { name, description, tags }))
}

/// A text that is kept and shown.
pub(super) fn bounded(decoder: &mut Decoder<'_>, item: Item<'_>) -> Option<String> {
    let text = item.string(decoder)?;
    if is_long(text) {
        let message = format!("`{}` has more than {} characters", item.key, About::MAX_CHARACTERS);
        decoder.report(invalid(item.span, message, "too long"));
        return None;
    }
    Some(text.to_owned())
}

fn tags(decoder: &mut Decoder<'_>, item: Item<'_>) -> Option<Vec<(String, String)>> {
    let table = item.table(decoder)?;
    let mut tags = Vec::new();
    for (key, value) in Fields::entries(table) {
        if tags.len() == About::MAX_TAGS {
            let message = format!("an object has more than {} tags", About::MAX_TAGS);
            decoder.report(invalid(key.span, message, "one tag too many"));
            break;
        }
        if key.value.is_empty() || is_long(key.value) {
            let message = format!("the key of a tag has 1 to {} characters", About::MAX_CHARACTERS);
            decoder.report(invalid(key.span, message, "no key of a tag"));
            continue;
        }
        if let Some(value) = bounded(decoder, value) {
            tags.push((key.value.to_owned(), value));
        }
    }
    Some(tags)
}

fn is_long(text: &str) -> bool {
    text.len() > About::MAX_CHARACTERS && text.chars().nth(About::MAX_CHARACTERS).is_some()
}

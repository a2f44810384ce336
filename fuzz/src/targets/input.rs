//! The bytes of an input, taken from the front.

/// What is left of an input. Behind its end it gives zeros, so that any bytes are an input.
pub(crate) struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Input<'a> {
        Input { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        *first
    }

    /// Big endian.
    pub(crate) fn word(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// Big endian.
    pub(crate) fn long(&mut self) -> u32 {
        u32::from(self.word()) << 16 | u32::from(self.word())
    }

    /// One of `choices`, which are not empty.
    pub(crate) fn pick<'c, T>(&mut self, choices: &'c [T]) -> &'c T {
        &choices[usize::from(self.byte()) % choices.len()]
    }

    /// Up to `most` of the next bytes.
    pub(crate) fn take(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(most.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// All that is left.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }
}

/// Panics where `text` would do something to a terminal, or begin a line of its own.
pub(crate) fn assert_harmless(text: &str) {
    let hostile = text.chars().find(|character| *character != '\n' && biplane::text::is_hostile(*character));
    assert_eq!(hostile, None, "{}", text.escape_debug());
}

/// The same for JSON, one value or one a line, as it is printed: escapes alone differ.
pub(crate) fn assert_harmless_json(json: &str) {
    let printed = biplane::text::shown_json(json);
    assert_harmless(&printed);
    let values = |text: &str| -> Vec<serde_json::Value> {
        let values = serde_json::Deserializer::from_str(text).into_iter();
        values.map(|value| value.unwrap_or_else(|error| panic!("{error}: {}", text.escape_debug()))).collect()
    };
    assert_eq!(values(json), values(&printed));
}

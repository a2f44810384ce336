//! The objects of a JSON file, one after the other: in a list, one a line, or laid out in any other way. No more than one
//! of them is in memory.

use super::error::FlowLogProblem;
use super::input::MAX_RECORD;
use std::io::BufRead;

/// Finds where objects begin and end; what is in between is for a JSON parser.
pub(super) struct JsonObjects<R> {
    from: R,
    line: u64,
    object: Vec<u8>,
    list: JsonList,
    /// True where a comma stands between the last object and the next.
    has_comma: bool,
    has_begun: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum JsonList {
    None,
    Open,
    Closed,
}

impl<R: BufRead> JsonObjects<R> {
    /// The objects of what is left of a file, which goes on in `line`.
    pub(super) fn new(from: R, line: u64) -> JsonObjects<R> {
        JsonObjects { from, line, object: Vec::new(), list: JsonList::None, has_comma: false, has_begun: false }
    }

    pub(super) fn get_ref(&self) -> &R {
        &self.from
    }

    /// The line that was come to.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The next object, and the line where it begins; `None` at the end.
    ///
    /// # Errors
    /// Something else stands there.
    pub(super) fn next(&mut self) -> Result<Option<(u64, &[u8])>, FlowLogProblem> {
        loop {
            let Some(byte) = self.from.fill_buf().map_err(FlowLogProblem::Io)?.first().copied() else {
                return match self.list {
                    JsonList::Open => Err(FlowLogProblem::CutShort),
                    JsonList::None if !self.has_begun => Err(FlowLogProblem::Empty),
                    _ => Ok(None),
                };
            };
            let is_first = !self.has_begun;
            match (byte, self.list) {
                (b'{', JsonList::None) => break,
                (b'{', JsonList::Open) if is_first || self.has_comma => break,
                (b'[', JsonList::None) if is_first => self.list = JsonList::Open,
                (b']', JsonList::Open) if !self.has_comma => (self.list, self.has_begun) = (JsonList::Closed, true),
                (b',', JsonList::Open) if !is_first && !self.has_comma => self.has_comma = true,
                (b'\n', _) => self.line += 1,
                (b' ' | b'\t' | b'\r', _) => {}
                _ => return Err(self.unexpected(byte)),
            }
            self.from.consume(1);
        }
        (self.has_begun, self.has_comma) = (true, false);
        let line = self.line;
        self.read_object()?;
        Ok(Some((line, &self.object)))
    }

    fn unexpected(&self, byte: u8) -> FlowLogProblem {
        let found = char::from(byte).escape_default();
        let wanted = match self.list {
            JsonList::Closed => "nothing behind the list",
            JsonList::Open if self.has_begun && !self.has_comma => "a comma or the end of the list",
            _ => "an object",
        };
        FlowLogProblem::Json(format!("expected {wanted}, found `{found}`"))
    }

    /// Reads from a brace to the one that closes it.
    fn read_object(&mut self) -> Result<(), FlowLogProblem> {
        self.object.clear();
        let (mut depth, mut is_text, mut is_escaped) = (0_u32, false, false);
        loop {
            let bytes = self.from.fill_buf().map_err(FlowLogProblem::Io)?;
            if bytes.is_empty() {
                return Err(FlowLogProblem::CutShort);
            }
            let mut used = 0;
            for byte in bytes {
                used += 1;
                match byte {
                    b'\n' => self.line += 1,
                    _ if is_escaped => is_escaped = false,
                    b'\\' if is_text => is_escaped = true,
                    b'"' => is_text = !is_text,
                    b'{' | b'[' if !is_text => depth += 1,
                    b'}' | b']' if !is_text => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
            self.object.extend_from_slice(&bytes[..used]);
            self.from.consume(used);
            if depth == 0 {
                return Ok(());
            }
            if self.object.len() > MAX_RECORD {
                return Err(FlowLogProblem::LongRecord { limit: MAX_RECORD });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    /// The objects, with their lines, and what ended them.
    fn objects(text: &str) -> (Vec<(u64, String)>, Option<String>) {
        // A byte at a time: nothing depends on how the file is cut into blocks.
        let mut objects = JsonObjects::new(BufReader::with_capacity(1, text.as_bytes()), 1);
        let mut found = Vec::new();
        loop {
            match objects.next() {
                Ok(Some((line, object))) => found.push((line, String::from_utf8(object.to_vec()).unwrap())),
                Ok(None) => return (found, None),
                Err(problem) => return (found, Some(format!("{problem:?}"))),
            }
        }
    }

    #[test]
    fn a_list_and_lines_give_the_same_objects_whatever_their_layout() {
        let one = r#"{"a":"}\"{","b":[{}]}"#.to_owned();
        let other = "{\n}".to_owned();
        let found = vec![(1, one.clone()), (2, other.clone())];
        assert_eq!(objects(&format!("{one}\n{other}\n")), (found.clone(), None));
        assert_eq!(objects(&format!("[{one},\n{other}]\n")), (found.clone(), None));
        assert_eq!(objects(&format!(" [ {one}\n , {other} \n]")), (found, None));
        assert_eq!(objects(&format!("{one}{other}")).0.len(), 2);
        assert_eq!(objects(" [ ]\n"), (Vec::new(), None));
    }

    #[test]
    fn what_is_no_list_of_objects_says_where_and_gives_what_stands_before() {
        for (text, good, problem) in [
            ("", 0, "Empty"),
            (" \n", 0, "Empty"),
            ("[", 0, "CutShort"),
            ("[{}", 1, "CutShort"),
            ("{}\n{\"a\": ", 1, "CutShort"),
            ("{} x", 1, "expected an object, found `x`"),
            ("{},{}", 1, "expected an object, found `,`"),
            ("[{}{}]", 1, "expected a comma or the end of the list, found `{`"),
            ("[{},]", 1, "expected an object, found `]`"),
            ("[1]", 0, "expected an object, found `1`"),
            ("[{}] {}", 1, "expected nothing behind the list, found `{`"),
            ("[[{}]]", 0, "expected an object, found `[`"),
        ] {
            let (found, told) = objects(text);
            assert_eq!(found.len(), good, "{text}");
            assert!(told.as_deref().is_some_and(|told| told.contains(problem)), "{text}: {told:?}");
        }
    }

    #[test]
    fn an_object_without_an_end_takes_bounded_memory() {
        let endless = format!("{{\"a\": \"{}", "x".repeat(2 * MAX_RECORD));
        let mut objects = JsonObjects::new(BufReader::new(endless.as_bytes()), 1);
        assert!(matches!(objects.next(), Err(FlowLogProblem::LongRecord { .. })));
        assert!(objects.object.capacity() <= 2 * MAX_RECORD + 8192);
    }
}

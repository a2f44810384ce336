#![allow(missing_docs)]
use super::*;
use crate::datapath::*;
use crate::program::EndpointId;
use std::fmt::Write;
pub fn trace_text(words: Words<'_>, desc: &str, steps: &[Step], outcome: &Outcome) -> String {
    let mut s = format!("frame {desc}\n");
    for x in steps {
        let _ = writeln!(s, "  {x:?}");
    }
    let _ = writeln!(s, "{}", Sentence::new(words, outcome));
    s
}
pub struct Annotations<'a>(Words<'a>);
impl<'a> Annotations<'a> {
    pub fn new(w: Words<'a>) -> Self {
        Annotations(w)
    }
    pub fn frame(&self, short: &mut String, long: &mut String, n: u64, o: &Outcome) {
        let _ = write!(short, "biplane: {:?}", o.verdict);
        let _ = write!(long, "frame {n} {}", Sentence::new(self.0, o));
    }
    pub fn emitted(&self, short: &mut String, long: &mut String, n: u64, e: Emitted, _to: EndpointId) {
        let _ = write!(short, "biplane: emitted {:?}", e);
        let _ = write!(long, "frame {n}");
    }
}
pub struct StepResult {
    pub title: String,
    pub passed: bool,
    pub message: String,
}

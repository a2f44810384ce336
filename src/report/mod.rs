//! Text, JSON, JUnit and annotated captures; alone owns layout, colour and names.

pub mod diagnostics;

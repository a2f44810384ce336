//! A diagram in the language of Graphviz.

use super::{Diagram, DiagramBox, EdgeClass, NodeClass};
use crate::text::shown;
use std::collections::HashSet;
use std::fmt::Write;

/// Writes a diagram as a graph for `dot`. Boxes are clusters; a line to a box ends at its border, at a node of its own
/// that is not seen.
pub fn diagram_dot(diagram: &Diagram) -> String {
    let mut out =
        String::from("digraph biplane {\n  graph [rankdir=LR, compound=true, fontname=\"sans-serif\", label=");
    push_quoted(&mut out, &diagram.title);
    out.push_str("];\n  node [shape=box, fontname=\"sans-serif\"];\n  edge [dir=none, fontname=\"sans-serif\"];\n");
    let mut boxes = HashSet::new();
    diagram.left.iter().chain(&diagram.right).for_each(|outer| write_cluster(&mut out, outer, 1, &mut boxes));
    for edge in &diagram.edges {
        out.push_str("  ");
        push_quoted(&mut out, &edge.from);
        out.push_str(" -> ");
        push_quoted(&mut out, &edge.to);
        let style = match edge.class {
            EdgeClass::Link | EdgeClass::Delivered => "solid",
            EdgeClass::DisabledLink => "dotted",
            EdgeClass::Peering | EdgeClass::Dropped => "dashed",
        };
        let _ = write!(out, " [class={}, style={style}, label=", quoted(edge.class.name()));
        push_quoted(&mut out, &edge.label);
        for (attribute, key) in [("ltail", &edge.from), ("lhead", &edge.to)] {
            if boxes.contains(key.as_str()) {
                let _ = write!(out, ", {attribute}={}", quoted(&cluster(key)));
            }
        }
        out.push_str("];\n");
    }
    out.push_str("}\n");
    out
}

fn write_cluster<'a>(out: &mut String, of: &'a DiagramBox, depth: usize, boxes: &mut HashSet<&'a str>) {
    boxes.insert(&of.key);
    let indent = "  ".repeat(depth);
    let title = if of.note.is_empty() { of.title.clone() } else { format!("{}, {}", of.title, of.note) };
    let style = if of.boxes.is_empty() && of.nodes.is_empty() { "dashed" } else { "rounded" };
    let _ = writeln!(out, "{indent}subgraph {} {{", quoted(&cluster(&of.key)));
    let _ = writeln!(out, "{indent}  label={}; style={style}; class={};", quoted(&title), quoted(of.class.name()));
    let _ = writeln!(out, "{indent}  {} [shape=point, style=invis];", quoted(&of.key));
    for node in &of.nodes {
        let shape = match node.class {
            NodeClass::Instance => "box",
            NodeClass::Service => "cylinder",
            NodeClass::Gateway => "house",
            NodeClass::Folded => "box3d",
        };
        let (key, label, note) = (quoted(&node.key), quoted(&node.label), quoted(&node.note));
        let _ = writeln!(out, "{indent}  {key} [shape={shape}, label={label}, tooltip={note}];");
    }
    of.boxes.iter().for_each(|inner| write_cluster(out, inner, depth + 1, boxes));
    let _ = writeln!(out, "{indent}}}");
}

/// Graphviz takes a subgraph for a cluster by its name.
fn cluster(key: &str) -> String {
    format!("cluster_{key}")
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    push_quoted(&mut out, text);
    out
}

/// A quoted string: there a backslash begins an escape, and only a quotation mark ends it.
fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for character in shown(text).chars() {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
}

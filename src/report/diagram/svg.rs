//! A diagram as SVG: one file that needs nothing else, light or dark as the reader's system is.

use super::layout::{COLUMN, LINE, NODE_HEIGHT, Placed, PlacedEdge, Rect, place};
use super::{Diagram, DiagramBox, DiagramNode, EdgeClass};
use crate::text::shown;
use std::fmt::Write;

/// Columns of a label at most; all of it stands in the note.
const NODE_COLUMNS: usize = 24;

/// Between lines of traffic at the same border.
const LANE: u32 = 15;
/// Pixels that the legend takes.
const LEGEND_WIDTH: u32 = 420;

/// The look of every diagram.
pub(in crate::report) const STYLE: &str = "\
.diagram{font:12px system-ui,sans-serif;--ink:#1f2328;--faint:#59636e;--paper:#fff;--classic:#fff8e5;--vpc:#eef4ff;\
--vswitch:#fff;--node:#f6f8fa;--edge:#d1d9e0;--link:#0969da;--peering:#8250df;--good:#1a7f37;--bad:#cf222e}\
@media(prefers-color-scheme:dark){.diagram{--ink:#e6edf3;--faint:#9198a1;--paper:#0d1117;--classic:#2b2410;\
--vpc:#121d2f;--vswitch:#0d1117;--node:#151b23;--edge:#3d444d;--link:#4493f8;--peering:#ab7df8;--good:#3fb950;\
--bad:#f85149}}\
.diagram .paper{fill:var(--paper)}.diagram text{fill:var(--ink)}.diagram .note{fill:var(--faint)}\
.diagram .title{font-weight:600}.diagram rect{stroke:var(--edge)}.diagram .paper{stroke:none}\
.diagram .classic>rect{fill:var(--classic)}.diagram .vpc>rect{fill:var(--vpc)}\
.diagram .vswitch>rect,.diagram .folded>rect{fill:var(--vswitch)}.diagram .folded>rect{stroke-dasharray:4 3}\
.diagram .node>rect{fill:var(--node)}.diagram .service>rect{stroke-width:2}.diagram .gateway>rect{stroke:var(--ink)}\
.diagram path{fill:none;stroke:var(--link);stroke-width:1.5}.diagram .disabled-link path{stroke-dasharray:2 4}\
.diagram .peering path{stroke:var(--peering);stroke-dasharray:8 4}.diagram .delivered path{stroke:var(--good)}\
.diagram .dropped path{stroke:var(--bad);stroke-dasharray:6 3}\
.diagram .delivered text{fill:var(--good)}.diagram .dropped text{fill:var(--bad)}\
.diagram .label{paint-order:stroke;stroke:var(--paper);stroke-width:4px;stroke-linejoin:round}";

/// Writes a diagram as an SVG element: as a file of its own, or inside a page.
pub fn diagram_svg(diagram: &Diagram) -> String {
    let Placed { width, height, left, right, nodes, below, above } = place(diagram);
    let legend = legend(diagram);
    let (width, drawn, height) = (width.max(LEGEND_WIDTH), height, height + LINE * legend.len() as u32);
    let mut out = String::new();
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"diagram\" role=\"img\" \
         aria-labelledby=\"diagram-title diagram-description\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\">\n<title id=\"diagram-title\">{}</title>\n<desc id=\"diagram-description\">{}</desc>\n\
         <style>{STYLE}</style>\n<rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n",
        xml(&diagram.title),
        xml(&diagram.description)
    );
    left.iter().for_each(|(rect, of)| write_box(&mut out, *rect, of));
    below.iter().for_each(|edge| write_edge(&mut out, edge));
    right.iter().for_each(|(rect, of)| write_box(&mut out, *rect, of));
    nodes.iter().for_each(|(rect, of)| write_node(&mut out, *rect, of));
    above.iter().for_each(|edge| write_edge(&mut out, edge));
    for (line, class) in (0..).zip(legend) {
        write_legend(&mut out, drawn + line * LINE, class);
    }
    out.push_str("</svg>\n");
    out
}

/// The kinds of lines that there are, in order.
fn legend(diagram: &Diagram) -> Vec<EdgeClass> {
    let mut classes: Vec<EdgeClass> = diagram.edges.iter().map(|edge| edge.class).collect();
    classes.sort_unstable();
    classes.dedup();
    classes
}

fn write_legend(out: &mut String, y: u32, class: EdgeClass) {
    let (name, words) = (class.name(), class.words());
    let _ = writeln!(
        out,
        "<g class=\"{name}\"><path d=\"M24 {}H72\"/><text class=\"note\" x=\"80\" y=\"{}\">{words}</text></g>",
        y - 6,
        y - 2
    );
}

fn write_box(out: &mut String, rect: Rect, of: &DiagramBox) {
    let Rect { x, y, width, height } = rect;
    let columns = (width / COLUMN).saturating_sub(3) as usize;
    let _ = write!(
        out,
        "<g class=\"{}\"><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>\
         <text class=\"title\" x=\"{}\" y=\"{}\">{}</text>",
        of.class.name(),
        xml(&described(&of.title, &of.note)),
        x + 12,
        y + 22,
        xml(&shortened(&of.title, columns))
    );
    if !of.note.is_empty() {
        let (left, base) = (x + 12, y + 40);
        let _ =
            write!(out, "<text class=\"note\" x=\"{left}\" y=\"{base}\">{}</text>", xml(&shortened(&of.note, columns)));
    }
    out.push_str("</g>\n");
}

fn write_node(out: &mut String, rect: Rect, of: &DiagramNode) {
    let Rect { x, y, width, height } = rect;
    let _ = writeln!(
        out,
        "<g class=\"node {}\"><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"4\"/>\
         <text x=\"{}\" y=\"{}\">{}</text></g>",
        of.class.name(),
        xml(&described(&of.label, &of.note)),
        x + 8,
        y + NODE_HEIGHT - 8,
        xml(&shortened(&of.label, NODE_COLUMNS))
    );
}

/// A curve between the sides that face each other.
fn write_edge(out: &mut String, PlacedEdge { from, to, lanes, of }: &PlacedEdge<'_>) {
    let is_traffic = of.class.is_traffic();
    let level = |rect: &Rect, lane: u32| match is_traffic {
        // One above the other from the lower border, so that they neither hide each other nor titles.
        true => rect.y + rect.height - LANE / 2 - lane * LANE % rect.height.saturating_sub(LANE).max(LANE),
        false => rect.y + rect.height.min(2 * NODE_HEIGHT) / 2,
    };
    let (start, end) = match from.x + from.width <= to.x {
        true => (from.x + from.width, to.x),
        false if to.x + to.width <= from.x => (from.x, to.x + to.width),
        false => (from.x, to.x),
    };
    let (top, bottom) = (level(from, lanes[0]), level(to, lanes[1]));
    // Boxes in one column are joined by a curve on their left.
    let bend = if start == from.x && end == to.x { start.min(end).saturating_sub(40) } else { start.midpoint(end) };
    let note = described(&of.label, &of.note);
    let _ = write!(
        out,
        "<g class=\"{}\"><title>{}</title><path d=\"M{start} {top}C{bend} {top} {bend} {bottom} {end} {bottom}\"/>",
        of.class.name(),
        xml(&note)
    );
    if !of.label.is_empty() {
        let (x, y, anchor, class) = match start < end {
            _ if is_traffic => ((start + 6 * bend + end) / 8, top.midpoint(bottom) + 4, "middle", "label"),
            // In front of its end, where lines are apart.
            true => (end - 4, bottom - 4, "end", "note"),
            false => (end + 4, bottom - 4, "start", "note"),
        };
        let _ = write!(
            out,
            "<text class=\"{class}\" text-anchor=\"{anchor}\" x=\"{x}\" y=\"{y}\">{}</text>",
            xml(&shortened(&of.label, NODE_COLUMNS))
        );
    }
    out.push_str("</g>\n");
}

fn described(label: &str, note: &str) -> String {
    match (label, note) {
        (text, "") | ("", text) => text.to_owned(),
        (label, note) => format!("{label}: {note}"),
    }
}

/// The start of a text that is too long, with a mark for the rest.
fn shortened(text: &str, columns: usize) -> String {
    let text = shown(text);
    if text.chars().count() <= columns {
        return text.into_owned();
    }
    text.chars().take(columns.saturating_sub(1)).chain(['…']).collect()
}

/// A text inside markup or an attribute. Characters that XML cannot hold are shown escaped.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in shown(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            character => out.push(character),
        }
    }
    out
}

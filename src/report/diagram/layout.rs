//! Where boxes and nodes of a diagram stand: in whole pixels, so that the same diagram gives the same bytes everywhere.
//!
//! Nodes of a box stand in a grid below its title, the boxes in it below the nodes, in columns that are filled where
//! there is most room. Outermost boxes on the left stand one below the other, those on the right in columns. Each box is
//! measured once.

use super::{Diagram, DiagramBox, DiagramEdge, DiagramNode};
use crate::report::layout::width as width_of;
use std::collections::{HashMap, HashSet};

/// Sizes in pixels.
pub(super) const NODE_WIDTH: u32 = 168;
pub(super) const NODE_HEIGHT: u32 = 24;
pub(super) const LINE: u32 = 18;
const GAP: u32 = 10;
const PADDING: u32 = 12;
const MARGIN: u32 = 24;
/// Between left and right, and between columns on the right, for the lines.
const GUTTER: u32 = 120;
const AISLE: u32 = 60;
/// Columns of nodes in a box, and of boxes in a box or side by side.
const MOST_COLUMNS: usize = 3;
/// Pixels of a column of text, on the generous side, and what a box becomes wider for its text at most.
pub(super) const COLUMN: u32 = 7;
const MOST_FOR_TEXT: u32 = 340;
const MIN_BOX_WIDTH: u32 = NODE_WIDTH + 2 * PADDING;

/// A rectangle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rect {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// A diagram with places.
pub(super) struct Placed<'a> {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Outer boxes before those in them: those on the left, and those on the right.
    pub(super) left: Vec<(Rect, &'a DiagramBox)>,
    pub(super) right: Vec<(Rect, &'a DiagramBox)>,
    pub(super) nodes: Vec<(Rect, &'a DiagramNode)>,
    /// Lines that end at the borders of boxes on the right, which may lie below all of these, and lines into them.
    pub(super) below: Vec<PlacedEdge<'a>>,
    pub(super) above: Vec<PlacedEdge<'a>>,
}

/// A line with the places of its ends.
pub(super) struct PlacedEdge<'a> {
    pub(super) from: Rect,
    pub(super) to: Rect,
    /// Of traffic: how many such lines have been drawn before at either end.
    pub(super) lanes: [u32; 2],
    pub(super) of: &'a DiagramEdge,
}

/// How large a box is, and where what it holds stands in it.
struct Measured<'a> {
    width: u32,
    height: u32,
    of: &'a DiagramBox,
    nodes: Vec<(u32, u32)>,
    boxes: Vec<(u32, u32, Measured<'a>)>,
}

/// Places all of a diagram.
pub(super) fn place(diagram: &Diagram) -> Placed<'_> {
    // In one column, lines leave nodes to the right without crossing another one.
    let left = columns(diagram.left.iter().map(|of| measure(of, 1)).collect(), 1, GAP);
    let in_row = columns_for(diagram.right.len(), MOST_COLUMNS);
    let right = columns(diagram.right.iter().map(|of| measure(of, MOST_COLUMNS)).collect(), in_row, AISLE);
    let right_from = MARGIN + if left.width == 0 { 0 } else { left.width + GUTTER };
    let mut placed = Placed {
        width: right_from + right.width + MARGIN,
        height: MARGIN + left.height.max(right.height) + MARGIN,
        left: Vec::new(),
        right: Vec::new(),
        nodes: Vec::new(),
        below: Vec::new(),
        above: Vec::new(),
    };
    let Placed { left: left_boxes, right: right_boxes, nodes, .. } = &mut placed;
    for (x, y, measured) in left.boxes {
        put(left_boxes, nodes, Spot { x: MARGIN + x, y: MARGIN + y, measured });
    }
    let on_left = nodes.len();
    for (x, y, measured) in right.boxes {
        put(right_boxes, nodes, Spot { x: right_from + x, y: MARGIN + y, measured });
    }
    place_edges(diagram, on_left, &mut placed);
    placed
}

fn place_edges<'a>(diagram: &'a Diagram, on_left: usize, placed: &mut Placed<'a>) {
    let outermost: HashSet<&str> = diagram.right.iter().map(|of| of.key.as_str()).collect();
    let mut ends: HashMap<&str, (Rect, bool)> = HashMap::new();
    for (rect, of) in &placed.left {
        ends.insert(&of.key, (*rect, false));
    }
    for (rect, of) in &placed.right {
        ends.insert(&of.key, (*rect, !outermost.contains(of.key.as_str())));
    }
    for (index, (rect, of)) in placed.nodes.iter().enumerate() {
        ends.insert(&of.key, (*rect, index >= on_left));
    }
    let mut lanes: HashMap<&str, u32> = HashMap::new();
    for of in &diagram.edges {
        let (Some((from, from_inside)), Some((to, to_inside))) = (ends.get(&*of.from), ends.get(&*of.to)) else {
            continue;
        };
        let mut lane = |key| {
            let drawn = lanes.entry(key).or_default();
            *drawn += u32::from(of.class.is_traffic());
            drawn.saturating_sub(1)
        };
        let edge = PlacedEdge { from: *from, to: *to, lanes: [lane(&of.from), lane(&of.to)], of };
        if *from_inside || *to_inside { placed.above.push(edge) } else { placed.below.push(edge) }
    }
}

/// As many columns as make about a square of so many, at most `most`.
fn columns_for(count: usize, most: usize) -> usize {
    (1..most).find(|columns| columns * columns * 2 >= count).unwrap_or(most)
}

/// Measures a box whose nodes stand in no more than so many columns.
fn measure(of: &DiagramBox, most: usize) -> Measured<'_> {
    let top = PADDING + LINE + if of.note.is_empty() { 0 } else { LINE } + GAP / 2;
    let in_row = columns_for(of.nodes.len(), most);
    let places = (0..of.nodes.len()).map(|index| ((index % in_row) as u32, (index / in_row) as u32));
    let nodes: Vec<(u32, u32)> =
        places.map(|(column, row)| (PADDING + column * (NODE_WIDTH + GAP), top + row * (NODE_HEIGHT + GAP))).collect();
    let rows = of.nodes.len().div_ceil(in_row) as u32;
    let below = top + rows * (NODE_HEIGHT + GAP);
    let inner = columns(of.boxes.iter().map(|of| measure(of, most)).collect(), columns_for(of.boxes.len(), most), GAP);
    let node_columns = of.nodes.len().min(in_row) as u32;
    let width = (node_columns * (NODE_WIDTH + GAP)).saturating_sub(GAP).max(inner.width) + 2 * PADDING;
    let text = |text: &str| (width_of(text) as u32 * COLUMN + 3 * PADDING).min(MOST_FOR_TEXT);
    Measured {
        width: width.max(MIN_BOX_WIDTH).max(text(&of.title)).max(text(&of.note)),
        height: below + inner.height + PADDING,
        of,
        nodes,
        boxes: inner.boxes.into_iter().map(|(x, y, measured)| (PADDING + x, below + y, measured)).collect(),
    }
}

/// Boxes in columns.
struct Columns<'a> {
    width: u32,
    height: u32,
    boxes: Vec<(u32, u32, Measured<'a>)>,
}

/// Puts boxes one after the other into the column that is shortest, with so much room between columns.
fn columns(boxes: Vec<Measured<'_>>, count: usize, between: u32) -> Columns<'_> {
    let mut heights = vec![0; count.max(1)];
    let mut widths = vec![0; count.max(1)];
    let mut chosen = Vec::with_capacity(boxes.len());
    for measured in &boxes {
        let column = (0..heights.len()).min_by_key(|column| heights[*column]).unwrap_or(0);
        chosen.push((column, heights[column]));
        heights[column] += measured.height + GAP;
        widths[column] = measured.width.max(widths[column]);
    }
    let mut lefts = Vec::with_capacity(widths.len());
    let mut width = 0;
    for column in widths {
        lefts.push(width);
        width += if column == 0 { 0 } else { column + between };
    }
    let placed = chosen.into_iter().zip(boxes).map(|((column, y), measured)| (lefts[column], y, measured)).collect();
    let height = heights.into_iter().max().unwrap_or(0).saturating_sub(GAP);
    Columns { width: width.saturating_sub(between), height, boxes: placed }
}

/// A box, and where it stands.
struct Spot<'a> {
    x: u32,
    y: u32,
    measured: Measured<'a>,
}

fn put<'a>(
    placed: &mut Vec<(Rect, &'a DiagramBox)>,
    placed_nodes: &mut Vec<(Rect, &'a DiagramNode)>,
    Spot { x, y, measured }: Spot<'a>,
) {
    let Measured { width, height, of, nodes, boxes } = measured;
    placed.push((Rect { x, y, width, height }, of));
    for ((left, top), node) in nodes.into_iter().zip(&of.nodes) {
        placed_nodes.push((Rect { x: x + left, y: y + top, width: NODE_WIDTH, height: NODE_HEIGHT }, node));
    }
    for (left, top, measured) in boxes {
        put(placed, placed_nodes, Spot { x: x + left, y: y + top, measured });
    }
}

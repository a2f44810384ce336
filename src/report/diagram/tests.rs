use super::layout::{Rect, place};
use super::*;

fn node(key: impl Into<String>) -> DiagramNode {
    let key = key.into();
    DiagramNode { label: key.clone(), key, note: String::new(), class: NodeClass::Instance }
}

fn boxed(key: impl Into<String>, nodes: usize, boxes: Vec<DiagramBox>) -> DiagramBox {
    let key = key.into();
    let nodes = (0..nodes).map(|index| node(format!("{key}/{index}"))).collect();
    DiagramBox { title: key.clone(), key, note: "10.0.0.0/8".to_owned(), class: BoxClass::Vpc, boxes, nodes }
}

fn edge(from: &str, to: &str) -> DiagramEdge {
    let (from, to) = (from.to_owned(), to.to_owned());
    DiagramEdge { from, to, label: "2".to_owned(), note: String::new(), class: EdgeClass::Link }
}

/// So many VPCs of different sizes, and a classic network.
fn network(vpcs: usize) -> Diagram {
    let vpc = |vpc: usize| {
        let inner = (0..vpc % 5).map(|index| boxed(format!("vsw {vpc}-{index}"), index * vpc % 9, Vec::new()));
        boxed(format!("vpc {vpc}"), vpc % 3, inner.collect())
    };
    let edges = vec![edge("classic/0", "vpc 1"), edge("vpc 2", "vpc 1"), edge("vsw 1-0/0", "nowhere")];
    let (left, right) = (vec![boxed("classic", vpcs, Vec::new())], (0..vpcs).map(vpc).collect());
    Diagram { title: "planes".to_owned(), description: "all of it".to_owned(), left, right, edges }
}

fn overlap(one: &Rect, other: &Rect) -> bool {
    let apart = one.x + one.width <= other.x
        || other.x + other.width <= one.x
        || one.y + one.height <= other.y
        || other.y + other.height <= one.y;
    !apart
}

fn holds(outer: &Rect, inner: &Rect) -> bool {
    outer.x < inner.x
        && outer.y < inner.y
        && inner.x + inner.width < outer.x + outer.width
        && inner.y + inner.height < outer.y + outer.height
}

#[test]
fn boxes_hold_what_is_in_them_and_nothing_lies_upon_another() {
    for vpcs in 0..30 {
        let diagram = network(vpcs);
        let placed = place(&diagram);
        let paper = Rect { x: 0, y: 0, width: placed.width, height: placed.height };
        let boxes: Vec<_> = placed.left.iter().chain(&placed.right).collect();
        let mut places: Vec<(&str, Rect)> = boxes.iter().map(|(rect, of)| (of.key.as_str(), *rect)).collect();
        places.extend(placed.nodes.iter().map(|(rect, of)| (of.key.as_str(), *rect)));
        let parent = |key: &str| boxes.iter().find(|(_, of)| holds_key(of, key)).map(|(rect, _)| *rect);
        for (index, (key, rect)) in places.iter().enumerate() {
            assert!(holds(&parent(key).unwrap_or(paper), rect), "{key} of {vpcs}");
            for (other, place) in &places[..index] {
                let nested = holds(rect, place) || holds(place, rect);
                assert!(nested || !overlap(rect, place), "{key} and {other} of {vpcs}");
            }
        }
    }
}

/// True where a box or node with this key stands right in the box.
fn holds_key(of: &DiagramBox, key: &str) -> bool {
    of.boxes.iter().any(|inner| inner.key == key) || of.nodes.iter().any(|node| node.key == key)
}

#[test]
fn lines_to_borders_lie_below_boxes_and_one_without_an_end_is_not_drawn() {
    let diagram = network(3);
    let placed = place(&diagram);
    assert_eq!((placed.below.len(), placed.above.len()), (2, 0));
    let inside = Diagram { edges: vec![edge("classic/0", "vsw 2-1/0")], ..network(3) };
    let placed = place(&inside);
    assert_eq!((placed.below.len(), placed.above.len()), (0, 1));
}

#[test]
fn lines_of_traffic_between_two_boxes_lie_apart() {
    let traffic = |class| DiagramEdge { class, ..edge("classic", "vpc 1") };
    let edges = vec![traffic(EdgeClass::Delivered), traffic(EdgeClass::Dropped), edge("classic", "vpc 1")];
    let svg = diagram_svg(&Diagram { edges, ..network(3) });
    let paths: Vec<&str> =
        svg.split("</title><path d=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(paths.len(), 3, "{svg}");
    assert!(paths[0] != paths[1] && paths[1] != paths[2] && paths[0] != paths[2], "{paths:?}");
}

/// A name that would end markup, quotation and comments wherever it is not escaped.
const HOSTILE: &str = "\"</text>]]><script>'&\\\u{202e}\n";

fn hostile() -> Diagram {
    let mut diagram = network(2);
    diagram.title = HOSTILE.to_owned();
    diagram.description = HOSTILE.to_owned();
    let vpc = &mut diagram.right[1];
    vpc.title = HOSTILE.to_owned();
    vpc.note = HOSTILE.to_owned();
    vpc.nodes.push(DiagramNode { label: HOSTILE.to_owned(), note: HOSTILE.to_owned(), ..node(HOSTILE) });
    diagram.edges.push(DiagramEdge { label: HOSTILE.to_owned(), ..edge(HOSTILE, "classic/0") });
    diagram
}

#[test]
fn markup_in_names_is_text() {
    let svg = diagram_svg(&hostile());
    let mut open: Vec<&str> = Vec::new();
    for part in svg.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect("each tag ends");
        assert!(!text.contains(['"', '\'', '\u{202e}']) || open.last() == Some(&"style"), "{text}");
        let name = tag.split([' ', '/']).find(|name| !name.is_empty()).unwrap();
        match (tag.starts_with('/'), tag.ends_with('/')) {
            (true, _) => assert_eq!(open.pop(), Some(name), "{part}"),
            (false, true) => {}
            (false, false) => open.push(name),
        }
        assert!(["svg", "title", "desc", "style", "rect", "g", "text", "path"].contains(&name), "{name}");
    }
    assert!(open.is_empty(), "{open:?}");
    assert!(svg.contains("&quot;&lt;/text&gt;]]&gt;&lt;script&gt;&#39;&amp;"), "{svg}");
}

#[test]
fn a_quotation_in_names_ends_no_string_of_a_graph() {
    let dot = diagram_dot(&hostile());
    let (mut quoted, mut escaped, mut depth) = (false, false, 0_i32);
    for character in dot.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '{' if !quoted => depth += 1,
            '}' if !quoted => depth -= 1,
            '\u{202e}' | '<' if !quoted => panic!("outside of a string: {dot}"),
            _ => {}
        }
        assert!(depth >= 0);
    }
    assert_eq!((quoted, depth), (false, 0));
    assert!(dot.contains(r#"label="\"</text>]]><script>'&\\\\u{202e}\\n"#), "{dot}");
    assert!(dot.contains("ltail=\"cluster_vpc 2\"") || dot.contains("lhead=\"cluster_vpc 1\""), "{dot}");
}

#[test]
fn a_picture_without_anything_is_a_picture() {
    let svg = diagram_svg(&Diagram::default());
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert!(diagram_dot(&Diagram::default()).ends_with("}\n"));
}

//! The picture: both axes are logarithmic, and each line has its name at its end.

use crate::figures::PlotLine;
use std::fmt::Write;

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 620.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 370.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 50.0;

/// Between two names.
const NAME_HEIGHT: f64 = 15.0;

/// A range of numbers and the pixels that it is drawn on.
struct Axis {
    from: f64,
    to: f64,
    start: f64,
    end: f64,
}

impl Axis {
    fn at(&self, value: f64) -> f64 {
        self.start + (self.end - self.start) * (value / self.from).ln() / (self.to / self.from).ln()
    }

    /// One, two and five times every power of ten.
    fn marks(&self) -> impl Iterator<Item = f64> + '_ {
        let powers = (-3..9).flat_map(|power| [1.0, 2.0, 5.0].map(|first| first * 10_f64.powi(power)));
        powers.filter(|mark| (self.from..=self.to).contains(mark))
    }
}

pub(crate) fn plot(lines: &[PlotLine]) -> String {
    let all = || lines.iter().flat_map(|line| line.points.iter());
    let widest = |of: fn(&(f64, f64)) -> f64| {
        all().map(of).fold((f64::MAX, f64::MIN_POSITIVE), |(low, high), value| (low.min(value), high.max(value)))
    };
    let (fewest, most) = widest(|point| point.0);
    let (fastest, slowest) = widest(|point| point.1);
    let across = Axis { from: fewest, to: most.max(fewest * 10.0), start: LEFT, end: WIDTH - RIGHT };
    let up = Axis { from: fastest * 0.9, to: slowest * 1.1, start: HEIGHT - BOTTOM, end: TOP };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\" role=\"img\">\n<title>Nanoseconds per lookup over the number of routes</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    axes(&mut svg, &across, &up);
    let ends = lines.iter().enumerate().filter_map(|(at, line)| Some((at, *line.points.last()?)));
    let mut ends: Vec<(usize, (f64, f64))> = ends.collect();
    ends.sort_by(|(_, one), (_, other)| one.1.total_cmp(&other.1));
    // From the lowest up, names that would overlap move apart.
    let mut free = HEIGHT - 10.0;
    for (at, (routes, time)) in ends {
        let line = &lines[at];
        let (from, end) = (across.at(routes), up.at(time));
        let height = end.min(free);
        free = height - NAME_HEIGHT;
        draw(&mut svg, line, at, [&across, &up]);
        let to = across.end + 14.0;
        // A table that cannot hold as many routes as others ends before them.
        let where_it_ends = if routes < most { format!(" at {}", thousands(routes)) } else { String::new() };
        let color = color(line, at);
        let weight = if is_ours(line) { " font-weight=\"bold\"" } else { "" };
        let _ = writeln!(
            svg,
            "<path d=\"M{from:.1} {end:.1}L{to:.1} {height:.1}\" stroke=\"{color}\" stroke-opacity=\"0.25\"/>\n<text \
             x=\"{:.1}\" y=\"{:.1}\" fill=\"{color}\"{weight}>{}, {}{where_it_ends}</text>",
            to + 3.0,
            height + 4.0,
            line.name,
            number(time),
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn axes(svg: &mut String, across: &Axis, up: &Axis) {
    for mark in up.marks() {
        let y = up.at(mark);
        let _ = writeln!(
            svg,
            "<path d=\"M{:.1} {y:.1}H{:.1}\" stroke=\"#ddd\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            across.start,
            across.end,
            across.start - 6.0,
            y + 4.0,
            number(mark),
        );
    }
    for mark in across.marks().filter(|mark| mark.log10().fract() == 0.0) {
        let x = across.at(mark);
        let _ = writeln!(
            svg,
            "<path d=\"M{x:.1} {:.1}V{:.1}\" stroke=\"#ddd\"/><text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            up.start,
            up.end,
            up.start + 18.0,
            thousands(mark),
        );
    }
    let middle = f64::midpoint(across.start, across.end);
    let _ = writeln!(
        svg,
        "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">routes in the table</text>\n<text x=\"{:.1}\" \
         y=\"{:.1}\">nanoseconds per lookup, a random host of a random route each; less is better</text>",
        up.start + 38.0,
        across.start - 40.0,
        up.end - 16.0,
    );
}

fn draw(svg: &mut String, line: &PlotLine, at: usize, [across, up]: [&Axis; 2]) {
    let mut path = String::new();
    for (routes, time) in &line.points {
        let command = if path.is_empty() { 'M' } else { 'L' };
        let _ = write!(path, "{command}{:.1} {:.1}", across.at(*routes), up.at(*time));
    }
    let width = if is_ours(line) { 2.5 } else { 1.2 };
    let dashes = if line.name.contains("bursts") { " stroke-dasharray=\"6 3\"" } else { "" };
    let color = color(line, at);
    let _ = writeln!(svg, "<path d=\"{path}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"{width}\"{dashes}/>");
}

fn is_ours(line: &PlotLine) -> bool {
    line.name.starts_with("biplane")
}

/// Ours are blue, the floor is black, and the others are told apart by their place.
fn color(line: &PlotLine, at: usize) -> &'static str {
    const OTHERS: [&str; 8] = ["#b2182b", "#e08214", "#1b7837", "#762a83", "#8c510a", "#c51b7d", "#4d9221", "#636363"];
    match &*line.name {
        "raw reads" => "#000",
        name if name.starts_with("biplane") => "#2166ac",
        _ => OTHERS[at % OTHERS.len()],
    }
}

/// Two digits that count.
fn number(value: f64) -> String {
    if value < 10.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}

fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| str::from_utf8(group).unwrap_or_default()).collect();
    groups.join(",")
}

//! The lineage of a run's code as pictures: for Graphviz, and as SVG.

use avm_trace::flame::escape;

use super::{Change, History};

/// A line of a label.
fn short(hash: &str) -> &str {
    hash.get(..8).unwrap_or(hash)
}

/// A text between quotes of Graphviz.
fn quoted(text: &str) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    format!("\"{}\"", clean.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Versions as boxes, arrows from the version that was replaced; going back is dashed, named points
/// are notes at the versions that were in place.
pub(crate) fn dot(history: &History) -> String {
    let mut out = String::from(
        "digraph history {\n  rankdir=LR;\n  node [shape=box, fontname=\"monospace\"];\n",
    );
    for (number, region) in history.regions().into_iter().enumerate() {
        out += &format!("  subgraph cluster_{number} {{\n    label={};\n", quoted(region));
        for version in history.versions.iter().filter(|version| version.region == region) {
            let from = match version.made {
                None => String::from("as the program came"),
                Some(made) => match made.effect {
                    Some(effect) => format!("step {}, effect {effect}", made.step),
                    None => format!("step {}", made.step),
                },
            };
            let bold = if version.in_place { ", penwidth=2" } else { "" };
            let label = format!("\"{}: {}\\n{from}\"", version.number, short(&version.hash));
            out += &format!("    v{} [label={label}{bold}];\n", version.number);
        }
        out += "  }\n";
    }
    for Change { step, before, after, reverts, .. } in &history.changes {
        let style = if *reverts { ", style=dashed" } else { "" };
        out += &format!("  v{before} -> v{after} [label=\"step {step}\"{style}];\n");
    }
    for point in &history.points {
        let label = quoted(&format!("{} at step {}", point.label, point.step));
        out += &format!("  p{} [shape=note, label={label}];\n", point.number);
        for (_, version) in &point.code {
            out += &format!("  p{} -> v{version} [style=dotted, arrowhead=none];\n", point.number);
        }
    }
    out + "}\n"
}

/// Sizes in pixels: a column for each thing that happened, a row for each region.
const COLUMN: usize = 128;
const ROW: usize = 64;
const LEFT: usize = 120;
const TOP: usize = 56;
const BOX: usize = 40;
/// Characters of a name.
const NAME: usize = 15;

/// A picture: time goes to the right, not to scale; each region has a row, and a box for each code
/// that it has from there on.
pub(crate) fn svg(history: &History, title: &str) -> String {
    let regions = history.regions();
    // What happened, in order: the start, points and changes.
    let mut steps: Vec<u64> = history.changes.iter().map(|change| change.step).collect();
    steps.extend(history.points.iter().map(|point| point.step));
    steps.push(0);
    steps.sort_unstable();
    steps.dedup();
    let x = |step: u64| LEFT + COLUMN * steps.partition_point(|at| *at < step);
    let (width, height) = (LEFT + COLUMN * steps.len() + 16, TOP + ROW * regions.len() + 32);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"monospace\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fffaf0\"/>\n\
         <text x=\"6\" y=\"18\">{}, {} steps</text>\n",
        escape(title),
        history.steps
    );
    for step in &steps {
        out += &format!("<text x=\"{}\" y=\"{}\" fill=\"#777\">step {step}</text>\n", x(*step), 38);
    }
    for point in &history.points {
        let at = x(point.step);
        out += &format!(
            "<line x1=\"{0}\" y1=\"44\" x2=\"{0}\" y2=\"{1}\" stroke=\"#777\" stroke-dasharray=\"3 3\"/>\
             <text x=\"{0}\" y=\"{2}\" fill=\"#777\">{3}</text>\n",
            at - 6,
            height - 20,
            height - 8,
            escape(&cut(&point.label))
        );
    }
    for (row, region) in regions.iter().enumerate() {
        let y = TOP + ROW * row;
        out += &format!("<text x=\"6\" y=\"{}\">{}</text>\n", y + 24, escape(&cut(region)));
        let first = history.versions.iter().find(|version| version.region == *region);
        let begin = first.map(|version| (0, version.number, false));
        let changes = history.changes.iter().filter(|change| change.region == *region);
        let changes = changes.map(|change| (change.step, change.after, change.reverts));
        let boxes: Vec<(u64, u32, bool)> = begin.into_iter().chain(changes).collect();
        for (index, (step, number, reverts)) in boxes.iter().enumerate() {
            let until = boxes.get(index + 1).map_or(width - 16, |(step, ..)| x(*step));
            let Some(version) = history.versions.get(*number as usize - 1) else { continue };
            let from = match version.made {
                None => String::from("as the program came"),
                Some(made) => made.effect.map_or_else(
                    || format!("step {}", made.step),
                    |effect| format!("step {}, effect {effect}", made.step),
                ),
            };
            let dashes = if *reverts { " stroke-dasharray=\"5 3\"" } else { "" };
            out += &format!(
                "<g><title>{} version {number}: {from}, {}</title><rect x=\"{}\" y=\"{y}\" \
                 width=\"{}\" height=\"{BOX}\" fill=\"{}\" stroke=\"#555\"{dashes}/>\
                 <text x=\"{}\" y=\"{}\">{number}: {}</text></g>\n",
                escape(region),
                version.hash,
                x(*step),
                (until - x(*step)).saturating_sub(4),
                colour(*number),
                x(*step) + 6,
                y + 24,
                short(&version.hash),
            );
        }
    }
    out + "</svg>\n"
}

fn cut(name: &str) -> String {
    match name.char_indices().nth(NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// The same colour for the same version; neighbours differ.
fn colour(number: u32) -> String {
    let turn = number.wrapping_mul(0x9E37_79B1) >> 16;
    format!("hsl({}, 60%, 85%)", turn % 360)
}

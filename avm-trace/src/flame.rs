//! A flame graph: every function as wide as the gas of it and all that it called, above its caller.
//! A still picture, with the numbers as tooltips; no script, no font, nothing from elsewhere.

use alloc::{format, string::String, vec::Vec};

use avm_ir::gas::Gas;

use crate::Stacks;

/// Width of the picture and height of a row, in pixels.
const WIDTH: f64 = 1200.0;
const ROW: f64 = 18.0;
const TOP: f64 = 28.0;
/// Narrower boxes are left out.
const THIN: f64 = 0.3;
/// Width of a character of its labels.
const LETTER: f64 = 7.0;

struct Box {
    node: usize,
    depth: usize,
    left: f64,
    width: f64,
}

/// The picture as SVG. It says `title` on top.
pub fn svg(stacks: &Stacks, title: &str) -> String {
    let totals = stacks.totals();
    let all: u64 = stacks.roots().map(|root| totals[root].gas).sum();
    let scale = WIDTH / all.max(1) as f64;
    let mut boxes: Vec<Box> = Vec::new();
    let mut open: Vec<(usize, usize, f64)> = Vec::new();
    let mut left = 0.0;
    for root in stacks.roots() {
        open.push((root, 0, left));
        left += totals[root].gas as f64 * scale;
    }
    while let Some((node, depth, left)) = open.pop() {
        let width = totals[node].gas as f64 * scale;
        if width < THIN {
            continue;
        }
        boxes.push(Box { node, depth, left, width });
        let mut child_left = left;
        for child in stacks.children(node) {
            open.push((child, depth + 1, child_left));
            child_left += totals[child].gas as f64 * scale;
        }
    }
    let rows = boxes.iter().map(|b| b.depth + 1).max().unwrap_or(0);
    let height = TOP + ROW * rows as f64 + 8.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" font-family=\"monospace\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fffaf0\"/>\n\
         <text x=\"6\" y=\"18\">{}, gas {}</text>\n",
        escape(title),
        Gas(all)
    );
    boxes.sort_by(|a, b| a.depth.cmp(&b.depth).then(a.left.total_cmp(&b.left)));
    for Box { node, depth, left, width } in boxes {
        let name = &stacks.nodes()[node].name;
        let total = totals[node];
        let share = total.gas as f64 / all.max(1) as f64 * 100.0;
        let y = height - 8.0 - ROW * (depth + 1) as f64;
        let fits = ((width - 6.0) / LETTER).max(0.0) as usize;
        let label: String = match name.chars().count() > fits {
            true if fits < 4 => String::new(),
            true => name.chars().take(fits - 1).chain(['…']).collect(),
            false => name.clone(),
        };
        out.push_str(&format!(
            "<g><title>{}: gas {} ({share:.1} %)</title><rect x=\"{left:.2}\" y=\"{y:.1}\" \
             width=\"{width:.2}\" height=\"{:.1}\" fill=\"{}\" stroke=\"#fffaf0\"/>\
             <text x=\"{:.2}\" y=\"{:.1}\">{}</text></g>\n",
            escape(name),
            Gas(total.gas),
            ROW - 1.0,
            colour(name),
            left + 3.0,
            y + 13.0,
            escape(&label),
        ));
    }
    out.push_str("</svg>\n");
    out
}

/// The same warm colour for the same name (FNV-1a).
fn colour(name: &str) -> String {
    let hash = name
        .bytes()
        .fold(0x811C_9DC5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let (green, blue) = (120 + (hash >> 8) % 110, 40 + (hash >> 20) % 60);
    format!("rgb(240,{green},{blue})")
}

/// A text as it stands in a drawing.
pub fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push('?'),
            c => out.push(c),
        }
    }
    out
}

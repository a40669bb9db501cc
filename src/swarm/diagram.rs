//! Messages as a sequence diagram: a lifeline for every agent, an arrow for every message.

use std::fmt::Write;

use avm_vm::{World, world::AgentId};

use super::{messages::Row, summary::seconds};

/// Most arrows that are drawn.
pub(crate) const MAX_ROWS: usize = 500;
/// Most agents that have a lifeline.
const MAX_AGENTS: usize = 40;
/// Distance of two lifelines, of two arrows, and from the edges, in pixels.
const ACROSS: usize = 150;
const DOWN: usize = 26;
const EDGE: usize = 90;
const TOP: usize = 60;
/// Longest name that is written out, in characters.
const MAX_NAME: usize = 20;
const MAX_LABEL: usize = 40;

/// The diagram as SVG.
pub(crate) fn svg(rows: &[&Row], world: &World) -> String {
    let mut agents: Vec<AgentId> = Vec::new();
    for row in rows {
        for agent in [row.from, row.to] {
            if !agents.contains(&agent) && agents.len() < MAX_AGENTS {
                agents.push(agent);
            }
        }
    }
    agents.sort_unstable();
    let at = |agent: AgentId| agents.iter().position(|known| *known == agent);
    let drawn: Vec<(&Row, usize, usize)> = { rows.iter() }
        .filter_map(|row| Some((*row, at(row.from)?, at(row.to)?)))
        .take(MAX_ROWS)
        .collect();
    let left_out = rows.len() - drawn.len();
    let width = 2 * EDGE + agents.len().saturating_sub(1) * ACROSS;
    let bottom = TOP + DOWN * (drawn.len() + 1);
    let height = bottom + if left_out > 0 { 40 } else { 20 };
    let mut out = String::new();
    // Writing to a String cannot fail, here and below.
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n\
         <style>.l{{stroke:#888}}.m{{stroke:#235}}.a{{stroke:#274;stroke-dasharray:5 3}}\
         .d{{stroke:#b22}}text{{fill:#222}}</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    for (column, agent) in agents.iter().enumerate() {
        let x = EDGE + column * ACROSS;
        let name = cut(world.name(*agent).unwrap_or("?"), MAX_NAME);
        let _ = write!(
            out,
            "<text x=\"{x}\" y=\"30\" text-anchor=\"middle\" font-weight=\"bold\">{name}</text>\n\
             <line class=\"l\" x1=\"{x}\" y1=\"40\" x2=\"{x}\" y2=\"{bottom}\"/>\n"
        );
    }
    for (number, (row, from, to)) in drawn.iter().enumerate() {
        arrow(&mut out, row, world, (*from, *to), TOP + DOWN * number);
    }
    if left_out > 0 {
        let y = bottom + 20;
        let _ = writeln!(out, "<text x=\"10\" y=\"{y}\">{left_out} messages are left out</text>");
    }
    out.push_str("</svg>\n");
    out
}

fn arrow(out: &mut String, row: &Row, world: &World, (from, to): (usize, usize), y: usize) {
    let (x1, x2) = (EDGE + from * ACROSS, EDGE + to * ACROSS);
    let class = match row {
        Row { delivered: false, .. } => "d",
        Row { answers: Some(_), .. } => "a",
        _ => "m",
    };
    let time = seconds(row.sent.saturating_sub(world.rules().epoch));
    let lost = if row.delivered { "" } else { ", no room" };
    let title = escaped(&super::messages::line(row, world));
    let label = cut(&format!("#{} {}{lost}", row.number, row.label()), MAX_LABEL);
    let (head, back) = if x2 >= x1 { (x2 - 6, x2) } else { (x2 + 6, x2) };
    let middle = x1.midpoint(x2);
    let (up, down, above) = (y - 4, y + 4, y - 5);
    let _ = writeln!(
        out,
        "<g><title>{title}</title><line class=\"{class}\" x1=\"{x1}\" y1=\"{y}\" x2=\"{x2}\" y2=\"{y}\"/>\
         <polyline class=\"{class}\" fill=\"none\" points=\"{head},{up} {back},{y} {head},{down}\"/>\
         <text x=\"{middle}\" y=\"{above}\" text-anchor=\"middle\">{label}</text>\
         <text x=\"4\" y=\"{y}\" fill=\"#666\">{time} s</text></g>"
    );
}

/// The beginning of a text, escaped.
fn cut(text: &str, most: usize) -> String {
    let mut cut: String = text.chars().take(most).collect();
    if text.chars().nth(most).is_some() {
        cut.push('…');
    }
    escaped(&cut)
}

/// A text as XML takes it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // XML has no way to write them.
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

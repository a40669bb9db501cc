//! A terminal's screen as a picture.

use std::fmt::Write;

use vt100::{Color, Screen};

/// Width of a character and height of a line, in pixels, of a font of [`FONT`].
const WIDE: f64 = 7.8;
const HIGH: u16 = 18;
const FONT: u16 = 13;
/// Room around the text.
const MARGIN: u16 = 14;

const TEXT: &str = "#24292f";
const DIM: &str = "#7c848c";
/// Black, red, green, yellow, blue, magenta, cyan, white.
const COLOURS: [&str; 8] =
    ["#24292f", "#cf222e", "#116329", "#8a4b00", "#0550ae", "#8250df", "#1b7c83", "#57606a"];

/// The screen as SVG, as far down as there is text.
pub(crate) fn svg(screen: &Screen, title: &str) -> String {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let lines: Vec<String> = (0..rows).map(|row| line(screen, row, columns)).collect();
    let used = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
    let wide = (f64::from(columns) * WIDE).round() as u16 + 2 * MARGIN;
    let high = used as u16 * HIGH + 2 * MARGIN;
    // Writing to a String cannot fail, here and below.
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide}\" height=\"{high}\" \
         viewBox=\"0 0 {wide} {high}\" role=\"img\">\n<title>{title}</title>\n\
         <rect width=\"{wide}\" height=\"{high}\" rx=\"8\" fill=\"#f6f8fa\" stroke=\"#d0d7de\"/>\n\
         <g font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\" \
         font-size=\"{FONT}\" fill=\"{TEXT}\" xml:space=\"preserve\">\n"
    );
    for (row, line) in lines[..used].iter().enumerate().filter(|(_, line)| !line.is_empty()) {
        let y = MARGIN + row as u16 * HIGH + FONT;
        let _ = writeln!(out, "<text y=\"{y}\">{line}</text>");
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// A line: a run for each look, at its own place whatever the font does.
fn line(screen: &Screen, row: u16, columns: u16) -> String {
    let mut runs: Vec<(u16, String, String)> = Vec::new();
    for column in 0..columns {
        let Some(cell) = screen.cell(row, column) else { continue };
        let mut look = String::new();
        let colour = match cell.fgcolor() {
            Color::Idx(number) => COLOURS.get(usize::from(number)).copied(),
            _ => cell.dim().then_some(DIM),
        };
        if let Some(colour) = colour {
            let _ = write!(look, " fill=\"{colour}\"");
        }
        if cell.bold() {
            look.push_str(" font-weight=\"bold\"");
        }
        let text = if cell.has_contents() { cell.contents() } else { " " };
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        match runs.last_mut() {
            Some((_, last, so_far)) if *last == look => so_far.push_str(&text),
            _ => runs.push((column, look, text)),
        }
    }
    let mut out = String::new();
    for (column, look, text) in runs.into_iter().filter(|(_, _, text)| !text.trim().is_empty()) {
        let blank = text.len() - text.trim_start().len();
        let x = f64::from(MARGIN) + (f64::from(column) + blank as f64) * WIDE;
        // Fonts differ in width: what stands below each other is to do so in all of them.
        let text = text.trim();
        let wide = shown_length(text) as f64 * WIDE;
        let _ = write!(out, "<tspan x=\"{x:.1}\" textLength=\"{wide:.1}\"{look}>{text}</tspan>");
    }
    out
}

/// Characters of a text that has `&amp;` and `&lt;` in it.
fn shown_length(text: &str) -> usize {
    text.replace("&amp;", "&").replace("&lt;", "<").chars().count()
}

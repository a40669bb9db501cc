//! Bounds for people.

use std::collections::BTreeMap;

use avm_ir::{
    bound::{Bound, LabelBound, LoopBound, Part, Sum},
    gas::{self, Gas, Term},
    verify::CodePlace,
};

use super::Report;
use crate::output::Out;

/// Most terms of a sum that are shown; the dearest come first.
const TERMS: usize = 6;
/// Most places of a term that are shown.
const PLACES: usize = 12;
/// Most rows of a section that are shown.
const ROWS: usize = 200;

/// The bounds as lines of text.
pub(super) fn show(report: &Report<'_>, out: &mut Out) {
    let bounds = &report.bounds;
    out.line(&format!("{}: the most gas it can cost, whatever comes in", report.name));
    out.line("");
    out.line(&format!("program: {}", report.bound(&bounds.program, "  ")));
    // What `main` costs without the others says little.
    let regions = bounds.regions.iter().enumerate().skip(1);
    let regions = regions.map(|(number, bound)| (report.region(number as u32).to_owned(), bound));
    section(report, out, "regions, once through", regions);
    let functions = bounds.functions.iter();
    let functions = functions.map(|f| (report.function(f.function).to_owned(), &f.bound));
    section(report, out, "functions, one call", functions);
    let name = |label: &LabelBound| format!("{}, {}", label.name, report.at_line(label.at));
    let labels = bounds.labels.iter();
    let labels = labels.filter_map(|label| Some((name(label), label.to_next.as_ref()?)));
    section(report, out, "labels, to the next label or the end", labels);
    let loops = bounds.loops.iter().map(|l| (report.loop_name(l), &l.round));
    section(report, out, "loops, one round", loops);
    let unused: Vec<&str> =
        bounds.labels.iter().filter(|l| l.to_end.is_none()).map(|l| &*l.name).collect();
    if !unused.is_empty() {
        out.line("");
        out.line(&format!("no code leads to {}", listed(&unused)));
    }
}

fn section<'a>(
    report: &Report<'_>,
    out: &mut Out,
    title: &str,
    rows: impl Iterator<Item = (String, &'a Bound)>,
) {
    for (number, (name, bound)) in rows.enumerate() {
        if number == 0 {
            out.line("");
            out.line(title);
        }
        if number == ROWS {
            out.line("  and more; --json has them all");
            return;
        }
        out.line(&format!("  {name}: {}", report.bound(bound, "      ")));
    }
}

/// Some texts with commas, not too many.
fn listed(texts: &[impl AsRef<str>]) -> String {
    let mut line = String::new();
    for (number, text) in texts.iter().take(PLACES).enumerate() {
        if number > 0 {
            line.push_str(", ");
        }
        line.push_str(text.as_ref());
    }
    if let Some(more) = texts.len().checked_sub(PLACES).filter(|more| *more > 0) {
        line.push_str(&format!(" and {more} more"));
    }
    line
}

/// Terms with the same text, and where they are.
struct Row {
    /// The coefficient, so that the dearest come first.
    weight: u64,
    text: String,
    at: Vec<CodePlace>,
}

impl Report<'_> {
    /// A loop by where it is and how often it goes round.
    fn loop_name(&self, l: &LoopBound) -> String {
        let label = self.label(l.at).map(|label| format!("{label}, ")).unwrap_or_default();
        let place = match (self.line(l.at), self.line(l.back)) {
            (Some((file, from)), Some((same, to))) if file == same && from < to => {
                format!("{}-{to}", self.at_line(l.at).replacen("line ", "lines ", 1))
            }
            _ => self.at_line(l.at),
        };
        let rounds = match l.rounds {
            None => "any number of rounds".to_owned(),
            Some(rounds) if rounds.most == 1 => "1 round".to_owned(),
            Some(rounds) if rounds.least == rounds.most => format!("{} rounds", rounds.most),
            Some(rounds) => format!("at most {} rounds", rounds.most),
        };
        format!("{label}{place}, {rounds}")
    }

    /// A bound; what does not fit a line goes on below, behind `indent`.
    fn bound(&self, bound: &Bound, indent: &str) -> String {
        match bound {
            Bound::Unbounded(cause) => format!("unbounded {}", self.cause(*cause)),
            Bound::Finite(sum) => {
                let how = if sum.exact { "exactly" } else { "at most" };
                format!("{how} {}{}", Gas(sum.nanogas), self.terms(sum, indent))
            }
        }
    }

    fn terms(&self, sum: &Sum, indent: &str) -> String {
        let mut rows: Vec<Row> = Vec::new();
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        for part in &sum.parts {
            for (weight, text) in self.open_terms(*part) {
                let row = *known.entry(text.clone()).or_insert(rows.len());
                if row == rows.len() {
                    rows.push(Row { weight, text, at: Vec::new() });
                }
                rows[row].at.push(part.at);
            }
        }
        rows.sort_by_key(|row| core::cmp::Reverse(row.weight));
        let mut lines = String::new();
        let mut line = |text: &str| lines.push_str(&format!("\n{indent}+ {text}"));
        for row in rows.iter().take(TERMS) {
            line(&format!("{}, {}", row.text, self.at_lines(&row.at)));
        }
        if let Some(more) = rows.len().checked_sub(TERMS).filter(|more| *more > 0) {
            let s = if more == 1 { "" } else { "s" };
            line(&format!("{more} smaller term{s}; --json has them all"));
        }
        match sum.others {
            0 => {}
            1 => line("what every instruction of the program measures"),
            times => line(&format!("{times} × what every instruction of the program measures")),
        }
        lines
    }

    /// The open terms of an instruction, with how often they count.
    fn open_terms(&self, part: Part) -> Vec<(u64, String)> {
        let step = self.bounds.step(part.at);
        let region = &self.program().regions[part.at.region as usize];
        let op = region.code[part.at.pc as usize].op;
        let mut texts: Vec<(u64, String)> = step
            .open_terms(&self.schedule, op)
            .map(|term| {
                let coefficient = term.coefficient.saturating_mul(part.times);
                (coefficient, gas::formula_text(&[Term { coefficient, ..*term }]))
            })
            .collect();
        if step.has_provider_price() {
            // It may be anything, so it comes first.
            texts.push(match part.times {
                1 => (u64::MAX, "the provider's price".to_owned()),
                times => (u64::MAX, format!("{times} × the provider's price")),
            });
        }
        texts
    }

    /// Where an instruction stands: a line of the first file, or a place with its file or region.
    fn at_line(&self, at: CodePlace) -> String {
        self.at_lines(&[at])
    }

    fn at_lines(&self, places: &[CodePlace]) -> String {
        let debug = self.program().debug.as_ref();
        let first = debug.and_then(|debug| debug.files.first()).map(|file| &**file);
        let mut texts: Vec<String> = Vec::new();
        let mut what = "line";
        for at in places {
            let text = match self.line(*at) {
                Some((file, line)) if Some(file) == first => line.to_string(),
                Some((file, line)) => format!("{file}:{line}"),
                None => {
                    what = "instruction";
                    match at.region {
                        0 => at.pc.to_string(),
                        region => format!("{}:{}", self.region(region), at.pc),
                    }
                }
            };
            if texts.last() != Some(&text) {
                texts.push(text);
            }
        }
        let s = if texts.len() == 1 { "" } else { "s" };
        format!("{what}{s} {}", listed(&texts))
    }
}

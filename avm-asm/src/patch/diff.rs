//! Unified diffs against the canonical text of a region, applied to the letter.
//!
//! Why not a crate: a patch that is only nearly right must be refused with the hunk, the line and
//! what stands there instead, for the model that wrote it. Libraries search for a place that fits.

use avm_ir::{Diagnostic, FileId, Program, Span, program::graft::Patched};

use super::{Refused, no_region, patch_text, region_text};
use crate::{
    messages::{self, Report, diagnostic},
    parse::MAX_SOURCE,
};

/// Most lines that are compared to find where a hunk would fit.
const MAX_SEARCH: usize = 1 << 16;

/// Whether a text patch is a unified diff: its first line that is not blank begins like one, as no
/// statement does.
pub fn is_diff(text: &str) -> bool {
    let first = text.lines().map(str::trim_end).find(|line| !line.is_empty());
    first.is_some_and(|line| {
        ["--- ", "diff ", "@@ "].iter().any(|start| line.starts_with(start)) || line == "@@"
    })
}

/// The program with a region whose text was changed by a unified diff against [`region_text`].
/// Lines of context must be there to the letter, at the line that the hunk names.
///
/// # Errors
/// What is wrong with the diff, or with the text that comes of it.
pub fn patch_diff(program: &Program, region: &str, diff: &str) -> Result<Patched, Refused> {
    let path = || format!("patch of {region}");
    if program.patchable(region).is_err() {
        return Err(Refused::one(no_region(program, region), path(), diff));
    }
    let old = region_text(program, region).map_err(|error| {
        let report = diagnostic(messages::PATCH_REGION, Span::default(), error.to_string())
            .help("no diff can be made of it; replace all of it");
        Refused::one(report, path(), diff)
    })?;
    let new = apply(&old, diff).map_err(|report| Refused::one(*report, path(), diff))?;
    patch_text(program, region, &new, false)
}

/// A line of a diff with its place.
#[derive(Clone, Copy)]
struct Line<'d> {
    text: &'d str,
    start: usize,
}

impl Line<'_> {
    fn span(self) -> Span {
        Span::new(FileId(0), self.start as u32, (self.start + self.text.len()) as u32)
    }
}

/// What a line of a hunk does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Keep,
    Remove,
    Add,
}

struct Hunk<'d> {
    number: usize,
    head: Line<'d>,
    /// Index of the first line of the old text that it is about.
    at: usize,
    lines: Vec<(Change, &'d str, Line<'d>)>,
}

/// The text with a diff applied.
pub(super) fn apply(old: &str, diff: &str) -> Result<String, Box<Diagnostic>> {
    if diff.len() > MAX_SOURCE {
        let message = format!("this diff has {} bytes, the limit is {MAX_SOURCE}", diff.len());
        return Err(Box::new(diagnostic(messages::TOO_LARGE, Span::default(), message)));
    }
    let old: Vec<&str> = old.lines().collect();
    let mut new = String::new();
    let mut done = 0;
    for hunk in hunks(diff)? {
        if hunk.at < done {
            return Err(misfit(hunk.head, "hunks overlap or are out of order".into())
                .map(|r| r.help("write hunks in the order of their lines, each line in one")));
        }
        if hunk.at > old.len() {
            let message = format!(
                "hunk {} begins at line {}, the region has {} lines",
                hunk.number,
                hunk.at + 1,
                old.len()
            );
            return Err(misfit(hunk.head, message).map(|r| r.help(elsewhere(&old, &hunk))));
        }
        put(&mut new, &old[done..hunk.at]);
        done = hunk.at;
        for (change, text, line) in &hunk.lines {
            if *change == Change::Add {
                put(&mut new, &[text]);
                continue;
            }
            let there = old.get(done).copied();
            if there != Some(text) {
                let message = format!("hunk {} does not fit at line {}", hunk.number, done + 1);
                let label = match there {
                    Some("") => "the region has an empty line here".to_owned(),
                    Some(there) => format!("the region has `{}` here", shortened(there)),
                    None => "the region ends before this line".to_owned(),
                };
                let report = misfit(*line, message);
                return Err(report.map(|r| r.label(label).help(elsewhere(&old, &hunk))));
            }
            if *change == Change::Keep {
                put(&mut new, &[text]);
            }
            done += 1;
        }
        if new.len() > MAX_SOURCE {
            break;
        }
    }
    put(&mut new, &old[done..]);
    Ok(new)
}

fn hunks(diff: &str) -> Result<Vec<Hunk<'_>>, Box<Diagnostic>> {
    let mut lines = lines(diff).peekable();
    let mut hunks: Vec<Hunk<'_>> = Vec::new();
    while let Some(line) = lines.next() {
        let Some(head) = line.text.strip_prefix("@@") else {
            let before = ["--- ", "+++ ", "diff ", "index "];
            let is_head = hunks.is_empty() && before.iter().any(|word| line.text.starts_with(word));
            if is_head || line.text.trim().is_empty() || line.text.starts_with('\\') {
                continue;
            }
            return Err(stray(line, &hunks));
        };
        let number = hunks.len() + 1;
        let Some((start, mut removed, mut added)) = counts(head) else {
            return Err(misfit(line, format!("the head of hunk {number} cannot be read"))
                .map(|r| r.help("write `@@ -FIRST,COUNT +FIRST,COUNT @@`")));
        };
        // Without old lines the number is that of the line in front.
        let at = if removed == 0 { start } else { start.saturating_sub(1) };
        let mut hunk = Hunk { number, head: line, at, lines: Vec::new() };
        while removed > 0 || added > 0 {
            let next = lines.next_if(|line| !line.text.starts_with("@@"));
            let Some(next) = next else {
                return Err(wrong_count(&hunk, "ends before its lines are complete"));
            };
            let mut rest = next.text.chars();
            let change = match rest.next() {
                // Editors take the blank off the end of an empty line.
                None | Some(' ') => Change::Keep,
                Some('-') => Change::Remove,
                Some('+') => Change::Add,
                Some('\\') => continue,
                Some(_) => {
                    let message = "a line of a hunk begins with a blank, `-` or `+`";
                    return Err(misfit(next, message.into()));
                }
            };
            let fits = match change {
                Change::Keep => removed > 0 && added > 0,
                Change::Remove => removed > 0,
                Change::Add => added > 0,
            };
            if !fits {
                return Err(wrong_count(&hunk, "has more lines than its head says"));
            }
            removed -= usize::from(change != Change::Add);
            added -= usize::from(change != Change::Remove);
            hunk.lines.push((change, rest.as_str(), next));
        }
        hunks.push(hunk);
    }
    if hunks.is_empty() {
        let message = "this diff has no hunk";
        let report = diagnostic(messages::PATCH_DIFF, Span::default(), message);
        return Err(Box::new(report.help("a hunk begins with `@@ -FIRST,COUNT +FIRST,COUNT @@`")));
    }
    Ok(hunks)
}

/// A line that belongs to no hunk.
fn stray(line: Line<'_>, hunks: &[Hunk<'_>]) -> Box<Diagnostic> {
    if line.text.starts_with("--- ") || line.text.starts_with("diff ") {
        return misfit(line, "a second file begins here".into())
            .map(|r| r.help("a patch changes one region"));
    }
    match hunks.last() {
        Some(hunk) => wrong_count(hunk, "has more lines than its head says"),
        None => misfit(line, "this is no line of a diff".into())
            .map(|r| r.help("a hunk begins with `@@ -FIRST,COUNT +FIRST,COUNT @@`")),
    }
}

fn wrong_count(hunk: &Hunk<'_>, what: &str) -> Box<Diagnostic> {
    misfit(hunk.head, format!("hunk {} {what}", hunk.number))
        .map(|r| r.help("count its lines again: `-FIRST,COUNT` are those that begin with a blank or `-`, `+FIRST,COUNT` those with a blank or `+`"))
}

fn lines(diff: &str) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    diff.split_inclusive('\n').map(move |line| {
        let at = start;
        start += line.len();
        let text = line.strip_suffix('\n').unwrap_or(line);
        Line { text: text.strip_suffix('\r').unwrap_or(text), start: at }
    })
}

/// First old line and number of old and new lines of ` -a,b +c,d @@ …`.
fn counts(head: &str) -> Option<(usize, usize, usize)> {
    let (ranges, _) = head.strip_prefix(' ')?.split_once(" @@")?;
    let (old, new) = ranges.split_once(' ')?;
    let range = |text: &str, sign: char| {
        let text = text.strip_prefix(sign)?;
        let (start, count) = text.split_once(',').unwrap_or((text, "1"));
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u32>().ok().filter(|_| digits)
        };
        Some((number(start)? as usize, number(count)? as usize))
    };
    let ((start, removed), (_, added)) = (range(old, '-')?, range(new, '+')?);
    Some((start, removed, added))
}

/// Where the old lines of a hunk stand, if they stand in one place.
fn elsewhere(old: &[&str], hunk: &Hunk<'_>) -> String {
    let again = "read the region again: a diff is against its canonical text";
    let wanted = hunk.lines.iter().filter(|(change, ..)| *change != Change::Add);
    let wanted: Vec<&str> = wanted.map(|(_, text, _)| *text).collect();
    if wanted.is_empty() || wanted.len() > old.len() || old.len() > MAX_SEARCH / wanted.len() {
        return again.to_owned();
    }
    let mut found = old.windows(wanted.len()).enumerate().filter(|(_, lines)| *lines == wanted);
    match (found.next(), found.next()) {
        (Some((at, _)), None) => {
            format!("its lines stand at line {}: write `@@ -{},{}`", at + 1, at + 1, wanted.len())
        }
        _ => again.to_owned(),
    }
}

fn misfit(line: Line<'_>, message: String) -> Box<Diagnostic> {
    Box::new(diagnostic(messages::PATCH_DIFF, line.span(), message))
}

trait Map: Sized {
    fn map(self, change: impl FnOnce(Diagnostic) -> Diagnostic) -> Self;
}

impl Map for Box<Diagnostic> {
    fn map(mut self, change: impl FnOnce(Diagnostic) -> Diagnostic) -> Self {
        *self = change(*self);
        self
    }
}

fn put(out: &mut String, lines: &[&str]) {
    for line in lines {
        out.push_str(line);
        out.push('\n');
    }
}

fn shortened(line: &str) -> String {
    const MOST: usize = 60;
    match line.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

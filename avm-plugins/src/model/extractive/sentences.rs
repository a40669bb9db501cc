//! Splitting a passage into what can be quoted: sentences, list items, code lines, table rows.

use std::mem::take;

#[derive(Debug, PartialEq, Eq)]
pub(in crate::model) struct Sentence {
    /// Index of the passage, from 0.
    pub(in crate::model) passage: usize,
    /// One line of text, as it will be quoted.
    pub(in crate::model) text: String,
    /// True for the heading of the passage.
    pub(in crate::model) heading: bool,
    /// True for a line of a code block.
    pub(in crate::model) code: bool,
    /// For a row of a table its cells alone and the names of the columns, else nothing.
    pub(in crate::model) row: Option<(String, String)>,
}

/// Cells shown of one row; a table is not made of more columns than that for reading.
const MAX_CELLS: usize = 16;

/// Characters that may follow the point of a sentence: `done.)`.
const CLOSERS: [char; 6] = ['"', '\'', ')', ']', '*', '`'];

pub(in crate::model) fn split(passage: usize, text: &str) -> Vec<Sentence> {
    let mut out = Vec::new();
    let mut paragraph = String::new();
    let mut header: Option<Vec<&str>> = None;
    let mut fence = false;
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let line = line.trim();
        let is_fence = line.starts_with("```") || line.starts_with("~~~");
        let is_row = !fence && line.starts_with('|');
        if is_fence || fence || is_row || line.is_empty() || starts_item(line) {
            sentences(passage, &take(&mut paragraph), &mut out);
        }
        if !is_row {
            header = None;
        }
        if is_fence {
            fence = !fence;
        } else if fence {
            if line.chars().any(char::is_alphanumeric) {
                out.push(Sentence {
                    passage,
                    text: line.to_owned(),
                    heading: false,
                    code: true,
                    row: None,
                });
            }
        } else if is_row {
            if is_delimiter(line) {
                continue;
            }
            let cells = cells(line);
            if lines.peek().is_some_and(|next| is_delimiter(next.trim())) {
                header = Some(cells);
            } else if let Some(text) = render(header.as_deref(), &cells) {
                let row = Some((cells.join(" "), header.as_deref().unwrap_or_default().join(" ")));
                out.push(Sentence { passage, text, heading: false, code: false, row });
            }
        } else if let Some(heading) = line.strip_prefix('#') {
            paragraph.push_str(heading.trim_start_matches('#').trim());
            sentences(passage, &take(&mut paragraph), &mut out);
        } else {
            if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(item_text(line));
        }
    }
    sentences(passage, &paragraph, &mut out);
    out
}

/// The last part of a title, which may answer what sort of thing the passage is about.
pub(super) fn heading(passage: usize, title: &str) -> Option<Sentence> {
    let (_, text) = title.rsplit_once(" > ")?;
    Some(Sentence { passage, text: text.to_owned(), heading: true, code: false, row: None })
}

fn starts_item(line: &str) -> bool {
    item_text(line).len() < line.len() || line.starts_with('#')
}

/// The line without its mark of a list item or quotation.
fn item_text(line: &str) -> &str {
    for mark in ["* ", "- ", "+ ", "> "] {
        if let Some(rest) = line.strip_prefix(mark) {
            return rest.trim_start();
        }
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    match line[digits..].strip_prefix(". ").or_else(|| line[digits..].strip_prefix(") ")) {
        Some(rest) if (1..=3).contains(&digits) => rest.trim_start(),
        _ => line,
    }
}

/// Cuts a paragraph after `.`, `!` or `?` where blank space and a likely beginning follow.
fn sentences(passage: usize, paragraph: &str, out: &mut Vec<Sentence>) {
    let mut start = 0;
    let mut push = |text: &str| {
        let text = text.trim();
        if text.chars().any(char::is_alphanumeric) {
            out.push(Sentence {
                passage,
                text: text.to_owned(),
                heading: false,
                code: false,
                row: None,
            });
        }
    };
    let mut iter = paragraph.char_indices().peekable();
    let mut code = false;
    while let Some((at, c)) = iter.next() {
        code ^= c == '`';
        if code || !matches!(c, '.' | '!' | '?' | '。' | '！' | '？') {
            continue;
        }
        let mut end = at + c.len_utf8();
        while let Some((at, c)) = iter.next_if(|(_, c)| CLOSERS.contains(c)) {
            code ^= c == '`';
            end = at + c.len_utf8();
        }
        let rest = &paragraph[end..];
        let next = rest.trim_start();
        let wide = matches!(c, '。' | '！' | '？');
        let breaks = rest.is_empty()
            || wide
            || (next.len() < rest.len()
                && !next.starts_with(char::is_lowercase)
                && !(c == '.' && is_abbreviation(&paragraph[start..at])));
        if breaks {
            push(&paragraph[start..end]);
            start = end;
        }
    }
    push(&paragraph[start..]);
}

/// True where the point after this text most likely does not end a sentence.
fn is_abbreviation(before: &str) -> bool {
    let last = before.rsplit([' ', '(']).next().unwrap_or_default();
    let single = last.chars().count() == 1 && last.chars().all(char::is_alphabetic);
    single || ["e.g", "i.e", "etc", "vs", "cf", "al", "Dr", "Mr", "Ms", "St", "No"].contains(&last)
}

fn is_delimiter(line: &str) -> bool {
    line.starts_with('|')
        && line.contains('-')
        && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '))
}

/// The cells of a row. `\|` is a bar within a cell, as is one within backticks.
fn cells(line: &str) -> Vec<&str> {
    let inner = line.strip_prefix('|').unwrap_or(line);
    let inner = inner.strip_suffix('|').filter(|i| !i.ends_with('\\')).unwrap_or(inner);
    let mut out = Vec::new();
    let (mut start, mut escaped, mut code) = (0, false, false);
    for (at, c) in inner.char_indices() {
        match c {
            '`' => code = !code,
            '|' if !escaped && !code => {
                out.push(inner[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    out.push(inner[start..].trim());
    out
}

fn render(header: Option<&[&str]>, cells: &[&str]) -> Option<String> {
    let names = header.unwrap_or_default();
    let mut parts = Vec::new();
    for (at, cell) in cells.iter().enumerate().take(MAX_CELLS) {
        let cell = cell.replace("\\|", "|");
        match names.get(at) {
            _ if cell.is_empty() => {}
            Some(&name) if name.chars().any(char::is_alphanumeric) => {
                parts.push(format!("{name}: {cell}"));
            }
            _ => parts.push(cell),
        }
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        split(0, text).into_iter().map(|s| s.text).collect()
    }

    #[test]
    fn prose_lists_and_code() {
        assert_eq!(
            texts(
                "It costs 0.5 gas, e.g. Five. So\nit goes (see v1.2.) then. `a. B` ends here! Why\n\n\
                 * first item\n  goes on\n* second\n1. third\n## Head\n```sh\navm run --gas 5\n}\n```\nEnd"
            ),
            [
                "It costs 0.5 gas, e.g. Five.",
                "So it goes (see v1.2.) then.",
                "`a. B` ends here!",
                "Why",
                "first item goes on",
                "second",
                "third",
                "Head",
                "avm run --gas 5",
                "End",
            ]
        );
    }

    #[test]
    fn rows_are_rendered_with_their_headers() {
        assert_eq!(
            texts(
                "| # | op | gas |\n|---|:--|--|\n| 1 | A \\| B `x|y` | 5 |\n||C||\nend\n| no | header |"
            ),
            ["1; op: A | B `x|y`; gas: 5", "op: C", "end", "no; header"]
        );
    }
}

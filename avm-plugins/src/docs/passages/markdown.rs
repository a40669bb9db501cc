//! The lines of a Markdown file: headings, fences, tables, paragraphs.

use super::{Block, MAX_ROWS, Pieces, TARGET_CHARS};

/// A longer table header is not repeated; the table is then taken as a paragraph.
const MAX_HEADER_CHARS: usize = TARGET_CHARS / 2;

pub(super) fn cut(text: &str, pieces: &mut Pieces<'_>) {
    let mut headings: Vec<String> = Vec::new();
    let mut paragraph = Block::default();
    let mut lines = (1u32..).zip(text.lines()).peekable();
    while let Some((number, line)) = lines.next() {
        let next = lines.peek().map(|&(_, next)| next);
        if let Some(fence) = fence(line) {
            pieces.add(paragraph.take());
            let mut code = Block::default();
            code.push(number, line);
            for (number, line) in lines.by_ref() {
                code.push(number, line);
                if closes(line, fence) {
                    break;
                }
            }
            pieces.add_code(code);
        } else if let Some((level, heading)) = heading(line) {
            pieces.add(paragraph.take());
            headings.resize(level, String::new());
            headings[level - 1] = heading.to_owned();
            pieces.section(&headings);
        } else if let Some(level) = next.and_then(underline)
            && paragraph.text.is_empty()
            && !line.trim().is_empty()
            && !is_row(line)
        {
            lines.next();
            headings.resize(level, String::new());
            headings[level - 1] = line.trim().to_owned();
            pieces.section(&headings);
        } else if is_row(line)
            && next.is_some_and(is_delimiter)
            && line.chars().count() <= MAX_HEADER_CHARS
        {
            pieces.add(paragraph.take());
            pieces.flush();
            let (_, delimiter) = lines.next().unwrap_or_default();
            let head = format!("{}\n{}", line.trim(), short_delimiter(delimiter));
            let mut rows = Vec::new();
            while let Some((number, row)) = lines.next_if(|(_, row)| is_row(row)) {
                rows.push((number, row.trim()));
            }
            table(number, &head, &rows, pieces);
        } else if line.trim().is_empty() {
            pieces.add(paragraph.take());
        } else {
            paragraph.push(number, line);
        }
    }
    pieces.add(paragraph.take());
}

/// Groups rows so that each passage has few and stays near the target, but always one.
fn table(line: u32, head: &str, rows: &[(u32, &str)], pieces: &mut Pieces<'_>) {
    let mut open = Block { line, text: head.to_owned() };
    let (mut count, mut chars) = (0, head.chars().count());
    for (number, row) in rows {
        let row_chars = row.chars().count() + 1;
        if count > 0 && (count == MAX_ROWS || chars + row_chars > TARGET_CHARS) {
            pieces.emit(open.take());
            open = Block { line: *number, text: head.to_owned() };
            (count, chars) = (0, head.chars().count());
        }
        open.text.push('\n');
        open.text.push_str(row);
        count += 1;
        chars += row_chars;
    }
    pieces.emit(open);
}

/// The mark and its length where the line opens a code block.
fn fence(line: &str) -> Option<(char, usize)> {
    let line = line.trim_start();
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let len = line.chars().take_while(|&c| c == mark).count();
    // Backticks in the rest make it inline code.
    (len >= 3 && !(mark == '`' && line[len..].contains('`'))).then_some((mark, len))
}

fn closes(line: &str, (mark, len): (char, usize)) -> bool {
    let line = line.trim();
    line.chars().all(|c| c == mark) && line.chars().count() >= len
}

fn heading(line: &str) -> Option<(usize, &str)> {
    let level = line.bytes().take_while(|&b| b == b'#').count();
    let rest = &line[level..];
    if !(1..=6).contains(&level) || !(rest.is_empty() || rest.starts_with([' ', '\t'])) {
        return None;
    }
    let text = rest.trim();
    // A closing run of # is decoration only after a space: "# C#" keeps its sign.
    let bare = text.trim_end_matches('#');
    let text = if bare.is_empty() || bare.ends_with(' ') { bare.trim_end() } else { text };
    Some((level, text))
}

/// The level of a heading that this line underlines.
fn underline(line: &str) -> Option<usize> {
    let line = line.trim_end();
    match line.bytes().next() {
        Some(b'=') if line.bytes().all(|b| b == b'=') && line.len() >= 3 => Some(1),
        Some(b'-') if line.bytes().all(|b| b == b'-') && line.len() >= 3 => Some(2),
        _ => None,
    }
}

fn is_row(line: &str) -> bool {
    line.trim_start().starts_with('|')
}

fn is_delimiter(line: &str) -> bool {
    let line = line.trim();
    is_row(line) && line.contains('-') && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '))
}

/// Drawn delimiters are as wide as the page; repeated in every passage they would only cost room.
fn short_delimiter(line: &str) -> String {
    let cells = line.trim().trim_matches('|').split('|').count();
    format!("|{}", "---|".repeat(cells))
}

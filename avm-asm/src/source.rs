//! Source files as an assembly read them, and lines and columns in them.

use avm_ir::Span;

/// A source file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path as it was named, or its canonical name where `.include` brought it in.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl SourceFile {
    /// Line and column of a byte, both from 1, the column in characters. A byte behind the end or
    /// inside a character counts as the nearest place before it.
    pub fn line_column(&self, offset: u32) -> (u32, u32) {
        let offset = floor(&self.text, offset);
        let before = &self.text[..offset];
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before[start..].chars().count() + 1;
        (line as u32, column as u32)
    }

    /// The text of a span, clamped to what exists.
    pub fn slice(&self, span: Span) -> &str {
        let start = floor(&self.text, span.start);
        let end = floor(&self.text, span.end).max(start);
        &self.text[start..end]
    }
}

/// The nearest character boundary at or before a byte.
pub(crate) fn floor(text: &str, offset: u32) -> usize {
    let mut offset = (offset as usize).min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// Finds lines and columns of places that mostly come in ascending order.
#[derive(Debug)]
pub(crate) struct Lines {
    /// Offset of the first byte of each line.
    starts: Vec<u32>,
    /// The line found last, as index.
    last: usize,
}

impl Lines {
    pub(crate) fn new(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = core::iter::once(0).chain(breaks.map(|(at, _)| at as u32 + 1)).collect();
        Self { starts, last: 0 }
    }

    /// Line and column of a byte, both from 1, the column in characters.
    pub(crate) fn locate(&mut self, text: &str, offset: u32) -> (u32, u32) {
        let begins = |line: usize| self.starts.get(line).copied().unwrap_or(u32::MAX);
        let mut line = self.last;
        // Statements follow one another: the line is the same or one of the next few.
        if !(begins(line)..begins(line.saturating_add(8))).contains(&offset) {
            line = self.starts.partition_point(|start| *start <= offset).saturating_sub(1);
        }
        while begins(line + 1) <= offset {
            line += 1;
        }
        self.last = line;
        let start = floor(text, begins(line));
        let end = floor(text, offset).max(start);
        let column = text[start..end].chars().count() + 1;
        (line as u32 + 1, column as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::{Lines, SourceFile};

    #[test]
    fn both_ways_of_finding_a_place_agree() {
        let text = "a\nbé\n\n  c→d\nlast";
        let file = SourceFile { path: String::new(), text: String::from(text) };
        let mut lines = Lines::new(text);
        for offset in (0..=text.len() as u32).chain((0..text.len() as u32).rev()) {
            if text.is_char_boundary(offset as usize) {
                assert_eq!(lines.locate(text, offset), file.line_column(offset), "{offset}");
            }
        }
        assert_eq!(file.line_column(99), (5, 5));
    }
}

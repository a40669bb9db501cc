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
        let offset = self.text.floor_char_boundary(offset as usize);
        let before = &self.text[..offset];
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before[start..].chars().count() + 1;
        (line as u32, column as u32)
    }

    /// The text of a span, clamped to what exists.
    pub fn slice(&self, span: Span) -> &str {
        let start = self.text.floor_char_boundary(span.start as usize);
        let end = self.text.floor_char_boundary(span.end as usize).max(start);
        &self.text[start..end]
    }
}

/// Bytes between two places whose number of characters before is known.
const STEP: usize = 256;

/// Finds lines and columns in a text without reading it again, be it one single line.
#[derive(Debug)]
pub(crate) struct Lines {
    /// Offset of the first byte of each line.
    starts: Vec<u32>,
    /// Number of characters before every [`STEP`]th byte.
    before: Vec<u32>,
}

impl Lines {
    pub(crate) fn new(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| at as u32 + 1)).collect();
        let mut before = vec![0];
        let mut sum = 0;
        for step in text.as_bytes().chunks(STEP) {
            sum += characters(step);
            before.push(sum);
        }
        Self { starts, before }
    }

    /// Line and column of a byte as [`SourceFile::line_column`] has them.
    pub(crate) fn locate(&self, text: &str, offset: u32) -> (u32, u32) {
        let offset = text.floor_char_boundary(offset as usize);
        let (line, start) = self.line(offset);
        let column = match text.as_bytes().get(start..offset) {
            // Most statements begin near the start of their line.
            Some(near) if near.len() <= STEP => characters(near),
            _ => self.characters(text, offset) - self.characters(text, start),
        };
        (line, column + 1)
    }

    /// The byte at a line and column; the end of the text behind it.
    pub(crate) fn offset(&self, text: &str, line: u32, column: u32) -> usize {
        let start = self.starts.get((line as usize).saturating_sub(1)).copied();
        let start = start.map_or(text.len(), |start| start as usize);
        let mut rest = text.get(start..).unwrap_or_default().char_indices();
        let skipped = (column as usize).saturating_sub(1);
        rest.nth(skipped).map_or(text.len(), |(at, _)| start + at)
    }

    /// Number of the line that a byte lies in, from 1, and where the line starts.
    pub(crate) fn line(&self, offset: usize) -> (u32, usize) {
        let line = self.starts.partition_point(|start| *start as usize <= offset);
        let start = self.starts.get(line.saturating_sub(1)).map_or(0, |start| *start as usize);
        (line as u32, start)
    }

    /// Number of characters before a byte.
    fn characters(&self, text: &str, offset: usize) -> u32 {
        let step = offset / STEP;
        let rest = text.as_bytes().get(step * STEP..offset).unwrap_or_default();
        self.before.get(step).copied().unwrap_or(0) + characters(rest)
    }
}

/// Number of characters that begin in some bytes of a text.
fn characters(bytes: &[u8]) -> u32 {
    bytes.iter().map(|byte| u32::from(byte & 0xC0 != 0x80)).sum()
}

#[cfg(test)]
mod tests {
    use super::{Lines, STEP, SourceFile};

    #[test]
    fn both_ways_of_finding_a_place_agree() {
        let short = "a\nbé\n\n  c→d\nlast";
        for text in [String::new(), short.into(), "→".repeat(STEP), short.repeat(STEP / 8)] {
            let file = SourceFile { path: String::new(), text };
            let lines = Lines::new(&file.text);
            for offset in (0..file.text.len() as u32 + 3).chain([u32::MAX]) {
                let found = lines.locate(&file.text, offset);
                assert_eq!(found, file.line_column(offset), "{offset}");
                let back = lines.offset(&file.text, found.0, found.1);
                assert_eq!(back, file.text.floor_char_boundary(offset as usize));
            }
        }
        let file = SourceFile { path: String::new(), text: String::from(short) };
        assert_eq!(file.line_column(99), (5, 5));
    }
}

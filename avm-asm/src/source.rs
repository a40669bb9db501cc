//! Source files as an assembly read them, and lines and columns in them.

use core::cell::{Cell, OnceCell};

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
    /// Number of characters before every [`STEP`]th byte, once somebody asks for it.
    before: OnceCell<Vec<u32>>,
    /// Index of the line that was found last: the next one is mostly near.
    last: Cell<usize>,
}

impl Lines {
    pub(crate) fn new(text: &str) -> Self {
        let breaks = memchr::memchr_iter(b'\n', text.as_bytes());
        let starts = core::iter::once(0).chain(breaks.map(|at| at as u32 + 1)).collect();
        Self { starts, before: OnceCell::new(), last: Cell::new(0) }
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
        let start = |line: usize| self.starts.get(line).map_or(usize::MAX, |at| *at as usize);
        let last = self.last.get();
        let near = (last..last + 3).find(|line| start(*line) <= offset && offset < start(line + 1));
        let index = near.unwrap_or_else(|| {
            self.starts.partition_point(|start| *start as usize <= offset).saturating_sub(1)
        });
        self.last.set(index);
        (index as u32 + 1, start(index))
    }

    /// Number of characters before a byte.
    fn characters(&self, text: &str, offset: usize) -> u32 {
        let before = self.before.get_or_init(|| {
            let mut sum = 0;
            let steps = text.as_bytes().chunks(STEP);
            core::iter::once(0)
                .chain(steps.map(|step| {
                    sum += characters(step);
                    sum
                }))
                .collect()
        });
        let step = offset / STEP;
        let rest = text.as_bytes().get(step * STEP..offset).unwrap_or_default();
        before.get(step).copied().unwrap_or(0) + characters(rest)
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

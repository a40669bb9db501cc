//! Text and Markdown files to passages: pieces small enough to search and to quote.
//!
//! Markdown is cut at headings, and each passage carries its headings in its title. Paragraphs of
//! one section are merged up to about [`TARGET_CHARS`]. A code block stays whole up to
//! [`MAX_CODE_CHARS`]. A table becomes one passage per [`MAX_ROWS`] rows, each with the header row:
//! a question mostly asks for one row, and other rows beside it only blur its vector. Any other text is cut at blank lines and merged the same way.
//!
//! This reads the shape of Markdown line by line; it is not a CommonMark parser. Tables without
//! outer bars, indented code and HTML are taken as paragraphs. Files come as (path, bytes), so
//! nothing here touches a disk. The same files give the same passages in any order of arrival.

mod markdown;

use std::collections::BTreeMap;

/// Paragraphs are merged up to this many characters, and longer ones are cut near it.
pub const TARGET_CHARS: usize = 700;
/// A code block of at most this many characters stays whole.
pub const MAX_CODE_CHARS: usize = 2_800;
/// Most rows of a table in one passage.
pub const MAX_ROWS: usize = 1;
/// Largest file, in bytes; a larger one is skipped with a warning.
pub const MAX_FILE_BYTES: usize = 4 << 20;
/// Most passages of one file; what follows is left out with a warning.
pub const MAX_PASSAGES: usize = 20_000;

/// Headings are cut to this many characters in titles.
const MAX_HEADING_CHARS: usize = 120;

/// A piece of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// `PATH#N`, with N counting from 1 in each file.
    pub id: String,
    /// `PATH > Heading > Subheading`, or the path alone.
    pub title: String,
    /// Line of the file where the passage begins, from 1.
    pub line: u32,
    /// The text, without blank lines at its ends.
    pub text: String,
}

/// Why a file, or a part of it, gave no passages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// The file is larger than [`MAX_FILE_BYTES`].
    #[error("{path}: skipped, {len} bytes are more than {MAX_FILE_BYTES}")]
    TooLarge {
        /// The file.
        path: String,
        /// Its size, in bytes.
        len: usize,
    },
    /// The file is not UTF-8 or contains a NUL byte.
    #[error("{path}: skipped, not UTF-8 text (byte {at})")]
    NotText {
        /// The file.
        path: String,
        /// Offset of the first byte that is not text.
        at: usize,
    },
    /// The file gave more than [`MAX_PASSAGES`].
    #[error("{path}: only the first {MAX_PASSAGES} passages are taken")]
    TooManyPassages {
        /// The file.
        path: String,
    },
    /// The path came twice; only the last content counts.
    #[error("{path}: given more than once, the last one is taken")]
    Duplicate {
        /// The file.
        path: String,
    },
}

impl Passage {
    /// What to embed: the nearest heading and the text. The path and the outer headings are the same
    /// in many passages, so they would make all of them alike.
    pub fn search_text(&self) -> String {
        match self.title.rsplit_once(" > ") {
            Some((_, heading)) => format!("{heading}\n{}", self.text),
            None => self.text.clone(),
        }
    }
}

/// What a set of files gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Passages {
    /// All passages, by path and then by place in the file.
    pub passages: Vec<Passage>,
    /// What was left out, by path.
    pub warnings: Vec<Warning>,
}

/// Cuts files into passages. Paths ending in `.md` or `.markdown` are Markdown, others plain text.
pub fn passages<P, B>(files: impl IntoIterator<Item = (P, B)>) -> Passages
where
    P: Into<String>,
    B: AsRef<[u8]>,
{
    let mut out = Passages::default();
    let mut sorted = BTreeMap::new();
    for (path, bytes) in files {
        let path = path.into();
        if sorted.insert(path.clone(), bytes).is_some() {
            out.warnings.push(Warning::Duplicate { path });
        }
    }
    out.warnings.sort_by_key(Warning::to_string);
    out.warnings.dedup();
    for (path, bytes) in &sorted {
        match text(path, bytes.as_ref()) {
            Ok(text) => file(path, text, &mut out),
            Err(warning) => out.warnings.push(warning),
        }
    }
    out
}

fn text<'a>(path: &str, bytes: &'a [u8]) -> Result<&'a str, Warning> {
    let path = || path.to_owned();
    if bytes.len() > MAX_FILE_BYTES {
        return Err(Warning::TooLarge { path: path(), len: bytes.len() });
    }
    if let Some(at) = bytes.iter().position(|&b| b == 0) {
        return Err(Warning::NotText { path: path(), at });
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|e| Warning::NotText { path: path(), at: e.valid_up_to() })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn file(path: &str, text: &str, out: &mut Passages) {
    let lower = path.to_ascii_lowercase();
    let mut pieces = Pieces::new(path);
    if lower.ends_with(".md") || lower.ends_with(".markdown") {
        markdown::cut(text, &mut pieces);
    } else {
        plain(text, &mut pieces);
    }
    pieces.flush();
    if pieces.overflow {
        out.warnings.push(Warning::TooManyPassages { path: path.to_owned() });
    }
    out.passages.append(&mut pieces.done);
}

fn plain(text: &str, pieces: &mut Pieces<'_>) {
    let mut paragraph = Block::default();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            pieces.add(paragraph.take());
        } else {
            paragraph.push(number, line);
        }
    }
    pieces.add(paragraph.take());
}

/// Consecutive lines.
#[derive(Debug, Default)]
struct Block {
    line: u32,
    text: String,
}

impl Block {
    fn push(&mut self, number: u32, line: &str) {
        if self.text.is_empty() {
            self.line = number;
        } else {
            self.text.push('\n');
        }
        self.text.push_str(line.trim_end());
    }

    fn take(&mut self) -> Block {
        std::mem::take(self)
    }
}

/// Collects the passages of one file.
struct Pieces<'a> {
    path: &'a str,
    title: String,
    /// Paragraphs waiting to be merged with the next ones of their section.
    open: Block,
    open_chars: usize,
    done: Vec<Passage>,
    overflow: bool,
}

impl<'a> Pieces<'a> {
    fn new(path: &'a str) -> Pieces<'a> {
        Pieces {
            path,
            title: path.to_owned(),
            open: Block::default(),
            open_chars: 0,
            done: Vec::new(),
            overflow: false,
        }
    }

    /// Begins a section under these headings.
    fn section(&mut self, headings: &[String]) {
        self.flush();
        self.title = self.path.to_owned();
        for heading in headings.iter().filter(|h| !h.is_empty()) {
            self.title.push_str(" > ");
            self.title.extend(heading.chars().take(MAX_HEADING_CHARS));
        }
    }

    /// Adds a paragraph: merged with its neighbours if short, cut at sentences if long.
    fn add(&mut self, block: Block) {
        let chars = block.text.chars().count();
        if chars > TARGET_CHARS {
            self.flush();
            for part in split(&block, TARGET_CHARS, &["\n", ". ", "; ", " "]) {
                self.emit(part);
            }
        } else {
            self.merge(block, chars);
        }
    }

    /// Adds a code block: whole if it fits, else cut at line ends.
    fn add_code(&mut self, block: Block) {
        let chars = block.text.chars().count();
        if chars > MAX_CODE_CHARS {
            self.flush();
            for part in split(&block, MAX_CODE_CHARS, &["\n"]) {
                self.emit(part);
            }
        } else {
            self.merge(block, chars);
        }
    }

    fn merge(&mut self, block: Block, chars: usize) {
        if block.text.trim().is_empty() {
            return;
        }
        if self.open_chars > 0 && self.open_chars + 2 + chars > TARGET_CHARS {
            self.flush();
        }
        if self.open_chars == 0 {
            self.open = block;
            self.open_chars = chars;
        } else {
            self.open.text.push_str("\n\n");
            self.open.text.push_str(&block.text);
            self.open_chars += 2 + chars;
        }
    }

    fn flush(&mut self) {
        self.open_chars = 0;
        let block = self.open.take();
        self.emit(block);
    }

    fn emit(&mut self, block: Block) {
        let text = block.text.trim_matches('\n').trim_end();
        if text.trim().is_empty() {
            return;
        }
        if self.done.len() >= MAX_PASSAGES {
            self.overflow = true;
            return;
        }
        self.done.push(Passage {
            id: format!("{}#{}", self.path, self.done.len() + 1),
            title: self.title.clone(),
            line: block.line,
            text: text.to_owned(),
        });
    }
}

/// Cuts a block into parts of at most `limit` characters, each at the last of the first kind of
/// `marks` that its second half contains, or at the limit itself.
fn split(block: &Block, limit: usize, marks: &[&str]) -> Vec<Block> {
    let mut parts = Vec::new();
    let (mut rest, mut line) = (block.text.as_str(), block.line);
    while let Some((end, _)) = rest.char_indices().nth(limit) {
        let window = &rest[..end];
        let cut = marks
            .iter()
            .filter_map(|mark| window.rfind(mark).map(|at| at + mark.len()))
            .find(|&at| at > end / 2)
            .unwrap_or(end);
        let (part, tail) = rest.split_at(cut);
        parts.push(Block { line, text: part.trim_end().to_owned() });
        line += part.matches('\n').count() as u32;
        rest = tail;
    }
    parts.push(Block { line, text: rest.to_owned() });
    parts
}

#[cfg(test)]
mod tests;

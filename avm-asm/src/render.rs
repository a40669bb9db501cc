//! Diagnostics for people, with the lines they are about, and for programs, as JSON. No text of a
//! program commands the terminal that shows it.

use std::{borrow::Cow, ops::Range};

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Patch, Renderer, Snippet};
use avm_ir::{
    Diagnostic, Severity, Span, Value,
    value::{Record, to_json},
};

use crate::source::{Lines, SourceFile};

/// Most diagnostics that are shown; a broken text has no end of them.
const MAX_SHOWN: usize = 100;
/// Most lines of source that one place shows.
const MAX_LINES: usize = 12;
/// Longest stretch of source that one place shows, in bytes; a file may be one single line.
const MAX_WINDOW: usize = 4096;

/// Shows diagnostics with the source they are about, at most 100 of them, an empty line between
/// two.
pub fn render(reports: &[Diagnostic], files: &[SourceFile], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let index = Index::new(files);
    let shown = reports.iter().take(MAX_SHOWN);
    let mut blocks: Vec<_> = shown.map(|report| block(report, &index, &renderer)).collect();
    if reports.len() > MAX_SHOWN {
        blocks.push(format!("… and {} more", reports.len() - MAX_SHOWN));
    }
    blocks.join("\n\n")
}

fn block(report: &Diagnostic, index: &Index<'_>, renderer: &Renderer) -> String {
    let level = match report.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let code = report.code.to_string();
    let (label, help) = (visible(&report.label), visible(&report.help));
    let place = index.window(report.span);
    let notes: Vec<_> =
        report.notes.iter().map(|note| (index.window(note.span), visible(&note.text))).collect();
    let edit = report.suggestion.as_ref().map(|edit| (index.window(edit.span), edit));

    let mut main = level
        .primary_title(visible(&report.message))
        .id(code.as_str())
        .elements(place.as_ref().map(|place| place.annotated(AnnotationKind::Primary, &label)));
    for (place, text) in &notes {
        main = match place {
            Some(place) => main.element(place.annotated(AnnotationKind::Context, text)),
            None => main.element(Level::NOTE.message(text.as_ref())),
        };
    }
    if !help.is_empty() {
        main = main.element(Level::HELP.message(help));
    }
    let mut groups = vec![main];
    if let Some((place, edit)) = &edit {
        let title = Level::HELP.secondary_title(visible(&edit.text));
        groups.push(match place {
            Some(place) => title.element(place.replaced(&edit.replacement)),
            None => Group::with_title(title),
        });
    }
    renderer.render(&groups)
}

/// The lines of a place, safe for a terminal.
#[derive(Clone, Debug)]
pub struct Window {
    path: String,
    /// Number of the first line.
    line: usize,
    text: String,
    /// The place, counted from the start of the text.
    span: Range<usize>,
}

impl Window {
    /// The lines of a span of a text, cut to what can be shown; `line` is the number of the line
    /// that the span begins in and `first` the byte where that line starts. No offset is wrong, it
    /// counts as the nearest possible one before.
    pub fn new(path: &str, text: &str, (line, first): (u32, usize), span: Range<usize>) -> Self {
        let start = text.floor_char_boundary(span.start);
        let end = text.floor_char_boundary(span.end).max(start);
        let near = text.ceil_char_boundary(start.saturating_sub(MAX_WINDOW / 2));
        let first = text.floor_char_boundary(first).min(start).max(near);
        let last = text.floor_char_boundary(first + MAX_WINDOW);
        let (mut shown, mut from, mut to) = (String::new(), None, None);
        let mut lines = 0;
        let mut characters = text[first..last].char_indices().peekable();
        while let Some((at, c)) = characters.next() {
            if first + at >= start {
                from.get_or_insert(shown.len());
            }
            if first + at >= end {
                to.get_or_insert(shown.len());
            }
            if c == '\n' {
                lines += 1;
                if first + at + 1 >= end || lines == MAX_LINES {
                    break;
                }
            }
            if c != '\r' || characters.peek().is_some_and(|(_, next)| *next != '\n') {
                shown.push_str(&visible(c.encode_utf8(&mut [0; 4])));
            }
        }
        let from = from.unwrap_or(shown.len());
        let to = to.unwrap_or(shown.len()).max(from);
        let path = visible(path).into_owned();
        Self { path, line: line as usize, text: shown, span: from..to }
    }

    /// The lines with the place marked, `label` beside it unless it is empty.
    pub fn annotated<'a>(
        &'a self,
        kind: AnnotationKind,
        label: &'a str,
    ) -> Snippet<'a, Annotation<'a>> {
        let mark = kind.span(self.span.clone());
        let mark = if label.is_empty() { mark } else { mark.label(label) };
        self.snippet().annotation(mark)
    }

    /// The lines with other words at the place.
    fn replaced<'a>(&'a self, replacement: &'a str) -> Snippet<'a, Patch<'a>> {
        self.snippet().patch(Patch::new(self.span.clone(), visible(replacement)))
    }

    fn snippet<'a, T: Clone>(&'a self) -> Snippet<'a, T> {
        Snippet::source(self.text.as_str()).line_start(self.line).path(self.path.as_str())
    }
}

/// The text with every character made visible that moves a terminal's cursor, changes colours or
/// hides text: control characters but line break and tab, and the marks that reorder text.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if hidden(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

fn hidden(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t') || reorders(c)
}

fn reorders(c: char) -> bool {
    matches!(
        c,
        '\u{061C}'
            | '\u{200E}'
            | '\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2066}'..='\u{2069}'
    )
}

/// A record as one line of JSON, without a line break; marks that reorder text are escaped.
pub fn json(record: Record) -> String {
    let text = to_json(&Value::Record(record));
    if !text.contains(reorders) {
        return text;
    }
    // They stand in strings only, and control characters are escaped already.
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if reorders(c) { out.push_str(&format!("\\u{:04x}", c as u32)) } else { out.push(c) }
    }
    out
}

/// Diagnostics as records for [`json`]: `severity`, `code`, `message`, `label`, `help`, `notes`
/// (each a place and `text`) and, where there is one, `suggestion` (a place, `text` and
/// `replacement`). A place is `file`, `line`, `column`, `end_line` and `end_column`.
pub fn records(reports: &[Diagnostic], files: &[SourceFile]) -> impl Iterator<Item = Record> {
    let index = Index::new(files);
    reports.iter().map(move |report| record(report, &index))
}

fn record(report: &Diagnostic, index: &Index<'_>) -> Record {
    let mut record = index.place(report.span);
    let mut set = |name: &str, value: Value| record.insert(name.into(), value);
    let severity = match report.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    set("severity", Value::text(severity));
    set("code", Value::from(report.code.to_string()));
    set("message", Value::text(&report.message));
    set("label", Value::text(&report.label));
    set("help", Value::text(&report.help));
    let notes = report.notes.iter().map(|note| {
        let mut record = index.place(note.span);
        record.insert("text".into(), Value::text(&note.text));
        Value::Record(record)
    });
    set("notes", Value::list(notes.collect()));
    if let Some(edit) = &report.suggestion {
        let mut record = index.place(edit.span);
        record.insert("text".into(), Value::text(&edit.text));
        record.insert("replacement".into(), Value::text(&edit.replacement));
        set("suggestion", Value::Record(record));
    }
    record
}

/// Files with their lines: finding the place of each diagnostic must not cost time in the whole
/// text.
struct Index<'a>(Vec<(&'a SourceFile, Lines)>);

impl<'a> Index<'a> {
    fn new(files: &'a [SourceFile]) -> Self {
        Self(files.iter().map(|file| (file, Lines::new(&file.text))).collect())
    }

    fn window(&self, span: Span) -> Option<Window> {
        let (file, lines) = self.0.get(usize::from(span.file.0))?;
        let range = span.start as usize..span.end as usize;
        let line = lines.line(range.start.min(file.text.len()));
        Some(Window::new(&file.path, &file.text, line, range))
    }

    fn place(&self, span: Span) -> Record {
        let mut record = Record::new();
        if let Some((file, lines)) = self.0.get(usize::from(span.file.0)) {
            let mut set = |name: &str, value: Value| record.insert(name.into(), value);
            let (line, column) = lines.locate(&file.text, span.start);
            let (end_line, end_column) = lines.locate(&file.text, span.end);
            set("file", Value::text(&file.path));
            set("line", Value::Int(line.into()));
            set("column", Value::Int(column.into()));
            set("end_line", Value::Int(end_line.into()));
            set("end_column", Value::Int(end_column.into()));
        }
        record
    }
}

#[cfg(test)]
mod tests {
    use avm_ir::{Diagnostic, FileId, Span, value::from_json};

    use super::{json, records, render, visible};
    use crate::{
        messages::{self, Report, diagnostic},
        source::SourceFile,
    };

    fn file(text: impl Into<String>) -> [SourceFile; 1] {
        [SourceFile { path: String::from("a.avm"), text: text.into() }]
    }

    fn full(span: Span, words: &str) -> Diagnostic {
        diagnostic(messages::UNKNOWN_NAME, span, words)
            .note(span, words)
            .edit(span, words, words)
            .label(words)
    }

    #[test]
    fn any_span_can_be_shown() {
        let texts = ["", "é", "a\n→b\n\nc", "x\r\ny\r", "\u{1b}[31m\t\u{202e}é\n"];
        for text in texts {
            let files = file(text);
            for start in 0..text.len() as u32 + 3 {
                for end in 0..text.len() as u32 + 3 {
                    let reports = [full(Span::new(FileId(0), start, end), "words")];
                    assert!(render(&reports, &files, false).contains("AVM0201"));
                    assert_eq!(records(&reports, &files).count(), 1);
                }
            }
        }
        let nowhere = full(Span::new(FileId(9), 1, u32::MAX), "message");
        assert!(render(&[nowhere], &[], true).contains("message"));
    }

    #[test]
    fn terminals_cannot_be_commanded() {
        assert_eq!(visible("a\u{1b}[2Jb\r\u{9b}1m\u{7f}"), "a\\u{1b}[2Jb\\u{d}\\u{9b}1m\\u{7f}");
        assert_eq!(visible("abc\u{202e}def"), "abc\\u{202e}def");
        assert_eq!(visible("tab\there\nline ü 🎉"), "tab\there\nline ü 🎉");

        let evil = "\u{1b}[2J\u{9b}\u{7f}\u{202e}\u{2066}\u{200f}";
        let mut files = file(evil);
        files[0].path.push_str(evil);
        let reports = [full(Span::new(FileId(0), 1, 6), evil)];
        let text = render(&reports, &files, false);
        let plain = |text: &str| !text.contains(super::hidden);
        assert!(plain(&text) && text.contains("\\u{1b}[2J\\u{9b}\\u{7f}\\u{202e}"), "{text}");
        let record = records(&reports, &files).next().expect("one report, one record");
        let line = json(record.clone());
        assert!(plain(&line), "{line}");
        assert_eq!(from_json(&line, 1 << 16), Ok(record.into()));
    }

    #[test]
    fn long_lines_are_cut_and_long_lists_too() {
        let files = file("é".repeat(1 << 20));
        let span = Span::new(FileId(0), 1 << 20, 2 << 20);
        let report = diagnostic(messages::UNKNOWN_NAME, span, "message");
        assert!(render(&[report], &files, false).len() < 1 << 16);
        let many = vec![full(Span::new(FileId(0), 1 << 19, 1 << 19), "message"); 3000];
        assert!(render(&many, &files, false).ends_with("\n\n… and 2900 more"));
        // This would take minutes if each read the line from its start.
        assert_eq!(records(&many, &files).count(), 3000);
    }
}

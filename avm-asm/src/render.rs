//! Diagnostics for people, with the lines they are about, and for programs, as JSON.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Patch, Renderer, Snippet};
use avm_ir::{
    Diagnostic, Severity, Span, Value,
    value::{Record, Text, to_json},
};

use crate::source::{SourceFile, floor};

/// Most lines of source that one place shows.
const MAX_LINES: usize = 6;
/// Longest stretch of source that one place shows, in bytes; a file may be one single line.
const MAX_WINDOW: usize = 4096;

/// Shows a diagnostic with the source it is about, ending in a line break.
pub fn render(report: &Diagnostic, files: &[SourceFile], colour: bool) -> String {
    let level = match report.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let code = report.code.to_string();
    let label = clean(&report.label);
    let mut main = level.primary_title(clean(&report.message)).id(&code).elements(snippet(
        report.span,
        files,
        AnnotationKind::Primary,
        &label,
    ));
    for note in &report.notes {
        main =
            main.elements(snippet(note.span, files, AnnotationKind::Context, &clean(&note.text)));
    }
    if !report.help.is_empty() {
        main = main.element(Level::HELP.message(clean(&report.help)));
    }
    let mut groups = vec![main];
    if let Some(suggestion) = &report.suggestion {
        let title = Level::HELP.secondary_title(clean(&suggestion.text));
        groups.push(match Window::around(suggestion.span, files) {
            Some(window) => title.element(
                Snippet::source(window.text)
                    .line_start(window.line)
                    .path(window.path)
                    .patch(Patch::new(window.span, clean(&suggestion.replacement))),
            ),
            None => Group::with_title(title),
        });
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut text = renderer.render(&groups);
    text.push('\n');
    text
}

fn snippet<'a>(
    span: Span,
    files: &'a [SourceFile],
    kind: AnnotationKind,
    label: &str,
) -> Option<Snippet<'a, annotate_snippets::Annotation<'a>>> {
    let window = Window::around(span, files)?;
    let mut annotation = kind.span(window.span);
    if !label.is_empty() {
        annotation = annotation.label(String::from(label));
    }
    let snippet = Snippet::source(window.text).line_start(window.line).path(window.path);
    Some(snippet.annotation(annotation))
}

/// The lines around a span; everything lies on character boundaries, which the renderer insists on.
struct Window<'a> {
    path: &'a str,
    text: &'a str,
    /// Number of the first line.
    line: usize,
    /// The span, counted from the start of the text.
    span: Range<usize>,
}

impl<'a> Window<'a> {
    fn around(span: Span, files: &'a [SourceFile]) -> Option<Self> {
        let file = files.get(usize::from(span.file.0))?;
        let text = file.text.as_str();
        let start = floor(text, span.start);
        let end = floor(text, span.end).max(start);
        let first = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line = text[..first].bytes().filter(|byte| *byte == b'\n').count() + 1;
        let first = first.max(ceil(text, start.saturating_sub(MAX_WINDOW / 2)));
        let limit = floor(text, u32::try_from(start + MAX_WINDOW).unwrap_or(u32::MAX));
        let breaks = text[first..limit].match_indices('\n').map(|(at, _)| first + at);
        let end_of = |lines: usize, from: usize| {
            breaks.clone().filter(|at| *at >= from).nth(lines).unwrap_or(limit)
        };
        // A long span is shown by its first lines.
        let end = end.min(end_of(MAX_LINES - 1, start)).max(start);
        let last = end_of(0, end).max(end);
        let span = start - first..end - first;
        Some(Self { path: &file.path, text: &text[first..last], line, span })
    }
}

fn ceil(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset += 1;
    }
    offset
}

/// Text without characters that would move a terminal's cursor.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{FFFD}' } else { c }).collect()
}

/// A diagnostic as one line of JSON: `severity`, `code`, `message`, `file`, `line`, `column`,
/// `end_line`, `end_column`, `label`, `notes`, `help`, `suggestion`.
pub fn json(report: &Diagnostic, files: &[SourceFile]) -> String {
    let mut record = place(report.span, files);
    let severity = match report.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    put(&mut record, "severity", Value::text(severity));
    put(&mut record, "code", Value::text(&report.code.to_string()));
    put(&mut record, "message", Value::text(&report.message));
    put(&mut record, "label", Value::text(&report.label));
    put(&mut record, "help", Value::text(&report.help));
    let notes = report.notes.iter().map(|note| {
        let mut record = place(note.span, files);
        put(&mut record, "text", Value::text(&note.text));
        Value::Record(record)
    });
    put(&mut record, "notes", Value::list(notes.collect()));
    let suggestion = report.suggestion.as_ref().map_or(Value::Null, |suggestion| {
        let mut record = place(suggestion.span, files);
        put(&mut record, "text", Value::text(&suggestion.text));
        put(&mut record, "replacement", Value::text(&suggestion.replacement));
        Value::Record(record)
    });
    put(&mut record, "suggestion", suggestion);
    to_json(&Value::Record(record))
}

fn put(record: &mut Record, key: &str, value: Value) {
    record.insert(Text::from(key), value);
}

fn place(span: Span, files: &[SourceFile]) -> Record {
    let mut record = Record::new();
    if let Some(file) = files.get(usize::from(span.file.0)) {
        let number = |number: u32| Value::Int(i64::from(number));
        let (line, column) = file.line_column(span.start);
        let (end_line, end_column) = file.line_column(span.end);
        put(&mut record, "file", Value::text(&file.path));
        put(&mut record, "line", number(line));
        put(&mut record, "column", number(column));
        put(&mut record, "end_line", number(end_line));
        put(&mut record, "end_column", number(end_column));
    }
    record
}

#[cfg(test)]
mod tests {
    use avm_ir::{FileId, Span};

    use super::{json, render};
    use crate::{
        messages::{self, Report, diagnostic},
        source::SourceFile,
    };

    #[test]
    fn any_span_can_be_shown() {
        let texts = ["", "é", "a\n→b\n\nc", "x\r\ny", "\u{1b}[31m\t\u{202e}é\n"];
        for text in texts {
            let files = [SourceFile { path: String::from("a.avm"), text: String::from(text) }];
            for start in 0..text.len() as u32 + 3 {
                for end in 0..text.len() as u32 + 3 {
                    let span = Span::new(FileId(0), start, end);
                    let report = diagnostic(messages::UNKNOWN_NAME, span, "message")
                        .note(span, "note")
                        .edit(span, "new", "do it")
                        .label("label");
                    assert!(render(&report, &files, false).contains("AVM0201"));
                    assert!(json(&report, &files).contains("\"code\":\"AVM0201\""));
                }
            }
        }
        let nowhere = diagnostic(messages::INTERNAL, Span::new(FileId(9), 1, 2), "message");
        assert!(render(&nowhere, &[], true).contains("message"));
    }

    #[test]
    fn long_lines_are_cut() {
        let text = "é".repeat(1 << 20);
        let files = [SourceFile { path: String::from("a.avm"), text }];
        let span = Span::new(FileId(0), 1 << 20, 2 << 20);
        let report = diagnostic(messages::UNKNOWN_NAME, span, "message");
        assert!(render(&report, &files, false).len() < 1 << 16);
    }
}

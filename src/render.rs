//! Messages with their place in a source text, for people and as JSON.

use std::{io::IsTerminal, ops::Range};

use annotate_snippets::{AnnotationKind, Group, Level, Patch, Renderer, Snippet};
use avm_asm::SourceFile;
use avm_ir::{
    Diagnostic, Severity, Span, Value,
    value::{Record, to_json},
};

use crate::output::visible;

/// Most diagnostics that are shown; a broken text has no end of them.
const MAX_SHOWN: usize = 100;
/// Most lines of one place that are shown.
const MAX_LINES: usize = 12;
/// Longest line that is shown, in bytes.
const MAX_LINE: usize = 2_000;

/// All diagnostics as text for standard error, coloured if that is a terminal.
pub(crate) fn diagnostics(diagnostics: &[Diagnostic], files: &[SourceFile]) -> String {
    let mut blocks: Vec<String> =
        diagnostics.iter().take(MAX_SHOWN).map(|report| diagnostic(report, files)).collect();
    if diagnostics.len() > MAX_SHOWN {
        blocks.push(format!("… and {} more", diagnostics.len() - MAX_SHOWN));
    }
    blocks.join("\n\n")
}

fn diagnostic(report: &Diagnostic, files: &[SourceFile]) -> String {
    let level = match report.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let code = report.code.to_string();
    let (title, label, help) =
        (visible(&report.message), visible(&report.label), visible(&report.help));
    let main = Window::of(report.span, files);
    let notes: Vec<_> = report
        .notes
        .iter()
        .map(|note| (Window::of(note.span, files), visible(&note.text)))
        .collect();
    let edit = report.suggestion.as_ref().map(|edit| {
        (Window::of(edit.span, files), visible(&edit.text), visible(&edit.replacement))
    });

    let mut group = level
        .primary_title(title.as_ref())
        .id(code.as_str())
        .element(main.show(AnnotationKind::Primary, &label));
    for (window, text) in &notes {
        group = group.element(window.show(AnnotationKind::Context, text));
    }
    if !help.is_empty() {
        group = group.element(Level::HELP.message(help.as_ref()));
    }
    let mut groups = vec![group];
    if let Some((window, text, replacement)) = &edit {
        groups.push(window.suggest(text, replacement));
    }
    renderer().render(&groups)
}

/// A message about a place of which only line and column are known, with notes.
pub(crate) struct Report<'a> {
    /// Short name of what happened, such as `T03`.
    pub(crate) id: &'a str,
    /// What happened.
    pub(crate) title: &'a str,
    /// What stands at the place.
    pub(crate) label: &'a str,
    /// File, line and column; and the file's text where it is at hand.
    pub(crate) place: Option<(&'a str, u32, u32)>,
    pub(crate) text: Option<&'a str>,
    /// Further lines.
    pub(crate) notes: &'a [String],
    /// Where to go from here.
    pub(crate) help: &'a str,
}

/// The report as text for standard error.
pub(crate) fn report(report: &Report<'_>) -> String {
    let title = visible(report.title);
    let label = visible(report.label);
    let notes: Vec<_> = report.notes.iter().map(|note| visible(note)).collect();
    let mut group = Group::with_title(Level::ERROR.primary_title(title.as_ref()).id(report.id));
    let place = report.place.map(|(file, line, column)| format!("{file}:{line}:{column}"));
    let place = place.as_deref().map(visible);
    let window = report.place.zip(report.text).and_then(|((file, line, column), text)| {
        let start = text.split_inclusive('\n').take(line as usize - 1).map(str::len).sum::<usize>();
        let full = text.get(start..)?.lines().next()?;
        let from = full.char_indices().nth(column as usize - 1)?.0;
        let end = full.trim_end().len().max(from);
        let span = (start + from) as u32..(start + end) as u32;
        Some(Window::new(file, text, span))
    });
    match (&window, &place) {
        (Some(window), _) => group = group.element(window.show(AnnotationKind::Primary, &label)),
        (None, Some(place)) => {
            group = group.element(annotate_snippets::Origin::path(place.as_ref()));
            group = group.element(Level::NOTE.message(label.as_ref()));
        }
        (None, None) => group = group.element(Level::NOTE.message(label.as_ref())),
    }
    for note in &notes {
        group = group.element(Level::NOTE.message(note.as_ref()));
    }
    if !report.help.is_empty() {
        group = group.element(Level::HELP.message(report.help));
    }
    renderer().render(&[group])
}

fn renderer() -> Renderer {
    let colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    if colours && std::io::stderr().is_terminal() { Renderer::styled() } else { Renderer::plain() }
}

/// The lines of a place, made safe for a terminal: showing a line of a large text must not cost
/// time in the whole text.
struct Window {
    path: String,
    line: usize,
    text: String,
    span: Range<usize>,
}

impl Window {
    fn of(span: Span, files: &[SourceFile]) -> Self {
        match files.get(usize::from(span.file.0)) {
            Some(file) => Self::new(&file.path, &file.text, span.start..span.end),
            None => Self { path: String::new(), line: 1, text: String::new(), span: 0..0 },
        }
    }

    fn new(path: &str, text: &str, span: Range<u32>) -> Self {
        let start = floor(text, span.start as usize);
        let end = floor(text, span.end as usize).max(start);
        let first = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line = text[..first].bytes().filter(|byte| *byte == b'\n').count() + 1;
        let (mut shown, mut from, mut to) = (String::new(), 0, 0);
        let mut offset = first;
        for (count, line) in text[first..].split('\n').take(MAX_LINES).enumerate() {
            if offset > end {
                break;
            }
            if count > 0 {
                shown.push('\n');
            }
            let text = line.strip_suffix('\r').unwrap_or(line);
            for (at, c) in text.char_indices().take_while(|(at, _)| *at < MAX_LINE) {
                if offset + at <= start {
                    from = shown.len();
                }
                shown.push_str(&visible(c.encode_utf8(&mut [0; 4])));
                if offset + at < end {
                    to = shown.len();
                }
            }
            if offset + text.len() <= start {
                from = shown.len();
            }
            offset += line.len() + 1;
        }
        let path = visible(path).into_owned();
        Self { path, line, text: shown, span: from..to.max(from) }
    }

    fn show<'a>(
        &'a self,
        kind: AnnotationKind,
        label: &'a str,
    ) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        let mut mark = kind.span(self.span.clone());
        if !label.is_empty() {
            mark = mark.label(label);
        }
        let snippet = Snippet::source(self.text.as_str()).line_start(self.line).annotation(mark);
        if self.path.is_empty() { snippet } else { snippet.path(self.path.as_str()) }
    }

    fn suggest<'a>(&'a self, text: &'a str, replacement: &'a str) -> Group<'a> {
        let patch = Patch::new(self.span.clone(), replacement);
        let snippet = Snippet::source(self.text.as_str()).line_start(self.line).patch(patch);
        Level::HELP.secondary_title(text).element(snippet.path(self.path.as_str()))
    }
}

fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// Line starts of the files that diagnostics lie in: finding the line of each must not cost time in
/// the whole text.
pub(crate) struct Places<'a> {
    files: &'a [SourceFile],
    starts: Vec<Vec<usize>>,
}

impl<'a> Places<'a> {
    pub(crate) fn new(files: &'a [SourceFile]) -> Self {
        let starts = files.iter().map(|file| {
            let breaks = file.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect()
        });
        Self { starts: starts.collect(), files }
    }

    /// A diagnostic as one line of JSON.
    pub(crate) fn json(&self, report: &Diagnostic) -> String {
        let mut record = self.place(report.span);
        let mut set = |name: &str, value: Value| record.insert(name.into(), value);
        let severity = match report.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        set("event", Value::text("diagnostic"));
        set("code", Value::from(report.code.to_string()));
        set("severity", Value::text(severity));
        set("message", Value::text(&report.message));
        set("label", Value::text(&report.label));
        set("help", Value::text(&report.help));
        let notes = report.notes.iter().map(|note| {
            let mut record = self.place(note.span);
            record.insert("text".into(), Value::text(&note.text));
            Value::Record(record)
        });
        set("notes", Value::list(notes.collect()));
        if let Some(edit) = &report.suggestion {
            let mut record = self.place(edit.span);
            record.insert("text".into(), Value::text(&edit.text));
            record.insert("replacement".into(), Value::text(&edit.replacement));
            set("suggestion", Value::Record(record));
        }
        to_json(&Value::Record(record))
    }

    /// File, line and column of both ends of a span.
    fn place(&self, span: Span) -> Record {
        let mut record = Record::new();
        let index = usize::from(span.file.0);
        if let (Some(file), Some(starts)) = (self.files.get(index), self.starts.get(index)) {
            record.insert("file".into(), Value::text(&file.path));
            for (line, column, offset) in
                [("line", "column", span.start), ("end_line", "end_column", span.end)]
            {
                let offset = floor(&file.text, offset as usize);
                let at = starts.partition_point(|start| *start <= offset);
                let begin = starts.get(at.saturating_sub(1)).copied().unwrap_or(0);
                let characters = file.text[begin..offset].chars().count();
                record.insert(line.into(), Value::Int(at as i64));
                record.insert(column.into(), Value::Int(characters as i64 + 1));
            }
        }
        record
    }
}

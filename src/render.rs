//! What standard error shows: diagnostics, and the places where runs end.

use std::io::IsTerminal;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer};
use avm_asm::{
    SourceFile,
    render::{Window, render, visible},
};
use avm_ir::Diagnostic;

/// Diagnostics as text for standard error.
pub(crate) fn diagnostics(diagnostics: &[Diagnostic], files: &[SourceFile]) -> String {
    render(diagnostics, files, in_colour(std::io::stderr().is_terminal()))
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
        Some(Window::new(file, text, (line, start), start + from..start + end))
    });
    match (&window, &place) {
        (Some(window), _) => {
            group = group.element(window.annotated(AnnotationKind::Primary, &label))
        }
        (None, Some(place)) => {
            group = group.element(Origin::path(place.as_ref()));
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
    let renderer = if in_colour(std::io::stderr().is_terminal()) {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    renderer.render(&[group])
}

/// Whether what goes to a terminal is in colours.
pub(crate) fn in_colour(terminal: bool) -> bool {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    terminal && !plain && !dumb
}

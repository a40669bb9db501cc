//! Help while a line is typed: what could follow, and what is known already.

use std::{borrow::Cow, fmt::Write};

use anstyle::Style;
use rustyline::{
    Context, Helper,
    completion::{Completer, Pair},
    highlight::{CmdKind, Highlighter},
    hint::{Hint, Hinter},
    validate::Validator,
};

use super::{
    paint::{BOLD, DIM, NAME, NUMBER, TEXT, WORD, WRONG, styled},
    words::{Kind, pieces},
};
use crate::{
    Session,
    commands::{COMMANDS, Command, complete, find, preview},
};

/// Looks over somebody's shoulder.
pub(super) struct Assistant {
    pub(super) session: Session,
    /// Whether hints can be told from what was typed.
    pub(super) grey: bool,
}

impl Assistant {
    /// The prompt; it names the run where there are several.
    pub(super) fn prompt(&self) -> String {
        match self.session.run_number() {
            Some(number) => format!("(avm {number}) "),
            None => String::from("(avm) "),
        }
    }
}

/// What is greyed behind the line, and how much of it can be taken.
pub(super) struct Grey {
    text: String,
    taken: usize,
}

impl Hint for Grey {
    fn display(&self) -> &str {
        &self.text
    }

    fn completion(&self) -> Option<&str> {
        self.text.get(..self.taken).filter(|taken| !taken.is_empty())
    }
}

/// Words that a name may go on as, and what stands behind it.
fn hint(session: &Session, line: &str) -> Option<Grey> {
    let only_said = |text: String| Some(Grey { text, taken: 0 });
    let typed = line.trim_start();
    if typed.is_empty() {
        return None;
    }
    let Some((name, args)) = typed.split_once(char::is_whitespace) else {
        let known = find(typed);
        let row = known.or_else(|| COMMANDS.iter().find(|row| row.name.starts_with(typed)))?;
        return match row.name.strip_prefix(typed) {
            Some(rest) => Some(Grey { text: format!("{rest}{}", usage(row)), taken: rest.len() }),
            None => only_said(format!(" ({}){}", row.name, usage(row))),
        };
    };
    let row = find(name)?;
    if args.trim().is_empty() {
        return (!row.args.is_empty()).then(|| row.args.to_owned()).and_then(only_said);
    }
    if let Some(value) = preview(session, row, args.trim()) {
        return only_said(format!("  {value}"));
    }
    let (start, words) = complete(session, line);
    let word = &line[start..];
    let rest = words.iter().find_map(|candidate| candidate.strip_prefix(word))?;
    (!word.is_empty() && !rest.is_empty())
        .then(|| Grey { text: rest.to_owned(), taken: rest.len() })
}

fn usage(row: &Command) -> String {
    if row.args.is_empty() { String::new() } else { format!(" {}", row.args) }
}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let (start, words) = complete(&self.session, line.get(..at).unwrap_or(line));
        let only = words.len() == 1;
        let pairs = words.into_iter().map(|word| {
            let more = only && start == 0 && find(&word).is_some_and(|row| !row.args.is_empty());
            Pair {
                replacement: if more { format!("{word} ") } else { word.clone() },
                display: word,
            }
        });
        Ok((start, pairs.collect()))
    }
}

impl Hinter for Assistant {
    type Hint = Grey;

    fn hint(&self, line: &str, at: usize, _: &Context<'_>) -> Option<Grey> {
        if at < line.len() || !self.grey { None } else { hint(&self.session, line) }
    }
}

/// Whether a name is that of a register or a label.
fn is_known(session: &Session, name: &str) -> bool {
    session.code().knows_register(name) || session.code().label(name).is_some()
}

/// A line in colours: whether the command is known, and what stands behind it.
fn paint(session: &Session, line: &str) -> String {
    let start = line.len() - line.trim_start().len();
    let (space, typed) = line.split_at(start);
    let end = typed.find(char::is_whitespace).unwrap_or(typed.len());
    let (name, args) = typed.split_at(end);
    let style = if find(name).is_some() {
        WORD
    } else if args.is_empty() && COMMANDS.iter().any(|row| row.name.starts_with(name)) {
        Style::new()
    } else {
        WRONG
    };
    let mut out = format!("{space}{}", styled(style, name));
    let mut field = false;
    for (kind, piece) in pieces(args) {
        let style = match kind {
            Kind::Text => TEXT,
            Kind::Number => NUMBER,
            // A field may be called like a register.
            Kind::Name if field => Style::new(),
            Kind::Name if is_known(session, piece) => NAME,
            Kind::Name if matches!(piece, "if" | "and" | "or" | "not" | "AND" | "OR" | "NOT") => {
                WORD
            }
            _ => Style::new(),
        };
        field = piece.ends_with('.');
        let _ = write!(out, "{style}{piece}{style:#}");
    }
    out
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        Cow::Owned(paint(&self.session, line))
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        Cow::Owned(styled(BOLD, prompt))
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(styled(DIM, hint))
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        true
    }
}

impl Validator for Assistant {}

impl Helper for Assistant {}

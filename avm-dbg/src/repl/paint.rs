//! Replies in colours. The words are those of the reply; only how they look is decided here.

use std::{borrow::Cow, collections::BTreeMap, fmt::Write};

use anstyle::{AnsiColor, Effects, Style};
use avm_ir::{Opcode, Value};

use super::words::{Kind, pieces};
use crate::{Reply, commands::find};

const fn colour(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(anstyle::Color::Ansi(colour)))
}

/// What is there for those who look for it.
pub(super) const DIM: Style = Style::new().effects(Effects::DIMMED);
/// What is to be seen first.
pub(super) const BOLD: Style = Style::new().effects(Effects::BOLD);
/// What went wrong.
pub(super) const WRONG: Style = colour(AnsiColor::Red).effects(Effects::BOLD);
/// What has changed.
const CHANGED: Style = colour(AnsiColor::Yellow).effects(Effects::BOLD);
/// A breakpoint, and why one stands here.
const WHY: Style = colour(AnsiColor::Cyan).effects(Effects::BOLD);
/// Texts.
pub(super) const TEXT: Style = colour(AnsiColor::Green);
/// Numbers.
pub(super) const NUMBER: Style = colour(AnsiColor::Magenta);
/// Commands, instructions and keywords.
pub(super) const WORD: Style = colour(AnsiColor::Blue).effects(Effects::BOLD);
/// Registers and labels.
pub(super) const NAME: Style = colour(AnsiColor::Yellow);

/// A text in a style.
pub(super) fn styled(style: Style, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{style}{text}{style:#}") }
}

/// Words of the language that are no instructions, as they are written.
const KEYWORDS: [&str; 16] = [
    "IF", "THEN", "ELSEIF", "ELSE", "ENDIF", "WHILE", "DO", "ENDWHILE", "FOR", "IN", "ENDFOR",
    "BREAK", "CONTINUE", "AND", "OR", "NOT",
];

/// Whether a word is an instruction or a keyword. Constants are in upper case too.
fn is_word(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_' || b.is_ascii_digit())
        && (KEYWORDS.contains(&word) || Opcode::by_mnemonic(word).is_some())
}

/// Code: of a source, or an instruction with its operands.
fn code(text: &str) -> String {
    let mut out = String::new();
    for (kind, piece) in pieces(text) {
        let style = match kind {
            Kind::Text => TEXT,
            Kind::Number => NUMBER,
            Kind::Comment => DIM,
            Kind::Name if is_word(piece) => WORD,
            _ => Style::new(),
        };
        let _ = write!(out, "{style}{piece}{style:#}");
    }
    out
}

/// Values: texts and numbers.
fn value(text: &str) -> String {
    let mut out = String::new();
    for (kind, piece) in pieces(text) {
        let style = match kind {
            Kind::Text => TEXT,
            Kind::Number => NUMBER,
            _ => Style::new(),
        };
        let _ = write!(out, "{style}{piece}{style:#}");
    }
    out
}

/// Paints replies, and remembers what registers held to tell what has changed.
#[derive(Debug, Default)]
pub(super) struct Painter {
    /// Lines of registers as they were seen last, by name.
    seen: BTreeMap<String, String>,
}

impl Painter {
    /// The text of a reply to a command.
    pub(super) fn paint(&mut self, line: &str, reply: &Reply) -> String {
        if !reply.ok {
            return match reply.text.split_once(' ') {
                Some((error, rest)) => format!("{} {rest}", styled(WRONG, error)),
                None => reply.text.clone(),
            };
        }
        let name = line.split_whitespace().next().and_then(find).map_or("", |row| row.name);
        let field = |name: &str| match &reply.data {
            Value::Record(record) => record.get(name),
            _ => None,
        };
        let count = |name: &str| match field(name) {
            Some(Value::List(list)) => list.len(),
            _ => 0,
        };
        match name {
            "registers" | "print" => self.registers(&reply.text),
            "source" | "code" => lines(&reply.text, listing),
            "help" => help(&reply.text),
            "breakpoints" | "delete" | "enable" | "disable" | "break" | "watch" => {
                lines(&reply.text, |line| Cow::Owned(head(line, ':', WHY, value)))
            }
            "calls" => lines(&reply.text, |line| match line.split_once(' ') {
                Some((number, rest)) => Cow::Owned(format!("{} {rest}", styled(DIM, number))),
                None => Cow::Borrowed(line),
            }),
            "log" | "store" | "status" | "meters" => {
                lines(&reply.text, |line| Cow::Owned(head(line, ':', DIM, value)))
            }
            "effects" | "end" | "runs" | "diff" => {
                lines(&reply.text, |line| Cow::Owned(value(line)))
            }
            _ if field("position").is_some() => position(&reply.text, count("why"), count("log")),
            "where" => position(&reply.text, 0, 0),
            _ => reply.text.clone(),
        }
    }

    /// Registers, those bold that do not hold what they held when they were seen last.
    fn registers(&mut self, text: &str) -> String {
        lines(text, |line| {
            let Some((name, held)) = line.split_once(": ") else { return Cow::Borrowed(line) };
            let before = self.seen.insert(name.to_owned(), held.to_owned());
            let changed = before.is_some_and(|before| before != held);
            let (kind, held) = held.split_once(" = ").unwrap_or(("", held));
            let held = if changed { styled(CHANGED, held) } else { value(held) };
            Cow::Owned(format!("{}: {} = {held}", styled(NAME, name), styled(DIM, kind)))
        })
    }
}

/// Each line of a text in its way.
fn lines<'a>(text: &'a str, paint: impl FnMut(&'a str) -> Cow<'a, str>) -> String {
    text.lines().map(paint).collect::<Vec<_>>().join("\n")
}

/// What stands before a sign in a style, and the rest in a way.
fn head(line: &str, sign: char, style: Style, rest: impl Fn(&str) -> String) -> String {
    match line.split_once(sign) {
        Some((head, behind)) => format!("{}{sign}{}", styled(style, head), rest(behind)),
        None => rest(line),
    }
}

/// A line of a listing: the mark, a number, code.
fn listing(line: &str) -> Cow<'_, str> {
    if !line.starts_with(['>', ' ']) {
        return Cow::Owned(styled(BOLD, line));
    }
    let here = line.starts_with('>');
    let digits = line.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
    let end = line[digits..].find(|c: char| !c.is_ascii_digit()).map_or(line.len(), |n| n + digits);
    let (number, text) = line.split_at(end);
    let number = styled(if here { WHY } else { DIM }, number);
    let text = if here { styled(BOLD, text) } else { code(text) };
    Cow::Owned(format!("{number}{text}"))
}

/// Where the session stands: so many lines that say why, so many notes, the place, code, the end.
fn position(text: &str, why: usize, notes: usize) -> String {
    let mut out = Vec::new();
    let mut before = true;
    for (at, line) in text.lines().enumerate() {
        out.push(match line {
            _ if at < why => styled(WHY, line),
            _ if before && notes > 0 && !line.starts_with("step ") => head(line, ':', DIM, value),
            _ if before => {
                before = false;
                place(line)
            }
            _ if line.starts_with("        ") => code(line),
            _ if is_source(line) => match line.split_once(" | ") {
                Some((number, source)) => {
                    format!("{}{}", styled(DIM, &format!("{number} | ")), code(source))
                }
                None => code(line),
            },
            _ if line.starts_with("the run halted") => styled(BOLD, line),
            _ => styled(WRONG, line),
        });
    }
    out.join("\n")
}

/// Whether a line is of a source: a number, a bar and text.
fn is_source(line: &str) -> bool {
    let behind = line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
    behind.len() < line.trim_start().len() && behind.starts_with(" |")
}

/// `step N of M, PLACE, FILE:LINE, gas G`: figures are dim, the places are not.
fn place(line: &str) -> String {
    let figure = |part: &str| part.starts_with("step ") || part.starts_with("gas ");
    let parts = line.split(", ").map(|part| styled(if figure(part) { DIM } else { BOLD }, part));
    parts.collect::<Vec<_>>().join(&styled(DIM, ", "))
}

/// The table of commands, names bold.
fn help(text: &str) -> String {
    lines(text, |line| match line.split_once(' ') {
        Some((name, rest)) if !name.is_empty() => {
            Cow::Owned(format!("{} {rest}", styled(WORD, name)))
        }
        _ => Cow::Borrowed(line),
    })
}

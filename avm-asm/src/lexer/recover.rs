//! Brackets that do not match, and how far an open one may reach.

use super::{Lexer, Place};
use crate::{
    messages::{self, Report, diagnostic},
    token::{Key, Raw, Sign},
};

fn closer(bracket: u8) -> char {
    match bracket {
        b'(' => ')',
        b'[' => ']',
        _ => '}',
    }
}

impl<'s> Lexer<'_, 's> {
    /// Reports the innermost open bracket and forgets them all.
    pub(super) fn unclosed(&mut self) {
        let Some(&level) = self.levels.last() else { return };
        let span = self.span(level.start, level.start + 1);
        let count = self.levels.len();
        let (open, close) = (char::from(level.bracket), closer(level.bracket));
        let mut report =
            diagnostic(messages::OPEN_BRACKET, span, format!("this `{open}` is never closed"))
                .help(format!("add the missing `{close}`"));
        if count > 1 {
            report = report.label(format!("{count} brackets are open here"));
        }
        self.report(report);
        self.levels.clear();
    }

    /// A closing bracket that does not fit the innermost open one.
    #[cold]
    pub(super) fn unmatched(&mut self, bracket: u8, start: u32, end: u32) -> Sign {
        let span = self.span(start, end);
        let found = closer(bracket);
        let report = match self.levels.last() {
            None => {
                diagnostic(messages::STRAY_BRACKET, span, format!("this `{found}` closes nothing"))
                    .suggest(span, "")
            }
            Some(&level) => {
                let place = self.span(level.start, level.start + 1);
                let (open, close) = (char::from(level.bracket), closer(level.bracket));
                if self.levels.iter().any(|level| level.bracket == bracket) {
                    // The inner ones were forgotten; this one closes its own.
                    while self.levels.last().is_some_and(|level| level.bracket != bracket) {
                        self.leave();
                    }
                    self.leave();
                    diagnostic(
                        messages::OPEN_BRACKET,
                        place,
                        format!("this `{open}` is never closed"),
                    )
                    .note(span, format!("`{found}` closes the bracket around it"))
                    .help(format!("add the missing `{close}` before it"))
                } else {
                    self.leave();
                    diagnostic(
                        messages::STRAY_BRACKET,
                        span,
                        format!("found `{found}`, expected `{close}`"),
                    )
                    .note(place, format!("`{open}` is open here"))
                    .suggest(span, close.to_string())
                }
            }
        };
        self.report(report);
        Sign::Error
    }

    /// Whether, inside brackets, the next line clearly begins a new statement.
    ///
    /// Looks at two raw tokens at most, so that the whole file is read in linear time: an empty line
    /// or a comment answers no, its own line break asks again.
    pub(super) fn statement_follows(&self) -> bool {
        let mut ahead = self.raw.clone();
        let Some(Ok(first)) = ahead.next() else { return false };
        let (word, end) = (ahead.slice(), ahead.span().end);
        if matches!(first, Raw::Newline | Raw::Comment) {
            return false;
        }
        let second = ahead.next().and_then(Result::ok);
        let adjacent = ahead.span().start == end;
        let record = self.levels.last().is_some_and(|level| level.bracket == b'{');
        match (first, second) {
            (Raw::Hash, _) => true,
            (Raw::Colon, Some(Raw::Name | Raw::Dot)) => adjacent,
            (Raw::Dot, Some(Raw::Name)) => adjacent && Key::directive(ahead.slice()).is_some(),
            (Raw::Int, Some(Raw::Dot)) => adjacent,
            (Raw::Name, Some(Raw::Colon)) => !record,
            (Raw::Name, _) if Key::operator(word).is_some() => false,
            (Raw::Name, Some(Raw::Text | Raw::Int | Raw::Float | Raw::Hex | Raw::Arrow)) => true,
            (Raw::Name, Some(Raw::Name)) => {
                Key::value(word).is_none() && Key::operator(ahead.slice()).is_none()
            }
            (Raw::Name, Some(Raw::Newline | Raw::Comment) | None) => {
                Key::value(word).is_none() && self.place == Place::Operator
            }
            (Raw::Name, Some(Raw::LParen | Raw::LBracket | Raw::Minus)) => {
                Key::statement(word).is_some() && !adjacent
            }
            _ => false,
        }
    }
}

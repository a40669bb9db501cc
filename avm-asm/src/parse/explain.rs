//! Words for lines that the grammar could not read.
//!
//! The grammar only says at which token it stopped. What was probably meant is told from the tokens
//! of the line, which is lexed once more for that.

use avm_ir::{Diagnostic, Span};

use super::{
    Builder, Flat,
    attributes::{empty_region, empty_test},
};
use crate::{
    ast::{Expr, ExprKind, Name},
    lexer::{Lexer, Shared},
    messages::{self, Report, diagnostic},
    token::{Key, Token},
};

mod method;
mod statements;

/// The tokens of one line around the one that did not fit.
struct Line<'a> {
    text: &'a str,
    tokens: &'a [(u32, Token<'a>, u32)],
    /// Index of the first token behind line number and labels.
    head: usize,
    /// Index of the token that did not fit.
    bad: usize,
    file: avm_ir::FileId,
    end: u32,
}

impl<'a> Line<'a> {
    fn token(&self, at: usize) -> Token<'a> {
        self.tokens.get(at).map_or(Token::Newline, |token| token.1)
    }

    fn span(&self, at: usize) -> Span {
        let (start, end) = self.tokens.get(at).map_or((self.end, self.end), |t| (t.0, t.2));
        Span::new(self.file, start, end)
    }

    fn slice(&self, span: Span) -> &'a str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    fn shown(&self, at: usize) -> String {
        match self.token(at) {
            Token::Newline => "the end of the line".into(),
            _ => {
                let text: String = self.slice(self.span(at)).chars().take(40).collect();
                format!("`{text}`")
            }
        }
    }

    fn before(&self) -> Option<Token<'a>> {
        (self.bad > self.head).then(|| self.token(self.bad - 1))
    }

    fn word(&self, at: usize) -> &'a str {
        match self.token(at) {
            Token::Name(word) => word,
            _ => "",
        }
    }

    /// Just behind the token in front of the bad one.
    fn gap(&self) -> Span {
        let end = if self.bad == 0 { self.span(0).start } else { self.span(self.bad - 1).end };
        Span::new(self.file, end, end)
    }

    fn has(&self, token: Token<'_>) -> bool {
        self.tokens.get(self.head..self.bad).unwrap_or_default().iter().any(|t| t.1 == token)
    }

    /// The bracket that is open at the bad token.
    fn bracket(&self) -> Option<Token<'a>> {
        let mut open = Vec::new();
        for (_, token, _) in self.tokens.get(..self.bad).unwrap_or_default() {
            match token {
                Token::LParen | Token::CallParen | Token::LBracket | Token::LBrace => {
                    open.push(*token)
                }
                Token::RParen | Token::RBracket | Token::RBrace => drop(open.pop()),
                _ => {}
            }
        }
        open.pop()
    }
}

/// A token that is a whole value by itself.
fn is_value(token: Token<'_>) -> bool {
    matches!(
        token,
        Token::Name(_)
            | Token::Int(_)
            | Token::Float(_)
            | Token::Text(_)
            | Token::Raw(_)
            | Token::Ellipsis
            | Token::Key(Key::True | Key::False | Key::Null)
    )
}

fn ends_value(token: Token<'_>) -> bool {
    is_value(token) || matches!(token, Token::RParen | Token::RBracket | Token::RBrace)
}

fn begins_value(token: Token<'_>) -> bool {
    is_value(token)
        || matches!(
            token,
            Token::LParen | Token::LBracket | Token::LBrace | Token::Minus | Token::Key(Key::Not)
        )
}

fn is_operator(token: Token<'_>) -> bool {
    matches!(
        token,
        Token::Eq
            | Token::Ne
            | Token::Lt
            | Token::Le
            | Token::Gt
            | Token::Ge
            | Token::Plus
            | Token::Minus
            | Token::Star
            | Token::Slash
            | Token::Percent
            | Token::Key(Key::And | Key::Or | Key::Not | Key::Contains)
    )
}

impl Line<'_> {
    fn explain(&self) -> Diagnostic {
        if let Some(report) = self.method_call() {
            return report;
        }
        let head = self.token(self.head);
        let special = match head {
            Token::Key(key @ (Key::If | Key::ElseIf | Key::While)) => self.condition(key),
            Token::Key(Key::Expect) => self.single_equals(),
            Token::Key(Key::For) => self.for_line(),
            Token::Key(Key::Set) => self.set(),
            Token::Key(Key::Define) => self.define(),
            Token::Key(
                key @ (Key::Else
                | Key::EndIf
                | Key::EndWhile
                | Key::EndFor
                | Key::EndRegion
                | Key::EndFunc
                | Key::EndTest
                | Key::Break
                | Key::Continue),
            ) => Some(self.alone(key)),
            Token::Key(
                key @ (Key::Include
                | Key::Input
                | Key::Uses
                | Key::Registers
                | Key::Allow
                | Key::Region
                | Key::Func
                | Key::Test
                | Key::Answer),
            ) => self.directive(key),
            Token::Name(_) => self.instruction(),
            Token::Colon => Some(self.label()),
            _ => None,
        };
        special.unwrap_or_else(|| self.general())
    }

    fn here(&self, code: avm_ir::Code, message: impl Into<String>) -> Diagnostic {
        diagnostic(code, self.span(self.bad), message)
    }

    fn single_equals(&self) -> Option<Diagnostic> {
        (self.token(self.bad) == Token::Assign && self.bracket().is_none()).then(|| {
            self.here(messages::SINGLE_EQUALS, "`=` does not compare, `==` does")
                .suggest(self.span(self.bad), "==")
        })
    }

    fn missing(&self, before: Option<Token<'_>>) -> Diagnostic {
        let bad = self.token(self.bad);
        let at = self.span(self.bad);
        if bad == Token::Comma && matches!(before, Some(Token::Comma)) {
            return self
                .here(messages::MISSING_VALUE, "a value is missing between two commas")
                .edit(at, "", "remove one comma");
        }
        if matches!(before, Some(Token::Comma)) {
            let comma = self.span(self.bad - 1);
            return diagnostic(
                messages::MISSING_VALUE,
                comma,
                "a value is missing behind the comma",
            )
            .edit(comma, "", "remove the comma");
        }
        let what = self.shown(self.bad.saturating_sub(1));
        if bad == Token::Newline || matches!(bad, Token::RParen | Token::RBracket | Token::RBrace) {
            return diagnostic(
                messages::MISSING_VALUE,
                self.gap(),
                format!("a value is missing behind {what}"),
            );
        }
        self.here(
            messages::MISSING_VALUE,
            format!("a value is missing in front of {}", self.shown(self.bad)),
        )
    }

    /// Whether the token in front of the bad one is the key of a record's field.
    fn key_before(&self) -> bool {
        self.bad > 1
            && matches!(self.token(self.bad - 1), Token::Name(_) | Token::Text(_))
            && matches!(self.token(self.bad - 2), Token::LBrace | Token::Comma)
    }

    /// Two values side by side in an expression outside of brackets.
    fn missing_operator(&self, last: Token<'_>) -> Diagnostic {
        let message = format!("an operator is missing in front of {}", self.shown(self.bad));
        let report = self.here(messages::MISSING_COMMA, message);
        match last {
            Token::Name(word) if self.token(self.head) == Token::Key(Key::Set) => report.help(format!(
                "if `{word}` is an instruction, write it on a line of its own, `{word} … -> R`, or call it, `{word}(…)`"
            )),
            _ => report,
        }
    }

    fn general(&self) -> Diagnostic {
        let bad = self.token(self.bad);
        let before = self.before();
        let Some(last) = before else {
            return match bad {
                Token::Newline => self.here(messages::UNEXPECTED, "a statement is missing"),
                Token::Dot => {
                    self.here(messages::BAD_LABEL, "a dot begins a directive or a local label")
                }
                _ => self
                    .here(
                        messages::UNEXPECTED,
                        format!("no statement begins with {}", self.shown(self.bad)),
                    )
                    .help("a statement begins with a mnemonic, a keyword, a directive or a label"),
            };
        };
        if ends_value(last) && begins_value(bad) && bad != Token::Minus {
            let inside = self.bracket().is_some();
            if !inside && matches!(self.token(self.head), Token::Key(_)) {
                return self.missing_operator(last);
            }
            if self.bracket() == Some(Token::LBrace) && self.key_before() {
                return self
                    .here(
                        messages::UNEXPECTED,
                        format!("a colon is missing in front of {}", self.shown(self.bad)),
                    )
                    .edit(self.gap(), ":", "add a colon");
            }
            return self
                .here(
                    messages::MISSING_COMMA,
                    format!(
                        "a comma or an operator is missing in front of {}",
                        self.shown(self.bad)
                    ),
                )
                .label(if inside {
                    "a second value begins here"
                } else {
                    "a second operand begins here"
                })
                .edit(self.gap(), ",", "add a comma");
        }
        let wants = is_operator(last)
            || matches!(
                last,
                Token::Comma
                    | Token::Assign
                    | Token::LParen
                    | Token::LBracket
                    | Token::CallParen
                    | Token::Colon
            );
        if wants && !begins_value(bad) {
            return self.missing(before);
        }
        if last == Token::Dot {
            return self.here(messages::MISSING_VALUE, "a field name is missing behind the dot");
        }
        if self.bracket() == Some(Token::LBrace) {
            return self
                .here(
                    messages::UNEXPECTED,
                    format!("{} does not fit into a record", self.shown(self.bad)),
                )
                .help("a record is written `{name: value, \"any text\": value}`");
        }
        if self.token(self.bad) == Token::Assign {
            return self
                .here(messages::SINGLE_EQUALS, "`=` does not compare, `==` does")
                .suggest(self.span(self.bad), "==");
        }
        self.here(messages::UNEXPECTED, format!("{} is not expected here", self.shown(self.bad)))
            .help("behind an operand come a comma, an operator, `->` or the end of the line")
    }
}

impl Builder<'_, '_> {
    /// Words for the line whose token at `at` did not fit; opens or closes the block that the line
    /// was to open or close, so that the rest of the block is not blamed.
    pub(super) fn bad_line(&mut self, at: u32) {
        let current = self.shared.statement.get();
        let start = if at < current { self.shared.previous.get() } else { current };
        let in_test = self.in_test();
        let scratch = Shared::default();
        let mut tokens = Vec::new();
        let mut end = at;
        for (from, token, to) in Lexer::at(self.file, self.text, start, &scratch, in_test) {
            end = from;
            if token == Token::Newline {
                break;
            }
            tokens.push((from, token, to));
        }
        // The line break itself is no good place to point at: take the end of the last token.
        let end = tokens.last().map_or(end, |token| token.2);
        let mut head = 0;
        while let Some((_, token, _)) = tokens.get(head) {
            let second = tokens.get(head + 1).map(|token| token.1);
            match (token, second) {
                (Token::Number(_), _) => head += 1,
                (Token::Colon, Some(Token::Name(_))) | (Token::Name(_), Some(Token::Colon)) => {
                    head += 2
                }
                _ => break,
            }
        }
        let bad = tokens.iter().position(|token| token.0 >= at).unwrap_or(tokens.len());
        let head = head.min(bad);
        let line = Line { text: self.text, tokens: &tokens, head, bad, file: self.file, end };
        let report = line.explain();
        let key = match line.token(head) {
            Token::Key(key) => Some(key),
            _ => None,
        };
        let mut then =
            tokens.iter().skip(head).skip_while(|t| t.1 != Token::Key(Key::Then)).skip(1);
        let one_line = then.next().is_some() || report.code == messages::NO_THEN;
        let two_words = report.code == messages::TWO_WORDS;
        let statement = self.span(start, tokens.last().map_or(start, |token| token.2));
        let head_span = line.span(head).to(Span::new(self.file, end, end));
        drop(tokens);
        self.report_in(statement, report);
        let Some(key) = key else { return };
        let nothing = self.arena.put(Expr { kind: ExprKind::Error, span: head_span });
        let name = Name { text: "", span: head_span };
        let flat = match key {
            Key::If if one_line => return,
            Key::If => Flat::If(nothing),
            Key::ElseIf => Flat::ElseIf(nothing),
            Key::Else if two_words => Flat::ElseIf(nothing),
            Key::While => Flat::While(nothing),
            Key::For => Flat::For(name, nothing),
            Key::Region => Flat::Region(self.arena.put(empty_region(name))),
            Key::Func => Flat::Func(name, &[]),
            Key::Test => Flat::Test(self.arena.put(empty_test(name))),
            Key::Else
            | Key::EndIf
            | Key::EndWhile
            | Key::EndFor
            | Key::EndRegion
            | Key::EndFunc
            | Key::EndTest => Flat::Key(key),
            _ => return,
        };
        self.take(flat, head_span);
    }
}

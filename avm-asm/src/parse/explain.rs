//! Words for lines that the grammar could not read.
//!
//! The grammar only says at which token it stopped. What was probably meant is told from the tokens
//! of the line, which is lexed once more for that.

use avm_ir::{Diagnostic, Span};

use super::{Builder, Flat};
use crate::{
    ast::{Expr, ExprKind, Name, Region, Test},
    lexer::{Lexer, Shared},
    messages::{self, Report, diagnostic},
    token::{Key, Token},
};

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
                Token::LParen | Token::CallParen | Token::LBracket | Token::LBrace => open.push(*token),
                Token::RParen | Token::RBracket | Token::RBrace => drop(open.pop()),
                _ => {}
            }
        }
        open.pop()
    }
}

fn ends_value(token: Token<'_>) -> bool {
    matches!(
        token,
        Token::Name(_)
            | Token::Int(_)
            | Token::Float(_)
            | Token::Text(_)
            | Token::Raw(_)
            | Token::Ellipsis
            | Token::RParen
            | Token::RBracket
            | Token::RBrace
            | Token::Key(Key::True | Key::False | Key::Null)
    )
}

fn begins_value(token: Token<'_>) -> bool {
    matches!(
        token,
        Token::Name(_)
            | Token::Int(_)
            | Token::Float(_)
            | Token::Text(_)
            | Token::Raw(_)
            | Token::Ellipsis
            | Token::LParen
            | Token::LBracket
            | Token::LBrace
            | Token::Minus
            | Token::Key(Key::True | Key::False | Key::Null | Key::Not)
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

/// How a directive is written.
fn form(key: Key) -> &'static str {
    match key {
        Key::Include => ".include \"path\"",
        Key::Input => ".input NAME = literal",
        Key::Uses => ".uses KIND \"name\"",
        Key::Registers => ".registers A, B, _",
        Key::Region => ".region NAME perms=a,b in=(R) out=(R)",
        Key::Func => ".func name(a, b)",
        Key::Test => ".test \"name\" region=NAME",
        Key::Given => "given R = value",
        _ => "expect condition",
    }
}

impl Line<'_> {
    fn explain(&self) -> Diagnostic {
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
                | Key::Region
                | Key::Func
                | Key::Test),
            ) => self.directive(key),
            Token::Name(_) => self.instruction(),
            Token::Colon => Some(self.label()),
            _ => None,
        };
        special.unwrap_or_else(|| self.general())
    }

    fn new(&self, code: avm_ir::Code, message: impl Into<String>) -> Diagnostic {
        diagnostic(code, self.span(self.bad), message)
    }

    fn single_equals(&self) -> Option<Diagnostic> {
        (self.token(self.bad) == Token::Assign && self.bracket().is_none()).then(|| {
            self.new(messages::SINGLE_EQUALS, "`=` does not compare, `==` does")
                .suggest(self.span(self.bad), "==")
        })
    }

    /// IF, ELSEIF, WHILE.
    fn condition(&self, key: Key) -> Option<Diagnostic> {
        let (bad, at) = (self.token(self.bad), self.span(self.bad));
        let link = if key == Key::While { "DO" } else { "THEN" };
        let empty = self.word(self.head + 1).eq_ignore_ascii_case(link);
        if empty || self.bad == self.head + 1 && !begins_value(bad) {
            let word = self.slice(self.span(self.head));
            return Some(self.new(messages::NO_CONDITION, format!("`{word}` has no condition")));
        }
        let then = self.has(Token::Key(Key::Then));
        if then && !matches!(self.before(), Some(Token::Key(Key::Then))) {
            // `HALT ELSE RETURN`: the first operand is the word that does not belong.
            let at = (self.head..=self.bad).find(|&at| {
                let word = self.word(at);
                ["ELSE", "ELSEIF", "ENDIF"].iter().any(|key| key.eq_ignore_ascii_case(word))
            })?;
            let message = format!("a one-line `IF` has no `{}`", self.word(at).to_ascii_uppercase());
            return Some(
                diagnostic(messages::ONE_LINE_IF, self.span(at), message)
                    .help("end the line behind `THEN` and close the block with `ENDIF`"),
            );
        }
        if then {
            return matches!(bad, Token::Key(_)).then(|| {
                self.new(messages::ONE_LINE_IF, format!("{} cannot stand on the line of the `IF`", self.shown(self.bad)))
                    .help("a one-line `IF` holds one plain statement; end the line behind `THEN` for anything else")
            });
        }
        if self.has(Token::Key(Key::Do)) {
            return Some(self.body_below());
        }
        if bad == Token::Assign {
            return self.single_equals();
        }
        if bad == Token::Colon && self.bracket().is_none() {
            return Some(
                self.new(messages::UNEXPECTED, format!("the condition ends with `{link}`, not with a colon"))
                    .suggest(at, format!(" {link}")),
            );
        }
        let value = self.before().is_some_and(ends_value);
        if value && begins_value(bad) && self.bracket().is_none() {
            let other = if link == "DO" { "THEN" } else { "DO" };
            let word = self.word(self.bad);
            if word.eq_ignore_ascii_case(other) {
                return Some(
                    self.new(messages::UNEXPECTED, format!("the condition ends with `{link}` here, not with `{other}`"))
                        .suggest(at, link),
                );
            }
            if key == Key::While {
                return Some(self.body_below());
            }
            return Some(
                self.new(messages::NO_THEN, "`THEN` is missing behind the condition")
                    .edit(self.gap(), " THEN", "add `THEN`"),
            );
        }
        None
    }

    fn body_below(&self) -> Diagnostic {
        let word = self.slice(self.span(self.head));
        self.new(messages::OWN_LINE, format!("the body of `{word}` begins on the next line"))
    }

    fn for_line(&self) -> Option<Diagnostic> {
        let (bad, at) = (self.token(self.bad), self.span(self.bad));
        if self.has(Token::Key(Key::Do)) {
            return Some(self.body_below());
        }
        let form = "write `FOR x IN list DO`";
        if self.has(Token::Key(Key::In)) {
            let list = self.before().is_some_and(ends_value);
            return (list && begins_value(bad) && self.bracket().is_none()).then(|| self.body_below());
        }
        Some(match bad {
            Token::Assign | Token::Colon => {
                let report = self.new(messages::BAD_FOR, format!("`FOR` takes `IN`, not {}", self.shown(self.bad)));
                let around = self.slice(Span::new(self.file, at.end, at.end + 1));
                report.suggest(at, if around == " " { "IN" } else { " IN " }).help("`FOR i IN 10 DO` counts from 0 to 9")
            }
            _ if self.bad == self.head + 1 => {
                self.new(messages::BAD_FOR, "`FOR` needs the name of a register").help(form)
            }
            _ if begins_value(bad) => self
                .new(messages::BAD_FOR, "`IN` is missing behind the name")
                .edit(self.gap(), " IN", "add `IN`"),
            _ => self.new(messages::BAD_FOR, "`FOR` needs a list to walk").help(form),
        })
    }

    fn set(&self) -> Option<Diagnostic> {
        let (bad, at) = (self.token(self.bad), self.span(self.bad));
        if self.has(Token::Assign) {
            return (bad == Token::Arrow && self.before().is_some_and(ends_value)).then(|| {
                self.new(messages::BAD_SET, "`SET` names its place in front of `=`, not behind an arrow")
                    .help("write `SET R = value`, or `OP a, b -> R` for an instruction")
            });
        }
        if self.bad == self.head + 1 && bad != Token::Newline && bad != Token::Assign {
            let message = format!("{} is not a place to write to", self.shown(self.bad));
            return Some(self.new(messages::BAD_PLACE, message).help("a place is a register or a part of one, such as `R.a.b` or `R[i]`"));
        }
        Some(match bad {
            Token::Eq => self.new(messages::BAD_SET, "`SET` takes a single `=`").suggest(at, "="),
            _ if begins_value(bad) && self.bracket().is_none() => self
                .new(messages::BAD_SET, "`=` is missing behind the place")
                .edit(self.gap(), " =", "add `=`"),
            Token::Colon => self.new(messages::BAD_SET, "`SET` takes `=`").suggest(at, "="),
            Token::LParen => self.new(messages::BAD_PLACE, "a call is not a place to write to"),
            Token::Newline | Token::Assign if self.bad == self.head + 1 => self
                .new(messages::BAD_SET, "`SET` needs a place and a value")
                .help("write `SET R = value`"),
            Token::Newline => self.new(messages::BAD_SET, "`SET` needs a value").help("write `SET R = value`"),
            _ => return None,
        })
    }

    fn define(&self) -> Option<Diagnostic> {
        let (bad, at) = (self.token(self.bad), self.span(self.bad));
        let form = "write `#define NAME value`";
        Some(match bad {
            Token::Assign => self
                .new(messages::BAD_DEFINE, "`#define` takes no `=`")
                .edit(at, "", "remove it"),
            Token::Newline if self.bad == self.head + 2 => {
                self.new(messages::BAD_DEFINE, "this constant has no value").help(form)
            }
            _ if self.bad == self.head + 1 => {
                self.new(messages::BAD_DEFINE, "`#define` needs a name").help(form)
            }
            _ => return None,
        })
    }

    /// Words that stand alone on their line.
    fn alone(&self, key: Key) -> Diagnostic {
        let word = self.slice(self.span(self.head));
        let second = self.word(self.bad);
        let at = self.span(self.head).to(self.span(self.bad));
        if key == Key::Else && second.eq_ignore_ascii_case("IF") {
            return diagnostic(messages::TWO_WORDS, at, "`ELSEIF` is one word").suggest(at, "ELSEIF");
        }
        if self.token(self.bad) == Token::Colon {
            return self
                .new(messages::OWN_LINE, format!("no colon stands behind `{word}`"))
                .edit(self.span(self.bad), "", "remove it");
        }
        self.new(messages::OWN_LINE, format!("nothing may follow `{word}` on its line"))
            .help("begin a new line")
    }

    fn directive(&self, key: Key) -> Option<Diagnostic> {
        let form = form(key);
        let name = form.split(' ').next().unwrap_or_default();
        let (bad, at) = (self.token(self.bad), self.span(self.bad));
        let mut report = self.new(
            messages::BAD_DIRECTIVE,
            format!("{} does not fit into `{name}`", self.shown(self.bad)),
        );
        if bad == Token::Newline {
            report.message = format!("`{name}` is not complete");
        }
        match (key, bad) {
            (Key::Region, Token::Text(word)) if self.bad == self.head + 1 => {
                report = report.suggest(at, word.trim_matches('"'));
            }
            (Key::Include | Key::Test, Token::Name(word)) if self.bad == self.head + 1 => {
                report = report.suggest(at, format!("\"{word}\""));
            }
            (Key::Func, Token::Newline) if self.bad == self.head + 2 => {
                report = report.edit(self.gap(), "()", "add `()` for a function without parameters");
            }
            (Key::Region | Key::Test, Token::Comma) => {
                report = report.edit(at, "", "attributes are separated by blanks: remove the comma");
            }
            (Key::Input, _) if self.has(Token::Assign) => return None,
            _ => {}
        }
        Some(report.help(format!("the form is `{form}`")))
    }

    fn label(&self) -> Diagnostic {
        let bad = self.token(self.bad);
        let report = if bad == Token::Newline {
            self.new(messages::BAD_LABEL, "this label has no name")
        } else {
            self.new(messages::BAD_LABEL, format!("{} is not a name for a label", self.shown(self.bad)))
        };
        report.help("a label is `:name`, a local one `:.name`; names begin with a letter")
    }

    fn instruction(&self) -> Option<Diagnostic> {
        let (bad, at) = (self.token(self.bad), self.span(self.bad));
        let before = self.before()?;
        let bracket = self.bracket();
        let head = self.span(self.head);
        let word = self.word(self.head);
        let outside = bracket.is_none();
        // `R = 5`, `R.a[1] = 5`
        let path = !self.tokens.get(self.head + 1..self.bad).unwrap_or_default().iter().any(|t| {
            matches!(t.1, Token::Comma | Token::Text(_) | Token::Arrow | Token::CallParen | Token::LParen)
        });
        let assigned = self.tokens.get(self.bad..).unwrap_or_default().iter().find(|t| {
            !matches!(t.1, Token::Dot | Token::Name(_) | Token::LBracket | Token::RBracket | Token::Int(_))
        });
        let assigned = assigned.is_some_and(|t| t.1 == Token::Assign);
        if word.eq_ignore_ascii_case("given") && bad == Token::Assign {
            let line = head.to(at);
            return Some(diagnostic(messages::NOT_IN_TEST, line, "`given` belongs into a `.test`"));
        }
        let adjacent = self.span(self.head + 1).start == head.end || self.bad == self.head + 1;
        if outside && path && assigned && adjacent && matches!(bad, Token::Assign | Token::Dot) {
            let start = Span::new(self.file, head.start, head.start);
            return Some(
                diagnostic(messages::MISSING_SET, head, "an assignment begins with `SET`")
                    .edit(start, "SET ", "add `SET`"),
            );
        }
        if self.has(Token::Arrow) && outside {
            return Some(self.output());
        }
        if bad == Token::Arrow && outside && before == Token::Comma {
            return Some(self.missing(Some(Token::Comma)));
        }
        if bracket == Some(Token::LParen) && bad == Token::Assign {
            return Some(
                self.new(messages::NAMED_ARGUMENT, "a call in an expression takes its arguments by position")
                    .help("write the instruction on a line of its own and use its result"),
            );
        }
        let called = self.token(self.head + 1) == Token::CallParen;
        if called && outside && before == Token::RParen {
            let gap = Span::new(self.file, head.end, head.end);
            return Some(
                self.new(messages::UNEXPECTED, format!("{} follows a complete call", self.shown(self.bad)))
                    .edit(gap, " ", "if the parenthesis belongs to the first operand, put a space in front of it"),
            );
        }
        let next = self.word(self.bad).to_ascii_uppercase();
        if outside && matches!(next.as_str(), "THEN" | "DO") {
            return Some(self.new(messages::UNEXPECTED, format!("`{next}` without `IF`, `WHILE` or `FOR`")));
        }
        if before == Token::Name(word) && self.bad == self.head + 1 {
            return Some(match bad {
                Token::Comma => self
                    .new(messages::MISSING_VALUE, format!("no comma stands behind `{word}`"))
                    .edit(at, "", "remove it"),
                Token::Assign => self.new(messages::MISSING_SET, "an assignment begins with `SET`"),
                _ => self.new(
                    messages::UNEXPECTED,
                    format!("{} cannot follow `{word}`", self.shown(self.bad)),
                ),
            });
        }
        None
    }

    /// Behind `->`.
    fn output(&self) -> Diagnostic {
        let (bad, at) = (self.token(self.bad), self.span(self.bad));
        match (self.before(), bad) {
            (Some(Token::Arrow), Token::Newline) => {
                self.new(messages::BAD_OUTPUT, "`->` names no register").help("write `-> R`")
            }
            (Some(Token::Arrow), _) => self
                .new(messages::BAD_PLACE, format!("{} is not a place to write to", self.shown(self.bad)))
                .help("a place is a register or a part of one, such as `R.a.b` or `R[i]`"),
            (_, Token::Comma) => {
                let arrow = self.tokens.iter().rposition(|t| t.1 == Token::Arrow).unwrap_or(self.bad);
                let last = self.tokens.iter().rposition(|t| t.1 != Token::Newline).unwrap_or(self.bad);
                let list = self.span(arrow + 1).to(self.span(last));
                let names = self.slice(list);
                let report = self.new(messages::BAD_OUTPUT, "several results stand in parentheses");
                // Named operands behind the result are another matter.
                if names.contains('=') || names.contains('\n') {
                    report.help("operands come in front of the arrow")
                } else {
                    report.suggest(list, format!("({names})"))
                }
            }
            (_, Token::Arrow) => self.new(messages::BAD_OUTPUT, "there is one arrow in an instruction"),
            _ if begins_value(bad) || is_operator(bad) => self
                .new(messages::BAD_OUTPUT, format!("{} cannot follow the result", self.shown(self.bad)))
                .help("the result comes last in the line"),
            _ => diagnostic(
                messages::BAD_OUTPUT,
                at,
                format!("{} does not fit into a result", self.shown(self.bad)),
            )
            .help("write `-> R` or `-> (A, B)`"),
        }
    }

    fn missing(&self, before: Option<Token<'_>>) -> Diagnostic {
        let bad = self.token(self.bad);
        let at = self.span(self.bad);
        if bad == Token::Comma && matches!(before, Some(Token::Comma)) {
            return self
                .new(messages::MISSING_VALUE, "a value is missing between two commas")
                .edit(at, "", "remove one comma");
        }
        if matches!(before, Some(Token::Comma)) {
            let comma = self.span(self.bad - 1);
            return diagnostic(messages::MISSING_VALUE, comma, "a value is missing behind the comma")
                .edit(comma, "", "remove the comma");
        }
        let what = self.shown(self.bad.saturating_sub(1));
        if bad == Token::Newline || matches!(bad, Token::RParen | Token::RBracket | Token::RBrace) {
            return diagnostic(messages::MISSING_VALUE, self.gap(), format!("a value is missing behind {what}"));
        }
        self.new(messages::MISSING_VALUE, format!("a value is missing in front of {}", self.shown(self.bad)))
    }

    fn general(&self) -> Diagnostic {
        let bad = self.token(self.bad);
        let before = self.before();
        let Some(last) = before else {
            return match bad {
                Token::Newline => self.new(messages::UNEXPECTED, "a statement is missing"),
                Token::Dot => self.new(messages::BAD_LABEL, "a dot begins a directive or a local label"),
                _ => self
                    .new(messages::UNEXPECTED, format!("no statement begins with {}", self.shown(self.bad)))
                    .help("a statement begins with a mnemonic, a keyword, a directive or a label"),
            };
        };
        if ends_value(last) && begins_value(bad) && bad != Token::Minus {
            let inside = self.bracket().is_some();
            return self
                .new(messages::MISSING_COMMA, format!("a comma or an operator is missing in front of {}", self.shown(self.bad)))
                .label(if inside { "a second value begins here" } else { "a second operand begins here" })
                .edit(self.gap(), ",", "add a comma");
        }
        let wants = is_operator(last)
            || matches!(
                last,
                Token::Comma | Token::Assign | Token::LParen | Token::LBracket | Token::CallParen | Token::Colon
            );
        if wants && !begins_value(bad) {
            return self.missing(before);
        }
        if last == Token::Dot {
            return self.new(messages::MISSING_VALUE, "a field name is missing behind the dot");
        }
        if self.bracket() == Some(Token::LBrace) {
            return self
                .new(messages::UNEXPECTED, format!("{} does not fit into a record", self.shown(self.bad)))
                .help("a record is written `{name: value, \"any text\": value}`");
        }
        if self.token(self.bad) == Token::Assign {
            return if self.bracket() == Some(Token::LParen) {
                self.new(messages::NAMED_ARGUMENT, "a call in an expression takes its arguments by position")
                    .help("write the instruction on a line of its own and use its result")
            } else {
                self.new(messages::SINGLE_EQUALS, "`=` does not compare, `==` does")
                    .suggest(self.span(self.bad), "==")
            };
        }
        self.new(messages::UNEXPECTED, format!("{} is not expected here", self.shown(self.bad)))
            .help("behind an operand come a comma, an operator, `->` or the end of the line")
    }
}

impl<'s> Builder<'s> {
    /// Words for the line whose token at `at` did not fit; opens or closes the block that the line
    /// was to open or close, so that the rest of the block is not blamed.
    pub(super) fn bad_line(&mut self, at: u32) {
        let current = self.shared.statement.get();
        let start = if at < current { self.shared.previous.get() } else { current };
        let in_test = self.in_test();
        let scratch = Shared::default();
        let mut tokens = Vec::new();
        let mut end = at;
        for (from, token, to) in Lexer::at(self.file, self.text, start, &scratch, in_test).flatten() {
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
                (Token::Colon, Some(Token::Name(_))) | (Token::Name(_), Some(Token::Colon)) => head += 2,
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
        let mut then = tokens.iter().skip(head).skip_while(|t| t.1 != Token::Key(Key::Then)).skip(1);
        let one_line = then.next().is_some() || report.code == messages::NO_THEN;
        let two_words = report.code == messages::TWO_WORDS;
        let statement = self.span(start, tokens.last().map_or(start, |token| token.2));
        let head_span = line.span(head).to(Span::new(self.file, end, end));
        drop(tokens);
        self.report_in(statement, report);
        let Some(key) = key else { return };
        let nothing = Expr { kind: ExprKind::Error, span: head_span };
        let name = Name { text: String::new(), span: head_span };
        let flat = match key {
            Key::If if one_line => return,
            Key::If => Flat::If(nothing),
            Key::ElseIf => Flat::ElseIf(nothing),
            Key::Else if two_words => Flat::ElseIf(nothing),
            Key::While => Flat::While(nothing),
            Key::For => Flat::For(name, nothing),
            Key::Region => Flat::Region(empty_region(name)),
            Key::Func => Flat::Func(name, Vec::new()),
            Key::Test => Flat::Test(empty_test(name)),
            Key::Else | Key::EndIf | Key::EndWhile | Key::EndFor | Key::EndRegion | Key::EndFunc | Key::EndTest => Flat::Key(key),
            _ => return,
        };
        self.take(flat, head_span);
    }

    pub(crate) fn region(&mut self, name: Name, attributes: Vec<(Name, Vec<Name>)>) {
        let mut region = empty_region(name);
        let mut seen: Vec<Name> = Vec::new();
        for (attribute, values) in attributes {
            if self.repeated(&seen, &attribute) {
                continue;
            }
            match attribute.text.to_ascii_lowercase().as_str() {
                "perms" => region.perms = Some(values),
                "in" => region.inputs = values,
                "out" => region.outputs = values,
                _ => self.unknown_attribute(&attribute, ".region", &["perms", "in", "out"]),
            }
            seen.push(attribute);
        }
        self.park(Flat::Region(region));
    }

    pub(crate) fn test(&mut self, token: &'s str, attributes: Vec<(Name, Vec<Name>)>) {
        let title = self.key(token);
        let mut test = empty_test(title.clone());
        (test.name, test.name_span) = (title.text, title.span);
        let mut seen: Vec<Name> = Vec::new();
        for (attribute, mut values) in attributes {
            if self.repeated(&seen, &attribute) {
                continue;
            }
            if attribute.text.eq_ignore_ascii_case("region") {
                if values.len() != 1 {
                    let report = diagnostic(messages::BAD_DIRECTIVE, attribute.span, "a test has exactly one region");
                    self.report(report);
                }
                if let Some(region) = values.pop() {
                    test.region = region;
                }
            } else {
                self.unknown_attribute(&attribute, ".test", &["region"]);
            }
            seen.push(attribute);
        }
        if !seen.iter().any(|name| name.text.eq_ignore_ascii_case("region")) {
            let report = diagnostic(messages::NO_REGION, test.name_span, "this test names no region")
                .help("write `.test \"name\" region=NAME`");
            self.report(report);
        }
        self.park(Flat::Test(test));
    }

    fn repeated(&mut self, seen: &[Name], attribute: &Name) -> bool {
        let first = seen.iter().find(|name| name.text.eq_ignore_ascii_case(&attribute.text));
        if let Some(first) = first {
            let message = format!("`{}` is given twice", attribute.text);
            let report = diagnostic(messages::TWICE, attribute.span, message)
                .note(first.span, "the first one")
                .help("separate its values by commas");
            self.report(report);
        }
        first.is_some()
    }

    fn unknown_attribute(&mut self, attribute: &Name, directive: &str, known: &[&'static str]) {
        let message = format!("`{directive}` has no attribute `{}`", attribute.text);
        let mut report = diagnostic(messages::BAD_ATTRIBUTE, attribute.span, message);
        match crate::lexer::nearest(&attribute.text, known.iter().copied()) {
            Some(name) => report = report.suggest(attribute.span, name),
            None => report = report.help(format!("there is `{}`", known.join("`, `"))),
        }
        self.report(report);
    }
}

fn empty_region(name: Name) -> Region {
    let head = name.span;
    Region { name, perms: None, inputs: Vec::new(), outputs: Vec::new(), body: Vec::new(), head }
}

fn empty_test(name: Name) -> Test {
    let region = Name { text: String::new(), span: name.span };
    let (head, name_span) = (name.span, name.span);
    let (given, expect) = (Vec::new(), Vec::new());
    Test { name: name.text, name_span, region, given, expect, head }
}

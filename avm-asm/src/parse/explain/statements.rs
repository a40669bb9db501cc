//! What is usually meant in each kind of statement.

use avm_ir::{Diagnostic, Span};

use super::{Line, begins_value, ends_value, is_operator};
use crate::{
    messages::{self, Report, diagnostic},
    token::{Key, Token},
};

/// How a directive is written.
fn form(key: Key) -> &'static str {
    match key {
        Key::Include => ".include \"path\"",
        Key::Input => ".input NAME = literal",
        Key::Uses => ".uses KIND \"name\"",
        Key::Registers => ".registers A, B, _",
        Key::Allow => ".allow AVM0913 \"reason\"",
        Key::Region => ".region NAME perms=a,b in=(R) out=(R)",
        Key::Func => ".func name(a, b)",
        Key::Test => ".test \"name\" region=NAME",
        Key::Given => "given R = value",
        Key::Answer => {
            "answer MNEMONIC \"name\" -> value` or `answer MNEMONIC \"name\" fails \"why\""
        }
        _ => "expect condition",
    }
}

impl Line<'_> {
    /// IF, ELSEIF, WHILE.
    pub(super) fn condition(&self, key: Key) -> Option<Diagnostic> {
        let (bad, at) = (self.token(self.bad), self.span(self.bad));
        let link = if key == Key::While { "DO" } else { "THEN" };
        let empty = self.word(self.head + 1).eq_ignore_ascii_case(link);
        if empty || self.bad == self.head + 1 && !begins_value(bad) {
            let word = self.slice(self.span(self.head));
            return Some(self.here(messages::NO_CONDITION, format!("`{word}` has no condition")));
        }
        let then = self.has(Token::Key(Key::Then));
        if then && !matches!(self.before(), Some(Token::Key(Key::Then))) {
            // `HALT ELSE RETURN`: the first operand is the word that does not belong.
            let at = (self.head..=self.bad).find(|&at| {
                let word = self.word(at);
                ["ELSE", "ELSEIF", "ENDIF"].iter().any(|key| key.eq_ignore_ascii_case(word))
            })?;
            let message =
                format!("a one-line `IF` has no `{}`", self.word(at).to_ascii_uppercase());
            return Some(
                diagnostic(messages::ONE_LINE_IF, self.span(at), message)
                    .help("end the line behind `THEN` and close the block with `ENDIF`"),
            );
        }
        if then {
            return matches!(bad, Token::Key(_)).then(|| {
                self.here(messages::ONE_LINE_IF, format!("{} cannot stand on the line of the `IF`", self.shown(self.bad)))
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
                self.here(
                    messages::UNEXPECTED,
                    format!("the condition ends with `{link}`, not with a colon"),
                )
                .suggest(at, format!(" {link}")),
            );
        }
        let value = self.before().is_some_and(ends_value);
        if value && begins_value(bad) && self.bracket().is_none() {
            let other = if link == "DO" { "THEN" } else { "DO" };
            let word = self.word(self.bad);
            if word.eq_ignore_ascii_case(other) {
                return Some(
                    self.here(
                        messages::UNEXPECTED,
                        format!("the condition ends with `{link}` here, not with `{other}`"),
                    )
                    .suggest(at, link),
                );
            }
            if key == Key::While {
                return Some(self.body_below());
            }
            // `IF a b THEN`: an operator is missing, not the word.
            if self.tokens.iter().any(|token| token.1 == Token::Key(Key::Then)) {
                return None;
            }
            return Some(
                self.here(messages::NO_THEN, "`THEN` is missing behind the condition").edit(
                    self.gap(),
                    " THEN",
                    "add `THEN`",
                ),
            );
        }
        None
    }

    fn body_below(&self) -> Diagnostic {
        let word = self.slice(self.span(self.head));
        self.here(messages::OWN_LINE, format!("the body of `{word}` begins on the next line"))
    }

    pub(super) fn for_line(&self) -> Option<Diagnostic> {
        let (bad, at) = (self.token(self.bad), self.span(self.bad));
        if self.has(Token::Key(Key::Do)) {
            return Some(self.body_below());
        }
        let form = "write `FOR x IN list DO`";
        if self.has(Token::Key(Key::In)) {
            if self.before() == Some(Token::Key(Key::In)) {
                return Some(self.here(messages::BAD_FOR, "`FOR` needs a list to walk").help(form));
            }
            let list = self.before().is_some_and(ends_value);
            return (list && begins_value(bad) && self.bracket().is_none())
                .then(|| self.body_below());
        }
        Some(match bad {
            Token::Assign | Token::Colon => {
                let report = self.here(
                    messages::BAD_FOR,
                    format!("`FOR` takes `IN`, not {}", self.shown(self.bad)),
                );
                let around = self.slice(Span::new(self.file, at.end, at.end + 1));
                report
                    .suggest(at, if around == " " { "IN" } else { " IN " })
                    .help("`FOR i IN 10 DO` counts from 0 to 9")
            }
            Token::Comma if self.bad == self.head + 2 => {
                self.here(messages::BAD_FOR, "`FOR` takes one name").help(
                    "`FOR pair IN TO_LIST(record) DO` walks a record: `pair[0]` is the key, `pair[1]` the value",
                )
            }
            _ if self.bad == self.head + 1 => {
                self.here(messages::BAD_FOR, "`FOR` needs the name of a register").help(form)
            }
            _ if begins_value(bad) => self
                .here(messages::BAD_FOR, "`IN` is missing behind the name")
                .edit(self.gap(), " IN", "add `IN`"),
            _ => self.here(messages::BAD_FOR, "`FOR` needs a list to walk").help(form),
        })
    }

    pub(super) fn set(&self) -> Option<Diagnostic> {
        let (bad, at) = (self.token(self.bad), self.span(self.bad));
        if bad == Token::Comma && self.bracket().is_none() && self.before().is_some_and(ends_value)
        {
            let report = if self.has(Token::Assign) {
                self.here(messages::BAD_SET, "`SET` has one value")
                    .help("a list is written `[a, b]`")
            } else {
                self.here(messages::BAD_SET, "`SET` has one place")
                    .help("write a `SET` for each register")
            };
            return Some(report);
        }
        if self.has(Token::Assign) {
            return (bad == Token::Arrow && self.before().is_some_and(ends_value)).then(|| {
                self.here(
                    messages::BAD_SET,
                    "`SET` names its place in front of `=`, not behind an arrow",
                )
                .help("write `SET R = value`, or `OP a, b -> R` for an instruction")
            });
        }
        if self.bad == self.head + 1 && bad != Token::Newline && bad != Token::Assign {
            let message = format!("{} is not a place to write to", self.shown(self.bad));
            return Some(
                self.here(messages::BAD_PLACE, message)
                    .help("a place is a register or a part of one, such as `R.a.b` or `R[i]`"),
            );
        }
        Some(match bad {
            Token::Eq => self.here(messages::BAD_SET, "`SET` takes a single `=`").suggest(at, "="),
            _ if begins_value(bad) && self.bracket().is_none() => self
                .here(messages::BAD_SET, "`=` is missing behind the place")
                .edit(self.gap(), " =", "add `=`"),
            Token::Colon => self.here(messages::BAD_SET, "`SET` takes `=`").suggest(at, "="),
            Token::LParen => self.here(messages::BAD_PLACE, "a call is not a place to write to"),
            Token::Newline | Token::Assign if self.bad == self.head + 1 => self
                .here(messages::BAD_SET, "`SET` needs a place and a value")
                .help("write `SET R = value`"),
            Token::Newline => {
                self.here(messages::BAD_SET, "`SET` needs a value").help("write `SET R = value`")
            }
            _ => return None,
        })
    }

    pub(super) fn define(&self) -> Option<Diagnostic> {
        let bad = self.token(self.bad);
        let form = "write `#define NAME value`";
        Some(match bad {
            Token::Newline if self.bad == self.head + 2 => {
                self.here(messages::BAD_DEFINE, "this constant has no value").help(form)
            }
            _ if self.bad == self.head + 1 => {
                self.here(messages::BAD_DEFINE, "`#define` needs a name").help(form)
            }
            _ => return None,
        })
    }

    /// Words that stand alone on their line.
    pub(super) fn alone(&self, key: Key) -> Diagnostic {
        let word = self.slice(self.span(self.head));
        let second = self.word(self.bad);
        let at = self.span(self.head).to(self.span(self.bad));
        if key == Key::Else && second.eq_ignore_ascii_case("IF") {
            return diagnostic(messages::TWO_WORDS, at, "`ELSEIF` is one word")
                .suggest(at, "ELSEIF");
        }
        if self.token(self.bad) == Token::Colon {
            return self.here(messages::OWN_LINE, format!("no colon stands behind `{word}`")).edit(
                self.span(self.bad),
                "",
                "remove it",
            );
        }
        self.here(messages::OWN_LINE, format!("nothing may follow `{word}` on its line"))
            .help("begin a new line")
    }

    pub(super) fn directive(&self, key: Key) -> Option<Diagnostic> {
        let form = form(key);
        let name = form.split(' ').next().unwrap_or_default();
        let (bad, at) = (self.token(self.bad), self.span(self.bad));
        let mut report = self.here(
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
                report =
                    report.edit(self.gap(), "()", "add `()` for a function without parameters");
            }
            (Key::Region | Key::Test, Token::Comma) => {
                report =
                    report.edit(at, "", "attributes are separated by blanks: remove the comma");
            }
            (Key::Region | Key::Test, Token::Assign)
                if self.bad > 1 && self.token(self.bad - 2) == Token::Comma =>
            {
                let comma = self.span(self.bad - 2);
                report =
                    report.edit(comma, "", "attributes are separated by blanks: remove the comma");
            }
            (Key::Answer, Token::Assign) => report = report.suggest(at, "->"),
            (Key::Input, _) if self.has(Token::Assign) => return None,
            _ => {}
        }
        Some(report.help(format!("the form is `{form}`")))
    }

    pub(super) fn label(&self) -> Diagnostic {
        let bad = self.token(self.bad);
        let report = if bad == Token::Newline {
            self.here(messages::BAD_LABEL, "this label has no name")
        } else {
            self.here(
                messages::BAD_LABEL,
                format!("{} is not a name for a label", self.shown(self.bad)),
            )
        };
        report.help("a label is `:name`, a local one `:.name`; names begin with a letter")
    }

    pub(super) fn instruction(&self) -> Option<Diagnostic> {
        let (bad, at) = (self.token(self.bad), self.span(self.bad));
        let before = self.before()?;
        let bracket = self.bracket();
        let head = self.span(self.head);
        let word = self.word(self.head);
        let outside = bracket.is_none();
        // `R = 5`, `R.a[1] = 5`
        let path = !self.tokens.get(self.head + 1..self.bad).unwrap_or_default().iter().any(|t| {
            matches!(
                t.1,
                Token::Comma | Token::Text(_) | Token::Arrow | Token::CallParen | Token::LParen
            )
        });
        let assigned = self.tokens.get(self.bad..).unwrap_or_default().iter().find(|t| {
            !matches!(
                t.1,
                Token::Dot | Token::Name(_) | Token::LBracket | Token::RBracket | Token::Int(_)
            )
        });
        let assigned = assigned.is_some_and(|t| t.1 == Token::Assign);
        if word.eq_ignore_ascii_case("given") && bad == Token::Assign {
            let line = head.to(at);
            return Some(diagnostic(messages::NOT_IN_TEST, line, "`given` belongs into a `.test`"));
        }
        if word.eq_ignore_ascii_case("answer")
            && self.bad == self.head + 2
            && crate::bind::opcode(self.word(self.head + 1)).is_some()
        {
            let message = "`answer` belongs into a `.test`";
            return Some(diagnostic(messages::NOT_IN_TEST, head, message));
        }
        let adjacent = self.span(self.head + 1).start == head.end || self.bad == self.head + 1;
        if outside && path && assigned && adjacent && matches!(bad, Token::Assign | Token::Dot) {
            let start = Span::new(self.file, head.start, head.start);
            return Some(
                diagnostic(messages::MISSING_SET, head, "an assignment begins with `SET`").edit(
                    start,
                    "SET ",
                    "add `SET`",
                ),
            );
        }
        if self.has(Token::Arrow) && (outside || bracket == Some(Token::LParen)) {
            return Some(self.output());
        }
        if bad == Token::Arrow && outside && before == Token::Comma {
            return Some(self.missing(Some(Token::Comma)));
        }
        let called = self.token(self.head + 1) == Token::CallParen;
        if called && outside && before == Token::RParen {
            let gap = Span::new(self.file, head.end, head.end);
            return Some(
                self.here(
                    messages::UNEXPECTED,
                    format!("{} follows a complete call", self.shown(self.bad)),
                )
                .edit(
                    gap,
                    " ",
                    "if the parenthesis belongs to the first operand, put a space in front of it",
                ),
            );
        }
        let next = self.word(self.bad).to_ascii_uppercase();
        if outside && matches!(next.as_str(), "THEN" | "DO") {
            return Some(
                self.here(messages::UNEXPECTED, format!("`{next}` without `IF`, `WHILE` or `FOR`")),
            );
        }
        if before == Token::Name(word) && self.bad == self.head + 1 {
            return Some(match bad {
                Token::Comma => self
                    .here(messages::MISSING_VALUE, format!("no comma stands behind `{word}`"))
                    .edit(at, "", "remove it"),
                Token::Assign => {
                    self.here(messages::MISSING_SET, "an assignment begins with `SET`")
                }
                _ => self.here(
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
                self.here(messages::BAD_OUTPUT, "`->` names no register").help("write `-> R`")
            }
            (Some(Token::Arrow | Token::LParen | Token::Comma), _) => self
                .here(
                    messages::BAD_PLACE,
                    format!("{} is not a place to write to", self.shown(self.bad)),
                )
                .help("a place is a register or a part of one, such as `R.a.b` or `R[i]`"),
            (_, Token::Comma) => {
                let arrow =
                    self.tokens.iter().rposition(|t| t.1 == Token::Arrow).unwrap_or(self.bad);
                let last =
                    self.tokens.iter().rposition(|t| t.1 != Token::Newline).unwrap_or(self.bad);
                let list = self.span(arrow + 1).to(self.span(last));
                let names = self.slice(list);
                let report =
                    self.here(messages::BAD_OUTPUT, "several results stand in parentheses");
                // Named operands behind the result are another matter.
                if names.contains('=') || names.contains('\n') {
                    report.help("operands come in front of the arrow")
                } else {
                    report.suggest(list, format!("({names})"))
                }
            }
            (_, Token::Arrow) => {
                self.here(messages::BAD_OUTPUT, "there is one arrow in an instruction")
            }
            _ if begins_value(bad) || is_operator(bad) => self
                .here(
                    messages::BAD_OUTPUT,
                    format!("{} cannot follow the result", self.shown(self.bad)),
                )
                .help("the result comes last in the line"),
            _ => diagnostic(
                messages::BAD_OUTPUT,
                at,
                format!("{} does not fit into a result", self.shown(self.bad)),
            )
            .help("write `-> R` or `-> (A, B)`"),
        }
    }
}

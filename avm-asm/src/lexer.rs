//! Cuts a source into tokens and decides, by position, which names are keywords.
//!
//! Bad input becomes one `Sign::Error` and one diagnostic, and lexing goes on. Line breaks inside
//! brackets vanish here, comments are set aside for the formatter, and the nesting limits are kept
//! here, before a tree exists whose depth could hurt anybody.

use core::cell::Cell;

use avm_ir::{Diagnostic, FileId, Span};
use logos::Logos;

use crate::{
    ast::BinaryOp,
    messages::{self, Report, diagnostic},
    token::{Key, Raw, Sign, Token},
};

mod recover;
mod scan;

pub use scan::{decode, nearest};
pub(crate) use scan::{float_value, line_number, magnitude};

/// Brackets and prefix operators that may enclose a value.
const MAX_NESTING: u32 = 64;
/// Operators that may stand above one value, enclosing brackets included.
const MAX_HEIGHT: u32 = 256;
/// Errors after which a file is not read on.
pub const MAX_ERRORS: u32 = 500;

/// What lexer and parser tell each other while they run in turns.
#[derive(Debug, Default)]
pub struct Shared {
    /// First byte of the statement that the lexer is in.
    pub statement: Cell<u32>,
    /// First byte of the one before: the parser reduces a line when it has seen one token more.
    pub previous: Cell<u32>,
    /// Errors of both so far.
    pub errors: Cell<u32>,
}

/// What may stand next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// A statement.
    Start,
    /// The name of a label, behind its colon.
    Label,
    /// An operand, directly behind a mnemonic.
    Head,
    /// An operand.
    Operand,
    /// The name of a constant, behind `#define`; its value follows.
    Constant,
    /// A field name, behind its dot.
    Member,
    /// An operator or the end.
    Operator,
}

/// An open bracket and what was counted around it.
#[derive(Clone, Copy, Debug)]
struct Level {
    start: u32,
    bracket: u8,
    prefixes: u32,
    operators: u32,
}

/// The token stream of one source.
#[derive(Debug)]
pub struct Lexer<'b, 's> {
    file: FileId,
    text: &'s str,
    raw: logos::Lexer<'s, Raw>,
    shared: &'b Shared,
    /// What was wrong with the characters.
    pub diagnostics: Vec<Diagnostic>,
    /// Every comment, without its line break.
    pub comments: Vec<Span>,
    place: Place,
    /// The keyword that the statement began with; decides about THEN, DO and IN.
    statement: Option<Key>,
    /// End of the mnemonic, to tell `OP(a)` from `OP (a)`.
    head_end: u32,
    levels: Vec<Level>,
    /// Open brackets and pending prefix operators.
    nesting: u32,
    /// Prefix operators directly in front of the next token.
    prefixes: u32,
    /// Operators since the last comma of this level, and in all levels.
    operators: u32,
    height: u32,
    /// The last token was a prefix `-`.
    negated: bool,
    in_test: bool,
    /// A token was given out since the last line end.
    open: bool,
    /// The rest of the statement is dropped: it is nested too deeply.
    skip: bool,
}

impl<'b, 's> Lexer<'b, 's> {
    /// A lexer for the whole of `text`.
    pub fn new(file: FileId, text: &'s str, shared: &'b Shared) -> Self {
        let mut lexer = Self::at(file, text, 0, shared, false);
        // A byte order mark is no character of the text.
        if text.starts_with('\u{feff}') {
            lexer.raw.bump('\u{feff}'.len_utf8());
        }
        lexer
    }

    /// A lexer that begins with the statement at `start`, to look at one statement again.
    pub fn at(file: FileId, text: &'s str, start: u32, shared: &'b Shared, in_test: bool) -> Self {
        let mut raw = Raw::lexer(text);
        raw.bump(start as usize);
        Self {
            file,
            text,
            raw,
            shared,
            diagnostics: Vec::new(),
            comments: Vec::new(),
            place: Place::Start,
            statement: None,
            head_end: 0,
            levels: Vec::new(),
            nesting: 0,
            prefixes: 0,
            operators: 0,
            height: 0,
            negated: false,
            in_test,
            open: false,
            skip: false,
        }
    }

    fn span(&self, start: u32, end: u32) -> Span {
        Span::new(self.file, start, end)
    }

    #[cold]
    fn report(&mut self, diagnostic: Diagnostic) {
        let errors = self.shared.errors.get();
        self.shared.errors.set(errors + 1);
        if errors < MAX_ERRORS {
            self.diagnostics.push(diagnostic);
        } else if errors == MAX_ERRORS {
            let end = diagnostic.span.start;
            self.diagnostics.push(messages::diagnostic(
                messages::TOO_MANY,
                self.span(end, end),
                format!("more than {MAX_ERRORS} errors, the rest of the file was not read"),
            ));
        }
    }

    /// The rest of the source behind `at`.
    fn rest(&self, at: u32) -> &'s [u8] {
        self.text.as_bytes().get(at as usize..).unwrap_or_default()
    }

    /// The first byte behind blanks from `at` on.
    fn next_byte(&self, at: u32) -> Option<u8> {
        self.rest(at).iter().copied().find(|byte| !matches!(byte, b' ' | b'\t'))
    }

    /// Whether a single `=` follows, which makes any word a name.
    fn is_named(&self, end: u32) -> bool {
        let mut rest = self.rest(end).iter().skip_while(|byte| matches!(byte, b' ' | b'\t'));
        rest.next() == Some(&b'=') && rest.next() != Some(&b'=')
    }

    /// Back to the start of a statement.
    fn reset(&mut self) {
        self.place = Place::Start;
        self.statement = None;
        self.levels.clear();
        self.nesting = 0;
        self.prefixes = 0;
        self.operators = 0;
        self.height = 0;
        self.open = false;
        self.skip = false;
    }

    fn name(&mut self, word: &'s str, start: u32, end: u32) -> Sign {
        match self.place {
            Place::Start => {
                let key = Key::statement(word)
                    .or_else(|| if self.in_test { Key::test_line(word) } else { None });
                // `name:` is a label whatever the name; but `else:` is never meant as one.
                if let Some(key) = key
                    && (key == Key::Else || self.next_byte(end) != Some(b':'))
                {
                    self.statement = Some(key);
                    self.place = if key == Key::Else { Place::Operator } else { Place::Operand };
                    return Sign::Key(key);
                }
                if word.eq_ignore_ascii_case("define") && self.defines(end) {
                    return self.bare_define(start, end);
                }
                self.place = Place::Head;
                self.head_end = end;
                Sign::Name
            }
            Place::Label => {
                self.place = Place::Start;
                Sign::Name
            }
            Place::Head | Place::Operand | Place::Constant => {
                let constant = self.place == Place::Constant;
                if let Some(key) = Key::value(word)
                    && !self.is_named(end)
                    && !(self.levels.last().is_some_and(|level| level.bracket == b'{')
                        && self.next_byte(end) == Some(b':'))
                {
                    if key == Key::Not {
                        self.place = Place::Operand;
                        return self.prefix(Sign::Key(key), start, end);
                    }
                    return self.operand(Sign::Key(key));
                }
                let token = self.operand(Sign::Name);
                if constant {
                    self.place = Place::Operand;
                }
                token
            }
            Place::Member => {
                self.place = Place::Operator;
                Sign::Name
            }
            Place::Operator => self.operator_word(word, start, end),
        }
    }

    fn operator_word(&mut self, word: &'s str, start: u32, end: u32) -> Sign {
        let Some(key) = Key::operator(word).filter(|_| !self.is_named(end)) else {
            return Sign::Name;
        };
        let outside = self.levels.is_empty();
        match (key, self.statement) {
            (Key::And, _) => self.binary(Sign::Binary(BinaryOp::And), start, end),
            (Key::Or, _) => self.binary(Sign::Binary(BinaryOp::Or), start, end),
            (Key::Contains, _) => self.binary(Sign::Binary(BinaryOp::Contains), start, end),
            (Key::Then, Some(Key::If | Key::ElseIf)) if outside => {
                self.place = Place::Start;
                Sign::Key(key)
            }
            (Key::Do, Some(Key::While | Key::For)) if outside => Sign::Key(key),
            (Key::In, Some(Key::For)) if outside => {
                self.place = Place::Operand;
                Sign::Key(key)
            }
            _ => Sign::Name,
        }
    }

    /// A token after which an operator may follow.
    fn operand(&mut self, token: Sign) -> Sign {
        self.nesting -= self.prefixes;
        self.prefixes = 0;
        self.place = Place::Operator;
        token
    }

    fn prefix(&mut self, token: Sign, start: u32, end: u32) -> Sign {
        self.prefixes += 1;
        self.nesting += 1;
        self.count(token, start, end)
    }

    fn binary(&mut self, token: Sign, start: u32, end: u32) -> Sign {
        self.place = Place::Operand;
        self.count(token, start, end)
    }

    fn count(&mut self, token: Sign, start: u32, end: u32) -> Sign {
        self.operators += 1;
        self.height += 1;
        self.limit(token, start, end)
    }

    fn limit(&mut self, token: Sign, start: u32, end: u32) -> Sign {
        if self.nesting <= MAX_NESTING && self.height <= MAX_HEIGHT {
            return token;
        }
        if !self.skip {
            let message = if self.nesting > MAX_NESTING {
                format!("this expression is nested deeper than {MAX_NESTING} levels")
            } else {
                format!("this expression has more than {MAX_HEIGHT} operators")
            };
            self.report(
                diagnostic(messages::TOO_DEEP, self.span(start, end), message)
                    .help("compute a part of it into a register with `SET`"),
            );
        }
        Sign::Error
    }

    fn opened(&mut self, token: Sign, bracket: u8, start: u32, end: u32) -> Sign {
        // An index counts as an operator on what stands in front of it.
        self.operators += 1;
        self.height += 1;
        let (prefixes, operators) = (self.prefixes, self.operators);
        self.levels.push(Level { start, bracket, prefixes, operators });
        self.nesting += 1;
        self.prefixes = 0;
        self.operators = 0;
        self.place = Place::Operand;
        self.limit(token, start, end)
    }

    fn closed(&mut self, token: Sign, bracket: u8, start: u32, end: u32) -> Sign {
        let token = if self.levels.last().is_some_and(|level| level.bracket == bracket) {
            self.leave();
            token
        } else {
            self.unmatched(bracket, start, end)
        };
        self.place = Place::Operator;
        token
    }

    /// Forgets the innermost bracket.
    fn leave(&mut self) {
        if let Some(level) = self.levels.pop() {
            self.height -= self.operators;
            self.nesting -= 1 + self.prefixes + level.prefixes;
            self.operators = level.operators;
            self.prefixes = 0;
        }
    }

    fn dot(&mut self, start: u32, end: u32) -> Option<Sign> {
        // `xs.field` at the start of a line: an assignment without SET.
        let member =
            self.place == Place::Operator || self.place == Place::Head && start == self.head_end;
        if self.place == Place::Operator && self.rest(end).first() == Some(&b'.') {
            return Some(self.range(start, end));
        }
        if member {
            self.place = Place::Member;
            return Some(self.count(Sign::Dot, start, end));
        }
        let length = self.rest(end).iter().take_while(|byte| scan::is_word(**byte)).count();
        // No label stands behind the dot of a field.
        if length == 0 || self.place == Place::Member {
            self.place = Place::Operand;
            return Some(Sign::Dot);
        }
        self.raw.bump(length);
        let stop = end + length as u32;
        let word = self.text.get(start as usize..stop as usize).unwrap_or_default();
        match self.place {
            Place::Label => {
                self.place = Place::Start;
                Some(Sign::Name)
            }
            Place::Start if self.next_byte(stop) == Some(b':') => {
                self.place = Place::Head;
                Some(Sign::Name)
            }
            Place::Start => match Key::directive(word.trim_start_matches('.')) {
                Some(key) => Some(self.directive(key)),
                None => Some(self.unknown_directive(word, start, stop)),
            },
            _ => Some(self.operand(Sign::Name)),
        }
    }

    fn directive(&mut self, key: Key) -> Sign {
        match key {
            Key::Test => self.in_test = true,
            Key::EndTest => self.in_test = false,
            _ => {}
        }
        self.statement = Some(key);
        self.place = if key == Key::Define { Place::Constant } else { Place::Operand };
        Sign::Key(key)
    }

    /// The token of a raw one; `None` where nothing is to be given out.
    #[inline]
    fn classify(&mut self, raw: Raw, start: u32, end: u32) -> Option<Sign> {
        let negated = core::mem::take(&mut self.negated);
        let slice = self.raw.slice();
        Some(match raw {
            Raw::Newline | Raw::Comment => return None,
            Raw::Name => self.name(slice, start, end),
            Raw::Text => {
                let token = self.text(slice, start, end);
                self.operand(token)
            }
            Raw::Int if self.place == Place::Start && self.rest(end).first() == Some(&b'.') => {
                self.raw.bump(1);
                self.line_number(slice, start, end)
            }
            Raw::Int | Raw::Hex => {
                let token = self.int(slice, negated, start, end);
                self.operand(token)
            }
            Raw::Float => {
                let token = self.float(slice, start, end);
                self.operand(token)
            }
            Raw::BadNumber => {
                let token = self.bad_number(slice, start, end);
                self.operand(token)
            }
            Raw::Hash => return self.hash(slice, start, end),
            // `JUMP :retry` must not become the label `JUMP:`.
            Raw::Colon if self.place == Place::Head && start != self.head_end => {
                self.blank_before_colon(start, end);
                return None;
            }
            Raw::Colon => {
                self.place = match self.place {
                    Place::Start => Place::Label,
                    Place::Head => Place::Start,
                    _ => Place::Operand,
                };
                Sign::Colon
            }
            Raw::Comma => {
                self.nesting -= self.prefixes;
                self.prefixes = 0;
                self.height -= self.operators;
                self.operators = 0;
                self.place = Place::Operand;
                Sign::Comma
            }
            Raw::Assign => {
                self.place = Place::Operand;
                Sign::Assign
            }
            Raw::Arrow => {
                self.place = Place::Operand;
                Sign::Arrow
            }
            Raw::Minus if self.place != Place::Operator => {
                self.negated = true;
                self.place = Place::Operand;
                self.prefix(Sign::Minus, start, end)
            }
            Raw::Percent if self.place != Place::Operator => self.register(start, end),
            Raw::Eq => self.binary(Sign::Binary(BinaryOp::Eq), start, end),
            Raw::Ne => self.binary(Sign::Binary(BinaryOp::Ne), start, end),
            Raw::Lt => self.binary(Sign::Binary(BinaryOp::Lt), start, end),
            Raw::Le => self.binary(Sign::Binary(BinaryOp::Le), start, end),
            Raw::Gt => self.binary(Sign::Binary(BinaryOp::Gt), start, end),
            Raw::Ge => self.binary(Sign::Binary(BinaryOp::Ge), start, end),
            Raw::Plus => self.binary(Sign::Binary(BinaryOp::Add), start, end),
            Raw::Minus => self.binary(Sign::Minus, start, end),
            Raw::Star => self.binary(Sign::Binary(BinaryOp::Mul), start, end),
            Raw::Slash => self.binary(Sign::Binary(BinaryOp::Div), start, end),
            Raw::Percent => self.binary(Sign::Binary(BinaryOp::Mod), start, end),
            Raw::LParen => {
                let call = self.place == Place::Head && start == self.head_end;
                let token = if call { Sign::CallParen } else { Sign::LParen };
                self.opened(token, b'(', start, end)
            }
            Raw::LBracket => self.opened(Sign::LBracket, b'[', start, end),
            Raw::LBrace => self.opened(Sign::LBrace, b'{', start, end),
            Raw::RParen => self.closed(Sign::RParen, b'(', start, end),
            Raw::RBracket => self.closed(Sign::RBracket, b'[', start, end),
            Raw::RBrace => self.closed(Sign::RBrace, b'{', start, end),
            Raw::Dot => return self.dot(start, end),
            Raw::Ellipsis => self.operand(Sign::Ellipsis),
            Raw::Foreign => return self.foreign(slice, start, end),
            Raw::Other => return self.other(start, end),
        })
    }

    fn line_end(&mut self) -> Option<Sign> {
        let open = self.open;
        self.reset();
        open.then_some(Sign::Newline)
    }

    /// The next token: where it begins, what it is, where it ends.
    #[inline(always)]
    pub(crate) fn sign(&mut self) -> Option<(u32, Sign, u32)> {
        loop {
            if self.shared.errors.get() > MAX_ERRORS {
                // Nothing more is worth reading; the parser sees the end of the file.
                self.raw.bump(self.raw.remainder().len());
            }
            let Some(raw) = self.raw.next() else {
                let end = self.text.len() as u32;
                if !self.levels.is_empty() {
                    self.unclosed();
                }
                return self.line_end().map(|token| (end, token, end));
            };
            let raw = raw.unwrap_or(Raw::Other);
            let range = self.raw.span();
            let (start, end) = (range.start as u32, range.end as u32);
            match raw {
                Raw::Comment => {
                    let end = start + self.raw.slice().trim_end().len() as u32;
                    self.comments.push(self.span(start, end));
                    continue;
                }
                Raw::Newline => {
                    if !self.levels.is_empty() {
                        if !self.statement_follows() {
                            continue;
                        }
                        self.unclosed();
                    }
                    match self.line_end() {
                        Some(token) => return Some((start, token, end)),
                        None => continue,
                    }
                }
                _ => {}
            }
            if !self.open {
                self.open = true;
                self.shared.previous.set(self.shared.statement.replace(start));
            }
            let Some(token) = self.classify(raw, start, end) else { continue };
            if self.skip {
                continue;
            }
            // From here on the statement is not looked at, only its brackets are matched.
            self.skip = self.nesting > MAX_NESTING || self.height > MAX_HEIGHT;
            return Some((start, token, self.raw.span().end as u32));
        }
    }
}

impl<'s> Iterator for Lexer<'_, 's> {
    type Item = (u32, Token<'s>, u32);

    /// The next token with what it says.
    fn next(&mut self) -> Option<Self::Item> {
        let (start, sign, end) = self.sign()?;
        let written = self.text.get(start as usize..end as usize).unwrap_or_default();
        Some((start, sign.token(written), end))
    }
}

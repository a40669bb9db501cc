//! Text to syntax tree. The only file that sees errors of the generated parser.
//!
//! The grammar reads one line at a time and hands what it understood to the `Builder`, which
//! nests blocks (`blocks`), orders operators and words what went wrong (`explain`). A line with
//! an error is left out and the next one is read, so one pass finds all errors.

use avm_ir::{Diagnostic, FileId, Opcode, Span};
use lalrpop_util::ParseError;

use crate::{
    ast::{Ast, Expr, ExprKind, Instruction, Name, Operand, Region, Stmt, StmtKind, Test},
    lexer::{Lexer, MAX_ERRORS, Shared, decode},
    messages::{self, Report, diagnostic},
    token::{Key, Token},
};

mod attributes;
mod blocks;
mod chain;
mod explain;

lalrpop_util::lalrpop_mod!(
    #[allow(
        clippy::all,
        clippy::allow_attributes_without_reason,
        unused,
        missing_docs,
        unreachable_pub,
        elided_lifetimes_in_paths,
        unused_lifetimes,
        reason = "generated"
    )]
    grammar
);

pub(crate) use chain::{Term, strength};

/// Largest source in bytes.
pub const MAX_SOURCE: usize = 16 << 20;
/// Most statements of a source: a tree of tiny ones takes far more memory than their text.
pub const MAX_STATEMENTS: usize = 1_000_000;

/// What the tree does not hold and the formatter needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trivia {
    /// Comments in source order, without their line breaks.
    pub comments: Vec<Span>,
    /// The lines inside and at the end of blocks (`ELSE`, `ENDIF`, `.endregion` …), in source order.
    pub marks: Vec<Mark>,
}

/// A line that divides or ends a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The line, without number and comment.
    pub span: Span,
    /// Its line number.
    pub number: Option<u32>,
}

/// Reads a source. The tree holds what was understood; it is whole where no diagnostic is an error.
///
/// Never fails and never panics: what cannot be read becomes diagnostics in source order.
pub fn parse(file: FileId, text: &str) -> (Ast, Vec<Diagnostic>, Trivia) {
    if text.len() > MAX_SOURCE {
        let message = format!("this file has {} bytes, the limit is {MAX_SOURCE}", text.len());
        let report = diagnostic(messages::TOO_LARGE, Span::new(file, 0, 0), message)
            .help("split the program with `.include`");
        return (Ast::default(), vec![report], Trivia::default());
    }
    let shared = Shared::default();
    let mut lexer = Lexer::new(file, text, &shared);
    let mut builder = Builder::new(file, text, &shared);
    // Every error is one of a line and was recovered from there.
    let outcome = grammar::SourceParser::new().parse(&mut builder, &mut lexer);
    if let Err(error) = outcome {
        builder.syntax_error(&error);
    }
    let (items, syntax, marks) = builder.finish();
    let mut diagnostics = lexer.diagnostics;
    let lexical = diagnostics.len();
    for (statement, report) in syntax {
        // A line with a bad character is seldom bad in a second way: one message each.
        let known = diagnostics.get(..lexical).unwrap_or_default();
        let at = known.partition_point(|report| report.span.start < statement.start);
        let same = known.get(at).is_some_and(|report| report.span.start < statement.end);
        if !(same && statement.start < statement.end) {
            diagnostics.push(report);
        }
    }
    diagnostics.sort_by_key(|report| report.span.start);
    (Ast { items }, diagnostics, Trivia { comments: lexer.comments, marks })
}

/// What the line that was just read says; it waits here until the parser has seen its end.
#[derive(Debug, Default)]
pub(crate) enum Flat {
    #[default]
    Nothing,
    Statement(StmtKind),
    If(Expr),
    ElseIf(Expr),
    While(Expr),
    For(Name, Expr),
    Region(Region),
    Func(Name, Vec<Name>),
    Test(Test),
    Given(Name, Expr),
    Expect(Expr),
    Key(Key),
}

/// Collects what the grammar finds.
#[derive(Debug)]
pub(crate) struct Builder<'s> {
    file: FileId,
    text: &'s str,
    shared: &'s Shared,
    /// Each with the statement it was found in; an empty one where no statement is to blame.
    errors: Vec<(Span, Diagnostic)>,
    number: Option<(u32, Span)>,
    flat: Flat,
    one_line: Option<(Expr, u32)>,
    body: Vec<Stmt>,
    blocks: Vec<blocks::Block>,
    /// Blocks that were closed by an error; their closing lines are not reported again.
    forgiven: Vec<Key>,
    marks: Vec<Mark>,
    /// Definitions that stand inside of IF, WHILE or FOR; they are taken as if they stood outside.
    displaced: Vec<Stmt>,
    statements: usize,
}

impl<'s> Builder<'s> {
    fn new(file: FileId, text: &'s str, shared: &'s Shared) -> Self {
        Self {
            file,
            text,
            shared,
            errors: Vec::new(),
            number: None,
            flat: Flat::Nothing,
            one_line: None,
            body: Vec::new(),
            blocks: Vec::new(),
            forgiven: Vec::new(),
            marks: Vec::new(),
            displaced: Vec::new(),
            statements: 0,
        }
    }

    fn span(&self, start: u32, end: u32) -> Span {
        Span::new(self.file, start, end)
    }

    /// Where a part of the source stands.
    fn place(&self, part: &str) -> Span {
        let start = (part.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize) as u32;
        self.span(start, start + part.len() as u32)
    }

    fn report(&mut self, report: Diagnostic) {
        let nowhere = self.span(0, 0);
        self.report_in(nowhere, report);
    }

    #[cold]
    fn report_in(&mut self, statement: Span, report: Diagnostic) {
        let errors = self.shared.errors.get();
        self.shared.errors.set(errors + 1);
        if errors < MAX_ERRORS {
            self.errors.push((statement, report));
        } else if errors == MAX_ERRORS {
            let message =
                format!("more than {MAX_ERRORS} errors, the rest of the file was not read");
            let nowhere = self.span(0, 0);
            self.errors.push((nowhere, diagnostic(messages::TOO_MANY, report.span, message)));
        }
    }

    // Names and values.

    pub(crate) fn name(&self, text: &'s str) -> Name {
        Name { text: text.to_owned(), span: self.place(text) }
    }

    pub(crate) fn expr(&self, start: u32, kind: ExprKind, end: u32) -> Expr {
        Expr { kind, span: self.span(start, end) }
    }

    pub(crate) fn variable(&self, name: Name) -> Expr {
        Expr { kind: ExprKind::Name(name.text), span: name.span }
    }

    pub(crate) fn text(&self, token: &'s str) -> Expr {
        let (text, span) = self.literal(token);
        Expr { kind: ExprKind::Text(text), span }
    }

    pub(crate) fn key(&self, token: &'s str) -> Name {
        let (text, span) = self.literal(token);
        Name { text, span }
    }

    /// The lexer let only texts pass whose escapes are right.
    fn literal(&self, token: &'s str) -> (String, Span) {
        (decode(token).unwrap_or_default(), self.place(token))
    }

    pub(crate) fn field(&mut self, base: Expr, name: Name) -> Expr {
        let span = base.span.to(name.span);
        if is_number(&base) {
            let message = format!("a number has no field `{}`", name.text);
            let report = diagnostic(messages::BAD_NUMBER, span, message)
                .help("a float has digits on both sides of its point, `5.0`");
            self.report(report);
        }
        Expr { kind: ExprKind::Field(Box::new(base), name), span }
    }

    pub(crate) fn index(&mut self, base: Expr, index: Expr, end: u32) -> Expr {
        let span = self.span(base.span.start, end);
        if is_number(&base) {
            self.report(diagnostic(messages::BAD_NUMBER, span, "a number has no items"));
        }
        Expr { kind: ExprKind::Index(Box::new(base), Box::new(index)), span }
    }

    pub(crate) fn call(&self, name: Name, arguments: Vec<Operand>, end: u32) -> Expr {
        let span = self.span(name.span.start, end);
        Expr { kind: ExprKind::Call(name, arguments), span }
    }

    pub(crate) fn ellipsis(&mut self, start: u32, end: u32) -> Expr {
        self.left_out(start, end);
        self.expr(start, ExprKind::Ellipsis, end)
    }

    pub(crate) fn left_out(&mut self, start: u32, end: u32) {
        let body = self.one_line.is_some();
        let what = if body { "the body was left out" } else { "code was left out here" };
        let report =
            diagnostic(messages::LEFT_OUT, self.span(start, end), format!("{what} (`...`)"))
                .label("there is nothing to run")
                .help(if body {
                    "write the statements that are to run"
                } else {
                    "write out what is meant"
                });
        self.report(report);
        self.flat = Flat::Statement(StmtKind::Error);
    }

    // Lines.

    pub(crate) fn number(&mut self, start: u32, number: u32, end: u32) {
        self.number = Some((number, self.span(start, end)));
    }

    pub(crate) fn label(&mut self, start: u32, name: Name, end: u32) {
        let span = self.span(start, end);
        self.count(span);
        self.push(StmtKind::Label(name), span);
    }

    pub(crate) fn bare_prefix(&mut self) {
        if let Some((_, span)) = self.number.take() {
            let report =
                diagnostic(messages::LONE_NUMBER, span, "this line number has no statement")
                    .suggest(span, "");
            self.report(report);
        }
    }

    pub(crate) fn park(&mut self, flat: Flat) {
        self.flat = flat;
    }

    pub(crate) fn one_line(&mut self, condition: Expr, start: u32) {
        self.one_line = Some((condition, start));
    }

    pub(crate) fn set(&mut self, place: Expr, value: Expr) {
        self.flat = Flat::Statement(StmtKind::Set { place, value });
    }

    pub(crate) fn instruction(
        &mut self,
        mnemonic: Name,
        mut operands: Vec<Operand>,
        outputs: Vec<Expr>,
        call_form: bool,
    ) {
        // `CALL f(a, b)` says what `CALL f, a, b` does.
        if mnemonic.text.eq_ignore_ascii_case(Opcode::CALL.mnemonic())
            && let [Operand { name: None, value }] = operands.as_mut_slice()
            && let ExprKind::Call(function, arguments) = &mut value.kind
        {
            let function = Operand { name: None, value: self.variable(function.clone()) };
            let arguments = core::mem::take(arguments);
            operands = core::iter::once(function).chain(arguments).collect();
        }
        let instruction = Instruction { mnemonic, operands, outputs, call_form };
        self.flat = Flat::Statement(StmtKind::Instruction(instruction));
    }

    pub(crate) fn jump(&mut self, key: Key) {
        let kind = if key == Key::Break { StmtKind::Break } else { StmtKind::Continue };
        self.flat = Flat::Statement(kind);
    }

    pub(crate) fn define(&mut self, name: Name, value: Expr) {
        self.flat = Flat::Statement(StmtKind::Define { name, value });
    }

    /// `#define NAME = value`: reported, and defined all the same, so that its uses are not blamed.
    #[cold]
    pub(crate) fn define_assigned(&mut self, start: u32, end: u32, name: Name, value: Expr) {
        let sign = self.span(start, end);
        let report = diagnostic(messages::BAD_DEFINE, sign, "`#define` takes no `=`").edit(
            sign,
            "",
            "remove it",
        );
        self.report(report);
        self.define(name, value);
    }

    pub(crate) fn include(&mut self, token: &'s str) {
        let (path, path_span) = self.literal(token);
        self.flat = Flat::Statement(StmtKind::Include { path, path_span });
    }

    pub(crate) fn input(&mut self, name: Name, default: Option<Expr>) {
        self.flat = Flat::Statement(StmtKind::Input { name, default });
    }

    pub(crate) fn uses(&mut self, kind: Name, token: &'s str) {
        let (name, name_span) = self.literal(token);
        self.flat = Flat::Statement(StmtKind::Uses { kind, name, name_span });
    }

    pub(crate) fn registers(&mut self, names: Vec<Name>) {
        self.flat = Flat::Statement(StmtKind::Registers(names));
    }

    pub(crate) fn allow(&mut self, code: Name, token: Option<&'s str>) {
        let reason = token.map(|token| self.literal(token));
        self.flat = Flat::Statement(StmtKind::Allow { code, reason });
    }

    pub(crate) fn func(&mut self, name: Name, params: Vec<Name>) {
        self.flat = Flat::Func(name, params);
    }

    /// A line is complete.
    pub(crate) fn line(&mut self, start: u32, end: u32) {
        let span = self.span(start, end);
        self.count(span);
        let flat = core::mem::take(&mut self.flat);
        let Some((condition, inner)) = self.one_line.take() else {
            return self.take(flat, span);
        };
        let Flat::Statement(kind) = flat else { return };
        let body = Stmt { number: None, kind, span: self.span(inner, end) };
        self.check(&body.kind, body.span);
        self.push(StmtKind::If { arms: vec![(condition, vec![body])], otherwise: None }, span);
    }

    /// One statement more; the one that exceeds the limit ends the reading.
    fn count(&mut self, span: Span) {
        self.statements += 1;
        if self.statements == MAX_STATEMENTS + 1 {
            let message = format!(
                "this file has more than {MAX_STATEMENTS} statements, the rest was not read"
            );
            let report = diagnostic(messages::TOO_LARGE, span, message)
                .help("data belongs into a collection or the key-value store, repeated code into a function");
            self.report(report);
            self.shared.errors.set(MAX_ERRORS + 1);
        }
    }

    /// A line that the grammar could not read; the parser has gone on to its end.
    #[cold]
    pub(crate) fn syntax_error(&mut self, error: &ParseError<u32, Token<'s>, ()>) {
        let at = match error {
            ParseError::UnrecognizedToken { token, .. } | ParseError::ExtraToken { token } => {
                token.0
            }
            ParseError::InvalidToken { location }
            | ParseError::UnrecognizedEof { location, .. } => *location,
            ParseError::User { .. } => self.shared.statement.get(),
        };
        self.number = None;
        self.one_line = None;
        self.flat = Flat::Nothing;
        self.bad_line(at);
    }
}

fn is_number(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Int(_) | ExprKind::Float(_))
}

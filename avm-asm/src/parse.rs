//! Text to syntax tree. The only file that sees errors of the generated parser.
//!
//! The grammar reads one line at a time and hands what it understood to the `Builder`, which
//! nests blocks (`blocks`), orders operators and words what went wrong (`explain`). A line with
//! an error is left out and the next one is read, so one pass finds all errors.

use avm_ir::{Diagnostic, FileId, Opcode, Span};
use lalrpop_util::ParseError;

use crate::{
    ast::{
        Answer, Arena, Ast, Expr, ExprKind, Instruction, Name, Operand, Region, Stmt, StmtKind,
        Test,
    },
    lexer::{Lexer, MAX_ERRORS, Shared, decode, float_value, line_number, magnitude},
    messages::{self, Report, diagnostic},
    token::{Key, Sign},
};

mod attributes;
mod blocks;
mod chain;
mod explain;
mod pile;
mod tokens;

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
use pile::Pile;
use tokens::Tokens;

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
pub fn parse<'s>(
    file: FileId,
    text: &'s str,
    arena: &'s Arena,
) -> (Ast<'s>, Vec<Diagnostic>, Trivia) {
    if text.len() > MAX_SOURCE {
        let message = format!("this file has {} bytes, the limit is {MAX_SOURCE}", text.len());
        let report = diagnostic(messages::TOO_LARGE, Span::new(file, 0, 0), message)
            .help("split the program with `.include`");
        return (Ast::default(), vec![report], Trivia::default());
    }
    let shared = Shared::default();
    let mut tokens = Tokens::new(Lexer::new(file, text, &shared));
    let mut builder = Builder::new(file, text, &shared, arena);
    let parser = grammar::SourceParser::new();
    // Every error is one of a line; the parser goes on behind it.
    while let Err(error) = parser.parse(&mut builder, &mut tokens) {
        let at = error_place(&error);
        let more = tokens.skip_line(matches!(
            error,
            ParseError::UnrecognizedToken { token: (_, Sign::Newline, _), .. }
        ));
        builder.misfit(at.unwrap_or(shared.statement.get()));
        if !more {
            break;
        }
    }
    let lexer = tokens.into_lexer();
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

/// Where the parser stopped; the parser alone knows its errors.
fn error_place(error: &ParseError<u32, Sign, ()>) -> Option<u32> {
    match error {
        ParseError::UnrecognizedToken { token, .. } | ParseError::ExtraToken { token } => {
            Some(token.0)
        }
        ParseError::InvalidToken { location } | ParseError::UnrecognizedEof { location, .. } => {
            Some(*location)
        }
        ParseError::User { .. } => None,
    }
}

/// What the line that was just read says; it waits here until the parser has seen its end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Flat<'s> {
    #[default]
    Nothing,
    Statement(StmtKind<'s>),
    If(&'s Expr<'s>),
    ElseIf(&'s Expr<'s>),
    While(&'s Expr<'s>),
    For(Name<'s>, &'s Expr<'s>),
    Region(&'s Region<'s>),
    Func(Name<'s>, &'s [Name<'s>]),
    Test(&'s Test<'s>),
    Given(Name<'s>, &'s Expr<'s>),
    Expect(&'s Expr<'s>),
    Answer(Answer<'s>),
    Key(Key),
}

/// Collects what the grammar finds.
#[derive(Debug)]
pub(crate) struct Builder<'b, 's> {
    file: FileId,
    text: &'s str,
    shared: &'b Shared,
    arena: &'s Arena,
    /// Each with the statement it was found in; an empty one where no statement is to blame.
    errors: Vec<(Span, Diagnostic)>,
    number: Option<(u32, Span)>,
    flat: Flat<'s>,
    one_line: Option<(&'s Expr<'s>, u32)>,
    /// The statements of the innermost block, behind those of the blocks around it.
    body: Vec<Stmt<'s>>,
    blocks: Vec<blocks::Block<'s>>,
    /// Blocks that were closed by an error; their closing lines are not reported again.
    forgiven: Vec<Key>,
    marks: Vec<Mark>,
    /// Definitions that stand inside of IF, WHILE or FOR; they are taken as if they stood outside.
    displaced: Vec<Stmt<'s>>,
    statements: usize,
    // Lists of the line that is being read.
    pub(crate) names: Pile<Name<'s>>,
    pub(crate) operands: Pile<Operand<'s>>,
    pub(crate) exprs: Pile<Expr<'s>>,
    pub(crate) pairs: Pile<(Name<'s>, Expr<'s>)>,
    attributes: Pile<(Name<'s>, &'s [Name<'s>])>,
    links: Pile<chain::Link<'s>>,
    /// Where each `NOT` begins.
    nots: Vec<u32>,
    waiting: Vec<chain::Waiting<'s>>,
}

impl<'b, 's> Builder<'b, 's> {
    fn new(file: FileId, text: &'s str, shared: &'b Shared, arena: &'s Arena) -> Self {
        Self {
            file,
            text,
            shared,
            arena,
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
            names: Pile::default(),
            operands: Pile::default(),
            exprs: Pile::default(),
            pairs: Pile::default(),
            attributes: Pile::default(),
            links: Pile::default(),
            nots: Vec::new(),
            waiting: Vec::new(),
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

    /// A piece of the source.
    pub(crate) fn written(&self, start: u32, end: u32) -> &'s str {
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    /// The lexer let only numbers pass that fit; the magnitude of the least integer is that integer.
    pub(crate) fn int(&self, start: u32, end: u32) -> &'s Expr<'s> {
        let value = magnitude(self.written(start, end)).unwrap_or_default();
        self.expr(start, ExprKind::Int(value as i64), end)
    }

    pub(crate) fn float(&self, start: u32, end: u32) -> &'s Expr<'s> {
        let value = float_value(self.written(start, end)).unwrap_or_default();
        self.expr(start, ExprKind::Float(value), end)
    }

    /// `%12`
    pub(crate) fn raw(&self, start: u32, end: u32) -> &'s Expr<'s> {
        let number = self.written(start + 1, end).parse().unwrap_or_default();
        self.expr(start, ExprKind::Raw(number), end)
    }

    pub(crate) fn name(&self, text: &'s str) -> Name<'s> {
        Name { text, span: self.place(text) }
    }

    pub(crate) fn kept_name(&self, text: &'s str) -> &'s Name<'s> {
        self.arena.put(self.name(text))
    }

    pub(crate) fn expr(&self, start: u32, kind: ExprKind<'s>, end: u32) -> &'s Expr<'s> {
        self.arena.put(Expr { kind, span: self.span(start, end) })
    }

    pub(crate) fn variable(&self, name: &'s str) -> &'s Expr<'s> {
        self.arena.put(Expr { kind: ExprKind::Name(name), span: self.place(name) })
    }

    pub(crate) fn text(&self, token: &'s str) -> &'s Expr<'s> {
        let (text, span) = self.literal(token);
        self.arena.put(Expr { kind: ExprKind::Text(text), span })
    }

    fn key(&self, token: &'s str) -> Name<'s> {
        let (text, span) = self.literal(token);
        Name { text, span }
    }

    pub(crate) fn kept_key(&self, token: &'s str) -> &'s Name<'s> {
        self.arena.put(self.key(token))
    }

    /// The lexer let only texts pass whose escapes are right.
    fn literal(&self, token: &'s str) -> (&'s str, Span) {
        let inner = token.strip_prefix('"').unwrap_or(token);
        let inner = inner.strip_suffix('"').unwrap_or(inner);
        let text = match inner.contains('\\') {
            true => self.arena.text(&decode(token).unwrap_or_default()),
            false => inner,
        };
        (text, self.place(token))
    }

    pub(crate) fn field(&mut self, base: &'s Expr<'s>, name: &'s str) -> &'s Expr<'s> {
        let name = self.kept_name(name);
        let span = base.span.to(name.span);
        if is_number(base) {
            let message = format!("a number has no field `{}`", name.text);
            let report = diagnostic(messages::BAD_NUMBER, span, message)
                .help("a float has digits on both sides of its point, `5.0`");
            self.report(report);
        }
        self.arena.put(Expr { kind: ExprKind::Field(base, name), span })
    }

    pub(crate) fn index(
        &mut self,
        base: &'s Expr<'s>,
        index: &'s Expr<'s>,
        end: u32,
    ) -> &'s Expr<'s> {
        let span = self.span(base.span.start, end);
        if is_number(base) {
            self.report(diagnostic(messages::BAD_NUMBER, span, "a number has no items"));
        }
        self.arena.put(Expr { kind: ExprKind::Index(base, index), span })
    }

    pub(crate) fn named(&self, name: &'s str, value: &'s Expr<'s>) -> Operand<'s> {
        Operand { name: Some(self.kept_name(name)), value }
    }

    pub(crate) fn call(&mut self, name: &'s str, arguments: Option<u32>, end: u32) -> &'s Expr<'s> {
        let name = self.kept_name(name);
        let arguments = self.operands.end(arguments, self.arena);
        self.expr(name.span.start, ExprKind::Call(name, arguments), end)
    }

    pub(crate) fn list(&mut self, start: u32, items: Option<u32>, end: u32) -> &'s Expr<'s> {
        let items = self.exprs.end(items, self.arena);
        self.expr(start, ExprKind::List(items), end)
    }

    pub(crate) fn record(&mut self, start: u32, pairs: Option<u32>, end: u32) -> &'s Expr<'s> {
        let pairs = self.pairs.end(pairs, self.arena);
        self.expr(start, ExprKind::Record(pairs), end)
    }

    pub(crate) fn ellipsis(&mut self, start: u32, end: u32) -> &'s Expr<'s> {
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

    pub(crate) fn number(&mut self, start: u32, end: u32) {
        let number = line_number(self.written(start, end)).unwrap_or_default();
        self.number = Some((number, self.span(start, end)));
    }

    pub(crate) fn label(&mut self, start: u32, name: &'s str, end: u32) {
        let (name, span) = (self.name(name), self.span(start, end));
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

    pub(crate) fn park(&mut self, flat: Flat<'s>) {
        self.flat = flat;
    }

    pub(crate) fn one_line(&mut self, condition: &'s Expr<'s>, start: u32) {
        self.one_line = Some((condition, start));
    }

    pub(crate) fn set(&mut self, place: &'s Expr<'s>, value: &'s Expr<'s>) {
        self.flat = Flat::Statement(StmtKind::Set { place, value });
    }

    pub(crate) fn instruction(
        &mut self,
        mnemonic: &'s str,
        operands: Option<u32>,
        outputs: Option<u32>,
        call_form: bool,
    ) {
        let mnemonic = self.name(mnemonic);
        let mut operands = self.operands.end(operands, self.arena);
        let outputs = self.exprs.end(outputs, self.arena);
        // `CALL f(a, b)` says what `CALL f, a, b` does.
        if mnemonic.text.eq_ignore_ascii_case(Opcode::CALL.mnemonic())
            && let [Operand { name: None, value }] = operands
            && let ExprKind::Call(function, arguments) = value.kind
        {
            let kind = ExprKind::Name(function.text);
            let value = self.arena.put(Expr { kind, span: function.span });
            let function = Operand { name: None, value };
            operands = self.arena.list(&[&[function], arguments].concat());
        }
        let instruction = Instruction { mnemonic, operands, outputs, call_form };
        self.flat = Flat::Statement(StmtKind::Instruction(self.arena.put(instruction)));
    }

    pub(crate) fn jump(&mut self, key: Key) {
        let kind = if key == Key::Break { StmtKind::Break } else { StmtKind::Continue };
        self.flat = Flat::Statement(kind);
    }

    pub(crate) fn define(&mut self, name: &'s str, value: &'s Expr<'s>) {
        let name = self.name(name);
        self.flat = Flat::Statement(StmtKind::Define { name, value });
    }

    /// `#define NAME = value`: reported, and defined all the same, so that its uses are not blamed.
    #[cold]
    pub(crate) fn define_assigned(
        &mut self,
        start: u32,
        end: u32,
        name: &'s str,
        value: &'s Expr<'s>,
    ) {
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

    pub(crate) fn input(&mut self, name: &'s str, default: Option<&'s Expr<'s>>) {
        let name = self.name(name);
        self.flat = Flat::Statement(StmtKind::Input { name, default });
    }

    pub(crate) fn uses(&mut self, kind: &'s str, token: &'s str) {
        let kind = self.kept_name(kind);
        let (name, name_span) = self.literal(token);
        self.flat = Flat::Statement(StmtKind::Uses { kind, name, name_span });
    }

    pub(crate) fn registers(&mut self, names: u32) {
        let names = self.names.end(Some(names), self.arena);
        self.flat = Flat::Statement(StmtKind::Registers(names));
    }

    pub(crate) fn allow(&mut self, code: &'s str, token: Option<&'s str>) {
        let code = self.kept_name(code);
        let reason = token.map(|token| self.literal(token));
        self.flat = Flat::Statement(StmtKind::Allow { code, reason });
    }

    pub(crate) fn func(&mut self, name: &'s str, params: Option<u32>) {
        let params = self.names.end(params, self.arena);
        self.flat = Flat::Func(self.name(name), params);
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
        let arms = self.arena.list(&[(*condition, self.arena.list(&[body]))]);
        self.push(StmtKind::If { arms, otherwise: None }, span);
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

    /// A line that does not fit from `at` on; the parser has gone on to its end.
    #[cold]
    pub(crate) fn misfit(&mut self, at: u32) {
        self.number = None;
        self.one_line = None;
        self.flat = Flat::Nothing;
        self.names.clear();
        self.operands.clear();
        self.exprs.clear();
        self.pairs.clear();
        self.attributes.clear();
        self.links.clear();
        self.nots.clear();
        self.waiting.clear();
        self.bad_line(at);
    }
}

fn is_number(expr: &Expr<'_>) -> bool {
    matches!(expr.kind, ExprKind::Int(_) | ExprKind::Float(_))
}

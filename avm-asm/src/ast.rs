//! The syntax tree: spanned, plain data, no meaning yet.
//!
//! All of it lies in an [`Arena`] and points into the source: a node is copied and never dropped.
//!
//! Mnemonics, registers, labels and constants are all just names here; [`crate::bind`] gives them
//! meaning against the instruction table.

use avm_ir::Span;
use bumpalo::Bump;

/// Where a tree lies. Its nodes follow one another and go all at once.
#[derive(Debug, Default)]
pub struct Arena(Bump);

impl Arena {
    /// Gives a node its place.
    pub(crate) fn put<T: Copy>(&self, node: T) -> &T {
        self.0.alloc(node)
    }

    /// Gives a list its place.
    pub(crate) fn list<T: Copy>(&self, items: &[T]) -> &[T] {
        if items.is_empty() { &[] } else { self.0.alloc_slice_copy(items) }
    }

    /// Gives a text its place that stands in no source as it is.
    pub(crate) fn text(&self, text: &str) -> &str {
        self.0.alloc_str(text)
    }
}

/// A condition with the body that it guards.
pub type Arm<'a> = (Expr<'a>, &'a [Stmt<'a>]);

/// A name as it was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Name<'a> {
    /// The text, case kept.
    pub text: &'a str,
    /// Where it stands.
    pub span: Span,
}

/// A whole source file, or what an `.include` brought in.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ast<'a> {
    /// Top-level items in source order.
    pub items: &'a [Stmt<'a>],
}

/// One statement with the place it stands and the paper's decorative line number, if any.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stmt<'a> {
    /// The `12.` in front of an instruction; kept as a debug label, never semantics (Y-4, X-25).
    pub number: Option<u32>,
    /// What it says.
    pub kind: StmtKind<'a>,
    /// From its first to its last character, without number and comment.
    pub span: Span,
}

/// The kinds of statement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StmtKind<'a> {
    /// `:name` or `name:`.
    Label(Name<'a>),
    /// `#define NAME value`.
    Define {
        /// The constant's name.
        name: Name<'a>,
        /// A literal, a negated literal or an earlier constant.
        value: &'a Expr<'a>,
    },
    /// `SET place = value`.
    Set {
        /// What is written.
        place: &'a Expr<'a>,
        /// The new value.
        value: &'a Expr<'a>,
    },
    /// `MNEMONIC operands -> outputs`.
    Instruction(&'a Instruction<'a>),
    /// `IF c THEN … ELSEIF c THEN … ELSE … ENDIF`, or the one-line `IF c THEN statement`.
    If {
        /// The condition and body of the `IF` and of each `ELSEIF`.
        arms: &'a [Arm<'a>],
        /// The body of the `ELSE`.
        otherwise: Option<&'a [Stmt<'a>]>,
    },
    /// `WHILE c DO … ENDWHILE`.
    While {
        /// Tested before each round.
        condition: &'a Expr<'a>,
        /// The body.
        body: &'a [Stmt<'a>],
    },
    /// `FOR x IN list DO … ENDFOR`.
    For {
        /// Register that takes each item.
        item: Name<'a>,
        /// The list, evaluated once.
        list: &'a Expr<'a>,
        /// The body.
        body: &'a [Stmt<'a>],
    },
    /// `BREAK`: leaves the innermost loop.
    Break,
    /// `CONTINUE`: next round of the innermost loop.
    Continue,
    /// `.include "path"`.
    Include {
        /// The path as written.
        path: &'a str,
        /// The string literal.
        path_span: Span,
    },
    /// `.region NAME detached perms=… in=(…) out=(…)` … `.endregion`.
    Region(&'a Region<'a>),
    /// `.func name(a, b)` … `.endfunc`.
    Func(&'a Func<'a>),
    /// `.test "name" region=R` … `.endtest`.
    Test(&'a Test<'a>),
    /// `.input NAME` or `.input NAME = literal`: a register filled from outside before the run.
    Input {
        /// The register.
        name: Name<'a>,
        /// Its value where the run gives none.
        default: Option<&'a Expr<'a>>,
    },
    /// `.uses KIND "name"`: a name that the program computes and wants in its manifest.
    Uses {
        /// model, tool, plugin, collection, channel, token, chain, subnet, agent, gpu …
        kind: &'a Name<'a>,
        /// The name to be reachable.
        name: &'a str,
        /// The string literal.
        name_span: Span,
    },
    /// `.registers A, B, _`: fixes the numbers of agent registers, in order (disassembler output).
    Registers(&'a [Name<'a>]),
    /// `.allow AVM0913 "reason"`: silences a warning for the next statement, or at the top of a file,
    /// region or function for all of it.
    Allow {
        /// The warning's code as written.
        code: &'a Name<'a>,
        /// Why, with the string literal; `None` where it is missing.
        reason: Option<(&'a str, Span)>,
    },
    /// Text that no rule understood; a diagnostic was already given.
    Error,
}

/// `MNEMONIC operands -> outputs`, in any of its surface forms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Instruction<'a> {
    /// The mnemonic as written.
    pub mnemonic: Name<'a>,
    /// Positional and named operands in source order; `out=` is among them.
    pub operands: &'a [Operand<'a>],
    /// What stands after `->`; several in parentheses.
    pub outputs: &'a [Expr<'a>],
    /// Written with parentheses, `OP(a, b)`.
    pub call_form: bool,
}

/// One operand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Operand<'a> {
    /// The name before `=`, if any.
    pub name: Option<&'a Name<'a>>,
    /// Its value.
    pub value: &'a Expr<'a>,
}

/// A region of code with permission bits and a typed interface.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Region<'a> {
    /// Its name.
    pub name: Name<'a>,
    /// The names after `perms=`; `None` where the attribute is missing.
    pub perms: Option<&'a [Name<'a>]>,
    /// Control does not flow into it where it stands; only jumps reach it.
    pub detached: bool,
    /// The registers after `in=`.
    pub inputs: &'a [Name<'a>],
    /// The registers after `out=`.
    pub outputs: &'a [Name<'a>],
    /// The code.
    pub body: &'a [Stmt<'a>],
    /// `.region` line only, for diagnostics.
    pub head: Span,
}

/// A function with registers of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Func<'a> {
    /// Its name.
    pub name: Name<'a>,
    /// Parameter names.
    pub params: &'a [Name<'a>],
    /// The code.
    pub body: &'a [Stmt<'a>],
    /// `.func` line only, for diagnostics.
    pub head: Span,
}

/// A test of a region: what holds before, what must hold after.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Test<'a> {
    /// What it shows.
    pub name: &'a str,
    /// The string literal.
    pub name_span: Span,
    /// The region under test.
    pub region: Name<'a>,
    /// `given R = value` lines.
    pub given: &'a [(Name<'a>, Expr<'a>)],
    /// `expect condition` lines.
    pub expect: &'a [Expr<'a>],
    /// `answer MNEMONIC …` lines.
    pub answers: &'a [Answer<'a>],
    /// `.test` line only, for diagnostics.
    pub head: Span,
}

/// What a test answers: `answer MNEMONIC "name" -> value`, or `… fails "reason"`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer<'a> {
    /// The instruction that asks, as written.
    pub mnemonic: Name<'a>,
    /// What it names, with the string literal; `None` for whatever it names.
    pub name: Option<Name<'a>>,
    /// What it gets.
    pub gives: Gives<'a>,
    /// The whole line.
    pub span: Span,
}

/// What the question of a test gets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gives<'a> {
    /// Results, several in parentheses; none where nothing but that it went well matters.
    Results(&'a [Expr<'a>]),
    /// A failure for this reason, with the string literal.
    Failure(Name<'a>),
}

/// An expression with its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expr<'a> {
    /// What it says.
    pub kind: ExprKind<'a>,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of expression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ExprKind<'a> {
    /// `NULL`
    Null,
    /// `true`, `FALSE`
    Bool(bool),
    /// `42`, `0xFF`, `1_000`
    Int(i64),
    /// `0.4`, `1e-3`
    Float(f64),
    /// `"text"`
    Text(&'a str),
    /// A register, constant, label or keyword value such as a permission.
    Name(&'a str),
    /// `%12`: a register by number, as the disassembler writes it.
    Raw(u8),
    /// `value.field`
    Field(&'a Expr<'a>, &'a Name<'a>),
    /// `value[index]`
    Index(&'a Expr<'a>, &'a Expr<'a>),
    /// `name(arguments)`: a function of the program or an instruction with one result.
    Call(&'a Name<'a>, &'a [Operand<'a>]),
    /// `[a, b]`
    List(&'a [Expr<'a>]),
    /// `{name: a, "any text": b}`
    Record(&'a [(Name<'a>, Expr<'a>)]),
    /// `-a`, `NOT a`
    Unary(UnaryOp, &'a Expr<'a>),
    /// `a + b`, `a OR b`
    Binary(BinaryOp, &'a Expr<'a>, &'a Expr<'a>),
    /// `...`, which stands for code that was left out (Y-25).
    Ellipsis,
    /// Text that no rule understood; a diagnostic was already given.
    Error,
}

/// Operators with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-`
    Neg,
    /// `NOT`
    Not,
}

/// Operators with two operands, weakest first: OR, AND, comparisons, sums, products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// `OR`, evaluates its right side only where the left is false.
    Or,
    /// `AND`, evaluates its right side only where the left is true.
    And,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `contains`
    Contains,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Mod,
}

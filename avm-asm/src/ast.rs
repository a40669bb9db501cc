//! The syntax tree: spanned, plain data, no meaning yet.
//!
//! Mnemonics, registers, labels and constants are all just names here; [`crate::bind`] gives them
//! meaning against the instruction table.

use avm_ir::Span;

/// A name as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    /// The text, case kept.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// A whole source file, or what an `.include` brought in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ast {
    /// Top-level items in source order.
    pub items: Vec<Stmt>,
}

/// One statement with the place it stands and the paper's decorative line number, if any.
#[derive(Clone, Debug, PartialEq)]
pub struct Stmt {
    /// The `12.` in front of an instruction; kept as a debug label, never semantics (Y-4, X-25).
    pub number: Option<u32>,
    /// What it says.
    pub kind: StmtKind,
    /// From its first to its last character, without number and comment.
    pub span: Span,
}

/// The kinds of statement.
#[derive(Clone, Debug, PartialEq)]
pub enum StmtKind {
    /// `:name` or `name:`.
    Label(Name),
    /// `#define NAME value`.
    Define {
        /// The constant's name.
        name: Name,
        /// A literal, a negated literal or an earlier constant.
        value: Expr,
    },
    /// `SET place = value`.
    Set {
        /// What is written.
        place: Expr,
        /// The new value.
        value: Expr,
    },
    /// `MNEMONIC operands -> outputs`.
    Instruction(Instruction),
    /// `IF c THEN … ELSEIF c THEN … ELSE … ENDIF`, or the one-line `IF c THEN statement`.
    If {
        /// The condition and body of the `IF` and of each `ELSEIF`.
        arms: Vec<(Expr, Vec<Stmt>)>,
        /// The body of the `ELSE`.
        otherwise: Option<Vec<Stmt>>,
    },
    /// `WHILE c DO … ENDWHILE`.
    While {
        /// Tested before each round.
        condition: Expr,
        /// The body.
        body: Vec<Stmt>,
    },
    /// `FOR x IN list DO … ENDFOR`.
    For {
        /// Register that takes each item.
        item: Name,
        /// The list, evaluated once.
        list: Expr,
        /// The body.
        body: Vec<Stmt>,
    },
    /// `BREAK`: leaves the innermost loop.
    Break,
    /// `CONTINUE`: next round of the innermost loop.
    Continue,
    /// `.include "path"`.
    Include {
        /// The path as written.
        path: String,
        /// The string literal.
        path_span: Span,
    },
    /// `.region NAME detached perms=… in=(…) out=(…)` … `.endregion`.
    Region(Region),
    /// `.func name(a, b)` … `.endfunc`.
    Func(Func),
    /// `.test "name" region=R` … `.endtest`.
    Test(Test),
    /// `.input NAME` or `.input NAME = literal`: a register filled from outside before the run.
    Input {
        /// The register.
        name: Name,
        /// Its value where the run gives none.
        default: Option<Expr>,
    },
    /// `.uses KIND "name"`: a name that the program computes and wants in its manifest.
    Uses {
        /// model, tool, plugin, collection, channel, token, chain, subnet, agent, gpu …
        kind: Name,
        /// The name to be reachable.
        name: String,
        /// The string literal.
        name_span: Span,
    },
    /// `.registers A, B, _`: fixes the numbers of agent registers, in order (disassembler output).
    Registers(Vec<Name>),
    /// `.allow AVM0913 "reason"`: silences a warning for the next statement, or at the top of a file,
    /// region or function for all of it.
    Allow {
        /// The warning's code as written.
        code: Name,
        /// Why, with the string literal; `None` where it is missing.
        reason: Option<(String, Span)>,
    },
    /// Text that no rule understood; a diagnostic was already given.
    Error,
}

/// `MNEMONIC operands -> outputs`, in any of its surface forms.
#[derive(Clone, Debug, PartialEq)]
pub struct Instruction {
    /// The mnemonic as written.
    pub mnemonic: Name,
    /// Positional and named operands in source order; `out=` is among them.
    pub operands: Vec<Operand>,
    /// What stands after `->`; several in parentheses.
    pub outputs: Vec<Expr>,
    /// Written with parentheses, `OP(a, b)`.
    pub call_form: bool,
}

/// One operand.
#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    /// The name before `=`, if any.
    pub name: Option<Name>,
    /// Its value.
    pub value: Expr,
}

/// A region of code with permission bits and a typed interface.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// Its name.
    pub name: Name,
    /// The names after `perms=`; `None` where the attribute is missing.
    pub perms: Option<Vec<Name>>,
    /// Control does not flow into it where it stands; only jumps reach it.
    pub detached: bool,
    /// The registers after `in=`.
    pub inputs: Vec<Name>,
    /// The registers after `out=`.
    pub outputs: Vec<Name>,
    /// The code.
    pub body: Vec<Stmt>,
    /// `.region` line only, for diagnostics.
    pub head: Span,
}

/// A function with registers of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Func {
    /// Its name.
    pub name: Name,
    /// Parameter names.
    pub params: Vec<Name>,
    /// The code.
    pub body: Vec<Stmt>,
    /// `.func` line only, for diagnostics.
    pub head: Span,
}

/// A test of a region: what holds before, what must hold after.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// What it shows.
    pub name: String,
    /// The string literal.
    pub name_span: Span,
    /// The region under test.
    pub region: Name,
    /// `given R = value` lines.
    pub given: Vec<(Name, Expr)>,
    /// `expect condition` lines.
    pub expect: Vec<Expr>,
    /// `.test` line only, for diagnostics.
    pub head: Span,
}

/// An expression with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it says.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `NULL`
    Null,
    /// `true`, `FALSE`
    Bool(bool),
    /// `42`, `0xFF`, `1_000`
    Int(i64),
    /// `0.4`, `1e-3`
    Float(f64),
    /// `"text"`
    Text(String),
    /// A register, constant, label or keyword value such as a permission.
    Name(String),
    /// `%12`: a register by number, as the disassembler writes it.
    Raw(u8),
    /// `value.field`
    Field(Box<Expr>, Name),
    /// `value[index]`
    Index(Box<Expr>, Box<Expr>),
    /// `name(arguments)`: a function of the program or an instruction with one result.
    Call(Name, Vec<Operand>),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `{name: a, "any text": b}`
    Record(Vec<(Name, Expr)>),
    /// `-a`, `NOT a`
    Unary(UnaryOp, Box<Expr>),
    /// `a + b`, `a OR b`
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
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

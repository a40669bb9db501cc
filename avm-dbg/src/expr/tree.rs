//! Expressions as trees.

use avm_ir::{Opcode, Value};

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    /// A literal.
    Constant(Value),
    /// A name by its number in the expression.
    Name(usize),
    /// `value[key]`, and `value.name` with a text.
    Part(Box<Tree>, Box<Tree>),
    /// An instruction and its operands in the order of its row, `None` where one was left out.
    /// Operators are instructions too.
    Op(Opcode, Vec<Option<Tree>>),
    /// `AND`, and `OR` where it says so: the right side counts where the left does not decide.
    Either(bool, Box<Tree>, Box<Tree>),
    /// `[…]` where not all is constant.
    List(Vec<Tree>),
    /// `{…}` where not all is constant.
    Record(Vec<(Value, Tree)>),
}

impl Tree {
    pub(super) fn op<const N: usize>(op: Opcode, operands: [Self; N]) -> Self {
        Self::Op(op, operands.map(Some).into())
    }

    /// The value of a literal.
    pub(super) const fn constant(&self) -> Option<&Value> {
        match self {
            Self::Constant(value) => Some(value),
            _ => None,
        }
    }
}

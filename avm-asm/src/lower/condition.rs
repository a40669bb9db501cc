//! Conditions that only branch: no bool is made where a jump says it all.

use avm_ir::{Opcode, Value};

use super::{Lower, expr::Atom};
use crate::{
    ast::{BinaryOp, Expr, ExprKind, UnaryOp},
    emit::{Arg, LabelId, Literal},
};

impl<'a> Lower<'_, 'a> {
    /// Goes on at `target` where the condition of `word` is `sense`, else falls through.
    pub(super) fn branch(
        &mut self,
        condition: &'a Expr<'a>,
        sense: bool,
        target: LabelId,
        word: &'static str,
    ) {
        match &condition.kind {
            ExprKind::Unary(UnaryOp::Not, inner) => self.branch(inner, !sense, target, word),
            ExprKind::Binary(op @ (BinaryOp::And | BinaryOp::Or), left, right) => {
                // One side alone decides: `AND` that fails, `OR` that holds.
                if (*op == BinaryOp::Or) == sense {
                    self.branch(left, sense, target, word);
                    self.branch(right, sense, target, word);
                } else {
                    let undecided = self.out.fresh();
                    self.branch(left, !sense, undecided, word);
                    self.branch(right, sense, target, word);
                    self.out.place_if_used(undecided);
                }
            }
            _ => {
                let mark = self.mark();
                let atom = self.atom(condition);
                let op = if sense { Opcode::JUMP_IF } else { Opcode::JUMP_UNLESS };
                self.check_condition(&atom, condition, word);
                match self.known_bool(&atom) {
                    Some(value) if value == sense => {
                        self.emit(Opcode::JUMP, &[], &[Arg::Label(target)]);
                    }
                    Some(_) => {}
                    None => {
                        let slot = self.slot(&atom);
                        self.emit(op, &[], &[Arg::Slot(slot), Arg::Label(target)]);
                    }
                }
                self.release(mark);
            }
        }
    }

    /// The bool that a literal condition is; `NULL` counts as false.
    fn known_bool(&self, atom: &Atom<'a>) -> Option<bool> {
        match atom {
            Atom::Literal(Literal::Bool(value)) => Some(*value),
            Atom::Literal(Literal::Null) => Some(false),
            Atom::Literal(Literal::Define(number)) => {
                match self.env.symbols.defines[*number as usize].value {
                    Value::Bool(value) => Some(value),
                    Value::Null => Some(false),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

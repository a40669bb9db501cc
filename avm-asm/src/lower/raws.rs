//! Registers that a text names by number, `%254`.

use avm_ir::Span;

use crate::ast::{Expr, ExprKind, Stmt, StmtKind};

/// Calls `each` with every register by number in some statements, functions among them left out.
pub(super) fn each(items: &[Stmt<'_>], visit: &mut impl FnMut(u8, Span)) {
    for item in items {
        match &item.kind {
            StmtKind::Set { place, value } => {
                in_expr(place, visit);
                in_expr(value, visit);
            }
            StmtKind::Instruction(instruction) => {
                let operands = instruction.operands.iter().map(|operand| operand.value);
                operands.chain(instruction.outputs).for_each(|expr| in_expr(expr, visit));
            }
            StmtKind::If { arms, otherwise } => {
                for (condition, body) in *arms {
                    in_expr(condition, visit);
                    each(body, visit);
                }
                otherwise.iter().for_each(|body| each(body, visit));
            }
            StmtKind::While { condition, body } => {
                in_expr(condition, visit);
                each(body, visit);
            }
            StmtKind::For { list, body, .. } => {
                in_expr(list, visit);
                each(body, visit);
            }
            _ => {}
        }
    }
}

fn in_expr(expr: &Expr<'_>, visit: &mut impl FnMut(u8, Span)) {
    match &expr.kind {
        ExprKind::Raw(number) => visit(*number, expr.span),
        ExprKind::Field(base, _) => in_expr(base, visit),
        ExprKind::Index(a, b) | ExprKind::Binary(_, a, b) => {
            in_expr(a, visit);
            in_expr(b, visit);
        }
        ExprKind::Unary(_, a) => in_expr(a, visit),
        ExprKind::Call(_, arguments) => {
            arguments.iter().for_each(|argument| in_expr(argument.value, visit));
        }
        ExprKind::List(items) => items.iter().for_each(|item| in_expr(item, visit)),
        ExprKind::Record(pairs) => pairs.iter().for_each(|(_, value)| in_expr(value, visit)),
        _ => {}
    }
}

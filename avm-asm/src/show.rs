//! Expressions and values as canonical text that the assembler reads again.

use avm_ir::{Span, Value};

use crate::{
    ast::{Arena, Expr, ExprKind, Name, Operand},
    fmt::{AsWritten, Printer},
    resolve::Symbols,
};

/// Longest text of a condition, in bytes.
pub(crate) const MAX_CONDITION: u64 = 1 << 16;

/// The text of an expression with its constants replaced by their values; `None` if it is longer
/// than [`MAX_CONDITION`].
pub(crate) fn expr(expr: &Expr<'_>, symbols: &Symbols<'_>) -> Option<String> {
    let mut budget = MAX_CONDITION;
    let arena = Arena::default();
    let expr = replaced(expr, symbols, &mut budget, &arena)?;
    let text = Printer::new("", &AsWritten).expr(&expr);
    (text.len() as u64 <= MAX_CONDITION).then_some(text)
}

fn replaced<'a>(
    expr: &'a Expr<'a>,
    symbols: &'a Symbols<'_>,
    budget: &mut u64,
    arena: &'a Arena,
) -> Option<Expr<'a>> {
    *budget = budget.checked_sub(1)?;
    let mut copy =
        |inner: &'a Expr<'a>| replaced(inner, symbols, budget, arena).map(|expr| arena.put(expr));
    let kind = match &expr.kind {
        ExprKind::Name(name) => match symbols.define(name) {
            Some(number) => {
                let value = &symbols.defines[number as usize].value;
                *budget = budget.checked_sub(value.encoded_len())?;
                return literal(value, arena);
            }
            None => expr.kind,
        },
        ExprKind::Text(text) => {
            *budget = budget.checked_sub(text.len() as u64)?;
            expr.kind
        }
        ExprKind::Field(base, name) => ExprKind::Field(copy(base)?, name),
        ExprKind::Index(base, index) => ExprKind::Index(copy(base)?, copy(index)?),
        ExprKind::Call(name, arguments) => {
            let arguments = arguments.iter().map(|argument| {
                let value = copy(argument.value)?;
                Some(Operand { name: argument.name, value })
            });
            ExprKind::Call(name, arena.list(&arguments.collect::<Option<Vec<_>>>()?))
        }
        ExprKind::List(items) => {
            let items = items.iter().map(|item| replaced(item, symbols, budget, arena));
            ExprKind::List(arena.list(&items.collect::<Option<Vec<_>>>()?))
        }
        ExprKind::Record(pairs) => {
            let pairs = pairs
                .iter()
                .map(|(key, value)| Some((*key, replaced(value, symbols, budget, arena)?)));
            ExprKind::Record(arena.list(&pairs.collect::<Option<Vec<_>>>()?))
        }
        ExprKind::Unary(op, operand) => ExprKind::Unary(*op, copy(operand)?),
        ExprKind::Binary(op, left, right) => ExprKind::Binary(*op, copy(left)?, copy(right)?),
        other => *other,
    };
    Some(bare(kind))
}

/// The literal of a value; `None` for bytes, vectors, handles and floats that are no number, which
/// no literal stands for.
pub(crate) fn literal<'a>(value: &'a Value, arena: &'a Arena) -> Option<Expr<'a>> {
    let kind = match value {
        Value::Null => ExprKind::Null,
        Value::Bool(value) => ExprKind::Bool(*value),
        Value::Int(value) => ExprKind::Int(*value),
        Value::Float(value) if value.is_finite() => ExprKind::Float(*value),
        Value::Text(text) => ExprKind::Text(text.as_str()),
        Value::List(list) => {
            let items = list.iter().map(|item| literal(item, arena));
            ExprKind::List(arena.list(&items.collect::<Option<Vec<_>>>()?))
        }
        Value::Record(record) => {
            let pairs =
                record.iter().map(|(key, value)| Some((plain(key), literal(value, arena)?)));
            ExprKind::Record(arena.list(&pairs.collect::<Option<Vec<_>>>()?))
        }
        _ => return None,
    };
    Some(bare(kind))
}

/// A node that stands in no source.
pub(crate) fn bare(kind: ExprKind<'_>) -> Expr<'_> {
    Expr { kind, span: Span::default() }
}

/// A name that stands in no source.
pub(crate) fn plain(text: &str) -> Name<'_> {
    Name { text, span: Span::default() }
}

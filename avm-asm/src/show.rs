//! Expressions and values as canonical text that the assembler reads again.

use avm_ir::{Span, Value};

use crate::{
    ast::{Expr, ExprKind, Name, Operand},
    fmt::{AsWritten, Printer},
    resolve::Symbols,
};

/// Longest text of a condition, in bytes.
pub(crate) const MAX_CONDITION: u64 = 1 << 16;

/// The text of an expression with its constants replaced by their values; `None` if it is longer
/// than [`MAX_CONDITION`].
pub(crate) fn expr(expr: &Expr, symbols: &Symbols<'_>) -> Option<String> {
    let mut budget = MAX_CONDITION;
    let expr = replaced(expr, symbols, &mut budget)?;
    let text = Printer::new("", &AsWritten).expr(&expr);
    (text.len() as u64 <= MAX_CONDITION).then_some(text)
}

fn replaced(expr: &Expr, symbols: &Symbols<'_>, budget: &mut u64) -> Option<Expr> {
    *budget = budget.checked_sub(1)?;
    let mut copy = |inner: &Expr| replaced(inner, symbols, budget).map(Box::new);
    let kind = match &expr.kind {
        ExprKind::Name(name) => match symbols.define(name) {
            Some(number) => {
                let value = &symbols.defines[number as usize].value;
                *budget = budget.checked_sub(value.encoded_len())?;
                return literal(value);
            }
            None => ExprKind::Name(name.clone()),
        },
        ExprKind::Text(text) => {
            *budget = budget.checked_sub(text.len() as u64)?;
            ExprKind::Text(text.clone())
        }
        ExprKind::Field(base, name) => ExprKind::Field(copy(base)?, plain(&name.text)),
        ExprKind::Index(base, index) => ExprKind::Index(copy(base)?, copy(index)?),
        ExprKind::Call(name, arguments) => {
            let arguments = arguments.iter().map(|argument| {
                let name = argument.name.as_ref().map(|name| plain(&name.text));
                Some(Operand { name, value: replaced(&argument.value, symbols, budget)? })
            });
            ExprKind::Call(plain(&name.text), arguments.collect::<Option<_>>()?)
        }
        ExprKind::List(items) => {
            let items = items.iter().map(|item| replaced(item, symbols, budget));
            ExprKind::List(items.collect::<Option<_>>()?)
        }
        ExprKind::Record(pairs) => {
            let pairs = pairs
                .iter()
                .map(|(key, value)| Some((plain(&key.text), replaced(value, symbols, budget)?)));
            ExprKind::Record(pairs.collect::<Option<_>>()?)
        }
        ExprKind::Unary(op, operand) => ExprKind::Unary(*op, copy(operand)?),
        ExprKind::Binary(op, left, right) => ExprKind::Binary(*op, copy(left)?, copy(right)?),
        other => other.clone(),
    };
    Some(bare(kind))
}

/// The literal of a value; `None` for bytes, vectors, handles and floats that are no number, which
/// no literal stands for.
pub(crate) fn literal(value: &Value) -> Option<Expr> {
    let kind = match value {
        Value::Null => ExprKind::Null,
        Value::Bool(value) => ExprKind::Bool(*value),
        Value::Int(value) => ExprKind::Int(*value),
        Value::Float(value) if value.is_finite() => ExprKind::Float(*value),
        Value::Text(text) => ExprKind::Text(String::from(text.as_str())),
        Value::List(list) => ExprKind::List(list.iter().map(literal).collect::<Option<_>>()?),
        Value::Record(record) => {
            let pairs = record.iter().map(|(key, value)| Some((plain(key), literal(value)?)));
            ExprKind::Record(pairs.collect::<Option<_>>()?)
        }
        _ => return None,
    };
    Some(bare(kind))
}

/// A node that stands in no source.
pub(crate) fn bare(kind: ExprKind) -> Expr {
    Expr { kind, span: Span::default() }
}

/// A name that stands in no source.
pub(crate) fn plain(text: &str) -> Name {
    Name { text: String::from(text), span: Span::default() }
}

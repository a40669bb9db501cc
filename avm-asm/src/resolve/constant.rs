//! Constants: `#define`, and literals that are made of constants alone.

use avm_ir::{
    Span, Value,
    value::{MAX_NESTING, Record, Text},
};

use super::{Symbols, Walk, twice};
use crate::{
    ast::{Expr, ExprKind, Name, Stmt, StmtKind, UnaryOp},
    messages::{self, Report, diagnostic},
    resolve::status_word,
};

/// Largest canonical encoding of a constant, in bytes.
const MAX_CONSTANT: u64 = 16 << 20;

/// A constant of `#define`.
#[derive(Clone, Debug)]
pub(crate) struct Define<'a> {
    pub(crate) name: &'a str,
    pub(crate) span: Span,
    pub(crate) value: Value,
}

/// Why an expression is no constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotConstant {
    /// The part at the span is known only when the program runs.
    Computed(Span),
    /// It is too large or too deep.
    TooLarge,
    /// A diagnostic was already given.
    Known,
}

/// The value of an expression that needs no instruction.
///
/// `-5` counts as a literal; `2 + 3` does not, since every operator is a metered instruction.
pub(crate) fn fold(expr: &Expr<'_>, symbols: &Symbols<'_>) -> Result<Value, NotConstant> {
    let value = match &expr.kind {
        ExprKind::Null => Value::Null,
        ExprKind::Bool(value) => Value::Bool(*value),
        ExprKind::Int(value) => Value::Int(*value),
        ExprKind::Float(value) => Value::float(*value),
        ExprKind::Text(text) => Value::text(text),
        ExprKind::Name(name) => match symbols.define(name) {
            Some(number) => symbols.defines[number as usize].value.clone(),
            None => return Err(NotConstant::Computed(expr.span)),
        },
        ExprKind::Unary(UnaryOp::Neg, operand) => match fold(operand, symbols)? {
            Value::Int(value) => match value.checked_neg() {
                Some(value) => Value::Int(value),
                None => return Err(NotConstant::Computed(expr.span)),
            },
            Value::Float(value) => Value::float(-value),
            _ => return Err(NotConstant::Computed(expr.span)),
        },
        ExprKind::List(items) => {
            let mut values = Vec::with_capacity(items.len());
            for item in *items {
                values.push(fold(item, symbols)?);
            }
            checked(Value::list(values))?
        }
        ExprKind::Record(pairs) => {
            let mut record = Record::new();
            for (key, value) in *pairs {
                record.insert(Text::from(key.text), fold(value, symbols)?);
            }
            checked(Value::Record(record))?
        }
        ExprKind::Error | ExprKind::Ellipsis => return Err(NotConstant::Known),
        _ => return Err(NotConstant::Computed(expr.span)),
    };
    Ok(value)
}

fn checked(value: Value) -> Result<Value, NotConstant> {
    if value.encoded_len() > MAX_CONSTANT || value.nesting() > MAX_NESTING {
        return Err(NotConstant::TooLarge);
    }
    Ok(value)
}

/// What to say about an expression that should be a constant.
pub(crate) fn not_constant(reason: NotConstant, whole: &Expr<'_>) -> Option<avm_ir::Diagnostic> {
    match reason {
        NotConstant::Computed(span) => Some(
            diagnostic(messages::BAD_CONSTANT, span, "this is not known before the program runs")
                .help("write a literal or a constant that is defined further up"),
        ),
        NotConstant::TooLarge => {
            let message = "this constant is too large or nested too deeply";
            Some(diagnostic(messages::CONSTANT_TOO_LARGE, whole.span, message))
        }
        NotConstant::Known => None,
    }
}

impl<'a> Walk<'a, '_> {
    /// Evaluates every `#define`, in source order and wherever it stands.
    pub(super) fn constants(&mut self, items: &'a [Stmt<'a>]) {
        for item in items {
            match &item.kind {
                StmtKind::Define { name, value } => self.define(name, value),
                StmtKind::If { arms, otherwise } => {
                    for body in arms.iter().map(|(_, body)| body).chain(otherwise) {
                        self.constants(body);
                    }
                }
                StmtKind::While { body, .. } | StmtKind::For { body, .. } => self.constants(body),
                StmtKind::Region(region) => self.constants(region.body),
                StmtKind::Func(func) => self.constants(func.body),
                _ => {}
            }
        }
    }

    fn define(&mut self, name: &'a Name<'a>, value: &Expr<'_>) {
        if status_word(name.text).is_some() {
            let message = format!("`{}` is a status word", name.text);
            self.diagnostics.push(diagnostic(messages::READ_ONLY, name.span, message));
            return;
        }
        if let Some(first) = self.symbols.define(name.text) {
            let first = self.symbols.defines[first as usize].span;
            self.diagnostics.push(twice(messages::DUPLICATE_DEFINE, "constant", name, first));
            return;
        }
        let value = fold(value, &self.symbols).unwrap_or_else(|reason| {
            self.diagnostics.extend(not_constant(reason, value));
            Value::Null
        });
        self.symbols.define_of.insert(name.text, self.symbols.defines.len() as u32);
        self.symbols.defines.push(Define { name: name.text, span: name.span, value });
    }
}

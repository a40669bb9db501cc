//! Expressions: the grammar gives operands and operators in a row, here they are put in order.

use avm_ir::Span;

use super::Builder;
use crate::{
    ast::{BinaryOp, Expr, ExprKind, UnaryOp},
    messages::{self, Report, diagnostic},
};

/// An operand with the `NOT`s in front of it.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    /// Where each `NOT` begins.
    pub(crate) nots: Vec<u32>,
    pub(crate) value: Expr,
}

/// What waits for its right side.
enum Waiting {
    Not(u32),
    Binary(BinaryOp, Expr),
}

/// How strong `NOT` is: weaker than comparisons, stronger than `AND`.
const NOT: u8 = 3;
const COMPARISON: u8 = 4;

/// How strongly an operator binds; the formatter puts parentheses by the same numbers.
pub(crate) fn strength(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => 1,
        BinaryOp::And => 2,
        BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::Lt
        | BinaryOp::Le
        | BinaryOp::Gt
        | BinaryOp::Ge
        | BinaryOp::Contains => COMPARISON,
        BinaryOp::Add | BinaryOp::Sub => 5,
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod => 6,
    }
}

impl Waiting {
    fn strength(&self) -> u8 {
        match self {
            Self::Not(_) => NOT,
            Self::Binary(op, _) => strength(*op),
        }
    }
}

impl Builder<'_> {
    /// One operand and no operator.
    pub(crate) fn single(&self, term: Term) -> Expr {
        let mut value = term.value;
        for start in term.nots.into_iter().rev() {
            value = self.not(start, value);
        }
        value
    }

    fn not(&self, start: u32, value: Expr) -> Expr {
        let end = value.span.end;
        self.expr(start, ExprKind::Unary(UnaryOp::Not, Box::new(value)), end)
    }

    /// `-` in front of `value`, which ends at `end`. A literal takes the sign itself.
    pub(crate) fn negate(&self, start: u32, value: Expr, end: u32) -> Expr {
        let literal = self.text.as_bytes().get(value.span.start as usize);
        let literal = literal.is_some_and(u8::is_ascii_digit);
        let kind = match value.kind {
            // The lexer lets the magnitude of the least integer pass as that integer.
            ExprKind::Int(number) if literal => ExprKind::Int(number.wrapping_neg()),
            ExprKind::Float(number) if literal => ExprKind::Float(-number),
            _ => ExprKind::Unary(UnaryOp::Neg, Box::new(value)),
        };
        self.expr(start, kind, end)
    }

    /// Operands with the operators between them, by precedence climbing over a stack.
    pub(crate) fn chain(&mut self, first: Term, rest: Vec<(u32, BinaryOp, Term)>) -> Expr {
        let mut stack: Vec<Waiting> = first.nots.into_iter().map(Waiting::Not).collect();
        let mut value = first.value;
        let mut compared: Option<u32> = None;
        for (at, op, term) in rest {
            let strength = strength(op);
            value = self.fold(&mut stack, value, strength + 1);
            match (strength, compared) {
                (COMPARISON, Some(_)) => self.chained(at, &value),
                (COMPARISON, None) => compared = Some(at),
                (1 | 2, _) => compared = None,
                _ => {}
            }
            value = self.fold(&mut stack, value, strength);
            if let Some(&not) = term.nots.first()
                && strength > NOT
            {
                self.bare_not(not, &term.value);
            }
            stack.push(Waiting::Binary(op, value));
            stack.extend(term.nots.into_iter().map(Waiting::Not));
            value = term.value;
        }
        self.fold(&mut stack, value, 0)
    }

    /// Completes everything on the stack that binds at least as strongly as `strength`.
    fn fold(&self, stack: &mut Vec<Waiting>, mut value: Expr, strength: u8) -> Expr {
        while let Some(waiting) = stack.pop_if(|waiting| waiting.strength() >= strength) {
            value = match waiting {
                Waiting::Not(start) => self.not(start, value),
                Waiting::Binary(op, left) => {
                    let span = left.span.to(value.span);
                    let kind = ExprKind::Binary(op, Box::new(left), Box::new(value));
                    Expr { kind, span }
                }
            };
        }
        value
    }

    #[cold]
    fn chained(&mut self, at: u32, middle: &Expr) {
        let length = self.operator_length(at);
        let span = self.span(at, at + length);
        let shown = self.slice(middle.span);
        let mut report = diagnostic(messages::CHAINED, span, "comparisons do not chain")
            .help("compare twice and join both by `AND`");
        if !shown.is_empty() && shown.len() < 60 && !shown.contains('\n') {
            let at = self.span(at, at);
            report = report.edit(
                at,
                format!("AND {shown} "),
                format!("write `AND {shown}` in front of it"),
            );
        }
        self.report(report);
    }

    #[cold]
    fn bare_not(&mut self, at: u32, value: &Expr) {
        let span = self.span(at, value.span.end);
        let shown = self.slice(span).to_owned();
        let mut report = diagnostic(messages::BARE_NOT, span, "`NOT` needs parentheses here");
        if shown.len() < 60 && !shown.contains('\n') {
            report = report.suggest(span, format!("({shown})"));
        }
        self.report(report);
    }

    /// The source text of `span`.
    pub(super) fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    fn operator_length(&self, at: u32) -> u32 {
        let rest = self.text.get(at as usize..).unwrap_or_default();
        let word = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let sign = rest.bytes().take_while(|byte| b"=!<>".contains(byte)).count();
        word.max(sign).max(1) as u32
    }
}

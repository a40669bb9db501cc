//! Expressions: the grammar gives operands and operators in a row, here they are put in order.

use avm_ir::Span;

use super::Builder;
use crate::{
    ast::{BinaryOp, Expr, ExprKind, UnaryOp},
    messages::{self, Report, diagnostic},
};

/// An operand with the `NOT`s in front of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Term<'s> {
    pub(crate) value: &'s Expr<'s>,
    /// How many `NOT`s; where they begin are the last entries of the builder's list.
    pub(crate) nots: u32,
}

/// An operator with the operand behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link<'s> {
    at: u32,
    op: BinaryOp,
    value: &'s Expr<'s>,
    nots: u32,
}

/// What waits for its right side.
#[derive(Clone, Copy, Debug)]
pub(super) enum Waiting<'s> {
    Not(u32),
    Binary(BinaryOp, &'s Expr<'s>),
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

impl Waiting<'_> {
    fn strength(&self) -> u8 {
        match self {
            Self::Not(_) => NOT,
            Self::Binary(op, _) => strength(*op),
        }
    }
}

impl<'s> Builder<'_, 's> {
    /// One `NOT` more.
    pub(crate) fn not(&mut self, before: u32, start: u32) -> u32 {
        self.nots.push(start);
        before + 1
    }

    /// One operand and no operator.
    pub(crate) fn single(&mut self, term: Term<'s>) -> &'s Expr<'s> {
        let mut value = term.value;
        for _ in 0..term.nots {
            let start = self.nots.pop().unwrap_or_default();
            value = self.negation(start, value);
        }
        value
    }

    fn negation(&self, start: u32, value: &'s Expr<'s>) -> &'s Expr<'s> {
        self.expr(start, ExprKind::Unary(UnaryOp::Not, value), value.span.end)
    }

    /// `-` in front of `value`, which ends at `end`. A literal takes the sign itself.
    pub(crate) fn negate(&self, start: u32, value: &'s Expr<'s>, end: u32) -> &'s Expr<'s> {
        let literal = self.text.as_bytes().get(value.span.start as usize);
        let literal = literal.is_some_and(u8::is_ascii_digit);
        let kind = match value.kind {
            // The lexer lets the magnitude of the least integer pass as that integer.
            ExprKind::Int(number) if literal => ExprKind::Int(number.wrapping_neg()),
            ExprKind::Float(number) if literal => ExprKind::Float(-number),
            _ => ExprKind::Unary(UnaryOp::Neg, value),
        };
        self.expr(start, kind, end)
    }

    fn binary(&self, op: BinaryOp, left: &'s Expr<'s>, right: &'s Expr<'s>) -> &'s Expr<'s> {
        let span = left.span.to(right.span);
        self.arena.put(Expr { kind: ExprKind::Binary(op, left, right), span })
    }

    /// Two operands.
    pub(crate) fn pair(
        &mut self,
        left: Term<'s>,
        at: u32,
        op: BinaryOp,
        right: Term<'s>,
    ) -> &'s Expr<'s> {
        if left.nots + right.nots == 0 {
            return self.binary(op, left.value, right.value);
        }
        let start = self.begin_chain(left, at, op, right);
        self.chain(start)
    }

    /// The first two operands of a chain. The first has no operator: it gets any.
    pub(crate) fn begin_chain(
        &mut self,
        left: Term<'s>,
        at: u32,
        op: BinaryOp,
        right: Term<'s>,
    ) -> u32 {
        let first = Link { at, op, value: left.value, nots: left.nots };
        let start = self.links.begin(first);
        self.link(start, at, op, right)
    }

    /// One operand more.
    pub(crate) fn link(&mut self, start: u32, at: u32, op: BinaryOp, term: Term<'s>) -> u32 {
        self.links.more(start, Link { at, op, value: term.value, nots: term.nots })
    }

    /// The last operand of a chain.
    pub(crate) fn end_chain(
        &mut self,
        start: u32,
        at: u32,
        op: BinaryOp,
        term: Term<'s>,
    ) -> &'s Expr<'s> {
        let start = self.link(start, at, op, term);
        self.chain(start)
    }

    /// Operands with the operators between them, by precedence climbing over a stack.
    fn chain(&mut self, start: u32) -> &'s Expr<'s> {
        let mut links = core::mem::take(&mut self.links);
        let mut nots = core::mem::take(&mut self.nots);
        let mut stack = core::mem::take(&mut self.waiting);
        let chain = links.from(start);
        let count: u32 = chain.iter().map(|link| link.nots).sum();
        let from = nots.len().saturating_sub(count as usize);
        let mut places = nots.get(from..).unwrap_or_default().iter().copied();
        stack.clear();
        let mut compared: Option<u32> = None;
        let mut value: Option<&'s Expr<'s>> = None;
        for link in chain {
            let own = places.clone().next();
            if let Some(left) = value {
                let strength = strength(link.op);
                let mut left = self.fold(&mut stack, left, strength + 1);
                match (strength, compared) {
                    (COMPARISON, Some(_)) => self.chained(link.at, left),
                    (COMPARISON, None) => compared = Some(link.at),
                    (1 | 2, _) => compared = None,
                    _ => {}
                }
                left = self.fold(&mut stack, left, strength);
                if let Some(not) = own.filter(|_| link.nots > 0 && strength > NOT) {
                    self.bare_not(not, link.value);
                }
                stack.push(Waiting::Binary(link.op, left));
            }
            stack.extend(places.by_ref().take(link.nots as usize).map(Waiting::Not));
            value = Some(link.value);
        }
        let value = value.unwrap_or_else(|| self.expr(0, ExprKind::Error, 0));
        let value = self.fold(&mut stack, value, 0);
        links.cut(start);
        nots.truncate(from);
        (self.links, self.nots, self.waiting) = (links, nots, stack);
        value
    }

    /// Completes everything on the stack that binds at least as strongly as `strength`.
    fn fold(
        &self,
        stack: &mut Vec<Waiting<'s>>,
        mut value: &'s Expr<'s>,
        strength: u8,
    ) -> &'s Expr<'s> {
        while let Some(waiting) = stack.pop_if(|waiting| waiting.strength() >= strength) {
            value = match waiting {
                Waiting::Not(start) => self.negation(start, value),
                Waiting::Binary(op, left) => self.binary(op, left, value),
            };
        }
        value
    }

    #[cold]
    fn chained(&mut self, at: u32, middle: &Expr<'_>) {
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
    fn bare_not(&mut self, at: u32, value: &Expr<'_>) {
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

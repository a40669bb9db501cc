//! Statements and expressions in canonical spelling.

use core::ops::Range;
use std::fmt::Write as _;

use avm_ir::Span;

use super::{Names, doc::Doc};
use crate::{
    ast::{BinaryOp, Expr, ExprKind, Instruction, Name, Operand, Region, StmtKind, UnaryOp},
    bind::opcode,
    lexer::decode,
    parse::strength,
};

/// How strong `NOT`, comparisons, unary `-` and what follows a value are; the others are in [`strength`].
const NOT: u8 = 3;
const COMPARISON: u8 = 4;
const NEG: u8 = 7;
const POSTFIX: u8 = 8;

/// Prints expressions and plain statements.
#[derive(Clone, Copy)]
pub struct Printer<'a> {
    text: &'a str,
    names: &'a dyn Names,
}

/// `text` as a literal of the language.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\0' => out.push_str("\\0"),
            other if other.is_control() => {
                let _ = write!(out, "\\u{{{:X}}}", u32::from(other));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// Names with commas between them.
pub(super) fn names(names: &[Name<'_>]) -> String {
    names.iter().map(|name| name.text).collect::<Vec<_>>().join(", ")
}

/// The line that begins a region.
pub(super) fn region(region: &Region<'_>) -> String {
    let mut line = format!(".region {}", region.name.text);
    if region.detached {
        line.push_str(" detached");
    }
    if let Some(perms) = &region.perms {
        let words: Vec<_> = perms.iter().map(|name| name.text).collect();
        let words = words.join(",");
        let _ = if words.is_empty() {
            write!(line, " perms=()")
        } else {
            write!(line, " perms={words}")
        };
    }
    for (attribute, registers) in [("in", &region.inputs), ("out", &region.outputs)] {
        if !registers.is_empty() {
            let _ = write!(line, " {attribute}=({})", names(registers));
        }
    }
    line
}

fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_place(expr: &Expr<'_>) -> bool {
    match &expr.kind {
        ExprKind::Name(_) | ExprKind::Raw(_) => true,
        ExprKind::Field(base, _) | ExprKind::Index(base, _) => is_place(base),
        _ => false,
    }
}

fn spelling(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Or => "OR",
        BinaryOp::And => "AND",
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
        BinaryOp::Contains => "contains",
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Mod => "%",
    }
}

impl<'a> Printer<'a> {
    /// `text` is the source that the tree was read from: literals keep their spelling. It may be
    /// empty for a tree that was made otherwise.
    pub fn new(text: &'a str, names: &'a dyn Names) -> Self {
        Self { text, names }
    }

    /// An expression.
    pub fn expr(&self, expr: &Expr<'_>) -> String {
        let mut out = Doc::default();
        self.write(&mut out, expr, 0);
        out.text
    }

    /// A statement that is no block, on one line.
    pub fn simple(&self, kind: &StmtKind<'_>) -> String {
        self.statement(kind).text
    }

    /// A statement that is no block.
    pub(super) fn statement(&self, kind: &StmtKind<'_>) -> Doc {
        let mut out = Doc::default();
        self.write_statement(&mut out, kind);
        out
    }

    pub(super) fn write_statement(&self, out: &mut Doc, kind: &StmtKind<'_>) {
        match kind {
            StmtKind::Label(name) => {
                out.push(":");
                out.push(name.text);
            }
            StmtKind::Define { name, value } => {
                out.push(&format!("#define {} ", name.text));
                self.write(out, value, 0);
            }
            StmtKind::Set { place, value } => {
                out.push("SET ");
                self.write(out, place, 0);
                out.push(" = ");
                self.write(out, value, 0);
            }
            StmtKind::Instruction(instruction) => self.instruction(out, instruction),
            StmtKind::Break => out.push("BREAK"),
            StmtKind::Continue => out.push("CONTINUE"),
            StmtKind::Include { path, path_span } => {
                out.push(".include ");
                out.push(&self.literal(*path_span, path));
            }
            StmtKind::Input { name, default } => {
                out.push(".input ");
                out.push(name.text);
                if let Some(value) = default {
                    out.push(" = ");
                    self.write(out, value, 0);
                }
            }
            StmtKind::Uses { kind, name, name_span } => {
                out.push(&format!(".uses {} {}", kind.text, self.literal(*name_span, name)));
            }
            StmtKind::Allow { code, reason } => {
                out.push(&format!(".allow {}", code.text.to_ascii_uppercase()));
                if let Some((reason, span)) = reason {
                    out.push(" ");
                    out.push(&self.literal(*span, reason));
                }
            }
            StmtKind::Registers(list) => out.push(&format!(".registers {}", names(list))),
            // Blocks have more than one line and errors are never formatted.
            _ => {}
        }
    }

    fn instruction(&self, out: &mut Doc, instruction: &Instruction<'_>) {
        let written = &instruction.mnemonic.text;
        let mnemonic = written.to_ascii_uppercase();
        // A function of the program keeps its case and its parentheses.
        let function = instruction.call_form && opcode(written).is_none();
        out.push(if function { written } else { &mnemonic });
        out.push(if function { "(" } else { "" });
        let mut outputs: Vec<&Expr<'_>> = instruction.outputs.iter().collect();
        let mut operands: Vec<&Operand<'_>> = Vec::with_capacity(instruction.operands.len());
        for operand in instruction.operands {
            match &operand.name {
                Some(name)
                    if outputs.is_empty()
                        && is_place(operand.value)
                        && self.names.is_output(&mnemonic, name.text) =>
                {
                    outputs.push(operand.value);
                }
                _ => operands.push(operand),
            }
        }
        if !operands.is_empty() {
            let (source, broken) = self.operand_lines(instruction);
            let group = out.open(source, broken);
            if let Some(group) = out.groups.get_mut(group) {
                (group.operands, group.bare) = (true, !function);
            }
            for (at, operand) in operands.into_iter().enumerate() {
                out.push(match at {
                    0 if function => "",
                    0 => " ",
                    _ => ", ",
                });
                let start = out.text.len();
                if let Some(name) = &operand.name {
                    out.push(&self.names.operand(&mnemonic, name.text));
                    out.push("=");
                }
                self.write(out, operand.value, 0);
                let source = operand_start(operand)..operand.value.span.end;
                out.item(group, start, source);
            }
            out.close(group);
        }
        out.push(if function { ")" } else { "" });
        match outputs.as_slice() {
            [] => {}
            [only] => {
                out.push(" -> ");
                self.write(out, only, 0);
            }
            several => {
                let list: Vec<_> = several.iter().map(|place| self.expr(place)).collect();
                out.push(&format!(" -> ({})", list.join(", ")));
            }
        }
    }

    /// Where the operands stand, parentheses included, and whether there are line breaks between
    /// them. Line breaks in an operand do not count.
    fn operand_lines(&self, instruction: &Instruction<'_>) -> (Range<u32>, bool) {
        let operands = &instruction.operands;
        let start = instruction.mnemonic.span.end;
        let last = operands.last().map_or(start, |operand| operand.value.span.end);
        if !instruction.call_form {
            return (start..last, false);
        }
        let end = self.closing(last);
        let places = operands.iter().map(|operand| operand_start(operand)..operand.value.span.end);
        (start..end, self.spread(start, places, end))
    }

    /// Behind the parenthesis that closes what ends at `from`.
    fn closing(&self, from: u32) -> u32 {
        let mut at = from as usize;
        while let Some(rest) = self.text.get(at..) {
            at += rest.len() - rest.trim_start().len();
            match self.text.as_bytes().get(at) {
                Some(b';') => at += rest.trim_start().find('\n').unwrap_or(rest.len()),
                Some(b')') => return at as u32 + 1,
                _ => break,
            }
        }
        from
    }

    /// Whether there is a line break in front of, between or behind the places.
    fn spread(&self, start: u32, places: impl Iterator<Item = Range<u32>>, end: u32) -> bool {
        let breaks = |from: u32, to: u32| {
            self.text.get(from as usize..to as usize).is_some_and(|gap| gap.contains('\n'))
        };
        let mut at = start;
        for place in places {
            if breaks(at, place.start) {
                return true;
            }
            at = place.end;
        }
        breaks(at, end)
    }

    /// A text, in the spelling of the source where it has one.
    pub fn literal(&self, span: Span, value: &str) -> String {
        let source = self.bare(span);
        let whole = source.len() > 1 && source.starts_with('"') && source.ends_with('"');
        if whole && decode(source).is_ok_and(|text| text == value) {
            return source.to_owned();
        }
        quote(value)
    }

    /// The source of `span` without parentheses around it.
    fn bare(&self, span: Span) -> &'a str {
        let mut source = self.text.get(span.start as usize..span.end as usize).unwrap_or_default();
        while let Some(inner) = source.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            source = inner.trim();
        }
        source
    }

    /// The digits of a number as the source has them, sign included.
    fn number(&self, span: Span) -> Option<String> {
        let source = self.bare(span);
        let digits = source.trim_start_matches(['-', ' ', '\t']);
        let plain =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'+' | b'-');
        let clean =
            digits.starts_with(|first: char| first.is_ascii_digit()) && digits.bytes().all(plain);
        let sign = if source.starts_with('-') { "-" } else { "" };
        clean.then(|| format!("{sign}{digits}"))
    }

    /// Writes an expression, in parentheses if it is weaker than `least`.
    pub(super) fn write(&self, out: &mut Doc, expr: &Expr<'_>, least: u8) {
        let own = match &expr.kind {
            ExprKind::Binary(op, ..) => strength(*op),
            ExprKind::Unary(UnaryOp::Not, _) => NOT,
            ExprKind::Unary(UnaryOp::Neg, _) => NEG,
            ExprKind::Int(number) if *number < 0 => NEG,
            ExprKind::Float(number) if number.is_sign_negative() => NEG,
            _ => POSTFIX,
        };
        if own < least {
            out.push("(");
            self.write(out, expr, 0);
            out.push(")");
            return;
        }
        match &expr.kind {
            ExprKind::Null => out.push("NULL"),
            ExprKind::Bool(value) => out.push(if *value { "true" } else { "false" }),
            ExprKind::Int(value) => {
                out.push(&self.number(expr.span).unwrap_or_else(|| value.to_string()));
            }
            ExprKind::Float(value) => {
                out.push(&self.number(expr.span).unwrap_or_else(|| format!("{value:?}")));
            }
            ExprKind::Text(value) => out.push(&self.literal(expr.span, value)),
            ExprKind::Name(name) => out.push(name),
            ExprKind::Raw(number) => out.push(&format!("%{number}")),
            ExprKind::Field(base, name) => {
                self.write(out, base, POSTFIX);
                out.push(".");
                out.push(name.text);
            }
            ExprKind::Index(base, index) => {
                self.write(out, base, POSTFIX);
                out.push("[");
                self.write(out, index, 0);
                out.push("]");
            }
            ExprKind::Call(name, arguments) => {
                let (start, end) = (name.span.end, self.place(expr.span).end);
                let places = arguments.iter().map(|a| operand_start(a)..a.value.span.end);
                let broken = self.spread(start, places, end);
                out.push(name.text);
                out.push("(");
                self.arguments(out, name.text, arguments, start..end, broken);
                out.push(")");
            }
            ExprKind::List(items) => {
                out.push("[");
                self.list(out, items, self.place(expr.span), self.bare(expr.span).contains('\n'));
                out.push("]");
            }
            ExprKind::Record(fields) => self.record(out, fields, expr.span),
            ExprKind::Unary(UnaryOp::Not, value) => {
                out.push("NOT ");
                let comparison =
                    matches!(&value.kind, ExprKind::Binary(op, ..) if strength(*op) == COMPARISON);
                let keep = comparison && self.in_parentheses(value);
                self.write(out, value, if keep { POSTFIX } else { NOT });
            }
            ExprKind::Unary(UnaryOp::Neg, value) => {
                out.push("-");
                // A sign directly in front of a literal would become part of it.
                let literal = match value.kind {
                    ExprKind::Int(number) => number >= 0,
                    ExprKind::Float(number) => number.is_sign_positive(),
                    _ => false,
                };
                self.write(out, value, if literal { POSTFIX + 1 } else { NEG });
            }
            ExprKind::Binary(op, left, right) => {
                let own = strength(*op);
                // Comparisons do not chain, the others lean to the left.
                let comparison = own == COMPARISON;
                self.side(out, *op, left, if comparison { own + 1 } else { own });
                out.push(&format!(" {} ", spelling(*op)));
                self.side(out, *op, right, own + 1);
            }
            ExprKind::Ellipsis | ExprKind::Error => out.push("..."),
        }
    }

    /// An operand of `op`. `AND` in `OR` keeps its parentheses: not every reader knows which is
    /// stronger.
    fn side(&self, out: &mut Doc, op: BinaryOp, value: &Expr<'_>, least: u8) {
        let keep = op == BinaryOp::Or
            && matches!(value.kind, ExprKind::Binary(BinaryOp::And, ..))
            && self.in_parentheses(value);
        self.write(out, value, if keep { POSTFIX } else { least });
    }

    /// Whether the source has parentheses around all of an operator and its operands: its span
    /// includes them.
    fn in_parentheses(&self, expr: &Expr<'_>) -> bool {
        match &expr.kind {
            ExprKind::Binary(_, left, _) => expr.span.start < left.span.start,
            _ => false,
        }
    }

    /// Where an expression stands, without parentheses around it.
    fn place(&self, span: Span) -> Range<u32> {
        let bare = self.bare(span);
        if bare.is_empty() {
            return span.start..span.end;
        }
        let start = (bare.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize) as u32;
        start..start + bare.len() as u32
    }

    fn list(&self, out: &mut Doc, items: &[Expr<'_>], source: Range<u32>, broken: bool) {
        if items.is_empty() {
            return;
        }
        let group = out.open(source, broken);
        for (at, item) in items.iter().enumerate() {
            out.push(if at > 0 { ", " } else { "" });
            let start = out.text.len();
            self.write(out, item, 0);
            out.item(group, start, item.span.start..item.span.end);
        }
        out.close(group);
    }

    fn arguments(
        &self,
        out: &mut Doc,
        function: &str,
        arguments: &[Operand<'_>],
        source: Range<u32>,
        broken: bool,
    ) {
        if arguments.is_empty() {
            return;
        }
        let group = out.open(source, broken);
        for (at, argument) in arguments.iter().enumerate() {
            out.push(if at > 0 { ", " } else { "" });
            let start = out.text.len();
            if let Some(name) = &argument.name {
                out.push(&self.names.operand(function, name.text));
                out.push("=");
            }
            self.write(out, argument.value, 0);
            out.item(group, start, operand_start(argument)..argument.value.span.end);
        }
        out.close(group);
    }

    fn record(&self, out: &mut Doc, fields: &[(Name<'_>, Expr<'_>)], span: Span) {
        if fields.is_empty() {
            return out.push("{}");
        }
        out.push("{");
        let group = out.open(self.place(span), self.bare(span).contains('\n'));
        for (at, (name, value)) in fields.iter().enumerate() {
            out.push(if at > 0 { ", " } else { "" });
            let start = out.text.len();
            if is_name(name.text) {
                out.push(name.text);
            } else {
                out.push(&self.literal(name.span, name.text));
            }
            out.push(": ");
            self.write(out, value, 0);
            out.item(group, start, name.span.start..value.span.end);
        }
        out.close(group);
        out.push("}");
    }
}

fn operand_start(operand: &Operand<'_>) -> u32 {
    operand.name.as_ref().map_or(operand.value.span.start, |name| name.span.start)
}

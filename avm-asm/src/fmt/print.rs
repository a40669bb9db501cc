//! Statements and expressions in canonical spelling, on one line.

use std::fmt::Write as _;

use avm_ir::Span;

use super::Names;
use crate::{
    ast::{BinaryOp, Expr, ExprKind, Instruction, Name, Region, StmtKind, UnaryOp},
    lexer::decode,
    parse::strength,
};

/// How strong `NOT`, unary `-` and what follows a value are; the others are in [`strength`].
const NOT: u8 = 3;
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
pub(super) fn names(names: &[Name]) -> String {
    names.iter().map(|name| name.text.as_str()).collect::<Vec<_>>().join(", ")
}

/// The line that begins a region.
pub(super) fn region(region: &Region) -> String {
    let mut line = format!(".region {}", region.name.text);
    if region.detached {
        line.push_str(" detached");
    }
    if let Some(perms) = &region.perms {
        let words: Vec<_> = perms.iter().map(|name| name.text.as_str()).collect();
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

fn is_place(expr: &Expr) -> bool {
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
    pub fn expr(&self, expr: &Expr) -> String {
        let mut out = String::new();
        self.write(&mut out, expr, 0);
        out
    }

    /// A statement that is no block.
    pub fn simple(&self, kind: &StmtKind) -> String {
        match kind {
            StmtKind::Label(name) => format!(":{}", name.text),
            StmtKind::Define { name, value } => {
                format!("#define {} {}", name.text, self.expr(value))
            }
            StmtKind::Set { place, value } => {
                format!("SET {} = {}", self.expr(place), self.expr(value))
            }
            StmtKind::Instruction(instruction) => self.instruction(instruction),
            StmtKind::Break => "BREAK".to_owned(),
            StmtKind::Continue => "CONTINUE".to_owned(),
            StmtKind::Include { path, path_span } => {
                format!(".include {}", self.literal(*path_span, path))
            }
            StmtKind::Input { name, default: None } => format!(".input {}", name.text),
            StmtKind::Input { name, default: Some(value) } => {
                format!(".input {} = {}", name.text, self.expr(value))
            }
            StmtKind::Uses { kind, name, name_span } => {
                format!(".uses {} {}", kind.text, self.literal(*name_span, name))
            }
            StmtKind::Registers(list) => format!(".registers {}", names(list)),
            // Blocks have more than one line and errors are never formatted.
            _ => String::new(),
        }
    }

    fn instruction(&self, instruction: &Instruction) -> String {
        let mnemonic = instruction.mnemonic.text.to_ascii_uppercase();
        let mut outputs: Vec<&Expr> = instruction.outputs.iter().collect();
        let mut line = mnemonic.clone();
        let mut separator = " ";
        for operand in &instruction.operands {
            if let Some(name) = &operand.name {
                let output = self.names.is_output(&mnemonic, &name.text);
                if output && outputs.is_empty() && is_place(&operand.value) {
                    outputs.push(&operand.value);
                    continue;
                }
                let name = self.names.operand(&mnemonic, &name.text);
                let _ = write!(line, "{separator}{name}=");
                self.write(&mut line, &operand.value, 0);
            } else {
                line.push_str(separator);
                self.write(&mut line, &operand.value, 0);
            }
            separator = ", ";
        }
        match outputs.as_slice() {
            [] => {}
            [only] => {
                line.push_str(" -> ");
                self.write(&mut line, only, 0);
            }
            several => {
                let list: Vec<_> = several.iter().map(|place| self.expr(place)).collect();
                let _ = write!(line, " -> ({})", list.join(", "));
            }
        }
        line
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

    fn write(&self, out: &mut String, expr: &Expr, least: u8) {
        let own = match &expr.kind {
            ExprKind::Binary(op, ..) => strength(*op),
            ExprKind::Unary(UnaryOp::Not, _) => NOT,
            ExprKind::Unary(UnaryOp::Neg, _) => NEG,
            ExprKind::Int(number) if *number < 0 => NEG,
            ExprKind::Float(number) if number.is_sign_negative() => NEG,
            _ => POSTFIX,
        };
        if own < least {
            out.push('(');
            self.write(out, expr, 0);
            out.push(')');
            return;
        }
        match &expr.kind {
            ExprKind::Null => out.push_str("NULL"),
            ExprKind::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            ExprKind::Int(value) => {
                out.push_str(&self.number(expr.span).unwrap_or_else(|| value.to_string()));
            }
            ExprKind::Float(value) => {
                out.push_str(&self.number(expr.span).unwrap_or_else(|| format!("{value:?}")));
            }
            ExprKind::Text(value) => out.push_str(&self.literal(expr.span, value)),
            ExprKind::Name(name) => out.push_str(name),
            ExprKind::Raw(number) => {
                let _ = write!(out, "%{number}");
            }
            ExprKind::Field(base, name) => {
                self.write(out, base, POSTFIX);
                out.push('.');
                out.push_str(&name.text);
            }
            ExprKind::Index(base, index) => {
                self.write(out, base, POSTFIX);
                out.push('[');
                self.write(out, index, 0);
                out.push(']');
            }
            ExprKind::Call(name, arguments) => {
                out.push_str(&name.text);
                out.push('(');
                self.list(out, arguments);
                out.push(')');
            }
            ExprKind::List(items) => {
                out.push('[');
                self.list(out, items);
                out.push(']');
            }
            ExprKind::Record(fields) => self.record(out, fields),
            ExprKind::Unary(UnaryOp::Not, value) => {
                out.push_str("NOT ");
                self.write(out, value, NOT);
            }
            ExprKind::Unary(UnaryOp::Neg, value) => {
                out.push('-');
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
                let comparison = own == strength(BinaryOp::Eq);
                self.write(out, left, if comparison { own + 1 } else { own });
                let _ = write!(out, " {} ", spelling(*op));
                self.write(out, right, own + 1);
            }
            ExprKind::Ellipsis | ExprKind::Error => out.push_str("..."),
        }
    }

    fn list(&self, out: &mut String, items: &[Expr]) {
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                out.push_str(", ");
            }
            self.write(out, item, 0);
        }
    }

    fn record(&self, out: &mut String, fields: &[(Name, Expr)]) {
        out.push('{');
        for (at, (name, value)) in fields.iter().enumerate() {
            if at > 0 {
                out.push_str(", ");
            }
            if is_name(&name.text) {
                out.push_str(&name.text);
            } else {
                out.push_str(&self.literal(name.span, &name.text));
            }
            out.push_str(": ");
            self.write(out, value, 0);
        }
        out.push('}');
    }
}

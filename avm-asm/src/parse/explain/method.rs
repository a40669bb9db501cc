//! `value.method(…)`, the call of other languages.

use avm_ir::{Diagnostic, Kind, OpInfo, Opcode};

use super::Line;
use crate::{
    bind::opcode,
    messages::{self, Report, diagnostic},
    token::Token,
};

/// Names of other languages for instructions that have another name here.
const ALIASES: [(&str, Opcode); 6] = [
    ("add", Opcode::PUSH),
    ("length", Opcode::LEN),
    ("size", Opcode::LEN),
    ("toUpperCase", Opcode::UPPER),
    ("toLowerCase", Opcode::LOWER),
    ("strip", Opcode::TRIM),
];

impl Line<'_> {
    pub(super) fn method_call(&self) -> Option<Diagnostic> {
        // A statement stops at the first dot, an expression at the parenthesis.
        let open = (self.bad..self.tokens.len()).find(|&at| {
            !matches!(
                self.token(at),
                Token::Dot | Token::Name(_) | Token::LBracket | Token::RBracket | Token::Int(_)
            )
        })?;
        let called = matches!(self.token(open), Token::LParen | Token::CallParen)
            && (open == self.bad || self.token(self.bad) == Token::Dot);
        let name = open.checked_sub(1).filter(|_| called)?;
        let method = self.word(name);
        let dot = name.checked_sub(1)?;
        if method.is_empty() || dot <= self.head || self.token(dot) != Token::Dot {
            return None;
        }
        let first = self.receiver(dot)?;
        let value = self.slice(self.span(first).to(self.span(dot - 1)));
        let mut depth = 0_usize;
        let close = (open..self.tokens.len()).find(|&at| {
            match self.token(at) {
                Token::LParen | Token::CallParen => depth += 1,
                Token::RParen => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        let arguments = close.and_then(|close| {
            let (from, to) = (self.span(open).end, self.span(close).start);
            self.text.get(from as usize..to as usize).map(str::trim)
        });
        let report = diagnostic(
            messages::UNEXPECTED,
            self.span(dot).to(self.span(name)),
            format!("values have no methods: `.{method}(…)` cannot be called"),
        );
        let known = ALIASES.iter().find(|(theirs, _)| theirs.eq_ignore_ascii_case(method));
        let op = known.map_or_else(|| opcode(method), |known| Some(known.1));
        let Some(info) = op.map(Opcode::info) else {
            return Some(
                report.help("an instruction takes its operands behind the mnemonic: `PUSH xs, 3`"),
            );
        };
        let operands = match arguments {
            None | Some("") => value.to_owned(),
            Some(arguments) => format!("{value}, {arguments}"),
        };
        let short = operands.len() < 80 && !operands.contains('\n');
        let statement = first == self.head;
        let (span, whole) = match close {
            Some(close) => (self.span(first).to(self.span(close)), short),
            None => (self.span(first), false),
        };
        Some(if !whole {
            report.help(format!("`{}` takes its operands behind the mnemonic", info.mnemonic))
        } else if statement {
            report.suggest(span, format!("{} {operands}", info.mnemonic))
        } else if is_call(info) {
            report.suggest(span, format!("{}({operands})", info.mnemonic))
        } else {
            let result = if info.outputs.is_empty() { "" } else { " -> R" };
            report
                .help(format!("write `{} {operands}{result}` on a line of its own", info.mnemonic))
        })
    }

    /// The first token of the path that ends in front of the dot.
    fn receiver(&self, dot: usize) -> Option<usize> {
        let mut at = dot.checked_sub(1)?;
        loop {
            if self.token(at) == Token::RBracket {
                let mut depth = 0_usize;
                at = (self.head..=at).rev().find(|&at| {
                    match self.token(at) {
                        Token::RBracket => depth += 1,
                        Token::LBracket => depth -= 1,
                        _ => {}
                    }
                    depth == 0
                })?;
                match at.checked_sub(1).filter(|_| at > self.head) {
                    Some(before)
                        if matches!(self.token(before), Token::Name(_) | Token::RBracket) =>
                    {
                        at = before;
                        continue;
                    }
                    _ => return Some(at),
                }
            }
            if !matches!(self.token(at), Token::Name(_) | Token::Text(_)) {
                return None;
            }
            match at.checked_sub(2) {
                Some(before) if before >= self.head && self.token(at - 1) == Token::Dot => {
                    at = before;
                }
                _ => return Some(at),
            }
        }
    }
}

/// Whether an expression may call the instruction, as far as its row tells.
fn is_call(info: &OpInfo) -> bool {
    info.outputs.len() == 1
        && !info.inputs.iter().any(|input| matches!(input.kind, Kind::Place | Kind::Label))
}

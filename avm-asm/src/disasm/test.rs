//! Tests: their blocks are expressions again.
//!
//! An `expect` carries its own text as message. A `given` is put together from its instructions,
//! which the assembler wrote in the order of evaluation.

use std::collections::BTreeMap;

use avm_ir::{
    Kind, Opcode, StatusWord, Value,
    program::{Fixture, Region},
};

use super::{
    Writer, agent_register,
    constant::View,
    is_name,
    line::{Operands, is_default, operand, print},
};
use crate::{
    ast::{Arena, BinaryOp, Expr, ExprKind, Operand, UnaryOp},
    fmt::quote,
    show::{bare, literal, plain},
};

impl Writer<'_> {
    pub(super) fn tests(&mut self) {
        let program = self.program;
        for test in &program.tests {
            self.check_name("region", &test.region);
            self.out.push('\n');
            self.line(&format!(".test {} region={}", quote(&test.name), test.region));
            self.indent = 2;
            match self.given(&test.given) {
                Some(lines) => lines.iter().for_each(|line| self.line(line)),
                None => self.cannot("the code of a given"),
            }
            for fixture in &test.answers {
                match answer(fixture) {
                    Some(line) => self.line(&line),
                    None => self.cannot("an answer of a test"),
                }
            }
            match expectations(&test.expect) {
                Some(lines) => lines.iter().for_each(|line| self.line(line)),
                None => self.cannot("the code of an expect"),
            }
            self.indent = 0;
            self.line(".endtest");
        }
    }

    fn given(&self, block: &Region) -> Option<Vec<String>> {
        let mut lines = Vec::new();
        // What each register holds that has no name.
        let arena = Arena::default();
        let mut parts: BTreeMap<u8, Expr<'_>> = BTreeMap::new();
        let view = View::plain(block);
        let (last, code) = block.code.split_last()?;
        if last.op != Opcode::HALT {
            return None;
        }
        for instr in code {
            let operands = Operands::of(*instr, block)?;
            let [Some(output)] = operands.outputs.as_slice() else { return None };
            let register = |number: u8| match parts.get(&number) {
                Some(part) => *part,
                None => agent_register(self.program, number),
            };
            let expr = expression(instr.op, &operands, &view, &register, &arena)?;
            match agent_register(self.program, *output).kind {
                ExprKind::Name(name) => lines.push(format!("given {name} = {}", print(&expr))),
                _ => {
                    parts.insert(*output, expr);
                }
            }
        }
        Some(lines)
    }
}

/// The conditions of an `expect` block, each from the message of its assertion.
fn expectations(block: &Region) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    for instr in block.code.iter().filter(|instr| instr.op == Opcode::ASSERT) {
        let operands = Operands::of(*instr, block)?;
        let message = operands.inputs.get(1)?.as_const()?;
        match block.consts.get(message)? {
            Value::Text(text) if !text.contains(['\n', ';']) || one_line(text) => {
                lines.push(format!("expect {}", text.as_str()));
            }
            _ => return None,
        }
    }
    Some(lines)
}

/// The line of an answer; `None` where no literal stands for a value.
fn answer(fixture: &Fixture) -> Option<String> {
    let mut line = format!("answer {}", fixture.op.mnemonic());
    if let Some(name) = &fixture.name {
        line.push_str(&format!(" {}", quote(name)));
    }
    let values = match &fixture.gives {
        Ok(values) => values,
        Err(reason) => return Some(format!("{line} fails {}", quote(reason))),
    };
    let arena = Arena::default();
    let shown = values.iter().map(|value| Some(print(&literal(value, &arena)?)));
    Some(match shown.collect::<Option<Vec<_>>>()?.as_slice() {
        [] => line,
        [only] => format!("{line} -> {only}"),
        several => format!("{line} -> ({})", several.join(", ")),
    })
}

/// Whether a condition's text stays on its line: a `;` in a text is no comment.
fn one_line(text: &str) -> bool {
    let (mut quoted, mut escaped) = (false, false);
    for character in text.chars() {
        match character {
            '\n' => return false,
            ';' if !quoted => return false,
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = quoted && character == '\\' && !escaped;
    }
    true
}

/// The expression that an instruction computes.
fn expression<'a>(
    op: Opcode,
    operands: &Operands,
    view: &View<'a>,
    register: &dyn Fn(u8) -> Expr<'a>,
    arena: &'a Arena,
) -> Option<Expr<'a>> {
    let info = op.info();
    let value = |input: usize| {
        let slot = *operands.inputs.get(input)?;
        operand(view, info.inputs[input].kind, slot, register, arena).ok()
    };
    let put = |input: usize| Some(arena.put(value(input)?));
    let rest = || -> Option<Vec<Expr<'a>>> {
        let rest = operands.rest.iter();
        rest.map(|slot| operand(view, Kind::Any, *slot, register, arena).ok()).collect()
    };
    let kind = match op {
        Opcode::SET => return value(0),
        Opcode::NEG => ExprKind::Unary(UnaryOp::Neg, put(0)?),
        Opcode::NOT => ExprKind::Unary(UnaryOp::Not, put(0)?),
        Opcode::GET => match value(1)?.kind {
            ExprKind::Text(key) if is_name(key) => ExprKind::Field(put(0)?, arena.put(plain(key))),
            key => ExprKind::Index(put(0)?, arena.put(bare(key))),
        },
        Opcode::STATUS => match value(0)?.kind {
            ExprKind::Int(word) => ExprKind::Name(StatusWord::from_number(word)?.name()),
            _ => return None,
        },
        Opcode::LIST => ExprKind::List(arena.list(&rest()?)),
        Opcode::RECORD => {
            let mut pairs = Vec::new();
            for pair in rest()?.chunks(2) {
                match pair {
                    [Expr { kind: ExprKind::Text(key), .. }, value] => {
                        pairs.push((plain(key), *value));
                    }
                    _ => return None,
                }
            }
            ExprKind::Record(arena.list(&pairs))
        }
        Opcode::CALL => match value(0)?.kind {
            ExprKind::Name(function) => {
                let arguments = rest()?
                    .into_iter()
                    .map(|value| Operand { name: None, value: arena.put(value) });
                let arguments = arena.list(&arguments.collect::<Vec<_>>());
                ExprKind::Call(arena.put(plain(function)), arguments)
            }
            _ => return None,
        },
        _ => match operator(op) {
            Some(operator) => ExprKind::Binary(operator, put(0)?, put(1)?),
            None => {
                let changes = |kind| matches!(kind, Kind::Place | Kind::Label | Kind::Func);
                if info.inputs.iter().any(|input| changes(input.kind)) || info.reach.is_some() {
                    return None;
                }
                let mut arguments = Vec::new();
                for (input, slot) in operands.inputs.iter().enumerate() {
                    if !is_default(info, input, *slot, view.region) {
                        // Behind one that is left out the others need their names.
                        let named = arguments.len() < input;
                        let name = named.then(|| arena.put(plain(info.inputs[input].name)));
                        arguments.push(Operand { name, value: put(input)? });
                    }
                }
                ExprKind::Call(arena.put(plain(info.mnemonic)), arena.list(&arguments))
            }
        },
    };
    Some(bare(kind))
}

fn operator(op: Opcode) -> Option<BinaryOp> {
    Some(match op {
        Opcode::EQ => BinaryOp::Eq,
        Opcode::NE => BinaryOp::Ne,
        Opcode::LT => BinaryOp::Lt,
        Opcode::LE => BinaryOp::Le,
        Opcode::GT => BinaryOp::Gt,
        Opcode::GE => BinaryOp::Ge,
        Opcode::CONTAINS => BinaryOp::Contains,
        Opcode::ADD => BinaryOp::Add,
        Opcode::SUB => BinaryOp::Sub,
        Opcode::MUL => BinaryOp::Mul,
        Opcode::DIV => BinaryOp::Div,
        Opcode::MOD => BinaryOp::Mod,
        _ => return None,
    })
}

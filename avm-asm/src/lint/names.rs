//! Constants and functions that nothing uses.

use std::collections::BTreeSet;

use avm_ir::{FileId, Opcode, Value};

use super::{Findings, View};
use crate::{
    ast::{Expr, ExprKind, Gives, Instruction, Operand, Stmt, StmtKind},
    messages::{self, Report, diagnostic},
};

/// The file that is looked at; what others bring in may serve other programs.
const MAIN_FILE: FileId = FileId(0);

pub(super) fn run(view: &View<'_>, found: &mut Findings) {
    let program = view.source.program.program();
    let main = program.regions.first().map_or(&[][..], |main| &main.code[..main.body_end()]);
    // A file of definitions alone is there for others to include.
    if program.regions.len() == 1
        && program.tests.is_empty()
        && matches!(main, [only] if only.op == Opcode::HALT)
    {
        return;
    }
    defines(view, found);
    functions(view, found);
}

fn defines(view: &View<'_>, found: &mut Findings) {
    let symbols = view.source.symbols;
    if symbols.defines.is_empty() {
        return;
    }
    let mut used = vec![false; symbols.defines.len()];
    let stand_ins = view.source.stand_ins;
    // A name that is no constant may have been taken for one.
    names(view.source.items, &mut |name| {
        if let Some(number) = symbols.define(name).or_else(|| stand_ins.get(name).copied()) {
            used[number as usize] = true;
        }
    });
    for (define, _) in symbols.defines.iter().zip(used).filter(|(_, used)| !used) {
        if define.span.file == MAIN_FILE && found.wants(messages::UNUSED_DEFINE) {
            let message = format!("nothing uses the constant `{}`", define.name);
            let report = diagnostic(messages::UNUSED_DEFINE, define.span, message);
            found.push(report.help("use it where its value was meant to count, or remove it"));
        }
    }
}

fn functions(view: &View<'_>, found: &mut Findings) {
    let symbols = view.source.symbols;
    let program = view.source.program.program();
    // Code that is put in later may call any function.
    let open = (0..program.regions.len() as u32).any(|region| view.is_open(region));
    if symbols.functions.is_empty() || open {
        return;
    }
    let tests = program.tests.iter().flat_map(|test| [&test.given, &test.expect]);
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for region in program.regions.iter().chain(tests) {
        used.extend(region.imports.iter().map(String::as_str));
        // Tasks name code by text.
        used.extend(region.consts.iter().filter_map(|value| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        }));
    }
    for symbol in &symbols.functions {
        let name = &symbol.func.name;
        if name.span.file == MAIN_FILE
            && !used.contains(name.text)
            && found.wants(messages::UNUSED_FUNCTION)
        {
            let message = format!("nothing calls the function `{}`", name.text);
            let report = diagnostic(messages::UNUSED_FUNCTION, name.span, message);
            found.push(report.help("call it, or remove it"));
        }
    }
}

/// Every name that may be a value, in all statements.
fn names<'a>(items: &'a [Stmt<'a>], each: &mut impl FnMut(&'a str)) {
    for item in items {
        match &item.kind {
            StmtKind::Define { value, .. } => expr(value, each),
            StmtKind::Set { place, value } => {
                expr(place, each);
                expr(value, each);
            }
            StmtKind::Instruction(Instruction { operands, outputs, .. }) => {
                self::operands(operands, each);
                outputs.iter().for_each(|place| expr(place, each));
            }
            StmtKind::If { arms, otherwise } => {
                for (condition, body) in *arms {
                    expr(condition, each);
                    names(body, each);
                }
                otherwise.iter().for_each(|body| names(body, each));
            }
            StmtKind::While { condition, body } => {
                expr(condition, each);
                names(body, each);
            }
            StmtKind::For { list, body, .. } => {
                expr(list, each);
                names(body, each);
            }
            StmtKind::Region(region) => names(region.body, each),
            StmtKind::Func(func) => names(func.body, each),
            StmtKind::Test(test) => {
                test.given.iter().for_each(|(_, value)| expr(value, each));
                test.expect.iter().for_each(|condition| expr(condition, each));
                let results = test.answers.iter().filter_map(|answer| match answer.gives {
                    Gives::Results(results) => Some(results),
                    Gives::Failure(_) => None,
                });
                results.flatten().for_each(|value| expr(value, each));
            }
            StmtKind::Input { default, .. } => {
                default.iter().for_each(|default| expr(default, each));
            }
            StmtKind::Label(_)
            | StmtKind::Break
            | StmtKind::Continue
            | StmtKind::Include { .. }
            | StmtKind::Uses { .. }
            | StmtKind::Registers(_)
            | StmtKind::Allow { .. }
            | StmtKind::Error => {}
        }
    }
}

fn operands<'a>(operands: &'a [Operand<'a>], each: &mut impl FnMut(&'a str)) {
    operands.iter().for_each(|operand| expr(operand.value, each));
}

fn expr<'a>(value: &'a Expr<'a>, each: &mut impl FnMut(&'a str)) {
    match &value.kind {
        ExprKind::Name(name) => each(name),
        ExprKind::Field(base, _) | ExprKind::Unary(_, base) => expr(base, each),
        ExprKind::Index(left, right) | ExprKind::Binary(_, left, right) => {
            expr(left, each);
            expr(right, each);
        }
        ExprKind::Call(_, arguments) => operands(arguments, each),
        ExprKind::List(items) => items.iter().for_each(|item| expr(item, each)),
        ExprKind::Record(pairs) => pairs.iter().for_each(|(_, value)| expr(value, each)),
        ExprKind::Null
        | ExprKind::Bool(_)
        | ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Text(_)
        | ExprKind::Raw(_)
        | ExprKind::Ellipsis
        | ExprKind::Error => {}
    }
}

//! The tree as text, without places: what two sources must share to mean the same.

use std::fmt::Write as _;

use avm_asm::ast::{Ast, Expr, ExprKind, Gives, Name, Stmt, StmtKind};

pub(crate) fn tree(ast: &Ast<'_>) -> String {
    let mut out = String::new();
    body(&mut out, ast.items, 0);
    out
}

fn names(names: &[Name<'_>]) -> String {
    names.iter().map(|name| name.text).collect::<Vec<_>>().join(" ")
}

fn body(out: &mut String, items: &[Stmt<'_>], depth: usize) {
    for item in items {
        line(out, depth, item.number, "");
        out.pop();
        statement(out, &item.kind, depth);
    }
}

fn line(out: &mut String, depth: usize, number: Option<u32>, text: &str) {
    let pad = "  ".repeat(depth);
    let number = number.map_or(String::new(), |number| format!("{number}. "));
    let _ = writeln!(out, "{pad}{number}{text}");
}

/// The first line is begun already, with its indentation and number.
fn statement(out: &mut String, kind: &StmtKind<'_>, depth: usize) {
    let inner = depth + 1;
    match kind {
        StmtKind::Label(name) => writeln!(out, "label {}", name.text).unwrap(),
        StmtKind::Define { name, value } => {
            writeln!(out, "define {} {}", name.text, expr(value)).unwrap()
        }
        StmtKind::Set { place, value } => {
            writeln!(out, "set {} {}", expr(place), expr(value)).unwrap()
        }
        StmtKind::Instruction(op) => {
            // `out=R` and `-> R`, and both forms of the parentheses, are the same thing.
            let mut outputs: Vec<_> = op.outputs.iter().map(expr).collect();
            let _ = write!(out, "op {}", op.mnemonic.text.to_ascii_uppercase());
            for operand in op.operands {
                match &operand.name {
                    Some(name) if name.text.eq_ignore_ascii_case("out") && outputs.is_empty() => {
                        outputs.push(expr(operand.value));
                    }
                    Some(name) => write!(out, " {}={}", name.text, expr(operand.value)).unwrap(),
                    None => write!(out, " {}", expr(operand.value)).unwrap(),
                }
            }
            let _ = writeln!(out, " -> {}", outputs.join(" "));
        }
        StmtKind::If { arms, otherwise } => {
            let _ = writeln!(out, "if");
            for (condition, statements) in *arms {
                line(out, inner, None, &expr(condition));
                body(out, statements, inner + 1);
            }
            if let Some(statements) = otherwise {
                line(out, inner, None, "else");
                body(out, statements, inner + 1);
            }
        }
        StmtKind::While { condition, body: statements } => {
            let _ = writeln!(out, "while {}", expr(condition));
            body(out, statements, inner);
        }
        StmtKind::For { item, list, body: statements } => {
            let _ = writeln!(out, "for {} {}", item.text, expr(list));
            body(out, statements, inner);
        }
        StmtKind::Include { path, .. } => writeln!(out, "include {path:?}").unwrap(),
        StmtKind::Region(region) => {
            let perms = region.perms.as_ref().map(|perms| names(perms));
            let (reads, writes) = (names(region.inputs), names(region.outputs));
            let _ =
                writeln!(out, "region {} {perms:?} in ({reads}) out ({writes})", region.name.text);
            body(out, region.body, inner);
        }
        StmtKind::Func(func) => {
            let _ = writeln!(out, "func {} ({})", func.name.text, names(func.params));
            body(out, func.body, inner);
        }
        StmtKind::Test(test) => {
            let _ = writeln!(out, "test {:?} {}", test.name, test.region.text);
            for (name, value) in test.given {
                line(out, inner, None, &format!("given {} {}", name.text, expr(value)));
            }
            for value in test.expect {
                line(out, inner, None, &format!("expect {}", expr(value)));
            }
            for answer in test.answers {
                let name = answer.name.map_or("", |name| name.text);
                let gives = match answer.gives {
                    Gives::Failure(reason) => format!("fails {:?}", reason.text),
                    Gives::Results(all) => all.iter().map(expr).collect::<Vec<_>>().join(" "),
                };
                let mnemonic = answer.mnemonic.text.to_ascii_uppercase();
                line(out, inner, None, &format!("answer {mnemonic} {name:?} {gives}"));
            }
        }
        StmtKind::Input { name, default } => {
            writeln!(out, "input {} {:?}", name.text, default.map(expr)).unwrap();
        }
        StmtKind::Uses { kind, name, .. } => writeln!(out, "uses {} {name:?}", kind.text).unwrap(),
        StmtKind::Registers(list) => writeln!(out, "registers {}", names(list)).unwrap(),
        StmtKind::Allow { code, reason } => {
            writeln!(out, "allow {} {:?}", code.text, reason.as_ref().map(|r| &r.0)).unwrap();
        }
        StmtKind::Break => out.push_str("break\n"),
        StmtKind::Continue => out.push_str("continue\n"),
        StmtKind::Error => out.push_str("error\n"),
    }
}

fn list(items: &[Expr<'_>]) -> String {
    items.iter().map(expr).collect::<Vec<_>>().join(" ")
}

fn expr(value: &Expr<'_>) -> String {
    match &value.kind {
        ExprKind::Null => "null".into(),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Int(value) => value.to_string(),
        ExprKind::Float(value) => format!("{value:?}f"),
        ExprKind::Text(value) => format!("{value:?}"),
        ExprKind::Name(name) => (*name).into(),
        ExprKind::Raw(number) => format!("%{number}"),
        ExprKind::Field(base, name) => format!("(. {} {})", expr(base), name.text),
        ExprKind::Index(base, index) => format!("(at {} {})", expr(base), expr(index)),
        ExprKind::Call(name, arguments) => {
            let arguments = arguments.iter().map(|argument| match &argument.name {
                Some(name) => format!("{}={}", name.text, expr(argument.value)),
                None => expr(argument.value),
            });
            format!("(call {} {})", name.text, arguments.collect::<Vec<_>>().join(" "))
        }
        ExprKind::List(items) => format!("[{}]", list(items)),
        ExprKind::Record(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| format!("{:?}: {}", name.text, expr(value)))
                .collect();
            format!("{{{}}}", fields.join(" "))
        }
        ExprKind::Unary(op, value) => format!("({op:?} {})", expr(value)),
        ExprKind::Binary(op, left, right) => format!("({op:?} {} {})", expr(left), expr(right)),
        ExprKind::Ellipsis => "...".into(),
        ExprKind::Error => "error".into(),
    }
}

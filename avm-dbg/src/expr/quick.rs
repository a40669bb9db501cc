//! Comparisons of registers, constants and ints without a machine: what conditions mostly are, and
//! what is asked at every passage of a loop. Says what the machine says, or nothing.

use std::borrow::Cow;

use avm_ir::{Opcode, Value};

use super::tree::Tree;

/// What the names of an expression hold.
pub(super) type Names<'a, 'v> = &'a mut dyn FnMut(usize) -> &'v Value;

/// Whether a condition holds, if that is plain to see.
pub(super) fn truth<'v>(tree: &'v Tree, names: Names<'_, 'v>) -> Option<bool> {
    match tree {
        Tree::Either(decides, left, right) => match truth(left, names)? {
            left if left == *decides => Some(left),
            _ => truth(right, names),
        },
        Tree::Op(op, operands) => match (op, operands.as_slice()) {
            (Opcode::TEST, [Some(value)]) => truth(value, names),
            (Opcode::NOT, [Some(value)]) => truth(value, names).map(|value| !value),
            (op, [Some(left), Some(right)]) => {
                let holds = relation(*op)?;
                let (left, right) = (value(left, names)?, value(right, names)?);
                holds(&left, &right)
            }
            _ => None,
        },
        _ => match &*value(tree, names)? {
            Value::Bool(value) => Some(*value),
            Value::Null => Some(false),
            _ => None,
        },
    }
}

/// A value that is somewhere already, or a sum and such of ints.
fn value<'v>(tree: &'v Tree, names: Names<'_, 'v>) -> Option<Cow<'v, Value>> {
    match tree {
        Tree::Constant(value) => Some(Cow::Borrowed(value)),
        Tree::Name(number) => Some(Cow::Borrowed(names(*number))),
        Tree::Part(whole, key) => {
            // What is in a value that was made just now is for the machine.
            let Cow::Borrowed(whole) = value(whole, names)? else { return None };
            let key = value(key, names)?;
            part(whole, &key).map(Cow::Borrowed)
        }
        Tree::Op(op, operands) => {
            let number = match (op, operands.as_slice()) {
                (Opcode::LEN, [Some(of)]) => match &*value(of, names)? {
                    Value::List(list) => i64::try_from(list.len()).ok()?,
                    _ => return None,
                },
                (Opcode::NEG, [Some(of)]) => int(of, names)?.checked_neg()?,
                (op, [Some(left), Some(right)]) => {
                    let made = arithmetic(*op)?;
                    made(int(left, names)?, int(right, names)?)?
                }
                _ => return None,
            };
            Some(Cow::Owned(Value::Int(number)))
        }
        _ => None,
    }
}

fn part<'v>(whole: &'v Value, key: &Value) -> Option<&'v Value> {
    match (whole, key) {
        (Value::Record(record), Value::Text(name)) => {
            Some(record.get(name).unwrap_or(&Value::Null))
        }
        (Value::List(list), Value::Int(index)) => {
            let from_end = || index.checked_add_unsigned(list.len() as u64);
            let at = if *index < 0 { from_end()? } else { *index };
            list.get(usize::try_from(at).ok()?)
        }
        _ => None,
    }
}

fn int<'v>(tree: &'v Tree, names: Names<'_, 'v>) -> Option<i64> {
    match &*value(tree, names)? {
        Value::Int(number) => Some(*number),
        _ => None,
    }
}

/// Of two ints, where the result is one; a trap is for the machine to tell.
fn arithmetic(op: Opcode) -> Option<fn(i64, i64) -> Option<i64>> {
    Some(match op {
        Opcode::ADD => i64::checked_add,
        Opcode::SUB => i64::checked_sub,
        Opcode::MUL => i64::checked_mul,
        Opcode::DIV => i64::checked_div,
        Opcode::MOD => i64::checked_rem,
        _ => return None,
    })
}

type Relation = fn(&Value, &Value) -> Option<bool>;

fn relation(op: Opcode) -> Option<Relation> {
    Some(match op {
        Opcode::EQ => |a, b| Some(a.equals(b)),
        Opcode::NE => |a, b| Some(!a.equals(b)),
        // What has no order is for the machine to say.
        Opcode::LT => |a, b| a.compare(b).map(|order| order.is_lt()),
        Opcode::LE => |a, b| a.compare(b).map(|order| order.is_le()),
        Opcode::GT => |a, b| a.compare(b).map(|order| order.is_gt()),
        Opcode::GE => |a, b| a.compare(b).map(|order| order.is_ge()),
        _ => return None,
    })
}

//! Comparisons of registers and constants without a machine: what conditions mostly are, and what is
//! asked at every passage of a loop. Says what the machine says, or nothing.

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
                holds(left, right)
            }
            _ => None,
        },
        _ => match value(tree, names)? {
            Value::Bool(value) => Some(*value),
            Value::Null => Some(false),
            _ => None,
        },
    }
}

/// A value that is somewhere already.
pub(super) fn value<'v>(tree: &'v Tree, names: Names<'_, 'v>) -> Option<&'v Value> {
    match tree {
        Tree::Constant(value) => Some(value),
        Tree::Name(number) => Some(names(*number)),
        Tree::Part(whole, key) => match (value(whole, names)?, key.constant()?) {
            (Value::Record(record), Value::Text(name)) => {
                Some(record.get(name).unwrap_or(&Value::Null))
            }
            (Value::List(list), Value::Int(index)) => {
                let from_end = || index.checked_add_unsigned(list.len() as u64);
                let at = if *index < 0 { from_end()? } else { *index };
                list.get(usize::try_from(at).ok()?)
            }
            _ => None,
        },
        _ => None,
    }
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

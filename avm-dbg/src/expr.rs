//! Expressions of the language over what registers hold, for conditions, `print` and `set`.
//!
//! ```text
//! expression = conjunction { OR conjunction }
//! conjunction = negation { AND negation }
//! negation   = NOT negation | sum [ ( == | != | < | <= | > | >= | contains ) sum ]
//! sum        = product { ( + | - ) product }
//! product    = unary { ( * | / | % ) unary }
//! unary      = - unary | primary { .name | [expression] }
//! primary    = name | literal | ( expression ) | [a, …] | {name: a, …} | INSTRUCTION(a, …)
//! ```
//!
//! What an expression is worth is what the machine says: it becomes a program of a few instructions,
//! and that is run. Comparisons and sums of ints are looked at without a machine, since a
//! condition of a breakpoint is asked for at every passage.
//!
//! A condition does not hold where the machine would trap, such as where a register that is compared
//! holds `NULL` still. A [`Path`] alone, as `watch` and `set` take it, is milder: a part that is not there
//! is `NULL`.

mod machine;
mod quick;
mod read;
mod tree;

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use avm_ir::{Opcode, Value, value::Text};
use avm_vm::Machine;

use read::Reader;
use tree::Tree;

use crate::stops::no_register;

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExprError {
    /// Where, in characters from 0.
    pub at: usize,
    /// What, and what would be right.
    pub message: String,
}

impl fmt::Display for ExprError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at character {}: {}", self.at + 1, self.message)
    }
}

impl std::error::Error for ExprError {}

/// A register, or a part of what it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// Name of the register.
    pub name: String,
    /// The way to the part, outermost first.
    pub parts: Vec<Part>,
}

/// One step of the way to a part.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// A field of a record.
    Field(String),
    /// An item of a list; negative ones count from the end.
    Item(i64),
}

impl Path {
    /// Reads a path and nothing else.
    pub fn read(text: &str) -> Result<Self, ExprError> {
        let mut reader = Reader::new(text)?;
        let path = reader.path()?;
        reader.finish("the end")?;
        Ok(path)
    }

    /// The part of the register's value; `None` if it is not there.
    pub fn of<'a>(&self, register: &'a Value) -> Option<&'a Value> {
        self.parts.iter().try_fold(register, |value, part| match (part, value) {
            (Part::Field(name), Value::Record(record)) => record.get(name),
            (Part::Item(_), Value::List(list)) => list.get(part.index(list.len())?),
            _ => None,
        })
    }
}

impl Path {
    /// The register's value with another part; `None` if the way to it is not there. A field may be
    /// new.
    pub fn put(&self, register: &Value, new: Value) -> Option<Value> {
        put(register, &self.parts, new)
    }
}

fn put(value: &Value, parts: &[Part], new: Value) -> Option<Value> {
    let Some((part, inner)) = parts.split_first() else { return Some(new) };
    match (part, value) {
        (Part::Field(name), Value::Record(record)) => {
            let old = record.get(name).unwrap_or(&Value::Null);
            let changed = put(old, inner, new)?;
            let mut record = record.clone();
            record.insert(Text::from(name.as_str()), changed);
            Some(record.into())
        }
        (Part::Item(_), Value::List(list)) => {
            let index = part.index(list.len())?;
            let changed = put(list.get(index)?, inner, new)?;
            let mut list = list.clone();
            list.replace(index, changed);
            Some(Value::List(list))
        }
        _ => None,
    }
}

impl Part {
    /// Where it is in a list of so many items.
    fn index(&self, length: usize) -> Option<usize> {
        let Self::Item(index) = self else { return None };
        let from_end = || i64::try_from(length).ok()?.checked_add(*index);
        usize::try_from(if *index < 0 { from_end()? } else { *index }).ok()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for part in &self.parts {
            match part {
                Part::Field(name) if is_name(name) => write!(f, ".{name}")?,
                Part::Field(name) => write!(f, "[{}]", avm_ir::value::to_json(&Value::text(name)))?,
                Part::Item(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// An expression of the language.
#[derive(Clone)]
pub struct Expression {
    text: String,
    tree: Arc<Tree>,
    names: Vec<String>,
    /// About to evaluate it.
    machine: Arc<Machine>,
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.text).finish()
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.tree == other.tree && self.names == other.names
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Expression {
    /// Reads an expression.
    pub fn read(text: &str) -> Result<Self, ExprError> {
        Self::of(text, |tree| tree)
    }

    fn of(text: &str, made: impl FnOnce(Tree) -> Tree) -> Result<Self, ExprError> {
        let mut reader = Reader::new(text)?;
        let tree = made(reader.expression()?);
        reader.finish("an operator, such as == or AND, or the end")?;
        let names = reader.names;
        let prepared = machine::prepare(&tree, &names);
        let machine = prepared.map_err(|message| ExprError { at: 0, message })?;
        let (tree, machine) = (Arc::new(tree), Arc::new(machine));
        Ok(Self { text: text.trim().to_owned(), tree, names, machine })
    }

    /// The registers in it.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// What it is worth, given what registers hold; what has none holds `NULL`. An error is why the
    /// machine would trap, or why it takes too much.
    pub fn value<'v>(
        &self,
        mut register: impl FnMut(&str) -> Option<&'v Value>,
    ) -> Result<Value, String> {
        let mut held = |number: usize| register(&self.names[number]).unwrap_or(&Value::Null);
        machine::run(&self.machine, self.names.len(), &mut held)
    }
}

/// What a text is worth where registers hold these values: a path, mildly, or an expression. Names
/// have to be those of registers. Also how the path is written, if it is one.
pub(crate) fn worth<'v>(
    text: &str,
    register: impl Fn(&str) -> Option<&'v Value>,
) -> Result<(Option<Path>, Value), String> {
    if let Ok(path) = Path::read(text) {
        let value = register(&path.name).ok_or_else(|| no_register(&path.name))?;
        let value = path.of(value).cloned().unwrap_or(Value::Null);
        return Ok((Some(path), value));
    }
    let expression = Expression::read(text).map_err(|error| error.to_string())?;
    if let Some(name) = expression.names().find(|name| register(name).is_none()) {
        return Err(no_register(name));
    }
    Ok((None, expression.value(register)?))
}

/// A condition on a place of a run.
#[derive(Clone, Debug)]
pub struct Condition {
    expression: Expression,
    trouble: Arc<Trouble>,
}

/// Why a condition could not be evaluated, the first time.
#[derive(Debug, Default)]
struct Trouble {
    why: OnceLock<String>,
    said: AtomicBool,
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.expression == other.expression
    }
}

impl Condition {
    /// Reads a condition.
    pub fn read(text: &str) -> Result<Self, ExprError> {
        let expression = Expression::of(text, |tree| Tree::op(Opcode::TEST, [tree]))?;
        Ok(Self { expression, trouble: Arc::default() })
    }

    /// The registers in it.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.expression.names()
    }

    /// Whether it holds, given what registers hold. It does not where the machine would trap.
    pub fn holds<'v>(&'v self, mut register: impl FnMut(&str) -> Option<&'v Value>) -> bool {
        let Expression { tree, names, machine, .. } = &self.expression;
        let mut held = |number: usize| register(&names[number]).unwrap_or(&Value::Null);
        if let Some(holds) = quick::truth(tree, &mut held) {
            return holds;
        }
        match machine::run(machine, names.len(), held) {
            Ok(value) => value == Value::Bool(true),
            Err(why) => {
                // Only the first counts.
                let _ = self.trouble.why.set(why);
                false
            }
        }
    }

    /// Why it could not be evaluated somewhere, to be said once.
    pub fn trouble(&self) -> Option<&str> {
        let why = self.trouble.why.get()?;
        (!self.trouble.said.swap(true, Ordering::Relaxed)).then_some(why)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expression.fmt(f)
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '@' | '$'))
}

#[cfg(test)]
mod tests {
    use avm_ir::value::from_json;

    use super::*;

    fn over<T>(look: impl FnOnce(&dyn Fn(&str) -> Option<&'static Value>) -> T) -> T {
        let record = r#"{"price": null, "items": [1, {"a b": "x"}], "n": 3, "ok": true}"#;
        let record: &'static Value =
            Box::leak(Box::new(from_json(record, 1 << 20).expect("it is JSON")));
        look(&|name| match name {
            "r" => Some(record),
            "size" => Some(&Value::Int(3)),
            _ => None,
        })
    }

    fn holds(condition: &str) -> bool {
        let condition: &'static Condition =
            Box::leak(Box::new(Condition::read(condition).expect(condition)));
        over(|register| condition.holds(register))
    }

    #[test]
    fn conditions_hold_as_in_the_language() {
        for yes in [
            "size > 2",
            "size == 3.0",
            "size >= 3 and size <= 3",
            "size < 0 or r.price == NULL",
            "r.items[0] = 1",
            r#"r.items[-1]["a b"] == "x""#,
            "r.price != 1",
            "r.ok",
            "NOT nothing",
            "size % 2 == 1 AND -size < 0",
            "LEN(r.items) == 2",
            "r.items[size - 3] + 1 == 2",
            r#"KEYS(r) contains "price""#,
            r#""n" + size == "n3""#,
            "[size, 1] == [3, 1] and {a: size} == {\"a\": 3}",
            "not (size == 3 and r.ok) or MAX(size, 5) == 5",
        ] {
            assert!(holds(yes), "{yes}");
        }
        for no in [
            "size > 3",
            "size",
            "r.items > 3",
            "size < -1 or size > 5 and size == 3",
            "r.nothing.there == null",
            "size / 0 == 1",
            "r.items[2] == 1",
        ] {
            assert!(!holds(no), "{no}");
        }
    }

    #[test]
    fn trouble_is_said_once() {
        let condition: &'static Condition =
            Box::leak(Box::new(Condition::read("size / nothing > 1").expect("it reads")));
        assert_eq!(condition.trouble(), None);
        assert!(!over(|register| condition.holds(register)));
        insta::assert_snapshot!(condition.trouble().expect("it traps"), @"T01 type-mismatch: DIV wants numbers, found null");
        assert_eq!(condition.trouble(), None);
    }

    #[test]
    fn errors_have_a_place() {
        let deep = "(".repeat(70);
        let long = "1+".repeat(300);
        let wrong = [
            ("", 0),
            ("size > ", 7),
            ("size > 3 nor", 9),
            ("r.[0]", 2),
            ("r[1 == 1", 8),
            ("ä.b == \"x", 7),
            ("1 < 2 < 3", 6),
            ("1 +", 3),
            ("{a: 1, a: 2}", 7),
            ("LEN()", 0),
            ("LEN(1, 2)", 7),
            ("GPU_INFER(\"m\", 1)", 0),
            ("RANDOM(3)", 0),
            ("POP(r)", 0),
            ("nosuch(1)", 0),
            ("12abc", 0),
            ("99999999999999999999", 0),
            ("lastBool", 0),
            (deep.as_str(), 64),
            (long.as_str(), 514),
        ];
        for (text, at) in wrong {
            let error = Condition::read(text).expect_err(text);
            assert_eq!(error.at, at, "{text}: {error}");
        }
        assert!(Path::read("3 < size").is_err());
        assert_eq!(Path::read("r[-1].a").expect("a path").to_string(), "r[-1].a");
    }
}

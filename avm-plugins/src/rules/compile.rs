//! From the value of a file to rules, with errors that name the rule and the key.

use avm_ir::{Value, value::Record};

use super::{
    Check, Checks, Decisions, MAX_CONDITIONS, MAX_DEPTH, MAX_RULES, Rule, RuleError, Rules,
    condition::{Comparison, Condition, Operand, Path, Test},
    template::Template,
};

/// Types that `type = …` may name.
const TYPES: &[&str] = &[
    "null", "bool", "int", "float", "number", "text", "bytes", "list", "record", "vector", "handle",
];

type Made<T> = Result<T, RuleError>;

/// Rules of either kind.
pub(super) fn file(file: &Value) -> Made<Rules> {
    let place = "file";
    let file = table(place, file)?;
    let is_checks = ["deny", "require", "approved", "refused"].map(|key| file.get(key).is_some());
    let is_decisions = ["rule", "otherwise"].map(|key| file.get(key).is_some());
    let mut budget = Budget { conditions: MAX_CONDITIONS };
    match (is_decisions.contains(&true), is_checks.contains(&true)) {
        (true, false) => {
            only(place, file, &["rule", "otherwise"])?;
            decisions(file, &mut budget).map(Rules::Decisions)
        }
        (false, true) => {
            only(place, file, &["deny", "require", "approved", "refused"])?;
            checks(file, &mut budget).map(Rules::Checks)
        }
        (true, true) => Err(error(
            place,
            "[[rule]] and [otherwise] decide, [[deny]] and [[require]] check; a file does one of the two",
        )),
        (false, false) => match file.iter().next() {
            Some((name, _)) => Err(unknown(place, name, &["rule", "otherwise", "deny", "require"])),
            None => Err(error(place, "there are no rules")),
        },
    }
}

fn decisions(file: &Record, budget: &mut Budget) -> Made<Decisions> {
    let Some(otherwise) = file.get("otherwise") else {
        return Err(error("file", "[otherwise] is missing: what to give where no rule holds"));
    };
    let otherwise = then("otherwise", otherwise)?;
    let mut rules = Vec::new();
    for (place, rule) in entries(file, "rule")? {
        let rule = table(&place, rule)?;
        only(&place, rule, &["name", "when", "then"])?;
        rules.push(Rule {
            when: budget.when(&place, rule)?,
            then: template(&format!("{place}, then"), field(&place, rule, "then")?, 0)?,
        });
    }
    Ok(Decisions { rules, otherwise })
}

fn checks(file: &Record, budget: &mut Budget) -> Made<Checks> {
    let mut checks = Vec::new();
    for (key, deny) in [("deny", true), ("require", false)] {
        for (place, check) in entries(file, key)? {
            let check = table(&place, check)?;
            only(&place, check, &["name", "when", "reason"])?;
            let when = budget.when(&place, check)?;
            let place = format!("{place}, reason");
            let reason = match check.get("reason") {
                Some(Value::Text(text)) => {
                    Template::text(text).map_err(|problem| error(&place, problem))?
                }
                Some(other) => return Err(wanted(&place, "a text", other)),
                None => return Err(error(&place, "is missing: what to say where it is broken")),
            };
            checks.push(Check { deny, when, reason });
        }
    }
    if checks.is_empty() {
        return Err(error("file", "there is no [[deny]] and no [[require]]"));
    }
    if checks.len() > MAX_RULES {
        return Err(error("file", format!("more than {MAX_RULES} checks")));
    }
    let more = |key| match file.get(key) {
        Some(more) => match then(key, more)? {
            filled @ Template::Record(_) => Ok(Some(filled)),
            _ => Err(error(&format!("{key}, then"), "must be a table")),
        },
        None => Ok(None),
    };
    Ok(Checks { checks, approved: more("approved")?, refused: more("refused")? })
}

/// The entries of a list of tables, each with its place.
fn entries<'a>(file: &'a Record, key: &str) -> Made<Vec<(String, &'a Value)>> {
    let list = match file.get(key) {
        None => return Ok(Vec::new()),
        Some(Value::List(list)) => list,
        Some(other) => return Err(wanted(key, &format!("[[{key}]], a list of tables"), other)),
    };
    if list.len() > MAX_RULES {
        return Err(error(key, format!("more than {MAX_RULES} of them")));
    }
    let mut entries = Vec::new();
    for (at, entry) in list.iter().enumerate() {
        let number = at + 1;
        let name = match entry {
            Value::Record(record) => record.get("name"),
            _ => None,
        };
        let place = match name {
            Some(Value::Text(name)) => format!("{key} \"{name}\""),
            Some(other) => {
                return Err(wanted(&format!("{key} {number}, name"), "a text", other));
            }
            None => format!("{key} {number}"),
        };
        entries.push((place, entry));
    }
    Ok(entries)
}

fn then(place: &str, value: &Value) -> Made<Template> {
    let record = table(place, value)?;
    only(place, record, &["then"])?;
    template(&format!("{place}, then"), field(place, record, "then")?, 0)
}

fn template(place: &str, value: &Value, depth: usize) -> Made<Template> {
    if depth > MAX_DEPTH {
        return Err(error(place, format!("nested more than {MAX_DEPTH} levels deep")));
    }
    match value {
        Value::Text(text) => Template::text(text).map_err(|problem| error(place, problem)),
        Value::List(list) => {
            let items = list.iter().map(|item| template(place, item, depth + 1));
            Ok(Template::List(items.collect::<Made<_>>()?))
        }
        Value::Record(record) => {
            let fields = record.iter().map(|(name, value)| {
                let value = template(&format!("{place}.{name}"), value, depth + 1)?;
                Ok((name.as_str().to_owned(), value))
            });
            Ok(Template::Record(fields.collect::<Made<_>>()?))
        }
        other => Ok(Template::Fixed(other.clone())),
    }
}

/// How many more comparisons a file may have.
struct Budget {
    conditions: usize,
}

impl Budget {
    fn spend(&mut self, place: &str, conditions: usize) -> Made<()> {
        let left = self.conditions.checked_sub(conditions);
        self.conditions = left.ok_or_else(|| {
            error(place, format!("the file has more than {MAX_CONDITIONS} conditions"))
        })?;
        Ok(())
    }

    fn when(&mut self, place: &str, rule: &Record) -> Made<Condition> {
        let when = field(place, rule, "when")?;
        self.all(&format!("{place}, when"), when, 0)
    }

    fn all(&mut self, place: &str, value: &Value, depth: usize) -> Made<Condition> {
        let mut all = Vec::new();
        deep(place, depth)?;
        for (key, value) in table(place, value)?.iter() {
            let place = format!("{place}.{key}");
            match key.as_str() {
                "any" => all.push(Condition::Any(self.list(&place, value, depth)?)),
                "all" => all.push(Condition::All(self.list(&place, value, depth)?)),
                "not" => {
                    all.push(Condition::Not(Box::new(self.all(&place, value, depth + 1)?)));
                }
                path => self.field(&place, &Path::parse(path), value, depth + 1, &mut all)?,
            }
        }
        Ok(Condition::All(all))
    }

    fn list(&mut self, place: &str, value: &Value, depth: usize) -> Made<Vec<Condition>> {
        let Value::List(list) = value else {
            return Err(wanted(place, "a list of tables", value));
        };
        self.spend(place, list.len())?;
        let item = |(at, item)| self.all(&format!("{place}[{at}]"), item, depth + 1);
        list.iter().enumerate().map(item).collect()
    }

    /// What must be true at a path; a value alone means `is`.
    fn field(
        &mut self,
        place: &str,
        path: &Path,
        value: &Value,
        depth: usize,
        all: &mut Vec<Condition>,
    ) -> Made<()> {
        deep(place, depth)?;
        let Value::Record(tests) = value else {
            self.spend(place, 1)?;
            let test = Test::Compare(Comparison::Is, operand(place, value)?);
            all.push(Condition::Field(path.clone(), test));
            return Ok(());
        };
        if tests.is_empty() {
            return Err(error(place, "nothing is said of it; write { exists = true }"));
        }
        for (key, value) in tests.iter() {
            let place = format!("{place}.{key}");
            let test = match self.test(&place, key, value)? {
                Some(test) => test,
                // TOML reads `risk.p05 = { above = 0 }` as a table in a table.
                None if matches!(value, Value::Record(_)) => {
                    self.field(&place, &path.join(key), value, depth + 1, all)?;
                    continue;
                }
                None => {
                    let all = Comparison::ALL.iter().map(|(word, _)| *word);
                    let more = ["one_of", "none_of", "exists", "type"];
                    let words: Vec<&str> = all.chain(more).collect();
                    return Err(unknown(&place, key, &words));
                }
            };
            all.push(Condition::Field(path.clone(), test));
        }
        Ok(())
    }

    /// A comparison; `None` where the word is none.
    fn test(&mut self, place: &str, key: &str, value: &Value) -> Made<Option<Test>> {
        let choices = |value: &Value| {
            let Value::List(list) = value else {
                return Err(wanted(place, "a list", value));
            };
            list.iter().map(|choice| operand(place, choice)).collect::<Made<Vec<Operand>>>()
        };
        let test = match key {
            "one_of" => Test::OneOf(choices(value)?),
            "none_of" => Test::NoneOf(choices(value)?),
            "exists" => match value {
                Value::Bool(exists) => Test::Exists(*exists),
                other => return Err(wanted(place, "true or false", other)),
            },
            "type" => {
                let Value::Text(name) = value else { return Err(wanted(place, "a text", value)) };
                match TYPES.iter().find(|known| **known == name.as_str()) {
                    Some(name) => Test::Type(name),
                    None => return Err(unknown(place, name, TYPES)),
                }
            }
            _ => match Comparison::ALL.iter().find(|(word, _)| *word == key) {
                Some((_, comparison)) => compare(place, *comparison, value)?,
                None => return Ok(None),
            },
        };
        let many = match &test {
            Test::OneOf(choices) | Test::NoneOf(choices) => choices.len().max(1),
            _ => 1,
        };
        self.spend(place, many)?;
        Ok(Some(test))
    }
}

/// A comparison that can be true.
fn compare(place: &str, comparison: Comparison, value: &Value) -> Made<Test> {
    use Comparison::{Above, AtLeast, AtMost, Below, EndsWith, StartsWith};
    let operand = operand(place, value)?;
    if let Operand::Fixed(value) = &operand {
        let is_text = matches!(value, Value::Text(_));
        let is_number = matches!(value, Value::Int(_) | Value::Float(_));
        match comparison {
            Above | AtLeast | Below | AtMost if !is_text && !is_number => {
                return Err(wanted(place, "a number or a text", value));
            }
            StartsWith | EndsWith if !is_text => return Err(wanted(place, "a text", value)),
            _ => {}
        }
    }
    Ok(Test::Compare(comparison, operand))
}

/// What is compared with: a text `"$path"` means what stands there.
fn operand(place: &str, value: &Value) -> Made<Operand> {
    match value {
        Value::Text(text) => {
            match Template::text(text).map_err(|problem| error(place, problem))? {
                Template::Fixed(value) => Ok(Operand::Fixed(value)),
                Template::Path(path) => Ok(Operand::Path(path)),
                _ => Err(error(place, format!("\"{text}\": only \"$path\" can be compared with"))),
            }
        }
        Value::Null => Err(error(place, "nothing is equal to null here; write { exists = false }")),
        Value::Record(_) => Err(wanted(place, "a bool, a number, a text or a list", value)),
        other => Ok(Operand::Fixed(other.clone())),
    }
}

fn deep(place: &str, depth: usize) -> Made<()> {
    if depth > MAX_DEPTH {
        return Err(error(place, format!("conditions nest more than {MAX_DEPTH} levels")));
    }
    Ok(())
}

fn field<'a>(place: &str, table: &'a Record, key: &str) -> Made<&'a Value> {
    table.get(key).ok_or_else(|| error(place, format!("\"{key}\" is missing")))
}

fn table<'a>(place: &str, value: &'a Value) -> Made<&'a Record> {
    match value {
        Value::Record(record) => Ok(record),
        other => Err(wanted(place, "a table", other)),
    }
}

fn only(place: &str, table: &Record, keys: &[&str]) -> Made<()> {
    match table.iter().find(|(name, _)| !keys.contains(&name.as_str())) {
        Some((name, _)) => Err(unknown(place, name, keys)),
        None => Ok(()),
    }
}

fn error(place: &str, problem: impl Into<String>) -> RuleError {
    RuleError { place: place.to_owned(), problem: problem.into() }
}

fn wanted(place: &str, wanted: &str, found: &Value) -> RuleError {
    error(place, format!("must be {wanted}, found {}", found.type_name()))
}

fn unknown(place: &str, name: &str, known: &[&str]) -> RuleError {
    error(place, format!("there is no \"{name}\"; there are {}", known.join(", ")))
}

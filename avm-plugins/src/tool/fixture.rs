//! Recorded answers: a tool, plugin, model or chain whose answers stand in a file.
//!
//! The file is described in `spec/providers.md`.

mod file;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use avm_ir::{
    Program, Value,
    value::{Record, to_json},
};
use avm_vm::{Failure, FailureCode, Spend};
use serde::Deserialize;

use crate::{
    host::Host,
    provider::{
        Call, Chain, Determinism, Function, Manifest, Model, Outcome, Plugin, Provider, Reaches,
        Refusal, Reply, Tool, tokens_of,
    },
    settings::{BadSettings, Settings},
    shape::Shape,
};
use file::Entry;

/// What a recording stands in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Tool,
    Plugin,
    Model,
    Chain,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    file: String,
    strict: Option<bool>,
    #[serde(default)]
    cost: u64,
}

/// Recorded answers from a file.
pub struct Fixture {
    name: String,
    file: String,
    role: Role,
    strict: bool,
    cost: u64,
    host: Arc<dyn Host>,
    /// The entries of each function, in the order of the file.
    entries: BTreeMap<String, Vec<Entry>>,
    /// How often each entry was used.
    used: Mutex<BTreeMap<String, Vec<u64>>>,
}

impl Fixture {
    /// Stands in for a tool.
    ///
    /// # Errors
    /// The file cannot be read or is not what it should be.
    pub fn tool(settings: &Settings) -> Result<Self, BadSettings> {
        Self::new(Role::Tool, settings)
    }

    /// Stands in for a plugin.
    ///
    /// # Errors
    /// The file cannot be read or is not what it should be.
    pub fn plugin(settings: &Settings) -> Result<Self, BadSettings> {
        Self::new(Role::Plugin, settings)
    }

    /// Stands in for a model.
    ///
    /// # Errors
    /// The file cannot be read or is not what it should be.
    pub fn model(settings: &Settings) -> Result<Self, BadSettings> {
        Self::new(Role::Model, settings)
    }

    /// Stands in for a chain.
    ///
    /// # Errors
    /// The file cannot be read or is not what it should be.
    pub fn chain(settings: &Settings) -> Result<Self, BadSettings> {
        Self::new(Role::Chain, settings)
    }

    fn new(role: Role, settings: &Settings) -> Result<Self, BadSettings> {
        let Keys { file, strict, cost } = settings.read()?;
        let (entries, in_file) = file::read(settings, &file)?;
        let fixed: &[&str] = match role {
            Role::Tool => &["read", "write"],
            Role::Model => &["infer", "embed", "propose"],
            Role::Plugin | Role::Chain => &[],
        };
        let unknown =
            entries.keys().find(|name| !fixed.is_empty() && !fixed.contains(&name.as_str()));
        if let Some(name) = unknown {
            let known = fixed.join(", ");
            return Err(BadSettings::new(format!("{file}: [[{name}]]: there are {known}")));
        }
        let used = entries.iter().map(|(name, list)| (name.clone(), vec![0; list.len()])).collect();
        let strict = strict.or(in_file).unwrap_or(false);
        let (name, host) = (settings.name.clone(), Arc::clone(&settings.host));
        Ok(Self { name, file, role, strict, cost, host, entries, used: Mutex::new(used) })
    }

    fn used(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u64>>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first entry that matches and is not used up; it is used once more.
    fn take(&self, function: &str, args: &Value) -> Option<&Entry> {
        let mut used = self.used();
        let counts = used.get_mut(function)?;
        let entries = self.entries.get(function)?.iter().zip(counts);
        let (entry, count) = { entries }.find(|(entry, count)| {
            entry.times.is_none_or(|times| **count < times) && entry.matches(args)
        })?;
        *count += 1;
        Some(entry)
    }

    /// What is recorded for a call, after its delay, and the tokens that it takes.
    fn recorded(
        &self,
        call: &Call,
        function: &str,
        args: &Value,
    ) -> Result<(Value, Option<u64>), Refusal> {
        let Some(entry) = self.take(function, args) else {
            if !self.strict {
                return Ok((nothing(function), None));
            }
            let args: String = to_json(args).chars().take(200).collect();
            let file = &self.file;
            let message = format!("{file} has no answer for {function}({args})");
            return Err(Refusal::not_found(message));
        };
        if entry.delay > Duration::ZERO {
            self.host.sleep(entry.delay.min(call.timeout));
        }
        if entry.delay > call.timeout {
            let message = format!("no answer of \"{}\" within {:?}", self.name, call.timeout);
            return Err(Refusal::new(FailureCode::Timeout, message));
        }
        match &entry.give {
            Ok(value) => Ok((value.clone().unwrap_or_else(|| nothing(function)), entry.tokens)),
            Err(Failure { code, message }) => Err(Refusal::new(*code, message.clone())),
        }
    }

    fn answer(&self, call: &Call, function: &str, args: &Value) -> Outcome {
        let (value, _) = self.recorded(call, function, args)?;
        Ok(Reply::new(value, 0))
    }

    /// Tokens of an entry for an input: what is recorded, or those of input and answer.
    fn tokens(entry: &Entry, input: &Value) -> u64 {
        let answer = entry.give.as_ref().ok().and_then(Option::as_ref).map_or(0, tokens_of);
        entry.tokens.unwrap_or_else(|| tokens_of(input).saturating_add(answer))
    }
}

/// What is given where nothing is recorded.
fn nothing(function: &str) -> Value {
    if function == "write" { Value::text("OK") } else { Value::Null }
}

impl Provider for Fixture {
    fn manifest(&self) -> Manifest {
        let function = |name: &str| {
            let function = Function::new(name, "recorded", Shape::Any, Shape::Any);
            let does = name == "write" || self.role == Role::Chain;
            if does { function.once() } else { function }
        };
        let functions = match self.role {
            Role::Tool => vec![function("read"), function("write")],
            _ => self.entries.keys().map(|name| function(name)).collect(),
        };
        Manifest {
            about: format!("recorded answers from {}", self.file),
            functions,
            determinism: Determinism::Stateful,
            reaches: Reaches::Nothing,
            cost: self.cost,
        }
    }

    fn save(&self) -> Value {
        let used = self.used();
        if used.values().flatten().all(|count| *count == 0) {
            return Value::Null;
        }
        let counts = |counts: &Vec<u64>| {
            Value::list(counts.iter().map(|count| Value::Int(count.cast_signed())).collect())
        };
        let fields = used.iter().map(|(name, list)| (name.as_str(), counts(list)));
        Value::Record(Record::from_iter(fields))
    }

    fn restore(&self, state: &Value) -> Result<(), Refusal> {
        let mut used = self.used();
        for (name, counts) in used.iter_mut() {
            let saved = match state {
                Value::Null => None,
                Value::Record(record) => record.get(name),
                _ => return Err(Refusal::invalid("the state of a recording is a record")),
            };
            let Some(saved) = saved else {
                counts.fill(0);
                continue;
            };
            let Value::List(list) = saved else {
                return Err(Refusal::invalid(format!("{name}: no list of numbers")));
            };
            if list.len() != counts.len() {
                let (saved, has, file) = (list.len(), counts.len(), &self.file);
                let message = format!("{name}: {saved} entries saved, {file} has {has}");
                return Err(Refusal::invalid(message));
            }
            for (count, saved) in counts.iter_mut().zip(list.iter()) {
                let Value::Int(int) = saved else {
                    return Err(Refusal::invalid(format!("{name}: no number of uses")));
                };
                *count = u64::try_from(*int).unwrap_or(0);
            }
        }
        Ok(())
    }
}

impl Tool for Fixture {
    fn read(&self, call: &Call, args: &Value) -> Outcome {
        self.answer(call, "read", args)
    }

    fn write(&self, call: &Call, data: &Value) -> Outcome {
        self.answer(call, "write", data)
    }
}

impl Plugin for Fixture {
    fn call(&self, call: &Call, function: &str, args: &Value) -> Outcome {
        self.answer(call, function, args)
    }
}

impl Chain for Fixture {
    fn act(&self, call: &Call, action: &str, args: &Value) -> Outcome {
        self.answer(call, action, args)
    }
}

impl Model for Fixture {
    fn infer(&self, call: &Call, input: &Value) -> Outcome {
        let (value, tokens) = self.recorded(call, "infer", input)?;
        let tokens = tokens.unwrap_or_else(|| tokens_of(input).saturating_add(tokens_of(&value)));
        Ok(Reply::new(value, 0).spending(Spend { tokens, ..Spend::NONE }))
    }

    fn embed(&self, call: &Call, text: &str) -> Result<Vec<f32>, Refusal> {
        match self.recorded(call, "embed", &Value::text(text))? {
            (Value::Vector(vector), _) => Ok(vector.to_vec()),
            _ => Err(Refusal::not_found(format!("{} has no vector for this text", self.file))),
        }
    }

    fn most_tokens(&self, input: &Value) -> u64 {
        let entries = self.entries.get("infer").into_iter().flatten();
        // What is given where nothing is recorded takes a token as well.
        let least = tokens_of(input).saturating_add(1);
        entries.map(|entry| Self::tokens(entry, input)).max().unwrap_or(least).max(least)
    }

    fn propose(&self, call: &Call, input: &Value, objective: &str, _: Option<&Program>) -> Outcome {
        let args = [("input", input.clone()), ("objective", Value::text(objective))];
        self.answer(call, "propose", &Value::Record(Record::from_iter(args)))
    }
}

#[cfg(test)]
mod tests;

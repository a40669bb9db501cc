//! Handles that programs hold: numbers that stand for a name or a task.

use std::collections::BTreeMap;

use avm_ir::{NameKind, Value, value::Record};

use crate::provider::Refusal;

/// A task that was started and not yet waited for to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    /// Name of the cluster.
    pub(crate) subnet: String,
    /// Its number there.
    pub(crate) number: u64,
    /// Nanocredits held for it.
    pub(crate) held: u64,
}

/// Every handle given out. Numbers count up, so they depend on the run alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Handles {
    next: u64,
    names: BTreeMap<u64, (NameKind, String)>,
    tasks: BTreeMap<u64, Task>,
}

impl Handles {
    /// A handle for a name.
    pub(crate) fn give(&mut self, kind: NameKind, name: &str) -> u64 {
        self.next += 1;
        self.names.insert(self.next, (kind, name.to_owned()));
        self.next
    }

    /// A handle for a task.
    pub(crate) fn start(&mut self, task: Task) -> u64 {
        self.next += 1;
        self.tasks.insert(self.next, task);
        self.next
    }

    /// The name behind a handle, if it is of that kind.
    pub(crate) fn name(&self, kind: NameKind, id: u64) -> Option<&str> {
        self.names.get(&id).filter(|(k, _)| *k == kind).map(|(_, name)| name.as_str())
    }

    /// The task behind a handle.
    pub(crate) fn task(&self, id: u64) -> Option<&Task> {
        self.tasks.get(&id)
    }

    /// Forgets a task and gives what was held for it.
    pub(crate) fn finish(&mut self, id: u64) -> Option<Task> {
        self.tasks.remove(&id)
    }

    pub(crate) fn save(&self) -> Value {
        let names = self.names.iter().map(|(id, (kind, name))| {
            let id = Value::Int(id.cast_signed());
            Value::list(vec![id, Value::Int(*kind as i64), Value::text(name)])
        });
        let tasks = self.tasks.iter().map(|(id, task)| {
            let numbers = [*id, task.number, task.held].map(|n| Value::Int(n.cast_signed()));
            let mut row = numbers.to_vec();
            row.push(Value::text(&task.subnet));
            Value::list(row)
        });
        Value::Record(Record::from_iter([
            ("next", Value::Int(self.next.cast_signed())),
            ("names", Value::list(names.collect())),
            ("tasks", Value::list(tasks.collect())),
        ]))
    }

    pub(crate) fn restore(state: &Value) -> Result<Self, Refusal> {
        if *state == Value::Null {
            return Ok(Self::default());
        }
        read(state).ok_or_else(|| Refusal::invalid("the handles are not what was saved"))
    }
}

fn read(state: &Value) -> Option<Handles> {
    let Value::Record(state) = state else { return None };
    let mut handles = Handles { next: number(state.get("next")?)?, ..Handles::default() };
    for row in rows(state.get("names")?)? {
        let [id, kind, Value::Text(name)] = row.as_slice() else { return None };
        let kind = NameKind::ALL.into_iter().find(|k| Some(*k as u64) == number(kind))?;
        handles.names.insert(number(id)?, (kind, name.to_string()));
    }
    for row in rows(state.get("tasks")?)? {
        let [id, task, held, Value::Text(subnet)] = row.as_slice() else { return None };
        let (number_of, held) = (number(task)?, number(held)?);
        let task = Task { subnet: subnet.to_string(), number: number_of, held };
        handles.tasks.insert(number(id)?, task);
    }
    Some(handles)
}

fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Int(int) => Some(int.cast_unsigned()),
        _ => None,
    }
}

fn rows(value: &Value) -> Option<Vec<Vec<Value>>> {
    let Value::List(list) = value else { return None };
    list.iter()
        .map(|row| match row {
            Value::List(row) => Some(row.iter().cloned().collect()),
            _ => None,
        })
        .collect()
}

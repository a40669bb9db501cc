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
    /// The request that started it.
    pub(crate) key: Key,
    /// The request that was told its end, and got back what it did not use.
    pub(crate) settled: Option<Key>,
    /// The request that got its result. It is forgotten with the next one: until then the machine
    /// may not have taken the answer.
    pub(crate) taken: Option<Key>,
}

/// Idempotency key of a request.
pub(crate) type Key = [u8; 32];

/// Tasks whose end was told and whose result nobody asked for that are kept.
const MOST_SETTLED: usize = 16;

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

    /// The task that a request started.
    pub(crate) fn started_by(&self, key: &Key) -> Option<(u64, &Task)> {
        let mut tasks = self.tasks.iter();
        tasks.find(|(_, task)| task.key == *key).map(|(id, task)| (*id, task))
    }

    /// The latest task on a cluster that is not forgotten.
    pub(crate) fn latest(&self, subnet: &str) -> Option<u64> {
        let mut tasks = self.tasks.iter().rev();
        tasks.find(|(_, task)| task.subnet == subnet).map(|(id, _)| *id)
    }

    /// Forgets the tasks whose result an earlier request took, and all but the newest of those
    /// whose end was told, and gives them.
    pub(crate) fn forget(&mut self, now: &Key) -> Vec<Task> {
        let settled = |task: &Task| task.settled.is_some() && task.settled != Some(*now);
        let count = self.tasks.values().filter(|task| settled(task)).count();
        let mut surplus = count.saturating_sub(MOST_SETTLED);
        let mut gone = Vec::new();
        self.tasks.retain(|_, task| {
            let old = surplus > 0 && settled(task);
            surplus -= usize::from(old);
            let taken = task.taken.is_some_and(|key| key != *now);
            if old || taken {
                gone.push(task.clone());
            }
            !(old || taken)
        });
        gone
    }

    /// The name behind a handle, if it is of that kind.
    pub(crate) fn name(&self, kind: NameKind, id: u64) -> Option<&str> {
        self.names.get(&id).filter(|(k, _)| *k == kind).map(|(_, name)| name.as_str())
    }

    /// The task behind a handle.
    pub(crate) fn task(&self, id: u64) -> Option<&Task> {
        self.tasks.get(&id)
    }

    /// The same, to be changed.
    pub(crate) fn task_mut(&mut self, id: u64) -> Option<&mut Task> {
        self.tasks.get_mut(&id)
    }

    /// Whether none was ever given.
    pub(crate) const fn is_new(&self) -> bool {
        self.next == 0
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
            for key in [Some(task.key), task.settled, task.taken] {
                row.push(key.map_or(Value::Null, |key| Value::Bytes(key.to_vec().into())));
            }
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
        let [id, task, held, Value::Text(subnet), started, settled, taken] = row.as_slice() else {
            return None;
        };
        let task = Task {
            subnet: subnet.to_string(),
            number: number(task)?,
            held: number(held)?,
            key: key(started)??,
            settled: key(settled)?,
            taken: key(taken)?,
        };
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

/// A key or none; `None` if it is neither.
fn key(value: &Value) -> Option<Option<Key>> {
    match value {
        Value::Null => Some(None),
        Value::Bytes(bytes) => bytes.as_slice().try_into().ok().map(Some),
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

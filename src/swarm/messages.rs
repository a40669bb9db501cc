//! Who sent what to whom, seen while a world is played again.

use std::collections::BTreeMap;

use avm_ir::{Value, value::Record};
use avm_vm::{
    Answer, Machine, World,
    world::{AgentId, Happened, Keep, Sent},
};

use super::{drive::Watch, summary::seconds};

/// A message to one receiver.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Its number; the same for every receiver.
    pub(crate) number: u64,
    /// When it was sent, in nanoseconds since 1970.
    pub(crate) sent: u64,
    pub(crate) from: AgentId,
    /// Executed instructions of the sender.
    pub(crate) from_step: u64,
    /// Its number in the outbox of its sender, if that signs.
    pub(crate) sequence: Option<u64>,
    pub(crate) to: AgentId,
    pub(crate) channel: Option<String>,
    /// Its name; for an answer that of the request.
    pub(crate) name: String,
    /// Size of what it carries, in bytes.
    pub(crate) bytes: u64,
    /// The request that it is an answer to.
    pub(crate) answers: Option<u64>,
    /// Whether there was room for it.
    pub(crate) delivered: bool,
    /// Executed instructions of the receiver when it got it, and when that was.
    pub(crate) taken: Option<(u64, u64)>,
}

impl Row {
    /// Whether it is from or to an agent.
    pub(crate) fn is_of(&self, agent: AgentId) -> bool {
        self.from == agent || self.to == agent
    }

    /// What it is called.
    pub(crate) fn label(&self) -> String {
        let name = if self.name.is_empty() { "message" } else { &self.name };
        match self.answers {
            Some(_) => format!("answer to {name}"),
            None => name.to_owned(),
        }
    }
}

/// Every message of a world, in the order in which they were sent.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) rows: Vec<Row>,
    /// The row of a message to an agent that has not taken it.
    open: BTreeMap<(AgentId, u64), usize>,
    /// Answers to a request that nobody took.
    answers: BTreeMap<u64, Vec<usize>>,
    /// The last message of somebody who signs: its number, and that in the outbox.
    posted: Option<(u64, u64)>,
}

impl Log {
    fn sent(&mut self, now: u64, sent: &Sent<'_>) {
        let row = self.rows.len();
        let posted = self.posted.filter(|(number, _)| *number == sent.number);
        let answers = sent.request.filter(|_| sent.answer);
        match answers {
            Some(request) => self.answers.entry(request).or_default().push(row),
            None if sent.delivered => drop(self.open.insert((sent.to, sent.number), row)),
            None => {}
        }
        self.rows.push(Row {
            number: sent.number,
            sent: now,
            from: sent.from,
            from_step: sent.step,
            sequence: posted.map(|(_, sequence)| sequence),
            to: sent.to,
            channel: sent.channel.map(|channel| channel.as_str().to_owned()),
            name: sent.name.as_str().to_owned(),
            bytes: sent.data.size(),
            answers,
            delivered: sent.delivered,
            taken: None,
        });
    }
}

impl Keep for Log {
    const SEES_PLAIN: bool = false;

    fn answer(&mut self, agent: AgentId, machine: &mut Machine, answer: Answer) {
        ().answer(agent, machine, answer);
    }

    fn saw(&mut self, now: u64, happened: &Happened<'_>) {
        match happened {
            Happened::Posted { message, outbox, .. } => {
                self.posted = Some((*message, outbox.count - 1));
            }
            Happened::Sent(sent) => self.sent(now, sent),
            Happened::Took { agent, step, message } => {
                if let Some(row) = self.open.remove(&(*agent, *message)) {
                    self.rows[row].taken = Some((*step, now));
                }
            }
            Happened::Settled { step, request, .. } => {
                for row in self.answers.remove(request).unwrap_or_default() {
                    self.rows[row].taken = Some((*step, now));
                }
            }
            _ => {}
        }
    }
}

impl Watch for Log {}

/// A message as people read it.
pub(crate) fn line(row: &Row, world: &World) -> String {
    let name = |agent| world.name(agent).unwrap_or("?");
    let since = |time: u64| seconds(time.saturating_sub(world.rules().epoch));
    let channel = row.channel.as_ref().map_or(String::new(), |channel| format!(" on {channel}"));
    let got = match row.taken {
        Some((step, time)) if time == row.sent => format!("step {step}"),
        Some((step, time)) => format!("step {step}, {} s", since(time)),
        None if row.delivered => "never took it".to_owned(),
        None => "had no room".to_owned(),
    };
    format!(
        "#{} {} s  {} (step {}) -> {} ({got}){channel}: {}, {} bytes",
        row.number,
        since(row.sent),
        name(row.from),
        row.from_step,
        name(row.to),
        row.label(),
        row.bytes
    )
}

/// A message as data; times are nanoseconds since 1970.
pub(crate) fn record(row: &Row, world: &World) -> Record {
    let int = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    let name = |agent| Value::text(world.name(agent).unwrap_or("?"));
    let or_null = |value: Option<Value>| value.unwrap_or(Value::Null);
    Record::from_iter([
        ("number", int(row.number)),
        ("sent", int(row.sent)),
        ("from", name(row.from)),
        ("from_step", int(row.from_step)),
        ("sequence", or_null(row.sequence.map(int))),
        ("to", name(row.to)),
        ("to_step", or_null(row.taken.map(|(step, _)| int(step)))),
        ("taken", or_null(row.taken.map(|(_, time)| int(time)))),
        ("delivered", Value::Bool(row.delivered)),
        ("channel", or_null(row.channel.as_deref().map(Value::text))),
        ("name", Value::text(&row.name)),
        ("answers", or_null(row.answers.map(int))),
        ("bytes", int(row.bytes)),
    ])
}

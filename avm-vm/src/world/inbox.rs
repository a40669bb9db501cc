//! Messages, and where they wait until their receiver takes them.

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    vec::Vec,
};

use avm_ir::{
    Value,
    value::{HandleKind, Names, Record, Text, decode, encode_to},
    wire::{Reader, WireError, Writer},
};

use super::{
    AgentId, SECOND,
    actor::What,
    stall::{Talk, read_talk, write_talk},
};

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Its number in the world.
    pub number: u64,
    /// Who sent it.
    pub from: AgentId,
    /// The channel that it came by; none if it was sent to its receiver alone.
    pub channel: Option<Text>,
    /// Its name.
    pub name: Text,
    /// What it carries.
    pub data: Value,
    /// The request that an answer to it belongs to.
    pub request: Option<u64>,
    /// When it was sent, in nanoseconds since 1970.
    pub sent: u64,
    /// What led to it, where somebody looks.
    pub(super) talk: Option<Arc<Talk>>,
}

/// Texts that come with every message, made once for a world.
#[derive(Debug)]
pub(super) struct Labels {
    /// Names of the fields of a message as a program gets it.
    fields: Names,
    /// The name of a message to one agent alone.
    pub(super) none: Text,
}

impl Labels {
    pub(super) fn new() -> Self {
        Self {
            fields: Names::of(&["channel", "data", "from", "name", "request", "sent"]),
            none: Text::from(""),
        }
    }
}

impl Message {
    /// What a program gets.
    pub(super) fn value(&self, labels: &Labels) -> Value {
        self.clone().into_value(labels)
    }

    /// The same of a message that nobody else gets.
    pub(super) fn into_value(self, labels: &Labels) -> Value {
        let handle = |kind, number| Value::Handle(kind, number);
        let values = [
            self.channel.map_or(Value::Null, Value::Text),
            self.data,
            handle(HandleKind::Agent, u64::from(self.from.0)),
            Value::Text(self.name),
            self.request.map_or(Value::Null, |number| handle(HandleKind::Request, number)),
            seconds(self.sent),
        ];
        Value::Record(Record::alike(&labels.fields, values))
    }

    /// Whether it is one that an agent waits for.
    pub(super) fn is(&self, what: &What) -> bool {
        match what {
            What::Message(None) => true,
            What::Message(Some(name)) => self.name == *name,
            What::From(agent) => self.from == *agent,
            What::Time | What::Request(_) => false,
        }
    }

    /// Reads what [`Self::write`] wrote.
    pub(super) fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        let (number, from) = (input.u64()?, AgentId(input.u32()?));
        let channel = Some(input.text()?).filter(|name| !name.is_empty()).map(Text::from);
        let (name, data) = (Text::from(input.text()?), decode(input)?);
        let request = Some(input.u64()?).filter(|number| *number != u64::MAX);
        let (sent, talk) = (input.u64()?, read_talk(input)?);
        Ok(Self { number, from, channel, name, data, request, sent, talk })
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.u64(self.number);
        out.u32(self.from.0);
        out.text(self.channel.as_ref().map_or("", |channel| channel));
        out.text(&self.name);
        encode_to(&self.data, out);
        out.u64(self.request.map_or(u64::MAX, |request| request));
        out.u64(self.sent);
        write_talk(self.talk.as_ref(), out);
    }
}

/// A time as programs have it: whole seconds as an int, else a float.
pub(super) fn seconds(nanoseconds: u64) -> Value {
    match i64::try_from(nanoseconds / SECOND) {
        Ok(seconds) if nanoseconds.is_multiple_of(SECOND) => Value::Int(seconds),
        // It is shown to the program and takes part in no accounting.
        _ => Value::Float(nanoseconds as f64 / SECOND as f64),
    }
}

/// Messages of which a sender's are counted by looking at them.
const FEW: usize = 16;

/// Room that an empty inbox keeps, in messages. Most are empty most of the time.
const ROOM: usize = 8;

/// Messages that an agent has not taken yet, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    messages: VecDeque<Arc<Message>>,
    /// How many there are of each sender, where they are not few; else nothing.
    shares: BTreeMap<AgentId, u32>,
}

impl Inbox {
    /// Puts a message in, if its sender's share has room.
    pub(super) fn put(&mut self, message: Arc<Message>, share: u32) -> bool {
        if self.held(message.from) >= share {
            return false;
        }
        if self.messages.len() == FEW && self.shares.is_empty() {
            for message in &self.messages {
                *self.shares.entry(message.from).or_default() += 1;
            }
        }
        if !self.shares.is_empty() {
            *self.shares.entry(message.from).or_default() += 1;
        }
        self.messages.push_back(message);
        true
    }

    /// How many messages of a sender there are.
    pub(super) fn held(&self, from: AgentId) -> u32 {
        if self.shares.is_empty() {
            return self.messages.iter().filter(|message| message.from == from).count() as u32;
        }
        self.shares.get(&from).copied().unwrap_or(0)
    }

    /// Takes the first message that is waited for.
    pub(super) fn take(&mut self, what: &What) -> Option<Arc<Message>> {
        let at = self.messages.iter().position(|message| message.is(what))?;
        let message = self.messages.remove(at)?;
        if let Some(held) = self.shares.get_mut(&message.from) {
            *held -= 1;
            if *held == 0 {
                self.shares.remove(&message.from);
            }
        }
        if self.messages.is_empty() && self.messages.capacity() > ROOM {
            self.messages = VecDeque::new();
        }
        Some(message)
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.u32(self.messages.len() as u32);
        self.messages.iter().for_each(|message| message.write(out));
    }

    /// Writes each message where it comes first, and its place among those later.
    pub(super) fn write_shared(&self, places: &mut BTreeMap<u64, u32>, out: &mut Writer) {
        out.u32(self.messages.len() as u32);
        for message in &self.messages {
            let new = places.len() as u32;
            let place = *places.entry(message.number).or_insert(new);
            out.u32(place);
            if place == new {
                message.write(out);
            }
        }
    }

    /// Reads what [`Self::write_shared`] wrote.
    pub(super) fn read_shared(
        all: &mut Vec<Arc<Message>>,
        numbers: &mut BTreeSet<u64>,
        input: &mut Reader<'_>,
    ) -> Result<Self, WireError> {
        let mut inbox = Self::default();
        for _ in 0..input.count(4)? {
            let place = input.u32()? as usize;
            if place == all.len() {
                let message = Message::read(input)?;
                if !numbers.insert(message.number) {
                    return Err(input.error("another message of the same number"));
                }
                all.push(Arc::new(message));
            }
            let message = all.get(place).ok_or(input.error("no such message"))?;
            inbox.put(message.clone(), u32::MAX);
        }
        Ok(inbox)
    }

    /// Who sent what is there.
    pub(super) fn senders(&self) -> impl Iterator<Item = AgentId> {
        self.messages.iter().map(|message| message.from)
    }
}

//! What agents ask the host, answered by providers: side by side where that shows nowhere.

use std::{collections::BTreeMap, sync::Arc, thread};

use avm_ir::{Value, value::Record};
use avm_plugins::{provider::Refusal, registry::Registry};
use avm_vm::{Answer, EffectRequest, Machine, Spend, world::AgentId};

/// Most requests that are under way at once.
const LANES: usize = 16;

/// The providers of all agents. What a provider remembers is shared, handles are each agent's own.
pub(crate) struct Asks {
    first: Registry,
    each: BTreeMap<AgentId, Registry>,
}

/// A request, whose it is, and in the end its answer.
struct Asked {
    agent: AgentId,
    request: Arc<EffectRequest>,
    registry: Registry,
    answer: Option<Answer>,
}

impl Asked {
    fn answer(&mut self) {
        let answer = self.registry.answer(&self.request);
        // Time outside is not metered in a world: the same world would end in another state each time.
        self.answer = Some(Answer { spent: Spend { wall: 0, ..answer.spent }, ..answer });
    }
}

impl Asks {
    /// All agents are answered by these providers.
    pub(crate) const fn of(registry: Registry) -> Self {
        Self { first: registry, each: BTreeMap::new() }
    }

    /// Answers requests, in their order.
    pub(crate) fn answer(
        &mut self,
        asks: Vec<(AgentId, Arc<EffectRequest>)>,
    ) -> Vec<(AgentId, Answer)> {
        let asked = asks.into_iter().map(|(agent, request)| {
            let registry = self.each.remove(&agent);
            let registry = registry.unwrap_or_else(|| self.first.for_another());
            Asked { agent, request, registry, answer: None }
        });
        let mut asked: Vec<Asked> = asked.collect();
        let (mut ordered, mut free): (Vec<&mut Asked>, Vec<&mut Asked>) =
            asked.iter_mut().partition(|asked| asked.registry.is_in_order(&asked.request));
        thread::scope(|scope| {
            let size = free.len().div_ceil(LANES).max(1);
            // One alone needs nobody beside it.
            if free.len() + ordered.len() > 1 {
                for lane in free.chunks_mut(size) {
                    scope.spawn(|| lane.iter_mut().for_each(|asked| asked.answer()));
                }
            } else {
                free.iter_mut().for_each(|asked| asked.answer());
            }
            ordered.iter_mut().for_each(|asked| asked.answer());
        });
        let mut answers = Vec::with_capacity(asked.len());
        for Asked { agent, registry, answer, .. } in asked {
            self.each.insert(agent, registry);
            answers.extend(answer.map(|answer| (agent, answer)));
        }
        answers
    }

    /// Whether what a request does may stay done when this command is gone.
    pub(crate) fn outlives(&self, agent: AgentId, request: &EffectRequest) -> bool {
        self.each.get(&agent).unwrap_or(&self.first).outlives(request)
    }

    /// What providers remember, of whom it is, and which handles agents hold.
    pub(crate) fn save(&self) -> Value {
        let handles = self.each.iter().filter_map(|(agent, registry)| {
            let handles = registry.save_handles();
            let agent = Value::Int(i64::from(agent.0));
            (handles != Value::Null).then(|| Value::list(vec![agent, handles]))
        });
        Value::Record(Record::from_iter([
            ("handles", Value::list(handles.collect())),
            ("providers", self.first.save()),
            ("who", self.first.who()),
        ]))
    }

    /// Takes back what [`Self::save`] gave, if the providers are the same.
    pub(crate) fn restore(&mut self, saved: &Value) -> Result<(), String> {
        let Value::Record(saved) = saved else {
            return Err("what providers remember is no record".to_owned());
        };
        let part = |name: &str| saved.get(name).unwrap_or(&Value::Null);
        if *part("who") != self.first.who() {
            return Err("it was taken with other providers".to_owned());
        }
        let failed = |refusal: Refusal| refusal.failure.message;
        self.first.restore(part("providers")).map_err(failed)?;
        let Value::List(handles) = part("handles") else {
            return Err("handles are no list".to_owned());
        };
        for row in handles.iter() {
            let row = if let Value::List(row) = row { row.as_slice() } else { &[] };
            let [Value::Int(agent), handles] = row else {
                return Err("handles are of no agent".to_owned());
            };
            let agent = u32::try_from(*agent).map_err(|_| "handles are of no agent")?;
            let mut registry = self.first.for_another();
            registry.restore_handles(handles).map_err(failed)?;
            self.each.insert(AgentId(agent), registry);
        }
        Ok(())
    }

    /// Asks again what a journal says was answered, of providers whose memory ends with the command.
    pub(crate) fn rehearse(&mut self, agent: AgentId, machine: &Machine) {
        let Some(request) = machine.pending() else { return };
        let each = self.each.entry(agent);
        each.or_insert_with(|| self.first.for_another()).rehearse(request);
    }

    /// Brings what providers keep to the disk.
    pub(crate) fn flush(&mut self) -> Result<(), String> {
        self.first.flush().map_err(|failure| format!("store: {failure}"))
    }
}

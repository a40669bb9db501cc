//! The agent's state as bytes: the hash that says two runs are the same, and what an agent keeps
//! from one run to the next.

use avm_ir::{
    Value,
    value::{Record, Text, encode_to},
    wire::Writer,
};

use super::{End, InputError, Machine};

impl Machine {
    /// blake3 over everything that decides how the run goes on: program, schedule, policy, limits,
    /// inputs, place, frames, registers, status words, store, log, saved state, meters, random
    /// numbers, pending effect.
    pub fn state_hash(&self) -> [u8; 32] {
        let mut out = Writer::new();
        out.raw(&self.image.program_hash());
        out.raw(&self.image.schedule_hash());
        out.u32(self.region);
        out.u64(self.pc as u64);
        out.u64(self.agent.steps);
        out.u64(self.agent.gas);
        out.u64(self.agent.gas_limit);
        out.u64(self.seed);
        out.u64(self.agent.drawn);
        out.u64(self.next_effect);
        out.u64(self.agent.failures);
        out.u8(self.on_exhausted as u8);
        out.u64(self.call_depth as u64);
        out.u64(self.agent.log_limit as u64);
        for budget in [&self.agent.budget, &self.agent.spent] {
            budget.spend.amounts().into_iter().for_each(|amount| out.u64(amount));
            out.u64(budget.effects);
        }
        out.text(&self.agent.last_failure_text().unwrap_or_default());
        out.u8(u8::from(self.pending.is_some()));
        if let Some(pending) = &self.pending {
            // Set when it was asked; a top-up since then has not changed them.
            out.u64(pending.charged);
            out.u64(pending.request.max_gas);
            out.u64(pending.request.max_bytes);
            out.u64(pending.request.max_units);
            let spend = pending.request.max_spend.amounts();
            spend.into_iter().for_each(|amount| out.u64(amount));
            out.u8(u8::from(pending.own_limit));
        }
        for counter in self.agent.memory.counters() {
            out.u64(counter);
        }
        out.u32(self.frames.len() as u32);
        for frame in &self.frames {
            out.u64(frame.base as u64);
            out.u64(frame.live as u64);
            out.u32(frame.region);
            out.u64(frame.pc as u64);
            out.u8(frame.result);
        }
        for value in &self.stack[..self.base + self.live] {
            encode_to(value, &mut out);
        }
        let status = &self.agent.status;
        for word in [status.bool, status.plugin, status.task, status.rewrite] {
            out.u8(u8::from(word));
        }
        encode_to(&status.sandbox, &mut out);
        encode_to(&self.agent.saved, &mut out);
        // What `RESET_EXECUTION_STATE` puts back.
        out.u32(self.agent.initial.len() as u32);
        for (register, value) in &self.agent.initial {
            out.u8(*register);
            encode_to(value, &mut out);
        }
        out.u32(self.agent.kv.len() as u32);
        for (key, value) in &self.agent.kv {
            out.text(key);
            encode_to(value, &mut out);
        }
        out.u32(self.agent.log.len() as u32);
        for entry in &self.agent.log {
            out.u64(entry.step);
            encode_to(&entry.note, &mut out);
        }
        match &self.end {
            None => out.u8(0),
            Some(End::Halted(value)) => {
                out.u8(1);
                encode_to(value, &mut out);
            }
            Some(End::Exhausted(meter)) => {
                out.u8(2);
                out.u8(*meter as u8);
            }
            Some(End::Trapped(trap)) => {
                out.u8(3);
                out.u16(trap.code as u16);
                out.text(&trap.message);
            }
        }
        let mut hasher = blake3::Hasher::new_derive_key("aither avm state v1");
        hasher.update(&out.finish());
        *hasher.finalize().as_bytes()
    }

    /// What the agent keeps for its next run: its private store and its saved state (P-67).
    pub fn keepsake(&self) -> Value {
        let kv = self.agent.kv.iter().map(|(key, value)| (key.clone(), value.clone()));
        let kv = Value::Record(Record::from_iter(kv));
        let saved = self.agent.saved.clone();
        Value::Record(Record::from_iter([(Text::from("kv"), kv), (Text::from("saved"), saved)]))
    }

    pub(super) fn take_keepsake(&mut self, keepsake: &Value) -> Result<(), InputError> {
        let Value::Record(keepsake) = keepsake else { return Err(InputError::Keepsake) };
        match (keepsake.get("kv"), keepsake.get("saved")) {
            (Some(Value::Record(kv)), Some(saved)) => {
                for (key, value) in kv.iter() {
                    self.agent.kv_store(key.clone(), value.clone());
                }
                self.agent.saved = saved.clone();
                Ok(())
            }
            _ => Err(InputError::Keepsake),
        }
    }
}

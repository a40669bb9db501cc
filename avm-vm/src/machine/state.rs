//! The hash that says two runs are the same, and what an agent keeps from one run to the next.

use avm_ir::{
    Value,
    value::{MAX_NESTING, Record, Text},
    wire::Writer,
};

use super::{InputError, Machine};

const CONTEXT: &str = "aither avm state v1";

/// Hash of a state that was written as bytes.
pub(super) fn hash(state: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new_derive_key(CONTEXT).update(state).finalize().as_bytes()
}

impl Machine {
    /// blake3 over everything that decides how the run goes on, as [`Self::snapshot`] writes it.
    pub fn state_hash(&self) -> [u8; 32] {
        // Of a large state no copy is made.
        let mut out = Writer::hashing(CONTEXT);
        self.write_state(&mut out);
        out.hash()
    }

    /// What the agent keeps for its next run: its private store and its saved state (P-67).
    pub fn keepsake(&self) -> Value {
        let kv = self.agent.kv.iter().map(|(key, value)| (key.clone(), value.clone()));
        let kv = Value::Record(Record::from_iter(kv));
        let saved = self.agent.saved.clone();
        Value::Record(Record::from_iter([(Text::from("kv"), kv), (Text::from("saved"), saved)]))
    }

    pub(super) fn take_keepsake(&mut self, keepsake: &Value) -> Result<(), InputError> {
        if keepsake.nesting() > MAX_NESTING {
            return Err(InputError::Keepsake);
        }
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

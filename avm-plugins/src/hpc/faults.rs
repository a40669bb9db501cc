//! Faults on demand, so that every way in which a task can end can be brought about.

use core::time::Duration;
use std::collections::BTreeMap;

use avm_ir::Value;

/// What goes wrong on purpose.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    /// How many starts of a payload break down after their first chunk.
    pub(super) fail_first: u64,
    /// Chunks after which a task ends as if its credits were used up.
    pub(super) max_chunks: Option<u64>,
    /// Chunks after which a task computes no more and never ends.
    pub(super) stall_after: Option<u64>,
    /// Time that every chunk takes besides computing.
    pub(super) slow: Duration,
}

/// How often each payload was started, by its hash; counted only if that decides anything.
#[derive(Clone, Debug, Default)]
pub(super) struct Starts(BTreeMap<[u8; 32], u64>);

impl Starts {
    /// Counts a start and says whether it breaks down.
    pub(super) fn breaks(&mut self, faults: &Faults, payload: &Value) -> bool {
        if faults.fail_first == 0 {
            return false;
        }
        let hash = *blake3::hash(&avm_ir::value::encode(payload)).as_bytes();
        let starts = self.0.entry(hash).or_default();
        *starts += 1;
        *starts <= faults.fail_first
    }

    pub(super) fn save(&self) -> Value {
        let row = |(hash, starts): (&[u8; 32], &u64)| {
            let hash = Value::Bytes(hash.to_vec().into());
            Value::list(vec![hash, Value::Int(starts.cast_signed())])
        };
        Value::list(self.0.iter().map(row).collect())
    }

    pub(super) fn restore(value: &Value) -> Option<Self> {
        let Value::List(rows) = value else { return None };
        let mut starts = BTreeMap::new();
        for row in rows.iter() {
            let Value::List(row) = row else { return None };
            let [Value::Bytes(hash), Value::Int(count)] = row.as_slice() else { return None };
            starts.insert(hash.as_slice().try_into().ok()?, count.cast_unsigned());
        }
        Some(Self(starts))
    }
}

//! The book of leases: who may use which part of a GPU until when.

use core::time::Duration;
use std::collections::BTreeMap;

use avm_ir::{Value, value::Record};

/// Parts of a GPU, so that a half, a third, up to an eighth are whole numbers of parts.
const WHOLE: u64 = 840;
/// Most slices that a GPU is cut into.
const MOST_SLICES: u64 = 8;

/// A GPU or a slice of one: `gpu0`, or `gpu0/4` for a quarter of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slice {
    pub(super) gpu: String,
    /// Into how many slices it is cut.
    cut: u64,
}

impl Slice {
    /// Reads a name; `None` if what follows the `/` is no number from 1 to 8.
    pub(super) fn read(name: &str) -> Option<Self> {
        let (gpu, cut) = match name.rsplit_once('/') {
            Some((gpu, cut)) => (gpu, cut.parse().ok()?),
            None => (name, 1),
        };
        (1..=MOST_SLICES).contains(&cut).then(|| Self { gpu: gpu.to_owned(), cut })
    }

    const fn parts(&self) -> u64 {
        WHOLE / self.cut
    }
}

/// A lease that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lease {
    /// The call that asked for it.
    key: [u8; 32],
    ends: Duration,
}

/// All leases that run, by slice, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Leases(BTreeMap<Slice, Vec<Lease>>);

impl Leases {
    /// Forgets the leases whose time is over.
    pub(super) fn expire(&mut self, now: Duration) {
        self.0.retain(|_, leases| {
            leases.retain(|lease| lease.ends > now);
            !leases.is_empty()
        });
    }

    fn taken(&self, gpu: &str) -> u64 {
        let leases = self.0.iter().filter(|(slice, _)| slice.gpu == gpu);
        leases.map(|(slice, leases)| slice.parts() * leases.len() as u64).sum()
    }

    /// The part of a GPU that is leased, 0 to 1.
    pub(super) fn share(&self, gpu: &str) -> f64 {
        self.taken(gpu) as f64 / WHOLE as f64
    }

    /// Leases a slice until then, once for each call; `false` if too little of the GPU is free.
    pub(super) fn take(&mut self, slice: Slice, key: [u8; 32], ends: Duration) -> bool {
        if self.0.get(&slice).is_some_and(|leases| leases.iter().any(|lease| lease.key == key)) {
            return true;
        }
        if self.taken(&slice.gpu) + slice.parts() > WHOLE {
            return false;
        }
        self.0.entry(slice).or_default().push(Lease { key, ends });
        true
    }

    /// Ends the oldest lease of a slice and gives when it would have ended.
    pub(super) fn end(&mut self, slice: &Slice) -> Option<Duration> {
        let leases = self.0.get_mut(slice)?;
        let lease = leases.remove(0);
        if leases.is_empty() {
            self.0.remove(slice);
        }
        Some(lease.ends)
    }

    /// The leases with the milliseconds that are left of them.
    pub(super) fn save(&self, now: Duration) -> Value {
        let rows = self.0.iter().flat_map(|(slice, leases)| {
            leases.iter().map(move |lease| {
                let left = lease.ends.saturating_sub(now).as_millis();
                Value::Record(Record::from_iter([
                    ("gpu", Value::text(&slice.gpu)),
                    ("cut", Value::Int(slice.cut.cast_signed())),
                    ("key", Value::Bytes(lease.key.to_vec().into())),
                    ("left", Value::Int(i64::try_from(left).unwrap_or(i64::MAX))),
                ]))
            })
        });
        let rows: Vec<Value> = rows.collect();
        if rows.is_empty() { Value::Null } else { Value::list(rows) }
    }

    /// The leases as saved, counted from now.
    pub(super) fn restore(saved: &Value, now: Duration) -> Option<Self> {
        let mut leases = Self::default();
        let rows = match saved {
            Value::Null => return Some(leases),
            Value::List(rows) => rows,
            _ => return None,
        };
        for row in rows.iter() {
            let Value::Record(row) = row else { return None };
            let (Value::Text(gpu), Value::Int(cut)) = (row.get("gpu")?, row.get("cut")?) else {
                return None;
            };
            let (Value::Bytes(key), Value::Int(left)) = (row.get("key")?, row.get("left")?) else {
                return None;
            };
            let cut = cut.cast_unsigned();
            if !(1..=MOST_SLICES).contains(&cut) {
                return None;
            }
            let left = Duration::from_millis(u64::try_from(*left).ok()?);
            let slice = Slice { gpu: gpu.to_string(), cut };
            let key = key.as_slice().try_into().ok()?;
            if !leases.take(slice, key, now.saturating_add(left)) {
                return None;
            }
        }
        Some(leases)
    }
}

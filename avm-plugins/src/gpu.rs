//! `builtin:devices`: leases of the GPUs of this machine.
//!
//! The slots are `cpu`, which is always there and is no GPU, `gpu0`, `gpu1` and so on as the NVIDIA
//! driver knows them, and whatever other names the operator lends. A lease is the run's own
//! bookkeeping: it keeps two parts of a program from using one device and it spends GPU time, but no
//! driver locks a device for a process, so it does not keep other processes away.

mod leases;
#[cfg(feature = "nvml")]
mod nvml;

use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use avm_ir::Value;
use avm_vm::{FailureCode, Spend};
use serde::Deserialize;

use self::leases::{Leases, Slice};
use crate::{
    host::Host,
    provider::{
        Call, Determinism, Function, Gpus, Manifest, Outcome, Provider, Reaches, Refusal, Reply,
    },
    settings::{BadSettings, Settings},
    shape::Shape,
};

/// The slot that is always there.
pub const CPU: &str = "cpu";

/// What knows the GPUs of a machine.
trait Probe: Send + Sync {
    /// How many there are.
    fn count(&self) -> u32;

    /// How busy one is, 0 to 1.
    fn load(&self, index: u32) -> Result<f64, String>;
}

/// Keys of the configuration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Keys {
    slots: Vec<String>,
    max_seconds: u64,
}

impl Default for Keys {
    fn default() -> Self {
        Self { slots: Vec::new(), max_seconds: 24 * 60 * 60 }
    }
}

/// The GPUs of this machine.
pub struct Devices {
    probe: Box<dyn Probe>,
    slots: Vec<String>,
    max_seconds: u64,
    leases: Mutex<Leases>,
    host: Arc<dyn Host>,
}

/// What a slot is.
enum Slot {
    /// A name that is lent; its load is the part that is leased.
    Name,
    /// A GPU of the driver, by index.
    Gpu(u32),
}

impl Devices {
    /// The GPUs as configured: `slots` (names lent besides those found), `max_seconds` (longest
    /// lease). The driver is asked when a program names a GPU.
    ///
    /// # Errors
    /// A key is unknown or out of range.
    pub fn new(settings: &Settings) -> Result<Self, BadSettings> {
        #[cfg(feature = "nvml")]
        let probe = Box::new(nvml::Driver::default());
        #[cfg(not(feature = "nvml"))]
        let probe = Box::new(NoDriver);
        Self::with(probe, settings)
    }

    fn with(probe: Box<dyn Probe>, settings: &Settings) -> Result<Self, BadSettings> {
        let Keys { slots, max_seconds } = settings.read()?;
        if let Some(slot) = slots.iter().find(|slot| slot.is_empty() || slot.contains('/')) {
            return Err(BadSettings(format!("slots: {slot:?} is no name of a slot")));
        }
        // More would not fit where milliseconds are counted as ints.
        if !(1..=1_000_000_000).contains(&max_seconds) {
            return Err(BadSettings::new("max_seconds must be from 1 to 1000000000"));
        }
        let host = Arc::clone(&settings.host);
        Ok(Self { probe, slots, max_seconds, leases: Mutex::default(), host })
    }

    /// The leases that run now.
    fn leases(&self) -> (MutexGuard<'_, Leases>, Duration) {
        // A panic while it was held would be a bug of ours; what it holds is still whole.
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.host.now();
        leases.expire(now);
        (leases, now)
    }

    /// The slice that a name stands for.
    fn find(&self, name: &str) -> Result<(Slice, Slot), Refusal> {
        let slice = Slice::read(name).ok_or_else(|| {
            Refusal::invalid(format!("{name:?} is no slice; a slice is a GPU's name and /1 to /8"))
        })?;
        let gpu = slice.gpu.as_str();
        if gpu == CPU || self.slots.iter().any(|slot| slot == gpu) {
            return Ok((slice, Slot::Name));
        }
        let index = gpu.strip_prefix("gpu").and_then(|index| index.parse::<u32>().ok());
        // Only the usual spelling of a number, so that one GPU has one name.
        let index = index.filter(|index| format!("gpu{index}") == gpu);
        let count = self.probe.count();
        match index {
            Some(index) if index < count => Ok((slice, Slot::Gpu(index))),
            _ => {
                let found = (0..count).map(|index| format!("gpu{index}"));
                let all: Vec<String> = core::iter::once(CPU.to_owned())
                    .chain(found)
                    .chain(self.slots.iter().cloned())
                    .collect();
                let all = all.join(", ");
                Err(Refusal::not_found(format!("there is no GPU \"{gpu}\"; there are {all}")))
            }
        }
    }
}

impl Provider for Devices {
    fn manifest(&self) -> Manifest {
        let function = |name, about, result| Function::new(name, about, Shape::Any, result);
        Manifest {
            about: "leases of cpu and of the GPUs that the driver knows; locks no device".into(),
            functions: vec![
                function("allocate", "leases a GPU or a slice of one", Shape::Any).once(),
                function("release", "ends a lease", Shape::Any).once(),
                function("load", "how busy a GPU is, 0 to 1", Shape::Number),
            ],
            determinism: Determinism::Outside,
            reaches: Reaches::Devices,
            cost: 0,
        }
    }

    /// The leases with the time left of them; while a run is suspended they do not run down.
    fn save(&self) -> Value {
        let (leases, now) = self.leases();
        leases.save(now)
    }

    fn restore(&self, saved: &Value) -> Result<(), Refusal> {
        let (mut leases, now) = self.leases();
        *leases = Leases::restore(saved, now)
            .ok_or_else(|| Refusal::invalid("the leases are not what was saved"))?;
        Ok(())
    }
}

impl Gpus for Devices {
    fn allocate(&self, call: &Call, gpu: &str, seconds: u64) -> Outcome {
        if !(1..=self.max_seconds).contains(&seconds) {
            let message =
                format!("a lease is from 1 to {} seconds, not {seconds}", self.max_seconds);
            return Err(Refusal::invalid(message));
        }
        let (slice, _) = self.find(gpu)?;
        let spent = Spend { gpu: seconds.saturating_mul(1000), ..Spend::NONE };
        call.reserves(&spent)?;
        let (mut leases, now) = self.leases();
        let ends = now.saturating_add(Duration::from_secs(seconds));
        if !leases.take(slice, call.idempotency_key.bytes(), ends) {
            let message =
                format!("too little of {gpu} is free; release it, or wait for leases to end");
            return Err(Refusal::new(FailureCode::Unavailable, message));
        }
        Ok(Reply::ok(0).spending(spent))
    }

    fn release(&self, _: &Call, gpu: &str) -> Outcome {
        let (slice, _) = self.find(gpu)?;
        let (mut leases, now) = self.leases();
        let ends = leases.end(&slice).ok_or_else(|| {
            Refusal::not_found(format!("there is no lease of {gpu}, or its time is over"))
        })?;
        let unused = ends.saturating_sub(now).as_secs();
        let refund = Spend { gpu: unused.saturating_mul(1000), ..Spend::NONE };
        Ok(Reply { refund, ..Reply::default() })
    }

    fn load(&self, _: &Call, gpu: &str) -> Result<f64, Refusal> {
        let (slice, slot) = self.find(gpu)?;
        match slot {
            Slot::Name => Ok(self.leases().0.share(&slice.gpu)),
            Slot::Gpu(index) => self.probe.load(index).map_err(|error| {
                let message = format!("{} does not tell its load: {error}", slice.gpu);
                Refusal::new(FailureCode::Unavailable, message)
            }),
        }
    }
}

/// A machine whose driver nobody asks.
#[cfg(not(feature = "nvml"))]
struct NoDriver;

#[cfg(not(feature = "nvml"))]
impl Probe for NoDriver {
    fn count(&self) -> u32 {
        0
    }

    fn load(&self, _: u32) -> Result<f64, String> {
        Err("this avm is built without the feature nvml".to_owned())
    }
}

impl std::fmt::Debug for Devices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Devices").field("slots", &self.slots).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

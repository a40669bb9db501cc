//! A registry asked as a machine asks it: each request has a key of its own, and what answers spend
//! and refund is settled.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use avm_ir::{NameKind, Opcode, Value, value, verify::CodePlace};
use avm_plugins::{
    host::Host,
    registry::{Binding, Origin, Registry},
};
use avm_vm::{Answer, EffectRequest, Spend};

/// A host whose files all say the same, and whose clock moves when somebody sleeps.
#[derive(Default)]
pub(crate) struct Files {
    text: String,
    slept: Mutex<Duration>,
}

impl Host for Files {
    fn read(&self, _: &str) -> Result<Vec<u8>, String> {
        Ok(self.text.clone().into_bytes())
    }

    fn path(&self, path: &str) -> PathBuf {
        PathBuf::from(path)
    }

    fn now(&self) -> Duration {
        *self.slept.lock().unwrap()
    }

    fn unix_time(&self) -> i64 {
        0
    }

    fn sleep(&self, time: Duration) {
        *self.slept.lock().unwrap() += time;
    }
}

/// A run without a machine.
pub(crate) struct Bench {
    pub(crate) registry: Registry,
    pub(crate) host: Arc<Files>,
    /// What is left on the meters.
    pub(crate) left: Spend,
    asked: u64,
}

impl Bench {
    /// The embedded defaults, on a host whose files say this.
    pub(crate) fn new(text: &str) -> Self {
        let host = Arc::new(Files { text: text.to_owned(), ..Files::default() });
        let registry = Registry::embedded(host.clone());
        let left = Spend { credits: 1_000_000_000_000, gpu: 3_600_000, ..Spend::UNLIMITED };
        Self { registry, host, left, asked: 0 }
    }

    /// Binds a name with keys as TOML.
    pub(crate) fn bind(&mut self, kind: NameKind, name: &str, provider: &str, keys: &str) {
        let table = toml::from_str(keys).unwrap();
        let binding = Binding { table, ..Binding::to(provider, Origin::Config) };
        self.registry.bind(kind, name, binding).unwrap();
    }

    /// Asks and settles.
    pub(crate) fn answer(&mut self, opcode: Opcode, args: &[Value]) -> Answer {
        self.asked += 1;
        let mut args: Vec<_> = args.iter().cloned().map(Some).collect();
        args.resize(opcode.info().inputs.len(), None);
        let mut idempotency_key = [0; 32];
        idempotency_key[..8].copy_from_slice(&self.asked.to_le_bytes());
        let answer = self.registry.answer(&EffectRequest {
            id: self.asked,
            opcode,
            reach: opcode.info().reach.unwrap(),
            args: args.into_iter().collect(),
            at: CodePlace { region: 0, pc: 0 },
            max_gas: u64::MAX,
            max_bytes: u64::MAX,
            max_units: u64::MAX,
            max_spend: self.left,
            code: None,
            idempotency_key: idempotency_key.into(),
        });
        assert_eq!(answer.spent.over(&self.left), None);
        self.left = self.left.minus(&answer.spent).plus(&answer.refund);
        answer
    }

    /// The first output as JSON, or the failure.
    pub(crate) fn ask(&mut self, opcode: Opcode, args: &[Value]) -> String {
        match self.answer(opcode, args).result {
            Ok(outputs) => outputs.first().map_or("nothing".to_owned(), value::to_json),
            Err(failure) => failure.to_string(),
        }
    }
}

/// A value from its JSON text.
pub(crate) fn json(text: &str) -> Value {
    value::from_json(text, u64::MAX).unwrap()
}

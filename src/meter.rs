//! What a run did and where its gas went, seen from outside the machine.

use std::{collections::BTreeMap, time::Duration};

use avm_ir::{
    Opcode, Value,
    value::{Record, to_text},
    verify::CodePlace,
};
use avm_vm::{Answer, EffectRequest, Observer};

use crate::output::Out;

/// Watches a run: hands notes and effects on as they come, and adds up. Without `STEPS` it does not
/// look at every instruction, which costs time.
pub(crate) struct Meter<'a, const STEPS: bool> {
    out: &'a mut Out,
    json: bool,
    pub(crate) totals: Totals,
    /// Provider and time of the answer that the machine is about to take.
    answering: Option<(String, Duration)>,
}

/// What adds up.
#[derive(Default)]
pub(crate) struct Totals {
    /// Nanogas by region and opcode; see [`Totals::by_place`].
    gas: Vec<u64>,
    /// Effects by opcode and provider.
    pub(crate) effects: BTreeMap<(&'static str, String), Effects>,
    /// Models that effects named.
    pub(crate) models: std::collections::BTreeSet<String>,
    /// What a provider said about the budget that did not suffice, where that ended the run.
    pub(crate) lacked: Option<String>,
}

/// Effects of one opcode, answered by one provider.
#[derive(Default)]
pub(crate) struct Effects {
    pub(crate) count: u64,
    pub(crate) time: Duration,
    /// Nanogas paid.
    pub(crate) gas: u64,
    pub(crate) failed: u64,
    /// The last failure.
    pub(crate) failure: Option<String>,
}

impl<'a, const STEPS: bool> Meter<'a, STEPS> {
    pub(crate) fn new(out: &'a mut Out, json: bool) -> Self {
        Self { out, json, totals: Totals::default(), answering: None }
    }

    /// Hands on what the program logged so far.
    pub(crate) fn flush(&mut self) {
        self.out.flush();
    }

    /// Says who answered the effect that the machine takes next.
    pub(crate) fn answering(&mut self, provider: &str, time: Duration) {
        self.answering = Some((provider.to_owned(), time));
    }

    fn event(&mut self, event: &str, request: &EffectRequest, answer: &Answer, gas: u64) {
        let mut record = Record::from_iter([
            ("id", Value::Int(number(request.id))),
            ("opcode", Value::text(request.opcode.mnemonic())),
            ("gas", Value::Int(number(gas))),
            ("units", Value::Int(number(answer.units))),
        ]);
        if let Some((provider, time)) = &self.answering {
            record.insert("provider".into(), Value::text(provider));
            record.insert("ms".into(), Value::float(time.as_secs_f64() * 1e3));
        }
        if let Err(failure) = &answer.result {
            record.insert("failure".into(), Value::text(failure.code.name()));
            record.insert("message".into(), Value::text(&failure.message));
        }
        self.out.event(event, record);
    }
}

/// A count as JSON can carry it.
pub(crate) fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl<const STEPS: bool> Observer for Meter<'_, STEPS> {
    const STEPS: bool = STEPS;

    fn step(&mut self, at: CodePlace, opcode: Opcode, gas: u64) {
        // Somebody else may watch the steps.
        if !STEPS {
            return;
        }
        let index = at.region as usize * 256 + usize::from(opcode as u8);
        if index >= self.totals.gas.len() {
            self.totals.gas.resize(index + 256, 0);
        }
        self.totals.gas[index] += gas;
    }

    fn log(&mut self, note: &Value) {
        if self.json {
            self.out.event("log", Record::from_iter([("note", note.clone())]));
        } else {
            self.out.line(&to_text(note));
        }
    }

    fn effect(&mut self, request: &EffectRequest, answer: &Answer, gas: u64) {
        if self.json {
            self.event("effect", request, answer, gas);
        }
        // Without an answer from outside the machine refused the operands itself.
        let (provider, time) = self.answering.take().unwrap_or_default();
        let effects = self.totals.effects.entry((request.opcode.mnemonic(), provider)).or_default();
        effects.count += 1;
        effects.time += time;
        effects.gas += gas;
        if let Err(failure) = &answer.result {
            effects.failed += 1;
            effects.failure = Some(failure.to_string());
        }
        if let Some(model) = request.text_arg("model_ref").or_else(|| request.text_arg("model")) {
            self.totals.models.insert(model.to_owned());
        }
    }
}

impl Totals {
    /// Nanogas by index of the region and opcode, most first.
    pub(crate) fn by_place(&self) -> Vec<(usize, Opcode, u64)> {
        let mut places: Vec<_> = (self.gas.iter().enumerate())
            .filter(|(_, gas)| **gas > 0)
            .filter_map(|(index, gas)| {
                Some((index / 256, Opcode::from_byte((index % 256) as u8)?, *gas))
            })
            .collect();
        // Stable, so that equal amounts stay in the order of region and opcode.
        places.sort_by_key(|(_, _, gas)| std::cmp::Reverse(*gas));
        places
    }
}

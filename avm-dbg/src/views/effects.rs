//! Effects of a run around a place: what was asked and what came back.

use std::collections::BTreeMap;

use avm_ir::{Gas, Value, verify::CodePlace};
use avm_vm::{Answer, EffectRequest, Observer, journal::Event};

use super::MAX_OPERAND;
use crate::{
    reply::{Reply, datum, int, list, record, show, text},
    session::Session,
};

/// Most effects kept of one stretch.
const MOST: usize = 1000;

/// An effect as it was seen.
struct Seen {
    id: u64,
    mnemonic: &'static str,
    at: CodePlace,
    args: Vec<(&'static str, Value)>,
    result: Result<Vec<Value>, String>,
    gas: u64,
}

/// Keeps effects.
struct Capture(Vec<Seen>);

impl Observer for Capture {
    const STEPS: bool = false;

    fn effect(&mut self, request: &EffectRequest, answer: &Answer, gas: u64) {
        if self.0.len() >= MOST {
            return;
        }
        let info = request.opcode.info();
        let args = info.inputs.iter().zip(request.args.iter());
        let args = args.filter_map(|(operand, arg)| Some((operand.name, arg.clone()?))).collect();
        let result = answer.result.clone().map_err(|failure| failure.to_string());
        let (id, mnemonic, at) = (request.id, info.mnemonic, request.at);
        self.0.push(Seen { id, mnemonic, at, args, result, gas });
    }
}

/// So many effects around here. The journal has answers and steps; the questions come from
/// executing the stretch between them again.
pub(crate) fn effects(session: &mut Session, most: usize) -> Reply {
    let answered = session.journal().records.iter().filter_map(|record| match record.event {
        Event::Answered { id, .. } => Some((id, record.steps)),
        _ => None,
    });
    // One that a top-up asked again was answered twice, at the same step.
    let steps: BTreeMap<u64, u64> = answered.collect();
    let all: Vec<u64> = steps.values().copied().collect();
    let here = session.step();
    let next = all.partition_point(|step| *step < here);
    let first = next.saturating_sub(most / 2).min(all.len().saturating_sub(most));
    let shown = &all[first..all.len().min(first + most)];
    let (Some(from), Some(to)) = (shown.first(), shown.last()) else {
        let text = String::from("the run asked nothing outside, or nothing answered");
        return Reply::new(text, list([]));
    };
    let mut player = session.player_at(*from);
    let mut seen = Capture(Vec::new());
    session.run.timeline.run(&mut player, to + 1, &mut seen);
    let mut lines = Vec::new();
    if first > 0 {
        lines.push(format!("… {first} before"));
    }
    let mut data = Vec::new();
    for effect in &seen.0 {
        let step = steps.get(&effect.id).copied();
        let shown: Vec<String> = { effect.args.iter() }
            .map(|(name, value)| format!("{name}={}", show(value, MAX_OPERAND)))
            .collect();
        let result = match &effect.result {
            Ok(outputs) => {
                let outputs = outputs.iter().map(|value| show(value, 2 * MAX_OPERAND));
                outputs.collect::<Vec<_>>().join(", ")
            }
            Err(failure) => format!("failed, {failure}"),
        };
        let mark = if step == Some(here) { '>' } else { ' ' };
        let when = step.map_or(String::from("not asked"), |step| format!("step {step}"));
        lines.push(format!(
            "{mark}#{} {when}, {}: {}({}) -> {result}, gas {}",
            effect.id,
            session.code.place_name(effect.at),
            effect.mnemonic,
            shown.join(", "),
            Gas(effect.gas)
        ));
        let args = effect
            .args
            .iter()
            .map(|(name, value)| record([("name", (*name).into()), ("value", datum(value))]));
        let outputs = effect.result.iter().flatten().map(datum);
        data.push(record([
            ("id", int(effect.id)),
            ("step", step.map_or(Value::Null, int)),
            ("instruction", effect.mnemonic.into()),
            ("args", list(args)),
            ("outputs", list(outputs)),
            ("failure", text(effect.result.as_ref().err().map(String::as_str))),
            ("gas", int(effect.gas)),
        ]));
    }
    let after = all.len() - (first + shown.len());
    if after > 0 {
        lines.push(format!("… {after} behind"));
    }
    Reply::new(lines.join("\n"), list(data))
}

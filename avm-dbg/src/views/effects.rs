//! Effects of a run around a place: what was asked and what came back.

use std::{collections::BTreeMap, sync::Arc};

<<<<<<< HEAD
use avm_ir::{Gas, Value, value::Record, verify::CodePlace};
use avm_vm::{Answer, EffectRequest, Observer, journal::Event};
=======
use avm_ir::{Gas, Value, verify::CodePlace};
use avm_vm::{
    Answer, EffectRequest, Image, Machine, Observer, journal::Event, observer::Rewritten,
};
>>>>>>> 59af39d (Debugger: names, lines, places and breakpoints are those of the code that runs where one stands; versions, break rewrite)

use crate::{
    asked::Asked,
    reply::{Reply, int, list},
    session::Session,
};

/// Most effects kept of one stretch.
const MOST: usize = 1000;

/// An effect as it was seen.
struct Seen {
    asked: Asked,
    at: CodePlace,
<<<<<<< HEAD
=======
    /// The code then.
    image: Arc<Image>,
    args: Vec<(&'static str, Value)>,
    result: Result<Vec<Value>, String>,
>>>>>>> 59af39d (Debugger: names, lines, places and breakpoints are those of the code that runs where one stands; versions, break rewrite)
    gas: u64,
}

/// Keeps effects.
struct Capture {
    all: Vec<Seen>,
    image: Arc<Image>,
}

impl Observer for Capture {
    const STEPS: bool = false;

    fn effect(&mut self, request: &EffectRequest, answer: &Answer, gas: u64) {
<<<<<<< HEAD
        if self.0.len() < MOST {
            self.0.push(Seen { asked: Asked::of(request, answer), at: request.at, gas });
        }
=======
        if self.all.len() >= MOST {
            return;
        }
        let info = request.opcode.info();
        let args = info.inputs.iter().zip(request.args.iter());
        let args = args.filter_map(|(operand, arg)| Some((operand.name, arg.clone()?))).collect();
        let result = answer.result.clone().map_err(|failure| failure.to_string());
        let (id, mnemonic, at) = (request.id, info.mnemonic, request.at);
        let image = Arc::clone(&self.image);
        self.all.push(Seen { id, mnemonic, at, image, args, result, gas });
    }

    fn rewritten(&mut self, machine: &Machine, _: &Rewritten) {
        self.image = Arc::clone(machine.image());
>>>>>>> 59af39d (Debugger: names, lines, places and breakpoints are those of the code that runs where one stands; versions, break rewrite)
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
    let mut seen = Capture { all: Vec::new(), image: Arc::clone(player.machine().image()) };
    session.run.timeline.run(&mut player, to + 1, &mut seen);
    let mut lines = Vec::new();
    if first > 0 {
        lines.push(format!("… {first} before"));
    }
    let mut data = Vec::new();
<<<<<<< HEAD
    for Seen { asked, at, gas } in &seen.0 {
        let step = steps.get(&asked.id).copied();
        let mark = if step == Some(here) { '>' } else { ' ' };
        let when = step.map_or(String::from("not asked"), |step| format!("step {step}"));
        lines.push(format!(
            "{mark}#{} {when}, {}: {} -> {}, gas {}",
            asked.id,
            session.code.place_name(*at),
            asked.question(),
            asked.answer(),
            Gas(*gas)
=======
    for effect in &seen.all {
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
            session.codes.of(&effect.image).place_name(effect.at),
            effect.mnemonic,
            shown.join(", "),
            Gas(effect.gas)
>>>>>>> 59af39d (Debugger: names, lines, places and breakpoints are those of the code that runs where one stands; versions, break rewrite)
        ));
        let mut fields: Vec<_> = asked.fields().into();
        fields.insert(1, ("step", step.map_or(Value::Null, int)));
        fields.push(("gas", int(*gas)));
        data.push(Record::from_iter(fields).into());
    }
    let after = all.len() - (first + shown.len());
    if after > 0 {
        lines.push(format!("… {after} behind"));
    }
    Reply::new(lines.join("\n"), list(data))
}
